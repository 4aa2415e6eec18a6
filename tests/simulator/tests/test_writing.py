# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What writing does: casting, permissions and consequences, one fact a test."""

from __future__ import annotations

from typing import Any

import pytest

from .. import Simulator
from .conftest import Client, error

TRUE = [True, 1, "1", "t", "true"]
FALSE = [False, 0, 2, "", "0", "yes", "on", "y", "True", "false", "2", [], {}, [True], 1.5]


def raw(simulator: Simulator, number: int) -> Any:
    """Return a publicize connection as the simulator keeps it."""
    return next(row for row in simulator.state()["publicize_connections"] if row["ID"] == number)


def applied(simulator: Simulator) -> list[bool]:
    """Return for each write whether it changed something."""
    return [entry["applied"] for entry in simulator.requests(method="POST")]


# Updating


@pytest.mark.parametrize("path", ["/me/publicize-connections/5002", "/sites/3001/publicize-connections/5002"])
def test_update(ada: Client, simulator: Simulator, path: str) -> None:
    """P4 and P9 change a connection and answer it."""
    record = ada.post(path, {"shared": True}).json()
    assert (record["ID"], record["shared"], record["user_ID"]) == (5002, True, 0)
    assert raw(simulator, 5002)["shared"] is True
    assert "read_only" not in record


@pytest.mark.parametrize("value", TRUE, ids=repr)
def test_true(ada: Client, value: object) -> None:
    """These values are true."""
    assert ada.post("/me/publicize-connections/5002", {"shared": value}).json()["shared"] is True


@pytest.mark.parametrize("value", FALSE, ids=repr)
def test_false(ada: Client, value: object) -> None:
    """Everything else is false, without a word."""
    assert ada.post("/me/publicize-connections/5003", {"shared": value}).json()["shared"] is False


@pytest.mark.parametrize(
    ("value", "shared"), [("1", True), ("t", True), ("true", True), ("0", False), ("yes", False), ("on", False)]
)
def test_form_bodies_work_too(ada: Client, value: str, shared: bool) -> None:
    """A form is understood as JSON is."""
    answer = ada.send("POST", "/me/publicize-connections/5002", data={"shared": value})
    assert answer.json()["shared"] is shared


def test_multipart_bodies_work_too(ada: Client) -> None:
    """So is the other kind of form."""
    answer = ada.send("POST", "/me/publicize-connections/5002", files={"shared": (None, "1")})
    assert answer.json()["shared"] is True


@pytest.mark.parametrize("key", ["external_user_id", "externalUserID", "Shared", "SHARED", "title"])
def test_unknown_keys_are_dropped(ada: Client, simulator: Simulator, key: str) -> None:
    """Keys are case-sensitive; one that is not known is dropped without a word."""
    before = raw(simulator, 5001)
    answer = ada.post("/me/publicize-connections/5001", {key: "112", "shared": False})
    assert answer.status_code == 200
    assert answer.json()["external_ID"] == "111"
    assert raw(simulator, 5001) == before
    assert applied(simulator) == [False]


@pytest.mark.parametrize(
    "body", [{}, {"external_user_id": "112"}, {"shared": None}, {"shared": None, "external_user_ID": None}, [], "x", 1]
)
def test_update_without_a_known_key(ada: Client, body: object) -> None:
    """An update with no known key is refused; null counts as absent."""
    assert error(ada.post("/me/publicize-connections/5001", body)) == (400, "invalid_input")


def test_update_without_a_body(ada: Client) -> None:
    """Nor is nothing at all an update, nor what is no JSON."""
    assert error(ada.post("/me/publicize-connections/5001")) == (400, "invalid_input")
    broken = ada.send(
        "POST", "/me/publicize-connections/5001", data='{"shared": true', headers={"Content-Type": "application/json"}
    )
    assert error(broken) == (400, "invalid_input")


def test_the_query_is_no_body(ada: Client) -> None:
    """What stands in the address of a write is not read."""
    assert error(ada.post("/me/publicize-connections/5002?shared=1")) == (400, "invalid_input")


def test_update_of_the_external_user(ada: Client) -> None:
    """The external user can be changed, and what is shown of it changes too."""
    record = ada.post("/sites/3001/publicize-connections/5001", {"external_user_ID": "112"}).json()
    assert (record["external_ID"], record["external_name"]) == ("112", "Difference Engines")


@pytest.mark.parametrize("value", [False, 0, 212, True, 1.5, [], {}, "false"], ids=repr)
def test_update_with_anything_but_a_string_resets(ada: Client, simulator: Simulator, value: object) -> None:
    """Any value that is not a string means the default user, and so does the string false."""
    record = ada.post("/me/publicize-connections/5010", {"external_user_ID": value}).json()
    assert (record["external_ID"], record["external_name"]) == ("900002", "ada-l")
    assert raw(simulator, 5010)["external_user_ID"] is None


def test_naming_the_default_user_resets_too(ada: Client, simulator: Simulator) -> None:
    """The default user's own ID is the default user."""
    assert ada.post("/me/publicize-connections/5010", {"external_user_ID": "900002"}).status_code == 200
    assert raw(simulator, 5010)["external_user_ID"] is None


@pytest.mark.parametrize("value", ["900003", "111", "0"])
def test_external_user_where_the_service_has_one_only(ada: Client, simulator: Simulator, value: str) -> None:
    """A service without support refuses it, even where it equals the default."""
    answer = ada.post("/me/publicize-connections/5002", {"external_user_ID": value, "shared": True})
    assert error(answer) == (400, "invalid_input")
    assert raw(simulator, 5002)["shared"] is False


def test_external_user_that_the_account_does_not_have(ada: Client) -> None:
    """A user that is not there is refused, and a new page is not there before a refetch."""
    for value in ("999", "113"):
        assert error(ada.post("/me/publicize-connections/5001", {"external_user_ID": value})) == (400, "invalid_input")
    ada.get("/me/keyring-connections/2001", force_external_users_refetch=1)
    assert ada.post("/me/publicize-connections/5001", {"external_user_ID": "113"}).json()["external_ID"] == "113"


def test_reset_where_external_users_only(ada: Client) -> None:
    """Facebook's default profile is not allowed."""
    assert error(ada.post("/me/publicize-connections/5001", {"external_user_ID": False})) == (400, "invalid_input")


def test_update_with_the_same_values_changes_nothing(ada: Client, simulator: Simulator) -> None:
    """An update that says what is there already is fine, and the log knows that nothing came of it."""
    assert ada.post("/me/publicize-connections/5003", {"shared": 1, "external_user_ID": "112"}).status_code == 200
    assert applied(simulator) == [False]


def test_sharing_needs_edit_others_posts(linus: Client, simulator: Simulator) -> None:
    """An author can connect, but not share nor stop sharing."""
    path = "/sites/3001/publicize-connections"
    answer = linus.post(path + "/new", {"keyring_connection_ID": 2201, "shared": True})
    assert error(answer) == (403, "authorization_required")
    number = linus.post(path + "/new", {"keyring_connection_ID": 2201, "shared": False}).json()["ID"]
    assert error(linus.post(f"{path}/{number}", {"shared": True})) == (403, "authorization_required")
    simulator.patch(publicize_connections=[{"ID": number, "shared": True}])
    assert error(linus.post(f"{path}/{number}", {"shared": False})) == (403, "authorization_required")
    assert error(linus.post(f"/me/publicize-connections/{number}", {"shared": False})) == (
        403,
        "authorization_required",
    )


def test_an_editor_may_share(grace: Client) -> None:
    """An editor has `edit_others_posts`."""
    assert grace.post("/sites/3001/publicize-connections/5006", {"shared": True}).json()["shared"] is True


@pytest.mark.parametrize("number", [5005, 5006, 5012])
def test_others_connections_cannot_be_changed(ada: Client, simulator: Simulator, number: int) -> None:
    """Not even an administrator changes or deletes what belongs to others."""
    before = raw(simulator, number)
    path = f"/sites/3001/publicize-connections/{number}"
    assert error(ada.post(path, {"shared": False})) == (403, "authorization_required")
    assert error(ada.post(path + "/delete")) == (403, "authorization_required")
    assert error(ada.post(f"/me/publicize-connections/{number}/delete")) == (403, "authorization_required")
    assert raw(simulator, number) == before


# Creating


def test_create(ada: Client, simulator: Simulator) -> None:
    """P8 makes a connection and answers it; its date is now."""
    answer = ada.post("/sites/shop.example.com/publicize-connections/new", {"keyring_connection_ID": 2003})
    record = answer.json()
    assert answer.status_code == 200
    assert (record["ID"], record["site_ID"], record["shared"], record["user_ID"]) == (5016, 3002, False, 1001)
    assert (record["service"], record["external_ID"], record["status"]) == ("mastodon", "900003", "ok")
    assert record["issued"] > "2026"
    assert 5016 in ada.ids("/me/publicize-connections")
    assert ada.get("/me/keyring-connections/2003").json()["sites"] == ["3001", "3002", "3003"]
    assert applied(simulator) == [True]


@pytest.mark.parametrize("number", [2003, "2003", 2003.0, " 2003x"])
def test_create_casts_the_number(ada: Client, number: object) -> None:
    """The number of the keyring connection is cast as PHP does."""
    answer = ada.post("/sites/3002/publicize-connections/new", {"keyring_connection_ID": number})
    assert answer.json()["keyring_connection_ID"] == 2003


def test_create_with_a_form(ada: Client) -> None:
    """A form works here too."""
    answer = ada.send(
        "POST",
        "/sites/3002/publicize-connections/new",
        data={"keyring_connection_ID": "2001", "external_user_ID": "111", "shared": "1"},
    )
    assert (answer.json()["external_ID"], answer.json()["shared"]) == ("111", True)


@pytest.mark.parametrize("body", [None, {}, {"keyring_connection_id": 2003}, {"keyring_connection_ID": "x"}, []])
def test_create_without_a_keyring_connection(ada: Client, body: object) -> None:
    """Without the number it is refused, and so in another spelling."""
    assert error(ada.post("/sites/3002/publicize-connections/new", body)) == (400, "invalid_input")


def test_create_with_a_keyring_connection_that_is_not_mine(ada: Client) -> None:
    """One that is not there is 404, that of others 403."""
    path = "/sites/3002/publicize-connections/new"
    assert error(ada.post(path, {"keyring_connection_ID": 9})) == (404, "not_found")
    assert error(ada.post(path, {"keyring_connection_ID": 2101})) == (403, "authorization_required")


def test_create_takes_a_number_for_the_external_user(ada: Client) -> None:
    """On creating the ID is a string, and so a number is read as one."""
    answer = ada.post("/sites/3003/publicize-connections/new", {"keyring_connection_ID": 2001, "external_user_ID": 111})
    assert answer.json()["external_ID"] == "111"


@pytest.mark.parametrize("number", [2001, 2009])
def test_create_where_external_users_only(ada: Client, number: int) -> None:
    """Facebook and Instagram want one of the further users named."""
    path = "/sites/3003/publicize-connections/new"
    assert error(ada.post(path, {"keyring_connection_ID": number})) == (400, "invalid_input")
    own = {2001: "900001", 2009: "900009"}[number]
    answer = ada.post(path, {"keyring_connection_ID": number, "external_user_ID": own})
    assert error(answer) == (400, "invalid_input")


def test_create_with_an_external_user_where_there_is_one_only(ada: Client) -> None:
    """A service without support refuses it, even where it equals the default."""
    answer = ada.post(
        "/sites/3002/publicize-connections/new", {"keyring_connection_ID": 2003, "external_user_ID": "900003"}
    )
    assert error(answer) == (400, "invalid_input")


def test_create_needs_publish_posts(simulator: Simulator, linus: Client) -> None:
    """A contributor cannot connect."""
    simulator.patch(sites=[{"ID": 3001, "members": [{"user_ID": 1003, "role": "contributor"}]}])
    answer = linus.post("/sites/3001/publicize-connections/new", {"keyring_connection_ID": 2201})
    assert error(answer) == (403, "authorization_required")


def test_create_with_an_unsupported_service(simulator: Simulator, ada: Client) -> None:
    """A dead service, or one of another type, cannot be connected."""
    simulator.patch(keyring_connections=[{"ID": 2020, "user_ID": 1001, "service": "twitter"}])
    for number in (2020, 2008):
        answer = ada.post("/sites/3001/publicize-connections/new", {"keyring_connection_ID": number})
        assert error(answer) == (400, "insert_error")


def test_create_another_external_user_beside(ada: Client) -> None:
    """Another external user of the same account is another connection."""
    answer = ada.post(
        "/sites/3001/publicize-connections/new", {"keyring_connection_ID": 2001, "external_user_ID": "112"}
    )
    assert answer.json()["ID"] == 5016


# Deleting


@pytest.mark.parametrize("path", ["/me/publicize-connections/5002", "/sites/3001/publicize-connections/5002"])
def test_delete(ada: Client, simulator: Simulator, path: str) -> None:
    """P5 and P10 delete; the second time it is not there."""
    answer = ada.post(path + "/delete")
    assert (answer.status_code, answer.json()) == (200, {"ID": 5002, "deleted": True})
    assert error(ada.get(path)) == (404, "not_found")
    assert error(ada.post(path + "/delete/")) == (404, "not_found")
    assert 5002 not in ada.ids("/me/publicize-connections")
    assert ada.get("/me/keyring-connections/2003").json()["sites"] == ["3003"]
    assert applied(simulator) == [True, False]


def test_delete_takes_any_body(ada: Client) -> None:
    """A delete does not read its body."""
    assert ada.post("/me/publicize-connections/5002/delete", ["what", "ever"]).status_code == 200


def test_delete_keyring_connection_takes_its_connections_everywhere(ada: Client, simulator: Simulator) -> None:
    """K3 deletes the publicize connections too, on all sites."""
    answer = ada.post("/me/keyring-connections/2001/delete")
    assert (answer.status_code, answer.json()) == (200, {"ID": 2001, "deleted": True})
    assert not {5001, 5003} & set(ada.ids("/me/publicize-connections"))
    assert 5003 not in ada.ids("/sites/3002/publicize-connections")
    assert error(ada.get("/me/keyring-connections/2001")) == (404, "not_found")
    assert error(ada.post("/me/keyring-connections/2001/delete")) == (404, "not_found")
    assert 2001 not in [row["ID"] for row in simulator.state()["keyring_connections"]]


def test_others_keyring_connections(ada: Client, simulator: Simulator) -> None:
    """Those of others can neither be read nor deleted."""
    assert error(ada.get("/me/keyring-connections/2101")) == (403, "authorization_required")
    assert error(ada.post("/me/keyring-connections/2101/delete")) == (403, "authorization_required")
    assert applied(simulator) == [False]


def test_revoke_an_application(ada: Client) -> None:
    """A3 removes one entry, and not its twin."""
    answer = ada.post("/me/connected-applications/7002/delete")
    assert (answer.status_code, answer.json()) == (200, {"success": True})
    rows = ada.get("/me/connected-applications").json()["connected_applications"]
    assert [row["ID"] for row in rows] == ["7001", "7003", "7004", "7005"]
    assert error(ada.post("/me/connected-applications/7002/delete")) == (404, "unknown_application_access_token")


def test_revoking_the_token_in_use(ada: Client, simulator: Simulator) -> None:
    """A token that was revoked is invalid from then on, everywhere; others go on."""
    assert ada.post("/me/connected-applications/7004/delete").json() == {"success": True}
    assert error(ada.get("/me")) == (400, "invalid_token")
    info = ada.session.get(
        simulator.url + "/oauth2/token-info", params={"client_id": "50001", "token": "sim-token"}, timeout=5
    )
    assert info.json()["error"] == "invalid_token"
    assert Client(simulator, "sim-token-sharing").get("/me/publicize-connections").status_code == 200
    simulator.reset()
    assert ada.get("/me").status_code == 200
