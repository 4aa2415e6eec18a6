# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The world of what real accounts have, for whole tasks over HTTP."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Callable

import pytest

from ansible_collections.community.wpcom.plugins.module_utils._execute import TaskResult
from ansible_collections.community.wpcom.plugins.module_utils._options import publicize_connection_argument_spec
from ansible_collections.community.wpcom.tests.simulator import TROUBLES_WORLD, Simulator
from ansible_collections.community.wpcom.tests.unit.support import brief, run

_UNSET = {name: option.get("default") for name, option in publicize_connection_argument_spec().items()}


class Troubles:
    """Tasks of user 100 in the world of troubles."""

    def __init__(self, simulator: Simulator) -> None:
        self.simulator = simulator

    def begin(self, switches: Mapping[str, Any] | None = None, **changes: Any) -> None:
        """Begin again, with switches and changes of the world."""
        self.simulator.reset(TROUBLES_WORLD, switches)
        if changes:
            self.simulator.patch(**changes)

    def run(self, kind: str, *, check_mode: bool = False, **given: Any) -> TaskResult:
        """Run a task; the log of the simulator has its requests only."""
        self.simulator.clear_requests()
        return run(kind, self.simulator.url, check_mode=check_mode, **given)

    def bulk(self, *entries: Mapping[str, Any], check_mode: bool = False, **given: Any) -> TaskResult:
        """Run a bulk task, the entries with no more than they give."""
        connections = [{**_UNSET, **entry} for entry in entries]
        return self.run("bulk", check_mode=check_mode, connections=connections, **given)

    def either(self, task: Mapping[str, Any], *, bulk: bool, check_mode: bool = False) -> TaskResult:
        """Run the same as a task of its own or as the one entry of a list."""
        return self.bulk(task, check_mode=check_mode) if bulk else self.run("publicize", check_mode=check_mode, **task)

    def succeed(self, runner: Callable[..., TaskResult], *arguments: Any, **given: Any) -> TaskResult:
        """Run in check mode, for real, and again: predicted, done, and then unchanged. Return how it really ended."""
        checked = runner(*arguments, check_mode=True, **given)
        assert not checked.failed, checked.result
        assert self.posts == []
        done = runner(*arguments, **given)
        assert not done.failed, done.result
        assert checked.result["changed"] is done.result["changed"]
        assert bool(self.posts) is done.result["changed"]
        again = runner(*arguments, **given)
        assert not again.failed, again.result
        assert again.result["changed"] is False
        assert self.posts == []
        return done

    def refuse(self, runner: Callable[..., TaskResult], *arguments: Any, **given: Any) -> str:
        """Run in check mode and for real: the same error, and nothing written. Return its message."""
        messages = set()
        for check_mode in (True, False):
            refused = runner(*arguments, check_mode=check_mode, **given)
            assert refused.failed, refused.result
            assert refused.result["changed"] is False
            assert self.posts == []
            # URLs to open hold numbers that differ in every response.
            messages.add(re.sub("nonce=[0-9a-f]+", "nonce=N", refused.result["msg"]))
        (message,) = messages
        return message

    @property
    def requests(self) -> list[str]:
        """The requests of the last task."""
        return brief(self.simulator.requests())

    @property
    def posts(self) -> list[str]:
        """The writes of the last task."""
        return brief(self.simulator.requests("POST"))

    def ids(self, section: str = "publicize_connections", **having: Any) -> Sequence[Any]:
        """Return the IDs of what exists with these values."""
        return [
            row["ID"]
            for row in self.simulator.state()[section]
            if all(row.get(key) == value for key, value in having.items())
        ]


@pytest.fixture
def troubles(running_simulator: Simulator) -> Troubles:
    """Return the world of troubles, as user 100 sees it."""
    world = Troubles(running_simulator)
    world.begin()
    return world
