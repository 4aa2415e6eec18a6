#!/usr/bin/python

# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Connect a WordPress.com site to a social service, or disconnect it."""

from __future__ import annotations

DOCUMENTATION = r"""
module: wpcom_publicize_connection
short_description: Connect a WordPress.com site to a social service
version_added: 0.1.0
description:
  - Ensures that a site shares its new posts with an account of a social service, such as a Facebook page or a Mastodon
    account, or that it does not. WordPress.com calls this a publicize connection.
  - An option that is not given is left as it is.
  - The stored token of the account, a keyring connection, must exist already. Only a person can make one, in a browser;
    where it is missing, the module fails and tells which URL to open.
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
      - With V(present) the connection is created or updated, with V(absent) it is deleted.
    type: str
    choices: [present, absent]
    default: present
  site:
    description:
      - The site, by its numeric ID or its domain.
      - Required unless O(id) is given.
    type: str
  id:
    description:
      - The ID of an existing publicize connection. A new one cannot be made by ID.
      - O(service), O(account) and O(keyring_connection_id) beside it must fit the connection, or the module fails.
      - Required unless O(keyring_connection_id) or O(service) is given.
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
      - The external ID, name or display name of the keyring connection, where you have several of one O(service).
      - Needs O(service).
    type: str
  shared:
    description:
      - Whether all users of the site may use the connection.
    type: bool
  external_user_id:
    description:
      - The ID of the page, organisation or blog to post to in place of the account itself.
      - Mutually exclusive with O(external_user_name) and O(reset_external_user).
    type: str
  external_user_name:
    description:
      - The name or display name of the page, organisation or blog to post to in place of the account itself.
      - Mutually exclusive with O(external_user_id) and O(reset_external_user).
    type: str
  reset_external_user:
    description:
      - Set to V(true) to post to the account itself again.
      - Mutually exclusive with O(external_user_id) and O(external_user_name).
    type: bool
    default: false
  unique_per:
    description:
      - With V(account) a site has one connection for each account, as in WordPress.com's own applications, and its
        external user is brought in line.
      - With V(external_user) a site has one connection for each external user of an account; several stand side by side.
      - With O(state=absent), a connection with another external user than the one named is left alone in both cases.
    type: str
    choices: [account, external_user]
    default: account
seealso:
  - module: community.wpcom.wpcom_keyring_connection
  - module: community.wpcom.wpcom_connection_info
"""

EXAMPLES = r"""
- name: Share the posts of the blog with a Mastodon account
  community.wpcom.wpcom_publicize_connection:
    site: blog.example.com
    service: mastodon
    account: "@ada@mastodon.example"

- name: Share the posts of the shop with a Facebook page, for all users of the site
  community.wpcom.wpcom_publicize_connection:
    site: shop.example.com
    service: facebook
    external_user_name: Difference Engines
    shared: true

- name: Post to two LinkedIn organisations side by side
  community.wpcom.wpcom_publicize_connection:
    site: news.example.org
    service: linkedin
    account: ada-l
    external_user_id: "{{ item }}"
    unique_per: external_user
  loop:
    - "211"
    - "212"

- name: Stop sharing one connection with the other users of the site
  community.wpcom.wpcom_publicize_connection:
    id: 5003
    shared: false

- name: Disconnect an account from the blog
  community.wpcom.wpcom_publicize_connection:
    site: blog.example.com
    service: mastodon
    account: "@ada@mastodon.example"
    state: absent
"""

RETURN = r"""
connection:
  description:
    - The publicize connection, with the API's keys in lower case; V(null) when it is absent.
    - In check mode the predicted one. Keys beyond those listed here pass through from the API.
  returned: success, and failure where the connection is somebody else's or the server did something else than asked
  type: dict
  contains:
    id:
      description: The ID, V(null) in check mode for a connection that would be created.
      type: int
      sample: 5003
    site_id:
      description: The ID of the site.
      type: int
      sample: 3002
    user_id:
      description: The ID of the user that the connection belongs to, V(0) when it is shared.
      type: int
      sample: 0
    keyring_connection_id:
      description: The ID of the keyring connection it is made with.
      type: int
      sample: 2001
    keyring_connection_user_id:
      description: The ID of the user who owns the keyring connection.
      type: int
      sample: 1001
    shared:
      description: Whether all users of the site may use it.
      type: bool
      sample: true
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
      description: When the token behind it expires, in UTC; V(null) for never.
      type: str
      sample: "2026-12-31T10:20:30Z"
    external_id:
      description: The ID of the account or external user on the service.
      type: str
      sample: "112"
    external_name:
      description: The name of the account or external user; some services have none.
      type: str
      sample: Difference Engines
    external_display:
      description: The display name of the account or external user; some services have none.
      type: str
      sample: null
    external_profile_picture:
      description: The URL of the picture of the account or external user, V(null) where there is none.
      type: str
      sample: https://example.com/picture.png
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
keyring_connection_deleted:
  description: Whether WordPress.com deleted the keyring connection with its last publicize connection.
  returned: when a connection was deleted and this is known
  type: bool
  sample: false
candidates:
  description: What the options fit, where they fit more than one publicize or keyring connection.
  returned: failure because of an ambiguous match
  type: list
  elements: dict
  sample:
    - id: 2003
      service: mastodon
      external_name: "@ada@mastodon.example"
connect_url:
  description: Where a person can make the missing keyring connection in a browser.
  returned: failure because no keyring connection of O(service) fits
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
      sample: 403
    code:
      description: The API's slug, or one of this collection's.
      type: str
      sample: authorization_required
    message:
      description: The text of the API.
      type: str
      sample: This user is not authorized to access this connection.
    method:
      description: The method of the request.
      type: str
      sample: POST
    path:
      description: The path of the request.
      type: str
      sample: /sites/3002/publicize-connections/new
"""

from ansible_collections.community.wpcom.plugins.module_utils._cache.account_cache import LoopCache
from ansible_collections.community.wpcom.plugins.module_utils._module import ModuleSpec, run_module
from ansible_collections.community.wpcom.plugins.module_utils._options import publicize_connection_argument_spec
from ansible_collections.community.wpcom.plugins.module_utils._plan.publicize import plan_publicize_connection

MODULE = ModuleSpec(plan_publicize_connection, publicize_connection_argument_spec(), loop_cache=LoopCache)


def main() -> None:
    """Run the module."""
    run_module(MODULE)


if __name__ == "__main__":
    main()
