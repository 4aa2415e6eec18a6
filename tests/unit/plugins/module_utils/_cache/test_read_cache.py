# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The cache in which each query stands for itself."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.community.wpcom.plugins.module_utils._cache.account_cache import AccountCache, LoopCache
from ansible_collections.community.wpcom.plugins.module_utils._cache.read_cache import (
    ReadCache,
    ReadsNeeded,
    prefetch,
)
from ansible_collections.community.wpcom.plugins.module_utils._errors import WpcomError
from ansible_collections.community.wpcom.plugins.module_utils._operations import (
    DeletePublicizeConnection,
    FindSite,
    GetAccount,
    GetService,
    ListOwnPublicizeConnectionsOnSite,
    ListServices,
    ListSitePublicizeConnections,
    OperationResult,
)


def needed(cache: Any, query: Any) -> list[Any]:
    """Return what a cache needs to have read before it responds to a query."""
    with pytest.raises(ReadsNeeded) as caught:
        cache.read(query)
    return list(caught.value.queries)


def test_what_has_not_been_read_is_needed() -> None:
    with pytest.raises(ReadsNeeded) as caught:
        ReadCache().read(GetService("x"))
    assert str(caught.value) == "not read yet: GetService(service='x', presentation=())"
    assert caught.value.queries == (GetService("x"),)


@pytest.mark.parametrize("response", [None, [], {"id": 1}])
def test_every_response_is_kept_also_that_a_thing_does_not_exist(response: Any) -> None:
    cache = ReadCache()
    cache.add(GetAccount(), response)
    assert cache.read(GetAccount()) == response


def test_queries_that_differ_in_anything_are_different() -> None:
    cache = ReadCache()
    cache.add(GetAccount(), {"id": 1})
    shown = GetAccount((("fields", "ID"),))
    assert needed(cache, shown) == [shown]


def test_own_connections_on_a_site_are_in_the_list_of_the_site() -> None:
    cache = ReadCache()
    assert needed(cache, ListOwnPublicizeConnectionsOnSite("1")) == [ListSitePublicizeConnections("1")]
    cache.add(ListSitePublicizeConnections("1"), [{"id": 5}])
    assert cache.read(ListOwnPublicizeConnectionsOnSite("1")) == [{"id": 5}]


def test_error_is_raised_where_it_is_read() -> None:
    cache = ReadCache()
    error = WpcomError("No.")
    cache.add(GetAccount(), error)
    with pytest.raises(WpcomError) as caught:
        cache.read(GetAccount())
    assert caught.value is error


@pytest.mark.parametrize("cache", [ReadCache(), AccountCache(), LoopCache()], ids=lambda cache: type(cache).__name__)
def test_only_errors_are_evicted(cache: Any) -> None:
    cache.add(GetAccount(), WpcomError("No."))
    cache.add(ListServices(), [])
    cache.evict_errors()
    assert needed(cache, GetAccount()) == [GetAccount()]
    assert cache.read(ListServices()) == []


def test_nothing_that_was_read_before_a_write_is_kept() -> None:
    cache = ReadCache()
    cache.add(GetAccount(), {"id": 1})
    cache.write_through([DeletePublicizeConnection(5)], [OperationResult()])
    assert needed(cache, GetAccount()) == [GetAccount()]


def test_everything_is_kept_where_nothing_was_written() -> None:
    cache = ReadCache()
    cache.add(GetAccount(), {"id": 1})
    cache.write_through([], [])
    assert cache.read(GetAccount()) == {"id": 1}


def test_kept_responses_are_those_of_the_queries() -> None:
    cache = ReadCache()
    cache.add(GetAccount(), {"id": 1})
    cache.add(ListServices(), [])
    assert cache.kept(GetAccount(), FindSite("1")) == {GetAccount(): {"id": 1}}


# Prefetching


def test_prefetch_asks_for_all_that_is_missing_at_once_and_each_only_once() -> None:
    cache = ReadCache()
    cache.add(FindSite("1"), {"id": 1})
    with pytest.raises(ReadsNeeded) as caught:
        prefetch(cache, FindSite("1"), FindSite("2"), FindSite("3"), FindSite("2"))
    assert caught.value.queries == (FindSite("2"), FindSite("3"))


def test_prefetch_of_what_has_been_read_does_nothing_and_leaves_errors_for_later() -> None:
    cache = ReadCache()
    cache.add(FindSite("1"), {"id": 1})
    cache.add(FindSite("2"), WpcomError("No."))
    prefetch(cache, FindSite("1"), FindSite("2"))


@pytest.mark.parametrize("kind", [ReadCache, AccountCache, LoopCache])
@pytest.mark.parametrize("check_mode", [True, False])
def test_planner_is_told_of_check_mode(kind: Any, check_mode: bool) -> None:
    assert kind(check_mode=check_mode).check_mode is check_mode
    assert kind().check_mode is False
