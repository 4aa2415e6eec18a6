# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whole tasks in the world of troubles: writes whose responses are lost, and writes that change nothing."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

AMBIGUOUS = {
    "lost before": {"kind": "cut"},
    "502": {"kind": "status", "status": 502},
    "503": {"kind": "status", "status": 503},
    "garbage": {"kind": "garbage"},
}
CREATE = {"site": "888", "keyring_connection_id": 505}
TASKS = {
    "create": CREATE,
    "update": {"id": 9020, "shared": True},
    "update on the site": {"site": "777", "service": "facebook", "external_user_id": "9002"},
    "delete": {"id": 9020, "state": "absent"},
    "delete on the site": {"site": "777", "service": "mastodon", "account": "5051", "state": "absent"},
}


@pytest.mark.parametrize("bulk", [False, True])
@pytest.mark.parametrize("task", TASKS.values(), ids=TASKS)
@pytest.mark.parametrize("fault", AMBIGUOUS.values(), ids=AMBIGUOUS)
@pytest.mark.parametrize("times", [1, 2, 3])
def test_as_many_ambiguous_failures_as_there_are_retries(
    troubles: Any, bulk: bool, task: dict[str, Any], fault: dict[str, Any], times: int
) -> None:
    """Each resend comes after a reading back of its own."""
    troubles.begin({"create_duplicate": "second"})
    troubles.simulator.fault(method="POST", times=times, **fault)
    done = troubles.either(task, bulk=bulk)
    assert not done.failed, done.result
    assert done.result["changed"]
    log = [request["method"] for request in troubles.simulator.requests()]
    writes = [number for number, method in enumerate(log) if method == "POST"]
    assert len(writes) == times + 1
    assert all("GET" in log[one:other] for one, other in zip(writes, writes[1:]))
    assert sum(row["site_ID"] == 888 for row in troubles.simulator.state()["publicize_connections"]) == (task is CREATE)
    again = troubles.either(task, bulk=bulk)
    assert again.result["changed"] is False
    assert troubles.posts == []


@pytest.mark.parametrize("bulk", [False, True])
@pytest.mark.parametrize("task", TASKS.values(), ids=TASKS)
@pytest.mark.parametrize("retries", [0, 3])
def test_one_more_ends_the_task_unchanged(troubles: Any, bulk: bool, task: dict[str, Any], retries: int) -> None:
    troubles.simulator.fault(kind="status", status=502, method="POST", times=-1)
    before = troubles.simulator.state()
    done = troubles.bulk(task, retries=retries) if bulk else troubles.run("publicize", **task, retries=retries)
    assert done.failed
    assert done.result["changed"] is False
    assert "nothing was written" in done.result["msg"]
    assert len(troubles.posts) == retries + 1
    assert troubles.simulator.state() == before


@pytest.mark.parametrize("bulk", [False, True])
@pytest.mark.parametrize("late", ["there", "late"])
@pytest.mark.parametrize("faults", [["after"], ["before", "after"], ["before", "before", "after"], ["after", "before"]])
def test_never_two_creations(troubles: Any, bulk: bool, late: str, faults: list[str]) -> None:
    """Also where the list shows a new connection only in the second reading."""
    troubles.begin({"create_duplicate": "second", "create_read_back": late})
    for when in faults:
        troubles.simulator.fault(kind="cut", when=when, method="POST", path=".*/new")
    done = troubles.either(CREATE, bulk=bulk)
    assert not done.failed, done.result
    assert done.result["changed"]
    assert len(troubles.ids(site_ID=888)) == 1


def test_in_a_long_list_no_failure_ends_the_task(troubles: Any) -> None:
    """It was a race that failed now and then."""
    entries = [{"site": str(site), "keyring_connection_id": 505} for site in (888, 778, 779, 781, 782, 783, 784, 785)]
    for seed in range(3):
        troubles.begin({"create_duplicate": "second"})
        troubles.simulator.fault(kind="cut", method="POST", times=2, skip=seed)
        troubles.simulator.fault(kind="status", status=502, method="POST", times=2, skip=1)
        done = troubles.bulk(*entries, parallel=8, retries=4)
        assert not done.failed, done.result
        made = Counter(
            row["site_ID"]
            for row in troubles.simulator.state()["publicize_connections"]
            if row["keyring_connection_ID"] == 505 and row["site_ID"] != 777
        )
        assert set(made.values()) == {1}
        assert len(made) == len(entries)


# Writes that change nothing

IGNORED = {
    "shared": ({"drop_shared": True}, {"id": 9020, "shared": True}),
    "shared on the site": ({"drop_shared": True}, {"site": "777", "keyring_connection_id": 505, "shared": True}),
    "page": (
        {"drop_external_user": True},
        {"site": "777", "service": "facebook", "external_user_id": "9002"},
    ),
    "page of a connection without one": (
        {"drop_external_user": True},
        {"site": "779", "service": "facebook", "external_user_id": "9002"},
    ),
    "reset": ({"drop_external_user": "update"}, {"id": 9023, "reset_external_user": True}),
}


@pytest.mark.parametrize("bulk", [False, True])
@pytest.mark.parametrize(("switches", "task"), IGNORED.values(), ids=IGNORED)
def test_an_ignored_change_is_no_change_on_every_run(
    troubles: Any, bulk: bool, switches: dict[str, Any], task: dict[str, Any]
) -> None:
    troubles.begin(switches)
    before = troubles.simulator.state()
    messages = set()
    for _run in range(3):
        done = troubles.either(task, bulk=bulk)
        assert done.failed
        assert done.result["changed"] is False
        messages.add(done.result["msg"])
        if bulk:
            assert done.result["summary"]["failed"] == 1
            assert done.result["diff"] == []
    assert len(messages) == 1
    assert "did not do all of it" in messages.pop()
    assert troubles.simulator.state() == before


@pytest.mark.parametrize("bulk", [False, True])
@pytest.mark.parametrize("task", TASKS.values(), ids=TASKS)
@pytest.mark.parametrize(("status", "slug"), [(400, "invalid_input"), (403, "authorization_required")])
def test_a_refused_change_is_no_change_on_every_run(
    troubles: Any, bulk: bool, task: dict[str, Any], status: int, slug: str
) -> None:
    body = {"error": slug, "message": "No."}
    troubles.simulator.fault(kind="status", status=status, method="POST", times=-1, body=body)
    messages = set()
    for _run in range(2):
        done = troubles.either(task, bulk=bulk)
        assert done.failed
        assert done.result["changed"] is False
        assert len(troubles.posts) == 1
        messages.add(done.result["msg"])
    assert len(messages) == 1


def test_a_change_that_is_done_in_part_is_a_change(troubles: Any) -> None:
    troubles.begin({"drop_shared": True})
    task = {"id": 9003, "external_user_id": "9002", "shared": True}
    first = troubles.run("publicize", **task)
    assert (first.failed, first.result["changed"]) == (True, True)
    second = troubles.run("publicize", **task)
    assert (second.failed, second.result["changed"]) == (True, False)


def test_a_list_of_which_one_is_ignored_has_changed(troubles: Any) -> None:
    troubles.begin({"drop_shared": True})
    entries = [{"id": 9020, "shared": True}, {"id": 9003, "external_user_id": "9002"}]
    first = troubles.bulk(*entries, on_error="continue")
    assert (first.failed, first.result["changed"]) == (True, True)
    assert [action["action"] for action in first.result["actions"]] == ["failed", "updated"]
    assert len(first.result["diff"]) == 1
    second = troubles.bulk(*entries, on_error="continue")
    assert (second.failed, second.result["changed"]) == (True, False)


# Sizes of results
