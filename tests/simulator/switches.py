# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The switches: one for each thing about the real server that nobody outside has verified, or that has two forms."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple, Optional


class SwitchError(ValueError):
    """A switch that does not exist, or a value that it does not have."""


class Switch(NamedTuple):
    """One switch; without choices any slug will do."""

    name: str
    default: Any
    choices: Optional[tuple[Any, ...]]
    meaning: str


_BOOL = (False, True)

SWITCHES: tuple[Switch, ...] = (
    # Tokens and scopes
    Switch("invalid_token_status", 400, (400, 401), "HTTP status of the error `invalid_token`"),
    Switch(
        "stale_session",
        "applications",
        ("applications", "everywhere"),
        "where a stale session is refused with `reauthorization_required`",
    ),
    Switch(
        "me_scope",
        "strict",
        ("strict", "any"),
        "`GET /me` needs the scope `users` (or `global`, or a token for one site), or any token will do",
    ),
    Switch(
        "site_token_account",
        "allowed",
        ("allowed", "refused"),
        "whether a token without scope, bound to a site, opens keyring connections and connected applications, which belong to no site",
    ),
    Switch(
        "empty_token_scope_form", "empty", ("empty", "blank"), '`token_scope` of a token without scope: `[]`, or `[""]`'
    ),
    Switch("token_scope_form", "list", ("list", "text"), "`token_scope` of `GET /me`: a list, or a text with spaces"),
    Switch(
        "token_site_unbound",
        "false",
        ("false", "zero"),
        "`token_site_id` of `GET /me` for a token that is bound to no site: false, or 0",
    ),
    Switch(
        "token_info_unbound_blog", "0", ("0", "", None), "`blog_id` in token-info for a token that is bound to no site"
    ),
    Switch(
        "token_info_bad_token",
        "invalid_token",
        ("invalid_token", "invalid_request"),
        "slug of the error of token-info for a token that is not valid",
    ),
    # The authorization server
    Switch("oauth_error_status", 400, (400, 403, 409), "HTTP status of the errors of OAuth"),
    Switch(
        "oauth_scope_form",
        "text",
        ("text", "list", "absent"),
        "`scope` of a token response: a text with spaces, a list, or no such key",
    ),
    Switch(
        "oauth_unbound_blog", "0", ("0", None), "`blog_id` of a token response for a token that is bound to no site"
    ),
    Switch("oauth_lifetime", 1209600, (1209600, 3600, 60, 1), "how many seconds a token of `/oauth2-1` is valid"),
    Switch("oauth_classic_expiry", False, _BOOL, "whether a token of `/oauth2` expires as well"),
    Switch(
        "oauth_expires_in",
        "number",
        ("number", "text", "absent"),
        "`expires_in` of a token that expires: a number, digits, or no such key",
    ),
    Switch("oauth_refresh_token", True, _BOOL, "whether `/oauth2-1` issues refresh tokens"),
    Switch(
        "oauth_rotation",
        "rotate",
        ("rotate", "keep", "omit"),
        "refreshing: a new refresh token that ends the old one, the old one again, or no such key and the old one stays valid",
    ),
    Switch("oauth_code_reuse", "refuse", ("refuse", "revoke"), "a code used twice is refused, or also ends its token"),
    Switch(
        "oauth_denial_state", "present", ("present", "absent"), "whether `state` comes back where the user has denied"
    ),
    Switch("oauth_registration", "open", ("open", "closed"), "whether `/oauth2-1/register` takes new clients"),
    Switch("oauth_registration_status", 201, (201, 200), "HTTP status of a registration"),
    Switch(
        "oauth_loopback_port",
        "any",
        ("any", "exact"),
        "which ports `/oauth2-1` accepts in a redirect to the loopback address: any, or the one that was registered",
    ),
    Switch("oauth_password_grant", "open", ("open", "closed"), "whether `/oauth2/token` takes passwords"),
    Switch(
        "oauth_two_factor_slug",
        "needs_2fa",
        None,
        "slug of the error for a password where two-step authentication is on",
    ),
    Switch(
        "oauth_modern_sharing",
        True,
        _BOOL,
        "whether tokens of `/oauth2-1` open publicize and keyring connections",
    ),
    Switch("services_public", True, _BOOL, "whether the external services can be read without a token"),
    Switch("sites_public", False, _BOOL, "whether a public site can be read without a token"),
    # Errors
    Switch(
        "throttle_form",
        "html500",
        ("html500", "html503", "json429"),
        "what being throttled looks like: HTML with `Limit reached` and status 500 or 503, or JSON with status 429",
    ),
    Switch(
        "keyring_not_found_form",
        "not_found",
        ("not_found", "empty"),
        "a keyring connection that does not exist: 404 with the slug `not_found`, or an empty 404",
    ),
    Switch("external_user_error_slug", "invalid_input", None, "slug of the 400 for an external user that is refused"),
    Switch(
        "unsupported_service_slug",
        "insert_error",
        None,
        "slug of the 400 for creating with a service that is `unsupported` or not of type publicize",
    ),
    Switch(
        "foreign_keyring",
        "authorization_required",
        ("authorization_required", "not_found"),
        "another user's keyring connection: 403, or 404 as if it were not there",
    ),
    Switch(
        "foreign_publicize",
        "authorization_required",
        ("authorization_required", "not_found"),
        "reading a publicize connection that this user may not see: 403, or 404",
    ),
    Switch(
        "foreign_write",
        "refuse",
        ("refuse", "editors"),
        "changing or deleting another user's publicize connection: nobody may, or those with `edit_others_posts` may",
    ),
    Switch(
        "non_digit_id",
        "empty",
        ("empty", "invalid_input"),
        "an ID in the path that is not digits: an empty 404, or 400 `invalid_input`",
    ),
    Switch(
        "site_name_form",
        "usual",
        ("usual", "strict", "lenient"),
        "names of sites: case does not matter, case matters, or neither case, port nor trailing dot do",
    ),
    Switch(
        "shared_domain",
        "wordpress",
        ("wordpress", "jetpack"),
        "which of two sites with one domain the name means: the one on WordPress.com, or the Jetpack site",
    ),
    Switch(
        "message_language", "english", ("english", "german"), "language of the error texts, on which nothing may depend"
    ),
    # Writing
    Switch("boolean_case", "exact", ("exact", "insensitive"), "whether `TRUE` and `T` are true as well"),
    Switch(
        "create_duplicate",
        "existing",
        ("existing", "second", "error", "error_any_user"),
        "creating what already exists (same site, keyring connection and external user): returns the existing one unchanged, "
        "makes a second one, or is an error; with `error_any_user` another external user of the account is an error too",
    ),
    Switch("duplicate_status", 400, (400, 403, 409), "HTTP status of the error for creating what already exists"),
    Switch("duplicate_slug", "insert_error", None, "its slug"),
    Switch(
        "external_users_only",
        "refuse",
        ("refuse", "accept", "first"),
        "the default user where a service allows external users only: refused, accepted, or replaced by the first external user",
    ),
    Switch(
        "external_user_check",
        "cached",
        ("cached", "fresh", "none"),
        "which external users the server accepts: those it has cached, those after a refetch too, or any",
    ),
    Switch(
        "reset_without_support",
        "accept",
        ("accept", "refuse"),
        "resetting `external_user_ID` for a service without `multiple_external_user_ID_support`",
    ),
    Switch(
        "drop_external_user",
        False,
        (False, True, "update"),
        "the server ignores `external_user_ID` silently: never, always, or when a connection is changed",
    ),
    Switch("drop_shared", False, _BOOL, "the server ignores `shared` silently"),
    Switch(
        "delete_keyring_with_last",
        False,
        _BOOL,
        "deleting the last publicize connection of a keyring connection deletes that too",
    ),
    Switch(
        "delete_read_back",
        "gone",
        ("gone", "lingers"),
        "whether a deleted publicize connection is still there in the next read",
    ),
    Switch(
        "create_read_back",
        "there",
        ("there", "late"),
        "whether a new publicize connection is already there in the next read",
    ),
    # Forms of responses
    Switch(
        "bad_entries",
        "none",
        ("none", "no_id", "zero_id", "null_id", "null", "all"),
        "every list ends with an entry that has `meta` only, whose ID is 0, whose ID is null, with a `null`, or with all of them",
    ),
    Switch(
        "php_gaps",
        "none",
        ("none", "inner", "everywhere"),
        "lists that are objects with numbers as keys, as PHP sends a list with gaps: none, those inside records, or all",
    ),
    Switch(
        "html_names",
        True,
        _BOOL,
        "whether names (titles of applications, accounts, pages, sites) are HTML-escaped: `&amp;`, `&#039;`, `&#8217;`",
    ),
    Switch("lone_surrogates", False, _BOOL, "whether these names end with half an emoji, `\\ud83d`"),
    Switch(
        "never_form",
        "date",
        ("date", "null", "absent"),
        "`expires` of what never expires, and `issued` where it is null: the zero date, null, or no such key",
    ),
    Switch(
        "keyring_user_id",
        "present",
        ("present", "zero", "absent"),
        "`user_ID` of a keyring connection of one's own: there, 0, or no such key",
    ),
    Switch(
        "pc_date_form",
        "space",
        ("space", "squeezed", "iso"),
        "dates of publicize connections, and `issued` of keyring connections: with a space, with the space lost (as the docs print it), or ISO 8601",
    ),
    Switch(
        "kc_expires_form",
        "zone-less",
        ("zone-less", "unix_int", "unix_str", "iso"),
        "`expires` of keyring connections: as `pc_date_form` has it, a unix time as int or as digits, or ISO 8601",
    ),
    Switch(
        "kc_unix_never",
        "zero_date",
        ("zero_date", "zero"),
        "how a keyring connection says never among unix times: the zero date, or 0",
    ),
    Switch("refresh_url_spelling", "refresh_URL", ("refresh_URL", "refresh_url"), "spelling of that key"),
    Switch("connect_url_spelling", "connect_URL", ("connect_URL", "connect_url"), "spelling of that key"),
    Switch(
        "application_form",
        "wire",
        ("wire", "docs", "example"),
        "a connected application has `ID` (string) and `site`, `connection_ID` (int) and `blog`, or `ID` (string) and `blog`",
    ),
    Switch("sites_string_ids", True, _BOOL, "`sites` of a keyring connection holds strings"),
    Switch("pc_url", "absent", ("absent", "null", "url"), "the key `URL` of a publicize connection"),
    Switch(
        "own_read_only",
        "present",
        ("present", "absent"),
        "whether `read_only` is there (false) where the connection can be changed",
    ),
    Switch(
        "read_only_form",
        "reduced",
        ("reduced", "full"),
        "how much of another user's shared connection is shown on its own",
    ),
    Switch(
        "user_id_filter",
        "owner",
        ("owner", "user_ID"),
        "what the filter `user_id` looks at: the keyring connection's owner, or `user_ID`, which is 0 when shared",
    ),
    Switch(
        "fields_on_applications",
        "list",
        ("list", "object", "array"),
        'what `fields` leaves of the connected applications: `{"connected_applications": []}`, `{}` or `[]`',
    ),
    Switch("empty_map_form", "object", ("object", "array"), "an empty map of services: `{}`, or PHP's `[]`"),
    Switch("envelope_everything", True, _BOOL, "whether `http_envelope` wraps the empty 404 too"),
    Switch(
        "links_to",
        "wordpress",
        ("wordpress", "simulator"),
        "where links in responses lead: the real host, or the simulator",
    ),
)

BY_NAME: dict[str, Switch] = {switch.name: switch for switch in SWITCHES}


def checked(given: Mapping[str, Any]) -> dict[str, Any]:
    """Check switches by name and value, with an error that names the one that is wrong."""
    result: dict[str, Any] = {}
    for name, value in given.items():
        switch = BY_NAME.get(name)
        if switch is None:
            raise SwitchError(f"no such switch: {name}; there are: {', '.join(sorted(BY_NAME))}")
        result[name] = _checked_value(switch, value)
    return result


def _checked_value(switch: Switch, value: Any) -> Any:
    if switch.choices is None:
        if isinstance(value, str) and value:
            return value
        raise SwitchError(f"switch {switch.name}: {value!r} is not a slug")
    for choice in switch.choices:
        # True == 1 in Python, so the type counts too; the text of a choice will do, for the command line.
        if value == choice and isinstance(value, bool) == isinstance(choice, bool):
            return choice
        if isinstance(value, str) and value == _text(choice):
            return choice
        # YAML reads a bare 0 as a number.
        if isinstance(choice, str) and not isinstance(value, bool) and isinstance(value, int) and str(value) == choice:
            return choice
    raise SwitchError(
        f"switch {switch.name}: {value!r} is not one of {', '.join(repr(_text(c)) for c in switch.choices)}"
    )


def _text(choice: Any) -> str:
    if choice is None:
        return "null"
    return str(choice).lower() if isinstance(choice, bool) else str(choice)


def defaults() -> dict[str, Any]:
    """Return every switch at its default."""
    return {switch.name: switch.default for switch in SWITCHES}
