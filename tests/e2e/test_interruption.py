# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Interruption: the keyword timeout of a task, Ctrl-C and SIGTERM end it, and nothing goes on behind it."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.simulator import TROUBLES_WORLD, Simulator

# Seconds: what Ansible is told, and what a machine with much else to do may take on top. A single request may take 20.
TIMEOUT = 2
GRACE = 6

PLAY = """\
---
- name: A task that is interrupted
  hosts: localhost
  gather_facts: false
  tasks:
    - name: Note the time
      ansible.builtin.set_fact:
        begun: "{{ now(utc=true).timestamp() }}"

    - name: Interrupted
      community.wpcom.TASK
      timeout: 2
      ignore_errors: true

    - name: Duration
      ansible.builtin.debug:
        msg: "{{ now(utc=true).timestamp() - (begun | float) }}"
"""
TASKS = {
    "single": """wpcom_publicize_connection:
        site: 777
        service: mastodon
        account: "5051"
        shared: true
        timeout: 20""",
    "single with the defaults": """wpcom_publicize_connection:
        id: 9020
        shared: true""",
    "bulk": """wpcom_publicize_connections:
        connections:
          - {site: 777, service: mastodon, account: "5051", shared: true}
          - {site: second.example.org, service: facebook, external_user_id: "9002"}
        timeout: 20""",
    "info": """wpcom_connection_info:
        gather: [publicize, keyring, applications, services, sites, account]
        timeout: 20""",
    "info in a loop": """wpcom_connection_info:
        gather: [publicize, keyring]
        timeout: 20
      loop: [1]""",
    "loop": """wpcom_publicize_connection:
        id: "{{ item }}"
        shared: true
        timeout: 20
      loop: [9020]""",
    "keyring": """wpcom_keyring_connection:
        id: 505
        timeout: 20""",
    "application": """wpcom_connected_application:
        title: Zap
        site: example.com/blog
        state: absent
        timeout: 20""",
}


@pytest.fixture
def troubles(simulator: Simulator) -> Simulator:
    """Return the simulator with the world of troubles."""
    simulator.reset(TROUBLES_WORLD, {"create_duplicate": "second"})
    return simulator


def check_that_nothing_follows(simulator: Simulator) -> None:
    """Require that no request begins any more, also where those that hang end at last."""
    before = len(simulator.requests())
    simulator.clear_faults()
    time.sleep(1.5)
    assert len(simulator.requests()) == before


def interrupt(ansible: Any, connected: Mapping[str, str], task: str) -> None:
    """Run a task that the keyword timeout interrupts, and require that it ends soon."""
    outcome = ansible.play(PLAY.replace("TASK", task), **{**connected, "WPCOM_IN_PROCESS": "true"})
    assert outcome.status == 0, outcome.output
    assert "imed out" in str(outcome.result("Interrupted")) or "timeout" in str(outcome.result("Interrupted"))
    assert TIMEOUT - 0.5 < float(outcome.result("Duration")["msg"]) < TIMEOUT + GRACE


@pytest.mark.parametrize("task", TASKS.values(), ids=TASKS)
def test_hanging_reads(ansible: Any, troubles: Simulator, connected: Mapping[str, str], task: str) -> None:
    troubles.fault(kind="hang", method="GET", times=-1)
    interrupt(ansible, connected, task)
    # What was read at once, and nothing after it.
    assert 1 <= len(troubles.requests()) <= 6
    assert troubles.requests("POST") == []
    check_that_nothing_follows(troubles)


@pytest.mark.parametrize("task", ["single", "bulk", "keyring", "loop"])
def test_an_ordinary_module_whose_task_was_interrupted(
    ansible: Any, troubles: Simulator, connected: Mapping[str, str], task: str
) -> None:
    """Ansible does not end the module; that nobody reads its result any more does."""
    troubles.fault(kind="hang", method="GET", times=-1)
    text = PLAY.replace("TASK", TASKS[task].replace("timeout: 20", "timeout: 3"))
    outcome = ansible.play(text, **{**connected, "WPCOM_IN_PROCESS": "false"})
    assert outcome.status == 0, outcome.output
    before = len(troubles.requests())
    time.sleep(8)
    assert len(troubles.requests()) == before


@pytest.mark.parametrize("task", ["single", "bulk", "loop", "application"])
@pytest.mark.parametrize("when", ["before", "after"])
def test_hanging_writes(ansible: Any, troubles: Simulator, connected: Mapping[str, str], task: str, when: str) -> None:
    """Nothing is read back and nothing is sent again."""
    troubles.fault(kind="hang", method="POST", times=-1, when=when)
    interrupt(ansible, connected, TASKS[task])
    log = troubles.requests()
    first = next(number for number, request in enumerate(log) if request["method"] == "POST")
    assert {request["method"] for request in log[first:]} == {"POST"}
    assert len(log[first:]) <= 2
    check_that_nothing_follows(troubles)


@pytest.mark.parametrize(
    "fault", [{"kind": "status", "status": 503, "headers": {"Retry-After": "60"}}, {"kind": "limit_reached"}]
)
def test_a_wait_before_a_retry_is_interrupted(
    ansible: Any, troubles: Simulator, connected: Mapping[str, str], fault: dict[str, Any]
) -> None:
    troubles.fault(method="GET", times=-1, **fault)
    interrupt(ansible, {**connected, "WPCOM_RETRY_MAX_DELAY": "60"}, TASKS["bulk"])
    assert len(troubles.requests()) <= 4
    check_that_nothing_follows(troubles)


NEXT_ITEM = """wpcom_publicize_connection:
        site: 888
        keyring_connection_id: 505
        timeout: 20
      loop: [1, 2, 3]"""
NEXT_LIST = """wpcom_publicize_connections:
        connections:
          - {site: 888, keyring_connection_id: 505}
        timeout: 20
      loop: [1, 2, 3]"""


@pytest.mark.parametrize("task", [NEXT_ITEM, NEXT_LIST], ids=["single", "bulk"])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_the_next_item_reads_again(
    ansible: Any, troubles: Simulator, connected: Mapping[str, str], task: str, method: str
) -> None:
    """What the interrupted item has written is not known to it, so a second connection would be made."""
    troubles.fault(kind="hang", method=method, path="/sites/888/.*|/me/publicize-connections", when="after", times=1)
    text = PLAY.replace("TASK", task)
    outcome = ansible.play(text, **{**connected, "WPCOM_IN_PROCESS": "true"})
    assert outcome.status == 0, outcome.output
    first, *others = outcome.result("Interrupted")["results"]
    assert "imed out" in first["msg"]
    assert not any(item.get("failed") for item in others)
    assert sum(row["site_ID"] == 888 for row in troubles.state()["publicize_connections"]) == 1
    assert [item["changed"] for item in others] == ([True, False] if method == "GET" else [False, False])


FOR_EVER = """\
---
- name: A task that is stopped from outside
  hosts: localhost
  gather_facts: false
  tasks:
    - name: Hang
      community.wpcom.TASK
"""


def processes_naming(text: str) -> list[int]:
    """Return the processes with a text in their command line."""
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                if text.encode() in (folder / "cmdline").read_bytes():
                    found.append(int(folder.name))
            except OSError:
                continue
    return found


@pytest.mark.parametrize("task", ["single", "bulk", "loop", "info"])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["Ctrl-C", "SIGTERM"])
def test_a_playbook_that_is_stopped_leaves_nothing_behind(
    ansible: Any, troubles: Simulator, connected: Mapping[str, str], task: str, number: signal.Signals
) -> None:
    troubles.fault(kind="hang", method="GET", times=-1)
    path = ansible.cwd / "stopped.yml"
    text = TASKS[task].replace("timeout: 20", "timeout: 5")
    path.write_text(FOR_EVER.replace("TASK", text), encoding="utf-8")
    process = ansible.start("ansible-playbook", path, **{**connected, "WPCOM_IN_PROCESS": "true"})
    deadline = time.monotonic() + 60
    while not troubles.requests() and time.monotonic() < deadline:
        time.sleep(0.05)
    time.sleep(0.5)
    requests = len(troubles.requests())
    assert requests
    if number == signal.SIGINT:
        # A terminal sends it to all processes; here only to the first one, which is harder.
        os.kill(process.pid, number)
    else:
        process.send_signal(number)
    process.communicate(timeout=20)
    # Longer than the timeout of a request, after which a worker would send the next one.
    time.sleep(6)
    assert len(troubles.requests()) == requests
    troubles.clear_faults()
    time.sleep(1)
    assert len(troubles.requests()) == requests
    assert processes_naming(str(path)) == []
