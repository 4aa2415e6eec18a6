# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A token that is refreshed: once, by one process, and the file is complete at every moment."""

from __future__ import annotations

import json
import os
import re
import signal
import stat
import subprocess
import sys
import threading
import time
import warnings
from collections.abc import Mapping
from copy import copy
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any, Callable, Optional

import pytest

from ansible_collections.community.wpcom.plugins.module_utils._errors import (
    ApiError,
    ConnectError,
    OptionError,
    ResponseError,
    WpcomError,
)
from ansible_collections.community.wpcom.plugins.module_utils._oauth import refresh
from ansible_collections.community.wpcom.plugins.module_utils._options import ConnectionOptions
from ansible_collections.community.wpcom.tests.simulator import Simulator
from ansible_collections.community.wpcom.tests.unit import support


def document(simulator_url: str, expires_in: float, **changes: Any) -> dict[str, Any]:
    """Return the document of a token that ends in so many seconds."""
    return {
        "access_token": "old-access-token",
        "token_type": "bearer",
        "scope": "global",
        "blog_id": None,
        "obtained_at": "2026-01-01T00:00:00Z",
        "expires_at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + expires_in)),
        "refresh_token": "old-refresh-token",
        "client_id": "90001",
        "token_url": f"{simulator_url}/oauth2-1/token",
        **changes,
    }


def options(path: Path, url: str, **changes: Any) -> ConnectionOptions:
    """Return the options of a task with a token's file."""
    given = {"api_token": None, "api_token_file": str(path), "retry_max_delay": 0, **changes}
    return ConnectionOptions.from_params(support.params(url, **given))


class Issuer:
    """A simulator that has issued the old refresh token."""

    def __init__(self, simulator: Simulator) -> None:
        self.simulator = simulator
        self.url = simulator.url
        simulator.patch(clients=[{"ID": 90001, "title": "Test"}])
        self.allow("old-refresh-token")

    def allow(self, token: str) -> None:
        """Have a refresh token be valid."""
        from ansible_collections.community.wpcom.tests.simulator.world import Grant

        self.simulator.core.world.refresh_tokens[token] = Grant(90001, 1001, "global", None)

    @property
    def refreshes(self) -> int:
        """Return how often it was asked for a token."""
        return len(self.simulator.requests("POST", "/oauth2-1/token"))


@pytest.fixture
def issuer(simulator: Simulator) -> Issuer:
    """Return a simulator that has issued the old refresh token."""
    return Issuer(simulator)


@pytest.fixture
def file(tmp_path: Path, issuer: Issuer) -> Path:
    """Return the file of a token that ends in a minute."""
    return write(tmp_path / "token.json", document(issuer.url, 60))


def write(path: Path, content: Mapping[str, Any]) -> Path:
    """Write a token's document."""
    path.write_text(json.dumps(content), encoding="utf-8")
    path.chmod(0o600)
    return path


def read(path: Path) -> dict[str, Any]:
    """Return a token's document."""
    content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return content


def failure(options: ConnectionOptions) -> WpcomError:
    """Return the error that a refresh ends with."""
    with pytest.raises(WpcomError) as caught:
        refresh.with_valid_token(options)
    return caught.value


# When


def test_token_near_its_end_is_refreshed_and_stored(issuer: Issuer, file: Path) -> None:
    made = refresh.with_valid_token(options(file, issuer.url))
    stored = read(file)
    assert made.api_token == stored["access_token"] != "old-access-token"
    assert stored["refresh_token"] != "old-refresh-token"
    assert set(stored) == set(document("", 0)) | {"blog_id"}
    assert stored["expires_at"] > document("", 1209000)["expires_at"]
    assert made.warnings() == []
    assert {stored["access_token"], stored["refresh_token"]} <= set(made.secrets)
    assert refresh.with_valid_token(options(file, issuer.url)).api_token == made.api_token
    assert issuer.refreshes == 1
    assert issuer.simulator.requests()[0]["authorization"] == "none"


@pytest.mark.parametrize(
    "changes",
    [
        {"expires_at": None},
        {"expires_at": "soon"},
        {"expires_at": "2126-01-01T00:00:00Z"},
        {"expires_at": str(int(time.time()) + 3600)},
        {"expires_at": time.time() + 3600},
    ],
)
def test_token_with_time_left_is_left_unchanged(issuer: Issuer, file: Path, changes: dict[str, Any]) -> None:
    write(file, document(issuer.url, 0, **changes))
    assert refresh.with_valid_token(options(file, issuer.url)).api_token == "old-access-token"
    assert issuer.refreshes == 0
    assert sorted(os.listdir(file.parent)) == ["token.json"]


@pytest.mark.parametrize(("seconds", "refreshes"), [(290, 1), (310, 0)])
def test_token_is_refreshed_in_its_last_five_minutes(issuer: Issuer, file: Path, seconds: int, refreshes: int) -> None:
    write(file, document(issuer.url, 0, expires_at=time.time() + seconds))
    refresh.with_valid_token(options(file, issuer.url))
    assert issuer.refreshes == refreshes


@pytest.mark.parametrize("form", [int, float, str, lambda seconds: str(int(seconds))])
def test_end_may_be_a_unix_time(issuer: Issuer, file: Path, form: Callable[[float], Any]) -> None:
    given = form(time.time() + 60)
    write(file, document(issuer.url, 0, expires_at=given))
    refresh.with_valid_token(options(file, issuer.url))
    assert issuer.refreshes == (0 if form is str else 1)


def test_without_a_refresh_token_a_warning_shows_the_end(issuer: Issuer, file: Path) -> None:
    write(file, document(issuer.url, 60, refresh_token=None))
    made = refresh.with_valid_token(options(file, issuer.url))
    assert made.api_token == "old-access-token"
    assert "expires at 20" in made.warnings()[0]
    assert "log in again" in made.warnings()[0]
    write(file, document(issuer.url, -60, refresh_token=None))
    assert "expired at 20" in refresh.with_valid_token(options(file, issuer.url)).warnings()[0]
    assert issuer.refreshes == 0


@pytest.mark.parametrize(
    ("end", "warned"), [("soon", True), ("2026-11-25", True), ("", False), (None, False), (0, False)]
)
def test_end_that_is_no_date_is_reported(issuer: Issuer, file: Path, end: Any, warned: bool) -> None:
    write(file, {**document(issuer.url, 60), "expires_at": end})
    made = refresh.with_valid_token(options(file, issuer.url))
    assert made.api_token == "old-access-token"
    assert any("expires_at" in warning and str(file) in warning for warning in made.warnings()) is warned
    assert issuer.refreshes == 0


def test_plain_text_has_no_end(issuer: Issuer, file: Path) -> None:
    file.write_text("sim-token\n")
    assert refresh.with_valid_token(options(file, issuer.url)).api_token == "sim-token"


@pytest.mark.parametrize("check_mode", [True, False])
def test_task_refreshes_in_check_mode_too(issuer: Issuer, file: Path, check_mode: bool) -> None:
    given = {"gather": ["account"], "api_token": None, "api_token_file": str(file)}
    ended = support.run("info", issuer.url, check_mode=check_mode, **given)
    assert ended.result["account"]["id"] == 1001
    assert issuer.refreshes == 1
    assert read(file)["access_token"] in ended.secrets


@pytest.mark.parametrize(("rotation", "expected"), [("rotate", False), ("keep", True), ("omit", True)])
def test_rotation_in_all_forms(issuer: Issuer, file: Path, rotation: str, expected: bool) -> None:
    issuer.simulator.settings(switches={"oauth_rotation": rotation})
    for _turn in range(3):
        refresh.with_valid_token(options(file, issuer.url))
        assert (read(file)["refresh_token"] == "old-refresh-token") is expected
        write(file, {**read(file), "expires_at": 1})
    assert issuer.refreshes == 3


@pytest.mark.parametrize(("form", "seconds"), [("number", 60), ("text", 60), ("absent", 14 * 86400)])
def test_lifetime_in_all_forms(issuer: Issuer, file: Path, form: str, seconds: int) -> None:
    issuer.simulator.settings(switches={"oauth_expires_in": form, "oauth_lifetime": 60})
    refresh.with_valid_token(options(file, issuer.url))
    assert abs(refresh._left(read(file)).total_seconds() - seconds) < 30


@pytest.mark.parametrize("form", ["text", "list", "absent"])
def test_scope_in_all_forms(issuer: Issuer, file: Path, form: str) -> None:
    issuer.simulator.settings(switches={"oauth_scope_form": form})
    refresh.with_valid_token(options(file, issuer.url))
    assert read(file)["scope"] == "global"


# Without a server

NOW = datetime(2026, 7, 1, 12, 0, 0, tzinfo=timezone.utc)
LOG_IN = "log in again with the playbook community.wpcom.get_token"


@pytest.fixture
def at_noon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have it be noon."""
    monkeypatch.setattr(refresh, "utc_now", lambda: NOW)


def ending(folder: Path, seconds: float, **changes: Any) -> Path:
    """Write the document of a token that ends in so many seconds from noon, and return its path."""
    end = (NOW + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")
    return write(folder / "token.json", document(support.NOWHERE, 0, **{"expires_at": end, **changes}))


def sent_by(path: Path, outcome: Any = None) -> tuple[Any, list[Any]]:
    """Return the connection options or the error, and the documents that were sent to be refreshed."""
    sent: list[Any] = []

    def send(given: Mapping[str, Any]) -> Mapping[str, Any]:
        sent.append(dict(given))
        if isinstance(outcome, Exception):
            raise outcome
        return {"access_token": "new-access-token", **(outcome or {})}

    try:
        return refresh.with_valid_token(options(path, "https://api.invalid"), refresh=send), sent
    except WpcomError as error:
        return error, sent


@pytest.mark.parametrize(("seconds", "is_sent"), [(301, False), (300, False), (299, True), (0, True), (-1, True)])
def test_when_a_token_is_refreshed(at_noon: None, tmp_path: Path, seconds: int, is_sent: bool) -> None:
    file = ending(tmp_path, seconds)
    before = read(file)
    made, sent = sent_by(file, {"expires_in": 60, "refresh_token": "next"})
    assert sent == ([before] if is_sent else [])
    assert made.api_token == made.token_file.access_token == ("new-access-token" if is_sent else "old-access-token")
    after = {
        **before,
        "access_token": "new-access-token",
        "obtained_at": "2026-07-01T12:00:00Z",
        "refresh_token": "next",
        "expires_at": "2026-07-01T12:01:00Z",
    }
    assert read(file) == made.token_file.document == (after if is_sent else before)


@pytest.mark.parametrize("changes", [{}, {"api_token_file": "/nowhere"}])
def test_without_a_file_that_was_read_there_is_nothing_to_refresh(changes: dict[str, Any]) -> None:
    given = support.options(**changes)
    assert refresh.with_valid_token(given) is given


@pytest.mark.parametrize("outcome", [None, ConnectError("No way.")])
def test_connections_are_closed(at_noon: None, tmp_path: Path, outcome: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    used: list[Any] = []

    class Noted(refresh.Transport):
        def __init__(self, *given: Any, **named: Any) -> None:
            used.append(named["check_mode"])
            super().__init__(*given, **named)

        def close(self) -> None:
            used.append("closed")
            super().close()

    monkeypatch.setattr(refresh, "Transport", Noted)
    sent_by(ending(tmp_path, 60), outcome)
    # A token is refreshed in check mode too.
    assert used == [False, "closed"]


def test_new_token_without_a_lifetime_has_two_weeks(at_noon: None, tmp_path: Path) -> None:
    file = ending(tmp_path, 60)
    sent_by(file)
    assert read(file)["expires_at"] == "2026-07-15T12:00:00Z"


@pytest.mark.parametrize(
    ("seconds", "changes", "said"),
    [
        (
            60,
            {"refresh_token": None},
            f"The token of api_token_file {{path}} expires at 2026-07-01T12:01:00Z: {LOG_IN}.",
        ),
        (0, {"refresh_token": ""}, f"The token of api_token_file {{path}} expired at 2026-07-01T12:00:00Z: {LOG_IN}."),
        (
            0,
            {"expires_at": "soon"},
            "expires_at of api_token_file {path} is not a date, so the token is not refreshed: "
            "use the form 2026-02-14T10:20:30Z.",
        ),
    ],
)
def test_warning_of_a_token_that_is_not_refreshed(
    at_noon: None, tmp_path: Path, seconds: int, changes: dict[str, Any], said: str
) -> None:
    file = ending(tmp_path, seconds, **changes)
    made, sent = sent_by(file)
    assert sent == []
    assert made.warnings() == [said.format(path=repr(str(file)))]


ERRORS = {
    "connect": (ConnectError("No way."), "No way."),
    "response": (ResponseError("No JSON"), "No JSON."),
    "option": (OptionError("Wrong URL."), "Wrong URL."),
    "overload": (ApiError("Too much.", status=503, code="busy"), "Too much."),
    "blocked": (ApiError("Blocked.", status=403), "Blocked."),
    "often": (ApiError("Slow down.", status=429, code="too_many_requests"), "Slow down."),
}


@pytest.mark.parametrize("kind", ERRORS)
@pytest.mark.parametrize("seconds", [60, 1, 0, -1])
def test_token_that_could_not_be_refreshed_is_used_as_long_as_it_is_valid(
    at_noon: None, tmp_path: Path, seconds: int, kind: str
) -> None:
    outcome, reason = ERRORS[kind]
    error = copy(outcome)
    file = ending(tmp_path, seconds)
    made, sent = sent_by(file, error)
    again, sent_again = sent_by(file, copy(outcome))
    # It may succeed the next time.
    assert len(sent) == len(sent_again) == 1
    end = (NOW + timedelta(seconds=seconds)).strftime("%H:%M:%SZ")
    verb = "expires" if seconds > 0 else "expired"
    text = f"The token of api_token_file {str(file)!r} {verb} at 2026-07-01T{end} and was not refreshed: {reason}"
    if seconds > 0:
        assert made.warnings() == again.warnings() == [text]
        assert made.api_token == "old-access-token"
    else:
        assert made is error
        assert error.message == text


@pytest.mark.parametrize("status", [None, 400, 499])
def test_refusal_is_not_asked_for_again(at_noon: None, tmp_path: Path, status: Optional[int]) -> None:
    """By file and refresh token."""
    file = ending(tmp_path, 60)
    refused = ApiError("Unknown token.", status=status, code="invalid_grant", path="/oauth2/token")
    details = dict(refused.details)
    text = f"The token of api_token_file {str(file)!r} expires at 2026-07-01T12:01:00Z. Unknown token."
    for number in (1, 0):
        error, sent = sent_by(file, copy(refused))
        assert (type(error), error.message, error.details) == (ApiError, text, details)
        assert len(sent) == number
    other = tmp_path / "other"
    other.mkdir()
    assert len(sent_by(ending(other, 60))[1]) == 1
    assert len(sent_by(ending(tmp_path, 60, refresh_token="another"))[1]) == 1


def test_file_that_cannot_be_replaced(at_noon: None, tmp_path: Path) -> None:
    file = ending(tmp_path, -1)
    (tmp_path / ".token.json.new").mkdir()
    error, sent = sent_by(file)
    assert sent == []
    assert (type(error), error.code) == (OptionError, "token_not_refreshed")
    assert re.fullmatch(
        re.escape(
            f"The token of api_token_file {str(file)!r} expired at 2026-07-01T11:59:59Z and was not refreshed: the file {file} "
            "cannot be replaced ("
        )
        + r"[A-Z][a-z ]+\)\. "
        + re.escape(f"Correct the permissions, or {LOG_IN}."),
        error.message,
    )


def test_document_is_on_the_disk_before_it_replaces_the_old_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However few bytes a call writes; and the folder after it."""
    file = write(tmp_path / "token.json", {"access_token": "old"})
    file.chmod(0o640)
    text = json.dumps({"access_token": "new"}, indent=2) + "\n"
    done: list[Any] = []
    fsync, replace, one_write = os.fsync, os.replace, os.write

    def note_sync(descriptor: int) -> None:
        found = os.fstat(descriptor)
        done.append("folder" if stat.S_ISDIR(found.st_mode) else (found.st_size, stat.S_IMODE(found.st_mode)))
        fsync(descriptor)

    def note_replace(old: str, new: str) -> None:
        done.append((os.path.basename(old), os.path.basename(new)))
        replace(old, new)

    opened = support.descriptors(monkeypatch)
    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", note_sync)
        patched.setattr(os, "replace", note_replace)
        patched.setattr(os, "write", lambda descriptor, content: one_write(descriptor, content[:7]))
        refresh.write_document(str(file), {"access_token": "new"})
    assert done == [(len(text), 0o600), (".token.json.new", "token.json"), "folder"]
    assert file.read_text(encoding="utf-8") == text
    assert opened == set()


def test_room_is_reserved_before_a_token_is_asked_for(tmp_path: Path) -> None:
    file = tmp_path / "token.json"
    (tmp_path / ".token.json.new").write_text("left by a process that was killed", encoding="utf-8")
    with refresh.new_content(str(file)):
        (new,) = os.listdir(tmp_path)
        found = (tmp_path / new).stat()
        assert (new, found.st_size, stat.S_IMODE(found.st_mode)) == (".token.json.new", 16384, 0o600)
    assert os.listdir(tmp_path) == []


def test_lock_is_tried_every_twentieth_of_a_second(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = str(tmp_path / "token.json")
    opened = support.descriptors(monkeypatch)
    naps: list[float] = []
    with refresh.lock(file, 1, naps.append):
        with pytest.raises(refresh.NotPossibleError) as caught, refresh.lock(file, 0.2, naps.append):
            pass
        assert naps == [0.05] * 4
    assert caught.value.message == f"another process has held the lock file {file}.lock for 0.2 seconds"
    with refresh.lock(file, 0, naps.append):
        assert len(naps) == 4
        assert len(opened) == 1
    assert opened == set()


def test_lock_file_is_no_link(tmp_path: Path) -> None:
    file = tmp_path / "token.json"
    (tmp_path / "token.json.lock").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(refresh.NotPossibleError) as caught, refresh.lock(str(file), 1, time.sleep):
        pass
    assert re.fullmatch(
        rf"the lock file {re.escape(str(file))}\.lock cannot be opened \([^()]+\)", caught.value.message
    )
    assert not (tmp_path / "elsewhere").exists()


# The file


def test_mode_and_link_are_kept(issuer: Issuer, file: Path, tmp_path: Path) -> None:
    file.chmod(0o640)
    link = tmp_path / "link"
    link.symlink_to(file)
    made = refresh.with_valid_token(options(link, issuer.url))
    assert link.is_symlink()
    assert stat.S_IMODE(file.stat().st_mode) == 0o640
    assert read(file)["access_token"] == made.api_token
    assert sorted(os.listdir(tmp_path)) == ["link", "token.json", "token.json.lock"]
    assert stat.S_IMODE((tmp_path / "token.json.lock").stat().st_mode) == 0o600


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_owner_is_kept(issuer: Issuer, file: Path) -> None:
    os.chown(file, 12345, 12345)
    refresh.with_valid_token(options(file, issuer.url))
    assert (file.stat().st_uid, file.stat().st_gid) == (12345, 12345)


def test_old_token_is_used_with_a_warning_where_the_file_cannot_be_replaced(
    issuer: Issuer, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (file.parent / "token.json.lock").mkdir()
    made = refresh.with_valid_token(options(file, issuer.url))
    assert made.api_token == "old-access-token"
    assert "was not refreshed" in made.warnings()[0]
    (file.parent / "token.json.lock").rmdir()

    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "posix_fallocate", full)
    assert "No space left" in refresh.with_valid_token(options(file, issuer.url)).warnings()[0]
    # Nothing was sent, so that nothing is lost.
    assert issuer.refreshes == 0
    write(file, document(issuer.url, -60))
    error = failure(options(file, issuer.url))
    assert (type(error), error.code) == (OptionError, "token_not_refreshed")
    assert re.search("expired at .* was not refreshed.*log in again", error.message)


def test_lock_that_is_held_for_too_long(issuer: Issuer, file: Path) -> None:
    with refresh.lock(str(file), 1, time.sleep):
        made = refresh.with_valid_token(options(file, issuer.url, timeout=1))
    assert "another process has held the lock" in made.warnings()[0]
    assert issuer.refreshes == 0


def test_threads_refresh_once(issuer: Issuer, file: Path) -> None:
    issuer.simulator.settings(latency_ms=50)
    made: list[Any] = []
    threads = [
        threading.Thread(target=lambda: made.append(refresh.with_valid_token(options(file, issuer.url)).api_token))
        for _number in range(6)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert made == [read(file)["access_token"]] * 6
    assert issuer.refreshes == 1


def test_processes_refresh_once(issuer: Issuer, file: Path) -> None:
    issuer.simulator.settings(latency_ms=400)
    program = (
        "import sys\n"
        "from ansible_collections.community.wpcom.plugins.module_utils._oauth.refresh import with_valid_token\n"
        "from ansible_collections.community.wpcom.plugins.module_utils._options import *\n"
        "given = {option.name: option.default for option in CONNECTION_OPTIONS}\n"
        "given.update(api_url=sys.argv[1], api_token_file=sys.argv[2])\n"
        "options = ConnectionOptions.from_params(given)\n"
        "sys.stdin.readline()\n"
        "print(with_valid_token(options).api_token)\n"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", program, issuer.url, str(file)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
        )
        for _number in range(2)
    ]
    for process in processes:
        assert process.stdin
        process.stdin.write("go\n")
        process.stdin.flush()
    printed = [process.communicate(timeout=60)[0].strip() for process in processes]
    assert printed == [read(file)["access_token"]] * 2
    assert issuer.refreshes == 1


def test_killed_after_any_system_call_the_file_is_complete(issuer: Issuer, file: Path) -> None:
    """A process that ends anywhere leaves the old or the new document, and nothing in the way of the next one."""
    before = file.read_bytes()
    outcomes = []
    steps = 0
    while True:
        file.write_bytes(before)
        issuer.allow("old-refresh-token")
        steps += 1
        status = run_until(steps, lambda: refresh.with_valid_token(options(file, issuer.url), refresh=issue))
        stored = read(file)
        outcomes.append(stored["access_token"])
        assert stored["access_token"] in ("old-access-token", "new-access-token")
        assert stored["refresh_token"] == stored["access_token"].replace("access", "refresh")
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        if status == 0:
            break
        assert status == -signal.SIGKILL
        # Whatever it left behind, the next one gets through.
        write(file, document(issuer.url, 60))
        assert refresh.with_valid_token(options(file, issuer.url), refresh=issue).api_token == "new-access-token"
        assert sorted(os.listdir(file.parent)) == ["token.json", "token.json.lock"]
    assert steps > 20
    assert set(outcomes) == {"old-access-token", "new-access-token"}
    # Once it is there, it stays.
    assert outcomes == sorted(outcomes, reverse=True)


def issue(given: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a new token without a server."""
    assert given["refresh_token"] == "old-refresh-token"
    return {"access_token": "new-access-token", "refresh_token": "new-refresh-token", "expires_in": 3600}


def run_until(step: int, function: Callable[[], object]) -> int:
    """Run a function in a process that is killed as a call out of the file under test returns; return how it ended.

    Python changes files in such calls only, so that every state in which a process can end is between two of them.
    """
    with warnings.catch_warnings():
        # The simulator's thread does not matter to the child.
        warnings.simplefilter("ignore", DeprecationWarning)
        child = os.fork()
    if child:
        ended = os.waitpid(child, 0)[1]
        return -os.WTERMSIG(ended) if os.WIFSIGNALED(ended) else os.WEXITSTATUS(ended)
    left = step

    def count(frame: Any, event: str, _argument: Any) -> None:
        nonlocal left
        if event == "c_return" and frame.f_code.co_filename == refresh.__file__:
            left -= 1
            if not left:
                os.kill(os.getpid(), signal.SIGKILL)

    status = 1
    try:
        sys.setprofile(count)
        function()
        status = 0
    finally:
        os._exit(status)


# Refusals


@pytest.mark.parametrize("status", [400, 403, 409])
@pytest.mark.parametrize("expires_in", [60, -60])
def test_refused_refresh_token_asks_for_a_new_login_once(
    issuer: Issuer, file: Path, status: int, expires_in: int
) -> None:
    issuer.simulator.settings(switches={"oauth_error_status": status})
    before = write(file, document(issuer.url, expires_in, refresh_token="spent-refresh-token")).read_bytes()
    error = failure(options(file, issuer.url))
    assert (type(error), error.code, error.status) == (ApiError, "invalid_grant", status)
    assert "log in again with the playbook community.wpcom.get_token" in error.message
    assert "spent-refresh-token" not in str(error.as_result())
    assert issuer.refreshes == 1
    # Neither do the other items of a loop ask again, until the user has logged in.
    again = failure(options(file, issuer.url))
    assert again.as_result() == error.as_result()
    assert issuer.refreshes == 1
    assert file.read_bytes() == before
    write(file, document(issuer.url, expires_in))
    assert refresh.with_valid_token(options(file, issuer.url)).api_token != "old-access-token"


def test_valid_token_is_used_where_something_between_refuses(issuer: Issuer, file: Path) -> None:
    issuer.simulator.fault(kind="status", status=403, body="<html>blocked</html>", content_type="text/html", times=-1)
    made = refresh.with_valid_token(options(file, issuer.url, retries=0))
    assert made.api_token == "old-access-token"
    assert "was not refreshed" in made.warnings()[0]


@pytest.mark.parametrize("fault", ["cut", "status", "html", "limit_reached", "garbage"])
def test_valid_token_is_used_with_a_warning_where_the_server_cannot_be_reached(
    issuer: Issuer, file: Path, fault: str
) -> None:
    issuer.simulator.fault(kind=fault, times=-1)
    made = refresh.with_valid_token(options(file, issuer.url, retries=1))
    assert made.api_token == "old-access-token"
    assert "expires at" in made.warnings()[0]
    assert "was not refreshed: Could not refresh the token" in made.warnings()[0]
    write(file, document(issuer.url, -1))
    assert "expired at" in failure(options(file, issuer.url, retries=0)).message


def test_connection_refused(file: Path, issuer: Issuer) -> None:
    nowhere = "http://127.0.0.1:9"
    write(file, document(nowhere, -1))
    error = failure(options(file, nowhere, retries=0))
    assert isinstance(error, ConnectError)
    assert "was not refreshed" in error.message


@pytest.mark.parametrize(
    "token_url",
    [
        "https://evil.example/oauth2-1/token",
        "{url}.evil.example/oauth2-1/token",
        "{url}@evil.example/oauth2-1/token",
        "{url}/oauth2-1/token-info",
        "{url}/other",
    ],
)
def test_refresh_token_goes_to_the_api_only(issuer: Issuer, file: Path, token_url: str) -> None:
    token_url = token_url.format(url=issuer.url)
    write(file, document(issuer.url, 60, token_url=token_url))
    made = refresh.with_valid_token(options(file, issuer.url))
    assert "not the token endpoint below api_url" in made.warnings()[0]
    write(file, document(issuer.url, -60, token_url=token_url))
    assert "set api_url to the URL that the token was created with" in failure(options(file, issuer.url)).message
    assert issuer.simulator.requests() == []


def test_without_a_token_url_it_is_the_one_of_the_api(issuer: Issuer, file: Path) -> None:
    write(file, document(issuer.url, 60, token_url=None))
    assert refresh.with_valid_token(options(file, issuer.url)).api_token != "old-access-token"


@pytest.mark.parametrize(
    "body",
    [
        {"access_token": ""},
        {"access_token": "new\ntoken"},
        {"access_token": "new-token", "refresh_token": ["x"]},
        {"access_token": "new-token", "token_type": "mac"},
        {"token": "new-token"},
        ["new-token"],
        {"error": "invalid_grant", "error_description": "old-refresh-token new"},
    ],
)
def test_response_of_another_form_is_neither_stored_nor_shown(issuer: Issuer, file: Path, body: Any) -> None:
    before = file.read_bytes()
    issuer.simulator.fault(kind="wrong_shape", body=body, times=-1)
    try:
        made = refresh.with_valid_token(options(file, issuer.url, retries=0))
        text = str(made.warnings())
    except WpcomError as error:
        text = str(error.as_result())
    assert "Could not refresh the token" in text
    assert "new-token" not in text
    assert "old-refresh-token" not in text
    assert file.read_bytes() == before


@pytest.mark.parametrize("status", [400, 500])
def test_page_that_echoes_the_refresh_token(issuer: Issuer, file: Path, status: int) -> None:
    body = "<html>refresh_token=old-refresh-token&amp;token=%6fld-access-token</html>"
    issuer.simulator.fault(kind="status", status=status, body=body, content_type="text/html", times=-1)
    try:
        text = str(refresh.with_valid_token(options(file, issuer.url, retries=0)).warnings())
    except ApiError as error:
        text = str(error.as_result())
    assert f"HTTP {status}: <html>refresh_token=" in text
    assert "old-" not in text
    assert "ld-access-token" not in text


def test_interruption_ends_the_wait_for_the_lock(issuer: Issuer, file: Path) -> None:
    with refresh.lock(str(file), 1, time.sleep), pytest.raises(WpcomError, match="interrupted"):
        refresh.with_valid_token(options(file, issuer.url), stop=lambda: True)
