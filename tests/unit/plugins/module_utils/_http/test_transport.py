# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is sent: parameters, token, connection, redirects, the check mode guard, TLS and proxies."""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
import trustme

from ansible_collections.community.wpcom.plugins.module_utils._errors import (
    ApiError,
    CheckModeError,
    ConnectError,
    OptionError,
    ResponseError,
)
from ansible_collections.community.wpcom.plugins.module_utils._http.transport import VERSION
from ansible_collections.community.wpcom.tests.simulator import Simulator
from ansible_collections.community.wpcom.tests.unit.plugins.module_utils._http.support import (
    OK,
    failure,
    read,
    write,
    write_failure,
)
from ansible_collections.community.wpcom.tests.unit.support import (
    NOWHERE,
    TOKEN,
    Naps,
    Script,
    ScriptedResponse,
    json_response,
    transport,
)


def test_no_write_leaves_in_check_mode(simulator: Simulator) -> None:
    before = simulator.state()
    made = transport(simulator.url, check_mode=True)
    with pytest.raises(CheckModeError) as caught:
        write(made)
    assert caught.value.code == "write_in_check_mode"
    assert simulator.requests() == []
    assert read(made)["ID"] == 1001
    assert simulator.state() == before


@pytest.fixture(scope="module")
def elsewhere() -> Iterator[Simulator]:
    """Another host, which must never be asked anything."""
    with Simulator() as other:
        yield other


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("place", ["other host", "same host", "relative"])
def test_redirect_is_never_followed(
    simulator: Simulator, elsewhere: Simulator, status: int, method: str, place: str
) -> None:
    """A redirect would receive the token, and turn a write into a read."""
    path = "/rest/v1.1/me/publicize-connections/5001/delete"
    location = {"other host": elsewhere.url + path, "same host": simulator.url + path, "relative": path}[place]
    simulator.fault(kind="redirect", status=status, location=location, times=-1)
    made = transport(simulator.url)
    error = failure(made) if method == "GET" else write_failure(made)
    assert error.__class__ is ResponseError
    assert (error.status, error.code) == (status, "unexpected_response")
    assert f"redirected to {location}" in error.message
    assert "set api_url" in error.message
    assert len(simulator.requests()) == 1
    assert elsewhere.requests() == []


@pytest.mark.parametrize(
    "location",
    [
        "http://api.invalid/rest/v1.1/me",
        "//other.invalid/",
        "ftp://other.invalid/",
        "javascript:alert(1)",
        "",
        "x" * 5000,
        "http://other.invalid:99999/",
        "http://\u00e4\u00f6.invalid/\u00ff",
        "http://[half-an-address/",
        "https://\u2100.invalid/",
    ],
)
def test_redirect_to_a_strange_location(location: str) -> None:
    script = Script(ScriptedResponse(302, "", {"Location": location}))
    error = failure(transport("https://api.invalid", script=script))
    assert isinstance(error, (ResponseError, ConnectError))
    assert len(error.message) < 1000
    assert len(script.sent) == 1


def test_request() -> None:
    script = Script(OK)
    made = transport(NOWHERE + "/prefix", script=script, timeout=7)
    read(made, "/me/sites", params={"yes": True, "no": False, "none": None, "text": "a b", "number": 5, "empty": ""})
    (sent,) = script.sent
    assert sent.request.method == "GET"
    assert sent.request.url == NOWHERE + "/prefix/rest/v1.1/me/sites?yes=1&text=a+b&number=5&empty="
    assert sent.request.headers["Authorization"] == f"Bearer {TOKEN}"
    assert sent.request.headers["Accept"] == "application/json"
    assert sent.request.headers["User-Agent"].startswith(f"community.wpcom/{VERSION} python-requests/")
    assert sent.request.body is None
    assert sent.timeout == 7


def test_body_is_json() -> None:
    script = Script(OK)
    write(transport(script=script), body={"shared": False, "external_user_ID": "112"})
    (sent,) = script.sent
    assert sent.request.headers["Content-Type"] == "application/json"
    assert json.loads(sent.request.body or "") == {"shared": False, "external_user_ID": "112"}


def test_write_without_body() -> None:
    script = Script(OK)
    write(transport(script=script))
    assert script.sent[0].request.method == "POST"
    assert script.sent[0].request.body in (b"{}", "{}", None)


def test_no_request_without_a_token() -> None:
    script = Script(OK)
    made = transport(script=script, api_token=None)
    error = failure(made)
    assert isinstance(error, OptionError)
    assert error.code == "missing_token"
    assert "WPCOM_API_TOKEN" in error.message
    assert write_failure(made).code == "missing_token"
    assert script.sent == []


def test_public_endpoint_does_not_require_a_token(simulator: Simulator) -> None:
    """Services can be read by anyone; a token is sent where there is one."""
    read(transport(simulator.url, api_token=None), "/meta/external-services/", public=True)
    read(transport(simulator.url), "/meta/external-services/", public=True)
    assert [entry["authorization"] for entry in simulator.requests()] == ["none", "bearer"]


def test_connection_is_kept(simulator: Simulator) -> None:
    """All requests of a task, errors and writes among them, use one TCP connection."""
    made = transport(simulator.url)
    for path in ("/me", "/me/sites", "/me/keyring-connections/"):
        read(made, path)
    failure(made, "/me/publicize-connections/1")
    write(made)
    made.close()
    assert len(simulator.requests()) == 5
    assert len({entry["connection"] for entry in simulator.requests()}) == 1


def test_netrc_does_not_replace_the_token(
    simulator: Simulator, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Requests sends what ~/.netrc says in place of the header that it is given."""
    for name in (".netrc", "_netrc"):
        (tmp_path / name).write_text("machine 127.0.0.1\nlogin ada\npassword secret\ndefault login x password y\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    for netrc in (None, str(tmp_path / ".netrc")):
        if netrc:
            monkeypatch.setenv("NETRC", netrc)
        assert requests.utils.get_netrc_auth(simulator.url), "the trap is set"
        assert read(transport(simulator.url))["ID"] == 1001
        read(transport(simulator.url, api_token=None), "/meta/external-services/", public=True)
    assert [entry["authorization"] for entry in simulator.requests()] == ["bearer", "none"] * 2


def test_envelope_is_unwrapped(simulator: Simulator) -> None:
    made = transport(simulator.url, http_envelope=True)
    assert read(made)["ID"] == 1001
    assert write(made) == {"ID": 5001, "deleted": True}
    assert [entry["query"] for entry in simulator.requests()] == [{"http_envelope": "1"}] * 2


def test_envelope_holds_errors(simulator: Simulator) -> None:
    made = transport(simulator.url, http_envelope=True)
    error = failure(made, "/me/publicize-connections/999")
    assert isinstance(error, ApiError)
    assert error.is_not_found
    assert isinstance(failure(made, "/no/such/route"), ApiError)
    assert [entry["status"] for entry in simulator.requests()] == [200, 200]


def test_retry_after_within_an_envelope(simulator: Simulator) -> None:
    body = {"error": "busy", "message": "Later."}
    simulator.fault(kind="status", status=429, headers={"Retry-After": "3"}, body=body, envelope=True)
    naps = Naps()
    assert read(transport(simulator.url, http_envelope=True, naps=naps))["ID"] == 1001
    assert naps == [3]


@pytest.mark.parametrize("status", [502, 429])
def test_response_of_a_proxy_without_an_envelope(simulator: Simulator, status: int) -> None:
    simulator.fault(kind="status", status=status, body="<html>Proxy</html>", headers={"Retry-After": "2"})
    naps = Naps()
    assert read(transport(simulator.url, http_envelope=True, naps=naps))["ID"] == 1001
    assert naps == [2]


def test_authority_in_ca_path(tls: Simulator, bundle: str) -> None:
    assert read(transport(tls.url, ca_path=bundle))["ID"] == 1001


def test_unchecked_certificate(tls: Simulator) -> None:
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        made = transport(tls.url, validate_certs=False)
        assert read(made)["ID"] == 1001
    assert not [warning for warning in told if "InsecureRequest" in warning.category.__name__]


def test_environment_does_not_overrule_validate_certs(
    tls: Simulator, bundle: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Requests lets REQUESTS_CA_BUNDLE win over the verify of a session."""
    other = Path(bundle).with_name("other.pem")
    trustme.CA().cert_pem.write_to_path(str(other))
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.setenv(name, str(other))
    assert "not trusted" in failure(transport(tls.url)).message
    assert read(transport(tls.url, validate_certs=False))["ID"] == 1001
    assert read(transport(tls.url, ca_path=bundle))["ID"] == 1001


@pytest.mark.parametrize("name", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
def test_bundle_from_the_environment(tls: Simulator, bundle: str, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, bundle)
    assert read(transport(tls.url))["ID"] == 1001


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
    if environment:
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", environment)
    script = Script(json_response({"ID": 1}))
    made = transport("https://api.invalid", script=script, **changes)
    read(made)
    write(made, "/me")
    assert [sent.verify for sent in script.sent] == [verify, verify]


def test_proxy_from_the_environment(simulator: Simulator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", simulator.url)
    monkeypatch.setenv("http_proxy", simulator.url)
    assert read(transport("http://api.example.com"))["ID"] == 1001
    assert len(simulator.requests()) == 1


def test_no_proxy(simulator: Simulator, closed_port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{closed_port}")
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.setenv(name, "127.0.0.1")
    assert read(transport(simulator.url))["ID"] == 1001


def test_proxy_that_requires_a_password(monkeypatch: pytest.MonkeyPatch, simulator: Simulator) -> None:
    proxy = simulator.url.replace("http://", "http://proxyuser:hunter2secret@")
    for name in ("HTTP_PROXY", "http_proxy"):
        monkeypatch.setenv(name, proxy)
    simulator.fault(kind="status", status=407, body="<html>hunter2secret is wrong</html>", times=-1)
    error = failure(transport("http://api.example.com"))
    assert isinstance(error, ApiError)
    assert error.status == 407
    assert "hunter2secret" not in error.message
    assert len(simulator.requests()) == 1
