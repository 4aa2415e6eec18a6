#!/usr/bin/python

# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Check the connection to WordPress.com, the token, and the responses of the API."""

from __future__ import annotations

DOCUMENTATION = r"""
module: wpcom_diagnostics_info
short_description: Check the connection to WordPress.com, the token, and the responses of the API
version_added: 1.0.0
description:
  - Checks the network, the token, and whether the responses of the API have the form that this collection expects.
  - Finds out how the API behaves where its behavior is not documented, as far as this is possible without changing anything.
  - Returns a report that can be attached to a public issue. It does not contain names, IDs, tokens or URLs.
  - Sends at most 25 requests, all of them C(GET), one after the other, without retries. After a response that says that the
    request limit is reached, no further request is sent.
  - The module does not fail because of what it finds, including a token that is missing, malformed, or cannot be refreshed. It
    fails if another option is invalid.
  - The playbook C(community.wpcom.doctor) runs this module, shows one line for each check, and writes the report to a file.
author:
  - The community.wpcom authors (@ansible-collections)
extends_documentation_fragment:
  - community.wpcom.api
  - community.wpcom.attributes
  - community.wpcom.attributes.actiongroup_wpcom
  - community.wpcom.attributes.info_module
notes:
  - The options O(retries) and O(retry_max_delay) have no effect on the checks.
  - As with every module, a token of O(api_token_file) that is about to expire is refreshed first. All other requests are C(GET).
  - One request contains a token that does not exist, to learn how the API rejects it. If the connection is encrypted, another
    request sends your token to WordPress.com as a parameter, which is how C(/oauth2/token-info) takes it.
seealso:
  - module: community.wpcom.wpcom_connection_info
options: {}
"""

EXAMPLES = r"""
- name: Check the connection to WordPress.com
  community.wpcom.wpcom_diagnostics_info:
  register: diagnosis

- name: Show what requires attention
  ansible.builtin.debug:
    msg: "{{ diagnosis.checks | selectattr('status', 'in', ['warning', 'failed']) | list }}"

- name: Require a token that is valid and covers everything
  ansible.builtin.assert:
    that: (diagnosis.checks | items2dict(key_name='name', value_name='status'))[item] == 'ok'
    quiet: true
  loop: [token, scope]
"""

RETURN = r"""
checks:
  description:
    - The checks, in the order in which they build on each other.
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description:
        - The name of the check. C(name_resolution), C(proxy), C(tls), C(clock), C(reachability) and C(latency) are about the
          network. C(token), C(scope) and C(site_binding) are about the token.
        - C(wire_publicize_connections), C(wire_keyring_connections), C(wire_connected_applications),
          C(wire_external_services), C(wire_sites) and C(wire_account) compare the keys of the responses, their types, and
          the values of C(status) with what this collection knows.
        - Checks whose name begins with C(uncertainty_) find out how the API behaves where this is not documented.
      type: str
      sample: wire_keyring_connections
    status:
      description:
        - V(ok), V(warning), V(failed), or V(skipped) if it could not be checked or does not apply.
      type: str
      sample: warning
    detail:
      description:
        - What was found. If the name begins with C(uncertainty_), the text begins with the value that was found.
      type: str
      sample: "11 entries: unknown: premium (11)."
    hint:
      description:
        - What to do about it. Empty if no action is required.
      type: str
      sample: "Attach the report to an issue of community.wpcom: the API sends something that it does not know."
    seconds:
      description:
        - How long the requests of the check took.
      type: float
      sample: 0.214
  sample:
    - name: reachability
      status: ok
      detail: The API responds (HTTP 200).
      hint: ""
      seconds: 0.214
    - name: uncertainty_invalid_token_status
      status: ok
      detail: "400: the HTTP status of invalid_token"
      hint: ""
      seconds: 0.198
report:
  description:
    - The report, as data that can be written as JSON.
    - It contains the names and statuses of checks, HTTP statuses and error codes, names of keys, types and counts, the value
      that was found for each uncertainty, and versions. The name of a key that this collection does not know is only included if
      most records have it, and no text in the responses contains it.
  returned: success
  type: dict
  contains:
    format:
      description: The version of the form of the report.
      type: int
      sample: 1
    versions:
      description: The versions of C(collection), C(ansible), C(python) and C(requests).
      type: dict
      sample:
        collection: 1.0.0
        ansible: 2.21.0
        python: 3.13.0
        requests: 2.34.2
    connection:
      description: Which connection options are in use, without their values.
      type: dict
      sample:
        scheme: https
        is_default_api: true
        proxy: false
        validate_certs: true
        own_ca: false
        http_envelope: false
    requests:
      description: The number of requests that were sent.
      type: int
      sample: 21
    checks:
      description: The checks, with numbers instead of texts.
      type: list
      elements: dict
      sample:
        - name: reachability
          status: ok
          seconds: 0.214
          http_status: 200
          failure: none
    wire:
      description: For each list, and the account, the number of entries, and counts of keys, types and statuses.
      type: dict
      sample:
        keyring_connections:
          entries: 11
          without_id: 0
          keys:
            ID: 11
          missing: {}
          mistyped: []
          unknown: {}
          unnamed_keys: 0
          statuses:
            ok: 11
          unknown_statuses: {}
          unnamed_statuses: 0
    uncertainties:
      description: The value that was found for each uncertainty, or V(null) if it is not known.
      type: dict
      sample:
        invalid_token_status: "400"
        shared_domain: null
error:
  description:
    - Machine-readable details of the failure.
    - All keys except RV(error.code) are V(null).
  returned: failure, except if Ansible rejects the options
  type: dict
  contains:
    status:
      description: Always V(null).
      type: int
      sample: null
    code:
      description: An error code of this collection. Use it in conditions.
      type: str
      sample: invalid_option
    message:
      description: Always V(null).
      type: str
      sample: null
    method:
      description: Always V(null).
      type: str
      sample: null
    path:
      description: Always V(null).
      type: str
      sample: null
"""

from ansible_collections.community.wpcom.plugins.module_utils._api.diagnostics import Diagnostics
from ansible_collections.community.wpcom.plugins.module_utils._module import ModuleSpec, run_module
from ansible_collections.community.wpcom.plugins.module_utils._plan.diagnostics import plan_diagnostics

MODULE = ModuleSpec(plan_diagnostics, {}, resources=(Diagnostics,), report_token_error=True)


def main() -> None:
    """Run the module."""
    run_module(MODULE)


if __name__ == "__main__":
    main()
