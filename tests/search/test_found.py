# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Counter-examples that the searches have found, each as a test of what it was an example of."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from ansible_collections.community.wpcom.plugins.module_utils._cache.account_cache import LoopCache
from ansible_collections.community.wpcom.plugins.module_utils._execute import execute
from ansible_collections.community.wpcom.plugins.module_utils._oauth.server import token_document, utc_now
from ansible_collections.community.wpcom.plugins.module_utils._options import ConnectionOptions
from ansible_collections.community.wpcom.plugins.module_utils._records import normalize, wire
from ansible_collections.community.wpcom.plugins.module_utils._records.record import is_number
from ansible_collections.community.wpcom.plugins.module_utils._session import Session
from ansible_collections.community.wpcom.tests.search.in_process import URL, InProcess, Run, Trouble, connected
from ansible_collections.community.wpcom.tests.search.test_controllers import WORLD
from ansible_collections.community.wpcom.tests.unit.support import MODULES, Script, json_response, params, run, unset


@pytest.fixture
def server() -> Iterator[InProcess]:
    """Return the simulator with its default world."""
    with InProcess().connected() as simulator:
        yield simulator


GONE: dict[str, tuple[str, dict[str, Any], str, list[int]]] = {
    "publicize": ("publicize", {"id": 5002, "state": "absent"}, "publicize_connections", [5002]),
    "keyring": ("keyring", {"id": 2008, "state": "absent"}, "keyring_connections", [2008]),
    "application": ("application", {"id": 7002, "state": "absent"}, "applications", [7002]),
    "bulk": (
        "bulk",
        {"connections": [{**unset("publicize"), "id": 5002, "state": "absent"}], "report": "all"},
        "publicize_connections",
        [5002],
    ),
}


@pytest.mark.parametrize(("kind", "task", "section", "ids"), GONE.values(), ids=GONE)
def test_deleted_by_another_controller(
    server: InProcess, kind: str, task: dict[str, Any], section: str, ids: list[int]
) -> None:
    """What another controller deletes between our reading and our deletion is no change of ours."""
    delete = Run(interludes={("POST", 0): lambda: server.core.patch({"delete": {section: ids}})})
    with server.recorded(delete):
        outcome = run(kind, URL, **task)
    assert not outcome.failed, outcome.result
    assert delete.entries[-1]
    assert (delete.entries[-1]["method"], delete.entries[-1]["status"]) == ("POST", 404)
    assert outcome.result["changed"] is False
    if kind == "bulk":
        assert outcome.result["diff"] == []
        assert outcome.result["summary"]["unchanged"] == 1
        assert outcome.result["actions"][0]["action"] == "unchanged"
    else:
        assert outcome.result["diff"]["before"] == outcome.result["diff"]["after"] == {}


@pytest.fixture
def small() -> Iterator[InProcess]:
    """Return the simulator with the world of the search, in which every attempt to create makes a connection."""
    with InProcess(WORLD).connected() as simulator:
        simulator.reset({"create_duplicate": "second"})
        yield simulator


CREATE: dict[str, Any] = {"site": "1", "keyring_connection_id": 21, "state": "present"}


@pytest.mark.parametrize("trouble", ["refused", "lost", "shape"])
@pytest.mark.parametrize("kind", ["publicize", "bulk"])
def test_created_but_a_second_one_cannot_be_read(small: InProcess, kind: str, trouble: str) -> None:
    """A connection that was created is reported, although nobody knows whether a lost attempt created another one."""
    lost = {("POST", 0): Trouble("lost")}
    with small.recorded(Run(lost)) as reading:
        assert not run(kind, URL, **task_of(kind, CREATE)).failed
    reads = reading.methods["GET"]
    small.reset({"create_duplicate": "second"})
    troubles = {("GET", number): Trouble(trouble) for number in range(reads - 1, reads + 9)}
    with small.recorded(Run({**lost, **troubles})) as again:
        outcome = run(kind, URL, **task_of(kind, CREATE))
    assert again.applied
    assert outcome.failed
    assert outcome.result["changed"] is True
    assert outcome.result["error"]["code"] == "unconfirmed_write"
    assert (
        "Publicize connection 55 was created on site 1. Run the task again to see whether an earlier attempt"
        in outcome.result["msg"]
    )
    found = outcome.result["connection"] if kind == "publicize" else outcome.result["connections"][0]
    assert (found["id"], found["keyring_connection_id"]) == (55, 21)


@pytest.mark.parametrize("kind", ["publicize", "bulk"])
def test_second_one_cannot_be_deleted(small: InProcess, kind: str) -> None:
    """Both connections are named where an attempt that seemed lost was done late and the second one stays."""
    troubles = {("POST", 0): Trouble("timeout", 150.0), ("POST", 2): Trouble("refused")}
    with small.recorded(Run(troubles)):
        outcome = run(kind, URL, **task_of(kind, CREATE))
    assert outcome.failed
    assert outcome.result["changed"] is True
    assert "Publicize connection 55 was created on site 1. An earlier attempt created 56" in outcome.result["msg"]
    assert "HTTP 403" in outcome.result["msg"]
    with small.recorded(Run()):
        again = run("publicize", URL, **CREATE)
    assert again.result["error"]["code"] == "ambiguous_match"


def task_of(kind: str, given: dict[str, Any]) -> dict[str, Any]:
    """Return the options of a task for one connection."""
    return given if kind == "publicize" else {"connections": [{**unset("publicize"), **given}], "report": "all"}


def test_account_itself_is_not_known_any_more(small: InProcess) -> None:
    """Nothing shows whether an orphan posts as the account itself: it stays, and is named."""
    small.core.patch({"keyring_connections": [{"ID": 22, "gone": True}]})
    for named, expected in (
        ({"keyring_connection_id": 22}, 1),
        ({"service": "mastodon"}, 1),
        ({"service": "linkedin"}, 0),
    ):
        with small.recorded(Run()) as requests:
            outcome = run("publicize", URL, site="1", **named, reset_external_user=True, state="absent")
        assert (outcome.failed, outcome.result["changed"]) == (False, False)
        assert requests.writes == []
        warnings = [warning for warning in outcome.warnings if "mastodon" in warning and "still posts" in warning]
        assert len(warnings) == expected
        assert all("id to 50" in warning for warning in warnings)


@pytest.mark.parametrize("kind", ["publicize", "bulk"])
@pytest.mark.parametrize("task", [{"id": 53, "site": "1"}, {"keyring_connection_id": 31, "site": "1"}])
def test_only_another_user_is_listed(small: InProcess, kind: str, task: dict[str, Any]) -> None:
    """Another user's connection stays, although only that user's accounts are listed and WordPress.com would delete it."""
    small.reset({"foreign_write": "editors"})
    small.core.patch({"keyring_connections": [{"ID": number, "gone": True} for number in (20, 21, 22, 23)]})
    with small.recorded(Run()) as requests:
        outcome = run(kind, URL, **task_of(kind, {**task, "state": "absent"}))
    assert requests.writes == []
    if kind == "publicize" or "id" in task:
        assert "is owned by another user (2)" in outcome.result["msg"]
    else:
        # A list reads the user's own connections only.
        assert outcome.result["changed"] is False


def test_only_another_user_is_listed_in_a_loop(small: InProcess) -> None:
    """What a loop has written is not taken for the user's own for that."""
    small.reset({"foreign_write": "editors"})
    small.core.patch({"keyring_connections": [{"ID": number, "gone": True} for number in (20, 21, 22, 23)]})
    spec = MODULES["publicize"]
    given = params(URL)
    session = Session(ConnectionOptions.from_params(given), LoopCache(check_mode=False), spec.loop_settings(given))
    outcomes = []
    for task in ({"shared": True, "state": "present"}, {"state": "absent"}):
        with small.recorded(Run()) as requests:
            options = {**given, **unset("publicize"), "id": 53, "site": "1", **task}
            outcomes.append(execute(session, spec.planner, options, diff=False))
    assert requests.writes == []
    assert "is owned by another user (2)" in outcomes[1].result["msg"]


@pytest.mark.parametrize("key", ["issued", "expires", "authorized"])
@pytest.mark.parametrize("value", [2**64, -(2**64), 1e300])
def test_number_that_is_no_date(key: str, value: Any) -> None:
    """It is a text, as every date is: the audit looks at the first ten characters of it."""
    assert normalize.connected_application({"ID": 1, key: value})[key] == str(value)


@pytest.mark.parametrize("value", [[], {"a": 1}, [5]])
def test_list_that_is_no_date(value: Any) -> None:
    """A date of another type is a response of another form."""
    record = normalize.connected_application({"ID": 1, "authorized": value})
    with pytest.raises(ValueError, match="authorized is"):
        normalize.require_types(record, wire.CONNECTED_APPLICATION)


@pytest.mark.parametrize("digits", [40, 5000])
def test_number_of_thousands_of_digits(digits: int) -> None:
    """Python does not convert it, so it is a text wherever a number may be one."""
    response = {"access_token": "x", "blog_id": "9" * digits}
    assert token_document(response, {}, utc_now())["blog_id"] is None
    assert not is_number("9" * digits)
    assert is_number("9" * 39)


@pytest.mark.parametrize("key", ["connection_ID", "Connection_ID"])
def test_id_of_another_kind_of_record(key: str) -> None:
    """Only an application may have its ID there, so that any other entry has none and is left out."""
    lists = {
        "publicize_connections": ("publicize", "connections"),
        "keyring_connections": ("keyring", "connections"),
        "sites": ("sites", "sites"),
    }
    for section, (kind, name) in lists.items():
        script = Script(json_response({name: [{key: 5}, {"ID": 6}], "services": []}))
        with connected(script):
            outcome = run("info", URL, gather=[kind])
        assert not outcome.failed, outcome.result
        assert [record["id"] for record in outcome.result[section]] == [6]
        assert any("has 1 entry without an ID" in warning for warning in outcome.warnings)


@pytest.mark.parametrize("value", ["x", 5, {"a": 1}, ["x"]])
def test_new_key_of_the_api(value: Any) -> None:
    """A key that one kind of record does not have today is returned, whatever another kind has in a key of this name."""
    documents = {
        "publicize": ("publicize_connections", {"connections": [{"ID": 5, "site": value}], "services": []}),
        "keyring": ("keyring_connections", {"connections": [{"ID": 5, "authorized": value}], "services": []}),
        "applications": ("connected_applications", {"connected_applications": [{"ID": 5, "sites": value}]}),
        "services": ("services", {"services": [{"ID": "linkedin", "site": value}]}),
        "sites": ("sites", {"sites": [{"ID": 5, "expires": value}]}),
        "account": ("account", {"ID": 5, "site": value}),
    }
    for kind, (section, document) in documents.items():
        with connected(Script(json_response(document))):
            outcome = run("info", URL, gather=[kind])
        assert not outcome.failed, outcome.result
        assert outcome.result[section]


def test_nothing_in_the_form_of_php() -> None:
    """What has a documented type has it, or is null, also where PHP sends false for nothing."""
    wire_forms = {"user_ID": False, "external_profile_picture": False, "sites": None, "additional_external_users": None}
    with connected(Script(json_response({"connections": [{"ID": 5, **wire_forms}], "services": []}))):
        (record,) = run("info", URL, gather=["keyring"]).result["keyring_connections"]
    assert [record[key] for key in ("user_id", "external_profile_picture")] == [None, None]
    assert [record[key] for key in ("sites", "additional_external_users")] == [[], []]
