# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The names of connections, external users, and sites: how messages show them, and what matches them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import urlsplit

from .record import Record, is_number


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
