# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Dates of the wire as ISO 8601 in UTC, and the time that is left until one."""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone
from typing import Any

from .record import is_number

_DATE = re.compile(r"(\d{4})-(\d\d)-(\d\d)[T ]?(\d\d):(\d\d):(\d\d)(?:\.\d+)?(Z|[+-]\d\d:?\d\d)?", re.ASCII)
# The zero date, and what PHP makes of it in ISO form: year -1.
_NO_DATE = re.compile(r"(?:-\d+|0+)(?:-|$)", re.ASCII)


def date(value: Any) -> Any:
    """Return a date as ISO 8601 in UTC, None for never; another text or number as its text."""
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


def is_date(value: Any) -> bool:
    """Whether a value is a date in one of the forms of the wire, or says never."""
    if isinstance(value, bool) or not isinstance(value, (int, str)):
        return False
    normalised = date(value)
    return normalised is None or (isinstance(normalised, str) and bool(_DATE.fullmatch(normalised)))


def _iso(seconds: Any) -> Any:
    try:
        number = int(seconds)
        return _formatted(datetime.fromtimestamp(number, timezone.utc)) if number else None
    except (ValueError, OverflowError, OSError):
        return str(seconds)


def _offset(zone: str | None) -> timedelta:
    if zone in (None, "Z"):
        return timedelta()
    sign, digits = zone[0], zone[1:].replace(":", "")
    distance = timedelta(hours=int(digits[:2]), minutes=int(digits[2:]))
    return -distance if sign == "-" else distance


def _formatted(moment: datetime) -> str:
    # Not strftime: it pads the year on some platforms only.
    return moment.replace(tzinfo=None).isoformat(timespec="seconds") + "Z"


def time_left(expires: Any, now: datetime) -> timedelta | None:
    if not isinstance(expires, str) or not _DATE.fullmatch(expires):
        return None
    try:
        return datetime.fromisoformat(expires.replace("Z", "+00:00")) - now
    except ValueError:
        return None
