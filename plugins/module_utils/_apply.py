# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Making the calls of a plan: what it looks at, and its operations, at once where it allows it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from ansible_collections.community.wpcom.plugins.module_utils._errors import WpcomError
from ansible_collections.community.wpcom.plugins.module_utils._plan import Plan
from ansible_collections.community.wpcom.plugins.module_utils._snapshot import Call, Done

T = TypeVar("T")
R = TypeVar("R")


def read_all(calls: Sequence[Call], perform: Callable[[Call], Any], parallel: int) -> list[Any]:
    """Return for each call its answer or the WpcomError it ended with, so many at once."""

    def one(call: Call) -> Any:
        try:
            return perform(call)
        except WpcomError as error:
            return error

    return _for_each(one, calls, parallel)


def carry_out(plan: Plan, perform: Callable[[Call], Any]) -> list[Done]:
    """Return how each operation ended, in their order; after an error no further one begins where the plan says stop."""
    done = [Done(skipped=True)] * len(plan.operations)
    failed = False

    def one(index: int) -> None:
        nonlocal failed
        if failed and plan.stop_on_error:
            return
        if index in plan.needs and not any(done[earlier].answered for earlier in plan.needs[index]):
            return
        try:
            done[index] = Done(answer=perform(plan.operations[index]))
        except WpcomError as error:
            done[index] = Done(error=error)
            failed = True

    for stage in plan.stages:
        _for_each(one, stage, plan.parallel)
    return done


def _for_each(work: Callable[[T], R], items: Sequence[T], parallel: int) -> list[R]:
    """Return what the work makes of each item, so many at once; an exception of a thread surfaces here."""
    workers = min(parallel, len(items))
    if workers <= 1:
        return [work(item) for item in items]
    with ThreadPoolExecutor(max_workers=workers) as pool:
        return list(pool.map(work, items))
