# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A world like those that faults were reported from: odd accounts on two sites, and connections that outlived theirs."""

from __future__ import annotations

from typing import Any

from ansible_collections.community.wpcom.plugins.module_utils._operations import (
    FindSites,
    GetService,
    ListKeyringConnections,
    ListPublicizeConnections,
    ListServices,
    ListSitePublicizeConnections,
)
from ansible_collections.community.wpcom.plugins.module_utils._records.record import Record
from ansible_collections.community.wpcom.tests.unit.builders import (
    COLLEAGUE,
    EVERYTHING,
    World,
    external_user,
    keyring_connection,
    publicize_connection,
    service,
    site,
)

PAGE, OTHER_PAGE = external_user("9001", "Page"), external_user("9002", "Other page")
FACEBOOK = keyring_connection(501, "facebook", "ada", PAGE, OTHER_PAGE, external_id="900")
TUMBLR = keyring_connection(502, "tumblr", "acme", external_id="acme", external_display="Acme")
TWITTER = keyring_connection(503, "twitter", "ada")
MASTODON = keyring_connection(505, "mastodon", "@ada")
KEYRINGS = (FACEBOOK, TUMBLR, TWITTER, MASTODON)
GONE = keyring_connection(599, "tumblr", "old", external_id="old", external_display="Old &amp; Co")
COLLEAGUES = keyring_connection(601, "tumblr", "grace", external_id="grace", user_id=COLLEAGUE)
SERVICES = (
    service("facebook", multiple_external_user_id_support=True, external_users_only=True),
    service("tumblr", multiple_external_user_id_support=True),
    service("twitter", status="unsupported"),
    service("mastodon"),
    service("photos", type="other"),
)
SITES = (site(777, "second.example.org", **EVERYTHING), site(888, "empty.example.net", **EVERYTHING))

# Of keyring connection 599, which is in no list any more.
ORPHAN = publicize_connection(9050, GONE, 777)

ON_SITE = [ListKeyringConnections(), ListSitePublicizeConnections("777")]
TUMBLR_ON_SITE = [*ON_SITE, GetService("tumblr")]
LISTS = [ListKeyringConnections(), ListPublicizeConnections(), ListServices()]
WITH_SITES = [*LISTS, FindSites()]


def reported(*connections: Record, **changes: Any) -> World:
    """Return the world with connections."""
    return World(*connections, **{"keyrings": KEYRINGS, "services": SERVICES, "sites": SITES, **changes})


def as_list(options: dict[str, Any]) -> dict[str, Any]:
    """Return the options of a list of one entry."""
    return {"connections": [options]}
