# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Planning of one keyring connection: it exists, or it is deleted with the publicize connections that use it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .._api.hints import CONNECTIONS_PAGE
from .._cache.read_cache import Cache, prefetch
from .._errors import MissingError, NotAllowedError
from .._operations import DeleteKeyringConnection, FindAccount, GetKeyringConnection, ListPublicizeConnections
from .._records.names import describe
from .._records.record import Record, Records, diff_view
from .health_warning import health_warning
from .plan import Diff, Plan
from .selection import another_users, select_keyring_connection
from .validation import check_set, valid_service


def plan_keyring_connection(params: Mapping[str, Any], cache: Cache) -> Plan:
    """Return the plan for the options of ``wpcom_keyring_connection``. Raises WpcomError."""
    check_set(params, numbers=("id",), texts=("service", "account"))
    existing = _existing(params, cache)
    if params["state"] == "absent":
        return _plan_absent(existing, cache, cascade=params["cascade"])
    if existing is None:
        raise MissingError(
            f"Keyring connection {params['id']} not found among yours. It cannot be created through the API: log in to "
            f"WordPress.com and open {CONNECTIONS_PAGE} in a browser. With service instead of id, this message has the "
            "exact URL to open.",
            code="missing_keyring_connection",
        )
    view = diff_view(existing)
    return Plan(
        result={"connection": existing},
        diff=Diff(view, view, f"keyring connection {describe(existing)}"),
        warnings=health_warning("keyring connection", existing),
    )


def _existing(params: Mapping[str, Any], cache: Cache) -> Record | None:
    # The test is requested with the read itself, so that it costs no further request.
    test = bool(params["test"])
    if params["id"] is not None:
        found = GetKeyringConnection(params["id"], test=test)
        prefetch(cache, found, FindAccount())
        keyring = cache.read(found)
        if keyring is not None and keyring.get("user_id"):
            _check_own(keyring, cache)
        return keyring
    return select_keyring_connection(
        cache,
        keyring_connection_id=None,
        service=valid_service(params["service"]),
        account=params["account"],
        must_exist=params["state"] == "present",
        test=test,
    )


def _check_own(keyring: Record, cache: Cache) -> None:
    account = cache.read(FindAccount())
    if account is not None and keyring["user_id"] != account["id"]:
        raise another_users("Keyring connection", keyring, keyring["user_id"], connection=keyring)


def _plan_absent(existing: Record | None, cache: Cache, *, cascade: bool) -> Plan:
    if existing is None:
        return Plan(result={"connection": None, "publicize_connections": []}, diff=Diff({}, {}, "keyring connection"))
    dependents = cache.read(ListPublicizeConnections(keyring_connection_id=existing["id"]))
    # A token that is bound to one site sees the connections there only, but the deletion reaches all sites.
    missing = set(existing.get("sites") or []) - {record.get("site_id") for record in dependents}
    # The API may send texts among the numbers, which cannot be compared.
    unseen = sorted(missing, key=lambda site: (isinstance(site, str), site))
    if (dependents or unseen) and not cascade:
        raise NotAllowedError(
            f"{_consequences(existing, dependents, unseen)} Nothing was deleted. Set cascade to true to delete it.",
            code="cascade_needed",
            result={"connection": existing, "publicize_connections": dependents},
        )
    warnings = tuple(
        f"Keyring connection {describe(existing)}, which is deleted, is in use on site {site}."
        if existing.get("type") == "other"
        else f"Deleting keyring connection {describe(existing)} deletes its publicize connections on site {site}, too, which "
        "this token does not show."
        for site in unseen
    )
    before = {**diff_view(existing), "publicize_connections": [diff_view(record) for record in dependents]}
    return Plan(
        result={"connection": None, "publicize_connections": dependents},
        diff=Diff(before, {}, f"keyring connection {describe(existing)}"),
        operations=(DeleteKeyringConnection(existing["id"]),),
        warnings=warnings,
    )


def _consequences(keyring: Record, dependents: Records, unseen: Sequence[Any]) -> str:
    """Return what a deletion of a keyring connection takes with it."""
    if keyring.get("type") == "other":
        sites = ", ".join(map(str, unseen))
        return f"Keyring connection {describe(keyring)} is in use on site {sites}, where the deletion takes effect."
    listed = [describe(record) for record in dependents] + [f"one or more on site {site}" for site in unseen]
    return (
        f"Deleting keyring connection {describe(keyring)} would delete {len(listed)} publicize connection(s) with it: "
        f"{'; '.join(listed)}."
    )
