# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Results of a thousand connections that controllers do not cut, and diffs only where Ansible asks for them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ansible_collections.community.wpcom.plugins.module_utils._module import run_task
from ansible_collections.community.wpcom.plugins.module_utils._options import publicize_connection_argument_spec
from ansible_collections.community.wpcom.tests.simulator import Simulator
from ansible_collections.community.wpcom.tests.unit.support import MODULES, TOKEN, params, unset

SITES, ACCOUNTS = 200, 5
COUNT = SITES * ACCOUNTS
PAGES = [
    {
        "external_ID": str(17841400000000000 + number),
        "external_name": f"The Page of the Society Number {number} & Friends",
    }
    for number in range(2)
]
WORLD = {
    "users": [{"ID": 1, "username": "ada"}],
    "tokens": [{"token": TOKEN, "user_ID": 1, "scope": "global"}],
    "sites": [
        {
            "ID": 190_000_000 + number,
            "name": f"The Site of the Society Number {number}",
            "slug": f"society-number-{number}.example.com",
            "members": [{"user_ID": 1, "role": "administrator"}],
        }
        for number in range(SITES)
    ],
    "services": [{"ID": "linkedin", "label": "LinkedIn", "multiple_external_user_ID_support": True}],
    "keyring_connections": [
        {
            "ID": 20_000_000 + number,
            "user_ID": 1,
            "service": "linkedin",
            "external_ID": f"AbCdEfGh{number}",
            "external_name": f"society-account-number-{number}",
            "external_display": f"The Society's Account Number {number}",
            "additional_external_users": PAGES,
        }
        for number in range(ACCOUNTS)
    ],
    "publicize_connections": [
        {
            "ID": 25_000_000 + site * ACCOUNTS + account,
            "site_ID": 190_000_000 + site,
            "keyring_connection_ID": 20_000_000 + account,
            "external_user_ID": PAGES[0]["external_ID"],
        }
        for site in range(SITES)
        for account in range(ACCOUNTS)
    ],
}
_UNSET = {name: option.get("default") for name, option in publicize_connection_argument_spec().items()}


def entries(**changes: Any) -> list[dict[str, Any]]:
    """Return a list that names every connection."""
    return [
        {
            **_UNSET,
            "site": f"society-number-{site}.example.com",
            "service": "linkedin",
            "account": f"society-account-number-{account}",
            **changes,
        }
        for site in range(SITES)
        for account in range(ACCOUNTS)
    ]


@pytest.fixture
def large(running_simulator: Simulator) -> Simulator:
    """Return the simulator with a thousand connections."""
    running_simulator.reset(WORLD)
    return running_simulator


def run(simulator: Simulator, *, check_mode: bool = True, diff: bool = True, **given: Any) -> dict[str, Any]:
    """Return the result of a bulk task."""
    options = {
        **params(simulator.url, retry_max_delay=0),
        **unset("bulk"),
        "max_deletions": -1,
        "parallel": 16,
        **given,
    }
    task = run_task(MODULES["bulk"], options, check_mode=check_mode, diff=diff)
    assert not task.failed, task.result["msg"][:1000]
    return task.result


def size(result: dict[str, Any]) -> int:
    """Return how many bytes a result has as Ansible sends it."""
    return len(json.dumps(result).encode())


def test_unchanged_entries_make_a_small_result(large: Simulator) -> None:
    result = run(large, connections=entries())
    assert result["summary"]["unchanged"] == COUNT
    assert result["actions"] == result["diff"] == []
    assert "connections" not in result
    assert size(result) <= 20_000
    assert size(run(large, connections=entries(), diff=False)) <= 20_000
    assert "diff" not in run(large, connections=entries(), diff=False)


@pytest.mark.parametrize(
    "change",
    [
        {"shared": True},
        {"external_user_id": PAGES[1]["external_ID"]},
        {"external_user_id": PAGES[1]["external_ID"], "shared": True},
        {"reset_external_user": True},
    ],
    ids=["shared", "page", "both", "reset"],
)
def test_updates_with_diff_stay_below_what_controllers_cut(large: Simulator, change: dict[str, Any]) -> None:
    result = run(large, connections=entries(**change))
    assert result["summary"]["updated"] == COUNT
    assert len(result["actions"]) == len(result["diff"]) == COUNT
    assert size(result) <= 700_000
    for one in result["diff"]:
        assert set(one) == {"before", "after", "before_header", "after_header"}
        assert one["before"].keys() == one["after"].keys()
        assert all(one["before"][key] != one["after"][key] for key in one["before"])
        assert one["before_header"] == one["after_header"]
    header = result["diff"][0]["before_header"]
    assert "190000000" in header
    assert "linkedin" in header
    assert "The Society's Account Number 0" in header


def test_real_updates_have_the_size_that_was_predicted(large: Simulator) -> None:
    predicted = run(large, connections=entries(shared=True))
    real = run(large, connections=entries(shared=True), check_mode=False)
    assert real["diff"] == predicted["diff"]
    assert size(real) <= 700_000
    assert size(run(large, connections=entries(shared=True))) <= 20_000


def test_one_change_among_a_thousand(large: Simulator) -> None:
    listed = entries()
    listed[123] = {**listed[123], "shared": True}
    result = run(large, connections=listed)
    (action,) = result["actions"]
    assert (action["position"], action["action"], action["health"], action["repair"]) == (123, "updated", "ok", None)
    assert set(action) == {"position", "action", "site_id", "id", "service", "account", "health", "repair", "error"}
    (diff,) = result["diff"]
    assert (diff["before"], diff["after"]) == (
        {"shared": False, "user_id": 1},
        {"shared": True, "user_id": 0},
    )
    assert size(result) <= 20_000


def test_everything_is_reported_where_it_is_asked_for(large: Simulator) -> None:
    result = run(large, connections=entries(), report="all", diff=False)
    assert len(result["actions"]) == len(result["connections"]) == COUNT
    assert [action["position"] for action in result["actions"]] == list(range(COUNT))
    assert [record["id"] for record in result["connections"]] == [25_000_000 + number for number in range(COUNT)]


def test_what_is_purged_is_reported_last_and_without_position(large: Simulator) -> None:
    listed = [entry for number, entry in enumerate(entries(shared=True)) if number % ACCOUNTS]
    result = run(large, connections=listed, purge="listed")
    deleted = result["actions"][len(listed) :]
    assert {(action["position"], action["action"]) for action in deleted} == {(None, "deleted")}
    assert len(deleted) == SITES
    assert len(result["diff"]) == COUNT
    assert all(one["after"] == {} for one in result["diff"][len(listed) :])


def test_the_unhealthy_are_reported_though_nothing_changes(large: Simulator) -> None:
    large.patch(publicize_connections=[{"ID": 25_000_007, "status": "broken"}])
    result = run(large, connections=entries())
    (action,) = result["actions"]
    assert (action["id"], action["action"], action["health"], action["repair"]) == (
        25_000_007,
        "unchanged",
        "broken",
        "refresh",
    )
    assert result["summary"]["unhealthy"] == 1


def test_a_single_task_has_a_diff_whether_or_not_it_is_shown(large: Simulator) -> None:
    """It is small, and other tasks register it."""
    task = {**params(large.url), **unset("publicize"), "id": 25_000_000, "shared": True}
    for diff in (True, False):
        result = run_task(MODULES["publicize"], task, check_mode=True, diff=diff).result
        assert result["diff"]["before"]["shared"] is False
