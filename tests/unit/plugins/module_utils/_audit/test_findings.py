# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What an audit finds, and the words in which it says so."""

from __future__ import annotations

from dataclasses import FrozenInstanceError
from typing import Any, Optional

import pytest

from ansible_collections.community.wpcom.plugins.module_utils._audit.findings import Audit, audit
from ansible_collections.community.wpcom.plugins.module_utils._audit.policy import CODES, Finding, Policy
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
    NOW,
    SERVICES,
    SITES,
    account,
    application,
    day,
    external_user,
    keyring_connection,
    publicize_connection,
    service,
    site,
)

TWITTER = keyring_connection(26, "twitter", "ada")
BROKEN = keyring_connection(27, "bluesky", "ada.two", status="broken")


def records(*connections: Record, **changes: Any) -> AccountRecords:
    """Return what was gathered of Ada's account."""
    gathered: dict[str, Any] = {
        "publicize_connections": connections,
        "keyring_connections": KEYRINGS,
        "services": SERVICES,
        "sites": SITES,
        "account": account(),
        **changes,
    }
    return AccountRecords(**gathered)


def run(*accounts: AccountRecords, expected: Optional[list[Record]] = None, **policy: Any) -> Audit:
    """Return the audit."""
    return audit(accounts, Policy(**policy), NOW, expected)


def only(found: Audit) -> Finding:
    """Return the only finding."""
    assert len(found.findings) == 1, found.findings
    return found.findings[0]


UNSET = {name: option.get("default") for name, option in publicize_connection_argument_spec().items()}

# A connection, what else the account has, and the finding: code, site, ID, text, action.
ONE = {
    "broken, to be refreshed": (
        publicize_connection(50, MASTODON, status="broken"),
        {},
        ("broken", "blog.example.com", 50),
        "Mastodon @Ada on blog.example.com is broken: nothing is posted.",
        "Refresh Mastodon @Ada on the connections page.",
    ),
    "broken, to be reconnected": (
        publicize_connection(50, MASTODON, status="invalid"),
        {},
        ("broken", "blog.example.com", 50),
        "Mastodon @Ada on blog.example.com is broken: nothing is posted.",
        "Disconnect Mastodon @Ada and connect it again, on the connections page.",
    ),
    "expired": (
        publicize_connection(50, LINKEDIN, 2, ENGINES, status="must_reauth", expires=day(-3)),
        {},
        ("broken", "shop.example.com", 50),
        "Linkedin Engines (account Ada-L) on shop.example.com is broken: nothing is posted. It expired on 2026-06-28.",
        "Refresh Linkedin Ada-L on the connections page.",
    ),
    "expiring": (
        publicize_connection(50, MASTODON, expires=day(5)),
        {},
        ("expiring", "blog.example.com", 50),
        "Mastodon @Ada on blog.example.com still works, but has to be refreshed before 2026-07-06.",
        "Refresh Mastodon @Ada on the connections page.",
    ),
    "must be refreshed, no date": (
        publicize_connection(50, MASTODON, status="must_reauth"),
        {},
        ("expiring", "blog.example.com", 50),
        "Mastodon @Ada on blog.example.com still works, but has to be refreshed.",
        "Refresh Mastodon @Ada on the connections page.",
    ),
    "a new status": (
        publicize_connection(50, MASTODON, status="on_hold"),
        {},
        ("unknown_status", "blog.example.com", 50),
        "Mastodon @Ada on blog.example.com has the status on_hold, which this version of the collection does not know.",
        "Check on the connections page whether Mastodon @Ada works.",
    ),
    "a service that is gone": (
        publicize_connection(50, TWITTER),
        {"keyring_connections": (TWITTER,)},
        ("unsupported_service", "blog.example.com", 50),
        "Twitter Ada on blog.example.com posts nothing: WordPress.com no longer supports Twitter.",
        "Delete the connection to Twitter Ada.",
    ),
    "no page": (
        publicize_connection(50, FACEBOOK),
        {},
        ("no_external_user", "blog.example.com", 50),
        "Facebook Ada on blog.example.com posts nothing: Facebook supports posting to pages only, and no page was chosen.",
        "Choose the page to post to, on the connections page: Engines, Shop.",
    ),
    "no page to choose": (
        publicize_connection(50, keyring_connection(20, "facebook", "ada")),
        {"keyring_connections": (keyring_connection(20, "facebook", "ada"),)},
        ("no_external_user", "blog.example.com", 50),
        "Facebook Ada on blog.example.com posts nothing: Facebook supports posting to pages only, and no page was chosen.",
        "Create a page at Facebook, refresh Facebook Ada, and choose the page.",
    ),
    "orphan": (
        publicize_connection(50, keyring_connection(99, "mastodon", "@old", external_display="Old &amp; Co")),
        {},
        ("orphan", "blog.example.com", 50),
        "Mastodon Old & Co on blog.example.com still posts, although the account is no longer connected to WordPress.com.",
        "Delete the connection. Connect the account again if the site must go on posting to it.",
    ),
    "another user's": (
        publicize_connection(60, FOREIGN, status="broken", shared=True),
        {"account": account(id=1)},
        ("broken", "blog.example.com", 60),
        "Mastodon @Grace on blog.example.com is broken: nothing is posted.",
        "Ask user 2, who owns the connection: Refresh Mastodon @Grace on the connections page.",
    ),
    "a site that is not listed": (
        publicize_connection(50, MASTODON, 77, status="broken"),
        {},
        ("broken", "77", 50),
        "Mastodon @Ada on 77 is broken: nothing is posted.",
        "Refresh Mastodon @Ada on the connections page.",
    ),
}


@pytest.mark.parametrize("name", ONE)
def test_one_connection(name: str) -> None:
    connection, changes, where, text, action = ONE[name]
    finding = only(run(records(connection, **changes)))
    assert (finding.code, finding.site, finding.connection["id"]) == where
    assert (finding.text, finding.action) == (text, action)
    assert finding.connection["type"] == "publicize"
    assert finding.severity == CODES[finding.code]


@pytest.mark.parametrize(
    ("number", "named"),
    [
        (1, "P1."),
        (5, "P1, P2, P3, P4, P5."),
        (6, "P1, P2, P3, P4, P5 and 1 more."),
        (8, "P1, P2, P3, P4, P5 and 3 more."),
    ],
)
def test_five_pages_to_choose_from_are_named(number: int, named: str) -> None:
    pages = [external_user(str(page), f"P{page}") for page in range(1, number + 1)]
    facebook = keyring_connection(20, "facebook", "ada", *pages)
    finding = only(run(records(publicize_connection(50, facebook), keyring_connections=(facebook,))))
    assert finding.action == f"Choose the page to post to, on the connections page: {named}"


@pytest.mark.parametrize(("status", "said"), [("invalid", ""), ("broken", ""), ("ok", " It expired on 2026-07-01.")])
def test_an_expiry_date_is_the_reason_where_the_status_is_not(status: str, said: str) -> None:
    connection = publicize_connection(50, MASTODON, status=status, health="broken", expires="2026-07-01T00:00:00Z")
    assert only(run(records(connection))).text == (
        f"Mastodon @Ada on blog.example.com is broken: nothing is posted.{said}"
    )


def test_an_audit_cannot_be_changed() -> None:
    found: Any = run(records())
    with pytest.raises(FrozenInstanceError):
        found.findings = ()


def test_healthy_connections_have_no_finding() -> None:
    healthy = [
        publicize_connection(50, MASTODON),
        publicize_connection(51, MASTODON, 2, status=None),
        publicize_connection(52, FACEBOOK, 1, ENGINES),
        publicize_connection(53, LINKEDIN, 1),
        publicize_connection(60, FOREIGN),
    ]
    assert run(records(*healthy)).findings == ()


def test_a_connection_that_is_not_shared_is_reported_where_asked() -> None:
    mine = records(
        publicize_connection(50, MASTODON),
        publicize_connection(51, LINKEDIN, shared=True),
        publicize_connection(60, FOREIGN),
    )
    assert run(mine).findings == ()
    finding = only(run(mine, not_shared=True))
    assert (finding.code, finding.connection["id"]) == ("not_shared", 50)
    assert finding.text.startswith("Mastodon @Ada on blog.example.com is not shared")


def test_a_duplicate_is_reported_for_each_connection_but_the_oldest() -> None:
    thrice = [publicize_connection(number, MASTODON) for number in (53, 51, 52)]
    elsewhere = [publicize_connection(54, MASTODON, 2), publicize_connection(55, LINKEDIN)]
    found = run(records(*thrice, *elsewhere)).findings
    assert [(one.code, one.connection["id"]) for one in found] == [("duplicate", 52), ("duplicate", 53)]
    assert found[0].text == (
        "Mastodon @Ada is connected to blog.example.com more than once: each post appears twice, "
        "by connection 52 and by connection 51."
    )
    assert found[0].action == "Delete connection 52, and keep connection 51."


def test_a_duplicate_of_another_user_names_the_one_that_can_be_deleted() -> None:
    theirs = publicize_connection(60, {**FOREIGN, "external_id": "x22"})
    for number, reported, action in (
        (70, 70, "Delete connection 70, and keep connection 60 of user 2."),
        (50, 60, "Delete connection 50, or ask user 2 to delete connection 60."),
    ):
        mine = publicize_connection(number, MASTODON)
        finding = only(run(records(mine, other_connections=(mine, theirs))))
        assert (finding.code, finding.connection["id"], finding.action) == ("duplicate", reported, action)
    twice = (theirs, {**theirs, "id": 61})
    assert only(run(records(other_connections=twice))).action == "Ask user 2 to delete connection 61."


def test_no_page_twice_is_no_duplicate() -> None:
    twice = [publicize_connection(number, FACEBOOK, external_id=None) for number in (50, 51)]
    assert [one.code for one in run(records(*twice)).findings] == ["no_external_user", "no_external_user"]


def test_an_account_that_is_connected_twice() -> None:
    twin = keyring_connection(40, "mastodon", "@ada", external_id="x22")
    used = records(publicize_connection(50, twin, 2), keyring_connections=(*KEYRINGS, twin))
    finding = only(run(used))
    assert (finding.code, finding.site, finding.connection["id"]) == ("twin_account", None, 22)
    assert finding.text == (
        "Mastodon @Ada is connected to WordPress.com more than once: as keyring connection 40, and as 22, "
        "which no site uses."
    )
    assert finding.action == "Disconnect keyring connection 22."
    assert finding.connection["type"] == "keyring"


def test_accounts_of_different_services_are_no_twins() -> None:
    alike = (
        keyring_connection(40, "mastodon", "@ada", external_id="x"),
        keyring_connection(41, "bluesky", "ada", external_id="x"),
        # Without an ID nothing says that two accounts are the same.
        keyring_connection(42, "mastodon", "@ada", external_id=None),
        keyring_connection(43, "mastodon", "@ada", external_id=None),
    )
    assert run(records(keyring_connections=alike)).findings == ()


@pytest.mark.parametrize(("users", "ordered"), [((2, 1), [1, 2]), ((1, None), [None, 1]), ((3, None, 2), [None, 2, 3])])
def test_accounts_of_the_same_name_are_in_the_order_of_their_users(users: Any, ordered: list[Any]) -> None:
    gathered = [AccountRecords(name="team", account=account(id=user) if user else None) for user in users]
    assert [one.me for one in run(*gathered).accounts] == ordered


def test_an_account_that_no_connection_shows() -> None:
    finding = only(run(records(keyring_connections=(*KEYRINGS, BROKEN))))
    assert (finding.code, finding.site, finding.connection["id"]) == ("broken", None, 27)
    assert finding.connection["url"] == "https://wordpress.com/marketing/connections"
    assert finding.text == "Bluesky Ada.Two is broken: nothing is posted."


def test_an_account_is_not_reported_in_addition_to_its_connections() -> None:
    connection = publicize_connection(50, BROKEN)
    assert only(run(records(connection, keyring_connections=(*KEYRINGS, BROKEN)))).connection["id"] == 50
    # Its connections do not show what is wrong with it.
    healthy = publicize_connection(50, BROKEN, status="ok")
    assert only(run(records(healthy, keyring_connections=(*KEYRINGS, BROKEN)))).connection["id"] == 27


def test_applications() -> None:
    applications = (
        application(70, "Old &amp; narrow", scope="posts", authorized=day(-400)),
        application(71, "New", scope="posts", authorized=day(-365)),
        application(72, "Wide", scope="global", authorized=None),
        application(73, "Elsewhere", scope="", site={"site_id": "2"}, authorized=day(-400)),
    )
    found = run(records(connected_applications=applications)).findings
    assert [(one.code, one.site, one.connection["id"]) for one in found] == [
        ("application_global_scope", None, 72),
        ("application_old", None, 70),
        ("application_old", "shop.example.com", 73),
    ]
    assert {one.connection["url"] for one in found} == {"https://wordpress.com/me/security/connected-applications"}
    assert found[0].text == "The application Wide has full access to the account ada and all of its sites."
    assert found[1].text == (
        "The application Old & narrow has access to the account ada since 2025-05-27, for more than 365 days."
    )
    assert found[2].text.startswith("The application Elsewhere has access to shop.example.com since")
    assert [one.code for one in run(records(connected_applications=applications), application_max_age=0).findings] == [
        "application_global_scope"
    ]


def test_sites_restrict_everything_that_has_a_site() -> None:
    twin = keyring_connection(40, "mastodon", "@ada", external_id="x22")
    everything = records(
        publicize_connection(50, MASTODON, 1, status="broken"),
        publicize_connection(51, MASTODON, 2, status="broken"),
        publicize_connection(52, BROKEN, 1, status="ok"),
        keyring_connections=(*KEYRINGS, BROKEN, twin),
        connected_applications=(
            application(70, "One site", scope="", site={"site_id": 1}, authorized=day(-400)),
            application(71, "All sites", authorized=day(-400), scope="posts"),
        ),
    )
    found = {(one.code, one.connection["id"]) for one in run(everything, sites=[2]).findings}
    assert found == {("broken", 51), ("twin_account", 40), ("application_old", 71)}
    assert {(one.code, one.connection["id"]) for one in run(everything, sites=[1]).findings} == {
        ("broken", 50),
        ("broken", 27),
        ("twin_account", 40),
        ("application_old", 70),
        ("application_old", 71),
    }
    assert {(one.code, one.connection["id"]) for one in run(everything, sites=[3]).findings} == {
        ("application_old", 71)
    }
    restricted = records(*everything.publicize_connections, site_ids=frozenset([2]))
    assert [one.connection["id"] for one in run(restricted).findings] == [51]


def test_of_two_accounts_the_owner_speaks_for_a_connection() -> None:
    grace = AccountRecords(
        publicize_connections=(publicize_connection(60, FOREIGN, status="broken"),),
        keyring_connections=(FOREIGN,),
        services=SERVICES,
        sites=SITES,
        account=account(id=COLLEAGUE, username="grace"),
    )
    ada = records(other_connections=(publicize_connection(60, FOREIGN, status="broken"),))
    for accounts in ((ada, grace), (grace, ada)):
        finding = only(run(*accounts))
        assert finding.connection["account"] == "grace"
        assert finding.action == "Refresh Mastodon @Grace on the connections page."
    assert only(run(ada)).action.startswith("Ask user 2, who owns the connection")


def test_names_of_others_stay_on_their_line_and_in_their_direction() -> None:
    hostile = external_user("9", "\u202ea\nb\x00\u2066c &lt;script&gt; \ud83d")
    finding = only(run(records(publicize_connection(50, LINKEDIN, 1, hostile, status="broken"))))
    assert finding.connection["name"] == "a b c <script> \ufffd"


def test_findings_hold_no_personal_url() -> None:
    secret = service("facebook", external_users_only=True, connect_url="https://connect.example/?nonce=1")
    connection = publicize_connection(50, MASTODON, status="broken", refresh_url="https://refresh.example/?nonce=1")
    found = run(
        records(connection, services=(*SERVICES, secret)),
        expected=[{**UNSET, "site": "1", "service": "facebook", "account": "gone"}],
    )
    assert {one.code for one in found.findings} == {"broken", "missing", "undeclared"}
    assert "nonce" not in repr([one.as_record() for one in found.findings])
    assert "nonce" not in repr([row.as_record() for row in found.rows])


@pytest.mark.parametrize(
    ("policy", "text"),
    [
        ({"fail_on": ["error", "brokn"]}, "got 'brokn'"),
        ({"application_max_age": -1}, "application_max_age must be from 0 to 36500 days, got -1"),
    ],
)
def test_a_wrong_policy_is_refused(policy: dict[str, Any], text: str) -> None:
    with pytest.raises(OptionError, match=text):
        Policy(**policy)


def test_fail_on_takes_codes_and_severities() -> None:
    found = run(
        records(publicize_connection(50, MASTODON, status="broken"), publicize_connection(51, LINKEDIN, expires=day(1)))
    ).findings
    assert [Policy(fail_on=["error"]).fails(one) for one in found] == [True, False]
    assert [Policy(fail_on=["expiring"]).fails(one) for one in found] == [False, True]
    assert [Policy().fails(one) for one in found] == [False, False]


def test_the_page_of_a_site_in_a_subdirectory() -> None:
    below = site(9, "example.com::blog")
    finding = only(run(records(publicize_connection(50, MASTODON, 9, status="broken"), sites=(below,))))
    assert finding.site == "example.com::blog"
    assert finding.connection["url"] == "https://wordpress.com/marketing/connections/example.com::blog"
