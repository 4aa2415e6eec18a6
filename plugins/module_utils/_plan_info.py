# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Pure planning of what ``wpcom_connection_info`` gathers: which calls it takes, and what of their answers is returned."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Callable

from ansible_collections.community.wpcom.plugins.module_utils._choose import check_given, checked_service, checked_site
from ansible_collections.community.wpcom.plugins.module_utils._errors import OptionError
from ansible_collections.community.wpcom.plugins.module_utils._plan import Plan
from ansible_collections.community.wpcom.plugins.module_utils._records import Record, site_matches
from ansible_collections.community.wpcom.plugins.module_utils._snapshot import Snapshot

Presentation = tuple[tuple[str, str], ...]

# Which of what is gathered an option narrows down; elsewhere it would be ignored without a word.
_NARROWS = {
    "id": ("publicize",),
    "user_id": ("publicize",),
    "keyring_connection_id": ("publicize", "keyring"),
    "site": ("publicize", "keyring", "sites"),
    "service": ("publicize", "keyring", "services"),
    "application_id": ("applications",),
}
# What the health of a record and the filters here are told by, whatever fields were asked for.
_NEEDED_FIELDS = (
    "ID",
    "service",
    "status",
    "expires",
    "refresh_URL",
    "user_ID",
    "keyring_connection_ID",
    "keyring_connection_user_ID",
)
_ADDED_KEYS = ("health", "repair")
# A hundred years.
_LONGEST_DAYS = 36500
_LOWER_ON_THE_WIRE = ("token_site_id", "token_client_id")


def plan_connection_info(params: Mapping[str, Any], snapshot: Snapshot) -> Plan:
    """Return a plan that changes nothing and whose result is what was gathered. Raises WpcomError."""
    _check(params)
    params = {**params, "service": checked_service(params["service"] or None)}
    sites = list(dict.fromkeys(site for site in map(checked_site, params["site"] or []) if site))
    # A fresh test changes the status that the other lists show, so it comes first.
    if (params["test"] or params["refetch_external_users"]) and "keyring" not in params["gather"]:
        _keyring_connections(params, [], snapshot)
    gathered = sorted(params["gather"], key=lambda name: name != "keyring")
    found = {_RESULT_KEYS[name]: _GATHERERS[name](params, sites, snapshot) for name in gathered}
    return Plan(result={key: found[key] for name, key in _RESULT_KEYS.items() if name in gathered})


def _check(params: Mapping[str, Any]) -> None:
    if not params["gather"]:
        raise OptionError(
            "gather is empty: name at least one of publicize, keyring, applications, services, sites, account."
        )
    check_given(params, numbers=("id", "user_id", "keyring_connection_id", "application_id"))
    for name, narrowed in _NARROWS.items():
        if params[name] and not set(narrowed) & set(params["gather"]):
            raise OptionError(f"{name} has no meaning here: add {' or '.join(narrowed)} to gather, or leave it out.")
    if params["id"] is not None and len(params["site"] or []) > 1:
        raise OptionError("id goes with at most one site: a connection is on one site only.")
    if not 0 <= params["expiring_within"] <= _LONGEST_DAYS:
        raise OptionError(f"expiring_within must be from 0 to {_LONGEST_DAYS} days, got {params['expiring_within']}.")


def _publicize_connections(params: Mapping[str, Any], sites: list[str], snapshot: Snapshot) -> list[Record]:
    shown = _presentation(params, _NEEDED_FIELDS)
    if params["id"] is not None:
        method = "get_on_site" if sites else "get"
        where = {"site": sites[0]} if sites else {}
        one = snapshot.look("publicize", method, connection_id=params["id"], presentation=shown, **where)
        found = [one] if one else []
    else:
        asked = {
            "service": params["service"],
            "keyring_connection_id": params["keyring_connection_id"],
            "presentation": shown,
        }
        if sites:
            found = _each_once([snapshot.look("publicize", "list_on_site", site=site, **asked) for site in sites])
        else:
            found = snapshot.look("publicize", "list", **asked)
    user_id = params["user_id"]
    return _shown(
        params,
        [
            record
            for record in found
            if _fits(record, "service", params["service"])
            and _fits(record, "keyring_connection_id", params["keyring_connection_id"])
            # Not left to the server: a shared connection has the user 0, only the keyring connection tells its owner.
            and (user_id is None or user_id in (record.get("user_id"), record.get("keyring_connection_user_id")))
        ],
    )


def _each_once(lists: list[list[Record]]) -> list[Record]:
    return list({record["id"]: record for records in lists for record in records}.values())


def _keyring_connections(params: Mapping[str, Any], sites: list[str], snapshot: Snapshot) -> list[Record]:
    asked = {
        "refetch_external_users": bool(params["refetch_external_users"]),
        "test": bool(params["test"]),
        "presentation": _presentation(params, _NEEDED_FIELDS),
    }
    keyring_connection_id = params["keyring_connection_id"]
    if keyring_connection_id is not None:
        one = snapshot.look("keyring", "get", keyring_connection_id=keyring_connection_id, **asked)
        found = [one] if one else []
    else:
        asked_sites: list[str | None] = [*sites] or [None]
        lists = [snapshot.look("keyring", "list", site=site, **asked) for site in asked_sites]
        # One keyring connection may serve several of the sites.
        found = _each_once(lists)
    return _shown(params, [record for record in found if _fits(record, "service", params["service"])])


def _connected_applications(params: Mapping[str, Any], sites: list[str], snapshot: Snapshot) -> list[Record]:
    # Without fields: they would empty the list, so they are picked here.
    shown = _presentation({**params, "fields": None})
    if params["application_id"] is not None:
        one = snapshot.look("applications", "get", application_id=params["application_id"], presentation=shown)
        found = [one] if one else []
    else:
        found = snapshot.look("applications", "list", presentation=shown)
    return [_picked(params, record) for record in found]


def _services(params: Mapping[str, Any], sites: list[str], snapshot: Snapshot) -> list[Record]:
    shown = _presentation(params, ("ID",))
    name = params["service"]
    if name is None:
        return [_picked(params, record) for record in snapshot.look("services", "list", presentation=shown)]
    one = snapshot.look("services", "get", service=name, presentation=shown)
    return [_picked(params, one)] if one else []


def _sites(params: Mapping[str, Any], sites: list[str], snapshot: Snapshot) -> list[Record]:
    found = snapshot.look("sites", "list", presentation=_presentation(params, ("ID", "URL", "slug")))
    return [
        _picked(params, record) for record in found if not sites or any(site_matches(record, site) for site in sites)
    ]


def _account(params: Mapping[str, Any], sites: list[str], snapshot: Snapshot) -> Record:
    needed = ("ID", "token_scope", "token_site_id")
    return _picked(params, snapshot.look("account", "get", presentation=_presentation(params, needed)), needed[1:])


_RESULT_KEYS = {
    "publicize": "publicize_connections",
    "keyring": "keyring_connections",
    "applications": "connected_applications",
    "services": "services",
    "sites": "sites",
    "account": "account",
}
_GATHERERS: dict[str, Callable[[Mapping[str, Any], list[str], Snapshot], Any]] = {
    "publicize": _publicize_connections,
    "keyring": _keyring_connections,
    "applications": _connected_applications,
    "services": _services,
    "sites": _sites,
    "account": _account,
}


def _fits(record: Record, key: str, wanted: Any) -> bool:
    return wanted is None or record.get(key) == wanted


def _presentation(params: Mapping[str, Any], needed: tuple[str, ...] = ()) -> Presentation:
    """Return the query parameters that only shape the answer."""
    shape = {"context": params["context"], "meta": ",".join(params["meta"] or [])}
    if params["fields"]:
        shape["fields"] = ",".join(dict.fromkeys((*needed, *map(_wire_name, params["fields"]))))
    return tuple((name, value) for name, value in shape.items() if value)


def _wire_name(field: str) -> str:
    """Return a field as the wire spells it, whether it was given so or as a result's key."""
    name = field.strip().lower()
    if name in _LOWER_ON_THE_WIRE:
        return name
    return "_".join(part.upper() if part in ("id", "url") else part for part in name.split("_"))


def _shown(params: Mapping[str, Any], records: list[Record]) -> list[Record]:
    unhealthy_only = params["unhealthy_only"]
    return [
        _picked(params, record, _ADDED_KEYS)
        for record in records
        if not unhealthy_only or record["health"] in ("broken", "expiring")
    ]


def _picked(params: Mapping[str, Any], record: Record, always: tuple[str, ...] = ()) -> Record:
    """Return of a record what ``fields`` asks for, and what is added to every one."""
    if not params["fields"]:
        return record
    wanted = {field.strip().lower() for field in params["fields"]} | set(always)
    return {key: value for key, value in record.items() if key in wanted}
