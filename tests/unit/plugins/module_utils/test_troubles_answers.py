# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whole tasks in the world of troubles: what the responses hold."""

from __future__ import annotations

import json
from typing import Any

import pytest

EVERYTHING = ["publicize", "keyring", "applications", "services", "sites", "account"]
LISTS = {
    "publicize": "/me/publicize-connections/",
    "keyring": "/me/keyring-connections/",
    "applications": "/me/connected-applications/",
    "services": "/meta/external-services/",
    "sites": "/me/sites",
}


# Entries without an ID


@pytest.mark.parametrize("form", ["no_id", "zero_id", "null_id", "null", "all"])
@pytest.mark.parametrize("gaps", ["none", "everywhere"])
def test_entries_without_id_do_not_spoil_what_is_gathered(troubles: Any, form: str, gaps: str) -> None:
    whole = troubles.run("info", gather=EVERYTHING)
    assert whole.warnings == []
    troubles.begin({"bad_entries": form, "php_gaps": gaps})
    found = troubles.run("info", gather=EVERYTHING)
    assert not found.failed, found.result
    for key, value in whole.result.items():
        if isinstance(value, list):
            assert [record["id"] for record in found.result[key]] == [record["id"] for record in value]
    told = [warning for warning in found.warnings if "without an ID" in warning]
    assert len(told) == len(found.warnings)
    assert len(told) == len(LISTS)
    count = "4 entries" if form == "all" else "1 entry"
    for path in LISTS.values():
        assert [warning for warning in told if f"(GET {path})" in warning and f"has {count} without an ID" in warning]


def test_the_entry_of_the_site_that_is_an_orphaned_link(troubles: Any) -> None:
    """The input that was reported: an object with ``meta`` only, in the list of the site."""
    troubles.begin(bad_entries=[{"list": "P6", "site_ID": 777, "first": True, "entry": {"meta": {"links": {}}}}])
    task = {"site": "777", "service": "facebook", "external_user_id": "9001"}
    done = troubles.succeed(troubles.run, "publicize", **task)
    assert done.result["connection"]["id"] == 9003
    (warning,) = done.warnings
    assert "1 entry without an ID" in warning
    assert "/sites/777/publicize-connections/" in warning
    for other in ({"id": 9003}, {"id": 9003, "site": "777"}):
        assert not troubles.run("publicize", **other).failed


@pytest.mark.parametrize(
    ("where", "entry", "kind", "task"),
    [
        ("P1", {"ID": 0}, "keyring", {"service": "threads", "state": "absent", "cascade": True}),
        ("K1", None, "keyring", {"service": "threads", "state": "absent", "cascade": True}),
        ("K1", {"ID": None}, "publicize", {"site": "777", "service": "mastodon", "account": "5051", "state": "absent"}),
        ("P6", None, "publicize", {"site": "777", "service": "mastodon", "account": "5051", "state": "absent"}),
        ("A1", {"ID": "0"}, "application", {"title": "Zap", "state": "absent"}),
        ("M2", {"name": "x"}, "application", {"title": "Zap", "site": "example.com/blog", "state": "absent"}),
    ],
)
def test_a_deletion_says_that_a_list_had_entries_without_id(
    troubles: Any, where: str, entry: Any, kind: str, task: dict[str, Any]
) -> None:
    troubles.begin(bad_entries=[{"list": where, "entry": entry}])
    done = troubles.succeed(troubles.run, kind, **task)
    assert done.result["changed"]
    assert any("deleted or reported as absent" in warning for warning in done.warnings)


def test_a_purge_says_that_a_list_had_entries_without_id(troubles: Any) -> None:
    troubles.begin({"bad_entries": "all"})
    keep = {"site": "777", "service": "facebook", "external_user_id": "9001"}
    done = troubles.succeed(troubles.bulk, keep, purge="listed")
    assert [action["id"] for action in done.result["actions"]] == [9020, 9030, 9050]
    assert [warning for warning in done.warnings if "/me/publicize-connections/" in warning and "4 entries" in warning]


def test_lists_with_gaps_within_records(troubles: Any) -> None:
    """Keyring connection 507 has its pages and sites as objects."""
    found = troubles.run("keyring", id=507).result["connection"]
    assert [page["external_id"] for page in found["additional_external_users"]] == ["5072", "5073"]
    assert found["sites"] == [779]
    task = {"site": "888", "service": "linkedin", "external_user_name": "Acme Club"}
    assert troubles.succeed(troubles.run, "publicize", **task).result["connection"]["external_id"] == "5073"


# Names


@pytest.mark.parametrize("bulk", [False, True])
@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Salt & Pepper", "9001"),
        ("Salt &amp; Pepper", "9001"),
        ('Tom\u2019s "Best"', "9002"),
        ("Tom&#8217;s &quot;Best&quot;", "9002"),
    ],
)
def test_a_page_is_named_as_the_browser_shows_it(troubles: Any, bulk: bool, name: str, expected: str) -> None:
    task = {"site": "888", "service": "facebook", "account": "Me & My Pages", "external_user_name": name}
    done = troubles.succeed(troubles.either, task, bulk=bulk)
    assert done.result["changed"]
    assert [row["external_user_ID"] for row in troubles.simulator.state()["publicize_connections"]][-1] == expected


@pytest.mark.parametrize("title", ["Tom & Jerry\u2019s", "Tom &amp; Jerry&#8217;s"])
def test_an_application_is_named_as_the_browser_shows_it(troubles: Any, title: str) -> None:
    found = troubles.run("application", title=title)
    assert [application["id"] for application in found.result["applications"]] == [7101]
    assert "&amp;" in found.result["applications"][0]["title"]
    assert troubles.succeed(troubles.run, "application", title=title, state="absent").result["changed"]
    assert troubles.ids("applications", ID=7101) == []


def test_messages_show_names_decoded(troubles: Any) -> None:
    message = troubles.refuse(troubles.run, "publicize", site="888", service="facebook")
    assert "Salt & Pepper" in message
    assert 'Tom\u2019s "Best"' in message
    assert "&amp;" not in message
    assert "&#" not in message


@pytest.mark.parametrize("bulk", [False, True])
def test_half_an_emoji_in_a_name(troubles: Any, bulk: bool) -> None:
    """The account is found by the name as it is and as it is shown, and every result can be encoded."""
    troubles.begin({"lone_surrogates": True, "html_names": False})
    for name in ("Acme \ud83d \ud83d", "Acme \ufffd \ufffd"):
        task = {"site": "888", "service": "bluesky", "account": name}
        done = troubles.either(task, bulk=bulk)
        assert not done.failed, done.result
        json.dumps([done.result, done.warnings], ensure_ascii=False).encode()
    assert len(troubles.ids(site_ID=888)) == 1


def test_everything_with_half_an_emoji_can_be_gathered(troubles: Any) -> None:
    troubles.begin({"lone_surrogates": True})
    found = troubles.run("info", gather=EVERYTHING)
    assert not found.failed, found.result
    json.dumps(found.result, ensure_ascii=False).encode()
    assert "\ufffd" in str(found.result["sites"])


# Status


@pytest.mark.parametrize("bulk", [False, True])
@pytest.mark.parametrize(
    ("task", "health", "told"),
    [
        ({"site": "779", "service": "linkedin"}, ("expiring", "refresh"), "works, but has to be refreshed"),
        ({"site": "783", "service": "bluesky"}, ("unknown", None), "has the status 'on_hold'"),
        ({"site": "783", "service": "threads"}, ("untested", None), None),
    ],
)
def test_status(troubles: Any, bulk: bool, task: dict[str, Any], health: Any, told: Any) -> None:
    """What works is not called broken, and what is not known is called so."""
    done = troubles.succeed(troubles.either, task, bulk=bulk)
    shown = (done.result["actions"] or [None])[0] if bulk else done.result["connection"]
    if shown is not None:
        assert (shown["health"], shown["repair"]) == health
    assert (shown is None) is (bulk and told is None)
    assert len(done.warnings) == (told is not None)
    assert told is None or told in done.warnings[0]
    assert "broken" not in str(done.warnings)


def test_unhealthy_only(troubles: Any) -> None:
    found = troubles.run("info", gather=["publicize", "keyring"], unhealthy_only=True)
    keyrings = {row["id"]: (row["health"], row["repair"]) for row in found.result["keyring_connections"]}
    assert keyrings == {507: ("expiring", "refresh"), 508: ("unknown", None), 530: ("broken", "remove")}
    publicize = {row["id"]: (row["health"], row["repair"]) for row in found.result["publicize_connections"]}
    choose = ("broken", "choose_external_user")
    assert publicize == {
        **dict.fromkeys((9010, 9011, 9012, 9013), choose),
        9023: ("expiring", "refresh"),
        9024: ("unknown", None),
        9030: ("broken", "remove"),
    }


@pytest.mark.parametrize("form", ["date", "null", "absent"])
def test_never_in_each_form(troubles: Any, form: str) -> None:
    troubles.begin({"never_form": form})
    done = troubles.run("publicize", site="783", service="threads")
    assert not done.failed, done.result
    assert done.result["connection"]["health"] == "untested"
    found = troubles.run("info")
    assert not found.failed
    assert all(record.get("expires") is None for record in found.result["keyring_connections"] if record["id"] != 507)


# Errors


@pytest.mark.parametrize("bulk", [False, True])
@pytest.mark.parametrize("site", ["786", "closed.example.net"])
def test_unauthorized_may_be_a_json_api_that_is_disabled(troubles: Any, bulk: bool, site: str) -> None:
    for check_mode in (True, False):
        task = {"site": site, "service": "mastodon", "account": "5051"}
        refused = troubles.either(task, bulk=bulk, check_mode=check_mode)
        assert refused.failed
        assert refused.result["changed"] is False
        assert "private or restricted" in refused.result["msg"]
        assert "JSON API" in refused.result["msg"]
    assert troubles.ids(site_ID=786) == []


def test_info_about_a_site_whose_json_api_is_disabled(troubles: Any) -> None:
    refused = troubles.run("info", gather=["publicize"], site=["786"])
    assert refused.failed
    assert "JSON API" in refused.result["msg"]
