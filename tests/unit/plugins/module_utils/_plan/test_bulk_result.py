# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The result of a bulk task: an action for each entry, a summary, and the failure that speaks for all."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ansible_collections.community.wpcom.plugins.module_utils._errors import IgnoredWriteError
from ansible_collections.community.wpcom.plugins.module_utils._operations import UpdatePublicizeConnection
from ansible_collections.community.wpcom.tests.unit.builders import (
    CLUB,
    FACEBOOK,
    LINKEDIN,
    MASTODON,
    SHOP,
    World,
    external_user,
    keyring_connection,
    plan,
    publicize_connection,
    refusal,
    run,
    site,
)

CREATE = {"site": "shop.example.com", "service": "linkedin", "external_user_id": "212"}
MIXED = [
    {"site": "1", "service": "mastodon", "account": "@ada"},
    {"id": 51, "shared": True},
    CREATE,
    {"id": 52, "state": "absent"},
    {"id": 99, "state": "absent"},
    {"site": "2", "service": "myspace", "account": "x", "state": "absent"},
]


def world(**changes: Any) -> World:
    """Return a world of three connections on site 1, one of which is to be purged on site 2."""
    return World(
        publicize_connection(50, MASTODON, 1),
        publicize_connection(51, FACEBOOK, 1, SHOP),
        publicize_connection(52, LINKEDIN, 1),
        publicize_connection(53, MASTODON, 2),
        **changes,
    )


def actions(task: Any) -> list[str]:
    """Return what became of each entry."""
    return [each["action"] for each in task.result["actions"]]


def test_each_entry_has_an_action_then_what_is_purged() -> None:
    task = run("bulk", world(), connections=MIXED, purge="listed", report="all")
    keys = ("position", "action", "site_id", "id", "service", "account", "error")
    assert [tuple(each[key] for key in keys) for each in task.result["actions"]] == [
        (0, "unchanged", 1, 50, "mastodon", "@Ada", None),
        (1, "updated", 1, 51, "facebook", "Ada", None),
        (2, "created", 2, 54, "linkedin", "Ada-L", None),
        (3, "deleted", 1, 52, "linkedin", "Ada-L", None),
        # What does not exist is called by what the entry has.
        (4, "unchanged", None, 99, None, None, None),
        (5, "unchanged", 2, None, "myspace", "x", None),
        (None, "deleted", 2, 53, "mastodon", "@Ada", None),
    ]


def test_summary_counts_the_actions() -> None:
    task = run("bulk", world(), connections=MIXED, purge="listed")
    expected = {"created": 1, "updated": 1, "deleted": 2, "unchanged": 3, "failed": 0, "skipped": 0}
    assert {key: task.result["summary"][key] for key in expected} == expected
    assert task.result["changed"] is True


def test_connections_are_the_records_of_the_listed_entries() -> None:
    task = run("bulk", world(), connections=MIXED, purge="listed", report="all")
    records = task.result["connections"]
    assert [record and record["id"] for record in records] == [50, 51, 54, None, None, None]
    assert records[1]["shared"] is True


def test_check_mode_predicts_the_result_but_for_the_ids_of_new_connections() -> None:
    predicted = run("bulk", world(), check_mode=True, connections=MIXED, purge="listed", report="all").result
    real = run("bulk", world(), connections=MIXED, purge="listed", report="all").result
    assert predicted["actions"][2].pop("id") is predicted["connections"][2].pop("id") is None
    assert real["actions"][2].pop("id") == real["connections"][2].pop("id") == 54
    assert predicted == real


def test_second_run_changes_nothing_and_has_an_empty_diff() -> None:
    changing = world()
    run("bulk", changing, connections=MIXED, purge="listed")
    again = run("bulk", changing, connections=MIXED, purge="listed", report="all")
    assert set(actions(again)) == {"unchanged"}
    assert again.result["changed"] is False
    assert again.result["diff"] == []


def test_diff_is_a_list_of_what_changes_of_an_update_only_what_differs() -> None:
    updated, created, deleted = run("bulk", world(), connections=MIXED).result["diff"]
    assert updated == {
        "before": {"shared": False, "user_id": 1},
        "after": {"shared": True, "user_id": 0},
        "before_header": "site 1: facebook Ada (51)",
        "after_header": "site 1: facebook Ada (51)",
    }
    assert (created["before"], created["after"]["external_id"]) == ({}, "212")
    assert "id" not in created["after"]
    assert created["before_header"] == created["after_header"] == "site 2: linkedin Ada-L"
    assert (deleted["before"]["id"], deleted["after"]) == (52, {})
    assert deleted["before_header"] == "site 1: linkedin Ada-L (52)"


@pytest.mark.parametrize("check_mode", [True, False])
def test_diff_is_there_in_diff_mode_only(check_mode: bool) -> None:
    assert "diff" not in run("bulk", world(), check_mode=check_mode, diff=False, connections=MIXED).result
    assert len(run("bulk", world(), check_mode=check_mode, diff=True, connections=MIXED).result["diff"]) == 3


# What is reported


def unhealthy(status: str) -> World:
    """Return a world in which one account of two has a status that is not ok."""
    account = keyring_connection(22, "mastodon", "@ada", status=status)
    return World(
        publicize_connection(50, account, 1), publicize_connection(51, FACEBOOK, 1, SHOP), keyrings=[account, FACEBOOK]
    )


@pytest.mark.parametrize(
    ("status", "health", "repair"),
    [("broken", "broken", "refresh"), ("must_reauth", "expiring", "refresh"), ("something-new", "unknown", None)],
)
@pytest.mark.parametrize("diff", [True, False])
def test_unhealthy_connection_is_reported_though_it_is_unchanged(
    status: str, health: str, repair: Any, diff: bool
) -> None:
    task = run("bulk", unhealthy(status), diff=diff, connections=[{"id": 51}, {"id": 50}])
    (action,) = task.result["actions"]
    assert (action["position"], action["action"], action["health"], action["repair"]) == (
        1,
        "unchanged",
        health,
        repair,
    )
    assert (task.result["summary"]["unchanged"], task.result["summary"]["unhealthy"]) == (2, 1)
    assert "connections" not in task.result


def test_changes_alone_are_reported_unless_all_is_asked_for() -> None:
    task = run("bulk", world(), connections=MIXED, purge="listed")
    assert [each["position"] for each in task.result["actions"]] == [1, 2, 3, None]
    assert set(task.result) == {"changed", "actions", "summary", "diff"}
    assert sum(task.result["summary"][action] for action in ("created", "updated", "deleted", "unchanged")) == 7


def test_connection_that_is_untested_is_not_reported() -> None:
    account = keyring_connection(22, "mastodon", "@ada", status=None)
    task = run("bulk", World(publicize_connection(50, account), keyrings=[account]), connections=[{"id": 50}])
    assert (task.result["actions"], task.result["summary"]["unhealthy"]) == ([], 0)


def many(number: int) -> World:
    """Return a world of as many connections on as many sites, with names of a usual length."""
    page = external_user("123456789012345", "The Society for the Diffusion of Useful Knowledge")
    account = keyring_connection(21, "linkedin", "ada-lovelace", page)
    sites = [site(each, f"site{each}.example.com") for each in range(1, number + 1)]
    connections = [publicize_connection(5000 + each, account, each, page) for each in range(1, number + 1)]
    return World(*connections, keyrings=[account], sites=sites)


@pytest.mark.parametrize(("shared", "largest"), [(False, 20_000), (True, 700_000)], ids=["unchanged", "updated"])
def test_thousand_entries_make_a_result_that_controllers_do_not_cut(shared: bool, largest: int) -> None:
    connections = [{"id": 5000 + each, "shared": shared} for each in range(1, 1001)]
    task = run("bulk", many(1000), connections=connections, parallel=1)
    assert task.result["summary"]["updated" if shared else "unchanged"] == 1000
    assert len(task.result["diff"]) == (1000 if shared else 0)
    assert len(json.dumps(task.result)) <= largest


def test_two_external_users_of_one_name_are_both_in_the_diff() -> None:
    twins = keyring_connection(21, "linkedin", "ada-l", external_user("211", "Twin"), external_user("212", "Twin"))
    connections = [
        {"site": "1", "service": "linkedin", "external_user_id": number, "unique_per": "external_user"}
        for number in ("211", "212")
    ]
    diff = run("bulk", World(keyrings=[twins]), check_mode=True, connections=connections).result["diff"]
    assert [each["after"]["external_id"] for each in diff] == ["211", "212"]


UPDATES = [{"id": 50, "shared": True}, {"id": 51, "shared": True}, {"id": 52, "shared": True}]


@pytest.mark.parametrize(
    ("on_error", "expected"),
    [("stop", ["updated", "failed", "skipped"]), ("continue", ["updated", "failed", "updated"])],
)
def test_failure_midway_reports_what_was_done_and_a_second_run_does_the_rest(
    on_error: str, expected: list[str]
) -> None:
    changing = world(refuses=lambda operation: operation == UpdatePublicizeConnection(51, shared=True))
    task = run("bulk", changing, connections=UPDATES, parallel=1, on_error=on_error, report="all")
    assert task.failed
    assert actions(task) == expected
    assert task.result["changed"] is True
    counts = "1 failed, 1 skipped" if on_error == "stop" else "1 failed"
    assert (
        f"1 of the publicize connections failed ({expected.count('updated')} updated, {counts})" in task.result["msg"]
    )
    assert "connections[1] (id 51): Could not do it" in task.result["msg"]
    assert task.result["msg"].endswith("Run the task again to do the rest.")
    # The first failure is that of the task; its action has it too.
    error = task.result["actions"][1]["error"]
    assert (error["code"], error["status"], error["msg"]) == ("insert_error", 400, "Could not do it: insert_error")
    assert task.result["error"] == {key: value for key, value in error.items() if key != "msg"}
    # What failed is as it was, not as it was to be.
    shared = [record["shared"] for record in task.result["connections"]]
    assert shared == [action == "updated" for action in expected]
    assert len(task.result["diff"]) == expected.count("updated")
    changing.refuses = lambda operation: None
    changing.writes.clear()
    assert not run("bulk", changing, connections=UPDATES).failed
    assert len(changing.writes) == 3 - expected.count("updated")


def test_failures_are_all_named_and_the_first_one_is_that_of_the_task() -> None:
    def refuses(operation: Any) -> Any:
        return refusal(400 if operation.connection_id == 50 else 500, f"of_{operation.connection_id}")

    task = run("bulk", world(refuses=refuses), connections=UPDATES, on_error="continue", parallel=1)
    assert "3 of the publicize connections failed (3 failed)" in task.result["msg"]
    for number in (50, 51, 52):
        assert f"(id {number}): Could not do it: of_{number}" in task.result["msg"]
    assert (task.result["error"]["code"], task.result["error"]["status"]) == ("of_50", 400)


def test_nothing_done_is_not_changed() -> None:
    task = run("bulk", world(refuses=lambda operation: True), connections=UPDATES[:1])
    assert task.failed
    assert task.result["changed"] is False


def test_write_that_the_server_did_in_part_fails_and_is_a_change() -> None:
    partly = publicize_connection(54, LINKEDIN, 2, CLUB)
    ignored = IgnoredWriteError("shared was ignored.", result={"changed": True, "connection": partly})
    task = run("bulk", world(refuses=lambda operation: ignored), connections=[{**CREATE, "shared": True}], report="all")
    assert task.failed
    assert actions(task) == ["failed"]
    assert task.result["changed"] is True
    assert task.result["error"]["code"] == "ignored_write"
    assert task.result["connections"][0]["id"] == task.result["actions"][0]["id"] == 54
    (shown,) = task.result["diff"]
    assert (shown["before"], shown["after"]["shared"]) == ({}, False)


@pytest.mark.parametrize("on_error", ["stop", "continue"])
@pytest.mark.parametrize("ended", [IgnoredWriteError("external_id was ignored."), refusal(400, "invalid_input")])
def test_write_that_changed_nothing_is_no_change_on_any_run(ended: Any, on_error: str) -> None:
    if isinstance(ended, IgnoredWriteError):
        ended.result = {"changed": False, "connection": publicize_connection(51, FACEBOOK, 1, SHOP)}
    changing = world(refuses=lambda operation: ended)
    messages = set()
    for _run in range(3):
        task = run("bulk", changing, connections=UPDATES[1:2], on_error=on_error, report="all")
        assert task.failed
        assert (task.result["changed"], task.result["diff"], actions(task)) == (False, [], ["failed"])
        assert task.result["connections"][0]["shared"] is False
        messages.add(task.result["msg"])
    assert len(messages) == 1


def test_change_beside_a_write_that_changed_nothing_is_a_change() -> None:
    ignored = IgnoredWriteError("shared was ignored.", result={"changed": False, "connection": {}})
    changing = world(refuses=lambda operation: ignored if operation.connection_id == 51 else None)
    task = run("bulk", changing, connections=UPDATES, parallel=1, on_error="continue")
    assert task.result["changed"] is True
    assert actions(task) == ["updated", "failed", "updated"]
    assert len(task.result["diff"]) == 2


def test_update_knows_what_it_changes() -> None:
    planned = plan("bulk", world(), connections=[{"id": 51, "shared": True, "external_user_id": "111"}, UPDATES[0]])
    previous = [dict(operation.previous) for operation in planned.operations]
    assert previous == [{"shared": False, "external_id": "112"}, {"shared": False}]
