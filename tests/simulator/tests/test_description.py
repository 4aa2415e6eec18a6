# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The description of the API is complete."""

from __future__ import annotations

from pathlib import Path

import yaml

from .. import Simulator
from ..endpoints import ENDPOINTS
from .conftest import Client

# The page of an authorization is for browsers.
OAUTH = {"O2", "O3", "O4", "O5", "O6", "O7"}
DOCUMENT = Path(__file__).parents[1] / "openapi.yaml"


def test_every_endpoint_is_described() -> None:
    """Nothing is served that is not described, nor the other way round."""
    document = yaml.safe_load(DOCUMENT.read_text(encoding="utf-8"))
    described_names = {
        operation["operationId"]
        for path in document["paths"].values()
        for method, operation in path.items()
        if method in ("get", "post")
    }
    assert described_names == {endpoint.name for endpoint in ENDPOINTS} | OAUTH


def test_all_keys_of_whole_lists_are_described(simulator: Simulator) -> None:
    """Without `fields`, records in lists are as complete as single ones."""
    document = yaml.safe_load(DOCUMENT.read_text(encoding="utf-8"))["components"]["schemas"]
    client = Client(simulator)
    for path, name in (
        ("/me/publicize-connections", "PublicizeConnection"),
        ("/me/keyring-connections", "KeyringConnection"),
    ):
        for row in client.get(path).json()["connections"]:
            assert set(row) == set(document[name]["required"])
    for row in client.get("/meta/external-services").json()["services"].values():
        assert set(document["Service"]["required"]) <= set(row)
