# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Changes the simulator and returns its request log; on the controller, without the cost of a module."""

from __future__ import annotations

import json
import ssl
import urllib.request
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase

# What is asked of the control interface, in this order, and how.
ORDERS = {
    "reset": ("POST", "reset"),
    "patch": ("PATCH", "state"),
    "settings": ("POST", "settings"),
    "faults": ("POST", "faults"),
}


class ActionModule(ActionBase):
    """The task "simulator"; returns ``requests`` as they were before it cleared them, and the ``state`` afterwards."""

    TRANSFERS_FILES = False
    _requires_connection = False
    _supports_check_mode = True

    def run(self, tmp: Any = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Read the request log, change the simulator, and return the log and the new state."""
        result = super().run(tmp, task_vars)
        arguments = dict(self._task.args)
        clear = arguments.pop("clear", False)
        url = arguments.pop("url", None) or (task_vars or {})["simulator_url"]
        unknown = set(arguments) - set(ORDERS)
        if unknown:
            raise AnsibleActionFail(f"unknown: {', '.join(sorted(unknown))}")
        result["requests"] = self._call(url, "GET", "requests")["requests"]
        if clear:
            self._call(url, "DELETE", "requests")
        for name, (method, path) in ORDERS.items():
            if arguments.get(name) is not None and (arguments[name] or name == "reset"):
                self._call(url, method, path, arguments[name])
        result["state"] = self._call(url, "GET", "state")
        return result

    def _call(self, url: str, method: str, path: str, body: Any = None) -> Any:
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        handlers = [urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context)]
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{url}/_simulator/{path}", data=data, method=method)
        try:
            with urllib.request.build_opener(*handlers).open(request, timeout=30) as answer:
                return json.load(answer)
        except OSError as error:
            text = error.read().decode() if hasattr(error, "read") else ""
            raise AnsibleActionFail(f"{method} {path}: {error} {text}") from error
