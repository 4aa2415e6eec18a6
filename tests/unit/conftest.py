# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What holds for every unit test: no connection options from the caller's environment, and the same examples in every run."""

from __future__ import annotations

import os

import pytest
from hypothesis import settings

settings.register_profile("repeatable", database=None, deadline=None, derandomize=True)
settings.load_profile("repeatable")


@pytest.fixture(autouse=True)
def no_options_from_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Unset every WPCOM_ variable, so that a token in the caller's shell changes no test."""
    for name in list(os.environ):
        if name.startswith("WPCOM_"):
            monkeypatch.delenv(name)
