# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The ways in which PHP, and with it the real server, understands what a client sends."""

from __future__ import annotations

import json
import re
from typing import Any, Optional
from urllib.parse import parse_qsl

LEADING_INT = re.compile(r"\s*([+-]?[0-9]+)")


def php_bool(value: Any, insensitive: bool = False) -> bool:
    """Return whether the server takes a value for true: everything that it does not know is false."""
    if value is True:
        return True
    if isinstance(value, str):
        return (value.lower() if insensitive else value) in ("1", "t", "true")
    return isinstance(value, int) and value == 1


def php_int(value: Any) -> int:
    """Cast to a whole number: digits at the start of a string count, anything else is 0."""
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, int):
        return value
    if isinstance(value, float):
        return int(value) if abs(value) < 2**63 else 0
    if isinstance(value, str):
        match = LEADING_INT.match(value)
        return int(match.group(1)[:40]) if match else 0
    return 0


def php_string(value: Any) -> Optional[str]:
    """Cast to a string; a list or an object has none and counts as not given."""
    if isinstance(value, (list, dict)):
        return None
    if isinstance(value, bool):
        return "1" if value else ""
    return str(value)


def last_values(pairs: list[tuple[str, str]]) -> dict[str, str]:
    """Keep the last value of a repeated key; keys in PHP's array notation name none of ours."""
    return {key: value for key, value in pairs if "[" not in key}


def parse_query(text: str) -> dict[str, str]:
    """Read a query string."""
    return last_values(parse_qsl(text, keep_blank_values=True))


def parse_body(data: bytes, content_type: str, form: Optional[list[tuple[str, str]]] = None) -> Any:
    """Read a request body as what it says it is, or None where there is nothing to read."""
    if form is not None:
        return last_values(form)
    if not data:
        return None
    if content_type.split(";")[0].strip().lower().endswith("json"):
        try:
            # Python's own reader takes NaN and Infinity, which are not JSON.
            return json.loads(data.decode("utf-8"), parse_constant=_no_constant)
        except (ValueError, RecursionError):
            return None
    return parse_query(data.decode("utf-8", "replace")) or None


def _no_constant(name: str) -> Any:
    raise ValueError(name)
