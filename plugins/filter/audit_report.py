# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Audit gathered connections and applications."""

from __future__ import annotations

DOCUMENTATION = r"""
name: audit_report
short_description: Audit gathered connections and applications
version_added: 1.0.0
author:
  - The community.wpcom authors (@ansible-collections)
description:
  - Finds what is wrong with the connections and applications of one or several WordPress.com accounts, and what to do about it.
    The role P(community.wpcom.social_connections_audit#role) uses this filter, and documents the findings.
  - The filter only processes what M(community.wpcom.wpcom_connection_info) has gathered. It sends no requests.
options:
  _input:
    description:
      - The accounts. Each must be a dictionary with the keys V(publicize_connections), V(keyring_connections), V(services),
        V(sites), V(connected_applications) and V(account) as returned by M(community.wpcom.wpcom_connection_info).
      - In addition, it can contain V(item), as the registered result of a loop does, with V(name), the name of the account in
        the report, and V(site_ids), the IDs of the only sites to audit. If empty, the name is the user name, and all sites are
        audited.
    type: list
    elements: dict
    required: true
  others:
    description:
      - For each account in O(_input), in the same order, a dictionary with V(publicize_connections) on the sites of the account
        as returned by M(community.wpcom.wpcom_connection_info) if O(community.wpcom.wpcom_connection_info#module:site) is set,
        which include those of other users, and with V(site_errors).
    type: list
    elements: dict
    default: []
  expected:
    description:
      - The declared connections, as returned by P(community.wpcom.from_social_connections#filter). If set, differences are
        reported.
    type: list
    elements: dict
  sites:
    description:
      - The only sites to audit. Each must be the numeric ID, the domain or the URL of a site.
    type: list
    elements: str
  not_shared:
    description:
      - Whether to report connections that are not shared.
    type: bool
    default: false
  application_max_age:
    description:
      - The number of days after which the authorization of an application is reported. V(0) means never.
    type: int
    default: 365
  fail_on:
    description:
      - The codes and severities of the findings that are returned in RV(_value.failures).
    type: list
    elements: str
    default: []
  serialize:
    description:
      - Whether to return RV(_value.report) as a JSON text. Ansible processes a text much faster than a large dictionary.
    type: bool
    default: false
  date:
    description:
      - The time of the audit in UTC, such as V(2026-01-31T10:20:30Z). Defaults to now.
    type: str
seealso:
  - plugin: community.wpcom.social_connections_audit
    plugin_type: role
  - plugin: community.wpcom.audit_file
    plugin_type: filter
"""

EXAMPLES = r"""
- name: Gather everything that is audited
  community.wpcom.wpcom_connection_info:
    gather: [publicize, keyring, services, sites, applications, account]
  register: social

- name: Show what requires action
  ansible.builtin.debug:
    msg: "{{ ([social] | community.wpcom.audit_report).summary }}"
"""

RETURN = r"""
_value:
  description: The report, and what a run of the role shows and returns.
  type: dict
  contains:
    report:
      description:
        - The content of C(audit.json). Its JSON schema is in C(roles/social_connections_audit/files/audit.schema.json).
      type: dict
      contains:
        findings:
          description: The findings, the most severe first.
          type: list
          elements: dict
          sample:
            - code: broken
              severity: error
              site: shop.example.com
              connection:
                id: 5004
                type: publicize
                account: ada
                site_id: 3002
                service: bluesky
                label: Bluesky
                name: ada.bsky.example
                url: https://wordpress.com/marketing/connections/shop.example.com
              text: "Bluesky ada.bsky.example on shop.example.com is broken: nothing is posted."
              action: Refresh Bluesky ada.bsky.example on the connections page.
    statistics:
      description: The number of findings of each severity and code, and the IDs of the connections and applications.
      type: dict
    summary:
      description: A line with the numbers, and at most 20 findings.
      type: list
      elements: str
    failures:
      description: At most 20 findings that O(fail_on) selects.
      type: list
      elements: str
"""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timezone
from typing import Any

from ansible.errors import AnsibleFilterError
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

from ansible_collections.community.wpcom.plugins.module_utils._audit.policy import APPLICATION_MAX_AGE_DAYS, Policy
from ansible_collections.community.wpcom.plugins.module_utils._audit.subjects import AccountRecords
from ansible_collections.community.wpcom.plugins.module_utils._errors import WpcomError
from ansible_collections.community.wpcom.plugins.module_utils._options import publicize_connection_argument_spec
from ansible_collections.community.wpcom.plugins.plugin_utils._audit_report import account_records
from ansible_collections.community.wpcom.plugins.plugin_utils._audit_report import audit_report as report
from ansible_collections.community.wpcom.plugins.plugin_utils._plain import as_list, plain, validation_errors

# What a site responds by itself: Jetpack Social is disabled, the site is private, or it does not exist.
_REJECTED = (400, 403, 404)
_SHOWN = 5
_LISTS = ("publicize_connections", "keyring_connections", "services", "sites", "connected_applications")


def audit_report(
    accounts: Any,
    expected: Any = None,
    sites: Any = None,
    others: Any = (),
    not_shared: bool = False,
    application_max_age: int = APPLICATION_MAX_AGE_DAYS,
    fail_on: Any = (),
    date: str | None = None,
    serialize: bool = False,
) -> dict[str, Any]:
    """Return the report. Raises AnsibleFilterError if the input is not what was gathered, or an option is wrong."""
    gathered, seen = plain(accounts), plain(others)
    if not isinstance(gathered, list) or not isinstance(seen, list):
        raise _error("the input must be a list of accounts, and so must others")
    seen += [{}] * (len(gathered) - len(seen))
    _check_tokens(gathered)
    _check_read(seen)
    try:
        found = report(
            [_account(position, one, beside) for position, (one, beside) in enumerate(zip(gathered, seen))],
            Policy(bool(not_shared), int(application_max_age), [str(value) for value in as_list(fail_on) or ()]),
            _moment(date),
            expected=None if expected is None else _connections(plain(expected)),
            sites=_names(sites),
            unread_sites=[error["site"] for beside in seen for error in beside.get("site_errors") or ()],
        )
    except WpcomError as error:
        raise _error(error.message) from None
    return {**found, "report": json.dumps(found["report"])} if serialize else found


def _check_tokens(gathered: Sequence[Any]) -> None:
    """Refuse several accounts of an inventory that were all read with the token of the environment."""
    items = [one.get("item") for one in gathered if isinstance(one, dict)]
    names = [str(item["name"]) for item in items if isinstance(item, dict) and item.get("has_token") is False]
    if len(names) > 1:
        shown = ", ".join(names[:_SHOWN]) + (f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else "")
        raise _error(
            f"wpcom_api_token or wpcom_api_token_file is required for the accounts {shown}: the token in the environment "
            "belongs to one account only"
        )


def _check_read(seen: Sequence[Any]) -> None:
    """Refuse sites whose list could not be read, unless the site itself rejects it, as it does where sharing is off."""
    errors = [error for beside in seen for error in beside.get("site_errors") or ()]
    failed = [one for one in errors if one["error"].get("status") not in _REJECTED]
    if failed:
        shown = "; ".join(str(one["error"].get("msg") or "").rstrip(".") for one in failed[:_SHOWN])
        more = f"; and {len(failed) - _SHOWN} more" if len(failed) > _SHOWN else ""
        number = f"{len(failed)} site{'' if len(failed) == 1 else 's'}"
        raise _error(f"the connections of other users on {number} could not be read: {shown}{more}")


def _names(sites: Any) -> list[str] | None:
    listed = as_list(plain(sites))
    return None if listed is None else [str(site) for site in listed]


def _account(position: int, one: Any, beside: Any) -> AccountRecords:
    for key in _LISTS:
        if not isinstance(one, dict) or not isinstance(one.get(key), list):
            raise _error(
                f"account {position} of the input has no list {key}: add it to gather of wpcom_connection_info"
            )
        # What is told apart by its ID must have one.
        if not all(isinstance(record, dict) and record.get("id") for record in one[key]):
            raise _error(f"{key} of account {position} has a record without id: if fields is set, it must contain id")
    return account_records(one, beside.get("publicize_connections") or ())


def _connections(expected: Any) -> Sequence[Mapping[str, Any]]:
    """Return the declared connections as the module would have its options."""
    spec = {
        "expected": {
            "type": "list",
            "elements": "dict",
            "required": True,
            "options": publicize_connection_argument_spec(),
        }
    }
    validated = ArgumentSpecValidator(spec).validate({"expected": expected})
    if validated.error_messages:
        raise _error(validation_errors(validated))
    connections: list[dict[str, Any]] = validated.validated_parameters["expected"]
    return connections


def _moment(date: str | None) -> datetime:
    if date is None:
        return datetime.now(timezone.utc)
    try:
        return datetime.strptime(str(date), "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=timezone.utc)
    except ValueError:
        raise _error(f"date must be like 2026-01-31T10:20:30Z, got {date!r}") from None


def _error(text: str) -> AnsibleFilterError:
    return AnsibleFilterError(f"audit_report: {text}")


class FilterModule:
    """The filter of this file."""

    def filters(self) -> dict[str, Any]:
        """Return it by its name."""
        return {"audit_report": audit_report}
