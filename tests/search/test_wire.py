# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Responses of the right outer form with any JSON inside: each task and each filter ends with a result or an error of ours."""

from __future__ import annotations

import dataclasses
import json
import random
from typing import Any, Optional

import pytest
import requests
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ansible_collections.community.wpcom.plugins.module_utils import (
    _event_source,
    _events,
    _operations,
)
from ansible_collections.community.wpcom.plugins.module_utils._cache.read_cache import ReadCache
from ansible_collections.community.wpcom.plugins.module_utils._errors import WpcomError
from ansible_collections.community.wpcom.plugins.module_utils._http import transport
from ansible_collections.community.wpcom.plugins.module_utils._oauth.server import (
    CLASSIC,
    MODERN,
    AuthorizationServer,
    token_document,
    utc_now,
)
from ansible_collections.community.wpcom.plugins.module_utils._session import Session, SessionSettings
from ansible_collections.community.wpcom.plugins.plugin_utils import _sites
from ansible_collections.community.wpcom.tests.search.in_process import connected
from ansible_collections.community.wpcom.tests.search.wire import (
    ALL,
    KEYS,
    LISTS,
    TASKS,
    TASKS_OF_MODULES,
    TEXTS,
    Server,
    check_filters,
    options_of,
    passes_on,
    refused,
)
from ansible_collections.community.wpcom.tests.unit.support import (
    NOWHERE,
    TOKEN,
    Script,
    ScriptedResponse,
    json_response,
    options,
    run,
)

IDS: list[Any] = [5001, 5002, 2001, 2002, 3001, 3002, 1001, 7001, "5001", "2001", "3001", "111", "linkedin", "mastodon"]
NUMBERS: list[Any] = [
    0,
    1,
    -1,
    5001,
    2**31,
    2**63,
    2**64,
    10**30,
    -(10**30),
    10**400,
    0.0,
    -0.0,
    1.5,
    5001.0,
    1e300,
    5e-324,
]
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
        "external_name": "ada",
        "status": "ok",
        "expires": "0000-00-00 00:00:00",
    },
    "keyring": {
        "ID": 2001,
        "user_ID": 1001,
        "type": "publicize",
        "service": "linkedin",
        "external_ID": "900001",
        "external_name": "ada",
        "additional_external_users": [{"external_ID": "111", "external_name": "page"}],
        "sites": ["3001"],
    },
    "applications": {"ID": "7001", "title": "Ansible", "scope": "global", "site": False},
    "services": {"ID": "linkedin", "type": "publicize", "multiple_external_user_ID_support": True},
    "account": {"ID": 1001, "token_scope": ["global"], "token_site_id": False, "token_client_id": 5},
    "site": {"ID": 3001, "URL": "https://blog.example.com", "slug": "blog.example.com", "capabilities": {}},
}


class Noise:
    """JSON documents that are drawn from a seed, which is faster than drawing each part from hypothesis."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        # Some servers are almost right, some are nonsense.
        self.wrong = self.random.choice([0, 0.005, 0.03, 0.2])

    def value(self, depth: int = 0) -> Any:
        """Return any JSON value."""
        kind = self.random.randrange(9 if depth < 3 else 6)
        if kind < 2:
            return self.random.choice(TEXTS)
        if kind < 3:
            return self.random.choice(NUMBERS)
        if kind < 4:
            return self.random.choice(IDS)
        if kind < 6:
            return self.random.choice([None, True, False, {}, []])
        if kind < 7:
            return [self.value(depth + 1) for _item in range(self.random.randrange(4))]
        return self.object(depth)

    def object(self, depth: int = 0) -> dict[str, Any]:
        """Return an object with some of the keys that mean something."""
        return {self.random.choice(KEYS): self.value(depth + 1) for _key in range(self.random.randrange(6))}

    def record(self, kind: str) -> Any:
        """Return a record, in most places as the API has it."""
        if self.random.random() < self.wrong / 4:
            return self.value()
        record = {**SOUND[kind]}
        for key in list(record):
            if key != "ID" and self.random.random() < self.wrong:
                record[key] = self.value()
            elif self.random.random() < self.wrong / 4:
                del record[key]
        if "ID" in record and self.random.random() < 0.3:
            record["ID"] = self.random.choice(IDS) if self.random.random() < 0.9 else self.value()
        while self.random.random() < self.wrong:
            record[self.random.choice(KEYS)] = self.value()
        return record

    def rows(self, kind: str) -> Any:
        """Return a list of records, now and then as PHP sends a list with gaps."""
        rows = [self.record(kind) for _row in range(self.random.choice([0, 1, 1, 2, 3]))]
        if self.random.random() < self.wrong:
            return {str(number): row for number, row in enumerate(rows, 1)}
        return rows

    def document(self, method: str, path: list[str]) -> Any:
        """Return the document at a path."""
        if self.random.random() < self.wrong / 10:
            return self.value()
        if path[-1] == "delete":
            return {"ID": self.random.choice(IDS), "deleted": self.value(), "success": self.value()}
        if path[-1] in LISTS and (path[-1] != "sites" or path[:1] == ["me"]):
            kind, key = LISTS[path[-1]]
            return {key: self.rows(kind), **({} if self.random.random() > self.wrong else self.object())}
        if len(path) > 1 and path[-2] in LISTS and path[-2] != "sites":
            return self.record(LISTS[path[-2]][0])
        return self.record("account" if path == ["me"] else "site")

    def response(self, method: str, path: list[str]) -> ScriptedResponse:
        """Return a response: a document, an error with any document, or a document with some bytes wrong."""
        status = 200
        if self.random.random() < self.wrong / 3:
            status = self.random.choice(
                [200, 201, 204, 400, 401, 403, 404, 404, 405, 409, 410, 429, 500, 502, 503, 504]
            )
        document = self.document(method, path)
        if status >= 300 and self.random.random() < 0.8:
            slug = self.random.choice(["not_found", "authorization_required", "invalid_token", "unknown_blog", "x", ""])
            document = {"error": slug, "message": self.random.choice(TEXTS), **self.object()}
        text = json.dumps(document, ensure_ascii=self.random.random() < 0.8)
        if self.random.random() < self.wrong / 5:
            text = text.replace("5001", self.random.choice(["NaN", "1e999", "-Infinity", "9" * 4999, "{", "05001"]))
        headers = {"Content-Type": self.random.choice(["application/json"] * 9 + ["text/html", "", "\x00"])}
        if self.random.random() < self.wrong / 5:
            headers["Retry-After"] = self.random.choice(["1", "-1", "x", "9" * 400, "Wed, 99 Foo 2026", "\u0662"])
        return ScriptedResponse(status, text.encode("utf-8", "surrogatepass"), headers)


class NoisyServer(Server):
    """Responds to whatever it is asked with noise of the right form."""

    def __init__(self, seed: int) -> None:
        super().__init__()
        self.noise = Noise(seed)

    def respond(self, request: requests.PreparedRequest, path: list[str]) -> ScriptedResponse:
        """Return noise."""
        return self.noise.response(str(request.method), path)


@given(
    task=st.sampled_from(TASKS_OF_MODULES), seed=st.integers(0, 2**40), check_mode=st.booleans(), proxy=st.booleans()
)
@settings(max_examples=TASKS)
def test_tasks(task: tuple[str, dict[str, Any]], seed: int, check_mode: bool, proxy: bool) -> None:
    """Every module: no traceback, no end of requests, a result that can be read, no write in check mode."""
    server = NoisyServer(seed)
    with connected(server):
        outcome = run(
            task[0], NOWHERE, check_mode=check_mode, retries=1, timeout=1, http_envelope=proxy, **options_of(task)
        )
    passes_on([outcome.result, outcome.warnings])
    assert isinstance(outcome.result["changed"], bool)
    if outcome.failed:
        assert outcome.result["msg"]
        assert set(outcome.result["error"]) == {"status", "code", "message", "method", "path"}
    if check_mode:
        assert "POST" not in server.methods


def queries() -> list[Any]:
    """Return a query or operation of each class, with values for its fields."""
    values: dict[str, Any] = {"site": "3001", "service": "linkedin", "presentation": (), "shared": True}
    found = []
    for kind in vars(_operations).values():
        if isinstance(kind, type) and dataclasses.is_dataclass(kind) and kind is not _operations.OperationResult:
            fields = [field for field in dataclasses.fields(kind) if field.default is dataclasses.MISSING]
            needed = [f for f in fields if f.default_factory is dataclasses.MISSING]
            found.append(kind(**{field.name: values.get(field.name, 5001) for field in needed}))
    return found


@given(asked=st.sampled_from(queries()), seed=st.integers(0, 2**40))
@settings(max_examples=max(1, TASKS // 2))
def test_queries_and_operations(asked: Any, seed: int) -> None:
    """Every query and every operation: a response, or an error of ours."""
    server = NoisyServer(seed)
    with connected(server):
        session = Session(options(retries=1, timeout=1, retry_max_delay=0), ReadCache(), SessionSettings())
        try:
            response = session.apply(asked) if isinstance(asked, _operations.Operation) else session.fetch(asked)
        except WpcomError as error:
            passes_on(error.as_result())
        except KeyError:
            # A cache makes one query of another.
            assert isinstance(asked, _operations.ListOwnPublicizeConnectionsOnSite)
        else:
            passes_on(response)


def gathered(seed: int) -> Optional[dict[str, Any]]:
    """Return what wpcom_connection_info gathers from a noisy server, None where that is an error."""
    with connected(NoisyServer(seed)):
        outcome = run("info", NOWHERE, retries=1, timeout=1, gather=[*ALL, "sites"])
    return None if outcome.failed else outcome.result


@given(seed=st.integers(0, 2**40), user=st.sampled_from([None, 1001]))
@settings(max_examples=TASKS)
@example(seed=0, user=None)
def test_filters(seed: int, user: Optional[int]) -> None:
    """What was read can be exported, written down, read again, and is the same; and it can be audited."""
    result = gathered(seed)
    if result is None:
        return
    check_filters(result, user, refused)


@given(seed=st.integers(0, 2**40), connections=st.booleans())
@settings(max_examples=TASKS // 2)
def test_inventory(seed: int, connections: bool) -> None:
    """The variables of the hosts, or an error of ours."""
    account = _sites.Account("", options(retries=1, timeout=1, retry_max_delay=0))
    selection = _sites.Selection("all", "all", connections)
    with connected(NoisyServer(seed)):
        try:
            listed, warnings = _sites.list_sites([account], selection)
        except WpcomError as error:
            passes_on(error.as_result())
            return
    passes_on([listed, warnings])
    assert _sites.is_listed(listed)
    for name in listed["accounts"]:
        assert name is None or _sites.group_name(name)


@given(seeds=st.lists(st.integers(0, 2**40), min_size=2, max_size=4), test=st.booleans())
@settings(max_examples=TASKS // 4)
def test_events(seeds: list[int], test: bool) -> None:
    """One list after the other: events that can be queued, and a state that can be written and read again."""
    arguments = _event_source.Arguments.of(
        {"api_url": NOWHERE, "api_token": TOKEN, "retries": 0, "retry_max_delay": 0, "test": test}
    )
    state = _events.State()
    for seed in seeds:
        with connected(NoisyServer(seed)):
            try:
                reading = _event_source.Poll(arguments, ()).run()
            except WpcomError:
                events, state = _events.outage(state)
            else:
                health = reading.health
                events, state = _events.changes(state, health.records, complete=reading.complete)
        passes_on(events)
        document = json.loads(json.dumps(_events.to_document(state), allow_nan=False))
        assert _events.from_document(document) == state


@given(seed=st.integers(0, 2**40), prefix=st.sampled_from([CLASSIC, MODERN]))
@settings(max_examples=TASKS // 4)
def test_authorization_server(seed: int, prefix: str) -> None:
    """A token that can be kept, or an error of ours."""
    made = transport.Transport(
        options(retries=1, timeout=1, retry_max_delay=0), check_mode=False, sleep=lambda _s: None
    )
    noise = Noise(seed)
    keys = ["access_token", "token_type", "expires_in", "refresh_token", "scope", "blog_id", "client_id", "error"]

    def respond() -> ScriptedResponse:
        document = {key: noise.value() for key in keys if noise.random.random() < 0.8}
        if noise.random.random() < 0.7:
            document.update(access_token="fine", client_id="1", token_type="bearer")
        document = document if noise.random.random() < 0.95 else noise.value()
        return json_response(document, noise.random.choice([200, 200, 200, 400, 500]))

    made._session.mount(NOWHERE, Script(*[respond() for _number in range(4)]))
    server = AuthorizationServer(made, prefix)
    form = {"grant_type": "authorization_code", "code": "x"}
    for ask in (lambda: server.register("http://127.0.0.1/", "x"), lambda: server.token(form)):
        try:
            response: Any = ask()
        except WpcomError as error:
            passes_on(error.as_result())
        else:
            if isinstance(response, dict):
                json.dumps(token_document(response, {}, utc_now(), assume_lifetime=True), allow_nan=False).encode()


@pytest.mark.parametrize("seed", range(3))
def test_noise(seed: int) -> None:
    """The noise is not so loud that nothing is understood."""
    outcomes = [gathered(number) for number in range(seed * 20, seed * 20 + 20)]
    assert 3 < sum(outcome is not None and bool(outcome["publicize_connections"]) for outcome in outcomes) < 18
