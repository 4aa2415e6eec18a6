# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Making the calls of a plan: what it looks at, and its operations, at once where it allows it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from ansible_collections.community.wpcom.plugins.module_utils._errors import WpcomError
from ansible_collections.community.wpcom.plugins.module_utils._plan import Plan
from ansible_collections.community.wpcom.plugins.module_utils._snapshot import Call, Done


def read_all(calls: Sequence[Call], perform: Callable[[Call], Any], parallel: int) -> list[Any]:
    """Return for each call its answer or the WpcomError it ended with, so many at once."""

    def one(call: Call) -> Any:
        try:
            return perform(call)
        except WpcomError as error:
            return error

    if parallel == 1 or len(calls) == 1:
        return [one(call) for call in calls]
    with ThreadPoolExecutor(max_workers=min(parallel, len(calls))) as pool:
        return list(pool.map(one, calls))


def carry_out(plan: Plan, perform: Callable[[Call], Any]) -> list[Done]:
    """Return how each operation ended, in their order; after an error no further one begins where the plan says stop."""
    done = [Done(skipped=True)] * len(plan.operations)
    failed = False

    def one(index: int) -> None:
        nonlocal failed
        if failed and plan.stop_on_error:
            return
        try:
            done[index] = Done(answer=perform(plan.operations[index]))
        except WpcomError as error:
            done[index] = Done(error=error)
            failed = True

    for stage in plan.stages:
        if plan.parallel > 1 and len(stage) > 1:
            with ThreadPoolExecutor(max_workers=min(plan.parallel, len(stage))) as pool:
                # The results are taken so that an unforeseen exception of a thread surfaces here.
                list(pool.map(one, stage))
        else:
            for index in stage:
                one(index)
    return done
