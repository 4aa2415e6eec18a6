# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Responses before anything is made of them, and what the connection starts from: what diagnostics read.

The queries are here and not with all others, because no other module needs them.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any

from .._http.environment import Environment, read_environment
from .._http.request import REST_ROOT, TOKEN, Request, Response
from .._http.transport import Transport
from .._operations import Presentation, Query
from .resource import Handlers


@dataclass(frozen=True)
class GetEnvironment(Query[Environment]):
    """What a connection starts from; no request is sent."""


@dataclass(frozen=True)
class RawResponse:
    """What one request ended with, before anything is made of it.

    ``status`` is None where there was no response. ``failure`` is the kind of failure, empty for a success that is JSON, and
    ``message`` says what failed. ``code`` is the slug of an error. ``document`` is the decoded body, None where it is not
    JSON. ``skew`` is by how many seconds the clock of the server is ahead, None where it was not sent.
    """

    status: int | None = None
    failure: str = ""
    code: str = ""
    message: str = ""
    document: Any = None
    skew: float | None = None
    seconds: float = 0.0
    is_empty: bool = False
    has_lone_surrogate: bool = False

    @property
    def is_success(self) -> bool:
        """Whether it is a success that is JSON."""
        return not self.failure


@dataclass(frozen=True)
class GetRaw(Query[RawResponse]):
    """One GET below the REST root, or with ``root`` elsewhere, sent once; its response whatever it is."""

    path: str
    params: Presentation = ()
    credentials: str = TOKEN
    root: str | None = None


class Diagnostics:
    """Raw responses over a transport."""

    def __init__(self, transport: Transport) -> None:
        """Keep the transport; nothing is sent yet."""
        self._transport = transport

    @property
    def handlers(self) -> Handlers:
        """Return the handler of each class of query."""
        return {GetRaw: self.get, GetEnvironment: self.environment}

    def environment(self, _query: GetEnvironment) -> Environment:
        """Return what the connection starts from; no request is sent."""
        return self._transport.describe(read_environment)

    def get(self, query: GetRaw) -> RawResponse:
        """Return the response to one GET, sent once: GET /rest/v1.1/$path. Raises OptionError, InterruptedTaskError."""
        request = Request(
            "GET",
            query.path,
            f"read {query.path}",
            params=dict(query.params),
            credentials=query.credentials,
            root=REST_ROOT if query.root is None else query.root,
        )
        started, begun = time.time(), time.monotonic()
        response, failure = self._transport.observe(request)
        seconds = time.monotonic() - begun
        if response is None:
            return RawResponse(
                failure=failure.kind.name if failure else "",
                message=failure.error.message if failure else "",
                seconds=seconds,
            )
        return RawResponse(
            status=response.status,
            failure=failure.kind.name if failure else "",
            code=response.slug_and_text[0] if failure and not response.is_success else "",
            message=failure.error.message if failure else "",
            document=response.document if response.is_json else None,
            skew=_skew(response, started + seconds / 2),
            seconds=seconds,
            is_empty=not response.text,
            has_lone_surrogate=response.has_lone_surrogate,
        )


def _skew(response: Response, now: float) -> float | None:
    """Return by how many seconds the clock of the server is ahead, None where it is not sent or comes from a cache."""
    if response.headers.get("age", "0").strip() not in ("", "0"):
        return None
    try:
        return parsedate_to_datetime(response.headers.get("date", "")).timestamp() - now
    except (TypeError, ValueError, IndexError, OverflowError):
        return None
