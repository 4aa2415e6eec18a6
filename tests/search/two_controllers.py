# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Measures what becomes of one list that two controllers apply at the same moment; ``--rounds N``, half of them create.

The API has no condition on a write, so that both may read before either writes. What then happens to a connection that both
create is up to the server, and nobody outside knows what WordPress.com does: each possibility is a row.
"""

from __future__ import annotations

import argparse
import random
import threading
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.community.wpcom.plugins.module_utils._execute import TaskResult
from ansible_collections.community.wpcom.tests.simulator import Simulator
from ansible_collections.community.wpcom.tests.unit.support import TOKEN, run, unset

ME = 1
ACCOUNTS = 4
WORLD: dict[str, Any] = {
    "users": [{"ID": ME, "username": "me"}],
    "tokens": [{"token": TOKEN, "user_ID": ME}],
    "sites": [{"ID": 1, "slug": "site1.example.com", "members": [{"user_ID": ME, "role": "administrator"}]}],
    "services": [{"ID": "mastodon"}],
    "keyring_connections": [
        {
            "ID": 20 + number,
            "user_ID": ME,
            "service": "mastodon",
            "external_ID": str(number),
            "external_name": f"@{number}",
        }
        for number in range(ACCOUNTS)
    ],
}
CREATED = [{**unset("publicize"), "site": "1", "service": "mastodon", "account": f"@{n}"} for n in range(ACCOUNTS)]
DELETED = [{**entry, "state": "absent"} for entry in CREATED]
# Seconds by which one controller is ahead of the other, at most: the time of a few requests.
HEAD_START = 0.02


@dataclass
class Measured:
    """What became of some rounds."""

    rounds: int = 0
    doubles: int = 0
    # Rounds in which the next run did not say what there is too much of.
    silent: int = 0
    # Rounds after which the list was not what it had to be.
    unfinished: int = 0
    # Rounds in which both controllers said that they had made one and the same change.
    claimed: int = 0
    errors: Counter[str] = field(default_factory=Counter)


def together(simulator: Simulator, entries: Sequence[dict[str, Any]], chance: random.Random) -> list[TaskResult]:
    """Return how two controllers end that apply a list at the same moment."""
    results: list[TaskResult] = []
    barrier = threading.Barrier(2)

    def control(head_start: float) -> None:
        barrier.wait()
        time.sleep(head_start)
        results.append(run("bulk", simulator.url, connections=list(entries), on_error="continue", report="all"))

    threads = [threading.Thread(target=control, args=(chance.uniform(0, HEAD_START),)) for _controller in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def number_of_doubles(simulator: Simulator) -> int:
    """Return how many connections there are too many."""
    rows = simulator.state()["publicize_connections"]
    return len(rows) - len({row["keyring_connection_ID"] for row in rows})


def play(simulator: Simulator, form: str, *, creates: bool, chance: random.Random, measured: Measured) -> None:
    """Play one round, and note what became of it."""
    simulator.reset(WORLD, {"create_duplicate": form})
    if not creates:
        rows = [{"ID": 50 + n, "site_ID": 1, "keyring_connection_ID": 20 + n} for n in range(ACCOUNTS)]
        simulator.patch(publicize_connections=rows)
    entries = CREATED if creates else DELETED
    results = together(simulator, entries, chance)
    measured.rounds += 1
    measured.errors.update(outcome.result["error"]["code"] for outcome in results if outcome.failed)
    changes = sum(
        outcome.result.get("summary", {}).get(action, 0) for outcome in results for action in ("created", "deleted")
    )
    doubles = number_of_doubles(simulator)
    measured.claimed += changes > ACCOUNTS + doubles
    measured.doubles += bool(doubles)
    again = run("bulk", simulator.url, connections=list(entries))
    if doubles:
        # An error that lists both of each pair.
        errors = again.result.get("errors", [])
        named = sum("2 publicize connections match" in error["msg"] for error in errors)
        measured.silent += not again.failed or named != doubles
    else:
        # The next run does what an error of this one has left.
        last = run("bulk", simulator.url, connections=list(entries))
        left = len(simulator.state()["publicize_connections"]) != (ACCOUNTS if creates else 0)
        measured.unfinished += left or last.failed or bool(last.result["changed"])


def measure(rounds: int, seed: int = 1) -> dict[str, Measured]:
    """Return what became of so many rounds, by what they did."""
    chance = random.Random(seed)
    found: dict[str, Measured] = {}
    with Simulator(world=WORLD) as simulator:
        for number in range(rounds):
            creates = number % 2 == 0
            form = ("existing", "second", "error")[number // 2 % 3] if creates else "existing"
            name = f"create, the server {MEANING[form]}" if creates else "delete"
            measured = found.setdefault(name, Measured())
            play(simulator, form, creates=creates, chance=chance, measured=measured)
    return found


MEANING = {
    "existing": "returns the one that exists",
    "second": "makes a second one",
    "error": "refuses the second one",
}


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=1000)
    found = measure(parser.parse_args().rounds)
    for name, measured in sorted(found.items()):
        errors = ", ".join(f"{number} {code}" for code, number in sorted(measured.errors.items())) or "none"
        print(
            f"{name}: {measured.rounds} rounds, {measured.doubles} with doubles, {measured.silent} of which the next run "
            f"did not name, {measured.claimed} in which both claimed one change, {measured.unfinished} left something to "
            f"do to the run after the next; errors: {errors}"
        )
    if any(measured.silent or measured.unfinished for measured in found.values()):
        raise SystemExit("a double that is not named, or a list that is not converged")


if __name__ == "__main__":
    main()
