# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What reading answers: endpoints, filters and forms, one fact a test."""

from __future__ import annotations

import re

import pytest

from .. import Simulator
from .conftest import Client, error

ZERO = "0000-00-00 00:00:00"
DATE = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d")
MINE = [5001, 5002, 5003, 5004, 5007, 5008, 5009, 5010, 5011, 5013, 5014, 5015]

PUBLICIZE_KEYS = {
    "ID", "site_ID", "user_ID", "keyring_connection_ID", "keyring_connection_user_ID", "shared", "service", "label",
    "issued", "expires", "external_ID", "external_name", "external_display", "external_profile_picture",
    "external_profile_URL", "external_follower_count", "status", "refresh_URL", "meta",
}  # fmt: skip
KEYRING_KEYS = {
    "ID", "user_ID", "type", "service", "label", "issued", "expires", "external_ID", "external_name",
    "external_display", "external_profile_picture", "additional_external_users", "status", "refresh_URL", "sites",
    "meta",
}  # fmt: skip
READS = [
    "/me/publicize-connections", "/me/publicize-connections/5001", "/sites/3001/publicize-connections",
    "/sites/3001/publicize-connections/5001", "/me/keyring-connections", "/me/keyring-connections/2001",
    "/me/connected-applications", "/me/connected-applications/7001", "/meta/external-services",
    "/meta/external-services/instagram-business", "/me", "/me/sites", "/sites/3001",
]  # fmt: skip


# Publicize connections


def test_list_mine_is_all_sites_in_one_call(ada: Client) -> None:
    """P1 has all of mine, on all sites, and no more."""
    assert ada.ids("/me/publicize-connections/") == MINE


def test_list_mine_by_service(ada: Client) -> None:
    """P1 filters by service."""
    assert ada.ids("/me/publicize-connections", service="mastodon") == [5002, 5007, 5008, 5009]


def test_list_mine_by_keyring_connection(ada: Client) -> None:
    """P1 filters by keyring connection."""
    assert ada.ids("/me/publicize-connections", keyring_connection_ID=2001) == [5001, 5003]


def test_list_mine_by_site_has_others_shared_ones(ada: Client) -> None:
    """P1 with a site also has what others share there, but not what they keep to themselves."""
    assert ada.ids("/me/publicize-connections", site="3001") == [5001, 5002, 5005, 5012]
    assert ada.ids("/me/publicize-connections", site="blog.example.com") == [5001, 5002, 5005, 5012]


def test_list_mine_by_unknown_site(ada: Client) -> None:
    """P1 with a site that is not there is an error."""
    assert error(ada.get("/me/publicize-connections", site="9")) == (404, "unknown_blog")


def test_read_mine(ada: Client) -> None:
    """P2 answers one record."""
    record = ada.get("/me/publicize-connections/5001").json()
    assert (record["ID"], record["site_ID"], record["external_ID"]) == (5001, 3001, "111")


def test_list_on_site_shows_an_administrator_all(ada: Client) -> None:
    """P6 has other users' unshared connections for an administrator."""
    assert ada.ids("/sites/3001/publicize-connections/") == [5001, 5002, 5005, 5006, 5012]
    assert ada.ids("/sites/blog.example.com/publicize-connections") == [5001, 5002, 5005, 5006, 5012]


def test_list_on_site_shows_others_mine_and_shared(grace: Client, linus: Client) -> None:
    """P6 has one's own and the shared ones for everybody else."""
    assert grace.ids("/sites/3001/publicize-connections") == [5005, 5006, 5012]
    assert linus.ids("/sites/3001/publicize-connections") == [5005, 5012]


def test_list_on_site_filters(ada: Client) -> None:
    """P6 filters by service, user and keyring connection."""
    path = "/sites/3001/publicize-connections"
    assert ada.ids(path, service="facebook") == [5001, 5005]
    assert ada.ids(path, user_id="1002") == [5005, 5006]
    assert ada.ids(path, keyring_connection_ID=2003) == [5002]
    assert ada.ids(path, service="mastodon", user_id=1004) == [5012]
    assert ada.ids(path, service="nothing") == []


def test_unknown_filters_are_ignored(ada: Client) -> None:
    """A filter in the wrong case is no filter."""
    assert ada.ids("/me/publicize-connections", keyring_connection_id=2001) == MINE


def test_publicize_connection_keys(ada: Client) -> None:
    """A publicize connection has these keys and no others; URL and read_only are not in lists."""
    for record in ada.get("/me/publicize-connections").json()["connections"]:
        assert set(record) == PUBLICIZE_KEYS
    assert set(ada.get("/me/publicize-connections/5001").json()) == PUBLICIZE_KEYS


def test_publicize_connection_types(ada: Client) -> None:
    """The types of a publicize connection are as documented."""
    for record in ada.get("/sites/3001/publicize-connections").json()["connections"]:
        for key in ("ID", "site_ID", "user_ID", "keyring_connection_ID", "keyring_connection_user_ID"):
            assert isinstance(record[key], int)
            assert not isinstance(record[key], bool)
        assert isinstance(record["shared"], bool)
        assert record["external_ID"] is None or isinstance(record["external_ID"], str)
        assert record["external_follower_count"] is None or (
            isinstance(record["external_follower_count"], int)
            and not isinstance(record["external_follower_count"], bool)
        )


def test_user_is_0_when_shared(ada: Client) -> None:
    """A shared connection has user 0; the owner stays with the keyring connection."""
    by_id = {row["ID"]: row for row in ada.get("/sites/3001/publicize-connections").json()["connections"]}
    assert (by_id[5005]["user_ID"], by_id[5005]["keyring_connection_user_ID"]) == (0, 1002)
    assert (by_id[5001]["user_ID"], by_id[5001]["keyring_connection_user_ID"]) == (1001, 1001)


def test_dates_have_a_space_and_no_zone(ada: Client) -> None:
    """Dates are YYYY-MM-DD HH:MM:SS, and never is the zero date."""
    record = ada.get("/me/publicize-connections/5001").json()
    assert DATE.fullmatch(record["issued"])
    assert record["expires"] == ZERO
    assert DATE.fullmatch(ada.get("/me/publicize-connections/5010").json()["expires"])


def test_external_name_may_be_empty(ada: Client) -> None:
    """Facebook names nobody."""
    assert ada.get("/me/keyring-connections/2001").json()["external_name"] == ""


@pytest.mark.parametrize(
    ("path", "key"),
    [
        ("/me/publicize-connections/5001", "refresh_URL"),
        ("/me/keyring-connections/2001", "refresh_URL"),
        ("/meta/external-services/facebook", "connect_URL"),
    ],
)
def test_nonces_differ_in_every_answer(ada: Client, path: str, key: str) -> None:
    """The links with nonces are never the same twice; all else is."""
    first, second = ada.get(path).json(), ada.get(path).json()
    assert first[key] != second[key]
    assert {**first, key: ""} == {**second, key: ""}


def test_self_link_is_always_the_one_of_the_site(ada: Client) -> None:
    """The link to itself is the form with /sites/, also from /me."""
    links = ada.get("/me/publicize-connections/5003").json()["meta"]["links"]
    assert links["self"] == "https://public-api.wordpress.com/rest/v1.1/sites/3002/publicize-connections/5003"
    assert set(links) == {"self", "help", "site", "service", "keyring-connection"}


def test_read_only_for_somebody_elses_shared_one(ada: Client) -> None:
    """P7 shows another user's shared connection reduced, and says that it is read-only."""
    record = ada.get("/sites/3001/publicize-connections/5005").json()
    assert record["read_only"] is True
    assert set(record) < PUBLICIZE_KEYS | {"read_only"}
    assert "refresh_URL" not in record


def test_read_only_is_false_for_mine(ada: Client) -> None:
    """P7 shows one's own in full."""
    record = ada.get("/sites/3001/publicize-connections/5001").json()
    assert record["read_only"] is False
    assert set(record) == PUBLICIZE_KEYS | {"read_only"}


def test_administrator_reads_others_unshared_one(ada: Client, linus: Client) -> None:
    """P7 shows an administrator what P6 lists, and nobody else."""
    record = ada.get("/sites/3001/publicize-connections/5006").json()
    assert (record["keyring_connection_user_ID"], record["read_only"]) == (1002, False)
    assert error(linus.get("/sites/3001/publicize-connections/5006")) == (403, "authorization_required")


def test_connection_of_another_site_is_not_found(ada: Client) -> None:
    """P7 knows the connections of its site only."""
    assert error(ada.get("/sites/3001/publicize-connections/5003")) == (404, "not_found")


# Keyring connections


def test_list_keyring_connections_is_mine(ada: Client, grace: Client) -> None:
    """K1 has one's own, whatever their type."""
    assert ada.ids("/me/keyring-connections/") == list(range(2001, 2012))
    assert grace.ids("/me/keyring-connections/") == [2101, 2102]


def test_list_keyring_connections_by_site(ada: Client) -> None:
    """K1 filters by site."""
    assert ada.ids("/me/keyring-connections", site=3002) == [2001, 2006, 2007]
    assert ada.ids("/me/keyring-connections", site="blog.example.com") == [2001, 2003]


def test_keyring_connection_form(ada: Client) -> None:
    """A keyring connection has these keys and types, site IDs as strings among them; no token is shown."""
    for record in ada.get("/me/keyring-connections").json()["connections"]:
        assert set(record) == KEYRING_KEYS
        assert isinstance(record["ID"], int)
        assert not isinstance(record["ID"], bool)
        assert isinstance(record["user_ID"], int)
        assert not isinstance(record["user_ID"], bool)
        assert record["type"] in ("publicize", "other")
        assert all(isinstance(site, str) for site in record["sites"])
    assert ada.get("/me/keyring-connections/2001").json()["sites"] == ["3001", "3002"]
    assert ada.get("/me/keyring-connections/2008").json()["type"] == "other"
    assert ada.get("/me/keyring-connections/2010").json()["sites"] == []


def test_additional_external_users(ada: Client) -> None:
    """The further users of an account have these keys."""
    for user in ada.get("/me/keyring-connections/2001").json()["additional_external_users"]:
        assert set(user) == {
            "external_ID", "external_name", "external_display", "external_profile_picture", "external_category",
            "external_meta",
        }  # fmt: skip


def test_forced_refetch_finds_new_pages(ada: Client) -> None:
    """A new page is there only after a refetch, and stays."""

    def pages(**query: int) -> list[str]:
        record = ada.get("/me/keyring-connections/2001", **query).json()
        return [user["external_ID"] for user in record["additional_external_users"]]

    assert pages() == ["111", "112"]
    assert pages(force_connection_test=1) == ["111", "112"]
    assert pages(force_external_users_refetch=1) == ["111", "112", "113"]
    assert pages() == ["111", "112", "113"]


def test_forced_refetch_on_the_list(ada: Client) -> None:
    """K1 takes the same parameter."""
    rows = ada.get("/me/keyring-connections", force_external_users_refetch="true").json()["connections"]
    assert len(rows[0]["additional_external_users"]) == 3


def test_forced_test_reveals_the_true_status(ada: Client) -> None:
    """The status is cached until a test is forced: of the keyring connection and of what hangs on it."""
    assert ada.get("/me/keyring-connections/2011").json()["status"] == "ok"
    assert ada.get("/me/publicize-connections/5015").json()["status"] == "ok"
    rows = ada.get("/me/keyring-connections", force_connection_test=1).json()["connections"]
    assert rows[-1]["status"] == "invalid"
    assert ada.get("/me/keyring-connections/2011").json()["status"] == "invalid"
    assert ada.get("/me/publicize-connections/5015").json()["status"] == "invalid"


def test_forced_test_needs_a_true_value(ada: Client) -> None:
    """`yes` forces nothing."""
    assert ada.get("/me/keyring-connections/2011", force_connection_test="yes").json()["status"] == "ok"


def test_status_is_cached_for_twelve_hours(ada: Client, simulator: Simulator) -> None:
    """After twelve hours the server looks again by itself."""
    simulator.settings(now="2126-01-01T00:00:00Z")
    assert ada.get("/me/keyring-connections/2011").json()["status"] == "invalid"


def test_statuses_of_the_default_world(ada: Client) -> None:
    """Statuses come as they are known."""
    rows = ada.get("/me/keyring-connections").json()["connections"]
    assert {row["ID"]: row["status"] for row in rows if row["status"] != "ok"} == {
        2005: "refresh-failed",
        2006: "broken",
        2007: "must_reauth",
    }


def test_untested_status_is_null(ada: Client, simulator: Simulator) -> None:
    """What was never tested has no status, until it is tested."""
    simulator.patch(keyring_connections=[{"ID": 2003, "status": None}])
    assert ada.get("/me/keyring-connections/2003").json()["status"] is None
    assert ada.get("/me/publicize-connections/5002").json()["status"] is None
    assert ada.get("/me/keyring-connections/2003", force_connection_test="t").json()["status"] == "ok"


# Connected applications


def test_list_applications(ada: Client) -> None:
    """A1: an entry is one token, so that an application may be there several times; IDs are strings."""
    rows = ada.get("/me/connected-applications/").json()["connected_applications"]
    assert [row["ID"] for row in rows] == ["7001", "7002", "7003", "7004", "7005"]
    assert [row["title"] for row in rows].count("Acme Editor") == 2


def test_application_form(ada: Client) -> None:
    """A2: scope is a text, site is false or a mapping whose ID is a string, authorized has an offset."""
    record = ada.get("/me/connected-applications/7001").json()
    assert set(record) == {
        "ID", "title", "icon", "URL", "description", "permissions", "authorized", "scope", "site",
    }  # fmt: skip
    assert record["site"] is False
    assert record["scope"] == ""
    assert record["authorized"] == "2014-06-28T05:44:25+00:00"
    assert set(record["permissions"][0]) == {"name", "description"}
    bound = ada.get("/me/connected-applications/7003").json()["site"]
    assert bound == {
        "site_ID": "3001",
        "site_URL": "https://blog.example.com",
        "site_name": "The Analytical Blog",
    }


# Services


def test_services_are_a_map_in_display_order(ada: Client) -> None:
    """S1 is a map, in the order of display."""
    services = ada.get("/meta/external-services/").json()["services"]
    assert list(services)[:4] == ["facebook", "instagram-business", "linkedin", "tumblr"]
    assert all(name == service["ID"] for name, service in services.items())


def test_services_by_type(ada: Client) -> None:
    """S1 filters by type."""
    assert list(ada.get("/meta/external-services", type="other").json()["services"]) == ["google_photos", "slack"]
    assert len(ada.get("/meta/external-services", type="publicize").json()["services"]) == 8


def test_service_form(ada: Client) -> None:
    """S2: `status` and `external_users_only` are absent where there is nothing to say."""
    mastodon = ada.get("/meta/external-services/mastodon").json()
    assert set(mastodon) == {
        "ID", "label", "type", "description", "genericon", "icon", "connect_URL", "multiple_external_user_ID_support",
        "jetpack_support", "jetpack_module_required", "warnings",
    }  # fmt: skip
    assert ada.get("/meta/external-services/twitter").json()["status"] == "unsupported"
    assert ada.get("/meta/external-services/facebook").json()["external_users_only"] is True
    assert ada.get("/meta/external-services/tumblr").json()["external_users_only"] is False


def test_service_names_may_have_a_hyphen(ada: Client) -> None:
    """S2 takes a name with a hyphen, and 404 is for one that is not there."""
    assert ada.get("/meta/external-services/instagram-business").json()["ID"] == "instagram-business"
    assert error(ada.get("/meta/external-services/myspace")) == (404, "not_found")


# The user and the sites


def test_me_tells_about_the_token(ada: Client, simulator: Simulator) -> None:
    """M1: the scope is a list, the site an int or false."""
    me = ada.get("/me").json()
    assert (me["ID"], me["username"], me["primary_blog"]) == (1001, "ada", 3001)
    assert (me["token_scope"], me["token_site_id"], me["token_client_id"]) == (["global"], False, 50001)
    bound = Client(simulator, "sim-token-site").get("/me").json()
    assert (bound["token_scope"], bound["token_site_id"], bound["token_client_id"]) == ([], 3001, 50004)


def test_my_sites(ada: Client, grace: Client) -> None:
    """M2 has the sites that one belongs to."""
    assert [site["ID"] for site in ada.get("/me/sites").json()["sites"]] == [3001, 3002, 3003, 3005, 3006, 3007]
    assert [site["ID"] for site in grace.get("/me/sites").json()["sites"]] == [3001, 3003, 3004, 3008]


def test_my_sites_by_visibility_activity_and_kind(ada: Client, simulator: Simulator) -> None:
    """M2 takes its parameters."""
    simulator.patch(
        sites=[
            {"ID": 3001, "visible": False},
            {"ID": 3002, "active": False},
            {"ID": 3003, "domain_only": True},
            {"ID": 3005, "redirect": True},
        ]
    )

    def sites(**query: object) -> list[int]:
        return [site["ID"] for site in ada.get("/me/sites", **query).json()["sites"]]

    assert sites() == [3001, 3002, 3005, 3006, 3007]
    assert sites(site_visibility="all", site_activity="all") == sites()
    assert sites(site_visibility="hidden") == [3001]
    assert sites(site_visibility="visible") == [3002, 3005, 3006, 3007]
    assert sites(site_activity="inactive") == [3002]
    assert sites(site_activity="active") == [3001, 3005, 3006, 3007]
    assert 3003 in sites(include_domain_only=1)
    assert 3005 not in sites(include_redirect=0)


def test_site_options(ada: Client) -> None:
    """M2 and M3 show only the options that are asked for."""
    assert set(ada.get("/sites/3001").json()["options"]) == {"timezone", "login_url", "is_redirect"}
    assert ada.get("/sites/3001", options="timezone, nothing").json()["options"] == {"timezone": "Europe/London"}
    assert ada.get("/me/sites", options="timezone").json()["sites"][0]["options"] == {"timezone": "Europe/London"}


def test_site_by_id_or_domain(ada: Client, linus: Client) -> None:
    """M3 takes the number or the domain, and says what one may do there."""
    record = ada.get("/sites/3001").json()
    assert record == ada.get("/sites/blog.example.com").json() == ada.get("/sites/Blog.Example.com").json()
    assert (record["ID"], record["slug"], record["URL"]) == (3001, "blog.example.com", "https://blog.example.com")
    assert {"name", "jetpack", "is_private", "visible"} <= set(record)
    assert record["capabilities"]["publish_posts"] is True
    author = linus.get("/sites/3001").json()["capabilities"]
    assert (author["publish_posts"], author["edit_others_posts"]) == (True, False)


def test_a_site_of_others_can_be_read(ada: Client) -> None:
    """M3 shows a public site to anybody, without capabilities."""
    assert not any(ada.get("/sites/3008").json()["capabilities"].values())


# Token-info


def test_token_info(simulator: Simulator, nobody: Client) -> None:
    """O3 needs no login and answers strings only."""
    url = simulator.url + "/oauth2/token-info"
    answer = nobody.session.get(url, params={"client_id": "50001", "token": "sim-token"}, timeout=5)
    assert answer.json() == {"client_id": "50001", "user_id": "1001", "blog_id": "0", "scope": "global"}
    answer = nobody.session.get(url + "/", params={"client_id": "50004", "token": "sim-token-site"}, timeout=5)
    assert answer.json() == {"client_id": "50004", "user_id": "1001", "blog_id": "3001", "scope": ""}


@pytest.mark.parametrize(
    ("query", "slug"),
    [
        ({}, "invalid_request"),
        ({"client_id": "50001"}, "invalid_request"),
        ({"client_id": "50001", "token": "nonsense"}, "invalid_token"),
        ({"client_id": "1", "token": "sim-token"}, "invalid_client"),
    ],
)
def test_token_info_errors(simulator: Simulator, nobody: Client, query: dict[str, str], slug: str) -> None:
    """O3 reports errors as OAuth does."""
    answer = nobody.session.get(simulator.url + "/oauth2/token-info", params=query, timeout=5)
    assert answer.status_code == 400
    assert answer.json()["error"] == slug
    assert set(answer.json()) == {"error", "error_description"}


# What every GET takes


@pytest.mark.parametrize("path", READS)
def test_trailing_slash_is_optional(ada: Client, path: str) -> None:
    """Both spellings answer, and neither redirects."""
    assert ada.get(path).status_code == ada.get(path + "/").status_code == 200


@pytest.mark.parametrize("path", READS)
def test_envelope(ada: Client, path: str) -> None:
    """With http_envelope the answer is inside."""
    answer = ada.get(path, http_envelope=1)
    body = answer.json()
    assert answer.status_code == 200
    assert set(body) == {"code", "headers", "body"}
    assert body["code"] == 200
    assert body["headers"] == [{"name": "Content-Type", "value": "application/json"}]
    assert set(body["body"]) == set(ada.get(path).json())


def test_envelope_of_errors(ada: Client, nobody: Client) -> None:
    """With http_envelope every answer is 200, whatever happened."""
    answer = ada.get("/me/publicize-connections/1", http_envelope="true")
    assert (answer.status_code, answer.json()["code"]) == (200, 404)
    assert answer.json()["body"]["error"] == "not_found"
    assert nobody.get("/me", http_envelope="t").json()["code"] == 403
    wrong = ada.post("/me?http_envelope=1")
    assert (wrong.status_code, wrong.json()["code"]) == (200, 405)
    assert {"name": "Allow", "value": "GET"} in wrong.json()["headers"]
    unknown = ada.get("/nothing", http_envelope=1)
    assert (unknown.status_code, unknown.json()["code"], unknown.json()["body"]) == (200, 404, "")
    written = ada.post("/me/publicize-connections/5002/delete?http_envelope=1")
    assert written.json()["body"] == {"ID": 5002, "deleted": True}


@pytest.mark.parametrize("value", ["0", "false", "yes", "on", ""])
def test_envelope_needs_a_true_value(ada: Client, value: str) -> None:
    """Anything but a true value is no envelope."""
    assert "code" not in ada.get("/me", http_envelope=value).json()


def test_fields_look_inside_lists(ada: Client) -> None:
    """`fields` filters inside connections, services and sites."""
    for path in ("/me/publicize-connections", "/me/keyring-connections"):
        rows = ada.get(path, fields="ID,service").json()["connections"]
        assert rows
        assert all(set(row) == {"ID", "service"} for row in rows)
    services = ada.get("/meta/external-services", fields="ID, label").json()["services"]
    assert services["slack"] == {"ID": "slack", "label": "Slack"}
    assert ada.get("/me/sites", fields="slug").json()["sites"][0] == {"slug": "blog.example.com"}


def test_fields_on_one_record(ada: Client) -> None:
    """`fields` filters a single record."""
    assert ada.get("/me/publicize-connections/5001", fields="ID,status").json() == {"ID": 5001, "status": "ok"}


def test_fields_empty_the_applications(ada: Client) -> None:
    """`fields` leaves nothing of the list of applications."""
    assert ada.get("/me/connected-applications", fields="ID,title").json() == {"connected_applications": []}


def test_fields_leave_errors_alone(ada: Client) -> None:
    """An error is whole, whatever fields are asked for."""
    assert error(ada.get("/me/publicize-connections/1", fields="ID")) == (404, "not_found")


def test_pretty(ada: Client) -> None:
    """`pretty` has lines."""
    assert "\n" in ada.get("/me", pretty="true").text
    assert "\n" not in ada.get("/me", pretty="false").text


def test_meta_loads_linked_records(ada: Client) -> None:
    """`meta` adds what links lead to, for which the token must be good."""
    record = ada.get("/me/publicize-connections/5001", meta="site,keyring-connection,nothing").json()
    assert record["meta"]["data"]["site"]["ID"] == 3001
    assert record["meta"]["data"]["keyring-connection"]["ID"] == 2001
    assert set(record["meta"]["data"]) == {"site", "keyring-connection"}
    rows = ada.get("/sites/3001/publicize-connections", meta="keyring-connection").json()["connections"]
    assert rows[2]["meta"]["data"]["keyring-connection"]["error"] == "authorization_required"


def test_context_changes_nothing(ada: Client) -> None:
    """`context` is taken, whatever it says."""
    assert ada.get("/me", context="edit").json() == ada.get("/me", context="other").json() == ada.get("/me").json()


def test_callback(ada: Client) -> None:
    """`callback` makes a call of it, of a name without anything dangerous."""
    text = ada.get("/me", callback="my.call<b>").text
    assert text.startswith("/**/my.callb({")
    assert text.endswith("});")
