# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The event source over HTTP, with a queue and a clock of its own: arguments, waits, the state file, and its end."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import socket
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import FrozenInstanceError
from pathlib import Path
from typing import Any, NoReturn, Optional

import pytest
import requests

from ansible_collections.community.wpcom.plugins.module_utils import _event_source
from ansible_collections.community.wpcom.plugins.module_utils._errors import (
    ApiError,
    ConnectError,
    InterruptedTaskError,
    OptionError,
    ResponseError,
    WpcomError,
)
from ansible_collections.community.wpcom.plugins.module_utils._event_source import (
    Arguments,
    EventSourceError,
    Poll,
    StateFile,
    argument_spec,
    in_thread,
    is_temporary,
    wait_after,
    watch,
)
from ansible_collections.community.wpcom.plugins.module_utils._events import KEPT, State, Watched, to_document
from ansible_collections.community.wpcom.plugins.module_utils._options import connection_argument_spec
from ansible_collections.community.wpcom.tests.simulator import TROUBLES_WORLD, Simulator
from ansible_collections.community.wpcom.tests.unit.support import TOKEN, brief

POLL = ["GET /me/keyring-connections", "GET /me/publicize-connections", "GET /meta/external-services"]
# What does not work in the default world, for the user of the token.
EXISTING = ["broken 5004", "expiring 5013", "broken 5014"]


class Source:
    """Runs the event source until its clock has had as many waits as there are steps; each step changes the world."""

    def __init__(self, simulator: Simulator) -> None:
        self.simulator = simulator
        self.events: list[dict[str, Any]] = []
        self.waits: list[float] = []

    async def put(self, event: dict[str, Any]) -> None:
        """Take an event, as the queue of a rulebook does."""
        json.dumps(event)
        self.events.append(event)

    def run(self, *steps: Optional[Callable[[], Any]], **arguments: Any) -> list[str]:
        """Return the events in brief; the first read is before the first step, and the last step is the end."""
        self.events, self.waits = [], []
        left = [*steps, asyncio.CancelledError()]

        async def sleep(seconds: float) -> None:
            self.waits.append(seconds)
            step = left.pop(0)
            if isinstance(step, asyncio.CancelledError):
                raise step
            if step is not None:
                step()

        given = {"api_url": self.simulator.url, "api_token": TOKEN, "retries": 0, **arguments}
        with pytest.raises(asyncio.CancelledError):
            # A source that waits for ever is to fail its test.
            asyncio.run(asyncio.wait_for(watch(self, given, sleep=sleep), 30))
        return self.brief()

    def brief(self) -> list[str]:
        """Return the events as lines such as ``broken 5004``."""
        return [
            " ".join([event["type"], *([str(event["connection"]["id"])] if event["connection"] else [])])
            for event in self.events
        ]

    def end(self, **arguments: Any) -> str:
        """Return the text of the error that ends the source."""
        given = {"api_url": self.simulator.url, "api_token": TOKEN, "retries": 0, **arguments}
        with pytest.raises(EventSourceError) as caught:
            asyncio.run(asyncio.wait_for(watch(self, given), 10))
        assert TOKEN not in str(caught.value).replace("sim-token-", "")
        return str(caught.value)

    def status(self, keyring_connection_id: int, status: Optional[str]) -> Callable[[], None]:
        """Return the step that gives an account a status."""
        return lambda: self.simulator.patch(keyring_connections=[{"ID": keyring_connection_id, "status": status}])


@pytest.fixture
def source(simulator: Simulator) -> Source:
    """Return the event source over the default world."""
    return Source(simulator)


@pytest.fixture
def state_file(tmp_path: Path) -> Path:
    """Return a path for the state."""
    return tmp_path / "state.json"


# Arguments


def arguments(**given: Any) -> Arguments:
    """Return validated arguments."""
    return Arguments.of({"api_token": TOKEN, **given})


def test_defaults() -> None:
    made = arguments()
    assert (made.interval, made.test, made.expiring_within, made.sites) == (900, False, 14, ())
    assert made.report_existing is True
    with pytest.raises(FrozenInstanceError):
        setattr(made, "interval", 1)  # noqa: B010
    assert made.state_file is None
    assert made.connection["timeout"] == 60


def test_arguments_are_converted_and_null_is_not_set() -> None:
    made = arguments(
        interval="60", test="yes", expiring_within="30", sites=["https://Blog.example.com/", 3002, "3002"], timeout=None
    )
    assert (made.interval, made.test, made.expiring_within) == (60, True, 30)
    assert made.sites == ("blog.example.com", "3002")
    assert made.connection["timeout"] == 60
    assert arguments(sites=3002).sites == ("3002",)
    assert arguments(sites=[], state_file="").sites == ()
    assert arguments(state_file="").state_file is None


def test_arguments_in_addition_to_the_connection_options() -> None:
    spec = argument_spec()
    assert {name: rule for name, rule in spec.items() if name not in connection_argument_spec()} == {
        "interval": {"type": "int", "default": 900},
        "test": {"type": "bool", "default": False},
        "expiring_within": {"type": "int", "default": 14},
        "sites": {"type": "list", "elements": "str"},
        "report_existing": {"type": "bool", "default": True},
        "state_file": {"type": "path"},
    }
    assert {name: spec[name] for name in connection_argument_spec()} == connection_argument_spec()


@pytest.mark.parametrize(("name", "lowest", "highest"), [("interval", 1, 604800), ("expiring_within", 0, 36500)])
def test_bounds(name: str, lowest: int, highest: int) -> None:
    assert [getattr(arguments(**{name: value}), name) for value in (lowest, highest)] == [lowest, highest]
    for value in (lowest - 1, highest + 1):
        with pytest.raises(OptionError) as caught:
            arguments(**{name: value})
        assert caught.value.message == f"{name} must be a number from {lowest} to {highest}, got {value}."


def test_arguments_that_do_not_exist_are_named_with_those_that_do() -> None:
    with pytest.raises(OptionError) as caught:
        arguments(period=5, every=None)
    assert caught.value.message == (
        f"Unsupported arguments: every, period. Supported arguments are: {', '.join(sorted(argument_spec()))}."
    )


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"test": "perhaps"}, "test must be true or false, got 'perhaps'."),
        ({"sites": {"a": 1}}, "sites must be a list of texts, got {'a': 1}."),
        ({"interval": "soon"}, "interval must be a whole number, got 'soon'."),
        ({"state_file": 5}, "state_file must be a path, got 5."),
        ({"api_url": ["x"]}, "api_url must be a text, got ['x']."),
        ({"api_token": ["x"]}, "api_token must be a text, got another value."),
    ],
)
def test_argument_of_another_type(given: dict[str, Any], message: str) -> None:
    with pytest.raises(OptionError) as caught:
        arguments(**given)
    assert caught.value.message == message


def test_environment_is_used_as_by_the_modules(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WPCOM_TIMEOUT", "7")
    monkeypatch.setenv("WPCOM_RETRIES", "")
    made = arguments()
    assert (made.connection["timeout"], made.connection["retries"]) == (7, 3)
    monkeypatch.setenv("WPCOM_RETRIES", "many")
    with pytest.raises(
        OptionError, match="retries must be a whole number, got another value in its environment variable"
    ):
        arguments()


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ({"period": 5}, r"Unsupported arguments: period\. Supported arguments are: api_token, .*, interval, .*"),
        ({"interval": 0}, "interval must be a number from 1 to 604800, got 0."),
        ({"interval": True}, "interval must be a number"),
        ({"interval": "soon"}, "^interval must be a whole number, got 'soon'.$"),
        ({"expiring_within": -1}, "expiring_within must be a number from 0 to 36500, got -1."),
        ({"interval": 1.5}, "interval must be a whole number, got 1.5.$"),
        ({"test": "perhaps"}, "test must be true or false, got 'perhaps'.$"),
        ({"sites": {"a": 1}}, "sites must be a list of texts, got {'a': 1}.$"),
        ({"state_file": ["a"]}, r"state_file must be a path, got \['a'\].$"),
        ({"state_file": 5}, "state_file must be a path, got 5.$"),
        ({"ca_path": {"a": 1}}, "ca_path must be a path, got"),
        ({"api_url": ["x"]}, "api_url must be a text, got"),
        ({"api_token": ["x"]}, "api_token must be a text, got another value"),
        ({"sites": ["a b"]}, "sites: site must be .*'a b'"),
        ({"sites": [""]}, "sites: site must be"),
        ({"timeout": 0}, "timeout must be 1 or more, got 0"),
        ({"api_url": "ftp://x"}, "api_url must begin with https"),
        ({"api_token": "a\nb"}, "api_token contains"),
        ({"ca_path": "/nowhere"}, "ca_path '/nowhere' does not exist"),
    ],
)
def test_wrong_argument_ends_the_source_before_any_request(source: Source, given: Any, text: str) -> None:
    with pytest.raises(OptionError, match=text):
        arguments(**given)
    source.end(**given)
    assert source.simulator.requests() == []


def test_without_requests_the_text_says_what_to_install(source: Source, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_event_source, "HAS_REQUESTS", False)
    assert "install it in the Python environment of ansible-rulebook" in source.end()


# Events


def test_read_takes_three_requests_and_what_does_not_change_makes_no_event(source: Source) -> None:
    assert source.run(None, None, interval=5) == EXISTING
    assert sorted(brief(source.simulator.requests())) == sorted(POLL * 3)
    assert source.waits == [5, 5, 5]


def test_changes_make_events(source: Source) -> None:
    added = {"ID": 5999, "site_ID": 3001, "keyring_connection_ID": 2003, "shared": False}
    events = source.run(
        source.status(2006, "ok"),
        source.status(2003, "must_reauth"),
        lambda: source.simulator.patch(publicize_connections=[added]),
        report_existing=False,
    )
    assert events == ["recovered 5004", "expiring 5002", "expiring 5007", "created 5999", "expiring 5999"]
    assert source.events[0]["account"] == "ada.bsky.example"
    assert source.events[0]["previous"]["status"] == "broken"


def test_only_named_sites_and_their_names_are_looked_up_once(source: Source) -> None:
    assert source.run(None, sites=["jetpack.example.com"]) == ["expiring 5013"]
    assert len(source.simulator.requests("GET", "/me/sites$")) == 1
    assert source.simulator.requests("GET", "/sites/") == []


def test_days_before_an_expiry_are_those_of_the_argument(source: Source) -> None:
    assert {"expiring 5010", "expiring 5011"} < set(source.run(expiring_within=36500))
    assert source.run(expiring_within=0) == EXISTING


def test_connections_are_tested_where_asked_for(source: Source) -> None:
    source.run(test=True)
    first, *others = source.simulator.requests()
    assert first["query"] == {"force_connection_test": "1"}
    assert [request["query"] for request in others] == [{}, {}]


def test_other_users_make_no_event(source: Source) -> None:
    source.simulator.reset(TROUBLES_WORLD)
    events = source.run(source.status(450, "broken"), report_existing=False)
    assert events == []


def test_deletion_is_reported_when_all_entries_have_an_id(source: Source, caplog: pytest.LogCaptureFixture) -> None:
    def delete() -> None:
        source.simulator.settings(switches={"bad_entries": "no_id"})
        headers = {"Authorization": f"Bearer {TOKEN}"}
        requests.post(f"{source.simulator.url}/rest/v1.1/me/publicize-connections/5004/delete", headers=headers)

    def repair() -> None:
        source.simulator.settings(switches={"bad_entries": "none"})

    events = source.run(delete, None, repair, report_existing=False)
    assert events == ["deleted 5004"]
    assert source.events[0]["previous"]["health"] == "broken"
    assert len([record for record in caplog.records if "without an ID" in record.getMessage()]) == 1


# Outages


def test_outage_is_one_event_and_the_waits_get_longer(source: Source) -> None:
    source.simulator.fault(kind="cut", times=10**6)
    steps = [None] * 6
    events = source.run(*steps, source.simulator.clear_faults, None, interval=3)
    assert events == ["unreachable", "recovered", *EXISTING]
    assert source.waits == [3, 6, 12, 24, 48, 96, 192, 3, 3]


def test_long_interval_does_not_make_the_waits_long(source: Source) -> None:
    source.simulator.fault(kind="cut", times=10**6)
    source.run(*[None] * 6, interval=86400)
    assert source.waits == [60, 120, 240, 480, 900, 900, 900]


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "limit_reached"},
        {"kind": "throttle"},
        {"kind": "status", "status": 503},
        {"kind": "status", "status": 403, "body": "Forbidden by the proxy", "content_type": "text/plain"},
    ],
    ids=lambda fault: str(fault.get("status", fault["kind"])),
)
def test_server_that_refuses_is_left_in_peace_for_a_minute(source: Source, fault: Mapping[str, Any]) -> None:
    source.simulator.fault(times=3, **fault)
    source.run(None, None, interval=1, retry_max_delay=0)
    assert source.brief()[:1] == ["unreachable"]
    assert source.waits[0] == 60
    assert source.brief()[1:] == ["recovered", *EXISTING]


def test_outage_is_explained_in_the_log(source: Source, caplog: pytest.LogCaptureFixture) -> None:
    source.simulator.fault(kind="html", times=3)
    with caplog.at_level(logging.WARNING):
        source.run()
    assert "not JSON" in caplog.text
    assert "The next attempt is in 60 seconds." in caplog.text
    assert TOKEN not in caplog.text


def test_outage_that_lasts_over_a_restart_is_one_event(source: Source, state_file: Path) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        nowhere = f"http://127.0.0.1:{closed.getsockname()[1]}"
        assert source.run(None, api_url=nowhere, state_file=state_file) == ["unreachable"]
        assert source.run(api_url=nowhere, state_file=state_file) == []
    assert source.run(state_file=state_file) == ["recovered", *EXISTING]


@pytest.mark.parametrize(
    ("error", "temporary"),
    [
        (ConnectError("x"), True),
        (ResponseError("x"), True),
        (ApiError("x", status=500), True),
        (ApiError("x", status=500, code="internal"), True),
        (ApiError("x", status=499, code="gone"), False),
        (ApiError("x", status=None, code="lost"), True),
        (ApiError("x", status=503, code="maintenance"), True),
        (ApiError("x", status=429, code="too_many_requests"), True),
        (ApiError("x", status=404), True),
        (ApiError("x", status=400, code="invalid_token"), False),
        (ApiError("x", status=403, code="authorization_required"), False),
        (OptionError("x"), False),
        (WpcomError("x"), False),
    ],
)
def test_errors_of_network_and_server_are_temporary(error: WpcomError, temporary: bool) -> None:
    assert is_temporary(error) is temporary


@pytest.mark.parametrize(
    ("error", "failures", "interval", "seconds"),
    [
        (ConnectError("x"), 1, 3, 3),
        (ConnectError("x"), 2, 3, 6),
        (ResponseError("x"), 9, 3, 768),
        (ConnectError("x"), 10, 3, 900),
        (ConnectError("x"), 1, 86400, 60),
        (ConnectError("x"), 4, 60, 480),
        (ConnectError("x"), 5, 61, 900),
        (ConnectError("x"), 10**6, 1, 900),
        (ApiError("x"), 1, 1, 60),
        (ApiError("x"), 6, 2, 64),
        (ApiError("x"), 10**6, 1, 900),
    ],
)
def test_waits_after_errors(error: WpcomError, failures: int, interval: int, seconds: int) -> None:
    assert wait_after(error, failures, interval) == seconds


def test_waits_begin_anew_after_each_outage(source: Source) -> None:
    def cut() -> None:
        source.simulator.fault(kind="cut", times=10**6)

    cut()
    source.run(None, source.simulator.clear_faults, cut, None, interval=3)
    assert source.waits == [3, 6, 3, 3, 6]


# The thread


def test_work_is_done_in_a_thread_that_the_end_does_not_wait_for() -> None:
    def work() -> tuple[bool, bool]:
        thread = threading.current_thread()
        return thread.daemon, thread is threading.main_thread()

    assert asyncio.run(in_thread(work)) == (True, False)


@pytest.mark.parametrize("error", [OptionError("x"), KeyError("x"), SystemExit(3)])
def test_error_in_the_thread_is_raised(error: BaseException) -> None:
    def work() -> None:
        raise error

    async def caught() -> Any:
        try:
            await in_thread(work)
        except BaseException as raised:
            return raised

    assert asyncio.run(caught()) is error


def test_outcome_that_nobody_waits_for_is_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a cancelled work, also where it ends after the loop."""
    reported: list[Any] = []
    threads: list[threading.Thread] = []
    begun, go = threading.Event(), threading.Event()
    monkeypatch.setattr(threading, "excepthook", reported.append)

    def work() -> int:
        threads.append(threading.current_thread())
        begun.set()
        go.wait(10)
        return 5

    async def cancelled(*, before_the_end: bool) -> None:
        asyncio.get_running_loop().set_exception_handler(lambda _loop, context: reported.append(context))
        task = asyncio.ensure_future(in_thread(work))
        await asyncio.sleep(0)
        begun.wait(10)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        if before_the_end:
            go.set()
            threads[-1].join(10)
            await asyncio.sleep(0)

    asyncio.run(cancelled(before_the_end=True))
    begun.clear()
    go.clear()
    asyncio.run(cancelled(before_the_end=False))
    go.set()
    threads[-1].join(10)
    assert reported == []
    assert len(threads) == 2


def test_session_is_closed_and_interrupted(simulator: Simulator, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[Any] = []
    done: list[str] = []

    class Noted(_event_source.Session):
        def __init__(self, *given: Any, **named: Any) -> None:
            made.append(named["stop"])
            super().__init__(*given, **named)

        def close(self) -> None:
            done.append("closed")
            super().close()

        def interrupt(self) -> None:
            done.append("interrupted")
            super().interrupt()

    monkeypatch.setattr(_event_source, "Session", Noted)
    poll = Poll(arguments(api_url=simulator.url), ())
    reading = poll.run()
    assert (bool(reading.health.records), reading.complete, reading.warnings) == (True, True, ())
    assert (done, made[0]()) == (["closed"], False)
    poll.interrupt()
    assert (done, made[0]()) == (["closed", "interrupted"], True)
    with pytest.raises(FrozenInstanceError):
        setattr(reading, "complete", False)  # noqa: B010
    # Before it has begun, too.
    early = Poll(arguments(api_url=simulator.url), ())
    early.interrupt()
    with pytest.raises(InterruptedTaskError):
        early.run()
    assert done == ["closed", "interrupted", "closed"]


def test_interrupted_reading_is_repeated(source: Source, monkeypatch: pytest.MonkeyPatch) -> None:
    """As where the shell that started ansible-rulebook has ended."""
    read, left = _event_source.read, [InterruptedTaskError("x")]

    async def interrupted_once(*given: Any) -> Any:
        if left:
            raise left.pop()
        return await read(*given)

    monkeypatch.setattr(_event_source, "read", interrupted_once)
    assert source.run() == EXISTING


# The end


@pytest.mark.parametrize(
    ("token", "parts"),
    [
        ("wrong", ["invalid_token", "with the playbook community.wpcom.get_token"]),
        ("sim-token-posts", ["authorization_required", "scope sharing or global"]),
        (None, ["api_token is required"]),
    ],
)
def test_token_that_is_not_enough_ends_the_source_with_what_to_do(source: Source, token: Any, parts: list[str]) -> None:
    text = source.end(api_token=token)
    for part in parts:
        assert part in text
    assert source.events == []


def test_file_of_the_token_is_read_at_each_interval(source: Source, tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("sim-token-sharing", encoding="utf-8")
    file.chmod(0o600)
    with pytest.raises(EventSourceError, match="invalid_token"):
        source.run(
            None, lambda: file.write_text("replaced", encoding="utf-8"), api_token=None, api_token_file=str(file)
        )
    assert source.brief() == EXISTING
    assert len(source.waits) == 2


def test_unknown_site_ends_the_source(source: Source) -> None:
    assert "unknown_blog" in source.end(sites=["nowhere.example.com"])
    # It would never have an event.
    assert "unknown_blog" in source.end(sites=["3001", "99999"])


def test_id_of_a_site_is_looked_up_once_and_only_where_nothing_is_connected(source: Source) -> None:
    source.run(None, sites=["3001"])
    assert sorted(brief(source.simulator.requests())) == sorted(POLL * 2)
    source.simulator.clear_requests()
    source.simulator.patch(sites=[{"ID": 3999, "slug": "new.example.com"}])
    assert source.run(None, sites=["3999"]) == []
    assert len(source.simulator.requests()) <= 3 * 2 + 2


def test_cancelled_source_ends_at_once_and_sends_nothing_more(source: Source) -> None:
    source.simulator.fault(kind="delay", seconds=3, times=2)

    async def cancelled() -> float:
        task = asyncio.ensure_future(watch(source, {"api_url": source.simulator.url, "api_token": TOKEN}))
        while len(source.simulator.requests()) < 2:
            await asyncio.sleep(0.02)
        begin = time.monotonic()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return time.monotonic() - begin

    begin = time.monotonic()
    assert asyncio.run(cancelled()) < 1.5
    # The end of the program does not wait for the response either.
    assert time.monotonic() - begin < 2.8
    time.sleep(3.2)
    # Two are sent in parallel; the third one is not.
    assert len(source.simulator.requests()) == 2
    assert source.events == []


# The state file


def test_restart_repeats_nothing_and_reports_what_happened_meanwhile(source: Source, state_file: Path) -> None:
    assert source.run(state_file=state_file) == EXISTING
    assert source.run(state_file=state_file) == []
    source.status(2006, "ok")()
    assert source.run(state_file=state_file) == ["recovered 5004"]
    assert source.run(state_file=state_file) == []


def test_state_has_no_secret_and_only_its_owner_may_read_it(source: Source, state_file: Path) -> None:
    source.run(state_file=state_file)
    text = state_file.read_text(encoding="utf-8")
    assert state_file.stat().st_mode & 0o777 == 0o600
    assert json.loads(text)["version"] == 1
    assert TOKEN not in text
    assert "http" not in text
    assert "nonce" not in text
    assert [path.name for path in state_file.parent.iterdir()] == ["state.json"]


def test_state_that_did_not_change_is_not_written_again(source: Source, state_file: Path) -> None:
    source.run(state_file=state_file)
    before = state_file.stat()
    source.run(None, None, state_file=state_file)
    assert state_file.stat().st_ino == before.st_ino
    source.run(source.status(2006, "ok"), state_file=state_file)
    assert state_file.stat().st_ino != before.st_ino


def test_link_is_followed(source: Source, tmp_path: Path) -> None:
    link, target = tmp_path / "link.json", tmp_path / "target.json"
    link.symlink_to(target)
    source.run(state_file=link)
    assert link.is_symlink()
    assert source.run(state_file=target) == []


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("not JSON", "is not JSON"),
        ("[" * 100_000, "is not JSON"),
        (b"\xff\xfe", "not a text file"),
        ('{"access_token": "secret"}', "no version"),
        ('{"version": 2}', "reads version 1 only"),
        ('{"version": 1, "connections": [{}]}', "damaged"),
    ],
)
def test_file_of_something_else_ends_the_source_and_stays(
    source: Source, state_file: Path, content: Any, reason: str
) -> None:
    data = content if isinstance(content, bytes) else content.encode()
    state_file.write_bytes(data)
    text = source.end(state_file=state_file)
    assert reason in text
    assert str(state_file) in text
    assert "Delete the file to begin without a state" in text
    assert "secret" not in text
    assert state_file.read_bytes() == data
    assert source.simulator.requests() == []


def test_empty_file_is_no_state(source: Source, state_file: Path) -> None:
    state_file.touch()
    assert source.run(state_file=state_file) == EXISTING
    assert source.run(state_file=state_file) == []


def test_path_that_cannot_be_written_ends_the_source(source: Source, tmp_path: Path) -> None:
    assert "create the directory" in source.end(state_file=tmp_path / "missing" / "state.json")
    assert "is not a file" in source.end(state_file=tmp_path)
    assert source.simulator.requests() == []


def test_state_that_cannot_be_written_later_does_not_end_the_source(
    source: Source, state_file: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def full(*_arguments: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    assert source.run(source.status(2006, "ok"), state_file=state_file) == [*EXISTING, "recovered 5004"]
    assert "cannot be written (No space left on device)" in caplog.text
    assert list(state_file.parent.iterdir()) == []


def kept_in(path: Optional[Path]) -> tuple[StateFile, str]:
    """Return a file of a state, and how messages name it."""
    return StateFile(None if path is None else str(path)), f"state_file {str(path)!r}"


BROKEN = State({5004: Watched({"id": 5004}, "broken")})


def test_without_a_path_nothing_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    file, _subject = kept_in(None)
    file.write(BROKEN)
    assert file.read() == State()
    assert list(tmp_path.iterdir()) == []


def test_text_of_a_state_is_on_the_disk_before_it_replaces_the_old_one(
    state_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[Any] = []
    fsync, replace = os.fsync, os.replace

    def note_sync(descriptor: int) -> None:
        done.append(os.fstat(descriptor).st_size)
        fsync(descriptor)

    def note_replace(old: str, new: str) -> None:
        done.append((Path(old).parent, Path(old).name[:19], new))
        replace(old, new)

    monkeypatch.setattr(os, "fsync", note_sync)
    monkeypatch.setattr(os, "replace", note_replace)
    file, _subject = kept_in(state_file)
    file.write(BROKEN)
    text = json.dumps(to_document(BROKEN), indent=1) + "\n"
    assert state_file.read_text(encoding="utf-8") == text
    assert done == [len(text), (state_file.parent, ".connection_health-", str(state_file))]
    file.write(BROKEN)
    assert len(done) == 2


def test_state_that_could_not_be_written_is_written_the_next_time(
    state_file: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def full(*_arguments: Any) -> None:
        raise OSError(28, "No space left on device")

    file, subject = kept_in(state_file)
    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", full)
        file.write(BROKEN)
    assert [(record.name, record.levelname, record.getMessage()) for record in caplog.records] == [
        (
            "community.wpcom.connection_health",
            "ERROR",
            f"{subject} cannot be written (No space left on device): events may be repeated after a restart.",
        )
    ]
    assert list(state_file.parent.iterdir()) == []
    file.write(BROKEN)
    assert json.loads(state_file.read_text(encoding="utf-8")) == to_document(BROKEN)


def test_interrupted_writing_leaves_no_file(state_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_arguments: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "replace", interrupt)
    with pytest.raises(KeyboardInterrupt):
        kept_in(state_file)[0].write(BROKEN)
    assert list(state_file.parent.iterdir()) == []


def test_messages_of_a_state_file_that_cannot_be_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def message(path: Path) -> str:
        with pytest.raises(OptionError) as caught:
            kept_in(path)[0].read()
        assert caught.value.message.startswith(f"{kept_in(path)[1]} ")
        return caught.value.message[len(kept_in(path)[1]) + 1 :]

    create = "cannot be written: create the directory, and allow this user to write to it."
    path = tmp_path / "state.json"
    assert message(tmp_path / "missing" / "state.json") == create
    assert message(tmp_path) == "is not a file: set state_file to the path of a file."
    path.write_text("secret", encoding="utf-8")
    assert message(path) == (
        "is not a state of this event source: it is not JSON. "
        "Delete the file to begin without a state, or set state_file to another path."
    )
    for lacking in (os.W_OK, os.X_OK):
        with monkeypatch.context() as patched:
            patched.setattr(os, "access", lambda _folder, mode, lacking=lacking: not mode & lacking)
            assert message(path) == create

    def refuse(*_arguments: Any, **_named: Any) -> NoReturn:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(_event_source, "open", refuse, raising=False)
    assert message(path) == "cannot be read (Permission denied): correct its permissions."


def test_state_of_another_user_is_refused(state_file: Path) -> None:
    mine, others = ({"keyring_connection_user_id": user} for user in (1, 2))
    of_mine = Watched({**dict.fromkeys(KEPT), "id": 1, **mine})
    kept_in(state_file)[0].write(State({1: of_mine}))
    file, subject = kept_in(state_file)
    # Nothing was read yet.
    file.check_user([others])
    assert file.read() == State({1: of_mine})
    file.check_user([mine])
    with pytest.raises(OptionError) as caught:
        file.check_user([others])
    assert caught.value.message == (
        f"{subject} has the connections of another WordPress.com user: set state_file to another path for each user."
    )


def test_state_of_another_user_ends_the_source(source: Source, state_file: Path) -> None:
    source.run(state_file=state_file, api_token="sim-token-grace")
    kept = state_file.read_bytes()
    assert "connections of another WordPress.com user" in source.end(state_file=state_file)
    assert state_file.read_bytes() == kept
    assert source.events == []


def test_cancelled_delivery_continues_after_a_restart(source: Source, state_file: Path) -> None:
    """A rulebook that ends takes no further event; none is lost, and none is repeated."""

    class Full(Source):
        async def put(self, event: dict[str, Any]) -> None:
            if len(self.events) == 1:
                await asyncio.Event().wait()
            await super().put(event)

    full = Full(source.simulator)

    async def cancelled() -> None:
        given = {"api_url": source.simulator.url, "api_token": TOKEN, "state_file": str(state_file)}
        task = asyncio.ensure_future(watch(full, given))
        while not full.events:
            await asyncio.sleep(0.02)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(cancelled())
    assert full.brief() == EXISTING[:1]
    assert source.run(state_file=state_file) == EXISTING[1:]


def test_every_argument_is_typed() -> None:
    for name, rule in argument_spec().items():
        assert rule["type"] in ("str", "int", "bool", "path", "list"), name
