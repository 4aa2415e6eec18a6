# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Planning of what ``wpcom_connection_info`` gathers: the queries that it takes, and what of their responses is returned."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Callable

from .._cache.read_cache import Cache, prefetch
from .._errors import ConnectError, OptionError, WpcomError
from .._operations import (
    FindSite,
    FindSites,
    GetAccount,
    GetConnectedApplication,
    GetKeyringConnection,
    GetPublicizeConnection,
    GetService,
    ListConnectedApplications,
    ListKeyringConnections,
    ListPublicizeConnections,
    ListServices,
    ListSitePublicizeConnections,
    ListSites,
    Presentation,
    Query,
)
from .._records.health import HEALTHY, judged
from .._records.record import Record, Records, is_number
from .external_users import profile_ids
from .plan import Plan
from .selection import site_id
from .validation import check_parallel, check_set, valid_service, valid_site

# What an option filters; elsewhere it would be ignored silently.
_NARROWS = {
    "id": ("publicize",),
    "user_id": ("publicize",),
    "keyring_connection_id": ("publicize", "keyring"),
    "site": ("publicize", "keyring", "sites"),
    "service": ("publicize", "keyring", "services"),
    "application_id": ("applications",),
}
# What the health of a record and the filters here depend on, whatever fields were asked for.
_NEEDED_FIELDS = (
    "ID",
    "service",
    "status",
    "expires",
    "refresh_URL",
    "user_ID",
    "keyring_connection_ID",
    "keyring_connection_user_ID",
    "external_ID",
)
# The health of a publicize connection depends on the pages of its account, too.
_NEEDED_KEYRING_FIELDS = (*_NEEDED_FIELDS, "additional_external_users")
# Which accounts are used on several sites is told by these.
_SITE_FIELDS = ("site_ID",)
_KEYRING_SITE_FIELDS = ("type", "sites")
_ADDED_KEYS = ("health", "repair")
# A hundred years.
_LONGEST_DAYS = 36500
_LOWER_ON_THE_WIRE = ("token_site_id", "token_client_id")
# Errors of the token, whatever the site.
_TOKEN_ERRORS = ("invalid_token", "reauthorization_required", "interrupted")
# Of the sites that failed, a message names no more.
_SITES_IN_MESSAGE = 20


@dataclass
class _Sites:
    """The sites that are asked for, by the name that the API knows them by, and the errors that reading them ended with."""

    given: Mapping[str, str]
    errors: dict[str, WpcomError] = field(default_factory=dict)

    @classmethod
    def of(cls, option: Iterable[str]) -> _Sites:
        """Return the sites of the option, each once. Raises OptionError."""
        given: dict[str, str] = {}
        for site in option:
            given.setdefault(valid_site(site) or "", site)
        return cls({name: site for name, site in given.items() if name})

    def __len__(self) -> int:
        return len(self.given)

    def __iter__(self) -> Iterator[str]:
        return iter(self.given)

    def note(self, site: str | None, error: WpcomError) -> None:
        """Keep the error of a site; the error of the token, or of a request that concerns no site, is raised."""
        if site is None or error.code in _TOKEN_ERRORS:
            raise error
        self.errors.setdefault(site, error)

    def result(self, found: Mapping[str, Any], *, fail: bool) -> dict[str, Any]:
        """Return what was gathered with the errors of the sites. Raises WpcomError that holds both."""
        if not self.given:
            return dict(found)
        listed = [(site, self.errors[name]) for name, site in self.given.items() if name in self.errors]
        result = {
            **found,
            "site_errors": [
                {"site": site, "error": {"msg": error.message, **error.as_result()["error"]}} for site, error in listed
            ],
        }
        unreachable = len(listed) == len(self.given) and all(isinstance(error, ConnectError) for _site, error in listed)
        if listed and (fail or unreachable):
            raise _failure(listed, len(self.given), result)
        return result


def plan_connection_info(params: Mapping[str, Any], cache: Cache) -> Plan:
    """Return a plan that changes nothing and whose result is what was gathered. Raises WpcomError.

    Sites that could not be read are in ``site_errors``; where they are to fail the task, the error holds what the other
    sites gave.
    """
    _check(params)
    params = {**params, "service": valid_service(params["service"] or None)}
    sites = _Sites.of(params["site"] or [])
    _prefetch(params, sites, cache)
    gathered = sorted(params["gather"], key=lambda name: name != "keyring")
    found = {_RESULT_KEYS[name]: _GATHERERS[name](params, sites, cache) for name in gathered}
    in_order = {key: found[key] for name, key in _RESULT_KEYS.items() if name in gathered}
    return Plan(result=sites.result(in_order, fail=params["on_site_error"] == "fail"))


def _failure(listed: Sequence[tuple[str, WpcomError]], count: int, result: dict[str, Any]) -> WpcomError:
    """Return the error for the sites that could not be read, with what the other sites gave."""
    first = listed[0][1]
    message = first.message
    if count > 1:
        named = [f"{site}: {error.message.rstrip('.')}" for site, error in listed[:_SITES_IN_MESSAGE]]
        if len(listed) > _SITES_IN_MESSAGE:
            named.append(f"and {len(listed) - _SITES_IN_MESSAGE} more, see site_errors")
        message = f"{len(listed)} of {count} sites could not be read. {'; '.join(named)}."
    return WpcomError(
        message,
        **first.details,
        result=result,
    )


def _prefetch(params: Mapping[str, Any], sites: _Sites, cache: Cache) -> None:
    """Have everything be read in parallel; but a fresh test changes the status that other lists show, so it comes first."""
    fresh = bool(params["test"] or params["refetch_external_users"])
    gathers_publicize = "publicize" in params["gather"]
    first: list[Query[Any]] = []
    if "keyring" in params["gather"]:
        first = [*_keyring_queries(params, sites)]
    elif fresh:
        first = [*_keyring_queries(params, _Sites({}))]
    if first or (gathers_publicize and params["id"] is None):
        first.append(ListServices())
    then = _publicize_queries(params, sites) if gathers_publicize else []
    if fresh:
        prefetch(cache, *first)
        for query in first[:-1]:
            # That of a site is noted where it is gathered.
            if getattr(query, "site", None) is None:
                cache.read(query)
        first = []
    prefetch(cache, *first, *then)


def _check(params: Mapping[str, Any]) -> None:
    if not params["gather"]:
        raise OptionError(
            "gather is empty: set at least one of publicize, keyring, applications, services, sites, account."
        )
    check_set(params, numbers=("id", "user_id", "keyring_connection_id", "application_id"))
    check_parallel(params)
    for name, narrowed in _NARROWS.items():
        if params[name] and not set(narrowed) & set(params["gather"]):
            raise OptionError(f"{name} has no effect here: add {' or '.join(narrowed)} to gather, or omit {name}.")
    if params["id"] is not None and len(params["site"] or []) > 1:
        raise OptionError("id can be used with at most one site: a connection is on one site only.")
    if not 0 <= params["expiring_within"] <= _LONGEST_DAYS:
        raise OptionError(f"expiring_within must be from 0 to {_LONGEST_DAYS} days, got {params['expiring_within']}.")


def _publicize_connections(params: Mapping[str, Any], sites: _Sites, cache: Cache) -> list[Record]:
    found = _read_each(_publicize_queries(params, sites), sites, cache)
    if params["id"] is None:
        found = _judged_publicize(found, _keyring_queries_read(params, sites), sites, cache)
    user_id = params["user_id"]
    return _shown(
        params,
        [
            record
            for record in found
            if _matches(record, "service", params["service"])
            and _matches(record, "keyring_connection_id", params["keyring_connection_id"])
            # Not left to the server: a shared connection has the user 0, only the keyring connection tells its owner.
            and (user_id is None or user_id in (record.get("user_id"), record.get("keyring_connection_user_id")))
        ],
    )


def _publicize_queries(params: Mapping[str, Any], sites: _Sites) -> list[Query[Any]]:
    shown = _presentation(params, (*_NEEDED_FIELDS, *(_SITE_FIELDS if _selects_by_use(params, sites) else ())))
    service, keyring_connection_id = params["service"], params["keyring_connection_id"]
    if params["id"] is not None:
        return [GetPublicizeConnection(params["id"], next(iter(sites), None), shown)]
    if sites:
        return [ListSitePublicizeConnections(site, service, keyring_connection_id, shown) for site in sites]
    return [ListPublicizeConnections(service, keyring_connection_id, shown)]


def _keyring_queries(params: Mapping[str, Any], sites: _Sites) -> list[Query[Any]]:
    refetch, test = bool(params["refetch_external_users"]), bool(params["test"])
    shown = _presentation(params, _NEEDED_KEYRING_FIELDS)
    if params["keyring_connection_id"] is not None:
        return [GetKeyringConnection(params["keyring_connection_id"], refetch, test, shown)]
    if _selects_by_use(params, sites):
        shown = _presentation(params, (*_NEEDED_KEYRING_FIELDS, *_KEYRING_SITE_FIELDS))
        return [ListKeyringConnections(None, refetch, test, shown)]
    asked_sites: list[str | None] = [*sites] or [None]
    return [ListKeyringConnections(site, refetch, test, shown) for site in asked_sites]


def _selects_by_use(params: Mapping[str, Any], sites: _Sites) -> bool:
    """Whether the accounts of several sites are selected by what the sites use: one request, and not one for each site."""
    gathers_both = {"publicize", "keyring"} <= set(params["gather"])
    return len(sites) > 1 and gathers_both and params["keyring_connection_id"] is None


def _keyring_queries_read(params: Mapping[str, Any], sites: _Sites) -> list[Query[Any]]:
    """Return the queries for the accounts behind publicize connections: those that are made anyway, else the plain list."""
    if "keyring" in params["gather"]:
        return _keyring_queries(params, sites)
    if params["test"] or params["refetch_external_users"]:
        return _keyring_queries(params, _Sites({}))
    return [ListKeyringConnections()]


def _read_each(queries: Iterable[Query[Any]], sites: _Sites, cache: Cache) -> Records:
    """Return the records of all responses, each once: one keyring connection may serve several of the sites."""
    found: dict[Any, Record] = {}
    for query in queries:
        try:
            response = cache.read(query)
        except WpcomError as error:
            sites.note(getattr(query, "site", None), error)
            continue
        records = response if isinstance(response, list) else [response] if response else []
        found.update((record["id"], record) for record in records)
    return list(found.values())


def _services_read(cache: Cache) -> dict[Any, Record]:
    """Return the services by name, none where they cannot be read: they decide nothing but the health here."""
    try:
        return {service["id"]: service for service in cache.read(ListServices())}
    except WpcomError:
        return {}


def _judged_publicize(records: Records, keyring_queries: list[Query[Any]], sites: _Sites, cache: Cache) -> Records:
    """Return publicize connections with the health that their services give them."""
    services = _services_read(cache)
    profiles: dict[Any, frozenset[str]] = {}
    # Only where a service allows pages only does it matter which external user is the profile itself.
    on_pages = [record for record in records if (services.get(record.get("service")) or {}).get("external_users_only")]
    if on_pages:
        try:
            keyrings = _read_each(keyring_queries, sites, cache)
            behind = {record.get("keyring_connection_id") for record in on_pages if not record.get("read_only")}
            is_whole = any(
                isinstance(query, ListKeyringConnections) and query.site is None for query in keyring_queries
            )
            if not is_whole and not behind <= {keyring["id"] for keyring in keyrings}:
                # The list of a site may lack the account behind one of its connections.
                keyrings = cache.read(ListKeyringConnections())
            profiles = {keyring["id"]: profile_ids(keyring) for keyring in keyrings}
        except WpcomError:
            profiles = {}
    return [
        judged(
            record,
            services.get(record.get("service")),
            profiles.get(record.get("keyring_connection_id"), frozenset()),
        )
        for record in records
    ]


def _keyring_connections(params: Mapping[str, Any], sites: _Sites, cache: Cache) -> list[Record]:
    found = _read_each(_keyring_queries(params, sites), sites, cache)
    if _selects_by_use(params, sites):
        found = _used_on(params, sites, found, cache)
    services = _services_read(cache)
    return _shown(
        params,
        [
            judged(record, services.get(record.get("service")))
            for record in found
            if _matches(record, "service", params["service"])
        ],
    )


def _used_on(params: Mapping[str, Any], sites: _Sites, keyrings: Records, cache: Cache) -> Records:
    """Return the keyring connections that the sites use, in the order of the sites.

    They are known from the publicize connections of the sites, and from ``sites`` of the keyring connection, which also
    has the sites that use it without a publicize connection. Where one reads the list of a single site, the server selects
    them in the same way.
    """
    used: dict[str, set[Any]] = {}
    numbers: dict[str, Any] = {site: int(site) for site in sites if is_number(site)}
    for site, query in zip(sites, _publicize_queries(params, sites)):
        records = _read_each([query], sites, cache)
        used[site] = {record.get("keyring_connection_id") for record in records}
        numbers.update((site, record.get("site_id")) for record in records[:1])
    by_site: dict[Any, set[Any]] = {}
    for keyring in keyrings:
        for number in keyring.get("sites") or ():
            by_site.setdefault(number, set()).add(keyring["id"])
    unknown = [site for site in sites if site not in numbers and site not in sites.errors]
    if any(keyring.get("type") == "other" and keyring.get("sites") for keyring in keyrings) and unknown:
        numbers.update(_site_ids(unknown, sites, cache))
    places = {keyring["id"]: place for place, keyring in enumerate(keyrings)}
    selected: dict[Any, None] = {}
    for site in sites:
        both = used[site] | by_site.get(numbers.get(site), set())
        selected.update(dict.fromkeys(sorted(both & set(places), key=lambda number: places[number])))
    return [keyrings[places[number]] for number in selected]


def _connected_applications(params: Mapping[str, Any], sites: _Sites, cache: Cache) -> list[Record]:
    # Without fields: they would empty the list, so they are selected here.
    shown = _presentation({**params, "fields": None})
    if params["application_id"] is not None:
        one = cache.read(GetConnectedApplication(params["application_id"], shown))
        found = [one] if one else []
    else:
        found = cache.read(ListConnectedApplications(shown))
    return [_picked(params, record) for record in found]


def _services(params: Mapping[str, Any], sites: _Sites, cache: Cache) -> list[Record]:
    # The whole list is read for the health of connections anyway.
    fields = None if {"publicize", "keyring"} & set(params["gather"]) else params["fields"]
    shown = _presentation({**params, "fields": fields}, ("ID",))
    name = params["service"]
    if name is None:
        return [_picked(params, record) for record in cache.read(ListServices(shown))]
    one = cache.read(GetService(name, shown))
    return [_picked(params, one)] if one else []


def _sites(params: Mapping[str, Any], sites: _Sites, cache: Cache) -> list[Record]:
    asked = ListSites(_presentation(params, ("ID", "URL", "slug")))
    prefetch(cache, asked, *([] if all(map(is_number, sites)) else [FindSites()]))
    listed = cache.read(asked)
    if not sites:
        return [_picked(params, record) for record in listed]
    by_id = {record["id"]: record for record in listed}
    numbers = dict.fromkeys(_site_ids(sites, sites, cache).values())
    return [_picked(params, by_id[number]) for number in numbers if number in by_id]


def _site_ids(names: Iterable[str], sites: _Sites, cache: Cache) -> dict[str, int | None]:
    """Return the IDs of sites by their names, without those of sites that are unknown."""
    named = [name for name in names if not is_number(name)]
    if named:
        prefetch(cache, FindSites())
        prefetch(cache, *map(FindSite, named))
    numbers: dict[str, int | None] = {}
    for name in names:
        try:
            numbers[name] = site_id(name, cache)
        except WpcomError as error:
            sites.note(name, error)
    return numbers


def _account(params: Mapping[str, Any], sites: _Sites, cache: Cache) -> Record:
    needed = ("ID", "token_scope", "token_site_id")
    return _picked(params, cache.read(GetAccount(_presentation(params, needed))), needed[1:])


_RESULT_KEYS = {
    "publicize": "publicize_connections",
    "keyring": "keyring_connections",
    "applications": "connected_applications",
    "services": "services",
    "sites": "sites",
    "account": "account",
}
_GATHERERS: dict[str, Callable[[Mapping[str, Any], _Sites, Cache], Any]] = {
    "publicize": _publicize_connections,
    "keyring": _keyring_connections,
    "applications": _connected_applications,
    "services": _services,
    "sites": _sites,
    "account": _account,
}


def _matches(record: Record, key: str, desired: Any) -> bool:
    return desired is None or record.get(key) == desired


def _presentation(params: Mapping[str, Any], needed: tuple[str, ...] = ()) -> Presentation:
    """Return the query parameters that only shape the response."""
    shape = {"context": params["context"], "meta": ",".join(params["meta"] or [])}
    if params["fields"]:
        shape["fields"] = ",".join(dict.fromkeys((*needed, *map(_wire_name, params["fields"]))))
    return tuple((name, value) for name, value in shape.items() if value)


def _wire_name(field: str) -> str:
    """Return a field as the wire spells it, whether it was set so or as a result's key."""
    name = field.strip().lower()
    if name in _LOWER_ON_THE_WIRE:
        return name
    return "_".join(part.upper() if part in ("id", "url") else part for part in name.split("_"))


def _shown(params: Mapping[str, Any], records: list[Record]) -> list[Record]:
    unhealthy_only = params["unhealthy_only"]
    return [
        _picked(params, record, _ADDED_KEYS)
        for record in records
        if not unhealthy_only or record["health"] not in HEALTHY
    ]


def _picked(params: Mapping[str, Any], record: Record, always: tuple[str, ...] = ()) -> Record:
    """Return of a record what ``fields`` asks for, and what is added to every one."""
    if not params["fields"]:
        return record
    desired = {field.strip().lower() for field in params["fields"]} | set(always)
    return {key: value for key, value in record.items() if key in desired}
