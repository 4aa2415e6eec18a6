# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The fast path: a module runs in the controller's worker process where the connection of the task is local."""

from __future__ import annotations

import json
import os
from collections.abc import Hashable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Callable

from ansible import constants as C
from ansible.module_utils.common.arg_spec import ModuleArgumentSpecValidator
from ansible.module_utils.common.parameters import remove_values
from ansible.module_utils.errors import UnsupportedError
from ansible.module_utils.parsing.convert_bool import boolean
from ansible.plugins.action import ActionBase

from ansible_collections.community.wpcom.plugins.module_utils._cache.read_cache import Cache, ReadCache
from ansible_collections.community.wpcom.plugins.module_utils._errors import WpcomError
from ansible_collections.community.wpcom.plugins.module_utils._execute import TaskResult, execute
from ansible_collections.community.wpcom.plugins.module_utils._http.certificates import prepare
from ansible_collections.community.wpcom.plugins.module_utils._http.transport import HAS_REQUESTS
from ansible_collections.community.wpcom.plugins.module_utils._module import ModuleSpec, run_task
from ansible_collections.community.wpcom.plugins.module_utils._options import CONNECTION_OPTIONS, ConnectionOptions
from ansible_collections.community.wpcom.plugins.module_utils._session import Session
from ansible_collections.community.wpcom.plugins.plugin_utils._plain import plain

SWITCH = "WPCOM_IN_PROCESS"


def _is_switched_on(environment: Mapping[str, Any]) -> bool:
    """Whether the environment leaves the fast path switched on."""
    wanted: bool = boolean(str(environment.get(SWITCH) or "true"), strict=False)
    return wanted


def needs_certificates(environment: Mapping[str, Any]) -> bool:
    """Whether tasks are going to verify servers in this process and those that are forked from it, as far as is known yet."""
    return (
        HAS_REQUESTS and _is_switched_on(environment) and not environment.get("WPCOM_API_URL", "").startswith("http:")
    )


if needs_certificates(os.environ):
    # Ansible imports this before it forks the worker processes, all of which would read the certificates again.
    prepare()


class _Kept:
    """The session that the items of one loop share.

    A loop runs in one worker process and each task in a worker of its own; the task is part of the key all the same, so
    that nothing is ever kept across tasks.
    """

    key: Hashable = None
    session: Session | None = None

    @classmethod
    def drop(cls) -> None:
        """Close what is kept."""
        if cls.session is not None:
            cls.session.close()
        cls.key = cls.session = None


class InProcessAction(ActionBase):
    """An action that does what the module of its name does, without starting one where that makes no difference.

    With a remote connection, async, become, the environment variable WPCOM_IN_PROCESS=false, or without requests on the
    controller, the ordinary module runs.
    """

    _supports_async = True
    _supports_check_mode = True
    module: ModuleSpec
    # What the items of a loop read from; None where each has to read for itself.
    loop_cache: Callable[..., Cache] | None = ReadCache

    def run(self, tmp: Any = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Return the result of the module."""
        task_vars = task_vars or {}
        result: dict[str, Any] = super().run(tmp, task_vars)
        self._task.args = _without_empty_options(self._task.args)
        environment: dict[str, Any] = {}
        self._compute_environment_string(environment)
        if not self._is_in_process({**os.environ, **environment}):
            wrap_async = bool(self._task.async_val) and not self._connection.has_native_async
            result.update(self._execute_module(task_vars=task_vars, wrap_async=wrap_async))
            return result
        with environment_variables(environment):
            result.update(self._result(environment))
        return result

    def _is_in_process(self, environment: Mapping[str, Any]) -> bool:
        return (
            HAS_REQUESTS
            and _is_switched_on(environment)
            and not self._task.async_val
            and not self._play_context.become
            and self._connection.transport == "local"
        )

    def _result(self, environment: Mapping[str, Any]) -> dict[str, Any]:
        spec = self.module
        validation = ModuleArgumentSpecValidator(spec.argument_spec, **spec.rules).validate(plain(self._task.args))
        params = validation.validated_parameters
        if validation.error_messages:
            message = validation.errors.msg
            if isinstance(validation.errors[0], UnsupportedError):
                message = f"Unsupported parameters for ({self._task.action}) module: {message}"
            task = TaskResult({"msg": message}, failed=True)
        else:
            task = self._task_result(params, environment)
        result = {**task.result, **({"failed": True} if task.failed else {})}
        if task.warnings:
            result["warnings"] = task.warnings
        # As AnsibleModule does before it returns a result.
        if getattr(C, "INJECT_INVOCATION", True):
            result["invocation"] = {"module_args": params}
        secrets = {*validation._no_log_values, *task.secrets}
        preserved = {key: value for key, value in result.items() if value is None or isinstance(value, bool)}
        return {**_scrubbed(result, secrets), **preserved}

    def _task_result(self, params: Mapping[str, Any], environment: Mapping[str, Any]) -> TaskResult:
        check_mode, diff = bool(self._task.check_mode), bool(self._task.diff)
        loop_cache = self._shared_cache(params)
        if loop_cache is None:
            # What it writes or tests, the kept session would not know.
            _Kept.drop()
            return run_task(self.module, params, check_mode=check_mode, diff=diff)
        try:
            session = self._loop_session(loop_cache, params, environment, check_mode)
        except WpcomError as error:
            return TaskResult.of_error(error)
        try:
            return execute(session, self.module.planner, params, diff=diff)
        except BaseException:
            # Interrupted: what the server has done in the meantime is not known.
            _Kept.drop()
            raise

    def _shared_cache(self, params: Mapping[str, Any]) -> Callable[..., Cache] | None:
        """Return the cache of a loop without waits, in which what an earlier item read still holds; None for other tasks."""
        task = self._task
        waits = task.until or task.retries is not None or (task.loop_control and _is_pause(task.loop_control.pause))
        return None if task.loop is None or waits or params.get("test") else self.loop_cache

    def _loop_session(
        self,
        loop_cache: Callable[..., Cache],
        params: Mapping[str, Any],
        environment: Mapping[str, Any],
        check_mode: bool,
    ) -> Session:
        """Return the session of the loop, a new one where an item has other connection options. Raises OptionError."""
        options = ConnectionOptions.from_params(params)
        settings = self.module.loop_settings(params)
        variables = tuple(sorted((str(name), str(value)) for name, value in environment.items()))
        key = (self._task._uuid, options, settings, check_mode, variables)
        if _Kept.session is None or _Kept.key != key:
            _Kept.drop()
            _Kept.session = Session(options, loop_cache(check_mode=check_mode), settings, check_mode=check_mode)
            _Kept.key = key
        return _Kept.session


def _without_empty_options(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Return a task's arguments without connection options that are empty: where a template has nothing to insert."""
    names = {option.name for option in CONNECTION_OPTIONS}
    return {name: value for name, value in arguments.items() if not (name in names and value in ("", None))}


def _is_pause(pause: Any) -> bool:
    """Whether a loop waits between its items; a template that is not evaluated yet may say so."""
    try:
        return float(pause or 0) > 0
    except (TypeError, ValueError):
        return True


def _scrubbed(result: dict[str, Any], secrets: Iterable[str]) -> dict[str, Any]:
    """Return the result without the secrets."""
    # As one text it is looked through in a tenth of the time, and hardly ever is there anything to remove.
    text = json.dumps(result, default=str)
    if any(json.dumps(secret)[1:-1] in text for secret in secrets):
        result = remove_values(result, secrets)
    return result


@contextmanager
def environment_variables(variables: Mapping[str, Any]) -> Iterator[None]:
    """Set the environment of a task for the time that it runs."""
    before = {str(name): os.environ.get(str(name)) for name in variables}
    os.environ.update({str(name): str(value) for name, value in variables.items()})
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
