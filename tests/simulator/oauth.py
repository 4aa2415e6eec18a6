# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The authorization server: /oauth2 (client ID and secret) and /oauth2-1 (dynamic registration, PKCE, refresh tokens)."""

from __future__ import annotations

import base64
import hashlib
import hmac
import html
import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, NoReturn, Optional
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from flask import Response, redirect

from .core import Core
from .records import site_url
from .responses import ApiResponse, foreign_response
from .world import Code, Grant, Record, World

CODE_SECONDS = 60
SCOPES = frozenset(("auth", "global", "sharing", "users", "sites", "posts", "media", "comments", "stats", "follow"))
# What the page hands back when it is sent.
CARRIED = (
    "client_id", "redirect_uri", "response_type", "scope", "state", "code_challenge", "code_challenge_method",
)  # fmt: skip
ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

PAGE = """<!DOCTYPE html>
<html lang="en">
<head><meta charset="utf-8"><title>{title}</title></head>
<body>
<h1>{title}</h1>
{content}
</body>
</html>
"""


class OAuthError(Exception):
    """An error as RFC 6749 has it."""

    def __init__(self, error: str, description: str, status: Optional[int] = None) -> None:
        """Keep error, description, and a status other than the usual one."""
        super().__init__(error)
        self.error = error
        self.description = description
        self.status = status


def fail(error: str, description: str, status: Optional[int] = None) -> NoReturn:
    """Refuse a request."""
    raise OAuthError(error, description, status)


class AuthorizationServer:
    """One of the two: ``modern`` is /oauth2-1."""

    def __init__(self, core: Core, *, modern: bool) -> None:
        """Keep the core, whose world holds clients, codes and tokens."""
        self.core = core
        self.modern = modern

    @property
    def world(self) -> World:
        """The world as it is now; a reset replaces it."""
        return self.core.world

    @property
    def switches(self) -> Record:
        """The switches as they are now."""
        return self.core.switches

    # The page

    def authorize(self, query: Mapping[str, str]) -> Response:
        """O1: show the page on which a user approves or denies."""
        client = self._client_of_page(query)
        problem = self._problem(query)
        if problem:
            return self._back(query, {"error": problem[0], "error_description": problem[1]})
        scope = query.get("scope", "")
        hidden = "\n".join(
            f'<input type="hidden" name="{name}" value="{html.escape(query[name])}">'
            for name in CARRIED
            if name in query
        )
        users = "".join(
            f'<option value="{user["ID"]}"{" selected" if user["ID"] == client["user_ID"] else ""}>'
            f"{html.escape(user['username'])}</option>"
            for user in self.world.users.values()
        )
        everything = '<option value="">All sites</option>' if scope.split() else ""
        sites = "".join(
            f'<option value="{site["ID"]}"{" selected" if query.get("blog") in (str(site["ID"]), site["slug"]) else ""}>'
            f"{html.escape(site['slug'])}</option>"
            for site in self.world.sites.values()
        )
        wish = f"It asks for: {html.escape(scope)}." if scope.split() else "It asks for everything on one site."
        return self._page(
            f"{client['title']} wants to use your account",
            f"""<p>{wish}</p>
<form method="post">
{hidden}
<label>User <select name="user">{users}</select></label>
<label>Site <select name="blog">{everything}{sites}</select></label>
<button type="submit" id="approve" name="decision" value="approve">Approve</button>
<button type="submit" id="deny" name="decision" value="deny">Deny</button>
</form>""",
        )

    def decide(self, form: Mapping[str, str]) -> Response:
        """Do what the user chose on the page, and send the browser back to the client."""
        client = self._client_of_page(form)
        problem = self._problem(form)
        if problem:
            return self._back(form, {"error": problem[0], "error_description": problem[1]})
        if form.get("decision") != "approve":
            return self._back(form, {"error": "access_denied", "error_description": "The user denied the request."})
        user = self.world.users.get(_number(form.get("user")) or client["user_ID"] or min(self.world.users, default=0))
        if user is None:
            fail("invalid_request", "There is no such user.")
        scope = " ".join(form.get("scope", "").split())
        site = self.world.find_site(form["blog"]) if form.get("blog") else None
        if site is not None and self.world.role(site, user) is None:
            fail("access_denied", "This user does not belong to this site.")
        if not scope and site is None:
            fail("invalid_request", "Without a scope a site must be chosen.")
        grant = Grant(client["ID"], user["ID"], scope, site["ID"] if site else None)
        code = self._secret("code")
        self.world.codes[code] = Code(
            grant,
            form["redirect_uri"],
            form.get("code_challenge", ""),
            self.core.current() + timedelta(seconds=CODE_SECONDS),
        )
        return self._back(form, {"code": code})

    def _client_of_page(self, query: Mapping[str, str]) -> Record:
        """Find the client, and check where the browser would be sent: with any doubt it is sent nowhere."""
        client = self.world.clients.get(_number(query.get("client_id")))
        if client is None:
            fail("invalid_client", "There is no such client.")
        if not self._is_registered(client, query.get("redirect_uri", "")):
            fail("invalid_request", "The parameter redirect_uri is not one that the client has registered.")
        return client

    def _is_registered(self, client: Record, redirect_uri: str) -> bool:
        if redirect_uri in client["redirect_URIs"]:
            return True
        if not self.modern or self.switches["oauth_loopback_port"] == "exact":
            return False
        return _without_port(redirect_uri) in [_without_port(known) or "-" for known in client["redirect_URIs"]]

    def _problem(self, query: Mapping[str, str]) -> Optional[tuple[str, str]]:
        if query.get("response_type") != "code":
            return "unsupported_response_type", "The parameter response_type must be code."
        unknown = set(query.get("scope", "").split()) - SCOPES
        if unknown:
            return "invalid_scope", f"There is no such scope: {', '.join(sorted(unknown))}."
        if self.modern and not query.get("code_challenge"):
            return "invalid_request", "The parameter code_challenge is missing."
        if query.get("code_challenge") and query.get("code_challenge_method") != "S256":
            return "invalid_request", "The parameter code_challenge_method must be S256."
        return None

    def _back(self, query: Mapping[str, str], answer: Mapping[str, str]) -> Response:
        """Send the browser back to the client, with the state that it gave."""
        state = {"state": query["state"]} if "state" in query else {}
        if "error" in answer and self.switches["oauth_denial_state"] == "absent":
            state = {}
        parts = urlsplit(query["redirect_uri"])
        target = parts._replace(query=urlencode([*parse_qsl(parts.query), *answer.items(), *state.items()]))
        response = redirect(urlunsplit(target), 302)
        assert isinstance(response, Response)
        return response

    def _page(self, title: str, content: str) -> Response:
        return foreign_response(PAGE.format(title=html.escape(title), content=content), content_type="text/html")

    # The endpoints for clients

    def register(self, body: Any) -> Response:
        """O4: make a client without a secret, as RFC 7591 has it."""
        if self.switches["oauth_registration"] == "closed":
            fail("access_denied", "Registration is not open.", 403)
        given = body if isinstance(body, dict) else {}
        uris = given.get("redirect_uris")
        if (
            not isinstance(uris, list)
            or not uris
            or not all(isinstance(uri, str) and urlsplit(uri).netloc for uri in uris)
        ):
            fail("invalid_redirect_uri", "The parameter redirect_uris must be a list of URLs.")
        method = given.get("token_endpoint_auth_method", "none")
        if method != "none":
            fail("invalid_client_metadata", "Clients without a secret only.")
        number = max(self.world.clients, default=90000) + 1
        title = given.get("client_name")
        client = {
            "ID": number,
            "secret": None,
            "title": title if isinstance(title, str) else "",
            "user_ID": None,
            "redirect_URIs": uris,
        }
        self.world.put("clients", client)
        return ApiResponse(
            {
                "client_id": str(number),
                "client_id_issued_at": int(self.core.current().timestamp()),
                "client_name": client["title"],
                "redirect_uris": uris,
                "grant_types": ["authorization_code", "refresh_token"],
                "response_types": ["code"],
                "token_endpoint_auth_method": "none",
            },
            self.switches["oauth_registration_status"],
        )

    def token(self, form: Mapping[str, str]) -> Response:
        """O2: exchange a code, a password or a refresh token for an access token."""
        kind = form.get("grant_type")
        if kind == "authorization_code":
            return self._exchange_code(form)
        if kind == "refresh_token" and self.modern:
            return self._refresh(form)
        if kind == "password" and not self.modern:
            return self._password(form)
        fail("unsupported_grant_type", "The parameter grant_type is missing, or not one of those that there are.")

    def _authenticated_client(self, form: Mapping[str, str]) -> Record:
        client = self.world.clients.get(_number(form.get("client_id")))
        if client is None:
            fail("invalid_client", "There is no such client.")
        if client["secret"] is None and not self.modern:
            fail("invalid_client", "This client has no secret.")
        if client["secret"] is not None and form.get("client_secret") != client["secret"]:
            fail("invalid_client", "The parameter client_secret is wrong.")
        return client

    def _exchange_code(self, form: Mapping[str, str]) -> Response:
        client = self._authenticated_client(form)
        code = self.world.codes.get(form.get("code", ""))
        if code is None or code.grant.client_ID != client["ID"]:
            fail("invalid_grant", "There is no such code.")
        if code.token is not None:
            if self.switches["oauth_code_reuse"] == "revoke" and code.token in self.world.tokens:
                self.world.tokens[code.token]["revoked"] = True
            fail("invalid_grant", "This code was used before.")
        if self.core.current() >= code.expires:
            fail("invalid_grant", "This code has expired.")
        if form.get("redirect_uri") != code.redirect_uri:
            fail("invalid_grant", "The parameter redirect_uri is not that of the authorization.")
        if code.challenge and not hmac.compare_digest(code.challenge, challenge_of(form.get("code_verifier", ""))):
            fail("invalid_grant", "The parameter code_verifier does not match.")
        answer = self._issue(code.grant)
        code.token = answer["access_token"]
        return ApiResponse(answer)

    def _refresh(self, form: Mapping[str, str]) -> Response:
        client = self._authenticated_client(form)
        given = form.get("refresh_token", "")
        grant = self.world.refresh_tokens.get(given)
        if grant is None or grant.client_ID != client["ID"]:
            fail("invalid_grant", "This refresh token is not valid, or is no longer so.")
        answer = self._issue(grant, refresh=False)
        if self.switches["oauth_rotation"] == "rotate":
            del self.world.refresh_tokens[given]
            answer["refresh_token"] = self._refresh_token(grant)
        elif self.switches["oauth_rotation"] == "keep":
            answer["refresh_token"] = given
        return ApiResponse(answer)

    def _password(self, form: Mapping[str, str]) -> Response:
        client = self._authenticated_client(form)
        if self.switches["oauth_password_grant"] == "closed":
            fail("unsupported_grant_type", "This grant is not open.")
        names = (form.get("username", ""),)
        user = next(
            (user for user in self.world.users.values() if {user["username"], user["email"]} & set(names)), None
        )
        password = form.get("password", "").replace(" ", "")
        known = [] if user is None else [one.replace(" ", "") for one in user.get("application_passwords", [])]
        if user is None or not password or password not in [user.get("password"), *known]:
            fail("invalid_request", "The user name or the password is wrong.")
        if user["ID"] != client["user_ID"]:
            fail("invalid_client", "Passwords are for the owner of the client only.")
        if user.get("two_factor") and password not in known:
            fail(self.switches["oauth_two_factor_slug"], "Two-step authentication is on: use an application password.")
        return ApiResponse(self._issue(Grant(client["ID"], user["ID"], "global", None)))

    def _issue(self, grant: Grant, refresh: bool = True) -> Record:
        """Make an access token, with an entry among the connected applications, and return what the client is told."""
        world, switches, now = self.world, self.switches, self.core.current().replace(microsecond=0)
        lifetime = switches["oauth_lifetime"] if self.modern or switches["oauth_classic_expiry"] else None
        token = self._secret("access")
        world.put(
            "tokens",
            {
                "token": token,
                "user_ID": grant.user_ID,
                "scope": grant.scope,
                "client_ID": grant.client_ID,
                "site_ID": grant.site_ID,
                "stale": False,
                "revoked": False,
                "expires": None if lifetime is None else now + timedelta(seconds=lifetime),
                "modern": self.modern,
            },
        )
        self._list_application(grant, token, now)
        site = world.sites[grant.site_ID] if grant.site_ID is not None else None
        answer: Record = {
            "access_token": token,
            "token_type": "bearer",
            "blog_id": str(site["ID"]) if site else switches["oauth_unbound_blog"],
            "blog_url": site_url(site) if site else None,
        }
        if switches["oauth_scope_form"] != "absent":
            answer["scope"] = grant.scope.split() if switches["oauth_scope_form"] == "list" else grant.scope
        if lifetime is not None and switches["oauth_expires_in"] != "absent":
            answer["expires_in"] = str(lifetime) if switches["oauth_expires_in"] == "text" else lifetime
        if refresh and self.modern and switches["oauth_refresh_token"]:
            answer["refresh_token"] = self._refresh_token(grant)
        return answer

    def _list_application(self, grant: Grant, token: str, now: datetime) -> None:
        """Have the user see the grant among the connected applications, once, whatever is refreshed later."""
        for row in self.world.applications.values():
            old = self.world.tokens.get(row["token"] or "")
            found = Grant(row["client_ID"], row["user_ID"], row["scope"], row["site_ID"])
            if self.modern and old and old["modern"] and found == grant:
                row["token"] = token
                return
        client = self.world.clients[grant.client_ID]
        self.world.put(
            "applications",
            {
                "ID": max(self.world.applications, default=7000) + 1,
                "user_ID": grant.user_ID,
                "title": client["title"],
                "icon": "",
                "URL": "",
                "description": "",
                "permissions": [],
                "authorized": now,
                "scope": grant.scope,
                "site_ID": grant.site_ID,
                "client_ID": grant.client_ID,
                "token": token,
            },
        )

    def revoke(self, form: Mapping[str, str]) -> Response:
        """O6: forget a token, as RFC 7009 has it: one that is not known is no error."""
        client = self._authenticated_client(form)
        token = form.get("token", "")
        if not token:
            fail("invalid_request", "The parameter token is missing.")
        found = self.world.tokens.get(token)
        if found is not None and found["client_ID"] == client["ID"]:
            found["revoked"] = True
        grant = self.world.refresh_tokens.get(token)
        if grant is not None and grant.client_ID == client["ID"]:
            del self.world.refresh_tokens[token]
        return ApiResponse({})

    def token_info(self, query: Mapping[str, str]) -> Response:
        """O3: whose token it is; needs no login."""
        for name in ("client_id", "token"):
            if not query.get(name):
                fail("invalid_request", f"The parameter {name} is missing.")
        token = self.world.tokens.get(query["token"])
        if token is None or not is_valid(token, self.core.current()):
            fail(self.switches["token_info_bad_token"], "This token is not valid, or is no longer so.")
        if query["client_id"] != str(token["client_ID"]):
            fail("invalid_client", "This token was issued to another client.")
        site = token["site_ID"]
        return ApiResponse(
            {
                "client_id": str(token["client_ID"]),
                "user_id": str(token["user_ID"]),
                "blog_id": self.switches["token_info_unbound_blog"] if site is None else str(site),
                "scope": token["scope"],
            }
        )

    def refused(self, error: OAuthError) -> Response:
        """Return the response for an error."""
        content = {"error": error.error, "error_description": error.description}
        return ApiResponse(content, error.status or self.switches["oauth_error_status"])

    def _secret(self, prefix: str) -> str:
        return f"{prefix}-" + "".join(self.core.nonces.choices(ALPHABET, k=40))

    def _refresh_token(self, grant: Grant) -> str:
        token = self._secret("refresh")
        self.world.refresh_tokens[token] = grant
        return token


def is_valid(token: Record, now: datetime) -> bool:
    """Return whether a token is neither revoked nor expired."""
    return not token["revoked"] and (token["expires"] is None or now < token["expires"])


def challenge_of(verifier: str) -> str:
    """Return the S256 challenge of a verifier; one that RFC 7636 does not allow has none."""
    if not re.fullmatch(r"[A-Za-z0-9._~-]{43,128}", verifier):
        return ""
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")


def _number(text: Optional[str]) -> int:
    return int(text) if text and re.fullmatch(r"[0-9]{1,18}", text) else 0


def _without_port(url: str) -> str:
    """Return a loopback URL without its port, or nothing for any other URL."""
    found = re.fullmatch(r"(http://(?:127\.0\.0\.1|\[::1\]|localhost))(?::[0-9]{1,5})?(/[^#]*)?", url)
    return f"{found[1]}{found[2] or ''}" if found else ""
