# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The way of a request to the API: log, throttling, faults, the endpoint, and the form of the answer."""

from __future__ import annotations

import json
import re
import time
from typing import Any, Optional

from flask import Flask, Response, request

from .casting import parse_body, parse_query, php_bool
from .control import control
from .core import Core
from .endpoints import ApiError, Context, EmptyNotFound, embed, nearly, route
from .faults import Answer, Fault
from .world import Record

REST = "/rest/v1.1"
EMPTY_404 = Answer(404, "", "text/plain;charset=UTF-8")
SECRETS = ("token", "access_token", "client_secret", "password", "code")

# What `fields` looks into, the first that is there.
FILTERED_INSIDE = ("connections", "services", "sites")

GERMAN = "Das hat nicht geklappt ({slug})."


def make_app(core: Core) -> Flask:
    """Build the WSGI application: the control interface, and one entrance for everything else."""
    app = Flask(__name__, static_folder=None)
    app.url_map.merge_slashes = False
    app.register_blueprint(control(core), url_prefix="/_simulator")

    # Which methods exist is the API's business, so that Flask gets to see all of them.
    methods = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", "QUERY", "PROPFIND"]

    @app.route("/", defaults={"path": ""}, methods=methods, provide_automatic_options=False)
    @app.route("/<path:path>", methods=methods, provide_automatic_options=False)
    def entrance(path: str) -> Response:
        return serve(core)

    @app.errorhandler(405)
    def other_method(error: Any) -> Response:
        return serve(core)

    @app.errorhandler(404)
    def elsewhere(error: Any) -> Response:
        return serve(core)

    return app


def serve(core: Core) -> Response:
    """Answer one request to the API."""
    # The whole body is read in any case: what is left of it would be taken for the next request.
    data = request.get_data(cache=True, parse_form_data=False)
    content_type = request.headers.get("Content-Type", "")
    kind = content_type.split(";")[0].strip().lower()
    form = list(request.form.items(multi=True)) if kind == "multipart/form-data" else None
    body = parse_body(data, content_type, form)
    query = parse_query(request.query_string.decode("utf-8", "replace"))
    path = logged_path(request.path)
    core.last_request = time.monotonic()
    entry = core.log_request(
        {
            "method": request.method,
            "path": core.redacted(path),
            "query": core.redacted({key: "***" if key in SECRETS and value else value for key, value in query.items()}),
            "body": core.redacted(body),
            "status": None,
            "connection": request.environ.get("simulator.connection", 0),
            "authorization": _authorization(request.headers.get("Authorization")),
            "fault": None,
            "applied": False,
        }
    )
    with core.lock:
        latency = core.latency
        refused = core.rate_limit.refuses(core.switches["throttle_form"]) if core.rate_limit else None
    if latency:
        time.sleep(latency / 1000)
    if refused is not None:
        entry["fault"] = "rate_limit"
        return _finish(core, entry, refused, query)
    delays, fault = core.due_faults(request.method, path)
    if delays or fault:
        entry["fault"] = fault.kind if fault else delays[0].kind
    _wait([delay for delay in delays if delay.when == "before"])
    answer = _answer(core, entry, fault, path, query, body)
    _wait([delay for delay in delays if delay.when == "after"])
    if fault is not None and fault.kind in ("cut", "truncate"):
        request.environ["simulator.action"] = fault.kind
    return _finish(core, entry, answer, query)


def _answer(core: Core, entry: Record, fault: Optional[Fault], path: str, query: dict[str, str], body: Any) -> Answer:
    """Do what is asked, unless a fault comes before it, and return what the client gets to see."""
    inner = Answer(200, {"ID": 0, "deleted": False, "note": "This answer is cut short and nothing was done."})
    # Half an answer to a read has to be an answer; reading changes nothing.
    if fault is None or fault.when == "after" or (fault.kind == "truncate" and request.method == "GET"):
        with core.lock:
            inner, entry["applied"] = dispatch(core, path, query, body)
    if fault is None:
        return inner
    return fault.answer(dict(request.headers.items()), core.switches["throttle_form"], inner)


def _wait(delays: list[Fault]) -> None:
    for delay in delays:
        time.sleep(delay.seconds)


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


# Doing what is asked


def dispatch(core: Core, path: str, query: dict[str, str], body: Any) -> tuple[Answer, bool]:
    """Hand a request to its endpoint; return the answer, and whether a write changed something."""
    method = request.method
    if not request.path.startswith(REST + "/"):
        if request.path.rstrip("/") == "/oauth2/token-info":
            return (token_info(core, query) if method == "GET" else _not_allowed(["GET"])), False
        return EMPTY_404, False
    core.world.expire_cache(core.current())
    found = route(path)
    context = Context(core, request.host_url.rstrip("/"), query, body)
    try:
        if not found:
            if nearly(path) and core.switches["non_digit_id"] == "invalid_input":
                raise ApiError(400, "invalid_input", "The ID is not a number.")
            return EMPTY_404, False
        for endpoint, values in found:  # noqa: B007
            if endpoint.method == method:
                break
        else:
            return _not_allowed([endpoint.method for endpoint, values in found]), False
        context.authenticate(request.headers.get("Authorization"))
        public = (endpoint.scope is None and core.switches["services_public"]) or (
            endpoint.name == "M3" and core.switches["sites_public"] and context.token is None
        )
        context.authorize(endpoint.scope, public)
        answer = endpoint.handler(context, *values)
        if query.get("meta"):
            names = [name.strip() for name in query["meta"].split(",")]
            for row in _rows(answer):
                embed(context, row, names)
    except ApiError as error:
        text = error.message if core.switches["message_language"] == "english" else GERMAN.format(slug=error.slug)
        return Answer(error.status, {"error": error.slug, "message": text}), False
    except EmptyNotFound:
        return EMPTY_404, False
    return Answer(200, answer), context.applied


def _rows(answer: Record) -> list[Record]:
    """Return the records in an answer: itself, or those in its list."""
    for key in ("connections", "sites"):
        if key in answer:
            rows: list[Record] = answer[key]
            return rows
    return [answer]


def _not_allowed(methods: list[str]) -> Answer:
    allow = ", ".join(sorted(set(methods)))
    body = {"error": "not_allowed", "error_message": f"This address takes {allow} only."}
    return Answer(405, body, headers=(("Allow", allow),))


def token_info(core: Core, query: dict[str, str]) -> Answer:
    """O3: whose token it is; needs no login, and reports errors as OAuth does."""
    for name in ("client_id", "token"):
        if not query.get(name):
            return _oauth_error("invalid_request", f"The parameter {name} is missing.")
    token = core.world.tokens.get(query["token"])
    if token is None or token["revoked"]:
        return _oauth_error("invalid_token", "This token is not valid, or is no longer so.")
    if query["client_id"] != str(token["client_ID"]):
        return _oauth_error("invalid_client", "This token was issued to another client.")
    site = token["site_ID"]
    return Answer(
        200,
        {
            "client_id": str(token["client_ID"]),
            "user_id": str(token["user_ID"]),
            "blog_id": core.switches["token_info_unbound_blog"] if site is None else str(site),
            "scope": token["scope"],
        },
    )


def _oauth_error(slug: str, text: str) -> Answer:
    return Answer(400, {"error": slug, "error_description": text})


# The form of an answer


def filtered(body: Any, fields: str, on_applications: str) -> Any:
    """Keep the fields that are asked for, where the server knows how to."""
    names = {name.strip() for name in fields.split(",")}
    if not isinstance(body, dict):
        return body
    if "ID" not in body:
        for key in FILTERED_INSIDE:
            rows = body.get(key)
            if isinstance(rows, list):
                return {**body, key: [_kept(row, names) for row in rows]}
            if isinstance(rows, dict):
                return {**body, key: {name: _kept(row, names) for name, row in rows.items()}}
        if "connected_applications" in body and "connected_applications" not in names:
            return {"list": {"connected_applications": []}, "object": {}, "array": []}[on_applications]
    return _kept(body, names)


def _kept(row: Record, names: set[str]) -> Record:
    return {key: value for key, value in row.items() if key in names}


def _finish(core: Core, entry: Record, answer: Answer, query: dict[str, str]) -> Response:
    """Turn an answer into bytes, and note in the log how it went out."""
    status, body, content_type, headers = answer.status, answer.body, answer.content_type, answer.headers
    if not answer.raw:
        plain = content_type.startswith("text/")
        if status == 200 and query.get("fields") and not plain:
            body = filtered(body, query["fields"], core.switches["fields_on_applications"])
        insensitive = core.switches["boolean_case"] == "insensitive"
        wrap = php_bool(query.get("http_envelope", ""), insensitive)
        if wrap and (not plain or core.switches["envelope_everything"]):
            pairs = (("Content-Type", content_type), *headers)
            body = {"code": status, "headers": [{"name": name, "value": value} for name, value in pairs], "body": body}
            status, content_type, headers = 200, "application/json", ()
            plain = False
        if not plain:
            pretty = php_bool(query.get("pretty", ""), insensitive)
            body = json.dumps(body, indent=4) if pretty else json.dumps(body, separators=(",", ":"))
            callback = re.sub(r"[^A-Za-z0-9_.]", "", query.get("callback", ""))
            if callback:
                body = f"/**/{callback}({body});"
                content_type = "application/javascript"
                headers = (*headers, ("X-Content-Type-Options", "nosniff"))
    elif not isinstance(body, (str, bytes)):
        body = json.dumps(body)
    response = Response(body, status=status)
    response.headers["Content-Type"] = content_type
    for name, value in headers:
        response.headers[name] = value
    entry["status"] = None if request.environ.get("simulator.action") == "cut" else status
    return response
