# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Notes the peak memory of each worker process when it ends."""

from __future__ import annotations

import os
import resource
import time
from pathlib import Path
from typing import Any

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = """
name: worker_memory
type: aggregate
short_description: Notes the peak memory of each worker process
description:
  - Writes a line with the peak resident size in KiB for each worker process that ends, into the file that the environment
    variable E(WORKER_MEMORY_FILE) names.
  - Workers leave by C(os._exit), so that the function is replaced before they are forked; nothing else is touched.
  - Made for plays with one host. There the controller waits for the note of a worker, which it might otherwise end early.
author:
  - The community.wpcom authors (@ansible-collections)
"""

PATIENCE = 10.0


class CallbackModule(CallbackBase):
    """Has every process that is forked from the controller report when it leaves."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "worker_memory"
    CALLBACK_NEEDS_ENABLED = True

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Replace the exit of the processes that are yet to be forked."""
        super().__init__(*args, **kwargs)
        self._report = Path(os.environ["WORKER_MEMORY_FILE"])
        self._report.touch()
        self._forked = 0
        controller, leave = os.getpid(), os._exit

        def note_and_leave(status: int) -> None:
            if os.getppid() == controller:
                peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
                with self._report.open("a", encoding="ascii") as file:
                    file.write(f"{peak}\n")
            leave(status)

        def count() -> None:
            self._forked += 1

        os._exit = note_and_leave  # type: ignore[assignment]
        os.register_at_fork(after_in_parent=count)

    def v2_runner_on_ok(self, result: Any) -> None:
        """Wait until the worker that sent the result has left."""
        deadline = time.monotonic() + PATIENCE
        while len(self._report.read_text().split()) < self._forked and time.monotonic() < deadline:
            time.sleep(0.01)
