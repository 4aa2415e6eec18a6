# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What ``wpcom_connection_info`` gathers, and by which queries."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.community.wpcom.plugins.module_utils._errors import ConnectError, WpcomError
from ansible_collections.community.wpcom.plugins.module_utils._operations import (
    FindSites,
    GetAccount,
    GetConnectedApplication,
    GetKeyringConnection,
    GetPublicizeConnection,
    GetService,
    ListConnectedApplications,
    ListKeyringConnections,
    ListPublicizeConnections,
    ListServices,
    ListSitePublicizeConnections,
    ListSites,
)
from ansible_collections.community.wpcom.plugins.module_utils._records.record import is_number
from ansible_collections.community.wpcom.tests.unit.builders import (
    COLLEAGUE,
    FOREIGN,
    ME,
    SHOP,
    World,
    application,
    day,
    external_user,
    keyring_connection,
    plan,
    publicize_connection,
    refusal,
    refused,
    run,
)

FACEBOOK = keyring_connection(20, "facebook", "ada", SHOP, sites=[1, 2])
MASTODON = keyring_connection(22, "mastodon", "@ada", sites=[1])
BLUESKY = keyring_connection(24, "bluesky", "ada.bsky", sites=[2], status="broken")
KEYRINGS = (FACEBOOK, MASTODON, BLUESKY)
# What decides the health of connections, read whole.
JUDGING = (ListServices(), ListKeyringConnections())
FIELDS = (
    "ID,service,status,expires,refresh_URL,user_ID,keyring_connection_ID,keyring_connection_user_ID,external_ID,site_ID"
)


def world(**changes: Any) -> World:
    """Return a world of three keyring connections on two sites, with a connection of a colleague on each."""
    return World(
        publicize_connection(50, FACEBOOK, 1, SHOP),
        publicize_connection(51, MASTODON, 1, shared=True),
        publicize_connection(52, FACEBOOK, 2, SHOP),
        publicize_connection(53, BLUESKY, 2),
        publicize_connection(60, FOREIGN, 1, shared=True),
        publicize_connection(61, FOREIGN, 2),
        **{"keyrings": KEYRINGS, "applications": [application(70, "Backup"), application(71, "Editor")], **changes},
    )


def gathered(asked: World, **options: Any) -> dict[str, Any]:
    """Return what a task gathers, which changes nothing."""
    planned = plan("info", asked, **options)
    assert planned.operations == ()
    result: dict[str, Any] = planned.to_result(None)
    assert result.pop("changed") is False
    assert "diff" not in result
    return result


def ids(records: list[dict[str, Any]]) -> list[Any]:
    """Return the IDs of records."""
    return [record["id"] for record in records]


@pytest.mark.parametrize(
    ("gather", "key", "reads", "found"),
    [
        (
            "publicize",
            "publicize_connections",
            # The profile of an account that may only post to pages is known from its keyring connection.
            [ListServices(), ListPublicizeConnections(), ListKeyringConnections()],
            [50, 51, 52, 53],
        ),
        ("keyring", "keyring_connections", [ListKeyringConnections(), ListServices()], [20, 22, 24]),
        ("applications", "connected_applications", [ListConnectedApplications()], [70, 71]),
        (
            "services",
            "services",
            [ListServices()],
            ["facebook", "linkedin", "mastodon", "bluesky", "twitter", "photos"],
        ),
        ("sites", "sites", [ListSites()], [1, 2, 3]),
    ],
)
def test_each_list_costs_one_query_and_connections_those_that_decide_their_health(
    gather: str, key: str, reads: list[Any], found: list[Any]
) -> None:
    asked = world()
    result = gathered(asked, gather=[gather])
    assert list(result) == [key]
    assert ids(result[key]) == found
    assert asked.reads == reads


def test_account_is_a_record() -> None:
    asked = world()
    assert gathered(asked, gather=["account", "account"])["account"]["token_scope"] == ["global"]
    assert asked.reads == [GetAccount()]


def test_connections_are_gathered_by_default() -> None:
    asked = world()
    assert list(gathered(asked)) == ["publicize_connections", "keyring_connections"]
    assert asked.reads == [ListKeyringConnections(), ListServices(), ListPublicizeConnections()]
    assert asked.rounds == 1


def test_everything_costs_one_query_each_in_a_fixed_order_of_keys() -> None:
    asked = world()
    result = gathered(asked, gather=["account", "sites", "services", "applications", "keyring", "publicize"])
    assert list(result) == [
        "publicize_connections",
        "keyring_connections",
        "connected_applications",
        "services",
        "sites",
        "account",
    ]
    assert len(asked.reads) == 6


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"gather": []}, "gather is empty"),
        ({"id": 0}, "id must be a positive number"),
        ({"user_id": -1}, "user_id must be a positive number"),
        ({"keyring_connection_id": 0}, "keyring_connection_id must be a positive number"),
        ({"application_id": 0, "gather": ["applications"]}, "application_id must be a positive number"),
        ({"id": 50, "gather": ["keyring"]}, "id has no effect here: add publicize to gather"),
        ({"user_id": 1, "gather": ["account"]}, "user_id has no effect here: add publicize to gather"),
        ({"site": ["1"], "gather": ["services"]}, "site has no effect here: add publicize or keyring or sites"),
        ({"service": "x", "gather": ["applications"]}, "service has no effect here: add publicize or keyring or serv"),
        ({"keyring_connection_id": 20, "gather": ["account"]}, "keyring_connection_id has no effect here"),
        ({"application_id": 70}, "application_id has no effect here: add applications"),
        ({"id": 50, "site": ["1", "2"]}, "at most one site"),
        ({"parallel": 0}, "parallel must be from 1 to 32, got 0"),
        ({"parallel": 33}, "parallel must be from 1 to 32, got 33"),
        ({"expiring_within": -1}, "expiring_within must be from 0 to 36500 days, got -1"),
        ({"expiring_within": 36501}, "expiring_within must be from 0 to 36500 days, got 36501"),
        ({"site": ["1", "x y"]}, "site must be the numeric ID, the domain, or the URL"),
        ({"service": "foo/bar", "gather": ["keyring"]}, "service must be the ID of a service"),
    ],
)
def test_option_that_would_be_ignored_is_refused_before_anything_is_read(options: dict[str, Any], told: str) -> None:
    asked = world()
    refused("info", asked, "invalid_option", told, **options)
    assert asked.reads == []


@pytest.mark.parametrize("days", [0, 36500])
def test_expiring_within_is_bounded(days: int) -> None:
    assert gathered(world(), expiring_within=days)


@pytest.mark.parametrize(
    ("options", "publicize", "keyring"),
    [
        ({"site": ["1"]}, [50, 51, 60], [20, 22]),
        ({"site": ["1", "Shop.example.com"]}, [50, 51, 60, 52, 53, 61], [20, 22, 24]),
        ({"site": []}, [50, 51, 52, 53], [20, 22, 24]),
        ({"service": "facebook"}, [50, 52], [20]),
        ({"service": "FaceBook"}, [50, 52], [20]),
        ({"service": ""}, [50, 51, 52, 53], [20, 22, 24]),
        ({"service": "nonsense"}, [], []),
        ({"site": ["1"], "service": "mastodon"}, [51, 60], [22]),
        ({"keyring_connection_id": 22}, [51], [22]),
        ({"keyring_connection_id": 99}, [], []),
        ({"keyring_connection_id": 22, "service": "facebook"}, [], []),
        ({"site": ["1"], "keyring_connection_id": 30}, [60], []),
        ({"id": 52}, [52], [20, 22, 24]),
        ({"id": 99}, [], [20, 22, 24]),
        ({"id": 52, "site": ["2"]}, [52], [20, 24]),
        ({"id": 52, "site": ["1"]}, [], [20, 22]),
        ({"id": 52, "service": "mastodon"}, [], [22]),
        ({"id": 52, "keyring_connection_id": 22}, [], [22]),
        # The owner of the keyring connection counts too: a shared connection has the user 0.
        ({"user_id": ME}, [50, 51, 52, 53], [20, 22, 24]),
        ({"user_id": COLLEAGUE, "site": ["1"]}, [60], [20, 22]),
        ({"user_id": 3, "site": ["1"]}, [], [20, 22]),
    ],
)
def test_filters_narrow_what_they_can(options: dict[str, Any], publicize: list[int], keyring: list[int]) -> None:
    result = gathered(world(), **options)
    assert ids(result["publicize_connections"]) == publicize
    assert ids(result["keyring_connections"]) == keyring


def test_user_of_the_connection_counts_without_its_owner() -> None:
    hidden = {**publicize_connection(60, FOREIGN, 1), "keyring_connection_user_id": None}
    asked = world(responses={ListSitePublicizeConnections("1"): [hidden]})
    assert ids(gathered(asked, gather=["publicize"], site=["1"], user_id=COLLEAGUE)["publicize_connections"]) == [60]


def test_filters_hold_where_the_server_ignores_them() -> None:
    everything = [publicize_connection(50, FACEBOOK, 1, SHOP), publicize_connection(51, MASTODON, 1)]
    asked = world(responses={ListPublicizeConnections("facebook", 20): everything})
    result = gathered(asked, gather=["publicize"], service="facebook", keyring_connection_id=20)
    assert ids(result["publicize_connections"]) == [50]


@pytest.mark.parametrize(
    ("options", "reads"),
    [
        ({"gather": ["publicize"], "id": 50}, [GetPublicizeConnection(50)]),
        ({"gather": ["publicize"], "id": 50, "site": ["1"]}, [GetPublicizeConnection(50, "1")]),
        ({"gather": ["publicize"], "service": "Mastodon"}, [ListServices(), ListPublicizeConnections("mastodon")]),
        (
            {"gather": ["publicize"], "site": ["1", "2", " 1"], "keyring_connection_id": 22},
            [
                ListServices(),
                ListSitePublicizeConnections("1", keyring_connection_id=22),
                ListSitePublicizeConnections("2", keyring_connection_id=22),
            ],
        ),
        ({"gather": ["keyring"], "keyring_connection_id": 20}, [GetKeyringConnection(20), ListServices()]),
        ({"gather": ["keyring"], "site": ["1"]}, [ListKeyringConnections("1"), ListServices()]),
        (
            {"gather": ["keyring"], "refetch_external_users": True},
            [ListKeyringConnections(None, True), ListServices()],
        ),
        ({"gather": ["keyring"], "test": True}, [ListKeyringConnections(test=True), ListServices()]),
        (
            {"gather": ["keyring"], "keyring_connection_id": 20, "test": True},
            [GetKeyringConnection(20, test=True), ListServices()],
        ),
        ({"gather": ["services"], "service": "Mastodon"}, [GetService("mastodon")]),
        ({"gather": ["applications"], "application_id": 70}, [GetConnectedApplication(70)]),
        # A fresh test changes the status that the other list shows: it comes first, though only that list is asked for.
        (
            {"gather": ["publicize"], "test": True, "service": "mastodon"},
            [ListKeyringConnections(test=True), ListServices(), ListPublicizeConnections("mastodon")],
        ),
        (
            {"gather": ["publicize", "keyring"], "test": True, "service": "mastodon"},
            [ListKeyringConnections(test=True), ListServices(), ListPublicizeConnections("mastodon")],
        ),
        (
            {"gather": ["publicize"], "refetch_external_users": True, "keyring_connection_id": 22},
            [
                GetKeyringConnection(22, True),
                ListServices(),
                ListPublicizeConnections(keyring_connection_id=22),
            ],
        ),
    ],
)
def test_filters_are_part_of_the_query(options: dict[str, Any], reads: list[Any]) -> None:
    asked = world()
    result = gathered(asked, **options)
    assert asked.reads == reads
    assert result.pop("site_errors", []) == []
    assert len(result) == len(options["gather"])


def test_refetched_external_users_are_in_the_result() -> None:
    fresh = keyring_connection(20, "facebook", "ada", SHOP, external_user("113", "New"))
    result = gathered(world(fresh=[fresh]), gather=["keyring"], keyring_connection_id=20, refetch_external_users=True)
    users = result["keyring_connections"][0]["additional_external_users"]
    assert [user["external_id"] for user in users] == ["112", "113"]


@pytest.mark.parametrize(
    ("options", "found"),
    [
        ({"gather": ["services"], "service": "Mastodon"}, ["mastodon"]),
        ({"gather": ["services"], "service": "myspace"}, []),
        ({"gather": ["applications"], "application_id": 70}, [70]),
        ({"gather": ["applications"], "application_id": 99}, []),
        ({"gather": ["sites"], "site": ["2", "blog.example.com"]}, [2, 1]),
        ({"gather": ["sites"], "site": ["999"]}, []),
    ],
)
def test_what_does_not_exist_is_an_empty_list(options: dict[str, Any], found: list[Any]) -> None:
    result = gathered(world(), **options)
    assert result.pop("site_errors", []) == []
    (records,) = result.values()
    assert ids(records) == found


def test_sites_by_id_are_found_in_the_list_of_sites() -> None:
    by_id, by_name = world(), world()
    for asked, name in ((by_id, "2"), (by_name, "shop.example.com")):
        assert ids(gathered(asked, gather=["sites"], site=[name])["sites"]) == [2]
    assert FindSites() not in by_id.reads
    assert FindSites() in by_name.reads


def test_sites_that_the_list_lacks_are_read_together() -> None:
    asked = world(responses={FindSites(): []})
    assert ids(gathered(asked, gather=["sites"], site=["shop.example.com", "blog.example.com"])["sites"]) == [2, 1]
    assert asked.rounds == 2


@pytest.mark.parametrize("gather", ["publicize", "keyring", "sites"])
def test_unknown_site_is_an_error(gather: str) -> None:
    refused("info", world(), "unknown_blog", gather=[gather], site=["nowhere.example.com"])


def test_sites_are_read_together_in_their_order_and_the_accounts_in_one_request_for_all() -> None:
    asked = world(keyrings=(BLUESKY, MASTODON, FACEBOOK))
    result = gathered(asked, site=["2", "blog.example.com", "3"])
    assert ids(result["publicize_connections"]) == [52, 53, 61, 50, 51, 60]
    # In the order of the sites, on each in that of the list.
    assert ids(result["keyring_connections"]) == [24, 20, 22]
    assert result["site_errors"] == []
    assert asked.rounds == 1
    assert asked.reads == [
        ListKeyringConnections(),
        ListServices(),
        *map(ListSitePublicizeConnections, ("2", "blog.example.com", "3")),
    ]


@pytest.mark.parametrize("number", [1, 3])
def test_sites_cost_a_query_each_and_two_more(number: int) -> None:
    for gather in (["publicize"], ["publicize", "keyring"]):
        asked = world()
        gathered(asked, gather=gather, site=["1", "2", "3"][:number], fields=["id"])
        assert len(asked.reads) == number + 2


@pytest.mark.parametrize("options", [{}, {"fields": ["id"]}])
def test_accounts_that_sites_use_without_a_publicize_connection_are_known_by_the_id_of_the_site(options: Any) -> None:
    photos = keyring_connection(26, "photos", "ada", type="other", sites=[3])
    unused = keyring_connection(27, "photos", "other", type="other", sites=[])
    keyrings = (FACEBOOK, photos, unused)
    on_shop = [publicize_connection(52, FACEBOOK, 2, SHOP)]
    for site in ("3", "news.example.org"):
        asked = World(*on_shop, keyrings=keyrings)
        result = gathered(asked, site=["shop.example.com", site], **options)
        assert ids(result["keyring_connections"]) == [20, 26]
        assert (FindSites() in asked.reads) is not is_number(site)
    unknown = gathered(World(*on_shop, keyrings=keyrings, lists_sites=False), site=["2", "news.example.org"])
    assert ids(unknown["keyring_connections"]) == [20]


def test_the_error_of_a_site_does_not_hide_the_others() -> None:
    disabled = refusal(400, "publicize_disabled")
    asked = world(responses={ListSitePublicizeConnections("shop.example.com"): disabled})
    result = gathered(asked, site=["1", "Shop.example.com", "9"], on_site_error="report")
    assert ids(result["publicize_connections"]) == [50, 51, 60]
    assert ids(result["keyring_connections"]) == [20, 22]
    assert [(entry["site"], entry["error"]["code"]) for entry in result["site_errors"]] == [
        ("Shop.example.com", "publicize_disabled"),
        ("9", "unknown_blog"),
    ]
    assert result["site_errors"][0]["error"] == {
        "msg": "Could not do it: publicize_disabled",
        "status": 400,
        "code": "publicize_disabled",
        "message": "No.",
        "method": "GET",
        "path": "/x",
    }


@pytest.mark.parametrize("given", [{}, {"test": True}, {"fields": ["id"]}, {"gather": ["publicize"]}])
def test_a_task_that_fails_for_a_site_returns_what_the_others_gave(given: dict[str, Any]) -> None:
    shown = (("fields", FIELDS),) if "fields" in given else ()
    asked = world(responses={ListSitePublicizeConnections("2", presentation=shown): refusal(403, "unauthorized")})
    ended = run("info", asked, site=["1", "2"], **given)
    assert ended.failed
    assert ended.result["changed"] is False
    assert ended.result["msg"] == "1 of 2 sites could not be read. 2: Could not do it: unauthorized."
    assert ended.result["error"]["code"] == "unauthorized"
    assert [entry["site"] for entry in ended.result["site_errors"]] == ["2"]
    assert ids(ended.result["publicize_connections"]) == [50, 51, 60]


def test_the_message_names_the_first_sites_only() -> None:
    sites = [str(number) for number in range(100, 130)]
    error = refused("info", world(), "unknown_blog", "30 of 30 sites", "119: ", "; and 10 more, see site_", site=sites)
    assert "120: " not in error.message
    assert [entry["site"] for entry in error.result["site_errors"]] == sites


@pytest.mark.parametrize("gather", ["keyring", "sites"])
def test_the_other_lists_report_the_sites_that_cannot_be_read(gather: str) -> None:
    asked = world()
    result = gathered(asked, gather=[gather], site=["no.example.com", "2", "nor.example.com"], on_site_error="report")
    assert [entry["site"] for entry in result["site_errors"]] == ["no.example.com", "nor.example.com"]
    assert result[{"keyring": "keyring_connections"}.get(gather, gather)]
    assert asked.rounds <= 3


@pytest.mark.parametrize("gather", [["publicize"], ["publicize", "keyring"]])
def test_the_error_of_the_token_is_not_one_of_the_sites(gather: list[str]) -> None:
    for code in ("invalid_token", "reauthorization_required"):
        responses = {ListSitePublicizeConnections(site): refusal(400, code) for site in ("1", "2")}
        error = refused(
            "info", world(responses=responses), code, gather=gather, site=["1", "2"], on_site_error="report"
        )
        assert error.message == f"Could not do it: {code}"


def test_sites_that_are_all_out_of_reach_fail_the_task() -> None:
    cut = ConnectError("Could not connect")
    responses = {ListSitePublicizeConnections(site): cut for site in ("1", "2")}
    refused("info", world(responses=responses), "no_response", "2 of 2", site=["1", "2"], on_site_error="report")
    del responses[ListSitePublicizeConnections("2")]
    result = gathered(world(responses=responses), site=["1", "2"], on_site_error="report")
    assert [entry["site"] for entry in result["site_errors"]] == ["1"]


def test_unhealthy_only_has_broken_and_expiring_connections() -> None:
    expiring = keyring_connection(22, "mastodon", "@ada", expires=day(5))
    untested = keyring_connection(26, "tumblr", "ada", status=None)
    result = gathered(world(keyrings=[FACEBOOK, expiring, BLUESKY, untested]), unhealthy_only=True)
    assert [(record["id"], record["health"]) for record in result["keyring_connections"]] == [
        (22, "expiring"),
        (24, "broken"),
    ]
    assert ids(result["publicize_connections"]) == [53]


@pytest.mark.parametrize(
    ("status", "health", "repair"), [("must_reauth", "expiring", "refresh"), ("something-new", "unknown", None)]
)
def test_unhealthy_only_has_what_expires_and_what_is_not_known(status: str, health: str, repair: Any) -> None:
    odd = keyring_connection(22, "mastodon", "@ada", status=status)
    asked = world(keyrings=[FACEBOOK, odd])
    asked.connections = {51: publicize_connection(51, odd, 1), 50: asked.connections[50]}
    result = gathered(asked, unhealthy_only=True)
    for key, number in (("publicize_connections", 51), ("keyring_connections", 22)):
        (record,) = result[key]
        assert (record["id"], record["health"], record["repair"]) == (number, health, repair)


def test_unhealthy_only_finds_what_a_fresh_test_finds() -> None:
    asked = world(fresh=[keyring_connection(20, "facebook", "ada", status="invalid")])
    result = gathered(asked, gather=["keyring"], unhealthy_only=True, test=True)
    assert ids(result["keyring_connections"]) == [20, 24]


@pytest.mark.parametrize(
    "fields", [["id", "external_display"], ["ID", "external_display"], [" Id ", "EXTERNAL_DISPLAY"]]
)
def test_fields_are_selected_in_either_spelling_beside_health_and_repair(fields: list[str]) -> None:
    needed = (
        "ID,service,status,expires,refresh_URL,user_ID,keyring_connection_ID,keyring_connection_user_ID,external_ID"
    )
    shown = (("fields", f"{needed},external_display"),)
    # With the pages, on which the health of publicize connections depends.
    keyrings_shown = (("fields", f"{needed},additional_external_users,external_display"),)
    asked = world()
    result = gathered(asked, fields=fields)
    for key, records in (("publicize_connections", [50, 51, 52, 53]), ("keyring_connections", [20, 22, 24])):
        assert ids(result[key]) == records
        assert all(set(record) == {"id", "external_display", "health", "repair"} for record in result[key])
    # What the health and the filters depend on is asked for too.
    assert set(asked.reads) == {
        ListServices(),
        ListKeyringConnections(presentation=keyrings_shown),
        ListPublicizeConnections(presentation=shown),
    }


@pytest.mark.parametrize(
    "options", [{"site": ["1"]}, {"test": True}, {"fields": ["id"]}, {"refetch_external_users": True}]
)
def test_a_profile_that_may_not_be_posted_to_is_known_from_the_accounts_that_are_read_anyway(
    options: dict[str, Any],
) -> None:
    asked = World(
        publicize_connection(50, FACEBOOK, 1),
        publicize_connection(54, FACEBOOK, 1, SHOP),
        keyrings=[FACEBOOK],
        fresh=[FACEBOOK],
    )
    found = gathered(asked, **options)["publicize_connections"]
    assert [(record["id"], record["repair"]) for record in found] == [(50, "choose_external_user"), (54, None)]
    assert len([query for query in asked.reads if isinstance(query, ListKeyringConnections)]) == 1


def test_fields_of_accounts_on_sites_are_those_that_show_which_are_used_there() -> None:
    asked = world()
    gathered(asked, site=["1", "2"], fields=["id"])
    (query,) = [query for query in asked.reads if isinstance(query, ListKeyringConnections)]
    assert {"type", "sites"} <= set(dict(query.presentation)["fields"].split(","))


def test_filters_hold_beside_fields() -> None:
    result = gathered(world(), gather=["publicize"], fields=["id"], service="facebook", user_id=ME)
    assert ids(result["publicize_connections"]) == [50, 52]


@pytest.mark.parametrize(
    ("gather", "fields", "query", "record"),
    [
        # The API would empty the applications, so they are selected here.
        ("applications", ["id", "title"], ListConnectedApplications(), {"id": 70, "title": "Backup"}),
        (
            "services",
            ["connect_url"],
            ListServices((("fields", "ID,connect_URL"),)),
            {"connect_url": "https://connect.example/facebook"},
        ),
        ("sites", ["slug"], ListSites((("fields", "ID,URL,slug"),)), {"slug": "blog.example.com"}),
    ],
)
def test_fields_of_the_other_lists(gather: str, fields: list[str], query: Any, record: dict[str, Any]) -> None:
    asked = world()
    (records,) = gathered(asked, gather=[gather], fields=fields).values()
    assert records[0] == record
    assert asked.reads == [query]


def test_fields_of_the_account_keep_scope_and_site() -> None:
    asked = world()
    result = gathered(asked, gather=["account"], fields=["id", "token_client_id"])
    assert result["account"] == {"id": ME, "token_client_id": 5, "token_scope": ["global"], "token_site_id": None}
    assert asked.reads == [GetAccount((("fields", "ID,token_scope,token_site_id,token_client_id"),))]


def test_context_and_meta_are_part_of_every_query() -> None:
    asked = world()
    every = ["publicize", "keyring", "applications", "services", "sites", "account"]
    gathered(asked, gather=every, meta=["site", "service"], context="edit")
    shape = (("context", "edit"), ("meta", "site,service"))
    presentations = [getattr(query, "presentation", None) for query in asked.reads if query not in JUDGING]
    assert presentations == [shape] * 6


def test_account_that_cannot_be_read_is_an_error() -> None:
    with pytest.raises(WpcomError):
        plan("info", world(account=None), gather=["account"])
    assert run("info", world(account=None), gather=["account"]).result["error"]["code"] == "authorization_required"
