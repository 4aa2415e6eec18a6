# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filter to_social_connections names a connection by names where they are unambiguous, else by IDs, and adds notes."""

from __future__ import annotations

from typing import Any

import pytest
from ansible.errors import AnsibleFilterError

from ansible_collections.community.wpcom.plugins.filter.to_social_connections import FilterModule

to_social_connections = FilterModule().filters()["to_social_connections"]

SHOP = {"id": 3, "name": "The Shop", "slug": "shop.example.com", "url": "https://shop.example.com"}


def page(external_id: str, name: str, display: str | None = None) -> dict[str, Any]:
    return {"external_id": external_id, "external_name": name, "external_display": display}


def keyring(number: int = 20, name: str = "ada-l", **changes: Any) -> dict[str, Any]:
    """Return a keyring connection to LinkedIn with two pages."""
    return {
        "id": number,
        "user_id": 1,
        "service": "linkedin",
        "label": "LinkedIn",
        **page(str(number * 10), name, "Ada Lovelace"),
        "additional_external_users": [page("1", "engines", "Engines"), page("2", "club", "Club")],
        **changes,
    }


def connection(number: int = 50, user: dict[str, Any] | None = None, **changes: Any) -> dict[str, Any]:
    """Return a connection of the shop to an account or to one of its pages."""
    shown = user or keyring()
    return {
        "id": number,
        "site_id": 3,
        "keyring_connection_id": 20,
        "keyring_connection_user_id": 1,
        "service": "linkedin",
        "label": "LinkedIn",
        "shared": False,
        **page(shown["external_id"], shown["external_name"], shown["external_display"]),
        "health": "ok",
        "repair": None,
        **changes,
    }


ENGINES, CLUB = keyring()["additional_external_users"]
ADA = {"service": "linkedin", "account": "ada-l"}
BESIDE = {"unique_per": "external_user"}


def declared(*records: dict[str, Any], keyrings: Any = None, sites: Any = (SHOP,)) -> list[dict[str, Any]]:
    """Return the connections of the first site without ``shared``."""
    result = to_social_connections(list(records), [keyring()] if keyrings is None else keyrings, sites)
    return [
        {key: value for key, value in one.items() if key != "shared"}
        for one in (result["sites"][0]["connections"] if result["sites"] else [])
    ]


def texts(*records: dict[str, Any], kind: str, **more: Any) -> list[str]:
    """Return the notes of a kind."""
    notes = to_social_connections(list(records), more.get("keyrings", [keyring()]), [SHOP])["notes"]
    return [note["text"] for note in notes if note["kind"] == kind]


@pytest.mark.parametrize(
    ("records", "keyrings", "expected"),
    [
        pytest.param([connection()], [keyring()], [ADA], id="the account itself"),
        pytest.param([connection(50, ENGINES)], [keyring()], [{**ADA, "external_user_name": "engines"}], id="a page"),
        pytest.param(
            [connection(50, page("1", "", "Engines"))],
            [keyring(additional_external_users=[page("1", "", "Engines")])],
            [{**ADA, "external_user_name": "Engines"}],
            id="a page without a name, but with a display name",
        ),
        pytest.param(
            [connection(50, page("1", "Same"))],
            [keyring(additional_external_users=[page("1", "Same"), page("2", "Same")])],
            [{**ADA, "external_user_id": "1"}],
            id="one of two pages of a name",
        ),
        pytest.param(
            [connection(50, page("1", "ada-l"))],
            [keyring(additional_external_users=[page("1", "ada-l")])],
            [{**ADA, "external_user_id": "1"}],
            id="a page called as the account",
        ),
        pytest.param(
            [connection(50, page("9", "", None))],
            [keyring()],
            [{**ADA, "external_user_id": "9"}],
            id="a page that is gone",
        ),
        pytest.param([connection(50, page("false", ""))], [keyring()], [{"id": 50}], id="a page whose ID is no option"),
        pytest.param(
            [connection(50, ENGINES), connection(51, CLUB), connection(52)],
            [keyring()],
            [
                {**ADA, "reset_external_user": True, **BESIDE},
                {**ADA, "external_user_name": "club", **BESIDE},
                {**ADA, "external_user_name": "engines", **BESIDE},
            ],
            id="several of one account",
        ),
        pytest.param(
            [connection(50, ENGINES), connection(51, ENGINES), connection(52, CLUB)],
            [keyring()],
            [{**ADA, "external_user_name": "club", **BESIDE}, {"id": 50}, {"id": 51}],
            id="the same one twice",
        ),
        pytest.param(
            [connection()],
            [keyring(), keyring(21)],
            [{"service": "linkedin", "account": "200"}],
            id="one of two accounts of a name",
        ),
        pytest.param(
            [connection()],
            [keyring(), keyring(21, "other")],
            [ADA],
            id="one of two accounts of a display name",
        ),
        pytest.param(
            [connection()],
            [keyring(), keyring(21, external_id="200")],
            [{"keyring_connection_id": 20}],
            id="an account that was connected twice",
        ),
        pytest.param(
            [connection()],
            [keyring(external_name="", external_display=" ")],
            [{"service": "linkedin", "account": "200"}],
            id="an account without a name",
        ),
        pytest.param(
            [connection()],
            [keyring(external_name="\ud800", external_display=None)],
            [{"service": "linkedin", "account": "200"}],
            id="an account with a name that cannot be written",
        ),
        pytest.param(
            [connection(keyring_connection_id=99)], [keyring()], [{"id": 50}], id="an account that is gone but was mine"
        ),
        pytest.param(
            [connection(keyring_connection_user_id=2, keyring_connection_id=99)], [keyring()], [], id="others"
        ),
        pytest.param([connection(read_only=True)], [keyring()], [], id="others, as read on its own"),
        pytest.param([connection(), connection(shared=True)], [keyring()], [ADA], id="the same record twice"),
        pytest.param([], [], [], id="nothing"),
    ],
)
def test_options_of_a_connection(records: Any, keyrings: Any, expected: Any) -> None:
    assert declared(*records, keyrings=keyrings) == expected


@pytest.mark.parametrize(
    ("sites", "expected"),
    [
        ([SHOP], "shop.example.com"),
        ([], "3"),
        ([{**SHOP, "id": 4}], "3"),
        ([SHOP, {**SHOP, "id": 4}], "3"),
        ([SHOP, {"id": 4, "slug": "new.example.com", "url": "https://shop.example.com"}], "3"),
        ([{**SHOP, "slug": "Shop.Example.Com"}], "shop.example.com"),
        ([{**SHOP, "slug": "example.com::shop", "url": "https://example.com/shop"}], "example.com::shop"),
        ([{**SHOP, "slug": "example.com/shop"}], "example.com::shop"),
        ([{**SHOP, "slug": "5"}], "3"),
        ([{**SHOP, "slug": ""}], "3"),
        ([{"id": 3, "name": "no fields"}], "3"),
    ],
)
def test_name_of_a_site(sites: Any, expected: str) -> None:
    result = to_social_connections([connection()], [keyring()], sites)
    assert [site["site"] for site in result["sites"]] == [expected]


def test_shared_is_exported_where_it_is_known() -> None:
    record = connection(51, CLUB)
    del record["shared"]
    result = to_social_connections([connection(50, ENGINES, shared=True), record], [keyring()], [SHOP])
    assert [one.get("shared") for one in result["sites"][0]["connections"]] == [None, True]


def test_sites_and_connections_are_sorted() -> None:
    sites = [{"id": n, "slug": slug} for n, slug in ((1, "b.example"), (2, "a.example"), (3, "c.example"))]
    records = [connection(50 + n, site_id=site_id) for n, site_id in enumerate((12, 3, 5, 2, 1))]
    result = to_social_connections(records, [keyring()], sites)
    assert [site["site"] for site in result["sites"]] == ["a.example", "b.example", "c.example", "5", "12"]


def test_names_that_no_option_has_are_noted() -> None:
    named = keyring(external_name="", external_display="Ada Lovelace")
    assert texts(connection(50, CLUB), kind="name") == ["The Shop (site 3)", "LinkedIn: Ada Lovelace, Club"]
    assert texts(connection(50, named), kind="name", keyrings=[named]) == ["The Shop (site 3)"]


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        (
            {"health": "broken", "repair": "refresh", "expires": "2026-01-31T00:00:00Z"},
            "broken: refresh it in a browser",
        ),
        ({"health": "broken", "repair": "reconnect"}, "broken: disconnect and reconnect it in a browser"),
        (
            {"health": "expiring", "repair": "refresh", "expires": "2026-01-31T00:00:00Z"},
            "expires 2026-01-31T00:00:00Z: refresh it in a browser",
        ),
        ({"health": "expiring", "repair": "refresh"}, "expiring: refresh it in a browser"),
    ],
)
def test_unhealthy_connections_are_noted_without_nonces(record: Any, expected: str) -> None:
    (text,) = texts(connection(refresh_url="https://example.com/?nonce=1", **record), kind="health")
    assert text == f"{expected}, at https://wordpress.com/marketing/connections"
    assert texts(connection(health="untested"), kind="health") == []


def test_connections_of_other_users_are_noted() -> None:
    theirs = connection(51, CLUB, keyring_connection_id=99, keyring_connection_user_id=2, shared=True)
    unknown = {
        "id": 52,
        "site_id": 4,
        "service": "mastodon",
        "external_display": "Eve",
        "health": "broken",
        "repair": "x",
    }
    result = to_social_connections([connection(), theirs, unknown], [keyring()], [SHOP])
    notes = [(note["site"], note["position"], note["text"]) for note in result["notes"] if note["kind"] == "other"]
    assert notes == [
        (
            "shop.example.com",
            None,
            "LinkedIn: Club (connection 51) is owned by user 2, shared with all users of the site",
        ),
        ("4", None, "mastodon: Eve (connection 52) is owned by another user, broken"),
    ]


def test_duplicates_and_orphans_are_noted() -> None:
    doubles = [connection(50, ENGINES), connection(51, ENGINES), connection(52, CLUB)]
    assert texts(*doubles, kind="duplicate") == [
        "posts to the same external user as 51 on this site: every post is shared more than once",
        "posts to the same external user as 50 on this site: every post is shared more than once",
    ]
    assert len(texts(connection(keyring_connection_id=99), kind="orphan")) == 1


def test_user_id_decides_the_owner_where_no_keyring_connection_is_left() -> None:
    assert to_social_connections([connection()], [], [], user_id=1)["sites"] != []
    assert to_social_connections([connection()], [], [], user_id=2)["sites"] == []
    assert to_social_connections([connection()], [])["sites"] == []


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (({"id": 1}, []), "the input must be a list of records"),
        ((["x"], []), "the input must be a list of records"),
        (([], None), "keyring_connections must be a list of records"),
        (([], [], "abc"), "sites must be a list of records"),
        (([{"id": 1}], []), "the input has a record without site_id"),
        (([{"id": None, "site_id": 1}], []), "the input has a record without id"),
        (([], [{"service": "x"}]), "keyring_connections has a record without id"),
    ],
)
def test_input_without_records_is_refused(arguments: Any, expected: str) -> None:
    with pytest.raises(AnsibleFilterError, match=expected):
        to_social_connections(*arguments)
