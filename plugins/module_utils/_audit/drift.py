# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Drift: what the role social_connections would change, found by the plan that it would apply."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from .._cache.account_cache import AccountCache
from .._cache.evaluate import evaluate
from .._errors import MissingError, OptionError, WpcomError
from .._operations import (
    FindAccount,
    FindSites,
    ListKeyringConnections,
    ListPublicizeConnections,
    ListServices,
    ListSitePublicizeConnections,
    Query,
)
from .._plan.bulk import Wrong, plan_entries, unlisted
from .._plan.bulk_order import Entry
from .._plan.desired import DesiredPublicizeConnection
from .._plan.publicize import plan_desired
from .._plan.validation import valid_site
from .._records.names import sites_by_name
from .._records.record import Record, is_number
from .policy import Finding, Policy
from .subjects import Account, Site, impersonal, one_line, plain_name, subject

APPLY = "Apply the declared state, with the role social_connections."


@dataclass(frozen=True)
class Drift:
    """A difference from the declared state; ``changes`` are (key, existing value, declared value), None for absent."""

    finding: Finding
    changes: tuple[tuple[str, Any, Any], ...] = ()


def drift(accounts: Sequence[Account], policy: Policy, expected: Sequence[Mapping[str, Any]]) -> list[Drift]:
    """Return how the connections differ from the declared ones. Raises OptionError for a wrong entry.

    An entry belongs to the account that has its site. Where several have it, it is enough that it holds in one of them. As
    with ``purge: listed`` of the role, connections that are not declared count on the sites that the list names only.
    """
    check_expected(expected)
    worlds = [_World(account, policy) for account in accounts]
    for world in worlds:
        world.plan(expected)
    found = [_best(position, params, worlds) for position, params in enumerate(expected)]
    named = {number for world in worlds for number in world.named}
    return [
        *(difference for differences in found for difference in differences),
        *(difference for world in worlds for difference in world.undeclared(named)),
    ]


def check_expected(expected: Sequence[Mapping[str, Any]]) -> None:
    """Refuse entries that no account could satisfy. Raises OptionError that names the first wrong one."""
    for position, params in enumerate(expected):
        try:
            if not params["site"]:
                raise OptionError("site is required: set it to the ID or domain of the site.")
            DesiredPublicizeConnection.from_params(params)
        except OptionError as error:
            raise OptionError(f"expected: connection {position} on site {params['site']}: {error.message}") from None


def _best(position: int, params: Mapping[str, Any], worlds: Sequence[_World]) -> list[Drift]:
    """Return the difference in the account in which an entry is closest to what is declared."""
    found = sorted(
        ((rank, world.account.name, differences) for world in worlds for rank, differences in world.at(position)),
        key=lambda one: one[:2],
    )
    if found:
        return found[0][2]
    if any(world.leaves_out(params) for world in worlds):
        return []
    site = one_line(params["site"])
    about = subject(
        "publicize", {"service": params["service"]}, worlds[0].account.name if worlds else "", None, "", None
    )
    about["label"] = _label(worlds[0].account, params) if worlds else one_line(params["service"] or "Connection")
    return [
        Drift(
            Finding(
                "missing",
                site,
                {**about, "name": _declared_name(params)},
                f"{_declared(params, about['label'])} is declared for {site}, but none of the accounts has a site {site}.",
                "Correct the site in the declared state, or use a token of a user of this site.",
                position,
            )
        )
    ]


class _World:
    """An account as a plan reads it, without I/O: what was not gathered does not exist."""

    def __init__(self, account: Account, policy: Policy) -> None:
        self.account = account
        self._policy = policy
        self._names = sites_by_name(account.records.sites)
        self._entries: dict[int, Entry] = {}
        self._wrong: dict[int, Wrong] = {}
        self._sites: set[int] = set()
        self.named: set[int] = set()
        self._cache = AccountCache()
        self._cache.add(FindAccount(), {"id": account.me} if account.me else None)
        self._cache.add(ListServices(), impersonal(account.records.services))
        self._cache.add(FindSites(), list(account.records.sites))
        self._cache.add(ListKeyringConnections(), list(account.keyrings.values()))
        self._cache.add(ListPublicizeConnections(), account.own)

    def plan(self, expected: Sequence[Mapping[str, Any]]) -> None:
        """Plan the entries whose site is one of this account and is looked at."""
        here = {position: params for position, params in enumerate(expected) if self._includes(self._site_id(params))}
        positions = list(here)
        planned, wrong = evaluate(lambda cache: plan_entries(list(here.values()), cache), self._cache, self._responses)
        self._entries = {positions[index]: entry for index, entry in planned.items()}
        self._wrong = {positions[index]: (positions[index], label, error) for index, label, error in wrong}
        self._expected = expected
        self._sites = {number for number in map(self._site_id, here.values()) if number is not None}
        self.named = {entry.plan.existing["id"] for entry in planned.values() if entry.plan.existing is not None}
        for _index, _label, error in wrong:
            self.named |= {one["id"] for one in error.result.get("candidates", ()) if "site_id" in one}
        for position in self._wrong:
            existing = self._existing(expected[position])
            self.named |= {existing["id"]} if existing else set()

    def _site_id(self, params: Mapping[str, Any]) -> int | None:
        name = valid_site(params["site"]) or ""
        found = self._names.get(name)
        if found is not None:
            return int(found["id"])
        # Not listed among the sites, but a connection of the account is on it.
        known = {record.get("site_id") for record in self.account.own}
        return int(name) if is_number(name) and int(name) in known else None

    def _includes(self, site_id: int | None) -> bool:
        return site_id is not None and self.account.includes(site_id) and self._policy.includes(site_id)

    def leaves_out(self, params: Mapping[str, Any]) -> bool:
        """Whether the site of an entry is one of this account that is not looked at."""
        site_id = self._site_id(params)
        return site_id is not None and not self._includes(site_id)

    def _responses(self, queries: Sequence[Query[Any]]) -> list[Any]:
        return [self._response(query) for query in queries]

    def _response(self, query: Query[Any]) -> Any:
        if not isinstance(query, ListSitePublicizeConnections):
            # An account after its external users were fetched again: what is known of it already is all there is.
            return None
        known = [*self.account.own, *self.account.others]
        return [one for one in known if str(one.get("site_id")) == query.site]

    def at(self, position: int) -> Iterator[tuple[int, list[Drift]]]:
        """Yield how an entry differs in this account, and how much: 0 not at all, 1 it exists, 2 it does not."""
        entry, params = self._entries.get(position), self._expected[position]
        wrong = self._wrong.get(position)
        if wrong is not None:
            existing = self._existing(params)
            code = "different" if existing or wrong[2].result.get("candidates") else "missing"
            yield (1 if code == "different" else 2), [self._impossible(position, params, code, existing, wrong[2])]
        elif entry is not None and entry.action == "unchanged":
            yield 0, []
        elif entry is not None and entry.action == "created":
            yield 2, [self._missing(position, params, entry)]
        elif entry is not None and entry.plan.existing is not None:
            yield 1, [self._changed(position, entry, entry.plan.existing)]

    def _existing(self, params: Mapping[str, Any]) -> Record | None:
        """Return the connection that an entry selects although the plan for it is not possible."""
        weaker = replace(
            DesiredPublicizeConnection.from_params(params),
            shared=None,
            external_user_id=None,
            external_user_name=None,
            reset_external_user=False,
        )
        if weaker.unique_per == "external_user":
            return None
        try:
            plan = evaluate(lambda cache: plan_desired(weaker, cache, alone=False), self._cache, self._responses)
        except WpcomError:
            return None
        return plan.existing

    def _site(self, params: Mapping[str, Any]) -> Site:
        return self.account.site(self._site_id(params))

    def _about(self, record: Mapping[str, Any], name: str, site: Site) -> Record:
        return subject("publicize", record, self.account.name, self.account.label(record), name, site)

    def _missing(self, position: int, params: Mapping[str, Any], entry: Entry) -> Drift:
        record, site = entry.record or {}, self._site(params)
        about = self._about(record, plain_name(record), site)
        text = f"{about['label']} {about['name']} is declared for {site.label}, but is not connected."
        keyring = entry.keyring or {}
        declared = (
            ("service", None, record.get("service")),
            ("account", None, plain_name(keyring)),
            ("external_user", None, plain_name(record)),
            *((("shared", None, record.get("shared")),) if params["shared"] is not None else ()),
        )
        return Drift(Finding("missing", site.label, about, text, APPLY, position), declared)

    def _impossible(
        self, position: int, params: Mapping[str, Any], code: str, existing: Record | None, error: WpcomError
    ) -> Drift:
        site = self._site(params)
        record: Mapping[str, Any] = existing or {"service": params["service"]}
        about = self._about(record, plain_name(existing) if existing else _declared_name(params), site)
        if existing is None:
            about["label"] = _label(self.account, params)
        declared = f"{_declared(params, about['label'])} is declared for {site.label}"
        if isinstance(error, MissingError) and error.code == "missing_keyring_connection":
            text = f"{declared}, but the account is not connected to WordPress.com."
            action = f"Log in to WordPress.com as {self.account.name}, and connect the account on the connections page."
        else:
            verb = "cannot be compared" if code == "different" else "is not connected"
            text = f"{declared}, but {verb}: {one_line(error.message)}"
            action = "Correct the declared state, or what it is compared with."
        return Drift(Finding(code, site.label, about, text, action, position))

    def _changed(self, position: int, entry: Entry, existing: Record) -> Drift:
        site, after = self.account.site(existing.get("site_id")), entry.record
        about = self._about(existing, plain_name(existing), site)
        what = f"{about['label']} {about['name']} on {site.label}"
        if after is None:
            text = f"{what} exists, but is declared absent."
            return Drift(Finding("undeclared", site.label, about, text, APPLY), _all_of(existing))
        changes: list[tuple[str, Any, Any]] = []
        if existing.get("external_id") != after.get("external_id"):
            changes.append(("external_user", plain_name(existing), plain_name(after)))
        if existing.get("shared") != after.get("shared"):
            changes.append(("shared", existing.get("shared"), after.get("shared")))
        words = " and ".join(_difference(*change) for change in changes)
        text = f"{what} differs from the declared state: it {words}."
        return Drift(Finding("different", site.label, about, text, APPLY), tuple(changes))

    def undeclared(self, named: set[int]) -> Iterator[Drift]:
        """Yield the connections on the sites of the list that no entry names."""
        for record in unlisted(named, self._sites, self._cache):
            site = self.account.site(record.get("site_id"))
            about = self._about(record, plain_name(record), site)
            text = f"{about['label']} {about['name']} on {site.label} is not declared."
            action = "Add the connection to the declared state, or delete it."
            finding = Finding("undeclared", site.label, about, text, action)
            yield Drift(finding, _all_of(record))


def _all_of(record: Mapping[str, Any]) -> tuple[tuple[str, Any, Any], ...]:
    """Return the changes by which a connection becomes absent."""
    return (
        ("service", record.get("service"), None),
        ("external_user", plain_name(record), None),
        ("shared", record.get("shared"), None),
    )


def _difference(key: str, existing: Any, declared: Any) -> str:
    if key == "shared":
        return "is shared, and must not be" if existing else "is not shared, and must be"
    return f"posts to {existing}, and must post to {declared}"


def _declared_name(params: Mapping[str, Any]) -> str:
    """Return the most exact name that an entry has for its connection."""
    for key in ("external_user_name", "external_user_id", "account", "keyring_connection_id", "id"):
        if params[key] is not None:
            return one_line(params[key])
    return ""


def _label(account: Account, params: Mapping[str, Any]) -> str:
    """Return what an entry declares: a service by its display name, or where it names none, a connection."""
    return account.label({"service": params["service"]}) if params["service"] else "Connection"


def _declared(params: Mapping[str, Any], label: str) -> str:
    return f"{label} {_declared_name(params)}".rstrip()
