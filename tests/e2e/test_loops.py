# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Loops that wait: what an earlier item has read is not older than the item that uses it."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Callable

import pytest

from tests.simulator import TROUBLES_WORLD, Simulator

WAYS = pytest.mark.parametrize("way", ["true", "false"], ids=["in process", "module"])


@pytest.fixture
def troubles(simulator: Simulator) -> Simulator:
    """Return the simulator with the world of troubles, but for what nobody can repair."""
    simulator.reset(TROUBLES_WORLD, {"create_duplicate": "second"})
    simulator.patch(delete={"keyring_connections": [530], "publicize_connections": [9030]})
    return simulator


@contextmanager
def after_the_first(simulator: Simulator, method: str, path: str, change: Callable[[], None]) -> Iterator[None]:
    """Change the world as soon as a request of that kind has had its response."""
    failed: list[BaseException] = []

    def wait() -> None:
        try:
            for _look in range(6000):
                if any(request["status"] for request in simulator.requests(method, path)):
                    change()
                    return
                time.sleep(0.01)
            raise AssertionError(f"no request {method} {path}")
        except BaseException as error:
            failed.append(error)

    thread = threading.Thread(target=wait)
    thread.start()
    try:
        yield
    finally:
        thread.join()
    assert failed == []


def play_of(task: str) -> str:
    """Return a playbook with one task."""
    return f"---\n- name: A loop\n  hosts: localhost\n  gather_facts: false\n  tasks:\n    - name: Item\n{task}"


def items(outcome: Any) -> list[dict[str, Any]]:
    """Return the results of the items of the loop."""
    found: list[dict[str, Any]] = outcome.result("Item")["results"]
    return found


GATHER = """\
      community.wpcom.wpcom_connection_info:
        gather: [keyring]
        unhealthy_only: true
      loop: [1, 2, 3]
      loop_control:
        pause: 1
"""


@WAYS
def test_info_never_answers_from_an_earlier_item(
    ansible: Any, troubles: Simulator, connected: Mapping[str, str], way: str
) -> None:
    """Two accounts are repaired after the first item."""

    def repair() -> None:
        troubles.patch(keyring_connections=[{"ID": number, "status": "ok"} for number in (507, 508)])

    with after_the_first(troubles, "GET", "/me/keyring-connections", repair):
        outcome = ansible.play(play_of(GATHER), **{**connected, "WPCOM_IN_PROCESS": way})
    assert outcome.status == 0, outcome.output
    assert [len(item["keyring_connections"]) for item in items(outcome)] == [2, 0, 0]


GATHER_AT_ONCE = """\
      community.wpcom.wpcom_connection_info:
        gather: [keyring]
      loop: [1, 2, 3]
"""


@WAYS
def test_info_reads_for_each_item_also_without_a_pause(
    ansible: Any, troubles: Simulator, connected: Mapping[str, str], way: str
) -> None:
    outcome = ansible.play(play_of(GATHER_AT_ONCE), **{**connected, "WPCOM_IN_PROCESS": way})
    assert outcome.status == 0, outcome.output
    assert len(troubles.requests("GET", "/me/keyring-connections")) == 3


CONNECT = {
    "single": """\
      community.wpcom.wpcom_publicize_connection:
        site: "{{ item }}"
        keyring_connection_id: 505
      loop: [888, 778]
      loop_control:
        pause: 1
""",
    "bulk": """\
      community.wpcom.wpcom_publicize_connections:
        connections:
          - site: "{{ item }}"
            keyring_connection_id: 505
      loop: [888, 778]
      loop_control:
        pause: 1
""",
    "a templated pause": """\
      community.wpcom.wpcom_publicize_connection:
        site: "{{ item }}"
        keyring_connection_id: 505
      loop: [888, 778]
      loop_control:
        pause: "{{ waiting }}"
      vars:
        waiting: 1
""",
}


@WAYS
@pytest.mark.parametrize("task", CONNECT.values(), ids=CONNECT)
def test_a_colleague_makes_the_connection_during_the_pause(
    ansible: Any, troubles: Simulator, connected: Mapping[str, str], way: str, task: str
) -> None:
    """The second item would make a second one."""

    def connect() -> None:
        troubles.patch(publicize_connections=[{"ID": 9100, "site_ID": 778, "keyring_connection_ID": 505}])

    with after_the_first(troubles, "POST", "/sites/888/publicize-connections/new", connect):
        outcome = ansible.play(play_of(task), **{**connected, "WPCOM_IN_PROCESS": way})
    assert outcome.status == 0, outcome.output
    assert [item["changed"] for item in items(outcome)] == [True, False]
    assert len(troubles.requests("POST")) == 1


UNTIL = {
    "single": """\
      community.wpcom.wpcom_publicize_connection:
        site: 777
        keyring_connection_id: "{{ item }}"
      loop: [505]
      register: seen
      until: seen.connection.health == 'ok'
      retries: 3
      delay: 1
""",
    "bulk": """\
      community.wpcom.wpcom_publicize_connections:
        connections:
          - site: 777
            keyring_connection_id: "{{ item }}"
      loop: [505]
      register: seen
      until: seen.summary.unhealthy == 0
      retries: 3
      delay: 1
""",
    "keyring": """\
      community.wpcom.wpcom_keyring_connection:
        service: mastodon
        account: "{{ item }}"
      loop: ["5051"]
      register: seen
      until: seen.connection.health == 'ok'
      retries: 3
      delay: 1
""",
}


@WAYS
@pytest.mark.parametrize("task", UNTIL.values(), ids=UNTIL)
def test_until_sees_what_was_repaired(
    ansible: Any, troubles: Simulator, connected: Mapping[str, str], way: str, task: str
) -> None:
    troubles.patch(
        keyring_connections=[{"ID": 505, "status": "broken"}], publicize_connections=[{"ID": 9020, "status": "broken"}]
    )

    def repair() -> None:
        # What the first attempt reads together belongs to it.
        time.sleep(0.5)
        troubles.patch(
            keyring_connections=[{"ID": 505, "status": "ok"}], publicize_connections=[{"ID": 9020, "status": "ok"}]
        )

    with after_the_first(troubles, "GET", "/me/keyring-connections", repair):
        outcome = ansible.play(play_of(task), **{**connected, "WPCOM_IN_PROCESS": way})
    assert outcome.status == 0, outcome.output
    assert items(outcome)[0]["attempts"] in (2, 3)


TEST = """\
      community.wpcom.wpcom_keyring_connection:
        id: "{{ item }}"
        test: true
      loop: [505, 505, 505]
"""


@WAYS
def test_each_item_tests_for_itself(ansible: Any, troubles: Simulator, connected: Mapping[str, str], way: str) -> None:
    outcome = ansible.play(play_of(TEST), **{**connected, "WPCOM_IN_PROCESS": way})
    assert outcome.status == 0, outcome.output
    tests = [request for request in troubles.requests("GET") if "force_connection_test" in request["query"]]
    assert len(tests) == 3


EMPTY = """\
      community.wpcom.{{module}}:
        {{options}}
        api_token: "{{ token | default('') }}"
        api_url: "{{ url | default('') }}"
        timeout: "{{ seconds | default('') }}"
        ca_path: "{{ path | default('') }}"
        validate_certs: "{{ certs | default('') }}"
      {{rest}}
"""
EMPTIES = [
    ("wpcom_keyring_connection", "id: 505", ""),
    ("wpcom_publicize_connection", "id: 9020", ""),
    ("wpcom_publicize_connection", 'id: "{{ item }}"', "loop: [9020, 9021]"),
    ("wpcom_publicize_connections", "connections: [{id: 9020}]", ""),
    ("wpcom_connection_info", "gather: [account]", ""),
    ("wpcom_connected_application", "id: 7101", ""),
]


@WAYS
def test_empty_options_count_as_unset(
    ansible: Any, troubles: Simulator, connected: Mapping[str, str], way: str
) -> None:
    """A template has nothing to insert, and the environment has it all."""
    tasks = ""
    for module, options, rest in EMPTIES:
        text = EMPTY.replace("{{module}}", module).replace("{{options}}", options).replace("{{rest}}", rest)
        tasks += f"    - name: Item\n{text}"
    text = play_of(tasks).replace("    - name: Item\n    - name: Item\n", "    - name: Item\n", 1)
    outcome = ansible.play(text, **{**connected, "WPCOM_IN_PROCESS": way})
    assert outcome.status == 0, outcome.output
    assert len(outcome.tasks) == len(EMPTIES)
    assert {request["authorization"] for request in troubles.requests()} == {"bearer"}


DEFAULTS = """\
---
- name: Options of all modules
  hosts: localhost
  gather_facts: false
  module_defaults:
    group/community.wpcom.wpcom:
      api_token: ""
      api_url: ""
      timeout: ""
  tasks:
    - name: Item
      community.wpcom.wpcom_keyring_connection:
        id: 505
"""


@WAYS
def test_empty_options_of_the_group_count_as_unset(
    ansible: Any, troubles: Simulator, connected: Mapping[str, str], way: str
) -> None:
    outcome = ansible.play(DEFAULTS, **{**connected, "WPCOM_IN_PROCESS": way})
    assert outcome.status == 0, outcome.output


TIMESTAMPS = """\
---
- name: Timestamps
  hosts: localhost
  gather_facts: false
  tasks:
    - name: Date
      community.wpcom.wpcom_keyring_connection:
        service: mastodon
        account: 2026-01-31
      ignore_errors: true

    - name: Moment
      community.wpcom.wpcom_keyring_connection:
        service: mastodon
        account: 2026-01-31 10:20:30
      ignore_errors: true

    - name: Zone
      community.wpcom.wpcom_publicize_connection:
        site: 888
        service: facebook
        external_user_name: 2026-01-31T10:20:30+02:00
      ignore_errors: true

    - name: List
      community.wpcom.wpcom_publicize_connections:
        connections:
          - site: 888
            service: mastodon
            account: 2026-01-31
      ignore_errors: true
"""


def test_timestamps_are_the_same_text_both_ways(
    ansible: Any, troubles: Simulator, connected: Mapping[str, str]
) -> None:
    """YAML makes dates of them, which have more than one spelling as text."""
    said = {}
    for way in ("true", "false"):
        outcome = ansible.play(TIMESTAMPS, **{**connected, "WPCOM_IN_PROCESS": way})
        said[way] = [task["result"]["msg"].split("connect/?")[0] for task in outcome.tasks]
        assert len(said[way]) == 4, outcome.output
    assert said["true"] == said["false"]
    assert "'2026-01-31'" in said["true"][0]
