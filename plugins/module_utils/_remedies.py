# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a person has to do about an error of the API, by status and slug; the texts of the API are never looked at."""

from __future__ import annotations

from ansible_collections.community.wpcom.plugins.module_utils._errors import ApiError
from ansible_collections.community.wpcom.plugins.module_utils._records import Record, is_number

CONNECTIONS_PAGE = "https://wordpress.com/marketing/connections"
RECONNECT = f"disconnect it and connect it again in a browser, at {CONNECTIONS_PAGE}"

_NEW_TOKEN = "make a new token and set api_token or WPCOM_API_TOKEN to it"

_REMEDIES = {
    "invalid_token": f"The token is wrong or was revoked: {_NEW_TOKEN}.",
    "reauthorization_required": f"The log-in behind the token is too old for this: log in again and {_NEW_TOKEN}.",
    "unauthorized": "The site is private or restricted: the user of this token must be a member of it.",
    "unknown_blog": "Check site: WordPress.com has no site with this ID or domain.",
    "publicize_disabled": "Jetpack Social is switched off on this site: switch it on in the site's settings.",
    "missing_jetpack_module": "Activate the Jetpack Social (Publicize) module on the site.",
    "incompatible_jetpack": "Update Jetpack on the site.",
    "jetpack_connection": "The site has lost its connection to WordPress.com: reconnect Jetpack in the site's dashboard.",
    "invalid_input": "WordPress.com does not take these values together: check external_user_id, shared and the IDs.",
    "insert_error": "The server could not make it: check that the account is not connected to this site already.",
    "deletion_error": "The server could not delete it: try again later.",
    "not_allowed": "Check api_url: something between here and the API changes the method.",
}

_MAY_NOT = (
    "The user of this token may not do this here: creating a connection needs the capability publish_posts, "
    "sharing edit_others_posts, and nobody may change a connection that belongs to somebody else."
)


def needs_account(error: ApiError) -> bool:
    """Whether the remedy depends on the scope and site of the token."""
    return error.status == 403 and error.code in ("authorization_required", "unauthorized")


def remedy(error: ApiError, account: Record | None) -> str:
    """Return what to do about an error, as a sentence, empty where nothing better than its own text is known."""
    if needs_account(error) or error.code == "authorization_required":
        return _authorization(error, account)
    if error.is_empty_not_found:
        return "Check api_url: this route does not exist there."
    return _REMEDIES.get(error.code, "")


def _authorization(error: ApiError, account: Record | None) -> str:
    """Return why a token was not enough, as far as GET /me tells."""
    path = error.path or ""
    scope = _scope(path)
    on_site = "publicize-connections" in path or path.startswith("/sites")
    if account is None:
        return f"The token needs the scope {scope} or global" + (
            ", must not be bound to another site, and its user must be allowed to do this on the site "
            "(creating needs publish_posts, sharing edit_others_posts)."
            if on_site
            else "."
        )
    site_id, granted = account["token_site_id"], account["token_scope"]
    site = _site(path)
    facts = []
    if site_id is not None and site != str(site_id):
        facts.append(f"this token is for site {site_id} only")
    # A token that was made without a scope may do everything on its one site.
    if granted and "global" not in granted and scope not in granted:
        facts.append(f"this token has the scope {', '.join(granted)}, but {scope} or global is needed")
    if facts:
        told = " and ".join(facts)
        # Of a domain it is not known whether it is that site.
        unsure = len(facts) == 1 and site_id is not None and site is not None and not is_number(site)
        unless = f" If {site} is that site: {_MAY_NOT}" if unsure else ""
        return f"{told[0].upper()}{told[1:]}: use another token, or {_NEW_TOKEN}.{unless}"
    if error.code == "unauthorized":
        return _REMEDIES["unauthorized"]
    if not on_site:
        return "The user of this token may not do this: what belongs to somebody else is out of reach."
    return _MAY_NOT


def _site(path: str) -> str | None:
    """Return the ID or domain of the site that a path leads to, None where it leads to none."""
    parts = path.split("/")
    return parts[2] if path.startswith("/sites/") and len(parts) > 2 else None


def _scope(path: str) -> str:
    if "publicize-connections" in path or "keyring-connections" in path:
        return "sharing"
    if path.startswith(("/sites", "/me/sites")):
        return "sites"
    return "users"
