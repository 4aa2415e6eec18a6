# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The control interface under /_simulator, by which tests tell the simulator what to be and ask what it saw."""

from __future__ import annotations

import json
import time
from typing import Any

from flask import Flask, Response, request

from .core import Core, SettingError
from .faults import FaultError
from .switches import SwitchError
from .world import WorldError


class ControlError(ValueError):
    """A call to the control interface that cannot be understood."""


ERRORS = (ControlError, SettingError, FaultError, SwitchError, WorldError)


def _given(kind: type = dict) -> Any:
    """Read the JSON that came along; nothing at all is an empty mapping."""
    data = request.get_data()
    if not data:
        return {}
    try:
        given = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise ControlError(f"the body is not JSON: {error}") from error
    if not isinstance(given, (kind, dict)):
        raise ControlError("the body is not a JSON object")
    return given


def _response(body: Any, status: int = 200) -> Response:
    return Response(json.dumps(body), status=status, content_type="application/json")


def make_control(core: Core) -> Flask:
    """Build the control interface of a simulator."""
    app = Flask(__name__, static_folder=None)

    @app.before_request
    def touch() -> None:
        core.last_request = time.monotonic()

    def refused(error: Exception) -> Response:
        return _response({"error": str(error)}, 400)

    for kind in ERRORS:
        app.register_error_handler(kind, refused)

    @app.get("/health")
    def health() -> Response:
        return _response({"status": "ok"})

    @app.post("/reset")
    def reset() -> Response:
        given = _given()
        for key in given:
            if key not in ("world", "switches"):
                raise ControlError(f"unknown key {key!r}; there are: world, switches")
        core.reset(given.get("world"), given.get("switches"))
        return _response({"status": "ok"})

    @app.get("/requests")
    def requests() -> Response:
        return _response({"requests": core.requests(request.args.get("method"), request.args.get("path"))})

    @app.delete("/requests")
    def clear_requests() -> Response:
        core.clear_requests()
        return _response({"status": "ok"})

    @app.get("/faults")
    def faults() -> Response:
        with core.lock:
            return _response({"faults": [fault.shown() for fault in core.faults]})

    @app.post("/faults")
    def add_faults() -> Response:
        core.add_faults(_given(list))
        return _response({"status": "ok"})

    @app.delete("/faults")
    def clear_faults() -> Response:
        core.clear_faults()
        return _response({"status": "ok"})

    @app.get("/settings")
    def settings() -> Response:
        return _response(core.settings())

    @app.post("/settings")
    def change_settings() -> Response:
        core.change_settings(_given())
        return _response(core.settings())

    @app.get("/state")
    def state() -> Response:
        return _response(core.state())

    @app.patch("/state")
    def patch() -> Response:
        core.patch(_given())
        return _response({"status": "ok"})

    @app.route("/", defaults={"path": ""}, methods=["GET", "POST", "PUT", "PATCH", "DELETE"])
    @app.route("/<path:path>", methods=["GET", "POST", "PUT", "PATCH", "DELETE"])
    def unknown(path: str) -> Response:
        return _response(
            {"error": f"the control interface has no {request.method} {request.root_path}{request.path}"}, 404
        )

    return app
