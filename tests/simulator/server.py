# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The HTTP server: werkzeug's, with connections that stay open and can be cut when a test wants it."""

from __future__ import annotations

import socket
import ssl
import sys
import threading
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, BinaryIO, Optional, cast
from wsgiref.handlers import SimpleHandler

from werkzeug.serving import ThreadedWSGIServer, WSGIRequestHandler

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication


class Handler(WSGIRequestHandler):
    """Serves one connection for as long as the client likes."""

    protocol_version = "HTTP/1.1"
    # A test that leaves a connection open must not wait for us, nor we for it.
    timeout = 300
    # A response leaves in one piece: small ones would wait for each other's acknowledgement.
    wbufsize = -1
    server: Server

    def setup(self) -> None:
        """Number the connection, and have small responses sent at once."""
        self.request.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.connection_number = self.server.opened(self.request)
        super().setup()

    def finish(self) -> None:
        """Forget the connection."""
        self.server.closed(self.request)
        super().finish()

    def handle_expect_100(self) -> bool:
        """Ask for the body now, not with the response."""
        proceed = super().handle_expect_100()
        self.wfile.flush()
        return proceed

    def run_wsgi(self) -> None:
        """Carry out one request; werkzeug's own way would close the connection after it."""
        environ = self.make_environ()
        environ["simulator.connection"] = self.connection_number
        environ["HTTPS"] = "on" if self.server.context else "off"
        ResponseWriter(self, environ).run(self.server.app)

    def drop(self) -> None:
        """Close the connection from our side."""
        self.close_connection = True
        try:
            self.connection.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass

    def log(self, type: str, message: str, *args: Any) -> None:
        """Say nothing: the simulator has a request log of its own."""


class ResponseWriter(SimpleHandler):
    """Writes a response, or as much of it as a fault leaves."""

    environ: dict[str, Any]
    result: Iterable[bytes]
    http_version = "1.1"
    # Variables of our own environment would be taken for headers of the request.
    os_environ: dict[str, str] = {}  # noqa: RUF012

    def __init__(self, connection: Handler, environ: dict[str, Any]) -> None:
        """Prepare for one response on a connection."""
        super().__init__(environ["wsgi.input"], cast(BinaryIO, connection.wfile), sys.stderr, environ)
        self.connection = connection

    def log_exception(self, exc_info: Any) -> None:
        """Say nothing about connections that clients break off; the application reports its own errors."""

    def send_preamble(self) -> None:
        """Add whether the connection goes on, which is not the application's business."""
        super().send_preamble()
        if self.connection.close_connection:
            self._write(b"Connection: close\r\n")
        elif self.connection.request_version == "HTTP/1.0":
            self._write(b"Connection: keep-alive\r\n")

    def finish_response(self) -> None:
        """Send the response, unless a fault cuts it short."""
        action = self.environ.get("simulator.action")
        if action is None:
            super().finish_response()
            return
        if action == "truncate":
            body = b"".join(self.result)
            self.send_headers()
            self._write(body[: len(body) // 2])
            self._flush()
        self.close()
        self.connection.drop()


class Server(ThreadedWSGIServer):
    """Accepts many connections at once, each in a thread of its own."""

    daemon_threads = True
    request_queue_size = 1024

    def __init__(self, host: str, port: int, app: WSGIApplication, tls: Optional[tuple[str, str]] = None) -> None:
        """Bind to an address; the port is known from here on, answers come once it serves."""
        self._lock = threading.Lock()
        self._sockets: set[socket.socket] = set()
        self._count = 0
        super().__init__(host, port, app, handler=Handler)
        self.context: Optional[ssl.SSLContext] = None
        if tls is not None:
            self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.context.load_cert_chain(*tls)
            # Werkzeug takes the scheme from here.
            self.ssl_context = self.context
        name = f"[{host}]" if ":" in host else host
        self.url = f"{'https' if tls else 'http'}://{name}:{self.server_port}"

    def get_request(self) -> tuple[Any, Any]:
        """Accept a connection; the TLS handshake is left to its thread, so that nobody holds up the others."""
        connection, address = super().get_request()
        if self.context is not None:
            connection = self.context.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)
        return connection, address

    def opened(self, connection: socket.socket) -> int:
        """Note a new connection and return its number."""
        with self._lock:
            self._sockets.add(connection)
            self._count += 1
            return self._count

    def closed(self, connection: socket.socket) -> None:
        """Note that a connection has ended."""
        with self._lock:
            self._sockets.discard(connection)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing about connections that clients break off."""

    def close(self) -> None:
        """Stop listening and end the connections that are open."""
        self.server_close()
        with self._lock:
            sockets = list(self._sockets)
        for connection in sockets:
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def log(self, type: str, message: str, *args: Any) -> None:
        """Say nothing."""
