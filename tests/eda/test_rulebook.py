# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The event source in ansible-rulebook: what is shipped runs, a restart repeats nothing, a wrong token ends it."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from ansible_rulebook.validators import Validate

from tests.simulator import Simulator

ROOT = Path(__file__).resolve().parents[2]
EDA = ROOT / "extensions" / "eda"
NAME = "community.wpcom.connection_health"
RULEBOOK = EDA / "rulebooks" / "connection_health.yml"
SCHEMA = json.loads((EDA / "plugins" / "event_source" / "schemas" / "connection_health.json").read_text())
GUIDE = ROOT / "docs" / "docsite" / "rst" / "guide_eda.rst"
INVENTORY = """\
all:
  hosts:
    localhost:
      ansible_connection: local
      ansible_python_interpreter: "{{ ansible_playbook_python }}"
"""
# Ends with the first recovery, and prints every other event.
UNTIL_RECOVERED = """\
- name: Until recovered
  hosts: localhost
  sources:
    - community.wpcom.connection_health:
        interval: "{{ wpcom_interval }}"
        state_file: "{{ wpcom_state_file }}"
  rules:
    - name: Recovered
      condition: event.type == "recovered"
      action:
        shutdown:
          message: "The account {{ event.account }} is {{ event.connection.health }}, it was {{ event.previous.health }}"
          delay: 0
    - name: Anything else
      condition: event.type != "recovered"
      action:
        debug:
          msg: "Repeated: {{ event.type }}"
"""
UNWANTED = re.compile(r"(ANSIBLE|COVERAGE|EDA|PYTEST|PYTHON|WPCOM|.*_PROXY$)", re.IGNORECASE)


class Rulebook:
    """A running ansible-rulebook, whose output is read while it runs."""

    def __init__(self, folder: Path, rulebook: object, environment: dict[str, str]) -> None:
        self._output = folder / "output"
        with self._output.open("wb") as output:
            self._process = subprocess.Popen(
                [
                    *(str(Path(sys.executable).parent / "ansible-rulebook"), "--rulebook", str(rulebook)),
                    *("--inventory", "inventory.yml", "--vars", "vars.yml", "--shutdown-delay", "1"),
                ],
                cwd=folder,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    @property
    def output(self) -> str:
        """Return what was printed so far, without colours."""
        return re.sub(r"\x1b\[[0-9;]*m", "", self._output.read_text(encoding="utf-8", errors="replace"))

    def wait_for(self, happened: Callable[[], Any]) -> None:
        """Wait until something has happened."""
        deadline = time.monotonic() + 60
        while not happened():
            assert self._process.poll() is None, self.output
            assert time.monotonic() < deadline, self.output
            time.sleep(0.05)

    def end(self) -> int:
        """Return the status with which it ends."""
        return self._process.wait(timeout=60)

    def interrupt(self) -> None:
        """End it as a user does."""
        self._process.send_signal(signal.SIGINT)
        self.end()

    def kill(self) -> None:
        """End it with everything that it has started."""
        try:
            os.killpg(self._process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self._process.wait()


@pytest.fixture
def start(tmp_path: Path, simulator: Simulator) -> Iterator[Callable[..., Rulebook]]:
    """Return a function that starts ansible-rulebook in a folder of its own, with this checkout as a collection."""
    (tmp_path / "tree" / "ansible_collections" / "community").mkdir(parents=True)
    (tmp_path / "tree" / "ansible_collections" / "community" / "wpcom").symlink_to(ROOT)
    (tmp_path / "home").mkdir()
    (tmp_path / "inventory.yml").write_text(INVENTORY, encoding="utf-8")
    variables = {"wpcom_interval": 1, "wpcom_state_file": str(tmp_path / "state.json")}
    (tmp_path / "vars.yml").write_text(yaml.safe_dump(variables), encoding="utf-8")
    environment = {name: value for name, value in os.environ.items() if not UNWANTED.match(name)}
    environment.update(
        HOME=str(tmp_path / "home"),
        LC_ALL="C.UTF-8",
        NO_PROXY="*",
        no_proxy="*",
        PATH=os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)]),
        ANSIBLE_COLLECTIONS_PATH=str(tmp_path / "tree"),
        WPCOM_API_URL=simulator.url,
        WPCOM_RETRIES="0",
    )
    running = []

    def begin(rulebook: object, token: str = "sim-token") -> Rulebook:
        running.append(Rulebook(tmp_path, rulebook, {**environment, "WPCOM_API_TOKEN": token}))
        return running[-1]

    yield begin
    for rulebook in running:
        rulebook.kill()


def repair(simulator: Simulator, *keyring_connections: int) -> None:
    """Have accounts work again."""
    rows = [{"ID": number, "status": "ok", "expires": None} for number in keyring_connections]
    simulator.patch(keyring_connections=rows)


def test_shipped_rulebook_runs_the_playbook_and_a_restart_repeats_nothing(
    start: Callable[..., Rulebook], simulator: Simulator, tmp_path: Path
) -> None:
    # Of the accounts that do not work one is left, whose name is a template.
    repair(simulator, 2005, 2007)
    proof = tmp_path / "proof"
    name = f"{{{{ lookup('ansible.builtin.pipe', 'touch {proof}') }}}}"
    simulator.patch(keyring_connections=[{"ID": 2006, "external_display": name, "external_name": name}])

    rulebook = start(NAME)
    rulebook.wait_for(lambda: "PLAY RECAP" in rulebook.output)
    rulebook.interrupt()
    assert "failed=0" in rulebook.output
    assert rulebook.output.count("PLAY [") == 1
    shown = " on site 3002 is broken: its owner must refresh it at https://wordpress.com/marketing/connections/3002"
    assert shown in rulebook.output
    assert not proof.exists()
    assert "sim-token" not in rulebook.output
    assert "nonce" not in rulebook.output

    # In other words: what is known is not reported again, and the first change is.
    simulator.clear_requests()
    own = tmp_path / "until_recovered.yml"
    own.write_text(UNTIL_RECOVERED, encoding="utf-8")
    rulebook = start(own)
    rulebook.wait_for(lambda: len(simulator.requests("GET", "/me/publicize-connections")) >= 3)
    repair(simulator, 2006)
    assert rulebook.end() == 0, rulebook.output
    assert "Repeated" not in rulebook.output
    assert re.search(r"The account \{ \{ lookup.* is ok, it was broken", rulebook.output.replace("\n", " ")), (
        rulebook.output
    )
    assert not proof.exists()


def test_wrong_token_ends_ansible_rulebook_with_what_to_do(start: Callable[..., Rulebook]) -> None:
    rulebook = start(RULEBOOK, token="my-secret")
    assert rulebook.end() == 1, rulebook.output
    assert "Source plugin failed with error message: 'Could not list " in rulebook.output
    assert "The token is wrong or was revoked: create a new token" in rulebook.output
    assert "my-secret" not in rulebook.output
    assert "Traceback" not in rulebook.output


# The form of rulebooks


def in_guide() -> Any:
    """Return the rulebook of the guide."""
    found = re.search(r"^   - name: Social connections of two sites\n(?:   .*\n|\n)+", GUIDE.read_text(), re.MULTILINE)
    assert found
    return yaml.safe_load(textwrap.dedent(found[0]))


def with_job_template() -> Any:
    """Return the shipped rulebook with the action that is a comment in it."""
    text = RULEBOOK.read_text(encoding="utf-8")
    text, count = re.subn(
        r"      action:\n        run_playbook:\n          name: .*\n(      # .*\n)+?      #\n", "", text
    )
    assert count == 1
    text = re.sub(r"^      # (action:|  )", r"      \1", text, flags=re.MULTILINE)
    rulebook = yaml.safe_load(text)
    assert "run_job_template" in rulebook[0]["rules"][0]["action"]
    return rulebook


@pytest.mark.parametrize(
    "rulebook",
    [yaml.safe_load(RULEBOOK.read_text(encoding="utf-8")), with_job_template(), in_guide()],
    ids=["shipped", "job template", "guide"],
)
def test_rulebook_is_valid(rulebook: Any) -> None:
    Validate.rulebook(rulebook)
    for ruleset in rulebook:
        for source in ruleset["sources"]:
            jsonschema.validate(source[NAME], SCHEMA)


def test_schema_of_the_arguments_refuses_what_the_source_refuses() -> None:
    validator = jsonschema.validators.validator_for(SCHEMA)
    validator.check_schema(SCHEMA)
    jsonschema.validate({"interval": "60", "sites": [3001, "blog.example.com"], "test": "{{ test }}"}, SCHEMA)
    for wrong in ({"period": 5}, {"interval": 0}, {"interval": "soon"}, {"sites": [[]]}, {"timeout": 0}):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(wrong, SCHEMA)
