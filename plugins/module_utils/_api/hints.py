# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What to do about an error of the API, by status and slug; its texts decide nothing."""

from __future__ import annotations

from .._errors import ApiError
from .._records.record import Record, is_number

CONNECTIONS_PAGE = "https://wordpress.com/marketing/connections"
APPLICATIONS_PAGE = "https://wordpress.com/me/security/connected-applications"
RECONNECT = f"disconnect and reconnect it in a browser, at {CONNECTIONS_PAGE}"

_NEW_TOKEN = (
    "create a new token with the playbook community.wpcom.get_token, or set api_token, WPCOM_API_TOKEN or api_token_file to "
    "another one"
)

_HINTS = {
    "invalid_token": f"The token is wrong or was revoked: {_NEW_TOKEN}.",
    "reauthorization_required": f"The login behind the token is too old for this: log in again and {_NEW_TOKEN}.",
    "unauthorized": (
        "The site is private or restricted, and the user of this token is not a member of it; or it is a Jetpack site "
        "whose JSON API is disabled: enable the module JSON API in the Jetpack settings of the site."
    ),
    "unknown_blog": "Check site: WordPress.com has no site with this ID or domain.",
    "publicize_disabled": "Jetpack Social is disabled on this site: enable it in the site's settings.",
    "missing_jetpack_module": "Activate the Jetpack Social (Publicize) module on the site.",
    "incompatible_jetpack": "Update Jetpack on the site.",
    "jetpack_connection": "The site has lost its connection to WordPress.com: reconnect Jetpack in the site's dashboard.",
    "invalid_input": "WordPress.com does not accept these values together: check external_user_id, shared and the IDs.",
    "insert_error": "The server could not create it: check that the account is not connected to this site already.",
    "deletion_error": "The server could not delete it: try again later.",
    "not_allowed": "Check api_url: something between this host and the API changes the method.",
}

# The codes that the API is known to have; those without a hint of their own are in the second part.
KNOWN_CODES = (
    *_HINTS,
    "authorization_required",
    "not_found",
    "unknown_application_access_token",
    "too_many_requests",
    "invalid_request",
    "invalid_client",
    "server_error",
)

_MAY_NOT = (
    "The user of this token is not allowed to do this here: creating a connection requires the capability publish_posts, "
    "sharing it edit_others_posts, and a connection that is owned by another user cannot be changed."
)


def needs_account(error: ApiError) -> bool:
    """Whether the hint depends on the scope and site of the token."""
    return error.status == 403 and error.code in ("authorization_required", "unauthorized")


def hint(error: ApiError, account: Record | None) -> str:
    """Return what to do about an error, as a sentence, empty where its own text is the best there is."""
    if needs_account(error) or error.code == "authorization_required":
        return _authorization(error, account)
    if error.is_empty_not_found:
        return "Check api_url: this route does not exist there."
    return _HINTS.get(error.code, "")


def _authorization(error: ApiError, account: Record | None) -> str:
    """Return why a token was not enough, as far as GET /me shows."""
    path = error.path or ""
    scope = _scope(path)
    on_site = "publicize-connections" in path or path.startswith("/sites")
    if account is None:
        return f"The token requires the scope {scope} or global" + (
            ", must not be bound to another site, and its user must be allowed to do this on the site "
            "(creating requires publish_posts, sharing edit_others_posts)."
            if on_site
            else "."
        )
    site_id, granted = account["token_site_id"], account["token_scope"]
    site = _site(path)
    facts = []
    if site_id is not None and site != str(site_id):
        facts.append(f"this token is for site {site_id} only")
    # A token that was created without a scope may do everything on its one site.
    if granted and "global" not in granted and scope not in granted:
        facts.append(f"this token has the scope {', '.join(granted)}, but {scope} or global is required")
    if facts:
        reason = " and ".join(facts)
        # A domain may or may not be that site.
        unsure = len(facts) == 1 and site_id is not None and site is not None and not is_number(site)
        unless = f" If {site} is that site: {_MAY_NOT}" if unsure else ""
        return f"{reason[0].upper()}{reason[1:]}: use another token, or {_NEW_TOKEN}.{unless}"
    if error.code == "unauthorized":
        return _HINTS["unauthorized"]
    if not on_site:
        return "The user of this token is not allowed to do this: it is owned by another user."
    return _MAY_NOT


def _site(path: str) -> str | None:
    """Return the ID or domain of the site in a path, None where there is none."""
    return path.split("/")[2] if path.startswith("/sites/") else None


def _scope(path: str) -> str:
    if "publicize-connections" in path or "keyring-connections" in path:
        return "sharing"
    if path.startswith(("/sites", "/me/sites")):
        return "sites"
    return "users"
