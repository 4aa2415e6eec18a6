# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The one normalisation of wire JSON into records, shared by results, comparison and diff.

A record is a dict with the API's keys in lower case, IDs as int, dates as ISO 8601 with ``Z`` or None, and for
publicize and keyring connections ``health`` and ``repair``. Unknown keys pass through. Normalising a record again
changes nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta, timezone
from typing import Any, Callable
from urllib.parse import urlsplit

Record = dict[str, Any]

EXPIRING_WITHIN_DAYS = 14

_INTEGER_KEYS = frozenset(
    (
        "id",
        "site_id",
        "user_id",
        "keyring_connection_id",
        "keyring_connection_user_id",
        "primary_blog",
        "token_client_id",
    )
)
_DATE_KEYS = frozenset(("issued", "expires", "authorized"))
_TEXT_KEYS = frozenset(
    (
        "external_id",
        "external_name",
        "external_display",
        "service",
        "label",
        "type",
        "status",
        "refresh_url",
        "connect_url",
        "title",
        "slug",
        "url",
        "site_url",
    )
)
# A JSON web token for another service; nothing here needs it, and a result must not show it.
_SECRET_KEYS = frozenset(("lasagna_jwt",))

# What the server alone decides or varies from answer to answer, and what follows from the time of day.
_NOT_IN_DIFF = frozenset(
    (
        "issued",
        "expires",
        "authorized",
        "refresh_url",
        "connect_url",
        "meta",
        "external_follower_count",
        "external_profile_picture",
        "external_profile_url",
        "url",
        "icon",
        "status",
        "health",
        "repair",
        "read_only",
        "additional_external_users",
    )
)

_DATE = re.compile(r"(\d{4})-(\d\d)-(\d\d)[T ]?(\d\d):(\d\d):(\d\d)(?:\.\d+)?(Z|[+-]\d\d:?\d\d)?", re.ASCII)
# The zero date, and what PHP makes of it in ISO form: year -1.
_NO_DATE = re.compile(r"(?:-\d+|0+)(?:-|$)", re.ASCII)


def publicize_connection(wire: Mapping[str, Any], now: datetime, expiring_within: int = EXPIRING_WITHIN_DAYS) -> Record:
    """Return the record of a publicize connection, with ``read_only`` only where it is somebody else's."""
    record = _with_health(_lowered(wire), now, expiring_within)
    # Only one of the endpoints says it of the others, so without this the same record would differ by how it was read.
    if not record.get("read_only"):
        record.pop("read_only", None)
    return record


def keyring_connection(wire: Mapping[str, Any], now: datetime, expiring_within: int = EXPIRING_WITHIN_DAYS) -> Record:
    """Return the record of a keyring connection, ``sites`` as a list of int."""
    record = _with_health(_lowered(wire), now, expiring_within)
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


def require_types(record: Record, *, integer_id: bool = True) -> Record:
    """Return a record that plans can rely on. Raises ValueError, which names the key, where a value is of another type."""
    for key in _INTEGER_KEYS & record.keys():
        wanted: type = str if key == "id" and not integer_id else int
        if not isinstance(record[key], wanted) and (key == "id" or record[key] is not None):
            raise ValueError(f"{key} is {type(record[key]).__name__}")
    for key in _TEXT_KEYS & record.keys():
        if not isinstance(record[key], (str, type(None))):
            raise ValueError(f"{key} is {type(record[key]).__name__}")
    for key, kinds in (("additional_external_users", (dict,)), ("sites", (int, str))):
        items = record.get(key) or []
        if not isinstance(items, list) or not all(isinstance(item, kinds) for item in items):
            raise ValueError(f"{key} is no list of {kinds[0].__name__}")
    for user in record.get("additional_external_users") or []:
        require_types(user)
    for key in ("capabilities", "site"):
        if record.get(key) and not isinstance(record[key], dict):
            raise ValueError(f"{key} is {type(record[key]).__name__}")
    return record


def diff_view(record: Mapping[str, Any] | None) -> Record:
    """Return what a diff shows of a record, {} for an absent one."""
    if record is None:
        return {}
    # The ID of a connection yet to be created is the server's to choose, so that no mode of the diff shows one.
    return {
        key: value for key, value in record.items() if key not in _NOT_IN_DIFF and not (key == "id" and value is None)
    }


def account_name(record: Mapping[str, Any]) -> str:
    """Return the words that a person knows a connection or an external user by."""
    names = [str(record[key]) for key in ("external_display", "external_name") if record.get(key)]
    return names[0] if names else str(record.get("external_id") or "unnamed account")


def is_named(record: Mapping[str, Any], name: str) -> bool:
    """Whether a connection or an external user has this name or display name."""
    return name in (record.get("external_name"), record.get("external_display"))


def describe(record: Mapping[str, Any]) -> str:
    """Return one phrase that tells a publicize or keyring connection from others."""
    where = f" on site {record['site_id']}" if record.get("site_id") else ""
    return f"{record.get('id')} ({record.get('service')}: {account_name(record)}{where})"


def site_matches(record: Mapping[str, Any], wanted: str) -> bool:
    """Whether a site, or the site of an application, is the one that an ID or domain names."""
    if is_number(wanted):
        return int(wanted) in (record.get("id"), record.get("site_id"))
    return wanted.lower() in site_names(record)


def is_number(text: str) -> bool:
    """Whether a text is a whole number in the digits that the API knows."""
    return text.isascii() and text.isdigit()


def sites_by_name(sites: Iterable[Record]) -> dict[str, Record]:
    """Return sites by what names them, without names that more than one of them bears."""
    named: dict[str, dict[Any, Record]] = {}
    for site in sites:
        for name in site_names(site):
            named.setdefault(name, {})[site["id"]] = site
    return {name: next(iter(bearers.values())) for name, bearers in named.items() if len(bearers) == 1}


def site_names(record: Mapping[str, Any]) -> list[str]:
    """Return what a site may be called by: its ID, and its domain as its URL or slug has it."""
    urls = (record.get("url"), record.get("site_url"), record.get("slug"))
    return [str(record.get("id")), *(_host(url) for url in urls if isinstance(url, str))]


def _host(url: str) -> str:
    try:
        parts = urlsplit(url if "//" in url else f"//{url}")
    except ValueError:
        return ""
    return (parts.netloc + parts.path.rstrip("/")).lower()


def _lowered(wire: Mapping[str, Any], integers: bool = True) -> Record:
    """Lower the keys at all depths and normalise the values that a key's name tells the type of."""
    record: Record = {}
    for key, value in wire.items():
        name = str(key).lower()
        if name in _SECRET_KEYS or (record.get(name) is not None and value is None):
            continue
        record[name] = _nested(value) if isinstance(value, (dict, list)) else _converter(name, integers)(value)
    return record


def _converter(name: str, integers: bool) -> Callable[[Any], Any]:
    """Return what normalises a value that is neither list nor object."""
    if integers and name in _INTEGER_KEYS:
        return _integer
    if name in _DATE_KEYS:
        return _date
    if name in _TEXT_KEYS:
        return _text
    return _as_it_is


def _as_it_is(value: Any) -> Any:
    return value


def _nested(value: Any) -> Any:
    if isinstance(value, dict):
        return _lowered(value)
    if isinstance(value, list):
        return [_nested(item) for item in value]
    return value


def _integer(value: Any) -> Any:
    """Return an ID as int; what is no ID stays as it is."""
    if isinstance(value, str) and is_number(value) and len(value) < 20:
        return int(value)
    return value


def _text(value: Any) -> Any:
    """Return a text, also where PHP has a number, and None where it says false."""
    if isinstance(value, bool):
        return None
    return str(value) if isinstance(value, (int, float)) else value


def _date(value: Any) -> Any:
    """Return a date as ISO 8601 in UTC, None for never; what is no date stays as it is."""
    if value is None or isinstance(value, bool):
        return None
    if isinstance(value, (int, float)) or (isinstance(value, str) and is_number(value)):
        return _iso(value)
    text = str(value).strip()
    match = _DATE.fullmatch(text)
    if not text or _NO_DATE.match(text):
        return None
    if not match:
        return value
    try:
        moment = datetime(*(int(part) for part in match.groups()[:6]), tzinfo=timezone.utc)  # type: ignore[misc, arg-type]
        return _formatted(moment - _offset(match.group(7)))
    except (ValueError, OverflowError):
        return value


def _iso(seconds: Any) -> Any:
    try:
        number = int(seconds)
        return _formatted(datetime.fromtimestamp(number, timezone.utc)) if number else None
    except (ValueError, OverflowError, OSError):
        return seconds


def _offset(zone: str | None) -> timedelta:
    if zone in (None, "Z"):
        return timedelta()
    sign, digits = zone[0], zone[1:].replace(":", "")
    distance = timedelta(hours=int(digits[:2]), minutes=int(digits[2:]))
    return -distance if sign == "-" else distance


def _formatted(moment: datetime) -> str:
    # Not strftime: it pads the year on some platforms only.
    return moment.replace(tzinfo=None).isoformat(timespec="seconds") + "Z"


def _with_health(record: Record, now: datetime, expiring_within: int) -> Record:
    record["health"], record["repair"] = _health(record, now, expiring_within)
    return record


def _health(record: Record, now: datetime, expiring_within: int) -> tuple[str, str | None]:
    """Return (health, repair) after the status and the days that are left."""
    status = record.get("status") or None
    left = _time_left(record.get("expires"), now)
    expired = left is not None and left <= timedelta()
    if status in ("must_reauth", "invalid"):
        return "broken", "reconnect"
    if status == "refresh-failed":
        # It goes on working until it expires.
        return ("broken" if expired else "expiring"), "refresh"
    if status not in ("ok", None):
        return "broken", "refresh" if status == "broken" or record.get("refresh_url") else "reconnect"
    if expired:
        return "broken", "refresh"
    if left is not None and left <= timedelta(days=expiring_within):
        return "expiring", "refresh"
    return ("ok" if status else "untested"), None


def _time_left(expires: Any, now: datetime) -> timedelta | None:
    if not isinstance(expires, str) or not _DATE.fullmatch(expires):
        return None
    try:
        return datetime.fromisoformat(expires.replace("Z", "+00:00")) - now
    except ValueError:
        return None
