# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Pure planning of many publicize connections: every entry planned as a single one, and all of them held together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.community.wpcom.plugins.module_utils._errors import OptionError, WpcomError
from ansible_collections.community.wpcom.plugins.module_utils._plan import Diff, Plan
from ansible_collections.community.wpcom.plugins.module_utils._plan_publicize import (
    DesiredPublicizeConnection,
    keyring_connection_of,
    plan_desired,
)
from ansible_collections.community.wpcom.plugins.module_utils._records import Record, account_name, describe, diff_view
from ansible_collections.community.wpcom.plugins.module_utils._snapshot import (
    AccountSnapshot,
    Call,
    Done,
    NotReadError,
)

_TELLING = ("site", "id", "keyring_connection_id", "service", "account")
ACTIONS = ("created", "updated", "deleted", "unchanged", "failed", "skipped")


@dataclass(frozen=True)
class Entry:
    """One entry of the list, or one connection that is purged, and its plan; ``label`` names it in messages."""

    label: str
    wanted: DesiredPublicizeConnection
    plan: Plan
    site_id: int | None
    keyring: Record | None

    @property
    def record(self) -> Record | None:
        """Return the record that the entry leads to, None where it is absent."""
        record: Record | None = self.plan.result["connection"]
        return record

    @property
    def action(self) -> str:
        """Return what is to be done."""
        if not self.plan.operations:
            return "unchanged"
        if self.wanted.state == "absent":
            return "deleted"
        return "created" if self.plan.current is None else "updated"

    @property
    def moves_external_user(self) -> bool:
        """Whether the entry makes a connection, or gives one another external user."""
        before, after = self.plan.current or {}, self.record or {}
        return self.action == "created" or before.get("external_id") != after.get("external_id")


@dataclass(frozen=True)
class BulkPlan(Plan):
    """The plans of all entries in their order, then of what is purged."""

    entries: tuple[Entry, ...] = ()
    listed: int = 0
    order: tuple[tuple[int, ...], ...] = ()

    @property
    def stages(self) -> tuple[tuple[int, ...], ...]:
        """Return which writes may go on at once, stage after stage."""
        return self.order

    def concluded(self, done: Sequence[Done] | None) -> dict[str, Any]:
        """Return the result, predicted where ``done`` is None. Raises WpcomError, with all that was done, for failures."""
        remaining = iter(done or ())
        ended = [
            (entry, next(remaining, None) if entry.plan.operations and done is not None else None)
            for entry in self.entries
        ]
        actions = [_action(entry, one) for entry, one in ended]
        counted = Counter(action["action"] for action in actions)
        result = {
            "changed": any(counted[action] for action in ("created", "updated", "deleted"))
            or any(map(_changed, done or ())),
            "connections": [_record_after(entry, one) for entry, one in ended[: self.listed]],
            "actions": actions,
            "summary": {action: counted[action] for action in ACTIONS},
            "diff": _diff(ended).as_result(),
        }
        failures = [(entry, one.error) for entry, one in ended if one is not None and one.error is not None]
        if failures:
            raise _failure(failures, result)
        return result


def plan_publicize_connections(params: Mapping[str, Any], snapshot: AccountSnapshot) -> BulkPlan:
    """Return the plan for the options of ``wpcom_publicize_connections``. Raises WpcomError.

    Whatever is wrong with any entry is found here, before anything is written.
    """
    if not 1 <= params["parallel"] <= 32:
        raise OptionError(f"parallel must be from 1 to 32, got {params['parallel']}.")
    if params["max_deletions"] < -1:
        raise OptionError(f"max_deletions must be -1 for no limit, 0 or more, got {params['max_deletions']}.")
    entries = _planned(params["connections"], snapshot)
    listed = len(entries)
    if params["purge"] == "listed":
        entries += _purged(entries, snapshot)
    _check_deletions(entries, params["max_deletions"])
    acting = [entry for entry in entries if entry.plan.operations]
    emptied = _emptied(acting, snapshot)
    return BulkPlan(
        result={},
        operations=tuple(operation for entry in entries for operation in entry.plan.operations),
        warnings=(*_health_warnings(entries), *_last_ones(entries, snapshot)),
        entries=tuple(entries),
        listed=listed,
        order=_stages(acting, emptied),
        needs=_needs(acting, emptied),
        parallel=params["parallel"],
        stop_on_error=params["on_error"] == "stop",
    )


def _emptied(acting: Sequence[Entry], snapshot: AccountSnapshot) -> set[Any]:
    """Return the keyring connections whose present publicize connections all go."""
    deleted = Counter(_account_of(entry) for entry in acting if entry.action == "deleted")
    return {key for key, number in deleted.items() if len(snapshot.publicize_connections_with(key)) <= number}


def _needs(acting: Sequence[Entry], emptied: Collection[Any]) -> dict[int, list[int]]:
    """Return what must have been made before an account's last connections go: one of its new ones."""
    created: dict[Any, list[int]] = {}
    for index, entry in enumerate(acting):
        if entry.action == "created" and _account_of(entry) in emptied:
            created.setdefault(_account_of(entry), []).append(index)
    return {
        index: created[_account_of(entry)]
        for index, entry in enumerate(acting)
        if entry.action == "deleted" and _account_of(entry) in created
    }


def _stages(acting: Sequence[Entry], emptied: Collection[Any]) -> tuple[tuple[int, ...], ...]:
    """Return the order of the writes: on a site deletions go first, but an account's last connection goes after its new one.

    WordPress.com may delete a keyring connection with its last publicize connection, and then nothing new can be made with
    it. Where both cannot be had, the account is worth more than the order on the site.
    """
    waiting = dict(enumerate(acting))
    stages: list[tuple[int, ...]] = []
    while waiting:
        sites = {entry.site_id for entry in waiting.values() if entry.action == "deleted"}
        new = {_account_of(entry) for entry in waiting.values() if entry.action == "created"}
        accounts = new.intersection(emptied)
        ready = [
            index
            for index, entry in waiting.items()
            if (_account_of(entry) not in accounts if entry.action == "deleted" else entry.site_id not in sites)
        ]
        stages.append(tuple(ready or (index for index, entry in waiting.items() if entry.action == "created")))
        for index in stages[-1]:
            del waiting[index]
    return tuple(stages)


def _account_of(entry: Entry) -> Any:
    return (entry.plan.current or entry.record or {}).get("keyring_connection_id")


def _planned(connections: Sequence[Mapping[str, Any]], snapshot: AccountSnapshot) -> list[Entry]:
    """Return the entries with their plans. Raises OptionError that lists every wrong one with its position."""
    sites = (params["site"] or "" for params in connections if params["id"] is None)
    snapshot.foresee_publicize_connections_on(*(site.strip() for site in sites if site.strip()))
    # Where these cannot be read no entry is to blame.
    snapshot.keyring_connections()
    snapshot.my_publicize_connections()
    entries: list[Entry] = []
    wrong: list[tuple[int, str, WpcomError]] = []
    unread: dict[Call, None] = {}
    for position, params in enumerate(connections):
        label = _label(position, params)
        try:
            wanted = DesiredPublicizeConnection.from_params(params)
            plan = plan_desired(wanted, snapshot)
            entries.append(_entry(label, wanted, plan, snapshot))
        except NotReadError as missing:
            unread.update(dict.fromkeys(missing.calls))
        except WpcomError as error:
            wrong.append((position, label, error))
    if unread:
        # Together, or each site that the account's lists do not tell of would be a round trip and a planning of its own.
        raise NotReadError(*unread)
    if not wrong:
        wrong = _contradictions(entries)
    if wrong:
        listed = "; ".join(f"{label}: {error.message}" for _position, label, error in wrong)
        raise OptionError(
            f"{len(wrong)} of {len(connections)} entries cannot be done as they stand, so nothing was written. {listed}",
            code="invalid_connections",
            result={
                "errors": [
                    {"position": position, "msg": error.message, **error.as_result()["error"]}
                    for position, _label, error in wrong
                ]
            },
        )
    return entries


def _label(position: int, params: Mapping[str, Any]) -> str:
    """Return an entry's position, and what it says of itself, for who cannot count to it."""
    said = ", ".join(f"{name} {params[name]}" for name in _TELLING if params[name] is not None)
    return f"connections[{position}]" + (f" ({said})" if said else "")


def _entry(label: str, wanted: DesiredPublicizeConnection, plan: Plan, snapshot: AccountSnapshot) -> Entry:
    there = plan.current or plan.result["connection"]
    if there is not None:
        site_id = there.get("site_id")
    else:
        site_id = snapshot.site_id(wanted.site) if wanted.site else None
    keyring = keyring_connection_of(wanted, there, snapshot)
    return Entry(label, wanted, plan, site_id, keyring)


def _contradictions(entries: Sequence[Entry]) -> list[tuple[int, str, WpcomError]]:
    """Return what is wrong between entries that are right each for itself."""
    wrong: dict[int, tuple[int, str, WpcomError]] = {}
    by_id: dict[int, Entry] = {}
    by_account: dict[tuple[Any, Any], list[tuple[int, Entry]]] = {}
    for position, entry in enumerate(entries):
        current = entry.plan.current
        number = entry.wanted.id if current is None else current["id"]
        if number is not None:
            earlier = by_id.setdefault(number, entry)
            if earlier is not entry:
                what = f"{earlier.label} names publicize connection {describe(current) if current else number} too"
                wrong[position] = _wrong(position, entry, what)
        if entry.keyring is not None:
            by_account.setdefault((entry.site_id, entry.keyring["id"]), []).append((position, entry))
    for group in by_account.values():
        for later, (position, entry) in enumerate(group):
            rival = next((other for _position, other in group[:later] if _contradict(entry, other)), None)
            if rival is not None and position not in wrong:
                what = (
                    f"{rival.label} is for the same account on the same site, and both cannot hold; "
                    "for several external users of one account set unique_per to external_user in both"
                )
                wrong[position] = _wrong(position, entry, what)
    return [wrong[position] for position in sorted(wrong)]


def _wrong(position: int, entry: Entry, what: str) -> tuple[int, str, WpcomError]:
    return position, entry.label, OptionError(f"{what}; leave one of the two out.", code="contradiction")


def _contradict(entry: Entry, earlier: Entry) -> bool:
    """Whether two entries for the same account on the same site cannot both hold after the run."""
    by_options = entry.wanted.id is None and earlier.wanted.id is None
    if by_options and "account" in (entry.wanted.unique_per, earlier.wanted.unique_per):
        return True
    if entry.record is None or earlier.record is None:
        return by_options and _named_user(entry) == _named_user(earlier)
    same_user = entry.record.get("external_id") == earlier.record.get("external_id")
    return same_user and (entry.moves_external_user or earlier.moves_external_user)


def _named_user(entry: Entry) -> Any:
    there = entry.record or entry.plan.current
    if there is not None:
        return there.get("external_id")
    return entry.wanted.external_user_id or entry.wanted.external_user_name


def _purged(entries: Sequence[Entry], snapshot: AccountSnapshot) -> list[Entry]:
    """Return the deletion of what is mine on the sites that entries name, and what no entry names."""
    named = {entry.plan.current["id"] for entry in entries if entry.plan.current is not None}
    sites = {entry.site_id for entry in entries if entry.wanted.site is not None and entry.site_id is not None}
    purged = []
    for record in sorted(snapshot.my_publicize_connections(), key=lambda record: int(record["id"])):
        if record.get("site_id") in sites and record["id"] not in named:
            wanted = DesiredPublicizeConnection(state="absent", id=record["id"])
            label = f"purged publicize connection {record['id']}"
            purged.append(_entry(label, wanted, plan_desired(wanted, snapshot), snapshot))
    return purged


def _check_deletions(entries: Sequence[Entry], most: int) -> None:
    deleted = [entry.plan.current for entry in entries if entry.action == "deleted" and entry.plan.current is not None]
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
    """Return one warning for each account that needs a person, however many connections it has."""
    alike: dict[Any, list[str]] = {}
    for entry in entries:
        if entry.wanted.state == "present" and entry.record is not None:
            key = (_account_of(entry), entry.record.get("health"), entry.record.get("repair"))
            alike.setdefault(key, []).extend(entry.plan.warnings)
    return [
        warning + (f" The same holds for {len(others)} more of this account." if others else "")
        for warning, *others in filter(None, alike.values())
    ]


def _last_ones(entries: Sequence[Entry], snapshot: AccountSnapshot) -> list[str]:
    """Return a warning for each keyring connection that the run as a whole leaves without a publicize connection."""
    left: Counter[Any] = Counter()
    emptied: dict[Any, Record] = {}
    for entry in entries:
        if entry.action == "deleted" and entry.plan.current is not None:
            key = entry.plan.current.get("keyring_connection_id")
            emptied.setdefault(key, entry.plan.current)
            left[key] -= 1
        elif entry.action == "created" and entry.record is not None:
            left[entry.record["keyring_connection_id"]] += 1
    return [
        f"The run deletes the last publicize connection of keyring connection {key} ({record.get('service')}: "
        f"{account_name(record)}): WordPress.com may delete that with it, and then only a person can connect the "
        "account again, in a browser."
        for key, record in emptied.items()
        if len(snapshot.publicize_connections_with(key)) + left[key] <= 0
    ]


def _action(entry: Entry, one: Done | None) -> dict[str, Any]:
    """Return what became of an entry."""
    action = entry.action
    if one is not None and not one.answered:
        action = "skipped" if one.skipped else "failed"
    record = _record_after(entry, one) or entry.plan.current or {}
    error = one.error if one is not None else None
    account = entry.keyring or record
    return {
        "action": action,
        "site_id": record.get("site_id", entry.site_id),
        "id": record.get("id", entry.wanted.id),
        "service": record.get("service") or entry.wanted.service,
        "account": account_name(account) if account else entry.wanted.account,
        "error": {"msg": error.message, **error.as_result()["error"]} if error is not None else None,
    }


def _changed(one: Done) -> bool:
    """Whether a write that failed has changed something all the same: the server did not do all that it was asked."""
    return one.error is not None and bool(one.error.result.get("changed"))


def _record_after(entry: Entry, one: Done | None) -> Record | None:
    """Return the record as it is after the run: answered, predicted, or as it was where nothing was done."""
    if one is None:
        return entry.record
    if one.error is not None and _changed(one):
        return one.error.result.get("connection")
    if not one.answered:
        return entry.plan.current
    return None if entry.action == "deleted" else one.answer


def _diff(ended: Sequence[tuple[Entry, Done | None]]) -> Diff:
    """Return one diff of all that changes, each connection under a name that a person knows it by."""
    before: Record = {}
    after: Record = {}
    for entry, one in ended:
        if entry.action == "unchanged" or (one is not None and not one.answered and not _changed(one)):
            continue
        record = _record_after(entry, one) if one is not None and _changed(one) else entry.record
        shown = entry.plan.current or entry.record or {}
        number = f" ({shown['id']})" if shown.get("id") else ""
        name = f"site {entry.site_id}: {shown.get('service')} {account_name(record or shown)}{number}"
        if name in before or name in after:
            name += f" [{(record or shown).get('external_id')}]"
        if entry.plan.current is not None:
            before[name] = diff_view(entry.plan.current)
        if record is not None:
            after[name] = diff_view(record)
    return Diff(before, after, "publicize connections")


def _failure(failures: Sequence[tuple[Entry, WpcomError]], result: dict[str, Any]) -> WpcomError:
    """Return the first failure, speaking for all, with the result of what was done."""
    summary = result["summary"]
    done = ", ".join(f"{summary[action]} {action}" for action in ACTIONS if summary[action])
    listed = "; ".join(f"{entry.label}: {error.message}" for entry, error in failures)
    first = failures[0][1]
    return WpcomError(
        f"{len(failures)} of the publicize connections failed ({done}). {listed} Run it again to do the rest.",
        code=first.code,
        status=first.status,
        api_message=first.api_message,
        method=first.method,
        path=first.path,
        result=result,
    )
