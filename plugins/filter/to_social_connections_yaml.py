# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Convert desired state to a variables file for the role social_connections."""

from __future__ import annotations

DOCUMENTATION = r"""
name: to_social_connections_yaml
short_description: Convert desired state to a variables file for the role social_connections
version_added: 0.1.0
author:
  - The community.wpcom authors (@ansible-collections)
description:
  - Converts the result of P(community.wpcom.to_social_connections#filter) to YAML that sets C(social_connections_sites), with
    the notes as comments.
  - The names of accounts, pages and sites are escaped, and always loaded as the same strings. Names that look like a template
    are marked as C(!unsafe), so that Ansible does not template them. Names cannot escape from comments.
  - The same input always results in the same text.
options:
  _input:
    description: The result of P(community.wpcom.to_social_connections#filter).
    type: dict
    required: true
  account:
    description: The owner of the connections, for the comment at the beginning of the file.
    type: str
  date:
    description: The date at which they were gathered, for the comment at the beginning of the file.
    type: str
  remarks:
    description: Additional lines for the comment at the beginning of the file.
    type: list
    elements: str
    default: []
seealso:
  - plugin: community.wpcom.to_social_connections
    plugin_type: filter
"""

EXAMPLES = r"""
- name: Gather connections and sites
  community.wpcom.wpcom_connection_info:
    gather: [publicize, keyring, sites]
  register: social

- name: Show the content of the variables file
  ansible.builtin.debug:
    msg: >-
      {{ (social.publicize_connections
          | community.wpcom.to_social_connections(social.keyring_connections, sites=social.sites)
          | community.wpcom.to_social_connections_yaml(account='Ada Lovelace')).splitlines() }}
"""

RETURN = r"""
_value:
  description: The content of the file.
  type: str
  sample: |
    ---
    # Social connections of Ada Lovelace on WordPress.com.
    social_connections_sites:
      # The Shop (site 3002)
      - site: shop.example.com
        connections:
          - service: facebook
            account: Ada Lovelace
            external_user_name: Difference Engines
            shared: true
"""

from collections.abc import Mapping
from typing import Any

from ansible.errors import AnsibleFilterError

from ansible_collections.community.wpcom.plugins.plugin_utils._export_yaml import social_connections_yaml
from ansible_collections.community.wpcom.plugins.plugin_utils._plain import plain


def to_social_connections_yaml(
    export: Any, account: str | None = None, date: str | None = None, remarks: Any = ()
) -> str:
    """Return the text. Raises AnsibleFilterError if the input is not an export."""
    if not isinstance(export, Mapping) or not {"sites", "notes"} <= set(export):
        raise AnsibleFilterError(
            "to_social_connections_yaml: the input must be the result of the filter to_social_connections."
        )
    return social_connections_yaml(plain(export), account=account, date=date, remarks=list(remarks))


class FilterModule:
    """The filter of this file."""

    def filters(self) -> dict[str, Any]:
        """Return it by its name."""
        return {"to_social_connections_yaml": to_social_connections_yaml}
