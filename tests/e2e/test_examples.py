# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The EXAMPLES of every module run as they are written, and a second run changes nothing."""

from __future__ import annotations

import ast
import textwrap
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.simulator import Simulator

ROOT = Path(__file__).resolve().parents[2]
# A token is created by each run, which test_get_token.py does with a browser.
MODULES = sorted(
    path.stem for path in (ROOT / "plugins" / "modules").glob("[!_]*.py") if path.stem != "wpcom_access_token"
)

HEAD = """\
---
- name: Examples
  hosts: localhost
  gather_facts: false
  tasks:
"""


def examples(module: str) -> str:
    """Return the EXAMPLES of a module, as they are written."""
    tree = ast.parse((ROOT / "plugins" / "modules" / f"{module}.py").read_text(encoding="utf-8"))
    for node in tree.body:
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "EXAMPLES":
            return str(ast.literal_eval(node.value))
    return ""


def each(text: str) -> list[str]:
    """Part examples into their tasks, as they are written."""
    tasks = textwrap.dedent(text).strip("\n").split("\n- ")
    return [task if task.startswith("- ") else f"- {task}" for task in (part.rstrip() for part in tasks)]


def module_of(task: Mapping[str, Any]) -> str:
    """Return the module of a task."""
    return next(key for key in task if "." in key)


def test_modules_are_found() -> None:
    assert MODULES


@pytest.mark.parametrize("module", MODULES)
def test_every_example_runs_and_a_second_run_changes_nothing(
    module: str, ansible: Any, simulator: Simulator, connected: Mapping[str, str]
) -> None:
    text = examples(module)
    tasks = yaml.safe_load(text)
    assert tasks, "no EXAMPLES"
    assert any(module_of(task) == f"community.wpcom.{module}" for task in tasks)
    # Each is run twice in a row: later ones may undo what earlier ones do.
    changing = [
        task for task in tasks if module_of(task).startswith("community.wpcom.") and not module.endswith("_info")
    ]
    twice = [part for task, part in zip(tasks, each(text)) for part in [part] * (2 if task in changing else 1)]
    told = ansible.play(HEAD + textwrap.indent("\n".join(twice), "    ") + "\n", **connected)
    assert told.status == 0, told.output

    # All of them were run, and none was skipped or went through its list without an item.
    names = [yaml.safe_load(part)[0]["name"] for part in twice]
    assert [entry["task"] for entry in told.tasks if entry["outcome"] == "ok"] == names
    for entry in told.tasks:
        assert entry["result"].get("results") != [], entry
        assert not entry["result"].get("skipped"), entry
    for task in changing:
        first, second = [entry["result"] for entry in told.tasks if entry["task"] == task["name"]]
        if task.get("check_mode"):
            assert first["changed"] == second["changed"]
        else:
            assert not second["changed"], task["name"]
    if module.endswith("_info"):
        assert {request["method"] for request in simulator.requests()} == {"GET"}
    else:
        # One at least shows a change.
        assert any(entry["result"]["changed"] for entry in told.tasks)
