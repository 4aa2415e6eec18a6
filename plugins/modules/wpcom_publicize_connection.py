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
    account, or that it does not. WordPress.com calls the connection of a site to an account a publicize connection.
  - Options that are not set are left unchanged.
  - WordPress.com must have a stored token of the account, which is called a keyring connection. The API cannot create it. If it
    does not exist, the module fails and returns the URL to open in a browser.
  - Only your own connections are changed. A connection is yours if you own its keyring connection, also if the keyring
    connection no longer exists.
  - The module issues a warning if the connection does not work, see RV(connection.health), if another of your connections
    on the site posts to the same place, so that each post appears twice, and if a connection to the same service still posts
    although its keyring connection no longer exists. Set O(state=absent) to delete such a connection.
  - Connections to services that WordPress.com no longer supports can only be deleted.
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
      - If V(present), the connection is created or updated.
      - If V(absent), the connection is deleted.
    type: str
    choices: [present, absent]
    default: present
  site:
    description:
      - The numeric ID, the domain or the URL of the site, such as V(3002), V(example.com/blog) or V(https://blog.example.com/).
      - International domains are supported. The scheme, the port and a trailing slash or dot are ignored. URLs with a query or
        a fragment are rejected.
      - Required if O(id) is not set.
    type: str
  id:
    description:
      - The ID of an existing publicize connection.
      - The module fails if O(service), O(account) or O(keyring_connection_id) is set as well and does not match the connection.
      - At least one of O(id), O(keyring_connection_id) and O(service) is required.
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
        O(service).
      - Names are compared exactly first, and then with HTML entities decoded.
      - Requires O(service).
    type: str
  shared:
    description:
      - Whether all users of the site can use the connection.
    type: bool
  external_user_id:
    description:
      - The ID of the page, organization or blog to post to instead of the account itself.
      - Mutually exclusive with O(external_user_name) and O(reset_external_user).
    type: str
  external_user_name:
    description:
      - The name or display name of the page, organization or blog to post to instead of the account itself.
      - Mutually exclusive with O(external_user_id) and O(reset_external_user).
    type: str
  reset_external_user:
    description:
      - Set to V(true) to post to the account itself.
      - If O(state=absent) and the keyring connection no longer exists, the API does not show which connection posts to the
        account itself. No connection is deleted, and a warning lists the connections to delete by ID.
      - Mutually exclusive with O(external_user_id) and O(external_user_name).
    type: bool
    default: false
  unique_per:
    description:
      - If V(account), a site has one connection for each account, as in the applications of WordPress.com. The external user
        of the connection is updated if necessary.
      - If V(external_user), a site has one connection for each external user of an account. An account can have several
        connections on a site.
      - If O(state=absent), connections with a different external user are left unchanged in both cases.
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

- name: Share the posts of a site with two LinkedIn organizations
  community.wpcom.wpcom_publicize_connection:
    site: news.example.org
    service: linkedin
    account: ada-l
    external_user_id: "{{ item }}"
    unique_per: external_user
  loop:
    - "211"
    - "212"

- name: Stop sharing a connection with the other users of the site
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
    - The publicize connection, with the keys of the API in lower case, or V(null) if it is absent.
    - In check mode, the predicted connection.
    - Additional keys of the API are returned unchanged.
  returned: success, and failure if the connection is owned by another user or the server did not apply the change as requested
  type: dict
  contains:
    id:
      description: The ID of the publicize connection, or V(null) in check mode if it would be created.
      type: int
      sample: 5003
    site_id:
      description: The ID of the site.
      type: int
      sample: 3002
    user_id:
      description: The ID of the user that the connection belongs to, or V(0) if it is shared.
      type: int
      sample: 0
    keyring_connection_id:
      description: The ID of the keyring connection that the publicize connection uses.
      type: int
      sample: 2001
    keyring_connection_user_id:
      description: The ID of the owner of the keyring connection.
      type: int
      sample: 1001
    shared:
      description: Whether all users of the site can use the connection.
      type: bool
      sample: true
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
      description: The time at which the token of the account expires, in UTC, or V(null) if it does not expire.
      type: str
      sample: "2026-12-31T10:20:30Z"
    external_id:
      description: The ID of the account or external user on the service.
      type: str
      sample: "112"
    external_name:
      description: The name of the account or external user. Empty for some services.
      type: str
      sample: Difference Engines
    external_display:
      description: The display name of the account or external user. Empty for some services.
      type: str
      sample: null
    external_profile_picture:
      description: The URL of the profile picture of the account or external user, or V(null) if it has none.
      type: str
      sample: https://example.com/picture.png
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
        - V(ok) means that the connection works, according to WordPress.com.
        - V(expiring) means that it works, but that its token expires soon or could not be renewed.
        - V(broken) means that it does not work. For example, its token is invalid or has expired, WordPress.com no longer
          supports the service, or no page was chosen although the service only supports pages.
        - V(untested) means that WordPress.com has not tested the connection.
        - V(unknown) means that RV(connection.status) has a value that this version of the collection does not know.
        - The modules issue a warning for all values except V(ok) and V(untested).
        - If O(id) is set, the service is not read, so discontinued services and missing pages are not detected.
      type: str
      sample: ok
    repair:
      description:
        - The required manual action, or V(null) if none is required or known.
        - V(refresh) means to open RV(connection.refresh_url) in a browser.
        - V(reconnect) means to disconnect and reconnect the account in a browser.
        - V(choose_external_user) means to set O(external_user_id) or O(external_user_name) to a page of the account.
        - V(remove) means to delete the connection, because WordPress.com no longer supports the service.
      type: str
      sample: null
keyring_connection_deleted:
  description: Whether WordPress.com deleted the keyring connection together with its last publicize connection.
  returned: when a connection was deleted, if this is known
  type: bool
  sample: false
candidates:
  description: The matching publicize or keyring connections, if more than one matches.
  returned: failure because of an ambiguous match
  type: list
  elements: dict
  sample:
    - id: 2003
      service: mastodon
      external_name: "@ada@mastodon.example"
connect_url:
  description: The URL to open in a browser to connect the missing account.
  returned: failure if no keyring connection of O(service) matches
  type: str
  sample: https://public-api.wordpress.com/connect/?action=request&service=facebook
error:
  description:
    - Machine-readable details of the failure, with the same keys as
      RV(community.wpcom.wpcom_connection_info#module:error).
  returned: failure, except if Ansible rejects the options
  type: dict
  sample:
    status: 403
    code: authorization_required
    message: This user is not authorized to access this connection.
    method: POST
    path: /sites/3002/publicize-connections/new
"""

from ansible_collections.community.wpcom.plugins.module_utils._module import ModuleSpec, run_module
from ansible_collections.community.wpcom.plugins.module_utils._options import publicize_connection_argument_spec
from ansible_collections.community.wpcom.plugins.module_utils._plan.publicize import plan_publicize_connection

MODULE = ModuleSpec(plan_publicize_connection, publicize_connection_argument_spec())


def main() -> None:
    """Run the module."""
    run_module(MODULE)


if __name__ == "__main__":
    main()
