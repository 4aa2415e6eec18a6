# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An action that runs the module of its name within Ansible's process: 50 times a new Python would take 40 seconds."""

from __future__ import annotations

import io
import json
import runpy
from contextlib import redirect_stderr, redirect_stdout
from typing import Any

from ansible.module_utils import basic
from ansible.plugins.action import ActionBase

# Before Ansible forks for each item of a loop.
from ansible_collections.awx.awx.plugins.module_utils import controller_api

__all__ = ["ActionModule", "controller_api"]


class ActionModule(ActionBase):
    """Accepts what the module accepts, and returns what it returns."""

    def run(self, tmp: Any = None, task_vars: Any = None) -> dict[str, Any]:
        """Run the module; what it prints is its result."""
        del tmp, task_vars
        arguments = json.loads(json.dumps(self._task.args))
        arguments.update(_ansible_check_mode=self._task.check_mode, _ansible_diff=self._task.diff)
        name = self._task.resolved_action.rsplit(".", 1)[1]
        basic._ANSIBLE_ARGS = json.dumps({"ANSIBLE_MODULE_ARGS": arguments}).encode()
        basic._ANSIBLE_PROFILE = "legacy"
        printed = io.StringIO()
        try:
            with redirect_stdout(printed), redirect_stderr(io.StringIO()):
                runpy.run_module(f"ansible_collections.awx.awx.plugins.modules.{name}", run_name="__main__")
        except SystemExit:
            pass
        return dict(json.loads(printed.getvalue()))
