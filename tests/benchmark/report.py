# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The results of a benchmark: JSON for programs, tables for the documentation, and a plot."""

from __future__ import annotations

import json
import os
import platform
import shutil
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timezone
from importlib.metadata import version
from pathlib import Path
from typing import Any

from .cases import TARGETS, WORKER_MEMORY_LIMIT, Cell, Measurement
from .contestants import Job
from .fleet import FleetReport
from .measure import ROOT
from .soak import Round

PAGE = ROOT / "docs" / "docsite" / "rst" / "performance_results.rst"
PLOT = ROOT / "docs" / "docsite" / "rst" / "images" / "benchmark.png"
FIGURES = ("wall", "cpu", "memory", "gets", "posts", "connections")
# Who is drawn, and how: the colour tells who does it, the line whether the fast path is on.
LINES = {
    "uri": ("ansible.builtin.uri, reading once", "tab:red", "-"),
    "uri-each": ("ansible.builtin.uri, GET and POST each", "tab:red", ":"),
    "module": ("single module in a loop, fast path off", "tab:blue", ":"),
    "fast": ("single module in a loop", "tab:blue", "-"),
    "bulk-module": ("bulk module, fast path off", "tab:green", ":"),
    "bulk": ("bulk module", "tab:green", "-"),
    "role": ("role", "tab:olive", "-"),
    "floor": ("requests script, one request at a time", "tab:gray", "-"),
    "floor-wide": ("requests script, as parallel as the bulk module", "tab:gray", "--"),
}
FAMILY = {"uri-one": "uri", "module-one": "module", "fast-one": "fast"}


@dataclass(frozen=True)
class SoakReport:
    """What the soak was, and what it showed."""

    sites: int
    connections: int
    share: float
    rounds: list[Round]
    wrong: list[str]


class Report:
    """The results of one run of the benchmark."""

    def __init__(
        self,
        measurement: Measurement,
        soak: SoakReport | None,
        fleet: FleetReport | None,
        quick: bool,
        seconds: float,
    ) -> None:
        """Take what was measured."""
        self._measurement = measurement
        self._soak = soak
        self._fleet = fleet
        self._about = {
            "quick": quick,
            "seconds": round(seconds),
            "date": datetime.now(timezone.utc).date().isoformat(),
            "cores": len(os.sched_getaffinity(0)),
            "load": round(os.getloadavg()[2], 1),
            "python": platform.python_version(),
            "ansible_core": version("ansible-core"),
            "requests": version("requests"),
        }

    def problems(self) -> list[str]:
        """Return what makes figures worthless: runs that did not do their job."""
        wrong = [
            f"{cell.job.label}: {cell.contestant.name}: {cell.problem}"
            for cell in self._measurement.cells.values()
            if cell.problem is not None
        ]
        return wrong + (self._soak.wrong if self._soak else []) + (self._fleet.wrong if self._fleet else [])

    def verdicts(self) -> list[tuple[str, str, str, str]]:
        """Return for each target its text, its limit, the figure, and whether it is reached."""
        rows = []
        for target in TARGETS:
            ratio = self._measurement.reached(target)
            limit = f"{target.limit:.3g}"
            if ratio is None:
                rows.append((target.text, limit, "", "not measured"))
            else:
                rows.append((target.text, limit, f"{ratio:.3f}", "reached" if ratio <= target.limit else "missed"))
        if self._fleet is not None:
            rows += self._fleet.verdicts()
        memory = self._measurement.memory
        text = "memory of a worker, N=1,000, compared with an empty task"
        limit = f"{WORKER_MEMORY_LIMIT:.0f} MiB"
        if not memory:
            return [*rows, (text, limit, "", "not measured")]
        over = self._worker_memory()
        return [*rows, (text, limit, f"{over:.1f} MiB", "reached" if over <= WORKER_MEMORY_LIMIT else "missed")]

    def summary(self) -> str:
        """Return the verdicts as lines of text."""
        lines = [f"{verdict:<13} {figure:>9}  <= {limit:<7} {text}" for text, limit, figure, verdict in self.verdicts()]
        return "\n".join([*lines, *(f"WRONG: {text}" for text in self.problems())])

    def write(self, folder: Path) -> None:
        """Write results.json, results.rst and benchmark.png."""
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "results.json").write_text(json.dumps(self._as_json(), indent=2) + "\n", encoding="utf-8")
        (folder / "results.rst").write_text(self._as_rst(), encoding="utf-8")
        self._draw(folder / "benchmark.png")

    def publish(self, folder: Path) -> None:
        """Replace the published results by those in the folder."""
        shutil.copyfile(folder / "results.rst", PAGE)
        PLOT.parent.mkdir(exist_ok=True)
        shutil.copyfile(folder / "benchmark.png", PLOT)
        shutil.copyfile(folder / "results.json", ROOT / "tests" / "benchmark" / "results.json")

    def _worker_memory(self) -> float:
        memory = self._measurement.memory
        return max(memory["changed"], memory["unchanged"]) - memory["empty"]

    def _as_json(self) -> dict[str, Any]:
        return {
            "about": self._about,
            "targets": [dict(zip(("target", "limit", "figure", "verdict"), row)) for row in self.verdicts()],
            "cells": [self._cell_as_json(cell) for cell in self._measurement.cells.values()],
            "worker_memory": self._measurement.memory,
            "fleet": None if self._fleet is None else self._fleet.as_json(),
            "soak": None if self._soak is None else asdict(self._soak),
        }

    def _cell_as_json(self, cell: Cell) -> dict[str, Any]:
        return {
            "contestant": cell.contestant.name,
            **asdict(cell.job),
            "median": {name: round(cell.median(name), 4) for name in FIGURES} if cell.figures else None,
            "ratio_to_uri": self._measurement.ratio(cell, _uri(cell)),
            "ratio_to_floor": self._measurement.ratio(cell, _floor(cell)),
            "runs": [asdict(figures) for figures in cell.figures],
            "estimate": cell.estimate,
            "problem": cell.problem,
        }

    # The tables

    def _as_rst(self) -> str:
        about = self._about
        parts = [
            _PAGE_HEAD,
            f"Measured on {about['date']} with ansible-core {about['ansible_core']}, Python {about['python']} and "
            f"requests {about['requests']} on {about['cores']} cores, in {about['seconds']} seconds"
            + (" (a quick run: few repetitions, small sizes)." if about["quick"] else "."),
            _heading("Targets"),
            "Each figure without a unit is a ratio of medians of the same run.",
            _table(("target", "at most", "measured", "verdict"), self.verdicts(), (58, 12, 15, 15)),
        ]
        for job in dict.fromkeys(job for _name, job in self._measurement.cells):
            cells = [cell for cell in self._measurement.cells.values() if cell.job == job]
            parts += [_heading(_title(job, cells)), _table(_HEAD, [self._row(cell) for cell in cells], _WIDTHS)]
        if self._measurement.memory:
            memory = self._measurement.memory
            rows = [
                ("an empty task", f"{memory['empty']:.1f}", ""),
                *(
                    (
                        f"bulk module, N={memory['size']:.0f}, {name}",
                        f"{memory[name]:.1f}",
                        f"{memory[name] - memory['empty']:.1f}",
                    )
                    for name in ("unchanged", "changed")
                ),
            ]
            parts += [
                _heading("Memory of a worker"),
                _table(("task", "peak, MiB", "difference to an empty task, MiB"), rows),
            ]
        if self._fleet is not None:
            parts += [
                _heading("Many hosts"),
                f"All at a latency of 150 ms. The slices are medians; together they are {self._fleet.sliced}.",
                _table(
                    ("variant", "hosts", "connections", "seconds", "CPU, s", "MiB", "GET + POST", "runs"),
                    self._fleet.rows(),
                ),
            ]
        if self._soak is not None:
            parts += [_heading("Soak"), *self._soak_parts(self._soak)]
        return "\n\n".join(parts) + "\n"

    def _row(self, cell: Cell) -> tuple[str, ...]:
        title = cell.contestant.title
        if not cell.figures:
            why = "failed" if cell.problem else f"left out, {cell.estimate or 0:.0f} s or more"
            return (title, why, *([""] * (len(_HEAD) - 2)))
        ratios = (self._measurement.ratio(cell, _uri(cell)), self._measurement.ratio(cell, _floor(cell)))
        return (
            title,
            f"{cell.median('wall'):.2f}",
            f"{cell.median('cpu'):.2f}",
            f"{cell.median('memory'):.0f}",
            f"{cell.median('gets'):.0f} + {cell.median('posts'):.0f}",
            f"{cell.median('connections'):.0f}",
            *("" if ratio is None else f"{ratio:.3f}" if ratio < 1 else f"{ratio:.2f}" for ratio in ratios),
            str(len(cell.figures)),
        )

    def _soak_parts(self, soak: SoakReport) -> list[str]:
        rows = [
            (
                str(number),
                str(one.writes),
                str(one.posts),
                str(one.gets),
                f"{one.failing:.0%}",
                str(one.faults),
                str(one.attempts),
                f"{one.wall:.1f}",
                f"{one.memory:.0f}",
            )
            for number, one in enumerate(soak.rounds, 1)
        ]
        head = ("round", "expected writes", "POSTs", "GETs", "failure rate", "failed", "runs", "seconds", "MiB")
        verdict = (
            "; ".join(soak.wrong)
            or "every write was applied exactly once, no write was lost, and nothing else was written"
        )
        return [
            f"{soak.connections:,} connections on {soak.sites:,} sites, of which {soak.share:.0%} are created, updated or deleted in "
            f"each round; the last round has no changes. Result: {verdict}.",
            _table(head, rows),
        ]

    # The plot

    def _draw(self, file: Path) -> None:
        """Draw seconds over the number of connections, for both latencies, changed and unchanged."""
        import matplotlib

        matplotlib.use("Agg")
        from matplotlib import pyplot

        figure, axes = pyplot.subplots(2, 2, figsize=(11, 8.5), sharex=True, sharey=True, layout="constrained")
        drawn: dict[str, Any] = {}
        for row, changed in enumerate((True, False)):
            for column, latency in enumerate((0, 150)):
                axis = axes[row][column]
                axis.set_title(f"{'all changed' if changed else 'nothing to change'}, {latency} ms latency")
                axis.set_xscale("log")
                axis.set_yscale("log")
                axis.grid(True, which="major", alpha=0.3)
                for name, (label, colour, line) in LINES.items():
                    points = sorted(self._points(name, changed, latency))
                    if points:
                        (drawn[label],) = axis.plot(*zip(*points), color=colour, linestyle=line, marker="o", ms=4)
                if row:
                    axis.set_xlabel("connections")
                if not column:
                    axis.set_ylabel("seconds")
        if drawn:
            figure.legend(drawn.values(), drawn.keys(), loc="outside lower center", ncols=2, frameon=False)
        figure.savefig(file, dpi=110, metadata={"Software": None})
        pyplot.close(figure)

    def _points(self, name: str, changed: bool, latency: int) -> Iterable[tuple[int, float]]:
        for (contestant, job), cell in self._measurement.cells.items():
            drawn = FAMILY.get(contestant, contestant) == name and (job.changed, job.latency) == (changed, latency)
            if drawn and cell.wall is not None:
                yield job.size, cell.wall


_PAGE_HEAD = """\
..
  Copyright (c) The community.wpcom authors
  GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
  SPDX-License-Identifier: GPL-3.0-or-later

:orphan:

.. _ansible_collections.community.wpcom.docsite.performance_results:

Benchmark results
=================

These are the full results of ``make benchmark``. See :ref:`ansible_collections.community.wpcom.docsite.guide_performance`
for a summary, and for how the benchmark works.

.. contents::
   :local:
   :depth: 1"""
_HEAD = ("variant", "seconds", "CPU, s", "MiB", "GET + POST", "TCP", "/ uri", "/ floor", "runs")
_WIDTHS = (34, 14, 8, 7, 12, 7, 8, 8, 6)


def _uri(cell: Cell) -> str:
    """Return the name of the ansible.builtin.uri playbook that a contestant is measured by."""
    if cell.contestant.name.startswith("hosts"):
        return "hosts-uri"
    return "uri-one" if cell.job.size == 1 else "uri"


def _floor(cell: Cell) -> str:
    """Return the name of the script that sends as many requests at once."""
    is_wide = cell.contestant.name in ("bulk", "bulk-diff", "bulk-module", "role", "floor-wide") and cell.job.size > 1
    return "floor-wide" if is_wide else "floor"


def _title(job: Job, cells: Sequence[Cell]) -> str:
    """Return the heading for those who did the same job."""
    size = "one connection" if job.size == 1 else f"{job.size:,} connections"
    if cells[0].contestant.name.startswith("hosts"):
        return f"{job.size} hosts with one connection each, forks {job.forks}, {job.latency} ms"
    if cells[0].contestant.name.startswith("inventory"):
        return f"Inventory of {job.size:,} sites with one connection each"
    if any(cell.contestant.name == "audit" for cell in cells):
        return f"Audit of {job.size // 5:,} sites with five connections each, {job.latency} ms"
    wide = f", {job.parallel} in parallel" if job.size > 1 else ""
    return f"{size[0].upper()}{size[1:]}, {'changed' if job.changed else 'unchanged'}, {job.latency} ms{wide}"


def _heading(text: str) -> str:
    return f"{text}\n{'-' * len(text)}"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]], widths: Sequence[int] = ()) -> str:
    """Return a table in reStructuredText, its columns in CSV so that a new run changes few lines."""
    lines = [".. csv-table::", f"   :header: {_csv(head)}"]
    if widths:
        lines.append(f"   :widths: {' '.join(map(str, widths))}")
    return "\n".join([*lines, "", *(f"   {_csv(row)}" for row in rows)])


def _csv(cells: Sequence[str]) -> str:
    return ", ".join('"' + cell.replace('"', '""') + '"' for cell in cells)
