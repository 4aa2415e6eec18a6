# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Compares the results of the same tasks in Ansible's own process and through the ordinary modules."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

# Interpreter discovery belongs to modules that are started, and async returns where it ran. A diagnosis measures times, and
# names the versions of what it runs on. Some versions of Ansible add what failed_when has suppressed, of modules only.
LEFT_OUT = {
    "ansible_facts",
    "ansible_job_id",
    "failed_when_suppressed_exception",
    "finished",
    "longest",
    "median",
    "results_file",
    "seconds",
    "skew",
    "started",
    "stderr",
    "stderr_lines",
    "stdout",
    "stdout_lines",
    "versions",
}
VARYING = (
    (re.compile(r"nonce=[0-9a-f]+"), "nonce=N"),
    (re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"), "DATE"),
    (re.compile(r"(127\.0\.0\.1|localhost):\d+"), r"\1:PORT"),
    (re.compile(r"/tmp/[^\s'\":,]+"), "FOLDER"),
    (re.compile(r"0x[0-9a-f]+"), "ADDRESS"),
    (re.compile(r"\b[\d.]+ seconds?\b"), "N seconds"),
    # How Python says it differs from version to version.
    (re.compile(r"\(_ssl\.c:\d+\)"), "(SSL)"),
    (re.compile(r"python-requests/[\d.]+"), "python-requests/VERSION"),
    # Out of a set, in an order of its own in each process.
    (re.compile(r"Valid booleans include: .*"), "Valid booleans include: BOOLEANS"),
    # A loop reads the list of the account in place of each of its connections, and so hears of a bad token from there.
    (re.compile(r"Could not read publicize connection \d+"), "Could not list your publicize connections"),
    (re.compile(r"^/me/publicize-connections/\d+$"), "/me/publicize-connections/"),
)


def comparable(value: Any) -> Any:
    """Return a result without what differs from run to run."""
    if isinstance(value, dict):
        return {key: comparable(item) for key, item in value.items() if key not in LEFT_OUT}
    if isinstance(value, list):
        return [comparable(item) for item in value]
    if isinstance(value, str):
        for pattern, name in VARYING:
            value = pattern.sub(name, value)
    return value


def read(folder: Path) -> dict[str, list[dict[str, Any]]]:
    """Return, by file, the results of the collection's tasks out of the ``*.jsonl`` of the callback task_results."""
    return {
        path.name: [
            entry
            for entry in map(json.loads, path.read_text(encoding="utf-8").splitlines())
            if entry["action"].startswith("community.wpcom.")
        ]
        for path in sorted(folder.glob("*.jsonl"))
    }


def differences(some: Sequence[dict[str, Any]], others: Sequence[dict[str, Any]]) -> list[str]:
    """Return what differs between two runs of the same tasks, a line each."""
    if [entry["task"] for entry in some] != [entry["task"] for entry in others]:
        return [f"not the same tasks: {len(some)} and {len(others)}"]
    return [
        f"{one['task']}: {told}"
        for one, other in zip(some, others)
        for told in _told("", comparable(one), comparable(other))
    ]


def _told(where: str, one: Any, other: Any) -> list[str]:
    """Return where two values differ, down to the keys and items that do."""
    if one == other:
        return []
    if isinstance(one, dict) and isinstance(other, dict) and one.keys() == other.keys():
        return [line for key in one for line in _told(f"{where}.{key}", one[key], other[key])]
    if isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        return [line for number, pair in enumerate(zip(one, other)) for line in _told(f"{where}[{number}]", *pair)]
    return [f"{where}: {json.dumps(one)[:500]} / {json.dumps(other)[:500]}"]
