# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How a task ends: remedies, partial failures, and never a traceback for what a server answers."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from ansible_collections.community.wpcom.plugins.module_utils import _session
from ansible_collections.community.wpcom.plugins.module_utils._api.hints import hint, needs_account
from ansible_collections.community.wpcom.plugins.module_utils._cache.evaluate import evaluate
from ansible_collections.community.wpcom.plugins.module_utils._cache.read_cache import ReadCache, ReadsNeeded
from ansible_collections.community.wpcom.plugins.module_utils._errors import ApiError
from ansible_collections.community.wpcom.plugins.module_utils._execute import TaskResult
from ansible_collections.community.wpcom.plugins.module_utils._http import transport as _transport
from ansible_collections.community.wpcom.plugins.module_utils._module import ModuleSpec, run_task
from ansible_collections.community.wpcom.plugins.module_utils._operations import FindSite, GetService, Query
from ansible_collections.community.wpcom.plugins.module_utils._plan.plan import Plan
from ansible_collections.community.wpcom.tests.simulator import Simulator
from ansible_collections.community.wpcom.tests.unit.support import (
    NOWHERE,
    TOKEN,
    Script,
    ScriptedResponse,
    json_response,
    page,
    params,
    run,
)

# Remedies


@pytest.mark.parametrize(
    ("status", "slug", "told"),
    [
        (400, "invalid_token", "create a new token and set api_token or WPCOM_API_TOKEN"),
        (401, "invalid_token", "create a new token and set api_token or WPCOM_API_TOKEN"),
        (401, "reauthorization_required", "log in again"),
        (404, "unknown_blog", "Check site"),
        (400, "publicize_disabled", "enable it"),
        (400, "missing_jetpack_module", "Activate the Jetpack Social"),
        (400, "incompatible_jetpack", "Update Jetpack"),
        (400, "jetpack_connection", "reconnect Jetpack"),
        (400, "invalid_input", "external_user_id, shared"),
        (400, "insert_error", "connected to this site already"),
        (400, "deletion_error", "try again later"),
        (405, "not_allowed", "Check api_url"),
        (404, "", "Check api_url"),
    ],
)
def test_remedy_by_slug(simulator: Simulator, status: int, slug: str, told: str) -> None:
    """What to do follows the text of the API, which is German here."""
    body = {"error": slug, "message": "Das hat nicht geklappt."} if slug else ""
    simulator.fault(path="/me/publicize-connections/5001", kind="status", status=status, body=body)
    outcome = run("publicize", simulator.url, id=5001)
    assert outcome.failed
    assert f"Could not read publicize connection 5001: HTTP {status}" in outcome.result["msg"]
    assert told in outcome.result["msg"]
    assert "geklappt." in outcome.result["msg"] or not slug
    assert ".." not in outcome.result["msg"]
    assert outcome.result["error"]["path"] == "/me/publicize-connections/5001"


@pytest.mark.parametrize(
    ("token", "task", "told"),
    [
        ("sim-token-posts", {"id": 5001}, ["scope sharing or global"]),
        ("sim-token-site", {"id": 5003, "site": "3002"}, ["This token is for site 3001 only", "use another token"]),
        ("sim-token", {"id": 5006}, ["publish_posts", "edit_others_posts", "is owned by another user"]),
        ("sim-token", {"site": "private.example.com", "service": "facebook"}, ["private or restricted", "member"]),
        ("sim-token-empty", {"id": 5001, "site": "3001"}, ["must not be bound to another site"]),
        ("wrong", {"id": 5001}, ["wrong or was revoked"]),
    ],
)
def test_remedy_of_a_refusal(simulator: Simulator, token: str, task: dict[str, Any], told: list[str]) -> None:
    """Which scope is missing, which site the token is for, or what the user may not do."""
    outcome = run("publicize", simulator.url, api_token=token, **task)
    assert outcome.failed
    for words in told:
        assert words in outcome.result["msg"]


@pytest.mark.parametrize(
    ("scopes", "site_id", "path", "told"),
    [
        (["posts"], None, "/me/keyring-connections/", "has the scope posts, but sharing or global is required"),
        (["posts"], None, "/me/sites", "sites or global is required"),
        (["posts"], None, "/sites/1", "sites or global is required"),
        (["posts"], None, "/me/connected-applications/", "users or global is required"),
        (["posts", "media"], 5, "/me", "This token is for site 5 only and this token has the scope posts, media"),
        ([], 5, "/me/keyring-connections/", "This token is for site 5 only:"),
        ([], 5, "/sites/6/publicize-connections/", "This token is for site 5 only:"),
        ([], 5, "/sites/5/publicize-connections/new", "is not allowed to do this here"),
        (
            [],
            5,
            "/sites/a.example/publicize-connections/new",
            "If a.example is that site: The user of this token is not allowed",
        ),
        (["global"], None, "/me/publicize-connections/1", "is not allowed to do this here"),
        (["sharing"], None, "/sites/1/publicize-connections/", "is not allowed to do this here"),
    ],
)
def test_remedy_by_account(scopes: list[str], site_id: Any, path: str, told: str) -> None:
    """As far as the account tells."""
    error = ApiError("No.", code="authorization_required", status=403, path=path)
    account = {"token_scope": scopes, "token_site_id": site_id}
    assert needs_account(error)
    assert told in hint(error, account)
    assert "scope" in hint(error, None)


def test_remedy_of_an_unknown_slug() -> None:
    """Nothing is better than something wrong."""
    assert hint(ApiError("No.", code="something_new", status=400, path="/me"), None) == ""


def test_account_is_asked_for_a_refusal_only(simulator: Simulator) -> None:
    """One more request where scope or site may be to blame, none else."""
    run("publicize", simulator.url, api_token="sim-token-posts", id=5001)
    assert [entry["path"] for entry in simulator.requests()] == ["/me/publicize-connections/5001", "/me"]
    simulator.clear_requests()
    run("publicize", simulator.url, api_token="wrong", id=5001)
    assert [entry["path"] for entry in simulator.requests()] == ["/me/publicize-connections/5001"]


# Endings


def test_warning_of_plain_http() -> None:
    """It comes though nothing else works."""
    outcome = run("publicize", "http://api.invalid", retries=0, id=5001)
    assert outcome.failed
    assert any("does not use https" in warning for warning in outcome.warnings)


def test_unconfirmed_write(simulator: Simulator) -> None:
    """What is known is told; changed is false as nothing is known to be."""
    simulator.fault(method="POST", kind="cut", when="after")
    simulator.fault(method="GET", kind="status", status=500, skip=3, times=-1)
    outcome = run("publicize", simulator.url, id=5002, state="absent", retries=1)
    assert outcome.failed
    assert outcome.result["error"]["code"] == "unconfirmed_write"
    assert outcome.result["changed"] is False


def test_failure_after_the_write(simulator: Simulator) -> None:
    """The connection is gone, which is what was asked for; what became of its keyring connection is not known."""
    simulator.fault(path="/me/keyring-connections/2006", kind="status", status=500, times=-1)
    outcome = run("publicize", simulator.url, id=5004, state="absent", retries=0)
    assert not outcome.failed
    assert outcome.result["changed"] is True
    assert outcome.result["connection"] is None
    assert outcome.result["diff"]["after"] == {}
    assert "keyring_connection_deleted" not in outcome.result


def test_evaluate_reads_each_thing_once() -> None:
    fetched: list[Query[Any]] = []

    def planner(cache: ReadCache) -> Plan:
        return Plan(result={"a": [cache.read(FindSite(site)) for site in ("1", "1", "2")]})

    def fetch_all(queries: Sequence[Query[Any]]) -> list[Any]:
        fetched.extend(queries)
        return [{"site": query} for query in queries]

    one, two = FindSite("1"), FindSite("2")
    assert evaluate(planner, ReadCache(), fetch_all).result == {"a": [{"site": one}, {"site": one}, {"site": two}]}
    assert fetched == [one, two]


def test_cache_keeps_that_a_thing_does_not_exist() -> None:
    cache = ReadCache()
    with pytest.raises(ReadsNeeded) as caught:
        cache.read(GetService("x"))
    assert str(caught.value) == "not read yet: GetService(service='x', presentation=())"
    cache.add(caught.value.queries[0], None)
    assert cache.read(GetService("x")) is None


def test_no_changes_is_no_change() -> None:
    """Without operations nothing changes."""
    outcome = run_task(ModuleSpec(lambda given, cache: Plan(result={"x": 1}), {}), params(), check_mode=False)
    assert (outcome.failed, outcome.result) == (False, {"x": 1, "changed": False})


# A hostile server

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


@pytest.fixture
def served_by(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return a function that has all requests answered by a script."""

    def serve(script: Script) -> Script:
        monkeypatch.setattr(_transport, "HTTPAdapter", lambda **_options: script)
        # One request after the other: hypothesis draws in one thread only.
        monkeypatch.setattr(_session, "for_each", lambda work, items, parallel: [work(item) for item in items])
        return script

    return serve


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
@settings(max_examples=200, phases=[Phase.explicit, Phase.generate], report_multiple_bugs=False)
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
