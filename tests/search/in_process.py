# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The simulator without a network and with a clock of its own: a request is a call, and a minute passes in no time."""

from __future__ import annotations

import io
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Callable, Optional
from unittest import mock
from urllib.parse import unquote, urlsplit

import requests
import urllib3
from requests.adapters import BaseAdapter
from requests.structures import CaseInsensitiveDict

from ansible_collections.community.wpcom.plugins.module_utils import _execute, _session
from ansible_collections.community.wpcom.plugins.module_utils._http import transport
from ansible_collections.community.wpcom.tests.simulator.app import make_api
from ansible_collections.community.wpcom.tests.simulator.core import Core

URL = "http://api.invalid"
JSON = {"Content-Type": "application/json"}
HTML = {"Content-Type": "text/html"}
# How a response is lost, and what replaces it: (status, headers, body), or the exception of requests.
REPLACED: dict[str, Any] = {
    "lost": requests.exceptions.ConnectionError("the connection was reset"),
    "timeout": requests.exceptions.ReadTimeout("too slow"),
    "500": (500, JSON, '{"error": "server_error", "message": "No."}'),
    "502": (502, HTML, "<html>Bad gateway</html>"),
    "503": (503, HTML, "<html>Unavailable</html>"),
    "504": (504, HTML, "<html>Gateway timeout</html>"),
    "429": (429, {**JSON, "Retry-After": "2"}, '{"error": "too_many_requests", "message": "Slow down."}'),
    "limit": (500, HTML, "<html>Limit reached</html>"),
    "page": (200, HTML, "<html>Log in</html>"),
    "broken": (200, JSON, '{"ID": 5'),
    "shape": (200, JSON, "[]"),
    "refused": (403, JSON, '{"error": "authorization_required", "message": "No."}'),
    "redirect": (302, {**HTML, "Location": "https://login.invalid/"}, ""),
}


@dataclass(frozen=True)
class Trouble:
    """What befalls a request: how its response is lost, and whether the server handles it first, not at all, or later.

    ``when`` is before (the request is not handled), after (it is), or a number of seconds after which it is.
    """

    kind: str
    when: Any = "before"

    @property
    def is_late(self) -> bool:
        """Whether the server handles the request when nobody waits for it any more."""
        return not isinstance(self.when, str)


class Clock:
    """Seconds that pass where a task sleeps, or a request takes time."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        """Let time pass."""
        self.now += seconds


@dataclass
class Run:
    """The requests of one task: what befalls each, and what happens elsewhere right before it.

    Both by the method of the request, and its number from 0 among those of this method.
    """

    troubles: Mapping[tuple[str, int], Trouble] = field(default_factory=dict)
    interludes: Mapping[tuple[str, int], Callable[[], Any]] = field(default_factory=dict)
    methods: Counter[str] = field(default_factory=Counter)
    # Of each request: the entry of the simulator's log, None where it was not handled.
    entries: list[Optional[dict[str, Any]]] = field(default_factory=list)

    @property
    def applied(self) -> bool:
        """Whether a request of the task changed something, one that is handled later included."""
        return any(entry is not None and entry["applied"] for entry in self.entries)

    @property
    def writes(self) -> list[str]:
        """The paths of the writes that were handled."""
        return [entry["path"] for entry in self.entries if entry is not None and entry["method"] == "POST"]


@contextmanager
def connected(server: Any, **time: Any) -> Iterator[None]:
    """Have every task send its requests to an adapter of requests, one after the other.

    ``time`` replaces what the transport sleeps with, and its other sources of time and chance.
    """
    made = transport.Transport

    def connect(*arguments: Any, **more: Any) -> Any:
        return made(*arguments, **{**more, "sleep": lambda seconds: None, **time})

    def one_by_one(work: Callable[[Any], Any], items: Any, parallel: int) -> list[Any]:
        return [work(item) for item in items]

    with (
        mock.patch.object(transport, "LimitedAdapter", return_value=server),
        mock.patch.object(_session, "Transport", connect),
        mock.patch.object(_session, "for_each", one_by_one),
        mock.patch.object(_execute, "for_each", one_by_one),
    ):
        yield


class InProcess(BaseAdapter):
    """Has the simulator respond to what requests sends; ``with`` has every task send to it."""

    def __init__(self, world: Optional[Mapping[str, Any]] = None) -> None:
        super().__init__()
        self.core = Core(world)
        self.clock = Clock()
        self._app = make_api(self.core)
        self._runs: list[Run] = []
        self._late: list[tuple[float, Run, int, dict[str, Any]]] = []

    @contextmanager
    def connected(self) -> Iterator[InProcess]:
        """Have every task send its requests here, one after the other, and sleep on this clock."""
        with connected(self, sleep=self.clock.sleep, clock=self.clock, jitter=lambda: 0.5):
            yield self

    @contextmanager
    def recorded(self, run: Run) -> Iterator[Run]:
        """Count the requests in here as those of a run."""
        self._runs.append(run)
        try:
            yield run
        finally:
            self._runs.pop()

    def reset(self, switches: Mapping[str, Any]) -> None:
        """Go back to the world of the beginning."""
        self._runs, self._late = [], []
        self.core.reset(None, switches)

    def finish_late_requests(self) -> None:
        """Have the server handle what it has been slow with."""
        self._handle_late(float("inf"))

    def send(
        self, request: requests.PreparedRequest, stream: bool = False, timeout: Any = None, **_more: Any
    ) -> requests.Response:
        """Return the response, or raise what requests would."""
        run = self._runs[-1]
        number = len(run.entries)
        run.entries.append(None)
        method = str(request.method)
        place = method, run.methods[method]
        run.methods[method] += 1
        if place in run.interludes:
            run.interludes[place]()
        self.clock.sleep(0.05)
        self._handle_late(self.clock.now)
        environ = _environ(request)
        trouble = run.troubles.get(place)
        if trouble is None:
            return _response(request, *self._handled(run, number, environ))
        if trouble.is_late:
            self._late.append((self.clock.now + trouble.when, run, number, environ))
        elif trouble.when == "after":
            self._handled(run, number, environ)
        replaced = REPLACED[trouble.kind]
        if trouble.kind in ("timeout", "504"):
            self.clock.sleep(timeout)
        if isinstance(replaced, Exception):
            raise replaced
        return _response(request, *replaced)

    def close(self) -> None:
        """Close nothing."""

    def _handle_late(self, now: float) -> None:
        due = [late for late in self._late if late[0] <= now]
        self._late = [late for late in self._late if late[0] > now]
        for _when, run, number, environ in due:
            self._handled(run, number, environ)

    def _handled(self, run: Run, number: int, environ: dict[str, Any]) -> tuple[int, dict[str, str], bytes]:
        """Have the simulator handle a request."""
        head: list[Any] = []
        body = b"".join(self._app(environ, lambda status, headers, _error=None: head.extend((status, headers))))
        run.entries[number] = self.core.log[-1]
        return int(head[0].split()[0]), dict(head[1]), body


def _environ(request: requests.PreparedRequest) -> dict[str, Any]:
    parts = urlsplit(str(request.url))
    body = request.body or b""
    data = body.encode() if isinstance(body, str) else bytes(body)
    return {
        "REQUEST_METHOD": request.method,
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote(parts.path, "latin-1"),
        "QUERY_STRING": parts.query,
        "SERVER_NAME": parts.hostname,
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "HTTP_HOST": parts.netloc,
        "HTTP_AUTHORIZATION": request.headers.get("Authorization", ""),
        "CONTENT_TYPE": request.headers.get("Content-Type", ""),
        "CONTENT_LENGTH": str(len(data)),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(data),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": False,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }


def _response(
    request: requests.PreparedRequest, status: int, headers: Mapping[str, str], body: Any
) -> requests.Response:
    response = requests.Response()
    response.status_code = status
    response.headers = CaseInsensitiveDict(headers)
    response.url = request.url or ""
    response.request = request
    data = body.encode() if isinstance(body, str) else body
    response.raw = urllib3.HTTPResponse(io.BytesIO(data), preload_content=False)
    return response
