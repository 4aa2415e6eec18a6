# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The commands of Ansible as users start them, in the environment of the Python that runs the tests."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.simulator import Simulator

ROOT = Path(__file__).resolve().parents[2]
# What the machine or the caller has set must not change a result.
UNWANTED = re.compile(
    r"(ANSIBLE|COVERAGE|PYTEST|PYTHON|WPCOM|TASK_RESULTS|.*_PROXY$|.*_CA_BUNDLE$|SSL_CERT)", re.IGNORECASE
)


class Outcome(NamedTuple):
    """The end of a command."""

    status: int
    stdout: str
    stderr: str
    # Of each task: task, outcome (ok, failed, skipped), result.
    tasks: list[dict[str, Any]]

    @property
    def output(self) -> str:
        """Return everything that was printed."""
        return self.stdout + self.stderr

    def result(self, task: str) -> dict[str, Any]:
        """Return the result of the first task with this name."""
        found: dict[str, Any] = next(entry["result"] for entry in self.tasks if entry["task"] == task)
        return found


class Ansible:
    """A home, a working directory and an environment for the commands."""

    def __init__(self, folder: Path, collections: Path) -> None:
        self.home = folder / "home"
        self.cwd = folder / "work"
        self.home.mkdir()
        self.cwd.mkdir()
        self.results = folder / "results.jsonl"
        binaries = Path(sys.executable).parent
        self.environment = {name: value for name, value in os.environ.items() if not UNWANTED.fullmatch(name)}
        self.environment = {name: value for name, value in self.environment.items() if not UNWANTED.match(name)}
        self.environment.update(
            HOME=str(self.home),
            LC_ALL="C.UTF-8",
            NO_PROXY="*",
            PATH=os.pathsep.join([str(binaries), os.environ.get("PATH", os.defpath)]),
            ANSIBLE_CALLBACK_PLUGINS=str(Path(__file__).parent / "callbacks"),
            ANSIBLE_COLLECTIONS_PATH=str(collections),
            ANSIBLE_LOCALHOST_WARNING="False",
            ANSIBLE_INVENTORY_UNPARSED_WARNING="False",
            ANSIBLE_NOCOLOR="1",
            TASK_RESULTS=str(self.results),
        )
        self.environment["no_proxy"] = "*"

    def start(self, program: str, *arguments: object, **more: str) -> subprocess.Popen[str]:
        """Start a command of this Python's environment."""
        return subprocess.Popen(
            [str(Path(sys.executable).parent / program), *map(str, arguments)],
            cwd=self.cwd,
            env={**self.environment, **more},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, program: str, *arguments: object, **more: str) -> Outcome:
        """Run a command to its end."""
        self.results.unlink(missing_ok=True)
        process = self.start(program, *arguments, **more)
        stdout, stderr = process.communicate(timeout=300)
        lines = self.results.read_text(encoding="utf-8").splitlines() if self.results.exists() else []
        return Outcome(process.returncode, stdout, stderr, [json.loads(line) for line in lines])

    def play(self, text: str, *arguments: object, **more: str) -> Outcome:
        """Run a playbook that is given as text."""
        path = self.cwd / "site.yml"
        path.write_text(text, encoding="utf-8")
        return self.run("ansible-playbook", path, *arguments, **more)


class Watch:
    """Looks at the command lines of all processes, as "ps" does, for as long as a test takes.

    ``environments`` are those of the processes with this home folder: other tests may run at the same time.
    """

    def __init__(self, home: Path) -> None:
        self._home = f"HOME={home}\0".encode()
        self.seen: set[str] = set()
        self.environments: set[str] = set()
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)

    def _look(self) -> None:
        while not self._end.is_set():
            for folder in Path("/proc").iterdir():
                if folder.name.isdigit():
                    try:
                        line = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
                        environment = b"" if line in self.seen else (folder / "environ").read_bytes()
                        if self._home in environment:
                            self.environments.add(environment.decode(errors="replace"))
                        self.seen.add(line)
                    except OSError:
                        continue
            time.sleep(0.02)

    def __enter__(self) -> Watch:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        self._thread.join()


@pytest.fixture(scope="session")
def collections(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder in which Ansible finds this checkout by the name of the collection."""
    folder = tmp_path_factory.mktemp("tree")
    (folder / "ansible_collections" / "community").mkdir(parents=True)
    (folder / "ansible_collections" / "community" / "wpcom").symlink_to(ROOT)
    return folder


@pytest.fixture
def ansible(tmp_path: Path, collections: Path) -> Ansible:
    """Return the commands of Ansible, with a home of their own and this checkout."""
    return Ansible(tmp_path, collections)


@pytest.fixture
def connected(simulator: Simulator) -> Mapping[str, str]:
    """Return the environment variables by which modules reach the simulator."""
    return {"WPCOM_API_TOKEN": "sim-token", "WPCOM_API_URL": simulator.url, "WPCOM_RETRY_MAX_DELAY": "0"}


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a CA and its certificate for 127.0.0.1: ca.pem, certificate.pem, key.pem."""
    folder = tmp_path_factory.mktemp("certificates")
    maker = ROOT / "tests" / "integration" / "targets" / "connection_options" / "files" / "certificates.py"
    subprocess.run([sys.executable, str(maker), str(folder)], check=True)
    return folder
