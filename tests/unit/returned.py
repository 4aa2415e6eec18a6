# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether a result is what the RETURN documentation of its module says."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

import yaml

from ansible_collections.community.wpcom.plugins.modules import (
    wpcom_connected_application,
    wpcom_connection_info,
    wpcom_keyring_connection,
    wpcom_publicize_connection,
    wpcom_publicize_connections,
)

_MODULES = {
    "publicize": wpcom_publicize_connection,
    "bulk": wpcom_publicize_connections,
    "keyring": wpcom_keyring_connection,
    "application": wpcom_connected_application,
    "info": wpcom_connection_info,
}
_TYPES: dict[str, type] = {"str": str, "int": int, "bool": bool, "dict": dict, "list": list}
# What Ansible documents for every module.
_COMMON = {"changed", "msg", "diff"}
_SAME_KEYS = re.compile(r"the same keys as\s+RV\(community\.wpcom\.(?P<module>\w+)#module:(?P<key>\w+)\)")


def differences(kind: str, result: Mapping[str, Any]) -> list[str]:
    """Return where a result is of another type than documented, or has a key that is not documented; null is of any type."""
    return list(_differences(_documented(kind), result, _COMMON, ""))


def _differences(
    documented: Mapping[str, Any], value: Mapping[str, Any], undocumented: set[str] | None, place: str
) -> Iterator[str]:
    """``undocumented`` are the keys that need no documentation, None for any."""
    for key, item in value.items():
        if key in documented:
            yield from _of_type(documented[key], item, f"{place}{key}")
        elif undocumented is not None and key not in undocumented:
            yield f"{place}{key} is not documented"


def _of_type(rule: Mapping[str, Any], value: Any, place: str) -> Iterator[str]:
    wanted = _TYPES[rule["type"]]
    if value is None:
        return
    if not isinstance(value, wanted) or (wanted is int and isinstance(value, bool)):
        yield f"{place} is {type(value).__name__} {value!r:.60}"
        return
    rows = value if wanted is list else [value]
    for number, row in enumerate(rows):
        where = f"{place}[{number}]" if wanted is list else place
        if wanted is list and not (row is None and rule["elements"] == "dict"):
            kind = _TYPES[rule["elements"]]
            if not isinstance(row, kind) or (kind is int and isinstance(row, bool)):
                yield f"{where} is {type(row).__name__} {row!r:.60}"
                continue
        if rule.get("contains") and isinstance(row, dict):
            # Further keys of the API pass through.
            yield from _differences(rule["contains"], row, None, f"{where}.")


@cache
def _documented(kind: str) -> dict[str, Any]:
    """Return the documented keys, those of which another one says that they are the same among them."""
    documented = yaml.safe_load(_MODULES[kind].RETURN)
    for rule in documented.values():
        text = " ".join(rule["description"] if isinstance(rule["description"], list) else [rule["description"]])
        same = _SAME_KEYS.search(text)
        if same and same["key"] != "error":
            rule["contains"] = _keys_of(same["module"], same["key"])
    return dict(documented)


def _keys_of(module: str, key: str) -> Any:
    (found,) = [made for made in _MODULES.values() if made.__name__.endswith(f".{module}")]
    return yaml.safe_load(found.RETURN)[key]["contains"]
