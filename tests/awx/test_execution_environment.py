# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The definition of the execution environment is one that ansible-builder accepts."""

from __future__ import annotations

import re
from pathlib import Path

import yaml

from tests.e2e.conftest import ROOT, Ansible

DEFINITION = ROOT / "extensions" / "awx" / "execution-environment.yml"


def test_ansible_builder_creates_the_context(ansible: Ansible, tmp_path: Path) -> None:
    context = tmp_path / "context"
    done = ansible.run(
        "ansible-builder", "create", "-f", DEFINITION, "-c", context, "--output-filename", "Containerfile"
    )
    assert done.status == 0, done.output
    text = (context / "Containerfile").read_text()
    assert re.search(r'^ARG ANSIBLE_INSTALL_REFS="ansible-core>=2\.18 ansible-runner', text, re.MULTILINE)
    # The collection is cloned in the stage that installs it.
    assert text.index("AS galaxy") < text.index("install -y git-core") < text.index("ansible-galaxy collection install")
    requirements = (ROOT / "meta" / "ee-requirements.txt").read_text().splitlines()
    assert (context / "_build" / "requirements.txt").read_text().split() == [
        line for line in requirements if line and not line.startswith("#")
    ]
    collections = yaml.safe_load((context / "_build" / "requirements.yml").read_text())["collections"]
    assert (
        collections
        == yaml.safe_load(DEFINITION.with_name("project").joinpath("collections", "requirements.yml").read_text())[
            "collections"
        ]
    )


def test_a_wrong_definition_is_refused(ansible: Ansible, tmp_path: Path) -> None:
    definition = tmp_path / "execution-environment.yml"
    definition.write_text(DEFINITION.read_text().replace("package_pip: ansible-core", "pip: ansible-core"))
    done = ansible.run("ansible-builder", "create", "-f", definition, "-c", tmp_path / "context")
    assert done.status != 0
