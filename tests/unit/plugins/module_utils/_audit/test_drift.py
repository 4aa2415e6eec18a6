# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Drift is what the role social_connections would change."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, replace
from itertools import product
from typing import Any, Optional

import pytest

from ansible_collections.community.wpcom.plugins.module_utils._audit.findings import Audit, audit
from ansible_collections.community.wpcom.plugins.module_utils._audit.policy import Policy
from ansible_collections.community.wpcom.plugins.module_utils._audit.subjects import AccountRecords
from ansible_collections.community.wpcom.plugins.module_utils._errors import OptionError
from ansible_collections.community.wpcom.plugins.module_utils._options import publicize_connection_argument_spec
from ansible_collections.community.wpcom.plugins.module_utils._records.record import Record
from ansible_collections.community.wpcom.tests.unit.builders import (
    COLLEAGUE,
    ENGINES,
    FACEBOOK,
    FOREIGN,
    KEYRINGS,
    LINKEDIN,
    MASTODON,
    MASTODON_SHOP,
    NOW,
    SERVICES,
    SHOP,
    SITES,
    account,
    keyring_connection,
    publicize_connection,
    site,
)

UNSET = {name: option.get("default") for name, option in publicize_connection_argument_spec().items()}

ADA = AccountRecords(
    publicize_connections=(
        publicize_connection(50, FACEBOOK, 1, ENGINES, shared=True),
        publicize_connection(51, MASTODON, 1),
        publicize_connection(52, LINKEDIN, 2),
        publicize_connection(53, MASTODON, 3),
    ),
    keyring_connections=KEYRINGS,
    services=SERVICES,
    sites=SITES,
    account=account(),
)


def entry(**options: Any) -> Record:
    """Return an entry of the list."""
    return {**UNSET, **options}


BLOG = (
    entry(site="blog.example.com", service="facebook", external_user_name="Engines", shared=True),
    entry(site="1", service="mastodon", account="@ada"),
)


def run(*expected: Record, accounts: tuple[AccountRecords, ...] = (ADA,), **policy: Any) -> Audit:
    return audit(accounts, Policy(**policy), NOW, expected)


def found(result: Audit) -> list[tuple[str, Optional[str], Any]]:
    return [(one.code, one.site, one.connection["id"]) for one in result.findings]


def test_what_is_as_declared_is_no_drift() -> None:
    assert found(run(*BLOG)) == []
    assert found(run()) == []
    assert audit([ADA], Policy(), NOW).drift == ()


def test_the_records_of_what_differs() -> None:
    """Each kind once, whole."""
    manage = "https://wordpress.com/marketing/connections/blog.example.com"
    apply = "Apply the declared state, with the role social_connections."
    about = {"type": "publicize", "account": "ada", "site_id": 1, "url": manage}
    result = run(
        entry(site="1", service="facebook", external_user_name="Shop"),
        entry(site="1", service="mastodon", account="@shop", shared=False),
        entry(site="1", service="linkedin", account="gone"),
    )
    assert [(one.finding.as_record(), one.finding.position, one.changes) for one in result.drift] == [
        (
            {
                "code": "different",
                "severity": "warning",
                "site": "blog.example.com",
                "connection": {**about, "id": 50, "service": "facebook", "label": "Facebook", "name": "Engines"},
                "text": "Facebook Engines on blog.example.com differs from the declared state: "
                "it posts to Engines, and must post to Shop.",
                "action": apply,
            },
            -1,
            (("external_user", "Engines", "Shop"),),
        ),
        (
            {
                "code": "missing",
                "severity": "error",
                "site": "blog.example.com",
                "connection": {**about, "id": None, "service": "mastodon", "label": "Mastodon", "name": "@Shop"},
                "text": "Mastodon @Shop is declared for blog.example.com, but is not connected.",
                "action": apply,
            },
            1,
            (
                ("service", None, "mastodon"),
                ("account", None, "@Shop"),
                ("external_user", None, "@Shop"),
                ("shared", None, False),
            ),
        ),
        (
            {
                "code": "missing",
                "severity": "error",
                "site": "blog.example.com",
                "connection": {**about, "id": None, "service": "linkedin", "label": "Linkedin", "name": "gone"},
                "text": "Linkedin gone is declared for blog.example.com, but the account is not connected to WordPress.com.",
                "action": "Log in to WordPress.com as ada, and connect the account on the connections page.",
            },
            2,
            (),
        ),
        (
            {
                "code": "undeclared",
                "severity": "warning",
                "site": "blog.example.com",
                "connection": {**about, "id": 51, "service": "mastodon", "label": "Mastodon", "name": "@Ada"},
                "text": "Mastodon @Ada on blog.example.com is not declared.",
                "action": "Add the connection to the declared state, or delete it.",
            },
            -1,
            (("service", "mastodon", None), ("external_user", "@Ada", None), ("shared", False, None)),
        ),
    ]


def test_the_record_of_what_is_declared_absent() -> None:
    (drift,) = run(*BLOG, entry(site="2", service="linkedin", state="absent")).drift
    assert drift.finding.action == "Apply the declared state, with the role social_connections."
    with pytest.raises(FrozenInstanceError):
        setattr(drift, "changes", ())  # noqa: B010
    assert drift.changes == (("service", "linkedin", None), ("external_user", "Ada-L", None), ("shared", False, None))


def test_changed() -> None:
    result = run(
        entry(site="1", service="facebook", external_user_name="Shop", shared=False),
        entry(site="https://BLOG.example.com/", service="mastodon", account="@ada", shared=True),
    )
    assert found(result) == [
        ("different", "blog.example.com", 50),
        ("different", "blog.example.com", 51),
    ]
    assert [one.text for one in result.findings] == [
        "Facebook Engines on blog.example.com differs from the declared state: "
        "it posts to Engines, and must post to Shop and is shared, and must not be.",
        "Mastodon @Ada on blog.example.com differs from the declared state: it is not shared, and must be.",
    ]
    assert [one.changes for one in result.drift] == [
        (("external_user", "Engines", "Shop"), ("shared", True, False)),
        (("shared", False, True),),
    ]


def test_missing_and_undeclared() -> None:
    result = run(
        BLOG[0],
        entry(site="1", service="mastodon", account="@shop"),
        entry(site="shop.example.com", service="linkedin", state="absent"),
    )
    assert found(result) == [
        ("missing", "blog.example.com", None),
        ("undeclared", "blog.example.com", 51),
        ("undeclared", "shop.example.com", 52),
    ]
    assert [one.text for one in result.findings] == [
        "Mastodon @Shop is declared for blog.example.com, but is not connected.",
        "Mastodon @Ada on blog.example.com is not declared.",
        "Linkedin Ada-L on shop.example.com exists, but is declared absent.",
    ]


def test_what_is_not_declared_is_shown_whole() -> None:
    drift = next(one for one in run(BLOG[0]).drift if one.finding.code == "undeclared")
    assert drift.changes == (("service", "mastodon", None), ("external_user", "@Ada", None), ("shared", False, None))


@pytest.mark.parametrize("shared", [None, True])
def test_what_is_missing_is_shared_only_if_that_is_declared(shared: Optional[bool]) -> None:
    (drift,) = run(*BLOG, entry(site="1", service="mastodon", account="@shop", shared=shared)).drift
    assert drift.changes == (
        ("service", None, "mastodon"),
        ("account", None, "@Shop"),
        ("external_user", None, "@Shop"),
        *([("shared", None, True)] if shared else []),
    )


@pytest.mark.parametrize(
    ("options", "accounts", "about"),
    [
        (
            {"service": "mastodon", "account": "@ada"},
            (ADA,),
            {"account": "ada", "service": "mastodon", "label": "Mastodon", "name": "@ada"},
        ),
        (
            {"service": "mastodon", "external_user_id": "7"},
            (),
            # Without an account the name of the service stands for its label.
            {"account": "", "service": "mastodon", "label": "mastodon", "name": "7"},
        ),
        ({"id": 99}, (ADA,), {"account": "ada", "service": None, "label": "Connection", "name": "99"}),
        (
            {"keyring_connection_id": 9},
            (),
            {"account": "", "service": None, "label": "Connection", "name": "9"},
        ),
    ],
)
def test_the_record_of_a_site_that_no_account_has(
    options: Record, accounts: tuple[AccountRecords, ...], about: Record
) -> None:
    (drift,) = run(entry(site="nowhere.example.com", **options), accounts=accounts).drift
    assert drift.changes == ()
    assert drift.finding.position == 0
    assert drift.finding.as_record() == {
        "code": "missing",
        "severity": "error",
        "site": "nowhere.example.com",
        "connection": {
            "id": None,
            "type": "publicize",
            "site_id": None,
            "url": "https://wordpress.com/marketing/connections",
            **about,
        },
        "text": f"{about['label']} {about['name']} is declared for nowhere.example.com, "
        "but none of the accounts has a site nowhere.example.com.",
        "action": "Correct the site in the declared state, or use a token of a user of this site.",
    }


@pytest.mark.parametrize(
    ("options", "code", "number", "text"),
    [
        pytest.param(
            {"service": "mastodon", "account": "@gone"},
            "missing",
            None,
            "Mastodon @gone is declared for blog.example.com, but the account is not connected to WordPress.com.",
            id="an account that is not connected",
        ),
        pytest.param(
            {"service": "twitter"}, "missing", None, "Twitter is no longer supported", id="a service that is gone"
        ),
        pytest.param({"service": "nothing"}, "missing", None, "has no service 'nothing'", id="an unknown service"),
        pytest.param(
            {"service": "facebook", "external_user_name": "New page"},
            "different",
            50,
            "Facebook New page is declared for blog.example.com, but cannot be compared: Keyring connection 20",
            id="a page that is not known",
        ),
        pytest.param(
            {"id": 99},
            "missing",
            None,
            "Connection 99 is declared for blog.example.com, but is not connected: Publicize",
            id="an ID that is gone",
        ),
    ],
)
def test_what_cannot_be_applied(options: Record, code: str, number: Optional[int], text: str) -> None:
    finding = next(one for one in run(*BLOG, entry(site="1", **options)).findings if one.code == code)
    assert finding.connection["id"] == number
    assert text in finding.text
    assert finding.position == 2


def test_a_connection_that_cannot_be_compared_is_not_undeclared() -> None:
    result = run(BLOG[1], entry(site="1", service="facebook", external_user_name="New page"))
    assert found(result) == [("different", "blog.example.com", 50)]
    assert result.findings[0].action == "Correct the declared state, or what it is compared with."
    # Among several pages, none is the one that it should have been.
    options = {"service": "facebook", "external_user_name": "New page", "unique_per": "external_user"}
    result = run(BLOG[1], entry(site="1", **options))
    assert found(result) == [("missing", "blog.example.com", None), ("undeclared", "blog.example.com", 50)]
    assert result.findings[0].connection["service"] == "facebook"


def test_several_matches_are_not_undeclared() -> None:
    twice = AccountRecords(
        publicize_connections=(publicize_connection(50, LINKEDIN), publicize_connection(51, LINKEDIN, 1, ENGINES)),
        keyring_connections=KEYRINGS,
        services=SERVICES,
        sites=SITES,
        account=account(),
    )
    result = run(entry(site="1", service="linkedin"), accounts=(twice,))
    assert [one.code for one in result.findings] == ["different"]
    assert "2 publicize connections match" in result.findings[0].text


def test_entries_that_contradict_each_other() -> None:
    result = run(*BLOG, entry(site="1", service="mastodon", account="@ada", shared=True))
    assert [(one.code, one.connection["id"]) for one in result.findings] == [("different", 51)]
    assert "leave one of the two out" in result.findings[0].text


def test_a_site_that_no_account_has() -> None:
    result = run(*BLOG, entry(site="nowhere.example.com", service="mastodon"))
    assert found(result) == [("missing", "nowhere.example.com", None)]
    assert result.findings[0].text == (
        "Mastodon is declared for nowhere.example.com, but none of the accounts has a site nowhere.example.com."
    )
    gone = run(*BLOG, entry(site="nowhere.example.com", id=99)).findings[0]
    assert gone.text.startswith("Connection 99 is declared for nowhere.example.com, but none")


@pytest.mark.parametrize(
    ("shared", "expected"), [(None, []), (False, []), (True, [("different", "77", 54)])], ids=["any", "no", "yes"]
)
def test_a_site_that_is_not_listed_but_has_a_connection(shared: Optional[bool], expected: list[Any]) -> None:
    elsewhere = replace(ADA, publicize_connections=(publicize_connection(54, MASTODON, 77),))
    declared = entry(site="77", service="mastodon", account="@ada", shared=shared)
    assert found(run(declared, accounts=(elsewhere,))) == expected
    assert found(run(entry(site="78", service="mastodon"), accounts=(elsewhere,))) == [("missing", "78", None)]


def test_another_users_connection_that_its_id_names_exists() -> None:
    foreign = publicize_connection(60, FOREIGN, 1, shared=True)
    both = replace(ADA, other_connections=(foreign, publicize_connection(61, FOREIGN, 2)))
    assert found(run(*BLOG, entry(site="1", id=60, shared=True), accounts=(both,))) == []
    # On another site it is not.
    assert found(run(*BLOG, entry(site="1", id=61), accounts=(both,))) == [("missing", "blog.example.com", None)]
    (finding,) = run(*BLOG, entry(site="1", id=60, shared=False), accounts=(both,)).findings
    assert (finding.code, finding.connection["id"]) == ("different", 60)
    assert "is owned by another user (2)" in finding.text


def test_the_account_tells_whose_a_keyring_connection_without_a_user_is() -> None:
    mixed = replace(ADA, keyring_connections=[{**one, "user_id": None} if one is LINKEDIN else one for one in KEYRINGS])
    assert found(run(*BLOG, entry(site="2", service="linkedin"), accounts=(mixed,))) == []


def test_sites_that_are_not_looked_at() -> None:
    declared = (entry(site="shop.example.com", service="mastodon", account="@ada"), *BLOG)
    assert [one[:2] for one in found(run(*declared))] == [
        ("missing", "shop.example.com"),
        ("undeclared", "shop.example.com"),
    ]
    assert found(run(*declared, sites=[1])) == []


def test_an_entry_belongs_to_the_account_that_has_it() -> None:
    grace = AccountRecords(
        publicize_connections=(publicize_connection(60, FOREIGN, 2), publicize_connection(61, FOREIGN, 4)),
        keyring_connections=(FOREIGN,),
        services=SERVICES,
        sites=(*SITES[:2], site(4, "grace.example.com")),
        account=account(id=COLLEAGUE, username="grace"),
    )
    declared = (
        entry(site="shop.example.com", service="mastodon", account="@grace"),
        entry(site="shop.example.com", service="linkedin"),
        entry(site="grace.example.com", service="mastodon", shared=True),
    )
    for accounts in ((ADA, grace), (grace, ADA)):
        result = run(*declared, accounts=accounts)
        assert found(result) == [("different", "grace.example.com", 61)]
        assert result.findings[0].connection["account"] == "grace"
        # It cannot be applied in either account, and exists in one of them.
        wrong = entry(site="1", service="facebook", external_user_name="New page")
        assert found(run(wrong, accounts=accounts))[:1] == [("different", "blog.example.com", 50)]


# How an entry for the page Engines, shared, differs in an account: the connections, the accounts at Facebook, and the code.
SHOP_ONLY = keyring_connection(20, "facebook", "ada", SHOP)
DEGREES: dict[str, tuple[int, tuple[Record, ...], tuple[Record, ...], Optional[str]]] = {
    "as declared": (0, (publicize_connection(50, FACEBOOK, 1, ENGINES, shared=True),), (FACEBOOK,), None),
    "different": (1, (publicize_connection(50, FACEBOOK, 1, ENGINES),), (FACEBOOK,), "different"),
    "cannot be compared": (1, (publicize_connection(50, SHOP_ONLY, 1, SHOP),), (SHOP_ONLY,), "different"),
    "missing": (2, (), (FACEBOOK,), "missing"),
    "cannot be created": (2, (), (SHOP_ONLY,), "missing"),
}


@pytest.mark.parametrize(("of_ada", "of_grace"), list(product(DEGREES, repeat=2)))
def test_the_account_that_is_closest_to_an_entry_speaks_for_it(of_ada: str, of_grace: str) -> None:
    """Of accounts that are equally close, the first one by name."""
    accounts = []
    for user, name, degree in ((COLLEAGUE, "grace", of_grace), (1, "ada", of_ada)):
        _rank, connections, keyrings, _code = DEGREES[degree]
        own = {"user_id": user}
        mine = {"id": 49 + user, "keyring_connection_user_id": user}
        accounts.append(
            AccountRecords(
                publicize_connections=[{**one, **mine} for one in connections],
                keyring_connections=[{**one, **own} for one in keyrings],
                services=SERVICES,
                sites=SITES,
                account=account(id=user, username=name),
            )
        )
    result = run(entry(site="1", service="facebook", external_user_name="Engines", shared=True), accounts=(*accounts,))
    closest = min((DEGREES[of_ada][0], "ada", of_ada), (DEGREES[of_grace][0], "grace", of_grace))
    code = DEGREES[closest[2]][3]
    assert [(one.finding.code, one.finding.connection["account"]) for one in result.drift] == (
        [(code, closest[1])] if code else []
    )


def test_accounts_of_the_same_name_can_be_compared() -> None:
    nameless = AccountRecords(sites=SITES, services=SERVICES)
    result = run(entry(site="1", service="mastodon"), accounts=(nameless, replace(nameless, services=())))
    assert [one.connection["account"] for one in result.findings] == ["unknown user"]


def test_pages_side_by_side() -> None:
    pages = AccountRecords(
        publicize_connections=(
            publicize_connection(50, FACEBOOK, 1, ENGINES),
            publicize_connection(51, FACEBOOK, 1, SHOP),
        ),
        keyring_connections=KEYRINGS,
        services=SERVICES,
        sites=SITES,
        account=account(),
    )
    each = [
        entry(site="1", service="facebook", external_user_name=name, unique_per="external_user")
        for name in ("Engines", "Shop")
    ]
    assert found(run(*each, accounts=(pages,))) == []
    assert found(run(each[0], accounts=(pages,))) == [("undeclared", "blog.example.com", 51)]


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"service": "mastodon"}, "expected: connection 0 on site None: site is required"),
        ({"site": "1"}, "expected: connection 0 on site 1: One of the following is required"),
        ({"site": "a b", "service": "mastodon"}, "site must be the numeric ID"),
        ({"id": 50}, "expected: connection 0 on site None: site is required: set it to the ID or domain of the site"),
    ],
)
def test_a_wrong_entry_is_refused(options: Record, text: str) -> None:
    with pytest.raises(OptionError, match=text):
        run(entry(**options))


def test_an_account_that_several_have_is_told_apart_by_its_id() -> None:
    """The plan that the role applies decides, here with the ID of the account."""
    twin = keyring_connection(40, "mastodon", "@ada")
    both = AccountRecords(
        publicize_connections=(publicize_connection(50, MASTODON_SHOP), publicize_connection(51, twin)),
        keyring_connections=(*KEYRINGS, twin),
        services=SERVICES,
        sites=SITES,
        account=account(),
    )
    declared = [entry(site="1", keyring_connection_id=number) for number in (23, 40)]
    assert found(run(*declared, accounts=(both,))) == []
