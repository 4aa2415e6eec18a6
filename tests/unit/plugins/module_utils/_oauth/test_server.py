# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The document of a token, and how requests of OAuth differ from those of the API."""

from __future__ import annotations

import json
from datetime import datetime, timezone
from typing import Any
from urllib.parse import parse_qs

import pytest

from ansible_collections.community.wpcom.plugins.module_utils._errors import ApiError, ResponseError
from ansible_collections.community.wpcom.plugins.module_utils._http.transport import Transport
from ansible_collections.community.wpcom.plugins.module_utils._oauth.server import (
    CLASSIC,
    MODERN,
    AuthorizationServer,
    endpoint_prefix,
    token_document,
)
from ansible_collections.community.wpcom.tests.unit.support import (
    NOWHERE,
    Script,
    ScriptedResponse,
    json_response,
    options,
)

NOW = datetime(2026, 1, 1, tzinfo=timezone.utc)
FORM = {
    "grant_type": "password",
    "username": "ada",
    "password": "lovelace 1843",
    "client_id": None,
    "client_secret": "",
}


def document(previous: Any = None, **response: Any) -> dict[str, Any]:
    """Return the document of a response."""
    return token_document({"access_token": "new", **response}, previous or {}, NOW, assume_lifetime=True)


@pytest.mark.parametrize(
    ("response", "expected"),
    [
        ({}, {}),
        ({"expires_in": 60}, {"expires_at": "2026-01-01T00:01:00Z"}),
        ({"expires_in": "60"}, {"expires_at": "2026-01-01T00:01:00Z"}),
        ({"expires_in": True}, {}),
        ({"expires_in": -1}, {}),
        ({"expires_in": 10**10 - 1}, {"expires_at": "2342-11-21T17:46:39Z"}),
        ({"expires_in": 10**10}, {}),
        ({"expires_in": 10**12}, {}),
        ({"expires_in": "soon"}, {}),
        ({"refresh_token": "r"}, {"refresh_token": "r", "expires_at": "2026-01-15T00:00:00Z"}),
        ({"refresh_token": None}, {}),
        ({"scope": "a b"}, {"scope": "a b"}),
        ({"scope": ["a", "b"]}, {"scope": "a b"}),
        ({"scope": None}, {"scope": ""}),
        ({"blog_id": "3001"}, {"blog_id": 3001}),
        ({"blog_id": "0"}, {"blog_id": None}),
        ({"blog_id": None}, {"blog_id": None}),
        ({"blog_id": False}, {"blog_id": None}),
        ({"blog_url": "https://blog.example.com", "id_token": "x"}, {}),
    ],
)
def test_document_of_a_response(response: dict[str, Any], expected: dict[str, Any]) -> None:
    basis = {"access_token": "new", "token_type": "bearer", "obtained_at": "2026-01-01T00:00:00Z"}
    assert document(**response) == {**basis, **expected}


def test_document_keeps_what_the_response_leaves_out_and_not_the_old_end() -> None:
    previous = {
        "access_token": "old",
        "scope": "global",
        "blog_id": 3001,
        "expires_at": "2025-12-31T00:00:00Z",
        "obtained_at": "2025-12-01T00:00:00Z",
        "client_id": "1",
        "note": "mine",
    }
    assert document(previous) == {
        "access_token": "new",
        "token_type": "bearer",
        "scope": "global",
        "blog_id": 3001,
        "obtained_at": "2026-01-01T00:00:00Z",
        "client_id": "1",
        "note": "mine",
    }


@pytest.mark.parametrize(
    ("token_url", "prefix"), [(None, MODERN), ("/oauth2-1/token", MODERN), ("/oauth2/token/", CLASSIC)]
)
def test_prefix_of_a_token_url(token_url: Any, prefix: str) -> None:
    assert endpoint_prefix(token_url and NOWHERE + token_url, NOWHERE) == prefix


@pytest.fixture
def server(served_by: Any) -> Any:
    """Return a function that makes an authorization server whose requests a script responds to."""

    def made(*responses: ScriptedResponse) -> tuple[AuthorizationServer, Script]:
        script = served_by(Script(*responses))
        transport = Transport(options(retries=0, http_envelope=True), check_mode=True)
        return AuthorizationServer(transport, CLASSIC), script

    return made


def test_form_is_sent_in_check_mode_too_without_token_envelope_and_empty_fields(server: Any) -> None:
    made, script = server(json_response({"access_token": "new"}))
    assert made.token(FORM)["access_token"] == "new"
    (sent,) = script.sent
    assert sent.request.url == f"{NOWHERE}/oauth2/token"
    assert sent.request.headers["Content-Type"] == "application/x-www-form-urlencoded"
    assert "Authorization" not in sent.request.headers
    assert parse_qs(sent.request.body) == {
        "grant_type": ["password"],
        "username": ["ada"],
        "password": ["lovelace 1843"],
    }


@pytest.mark.parametrize("status", [200, 400, 401, 403, 409])
def test_error_is_read_whatever_the_status(server: Any, status: int) -> None:
    text = {"error": "invalid_client", "error_description": "Not lovelace+1843, lovelace 1843."}
    made, _script = server(json_response(text, status))
    with pytest.raises(ApiError) as caught:
        made.token(FORM)
    assert (caught.value.code, caught.value.status) == ("invalid_client", status)
    assert "Check the client ID, the client secret" in caught.value.message
    assert "lovelace 1843" not in str(caught.value.as_result())


@pytest.mark.parametrize(
    ("form", "slug", "description", "message"),
    [
        (
            FORM,
            "invalid_grant",
            "It was used.",
            "Could not get a token: invalid_grant: It was used. "
            "The code was used before, has expired, or belongs to another redirect URI: start again.",
        ),
        (
            FORM,
            "needs_2fa",
            None,
            "Could not get a token: needs_2fa. Two-step authentication is enabled: use an application password.",
        ),
        (FORM, "server_on_fire", None, "Could not get a token: server_on_fire."),
        (
            {"grant_type": "refresh_token", "refresh_token": "old"},
            "invalid_client",
            "Unknown client",
            "Could not refresh the token: invalid_client: Unknown client. WordPress.com does not know the client of this "
            "token any more: log in again with the playbook community.wpcom.get_token.",
        ),
    ],
)
def test_error_is_shown_with_a_hint(server: Any, form: Any, slug: str, description: Any, message: str) -> None:
    made, _script = server(json_response({"error": slug, "error_description": description}))
    with pytest.raises(ApiError) as caught:
        made.token(form)
    assert caught.value.message == message
    assert caught.value.details == {
        "status": 200,
        "code": slug,
        "api_message": description or "",
        "method": "POST",
        "path": "/oauth2/token",
    }


@pytest.mark.parametrize(
    ("token", "accepted"), [("!a~", True), ("a b", False), ("a\x7f", False), ("\u00e4", False), ("", False), (12, True)]
)
def test_access_token_has_the_characters_of_tokens(server: Any, token: Any, accepted: bool) -> None:
    made, _script = server(json_response({"access_token": token}))
    if accepted:
        assert made.token(FORM) == {"access_token": token}
    else:
        with pytest.raises(ResponseError):
            made.token(FORM)


@pytest.mark.parametrize(
    ("fields", "accepted"),
    [
        ({"token_type": "Bearer"}, True),
        ({"token_type": None}, True),
        ({"token_type": "mac"}, False),
        ({"token_type": 1}, False),
        ({"refresh_token": "r"}, True),
        ({"refresh_token": None}, True),
        ({"refresh_token": 5}, False),
    ],
)
def test_fields_of_a_token(server: Any, fields: dict[str, Any], accepted: bool) -> None:
    made, _script = server(json_response({"access_token": "new", **fields}))
    if accepted:
        assert made.token(FORM) == {"access_token": "new", **fields}
    else:
        with pytest.raises(ResponseError):
            made.token(FORM)


def test_owner_of_a_token_is_read(server: Any) -> None:
    made, script = server(json_response({"user_id": "1001"}))
    assert made.token_info("50001", "sec+ret") == {"user_id": "1001"}
    (sent,) = script.sent
    assert (sent.request.method, sent.request.url) == (
        "GET",
        f"{NOWHERE}/oauth2/token-info?client_id=50001&token=sec%2Bret",
    )
    assert "Authorization" not in sent.request.headers


@pytest.mark.parametrize(
    "body", ['{"token": "secret"}', '["secret"]', '"secret"', "secret", '{"access_token": ["secret"]}']
)
def test_success_of_another_form_is_not_shown(server: Any, body: str) -> None:
    made, _script = server(ScriptedResponse(200, body))
    with pytest.raises(ResponseError, match="had a body that is not shown") as caught:
        made.token(FORM)
    assert "secret" not in str(caught.value.as_result())


def test_client_is_registered_without_a_secret(server: Any) -> None:
    made, script = server(json_response({"client_id": "4711"}))
    assert made.register("http://127.0.0.1:8080/", "Ansible") == "4711"
    (sent,) = script.sent
    assert json.loads(sent.request.body) == {
        "client_name": "Ansible",
        "redirect_uris": ["http://127.0.0.1:8080/"],
        "grant_types": ["authorization_code", "refresh_token"],
        "response_types": ["code"],
        "token_endpoint_auth_method": "none",
    }


@pytest.mark.parametrize(
    ("client_id", "expected"), [(4711, "4711"), (True, None), ("", None), (None, None), ([1], None)]
)
def test_client_id_in_all_forms(server: Any, client_id: Any, expected: Any) -> None:
    made, _script = server(json_response({"client_id": client_id}))
    if expected:
        assert made.register("http://127.0.0.1:8080/", "Ansible") == expected
    else:
        with pytest.raises(ResponseError):
            made.register("http://127.0.0.1:8080/", "Ansible")


def test_what_to_do_where_clients_are_not_registered(server: Any) -> None:
    made, _script = server(json_response({"error": "access_denied"}, 403))
    with pytest.raises(ApiError) as caught:
        made.register("http://127.0.0.1:8080/", "Ansible")
    assert caught.value.message == (
        "Could not register a client: HTTP 403 access_denied. WordPress.com does not register clients here: register an application at "
        "https://developer.wordpress.com/apps/, and set flow to classic and client_id to its ID."
    )
