# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A soak: many connections, few changes, and a server that fails now and then; every write is to be done exactly once."""

from __future__ import annotations

import json
import random
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from .contestants import VARIABLES, inventory
from .measure import PLAYBOOK_COMMAND, PLAYBOOKS, Bench, Request
from .worlds import FIRST_ACCOUNT, FIRST_SITE, world

# (site, account), both counted from 0.
Slot = tuple[int, int]
# A target of a write: what kind of write it is, and the slot.
Write = tuple[str, Slot]

MOST_ATTEMPTS = 5
FAILURES: tuple[dict[str, Any], ...] = (
    {"kind": "throttle", "retry_after": 1},
    {"kind": "limit_reached"},
    {"kind": "status", "status": 503},
    {"kind": "status", "status": 500, "when": "after"},
    {"kind": "cut"},
    {"kind": "cut", "when": "after"},
    {"kind": "truncate", "when": "after"},
    {"kind": "status", "status": 502, "when": "after"},
)


@dataclass
class Round:
    """One change of what is declared, and what became of it."""

    writes: int
    failing: float = 0.0
    attempts: int = 0
    faults: int = 0
    gets: int = 0
    posts: int = 0
    wall: float = 0.0
    memory: float = 0.0
    wrong: list[str] = field(default_factory=list)


class Soak:
    """A declared state that changes a little each round, on a world that has to follow."""

    def __init__(self, bench: Bench, *, sites: int, per_site: int, share: float, parallel: int, seed: int) -> None:
        """Make a world of which ``share`` of the connections change each round."""
        self._bench = bench
        self._chance = random.Random(seed)
        self._parallel = parallel
        slots = [(site, account) for site in range(sites) for account in range(per_site)]
        self._per_round = max(3, round(share * len(slots)))
        # What is declared: shared or not, None for absent.
        self._declared: dict[Slot, bool | None] = dict.fromkeys(slots, False)
        document = world(sites, per_site)
        for slot in self._chance.sample(slots, self._per_round):
            self._declared[slot] = None
        document["publicize_connections"] = [
            record for record in document["publicize_connections"] if self._declared[_slot(record)] is not None
        ]
        # A create that was repeated needlessly shall make a second connection, so that it is found.
        bench.simulator.prepare(document, switches={"create_duplicate": "second"})
        self.rounds: list[Round] = []

    def run(self, failing: Sequence[float], say: Callable[[str], None] = print) -> list[str]:
        """Go through a round for each share of requests that fail, and a last one in which nothing is to be done.

        Returns what was wrong.
        """
        for number, share in enumerate(failing):
            self._bench.simulator.set_faults(
                [{"probability": share / len(FAILURES), **failure} for failure in FAILURES]
            )
            one = self._round(self._change())
            one.failing = share
            self.rounds.append(one)
            say(
                f"soak {number + 1}: {one.writes} writes by {one.posts} POSTs and {one.gets} GETs, {one.faults} failed, "
                f"{one.attempts} run(s), {one.wall:.1f} s, {one.memory:.0f} MiB"
            )
        self._bench.simulator.set_faults([])
        last = self._round({})
        if last.posts:
            last.wrong.append(f"the last run, with nothing to do, made {last.posts} POSTs")
        self.rounds.append(last)
        return [f"round {number}: {text}" for number, one in enumerate(self.rounds, 1) for text in one.wrong]

    def _change(self) -> dict[Slot, str]:
        """Change what is declared: a third is created, a third updated, a third deleted."""
        third = self._per_round // 3
        absent = sorted(slot for slot, shared in self._declared.items() if shared is None)
        present = sorted(slot for slot, shared in self._declared.items() if shared is not None)
        created = self._chance.sample(absent, min(third, len(absent)))
        touched = self._chance.sample(present, self._per_round - len(created))
        deleted, updated = touched[:third], touched[third:]
        for slot in created:
            self._declared[slot] = self._chance.random() < 0.5
        for slot in deleted:
            self._declared[slot] = None
        for slot in updated:
            self._declared[slot] = not self._declared[slot]
        return {
            **dict.fromkeys(created, "create"),
            **dict.fromkeys(deleted, "delete"),
            **dict.fromkeys(updated, "update"),
        }

    def _round(self, changes: Mapping[Slot, str]) -> Round:
        """Run the playbook until it succeeds, and look at all that it did."""
        slots = {record["ID"]: _slot(record) for record in self._bench.simulator.publicize_connections()}
        one = Round(writes=len(changes))
        log: list[Request] = []
        succeeded = False
        while not succeeded and one.attempts < MOST_ATTEMPTS:
            figures, requests, succeeded = self._bench.run(
                [*PLAYBOOK_COMMAND, "playbook.yml"],
                self._files(),
                {"WPCOM_RETRY_MAX_DELAY": "1"},
                may_fail=True,
            )
            one.attempts += 1
            one.wall += figures.wall
            one.memory = max(one.memory, figures.memory)
            log += requests
        one.faults = sum(request["fault"] is not None for request in log)
        one.gets = sum(request["method"] == "GET" for request in log)
        one.posts = sum(request["method"] == "POST" for request in log)
        if not succeeded:
            one.wrong.append(f"it still fails after {one.attempts} runs")
        one.wrong += self._wrong_writes(log, changes, slots) + self._wrong_world()
        return one

    def _files(self) -> dict[str, str]:
        connections = []
        for (site, account), shared in self._declared.items():
            entry: dict[str, Any] = {
                "site": f"site{site}.example.com",
                "service": "mastodon",
                "account": f"@account{account}@mastodon.example",
            }
            connections.append({**entry, **({"state": "absent"} if shared is None else {"shared": shared})})
        variables = {"connections": connections, "parallel": self._parallel}
        return {
            "playbook.yml": (PLAYBOOKS / "bulk.yml").read_text(encoding="utf-8"),
            VARIABLES: json.dumps(variables),
            "inventory.json": inventory(),
        }

    def _wrong_writes(
        self, log: Sequence[Request], changes: Mapping[Slot, str], slots: Mapping[int, Slot]
    ) -> list[str]:
        """Return what is wrong about the writes: each has to be done once, and sent again only where it was not done."""
        wrong = []
        done: Counter[Write] = Counter()
        expected = {(kind, slot) for slot, kind in changes.items()}
        for request in log:
            if request["method"] != "POST":
                continue
            write = _write(request, slots)
            if write is None or write not in expected:
                wrong.append(f"a write that nobody asked for: {request['path']}")
                continue
            if done[write]:
                wrong.append(f"sent again after it was done: {request['path']}")
            elif not request["applied"] and request["fault"] is None:
                wrong.append(f"a write that changed nothing: {request['path']}")
            done[write] += bool(request["applied"])
        wrong += [f"done {done[write]} times: {write}" for write in sorted(expected) if done[write] != 1]
        return wrong

    def _wrong_world(self) -> list[str]:
        """Return how the world differs from what is declared."""
        there = Counter((_slot(record), record["shared"]) for record in self._bench.simulator.publicize_connections())
        wanted = Counter((slot, shared) for slot, shared in self._declared.items() if shared is not None)
        return [
            *(f"there but not declared: {one}, {count} times" for one, count in sorted((there - wanted).items())),
            *(f"declared but not there: {one}" for one in sorted(wanted - there)),
        ]


def _slot(record: Mapping[str, Any]) -> Slot:
    return record["site_ID"] - FIRST_SITE, record["keyring_connection_ID"] - FIRST_ACCOUNT


def _write(request: Request, slots: Mapping[int, Slot]) -> Write | None:
    """Return what a POST is meant to do, None where it is none of the writes to publicize connections."""
    created = re.fullmatch(r"/sites/(?:site(\d+)\.example\.com|(\d+))/publicize-connections/new", request["path"])
    if created:
        site = int(created[1]) if created[1] else int(created[2]) - FIRST_SITE
        return "create", (site, int(request["body"]["keyring_connection_ID"]) - FIRST_ACCOUNT)
    changed = re.fullmatch(r"/(?:me|sites/[^/]+)/publicize-connections/(\d+)(/delete)?", request["path"])
    if changed and int(changed[1]) in slots:
        return ("delete" if changed[2] else "update"), slots[int(changed[1])]
    return None
