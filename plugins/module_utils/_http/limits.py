# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Limits of a response: its size, and the time until it is complete, from the status line to the last byte of the body."""

from __future__ import annotations

import io
import socket
import time
import zlib
from collections.abc import Iterator
from http.client import HTTPResponse
from typing import TYPE_CHECKING, Any

from .certificates import SharedContexts

try:
    from requests.adapters import HTTPAdapter
except ImportError:
    # Nothing is sent then, so nothing needs a limit.
    HTTPAdapter = object  # type: ignore[assignment, misc]

if TYPE_CHECKING:
    import requests

# 10,000 connections take 11 MB, and 43 MB with everything that meta can add to them.
MAX_BYTES = 64 * 2**20
# A response that arrives byte by byte never exceeds the timeout, which is that of a single read.
TIMEOUTS_PER_RESPONSE = 5
_CHUNK_BYTES = 64 * 2**10


class ResponseLimitError(OSError):
    """A response exceeds a limit, and is not read any further."""


class LargeResponseError(ResponseLimitError):
    """The response is larger than MAX_BYTES, on the wire or decoded."""


class SlowResponseError(ResponseLimitError):
    """The response is not complete after TIMEOUTS_PER_RESPONSE times the timeout."""


class LimitedAdapter(HTTPAdapter):
    """The adapter of requests, whose connections limit the time and the bytes of a response, headers included."""

    def init_poolmanager(self, *arguments: Any, **more: Any) -> None:
        """Create the pools of direct connections."""
        super().init_poolmanager(*arguments, **more)
        self._contexts = SharedContexts()
        _limit(self.poolmanager, self._contexts)

    def proxy_manager_for(self, proxy: Any, **more: Any) -> Any:
        """Return the pools of connections through a proxy."""
        known = proxy in self.proxy_manager
        manager = super().proxy_manager_for(proxy, **more)
        if not known:
            # A proxy that is reached over TLS itself is verified with the certificates of the connection.
            _limit(manager, self._contexts if str(proxy).startswith("http://") else None)
        return manager


def read_body(received: requests.Response) -> str:
    """Return the decoded body of a response that is streamed.

    Raises ResponseLimitError, zlib.error, and what urllib3 raises.

    Text that is not UTF-8 becomes U+FFFD, and a byte order mark is dropped, as a careless plugin of a site puts one first.
    """
    try:
        announced = received.headers.get("Content-Length", "")
        if announced.isdigit() and (len(announced) > len(str(MAX_BYTES)) or int(announced) > MAX_BYTES):
            raise LargeResponseError(f"{announced[:20]} bytes are announced")
        chunks = iter(lambda: received.raw.read(_CHUNK_BYTES, decode_content=False), b"")
        body = bytearray()
        for data in _decoded(chunks, received.headers.get("Content-Encoding", "")):
            body += data
            if len(body) > MAX_BYTES:
                raise LargeResponseError("the body is larger once it is decoded")
        return body.decode("utf-8-sig", errors="replace")
    finally:
        # A connection whose response was read to its end has gone back to its pool before.
        received.close()


def _decoded(chunks: Iterator[bytes], encoding: str) -> Iterator[bytes]:
    """Yield the decoded body in pieces of a limited size. Raises zlib.error, also for an encoding that was not requested."""
    # Decoded here: requests hands over all that a chunk decodes to, which is a thousand times as much, for each encoding.
    names = [name for name in encoding.lower().replace(" ", "").split(",") if name not in ("", "identity")]
    if not names:
        yield from chunks
        return
    if names not in (["gzip"], ["x-gzip"], ["deflate"]):
        raise zlib.error(f"the encoding {encoding[:100]!r} was not requested")
    # Both formats of zlib; a body of several members ends with the first.
    decoder = zlib.decompressobj(zlib.MAX_WBITS | 32)
    for chunk in chunks:
        pending = chunk
        while pending and not decoder.eof:
            yield decoder.decompress(pending, _CHUNK_BYTES)
            pending = decoder.unconsumed_tail


def _limit(manager: Any, contexts: SharedContexts | None = None) -> None:
    """Have the connections of a pool manager read their responses with limits, and share TLS contexts."""

    def limited(scheme: str, pool: type[Any]) -> type[Any]:
        connection = type("LimitedConnection", (pool.ConnectionCls,), {"response_class": _LimitedResponse})
        if contexts is not None and scheme == "https":
            connection = contexts.connection_class(connection)
        return type("LimitedPool", (pool,), {"ConnectionCls": connection})

    manager.pool_classes_by_scheme = {
        scheme: limited(scheme, pool) for scheme, pool in manager.pool_classes_by_scheme.items()
    }


class _LimitedResponse(HTTPResponse):
    """A response of http.client, which by itself limits neither interim responses nor trailers nor time."""

    def __init__(self, sock: Any, *arguments: Any, **more: Any) -> None:
        super().__init__(sock, *arguments, **more)
        # Nothing was read yet.
        self.fp.close()
        self.fp = io.BufferedReader(_LimitedReader(sock))


class _LimitedReader(io.RawIOBase):
    """What is read from a socket for one response."""

    def __init__(self, sock: Any) -> None:
        self._socket = sock
        # It also keeps the socket open for as long as the response is read.
        self._reader = sock.makefile("rb", buffering=0)
        self._timeout = sock.gettimeout()
        self._deadline = None if self._timeout is None else time.monotonic() + TIMEOUTS_PER_RESPONSE * self._timeout
        self._left = MAX_BYTES

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        if self._deadline is not None:
            remaining = self._deadline - time.monotonic()
            if remaining <= 0:
                raise SlowResponseError("the response was not complete in time")
            if remaining < self._timeout:
                self._socket.settimeout(remaining)
        try:
            number: int | None = self._reader.readinto(buffer)
        except socket.timeout:
            if self._deadline is not None and time.monotonic() >= self._deadline:
                raise SlowResponseError("the response was not complete in time") from None
            raise
        self._left -= number or 0
        if self._left < 0:
            raise LargeResponseError("more bytes than that were received")
        return number

    def close(self) -> None:
        try:
            self._reader.close()
        finally:
            super().close()
