# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The endpoints of OAuth, and the document that a token is kept as."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import Any

from .._errors import ApiError, OptionError
from .._http.request import ANONYMOUS, Request, Response
from .._http.transport import Transport
from .._records.dates import date
from .._records.normalize import scopes
from .._records.record import is_number

CLASSIC = "/oauth2"
MODERN = "/oauth2-1"
LOG_IN_AGAIN = "log in again with the playbook community.wpcom.get_token"
# What /oauth2-1 says of its tokens, where a response does not.
DEFAULT_LIFETIME = timedelta(days=14)

# The keys that are never those of the previous token.
_OF_ONE_TOKEN = frozenset(("access_token", "token_type", "expires_at"))

_HINTS = {
    "invalid_client": "Check the client ID, the client secret, and that the redirect URI is one of those of the application.",
    "invalid_grant": "The code was used before, has expired, or belongs to another redirect URI: start again.",
    "invalid_request": "Check the user name, the password, and that the redirect URI is one of those of the application.",
    "needs_2fa": "Two-step authentication is enabled: use an application password.",
    "unsupported_grant_type": "WordPress.com does not allow this flow for this client: use another flow.",
}
_REFRESH_HINTS = {
    "invalid_client": f"WordPress.com does not know the client of this token any more: {LOG_IN_AGAIN}.",
    "invalid_grant": f"The refresh token was used before, was revoked, or has expired: {LOG_IN_AGAIN}.",
}


class AuthorizationServer:
    """One of the authorization servers below the URL of the API: ``prefix`` is CLASSIC or MODERN."""

    def __init__(self, transport: Transport, prefix: str) -> None:
        """Keep the transport; nothing is sent yet."""
        self._transport = transport
        self._prefix = prefix

    def register(self, redirect_uri: str, name: str) -> str:
        """Return the ID of a new client without a secret: POST /oauth2-1/register. Raises WpcomError."""
        body = {
            "client_name": name,
            "redirect_uris": [redirect_uri],
            "grant_types": ["authorization_code", "refresh_token"],
            "response_types": ["code"],
            "token_endpoint_auth_method": "none",
        }
        request = Request("POST", f"{self._prefix}/register", "register a client", body=body)
        try:
            return self._send(request, {}).parse(lambda document: _text(document, "client_id"))
        except ApiError as error:
            error.message = (
                f"{error.message.rstrip('.')}. WordPress.com does not register clients here: register an application at "
                "https://developer.wordpress.com/apps/, and set flow to classic and client_id to its ID."
            )
            raise

    def token(self, form: Mapping[str, str | None]) -> Mapping[str, Any]:
        """Return the response to a form without its empty fields, which has an access token: POST /oauth2/token.

        Raises WpcomError, whose message has a hint.
        """
        given = {name: value for name, value in form.items() if value}
        refreshing = given["grant_type"] == "refresh_token"
        action = "refresh the token" if refreshing else "get a token"
        request = Request("POST", f"{self._prefix}/token", action, form=given)
        return self._send(request, _REFRESH_HINTS if refreshing else _HINTS).parse(_token_response)

    def token_info(self, client_id: str, token: str) -> Mapping[str, Any]:
        """Return whose token it is: GET /oauth2/token-info. Raises WpcomError."""
        request = Request(
            "GET",
            f"{self._prefix}/token-info",
            "read whose token it is",
            params={"client_id": client_id, "token": token},
        )
        return self._send(request, {}).parse(_mapping)

    def _send(self, request: Request, hints: Mapping[str, str]) -> Response:
        try:
            response = self._transport.send(replace(request, root="", credentials=ANONYMOUS, oauth=True))
            slug, text = response.slug_and_text
            # The status of an error of OAuth may be any.
            if slug:
                raise ApiError(
                    f"Could not {request.action}: {slug}" + (f": {text}" if text else ""),
                    code=slug,
                    status=response.status,
                    api_message=text,
                    method=request.method,
                    path=request.path,
                )
        except ApiError as error:
            error.message = f"{error.message.rstrip('.')}. {hints.get(error.code, '')}".rstrip()
            raise
        return response


def token_document(
    response: Mapping[str, Any], previous: Mapping[str, Any], now: datetime, *, assume_lifetime: bool = False
) -> dict[str, Any]:
    """Return the document of a token: the response to a request for it, with what it leaves out from the previous document.

    Dates are ISO 8601 in UTC, ``scope`` is a text with spaces, ``blog_id`` an int or None. A refresh token that is not in the
    response stays valid. ``assume_lifetime`` gives a token with a refresh token an end where the response has none.
    """
    document = {
        "access_token": response["access_token"],
        "token_type": "bearer",
        **{name: value for name, value in previous.items() if name not in _OF_ONE_TOKEN},
    }
    if "scope" in response:
        document["scope"] = " ".join(scopes(response["scope"]))
    if "blog_id" in response:
        document["blog_id"] = _site_id(response["blog_id"])
    document["obtained_at"] = date(now.timestamp())
    if response.get("refresh_token"):
        document["refresh_token"] = response["refresh_token"]
    lifetime = _seconds(response.get("expires_in"))
    if lifetime is None and assume_lifetime and document.get("refresh_token"):
        lifetime = DEFAULT_LIFETIME
    if lifetime is not None:
        document["expires_at"] = date((now + lifetime).timestamp())
    return document


def utc_now() -> datetime:
    """Return the time in UTC."""
    return datetime.now(timezone.utc)


def endpoint_prefix(token_url: Any, api_url: str) -> str:
    """Return which authorization server a token endpoint belongs to.

    Raises OptionError where it is not below the URL of the API: the refresh token must not be sent elsewhere.
    """
    if not token_url:
        return MODERN
    text = str(token_url)
    path = text[len(api_url) :] if text.startswith(f"{api_url}/") else ""
    for prefix in (CLASSIC, MODERN):
        if path.rstrip("/") == f"{prefix}/token":
            return prefix
    raise OptionError(
        f"The token_url of the token is not the token endpoint below api_url {api_url}, so the token is not refreshed: "
        "set api_url to the URL that the token was created with."
    )


def _mapping(document: Any) -> Mapping[str, Any]:
    if not isinstance(document, dict):
        raise ValueError("no object")
    return document


def _text(document: Any, key: str) -> str:
    value = _mapping(document).get(key)
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str) or not value:
        raise ValueError(f"no text {key!r}")
    return value


def _token_response(document: Any) -> Mapping[str, Any]:
    token = _text(document, "access_token")
    if not all("!" <= character <= "~" for character in token):
        raise ValueError("access_token has a character that tokens do not have")
    refresh_token = document.get("refresh_token")
    if refresh_token is not None and not isinstance(refresh_token, str):
        raise ValueError("refresh_token is not a text")
    kind = document.get("token_type") or "bearer"
    if not isinstance(kind, str) or kind.lower() != "bearer":
        raise ValueError("token_type is not bearer")
    return _mapping(document)


def _site_id(value: Any) -> int | None:
    """Return the site that a token is bound to; a token for all sites has 0, "0" or null."""
    number = int(value) if is_number(str(value)) and not isinstance(value, bool) else 0
    return number or None


def _seconds(value: Any) -> timedelta | None:
    """Return a lifetime, None where the response does not have one."""
    text = "" if isinstance(value, bool) else str(value)
    # A longer number is no lifetime, and no date would hold it.
    return timedelta(seconds=int(text)) if is_number(text) and len(text) < 11 else None
