# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Writes that are confirmed before they count as done."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Callable, TypeVar

from .._errors import (
    ApiError,
    ConnectError,
    IgnoredWriteError,
    IndeterminateWriteError,
    ResponseError,
    UnconfirmedWriteError,
    WpcomError,
)
from .._http.request import Request
from .._http.transport import Transport
from .._records.record import Record

T = TypeVar("T")


def confirmed(
    transport: Transport, send: Callable[[], T], read_back: Callable[[], T | None], *, creates: bool = False
) -> tuple[T, IndeterminateWriteError | None]:
    """Return the response of a write, and the error of an earlier attempt where it was sent more than once.

    Where a response is lost the truth is read back; a write that turns out not to be done is sent again, up to ``retries``
    times. ``creates`` marks a write that would do harm if it were done twice. Raises WpcomError.

        POST new -> connection lost; the list lacks it       -> not done: send it again
        POST new -> HTTP 502;        the list lacks it       -> not done: send it again, while retries are left
        POST new -> timeout;         the list has connection 9, which was not there before -> done: 9 is the response
    """
    earlier: IndeterminateWriteError | None = None
    for attempt in range(transport.retries + 1):
        try:
            return send(), earlier
        except IndeterminateWriteError as error:
            lost = error
        except (ApiError, ConnectError, ResponseError) as refusal:
            if earlier is None:
                raise
            # An earlier attempt may have been done, late perhaps, so that this one was refused for it.
            late = IndeterminateWriteError(refusal, wait=0, timed_out=False)
            done = _read_back(transport, late, read_back, attempt, patient=False)
            if done is None:
                raise
            return done, earlier
        done = _read_back(transport, lost, read_back, attempt, patient=creates)
        if done is not None:
            return done, earlier
        # One that timed out may be done later than any other.
        earlier = lost if earlier is None or lost.timed_out else earlier
    lost.message += " It was read back afterwards: nothing was written."
    raise lost


def delete(transport: Transport, request: Request, send: Callable[[], bool], is_gone: Callable[[], bool]) -> bool:
    """Delete, and return whether it was this request that did: a target that is already gone is success, too.

    Raises IgnoredWriteError, WpcomError.
    """
    was_gone = False

    def attempt() -> bool:
        nonlocal was_gone
        try:
            return send()
        except ApiError as error:
            was_gone = error.is_not_found or (error.is_empty_not_found and is_gone())
            if was_gone:
                return True
            raise

    deleted, lost = confirmed(transport, attempt, lambda: is_gone() or None)
    if not deleted:
        raise IgnoredWriteError(
            f"Could not {request.action}: the server accepted the request, but reports that it did not delete it.",
            method=request.method,
            path=request.path,
        )
    # Where an attempt was lost before, that one has deleted it.
    return lost is not None or not was_gone


def verified(
    record: Record, expected: Mapping[str, Any], request: Request, *, previous: Mapping[str, Any] | None = None
) -> Record:
    """Return the record where it holds what the write asked for; ``previous`` is None where it did not exist before.

    Raises IgnoredWriteError, which reports a change only where there is one.
    """
    differing = differences(record, expected)
    if differing:
        listed = ", ".join(f"{key} is {record.get(key)!r} instead of {expected[key]!r}" for key in differing)
        raise IgnoredWriteError(
            f"The server accepted the request to {request.action}, but did not do all of it: {listed}. "
            "Run the task again. If the result is the same, the service or the site does not support this value.",
            method=request.method,
            path=request.path,
            result={"connection": record, "changed": previous is None or bool(differences(record, previous))},
        )
    return record


def differences(record: Record, expected: Mapping[str, Any]) -> list[str]:
    """Return the keys in which a record is not as expected."""
    return [key for key, value in expected.items() if record.get(key) != value]


def _read_back(
    transport: Transport,
    lost: IndeterminateWriteError,
    read_back: Callable[[], T | None],
    attempt: int,
    *,
    patient: bool,
) -> T | None:
    """Return what a write whose response was lost has made, None where it was not done."""
    # A server that timed out may still be at work: read more than once before the write is repeated.
    reads = max(1, transport.retries) if lost.timed_out else 1
    try:
        for read in range(reads):
            transport.pause(attempt + read, lost.wait)
            done = read_back()
            if done is not None:
                return done
        if lost.timed_out and patient:
            transport.sleep(transport.timeout)
            return read_back()
    except WpcomError as error:
        raise UnconfirmedWriteError(
            f"{lost.message} Whether it was done could not be read back: {error.message} "
            "Run the task again: it reads the current state and does what is left to do.",
            lost,
        ) from None
    return None
