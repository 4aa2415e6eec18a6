# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which failures are retried, which leave a write indeterminate, and what their errors say."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import socket
import ssl
import threading
import zlib
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from http.client import HTTPException, LineTooLong, RemoteDisconnected
from pathlib import Path
from typing import Any

import pytest
import requests
import trustme
import urllib3
from requests import exceptions

from ansible_collections.community.wpcom.plugins.module_utils._errors import (
    ApiError,
    ConnectError,
    IndeterminateWriteError,
    OptionError,
    ResponseError,
    WpcomError,
)
from ansible_collections.community.wpcom.plugins.module_utils._http.failures import (
    EXCEPTIONS,
    RESPONSES,
    Kind,
    exception_failure,
    response_failure,
)
from ansible_collections.community.wpcom.plugins.module_utils._http.limits import (
    LargeResponseError,
    SlowResponseError,
)
from ansible_collections.community.wpcom.plugins.module_utils._http.redaction import Redactor
from ansible_collections.community.wpcom.plugins.module_utils._http.request import Request, Response, Server
from ansible_collections.community.wpcom.tests.simulator import Simulator
from ansible_collections.community.wpcom.tests.unit.plugins.module_utils._http.support import (
    ME,
    OK,
    failure,
    read,
    serve,
    write,
    write_failure,
)
from ansible_collections.community.wpcom.tests.unit.support import (
    NOWHERE,
    Naps,
    Script,
    ScriptedResponse,
    brief,
    json_response,
    page,
    transport,
)


@contextlib.contextmanager
def refusing() -> Iterator[str]:
    """Yield a URL whose port refuses connections."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{unused.getsockname()[1]}"


# Failures that may pass.
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
def test_read_is_retried(simulator: Simulator, fault: dict[str, Any]) -> None:
    simulator.fault(path="/me", **fault)
    naps = Naps()
    assert read(transport(simulator.url, naps=naps))["ID"] == 1001
    assert brief(simulator.requests()) == ["GET /me"] * 2
    assert len(naps) == 1


def test_read_is_retried_after_a_timeout(simulator: Simulator) -> None:
    simulator.fault(path="/me", kind="delay", seconds=1)
    assert read(transport(simulator.url, timeout=0.4))["ID"] == 1001
    assert brief(simulator.requests()) == ["GET /me"] * 2


def test_timeout_error_names_the_option(simulator: Simulator) -> None:
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


def test_read_is_retried_where_the_connection_is_refused() -> None:
    naps = Naps()
    with refusing() as url:
        error = failure(transport(url, naps=naps, retries=2))
    assert isinstance(error, ConnectError)
    assert len(naps) == 2
    assert "check api_url and the network" in error.message
    assert url in error.message


@pytest.mark.parametrize("status", [400, 401, 402, 403, 404, 405, 408, 409, 410, 418, 422, 451, 501, 505])
def test_refusal_is_final(status: int) -> None:
    script = Script(json_response({"error": "some_slug", "message": "No."}, status))
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
    """A portal, a redirect, JSON of another form: the next response would be the same."""

    def no_list(document: Any) -> None:
        raise ValueError("no list")

    simulator.fault(path="/me", times=-1, **fault)
    with pytest.raises(WpcomError) as caught:
        read(transport(simulator.url), "/me", no_list)
    assert isinstance(caught.value, (ResponseError, ApiError))
    assert len(simulator.requests()) == 1


def test_limit_reached_as_text_of_the_api() -> None:
    """With a slug, Limit reached is an ordinary error: texts are never looked at."""
    script = Script(json_response({"error": "invalid_input", "message": "Limit reached"}, 400))
    error = failure(transport(script=script))
    assert (error.code, error.api_message) == ("invalid_input", "Limit reached")
    assert len(script.sent) == 1


LOST = [fault for fault in PASSING if fault.get("status") != 429 and fault["kind"] != "throttle"]


LOST += [{"kind": "html"}, {"kind": "status", "status": 501}, {"kind": "status", "status": 520, "body": "<html>"}]


@pytest.mark.parametrize("fault", LOST, ids=lambda fault: "-".join(map(str, fault.values()))[:20])
def test_write_without_a_usable_response_is_not_retried(simulator: Simulator, fault: dict[str, Any]) -> None:
    simulator.fault(method="POST", when="after", times=-1, **fault)
    naps = Naps()
    error = write_failure(transport(simulator.url, naps=naps))
    assert isinstance(error, IndeterminateWriteError)
    # A gateway may give up on a server that is still at work.
    assert error.timed_out is (fault.get("status") == 504)
    assert error.wait == (60 if fault["kind"] == "limit_reached" else None)
    assert len(simulator.requests()) == 1
    assert naps == []


def test_write_that_timed_out_is_marked(simulator: Simulator) -> None:
    """The server may still be processing a write that timed out."""
    simulator.fault(method="POST", kind="delay", seconds=0.8)
    error = write_failure(transport(simulator.url, timeout=0.4))
    assert isinstance(error, IndeterminateWriteError)
    assert error.timed_out


def test_write_whose_connection_is_refused_is_not_indeterminate() -> None:
    naps = Naps()
    with refusing() as url:
        error = write_failure(transport(url, naps=naps, retries=2))
    assert isinstance(error, ConnectError)
    assert "no connection" in error.message
    assert naps == [1, 2]


def test_write_whose_connection_timed_out_is_not_indeterminate() -> None:
    script = Script(requests.exceptions.ConnectTimeout("slow"), OK)
    assert write(transport(script=script)) == ME
    error = write_failure(transport(script=Script(requests.exceptions.ConnectTimeout("slow"))))
    assert isinstance(error, ConnectError)
    assert "no connection within" in error.message


@pytest.mark.parametrize("kind", [ssl.SSLEOFError, ssl.SSLZeroReturnError])
def test_connection_lost_during_tls_is_retried(kind: type[ssl.SSLError]) -> None:
    broken = requests.exceptions.SSLError(kind(8, "EOF occurred in violation of protocol"))
    assert read(transport(script=Script(broken, OK))) == ME
    assert isinstance(write_failure(transport(script=Script(broken))), IndeterminateWriteError)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 409])
def test_write_refused_is_final(status: int) -> None:
    script = Script(json_response({"error": "invalid_input", "message": "No."}, status))
    error = write_failure(transport(script=script))
    assert error.__class__ is ApiError
    assert (error.status, error.method) == (status, "POST")
    assert len(script.sent) == 1


def test_page_is_recognised_by_its_type() -> None:
    script = Script(page("<html>Log in</html>"))
    assert "<html>Log in</html>" in failure(transport(script=script)).message
    assert len(script.sent) == 1
    script = Script(ScriptedResponse(200, "<html>", {}), OK)
    assert read(transport(script=script)) == ME


class RawServer:
    """Sends the same bytes over every connection, after it has read the head of a request."""

    def __init__(self, content: bytes) -> None:
        self.content = content
        self.connections = 0
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        self.thread = threading.Thread(target=self.serve, daemon=True)

    def serve(self) -> None:
        """Respond until the port is closed."""
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
                    connection.sendall(self.content)
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
    "content",
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
def test_nothing_on_the_wire_is_a_traceback(content: bytes, method: str) -> None:
    with RawServer(content) as server:
        made = transport(server.url, retries=1, timeout=2)
        error = failure(made) if method == "GET" else write_failure(made)
        made.close()
        assert error.message.startswith("Could not ")
        assert server.connections <= (2 if method == "GET" else 1)


def test_incomplete_body_is_retried() -> None:
    for content in (HEAD + b"Content-Length: 500\r\n\r\n{", HEAD + b"Transfer-Encoding: chunked\r\n\r\n2\r\n{"):
        with RawServer(content) as server:
            naps = Naps()
            error = failure(transport(server.url, retries=2, naps=naps))
            assert isinstance(error, ConnectError)
            assert "is incomplete" in error.message or "no connection" in error.message
            assert len(naps) == 2


@pytest.mark.parametrize(
    "url", ["http://" + "a" * 70 + ".invalid", "http://a..b", "http://.", "http://\u00e4\u00f6..x"]
)
def test_impossible_host(url: str) -> None:
    error = failure(transport(url, retries=0))
    assert isinstance(error, (ConnectError, OptionError))
    assert "api_url" in error.message


def test_certificate_of_an_unknown_authority(tls: Simulator) -> None:
    naps = Naps()
    error = failure(transport(tls.url, naps=naps))
    assert isinstance(error, ConnectError)
    assert "certificate is not trusted" in error.message
    assert "ca_path" in error.message
    assert naps == []
    assert tls.requests() == []


def test_missing_bundle_in_the_environment(tls: Simulator, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "missing.pem"))
    error = failure(transport(tls.url))
    assert isinstance(error, ConnectError)
    assert "missing.pem" in error.message
    assert "REQUESTS_CA_BUNDLE" in error.message
    assert "ca_path" in error.message


@pytest.mark.parametrize(
    "content", ["no PEM at all", "", "-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----\n"]
)
def test_ca_path_that_is_not_pem(tls: Simulator, tmp_path: Path, content: str) -> None:
    path = tmp_path / "ca.pem"
    path.write_text(content)
    error = failure(transport(tls.url, ca_path=str(path)))
    assert isinstance(error, ConnectError)
    assert "ca_path" in error.message


def test_ca_path_that_is_an_empty_folder(tls: Simulator, tmp_path: Path) -> None:
    error = failure(transport(tls.url, ca_path=str(tmp_path)))
    assert isinstance(error, ConnectError)
    assert "ca_path" in error.message


def test_expired_certificate(authority: trustme.CA, bundle: str, tmp_path: Path) -> None:
    yesterday = datetime.now(timezone.utc).replace(tzinfo=None) - timedelta(days=1)
    expired = serve(authority, tmp_path, not_before=yesterday - timedelta(days=9), not_after=yesterday)
    with expired as simulator:
        error = failure(transport(simulator.url, ca_path=bundle))
        assert isinstance(error, ConnectError)
        assert "expired" in error.message
        assert simulator.requests() == []


def test_certificate_of_another_host(authority: trustme.CA, bundle: str, tmp_path: Path) -> None:
    with serve(authority, tmp_path, name="other.example.com") as simulator:
        error = failure(transport(simulator.url, ca_path=bundle))
        assert isinstance(error, ConnectError)
        assert "not trusted" in error.message
        assert simulator.requests() == []


def test_https_where_the_server_supports_http_only(simulator: Simulator) -> None:
    error = failure(transport(simulator.url.replace("http:", "https:"), retries=0))
    assert isinstance(error, ConnectError)
    assert "api_url" in error.message


def test_http_where_the_server_supports_https_only(tls: Simulator) -> None:
    error = failure(transport(tls.url.replace("https:", "http:"), retries=0))
    assert isinstance(error, ConnectError)
    assert "api_url" in error.message


@pytest.mark.parametrize("url", ["http://api.example.com", "https://api.example.com"])
@pytest.mark.parametrize("password", ["hunter2secret", "p%40ss%2Fw%3Ard", "%"])
def test_proxy_that_refuses(url: str, password: str, closed_port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    proxy = f"http://proxyuser:{password}@127.0.0.1:{closed_port}"
    for name in ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy"):
        monkeypatch.setenv(name, proxy)
    error = failure(transport(url, retries=1))
    assert isinstance(error, ConnectError)
    assert "HTTPS_PROXY" in error.message
    if password != "%":
        for text in (error.message, repr(error), str(error.__context__), json.dumps(error.as_result())):
            assert password not in text
            assert "p@ss/w:rd" not in text


def test_tunnel_that_is_refused(simulator: Simulator, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTPS_PROXY", "https_proxy"):
        monkeypatch.setenv(name, simulator.url)
    error = failure(transport("https://api.example.com", retries=0))
    assert isinstance(error, ConnectError)
    assert "proxy" in error.message


@pytest.mark.parametrize(
    "proxy",
    [
        "http://",
        "http://[::1",
        "nonsense://x",
        "http://user:pass@host:99999",
        ":::",
    ],
)
def test_nonsense_as_a_proxy(proxy: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy"):
        monkeypatch.setenv(name, proxy)
    with pytest.raises(WpcomError):
        read(transport("http://api.invalid", retries=0))


# The tables


def server(verify: Any = True) -> Server:
    """Return a server that is never asked."""
    return Server(NOWHERE, 60, verify, Redactor([]))


def behind(outer: Exception, inner: Exception) -> Exception:
    """Return an exception that another one led to."""
    outer.__cause__ = inner
    return outer


def untrusted() -> ssl.SSLCertVerificationError:
    """Return the exception for a certificate that is not trusted, as the standard library raises it."""
    error = ssl.SSLCertVerificationError(1, "certificate verify failed")
    error.verify_message = "certificate has expired"
    return error


RETRIED = {"retried": True}
AMBIGUOUS = {"retried": True, "ambiguous": True}
TIMED_OUT = {"retried": True, "ambiguous": True, "timed_out": True}
UNCONNECTED = urllib3.exceptions.NewConnectionError(None, "refused")  # type: ignore[arg-type]
EXCEPTION_CASES: list[tuple[str, Exception, dict[str, bool]]] = [
    ("untrusted_certificate", exceptions.SSLError(untrusted()), {}),
    ("untrusted_certificate", behind(exceptions.SSLError("x"), untrusted()), {}),
    ("tls", exceptions.SSLError("no shared cipher"), {}),
    ("tls", ssl.SSLError(1, "no shared cipher"), {}),
    ("connection_lost", exceptions.SSLError(ssl.SSLEOFError(8, "EOF")), AMBIGUOUS),
    ("connection_lost", ssl.SSLZeroReturnError(6, "closed"), AMBIGUOUS),
    ("proxy", exceptions.ProxyError("403"), {}),
    ("proxy", behind(exceptions.ProxyError("refused"), UNCONNECTED), {}),
    ("proxy", behind(exceptions.ProxyError("slow"), TimeoutError()), {}),
    ("connect_timeout", exceptions.ConnectTimeout("slow"), RETRIED),
    ("response_timeout", exceptions.ReadTimeout("slow"), TIMED_OUT),
    ("response_timeout", behind(exceptions.ConnectionError("x"), TimeoutError()), TIMED_OUT),
    ("large_response", urllib3.exceptions.ProtocolError("broken", LargeResponseError("x")), {"ambiguous": True}),
    ("slow_response", exceptions.ConnectionError(SlowResponseError("x")), {"ambiguous": True, "timed_out": True}),
    ("large_head", exceptions.ConnectionError(HTTPException("got more than 100 headers")), {"ambiguous": True}),
    ("large_head", exceptions.ConnectionError(LineTooLong("header line")), {"ambiguous": True}),
    ("connection_lost", exceptions.ConnectionError(RemoteDisconnected("x")), AMBIGUOUS),
    ("incomplete_response", urllib3.exceptions.ProtocolError("3 more expected"), AMBIGUOUS),
    ("incomplete_response", zlib.error("not gzip"), AMBIGUOUS),
    ("response_timeout", urllib3.exceptions.ReadTimeoutError(None, "/", "slow"), TIMED_OUT),  # type: ignore[arg-type]
    ("tls", urllib3.exceptions.SSLError("bad record"), {}),
    ("not_connected", exceptions.ConnectionError(UNCONNECTED), RETRIED),
    ("connection_lost", exceptions.ConnectionError("reset"), AMBIGUOUS),
    ("not_sendable", exceptions.InvalidURL("x"), {}),
    ("not_sendable", UnicodeError("label too long"), {}),
]


def handling(kind: Kind) -> dict[str, bool]:
    """Return how a kind of failure is handled, without what is false."""
    flags = dataclasses.asdict(kind)
    return {name: flag for name, flag in flags.items() if flag and name != "name"}


@pytest.mark.parametrize(("name", "exception", "flags"), EXCEPTION_CASES)
def test_exceptions(name: str, exception: Exception, flags: dict[str, bool]) -> None:
    failed = exception_failure(exception, Request("GET", "/me", "read the account"), server())
    assert (failed.kind.name, handling(failed.kind)) == (name, flags)
    assert failed.error.code == "no_response"
    assert failed.error.message.startswith("Could not read the account: ")
    assert "{" not in failed.error.message
    assert failed.wait is None


def test_missing_ca_bundle() -> None:
    failed = exception_failure(OSError("not found"), Request("GET", "/me", "read"), server("/no/such/ca.pem"))
    assert (failed.kind.name, handling(failed.kind)) == ("missing_ca_bundle", {})
    assert "'/no/such/ca.pem' does not exist" in failed.error.message
    failed = exception_failure(OSError("not found"), Request("GET", "/me", "read"), server(__file__))
    assert failed.kind.name == "not_sendable"


THROTTLED = {"retried": True, "throttled": True}
LIMITED = {"retried": True, "ambiguous": True, "throttled": True}
SLUG = '{"error": "slug", "message": "Limit reached"}'
JSON = "application/json"
HTML = "text/html"
RESPONSE_CASES: list[tuple[str, int, str, str, dict[str, bool], str]] = [
    ("redirect", 300, HTML, "", {}, "unexpected_response"),
    ("redirect", 302, HTML, "", {}, "unexpected_response"),
    ("redirect", 399, HTML, "", {}, "unexpected_response"),
    ("redirect", 399, HTML, "Limit reached", {}, "unexpected_response"),
    ("too_many_requests", 429, JSON, SLUG, THROTTLED, "slug"),
    ("too_many_requests", 429, HTML, "Limit reached", THROTTLED, ""),
    ("limit_reached", 500, HTML, "<h1>Limit reached</h1>", LIMITED, ""),
    ("limit_reached", 403, HTML, "Limit reached", LIMITED, ""),
    ("gateway_limit_reached", 504, HTML, "Limit reached", {**LIMITED, "timed_out": True}, ""),
    ("gateway_timeout", 504, HTML, "", TIMED_OUT, ""),
    ("temporary_error", 500, JSON, SLUG, AMBIGUOUS, "slug"),
    ("temporary_error", 502, HTML, "", AMBIGUOUS, ""),
    ("temporary_error", 503, HTML, "", AMBIGUOUS, ""),
    ("server_error", 501, HTML, "", {"ambiguous": True}, ""),
    ("server_error", 520, JSON, SLUG, {"ambiguous": True}, "slug"),
    ("refusal", 199, HTML, "", {}, ""),
    ("refusal", 400, JSON, SLUG, {}, "slug"),
    ("refusal", 404, HTML, "", {}, ""),
    ("refusal", 499, JSON, SLUG, {}, "slug"),
    ("foreign_page", 200, HTML, "<html>Limit reached", {"ambiguous": True}, "unexpected_response"),
    ("broken_json", 200, JSON, '{"a": 1', AMBIGUOUS, "unexpected_response"),
    ("broken_json", 299, JSON, "", AMBIGUOUS, "unexpected_response"),
]


def response(status: int, content_type: str, text: str) -> Response:
    """Return a response to a read."""
    return Response(Request("GET", "/me", "read"), server(), status, {"content-type": content_type}, text)


@pytest.mark.parametrize(("name", "status", "content_type", "text", "flags", "code"), RESPONSE_CASES)
def test_responses(name: str, status: int, content_type: str, text: str, flags: dict[str, bool], code: str) -> None:
    failed = response_failure(response(status, content_type, text))
    assert failed is not None
    assert (failed.kind.name, handling(failed.kind), failed.error.code) == (name, flags, code)
    assert failed.wait == (60 if "Limit reached" in text and code == "" else None)


@pytest.mark.parametrize("status", [200, 201, 299])
@pytest.mark.parametrize("content_type", [JSON, HTML])
@pytest.mark.parametrize("text", ["{}", '{"name": "Limit reached"}'])
def test_success_is_not_a_failure(status: int, content_type: str, text: str) -> None:
    assert response_failure(response(status, content_type, text)) is None


def test_each_row_of_the_tables_has_a_case() -> None:
    assert {kind.name for _matches, kind, _text in EXCEPTIONS} == {
        "missing_ca_bundle",
        *(name for name, *_rest in EXCEPTION_CASES),
    }
    assert {kind.name for _matches, kind in RESPONSES} == {name for name, *_rest in RESPONSE_CASES}
