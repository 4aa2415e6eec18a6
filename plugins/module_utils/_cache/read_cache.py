# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The responses that were read so far, by query."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol, TypeVar, cast

from .._errors import WpcomError
from .._operations import (
    GetService,
    ListOwnPublicizeConnectionsOnSite,
    ListServices,
    ListSitePublicizeConnections,
    Operation,
    OperationResult,
    Query,
)

T = TypeVar("T")
_UNREAD = object()


class ReadsNeeded(Exception):
    """A planner reads something that has not been read yet; ``queries`` are what to read before it runs again."""

    def __init__(self, *queries: Query[Any]) -> None:
        """Keep the queries."""
        super().__init__(f"not read yet: {', '.join(map(repr, queries))}")
        self.queries = queries


class Cache(Protocol):
    """What a planner reads from; ``check_mode`` has it read more, to predict what the server would refuse."""

    check_mode: bool

    def read(self, query: Query[T]) -> T:
        """Return the response to a query. Raises ReadsNeeded, or the WpcomError that the query ended with."""

    def add(self, query: Query[Any], response: Any) -> None:
        """Keep the response to a query, or the WpcomError that it ended with."""

    def write_through(self, operations: Sequence[Operation], results: Sequence[OperationResult]) -> None:
        """Make what is read next agree with what the operations did."""

    def evict_errors(self) -> None:
        """Have queries that ended with an error be read again."""


def prefetch(cache: Cache, *queries: Query[Any]) -> None:
    """Have what is needed soon be read in parallel. Raises ReadsNeeded for all that has not been read."""
    missing: dict[Query[Any], None] = {}
    for query in queries:
        try:
            cache.read(query)
        except ReadsNeeded as needed:
            missing.update(dict.fromkeys(needed.queries))
        except WpcomError:
            # It is raised where the planner reads it.
            pass
    if missing:
        raise ReadsNeeded(*missing)


class ReadCache:
    """A cache in which each query stands for itself, but for a service, which is in the list of all where that was read."""

    def __init__(self, *, check_mode: bool = False) -> None:
        """Begin with nothing read."""
        self.check_mode = check_mode
        self._responses: dict[Query[Any], Any] = {}

    def read(self, query: Query[T]) -> T:
        """Return the response to a query. Raises ReadsNeeded, or the WpcomError that the query ended with."""
        asked: Query[Any] = query
        if isinstance(query, ListOwnPublicizeConnectionsOnSite):
            asked = ListSitePublicizeConnections(query.site)
        response = self._responses.get(asked, _UNREAD)
        if response is _UNREAD:
            response = self._derived(asked)
        if isinstance(response, WpcomError):
            raise response
        return cast(T, response)

    def _derived(self, query: Query[Any]) -> Any:
        services = self._responses.get(ListServices()) if isinstance(query, GetService) else None
        if not isinstance(query, GetService) or not isinstance(services, list):
            raise ReadsNeeded(query)
        return next((service for service in services if service["id"] == query.service), None)

    def add(self, query: Query[Any], response: Any) -> None:
        """Keep the response to a query, or the WpcomError that it ended with."""
        self._responses[query] = response

    def write_through(self, operations: Sequence[Operation], results: Sequence[OperationResult]) -> None:
        """Forget everything after a write: it is read again where it is needed."""
        if operations:
            self._responses.clear()

    def evict_errors(self) -> None:
        """Have queries that ended with an error be read again."""
        self.restore({q: response for q, response in self._responses.items() if not isinstance(response, WpcomError)})

    def kept(self, *queries: Query[Any]) -> dict[Query[Any], Any]:
        """Return the responses to these queries, as far as they have been read."""
        return {query: self._responses[query] for query in queries if query in self._responses}

    def restore(self, responses: Mapping[Query[Any], Any]) -> None:
        """Hold these responses and no others."""
        self._responses = dict(responses)
