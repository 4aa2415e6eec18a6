# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""TLS and proxies: who is trusted, and what the environment may decide."""

from __future__ import annotations

import json
import socket
import warnings
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
import trustme

from ansible_collections.community.wpcom.plugins.module_utils._errors import ApiError, ConnectError, WpcomError
from ansible_collections.community.wpcom.plugins.module_utils._http.transport import Transport
from ansible_collections.community.wpcom.tests.simulator import Simulator
from ansible_collections.community.wpcom.tests.unit.support import Naps, Script, as_it_is, json_answer, transport


def read(made: Transport) -> Any:
    """Read the account."""
    return made.get("/me", as_it_is, action="read the account")


def failure(made: Transport) -> WpcomError:
    """Return the error that a read ends with."""
    with pytest.raises(WpcomError) as caught:
        read(made)
    return caught.value


# TLS


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    """A CA that nobody trusts of itself."""
    return trustme.CA()


@pytest.fixture(scope="module")
def bundle(authority: trustme.CA, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The CA as a file."""
    path = tmp_path_factory.mktemp("ca") / "ca.pem"
    authority.cert_pem.write_to_path(str(path))
    return str(path)


def serve(authority: trustme.CA, folder: Path, **more: Any) -> Simulator:
    """Return a simulator with a certificate of a CA."""
    name = more.pop("name", "127.0.0.1")
    certificate = authority.issue_cert(name, **more)
    chain, key = folder / "chain.pem", folder / "key.pem"
    chain.write_bytes(b"".join(blob.bytes() for blob in certificate.cert_chain_pems))
    certificate.private_key_pem.write_to_path(str(key))
    return Simulator(tls=(str(chain), str(key)))


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


def test_certificate_of_an_unknown_authority(tls: Simulator) -> None:
    """It is refused at once, and the option that helps is named."""
    naps = Naps()
    error = failure(transport(tls.url, naps=naps))
    assert isinstance(error, ConnectError)
    assert "certificate is not trusted" in error.message
    assert "ca_path" in error.message
    assert naps == []
    assert tls.requests() == []


def test_authority_in_ca_path(tls: Simulator, bundle: str) -> None:
    """The right CA is all that is needed."""
    assert read(transport(tls.url, ca_path=bundle))["ID"] == 1001


def test_unchecked_certificate(tls: Simulator) -> None:
    """With validate_certs=false anything goes, without a word on standard error."""
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        made = transport(tls.url, validate_certs=False)
        assert read(made)["ID"] == 1001
    assert not [warning for warning in told if "InsecureRequest" in warning.category.__name__]


def test_environment_does_not_overrule_validate_certs(
    tls: Simulator, bundle: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Requests would let REQUESTS_CA_BUNDLE win over a session's verify."""
    other = Path(bundle).with_name("other.pem")
    trustme.CA().cert_pem.write_to_path(str(other))
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.setenv(name, str(other))
    assert "not trusted" in failure(transport(tls.url)).message
    assert read(transport(tls.url, validate_certs=False))["ID"] == 1001
    assert read(transport(tls.url, ca_path=bundle))["ID"] == 1001


@pytest.mark.parametrize("name", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
def test_bundle_from_the_environment(tls: Simulator, bundle: str, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where no option says otherwise, the environment is heard."""
    monkeypatch.setenv(name, bundle)
    assert read(transport(tls.url))["ID"] == 1001


def test_missing_bundle_in_the_environment(tls: Simulator, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The error names the variable, not only a file."""
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "missing.pem"))
    error = failure(transport(tls.url))
    assert isinstance(error, ConnectError)
    assert "missing.pem" in error.message
    assert "REQUESTS_CA_BUNDLE" in error.message
    assert "ca_path" in error.message


@pytest.mark.parametrize(
    "content", ["no PEM at all", "", "-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----\n"]
)
def test_ca_path_that_is_no_pem(tls: Simulator, tmp_path: Path, content: str) -> None:
    """The error names the option."""
    path = tmp_path / "ca.pem"
    path.write_text(content)
    error = failure(transport(tls.url, ca_path=str(path)))
    assert isinstance(error, ConnectError)
    assert "ca_path" in error.message


def test_ca_path_that_is_an_empty_folder(tls: Simulator, tmp_path: Path) -> None:
    """A folder of hashed certificates is fine, an empty one trusts nobody."""
    error = failure(transport(tls.url, ca_path=str(tmp_path)))
    assert isinstance(error, ConnectError)
    assert "ca_path" in error.message


def test_expired_certificate(authority: trustme.CA, bundle: str, tmp_path: Path) -> None:
    """It is refused even where the CA is known."""
    yesterday = datetime.now(timezone.utc).replace(tzinfo=None) - timedelta(days=1)
    expired = serve(authority, tmp_path, not_before=yesterday - timedelta(days=9), not_after=yesterday)
    with expired as simulator:
        error = failure(transport(simulator.url, ca_path=bundle))
        assert isinstance(error, ConnectError)
        assert "expired" in error.message
        assert simulator.requests() == []


def test_certificate_of_another_host(authority: trustme.CA, bundle: str, tmp_path: Path) -> None:
    """A right CA is not enough."""
    with serve(authority, tmp_path, name="other.example.com") as simulator:
        error = failure(transport(simulator.url, ca_path=bundle))
        assert isinstance(error, ConnectError)
        assert "not trusted" in error.message
        assert simulator.requests() == []


def test_https_where_the_server_speaks_http(simulator: Simulator) -> None:
    """The error leads to api_url."""
    error = failure(transport(simulator.url.replace("http:", "https:"), retries=0))
    assert isinstance(error, ConnectError)
    assert "api_url" in error.message


def test_http_where_the_server_speaks_https(tls: Simulator) -> None:
    """So does the other way round."""
    error = failure(transport(tls.url.replace("https:", "http:"), retries=0))
    assert isinstance(error, ConnectError)
    assert "api_url" in error.message


@pytest.mark.parametrize(
    ("changes", "environment", "verify"),
    [
        ({}, None, True),
        ({}, "/env.pem", "/env.pem"),
        ({"ca_path": "/option.pem"}, "/env.pem", "/option.pem"),
        ({"validate_certs": False}, "/env.pem", False),
        ({"validate_certs": False, "ca_path": "/option.pem"}, None, False),
    ],
)
def test_verify_goes_with_every_request(
    changes: dict[str, Any], environment: Any, verify: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is told requests with each one, reads and writes."""
    if environment:
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", environment)
    script = Script(json_answer({"ID": 1}))
    made = transport("https://api.invalid", script=script, **changes)
    read(made)
    made.post("/me", as_it_is, action="write")
    assert [sent.verify for sent in script.sent] == [verify, verify]


# Proxies


@pytest.fixture
def closed_port() -> Iterator[int]:
    """A port where nobody listens."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        yield unused.getsockname()[1]


def test_proxy_from_the_environment(simulator: Simulator, monkeypatch: pytest.MonkeyPatch) -> None:
    """The request goes to the proxy, which here answers it itself."""
    monkeypatch.setenv("HTTP_PROXY", simulator.url)
    monkeypatch.setenv("http_proxy", simulator.url)
    assert read(transport("http://api.example.com"))["ID"] == 1001
    assert len(simulator.requests()) == 1


def test_no_proxy(simulator: Simulator, closed_port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """What NO_PROXY names is asked directly."""
    for name in ("HTTP_PROXY", "http_proxy"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{closed_port}")
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.setenv(name, "127.0.0.1")
    assert read(transport(simulator.url))["ID"] == 1001


@pytest.mark.parametrize("url", ["http://api.example.com", "https://api.example.com"])
@pytest.mark.parametrize("password", ["hunter2secret", "p%40ss%2Fw%3Ard", "%"])
def test_proxy_that_refuses(url: str, password: str, closed_port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """The error leads to the proxy, and its password is in none of it."""
    proxy = f"http://proxyuser:{password}@127.0.0.1:{closed_port}"
    for name in ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy"):
        monkeypatch.setenv(name, proxy)
    error = failure(transport(url, retries=1))
    assert isinstance(error, ConnectError)
    assert "HTTPS_PROXY" in error.message
    if password != "%":
        for text in (error.message, repr(error), str(error.__context__), json.dumps(error.as_result())):
            assert password not in text
            assert "p@ss/w:rd" not in text


def test_proxy_that_wants_a_password(monkeypatch: pytest.MonkeyPatch, simulator: Simulator) -> None:
    """Its own 407 is told as what it is; its echo of the password is masked."""
    proxy = simulator.url.replace("http://", "http://proxyuser:hunter2secret@")
    for name in ("HTTP_PROXY", "http_proxy"):
        monkeypatch.setenv(name, proxy)
    simulator.fault(kind="status", status=407, body="<html>hunter2secret is wrong</html>", times=-1)
    error = failure(transport("http://api.example.com"))
    assert isinstance(error, ApiError)
    assert error.status == 407
    assert "hunter2secret" not in error.message
    assert len(simulator.requests()) == 1


def test_tunnel_that_is_refused(simulator: Simulator, monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy that opens no tunnel to an https host is a clear error, not a traceback."""
    for name in ("HTTPS_PROXY", "https_proxy"):
        monkeypatch.setenv(name, simulator.url)
    error = failure(transport("https://api.example.com", retries=0))
    assert isinstance(error, ConnectError)
    assert "proxy" in error.message


@pytest.mark.parametrize(
    "proxy",
    [
        "http://",
        "http://[::1",
        "nonsense://x",
        "http://user:pass@host:99999",
        ":::",
    ],
)
def test_nonsense_as_a_proxy(proxy: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A variable that is no URL ends in an error of ours."""
    for name in ("HTTP_PROXY", "http_proxy"):
        monkeypatch.setenv(name, proxy)
    with pytest.raises(WpcomError):
        read(transport("http://api.invalid", retries=0))
