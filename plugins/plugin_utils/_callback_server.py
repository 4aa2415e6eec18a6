# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The loopback server that the browser is redirected to (RFC 8252): one path, one result, and a deadline."""

from __future__ import annotations

import queue
import socketserver
import threading
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

from ansible_collections.community.wpcom.plugins.module_utils._errors import OptionError
from ansible_collections.community.wpcom.plugins.plugin_utils._authorization import (
    CALLBACK_PATH,
    LOOPBACK_HOSTS,
    Authorization,
    AuthorizationError,
    decisive,
)

# A browser sends its request at once; what is slower is not one.
CLIENT_TIMEOUT = 10

DONE = "Done. You can close this page and go back to the terminal."
DENIED = "The request was not approved. You can close this page."
WRONG = "This page belongs to another request. You can close it."
UNKNOWN = "There is nothing here."

PAGE = """<!DOCTYPE html>
<html lang="en">
<head><meta charset="utf-8"><meta name="color-scheme" content="light dark"><title>community.wpcom</title></head>
<body style="font-family: sans-serif; margin: 4em auto; max-width: 40em"><h1>community.wpcom</h1><p>{text}</p></body>
</html>
"""


class CallbackServer(ThreadingHTTPServer):
    """Listens on 127.0.0.1 from the moment it is made; port 0 stands for a free port. To be used as a context manager."""

    # Slow clients have a thread of their own, which holds up nothing, not even the end.
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128
    allow_reuse_address = True

    def __init__(self, port: int) -> None:
        """Bind and listen. Raises OptionError where the port is in use."""
        # Set before waiting, and no redirect is received earlier.
        self.authorization: Authorization
        self._results: queue.Queue[str | AuthorizationError] = queue.Queue()
        self._thread = threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        try:
            super().__init__(("127.0.0.1", port), _Handler)
        except OSError as error:
            raise OptionError(
                f"Port {port} of 127.0.0.1 cannot be listened on ({error.strerror}): set port to another one, which has to be "
                "that of a redirect URI of the application, or set paste to true.",
                code="port_in_use",
            ) from None

    def server_bind(self) -> None:
        """Bind without asking a name server for the name of this host."""
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = "127.0.0.1", self.server_address[1]

    def wait(self, timeout: float) -> str:
        """Return the code that a browser brings within ``timeout`` seconds. Raises AuthorizationError."""
        self._thread.start()
        try:
            result = self._results.get(timeout=timeout)
        except queue.Empty:
            raise AuthorizationError(
                f"No browser was redirected to this host within {timeout} seconds. Run the playbook again, and approve the "
                "request in time; on a host without a browser set paste to true.",
                code="login_timeout",
            ) from None
        if isinstance(result, AuthorizationError):
            raise result
        return result

    def receive(self, parameters: Mapping[str, str]) -> tuple[str | AuthorizationError, str]:
        """Return the result of a redirect, and the text of its page."""
        try:
            return self.authorization.code(parameters), DONE
        except AuthorizationError as error:
            return error, WRONG if error.code == "wrong_state" else DENIED

    def finish(self, result: str | AuthorizationError) -> None:
        """Have the first result be the one that counts."""
        self._results.put(result)

    def close(self) -> None:
        """Stop listening."""
        if self._thread.is_alive():
            self.shutdown()
        self.server_close()

    def __exit__(self, *_: object) -> None:
        """Stop listening."""
        self.close()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Ignore clients that break off or send something else than HTTP."""


class _Handler(BaseHTTPRequestHandler):
    """Responds to one request; anything but a redirect to the one path is ignored."""

    timeout = CLIENT_TIMEOUT
    server_version = "community.wpcom"
    sys_version = ""
    server: CallbackServer

    def do_GET(self) -> None:
        """Take a redirect."""
        parts = urlsplit(self.path)
        # A page of another site that reaches this address by a name of its own is not let in.
        hosts = [f"{host}:{self.server.server_port}" for host in LOOPBACK_HOSTS]
        hosts += LOOPBACK_HOSTS if self.server.server_port == 80 else ()
        parameters = decisive(parts.query)
        if parts.path != CALLBACK_PATH or self.headers.get("Host") not in hosts:
            self._respond(404, UNKNOWN)
        elif parameters is None:
            self._respond(400, UNKNOWN)
        else:
            result, text = self.server.receive(parameters)
            self._respond(200 if isinstance(result, str) else 400, text)
            # Not before the page has left: the process may end.
            self.server.finish(result)

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """Respond to what is not a GET, or not HTTP, without repeating it."""
        self._respond(code, UNKNOWN)

    def log_message(self, format: str, *args: Any) -> None:
        """Print nothing: the request line has the code."""

    def _respond(self, status: int, text: str) -> None:
        body = PAGE.format(text=text).encode()
        self.send_response(status)
        for name, value in (
            ("Content-Type", "text/html; charset=utf-8"),
            ("Content-Length", str(len(body))),
            ("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'"),
            ("Cache-Control", "no-store"),
            ("Referrer-Policy", "no-referrer"),
            ("Connection", "close"),
        ):
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()
