# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is there, as the role social_connections would declare it."""

from __future__ import annotations

DOCUMENTATION = r"""
name: to_social_connections
short_description: Turn gathered connections into what the role social_connections takes
version_added: 0.1.0
author:
  - The community.wpcom authors (@ansible-collections)
description:
  - Turns the publicize connections that M(community.wpcom.wpcom_connection_info) gathers into desired state, as the
    variable C(social_connections_sites) of the role P(community.wpcom.social_connections#role) has it.
  - Applied at once, what it returns changes nothing, also with C(social_connections_purge=listed).
  - Sites are called by their domain, accounts and pages by their name, wherever that means one only; else by their ID.
    Only a connection that nothing else tells from another one is called by the ID of the connection.
  - Connections that belong to other people are left out and mentioned in the notes.
  - "Whether a connection is B(shared) is always said. What it posts to is said where that is not the account itself, or where
    the account has several connections on the site."
positional: _input, keyring_connections
options:
  _input:
    description:
      - The publicize connections, as RV(community.wpcom.wpcom_connection_info#module:publicize_connections) has them.
      - Those of other people may be among them, and one may be there twice, so that lists gathered with and without a site
        can be added up.
      - If they were gathered with O(community.wpcom.wpcom_connection_info#module:fields), these must hold V(id), V(site_id),
        V(keyring_connection_id), V(keyring_connection_user_id), V(service), V(shared), V(external_id), V(external_name)
        and V(external_display). The notes also use V(label), V(user_id) and V(expires).
    type: list
    elements: dict
    required: true
  keyring_connections:
    description:
      - All keyring connections of the same account, as
        RV(community.wpcom.wpcom_connection_info#module:keyring_connections) has them.
    type: list
    elements: dict
    required: true
  sites:
    description:
      - The sites of the same account, as RV(community.wpcom.wpcom_connection_info#module:sites) has them. They must hold
        V(id), V(name), V(slug) and V(url).
      - A site that is not among them is called by its ID.
    type: list
    elements: dict
    default: []
  user_id:
    description:
      - The ID of the user whose connections they are. Needed only where the user has no keyring connection left.
    type: int
seealso:
  - plugin: community.wpcom.to_social_connections_yaml
    plugin_type: filter
  - plugin: community.wpcom.social_connections
    plugin_type: role
"""

EXAMPLES = r"""
- name: Gather what is there
  community.wpcom.wpcom_connection_info:
    gather: [publicize, keyring, sites]
  register: social

- name: Show it as the role would declare it
  ansible.builtin.debug:
    msg: >-
      {{ social.publicize_connections
         | community.wpcom.to_social_connections(social.keyring_connections, sites=social.sites) }}

- name: Make the news post where the blog posts
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
  description: The desired state, and what a person should know about it.
  type: dict
  contains:
    sites:
      description: The sites and their connections, as the role takes them in C(social_connections_sites). Sorted.
      type: list
      elements: dict
      contains:
        site:
          description: The domain of the site, or its ID.
          type: str
          sample: shop.example.com
        connections:
          description: The connections of the site, with options of M(community.wpcom.wpcom_publicize_connection).
          type: list
          elements: dict
          sample:
            - service: facebook
              account: Ada Lovelace
              external_user_name: Difference Engines
              shared: true
    notes:
      description: What a person should know.
      type: list
      elements: dict
      contains:
        site:
          description:
            - The site, as RV(_value.sites[].site) has it.
            - A site on which only other people have connections is not among RV(_value.sites).
          type: str
          sample: shop.example.com
        position:
          description: The position of the connection on the site, from 0; V(null) for a note on the site.
          type: int
          sample: 0
        kind:
          description:
            - V(name) tells what a site, account or page is called, V(other) of a connection that belongs to somebody
              else, V(health) what a person has to do about one that does not work or will soon stop, V(duplicate) of
              one that posts where another one posts, V(orphan) of one whose account is no longer connected.
          type: str
          sample: name
        text:
          description: The note.
          type: str
          sample: The Shop (site 3002)
"""

from collections.abc import Mapping, Sequence
from typing import Any

from ansible.errors import AnsibleFilterError

from ansible_collections.community.wpcom.plugins.plugin_utils._export import social_connections


def to_social_connections(
    publicize_connections: Any, keyring_connections: Any, sites: Any = (), user_id: int | None = None
) -> dict[str, Any]:
    """Return the desired state. Raises AnsibleFilterError for what are no records."""
    return social_connections(
        _records("the input", publicize_connections, "id", "site_id"),
        _records("keyring_connections", keyring_connections, "id"),
        _records("sites", sites, "id"),
        user_id,
    )


def _records(name: str, value: Any, *needed: str) -> Sequence[Any]:
    if not isinstance(value, (list, tuple)) or not all(isinstance(record, Mapping) for record in value):
        raise AnsibleFilterError(
            f"to_social_connections: {name} must be a list of records, as wpcom_connection_info returns them."
        )
    for record in value:
        for key in needed:
            if not isinstance(record.get(key), int) or record[key] <= 0:
                raise AnsibleFilterError(
                    f"to_social_connections: {name} has a record without {key}: "
                    "where the fields to gather are named, id must be among them, and site_id for publicize connections."
                )
    return value


class FilterModule:
    """The filter of this file."""

    def filters(self) -> dict[str, Any]:
        """Return it by its name."""
        return {"to_social_connections": to_social_connections}
