#!/usr/bin/python

# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Require or delete a keyring connection."""

from __future__ import annotations

DOCUMENTATION = r"""
module: wpcom_keyring_connection
short_description: Require or delete the stored token of a third-party account
version_added: 0.1.0
description:
  - Ensures that WordPress.com has a stored token of a third-party account, such as a Facebook profile, or that it has none.
    WordPress.com calls the stored token a keyring connection.
  - The API cannot create a keyring connection. If it does not exist, the module fails and returns the URL to open in a
    browser.
  - Deleting a keyring connection also deletes its publicize connections on all sites. If there are any, the module fails and
    lists them, unless O(cascade=true).
author:
  - The community.wpcom authors (@ansible-collections)
extends_documentation_fragment:
  - community.wpcom.api
  - community.wpcom.attributes
  - community.wpcom.attributes.actiongroup_wpcom
  - community.wpcom.attributes.idempotent
options:
  state:
    description:
      - If V(present), the module fails if the keyring connection does not exist. The module never changes it, and issues a
        warning if it requires manual action.
      - If V(absent), the keyring connection is deleted.
    type: str
    choices: [present, absent]
    default: present
  id:
    description:
      - The ID of the keyring connection.
      - Exactly one of O(id) and O(service) is required.
    type: int
  service:
    description:
      - The name of the service, such as V(facebook), V(linkedin) or V(mastodon).
      - Exactly one of O(id) and O(service) is required.
    type: str
  account:
    description:
      - The external ID, name or display name of the account. Required if you have several keyring connections of one
        O(service).
      - Names are compared exactly first, and then with HTML entities decoded.
      - Requires O(service).
    type: str
  cascade:
    description:
      - Whether O(state=absent) also deletes the publicize connections of the keyring connection.
      - If V(false) and there are publicize connections, the module fails and lists them.
    type: bool
    default: false
  test:
    description:
      - Whether WordPress.com tests the connection now, instead of returning a status that can be up to 12 hours old.
      - In a loop, each item reads the connection again.
    type: bool
    default: false
seealso:
  - module: community.wpcom.wpcom_publicize_connection
  - module: community.wpcom.wpcom_connection_info
"""

EXAMPLES = r"""
- name: Ensure that a Facebook account is connected, and test its token
  community.wpcom.wpcom_keyring_connection:
    service: facebook
    test: true

- name: Show which connections are deleted with a Mastodon account
  community.wpcom.wpcom_keyring_connection:
    service: mastodon
    account: "@shop@mastodon.example"
    state: absent
    cascade: true
  check_mode: true
  diff: true

- name: Delete an account that is not used by any site
  community.wpcom.wpcom_keyring_connection:
    id: 2008
    state: absent
"""

RETURN = r"""
connection:
  description:
    - The keyring connection, with the keys of the API in lower case, or V(null) if it is absent.
    - Additional keys of the API are returned unchanged. The third-party token itself is never returned.
  returned: success, and failure if the module refuses to delete
  type: dict
  contains:
    id:
      description: The ID of the keyring connection.
      type: int
      sample: 2001
    user_id:
      description: The ID of the owner.
      type: int
      sample: 1001
    type:
      description: The type of the service, V(publicize) or V(other).
      type: str
      sample: publicize
    service:
      description: The name of the service.
      type: str
      sample: facebook
    label:
      description: The display name of the service.
      type: str
      sample: Facebook
    issued:
      description: The time of creation, in UTC.
      type: str
      sample: "2026-01-31T10:20:30Z"
    expires:
      description: The time at which the token expires, in UTC, or V(null) if it does not expire.
      type: str
      sample: "2026-12-31T10:20:30Z"
    external_id:
      description: The ID of the account on the service.
      type: str
      sample: "900001"
    external_name:
      description: The name of the account. Empty for some services.
      type: str
      sample: ""
    external_display:
      description: The display name of the account.
      type: str
      sample: Ada Lovelace
    external_profile_picture:
      description: The URL of the profile picture of the account, or V(null) if it has none.
      type: str
      sample: https://example.com/picture.png
    additional_external_users:
      description: The pages, organizations or blogs of the account that can be posted to.
      type: list
      elements: dict
      sample:
        - external_id: "111"
          external_name: Analytical Engines
          external_display: null
    sites:
      description: The IDs of the sites that use the keyring connection.
      type: list
      elements: int
      sample: [3001, 3002]
    status:
      description: The status as returned by the API, or V(null) if the connection has not been tested.
      type: str
      sample: ok
    refresh_url:
      description: The URL to open in a browser to renew the token. It is different in every response.
      type: str
      sample: https://public-api.wordpress.com/connect/?action=request&refresh=1&service=facebook
    health:
      description:
        - The same values as RV(community.wpcom.wpcom_publicize_connection#module:connection.health).
        - The keyring connection of a service that only supports pages is V(ok) without a page.
      type: str
      sample: ok
    repair:
      description:
        - The required manual action, with the same values as
          RV(community.wpcom.wpcom_publicize_connection#module:connection.repair).
        - V(choose_external_user) is not used for keyring connections.
      type: str
      sample: null
publicize_connections:
  description:
    - The publicize connections that are deleted with the keyring connection, on all sites, with the same keys as
      RV(community.wpcom.wpcom_publicize_connection#module:connection).
    - Also returned in check mode, and if the module refuses to delete.
  returned: when O(state=absent)
  type: list
  elements: dict
  sample:
    - id: 5003
      site_id: 3002
      service: facebook
      external_display: Difference Engines
candidates:
  description: The matching keyring connections, if more than one matches.
  returned: failure because of an ambiguous match
  type: list
  elements: dict
  sample:
    - id: 2003
      service: mastodon
      external_name: "@ada@mastodon.example"
connect_url:
  description: The URL to open in a browser to connect the missing account.
  returned: failure if O(state=present), O(service) is set and no keyring connection matches
  type: str
  sample: https://public-api.wordpress.com/connect/?action=request&service=facebook
error:
  description:
    - Machine-readable details of the failure, with the same keys as
      RV(community.wpcom.wpcom_connection_info#module:error).
  returned: failure, except if Ansible rejects the options
  type: dict
  sample:
    status: null
    code: cascade_needed
    message: null
    method: null
    path: null
"""

from ansible_collections.community.wpcom.plugins.module_utils._module import ModuleSpec, run_module
from ansible_collections.community.wpcom.plugins.module_utils._plan.keyring import plan_keyring_connection

MODULE = ModuleSpec(
    plan_keyring_connection,
    {
        "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
        "id": {"type": "int"},
        "service": {"type": "str"},
        "account": {"type": "str"},
        "cascade": {"type": "bool", "default": False},
        "test": {"type": "bool", "default": False},
    },
    {
        "required_one_of": [("id", "service")],
        "mutually_exclusive": [("id", "service")],
        "required_by": {"account": ("service",)},
    },
)


def main() -> None:
    """Run the module."""
    run_module(MODULE)


if __name__ == "__main__":
    main()
