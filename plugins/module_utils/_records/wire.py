# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The keys of each kind of record as the API sends them: the one table that normalisation and diagnostics read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Callable

from .dates import is_date
from .health import KNOWN_STATUSES
from .record import is_number

# What plans rely on; normalisation gives these one form.
INTEGER = "integer"
TEXT = "text"
DATE = "date"
OBJECT = "object"
# Lists of objects, and of IDs.
ROWS = "rows"
IDS = "ids"
# What is only shown, and passes through unchanged.
NAME = "name"
PROSE = "prose"
FLAG = "flag"
COUNT = "count"
SCOPES = "scopes"
MAP = "map"


@dataclass(frozen=True)
class Key:
    """One key of a record, spelled as the API spells it, and the kind of its value.

    ``required``: every record has it. ``null``: it may be null, or false, which PHP sends for nothing. ``spellings`` are
    further names under which it is documented or was seen. ``keys`` are those of the objects in it.
    """

    name: str
    kind: str
    required: bool = True
    null: bool = False
    spellings: tuple[str, ...] = ()
    keys: tuple[Key, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """All names under which a record may have it."""
        return (self.name, *self.spellings)


@dataclass(frozen=True)
class Wire:
    """A kind of record on the wire; ``is_open`` marks one with many more keys than the collection knows."""

    keys: tuple[Key, ...]
    statuses: tuple[str, ...] = ()
    is_open: bool = False


def _optional(name: str, kind: str, *spellings: str, keys: tuple[Key, ...] = ()) -> Key:
    return Key(name, kind, required=False, null=True, spellings=spellings, keys=keys)


_ACCOUNT = (
    Key("external_ID", TEXT, null=True),
    Key("external_name", TEXT, null=True),
    Key("external_display", TEXT, required=False, null=True),
    _optional("external_profile_picture", PROSE),
)
_EXTERNAL_USER = (
    *_ACCOUNT,
    _optional("external_category", PROSE),
    _optional("external_description", PROSE),
    _optional("external_meta", MAP),
)

PUBLICIZE_CONNECTION = Wire(
    (
        Key("ID", INTEGER),
        Key("site_ID", INTEGER),
        Key("user_ID", INTEGER),
        Key("keyring_connection_ID", INTEGER),
        Key("keyring_connection_user_ID", INTEGER),
        Key("shared", FLAG),
        Key("service", TEXT),
        Key("label", TEXT),
        _optional("issued", DATE),
        _optional("expires", DATE),
        *_ACCOUNT,
        _optional("external_profile_URL", PROSE),
        _optional("external_follower_count", COUNT),
        Key("status", TEXT, null=True),
        Key("refresh_URL", TEXT, null=True, spellings=("refresh_url",)),
        Key("meta", MAP),
        _optional("URL", TEXT),
        _optional("read_only", FLAG),
    ),
    statuses=KNOWN_STATUSES,
)
KEYRING_CONNECTION = Wire(
    (
        Key("ID", INTEGER),
        _optional("user_ID", INTEGER),
        Key("type", TEXT),
        Key("service", TEXT),
        Key("label", TEXT),
        _optional("issued", DATE),
        _optional("expires", DATE),
        *_ACCOUNT,
        _optional("external_profile_URL", PROSE),
        _optional("additional_external_users", ROWS, keys=_EXTERNAL_USER),
        _optional("additional_external_users_empty_reason", PROSE),
        Key("status", TEXT, null=True),
        Key("refresh_URL", TEXT, null=True, spellings=("refresh_url",)),
        Key("sites", IDS, null=True),
        Key("meta", MAP),
    ),
    statuses=KNOWN_STATUSES,
)
CONNECTED_APPLICATION = Wire(
    (
        Key("ID", INTEGER, spellings=("connection_ID",)),
        Key("title", TEXT),
        _optional("icon", PROSE),
        _optional("URL", TEXT),
        _optional("description", PROSE),
        Key("permissions", MAP),
        Key("authorized", DATE),
        _optional("scope", PROSE),
        Key(
            "site",
            OBJECT,
            null=True,
            spellings=("blog",),
            keys=(Key("site_ID", INTEGER), _optional("site_URL", TEXT), _optional("site_name", PROSE)),
        ),
    )
)
SERVICE = Wire(
    (
        Key("ID", NAME),
        Key("label", TEXT),
        Key("type", TEXT),
        Key("description", PROSE),
        _optional("genericon", MAP),
        _optional("icon", PROSE),
        Key("connect_URL", TEXT, spellings=("connect_url",)),
        Key("multiple_external_user_ID_support", FLAG),
        _optional("external_users_only", FLAG),
        _optional("jetpack_support", FLAG),
        _optional("jetpack_module_required", PROSE),
        _optional("status", TEXT),
        _optional("warnings", MAP),
    ),
    statuses=("ok", "unsupported"),
)
SITE = Wire(
    (
        Key("ID", INTEGER),
        Key("name", PROSE, null=True),
        Key("URL", TEXT),
        Key("slug", TEXT),
        Key("jetpack", FLAG),
        Key("is_private", FLAG),
        Key("capabilities", OBJECT),
        Key("visible", FLAG),
        _optional("options", MAP),
        _optional("meta", MAP),
    ),
    is_open=True,
)
ACCOUNT = Wire(
    (
        Key("ID", INTEGER),
        Key("username", PROSE),
        Key("display_name", PROSE, null=True),
        Key("primary_blog", INTEGER, null=True),
        Key("token_scope", SCOPES),
        Key("token_site_id", COUNT, null=True),
        Key("token_client_id", INTEGER, null=True),
        _optional("meta", MAP),
    ),
    is_open=True,
)
ALL = (PUBLICIZE_CONNECTION, KEYRING_CONNECTION, CONNECTED_APPLICATION, SERVICE, SITE, ACCOUNT)


def names_of(*kinds: str, of: Iterable[Wire] = ALL) -> frozenset[str]:
    """Return the names, in lower case, of all keys of these kinds, those of nested objects too."""

    def walk(keys: Iterable[Key]) -> Iterator[str]:
        for key in keys:
            if key.kind in kinds:
                yield key.name.lower()
            yield from walk(key.keys)

    return frozenset(name for wire in of for name in walk(wire.keys))


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
    """How a list matches its table: counts per key, ``mistyped`` per key and type, ``statuses`` with their numbers."""

    entries: int = 0
    without_id: int = 0
    keys: Counter[str] = field(default_factory=Counter)
    missing: Counter[str] = field(default_factory=Counter)
    unknown: Counter[str] = field(default_factory=Counter)
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
            found.unknown[f"{prefix}{name}"] += 1
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
