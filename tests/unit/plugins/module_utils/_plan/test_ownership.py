# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whose a connection is: decided by the user, never by what a list happens to have; and connections without an account."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.community.wpcom.plugins.module_utils._operations import (
    DeleteKeyringConnection,
    DeletePublicizeConnection,
    FindAccount,
    GetKeyringConnection,
    ListPublicizeConnections,
    ListSitePublicizeConnections,
)
from ansible_collections.community.wpcom.tests.unit.builders import (
    World,
    created,
    keyring_connection,
    plan,
    publicize_connection,
    reached,
    refused,
    run,
)
from ansible_collections.community.wpcom.tests.unit.reported import (
    COLLEAGUES,
    FACEBOOK,
    KEYRINGS,
    LISTS,
    MASTODON,
    ORPHAN,
    PAGE,
    TUMBLR,
    TUMBLR_ON_SITE,
    as_list,
    reported,
)

ABSENT = {"site": "777", "service": "tumblr", "state": "absent"}
BY_COLLEAGUE = publicize_connection(9060, COLLEAGUES, 777)
TOLD = "The publicize connection 9050 (tumblr: Old & Co on site 777) still posts, although its keyring connection 599"


# Connections that have outlived their keyring connection


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"account": "old"},
        # By its name, as people see it and as the API has it.
        {"account": "Old & Co"},
        {"account": "Old &amp; Co"},
        {"keyring_connection_id": 599},
        {"service": None, "keyring_connection_id": 599},
        {"external_user_id": "old"},
        {"external_user_name": "Old & Co", "unique_per": "external_user"},
    ],
)
@pytest.mark.parametrize("kind", ["publicize", "bulk"])
def test_absent_deletes_what_has_outlived_its_keyring_connection(kind: str, options: dict[str, Any]) -> None:
    entry = {**ABSENT, **options}
    world = reported(ORPHAN, publicize_connection(9051, MASTODON, 777))
    operation = DeletePublicizeConnection(9050, "777")
    planned = reached(kind, world, operation, **(as_list(entry) if kind == "bulk" else entry))
    # Neither does its keyring connection go with it, nor is anybody left to be warned.
    assert list(planned.warnings) == []
    assert set(world.connections) == {9051}


@pytest.mark.parametrize(
    "options",
    [
        {"account": "acme"},
        {"account": "other"},
        {"service": "mastodon"},
        {"keyring_connection_id": 502},
        {"service": None, "keyring_connection_id": 598},
        {"external_user_id": "acme"},
        {"site": "888"},
    ],
)
@pytest.mark.parametrize("kind", ["publicize", "bulk"])
def test_absent_leaves_an_orphan_that_it_does_not_mean(kind: str, options: dict[str, Any]) -> None:
    entry = {**ABSENT, **options}
    reached(kind, reported(ORPHAN), **(as_list(entry) if kind == "bulk" else entry))


@pytest.mark.parametrize(
    ("options", "read"), [({}, True), ({"service": "mastodon"}, False), ({"keyring_connection_id": 502}, False)]
)
def test_who_the_user_is_is_read_only_where_there_is_an_orphan_to_tell_from_a_colleagues(
    options: dict[str, Any], read: bool
) -> None:
    asked = reported(ORPHAN)
    plan("publicize", asked, **{**ABSENT, **options})
    assert (FindAccount() in asked.reads) is read


def test_orphan_costs_one_further_read() -> None:
    asked = reported(ORPHAN)
    plan("publicize", asked, **ABSENT)
    assert asked.reads == [*TUMBLR_ON_SITE, FindAccount()]


def test_absent_without_orphans_reads_no_account() -> None:
    asked = reported(publicize_connection(9051, TUMBLR, 777), publicize_connection(9052, TUMBLR, 888))
    plan("publicize", asked, **ABSENT)
    assert asked.reads == [*TUMBLR_ON_SITE, ListPublicizeConnections(keyring_connection_id=502)]


@pytest.mark.parametrize("kind", ["publicize", "bulk"])
def test_orphan_beside_a_living_connection_is_ambiguous(kind: str) -> None:
    world = reported(ORPHAN, publicize_connection(9051, TUMBLR, 777))
    told = ("2 publicize connections match", "9051 (tumblr: Acme", "9050 (tumblr: Old & Co", "external ID old")
    code = "ambiguous_match" if kind == "publicize" else "invalid_connections"
    refused(kind, world, code, *told, **(as_list(ABSENT) if kind == "bulk" else ABSENT))
    # By its ID it is one.
    entry = {"id": 9050, "state": "absent"}
    reached(kind, world, DeletePublicizeConnection(9050), **(as_list(entry) if kind == "bulk" else entry))


@pytest.mark.parametrize("kind", ["publicize", "bulk"])
@pytest.mark.parametrize("exists", [True, False])
def test_present_warns_of_an_orphan_on_the_site(kind: str, exists: bool) -> None:
    entry = {"site": "777", "service": "tumblr"}
    world = reported(ORPHAN, *([publicize_connection(9051, TUMBLR, 777)] if exists else []))
    known = [9050]
    operations = [] if exists else [created(TUMBLR, site="777", known_ids=known)]
    planned = reached(kind, world, *operations, **(as_list(entry) if kind == "bulk" else entry))
    (warning,) = planned.warnings
    assert warning.startswith(TOLD)
    assert "set state to absent and id to 9050" in warning
    assert ORPHAN["id"] in world.connections


@pytest.mark.parametrize("kind", ["publicize", "bulk"])
@pytest.mark.parametrize("options", [{"account": "old"}, {"keyring_connection_id": 599}])
def test_missing_keyring_connection_is_told_with_its_orphan(kind: str, options: dict[str, Any]) -> None:
    entry = {"site": "777", "service": "tumblr", **options}
    code = "missing_keyring_connection" if kind == "publicize" else "invalid_connections"
    told = ("not found", TOLD, "set state to absent and id to 9050")
    refused(kind, reported(ORPHAN), code, *told, **(as_list(entry) if kind == "bulk" else entry))


def test_purge_deletes_orphans_of_named_sites() -> None:
    world = reported(ORPHAN, publicize_connection(9051, MASTODON, 777), BY_COLLEAGUE)
    connections = [{"site": "777", "service": "mastodon"}]
    planned = plan("bulk", world, connections=connections, purge="listed")
    assert planned.operations == (DeletePublicizeConnection(9050),)
    assert not run("bulk", world, connections=connections, purge="listed").failed
    assert set(world.connections) == {9051, 9060}


@pytest.mark.parametrize("site", ["777", "second.example.org"])
def test_connection_of_a_colleague_whose_keyring_connection_is_not_in_the_list_is_no_orphan(site: str) -> None:
    reached("publicize", reported(BY_COLLEAGUE), **{**ABSENT, "site": site})
    planned = reached(
        "publicize", reported(BY_COLLEAGUE), created(TUMBLR, site=site, known_ids=[9060]), site=site, service="tumblr"
    )
    assert planned.warnings == ()


def test_orphan_is_not_taken_for_the_users_where_who_that_is_is_not_shown() -> None:
    world = reported(ORPHAN, account=None, keyrings=())
    reached("publicize", world, **ABSENT)
    # The keyring connections show it, too.
    reached("publicize", reported(ORPHAN, account=None), DeletePublicizeConnection(9050, "777"), **ABSENT)


def test_info_has_orphans() -> None:
    for site in ([], ["777"]):
        result = run("info", reported(ORPHAN), gather=["publicize"], site=site).result
        assert [record["id"] for record in result["publicize_connections"]] == [9050]


# A colleague's keyring connection among the user's own


def among_mine(*connections: Any, first: bool = False, **changes: Any) -> World:
    """Return the world in which the list of keyring connections has a colleague's."""
    others = KEYRINGS[2:] if first else KEYRINGS
    keyrings = (COLLEAGUES, *others) if first else (*others, COLLEAGUES)
    return reported(*connections, **{"keyrings": keyrings, **changes})


@pytest.mark.parametrize("first", [True, False])
@pytest.mark.parametrize("kind", ["publicize", "bulk"])
def test_keyring_connection_of_a_colleague_is_not_the_users(kind: str, first: bool) -> None:
    entry = {"site": "777", "service": "tumblr", "account": "grace"}
    code = "missing_keyring_connection" if kind == "publicize" else "invalid_connections"
    refused(
        kind,
        among_mine(first=first),
        code,
        "'grace' for Tumblr not found",
        **(as_list(entry) if kind == "bulk" else entry),
    )
    entry = {"site": "777", "keyring_connection_id": 601}
    error = refused(
        kind,
        among_mine(first=first),
        "not_yours" if kind == "publicize" else code,
        "Keyring connection 601 (tumblr: Grace) is owned by another user",
        **(as_list(entry) if kind == "bulk" else entry),
    )
    # It is documented as a publicize connection.
    assert "connection" not in error.result


def test_service_is_unambiguous_where_the_other_account_is_a_colleagues() -> None:
    asked = among_mine()
    reached("publicize", asked, created(TUMBLR, site="777"), site="777", service="tumblr")
    asked = among_mine()
    plan("publicize", asked, site="777", service="mastodon")
    assert asked.reads.count(FindAccount()) == 1


@pytest.mark.parametrize(
    "entry",
    [
        {"id": 9060, "site": "777", "state": "absent"},
        {"id": 9060, "site": "777", "shared": True},
        {"site": "777", "keyring_connection_id": 601, "state": "absent"},
    ],
)
@pytest.mark.parametrize("kind", ["publicize", "bulk"])
def test_connection_of_a_colleague_is_never_changed(kind: str, entry: dict[str, Any]) -> None:
    world = among_mine(BY_COLLEAGUE)
    code = "not_yours" if kind == "publicize" else "invalid_connections"
    refused(kind, world, code, "is owned by another user (2)", **(as_list(entry) if kind == "bulk" else entry))


def test_absent_of_a_service_leaves_a_colleagues_connection() -> None:
    world = among_mine(BY_COLLEAGUE, first=True)
    reached("publicize", world, **ABSENT)
    assert set(world.connections) == {9060}


def test_purge_leaves_a_colleagues_connection_though_the_account_lists_it() -> None:
    listed = [BY_COLLEAGUE, publicize_connection(9051, MASTODON, 777), publicize_connection(9052, TUMBLR, 777)]
    world = among_mine(*listed, responses={ListPublicizeConnections(): listed})
    planned = plan("bulk", world, connections=[{"site": "777", "service": "mastodon"}], purge="listed")
    assert planned.operations == (DeletePublicizeConnection(9052),)


@pytest.mark.parametrize("state", ["present", "absent"])
@pytest.mark.parametrize("cascade", [True, False])
def test_keyring_connection_of_a_colleague_by_id_is_refused(state: str, cascade: bool) -> None:
    world = among_mine(BY_COLLEAGUE)
    told = ("Keyring connection 601 (tumblr: Grace) is owned by another user (2)", "its owner has to do it")
    error = refused("keyring", world, "not_yours", *told, id=601, state=state, cascade=cascade)
    assert error.result["connection"]["id"] == 601
    assert world.reads == [GetKeyringConnection(601), FindAccount()] * 2


@pytest.mark.parametrize(
    "options", [{"service": "tumblr", "account": "grace"}, {"service": "tumblr", "account": "Grace"}]
)
def test_keyring_connection_of_a_colleague_by_account_is_absent(options: dict[str, Any]) -> None:
    reached("keyring", among_mine(), state="absent", **options)


def test_keyring_connection_without_a_user_is_the_users_own() -> None:
    mine = keyring_connection(502, "tumblr", "acme", external_id="acme", user_id=0)
    world = reported(keyrings=[mine, COLLEAGUES])
    # Beside it, that of a colleague is not taken for the user's because it is the only one with a user.
    assert plan("keyring", world, service="tumblr").to_result(None)["connection"]["id"] == 502
    planned = plan("keyring", world, service="tumblr", state="absent")
    assert planned.operations == (DeleteKeyringConnection(502),)
    unknown = reported(keyrings=[{**mine, "user_id": None}])
    reached("keyring", unknown, DeleteKeyringConnection(502), id=502, state="absent")


@pytest.mark.parametrize("kind", ["publicize", "bulk", "keyring"])
def test_task_ends_where_the_users_of_the_list_cannot_be_told_apart(kind: str) -> None:
    world = among_mine(account=None)
    entry = {"site": "777", "service": "tumblr"}
    options = {"service": "tumblr"} if kind == "keyring" else as_list(entry) if kind == "bulk" else entry
    code = "invalid_connections" if kind == "bulk" else "unknown_user"
    refused(kind, world, code, "of several users", "use a token with the scope global", **options)


def test_bulk_reads_the_account_once_for_all_entries() -> None:
    asked = among_mine(publicize_connection(9051, FACEBOOK, 777, PAGE), publicize_connection(9052, TUMBLR, 777))
    plan("bulk", asked, connections=[{"id": 9051}, {"site": "777", "keyring_connection_id": 502}])
    assert asked.reads == [*LISTS, FindAccount()]


# A list of keyring connections that shows a colleague's only: it looks as the user's own list does


@pytest.mark.parametrize(
    ("kind", "others"),
    [
        ("publicize", []),
        ("publicize", [publicize_connection(9051, MASTODON, 777)]),
        # Without a connection of the user's own nothing that a list reads shows who the user is.
        ("bulk", [publicize_connection(9051, MASTODON, 777)]),
    ],
)
def test_connection_of_the_only_other_user_is_not_doubled(kind: str, others: list[Any]) -> None:
    """What was created with a colleague's keyring connection is not the user's, so the next run must not create it again."""
    theirs = {**BY_COLLEAGUE, "read_only": True}
    on_site = {ListSitePublicizeConnections("777"): [theirs, *others]}
    world = reported(theirs, *others, keyrings=[COLLEAGUES], responses=on_site)
    entry = {"site": "777", "service": "tumblr"}
    code = "not_yours" if kind == "publicize" else "invalid_connections"
    told = "Keyring connection 601 (tumblr: Grace) is owned by another user (2)"
    refused(kind, world, code, told, **(as_list(entry) if kind == "bulk" else entry))
    assert world.writes == []


def test_connection_of_the_user_elsewhere_shows_who_the_user_is() -> None:
    """It costs a further read only where what was read speaks against the user."""
    entry = {"site": "777", "service": "tumblr"}
    mine = reported(publicize_connection(9052, MASTODON, 888))
    reached("bulk", mine, created(TUMBLR, site="777"), **as_list(entry))
    assert FindAccount() not in mine.reads
    theirs = reported(publicize_connection(9052, MASTODON, 888), keyrings=[COLLEAGUES])
    refused("bulk", theirs, "invalid_connections", "is owned by another user (2)", **as_list(entry))
    unknown = reported(publicize_connection(9052, MASTODON, 888), keyrings=[COLLEAGUES], account=None)
    # Nobody can tell, so the server decides.
    assert plan("bulk", unknown, **as_list(entry)).operations


@pytest.mark.parametrize("kind", ["publicize", "bulk"])
def test_orphans_of_one_account_by_its_id_and_by_its_name_are_ambiguous(kind: str) -> None:
    """Else the first run would delete the one, and a second run the other."""
    named = keyring_connection(598, "tumblr", "old", external_id="other")
    world = reported(ORPHAN, publicize_connection(9053, named, 777))
    entry = {**ABSENT, "account": "old"}
    code = "ambiguous_match" if kind == "publicize" else "invalid_connections"
    told = ("2 publicize connections match", "9050", "9053")
    refused(kind, world, code, *told, **(as_list(entry) if kind == "bulk" else entry))
