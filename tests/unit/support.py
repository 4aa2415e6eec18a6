# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What several unit tests share: options, a transport that does not really sleep, and a scripted server."""

from __future__ import annotations

import io
import json
import os
import sys
import time
from collections.abc import Mapping
from typing import Any, Callable, NamedTuple, Optional, Union

import pytest
import requests
import urllib3
from requests.adapters import BaseAdapter
from requests.structures import CaseInsensitiveDict

from ansible_collections.community.wpcom.plugins.module_utils._api.client import Api
from ansible_collections.community.wpcom.plugins.module_utils._execute import TaskResult
from ansible_collections.community.wpcom.plugins.module_utils._http.transport import Transport
from ansible_collections.community.wpcom.plugins.module_utils._module import run_task
from ansible_collections.community.wpcom.plugins.module_utils._options import CONNECTION_OPTIONS, ConnectionOptions
from ansible_collections.community.wpcom.plugins.modules import (
    wpcom_connected_application,
    wpcom_connection_info,
    wpcom_diagnostics_info,
    wpcom_keyring_connection,
    wpcom_publicize_connection,
    wpcom_publicize_connections,
)

TOKEN = "sim-token"
# No server is there; a scripted adapter answers in its place.
NOWHERE = "http://api.invalid"


def params(url: str = NOWHERE, **changes: Any) -> dict[str, Any]:
    """Return the connection options as a task's parameters, the defaults but for what is changed."""
    return {
        **{option.name: option.default for option in CONNECTION_OPTIONS},
        "api_url": url,
        "api_token": TOKEN,
        **changes,
    }


def options(url: str = NOWHERE, **changes: Any) -> ConnectionOptions:
    """Return connection options; unchecked, so that a test can have a time-out of less than a second."""
    return ConnectionOptions(**params(url, **changes))


class ScriptedResponse(NamedTuple):
    """One scripted answer."""

    status: int = 200
    body: Union[str, bytes] = "{}"
    headers: Mapping[str, str] = {"Content-Type": "application/json"}


class Sent(NamedTuple):
    """One request that reached the script, and how requests was told to send it."""

    request: requests.PreparedRequest
    timeout: Any
    verify: Any
    proxies: Any


def json_response(document: Any, status: int = 200, **headers: str) -> ScriptedResponse:
    """Return an answer of the API."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return ScriptedResponse(status, json.dumps(document), {"Content-Type": "application/json", **named})


def page(text: str, status: int = 200, **headers: str) -> ScriptedResponse:
    """Return a page of HTML."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return ScriptedResponse(status, text, {"Content-Type": "text/html; charset=UTF-8", **named})


class Script(BaseAdapter):
    """Answers requests in order, the last answer for ever; an exception is raised in place of an answer."""

    def __init__(self, *answers: Union[ScriptedResponse, Exception]) -> None:
        """Take the answers."""
        super().__init__()
        self.answers = list(answers)
        self.sent: list[Sent] = []

    def send(
        self,
        request: requests.PreparedRequest,
        stream: bool = False,
        timeout: Any = None,
        verify: Any = True,
        cert: Any = None,
        proxies: Optional[Mapping[str, str]] = None,
    ) -> requests.Response:
        """Answer as requests would have been answered."""
        self.sent.append(Sent(request, timeout, verify, proxies))
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        response = requests.Response()
        response.status_code = answer.status
        response.headers = CaseInsensitiveDict(answer.headers)
        response.url = request.url or ""
        response.request = request
        body = answer.body.encode() if isinstance(answer.body, str) else answer.body
        response.raw = urllib3.HTTPResponse(io.BytesIO(body), preload_content=False)
        return response

    def close(self) -> None:
        """Close nothing."""

    @property
    def methods(self) -> list[Optional[str]]:
        """The methods of what was sent."""
        return [sent.request.method for sent in self.sent]


class Naps(list[float]):
    """The seconds that were to be slept; nobody sleeps."""

    def __call__(self, seconds: float) -> None:
        """Note a nap."""
        self.append(seconds)


def transport(
    url: str = NOWHERE,
    *,
    script: Optional[BaseAdapter] = None,
    naps: Optional[Callable[[float], None]] = None,
    jitter: float = 1.0,
    check_mode: bool = False,
    parallel: int = 1,
    clock: Callable[[], float] = time.monotonic,
    **changes: Any,
) -> Transport:
    """Return a transport that sleeps only on paper, and answers from a script if there is one."""
    made = Transport(
        options(url, **changes),
        check_mode=check_mode,
        parallel=parallel,
        sleep=naps if naps is not None else Naps(),
        jitter=lambda: jitter,
        clock=clock,
    )
    if script is not None:
        made._session.mount(url, script)
    return made


def api(url: str, **more: Any) -> Api:
    """Return all resources over such a transport."""
    return Api(transport(url, **more))


def as_it_is(document: Any) -> Any:
    """Take any JSON as the right answer."""
    return document


def brief(requests_made: list[dict[str, Any]]) -> list[str]:
    """Return the simulator's log as lines such as ``GET /me``."""
    return [f"{entry['method']} {entry['path']}" for entry in requests_made]


MODULES = {
    "publicize": wpcom_publicize_connection.MODULE,
    "bulk": wpcom_publicize_connections.MODULE,
    "keyring": wpcom_keyring_connection.MODULE,
    "application": wpcom_connected_application.MODULE,
    "info": wpcom_connection_info.MODULE,
    "diagnostics": wpcom_diagnostics_info.MODULE,
}


def unset(kind: str) -> dict[str, Any]:
    """Return the options of a module's own as they are where a task does not give them."""
    return {name: rule.get("default") for name, rule in MODULES[kind].options.items()}


def run(kind: str, url: str, *, check_mode: bool = False, **given: Any) -> TaskResult:
    """Run a task of a module with the options that are given, without AnsibleModule; it never waits between tries."""
    return run_task(MODULES[kind], {**params(url, retry_max_delay=0), **unset(kind), **given}, check_mode=check_mode)


def descriptors(monkeypatch: pytest.MonkeyPatch) -> set[int]:
    """Return the descriptors that were opened by os.open from here on and are not closed; they are noted as they change."""
    opened: set[int] = set()
    open_one, close_one = os.open, os.close

    def note_open(*given: Any, **named: Any) -> int:
        descriptor = open_one(*given, **named)
        opened.add(descriptor)
        return descriptor

    def note_close(descriptor: int) -> None:
        opened.discard(descriptor)
        close_one(descriptor)

    monkeypatch.setattr(os, "open", note_open)
    monkeypatch.setattr(os, "close", note_close)
    return opened


def examples(number: int) -> int:
    """Return how many examples hypothesis tries: all of them on one Python, and a part of the same ones on the oldest."""
    return number if sys.version_info >= (3, 10) else max(10, number // 5)
