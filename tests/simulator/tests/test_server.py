# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The server under the API: connections that stay open, many at once, TLS, and large worlds."""

from __future__ import annotations

import http.client
import json
import socket
import ssl
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import requests
import trustme

from .. import Simulator
from .conftest import Client


def address(simulator: Simulator) -> tuple[str, int]:
    """Return host and port."""
    host, port = simulator.url.split("//")[1].split(":")
    return host, int(port)


def test_keep_alive(simulator: Simulator, ada: Client) -> None:
    """One client has one connection, whatever it asks."""
    for path in ("/me", "/nothing", "/me/publicize-connections/1"):
        ada.get(path)
    ada.post("/me/publicize-connections/5002", {"shared": True})
    ada.send("PUT", "/me", data="x" * 100_000)
    ada.send("HEAD", "/me")
    ada.get("/me", http_envelope=1)
    assert len({entry["connection"] for entry in simulator.requests()}) == 1


def test_a_thousand_reads_do_not_stall(simulator: Simulator) -> None:
    """No answer waits for a delayed acknowledgement, which would take 40 ms each."""
    connection = http.client.HTTPConnection(*address(simulator), timeout=5)
    before = time.monotonic()
    for _turn in range(1000):
        connection.request("GET", "/rest/v1.1/me", headers={"Authorization": "Bearer sim-token"})
        connection.getresponse().read()
    assert time.monotonic() - before < 10
    assert len({entry["connection"] for entry in simulator.requests()}) == 1


def test_writes_do_not_stall(simulator: Simulator, ada: Client) -> None:
    """Nor does a request that comes in two pieces, head and body."""
    before = time.monotonic()
    for number in range(100):
        ada.post("/me/publicize-connections/5002", {"shared": bool(number % 2)})
    assert time.monotonic() - before < 3


def test_connection_close_and_http_1_0(simulator: Simulator) -> None:
    """A client that wants the connection closed has it closed."""
    for head in (
        "GET /rest/v1.1/me HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
        "GET /rest/v1.1/me HTTP/1.0\r\n\r\n",
    ):
        with socket.create_connection(address(simulator), timeout=5) as connection:
            connection.sendall(head.encode())
            data = b""
            while more := connection.recv(65536):
                data += more
        assert data.startswith(b"HTTP/1.1 403 ")
        assert b"Connection: close" in data


def test_chunked_body(simulator: Simulator, ada: Client) -> None:
    """A body in chunks is read whole, and the connection goes on."""
    body = json.dumps({"shared": True}).encode()
    answer = ada.send(
        "POST",
        "/me/publicize-connections/5002",
        data=iter([body[:5], body[5:]]),
        headers={"Content-Type": "application/json"},
    )
    assert answer.json()["shared"] is True
    ada.get("/me")
    assert len({entry["connection"] for entry in simulator.requests()}) == 1


def test_expect_continue(simulator: Simulator) -> None:
    """A client that asks before it sends gets an answer."""
    with socket.create_connection(address(simulator), timeout=5) as connection:
        connection.sendall(
            b"POST /rest/v1.1/me/publicize-connections/5002 HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer sim-token\r\n"
            b"Content-Type: application/json\r\nContent-Length: 15\r\nExpect: 100-continue\r\n\r\n"
        )
        assert connection.recv(1000) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(b'{"shared":true}')
        assert connection.recv(1000).startswith(b"HTTP/1.1 200 OK\r\n")


def test_nonsense_on_the_wire(simulator: Simulator, ada: Client) -> None:
    """What is no HTTP is refused and harms nobody."""
    with socket.create_connection(address(simulator), timeout=5) as connection:
        connection.sendall(b"\x16\x03\x01\x02\x00\x01\x00nonsense\r\n\r\n")
        connection.recv(1000)
    assert ada.get("/me").status_code == 200


def test_many_clients_at_once(simulator: Simulator) -> None:
    """Latency is not waited for in a queue: 32 clients take no longer than one."""
    simulator.settings(latency_ms=300)

    def one(_turn: int) -> int:
        client = Client(simulator)
        return sum(client.get("/me").status_code for _turn in range(2))

    before = time.monotonic()
    with ThreadPoolExecutor(32) as pool:
        assert set(pool.map(one, range(32))) == {400}
    assert time.monotonic() - before < 8
    assert len(simulator.requests()) == 64
    assert len({entry["connection"] for entry in simulator.requests()}) == 32
    assert [entry["number"] for entry in simulator.requests()] == list(range(1, 65))


def test_writes_at_once_are_all_done_once(simulator: Simulator) -> None:
    """The state is behind one lock: of many equal creations one makes, the others find it there."""

    def one(_turn: int) -> Any:
        client = Client(simulator)
        return client.post("/sites/3002/publicize-connections/new", {"keyring_connection_ID": 2003}).json()["ID"]

    with ThreadPoolExecutor(32) as pool:
        assert set(pool.map(one, range(64))) == {5016}
    assert [entry["applied"] for entry in simulator.requests()].count(True) == 1


def large_world(sites: int, connections: int) -> dict[str, Any]:
    """Make a world with so many sites and publicize connections."""
    per_site = connections // sites
    return {
        "users": [{"ID": 1, "username": "many"}],
        "tokens": [{"token": "sim-token", "user_ID": 1}],
        "services": [{"ID": "mastodon", "label": "Mastodon"}],
        "sites": [
            {"ID": 10 + n, "slug": f"s{n}.example.com", "members": [{"user_ID": 1, "role": "administrator"}]}
            for n in range(sites)
        ],
        "keyring_connections": [{"ID": 1000 + n, "user_ID": 1, "service": "mastodon"} for n in range(per_site)],
        "publicize_connections": [
            {"ID": 10_000 + n, "site_ID": 10 + n % sites, "keyring_connection_ID": 1000 + n // sites}
            for n in range(connections)
        ],
    }


def test_a_large_world() -> None:
    """10,000 connections on 1,000 sites are listed in well under a second, and one site's at once."""
    with Simulator(world=large_world(1000, 10_000)) as simulator:
        client = Client(simulator)
        taken = []
        for path, count in (("/me/publicize-connections", 10_000), ("/sites/s5.example.com/publicize-connections", 10)):
            times = []
            for _turn in range(3):
                before = time.monotonic()
                answer = client.get(path)
                times.append(time.monotonic() - before)
            assert len(answer.json()["connections"]) == count
            taken.append(min(times))
        assert taken[0] < 2
        assert taken[1] < 0.3
        before = time.monotonic()
        assert len(client.get("/me/keyring-connections").json()["connections"][0]["sites"]) == 1000
        assert client.post("/me/keyring-connections/1000/delete").status_code == 200
        assert time.monotonic() - before < 2


def test_tls(tmp_path: Path) -> None:
    """It speaks TLS; who does not trust it does not get through, and others are not held up."""
    authority = trustme.CA()
    certificate = authority.issue_cert("127.0.0.1", "localhost")
    chain, key, trusted = tmp_path / "chain.pem", tmp_path / "key.pem", tmp_path / "ca.pem"
    chain.write_bytes(b"".join(blob.bytes() for blob in certificate.cert_chain_pems))
    certificate.private_key_pem.write_to_path(str(key))
    authority.cert_pem.write_to_path(str(trusted))
    with Simulator(tls=(str(chain), str(key))) as simulator:
        assert simulator.url.startswith("https://127.0.0.1:")
        host, port = address(simulator)
        # Somebody who connects and says nothing.
        with socket.create_connection((host, port)):
            client = Client(simulator)
            client.session.verify = str(trusted)
            assert client.get("/me").status_code == 200
            assert client.get("/me").status_code == 200
            assert len({entry["connection"] for entry in simulator.requests()}) == 1
            with pytest.raises(requests.exceptions.SSLError):
                Client(simulator).get("/me")
        simulator.fault(kind="cut")
        with pytest.raises(requests.exceptions.ConnectionError):
            client.get("/me")
        simulator.fault(kind="truncate")
        with pytest.raises(requests.exceptions.RequestException):
            client.get("/me")
        simulator.settings(switches={"links_to": "simulator"})
        assert client.get("/me").json()["meta"]["links"]["self"] == simulator.url + "/rest/v1.1/me"
        context = ssl.create_default_context(cafile=str(trusted))
        with (
            socket.create_connection((host, port), timeout=5) as plain,
            context.wrap_socket(plain, server_hostname="127.0.0.1") as wrapped,
        ):
            wrapped.sendall(b"GET /_simulator/health HTTP/1.1\r\nHost: x\r\n\r\n")
            assert b"200 OK" in wrapped.recv(1000)


def test_stop_ends_connections() -> None:
    """After it was stopped nobody answers, not even on a connection that was open."""
    simulator = Simulator().start()
    client = Client(simulator)
    assert client.get("/me").status_code == 200
    simulator.stop()
    with pytest.raises(requests.exceptions.ConnectionError):
        client.get("/me")
    simulator.stop()


def test_start_and_stop_leave_no_thread() -> None:
    """A simulator that was stopped is gone."""
    before = threading.active_count()
    for _turn in range(5):
        with Simulator() as simulator:
            Client(simulator).get("/me")
    deadline = time.monotonic() + 5
    while threading.active_count() > before and time.monotonic() < deadline:
        time.sleep(0.02)
    assert threading.active_count() <= before


def test_fixed_port() -> None:
    """A port can be named, and be used again right away."""
    with Simulator() as first:
        port = address(first)[1]
    with Simulator(port=port) as second:
        assert address(second)[1] == port
        Client(second).get("/me")
    with Simulator(port=port) as third:
        assert Client(third).get("/me").status_code == 200
