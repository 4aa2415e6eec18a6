# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What an audit looks at: the records of accounts, and one row for each connection, account and application."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from .._api.hints import APPLICATIONS_PAGE, CONNECTIONS_PAGE
from .._plan.external_users import profile_ids
from .._plan.selection import is_own, only_user
from .._plan.validation import valid_site
from .._records.health import judged
from .._records.names import account_name, shown, sites_by_name
from .._records.record import Record, Records, clean, is_number

# Personal, and different in every response.
_PERSONAL = ("refresh_url", "connect_url")
# Line breaks and other control characters, and what changes the direction of the text around a name.
_UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
_DIRECTION = re.compile("[\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]")


def one_line(text: Any) -> str:
    """Return a text on one line; what other people typed cannot rearrange the text around it."""
    return " ".join(_UNPRINTABLE.sub(" ", _DIRECTION.sub("", str(clean(str(text))))).split())


def plain(text: Any) -> str:
    """Return a name of WordPress.com on one line, as people see it."""
    return one_line(shown(text))


def plain_name(record: Mapping[str, Any]) -> str:
    """Return the name that people know an account or an external user by."""
    return one_line(account_name(record)) or one_line(record.get("external_id") or "") or "unnamed account"


def connections_page(slug: str | None = None) -> str:
    """Return the page on which the connections of a site, or of all sites, are managed."""
    return f"{CONNECTIONS_PAGE}/{quote(slug, safe=':')}" if slug else CONNECTIONS_PAGE


def impersonal(records: Iterable[Mapping[str, Any]]) -> Records:
    """Return records without the URLs that are personal."""
    return [{key: value for key, value in record.items() if key not in _PERSONAL} for record in records]


@dataclass(frozen=True)
class AccountRecords:
    """What was gathered of one WordPress.com account, as ``wpcom_connection_info`` returns it.

    ``name`` is what the account is called, its user name where it is None. ``other_connections`` are the connections on its
    sites, those of other users among them. ``site_ids`` restricts the audit to sites, None for all.
    """

    name: str | None = None
    publicize_connections: Sequence[Record] = ()
    keyring_connections: Sequence[Record] = ()
    services: Sequence[Record] = ()
    sites: Sequence[Record] = ()
    connected_applications: Sequence[Record] = ()
    account: Record | None = None
    other_connections: Sequence[Record] = ()
    site_ids: frozenset[int] | None = None


@dataclass(frozen=True)
class Site:
    """A site: its ID, its name, and its domain, None where it is not known."""

    id: int
    slug: str | None
    name: str

    @property
    def label(self) -> str:
        """Return how texts name it."""
        return self.slug or str(self.id)

    @property
    def url(self) -> str:
        """Return the page on which its connections are managed."""
        return connections_page(self.slug or str(self.id))


@dataclass(frozen=True)
class Row:
    """A publicize connection. ``owner`` is the account that owns it, in words where it is none of those that were gathered."""

    record: Record
    site: Site
    account: str
    owner: str
    mine: bool
    keyring: Record | None
    label: str

    @property
    def name(self) -> str:
        """Return the page or account that it posts to."""
        return plain_name(self.record)

    @property
    def account_name(self) -> str:
        """Return the account at the service that it posts with."""
        return plain_name(self.keyring or self.record)

    @property
    def what(self) -> str:
        """Return how texts name it."""
        of = f" (account {self.account_name})" if self.account_name != self.name else ""
        return f"{self.label} {self.name}{of}"

    @property
    def place(self) -> tuple[Any, ...]:
        """Return where it posts to."""
        return self.site.id, self.record.get("service"), self.record.get("external_id")

    @property
    def subject(self) -> Record:
        """Return the ``connection`` of a finding about it."""
        return subject("publicize", self.record, self.account, self.label, self.name, self.site)

    def as_record(self) -> Record:
        """Return it as files have it."""
        return {
            "id": self.record["id"],
            "site_id": self.site.id,
            "site": self.site.label,
            "account": self.account,
            "owner": self.owner,
            "service": self.record.get("service"),
            "label": self.label,
            "name": self.name,
            "account_name": self.account_name,
            "keyring_connection_id": self.record.get("keyring_connection_id"),
            "shared": self.record.get("shared"),
            "status": self.record.get("status"),
            "health": self.record["health"],
            "repair": self.record.get("repair"),
            "expires": self.record.get("expires"),
            "url": self.site.url,
        }


def subject(
    kind: str, record: Mapping[str, Any], account: str, label: str | None, name: str, site: Site | None
) -> Record:
    """Return the ``connection`` of a finding."""
    return {
        "id": record.get("id"),
        "type": kind,
        "account": account,
        "site_id": site.id if site else None,
        "service": record.get("service"),
        "label": label,
        "name": name,
        "url": APPLICATIONS_PAGE if kind == "application" else site.url if site else connections_page(),
    }


@dataclass
class Account:
    """The records of an account by what they are looked up by, each with the health that its service gives it."""

    records: AccountRecords
    name: str = ""
    me: int | None = None
    labels: dict[Any, str] = field(default_factory=dict)
    sites: dict[Any, Site] = field(default_factory=dict)
    keyrings: dict[Any, Record] = field(default_factory=dict)
    own: Records = field(default_factory=list)
    others: Records = field(default_factory=list)

    @classmethod
    def of(cls, records: AccountRecords) -> Account:
        """Return the account."""
        me = (records.account or {}).get("id") or only_user(records.keyring_connections)
        name = one_line(
            records.name or (records.account or {}).get("username") or (f"user {me}" if me else "unknown user")
        )
        account = cls(records, name, me)
        services = {service["id"]: service for service in impersonal(records.services)}
        account.labels = {key: plain(service.get("label") or key) for key, service in services.items()}
        account.sites = {
            site["id"]: Site(site["id"], plain(site.get("slug") or "") or None, plain(site.get("name") or ""))
            for site in records.sites
        }
        keyrings = [judged(one, services.get(one.get("service"))) for one in impersonal(records.keyring_connections)]
        account.keyrings = {one["id"]: one for one in keyrings if me is None or one.get("user_id") in (None, 0, me)}
        profiles = {one["id"]: profile_ids(one) for one in keyrings}
        # Read with the site a record shows more than in the list of the account, never less.
        found = {one["id"]: one for one in impersonal((*records.other_connections, *records.publicize_connections))}
        for _number, record in sorted(found.items()):
            service = services.get(record.get("service"))
            record = judged(record, service, profiles.get(record.get("keyring_connection_id"), frozenset()))
            (account.own if account._is_own(record) else account.others).append(record)
        return account

    def _is_own(self, record: Record) -> bool:
        owner = record.get("keyring_connection_user_id")
        if self.me is not None and owner:
            return not record.get("read_only") and bool(owner == self.me)
        return is_own(record, self.keyrings, lambda: self.me)

    def includes(self, site_id: Any) -> bool:
        """Whether a site is looked at in this account."""
        return self.records.site_ids is None or site_id in self.records.site_ids

    def site(self, site_id: Any) -> Site:
        """Return a site, also one that is not among the user's."""
        return self.sites.get(site_id) or Site(site_id, None, "")

    def label(self, record: Mapping[str, Any]) -> str:
        """Return the display name of the service of a record."""
        service = record.get("service")
        return self.labels.get(service) or plain(record.get("label") or service or "unknown service")


def rows(accounts: Sequence[Account], includes: Any) -> list[Row]:
    """Return the publicize connections of all accounts, each once, as its owner sees it where that is one of them."""
    names: dict[Any, str] = {account.me: account.name for account in accounts if account.me}
    found: dict[Any, Row] = {}
    for account in accounts:
        for mine, records in ((True, account.own), (False, account.others)):
            for record in records:
                site_id = record.get("site_id")
                if not account.includes(site_id) or not includes(site_id):
                    continue
                owner = record.get("keyring_connection_user_id") or record.get("user_id")
                row = Row(
                    record=record,
                    site=account.site(site_id),
                    account=account.name,
                    owner=account.name if mine else names.get(owner) or (f"user {owner}" if owner else "another user"),
                    mine=mine,
                    keyring=account.keyrings.get(record.get("keyring_connection_id")),
                    label=account.label(record),
                )
                known = found.get(record["id"])
                if known is None or (mine and not known.mine) or (mine == known.mine and row.account < known.account):
                    found[record["id"]] = row
    return [row for _number, row in sorted(found.items())]


def site_ids(accounts: Sequence[AccountRecords], sites: Sequence[str] | None) -> tuple[frozenset[int], list[str]]:
    """Return the IDs of the sites that are named, of all where none are, and the names that no site has. Raises OptionError."""
    listed = {site["id"]: site for account in accounts for site in account.sites}
    known = {record.get("site_id") for account in accounts for record in account.publicize_connections} | set(listed)
    if sites is None:
        return frozenset(int(number) for number in known if number), []
    named = sites_by_name(listed.values())
    found: set[int] = set()
    unknown = []
    for site in sites:
        name = valid_site(site) or ""
        if name in named:
            found.add(named[name]["id"])
        elif is_number(name) and int(name) in known:
            found.add(int(name))
        else:
            unknown.append(site)
    return frozenset(found), unknown
