# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The playbook community.wpcom.audit, by the commands that a user types."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from tests.simulator import Simulator

RECAP = re.compile(r"^\S+ +: ok=\d+ +changed=(\d+) .*failed=(\d+) ", re.MULTILINE)
FILES = {"audit.html", "audit.json", "audit.csv", "audit.xml"}
HOSTILE = "{{ lookup('pipe', 'touch hacked') }}<script>"


def audit(ansible: Any, environment: Mapping[str, str], *arguments: str, **variables: Any) -> tuple[str, int, str]:
    """Run the playbook; return how it ended, how many tasks changed something, and what was printed."""
    given = {f"social_connections_audit_{name}": value for name, value in variables.items()}
    finished = ansible.run(
        "ansible-playbook", "community.wpcom.audit", "-e", json.dumps(given), *arguments, **environment
    )
    found = RECAP.search(finished.stdout)
    assert found, finished.output
    return ("failed" if found[2] != "0" else "ok"), int(found[1]), finished.output


def written(ansible: Any) -> dict[str, Path]:
    return {path.name: path for path in (ansible.cwd / "audit").glob("*")}


def test_files_are_written_once_with_six_requests(
    ansible: Any, simulator: Simulator, connected: Mapping[str, str]
) -> None:
    environment = {**connected, "ANSIBLE_SHOW_CUSTOM_STATS": "True"}
    assert audit(ansible, environment, "--check", path="", formats="html,json,csv,junit")[:2] == ("ok", 2)
    assert written(ansible) == {}
    simulator.clear_requests()
    outcome, changed, printed = audit(ansible, environment, fail_on=["error"])
    assert (outcome, changed) == ("failed", 2)
    assert set(written(ansible)) == FILES
    assert [request["method"] for request in simulator.requests()] == ["GET"] * 6
    assert '"social_connections_audit_broken": 2,' in printed
    assert "fatal: [localhost]" in printed
    before = {name: (path.stat().st_mtime_ns, path.read_text()) for name, path in written(ansible).items()}
    assert audit(ansible, environment)[:2] == ("ok", 0)
    assert {name: (path.stat().st_mtime_ns, path.read_text()) for name, path in written(ansible).items()} == before
    simulator.patch(publicize_connections=[{"ID": 5002, "status": "broken"}])
    assert audit(ansible, environment)[:2] == ("ok", 1)
    found = json.loads(written(ansible)["audit.json"].read_text())["findings"]
    assert [one["connection"]["id"] for one in found if one["code"] == "broken"] == [5002, 5004, 5014]
    assert simulator.requests("POST") == []


def test_nothing_is_read_for_a_wrong_variable_and_nothing_written_for_a_wrong_token(
    ansible: Any, simulator: Simulator, connected: Mapping[str, str]
) -> None:
    outcome, _changed, printed = audit(ansible, connected, fail_on=["fatal"])
    assert outcome == "failed"
    assert "Got no match for: fatal" in printed
    assert simulator.requests() == []
    outcome, _changed, printed = audit(ansible, {**connected, "WPCOM_API_TOKEN": "sim-token-sharing"})
    assert outcome == "failed"
    assert "Could not list your sites: HTTP 403 authorization_required" in printed
    assert written(ansible) == {}


def test_accounts_of_an_inventory_share_a_page_and_their_names_run_nothing(
    ansible: Any, simulator: Simulator, connected: Mapping[str, str]
) -> None:
    simulator.reset(switches={"html_names": False})
    simulator.patch(
        keyring_connections=[{"ID": 2006, "external_name": HOSTILE, "external_display": HOSTILE}],
        sites=[{"ID": 3002, "name": HOSTILE}],
    )
    accounts = {
        "ada": ("sim-token", {"blog": 3001, "shop": 3002, "news": 3003}),
        "grace": ("sim-token-grace", {"news2": 3003, "sea": 3008}),
    }
    groups = {
        f"wpcom_account_{name}": {
            "hosts": {host: {"wpcom_site_id": number} for host, number in hosts.items()},
            # Hosts of another token are those of another account, also without a name.
            "vars": {"wpcom_api_token": token},
        }
        for name, (token, hosts) in accounts.items()
    }
    inventory = ansible.cwd / "sites.yml"
    inventory.write_text(yaml.safe_dump({"all": {"children": groups}}), encoding="utf-8")
    environment = {**connected, "WPCOM_API_TOKEN": ""}
    outcome, changed, printed = audit(
        ansible, environment, "-vvv", "-i", str(inventory), "--limit", "!news", others=True
    )
    assert (outcome, changed) == ("ok", 2)
    report = json.loads(written(ansible)["audit.json"].read_text())
    assert report["accounts"] == ["ada", "grace"]
    assert [site["id"] for site in report["sites"]] == [3001, 3008, 3003, 3002]
    names = {row["id"]: row["name"] for row in report["connections"]}
    assert names[5004] == HOSTILE
    # A colleague's connection is told from her own account.
    assert {row["owner"] for row in report["connections"]} == {"ada", "grace", "user 1004"}
    page = written(ansible)["audit.html"].read_text()
    assert "{{ lookup(&#39;pipe&#39;" in page
    assert page.count("<script") == 1
    assert not list(ansible.cwd.rglob("hacked"))
    assert "sim-token" not in printed + "".join(path.read_text() for path in written(ansible).values())
    paths = [request["path"] for request in simulator.requests()]
    assert sorted(path for path in paths if path.startswith("/sites/")) == [
        f"/sites/{number}/publicize-connections" for number in (3001, 3002, 3003, 3008)
    ]
