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
from .._records.health import HEALTHY
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
    reports_all: bool = False
    follow_ups: Mapping[str, Query[Any]] = field(default_factory=dict)

    @property
    def operations(self) -> tuple[Operation, ...]:
        """Return the operations of all entries, at most one of each."""
        return tuple(operation for entry in self.entries for operation in entry.plan.operations)

    def to_result(self, results: Sequence[OperationResult] | None, *, diff: bool) -> dict[str, Any]:
        """Return the result, predicted where ``results`` is None. Raises WpcomError, with all that was done, for failures.

        Only what changed or is unhealthy is reported, unless everything is asked for: a long list would make a result
        that controllers cut.
        """
        remaining = iter(results or ())
        ended = [
            (entry, next(remaining, None) if entry.plan.operations and results is not None else None)
            for entry in self.entries
        ]
        actions = [
            _action(position if position < self.listed else None, entry, result)
            for position, (entry, result) in enumerate(ended)
        ]
        counts = Counter(action["action"] for action in actions)
        task: dict[str, Any] = {
            "changed": any(counts[action] for action in ("created", "updated", "deleted"))
            or any(result.changed for result in results or ()),
            "actions": [action for action in actions if self.reports_all or _is_notable(action)],
            "summary": {
                **{action: counts[action] for action in ACTIONS},
                "unhealthy": sum(map(_is_unhealthy, actions)),
            },
        }
        if self.reports_all:
            task["connections"] = [_record_after(entry, result) for entry, result in ended[: self.listed]]
        if diff:
            task["diff"] = [_diff(entry, result).to_result() for entry, result in ended if _is_changed(entry, result)]
        failures = [(entry, result.error) for entry, result in ended if result is not None and result.error is not None]
        if failures:
            raise _failure(failures, task)
        return task


def _is_unhealthy(action: Mapping[str, Any]) -> bool:
    return action["health"] is not None and action["health"] not in HEALTHY


def _is_notable(action: Mapping[str, Any]) -> bool:
    return action["action"] != "unchanged" or _is_unhealthy(action)


def _action(position: int | None, entry: Entry, result: OperationResult | None) -> dict[str, Any]:
    """Return what became of an entry; ``position`` is None for a connection that is purged."""
    action = entry.action
    if result is not None and (not result.succeeded or result.unchanged):
        action = "skipped" if result.skipped else "failed" if result.error else "unchanged"
    after = _record_after(entry, result)
    record = after or entry.plan.existing or {}
    error = result.error if result is not None else None
    account = entry.keyring or record
    return {
        "position": position,
        "action": action,
        "site_id": record.get("site_id", entry.site_id),
        "id": record.get("id", entry.desired.id),
        "service": record.get("service") or entry.desired.service,
        "account": account_name(account) if account else entry.desired.account,
        "health": after.get("health") if after else None,
        "repair": after.get("repair") if after else None,
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
    return entry.plan.complete(result.record) if result.record is not None else None


def _is_changed(entry: Entry, result: OperationResult | None) -> bool:
    return entry.action != "unchanged" and (result is None or result.changed)


def _diff(entry: Entry, result: OperationResult | None) -> Diff:
    """Return the diff of one connection, of an update only what differs, under a header that people know it by."""
    after = _record_after(entry, result) if result is not None and result.error is not None else entry.record
    shown = entry.plan.existing or entry.record or {}
    number = f" ({shown['id']})" if shown.get("id") else ""
    account = account_name(entry.keyring or shown)
    header = f"site {shown.get('site_id', entry.site_id)}: {shown.get('service')} {account}{number}"
    before_view, after_view = diff_view(entry.plan.existing), diff_view(after)
    if before_view and after_view:
        keys = [key for key in {**before_view, **after_view} if before_view.get(key) != after_view.get(key)]
        before_view = {key: before_view[key] for key in keys if key in before_view}
        after_view = {key: after_view[key] for key in keys if key in after_view}
    return Diff(before_view, after_view, header)


def _failure(failures: Sequence[tuple[Entry, WpcomError]], result: dict[str, Any]) -> WpcomError:
    """Return the first failure, speaking for all, with the result of what was done."""
    summary = result["summary"]
    counts = ", ".join(f"{summary[action]} {action}" for action in ACTIONS if summary[action])
    listed = "; ".join(f"{entry.label}: {error.message}" for entry, error in failures)
    first = failures[0][1]
    return WpcomError(
        f"{len(failures)} of the publicize connections failed ({counts}). {listed} Run the task again to do the rest.",
        **first.details,
        result=result,
    )
