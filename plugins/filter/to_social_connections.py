# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Convert gathered connections to the variable of the role social_connections."""

from __future__ import annotations

DOCUMENTATION = r"""
name: to_social_connections
short_description: Convert gathered connections to the variable of the role social_connections
version_added: 0.1.0
author:
  - The community.wpcom authors (@ansible-collections)
description:
  - Converts the publicize connections that M(community.wpcom.wpcom_connection_info) gathers to desired state, for the
    variable C(social_connections_sites) of the role P(community.wpcom.social_connections#role).
  - Applying the unmodified result changes nothing, also with C(social_connections_purge=listed).
  - Sites are specified by domain, and accounts and pages by name. If a domain or name is not unique, the ID is used.
    A connection is specified by its own ID only if it cannot be distinguished from another connection otherwise.
  - Connections that are owned by other users are not part of the result, and are listed in the notes.
  - The result always contains C(shared). It contains an option for the external user if the connection does not post to the
    account itself, or if the account has several connections on the site.
positional: _input, keyring_connections
options:
  _input:
    description:
      - The publicize connections, as returned in
        RV(community.wpcom.wpcom_connection_info#module:publicize_connections).
      - The list can contain connections of other users and duplicates, so you can concatenate lists that were gathered with and
        without a site.
      - If O(community.wpcom.wpcom_connection_info#module:fields) was set, it must contain V(id), V(site_id),
        V(keyring_connection_id), V(keyring_connection_user_id), V(service), V(shared), V(external_id), V(external_name)
        and V(external_display). The notes also use V(label), V(user_id), V(status) and V(expires).
    type: list
    elements: dict
    required: true
  keyring_connections:
    description:
      - All keyring connections of the same account, as returned in
        RV(community.wpcom.wpcom_connection_info#module:keyring_connections).
    type: list
    elements: dict
    required: true
  sites:
    description:
      - The sites of the same account, as returned in RV(community.wpcom.wpcom_connection_info#module:sites). They must contain
        V(id), V(name), V(slug) and V(url).
      - Sites that are not in the list are specified by ID.
    type: list
    elements: dict
    default: []
  user_id:
    description:
      - The ID of the owner of the connections. Only required if the user has no keyring connections.
    type: int
seealso:
  - plugin: community.wpcom.to_social_connections_yaml
    plugin_type: filter
  - plugin: community.wpcom.social_connections
    plugin_type: role
"""

EXAMPLES = r"""
- name: Gather connections and sites
  community.wpcom.wpcom_connection_info:
    gather: [publicize, keyring, sites]
  register: social

- name: Show the desired state
  ansible.builtin.debug:
    msg: >-
      {{ social.publicize_connections
         | community.wpcom.to_social_connections(social.keyring_connections, sites=social.sites) }}

- name: Copy the Facebook connections of the blog to the news site
  ansible.builtin.include_role:
    name: community.wpcom.social_connections
  vars:
    declared: >-
      {{ (social.publicize_connections
          | community.wpcom.to_social_connections(social.keyring_connections, sites=social.sites)).sites }}
    blog: "{{ declared | selectattr('site', 'equalto', 'blog.example.com') | first }}"
    social_connections_sites:
      - site: news.example.org
        connections: "{{ blog.connections | selectattr('service', 'equalto', 'facebook') }}"
"""

RETURN = r"""
_value:
  description: The desired state, and notes about it.
  type: dict
  contains:
    sites:
      description: The sites and their connections, for C(social_connections_sites). The list is sorted.
      type: list
      elements: dict
      contains:
        site:
          description: The domain or the ID of the site.
          type: str
          sample: shop.example.com
        connections:
          description: The connections of the site, with the options of M(community.wpcom.wpcom_publicize_connection).
          type: list
          elements: dict
          sample:
            - service: facebook
              account: Ada Lovelace
              external_user_name: Difference Engines
              shared: true
    notes:
      description: Notes about the sites and connections.
      type: list
      elements: dict
      contains:
        site:
          description:
            - The site, as in RV(_value.sites[].site).
            - Sites with only connections of other users are not in RV(_value.sites).
          type: str
          sample: shop.example.com
        position:
          description: The position of the connection in the list of the site, starting with 0, or V(null) for a note about the site.
          type: int
          sample: 0
        kind:
          description:
            - The type of the note.
            - V(name) contains the name of a site, account or page.
            - V(other) lists a connection that is owned by another user.
            - V(health) contains the required manual action for a connection that is unhealthy, see
              RV(community.wpcom.wpcom_publicize_connection#module:connection.health).
            - V(duplicate) lists a connection that posts to the same external user as another connection, so that each post
              appears twice.
            - V(orphan) lists a connection that still posts although its keyring connection no longer exists.
          type: str
          sample: name
        text:
          description: The text of the note.
          type: str
          sample: The Shop (site 3002)
"""

from collections.abc import Sequence
from typing import Any

from ansible.errors import AnsibleFilterError

from ansible_collections.community.wpcom.plugins.plugin_utils._export import social_connections
from ansible_collections.community.wpcom.plugins.plugin_utils._plain import plain


def to_social_connections(
    publicize_connections: Any, keyring_connections: Any, sites: Any = (), user_id: int | None = None
) -> dict[str, Any]:
    """Return the desired state. Raises AnsibleFilterError if the input is not a list of records."""
    return social_connections(
        _records("the input", publicize_connections, "id", "site_id"),
        _records("keyring_connections", keyring_connections, "id"),
        _records("sites", sites, "id"),
        user_id,
    )


def _records(name: str, value: Any, *needed: str) -> Sequence[Any]:
    value = plain(value)
    if not isinstance(value, list) or not all(isinstance(record, dict) for record in value):
        raise AnsibleFilterError(
            f"to_social_connections: {name} must be a list of records, as returned by wpcom_connection_info."
        )
    for record in value:
        for key in needed:
            if not isinstance(record.get(key), int) or record[key] <= 0:
                raise AnsibleFilterError(
                    f"to_social_connections: {name} has a record without {key}. "
                    "If fields is set, it must contain id, and site_id for publicize connections."
                )
    return value


class FilterModule:
    """The filter of this file."""

    def filters(self) -> dict[str, Any]:
        """Return it by its name."""
        return {"to_social_connections": to_social_connections}
