# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The HTTP server: werkzeug's, with connections that stay open and can be cut when a test wants it."""

from __future__ import annotations

import socket
import ssl
import threading
from http import HTTPStatus
from typing import Any, Optional

from flask import Flask
from werkzeug.serving import ThreadedWSGIServer, WSGIRequestHandler


class Handler(WSGIRequestHandler):
    """Serves one connection for as long as the client likes."""

    protocol_version = "HTTP/1.1"
    # A test that leaves a connection open must not wait for us, nor we for it.
    timeout = 300
    server: Server

    def setup(self) -> None:
        """Number the connection, and have small answers sent at once."""
        self.request.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.connection_number = self.server.opened(self.request)
        super().setup()

    def finish(self) -> None:
        """Forget the connection."""
        self.server.closed(self.request)
        super().finish()

    def run_wsgi(self) -> None:
        """Answer one request in one write, without closing the connection as werkzeug would."""
        environ = self.make_environ()
        environ["simulator.connection"] = self.connection_number
        kept: dict[str, Any] = {}

        def start_response(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
            kept["status"], kept["headers"] = status, headers
            return None

        chunks = self.server.app(environ, start_response)
        body = b"".join(chunks)
        if hasattr(chunks, "close"):
            chunks.close()
        action = environ.get("simulator.action")
        if action == "cut":
            self.drop()
            return
        code = int(kept["status"].split(" ", 1)[0])
        headers = [pair for pair in kept["headers"] if pair[0].lower() not in ("content-length", "connection")]
        headers.append(("Content-Length", str(len(body))))
        if self.close_connection:
            headers.append(("Connection", "close"))
        elif self.request_version == "HTTP/1.0":
            headers.append(("Connection", "keep-alive"))
        lines = [f"HTTP/1.1 {code} {_phrase(code)}", *(f"{name}: {value}" for name, value in headers), "", ""]
        head = "\r\n".join(lines).encode("latin-1", "replace")
        if action == "truncate":
            self.wfile.write(head + body[: len(body) // 2])
            self.drop()
        else:
            self.wfile.write(head + (b"" if self.command == "HEAD" else body))

    def drop(self) -> None:
        """Close the connection from our side."""
        self.close_connection = True
        try:
            self.connection.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass

    def log(self, type: str, message: str, *args: Any) -> None:
        """Say nothing: the simulator has a request log of its own."""


def _phrase(code: int) -> str:
    try:
        return HTTPStatus(code).phrase
    except ValueError:
        return "Unknown"


class Server(ThreadedWSGIServer):
    """Accepts many connections at once, each in a thread of its own."""

    daemon_threads = True
    request_queue_size = 1024

    def __init__(self, host: str, port: int, app: Flask, tls: Optional[tuple[str, str]] = None) -> None:
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
