# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The caches that respond to queries about single things from the lists of the whole account."""

from __future__ import annotations

from typing import Any, Optional

import pytest

from ansible_collections.community.wpcom.plugins.module_utils._cache.account_cache import AccountCache, LoopCache
from ansible_collections.community.wpcom.plugins.module_utils._cache.evaluate import evaluate
from ansible_collections.community.wpcom.plugins.module_utils._cache.read_cache import ReadsNeeded
from ansible_collections.community.wpcom.plugins.module_utils._errors import WpcomError
from ansible_collections.community.wpcom.plugins.module_utils._operations import (
    CreatePublicizeConnection,
    DeleteKeyringConnection,
    DeletePublicizeConnection,
    FindSite,
    FindSites,
    GetKeyringConnection,
    GetPublicizeConnection,
    GetService,
    ListKeyringConnections,
    ListOwnPublicizeConnectionsOnSite,
    ListPublicizeConnections,
    ListServices,
    ListSitePublicizeConnections,
    OperationResult,
    UpdatePublicizeConnection,
)
from ansible_collections.community.wpcom.tests.unit.builders import (
    BLUESKY,
    FACEBOOK,
    FOREIGN,
    KEYRINGS,
    MASTODON,
    SHOP,
    World,
    publicize_connection,
    refusal,
    site,
)

OWN, KEYRING_LIST, SITE_LIST = ListPublicizeConnections(), ListKeyringConnections(), FindSites()
LISTS = (OWN, KEYRING_LIST, SITE_LIST, ListServices())


def world(**changes: Any) -> World:
    """Return a world with two connections of one account, one of another, and one of a colleague."""
    return World(
        publicize_connection(50, FACEBOOK, 1, SHOP),
        publicize_connection(51, FACEBOOK, 2, SHOP),
        publicize_connection(52, MASTODON, 2),
        publicize_connection(60, FOREIGN, 1),
        **{
            "keyrings": [
                {**FACEBOOK, "sites": [1, 2]},
                {**MASTODON, "sites": [2]},
                *KEYRINGS[3:],
            ],
            **changes,
        },
    )


def read(cache: Any, asked: World, query: Any) -> Any:
    """Return the response to a query, after what a cache needs to have read."""
    return evaluate(lambda reading: reading.read(query), cache, asked.fetch_all)


def seen(response: Any) -> Any:
    """Return the ID of a record, or the IDs of records."""
    if isinstance(response, list):
        return [record["id"] for record in response]
    return response and response["id"]


RESPONSES = [
    # A query, its response, and what is read for it by the cache of an account and by that of a loop.
    (GetPublicizeConnection(50), 50, [OWN], [OWN]),
    (GetPublicizeConnection(50, "1"), 50, [OWN], [OWN]),
    (GetPublicizeConnection(50, "blog.example.com"), 50, [OWN, SITE_LIST], [OWN, SITE_LIST]),
    # On another site there is no such connection.
    (
        GetPublicizeConnection(50, "2"),
        None,
        [OWN, ListSitePublicizeConnections("2")],
        [OWN, GetPublicizeConnection(50, "2")],
    ),
    (
        GetPublicizeConnection(50, "shop.example.com"),
        None,
        [OWN, SITE_LIST, ListSitePublicizeConnections("shop.example.com")],
        [OWN, SITE_LIST, GetPublicizeConnection(50, "shop.example.com")],
    ),
    # What the lists lack may be another user's.
    (
        GetPublicizeConnection(60, "1"),
        60,
        [OWN, ListSitePublicizeConnections("1")],
        [OWN, GetPublicizeConnection(60, "1")],
    ),
    (GetPublicizeConnection(99), None, [OWN, GetPublicizeConnection(99)], [OWN, GetPublicizeConnection(99)]),
    (OWN, [50, 51, 52], [OWN], [OWN]),
    (ListPublicizeConnections(keyring_connection_id=20), [50, 51], [OWN], [OWN]),
    (ListPublicizeConnections(keyring_connection_id=24), [], [OWN], [OWN]),
    (ListOwnPublicizeConnectionsOnSite("2"), [51, 52], [OWN], [OWN]),
    (ListOwnPublicizeConnectionsOnSite("shop.example.com"), [51, 52], [OWN, SITE_LIST], [OWN, SITE_LIST]),
    # A site without own connections: a loop reads it as a single task does, which learns whether the site refuses.
    (
        ListOwnPublicizeConnectionsOnSite("3"),
        [],
        [OWN, SITE_LIST],
        [OWN, SITE_LIST, ListSitePublicizeConnections("3")],
    ),
    (GetService("mastodon"), "mastodon", [ListServices()], [ListServices()]),
    (GetService("nonsense"), None, [ListServices()], [ListServices()]),
    (FindSite("1"), 1, [SITE_LIST], [SITE_LIST]),
    (FindSite("blog.example.com"), 1, [SITE_LIST], [SITE_LIST]),
    # What no list has is a query of its own.
    (GetKeyringConnection(20), 20, [GetKeyringConnection(20)], [GetKeyringConnection(20)]),
    (
        ListSitePublicizeConnections("1"),
        [50, 60],
        [ListSitePublicizeConnections("1")],
        [ListSitePublicizeConnections("1")],
    ),
]


@pytest.mark.parametrize(("query", "response", "by_account", "by_loop"), RESPONSES, ids=lambda value: str(value)[:60])
def test_single_things_are_found_in_the_lists(query: Any, response: Any, by_account: Any, by_loop: Any) -> None:
    for cache, reads in ((AccountCache(), by_account), (LoopCache(), by_loop)):
        asked = world()
        assert seen(read(cache, asked, query)) == response
        assert asked.reads == reads
        # Again it costs nothing.
        assert seen(read(cache, asked, query)) == response
        assert asked.reads == reads


@pytest.mark.parametrize("cache", [AccountCache(), LoopCache()], ids=lambda cache: type(cache).__name__)
def test_connection_of_another_user_by_id_alone_is_refused_by_the_server(cache: Any) -> None:
    with pytest.raises(WpcomError) as caught:
        read(cache, world(), GetPublicizeConnection(60))
    assert caught.value.code == "authorization_required"


@pytest.mark.parametrize("lists_sites", [True, False])
def test_site_that_the_lists_lack_is_a_query_of_its_own(lists_sites: bool) -> None:
    hidden = World(sites=[], lists_sites=lists_sites, responses={ListSitePublicizeConnections("a.example"): []})
    hidden.responses[FindSite("a.example")] = {"id": 9}
    cache = AccountCache()
    assert read(cache, hidden, ListOwnPublicizeConnectionsOnSite("a.example")) == []
    assert read(cache, hidden, FindSite("a.example")) == {"id": 9}
    assert hidden.reads == [OWN, SITE_LIST, ListSitePublicizeConnections("a.example"), FindSite("a.example")]


def test_name_of_two_sites_is_a_query_of_its_own() -> None:
    both = World(sites=[site(1, "a.example"), site(2, "a.example")])
    assert seen(read(AccountCache(), both, FindSite("a.example"))) == 1
    assert both.reads == [SITE_LIST, FindSite("a.example")]


def test_what_a_site_needs_is_read_at_once() -> None:
    asked = world()
    read(AccountCache(), asked, ListOwnPublicizeConnectionsOnSite("shop.example.com"))
    assert asked.rounds == 1


def test_error_in_a_list_is_raised_for_what_is_found_in_it() -> None:
    broken = world(responses={OWN: refusal(403, "unauthorized")})
    cache = AccountCache()
    for query in (GetPublicizeConnection(50), ListPublicizeConnections(keyring_connection_id=20)):
        with pytest.raises(WpcomError, match="unauthorized"):
            read(cache, broken, query)


# After writes


def written(cache: Any, asked: World, *operations: Any, results: Optional[list[OperationResult]] = None) -> None:
    """Have a world and a cache of it changed by operations."""
    for query in LISTS:
        read(cache, asked, query)
    ended = results if results is not None else [OperationResult(asked.apply(operation)) for operation in operations]
    cache.write_through(operations, ended)
    asked.reads.clear()


def agrees(cache: Any, asked: World, *known: Any) -> None:
    """Check that a cache responds to what it knows as the API would, without reading it."""
    for query in known:
        assert read(cache, asked, query) == asked.fetch_all([query])[0]
        asked.reads.pop()
    assert asked.reads == []


DELETE, CREATE = DeletePublicizeConnection(51), CreatePublicizeConnection("3", 22)
UPDATE = UpdatePublicizeConnection(50, shared=True)


@pytest.mark.parametrize("kind", [AccountCache, LoopCache])
@pytest.mark.parametrize("operations", [(DELETE,), (CREATE,), (UPDATE,), (DELETE, CREATE, UPDATE)])
def test_lists_follow_what_was_written(kind: Any, operations: Any) -> None:
    cache, asked = kind(), world()
    written(cache, asked, *operations)
    agrees(cache, asked, OWN, SITE_LIST, ListServices(), ListPublicizeConnections(keyring_connection_id=20))


@pytest.mark.parametrize("kind", [AccountCache, LoopCache])
def test_keyring_connections_follow_the_sites_that_they_serve(kind: Any) -> None:
    cache, asked = kind(), world()
    written(cache, asked, DELETE, CREATE)
    sites = {record["id"]: record.get("sites") for record in read(cache, asked, KEYRING_LIST)}
    assert (sites[20], sites[22]) == ([1], [2, 3])
    assert asked.reads == []


def test_site_that_a_keyring_connection_serves_twice_stays_until_its_last_connection_goes() -> None:
    asked = world()
    asked.connections[53] = publicize_connection(53, FACEBOOK, 2)
    cache = AccountCache()
    written(cache, asked, DELETE)
    assert read(cache, asked, KEYRING_LIST)[0]["sites"] == [1, 2]


def test_keyring_connection_that_lists_no_sites_is_left_as_it_is() -> None:
    asked = world(keyrings=KEYRINGS)
    cache = AccountCache()
    written(cache, asked, DELETE)
    assert "sites" not in read(cache, asked, KEYRING_LIST)[0]


def test_keyring_connections_are_read_again_where_one_has_lost_its_last_connection() -> None:
    cache, asked = AccountCache(), world()
    written(cache, asked, DeletePublicizeConnection(52))
    read(cache, asked, KEYRING_LIST)
    assert asked.reads == [KEYRING_LIST]
    agrees_after = read(cache, asked, OWN)
    assert seen(agrees_after) == [50, 51]


def test_single_responses_are_read_again_after_a_write() -> None:
    cache, asked = AccountCache(), world()
    query = ListSitePublicizeConnections("1")
    read(cache, asked, query)
    written(cache, asked, DELETE)
    read(cache, asked, query)
    assert asked.reads == [query]


@pytest.mark.parametrize(
    ("operation", "result"),
    [
        (DELETE, OperationResult(error=refusal(500, "server_error"))),
        (DeleteKeyringConnection(24), OperationResult()),
        (UpdatePublicizeConnection(99, shared=True), OperationResult(publicize_connection(99, BLUESKY, shared=True))),
    ],
    ids=["failed", "of a keyring connection", "of a connection that was not listed"],
)
def test_everything_is_read_again_after_a_write_whose_effects_are_not_known(operation: Any, result: Any) -> None:
    cache, asked = AccountCache(), world()
    written(cache, asked, operation, results=[result])
    for query in LISTS:
        with pytest.raises(ReadsNeeded):
            cache.read(query)


def test_skipped_operation_changes_nothing() -> None:
    cache, asked = AccountCache(), world()
    skipped = OperationResult(skipped=True)
    written(cache, asked, DELETE, DeleteKeyringConnection(24), results=[skipped, skipped])
    agrees(cache, asked, OWN, KEYRING_LIST)


def test_nothing_is_forgotten_where_nothing_was_written() -> None:
    cache, asked = AccountCache(), world()
    query = ListSitePublicizeConnections("1")
    read(cache, asked, query)
    written(cache, asked)
    agrees(cache, asked, query, *LISTS)


def test_list_that_was_not_read_is_not_made_up_by_a_write() -> None:
    cache, asked = AccountCache(), World(publicize_connection(50, BLUESKY))
    read(cache, asked, OWN)
    cache.write_through([UPDATE], [OperationResult(asked.apply(UPDATE))])
    with pytest.raises(ReadsNeeded):
        cache.read(KEYRING_LIST)
