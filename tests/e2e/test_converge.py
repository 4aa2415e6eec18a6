# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The playbook community.wpcom.converge over the hosts of several accounts.

Both users are administrators of all sites, and their accounts have the same names: with the other token each write would
succeed, and leave a connection of the other user.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Mapping
from typing import Any

import pytest
import yaml

from tests.simulator import Simulator

USERS = {"ada": 100, "grace": 200, "linus": 300}
KEYRINGS = {name: 5 * number for name, number in USERS.items()}
TEAM = {"service": "mastodon", "account": "@team@mastodon.example"}
PAGE = {"service": "bluesky", "account": "team.bsky.example"}
RECAP = re.compile(r"^(\S+) +: ok=(\d+) +changed=(\d+) +unreachable=0 +failed=(\d+) +skipped=(\d+)", re.MULTILINE)
SITES = range(1, 13)


def world() -> dict[str, Any]:
    """Return a world of three users on the same sites; sites 1 to 4 have a connection of ada, 5 to 8 one of grace."""
    return {
        "users": [{"ID": number, "username": name} for name, number in USERS.items()],
        "tokens": [{"token": f"token-{name}", "user_ID": number, "scope": "global"} for name, number in USERS.items()],
        "services": [{"ID": "mastodon", "label": "Mastodon"}, {"ID": "bluesky", "label": "Bluesky"}],
        "sites": [
            {
                "ID": site,
                "name": f"Site {site}",
                "slug": f"s{site}.example.com",
                "members": [{"user_ID": number, "role": "administrator"} for number in USERS.values()],
            }
            for site in SITES
        ],
        "keyring_connections": [
            {
                "ID": KEYRINGS[name] + offset,
                "user_ID": number,
                "service": entry["service"],
                "external_ID": f"{name}-{offset}",
                "external_name": entry["account"],
            }
            for name, number in USERS.items()
            for offset, entry in enumerate((TEAM, PAGE))
        ],
        "publicize_connections": [
            {"ID": 9000 + site, "site_ID": site, "keyring_connection_ID": KEYRINGS["ada" if site < 5 else "grace"]}
            for site in range(1, 9)
        ],
    }


class Fleet:
    """An inventory of sites of several accounts, and the command that converges them."""

    def __init__(self, ansible: Any, simulator: Simulator) -> None:
        self.ansible = ansible
        self.simulator = simulator
        self.groups: dict[str, Any] = {}
        simulator.reset(world())

    def account(self, name: str, variables: Mapping[str, Any], **hosts: Mapping[str, Any]) -> None:
        """Add the group of an account, with the variables of its hosts."""
        self.groups[f"wpcom_account_{name}"] = {
            "vars": {"wpcom_account": name, **variables},
            "hosts": {host.replace("_", "."): dict(given) for host, given in hosts.items()},
        }

    def run(self, *arguments: str, **environment: str) -> tuple[int, str, dict[str, tuple[int, int, int, int]]]:
        """Return the exit status, what was printed, and for each host how many tasks were ok, changed, failed and skipped."""
        # The simulator must be asked by the environment alone, as in AWX.
        inventory = {"all": {"children": {**self.groups, "db": {"hosts": {"db1": {"ansible_connection": "ssh"}}}}}}
        (self.ansible.cwd / "inventory.yml").write_text(yaml.safe_dump(inventory), encoding="utf-8")
        finished = self.ansible.run(
            "ansible-playbook",
            "-i",
            "inventory.yml",
            "community.wpcom.converge",
            *arguments,
            WPCOM_API_URL=self.simulator.url,
            WPCOM_RETRY_MAX_DELAY="0",
            ANSIBLE_SHOW_CUSTOM_STATS="True",
            **environment,
        )
        assert "token-" not in finished.output
        recap = {found[1]: tuple(map(int, found.groups()[1:])) for found in RECAP.finditer(finished.stdout)}
        return finished.status, finished.stdout, recap

    def connections(self) -> Counter[tuple[int, int, bool]]:
        """Return all connections: site, keyring connection, and whether it is shared."""
        return Counter(
            (record["site_ID"], record["keyring_connection_ID"], record["shared"])
            for record in self.simulator.state()["publicize_connections"]
        )


@pytest.fixture
def fleet(ansible: Any, simulator: Simulator) -> Fleet:
    return Fleet(ansible, simulator)


def site(number: int, *connections: Any, **more: Any) -> dict[str, Any]:
    """Return the variables of a host."""
    return {"wpcom_site_id": number, "social_connections": list(connections), **more}


def statistics(printed: str) -> Any:
    """Return the custom statistics of a run."""
    found = re.search(r"RUN: (\{.*\})", printed)
    assert found, printed
    return json.loads(found[1])


def test_each_account_is_written_with_its_own_token_and_each_host_has_its_own_result(fleet: Fleet) -> None:
    token_file = fleet.ansible.cwd / "grace.token"
    token_file.write_text("token-grace\n", encoding="utf-8")
    fleet.account(
        "ada",
        # As a lookup or a vault would give it.
        {"wpcom_api_token": "{{ 'token-' ~ wpcom_account }}"},
        a1=site(1, {**TEAM, "shared": True}, PAGE),
        a2=site(2, {**TEAM, "shared": "{{ nowhere | default(omit) }}"}),
        s9_example_com={"social_connections": [TEAM]},
    )
    fleet.account(
        "grace",
        {"wpcom_api_token_file": "{{ inventory_dir }}/grace.token"},
        g5=site(5, TEAM),
        g10={"wpcom_slug": "s10.example.com", "social_connections": [TEAM, PAGE]},
        g6=site(6),
        **{"example_com::blog": site(7, TEAM)},
    )
    # The environment has the token of the third.
    fleet.account("linus", {}, l9=site(9, TEAM), l11=site(11, TEAM))
    before = fleet.connections()
    for check in (["--check", "--diff"], ["--forks", "1"]):
        fleet.simulator.clear_requests()
        status, printed, recap = fleet.run(*check, WPCOM_API_TOKEN="token-linus")
        assert status == 0, printed
        # db1 is the first host of the play, on which the tasks for all hosts run.
        assert {host: counts[1:] for host, counts in recap.items()} == {
            "a1": (1, 0, 0),
            "a2": (0, 0, 0),
            "s9.example.com": (1, 0, 0),
            "g5": (0, 0, 0),
            "g10": (1, 0, 0),
            "g6": (0, 0, 0),
            "example.com::blog": (0, 0, 0),
            "l9": (1, 0, 0),
            "l11": (1, 0, 0),
            "db1": (0, 0, 0),
        }
        told = statistics(printed)
        assert (told["social_connections_created"], told["social_connections_updated"]) == (6, 1)
        assert (told["social_connections_unchanged"], told["social_connections_failed"]) == (3, 0)
        if "--check" not in check:
            # The lists of each account, whatever the number of its hosts.
            assert len(fleet.simulator.requests("GET")) <= 3 * 4
        else:
            assert "--- before: site 1: mastodon @team@mastodon.example (9001)" in printed
            assert '+    "shared": true' in printed
            assert fleet.simulator.requests("POST") == []
            assert fleet.connections() == before
    assert len(fleet.simulator.requests("POST")) == 7
    expected = before - Counter([(1, KEYRINGS["ada"], False)])
    expected += Counter([(1, KEYRINGS["ada"], True), (1, KEYRINGS["ada"] + 1, False), (9, KEYRINGS["ada"], False)])
    expected += Counter([(10, KEYRINGS["grace"], False), (10, KEYRINGS["grace"] + 1, False)])
    expected += Counter([(9, KEYRINGS["linus"], False), (11, KEYRINGS["linus"], False)])
    assert fleet.connections() == expected
    status, printed, recap = fleet.run(WPCOM_API_TOKEN="token-linus")
    assert (status, sum(counts[1] for counts in recap.values())) == (0, 0)
    assert len(fleet.simulator.requests("POST")) == 7


def test_a_wrong_host_fails_with_its_name_and_keeps_its_account_from_being_written(fleet: Fleet) -> None:
    fleet.account(
        "ada",
        {"wpcom_api_token": "token-ada"},
        a1=site(1, {**TEAM, "shared": True}),
        a2=site(2, {**TEAM, "account": "@nobody@mastodon.example"}),
    )
    fleet.account(
        "grace",
        {"wpcom_api_token": "token-grace"},
        g5=site(5, {**TEAM, "shared": True}),
        g6=site(6, {**TEAM, "shred": True}),
    )
    fleet.account(
        "linus",
        {"wpcom_api_token": "token-linus", "social_connections_on_error": "continue"},
        l9=site(9, TEAM),
        l10=site(10, TEAM),
        l11=site(11, TEAM),
    )
    fleet.simulator.fault(kind="status", status=400, body={"error": "insert_error"}, method="POST", path="/sites/10/.*")
    status, printed, recap = fleet.run("-e", "converge_report=changes")
    assert status == 2
    assert {host: counts[1:] for host, counts in recap.items() if host != "db1"} == {
        "a1": (0, 0, 1),
        "a2": (0, 1, 0),
        "g5": (0, 0, 1),
        "g6": (0, 1, 0),
        "l9": (1, 0, 0),
        "l10": (0, 1, 0),
        "l11": (1, 0, 0),
    }
    assert recap["db1"][1:3] == (0, 0)
    assert re.search(
        r"^fatal: \[a2\]: FAILED! => .*\n.*\n +\"msg\": \"social_connections\[0\]: .*@nobody@", printed, re.M
    )
    assert re.search(
        r"^fatal: \[g6\]: FAILED! => .*\n.*\n +\"msg\": \"social_connections\[0\]: Unsupported parameters: shred\. ",
        printed,
        re.M,
    )
    assert "mastodon @team@mastodon.example: failed, Could not create" in printed
    assert sorted(entry["path"] for entry in fleet.simulator.requests("POST") if entry["applied"]) == [
        "/sites/11/publicize-connections/new",
        "/sites/9/publicize-connections/new",
    ]
    # The account of a host that is wrong before anything is asked has no request at all.
    assert len(fleet.simulator.requests("GET")) <= 2 * 4
    told = statistics(printed)
    assert (told["social_connections_created"], told["social_connections_failed"]) == (2, 2 + 2 + 1)


def test_slices_purge_and_limits_concern_their_own_hosts_only(fleet: Fleet) -> None:
    settings = {"social_connections_purge": "listed", "social_connections_max_deletions": 1}
    fleet.account(
        "ada",
        {"wpcom_api_token": "token-ada", **settings},
        **{f"a{number}": site(number, PAGE) for number in range(1, 5)},
    )
    fleet.account("grace", {"wpcom_api_token": "token-grace"}, g5=site(5, PAGE), g9=site(9, PAGE))
    before = fleet.connections()
    # All four would be deleted in one task.
    status, printed, recap = fleet.run("--limit", "wpcom_account_ada")
    assert (status, fleet.connections()) == (2, before)
    assert {host: counts[1:] for host, counts in recap.items()} == dict.fromkeys(("a1", "a2", "a3", "a4"), (0, 1, 0))
    assert "more than max_deletions (1) allows" in printed
    created: Counter[tuple[int, int, bool]] = Counter()
    totals: Counter[str] = Counter()
    for index, (hosts, user, deleted) in enumerate(
        ((["a1"], "ada", 1), (["a2"], "ada", 1), (["g5", "g9"], "grace", 0))
    ):
        limit = "all[{}]" if len(hosts) == 1 else "all[{}:{}]"
        first = {"a1": 1, "a2": 2, "g5": 5}[hosts[0]]
        status, printed, recap = fleet.run(
            "--limit", limit.format(first, first + len(hosts) - 1), ANSIBLE_STRATEGY="free"
        )
        assert status == 0, printed
        assert {host: counts[1:] for host, counts in recap.items()} == dict.fromkeys(hosts, (1, 0, 0)), index
        numbers = [int(host[1:]) for host in hosts]
        created += Counter((number, KEYRINGS[user] + 1, False) for number in numbers)
        told = statistics(printed)
        assert told["social_connections_deleted"] == deleted
        totals.update({name: value for name, value in told.items() if isinstance(value, int)})
    assert totals["social_connections_created"] == 4
    # Nothing was written twice, and nothing of a host outside of the slice.
    expected = before - Counter([(1, KEYRINGS["ada"], False), (2, KEYRINGS["ada"], False)]) + created
    assert fleet.connections() == expected
    assert len(fleet.simulator.requests("POST")) == 4 + 2
