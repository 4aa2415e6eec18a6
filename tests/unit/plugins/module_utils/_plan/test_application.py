# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The plan of connected applications: above all, a task does not revoke its own token."""

from __future__ import annotations

from typing import Any, Optional

import pytest

from ansible_collections.community.wpcom.plugins.module_utils._operations import (
    DeleteConnectedApplication,
    FindAccount,
    FindSites,
    GetConnectedApplication,
    ListConnectedApplications,
)
from ansible_collections.community.wpcom.plugins.module_utils._records.record import Record
from ansible_collections.community.wpcom.tests.unit.builders import (
    World,
    account,
    application,
    plan,
    reached,
    refusal,
    refused,
    run,
)

ON_BLOG = {"site_ID": 1, "site_URL": "https://blog.example.com"}
BACKUP = application(70, "Backup", scope="")
EDITOR = application(71, "Editor", scope="posts")
EDITOR_ON_BLOG = application(72, "Editor", scope="", site=ON_BLOG)
ANSIBLE = application(73, "Ansible")
ANSIBLE_SHARING = application(74, "Ansible sharing", scope="sharing")
ALL = (BACKUP, EDITOR, EDITOR_ON_BLOG, ANSIBLE, ANSIBLE_SHARING)
IN_USE = "holds the token that this task uses"


def world(*more: Record, account: Optional[Record] = account()) -> World:  # noqa: B008
    """Return a world in which Ansible's token is the one in use."""
    return World(applications=[*ALL, *more], account=account)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"id": 0}, "id must be a positive number"),
        ({"title": ""}, "title must not be empty"),
        ({"title": "Editor", "site": "x y"}, "site must be the numeric ID, the domain, or the URL"),
    ],
)
def test_bad_options_are_refused_before_anything_is_read(options: dict[str, Any], told: str) -> None:
    asked = world()
    refused("application", asked, "invalid_option", told, **options)
    assert asked.reads == []


@pytest.mark.parametrize(
    ("options", "ids", "reads"),
    [
        ({"id": 70}, [70], [GetConnectedApplication(70)]),
        ({"title": "Backup"}, [70], [ListConnectedApplications()]),
        ({"title": "Editor"}, [71, 72], [ListConnectedApplications()]),
        ({"title": "Editor", "site": "1"}, [72], [ListConnectedApplications()]),
        ({"title": "Editor", "site": "Blog.Example.com"}, [72], [ListConnectedApplications(), FindSites()]),
    ],
)
def test_present_has_all_that_match_in_one_round_of_reads(
    options: dict[str, Any], ids: list[int], reads: list[Any]
) -> None:
    asked = world()
    result = plan("application", asked, **options).to_result(None)
    assert [record["id"] for record in result["applications"]] == ids
    assert result["diff"]["before"] == result["diff"]["after"] != {}
    assert result["changed"] is False
    assert asked.reads == reads
    assert asked.rounds == 1


NOTHING = [
    {"id": 99},
    {"title": "Nobody"},
    {"title": "editor"},
    {"title": "Editor", "site": "shop.example.com"},
    {"title": "Editor", "site": "2"},
]


@pytest.mark.parametrize("options", NOTHING)
def test_what_does_not_exist_cannot_be_created(options: dict[str, Any]) -> None:
    told = ("not found: it has no token for this account", "authorize it in the application itself")
    error = refused("application", world(), "missing_application", *told, **options)
    assert (f"for site {options.get('site')}" in error.message) is ("site" in options)
    assert error.message.startswith(f"Connected application {options.get('title', options.get('id'))}")


@pytest.mark.parametrize("options", NOTHING)
def test_what_does_not_exist_is_absent_whatever_the_account(options: dict[str, Any]) -> None:
    asked = world()
    result = reached("application", asked, state="absent", **options).to_result(None)
    assert result["applications"] == []
    assert result["diff"]["before"] == result["diff"]["after"] == {}
    assert FindAccount() not in asked.reads


@pytest.mark.parametrize(
    ("options", "ids"),
    [
        ({"id": 70}, [70]),
        ({"title": "Editor"}, [71, 72]),
        ({"title": "Editor", "site": "1"}, [72]),
        # Another scope: another token than the one in use.
        ({"id": 74}, [74]),
    ],
)
def test_absent_revokes_all_that_match(options: dict[str, Any], ids: list[int]) -> None:
    operations = [DeleteConnectedApplication(number) for number in ids]
    planned = reached("application", world(), *operations, state="absent", **options)
    result = planned.to_result(None)
    assert result["applications"] == []
    assert [record["id"] for record in result["diff"]["before"]["applications"]] == ids
    assert result["diff"]["after"] == {}
    assert planned.warnings == ()


@pytest.mark.parametrize(("failing", "changed"), [(71, False), (72, True)])
def test_revocation_that_fails_after_another_one_is_a_change(failing: int, changed: bool) -> None:
    refusing = world()
    refusing.refuses = lambda operation: operation == DeleteConnectedApplication(failing)
    task = run("application", refusing, title="Editor", state="absent")
    assert task.failed
    assert task.result["changed"] is changed
    assert task.result["error"]["code"] == "insert_error"


# The token in use


@pytest.mark.parametrize("options", [{"id": 73}, {"title": "Ansible"}])
def test_token_in_use_is_never_revoked(options: dict[str, Any]) -> None:
    told = ("73 (Ansible)", IN_USE, "lock the task out", "use another token", "connected-applications")
    error = refused("application", world(), "token_in_use", *told, state="absent", **options)
    assert [record["id"] for record in error.result["applications"]] == [73]


@pytest.mark.parametrize(
    ("used", "options"),
    [
        # A token of one site, with an empty scope.
        ({"token_site_id": 1, "token_scope": []}, {"title": "Editor"}),
        ({"token_scope": ["posts"]}, {"id": 71}),
        # In whichever order the scopes come.
        ({"token_scope": ["sharing", "users"]}, {"id": 79}),
    ],
)
def test_token_in_use_is_known_by_site_and_scope(used: dict[str, Any], options: dict[str, Any]) -> None:
    both = application(79, "Both", scope="users sharing")
    refused("application", world(both, account=account(**used)), "token_in_use", state="absent", **options)


def test_application_that_may_hold_the_token_in_use_is_revoked_with_a_warning() -> None:
    planned = plan("application", world(application(75, "Twin")), id=75, state="absent")
    assert planned.operations == (DeleteConnectedApplication(75),)
    (warning,) = planned.warnings
    assert "does not show whether connected application 75 (Twin) holds the token that this task uses" in warning
    assert "later tasks require another token" in warning


def test_all_that_may_hold_the_token_in_use_are_not_revoked_together() -> None:
    twins = world(application(75, "Ansible"))
    refused("application", twins, "token_in_use", "73 (Ansible) or 75 (Ansible)", title="Ansible", state="absent")


def test_those_that_may_hold_the_token_in_use_are_revoked_last() -> None:
    more = (application(75, "Robot"), application(76, "Robot", scope="posts"), application(77, "Robot"))
    planned = plan("application", world(*more), title="Robot", state="absent")
    assert [operation.application_id for operation in planned.operations] == [76, 75, 77]
    assert [warning.split("(")[0].split()[-1] for warning in planned.warnings] == ["75", "77"]


@pytest.mark.parametrize(("client_id", "revoked"), [(5, False), (6, True)])
def test_client_decides_where_the_list_shows_it(client_id: int, revoked: bool) -> None:
    shown = [application(75, "Twin", client_id=client_id), application(76, "Other", client_id=7)]
    only = World(applications=shown, account=account(token_client_id=5))
    if revoked:
        # No entry is the one in use: the list spells something differently, so that any may be it.
        planned = plan("application", only, title="Twin", state="absent")
        assert planned.operations == (DeleteConnectedApplication(75),)
        assert len(planned.warnings) == 1
    else:
        refused("application", only, "token_in_use", title="Twin", state="absent")
        assert plan("application", only, title="Other", state="absent").warnings == ()


@pytest.mark.parametrize("account", [None, account(token_scope=["something", "else"])])
def test_each_one_is_warned_of_where_the_token_in_use_is_not_known(account: Any) -> None:
    planned = plan("application", world(account=account), title="Editor", state="absent")
    assert [operation.application_id for operation in planned.operations] == [71, 72]
    assert len(planned.warnings) == 2


def test_account_that_is_refused_for_another_reason_ends_the_task() -> None:
    broken = world()
    broken.responses[FindAccount()] = refusal(500, "server_error")
    refused("application", broken, "server_error", title="Editor", state="absent")
