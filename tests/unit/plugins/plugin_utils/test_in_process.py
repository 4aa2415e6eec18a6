# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the fast path prepares before Ansible forks; everything else about it is tested end to end."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from ansible_collections.community.wpcom.plugins.plugin_utils._in_process import needs_certificates

NAME = "ansible_collections.community.wpcom.plugins"


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({}, True),
        ({"WPCOM_API_URL": ""}, True),
        ({"WPCOM_API_URL": "https://api.example.com"}, True),
        ({"WPCOM_API_URL": "http://127.0.0.1:8080"}, False),
        ({"WPCOM_IN_PROCESS": ""}, True),
        ({"WPCOM_IN_PROCESS": "true"}, True),
        ({"WPCOM_IN_PROCESS": "no"}, False),
    ],
)
def test_certificates_are_prepared_where_they_are_needed(environment: dict[str, str], expected: bool) -> None:
    assert needs_certificates(environment) is expected


@pytest.mark.parametrize(("switch", "number"), [("true", 1), ("false", 0)])
def test_action_prepares_certificates_when_it_is_imported(switch: str, number: int) -> None:
    code = (
        f"import {NAME}.action.wpcom_publicize_connection\n"
        f"from {NAME}.module_utils._http import certificates\n"
        "print(len(certificates._prepared))"
    )
    environment = {name: value for name, value in os.environ.items() if not name.startswith("WPCOM_")}
    environment.update(WPCOM_IN_PROCESS=switch, PYTHONPATH=os.pathsep.join(sys.path))
    done = subprocess.run([sys.executable, "-c", code], env=environment, check=True, stdout=subprocess.PIPE, text=True)
    assert done.stdout.strip() == str(number)
