# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What to do about an error, by its status and slug."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.community.wpcom.plugins.module_utils._api.hints import hint, needs_account
from ansible_collections.community.wpcom.plugins.module_utils._errors import ApiError


@pytest.mark.parametrize(
    ("status", "slug", "told"),
    [
        (400, "invalid_token", "create a new token with the playbook community.wpcom.get_token, or set api_token"),
        (401, "invalid_token", "create a new token with the playbook community.wpcom.get_token, or set api_token"),
        (401, "reauthorization_required", "log in again"),
        (404, "unknown_blog", "Check site"),
        (400, "publicize_disabled", "enable it"),
        (400, "missing_jetpack_module", "Activate the Jetpack Social"),
        (400, "incompatible_jetpack", "Update Jetpack"),
        (400, "jetpack_connection", "reconnect Jetpack"),
        (400, "invalid_input", "external_user_id, shared"),
        (400, "insert_error", "connected to this site already"),
        (400, "deletion_error", "try again later"),
        (405, "not_allowed", "Check api_url"),
        (404, "", "Check api_url"),
    ],
)
def test_hint_follows_status_and_slug(status: int, slug: str, told: str) -> None:
    error = ApiError("Das hat nicht geklappt.", code=slug, status=status, path="/me")
    assert told in hint(error, None)
    assert not needs_account(error)


@pytest.mark.parametrize(("status", "slug"), [(400, "something_new"), (404, "not_found"), (500, "")])
def test_unknown_slug_has_no_hint(status: int, slug: str) -> None:
    assert hint(ApiError("No.", code=slug, status=status, path="/me"), None) == ""


@pytest.mark.parametrize(
    ("scopes", "site_id", "path", "told"),
    [
        (["posts"], None, "/me/keyring-connections/", "has the scope posts, but sharing or global is required"),
        (["posts"], None, "/me/sites", "sites or global is required"),
        (["posts"], None, "/sites/1", "sites or global is required"),
        (["posts"], None, "/me/connected-applications/", "users or global is required"),
        (["posts", "media"], 5, "/me", "This token is for site 5 only and this token has the scope posts, media"),
        ([], 5, "/me/keyring-connections/", "This token is for site 5 only:"),
        ([], 5, "/sites/6/publicize-connections/", "This token is for site 5 only:"),
        ([], 5, "/sites/5/publicize-connections/new", "is not allowed to do this here"),
        (
            [],
            5,
            "/sites/a.example/publicize-connections/new",
            "If a.example is that site: The user of this token is not allowed",
        ),
        (["global"], None, "/me/publicize-connections/1", "is not allowed to do this here"),
        (["sharing"], None, "/sites/1/publicize-connections/", "is not allowed to do this here"),
        (["global"], None, "/me/keyring-connections/1", "it is owned by another user"),
    ],
)
def test_hint_of_a_refusal_follows_scope_and_site_of_the_token(
    scopes: list[str], site_id: Any, path: str, told: str
) -> None:
    error = ApiError("No.", code="authorization_required", status=403, path=path)
    assert needs_account(error)
    assert told in hint(error, {"token_scope": scopes, "token_site_id": site_id})


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("/sites/1/publicize-connections/", "requires the scope sharing or global, must not be bound to another site"),
        ("/me/keyring-connections/", "The token requires the scope sharing or global."),
        ("/me/connected-applications/", "The token requires the scope users or global."),
    ],
)
def test_hint_of_a_refusal_names_the_scope_where_the_account_cannot_be_read(path: str, told: str) -> None:
    assert told in hint(ApiError("No.", code="authorization_required", status=403, path=path), None)


def test_private_site_is_named_where_the_token_is_not_to_blame() -> None:
    error = ApiError("No.", code="unauthorized", status=403, path="/sites/1/publicize-connections/")
    assert "private or restricted" in hint(error, {"token_scope": ["global"], "token_site_id": None})


@pytest.mark.parametrize(
    ("status", "slug", "needed"),
    [
        (403, "authorization_required", True),
        (403, "unauthorized", True),
        (401, "authorization_required", False),
        (403, "invalid_token", False),
    ],
)
def test_account_is_needed_for_refusals_only(status: int, slug: str, needed: bool) -> None:
    assert needs_account(ApiError("No.", code=slug, status=status, path="/me")) is needed


def test_refusal_with_another_status_names_the_scope_too() -> None:
    error = ApiError("No.", code="authorization_required", status=401, path="/me/keyring-connections/")
    assert "sharing or global" in hint(error, None)


@pytest.mark.parametrize(
    ("scopes", "site_id", "path"),
    [
        (["posts"], None, "/sites/a.example/publicize-connections/new"),
        (["posts"], 5, "/sites/a.example/publicize-connections/new"),
        ([], 5, "/sites/6/publicize-connections/new"),
        ([], 5, "/me/publicize-connections/"),
    ],
)
def test_hint_is_in_doubt_only_about_a_domain_that_alone_decides(scopes: list[str], site_id: Any, path: str) -> None:
    error = ApiError("No.", code="authorization_required", status=403, path=path)
    assert "is that site" not in hint(error, {"token_scope": scopes, "token_site_id": site_id})
