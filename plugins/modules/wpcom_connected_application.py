#!/usr/bin/python

# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Require or revoke the access of an application to the account."""

from __future__ import annotations

DOCUMENTATION = r"""
module: wpcom_connected_application
short_description: Require or revoke the access of an application to a WordPress.com account
version_added: 0.1.0
description:
  - Ensures that an application has an access token for the WordPress.com account, or that it has none. WordPress.com calls this a
    connected application.
  - The API cannot authorize an application. If the application has no token, the module fails.
  - An application can have several tokens. All matching tokens are revoked.
  - The module does not revoke the token that it uses. If WordPress.com does not return enough information to identify that
    token, the module issues a warning and continues.
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
      - If V(present), the module fails if the application has no token.
      - If V(absent), all matching tokens of the application are revoked.
    type: str
    choices: [present, absent]
    default: present
  id:
    description:
      - The ID of one granted token.
      - Exactly one of O(id) and O(title) is required.
    type: int
  title:
    description:
      - The title of the application, exactly as WordPress.com displays it. Titles are compared exactly first, and then with
        HTML entities decoded.
      - Exactly one of O(id) and O(title) is required.
    type: str
  site:
    description:
      - Only match tokens that are restricted to this site. Must be the numeric ID, the domain or the URL of the site, see
        O(community.wpcom.wpcom_publicize_connection#module:site).
      - Sites are compared by ID, so all domains of a site match. The module fails if the site is not found, or if the token
        is not allowed to read the sites.
      - Requires O(title).
    type: str
seealso:
  - module: community.wpcom.wpcom_connection_info
"""

EXAMPLES = r"""
- name: Ensure that the backup service has access
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
    - The matching entries, one for each token, with the keys of the API in lower case. Empty if O(state=absent).
    - Additional keys of the API are returned unchanged.
  returned: success, and failure if the token in use would be revoked
  type: list
  elements: dict
  contains:
    id:
      description: The ID of the granted token.
      type: int
      sample: 7001
    title:
      description: The title of the application.
      type: str
      sample: VaultPress
    description:
      description: The description that the application provides.
      type: str
      sample: Backups and security.
    url:
      description: The URL of the website of the application.
      type: str
      sample: https://vaultpress.com/
    icon:
      description: The URL of the icon of the application.
      type: str
      sample: https://example.com/icon.png
    permissions:
      description: The permissions of the application.
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
      description: The site that the token is restricted to, or V(null) if it is valid for all sites.
      type: dict
      sample:
        site_id: 3001
        site_url: https://blog.example.com
        site_name: Blog
error:
  description:
    - Machine-readable details of the failure, with the same keys as
      RV(community.wpcom.wpcom_connection_info#module:error).
  returned: failure, except if Ansible rejects the options
  type: dict
  sample:
    status: 401
    code: reauthorization_required
    message: A fresh access token must be used to query information about the current user.
    method: GET
    path: /me/connected-applications/
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
