# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Certificates and closed ports."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest
import trustme

from ansible_collections.community.wpcom.tests.simulator import Simulator
from ansible_collections.community.wpcom.tests.unit.plugins.module_utils._http.support import serve


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    """A CA that is not trusted by default."""
    return trustme.CA()


@pytest.fixture(scope="module")
def bundle(authority: trustme.CA, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The CA as a file."""
    path = tmp_path_factory.mktemp("ca") / "ca.pem"
    authority.cert_pem.write_to_path(str(path))
    return str(path)


@pytest.fixture(scope="module")
def secured(authority: trustme.CA, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulator]:
    """A simulator with TLS."""
    with serve(authority, tmp_path_factory.mktemp("tls")) as simulator:
        yield simulator


@pytest.fixture
def tls(secured: Simulator) -> Simulator:
    """The same as new."""
    secured.reset()
    return secured


@pytest.fixture
def closed_port() -> Iterator[int]:
    """A port that refuses connections."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        yield unused.getsockname()[1]
