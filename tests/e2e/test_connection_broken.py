# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The playbook that the rulebook of the event source runs."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from tests.simulator import TROUBLES_WORLD, Simulator

PLAYBOOK = "community.wpcom.connection_broken"


def test_every_site_of_the_account_is_shown_with_what_to_do(
    ansible: Any, simulator: Simulator, connected: Mapping[str, str]
) -> None:
    simulator.reset(TROUBLES_WORLD)
    event = {"type": "broken", "connection": {"id": 9010, "keyring_connection_id": 501}, "account": "Profile"}
    variables = json.dumps({"ansible_eda": {"event": event}})
    done = ansible.run("ansible-playbook", PLAYBOOK, "--check", "-e", variables, **connected)
    assert done.status == 0, done.output
    shown = done.result("Show the required manual actions")["msg"]
    assert [line.partition(" on ")[2] for line in shown] == [
        f"site {site} is broken: its owner must connect it to one of the pages of the account "
        f"at https://wordpress.com/marketing/connections/{site}"
        for site in (778, 779, 784, 785)
    ]
    assert all(line.startswith("Facebook (") for line in shown)
    assert {request["method"] for request in simulator.requests()} == {"GET"}
    # The URL that refreshes a connection is personal, and output is kept in logs.
    assert "nonce" not in json.dumps(done.tasks) + done.output


def test_without_an_event_it_says_what_is_required(ansible: Any, connected: Mapping[str, str]) -> None:
    failed = ansible.run("ansible-playbook", PLAYBOOK, **connected)
    assert failed.status == 2, failed.output
    assert "ansible_eda.event.connection is required." in failed.output
