# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each kind of misbehaviour, before and after the write."""

from __future__ import annotations

import json
import socket
import threading
import time
from typing import Any

import pytest
import requests

from .. import FaultError, Simulator
from ..faults import KINDS
from .conftest import Client

WRITE = "/me/publicize-connections/5002/delete"


def gone(simulator: Simulator) -> bool:
    """Return whether the write was done."""
    return 5002 not in [row["ID"] for row in simulator.state()["publicize_connections"]]


def exchange(simulator: Simulator, method: str = "GET", path: str = "/rest/v1.1/me") -> bytes:
    """Send a request by hand and return all that comes back until the other side closes."""
    host, port = simulator.url.split("//")[1].split(":")
    with socket.create_connection((host, int(port)), timeout=5) as connection:
        connection.sendall(
            f"{method} {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer sim-token\r\nContent-Length: 0\r\n\r\n".encode()
        )
        data = b""
        while True:
            more = connection.recv(65536)
            if not more:
                return data
            data += more


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("kind", KINDS)
def test_before_and_after_the_write(simulator: Simulator, ada: Client, kind: str, when: str) -> None:
    """A fault comes before the write or after it; the log tells which, and the next request is fine."""
    simulator.fault(
        kind=kind, when=when, method="POST", path=WRITE, **({"seconds": 0.05} if kind in ("delay", "hang") else {})
    )
    try:
        ada.post(WRITE)
    except requests.RequestException:
        assert kind in ("cut", "truncate", "bad_encoding", "hang")
    done = when == "after" or kind == "delay"
    assert gone(simulator) is done
    entry = simulator.requests()[0]
    assert (entry["fault"], entry["applied"]) == (kind, done)
    assert Client(simulator).post(WRITE).status_code == (404 if done else 200)
    assert simulator.requests()[1]["fault"] is None


def test_status(simulator: Simulator, ada: Client) -> None:
    """A status comes with headers and a body of one's own."""
    simulator.fault(kind="status", status=503, headers={"X-Why": "because"}, body={"a": [1]})
    answer = ada.get("/me")
    assert (answer.status_code, answer.headers["X-Why"], answer.json()) == (503, "because", {"a": [1]})
    assert answer.headers["Content-Type"] == "application/json"
    simulator.fault(kind="status", status=418, body="<b>tea</b>", content_type="text/x-tea")
    answer = ada.get("/me")
    assert (answer.status_code, answer.text, answer.headers["Content-Type"]) == (418, "<b>tea</b>", "text/x-tea")
    simulator.fault(kind="status")
    assert (ada.get("/me").status_code, simulator.requests()[-1]["status"]) == (500, 500)


def test_status_in_an_envelope(simulator: Simulator, ada: Client) -> None:
    """An error of the API itself comes in an envelope where one is asked for, that of a proxy does not."""
    simulator.fault(kind="status", status=503, envelope=True)
    answer = ada.get("/me", http_envelope=1)
    assert (answer.status_code, answer.json()["code"]) == (200, 503)
    simulator.fault(kind="status", status=503)
    assert ada.get("/me", http_envelope=1).status_code == 503


def test_cut(simulator: Simulator) -> None:
    """The connection ends without a byte."""
    simulator.fault(kind="cut")
    assert exchange(simulator) == b""
    assert simulator.requests()[0]["status"] is None


@pytest.mark.parametrize(("method", "path"), [("GET", "/rest/v1.1/me"), ("POST", "/rest/v1.1" + WRITE)])
def test_truncate(simulator: Simulator, method: str, path: str) -> None:
    """The length is right, but only half of it comes."""
    simulator.fault(kind="truncate")
    head, body = exchange(simulator, method, path).split(b"\r\n\r\n", 1)
    length = next(
        int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length")
    )
    assert head.startswith(b"HTTP/1.1 200 ")
    assert len(body) == length // 2 > 0


def test_delay(simulator: Simulator, ada: Client) -> None:
    """A delay carries on normally, several add up, and another fault may follow."""
    simulator.fault(kind="delay", seconds=0.15)
    simulator.fault(kind="delay", seconds=0.15, when="after")
    before = time.monotonic()
    assert ada.get("/me").status_code == 200
    assert time.monotonic() - before >= 0.3
    simulator.fault(kind="delay", seconds=0)
    simulator.fault(kind="status", status=502)
    assert ada.get("/me").status_code == 502
    assert [entry["fault"] for entry in simulator.requests()] == ["delay", "status"]


def test_hang(simulator: Simulator, ada: Client) -> None:
    """A request that hangs has no response; its connection goes when the client does, the others go on."""
    simulator.fault(kind="hang", path="/me/sites")
    with pytest.raises(requests.Timeout):
        ada.session.get(simulator.url + "/rest/v1.1/me/sites", timeout=0.3)
    assert ada.get("/me").status_code == 200
    entry = simulator.requests()[0]
    assert (entry["fault"], entry["status"]) == ("hang", None)


def test_hang_ends(simulator: Simulator) -> None:
    """A request no longer hangs when its time is over, or the fault is forgotten."""
    simulator.fault(kind="hang", seconds=0.1)
    assert exchange(simulator) == b""
    simulator.fault(kind="hang")
    timer = threading.Timer(0.2, simulator.clear_faults)
    timer.start()
    assert exchange(simulator) == b""
    timer.join()


def test_html(simulator: Simulator, ada: Client) -> None:
    """A captive portal answers 200 and HTML."""
    simulator.fault(kind="html")
    answer = ada.get("/me", http_envelope=1)
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "text/html; charset=UTF-8")
    assert "guest network" in answer.text


def test_redirect(simulator: Simulator, ada: Client) -> None:
    """A redirect leads where one says."""
    simulator.fault(kind="redirect")
    assert ada.get("/me").status_code == 302
    simulator.fault(kind="redirect", status=308, location="http://elsewhere.example.com/x")
    answer = ada.get("/me")
    assert (answer.status_code, answer.headers["Location"]) == (308, "http://elsewhere.example.com/x")


def test_limit_reached(simulator: Simulator, ada: Client) -> None:
    """Being throttled has the form of the switch."""
    simulator.fault(kind="limit_reached")
    answer = ada.get("/me")
    assert answer.status_code == 500
    assert "Limit reached" in answer.text


@pytest.mark.parametrize("value", [7, "Wed, 21 Oct 2026 07:28:00 GMT", None])
def test_throttle(simulator: Simulator, ada: Client, value: Any) -> None:
    """429 may come with Retry-After in seconds, as a date, or without."""
    simulator.fault(kind="throttle", retry_after=value)
    answer = ada.get("/me")
    assert answer.status_code == 429
    assert answer.headers.get("Retry-After") == (None if value is None else str(value))


def test_garbage(simulator: Simulator, ada: Client) -> None:
    """It says JSON and is none."""
    simulator.fault(kind="garbage")
    answer = ada.get("/me")
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "application/json")
    with pytest.raises(json.JSONDecodeError):
        json.loads(answer.text)


def test_bad_encoding(simulator: Simulator) -> None:
    """It says gzip and is none."""
    simulator.fault(kind="bad_encoding")
    with pytest.raises(requests.exceptions.ContentDecodingError):
        Client(simulator).get("/me")


def test_wrong_shape(simulator: Simulator, ada: Client) -> None:
    """JSON of another shape, of one's own choice too."""
    simulator.fault(kind="wrong_shape")
    simulator.fault(kind="wrong_shape", body=None)
    simulator.fault(kind="wrong_shape", body={"connections": "none"})
    assert [ada.get("/me").json() for _turn in range(3)] == [["unexpected"], None, {"connections": "none"}]


def test_empty(simulator: Simulator, ada: Client) -> None:
    """200 and nothing."""
    simulator.fault(kind="empty")
    answer = ada.get("/me")
    assert (answer.status_code, answer.content, answer.headers["Content-Length"]) == (200, b"", "0")


def test_echo(simulator: Simulator, ada: Client) -> None:
    """A server that shows the headers of the request, the token too; the log does not."""
    simulator.fault(kind="echo")
    answer = ada.get("/me")
    assert answer.status_code == 500
    assert "Bearer sim-token" in answer.json()["message"]
    assert answer.json()["headers"]["Authorization"] == "Bearer sim-token"
    assert "sim-token" not in repr(simulator.requests())
    simulator.fault(kind="echo", status=404)
    assert ada.get("/me").status_code == 404


def test_times_and_skip(simulator: Simulator, ada: Client) -> None:
    """A fault can wait, and come several times or always."""
    simulator.fault(kind="status", status=500, skip=1, times=2)
    assert [ada.get("/me").status_code for _turn in range(5)] == [200, 500, 500, 200, 200]
    simulator.fault(kind="status", status=500, times=-1)
    assert {ada.get("/me").status_code for _turn in range(5)} == {500}
    simulator.clear_faults()
    assert ada.get("/me").status_code == 200


def test_method_and_path(simulator: Simulator, ada: Client) -> None:
    """A fault hits one method, or all, and paths that match wholly."""
    simulator.fault(kind="status", status=500, method="POST", path="/me/.*", times=-1)
    assert ada.get("/me/sites").status_code == 200
    assert ada.post(WRITE).status_code == 500
    assert ada.post("/sites/3001/publicize-connections/new").status_code == 400
    simulator.clear_faults()
    simulator.fault(kind="status", status=500, path="/me", times=-1)
    assert (ada.get("/me/sites").status_code, ada.get("/me/").status_code) == (200, 500)


def test_the_first_fault_comes_first(simulator: Simulator, ada: Client) -> None:
    """Faults come in the order in which they were given, one a request."""
    simulator.core.add_faults([{"kind": "status", "status": 501}, {"kind": "status", "status": 502}])
    assert [ada.get("/me").status_code for _turn in range(3)] == [501, 502, 200]


def test_probability(simulator: Simulator, ada: Client) -> None:
    """A fault may come by chance, the same way after each reset."""
    runs = []
    for _turn in range(2):
        simulator.reset()
        simulator.fault(kind="status", status=500, probability=0.5)
        runs.append([ada.get("/me").status_code for _turn in range(40)])
    assert runs[0] == runs[1]
    assert 8 < runs[0].count(500) < 32


def test_faults_over_http(simulator: Simulator, ada: Client) -> None:
    """One fault or a list; shown with what is left of it; cleared."""
    url = simulator.url + "/_simulator/faults"
    assert requests.post(url, json={"kind": "empty", "times": 2}, timeout=5).status_code == 200
    assert requests.post(url, json=[{"kind": "cut", "path": "/x"}], timeout=5).status_code == 200
    ada.get("/me")
    shown = requests.get(url, timeout=5).json()["faults"]
    assert [(fault["kind"], fault["times"]) for fault in shown] == [("empty", 1), ("cut", 1)]
    assert requests.delete(url, timeout=5).status_code == 200
    assert requests.get(url, timeout=5).json() == {"faults": []}


@pytest.mark.parametrize(
    ("fault", "named"),
    [
        ({}, "kind"),
        ({"kind": "boom"}, "boom"),
        ({"kind": "cut", "status": 500}, "status"),
        ({"kind": "status", "status": 99}, "status"),
        ({"kind": "status", "status": "500"}, "status"),
        ({"kind": "status", "headers": []}, "headers"),
        ({"kind": "status", "headers": {"Connection": "close"}}, "Connection"),
        ({"kind": "cut", "path": "("}, "path"),
        ({"kind": "cut", "times": "1"}, "times"),
        ({"kind": "cut", "when": "during"}, "when"),
        ({"kind": "cut", "probability": 2}, "probability"),
        ({"kind": "delay", "seconds": "1"}, "seconds"),
    ],
)
def test_bad_faults(simulator: Simulator, fault: dict[str, Any], named: str) -> None:
    """A fault that cannot be is refused by name, and none of a list is taken."""
    with pytest.raises(FaultError, match=named):
        simulator.fault(**fault)
    answer = requests.post(simulator.url + "/_simulator/faults", json=[{"kind": "cut"}, fault], timeout=5)
    assert answer.status_code == 400
    assert simulator.core.faults == []
