# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The loopback server takes one redirect, and nothing else disturbs it."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator

import pytest

from ansible_collections.community.wpcom.plugins.module_utils._errors import OptionError
from ansible_collections.community.wpcom.plugins.plugin_utils._authorization import Authorization, AuthorizationError
from ansible_collections.community.wpcom.plugins.plugin_utils._callback_server import CallbackServer

STATE = "the-state"
RIGHT = f"/callback?code=the-code&state={STATE}"


@pytest.fixture
def server() -> Iterator[CallbackServer]:
    """Return a server that listens on a free port."""
    with CallbackServer(0) as made:
        made.authorization = Authorization("1", "http://127.0.0.1/callback", state=STATE)
        yield made


def send(server: CallbackServer, data: bytes) -> str:
    """Send bytes, and return the response."""
    with socket.create_connection(("127.0.0.1", server.server_port), timeout=10) as connection:
        connection.sendall(data)
        connection.shutdown(socket.SHUT_WR)
        return b"".join(iter(lambda: connection.recv(65536), b"")).decode()


def get(server: CallbackServer, path: str, host: str = "", method: str = "GET") -> str:
    """Send a request, and return the response."""
    host = host or f"127.0.0.1:{server.server_port}"
    return send(server, f"{method} {path} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())


def during(server: CallbackServer, *requests: str) -> tuple[str, list[str]]:
    """Wait for a redirect while requests come in; return the code and the responses."""
    responses: list[str] = []
    thread = threading.Thread(target=lambda: responses.extend(get(server, path) for path in requests))
    thread.start()
    try:
        return server.wait(30), responses
    finally:
        thread.join()


def refusal(server: CallbackServer, path: str) -> tuple[AuthorizationError, str]:
    """Return the error that a redirect ends the wait with, and the page."""
    responses: list[str] = []
    thread = threading.Thread(target=lambda: responses.append(get(server, path)))
    thread.start()
    with pytest.raises(AuthorizationError) as caught:
        server.wait(30)
    thread.join()
    return caught.value, responses[0]


def test_redirect_brings_the_code_and_the_browser_gets_a_page(server: CallbackServer) -> None:
    code, (page,) = during(server, RIGHT)
    assert code == "the-code"
    assert page.startswith("HTTP/1.0 200 ")
    assert "Done. You can close this page" in page
    # Nothing that a page of another origin, a cache or a log could see.
    assert "the-code" not in page
    assert "Cache-Control: no-store" in page
    assert "Referrer-Policy: no-referrer" in page
    assert "Content-Security-Policy: default-src 'none'" in page
    assert "Python" not in page


def test_it_listens_on_the_loopback_address_only_and_before_the_wait(server: CallbackServer) -> None:
    assert server.server_address[0] == "127.0.0.1"
    with socket.create_connection(("127.0.0.1", server.server_port), timeout=5) as early:
        early.sendall(f"GET {RIGHT} HTTP/1.0\r\nHost: 127.0.0.1:{server.server_port}\r\n\r\n".encode())
        assert server.wait(30) == "the-code"


@pytest.mark.parametrize(
    ("query", "code", "text", "page"),
    [
        ("error=access_denied&state=the-state", "access_denied", "was denied", "not approved"),
        ("error=access_denied&error_description=No.", "access_denied", "access_denied: No.", "not approved"),
        ("error=invalid_scope&state=the-state", "invalid_scope", "refused the request", "not approved"),
        ("code=the-code&state=other", "wrong_state", "is not the one of this request", "another request"),
        ("code=the-code", "wrong_state", "is not the one of this request", "another request"),
        ("code=the-code&state=%C3%A4", "wrong_state", "is not the one of this request", "another request"),
    ],
)
def test_denial_and_wrong_state(server: CallbackServer, query: str, code: str, text: str, page: str) -> None:
    error, shown = refusal(server, f"/callback?{query}")
    assert error.code == code
    assert text in error.message
    assert page in shown
    assert shown.startswith("HTTP/1.0 400 ")
    assert "the-code" not in error.message


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/favicon.ico",
        "/callback",
        "/callback?",
        f"/callback?state={STATE}",
        f"/callback?code=&state={STATE}",
        f"/callback?code=a&code=b&state={STATE}",
        f"/callback/?code=a&state={STATE}",
        f"/other?code=a&state={STATE}",
        "//[",
    ],
)
def test_other_requests_are_ignored(server: CallbackServer, path: str) -> None:
    code, pages = during(server, path, RIGHT)
    assert code == "the-code"
    assert "There is nothing here." in pages[0] or not pages[0]


def test_other_methods_hosts_and_garbage_are_ignored(server: CallbackServer) -> None:
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    for method in ("POST", "HEAD", "OPTIONS", "PUT"):
        assert " 501 " in get(server, RIGHT, method=method)
    for host in ("evil.example", f"evil.example:{server.server_port}", "127.0.0.1:1", "127.0.0.1"):
        assert " 404 " in get(server, RIGHT, host=host)
    for garbage in (
        b"",
        b"\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01",
        b"GET " + b"a" * 70000,
        b"GET / HTTP/9\r\n\r\n",
        b"\xff" * 99,
    ):
        send(server, garbage)
    server.shutdown()
    thread.join()
    assert during(server, RIGHT)[0] == "the-code"


def test_slow_clients_do_not_block(server: CallbackServer) -> None:
    slow = [socket.create_connection(("127.0.0.1", server.server_port)) for _number in range(20)]
    for number, connection in enumerate(slow):
        connection.sendall(b"GET /callback?code=" if number % 2 else b"")
    begun = time.monotonic()
    assert during(server, RIGHT)[0] == "the-code"
    server.close()
    assert time.monotonic() - begun < 8
    for connection in slow:
        connection.close()


def test_deadline(server: CallbackServer) -> None:
    begun = time.monotonic()
    with pytest.raises(AuthorizationError, match="within 1 seconds") as caught:
        server.wait(1)
    assert caught.value.code == "login_timeout"
    assert time.monotonic() - begun < 8


def test_port_in_use_is_named(server: CallbackServer) -> None:
    with pytest.raises(
        OptionError, match=f"Port {server.server_port} of 127.0.0.1 .*set port to another one"
    ) as caught:
        CallbackServer(server.server_port)
    assert caught.value.code == "port_in_use"


def test_port_is_free_again_afterwards(server: CallbackServer) -> None:
    assert during(server, RIGHT)[0] == "the-code"
    server.close()
    with CallbackServer(server.server_port) as again:
        assert again.server_port == server.server_port
