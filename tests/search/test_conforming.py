# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Responses made from the table of keys, as schemas make requests: each of them is understood, in whatever form it comes."""

from __future__ import annotations

import json
from datetime import datetime
from functools import partial
from typing import Any, Optional

from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.community.wpcom.plugins.module_utils import _event_source, _events
from ansible_collections.community.wpcom.plugins.module_utils._api.resource import has_id
from ansible_collections.community.wpcom.plugins.module_utils._execute import TaskResult
from ansible_collections.community.wpcom.plugins.module_utils._records import wire
from ansible_collections.community.wpcom.plugins.module_utils._records.conformance import conformance
from ansible_collections.community.wpcom.plugins.module_utils._records.wire import Key
from ansible_collections.community.wpcom.plugins.plugin_utils import _sites
from ansible_collections.community.wpcom.tests.search.conforming import (
    WIRES,
    ConformingServer,
    Plain,
    WrongServer,
    asking,
)
from ansible_collections.community.wpcom.tests.search.wire import (
    ALL,
    TASKS,
    TASKS_OF_MODULES,
    check_filters,
    options_of,
    passes_on,
)
from ansible_collections.community.wpcom.tests.unit import returned
from ansible_collections.community.wpcom.tests.unit.support import NOWHERE, TOKEN, options, run

SEEDS = st.integers(0, 2**40)
EVERYTHING: dict[str, Any] = {"gather": [*ALL, "sites"]}
SECTIONS = {
    "publicize": "publicize_connections",
    "keyring": "keyring_connections",
    "applications": "connected_applications",
    "services": "services",
    "sites": "sites",
    "account": "account",
}
# Errors that say that the server did something that no server of this form does.
BLAMES = {
    "unexpected_response",
    "ignored_write",
    "unconfirmed_write",
    "no_response",
    "error",
    "write_in_check_mode",
    "",
}


def do(task: tuple[str, dict[str, Any]], **more: Any) -> TaskResult:
    """Run a task."""
    outcome = run(task[0], NOWHERE, retries=1, timeout=1, **options_of(task), **more)
    passes_on([outcome.result, outcome.warnings])
    assert returned.differences(task[0], outcome.result) == []
    return outcome


@given(seed=SEEDS)
@settings(max_examples=max(1, TASKS // 4))
def test_table(seed: int) -> None:
    """What is generated conforms to the table, as far as the diagnosis can tell."""
    server = ConformingServer(seed, extra=False)
    for kind, things in server.things.items():
        rows = [server.form(kind, thing) for thing in things]
        found = conformance(WIRES[kind], rows, partial(has_id, table=WIRES[kind]))
        assert (found.entries, found.without_id) == (len(things), 0)
        assert {**found.missing, **found.mistyped, **found.unknown} == {}, rows


@given(seed=SEEDS, proxy=st.booleans())
@settings(max_examples=max(1, TASKS // 2))
def test_information(seed: int, proxy: bool) -> None:
    """Everything that is sent is returned, once, with the value that was meant and of the type that is documented."""
    server = ConformingServer(seed)
    with asking(server):
        outcome = do(("info", EVERYTHING), http_envelope=proxy)
        assert not outcome.failed, outcome.result
        assert not [text for text in outcome.warnings if "left out" in text]
        for kind, things in server.things.items():
            records = outcome.result[SECTIONS[kind]]
            records = [records] if kind == "account" else records
            assert [record["id"] for record in records] == [thing["ID"] for thing in things]
            for thing, record in zip(things, records):
                check_record(WIRES[kind].keys, thing, record)


def check_record(keys: tuple[Key, ...], thing: Plain, record: dict[str, Any]) -> None:
    """Fail where a record does not say what a thing is."""
    for key in keys:
        name = key.name.lower()
        if key.name not in thing or key.kind == wire.MAP:
            continue
        value, meant = record.get(name), thing[key.name]
        if isinstance(meant, datetime):
            meant = meant.strftime("%Y-%m-%dT%H:%M:%SZ")
        if key.kind == wire.COUNT:
            value = int(value) if isinstance(value, str) else value
        if key.kind == wire.FLAG:
            value, meant = bool(value), bool(meant)
        if key.kind in (wire.ROWS, wire.IDS):
            meant = meant or []
        if key.keys and meant:
            rows = zip(meant, value, strict=True) if key.kind == wire.ROWS else [(meant, value)]
            for inner, shown in rows:
                check_record(key.keys, inner, shown)
        else:
            assert value == meant, (name, value, meant)


@given(task=st.sampled_from(TASKS_OF_MODULES), seed=SEEDS, proxy=st.booleans(), refuses=st.booleans())
@settings(max_examples=max(1, TASKS // 2))
def test_tasks(task: tuple[str, dict[str, Any]], seed: int, proxy: bool, refuses: bool) -> None:
    """Every module: no error that blames the server, check mode says what is done, and a second run does nothing."""
    server = ConformingServer(seed, refuses=refuses)
    with asking(server):
        predicted = do(task, http_envelope=proxy, check_mode=True)
        assert "POST" not in server.methods
        done = do(task, http_envelope=proxy)
        for outcome in (predicted, done):
            assert not outcome.failed or outcome.result["error"]["code"] not in BLAMES, outcome.result
        if refuses:
            return
        assert predicted.failed == done.failed, (predicted.result, done.result)
        assert predicted.result["changed"] == done.result["changed"]
        if done.failed:
            assert not done.result["changed"]
            return
        again = do(task, http_envelope=proxy)
        # What was deleted may have been what the next task needs.
        assert again.failed or not again.result["changed"]


@given(seed=SEEDS, user=st.sampled_from([None, 1001]))
@settings(max_examples=max(1, TASKS // 4))
def test_filters(seed: int, user: Optional[int]) -> None:
    """What was read can be exported, read back and audited."""
    server = ConformingServer(seed)
    with asking(server):
        result = do(("info", EVERYTHING)).result
        check_filters(result, user, lambda make: make())


@given(seed=SEEDS, connections=st.booleans())
@settings(max_examples=max(1, TASKS // 2))
def test_inventory(seed: int, connections: bool) -> None:
    """A host for each site, with the connections on it."""
    server = ConformingServer(seed)
    account = _sites.Account("", options(retries=1, timeout=1))
    with asking(server):
        listed, warnings = _sites.list_sites([account], _sites.Selection("all", "all", connections))
        passes_on(listed)
        assert not [text for text in warnings if "left out" in text]
        assert listed["accounts"] == [server.account["username"]]
        hosts = {site["wpcom_site_id"]: site for site in listed["sites"]}
        assert list(hosts) == [site["ID"] for site in server.sites]
        for site in server.sites:
            host = hosts[site["ID"]]
            assert host["wpcom_slug"] == site["slug"]
            assert host["wpcom_capabilities"] == site["capabilities"]
            on_site = [one["ID"] for one in server.own if one["site_ID"] == site["ID"]]
            assert [one["id"] for one in host.get("wpcom_connections", [])] == (on_site if connections else [])


@given(seed=SEEDS, test=st.booleans())
@settings(max_examples=max(1, TASKS // 4))
def test_events(seed: int, test: bool) -> None:
    """The same connections in other forms make no event."""
    server = ConformingServer(seed)
    arguments = _event_source.Arguments.of({"api_url": NOWHERE, "api_token": TOKEN, "retries": 0, "test": test})
    with asking(server):
        health = [_event_source.Poll(arguments, ()).run().health.records for _poll in range(2)]
        events, state = _events.changes(_events.State(), health[0])
        passes_on(events)
        assert _events.from_document(json.loads(json.dumps(_events.to_document(state)))) == state
        assert sorted(state.connections or {}) == sorted(one["ID"] for one in server.own)
        assert _events.changes(state, health[1])[0] == []


@given(task=st.sampled_from([("info", EVERYTHING), *TASKS_OF_MODULES]), seed=SEEDS, check_mode=st.booleans())
@settings(max_examples=max(1, TASKS // 2))
def test_one_wrong_value(task: tuple[str, dict[str, Any]], seed: int, check_mode: bool) -> None:
    """It is understood, or the error names the request whose response it is in."""
    server = WrongServer(seed)
    with asking(server):
        outcome = run(task[0], NOWHERE, check_mode=check_mode, retries=1, timeout=1, **options_of(task))
        passes_on([outcome.result, outcome.warnings])
        if outcome.failed and outcome.result["error"]["code"] in BLAMES:
            assert server.place is not None
            method, path, _place = server.place
            error = outcome.result["error"]
            assert (error["method"], error["path"].rstrip("/")) == (method, path.rstrip("/")), server.place
            assert "Could not " in outcome.result["msg"] or "did not do" in outcome.result["msg"]


def test_generator() -> None:
    """Each module writes in some of what is generated, has nothing to do in some of it, and refuses in some of it."""
    ended = set()
    for number in range(10 * len(TASKS_OF_MODULES)):
        task = TASKS_OF_MODULES[number % len(TASKS_OF_MODULES)]
        server = ConformingServer(number)
        with asking(server):
            outcome = do(task)
        ended.add((task[0], outcome.failed, "POST" in server.methods))
    for kind in ("publicize", "bulk", "keyring", "application"):
        assert {(kind, False, True), (kind, False, False), (kind, True, False)} <= ended
