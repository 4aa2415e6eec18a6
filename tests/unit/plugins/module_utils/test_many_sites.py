# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Many sites read at once: how many requests there are, over how many connections, and what a refused token is told."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.community.wpcom.tests.simulator import Simulator
from ansible_collections.community.wpcom.tests.unit.support import brief, run


def world(count: int) -> dict[str, Any]:
    """Return a world with a number of sites, each with a connection of one's own and one of a colleague."""
    users = (100, 200)
    return {
        "users": [{"ID": user, "username": f"user{user}"} for user in users],
        "tokens": [{"token": "sim-token", "user_ID": 100, "scope": "global"}],
        "services": [{"ID": "facebook", "label": "Facebook", "external_users_only": True}],
        "sites": [
            {
                "ID": number,
                "name": f"Site {number}",
                "slug": f"s{number}.example.com",
                "members": [{"user_ID": user, "role": "administrator"} for user in users],
            }
            for number in range(1, count + 1)
        ],
        "keyring_connections": [
            {"ID": 5 * user, "user_ID": user, "service": "facebook", "external_ID": str(user)} for user in users
        ],
        "publicize_connections": [
            {"ID": 1000 * user + number, "site_ID": number, "keyring_connection_ID": 5 * user}
            for user in users
            for number in range(1, count + 1)
        ],
    }


@pytest.mark.parametrize("parallel", [1, 6])
def test_sites_are_read_over_as_many_connections_as_are_allowed(simulator: Simulator, parallel: int) -> None:
    simulator.reset(world(40))
    simulator.settings(latency_ms=5)
    sites = [str(number) for number in range(40, 0, -1)]
    ended = run("info", simulator.url, site=sites, gather=["publicize", "keyring"], parallel=parallel)
    assert not ended.failed, ended.result
    assert [record["site_id"] for record in ended.result["publicize_connections"]] == [
        int(site) for site in sites for _user in range(2)
    ]
    asked = simulator.requests()
    assert len(asked) == 42
    assert len({entry["connection"] for entry in asked}) == parallel


def test_the_accounts_are_those_that_the_server_selects_for_one_site(simulator: Simulator) -> None:
    """For several sites the server selects none: what is selected here must be the same, from the same lists."""
    sites = ["3001", "3002", "news.example.org", "jetpack.example.com"]
    selected: dict[int, None] = {}
    for site in sites:
        one = run("info", simulator.url, site=[site]).result["keyring_connections"]
        selected.update(dict.fromkeys(record["id"] for record in one))
    together = run("info", simulator.url, site=sites).result["keyring_connections"]
    assert [record["id"] for record in together] == list(selected)
    assert selected


def test_a_token_for_one_site_is_told_so_for_each_of_the_others(simulator: Simulator) -> None:
    ended = run("info", simulator.url, api_token="sim-token-site", site=["3001", "3002", "3003"], gather=["publicize"])
    assert ended.failed
    assert ended.result["msg"].startswith("2 of 3 sites could not be read. 3002: ")
    assert [entry["site"] for entry in ended.result["site_errors"]] == ["3002", "3003"]
    for entry in ended.result["site_errors"]:
        assert "This token is for site 3001 only: use another token" in entry["error"]["msg"]
    assert ended.result["publicize_connections"]
    assert brief(simulator.requests()).count("GET /me") == 1
