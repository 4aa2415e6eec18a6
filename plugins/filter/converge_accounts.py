# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Group hosts by the WordPress.com account that their token belongs to."""

from __future__ import annotations

DOCUMENTATION = r"""
name: converge_accounts
short_description: Group hosts by the WordPress.com account that their token belongs to
version_added: 0.2.0
author:
  - The community.wpcom authors (@ansible-collections)
description:
  - Returns the WordPress.com accounts of the hosts that have the variable C(social_connections), each with the connections of
    all its hosts in one list, for M(community.wpcom.wpcom_publicize_connections).
  - Hosts belong to the same account if C(wpcom_api_token) or C(wpcom_api_token_file) have the same value for them, or if they
    have neither, so that the token in the environment is used. The result does not contain tokens.
  - The filter does not fail if a host is invalid. It returns the error, so that the other accounts can be managed.
  - The playbook C(community.wpcom.converge) uses this filter. It is documented in
    R(Many accounts, ansible_collections.community.wpcom.docsite.guide_many_accounts).
positional: _input, hosts
options:
  _input:
    description:
      - The variables of the hosts, usually C(hostvars).
      - The site of a host is C(wpcom_site_id), C(wpcom_slug), or the name of the host.
      - C(social_connections_purge), C(social_connections_max_deletions), C(social_connections_parallel) and
        C(social_connections_on_error) must be the same for all hosts of an account.
    type: dict
    required: true
  hosts:
    description: The hosts to group. Hosts without the variable C(social_connections) are left out.
    type: list
    elements: str
    required: true
  play_vars:
    description:
      - The values of C(social_connections_purge), C(social_connections_max_deletions), C(social_connections_parallel),
        C(social_connections_on_error), C(social_connections_fail_on_unhealthy), C(wpcom_api_token) and
        C(wpcom_api_token_file) for the first of the O(hosts) in the play.
      - They are different from those in O(_input) if the variables of the play contain them. The settings then apply to all
        hosts. Tokens in the variables of the play are rejected.
      - C(converge_report) is validated as well, because the input of P(community.wpcom.converge_results#filter) is only
        validated after the connections have been applied.
    type: dict
    default: {}
seealso:
  - plugin: community.wpcom.converge_results
    plugin_type: filter
  - module: community.wpcom.wpcom_publicize_connections
"""

EXAMPLES = r"""
- name: Show the accounts, and how many connections their hosts declare
  ansible.builtin.debug:
    msg: "{{ item.name }}: {{ item.connections | length }} connections on {{ item.hosts | length }} hosts"
  loop: "{{ hostvars | community.wpcom.converge_accounts(ansible_play_batch) }}"
  loop_control:
    label: "{{ item.name }}"
  run_once: true
"""

RETURN = r"""
_value:
  description: The accounts, in the order of their first hosts.
  type: list
  elements: dict
  contains:
    name:
      description: The name of the account, from C(wpcom_account). If it is not set, V(environment) or the name of the first host.
      type: str
      sample: ada
    host:
      description: The first host. Its variables contain the token.
      type: str
      sample: blog.example.com
    hosts:
      description: The hosts, each with its C(site), the number of C(entries), and C(fail_on_unhealthy).
      type: list
      elements: dict
      sample:
        - host: blog.example.com
          site: "3001"
          entries: 1
          fail_on_unhealthy: false
    connections:
      description: The connections of all hosts, in the order of the hosts, each with C(site).
      type: list
      elements: dict
      sample:
        - site: "3001"
          service: mastodon
          account: "@ada@mastodon.example"
    errors:
      description: The invalid hosts, and what is wrong with them. If there are any, the connections must not be applied.
      type: dict
      sample: {}
    purge:
      description: The option O(community.wpcom.wpcom_publicize_connections#module:purge).
      type: str
      sample: none
    max_deletions:
      description: The option O(community.wpcom.wpcom_publicize_connections#module:max_deletions).
      type: int
      sample: 10
    parallel:
      description: The option O(community.wpcom.wpcom_publicize_connections#module:parallel).
      type: int
      sample: 4
    on_error:
      description: The option O(community.wpcom.wpcom_publicize_connections#module:on_error).
      type: str
      sample: stop
    report:
      description:
        - The option O(community.wpcom.wpcom_publicize_connections#module:report). It is V(all) if the hosts of purged connections
          cannot be found otherwise.
      type: str
      sample: changes
"""

from collections.abc import Mapping, Sequence
from typing import Any

from ansible.errors import AnsibleError, AnsibleFilterError
from jinja2.exceptions import UndefinedError

from ansible_collections.community.wpcom.plugins.plugin_utils._converge import (
    HOST_SETTINGS,
    REPORTS,
    TOKENS,
    VARIABLE,
    Declaration,
    grouped,
)
from ansible_collections.community.wpcom.plugins.plugin_utils._plain import plain


def converge_accounts(hostvars: Any, hosts: Any, play_vars: Any = None) -> list[dict[str, Any]]:
    """Return the accounts. Raises AnsibleFilterError where the input is not what the playbook gives."""
    if not isinstance(hostvars, Mapping) or not isinstance(hosts, (list, tuple)):
        raise AnsibleFilterError("converge_accounts: the input must be hostvars, and hosts must be a list of hosts.")
    names = [str(host) for host in hosts]
    given = plain(play_vars or {})
    report = given.pop("converge_report", None)
    if report and report not in REPORTS:
        # Before anything is written, not where it is needed.
        raise AnsibleFilterError(
            f"converge_accounts: converge_report must be one of {', '.join(REPORTS)}, got {report}."
        )
    overrides = _overrides(hostvars, names, given)
    declared = (_declaration(host, hostvars[host], overrides) for host in names if host in hostvars)
    return grouped(declaration for declaration in declared if declaration is not None)


def _overrides(hostvars: Mapping[str, Any], hosts: Sequence[str], play_vars: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings that the variables of the play give to all hosts; those of a host are in hostvars as well."""
    if not hosts:
        return {}
    first = hostvars[hosts[0]]
    found = {
        name: value
        for name, value in play_vars.items()
        if not _is_empty(value) and (name not in first or plain(first[name]) != value)
    }
    for name in TOKENS:
        if found.pop(name, None) is not None:
            raise AnsibleFilterError(
                f"converge_accounts: {name} must not be a variable of the play: set it as a variable of the hosts or groups."
            )
    return found


def _declaration(host: str, variables: Mapping[str, Any], overrides: Mapping[str, Any]) -> Declaration | None:
    if VARIABLE not in variables:
        return None
    error = None
    unknown: set[str] = set()
    values: dict[str, Any] = {}
    for name in (*TOKENS, "wpcom_account", "wpcom_site_id", "wpcom_slug", *HOST_SETTINGS, VARIABLE):
        if name not in variables:
            continue
        try:
            values[name] = plain(variables[name])
        except (AnsibleError, UndefinedError) as problem:
            # The text of the problem may have that of a token.
            shown = "check its template with ansible.builtin.debug" if name in TOKENS else str(problem)
            error = f"The value of {name} cannot be determined: {shown.rstrip('.')}."
            unknown.add(name)
    tokens = [(kind, values[name]) for name, kind in TOKENS.items() if not _is_empty(values.get(name))]
    account = None if _is_empty(values.get("wpcom_account")) else str(values["wpcom_account"])
    key: tuple[Any, ...] = tokens[0] if tokens else ("environment",)
    if len(tokens) > 1:
        error = f"{' and '.join(TOKENS)} are mutually exclusive."
    if len(tokens) > 1 or not unknown.isdisjoint(TOKENS):
        key = ("unknown", account, host)
    sites = (values.get(name) for name in ("wpcom_site_id", "wpcom_slug"))
    settings = {name: values[name] for name in HOST_SETTINGS if not _is_empty(values.get(name))}
    return Declaration(
        host=host,
        site=next((str(site) for site in sites if not _is_empty(site)), host),
        connections=values.get(VARIABLE),
        key=key,
        account=account,
        settings={**settings, **{name: value for name, value in overrides.items() if name in HOST_SETTINGS}},
        error=error,
    )


def _is_empty(value: Any) -> bool:
    return value is None or value == ""


class FilterModule:
    """The filter of this file."""

    def filters(self) -> dict[str, Any]:
        """Return it by its name."""
        return {"converge_accounts": converge_accounts}
