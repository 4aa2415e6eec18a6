# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is measured, in which order and how often, and the ratios that are aimed at."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from .contestants import CONTESTANTS, Contestant, Job, has_role
from .measure import HERE, Bench, Figures, Request, TooLongError, WrongRunError
from .worlds import shape, world

# Seconds from which a run that a target speaks of is repeated once only, and not at all: the longer a run, the more equal
# parts it consists of, which even out by themselves.
TWICE, ONCE = 4.0, 12.0
# Seconds from which any other run is not repeated, so that the whole ends in time.
ONCE_WITHOUT_TARGET = 1.5
# Seconds that a run may take by what smaller ones took: of those that a target speaks of, and of the others.
LONGEST_NEEDED, LONGEST = 180.0, 30.0

Say = Callable[[str], None]


@dataclass
class Cell:
    """A contestant at a job: its runs, or why there are none."""

    contestant: Contestant
    job: Job
    figures: list[Figures] = field(default_factory=list)
    wanted: int = 1
    estimate: float | None = None
    problem: str | None = None

    @property
    def wall(self) -> float | None:
        """Return the median of the seconds, None where there was no run."""
        return statistics.median(one.wall for one in self.figures) if self.figures else None

    def median(self, name: str) -> float:
        """Return the median of a figure."""
        values: list[float] = [getattr(one, name) for one in self.figures]
        return statistics.median(values)


@dataclass(frozen=True)
class Target:
    """A ratio of medians of a figure, seconds if nothing else is said, that is aimed at."""

    text: str
    limit: float
    one: tuple[str, Job]
    other: tuple[str, Job]
    figure: str = "wall"


N1, N100, N1000 = Job(1, True, 0), Job(100, True, 0), Job(1000, True, 150, parallel=32)
HOSTS = Job(50, True, 0)
# Hosts of an inventory, read by one process.
SITES = tuple(Job(size, False, 0, forks=1) for size in (100, 1000, 10_000))


# 1,000 sites with 5 connections each.
AUDIT = Job(5000, False, 150, parallel=32)
_AUDITS = ("empty", "audit", "audit-others")
_GROWTH = (("inventory", SITES[2]), ("inventory", SITES[1]))


def _slow(job: Job) -> Job:
    return replace(job, latency=150)


TARGETS = (
    Target("single module, N=1, changed, 0 ms / uri", 0.50, ("fast-one", N1), ("uri-one", N1)),
    Target("single module, N=1, changed, 150 ms / uri", 0.50, ("fast-one", _slow(N1)), ("uri-one", _slow(N1))),
    Target("single module in a loop, N=100, changed, 0 ms / uri", 0.08, ("fast", N100), ("uri", N100)),
    Target("single module in a loop, N=100, changed, 150 ms / uri", 0.32, ("fast", _slow(N100)), ("uri", _slow(N100))),
    Target("bulk module, N=100, changed, 10 in parallel, 0 ms / uri", 0.045, ("bulk", N100), ("uri", N100)),
    Target(
        "bulk module, N=100, changed, 10 in parallel, 150 ms / uri", 0.055, ("bulk", _slow(N100)), ("uri", _slow(N100))
    ),
    Target(
        "bulk module, N=1,000, unchanged, 150 ms, at most 4 GETs / a debug playbook",
        3.0,
        ("bulk", replace(N1000, changed=False)),
        ("empty", replace(N1000, changed=False)),
    ),
    Target(
        "bulk module, N=1,000, changed, 32 in parallel, 150 ms / the floor, 32 in parallel",
        1.6,
        ("bulk", N1000),
        ("floor-wide", N1000),
    ),
    Target(
        "bulk module, N=1,000, changed, 32 in parallel, 150 ms, with --diff / without",
        1.5,
        ("bulk-diff", N1000),
        ("bulk", N1000),
    ),
    *(
        Target(f"50 hosts, forks {forks}, 0 ms, single module / {what}", limit, ("hosts-fast", job), (other, job))
        for forks, job in ((5, HOSTS), (20, replace(HOSTS, forks=20)))
        for what, limit, other in (("the same, fast path off", 0.25, "hosts-module"), ("uri", 0.12, "hosts-uri"))
    ),
    *(
        Target(
            f"inventory plugin, {job.size:,} sites, {what} / a JSON file of the same hosts",
            2.5,
            ("inventory", job),
            ("inventory-static", job),
            figure,
        )
        for job in SITES
        for what, figure in (("seconds", "wall"), ("memory", "memory"))
    ),
    *(
        # Less than ten times as much: what Ansible takes to start is a part of both.
        Target(f"inventory plugin, {what}, 10,000 sites / 1,000 sites", 10, *_GROWTH, figure)
        for what, figure in (("seconds", "wall"), ("memory", "memory"))
    ),
)
WORKER_MEMORY_LIMIT = 40.0

_ONE = ("uri-one", "module-one", "fast-one", "bulk-module", "bulk", "role", "floor")
_MANY = ("uri", "uri-each", "module", "fast", "bulk-module", "bulk", "role", "floor", "floor-wide")
_THOUSAND = (
    "empty",
    "uri",
    "uri-each",
    "module",
    "fast",
    "bulk-module",
    "bulk",
    "bulk-diff",
    "role",
    "floor",
    "floor-wide",
)
_INVENTORIES = ("inventory-static", "inventory")
_HOSTS = ("hosts-uri", "hosts-uri-once", "hosts-module", "hosts-fast")
# Whose time grows with the number of connections.
_ONE_BY_ONE = ("uri", "uri-each", "module", "fast", "floor")
# The same contestant at one connection.
_SMALLEST = {"uri": "uri-one", "uri-each": "uri-one", "module": "module-one", "fast": "fast-one"}

Group = tuple[Sequence[str], Job]


def _matrix(names: Sequence[str], job: Job) -> list[Group]:
    return [
        (names, replace(job, changed=changed, latency=latency)) for changed in (True, False) for latency in (0, 150)
    ]


def groups(case: str, quick: bool) -> list[Group]:
    """Return who does which jobs in a case; those of a group take turns."""
    if quick:
        bulk = ("empty", "bulk", "bulk-diff", "floor-wide")
        small: dict[str, list[Group]] = {
            "one": [(("uri-one", "fast-one", "floor"), N1), (("uri-one", "fast-one", "floor"), _slow(N1))],
            "ten": [(("uri", "module", "fast", "bulk", "role", "floor"), Job(10, True, 0))],
            "hundred": [],
            "thousand": [(bulk, replace(N1000, changed=False)), (bulk, N1000)],
            "hosts": [(("hosts-uri", "hosts-module", "hosts-fast"), Job(10, True, 0))],
            "inventory": [(_INVENTORIES, SITES[0])],
            "audit": [(_AUDITS, replace(AUDIT, size=500))],
        }
        return small.get(case, [])
    full: dict[str, list[Group]] = {
        "one": _matrix(_ONE, N1),
        "ten": _matrix(_MANY, Job(10, True, 0)),
        "hundred": _matrix(_MANY, N100),
        "thousand": _matrix(_THOUSAND, N1000),
        "hosts": [(_HOSTS, HOSTS), (_HOSTS, replace(HOSTS, forks=20))],
        "inventory": [(_INVENTORIES, job) for job in SITES],
        "audit": [(_AUDITS, AUDIT)],
    }
    return full.get(case, [])


class Measurement:
    """All that was measured."""

    def __init__(self, bench: Bench, runs: int, say: Say) -> None:
        """Begin with nothing."""
        self._bench = bench
        self._runs = runs
        self._say = say
        self.cells: dict[tuple[str, Job], Cell] = {}
        self.memory: dict[str, float] = {}

    def warm_up(self) -> None:
        """Run everybody's programs once, so that no measured run is the one that compiles them or finds them on disk."""
        for name in ("uri-one", "fast-one", "bulk-module", "floor"):
            self._run(CONTESTANTS[name], N1)

    def measure(self, names: Sequence[str], job: Job) -> None:
        """Have contestants do a job in turns, each as often as its length allows."""
        cells = [self._cell(CONTESTANTS[name], job) for name in names if name != "role" or has_role()]
        # One connection is done so soon that what else the machine does counts most.
        most = max(3, 2 * self._runs) if job.size == 1 else self._runs
        for turn in range(most):
            for cell in cells:
                if turn >= cell.wanted or cell.problem is not None:
                    continue
                try:
                    figures = self._run(cell.contestant, job)
                except TooLongError as problem:
                    cell.estimate, cell.wanted = LONGEST_NEEDED, len(cell.figures)
                    self._say(f"{job.label}: {cell.contestant.name}: left out: {problem}")
                    continue
                except WrongRunError as problem:
                    cell.problem, cell.figures = str(problem), []
                    self._say(f"{job.label}: {cell.contestant.name}: WRONG: {problem}")
                    continue
                cell.figures.append(figures)
                if turn == 0:
                    cell.wanted = self._often(cell, figures.wall, most)
        for cell in cells:
            if cell.wall is not None:
                self._say(f"{job.label}: {cell.contestant.name}: {cell.wall:.2f} s")

    def measure_worker_memory(self, size: int) -> None:
        """Compare the peak memory of the worker process of the bulk module with that of an empty task."""
        self._say(f"memory of a worker, N={size}")
        peaks: dict[str, list[float]] = {}
        for _turn in range(self._runs):
            for name, changed in (("empty", False), ("bulk", False), ("bulk", True)):
                report = self._bench.folder / "worker-memory.txt"
                report.write_text("")
                variables = {
                    "ANSIBLE_CALLBACK_PLUGINS": str(HERE / "callback"),
                    "ANSIBLE_CALLBACKS_ENABLED": "worker_memory",
                    "WORKER_MEMORY_FILE": str(report),
                }
                self._run(CONTESTANTS[name], Job(size, changed, 0, parallel=32), variables)
                workers = [int(line) / 1024 for line in report.read_text().split()]
                if not workers:
                    raise WrongRunError("no worker reported its memory")
                label = name if name == "empty" else "changed" if changed else "unchanged"
                peaks.setdefault(label, []).append(max(workers))
        self.memory = {"size": float(size), **{label: statistics.median(values) for label, values in peaks.items()}}

    def reached(self, target: Target) -> float | None:
        """Return the ratio that a target speaks of, None where it was not measured."""
        one, other = self.cells.get(target.one), self.cells.get(target.other)
        if one is None or other is None or not one.figures or not other.figures:
            return None
        return one.median(target.figure) / other.median(target.figure)

    def ratio(self, cell: Cell, other: str) -> float | None:
        """Return how long a contestant took beside another one at the same job."""
        beside = self.cells.get((other, cell.job))
        if beside is None or beside.wall is None or cell.wall is None:
            return None
        return cell.wall / beside.wall

    def _cell(self, contestant: Contestant, job: Job) -> Cell:
        cell = self.cells[contestant.name, job] = Cell(contestant, job)
        cell.estimate = self._estimate(contestant.name, job)
        if cell.estimate is not None and cell.estimate > (LONGEST_NEEDED if self._is_needed(cell) else LONGEST):
            cell.wanted = 0
            self._say(f"{job.label}: {contestant.name}: left out, would take about {cell.estimate:.0f} s")
        return cell

    def _often(self, cell: Cell, wall: float, most: int) -> int:
        """Return how many runs there shall be, by how long the first one took."""
        if not self._is_needed(cell):
            return 1 if wall > ONCE_WITHOUT_TARGET else self._runs
        return 1 if wall > ONCE else min(2, most) if wall > TWICE else most

    def _is_needed(self, cell: Cell) -> bool:
        """Tell whether a target depends on a cell."""
        return any((cell.contestant.name, cell.job) in (target.one, target.other) for target in TARGETS)

    def _estimate(self, name: str, job: Job) -> float | None:
        """Return how long a job should take by what the two next smaller ones took, None if that is unknown."""
        smaller = sorted(self._smaller(name, job))[-2:]
        if name not in _ONE_BY_ONE or len(smaller) < 2:
            return None
        (size, wall), (larger_size, larger_wall) = smaller
        slope = (larger_wall - wall) / (larger_size - size)
        return larger_wall + max(0.0, slope) * (job.size - larger_size)

    def _smaller(self, name: str, job: Job) -> Iterator[tuple[int, float]]:
        for (other, done), cell in self.cells.items():
            same = other == name or (done.size == 1 and other == _SMALLEST.get(name))
            alike = (done.changed, done.latency) == (job.changed, job.latency)
            if same and alike and done.size < job.size:
                if cell.wall is not None:
                    yield done.size, cell.wall
                elif cell.estimate is not None:
                    yield done.size, cell.estimate

    def _run(self, contestant: Contestant, job: Job, variables: dict[str, str] | None = None) -> Figures:
        """Run a contestant on a fresh world, and look whether it did its job."""
        sites, per_site = (job.size, 1) if contestant.is_per_host else shape(job.size)
        simulator = self._bench.simulator
        simulator.prepare(world(sites, per_site), latency=job.latency)
        files = contestant.files(job, simulator.url)
        begin = time.monotonic()
        figures, log, _succeeded = self._bench.run(
            contestant.command(job),
            files,
            {**contestant.variables, **(variables or {})},
            time_limit=LONGEST_NEEDED * 1.25,
        )
        wrong = _wrong(contestant, job, figures, log, simulator.publicize_connections())
        if wrong:
            raise WrongRunError(f"after {time.monotonic() - begin:.1f} s: {'; '.join(wrong)}")
        return figures


def _wrong(
    contestant: Contestant, job: Job, figures: Figures, log: Sequence[Request], left: Sequence[dict[str, object]]
) -> list[str]:
    """Return what a run should not have done, or left undone."""
    wrong = []
    writes = job.writes if contestant.works else 0
    wanted = job.changed and contestant.works
    if len(left) != job.size or any(connection["shared"] is not wanted for connection in left):
        wrong.append("the world is not as it should be")
    if figures.posts != writes:
        wrong.append(f"{figures.posts} POSTs instead of {writes}")
    if figures.gets > contestant.gets(job):
        wrong.append(f"{figures.gets} GETs, more than {contestant.gets(job)}")
    if figures.connections > contestant.connections(job):
        wrong.append(f"{figures.connections} connections, more than {contestant.connections(job)}")
    if any(request["status"] != 200 for request in log):
        wrong.append("a request failed")
    if sum(bool(request["applied"]) for request in log) != writes:
        wrong.append("a write changed nothing")
    return wrong
