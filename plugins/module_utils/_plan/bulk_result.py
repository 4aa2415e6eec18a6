# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The result of a bulk task: an action for each entry, a summary, a diff, and the failure that speaks for all."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from .._errors import WpcomError
from .._operations import Operation, OperationResult, Query
from .._records.names import account_name
from .._records.record import Record, diff_view
from .bulk_order import Entry
from .plan import Diff, Schedule

ACTIONS = ("created", "updated", "deleted", "unchanged", "failed", "skipped")


@dataclass(frozen=True)
class BulkPlan:
    """The plans of all entries: the ``listed`` ones in their order, then those that are purged."""

    entries: tuple[Entry, ...]
    listed: int
    schedule: Schedule
    warnings: tuple[str, ...] = ()
    follow_ups: Mapping[str, Query[Any]] = field(default_factory=dict)

    @property
    def operations(self) -> tuple[Operation, ...]:
        """Return the operations of all entries, at most one of each."""
        return tuple(operation for entry in self.entries for operation in entry.plan.operations)

    def to_result(self, results: Sequence[OperationResult] | None) -> dict[str, Any]:
        """Return the result, predicted where ``results`` is None. Raises WpcomError, with all that was done, for failures."""
        remaining = iter(results or ())
        ended = [
            (entry, next(remaining, None) if entry.plan.operations and results is not None else None)
            for entry in self.entries
        ]
        actions = [_action(entry, result) for entry, result in ended]
        counted = Counter(action["action"] for action in actions)
        task = {
            "changed": any(counted[action] for action in ("created", "updated", "deleted"))
            or any(result.changed for result in results or ()),
            "connections": [_record_after(entry, result) for entry, result in ended[: self.listed]],
            "actions": actions,
            "summary": {action: counted[action] for action in ACTIONS},
            "diff": _diff(ended).to_result(),
        }
        failures = [(entry, result.error) for entry, result in ended if result is not None and result.error is not None]
        if failures:
            raise _failure(failures, task)
        return task


def _action(entry: Entry, result: OperationResult | None) -> dict[str, Any]:
    """Return what became of an entry."""
    action = entry.action
    if result is not None and not result.succeeded:
        action = "skipped" if result.skipped else "failed"
    record = _record_after(entry, result) or entry.plan.existing or {}
    error = result.error if result is not None else None
    account = entry.keyring or record
    return {
        "action": action,
        "site_id": record.get("site_id", entry.site_id),
        "id": record.get("id", entry.desired.id),
        "service": record.get("service") or entry.desired.service,
        "account": account_name(account) if account else entry.desired.account,
        "error": {"msg": error.message, **error.as_result()["error"]} if error is not None else None,
    }


def _record_after(entry: Entry, result: OperationResult | None) -> Record | None:
    """Return the record as it is after the run: responded, predicted, or as it was where nothing was done."""
    if result is None:
        return entry.record
    if result.error is not None and result.changed:
        return result.error.result.get("connection")
    if not result.succeeded:
        return entry.plan.existing
    return None if entry.action == "deleted" else result.record


def _diff(ended: Sequence[tuple[Entry, OperationResult | None]]) -> Diff:
    """Return one diff of all that changes, each connection under a name that people know it by."""
    before: Record = {}
    after: Record = {}
    for entry, result in ended:
        if entry.action == "unchanged" or (result is not None and not result.changed):
            continue
        record = _record_after(entry, result) if result is not None and result.error is not None else entry.record
        shown = entry.plan.existing or entry.record or {}
        number = f" ({shown['id']})" if shown.get("id") else ""
        name = f"site {entry.site_id}: {shown.get('service')} {account_name(record or shown)}{number}"
        if name in before or name in after:
            name += f" [{(record or shown).get('external_id')}]"
        if entry.plan.existing is not None:
            before[name] = diff_view(entry.plan.existing)
        if record is not None:
            after[name] = diff_view(record)
    return Diff(before, after, "publicize connections")


def _failure(failures: Sequence[tuple[Entry, WpcomError]], result: dict[str, Any]) -> WpcomError:
    """Return the first failure, speaking for all, with the result of what was done."""
    summary = result["summary"]
    counts = ", ".join(f"{summary[action]} {action}" for action in ACTIONS if summary[action])
    listed = "; ".join(f"{entry.label}: {error.message}" for entry, error in failures)
    first = failures[0][1]
    return WpcomError(
        f"{len(failures)} of the publicize connections failed ({counts}). {listed} Run the task again to do the rest.",
        code=first.code,
        status=first.status,
        api_message=first.api_message,
        method=first.method,
        path=first.path,
        result=result,
    )
