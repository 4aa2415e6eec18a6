# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The playbook get_token as a user runs it: with a browser, by paste at a terminal, and without any secret that shows."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import re
import select
import socket
import stat
import subprocess
import sys
import tempfile
import termios
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Optional
from urllib.parse import parse_qsl, urlsplit

import pytest
import requests

from tests.simulator import Simulator
from tests.simulator.tests.oauth_client import OAuthClient

from .conftest import Watch
from .test_examples import HEAD, examples

PLAYBOOK = "community.wpcom.get_token"
SECRET = "sim-client-secret"
URL = re.compile(r"^(http://127\.0\.0\.1:\d+/oauth2\S*/authorize\?\S+)\r?$", re.MULTILINE)


def free_port() -> int:
    """Return a port on which nothing listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def approve(simulator: Simulator, url: str) -> str:
    """Approve in the browser, and return the URL that it is redirected to."""
    parts = urlsplit(url)
    query = dict(parse_qsl(parts.query))
    brought = OAuthClient(simulator, parts.path.rsplit("/", 1)[0]).decide(query=query)
    return str(requests.Request("GET", query["redirect_uri"], params=brought).prepare().url)


def open_page(url: str) -> str:
    """Open a URL in the browser, and return the page."""
    session = requests.Session()
    session.trust_env = False
    return session.get(url, timeout=10).text


class Run:
    """A command whose output is read as it comes, and that is given what a user would do then."""

    def __init__(self, process: subprocess.Popen[bytes], descriptor: int) -> None:
        self.process = process
        self.descriptor = descriptor
        self.output = ""

    def until(self, pattern: re.Pattern[str], seconds: float = 120) -> str:
        """Read until the output has a pattern; return its first group."""
        deadline = time.monotonic() + seconds
        while not (found := pattern.search(self.output)):
            assert time.monotonic() < deadline, self.output
            assert self.read(), self.output
        return str(found[1])

    def read(self) -> bool:
        """Read what there is; return whether the command may print more."""
        if not select.select([self.descriptor], [], [], 1)[0]:
            return True
        try:
            data = os.read(self.descriptor, 65536)
        except OSError:
            return False
        self.output += data.decode(errors="replace")
        return bool(data)

    def type(self, text: str, pattern: re.Pattern[str]) -> str:
        """Type a line until the output has a pattern: a prompt discards what was typed before it is ready."""
        for _attempt in range(12):
            self.until_echo_is_off()
            os.write(self.descriptor, f"{text}\r".encode())
            deadline = time.monotonic() + 10
            while time.monotonic() < deadline and not pattern.search(self.output) and self.read():
                pass
            if pattern.search(self.output):
                break
        return self.until(pattern, 1)

    def until_echo_is_off(self, seconds: float = 10) -> None:
        """Wait until the terminal does not show what is typed: Ansible prints a prompt first, faster than anybody types."""
        deadline = time.monotonic() + seconds
        while termios.tcgetattr(self.descriptor)[3] & termios.ECHO and time.monotonic() < deadline:
            time.sleep(0.02)

    def end(self) -> int:
        """Read to the end, and return the status."""
        while self.read():
            pass
        return self.process.wait(timeout=60)

    def kill(self) -> None:
        """End it, whatever it does."""
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        os.close(self.descriptor)
        if self.process.stdout:
            self.process.stdout.close()


class Runs(list[Run]):
    """The commands of a test."""

    def in_terminal(self, *arguments: Any, **more: str) -> Run:
        """Start a command in a terminal of its own."""
        self.append(in_terminal(*arguments, **more))
        return self[-1]

    def in_pipe(self, *arguments: Any, **more: str) -> Run:
        """Start a command whose output is a pipe."""
        self.append(in_pipe(*arguments, **more))
        return self[-1]


@pytest.fixture
def runs() -> Iterator[Runs]:
    """Return what starts commands, which end with the test."""
    made = Runs()
    yield made
    for run in made:
        run.kill()


def in_terminal(ansible: Any, *arguments: object, **more: str) -> Run:
    """Start a command in a terminal of its own."""
    leader, follower = pty.openpty()

    def take_terminal() -> None:
        os.setsid()
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)

    process = subprocess.Popen(
        [str(Path(sys.executable).parent / "ansible-playbook"), *map(str, arguments)],
        cwd=ansible.cwd,
        env={**ansible.environment, "TERM": "dumb", **more},
        stdin=follower,
        stdout=follower,
        stderr=follower,
        preexec_fn=take_terminal,
    )
    os.close(follower)
    return Run(process, leader)


def in_pipe(ansible: Any, *arguments: object, **more: str) -> Run:
    """Start a command whose output is a pipe, in which Python would keep it back."""
    process = subprocess.Popen(
        [str(Path(sys.executable).parent / "ansible-playbook"), *map(str, arguments)],
        cwd=ansible.cwd,
        env={**ansible.environment, **more},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    assert process.stdout
    return Run(process, os.dup(process.stdout.fileno()))


def extra(**values: Any) -> tuple[str, str]:
    """Return the option with the variables of a playbook."""
    return "-e", json.dumps(values)


@pytest.fixture
def temporary() -> Iterator[Path]:
    """Return a folder for temporary files, with a path that is short enough for Ansible's sockets."""
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder)


@pytest.mark.parametrize("flow", ["classic", "oauth2.1"])
def test_secrets_are_shown_nowhere(flow: str, ansible: Any, simulator: Simulator, runs: Runs, temporary: Path) -> None:
    """Neither output, logs, temporary files nor the process list has a secret, at the highest verbosity."""
    port = free_port()
    simulator.patch(clients=[{"ID": 60001, "redirect_URIs": [f"http://127.0.0.1:{port}/callback"]}])
    path = ansible.cwd / "token.json"
    variables = {"get_token_flow": flow, "get_token_port": port, "get_token_path": str(path)}
    if flow == "classic":
        variables["get_token_client_id"] = "60001"
    kept: set[str] = set()
    end = threading.Event()

    def keep() -> None:
        """Keep what is in temporary files, however short their life is."""
        while not end.is_set():
            for folder in (ansible.home, temporary):
                for file in list(folder.rglob("*")):
                    try:
                        kept.add(file.read_text(errors="replace"))
                    except OSError:
                        continue
            time.sleep(0.01)

    watcher = threading.Thread(target=keep, daemon=True)
    watcher.start()
    with Watch(ansible.home) as watch:
        run = runs.in_pipe(
            ansible,
            PLAYBOOK,
            "-vvvv",
            "--diff",
            *extra(**variables),
            WPCOM_API_URL=simulator.url,
            WPCOM_CLIENT_SECRET=SECRET if flow == "classic" else "",
            ANSIBLE_LOG_PATH=str(ansible.home / "ansible.log"),
            ANSIBLE_DISPLAY_ARGS_TO_STDOUT="true",
            TMPDIR=str(temporary),
        )
        redirect = approve(simulator, run.until(URL))
        page = open_page(redirect)
        status = run.end()
    end.set()
    watcher.join()
    assert status == 0, run.output
    assert "Done. You can close this page" in page
    assert "The token of ada was written to" in run.output
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    stored = json.loads(path.read_text())
    code = dict(parse_qsl(urlsplit(redirect).query))["code"]
    secrets = {SECRET, code, stored["access_token"], stored.get("refresh_token", code)}
    assert not [secret for secret in secrets if secret in run.output]
    assert not [line for line in watch.seen if any(secret in line for secret in secrets)]
    assert any(PLAYBOOK in line for line in watch.seen)
    files = [path.read_text(errors="replace") for path in ansible.home.rglob("*") if path.is_file()]
    assert any("Open this URL" in text for text in files), "no log"
    assert not [text for text in (*files, *kept) if any(secret in text for secret in secrets)]
    assert SECRET not in path.read_text()


def test_paste_at_a_terminal(ansible: Any, simulator: Simulator, runs: Runs) -> None:
    """The secret and the URL of the redirect are asked for, and not shown when they are typed."""
    path = ansible.cwd / "token.json"
    variables = {"get_token_flow": "classic", "get_token_client_id": "60001", "get_token_paste": True}
    redirect = {"get_token_redirect_uri": "https://automation.example.com/callback", "get_token_path": str(path)}
    run = runs.in_terminal(ansible, PLAYBOOK, *extra(**variables, **redirect), WPCOM_API_URL=simulator.url)
    run.until(re.compile(r"(Client secret \(not shown\): )"))
    url = run.type(SECRET, URL)
    run.until(re.compile(r"(Paste this URL)"))
    pasted = approve(simulator, url)
    run.type(pasted, re.compile(r"(PLAY RECAP)"))
    assert run.end() == 0, run.output
    stored = json.loads(path.read_text())
    assert stored["scope"] == "global"
    for secret in (SECRET, stored["access_token"], pasted, dict(parse_qsl(urlsplit(pasted).query))["code"]):
        assert secret not in run.output


def test_failures_have_a_message_and_no_traceback(ansible: Any, simulator: Simulator) -> None:
    """Without a terminal nothing can be asked for; a denial and a wrong value end the playbook."""
    text = f"""\
- hosts: localhost
  gather_facts: false
  vars:
    common: &common {{path: token.json, api_url: "{simulator.url}", login_timeout: 1}}
  tasks:
    - name: Nobody to ask
      community.wpcom.wpcom_access_token: {{<<: *common, flow: classic, client_id: "60001"}}
      ignore_errors: true
    - name: Nobody to paste
      community.wpcom.wpcom_access_token: {{<<: *common, paste: true}}
      ignore_errors: true
    - name: No browser
      community.wpcom.wpcom_access_token: {{<<: *common}}
      ignore_errors: true
    - name: No application
      community.wpcom.wpcom_access_token: {{<<: *common, flow: password}}
      ignore_errors: true
    - name: Check mode
      community.wpcom.wpcom_access_token: {{<<: *common}}
      check_mode: true
"""
    ended = ansible.play(text)
    assert ended.status == 0, ended.output
    assert "Traceback" not in ended.output
    assert "client_secret is required for the flow classic" in ended.result("Nobody to ask")["msg"]
    assert ended.result("Nobody to paste")["error"]["code"] == "login_timeout"
    assert "No browser was redirected" in ended.result("No browser")["msg"]
    assert "client_id, username" in ended.result("No application")["msg"]
    assert ended.result("Check mode")["changed"] is True
    assert not (ansible.cwd / "token.json").exists()


def test_wrong_variables_are_named_before_anything_is_sent(ansible: Any, simulator: Simulator) -> None:
    """The messages have the variables of the playbook, not the options of its module."""
    variables = {
        "get_token_flow": "password",
        "get_token_port": "x",
        "get_token_timeout": 0.5,
        "get_token_paste": "maybe",
        "get_token_file": "token.json",
    }
    ended = ansible.run("ansible-playbook", PLAYBOOK, "-e", json.dumps(variables), WPCOM_API_URL=simulator.url)
    assert ended.status == 2
    for text in (
        "Unknown variables: get_token_file.",
        "get_token_client_id is required if get_token_flow is password",
        "get_token_username is required",
        "get_token_port must be a number from 1 to 65535, got x.",
        "get_token_timeout must be a number from 1 to 86400, got 0.5.",
        "get_token_paste must be true or false, got maybe.",
    ):
        assert text in ended.output
    assert simulator.requests() == []


def test_examples_and_what_can_be_done_with_the_file(ansible: Any, simulator: Simulator, runs: Runs) -> None:
    """The examples run as they are written, a task uses the file, and the guide's commands encrypt the token."""
    given = {"WPCOM_API_URL": simulator.url, "CLIENT_SECRET": SECRET, "PASSWORD": "lovelace-1843"}
    (ansible.cwd / "vault-password").write_text("vault-password")
    text = HEAD + "".join(f"    {line}\n" for line in examples("wpcom_access_token").strip().splitlines())
    text += """
    - name: Use the file
      community.wpcom.wpcom_connection_info:
        gather: [account]
        api_token_file: token.json
"""
    (ansible.cwd / "site.yml").write_text(text)
    run = runs.in_pipe(ansible, "site.yml", **given)
    seen: Optional[str] = None
    for _flow in range(2):
        # Each URL is a new one.
        seen = run.until(
            re.compile(URL.pattern if seen is None else f"{re.escape(seen)}[\\s\\S]*?{URL.pattern[1:]}", re.MULTILINE)
        )
        open_page(approve(simulator, seen))
    assert run.end() == 0, run.output
    tasks = [json.loads(line) for line in ansible.results.read_text().splitlines()]
    assert [task["outcome"] for task in tasks] == ["ok"] * 4
    assert [task["result"]["flow"] for task in tasks[:3]] == ["oauth2.1", "classic", "password"]
    assert tasks[1]["result"]["scope"] == ["sharing"]
    assert tasks[3]["result"]["account"]["username"] == "ada"

    guide = (Path(__file__).parents[2] / "docs" / "docsite" / "rst" / "guide_tokens.rst").read_text(encoding="utf-8")
    command = re.search(r"\$ (python3 -c .*?encrypt_string.*?)\n\n", guide, re.DOTALL)
    assert command
    encrypted = subprocess.run(
        ["bash", "-c", command[1].replace("~/.wpcom_token.json", "token.json")],
        cwd=ansible.cwd,
        env={**ansible.environment, "ANSIBLE_VAULT_PASSWORD_FILE": "vault-password"},
        capture_output=True,
        text=True,
        check=True,
    )
    variables = ansible.cwd / "vault.yml"
    assert "vault_wpcom_api_token: !vault" in variables.read_text() + encrypted.stdout
    shown = ansible.run(
        "ansible",
        "localhost",
        "-m",
        "ansible.builtin.debug",
        "-a",
        "var=vault_wpcom_api_token",
        "-e",
        "@vault.yml",
        ANSIBLE_VAULT_PASSWORD_FILE="vault-password",
    )
    assert json.loads((ansible.cwd / "token.json").read_text())["access_token"] in shown.stdout
