#!/usr/bin/python

# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Bring many publicize connections on many sites into the state that a list declares."""

from __future__ import annotations

DOCUMENTATION = r"""
module: wpcom_publicize_connections
short_description: Connect many WordPress.com sites to social services
version_added: 0.1.0
description:
  - Ensures that all listed publicize connections, on any number of sites, are in the declared state.
  - The module reads and plans everything before it writes. If an entry is invalid or ambiguous, or contradicts another entry,
    the module fails before any change, and lists all such entries with their positions.
  - The number of read requests is the same for one connection and for thousands if the token can list your sites (scope
    V(sites) or V(global)) or the entries specify sites by ID. Otherwise one request is added for each site. One request is
    also added for each O(connections[].id) that is not one of your connections, and in check mode for each site that gets a new
    connection.
  - Several writes run in parallel.
  - The module issues the same warnings as M(community.wpcom.wpcom_publicize_connection), one for each unhealthy account. They
    also cover connections on the sites of the list whose keyring connection no longer exists. Such connections are deleted
    by O(purge=listed).
  - If the module fails after some of the changes, the result lists the completed changes. Run the task again to apply the
    remaining ones.
author:
  - The community.wpcom authors (@ansible-collections)
extends_documentation_fragment:
  - community.wpcom.api
  - community.wpcom.attributes
  - community.wpcom.attributes.actiongroup_wpcom
  - community.wpcom.attributes.idempotent
options:
  connections:
    description:
      - The connections. Each entry has the same options as M(community.wpcom.wpcom_publicize_connection).
      - Options that are not set are left unchanged.
    type: list
    elements: dict
    required: true
    suboptions:
      state:
        description:
          - If V(present), the connection is created or updated.
          - If V(absent), the connection is deleted.
        type: str
        choices: [present, absent]
        default: present
      site:
        description:
          - The numeric ID, the domain or the URL of the site, see O(community.wpcom.wpcom_publicize_connection#module:site).
          - Required if O(connections[].id) is not set.
        type: str
      id:
        description:
          - The ID of an existing publicize connection.
          - At least one of O(connections[].id), O(connections[].keyring_connection_id) and O(connections[].service) is required.
        type: int
      keyring_connection_id:
        description:
          - The ID of the keyring connection that the publicize connection uses.
        type: int
      service:
        description:
          - The name of the service, such as V(facebook), V(linkedin) or V(mastodon), used to select the keyring connection.
        type: str
      account:
        description:
          - The external ID, name or display name of the account. Required if you have several keyring connections of one
            O(connections[].service).
          - Requires O(connections[].service).
        type: str
      shared:
        description:
          - Whether all users of the site can use the connection.
        type: bool
      external_user_id:
        description:
          - The ID of the page, organization or blog to post to instead of the account itself.
          - Mutually exclusive with O(connections[].external_user_name) and O(connections[].reset_external_user).
        type: str
      external_user_name:
        description:
          - The name or display name of the page, organization or blog to post to instead of the account itself.
          - Mutually exclusive with O(connections[].external_user_id) and O(connections[].reset_external_user).
        type: str
      reset_external_user:
        description:
          - Set to V(true) to post to the account itself.
          - If O(connections[].state=absent) and the keyring connection no longer exists, the API does not show which
            connection posts to the account itself. No connection is deleted, and a warning lists the connections to delete by ID.
          - Mutually exclusive with O(connections[].external_user_id) and O(connections[].external_user_name).
        type: bool
        default: false
      unique_per:
        description:
          - If V(account), a site has one connection for each account.
          - If V(external_user), a site has one connection for each external user of an account.
        type: str
        choices: [account, external_user]
        default: account
  purge:
    description:
      - If V(listed), your connections on the sites that appear in O(connections[].site) are deleted if they are not listed.
      - Sites that are not listed, and connections of other users, are never changed.
    type: str
    choices: [none, listed]
    default: none
  max_deletions:
    description:
      - The maximum number of connections to delete. If more connections would be deleted, the module fails before any change,
        and lists them.
      - V(-1) means no limit.
    type: int
    default: 10
  parallel:
    description:
      - The number of parallel requests. Must be between 1 and 32.
      - If WordPress.com throttles one request, all of them pause.
    type: int
    default: 4
  on_error:
    description:
      - If V(stop), no further write is started after the first failure.
      - If V(continue), the remaining writes are applied. The last connections of an account are not deleted if its new
        connection could not be created.
      - The task fails in both cases.
    type: str
    choices: [stop, continue]
    default: stop
  report:
    description:
      - If V(changes), RV(actions) only contains connections that are changed, have failed or are unhealthy. This keeps the
        result small. RV(summary) always counts all connections.
      - If V(all), RV(actions) contains all connections, and RV(connections) is returned.
    type: str
    choices: [changes, all]
    default: changes
    version_added: 1.0.0
seealso:
  - module: community.wpcom.wpcom_publicize_connection
  - module: community.wpcom.wpcom_connection_info
"""

EXAMPLES = r"""
- name: Ensure that three sites have the declared connections
  community.wpcom.wpcom_publicize_connections:
    connections:
      - site: blog.example.com
        service: mastodon
        account: "@ada@mastodon.example"
      - site: shop.example.com
        service: facebook
        external_user_name: Difference Engines
        shared: true
      - site: news.example.org
        service: linkedin
        account: ada-l
        external_user_id: "211"
        unique_per: external_user
      - site: news.example.org
        service: linkedin
        account: ada-l
        external_user_id: "212"
        unique_per: external_user
    parallel: 8

- name: Show which connections would be deleted if a site had only this connection
  community.wpcom.wpcom_publicize_connections:
    connections:
      - site: shop.example.com
        service: facebook
        external_user_name: Difference Engines
    purge: listed
    max_deletions: 5
  check_mode: true
  diff: true

- name: Apply a list, and return the connections
  community.wpcom.wpcom_publicize_connections:
    connections:
      - site: https://blog.example.com/
        service: mastodon
        account: "@ada@mastodon.example"
      - site: shop.example.com
        service: bluesky
        account: ada.bsky.example
    report: all
  register: applied

- name: Show the connections that require manual action
  ansible.builtin.debug:
    msg: "{{ item.service }} {{ item.account }} on site {{ item.site_id }}: {{ item.health }}, {{ item.repair }}"
  loop: "{{ applied.actions | rejectattr('health', 'in', [none, 'ok', 'untested']) }}"
  loop_control:
    label: "{{ item.id }}"
"""

RETURN = r"""
connections:
  description:
    - The connections in the order of O(connections), with the same keys as
      RV(community.wpcom.wpcom_publicize_connection#module:connection), or V(null) for absent connections.
  returned: if O(report=all), on success, and on failure after the first write
  type: list
  elements: dict
  sample:
    - id: 5002
      site_id: 3001
      service: mastodon
      shared: false
      health: ok
actions:
  description:
    - The actions, or in check mode the predicted actions, in the order of O(connections), followed by the purged connections.
    - If O(report=changes), connections that are both unchanged and healthy are left out.
  returned: success, and failure after the first write
  type: list
  elements: dict
  contains:
    position:
      description: The position in O(connections), starting with 0, or V(null) for a purged connection.
      type: int
      sample: 0
    action:
      description: One of V(created), V(updated), V(deleted), V(unchanged), V(failed) and V(skipped).
      type: str
      sample: created
    site_id:
      description: The ID of the site.
      type: int
      sample: 3001
    id:
      description: The ID of the connection, or V(null) if it does not exist.
      type: int
      sample: 5002
    service:
      description: The name of the service.
      type: str
      sample: mastodon
    account:
      description: The name of the account.
      type: str
      sample: "@ada@mastodon.example"
    health:
      description:
        - The health of the connection after the action, with the same values as
          RV(community.wpcom.wpcom_publicize_connection#module:connection.health). V(null) if the connection is absent.
      type: str
      sample: ok
    repair:
      description:
        - The required manual action, with the same values as
          RV(community.wpcom.wpcom_publicize_connection#module:connection.repair).
      type: str
      sample: null
    error:
      description:
        - Machine-readable details of the failure, with the same keys as
          RV(community.wpcom.wpcom_connection_info#module:error), and C(msg). V(null) if the action did not fail.
      type: dict
      sample: null
summary:
  description:
    - The number of connections for each action, and the number of unhealthy connections.
    - It counts all connections, whatever O(report) is set to.
  returned: success, and failure after the first write
  type: dict
  sample:
    created: 1
    updated: 0
    deleted: 0
    unchanged: 3
    failed: 0
    skipped: 0
    unhealthy: 0
diff:
  description:
    - The differences, one entry for each connection that is created, updated or deleted. The headers contain the site, the
      service and the account.
    - For an updated connection, only the values that differ are returned.
  returned: in diff mode, on success, and on failure after the first write
  type: list
  elements: dict
  sample:
    - before:
        shared: false
        user_id: 1001
      after:
        shared: true
        user_id: 0
      before_header: "site 3002: facebook Ada Lovelace (5003)"
      after_header: "site 3002: facebook Ada Lovelace (5003)"
errors:
  description: The invalid entries, with their position in O(connections) and the same keys as RV(actions[].error).
  returned: failure because of invalid entries, before any change
  type: list
  elements: dict
  sample:
    - position: 2
      msg: "one of the following is required: id, keyring_connection_id, service"
      code: invalid_option
deletions:
  description: The connections that would be deleted.
  returned: failure because of O(max_deletions)
  type: list
  elements: dict
  sample:
    - id: 5002
      site_id: 3001
      service: mastodon
error:
  description:
    - Machine-readable details of the first failure, with the same keys as
      RV(community.wpcom.wpcom_connection_info#module:error).
  returned: failure, except if Ansible rejects the options
  type: dict
  sample:
    status: null
    code: invalid_connections
    message: null
    method: null
    path: null
"""

from ansible_collections.community.wpcom.plugins.module_utils._cache.account_cache import AccountCache
from ansible_collections.community.wpcom.plugins.module_utils._module import ModuleSpec, run_module
from ansible_collections.community.wpcom.plugins.module_utils._options import publicize_connection_argument_spec
from ansible_collections.community.wpcom.plugins.module_utils._plan.bulk import plan_publicize_connections

MODULE = ModuleSpec(
    plan_publicize_connections,
    {
        "connections": {
            "type": "list",
            "elements": "dict",
            "required": True,
            "options": publicize_connection_argument_spec(),
        },
        "purge": {"type": "str", "choices": ["none", "listed"], "default": "none"},
        "max_deletions": {"type": "int", "default": 10},
        "parallel": {"type": "int", "default": 4},
        "on_error": {"type": "str", "choices": ["stop", "continue"], "default": "stop"},
        "report": {"type": "str", "choices": ["changes", "all"], "default": "changes"},
    },
    cache=AccountCache,
    parallel="parallel",
)


def main() -> None:
    """Run the module."""
    run_module(MODULE)


if __name__ == "__main__":
    main()
