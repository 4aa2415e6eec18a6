# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Connections that look alike: two that post to the same place, and candidates of the same name."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.community.wpcom.plugins.module_utils._operations import (
    DeletePublicizeConnection,
    UpdatePublicizeConnection,
)
from ansible_collections.community.wpcom.tests.unit.builders import (
    COLLEAGUE,
    World,
    created,
    external_user,
    keyring_connection,
    plan,
    publicize_connection,
    reached,
    refused,
)
from ansible_collections.community.wpcom.tests.unit.reported import (
    FACEBOOK,
    KEYRINGS,
    OTHER_PAGE,
    PAGE,
    TUMBLR,
    as_list,
    reported,
)

# The same external account, connected twice; and a page that two accounts look after.
AGAIN = keyring_connection(520, "tumblr", "acme", external_id="acme", external_display="Acme")
FACEBOOK_TOO = keyring_connection(521, "facebook", "grace", PAGE, external_id="901")
BESIDE = publicize_connection(9070, AGAIN, 888)


def twins(*connections: Any) -> World:
    """Return the world with both accounts."""
    return reported(*connections, keyrings=[*KEYRINGS, AGAIN, FACEBOOK_TOO])


def given(kind: str, entry: dict[str, Any]) -> dict[str, Any]:
    """Return the options of one connection, as a task of its own or in a list."""
    return as_list(entry) if kind == "bulk" else entry


# Posts that appear twice


@pytest.mark.parametrize("site", ["888", "empty.example.net"])
@pytest.mark.parametrize("kind", ["publicize", "bulk"])
def test_new_connection_beside_one_of_the_same_account_warns(kind: str, site: str) -> None:
    entry = {"site": site, "keyring_connection_id": 502}
    planned = reached(kind, twins(BESIDE), created(TUMBLR, site=site, known_ids=[9070]), **given(kind, entry))
    (warning,) = planned.warnings
    assert "to be created (tumblr: Acme) posts to the same place as publicize connection 9070" in warning
    assert "uses keyring connection 520" in warning
    assert "each post appears twice" in warning


@pytest.mark.parametrize("kind", ["publicize", "bulk"])
def test_unchanged_and_updated_connections_beside_a_twin_warn(kind: str) -> None:
    world = twins(BESIDE, publicize_connection(9071, TUMBLR, 888))
    entry = {"site": "888", "keyring_connection_id": 502}
    for changes, operations in (
        ({}, []),
        ({"shared": True}, [UpdatePublicizeConnection(9071, "888", shared=True)]),
    ):
        (warning,) = reached(kind, world, *operations, **given(kind, {**entry, **changes})).warnings
        assert warning.startswith("The publicize connection 9071 (tumblr: Acme) posts to the same place")


@pytest.mark.parametrize("kind", ["publicize", "bulk"])
def test_page_of_two_accounts_is_a_twin_too(kind: str) -> None:
    world = twins(
        publicize_connection(9072, FACEBOOK_TOO, 888, PAGE), publicize_connection(9073, FACEBOOK, 888, OTHER_PAGE)
    )
    entry = {"site": "888", "keyring_connection_id": 501}
    assert reached(kind, world, **given(kind, entry)).warnings == ()
    operation = UpdatePublicizeConnection(9073, "888", external_id="9001")
    planned = reached(kind, world, operation, **given(kind, {**entry, "external_user_id": "9001"}))
    (warning,) = planned.warnings
    assert "9072" in warning


@pytest.mark.parametrize(
    "others",
    [
        [publicize_connection(9070, AGAIN, 777)],
        [publicize_connection(9070, AGAIN, 888, external_id="other")],
        [publicize_connection(9070, AGAIN, 888, service="mastodon")],
        # Where it is not known which account it is, it is not called the same.
        [publicize_connection(9070, AGAIN, 888, external_id=None)],
    ],
)
@pytest.mark.parametrize("kind", ["publicize", "bulk"])
def test_connection_that_posts_elsewhere_is_no_twin(kind: str, others: Any) -> None:
    entry = {"site": "888", "keyring_connection_id": 502}
    assert plan(kind, twins(*others), **given(kind, entry)).warnings == ()


def test_twin_of_a_colleague_is_named_too() -> None:
    theirs = keyring_connection(610, "tumblr", "acme", external_id="acme", user_id=COLLEAGUE)
    world = twins(publicize_connection(9074, theirs, 888, shared=True))
    (warning,) = plan("publicize", world, site="888", keyring_connection_id=502).warnings
    assert "9074" in warning


def test_twins_of_a_list_are_warned_of_once_and_not_where_one_goes() -> None:
    entries = [{"site": "888", "keyring_connection_id": 502}, {"site": "888", "keyring_connection_id": 520}]
    (warning,) = plan("bulk", twins(), connections=entries).warnings
    assert "each post appears twice" in warning
    (warning,) = plan("bulk", twins(BESIDE), connections=entries).warnings
    assert "each post appears twice" in warning
    gone = [entries[0], {**entries[1], "state": "absent"}]
    warnings = plan("bulk", twins(BESIDE), connections=gone).warnings
    assert [warning for warning in warnings if "twice" in warning] == []


# Candidates that read alike

FIRST = keyring_connection(505, "mastodon", "@acme@one.example", external_display="Acme")
SECOND = keyring_connection(506, "mastodon", "@acme@two.example", external_display="Acme")
UNNAMED = keyring_connection(507, "mastodon", "Acme", external_display=None, external_id="did:x")
THREE = (FIRST, SECOND, UNNAMED)
TOLD = (
    "505 (mastodon: Acme, name @acme@one.example, external ID x505)",
    "506 (mastodon: Acme, name @acme@two.example, external ID x506)",
    "507 (mastodon: Acme, external ID did:x)",
)


@pytest.mark.parametrize("options", [{}, {"account": "Acme"}])
@pytest.mark.parametrize("kind", ["publicize", "bulk", "keyring"])
@pytest.mark.parametrize("state", ["present", "absent"])
def test_accounts_of_one_name_are_told_apart_in_the_message(kind: str, state: str, options: dict[str, Any]) -> None:
    entry = {"service": "mastodon", "state": state, **options, **({} if kind == "keyring" else {"site": "777"})}
    code = "invalid_connections" if kind == "bulk" else "ambiguous_match"
    refused(kind, reported(keyrings=THREE), code, "3 keyring connections match: ", *TOLD, **given(kind, entry))


@pytest.mark.parametrize(("account", "id"), [("@acme@two.example", 506), ("x506", 506), ("did:x", 507)])
def test_what_the_message_tells_selects_one(account: str, id: int) -> None:
    planned = plan("keyring", reported(keyrings=THREE), service="mastodon", account=account)
    assert planned.to_result(None)["connection"]["id"] == id


def test_external_id_of_one_and_name_of_another_is_ambiguous() -> None:
    other = keyring_connection(508, "mastodon", "x505")
    refused(
        "keyring",
        reported(keyrings=[FIRST, other]),
        "ambiguous_match",
        "505",
        "508",
        service="mastodon",
        account="x505",
    )


@pytest.mark.parametrize("state", ["present", "absent"])
@pytest.mark.parametrize("kind", ["publicize", "bulk"])
def test_connections_of_one_name_are_told_apart_in_the_message(kind: str, state: str) -> None:
    pages = (external_user("211", "Twin"), external_user("212", "twin", external_display="Twin"))
    account = keyring_connection(502, "tumblr", "acme", *pages)
    world = reported(*(publicize_connection(9080 + n, account, 777, pages[n]) for n in (0, 1)), keyrings=[account])
    told = (
        "9080 (tumblr: Twin, external ID 211, on site 777)",
        "9081 (tumblr: Twin, name twin, external ID 212, on site 777)",
    )
    code = "invalid_connections" if kind == "bulk" else "ambiguous_match"
    refused(kind, world, code, *told, **given(kind, {"site": "777", "service": "tumblr", "state": state}))
    entry = {"site": "777", "service": "tumblr", "external_user_id": "212", "state": "absent"}
    reached(kind, world, DeletePublicizeConnection(9081, "777"), **given(kind, entry))


@pytest.mark.parametrize("kind", ["publicize", "bulk"])
def test_external_users_of_one_name_are_told_apart_in_the_message(kind: str) -> None:
    pages = (external_user("211", "Twin &amp; Co"), external_user("212", "twin", external_display="Twin &amp; Co"))
    world = reported(keyrings=[keyring_connection(502, "tumblr", "acme", *pages)])
    told = ("Twin & Co, external ID 211; Twin & Co, name twin, external ID 212", "external_user_id")
    entry = {"site": "777", "service": "tumblr", "external_user_name": "Twin & Co"}
    code = "invalid_connections" if kind == "bulk" else "ambiguous_match"
    refused(kind, world, code, *told, **given(kind, entry))
