# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the event source reads, and which connections and health that gives."""

from __future__ import annotations

from typing import Any, Union

import pytest

from ansible_collections.community.wpcom.plugins.module_utils._cache.evaluate import evaluate
from ansible_collections.community.wpcom.plugins.module_utils._cache.read_cache import ReadCache
from ansible_collections.community.wpcom.plugins.module_utils._errors import ApiError, ConnectError, WpcomError
from ansible_collections.community.wpcom.plugins.module_utils._operations import (
    FindAccount,
    FindSite,
    FindSites,
    ListKeyringConnections,
    ListPublicizeConnections,
    ListServices,
)
from ansible_collections.community.wpcom.plugins.module_utils._plan.connection_health import (
    ConnectionHealth,
    plan_connection_health,
)
from ansible_collections.community.wpcom.tests.unit.builders import (
    COLLEAGUE,
    ENGINES,
    FACEBOOK,
    FOREIGN,
    KEYRINGS,
    MASTODON,
    World,
    keyring_connection,
    plan,
    publicize_connection,
    refusal,
)

LISTS = {ListKeyringConnections(), ListPublicizeConnections(), ListServices()}
TWITTER = keyring_connection(26, "twitter", "@ada")
GONE = keyring_connection(27, "mastodon", "@gone")
CONNECTIONS = (
    publicize_connection(50, FACEBOOK, 1, ENGINES),
    publicize_connection(51, FACEBOOK, 2),
    publicize_connection(52, MASTODON, 2, status="broken"),
    publicize_connection(53, TWITTER, 1),
)


def everything() -> World:
    """Return a world with a connection of each kind."""
    return World(*CONNECTIONS, keyrings=(*KEYRINGS, TWITTER))


def read(world: World, *sites: Union[str, int], test: bool = False) -> ConnectionHealth:
    """Return what is read of a world."""
    return evaluate(lambda cache: plan_connection_health(sites, cache, test=test), ReadCache(), world.fetch_all)


def healths(found: ConnectionHealth) -> dict[int, tuple[str, Any]]:
    """Return health and repair by ID."""
    return {record["id"]: (record["health"], record["repair"]) for record in found.records}


def test_three_requests_give_the_health_that_the_modules_give() -> None:
    world = everything()
    found = read(world)
    assert healths(found) == {
        50: ("ok", None),
        51: ("broken", "choose_external_user"),
        52: ("broken", "refresh"),
        53: ("broken", "remove"),
    }
    assert set(world.reads) == LISTS
    assert len(world.reads) == 3
    assert world.rounds == 1
    gathered = plan("info", everything(), gather=["publicize"])
    assert found.records == gathered.to_result(None, diff=False)["publicize_connections"]
    assert found.site_ids is None


def test_a_test_comes_before_the_list_whose_status_it_changes() -> None:
    world = everything()
    read(world, test=True)
    assert world.reads[0] == ListKeyringConnections(test=True)
    assert set(world.reads[1:]) == {ListPublicizeConnections(), ListServices()}
    assert world.rounds == 2


# Sites


def test_sites_are_known_by_id() -> None:
    world = everything()
    assert read(world, "shop.example.com", "3").site_ids == {2, 3}
    assert set(world.reads) == LISTS | {FindSites()}


def test_ids_of_sites_with_connections_or_that_were_found_before_are_not_looked_up() -> None:
    world = everything()
    assert read(world, "2", 99).site_ids == {2, 99}
    assert set(world.reads) == LISTS


def test_id_of_another_site_has_to_exist() -> None:
    with pytest.raises(ApiError) as caught:
        read(everything(), "2", "99")
    assert caught.value.code == "unknown_blog"
    world = World(*CONNECTIONS, responses={FindSite("99"): refusal(403, "unauthorized")})
    assert read(world, "99").site_ids == {99}


def test_site_that_is_not_in_the_list_is_asked_for() -> None:
    other = FindSite("other.example.com")
    world = World(*CONNECTIONS, responses={other: {"id": 7, "slug": "other.example.com"}})
    assert read(world, "other.example.com").site_ids == {7}
    assert other in world.reads


@pytest.mark.parametrize(
    ("world", "code"),
    [
        (World(*CONNECTIONS), "unknown_blog"),
        (World(*CONNECTIONS, lists_sites=False), "unknown_site"),
    ],
    ids=["unknown", "forbidden"],
)
def test_site_that_cannot_be_known_is_an_error(world: World, code: str) -> None:
    with pytest.raises(WpcomError) as caught:
        read(world, "nowhere.example.com")
    assert caught.value.code == code


# Other users


def test_connections_of_other_users_are_left_out() -> None:
    other = keyring_connection(31, "facebook", "grace", user_id=COLLEAGUE)
    mine, orphan = publicize_connection(50, MASTODON), publicize_connection(54, GONE)
    # Where something is wrong with the list; none of them can be repaired by this user.
    theirs = (
        publicize_connection(60, FOREIGN, shared=True),
        publicize_connection(61, other),
        {**publicize_connection(62, MASTODON), "read_only": True},
    )
    listed = {ListPublicizeConnections(): [mine, orphan, *theirs]}
    world = World(keyrings=(*KEYRINGS, other), responses=listed)
    assert set(healths(read(world))) == {50, 54}
    assert world.reads.count(FindAccount()) == 1


def test_orphan_is_of_the_user_where_nothing_says_who_that_is() -> None:
    world = World(publicize_connection(54, GONE), keyrings=(), account=None)
    assert set(healths(read(world))) == {54}


# Errors


@pytest.mark.parametrize("query", sorted(LISTS, key=repr), ids=lambda query: type(query).__name__)
@pytest.mark.parametrize("error", [ConnectError("No connection."), refusal(403, "")], ids=["network", "proxy"])
def test_error_of_any_list_is_an_error(query: Any, error: WpcomError) -> None:
    """A service or an account that is missing for a moment would look like a connection that works again."""
    with pytest.raises(WpcomError) as caught:
        read(World(*CONNECTIONS, responses={query: error}))
    assert caught.value is error


def test_keyring_connections_may_be_forbidden() -> None:
    """A token for one site may not read them."""
    responses = {
        ListKeyringConnections(): refusal(403, "authorization_required"),
        ListPublicizeConnections(): [*CONNECTIONS, {**publicize_connection(60, FOREIGN), "read_only": True}],
    }
    found = read(World(responses=responses))
    # Whether an external user is a page is not known then.
    assert healths(found)[51] == ("ok", None)
    assert set(healths(found)) == {50, 51, 52, 53}
