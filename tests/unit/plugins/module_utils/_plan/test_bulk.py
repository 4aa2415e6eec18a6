# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Many connections at once: read a few times, refused as a whole, done in the right order, finished by a second run."""

from __future__ import annotations

import copy
import dataclasses
from typing import Any, Optional

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.community.wpcom.plugins.module_utils._execute import TaskResult
from ansible_collections.community.wpcom.plugins.module_utils._module import ModuleSpec, run_task
from ansible_collections.community.wpcom.plugins.modules.wpcom_publicize_connections import MODULE
from ansible_collections.community.wpcom.tests.benchmark import worlds
from ansible_collections.community.wpcom.tests.simulator import Simulator
from ansible_collections.community.wpcom.tests.unit.support import params

ADA = {"site": "blog.example.com", "service": "mastodon", "account": "@ada@mastodon.example"}
SHOP_PAGE = {"site": "shop.example.com", "service": "facebook", "external_user_id": "112"}
SOCIETY = {"site": "news.example.org", "service": "linkedin", "account": "ada-l", "external_user_id": "211"}
CLUB = {**SOCIETY, "external_user_id": "212"}
BESIDE = {"unique_per": "external_user"}


def entry(**changes: Any) -> dict[str, Any]:
    """Return an entry as the argument spec completes it."""
    spec = MODULE.options["connections"]["options"]
    return {**{name: rule.get("default") for name, rule in spec.items()}, **changes}


def run(
    simulator: Simulator,
    *entries: dict[str, Any],
    check_mode: bool = False,
    module: ModuleSpec = MODULE,
    **changes: Any,
) -> TaskResult:
    """Run the module and return how it ends."""
    own = {name: rule.get("default") for name, rule in module.options.items()}
    given_params = {
        **params(simulator.url, retry_max_delay=0),
        **own,
        "connections": [entry(**one) for one in entries],
        **changes,
    }
    return run_task(module, given_params, check_mode=check_mode)


def actions(outcome: TaskResult) -> list[str]:
    """Return the names of the actions."""
    return [action["action"] for action in outcome.result["actions"]]


def posts(simulator: Simulator) -> list[str]:
    """Return the paths of the writes, in order."""
    return [request["path"] for request in simulator.requests(method="POST")]


def ids(simulator: Simulator) -> list[int]:
    """Return the IDs of all publicize connections."""
    return [record["ID"] for record in simulator.state()["publicize_connections"]]


MIXED = (
    ADA,
    {**SHOP_PAGE, "shared": False},
    {**SOCIETY, **BESIDE},
    {"site": "jetpack.example.com", "service": "linkedin", "account": "ada-l"},
    {"id": 5008, "state": "absent"},
)


def test_check_predicts_the_actions_of_the_real_run_and_the_second_run_changes_nothing(simulator: Simulator) -> None:
    predicted = run(simulator, *MIXED, check_mode=True)
    assert posts(simulator) == []
    real = run(simulator, *MIXED)
    assert not predicted.failed
    assert not real.failed
    assert actions(predicted) == actions(real) == ["unchanged", "updated", "unchanged", "created", "deleted"]
    expected = copy.deepcopy(real.result)
    # Only the ID of what is made is the server's to choose.
    assert expected["actions"][3].pop("id") == expected["connections"][3].pop("id") == 5016
    assert predicted.result["actions"][3].pop("id") is None
    assert predicted.result["actions"] == expected["actions"]
    assert predicted.result["diff"] == expected["diff"]
    assert predicted.result["summary"] == expected["summary"]
    assert expected["summary"] == {
        "created": 1,
        "updated": 1,
        "deleted": 1,
        "unchanged": 2,
        "failed": 0,
        "skipped": 0,
    }
    assert [record and record["service"] for record in real.result["connections"]] == [
        "mastodon",
        "facebook",
        "linkedin",
        "linkedin",
        None,
    ]
    simulator.clear_requests()
    for check_mode in (False, True):
        again = run(simulator, *MIXED, check_mode=check_mode)
        assert actions(again) == ["unchanged"] * 5
        assert again.result["changed"] is False
        assert again.result["diff"]["before"] == again.result["diff"]["after"] == {}
    assert posts(simulator) == []


def test_reading_is_the_same_for_one_connection_and_for_a_thousand(simulator: Simulator) -> None:
    simulator.reset(world=worlds.world(100, 10))
    token = {"api_token": worlds.TOKEN}
    for entries in (worlds.desired(1, 1, shared=False), worlds.desired(100, 10, shared=False)):
        simulator.clear_requests()
        outcome = run(simulator, *entries, **token)
        assert outcome.result["summary"]["unchanged"] == len(entries)
        # They are read at once, in no certain order.
        assert sorted(request["path"] for request in simulator.requests()) == [
            "/me/keyring-connections",
            "/me/publicize-connections",
            "/me/sites",
        ]
        assert len({request["connection"] for request in simulator.requests()}) <= 3


@pytest.mark.parametrize("parallel", [1, 8])
def test_writes_share_no_more_connections_than_parallel(simulator: Simulator, parallel: int) -> None:
    simulator.reset(world=worlds.world(20, 5))
    outcome = run(
        simulator, *worlds.desired(20, 5, shared=True), api_token=worlds.TOKEN, parallel=parallel, max_deletions=0
    )
    assert outcome.result["summary"]["updated"] == 100
    assert len(posts(simulator)) == 100
    assert len({request["connection"] for request in simulator.requests()}) <= parallel
    assert all(record["shared"] for record in simulator.state()["publicize_connections"])


WRONG = {
    "no identity": ({"site": "blog.example.com"}, "invalid_option", "keyring_connection_id"),
    "no site": ({"service": "mastodon"}, "invalid_option", "site"),
    "ambiguous account": ({"site": "blog.example.com", "service": "mastodon"}, "ambiguous_match", "@shop@"),
    "unknown site": ({**ADA, "site": "nowhere.example.com"}, "unknown_blog", "nowhere.example.com"),
    "unknown id": ({"id": 77}, "missing", "77"),
    "unknown page": ({**SHOP_PAGE, "external_user_id": "9"}, "unknown_external_user", "Analytical Engines"),
    "no keyring": (
        {"site": "blog.example.com", "service": "mastodon", "account": "x"},
        "missing_keyring_connection",
        "",
    ),
    "somebody else's": ({"id": 5005, "site": "blog.example.com", "state": "absent"}, "not_yours", "5005"),
    "private site": ({**ADA, "site": "private.example.com"}, "unauthorized", "member"),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_wrong_entry_fails_the_run_before_any_write(simulator: Simulator, case: str) -> None:
    wrong, code, told = WRONG[case]
    outcome = run(simulator, {**ADA, "shared": True}, wrong)
    assert outcome.failed
    assert posts(simulator) == []
    assert [(error["position"], error["code"]) for error in outcome.result["errors"]] == [(1, code)]
    assert "connections[1]" in outcome.result["msg"]
    assert told in outcome.result["errors"][0]["msg"]


def test_all_wrong_entries_are_listed_together(simulator: Simulator) -> None:
    outcome = run(simulator, *(wrong for wrong, _code, _told in WRONG.values()), ADA)
    assert [error["position"] for error in outcome.result["errors"]] == list(range(len(WRONG)))
    assert [error["code"] for error in outcome.result["errors"]] == [code for _wrong, code, _told in WRONG.values()]


CONTRADICTIONS = {
    "the same twice": (ADA, ADA),
    "by id and by account": (ADA, {"id": 5002}),
    "by id twice": ({"id": 5002}, {"id": 5002, "state": "absent"}),
    "by id twice, though it is gone": ({"id": 7777, "state": "absent"}, {"id": 7777, "state": "absent"}),
    "domain and ID": (ADA, {**ADA, "site": "3001"}),
    "present and absent": (ADA, {**ADA, "state": "absent"}),
    "made twice": ({**ADA, "site": "shop.example.com"}, {**ADA, "site": "3002"}),
    "made and absent": ({**ADA, "site": "shop.example.com"}, {**ADA, "site": "3002", "state": "absent"}),
    "one for the account, one beside it": (
        {**ADA, "site": "shop.example.com"},
        {**ADA, "site": "3002", **BESIDE},
    ),
    "the same external user": ({**SOCIETY, **BESIDE}, {**SOCIETY, **BESIDE}),
    "a page that another one moves to": (
        {"id": 5010, "external_user_id": "212"},
        {**CLUB, **BESIDE},
    ),
}


@pytest.mark.parametrize("case", CONTRADICTIONS)
def test_contradicting_entries_fail_the_run_before_any_write(simulator: Simulator, case: str) -> None:
    outcome = run(simulator, *CONTRADICTIONS[case])
    assert [(error["position"], error["code"]) for error in outcome.result["errors"]] == [(1, "contradiction")]
    assert "connections[0]" in outcome.result["errors"][0]["msg"]
    assert posts(simulator) == []


def test_external_users_stand_side_by_side(simulator: Simulator) -> None:
    outcome = run(simulator, {**SOCIETY, **BESIDE, "shared": True}, {**CLUB, **BESIDE, "state": "absent"})
    assert actions(outcome) == ["updated", "deleted"]
    assert 5010 in ids(simulator)
    assert 5011 not in ids(simulator)


def test_duplicates_are_told_apart_by_id(simulator: Simulator) -> None:
    outcome = run(simulator, {"id": 5008}, {"id": 5009, "state": "absent"})
    assert actions(outcome) == ["unchanged", "deleted"]


def test_purge_touches_only_what_is_mine_on_the_listed_sites(simulator: Simulator) -> None:
    before = ids(simulator)
    outcome = run(simulator, ADA, purge="listed")
    assert not outcome.failed
    # 5005, 5006 and 5012 on the blog are other people's; everything else is on other sites.
    assert sorted(set(before) - set(ids(simulator))) == [5001]
    assert actions(outcome) == ["unchanged", "deleted"]
    assert outcome.result["actions"][1] == {
        "action": "deleted",
        "site_id": 3001,
        "id": 5001,
        "service": "facebook",
        "account": "Ada Lovelace",
        "error": None,
    }
    assert len(outcome.result["connections"]) == 1
    assert actions(run(simulator, ADA, purge="listed")) == ["unchanged"]


def test_an_id_alone_names_no_site_to_purge(simulator: Simulator) -> None:
    before = ids(simulator)
    outcome = run(simulator, {"id": 5002}, purge="listed")
    assert actions(outcome) == ["unchanged"]
    assert ids(simulator) == before


@pytest.mark.parametrize(("most", "refused"), [(0, True), (3, True), (4, False), (-1, False)])
@pytest.mark.parametrize("check_mode", [False, True])
def test_max_deletions_holds_before_any_write(simulator: Simulator, most: int, refused: bool, check_mode: bool) -> None:
    site = {"site": "news.example.org", "service": "mastodon", "account": "@ada@mastodon.example", "shared": True}
    outcome = run(simulator, site, purge="listed", max_deletions=most, check_mode=check_mode)
    assert outcome.failed is refused
    if refused:
        assert outcome.result["error"]["code"] == "too_many_deletions"
        assert [record["id"] for record in outcome.result["deletions"]] == [5008, 5009, 5010, 5011]
        assert "max_deletions" in outcome.result["msg"]
        assert "5011" in outcome.result["msg"]
        assert posts(simulator) == []
    else:
        assert outcome.result["summary"]["deleted"] == 4


@pytest.mark.parametrize(("option", "value"), [("parallel", 0), ("parallel", 33), ("max_deletions", -2)])
def test_numbers_out_of_range_are_refused(simulator: Simulator, option: str, value: int) -> None:
    outcome = run(simulator, ADA, **{option: value})
    assert option in outcome.result["msg"]
    assert simulator.requests() == []


def test_deletions_come_first_on_a_site_and_last_elsewhere(simulator: Simulator) -> None:
    moved = {"service": "bluesky", "account": "ada.bsky.example"}
    outcome = run(
        simulator,
        {**moved, "site": "shop.example.com", "state": "absent"},
        {**moved, "site": "blog.example.com"},
        {**ADA, "site": "shop.example.com"},
    )
    assert actions(outcome) == ["deleted", "created", "created"]
    assert posts(simulator) == [
        # The keyring connection is never left without a connection on the way from one site to another.
        "/sites/blog.example.com/publicize-connections/new",
        "/sites/shop.example.com/publicize-connections/5004/delete",
        "/sites/shop.example.com/publicize-connections/new",
    ]
    assert not [warning for warning in outcome.warnings if "last" in warning]


MOVES = {
    "between two sites that both lose something": (
        [{"site": "blog.example.com", "service": "tumblr"}, {"id": 5015}, {"id": 5013, "state": "absent"}],
        [{"id": 5001, "state": "absent"}, {"id": 5002, "state": "absent"}],
    ),
    "two accounts that change places": (
        [{"site": "shop.example.com", "service": "tumblr"}, {"id": 5013, "state": "absent"}],
        [
            {"site": "jetpack.example.com", "service": "bluesky", "account": "ada.bsky.example"},
            {"id": 5004, "state": "absent"},
        ],
    ),
}


@pytest.mark.parametrize("case", MOVES)
def test_an_account_that_moves_is_never_without_a_connection(simulator: Simulator, case: str) -> None:
    """Even where the server deletes a keyring connection with its last publicize connection."""
    simulator.settings(switches={"delete_keyring_with_last": True})
    some, others = MOVES[case]
    before = {row["ID"] for row in simulator.state()["keyring_connections"]}
    outcome = run(simulator, *some, *others)
    assert not outcome.failed, outcome.result["msg"]
    assert {row["ID"] for row in simulator.state()["keyring_connections"]} == before
    assert set(actions(run(simulator, *some, *others))) == {"unchanged"}


def test_an_account_keeps_its_last_connection_where_the_new_one_cannot_be_made(simulator: Simulator) -> None:
    """Even where everything else goes on after an error."""
    simulator.settings(switches={"delete_keyring_with_last": True})
    simulator.fault(method="POST", path=".*/new", kind="status", status=400, body={"error": "insert_error"})
    move = MOVES["two accounts that change places"][1]
    outcome = run(simulator, *move, {"id": 5002, "shared": True}, on_error="continue", parallel=1)
    assert actions(outcome) == ["failed", "skipped", "updated"]
    assert 5004 in ids(simulator)
    again = run(simulator, *move)
    assert actions(again) == ["created", "deleted"]
    assert any(row["ID"] == 2006 for row in simulator.state()["keyring_connections"])


@pytest.mark.parametrize("parallel", [1, 2])
def test_a_lost_answer_is_not_taken_for_that_of_a_sibling(simulator: Simulator, parallel: int) -> None:
    """Of two new connections of one account, one for the account itself, neither passes for the other."""
    place = {"site": "jetpack.example.com", "service": "linkedin", "account": "ada-l", **BESIDE}
    page, profile = {**place, "external_user_id": "211"}, {**place, "reset_external_user": True}
    before = ids(simulator)
    # The first one is done before the answer of the second is lost.
    simulator.fault(method="POST", path=".*/new", kind="cut", when="before", skip=1)
    outcome = run(simulator, page, profile, parallel=parallel)
    assert not outcome.failed, outcome.result["msg"]
    made = [row for row in simulator.state()["publicize_connections"] if row["ID"] not in before]
    assert len(made) == 2
    assert [record["external_id"] for record in outcome.result["connections"]] == ["211", "900002"]
    assert len({record["id"] for record in outcome.result["connections"]}) == 2
    assert not [path for path in posts(simulator) if path.endswith("/delete")]


def test_what_the_server_did_by_half_is_told(simulator: Simulator) -> None:
    """It is no success, but it is a change, and the record is what there is."""
    simulator.settings(switches={"drop_shared": True})
    outcome = run(simulator, {"site": "jetpack.example.com", "service": "linkedin", "account": "ada-l", "shared": True})
    assert outcome.failed
    assert actions(outcome) == ["failed"]
    assert outcome.result["changed"] is True
    assert outcome.result["error"]["code"] == "ignored_write"
    assert outcome.result["connections"][0]["id"] == outcome.result["actions"][0]["id"] == 5016
    assert outcome.result["connections"][0]["shared"] is False
    (shown,) = outcome.result["diff"]["after"].values()
    assert shown["shared"] is False


def test_two_pages_of_one_name_are_both_in_the_diff(simulator: Simulator) -> None:
    (account,) = [row for row in simulator.state()["keyring_connections"] if row["ID"] == 2002]
    pages = [
        {**user, "external_name": "x", "external_display": "Twin"} for user in account["additional_external_users"]
    ]
    simulator.patch(keyring_connections=[{"ID": 2002, "additional_external_users": pages}])
    place = {"site": "jetpack.example.com", "service": "linkedin", "account": "ada-l", **BESIDE}
    outcome = run(simulator, *({**place, "external_user_id": number} for number in ("211", "212")), check_mode=True)
    assert actions(outcome) == ["created", "created"]
    assert sorted(view["external_id"] for view in outcome.result["diff"]["after"].values()) == ["211", "212"]


def test_an_account_that_needs_a_person_is_warned_of_once(simulator: Simulator) -> None:
    """However many connections it has."""
    simulator.patch(keyring_connections=[{"ID": 2001, "status": "broken"}])
    outcome = run(simulator, {"id": 5001}, {"id": 5003}, {"id": 5007}, ADA)
    (warning,) = [warning for warning in outcome.warnings if "broken" in warning]
    assert "5001" in warning
    assert warning.endswith("The same holds for 1 more of this account.")


def test_the_last_connection_of_a_keyring_connection_is_warned_of_once(simulator: Simulator) -> None:
    outcome = run(simulator, {"id": 5008, "state": "absent"}, {"id": 5009, "state": "absent"}, check_mode=True)
    assert [warning for warning in outcome.warnings if "2004" in warning and "last" in warning] == outcome.warnings
    assert len(outcome.warnings) == 1


FAILING = "/me/publicize-connections/5003"


@pytest.mark.parametrize(
    ("on_error", "expected"),
    [("stop", ["updated", "failed", "skipped"]), ("continue", ["updated", "failed", "updated"])],
)
def test_a_failure_midway_tells_what_was_done_and_a_second_run_does_the_rest(
    simulator: Simulator, on_error: str, expected: list[str]
) -> None:
    simulator.fault(
        method="POST", path=FAILING, kind="status", status=400, body={"error": "insert_error", "message": "No."}
    )
    entries = ({"id": 5002, "shared": True}, {"id": 5003, "shared": False}, {"id": 5007, "shared": True})
    outcome = run(simulator, *entries, parallel=1, on_error=on_error)
    assert outcome.failed
    assert actions(outcome) == expected
    assert outcome.result["changed"] is True
    assert outcome.result["error"]["code"] == "insert_error"
    assert outcome.result["actions"][1]["error"]["code"] == "insert_error"
    assert "connections[1]" in outcome.result["msg"]
    assert outcome.result["connections"][0]["shared"] is True
    # What failed is shown as it is, not as it was to be.
    assert outcome.result["connections"][1]["shared"] is True
    assert len(outcome.result["diff"]["after"]) == expected.count("updated")
    simulator.clear_requests()
    again = run(simulator, *entries)
    assert not again.failed
    assert len(posts(simulator)) == expected.count("failed") + expected.count("skipped")


def test_nothing_done_is_not_changed(simulator: Simulator) -> None:
    simulator.fault(method="POST", path=FAILING, kind="status", status=400, body={"error": "insert_error"})
    outcome = run(simulator, {"id": 5003, "shared": False})
    assert outcome.failed
    assert outcome.result["changed"] is False


def test_throttling_holds_all_workers_back_and_everything_is_done_once(simulator: Simulator) -> None:
    simulator.reset(world=worlds.world(10, 5))
    simulator.fault(method="POST", path=".*", kind="throttle", retry_after=1, times=4, skip=5)
    outcome = run(simulator, *worlds.desired(10, 5, shared=True), api_token=worlds.TOKEN, parallel=4, retry_max_delay=1)
    assert outcome.result["summary"]["updated"] == 50
    assert len([request for request in simulator.requests(method="POST") if request["applied"]]) == 50


def test_a_lost_answer_midway_doubles_nothing(simulator: Simulator) -> None:
    simulator.reset(world=worlds.world(5, 4))
    fresh = [{**one, "site": one["site"]} for one in worlds.desired(5, 4, shared=False)]
    simulator.patch(delete={"publicize_connections": ids(simulator)})
    # Of those that are lost before they are done there is only one, or a repetition could be lost in the same way.
    for when, times in (("before", 1), ("after", 3)):
        simulator.fault(method="POST", path=".*/new", kind="cut", when=when, times=times, skip=2)
    outcome = run(simulator, *fresh, api_token=worlds.TOKEN, parallel=4)
    assert outcome.result["summary"]["created"] == 20
    made = simulator.state()["publicize_connections"]
    assert len(made) == len({(one["site_ID"], one["keyring_connection_ID"]) for one in made}) == 20


def test_a_token_that_may_not_list_sites_reads_each_site(simulator: Simulator) -> None:
    outcome = run(simulator, ADA, {**SHOP_PAGE, "shared": True}, api_token="sim-token-sharing")
    assert actions(outcome) == ["unchanged", "unchanged"]


def test_sites_that_the_lists_do_not_tell_of_are_read_at_once(simulator: Simulator) -> None:
    """One request for each, and one planning for all of them."""
    world = worlds.world(30, 2)
    simulator.reset(world={**world, "tokens": [{**world["tokens"][0], "scope": "sharing"}]})
    rounds = []

    def counting(*arguments: Any) -> Any:
        rounds.append(1)
        return MODULE.planner(*arguments)

    counted = dataclasses.replace(MODULE, planner=counting)
    declared = worlds.desired(30, 2, shared=False)
    outcome = run(simulator, *declared, module=counted, api_token=worlds.TOKEN, parallel=10)
    assert outcome.result["summary"]["unchanged"] == 60
    assert len(simulator.requests()) == 3 + 30
    assert len(rounds) == 3
    assert len({request["connection"] for request in simulator.requests()}) > 3


def test_a_domain_of_two_sites_is_for_the_server_to_tell(simulator: Simulator) -> None:
    """By the account's list of sites it could be either."""
    blog, shop = simulator.state()["sites"][:2]
    simulator.patch(sites=[{"ID": blog["ID"], "slug": "other.example.com", "URL": f"https://{shop['slug']}"}])
    outcome = run(simulator, {**SHOP_PAGE, "shared": True})
    assert not outcome.failed, outcome.result["msg"]
    assert f"/sites/{shop['slug']}/publicize-connections" in [request["path"] for request in simulator.requests()]


@pytest.mark.parametrize("entry_of_another", [{"id": 5005, "state": "absent"}, {"id": 5005, "shared": True}])
def test_what_belongs_to_somebody_else_is_neither_absent_nor_touched(
    simulator: Simulator, entry_of_another: dict[str, Any]
) -> None:
    """As for a single connection."""
    outcome = run(simulator, ADA, entry_of_another)
    assert outcome.failed
    assert outcome.result["errors"][0]["status"] == 403
    assert posts(simulator) == []


def test_what_is_gone_is_called_by_what_the_entry_says(simulator: Simulator) -> None:
    outcome = run(simulator, {"id": 7777, "state": "absent"})
    assert actions(outcome) == ["unchanged"]
    assert outcome.result["actions"][0]["id"] == 7777


def test_check_mode_foresees_a_site_that_lets_nobody_post(simulator: Simulator) -> None:
    new = {"site": "nopublicize.example.com", "service": "mastodon", "account": "@ada@mastodon.example"}
    for check_mode in (True, False):
        outcome = run(simulator, new, check_mode=check_mode)
        assert outcome.failed
        assert "publicize_disabled" in outcome.result["msg"]


@pytest.mark.parametrize("missing", ["/me/keyring-connections", "/me/publicize-connections"])
def test_where_nothing_can_be_read_no_entry_is_blamed(simulator: Simulator, missing: str) -> None:
    simulator.fault(method="GET", path=missing, kind="status", status=403, times=-1, body={"error": "unauthorized"})
    outcome = run(simulator, ADA, SHOP_PAGE)
    assert outcome.failed
    assert "errors" not in outcome.result
    assert outcome.result["error"]["path"] == f"{missing}/"


SITES = ["blog.example.com", "shop.example.com", "news.example.org", "jetpack.example.com"]
ACCOUNTS: list[tuple[str, str, tuple[Optional[str], ...]]] = [
    ("facebook", "Ada Lovelace", ("111", "112")),
    ("linkedin", "ada-l", (None, "211", "212")),
    ("linkedin", "acme-l", (None,)),
    ("mastodon", "@ada@mastodon.example", (None,)),
    ("mastodon", "@shop@mastodon.example", (None,)),
    ("bluesky", "ada.bsky.example", (None,)),
]


@st.composite
def lists(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Return entries that do not contradict each other."""
    entries = []
    for site in draw(st.lists(st.sampled_from(SITES), unique=True)):
        for service, account, users in draw(st.lists(st.sampled_from(ACCOUNTS), unique=True)):
            # The default world has these side by side, so that they can only be told apart by their external user.
            beside = (site, service, account) == ("news.example.org", "linkedin", "ada-l")
            twice = (site, account) == ("news.example.org", "@shop@mastodon.example")
            if twice:
                continue
            chosen = draw(st.lists(st.sampled_from(users), min_size=1, max_size=2 if beside else 1, unique=True))
            for user in chosen:
                if beside and user is None:
                    continue
                entries.append(
                    {
                        "site": site,
                        "service": service,
                        "account": account,
                        "state": draw(st.sampled_from(["present", "present", "absent"])),
                        "shared": draw(st.sampled_from([None, True, False])),
                        **({"external_user_id": user} if user else {}),
                        **(BESIDE if beside else {}),
                    }
                )
    return entries


@settings(max_examples=25)
@given(entries=lists(), purge=st.sampled_from(["none", "listed"]))
def test_any_list_is_reached_and_foreseen(running_simulator: Simulator, entries: Any, purge: str) -> None:
    simulator = running_simulator
    simulator.reset()
    others = {number for number in ids(simulator) if number in (5005, 5006, 5012)}
    more = {"purge": purge, "max_deletions": -1, "parallel": 3}
    predicted = run(simulator, *entries, check_mode=True, **more)
    assert posts(simulator) == []
    real = run(simulator, *entries, **more)
    assert not real.failed, real.result["msg"]
    assert actions(predicted) == actions(real)
    assert predicted.result["diff"] == real.result["diff"]
    assert len(posts(simulator)) == sum(action != "unchanged" for action in actions(real))
    simulator.clear_requests()
    again = run(simulator, *entries, **more)
    assert set(actions(again)) <= {"unchanged"}
    assert posts(simulator) == []
    assert others <= set(ids(simulator))
