# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The integration tests have the same results in Ansible's own process and through the ordinary modules.

Each of two environment variables names a folder with the ``*.jsonl`` files that the callback task_results wrote in a run of
the integration tests: WPCOM_TEST_RESULTS_IN_PROCESS and WPCOM_TEST_RESULTS_MODULES.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from .results import differences, read

IN_PROCESS = "WPCOM_TEST_RESULTS_IN_PROCESS"
MODULES = "WPCOM_TEST_RESULTS_MODULES"


def compare(in_process: Path, modules: Path) -> list[str]:
    """Return the differences of two folders, a line each; to have nothing to compare is a difference."""
    some, others = read(in_process), read(modules)
    if some.keys() != others.keys():
        return [f"not the same files: {sorted(some)} and {sorted(others)}"]
    lines = [f"{name}: {line}" for name in some for line in differences(some[name], others[name])]
    if not any(some.values()) and not lines:
        return [f"nothing to compare: no task of the collection in {in_process} and {modules}"]
    return lines


def test_integration_tests_have_the_same_results_in_process_and_through_modules() -> None:
    folders = {name: os.environ.get(name) for name in (IN_PROCESS, MODULES)}
    if not any(folders.values()):
        pytest.skip(f"{IN_PROCESS} and {MODULES} are not set: no results of integration tests to compare")
    missing = [name for name, folder in folders.items() if not folder or not Path(folder).is_dir()]
    assert not missing, f"no folder: {', '.join(missing)}"
    found = compare(Path(str(folders[IN_PROCESS])), Path(str(folders[MODULES])))
    assert not found, "\n".join(found)


def entry(task: str = "Share", action: str = "community.wpcom.wpcom_keyring_connection", **result: Any) -> str:
    return json.dumps({"task": task, "action": action, "outcome": "ok", "result": result})


def folder_with(path: Path, lines: Sequence[str], name: str = "results.jsonl") -> Path:
    path.mkdir()
    (path / name).write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("some", "others", "expected"),
    [
        pytest.param([entry(changed=True)], [entry(changed=True)], [], id="the same"),
        pytest.param(
            [entry(connection={"refresh_url": "https://a.example/?nonce=1", "id": 1})],
            [entry(connection={"refresh_url": "https://a.example/?nonce=2", "id": 1})],
            [],
            id="another nonce",
        ),
        pytest.param([entry(msg="1 second.")], [entry(msg="0 seconds.")], [], id="another measured time"),
        pytest.param(
            [entry(changed=True)],
            [entry(changed=False)],
            ["results.jsonl: Share: .result.changed: true / false"],
            id="another value",
        ),
        pytest.param(
            [entry(connection={"id": 1})],
            [entry(connection={"id": 1, "name": "x"})],
            ['results.jsonl: Share: .result.connection: {"id": 1} / {"id": 1, "name": "x"}'],
            id="another key",
        ),
        pytest.param(
            [entry(changed=True)], [], ["results.jsonl: not the same tasks: 1 and 0"], id="a task that did not run"
        ),
        pytest.param(
            [entry("One")], [entry("Another")], ["results.jsonl: not the same tasks: 1 and 1"], id="another task"
        ),
    ],
)
def test_differences_are_found(some: list[str], others: list[str], expected: list[str], tmp_path: Path) -> None:
    assert compare(folder_with(tmp_path / "some", some), folder_with(tmp_path / "others", others)) == expected


@pytest.mark.parametrize("lines", [[], [entry(action="ansible.builtin.debug")]])
def test_nothing_to_compare_is_a_difference(lines: list[str], tmp_path: Path) -> None:
    (found,) = compare(folder_with(tmp_path / "some", lines), folder_with(tmp_path / "others", lines))
    assert found.startswith("nothing to compare")


def test_other_files_are_a_difference(tmp_path: Path) -> None:
    some = folder_with(tmp_path / "some", [entry()], "one.jsonl")
    others = folder_with(tmp_path / "others", [entry()], "another.jsonl")
    assert compare(some, others) == ["not the same files: ['one.jsonl'] and ['another.jsonl']"]


@pytest.mark.parametrize("value", ["", "missing"])
def test_a_folder_that_is_not_there_fails(value: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(IN_PROCESS, str(folder_with(tmp_path / "some", [entry()])))
    monkeypatch.setenv(MODULES, value and str(tmp_path / value))
    with pytest.raises(AssertionError, match=f"no folder: {MODULES}"):
        test_integration_tests_have_the_same_results_in_process_and_through_modules()
