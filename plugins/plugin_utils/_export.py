# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Pure translation of the existing connections into what the role social_connections declares.

How a connection is best named depends on the other ones. So each way to name it, the most readable first, is given to the
planner, and the first one that selects this connection and changes nothing is taken.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ansible_collections.community.wpcom.plugins.module_utils._api.hints import CONNECTIONS_PAGE, RECONNECT
from ansible_collections.community.wpcom.plugins.module_utils._cache.account_cache import AccountCache
from ansible_collections.community.wpcom.plugins.module_utils._cache.read_cache import ReadsNeeded
from ansible_collections.community.wpcom.plugins.module_utils._errors import WpcomError
from ansible_collections.community.wpcom.plugins.module_utils._operations import (
    FindAccount,
    FindSites,
    ListKeyringConnections,
    ListPublicizeConnections,
    ListServices,
)
from ansible_collections.community.wpcom.plugins.module_utils._options import publicize_connection_argument_spec
from ansible_collections.community.wpcom.plugins.module_utils._plan.desired import DesiredPublicizeConnection
from ansible_collections.community.wpcom.plugins.module_utils._plan.publicize import is_twin, plan_desired
from ansible_collections.community.wpcom.plugins.module_utils._plan.selection import is_own, only_user
from ansible_collections.community.wpcom.plugins.module_utils._plan.validation import valid_site
from ansible_collections.community.wpcom.plugins.module_utils._records.health import HEALTHY
from ansible_collections.community.wpcom.plugins.module_utils._records.names import (
    account_name,
    is_named,
    shown,
    sites_by_name,
)
from ansible_collections.community.wpcom.plugins.module_utils._records.record import Record, is_number

Options = dict[str, Any]

_DEFAULTS = {name: option.get("default") for name, option in publicize_connection_argument_spec().items()}


def social_connections(
    publicize_connections: Sequence[Record],
    keyring_connections: Sequence[Record],
    sites: Sequence[Record] = (),
    user_id: int | None = None,
) -> dict[str, Any]:
    """Return ``sites``, the input of the role, and ``notes`` for people.

    A note has the ``site``, the ``position`` of the connection in its list (None for the site as a whole), the ``kind``
    and the ``text``. Sites, connections and notes are in a fixed order.
    """
    return _Export(publicize_connections, keyring_connections, sites, user_id).result()


class _Export:
    def __init__(
        self,
        publicize_connections: Sequence[Record],
        keyring_connections: Sequence[Record],
        sites: Sequence[Record],
        user_id: int | None,
    ) -> None:
        # The list may show keyring connections of other users, too.
        self._me = user_id or only_user(keyring_connections)
        self._keyrings = {
            keyring["id"]: keyring
            for keyring in keyring_connections
            if self._me is None or keyring.get("user_id") in (None, 0, self._me)
        }
        self._sites = {site["id"]: site for site in sites}
        self._named_sites = sites_by_name(sites)
        self._own: dict[Any, list[Record]] = {}
        self._others: dict[Any, list[Record]] = {}
        self._beside: dict[Any, list[Record]] = {}
        # The same connection may have been read through its site as well.
        records = {record["id"]: record for record in reversed(publicize_connections)}.values()
        for record in sorted(records, key=self._order):
            whose = self._own if self._is_own(record) else self._others
            whose.setdefault(record["site_id"], []).append(record)
            self._beside.setdefault(_place(record), []).append(record)
        self._cache = AccountCache()
        self._cache.add(FindAccount(), {"id": self._me} if self._me else None)
        # The records have the health that their services give them already.
        self._cache.add(ListServices(), [])
        self._cache.add(FindSites(), list(sites))
        self._cache.add(ListKeyringConnections(), list(self._keyrings.values()))
        self._cache.add(ListPublicizeConnections(), [record for records in self._own.values() for record in records])

    def _is_own(self, record: Record) -> bool:
        owner = record.get("keyring_connection_user_id")
        if self._me is not None and owner:
            return not record.get("read_only") and bool(owner == self._me)
        return is_own(record, self._keyrings, lambda: self._me)

    def result(self) -> dict[str, Any]:
        """Return the sites and the notes."""
        sites: list[Record] = []
        notes: list[Record] = []
        # Sites without own connections have their notes last: they are not in the list.
        others = sorted(set(self._others) - set(self._own), key=self._site_order)
        for site_id in (*sorted(self._own, key=self._site_order), *others):
            site = self._site(site_id)
            name = shown((self._sites.get(site_id) or {}).get("name") or "").strip()
            if name:
                notes.append(_note(site, None, "name", f"{name} (site {site_id})"))
            notes += [_note(site, None, "other", self._other(record)) for record in self._others.get(site_id, ())]
            connections = []
            for position, record in enumerate(self._own.get(site_id, ())):
                options = self._options(record, site)
                notes += [_note(site, position, kind, text) for kind, text in self._remarks(record, options)]
                if record.get("shared") is not None:
                    options["shared"] = bool(record["shared"])
                connections.append(options)
            if connections:
                sites.append({"site": site, "connections": connections})
        return {"sites": sites, "notes": notes}

    # What exists

    def _order(self, record: Record) -> tuple[str, str, str, int]:
        keyring = self._keyrings.get(record.get("keyring_connection_id"))
        account = account_name(keyring).casefold() if keyring else ""
        return str(record.get("service")), account, account_name(record).casefold(), int(record["id"])

    def _site_order(self, site_id: Any) -> tuple[bool, str, int]:
        site = self._site(site_id)
        return is_number(site), "" if is_number(site) else site, int(site_id)

    def _site(self, site_id: Any) -> str:
        """Return the domain of a site where the option ``site`` accepts it and no other site has it; else the ID."""
        slug = (self._sites.get(site_id) or {}).get("slug")
        try:
            domain = valid_site(str(slug or ""))
        except WpcomError:
            domain = None
        bearer = self._named_sites.get(domain or "", {}).get("id")
        if domain and not is_number(domain) and _is_readable(domain) and bearer == site_id:
            return domain
        return str(site_id)

    # How a connection is named

    def _options(self, record: Record, site: str) -> Options:
        """Return the options that mean a connection and leave it as it is."""
        keyring = self._keyrings.get(record.get("keyring_connection_id"))
        for account in _accounts(keyring) if keyring else ():
            for user in self._external_users(record, keyring or {}):
                options = {**account, **user}
                if self._holds(options, record, site):
                    return options
        return {"id": record["id"]}

    def _external_users(self, record: Record, keyring: Record) -> Iterator[Options]:
        several = len(self._beside[_place(record)]) > 1
        beside: Options = {"unique_per": "external_user"} if several else {}
        external_id = record.get("external_id")
        if (external_id or None) == (keyring.get("external_id") or None):
            # The profile cannot be asked for where the service supports pages only.
            if not several or record.get("repair") != "choose_external_user":
                yield {"reset_external_user": True, **beside} if several else {}
            return
        users = [keyring, *(keyring.get("additional_external_users") or [])]
        for name in _names(record):
            if {user.get("external_id") for user in users if is_named(user, name)} == {external_id}:
                yield {"external_user_name": name, **beside}
        if _is_readable(external_id):
            yield {"external_user_id": external_id, **beside}

    def _holds(self, options: Options, record: Record, site: str) -> bool:
        """Whether the plan for the options selects this connection and changes nothing."""
        try:
            desired = DesiredPublicizeConnection.from_params({**_DEFAULTS, "site": site, **options})
            plan = plan_desired(desired, self._cache)
        except (WpcomError, ReadsNeeded):
            return False
        return not plan.operations and plan.existing is not None and bool(plan.existing["id"] == record["id"])

    # What people should know

    def _remarks(self, record: Record, options: Options) -> Iterator[tuple[str, str]]:
        keyring = self._keyrings.get(record.get("keyring_connection_id"))
        names = [account_name(keyring)] if keyring else []
        if not keyring or (record.get("external_id") or None) != (keyring.get("external_id") or None):
            names.append(account_name(record))
        if any(name not in options.values() for name in names):
            yield "name", f"{_label(record)}: {', '.join(names)}"
        if not keyring:
            yield "orphan", "the account is no longer connected to WordPress.com: delete this connection"
        on_site = (other for records in (self._own, self._others) for other in records.get(record["site_id"], ()))
        twins = sorted(other["id"] for other in on_site if other is not record and is_twin(record, other))
        if twins:
            rest = ", ".join(map(str, twins))
            yield (
                "duplicate",
                f"posts to the same external user as {rest} on this site: every post is shared more than once",
            )
        if record.get("health", "ok") not in HEALTHY:
            yield "health", _health(record)

    def _other(self, record: Record) -> str:
        owner = record.get("keyring_connection_user_id") or record.get("user_id")
        ownership = f"is owned by user {owner}" if owner else "is owned by another user"
        shared = ", shared with all users of the site" if record.get("shared") else ""
        health = f", {record['health']}" if record.get("health", "ok") not in HEALTHY else ""
        return f"{_label(record)}: {account_name(record)} (connection {record['id']}) {ownership}{shared}{health}"


def _accounts(keyring: Record) -> Iterator[Options]:
    service = keyring.get("service")
    for name in (*_names(keyring), keyring.get("external_id")):
        if service and _is_readable(name):
            yield {"service": str(service), "account": str(name)}
    yield {"keyring_connection_id": keyring["id"]}


def _names(record: Mapping[str, Any]) -> list[str]:
    """Return the names of an account or external user; the handle changes less often than the display name."""
    names = (record.get("external_name"), record.get("external_display"))
    return [str(name) for name in names if _is_readable(name)]


def _is_readable(name: Any) -> bool:
    """Whether a name can be written in a file and read."""
    return isinstance(name, str) and bool(name.strip()) and not any("\ud800" <= sign <= "\udfff" for sign in name)


def _label(record: Record) -> str:
    return str(record.get("label") or record.get("service") or "unknown service")


def _health(record: Record) -> str:
    # Without the URLs of the record: they differ in every response, and the export must not.
    actions = {
        "refresh": f"refresh it in a browser, at {CONNECTIONS_PAGE}",
        "choose_external_user": "no page was chosen, so nothing is posted: set external_user_id or external_user_name",
        "remove": "WordPress.com no longer supports the service: delete this connection",
        None: f"the status {record.get('status')!r} is not known: check it in a browser, at {CONNECTIONS_PAGE}",
    }
    action = actions.get(record.get("repair"), RECONNECT)
    state = (
        f"expires {record['expires']}" if record["health"] == "expiring" and record.get("expires") else record["health"]
    )
    return f"{state}: {action}"


def _place(record: Record) -> tuple[Any, Any]:
    return record["site_id"], record.get("keyring_connection_id")


def _note(site: str, position: int | None, kind: str, text: str) -> Record:
    return {"site": site, "position": position, "kind": kind, "text": text}
