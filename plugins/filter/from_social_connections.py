# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Convert the variable of the role social_connections to the option of the bulk module."""

from __future__ import annotations

DOCUMENTATION = r"""
name: from_social_connections
short_description: Convert the variable of the role social_connections to a list of connections
version_added: 0.1.0
author:
  - The community.wpcom authors (@ansible-collections)
description:
  - Converts the variable C(social_connections_sites) of the role P(community.wpcom.social_connections#role), which lists the
    connections of each site, to the option O(community.wpcom.wpcom_publicize_connections#module:connections) of
    M(community.wpcom.wpcom_publicize_connections), which is a single list of connections.
  - The filter fails if the structure of the list is invalid. The module validates the options of the connections.
options:
  _input:
    description:
      - The list of sites. Each must be a dictionary with C(site), its domain, URL or ID, and C(connections), a list of
        dictionaries.
    type: list
    elements: dict
    required: true
seealso:
  - plugin: community.wpcom.to_social_connections
    plugin_type: filter
  - plugin: community.wpcom.social_connections
    plugin_type: role
  - module: community.wpcom.wpcom_publicize_connections
"""

EXAMPLES = r"""
- name: Show the changes to the declared connections without applying them
  community.wpcom.wpcom_publicize_connections:
    connections: "{{ declared | community.wpcom.from_social_connections }}"
  check_mode: true
  vars:
    declared:
      - site: blog.example.com
        connections:
          - service: mastodon
            account: "@ada@mastodon.example"
      - site: shop.example.com
        connections:
          - service: facebook
            external_user_name: Difference Engines
"""

RETURN = r"""
_value:
  description: The connections of all sites in the same order, each with C(site).
  type: list
  elements: dict
  sample:
    - site: blog.example.com
      service: mastodon
      account: "@ada@mastodon.example"
"""

from collections.abc import Mapping
from typing import Any

from ansible.errors import AnsibleFilterError


def from_social_connections(sites: Any) -> list[dict[str, Any]]:
    """Return the connections. Raises AnsibleFilterError if the structure of the list is invalid."""
    connections = []
    for number, site in enumerate(_listed("the list of sites", sites)):
        where = f"site {number} of the list"
        if not isinstance(site, Mapping) or not site.get("site"):
            raise _error(f"{where} must be a dictionary with site and connections")
        where += f" ({site['site']})"
        for position, connection in enumerate(_listed(f"connections of {where}", site.get("connections"))):
            if not isinstance(connection, Mapping):
                raise _error(f"connection {position} of {where} must be a dictionary")
            if "site" in connection:
                raise _error(f"connection {position} of {where} must not contain site")
            connections.append({"site": site["site"], **{name: connection[name] for name in connection}})
    return connections


def _listed(what: str, value: Any) -> Any:
    if not isinstance(value, (list, tuple)):
        raise _error(f"{what} must be a list")
    return value


def _error(text: str) -> AnsibleFilterError:
    return AnsibleFilterError(f"from_social_connections: {text}. Positions count from 0.")


class FilterModule:
    """The filter of this file."""

    def filters(self) -> dict[str, Any]:
        """Return it by its name."""
        return {"from_social_connections": from_social_connections}
