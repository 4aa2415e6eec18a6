# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How often and when requests are sent again, throttling of all threads, and interruption."""

from __future__ import annotations

import threading
import time
from datetime import datetime, timedelta, timezone
from email.utils import format_datetime
from typing import Any, Callable, Optional

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.community.wpcom.plugins.module_utils._errors import (
    ApiError,
    IndeterminateWriteError,
    InterruptedTaskError,
)
from ansible_collections.community.wpcom.plugins.module_utils._http.retry import Pacer, retry_after
from ansible_collections.community.wpcom.plugins.module_utils._http.transport import Transport
from ansible_collections.community.wpcom.tests.simulator import Simulator
from ansible_collections.community.wpcom.tests.unit.plugins.module_utils._http.support import (
    ME,
    OK,
    failure,
    read,
    write,
    write_failure,
)
from ansible_collections.community.wpcom.tests.unit.support import (
    NOWHERE,
    Naps,
    Script,
    json_response,
    options,
    page,
    transport,
)

HTML_LIMIT = "<html><body><h1>Limit reached</h1></body></html>"


@pytest.mark.parametrize("retries", [0, 1, 3])
def test_retries_are_counted(simulator: Simulator, retries: int) -> None:
    simulator.fault(path="/me", kind="status", status=503, times=-1)
    naps = Naps()
    error = failure(transport(simulator.url, retries=retries, naps=naps))
    assert isinstance(error, ApiError)
    assert error.status == 503
    assert len(simulator.requests()) == retries + 1
    assert len(naps) == retries


def test_backoff_doubles_up_to_the_longest_delay() -> None:
    naps = Naps()
    failure(transport(script=Script(page("", 502)), naps=naps, retries=6, retry_max_delay=10))
    assert naps == [1, 2, 4, 8, 10, 10]


def test_jitter_is_full() -> None:
    """A wait may be as short as nothing, so that many hosts do not return together."""
    naps = Naps()
    failure(transport(script=Script(page("", 502)), naps=naps, jitter=0.0))
    assert naps == []
    failure(transport(script=Script(page("", 502)), naps=naps, jitter=0.25))
    assert naps == [0.25, 0.5, 1.0]


@given(
    attempt=st.integers(0, 40),
    jitter=st.floats(0, 1),
    longest=st.integers(0, 600),
    wait=st.none() | st.floats(0, 1e300),
)
def test_wait_is_bounded(attempt: int, jitter: float, longest: int, wait: Optional[float]) -> None:
    """No wait is negative or longer than retry_max_delay."""
    naps = Naps()
    transport(naps=naps, jitter=jitter, retry_max_delay=longest).pause(attempt, wait)
    assert all(0 < nap <= longest for nap in naps)
    if wait is not None:
        assert sum(naps) == min(wait, longest)


def test_retry_after_as_a_date_soon() -> None:
    naps = Naps()
    soon = format_datetime(datetime.now(timezone.utc) + timedelta(seconds=30), usegmt=True)
    assert read(transport(script=Script(page("", 503, Retry_After=soon), OK), naps=naps)) == ME
    assert 20 < naps[0] <= 30


@pytest.mark.parametrize(
    ("header", "low", "high"),
    [
        ("7", 7, 7),
        (" 7 ", 7, 7),
        ("007", 7, 7),
        ("61", 60, 60),
        ("999999999999", 60, 60),
        ("9" * 400, 60, 60),
        ("Fri, 01 Jan 2100 00:00:00 GMT", 60, 60),
        # Unusable: as if nothing had been said.
        ("soon", 1, 1),
        ("-5", 1, 1),
        ("1.5", 1, 1),
        ("\u0661", 1, 1),
        ("", 1, 1),
        ("Mon, 99 Xyz 2030 99:99:99 GMT", 1, 1),
        ("Sat, 01 Jan 99999 00:00:00 GMT", 1, 1),
        (";" * 1000, 1, 1),
    ],
)
@pytest.mark.parametrize("status", [429, 503])
def test_retry_after(header: str, low: float, high: float, status: int) -> None:
    naps = Naps()
    busy = json_response({"error": "busy", "message": ""}, status, Retry_After=header)
    assert read(transport(script=Script(busy, OK), naps=naps)) == ME
    assert len(naps) == 1
    assert low <= naps[0] <= high


@pytest.mark.parametrize("header", ["0", "Wed, 21 Oct 2015 07:28:00 GMT", "Thu, 01 Jan 1970 00:00:00 -0000"])
def test_retry_after_of_now(header: str) -> None:
    naps = Naps()
    busy = json_response({"error": "busy", "message": ""}, 429, Retry_After=header)
    assert read(transport(script=Script(busy, OK), naps=naps)) == ME
    assert naps == []


@pytest.mark.parametrize(("longest", "waited"), [(60, 60), (600, 60), (5, 5)])
@pytest.mark.parametrize("status", [403, 500, 503])
def test_limit_reached_waits_a_minute(longest: int, waited: float, status: int) -> None:
    """An early request prolongs the block, whatever the status is."""
    naps = Naps()
    made = transport(script=Script(page(HTML_LIMIT, status), OK), naps=naps, retry_max_delay=longest, jitter=0.1)
    assert read(made) == ME
    assert naps == [waited]


def test_limit_reached_for_ever(simulator: Simulator) -> None:
    simulator.fault(path="/me", kind="limit_reached", times=-1)
    naps = Naps()
    error = failure(transport(simulator.url, naps=naps))
    assert naps == [60, 60, 60]
    assert error.status == 500
    assert "throttled" in error.message
    assert "retry_max_delay" in error.message
    assert "<h1>" not in error.message


def test_write_is_retried_on_429_only(simulator: Simulator) -> None:
    simulator.fault(method="POST", kind="throttle", retry_after=4, times=2)
    naps = Naps()
    assert write(transport(simulator.url, naps=naps)) == {"ID": 5001, "deleted": True}
    assert naps == [4, 4]
    assert [(entry["status"], entry["applied"]) for entry in simulator.requests()] == [
        (429, False),
        (429, False),
        (200, True),
    ]


def test_write_refused_for_ever(simulator: Simulator) -> None:
    simulator.fault(method="POST", kind="throttle", times=-1)
    error = write_failure(transport(simulator.url, retries=2))
    assert isinstance(error, ApiError)
    assert error.status == 429
    assert len(simulator.requests()) == 3


class Clock:
    """A clock that advances with each wait; during a wait other threads may send requests, one each time."""

    def __init__(self) -> None:
        """Begin at zero."""
        self.now = 0.0
        self.meanwhile: list[Any] = []
        self._at_work = False

    def __call__(self) -> float:
        """Return the time."""
        return self.now

    def sleep(self, seconds: float) -> None:
        """Advance."""
        if self.meanwhile and not self._at_work:
            self._at_work = True
            self.meanwhile.pop()()
            self._at_work = False
        self.now += seconds


def shared_transport(clock: Clock, script: Script, **changes: Any) -> Transport:
    """Return a transport that several threads share."""
    return transport(script=script, naps=clock.sleep, jitter=0.0, parallel=4, clock=clock, **changes)


def test_throttling_holds_back_all_threads_also_without_retries() -> None:
    clock = Clock()
    made = shared_transport(clock, Script(page("", 429, Retry_After="5"), OK), retries=0)
    write_failure(made)
    assert clock.now == 0
    assert write(made) == ME
    assert clock.now == 5


def test_attempt_does_not_count_while_other_threads_succeed() -> None:
    clock = Clock()
    limit = page("", 429, Retry_After="1")
    script = Script(limit, OK, limit, OK, limit, OK, OK)
    made = shared_transport(clock, script, retries=1)
    clock.meanwhile += [lambda: write(made)] * 3
    assert write(made) == ME
    assert len(script.sent) == 7
    # Without other threads every attempt counts.
    script = Script(limit)
    made = shared_transport(Clock(), script, retries=1)
    write_failure(made)
    assert len(script.sent) == 2


def test_attempt_that_is_not_throttled_counts_while_other_threads_succeed() -> None:
    clock = Clock()
    busy = page("", 503, Retry_After="1")
    script = Script(busy, OK, busy, OK, busy)
    made = shared_transport(clock, script, retries=1)
    clock.meanwhile += [lambda: write(made)] * 2
    failure(made)
    assert len(script.sent) == 3


def test_wait_is_checked_again_when_it_ends() -> None:
    clock = Clock()
    limit = page("", 429, Retry_After="60")
    made = shared_transport(clock, Script(page("", 429, Retry_After="5"), limit, OK), retries=0)
    write_failure(made)
    clock.meanwhile.append(lambda: write_failure(made))
    assert write(made) == ME
    assert clock.now == 5 + 60


class Switch:
    """Stops a transport once it is set; it can be set by a wait or by a response."""

    def __init__(self) -> None:
        """Do not stop yet."""
        self.is_set = False
        self.waits: list[float] = []
        self.set_by_waiting = False

    def __call__(self) -> bool:
        """Return whether to stop."""
        return self.is_set

    def wait(self, seconds: float) -> None:
        """Note a wait."""
        self.waits.append(seconds)
        self.is_set = self.is_set or self.set_by_waiting


class StoppingScript(Script):
    """Sets a switch while a request is under way."""

    def __init__(self, switch: Switch, *responses: Any) -> None:
        """Take the responses."""
        super().__init__(*responses)
        self._switch = switch

    def send(self, *arguments: Any, **more: Any) -> Any:
        """Set the switch and respond."""
        self._switch.is_set = True
        return super().send(*arguments, **more)


def stoppable_transport(switch: Switch, script: Script, *, parallel: int = 1) -> Transport:
    """Return a transport that a switch stops."""
    made = Transport(
        options(),
        check_mode=False,
        parallel=parallel,
        sleep=switch.wait,
        jitter=lambda: 1.0,
        clock=Clock(),
        stop=switch,
    )
    made._session.mount(NOWHERE, script)
    return made


@pytest.mark.parametrize("send", [read, write])
def test_no_request_begins_after_a_stop(send: Callable[[Transport], Any]) -> None:
    switch, script = Switch(), Script(OK)
    made = stoppable_transport(switch, script)
    assert send(made) == ME
    switch.is_set = True
    with pytest.raises(InterruptedTaskError) as caught:
        send(made)
    assert caught.value.as_result()["error"]["code"] == "interrupted"
    assert "interrupted" in caught.value.message
    assert len(script.sent) == 1


@pytest.mark.parametrize("send", [read, write])
def test_no_wait_begins_after_a_stop(send: Callable[[Transport], Any]) -> None:
    switch = Switch()
    script = StoppingScript(switch, page("", 429, Retry_After="5"), OK)
    with pytest.raises(InterruptedTaskError):
        send(stoppable_transport(switch, script))
    assert len(script.sent) == 1
    assert switch.waits == []


@pytest.mark.parametrize("send", [read, write])
def test_no_request_begins_after_a_stop_during_a_wait(send: Callable[[Transport], Any]) -> None:
    switch, script = Switch(), Script(page("", 429, Retry_After="5"), OK)
    switch.set_by_waiting = True
    with pytest.raises(InterruptedTaskError):
        send(stoppable_transport(switch, script))
    assert len(script.sent) == 1
    assert switch.waits == [5]


def test_no_request_begins_after_a_stop_while_all_threads_are_held_back() -> None:
    switch, script = Switch(), Script(page("", 429, Retry_After="5"), OK)
    made = stoppable_transport(switch, script, parallel=4)
    switch.set_by_waiting = True
    with pytest.raises(InterruptedTaskError):
        read(made)
    # The thread that was throttled waited, a second one is not even held back.
    with pytest.raises(InterruptedTaskError):
        read(made)
    assert len(script.sent) == 1
    assert switch.waits == [5]


def test_response_to_a_request_under_way_is_not_lost_by_a_stop() -> None:
    """A request that was sent is brought to its end: only so is it known whether a write was performed."""
    switch = Switch()
    assert write(stoppable_transport(switch, StoppingScript(switch, OK))) == ME
    switch = Switch()
    error = write_failure(stoppable_transport(switch, StoppingScript(switch, page("", 502))))
    assert isinstance(error, IndeterminateWriteError)


def test_waits_of_the_callers_are_stopped_too() -> None:
    switch = Switch()
    made = stoppable_transport(switch, Script(OK))
    made.sleep(7)
    made.pause(1, None)
    assert switch.waits == [7, 2]
    switch.is_set = True
    with pytest.raises(InterruptedTaskError):
        made.sleep(7)
    with pytest.raises(InterruptedTaskError):
        made.pause(1, None)
    assert switch.waits == [7, 2]


def test_event_ends_a_wait() -> None:
    event = threading.Event()
    pacer = Pacer(max_delay=60, sleep=event.wait, stop=event.is_set)
    timer = threading.Timer(0.1, event.set)
    timer.start()
    began = time.monotonic()
    pacer.sleep(60)
    assert time.monotonic() - began < 30
    with pytest.raises(InterruptedTaskError):
        pacer.check_stop()
    timer.join()


def test_nothing_stops_by_default() -> None:
    naps = Naps()
    Pacer(max_delay=60, sleep=naps).sleep(3)
    assert naps == [3]


@pytest.mark.parametrize(
    ("value", "seconds"), [("7", 7), (" 007 ", 7), ("", None), ("1.5", None), ("\u0661", None), ("-5", None)]
)
def test_retry_after_as_a_number(value: str, seconds: Optional[float]) -> None:
    assert retry_after({"retry-after": value}) == seconds


def test_no_retry_after() -> None:
    assert retry_after({}) is None
