# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What several tests of the transport share."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Callable

import pytest
import trustme

from ansible_collections.community.wpcom.plugins.module_utils._errors import WpcomError
from ansible_collections.community.wpcom.plugins.module_utils._http.request import Request
from ansible_collections.community.wpcom.plugins.module_utils._http.transport import Transport
from ansible_collections.community.wpcom.tests.simulator import Simulator
from ansible_collections.community.wpcom.tests.unit.support import as_it_is, json_response

ME = {"ID": 1}

OK = json_response(ME)


def read(made: Transport, path: str = "/me", parse: Callable[[Any], Any] = as_it_is, **more: Any) -> Any:
    """Read a path; any JSON is right unless ``parse`` says otherwise."""
    return made.send(Request("GET", path, "read the account", **more)).parse(parse)


def write(
    made: Transport,
    path: str = "/me/publicize-connections/5001/delete",
    parse: Callable[[Any], Any] = as_it_is,
    **more: Any,
) -> Any:
    """Write to a path; any JSON is right unless ``parse`` says otherwise."""
    return made.send(Request("POST", path, "delete it", **{"body": {}, **more})).parse(parse)


def failure(made: Transport, path: str = "/me") -> WpcomError:
    """Return the error that a read ends with."""
    with pytest.raises(WpcomError) as caught:
        read(made, path)
    return caught.value


def write_failure(made: Transport) -> WpcomError:
    """Return the error that a write ends with."""
    with pytest.raises(WpcomError) as caught:
        write(made)
    return caught.value


def serve(authority: trustme.CA, folder: Path, **more: Any) -> Simulator:
    """Return a simulator with a certificate of a CA."""
    name, port = more.pop("name", "127.0.0.1"), more.pop("port", 0)
    certificate = authority.issue_cert(name, **more)
    chain, key = folder / "chain.pem", folder / "key.pem"
    chain.write_bytes(b"".join(blob.bytes() for blob in certificate.cert_chain_pems))
    certificate.private_key_pem.write_to_path(str(key))
    return Simulator(tls=(str(chain), str(key)), port=port)
