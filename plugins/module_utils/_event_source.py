# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The event source ``connection_health`` of Event-Driven Ansible: its arguments, its state file, and its endless loop."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import tempfile
import threading
from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Callable, Protocol, TypeVar

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

from ._cache.evaluate import evaluate
from ._cache.read_cache import ReadCache
from ._errors import ApiError, ConnectError, InterruptedTaskError, OptionError, ResponseError, WpcomError
from ._events import Event, State, changes, from_document, is_of_another_user, outage, to_document, without
from ._http.transport import HAS_REQUESTS
from ._options import ConnectionOptions, connection_argument_spec
from ._plan.connection_health import ConnectionHealth, plan_connection_health
from ._plan.validation import valid_site
from ._records.health import EXPIRING_WITHIN_DAYS
from ._records.record import Records
from ._session import Session, SessionSettings

T = TypeVar("T")

NAME = "community.wpcom.connection_health"
# The arguments in addition to the connection options.
ARGUMENTS: dict[str, dict[str, Any]] = {
    "interval": {"type": "int", "default": 900},
    "test": {"type": "bool", "default": False},
    "expiring_within": {"type": "int", "default": EXPIRING_WITHIN_DAYS},
    "sites": {"type": "list", "elements": "str"},
    "report_existing": {"type": "bool", "default": True},
    "state_file": {"type": "path"},
}
# From a second to a week, and from now to a hundred years.
BOUNDS = {"interval": (1, 604800), "expiring_within": (0, 36500)}
_KINDS = {
    "str": "a text",
    "path": "a path",
    "int": "a whole number",
    "bool": "true or false",
    "list": "a list of texts",
}
_TEXTS: Mapping[str, tuple[type, ...]] = {"str": (str, int), "path": (str, os.PathLike)}
# Seconds: the first wait after a failure, where the interval is not shorter, and the longest one.
FIRST_WAIT, LONGEST_WAIT = 60, 900

_log = logging.getLogger(NAME)


class EventSourceError(Exception):
    """What ends the event source; its text says what failed and what to do."""


class Queue(Protocol):
    """What takes the events."""

    async def put(self, item: Any) -> None:
        """Take an event, as soon as there is room for it."""


@dataclass(frozen=True)
class Arguments:
    """The validated arguments; ``connection`` are the connection options as a task has them, ``interval`` is in seconds."""

    connection: Mapping[str, Any]
    interval: int
    test: bool
    expiring_within: int
    sites: tuple[str, ...]
    report_existing: bool
    state_file: str | None

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> Arguments:
        """Return the arguments as a rulebook sets them; what is null counts as not set. Raises OptionError."""
        spec = argument_spec()
        unknown = [str(name) for name in given if name not in spec]
        if unknown:
            raise OptionError(
                f"Unsupported arguments: {', '.join(sorted(unknown))}. Supported arguments are: {', '.join(sorted(spec))}."
            )
        values = _converted(spec, {name: value for name, value in given.items() if value is not None})
        for name, (lowest, highest) in BOUNDS.items():
            if isinstance(values[name], bool) or not lowest <= values[name] <= highest:
                raise OptionError(f"{name} must be a number from {lowest} to {highest}, got {values[name]}.")
        # Each session reads them again; here wrong ones are reported at the beginning.
        ConnectionOptions.from_params(values)
        return cls(
            connection={name: values[name] for name in connection_argument_spec()},
            interval=values["interval"],
            test=values["test"],
            expiring_within=values["expiring_within"],
            sites=tuple(dict.fromkeys(_valid_site(site) for site in values["sites"] or ())),
            report_existing=values["report_existing"],
            state_file=values["state_file"] or None,
        )


def argument_spec() -> dict[str, dict[str, Any]]:
    """Return the argument spec of all arguments."""
    return {**connection_argument_spec(), **ARGUMENTS}


def _converted(spec: Mapping[str, Mapping[str, Any]], given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values of all arguments as Ansible converts those of a module. Raises OptionError."""
    values: dict[str, Any] = {}
    for name, rule in spec.items():
        if rule["type"] in _TEXTS and not isinstance(given.get(name, ""), _TEXTS[rule["type"]]):
            # Ansible would make a text of it, and of a list the name of a file.
            raise _of_another_type(name, rule, given)
        # One by one: the messages of Ansible are about the types of Python.
        result = ArgumentSpecValidator({name: rule}).validate({name: given[name]} if name in given else {})
        if result.error_messages:
            raise _of_another_type(name, rule, given)
        values.update(result.validated_parameters)
    return values


def _of_another_type(name: str, rule: Mapping[str, Any], given: Mapping[str, Any]) -> OptionError:
    """Return the error of an argument, without the value of a secret."""
    got = repr(given[name]) if name in given else "another value in its environment variable"
    return OptionError(f"{name} must be {_KINDS[rule['type']]}, got {'another value' if rule.get('no_log') else got}.")


def _valid_site(site: str) -> str:
    try:
        return str(valid_site(site))
    except OptionError as error:
        raise OptionError(f"sites: {error.message}") from None


class StateFile:
    """The file that keeps the state over a restart; without a path nothing is kept."""

    def __init__(self, path: str | None) -> None:
        """Read nothing yet; a link is followed, so that the file that it leads to is replaced, not the link."""
        self._path = os.path.realpath(path) if path else None
        self._subject = f"state_file {path!r}"
        self._kept: State | None = None

    def read(self) -> State:
        """Return the state that was kept, an empty one where there is none. Raises OptionError."""
        if self._path is None:
            return State()
        folder = os.path.dirname(self._path)
        if not os.path.isdir(folder) or not os.access(folder, os.W_OK | os.X_OK):
            raise OptionError(
                f"{self._subject} cannot be written: create the directory, and allow this user to write to it."
            )
        if os.path.exists(self._path) and not os.path.isfile(self._path):
            raise OptionError(f"{self._subject} is not a file: set state_file to the path of a file.")
        try:
            with open(self._path, encoding="utf-8") as file:
                text = file.read()
        except FileNotFoundError:
            return State()
        except OSError as error:
            raise OptionError(f"{self._subject} cannot be read ({error.strerror}): correct its permissions.") from None
        except UnicodeDecodeError:
            raise self._unusable("it is not a text file") from None
        if not text:
            return State()
        try:
            document = json.loads(text)
        except (ValueError, RecursionError):
            raise self._unusable("it is not JSON") from None
        try:
            self._kept = from_document(document)
        except ValueError as error:
            raise self._unusable(str(error)) from None
        return self._kept

    def _unusable(self, reason: str) -> OptionError:
        # Not replaced silently: it may be a file of something else.
        return OptionError(
            f"{self._subject} is not a state of this event source: {reason}. "
            "Delete the file to begin without a state, or set state_file to another path."
        )

    def check_user(self, records: Records) -> None:
        """Refuse a state of another user, whose connections all seem to be deleted. Raises OptionError."""
        if self._kept is not None and is_of_another_user(self._kept, records):
            raise OptionError(
                f"{self._subject} has the connections of another WordPress.com user: "
                "set state_file to another path for each user."
            )

    def write(self, state: State) -> None:
        """Keep a state, completely or not at all; where that fails the next state is kept."""
        if self._path is None or state == self._kept:
            return
        text = json.dumps(to_document(state), indent=1) + "\n"
        try:
            # Such a file is readable by its owner only.
            handle, temporary = tempfile.mkstemp(prefix=".connection_health-", dir=os.path.dirname(self._path))
            try:
                with open(handle, "w", encoding="utf-8") as file:
                    file.write(text)
                    file.flush()
                    os.fsync(file.fileno())
                os.replace(temporary, self._path)
            except BaseException:
                os.unlink(temporary)
                raise
        except OSError as error:
            _log.error(
                "%s cannot be written (%s): events may be repeated after a restart.", self._subject, error.strerror
            )
        else:
            self._kept = state


@dataclass(frozen=True)
class Reading:
    """What was read: the connections, whether each entry of their list has an ID, and what to warn of."""

    health: ConnectionHealth
    complete: bool
    warnings: tuple[str, ...]


class Poll:
    """One reading of the connections, in a thread, which another thread may interrupt."""

    def __init__(self, arguments: Arguments, sites: Sequence[str | int]) -> None:
        """Read nothing yet."""
        self._arguments = arguments
        self._sites = sites
        self._stopped = threading.Event()
        self._session: Session | None = None

    def run(self) -> Reading:
        """Return what was read. Raises WpcomError."""
        arguments = self._arguments
        # A session for each: the health depends on the time, and the token may have been replaced.
        session = Session(
            ConnectionOptions.from_params(arguments.connection),
            ReadCache(),
            SessionSettings(expiring_within=arguments.expiring_within),
            stop=self._stopped.is_set,
        )
        self._session = session
        try:
            health = evaluate(
                lambda cache: plan_connection_health(self._sites, cache, test=arguments.test),
                session.cache,
                session.fetch_all,
            )
            return Reading(health, not session.has_unidentified_connections, tuple(sorted(session.warnings)))
        finally:
            session.close()

    def interrupt(self) -> None:
        """Have no further request or wait begin."""
        self._stopped.set()
        if self._session is not None:
            self._session.interrupt()


async def in_thread(work: Callable[[], T]) -> T:
    """Return what the work returns, which is done in a thread of its own.

    Not asyncio.to_thread: the end of the program would wait for a request that has no response yet.
    """
    loop = asyncio.get_running_loop()
    future: asyncio.Future[T] = loop.create_future()

    def finish(set_outcome: Callable[[Any], None], outcome: Any) -> None:
        if not future.done():
            set_outcome(outcome)

    def run() -> None:
        try:
            outcome = (future.set_result, work())
        except BaseException as error:
            outcome = (future.set_exception, error)  # type: ignore[assignment]
        try:
            loop.call_soon_threadsafe(finish, *outcome)
        except RuntimeError:
            # The loop is closed: nothing waits for the outcome any more.
            pass

    threading.Thread(target=run, daemon=True).start()
    return await future


async def read(arguments: Arguments, sites: Sequence[str | int]) -> Reading:
    """Return what was read. Raises WpcomError; where it is cancelled, no further request begins."""
    poll = Poll(arguments, sites)
    try:
        return await in_thread(poll.run)
    except asyncio.CancelledError:
        poll.interrupt()
        raise


def is_temporary(error: WpcomError) -> bool:
    """Whether an error is of the network or the server, so that the same request may succeed later."""
    if isinstance(error, ApiError):
        # A refusal without a code of the API is that of something between.
        return (error.status or 500) >= 500 or error.status == 429 or not error.code
    return isinstance(error, (ConnectError, ResponseError))


def wait_after(error: WpcomError, failures: int, interval: int) -> int:
    """Return the seconds to wait after an error, the ``failures``-th one in a row."""
    wait = min(LONGEST_WAIT, min(interval, FIRST_WAIT) << min(failures - 1, 16))
    # WordPress.com blocks for a minute where it was asked too often, and starts again with each early request.
    return max(wait, 60) if isinstance(error, ApiError) else wait


async def watch(
    queue: Queue, given: Mapping[str, Any], *, sleep: Callable[[float], Awaitable[Any]] = asyncio.sleep
) -> None:
    """Put an event into the queue for each change, without end.

    Requests: the user's publicize connections, keyring connections and services at each interval, the sites at the
    beginning. Raises EventSourceError with what has to be done by a user, and CancelledError.
    """
    if not HAS_REQUESTS:
        raise EventSourceError(
            f"{NAME} requires the Python library requests: install it in the Python environment of ansible-rulebook."
        )
    try:
        await _watch(queue, Arguments.of(given), sleep)
    except WpcomError as error:
        raise EventSourceError(error.message) from None


async def _watch(queue: Queue, arguments: Arguments, sleep: Callable[[float], Awaitable[Any]]) -> None:
    kept = StateFile(arguments.state_file)
    state = kept.read()
    sites: tuple[str | int, ...] = arguments.sites
    warned: tuple[str, ...] = ()
    failures = 0
    while True:
        try:
            reading = await read(arguments, sites)
        except InterruptedTaskError:
            # The process that started this one has ended.
            continue
        except WpcomError as error:
            if not is_temporary(error):
                raise
            failures += 1
            wait = wait_after(error, failures, arguments.interval)
            _log.warning("%s The next attempt is in %d seconds.", error.message, wait)
            events, after = outage(state)
        else:
            failures, wait = 0, arguments.interval
            records, site_ids = reading.health.records, reading.health.site_ids
            kept.check_user(records)
            if reading.warnings != warned:
                warned = reading.warnings
                if warned:
                    _log.warning("%s", " ".join(warned))
            # A site that is given another name is still the same one.
            sites = tuple(sorted(site_ids or ()))
            events, after = changes(
                state,
                records,
                site_ids=site_ids,
                report_existing=arguments.report_existing,
                complete=reading.complete,
            )
        state = await _deliver(queue, events, state, after, kept)
        await sleep(wait)


async def _deliver(queue: Queue, events: Sequence[Event], before: State, after: State, kept: StateFile) -> State:
    """Put events into the queue and keep the state after them; where it is cancelled, that without those which are left."""
    delivered = 0
    try:
        for event in events:
            await queue.put(event)
            delivered += 1
            # Rules are to be evaluated before the next event.
            await asyncio.sleep(0)
    finally:
        kept.write(without(events[delivered:], before, after))
    return after
