# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Running a planner until all that it reads is cached.

planner reads the keyring connections     -> ReadsNeeded(ListKeyringConnections())
they are fetched, and the planner runs again from its beginning
planner reads the connections of site 3   -> ReadsNeeded(ListSitePublicizeConnections("3"))
they are fetched, and the planner runs again -> its plan: two requests, stated by what the planner reads
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Callable, TypeVar

from .._operations import Query
from .read_cache import Cache, ReadsNeeded

P = TypeVar("P")
C = TypeVar("C", bound=Cache)


def evaluate(planner: Callable[[C], P], cache: C, fetch_all: Callable[[Sequence[Query[Any]]], Sequence[Any]]) -> P:
    """Return the plan; ``fetch_all`` returns for each query its response, or the WpcomError that it ended with."""
    while True:
        try:
            return planner(cache)
        except ReadsNeeded as needed:
            queries = needed.queries
        # Outside of the handler, or the signal would be shown as the cause of an error in a response. That error is raised
        # where the planner reads it, so that a plan of many entries knows which of them it concerns.
        for query, response in zip(queries, fetch_all(queries)):
            cache.add(query, response)
