#!/usr/bin/python

# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Gather the connections of an account, and which of them need a person."""

from __future__ import annotations

DOCUMENTATION = r"""
module: wpcom_connection_info
short_description: Gather the social connections of a WordPress.com account
version_added: 0.1.0
description:
  - Gathers publicize connections, keyring connections, connected applications, external services, sites and the account
    behind the token.
  - Tells of every publicize and keyring connection whether it works, and what a person has to do if it does not.
author:
  - The community.wpcom authors (@ansible-collections)
extends_documentation_fragment:
  - community.wpcom.api
  - community.wpcom.attributes
  - community.wpcom.attributes.actiongroup_wpcom
attributes:
  check_mode:
    support: full
    details: This module changes nothing.
  diff_mode:
    support: N/A
    details: This module changes nothing.
  idempotent:
    support: full
    details: This module changes nothing.
options:
  gather:
    description:
      - What to gather.
    type: list
    elements: str
    choices: [publicize, keyring, applications, services, sites, account]
    default: [publicize, keyring]
  site:
    description:
      - Only connections of this site, or these sites, by numeric ID or domain, and only these sites.
      - Without it your publicize connections on all sites are gathered; with it also those of other users that you may see.
    type: list
    elements: str
  service:
    description:
      - Only connections to this service, and only this service.
    type: str
  user_id:
    description:
      - Only publicize connections of this user.
    type: int
  keyring_connection_id:
    description:
      - Only this keyring connection, and publicize connections made with it.
    type: int
  id:
    description:
      - Only the publicize connection with this ID. With at most one O(site).
    type: int
  application_id:
    description:
      - Only the connected application with this ID.
    type: int
  unhealthy_only:
    description:
      - Only connections whose C(health) is V(broken) or V(expiring).
    type: bool
    default: false
  expiring_within:
    description:
      - The number of days before its expiry from which a connection counts as V(expiring).
      - The other modules always warn 14 days ahead.
    type: int
    default: 14
  test:
    description:
      - Have WordPress.com test all connections now, instead of taking a status that may be 12 hours old. This is slow.
    type: bool
    default: false
  refetch_external_users:
    description:
      - Have WordPress.com read the pages, organisations and blogs of all accounts anew. This is slow.
    type: bool
    default: false
  fields:
    description:
      - Only these keys of each record, in the API's spelling or in that of the results; C(health) and C(repair) are
        always added to connections.
      - Keeps the results of a large account small.
    type: list
    elements: str
  meta:
    description:
      - Which of the links in the C(meta) part of the answers the API follows and adds, such as V(site).
    type: list
    elements: str
  context:
    description:
      - How the API renders texts, for display or for editing. The API's default is V(display).
    type: str
    choices: [display, edit]
seealso:
  - module: community.wpcom.wpcom_publicize_connection
  - module: community.wpcom.wpcom_keyring_connection
  - module: community.wpcom.wpcom_connected_application
"""

EXAMPLES = r"""
- name: Gather all connections
  community.wpcom.wpcom_connection_info:
  register: social

- name: Show where each site posts to
  ansible.builtin.debug:
    msg: "{{ item.site_id }} posts to {{ item.service }} as {{ item.external_display or item.external_name }}: {{ item.health }}"
  loop: "{{ social.publicize_connections }}"
  loop_control:
    label: "{{ item.id }}"

- name: Find what is broken or stops working within a month, after a fresh test
  community.wpcom.wpcom_connection_info:
    unhealthy_only: true
    expiring_within: 30
    test: true
  register: unhealthy

- name: Tell what to do about each
  ansible.builtin.debug:
    msg: >-
      {{ item.label }} {{ item.external_display or item.external_name }}:
      {{ "open " ~ item.refresh_url if item.repair == "refresh" else "disconnect it and connect it again" }}
  loop: "{{ unhealthy.keyring_connections }}"
  loop_control:
    label: "{{ item.id }}"

- name: See what the token may do, and which applications hold another one
  community.wpcom.wpcom_connection_info:
    gather:
      - account
      - applications
    fields:
      - id
      - title
      - token_scope
      - token_site_id
"""

RETURN = r"""
publicize_connections:
  description:
    - Publicize connections, with the same keys as RV(community.wpcom.wpcom_publicize_connection#module:connection).
  returned: when O(gather) holds V(publicize)
  type: list
  elements: dict
  sample:
    - id: 5003
      site_id: 3002
      user_id: 0
      keyring_connection_id: 2001
      keyring_connection_user_id: 1001
      shared: true
      service: facebook
      label: Facebook
      issued: "2026-01-31T10:20:30Z"
      expires: null
      external_id: "112"
      external_name: Difference Engines
      external_display: null
      status: ok
      refresh_url: https://public-api.wordpress.com/connect/?action=request&refresh=1&service=facebook
      health: ok
      repair: null
keyring_connections:
  description:
    - Keyring connections, with the same keys as RV(community.wpcom.wpcom_keyring_connection#module:connection).
  returned: when O(gather) holds V(keyring)
  type: list
  elements: dict
  sample:
    - id: 2001
      user_id: 1001
      type: publicize
      service: facebook
      label: Facebook
      issued: "2026-01-31T10:20:30Z"
      expires: null
      external_id: "900001"
      external_name: ""
      external_display: Ada Lovelace
      additional_external_users:
        - external_id: "111"
          external_name: Analytical Engines
          external_display: null
      sites: [3001, 3002]
      status: ok
      refresh_url: https://public-api.wordpress.com/connect/?action=request&refresh=1&service=facebook
      health: ok
      repair: null
connected_applications:
  description:
    - Connected applications, one entry for each token, with the same keys as
      RV(community.wpcom.wpcom_connected_application#module:applications).
  returned: when O(gather) holds V(applications)
  type: list
  elements: dict
  sample:
    - id: 7001
      title: VaultPress
      authorized: "2026-01-31T10:20:30Z"
      scope: ""
      site: null
services:
  description:
    - The services that can be connected to, in WordPress.com's order, with the API's keys in lower case.
  returned: when O(gather) holds V(services)
  type: list
  elements: dict
  contains:
    id:
      description: The name of the service, as the option O(service) takes it.
      type: str
      sample: facebook
    label:
      description: The name of the service, for people.
      type: str
      sample: Facebook
    type:
      description: What it is for, V(publicize) or V(other).
      type: str
      sample: publicize
    description:
      description: What a connection to it does.
      type: str
      sample: Share posts to your page.
    connect_url:
      description: Where a person can make a keyring connection in a browser; differs in every answer.
      type: str
      sample: https://public-api.wordpress.com/connect/?action=request&service=facebook
    multiple_external_user_id_support:
      description: Whether a connection can post to a page, organisation or blog of the account.
      type: bool
      sample: true
    external_users_only:
      description: Whether a connection cannot post to the account itself.
      type: bool
      sample: true
    status:
      description: V(unsupported) for a service that no longer works; absent for the others.
      type: str
      sample: unsupported
sites:
  description:
    - The sites of the account, with the API's keys in lower case. They are large; pick what you need with O(fields).
  returned: when O(gather) holds V(sites)
  type: list
  elements: dict
  contains:
    id:
      description: The ID of the site.
      type: int
      sample: 3001
    name:
      description: The title of the site.
      type: str
      sample: The Analytical Blog
    url:
      description: The address of the site.
      type: str
      sample: https://blog.example.com
    slug:
      description: The domain of the site, as the option O(site) takes it.
      type: str
      sample: blog.example.com
    capabilities:
      description: What the user of the token may do on the site.
      type: dict
      sample:
        publish_posts: true
        edit_others_posts: true
account:
  description:
    - The user behind the token, with the API's keys in lower case.
  returned: when O(gather) holds V(account)
  type: dict
  contains:
    id:
      description: The ID of the user.
      type: int
      sample: 1001
    username:
      description: The log-in name.
      type: str
      sample: ada
    display_name:
      description: The name that is shown.
      type: str
      sample: Ada Lovelace
    primary_blog:
      description: The ID of the user's primary site.
      type: int
      sample: 3001
    token_scope:
      description: What the token may do; empty where it was made without a scope, which means everything on one site.
      type: list
      elements: str
      sample: [global]
    token_site_id:
      description: The one site that the token is for, V(null) where it is for all.
      type: int
      sample: null
    token_client_id:
      description: The ID of the application that the token was granted to.
      type: int
      sample: 50001
error:
  description: What failed, for programs.
  returned: failure, unless Ansible itself refused the options
  type: dict
  contains:
    status:
      description: The HTTP status, V(null) where no request failed.
      type: int
      sample: 404
    code:
      description: The API's slug, or one of this collection's.
      type: str
      sample: unknown_blog
    message:
      description: The text of the API.
      type: str
      sample: Unknown blog
    method:
      description: The method of the request.
      type: str
      sample: GET
    path:
      description: The path of the request.
      type: str
      sample: /sites/nowhere.example.com/publicize-connections/
"""

from ansible_collections.community.wpcom.plugins.module_utils._module import ModuleSpec, run_module
from ansible_collections.community.wpcom.plugins.module_utils._plan.info import plan_connection_info
from ansible_collections.community.wpcom.plugins.module_utils._records.health import EXPIRING_WITHIN_DAYS

MODULE = ModuleSpec(
    plan_connection_info,
    {
        "gather": {
            "type": "list",
            "elements": "str",
            "choices": ["publicize", "keyring", "applications", "services", "sites", "account"],
            "default": ["publicize", "keyring"],
        },
        "site": {"type": "list", "elements": "str"},
        "service": {"type": "str"},
        "user_id": {"type": "int"},
        "keyring_connection_id": {"type": "int"},
        "id": {"type": "int"},
        "application_id": {"type": "int"},
        "unhealthy_only": {"type": "bool", "default": False},
        "expiring_within": {"type": "int", "default": EXPIRING_WITHIN_DAYS},
        "test": {"type": "bool", "default": False},
        "refetch_external_users": {"type": "bool", "default": False},
        "fields": {"type": "list", "elements": "str"},
        "meta": {"type": "list", "elements": "str"},
        "context": {"type": "str", "choices": ["display", "edit"]},
    },
    expiring_within="expiring_within",
)


def main() -> None:
    """Run the module."""
    run_module(MODULE)


if __name__ == "__main__":
    main()
