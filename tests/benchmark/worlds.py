# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Worlds of any size for the simulator, and what a user would declare about them."""

from __future__ import annotations

from typing import Any

TOKEN = "benchmark-token"
FIRST_SITE = 1_000_000
FIRST_ACCOUNT = 20_000
FIRST_CONNECTION = 5_000_000


def shape(connections: int) -> tuple[int, int]:
    """Return how many sites, and how many connections on each, make up so many connections."""
    per_site = 5 if connections % 5 == 0 else 1
    return connections // per_site, per_site


def world(sites: int, per_site: int) -> dict[str, Any]:
    """Return a world of one user with ``sites`` sites that each post to ``per_site`` accounts."""
    keyrings = [
        {
            "ID": FIRST_ACCOUNT + number,
            "user_ID": 1,
            "service": "mastodon",
            "issued": "-100d",
            "external_ID": f"account-{number}",
            "external_name": f"@account{number}@mastodon.example",
            "external_display": f"Account {number}",
        }
        for number in range(per_site)
    ]
    return {
        "users": [
            {"ID": 1, "username": "ada", "display_name": "Ada", "email": "ada@example.com", "primary_blog": FIRST_SITE}
        ],
        "tokens": [{"token": TOKEN, "user_ID": 1, "scope": "global", "client_ID": 1}],
        "sites": [
            {
                "ID": FIRST_SITE + number,
                "name": f"Site {number}",
                "slug": f"site{number}.example.com",
                "members": [{"user_ID": 1, "role": "administrator"}],
            }
            for number in range(sites)
        ],
        "services": [{"ID": "mastodon", "label": "Mastodon", "multiple_external_user_ID_support": False}],
        "keyring_connections": keyrings,
        "publicize_connections": [
            {
                "ID": FIRST_CONNECTION + site * per_site + number,
                "site_ID": FIRST_SITE + site,
                "keyring_connection_ID": keyring["ID"],
                "shared": False,
                "issued": "-90d",
            }
            for site in range(sites)
            for number, keyring in enumerate(keyrings)
        ],
        "applications": [],
    }


def desired(sites: int, per_site: int, *, shared: bool) -> list[dict[str, Any]]:
    """Return the list of connections that declares all of the world to be shared, or all to be unshared."""
    return [
        {
            "site": f"site{site}.example.com",
            "service": "mastodon",
            "account": f"@account{number}@mastodon.example",
            "shared": shared,
        }
        for site in range(sites)
        for number in range(per_site)
    ]


def desired_by_id(sites: int, per_site: int, *, shared: bool) -> list[dict[str, Any]]:
    """Return the same by the IDs of the connections, which is all that ansible.builtin.uri needs."""
    return [{"id": FIRST_CONNECTION + number, "shared": shared} for number in range(sites * per_site)]
