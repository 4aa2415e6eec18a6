# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Certificates are read once for a session, and each way to verify remains what it was."""

from __future__ import annotations

import shutil
import ssl
import threading
from pathlib import Path
from typing import Any, Optional

import pytest
import trustme
from urllib3.exceptions import SSLError

from ansible_collections.community.wpcom.plugins.module_utils._errors import ConnectError
from ansible_collections.community.wpcom.plugins.module_utils._http import certificates
from ansible_collections.community.wpcom.plugins.module_utils._http.certificates import SharedContexts, prepare
from ansible_collections.community.wpcom.plugins.module_utils._http.limits import LimitedAdapter
from ansible_collections.community.wpcom.plugins.module_utils._parallel import for_each
from ansible_collections.community.wpcom.tests.simulator import Simulator
from ansible_collections.community.wpcom.tests.unit.support import transport

from .support import failure, read, serve

PARALLEL = 4


@pytest.fixture
def readings(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Return the list of bundles, to which each that is read is added; none is prepared."""
    made: list[Any] = []
    load = ssl.SSLContext.load_verify_locations

    def count(context: ssl.SSLContext, *arguments: Any, **more: Any) -> None:
        made.append(arguments[0])
        load(context, *arguments, **more)

    monkeypatch.setattr(ssl.SSLContext, "load_verify_locations", count)
    monkeypatch.setattr(certificates, "_prepared", {})
    return made


def test_certificates_are_read_once_for_all_connections(tls: Simulator, bundle: str, readings: list[Any]) -> None:
    tls.fault(kind="delay", seconds=0.3, times=-1)
    made = transport(tls.url, ca_path=bundle, parallel=PARALLEL)
    assert [one["ID"] for one in for_each(lambda _number: read(made), range(2 * PARALLEL), PARALLEL)] == [1001] * 8
    assert len({request["connection"] for request in tls.requests()}) == PARALLEL
    assert readings == [bundle]


def test_each_way_to_verify_has_its_own_context(bundle: str, tmp_path: Path) -> None:
    contexts = SharedContexts()
    other = tmp_path / "other.pem"
    shutil.copyfile(bundle, other)
    first = contexts.context("CERT_REQUIRED", bundle, None)
    assert first.verify_mode == ssl.CERT_REQUIRED
    assert contexts.context("CERT_REQUIRED", bundle, None) is first
    others = [
        contexts.context("CERT_REQUIRED", str(other), None),
        contexts.context("CERT_REQUIRED", None, str(tmp_path)),
        contexts.context("CERT_NONE", bundle, None),
    ]
    assert len({id(context) for context in [first, *others]}) == 4


def test_threads_wait_for_the_one_that_reads(bundle: str) -> None:
    contexts = SharedContexts()
    start = threading.Barrier(PARALLEL)

    def get(_number: int) -> int:
        start.wait(10)
        return id(contexts.context("CERT_REQUIRED", bundle, None))

    assert len(set(for_each(get, range(PARALLEL), PARALLEL))) == 1


def test_unreadable_bundle_is_read_again(tmp_path: Path, bundle: str) -> None:
    contexts = SharedContexts()
    path = tmp_path / "late.pem"
    with pytest.raises(SSLError):
        contexts.context("CERT_REQUIRED", str(path), None)
    shutil.copyfile(bundle, path)
    assert contexts.context("CERT_REQUIRED", str(path), None).get_ca_certs()


def test_servers_are_verified_on_each_connection(authority: trustme.CA, bundle: str, tmp_path: Path) -> None:
    with serve(authority, tmp_path) as simulator:
        made = transport(simulator.url, ca_path=bundle, retries=0)
        assert read(made)["ID"] == 1001
        port = int(simulator.url.rpartition(":")[2])
    # What has taken over the address since then.
    with serve(trustme.CA(), tmp_path, port=port) as impostor:
        error = failure(made)
        assert isinstance(error, ConnectError)
        assert "certificate is not trusted" in error.message
        assert impostor.requests() == []


def test_without_certificates_nothing_is_shared(tls: Simulator, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []
    monkeypatch.setattr(SharedContexts, "context", lambda self, *arguments: asked.append(arguments))
    assert read(transport(tls.url, validate_certs=False))["ID"] == 1001
    assert asked == []


@pytest.mark.parametrize(("proxy", "is_shared"), [("http://127.0.0.1:1", True), ("https://127.0.0.1:1", False)])
def test_proxies_with_tls_are_verified_by_urllib3(proxy: str, is_shared: bool) -> None:
    manager = LimitedAdapter().proxy_manager_for(proxy)
    connection = manager.pool_classes_by_scheme["https"].ConnectionCls
    assert [one.__name__ for one in connection.__mro__].count("SharedContextConnection") == int(is_shared)


@pytest.mark.parametrize("name", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
def test_prepared_certificates_are_not_read_again(
    name: str, tls: Simulator, bundle: str, readings: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("REQUESTS_CA_BUNDLE", raising=False)
    monkeypatch.setenv(name, bundle)
    prepare()
    assert readings == [bundle]
    for _session in range(2):
        assert read(transport(tls.url))["ID"] == 1001
    assert readings == [bundle]


def test_default_certificates_are_prepared(
    readings: list[Any], tls: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
    prepare()
    assert len(readings) == 1
    error = failure(transport(tls.url, retries=0))
    assert "certificate is not trusted" in error.message
    assert len(readings) == 1


def test_changed_bundle_is_read_again(
    authority: trustme.CA,
    bundle: str,
    tls: Simulator,
    tmp_path: Path,
    readings: list[Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    path = tmp_path / "renewed.pem"
    trustme.CA().cert_pem.write_to_path(str(path))
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(path))
    prepare()
    assert "certificate is not trusted" in failure(transport(tls.url, retries=0)).message
    path.write_bytes(Path(bundle).read_bytes() + b"\n")
    assert read(transport(tls.url))["ID"] == 1001
    assert readings == [str(path)] * 2
    path.unlink()
    assert "renewed.pem" in failure(transport(tls.url, retries=0)).message


def test_prepared_certificates_are_only_those_of_the_environment(
    tls: Simulator, bundle: str, tmp_path: Path, readings: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", bundle)
    prepare()
    other = tmp_path / "other.pem"
    trustme.CA().cert_pem.write_to_path(str(other))
    assert "certificate is not trusted" in failure(transport(tls.url, ca_path=str(other), retries=0)).message
    assert readings == [bundle, str(other)]
    contexts = SharedContexts()
    assert contexts.context("CERT_NONE", bundle, None).verify_mode == ssl.CERT_NONE
    assert contexts.context("CERT_REQUIRED", bundle, None).verify_mode == ssl.CERT_REQUIRED


@pytest.mark.parametrize("content", [None, "no certificates"])
def test_what_cannot_be_read_is_reported_by_the_session(
    content: Optional[str], tls: Simulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, readings: list[Any]
) -> None:
    path = tmp_path / "bundle.pem"
    if content is not None:
        path.write_text(content)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(path))
    prepare()
    assert isinstance(failure(transport(tls.url, retries=0)), ConnectError)
