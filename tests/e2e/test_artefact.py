# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The artefact, as users get it: built, installed, verified and run."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.simulator import Simulator

ROOT = Path(__file__).resolve().parents[2]

PLAY = """\
---
- name: The installed collection
  hosts: localhost
  gather_facts: false
  tasks:
    - name: Share
      community.wpcom.wpcom_publicize_connection:
        id: 5001
        shared: true
"""


def test_the_built_collection_runs_without_the_checkout(
    ansible: Any, simulator: Simulator, connected: Mapping[str, str], tmp_path: Path
) -> None:
    built = ansible.run("ansible-galaxy", "collection", "build", "--output-path", tmp_path / "dist", ROOT)
    assert built.status == 0, built.output
    (artefact,) = (tmp_path / "dist").glob("community-wpcom-*.tar.gz")

    installed = tmp_path / "installed"
    place = {"ANSIBLE_COLLECTIONS_PATH": str(installed)}
    told = ansible.run("ansible-galaxy", "collection", "install", "--offline", "-p", installed, artefact, **place)
    assert told.status == 0, told.output
    told = ansible.run(
        "ansible-galaxy", "collection", "verify", "--offline", "-p", installed, "community.wpcom", **place
    )
    assert told.status == 0, told.output
    assert "Successfully verified that checksums for 'community.wpcom" in told.output
    told = ansible.run("ansible-galaxy", "collection", "list", "community.wpcom", **place)
    assert str(installed) in told.stdout
    assert str(ROOT) not in told.stdout

    done = ansible.play(PLAY, "-vvv", **connected, **place, WPCOM_IN_PROCESS="false")
    assert done.status == 0, done.output
    assert f"Using module file {installed}/ansible_collections/community/wpcom/plugins/modules/" in done.stdout
    assert done.result("Share")["connection"]["shared"] is True
    assert [request["path"] for request in simulator.requests(method="POST")] == ["/me/publicize-connections/5001"]

    documented = ansible.run("ansible-doc", "community.wpcom.wpcom_publicize_connection", **place)
    assert documented.status == 0, documented.output
    assert "WPCOM_API_TOKEN" in documented.stdout
