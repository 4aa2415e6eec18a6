# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every rule and every error of ``wpcom_connected_application``, above all that a task does not lock itself out."""

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
        outcome = run("application", simulator.url, check_mode=check_mode, **task)
        assert outcome.failed, outcome.result
        assert outcome.result["error"]["code"] == code, outcome.result["msg"]
        for words in told:
            assert words in outcome.result["msg"]
    assert simulator.requests("POST") == []
    assert simulator.state() == before
    return outcome


def application(number: int, **more: Any) -> dict[str, Any]:
    """Return a further entry of the world."""
    return {"ID": number, "user_ID": 1001, "title": "Ansible", "scope": "global", **more}


@pytest.mark.parametrize(
    ("task", "told"),
    [
        ({"id": 0}, "id must be a positive number"),
        ({"title": ""}, "title must not be empty"),
        ({"title": "Acme Editor", "site": "https://x/"}, "site must be the numeric ID or the domain"),
    ],
)
def test_bad_options(simulator: Simulator, task: dict[str, Any], told: str) -> None:
    """They are told by name, before anything is sent."""
    failed(simulator, "invalid_option", told, **task)
    assert simulator.requests() == []


@pytest.mark.parametrize("form", ["wire", "docs", "example"])
@pytest.mark.parametrize(
    ("task", "found"),
    [
        ({"id": 7001}, [7001]),
        ({"title": "VaultPress"}, [7001]),
        ({"title": "Acme Editor"}, [7002, 7003]),
        ({"title": "Acme Editor", "site": "3001"}, [7003]),
        ({"title": "Acme Editor", "site": "Blog.Example.com"}, [7003]),
    ],
)
def test_present(simulator: Simulator, form: str, task: dict[str, Any], found: list[int]) -> None:
    """All that match, for one request, in all forms of the answer."""
    simulator.settings(switches={"application_form": form})
    outcome = run("application", simulator.url, **task)
    assert outcome.result["changed"] is False
    assert [record["id"] for record in outcome.result["applications"]] == found
    assert len(simulator.requests()) == 1
    assert outcome.result["diff"]["before"] == outcome.result["diff"]["after"] != {}
    last = outcome.result["applications"][-1]
    assert last["site"] is None or last["site"]["site_id"] == 3001
    assert last["authorized"].endswith("Z")


@pytest.mark.parametrize(
    "task",
    [{"id": 7999}, {"title": "Nobody"}, {"title": "acme editor"}, {"title": "Acme Editor", "site": "shop.example.com"}],
)
def test_missing(simulator: Simulator, task: dict[str, Any]) -> None:
    """It cannot be made here."""
    failed(simulator, "missing_application", "not found: it has no token", "authorize it in the application", **task)
    outcome = run("application", simulator.url, state="absent", **task)
    assert outcome.result["changed"] is False
    assert outcome.result["applications"] == []
    assert simulator.requests("POST") == []


def test_absent_revokes_all_that_match(simulator: Simulator) -> None:
    """One write each; check mode and second run send none."""
    checked = run("application", simulator.url, check_mode=True, title="Acme Editor", state="absent")
    assert simulator.requests("POST") == []
    outcome = run("application", simulator.url, title="Acme Editor", state="absent")
    assert brief(simulator.requests("POST")) == [
        "POST /me/connected-applications/7002/delete",
        "POST /me/connected-applications/7003/delete",
    ]
    for result in (checked.result, outcome.result):
        assert result["changed"] is True
        assert result["applications"] == []
        assert [row["id"] for row in result["diff"]["before"]["applications"]] == [7002, 7003]
        assert result["diff"]["after"] == {}
    assert checked.warnings == outcome.warnings == []
    for check_mode in (True, False):
        assert (
            run("application", simulator.url, check_mode=check_mode, title="Acme Editor", state="absent").result[
                "changed"
            ]
            is False
        )
    assert len(simulator.requests("POST")) == 2


def test_absent_in_part(simulator: Simulator) -> None:
    """What was done before the failure is told by changed."""
    simulator.fault(
        path=".*/7003/delete", kind="status", status=400, body={"error": "deletion_error", "message": "No."}
    )
    outcome = run("application", simulator.url, title="Acme Editor", state="absent")
    assert outcome.failed
    assert outcome.result["changed"] is True
    assert outcome.result["error"]["code"] == "deletion_error"
    simulator.reset()
    simulator.fault(
        path=".*/7002/delete", kind="status", status=400, body={"error": "deletion_error", "message": "No."}
    )
    assert run("application", simulator.url, title="Acme Editor", state="absent").result["changed"] is False


# The token in use


@pytest.mark.parametrize("task", [{"id": 7004}, {"title": "Ansible"}])
def test_token_in_use(simulator: Simulator, task: dict[str, Any]) -> None:
    """It is never revoked."""
    outcome = failed(
        simulator, "token_in_use", "7004 (Ansible)", "lock the task out", "another token", state="absent", **task
    )
    assert [record["id"] for record in outcome.result["applications"]] == [7004]


def test_another_token_of_the_same_application(simulator: Simulator) -> None:
    """It has another scope, so that it is not the one in use."""
    outcome = run("application", simulator.url, id=7005, state="absent")
    assert outcome.result["changed"] is True
    assert outcome.warnings == []


def test_token_that_may_be_in_use(simulator: Simulator) -> None:
    """Two that look alike: a warning, for both of them, and it is done."""
    simulator.patch(applications=[application(7010, title="Twin")])
    outcome = run("application", simulator.url, id=7010, state="absent")
    (warning,) = outcome.warnings
    assert "7010 (Twin)" in warning
    assert "does not show whether" in warning
    assert outcome.result["changed"] is True


def test_client_decides_where_the_list_shows_it(simulator: Simulator) -> None:
    """A server that tells the client of each entry leaves no doubt."""
    applications = [
        {"ID": "7010", "title": "Twin", "scope": "global", "site": False, "client_id": 5},
        {"ID": "7004", "title": "Ansible", "scope": "global", "site": False, "client_id": 50001},
    ]
    simulator.fault(
        path="/me/connected-applications",
        method="GET",
        kind="wrong_shape",
        body={"connected_applications": applications},
        times=-1,
    )
    outcome = run("application", simulator.url, check_mode=True, title="Twin", state="absent")
    assert outcome.warnings == []
    failed(simulator, "token_in_use", title="Ansible", state="absent")


def test_doubtful_ones_go_last(simulator: Simulator) -> None:
    """The others are revoked in any case."""
    simulator.patch(
        applications=[
            {"ID": 7004, "title": "Mine"},
            application(7010),
            application(7011, scope="posts"),
            application(7012),
        ]
    )
    outcome = run("application", simulator.url, title="Ansible", state="absent")
    assert outcome.result["changed"] is True
    assert [warning.split("(")[0].split()[-1] for warning in outcome.warnings] == ["7010", "7012"]
    assert [entry["path"].split("/")[-2] for entry in simulator.requests("POST")] == ["7011", "7010", "7012"]


def test_all_that_may_be_in_use(simulator: Simulator) -> None:
    """Two look alike and both match: one of them is the token in use for sure, and the task would lock itself out."""
    simulator.patch(applications=[application(7010)])
    failed(simulator, "token_in_use", title="Ansible", state="absent")


def test_token_without_the_scope_for_the_account(simulator: Simulator) -> None:
    """A token that may not read the account may read no applications either."""
    failed(
        simulator,
        "authorization_required",
        "the scope users or global",
        id=7001,
        state="absent",
        api_token="sim-token-sharing",
    )


def test_account_that_cannot_be_read(simulator: Simulator) -> None:
    """Then nothing can be told: a warning for each."""
    simulator.fault(
        path="/me", kind="status", status=403, body={"error": "authorization_required", "message": ""}, times=-1
    )
    outcome = run("application", simulator.url, title="Acme Editor", state="absent")
    assert len(outcome.warnings) == 2
    assert outcome.result["changed"] is True


def test_token_of_one_site(simulator: Simulator) -> None:
    """Its entry is told by the site; an empty scope in both forms."""
    for form in ("empty", "blank"):
        simulator.reset(switches={"empty_token_scope_form": form})
        failed(simulator, "token_in_use", "7003", title="Acme Editor", state="absent", api_token="sim-token-site")


def test_stale_session(simulator: Simulator) -> None:
    """The remedy is a new log-in."""
    failed(simulator, "reauthorization_required", "log in again", title="VaultPress", api_token="sim-token-stale")
