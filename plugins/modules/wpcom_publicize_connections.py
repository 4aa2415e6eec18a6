#!/usr/bin/python

# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Bring many publicize connections on many sites into the state that a list declares."""

from __future__ import annotations

DOCUMENTATION = r"""
module: wpcom_publicize_connections
short_description: Connect many WordPress.com sites to social services at once
version_added: 0.1.0
description:
  - Brings all publicize connections that a list names into the state that it declares, over as many sites as you like.
  - Everything is read and planned first. An entry that is wrong, ambiguous, or contradicts another one fails the run before
    anything is written, and the error lists every such entry with its position.
  - Reading costs the same few requests for one connection as for thousands, as long as the token may list your sites (the
    scope V(sites) or V(global)) or the entries name sites by their ID. Otherwise it costs one request more for each site.
    So does each O(connections[].id) that is not among your connections. Writing is done by several threads.
  - Where a run fails midway, the result tells what was done, and a second run does the rest.
author:
  - The community.wpcom authors (@ansible-collections)
extends_documentation_fragment:
  - community.wpcom.api
  - community.wpcom.attributes
  - community.wpcom.attributes.actiongroup_wpcom
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
  idempotent:
    support: full
options:
  connections:
    description:
      - The connections. Each entry means what the same options mean in
        M(community.wpcom.wpcom_publicize_connection).
    type: list
    elements: dict
    required: true
    suboptions:
      state:
        description:
          - With V(present) the connection is created or updated, with V(absent) it is deleted.
        type: str
        choices: [present, absent]
        default: present
      site:
        description:
          - The site, by its numeric ID or its domain.
          - Required unless O(connections[].id) is given.
        type: str
      id:
        description:
          - The ID of an existing publicize connection.
          - Required unless O(connections[].keyring_connection_id) or O(connections[].service) is given.
        type: int
      keyring_connection_id:
        description:
          - The ID of the keyring connection that the publicize connection is made with.
        type: int
      service:
        description:
          - The name of the service, such as V(facebook), V(linkedin) or V(mastodon), to pick the keyring connection by.
        type: str
      account:
        description:
          - The external ID, name or display name of the keyring connection, where you have several of one
            O(connections[].service).
        type: str
      shared:
        description:
          - Whether all users of the site may use the connection.
        type: bool
      external_user_id:
        description:
          - The ID of the page, organisation or blog to post to in place of the account itself.
        type: str
      external_user_name:
        description:
          - The name or display name of the page, organisation or blog to post to in place of the account itself.
        type: str
      reset_external_user:
        description:
          - Set to V(true) to post to the account itself again.
        type: bool
        default: false
      unique_per:
        description:
          - With V(account) a site has one connection for each account, with V(external_user) one for each external user of
            an account.
        type: str
        choices: [account, external_user]
        default: account
  purge:
    description:
      - With V(listed), your connections on the sites that the entries name by O(connections[].site) are deleted unless an
        entry names them. Sites that no entry names, and connections of other people, are never touched.
    type: str
    choices: [none, listed]
    default: none
  max_deletions:
    description:
      - The most connections that the run may delete. Where it would delete more, it fails before anything is written and
        tells what it would have deleted. V(-1) sets no limit.
    type: int
    default: 10
  parallel:
    description:
      - How many requests are made at once, from 1 to 32.
      - When WordPress.com throttles, all of them pause together.
    type: int
    default: 4
  on_error:
    description:
      - With V(stop), no further write begins once one has failed. With V(continue), the others are done all the same, but
        for the deletion of an account's last connections where its new one could not be made. The task fails in both cases.
    type: str
    choices: [stop, continue]
    default: stop
seealso:
  - module: community.wpcom.wpcom_publicize_connection
  - module: community.wpcom.wpcom_connection_info
"""

EXAMPLES = r"""
- name: Declare where three sites post to
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

- name: Show what would be deleted if a site had this one connection only
  community.wpcom.wpcom_publicize_connections:
    connections:
      - site: shop.example.com
        service: facebook
        external_user_name: Difference Engines
    purge: listed
    max_deletions: 5
  check_mode: true
  diff: true
"""

RETURN = r"""
connections:
  description:
    - The connections in the order of the list, as
      RV(community.wpcom.wpcom_publicize_connection#module:connection) describes them; V(null) for an absent one.
  returned: success, and failure after a write was tried
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
    - What was done, or in check mode would be done, in the order of the list and then for what was purged.
  returned: success, and failure after a write was tried
  type: list
  elements: dict
  contains:
    action:
      description: One of V(created), V(updated), V(deleted), V(unchanged), V(failed) and V(skipped).
      type: str
      sample: created
    site_id:
      description: The ID of the site.
      type: int
      sample: 3001
    id:
      description: The ID of the connection, V(null) where there is none.
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
    error:
      description: What failed, with the keys C(msg), C(status), C(code), C(message), C(method) and C(path); else V(null).
      type: dict
      sample: null
summary:
  description: How many connections each action befell.
  returned: success, and failure after a write was tried
  type: dict
  sample:
    created: 1
    updated: 0
    deleted: 0
    unchanged: 3
    failed: 0
    skipped: 0
errors:
  description: The entries that are wrong, with their position in the list, and the same keys as RV(actions[].error).
  returned: failure before anything was written, because of entries
  type: list
  elements: dict
  sample:
    - position: 2
      msg: "One of id, keyring_connection_id and service is needed to tell which connection is meant."
      code: invalid_option
deletions:
  description: The connections that would have been deleted.
  returned: failure because of O(max_deletions)
  type: list
  elements: dict
  sample:
    - id: 5002
      site_id: 3001
      service: mastodon
error:
  description: What failed first, for programs.
  returned: failure, unless Ansible itself refused the options
  type: dict
  contains:
    status:
      description: The HTTP status, V(null) where no request failed.
      type: int
      sample: null
    code:
      description: The API's slug, or one of this collection's.
      type: str
      sample: invalid_connections
    message:
      description: The text of the API.
      type: str
      sample: null
    method:
      description: The method of the request.
      type: str
      sample: null
    path:
      description: The path of the request.
      type: str
      sample: null
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
    },
    cache=AccountCache,
    loop_cache=AccountCache,
    parallel="parallel",
)


def main() -> None:
    """Run the module."""
    run_module(MODULE)


if __name__ == "__main__":
    main()
