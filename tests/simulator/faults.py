# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Misbehaviour on demand: which request is hit by a fault, and what it gets to see."""

from __future__ import annotations

import random
import re
from collections.abc import Mapping
from typing import Any, NamedTuple, Optional

KINDS = (
    "status",
    "cut",
    "truncate",
    "delay",
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
    "redirect": ("status", "location"),
    "limit_reached": ("retry_after",),
    "throttle": ("retry_after",),
    "wrong_shape": ("body",),
    "echo": ("status",),
}

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


class Answer(NamedTuple):
    """What goes back to the client."""

    status: int
    body: Any
    content_type: str = "application/json"
    headers: tuple[tuple[str, str], ...] = ()
    # A raw answer is bytes or text that is sent as it is: no envelope, no filter.
    raw: bool = False


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
        self.seconds: float = _number(given, "seconds", 1.0, 0, 3600) or 0.0
        self.status = _whole(given, "status", {"redirect": 302}.get(kind, 500))
        if not 200 <= self.status <= 599:
            raise FaultError(f"status: {self.status} is no HTTP status")
        headers = given.get("headers", {})
        if not isinstance(headers, Mapping):
            raise FaultError("headers: not a mapping")
        self.headers = tuple((str(name), str(value)) for name, value in headers.items())

    def hits(self, method: str, path: str, rng: random.Random) -> bool:
        """Tell whether this fault is due for a request, and count it."""
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

    def answer(self, headers: Mapping[str, str], throttle_form: str, inner: Answer) -> Answer:
        """Make what the client gets to see; `inner` is what it would have seen."""
        given = self.given
        if self.kind == "status":
            slug = {404: "not_found", 403: "authorization_required"}.get(self.status, "server_error")
            body = given.get("body", {"error": slug, "message": "The simulator was told to fail."})
            kind = given.get(
                "content_type", "text/html; charset=UTF-8" if isinstance(body, str) else "application/json"
            )
            # Only an error that the API itself makes knows of envelopes.
            return Answer(self.status, body, str(kind), self.headers, raw=not given.get("envelope", False))
        if self.kind == "html":
            return Answer(200, HTML_PORTAL, "text/html; charset=UTF-8", raw=True)
        if self.kind == "redirect":
            location = str(given.get("location", "https://elsewhere.example.com/"))
            return Answer(self.status, "", "text/html; charset=UTF-8", (("Location", location),), raw=True)
        if self.kind == "limit_reached":
            return throttled(throttle_form, given.get("retry_after"))
        if self.kind == "throttle":
            return throttled("json429", given.get("retry_after"))
        if self.kind == "garbage":
            return Answer(200, '{"connections": [{"ID": 1, oops', raw=True)
        if self.kind == "bad_encoding":
            return Answer(200, b"\x1f\x8bnot gzip at all", headers=(("Content-Encoding", "gzip"),), raw=True)
        if self.kind == "wrong_shape":
            return Answer(200, given.get("body", ["unexpected"]), raw=True)
        if self.kind == "empty":
            return Answer(200, "", raw=True)
        if self.kind == "echo":
            text = "; ".join(f"{name}: {value}" for name, value in headers.items())
            body = {"error": "server_error", "message": f"Request was: {text}", "headers": dict(headers)}
            return Answer(self.status, body, raw=True)
        # Cut and truncate are done to the connection, a delay to the clock.
        return inner

    def shown(self) -> dict[str, Any]:
        """Show the order as given, with what is left of it."""
        return {**self.given, "times": self.times, "skip": self.skip}


def throttled(form: str, retry_after: Any = None) -> Answer:
    """Make the answer to a client that asks too much."""
    headers = () if retry_after is None else (("Retry-After", str(retry_after)),)
    if form == "json429":
        body = {"error": "too_many_requests", "message": "Slow down, please."}
        return Answer(429, body, headers=headers, raw=True)
    status = 503 if form == "html503" else 500
    return Answer(status, HTML_LIMIT, "text/html; charset=UTF-8", headers, raw=True)


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
