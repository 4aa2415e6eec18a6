# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The simulator for every test in Python.

Playbooks start the same class by the command ``python -m tests.simulator``, as the integration target setup_simulator does.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any, Callable

import pytest

# Relative, because ansible-test imports the tests by the name of the collection.
from .simulator import Simulator


@pytest.fixture(scope="session")
def running_simulator() -> Iterator[Simulator]:
    """Return one simulator for all tests of a worker."""
    with Simulator() as simulator:
        yield simulator


@pytest.fixture
def simulator(running_simulator: Simulator) -> Simulator:
    """Return the simulator with the default world, an empty request log and no faults."""
    running_simulator.reset()
    return running_simulator


@pytest.fixture
def start_simulator() -> Iterator[Callable[..., Simulator]]:
    """Return a function that starts a further simulator with arguments of its own, which ends with the test."""
    with ExitStack() as stack:

        def start(**arguments: Any) -> Simulator:
            return stack.enter_context(Simulator(**arguments))

        yield start
