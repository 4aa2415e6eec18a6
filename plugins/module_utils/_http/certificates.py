# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The certificates that servers are verified with, read once: urllib3 reads them for each connection."""

from __future__ import annotations

import os
import ssl
import threading
from typing import Any

try:
    from requests.adapters import DEFAULT_CA_BUNDLE_PATH
    from urllib3.exceptions import SSLError
    from urllib3.util.ssl_ import create_urllib3_context, resolve_cert_reqs
except ImportError:
    # Nothing is sent then, so nothing is verified.
    pass

# As requests says it to urllib3.
_VERIFIED = "CERT_REQUIRED"
# By bundle: what it was when it was read, and the context.
_prepared: dict[str, tuple[tuple[int, int], ssl.SSLContext]] = {}


def bundle_of_environment() -> str | None:
    """Return the path that the environment names for the certificates to verify with, as requests takes it from there."""
    return os.environ.get("REQUESTS_CA_BUNDLE") or os.environ.get("CURL_CA_BUNDLE")


def prepare() -> None:
    """Read the certificates that sessions without ``ca_path`` are going to verify with, for the processes that are forked later."""
    bundle = bundle_of_environment() or DEFAULT_CA_BUNDLE_PATH
    try:
        # The certificates of a folder are read as they are needed.
        if os.path.isfile(bundle):
            _prepared[bundle] = (_stamp(bundle), _read(_VERIFIED, bundle, None))
    except (OSError, SSLError):
        # The session that needs it reports it.
        pass


class SharedContexts:
    """The TLS contexts of a session, one for each way to verify: a bundle takes 20 ms and 1 MiB to read."""

    def __init__(self) -> None:
        """Read nothing yet."""
        self._contexts: dict[tuple[Any, ...], ssl.SSLContext] = {}
        self._reading = threading.Lock()

    def connection_class(self, base: type[Any]) -> type[Any]:
        """Return the class of urllib3's connections over TLS whose certificates are read once."""
        shared = self

        class SharedContextConnection(base):  # type: ignore[misc]
            """A connection that verifies with a shared context."""

            ssl_context: ssl.SSLContext | None
            ca_certs: str | None
            ca_cert_dir: str | None

            def connect(self) -> None:
                """Connect, with the context that urllib3 would make for this connection alone."""
                # Without either, urllib3 verifies with what the system trusts.
                if self.ssl_context is None and (self.ca_certs or self.ca_cert_dir):
                    self.ssl_context = shared.context(self.cert_reqs, self.ca_certs, self.ca_cert_dir)
                    self.ca_certs = self.ca_cert_dir = None
                super().connect()

        return SharedContextConnection

    def context(self, requirement: Any, bundle: str | None, folder: str | None) -> ssl.SSLContext:
        """Return a context that verifies as ``requirement`` says, with a bundle or a folder. Raises SSLError of urllib3."""
        key = (requirement, bundle, folder)
        with self._reading:
            if key not in self._contexts:
                self._contexts[key] = _prepared_context(*key) or _read(*key)
            return self._contexts[key]


def _prepared_context(requirement: Any, bundle: str | None, folder: str | None) -> ssl.SSLContext | None:
    """Return the context of a bundle that has not changed since it was prepared."""
    if bundle not in _prepared or folder is not None or resolve_cert_reqs(requirement) != ssl.CERT_REQUIRED:
        return None
    stamp, context = _prepared[bundle]
    try:
        return context if _stamp(bundle) == stamp else None
    except OSError:
        return None


def _read(requirement: Any, bundle: str | None, folder: str | None) -> ssl.SSLContext:
    """Return a new context. Raises SSLError of urllib3."""
    context = create_urllib3_context(cert_reqs=resolve_cert_reqs(requirement))
    try:
        context.load_verify_locations(bundle, folder)
    except OSError as error:
        raise SSLError(error) from error
    return context


def _stamp(bundle: str) -> tuple[int, int]:
    """Return what changes with a file. Raises OSError."""
    status = os.stat(bundle)
    return status.st_mtime_ns, status.st_size
