# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a connection starts from: the name of the server, the proxy, and the versions at work. Nothing is sent to the API."""

from __future__ import annotations

import platform
import socket
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from ansible.module_utils.ansible_release import __version__ as ansible_version

from .._options import CONNECTION_OPTIONS, ConnectionOptions, is_loopback
from .._version import VERSION

try:
    import requests
    from requests.utils import select_proxy
except ImportError:
    # There is no transport then that would ask.
    pass

_DEFAULT_URL = next(option.default for option in CONNECTION_OPTIONS if option.name == "api_url")


@dataclass(frozen=True)
class Environment:
    """What a connection starts from: the server of ``api_url``, how it is reached, and the versions at work.

    ``addresses`` is the number of addresses of the host, None where ``resolution_error`` says why there are none; ``proxy``
    is the address of the proxy without a password. ``seconds`` is how long the resolution took. ``token_error`` is why the
    token cannot be used, and ``token_error_code`` its code; both are empty where it can, or where there is none.
    """

    scheme: str
    host: str
    port: int
    addresses: int | None
    resolution_error: str
    seconds: float
    proxy: str
    is_default_api: bool
    is_loopback: bool
    has_token: bool
    validate_certs: bool
    own_ca: bool
    http_envelope: bool
    versions: tuple[tuple[str, str], ...]
    token_error: str = ""
    token_error_code: str = ""


def read_environment(options: ConnectionOptions, proxies: Mapping[str, str], verify: bool | str) -> Environment:
    """Return what a connection with these options starts from; the host is resolved unless a proxy does that."""
    parts = urlsplit(options.api_url)
    host = parts.hostname or ""
    port = parts.port or (443 if parts.scheme == "https" else 80)
    proxy = select_proxy(options.api_url, proxies) or ""
    started = time.monotonic()
    addresses, problem = (None, "") if proxy else _resolve(host, port, options.timeout)
    return Environment(
        scheme=parts.scheme,
        host=host,
        port=port,
        addresses=addresses,
        resolution_error=problem,
        seconds=time.monotonic() - started,
        # The part before the last @ may be a user name and a password.
        proxy=proxy.rpartition("//")[2].rpartition("@")[2],
        is_default_api=options.api_url == _DEFAULT_URL,
        is_loopback=is_loopback(host),
        has_token=bool(options.api_token),
        validate_certs=options.validate_certs,
        own_ca=isinstance(verify, str),
        http_envelope=options.http_envelope,
        versions=(
            ("collection", VERSION),
            ("ansible", str(ansible_version)),
            ("python", platform.python_version()),
            ("requests", str(requests.__version__)),
        ),
        token_error=options.token_error.message if options.token_error else "",
        token_error_code=options.token_error.code if options.token_error else "",
    )


def _resolve(host: str, port: int, timeout: float) -> tuple[int | None, str]:
    """Return the number of addresses of a host, or None and why there are none."""
    found: list[Any] = []

    def resolve() -> None:
        try:
            found.append({entry[4][0] for entry in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)})
        except (OSError, UnicodeError) as error:
            found.append(str(error.args[-1]) if error.args else type(error).__name__)

    # The system's resolver has no timeout.
    thread = threading.Thread(target=resolve, daemon=True)
    thread.start()
    thread.join(timeout)
    if not found:
        return None, f"no response within {timeout} seconds"
    return (None, found[0]) if isinstance(found[0], str) else (len(found[0]), "")
