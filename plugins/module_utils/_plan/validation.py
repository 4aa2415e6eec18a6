# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options of a task, checked before anything is read."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from .._errors import OptionError
from .._records.names import normalized_site
from .._records.record import is_number

_SERVICE = re.compile(r"[a-z0-9._-]+")


def check_set(values: Mapping[str, Any], *, numbers: Sequence[str] = (), texts: Sequence[str] = ()) -> None:
    """Refuse options that are set to nothing: IDs below 1, empty texts. Raises OptionError."""
    for name in numbers:
        if values[name] is not None and values[name] <= 0:
            raise OptionError(f"{name} must be a positive number, got {values[name]}.")
    for name in texts:
        if values[name] == "":
            raise OptionError(f"{name} must not be empty: set a value, or omit the option.")


def check_parallel(params: Mapping[str, Any]) -> None:
    """Refuse a number of parallel requests that is none, or too many. Raises OptionError."""
    if not 1 <= params["parallel"] <= 32:
        raise OptionError(f"parallel must be from 1 to 32, got {params['parallel']}.")


def valid_service(service: str | None) -> str | None:
    """Return a service's ID as the API spells it. Raises OptionError."""
    if service is None:
        return None
    name = service.lower()
    if not _SERVICE.fullmatch(name):
        raise OptionError(
            f"service must be the ID of a service, such as facebook, got {service!r}: "
            "wpcom_connection_info with gather=services lists them."
        )
    return name


def valid_site(site: str | None) -> str | None:
    """Return a site's ID or domain as the API names it. Raises OptionError."""
    if site is None:
        return None
    try:
        name = normalized_site(site)
    except ValueError as error:
        raise OptionError(
            f"site must be the numeric ID, the domain, or the URL of a site, such as blog.example.com, got {site!r}: {error}."
        ) from None
    if is_number(name) and int(name) == 0:
        raise OptionError(f"site must be a positive number or a domain, got {site!r}.")
    return name
