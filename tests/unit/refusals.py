# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is refused of one publicize connection, as a task of its own and as an entry of a list: one table for both."""

from __future__ import annotations

from typing import Any, NamedTuple

from ansible_collections.community.wpcom.tests.unit.builders import (
    CLUB,
    ENGINES,
    FACEBOOK,
    FOREIGN,
    LINKEDIN,
    MASTODON,
    MASTODON_SHOP,
    SOCIETY,
    World,
    publicize_connection,
)


class Refusal(NamedTuple):
    """The options, the code of the error, and parts of its message."""

    options: dict[str, Any]
    code: str
    parts: tuple[str, ...] = ()


def world() -> World:
    """Return the world that the options below are refused in."""
    return World(
        publicize_connection(50, FACEBOOK, 1, ENGINES),
        publicize_connection(51, MASTODON, 1),
        publicize_connection(52, MASTODON_SHOP, 3),
        publicize_connection(53, MASTODON_SHOP, 3),
        publicize_connection(54, LINKEDIN, 3, SOCIETY),
        publicize_connection(55, LINKEDIN, 3, CLUB),
        publicize_connection(60, FOREIGN, 1),
    )


def _option(told: str, **options: Any) -> Refusal:
    return Refusal(options, "invalid_option", (told,))


# Refused before anything is read.
BAD_OPTIONS = {
    "id 0": _option("id must be a positive number, got 0", id=0),
    "negative id": _option("id must be a positive number, got -5", id=-5),
    "keyring connection 0": _option(
        "keyring_connection_id must be a positive number, got 0", site="1", keyring_connection_id=0
    ),
    "empty service": _option("service must not be empty", site="1", service=""),
    "empty account": _option("account must not be empty", site="1", service="mastodon", account=""),
    "empty external user ID": _option("external_user_id must not be empty", id=50, external_user_id=""),
    "empty external user name": _option("external_user_name must not be empty", id=50, external_user_name=""),
    "nothing to select by": _option("One of the following is required", site="1"),
    "service without site": _option("site is required unless id is set", service="mastodon"),
    "keyring connection without site": _option("site is required unless id is set", keyring_connection_id=22),
    "account without service": _option("account requires service", id=50, account="x"),
    "false as external user": _option("set reset_external_user to true", id=50, external_user_id="false"),
    "False as external user": _option("set reset_external_user to true", id=50, external_user_id="False"),
    "external user ID and name": _option(
        "external_user_id and external_user_name are mutually exclusive",
        id=50,
        external_user_id="111",
        external_user_name="x",
    ),
    "external user and reset": _option(
        "external_user_id and reset_external_user are mutually exclusive",
        id=50,
        external_user_id="111",
        reset_external_user=True,
    ),
    "empty site": _option("site must be the numeric ID, the domain, or the URL", site="", service="mastodon"),
    "site with a space": _option(
        "site must be the numeric ID, the domain, or the URL", site="blog example", service="mastodon"
    ),
    "digits that are not an ID": _option("site must be the numeric ID, the domain", site="\u0661", service="mastodon"),
    "site with a query": _option("must not have a query", site="blog.example.com?x=1", service="mastodon"),
    "site with a fragment": _option("must not have a query, a fragment", site="blog.example.com#x", service="mastodon"),
    "site with a user name": _option("a user name", site="ada@blog.example.com", service="mastodon"),
    "site of another scheme": _option("a scheme other than https", site="ftp://blog.example.com", service="mastodon"),
    "site 0": _option("site must be a positive number or a domain", site="0", service="mastodon"),
    "service with a slash": _option("service must be the ID of a service", site="1", service="foo/bar"),
}

# Refused after a look at the account.
IMPOSSIBLE = {
    "unknown id": Refusal({"id": 99}, "missing", ("Publicize connection 99 not found among yours", "omit id")),
    "unknown id on a site": Refusal(
        {"id": 99, "site": "1"}, "missing", ("Publicize connection 99 not found on site 1", "omit id")
    ),
    "id of another site": Refusal({"id": 51, "site": "2"}, "missing", ("connection 51 not found on site 2",)),
    "unknown site": Refusal({"site": "nowhere.example.com", "service": "facebook"}, "unknown_blog"),
    "id and another service": Refusal(
        {"id": 50, "service": "mastodon"},
        "invalid_option",
        ("Publicize connection 50", "does not match service", "cannot be changed"),
    ),
    "id and another keyring connection": Refusal(
        {"id": 50, "keyring_connection_id": 22},
        "invalid_option",
        ("Publicize connection 50", "does not match keyring_connection_id"),
    ),
    "id, service, and another keyring connection": Refusal(
        {"id": 50, "site": "1", "service": "facebook", "keyring_connection_id": 21},
        "invalid_option",
        ("does not match keyring_connection_id",),
    ),
    "id and another account": Refusal(
        {"id": 51, "service": "mastodon", "account": "@shop"}, "invalid_option", ("does not match account",)
    ),
    "another service, to be absent": Refusal(
        {"id": 50, "service": "mastodon", "state": "absent"}, "invalid_option", ("does not match service",)
    ),
    "several accounts": Refusal(
        {"site": "1", "service": "mastodon"},
        "ambiguous_match",
        (
            "2 keyring connections match",
            "22 (mastodon: @Ada, name @ada, external ID x22); 23 (mastodon: @Shop, name @shop, external ID x23)",
            "Select one by account",
        ),
    ),
    "unknown account": Refusal(
        {"site": "1", "service": "mastodon", "account": "@x"},
        "missing_keyring_connection",
        (
            "Keyring connection '@x' for Mastodon not found",
            "22 (mastodon: @Ada, name @ada, external ID x22); 23 (mastodon: @Shop, name @shop, external ID x23)",
            "open https://connect.example/mastodon in a browser",
        ),
    ),
    "unknown keyring connection": Refusal(
        {"site": "1", "keyring_connection_id": 99},
        "missing_keyring_connection",
        (
            "Keyring connection 99 not found",
            "20 (facebook: Ada, name ada, external ID x20); 21",
            "https://wordpress.com/marketing/connections",
        ),
    ),
    "unknown keyring connection of a service": Refusal(
        {"site": "1", "keyring_connection_id": 99, "service": "facebook"},
        "missing_keyring_connection",
        (
            "Keyring connection 99 for Facebook not found",
            "of this service: 20 (facebook: Ada, name ada, external ID x20).",
        ),
    ),
    "keyring connection of another user": Refusal(
        {"site": "1", "keyring_connection_id": 30}, "missing_keyring_connection", ("connection 30 not found",)
    ),
    "keyring connection of another service": Refusal(
        {"site": "1", "keyring_connection_id": 20, "service": "mastodon"},
        "invalid_option",
        ("Keyring connection 20 (facebook: Ada) is not of service 'mastodon'",),
    ),
    "unknown service": Refusal(
        {"site": "1", "service": "facebok"}, "unknown_service", ("has no service 'facebok'", "gather=services")
    ),
    "unsupported service": Refusal(
        {"site": "1", "service": "twitter"},
        "unsupported_service",
        ("Twitter is no longer supported by WordPress.com", "set state to absent"),
    ),
    "service that is not for posts": Refusal(
        {"site": "1", "service": "photos"},
        "invalid_option",
        ("photos of connection 25 (photos: Ada-P) does not support publishing",),
    ),
    "two connections of one account": Refusal(
        {"site": "3", "service": "mastodon", "account": "@shop"},
        "ambiguous_match",
        (
            "2 publicize connections match",
            "52 (mastodon: @Shop, name @shop, external ID x23, on site 3)",
            "53 (mastodon",
            "Select one by id.",
        ),
    ),
    "two connections of one account, to be absent": Refusal(
        {"site": "3", "service": "mastodon", "account": "@shop", "state": "absent"}, "ambiguous_match", ("52", "53")
    ),
    "two connections of one external user": Refusal(
        {"site": "3", "service": "mastodon", "account": "@shop", "unique_per": "external_user"},
        "ambiguous_match",
        ("Select one by id.",),
    ),
    "two external users of one account": Refusal(
        {"site": "3", "service": "linkedin"},
        "ambiguous_match",
        ("external ID 211", "external ID 212", "or set unique_per to external_user and name the external user"),
    ),
    "one of two external users, but unique per account": Refusal(
        {"site": "3", "service": "linkedin", "external_user_id": "211"}, "ambiguous_match", ("54", "55")
    ),
    "two external users and neither named": Refusal(
        {"site": "3", "service": "linkedin", "unique_per": "external_user"},
        "ambiguous_match",
        ("or name its external user by external_user_id",),
    ),
    "unknown external user": Refusal(
        {"site": "1", "service": "facebook", "external_user_id": "999"},
        "unknown_external_user",
        ("has no external user '999'", "it has 111 (Engines), 112 (Shop)", "refreshing the connection"),
    ),
    "external user of a service of profiles": Refusal(
        {"site": "1", "keyring_connection_id": 22, "external_user_id": "1"},
        "invalid_option",
        ("Mastodon does not support external users", "omit external_user_id"),
    ),
    "named external user of a service of profiles": Refusal(
        {"site": "1", "keyring_connection_id": 22, "external_user_name": "x"},
        "invalid_option",
        ("Mastodon does not support external users",),
    ),
    "profile of a service of pages": Refusal(
        {"site": "2", "service": "facebook"},
        "invalid_option",
        ("Facebook does not support posting to the profile", "external_user_id", "111 (Engines), 112 (Shop)"),
    ),
    "reset to the profile of a service of pages": Refusal(
        {"site": "2", "service": "facebook", "reset_external_user": True},
        "invalid_option",
        ("Facebook does not support posting to the profile",),
    ),
    "reset of a connection to the profile of a service of pages": Refusal(
        {"id": 50, "reset_external_user": True}, "invalid_option", ("does not support posting to the profile",)
    ),
    "profile of a service of pages by its ID": Refusal(
        {"site": "2", "service": "facebook", "external_user_id": "x20"}, "unknown_external_user"
    ),
    "deletion of another user's": Refusal(
        {"id": 60, "site": "1", "state": "absent"},
        "not_yours",
        ("60 (mastodon: @Grace on site 1) is owned by another user (2)", "its owner has to do it"),
    ),
    "sharing another user's": Refusal({"id": 60, "site": "1", "shared": True}, "not_yours", ("another user",)),
    "external user of another user's": Refusal(
        {"id": 60, "site": "1", "external_user_id": "1"}, "not_yours", ("another user",)
    ),
    "another user's keyring connection, to be absent": Refusal(
        {"site": "1", "keyring_connection_id": 30, "state": "absent"}, "not_yours", ("another user",)
    ),
    "another user's by id alone": Refusal({"id": 60, "state": "absent"}, "authorization_required"),
}

ALL = {**BAD_OPTIONS, **IMPOSSIBLE}
