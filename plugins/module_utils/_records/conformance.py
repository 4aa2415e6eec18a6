# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How what the API sends matches the table of keys: what diagnostics report."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Callable

from .dates import is_date
from .record import is_number
from .wire import COUNT, DATE, FLAG, IDS, INTEGER, MAP, NAME, OBJECT, PROSE, ROWS, SCOPES, TEXT, Key, Wire


def rows(value: Any) -> list[Any]:
    """Return the items of a list, which PHP sends as an object where it has gaps; none for anything else."""
    if isinstance(value, dict):
        return list(value.values())
    return value if isinstance(value, list) else []


def is_gapped(value: Any) -> bool:
    """Whether a value is a list that PHP sends as an object."""
    return isinstance(value, dict) and bool(value) and all(isinstance(key, str) and is_number(key) for key in value)


def type_name(value: Any) -> str:
    """Return the name of a value's type in JSON."""
    if value is None:
        return "null"
    names = {bool: "boolean", int: "integer", float: "number", str: "string", list: "array"}
    return names.get(type(value), "object")


def _is_integer(value: Any) -> bool:
    # A client ID of -1 is that of a token without an application.
    return (isinstance(value, int) and not isinstance(value, bool)) or (isinstance(value, str) and is_number(value))


def _is_list_of(value: Any, matches: Callable[[Any], bool]) -> bool:
    return (isinstance(value, list) or is_gapped(value) or value == {}) and all(
        item is None or matches(item) for item in rows(value)
    )


def _is_object(value: Any) -> bool:
    return isinstance(value, dict)


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


_MATCHES: Mapping[str, Callable[[Any], bool]] = {
    INTEGER: _is_integer,
    TEXT: _is_text,
    DATE: is_date,
    OBJECT: _is_object,
    ROWS: lambda value: _is_list_of(value, _is_object),
    IDS: lambda value: _is_list_of(value, _is_integer),
    NAME: _is_text,
    PROSE: _is_text,
    FLAG: lambda value: isinstance(value, bool),
    COUNT: _is_integer,
    SCOPES: lambda value: _is_text(value) or _is_list_of(value, _is_text),
    MAP: lambda value: isinstance(value, (dict, list)),
}


@dataclass
class Conformance:
    """How a list matches its table: counts per key, ``mistyped`` per key and type, ``statuses`` with their numbers.

    ``unknown`` counts per known key in which it is, with a dot after it, and name.
    """

    entries: int = 0
    without_id: int = 0
    keys: Counter[str] = field(default_factory=Counter)
    missing: Counter[str] = field(default_factory=Counter)
    unknown: Counter[tuple[str, str]] = field(default_factory=Counter)
    mistyped: Counter[tuple[str, str]] = field(default_factory=Counter)
    statuses: Counter[str] = field(default_factory=Counter)
    unknown_statuses: Counter[str] = field(default_factory=Counter)


def conformance(wire: Wire, entries: Iterable[Any], has_id: Callable[[Any], bool]) -> Conformance:
    """Return how the entries of a list match the table of their kind; those without an ID are only counted."""
    found = Conformance()
    for entry in entries:
        found.entries += 1
        if not has_id(entry):
            found.without_id += 1
            continue
        _compare(wire.keys, entry, found, "")
        if wire.statuses:
            _count_status(wire, entry.get("status"), found)
    return found


def _count_status(wire: Wire, status: Any, found: Conformance) -> None:
    if status is None or status == "":
        found.statuses["none"] += 1
    elif isinstance(status, str):
        (found.statuses if status in wire.statuses else found.unknown_statuses)[status] += 1


def _compare(keys: tuple[Key, ...], entry: Mapping[str, Any], found: Conformance, prefix: str) -> None:
    known = {name: key for key in keys for name in key.names}
    for name in entry:
        if name not in known:
            found.unknown[prefix, name] += 1
    for key in keys:
        spelled = [name for name in key.names if name in entry]
        if not spelled:
            if key.required:
                found.missing[f"{prefix}{key.name}"] += 1
            continue
        name = spelled[0]
        found.keys[f"{prefix}{name}"] += 1
        value = entry[name]
        if key.null and (value is None or value is False):
            continue
        if not _MATCHES[key.kind](value):
            found.mistyped[f"{prefix}{name}", type_name(value)] += 1
        elif key.keys:
            for row in [value] if key.kind == OBJECT else rows(value):
                if isinstance(row, dict):
                    _compare(key.keys, row, found, f"{prefix}{name}.")
