# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Running a module inside the controller's worker process, where a task's connection is local."""

from __future__ import annotations

import json
import os
from collections.abc import Hashable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from ansible import constants as C
from ansible.module_utils.common.arg_spec import ModuleArgumentSpecValidator
from ansible.module_utils.common.parameters import remove_values
from ansible.module_utils.errors import UnsupportedError
from ansible.module_utils.parsing.convert_bool import boolean
from ansible.plugins.action import ActionBase

from ansible_collections.community.wpcom.plugins.module_utils._errors import WpcomError
from ansible_collections.community.wpcom.plugins.module_utils._http.transport import HAS_REQUESTS
from ansible_collections.community.wpcom.plugins.module_utils._runner import (
    Client,
    ModuleSpec,
    Outcome,
    execute,
    execute_with,
)

SWITCH = "WPCOM_IN_PROCESS"


class _Kept:
    """The client that the items of one loop share.

    A loop runs in one worker process and each task in a worker of its own; the task is part of the key all the same, so
    that nothing is ever kept across tasks.
    """

    key: Hashable = None
    client: Client | None = None

    @classmethod
    def drop(cls) -> None:
        """Close what is kept."""
        if cls.client is not None:
            cls.client.close()
        cls.key = cls.client = None


class InProcessAction(ActionBase):
    """An action that does what the module of its name does, without starting one where that makes no difference.

    With a remote connection, async, become, the environment variable WPCOM_IN_PROCESS=false, or without requests on the
    controller, the ordinary module runs.
    """

    _supports_async = True
    _supports_check_mode = True
    module: ModuleSpec

    def run(self, tmp: Any = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Return the result of the module."""
        task_vars = task_vars or {}
        result: dict[str, Any] = super().run(tmp, task_vars)
        environment: dict[str, Any] = {}
        self._compute_environment_string(environment)
        if not self._is_in_process({**os.environ, **environment}):
            wrap_async = bool(self._task.async_val) and not self._connection.has_native_async
            result.update(self._execute_module(task_vars=task_vars, wrap_async=wrap_async))
            return result
        with _environment(environment):
            result.update(self._result(environment))
        return result

    def _is_in_process(self, environment: Mapping[str, Any]) -> bool:
        wanted = environment.get(SWITCH)
        return (
            HAS_REQUESTS
            and boolean(str(wanted) if wanted else "true", strict=False)
            and not self._task.async_val
            and not self._play_context.become
            and self._connection.transport == "local"
        )

    def _result(self, environment: Mapping[str, Any]) -> dict[str, Any]:
        spec = self.module
        validation = ModuleArgumentSpecValidator(spec.argument_spec, **spec.rules).validate(_plain(self._task.args))
        params = validation.validated_parameters
        if validation.error_messages:
            message = validation.errors.msg
            if isinstance(validation.errors[0], UnsupportedError):
                message = f"Unsupported parameters for ({self._task.action}) module: {message}"
            outcome = Outcome({"msg": message}, failed=True)
        else:
            outcome = self._outcome(params, environment)
        result = {**outcome.result, **({"failed": True} if outcome.failed else {})}
        if outcome.warnings:
            result["warnings"] = outcome.warnings
        # As AnsibleModule does before it hands over a result.
        if getattr(C, "INJECT_INVOCATION", True):
            result["invocation"] = {"module_args": params}
        secrets = validation._no_log_values
        preserved = {key: value for key, value in result.items() if value is None or isinstance(value, bool)}
        return {**_scrubbed(result, secrets), **preserved}

    def _outcome(self, params: Mapping[str, Any], environment: Mapping[str, Any]) -> Outcome:
        check_mode = bool(self._task.check_mode)
        # A task that is tried again waits for what was read to change, so it reads anew.
        if self._task.loop is None or self._task.until or self._task.retries is not None:
            return execute(self.module, params, check_mode=check_mode)
        try:
            client = self._looped_client(params, environment, check_mode)
        except WpcomError as error:
            return Outcome(error.as_result(), failed=True)
        return execute_with(client, self.module, params, check_mode=check_mode)

    def _looped_client(self, params: Mapping[str, Any], environment: Mapping[str, Any], check_mode: bool) -> Client:
        """Return the client of the loop, a new one where an item wants another connection."""
        shared = Client.shared_by(params, check_mode=check_mode)
        key = (self._task._uuid, shared, tuple(sorted((str(k), str(v)) for k, v in environment.items())))
        if _Kept.client is None or _Kept.key != key:
            _Kept.drop()
            _Kept.client = Client(self.module, params, check_mode=check_mode, read_ahead=True)
            _Kept.key = key
        return _Kept.client


def _scrubbed(result: dict[str, Any], secrets: Iterable[str]) -> dict[str, Any]:
    """Return the result without the secrets."""
    # As one text it is looked through in a tenth of the time, and hardly ever is there anything to remove.
    text = json.dumps(result, default=str)
    if any(json.dumps(secret)[1:-1] in text for secret in secrets):
        result = remove_values(result, secrets)
    return result


@contextmanager
def _environment(variables: Mapping[str, Any]) -> Iterator[None]:
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


def _plain(value: Any) -> Any:
    """Return a task's argument as a module gets it: without tags, vault objects or lazy containers."""
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items() if not str(key).startswith("_ansible_")}
    if isinstance(value, (list, tuple, set)):
        return [_plain(item) for item in value]
    if value is None or isinstance(value, bool):
        return value
    for kind in (int, float):
        if isinstance(value, kind):
            return kind(value)
    return str(value)
