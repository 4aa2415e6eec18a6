# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A callback that writes the result of each task to a file, one line of JSON each."""

from __future__ import annotations

import json
from typing import Any

from ansible.parsing.ajson import AnsibleJSONEncoder
from ansible.plugins.callback import CallbackBase

DOCUMENTATION = r"""
name: task_results
type: aggregate
short_description: Write the result of each task to a file
description:
  - Appends a line of JSON for each result to a file.
options:
  path:
    description: The file.
    type: path
    required: true
    env:
      - name: TASK_RESULTS
    ini:
      - section: task_results
        key: path
"""


class CallbackModule(CallbackBase):
    """Active wherever its folder is among those of the callbacks."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "task_results"
    # Its folder is named where it is wanted, and ansible-test sets itself which others are enabled.
    CALLBACK_NEEDS_ENABLED = False

    def _write(self, outcome: str, result: Any) -> None:
        task = result._task
        entry = {"task": task.get_name(), "action": task.action, "outcome": outcome, "result": result._result}
        with open(self.get_option("path"), "a", encoding="utf-8") as file:
            file.write(json.dumps(entry, cls=AnsibleJSONEncoder) + "\n")

    def v2_runner_on_ok(self, result: Any) -> None:
        """Write the result of a task that is ok."""
        self._write("ok", result)

    def v2_runner_on_failed(self, result: Any, ignore_errors: bool = False) -> None:
        """Write the result of a task that failed."""
        self._write("failed", result)

    def v2_runner_on_skipped(self, result: Any) -> None:
        """Write the result of a task that was skipped."""
        self._write("skipped", result)

    def v2_runner_on_unreachable(self, result: Any) -> None:
        """Write the result of a task whose host is unreachable."""
        self._write("unreachable", result)
