# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Planning of what the event source reads: the health of the user's own publicize connections."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from .._cache.read_cache import Cache, prefetch
from .._errors import ApiError
from .._operations import FindSite, FindSites, ListKeyringConnections, ListPublicizeConnections, ListServices, Query
from .._records.health import judged
from .._records.record import Record, Records, is_number
from .external_users import profile_ids
from .selection import is_own, my_id, own_keyring_connections, required_site_id


@dataclass(frozen=True)
class ConnectionHealth:
    """The publicize connections of the token's user on all sites, and the IDs of the sites that were named, None for all."""

    records: Records
    site_ids: frozenset[int] | None


def plan_connection_health(sites: Sequence[str | int], cache: Cache, *, test: bool = False) -> ConnectionHealth:
    """Return the user's own publicize connections with their health, and the IDs of ``sites``. Raises WpcomError.

    A text is a site as a user names it, also by its ID, and has to exist; an int is the ID of a site that was found before.

    An error is never read as a connection that works or is missing: whatever cannot be read ends the planning, but for
    keyring connections that the token may not read. ``test`` has WordPress.com test the connections first.
    """
    keyrings: Query[Records] = ListKeyringConnections(test=test)
    lists: list[Query[Any]] = [ListPublicizeConnections(), ListServices()]
    if not all(isinstance(site, int) or is_number(site) for site in sites):
        lists.append(FindSites())
    if test:
        # The test changes the status that the other list shows.
        prefetch(cache, keyrings)
    prefetch(cache, keyrings, *lists)
    site_ids = frozenset(site if isinstance(site, int) else _site_id(site, cache) for site in sites) or None
    services = {service["id"]: service for service in cache.read(ListServices())}
    own, profiles = _own_keyring_connections(cache, test)
    records = [
        judged(
            record,
            services.get(record.get("service")),
            profiles.get(record.get("keyring_connection_id"), frozenset()),
        )
        for record in _own_publicize_connections(cache, keyrings, own)
    ]
    return ConnectionHealth(records, site_ids)


def _site_id(site: str, cache: Cache) -> int:
    """Return the ID of a site that a user names. Raises ApiError for an unknown one, which would never have an event."""
    if not is_number(site):
        return required_site_id(site, cache)
    number = int(site)
    connected = {record.get("site_id") for record in cache.read(ListPublicizeConnections())}
    if number not in connected and number not in {found["id"] for found in cache.read(FindSites()) or ()}:
        try:
            cache.read(FindSite(site))
        except ApiError as error:
            # A site that this user may not read exists.
            if error.status != 403:
                raise
    return number


def _own_keyring_connections(cache: Cache, test: bool) -> tuple[frozenset[int] | None, dict[Any, frozenset[str]]]:
    """Return the IDs of the user's keyring connections, None where the token may not read them, and the profiles of each."""
    try:
        own = own_keyring_connections(cache, test=test)
    except ApiError as error:
        # Without a code it is the refusal of something between, which may end.
        if error.status == 403 and error.code:
            return None, {}
        raise
    return frozenset(keyring["id"] for keyring in own), {keyring["id"]: profile_ids(keyring) for keyring in own}


def _own_publicize_connections(cache: Cache, keyrings: Query[Records], own: frozenset[int] | None) -> Records:
    """Return the publicize connections without those of other users; the list has them where something is wrong with it."""
    listed = cache.read(ListPublicizeConnections())
    if own is None:
        return [record for record in listed if not record.get("read_only")]
    others = {keyring["id"] for keyring in cache.read(keyrings)} - own

    def owned(record: Record) -> bool:
        # Where nothing says who the user is, a list of the user's own connections does.
        return is_own(record, own, lambda: my_id(cache) or record.get("keyring_connection_user_id"))

    return [record for record in listed if record.get("keyring_connection_id") not in others and owned(record)]
