# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A fixture for all tests: a process that they leave running is an error."""

from __future__ import annotations

import os
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

# Every process that a test starts inherits it, also one that detaches itself from its parent.
MARKER = "TEST_SESSION_ID"


def _processes(value: str) -> list[str]:
    """Return the command lines of the other processes that have the marker with this value."""
    wanted = f"{MARKER}={value}".encode()
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if process.name != str(os.getpid()) and wanted in (process / "environ").read_bytes().split(b"\0"):
                found.append((process / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace"))
        except OSError:
            continue
    return found


@pytest.fixture(scope="session", autouse=True)
def no_process_left_running() -> Iterator[None]:
    """Fail after the last test when a process that a test started is still running after a few seconds."""
    value = uuid.uuid4().hex
    os.environ[MARKER] = value
    yield
    deadline = time.monotonic() + 5
    while (left := _processes(value)) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not left, f"left running: {'; '.join(left)}"
