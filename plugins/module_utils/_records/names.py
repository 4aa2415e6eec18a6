# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The names of connections, external users, and sites: how messages show them, and what matches them."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from .record import Record, Records

# Host, port, and path; the API has :: for the slashes of a path.
_ADDRESS = re.compile(r"(?P<host>[^/:?#&@\s]+)(?::\d*)?(?:(?:/|::)(?P<path>[^?#&@\s]*))?")
_HOST = re.compile(r"[a-z0-9_-]+(\.[a-z0-9_-]+)*")
_NAMES = ("external_name", "external_display")


def shown(text: Any) -> str:
    """Return a name as people see it: WordPress.com escapes many names for HTML."""
    return html.unescape(str(text))


def account_name(record: Mapping[str, Any]) -> str:
    """Return the name that people know a connection or an external user by."""
    names = [shown(record[key]) for key in ("external_display", "external_name") if record.get(key)]
    return names[0] if names else str(record.get("external_id") or "unnamed account")


def is_named(record: Mapping[str, Any], name: str) -> bool:
    """Whether a connection or an external user has this name or display name, as it is or with entities decoded."""
    return bool(named([dict(record)], name))


def named(records: Iterable[Record], name: str, keys: Sequence[str] = _NAMES) -> Records:
    """Return the records with a name: those that have it exactly, else those that have it with entities decoded.

    named([{"title": "A &amp; B"}, {"title": "A & B"}], "A & B", ["title"]) is the second one only.
    """
    candidates = list(records)
    exact = [record for record in candidates if name in [record.get(key) for key in keys]]
    if exact:
        return exact
    decoded = html.unescape(name)
    return [
        record
        for record in candidates
        if decoded in [html.unescape(value) for value in map(record.get, keys) if isinstance(value, str)]
    ]


def describe(record: Mapping[str, Any]) -> str:
    """Return one phrase that identifies a publicize or keyring connection."""
    where = f" on site {record['site_id']}" if record.get("site_id") else ""
    return f"{record.get('id')} ({record.get('service')}: {account_name(record)}{where})"


def describe_candidate(record: Mapping[str, Any]) -> str:
    """Return one phrase with everything that distinguishes a connection or external user from others of the same name."""
    parts = [account_name(record)]
    if record.get("external_name") and shown(record["external_name"]) != parts[0]:
        parts.append(f"name {shown(record['external_name'])}")
    if record.get("external_id"):
        parts.append(f"external ID {record['external_id']}")
    if record.get("site_id"):
        parts.append(f"on site {record['site_id']}")
    details = ", ".join(parts)
    return f"{record['id']} ({record.get('service')}: {details})" if "id" in record else details


def listed(records: Iterable[Mapping[str, Any]]) -> str:
    """Return a list of candidates for a message."""
    return "; ".join(map(describe_candidate, records)) or "none"


def normalized_site(text: str) -> str:
    """Return a site as the API names it: an ID, or a domain in lower case, with its path after ``::``.

        https://Example.com:443/blog/ -> example.com::blog        müller.example. -> xn--mller-kva.example

    Raises ValueError where the text names no site.
    """
    address = re.sub("^(https?:)?//", "", text.strip().lower())
    if not address:
        raise ValueError("it is empty")
    match = _ADDRESS.fullmatch(address)
    if not match or "://" in address:
        raise ValueError("it must not have a query, a fragment, a user name, spaces, or a scheme other than https")
    host = _a_label(match["host"].rstrip("."))
    path = re.sub("/+", "::", (match["path"] or "").strip("/:"))
    if not _HOST.fullmatch(host):
        raise ValueError("it is not a domain")
    return f"{host}::{path}" if path else host


def sites_by_name(sites: Iterable[Record]) -> dict[str, Record]:
    """Return sites by each of their names, without the names that several of them have."""
    by_name: dict[str, dict[Any, Record]] = {}
    for site in sites:
        for name in site_names(site):
            by_name.setdefault(name, {})[site["id"]] = site
    return {name: next(iter(of_name.values())) for name, of_name in by_name.items() if len(of_name) == 1}


def site_names(record: Mapping[str, Any]) -> list[str]:
    """Return the names of a site: its ID, and its domain as its URLs and its slug have it."""
    options = record.get("options")
    unmapped = options.get("unmapped_url") if isinstance(options, dict) else None
    names = [str(record.get("id"))]
    for url in (record.get("url"), record.get("slug"), unmapped):
        try:
            names.append(normalized_site(url) if isinstance(url, str) else "")
        except ValueError:
            pass
    return list(dict.fromkeys(filter(None, names)))


def _a_label(host: str) -> str:
    """Return an international domain as DNS has it. Raises ValueError."""
    if host.isascii():
        return host
    try:
        # It comes with requests. The codec of Python is of an older standard, in which straße is strasse.
        from idna import encode
    except ImportError:
        return host.encode("idna").decode()
    return str(encode(host, uts46=True).decode())
