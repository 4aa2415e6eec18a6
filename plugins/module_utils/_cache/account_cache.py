# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Caches that derive the responses to queries about single things from the lists of the whole account."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Callable, TypeVar

from .._errors import WpcomError
from .._operations import (
    CreatePublicizeConnection,
    DeletePublicizeConnection,
    FindSite,
    FindSites,
    GetPublicizeConnection,
    GetService,
    ListKeyringConnections,
    ListOwnPublicizeConnectionsOnSite,
    ListPublicizeConnections,
    ListServices,
    ListSitePublicizeConnections,
    Operation,
    OperationResult,
    Query,
    UpdatePublicizeConnection,
)
from .._records.record import Record, Records, is_number
from .read_cache import ReadCache, prefetch

T = TypeVar("T")
Places = set[tuple[Any, Any]]

_OWN_CONNECTIONS = ListPublicizeConnections()
_OWN_KEYRINGS = ListKeyringConnections()
_OWN_SITES = FindSites()
_WRITES_OF_PUBLICIZE = (CreatePublicizeConnection, UpdatePublicizeConnection, DeletePublicizeConnection)


class AccountCache:
    """Many connections cost no more requests than one: they are found in the lists of the account.

    Where those lists lack something (a site that is not among the user's, a token whose scope hides them), it is read as
    for a single connection.
    """

    def __init__(self, *, check_mode: bool = False) -> None:
        """Begin with nothing read."""
        self.check_mode = check_mode
        self._store = ReadCache(check_mode=check_mode)
        self._by_site: dict[Any, Records] = {}
        self._by_id: dict[int, Record] = {}
        self._by_keyring: dict[Any, Records] = {}
        self._has_lists = False
        self._derivations: dict[type, Callable[[Any], Any]] = {
            GetPublicizeConnection: self._publicize_connection,
            ListPublicizeConnections: self._publicize_connections,
            ListOwnPublicizeConnectionsOnSite: self._on_site,
            GetService: self._service,
            FindSite: self._site,
        }

    def read(self, query: Query[T]) -> T:
        """Return the response to a query. Raises ReadsNeeded, or the WpcomError that a query ended with."""
        derive = self._derivations.get(type(query), self._store.read)
        response: T = derive(query)
        return response

    def as_single(self, query: Query[T]) -> T:
        """Return the response to a query itself, not what the lists of the account show."""
        return self._store.read(query)

    def add(self, query: Query[Any], response: Any) -> None:
        """Keep the response to a query, and index the lists."""
        self._store.add(query, response)
        if isinstance(response, WpcomError):
            return
        if query == _OWN_CONNECTIONS:
            self._by_site, self._by_keyring = {}, {}
            self._by_id = {record["id"]: record for record in response}
            for record in response:
                self._by_site.setdefault(record.get("site_id"), []).append(record)
                self._by_keyring.setdefault(record.get("keyring_connection_id"), []).append(record)

    def write_through(self, operations: Sequence[Operation], results: Sequence[OperationResult]) -> None:
        """Change the lists as the operations did; what they do not determine is read again.

        cached     connections 1 and 2, both of keyring connection 7, whose sites are 10 and 11
        operation  delete connection 2 on site 11 -> succeeded
        cached     connection 1; keyring connection 7 with site 10; sites and services as before
        forgotten  everything else; all keyring connections too where 7 had lost its last one: it may be gone
        """
        if not operations:
            return
        changed = [(operation, result) for operation, result in zip(operations, results) if not result.skipped]
        self._has_lists = False
        known = self._store.kept(_OWN_CONNECTIONS, _OWN_KEYRINGS, _OWN_SITES, ListServices())
        self._store.write_through(operations, results)
        if any(result.error or not isinstance(operation, _WRITES_OF_PUBLICIZE) for operation, result in changed):
            return
        before: Records = known.pop(_OWN_CONNECTIONS, [])
        by_id = {record["id"]: record for record in before}
        updates = [operation for operation, _result in changed if isinstance(operation, UpdatePublicizeConnection)]
        if any(operation.connection_id not in by_id for operation in updates):
            # Whose it is, the response to a write does not tell.
            return
        after = list(_written(by_id, changed).values())
        if _OWN_KEYRINGS in known:
            keyrings = _with_sites(known.pop(_OWN_KEYRINGS), _places(before), _places(after))
            # WordPress.com may have deleted a keyring connection with its last publicize connection.
            if set(self._by_keyring) <= {record.get("keyring_connection_id") for record in after}:
                known[_OWN_KEYRINGS] = keyrings
        for query, response in known.items():
            self._store.add(query, response)
        self.add(_OWN_CONNECTIONS, after)

    def evict_errors(self) -> None:
        """Have queries that ended with an error be read again."""
        self._has_lists = False
        self._store.evict_errors()

    def own_publicize_connection(self, query: GetPublicizeConnection) -> Record | None:
        """Return a publicize connection of the token's user, None where it is another user's or does not exist."""
        self._store.read(_OWN_CONNECTIONS)
        record = self._by_id.get(query.connection_id)
        if record is None or query.site is None:
            return record
        if is_number(query.site):
            return record if record.get("site_id") == int(query.site) else None
        site = self._site(FindSite(query.site))
        return record if site and record.get("site_id") == site["id"] else None

    def _publicize_connection(self, query: GetPublicizeConnection) -> Record | None:
        record = self.own_publicize_connection(query)
        if record is not None:
            return record
        if query.site is None:
            # Of another user's the server says so; that it does not exist is something else.
            return self._store.read(query)
        on_site = self._store.read(ListSitePublicizeConnections(query.site))
        return next((record for record in on_site if record["id"] == query.connection_id), None)

    def _publicize_connections(self, query: ListPublicizeConnections) -> Records:
        if query.keyring_connection_id is None:
            return self._store.read(query)
        self._store.read(_OWN_CONNECTIONS)
        return self._by_keyring.get(query.keyring_connection_id, [])

    def _on_site(self, query: ListOwnPublicizeConnectionsOnSite) -> Records:
        if is_number(query.site):
            self._store.read(_OWN_CONNECTIONS)
            if int(query.site) in self._by_site:
                return self._by_site[int(query.site)]
        if not self._has_lists:
            prefetch(self._store, _OWN_CONNECTIONS, _OWN_SITES)
            self._store.read(_OWN_CONNECTIONS)
            self._store.read(_OWN_SITES)
            self._has_lists = True
        site = self._store.listed_site(query.site)
        if site is not None:
            return self._by_site.get(site["id"], [])
        return self._store.read(query)

    def _service(self, query: GetService) -> Record | None:
        self._store.read(ListServices())
        return self._store.read(query)

    def _site(self, query: FindSite) -> Record | None:
        self._store.read(_OWN_SITES)
        return self._store.read(query)


class LoopCache:
    """The lists of the account for the items of a loop, only where a query of its own would have the same response.

    What those lists lack may be another user's, or on a site that refuses, so it is read as for a single connection.
    """

    def __init__(self, *, check_mode: bool = False) -> None:
        """Begin with nothing read."""
        self.check_mode = check_mode
        self._account = AccountCache(check_mode=check_mode)
        self.add = self._account.add
        self.write_through = self._account.write_through
        self.evict_errors = self._account.evict_errors

    def read(self, query: Query[T]) -> T:
        """Return the response to a query. Raises ReadsNeeded, or the WpcomError that a query ended with."""
        asked: Query[Any] = query
        response: Any
        if isinstance(asked, GetPublicizeConnection):
            response = self._account.own_publicize_connection(asked)
            return self._account.as_single(query) if response is None else response
        response = self._account.read(asked)
        if isinstance(asked, ListOwnPublicizeConnectionsOnSite) and not response:
            return self._account.as_single(query)
        found: T = response
        return found


def _written(records: dict[int, Record], done: Iterable[tuple[Operation, OperationResult]]) -> dict[int, Record]:
    """Return publicize connections by ID as they are after writes."""
    for operation, result in done:
        if isinstance(operation, DeletePublicizeConnection):
            records.pop(operation.connection_id, None)
        elif result.record is not None:
            records[result.record["id"]] = result.record
    return records


def _places(records: Iterable[Record]) -> Places:
    """Return which keyring connection serves which site."""
    return {(record.get("keyring_connection_id"), record.get("site_id")) for record in records}


def _with_sites(keyrings: Sequence[Record], before: Places, after: Places) -> Records:
    """Return keyring connections with the sites that they serve after a change of publicize connections."""
    gained, lost = after - before, before - after
    changed = {keyring_connection_id for keyring_connection_id, _site in gained | lost}
    return [
        {
            **keyring,
            "sites": [
                *(site for site in keyring["sites"] if (keyring["id"], site) not in lost),
                *(site for number, site in gained if number == keyring["id"] and site not in keyring["sites"]),
            ],
        }
        if keyring["id"] in changed and isinstance(keyring.get("sites"), list)
        else keyring
        for keyring in keyrings
    ]
