# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What an audit looks at: whose each record is, and how texts name it."""

from __future__ import annotations

from dataclasses import FrozenInstanceError
from itertools import product
from typing import Any, Optional

import pytest

from ansible_collections.community.wpcom.plugins.module_utils._audit.subjects import (
    Account,
    AccountRecords,
    Row,
    Site,
    one_line,
    plain_name,
    rows,
    site_ids,
    subject,
)
from ansible_collections.community.wpcom.plugins.module_utils._errors import OptionError
from ansible_collections.community.wpcom.plugins.module_utils._records.record import Record
from ansible_collections.community.wpcom.tests.unit.builders import (
    ENGINES,
    FACEBOOK,
    FOREIGN,
    KEYRINGS,
    LINKEDIN,
    MASTODON,
    SERVICES,
    SITES,
    account,
    keyring_connection,
    publicize_connection,
    service,
)

BLOG = Site(1, "blog.example.com", "Blog")
PAGE = "https://wordpress.com/marketing/connections"


def every(site_id: Any) -> bool:
    """Look at each site."""
    return site_id is not False


@pytest.mark.parametrize(
    ("text", "expected"),
    [("a\r\n b\u2028c", "a b c"), ("\u202ea\u2069", "a"), ("half \ud83d", "half \ufffd"), (7, "7"), ("\n", "")],
)
def test_one_line(text: Any, expected: str) -> None:
    assert one_line(text) == expected


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        ({"external_display": "Ada &amp; Co", "external_name": "ada", "external_id": "7"}, "Ada & Co"),
        ({"external_display": "\u202e", "external_id": "7"}, "7"),
        ({"external_display": "\n", "external_id": None}, "unnamed account"),
        ({"external_id": 7}, "7"),
        ({}, "unnamed account"),
    ],
)
def test_name_of_an_account(record: Record, expected: str) -> None:
    assert plain_name(record) == expected


@pytest.mark.parametrize(
    ("site", "label", "url"),
    [
        (BLOG, "blog.example.com", f"{PAGE}/blog.example.com"),
        (Site(77, None, ""), "77", f"{PAGE}/77"),
        (Site(9, "example.com::b c", ""), "example.com::b c", f"{PAGE}/example.com::b%20c"),
    ],
)
def test_site(site: Site, label: str, url: str) -> None:
    assert (site.label, site.url) == (label, url)


@pytest.mark.parametrize(
    ("kind", "site", "site_id", "url"),
    [
        ("publicize", BLOG, 1, f"{PAGE}/blog.example.com"),
        ("keyring", None, None, PAGE),
        ("application", BLOG, 1, "https://wordpress.com/me/security/connected-applications"),
        ("application", None, None, "https://wordpress.com/me/security/connected-applications"),
    ],
)
def test_subject(kind: str, site: Optional[Site], site_id: Optional[int], url: str) -> None:
    assert subject(kind, {"id": 5, "service": "mastodon", "x": 1}, "ada", "Mastodon", "@ada", site) == {
        "id": 5,
        "type": kind,
        "account": "ada",
        "site_id": site_id,
        "service": "mastodon",
        "label": "Mastodon",
        "name": "@ada",
        "url": url,
    }


# Connections


RECORD = {
    **publicize_connection(50, LINKEDIN, 1, ENGINES, shared=True, status="must_reauth"),
    "expires": "2026-07-03T00:00:00Z",
}
ROW = Row(RECORD, BLOG, "ada", "grace", False, LINKEDIN, "LinkedIn")


def test_record_of_a_connection() -> None:
    assert ROW.as_record() == {
        "id": 50,
        "site_id": 1,
        "site": "blog.example.com",
        "account": "ada",
        "owner": "grace",
        "service": "linkedin",
        "label": "LinkedIn",
        "name": "Engines",
        "account_name": "Ada-L",
        "keyring_connection_id": 21,
        "shared": True,
        "status": "must_reauth",
        "health": "expiring",
        "repair": "refresh",
        "expires": "2026-07-03T00:00:00Z",
        "url": f"{PAGE}/blog.example.com",
    }
    assert ROW.what == "LinkedIn Engines (account Ada-L)"
    assert ROW.place == (1, "linkedin", "111")
    assert ROW.subject == subject("publicize", RECORD, "ada", "LinkedIn", "Engines", BLOG)


def test_connection_without_its_account() -> None:
    orphan = Row(RECORD, BLOG, "ada", "ada", True, None, "LinkedIn")
    assert (orphan.account_name, orphan.what) == ("Engines", "LinkedIn Engines")


@pytest.mark.parametrize("made", [AccountRecords(), BLOG, ROW])
def test_what_was_gathered_cannot_be_changed(made: Any) -> None:
    with pytest.raises(FrozenInstanceError):
        made.name = "another"


# Accounts


@pytest.mark.parametrize(
    ("gathered", "me", "name"),
    [
        ({"account": account(id=7), "keyring_connections": KEYRINGS}, 7, "ada"),
        ({"account": account(id=7, username="ada\nl"), "name": None}, 7, "ada l"),
        ({"account": account(id=7), "name": "team"}, 7, "team"),
        ({"account": {"id": 7}}, 7, "user 7"),
        ({"keyring_connections": KEYRINGS}, 1, "user 1"),
        ({"keyring_connections": (MASTODON, FOREIGN)}, None, "unknown user"),
        ({}, None, "unknown user"),
    ],
)
def test_who_an_account_is(gathered: dict[str, Any], me: Optional[int], name: str) -> None:
    made = Account.of(AccountRecords(**gathered))
    assert (made.me, made.name) == (me, name)


def test_sites_and_services_of_an_account() -> None:
    made = Account.of(
        AccountRecords(
            sites=(
                {"id": 1, "slug": "blog.example.com", "name": "Blog &amp; Co"},
                {"id": 2, "slug": None, "name": None},
            ),
            services=(service("linkedin", label="LinkedIn"), {"id": "x", "label": None}),
        )
    )
    assert made.sites == {1: Site(1, "blog.example.com", "Blog & Co"), 2: Site(2, None, "")}
    assert made.site(1) == Site(1, "blog.example.com", "Blog & Co")
    assert made.site(3) == Site(3, None, "")
    assert made.labels == {"linkedin": "LinkedIn", "x": "x"}


@pytest.mark.parametrize(
    ("record", "label"),
    [
        ({"service": "linkedin", "label": "Another"}, "LinkedIn"),
        ({"service": "new", "label": "New &amp; shiny"}, "New & shiny"),
        ({"service": "new", "label": None}, "new"),
        ({"service": None}, "unknown service"),
    ],
)
def test_label_of_a_service(record: Record, label: str) -> None:
    made = Account.of(AccountRecords(services=(service("linkedin", label="LinkedIn"),)))
    assert made.label(record) == label


@pytest.mark.parametrize(
    ("me", "numbers"),
    [(1, [40, 41, 42]), (2, [40, 41, 43]), (None, [40, 41, 42, 43])],
)
def test_accounts_at_services_are_those_of_the_user(me: Optional[int], numbers: list[int]) -> None:
    """And those that do not show their user."""
    keyrings = [
        keyring_connection(40 + index, "mastodon", "@ada", user_id=user) for index, user in enumerate((None, 0, 1, 2))
    ]
    made = Account.of(AccountRecords(keyring_connections=keyrings, account=account(id=me) if me else None))
    assert list(made.keyrings) == numbers


def test_services_decide_the_health() -> None:
    twitter = keyring_connection(26, "twitter", "ada")
    made = Account.of(
        AccountRecords(
            publicize_connections=(publicize_connection(50, FACEBOOK), publicize_connection(51, FACEBOOK, 1, ENGINES)),
            keyring_connections=(twitter, FACEBOOK),
            services=SERVICES,
            account=account(),
        )
    )
    assert {number: one["repair"] for number, one in made.keyrings.items()} == {26: "remove", 20: None}
    assert [(one["id"], one["repair"]) for one in made.own] == [(50, "choose_external_user"), (51, None)]


def test_what_the_list_of_the_account_shows_counts() -> None:
    """Of a record that was read with its site too."""
    listed = publicize_connection(50, MASTODON, shared=True)
    made = Account.of(
        AccountRecords(
            publicize_connections=(listed,),
            other_connections=({**listed, "shared": None}, publicize_connection(49, MASTODON)),
            account=account(),
        )
    )
    assert [(one["id"], one["shared"]) for one in made.own] == [(49, False), (50, True)]
    assert "refresh_url" in listed
    assert all("refresh_url" not in one for one in made.own)


@pytest.mark.parametrize(
    ("me", "record", "is_own"),
    [
        # The owner decides, where both are known.
        (1, {"keyring_connection_user_id": 1, "keyring_connection_id": 99}, True),
        (1, {"keyring_connection_user_id": 2, "keyring_connection_id": 22}, False),
        (1, {"keyring_connection_user_id": 1, "read_only": True}, False),
        # Else the account that it posts with.
        (1, {"keyring_connection_user_id": 0, "keyring_connection_id": 22}, True),
        (1, {"keyring_connection_user_id": None, "keyring_connection_id": 99}, False),
        (1, {"keyring_connection_user_id": None, "keyring_connection_id": 22, "read_only": True}, False),
        (None, {"keyring_connection_user_id": 2, "keyring_connection_id": 22}, True),
        (None, {"keyring_connection_user_id": 2, "keyring_connection_id": 99}, False),
    ],
)
def test_whose_a_connection_is(me: Optional[int], record: Record, is_own: bool) -> None:
    made = Account.of(
        AccountRecords(
            publicize_connections=({**publicize_connection(50, MASTODON), **record},),
            keyring_connections=(MASTODON,) if me else (MASTODON, FOREIGN),
            account=account(id=me) if me else None,
        )
    )
    assert ([one["id"] for one in made.own], [one["id"] for one in made.others]) == (
        ([50], []) if is_own else ([], [50])
    )


# Several accounts


@pytest.mark.parametrize(("ada", "zoe", "turned"), list(product([True, False], repeat=3)))
def test_which_account_speaks_for_a_connection(ada: bool, zoe: bool, turned: bool) -> None:
    """The one that owns it, of several the first one by name."""
    record = {**publicize_connection(50, MASTODON), "keyring_connection_user_id": None}
    accounts = [
        Account.of(
            AccountRecords(
                publicize_connections=(record,),
                keyring_connections=(MASTODON,) if owns else (),
                account=account(id=1, username=name),
            )
        )
        for name, owns in (("ada", ada), ("zoe", zoe))
    ]
    (row,) = rows(accounts[::-1] if turned else accounts, every)
    assert (row.account, row.mine) == ("zoe" if zoe and not ada else "ada", ada or zoe)


def test_of_accounts_of_the_same_name_the_first_one_speaks() -> None:
    record = publicize_connection(50, FOREIGN)
    accounts = [
        Account.of(AccountRecords(name="ada", publicize_connections=(record,), sites=({"id": 1, "slug": slug},)))
        for slug in ("one.example.com", "two.example.com")
    ]
    assert [row.site.label for row in rows(accounts, every)] == ["one.example.com"]


@pytest.mark.parametrize(
    ("changes", "owner"),
    [
        ({"keyring_connection_user_id": 2, "user_id": 3}, "grace"),
        ({"keyring_connection_user_id": None, "user_id": 2}, "grace"),
        ({"keyring_connection_user_id": 3, "user_id": 0}, "user 3"),
        ({"keyring_connection_user_id": 0, "user_id": 0}, "another user"),
    ],
)
def test_who_owns_a_connection(changes: Record, owner: str) -> None:
    foreign = {**publicize_connection(60, FOREIGN), **changes}
    accounts = [
        Account.of(AccountRecords(other_connections=(foreign,), account=account())),
        Account.of(AccountRecords(account=account(id=2, username="grace"))),
        Account.of(AccountRecords()),
    ]
    (row,) = rows(accounts, every)
    assert (row.owner, row.mine) == (owner, False)


def test_rows_are_of_the_sites_that_are_looked_at() -> None:
    connections = [publicize_connection(number, MASTODON, number - 50) for number in (53, 51, 52)]
    restricted = AccountRecords(
        publicize_connections=connections, account=account(), site_ids=frozenset([1, 3]), keyring_connections=KEYRINGS
    )
    accounts = [Account.of(restricted)]
    assert [row.record["id"] for row in rows(accounts, every)] == [51, 53]
    assert [row.record["id"] for row in rows(accounts, lambda site_id: site_id in (2, 3))] == [53]
    (row,) = rows(accounts, lambda site_id: site_id == 1)
    assert (row.keyring or {})["id"] == 22


@pytest.mark.parametrize(
    ("sites", "numbers", "unknown"),
    [
        (None, {1, 2, 3, 77}, []),
        ([], set(), []),
        (["https://BLOG.example.com/", "3"], {1, 3}, []),
        # Not listed, but a connection is on it.
        (["77"], {77}, []),
        (["78", "nowhere.example.com", "2"], {2}, ["78", "nowhere.example.com"]),
    ],
)
def test_sites_by_name(sites: Optional[list[str]], numbers: set[int], unknown: list[str]) -> None:
    accounts = [
        AccountRecords(sites=SITES[:2]),
        AccountRecords(
            sites=SITES[1:],
            publicize_connections=(
                publicize_connection(50, MASTODON, 77),
                {**publicize_connection(51, MASTODON), "site_id": None},
            ),
        ),
    ]
    assert site_ids(accounts, sites) == (frozenset(numbers), unknown)


def test_what_is_no_site_is_refused() -> None:
    with pytest.raises(OptionError, match="site must be the numeric ID"):
        site_ids([], ["a b"])
