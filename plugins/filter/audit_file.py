# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Render a file of an audit."""

from __future__ import annotations

DOCUMENTATION = r"""
name: audit_file
short_description: Render a file of an audit
version_added: 0.2.0
author:
  - The community.wpcom authors (@ansible-collections)
description:
  - Renders the report of an audit as HTML, JSON, CSV or JUnit XML.
  - The role P(community.wpcom.social_connections_audit#role) writes the files.
options:
  _input:
    description:
      - The report, as returned in RV(community.wpcom.audit_report#filter:_value.report), or its JSON text.
    type: raw
    required: true
  format:
    description:
      - The format of the file.
    type: str
    choices: [html, json, csv, junit]
    required: true
  fail_on:
    description:
      - The codes and severities of the findings for which the test case of a connection fails in JUnit XML. Errors always do.
    type: list
    elements: str
    default: []
  existing:
    description:
      - The content of the existing file. If only the date would be different, it is returned unchanged.
    type: str
    default: ''
seealso:
  - plugin: community.wpcom.social_connections_audit
    plugin_type: role
  - plugin: community.wpcom.audit_report
    plugin_type: filter
"""

EXAMPLES = r"""
- name: Gather everything that is audited
  community.wpcom.wpcom_connection_info:
    gather: [publicize, keyring, services, sites, applications, account]
  register: social

- name: Show the findings as a table
  ansible.builtin.debug:
    msg: "{{ ([social] | community.wpcom.audit_report).report | community.wpcom.audit_file('csv') }}"
"""

RETURN = r"""
_value:
  description: The content of the file.
  type: str
"""

import json
from collections.abc import Mapping
from typing import Any

from ansible.errors import AnsibleFilterError

from ansible_collections.community.wpcom.plugins.module_utils._audit.policy import Policy
from ansible_collections.community.wpcom.plugins.module_utils._errors import WpcomError
from ansible_collections.community.wpcom.plugins.plugin_utils._audit_files import FORMATS
from ansible_collections.community.wpcom.plugins.plugin_utils._audit_files import audit_file as render
from ansible_collections.community.wpcom.plugins.plugin_utils._plain import as_list, plain


def audit_file(report: Any, format: str, fail_on: Any = (), existing: str = "") -> str:
    """Return the content. Raises AnsibleFilterError if the input is not a report, or an option is wrong."""
    try:
        report = json.loads(report) if isinstance(report, str) else plain(report)
    except ValueError:
        report = None
    if not isinstance(report, Mapping) or "findings" not in report:
        raise AnsibleFilterError("audit_file: the input must be the report of the filter audit_report.")
    if format not in FORMATS:
        raise AnsibleFilterError(f"audit_file: format must be one of {', '.join(FORMATS)}, got {format!r}.")
    try:
        policy = Policy(fail_on=[str(value) for value in as_list(fail_on) or ()])
    except WpcomError as error:
        raise AnsibleFilterError(f"audit_file: {error.message}") from None
    return render(report, str(format), policy, str(existing))


class FilterModule:
    """The filter of this file."""

    def filters(self) -> dict[str, Any]:
        """Return it by its name."""
        return {"audit_file": audit_file}
