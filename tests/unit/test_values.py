# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is read, planned and found is a value, which nobody changes after it was made."""

from __future__ import annotations

import dataclasses
import importlib
import pkgutil
from collections.abc import Iterator

from ansible_collections.community.wpcom.plugins import module_utils

# What is filled while a task runs.
CHANGES = {"Account", "Conformance", "TaskResult", "_Sites"}


def dataclasses_of_module_utils() -> Iterator[type]:
    """Yield each dataclass of module_utils."""
    for found in pkgutil.walk_packages(module_utils.__path__, f"{module_utils.__name__}."):
        module = importlib.import_module(found.name)
        for value in vars(module).values():
            if isinstance(value, type) and dataclasses.is_dataclass(value) and value.__module__ == module.__name__:
                yield value


def test_what_is_frozen() -> None:
    found = {value.__name__: value.__dataclass_params__.frozen for value in dataclasses_of_module_utils()}
    assert len(found) > 30
    assert {name for name, frozen in found.items() if not frozen} == CHANGES
