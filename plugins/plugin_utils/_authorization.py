# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A request for authorization: the URL that the user opens, and what the browser brings back (RFC 6749, 7636 and 8252)."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, urlencode, urlsplit

from ansible_collections.community.wpcom.plugins.module_utils._errors import OptionError, WpcomError

LOOPBACK_HOSTS = ("127.0.0.1", "localhost")
CALLBACK_PATH = "/callback"


class AuthorizationError(WpcomError):
    """The browser came back without an authorization."""

    code = "not_authorized"


def new_secret() -> str:
    """Return a text that cannot be guessed, as ``state`` or as PKCE verifier: 43 characters, 256 bits."""
    return secrets.token_urlsafe(32)


def challenge(verifier: str) -> str:
    """Return the S256 challenge of a PKCE verifier."""
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")


@dataclass(frozen=True)
class Authorization:
    """One request for authorization; ``verifier`` is empty for a flow without PKCE."""

    client_id: str
    redirect_uri: str
    scope: str = ""
    site: str | None = None
    state: str = field(default_factory=new_secret, repr=False)
    verifier: str = field(default="", repr=False)

    def url(self, endpoint: str) -> str:
        """Return the URL that the user opens."""
        query = {
            "client_id": self.client_id,
            "redirect_uri": self.redirect_uri,
            "response_type": "code",
            "scope": self.scope,
            "blog": self.site,
            "state": self.state,
        }
        if self.verifier:
            query.update(code_challenge=challenge(self.verifier), code_challenge_method="S256")
        return f"{endpoint}?{urlencode({name: value for name, value in query.items() if value})}"

    def code(self, parameters: Mapping[str, str]) -> str:
        """Return the code that the browser brings. Raises AuthorizationError where it brings something else."""
        if "error" in parameters:
            raise _denial(parameters)
        if not hmac.compare_digest(parameters.get("state", "").encode(), self.state.encode()):
            raise AuthorizationError(
                "The state of the redirect is not the one of this request, so its code is not used: the redirect belongs to "
                "another request. Run the playbook again, and open its URL.",
                code="wrong_state",
            )
        return parameters["code"]

    def pasted_code(self, text: str) -> str:
        """Return the code of a pasted text: the URL that the browser was redirected to, its query, or the code alone.

        Raises AuthorizationError.
        """
        text = text.strip().lstrip("?")
        try:
            query = urlsplit(text).query if "://" in text else text if "=" in text else ""
        except ValueError:
            query = ""
        parameters = decisive(query)
        if parameters is not None:
            return self.code(parameters)
        # Not even a part of it is shown: it may hold the code.
        if not text or "://" in text or "&" in text or not all("!" <= character <= "~" for character in text):
            raise AuthorizationError(
                "What was pasted is neither the URL of the redirect nor its code: run the playbook again, and paste the URL "
                "that the browser shows after the approval.",
                code="no_code",
            )
        return text


def decisive(query: str) -> dict[str, str] | None:
    """Return the parameters of a redirect with a code or an error, None for another query."""
    pairs = parse_qsl(query)
    parameters = dict(pairs)
    # A parameter that is there twice belongs to nobody's redirect.
    if len(parameters) != len(pairs) or not (parameters.get("code") or parameters.get("error")):
        return None
    return parameters


def loopback_port(redirect_uri: str) -> int | None:
    """Return the port of a redirect URI on which this collection can listen, None for any other."""
    try:
        parts = urlsplit(redirect_uri)
        port = parts.port
    except ValueError:
        return None
    is_loopback = parts.scheme == "http" and parts.hostname in LOOPBACK_HOSTS and parts.path == CALLBACK_PATH
    return (port or 80) if is_loopback and not parts.query else None


def checked_redirect_uri(redirect_uri: str) -> str:
    """Return a redirect URI. Raises OptionError where it is not a URL."""
    try:
        parts = urlsplit(redirect_uri)
        is_url = bool(parts.scheme and parts.netloc and parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        is_url = False
    if not is_url or parts.fragment or not redirect_uri.isprintable() or " " in redirect_uri:
        raise OptionError(
            "redirect_uri must be a URL without a fragment, exactly as it is registered with the application."
        )
    return redirect_uri


def _denial(parameters: Mapping[str, str]) -> AuthorizationError:
    error = parameters["error"][:100]
    text = parameters.get("error_description", "")[:300]
    details = error + (f": {text}" if text else "")
    if error == "access_denied":
        return AuthorizationError(
            f"The request was denied in the browser ({details}). Run the playbook again to create a token.", code=error
        )
    return AuthorizationError(
        f"WordPress.com refused the request ({details}). Check the client ID and the scope.", code=error
    )
