#!/usr/bin/python

# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Require or revoke the access of an application to the account."""

from __future__ import annotations

DOCUMENTATION = r"""
module: wpcom_connected_application
short_description: Require or revoke the access of an application to the account
version_added: 0.1.0
description:
  - Ensures that an application holds an access token to the WordPress.com account, or that it holds none.
  - An application cannot be authorised through the API; where it is missing, the module fails.
  - An application may hold several tokens. All that match are revoked.
  - The token that the task itself uses is never revoked. Where WordPress.com does not show enough to tell it from
    another one, the module warns and goes on.
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
      - With V(present) the application must hold a token, with V(absent) all its matching tokens are revoked.
    type: str
    choices: [present, absent]
    default: present
  id:
    description:
      - The ID of one token that was granted.
      - Exactly one of O(id) and O(title) is required.
    type: int
  title:
    description:
      - The title of the application, exactly as WordPress.com shows it.
      - Exactly one of O(id) and O(title) is required.
    type: str
  site:
    description:
      - Only tokens that are for this one site, by its numeric ID or its domain.
      - Needs O(title).
    type: str
seealso:
  - module: community.wpcom.wpcom_connection_info
"""

EXAMPLES = r"""
- name: Require that the backup service has access
  community.wpcom.wpcom_connected_application:
    title: VaultPress

- name: Show which tokens of an editor would be revoked
  community.wpcom.wpcom_connected_application:
    title: Acme Editor
    state: absent
  check_mode: true
  diff: true

- name: Revoke one token
  community.wpcom.wpcom_connected_application:
    id: 7003
    state: absent
"""

RETURN = r"""
applications:
  description:
    - The entries that match, one for each token, with the API's keys in lower case; empty when O(state=absent).
    - Keys beyond those listed here pass through from the API.
  returned: success, and failure where the token in use would be revoked
  type: list
  elements: dict
  contains:
    id:
      description: The ID of the token that was granted.
      type: int
      sample: 7001
    title:
      description: The title of the application.
      type: str
      sample: VaultPress
    description:
      description: What the application says of itself.
      type: str
      sample: Backups and security.
    url:
      description: The web page of the application.
      type: str
      sample: https://vaultpress.com/
    icon:
      description: The picture of the application.
      type: str
      sample: https://example.com/icon.png
    permissions:
      description: What the application may do.
      type: list
      elements: dict
      sample:
        - name: posts
          description: View and manage posts.
    authorized:
      description: When the token was granted, in UTC.
      type: str
      sample: "2026-01-31T10:20:30Z"
    scope:
      description: The scope of the token.
      type: str
      sample: ""
    site:
      description: The one site that the token is for, V(null) where it is for all.
      type: dict
      sample:
        site_id: 3001
        site_url: https://blog.example.com
        site_name: Blog
error:
  description: What failed, for programs.
  returned: failure, unless Ansible itself refused the options
  type: dict
  contains:
    status:
      description: The HTTP status, V(null) where no request failed.
      type: int
      sample: 401
    code:
      description: The API's slug, or one of this collection's.
      type: str
      sample: reauthorization_required
    message:
      description: The text of the API.
      type: str
      sample: A fresh access token must be used to query information about the current user.
    method:
      description: The method of the request.
      type: str
      sample: GET
    path:
      description: The path of the request.
      type: str
      sample: /me/connected-applications/
"""

from ansible_collections.community.wpcom.plugins.module_utils._module import ModuleSpec, run_module
from ansible_collections.community.wpcom.plugins.module_utils._plan.application import plan_connected_application

MODULE = ModuleSpec(
    plan_connected_application,
    {
        "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
        "id": {"type": "int"},
        "title": {"type": "str"},
        "site": {"type": "str"},
    },
    {
        "required_one_of": [("id", "title")],
        "mutually_exclusive": [("id", "title")],
        "required_by": {"site": ("title",)},
    },
)


def main() -> None:
    """Run the module."""
    run_module(MODULE)


if __name__ == "__main__":
    main()
