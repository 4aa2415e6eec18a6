#!/usr/bin/python

# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Get an access token; the action of the same name does it."""

from __future__ import annotations

DOCUMENTATION = r"""
module: wpcom_access_token
short_description: Get an access token for a WordPress.com account
version_added: 1.0.0
description:
  - Gets an OAuth2 access token, writes it to a file for O(community.wpcom.wpcom_connection_info#module:api_token_file), and
    returns the user, the scope and the site of the token.
  - The module shows a URL. The user opens it in a browser, logs in to WordPress.com, and approves the request. WordPress.com
    then redirects the browser to a port of this host, on which the module listens. On a host without a browser, set O(paste).
  - The playbook C(community.wpcom.get_token) runs this module.
  - The module runs on the control node, inside the Ansible process, and once for all hosts. Secrets are neither in the
    arguments of a process nor in temporary files.
author:
  - The community.wpcom authors (@ansible-collections)
extends_documentation_fragment:
  - community.wpcom.api
  - community.wpcom.attributes
  - community.wpcom.attributes.actiongroup_wpcom
attributes:
  check_mode:
    support: full
    details:
      - Checks the options, the port and the folder of the file. Nothing is sent.
  diff_mode:
    support: none
  idempotent:
    support: none
    details:
      - Each run creates a new token.
options:
  flow:
    description:
      - V(oauth2.1) registers a client by itself. The token expires after two weeks, and is refreshed by the tasks that use its
        file. It uses PKCE.
      - V(classic) requires an application from U(https://developer.wordpress.com/apps/). According to the documentation of
        WordPress.com, the token does not expire.
      - V(password) requires an application too, and the password of its owner. Use this for development only.
    type: str
    choices: [oauth2.1, classic, password]
    default: oauth2.1
  client_id:
    description:
      - The ID of the application. Required, except if O(flow=oauth2.1).
      - If not set, the value of the environment variable E(WPCOM_CLIENT_ID) is used.
    type: str
  client_secret:
    description:
      - The secret of the application. It is not written to the file.
      - If not set, the value of the environment variable E(WPCOM_CLIENT_SECRET) is used. If that is not set either, and
        O(flow) requires it, it is asked for at the terminal.
    type: str
  username:
    description:
      - The user name or email address of the owner of the application. Required if O(flow=password).
      - If not set, the value of the environment variable E(WPCOM_USERNAME) is used.
    type: str
  password:
    description:
      - The password of the owner of the application. If two-step authentication is enabled, an application password.
      - If not set, the value of the environment variable E(WPCOM_PASSWORD) is used. If that is not set either, and
        O(flow=password), it is asked for at the terminal.
    type: str
  scope:
    description:
      - The scopes to request, separated by spaces. The scope V(sharing) covers publicize and keyring connections, V(users)
        the account and connected applications, V(sites) the sites, and V(global) everything.
      - With an empty value, the token has access to everything on the site that the user selects in the browser.
    type: str
    default: global
  site:
    description:
      - The ID or domain of the site that is preselected in the browser.
    type: str
  port:
    description:
      - The port of C(127.0.0.1) to listen on. By default, a free port if O(flow=oauth2.1), and 8765 otherwise.
      - For O(flow=classic), C(http://127.0.0.1:PORT/callback) must be a redirect URL of the application.
    type: int
  redirect_uri:
    description:
      - The redirect URL of the application, exactly as it was registered. Defaults to C(http://127.0.0.1:PORT/callback).
      - Any other URL requires O(paste=true).
    type: str
  paste:
    description:
      - Whether to ask for the URL that the browser is redirected to, instead of listening on a port. The code of this URL is
        accepted too.
      - Requires that Ansible runs in a terminal.
    type: bool
    default: false
  login_timeout:
    description:
      - The number of seconds to wait for the user.
    type: int
    default: 300
  path:
    description:
      - The path of the file to write. It has mode C(0600), and an existing file is replaced in one step.
      - The file is a JSON object with the token, its refresh token if it has one, and what is required to refresh it.
      - Required, except if O(return_token=true).
    type: path
  return_token:
    description:
      - Whether to return the token as RV(access_token). Set C(no_log) for such a task.
    type: bool
    default: false
notes:
  - O(api_token) and O(api_token_file), and their environment variables, are ignored.
seealso:
  - module: community.wpcom.wpcom_connected_application
    description: Revokes tokens.
"""

EXAMPLES = r"""
- name: Get a token for all sites, and write it to a file
  community.wpcom.wpcom_access_token:
    path: token.json

- name: Get a token for an application that was registered on developer.wordpress.com
  community.wpcom.wpcom_access_token:
    flow: classic
    client_id: "60001"
    client_secret: "{{ lookup('ansible.builtin.env', 'CLIENT_SECRET') }}"
    scope: sharing
    path: token.json

- name: Get a token for the account that owns the application, without a browser
  community.wpcom.wpcom_access_token:
    flow: password
    client_id: "60001"
    client_secret: "{{ lookup('ansible.builtin.env', 'CLIENT_SECRET') }}"
    username: ada
    password: "{{ lookup('ansible.builtin.env', 'PASSWORD') }}"
    path: token.json
"""

RETURN = r"""
account:
  description: The user of the token. If the scope of the token is not sufficient to read the user, only the ID is set.
  returned: success, except in check mode
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
      description: The display name of the user.
      type: str
      sample: Ada Lovelace
scope:
  description: The scopes of the token. Empty if the token has access to everything on one site.
  returned: success, except in check mode
  type: list
  elements: str
  sample: [global]
site_id:
  description: The ID of the site that the token is restricted to, or V(null) if it is valid for all sites.
  returned: success, except in check mode
  type: int
  sample: 3001
expires_at:
  description: When the token expires, in UTC, or V(null) if that is not known.
  returned: success, except in check mode
  type: str
  sample: "2026-02-14T10:20:30Z"
client_id:
  description: The ID of the client that the token belongs to.
  returned: success, except in check mode
  type: str
  sample: "60001"
flow:
  description: The value of O(flow).
  returned: success
  type: str
  sample: classic
path:
  description: The path of the file that was written.
  returned: success
  type: str
  sample: /home/ada/token.json
access_token:
  description: The token.
  returned: if O(return_token=true)
  type: str
error:
  description:
    - Machine-readable details of the failure, with the same keys as
      RV(community.wpcom.wpcom_connection_info#module:error).
  returned: failure, except if Ansible rejects the options
  type: dict
  sample:
    status: null
    code: access_denied
    message: null
    method: null
    path: null
"""

from typing import Any

from ansible_collections.community.wpcom.plugins.module_utils._module import refuse_module
from ansible_collections.community.wpcom.plugins.module_utils._options import (
    connection_argument_spec,
    environment_fallback,
)


def _from_environment(name: str, **more: Any) -> dict[str, Any]:
    return {"type": "str", "fallback": (environment_fallback, [name]), **more}


ARGUMENT_SPEC: dict[str, Any] = {
    "flow": {"type": "str", "choices": ["oauth2.1", "classic", "password"], "default": "oauth2.1"},
    "client_id": _from_environment("WPCOM_CLIENT_ID"),
    "client_secret": _from_environment("WPCOM_CLIENT_SECRET", no_log=True),
    "username": _from_environment("WPCOM_USERNAME"),
    "password": _from_environment("WPCOM_PASSWORD", no_log=True),
    "scope": {"type": "str", "default": "global"},
    "site": {"type": "str"},
    "port": {"type": "int"},
    "redirect_uri": {"type": "str"},
    "paste": {"type": "bool", "default": False},
    "login_timeout": {"type": "int", "default": 300},
    "path": {"type": "path"},
    "return_token": {"type": "bool", "default": False, "no_log": False},
    **connection_argument_spec(),
}
RULES: dict[str, Any] = {
    "required_if": [("flow", "classic", ("client_id",)), ("flow", "password", ("client_id", "username"))],
}


def main() -> None:
    """Refuse to run as a module."""
    refuse_module(ARGUMENT_SPEC, RULES, "wpcom_access_token runs inside the Ansible process on the control node only.")


if __name__ == "__main__":
    main()
