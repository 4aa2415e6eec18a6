# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What all requests share: the world, switches, settings, faults and the request log, behind one lock."""

from __future__ import annotations

import random
import re
import threading
import time
from collections.abc import Mapping
from datetime import datetime, timezone
from typing import Any, Optional

from flask import Response

from . import switches as switch_table
from .faults import Fault, FaultError, throttled
from .world import Record, World, WorldError, WorldSource, load_document

STATE_SECTIONS = ("publicize_connections", "keyring_connections", "applications", "sites", "users", "services")
SEED = 20260701


class SettingError(ValueError):
    """A setting that cannot be: the text names the key."""


class RateLimit:
    """So many requests in so many seconds, then a ban."""

    def __init__(self, requests: int, per_seconds: float, retry_after: bool) -> None:
        """Start with nothing counted."""
        self.requests = requests
        self.per_seconds = per_seconds
        self.retry_after = retry_after
        self._times: list[float] = []
        self._banned_until = 0.0

    def refuses(self, throttle_form: str) -> Optional[Response]:
        """Count a request; return what it gets where it is one too many."""
        now = time.monotonic()
        if now < self._banned_until:
            # Trying earlier prolongs the ban, unless the client was told how long to wait.
            if not self.retry_after:
                self._banned_until = now + self.per_seconds
        else:
            self._times = [moment for moment in self._times if now - moment < self.per_seconds]
            if len(self._times) < self.requests:
                self._times.append(now)
                return None
            self._banned_until = now + self.per_seconds
        if self.retry_after:
            return throttled("json429", max(1, round(self._banned_until - now + 0.499)))
        return throttled(throttle_form)

    def shown(self) -> dict[str, Any]:
        """Show the setting as it was given."""
        return {"requests": self.requests, "per_seconds": self.per_seconds, "retry_after": self.retry_after}


class Core:
    """The simulator without its network: everything that requests and the control interface work on."""

    def __init__(
        self, world: WorldSource = None, switches: Optional[Mapping[str, Any]] = None, latency_ms: float = 0
    ) -> None:
        """Load a world and remember it as the one to go back to."""
        self.lock = threading.RLock()
        self._document = load_document(world)
        self._start_switches = {**switch_table.defaults(), **switch_table.checked(switches or {})}
        self._start_latency = _latency(latency_ms)
        self.last_request = time.monotonic()
        self.now: Optional[datetime] = None
        self.world: World
        self.switches: dict[str, Any]
        self.reset()

    def current(self) -> datetime:
        """Return the time that the simulator lives in."""
        return self.now or datetime.now(timezone.utc)

    def reset(self, world: Optional[Mapping[str, Any]] = None, switches: Optional[Mapping[str, Any]] = None) -> None:
        """Go back to the start, or to a world given inline; either all of it happens, or nothing."""
        if world is not None and not isinstance(world, Mapping):
            raise WorldError("world: not a mapping")
        if switches is not None and not isinstance(switches, Mapping):
            raise switch_table.SwitchError("switches: not a mapping")
        with self.lock:
            overlaid = {**self._start_switches, **switch_table.checked(switches or {})}
            now = datetime.now(timezone.utc)
            self.world = World(self._document if world is None else world, now)
            self.switches = overlaid
            self.latency = self._start_latency
            self.rate_limit: Optional[RateLimit] = None
            self.now = None
            self.nonces = random.Random(SEED)
            self.chance = random.Random(SEED)
            self.faults: list[Fault] = []
            self.log: list[Record] = []
            self._number = 0

    # The request log

    def log_request(self, entry: Record) -> Record:
        """Write a request into the log, as it arrives."""
        with self.lock:
            self._number += 1
            entry = {"number": self._number, **entry}
            self.log.append(entry)
            return entry

    def requests(self, method: Optional[str] = None, path: Optional[str] = None) -> list[Record]:
        """Return the requests that were logged, by method and by a regular expression for the path."""
        try:
            pattern = None if path is None else re.compile(path)
        except re.error as error:
            raise SettingError(f"path: not a regular expression: {error}") from error
        with self.lock:
            return [
                dict(entry)
                for entry in self.log
                if (method is None or entry["method"] == method.upper())
                and (pattern is None or pattern.fullmatch(entry["path"]))
            ]

    def clear_requests(self) -> None:
        """Empty the request log."""
        with self.lock:
            self.log = []
            self._number = 0

    def redacted(self, value: Any) -> Any:
        """Return a value without the tokens that this world knows."""
        if isinstance(value, str):
            for token in sorted(self.world.tokens, key=len, reverse=True):
                if token in value:
                    value = value.replace(token, "***")
            return value
        if isinstance(value, dict):
            return {self.redacted(key): self.redacted(item) for key, item in value.items()}
        if isinstance(value, list):
            return [self.redacted(item) for item in value]
        return value

    # Faults

    def add_faults(self, given: Any) -> None:
        """Take one order to misbehave, or several: all of them, or none."""
        orders = given if isinstance(given, list) else [given]
        if not all(isinstance(order, Mapping) for order in orders):
            raise FaultError("a fault is a mapping")
        made = [Fault(order) for order in orders]
        with self.lock:
            self.faults.extend(made)

    def clear_faults(self) -> None:
        """Forget all orders to misbehave."""
        with self.lock:
            self.faults = []

    def due_faults(self, method: str, path: str) -> tuple[list[Fault], Optional[Fault]]:
        """Return the delays that hit a request, and the first fault of another kind that does."""
        delays: list[Fault] = []
        with self.lock:
            for fault in self.faults:
                if fault.hits(method, path, self.chance):
                    if fault.kind != "delay":
                        return delays, fault
                    delays.append(fault)
        return delays, None

    # Settings and state

    def settings(self) -> dict[str, Any]:
        """Return all settings."""
        with self.lock:
            return {
                "latency_ms": self.latency,
                "switches": dict(self.switches),
                "rate_limit": self.rate_limit.shown() if self.rate_limit else None,
                "now": self.now.strftime("%Y-%m-%dT%H:%M:%SZ") if self.now else None,
            }

    def change_settings(self, given: Mapping[str, Any]) -> None:
        """Change settings: all that are given, or none."""
        if not isinstance(given, Mapping):
            raise SettingError("settings: not a mapping")
        for key in given:
            if key not in ("latency_ms", "switches", "rate_limit", "now"):
                raise SettingError(f"unknown setting {key!r}; there are: latency_ms, switches, rate_limit, now")
        if not isinstance(given.get("switches") or {}, Mapping):
            raise switch_table.SwitchError("switches: not a mapping")
        switches = switch_table.checked(given.get("switches") or {})
        latency = _latency(given["latency_ms"]) if "latency_ms" in given else None
        limit = _rate_limit(given.get("rate_limit"))
        moment = _moment(given.get("now"))
        with self.lock:
            self.switches = {**self.switches, **switches}
            if latency is not None:
                self.latency = latency
            if "rate_limit" in given:
                self.rate_limit = limit
            if "now" in given:
                self.now = moment

    def state(self) -> dict[str, list[Record]]:
        """Return the world in raw form."""
        with self.lock:
            return self.world.raw(STATE_SECTIONS)

    def patch(self, changes: Mapping[str, Any]) -> None:
        """Change the world in raw form."""
        if not isinstance(changes, Mapping):
            raise WorldError("the changes are not a mapping")
        with self.lock:
            self.world.patch(changes, self.current())


def _latency(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value <= 3_600_000:
        raise SettingError(f"latency_ms: {value!r} is not a number of milliseconds")
    return value


def _rate_limit(given: Any) -> Optional[RateLimit]:
    if given is None:
        return None
    if not isinstance(given, Mapping):
        raise SettingError("rate_limit: not a mapping")
    for key in given:
        if key not in ("requests", "per_seconds", "retry_after"):
            raise SettingError(f"rate_limit: unknown key {key!r}; there are: requests, per_seconds, retry_after")
    requests, seconds, told = given.get("requests"), given.get("per_seconds", 60), given.get("retry_after", False)
    if isinstance(requests, bool) or not isinstance(requests, int) or requests < 0:
        raise SettingError(f"rate_limit.requests: {requests!r} is not a number of requests")
    if isinstance(seconds, bool) or not isinstance(seconds, (int, float)) or seconds <= 0:
        raise SettingError(f"rate_limit.per_seconds: {seconds!r} is not a number of seconds")
    if not isinstance(told, bool):
        raise SettingError(f"rate_limit.retry_after: {told!r} is not true or false")
    return RateLimit(requests, seconds, told)


def _moment(given: Any) -> Optional[datetime]:
    if given is None:
        return None
    try:
        moment = datetime.fromisoformat(str(given).replace("Z", "+00:00"))
    except ValueError as error:
        raise SettingError(f"now: {given!r} is not an ISO date") from error
    return (moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)).astimezone(timezone.utc)
