# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which keyring connection the options mean, and which publicize connections are the user's own."""

from __future__ import annotations

from typing import Any, Optional

import pytest

from ansible_collections.community.wpcom.plugins.module_utils._cache.evaluate import evaluate
from ansible_collections.community.wpcom.plugins.module_utils._cache.read_cache import ReadCache
from ansible_collections.community.wpcom.plugins.module_utils._errors import WpcomError
from ansible_collections.community.wpcom.plugins.module_utils._operations import GetService, ListKeyringConnections
from ansible_collections.community.wpcom.plugins.module_utils._plan.selection import (
    is_own,
    select_keyring_connection,
)
from ansible_collections.community.wpcom.plugins.module_utils._records.record import Record
from ansible_collections.community.wpcom.tests.unit.builders import (
    COLLEAGUE,
    FOREIGN,
    ME,
    World,
    keyring_connection,
    publicize_connection,
    service,
)


def selected(world: World, *, must_exist: bool = True, test: bool = False, **options: Any) -> Optional[Record]:
    """Return the keyring connection that options select."""
    given = {"keyring_connection_id": None, "service": None, "account": None, **options}
    return evaluate(
        lambda cache: select_keyring_connection(cache, must_exist=must_exist, test=test, **given),
        ReadCache(),
        world.fetch_all,
    )


def refused(world: World, **options: Any) -> WpcomError:
    """Return the error of a selection."""
    with pytest.raises(WpcomError) as caught:
        selected(world, **options)
    return caught.value


@pytest.mark.parametrize(
    ("options", "id"),
    [
        ({"keyring_connection_id": 22}, 22),
        ({"service": "facebook"}, 20),
        ({"service": "facebook", "keyring_connection_id": 20}, 20),
        # By external ID, name, and display name.
        ({"service": "mastodon", "account": "x23"}, 23),
        ({"service": "mastodon", "account": "@shop"}, 23),
        ({"service": "mastodon", "account": "@Shop"}, 23),
    ],
)
def test_selection_by_id_service_and_account_reads_one_list(options: dict[str, Any], id: int) -> None:
    world = World()
    found = selected(world, **options)
    assert found is not None
    assert found["id"] == id
    assert world.reads == [ListKeyringConnections()]


def test_account_of_another_service_is_not_selected() -> None:
    error = refused(World(), service="mastodon", account="ada.bsky")
    assert error.code == "missing_keyring_connection"


def test_test_is_requested_with_the_list() -> None:
    world = World(fresh=[keyring_connection(22, "mastodon", "@ada", status="broken")])
    found = selected(world, keyring_connection_id=22, test=True)
    assert found is not None
    assert found["health"] == "broken"
    assert world.reads == [ListKeyringConnections(test=True)]


@pytest.mark.parametrize(
    "options",
    [
        {"service": "twitter"},
        {"service": "nonsense"},
        {"service": "mastodon", "account": "@x"},
        {"keyring_connection_id": 99},
    ],
)
def test_nothing_is_selected_where_nothing_has_to_exist(options: dict[str, Any]) -> None:
    world = World()
    assert selected(world, must_exist=False, **options) is None
    assert world.reads == [ListKeyringConnections()]


def test_several_matches_are_candidates_in_the_result() -> None:
    error = refused(World(), service="mastodon")
    assert [candidate["id"] for candidate in error.result["candidates"]] == [22, 23]


def test_missing_keyring_connection_comes_with_the_url_to_open() -> None:
    world = World()
    error = refused(world, service="mastodon", account="@x")
    assert error.result == {"connect_url": "https://connect.example/mastodon"}
    assert "It cannot be created through the API" in error.message
    assert world.reads == [ListKeyringConnections(), GetService("mastodon")]


def test_missing_keyring_connection_of_a_service_without_url_names_the_connections_page() -> None:
    error = refused(World(keyrings=(), services=[service("mastodon", connect_url=None)]), service="mastodon")
    assert error.result == {"connect_url": None}
    assert "Keyring connection for Mastodon not found. Your keyring connections of this service: none" in error.message
    assert "open https://wordpress.com/marketing/connections in a browser" in error.message


def test_account_without_any_keyring_connection() -> None:
    assert "Your keyring connections: none." in refused(World(keyrings=()), keyring_connection_id=22).message


OWN = publicize_connection(50, keyring_connection(22, "mastodon", "@ada"))
ORPHAN = {**OWN, "keyring_connection_id": 99}


@pytest.mark.parametrize(
    ("record", "me", "own"),
    [
        (OWN, None, True),
        (publicize_connection(60, FOREIGN), ME, False),
        (publicize_connection(60, FOREIGN, read_only=True), ME, False),
        # It may outlive its keyring connection: its owner decides.
        (ORPHAN, ME, True),
        ({**ORPHAN, "keyring_connection_user_id": COLLEAGUE}, ME, False),
        # Who the user is, or who the owner is, may be hidden: that is not the same user.
        (ORPHAN, None, False),
        ({**ORPHAN, "keyring_connection_user_id": None}, None, False),
        ({**ORPHAN, "keyring_connection_user_id": None}, ME, False),
        # What the server calls read-only is another user's, whatever else it has.
        ({**OWN, "read_only": True}, ME, False),
    ],
)
def test_own_is_what_is_made_with_own_keyring_connections_or_owned(
    record: Record, me: Optional[int], own: bool
) -> None:
    assert is_own(record, {22}, lambda: me) is own


def test_owner_is_read_only_where_the_keyring_connection_is_gone() -> None:
    def unread() -> int:
        raise AssertionError("read")

    assert is_own(OWN, {22}, unread)
    assert not is_own({**OWN, "read_only": True}, {22}, unread)
