# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Running a planner until all that it reads is cached."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from ansible_collections.community.wpcom.plugins.module_utils._cache.evaluate import evaluate
from ansible_collections.community.wpcom.plugins.module_utils._cache.read_cache import ReadCache, prefetch
from ansible_collections.community.wpcom.plugins.module_utils._errors import WpcomError
from ansible_collections.community.wpcom.plugins.module_utils._operations import FindSite, Query

ONE, TWO = FindSite("1"), FindSite("2")


def evaluated(planner: Any, *rounds: Sequence[Query[Any]], response: Any = None) -> Any:
    """Return what a planner returns, after fetches of exactly these queries."""
    fetched: list[list[Query[Any]]] = []

    def fetch_all(queries: Sequence[Query[Any]]) -> list[Any]:
        fetched.append(list(queries))
        return [response or {"site": query} for query in queries]

    try:
        return evaluate(planner, ReadCache(), fetch_all)
    finally:
        assert fetched == [list(each) for each in rounds]


def test_planner_that_reads_nothing_runs_once() -> None:
    assert evaluated(lambda cache: "plan") == "plan"


def test_each_thing_is_read_once_and_in_the_order_of_the_planner() -> None:
    found = evaluated(lambda cache: [cache.read(query) for query in (ONE, ONE, TWO)], [ONE], [TWO])
    assert found == [{"site": ONE}, {"site": ONE}, {"site": TWO}]


def test_what_is_prefetched_is_read_together() -> None:
    def planner(cache: ReadCache) -> Any:
        prefetch(cache, ONE, TWO)
        return cache.read(TWO)

    assert evaluated(planner, [ONE, TWO]) == {"site": TWO}


def test_error_is_raised_where_the_planner_reads_it() -> None:
    error = WpcomError("No.")

    def tolerant(cache: ReadCache) -> Any:
        try:
            return cache.read(ONE)
        except WpcomError as caught:
            return caught

    assert evaluated(tolerant, [ONE], response=error) is error
    with pytest.raises(WpcomError) as raised:
        evaluated(lambda cache: cache.read(ONE), [ONE], response=error)
    # The signal that a read is needed is not its cause.
    assert raised.value.__context__ is None
