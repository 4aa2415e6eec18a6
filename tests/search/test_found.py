# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Counter-examples that the searches have found, each as a test of what it was an example of."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from ansible_collections.community.wpcom.plugins.module_utils._oauth.server import token_document, utc_now
from ansible_collections.community.wpcom.plugins.module_utils._records import normalize, wire
from ansible_collections.community.wpcom.plugins.module_utils._records.record import is_number
from ansible_collections.community.wpcom.tests.search.in_process import URL, InProcess, Run
from ansible_collections.community.wpcom.tests.search.wire import connected
from ansible_collections.community.wpcom.tests.unit.support import Script, json_response, run, unset


@pytest.fixture
def server() -> Iterator[InProcess]:
    """Return the simulator with its default world."""
    with InProcess().connected() as connected:
        yield connected


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
