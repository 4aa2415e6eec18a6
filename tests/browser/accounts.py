# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What could have been gathered of accounts with few or many sites, with the usual troubles, for pages to look at."""

from __future__ import annotations

import random
import re
import unicodedata
from datetime import datetime, timedelta, timezone
from typing import Any

from ansible_collections.community.wpcom.plugins.module_utils._audit.policy import Policy
from ansible_collections.community.wpcom.plugins.module_utils._audit.subjects import AccountRecords
from ansible_collections.community.wpcom.plugins.module_utils._options import publicize_connection_argument_spec
from ansible_collections.community.wpcom.plugins.module_utils._records import normalize
from ansible_collections.community.wpcom.plugins.plugin_utils._audit_report import audit_report

NOW = datetime(2026, 11, 3, 6, 30, tzinfo=timezone.utc)
SERVICES = [
    {"id": "facebook", "label": "Facebook", "external_users_only": True, "multiple_external_user_id_support": True},
    {"id": "instagram-business", "label": "Instagram", "external_users_only": True},
    {"id": "linkedin", "label": "LinkedIn", "multiple_external_user_id_support": True},
    {"id": "mastodon", "label": "Mastodon"},
    {"id": "bluesky", "label": "Bluesky"},
    {"id": "threads", "label": "Threads"},
    {"id": "twitter", "label": "Twitter", "status": "unsupported"},
]
NAMES = ("Harbour Café", "Green & Grain", "Riverside Clinic", "The Bicycle Kitchen", "Nordlicht", "Paper Lantern Press")
UNSET = {name: option.get("default") for name, option in publicize_connection_argument_spec().items()}
HOSTILE = (
    "<script>document.title = 'run'</script>",
    '"><img src=http://127.0.0.1:9/x onerror="document.title=\'run\'">',
    "</title></style></script><script>document.title='run'</script>",
    "\u202e\u2066abc\u202d fed",
    "x" * 500,
    "W" * 40 + " " + "\u05d0" * 60,
    "\U0001f600\U0001f468\u200d\U0001f469\u200d\U0001f467 e\u0301\u0302\u0303",
    "{{ 6 * 7 }}{% raw %}",
    "=cmd|' /C calc'!A0",
    "javascript:document.title='run'",
    "a\nb\tc\x00d",
)


def day(days: float) -> str:
    """Return a date as the API has it, so many days from the time of the audit."""
    return (NOW + timedelta(days=days)).strftime("%Y-%m-%dT%H:%M:%SZ")


def _slug(name: str, number: int) -> str:
    """Return the domain of a site by its name, without its end."""
    letters = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    words = re.findall("[a-z0-9]+", letters)[:3] or ["site"]
    return "-".join(word[:30] for word in words) + (f"-{number}" if number else "")


def account(sites: int, *, name: str = "ada", names: tuple[str, ...] = NAMES, health: float = 0.06) -> AccountRecords:
    """Return an account that looks after sites, each with up to five connections; ``health`` is the share with a trouble."""
    chance = random.Random(f"{name} {sites}")
    # Two accounts have neither users nor sites nor connections in common.
    me, first, domain = (1, 0, "example.com") if name != "grace" else (2, 100_000, "example.org")
    slug = [_slug(names[number % len(names)], number // len(names)) for number in range(sites)]
    records: list[dict[str, Any]] = [
        {
            "id": 3000 + first + number,
            "name": names[number % len(names)] + (f" {number // len(names)}" if number >= len(names) else ""),
            "slug": f"{slug[number]}.{domain}",
            "url": f"https://{slug[number]}.{domain}",
        }
        for number in range(sites)
    ]
    keyrings: list[dict[str, Any]] = []
    connections: list[dict[str, Any]] = []
    for site in records:
        for service in SERVICES[:5] if sites > 3 else (SERVICES[0], SERVICES[2], SERVICES[4]):
            status, expires = "ok", None
            if chance.random() < health:
                status, expires = chance.choice(
                    [("broken", None), ("must_reauth", day(20)), ("ok", day(4)), ("invalid", None), ("on_hold", None)]
                )
            elif service["id"] == "linkedin":
                expires = day(60 + chance.randrange(200))
            number = len(keyrings)
            page = {"external_id": f"p{number}", "external_name": site["name"], "external_display": site["name"]}
            keyring = {
                "id": 2000 + first + number,
                "user_id": me,
                "service": service["id"],
                "label": service["label"],
                "external_id": f"u{number}",
                "external_name": f"@{slug[site['id'] - 3000 - first]}@mastodon.example"
                if service["id"] == "mastodon"
                else slug[site["id"] - 3000 - first],
                "external_display": "Ada Lovelace" if service["id"] == "facebook" else None,
                "additional_external_users": [page],
                "status": status,
                "expires": expires,
            }
            keyrings.append(keyring)
            if chance.random() < 0.08:
                continue
            user = page if service.get("external_users_only") and chance.random() > 0.02 else keyring
            connections.append(
                {
                    "id": 5000 + first + number,
                    "site_id": site["id"],
                    "keyring_connection_id": keyring["id"],
                    "keyring_connection_user_id": me,
                    "user_id": me,
                    "shared": chance.random() < 0.7,
                    **{key: keyring[key] for key in ("service", "label", "status", "expires")},
                    **{key: user[key] for key in ("external_id", "external_name", "external_display")},
                }
            )
    applications = [
        {"id": 7001, "title": "Jetpack", "scope": "global", "authorized": day(-800)},
        {"id": 7002, "title": "Ansible", "scope": "global", "authorized": day(-12)},
        {"id": 7003, "title": "Post scheduler", "scope": "posts media", "authorized": day(-90)},
    ]
    return AccountRecords(
        name=name,
        publicize_connections=[normalize.publicize_connection(one, NOW) for one in connections],
        keyring_connections=[normalize.keyring_connection(one, NOW) for one in keyrings],
        services=[normalize.service(one) for one in SERVICES],
        sites=records,
        connected_applications=[
            normalize.connected_application({**one, "id": one["id"] + first, "site": False}) for one in applications
        ],
        account={"id": me, "username": name},
    )


def report(*accounts: AccountRecords, expected: Any = None, **policy: Any) -> dict[str, Any]:
    """Return the report of an audit."""
    found: dict[str, Any] = audit_report(accounts, Policy(**policy), NOW, expected=expected)["report"]
    return found


def declared(records: AccountRecords) -> list[dict[str, Any]]:
    """Return a declared state that differs from what exists in a few places."""
    entries = [
        {
            **UNSET,
            "site": str(one["site_id"]),
            "id": one["id"],
            "shared": not one["shared"] if one["id"] % 7 == 0 else None,
        }
        for one in records.publicize_connections
        if one["id"] % 11
    ]
    return [*entries, {**UNSET, "site": "3000", "service": "threads", "account": "ada"}]
