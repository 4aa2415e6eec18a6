# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How many examples are tried, and which: always the same few, or as many as the environment says and others each time."""

from __future__ import annotations

import os

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile(
    "search",
    database=None,
    deadline=None,
    # The environment has a seed of its own by pytest --hypothesis-seed.
    derandomize="SEARCH_SEED" not in os.environ,
    print_blob=True,
    report_multiple_bugs=False,
    suppress_health_check=list(HealthCheck),
)
settings.load_profile("search")


@pytest.fixture(autouse=True)
def no_options_from_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Unset every variable that the collection reads, so that the caller's shell changes no test."""
    for name in list(os.environ):
        if name.startswith("WPCOM_") or name.upper().endswith("_PROXY"):
            monkeypatch.delenv(name)
