# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is not in a release is documented as added after it: the changelog lists new plugins by that version."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
RELEASES: dict[str, Any] = yaml.safe_load((ROOT / "changelogs/changelog.yaml").read_text(encoding="utf-8"))["releases"]


def released() -> set[str]:
    """Return the names of everything that a release has listed as new."""
    lists = [
        entries
        for release in RELEASES.values()
        for entries in (
            release.get("modules", []),
            *release.get("plugins", {}).values(),
            *release.get("objects", {}).values(),
        )
    ]
    return {entry["name"] for entries in lists for entry in entries}


def documented() -> Iterator[tuple[str, str]]:
    """Yield the name and the version of modules, plugins and roles."""
    for kind in ("modules", "filter", "inventory"):
        for path in sorted((ROOT / "plugins" / kind).glob("[!_]*.py")):
            found = re.search(r"^version_added: (.+)$", path.read_text(encoding="utf-8"), re.MULTILINE)
            assert found, path
            yield path.stem, found[1]
    for path in sorted((ROOT / "roles").glob("*/meta/argument_specs.yml")):
        specs = yaml.safe_load(path.read_text(encoding="utf-8"))["argument_specs"]
        yield path.parts[-3], str(specs["main"]["version_added"])


@pytest.mark.parametrize(("name", "version"), list(documented()))
def test_version_added_is_that_of_the_release_that_lists_it(name: str, version: str) -> None:
    assert (version in RELEASES) == (name in released())
