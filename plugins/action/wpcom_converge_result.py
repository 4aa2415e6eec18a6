# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The action that ends a task of a host with the result that a task for its account had for it."""

from __future__ import annotations

from typing import Any

from ansible.plugins.action import ActionBase

from ansible_collections.community.wpcom.plugins.plugin_utils._plain import plain

_KEYS = ("changed", "failed", "skipped", "msg", "diff")


class ActionModule(ActionBase):
    """Return what the option ``result`` holds."""

    TRANSFERS_FILES = False
    _requires_connection = False
    _supports_check_mode = True

    def run(self, tmp: Any = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Return the result."""
        _validation, options = self.validate_argument_spec({"result": {"type": "dict", "required": True}})
        result: dict[str, Any] = super().run(tmp, task_vars)
        given = plain(options["result"])
        result.update((key, given[key]) for key in _KEYS if key in given)
        result.setdefault("changed", False)
        if not self._task.diff:
            result.pop("diff", None)
        if "msg" in result:
            # Only what is worth knowing has a message. It is shown like that of ansible.builtin.debug.
            result["_ansible_verbose_always"] = True
        return result
