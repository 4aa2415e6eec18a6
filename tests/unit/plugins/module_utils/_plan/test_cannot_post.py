# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Connections that exist and post nothing: services that are gone, profiles where only pages may be posted to, no pages."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.community.wpcom.plugins.module_utils._operations import (
    DeleteKeyringConnection,
    DeletePublicizeConnection,
    GetKeyringConnection,
    GetPublicizeConnection,
    GetService,
    ListKeyringConnections,
    ListServices,
    UpdatePublicizeConnection,
)
from ansible_collections.community.wpcom.plugins.module_utils._records.record import Record
from ansible_collections.community.wpcom.tests.unit.builders import (
    World,
    created,
    day,
    keyring_connection,
    plan,
    publicize_connection,
    reached,
    refusal,
    refused,
    run,
)
from ansible_collections.community.wpcom.tests.unit.reported import (
    FACEBOOK,
    KEYRINGS,
    OTHER_PAGE,
    PAGE,
    TWITTER,
    as_list,
    reported,
)

PAGES = "9001 (Page), 9002 (Other page)"


def given(kind: str, entry: dict[str, Any]) -> dict[str, Any]:
    """Return the options of one connection, as a task of its own or in a list."""
    return as_list(entry) if kind == "bulk" else entry


def impossible(kind: str, world: World, code: str, *parts: str, **entry: Any) -> None:
    """Check that what cannot be is refused, as a task of its own and in a list."""
    refused(kind, world, code if kind == "publicize" else "invalid_connections", *parts, **given(kind, entry))


# Services that WordPress.com no longer supports

DEAD = publicize_connection(9030, TWITTER, 777)
TWEETS = {"site": "777", "service": "twitter"}


@pytest.mark.parametrize("entry", [TWEETS, {"site": "777", "keyring_connection_id": 503}, {**TWEETS, "shared": False}])
@pytest.mark.parametrize("kind", ["publicize", "bulk"])
def test_present_of_a_dead_service_warns_where_nothing_is_to_be_written(kind: str, entry: dict[str, Any]) -> None:
    planned = reached(kind, reported(DEAD), **given(kind, entry))
    (warning,) = planned.warnings
    assert "publicize connection 9030 (twitter, account 'Ada') is broken" in warning
    assert "no longer supports this service" in warning
    assert "set state to absent" in warning
    result = planned.to_result(None, diff=True)
    record = result["actions"][0] if kind == "bulk" else result["connection"]
    assert (record["health"], record["repair"]) == ("broken", "remove")


@pytest.mark.parametrize(
    "entry",
    [
        {**TWEETS, "shared": True},
        {"id": 9030, "shared": True},
        {"site": "777", "keyring_connection_id": 503, "shared": True},
        # A new one.
        {**TWEETS, "site": "888"},
        {"site": "888", "keyring_connection_id": 503},
    ],
)
@pytest.mark.parametrize("kind", ["publicize", "bulk"])
def test_write_to_a_dead_service_is_refused(kind: str, entry: dict[str, Any]) -> None:
    told = ("Twitter is no longer supported by WordPress.com", "To delete the connection set state to absent")
    impossible(kind, reported(DEAD), "unsupported_service", *told, **entry)


@pytest.mark.parametrize("kind", ["publicize", "bulk"])
def test_absent_of_a_dead_service_says_nothing_of_connecting_again(kind: str) -> None:
    planned = reached(
        kind, reported(DEAD), DeletePublicizeConnection(9030, "777"), **given(kind, {**TWEETS, "state": "absent"})
    )
    (warning,) = planned.warnings
    assert "of keyring connection 503" in warning
    assert "connected again" not in warning


def test_dead_service_is_not_known_by_id_alone_which_stays_one_read() -> None:
    asked = reported(DEAD)
    assert plan("publicize", asked, id=9030).warnings == ()
    assert asked.reads == [GetPublicizeConnection(9030)]


def test_info_calls_connections_of_a_dead_service_broken() -> None:
    result = run("info", reported(DEAD), unhealthy_only=True).result
    for key in ("publicize_connections", "keyring_connections"):
        assert [(record["id"], record["health"], record["repair"]) for record in result[key]] == [
            (9030 if key.startswith("publicize") else 503, "broken", "remove")
        ]


@pytest.mark.parametrize("kind", ["publicize", "info"])
def test_services_that_cannot_be_read_decide_nothing(kind: str) -> None:
    error = refusal(500, "server_error")
    unreadable = reported(DEAD, responses={ListServices(): error, GetService("twitter"): error})
    options = {"gather": ["publicize"]} if kind == "info" else {"site": "777", "keyring_connection_id": 503}
    task = run(kind, unreadable, **options)
    assert not task.failed, task.result
    record = task.result["publicize_connections"][0] if kind == "info" else task.result["connection"]
    assert (record["health"], record["repair"]) == ("ok", None)


# Profiles, and no page at all, where only pages may be posted to

PROFILE = publicize_connection(9020, FACEBOOK, 777)
NOWHERE = [publicize_connection(9020, FACEBOOK, 777, external_id=value) for value in (None, "", False)]
IDLE = [PROFILE, *NOWHERE]
POSTS = {"site": "777", "service": "facebook"}


@pytest.mark.parametrize("record", IDLE, ids=["profile", "null", "empty", "false"])
@pytest.mark.parametrize("entry", [POSTS, {"site": "777", "keyring_connection_id": 501}, {**POSTS, "shared": False}])
@pytest.mark.parametrize("kind", ["publicize", "bulk"])
def test_connection_without_a_page_warns_with_the_pages(kind: str, entry: dict[str, Any], record: Record) -> None:
    planned = reached(kind, reported(record), **given(kind, entry))
    (warning,) = planned.warnings
    assert "publicize connection 9020 (facebook" in warning
    assert "no page was chosen" in warning
    assert PAGES in warning
    result = planned.to_result(None, diff=True)
    shown = result["actions"][0] if kind == "bulk" else result["connection"]
    assert (shown["health"], shown["repair"]) == ("broken", "choose_external_user")


@pytest.mark.parametrize("record", IDLE, ids=["profile", "null", "empty", "false"])
@pytest.mark.parametrize("entry", [{**POSTS, "shared": True}, {"id": 9020, "shared": True}])
@pytest.mark.parametrize("kind", ["publicize", "bulk"])
def test_connection_without_a_page_is_not_shared(kind: str, entry: dict[str, Any], record: Record) -> None:
    told = ("9020 (facebook", "posts nothing", "pages only", PAGES)
    impossible(kind, reported(record), "no_external_user", *told, **entry)


@pytest.mark.parametrize("record", IDLE, ids=["profile", "null", "empty", "false"])
@pytest.mark.parametrize("entry", [POSTS, {"id": 9020}])
@pytest.mark.parametrize("kind", ["publicize", "bulk"])
def test_reset_to_the_profile_is_refused(kind: str, entry: dict[str, Any], record: Record) -> None:
    told = ("does not support posting to the profile itself", PAGES)
    impossible(kind, reported(record), "invalid_option", *told, **entry, reset_external_user=True)


@pytest.mark.parametrize("record", IDLE, ids=["profile", "null", "empty", "false"])
@pytest.mark.parametrize("entry", [POSTS, {"id": 9020}])
@pytest.mark.parametrize("options", [{"external_user_id": "9002"}, {"external_user_name": "Other page"}])
@pytest.mark.parametrize("kind", ["publicize", "bulk"])
def test_naming_a_page_repairs_it(kind: str, options: dict[str, Any], entry: dict[str, Any], record: Record) -> None:
    operation = UpdatePublicizeConnection(9020, entry.get("site"), external_id="9002")
    planned = reached(kind, reported(record), operation, **given(kind, {**entry, **options}))
    assert list(planned.warnings) == []
    result = planned.to_result(None, diff=True)
    after = result["actions"][0] if kind == "bulk" else result["connection"]
    assert (after["health"], after["repair"]) == ("ok", None)


@pytest.mark.parametrize(
    ("changes", "health"),
    [({"status": "must_reauth"}, "expiring"), ({"status": "broken"}, "broken"), ({"expires": day(5)}, "expiring")],
)
def test_page_that_is_chosen_leaves_what_else_is_wrong(changes: dict[str, Any], health: str) -> None:
    account = keyring_connection(501, "facebook", "ada", PAGE, OTHER_PAGE, external_id="900", **changes)
    entry = {**POSTS, "external_user_id": "9002"}
    for check_mode in (True, False):
        world = reported(publicize_connection(9020, account, 777), keyrings=[account])
        task = run("publicize", world, check_mode=check_mode, **entry)
        assert (task.result["connection"]["health"], task.result["connection"]["repair"]) == (health, "refresh")
        assert len(task.warnings) == 1


@pytest.mark.parametrize("kind", ["publicize", "bulk"])
def test_connection_without_a_page_can_be_deleted(kind: str) -> None:
    reached(
        kind, reported(PROFILE), DeletePublicizeConnection(9020, "777"), **given(kind, {**POSTS, "state": "absent"})
    )


def test_connection_to_a_page_and_the_account_itself_are_healthy() -> None:
    world = reported(publicize_connection(9021, FACEBOOK, 777, PAGE))
    assert reached("publicize", world, **POSTS).warnings == ()
    result = run("info", world, unhealthy_only=True, service="facebook").result
    assert result["publicize_connections"] == result["keyring_connections"] == []


def test_profile_that_is_listed_among_its_pages_is_a_page() -> None:
    account = keyring_connection(501, "facebook", "ada", {**PAGE, "external_id": "900"}, external_id="900")
    world = reported(publicize_connection(9020, account, 777), keyrings=[account])
    assert reached("publicize", world, **POSTS).warnings == ()


@pytest.mark.parametrize("options", [{}, {"site": ["777"]}, {"fields": ["id"]}, {"gather": ["publicize"]}])
def test_info_calls_connections_without_a_page_broken(options: dict[str, Any]) -> None:
    world = reported(PROFILE, publicize_connection(9021, FACEBOOK, 888, PAGE))
    result = run("info", world, unhealthy_only=True, **options).result
    assert [(record["health"], record["repair"]) for record in result["publicize_connections"]] == [
        ("broken", "choose_external_user")
    ]


def test_profile_is_not_known_where_the_keyring_connections_cannot_be_read() -> None:
    unreadable = {ListKeyringConnections(): refusal(500, "server_error")}
    for record, health in ((PROFILE, "ok"), (NOWHERE[0], "broken")):
        task = run("info", reported(record, responses=unreadable), gather=["publicize"])
        assert [each["health"] for each in task.result["publicize_connections"]] == [health]


# Accounts without pages


def pageless(value: Any, *fresh: Record, **changes: Any) -> World:
    """Return the world in which Facebook's account has no pages; ``fresh`` are those that a refetch finds."""
    account = keyring_connection(501, "facebook", "ada", external_id="900", additional_external_users=value, **changes)
    if value is None:
        account.pop("additional_external_users")
    again = keyring_connection(501, "facebook", "ada", *fresh, external_id="900", **changes)
    return reported(keyrings=[account, *KEYRINGS[1:]], fresh=[again])


@pytest.mark.parametrize("value", [[], None, {}], ids=["empty", "absent", "object"])
@pytest.mark.parametrize("options", [{}, {"external_user_id": "9001"}, {"external_user_name": "Page"}])
@pytest.mark.parametrize("kind", ["publicize", "bulk"])
def test_account_without_pages_is_refetched_once_then_the_reason_is_told(
    kind: str, options: dict[str, Any], value: Any
) -> None:
    told = (
        "Keyring connection 501 (facebook: Ada) has no external users (pages or accounts) to post to",
        "the reason no_linked_accounts",
        "https://refresh.example/501",
    )
    world = pageless(value, additional_external_users_empty_reason="no_linked_accounts")
    impossible(kind, world, "no_external_users", *told, **POSTS, **options)
    # In either mode.
    assert world.reads.count(GetKeyringConnection(501, refetch_external_users=True)) == 2


@pytest.mark.parametrize("kind", ["publicize", "bulk"])
def test_no_reason_is_made_up(kind: str) -> None:
    code = "no_external_users" if kind == "publicize" else "invalid_connections"
    error = refused(kind, pageless([], refresh_url=None), code, "wordpress.com/marketing", **given(kind, POSTS))
    assert "reason" not in error.message


@pytest.mark.parametrize("kind", ["publicize", "bulk"])
def test_page_that_the_refetch_finds_is_used(kind: str) -> None:
    planned = plan(kind, pageless(None, PAGE), **given(kind, {**POSTS, "external_user_id": "9001"}))
    (operation,) = planned.operations
    assert (operation.keyring_connection_id, operation.external_id) == (501, "9001")
    impossible(kind, pageless(None, PAGE), "invalid_option", "set external_user_id", "9001 (Page)", **POSTS)


def test_account_with_pages_is_created_by_page() -> None:
    operation = created(FACEBOOK, PAGE, site="777")
    reached("publicize", reported(), operation, **POSTS, external_user_id="9001")


# Keyring connections that are not for posts


@pytest.mark.parametrize("options", [{"id": 510}, {"service": "photos"}])
def test_keyring_connection_of_another_type_is_in_use_on_sites(options: dict[str, Any]) -> None:
    photos = keyring_connection(510, "photos", "ada", type="other", sites=["777"])
    world = reported(keyrings=[photos])
    error = refused(
        "keyring",
        world,
        "cascade_needed",
        "Keyring connection 510 (photos: Ada) is in use on site 777",
        "Nothing was deleted. Set cascade to true",
        state="absent",
        **options,
    )
    assert "publicize connection" not in error.message
    planned = reached("keyring", world, DeleteKeyringConnection(510), state="absent", cascade=True, **options)
    (warning,) = planned.warnings
    assert "510 (photos: Ada), which is deleted, is in use on site 777" in warning
    assert "publicize connection" not in warning


def test_keyring_connection_of_another_type_that_is_not_in_use_is_deleted() -> None:
    world = reported(keyrings=[keyring_connection(510, "photos", "ada", type="other", sites=[])])
    planned = reached("keyring", world, DeleteKeyringConnection(510), state="absent", id=510)
    assert planned.warnings == ()


def test_sites_of_any_type_are_in_order() -> None:
    photos = keyring_connection(510, "photos", "ada", type="other", sites=["x", 10, "9", True])
    refused("keyring", reported(keyrings=[photos]), "cascade_needed", "on site True, 9, 10, x,", state="absent", id=510)
