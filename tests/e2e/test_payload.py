# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The code that Ansible ships with each module stays within a limit: every task on a remote host pays for it."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from .payload import FIGURES, ROOT

# Files, bytes, bytes after compression. A change that needs more raises its limit here, and says why in its commit.
LIMITS = {
    "wpcom_access_token": (36, 204_700, 72_000),
    "wpcom_connected_application": (39, 218_000, 76_500),
    "wpcom_connection_info": (41, 254_000, 86_000),
    "wpcom_diagnostics_info": (44, 283_700, 96_000),
    "wpcom_keyring_connection": (40, 223_200, 78_000),
    "wpcom_publicize_connection": (42, 257_000, 87_000),
    "wpcom_publicize_connections": (46, 296_000, 98_500),
}


@pytest.fixture(scope="module")
def measured() -> dict[str, dict[str, int]]:
    """Return the payload of every module, measured in a process of its own because the plugin loader is global."""
    printed = subprocess.run(
        [sys.executable, "-m", "tests.e2e.payload", "--json"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    result: dict[str, dict[str, int]] = json.loads(printed)
    return result


def test_every_module_has_a_limit(measured: dict[str, dict[str, int]]) -> None:
    assert sorted(measured) == sorted(LIMITS)


@pytest.mark.parametrize("module", LIMITS)
def test_payload_is_within_its_limit(module: str, measured: dict[str, dict[str, int]]) -> None:
    limits = dict(zip(FIGURES, LIMITS[module]))
    over = {name: size for name, size in measured[module].items() if size > limits[name]}
    assert not over, f"{module} ships more than {limits}: {over}"


def test_payload_counts_what_a_module_imports(measured: dict[str, dict[str, int]]) -> None:
    """A measurement that missed module_utils would be within every limit."""
    for module, figures in measured.items():
        source = (ROOT / "plugins" / "modules" / f"{module}.py").stat().st_size
        assert figures["files"] > 5
        assert figures["bytes"] > 3 * source
        assert figures["zipped"] < figures["bytes"] / 2
