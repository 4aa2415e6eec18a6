# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the benchmark aims at: ratios of what one run measures, sums and differences included."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, Optional

import pytest

from tests.benchmark import cases
from tests.benchmark.cases import Cell, Measurement, Target
from tests.benchmark.contestants import CONTESTANTS, Job
from tests.benchmark.measure import Figures

JOB = Job(1, True, 0)
CASES = ("one", "ten", "hundred", "thousand", "hosts", "inventory", "audit")


def measured(**seconds: float) -> Measurement:
    """Return what was measured of contestants at one job."""
    bench: Any = SimpleNamespace()
    made = Measurement(bench, 1, print)
    for name, wall in seconds.items():
        made.cells[name, JOB] = Cell(CONTESTANTS[name], JOB, [Figures(wall, wall / 2, 60, 1, 1, 1)])
    return made


@pytest.mark.parametrize(
    ("plus", "beyond", "expected"),
    [
        (None, None, 1.5),
        ("empty", None, 1.2),
        (None, "empty", 5 / 3),
        # The same amount on both sides of a ratio.
        ("empty", "empty", 1.25),
    ],
)
def test_ratio_of_a_target(plus: Optional[str], beyond: Optional[str], expected: float) -> None:
    target = Target("", 1, ("fast", JOB), ("floor", JOB), plus=plus and (plus, JOB), beyond=beyond and (beyond, JOB))
    assert measured(fast=3, floor=2, empty=0.5).reached(target) == pytest.approx(expected)
    assert measured(fast=3, floor=2).reached(target) == (None if plus or beyond else 1.5)


def test_ratio_of_nothing_is_not_measured() -> None:
    target = Target("", 1, ("fast", JOB), ("floor", JOB), beyond=("empty", JOB))
    assert measured(fast=3, floor=2, empty=2).reached(target) is None


def test_all_that_targets_need_is_measured() -> None:
    done = {(name, job) for case in CASES for names, job in cases.groups(case, False) for name in names}
    assert [target.text for target in cases.TARGETS if not set(target.needs) <= done] == []


def test_latencies() -> None:
    jobs = {job for case in CASES for _names, job in cases.groups(case, False)}
    assert {job.round_trip for job in jobs} == {0, 50, 150}
