# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Send an event for each change in the health of the social connections of a WordPress.com account."""

from __future__ import annotations

import asyncio
import importlib
import importlib.machinery
import importlib.util
import sys
import zlib
from pathlib import Path
from typing import Any

DOCUMENTATION = r"""
module: connection_health
short_description: Report social connections of WordPress.com that break, expire or recover
version_added: 1.0.0
description:
  - Reads the publicize connections of a WordPress.com account at an interval, and sends an event for each change.
  - Each event has the keys C(type), C(connection), C(previous) and C(account).
  - C(type) is V(broken) or V(expiring) if a connection stops working or will soon do so, V(recovered) if it works again,
    V(created) or V(deleted) if it is new or has been removed, and V(unreachable) if WordPress.com cannot be read. The first
    successful read after that is V(recovered).
  - C(connection) is the publicize connection, with the same keys as in the results of the modules, except for URLs and
    pictures. Its C(repair) is the required manual action. C(previous) is the connection as it was read before, or V(null) if it
    is new. For a deleted connection, both contain the connection as it was read last. C(account) is the name of the social media
    account. All three are V(null) if V(unreachable) or V(recovered) concerns WordPress.com itself.
  - The first read without a state only reports which connections are broken or expiring. If a connection that is created later
    is broken or expiring, V(created) is followed by V(broken) or V(expiring).
  - Connections whose health is V(untested) or V(unknown) keep their last known health. They cause no event until they are
    V(ok), V(expiring) or V(broken) again. A broken connection that works again but must be refreshed is V(expiring).
  - The connections of other users cause no event.
  - Entries of the list that have no ID cannot be identified. While there are any, connections that are missing in the list
    are not reported as V(deleted).
author:
  - The community.wpcom authors (@ansible-collections)
options:
  interval:
    description:
      - The number of seconds between two reads, from V(1) to V(604800). Each read takes three or four
        requests, whatever the number of connections.
      - While WordPress.com cannot be read, the delay begins with this number, but at most 60 seconds, and doubles up to 900
        seconds. It is at least 60 seconds if the server rejects the requests.
    type: int
    default: 900
  test:
    description:
      - Whether WordPress.com tests all connections at each read, instead of returning a status that can be up to 12 hours old.
      - This is slow.
    type: bool
    default: false
  expiring_within:
    description:
      - The number of days before its expiry from which on a connection is V(expiring).
    type: int
    default: 14
  sites:
    description:
      - Only report the connections on these sites. Each must be the numeric ID, the domain or the URL of a site. They are looked
        up when the source starts. A site that does not exist ends the source with an error.
      - If not set or empty, the connections on all sites are reported.
    type: list
    elements: str
  report_existing:
    description:
      - Whether the first read without a state reports connections that are already broken or expiring.
    type: bool
    default: true
  state_file:
    description:
      - The path of a file that keeps the state, so that a restarted source only reports what has changed since then.
      - Its directory must exist. The file contains no tokens and no URLs, is created with mode 0600 and replaced atomically.
      - Use a separate file for each source. If the file is not a state file of this source, the source ends with an error, and does
        not replace it.
      - If not set, the source does not remember anything after a restart.
    type: path
  api_token:
    description:
      - The OAuth2 access token of the WordPress.com account. It requires the scope C(sharing) or C(global).
      - This argument or O(api_token_file) is required. They are mutually exclusive.
      - If neither is set, the value of the environment variable E(WPCOM_API_TOKEN) is used.
      - As with every connection option, an empty value or environment variable is treated as not set.
    type: str
  api_token_file:
    description:
      - The path of a file that contains the access token. It is read again at each read, so that a token can be replaced.
      - The content is the token as plain text, or a JSON object with the key C(access_token).
      - If neither this argument, nor O(api_token), nor the environment variable E(WPCOM_API_TOKEN) is set, the value of the
        environment variable E(WPCOM_API_TOKEN_FILE) is used.
    type: path
  api_url:
    description:
      - The URL of the API, as scheme and host with an optional path prefix, without the C(/rest/v1.1) part.
      - If not set, the value of the environment variable E(WPCOM_API_URL) is used.
    type: str
    default: https://public-api.wordpress.com
  validate_certs:
    description:
      - Whether to validate the TLS certificate of the server.
      - If not set, the value of the environment variable E(WPCOM_VALIDATE_CERTS) is used.
    type: bool
    default: true
  ca_path:
    description:
      - The path of a CA bundle in PEM format to validate the certificate of the server with.
      - If not set, the value of the environment variable E(WPCOM_CA_PATH) is used.
    type: path
  timeout:
    description:
      - The timeout in seconds for connecting to the server and for each of its responses.
      - If not set, the value of the environment variable E(WPCOM_TIMEOUT) is used.
    type: int
    default: 60
  retries:
    description:
      - How often a failed request is retried before WordPress.com is V(unreachable).
      - If not set, the value of the environment variable E(WPCOM_RETRIES) is used.
    type: int
    default: 3
  retry_max_delay:
    description:
      - The maximum delay in seconds before a retry.
      - If not set, the value of the environment variable E(WPCOM_RETRY_MAX_DELAY) is used.
    type: int
    default: 60
  http_envelope:
    description:
      - Whether the API returns every response with HTTP status 200 and the actual status in the body.
      - If not set, the value of the environment variable E(WPCOM_HTTP_ENVELOPE) is used.
    type: bool
    default: false
requirements:
  - requests >= 2.25.0
notes:
  - The source ends with an error if its arguments are wrong, or if WordPress.com rejects the token.
"""

EXAMPLES = r"""
- name: Read every 15 minutes, with the token of the environment variable WPCOM_API_TOKEN
  community.wpcom.connection_health:
    state_file: /var/lib/eda/connection_health.json

- name: Test the connections of two sites every hour, and report them 30 days before they expire
  community.wpcom.connection_health:
    api_token: "{{ wpcom_api_token }}"
    interval: 3600
    test: true
    expiring_within: 30
    sites:
      - blog.example.com
      - "3002"
"""


def _load(name: str) -> Any:
    """Import a file of plugins/module_utils by the path of this file: ansible-rulebook does not import collections."""
    folder = Path(__file__).resolve().parents[4] / "plugins" / "module_utils"
    # A package of its own for each installed collection, so that its files import each other and no others.
    package = f"_community_wpcom_{zlib.crc32(bytes(folder)):08x}"
    if package not in sys.modules:
        spec = importlib.machinery.ModuleSpec(package, None, is_package=True)
        spec.submodule_search_locations = [str(folder)]
        sys.modules[package] = importlib.util.module_from_spec(spec)
    return importlib.import_module(f"{package}.{name}")


async def main(queue: asyncio.Queue[Any], args: dict[str, Any]) -> None:
    """Send events without end. Raises an exception whose text says what is required."""
    try:
        event_source = _load("_event_source")
    except ImportError as error:
        raise RuntimeError(
            f"community.wpcom.connection_health requires ansible-core in the Python environment of ansible-rulebook: {error}."
        ) from None
    await event_source.watch(queue, args)
