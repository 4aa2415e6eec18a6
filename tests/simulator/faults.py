# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Misbehaviour on demand: which request is hit by a fault, and what it gets to see."""

from __future__ import annotations

import random
import re
from collections.abc import Mapping
from typing import Any, Optional
from wsgiref.util import is_hop_by_hop

from flask import Response

from .responses import ApiResponse, foreign_response

KINDS = (
    "status",
    "cut",
    "truncate",
    "delay",
    "hang",
    "html",
    "redirect",
    "limit_reached",
    "throttle",
    "garbage",
    "bad_encoding",
    "wrong_shape",
    "empty",
    "echo",
)
_COMMON = ("method", "path", "times", "skip", "probability", "kind", "when", "envelope")
_OWN = {
    "status": ("status", "headers", "body", "content_type"),
    "delay": ("seconds",),
    "hang": ("seconds",),
    "redirect": ("status", "location"),
    "limit_reached": ("retry_after",),
    "throttle": ("retry_after",),
    "wrong_shape": ("body",),
    "echo": ("status",),
}

HTML = "text/html; charset=UTF-8"
HTML_LIMIT = (
    "<!DOCTYPE html>\n<html><head><title>WordPress.com</title></head><body><h1>Limit reached</h1></body></html>\n"
)
HTML_PORTAL = (
    "<!DOCTYPE html>\n<html><head><title>Welcome to the guest network</title></head>"
    '<body><form action="/login" method="post"><p>Please accept the terms of use.</p>'
    '<input type="submit" value="Accept"></form></body></html>\n'
)


class FaultError(ValueError):
    """A fault that cannot be: the text names the key."""


class Fault:
    """One order to misbehave."""

    def __init__(self, given: Mapping[str, Any]) -> None:
        """Check an order."""
        kind = given.get("kind")
        if kind not in KINDS:
            raise FaultError(f"kind: {kind!r} is not one of {', '.join(KINDS)}")
        allowed = _COMMON + _OWN.get(kind, ())
        for key in given:
            if key not in allowed:
                raise FaultError(f"unknown key {key!r} for the kind {kind}; there are: {', '.join(allowed)}")
        self.kind: str = kind
        self.given = dict(given)
        self.method = str(given.get("method", "*")).upper()
        try:
            self.path = re.compile(str(given.get("path", ".*")))
        except re.error as error:
            raise FaultError(f"path: not a regular expression: {error}") from error
        self.probability: Optional[float] = _number(given, "probability", None, 0, 1)
        self.times = _whole(given, "times", 1 if self.probability is None else -1)
        self.skip = _whole(given, "skip", 0)
        self.when: str = given.get("when", "before")
        if self.when not in ("before", "after"):
            raise FaultError(f"when: {self.when!r} is neither before nor after")
        self.seconds: float = _number(given, "seconds", 3600.0 if kind == "hang" else 1.0, 0, 3600) or 0.0
        self.status = _whole(given, "status", {"redirect": 302}.get(kind, 500))
        if not 200 <= self.status <= 599:
            raise FaultError(f"status: {self.status} is not an HTTP status")
        headers = given.get("headers", {})
        if not isinstance(headers, Mapping):
            raise FaultError("headers: not a mapping")
        for name in headers:
            if is_hop_by_hop(str(name)):
                raise FaultError(f"headers: {name} belongs to the connection")
        self.headers = {str(name): str(value) for name, value in headers.items()}

    def hits(self, method: str, path: str, rng: random.Random) -> bool:
        """Return whether this fault is due for a request, and count it."""
        if self.times == 0 or self.method not in ("*", method) or not self.path.fullmatch(path):
            return False
        if self.skip > 0:
            self.skip -= 1
            return False
        if self.probability is not None and rng.random() >= self.probability:
            return False
        if self.times > 0:
            self.times -= 1
        return True

    def response(self, headers: Mapping[str, str], throttle_form: str, usual: Response) -> Response:
        """Make the response that the client gets in place of the usual one."""
        given = self.given
        if self.kind == "status":
            return self._error()
        if self.kind == "html":
            return foreign_response(HTML_PORTAL, content_type=HTML)
        if self.kind == "redirect":
            location = str(given.get("location", "https://elsewhere.example.com/"))
            return foreign_response("", self.status, HTML, {"Location": location})
        if self.kind == "limit_reached":
            return throttled(throttle_form, given.get("retry_after"))
        if self.kind == "throttle":
            return throttled("json429", given.get("retry_after"))
        if self.kind == "garbage":
            return foreign_response('{"connections": [{"ID": 1, oops')
        if self.kind == "bad_encoding":
            return foreign_response(b"\x1f\x8bnot gzip at all", headers={"Content-Encoding": "gzip"})
        if self.kind == "wrong_shape":
            body = given.get("body", ["unexpected"])
            return foreign_response(body)
        if self.kind == "empty":
            return foreign_response("")
        if self.kind == "echo":
            text = "; ".join(f"{name}: {value}" for name, value in headers.items())
            body = {"error": "server_error", "message": f"Request was: {text}", "headers": dict(headers)}
            return foreign_response(body, self.status)
        # Cut, truncate and hang are done to the connection, a delay to the clock.
        return usual

    def _error(self) -> Response:
        slug = {404: "not_found", 403: "authorization_required"}.get(self.status, "server_error")
        body = self.given.get("body", {"error": slug, "message": "The simulator was told to fail."})
        content_type = self.given.get("content_type", HTML if isinstance(body, str) else "application/json")
        # Only an error that the API itself makes knows of envelopes.
        make = ApiResponse if self.given.get("envelope", False) else foreign_response
        return make(body, self.status, str(content_type), self.headers)

    def shown(self) -> dict[str, Any]:
        """Show the order as given, with what is left of it."""
        return {**self.given, "times": self.times, "skip": self.skip}


def throttled(form: str, retry_after: Any = None) -> Response:
    """Make the response to a client that asks too much."""
    headers = {} if retry_after is None else {"Retry-After": str(retry_after)}
    if form == "json429":
        return foreign_response({"error": "too_many_requests", "message": "Slow down, please."}, 429, headers=headers)
    return foreign_response(HTML_LIMIT, 503 if form == "html503" else 500, HTML, headers)


def _whole(given: Mapping[str, Any], key: str, default: int) -> int:
    value = given.get(key, default)
    if isinstance(value, bool) or not isinstance(value, int):
        raise FaultError(f"{key}: {value!r} is not a whole number")
    return value


def _number(given: Mapping[str, Any], key: str, default: Optional[float], low: float, high: float) -> Optional[float]:
    value = given.get(key)
    if value is None:
        return default
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not low <= value <= high:
        raise FaultError(f"{key}: {value!r} is not a number from {low} to {high}")
    return float(value)
