# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The tests of what is for AWX, with AWX's own collection: nox -s awx provides it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.e2e.conftest import ROOT, Ansible

MODULES = Path("ansible_collections", "awx", "awx", "plugins", "modules")


@pytest.fixture(scope="session")
def awx_awx() -> Path:
    """Return the folder of the modules of awx.awx."""
    folder = Path(os.environ["WPCOM_TEST_AWX_COLLECTIONS"]) / MODULES
    assert (folder / "credential_type.py").exists()
    return folder


@pytest.fixture(scope="session")
def collections(tmp_path_factory: pytest.TempPathFactory, awx_awx: Path) -> Path:
    """Return a folder with this checkout and with awx.awx, whose modules run within Ansible's process."""
    folder = tmp_path_factory.mktemp("tree")
    (folder / "ansible_collections" / "community").mkdir(parents=True)
    (folder / "ansible_collections" / "community" / "wpcom").symlink_to(ROOT)
    original, copy = awx_awx.parents[1], folder / "ansible_collections" / "awx" / "awx"
    (copy / "plugins" / "action").mkdir(parents=True)
    for name in ("meta", "MANIFEST.json", "plugins/doc_fragments", "plugins/module_utils", "plugins/modules"):
        (copy / name).symlink_to(original / name)
    for module in awx_awx.glob("*.py"):
        (copy / "plugins" / "action" / module.name).symlink_to(Path(__file__).with_name("in_process.py"))
    return folder


@pytest.fixture
def ansible(tmp_path: Path, collections: Path) -> Ansible:
    """Return the commands of Ansible, with a home of their own, this checkout and awx.awx."""
    return Ansible(tmp_path, collections)
