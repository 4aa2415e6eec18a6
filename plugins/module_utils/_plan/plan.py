# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a plan is made of."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from .._operations import Operation, OperationResult, Query
from .._records.record import Record


@dataclass(frozen=True)
class Diff:
    """Before and after as a diff shows them, {} for absent, and a header that names the thing."""

    before: Record
    after: Record
    header: str

    def to_result(self) -> dict[str, Any]:
        """Return the ``diff`` of a task's result."""
        return {
            "before": self.before,
            "after": self.after,
            "before_header": self.header,
            "after_header": self.header,
        }


@dataclass(frozen=True)
class Schedule:
    """When which operation runs: ``stages`` of indices, one after another, in each at most ``parallel`` operations together.

    ``requires_any_of`` names operations that would do harm alone, by index, with the earlier ones of which one must have
    succeeded.
    """

    stages: tuple[tuple[int, ...], ...]
    requires_any_of: Mapping[int, Collection[int]] = field(default_factory=dict)
    parallel: int = 1
    stop_on_error: bool = True


class TaskPlan(Protocol):
    """What a planner returns: what is to be done, when, and what becomes of it in the result.

    ``follow_ups`` are read after the operations; each key of the result then says whether the thing no longer exists.
    """

    @property
    def operations(self) -> Sequence[Operation]:
        """Return what is to be done."""

    @property
    def warnings(self) -> Sequence[str]:
        """Return the warnings of the task."""

    @property
    def schedule(self) -> Schedule:
        """Return the order of the operations."""

    @property
    def follow_ups(self) -> Mapping[str, Query[Any]]:
        """Return what to read after the operations."""

    def to_result(self, results: Sequence[OperationResult] | None, *, diff: bool) -> dict[str, Any]:
        """Return the result, predicted where ``results`` is None. Raises the WpcomError of an operation that failed.

        ``diff`` says whether Ansible is going to show a diff.
        """


@dataclass(frozen=True)
class Plan:
    """The plan for one thing; ``result`` holds the predicted keys of the result.

    The record that an operation leaves replaces ``connection`` there.
    """

    result: dict[str, Any]
    diff: Diff | None = None
    operations: tuple[Operation, ...] = ()
    warnings: tuple[str, ...] = ()
    follow_ups: Mapping[str, Query[Any]] = field(default_factory=dict)

    @property
    def schedule(self) -> Schedule:
        """Return the order of the operations: one after another."""
        return Schedule((tuple(range(len(self.operations))),))

    def to_result(self, results: Sequence[OperationResult] | None, *, diff: bool = True) -> dict[str, Any]:
        """Return the result, predicted where ``results`` is None. Raises the WpcomError of the operation that failed.

        The diff of a single thing is small, so it is always there.
        """
        changed = bool(self.operations) if results is None else any(ended.changed for ended in results)
        result = {**self.result, "changed": changed}
        if self.diff is not None:
            result["diff"] = (self.diff if changed else replace(self.diff, before=self.diff.after)).to_result()
        for ended in results or ():
            if ended.error is not None:
                ended.error.result.setdefault("changed", any(other.changed for other in results or ()))
                raise ended.error
            if ended.record is not None:
                result["connection"] = self.complete(ended.record)
        return result

    def complete(self, record: Record) -> Record:
        """Return the record that an operation leaves, with what the planner knows besides."""
        return record
