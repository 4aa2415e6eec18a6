#!/usr/bin/python

# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Gather the connections of an account, and which of them require manual action."""

from __future__ import annotations

DOCUMENTATION = r"""
module: wpcom_connection_info
short_description: Gather the social connections of a WordPress.com account
version_added: 0.1.0
description:
  - Gathers publicize connections, keyring connections, connected applications, external services, sites and the account
    behind the token.
  - Reports for every publicize and keyring connection whether it works, and which manual action is required if it does not.
author:
  - The community.wpcom authors (@ansible-collections)
extends_documentation_fragment:
  - community.wpcom.api
  - community.wpcom.attributes
  - community.wpcom.attributes.actiongroup_wpcom
  - community.wpcom.attributes.info_module
options:
  gather:
    description:
      - The types of records to gather.
    type: list
    elements: str
    choices: [publicize, keyring, applications, services, sites, account]
    default: [publicize, keyring]
  site:
    description:
      - Only gather these sites and their connections. Each must be the numeric ID, the domain or the URL of a site, see
        O(community.wpcom.wpcom_publicize_connection#module:site).
      - If not set, your publicize connections on all sites are gathered. If set, the visible connections of other users are
        gathered as well.
      - The publicize connections require one request for each site. The sites are read in parallel, see O(parallel). The records
        are returned in the order of the sites.
    type: list
    elements: str
  on_site_error:
    description:
      - What happens if some of the sites in O(site) cannot be read, for example because Jetpack Social is disabled on a site.
        The other sites are read in both cases.
      - If V(fail), the task fails. The result contains RV(site_errors) and the records of the other sites.
      - If V(report), the task does not fail because of them, and returns RV(site_errors). It still fails if the token is
        rejected, or if none of the sites can be reached.
    type: str
    choices: [fail, report]
    default: fail
    version_added: 1.0.0
  parallel:
    description:
      - The number of parallel requests. Must be between 1 and 32.
      - If WordPress.com throttles one request, all of them pause.
    type: int
    default: 4
    version_added: 1.0.0
  service:
    description:
      - Only gather this service and connections to it.
    type: str
  user_id:
    description:
      - Only gather publicize connections of this user.
    type: int
  keyring_connection_id:
    description:
      - Only gather this keyring connection and the publicize connections that use it.
    type: int
  id:
    description:
      - Only gather the publicize connection with this ID.
      - If set, O(site) must contain at most one site.
    type: int
  application_id:
    description:
      - Only gather the connected application with this ID.
    type: int
  unhealthy_only:
    description:
      - Whether to gather only connections that are unhealthy. These are all connections whose C(health) is neither V(ok) nor
        V(untested), see RV(community.wpcom.wpcom_publicize_connection#module:connection.health).
    type: bool
    default: false
  expiring_within:
    description:
      - The number of days before its expiry from which on a connection is reported as V(expiring).
      - The other modules always use 14 days.
    type: int
    default: 14
  test:
    description:
      - Whether WordPress.com tests all connections now, instead of returning a status that can be up to 12 hours old.
      - This is slow.
    type: bool
    default: false
  refetch_external_users:
    description:
      - Whether WordPress.com reloads the pages, organizations and blogs of all accounts.
      - This is slow.
    type: bool
    default: false
  fields:
    description:
      - The keys to return for each record, spelled as in the API or as in the results. C(health) and C(repair) are always
        returned for connections.
      - Use this to keep the results of a large account small.
    type: list
    elements: str
  meta:
    description:
      - The links in C(meta) of the responses whose targets the API includes in the responses, such as V(site).
    type: list
    elements: str
  context:
    description:
      - Whether the API renders texts for display or for editing.
      - If not set, the API uses V(display).
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

- name: Test all connections, and gather those that are broken or expire within 30 days
  community.wpcom.wpcom_connection_info:
    unhealthy_only: true
    expiring_within: 30
    test: true
  register: unhealthy

- name: Show the required manual action
  ansible.builtin.debug:
    msg: >-
      {{ item.label }} {{ item.external_display or item.external_name }}:
      {{ "open " ~ item.refresh_url if item.repair == "refresh" else actions[item.repair] | default("check the account") }}
  loop: "{{ unhealthy.keyring_connections }}"
  loop_control:
    label: "{{ item.id }}"
  vars:
    actions:
      reconnect: disconnect and reconnect the account
      remove: delete the connection

- name: Gather the connections of all users on many sites, and continue if some of the sites cannot be read
  community.wpcom.wpcom_connection_info:
    gather: [publicize]
    site:
      - blog.example.com
      - shop.example.com
      - nopublicize.example.com
    parallel: 16
    on_site_error: report
  register: everyone

- name: Show the sites that could not be read
  ansible.builtin.debug:
    msg: "{{ item.site }}: {{ item.error.msg }}"
  loop: "{{ everyone.site_errors }}"
  loop_control:
    label: "{{ item.site }}"

- name: Gather the scope of the token, and the applications that have a token
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
site_errors:
  description:
    - The sites in O(site) that could not be read, in their order. Empty if all sites could be read.
    - If the task fails because of them, the result also contains the records of the other sites.
  returned: when O(site) is set, on success, and on failure because of sites that could not be read
  type: list
  elements: dict
  version_added: 1.0.0
  contains:
    site:
      description: The site, as set in O(site).
      type: str
      sample: nopublicize.example.com
    error:
      description: Machine-readable details of the failure, with the same keys as RV(error), and C(msg).
      type: dict
      sample:
        msg: "Could not list the publicize connections of site nopublicize.example.com: HTTP 400 publicize_disabled."
        status: 400
        code: publicize_disabled
        message: Sharing is switched off on this site.
        method: GET
        path: /sites/nopublicize.example.com/publicize-connections/
publicize_connections:
  description:
    - The publicize connections, with the same keys as RV(community.wpcom.wpcom_publicize_connection#module:connection).
  returned: when O(gather) contains V(publicize)
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
    - The keyring connections, with the same keys as RV(community.wpcom.wpcom_keyring_connection#module:connection).
  returned: when O(gather) contains V(keyring)
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
    - The connected applications, one entry for each token, with the same keys as
      RV(community.wpcom.wpcom_connected_application#module:applications).
  returned: when O(gather) contains V(applications)
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
    - The available services, in the order of WordPress.com, with the keys of the API in lower case.
  returned: when O(gather) contains V(services)
  type: list
  elements: dict
  contains:
    id:
      description: The name of the service, as used in O(service).
      type: str
      sample: facebook
    label:
      description: The display name of the service.
      type: str
      sample: Facebook
    type:
      description: The type of the service, V(publicize) or V(other).
      type: str
      sample: publicize
    description:
      description: The description of the service.
      type: str
      sample: Share posts to your page.
    connect_url:
      description: The URL to open in a browser to connect an account. It is different in every response.
      type: str
      sample: https://public-api.wordpress.com/connect/?action=request&service=facebook
    multiple_external_user_id_support:
      description: Whether a connection can post to a page, organization or blog of the account.
      type: bool
      sample: true
    external_users_only:
      description: Whether a connection cannot post to the account itself.
      type: bool
      sample: true
    status:
      description: V(unsupported) if WordPress.com has discontinued the service. Not returned for other services.
      type: str
      sample: unsupported
sites:
  description:
    - The sites of the account, with the keys of the API in lower case. The records are large. Use O(fields) to select the
      keys that you need.
  returned: when O(gather) contains V(sites)
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
      description: The URL of the site.
      type: str
      sample: https://blog.example.com
    slug:
      description: The domain of the site, as used in O(site).
      type: str
      sample: blog.example.com
    capabilities:
      description: The capabilities of the user of the token on the site.
      type: dict
      sample:
        publish_posts: true
        edit_others_posts: true
account:
  description:
    - The user of the token, with the keys of the API in lower case.
  returned: when O(gather) contains V(account)
  type: dict
  contains:
    id:
      description: The ID of the user.
      type: int
      sample: 1001
    username:
      description: The login name.
      type: str
      sample: ada
    display_name:
      description: The display name.
      type: str
      sample: Ada Lovelace
    primary_blog:
      description: The ID of the primary site of the user.
      type: int
      sample: 3001
    token_scope:
      description: The scopes of the token. An empty list means that the token was created without a scope, and grants full
        access to one site.
      type: list
      elements: str
      sample: [global]
    token_site_id:
      description: The ID of the site that the token is restricted to, or V(null) if it is valid for all sites.
      type: int
      sample: null
    token_client_id:
      description: The ID of the application that has the token.
      type: int
      sample: 50001
error:
  description:
    - Machine-readable details of the failure.
    - All keys except RV(error.code) are V(null) if no request failed.
  returned: failure, except if Ansible rejects the options
  type: dict
  contains:
    status:
      description: The HTTP status of the response.
      type: int
      sample: 404
    code:
      description: The error code of the API, or an error code of this collection. Use it in conditions.
      type: str
      sample: unknown_blog
    message:
      description: The error message of the API. It can be translated or reworded at any time.
      type: str
      sample: Unknown blog
    method:
      description: The HTTP method of the request.
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
        "on_site_error": {"type": "str", "choices": ["fail", "report"], "default": "fail"},
        "parallel": {"type": "int", "default": 4},
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
    parallel="parallel",
    expiring_within="expiring_within",
)


def main() -> None:
    """Run the module."""
    run_module(MODULE)


if __name__ == "__main__":
    main()
