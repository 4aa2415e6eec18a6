# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Waiting: backoff with jitter, Retry-After, throttling shared by all threads, and interruption."""

from __future__ import annotations

import random
import re
import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import Callable

from .._errors import InterruptedTaskError

# WordPress.com blocks for a minute and starts again with each early request.
LIMIT_REACHED_SECONDS = 60.0


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Return the seconds that Retry-After asks for, as a number or a date; None where it has no usable value."""
    value = headers.get("retry-after", "").strip()
    if re.fullmatch("[0-9]+", value):
        return float(value)
    try:
        return max(0.0, parsedate_to_datetime(value).timestamp() - time.time())
    except (TypeError, ValueError, IndexError, OverflowError):
        return None


def never() -> bool:
    """Do not stop."""
    return False


class Pacer:
    """Decides when requests may begin. The only place that sleeps, and the one that asks whether to ``stop``.

    ``sleep`` may be the ``wait`` of a threading.Event and ``stop`` its ``is_set``, so that setting it also ends a wait.
    """

    def __init__(
        self,
        *,
        max_delay: float,
        parallel: int = 1,
        sleep: Callable[[float], object] = time.sleep,
        jitter: Callable[[], float] = random.random,
        clock: Callable[[], float] = time.monotonic,
        stop: Callable[[], bool] = never,
    ) -> None:
        """Begin without a wait; ``max_delay`` seconds is the longest single wait."""
        self._max_delay = float(max_delay)
        self._parallel = parallel
        self._sleep = sleep
        self._jitter = jitter
        self._clock = clock
        self._stop = stop
        self._resume_at = 0.0
        self._succeeded = 0

    def check_stop(self) -> None:
        """Raise InterruptedTaskError where no further request or wait may begin."""
        if self._stop():
            raise InterruptedTaskError("The task was interrupted. No further request was sent.")

    def sleep(self, seconds: float) -> None:
        """Wait for a number of seconds. Raises InterruptedTaskError."""
        self.check_stop()
        self._sleep(seconds)

    def pause(self, attempt: int, wait: float | None) -> None:
        """Wait for ``wait`` seconds, or if None, as exponential backoff with full jitter requires.

        Raises InterruptedTaskError.
        """
        seconds = self._longest_pause(attempt, wait) * (self._jitter() if wait is None else 1)
        if seconds > 0:
            self.sleep(seconds)

    def wait_for_turn(self) -> None:
        """Wait as long as the server asked any thread to wait, then let the threads go one by one.

        Raises InterruptedTaskError.
        """
        while self._parallel > 1 and (remaining := self._resume_at - self._clock()) > 0:
            self.sleep(remaining + self._jitter() * min(1.0, remaining))
        self.check_stop()

    def hold_back(self, attempt: int, wait: float | None) -> None:
        """Have all threads wait, whether or not the one that was throttled sends its request again."""
        self._resume_at = max(self._resume_at, self._clock() + self._longest_pause(attempt, wait))

    def succeed(self) -> None:
        """Count a request that the server accepted."""
        self._succeeded += 1

    @property
    def succeeded(self) -> int:
        """The number of requests that the server accepted, of all threads."""
        return self._succeeded

    def _longest_pause(self, attempt: int, wait: float | None) -> float:
        return min(self._max_delay, float(2**attempt) if wait is None else wait)
