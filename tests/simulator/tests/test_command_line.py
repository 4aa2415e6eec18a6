# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The command line: how it starts, says where it is, and ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Optional

import pytest
import requests
import trustme

ROOT = Path(__file__).parents[3]
COMMAND = [sys.executable, "-m", "tests.simulator"]


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run it to its end."""
    return subprocess.run([*COMMAND, *arguments], cwd=ROOT, capture_output=True, text=True, timeout=20, check=False)


def healthy(url: str, **more: Any) -> bool:
    """Return whether it answers."""
    try:
        return bool(requests.get(url + "/_simulator/health", timeout=5, **more).json() == {"status": "ok"})
    except requests.exceptions.ConnectionError:
        return False


def wait_for_end(url: str, seconds: float = 8) -> bool:
    """Wait until it no longer answers."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if not healthy(url):
            return True
        time.sleep(0.05)
    return False


class Started:
    """A simulator in the foreground of a process of its own."""

    def __init__(self, *arguments: str) -> None:
        self.process = subprocess.Popen(
            [*COMMAND, *arguments], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        assert self.process.stdout is not None
        self.url = self.process.stdout.readline().strip()

    def end(self, number: Optional[int] = None) -> tuple[int, str]:
        """Wait for its end, after a signal if one is given; return its exit status and errors."""
        if number is not None:
            self.process.send_signal(number)
        errors = self.process.communicate(timeout=8)[1]
        return self.process.returncode, errors


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[Path]:
    """A folder for the files of a daemon, which is ended if it should still be there."""
    yield tmp_path
    try:
        os.kill(int((tmp_path / "pid").read_text()), signal.SIGKILL)
    except (OSError, ValueError):
        pass


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_foreground(tmp_path: Path, number: int) -> None:
    """It prints its URL and writes it to a file; a signal ends it at once, with status 0 and no more words."""
    started = Started("--url-file", str(tmp_path / "url"), "--pid-file", str(tmp_path / "pid"))
    assert started.url.startswith("http://127.0.0.1:")
    assert (tmp_path / "url").read_text() == started.url + "\n"
    assert (tmp_path / "pid").read_text() == f"{started.process.pid}\n"
    assert healthy(started.url)
    before = time.monotonic()
    assert started.end(number) == (0, "")
    assert time.monotonic() - before < 2
    assert list(tmp_path.iterdir()) == []


def test_signal_while_it_answers() -> None:
    """A request that takes long does not hold up the end."""
    started = Started("--latency-ms", "60000")
    with pytest.raises(requests.exceptions.ReadTimeout):
        requests.get(started.url + "/rest/v1.1/me", timeout=0.3)
    before = time.monotonic()
    assert started.end(signal.SIGTERM) == (0, "")
    assert time.monotonic() - before < 2


def test_daemon(daemon: Path) -> None:
    """The command returns once it answers, and its output ends then; the child goes on without a terminal."""
    before = time.monotonic()
    done = run("--daemon", "--url-file", str(daemon / "url"), "--pid-file", str(daemon / "pid"), "--idle-timeout", "30")
    assert (done.returncode, done.stderr) == (0, "")
    assert time.monotonic() - before < 10
    url = done.stdout.strip()
    assert (daemon / "url").read_text() == url + "\n"
    assert healthy(url)
    pid = int((daemon / "pid").read_text())
    assert os.getsid(pid) == pid
    os.kill(pid, signal.SIGTERM)
    assert wait_for_end(url)


def test_daemon_that_cannot_write(tmp_path: Path) -> None:
    """A daemon that does not get ready says why, and is not there."""
    done = run("--daemon", "--url-file", str(tmp_path / "nowhere" / "url"))
    assert done.returncode == 1
    assert "nowhere" in done.stderr
    assert done.stdout == ""


def test_stop_with(daemon: Path) -> None:
    """It ends when the process that it is tied to ends, even if nobody waits for that."""
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as other:
        done = run("--daemon", "--pid-file", str(daemon / "pid"), "--stop-with", str(other.pid))
        url = done.stdout.strip()
        time.sleep(0.5)
        assert healthy(url)
        assert other.stdin is not None
        other.stdin.close()
        # Not waited for yet: it is a zombie until the end of this block.
        assert wait_for_end(url)


def test_idle_timeout(daemon: Path) -> None:
    """It ends when nobody has asked for long enough; the control interface counts as asking."""
    done = run("--daemon", "--pid-file", str(daemon / "pid"), "--idle-timeout", "2")
    url = done.stdout.strip()
    for _turn in range(4):
        time.sleep(0.6)
        assert healthy(url)
    time.sleep(3)
    assert not healthy(url)
    assert not (daemon / "pid").exists()


def test_options(tmp_path: Path) -> None:
    """World, switches, latency and port can be given."""
    world = tmp_path / "world.yml"
    world.write_text("users: [{ID: 1, username: solo}]\ntokens: [{token: t, user_ID: 1}]\n")
    started = Started("--world", str(world), "--switch", "invalid_token_status=401", "--switch", "drop_shared=true",
                      "--latency-ms", "5", "--host", "localhost")  # fmt: skip
    try:
        settings = requests.get(started.url + "/_simulator/settings", timeout=5).json()
        assert settings["latency_ms"] == 5
        assert (settings["switches"]["invalid_token_status"], settings["switches"]["drop_shared"]) == (401, True)
        headers = {"Authorization": "Bearer t"}
        assert requests.get(started.url + "/rest/v1.1/me", headers=headers, timeout=5).json()["username"] == "solo"
        taken = run("--port", started.url.rsplit(":", 1)[1])
        assert taken.returncode != 0
        assert taken.stdout == ""
        assert "Traceback" not in taken.stderr
    finally:
        started.end(signal.SIGTERM)


def test_tls(tmp_path: Path) -> None:
    """It speaks TLS where it is given a certificate and a key."""
    authority = trustme.CA()
    certificate = authority.issue_cert("127.0.0.1")
    certificate.private_key_and_cert_chain_pem.write_to_path(str(tmp_path / "both.pem"))
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    both = str(tmp_path / "both.pem")
    started = Started("--tls-cert", both, "--tls-key", both)
    try:
        assert started.url.startswith("https://")
        assert healthy(started.url, verify=str(tmp_path / "ca.pem"))
    finally:
        started.end(signal.SIGTERM)


@pytest.mark.parametrize(
    ("world", "named"),
    [
        ("users: [{ID: 1, username: a, emial: x}]", "users[0]: unknown key 'emial'"),
        ("user: []", "unknown section 'user'"),
        ("users: {}", "users: not a list"),
        ("users: [{ID: one, username: a}]", "users[0].ID: 'one'"),
        ("- a", "not a mapping"),
        ("users: [", "not YAML"),
    ],
)
def test_bad_world(tmp_path: Path, world: str, named: str) -> None:
    """A bad world is refused with the key named, as a daemon too."""
    path = tmp_path / "world.yml"
    path.write_text(world)
    done = run("--daemon", "--world", str(path))
    assert (done.returncode, done.stdout) == (2, "")
    assert named in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["--switch", "nothing=1"], "nothing"),
        (["--switch", "drop_shared"], "NAME=VALUE"),
        (["--switch", "throttle_form=html404"], "throttle_form"),
        (["--world", "/nonexistent/world.yml"], "/nonexistent/world.yml"),
        (["--tls-cert", "x.pem"], "--tls-key"),
        (["--tls-cert", "/nonexistent.pem", "--tls-key", "/nonexistent.pem"], "No such file"),
        (["--latency-ms", "-1"], "latency_ms"),
        (["--port", "x"], "--port"),
    ],
)
def test_bad_options(arguments: list[str], named: str) -> None:
    """A bad option is refused by name, with status 2."""
    done = run(*arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert named in done.stderr
    assert "Traceback" not in done.stderr
