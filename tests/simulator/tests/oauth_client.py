# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A client of the authorization server, and the browser of a user who approves or denies."""

from __future__ import annotations

import base64
import hashlib
import html
import re
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import requests

from .. import Simulator

REDIRECT = "http://127.0.0.1:8765/callback"
VERIFIER = "v" * 43
CLASSIC = {"client_id": "60001", "redirect_uri": REDIRECT, "response_type": "code", "scope": "global", "state": "s1"}


def challenge(verifier: str = VERIFIER) -> str:
    """Return the S256 challenge of a verifier."""
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")


class OAuthClient:
    """A client of one simulator: ``prefix`` is /oauth2 or /oauth2-1."""

    def __init__(self, simulator: Simulator, prefix: str = "/oauth2") -> None:
        self.url = simulator.url + prefix
        self.session = requests.Session()
        self.session.trust_env = False

    def page(self, **query: str) -> requests.Response:
        """Open the page of an authorization."""
        return self.session.get(f"{self.url}/authorize", params=query, timeout=20, allow_redirects=False)

    def decide(self, decision: str = "approve", query: Any = None, **chosen: str) -> dict[str, str]:
        """Open the page, press a button, and return what the browser takes back to the client."""
        page = self.page(**(query or CLASSIC))
        assert page.status_code == 200, page.text
        assert page.headers["Content-Type"].startswith("text/html")
        fields = re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', page.text)
        form = {name: html.unescape(value) for name, value in fields}
        answer = self.session.post(
            f"{self.url}/authorize", data={**form, **chosen, "decision": decision}, timeout=20, allow_redirects=False
        )
        assert answer.status_code == 302, answer.text
        location = urlsplit(answer.headers["Location"])
        assert location._replace(query="").geturl() == form["redirect_uri"]
        return dict(parse_qsl(location.query))

    def post(self, path: str, **form: str) -> requests.Response:
        """Send a form."""
        return self.session.post(f"{self.url}/{path}", data=form, timeout=20)

    def register(self, *redirect_uris: str, **more: Any) -> requests.Response:
        """Register a client."""
        body = {"redirect_uris": list(redirect_uris or (REDIRECT,)), "client_name": "Test <client>", **more}
        return self.session.post(f"{self.url}/register", json=body, timeout=20)

    def exchange(self, code: str, **form: str) -> requests.Response:
        """Exchange a code as the client 60001."""
        given = {"client_id": "60001", "client_secret": "sim-client-secret", "redirect_uri": REDIRECT, "code": code}
        return self.post("token", grant_type="authorization_code", **{**given, **form})


def classic_token(simulator: Simulator, scope: str = "global", **chosen: str) -> dict[str, Any]:
    """Get a token with client ID and secret, and return the whole response."""
    client = OAuthClient(simulator)
    code = client.decide(query={**CLASSIC, "scope": scope}, **chosen)["code"]
    answer: dict[str, Any] = client.exchange(code).json()
    return answer


def modern_token(simulator: Simulator, redirect: str = REDIRECT, **chosen: str) -> dict[str, Any]:
    """Register, get a token with PKCE, and return the whole response with the client's ID."""
    client = OAuthClient(simulator, "/oauth2-1")
    client_id = client.register(REDIRECT).json()["client_id"]
    query = {**CLASSIC, "client_id": client_id, "redirect_uri": redirect}
    code = client.decide(query={**query, "code_challenge": challenge(), "code_challenge_method": "S256"}, **chosen)[
        "code"
    ]
    answer = client.post(
        "token",
        grant_type="authorization_code",
        client_id=client_id,
        redirect_uri=redirect,
        code=code,
        code_verifier=VERIFIER,
    ).json()
    return {**answer, "client_id": client_id}


def refreshed(simulator: Simulator, token: dict[str, Any]) -> requests.Response:
    """Refresh a token."""
    return OAuthClient(simulator, "/oauth2-1").post(
        "token", grant_type="refresh_token", client_id=token["client_id"], refresh_token=token["refresh_token"]
    )
