# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The control interface: reset, request log, settings, state."""

from __future__ import annotations

import time
from typing import Any

import pytest
import requests

from .. import FaultError, SettingError, Simulator, SwitchError, WorldError
from .conftest import Client, error

SMALL = {
    "users": [{"ID": 1, "username": "solo"}],
    "tokens": [{"token": "solo-token", "user_ID": 1}],
    "sites": [{"ID": 2, "slug": "solo.example.com", "members": [{"user_ID": 1, "role": "administrator"}]}],
}


def call(simulator: Simulator, method: str, path: str, **more: Any) -> Any:
    """Call the control interface; return status and body."""
    answer = requests.request(method, f"{simulator.url}/_simulator{path}", timeout=5, **more)
    return answer.status_code, answer.json()


def test_health(simulator: Simulator) -> None:
    """It says that it is there."""
    assert call(simulator, "GET", "/health") == (200, {"status": "ok"})


def test_reset(simulator: Simulator, ada: Client) -> None:
    """A reset brings the seed back, and clears log, faults and settings."""
    before = simulator.state()
    ada.post("/me/keyring-connections/2001/delete")
    simulator.fault(kind="cut", times=-1)
    simulator.settings(latency_ms=5, rate_limit={"requests": 0}, now="2030-01-01", switches={"drop_shared": True})
    assert call(simulator, "POST", "/reset") == (200, {"status": "ok"})
    after = simulator.state()
    assert [row["ID"] for row in after["publicize_connections"]] == [
        row["ID"] for row in before["publicize_connections"]
    ]
    assert simulator.requests() == []
    assert call(simulator, "GET", "/faults") == (200, {"faults": []})
    settings = simulator.settings()
    assert (settings["latency_ms"], settings["rate_limit"], settings["now"]) == (0, None, None)
    assert settings["switches"]["drop_shared"] is False
    assert ada.get("/me").status_code == 200


def test_nonces_begin_anew_after_a_reset(simulator: Simulator, ada: Client) -> None:
    """What is random is seeded, so that a run can be repeated."""
    first = ada.get("/me/publicize-connections/5001").json()["refresh_URL"]
    simulator.reset()
    assert ada.get("/me/publicize-connections/5001").json()["refresh_URL"] == first


def test_reset_to_another_world(simulator: Simulator) -> None:
    """A reset can bring a whole other world, and the next one brings the seed back."""
    assert call(simulator, "POST", "/reset", json={"world": SMALL, "switches": {"pc_url": "null"}})[0] == 200
    assert Client(simulator, "solo-token").get("/me").json()["username"] == "solo"
    assert error(Client(simulator).get("/me")) == (400, "invalid_token")
    assert simulator.settings()["switches"]["pc_url"] == "null"
    assert call(simulator, "POST", "/reset", json={"world": None})[0] == 200
    assert Client(simulator).get("/me").status_code == 200


@pytest.mark.parametrize(
    ("body", "named"),
    [
        ({"wold": None}, "wold"),
        ({"world": {"user": []}}, "user"),
        ({"world": {"users": [{"ID": 1}]}}, "username"),
        ({"world": 5}, "world"),
        ({"switches": {"nothing": 1}}, "nothing"),
        ({"switches": [1]}, "switches"),
        ([], "object"),
    ],
)
def test_bad_reset_changes_nothing(simulator: Simulator, ada: Client, body: Any, named: str) -> None:
    """A reset that cannot be is refused by name, and leaves everything as it was."""
    ada.get("/me")
    status, answer = call(simulator, "POST", "/reset", json=body)
    assert status == 400
    assert named in answer["error"]
    assert len(simulator.requests()) == 1


def test_control_calls_that_are_not_there(simulator: Simulator) -> None:
    """The control interface answers JSON always, and is never logged nor hit by faults."""
    simulator.fault(kind="cut", times=-1)
    simulator.settings(rate_limit={"requests": 0})
    assert call(simulator, "GET", "/nothing")[0] == 404
    assert call(simulator, "GET", "/reset")[0] == 404
    assert call(simulator, "POST", "/reset", data="{")[0] == 400
    assert simulator.requests() == []


def test_log(simulator: Simulator, ada: Client) -> None:
    """The log says what was asked, by what kind of caller, and what came of it."""
    ada.get("/me/publicize-connections/", site="3001", service="mastodon")
    ada.post("/sites/3002/publicize-connections/new", {"keyring_connection_ID": 2003, "shared": True})
    ada.send("POST", "/me/publicize-connections/5002", data={"shared": "1"})
    Client(simulator, None).get("/me/nothing/")
    assert simulator.requests() == [
        {
            "number": 1,
            "method": "GET",
            "path": "/me/publicize-connections",
            "query": {"site": "3001", "service": "mastodon"},
            "body": None,
            "status": 200,
            "connection": simulator.requests()[0]["connection"],
            "authorization": "bearer",
            "fault": None,
            "applied": False,
        },
        {
            "number": 2,
            "method": "POST",
            "path": "/sites/3002/publicize-connections/new",
            "query": {},
            "body": {"keyring_connection_ID": 2003, "shared": True},
            "status": 200,
            "connection": simulator.requests()[0]["connection"],
            "authorization": "bearer",
            "fault": None,
            "applied": True,
        },
        {
            "number": 3,
            "method": "POST",
            "path": "/me/publicize-connections/5002",
            "query": {},
            "body": {"shared": "1"},
            "status": 200,
            "connection": simulator.requests()[0]["connection"],
            "authorization": "bearer",
            "fault": None,
            "applied": True,
        },
        {
            "number": 4,
            "method": "GET",
            "path": "/me/nothing",
            "query": {},
            "body": None,
            "status": 404,
            "connection": simulator.requests()[3]["connection"],
            "authorization": "none",
            "fault": None,
            "applied": False,
        },
    ]
    assert simulator.requests()[3]["connection"] != simulator.requests()[0]["connection"]
    assert call(simulator, "GET", "/requests") == (200, {"requests": simulator.requests()})


def test_log_keeps_the_inner_path(simulator: Simulator, ada: Client) -> None:
    """Paths are without the REST root; others are whole."""
    ada.get("/")
    ada.session.get(simulator.url + "/oauth2/token-info", params={"client_id": 1}, timeout=5)
    ada.session.get(simulator.url + "/elsewhere/", timeout=5)
    assert [entry["path"] for entry in simulator.requests()] == ["/", "/oauth2/token-info", "/elsewhere/"]


def test_log_filters(simulator: Simulator, ada: Client) -> None:
    """The log can be asked by method and path."""
    ada.get("/me")
    ada.get("/me/sites")
    ada.post("/me/publicize-connections/5002/delete")
    assert len(simulator.requests("GET")) == 2
    assert len(simulator.requests(path="/me")) == 1
    assert len(simulator.requests("post", "/me/.*")) == 1
    answer = call(simulator, "GET", "/requests", params={"method": "GET", "path": "/me/.*"})
    assert [entry["path"] for entry in answer[1]["requests"]] == ["/me/sites"]
    assert call(simulator, "GET", "/requests", params={"path": "("})[0] == 400
    assert call(simulator, "DELETE", "/requests")[0] == 200
    assert simulator.requests() == []
    ada.get("/me")
    simulator.clear_requests()
    assert simulator.requests() == []


def test_log_has_no_tokens(simulator: Simulator, ada: Client) -> None:
    """No token gets into the log, wherever a client puts it."""
    ada.session.get(simulator.url + "/oauth2/token-info", params={"client_id": "1", "token": "sim-token"}, timeout=5)
    ada.get("/me", access_token="anything")
    ada.get("/me/sim-token", other="xsim-token-postsx")
    ada.post("/me/publicize-connections/5002", {"shared": "sim-token", "sim-token": ["sim-token-sharing"]})
    assert "sim-token" not in repr(simulator.requests())
    assert "anything" not in repr(simulator.requests())


def test_envelopes_are_logged_as_they_went_out(simulator: Simulator, ada: Client) -> None:
    """The status in the log is that of HTTP."""
    ada.get("/me/publicize-connections/1", http_envelope=1)
    assert simulator.requests()[0]["status"] == 200


def test_state(simulator: Simulator) -> None:
    """The state is the world in raw form, sorted by ID."""
    state = simulator.state()
    assert list(state) == [
        "publicize_connections", "keyring_connections", "applications", "sites", "users", "services",
    ]  # fmt: skip
    assert [row["ID"] for row in state["publicize_connections"]] == list(range(5001, 5016))
    first = state["publicize_connections"][0]
    assert (first["site_ID"], first["external_user_ID"], first["shared"], first["status"]) == (3001, "111", False, "ok")
    assert state["publicize_connections"][3]["status"] == "broken"
    assert state["keyring_connections"][0]["expires"] is None
    assert state["applications"][0]["authorized"] == "2014-06-28T05:44:25Z"
    assert call(simulator, "GET", "/state") == (200, state)


def test_state_can_be_given_back(simulator: Simulator) -> None:
    """What the state shows is a world, and taken as one."""
    state = simulator.state()
    simulator.patch(state)
    assert simulator.state() == state
    tokens = [{"token": "sim-token", "user_ID": 1001}, {"token": "sim-token-sharing", "user_ID": 1001}]
    simulator.reset({**state, "tokens": tokens})
    assert simulator.state() == state


def test_patch(simulator: Simulator, ada: Client) -> None:
    """Records can be changed, added and deleted in raw form."""
    body = {
        "publicize_connections": [
            {"ID": 5001, "status": "broken"},
            {"ID": 6000, "site_ID": 3002, "keyring_connection_ID": 2003, "issued": "-1d"},
        ],
        "keyring_connections": [{"ID": 2003, "expires": "+2d", "status": "a-new-one"}],
        "delete": {"publicize_connections": [5002], "applications": [7001]},
    }
    assert call(simulator, "PATCH", "/state", json=body) == (200, {"status": "ok"})
    rows = {row["ID"]: row for row in ada.get("/me/publicize-connections").json()["connections"]}
    assert rows[5001]["status"] == "broken"
    assert rows[5001]["external_ID"] == "111"
    assert rows[6000]["status"] == "a-new-one"
    assert 5002 not in rows
    assert ada.get("/me/connected-applications/7001").status_code == 404
    answer = ada.post("/sites/3001/publicize-connections/new", {"keyring_connection_ID": 2003})
    assert answer.json()["ID"] == 6001


def test_an_explicit_status_of_a_publicize_connection_stands(simulator: Simulator, ada: Client) -> None:
    """A status that was given to a publicize connection itself survives a test, unless its true one is given too."""
    simulator.patch(
        publicize_connections=[
            {"ID": 5001, "status": "broken"},
            {"ID": 5003, "status": "broken", "true_status": "invalid"},
        ]
    )
    ada.get("/me/keyring-connections/2001", force_connection_test=1)
    rows = {row["ID"]: row["status"] for row in ada.get("/me/publicize-connections").json()["connections"]}
    assert (rows[5001], rows[5003]) == ("broken", "invalid")


def test_patch_takes_along_what_hangs_on_it(simulator: Simulator) -> None:
    """Deleting a record deletes those that cannot be without it."""
    simulator.patch(delete={"sites": [3001], "services": ["mastodon"]})
    state = simulator.state()
    assert [row["ID"] for row in state["publicize_connections"]] == [5003, 5004, 5010, 5011, 5013, 5014, 5015]
    assert not [row for row in state["keyring_connections"] if row["service"] == "mastodon"]
    assert next(row for row in state["users"] if row["ID"] == 1001)["primary_blog"] is None


@pytest.mark.parametrize(
    ("body", "named"),
    [
        ({"nothing": []}, "nothing"),
        ({"delete": {"nothing": []}}, "nothing"),
        ({"delete": {"sites": [9]}}, "9"),
        ({"delete": {"sites": 3001}}, "sites"),
        ({"delete": []}, "delete"),
        ({"sites": {}}, "sites"),
        ({"sites": [{"name": "x"}]}, "ID"),
        ({"sites": [{"ID": 9, "name": "x"}]}, "slug"),
        ({"sites": [{"ID": 3001, "nmae": "x"}]}, "nmae"),
        ({"sites": [{"ID": 3001, "private": 1}]}, "private"),
        ({"publicize_connections": [{"ID": 5001, "site_ID": 9}]}, "site_ID"),
        ({"publicize_connections": [{"ID": 9, "site_ID": 3001, "keyring_connection_ID": 9}]}, "keyring_connection_ID"),
        ({"users": [{"ID": 1001, "username": "x"}], "sites": [{"ID": 3001, "error": "x"}]}, "error"),
        ({"tokens": [{"token": "t", "user_ID": 1001, "scope": ""}]}, "site_ID"),
    ],
)
def test_bad_patch_changes_nothing(simulator: Simulator, body: Any, named: str) -> None:
    """A change that cannot be is refused by name, and nothing of it happens."""
    before = simulator.state()
    status, answer = call(simulator, "PATCH", "/state", json=body)
    assert status == 400
    assert named in answer["error"]
    assert simulator.state() == before


def test_settings(simulator: Simulator) -> None:
    """Settings can be read and changed one by one."""
    status, settings = call(simulator, "GET", "/settings")
    assert status == 200
    assert set(settings) == {"latency_ms", "switches", "rate_limit", "now"}
    limit = {"requests": 5, "per_seconds": 2, "retry_after": True}
    body = {"latency_ms": 3, "switches": {"pc_url": "null"}, "rate_limit": limit, "now": "2030-01-01T01:00:00+01:00"}
    status, settings = call(simulator, "POST", "/settings", json=body)
    assert status == 200
    assert settings == simulator.settings()
    assert (settings["latency_ms"], settings["rate_limit"], settings["now"]) == (3, limit, "2030-01-01T00:00:00Z")
    assert simulator.settings(rate_limit=None, now=None)["rate_limit"] is None
    assert simulator.settings()["latency_ms"] == 3


@pytest.mark.parametrize(
    "body",
    [
        {"latency": 1}, {"latency_ms": "1"}, {"latency_ms": -1}, {"switches": {"nothing": 1}}, {"switches": [1]},
        {"rate_limit": 5}, {"rate_limit": {"requests": "5"}}, {"rate_limit": {"requests": 1, "per_seconds": 0}},
        {"rate_limit": {"requests": 1, "retry_after": 5}}, {"rate_limit": {"request": 1}}, {"now": "soon"},
    ],
)  # fmt: skip
def test_bad_settings_change_nothing(simulator: Simulator, body: dict[str, Any]) -> None:
    """A setting that cannot be is refused, and none of the others is changed."""
    before = simulator.settings()
    status, answer = call(simulator, "POST", "/settings", json={"latency_ms": 7, **body})
    assert status == 400
    assert next(iter(body)) in answer["error"] or "nothing" in answer["error"]
    assert simulator.settings() == before


def test_the_class_has_its_own_errors(simulator: Simulator) -> None:
    """Python gets exceptions where HTTP gets 400."""
    with pytest.raises(FaultError, match="kind"):
        simulator.fault(kind="nothing")
    with pytest.raises(SettingError, match="later"):
        simulator.settings(later=1)
    with pytest.raises(SwitchError):
        simulator.reset(switches={"x": 1})
    with pytest.raises(WorldError):
        simulator.patch(x=[])


def test_now(simulator: Simulator, ada: Client) -> None:
    """The clock can be set; what is made then has its date."""
    simulator.settings(now="2031-02-03T04:05:06Z")
    answer = ada.post("/sites/3002/publicize-connections/new", {"keyring_connection_ID": 2003})
    assert answer.json()["issued"] == "2031-02-03 04:05:06"


def test_latency(simulator: Simulator, ada: Client) -> None:
    """Every answer takes that long, the control interface does not."""
    simulator.settings(latency_ms=500)
    before = time.monotonic()
    ada.get("/me")
    assert time.monotonic() - before >= 0.5
    before = time.monotonic()
    call(simulator, "GET", "/health")
    assert time.monotonic() - before < 0.5


def test_rate_limit_with_retry_after(simulator: Simulator, ada: Client) -> None:
    """So many requests are answered; then 429 tells how long to wait, and after that it goes on."""
    simulator.settings(rate_limit={"requests": 2, "per_seconds": 2, "retry_after": True})
    assert [ada.get("/me").status_code for _turn in range(3)] == [200, 200, 429]
    refused = ada.post("/me/publicize-connections/5002/delete")
    assert (refused.status_code, refused.headers["Retry-After"]) == (429, "2")
    assert [(entry["fault"], entry["applied"]) for entry in simulator.requests("POST")] == [("rate_limit", False)]
    time.sleep(2.05)
    assert ada.get("/me").status_code == 200


def test_rate_limit_without_a_word(simulator: Simulator, ada: Client) -> None:
    """Without Retry-After it is HTML, and trying earlier prolongs the ban."""
    simulator.settings(rate_limit={"requests": 1, "per_seconds": 1.5, "retry_after": False})
    assert ada.get("/me").status_code == 200
    for _turn in range(3):
        answer = ada.get("/me")
        assert answer.status_code == 500
        assert "Limit reached" in answer.text
        assert answer.headers["Content-Type"].startswith("text/html")
        assert "Retry-After" not in answer.headers
        # The third try comes after the first ban would have ended.
        time.sleep(0.8)
    time.sleep(0.8)
    assert ada.get("/me").status_code == 200
