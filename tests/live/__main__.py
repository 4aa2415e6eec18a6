# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Finds out what the real WordPress.com does, on ONE sandbox site, and puts everything back.

The token is read from WPCOM_API_TOKEN; WPCOM_API_URL and the other variables of the modules apply.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NoReturn, Optional

import yaml
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

from ansible_collections.community.wpcom.plugins.module_utils._errors import WpcomError
from ansible_collections.community.wpcom.plugins.module_utils._http.transport import Transport
from ansible_collections.community.wpcom.plugins.module_utils._options import (
    ConnectionOptions,
    connection_argument_spec,
)
from ansible_collections.community.wpcom.tests.simulator.switches import SwitchError, checked

from .facts import Experiments, Fact
from .promises import diagnosis, promises
from .sandbox import Refused, Sandbox

HEAD = """\
# Written by "make live": the switches of the simulator as the server was found. Start it with
#     python -m tests.simulator --switches {name}
"""


def parser() -> argparse.ArgumentParser:
    """Build the parser of the command line."""
    result = argparse.ArgumentParser(prog="live", description=__doc__)
    result.add_argument("--site", help="the sandbox site: its ID or domain; it is written to")
    result.add_argument("--site-again", help="the same, typed again; asked for at the terminal where it is not given")
    result.add_argument("--keyring", help="the ID of a keyring connection of yours to connect the site with")
    result.add_argument("--external-user", help="the ID of a page that WordPress.com does not list yet")
    result.add_argument(
        "--last-connection",
        metavar="KEYRING",
        help="the ID of the keyring connection again: its last connection may be deleted, and it may go with it, for good",
    )
    result.add_argument(
        "--output", default="live-switches.yml", help="where to write the switches (default: %(default)s)"
    )
    return result


def connection_params() -> dict[str, Any]:
    """Return the connection options as the environment has them. Raises Refused."""
    validated = ArgumentSpecValidator(connection_argument_spec()).validate({})
    if validated.error_messages:
        raise Refused("; ".join(validated.error_messages))
    return dict(validated.validated_parameters)


def confirm(options: argparse.Namespace) -> int:
    """Return the ID of the keyring connection, once everything was said twice that has to be. Raises Refused."""
    if not options.site or not options.keyring:
        raise Refused("SITE and KEYRING are required: make live SITE=sandbox.example.com KEYRING=123")
    if not str(options.keyring).isdigit():
        raise Refused(f"KEYRING must be the ID of a keyring connection, got {options.keyring!r}")
    again = options.site_again
    if not again:
        if not sys.stdin.isatty():
            raise Refused("the site has to be typed twice: set SITE_AGAIN to it as well")
        print(f"Connections of the site {options.site} are created, changed and deleted. Everything is put back.")
        again = input("Type the site again: ").strip()
    if again != options.site:
        raise Refused(f"the site was typed differently: {options.site!r} and {again!r}")
    output = Path(options.output)
    if not output.name or output.is_dir() or not os.access(output.parent, os.W_OK | os.X_OK):
        raise Refused(f"OUTPUT must be the path of a file in a folder that can be written to, got {options.output!r}")
    if options.last_connection and options.last_connection != options.keyring:
        raise Refused("LAST must be the ID of KEYRING again")
    return int(options.keyring)


def open_sandbox(options: argparse.Namespace, params: Mapping[str, Any], keyring: int) -> tuple[Transport, Sandbox]:
    """Return the sandbox, where the site is one. Raises Refused, WpcomError."""
    connection = ConnectionOptions.from_params(params)
    if not connection.api_token:
        raise Refused("the token is missing: set WPCOM_API_TOKEN")
    transport = Transport(connection, check_mode=False)
    sandbox = Sandbox(transport, options.site, keyring)
    if not sandbox.initial and not sandbox.elsewhere() and not options.last_connection:
        raise Refused(
            f"the keyring connection {keyring} has no other connection. Deleting the one that is made here may delete it too, "
            "and only you could connect it again: use another one, or set LAST to its ID to learn just that"
        )
    return transport, sandbox


def patch(report: Mapping[str, Any], facts: list[Fact]) -> tuple[dict[str, Any], list[str]]:
    """Return the switches of the simulator, what writing shows before what reading shows; and what no switch has a value for."""
    read = {name: "" if side == '""' else side for name, side in report["uncertainties"].items() if side is not None}
    written = {fact.name: fact.value for fact in facts if fact.is_switch}
    switches: dict[str, Any] = {}
    others: list[str] = []
    for name, value in {**read, **written}.items():
        try:
            switches.update(checked({name: value}))
        except SwitchError:
            others.append(f"{name}: {value!r} is not a value of this switch")
    return switches, others


def show(rows: list[tuple[str, str]]) -> None:
    """Print a table: fact -> seen."""
    width = max((len(name) for name, _seen in rows), default=0)
    for name, seen in rows:
        print(f"  {name:<{width}} -> {seen}", flush=True)


SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def interrupt(*_: Any) -> NoReturn:
    """End as Ctrl-C does; a second one must not leave anything behind."""
    for number in SIGNALS:
        signal.signal(number, signal.SIG_IGN)
    raise KeyboardInterrupt


def experiment(sandbox: Sandbox, options: argparse.Namespace) -> tuple[list[Fact], list[str], bool]:
    """Return the facts, what could not be put back, and whether it was interrupted; everything is put back in any case."""
    facts: list[Fact] = []
    interrupted = False
    experiments = Experiments(
        sandbox, external_user=options.external_user or None, last_connection=bool(options.last_connection)
    )
    before = {number: signal.signal(number, interrupt) for number in SIGNALS}
    try:
        for fact in experiments.run():
            facts.append(fact)
            show([(fact.name, fact.seen)])
    except KeyboardInterrupt:
        interrupted = True
        print("\nInterrupted.", flush=True)
    except WpcomError as error:
        interrupted = True
        print(f"\n{error.message}", flush=True)
    finally:
        was_signalled = signal.getsignal(signal.SIGINT) is signal.SIG_IGN
        for number in SIGNALS:
            signal.signal(number, signal.SIG_IGN)
        print("Putting everything back ...", flush=True)
        problems = sandbox.restore()
        # What is left to do is short, and to be done.
        for number, handler in before.items() if not was_signalled else ():
            signal.signal(number, handler)
    return facts, problems, interrupted


def write(path: Path, switches: Mapping[str, Any], others: list[str]) -> None:
    """Write the switches in one step."""
    new = path.with_name(f".{path.name}.{os.getpid()}")
    text = "".join(f"# {other}\n" for other in others) + yaml.safe_dump(dict(switches), sort_keys=True)
    new.write_text(HEAD.format(name=path.name) + text, encoding="utf-8")
    new.replace(path)


def main(arguments: Optional[list[str]] = None) -> int:
    """Run everything; return 0, 1 where something is broken or could not be put back, 2 where it was refused."""
    options = parser().parse_args(arguments)
    # "make" hands on an empty variable.
    options.output = options.output or parser().get_default("output")
    try:
        keyring = confirm(options)
        params = connection_params()
        transport, sandbox = open_sandbox(options, params, keyring)
    except (Refused, WpcomError) as reason:
        print(f"live: refused, nothing was written: {reason}", file=sys.stderr)
        return 2
    try:
        print("What reading shows:")
        report = diagnosis(params)
        show([(name, "not known" if side is None else str(side)) for name, side in report["uncertainties"].items()])
        if report["uncertainties"]["throttle_form"] is not None:
            raise Refused("the request limit is reached: wait a minute without sending any request")
        print("What the modules promise:")
        kept = list(promises(params, sandbox.site_id, keyring))
        show(kept)
        print(f"What writing shows, on the site {sandbox.site_name} with the keyring connection {keyring}:")
        facts, problems, interrupted = experiment(sandbox, options)
    except (Refused, WpcomError) as reason:
        print(f"live: refused, nothing was written: {reason}", file=sys.stderr)
        return 2
    finally:
        transport.close()
    for problem in problems:
        print(f"NOT PUT BACK: {problem}", flush=True)
    if not problems:
        print("Everything is as it was.")
    write(Path(options.output), *patch(report, facts))
    print(f"The switches of the simulator are in {options.output}.")
    return 1 if problems or interrupted or any(state != "kept" for _promise, state in kept) else 0


if __name__ == "__main__":
    sys.exit(main())
