# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whatever a server responds, a task ends with a result or an error of its own, never with a traceback."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from ansible_collections.community.wpcom.plugins.module_utils._execute import TaskResult
from ansible_collections.community.wpcom.tests.unit.support import (
    NOWHERE,
    TOKEN,
    Script,
    ScriptedResponse,
    examples,
    json_response,
    page,
    run,
)

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-5, 10**6)
    | st.floats(allow_nan=False)
    | st.sampled_from(["", "x", "2001", "3001", "ok", "0000-00-00 00:00:00", "http://[", TOKEN])
    | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["ID", "site_ID", "site", "service", "external_ID", "error", "message", "connections"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=8,
)
ROWS = {
    "publicize": [
        "ID",
        "site_ID",
        "user_ID",
        "keyring_connection_ID",
        "keyring_connection_user_ID",
        "shared",
        "service",
        "expires",
        "external_ID",
        "external_name",
        "status",
        "refresh_URL",
        "read_only",
    ],
    "keyring": [
        "ID",
        "user_ID",
        "type",
        "service",
        "expires",
        "external_ID",
        "external_name",
        "external_display",
        "additional_external_users",
        "status",
        "sites",
    ],
    "applications": ["ID", "connection_ID", "title", "scope", "site", "blog", "authorized", "client_id"],
    "services": [
        "ID",
        "label",
        "type",
        "connect_URL",
        "multiple_external_user_ID_support",
        "external_users_only",
        "status",
    ],
    "account": ["ID", "token_scope", "token_site_id", "token_client_id"],
    "site": ["ID", "URL", "slug", "capabilities"],
}
SOUND: dict[str, dict[str, Any]] = {
    "publicize": {
        "ID": 5001,
        "site_ID": 3001,
        "user_ID": 1001,
        "keyring_connection_ID": 2001,
        "keyring_connection_user_ID": 1001,
        "shared": False,
        "service": "linkedin",
        "external_ID": "900001",
    },
    "keyring": {
        "ID": 2001,
        "user_ID": 1001,
        "service": "linkedin",
        "external_ID": "900001",
        "external_name": "ada",
        "additional_external_users": [{"external_ID": "111", "external_name": "page"}],
        "sites": ["3001"],
    },
    "applications": {"ID": "7001", "title": "Ansible", "scope": "global", "site": False},
    "services": {"ID": "linkedin", "type": "publicize", "multiple_external_user_ID_support": True},
    "account": {"ID": 1001, "token_scope": ["global"], "token_site_id": False},
    "site": {"ID": 3001, "URL": "https://blog.example.com", "capabilities": {"publish_posts": True}},
}
LISTS = {
    "publicize-connections": ("publicize", "connections"),
    "keyring-connections": ("keyring", "connections"),
    "connected-applications": ("applications", "connected_applications"),
    "external-services": ("services", "services"),
}


class AlmostRight(Script):
    """Answers every path as the API would, but for what records hold in some places."""

    def __init__(self, **wrong: dict[str, Any]) -> None:
        super().__init__(ScriptedResponse())
        self.wrong = wrong

    def record(self, kind: str) -> dict[str, Any]:
        """Return a record; an ellipsis stands for a key that is missing."""
        merged = {**SOUND[kind], **self.wrong.get(kind, {})}
        return {key: value for key, value in merged.items() if value is not ...}

    def rows(self, kind: str) -> list[dict[str, Any]]:
        """Return a list of records."""
        return [self.record(kind)]

    def deleted(self) -> Any:
        """Return the answer to a deletion."""
        return {"ID": 1, "deleted": True, "success": True}

    def document(self, path: list[str]) -> Any:
        """Return the answer at a path."""
        if path[-1] == "delete":
            return self.deleted()
        if path[-1] in LISTS:
            kind, key = LISTS[path[-1]]
            return {key: self.rows(kind)}
        if len(path) > 1 and path[-2] in LISTS:
            return self.record(LISTS[path[-2]][0])
        return self.record("account" if path == ["me"] else "site")

    def send(self, request: requests.PreparedRequest, *arguments: Any, **more: Any) -> requests.Response:
        """Answer."""
        path = urlsplit(request.url or "").path
        self.answers = [json_response(self.document(path.replace("/rest/v1.1", "", 1).strip("/").split("/")))]
        return super().send(request, *arguments, **more)


class HostileServer(AlmostRight):
    """Some keys of some records hold whatever hypothesis thinks of."""

    def __init__(self, data: st.DataObject) -> None:
        super().__init__()
        self.data = data

    def record(self, kind: str) -> dict[str, Any]:
        """Return a record that is wrong in one place or several."""
        wrong = self.data.draw(st.dictionaries(st.sampled_from(ROWS[kind]), JSON, max_size=3))
        dropped = self.data.draw(st.sets(st.sampled_from(ROWS[kind]), max_size=1))
        return {key: value for key, value in {**SOUND[kind], **wrong}.items() if key not in dropped}

    def rows(self, kind: str) -> list[dict[str, Any]]:
        """Return none, one or two."""
        return [self.record(kind) for _row in range(self.data.draw(st.integers(0, 2)))]

    def deleted(self) -> Any:
        """Return a success, or anything."""
        return self.data.draw(st.sampled_from([{"ID": 1, "deleted": True}, {"success": True}]) | JSON)

    def document(self, path: list[str]) -> Any:
        """Return almost the right thing, now and then something else."""
        if self.data.draw(st.integers(0, 30)) == 0:
            return self.data.draw(JSON)
        return super().document(path)


HOSTILE_TASKS = [
    ("publicize", {"id": 5001, "shared": True}),
    ("publicize", {"id": 5001, "state": "absent"}),
    ("publicize", {"id": 5001, "site": "3001", "external_user_id": "111"}),
    ("publicize", {"id": 5001, "service": "linkedin", "account": "ada"}),
    ("publicize", {"site": "blog.example.com", "service": "linkedin", "external_user_name": "page"}),
    ("publicize", {"site": "3001", "service": "linkedin", "account": "ada", "shared": True}),
    ("publicize", {"site": "3001", "keyring_connection_id": 2001, "reset_external_user": True}),
    ("publicize", {"site": "3001", "service": "linkedin", "unique_per": "external_user", "external_user_id": "111"}),
    ("publicize", {"site": "3001", "service": "linkedin", "state": "absent", "external_user_id": "900001"}),
    ("publicize", {"site": "3001", "service": "mastodon"}),
    ("keyring", {"id": 2001}),
    ("keyring", {"id": 2001, "state": "absent", "cascade": True}),
    ("keyring", {"service": "linkedin", "account": "ada", "state": "absent"}),
    ("keyring", {"service": "mastodon"}),
    ("application", {"title": "Ansible"}),
    ("application", {"title": "Ansible", "site": "blog.example.com", "state": "absent"}),
    ("application", {"title": "Ansible", "state": "absent"}),
    ("application", {"id": 7001, "state": "absent"}),
    ("info", {"gather": ["publicize", "keyring", "applications", "services", "account"]}),
    ("info", {"unhealthy_only": True, "fields": ["id"], "user_id": 1001, "site": ["3001"]}),
    ("info", {"gather": ["services"], "service": "linkedin"}),
]


BY_ID: dict[str, Any] = {"id": 5001, "state": "absent"}
LINKEDIN: dict[str, Any] = {"site": "3001", "service": "linkedin"}
REVOKE: dict[str, Any] = {"title": "Ansible", "state": "absent"}
WRONG = {
    "keyring ID": ("info", {}, {"keyring": {"ID": {"a": 1}}}),
    "keyring ID of a connection": ("publicize", BY_ID, {"publicize": {"keyring_connection_ID": [1]}}),
    "no keyring ID in a connection": ("publicize", BY_ID, {"publicize": {"keyring_connection_ID": ...}}),
    "no site ID": ("publicize", {"id": 5001, "shared": True}, {"publicize": {"site_ID": ...}}),
    "ID of a connection": ("publicize", {**LINKEDIN, "state": "absent"}, {"publicize": {"ID": [1]}}),
    "pages": ("publicize", {**LINKEDIN, "external_user_id": "111"}, {"keyring": {"additional_external_users": 1.5}}),
    "page": ("publicize", {**LINKEDIN, "external_user_id": "111"}, {"keyring": {"additional_external_users": ["x"]}}),
    "ID of a page": (
        "publicize",
        {**LINKEDIN, "external_user_name": "page"},
        {"keyring": {"additional_external_users": [{"external_ID": [1], "external_name": "page"}]}},
    ),
    "capabilities": ("publicize", {"id": 5001, "shared": True}, {"site": {"capabilities": ["x"]}}),
    "sites": ("keyring", {"id": 2001, "state": "absent"}, {"keyring": {"sites": [{"a": 1}]}}),
    "sites that cannot be sorted": (
        "keyring",
        {"id": 2001, "state": "absent"},
        {"keyring": {"sites": [None, True, "x"]}},
    ),
    "site IDs": ("keyring", {"id": 2001, "state": "absent"}, {"publicize": {"site_ID": [1]}}),
    "site": ("application", {**REVOKE, "site": "3001"}, {"applications": {"site": 5}}),
    "site of an entry": ("application", REVOKE, {"applications": {"site": ["x"]}}),
    "application ID": ("application", REVOKE, {"applications": {"ID": {"a": 1}}}),
    "token site": ("application", REVOKE, {"account": {"token_site_id": ["x"]}}),
    "token scope": ("application", REVOKE, {"account": {"token_scope": [["x"], {}]}}),
    "scope": ("application", REVOKE, {"applications": {"scope": {"a": 1}}}),
    "service": ("publicize", {"id": 5001, "external_user_id": "111"}, {"keyring": {"service": ["x"]}}),
    "status": ("info", {}, {"publicize": {"status": ["ok"]}, "keyring": {"status": {"a": 1}}}),
}


@pytest.mark.parametrize("check_mode", [True, False])
@pytest.mark.parametrize(("kind", "task", "wrong"), WRONG.values(), ids=WRONG)
def test_wrong_type(served_by: Any, kind: str, task: dict[str, Any], wrong: dict[str, Any], check_mode: bool) -> None:
    """A key of another type than the API's, or none: an error of ours or none, never a traceback."""
    served_by(AlmostRight(**wrong))
    outcome = run(kind, NOWHERE, check_mode=check_mode, retries=0, **task)
    assert not outcome.failed or outcome.result["msg"]


@pytest.mark.parametrize("check_mode", [True, False])
@given(data=st.data())
# Not made smaller: with so many draws that takes minutes, and the first example says enough.
@settings(max_examples=examples(200), phases=[Phase.explicit, Phase.generate], report_multiple_bugs=False)
def test_hostile_server(served_by: Any, check_mode: bool, data: st.DataObject) -> None:
    """Whatever JSON a server answers, a task ends with a result or an error, and shows no token."""
    kind, task = data.draw(st.sampled_from(HOSTILE_TASKS))
    server = served_by(HostileServer(data))
    outcome = run(kind, NOWHERE, check_mode=check_mode, retries=1, **task)
    assert isinstance(outcome, TaskResult)
    assert TOKEN not in json.dumps(outcome.result)
    if outcome.failed:
        assert outcome.result["msg"]
        assert set(outcome.result["error"]) == {"status", "code", "message", "method", "path"}
    if check_mode:
        assert "POST" not in server.methods


@given(data=st.data())
@settings(max_examples=examples(25), phases=[Phase.explicit, Phase.generate], report_multiple_bugs=False)
def test_diagnosis_of_a_hostile_server(served_by: Any, data: st.DataObject) -> None:
    """Whatever JSON a server answers, a diagnosis does not fail, and reads only."""
    server = served_by(HostileServer(data))
    outcome = run("diagnostics", NOWHERE)
    assert not outcome.failed, outcome.result
    assert TOKEN not in json.dumps(outcome.result)
    assert set(server.methods) == {"GET"}
    assert len(server.sent) <= 25


@pytest.mark.parametrize(
    "answer",
    [
        page("<html>Log in</html>"),
        page("", 503),
        ScriptedResponse(404, "", {"Content-Type": "text/plain"}),
        json_response([]),
        json_response(None),
        json_response({"error": "x", "message": "y"}, 400),
        ScriptedResponse(302, "", {"Location": "https://login.invalid/"}),
        requests.exceptions.ConnectionError("no route"),
        requests.exceptions.ReadTimeout("slow"),
        requests.exceptions.InvalidURL("nonsense"),
        OSError("disk"),
    ],
    ids=str,
)
@pytest.mark.parametrize(
    ("kind", "task"), HOSTILE_TASKS, ids=lambda value: "" if isinstance(value, str) else str(value)
)
def test_server_that_is_none(served_by: Any, kind: str, task: dict[str, Any], answer: Any) -> None:
    """A portal, a proxy, nobody at all: each task ends with a clear error and sends no write."""
    server = served_by(Script(answer))
    outcome = run(kind, NOWHERE, retries=1, **task)
    if not outcome.failed:
        # An empty 404 for a thing, and for the list in which it could be, cannot come from the API.
        raise AssertionError(outcome.result)
    assert outcome.result["msg"].startswith("Could not ")
    assert "POST" not in server.methods
