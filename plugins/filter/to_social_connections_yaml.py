# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The variables file of the role social_connections, as text."""

from __future__ import annotations

DOCUMENTATION = r"""
name: to_social_connections_yaml
short_description: Write desired state as the variables file of the role social_connections
version_added: 0.1.0
author:
  - The community.wpcom authors (@ansible-collections)
description:
  - Writes what P(community.wpcom.to_social_connections#filter) returns as YAML that sets C(social_connections_sites), with
    the notes as comments.
  - Whatever the names of accounts, pages and sites hold, they are read back as the same strings. A name that looks like a
    template is marked C(!unsafe), so that Ansible does not take it for one. Comments stay comments.
  - The same state gives the same text.
options:
  _input:
    description: What P(community.wpcom.to_social_connections#filter) returned.
    type: dict
    required: true
  account:
    description: Whose connections they are, for the comment at the top.
    type: str
  date:
    description: When they were gathered, for the comment at the top.
    type: str
  remarks:
    description: Further lines for the comment at the top.
    type: list
    elements: str
    default: []
seealso:
  - plugin: community.wpcom.to_social_connections
    plugin_type: filter
"""

EXAMPLES = r"""
- name: Gather what is there
  community.wpcom.wpcom_connection_info:
    gather: [publicize, keyring, sites]
  register: social

- name: Show the file that declares it
  ansible.builtin.debug:
    msg: >-
      {{ (social.publicize_connections
          | community.wpcom.to_social_connections(social.keyring_connections, sites=social.sites)
          | community.wpcom.to_social_connections_yaml(account='Ada Lovelace')).splitlines() }}
"""

RETURN = r"""
_value:
  description: The text of the file.
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


def to_social_connections_yaml(
    export: Any, account: str | None = None, date: str | None = None, remarks: Any = ()
) -> str:
    """Return the text. Raises AnsibleFilterError for what is no export."""
    if not isinstance(export, Mapping) or not {"sites", "notes"} <= set(export):
        raise AnsibleFilterError(
            "to_social_connections_yaml: the input must be what the filter to_social_connections returns."
        )
    return social_connections_yaml(export, account=account, date=date, remarks=list(remarks))


class FilterModule:
    """The filter of this file."""

    def filters(self) -> dict[str, Any]:
        """Return it by its name."""
        return {"to_social_connections_yaml": to_social_connections_yaml}
