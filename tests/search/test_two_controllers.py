# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the guide says about two controllers that apply one list at the same moment."""

from __future__ import annotations

import os

from ansible_collections.community.wpcom.tests.search.two_controllers import measure

ROUNDS = int(os.environ.get("SEARCH_ROUNDS", "36"))


def test_two_controllers() -> None:
    """Only a server that makes a second connection leaves doubles, the next run names them all, and all else converges."""
    found = measure(ROUNDS)
    assert sum(measured.rounds for measured in found.values()) == ROUNDS
    for name, measured in found.items():
        assert measured.silent == measured.unfinished == 0, (name, measured)
        assert not measured.doubles or name.endswith("makes a second one"), (name, measured)
    assert found["create, the server makes a second one"].doubles
    assert not found["delete"].claimed
