# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The responses that were read so far, by query."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol, TypeVar, cast

from .._errors import WpcomError
from .._operations import (
    FindSite,
    FindSites,
    GetService,
    ListOwnPublicizeConnectionsOnSite,
    ListServices,
    ListSitePublicizeConnections,
    Operation,
    OperationResult,
    Query,
)
from .._records.names import sites_by_name
from .._records.record import Record

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
    """A cache in which each query stands for itself, but for a service or a site that is in a list that was read."""

    def __init__(self, *, check_mode: bool = False) -> None:
        """Begin with nothing read."""
        self.check_mode = check_mode
        self._responses: dict[Query[Any], Any] = {}
        self._indexed: Any = None
        self._sites: dict[str, Record] = {}

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
        """Return a single thing from a list that was read. Raises ReadsNeeded."""
        if isinstance(query, GetService):
            services = self._responses.get(ListServices())
            if isinstance(services, list):
                return next((service for service in services if service["id"] == query.service), None)
        if isinstance(query, FindSite):
            site = self.listed_site(query.site)
            if site is not None:
                return site
        raise ReadsNeeded(query)

    def listed_site(self, name: str) -> Record | None:
        """Return the only site with a name in the list of the user's sites, None where it was not read or has no such one."""
        sites = self._responses.get(FindSites())
        if sites is not self._indexed:
            self._indexed, self._sites = sites, sites_by_name(sites) if isinstance(sites, list) else {}
        return self._sites.get(name)

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
