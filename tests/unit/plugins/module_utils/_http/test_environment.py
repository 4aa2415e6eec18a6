# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a connection starts from, by its options."""

from __future__ import annotations

import dataclasses
import socket
import threading
from typing import Any
from unittest import mock

import pytest

from ansible_collections.community.wpcom.plugins.module_utils._errors import OptionError
from ansible_collections.community.wpcom.plugins.module_utils._http import environment
from ansible_collections.community.wpcom.tests.unit.support import options

API = "https://public-api.wordpress.com"
ADDRESSES = [(0, 0, 0, "", (address, 443)) for address in ("192.0.2.1", "192.0.2.1", "192.0.2.2")]


def read(url: str = API, *, proxy: str = "", verify: Any = True, addresses: Any = None, **given: Any) -> dict[str, Any]:
    """Return what differs between what is read and what is read of the API itself, which took three seconds."""
    with (
        mock.patch.object(environment.socket, "getaddrinfo", side_effect=addresses or [ADDRESSES]) as resolved,
        mock.patch.object(environment.time, "monotonic", side_effect=[10.0, 13.0]),
    ):
        proxies = {"https": proxy} if proxy else {}
        found = dataclasses.asdict(environment.read_environment(options(url, **given), proxies, verify))
    assert resolved.call_args is None or resolved.call_args[0] == (found["host"], found["port"])
    return {key: value for key, value in found.items() if key != "versions" and value != EXPECTED[key]}


EXPECTED: dict[str, Any] = {
    "scheme": "https",
    "host": "public-api.wordpress.com",
    "port": 443,
    "addresses": 2,
    "resolution_error": "",
    "seconds": 3.0,
    "proxy": "",
    "is_default_api": True,
    "is_loopback": False,
    "has_token": True,
    "validate_certs": True,
    "own_ca": False,
    "http_envelope": False,
    "token_error": "",
    "token_error_code": "",
}


@pytest.mark.parametrize(
    ("given", "differences"),
    [
        ({}, {}),
        (
            {"url": "http://localhost"},
            {"scheme": "http", "host": "localhost", "port": 80, "is_default_api": False, "is_loopback": True},
        ),
        ({"url": f"{API}:8443"}, {"port": 8443, "is_default_api": False}),
        (
            {"proxy": "http://ada:secret@proxy.example.com:3128"},
            {"addresses": None, "proxy": "proxy.example.com:3128"},
        ),
        ({"verify": "/etc/own.pem"}, {"own_ca": True}),
        ({"verify": False, "validate_certs": False}, {"validate_certs": False}),
        ({"api_token": None}, {"has_token": False}),
        ({"http_envelope": True}, {"http_envelope": True}),
        (
            {"token_error": OptionError("The file is empty.", code="invalid_token_file")},
            {"token_error": "The file is empty.", "token_error_code": "invalid_token_file"},
        ),
        (
            {"addresses": socket.gaierror(-2, "Name or service not known")},
            {"addresses": None, "resolution_error": "Name or service not known"},
        ),
        ({"addresses": OSError()}, {"addresses": None, "resolution_error": "OSError"}),
    ],
)
def test_environment(given: dict[str, Any], differences: dict[str, Any]) -> None:
    assert read(**given) == differences


def test_versions() -> None:
    with mock.patch.object(environment.socket, "getaddrinfo", return_value=ADDRESSES):
        versions = dict(environment.read_environment(options(API), {}, True).versions)
    assert list(versions) == ["collection", "ansible", "python", "requests"]
    assert all(version[0].isdigit() for version in versions.values())


def test_resolver_that_takes_a_while() -> None:
    responds = threading.Event()
    with mock.patch.object(
        environment.socket, "getaddrinfo", side_effect=lambda *_arguments, **_more: responds.wait(0.05) or ADDRESSES
    ):
        found = environment.read_environment(options(API), {}, True)
    assert (found.addresses, found.resolution_error) == (2, "")


def test_resolver_that_never_responds() -> None:
    """It is not waited for, not even at the end of the process."""
    responds, before = threading.Event(), set(threading.enumerate())
    with mock.patch.object(
        environment.socket, "getaddrinfo", side_effect=lambda *_arguments, **_more: responds.wait(9) and ADDRESSES
    ):
        found = environment.read_environment(options(API, timeout=0.01), {}, True)
        (waiting,) = set(threading.enumerate()) - before
        assert waiting.daemon
        responds.set()
        waiting.join()
    assert (found.addresses, found.resolution_error) == (None, "no response within 0.01 seconds")
