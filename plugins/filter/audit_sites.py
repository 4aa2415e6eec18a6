# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Select the sites of an account that an audit looks at."""

from __future__ import annotations

DOCUMENTATION = r"""
name: audit_sites
short_description: Select the sites of an account that an audit looks at
version_added: 0.2.0
author:
  - The community.wpcom authors (@ansible-collections)
description:
  - Returns the IDs of the sites of an account. The role P(community.wpcom.social_connections_audit#role) gathers the connections
    of other users on these sites.
options:
  _input:
    description:
      - The account, as in the input of P(community.wpcom.audit_report#filter).
    type: dict
    required: true
  sites:
    description:
      - The only sites to return. Each must be the numeric ID, the domain or the URL of a site. Sites that the account does not
        have are ignored.
    type: list
    elements: str
seealso:
  - plugin: community.wpcom.audit_report
    plugin_type: filter
"""

EXAMPLES = r"""
- name: Gather my connections and sites
  community.wpcom.wpcom_connection_info:
    gather: [publicize, sites]
  register: social

- name: Gather the connections of all users on these sites
  community.wpcom.wpcom_connection_info:
    gather: [publicize]
    site: "{{ social | community.wpcom.audit_sites(['blog.example.com', 'shop.example.com']) }}"
    parallel: 8
"""

RETURN = r"""
_value:
  description: The IDs of the sites.
  type: list
  elements: int
  sample: [3001, 3002]
"""

from collections.abc import Mapping
from typing import Any

from ansible.errors import AnsibleFilterError

from ansible_collections.community.wpcom.plugins.module_utils._audit.subjects import site_ids
from ansible_collections.community.wpcom.plugins.module_utils._errors import WpcomError
from ansible_collections.community.wpcom.plugins.plugin_utils._audit_report import account_records
from ansible_collections.community.wpcom.plugins.plugin_utils._plain import as_list, plain

_KEYS = ("publicize_connections", "sites", "item")


def audit_sites(account: Any, sites: Any = None) -> list[int]:
    """Return the IDs. Raises AnsibleFilterError if the input is not an account, or a name is not that of a site."""
    if not isinstance(account, Mapping):
        raise AnsibleFilterError("audit_sites: the input must be an account, as returned by wpcom_connection_info.")
    try:
        records = account_records(plain({key: account[key] for key in _KEYS if account.get(key) is not None}))
        listed = as_list(plain(sites))
        found, _unknown = site_ids([records], None if listed is None else [str(site) for site in listed])
    except WpcomError as error:
        raise AnsibleFilterError(f"audit_sites: {error.message}") from None
    return sorted(number for number in found if records.site_ids is None or number in records.site_ids)


class FilterModule:
    """The filter of this file."""

    def filters(self) -> dict[str, Any]:
        """Return it by its name."""
        return {"audit_sites": audit_sites}
