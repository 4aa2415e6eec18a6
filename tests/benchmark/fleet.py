# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The playbook converge over many hosts, whole and in slices, against the same list on localhost; and the export of many sites."""

from __future__ import annotations

import json
import statistics
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from .contestants import inventory
from .measure import PLAYBOOK_COMMAND, PLAYBOOKS, Bench, Figures, Request
from .worlds import FIRST_SITE, world

ROUND_TRIP = 150
PARALLEL = 10
SLICES = 8
CONVERGE_LIMIT, EXPORT_LIMIT = 1.5, 6.0

Say = Callable[[str], None]
Files = Mapping[str, str]
# Seconds, seconds of processor, MiB, requests.
_FIGURES = ("wall", "cpu", "memory", "gets", "posts")


@dataclass
class Line:
    """What was measured of one way to do something."""

    name: str
    hosts: int
    connections: int
    runs: list[Figures] = field(default_factory=list)

    def median(self, name: str) -> float:
        """Return the median of a figure."""
        values: list[float] = [getattr(one, name) for one in self.runs]
        return statistics.median(values)


@dataclass
class FleetReport:
    """The lines, what is aimed at (text, limit, figure, unit), and what was wrong."""

    lines: list[Line] = field(default_factory=list)
    ratios: list[tuple[str, float, float, str]] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    sliced: str = ""

    def verdicts(self) -> list[tuple[str, str, str, str]]:
        """Return for each target its text, its limit, the figure, and whether it is reached."""
        return [
            (text, f"{limit:.3g}{unit}", f"{figure:.3f}{unit}", "reached" if figure <= limit else "missed")
            for text, limit, figure, unit in self.ratios
        ]

    def rows(self) -> list[tuple[str, ...]]:
        """Return a row for each line."""
        return [
            (
                line.name,
                f"{line.hosts:,}",
                f"{line.connections:,}",
                *(f"{line.median(name):.2f}" for name in ("wall", "cpu")),
                f"{line.median('memory'):.0f}",
                f"{line.median('gets'):.0f} + {line.median('posts'):.0f}",
                str(len(line.runs)),
            )
            for line in self.lines
        ]

    def as_json(self) -> list[dict[str, object]]:
        """Return the lines for programs."""
        return [
            {
                "name": line.name,
                "hosts": line.hosts,
                "connections": line.connections,
                "runs": len(line.runs),
                **{name: round(line.median(name), 3) for name in _FIGURES},
            }
            for line in self.lines
        ]


class Fleet:
    """The measurements of many hosts."""

    def __init__(self, bench: Bench, runs: int, say: Say) -> None:
        """Begin with nothing."""
        self._bench = bench
        self._runs = runs
        self._say = say
        self.report = FleetReport()

    def run(self, *, quick: bool) -> FleetReport:
        """Measure everything, in small where it has to be quick."""
        hosts, sites = (200, 50) if quick else (1000, 500)
        for per_host in (1,) if quick else (1, 5):
            for percent in (0, 1):
                self._compare(hosts, per_host, percent)
        if not quick:
            self._line("converge", 100, 5, 0)
        self._sliced(hosts, 1)
        self._export(sites)
        return self.report

    def _compare(self, hosts: int, per_host: int, percent: int) -> None:
        """Compare the playbook with the role on localhost."""
        role = self._line("role on localhost", hosts, per_host, percent)
        converge = self._line("converge", hosts, per_host, percent)
        changed = f"{percent} % changed" if percent else "unchanged"
        text = (
            f"converge, {hosts:,} hosts with {per_host} each, {changed}, {ROUND_TRIP} ms / the same list on localhost"
        )
        self.report.ratios.append((text, CONVERGE_LIMIT, converge.median("wall") / role.median("wall"), ""))

    def _line(self, name: str, hosts: int, per_host: int, percent: int) -> Line:
        count = hosts * percent // 100
        title = f"{name}, {f'{percent} % changed' if percent else 'unchanged'}"
        files = {"role on localhost": _role, "converge": _converge}[name](hosts, per_host, count)
        line = Line(title, hosts, hosts * per_host)
        for _run in range(self._runs):
            self._bench.simulator.prepare(world(hosts, per_host), round_trip=ROUND_TRIP)
            figures, log = self._play(files, files["command"].split())
            self._check(title, log, per_host, {FIRST_SITE + number for number in range(count)})
            line.runs.append(figures)
        self._add(line)
        return line

    def _sliced(self, hosts: int, per_host: int) -> None:
        """Converge slice by slice; what they ask and write must add up to what the whole does."""
        count = hosts // 100
        # Spread over all slices, as far as they go.
        changed = {number * hosts // count for number in range(count)}
        files = _converge(hosts, per_host, 0, changed)
        self._bench.simulator.prepare(world(hosts, per_host), round_trip=ROUND_TRIP)
        every: list[Request] = []
        line = Line(f"converge, 1 % changed, one of {SLICES} slices", hosts // SLICES, hosts * per_host // SLICES)
        for index in range(SLICES):
            first, last = index * hosts // SLICES, (index + 1) * hosts // SLICES - 1
            figures, log = self._play(files, [*files["command"].split(), "--limit", f"sites[{first}:{last}]"])
            inside = [number for number in changed if first <= number <= last]
            self._check(f"slice {index}", log, per_host, {FIRST_SITE + number for number in inside}, state=False)
            line.runs.append(figures)
            every += log
        total = sum(one.wall for one in line.runs)
        self.report.sliced = (
            f"{sum(one.gets for one in line.runs)} GETs and {sum(one.posts for one in line.runs)} POSTs, each write once, "
            f"in {total:.1f} seconds one after another"
        )
        self._check("all slices", every, per_host, {FIRST_SITE + number for number in changed}, slices=SLICES)
        self._add(line)

    def _export(self, sites: int) -> None:
        """Export all sites, with the connections of other users."""
        line = Line("export", sites, sites)
        for _run in range(self._runs):
            self._bench.simulator.prepare(world(sites, 1), round_trip=ROUND_TRIP)
            figures, log = self._play({}, ["community.wpcom.export", "-e", "export_path=exported.yml"])
            on_sites = Counter(request["path"] for request in log if request["path"].startswith("/sites/"))
            if len(on_sites) != sites or set(on_sites.values()) != {1} or len(log) > sites + 7:
                self.report.wrong.append(f"export: {len(log)} requests for {sites} sites")
            line.runs.append(figures)
        self._add(line)
        text = f"export of {sites} sites with others' connections, {ROUND_TRIP} ms"
        self.report.ratios.append((text, EXPORT_LIMIT, line.median("wall"), " s"))

    def _play(self, files: Files, arguments: Sequence[str]) -> tuple[Figures, list[Request]]:
        content = {"inventory.json": inventory(), **files}
        content.pop("command", None)
        figures, log, _succeeded = self._bench.run([*PLAYBOOK_COMMAND, *arguments], content)
        return figures, log

    def _check(
        self,
        what: str,
        log: Sequence[Request],
        per_host: int,
        sites: set[int],
        *,
        slices: int = 1,
        state: bool = True,
    ) -> None:
        """Note what was not asked or written exactly as it should have been."""
        writes = Counter(request["path"] for request in log if request["method"] == "POST")
        gets = sum(request["method"] == "GET" for request in log)
        expected = len(sites) * per_host
        if writes.total() != expected or len(writes) != expected:
            self.report.wrong.append(f"{what}: {writes.total()} writes of {len(writes)} in place of {expected}")
        if gets > 4 * slices:
            self.report.wrong.append(f"{what}: {gets} GETs")
        if state:
            shared = {record["site_ID"] for record in self._bench.simulator.publicize_connections() if record["shared"]}
            if shared != sites:
                self.report.wrong.append(f"{what}: {len(shared)} sites are shared in place of {len(sites)}")

    def _add(self, line: Line) -> None:
        self.report.lines.append(line)
        self._say(f"{line.name}: {line.hosts:,} hosts: {line.median('wall'):.2f} s, {line.median('memory'):.0f} MiB")


def _connections(per_host: int, *, shared: bool) -> list[dict[str, object]]:
    return [
        {"service": "mastodon", "account": f"@account{number}@mastodon.example", "shared": shared}
        for number in range(per_host)
    ]


def _converge(hosts: int, per_host: int, count: int, changed: set[int] | None = None) -> dict[str, str]:
    """Return the inventory of the hosts, and the playbook as it is called."""
    chosen = set(range(count)) if changed is None else changed
    variables = {
        f"site{number}.example.com": {
            "wpcom_site_id": FIRST_SITE + number,
            "social_connections": _connections(per_host, shared=number in chosen),
        }
        for number in range(hosts)
    }
    sites = {"hosts": variables, "vars": {"social_connections_parallel": PARALLEL}}
    return {
        "inventory.json": json.dumps({"all": {"children": {"sites": sites}}}),
        "command": "community.wpcom.converge",
    }


def _role(hosts: int, per_host: int, count: int) -> dict[str, str]:
    """Return the same list for the role."""
    sites = [
        {"site": str(FIRST_SITE + number), "connections": _connections(per_host, shared=number < count)}
        for number in range(hosts)
    ]
    variables = {"social_connections_sites": sites, "social_connections_parallel": PARALLEL}
    return {
        "playbook.yml": (PLAYBOOKS / "role.yml").read_text(encoding="utf-8"),
        "group_vars/all.json": json.dumps(variables),
        "command": "playbook.yml",
    }
