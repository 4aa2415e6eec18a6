# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Split the results of bulk tasks into the results of the hosts."""

from __future__ import annotations

DOCUMENTATION = r"""
name: converge_results
short_description: Split the results of bulk tasks into the results of the hosts
version_added: 0.2.0
author:
  - The community.wpcom authors (@ansible-collections)
description:
  - Finds the host that each action of a M(community.wpcom.wpcom_publicize_connections) task belongs to, for accounts that were
    grouped by P(community.wpcom.converge_accounts#filter).
  - The playbook C(community.wpcom.converge) uses this filter. It is documented in
    R(Many accounts, ansible_collections.community.wpcom.docsite.guide_many_accounts).
positional: _input, results
options:
  _input:
    description: The result of P(community.wpcom.converge_accounts#filter).
    type: list
    elements: dict
    required: true
  results:
    description: The results of the tasks, one for each account in the same order. A task that was skipped has no actions.
    type: list
    elements: dict
    required: true
  report:
    description:
      - If V(all), the result contains all hosts.
      - If V(changes), it only contains hosts with connections that are changed, have failed or are unhealthy, and hosts on
        which nothing was written because of an error.
      - If not set, V(all) is used for up to 100 hosts, and V(changes) for more.
    type: str
    choices: [all, changes]
seealso:
  - plugin: community.wpcom.converge_accounts
    plugin_type: filter
  - module: community.wpcom.wpcom_converge_result
"""

EXAMPLES = r"""
- name: Predict the changes of all accounts
  community.wpcom.wpcom_publicize_connections:
    connections: "{{ item.connections }}"
  check_mode: true
  loop: "{{ hostvars | community.wpcom.converge_accounts(ansible_play_batch) }}"
  loop_control:
    label: "{{ item.name }}"
  run_once: true
  register: predicted

- name: Show the number of changes for each account
  ansible.builtin.debug:
    msg: >-
      {{ (hostvars | community.wpcom.converge_accounts(ansible_play_batch)
          | community.wpcom.converge_results(predicted.results | default([]))).summary }}
  run_once: true
"""

RETURN = r"""
_value:
  description: The results.
  type: dict
  contains:
    hosts:
      description: The results by host, for M(community.wpcom.wpcom_converge_result).
      type: dict
      sample:
        blog.example.com:
          changed: true
          msg: "mastodon @ada@mastodon.example: created"
    patterns:
      description: Patterns that match these hosts, for C(hosts) of a play.
      type: list
      elements: str
      sample: [blog.example.com]
    statistics:
      description: The numbers and IDs of connections, for M(ansible.builtin.set_stats).
      type: dict
      sample:
        social_connections_created: 1
        social_connections_updated: 0
        social_connections_deleted: 0
        social_connections_unchanged: 3
        social_connections_failed: 0
        social_connections_changed_ids: [5002]
        social_connections_unhealthy_ids: []
    summary:
      description: A line for each account, at most 20.
      type: list
      elements: str
      sample:
        - "ada (2 hosts): 1 created, 0 updated, 0 deleted, 3 unchanged."
"""

from typing import Any

from ansible.errors import AnsibleFilterError

from ansible_collections.community.wpcom.plugins.plugin_utils._converge import REPORTS, host_results
from ansible_collections.community.wpcom.plugins.plugin_utils._plain import plain


def converge_results(accounts: Any, results: Any, report: Any = None) -> dict[str, Any]:
    """Return the results of the hosts. Raises AnsibleFilterError where the lists do not belong together."""
    if report and report not in REPORTS:
        raise AnsibleFilterError(f"converge_results: report must be one of {', '.join(REPORTS)}, got {report}.")
    grouped, outcomes = plain(accounts), plain(results)
    if not isinstance(grouped, list) or not isinstance(outcomes, list) or len(grouped) != len(outcomes):
        raise AnsibleFilterError(
            "converge_results: the input must be the result of the filter converge_accounts, and results must have a result "
            "for each account."
        )
    return host_results(grouped, outcomes, str(report) if report else None)


class FilterModule:
    """The filter of this file."""

    def filters(self) -> dict[str, Any]:
        """Return it by its name."""
        return {"converge_results": converge_results}
