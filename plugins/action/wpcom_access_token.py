# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Get a token: the user is asked within Ansible's process, so that no secret is in an argument or a temporary file."""

from __future__ import annotations

import io
import sys
from typing import Any

from ansible.errors import AnsibleError
from ansible.module_utils.common.arg_spec import ModuleArgumentSpecValidator, ValidationResult
from ansible.module_utils.common.parameters import remove_values
from ansible.plugins.action import ActionBase
from ansible.utils.display import Display

from ansible_collections.community.wpcom.plugins.module_utils._errors import WpcomError
from ansible_collections.community.wpcom.plugins.module_utils._execute import TaskResult
from ansible_collections.community.wpcom.plugins.module_utils._http.transport import HAS_REQUESTS
from ansible_collections.community.wpcom.plugins.modules.wpcom_access_token import ARGUMENT_SPEC, RULES
from ansible_collections.community.wpcom.plugins.plugin_utils._access_token import get_token
from ansible_collections.community.wpcom.plugins.plugin_utils._in_process import environment_variables
from ansible_collections.community.wpcom.plugins.plugin_utils._plain import plain, validation_errors

# Ansible imports an action before it starts the worker, in the process that prints. Where the output is a pipe, Python would
# keep the URL back until the end, while the task waits for a browser.
if isinstance(sys.stdout, io.TextIOWrapper):
    sys.stdout.reconfigure(line_buffering=True)


class _Terminal:
    """The terminal that Ansible was started in."""

    def __init__(self) -> None:
        self._display = Display()

    def show(self, text: str) -> None:
        """Show a text immediately, in the log file too."""
        self._display.display(text)

    def ask(self, prompt: str, seconds: int | None = None) -> str | None:
        """Return what the user types or pastes, which is not shown; None without a terminal or after the time."""
        try:
            typed = self._display.prompt_until(prompt, private=True, seconds=seconds)
        except AnsibleError:
            # Not interactive, or interrupted.
            return None
        return typed.decode("utf-8", errors="replace").strip() or None


class ActionModule(ActionBase):
    """Get a token on the control node, once for all hosts."""

    BYPASS_HOST_LOOP = True
    TRANSFERS_FILES = False
    _supports_async = False
    _supports_check_mode = True
    _supports_diff = False
    _requires_connection = False

    def run(self, tmp: Any = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Return who the token belongs to."""
        result: dict[str, Any] = super().run(tmp, task_vars or {})
        environment: dict[str, Any] = {}
        self._compute_environment_string(environment)
        # A template that inserts nothing has no effect.
        given = {
            name: value for name, value in plain(self._task.args).items() if value not in ("", None) or name == "scope"
        }
        with environment_variables(environment):
            validation = ModuleArgumentSpecValidator(ARGUMENT_SPEC, **RULES).validate(given)
            task = self._result(validation)
        token = task.result.pop("access_token", None)
        secrets = {*validation._no_log_values, *task.secrets}
        result.update(remove_values({**task.result, "warnings": task.warnings}, secrets))
        if task.failed:
            result["failed"] = True
        if token is not None:
            # Asked for; the task is meant to have no_log.
            result["access_token"] = token
        return result

    def _result(self, validation: ValidationResult) -> TaskResult:
        if validation.error_messages:
            return TaskResult({"msg": validation_errors(validation, f"({self._task.action}) module")}, failed=True)
        if not HAS_REQUESTS:
            return TaskResult({"msg": "The Python library requests is required on the control node."}, failed=True)
        try:
            return get_token(validation.validated_parameters, _Terminal(), check_mode=bool(self._task.check_mode))
        except WpcomError as error:
            return TaskResult.of_error(error)
