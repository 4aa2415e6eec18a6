# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether a connection works, and what repairs it."""

from __future__ import annotations

from datetime import datetime, timedelta

from .dates import time_left
from .record import Record

EXPIRING_WITHIN_DAYS = 14


def with_health(record: Record, now: datetime, expiring_within: int) -> Record:
    """Add ``health`` and ``repair`` to a record; ``expiring_within`` is in days."""
    record["health"], record["repair"] = _health(record, now, expiring_within)
    return record


def _health(record: Record, now: datetime, expiring_within: int) -> tuple[str, str | None]:
    """Return (health, repair) after the status and the days that are left."""
    status = record.get("status") or None
    left = time_left(record.get("expires"), now)
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
