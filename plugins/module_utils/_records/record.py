# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a record is, and what a diff shows of one.

A record is a dict with the API's keys in lower case, IDs as int, dates as ISO 8601 with ``Z`` or None, and for
publicize and keyring connections ``health`` and ``repair``. Unknown keys pass through.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

Record = dict[str, Any]
# Resources have methods called list, which would hide the type within their classes.
Records = list[Record]

_SURROGATE = re.compile("[\ud800-\udfff]")

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


def diff_view(record: Mapping[str, Any] | None) -> Record:
    """Return what a diff shows of a record, {} for an absent one."""
    if record is None:
        return {}
    # The ID of a connection yet to be created is the server's to choose, so that no mode of the diff shows one.
    return {
        key: value for key, value in record.items() if key not in _NOT_IN_DIFF and not (key == "id" and value is None)
    }


def is_number(text: str) -> bool:
    """Whether a text is a whole number in the digits that the API knows."""
    # Python refuses to convert thousands of digits, and no ID has that many.
    return len(text) < 40 and text.isascii() and text.isdigit()


def clean(value: Any) -> Any:
    """Return a JSON value in which no text, neither key nor value, has half of a surrogate pair: it cannot be encoded.

    "Acme \\ud83d" -> "Acme \\ufffd"
    """
    if isinstance(value, str):
        return _SURROGATE.sub("\ufffd", value)
    if isinstance(value, Mapping):
        return {clean(key): clean(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [clean(item) for item in value]
    return value
