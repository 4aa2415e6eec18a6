# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Planning of many publicize connections: every entry planned as a single one, and all of them checked together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Mapping, Sequence
from typing import Any

from .._cache.read_cache import Cache, ReadsNeeded, prefetch
from .._errors import OptionError, WpcomError
from .._operations import (
    FindSites,
    ListKeyringConnections,
    ListPublicizeConnections,
    ListServices,
    Query,
)
from .._records.names import account_name, describe
from .._records.record import Record, Records, is_number
from .bulk_order import Entry, schedule
from .bulk_result import BulkPlan
from .desired import DesiredPublicizeConnection
from .external_users import has_external_user, pages_listed
from .health_warning import health_warning
from .publicize import (
    PublicizePlan,
    is_twin,
    keyring_connection_of,
    orphan_warning,
    plan_desired,
    site_id_of,
    twin_warning,
)
from .selection import is_own_publicize_connection
from .validation import check_parallel

# The position of an entry, its label, and what is wrong with it.
Wrong = tuple[int, str, WpcomError]

_TELLING = ("site", "id", "keyring_connection_id", "service", "account")


def plan_publicize_connections(params: Mapping[str, Any], cache: Cache) -> BulkPlan:
    """Return the plan for the options of ``wpcom_publicize_connections``. Raises WpcomError.

    Whatever is wrong with any entry is found here, before anything is written.
    """
    check_parallel(params)
    if params["max_deletions"] < -1:
        raise OptionError(f"max_deletions must be -1 for no limit, 0 or more, got {params['max_deletions']}.")
    entries = _planned(params["connections"], cache)
    listed = len(entries)
    if params["purge"] == "listed":
        entries += _purged(entries, cache)
    _check_deletions(entries, params["max_deletions"])
    return BulkPlan(
        entries=tuple(entries),
        listed=listed,
        schedule=schedule(entries, cache, parallel=params["parallel"], stop_on_error=params["on_error"] == "stop"),
        reports_all=params["report"] == "all",
        warnings=(
            *_health_warnings(entries),
            *_twin_warnings(entries, cache),
            *_orphan_warnings(entries, cache),
            *_last_ones(entries, cache),
        ),
    )


def _planned(connections: Sequence[Mapping[str, Any]], cache: Cache) -> list[Entry]:
    """Return the entries with their plans. Raises OptionError that lists every wrong one with its position."""
    planned, wrong = plan_entries(connections, cache)
    if wrong:
        listed = "; ".join(f"{label}: {error.message}" for _position, label, error in wrong)
        raise OptionError(
            f"{len(wrong)} of {len(connections)} entries cannot be applied, so nothing was written. {listed}",
            code="invalid_connections",
            result={
                "errors": [
                    {"position": position, "msg": error.message, **error.as_result()["error"]}
                    for position, _label, error in wrong
                ]
            },
        )
    return list(planned.values())


def plan_entries(connections: Sequence[Mapping[str, Any]], cache: Cache) -> tuple[dict[int, Entry], list[Wrong]]:
    """Return the entries with their plans by position, and the wrong ones with what is wrong. Raises WpcomError.

    What is wrong between entries is found where each for itself is right.
    """
    # Where these cannot be read no entry is to blame.
    _prefetch(connections, cache)
    cache.read(ListKeyringConnections())
    cache.read(ListPublicizeConnections())
    planned: dict[int, Entry] = {}
    wrong: list[Wrong] = []
    unread: dict[Query[Any], None] = {}
    for position, params in enumerate(connections):
        label = _label(position, params)
        try:
            desired = DesiredPublicizeConnection.from_params(params)
            plan = plan_desired(desired, cache, alone=False)
            planned[position] = _entry(label, desired, plan, cache)
        except ReadsNeeded as needed:
            unread.update(dict.fromkeys(needed.queries))
        except WpcomError as error:
            wrong.append((position, label, error))
    if unread:
        # Together, or each site that the account's lists do not tell of would be a round trip and a planning of its own.
        raise ReadsNeeded(*unread)
    return planned, wrong or _contradictions(planned, cache)


def _prefetch(connections: Sequence[Mapping[str, Any]], cache: Cache) -> None:
    """Have the lists of the account be read in parallel, with the sites where an entry names one by its domain."""
    by_id = (
        is_number(str(params["site"]).strip()) for params in connections if params["id"] is None and params["site"]
    )
    lists = (ListKeyringConnections(), ListPublicizeConnections(), ListServices())
    prefetch(cache, *lists, *([] if all(by_id) else [FindSites()]))


def _label(position: int, params: Mapping[str, Any]) -> str:
    """Return an entry's position, and the options that identify it."""
    shown = ", ".join(f"{name} {params[name]}" for name in _TELLING if params[name] is not None)
    return f"connections[{position}]" + (f" ({shown})" if shown else "")


def _entry(label: str, desired: DesiredPublicizeConnection, plan: PublicizePlan, cache: Cache) -> Entry:
    record = plan.existing or plan.result["connection"]
    if record is not None:
        number = record.get("site_id")
    else:
        number = site_id_of(desired.site, cache) if desired.site else None
    keyring = keyring_connection_of(desired, record, cache)
    return Entry(label, desired, plan, number, keyring)


def _contradictions(entries: Mapping[int, Entry], cache: Cache) -> list[Wrong]:
    """Return what is wrong between entries that are right each for itself."""
    wrong: dict[int, Wrong] = {}
    by_id: dict[int, Entry] = {}
    by_account: dict[tuple[Any, Any], list[tuple[int, Entry]]] = {}
    for position, entry in entries.items():
        current = entry.plan.existing
        number = entry.desired.id if current is None else current["id"]
        if number is not None:
            earlier = by_id.setdefault(number, entry)
            if earlier is not entry:
                what = f"{earlier.label} names publicize connection {describe(current) if current else number} too"
                wrong[position] = _wrong(position, entry, what)
        if entry.keyring is not None:
            # The name stands for a site whose ID the token is not allowed to read.
            by_account.setdefault((entry.site_id or entry.desired.site, entry.keyring["id"]), []).append(
                (position, entry)
            )
    for group in by_account.values():
        for later, (position, entry) in enumerate(group):
            rival = next((other for _position, other in group[:later] if _contradict(entry, other, cache)), None)
            if rival is not None and position not in wrong:
                what = (
                    f"{rival.label} is for the same account on the same site, and both cannot hold; "
                    "for several external users of one account set unique_per to external_user in both, and name the external "
                    "user in both (reset_external_user for the account itself)"
                )
                wrong[position] = _wrong(position, entry, what)
    return [wrong[position] for position in sorted(wrong)]


def _wrong(position: int, entry: Entry, what: str) -> Wrong:
    return position, entry.label, OptionError(f"{what}; leave one of the two out.", code="contradiction")


def _contradict(entry: Entry, earlier: Entry, cache: Cache) -> bool:
    """Whether two entries for the same account on the same site cannot both hold after the run."""
    if _means(entry, earlier.record, cache) or _means(earlier, entry.record, cache):
        return True
    by_options = entry.desired.id is None and earlier.desired.id is None
    if by_options and "account" in (entry.desired.unique_per, earlier.desired.unique_per):
        return True
    if entry.record is None or earlier.record is None:
        return by_options and _named_user(entry) == _named_user(earlier)
    same_user = entry.record.get("external_id") == earlier.record.get("external_id")
    return same_user and (entry.moves_external_user or earlier.moves_external_user)


def _means(entry: Entry, record: Record | None, cache: Cache) -> bool:
    """Whether the options of an entry also mean the connection that another entry leaves, so that the next run is confused."""
    if entry.desired.id is not None or record is None:
        return False
    return not entry.desired.names_external_user or has_external_user(entry.desired, record, cache)


def _named_user(entry: Entry) -> Any:
    record = entry.record or entry.plan.existing
    if record is not None:
        return record.get("external_id")
    return entry.desired.external_user_id or entry.desired.external_user_name


def _purged(entries: Sequence[Entry], cache: Cache) -> list[Entry]:
    """Return the deletion of what is mine on the sites that entries name, and what no entry names."""
    named = {entry.plan.existing["id"] for entry in entries if entry.plan.existing is not None}
    sites = {entry.site_id for entry in entries if entry.desired.site is not None and entry.site_id is not None}
    purged = []
    for record in unlisted(named, sites, cache):
        desired = DesiredPublicizeConnection(state="absent", id=record["id"])
        label = f"purged publicize connection {record['id']}"
        purged.append(_entry(label, desired, plan_desired(desired, cache, alone=False), cache))
    return purged


def unlisted(named: Container[int], sites: Container[Any], cache: Cache) -> Records:
    """Return the connections of the token's user on sites, by ID, without the ``named`` ones. Raises WpcomError."""
    own: Records = cache.read(ListPublicizeConnections())
    return [
        record
        for record in sorted(own, key=lambda record: int(record["id"]))
        if record.get("site_id") in sites and record["id"] not in named and is_own_publicize_connection(record, cache)
    ]


def _check_deletions(entries: Sequence[Entry], most: int) -> None:
    deleted = [
        entry.plan.existing for entry in entries if entry.action == "deleted" and entry.plan.existing is not None
    ]
    if most < 0 or len(deleted) <= most:
        return
    listed = "; ".join(describe(record) for record in deleted)
    raise OptionError(
        f"The run would delete {len(deleted)} publicize connections, more than max_deletions ({most}) allows, "
        f"so nothing was written. They are: {listed}. Raise max_deletions if that is meant.",
        code="too_many_deletions",
        result={"deletions": deleted},
    )


def _health_warnings(entries: Sequence[Entry]) -> list[str]:
    """Return one warning for each unhealthy account, however many connections it has."""
    alike: dict[Any, list[str]] = {}
    for entry in entries:
        if entry.desired.state == "present" and entry.record is not None:
            key = (entry.keyring_connection_id, entry.record.get("health"), entry.record.get("repair"))
            kind = "keyring connection" if entry.action == "created" else "publicize connection"
            record = entry.keyring if entry.action == "created" and entry.keyring else entry.record
            pages = pages_listed(entry.keyring) if entry.keyring else ""
            alike.setdefault(key, []).extend(health_warning(kind, record, pages))
    return [
        warning + (f" The same applies to {len(others)} more of this account." if others else "")
        for warning, *others in filter(None, alike.values())
    ]


def _twin_warnings(entries: Sequence[Entry], cache: Cache) -> list[str]:
    """Return a warning for each connection that the list wants, and that after the run posts to the same place as another."""
    touched = {entry.plan.existing["id"] for entry in entries if entry.plan.existing is not None}
    after: dict[Any, Records] = {}
    own: Records = cache.read(ListPublicizeConnections())
    for record in own:
        if record["id"] not in touched:
            after.setdefault((record.get("site_id"), record.get("external_id")), []).append(record)
    warnings = []
    for entry in entries:
        if entry.record is not None:
            beside = after.setdefault((entry.site_id, entry.record.get("external_id")), [])
            warnings += [twin_warning(entry.record, other) for other in beside if is_twin(entry.record, other)]
            beside.append(entry.record)
    return warnings


def _orphan_warnings(entries: Sequence[Entry], cache: Cache) -> list[str]:
    """Return a warning for each connection on the sites of the list that posts without a keyring connection."""
    known = {keyring["id"] for keyring in cache.read(ListKeyringConnections())}
    sites = {entry.site_id for entry in entries}
    gone = {entry.plan.existing["id"] for entry in entries if entry.plan.existing and entry.desired.state == "absent"}
    return [
        orphan_warning(record)
        for record in cache.read(ListPublicizeConnections())
        if record.get("keyring_connection_id") not in known
        and record.get("site_id") in sites
        and record["id"] not in gone
        and is_own_publicize_connection(record, cache)
    ]


def _last_ones(entries: Sequence[Entry], cache: Cache) -> list[str]:
    """Return a warning for each keyring connection that the run as a whole leaves without a publicize connection."""
    left: Counter[Any] = Counter()
    emptied: dict[Any, Record] = {}
    for entry in entries:
        if entry.action == "deleted" and entry.plan.existing is not None and entry.keyring is not None:
            key = entry.plan.existing.get("keyring_connection_id")
            emptied.setdefault(key, entry.plan.existing)
            left[key] -= 1
        elif entry.action == "created" and entry.record is not None:
            left[entry.record["keyring_connection_id"]] += 1
    return [
        f"The run deletes the last publicize connection of keyring connection {key} ({record.get('service')}: "
        f"{account_name(record)}): WordPress.com may delete the keyring connection with it."
        + ("" if record["repair"] == "remove" else " The account can then be connected again in a browser only.")
        for key, record in emptied.items()
        if len(cache.read(ListPublicizeConnections(keyring_connection_id=key))) + left[key] <= 0
    ]
