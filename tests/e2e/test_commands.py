# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The commands by which users reach the modules: a playbook, ad hoc, and a job as AWX runs it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.simulator import Simulator

PLAY = """\
---
- name: Social connections of the blog
  hosts: localhost
  gather_facts: false
  module_defaults:
    group/community.wpcom.wpcom:
      http_envelope: true
  tasks:
    - name: Connect the shop's account
      community.wpcom.wpcom_publicize_connection:
        site: blog.example.com
        service: mastodon
        account: "{{ account | default('@shop@mastodon.example') }}"
      register: made

    - name: Tell what came of it
      ansible.builtin.debug:
        msg: "{{ made.connection.service }} {{ made.connection.health }}"
"""


def writes(simulator: Simulator) -> list[str]:
    """Return the paths of the writes that the simulator saw."""
    return [request["path"] for request in simulator.requests() if request["method"] != "GET"]


def test_playbook_in_check_mode_then_run_twice(
    ansible: Any, simulator: Simulator, connected: Mapping[str, str]
) -> None:
    foreseen = ansible.play(PLAY, "--check", "--diff", **connected)
    assert foreseen.status == 0, foreseen.output
    assert "changed=1" in foreseen.stdout
    assert '+    "external_id": "900004"' in foreseen.stdout
    assert "+++ after: publicize connection on site blog.example.com (mastodon)" in foreseen.stdout
    assert "WARNING" not in foreseen.output
    assert writes(simulator) == []

    done = ansible.play(PLAY, **connected)
    assert done.status == 0, done.output
    assert "changed=1" in done.stdout
    assert "mastodon ok" in done.stdout
    assert writes(simulator) == ["/sites/blog.example.com/publicize-connections/new"]

    again = ansible.play(PLAY, "--diff", **connected)
    assert again.status == 0, again.output
    assert "changed=0" in again.stdout
    assert "+++" not in again.stdout
    assert len(writes(simulator)) == 1
    # The defaults of the group reached the module.
    assert {request["query"].get("http_envelope") for request in simulator.requests()} == {"1"}


def test_a_failure_has_a_message_and_no_traceback(ansible: Any, connected: Mapping[str, str]) -> None:
    failed = ansible.play(PLAY, "-e", "account=nobody", **connected)
    assert failed.status == 2
    assert "https://public-api.wordpress.com/connect/?" in failed.output
    assert "Traceback" not in failed.output
    assert failed.tasks[0]["result"]["error"]["code"] == "missing_keyring_connection"


def test_ad_hoc_command(ansible: Any, simulator: Simulator, connected: Mapping[str, str]) -> None:
    module = ["localhost", "-m", "community.wpcom.wpcom_connection_info"]
    told = ansible.run("ansible", *module, **connected)
    assert told.status == 0, told.output
    result = json.loads(told.stdout.split("=>", 1)[1])
    assert [found["id"] for found in result["keyring_connections"]] == list(range(2001, 2012))
    assert result["changed"] is False

    arguments = '{"gather": ["account"], "fields": ["token_scope"]}'
    told = ansible.run("ansible", *module, "-a", arguments, **connected)
    assert json.loads(told.stdout.split("=>", 1)[1])["account"]["token_scope"] == ["global"]

    told = ansible.run("ansible", *module, **{**connected, "WPCOM_API_TOKEN": ""})
    assert told.status == 2
    assert "WPCOM_API_TOKEN" in told.stdout
    assert simulator.requests(method="POST") == []


def job(folder: Path, connected: Mapping[str, str], token: str, cmdline: str) -> Path:
    """Lay out a job as AWX does: the credential in the environment, blank fields and all."""
    for name in ("env", "inventory", "project"):
        (folder / name).mkdir(parents=True)
    blank = ("WPCOM_CA_PATH", "WPCOM_HTTP_ENVELOPE", "WPCOM_RETRIES", "WPCOM_TIMEOUT", "WPCOM_VALIDATE_CERTS")
    variables = {**connected, "WPCOM_API_TOKEN": token, **dict.fromkeys(blank, ""), "NO_PROXY": "*", "no_proxy": "*"}
    (folder / "env" / "envvars").write_text(yaml.safe_dump(variables))
    (folder / "env" / "extravars").write_text(yaml.safe_dump({"account": "@shop@mastodon.example"}))
    (folder / "env" / "cmdline").write_text(cmdline)
    (folder / "inventory" / "hosts").write_text(
        "localhost ansible_connection=local ansible_python_interpreter='{{ ansible_playbook_python }}'\n"
    )
    (folder / "project" / "site.yml").write_text(PLAY)
    return folder


@pytest.mark.parametrize("cmdline", ["--check --diff -vvv", ""])
def test_a_job_as_awx_runs_it_never_shows_the_token(
    ansible: Any, simulator: Simulator, connected: Mapping[str, str], tmp_path: Path, cmdline: str
) -> None:
    token = "job-token-4711"
    simulator.patch(tokens=[{"token": token, "user_ID": 1001, "scope": "global", "client_ID": 50001}])
    folder = job(tmp_path / "job", connected, token, cmdline)

    told = ansible.run("ansible-runner", "run", folder, "-p", "site.yml", "--ident", "one")
    assert told.status == 0, told.output
    assert len(writes(simulator)) == (0 if cmdline else 1)

    artifacts = folder / "artifacts" / "one"
    assert (artifacts / "status").read_text() == "successful"
    texts = {path.name: path.read_text() for path in (artifacts / "job_events").glob("*.json")}
    events = [json.loads(text) for text in texts.values()]
    made = [event["event_data"] for event in events if event["event"] == "runner_on_ok"]
    assert [data["res"]["changed"] for data in made if data["task"] == "Connect the shop's account"] == [True]
    if cmdline:
        assert any(event["event"] == "runner_on_ok" and "diff" in event["event_data"]["res"] for event in events)
        assert '+    "external_id": "900004"' in told.stdout

    texts.update(stdout=told.stdout, stderr=told.stderr, kept=(artifacts / "stdout").read_text())
    assert [name for name, text in texts.items() if token in text] == []
