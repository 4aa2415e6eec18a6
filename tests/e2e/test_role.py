# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The role social_connections in playbooks as users write them: forms of sites, optional values, a resumed playbook, its report."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import pytest
import yaml

from tests.simulator import Simulator

SHOW = "Show the changes and the required manual actions"
BLUESKY = {"service": "bluesky", "account": "ada.bsky.example"}
MASTODON = {"service": "mastodon", "account": "@me@mastodon.example"}


def play(sites: list[dict[str, Any]], **variables: Any) -> str:
    """Return a playbook that runs the role."""
    role = {
        "ansible.builtin.include_role": {"name": "community.wpcom.social_connections"},
        "vars": {"social_connections_sites": sites, **variables},
    }
    return yaml.safe_dump([{"hosts": "localhost", "gather_facts": False, "tasks": [role]}], sort_keys=False)


def report(outcome: Any) -> list[str]:
    """Return the lines that the role shows."""
    assert outcome.status == 0, outcome.output
    lines: list[str] = outcome.result(f"community.wpcom.social_connections : {SHOW}")["msg"]
    return lines


def world(count: int) -> dict[str, Any]:
    """Return a world with a number of sites, each with a connection to one account."""
    return {
        "users": [{"ID": 100, "username": "me", "display_name": "Me"}],
        "tokens": [{"token": "sim-token", "user_ID": 100, "scope": "global", "client_ID": 50001}],
        "services": [{"ID": "mastodon", "label": "Mastodon"}],
        "sites": [
            {
                "ID": 7000 + number,
                "name": f"Site {number}",
                "slug": f"s{number}.example.com",
                "members": [{"user_ID": 100, "role": "administrator"}],
            }
            for number in range(count)
        ],
        "keyring_connections": [
            {
                "ID": 500,
                "user_ID": 100,
                "service": "mastodon",
                "external_ID": "1",
                "external_name": MASTODON["account"],
                "external_display": "Me",
            }
        ],
        "publicize_connections": [
            {"ID": 9000 + number, "site_ID": 7000 + number, "keyring_connection_ID": 500, "shared": False}
            for number in range(count)
        ],
    }


@pytest.mark.parametrize("task", [SHOW, "Return the statistics", "Fail if an account requires manual action"])
def test_a_playbook_can_be_resumed_at_the_last_tasks(
    task: str, ansible: Any, simulator: Simulator, connected: Mapping[str, str]
) -> None:
    role = {
        "role": "community.wpcom.social_connections",
        "social_connections_fail_on_unhealthy": True,
        "social_connections_sites": [{"site": "shop.example.com", "connections": [BLUESKY]}],
    }
    text = yaml.safe_dump([{"hosts": "localhost", "gather_facts": False, "roles": [role]}])
    whole = ansible.play(text, **connected)
    assert whole.status == 2
    assert "Repair bluesky ada.bsky.example (shop.example.com): broken" in whole.output
    simulator.clear_requests()
    resumed = ansible.play(text, "--start-at-task", f"community.wpcom.social_connections : {task}", **connected)
    assert resumed.status == 0, resumed.output
    assert re.search(r"skipped=[123] ", resumed.stdout)
    assert simulator.requests() == []


def test_an_option_without_a_value_is_left_out_by_the_form_of_the_readme(
    ansible: Any, simulator: Simulator, connected: Mapping[str, str]
) -> None:
    entry = (
        "{{ {'service': 'facebook', 'external_user_name': 'Difference Engines'}"
        " | combine({'shared': shop_shared} if shop_shared is defined else {}) }}"
    )
    text = play([{"site": "shop.example.com", "connections": [entry]}])
    assert report(ansible.play(text, **connected)) == ["Done: 0 created, 0 updated, 0 deleted, 1 unchanged."]
    assert simulator.requests("POST") == []
    shown = report(ansible.play(text, "-e", '{"shop_shared": false}', **connected))
    assert shown[1:] == ["shop.example.com: updated facebook Ada Lovelace, posts to Difference Engines, not shared"]
    assert len(simulator.requests("POST")) == 1


def test_forms_of_a_site_mean_the_same_site(ansible: Any, simulator: Simulator, connected: Mapping[str, str]) -> None:
    small = world(1)
    small["sites"] += [
        {**small["sites"][0], "ID": 7001, "slug": "example.com::blog", "URL": "https://example.com/blog"},
        {**small["sites"][0], "ID": 7002, "slug": "xn--mller-kva.example"},
    ]
    simulator.reset(small)
    forms = ["HTTPS://S0.example.com:443/", "example.com/blog", "müller.example"]
    connection = {**MASTODON, "shared": False}
    shown = report(ansible.play(play([{"site": form, "connections": [connection]} for form in forms]), **connected))
    assert shown[0] == "Done: 2 created, 0 updated, 0 deleted, 1 unchanged."
    sites = [record["site_ID"] for record in simulator.state()["publicize_connections"]]
    assert sorted(sites) == [7000, 7001, 7002]


def test_a_long_report_ends_with_the_number_of_what_it_leaves_out(
    ansible: Any, simulator: Simulator, connected: Mapping[str, str]
) -> None:
    simulator.reset(world(30))
    sites = [{"site": f"s{number}.example.com", "connections": [{**MASTODON, "shared": True}]} for number in range(30)]
    shown = report(ansible.play(play(sites), **connected))
    assert shown[0] == "Done: 0 created, 30 updated, 0 deleted, 0 unchanged."
    assert shown[1] == "s0.example.com: updated mastodon Me, shared"
    assert (len(shown), shown[-1]) == (22, "and 10 more")
    again = report(ansible.play(play(sites), **connected))
    assert again == ["Done: 0 created, 0 updated, 0 deleted, 30 unchanged."]
