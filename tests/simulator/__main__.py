# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The command line of the simulator."""

from __future__ import annotations

import argparse
import os
import signal
import ssl
import sys
import time
from pathlib import Path
from typing import Any, NoReturn, Optional

import yaml

from .core import SettingError
from .simulator import Simulator
from .switches import SwitchError
from .world import WorldError


def parser() -> argparse.ArgumentParser:
    """Build the parser of the command line."""
    result = argparse.ArgumentParser(prog="simulator", description=__doc__)
    result.add_argument("--host", default="127.0.0.1", help="address to listen at (default: %(default)s)")
    result.add_argument("--port", type=int, default=0, help="port to listen at (default: a free one)")
    result.add_argument("--world", metavar="FILE", help="YAML file with the world to begin with")
    result.add_argument("--switch", metavar="NAME=VALUE", action="append", default=[], help="turn a switch; repeatable")
    result.add_argument("--switches", metavar="FILE", help="YAML file with switches, as make live writes it")
    result.add_argument(
        "--latency-ms", type=float, default=0, metavar="N", help="how long every response takes at least"
    )
    result.add_argument("--tls-cert", metavar="FILE", help="certificate (chain) in PEM form; answers over https")
    result.add_argument("--tls-key", metavar="FILE", help="its private key in PEM form")
    result.add_argument("--url-file", metavar="FILE", help="where to write the URL once it answers")
    result.add_argument("--pid-file", metavar="FILE", help="where to write the process ID once it answers")
    result.add_argument("--daemon", action="store_true", help="go on in the background and return once it answers")
    result.add_argument("--stop-with", type=int, metavar="PID", help="end when this process ends")
    result.add_argument("--idle-timeout", type=float, metavar="SECONDS", help="end after so long without a request")
    return result


def read_switches(given: list[str]) -> dict[str, Any]:
    """Read NAME=VALUE pairs, values as YAML has them."""
    result: dict[str, Any] = {}
    for pair in given:
        name, equals, value = pair.partition("=")
        if not equals:
            raise SwitchError(f"--switch {pair}: this is not NAME=VALUE")
        try:
            result[name] = yaml.safe_load(value) if value else ""
        except yaml.YAMLError:
            result[name] = value
    return result


def read_switch_file(name: Optional[str]) -> dict[str, Any]:
    """Read a mapping of switches to values."""
    if name is None:
        return {}
    try:
        document = yaml.safe_load(Path(name).read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeError) as error:
        raise SwitchError(f"--switches {name}: this is not YAML: {error}") from error
    if not isinstance(document or {}, dict):
        raise SwitchError(f"--switches {name}: this is not a mapping of switches to values")
    return document or {}


def alive(pid: int) -> bool:
    """Return whether a process runs; one that has ended but was not waited for does not."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    try:
        # The state follows the command in parentheses, which may hold anything.
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
        return stat.rpartition(")")[2].split()[0] != "Z"
    except (OSError, IndexError):
        return True


def write_file(name: Optional[str], text: str) -> None:
    """Write a file in one step, so that nobody reads half of it."""
    if name:
        path = Path(name)
        new = path.with_name(f".{path.name}.{os.getpid()}")
        new.write_text(text, encoding="utf-8")
        new.replace(path)


def remove_file(name: Optional[str], text: str) -> None:
    """Remove a file that we wrote, unless another process has written it since."""
    try:
        if name and Path(name).read_text(encoding="utf-8") == text:
            Path(name).unlink()
    except OSError:
        pass


def detach(url: str) -> int:
    """Go on in a child process; the parent waits until that answers. Returns where to report that it does."""
    reading, writing = os.pipe()
    child = os.fork()
    if child:
        os.close(writing)
        with os.fdopen(reading, "rb") as pipe:
            ready = pipe.read()
        if ready != b"ready":
            print(f"simulator: it did not start: {ready.decode('utf-8', 'replace')}", file=sys.stderr)
            os._exit(1)
        print(url, flush=True)
        os._exit(0)
    os.close(reading)
    os.setsid()
    # Whoever reads our output must not wait for the child.
    with open(os.devnull, "r+b") as nowhere:
        for descriptor in (0, 1, 2):
            os.dup2(nowhere.fileno(), descriptor)
    return writing


def run(options: argparse.Namespace) -> NoReturn:
    """Serve until told to stop."""
    if bool(options.tls_cert) != bool(options.tls_key):
        raise SettingError("--tls-cert and --tls-key go together")
    tls = (options.tls_cert, options.tls_key) if options.tls_cert else None
    simulator = Simulator(
        world=options.world,
        switches={**read_switch_file(options.switches), **read_switches(options.switch)},
        tls=tls,
        port=options.port,
        latency_ms=options.latency_ms,
        host=options.host,
    )
    report = detach(simulator.url) if options.daemon else None
    url, pid = simulator.url + "\n", f"{os.getpid()}\n"

    def leave(*_: Any) -> NoReturn:
        remove_file(options.url_file, url)
        remove_file(options.pid_file, pid)
        # Requests that are still being answered are of no interest any more.
        os._exit(0)

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, leave)
    simulator.core.last_request = time.monotonic()
    simulator.start()
    try:
        write_file(options.pid_file, pid)
        write_file(options.url_file, url)
    except OSError as error:
        if report is None:
            raise
        os.write(report, str(error).encode())
        os._exit(1)
    if report is None:
        print(simulator.url, flush=True)
    else:
        os.write(report, b"ready")
        os.close(report)
    while True:
        time.sleep(0.2)
        if options.stop_with is not None and not alive(options.stop_with):
            leave()
        if options.idle_timeout and time.monotonic() - simulator.core.last_request > options.idle_timeout:
            leave()


def main(arguments: Optional[list[str]] = None) -> int:
    """Run the command line."""
    options = parser().parse_args(arguments)
    try:
        run(options)
    except (WorldError, SwitchError, SettingError, OSError, ssl.SSLError) as error:
        print(f"simulator: {error}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
