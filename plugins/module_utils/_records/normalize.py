# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The one normalisation of wire JSON into records, shared by results, comparison, and diff.

Normalising a record again changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Callable

from .dates import date
from .health import EXPIRING_WITHIN_DAYS, with_health
from .record import Record, is_number
from .wire import COUNT, DATE, IDS, INTEGER, MAP, NAME, OBJECT, PROSE, ROWS, TEXT, Key, Wire, names_of

_INTEGER_KEYS = names_of(INTEGER)
_DATE_KEYS = names_of(DATE)
_TEXT_KEYS = names_of(TEXT)
_LIST_KEYS = names_of(ROWS, IDS)
# What passes through unchanged, but for the false that PHP sends for nothing.
_OTHER_KEYS = names_of(COUNT, MAP, PROSE)
# A JSON web token for another service; nothing here needs it, and a result must not show it.
_SECRET_KEYS = frozenset(("lasagna_jwt",))


def publicize_connection(wire: Mapping[str, Any], now: datetime, expiring_within: int = EXPIRING_WITHIN_DAYS) -> Record:
    """Return the record of a publicize connection, with ``read_only`` only where another user owns it."""
    record = with_health(_lowered(wire), now, expiring_within)
    # Only one of the endpoints says it of the others, so without this the same record would differ by how it was read.
    if not record.get("read_only"):
        record.pop("read_only", None)
    return record


def keyring_connection(wire: Mapping[str, Any], now: datetime, expiring_within: int = EXPIRING_WITHIN_DAYS) -> Record:
    """Return the record of a keyring connection, ``sites`` as a list of int."""
    record = with_health(_lowered(wire), now, expiring_within)
    for key in _LIST_KEYS & record.keys():
        # PHP sends an empty map for an empty list, false for none, and null elements.
        items = [] if record[key] in ({}, False, None) else record[key]
        record[key] = [item for item in items if item is not None] if isinstance(items, list) else items
    if isinstance(record.get("sites"), list):
        record["sites"] = [_integer(site) for site in record["sites"]]
    return record


def connected_application(wire: Mapping[str, Any]) -> Record:
    """Return the record of a connected application: ``id`` and ``site`` whether the wire or the documents spell them."""
    record = _lowered(wire)
    for documented, real in (("connection_id", "id"), ("blog", "site")):
        if documented in record:
            value = record.pop(documented)
            record.setdefault(real, value)
    record["id"] = _integer(record.get("id"))
    # PHP says false where there is none.
    record["site"] = record.get("site") or None
    return record


def service(wire: Mapping[str, Any]) -> Record:
    """Return the record of an external service; its ``id`` is its name."""
    record = _lowered(wire, integers=False)
    for key in ("multiple_external_user_id_support", "external_users_only"):
        record[key] = bool(record.get(key))
    return record


def account(wire: Mapping[str, Any]) -> Record:
    """Return the record of the user behind the token; ``token_site_id`` is None where the token is for all sites."""
    record = _lowered(wire)
    record["token_site_id"] = _integer(record.get("token_site_id") or None)
    record["token_scope"] = scopes(record.get("token_scope"))
    return record


def site(wire: Mapping[str, Any]) -> Record:
    """Return the record of a site."""
    return _lowered(wire)


def scopes(value: Any) -> list[str]:
    """Return the scopes that a list, or a string parted by blanks or commas, names."""
    if isinstance(value, str):
        return value.replace(",", " ").split()
    return [str(scope) for scope in value if scope] if isinstance(value, list) else []


def require_types(record: Record, table: Wire) -> Record:
    """Return a record that plans can rely on. Raises ValueError, which names the key, where a value is of another type.

    Only the keys of the table count: a further key may have the name of one of another table, and any value.
    """
    if record.get("id") is None:
        raise ValueError("id is missing")
    _require_types(record, table.keys)
    return record


def _require_types(record: Record, keys: Iterable[Key]) -> None:
    for key in keys:
        value = record.get(key.in_records)
        if value is None:
            continue
        required = _REQUIRED.get(key.kind)
        if required is not None:
            # PHP sends an empty list for an empty object.
            is_of = isinstance(value, required) and not isinstance(value, bool)
            if not is_of and not (key.kind == OBJECT and not value):
                raise ValueError(f"{key.in_records} is {type(value).__name__}")
        elif key.kind in _ITEMS:
            kinds = _ITEMS[key.kind]
            if not isinstance(value, list) or not all(
                isinstance(item, kinds) and not isinstance(item, bool) for item in value
            ):
                raise ValueError(f"{key.in_records} is not a list of {kinds[0].__name__}")
            for item in value if key.keys else ():
                _require_types(item, key.keys)


def _lowered(wire: Mapping[str, Any], integers: bool = True) -> Record:
    """Lower the keys at all depths and normalise the values whose type follows from the key."""
    record: Record = {}
    for key, value in wire.items():
        name = str(key).lower()
        if name in _SECRET_KEYS or (record.get(name) is not None and value is None):
            continue
        convert = _CONVERTERS.get(name, _as_it_is)
        if isinstance(value, (dict, list)):
            record[name] = _nested(value)
        else:
            record[name] = convert(value) if integers or convert is not _integer else value
    return record


def _as_it_is(value: Any) -> Any:
    return value


def _nested(value: Any) -> Any:
    if isinstance(value, dict):
        # PHP sends a list with gaps as an object.
        if value and all(isinstance(key, str) and is_number(key) for key in value):
            return [_nested(item) for item in value.values()]
        return _lowered(value)
    if isinstance(value, list):
        return [_nested(item) for item in value]
    return value


def _integer(value: Any) -> Any:
    """Return an ID as int, and None where PHP says false; other values stay as they are."""
    if isinstance(value, str) and is_number(value) and len(value) < 20:
        return int(value)
    return _other(value)


def _other(value: Any) -> Any:
    return None if value is False else value


def _text(value: Any) -> Any:
    """Return a text, also where PHP has a number, and None where it says false."""
    if isinstance(value, bool):
        return None
    return str(value) if isinstance(value, (int, float)) else value


_REQUIRED: Mapping[str, type] = {INTEGER: int, NAME: str, TEXT: str, DATE: str, OBJECT: dict}
_ITEMS: Mapping[str, tuple[type, ...]] = {ROWS: (dict,), IDS: (int, str)}
# What normalises a value that is neither list nor object.
_CONVERTERS: Mapping[str, Callable[[Any], Any]] = {
    **dict.fromkeys(_OTHER_KEYS, _other),
    **dict.fromkeys(_TEXT_KEYS, _text),
    **dict.fromkeys(_DATE_KEYS, date),
    **dict.fromkeys(_INTEGER_KEYS, _integer),
}
