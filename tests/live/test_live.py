# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""``make live`` with the simulator in place of the real server: it finds the side of each switch, and leaves nothing behind."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.simulator import Simulator
from tests.simulator.__main__ import main as simulator_main

from .__main__ import connection_params, experiment, main, open_sandbox, parser
from .facts import Fact
from .promises import promises
from .sandbox import Sandbox

ROOT = Path(__file__).resolve().parents[2]
# Keyring connections of the usual world, and sites on which nothing is made with them.
FACEBOOK, LINKEDIN, MASTODON, UNUSED = ("3003", "2001"), ("3002", "2002"), ("3002", "2003"), ("3002", "2010")


@pytest.fixture(autouse=True)
def environment(simulator: Simulator, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Have the variables of the modules lead to the simulator, and nothing be written into the checkout."""
    for name in [name for name in os.environ if name.startswith("WPCOM_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("WPCOM_API_URL", simulator.url)
    monkeypatch.setenv("WPCOM_API_TOKEN", "sim-token")
    monkeypatch.chdir(tmp_path)


def options(where: tuple[str, str], *more: str) -> list[str]:
    """Return the arguments of a run without a terminal."""
    site, keyring = where
    return ["--site", site, "--site-again", site, "--keyring", keyring, *more]


def found(simulator: Simulator, where: tuple[str, str], *more: str, switches: Mapping[str, Any]) -> dict[str, Fact]:
    """Return the facts that the experiments find, which leave the world as it was."""
    simulator.settings(switches=dict(switches))
    before = simulator.state()
    given = parser().parse_args(options(where, *more))
    transport, sandbox = open_sandbox(given, connection_params(), int(where[1]))
    facts, problems, interrupted = experiment(sandbox, given)
    transport.close()
    assert (problems, interrupted) == ([], False)
    assert simulator.state() == before
    writes = [entry["path"] for entry in simulator.requests("POST")]
    assert writes
    assert all(path.startswith(f"/sites/{sandbox.site_id}/publicize-connections/") for path in writes)
    return {fact.name: fact for fact in facts}


def values(facts: Mapping[str, Fact]) -> dict[str, Any]:
    """Return the values of the switches that were found."""
    return {name: fact.value for name, fact in facts.items() if fact.is_switch}


DUPLICATES = ("existing", "second", "error", "error_any_user")


@pytest.mark.parametrize("turn", range(4))
def test_account_with_several_external_users(simulator: Simulator, turn: int) -> None:
    """In each turn every switch has another one of its values."""
    switches: dict[str, Any] = {
        "create_duplicate": DUPLICATES[turn],
        "duplicate_status": (400, 409, 403, 409)[turn],
        "duplicate_slug": f"duplicate_{'abcd'[turn]}",
        "boolean_case": ("exact", "insensitive")[turn % 2],
        "drop_external_user": (False, True, "update", False)[turn],
        "external_user_check": ("cached", "fresh", "none", "none")[turn],
        "external_user_error_slug": f"user_{'abcd'[turn]}",
        "create_read_back": ("there", "late")[turn % 2],
        "delete_read_back": ("gone", "lingers")[turn // 2],
        "drop_shared": turn == 3,
    }
    facts = found(simulator, LINKEDIN, switches=switches)
    expected = dict(switches)
    if not DUPLICATES[turn].startswith("error"):
        del expected["duplicate_status"], expected["duplicate_slug"]
    if switches["drop_external_user"] or switches["external_user_check"] == "none":
        # What is ignored, or accepted, is not refused.
        del expected["external_user_error_slug"]
    if switches["drop_external_user"] or switches["external_user_check"] != "none":
        del expected["external_user_check"]
    if switches["drop_shared"]:
        del expected["boolean_case"]
    assert values(facts) == expected
    assert facts["update_of_nothing"].seen == "404 not_found"
    assert facts["unknown_key_alone"].seen == "400 invalid_input"


@pytest.mark.parametrize(("only", "check"), [("refuse", "cached"), ("accept", "fresh"), ("first", "none")])
def test_account_of_a_service_that_allows_pages_only(simulator: Simulator, only: str, check: str) -> None:
    switches = {"external_users_only": only, "external_user_check": check}
    facts = found(simulator, FACEBOOK, "--external-user", "113", switches=switches)
    assert {name: values(facts)[name] for name in switches} == switches


@pytest.mark.parametrize("side", ["accept", "refuse"])
def test_account_of_a_service_without_external_users(simulator: Simulator, side: str) -> None:
    switches = {"reset_without_support": side, "external_user_error_slug": f"slug_{side}"}
    assert switches.items() <= values(found(simulator, MASTODON, switches=switches)).items()


@pytest.mark.parametrize("duplicate", ["existing", "second", "error"])
def test_connection_that_was_there_before_is_put_back(simulator: Simulator, duplicate: str) -> None:
    """It is shared, with a page of its own, and is never deleted."""
    facts = found(simulator, ("shop.example.com", "2001"), switches={"create_duplicate": duplicate})
    assert values(facts)["create_duplicate"] == duplicate
    assert values(facts)["external_users_only"] == "refuse"
    deleted = [entry["path"] for entry in simulator.requests("POST") if entry["path"].endswith("/delete")]
    assert "/sites/3002/publicize-connections/5003/delete" not in deleted
    assert ("delete_read_back" in values(facts)) is (duplicate == "second")


def test_service_that_is_not_supported(simulator: Simulator) -> None:
    simulator.patch(
        keyring_connections=[
            {"ID": 2900, "user_ID": 1001, "service": "twitter", "external_ID": "1", "external_name": "a"}
        ],
        publicize_connections=[{"ID": 5900, "site_ID": 3003, "keyring_connection_ID": 2900}],
    )
    facts = found(simulator, ("3002", "2900"), switches={"unsupported_service_slug": "no_more"})
    assert values(facts) == {"unsupported_service_slug": "no_more"}


@pytest.mark.parametrize("goes", [True, False])
def test_last_connection_takes_its_account_with_it(simulator: Simulator, goes: bool) -> None:
    simulator.settings(switches={"delete_keyring_with_last": goes})
    before = simulator.state()
    assert main(options(UNUSED, "--last-connection", "2010")) == 0
    switches = yaml.safe_load(Path("live-switches.yml").read_text())
    assert switches["delete_keyring_with_last"] is goes
    after = simulator.state()
    assert after["publicize_connections"] == before["publicize_connections"]
    gone = [row["ID"] for row in before["keyring_connections"] if row not in after["keyring_connections"]]
    assert gone == ([2010] if goes else [])


def test_whole_run(simulator: Simulator, capsys: pytest.CaptureFixture[str]) -> None:
    """What is written is what the simulator takes, and gives the same again."""
    given = {"create_duplicate": "second", "pc_date_form": "iso", "token_info_unbound_blog": None, "sites_public": True}
    simulator.settings(switches=given)
    before = simulator.state()
    assert main(options(LINKEDIN, "--output", "found.yml")) == 0
    assert simulator.state() == before
    text = capsys.readouterr().out
    assert "Everything is as it was." in text
    assert re.search(r"^  create_duplicate +-> second$", text, re.MULTILINE)
    assert re.search(r"^  nothing changed +-> kept$", text, re.MULTILINE)
    assert "sim-token" not in text + Path("found.yml").read_text()
    switches = yaml.safe_load(Path("found.yml").read_text())
    assert given.items() <= switches.items()
    with Simulator(switches=switches) as second:
        taken = second.core.switches
    assert switches.items() <= taken.items()
    assert {entry["method"] for entry in simulator.requests() if entry["path"] == "/me"} == {"GET"}


REFUSALS: dict[str, tuple[list[str], str]] = {
    "nothing": ([], "SITE and KEYRING are required"),
    "no number": (["--site", "3002", "--site-again", "3002", "--keyring", "linkedin"], "KEYRING must be the ID"),
    "another site": (["--site", "3002", "--site-again", "3003", "--keyring", "2002"], "typed differently"),
    "once": (["--site", "3002", "--keyring", "2002"], "typed twice"),
    "output": (options(UNUSED, "--output", "missing/switches.yml"), "OUTPUT must be the path of a file"),
    "another last one": (options(UNUSED, "--last-connection", "2002"), "LAST must be"),
    "unknown site": (options(("nowhere.example.com", "2002")), "unknown_blog"),
    "other users": (options(("3001", "2002")), "connection(s) of other users"),
    "another user's account": (options(("3002", "2101")), "cannot be read"),
    "last connection": (options(UNUSED), "has no other connection"),
}


@pytest.mark.parametrize(("arguments", "words"), REFUSALS.values(), ids=REFUSALS)
def test_refusal(arguments: list[str], words: str, simulator: Simulator, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 2
    error = capsys.readouterr().err
    assert "refused, nothing was written" in error
    assert words in error
    assert simulator.requests("POST") == []


def test_without_a_token_nothing_is_asked(simulator: Simulator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WPCOM_API_TOKEN")
    assert main(options(LINKEDIN)) == 2
    assert simulator.requests() == []


@pytest.mark.parametrize(
    "fault", [{"kind": "limit_reached", "path": "/me/sites", "times": -1}, {"kind": "cut", "path": "/me", "times": -1}]
)
def test_nothing_is_written_where_reading_fails(
    fault: dict[str, Any], simulator: Simulator, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WPCOM_RETRIES", "0")
    simulator.fault(**fault)
    assert main(options(LINKEDIN)) == 2
    assert "nothing was written" in capsys.readouterr().err
    assert simulator.requests("POST") == []


def test_site_is_asked_for_at_the_terminal(simulator: Simulator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("builtins.input", lambda _prompt: "shop")
    assert main(["--site", "3002", "--keyring", "2002"]) == 2
    assert simulator.requests() == []


@pytest.fixture
def sandbox(simulator: Simulator) -> Sandbox:
    """Return a sandbox in which nothing has happened yet."""
    return open_sandbox(parser().parse_args(options(LINKEDIN)), connection_params(), 2002)[1]


def test_nothing_outside_of_the_sandbox_can_be_written(sandbox: Sandbox, simulator: Simulator) -> None:
    for attempt in (
        lambda: sandbox.delete(5003),
        lambda: sandbox.update(5001, {"shared": True}),
        lambda: sandbox.create({"keyring_connection_ID": 2001}),
        lambda: sandbox._post("../../3001/publicize-connections/new", {}),
    ):
        with pytest.raises(AssertionError):
            attempt()
    assert simulator.requests("POST") == []


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("write", range(1, 12, 3))
def test_lost_response_leaves_nothing_behind(simulator: Simulator, when: str, write: int) -> None:
    before = simulator.state()
    simulator.settings(switches={"create_duplicate": "second", "create_read_back": "late"})
    simulator.fault(kind="cut", when=when, method="POST", skip=write)
    given = parser().parse_args(options(LINKEDIN))
    transport, sandbox = open_sandbox(given, connection_params(), 2002)
    _facts, problems, interrupted = experiment(sandbox, given)
    transport.close()
    assert (problems, interrupted) == ([], True)
    assert simulator.state() == before


def test_what_cannot_be_put_back_is_reported(simulator: Simulator, capsys: pytest.CaptureFixture[str]) -> None:
    simulator.fault(kind="status", status=400, method="POST", path="/sites/3002/.*/(5|6)[0-9]+/delete", times=-1)
    assert main(options(LINKEDIN)) == 1
    assert "NOT PUT BACK: connection" in capsys.readouterr().out


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interruption_puts_everything_back(simulator: Simulator, number: int) -> None:
    """Also where it comes twice."""
    before = simulator.state()
    # It waits for the response to one of its writes when it is interrupted.
    simulator.fault(kind="hang", method="POST", skip=7)
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.live", *options(LINKEDIN, "--output", str(Path.cwd() / "x.yml"))],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
    )
    deadline = time.monotonic() + 30
    while len(simulator.requests("POST")) < 8 and time.monotonic() < deadline:
        time.sleep(0.01)
    assert simulator.state() != before
    for _signal in range(2):
        process.send_signal(number)
        time.sleep(0.05)
    stdout, _stderr = process.communicate(timeout=30)
    assert process.returncode == 1, stdout
    assert "Interrupted." in stdout
    assert "Everything is as it was." in stdout
    assert simulator.state() == before


def test_promise_that_is_broken_is_named(simulator: Simulator, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = dict(promises(connection_params(), 3002, 2002))
    assert len(kept) == 9
    assert set(kept.values()) == {"kept"}
    simulator.fault(kind="status", status=500, path="/me/sites", times=-1)
    monkeypatch.setenv("WPCOM_RETRIES", "0")
    broken = dict(promises(connection_params(), 3002, 2002))
    assert broken["everything can be gathered"].startswith("Could not list your sites")


def test_file_of_switches(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "bad.yml").write_text("[1, 2]")
    assert simulator_main(["--switches", str(tmp_path / "bad.yml")]) == 2
    assert "not a mapping" in capsys.readouterr().err
    (tmp_path / "bad.yml").write_text("create_duplicate: never")
    assert simulator_main(["--switches", str(tmp_path / "bad.yml")]) == 2
    assert "create_duplicate" in capsys.readouterr().err
