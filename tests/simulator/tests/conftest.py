# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the simulator's own tests share: one simulator for each worker, new for each test, and a plain client."""

from __future__ import annotations

from typing import Any, Optional

import pytest
import requests

from .. import Simulator


class Client:
    """Sends requests as somebody, over one connection."""

    def __init__(self, simulator: Simulator, token: Optional[str] = "sim-token") -> None:
        self.simulator = simulator
        self.session = requests.Session()
        self.session.trust_env = False
        if token is not None:
            self.session.headers["Authorization"] = f"Bearer {token}"

    def send(self, method: str, path: str, **more: Any) -> requests.Response:
        """Send a request to a path under the REST root."""
        return self.session.request(
            method, f"{self.simulator.url}/rest/v1.1{path}", allow_redirects=False, timeout=20, **more
        )

    def get(self, path: str, **query: Any) -> requests.Response:
        """Read."""
        return self.send("GET", path, params=query)

    def post(self, path: str, body: Any = None, **more: Any) -> requests.Response:
        """Write, with a JSON body."""
        return self.send("POST", path, **({"json": body} if body is not None else {}), **more)

    def ids(self, path: str, **query: Any) -> list[int]:
        """Return the numbers of the connections in a list."""
        answer = self.get(path, **query)
        assert answer.status_code == 200, answer.text
        return [row["ID"] for row in answer.json()["connections"]]


@pytest.fixture
def ada(simulator: Simulator) -> Client:
    """A client with the token of the default user."""
    return Client(simulator)


@pytest.fixture
def grace(simulator: Simulator) -> Client:
    """A client of an editor of site 3001 and administrator of 3003."""
    return Client(simulator, "sim-token-grace")


@pytest.fixture
def linus(simulator: Simulator) -> Client:
    """A client of an author of site 3001."""
    return Client(simulator, "sim-token-author")


@pytest.fixture
def nobody(simulator: Simulator) -> Client:
    """A client without a token."""
    return Client(simulator, None)


def error(response: requests.Response) -> tuple[int, str]:
    """Return status and slug of an error."""
    body = response.json()
    assert isinstance(body["message"], str)
    assert body["message"]
    return response.status_code, body["error"]
