# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The relay of the benchmark: who connects, negotiates TLS and asks pays a round trip for each, and nothing else."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
import requests

from tests.benchmark.measure import CERTIFICATES, Bench
from tests.benchmark.worlds import TOKEN, world

ROUND_TRIP = 0.3


@pytest.fixture(scope="module")
def bench() -> Iterator[Bench]:
    """Return a simulator with two connections behind a relay."""
    with Bench() as made:
        made.simulator.prepare(world(1, 2), round_trip=int(ROUND_TRIP * 1000))
        yield made


def trips(bench: Bench, session: requests.Session) -> float:
    """Return how many round trips a request takes."""
    begin = time.monotonic()
    response = session.get(
        f"{bench.simulator.url}/rest/v1.1/me/publicize-connections/",
        headers={"Authorization": f"Bearer {TOKEN}"},
        timeout=60,
        verify=str(bench.folder / CERTIFICATES),
    )
    assert len(response.json()["connections"]) == 2
    return (time.monotonic() - begin) / ROUND_TRIP


def test_request_takes_a_round_trip_and_a_connection_two_more(bench: Bench) -> None:
    first, further = [], []
    for _number in range(3):
        with requests.Session() as session:
            session.trust_env = False
            first.append(trips(bench, session))
            further += [trips(bench, session) for _more in range(3)]
    # What else the machine does may only make it take longer.
    assert 3 <= min(first) < 3.9
    assert 1 <= min(further) < 1.9
    assert len({request["connection"] for request in bench.simulator.take_requests()}) == 3


def test_large_response_arrives_complete(bench: Bench) -> None:
    bench.simulator.prepare(world(400, 5), round_trip=20)
    with requests.Session() as session:
        session.trust_env = False
        session.verify = str(bench.folder / CERTIFICATES)
        response = session.get(
            f"{bench.simulator.url}/rest/v1.1/me/publicize-connections/",
            headers={"Authorization": f"Bearer {TOKEN}"},
            timeout=60,
        )
    assert len(response.content) > 500_000
    assert len(response.json()["connections"]) == 2000


def test_server_that_has_ended_closes_the_connection(bench: Bench) -> None:
    bench.simulator.prepare(world(1, 2), round_trip=20)
    bench.simulator.set_faults([{"kind": "cut", "path": "/me/publicize-connections"}])
    with requests.Session() as session:
        session.trust_env = False
        with pytest.raises(requests.ConnectionError):
            trips(bench, session)
