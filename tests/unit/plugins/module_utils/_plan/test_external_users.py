# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The external user that a connection is to have, and whether it has it."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.community.wpcom.plugins.module_utils._operations import (
    DeletePublicizeConnection,
    GetKeyringConnection,
    UpdatePublicizeConnection,
)
from ansible_collections.community.wpcom.plugins.module_utils._records.record import Record
from ansible_collections.community.wpcom.tests.unit.builders import (
    CLUB,
    ENGINES,
    FACEBOOK,
    KEYRINGS,
    LINKEDIN,
    MASTODON,
    SHOP,
    SOCIETY,
    World,
    created,
    external_user,
    keyring_connection,
    plan,
    publicize_connection,
    reached,
    refused,
    service,
)

REFETCH = GetKeyringConnection(20, refetch_external_users=True)
NEW = external_user("113", "New Page")


def refetched() -> World:
    """Return a world in which Facebook has a page that WordPress.com does not know yet."""
    return World(
        publicize_connection(50, FACEBOOK, 1, ENGINES),
        fresh=[keyring_connection(20, "facebook", "ada", ENGINES, SHOP, NEW)],
    )


# What a connection gets


@pytest.mark.parametrize(
    ("options", "operation"),
    [
        ({"external_user_id": "211"}, created(LINKEDIN, SOCIETY)),
        ({"external_user_name": "society"}, created(LINKEDIN, SOCIETY)),
        ({"external_user_name": "The Society"}, created(LINKEDIN, SOCIETY)),
        # The account itself, in all the ways to say so.
        ({}, created(LINKEDIN)),
        ({"reset_external_user": True}, created(LINKEDIN)),
        ({"external_user_id": "x21"}, created(LINKEDIN)),
        ({"external_user_name": "ada-l"}, created(LINKEDIN)),
    ],
)
def test_new_connection_has_the_named_external_user_or_the_account_itself(
    options: dict[str, Any], operation: Any
) -> None:
    reached("publicize", World(), operation, site="1", service="linkedin", **options)


@pytest.mark.parametrize(
    ("options", "operation"),
    [
        ({"external_user_id": "212"}, UpdatePublicizeConnection(50, "1", external_id="212")),
        ({"external_user_name": "club"}, UpdatePublicizeConnection(50, "1", external_id="212")),
        ({"reset_external_user": True}, UpdatePublicizeConnection(50, "1", external_id="x21", is_default_user=True)),
        ({"external_user_id": "x21"}, UpdatePublicizeConnection(50, "1", external_id="x21", is_default_user=True)),
        ({"external_user_name": "ada-l"}, UpdatePublicizeConnection(50, "1", external_id="x21", is_default_user=True)),
    ],
)
def test_connection_is_moved_to_the_named_external_user(options: dict[str, Any], operation: Any) -> None:
    world = World(publicize_connection(50, LINKEDIN, 1, SOCIETY))
    planned = reached("publicize", world, operation, site="1", service="linkedin", **options)
    assert planned.to_result(None)["connection"]["external_id"] == operation.external_id
    assert planned.diff.before["external_id"] == "211"
    assert planned.diff.after["external_id"] == operation.external_id


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"external_user_id": "211"},
        {"external_user_name": "society"},
        {"external_user_name": "The Society"},
        {"external_user_id": "211", "unique_per": "external_user"},
    ],
)
def test_connection_that_has_the_external_user_is_unchanged(options: dict[str, Any]) -> None:
    reached("publicize", World(publicize_connection(50, LINKEDIN, 1, SOCIETY)), site="1", service="linkedin", **options)


def test_reset_of_a_connection_of_the_account_itself_is_no_change() -> None:
    world = World(publicize_connection(50, MASTODON))
    reached("publicize", world, site="1", keyring_connection_id=22, reset_external_user=True)


# External users that are not known yet


@pytest.mark.parametrize("options", [{"external_user_id": "113"}, {"external_user_name": "New Page"}])
def test_unknown_external_user_is_read_once_more_with_a_refetch(options: dict[str, Any]) -> None:
    world = refetched()
    planned = plan("publicize", world, site="1", service="facebook", **options)
    assert planned.operations == (UpdatePublicizeConnection(50, "1", external_id="113"),)
    assert world.reads.count(REFETCH) == 1


def test_known_external_user_is_not_refetched() -> None:
    world = refetched()
    plan("publicize", world, site="1", service="facebook", external_user_id="112")
    assert REFETCH not in world.reads


def test_external_users_of_the_refetch_are_listed_where_it_is_still_unknown() -> None:
    options: dict[str, Any] = {"site": "1", "service": "facebook", "external_user_id": "999"}
    refused("publicize", refetched(), "unknown_external_user", "112 (Shop), 113 (New Page)", **options)


def test_keyring_connection_that_is_gone_at_the_refetch_keeps_what_was_listed() -> None:
    world = World(publicize_connection(50, FACEBOOK, 1, ENGINES), responses={REFETCH: None})
    options: dict[str, Any] = {"site": "1", "service": "facebook", "external_user_id": "999"}
    refused("publicize", world, "unknown_external_user", "it has 111 (Engines), 112 (Shop).", **options)


def test_account_without_external_users_has_none_to_list() -> None:
    world = World(keyrings=[keyring_connection(20, "facebook", "ada", additional_external_users=None)])
    told = "Keyring connection 20 (facebook: Ada) has no external users"
    refused("publicize", world, "no_external_users", told, site="1", service="facebook", external_user_id="999")


# Names that are not unique, or no longer what they were


def test_name_of_several_external_users_is_ambiguous() -> None:
    twins = (external_user("301", "Twin"), external_user("302", "x", external_display="Twin"))
    world = World(keyrings=[keyring_connection(20, "facebook", "ada", *twins)])
    refused(
        "publicize",
        world,
        "ambiguous_match",
        "2 external users have the name 'Twin': select one by external_user_id: "
        "Twin, external ID 301; Twin, name x, external ID 302.",
        site="1",
        service="facebook",
        external_user_name="Twin",
    )


RENAMED = keyring_connection(21, "linkedin", "ada-l", external_user("211", "New name"))
AMONG_ITS_OWN = keyring_connection(21, "linkedin", "ada-l", external_user("x21", "New name"))
OTHER_NAMES = [
    # Renamed after the connection was created, whose name the server had copied.
    pytest.param(RENAMED, publicize_connection(50, RENAMED, 1, external_user("211", "Old name")), id="renamed"),
    # The account is listed among its own external users, by another name.
    pytest.param(AMONG_ITS_OWN, publicize_connection(50, AMONG_ITS_OWN), id="among its own external users"),
]


@pytest.mark.parametrize(("keyring", "record"), OTHER_NAMES)
@pytest.mark.parametrize("unique_per", ["account", "external_user"])
def test_name_means_the_external_user_that_has_it_now(keyring: Record, record: Record, unique_per: str) -> None:
    options: dict[str, Any] = {
        "site": "1",
        "service": "linkedin",
        "external_user_name": "New name",
        "unique_per": unique_per,
    }
    assert plan("publicize", World(record, keyrings=[keyring]), **options).operations == ()


@pytest.mark.parametrize(("keyring", "record"), OTHER_NAMES)
def test_absent_by_name_deletes_the_external_user_that_has_it_now(keyring: Record, record: Record) -> None:
    options: dict[str, Any] = {"site": "1", "service": "linkedin", "external_user_name": "New name", "state": "absent"}
    planned = plan("publicize", World(record, keyrings=[keyring]), **options)
    assert planned.operations == (DeletePublicizeConnection(50, "1"),)


def test_old_name_is_not_the_external_user_whose_name_another_one_has_now() -> None:
    swapped = keyring_connection(21, "linkedin", "ada-l", external_user("211", "New"), external_user("212", "Old"))
    world = World(publicize_connection(50, swapped, 1, external_user("211", "Old")), keyrings=[swapped])
    planned = plan("publicize", world, site="1", service="linkedin", external_user_name="Old")
    assert planned.operations == (UpdatePublicizeConnection(50, "1", external_id="212"),)


def test_old_name_that_no_external_user_has_now_is_still_the_connections() -> None:
    world = World(publicize_connection(50, RENAMED, 1, external_user("211", "Old name")), keyrings=[RENAMED])
    reached("publicize", world, site="1", service="linkedin", external_user_name="Old name")


def test_account_among_its_own_external_users_is_one_match() -> None:
    listed = keyring_connection(21, "linkedin", "ada-l", external_user("x21", "ada-l"))
    world = World(keyrings=[listed])
    planned = plan("publicize", world, site="1", service="linkedin", external_user_name="ada-l")
    assert planned.operations == (created(listed),)


def test_connection_by_id_is_known_by_its_copy_of_the_name() -> None:
    world = World(publicize_connection(50, LINKEDIN, 1, SOCIETY))
    assert plan("publicize", world, id=50, external_user_name="The Society").operations == ()
    assert len(world.reads) == 1


# Keyring connections that are gone


def test_reset_of_a_connection_whose_keyring_connection_is_gone_is_refused() -> None:
    world = World(publicize_connection(50, LINKEDIN, 1, SOCIETY), keyrings=[MASTODON])
    refused(
        "publicize",
        world,
        "missing",
        "The keyring connection 21 of publicize connection 50",
        "delete this connection and connect the account again",
        id=50,
        reset_external_user=True,
    )


def test_external_user_by_id_that_a_connection_has_needs_no_keyring_connection() -> None:
    world = World(publicize_connection(50, LINKEDIN, 1, SOCIETY), keyrings=[])
    assert plan("publicize", world, id=50, external_user_id="211").operations == ()


# Services


def test_service_that_does_not_exist_does_not_support_publishing() -> None:
    world = World(keyrings=KEYRINGS, services=[])
    told = "The service linkedin of connection 21 (linkedin: Ada-L) does not support publishing"
    refused("publicize", world, "invalid_option", told, site="1", keyring_connection_id=21)


def test_service_without_a_type_supports_publishing() -> None:
    untyped = {key: value for key, value in service("mastodon").items() if key != "type"}
    reached("publicize", World(services=[untyped]), created(MASTODON), site="1", keyring_connection_id=22)


def test_external_users_stand_side_by_side_where_they_are_unique_per_external_user() -> None:
    world = World(publicize_connection(50, LINKEDIN, 1, SOCIETY))
    options: dict[str, Any] = {"site": "1", "service": "linkedin", "unique_per": "external_user"}
    reached("publicize", world, created(LINKEDIN, CLUB, known_ids=[50]), external_user_id="212", **options)
    reached("publicize", world, created(LINKEDIN, known_ids=[50, 51]), reset_external_user=True, **options)
