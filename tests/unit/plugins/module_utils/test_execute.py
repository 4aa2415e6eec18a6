# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Evaluating a plan, applying it, and the result of the task."""

from __future__ import annotations

import threading
from typing import Any, Optional, cast

import pytest

from ansible_collections.community.wpcom.plugins.module_utils._cache.read_cache import ReadCache, ReadsNeeded
from ansible_collections.community.wpcom.plugins.module_utils._errors import OptionError, WpcomError
from ansible_collections.community.wpcom.plugins.module_utils._execute import TaskResult, apply, execute
from ansible_collections.community.wpcom.plugins.module_utils._operations import (
    DeletePublicizeConnection,
    FindSite,
    GetAccount,
    GetKeyringConnection,
    Operation,
    OperationResult,
    UpdatePublicizeConnection,
)
from ansible_collections.community.wpcom.plugins.module_utils._plan.plan import Diff, Plan, Schedule
from ansible_collections.community.wpcom.plugins.module_utils._session import Session
from ansible_collections.community.wpcom.tests.unit.builders import (
    FACEBOOK,
    SHOP,
    World,
    WorldSession,
    publicize_connection,
    refusal,
)
from ansible_collections.community.wpcom.tests.unit.support import options


def world(**changes: Any) -> World:
    """Return a world of two connections."""
    return World(publicize_connection(50, FACEBOOK, 1, SHOP), publicize_connection(51, FACEBOOK, 2, SHOP), **changes)


def executed(
    made: Any, existing: Optional[World] = None, *, cache: Optional[ReadCache] = None, check_mode: bool = False
) -> TaskResult:
    """Execute a plan, or a planner that returns one."""
    planner = made if callable(made) else lambda params, cache: made
    session = WorldSession(existing or world(), cache or ReadCache(check_mode=check_mode))
    return execute(cast(Session, session), planner, {}, diff=True)


UPDATE = UpdatePublicizeConnection(50, shared=True)
DELETE = DeletePublicizeConnection(51)


def test_plan_without_operations_changes_nothing() -> None:
    task = executed(Plan(result={"x": 1}))
    assert (task.failed, task.result, task.warnings) == (False, {"x": 1, "changed": False}, [])


def test_operations_are_applied_and_the_record_that_they_leave_is_the_connection() -> None:
    existing = world()
    diff = Diff({"shared": False}, {"shared": True}, "x")
    task = executed(Plan(result={"connection": {"shared": "predicted"}}, diff=diff, operations=(UPDATE,)), existing)
    assert existing.writes == [UPDATE]
    assert task.result["connection"]["shared"] is True
    assert task.result["changed"] is True
    assert task.result["diff"] == {
        "before": {"shared": False},
        "after": {"shared": True},
        "before_header": "x",
        "after_header": "x",
    }


def test_check_mode_applies_nothing_and_predicts() -> None:
    existing = world()
    made = Plan(result={"connection": None}, operations=(DELETE,), follow_ups={"gone": GetKeyringConnection(20)})
    task = executed(made, existing, check_mode=True)
    assert task.result == {"connection": None, "changed": True}
    assert not existing.writes
    assert not existing.reads


@pytest.mark.parametrize(("response", "reported"), [(None, {"gone": True}), ({"id": 20}, {"gone": False})])
def test_follow_ups_report_what_no_longer_exists(response: Any, reported: dict[str, bool]) -> None:
    query = GetKeyringConnection(20)
    existing = world(responses={query: response})
    task = executed(Plan(result={}, operations=(DELETE,), follow_ups={"gone": query}), existing)
    assert task.result == {"changed": True, **reported}
    assert existing.reads == [query]


def test_follow_up_that_cannot_be_read_is_not_reported() -> None:
    query = GetKeyringConnection(20)
    existing = world(responses={query: refusal(500, "server_error")})
    task = executed(Plan(result={}, operations=(DELETE,), follow_ups={"gone": query}), existing)
    assert not task.failed
    assert task.result == {"changed": True}


# Failures


def test_error_of_the_planner_is_the_result_of_the_task() -> None:
    def planner(params: Any, cache: Any) -> Any:
        raise OptionError("Set x.", code="some_code", result={"candidates": [1]})

    task = executed(planner)
    assert task.failed
    assert task.result == {
        "changed": False,
        "candidates": [1],
        "msg": "Set x.",
        "error": {"status": None, "code": "some_code", "message": None, "method": None, "path": None},
    }


def test_error_of_a_query_is_the_result_of_the_task() -> None:
    task = executed(lambda params, cache: cache.read(FindSite("nowhere.example.com")))
    assert task.failed
    assert task.result["changed"] is False
    assert task.result["error"] == {
        "status": 404,
        "code": "unknown_blog",
        "message": "No.",
        "method": "GET",
        "path": "/x",
    }


@pytest.mark.parametrize(
    ("operations", "changed"), [((UPDATE,), False), ((DELETE, UPDATE), True), ((UPDATE, DELETE), False)]
)
def test_failed_operation_fails_the_task_and_what_was_done_before_is_a_change(operations: Any, changed: bool) -> None:
    existing = world(refuses=lambda operation: operation == UPDATE)
    task = executed(Plan(result={"connection": None}, operations=operations, warnings=("w",)), existing)
    assert task.failed
    assert task.result["changed"] is changed
    assert task.result["error"]["code"] == "insert_error"
    assert task.warnings == ["w"]


@pytest.mark.parametrize("changed", [True, False])
def test_operation_that_was_done_in_part_says_itself_whether_it_changed_something(changed: bool) -> None:
    error = WpcomError("Ignored.", result={"changed": changed, "connection": {"id": 50}})
    task = executed(Plan(result={}, operations=(UPDATE,)), world(refuses=lambda operation: error))
    assert task.failed
    assert task.result["changed"] is changed
    assert task.result["connection"] == {"id": 50}


def test_warnings_of_the_options_come_with_those_of_the_plan_and_though_the_task_fails() -> None:
    session = WorldSession(world(), ReadCache())
    session.options = options("http://api.example")
    plan = Plan(result={}, warnings=("from the plan",))
    plain, planned = execute(cast(Session, session), lambda params, cache: plan, {}, diff=True).warnings
    assert "does not use https" in plain
    assert planned == "from the plan"
    failed = execute(cast(Session, session), lambda params, cache: cache.read(FindSite("x")), {}, diff=True)
    assert failed.failed
    assert failed.warnings == [plain]


@pytest.mark.parametrize("interruption", [KeyboardInterrupt, TimeoutError, RuntimeError])
def test_interrupted_task_begins_no_further_request(interruption: Any) -> None:
    session = WorldSession(world(), ReadCache())

    def planner(params: Any, cache: Any) -> Any:
        raise interruption

    with pytest.raises(interruption):
        execute(cast(Session, session), planner, {}, diff=True)
    assert session.interrupted


def test_task_that_ends_by_itself_is_not_interrupted() -> None:
    for planner in (lambda params, cache: Plan(result={}), lambda params, cache: cache.read(FindSite("x"))):
        session = WorldSession(world(), ReadCache())
        execute(cast(Session, session), planner, {}, diff=True)
        assert not session.interrupted


# Caches that outlive a task


def test_what_was_read_is_kept_for_the_next_task() -> None:
    existing, cache = world(), ReadCache()
    for _task in range(2):
        executed(lambda params, cache: Plan(result=cache.read(GetAccount())), existing, cache=cache)
    assert existing.reads == [GetAccount()]


def test_error_is_not_kept_for_the_next_task() -> None:
    existing, cache = world(), ReadCache()
    executed(lambda params, cache: cache.read(FindSite("x")), existing, cache=cache)
    with pytest.raises(ReadsNeeded):
        cache.read(FindSite("x"))


@pytest.mark.parametrize("refuses", [False, True])
def test_what_was_read_before_a_write_is_read_again_also_where_the_write_failed(refuses: bool) -> None:
    cache = ReadCache()
    cache.add(GetAccount(), {"id": 1})
    existing = world(refuses=lambda operation: refuses)
    executed(Plan(result={}, operations=(UPDATE,)), existing, cache=cache)
    with pytest.raises(ReadsNeeded):
        cache.read(GetAccount())


# The schedule


class Scheduled:
    """A plan of numbered operations and a schedule."""

    def __init__(self, schedule: Schedule) -> None:
        """Have an operation for each index."""
        self.schedule = schedule
        self.operations = [DeletePublicizeConnection(index) for index in sorted(sum(schedule.stages, ()))]


class Applier:
    """A session that notes the operations by index, and fails some of them."""

    def __init__(self, *failing: int) -> None:
        """Take the indices of those that fail."""
        self.failing = failing
        self.applied: list[int] = []

    def apply(self, operation: Operation) -> dict[str, Any]:
        """Note an operation."""
        assert isinstance(operation, DeletePublicizeConnection)
        self.applied.append(operation.connection_id)
        if operation.connection_id in self.failing:
            raise WpcomError("No.")
        return {"id": operation.connection_id}


def outcomes(schedule: Schedule, session: Any) -> str:
    """Return a letter for each operation: succeeded, failed, or left out."""
    results: list[OperationResult] = apply(cast(Any, Scheduled(schedule)), session)
    return "".join("l" if each.skipped else "f" if each.error else "s" for each in results)


@pytest.mark.parametrize(
    ("schedule", "failing", "applied", "ended"),
    [
        (Schedule(((0, 1, 2),)), (), [0, 1, 2], "sss"),
        (Schedule(((2,), (0, 1))), (), [2, 0, 1], "sss"),
        # After an error no further operation begins, in no stage.
        (Schedule(((0, 1), (2,))), (0,), [0], "fll"),
        (Schedule(((1,), (0, 2))), (1,), [1], "lfl"),
        (Schedule(((0, 1), (2,)), stop_on_error=False), (0,), [0, 1, 2], "fss"),
        # One of those that are required must have succeeded.
        (Schedule(((0, 1), (2,)), {2: [0, 1]}, stop_on_error=False), (0,), [0, 1, 2], "fss"),
        (Schedule(((0, 1), (2,)), {2: [0, 1]}, stop_on_error=False), (0, 1), [0, 1], "ffl"),
        (Schedule(((0,), (1,), (2,)), {1: [0], 2: [1]}, stop_on_error=False), (0,), [0], "fll"),
    ],
)
def test_schedule_is_followed(schedule: Schedule, failing: tuple[int, ...], applied: list[int], ended: str) -> None:
    session = Applier(*failing)
    assert outcomes(schedule, session) == ended
    assert session.applied == applied


def test_results_are_in_the_order_of_the_operations() -> None:
    results = apply(cast(Any, Scheduled(Schedule(((2,), (0, 1))))), cast(Session, Applier()))
    assert [result.record for result in results] == [{"id": 0}, {"id": 1}, {"id": 2}]


def test_operations_of_a_stage_run_at_once() -> None:
    together = threading.Barrier(3, timeout=10)

    class Meeting(Applier):
        def apply(self, operation: Operation) -> dict[str, Any]:
            together.wait()
            return super().apply(operation)

    assert outcomes(Schedule(((0, 1, 2),), parallel=3), Meeting()) == "sss"
