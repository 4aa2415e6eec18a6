# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every rule and every error of ``wpcom_publicize_connection``, with the requests that it takes."""

from __future__ import annotations

from typing import Any, Optional

import pytest

from ansible_collections.community.wpcom.plugins.module_utils._cache.read_cache import ReadCache
from ansible_collections.community.wpcom.plugins.module_utils._execute import TaskResult
from ansible_collections.community.wpcom.plugins.module_utils._operations import (
    DeletePublicizeConnection,
    GetService,
    ListKeyringConnections,
    ListPublicizeConnections,
    ListSitePublicizeConnections,
)
from ansible_collections.community.wpcom.plugins.module_utils._plan.publicize import plan_publicize_connection
from ansible_collections.community.wpcom.tests.simulator import Simulator
from ansible_collections.community.wpcom.tests.unit.support import brief, run, unset

FACEBOOK_112 = {"site": "blog.example.com", "service": "facebook", "external_user_id": "112"}


def failed(simulator: Simulator, code: str, *told: str, check_mode: bool = False, **task: Any) -> TaskResult:
    """Run a task that must fail with a code and words, without a write, and as much in the other mode."""
    before = simulator.state()
    for mode in (True, check_mode):
        outcome = run("publicize", simulator.url, check_mode=mode, **task)
        assert outcome.failed, outcome.result
        assert outcome.result["error"]["code"] == code, outcome.result["msg"]
        for words in told:
            assert words in outcome.result["msg"]
    assert simulator.requests("POST") == []
    assert simulator.state()["publicize_connections"] == before["publicize_connections"]
    return outcome


def done(simulator: Simulator, *posts: tuple[str, Any], **task: Any) -> TaskResult:
    """Run a task that must send exactly these writes, after a check that sends none, and nothing the second time."""
    checked = run("publicize", simulator.url, check_mode=True, **task)
    assert not checked.failed, checked.result
    assert simulator.requests("POST") == []
    outcome = run("publicize", simulator.url, **task)
    assert not outcome.failed, outcome.result
    assert [(entry["path"], entry["body"]) for entry in simulator.requests("POST")] == list(posts)
    assert outcome.result["changed"] == checked.result["changed"] == bool(posts)
    assert outcome.result["diff"] == checked.result["diff"]
    for check_mode in (False, True):
        again = run("publicize", simulator.url, check_mode=check_mode, **task)
        assert again.result["changed"] is False, again.result
        assert again.result["connection"] is None or again.result["connection"]["id"]
    assert len(simulator.requests("POST")) == len(posts)
    simulator.clear_requests()
    return outcome


# Options


@pytest.mark.parametrize(
    ("task", "told"),
    [
        ({"id": 0}, "id must be a positive number, got 0"),
        ({"id": -5}, "id must be a positive number, got -5"),
        ({"site": "3001", "keyring_connection_id": 0}, "keyring_connection_id must be a positive number"),
        ({"site": "3001", "service": ""}, "service must not be empty"),
        ({"site": "3001", "service": "mastodon", "account": ""}, "account must not be empty"),
        ({"id": 5001, "external_user_id": ""}, "external_user_id must not be empty"),
        ({"id": 5001, "external_user_name": ""}, "external_user_name must not be empty"),
        ({"site": "3001"}, "One of the following is required"),
        ({"service": "mastodon"}, "site is required unless id is set"),
        ({"keyring_connection_id": 2003}, "site is required unless id is set"),
        ({"id": 5001, "account": "x"}, "account requires service"),
        ({"id": 5001, "external_user_id": "false"}, "reset_external_user"),
        ({"id": 5001, "external_user_id": "False"}, "reset_external_user"),
        (
            {"id": 5001, "external_user_id": "1", "external_user_name": "x"},
            "external_user_id and external_user_name are mutually exclusive",
        ),
        (
            {"id": 5001, "external_user_id": "1", "reset_external_user": True},
            "external_user_id and reset_external_user are mutually exclusive",
        ),
        ({"site": "", "service": "mastodon"}, "site must be the numeric ID or the domain"),
        ({"site": "https://blog.example.com/", "service": "mastodon"}, "site must be the numeric ID or the domain"),
        ({"site": "blog example", "service": "mastodon"}, "site must be the numeric ID or the domain"),
        ({"site": "0", "service": "mastodon"}, "site must be a positive number or a domain"),
    ],
)
def test_bad_options(simulator: Simulator, task: dict[str, Any], told: str) -> None:
    """They are told by name, before anything is sent."""
    failed(simulator, "invalid_option", told, **task)
    assert simulator.requests() == []


# Which connection is meant


@pytest.mark.parametrize(
    ("site", "path"), [(None, "/me"), ("3001", "/sites/3001"), (" BLOG.example.com ", "/sites/blog.example.com")]
)
def test_id_chooses_the_endpoints(simulator: Simulator, site: Optional[str], path: str) -> None:
    """Without site those of the account, with site those of the site."""
    where = f"{path}/publicize-connections/5002"
    done(simulator, (where, {"shared": True}), id=5002, site=site, shared=True)
    run("publicize", simulator.url, id=5002, site=site, state="absent")
    assert brief(simulator.requests("POST")) == [f"POST {where}/delete"]
    assert all(
        entry["path"].startswith(path) or "keyring" in entry["path"] or entry["path"] == "/me/publicize-connections"
        for entry in simulator.requests()
    )


def test_id_needs_one_request(simulator: Simulator) -> None:
    """No change by ID costs one read."""
    for site in (None, "3001"):
        simulator.clear_requests()
        outcome = run("publicize", simulator.url, id=5001, site=site, shared=False)
        assert outcome.result["changed"] is False
        assert outcome.result["connection"]["external_id"] == "111"
        assert len(simulator.requests()) == 1


@pytest.mark.parametrize(
    "task",
    [
        {"service": "facebook"},
        {"service": "facebook", "external_user_id": "111"},
        {"service": "facebook", "external_user_name": "Analytical Engines"},
        {"service": "mastodon", "account": "@ada@mastodon.example"},
        {"service": "mastodon", "account": "900003", "shared": False},
        {"service": "mastodon", "account": "@ada@mastodon.example", "reset_external_user": True},
        {"keyring_connection_id": 2003},
        {"keyring_connection_id": 2003, "unique_per": "external_user"},
    ],
)
def test_no_change_needs_three_requests(simulator: Simulator, task: dict[str, Any]) -> None:
    """No change by service and account costs three reads at most."""
    outcome = run("publicize", simulator.url, site="3001", **task)
    assert not outcome.failed, outcome.result
    assert outcome.result["changed"] is False
    assert len(simulator.requests()) <= 3
    assert simulator.requests("POST") == []


def test_missing_id(simulator: Simulator) -> None:
    """A connection cannot be made by ID."""
    failed(simulator, "missing", "ublicize connection 5999 not found among yours", "omit id", id=5999)
    failed(simulator, "missing", "ublicize connection 5999 not found on site 3001", "omit id", id=5999, site="3001")
    failed(simulator, "missing", "ublicize connection 5003 not found on site 3001", id=5003, site="3001")


def test_missing_id_is_absent(simulator: Simulator) -> None:
    """What is not there is absent."""
    outcome = done(simulator, id=5999, state="absent")
    assert outcome.result["connection"] is None
    assert outcome.result["diff"]["before"] == outcome.result["diff"]["after"] == {}


@pytest.mark.parametrize(
    ("task", "told"),
    [
        ({"service": "mastodon"}, "does not match service"),
        ({"keyring_connection_id": 2003}, "does not match keyring_connection_id"),
        (
            {"site": "3001", "service": "facebook", "keyring_connection_id": 2002},
            "does not match keyring_connection_id",
        ),
    ],
)
@pytest.mark.parametrize("state", ["present", "absent"])
def test_id_and_another_connection(simulator: Simulator, task: dict[str, Any], told: str, state: str) -> None:
    """Options beside id that do not fit are a contradiction, never a guess."""
    failed(simulator, "invalid_option", "Publicize connection 5001", told, id=5001, state=state, **task)


def test_id_and_another_account(simulator: Simulator) -> None:
    """The same for an account."""
    simulator.patch(
        keyring_connections=[
            {"ID": 2050, "user_ID": 1001, "service": "facebook", "external_ID": "9", "external_name": "second"}
        ]
    )
    failed(simulator, "invalid_option", "does not match account", id=5001, service="facebook", account="second")
    done(simulator, id=5001, service="facebook", account="Ada Lovelace")


def test_service_in_capitals(simulator: Simulator) -> None:
    """The names of services are in lower case."""
    assert done(simulator, site="3001", service="Facebook").result["connection"]["id"] == 5001


def test_several_accounts(simulator: Simulator) -> None:
    """They are listed, and the option that decides is named."""
    outcome = failed(
        simulator,
        "ambiguous_match",
        "2003",
        "2004",
        "@shop@mastodon.example",
        "account",
        site="3001",
        service="mastodon",
    )
    assert [candidate["id"] for candidate in outcome.result["candidates"]] == [2003, 2004]


@pytest.mark.parametrize("account", ["900010", "acme-l", "Acme Editor"])
def test_account_by_any_of_its_names(simulator: Simulator, account: str) -> None:
    """External ID, name or display name."""
    done(
        simulator,
        ("/sites/3001/publicize-connections/new", {"keyring_connection_ID": 2010}),
        site="3001",
        service="linkedin",
        account=account,
    )


def test_no_account(simulator: Simulator) -> None:
    """A person has to make it: the URL is told, and in the result for a program."""
    outcome = failed(
        simulator,
        "missing_keyring_connection",
        "eyring connection '@nobody' for Mastodon not found",
        "2003 (mastodon: @ada@mastodon.example)",
        "/connect/?action=request",
        "in a browser",
        site="3001",
        service="mastodon",
        account="@nobody",
    )
    assert "service=mastodon" in outcome.result["connect_url"]
    simulator.patch(delete={"keyring_connections": [2007]})
    outcome = failed(simulator, "missing_keyring_connection", "of this service: none", site="3001", service="threads")
    assert "service=threads" in outcome.result["connect_url"]


def test_no_keyring_connection_of_this_id(simulator: Simulator) -> None:
    """Those there are are listed."""
    failed(
        simulator,
        "missing_keyring_connection",
        "eyring connection 2999 not found",
        "2001 (facebook",
        site="3001",
        keyring_connection_id=2999,
    )
    # Somebody else's is none of mine.
    failed(
        simulator,
        "missing_keyring_connection",
        "eyring connection 2102 not found",
        site="3001",
        keyring_connection_id=2102,
    )
    failed(
        simulator,
        "missing_keyring_connection",
        "eyring connection 2999 for Facebook not found",
        site="3001",
        keyring_connection_id=2999,
        service="facebook",
    )


def test_keyring_connection_of_another_service(simulator: Simulator) -> None:
    """A contradiction is told."""
    failed(
        simulator,
        "invalid_option",
        "is not of service 'mastodon'",
        site="3001",
        keyring_connection_id=2001,
        service="mastodon",
    )


def test_unknown_service(simulator: Simulator) -> None:
    """A typing error is not a missing account."""
    failed(simulator, "unknown_service", "has no service 'facebok'", "gather=services", site="3001", service="facebok")


def test_unsupported_service(simulator: Simulator) -> None:
    """No account can help."""
    failed(simulator, "unsupported_service", "no longer supports Twitter", site="3001", service="twitter")
    simulator.patch(keyring_connections=[{"ID": 2050, "user_ID": 1001, "service": "twitter", "external_ID": "9"}])
    failed(simulator, "unsupported_service", "no longer supports Twitter", site="3001", service="twitter")


@pytest.mark.parametrize("service", ["foo/bar", "face book", "../me", "\u00fc", "?"])
def test_service_that_cannot_be_one(simulator: Simulator, service: str) -> None:
    """It would lead to another route."""
    failed(simulator, "invalid_option", "service must be the ID of a service", site="3001", service=service)
    assert simulator.requests() == []


@pytest.mark.parametrize("site", ["a\x00b", "a\u2028b", "", " "])
def test_site_that_cannot_be_one(simulator: Simulator, site: str) -> None:
    """Before anything is sent."""
    failed(simulator, "invalid_option", "site must be", site=site, service="mastodon")
    assert simulator.requests() == []


def test_other_digits_are_no_id(simulator: Simulator) -> None:
    """Python takes them for a number, the API does not."""
    for site in ("\u00b2", "\u0663\u0660\u0660\u0661"):
        failed(simulator, "unknown_blog", site=site, service="mastodon", account="@ada@mastodon.example")


def test_service_that_is_not_for_posts(simulator: Simulator) -> None:
    """Google Photos has accounts, but nothing can be shared there."""
    failed(
        simulator,
        "invalid_option",
        "google_photos",
        "does not support publishing",
        site="3001",
        service="google_photos",
    )


def test_two_connections_of_one_account(simulator: Simulator) -> None:
    """It has really happened: never a guess, both are listed."""
    task = {"site": "3003", "service": "mastodon", "account": "@shop@mastodon.example"}
    for state in ("present", "absent"):
        outcome = failed(simulator, "ambiguous_match", "5008", "5009", "by id", state=state, **task)
        assert [candidate["id"] for candidate in outcome.result["candidates"]] == [5008, 5009]
    # They have the same external user, so that only the ID tells them apart.
    outcome = failed(simulator, "ambiguous_match", "Select one by id.", unique_per="external_user", **task)


def test_two_external_users_side_by_side(simulator: Simulator) -> None:
    """Per account they are ambiguous; per external user each is one."""
    task = {"site": "3003", "service": "linkedin", "account": "ada-l"}
    failed(simulator, "ambiguous_match", "unique_per to external_user", **task)
    failed(
        simulator, "ambiguous_match", "name its external user by external_user_id", unique_per="external_user", **task
    )
    failed(simulator, "ambiguous_match", external_user_id="211", **task)
    for number, connection_id in (("211", 5010), ("212", 5011)):
        outcome = done(simulator, external_user_id=number, unique_per="external_user", **task)
        assert outcome.result["connection"]["id"] == connection_id
    outcome = done(simulator, external_user_name="The Difference Club", unique_per="external_user", **task)
    assert outcome.result["connection"]["id"] == 5011


def test_third_external_user_beside_two(simulator: Simulator) -> None:
    """The account itself, named by reset, is one of its own."""
    outcome = done(
        simulator,
        ("/sites/3003/publicize-connections/new", {"keyring_connection_ID": 2002}),
        site="3003",
        keyring_connection_id=2002,
        unique_per="external_user",
        reset_external_user=True,
    )
    assert outcome.result["connection"]["external_id"] == "900002"


# Updates


@pytest.mark.parametrize(
    ("task", "body", "external_id"),
    [
        ({"external_user_id": "112"}, {"external_user_ID": "112"}, "112"),
        ({"external_user_name": "Difference Engines"}, {"external_user_ID": "112"}, "112"),
        ({"external_user_id": "112", "shared": True}, {"shared": True, "external_user_ID": "112"}, "112"),
        ({"external_user_id": "111", "shared": True}, {"shared": True}, "111"),
        ({"shared": True}, {"shared": True}, "111"),
    ],
)
def test_update_sends_what_differs(simulator: Simulator, task: dict[str, Any], body: Any, external_id: str) -> None:
    """And nothing else; IDs as strings."""
    path = "/sites/blog.example.com/publicize-connections/5001"
    outcome = done(simulator, (path, body), site="blog.example.com", service="facebook", **task)
    record = outcome.result["connection"]
    assert record["external_id"] == external_id
    assert record["shared"] is task.get("shared", False)
    # Who shares no longer owns alone.
    assert record["user_id"] == (0 if task.get("shared") else 1001)
    assert outcome.result["diff"]["before"]["external_id"] == "111"
    assert outcome.result["diff"]["after"]["external_id"] == external_id


def test_unshare(simulator: Simulator) -> None:
    """False is a value, not an option left out."""
    outcome = done(simulator, ("/me/publicize-connections/5003", {"shared": False}), id=5003, shared=False)
    assert outcome.result["connection"]["user_id"] == 1001


def test_reset(simulator: Simulator) -> None:
    """Back to the account itself: sent as false."""
    simulator.patch(delete={"publicize_connections": [5011]})
    path = "/me/publicize-connections/5010"
    outcome = done(simulator, (path, {"external_user_ID": False}), id=5010, reset_external_user=True)
    assert outcome.result["connection"]["external_id"] == "900002"
    assert outcome.result["diff"]["after"]["external_id"] == "900002"


def test_account_itself_by_its_id(simulator: Simulator) -> None:
    """Naming the account as the external user resets."""
    simulator.patch(delete={"publicize_connections": [5011]})
    done(simulator, ("/me/publicize-connections/5010", {"external_user_ID": False}), id=5010, external_user_id="900002")


def test_new_page_is_refetched(simulator: Simulator) -> None:
    """One that is not known yet is looked up once more, with a refetch."""
    outcome = run("publicize", simulator.url, site="3001", service="facebook", external_user_name="New Page")
    assert outcome.result["connection"]["external_id"] == "113"
    refetches = [entry for entry in simulator.requests("GET") if "force_external_users_refetch" in entry["query"]]
    assert [entry["path"] for entry in refetches] == ["/me/keyring-connections/2001"]
    # One that is known is not.
    simulator.reset()
    run("publicize", simulator.url, site="3001", service="facebook", external_user_id="112")
    assert not any("force_external_users_refetch" in entry["query"] for entry in simulator.requests())


def test_unknown_page(simulator: Simulator) -> None:
    """Those there are are listed, the new ones too."""
    failed(
        simulator,
        "unknown_external_user",
        "no external user '999'",
        "113 (New Page)",
        "refreshing the connection",
        site="3001",
        service="facebook",
        external_user_id="999",
    )


def test_two_pages_of_one_name(simulator: Simulator) -> None:
    """A name that fits twice is ambiguous."""
    users = [{"external_ID": number, "external_name": "Twin"} for number in ("301", "302")]
    simulator.patch(keyring_connections=[{"ID": 2001, "additional_external_users": users}])
    failed(
        simulator,
        "ambiguous_match",
        "external_user_id (301, 302)",
        site="3001",
        service="facebook",
        external_user_name="Twin",
    )


def test_service_without_external_users(simulator: Simulator) -> None:
    """It is refused before the server would."""
    for task in ({"external_user_id": "900099"}, {"external_user_name": "somebody"}):
        failed(
            simulator,
            "invalid_option",
            "Mastodon does not support external users",
            "external_user_id",
            site="3001",
            keyring_connection_id=2003,
            **task,
        )


def test_service_of_external_users_only(simulator: Simulator) -> None:
    """The profile itself will not do: the pages are listed."""
    words = ("Facebook does not support posting to the profile itself", "external_user_id", "111 (Analytical Engines)")
    failed(simulator, "invalid_option", *words, site="3003", service="facebook")
    failed(simulator, "invalid_option", *words, site="3003", service="facebook", reset_external_user=True)
    failed(simulator, "invalid_option", *words, id=5001, reset_external_user=True)
    failed(simulator, "unknown_external_user", site="3003", service="facebook", external_user_id="900001")


# Creating


def test_create(simulator: Simulator) -> None:
    """One write with what was asked, and the server's answer is the result."""
    outcome = done(
        simulator,
        (
            "/sites/news.example.org/publicize-connections/new",
            {"keyring_connection_ID": 2001, "external_user_ID": "112", "shared": True},
        ),
        site="news.example.org",
        service="facebook",
        external_user_name="Difference Engines",
        shared=True,
    )
    record = outcome.result["connection"]
    assert (record["id"], record["site_id"], record["shared"], record["external_id"]) == (5016, 3003, True, "112")
    assert outcome.result["diff"]["before"] == {}
    assert outcome.result["diff"]["before_header"] == outcome.result["diff"]["after_header"]
    assert "id" not in outcome.result["diff"]["after"]


def test_create_in_check_mode(simulator: Simulator) -> None:
    """The predicted record has no ID."""
    outcome = run("publicize", simulator.url, check_mode=True, site="3001", service="linkedin", account="ada-l")
    record = outcome.result["connection"]
    assert outcome.result["changed"] is True
    assert record["id"] is None
    assert (record["site_id"], record["user_id"], record["service"]) == (3001, 1001, "linkedin")
    assert (record["external_id"], record["health"]) == ("900002", "ok")


def test_create_on_an_empty_site_by_domain(simulator: Simulator) -> None:
    """The ID of the site is looked up where no connection tells it."""
    simulator.patch(delete={"publicize_connections": [5013, 5015]})
    outcome = run("publicize", simulator.url, check_mode=True, site="jetpack.example.com", keyring_connection_id=2003)
    assert outcome.result["connection"]["site_id"] == 3006
    outcome = run(
        "publicize",
        simulator.url,
        api_token="sim-token-sharing",
        site="jetpack.example.com",
        keyring_connection_id=2003,
    )
    assert outcome.result["connection"]["site_id"] == 3006


def test_create_that_is_not_done_as_asked(simulator: Simulator) -> None:
    """A silently dropped key fails, and the connection is in the result."""
    simulator.settings(switches={"drop_shared": True})
    outcome = run("publicize", simulator.url, site="3001", service="linkedin", account="ada-l", shared=True)
    assert outcome.failed
    assert outcome.result["error"]["code"] == "ignored_write"
    assert outcome.result["connection"]["id"] == 5016
    assert outcome.result["changed"] is True


def test_create_with_a_broken_account_warns(simulator: Simulator) -> None:
    """The warning names account and remedy."""
    outcome = run("publicize", simulator.url, site="3001", service="bluesky", account="ada.bsky.example")
    assert outcome.result["changed"] is True
    (warning,) = outcome.warnings
    assert "keyring connection 2006 (bluesky, account 'ada.bsky.example') is broken" in warning
    assert "refresh=1" in warning


# Other people's


@pytest.mark.parametrize(
    ("connection_id", "task"),
    [
        (5005, {"state": "absent"}),
        (5006, {"state": "absent"}),
        (5012, {"state": "absent"}),
        (5005, {"shared": False}),
        (5006, {"shared": True}),
        (5012, {"shared": False}),
    ],
)
def test_somebody_elses(simulator: Simulator, connection_id: int, task: dict[str, Any]) -> None:
    """It is never changed, though the server might let an administrator do so."""
    simulator.settings(switches={"foreign_write": "editors"})
    outcome = failed(
        simulator,
        "not_yours",
        "is owned by another user",
        "its owner has to do it",
        id=connection_id,
        site="3001",
        **task,
    )
    assert outcome.result["connection"]["id"] == connection_id


def test_somebody_elses_external_user(simulator: Simulator) -> None:
    """Nor is its external user."""
    failed(simulator, "not_yours", "is owned by another user", id=5005, site="3001", external_user_id="122")


def test_shared_connection_of_somebody_else_does_not_count(simulator: Simulator) -> None:
    """Grace's Facebook page on the blog is not mine: mine is looked for by my own account."""
    simulator.patch(delete={"publicize_connections": [5001]})
    done(
        simulator,
        ("/sites/3001/publicize-connections/new", {"keyring_connection_ID": 2001, "external_user_ID": "111"}),
        site="3001",
        service="facebook",
        external_user_id="111",
    )


def test_foreign_connection_by_id_without_site(simulator: Simulator) -> None:
    """The server's refusal is told, with what to do."""
    failed(simulator, "authorization_required", "a connection that is owned by another user cannot be changed", id=5006)


# Deleting


def test_absent(simulator: Simulator) -> None:
    """One write; what it was is in the diff; the keyring connection stays as others use it."""
    outcome = done(
        simulator,
        ("/sites/3001/publicize-connections/5001/delete", {}),
        site="3001",
        service="facebook",
        state="absent",
    )
    assert outcome.result["connection"] is None
    assert outcome.result["keyring_connection_deleted"] is False
    assert outcome.result["diff"]["before"]["id"] == 5001
    assert outcome.result["diff"]["after"] == {}
    assert outcome.warnings == []


@pytest.mark.parametrize("deletes", [True, False])
def test_absent_of_the_last_one(simulator: Simulator, deletes: bool) -> None:
    """A warning in both modes; afterwards it is known whether the keyring connection went along."""
    simulator.settings(switches={"delete_keyring_with_last": deletes})
    checked = run("publicize", simulator.url, check_mode=True, id=5004, state="absent")
    outcome = run("publicize", simulator.url, id=5004, state="absent")
    for warnings in (checked.warnings, outcome.warnings):
        assert any("the last one of keyring connection 2006" in warning for warning in warnings)
    assert outcome.result["keyring_connection_deleted"] is deletes
    assert "keyring_connection_deleted" not in checked.result


def test_absent_takes_no_more_than_it_names(simulator: Simulator) -> None:
    """A connection with another external user stays."""
    for task in (
        {"external_user_id": "112"},
        {"external_user_name": "Difference Engines"},
        {"reset_external_user": True},
    ):
        for unique_per in ("account", "external_user"):
            done(simulator, site="3001", service="facebook", state="absent", unique_per=unique_per, **task)
    done(
        simulator,
        ("/sites/3003/publicize-connections/5011/delete", {}),
        site="3003",
        service="linkedin",
        account="ada-l",
        state="absent",
        external_user_id="212",
    )


@pytest.mark.parametrize("task", [{"service": "twitter"}, {"service": "nonsense"}, {"keyring_connection_id": 2999}])
def test_absent_without_an_account(simulator: Simulator, task: dict[str, Any]) -> None:
    """Where there is no account there is no connection."""
    assert done(simulator, site="3001", state="absent", **task).result["connection"] is None


@pytest.mark.parametrize("check_mode", [True, False])
def test_absent_by_id_needs_few_requests(simulator: Simulator, check_mode: bool) -> None:
    """Read it, know whose it is and what else hangs there, delete it."""
    run("publicize", simulator.url, check_mode=check_mode, id=5001, state="absent")
    assert brief(simulator.requests()) == [
        "GET /me/publicize-connections/5001",
        "GET /me/keyring-connections",
        "GET /me/publicize-connections",
        *([] if check_mode else ["POST /me/publicize-connections/5001/delete"]),
    ]


# Health


@pytest.mark.parametrize(
    ("connection_id", "words"),
    [
        (5004, ("is broken", "account 'ada.bsky.example'", "to refresh it")),
        (5013, ("will soon stop working", "account 'adablog'", "expires 20", "to refresh it")),
        (5014, ("is broken", "account 'ada.threads'", "disconnect and reconnect it")),
    ],
)
def test_unhealthy_connection_warns(simulator: Simulator, connection_id: int, words: tuple[str, ...]) -> None:
    """The account's name and what to do, in both modes and though nothing changes."""
    for check_mode in (True, False):
        outcome = run("publicize", simulator.url, check_mode=check_mode, id=connection_id)
        (warning,) = outcome.warnings
        assert f"publicize connection {connection_id}" in warning
        for word in words:
            assert word in warning


# Capabilities, which only check mode looks at


@pytest.mark.parametrize(
    ("task", "capability"),
    [
        ({"site": "3001", "service": "mastodon", "shared": True}, "edit_others_posts"),
        ({"site": "3001", "keyring_connection_id": 2201, "shared": True}, "edit_others_posts"),
    ],
)
def test_author_may_not_share(simulator: Simulator, task: dict[str, Any], capability: str) -> None:
    """Check mode foretells it, and a real run hears it from the server."""
    task = {"api_token": "sim-token-author", **task}
    checked = run("publicize", simulator.url, check_mode=True, **task)
    assert checked.failed
    assert checked.result["error"]["code"] == "authorization_required"
    assert capability in checked.result["msg"]
    assert simulator.requests("POST") == []
    real = run("publicize", simulator.url, **task)
    assert real.failed
    assert real.result["error"]["code"] == "authorization_required"
    assert len(simulator.requests("POST")) == 1
    assert run("publicize", simulator.url, **{**task, "shared": None}).result["changed"] is True


def test_contributor_may_not_connect(simulator: Simulator) -> None:
    """Nor create, without publish_posts."""
    simulator.patch(sites=[{"ID": 3001, "members": [{"user_ID": 1001, "role": "contributor"}]}])
    checked = run("publicize", simulator.url, check_mode=True, site="3001", service="linkedin", account="ada-l")
    assert checked.failed
    assert "publish_posts" in checked.result["msg"]


def test_check_mode_with_a_token_that_cannot_read_sites(simulator: Simulator) -> None:
    """What cannot be known is not foretold."""
    checked = run(
        "publicize",
        simulator.url,
        check_mode=True,
        api_token="sim-token-sharing",
        site="3001",
        service="linkedin",
        account="ada-l",
        shared=True,
    )
    assert checked.result["changed"] is True


# A connection that outlived its account


def test_connection_without_its_keyring_connection(simulator: Simulator) -> None:
    """It can be deleted by ID; its external user does not show whether from an account that is gone."""
    body = {
        "ID": 5001,
        "site_ID": 3001,
        "keyring_connection_ID": 2998,
        "keyring_connection_user_ID": 1001,
        "service": "linkedin",
        "external_ID": "211",
        "shared": False,
    }
    for _times in range(2):
        simulator.fault(path="/me/publicize-connections/5001", method="GET", kind="wrong_shape", body=body, times=2)
        failed(
            simulator, "missing", "keyring connection 2998", "delete this connection", id=5001, reset_external_user=True
        )
    simulator.clear_faults()
    simulator.fault(path="/me/publicize-connections/5001", method="GET", kind="wrong_shape", body=body)
    outcome = run("publicize", simulator.url, id=5001, state="absent")
    assert outcome.result["changed"] is True


def test_owner_is_asked_for_where_there_are_no_accounts(simulator: Simulator) -> None:
    """Without any keyring connection, the account says who I am."""
    body = {
        "ID": 5001,
        "site_ID": 3001,
        "keyring_connection_ID": 2998,
        "keyring_connection_user_ID": 1001,
        "service": "x",
    }
    simulator.patch(delete={"keyring_connections": [2001, 2002, 2003, 2004, 2005, 2006, 2007, 2008, 2009, 2010, 2011]})
    simulator.fault(path="/me/publicize-connections/5001", method="GET", kind="wrong_shape", body=body, times=-1)
    checked = run("publicize", simulator.url, check_mode=True, id=5001, state="absent")
    assert checked.result["changed"] is True
    assert "GET /me" in brief(simulator.requests())
    other = {**body, "keyring_connection_user_ID": 1002}
    simulator.clear_faults()
    simulator.fault(path="/me/publicize-connections/5001", method="GET", kind="wrong_shape", body=other, times=-1)
    failed(simulator, "not_yours", "another user (1002)", id=5001, state="absent")


def planned(task: dict[str, Any], keyring: dict[str, Any], record: dict[str, Any]) -> Any:
    """Return the plan for a task in a world of one account and one connection on site 1."""
    cache = ReadCache()
    cache.add(ListKeyringConnections(), [keyring])
    cache.add(ListSitePublicizeConnections("1"), [record])
    cache.add(ListPublicizeConnections(keyring_connection_id=keyring["id"]), [record])
    cache.add(GetService("linkedin"), service)
    return plan_publicize_connection({**unset("publicize"), "site": "1", "service": "linkedin", **task}, cache)


service = {"id": "linkedin", "multiple_external_user_id_support": True, "external_users_only": False}


def account_with(**page: str) -> dict[str, Any]:
    """Return an account called Ada that has one page."""
    return {
        "id": 20,
        "user_id": 1,
        "service": "linkedin",
        "external_id": "10",
        "external_name": "Ada",
        "additional_external_users": [page],
        "health": "ok",
        "repair": None,
    }


def connected_as(external_id: str, name: str) -> dict[str, Any]:
    """Return the connection of that account."""
    return {
        "id": 50,
        "site_id": 1,
        "keyring_connection_id": 20,
        "keyring_connection_user_id": 1,
        "service": "linkedin",
        "shared": False,
        "external_id": external_id,
        "external_name": name,
        "health": "ok",
        "repair": None,
    }


OTHER_NAMES = [
    # The page was renamed after the connection was made, whose name the server had copied.
    (account_with(external_id="11", external_name="New name"), connected_as("11", "Old name")),
    # The account is listed among its own pages, by another name.
    (account_with(external_id="10", external_name="New name"), connected_as("10", "Ada")),
]


@pytest.mark.parametrize(("keyring", "record"), OTHER_NAMES, ids=["renamed", "among its own pages"])
@pytest.mark.parametrize("unique_per", ["account", "external_user"])
def test_name_of_an_external_user_means_its_id(keyring: Any, record: Any, unique_per: str) -> None:
    """The connection is as asked: nothing to send, run after run, and never a second one beside it."""
    plan = planned({"external_user_name": "New name", "unique_per": unique_per}, keyring, record)
    assert plan.operations == ()


@pytest.mark.parametrize(("keyring", "record"), OTHER_NAMES, ids=["renamed", "among its own pages"])
def test_absent_by_the_name_of_an_external_user(keyring: Any, record: Any) -> None:
    """What the name stands for is taken away."""
    plan = planned({"external_user_name": "New name", "state": "absent"}, keyring, record)
    assert plan.operations == (DeletePublicizeConnection(50, "1"),)
