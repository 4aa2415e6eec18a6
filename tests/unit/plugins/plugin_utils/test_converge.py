# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Hosts to accounts, and the result of an account's task to its hosts: the playbook converge, on data."""

from __future__ import annotations

import itertools
from typing import Any, Optional

import pytest

from ansible_collections.community.wpcom.plugins.plugin_utils._converge import (
    ACCOUNT_SETTINGS,
    Declaration,
    grouped,
    host_results,
)
from ansible_collections.community.wpcom.tests.unit.builders import (
    MASTODON,
    MASTODON_SHOP,
    World,
    plan,
    publicize_connection,
    refusal,
    run,
)

ADA, SHOP = {"service": "mastodon", "account": "@ada"}, {"service": "mastodon", "account": "@shop"}


def declared(
    host: str, site: str, *connections: Any, key: tuple[Any, ...] = ("token", "a"), **more: Any
) -> Declaration:
    """Return what a host declares."""
    return Declaration(host, site, list(connections), key, **more)


def only(*declarations: Declaration) -> dict[str, Any]:
    """Return the only account of some hosts."""
    (account,) = grouped(declarations)
    return account


# Hosts to accounts


def test_hosts_with_one_token_are_one_account_and_no_token_is_in_it() -> None:
    accounts = grouped(
        [
            declared("a1", "1", ADA, SHOP, account="ada"),
            declared("g1", "7", ADA, key=("file", "/secret"), account="grace"),
            declared("a2", "shop.example.com", ADA, account="ada"),
            declared("e1", "8", ADA, key=("environment",)),
        ]
    )
    assert [(one["name"], one["host"], [host["host"] for host in one["hosts"]]) for one in accounts] == [
        ("ada", "a1", ["a1", "a2"]),
        ("grace", "g1", ["g1"]),
        ("environment", "e1", ["e1"]),
    ]
    assert accounts[0]["connections"] == [
        {"site": "1", **ADA},
        {"site": "1", **SHOP},
        {"site": "shop.example.com", **ADA},
    ]
    assert [host["entries"] for host in accounts[0]["hosts"]] == [2, 1]
    assert {option: accounts[0][option] for option, _default in ACCOUNT_SETTINGS.values()} == {
        "purge": "none",
        "max_deletions": 10,
        "parallel": 4,
        "on_error": "stop",
    }
    assert not any(one["errors"] for one in accounts)
    assert "secret" not in str(accounts)


def test_tokens_for_single_sites_are_accounts_of_one_name() -> None:
    accounts = grouped(declared(host, "1", ADA, key=("token", host), account="ada") for host in ("a1", "a2"))
    assert [one["name"] for one in accounts] == ["ada", "ada (a2)"]
    assert not any(one["errors"] for one in accounts)


@pytest.mark.parametrize(
    ("entry", "told"),
    [
        ("service=mastodon", r"social_connections[1] must be a dictionary"),
        ({**ADA, "site": "2"}, "social_connections[1] must not contain site"),
        ({**ADA, "shared": "perhaps"}, "social_connections[1]: argument 'shared' is of type "),
        (
            {**ADA, "share": True},
            "social_connections[1]: Unsupported parameters: share. Supported parameters include: account, external_user_id",
        ),
        ({**ADA, "state": "gone"}, "social_connections[1]: value of state must be one of: present, absent, got: gone"),
        ({"account": "@ada"}, "social_connections[1]: One of the following is required to select the connection"),
        ({**ADA, "id": 0}, "social_connections[1]: id must be a positive number"),
    ],
)
def test_a_wrong_entry_is_an_error_of_its_host(entry: Any, told: str) -> None:
    account = only(declared("a1", "1", ADA), declared("a2", "2", SHOP, entry))
    assert list(account["errors"]) == ["a2"]
    assert told in account["errors"]["a2"]
    assert not account["errors"]["a2"].endswith("..")


def test_all_wrong_entries_of_a_host_are_listed() -> None:
    error = only(declared("a1", "1", {}, ADA, 5))["errors"]["a1"]
    assert error.startswith("social_connections[0]: One of")
    assert error.endswith("social_connections[2] must be a dictionary.")


@pytest.mark.parametrize("listed", [None, {}, "service=mastodon", 5])
def test_what_is_no_list_is_an_error(listed: Any) -> None:
    account = only(Declaration("a1", "1", listed, ("environment",)))
    assert account["errors"] == {"a1": "social_connections must be a list of connections."}


def test_a_site_that_cannot_be_one_is_an_error() -> None:
    assert "site must be the numeric ID" in only(declared("a host", "a host", ADA))["errors"]["a host"]


def test_an_omitted_option_is_left_out() -> None:
    account = only(declared("a1", "1", {**ADA, "shared": "__omit_place_holder__0123"}))
    assert account["connections"] == [{"site": "1", **ADA}]
    assert account["errors"] == {}


def test_one_token_cannot_be_that_of_two_accounts() -> None:
    for key, told in (
        (("token", "a"), "have the same token"),
        (("environment",), "token in the environment belongs to"),
    ):
        account = only(
            declared("a1", "1", ADA, key=key, account="ada"), declared("g1", "2", ADA, key=key, account="grace")
        )
        assert sorted(account["errors"]) == ["a1", "g1"]
        assert told in account["errors"]["a1"]
        assert "ada, grace" in account["errors"]["a1"]


@pytest.mark.parametrize("setting", ACCOUNT_SETTINGS)
def test_settings_are_those_of_the_account(setting: str) -> None:
    option = ACCOUNT_SETTINGS[setting][0]
    same = only(*(declared(host, "1", ADA, settings={setting: "7"}) for host in ("a1", "a2")))
    assert (same[option], same["errors"]) == ("7", {})
    other = declared("a1", "1", ADA, settings={setting: "7"})
    for rest in ({setting: "8"}, {}):
        errors = only(other, declared("a2", "2", ADA, settings=rest))["errors"]
        assert sorted(errors) == ["a1", "a2"]
        assert f"{setting} must be the same for all hosts of an account, got 7, " in errors["a2"]


def test_whether_a_host_fails_for_its_health_is_its_own_setting() -> None:
    setting = "social_connections_fail_on_unhealthy"
    account = only(
        declared("a1", "1", ADA, settings={setting: "yes"}),
        declared("a2", "2", ADA),
        declared("a3", "3", ADA, settings={setting: "perhaps"}),
    )
    assert [host["fail_on_unhealthy"] for host in account["hosts"]] == [True, False, False]
    assert account["errors"] == {"a3": f"{setting} must be true or false, got 'perhaps'."}


def test_a_host_whose_token_is_not_known_keeps_the_accounts_of_its_name_from_being_written() -> None:
    unknown = declared("a2", "2", ADA, key=("unknown", "ada", "a2"), account="ada", error="The value is not known.")
    first, second, other = grouped(
        [
            declared("a1", "1", ADA, account="ada"),
            unknown,
            declared("g1", "1", ADA, key=("token", "g"), account="grace"),
        ]
    )
    assert first["errors"] == second["errors"] == {"a2": "The value is not known."}
    assert other["errors"] == {}
    results = host_results([first, second, other], [{}, {}, {"actions": [], "summary": {}}])["hosts"]
    assert results == {
        "a1": {"skipped": True, "msg": "Nothing was written for the account ada, because of a2."},
        "a2": {"failed": True, "msg": "The value is not known."},
        "g1": {},
    }


@pytest.mark.parametrize(
    ("sites", "purge", "report"),
    [
        (("1", "2"), "listed", "changes"),
        (("1", "x.example.com"), "listed", "all"),
        (("1", "x.example.com"), "none", "changes"),
    ],
)
def test_all_actions_are_needed_where_the_id_of_a_purged_site_is_not_known(
    sites: tuple[str, str], purge: str, report: str
) -> None:
    settings = {"social_connections_purge": purge}
    account = only(*(declared(f"h{site}", site, ADA, settings=settings) for site in sites))
    assert account["report"] == report


# The result of an account to its hosts


def world(**more: Any) -> World:
    """Return a world with two accounts on two of three sites."""
    return World(
        publicize_connection(51, MASTODON, 1),
        publicize_connection(52, MASTODON, 2),
        publicize_connection(53, MASTODON_SHOP, 2),
        **more,
    )


def converged(asked: World, *hosts: Declaration, check_mode: bool = False, report: Optional[str] = None) -> Any:
    """Return the results of the hosts of one account, whose task is run as the playbook runs it."""
    account = only(*hosts)
    options = {option: account[option] for option, _default in ACCOUNT_SETTINGS.values()}
    outcome: dict[str, Any] = {}
    if not account["errors"] and account["connections"]:
        given = {**options, "report": account["report"], "connections": account["connections"]}
        outcome = run("bulk", asked, check_mode=check_mode, **given).result
    return host_results([account], [outcome], report)


@pytest.mark.parametrize("check_mode", [True, False])
def test_each_host_has_what_became_of_its_connections(check_mode: bool) -> None:
    told = converged(
        world(),
        declared("h1", "1", {**ADA, "shared": True}, SHOP),
        declared("h2", "shop.example.com", ADA, {**SHOP, "state": "absent"}),
        declared("h3", "3"),
        declared("h4", "news.example.org", {**ADA, "state": "absent"}),
        check_mode=check_mode,
    )
    hosts = told["hosts"]
    diffs = {host: [diff["before_header"] for diff in hosts[host].pop("diff", [])] for host in hosts}
    assert hosts == {
        "h1": {"changed": True, "msg": "mastodon @Ada: updated; mastodon @Shop: created"},
        "h2": {"changed": True, "msg": "mastodon @Shop: deleted"},
        "h3": {},
        "h4": {},
    }
    assert diffs == {
        "h1": ["site 1: mastodon @Ada (51)", "site 1: mastodon @Shop"],
        "h2": ["site 2: mastodon @Shop (53)"],
        "h3": [],
        "h4": [],
    }
    assert told["patterns"] == list(hosts)
    changed = [51, 53] if check_mode else [51, 53, 54]
    assert told["statistics"] == {
        "social_connections_created": 1,
        "social_connections_updated": 1,
        "social_connections_deleted": 1,
        "social_connections_unchanged": 2,
        "social_connections_failed": 0,
        "social_connections_changed_ids": changed,
        "social_connections_unhealthy_ids": [],
    }
    assert told["summary"] == ["h1 (4 hosts): 1 created, 1 updated, 1 deleted, 2 unchanged."]


@pytest.mark.parametrize("check_mode", [True, False])
def test_two_hosts_of_one_site_each_have_their_own_diff(check_mode: bool) -> None:
    hosts = converged(
        world(),
        declared("first", "1", ADA),
        declared("second", "blog.example.com", SHOP),
        declared("third", "2", {**ADA, "state": "absent"}),
        declared("fourth", "shop.example.com", {**SHOP, "shared": True}),
        check_mode=check_mode,
    )["hosts"]
    assert {host: [diff["before_header"] for diff in one.get("diff", [])] for host, one in hosts.items()} == {
        "first": [],
        "second": ["site 1: mastodon @Shop"],
        "third": ["site 2: mastodon @Ada (52)"],
        "fourth": ["site 2: mastodon @Shop (53)"],
    }
    assert hosts["first"] == {}


@pytest.mark.parametrize("site", ["2", "shop.example.com"])
def test_a_purged_connection_belongs_to_the_host_of_its_site(site: str) -> None:
    purge = {"social_connections_purge": "listed"}
    hosts = (declared("h1", "1", ADA, settings=purge), declared("h2", site, ADA, settings=purge))
    told = converged(world(), *hosts, declared("h3", "3", settings=purge))["hosts"]
    assert told["h1"] == {}
    assert told["h2"]["msg"] == "mastodon @Shop: deleted"
    assert told["h2"]["changed"] is True
    assert told["h3"] == {"msg": "Nothing was deleted, because the list of connections is empty."}


def test_an_entry_that_the_plan_refuses_fails_its_host_and_nothing_is_written() -> None:
    asked = world()
    told = converged(
        asked,
        declared("h1", "1", {**ADA, "shared": True}),
        declared("h2", "2", ADA, {"service": "mastodon", "account": "@nobody"}),
        declared("h3", "3", {"service": "nope"}),
    )
    assert asked.writes == []
    hosts = told["hosts"]
    assert hosts["h1"] == {"skipped": True, "msg": "Nothing was written for the account h1, because of h2, h3."}
    assert hosts["h2"]["failed"] is True
    assert hosts["h2"]["msg"].startswith("social_connections[1]: ")
    assert "@nobody" in hosts["h2"]["msg"]
    assert hosts["h3"]["msg"].startswith("social_connections[0]: ")
    assert told["statistics"]["social_connections_failed"] == 4
    assert told["summary"] == ["h1 (3 hosts): nothing was written, because of h2, h3."]


@pytest.mark.parametrize("site", ["2", "shop.example.com"])
def test_too_many_deletions_fail_the_hosts_that_they_are_on(site: str) -> None:
    settings = {"social_connections_purge": "listed", "social_connections_max_deletions": 0}
    hosts = (declared("h1", "1", ADA, settings=settings), declared("h2", site, ADA, settings=settings))
    told = converged(world(), *hosts)["hosts"]
    assert told["h2"]["failed"] is True
    assert "more than max_deletions (0) allows" in told["h2"]["msg"]
    # A deletion is not on a site whose ID is that of another host.
    assert told["h1"] == {"skipped": True, "msg": "Nothing was written for the account h1, because of h2."}


def test_an_error_that_concerns_no_host_fails_them_all() -> None:
    account = only(declared("h1", "1", ADA), declared("h2", "2", ADA))
    for outcome, told in (({"msg": "The token is wrong."}, "The token is wrong."), ({}, "The task has no result.")):
        hosts = host_results([account], [outcome])["hosts"]
        assert hosts == {host: {"failed": True, "msg": told} for host in ("h1", "h2")}


@pytest.mark.parametrize(("on_error", "last"), [("stop", "skipped"), ("continue", "changed")])
def test_a_write_that_fails_is_told_to_its_host(on_error: str, last: str) -> None:
    settings = {"social_connections_on_error": on_error, "social_connections_parallel": 1}
    hosts = [
        declared(f"h{number}", str(number), {**ADA, "shared": True}, settings=settings, account="ada")
        for number in (1, 2, 3)
    ]
    asked = world(refuses=lambda operation: getattr(operation, "connection_id", None) == 52 and refusal(400, "no"))
    told = converged(asked, *hosts)
    hosts_told = told["hosts"]
    assert hosts_told["h1"]["changed"] is True
    assert hosts_told["h2"]["failed"] is True
    assert hosts_told["h2"]["changed"] is False
    assert hosts_told["h2"]["msg"] == "mastodon @Ada: failed, Could not do it: no"
    assert hosts_told["h3"].get("failed") is None
    assert hosts_told["h3"][last] is True
    assert told["statistics"]["social_connections_failed"] == (2 if last == "skipped" else 1)
    assert told["summary"][0].startswith("ada (3 hosts): ")
    assert ", 1 failed" in told["summary"][0]


@pytest.mark.parametrize("fails", [True, False])
def test_a_host_with_an_unhealthy_connection_fails_where_it_is_asked_to(fails: bool) -> None:
    asked = World(publicize_connection(51, MASTODON, 1, status="broken"), publicize_connection(52, MASTODON, 2))
    settings = {"social_connections_fail_on_unhealthy": fails}
    told = converged(asked, *(declared(f"h{site}", site, ADA, settings=settings) for site in ("1", "2")))
    assert told["hosts"]["h1"].get("failed", False) is fails
    assert told["hosts"]["h1"]["changed"] is False
    assert told["hosts"]["h1"]["msg"].startswith("mastodon @Ada: broken, refresh it in a browser")
    assert told["hosts"]["h2"] == {}
    assert told["statistics"]["social_connections_unhealthy_ids"] == [51]
    assert told["summary"][0].endswith("2 unchanged, 1 unhealthy.")


def test_many_hosts_report_what_is_worth_knowing_only() -> None:
    hosts = [declared(f"h{number}", "1" if number else "2", *([] if number else [SHOP])) for number in range(101)]
    hosts[0].connections = [{**ADA, "shared": True}]
    assert converged(world(), *hosts)["patterns"] == ["h0"]
    assert len(converged(world(), *hosts, report="all")["patterns"]) == 101
    assert len(converged(world(), *hosts[:100])["patterns"]) == 100
    assert converged(world(), *hosts[:100], report="changes")["patterns"] == ["h0"]


def test_patterns_match_names_with_signs_that_have_a_meaning_in_patterns() -> None:
    names = ("example.com::blog", "!a,b", "~c[1:2]", "über-uns.example")
    told = converged(world(), *(declared(name, "1") for name in names))
    assert told["patterns"] == ["example.com??blog", "?a?b", "?c?1?2?", "über-uns.example"]
    assert list(told["hosts"]) == list(names)


def test_statistics_of_slices_add_up_to_those_of_the_whole() -> None:
    def hosts() -> list[Declaration]:
        return [
            declared("h1", "1", {**ADA, "shared": True}),
            declared("h2", "2", ADA, {**SHOP, "state": "absent"}),
            declared("h3", "3", SHOP),
        ]

    whole = converged(world(), *hosts())["statistics"]
    asked = world()
    slices = [converged(asked, host)["statistics"] for host in hosts()]
    for name, value in whole.items():
        parts = [one[name] for one in slices]
        added = sorted(itertools.chain(*parts)) if isinstance(value, list) else sum(parts)
        assert value == added, name
    # Each was written once.
    assert len(asked.writes) == len(set(asked.writes)) == 3
    assert plan("bulk", asked, connections=only(*hosts())["connections"]).operations == ()
