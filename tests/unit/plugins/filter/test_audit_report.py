# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filter audit_report takes what was gathered, and says what is wrong with its input."""

from __future__ import annotations

from typing import Any, Optional

import pytest
from ansible.errors import AnsibleFilterError

from ansible_collections.community.wpcom.plugins.filter.audit_report import audit_report
from ansible_collections.community.wpcom.plugins.filter.audit_sites import audit_sites
from ansible_collections.community.wpcom.plugins.module_utils._audit.policy import CODES
from ansible_collections.community.wpcom.tests.unit.builders import (
    FOREIGN,
    KEYRINGS,
    LINKEDIN,
    MASTODON,
    SERVICES,
    SITES,
    account,
    application,
    day,
    publicize_connection,
)

DATE = "2026-07-01T12:00:00Z"


def gathered(*connections: Any, **changes: Any) -> dict[str, Any]:
    """Return what the module gathers."""
    return {
        "publicize_connections": list(connections),
        "keyring_connections": list(KEYRINGS),
        "services": list(SERVICES),
        "sites": list(SITES),
        "connected_applications": [],
        "account": account(),
        "changed": False,
        **changes,
    }


BROKEN = publicize_connection(50, MASTODON, status="broken")
EXPIRING = publicize_connection(51, LINKEDIN, 2, expires=day(3))


def test_report() -> None:
    applications = [application(70, "Old", scope="posts media", authorized=day(-400))]
    found = audit_report([gathered(BROKEN, EXPIRING, connected_applications=applications)], date=DATE)
    report = found["report"]
    assert (report["version"], report["date"], report["accounts"]) == (1, DATE, ["ada"])
    assert report["counts"] == {"sites": 3, "connections": 2, "error": 1, "warning": 1, "info": 1}
    assert {code: count for code, count in report["codes"].items() if count} == {
        "broken": 1,
        "expiring": 1,
        "application_old": 1,
    }
    assert [(one["id"], one["findings"]) for one in report["connections"]] == [(50, ["broken"]), (51, ["expiring"])]
    assert report["applications"] == [
        {
            "id": 70,
            "account": "ada",
            "title": "Old",
            "scope": ["posts", "media"],
            "site": None,
            "authorized": applications[0]["authorized"],
            "findings": ["application_old"],
        }
    ]
    assert report["services"] == [{"id": "linkedin", "label": "Linkedin"}, {"id": "mastodon", "label": "Mastodon"}]
    assert report["drift"] is None
    assert found["failures"] == []
    assert found["summary"][0] == "ada: 1 error, 1 warning, 1 note (2 connections on 3 sites)."
    assert found["summary"][1] == (
        "error: Mastodon @Ada on blog.example.com is broken: nothing is posted. "
        "Refresh Mastodon @Ada on the connections page."
    )


def test_statistics_have_every_count_and_the_ids() -> None:
    found = audit_report([gathered(BROKEN, EXPIRING)], date=DATE)["statistics"]
    assert all(name.startswith("social_connections_audit_") for name in found)
    short = {name[len("social_connections_audit_") :]: value for name, value in found.items()}
    assert set(short) == {*CODES, "error", "warning", "info", "ids", "keyring_ids", "application_ids"}
    assert (short["error"], short["warning"], short["info"], short["broken"], short["missing"]) == (1, 1, 0, 1, 0)
    assert (short["ids"], short["keyring_ids"], short["application_ids"]) == ([50, 51], [], [])


def test_failures_are_what_fail_on_selects() -> None:
    found = audit_report([gathered(BROKEN, EXPIRING)], fail_on=["expiring"], date=DATE)
    assert [line.split(":")[0] for line in found["failures"]] == ["warning"]
    many = [publicize_connection(100 + number, MASTODON, number + 1, status="broken") for number in range(30)]
    lines = audit_report([gathered(*many)], fail_on=["error"], date=DATE)["failures"]
    assert (len(lines), lines[-1]) == (21, "and 10 more")


def test_an_account_is_called_by_the_item_of_the_loop_and_restricted_to_its_sites() -> None:
    one = gathered(BROKEN, EXPIRING, item={"name": "team", "host": "x", "site_ids": [2]})
    report = audit_report([one], date=DATE)["report"]
    assert report["accounts"] == ["team"]
    assert [row["id"] for row in report["connections"]] == [51]
    assert [site["id"] for site in report["sites"]] == [2]
    assert audit_sites(one) == [2]
    assert audit_sites(one, ["blog.example.com"]) == []
    assert audit_sites(gathered(BROKEN)) == [1, 2, 3]
    assert audit_sites(gathered(BROKEN), ["https://SHOP.example.com/", "nowhere.example.com", "1"]) == [1, 2]


def test_connections_of_other_users_and_sites_that_refuse() -> None:
    others = {
        "publicize_connections": [BROKEN, publicize_connection(60, FOREIGN, status="broken")],
        "site_errors": [{"site": "3", "error": {"status": 400}}, {"site": "9", "error": {"status": 403}}],
    }
    report = audit_report([gathered(BROKEN)], others=[others], date=DATE)["report"]
    assert [(row["id"], row["owner"]) for row in report["connections"]] == [(50, "ada"), (60, "user 2")]
    assert report["unread_sites"] == ["9", "news.example.org"]


def test_sites_that_could_not_be_read_are_an_error() -> None:
    def seen(*statuses: Optional[int]) -> list[dict[str, Any]]:
        errors = [{"site": "1", "error": {"status": status, "msg": f"No list: HTTP {status}."}} for status in statuses]
        return [{"publicize_connections": [], "site_errors": errors}]

    with pytest.raises(
        AnsibleFilterError, match="users on 2 sites could not be read: No list: HTTP 500; No list: HTTP None"
    ):
        audit_report([gathered(BROKEN)], others=seen(500, 403, None), date=DATE)
    with pytest.raises(AnsibleFilterError, match=r"on 7 sites .*; and 2 more"):
        audit_report([gathered(BROKEN)], others=seen(*[401] * 7), date=DATE)
    assert audit_report([gathered(BROKEN)], others=seen(400, 403, 404), date=DATE)["report"]["unread_sites"]


def test_sites_by_all_their_names() -> None:
    for name in ("2", "shop.example.com", "HTTPS://Shop.example.com/"):
        report = audit_report([gathered(BROKEN, EXPIRING)], sites=[name], date=DATE)["report"]
        assert [row["id"] for row in report["connections"]] == [51]


@pytest.mark.parametrize(("sites", "found"), [("", [50, 51]), ("2", [51]), (2, [51]), ("1, 2", [50, 51]), ([], [])])
def test_lists_that_are_texts_as_extra_variables_are(sites: Any, found: list[int]) -> None:
    """The argument spec of the role accepts them, and leaves them as they are."""
    one = gathered(BROKEN, EXPIRING)
    audited = audit_report([one], sites=sites, fail_on="broken,expiring", date=DATE)
    assert [row["id"] for row in audited["report"]["connections"]] == found
    assert len(audited["failures"]) == len(found)
    assert audit_report([one], fail_on="", date=DATE)["failures"] == []
    if sites:
        assert set(audit_sites(one, sites)) >= {2}


def test_expected_is_validated_as_the_module_validates_it() -> None:
    expected = [{"site": "1", "service": "mastodon", "account": "@ada", "shared": "no", "id": "50"}]
    report = audit_report([gathered(publicize_connection(50, MASTODON))], expected=expected, date=DATE)["report"]
    assert report["drift"] == []
    wrong = [{"site": "1", "service": "mastodon", "account": "@ada", "shared": True}]
    (drift,) = audit_report([gathered(publicize_connection(50, MASTODON))], expected=wrong, date=DATE)["report"][
        "drift"
    ]
    assert drift["changes"] == [{"key": "shared", "existing": False, "declared": True}]


@pytest.mark.parametrize(
    ("accounts", "options", "text"),
    [
        ("x", {}, "the input must be a list of accounts"),
        ([{"publicize_connections": []}], {}, "account 0 of the input has no list keyring_connections"),
        ([gathered({"site_id": 1})], {}, "publicize_connections of account 0 has a record without id"),
        ([gathered()], {"fail_on": ["brokn"]}, "got 'brokn'"),
        (
            [gathered()],
            {"sites": ["nowhere.example.com"]},
            "nowhere.example.com not found among the sites of the account",
        ),
        ([gathered()], {"sites": ["a b"]}, "site must be the numeric ID"),
        (
            [gathered(item={"name": "team", "site_ids": [2, 8, 9]})],
            {},
            "sites 8, 9 of the inventory not found among the sites of the account team: set wpcom_api_token",
        ),
        (
            [gathered(item={"name": name, "has_token": False, "site_ids": [1]}) for name in ("ada", "grace")],
            {},
            "wpcom_api_token or wpcom_api_token_file is required for the accounts ada, grace",
        ),
        ([gathered()], {"date": "today"}, "date must be like 2026-01-31T10:20:30Z, got 'today'"),
        ([gathered()], {"expected": [{"site": "1", "servic": "x"}]}, "servic"),
        (
            [gathered()],
            {"expected": [{"site": "1"}]},
            "expected: connection 0 on site 1: One of the following is required",
        ),
    ],
)
def test_what_is_wrong_with_the_input(accounts: Any, options: dict[str, Any], text: str) -> None:
    with pytest.raises(AnsibleFilterError, match=text):
        audit_report(accounts, **options)


def test_audit_sites_takes_an_account() -> None:
    with pytest.raises(AnsibleFilterError, match="the input must be an account"):
        audit_sites([])
    with pytest.raises(AnsibleFilterError, match="site must be the numeric ID"):
        audit_sites(gathered(), ["a b"])
