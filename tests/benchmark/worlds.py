# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Worlds of any size for the simulator, and what a user would declare about them."""

from __future__ import annotations

from typing import Any

TOKEN = "benchmark-token"
ACCOUNTS = 5


def world(sites: int, per_site: int) -> dict[str, Any]:
    """Return a world of one user with ``sites`` sites that each post to ``per_site`` accounts."""
    keyrings = [
        {
            "ID": 20_000 + number,
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
            {"ID": 1, "username": "ada", "display_name": "Ada", "email": "ada@example.com", "primary_blog": 1_000_000}
        ],
        "tokens": [{"token": TOKEN, "user_ID": 1, "scope": "global", "client_ID": 1}],
        "sites": [
            {
                "ID": 1_000_000 + number,
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
                "ID": 5_000_000 + site * per_site + number,
                "site_ID": 1_000_000 + site,
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
