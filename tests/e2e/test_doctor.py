# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The playbook community.wpcom.doctor: a line for each check, the report, and the exit status."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.simulator import Simulator

DOCTOR = "community.wpcom.doctor"


def test_report_and_a_line_for_each_check(ansible: Any, simulator: Simulator, connected: Mapping[str, str]) -> None:
    ended = ansible.run("ansible-playbook", DOCTOR, **connected)
    assert ended.status == 0, ended.output
    path = Path(ansible.cwd) / "wpcom-doctor.json"
    report = json.loads(path.read_text())
    assert path.stat().st_mode & 0o777 == 0o644
    assert str(path) in ended.stdout
    lines = re.findall(r'^ +"(ok|warning|failed|skipped) +(\w+): .+"', ended.stdout, re.MULTILINE)
    assert lines == [(check["status"], check["name"]) for check in report["checks"]]
    assert "sim-token" not in ended.output + path.read_text()
    assert {entry["method"] for entry in simulator.requests()} == {"GET"}
    assert len(simulator.requests()) == report["requests"] <= 25


@pytest.mark.parametrize("in_process", ["true", "false"])
def test_exit_status_is_that_of_doctor_fail_on(ansible: Any, connected: Mapping[str, str], in_process: str) -> None:
    """In check mode, so that the report of the first run is not replaced."""
    environment = {**connected, "WPCOM_API_TOKEN": "wrong", "WPCOM_IN_PROCESS": in_process}
    fail_on = (
        ("-e", json.dumps({"doctor_fail_on": ["failed"]}))
        if in_process == "true"
        else ("-e", "doctor_fail_on=warning,failed")
    )
    ended = ansible.run("ansible-playbook", DOCTOR, "--check", *fail_on, **environment)
    assert ended.status == 2, ended.output
    assert "Checks with a status of doctor_fail_on: token." in ended.output.replace("\n", " ")
    assert "create a new token" in ended.stdout
    assert list(Path(ansible.cwd).iterdir()) == []


@pytest.mark.parametrize(
    ("extra", "words"),
    [
        ({"doctor_fail_on": ["failed", "broken"]}, "doctor_fail_on must be a list of statuses"),
        ({"doctor_fail_one": ["failed"]}, "Unknown variables: doctor_fail_one."),
        ({"doctor_report_path": "missing/report.json"}, "doctor_report_path must be the path"),
    ],
)
def test_wrong_variable_is_refused_before_any_request(
    extra: dict[str, Any], words: str, ansible: Any, simulator: Simulator, connected: Mapping[str, str]
) -> None:
    ended = ansible.run("ansible-playbook", DOCTOR, "-e", json.dumps(extra), **connected)
    assert ended.status == 2
    assert words in ended.output
    assert simulator.requests() == []
