# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether a connection works, and what repairs it."""

from __future__ import annotations

from collections.abc import Container
from datetime import datetime, timedelta

from .dates import time_left
from .record import Record

EXPIRING_WITHIN_DAYS = 14
# Nothing is known to be wrong with these.
HEALTHY = ("ok", "untested")
UNSUPPORTED = "unsupported"

KNOWN_STATUSES = ("ok", "broken", "refresh-failed", "must_reauth", "invalid")
# The connection works until it expires.
TO_REFRESH = ("refresh-failed", "must_reauth")


def with_health(record: Record, now: datetime, expiring_within: int) -> Record:
    """Add ``health`` and ``repair`` to a record; ``expiring_within`` is in days."""
    record["health"], record["repair"] = _health(record, now, expiring_within)
    return record


def _health(record: Record, now: datetime, expiring_within: int) -> tuple[str, str | None]:
    """Return (health, repair) after the status and the days that are left."""
    status = record.get("status") or None
    if status is not None and status not in KNOWN_STATUSES:
        return "unknown", None
    left = time_left(record.get("expires"), now)
    expired = left is not None and left <= timedelta()
    if status == "invalid":
        return "broken", "reconnect"
    if status == "broken" or expired:
        return "broken", "refresh"
    if status in TO_REFRESH or (left is not None and left <= timedelta(days=expiring_within)):
        return "expiring", "refresh"
    return ("ok" if status else "untested"), None


def needs_external_user(record: Record, service: Record, profile_ids: Container[str]) -> bool:
    """Whether a publicize connection posts nothing because no page was chosen where the service allows pages only.

    ``profile_ids`` are the external IDs of the accounts themselves, which are not pages.
    """
    external_id = record.get("external_id") or None
    return bool(service.get("external_users_only")) and (external_id is None or external_id in profile_ids)


def judged(record: Record, service: Record | None, profile_ids: Container[str] | None = None) -> Record:
    """Return a connection with the health that its service gives it; ``profile_ids`` is None for a keyring connection."""
    if service is None:
        return record
    if service.get("status") == UNSUPPORTED:
        return {**record, "health": "broken", "repair": "remove"}
    if profile_ids is not None and needs_external_user(record, service, profile_ids):
        return {**record, "health": "broken", "repair": "choose_external_user"}
    return record
