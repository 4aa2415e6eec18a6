# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What real accounts throw at a client: the world of troubles, and what a world can say besides."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from .. import TROUBLES_WORLD, Simulator, WorldError
from .conftest import Client, error

ON_777 = "/sites/777/publicize-connections"
MINE = "/me/publicize-connections"
KEYRING = "/me/keyring-connections"


@pytest.fixture(scope="module")
def running_simulator() -> Iterator[Simulator]:
    """One simulator with the world of troubles for all tests of this file."""
    with Simulator(TROUBLES_WORLD) as simulator:
        yield simulator


@pytest.fixture
def me(simulator: Simulator) -> Client:
    """A client of user 100."""
    return Client(simulator)


def record(client: Client, path: str) -> Any:
    """Return one record."""
    response = client.get(path)
    assert response.status_code == 200, response.text
    return response.json()


# Bad entries


@pytest.mark.parametrize(
    ("name", "path", "key"),
    [
        ("P1", MINE, "connections"),
        ("P6", ON_777, "connections"),
        ("K1", KEYRING, "connections"),
        ("A1", "/me/connected-applications", "connected_applications"),
        ("M2", "/me/sites", "sites"),
    ],
)
def test_bad_entries_of_a_world(simulator: Simulator, me: Client, name: str, path: str, key: str) -> None:
    """A world says what is in a list besides records, and where."""
    whole = me.get(path).json()[key]
    simulator.patch(
        bad_entries=[
            {"list": name, "first": True, "entry": {"meta": {"links": {}}}},
            {"list": name, "entry": None},
            {"list": name, "entry": {"ID": 0}},
        ]
    )
    rows = me.get(path).json()[key]
    assert [row["ID"] for row in rows[1:-2]] == [row["ID"] for row in whole]
    assert (rows[0], rows[-2:]) == ({"meta": {"links": {}}}, [None, {"ID": 0}])
    simulator.patch(bad_entries=[])
    assert len(me.get(path).json()[key]) == len(whole)


def test_bad_entries_of_services(simulator: Simulator, me: Client) -> None:
    """The services are a map, and so are their bad entries."""
    simulator.patch(
        bad_entries=[{"list": "S1", "key": "first", "first": True}, {"list": "S1", "key": "x", "entry": {"meta": {}}}]
    )
    services = me.get("/meta/external-services").json()["services"]
    assert (next(iter(services)), services["first"], services["x"]) == ("first", None, {"meta": {}})
    simulator.settings(switches={"bad_entries": "all"})
    services = me.get("/meta/external-services").json()["services"]
    assert [services[f"orphan-{position}"] and services[f"orphan-{position}"].get("ID", "absent") for position in range(4)] == [
        "absent", "0", None, None,
    ]  # fmt: skip


def test_bad_entries_of_one_site(simulator: Simulator, me: Client) -> None:
    """A bad entry may be in the list of one site only."""
    simulator.patch(bad_entries=[{"list": "P6", "site_ID": 777, "entry": None}])
    assert me.get(ON_777).json()["connections"][-1] is None
    assert me.get("/sites/888/publicize-connections").json()["connections"] == []


def test_bad_entries_survive_parameters(simulator: Simulator, me: Client) -> None:
    """`fields` and `meta` work on what is a record."""
    simulator.settings(switches={"bad_entries": "all"})
    rows = me.get(ON_777, fields="ID,service", meta="site").json()["connections"]
    assert rows[-4:] == [{}, {"ID": 0, "service": "mastodon"}, {"ID": None, "service": "mastodon"}, None]
    assert rows[0] == {"ID": 9003, "service": "facebook"}
    assert "data" in me.get(ON_777, meta="site").json()["connections"][0]["meta"]


@pytest.mark.parametrize("given", [{}, [{"list": "P2"}], [{"entry": None}], [{"list": "P6", "site_ID": "777"}]])
def test_wrong_bad_entries_are_refused(simulator: Simulator, given: Any) -> None:
    """A bad entry that cannot be is named, and nothing is changed."""
    simulator.patch(bad_entries=[{"list": "P6"}])
    with pytest.raises(WorldError, match="bad_entries"):
        simulator.patch(bad_entries=given)
    assert Client(simulator).get(ON_777).json()["connections"][-1] is None


# Forms


def test_lists_with_gaps_are_objects(me: Client) -> None:
    """One keyring connection has objects where the others have lists."""
    gaps = record(me, f"{KEYRING}/507")
    assert gaps["sites"] == {"1": "779"}
    assert {key: user["external_ID"] for key, user in gaps["additional_external_users"].items()} == {
        "1": "5072",
        "3": "5073",
    }
    assert isinstance(record(me, f"{KEYRING}/501")["sites"], list)


def test_gaps_keep_parameters(simulator: Simulator, me: Client) -> None:
    """`fields` filters inside a list that is an object."""
    simulator.settings(switches={"php_gaps": "everywhere"})
    rows = me.get(ON_777, fields="ID").json()["connections"]
    assert rows["1"] == {"ID": 9003}
    assert me.get("/sites/888/publicize-connections").json()["connections"] == []


def test_names_of_the_world_are_escaped(me: Client) -> None:
    """Names have entities, typographic ones too."""
    pages = record(me, f"{KEYRING}/501")["additional_external_users"]
    assert [page["external_name"] for page in pages] == ["Salt &amp; Pepper", "Tom&#8217;s &quot;Best&quot;"]
    assert record(me, "/me/connected-applications/7101")["title"] == "Tom &amp; Jerry&#8217;s"
    assert record(me, "/sites/777")["name"] == "The Second &amp; Last"
    assert pages[0]["external_description"] == "A page of spices"


def test_lone_surrogates_are_escapes(me: Client) -> None:
    """Half an emoji is an escape in the JSON, so that only decoding it shows what is wrong."""
    text = me.get(f"{KEYRING}/508").text
    assert '"external_display":"Acme \\ud83d"' in text
    assert '"name":"M\\u00fcller \\ud83d"' in me.get("/sites/783").text


def test_statuses(me: Client) -> None:
    """A yearly renewal is due, a status that nobody knows, and one that was never tested."""
    status = {row["ID"]: row["status"] for row in me.get(KEYRING).json()["connections"]}
    assert (status[507], status[508], status[509]) == ("must_reauth", "on_hold", None)
    assert record(me, f"{MINE}/9024")["status"] == "on_hold"


@pytest.mark.parametrize(("form", "found"), [("date", "0000-00-00 00:00:00"), ("null", None), ("absent", "absent")])
def test_issued_may_be_null_or_absent(simulator: Simulator, me: Client, form: str, found: Any) -> None:
    """A date that is null in the world has the form of the switch."""
    simulator.settings(switches={"never_form": form})
    assert record(me, f"{MINE}/9025").get("issued", "absent") == found
    assert record(me, f"{KEYRING}/509").get("issued", "absent") == found
    assert record(me, f"{MINE}/9020")["external_follower_count"] is None
    reduced = record(me, f"{ON_777}/9051")
    assert (reduced["read_only"], "issued" in reduced) == (True, False)


# Sites


@pytest.mark.parametrize(
    ("name", "number"),
    [
        ("second.example.org", 777),
        ("secondexample.wordpress.com", 777),
        ("example.com::blog", 779),
        ("example.com", 778),
        ("xn--mller-kva.example", 783),
        ("shared.example.com", 781),
        ("sharedexample.wordpress.com", 781),
        ("www.example.org", 784),
        ("example.org", 785),
        ("EXAMPLE.org", 785),
    ],
)
def test_site_names(me: Client, name: str, number: int) -> None:
    """A site answers under its domain, its old address and with its path behind two colons."""
    assert record(me, f"/sites/{name}")["ID"] == number
    assert me.get(f"/sites/{name}/publicize-connections").status_code == 200


@pytest.mark.parametrize(
    "name",
    [
        "m%C3%BCller.example",
        "www.second.example.org",
        "example.org.",
        "example.org:443",
        "example.com::Other",
        "example.net",
    ],
)
def test_names_of_no_site(me: Client, name: str) -> None:
    """Another name, or the same in another form, is no site."""
    assert error(me.get(f"/sites/{name}")) == (404, "unknown_blog")


def test_a_path_is_not_a_name(me: Client) -> None:
    """With a slash there is not even a route."""
    response = me.get("/sites/example.com/blog")
    assert (response.status_code, response.content) == (404, b"")


def test_slugs(me: Client) -> None:
    """The list of sites has the names that the API takes, and the old address among the options."""
    sites = {site["ID"]: site for site in me.get("/me/sites").json()["sites"]}
    assert (sites[779]["slug"], sites[779]["URL"]) == ("example.com::blog", "https://example.com/blog")
    assert sites[781]["slug"] == sites[782]["slug"] == "shared.example.com"
    assert sites[777]["options"]["unmapped_url"] == "https://secondexample.wordpress.com"


def test_names_follow_a_change(simulator: Simulator, me: Client) -> None:
    """A name that a site no longer has means nothing, or the other site that has it."""
    simulator.patch(sites=[{"ID": 777, "options": {}}, {"ID": 781, "slug": "moved.example.com"}])
    assert error(me.get("/sites/secondexample.wordpress.com")) == (404, "unknown_blog")
    assert record(me, "/sites/shared.example.com")["ID"] == 782
    simulator.patch(delete={"sites": [782]})
    assert error(me.get("/sites/shared.example.com")) == (404, "unknown_blog")


def test_json_api_switched_off(simulator: Simulator, me: Client) -> None:
    """Everything that is asked about the site is refused; the list still has it."""
    for path in ("/sites/786", "/sites/786/publicize-connections", "/sites/closed.example.net"):
        assert error(me.get(path)) == (403, "unauthorized")
    response = me.post("/sites/786/publicize-connections/new", {"keyring_connection_ID": 505})
    assert error(response) == (403, "unauthorized")
    simulator.patch(sites=[{"ID": 786, "json_api": True}])
    assert me.get("/sites/786").status_code == 200


def test_applications_of_sites(me: Client) -> None:
    """An application names its site by address, or not at all."""
    rows = {row["ID"]: row["site"] for row in me.get("/me/connected-applications").json()["connected_applications"]}
    assert rows["7101"] is False
    assert (rows["7102"]["site_ID"], rows["7102"]["site_URL"]) == ("779", "https://example.com/blog")
    assert (rows["7103"]["site_ID"], rows["7103"]["site_URL"]) == ("777", False)


# Whose


def test_orphans(me: Client) -> None:
    """A publicize connection goes on without its keyring connection, and can be changed and deleted."""
    assert 599 not in me.ids(KEYRING)
    assert error(me.get(f"{KEYRING}/599")) == (404, "not_found")
    assert error(me.post(f"{KEYRING}/599/delete")) == (404, "not_found")
    response = me.post("/sites/888/publicize-connections/new", {"keyring_connection_ID": 599})
    assert error(response) == (404, "not_found")
    for path in (MINE, ON_777):
        orphan = next(row for row in me.get(path).json()["connections"] if row["ID"] == 9050)
        assert {key: orphan[key] for key in ("site_ID", "keyring_connection_ID", "service", "external_ID")} == {
            "site_ID": 777, "keyring_connection_ID": 599, "service": "tumblr", "external_ID": "old",
        }  # fmt: skip
        assert (orphan["keyring_connection_user_ID"], orphan["user_ID"]) == (100, 100)
    assert me.post(f"{MINE}/9050", {"shared": True}).json()["shared"] is True
    assert me.post(f"{ON_777}/9050/delete").json() == {"ID": 9050, "deleted": True}
    assert 9050 not in me.ids(ON_777)


def test_orphan_of_a_colleague(me: Client) -> None:
    """Another user's orphan is theirs."""
    orphan = next(row for row in me.get(ON_777).json()["connections"] if row["ID"] == 9051)
    assert (orphan["user_ID"], orphan["keyring_connection_user_ID"]) == (0, 200)
    assert error(me.post(f"{ON_777}/9051/delete")) == (403, "authorization_required")


def test_colleague_in_my_list(simulator: Simulator, me: Client) -> None:
    """A colleague's keyring connection is in my list, first even, can be read, and is not mine."""
    rows = me.get(KEYRING).json()["connections"]
    assert [(row["ID"], row["user_ID"]) for row in rows[:2]] == [(450, 200), (501, 100)]
    assert record(me, f"{KEYRING}/450")["user_ID"] == 200
    assert error(me.post(f"{KEYRING}/450/delete")) == (403, "authorization_required")
    response = me.post("/sites/888/publicize-connections/new", {"keyring_connection_ID": 450})
    assert error(response) == (403, "authorization_required")
    assert Client(simulator, "sim-token-colleague").ids(KEYRING) == [450]
    simulator.settings(switches={"keyring_user_id": "zero"})
    assert [row["user_ID"] for row in me.get(KEYRING).json()["connections"][:2]] == [200, 0]


def test_twins(me: Client) -> None:
    """Two keyring connections of one account make two connections on a site."""
    first, second = record(me, f"{KEYRING}/502"), record(me, f"{KEYRING}/520")
    assert [first[key] for key in ("service", "external_ID")] == [second[key] for key in ("service", "external_ID")]
    response = me.post("/sites/779/publicize-connections/new", {"keyring_connection_ID": 502})
    assert response.status_code == 200
    assert me.ids("/sites/779/publicize-connections", service="tumblr") == [9026, response.json()["ID"]]


def test_accounts_that_display_the_same(me: Client) -> None:
    """Only name and ID tell the two apart."""
    rows = [record(me, f"{KEYRING}/{number}") for number in (505, 506)]
    assert rows[0]["external_display"] == rows[1]["external_display"] == "Acme"
    assert rows[0]["external_name"] != rows[1]["external_name"]


# Connections that cannot post


def test_unsupported_service(me: Client) -> None:
    """The old connection says ok and can be changed; a new one cannot be made."""
    assert record(me, "/meta/external-services/twitter")["status"] == "unsupported"
    assert record(me, f"{MINE}/9030")["status"] == "ok"
    assert me.post(f"{MINE}/9030", {"shared": True}).status_code == 200
    response = me.post("/sites/888/publicize-connections/new", {"keyring_connection_ID": 530})
    assert error(response) == (400, "insert_error")


@pytest.mark.parametrize(("number", "nothing"), [(9011, None), (9012, ""), (9013, False)])
def test_page_that_was_never_chosen(me: Client, number: int, nothing: Any) -> None:
    """A connection without a page has nothing where its account would be, until a page is named."""
    found = record(me, f"{MINE}/{number}")
    for key in ("external_ID", "external_name", "external_display"):
        assert found[key] is nothing or found[key] == nothing != 0
    assert me.post(f"{MINE}/{number}", {"shared": True}).json()["external_ID"] == found["external_ID"]
    repaired = me.post(f"{MINE}/{number}", {"external_user_ID": "9002"}).json()
    assert (repaired["external_ID"], repaired["external_name"]) == ("9002", "Tom&#8217;s &quot;Best&quot;")
    assert record(me, f"{MINE}/{number}")["external_ID"] == "9002"


def test_choosing_the_profile_is_refused_and_keeps_nothing(me: Client) -> None:
    """A refused reset leaves a connection without a page as it was."""
    assert me.post(f"{MINE}/9011", {"external_user_ID": False}).status_code == 400
    assert record(me, f"{MINE}/9011")["external_ID"] is None


def test_profile_where_only_pages_are_allowed(me: Client) -> None:
    """A connection to the profile itself exists, though none can be made."""
    assert record(me, f"{MINE}/9010")["external_ID"] == "900"
    response = me.post("/sites/888/publicize-connections/new", {"keyring_connection_ID": 501})
    assert error(response) == (400, "invalid_input")


@pytest.mark.parametrize(("given", "found"), [([], []), (None, None), ("absent", "absent")])
def test_no_pages(simulator: Simulator, me: Client, given: Any, found: Any) -> None:
    """An account without pages has an empty list, null or nothing, and the reason beside it."""
    simulator.patch(keyring_connections=[{"ID": 510, "additional_external_users": given}])
    shown = record(me, f"{KEYRING}/510")
    assert shown.get("additional_external_users", "absent") == found
    assert shown["additional_external_users_empty_reason"] == "no_linked_accounts"
    body = {"keyring_connection_ID": 510, "external_user_ID": "1"}
    assert error(me.post("/sites/888/publicize-connections/new", body)) == (400, "invalid_input")


def test_pages_after_a_refetch(simulator: Simulator, me: Client) -> None:
    """Once there are pages, there is no reason for having none."""
    pages = [{"external_ID": "5102", "external_name": "Acme"}]
    simulator.patch(keyring_connections=[{"ID": 510, "external_users_after_refetch": pages}])
    shown = me.get(f"{KEYRING}/510", force_external_users_refetch=1).json()
    assert [page["external_ID"] for page in shown["additional_external_users"]] == ["5102"]
    assert "additional_external_users_empty_reason" not in shown


def test_sites_without_publicize_connections(me: Client) -> None:
    """A keyring connection of type other is in use on sites."""
    other = record(me, f"{KEYRING}/515")
    assert (other["type"], other["sites"]) == ("other", ["777", "888"])
    assert me.ids(MINE, keyring_connection_ID=515) == []
    assert 515 in me.ids(KEYRING, site="888")


# Writes


def test_duplicate_of_any_external_user(simulator: Simulator, me: Client) -> None:
    """Where the account counts, another page of it is a duplicate too; another site is not."""
    body = {"keyring_connection_ID": 501, "external_user_ID": "9002"}
    simulator.settings(
        switches={"create_duplicate": "error", "duplicate_status": 409, "duplicate_slug": "connection_exists"}
    )
    same = {**body, "external_user_ID": "9001"}
    assert error(me.post(f"{ON_777}/new", same)) == (409, "connection_exists")
    assert me.post(f"{ON_777}/new", body).status_code == 200
    simulator.reset(switches={"create_duplicate": "error_any_user"})
    assert error(me.post(f"{ON_777}/new", body)) == (400, "insert_error")
    assert me.post("/sites/888/publicize-connections/new", body).status_code == 200


def test_ignored_page_change(simulator: Simulator, me: Client) -> None:
    """The server says 200 and keeps the old page; nothing was changed."""
    simulator.settings(switches={"drop_external_user": "update"})
    assert me.post(f"{ON_777}/9003", {"external_user_ID": "9002"}).json()["external_ID"] == "9001"
    assert simulator.requests("POST")[0]["applied"] is False


def test_user_form(simulator: Simulator) -> None:
    """The user has a scope as text, 0 for no site and -1 for no client."""
    simulator.settings(switches={"token_scope_form": "text", "token_site_unbound": "zero"})
    shown = record(Client(simulator, "sim-token-own"), "/me")
    assert (shown["token_scope"], shown["token_client_id"]) == ("global", -1)
    assert shown["token_site_id"] == 0
    assert shown["token_site_id"] is not False


def test_a_write_may_be_answered_with_another_record(simulator: Simulator, me: Client) -> None:
    """A POST that is answered with the user is a fault of another shape."""
    user = record(me, "/me")
    simulator.fault(kind="wrong_shape", method="POST", when="after", body=user)
    assert me.post(f"{ON_777}/9003", {"shared": True}).json()["username"] == "me"
    assert record(me, f"{MINE}/9003")["shared"] is True


# The world itself


def test_state_can_be_given_back(simulator: Simulator) -> None:
    """What the state shows of this world is a world as well."""
    state = simulator.state()
    simulator.patch(state)
    assert simulator.state() == state


def test_reset_takes_a_file(simulator: Simulator, me: Client) -> None:
    """A reset goes to another world by its file."""
    simulator.patch(delete={"sites": [777]})
    simulator.reset(TROUBLES_WORLD)
    assert me.get("/sites/777").status_code == 200


@pytest.mark.parametrize(
    "changes",
    [
        {"keyring_connections": [{"ID": 510, "additional_external_users": "none"}]},
        {"keyring_connections": [{"ID": 515, "sites": ["777"]}]},
        {"publicize_connections": [{"ID": 9011, "external_ID": 0}]},
        {"applications": [{"ID": 7103, "site_URL": True}]},
    ],
)
def test_wrong_entries_are_refused(simulator: Simulator, changes: Any) -> None:
    """What no world can say is named."""
    name = next(key for key in next(iter(changes.values()))[0] if key != "ID")
    with pytest.raises(WorldError, match=name):
        simulator.patch(changes)
