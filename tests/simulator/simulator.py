# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The simulator as tests in Python use it."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Optional

from .app import make_app
from .core import Core
from .server import Server
from .world import Record, WorldSource, load_document


class Simulator:
    """A WordPress.com in a thread, with the control interface as methods."""

    def __init__(
        self,
        world: WorldSource = None,
        switches: Optional[Mapping[str, Any]] = None,
        tls: Optional[tuple[str, str]] = None,
        port: int = 0,
        latency_ms: float = 0,
        host: str = "127.0.0.1",
    ) -> None:
        """Load the world and bind to a port; with port 0 to a free one."""
        self.core = Core(world, switches, latency_ms)
        self.server = Server(host, port, make_app(self.core), tls)
        self.url = self.server.url
        self._thread: Optional[threading.Thread] = None

    def start(self) -> Simulator:
        """Begin to answer."""
        if self._thread is None:
            self._thread = threading.Thread(
                target=self.server.serve_forever, kwargs={"poll_interval": 0.02}, name="simulator", daemon=True
            )
            self._thread.start()
        return self

    def stop(self) -> None:
        """End: close the port and all connections."""
        if self._thread is not None:
            self.server.shutdown()
            self._thread.join()
            self._thread = None
        self.server.close()

    def __enter__(self) -> Simulator:
        """Begin to answer."""
        return self.start()

    def __exit__(
        self, kind: Optional[type[BaseException]], error: Optional[BaseException], trace: Optional[TracebackType]
    ) -> None:
        """End."""
        self.stop()

    def requests(self, method: Optional[str] = None, path: Optional[str] = None) -> list[Record]:
        """Return the request log, by method and by a regular expression for the path."""
        return self.core.requests(method, path)

    def clear_requests(self) -> None:
        """Empty the request log."""
        self.core.clear_requests()

    def fault(self, **fault: Any) -> None:
        """Have the simulator misbehave."""
        self.core.add_faults(fault)

    def clear_faults(self) -> None:
        """Have it behave again."""
        self.core.clear_faults()

    def reset(self, world: WorldSource = None, switches: Optional[Mapping[str, Any]] = None) -> None:
        """Go back to the seed, or to another world."""
        self.core.reset(load_document(world) if isinstance(world, (str, Path)) else world, switches)

    def state(self) -> dict[str, list[Record]]:
        """Return the world in raw form."""
        return self.core.state()

    def patch(self, changes: Optional[Mapping[str, Any]] = None, **sections: Any) -> None:
        """Change the world in raw form."""
        self.core.patch({**(changes or {}), **sections})

    def settings(self, **settings: Any) -> dict[str, Any]:
        """Change settings, if any are given, and return all."""
        self.core.change_settings(settings)
        return self.core.settings()
