# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The fast path: every task has the same result in Ansible's own process as through the ordinary module."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

import pytest

from tests.simulator import Simulator

from .results import comparable, differences

FAST = {"WPCOM_IN_PROCESS": "true"}
ORDINARY = {"WPCOM_IN_PROCESS": "false"}

# Everything that an action plugin has to do by itself, in one play.
MANY_WAYS = """\
---
- name: The ways in which tasks are run
  hosts: localhost
  gather_facts: false
  tasks:
    - name: Read
      community.wpcom.wpcom_connection_info:
        gather: [publicize, keyring, applications, services, sites, account]

    - name: Change
      community.wpcom.wpcom_publicize_connection:
        id: 5002
        shared: true
      diff: true

    - name: Warn
      community.wpcom.wpcom_publicize_connection:
        id: 5004

    - name: Foresee
      community.wpcom.wpcom_publicize_connection:
        site: shop.example.com
        service: mastodon
        account: "@ada@mastodon.example"
      check_mode: true
      diff: true

    - name: Refuse an unknown option
      community.wpcom.wpcom_publicize_connection:
        id: 5002
        shred: true
      ignore_errors: true

    - name: Refuse a value of another type
      community.wpcom.wpcom_publicize_connection:
        id: five
      ignore_errors: true

    - name: Refuse what is missing
      community.wpcom.wpcom_keyring_connection:
      ignore_errors: true

    - name: Convert what a template or a shell makes of a value
      community.wpcom.wpcom_publicize_connection:
        id: "5002"
        shared: "{{ 'yes' }}"
        site: "{{ 3001 }}"

    - name: Take defaults
      community.wpcom.wpcom_keyring_connection:
        id: 2001
      module_defaults:
        group/community.wpcom.wpcom:
          http_envelope: true

    - name: Take the environment of the task
      community.wpcom.wpcom_connection_info:
        gather: account
        fields: [id, token_scope]
      environment:
        WPCOM_API_TOKEN: sim-token-grace

    - name: Mask the token wherever it is
      community.wpcom.wpcom_keyring_connection:
        service: "prefix-secret-0815-suffix"
        api_token: secret-0815
      ignore_errors: true

    - name: Mask the token of a file wherever it is
      community.wpcom.wpcom_keyring_connection:
        service: "prefix-secret-4711-suffix"
        api_token_file: "{{ playbook_dir }}/token"
      ignore_errors: true

    - name: Refuse two tokens
      community.wpcom.wpcom_keyring_connection:
        id: 2001
        api_token: secret-0815
        api_token_file: "{{ playbook_dir }}/token"
      ignore_errors: true

    - name: Take the token of a file that changes from item to item, in place of that of the environment
      community.wpcom.wpcom_connection_info:
        gather: account
        fields: [id]
        api_token_file: "{{ playbook_dir }}/{{ item }}"
        api_token: ""
      loop: [grace, ada, grace]

    - name: Say nothing at all
      community.wpcom.wpcom_keyring_connection:
        id: 2001
      no_log: true

    - name: Loop, each item after what the ones before have done
      community.wpcom.wpcom_publicize_connection:
        site: jetpack.example.com
        service: "{{ item.service }}"
        account: "{{ item.account }}"
        state: "{{ item.state | default('present') }}"
        shared: "{{ item.shared | default(omit) }}"
      loop:
        - {service: mastodon, account: "@ada@mastodon.example"}
        - {service: mastodon, account: "@ada@mastodon.example"}
        - {service: mastodon, account: "@ada@mastodon.example", shared: true}
        - {service: mastodon, account: "@ada@mastodon.example", state: absent}
        - {service: mastodon, account: "@ada@mastodon.example", state: absent}
        - {service: mastodon, account: "@ada@mastodon.example"}
        - {service: bluesky, account: nobody}
        - {service: linkedin, account: acme-l}
      ignore_errors: true

    - name: Loop, the accounts being told of as they are by then
      community.wpcom.wpcom_publicize_connection:
        site: "{{ item }}"
        service: mastodon
        account: "{{ '@ada@mastodon.example' if item == 3006 else omit }}"
        id: "{{ 5002 if item == 3001 else omit }}"
      loop: [3006, 3003, 3001]
      ignore_errors: true

    - name: Loop in check mode, each item as if it were alone
      community.wpcom.wpcom_publicize_connection:
        id: 5007
        shared: "{{ item }}"
      loop: [true, true, false]
      check_mode: true
      diff: true

    - name: Loop over other people's connections
      community.wpcom.wpcom_publicize_connection: "{{ item }}"
      loop:
        - {id: 5005, site: 3001}
        - {id: 5005, site: 3001, state: absent}
        - {id: 5005}
        - {id: 9999, state: absent}
        - {site: 3001, keyring_connection_id: 2101, state: absent}
        - {site: private.example.com, service: facebook, external_user_id: "111"}
        - {site: nowhere.example.com, service: facebook, external_user_id: "111"}
        - {site: nopublicize.example.com, service: facebook, external_user_id: "111", state: absent}
      ignore_errors: true

    - name: Delete in a loop until nothing is left
      community.wpcom.wpcom_publicize_connection:
        id: "{{ item }}"
        state: absent
      loop: [5008, 5009, 5009]

    - name: Converge many
      community.wpcom.wpcom_publicize_connections:
        connections:
          - {site: blog.example.com, service: linkedin, account: acme-l}
          - {id: 5003, shared: false}
        # One after the other, or the order of the writes would be a matter of luck.
        parallel: 1
      diff: true

    - name: Delegate to this machine
      community.wpcom.wpcom_keyring_connection:
        id: 2001
      delegate_to: localhost

    - name: Run apart
      community.wpcom.wpcom_keyring_connection:
        id: 2001
      async: 60
      poll: 1

    - name: Fail for good
      community.wpcom.wpcom_keyring_connection:
        service: mastodon
"""


def test_the_fast_path_has_the_same_results_with_fewer_requests(
    ansible: Any, simulator: Simulator, connected: Mapping[str, str]
) -> None:
    """The same play both ways has the same results, warnings, diffs, masked values and writes."""
    for user, token in {"token": "secret-4711", "ada": "sim-token", "grace": "sim-token-grace"}.items():
        (ansible.cwd / user).write_text(f"{token}\n", encoding="utf-8")
        (ansible.cwd / user).chmod(0o600)
    ran = {}
    for name, way in (("fast", FAST), ("ordinary", ORDINARY)):
        simulator.reset()
        apart = {"ANSIBLE_ASYNC_DIR": str(ansible.home / "async")}
        outcome = ansible.play(MANY_WAYS, "--diff", **{**connected, **apart, **way})
        assert outcome.status == 2, outcome.output
        log = simulator.requests()
        state = simulator.state()["publicize_connections"]
        ran[name] = (outcome, log, comparable([{**row, "issued": None} for row in state]))
    fast, ordinary = ran["fast"], ran["ordinary"]
    assert [task["task"] for task in fast[0].tasks] == [task["task"] for task in ordinary[0].tasks]
    assert len(ordinary[0].tasks) == MANY_WAYS.count("    - name: ")
    assert differences(fast[0].tasks, ordinary[0].tasks) == []
    writes = [
        [(request["path"].rsplit("/", 2)[-2:], request["body"]) for request in log if request["method"] == "POST"]
        for _outcome, log, _state in (fast, ordinary)
    ]
    assert writes[0] == writes[1]
    assert fast[2] == ordinary[2]
    assert len(fast[1]) < len(ordinary[1])
    for outcome, _log, _state in (fast, ordinary):
        assert "secret-" not in outcome.output
        assert "secret-" not in str(outcome.tasks)
        items = outcome.result(
            "Take the token of a file that changes from item to item, in place of that of the environment"
        )
        assert [item["account"]["id"] for item in items["results"]] == [1002, 1001, 1002]


LOOP = """\
---
- name: Two loops
  hosts: localhost
  gather_facts: false
  tasks:
    - name: Once
      community.wpcom.wpcom_publicize_connection:
        id: "{{ item }}"
        shared: true
      loop: [5001, 5002, 5007, 5010]

    - name: Twice
      community.wpcom.wpcom_publicize_connection:
        id: "{{ item }}"
        shared: true
      loop: [5001, 5002, 5007, 5010]
"""


def test_a_loop_reads_once_over_one_connection(
    ansible: Any, simulator: Simulator, connected: Mapping[str, str]
) -> None:
    """Items share what one of them read; tasks never do."""
    outcome = ansible.play(LOOP, **{**connected, **FAST})
    assert outcome.status == 0, outcome.output
    log = simulator.requests()
    by_connection: dict[int, list[str]] = {}
    for request in log:
        by_connection.setdefault(request["connection"], []).append(request["method"])
    assert len(by_connection) == 2
    first, second = list(by_connection.values())
    assert first.count("POST") == 4
    # The connections, the accounts behind them, and the services, which may no longer be supported.
    assert first.count("GET") == 3
    assert second == ["GET"]

    simulator.reset()
    assert ansible.play(LOOP, **{**connected, **ORDINARY}).status == 0
    assert len({request["connection"] for request in simulator.requests()}) >= 8


INCLUDED = """\
---
- name: A loop of files
  hosts: localhost
  gather_facts: false
  tasks:
    - name: Include
      ansible.builtin.include_tasks: one.yml
      loop: [5001, 5002]
"""
ONE = """\
---
- name: Look
  community.wpcom.wpcom_publicize_connection:
    id: "{{ item }}"
"""


def test_a_task_of_a_looped_file_reads_what_it_needs_itself(
    ansible: Any, simulator: Simulator, connected: Mapping[str, str]
) -> None:
    """A loop of include_tasks makes a task and a worker for each item, so they share nothing."""
    (ansible.cwd / "one.yml").write_text(ONE, encoding="utf-8")
    outcome = ansible.play(INCLUDED, **{**connected, **FAST})
    assert outcome.status == 0, outcome.output
    assert [request["path"].rsplit("/", 1)[-1] for request in simulator.requests()] == ["5001", "5002"]


UNTIL = """\
---
- name: Wait
  hosts: localhost
  gather_facts: false
  tasks:
    - name: Wait for an account
      community.wpcom.wpcom_keyring_connection:
        service: "{{ item }}"
        account: "@ada@mastodon.example"
      loop: [mastodon]
      register: seen
      until: seen.connection.health == 'ok'
      retries: 3
      delay: 0
"""


def test_every_retry_of_until_reads_again(ansible: Any, simulator: Simulator, connected: Mapping[str, str]) -> None:
    simulator.patch(keyring_connections=[{"ID": 2003, "status": "broken"}])
    outcome = ansible.play(UNTIL, **{**connected, **FAST})
    assert outcome.status == 2
    assert [request["method"] for request in simulator.requests()] == ["GET"] * 4


@pytest.mark.parametrize("way", [FAST, ORDINARY])
def test_an_ad_hoc_command_takes_the_fast_path_unless_it_is_switched_off(
    ansible: Any, connected: Mapping[str, str], way: Mapping[str, str]
) -> None:
    outcome = ansible.run(
        "ansible",
        "localhost",
        "-m",
        "community.wpcom.wpcom_keyring_connection",
        "-a",
        "id=2001",
        "-vvv",
        **{**connected, **way},
    )
    assert outcome.status == 0, outcome.output
    assert ("AnsiballZ" in outcome.output) is (way == ORDINARY)
    assert "sim-token" not in outcome.output


BECOME = """\
---
- name: As somebody
  hosts: localhost
  gather_facts: false
  tasks:
    - name: Become
      community.wpcom.wpcom_keyring_connection:
        id: 2001
      become: true
      become_method: ansible.builtin.su
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may become somebody without a password")
def test_become_starts_the_ordinary_module(ansible: Any, connected: Mapping[str, str]) -> None:
    """With become the task runs as another user, with other permissions and another environment."""
    outcome = ansible.play(BECOME, "-vvv", **{**connected, **FAST})
    assert outcome.status == 0, outcome.output
    assert "AnsiballZ" in outcome.output
