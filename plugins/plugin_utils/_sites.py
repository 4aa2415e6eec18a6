# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The sites of one or several accounts, and the variables that each has as a host."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from ansible_collections.community.wpcom.plugins.module_utils._errors import OptionError, WpcomError
from ansible_collections.community.wpcom.plugins.module_utils._operations import (
    FindAccount,
    ListPublicizeConnections,
    ListSites,
    Query,
)
from ansible_collections.community.wpcom.plugins.module_utils._options import ConnectionOptions
from ansible_collections.community.wpcom.plugins.module_utils._parallel import for_each
from ansible_collections.community.wpcom.plugins.module_utils._records.names import account_name, shown
from ansible_collections.community.wpcom.plugins.module_utils._records.record import Record, Records
from ansible_collections.community.wpcom.plugins.module_utils._version import VERSION
from ansible_collections.community.wpcom.plugins.plugin_utils._plugin_session import (
    connection_options,
    reading_session,
)

# Whole sites are large, and there may be thousands.
_SITE_FIELDS = (("fields", "ID,URL,slug,name,jetpack,is_private,is_deleted,plan,capabilities"),)
_CONNECTION_FIELDS = (
    (
        "fields",
        "ID,site_ID,service,keyring_connection_ID,external_ID,external_name,external_display,shared,status,expires",
    ),
)
# What a host shows of a connection: neither the personal URLs nor what changes all the time.
_CONNECTION_KEYS = (
    "id",
    "service",
    "keyring_connection_id",
    "external_id",
    "external_name",
    "external_display",
    "shared",
    "status",
    "expires",
    "health",
    "repair",
)
_WORST_FIRST = ("broken", "expiring", "unknown", "untested", "ok")
_ACCOUNT_KEYS = ("name", "api_token", "api_token_file")
_PARALLEL_ACCOUNTS = 8


@dataclass(frozen=True)
class Selection:
    """Which sites are listed, and whether their publicize connections are, too."""

    visibility: str
    activity: str
    connections: bool


@dataclass(frozen=True)
class Account:
    """A WordPress.com account; ``label`` is how messages name it, empty where there is only one.

    Without ``name`` its user name is read.
    """

    label: str
    options: ConnectionOptions = field(repr=False)
    name: str | None = None

    def error(self, problem: str) -> OptionError:
        """Return an error that says which account it is."""
        return OptionError(f"{self.label}: {problem}" if self.label else problem)


def configured_accounts(given: Any, params: Mapping[str, Any]) -> list[Account]:
    """Return the accounts of the option ``accounts``, or where it is not set the one of the connection options.

    Raises OptionError, which names the entry.
    """
    if given is None:
        return [Account("", connection_options(params))]
    own = [name for name in ("api_token", "api_token_file") if params[name]]
    if own:
        raise OptionError(f"accounts and {own[0]} are mutually exclusive: set {own[0]} in the entries of accounts.")
    if not isinstance(given, list) or not given:
        raise OptionError("accounts must be a list with at least one entry of name, and api_token or api_token_file.")
    return [_account(entry, f"accounts[{index}]", params) for index, entry in enumerate(given)]


def fingerprint(accounts: Iterable[Account], selection: Selection) -> str:
    """Return a digest of everything that the listed sites depend on, so that no other cached list is used for them."""
    parts: list[Any] = [VERSION, asdict(selection)]
    for account in accounts:
        options = {key.name: getattr(account.options, key.name) for key in fields(account.options)}
        # The token of the file is among them.
        parts.append([account.name, {key: value for key, value in options.items() if key != "token_file"}])
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:32]


def list_sites(accounts: Sequence[Account], selection: Selection) -> tuple[Record, list[str]]:
    """Return ``accounts``, the names, and ``sites``, the host variables of the sites by account, and warnings.

    The requests for each account are GET /me/sites, with connections GET /me/publicize-connections/, and without a name
    GET /me. Raises OptionError, which names every account that cannot be read.
    """

    def read(account: Account) -> tuple[str | None, list[Record], list[str]] | WpcomError:
        try:
            return _read(account, selection)
        except WpcomError as error:
            return account.error(f"{error.message}")

    results = for_each(read, accounts, _PARALLEL_ACCOUNTS)
    errors = [result.message for result in results if isinstance(result, WpcomError)]
    if errors:
        raise OptionError("\n".join(errors))
    read_accounts = [result for result in results if not isinstance(result, WpcomError)]
    check_names([(account.label, name) for account, (name, _sites, _warnings) in zip(accounts, read_accounts)])
    warnings = [warning for _name, _sites, warnings in read_accounts for warning in warnings]
    listed = {
        "accounts": [name for name, _sites, _warnings in read_accounts],
        "sites": [site for _name, sites, _warnings in read_accounts for site in sites],
    }
    return listed, warnings


def is_listed(cached: Any) -> bool:
    """Whether what a cache has is what ``list_sites`` returns."""
    names, sites = (cached.get(key) if isinstance(cached, Mapping) else None for key in ("accounts", "sites"))
    needed = set(site_variables({"id": 0}, None, None))
    return (
        isinstance(names, list)
        and isinstance(sites, list)
        and all(isinstance(site, Mapping) and needed <= set(site) for site in sites)
    )


def check_names(names: Iterable[tuple[str, str | None]]) -> None:
    """Refuse two accounts, each a label and a name, whose groups would be the same. Raises OptionError."""
    seen: dict[str, str] = {}
    for label, name in names:
        group = "" if name is None else group_name(name)
        if group and group in seen:
            raise OptionError(f"{label}: {seen[group]} has the same name, or the same group {group}: change its name.")
        seen[group] = label


def group_name(account: str) -> str:
    """Return the group of an account: its name with ``_`` for all that a group must not have in its name."""
    return "wpcom_account_" + "".join(char if char.isalnum() or char == "_" else "_" for char in account)


def site_variables(site: Record, account: str | None, connections: Records | None) -> Record:
    """Return the host variables of a site; ``connections`` are those on it, None where they are not read."""
    plan, capabilities = site.get("plan"), site.get("capabilities")
    variables: Record = {
        "wpcom_site_id": site["id"],
        "wpcom_slug": site.get("slug") or None,
        "wpcom_url": site.get("url") or None,
        "wpcom_name": shown(site.get("name") or ""),
        "wpcom_jetpack": bool(site.get("jetpack")),
        "wpcom_private": bool(site.get("is_private")),
        # PHP sends an empty list for an empty object.
        "wpcom_plan": (plan.get("product_slug") or None) if isinstance(plan, dict) else None,
        "wpcom_capabilities": capabilities if isinstance(capabilities, dict) else {},
        "wpcom_account": account,
    }
    if connections is not None:
        health = {connection["health"] for connection in connections}
        variables["wpcom_connections"] = [
            {"account": account_name(connection), **{key: connection.get(key) for key in _CONNECTION_KEYS}}
            for connection in connections
        ]
        variables["wpcom_health"] = next((state for state in _WORST_FIRST if state in health), None)
    return variables


def _account(entry: Any, label: str, params: Mapping[str, Any]) -> Account:
    if not isinstance(entry, Mapping):
        raise OptionError(f"{label} must be a mapping with name, and api_token or api_token_file.")
    unknown = [str(key) for key in entry if key not in _ACCOUNT_KEYS]
    if unknown:
        raise OptionError(f"{label} has the unknown key {unknown[0]!r}. Supported keys: {', '.join(_ACCOUNT_KEYS)}.")
    for key in _ACCOUNT_KEYS:
        if isinstance(entry.get(key), (Mapping, list)):
            raise OptionError(f"{label}: {key} must be a string.")
    values = {key: str(entry[key]) if entry.get(key) not in (None, "") else None for key in _ACCOUNT_KEYS}
    name = values["name"]
    if name is not None:
        label = f"{label} ({name})"
    tokens = {key: values[key] for key in _ACCOUNT_KEYS[1:]}
    if not any(tokens.values()):
        # An environment variable would be the token of every account.
        raise OptionError(f"{label}: one of the following is required: api_token, api_token_file.")
    try:
        return Account(label, connection_options({**params, **tokens}), name)
    except WpcomError as error:
        raise OptionError(f"{label}: {error.message}") from None


def _read(account: Account, selection: Selection) -> tuple[str | None, list[Record], list[str]]:
    queries: list[Query[Any]] = [ListSites(_SITE_FIELDS, selection.visibility, selection.activity)]
    if selection.connections:
        queries.append(ListPublicizeConnections(presentation=_CONNECTION_FIELDS))
    if account.name is None:
        queries.append(FindAccount())
    with reading_session(account.options, parallel=len(queries)) as session:
        responses = session.fetch_all(queries)
        warnings = session.warnings
    for response in responses:
        if isinstance(response, WpcomError):
            raise response
    name = account.name
    if name is None:
        user = responses.pop()
        name = str(user.get("username") or "") or None if user else None
        if name is None and account.label:
            raise OptionError("the user name cannot be read: set name, or use a token with the scope users or global.")
    by_site: dict[int, Records] | None = None
    if selection.connections:
        by_site = {}
        for connection in responses.pop():
            by_site.setdefault(connection.get("site_id") or 0, []).append(connection)
    sites = {site["id"]: site for site in responses.pop() if not site.get("is_deleted")}
    listed = [
        site_variables(site, name, None if by_site is None else by_site.get(number, []))
        for number, site in sites.items()
    ]
    return name, listed, [f"{account.label}: {warning}" if account.label else warning for warning in warnings]
