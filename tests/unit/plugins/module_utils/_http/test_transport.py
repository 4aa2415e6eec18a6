# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Retries, throttling, redirects, the check mode guard, and what is sent."""

from __future__ import annotations

import contextlib
import json
import socket
import ssl
import threading
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from email.utils import format_datetime
from pathlib import Path
from typing import Any, Optional

import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.community.wpcom.plugins.module_utils._errors import (
    ApiError,
    CheckModeError,
    ConnectError,
    IndeterminateWriteError,
    OptionError,
    ResponseError,
    WpcomError,
)
from ansible_collections.community.wpcom.plugins.module_utils._http import transport as _transport
from ansible_collections.community.wpcom.tests.simulator import Simulator
from ansible_collections.community.wpcom.tests.unit.support import (
    NOWHERE,
    TOKEN,
    Answer,
    Naps,
    Script,
    as_it_is,
    brief,
    json_answer,
    page,
    transport,
)

ME = {"ID": 1}
OK = json_answer(ME)
HTML_LIMIT = "<html><body><h1>Limit reached</h1></body></html>"


@contextlib.contextmanager
def unheard() -> Iterator[str]:
    """Yield a URL where nobody listens."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{unused.getsockname()[1]}"


def read(made: _transport.Transport, path: str = "/me", **more: Any) -> Any:
    """Read a path, any JSON being right."""
    return made.get(path, as_it_is, action="read the account", **more)


def write(made: _transport.Transport, path: str = "/me/publicize-connections/5001/delete", **more: Any) -> Any:
    """Write to a path, any JSON being right."""
    return made.post(path, as_it_is, action="delete it", **more)


def failure(made: _transport.Transport, path: str = "/me") -> WpcomError:
    """Return the error that a read ends with."""
    with pytest.raises(WpcomError) as caught:
        read(made, path)
    return caught.value


def write_failure(made: _transport.Transport) -> WpcomError:
    """Return the error that a write ends with."""
    with pytest.raises(WpcomError) as caught:
        write(made)
    return caught.value


# Which reads are tried again

PASSING = [
    {"kind": "status", "status": 429},
    {"kind": "status", "status": 500},
    {"kind": "status", "status": 502},
    {"kind": "status", "status": 503},
    {"kind": "status", "status": 504},
    {"kind": "status", "status": 502, "body": "<html>Bad gateway</html>"},
    {"kind": "cut"},
    {"kind": "truncate"},
    {"kind": "bad_encoding"},
    {"kind": "garbage"},
    {"kind": "empty"},
    {"kind": "limit_reached"},
    {"kind": "throttle"},
]


@pytest.mark.parametrize("fault", PASSING, ids=lambda fault: "-".join(map(str, fault.values()))[:20])
def test_read_is_tried_again(simulator: Simulator, fault: dict[str, Any]) -> None:
    """What may pass is tried again, after one wait."""
    simulator.fault(path="/me", **fault)
    naps = Naps()
    assert read(transport(simulator.url, naps=naps))["ID"] == 1001
    assert brief(simulator.requests()) == ["GET /me"] * 2
    assert len(naps) == 1


def test_read_is_tried_again_after_time_out(simulator: Simulator) -> None:
    """A time-out may pass."""
    simulator.fault(path="/me", kind="delay", seconds=1)
    assert read(transport(simulator.url, timeout=0.4))["ID"] == 1001
    assert brief(simulator.requests()) == ["GET /me"] * 2


def test_time_out_error_names_the_option(simulator: Simulator) -> None:
    """Who waits in vain learns of the option."""
    simulator.fault(path="/me", kind="delay", seconds=1)
    error = failure(transport(simulator.url, timeout=0.4, retries=0))
    assert isinstance(error, ConnectError)
    assert "raise timeout" in error.message
    assert error.as_result()["error"] == {
        "status": None,
        "code": "no_response",
        "message": None,
        "method": "GET",
        "path": "/me",
    }


def test_read_is_tried_again_where_nobody_listens() -> None:
    """A refused connection may pass."""
    naps = Naps()
    with unheard() as url:
        error = failure(transport(url, naps=naps, retries=2))
    assert isinstance(error, ConnectError)
    assert len(naps) == 2
    assert "check api_url and the network" in error.message
    assert url in error.message


@pytest.mark.parametrize("status", [400, 401, 402, 403, 404, 405, 408, 409, 410, 418, 422, 451, 501, 505])
def test_refusal_is_final(status: int) -> None:
    """No other status is tried again."""
    script = Script(json_answer({"error": "some_slug", "message": "No."}, status))
    error = failure(transport(script=script))
    assert isinstance(error, ApiError)
    assert (error.status, error.code, error.api_message) == (status, "some_slug", "No.")
    assert f"HTTP {status} some_slug: No." in error.message
    assert len(script.sent) == 1


@pytest.mark.parametrize(
    "fault",
    [{"kind": "html"}, {"kind": "wrong_shape"}, {"kind": "redirect"}, {"kind": "status", "status": 404, "body": ""}],
    ids=lambda fault: fault["kind"],
)
def test_foreign_page_is_final(simulator: Simulator, fault: dict[str, Any]) -> None:
    """A portal, a redirect, JSON of another shape: the next answer would be the same."""

    def no_list(document: Any) -> None:
        raise ValueError("no list")

    simulator.fault(path="/me", times=-1, **fault)
    with pytest.raises(WpcomError) as caught:
        transport(simulator.url).get("/me", no_list, action="read the account")
    assert isinstance(caught.value, (ResponseError, ApiError))
    assert len(simulator.requests()) == 1


@pytest.mark.parametrize("retries", [0, 1, 3])
def test_retries_are_counted(simulator: Simulator, retries: int) -> None:
    """The option is the number of further tries."""
    simulator.fault(path="/me", kind="status", status=503, times=-1)
    naps = Naps()
    error = failure(transport(simulator.url, retries=retries, naps=naps))
    assert isinstance(error, ApiError)
    assert error.status == 503
    assert len(simulator.requests()) == retries + 1
    assert len(naps) == retries


# How long is waited


def test_backoff_doubles_up_to_the_longest_delay() -> None:
    """Without jitter: 1, 2, 4, and never more than retry_max_delay."""
    naps = Naps()
    failure(transport(script=Script(page("", 502)), naps=naps, retries=6, retry_max_delay=10))
    assert naps == [1, 2, 4, 8, 10, 10]


def test_jitter_is_full() -> None:
    """The wait may be anything down to nothing, so that many hosts do not come back together."""
    naps = Naps()
    failure(transport(script=Script(page("", 502)), naps=naps, jitter=0.0))
    assert naps == []
    failure(transport(script=Script(page("", 502)), naps=naps, jitter=0.25))
    assert naps == [0.25, 0.5, 1.0]


@given(
    attempt=st.integers(0, 40),
    jitter=st.floats(0, 1),
    longest=st.integers(0, 600),
    wait=st.none() | st.floats(0, 1e300),
)
def test_wait_is_bounded(attempt: int, jitter: float, longest: int, wait: Optional[float]) -> None:
    """No wait is negative or longer than retry_max_delay."""
    naps = Naps()
    transport(naps=naps, jitter=jitter, retry_max_delay=longest).pause(attempt, wait)
    assert all(0 < nap <= longest for nap in naps)
    if wait is not None:
        assert sum(naps) == min(wait, longest)


def test_retry_after_as_a_date_soon() -> None:
    """A date is counted from now."""
    naps = Naps()
    soon = format_datetime(datetime.now(timezone.utc) + timedelta(seconds=30), usegmt=True)
    assert read(transport(script=Script(page("", 503, Retry_After=soon), OK), naps=naps)) == ME
    assert 20 < naps[0] <= 30


@pytest.mark.parametrize(
    ("header", "low", "high"),
    [
        ("7", 7, 7),
        (" 7 ", 7, 7),
        ("007", 7, 7),
        ("61", 60, 60),
        ("999999999999", 60, 60),
        ("9" * 400, 60, 60),
        ("Fri, 01 Jan 2100 00:00:00 GMT", 60, 60),
        # Unusable: as if nothing had been said.
        ("soon", 1, 1),
        ("-5", 1, 1),
        ("1.5", 1, 1),
        ("\u0661", 1, 1),
        ("", 1, 1),
        ("Mon, 99 Xyz 2030 99:99:99 GMT", 1, 1),
        ("Sat, 01 Jan 99999 00:00:00 GMT", 1, 1),
        (";" * 1000, 1, 1),
    ],
)
@pytest.mark.parametrize("status", [429, 503])
def test_retry_after(header: str, low: float, high: float, status: int) -> None:
    """Seconds and dates are honoured up to retry_max_delay, anything else is not."""
    naps = Naps()
    busy = json_answer({"error": "busy", "message": ""}, status, Retry_After=header)
    assert read(transport(script=Script(busy, OK), naps=naps)) == ME
    assert len(naps) == 1
    assert low <= naps[0] <= high


@pytest.mark.parametrize("header", ["0", "Wed, 21 Oct 2015 07:28:00 GMT", "Thu, 01 Jan 1970 00:00:00 -0000"])
def test_retry_after_of_now(header: str) -> None:
    """What lies in the past needs no wait."""
    naps = Naps()
    busy = json_answer({"error": "busy", "message": ""}, 429, Retry_After=header)
    assert read(transport(script=Script(busy, OK), naps=naps)) == ME
    assert naps == []


@pytest.mark.parametrize(("longest", "waited"), [(60, 60), (600, 60), (5, 5)])
@pytest.mark.parametrize("status", [403, 500, 503])
def test_limit_reached_waits_a_minute(longest: int, waited: float, status: int) -> None:
    """An early try would prolong the ban, whatever the status is."""
    naps = Naps()
    made = transport(script=Script(page(HTML_LIMIT, status), OK), naps=naps, retry_max_delay=longest, jitter=0.1)
    assert read(made) == ME
    assert naps == [waited]


def test_limit_reached_for_ever(simulator: Simulator) -> None:
    """The error says what it is and what to do, without the page."""
    simulator.fault(path="/me", kind="limit_reached", times=-1)
    naps = Naps()
    error = failure(transport(simulator.url, naps=naps))
    assert naps == [60, 60, 60]
    assert error.status == 500
    assert "throttled" in error.message
    assert "retry_max_delay" in error.message
    assert "<h1>" not in error.message


def test_limit_reached_as_text_of_the_api() -> None:
    """With a slug it is an ordinary error: texts are never looked at."""
    script = Script(json_answer({"error": "invalid_input", "message": "Limit reached"}, 400))
    error = failure(transport(script=script))
    assert (error.code, error.api_message) == ("invalid_input", "Limit reached")
    assert len(script.sent) == 1


# Writes


def test_write_is_repeated_on_429_only(simulator: Simulator) -> None:
    """A 429 means that nothing was done."""
    simulator.fault(method="POST", kind="throttle", retry_after=4, times=2)
    naps = Naps()
    assert write(transport(simulator.url, naps=naps)) == {"ID": 5001, "deleted": True}
    assert naps == [4, 4]
    assert [(entry["status"], entry["applied"]) for entry in simulator.requests()] == [
        (429, False),
        (429, False),
        (200, True),
    ]


def test_write_refused_for_ever(simulator: Simulator) -> None:
    """In the end the 429 is the error, and it is no lost answer."""
    simulator.fault(method="POST", kind="throttle", times=-1)
    error = write_failure(transport(simulator.url, retries=2))
    assert isinstance(error, ApiError)
    assert error.status == 429
    assert len(simulator.requests()) == 3


LOST = [fault for fault in PASSING if fault.get("status") != 429 and fault["kind"] != "throttle"]
LOST += [{"kind": "html"}, {"kind": "status", "status": 501}, {"kind": "status", "status": 520, "body": "<html>"}]


@pytest.mark.parametrize("fault", LOST, ids=lambda fault: "-".join(map(str, fault.values()))[:20])
def test_write_with_a_lost_answer_is_not_repeated(simulator: Simulator, fault: dict[str, Any]) -> None:
    """It may have been done: the layer above finds out."""
    simulator.fault(method="POST", when="after", times=-1, **fault)
    naps = Naps()
    error = write_failure(transport(simulator.url, naps=naps))
    assert isinstance(error, IndeterminateWriteError)
    # A gateway may give up on a server that is still at work.
    assert error.timed_out is (fault.get("status") == 504)
    assert error.wait == (60 if fault["kind"] == "limit_reached" else None)
    assert len(simulator.requests()) == 1
    assert naps == []


def test_write_that_timed_out_says_so(simulator: Simulator) -> None:
    """The server may still be at work."""
    simulator.fault(method="POST", kind="delay", seconds=0.8)
    error = write_failure(transport(simulator.url, timeout=0.4))
    assert isinstance(error, IndeterminateWriteError)
    assert error.timed_out


def test_write_that_found_no_server_is_not_lost() -> None:
    """Nothing was sent, so it is tried again like a read, and there is nothing to look up."""
    naps = Naps()
    with unheard() as url:
        error = write_failure(transport(url, naps=naps, retries=2))
    assert isinstance(error, ConnectError)
    assert "no connection" in error.message
    assert naps == [1, 2]


def test_write_whose_connection_timed_out_is_not_lost() -> None:
    """There was no connection that anything could have been sent over."""
    script = Script(requests.exceptions.ConnectTimeout("slow"), OK)
    assert write(transport(script=script)) == ME
    error = write_failure(transport(script=Script(requests.exceptions.ConnectTimeout("slow"))))
    assert isinstance(error, ConnectError)
    assert "no connection within" in error.message


class Clock:
    """A clock that goes on while somebody sleeps; meanwhile others may be at work, one each time."""

    def __init__(self) -> None:
        """Begin at noon."""
        self.now = 0.0
        self.meanwhile: list[Any] = []
        self._at_work = False

    def __call__(self) -> float:
        """Tell the time."""
        return self.now

    def sleep(self, seconds: float) -> None:
        """Let the time go by."""
        if self.meanwhile and not self._at_work:
            self._at_work = True
            self.meanwhile.pop()()
            self._at_work = False
        self.now += seconds


def shared_transport(clock: Clock, script: Script, **changes: Any) -> _transport.Transport:
    """Return a transport that several workers write over."""
    return transport(script=script, naps=clock.sleep, jitter=0.0, parallel=4, clock=clock, **changes)


def test_throttling_holds_back_everybody_even_where_nobody_tries_again() -> None:
    """Whoever writes next waits as long as another one was told to."""
    clock = Clock()
    made = shared_transport(clock, Script(page("", 429, Retry_After="5"), OK), retries=0)
    write_failure(made)
    assert clock.now == 0
    assert write(made) == ME
    assert clock.now == 5


def test_a_try_that_the_server_gave_to_another_does_not_count() -> None:
    """As long as others get through there is no reason to give up."""
    clock = Clock()
    limit = page("", 429, Retry_After="1")
    script = Script(limit, OK, limit, OK, limit, OK, OK)
    made = shared_transport(clock, script, retries=1)
    clock.meanwhile += [lambda: write(made)] * 3
    assert write(made) == ME
    assert len(script.sent) == 7
    # Without anybody else every try counts.
    script = Script(limit)
    made = shared_transport(Clock(), script, retries=1)
    write_failure(made)
    assert len(script.sent) == 2


def test_who_waits_looks_again_before_going_on() -> None:
    """The server may have told another one to wait longer in the meantime."""
    clock = Clock()
    limit = page("", 429, Retry_After="60")
    made = shared_transport(clock, Script(page("", 429, Retry_After="5"), limit, OK), retries=0)
    write_failure(made)
    clock.meanwhile.append(lambda: write_failure(made))
    assert write(made) == ME
    assert clock.now == 5 + 60


@pytest.mark.parametrize("kind", [ssl.SSLEOFError, ssl.SSLZeroReturnError])
def test_tls_that_breaks_off_is_tried_again(kind: type[ssl.SSLError]) -> None:
    """It is a lost connection as any other, and no question of certificates."""
    broken = requests.exceptions.SSLError(kind(8, "EOF occurred in violation of protocol"))
    assert read(transport(script=Script(broken, OK))) == ME
    assert isinstance(write_failure(transport(script=Script(broken))), IndeterminateWriteError)


def test_write_with_wrong_shape_is_lost() -> None:
    """Something was answered, but not what was done."""

    def no_object(document: Any) -> None:
        raise ValueError("no object")

    script = Script(json_answer([]))
    with pytest.raises(IndeterminateWriteError) as caught:
        transport(script=script).post("/x", no_object, action="do it")
    assert "(no object)" in caught.value.message
    assert len(script.sent) == 1


@pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 409])
def test_write_refused_is_final(status: int) -> None:
    """The API said no, and nothing was done."""
    script = Script(json_answer({"error": "invalid_input", "message": "No."}, status))
    error = write_failure(transport(script=script))
    assert error.__class__ is ApiError
    assert (error.status, error.method) == (status, "POST")
    assert len(script.sent) == 1


def test_no_write_leaves_in_check_mode(simulator: Simulator) -> None:
    """The guard holds for every path; reads pass."""
    before = simulator.state()
    made = transport(simulator.url, check_mode=True)
    with pytest.raises(CheckModeError) as caught:
        write(made)
    assert caught.value.code == "write_in_check_mode"
    assert simulator.requests() == []
    assert read(made)["ID"] == 1001
    assert simulator.state() == before


# Redirects


@pytest.fixture(scope="module")
def elsewhere() -> Iterator[Simulator]:
    """Another host, which must never be asked anything."""
    with Simulator() as other:
        yield other


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("place", ["other host", "same host", "relative"])
def test_redirect_is_never_followed(
    simulator: Simulator, elsewhere: Simulator, status: int, method: str, place: str
) -> None:
    """The token would go along, and a write would become something else."""
    path = "/rest/v1.1/me/publicize-connections/5001/delete"
    location = {"other host": elsewhere.url + path, "same host": simulator.url + path, "relative": path}[place]
    simulator.fault(kind="redirect", status=status, location=location, times=-1)
    made = transport(simulator.url)
    error = failure(made) if method == "GET" else write_failure(made)
    assert error.__class__ is ResponseError
    assert (error.status, error.code) == (status, "unexpected_response")
    assert f"redirected to {location}" in error.message
    assert "set api_url" in error.message
    assert len(simulator.requests()) == 1
    assert elsewhere.requests() == []


@pytest.mark.parametrize(
    "location",
    [
        "http://api.invalid/rest/v1.1/me",
        "//other.invalid/",
        "ftp://other.invalid/",
        "javascript:alert(1)",
        "",
        "x" * 5000,
        "http://other.invalid:99999/",
        "http://\u00e4\u00f6.invalid/\u00ff",
        "http://[half-an-address/",
        "https://\u2100.invalid/",
    ],
)
def test_redirect_to_a_strange_place(location: str) -> None:
    """Downgrades and nonsense are refused as politely."""
    script = Script(Answer(302, "", {"Location": location}))
    error = failure(transport("https://api.invalid", script=script))
    assert isinstance(error, (ResponseError, ConnectError))
    assert len(error.message) < 1000
    assert len(script.sent) == 1


# What is sent


def test_request() -> None:
    """Token, agent and parameters of a read; what is not asked for is not sent."""
    script = Script(OK)
    made = transport(NOWHERE + "/prefix", script=script, timeout=7)
    read(made, "/me/sites", params={"yes": True, "no": False, "none": None, "text": "a b", "number": 5, "empty": ""})
    (sent,) = script.sent
    assert sent.request.method == "GET"
    assert sent.request.url == NOWHERE + "/prefix/rest/v1.1/me/sites?yes=1&text=a+b&number=5&empty="
    assert sent.request.headers["Authorization"] == f"Bearer {TOKEN}"
    assert sent.request.headers["Accept"] == "application/json"
    assert sent.request.headers["User-Agent"].startswith(f"community.wpcom/{_transport.VERSION} python-requests/")
    assert sent.request.body is None
    assert sent.timeout == 7


def test_body_is_json() -> None:
    """A write is a JSON object with the types as they are."""
    script = Script(OK)
    write(transport(script=script), body={"shared": False, "external_user_ID": "112"})
    (sent,) = script.sent
    assert sent.request.headers["Content-Type"] == "application/json"
    assert json.loads(sent.request.body or "") == {"shared": False, "external_user_ID": "112"}


def test_write_without_body() -> None:
    """A deletion says nothing, as a JSON object."""
    script = Script(OK)
    write(transport(script=script))
    assert script.sent[0].request.method == "POST"
    assert script.sent[0].request.body in (b"{}", "{}", None)


def test_no_token_no_request() -> None:
    """A missing token is told before anything is sent, with the remedy."""
    script = Script(OK)
    made = transport(script=script, api_token=None)
    error = failure(made)
    assert isinstance(error, OptionError)
    assert error.code == "missing_token"
    assert "WPCOM_API_TOKEN" in error.message
    assert write_failure(made).code == "missing_token"
    assert script.sent == []


def test_public_endpoint_needs_no_token(simulator: Simulator) -> None:
    """Services can be read by anybody; a token goes along where there is one."""
    read(transport(simulator.url, api_token=None), "/meta/external-services/", public=True)
    read(transport(simulator.url), "/meta/external-services/", public=True)
    assert [entry["authorization"] for entry in simulator.requests()] == ["none", "bearer"]


def test_connection_is_kept(simulator: Simulator) -> None:
    """All requests of a task, errors and writes among them, go over one TCP connection."""
    made = transport(simulator.url)
    for path in ("/me", "/me/sites", "/me/keyring-connections/"):
        read(made, path)
    failure(made, "/me/publicize-connections/1")
    write(made)
    made.close()
    assert len(simulator.requests()) == 5
    assert len({entry["connection"] for entry in simulator.requests()}) == 1


def test_netrc_does_not_replace_the_token(
    simulator: Simulator, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Requests would send what ~/.netrc says in place of the header it was given."""
    for name in (".netrc", "_netrc"):
        (tmp_path / name).write_text("machine 127.0.0.1\nlogin ada\npassword secret\ndefault login x password y\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    for netrc in (None, str(tmp_path / ".netrc")):
        if netrc:
            monkeypatch.setenv("NETRC", netrc)
        assert requests.utils.get_netrc_auth(simulator.url), "the trap is set"
        assert read(transport(simulator.url))["ID"] == 1001
        read(transport(simulator.url, api_token=None), "/meta/external-services/", public=True)
    assert [entry["authorization"] for entry in simulator.requests()] == ["bearer", "none"] * 2


# Envelopes


def test_envelope_is_unwrapped(simulator: Simulator) -> None:
    """Reads and writes ask for one and never show it."""
    made = transport(simulator.url, http_envelope=True)
    assert read(made)["ID"] == 1001
    assert write(made) == {"ID": 5001, "deleted": True}
    assert [entry["query"] for entry in simulator.requests()] == [{"http_envelope": "1"}] * 2


def test_envelope_holds_errors(simulator: Simulator) -> None:
    """An error inside is an error, its status the inner one."""
    made = transport(simulator.url, http_envelope=True)
    error = failure(made, "/me/publicize-connections/999")
    assert isinstance(error, ApiError)
    assert error.is_not_found
    assert isinstance(failure(made, "/no/such/route"), ApiError)
    assert [entry["status"] for entry in simulator.requests()] == [200, 200]


def test_retry_after_within_an_envelope(simulator: Simulator) -> None:
    """The headers inside count."""
    body = {"error": "busy", "message": "Later."}
    simulator.fault(kind="status", status=429, headers={"Retry-After": "3"}, body=body, envelope=True)
    naps = Naps()
    assert read(transport(simulator.url, http_envelope=True, naps=naps))["ID"] == 1001
    assert naps == [3]


@pytest.mark.parametrize("status", [502, 429])
def test_answer_of_a_proxy_without_an_envelope(simulator: Simulator, status: int) -> None:
    """A proxy knows nothing of envelopes."""
    simulator.fault(kind="status", status=status, body="<html>Proxy</html>", headers={"Retry-After": "2"})
    naps = Naps()
    assert read(transport(simulator.url, http_envelope=True, naps=naps))["ID"] == 1001
    assert naps == [2]


ENVELOPES: list[Any] = [
    {"code": None, "headers": [], "body": ME},
    {"code": "many", "headers": [], "body": ME},
    {"code": [], "body": ME},
    {"code": 200},
    {"code": 200, "headers": 5, "body": ME},
    {"code": 200, "headers": [5], "body": ME},
    {"code": 200, "headers": [{"name": "X"}], "body": ME},
    ME,
    [],
    None,
    "text",
]


@pytest.mark.parametrize("document", ENVELOPES, ids=lambda document: json.dumps(document)[:40])
def test_what_is_no_envelope_is_the_answer(document: Any) -> None:
    """Whatever does not look like an envelope is taken as it is."""
    assert read(transport(script=Script(json_answer(document)), http_envelope=True)) == document


def test_envelope_without_headers() -> None:
    """A proxy that strips them does no harm."""
    script = Script(json_answer({"code": 200, "headers": None, "body": ME}))
    assert read(transport(script=script, http_envelope=True)) == ME


def test_envelope_with_an_infinite_code() -> None:
    """Python's JSON knows a number without end, which no status is."""
    script = Script(Answer(200, '{"code": Infinity, "headers": [], "body": {}}'))
    with pytest.raises(WpcomError):
        transport(script=script, http_envelope=True, retries=0).get("/me", _refuse, action="read the account")


def _refuse(document: Any) -> None:
    raise ValueError("not this")


# Bodies


@pytest.mark.parametrize("depth", [51, 1000, 100_000])
def test_deep_nesting_is_no_response(depth: int) -> None:
    """Nothing of the API is so deep, and recursion must not end the task with a traceback."""
    for body in ("[" * depth + "]" * depth, '{"a":' * depth + "1" + "}" * depth):
        error = failure(transport(script=Script(Answer(200, body)), retries=0))
        assert error.__class__ is ResponseError
        error = failure(transport(script=Script(Answer(400, body)), retries=0))
        assert isinstance(error, ApiError)
        assert error.code == ""
        failure(transport(script=Script(Answer(200, body)), retries=0, http_envelope=True))


def test_nesting_as_deep_as_meta_goes() -> None:
    """Embedded records are deep, but not that deep."""
    body = "[" * 40 + "]" * 40
    assert read(transport(script=Script(Answer(200, body)))) == json.loads(body)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "had an empty body"),
        (b"\xff\xfe\x00garbage", "began with"),
        (b"   \n ", "had an empty body"),
        (b'{"a": 1', 'began with: {"a": 1'),
        (b"9" * 5000 + b"x", "began with"),
    ],
)
def test_no_json(body: bytes, message: str) -> None:
    """An answer that is not JSON is told with its beginning, and where to look."""
    script = Script(Answer(200, body))
    error = failure(transport(script=script, retries=1))
    assert error.__class__ is ResponseError
    assert message in error.message
    assert "Check api_url" in error.message
    assert len(error.api_message or "") <= 300
    assert len(script.sent) == 2


def test_page_is_told_by_its_type() -> None:
    """A page is final; without a type it may have been half an answer."""
    script = Script(page("<html>Log in</html>"))
    assert "<html>Log in</html>" in failure(transport(script=script)).message
    assert len(script.sent) == 1
    script = Script(Answer(200, "<html>", {}), OK)
    assert read(transport(script=script)) == ME


@pytest.mark.parametrize(
    ("document", "code", "text"),
    [
        ({"error": "not_allowed", "error_message": "GET only."}, "not_allowed", "GET only."),
        ({"error": "invalid_request", "error_description": "Bad."}, "invalid_request", "Bad."),
        ({"error": "x", "message": 5, "error_message": "there"}, "x", "there"),
        ({"error": "x", "message": None}, "x", ""),
        ({"error": ["x"], "message": "no slug"}, "", '{"error": ["x"], "message": "no slug"}'),
        ({"message": "no slug"}, "", '{"message": "no slug"}'),
        (["x"], "", '["x"]'),
        (None, "", "null"),
    ],
)
def test_slug_and_text(document: Any, code: str, text: str) -> None:
    """All the API's forms of an error are understood, and none is a must."""
    error = failure(transport(script=Script(json_answer(document, 405))))
    assert (error.code, error.api_message) == (code, text)


def test_empty_404() -> None:
    """The bare 404 is told from the API's own."""
    error = failure(transport(script=Script(Answer(404, "", {"Content-Type": "text/plain;charset=UTF-8"}))))
    assert isinstance(error, ApiError)
    assert error.is_empty_not_found
    assert not error.is_not_found


@pytest.mark.parametrize("status", [200, 400, 404, 500])
@pytest.mark.parametrize("text", ["x" * 100_000, "<p>" * 50_000, "\u00e4" * 5000])
def test_excerpts_are_short(status: int, text: str) -> None:
    """At most 300 characters of a body are shown."""
    error = failure(transport(script=Script(page(text, status)), retries=0))
    assert 0 < len(error.api_message or "") <= 300
    assert len(error.message) < 700


@pytest.mark.parametrize(
    "key",
    [
        "error",
        "message",
        "error_message",
    ],
)
def test_texts_of_the_api_are_cut(key: str) -> None:
    """Neither slug nor text fill a log."""
    script = Script(json_answer({"error": "slug", key: "x" * 50_000}, 400))
    error = failure(transport(script=script))
    assert len(error.message) < 1000
    assert len(error.code) <= 300


# Hostile bytes


class RawServer:
    """Answers every connection with the same bytes, after the head of a request was read."""

    def __init__(self, answer: bytes) -> None:
        self.answer = answer
        self.connections = 0
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        self.thread = threading.Thread(target=self.serve, daemon=True)

    def serve(self) -> None:
        """Answer until the port is closed."""
        while True:
            try:
                connection, _address = self.listener.accept()
            except OSError:
                return
            self.connections += 1
            with connection:
                head = b""
                while b"\r\n\r\n" not in head:
                    data = connection.recv(65536)
                    if not data:
                        break
                    head += data
                try:
                    connection.sendall(self.answer)
                    connection.shutdown(socket.SHUT_WR)
                    # Reading to the end, or the rest of a body unread would reset the connection.
                    connection.settimeout(0.1)
                    while connection.recv(65536):
                        pass
                except OSError:
                    pass

    def __enter__(self) -> RawServer:
        self.thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.thread.join()


HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"\x00\x01\x02",
        b"SSH-2.0-OpenSSH_9.2p1\r\n",
        b"HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 abc OK\r\n\r\n",
        b"HTTP/1.1 99999 OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 1000 + b"\r\n{}",
        b"HTTP/1.1 200 OK\r\nX: " + b"y" * 100_000 + b"\r\n\r\n{}",
        HEAD + b"Content-Length: many\r\n\r\n{",
        HEAD + b"Content-Length: -1\r\n\r\n{",
        HEAD + b"Content-Length: 5, 6\r\n\r\n{}",
        HEAD + b"Content-Length: 500\r\n\r\n{",
        HEAD + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n",
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n2\r\n{",
        HEAD + b"Content-Encoding: gzip\r\nContent-Length: 2\r\n\r\n{}",
        HEAD + b"Content-Encoding: deflate\r\nContent-Length: 2\r\n\r\n{}",
        b"HTTP/1.1 302 Found\r\nLocation: http://[::1\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 302 Found\r\nLocation: http://\xff\xfe/\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\n\r\n",
        b"HTTP/1.1 204 No Content\r\n\r\n",
    ],
    ids=range(20),
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_nothing_on_the_wire_is_a_traceback(answer: bytes, method: str) -> None:
    """Whatever comes, an error of ours is raised, and a write is sent but once."""
    with RawServer(answer) as server:
        made = transport(server.url, retries=1, timeout=2)
        error = failure(made) if method == "GET" else write_failure(made)
        made.close()
        assert error.message.startswith("Could not ")
        assert server.connections <= (2 if method == "GET" else 1)


def test_broken_off_body_is_tried_again() -> None:
    """A body shorter than announced, and one that does not decode, may be whole the next time."""
    for answer in (HEAD + b"Content-Length: 500\r\n\r\n{", HEAD + b"Transfer-Encoding: chunked\r\n\r\n2\r\n{"):
        with RawServer(answer) as server:
            naps = Naps()
            error = failure(transport(server.url, retries=2, naps=naps))
            assert isinstance(error, ConnectError)
            assert "is incomplete" in error.message or "no connection" in error.message
            assert len(naps) == 2


@pytest.mark.parametrize(
    "url", ["http://" + "a" * 70 + ".invalid", "http://a..b", "http://.", "http://\u00e4\u00f6..x"]
)
def test_impossible_host(url: str) -> None:
    """A host that cannot be is an error that names the option."""
    error = failure(transport(url, retries=0))
    assert isinstance(error, (ConnectError, OptionError))
    assert "api_url" in error.message
