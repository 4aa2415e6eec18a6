# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The values of Ansible's variables and arguments as plain data."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from ansible.module_utils.common.arg_spec import ValidationResult
from ansible.module_utils.errors import UnsupportedError

_SAME = (str, int, float, bool, type(None))
# default(omit) is gone from the options of a task, but not from a variable.
_OMITTED = "_OmitType"


def plain(value: Any) -> Any:
    """Return a value as a module gets it: without tags, vault objects or lazy containers, whose every access takes its time.

    Dates become text, as JSON has them, in which modules get their arguments.
    """
    if type(value) in _SAME:
        return value
    if isinstance(value, Mapping):
        return {
            str(key): plain(item)
            for key, item in value.items()
            if not str(key).startswith("_ansible_") and type(item).__name__ != _OMITTED
        }
    if isinstance(value, (list, tuple, set)):
        return [plain(item) for item in value]
    if isinstance(value, (date, datetime)):
        return value.isoformat()
    for kind in (int, float):
        if isinstance(value, kind):
            return kind(value)
    # An exact str: those that ansible-core 2.18 marks as no template stay marked by str() alone.
    return str.__str__(str(value))


def as_list(value: Any) -> list[Any] | None:
    """Return a list as argument specs convert it, which leave the variable itself as it is: a text is split at its commas.

    None and the empty text, as a blank field of a survey, are None.
    """
    if value is None or value == "":
        return None
    if isinstance(value, str):
        return [part.strip() for part in value.split(",")]
    return list(value) if isinstance(value, (list, tuple, set)) else [value]


def validation_errors(validation: ValidationResult, owner: str = "") -> str:
    """Return what is wrong with arguments, as modules say it; ``owner`` is what does not support those that are unknown."""
    of_owner = f" for {owner}" if owner else ""
    return "; ".join(
        f"Unsupported parameters{of_owner}: {error.msg.rstrip('.')}"
        if isinstance(error, UnsupportedError)
        else error.msg
        for error in validation.errors.errors
    )
