# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The inventory plugin: the sites of WordPress.com accounts as hosts."""

from __future__ import annotations

DOCUMENTATION = r"""
name: sites
short_description: WordPress.com sites as hosts
version_added: 1.0.0
author:
  - The community.wpcom authors (@ansible-collections)
description:
  - Reads the sites of one or more WordPress.com accounts, and returns a host for each site. Deleted sites are left out.
  - The name of the configuration file must be C(wpcom.yml) or C(wpcom.yaml), or end with C(.wpcom.yml) or C(.wpcom.yaml).
  - The number of requests does not depend on the number of sites. Each account requires one request, one more with
    O(connections=true), and one more if it has no name in O(accounts).
  - A token requires the scope C(sites) or C(global). Publicize connections also require the scope C(sharing), and the name of
    the account requires the scope C(users), if the scope is not C(global).
  - All options except O(hostname), O(filters), O(compose), O(groups) and O(keyed_groups) can be templates. Extra variables can be
    used in them.
extends_documentation_fragment:
  - community.wpcom.api.plugin
  - ansible.builtin.constructed
  - ansible.builtin.inventory_cache
options:
  plugin:
    description:
      - The name of this plugin.
    type: str
    required: true
    choices: [community.wpcom.sites]
  accounts:
    description:
      - The WordPress.com accounts to read, if there are several. They are read in parallel.
      - The hosts of each account are in the group C(wpcom_account_NAME), where characters that are not valid in names of groups
        are replaced with an underscore. Use the variables of this group for the token of the account.
      - Mutually exclusive with O(api_token) and O(api_token_file). The environment variables of the token are not used.
    type: list
    elements: dict
    suboptions:
      name:
        description:
          - The name of the account. It is used in the variable C(wpcom_account) and in the name of the group.
          - Defaults to the user name of the account, which requires a request.
        type: str
      api_token:
        description:
          - The OAuth2 access token of the account.
          - Exactly one of O(accounts[].api_token) and O(accounts[].api_token_file) is required.
        type: str
      api_token_file:
        description:
          - The path of a file that contains the access token of the account.
        type: path
  site_visibility:
    description:
      - Whether to return all sites, or only the sites that are visible or hidden for the user of the token in WordPress.com.
    type: str
    choices: [all, visible, hidden]
    default: all
  site_activity:
    description:
      - Whether to return all sites, or only active or inactive sites.
    type: str
    choices: [all, active, inactive]
    default: all
  connections:
    description:
      - Whether to read the publicize connections of the user of the token, and to add the variables C(wpcom_connections) and
        C(wpcom_health).
      - The variables do not contain URLs to refresh or connect an account. Use
        M(community.wpcom.wpcom_connection_info) to get them.
    type: bool
    default: false
  hostname:
    description:
      - A Jinja expression for the name of a host, without braces. The variables of the host can be used in it.
      - If two sites have the same name, the inventory fails.
      - If not set, the name is the value of C(wpcom_slug), or of C(wpcom_site_id) if the site has no slug that can be the name of
        a host. This is C(wpcom_slug | default(wpcom_site_id, true)).
    type: str
  filters:
    description:
      - A list of Jinja conditions, without braces. Only sites for which all of them are true are returned.
      - The variables of the host can be used in a condition. If a condition cannot be evaluated, the inventory fails.
    type: list
    elements: str
notes:
  - Every host has the variables C(wpcom_site_id), C(wpcom_slug), C(wpcom_url), C(wpcom_name), C(wpcom_jetpack), C(wpcom_private),
    C(wpcom_plan), C(wpcom_capabilities) and C(wpcom_account).
  - Hosts use the connection plugin P(ansible.builtin.local#connection) with the Python interpreter of Ansible, because the
    modules access the API from the host that they run on.
  - Values from WordPress.com are never evaluated as templates.
  - The cache contains no token. A changed option or token results in new requests.
seealso:
  - module: community.wpcom.wpcom_connection_info
"""

EXAMPLES = r"""
# my.wpcom.yml, the token is in the environment variable WPCOM_API_TOKEN
---
plugin: community.wpcom.sites

---
# Groups by plan and by health, and only sites whose connections can be shared
plugin: community.wpcom.sites
connections: true
filters:
  - wpcom_capabilities.edit_others_posts
groups:
  unhealthy: wpcom_health in ["broken", "expiring", "unknown"]
keyed_groups:
  - key: wpcom_plan
    prefix: plan

---
# Several accounts, whose names are needed to distinguish the sites that they have in common
plugin: community.wpcom.sites
accounts:
  - name: ada
    api_token: "{{ lookup('ansible.builtin.env', 'ADA_TOKEN') }}"
  - name: grace
    api_token: "{{ lookup('ansible.builtin.env', 'GRACE_TOKEN') }}"
hostname: wpcom_account ~ "." ~ wpcom_slug

---
# With a cache, which is used for an hour
plugin: community.wpcom.sites
site_visibility: visible
cache: true
cache_plugin: ansible.builtin.jsonfile
cache_connection: ~/.cache/wpcom_inventory
cache_timeout: 3600
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any, NoReturn

from ansible import constants as C
from ansible import template
from ansible.errors import AnsibleError, AnsibleParserError
from ansible.module_utils.parsing.convert_bool import boolean
from ansible.plugins.inventory import BaseInventoryPlugin, Cacheable, Constructable
from ansible.utils.unsafe_proxy import wrap_var

from ansible_collections.community.wpcom.plugins.module_utils._errors import WpcomError
from ansible_collections.community.wpcom.plugins.plugin_utils._plain import plain
from ansible_collections.community.wpcom.plugins.plugin_utils._plugin_session import PluginOptions
from ansible_collections.community.wpcom.plugins.plugin_utils._sites import (
    Account,
    Selection,
    check_names,
    configured_accounts,
    fingerprint,
    group_name,
    is_listed,
    list_sites,
)

SUFFIXES = ("wpcom.yml", "wpcom.yaml")
# ansible-core marks what is a template from 2.19 on, and before that what is none.
_trusted = getattr(template, "trust_as_template", None)
_CONNECTION = {
    "ansible_connection": (_trusted or str)("local"),
    "ansible_python_interpreter": (_trusted or str)("{{ ansible_playbook_python }}"),
}
# Without what patterns of hosts, lists of them and paths of variables give a meaning to.
_HOST_NAME = re.compile(r"\w[\w.:@-]*")
# ansible-core 2.18 raises some errors of expressions as Python has them.
_NOT_EVALUATED = (AnsibleError, ArithmeticError, LookupError, TypeError, ValueError)

Variables = Mapping[str, Any]


class InventoryModule(PluginOptions, BaseInventoryPlugin, Constructable, Cacheable):
    """Hosts that are sites."""

    inventory: Any
    _vars: Any
    NAME = "community.wpcom.sites"
    expressions = frozenset(("plugin", "hostname", "filters", "compose", "groups", "keyed_groups"))

    def verify_file(self, path: str) -> bool:
        """Whether the name of a file is one of a configuration of this plugin."""
        name = path.rpartition("/")[2]
        is_named = name in SUFFIXES or name.endswith(tuple(f".{suffix}" for suffix in SUFFIXES))
        return is_named and bool(super().verify_file(path))

    def parse(self, inventory: Any, loader: Any, path: str, cache: bool = True) -> None:
        """Add the hosts; none is added where there is an error. Raises AnsibleParserError."""
        super().parse(inventory, loader, path, cache)
        self._read_config_data(path)
        try:
            listed = self._listed(path, cache)
        except WpcomError as error:
            raise AnsibleParserError(error.message) from None
        hosts = self._hosts(listed["sites"])
        # Also of an account without sites: a play over it has no hosts then, and is not told that there is no such group.
        self._add(hosts, listed["accounts"] if "accounts" in self.given else [])

    def _listed(self, path: str, may_read_cache: bool) -> Variables:
        """Return the names of the accounts and the variables of their sites, from the cache where it has them.

        Raises WpcomError.
        """
        accounts = configured_accounts(plain(self.given.get("accounts")), self.connection_params())
        check_names([(account.label, account.name) for account in accounts])
        selection = Selection(
            visibility=str(self.get_option("site_visibility")),
            activity=str(self.get_option("site_activity")),
            connections=bool(self.get_option("connections")),
        )
        if not self.get_option("cache"):
            return self._read(accounts, selection)
        key = f"{self.get_cache_key(path)}_{fingerprint(accounts, selection)}"
        if may_read_cache:
            try:
                cached = self._cache[key]
            except (KeyError, TypeError, ValueError, AnsibleError):
                # Not there, too old, or damaged.
                cached = None
            if is_listed(cached):
                return dict(cached)
        listed = self._read(accounts, selection)
        self._cache[key] = listed
        return listed

    def _read(self, accounts: Sequence[Account], selection: Selection) -> Variables:
        listed, warnings = list_sites(accounts, selection)
        for warning in dict.fromkeys(warnings):
            self.display.warning(warning)
        return listed

    def _hosts(self, sites: Sequence[Variables]) -> dict[str, dict[str, Any]]:
        """Return the variables of the hosts by name. Raises AnsibleParserError."""
        filters = self.given.get("filters") or []
        filters = [filters] if isinstance(filters, str) else filters
        hostname = self.given.get("hostname") or None
        if hostname is not None and not isinstance(hostname, str):
            raise AnsibleParserError(f"hostname must be a string, got {hostname}: quote the expression.")
        hosts: dict[str, dict[str, Any]] = {}
        for site in sites:
            # Names and texts of other people, which must not be templates.
            variables: dict[str, Any] = dict(site) if _trusted is not None else wrap_var(site)
            if filters or hostname:
                self._make_available(variables)
            if not all(self._holds(condition, index, site) for index, condition in enumerate(filters)):
                continue
            name = self._evaluated_name(hostname, site) if hostname else self._default_name(site)
            other = hosts.get(name) or self._host_of_other_source(name, site)
            if other is not None:
                _refuse_twice(name, other, site)
            hosts[name] = variables
        return hosts

    def _make_available(self, variables: Variables) -> None:
        extra = self._vars if self.get_option("use_extra_vars") else {}
        self.templar.available_variables = {**variables, **extra}

    def _holds(self, condition: Any, index: int, site: Variables) -> bool:
        try:
            if _trusted is not None:
                return bool(self.templar.evaluate_conditional(condition))
            text = f"{{% if {condition} %}}True{{% else %}}False{{% endif %}}"
            return bool(boolean(self.templar.template(text)))
        except _NOT_EVALUATED as error:
            raise AnsibleParserError(
                f"filters[{index}] {str(condition)!r} could not be evaluated for {_described(site)}: {error}"
            ) from None

    def _evaluated_name(self, hostname: Any, site: Variables) -> str:
        try:
            if _trusted is not None:
                value = self.templar.evaluate_expression(hostname)
            else:
                value = self.templar.template(f"{{{{ {hostname} }}}}")
        except _NOT_EVALUATED as error:
            raise AnsibleParserError(
                f"hostname {str(hostname)!r} could not be evaluated for {_described(site)}: {error}"
            ) from None
        # An exact str: what ansible-core 2.18 marks as no template, it lists as a mapping.
        name = "" if value is None else str.__str__(str(value))
        if not self._is_host_name(name):
            raise AnsibleParserError(
                f"hostname results in {name!r} for {_described(site)}, which cannot be the name of a host: names of hosts have "
                "letters, digits, and the characters . _ - : @ only."
            )
        return name

    def _default_name(self, site: Variables) -> str:
        slug = site["wpcom_slug"]
        if not slug:
            return str(site["wpcom_site_id"])
        if self._is_host_name(slug):
            return str(slug)
        self.display.warning(
            f"The slug {slug!r} cannot be the name of a host: its ID {site['wpcom_site_id']} is used instead."
        )
        return str(site["wpcom_site_id"])

    def _is_host_name(self, name: str) -> bool:
        return bool(_HOST_NAME.fullmatch(name)) and name not in C.LOCALHOST and name not in self.inventory.groups

    def _host_of_other_source(self, name: str, site: Variables) -> Variables | None:
        """Return the variables of a host of another inventory source that is another site, or that of another account."""
        host = self.inventory.hosts.get(name)
        keys = ("wpcom_site_id", "wpcom_account")
        if host is None or "wpcom_site_id" not in host.vars or all(host.vars.get(key) == site[key] for key in keys):
            return None
        return {key: host.vars.get(key) for key in keys}

    def _add(self, hosts: Mapping[str, Variables], accounts: Sequence[str]) -> None:
        compose, groups = self.get_option("compose"), self.get_option("groups")
        keyed_groups, strict = self.get_option("keyed_groups"), self.get_option("strict")
        groups_of_accounts = {str(account): self.inventory.add_group(group_name(str(account))) for account in accounts}
        for name, variables in hosts.items():
            self.inventory.add_host(name, group=groups_of_accounts.get(variables["wpcom_account"]))
            variables = {**variables, **_CONNECTION}
            for key, value in variables.items():
                self.inventory.set_variable(name, key, value)
            if compose:
                self._set_composite_vars(compose, variables, name, strict=strict)
            if groups:
                self._add_host_to_composed_groups(groups, variables, name, strict=strict)
            if keyed_groups:
                self._add_host_to_keyed_groups(keyed_groups, variables, name, strict=strict)


def _described(site: Variables) -> str:
    account = f" of account {site['wpcom_account']}" if site.get("wpcom_account") else ""
    return f"site {site['wpcom_site_id']}{account}"


def _refuse_twice(name: str, one: Variables, other: Variables) -> NoReturn:
    raise AnsibleParserError(
        f"Two hosts have the name {name!r}: {_described(one)}, and {_described(other)}. Set hostname to an expression that "
        'distinguishes them, for example wpcom_account ~ "." ~ wpcom_slug or wpcom_site_id, or exclude one of them with filters.'
    )
