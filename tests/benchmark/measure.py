# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Running a command in a clean environment against a simulator in a process of its own, and what that took.

The simulator answers over TLS, and what is measured reaches it through a relay that is a round trip away.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import certifi
import requests
import trustme

from .worlds import TOKEN

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
PLAYBOOKS = HERE / "playbooks"
INVENTORY_COMMAND = (sys.executable, "-m", "ansible.cli.inventory")
# The certificates that clients trust: as many as on any machine, since every process reads them, and the simulator's own.
CERTIFICATES = "certificates.pem"
PLAYBOOK_COMMAND = (sys.executable, "-m", "ansible.cli.playbook", "-i", "inventory.json")

Request = dict[str, Any]


class WrongRunError(Exception):
    """A run that did not do what it should have done; its figures mean nothing."""


class TooLongError(Exception):
    """A run that was ended because it took too long."""


@dataclass(frozen=True)
class Figures:
    """What one run took: seconds, seconds of processor, MiB of its largest process, and the requests it made."""

    wall: float
    cpu: float
    memory: float
    gets: int
    posts: int
    connections: int


class RelayProcess:
    """A relay to a port of this machine, in a process of its own."""

    def __init__(self, port: int) -> None:
        """Start it and wait until it listens."""
        command = [sys.executable, "-m", "tests.benchmark.relay", str(port)]
        self._process = subprocess.Popen(
            command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        try:
            self.port = int(self._answer())
        except BaseException:
            self.stop()
            raise

    def set_round_trip(self, milliseconds: int) -> None:
        """Be so far away from now on."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{milliseconds}\n")
        self._process.stdin.flush()
        if self._answer() != str(milliseconds):
            raise WrongRunError("the relay does not answer")

    def stop(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.communicate()

    def _answer(self) -> str:
        assert self._process.stdout is not None
        line = self._process.stdout.readline().strip()
        if not line:
            raise WrongRunError("the relay has ended")
        return line


class SimulatorProcess:
    """A simulator in a process of its own, so that what it takes is not counted; ``url`` is that of the relay to it."""

    def __init__(self, folder: Path) -> None:
        """Start it and wait until it answers."""
        address = folder / "simulator.url"
        certificate, key = _write_certificates(folder)
        command = [
            *(sys.executable, "-m", "tests.simulator", "--url-file", str(address), "--stop-with", str(os.getpid())),
            *("--tls-cert", str(certificate), "--tls-key", str(key)),
        ]
        self._log = folder / "simulator.log"
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                command, cwd=ROOT, env=clean_environment(folder), stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        deadline = time.monotonic() + 60
        while not address.exists():
            if self._process.poll() is not None or time.monotonic() > deadline:
                self._stop_simulator()
                raise WrongRunError(f"the simulator did not start: {self._log.read_text(errors='replace')}")
            time.sleep(0.02)
        self._direct_url = address.read_text().strip()
        self._session = requests.Session()
        self._session.trust_env = False
        self._session.verify = str(folder / CERTIFICATES)
        try:
            self._relay = RelayProcess(int(self._direct_url.rpartition(":")[2]))
        except BaseException:
            self._stop_simulator()
            raise
        self.url = f"https://127.0.0.1:{self._relay.port}"

    def stop(self) -> None:
        """End the processes."""
        self._relay.stop()
        self._stop_simulator()

    def _stop_simulator(self) -> None:
        self._process.terminate()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def prepare(
        self,
        world: Mapping[str, Any],
        *,
        round_trip: int = 0,
        switches: Mapping[str, Any] | None = None,
    ) -> None:
        """Begin anew with a world, an empty request log, and so many milliseconds of a round trip."""
        self._call("POST", "reset", {"world": world, "switches": dict(switches or {})})
        self._relay.set_round_trip(round_trip)

    def set_faults(self, faults: Sequence[Mapping[str, Any]]) -> None:
        """Have it misbehave in these ways from now on, and in no others."""
        self._call("DELETE", "faults")
        self._call("POST", "faults", list(faults))

    def take_requests(self) -> list[Request]:
        """Return the requests since the last time, and forget them."""
        log: list[Request] = self._call("GET", "requests")["requests"]
        self._call("DELETE", "requests")
        return log

    def publicize_connections(self) -> list[dict[str, Any]]:
        """Return the publicize connections that there are, in raw form."""
        found: list[dict[str, Any]] = self._call("GET", "state")["publicize_connections"]
        return found

    def _call(self, method: str, path: str, body: Any = None) -> Any:
        answer = self._session.request(method, f"{self._direct_url}/_simulator/{path}", json=body, timeout=60)
        if answer.status_code != 200:
            raise WrongRunError(f"the simulator refused {method} {path}: {answer.text[:300]}")
        return answer.json()


class Bench:
    """The folders of a benchmark and its simulator, all of which go when it ends."""

    def __init__(self) -> None:
        """Lay the folders and start the simulator."""
        self.folder = Path(tempfile.mkdtemp(prefix="wpcom-benchmark-")).resolve()
        collection = self.folder / "tree" / "ansible_collections" / "community" / "wpcom"
        collection.parent.mkdir(parents=True)
        collection.symlink_to(ROOT)
        (self.folder / "home").mkdir()
        self._runs = 0
        try:
            self.simulator = SimulatorProcess(self.folder)
        except BaseException:
            shutil.rmtree(self.folder, ignore_errors=True)
            raise

    def __enter__(self) -> Bench:
        """Begin."""
        return self

    def __exit__(self, *_: object) -> None:
        """End the simulator and remove the folders."""
        self.simulator.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def run(
        self,
        command: Sequence[str],
        files: Mapping[str, str],
        variables: Mapping[str, str] | None = None,
        *,
        time_limit: float = 600,
        may_fail: bool = False,
    ) -> tuple[Figures, list[Request], bool]:
        """Run a command among files of its own; return what it took, its requests, and whether it succeeded.

        Raises WrongRunError where it fails and may not, and TooLongError.
        """
        self._runs += 1
        folder = self.folder / f"run-{self._runs}"
        folder.mkdir()
        for name, content in files.items():
            (folder / name).parent.mkdir(exist_ok=True)
            (folder / name).write_text(content, encoding="utf-8")
        environment = {
            **clean_environment(self.folder),
            "WPCOM_API_URL": self.simulator.url,
            "WPCOM_API_TOKEN": TOKEN,
            **(variables or {}),
        }
        result, output = folder / "figures.json", folder / "output.txt"
        launch = [sys.executable, "-I", "-S", str(HERE / "launcher.py"), str(result), str(output), *command]
        self.simulator.take_requests()
        process = subprocess.Popen(launch, cwd=folder, env=environment, start_new_session=True)
        try:
            process.wait(time_limit)
        except subprocess.TimeoutExpired:
            raise TooLongError(f"it took more than {time_limit:.0f} s") from None
        finally:
            if process.poll() is None:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                process.wait()
        taken = json.loads(result.read_text())
        log = self.simulator.take_requests()
        succeeded = taken["exit"] == 0
        told = output.read_text(errors="replace")
        shutil.rmtree(folder, ignore_errors=True)
        if not succeeded and not may_fail:
            raise WrongRunError(f"it ended with exit status {taken['exit']}:\n{told[-3000:]}")
        if "WARNING" in told:
            raise WrongRunError(f"it gave warnings:\n{told[-3000:]}")
        figures = Figures(
            wall=taken["wall"],
            cpu=taken["cpu"],
            memory=taken["memory"],
            gets=sum(request["method"] == "GET" for request in log),
            posts=sum(request["method"] == "POST" for request in log),
            connections=len({request["connection"] for request in log}),
        )
        return figures, log, succeeded


def clean_environment(folder: Path) -> dict[str, str]:
    """Return the same few variables for everything that is run, nothing of the caller's but where programs are."""
    return {
        "ANSIBLE_COLLECTIONS_PATH": str(folder / "tree"),
        "ANSIBLE_HOME": str(folder / "home" / ".ansible"),
        "ANSIBLE_LOCALHOST_WARNING": "false",
        "ANSIBLE_NOCOLOR": "true",
        "ANSIBLE_STDOUT_CALLBACK": "default",
        "HOME": str(folder / "home"),
        "LC_ALL": "C.UTF-8",
        # What requests trusts, and what ansible.builtin.uri does.
        "REQUESTS_CA_BUNDLE": str(folder / CERTIFICATES),
        "SSL_CERT_FILE": str(folder / CERTIFICATES),
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)]),
        "TMPDIR": str(folder),
    }


def _write_certificates(folder: Path) -> tuple[Path, Path]:
    """Write what clients trust, and return the files of the certificate and the key of this machine."""
    authority = trustme.CA()
    pair = authority.issue_cert("127.0.0.1")
    trusted = (Path(certifi.where()).read_bytes(), authority.cert_pem.bytes())
    (folder / CERTIFICATES).write_bytes(b"\n".join(trusted))
    certificate, key = folder / "server.pem", folder / "server.key"
    certificate.write_bytes(b"".join(blob.bytes() for blob in pair.cert_chain_pems))
    pair.private_key_pem.write_to_path(str(key))
    return certificate, key
