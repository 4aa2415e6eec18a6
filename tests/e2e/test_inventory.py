# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The inventory by the commands that users run: listing it, its cache, and playbooks over its hosts."""

from __future__ import annotations

import ast
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.simulator import Simulator

ROOT = Path(__file__).resolve().parents[2]
STRICT = {"ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED": "true"}
CONFIGURATION = """\
---
plugin: community.wpcom.sites
connections: true
accounts:
  - name: Ada's
    api_token: "{{ lookup('ansible.builtin.env', 'ADA_TOKEN') }}"
  - api_token_file: token
hostname: wpcom_account[0] ~ '-' ~ wpcom_site_id
groups:
  unhealthy: wpcom_health in ["broken", "expiring", "unknown"]
keyed_groups:
  - key: wpcom_plan
    prefix: plan
cache: true
cache_plugin: ansible.builtin.jsonfile
cache_connection: ./cache
strict: true
"""
PLAY = """\
---
- name: Sites
  hosts: unhealthy
  gather_facts: false
  tasks:
    - name: Run a module with the interpreter of Ansible
      ansible.builtin.ping:

    - name: Read the connections of the site
      community.wpcom.wpcom_connection_info:
        gather: [publicize]
        site: ["{{ wpcom_site_id }}"]
        api_token: "{{ {'A': 'sim-token', 'g': 'sim-token-grace'}[inventory_hostname[0]] }}"

    - name: Show a name that looks like a template
      ansible.builtin.debug:
        msg: "{{ wpcom_name }}"
"""
ATTACK = "{{ lookup('ansible.builtin.pipe', 'touch attacked') }}"


def unmarked(value: Any) -> Any:
    """Return a value of ``ansible-inventory --list`` without the marks of texts that are not templates."""
    if isinstance(value, dict):
        return (
            value["__ansible_unsafe"] if set(value) == {"__ansible_unsafe"} else {k: unmarked(value[k]) for k in value}
        )
    return [unmarked(item) for item in value] if isinstance(value, list) else value


def paths(simulator: Simulator) -> list[str]:
    """Return the paths of the requests, in alphabetical order."""
    return sorted(request["path"] for request in simulator.requests())


def test_listed_once_and_then_from_the_cache(ansible: Any, simulator: Simulator, connected: Mapping[str, str]) -> None:
    """Two accounts are five requests, and then none, whatever the command."""
    simulator.patch(sites=[{"ID": 3002, "name": ATTACK}, {"ID": 3001, "plan": "value_bundle"}])
    (ansible.cwd / "wpcom.yml").write_text(CONFIGURATION, encoding="utf-8")
    (ansible.cwd / "token").write_text("sim-token-grace\n", encoding="utf-8")
    (ansible.cwd / "token").chmod(0o600)
    environment = {**connected, **STRICT, "ADA_TOKEN": "sim-token", "WPCOM_TIMEOUT": ""}
    listed = ansible.run("ansible-inventory", "-i", "wpcom.yml", "--list", **environment)
    assert (listed.status, listed.stderr) == (0, ""), listed.output
    assert paths(simulator) == ["/me", *["/me/publicize-connections"] * 2, *["/me/sites"] * 2]
    document = unmarked(json.loads(listed.stdout))
    assert len(document["_meta"]["hostvars"]) == 10
    shop = document["_meta"]["hostvars"]["A-3002"]
    assert (shop["wpcom_name"], shop["wpcom_account"], shop["ansible_connection"]) == (ATTACK, "Ada's", "local")
    assert document["plan_value_bundle"]["hosts"] == ["A-3001", "g-3001"]
    assert sorted(document["wpcom_account_grace"]["hosts"]) == ["g-3001", "g-3003", "g-3004", "g-3008"]
    assert "sim-token" not in listed.output

    simulator.clear_requests()
    graph = ansible.run("ansible-inventory", "-i", "wpcom.yml", "--graph", "-vvvv", **environment)
    assert "  |--@wpcom_account_Ada_s:\n  |  |--A-3001\n" in graph.stdout, graph.output
    assert paths(simulator) == []
    assert "sim-token" not in graph.output
    files = [path for folder in (ansible.cwd / "cache", ansible.home) for path in folder.rglob("*") if path.is_file()]
    assert files
    assert not any("sim-token" in path.read_text(errors="replace") for path in files)

    played = ansible.play(PLAY, "-i", "wpcom.yml", **environment)
    assert played.status == 0, played.output
    assert set(paths(simulator)) & {"/me", "/me/sites"} == set()
    assert "\nA-3002" in played.stdout
    assert ATTACK in played.stdout.replace('\\"', '"')
    assert not list(ansible.cwd.rglob("attacked"))


@pytest.mark.parametrize(
    ("configuration", "said"),
    [
        ("api_token: wrong-token", "The token is wrong or was revoked"),
        ("filters: [wpcom_sulg]", "filters[0] 'wpcom_sulg'"),
    ],
)
def test_an_error_is_shown_without_the_token(
    ansible: Any, connected: Mapping[str, str], configuration: str, said: str
) -> None:
    text = f"plugin: community.wpcom.sites\n{configuration}\n"
    (ansible.cwd / "wpcom.yml").write_text(text, encoding="utf-8")
    listed = ansible.run("ansible-inventory", "-i", "wpcom.yml", "--list", **{**connected, **STRICT})
    assert listed.status != 0
    assert said in " ".join(listed.output.split())
    assert "wrong-token" not in listed.output
    assert "Traceback" not in listed.output


def test_examples_run_as_they_are_written(ansible: Any, connected: Mapping[str, str]) -> None:
    tree = ast.parse((ROOT / "plugins" / "inventory" / "sites.py").read_text(encoding="utf-8"))
    text = next(
        str(ast.literal_eval(node.value))
        for node in tree.body
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "EXAMPLES"
    )
    examples = text.split("\n---\n")[1:]
    assert len(examples) == len(list(yaml.safe_load_all(text))) == 4
    sources = []
    for number, example in enumerate(examples):
        (ansible.cwd / f"{number}.wpcom.yml").write_text(example, encoding="utf-8")
        sources += ["-i", f"{number}.wpcom.yml"]
    environment = {**connected, **STRICT, "ADA_TOKEN": "sim-token", "GRACE_TOKEN": "sim-token-grace"}
    listed = ansible.run("ansible-inventory", *sources, "--list", **environment)
    assert (listed.status, listed.stderr) == (0, ""), listed.output
    document = json.loads(listed.stdout)
    assert {"unhealthy", "plan_free_plan", "wpcom_account_ada", "wpcom_account_grace"} <= set(document)
    assert {"blog.example.com", "ada.blog.example.com", "grace.blog.example.com"} <= set(document["_meta"]["hostvars"])
    assert list((ansible.home / ".cache" / "wpcom_inventory").iterdir())
