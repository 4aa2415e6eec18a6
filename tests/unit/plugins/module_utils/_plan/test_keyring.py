# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every rule and every error of ``wpcom_keyring_connection``."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.community.wpcom.plugins.module_utils._execute import TaskResult
from ansible_collections.community.wpcom.tests.simulator import Simulator
from ansible_collections.community.wpcom.tests.unit.support import brief, run


def failed(simulator: Simulator, code: str, *told: str, **task: Any) -> TaskResult:
    """Run a task that must fail in both modes, with a code and words, and change nothing."""
    before = simulator.state()
    for check_mode in (True, False):
        outcome = run("keyring", simulator.url, check_mode=check_mode, **task)
        assert outcome.failed, outcome.result
        assert outcome.result["error"]["code"] == code, outcome.result["msg"]
        for words in told:
            assert words in outcome.result["msg"]
    assert simulator.requests("POST") == []
    assert simulator.state() == before
    return outcome


@pytest.mark.parametrize(
    ("task", "told"),
    [
        ({"id": 0}, "id must be a positive number, got 0"),
        ({"service": ""}, "service must not be empty"),
        ({"service": "mastodon", "account": ""}, "account must not be empty"),
    ],
)
def test_bad_options(simulator: Simulator, task: dict[str, Any], told: str) -> None:
    """They are told by name, before anything is sent."""
    failed(simulator, "invalid_option", told, **task)
    assert simulator.requests() == []


@pytest.mark.parametrize(
    ("task", "found"),
    [
        ({"id": 2001}, 2001),
        ({"service": "facebook"}, 2001),
        ({"service": "Facebook"}, 2001),
        ({"service": "mastodon", "account": "@shop@mastodon.example"}, 2004),
        ({"service": "mastodon", "account": "900004"}, 2004),
        ({"service": "linkedin", "account": "Acme Editor"}, 2010),
        ({"service": "instagram-business"}, 2009),
    ],
)
def test_present(simulator: Simulator, task: dict[str, Any], found: int) -> None:
    """It exists: one request, nothing changed, nothing written."""
    for check_mode in (True, False):
        simulator.clear_requests()
        outcome = run("keyring", simulator.url, check_mode=check_mode, **task)
        assert outcome.result["changed"] is False
        assert outcome.result["connection"]["id"] == found
        assert outcome.result["diff"]["before"] == outcome.result["diff"]["after"] != {}
        assert [entry["method"] for entry in simulator.requests()] == ["GET"]


def test_sites_are_numbers(simulator: Simulator) -> None:
    """The wire has strings."""
    assert run("keyring", simulator.url, id=2001).result["connection"]["sites"] == [3001, 3002]


def test_missing(simulator: Simulator) -> None:
    """A person has to make it: the URL is told."""
    failed(
        simulator,
        "missing_keyring_connection",
        "eyring connection 2999 not found",
        "https://wordpress.com/marketing/connections",
        id=2999,
    )
    outcome = failed(
        simulator,
        "missing_keyring_connection",
        "eyring connection '@x' for Mastodon not found",
        "2003 (mastodon: @ada@mastodon.example); 2004",
        service="mastodon",
        account="@x",
    )
    assert "service=mastodon" in outcome.result["connect_url"]
    failed(simulator, "unknown_service", "gather=services", service="myspace")
    failed(simulator, "unsupported_service", "no longer supports Twitter", service="twitter")


def test_somebody_elses(simulator: Simulator) -> None:
    """The server refuses, or says that it is not there."""
    failed(simulator, "authorization_required", "is owned by another user", id=2101)
    simulator.settings(switches={"foreign_keyring": "not_found"})
    failed(simulator, "missing_keyring_connection", "eyring connection 2101 not found", id=2101)
    failed(simulator, "missing_keyring_connection", service="mastodon", account="@grace@mastodon.example")


def test_several(simulator: Simulator) -> None:
    """They are listed, and how to name one."""
    for state in ("present", "absent"):
        outcome = failed(
            simulator, "ambiguous_match", "2003", "2004", "by account, or by its ID", service="mastodon", state=state
        )
        assert [candidate["id"] for candidate in outcome.result["candidates"]] == [2003, 2004]


@pytest.mark.parametrize(
    ("keyring_connection_id", "words"),
    [
        (2005, ("will soon stop working", "adablog", "refresh=1")),
        (2006, ("is broken", "ada.bsky.example", "refresh=1")),
        (2007, ("is broken", "ada.threads", "disconnect and reconnect it")),
        (2010, ("will soon stop working", "Acme Editor", "expires")),
    ],
)
def test_unhealthy_warns(simulator: Simulator, keyring_connection_id: int, words: tuple[str, ...]) -> None:
    """The warning names account and remedy."""
    (warning,) = run("keyring", simulator.url, id=keyring_connection_id).warnings
    for word in words:
        assert word in warning


@pytest.mark.parametrize("task", [{"id": 2011}, {"service": "bluesky", "account": "quiet.bsky.example"}])
def test_fresh_test(simulator: Simulator, task: dict[str, Any]) -> None:
    """It costs no further request, and finds what the cached status hides."""
    assert run("keyring", simulator.url, **task).warnings == []
    simulator.clear_requests()
    outcome = run("keyring", simulator.url, test=True, **task)
    assert outcome.result["connection"]["health"] == "broken"
    assert outcome.result["connection"]["repair"] == "reconnect"
    assert outcome.result["changed"] is False
    assert len(outcome.warnings) == 1
    (entry,) = simulator.requests()
    assert entry["query"] == {"force_connection_test": "1"}


# Deleting


def test_absent_of_an_unused_one(simulator: Simulator) -> None:
    """Nothing hangs on it, so that cascade is not needed."""
    checked = run("keyring", simulator.url, check_mode=True, id=2008, state="absent")
    assert simulator.requests("POST") == []
    outcome = run("keyring", simulator.url, id=2008, state="absent")
    assert brief(simulator.requests("POST")) == ["POST /me/keyring-connections/2008/delete"]
    for result in (checked.result, outcome.result):
        assert result["changed"] is True
        assert result["connection"] is None
        assert result["publicize_connections"] == []
        assert result["diff"]["before"]["id"] == 2008
        assert result["diff"]["after"] == {}
    for check_mode in (True, False):
        again = run("keyring", simulator.url, check_mode=check_mode, id=2008, state="absent")
        assert again.result["changed"] is False
        assert again.result["publicize_connections"] == []
    assert len(simulator.requests("POST")) == 1


def test_absent_without_cascade(simulator: Simulator) -> None:
    """The blast radius is shown, on all sites, and nothing is deleted."""
    outcome = failed(
        simulator,
        "cascade_needed",
        "2 publicize connection(s)",
        "5001",
        "5003",
        "on site 3002",
        "cascade to true",
        id=2001,
        state="absent",
    )
    assert [row["id"] for row in outcome.result["publicize_connections"]] == [5001, 5003]
    assert outcome.result["connection"]["id"] == 2001


def test_absent_with_cascade(simulator: Simulator) -> None:
    """Check mode shows the same as the deletion: what goes with it."""
    checked = run("keyring", simulator.url, check_mode=True, service="facebook", state="absent", cascade=True)
    assert simulator.requests("POST") == []
    outcome = run("keyring", simulator.url, service="facebook", state="absent", cascade=True)
    for result in (checked.result, outcome.result):
        assert [row["id"] for row in result["publicize_connections"]] == [5001, 5003]
        assert [row["id"] for row in result["diff"]["before"]["publicize_connections"]] == [5001, 5003]
    assert checked.result["diff"] == outcome.result["diff"]
    left = {row["ID"] for row in simulator.state()["publicize_connections"]}
    assert not {5001, 5003} & left
    assert 5005 in left


def test_absent_sees_sites_that_the_token_does_not(simulator: Simulator) -> None:
    """A token for one site lists the connections there only, but the deletion reaches all of them."""
    outcome = failed(
        simulator,
        "cascade_needed",
        "5001",
        "one or more on site 3002",
        id=2001,
        state="absent",
        api_token="sim-token-site",
    )
    assert [row["id"] for row in outcome.result["publicize_connections"]] == [5001]


@pytest.mark.parametrize("task", [{"id": 2999}, {"service": "mastodon", "account": "@x"}, {"service": "myspace"}])
@pytest.mark.parametrize("form", ["not_found", "empty"])
def test_absent_of_what_is_not_there(simulator: Simulator, task: dict[str, Any], form: str) -> None:
    """It is absent, in both forms of the answer."""
    simulator.settings(switches={"keyring_not_found_form": form})
    outcome = run("keyring", simulator.url, state="absent", **task)
    assert outcome.result["changed"] is False
    assert outcome.result["connection"] is None
    assert outcome.result["diff"]["before"] == outcome.result["diff"]["after"] == {}
