# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The command line of the benchmark."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

from . import cases, report
from .fleet import Fleet
from .measure import ROOT, Bench, WrongRunError
from .soak import Soak

CASES = ("one", "ten", "hundred", "thousand", "hosts", "inventory", "fleet", "audit", "memory", "soak")


def parser() -> argparse.ArgumentParser:
    """Build the parser of the command line."""
    result = argparse.ArgumentParser(prog="python -m tests.benchmark", description=__doc__)
    result.add_argument("--quick", action="store_true", help="a small part, in about one minute")
    result.add_argument("--case", action="append", choices=CASES, help="only this part; repeatable")
    result.add_argument("--runs", type=int, metavar="N", help="how often a short run is repeated (default: 3, quick 1)")
    result.add_argument("--output", type=Path, default=ROOT / "tests" / "output" / "benchmark", metavar="DIR")
    result.add_argument("--publish", action="store_true", help="replace the published results, too")
    return result


def soak(bench: Bench, quick: bool, say: cases.Say) -> report.SoakReport:
    """Run the soak, in small where it has to be quick, and beyond what is aimed at in the last round but one."""
    sites, per_site = (100, 10) if quick else (1000, 10)
    share = 0.1 if quick else 0.01
    run = Soak(bench, sites=sites, per_site=per_site, share=share, parallel=10, seed=1)
    wrong = run.run((0.1,) if quick else (0.01, 0.01, 0.01, 0.1), say)
    for text in wrong:
        say(f"soak: WRONG: {text}")
    return report.SoakReport(sites, sites * per_site, share, run.rounds, wrong)


def main() -> int:
    """Measure, write the results, and fail where a run did not do its job; a target that is missed is no failure."""
    options = parser().parse_args()
    begin = time.monotonic()

    def say(text: str) -> None:
        print(f"{time.monotonic() - begin:6.1f} s  {text}", flush=True)

    chosen = options.case or CASES
    soaked = converged = None
    with Bench() as bench:
        measurement = cases.Measurement(bench, options.runs or (1 if options.quick else 3), say)
        if set(chosen) != {"soak"}:
            measurement.warm_up()
        for case in chosen:
            for names, job in cases.groups(case, options.quick):
                measurement.measure(names, job)
        if "fleet" in chosen:
            converged = Fleet(bench, options.runs or (1 if options.quick else 3), say).run(quick=options.quick)
        if "memory" in chosen:
            measurement.measure_worker_memory(1000)
        if "soak" in chosen:
            soaked = soak(bench, options.quick, say)
    results = report.Report(measurement, soaked, converged, options.quick, time.monotonic() - begin)
    results.write(options.output)
    if options.publish:
        results.publish(options.output)
    print(results.summary())
    return 1 if results.problems() else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (WrongRunError, KeyboardInterrupt) as problem:
        sys.exit(f"{type(problem).__name__}: {problem}")
