# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The authorization server: the page, codes, PKCE, refresh tokens, and what the tokens open."""

from __future__ import annotations

from typing import Any

import pytest

from .. import Simulator
from .conftest import Client, error
from .oauth_client import (
    CLASSIC,
    REDIRECT,
    VERIFIER,
    OAuthClient,
    challenge,
    classic_token,
    modern_token,
    refreshed,
)

MODERN = {**CLASSIC, "code_challenge": challenge(), "code_challenge_method": "S256"}


@pytest.fixture
def classic(simulator: Simulator) -> OAuthClient:
    """A client with ID and secret."""
    return OAuthClient(simulator)


@pytest.fixture
def modern(simulator: Simulator) -> OAuthClient:
    """A client that registers itself."""
    return OAuthClient(simulator, "/oauth2-1")


def oauth_error(answer: Any) -> tuple[int, str]:
    """Return status and error of a response."""
    body = answer.json()
    assert set(body) == {"error", "error_description"}
    assert body["error_description"]
    return answer.status_code, body["error"]


# The page


def test_page_names_the_client_and_has_a_button_for_each_decision(classic: OAuthClient) -> None:
    page = classic.page(**CLASSIC).text
    assert "Automation wants to use your account" in page
    assert page.count("<button") == 2
    assert 'id="approve"' in page
    assert 'id="deny"' in page
    assert "https://" not in page.replace(REDIRECT, "")


def test_names_cannot_break_the_page(modern: OAuthClient) -> None:
    client_id = modern.register().json()["client_id"]
    page = modern.page(**{**MODERN, "client_id": client_id, "state": '"><b>'}).text
    assert "Test &lt;client&gt;" in page
    assert "<b>" not in page


def test_approval_takes_code_and_state_back(classic: OAuthClient) -> None:
    answer = classic.decide(query={**CLASSIC, "state": "a b&c=d"})
    assert set(answer) == {"code", "state"}
    assert answer["state"] == "a b&c=d"


def test_denial_is_an_error_that_the_browser_takes_back(classic: OAuthClient) -> None:
    answer = classic.decide("deny")
    assert (answer["error"], answer["state"]) == ("access_denied", "s1")
    assert "code" not in answer


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"client_id": "1"}, "invalid_client"),
        ({"client_id": ""}, "invalid_client"),
        ({"redirect_uri": REDIRECT + "/"}, "invalid_request"),
        ({"redirect_uri": "http://127.0.0.1:8766/callback"}, "invalid_request"),
        ({"redirect_uri": ""}, "invalid_request"),
    ],
)
def test_browser_is_sent_nowhere_in_doubt(classic: OAuthClient, change: dict[str, str], expected: str) -> None:
    assert oauth_error(classic.page(**{**CLASSIC, **change})) == (400, expected)


@pytest.mark.parametrize(
    ("prefix", "change", "expected"),
    [
        ("/oauth2", {"response_type": "token"}, "unsupported_response_type"),
        ("/oauth2", {"scope": "global everything"}, "invalid_scope"),
        ("/oauth2-1", {}, "invalid_request"),
        ("/oauth2-1", {"code_challenge": challenge(), "code_challenge_method": "plain"}, "invalid_request"),
    ],
)
def test_other_mistakes_are_taken_back(
    simulator: Simulator, prefix: str, change: dict[str, str], expected: str
) -> None:
    answer = OAuthClient(simulator, prefix).page(**{**CLASSIC, **change})
    assert answer.status_code == 302
    assert f"error={expected}" in answer.headers["Location"]
    assert "state=s1" in answer.headers["Location"]


def test_site_is_chosen_on_the_page_and_has_to_be_one_of_the_user(simulator: Simulator, classic: OAuthClient) -> None:
    token = classic_token(simulator, scope="", blog="3001")
    assert (token["blog_id"], token["blog_url"], token["scope"]) == ("3001", "https://blog.example.com", "")
    me = Client(simulator, token["access_token"])
    assert me.get("/me").json()["token_site_id"] == 3001
    assert error(me.get("/sites/3002/publicize-connections")) == (403, "authorization_required")
    with pytest.raises(AssertionError, match="Without a scope"):
        classic.decide(query={**CLASSIC, "scope": ""}, blog="")
    with pytest.raises(AssertionError, match="does not belong"):
        classic.decide(blog="3008")


def test_user_is_chosen_on_the_page(simulator: Simulator) -> None:
    token = classic_token(simulator, user="1002")
    assert Client(simulator, token["access_token"]).get("/me").json()["username"] == "grace"


# Classic


def test_classic_token_opens_what_its_scope_covers_and_is_listed(simulator: Simulator) -> None:
    token = classic_token(simulator, scope="sharing users")
    assert set(token) == {"access_token", "token_type", "blog_id", "blog_url", "scope"}
    assert (token["token_type"], token["blog_id"], token["blog_url"]) == ("bearer", "0", None)
    client = Client(simulator, token["access_token"])
    assert client.get("/me/keyring-connections").status_code == 200
    assert error(client.get("/me/sites")) == (403, "authorization_required")
    rows = client.get("/me/connected-applications").json()["connected_applications"]
    assert (rows[-1]["title"], rows[-1]["scope"]) == ("Automation", "sharing users")
    assert client.post(f"/me/connected-applications/{rows[-1]['ID']}/delete").status_code == 200
    assert error(client.get("/me")) == (400, "invalid_token")


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"client_secret": "wrong"}, "invalid_client"),
        ({"client_id": "60002"}, "invalid_client"),
        ({"client_id": "60002", "client_secret": "sim-client-secret-grace"}, "invalid_grant"),
        ({"code": "wrong"}, "invalid_grant"),
        ({"redirect_uri": "https://automation.example.com/callback"}, "invalid_grant"),
        ({"grant_type": "implicit"}, "unsupported_grant_type"),
        ({"grant_type": "refresh_token"}, "unsupported_grant_type"),
    ],
)
def test_refused_exchange(classic: OAuthClient, change: dict[str, str], expected: str) -> None:
    form = {
        "client_id": "60001",
        "client_secret": "sim-client-secret",
        "redirect_uri": REDIRECT,
        "grant_type": "authorization_code",
        "code": classic.decide()["code"],
    }
    assert oauth_error(classic.post("token", **{**form, **change})) == (400, expected)
    assert classic.post("token", **form).status_code == 200


def test_code_is_for_one_use(simulator: Simulator, classic: OAuthClient) -> None:
    code = classic.decide()["code"]
    token = classic.exchange(code).json()["access_token"]
    assert oauth_error(classic.exchange(code)) == (400, "invalid_grant")
    assert Client(simulator, token).get("/me").status_code == 200


def test_code_expires(simulator: Simulator, classic: OAuthClient) -> None:
    simulator.settings(now="2026-01-01T00:00:00Z")
    codes = [classic.decide()["code"] for _turn in range(2)]
    simulator.settings(now="2026-01-01T00:00:59Z")
    assert classic.exchange(codes[0]).status_code == 200
    simulator.settings(now="2026-01-01T00:01:00Z")
    assert oauth_error(classic.exchange(codes[1])) == (400, "invalid_grant")


def test_password_of_the_owner(simulator: Simulator, classic: OAuthClient) -> None:
    form = {"grant_type": "password", "client_id": "60001", "client_secret": "sim-client-secret"}
    token = classic.post("token", **form, username="ada@example.com", password="lovelace-1843").json()
    assert Client(simulator, token["access_token"]).get("/me").json()["username"] == "ada"
    wrong = classic.post("token", **form, username="ada", password="wrong")
    assert oauth_error(wrong) == (400, "invalid_request")
    # Grace's are right, but the client is not hers.
    foreign = classic.post("token", **form, username="grace", password="flow matic cobol nano")
    assert oauth_error(foreign) == (400, "invalid_client")


def test_two_step_authentication_takes_an_application_password(classic: OAuthClient) -> None:
    form = {"grant_type": "password", "client_id": "60002", "client_secret": "sim-client-secret-grace"}
    refused = classic.post("token", **form, username="grace", password="hopper-1952")
    assert oauth_error(refused) == (400, "needs_2fa")
    assert classic.post("token", **form, username="grace", password="flowmatic cobol nano").status_code == 200


# OAuth 2.1


def test_registration(modern: OAuthClient) -> None:
    answer = modern.register()
    assert answer.status_code == 201
    assert answer.json()["client_id"].isdigit()
    assert answer.json()["redirect_uris"] == [REDIRECT]
    assert "client_secret" not in answer.json()
    assert modern.register().json()["client_id"] != answer.json()["client_id"]


@pytest.mark.parametrize("uris", [None, [], "http://127.0.0.1/", [1], ["callback"]])
def test_registration_without_a_place_to_go_back_to(modern: OAuthClient, uris: Any) -> None:
    assert oauth_error(modern.register(redirect_uris=uris)) == (400, "invalid_redirect_uri")


def test_modern_token_has_a_lifetime_and_a_refresh_token(simulator: Simulator) -> None:
    simulator.settings(now="2026-01-01T00:00:00Z")
    token = modern_token(simulator, redirect="http://127.0.0.1:50123/callback")
    assert token["expires_in"] == 14 * 86400
    client = Client(simulator, token["access_token"])
    assert client.get("/me/publicize-connections").status_code == 200
    simulator.settings(now="2026-01-15T00:00:00Z")
    assert error(client.get("/me")) == (400, "invalid_token")
    again = refreshed(simulator, token).json()
    assert again["access_token"] != token["access_token"]
    assert Client(simulator, again["access_token"]).get("/me").status_code == 200
    # It is still one entry.
    rows = Client(simulator).get("/me/connected-applications").json()["connected_applications"]
    assert [row["title"] for row in rows].count("Test &lt;client&gt;") == 1


@pytest.mark.parametrize(
    "redirect", ["http://127.0.0.1:50123/other", "http://localhost:50123/callback", "http://evil.example/"]
)
def test_only_the_port_of_a_loopback_redirect_may_differ(modern: OAuthClient, redirect: str) -> None:
    client_id = modern.register().json()["client_id"]
    page = modern.page(**{**MODERN, "client_id": client_id, "redirect_uri": redirect})
    assert oauth_error(page) == (400, "invalid_request")


@pytest.mark.parametrize("verifier", ["", "w" * 43, "v" * 42, VERIFIER + "\n"])
def test_code_is_of_no_use_without_its_verifier(modern: OAuthClient, verifier: str) -> None:
    client_id = modern.register().json()["client_id"]
    code = modern.decide(query={**MODERN, "client_id": client_id})["code"]
    form = {"grant_type": "authorization_code", "client_id": client_id, "redirect_uri": REDIRECT, "code": code}
    assert oauth_error(modern.post("token", **form, code_verifier=verifier)) == (400, "invalid_grant")


def test_refresh_token_is_for_its_client_and_ends_when_it_is_used(simulator: Simulator, modern: OAuthClient) -> None:
    token = modern_token(simulator)
    other = modern.register().json()["client_id"]
    assert oauth_error(refreshed(simulator, {**token, "client_id": other})) == (400, "invalid_grant")
    second = refreshed(simulator, token).json()
    assert second["refresh_token"] != token["refresh_token"]
    assert oauth_error(refreshed(simulator, token)) == (400, "invalid_grant")
    assert refreshed(simulator, {**token, **second}).status_code == 200


def test_revocation(simulator: Simulator, modern: OAuthClient) -> None:
    token = modern_token(simulator)
    for name in ("access_token", "refresh_token"):
        answer = modern.post("revoke", client_id=token["client_id"], token=token[name])
        assert (answer.status_code, answer.json()) == (200, {})
    assert error(Client(simulator, token["access_token"]).get("/me")) == (400, "invalid_token")
    assert oauth_error(refreshed(simulator, token)) == (400, "invalid_grant")
    assert modern.post("revoke", client_id=token["client_id"], token="unknown").status_code == 200
    assert oauth_error(modern.post("revoke", client_id=token["client_id"])) == (400, "invalid_request")


def test_token_info_of_both(simulator: Simulator) -> None:
    token = modern_token(simulator)
    client = OAuthClient(simulator, "/oauth2-1")
    query = {"client_id": token["client_id"], "token": token["access_token"]}
    answer = client.session.get(client.url + "/token-info", params=query, timeout=20)
    assert (answer.json()["user_id"], answer.json()["scope"]) == ("1001", "global")


# Everything else


def test_log_has_no_secrets(simulator: Simulator) -> None:
    token = modern_token(simulator)
    refreshed(simulator, token)
    classic_token(simulator)
    OAuthClient(simulator).post("token", grant_type="password", username="ada", password="lovelace-1843")
    log = repr(simulator.requests())
    for secret in (token["access_token"], token["refresh_token"], VERIFIER, "sim-client-secret", "lovelace", "code-"):
        assert secret not in log
    assert simulator.requests("POST", "/oauth2-1/token")[0]["body"]["grant_type"] == "authorization_code"


def test_reset_forgets_what_was_issued(simulator: Simulator) -> None:
    token = modern_token(simulator)
    simulator.reset()
    assert error(Client(simulator, token["access_token"]).get("/me")) == (400, "invalid_token")
    assert oauth_error(refreshed(simulator, token)) == (400, "invalid_client")


def test_faults_hit_here_too(simulator: Simulator, classic: OAuthClient) -> None:
    simulator.fault(kind="status", status=503, method="POST", path="/oauth2/token")
    assert classic.exchange(classic.decide()["code"]).status_code == 503
