# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Documentation of the connection options that all modules and plugins share."""

from __future__ import annotations


class ModuleDocFragment:
    """The options of module_utils/_options.py, as modules and as other plugins document them."""

    DOCUMENTATION = r"""
options:
  api_token:
    description:
      - The OAuth2 access token of the WordPress.com account to manage.
      - Publicize and keyring connections require the scope C(sharing). Connected applications and the account require the
        scope C(users). The list of the sites requires the scope C(sites). The scope C(global) covers everything.
      - This option or O(api_token_file) is required, except for reading external services. They are mutually exclusive.
      - If neither this option nor O(api_token_file) is set, the value of the environment variable E(WPCOM_API_TOKEN) is used.
      - As with every connection option, the option takes precedence over the environment variable, and an empty option or
        variable is treated as not set. For example, a template that inserts nothing has no effect.
    type: str
  api_token_file:
    description:
      - The path of a file that contains the access token, on the host that runs the module. It is read again by each task.
      - The content is the token as plain text, or a JSON object with the key C(access_token). The playbook
        C(community.wpcom.get_token) writes such a file.
      - If the token expires within five minutes and the file contains a refresh token, the token is refreshed and the file is
        replaced, also in check mode.
      - A warning is shown if users other than its owner can access the file. A file that is encrypted with Ansible Vault is not
        supported.
      - If neither this option, nor O(api_token), nor the environment variable E(WPCOM_API_TOKEN) is set, the value of the
        environment variable E(WPCOM_API_TOKEN_FILE) is used.
    type: path
    version_added: 1.0.0
  api_url:
    description:
      - The URL of the API, as scheme and host with an optional path prefix, without the C(/rest/v1.1) part.
      - If not set, the value of the environment variable E(WPCOM_API_URL) is used.
    type: str
    default: https://public-api.wordpress.com
  validate_certs:
    description:
      - Whether to validate the TLS certificate of the server.
      - Setting this to V(false) exposes the token to man-in-the-middle attacks. To trust a private CA, set O(ca_path) instead.
      - If not set, the value of the environment variable E(WPCOM_VALIDATE_CERTS) is used.
    type: bool
    default: true
  ca_path:
    description:
      - The path of a CA bundle in PEM format to validate the certificate of the server with.
      - Takes precedence over the environment variables E(REQUESTS_CA_BUNDLE) and E(CURL_CA_BUNDLE).
      - If not set, the value of the environment variable E(WPCOM_CA_PATH) is used.
    type: path
  timeout:
    description:
      - The timeout in seconds for connecting to the server and for each of its responses.
      - A response that does not end, although data continues to arrive, is rejected after five times the timeout. A response
        of more than 64 MiB is always rejected.
      - If not set, the value of the environment variable E(WPCOM_TIMEOUT) is used.
    type: int
    default: 60
  retries:
    description:
      - How often a failed request is retried. V(0) disables retries.
      - Writes are retried as often if the server rejects them because of too many requests. If the response to a write is lost,
        the module reads the current state, and retries the write only if it was not applied.
      - If not set, the value of the environment variable E(WPCOM_RETRIES) is used.
    type: int
    default: 3
  retry_max_delay:
    description:
      - The maximum delay in seconds before a retry, even if the server requests a longer one.
      - If not set, the value of the environment variable E(WPCOM_RETRY_MAX_DELAY) is used.
    type: int
    default: 60
  http_envelope:
    description:
      - Whether the API returns every response with HTTP status 200 and the actual status in the body. Required for proxies
        that drop other responses.
      - If not set, the value of the environment variable E(WPCOM_HTTP_ENVELOPE) is used.
    type: bool
    default: false
requirements:
  - requests >= 2.25.0
notes:
  - Proxies are configured with the environment variables E(HTTPS_PROXY), E(HTTP_PROXY) and E(NO_PROXY).
  - If the connection is local and neither become nor async is used, the modules run inside the Ansible process. This is much
    faster, and the items of a loop share one HTTP connection and the data that was read, except if the loop pauses between
    its items, or if the task has the keyword C(until) or C(retries). Set the environment variable E(WPCOM_IN_PROCESS) to
    V(false) to disable this.
  - If Ansible interrupts a task, for example because of the keyword C(timeout), no further request is sent. A request that
    was already sent can still be applied.
  - These modules access the API from the host that they run on. Run them on C(localhost) or delegate them to it.
"""

    # For plugins that run inside Ansible, whose documentation lists environment variables apart from the description.
    PLUGIN = r"""
options:
  api_token:
    description:
      - The OAuth2 access token of the WordPress.com account.
      - As with every connection option, the option takes precedence over the environment variable, and an empty option or
        variable is treated as not set. For example, a template that inserts nothing has no effect.
    type: str
    env:
      - name: WPCOM_API_TOKEN
  api_token_file:
    description:
      - The path of a file that contains the access token. It is read each time.
      - The content is the token as plain text, or a JSON object with the key C(access_token).
      - If the token expires within five minutes and the file contains a refresh token, the token is refreshed and the file is
        replaced.
      - A warning is shown if users other than its owner can access the file. A file that is encrypted with Ansible Vault is not
        supported.
      - Mutually exclusive with O(api_token). The environment variable is used only if neither O(api_token) nor the environment
        variable E(WPCOM_API_TOKEN) is set.
    type: path
    env:
      - name: WPCOM_API_TOKEN_FILE
  api_url:
    description:
      - The URL of the API, as scheme and host with an optional path prefix, without the C(/rest/v1.1) part.
    type: str
    default: https://public-api.wordpress.com
    env:
      - name: WPCOM_API_URL
  validate_certs:
    description:
      - Whether to validate the TLS certificate of the server.
      - Setting this to V(false) exposes the token to man-in-the-middle attacks. To trust a private CA, set O(ca_path) instead.
    type: bool
    default: true
    env:
      - name: WPCOM_VALIDATE_CERTS
  ca_path:
    description:
      - The path of a CA bundle in PEM format to validate the certificate of the server with.
      - Takes precedence over the environment variables E(REQUESTS_CA_BUNDLE) and E(CURL_CA_BUNDLE).
    type: path
    env:
      - name: WPCOM_CA_PATH
  timeout:
    description:
      - The timeout in seconds for connecting to the server and for each of its responses.
    type: int
    default: 60
    env:
      - name: WPCOM_TIMEOUT
  retries:
    description:
      - How often a failed request is retried. V(0) disables retries.
    type: int
    default: 3
    env:
      - name: WPCOM_RETRIES
  retry_max_delay:
    description:
      - The maximum delay in seconds before a retry, even if the server requests a longer one.
    type: int
    default: 60
    env:
      - name: WPCOM_RETRY_MAX_DELAY
  http_envelope:
    description:
      - Whether the API returns every response with HTTP status 200 and the actual status in the body. Required for proxies
        that drop other responses.
    type: bool
    default: false
    env:
      - name: WPCOM_HTTP_ENVELOPE
requirements:
  - requests >= 2.25.0
notes:
  - Proxies are configured with the environment variables E(HTTPS_PROXY), E(HTTP_PROXY) and E(NO_PROXY).
"""
