# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A TCP relay as far from its clients as WordPress.com is: bytes take half of a round trip in each direction.

Delaying each response, as a server can, leaves out what users pay as well: a round trip for each TCP connection, and another
one for its TLS handshake.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections import deque
from collections.abc import Callable
from typing import Optional, cast


class Lane:
    """One direction of a connection: what is put in comes out after a delay, in order; None ends it."""

    def __init__(self, deliver: Callable[[Optional[bytes]], None]) -> None:
        """Begin empty."""
        self._deliver = deliver
        self._underway: deque[tuple[float, Optional[bytes]]] = deque()
        self._last = 0.0

    def put(self, data: Optional[bytes], due: float) -> None:
        """Have bytes come out at a time of the loop's clock, but not before what was put in earlier."""
        self._last = max(self._last, due)
        self._underway.append((self._last, data))
        if len(self._underway) == 1:
            self._schedule()

    def _schedule(self) -> None:
        asyncio.get_running_loop().call_at(self._underway[0][0], self._arrive)

    def _arrive(self) -> None:
        _due, data = self._underway.popleft()
        self._deliver(data)
        if self._underway:
            self._schedule()


class Server(asyncio.Protocol):
    """The side of the server of one connection."""

    def __init__(self, client: Client) -> None:
        """Belong to a client."""
        self._client = client

    def data_received(self, data: bytes) -> None:
        """Send it to the client."""
        self._client.to_client.put(data, self._client.now() + self._client.relay.round_trip / 2)

    def connection_lost(self, exc: Optional[Exception]) -> None:
        """Close the connection of the client after all that was received."""
        self._client.to_client.put(None, self._client.now() + self._client.relay.round_trip / 2)


class Client(asyncio.Protocol):
    """The side of the client of one connection."""

    def __init__(self, relay: Relay) -> None:
        """Connect to nothing yet."""
        self.relay = relay
        self.to_client = Lane(self._to_client)
        self._to_server = Lane(self._deliver_to_server)
        self._transport: Optional[asyncio.Transport] = None
        self._server: Optional[asyncio.Transport] = None
        self._opened = 0.0
        # What arrives at the server before there is a connection to it.
        self._early: list[Optional[bytes]] = []
        self._connecting: Optional[asyncio.Task[None]] = None

    def now(self) -> float:
        """Return the time of the loop's clock."""
        return asyncio.get_running_loop().time()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Note the time: the system accepts at once what elsewhere takes a round trip."""
        self._transport = cast("asyncio.Transport", transport)
        self._opened = self.now() + self.relay.round_trip
        self._connecting = asyncio.get_running_loop().create_task(self._connect())

    def data_received(self, data: bytes) -> None:
        """Send it to the server; over a connection that does not seem to be open yet, nothing can be sent."""
        self._to_server.put(data, max(self.now(), self._opened) + self.relay.round_trip / 2)

    def connection_lost(self, exc: Optional[Exception]) -> None:
        """Close the connection to the server after all that was sent."""
        self._to_server.put(None, max(self.now(), self._opened) + self.relay.round_trip / 2)

    async def _connect(self) -> None:
        try:
            transport, _protocol = await asyncio.get_running_loop().create_connection(
                lambda: Server(self), "127.0.0.1", self.relay.target
            )
        except OSError:
            self._to_client(None)
            return
        self._server = cast("asyncio.Transport", transport)
        for data in self._early:
            self._deliver_to_server(data)

    def _to_client(self, data: Optional[bytes]) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.close() if data is None else self._transport.write(data)

    def _deliver_to_server(self, data: Optional[bytes]) -> None:
        if self._server is None:
            self._early.append(data)
        elif not self._server.is_closing():
            self._server.close() if data is None else self._server.write(data)


class Relay:
    """Listens on a free port, for connections to another one."""

    def __init__(self, target: int) -> None:
        """Begin without a delay."""
        self.target = target
        # Seconds.
        self.round_trip = 0.0

    async def run(self) -> None:
        """Print the port, then for each line with milliseconds of standard input the same line, until it ends."""
        loop = asyncio.get_running_loop()
        server = await loop.create_server(lambda: Client(self), "127.0.0.1", 0, backlog=1024)
        reader = asyncio.StreamReader()
        await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
        print(server.sockets[0].getsockname()[1], flush=True)
        while line := await reader.readline():
            self.round_trip = int(line) / 1000
            print(line.decode().strip(), flush=True)
        # Whoever started it has ended, and with it all that was connected.
        os._exit(0)


if __name__ == "__main__":
    asyncio.run(Relay(int(sys.argv[1])).run())
