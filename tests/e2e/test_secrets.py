# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The API alone sees the token: no output, file or command line holds it, and no other server receives it."""

from __future__ import annotations

import base64
import html
import json
from pathlib import Path
from typing import Any, Callable
from urllib.parse import quote, quote_plus

import pytest

from tests.simulator import Simulator

from .conftest import Watch

# With characters that are spelled differently in URLs, JSON and HTML.
TOKEN = 'tk+Zq/9"s<3&x=%41'
SPELLINGS = {
    TOKEN,
    quote(TOKEN),
    quote(TOKEN, safe=""),
    quote_plus(TOKEN),
    html.escape(TOKEN),
    html.escape(TOKEN, quote=False),
    json.dumps(TOKEN)[1:-1],
    json.dumps(json.dumps(TOKEN))[2:-2],
    json.dumps(TOKEN)[1:-1].replace("/", "\\/"),
    base64.b64encode(TOKEN.encode()).decode(),
    base64.b64encode(f"ada:{TOKEN}".encode()).decode(),
}
# A piece of it is too much already.
PIECES = {spelling[start : start + 8] for spelling in SPELLINGS for start in range(len(spelling) - 7)}
ECHO = f"<html>Authorization: Bearer {html.escape(TOKEN)} {base64.b64encode(TOKEN.encode()).decode()}</html>"
# Everything that can go wrong with a response, each with the token in it where there is room for it.
FAILURES: list[dict[str, Any]] = [
    {"kind": "status", "status": 400, "body": {"error": TOKEN, "message": f"Bearer {TOKEN}", TOKEN: TOKEN}},
    {"kind": "status", "status": 200, "body": TOKEN, "content_type": "application/json"},
    {"kind": "status", "status": 200, "body": f"{ECHO}" * 1000, "content_type": "text/html"},
    {"kind": "status", "status": 503, "body": "", "headers": {"Retry-After": TOKEN, "X-Echo": TOKEN}},
    {"kind": "wrong_shape", "body": {"ID": TOKEN, "service": [TOKEN]}},
    {"kind": "wrong_shape", "body": [TOKEN]},
    {"kind": "redirect", "location": f"https://login.invalid/?{TOKEN}"},
    {"kind": "echo", "status": 401},
    *({"kind": "echo", "status": status} for status in (429, 500, 503)),
    *({"kind": "status", "status": status, "body": ECHO} for status in (403, 404, 500, 502, 504)),
    *({"kind": kind} for kind in ("limit_reached", "throttle", "cut", "garbage", "bad_encoding", "empty", "html")),
]
FIRST_FAILURE = 9000

PLAY = """\
---
- name: Everything that could tell
  hosts: localhost
  gather_facts: false
  ignore_errors: true
  environment:
    WPCOM_IN_PROCESS: "{in_process}"
  module_defaults:
    group/community.wpcom.wpcom:
      timeout: 10
      {default}
  vars:
    option: {option}
    create:
      site: blog.example.com
      service: mastodon
      account: "@shop@mastodon.example"
  tasks:
    - name: Success
      community.wpcom.wpcom_connection_info: "{{{{ option | combine({{'gather': ['publicize', 'keyring', 'applications', 'services', 'account']}}) }}}}"
      register: success

    - name: An answer that holds the token
      community.wpcom.wpcom_keyring_connection: "{{{{ option | combine({{'id': 2010}}) }}}}"
      register: holds

    - name: An error that echoes the request
      community.wpcom.wpcom_keyring_connection: "{{{{ option | combine({{'id': 2002}}) }}}}"
      register: echo

    - name: A page that echoes the request
      community.wpcom.wpcom_keyring_connection: "{{{{ option | combine({{'id': 2003}}) }}}}"
      register: page

    - name: A write whose answer echoes the request
      community.wpcom.wpcom_publicize_connection: "{{{{ option | combine(create) }}}}"
      register: write

    - name: A redirect to another host
      community.wpcom.wpcom_keyring_connection: "{{{{ option | combine({{'id': 2004}}) }}}}"
      register: elsewhere

    - name: A redirect of a write to another host
      community.wpcom.wpcom_keyring_connection: "{{{{ option | combine({{'id': 2008, 'state': 'absent'}}) }}}}"
      register: elsewhere_write

    - name: A redirect from https to http
      community.wpcom.wpcom_keyring_connection: "{{{{ option | combine({{'id': 2001, 'api_url': secure_url, 'ca_path': authority}}) }}}}"
      register: downgrade

    - name: A certificate of nobody
      community.wpcom.wpcom_keyring_connection: "{{{{ option | combine({{'id': 2001, 'api_url': secure_url}}) }}}}"
      register: untrusted

    - name: Everything that can go wrong with a response
      community.wpcom.wpcom_keyring_connection: "{{{{ option | combine({{'id': item, 'retries': 0}}) }}}}"
      loop: "{{{{ range(9000, 9000 + failures) | list }}}}"
      register: failed

    - name: Keep them as facts
      ansible.builtin.set_fact:
        kept: "{{{{ [success, holds, echo, failed] }}}}"
        cacheable: true

    - name: Keep the results as a user would
      ansible.builtin.copy:
        dest: results.json
        mode: "0600"
        content: "{{{{ [success, holds, echo, page, write, elsewhere, elsewhere_write, downgrade, untrusted, failed] | to_json }}}}"
      delegate_to: localhost

    - name: Fail in the end
      community.wpcom.wpcom_keyring_connection: "{{{{ option | combine({{'id': 2002}}) }}}}"
      ignore_errors: false
"""

# How the token gets to the modules: what the group's defaults say, what each task says, and whether it is in no option.
# Where it is not, the files of a module that Ansible is told to keep must not have it either.
WAYS = {
    "option": ("retries: 1", '{api_token: "{{ secret }}"}', False),
    "module_defaults": ('api_token: "{{ secret }}"', "{}", False),
    "environment": ("retries: 1", "{}", True),
    "file": ('api_token_file: "{{ token_path }}"', "{}", True),
}
# Each start of a module takes half a second, so modules meet a part of the failures only.
MODULE_FAILURES = 3
IN_PROCESS = {"option": "true", "module_defaults": "false", "environment": "false", "file": "true"}


@pytest.fixture
def other(start_simulator: Callable[..., Simulator]) -> Simulator:
    """Return a simulator on another host."""
    return start_simulator(host="127.0.0.2")


@pytest.fixture
def secure(start_simulator: Callable[..., Simulator], certificates: Path) -> Simulator:
    """Return a simulator with TLS."""
    return start_simulator(tls=(str(certificates / "certificate.pem"), str(certificates / "key.pem")))


def told(text: str) -> list[str]:
    """Return what of the token a text holds, with a bit of what is around it."""
    return [text[max(0, text.index(piece) - 60) : text.index(piece) + 60] for piece in PIECES if piece in text]


def files_of(*folders: Path) -> list[Path]:
    """Return all files in folders."""
    return [path for folder in folders for path in folder.rglob("*") if path.is_file()]


@pytest.mark.parametrize("way", WAYS)
def test_only_the_api_sees_the_token(
    way: str,
    ansible: Any,
    simulator: Simulator,
    other: Simulator,
    secure: Simulator,
    certificates: Path,
    tmp_path: Path,
) -> None:
    """No output, file, command line or other server holds the token, whatever the server and the network do."""
    default, option, is_hidden = WAYS[way]
    in_process = IN_PROCESS[way] == "true"
    failures = len(FAILURES) if in_process else MODULE_FAILURES
    for known in (simulator, secure):
        known.patch(tokens=[{"token": TOKEN, "user_ID": 1001, "scope": "global", "client_ID": 50001}])
        # Modules run long enough to be seen among the processes.
        known.settings(latency_ms=30)
    simulator.patch(keyring_connections=[{"ID": 2010, "external_display": f"Called {TOKEN}", "expires": None}])
    simulator.fault(path="/me/keyring-connections/2002", kind="echo", status=400, times=-1)
    simulator.fault(path="/me/keyring-connections/2003", kind="status", status=403, body=ECHO, times=-1)
    for number, failure in enumerate(FAILURES, FIRST_FAILURE):
        simulator.fault(path=f"/me/keyring-connections/{number}", times=-1, **failure)
    simulator.fault(method="POST", path=".*/new", kind="echo", status=500, when="after")
    simulator.fault(
        path="/me/keyring-connections/2004", kind="redirect", location=f"{other.url}/rest/v1.1/me", times=-1
    )
    simulator.fault(method="POST", kind="redirect", status=307, location=f"{other.url}/rest/v1.1/me", times=-1)
    secure.fault(kind="redirect", status=301, location=f"{simulator.url}/rest/v1.1/me/downgraded", times=-1)

    # What requests would send in place of the token, and to whom.
    netrc = ansible.home / ".netrc"
    netrc.write_text("machine 127.0.0.1 login ada password lovelace\nmachine 127.0.0.2 login ada password lovelace\n")
    netrc.chmod(0o600)
    secrets = tmp_path / "secrets.json"
    values = {
        "authority": str(certificates / "ca.pem"),
        "secure_url": secure.url,
        "token_path": str(tmp_path / "token"),
        "failures": failures,
    }
    secrets.write_text(json.dumps(values if is_hidden else {**values, "secret": TOKEN}))
    # In a folder of its own: the others must not have it.
    token_path = tmp_path / "token"
    token_path.write_text(TOKEN, encoding="utf-8")
    token_path.chmod(0o600)
    environment = {"WPCOM_API_TOKEN": TOKEN} if way == "environment" else {}
    with Watch(ansible.home) as watch:
        outcome = ansible.play(
            PLAY.format(default=default, option=option, in_process=IN_PROCESS[way]),
            "-vvvv",
            "--diff",
            "-e",
            f"@{secrets}",
            WPCOM_API_URL=simulator.url,
            WPCOM_RETRY_MAX_DELAY="0",
            ANSIBLE_LOG_PATH=str(ansible.home / "ansible.log"),
            ANSIBLE_RETRY_FILES_ENABLED="True",
            ANSIBLE_RETRY_FILES_SAVE_PATH=str(ansible.home),
            ANSIBLE_KEEP_REMOTE_FILES=str(is_hidden),
            ANSIBLE_REMOTE_TEMP=str(ansible.home / "remote"),
            ANSIBLE_CALLBACKS_ENABLED="ansible.builtin.junit",
            JUNIT_OUTPUT_DIR=str(ansible.home / "junit"),
            ANSIBLE_CACHE_PLUGIN="ansible.builtin.jsonfile",
            ANSIBLE_CACHE_PLUGIN_CONNECTION=str(ansible.home / "facts"),
            **environment,
        )
    assert outcome.status == 2, outcome.output

    # Everything happened that was meant to.
    result = {entry["task"]: entry["result"] for entry in outcome.tasks}
    assert result["Success"]["account"]["id"] == 1001, result["Success"]
    assert result["An answer that holds the token"]["connection"]["id"] == 2010
    assert result["An error that echoes the request"]["error"]["status"] == 400
    assert "Bearer" in result["An error that echoes the request"]["msg"]
    assert result["A page that echoes the request"]["error"]["status"] == 403
    assert "Bearer" in result["A page that echoes the request"]["msg"]
    assert result["A write whose answer echoes the request"]["connection"]["id"] == 5016
    for task in (
        "A redirect to another host",
        "A redirect of a write to another host",
        "A redirect from https to http",
    ):
        assert "never followed" in result[task]["msg"], result[task]
    assert "certificate is not trusted" in result["A certificate of nobody"]["msg"]
    ends = json.loads((ansible.cwd / "results.json").read_text())[-1]["results"]
    assert [(end["failed"], bool(end["msg"])) for end in ends] == [(True, True)] * failures
    assert secure.requests()
    assert {request["authorization"] for request in [*simulator.requests(), *secure.requests()]} == {"bearer"}
    assert all(request["status"] != 400 or request["fault"] for request in simulator.requests())

    # Nobody was told.
    assert other.requests() == []
    assert simulator.requests(path="/me/downgraded") == []
    assert told(outcome.stdout) == []
    assert told(outcome.stderr) == []
    assert told(json.dumps(outcome.tasks)) == []
    lines = [line for line in watch.seen if "AnsiballZ" in line or "ansible" in line]
    assert lines, "no process was seen"
    assert [line for line in watch.seen if told(line)] == []
    if way != "environment":
        assert watch.environments, "no process was seen"
        assert [text for text in watch.environments if told(text)] == []
    files = files_of(ansible.home, ansible.cwd)
    names = {path.name for path in files}
    assert {"ansible.log", "results.json"} <= names
    assert any(path.parent.name == "junit" for path in files)
    assert any(path.parent.name == "facts" for path in files)
    assert any(name.startswith("AnsiballZ_wpcom") for name in names) == (is_hidden and not in_process)
    assert [path for path in files if told(path.read_text(errors="replace"))] == []


RUN = """\
---
- name: Everything that a runner keeps
  hosts: localhost
  gather_facts: false
  ignore_errors: true
  tasks:
    - name: Everything that can go wrong with a response
      community.wpcom.wpcom_keyring_connection:
        id: "{{ item }}"
        api_token_file: "{{ token_path }}"
        retries: 0
        retry_max_delay: 0
      loop: "{{ range(9000, 9000 + failures) | list }}"

    - name: Success
      community.wpcom.wpcom_connection_info:
        api_token_file: "{{ token_path }}"
"""


def test_artifacts_of_a_runner(ansible: Any, simulator: Simulator, tmp_path: Path) -> None:
    """What ansible-runner, and AWX with it, writes down of a job."""
    simulator.patch(tokens=[{"token": TOKEN, "user_ID": 1001, "scope": "global", "client_ID": 50001}])
    for number, failure in enumerate(FAILURES, FIRST_FAILURE):
        simulator.fault(path=f"/me/keyring-connections/{number}", times=-1, **failure)
    token_path = tmp_path / "token"
    token_path.write_text(TOKEN, encoding="utf-8")
    token_path.chmod(0o600)
    folder = tmp_path / "runner"
    (folder / "project").mkdir(parents=True)
    (folder / "env").mkdir()
    (folder / "project" / "site.yml").write_text(RUN)
    values = {"token_path": str(token_path), "failures": len(FAILURES)}
    (folder / "env" / "extravars").write_text(json.dumps(values))
    (folder / "env" / "cmdline").write_text("-vvvv --diff")
    environment = {"WPCOM_API_URL": simulator.url, "ANSIBLE_KEEP_REMOTE_FILES": "True"}
    outcome = ansible.run("ansible-runner", "run", str(folder), "-p", "site.yml", **environment)
    assert outcome.status == 0, outcome.output
    files = files_of(folder, ansible.home, ansible.cwd)
    events = [json.loads(path.read_text()) for path in files if path.parent.name == "job_events"]
    kinds = [event["event"] for event in events if event["event"].startswith("runner_")]
    assert kinds.count("runner_item_on_failed") == len(FAILURES)
    assert kinds.count("runner_on_ok") == 1
    assert told(outcome.output) == []
    assert [path for path in files if told(path.read_text(errors="replace"))] == []
