# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Documentation of the connection options, which all modules and plugins share."""

from __future__ import annotations


class ModuleDocFragment:
    """The options of module_utils/_options.py."""

    DOCUMENTATION = r"""
options:
  api_token:
    description:
      - The OAuth2 access token of the WordPress.com account to work on.
      - Publicize and keyring connections need the scope C(sharing), connected applications and the account C(users);
        C(global) covers everything.
      - Needed, except for reading external services.
      - If not set, the value of the environment variable E(WPCOM_API_TOKEN) is used. As with every option here, the
        option wins over the variable, and an empty variable counts as unset.
    type: str
  api_url:
    description:
      - Where the API is, as scheme and host with an optional path prefix, without the C(/rest/v1.1) part.
      - If not set, the value of the environment variable E(WPCOM_API_URL) is used.
    type: str
    default: https://public-api.wordpress.com
  validate_certs:
    description:
      - Whether to check the server's TLS certificate.
      - Setting this to V(false) hands the token to whoever answers; rather name the CA in O(ca_path).
      - If not set, the value of the environment variable E(WPCOM_VALIDATE_CERTS) is used.
    type: bool
    default: true
  ca_path:
    description:
      - A CA bundle in PEM form to check the server's certificate with.
      - Takes precedence over the environment variables E(REQUESTS_CA_BUNDLE) and E(CURL_CA_BUNDLE).
      - If not set, the value of the environment variable E(WPCOM_CA_PATH) is used.
    type: path
  timeout:
    description:
      - Seconds to wait for a connection, and for the server to answer.
      - If not set, the value of the environment variable E(WPCOM_TIMEOUT) is used.
    type: int
    default: 60
  retries:
    description:
      - How often a request that failed is tried again. V(0) never tries again.
      - A write that the server refused because of too many requests is tried again as often. A write whose answer was
        lost is looked up, and repeated once where it turns out not to have been done.
      - If not set, the value of the environment variable E(WPCOM_RETRIES) is used.
    type: int
    default: 3
  retry_max_delay:
    description:
      - The longest wait in seconds before a single retry, also where the server asks for a longer one.
      - If not set, the value of the environment variable E(WPCOM_RETRY_MAX_DELAY) is used.
    type: int
    default: 60
  http_envelope:
    description:
      - Ask the API to answer always with HTTP status 200 and the real status in the body, for proxies that swallow
        other answers.
      - If not set, the value of the environment variable E(WPCOM_HTTP_ENVELOPE) is used.
    type: bool
    default: false
requirements:
  - requests >= 2.25.0
notes:
  - Proxies are taken from the environment variables E(HTTPS_PROXY), E(HTTP_PROXY) and E(NO_PROXY).
  - Where the connection is local, without become and async, the modules run within Ansible's own process, which is much
    faster, and the items of a loop share one connection and what was read. The environment variable
    E(WPCOM_IN_PROCESS) set to V(false) switches that off.
  - These modules talk to the API from the host that they run on, so run them on C(localhost) or delegate them to it.
"""
