# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The plan of many publicize connections: read a few times, refused as a whole, purged within limits."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.community.wpcom.plugins.module_utils._errors import WpcomError
from ansible_collections.community.wpcom.plugins.module_utils._operations import (
    DeletePublicizeConnection,
    FindSites,
    ListKeyringConnections,
    ListPublicizeConnections,
    ListServices,
    ListSitePublicizeConnections,
)
from ansible_collections.community.wpcom.plugins.module_utils._records.record import Record
from ansible_collections.community.wpcom.tests.unit import refusals
from ansible_collections.community.wpcom.tests.unit.builders import (
    BLUESKY,
    CLUB,
    ENGINES,
    FACEBOOK,
    FOREIGN,
    KEYRINGS,
    LINKEDIN,
    MASTODON,
    MASTODON_SHOP,
    SHOP,
    SITES,
    SOCIETY,
    World,
    keyring_connection,
    plan,
    publicize_connection,
    reached,
    refusal,
    refused,
    run,
    site,
)
from ansible_collections.community.wpcom.tests.unit.refusals import Refusal
from ansible_collections.community.wpcom.tests.unit.support import examples

ADA = {"site": "blog.example.com", "service": "mastodon", "account": "@ada"}
BESIDE = {"unique_per": "external_user"}
LISTS = [ListKeyringConnections(), ListPublicizeConnections(), ListServices()]
IN_SOCIETY = {"site": "3", "service": "linkedin", "external_user_id": "211", **BESIDE}
IN_CLUB = {**IN_SOCIETY, "external_user_id": "212"}


def world(**changes: Any) -> World:
    """Return a world with connections on three sites, two of one account on each of the last two."""
    return World(
        publicize_connection(50, FACEBOOK, 1, ENGINES),
        publicize_connection(51, MASTODON, 1),
        publicize_connection(52, FACEBOOK, 2, SHOP, shared=True),
        publicize_connection(53, MASTODON_SHOP, 2),
        publicize_connection(54, MASTODON_SHOP, 2),
        publicize_connection(55, LINKEDIN, 3, SOCIETY),
        publicize_connection(56, LINKEDIN, 3, CLUB),
        publicize_connection(60, FOREIGN, 1, shared=True),
        **changes,
    )


def actions(planned: Any) -> list[str]:
    """Return what is to be done for each entry."""
    return [entry.action for entry in planned.entries]


def errors(error: WpcomError) -> list[tuple[int, str]]:
    """Return the position and the code of each wrong entry."""
    return [(each["position"], each["code"]) for each in error.result["errors"]]


# Reading


@pytest.mark.parametrize(
    ("by_domain", "reads"),
    [
        (False, LISTS),
        (True, [*LISTS, FindSites()]),
    ],
)
def test_reading_costs_the_same_for_one_connection_and_for_hundreds(by_domain: bool, reads: list[Any]) -> None:
    many = [site(number, f"site{number}.example.com") for number in range(1, 301)]
    existing = [publicize_connection(1000 + each["id"], MASTODON, each["id"]) for each in many]
    entries = [{"site": each["slug"] if by_domain else f" {each['id']}", "keyring_connection_id": 22} for each in many]
    for length in (1, 300):
        asked = World(*existing, sites=many)
        assert actions(plan("bulk", asked, connections=entries[:length])) == ["unchanged"] * length
        assert asked.reads == reads
        assert asked.rounds == 1


def test_entries_by_id_need_no_list_of_sites() -> None:
    asked = world()
    plan("bulk", asked, connections=[{"id": 50}, {"id": 52}])
    assert asked.reads == LISTS


def test_list_of_sites_is_read_with_the_others_only_for_a_domain_that_decides() -> None:
    asked = world()
    plan("bulk", asked, connections=[{"id": 51, "site": "1"}, {"id": 52, "site": "2", "state": "absent"}])
    assert asked.reads == LISTS
    asked = world()
    plan("bulk", asked, connections=[{"id": 51, "site": "blog.example.com"}])
    assert asked.rounds == 2


def test_sites_that_the_lists_lack_are_read_together() -> None:
    many = [site(number, f"site{number}.example.com") for number in range(1, 31)]
    existing = [publicize_connection(1000 + each["id"], MASTODON, each["id"]) for each in many]
    asked = World(*existing, sites=many, lists_sites=False)
    entries = [{"site": each["slug"], "keyring_connection_id": 22} for each in many]
    assert actions(plan("bulk", asked, connections=entries)) == ["unchanged"] * 30
    # The lists of the account, then every site, in two rounds.
    assert len(asked.reads) == 4 + 30
    assert asked.rounds == 2


def test_domain_of_two_sites_is_for_the_server_to_tell() -> None:
    both = [site(1, "shop.example.com"), site(2, "shop.example.com")]
    asked = World(publicize_connection(51, MASTODON, 1), sites=both)
    planned = plan("bulk", asked, connections=[{"site": "shop.example.com", "keyring_connection_id": 22}])
    assert actions(planned) == ["unchanged"]
    assert ListSitePublicizeConnections("shop.example.com") in asked.reads


@pytest.mark.parametrize("query", [ListKeyringConnections(), ListPublicizeConnections()])
def test_no_entry_is_to_blame_where_the_lists_cannot_be_read(query: Any) -> None:
    unreadable = world(responses={query: refusal(403, "unauthorized")})
    error = refused("bulk", unreadable, "unauthorized", connections=[ADA, {"id": 50}])
    assert "errors" not in error.result


# Wrong entries


@pytest.mark.parametrize("refusal", refusals.ALL.values(), ids=refusals.ALL)
def test_wrong_entry_is_refused_as_a_single_connection_is(refusal: Refusal) -> None:
    connections = [{"id": 50, "shared": True}, refusal.options]
    error = refused("bulk", refusals.world(), "invalid_connections", connections=connections)
    assert errors(error) == [(1, refusal.code)]
    (told,) = error.result["errors"]
    for part in refusal.parts:
        assert part in told["msg"]
        assert part in error.message
    assert error.message.startswith("1 of 2 entries cannot be applied, so nothing was written.")


def test_all_wrong_entries_are_listed_together() -> None:
    connections = [*(each.options for each in refusals.ALL.values()), {"id": 50}]
    error = refused("bulk", refusals.world(), "invalid_connections", connections=connections)
    assert errors(error) == list(enumerate(each.code for each in refusals.ALL.values()))
    assert error.message.startswith(f"{len(refusals.ALL)} of {len(connections)} entries")


def test_wrong_entry_is_named_by_its_position_and_what_identifies_it() -> None:
    entry = {"site": "1", "service": "mastodon", "account": "@x", "shared": True}
    error = refused("bulk", world(), "invalid_connections", connections=[{"id": 50}, entry])
    assert "connections[1] (site 1, service mastodon, account @x): Keyring connection" in error.message
    error = refused("bulk", world(), "invalid_connections", connections=[{}])
    assert "connections[0]: One of the following is required" in error.message


WHICHEVER = {"site": "2", "service": "linkedin"}
CONTRADICTIONS = {
    "the same twice": (ADA, ADA),
    "by id and by account": (ADA, {"id": 51}),
    "by id twice": ({"id": 51}, {"id": 51, "state": "absent"}),
    "by id twice, though it is gone": ({"id": 99, "state": "absent"}, {"id": 99, "state": "absent"}),
    "domain and ID": (ADA, {**ADA, "site": "1"}),
    "present and absent": (ADA, {**ADA, "state": "absent"}),
    "created twice": ({**ADA, "site": "shop.example.com"}, {**ADA, "site": "2"}),
    "created and absent": ({**ADA, "site": "shop.example.com"}, {**ADA, "site": "2", "state": "absent"}),
    "one for the account, one beside it": ({**ADA, "site": "shop.example.com"}, {**ADA, "site": "2", **BESIDE}),
    "one beside it, one for the account": ({**ADA, "site": "2", **BESIDE}, {**ADA, "site": "2"}),
    "the same external user": (IN_SOCIETY, IN_SOCIETY),
    "the same new external user": ({**IN_SOCIETY, "site": "2"}, {**IN_SOCIETY, "site": "2"}),
    "the same external user, one of them absent": (
        {**IN_SOCIETY, "site": "2"},
        {**IN_SOCIETY, "site": "2", "state": "absent"},
    ),
    "an external user that another one moves to": ({"id": 55, "external_user_id": "212"}, IN_CLUB),
    "an external user that another one moves to, absent": (
        {"id": 55, "external_user_id": "212"},
        {**IN_CLUB, "state": "absent"},
    ),
    "an external user, and whichever there is": ({**IN_SOCIETY, "site": "2"}, {**WHICHEVER, **BESIDE}),
    "whichever there is, and an external user": ({**WHICHEVER, **BESIDE}, {**IN_SOCIETY, "site": "2"}),
    "whichever there is, twice": ({**WHICHEVER, **BESIDE}, {**WHICHEVER, **BESIDE}),
    "whichever there is absent, and an external user": (
        {**WHICHEVER, **BESIDE, "state": "absent"},
        {**IN_SOCIETY, "site": "2"},
    ),
    "the account itself, absent and created": (
        {**WHICHEVER, **BESIDE, "reset_external_user": True, "state": "absent"},
        {**WHICHEVER, **BESIDE, "reset_external_user": True},
    ),
}


@pytest.mark.parametrize("connections", CONTRADICTIONS.values(), ids=CONTRADICTIONS)
def test_entries_that_contradict_each_other_are_refused(connections: Any) -> None:
    error = refused("bulk", world(), "invalid_connections", connections=connections)
    assert errors(error) == [(1, "contradiction")]
    assert error.result["errors"][0]["msg"].startswith("connections[0] (")
    assert error.result["errors"][0]["msg"].endswith("leave one of the two out.")


COMPATIBLE = {
    "two external users of one account": (IN_SOCIETY, IN_CLUB),
    "one account on two sites": (ADA, {**ADA, "site": "2"}),
    "two accounts on one site": ({**ADA, "site": "3"}, {**ADA, "site": "3", "account": "@shop"}),
    "duplicates by id": ({"id": 53}, {"id": 54, "state": "absent"}),
    "two new external users": ({**IN_SOCIETY, "site": "2"}, {**IN_CLUB, "site": "2"}),
    "an external user and the account itself": (
        {**IN_SOCIETY, "site": "2"},
        {**WHICHEVER, "reset_external_user": True, **BESIDE},
    ),
    "an external user that is created, another one that is absent": (
        {**IN_SOCIETY, "site": "2"},
        {**IN_CLUB, "site": "2", "state": "absent"},
    ),
    "an external user, and the account itself absent": (
        {**IN_SOCIETY, "site": "2"},
        {**WHICHEVER, "reset_external_user": True, **BESIDE, "state": "absent"},
    ),
    "absent twice, by two accounts that do not exist": (
        {"site": "1", "service": "twitter", "state": "absent"},
        {"site": "1", "service": "myspace", "state": "absent"},
    ),
}


@pytest.mark.parametrize("connections", COMPATIBLE.values(), ids=COMPATIBLE)
def test_entries_that_can_hold_together_are_planned(connections: Any) -> None:
    assert len(plan("bulk", world(), connections=connections).entries) == 2


def test_entries_for_two_sites_whose_ids_are_hidden_do_not_contradict_each_other() -> None:
    connections = [{"site": each["slug"], "service": "bluesky", "state": "absent"} for each in SITES]
    planned = plan("bulk", world(lists_sites=False), connections=connections)
    assert actions(planned) == ["unchanged"] * len(SITES)


def test_errors_of_entries_come_before_contradictions() -> None:
    error = refused("bulk", world(), "invalid_connections", connections=[ADA, ADA, {"id": 0}])
    assert errors(error) == [(2, "invalid_option")]


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"parallel": 0}, "parallel must be from 1 to 32, got 0"),
        ({"parallel": 33}, "parallel must be from 1 to 32, got 33"),
        ({"max_deletions": -2}, "max_deletions must be -1 for no limit, 0 or more, got -2"),
    ],
)
def test_numbers_out_of_range_are_refused_before_anything_is_read(options: dict[str, Any], told: str) -> None:
    asked = world()
    refused("bulk", asked, "invalid_option", told, connections=[ADA], **options)
    assert asked.reads == []


@pytest.mark.parametrize("parallel", [1, 32])
def test_numbers_at_their_bounds_pass(parallel: int) -> None:
    assert plan("bulk", world(), connections=[ADA], parallel=parallel).schedule.parallel == parallel


# Entries


def test_entries_are_planned_as_single_connections() -> None:
    connections = [
        ADA,
        {"site": "2", "service": "facebook", "shared": False},
        {"site": "3", "keyring_connection_id": 24},
        {"id": 53, "state": "absent"},
        {"site": "1", "service": "twitter", "state": "absent"},
        {**IN_CLUB, "state": "absent"},
    ]
    planned = plan("bulk", world(), connections=connections)
    assert actions(planned) == ["unchanged", "updated", "created", "deleted", "unchanged", "deleted"]
    reached("bulk", world(), *planned.operations, connections=connections)


def test_check_mode_predicts_a_site_that_lets_nobody_post() -> None:
    disabled = world(responses={ListSitePublicizeConnections("3"): refusal(400, "publicize_disabled")})
    with pytest.raises(WpcomError) as caught:
        plan("bulk", disabled, check_mode=True, connections=[{"site": "3", "keyring_connection_id": 22}])
    assert errors(caught.value) == [(0, "publicize_disabled")]


# Purging


def test_purge_deletes_own_connections_of_named_sites_that_no_entry_names() -> None:
    left = world()
    reached("bulk", left, DeletePublicizeConnection(50), connections=[ADA], purge="listed")
    # That of a colleague on the site stays, and so does everything on other sites.
    assert sorted(left.connections) == [51, 52, 53, 54, 55, 56, 60]


def test_purge_follows_the_listed_entries_in_the_order_of_ids() -> None:
    connections = [{"site": "2", "service": "bluesky"}, {"site": "2", "service": "facebook", "state": "absent"}]
    planned = plan("bulk", world(), connections=connections, purge="listed")
    assert actions(planned) == ["created", "deleted", "deleted", "deleted"]
    assert [entry.plan.existing and entry.plan.existing["id"] for entry in planned.entries] == [None, 52, 53, 54]
    assert planned.listed == 2
    assert planned.entries[2].label == "purged publicize connection 53"


def test_purge_counts_an_entry_for_what_is_absent_as_naming_its_site() -> None:
    connections = [{"site": "3", "service": "bluesky", "state": "absent"}]
    planned = plan("bulk", world(), connections=connections, purge="listed")
    assert actions(planned) == ["unchanged", "deleted", "deleted"]


def test_purge_reaches_a_site_whose_id_is_hidden() -> None:
    connections = [{"site": "news.example.org", "service": "bluesky", "state": "absent"}]
    planned = plan("bulk", world(lists_sites=False), connections=connections, purge="listed")
    assert actions(planned) == ["unchanged", "deleted", "deleted"]


def test_id_alone_names_no_site_to_purge() -> None:
    assert actions(plan("bulk", world(), connections=[{"id": 51}], purge="listed")) == ["unchanged"]


def test_id_with_site_names_a_site_to_purge() -> None:
    planned = plan("bulk", world(), connections=[{"id": 51, "site": "1"}], purge="listed")
    assert actions(planned) == ["unchanged", "deleted"]


def test_nothing_is_purged_unless_asked_for() -> None:
    assert actions(plan("bulk", world(), connections=[ADA])) == ["unchanged"]


@pytest.mark.parametrize(("most", "allowed"), [(0, False), (2, False), (3, True), (10, True), (-1, True)])
def test_max_deletions_limits_purged_and_absent_connections(most: int, allowed: bool) -> None:
    connections = [{"site": "2", "service": "facebook", "state": "absent"}, {"id": 51, "shared": True}]
    options: dict[str, Any] = {"connections": connections, "purge": "listed", "max_deletions": most}
    if allowed:
        assert actions(plan("bulk", world(), **options)).count("deleted") == 3
        return
    error = refused(
        "bulk",
        world(),
        "too_many_deletions",
        f"would delete 3 publicize connections, more than max_deletions ({most}) allows",
        "52 (facebook: Shop on site 2); 53 (mastodon: @Shop on site 2); 54",
        **options,
    )
    assert [record["id"] for record in error.result["deletions"]] == [52, 53, 54]


# Warnings


BROKEN = keyring_connection(20, "facebook", "ada", ENGINES, SHOP, status="broken")


def broken() -> World:
    """Return a world in which Facebook's keyring connection is broken, and used twice."""
    return World(
        publicize_connection(50, BROKEN, 1, ENGINES),
        publicize_connection(51, MASTODON, 1),
        publicize_connection(52, BROKEN, 2, SHOP),
        keyrings=[BROKEN, *KEYRINGS[1:]],
    )


def test_unhealthy_account_is_warned_of_once() -> None:
    (warning,) = plan("bulk", broken(), connections=[{"id": 50}, {"id": 51}, {"id": 52}]).warnings
    assert "publicize connection 50 (facebook, account 'Engines') is broken" in warning
    assert warning.endswith("The same applies to 1 more of this account.")


def test_unhealthy_account_of_one_connection_has_a_plain_warning() -> None:
    (warning,) = plan("bulk", broken(), connections=[{"id": 50}]).warnings
    assert "The same applies" not in warning


def test_unhealthy_connection_that_is_to_be_absent_is_not_warned_of() -> None:
    planned = plan("bulk", broken(), connections=[{"id": 50, "state": "absent"}])
    assert planned.warnings == ()


@pytest.mark.parametrize(
    ("connections", "warned"),
    [
        ([{"id": 53, "state": "absent"}, {"id": 54, "state": "absent"}], True),
        ([{"id": 53, "state": "absent"}], False),
        # A new connection of the same account takes its place.
        (
            [
                {"id": 53, "state": "absent"},
                {"id": 54, "state": "absent"},
                {"site": "1", "service": "mastodon", "account": "@shop"},
            ],
            False,
        ),
        ([{"id": 51, "state": "absent"}], True),
    ],
)
def test_keyring_connection_that_the_run_leaves_without_connections_is_warned_of_once(
    connections: Any, warned: bool
) -> None:
    warnings = plan("bulk", world(), connections=connections).warnings
    assert len(warnings) == warned
    if warned:
        number = 22 if connections[0]["id"] == 51 else 23
        assert f"deletes the last publicize connection of keyring connection {number} (mastodon: @" in warnings[0]
        assert "WordPress.com may delete the keyring connection with it" in warnings[0]


# Any list


ACCOUNTS: list[tuple[Record, tuple[Any, ...]]] = [
    (FACEBOOK, ("111", "112")),
    (LINKEDIN, (None, "211", "212")),
    (MASTODON, (None,)),
    (MASTODON_SHOP, (None,)),
    (BLUESKY, (None,)),
]


@st.composite
def lists(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Return entries that do not contradict each other."""
    entries = []
    for number in draw(st.lists(st.sampled_from([1, 2, 3]), unique=True)):
        for keyring, users in draw(st.lists(st.sampled_from(ACCOUNTS), unique_by=lambda account: account[0]["id"])):
            # These exist side by side, so that they can only be told apart by their external user or by their ID.
            if (number, keyring["id"]) == (2, MASTODON_SHOP["id"]):
                continue
            beside = (number, keyring["id"]) == (3, LINKEDIN["id"])
            named = [user for user in users if user is not None or not beside]
            for user in draw(st.lists(st.sampled_from(named), min_size=1, max_size=1 + beside, unique=True)):
                entries.append(
                    {
                        "site": draw(st.sampled_from([str(number), SITES[number - 1]["slug"]])),
                        "keyring_connection_id": keyring["id"],
                        "state": draw(st.sampled_from(["present", "present", "absent"])),
                        "shared": draw(st.sampled_from([None, True, False])),
                        **({"external_user_id": user} if user else {}),
                        **(BESIDE if beside else {}),
                    }
                )
    return entries


@settings(max_examples=examples(50))
@given(connections=lists(), purge=st.sampled_from(["none", "listed"]), lists_sites=st.booleans())
def test_any_list_is_reached_as_predicted_and_leaves_other_users_alone(
    connections: Any, purge: str, lists_sites: bool
) -> None:
    changing = world(lists_sites=lists_sites)
    options = {"connections": connections, "purge": purge, "max_deletions": -1, "parallel": 1, "report": "all"}
    predicted = run("bulk", changing, check_mode=True, **options)
    assert changing.writes == []
    real = run("bulk", changing, **options)
    assert not real.failed, real.result["msg"]
    assert [each["action"] for each in predicted.result["actions"]] == [
        each["action"] for each in real.result["actions"]
    ]
    assert predicted.result["diff"] == real.result["diff"]
    again = run("bulk", changing, **options)
    assert {each["action"] for each in again.result["actions"]} <= {"unchanged"}
    assert 60 in changing.connections
