# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Doing something for several things in parallel."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Sequence
from queue import Empty, SimpleQueue
from typing import Any, Callable, TypeVar, cast

# Seconds.
SIGNAL_INTERVAL = 0.5
T = TypeVar("T")
R = TypeVar("R")


def for_each(work: Callable[[T], R], items: Sequence[T], parallel: int) -> list[R]:
    """Return what the work makes of each item, at most ``parallel`` items together; an exception of a thread is raised here.

    An exception that interrupts the waiting, such as the timeout of a task, is raised immediately: the threads begin nothing
    more and are not waited for, not even at the end of the process, as those of the standard library's pools are.
    """
    workers = min(parallel, len(items))
    if workers <= 1:
        return [work(item) for item in items]
    waiting = deque(range(len(items)))
    results: list[Any] = [None] * len(items)
    ended: SimpleQueue[BaseException | None] = SimpleQueue()

    def next_index() -> int | None:
        try:
            return waiting.popleft()
        except IndexError:
            return None

    def run() -> None:
        try:
            for index in iter(next_index, None):
                results[index] = work(items[index])
        except BaseException as error:
            waiting.clear()
            ended.put(error)
        else:
            ended.put(None)

    try:
        for _number in range(workers):
            threading.Thread(target=run, daemon=True).start()
        for _number in range(workers):
            error = _wait_for(ended)
            if error is not None:
                raise error
    finally:
        waiting.clear()
    return cast("list[R]", results)


def _wait_for(ended: SimpleQueue[BaseException | None]) -> BaseException | None:
    """Return the next item of the queue."""
    while True:
        try:
            # A signal that the system hands to another thread does not end the waiting here, where Python handles signals.
            return ended.get(timeout=SIGNAL_INTERVAL)
        except Empty:
            pass
