# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The URL of an authorization, and what is read from a redirect or a pasted text."""

from __future__ import annotations

from typing import Optional
from urllib.parse import parse_qs, urlsplit

import pytest

from ansible_collections.community.wpcom.plugins.module_utils._errors import OptionError
from ansible_collections.community.wpcom.plugins.plugin_utils._authorization import (
    Authorization,
    AuthorizationError,
    challenge,
    checked_redirect_uri,
    loopback_port,
    new_secret,
)

REDIRECT = "http://127.0.0.1:8765/callback"
MADE = Authorization("60001", REDIRECT, "sharing users", state="the state&")


def test_challenge_is_that_of_the_standard() -> None:
    """The example of RFC 7636, appendix B."""
    assert challenge("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk") == "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"


def test_secrets_are_long_and_differ() -> None:
    made = {new_secret() for _number in range(100)}
    assert len(made) == 100
    assert {len(secret) for secret in made} == {43}


def test_url_has_every_parameter_once_and_escaped() -> None:
    parts = urlsplit(MADE.url("https://public-api.wordpress.com/oauth2/authorize"))
    assert parts._replace(query="").geturl() == "https://public-api.wordpress.com/oauth2/authorize"
    assert parse_qs(parts.query) == {
        "client_id": ["60001"],
        "redirect_uri": [REDIRECT],
        "response_type": ["code"],
        "scope": ["sharing users"],
        "state": ["the state&"],
    }


def test_url_of_a_site_with_pkce() -> None:
    made = Authorization("1", REDIRECT, site="blog.example.com", verifier="v" * 43)
    query = parse_qs(urlsplit(made.url("https://host/authorize")).query)
    assert query["blog"] == ["blog.example.com"]
    assert query["code_challenge"] == [challenge("v" * 43)]
    assert query["code_challenge_method"] == ["S256"]
    assert query["state"] == [made.state]
    assert "scope" not in query
    assert "v" * 43 not in str(query)
    assert made.state not in repr(made)
    assert "vvv" not in repr(made)


@pytest.mark.parametrize(
    "text",
    [
        f"{REDIRECT}?code=the-code&state=the+state%26",
        f"  {REDIRECT}?state=the%20state%26&code=the-code#fragment\n",
        "?code=the-code&state=the+state%26",
        "code=the-code&state=the+state%26",
        "the-code",
        " the-code\r\n",
    ],
)
def test_pasted_text_may_be_the_url_its_query_or_the_code(text: str) -> None:
    assert MADE.pasted_code(text) == "the-code"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "no_code"),
        ("the secret code", "no_code"),
        ("?", "no_code"),
        ("http://[::1?code=secret", "no_code"),
        ("state=the+state%26&scope=secret", "no_code"),
        ("code\u00e4", "no_code"),
        (REDIRECT, "no_code"),
        (f"{REDIRECT}?state=the+state%26", "no_code"),
        ("https://public-api.wordpress.com/oauth2/authorize?client_id=secret", "no_code"),
        (f"{REDIRECT}?code=secret&state=other", "wrong_state"),
        (f"{REDIRECT}?code=secret", "wrong_state"),
        (f"{REDIRECT}?error=access_denied&state=the+state%26", "access_denied"),
    ],
)
def test_other_pasted_text_is_refused_and_not_shown(text: str, code: str) -> None:
    with pytest.raises(AuthorizationError) as caught:
        MADE.pasted_code(text)
    assert caught.value.code == code
    assert "secret" not in caught.value.message


@pytest.mark.parametrize(
    ("redirect_uri", "port"),
    [
        (REDIRECT, 8765),
        ("http://localhost:9000/callback", 9000),
        ("http://127.0.0.1/callback", 80),
        ("http://127.0.0.1:8765/", None),
        ("http://127.0.0.1:8765/callback?a=b", None),
        ("https://127.0.0.1:8765/callback", None),
        ("http://127.0.0.1:x/callback", None),
        ("http://127.0.0.1.example.com:8765/callback", None),
        ("https://automation.example.com/callback", None),
    ],
)
def test_port_of_a_redirect(redirect_uri: str, port: Optional[int]) -> None:
    assert loopback_port(redirect_uri) == port


@pytest.mark.parametrize(
    "redirect_uri", ["callback", "http://", "http://a:x/", "https://a/#b", "https://a/ b", "https://[/"]
)
def test_redirect_that_is_not_a_url(redirect_uri: str) -> None:
    with pytest.raises(OptionError, match="redirect_uri must be a URL"):
        checked_redirect_uri(redirect_uri)
