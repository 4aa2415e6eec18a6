# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Work on several items at once ends when Ansible interrupts it."""

from __future__ import annotations

import signal
import threading
import time

import pytest

from ansible_collections.community.wpcom.plugins.module_utils._parallel import for_each


class Interrupted(Exception):
    pass


def test_a_signal_that_another_thread_receives_ends_the_waiting() -> None:
    def interrupt(*_arguments: object) -> None:
        raise Interrupted

    released = threading.Event()

    def work(item: int) -> bool:
        if item == 0:
            # Until the main thread waits.
            time.sleep(0.2)
            signal.pthread_kill(threading.get_ident(), signal.SIGUSR1)
        return released.wait(10)

    before = signal.signal(signal.SIGUSR1, interrupt)
    start = time.monotonic()
    try:
        with pytest.raises(Interrupted):
            for_each(work, [0, 1], 2)
    finally:
        signal.signal(signal.SIGUSR1, before)
        released.set()
    assert time.monotonic() - start < 5
