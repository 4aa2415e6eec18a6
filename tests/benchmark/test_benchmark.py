# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The soak of the benchmark in small: on a server that fails now and then every write is done exactly once."""

from __future__ import annotations

from tests.benchmark.measure import Bench
from tests.benchmark.soak import Soak


def test_every_write_is_done_exactly_once() -> None:
    """While requests fail before and after the server did them, no write is lost or repeated; then nothing is left to do."""
    with Bench() as bench:
        soak = Soak(bench, sites=20, per_site=10, share=0.15, parallel=10, seed=7)
        assert soak.run((0.05, 0.15)) == []
    *failing, last = soak.rounds
    assert [one.writes for one in failing] == [30, 30]
    assert sum(one.faults for one in failing) >= 3
    assert (last.writes, last.posts, last.attempts) == (0, 0, 1)
