# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The plan of one keyring connection."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.community.wpcom.plugins.module_utils._operations import (
    DeleteKeyringConnection,
    FindAccount,
    GetKeyringConnection,
    ListKeyringConnections,
    ListPublicizeConnections,
)
from ansible_collections.community.wpcom.tests.unit.builders import (
    BLUESKY,
    FACEBOOK,
    FOREIGN,
    MASTODON,
    SHOP,
    World,
    day,
    keyring_connection,
    plan,
    publicize_connection,
    reached,
    refused,
)


def used() -> World:
    """Return a world in which Facebook is used on two sites, and another keyring connection too."""
    return World(
        publicize_connection(50, FACEBOOK, 1, SHOP),
        publicize_connection(51, FACEBOOK, 2, SHOP),
        publicize_connection(52, MASTODON, 2),
        publicize_connection(60, FOREIGN, 1),
    )


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"id": 0}, "id must be a positive number, got 0"),
        ({"service": ""}, "service must not be empty"),
        ({"service": "mastodon", "account": ""}, "account must not be empty"),
        ({"service": "foo/bar"}, "service must be the ID of a service"),
    ],
)
def test_bad_options_are_refused_before_anything_is_read(options: dict[str, Any], told: str) -> None:
    world = World()
    refused("keyring", world, "invalid_option", told, **options)
    assert world.reads == []


@pytest.mark.parametrize(
    ("options", "id", "reads"),
    [
        ({"id": 20}, 20, [GetKeyringConnection(20), FindAccount()]),
        ({"service": "facebook"}, 20, [ListKeyringConnections()]),
        ({"service": "Facebook"}, 20, [ListKeyringConnections()]),
        ({"service": "mastodon", "account": "@shop"}, 23, [ListKeyringConnections()]),
        ({"service": "mastodon", "account": "x23"}, 23, [ListKeyringConnections()]),
        ({"service": "mastodon", "account": "@Shop"}, 23, [ListKeyringConnections()]),
    ],
)
def test_present_is_never_changed_and_costs_one_round_of_reads(
    options: dict[str, Any], id: int, reads: list[Any]
) -> None:
    world = World()
    planned = plan("keyring", world, **options)
    result = planned.to_result(None)
    assert result["connection"]["id"] == id
    assert result["diff"]["before"] == result["diff"]["after"] != {}
    assert world.reads == reads
    assert world.rounds == 1
    reached("keyring", world, **options)


@pytest.mark.parametrize(
    ("options", "code", "parts"),
    [
        (
            {"id": 99},
            "missing_keyring_connection",
            ("Keyring connection 99 not found among yours", "https://wordpress.com/marketing/connections"),
        ),
        (
            {"service": "mastodon", "account": "@x"},
            "missing_keyring_connection",
            (
                "'@x' for Mastodon not found",
                "22 (mastodon: @Ada, name @ada, external ID x22); 23",
                "https://connect.example/mastodon",
            ),
        ),
        ({"service": "myspace"}, "unknown_service", ("gather=services",)),
        ({"service": "twitter"}, "unsupported_service", ("Twitter is no longer supported by WordPress.com",)),
        ({"service": "mastodon"}, "ambiguous_match", ("22", "23", "by account, or by its ID")),
        ({"service": "mastodon", "state": "absent"}, "ambiguous_match", ("22", "23")),
    ],
)
def test_what_does_not_exist_or_is_ambiguous_is_refused(
    options: dict[str, Any], code: str, parts: tuple[str, ...]
) -> None:
    refused("keyring", World(), code, *parts, **options)


@pytest.mark.parametrize(("options", "reads"), [({"id": 24}, 2), ({"service": "bluesky"}, 1)])
def test_test_finds_what_the_cached_status_hides_at_no_further_read(options: dict[str, Any], reads: int) -> None:
    world = World(fresh=[keyring_connection(24, "bluesky", "ada.bsky", status="invalid")])
    assert plan("keyring", world, **options).warnings == ()
    assert len(world.reads) == reads
    world.reads.clear()
    planned = plan("keyring", world, test=True, **options)
    assert planned.operations == ()
    assert planned.to_result(None)["connection"]["health"] == "broken"
    assert (len(planned.warnings), len(world.reads)) == (1, reads)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"status": "broken"}, ("is broken", "open https://refresh.example/24 in a browser to refresh it")),
        ({"expires": day(5)}, ("expires soon, at 2026-07-06T12:00:00Z",)),
        ({"status": "invalid"}, ("is broken", "disconnect and reconnect it in a browser")),
        (
            {"status": "must_reauth"},
            ("works, but has to be refreshed", "open https://refresh.example/24 in a browser to refresh it"),
        ),
        ({"status": "must_reauth", "expires": day(-1)}, ("is broken", "to refresh it")),
        # What is not known is reported and not called broken.
        (
            {"status": "something-new"},
            ("has the status 'something-new', which this version of the collection does not know", "check it"),
        ),
    ],
)
def test_unhealthy_keyring_connection_warns(changes: dict[str, Any], words: tuple[str, ...]) -> None:
    world = World(keyrings=[keyring_connection(24, "bluesky", "ada.bsky", **changes)])
    (warning,) = plan("keyring", world, id=24).warnings
    for word in ("keyring connection 24 (bluesky, account 'Ada.Bsky')", *words):
        assert word in warning


# Deletions


@pytest.mark.parametrize("cascade", [False, True])
@pytest.mark.parametrize("options", [{"id": 24}, {"service": "bluesky"}])
def test_unused_keyring_connection_is_deleted_without_cascade(options: dict[str, Any], cascade: bool) -> None:
    planned = reached("keyring", used(), DeleteKeyringConnection(24), state="absent", cascade=cascade, **options)
    result = planned.to_result(None)
    assert result["connection"] is None
    assert result["publicize_connections"] == []
    assert result["diff"]["before"]["id"] == 24
    assert result["diff"]["after"] == {}
    assert planned.warnings == ()


def test_used_keyring_connection_is_not_deleted_without_cascade() -> None:
    error = refused(
        "keyring",
        used(),
        "cascade_needed",
        "Deleting keyring connection 20 (facebook: Ada) would delete 2 publicize connection(s)",
        "50 (facebook: Shop on site 1); 51 (facebook: Shop on site 2)",
        "Nothing was deleted. Set cascade to true",
        id=20,
        state="absent",
    )
    assert error.result["connection"]["id"] == 20
    assert [record["id"] for record in error.result["publicize_connections"]] == [50, 51]


def test_cascade_shows_what_is_deleted_on_all_sites() -> None:
    world = used()
    operation = DeleteKeyringConnection(20)
    planned = reached("keyring", world, operation, service="facebook", state="absent", cascade=True)
    result = planned.to_result(None)
    assert [record["id"] for record in result["publicize_connections"]] == [50, 51]
    assert [record["id"] for record in result["diff"]["before"]["publicize_connections"]] == [50, 51]
    assert sorted(world.connections) == [52, 60]


def test_deletion_reads_the_keyring_connection_and_what_uses_it() -> None:
    world = used()
    plan("keyring", world, id=20, state="absent", cascade=True)
    assert world.reads == [
        GetKeyringConnection(20),
        FindAccount(),
        ListPublicizeConnections(keyring_connection_id=20),
    ]


def test_sites_that_the_token_does_not_show_count_too() -> None:
    seen = keyring_connection(20, "facebook", "ada", sites=[2, 1])
    world = World(publicize_connection(50, seen, 1, SHOP), keyrings=[seen])
    error = refused("keyring", world, "cascade_needed", "2 publicize", "one or more on site 2", id=20, state="absent")
    assert [record["id"] for record in error.result["publicize_connections"]] == [50]
    planned = plan("keyring", world, id=20, state="absent", cascade=True)
    (warning,) = planned.warnings
    assert "deletes its publicize connections on site 2, too, which this token does not show" in warning


def test_keyring_connection_that_only_unseen_sites_use_requires_cascade() -> None:
    world = World(keyrings=[keyring_connection(24, "bluesky", "ada", sites=[2])])
    refused("keyring", world, "cascade_needed", "one or more on site 2", id=24, state="absent")


@pytest.mark.parametrize("options", [{"id": 99}, {"service": "mastodon", "account": "@x"}, {"service": "myspace"}])
def test_what_does_not_exist_is_absent(options: dict[str, Any]) -> None:
    planned = reached("keyring", used(), state="absent", **options)
    result = planned.to_result(None)
    assert result["connection"] is None
    assert result["publicize_connections"] == []
    assert result["diff"]["before"] == result["diff"]["after"] == {}


def test_header_of_the_diff_names_the_account() -> None:
    world = World(publicize_connection(50, BLUESKY))
    assert plan("keyring", world, id=24).diff.header == "keyring connection 24 (bluesky: Ada.Bsky)"
