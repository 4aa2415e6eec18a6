# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Evaluate a plan, apply it unless in check mode, and make the result of the task."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Callable

from ._cache.evaluate import evaluate
from ._errors import WpcomError
from ._operations import OperationResult
from ._parallel import for_each
from ._plan.plan import TaskPlan
from ._records.record import clean
from ._session import Session

Planner = Callable[[Mapping[str, Any], Any], TaskPlan]


@dataclass
class TaskResult:
    """What a task ends with: its result, and its warnings; ``secrets`` must be masked in both."""

    result: dict[str, Any] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    failed: bool = False
    secrets: list[str] = field(default_factory=list, repr=False)

    @classmethod
    def of_error(cls, error: WpcomError) -> TaskResult:
        """Return the result of a task that failed before anything was done."""
        return cls({"changed": False, **error.as_result()}, failed=True)


def execute(session: Session, planner: Planner, params: Mapping[str, Any], *, diff: bool) -> TaskResult:
    """Plan, apply unless in check mode, and return how the task ends; raises nothing that the network can cause.

    ``diff`` says whether Ansible is going to show a diff.
    """
    task = TaskResult(secrets=session.options.secrets)
    given = clean(params)
    try:
        plan = evaluate(lambda cache: planner(given, cache), session.cache, session.fetch_all)
        task.warnings.extend(plan.warnings)
        if session.check_mode:
            task.result = plan.to_result(None, diff=diff)
        else:
            task.result = _applied(plan, session, diff=diff)
    except WpcomError as error:
        task.failed = True
        # What was done before the error stays done.
        task.result = {"changed": task.result.get("changed", False), **error.as_result()}
    except BaseException:
        # The task is interrupted: by its timeout, or by a signal.
        session.interrupt()
        raise
    finally:
        session.cache.evict_errors()
    task.warnings[:0] = session.warnings
    return task


def _applied(plan: TaskPlan, session: Session, *, diff: bool) -> dict[str, Any]:
    """Apply a plan, and return the result. Raises WpcomError."""
    results = apply(plan, session)
    session.cache.write_through(plan.operations, results)
    result = plan.to_result(results, diff=diff)
    for key, response in zip(plan.follow_ups, session.fetch_all(list(plan.follow_ups.values()))):
        # The task is done; this is only reported where it can be known.
        if not isinstance(response, WpcomError):
            result[key] = response is None
    return result


def apply(plan: TaskPlan, session: Session) -> list[OperationResult]:
    """Return how each operation ended, in their order; after an error none begins where the schedule says stop."""
    schedule = plan.schedule
    results = [OperationResult(skipped=True)] * len(plan.operations)
    failed = False

    def one(index: int) -> None:
        nonlocal failed
        if failed and schedule.stop_on_error:
            return
        required = schedule.requires_any_of.get(index)
        if required is not None and not any(results[earlier].succeeded for earlier in required):
            return
        try:
            done = session.apply(plan.operations[index])
            results[index] = OperationResult(done if isinstance(done, dict) else None, unchanged=done is False)
        except WpcomError as error:
            results[index] = OperationResult(error=error)
            failed = True

    for stage in schedule.stages:
        for_each(one, stage, schedule.parallel)
    return results
