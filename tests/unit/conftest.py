# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Settings of every unit test: no options from the caller's environment, and the same examples in every run."""

from __future__ import annotations

import os
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from ansible_collections.community.wpcom.plugins.module_utils import _session
from ansible_collections.community.wpcom.plugins.module_utils._http import transport
from ansible_collections.community.wpcom.tests.unit.support import Script

# The simulator outlives an example, which hypothesis would warn of: every example begins by resetting it.
settings.register_profile(
    "repeatable",
    database=None,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
settings.load_profile("repeatable")

_FOREIGN = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "NETRC")


@pytest.fixture(autouse=True)
def no_options_from_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Unset every variable that the collection reads, so that the caller's shell changes no test."""
    for name in list(os.environ):
        if name.startswith("WPCOM_") or name.upper() in _FOREIGN:
            monkeypatch.delenv(name)


@pytest.fixture
def served_by(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return a function that has all requests answered by a script."""

    def serve(script: Script) -> Script:
        monkeypatch.setattr(transport, "LimitedAdapter", lambda **_options: script)
        # One request after the other: hypothesis draws in one thread only.
        monkeypatch.setattr(_session, "for_each", lambda work, items, parallel: [work(item) for item in items])
        return script

    return serve
