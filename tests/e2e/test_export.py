# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The playbook community.wpcom.export writes a file, and the role applies it: by the commands that a user types."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.simulator import Simulator

ROOT = Path(__file__).resolve().parents[2]
RECAP = re.compile(r"^localhost +: ok=\d+ +changed=(\d+) .*failed=0 .*ignored=0", re.MULTILINE)
HOSTILE = "{{ lookup('pipe', 'touch hacked') }}\nsocial_connections_purge: listed"


class Desk:
    """The exported file, and the commands that write and apply it."""

    def __init__(self, ansible: Any, simulator: Simulator, connected: Mapping[str, str]) -> None:
        self.ansible = ansible
        self.simulator = simulator
        self.file: Path = ansible.cwd / "social.yml"
        self.environment = {**connected, "ANSIBLE_SHOW_CUSTOM_STATS": "True"}

    def play(self, playbook: str, *arguments: str, **variables: str) -> tuple[int, str]:
        """Run a playbook of the collection; return how many tasks changed something, and what was printed."""
        finished = self.ansible.run(
            "ansible-playbook", f"community.wpcom.{playbook}", *arguments, **{**self.environment, **variables}
        )
        assert finished.status == 0, finished.output
        found = RECAP.search(finished.stdout)
        assert found, finished.stdout
        return int(found[1]), finished.stdout

    def export(self, *arguments: str, **variables: str) -> tuple[int, str]:
        """Export to the file, named as a user names it."""
        return self.play("export", "-e", "export_path=social.yml", *arguments, **variables)

    def apply(self, *arguments: str) -> tuple[int, str]:
        """Apply the file as it is, and delete what it does not list."""
        return self.play("social_connections", "-e", "@social.yml", "-e", "social_connections_purge=listed", *arguments)

    def declared(self) -> Any:
        """Return what the file declares."""
        return yaml.safe_load(self.file.read_text(encoding="utf-8"))["social_connections_sites"]


@pytest.fixture
def desk(ansible: Any, simulator: Simulator, connected: Mapping[str, str]) -> Desk:
    return Desk(ansible, simulator, connected)


def test_an_export_changes_nothing_and_an_edit_of_it_is_predicted_then_made_once(desk: Desk) -> None:
    before = desk.simulator.state()
    assert desk.export("--check")[0] == 1
    assert not desk.file.exists()
    assert desk.export()[0] == 1
    assert [site["site"] for site in desk.declared()] == [
        "blog.example.com",
        "jetpack.example.com",
        "news.example.org",
        "shop.example.com",
    ]
    text = desk.file.read_text(encoding="utf-8")
    assert "  # The Shop (site 3002)\n" in text
    assert "Mastodon: @grace@mastodon.example (connection 5006) is owned by user 1002" in text
    assert "broken: refresh it in a browser" in text
    assert "could not be read on: 3005, 3007" in text

    # Only the date differs: the file is left alone.
    older = re.sub(r"as found on [-0-9]+", "as found on 2020-02-02", text)
    desk.file.write_text(older, encoding="utf-8")
    assert desk.export()[0] == 0
    assert desk.file.read_text(encoding="utf-8") == older

    assert desk.apply()[0] == 0
    assert desk.simulator.requests("POST") == []
    assert desk.simulator.state() == before

    for was, becomes in (
        ("external_user_name: Analytical Engines\n        shared: false", "external_user_name: Difference Engines"),
        ("      - service: threads\n        account: ada.threads\n        shared: false\n", ""),
    ):
        assert older.count(was) == 1
        older = older.replace(was, becomes)
    desk.file.write_text(older, encoding="utf-8")
    changed, printed = desk.apply("--check", "--diff")
    assert changed == 1
    assert "Check mode, no changes were made. Predicted: 0 created, 1 updated, 1 deleted, 10 unchanged." in printed
    assert '+    "external_id": "112",' in printed
    assert "--- before: site 3002: threads ada.threads (5014)" in printed
    assert desk.simulator.requests("POST") == []
    changed, printed = desk.apply("--diff")
    assert changed == 1
    assert "Done: 0 created, 1 updated, 1 deleted, 10 unchanged." in printed
    assert "blog.example.com: updated facebook Ada Lovelace, posts to Difference Engines" in printed
    assert "shop.example.com: deleted threads ada.threads" in printed
    assert "Repair bluesky ada.bsky.example (shop.example.com): broken; open https://" in printed
    assert re.search(r'"social_connections_changed_ids": \[ +5001, +5014 \]', printed)
    assert sorted(request["path"].rsplit("/", 2)[1] for request in desk.simulator.requests("POST")) == [
        "5014",
        "publicize-connections",
    ]
    assert desk.apply()[0] == 0
    assert len(desk.simulator.requests("POST")) == 2


def test_a_name_with_a_template_and_line_breaks_stays_a_name(desk: Desk) -> None:
    # Quotes that are escaped would be no template any more.
    desk.simulator.reset(switches={"html_names": False})
    desk.simulator.patch(
        keyring_connections=[{"ID": 2003, "external_name": HOSTILE, "external_display": HOSTILE}],
        sites=[{"ID": 3002, "name": HOSTILE}],
    )
    before = desk.simulator.state()
    assert desk.export()[0] == 1
    assert "        account: !unsafe \"{{ lookup('pipe', 'touch hacked') }}\\nsocial" in desk.file.read_text()
    assert desk.apply()[0] == 0
    assert desk.simulator.requests("POST") == []
    assert desk.simulator.state() == before
    # The role prints the name, too.
    text = desk.file.read_text(encoding="utf-8")
    desk.file.write_text(text.replace("shared: false", "shared: true"), encoding="utf-8")
    assert desk.apply()[0] == 1
    assert not list(desk.ansible.cwd.rglob("hacked"))
    assert not (ROOT / "playbooks" / "hacked").exists()


def test_without_a_path_the_text_is_shown_and_returned(desk: Desk) -> None:
    changed, printed = desk.play("export", "-e", "export_path=")
    assert changed == 0
    assert '"# Social connections of ada on WordPress.com, as found on ' in printed
    assert '"  - site: shop.example.com",' in printed
    assert "The list declares 12 connections on 4 sites." in printed
    returned = re.search(r'"social_connections_export": (".*")', printed)
    assert returned, printed
    assert not list(desk.ansible.cwd.glob("*.yml"))
    declared = yaml.safe_load(json.loads(returned[1]))["social_connections_sites"]
    assert [site["site"] for site in declared][-1] == "shop.example.com"
    # One request a site and two more, after the lists of the account.
    assert len(desk.simulator.requests("GET", "/sites/.*")) == 6
    assert len(desk.simulator.requests()) == 5 + 6 + 2


def test_a_token_with_the_scope_sharing_exports_sites_by_their_id(desk: Desk) -> None:
    assert desk.export("-e", "export_others=false", WPCOM_API_TOKEN="sim-token-sharing")[0] == 1
    assert [site["site"] for site in desk.declared()] == ["3001", "3002", "3003", "3006"]
    assert "grace" not in desk.file.read_text()
    assert desk.simulator.requests("GET", "/sites/.*") == []
    assert desk.apply()[0] == 0
    assert desk.simulator.requests("POST") == []


def test_an_empty_list_deletes_nothing(desk: Desk) -> None:
    """The role reports that a site without connections in the list is left unchanged."""
    desk.file.write_text("social_connections_sites: [{site: shop.example.com, connections: []}]\n", encoding="utf-8")
    changed, printed = desk.apply()
    assert changed == 0
    told = re.search(r'"msg": \[\n(.*?)\n    \]', printed, re.DOTALL)
    assert told, printed
    assert [line.strip() for line in told[1].splitlines()] == [
        '"Done: 0 created, 0 updated, 0 deleted, 0 unchanged.",',
        '"shop.example.com: nothing was deleted, because its list of connections is empty"',
    ]
    assert desk.simulator.requests("POST") == []


def test_a_text_in_place_of_a_connection_deletes_nothing(desk: Desk) -> None:
    """Ansible's own check of the role accepts "service=facebook" as a dictionary; if it were left out, it would be purged."""
    listed = 'social_connections_sites: [{site: blog.example.com, connections: [{id: 5002}, "service=facebook"]}]\n'
    desk.file.write_text(listed, encoding="utf-8")
    with pytest.raises(AssertionError, match="connection 1 of site 0 of the list"):
        desk.apply()
    assert desk.simulator.requests("POST") == []


def test_an_export_keeps_the_mode_of_the_file(desk: Desk) -> None:
    desk.file.write_text("", encoding="utf-8")
    desk.file.chmod(0o600)
    desk.export("-e", "export_others=false")
    assert desk.declared()
    assert desk.file.stat().st_mode & 0o777 == 0o600


def test_a_pipe_is_not_replaced(desk: Desk) -> None:
    os.mkfifo(desk.file)
    with pytest.raises(AssertionError, match="is not a regular file"):
        desk.export()
    assert desk.file.is_fifo()
    assert desk.simulator.requests() == []
