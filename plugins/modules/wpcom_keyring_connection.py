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
  - Ensures that WordPress.com holds a token of a third-party account, such as a Facebook profile, or that it does not.
    WordPress.com calls this a keyring connection.
  - A keyring connection cannot be made through the API. Where one is missing, the module fails and tells which URL a
    person has to open.
  - Deleting one deletes its publicize connections on all sites with it. The module shows them first, and refuses unless
    O(cascade=true).
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
  state:
    description:
      - With V(present) the keyring connection must exist; it is never changed, and warned of when it needs a person.
      - With V(absent) it is deleted.
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
      - The external ID, name or display name of the keyring connection, where you have several of one O(service).
      - Needs O(service).
    type: str
  cascade:
    description:
      - Whether O(state=absent) may delete publicize connections with the keyring connection.
      - With V(false), the module fails and lists them if there are any.
    type: bool
    default: false
  test:
    description:
      - Have WordPress.com test the connection now, instead of taking a status that may be 12 hours old.
    type: bool
    default: false
seealso:
  - module: community.wpcom.wpcom_publicize_connection
  - module: community.wpcom.wpcom_connection_info
"""

EXAMPLES = r"""
- name: Require a Facebook account, and learn whether its token still works
  community.wpcom.wpcom_keyring_connection:
    service: facebook
    test: true

- name: Show what the deletion of a Mastodon account would take with it
  community.wpcom.wpcom_keyring_connection:
    service: mastodon
    account: "@shop@mastodon.example"
    state: absent
    cascade: true
  check_mode: true
  diff: true

- name: Delete an account that no site uses
  community.wpcom.wpcom_keyring_connection:
    id: 2008
    state: absent
"""

RETURN = r"""
connection:
  description:
    - The keyring connection, with the API's keys in lower case; V(null) when it is absent.
    - Keys beyond those listed here pass through from the API. The third-party token itself is never shown.
  returned: success, and failure where the deletion is refused
  type: dict
  contains:
    id:
      description: The ID.
      type: int
      sample: 2001
    user_id:
      description: The ID of the user who owns it.
      type: int
      sample: 1001
    type:
      description: What it is for, V(publicize) or V(other).
      type: str
      sample: publicize
    service:
      description: The name of the service.
      type: str
      sample: facebook
    label:
      description: The name of the service, for people.
      type: str
      sample: Facebook
    issued:
      description: When it was made, in UTC.
      type: str
      sample: "2026-01-31T10:20:30Z"
    expires:
      description: When the token expires, in UTC; V(null) for never.
      type: str
      sample: "2026-12-31T10:20:30Z"
    external_id:
      description: The ID of the account on the service.
      type: str
      sample: "900001"
    external_name:
      description: The name of the account; some services have none.
      type: str
      sample: ""
    external_display:
      description: The display name of the account.
      type: str
      sample: Ada Lovelace
    external_profile_picture:
      description: The URL of the picture of the account, V(null) where there is none.
      type: str
      sample: https://example.com/picture.png
    additional_external_users:
      description: The pages, organisations or blogs of the account that can be posted to.
      type: list
      elements: dict
      sample:
        - external_id: "111"
          external_name: Analytical Engines
          external_display: null
    sites:
      description: The IDs of the sites that use it.
      type: list
      elements: int
      sample: [3001, 3002]
    status:
      description: The status as the API gives it, V(null) where it has not been tested.
      type: str
      sample: ok
    refresh_url:
      description: Where a person can renew the token in a browser; differs in every answer.
      type: str
      sample: https://public-api.wordpress.com/connect/?action=request&refresh=1&service=facebook
    health:
      description: One of V(ok), V(expiring), V(broken) and V(untested).
      type: str
      sample: ok
    repair:
      description:
        - What a person has to do. V(refresh) to open RV(connection.refresh_url), V(reconnect) to disconnect and connect
          the account again, V(null) for nothing.
      type: str
      sample: null
publicize_connections:
  description:
    - The publicize connections that are deleted with the keyring connection, on all sites, as
      M(community.wpcom.wpcom_publicize_connection) returns them; also in check mode, and where the module refuses.
  returned: when O(state=absent)
  type: list
  elements: dict
  sample:
    - id: 5003
      site_id: 3002
      service: facebook
      external_display: Difference Engines
candidates:
  description: What the options fit, where they fit more than one keyring connection.
  returned: failure because of an ambiguous match
  type: list
  elements: dict
  sample:
    - id: 2003
      service: mastodon
      external_name: "@ada@mastodon.example"
connect_url:
  description: Where a person can make the missing keyring connection in a browser.
  returned: when O(state=present), and O(service) is given but no keyring connection fits
  type: str
  sample: https://public-api.wordpress.com/connect/?action=request&service=facebook
error:
  description: What failed, for programs.
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
      sample: cascade_needed
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
