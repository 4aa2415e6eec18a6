# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Flask application of the API: a route for each endpoint, and what happens before and after each request."""

from __future__ import annotations

import json
import re
import select
import socket
import ssl
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Callable, Optional

from flask import Flask, Response, g, request
from werkzeug.exceptions import HTTPException, MethodNotAllowed
from werkzeug.middleware.dispatcher import DispatcherMiddleware
from werkzeug.routing import BaseConverter, Map, Rule

from .casting import parse_body, parse_query, php_bool, php_string
from .control import make_control
from .core import Core
from .endpoints import BY_NAME, ENDPOINTS, REST, ApiError, Context, EmptyNotFound, Endpoint
from .faults import Fault
from .oauth import AuthorizationServer, OAuthError
from .records import with_gaps, with_inner_gaps
from .responses import ApiResponse
from .world import LISTS, Record

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

SECRETS = ("token", "access_token", "refresh_token", "client_secret", "password", "code", "code_verifier")

# What `fields` looks into, the first that the response has.
FILTERED_INSIDE = ("connections", "services", "sites")

GERMAN = "Das hat nicht geklappt ({slug})."


class NumberConverter(BaseConverter):
    """An ID in a path: ASCII digits only."""

    regex = "[0-9]+"

    def to_python(self, value: str) -> int:
        """Return the number; an absurdly long one is not found either way."""
        return int(value[:40])


@dataclass
class Exchange:
    """One request to the API, from its arrival to its response."""

    path: str
    query: dict[str, str]
    body: Any
    entry: Record
    fault: Optional[Fault] = None
    delays: list[Fault] = field(default_factory=list)

    @property
    def fault_comes_first(self) -> bool:
        """Return whether the fault hits before the request is carried out."""
        # Half a response to a read has to be a response; reading changes nothing.
        return (
            self.fault is not None
            and self.fault.when == "before"
            and not (self.fault.kind == "truncate" and request.method == "GET")
        )


def make_app(core: Core) -> WSGIApplication:
    """Build the WSGI application: the control interface under /_simulator, and the API everywhere else."""
    return DispatcherMiddleware(make_api(core), {"/_simulator": make_control(core)})


def make_api(core: Core) -> Flask:
    """Build the API."""
    app = Flask(__name__, static_folder=None)
    app.url_map.merge_slashes = False
    app.url_map.converters["number"] = NumberConverter
    for endpoint in ENDPOINTS:
        _route(app, REST + endpoint.rule, endpoint.name, _view(app, core, endpoint), endpoint.method)
    _add_authorization_server(app, core, "/oauth2", modern=False)
    _add_authorization_server(app, core, "/oauth2-1", modern=True)
    # Werkzeug adds HEAD to each GET, and the real server has none.
    for rule in app.url_map.iter_rules():
        (rule.methods or set()).discard("HEAD")
    _before_requests(app, core)
    _after_requests(app, core)
    _error_handlers(app, core)
    return app


def _route(app: Flask, rule: str, name: str, view: Callable[..., Response], method: str) -> None:
    app.add_url_rule(rule, name, view, methods=[method], strict_slashes=False, provide_automatic_options=False)


def _exchange() -> Exchange:
    exchange: Exchange = g.exchange
    return exchange


# Before a request


def _before_requests(app: Flask, core: Core) -> None:
    @app.before_request
    def log() -> None:
        # The whole body is read in any case: what is left of it would be taken for the next request.
        data = request.get_data(cache=True, parse_form_data=False)
        content_type = request.headers.get("Content-Type", "")
        kind = content_type.split(";")[0].strip().lower()
        form = list(request.form.items(multi=True)) if kind == "multipart/form-data" else None
        body = parse_body(data, content_type, form)
        query = parse_query(request.query_string.decode("utf-8", "replace"))
        path = logged_path(request.path)
        core.last_request = time.monotonic()
        masked = _masked(query)
        entry = core.log_request(
            {
                "method": request.method,
                "path": core.redacted(path),
                "query": core.redacted(masked),
                "body": core.redacted(_masked(body) if path.startswith("/oauth2") and isinstance(body, dict) else body),
                "status": None,
                "connection": request.environ.get("simulator.connection", 0),
                "authorization": _authorization(request.headers.get("Authorization")),
                "fault": None,
                "applied": False,
            }
        )
        g.exchange = Exchange(path, query, body, entry)

    @app.before_request
    def throttle() -> Optional[Response]:
        with core.lock:
            latency = core.latency
            refused = core.rate_limit.refuses(core.switches["throttle_form"]) if core.rate_limit else None
        if latency:
            time.sleep(latency / 1000)
        if refused is not None:
            _exchange().entry["fault"] = "rate_limit"
        return refused

    @app.before_request
    def faults() -> Optional[Response]:
        exchange = _exchange()
        exchange.delays, exchange.fault = core.due_faults(request.method, exchange.path)
        if exchange.delays or exchange.fault:
            exchange.entry["fault"] = (exchange.fault or exchange.delays[0]).kind
        _wait(exchange.delays, "before")
        if exchange.fault is None or not exchange.fault_comes_first:
            return None
        if exchange.fault.kind == "hang":
            _hang(core, exchange.fault)
        nothing = ApiResponse({"ID": 0, "deleted": False, "note": "This response is cut short, nothing was done."})
        return exchange.fault.response(dict(request.headers.items()), core.switches["throttle_form"], nothing)


def _masked(values: dict[str, Any]) -> dict[str, Any]:
    return {key: "***" if key in SECRETS and value else value for key, value in values.items()}


def _wait(delays: list[Fault], when: str) -> None:
    for delay in delays:
        if delay.when == when:
            time.sleep(delay.seconds)


def _hang(core: Core, fault: Fault) -> None:
    """Wait until the client gives up, the fault is forgotten or its time is over."""
    connection = request.environ.get("werkzeug.socket")
    deadline = time.monotonic() + fault.seconds
    while fault in core.faults and time.monotonic() < deadline:
        if connection is None:
            time.sleep(0.02)
        elif select.select([connection], [], [], 0.02)[0] and (
            # A TLS connection cannot be peeked into; a client that waits has nothing to say but goodbye.
            isinstance(connection, ssl.SSLSocket) or not connection.recv(1, socket.MSG_PEEK)
        ):
            return


def logged_path(path: str) -> str:
    """Return a path as the log has it, and faults are matched on: without the REST root and a trailing slash."""
    if path == REST or path.startswith(REST + "/"):
        path = path[len(REST) :]
        if path.endswith("/"):
            path = path[:-1]
        return path or "/"
    return path


def _authorization(header: Optional[str]) -> str:
    if header is None:
        return "none"
    return "bearer" if header.strip().lower().startswith("bearer ") else "other"


# The endpoints


def _view(app: Flask, core: Core, endpoint: Endpoint) -> Callable[..., Response]:
    """Make the view of an endpoint: who may use it, what it does, and what `meta` adds."""

    def view(**values: Any) -> Response:
        exchange = _exchange()
        with core.lock:
            core.world.expire_cache(core.current())
            context = Context(core, request.host_url.rstrip("/"), exchange.query, exchange.body)
            context.authenticate(request.headers.get("Authorization"))
            public = (endpoint.scope is None and core.switches["services_public"]) or (
                endpoint.name == "M3" and core.switches["sites_public"] and context.token is None
            )
            context.authorize(endpoint.scope, public)
            content = endpoint.handler(context, **values)
            if exchange.query.get("meta"):
                names = [name.strip() for name in exchange.query["meta"].split(",")]
                for row in _rows(content):
                    _embed(app, context, row, names)
            exchange.entry["applied"] = context.applied
        gaps = core.switches["php_gaps"]
        if gaps != "none":
            listed = endpoint.name in LISTS
            content = with_inner_gaps(content) if listed and gaps == "inner" else with_gaps(content)
        return ApiResponse(content)

    return view


def _rows(content: Record) -> list[Record]:
    """Return the records of a response: itself, or those in its list."""
    for key in ("connections", "sites"):
        if key in content:
            rows: list[Record] = content[key]
            return rows
    return [content]


def _embed(app: Flask, context: Context, content: Record, names: list[str]) -> None:
    """Add the records that the links of a record lead to, as the parameter `meta` asks."""
    if not isinstance(content, dict):
        return
    links = content.get("meta", {}).get("links", {})
    routes = app.url_map.bind_to_environ(request.environ)
    data: Record = {}
    for name in names:
        if name not in links or REST not in links[name]:
            continue
        try:
            found, values = routes.match(REST + links[name].split(REST, 1)[1], method="GET")
            endpoint = BY_NAME[found]
            context.authorize(endpoint.scope, endpoint.scope is None and context.switches["services_public"])
            data[name] = endpoint.handler(context, **values)
        except ApiError as error:
            data[name] = {"error": error.slug, "message": error.message}
        except (EmptyNotFound, HTTPException):
            pass
    if data:
        content["meta"]["data"] = data


def _add_authorization_server(app: Flask, core: Core, prefix: str, *, modern: bool) -> None:
    """Add the routes of one authorization server; faults, log and latency are those of the API."""
    server = AuthorizationServer(core, modern=modern)

    def route(method: str, path: str, handle: Callable[[Any], Response]) -> None:
        def view() -> Response:
            exchange = _exchange()
            given = exchange.query if method == "GET" else exchange.body
            if path != "register":
                pairs = given.items() if isinstance(given, dict) else ()
                given = {key: php_string(value) or "" for key, value in pairs}
            with core.lock:
                try:
                    return handle(given)
                except OAuthError as error:
                    return server.refused(error)

        _route(app, f"{prefix}/{path}", f"{prefix}/{path} {method}", view, method)

    route("GET", "authorize", server.authorize)
    route("POST", "authorize", server.decide)
    route("POST", "token", server.token)
    route("GET", "token-info", server.token_info)
    if modern:
        route("POST", "register", server.register)
        route("POST", "revoke", server.revoke)


# Errors


def _error_handlers(app: Flask, core: Core) -> None:
    # The endpoints as they would be if an ID were any text.
    without_digits = Map(
        [
            Rule(REST + endpoint.rule.replace("<number:", "<"), endpoint=endpoint.name)
            for endpoint in ENDPOINTS
            if "<number:" in endpoint.rule
        ],
        strict_slashes=False,
        merge_slashes=False,
    ).bind("")

    @app.errorhandler(ApiError)
    def refused(error: ApiError) -> Response:
        text = error.message if core.switches["message_language"] == "english" else GERMAN.format(slug=error.slug)
        return ApiResponse({"error": error.slug, "message": text}, error.status)

    @app.errorhandler(404)
    def no_route(error: Exception) -> Response:
        if core.switches["non_digit_id"] == "invalid_input" and without_digits.test(request.path):
            return refused(ApiError(400, "invalid_input", "The ID is not a number."))
        return empty_not_found(error)

    @app.errorhandler(EmptyNotFound)
    def empty_not_found(error: Exception) -> Response:
        return ApiResponse("", 404, "text/plain;charset=UTF-8")

    @app.errorhandler(405)
    def not_allowed(error: MethodNotAllowed) -> Response:
        allow = ", ".join(sorted(set(error.valid_methods or ())))
        content = {"error": "not_allowed", "error_message": f"This address takes {allow} only."}
        return ApiResponse(content, 405, headers={"Allow": allow})


# After a request


def _after_requests(app: Flask, core: Core) -> None:
    # Flask runs them from the last to the first.
    @app.after_request
    def log(response: Response) -> Response:
        cut = request.environ.get("simulator.action") == "cut"
        _exchange().entry["status"] = None if cut else response.status_code
        return response

    @app.after_request
    def shape(response: Response) -> Response:
        if isinstance(response, ApiResponse):
            _shape(response, _exchange().query, core.switches)
        return response

    @app.after_request
    def faults(response: Response) -> Response:
        exchange = _exchange()
        fault = exchange.fault
        if fault is not None:
            if not exchange.fault_comes_first:
                response = fault.response(dict(request.headers.items()), core.switches["throttle_form"], response)
                if fault.kind == "hang":
                    _hang(core, fault)
            if fault.kind in ("cut", "truncate", "hang"):
                request.environ["simulator.action"] = "truncate" if fault.kind == "truncate" else "cut"
        _wait(exchange.delays, "after")
        return response


def _shape(response: ApiResponse, query: dict[str, str], switches: Record) -> None:
    """Give a response its bytes, in the form that the query asks for."""
    content: Any = response.content
    plain = str(response.mimetype).startswith("text/")
    if response.status_code == 200 and query.get("fields") and not plain:
        content = filtered(content, query["fields"], switches["fields_on_applications"])
    insensitive = switches["boolean_case"] == "insensitive"
    if php_bool(query.get("http_envelope", ""), insensitive) and (not plain or switches["envelope_everything"]):
        names = [name for name, _value in response.headers if name not in ("Content-Type", "Content-Length")]
        pairs = [{"name": name, "value": response.headers[name]} for name in ("Content-Type", *names)]
        content = {"code": response.status_code, "headers": pairs, "body": content}
        response.status_code, response.content_type, plain = 200, "application/json", False
        for name in names:
            del response.headers[name]
    if plain:
        response.set_data(content)
        return
    pretty = php_bool(query.get("pretty", ""), insensitive)
    text = json.dumps(content, indent=4) if pretty else json.dumps(content, separators=(",", ":"))
    callback = re.sub(r"[^A-Za-z0-9_.]", "", query.get("callback", ""))
    if callback:
        text = f"/**/{callback}({text});"
        response.content_type = "application/javascript"
        response.headers["X-Content-Type-Options"] = "nosniff"
    response.set_data(text)


def filtered(content: Any, fields: str, on_applications: str) -> Any:
    """Keep the fields that are asked for, where the server knows how to."""
    names = {name.strip() for name in fields.split(",")}
    if not isinstance(content, dict):
        return content
    if "ID" not in content:
        for key in FILTERED_INSIDE:
            rows = content.get(key)
            if isinstance(rows, list):
                return {**content, key: [_kept(row, names) for row in rows]}
            if isinstance(rows, dict):
                return {**content, key: {name: _kept(row, names) for name, row in rows.items()}}
        if "connected_applications" in content and "connected_applications" not in names:
            return {"list": {"connected_applications": []}, "object": {}, "array": []}[on_applications]
    return _kept(content, names)


def _kept(row: Any, names: set[str]) -> Any:
    if not isinstance(row, dict):
        return row
    return {key: value for key, value in row.items() if key in names}
