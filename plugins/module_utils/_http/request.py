# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The values that the transport takes and returns: Request and Response."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Callable, TypeVar

from .._errors import IndeterminateWriteError, ResponseError
from .._records.record import clean
from .redaction import Redactor

REST_ROOT = "/rest/v1.1"
# What a request identifies itself with: the token in the header, nothing, a token that does not exist, or the token as a
# parameter of the query.
TOKEN, ANONYMOUS, WRONG_TOKEN, TOKEN_PARAMETER = "token", "anonymous", "wrong_token", "token_parameter"
# Embedded records are nested, but far less deeply.
MAX_DEPTH = 50
# 10,000 connections with everything that meta can add to them have 1,200,000.
MAX_VALUES = 5_000_000
# A character beyond the basic plane, or half of one.
_ESCAPED_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")

# The parameters of OAuth that are secrets.
_SECRET_PARAMETERS = frozenset(("code", "code_verifier", "client_secret", "password", "refresh_token", "token"))

T = TypeVar("T")


@dataclass(frozen=True)
class Request:
    """A request to the API; ``action`` completes the sentence "Could not ..." of an error.

    ``path`` is below the REST root, or below ``root``. A ``public`` request does not require a token. ``credentials`` is what
    it identifies itself with. An ``oauth`` request is sent in check mode too, and its response has secrets; ``form`` is the body
    as a form, with secrets.
    """

    method: str
    path: str
    action: str
    params: Mapping[str, Any] = field(default_factory=dict)
    body: Mapping[str, Any] | None = None
    public: bool = False
    credentials: str = TOKEN
    root: str = REST_ROOT
    oauth: bool = False
    form: Mapping[str, str] | None = field(default=None, repr=False)

    @property
    def is_write(self) -> bool:
        """Whether the request may change something that tasks declare."""
        return self.method != "GET" and not self.oauth

    @property
    def secrets(self) -> list[str]:
        """Return the values of the form and the query that must not be shown."""
        given = {**(self.form or {}), **self.params} if self.oauth else {}
        return [str(value) for name, value in given.items() if name in _SECRET_PARAMETERS and value]

    @property
    def query(self) -> dict[str, Any]:
        """The parameters as the API reads them: it takes "1" for true, but not "True"."""
        return {
            name: "1" if value is True else value for name, value in self.params.items() if value not in (None, False)
        }


@dataclass(frozen=True)
class Server:
    """The server that requests go to; ``verify`` as requests takes it, ``timeout`` in seconds."""

    url: str
    timeout: float
    verify: bool | str
    redact: Redactor = field(repr=False)


@dataclass(frozen=True)
class Response:
    """The response to a request; the names of ``headers`` are in lower case."""

    request: Request
    server: Server
    status: int
    headers: Mapping[str, str]
    text: str = field(repr=False)

    @cached_property
    def document(self) -> Any:
        """The decoded body without secrets, except for those that OAuth issues. Raises ValueError."""
        document = self._decoded()
        if self.request.oauth:
            return document
        # Large lists are the rule and echoed secrets the exception, so look before walking through them.
        return self.server.redact.deep(document) if self.server.redact.is_needed(self.text) else document

    @property
    def is_json(self) -> bool:
        """Whether the body can be decoded."""
        try:
            document = self.document
        except ValueError:
            return False
        del document
        return True

    @property
    def is_success(self) -> bool:
        """Whether the status is one of success."""
        return 200 <= self.status < 300

    @cached_property
    def slug_and_text(self) -> tuple[str, str]:
        """The slug and text of an error of the API; for any other response no slug and the beginning of the body."""
        try:
            document = self._decoded()
        except ValueError:
            document = None
        if isinstance(document, dict) and isinstance(document.get("error"), str):
            texts = (document.get(key) for key in ("message", "error_message", "error_description"))
            text = next((text for text in texts if isinstance(text, str)), "")
            return self.server.redact.cut(document["error"]), self.server.redact.cut(text)
        return "", self.server.redact.excerpt(self.text)

    def unwrapped(self) -> Response:
        """Return the response in the envelope that was requested; a proxy's own response comes without one."""
        try:
            envelope = self._decoded()
            status = int(envelope["code"])
            headers = {str(item["name"]).lower(): str(item["value"]) for item in envelope.get("headers") or []}
            body = json.dumps(envelope["body"])
        except (ValueError, TypeError, KeyError, AttributeError, OverflowError):
            return self
        # The clock of the server is not in the envelope.
        outer = {"date": self.headers["date"]} if "date" in self.headers else {}
        return replace(self, status=status, headers={**outer, **headers, "content-type": "application/json"}, text=body)

    @cached_property
    def has_lone_surrogate(self) -> bool:
        """Whether a text of the document has half of a character beyond the basic plane."""
        if not _ESCAPED_SURROGATE.search(self.text):
            return False
        try:
            return bool(self._decoded() != json.loads(self.text))
        except (ValueError, RecursionError):
            return False

    def parse(self, read: Callable[[Any], T]) -> T:
        """Return what ``read`` makes of the document; it raises ValueError for a document of another form.

        Raises ResponseError, or for a write IndeterminateWriteError.
        """
        try:
            return read(self.document)
        except ValueError as problem:
            error = self.error(f"the response does not have the expected form ({problem})")
            if self.request.is_write:
                raise IndeterminateWriteError(error, wait=None, timed_out=False) from None
            raise error from None

    def error(self, problem: str) -> ResponseError:
        """Return the error for a response that is not the API's."""
        # A token that was just issued is not known as a secret yet.
        is_hidden = self.request.oauth and self.is_success and bool(self.text)
        excerpt = "" if is_hidden else self.server.redact.excerpt(self.text)
        content = (
            f"began with: {excerpt}"
            if excerpt
            else "had a body that is not shown"
            if is_hidden
            else "had an empty body"
        )
        return ResponseError(
            f"Could not {self.request.action}: {problem}. HTTP {self.status} from {self.server.url} {content}"
            + ". Check api_url, and that no proxy or login page responds instead of the API.",
            status=self.status,
            api_message=excerpt,
            method=self.request.method,
            path=self.request.path,
        )

    def _decoded(self) -> Any:
        # Each of them takes up to thirty times its length in memory.
        if sum(map(self.text.count, "[{,")) > MAX_VALUES:
            raise ValueError("too many values")
        try:
            document = json.loads(self.text, parse_constant=_refuse, parse_float=_finite)
        except RecursionError:
            raise ValueError("nested too deeply") from None
        if _depth(document) > MAX_DEPTH:
            raise ValueError("nested too deeply")
        return clean(document) if _ESCAPED_SURROGATE.search(self.text) else document


def _refuse(constant: str) -> Any:
    # Python reads them, and writes them into results that no other program reads.
    raise ValueError(f"{constant} is not JSON")


def _finite(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        raise ValueError("a number is too large")
    return number


def _depth(document: Any) -> int:
    """Return how deep lists and dicts are nested, counted level by level so that no depth exhausts the stack."""
    depth = 0
    level = [document]
    while level and depth <= MAX_DEPTH:
        children = [item for value in level if isinstance(value, dict) for item in value.values()]
        children += [item for value in level if isinstance(value, list) for item in value]
        level = [item for item in children if isinstance(item, (dict, list))]
        depth += 1
    return depth
