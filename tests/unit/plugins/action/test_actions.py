# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Each action plugin runs the module of its name, with the cache that is right for a loop."""

from __future__ import annotations

import importlib
from typing import Any

import pytest

from ansible_collections.community.wpcom.plugins.module_utils._cache.account_cache import AccountCache, LoopCache
from ansible_collections.community.wpcom.plugins.module_utils._cache.read_cache import ReadCache
from ansible_collections.community.wpcom.tests.unit.support import MODULES

ACTIONS = "ansible_collections.community.wpcom.plugins.action"


@pytest.mark.parametrize(
    ("kind", "cache", "loop_cache"),
    [
        ("publicize", ReadCache, LoopCache),
        ("bulk", AccountCache, AccountCache),
        ("keyring", ReadCache, ReadCache),
        ("application", ReadCache, ReadCache),
        # Its items share nothing: what it gathers is never older than the item.
        ("info", ReadCache, None),
    ],
)
def test_caches_of_the_modules(kind: str, cache: Any, loop_cache: Any) -> None:
    assert MODULES[kind].cache is cache
    action = importlib.import_module(f"{ACTIONS}.{MODULES[kind].planner.__name__.replace('plan_', 'wpcom_', 1)}")
    assert action.ActionModule.module is MODULES[kind]
    assert action.ActionModule.loop_cache is loop_cache
