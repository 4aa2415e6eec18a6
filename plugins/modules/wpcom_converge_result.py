#!/usr/bin/python

# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Documentation of the action plugin of the same name."""

from __future__ import annotations

DOCUMENTATION = r"""
module: wpcom_converge_result
short_description: Report the result of a task for a WordPress.com account on a host
version_added: 1.0.0
description:
  - Returns the result that a task for a whole account had for one host, so that the number of changed and failed hosts is
    correct, and each host shows its own changes.
  - It sends no requests. The playbook C(community.wpcom.converge) uses it after
    M(community.wpcom.wpcom_publicize_connections).
author:
  - The community.wpcom authors (@ansible-collections)
extends_documentation_fragment:
  - community.wpcom.attributes
attributes:
  check_mode:
    support: full
  diff_mode:
    support: full
  idempotent:
    support: full
  action:
    description: Indicates this has a corresponding action plugin so some parts of the options can be executed on the controller.
    support: full
options:
  result:
    description:
      - The result of the host, see RV(community.wpcom.converge_results#filter:_value.hosts). An empty dictionary means that the
        host is unchanged.
    type: dict
    required: true
seealso:
  - plugin: community.wpcom.converge_results
    plugin_type: filter
  - module: community.wpcom.wpcom_publicize_connections
"""

EXAMPLES = r"""
- name: Report the predicted change of a host
  community.wpcom.wpcom_converge_result:
    result:
      changed: true
      msg: "mastodon @ada@mastodon.example: created"
  check_mode: true
"""

RETURN = r"""
msg:
  description: The actions, or why nothing was written. Not returned if there is nothing to report.
  returned: when the host is changed, failed, skipped or unhealthy
  type: str
  sample: "mastodon @ada@mastodon.example: created"
diff:
  description: The differences, as in RV(community.wpcom.wpcom_publicize_connections#module:diff).
  returned: in diff mode, when the host is changed
  type: list
  elements: dict
  sample: []
"""
