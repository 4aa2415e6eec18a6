# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whole tasks in the world of troubles: which site a name means."""

from __future__ import annotations

from typing import Any

import pytest

# The site that each of these names means, and the application Zap on it.
NAMES = [
    ("example.com::blog", 779, 7102),
    ("example.com/blog", 779, 7102),
    ("https://example.com/blog/", 779, 7102),
    ("HTTPS://Example.COM:443/blog", 779, 7102),
    ("779", 779, 7102),
    ("second.example.org", 777, 7103),
    ("second.example.org.", 777, 7103),
    ("second.example.org:8443", 777, 7103),
    ("https://secondexample.wordpress.com", 777, 7103),
    ("müller.example", 783, 7104),
    ("https://MÜLLER.example/", 783, 7104),
    ("xn--mller-kva.example", 783, 7104),
    ("www.example.org", 784, 7107),
    ("781", 781, 7105),
    ("782", 782, 7106),
]


@pytest.mark.parametrize(("name", "site", "application"), NAMES)
def test_a_token_for_a_site_is_revoked_by_any_name_of_the_site(
    troubles: Any, name: str, site: int, application: int
) -> None:
    """That an application is reported as absent has to be true: its token would stay valid."""
    task = {"title": "Zap", "site": name}
    shown = troubles.run("application", **task)
    assert [row["id"] for row in shown.result["applications"]] == [application]
    assert troubles.succeed(troubles.run, "application", **task, state="absent").result["changed"]
    left = troubles.ids("applications", title="Zap")
    assert left == [number for number in (7102, 7103, 7104, 7105, 7106, 7107) if number != application]


@pytest.mark.parametrize("name", ["example.org", "example.com", "888", "empty.example.net"])
def test_a_site_of_another_name_is_another_site(troubles: Any, name: str) -> None:
    """With www and without are two sites, and so are a site and the one below it."""
    done = troubles.succeed(troubles.run, "application", title="Zap", site=name, state="absent")
    assert done.result["changed"] is False
    assert len(troubles.ids("applications", title="Zap")) == 6


@pytest.mark.parametrize("name", ["nowhere.example.org", "www.second.example.org", "example.com/blog/more", "999999"])
@pytest.mark.parametrize("state", ["absent", "present"])
def test_an_unknown_site_is_an_error_and_never_absent(troubles: Any, name: str, state: str) -> None:
    if name == "999999" and state == "absent":
        # An ID is compared as it is.
        assert troubles.run("application", title="Zap", site=name, state=state).result["changed"] is False
        return
    message = troubles.refuse(troubles.run, "application", title="Zap", site=name, state=state)
    assert "unknown_blog" in message or "not found" in message


@pytest.mark.parametrize("name", ["nowhere.example.org", "www.second.example.org"])
@pytest.mark.parametrize("bulk", [False, True])
def test_a_connection_on_an_unknown_site_is_an_error_and_never_absent(troubles: Any, name: str, bulk: bool) -> None:
    task = {"site": name, "service": "threads", "state": "absent"}
    assert "unknown_blog" in troubles.refuse(troubles.either, task, bulk=bulk)


def test_a_token_that_may_not_read_the_sites_cannot_compare_them(troubles: Any) -> None:
    """The scope of the applications is another one than that of the sites."""
    troubles.begin(tokens=[{"token": "sim-token", "user_ID": 100, "scope": "users", "client_ID": 50001}])
    message = troubles.refuse(troubles.run, "application", title="Zap", site="example.com/blog", state="absent")
    assert "Set site to the numeric ID" in message
    done = troubles.succeed(troubles.run, "application", title="Zap", site="779", state="absent")
    assert done.result["changed"]


# Connections


@pytest.mark.parametrize("bulk", [False, True])
@pytest.mark.parametrize(("name", "site", "application"), NAMES)
def test_a_connection_is_created_once_whatever_the_site_is_called(
    troubles: Any, bulk: bool, name: str, site: int, application: int
) -> None:
    before = troubles.ids(site_ID=site)
    task = {"site": name, "keyring_connection_id": 502}
    assert troubles.succeed(troubles.either, task, bulk=bulk).result["changed"]
    assert len(troubles.ids(site_ID=site)) == len(before) + 1
    assert troubles.succeed(troubles.either, {**task, "state": "absent"}, bulk=bulk).result["changed"]
    assert troubles.ids(site_ID=site) == before


@pytest.mark.parametrize("form", ["usual", "strict", "lenient"])
def test_whatever_the_server_makes_of_case_and_ports(troubles: Any, form: str) -> None:
    troubles.begin({"site_name_form": form})
    for name in ("Second.Example.ORG", "second.example.org:443", "second.example.org."):
        done = troubles.run("publicize", site=name, service="mastodon", account="5051")
        assert not done.failed, done.result
        assert done.result["connection"]["id"] == 9020


@pytest.mark.parametrize("bulk", [False, True])
@pytest.mark.parametrize(
    "site", ["example.com?p=1", "https://example.com/#top", "ada@example.com", "", "my site", "ftp://example.com"]
)
def test_what_is_no_site_is_refused_before_any_request(troubles: Any, bulk: bool, site: str) -> None:
    message = troubles.refuse(troubles.either, {"site": site, "service": "threads"}, bulk=bulk)
    assert "site must be" in message
    if not bulk:
        assert troubles.requests == []
        for kind, task in (("application", {"title": "Zap", "site": site}), ("info", {"site": [site]})):
            assert "site must be" in troubles.refuse(troubles.run, kind, **task)
            assert troubles.requests == []


@pytest.mark.parametrize("name", ["example.com/blog", "https://EXAMPLE.com/blog/", "example.com::blog"])
def test_info_about_a_site_by_any_name(troubles: Any, name: str) -> None:
    found = troubles.run("info", gather=["publicize", "keyring", "sites"], site=[name])
    assert not found.failed, found.result
    assert [row["id"] for row in found.result["publicize_connections"]] == [9011, 9023, 9026]
    assert [row["id"] for row in found.result["sites"]] == [779]


def test_two_names_of_a_site_in_a_list_contradict_each_other(troubles: Any) -> None:
    task = {"service": "mastodon", "account": "5061"}
    entries = [{"site": "example.com/blog", **task}, {"site": "779", **task}]
    assert "both cannot hold" in troubles.refuse(troubles.bulk, *entries)


@pytest.mark.parametrize("name", ["example.com/blog", "https://example.com/blog/", "779"])
def test_a_purge_reaches_the_site_by_any_name_and_no_other(troubles: Any, name: str) -> None:
    before = troubles.ids()
    keep = {"site": name, "service": "linkedin"}
    done = troubles.succeed(troubles.bulk, keep, purge="listed")
    assert [action["id"] for action in done.result["actions"] if action["action"] == "deleted"] == [9011, 9026]
    assert troubles.ids() == [number for number in before if number not in (9011, 9026)]


# A domain of two sites


@pytest.mark.parametrize(("meaning", "site", "other"), [("wordpress", 781, 782), ("jetpack", 782, 781)])
def test_a_domain_of_two_sites_is_the_one_that_the_api_says(troubles: Any, meaning: str, site: int, other: int) -> None:
    name = "shared.example.com"
    switches = {"shared_domain": meaning}
    connection, untouched = {781: (9021, 9022), 782: (9022, 9021)}[site]
    absent = {"site": name, "service": "mastodon", "account": "5061", "state": "absent"}
    for bulk in (False, True):
        troubles.begin(switches)
        assert troubles.succeed(troubles.either, absent, bulk=bulk).result["changed"]
        assert troubles.ids(site_ID=site) == []
        assert troubles.ids(site_ID=other) == [untouched]
        task = {"site": name, "service": "mastodon", "account": "5051"}
        troubles.succeed(troubles.either, task, bulk=bulk)
        assert len(troubles.ids(site_ID=site)) == 1
        assert troubles.ids(site_ID=other) == [untouched]
    troubles.begin(switches)
    found = troubles.run("info", gather=["publicize", "sites"], site=[name])
    assert [row["id"] for row in found.result["publicize_connections"]] == [connection]
    assert [row["id"] for row in found.result["sites"]] == [site]
    troubles.succeed(troubles.run, "application", title="Zap", site=name, state="absent")
    assert troubles.ids("applications", title="Zap", site_ID=site) == []
    assert len(troubles.ids("applications", title="Zap", site_ID=other)) == 1


@pytest.mark.parametrize(("meaning", "gone"), [("wordpress", [9021]), ("jetpack", [9022])])
def test_a_purge_by_a_domain_of_two_sites(troubles: Any, meaning: str, gone: list[int]) -> None:
    troubles.begin({"shared_domain": meaning})
    entry = {"site": "shared.example.com", "service": "mastodon", "account": "5051"}
    done = troubles.succeed(troubles.bulk, entry, purge="listed")
    assert [action["id"] for action in done.result["actions"] if action["action"] == "deleted"] == gone
