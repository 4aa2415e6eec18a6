# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The code of this collection that Ansible ships with each module: ``python -m tests.e2e.payload``."""

from __future__ import annotations

import argparse
import base64
import io
import json
import re
import sys
import tempfile
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FIGURES = ("files", "bytes", "zipped")


def archive(module: Path) -> bytes:
    """Return the zip file that Ansible makes of a module and the module_utils that it imports."""
    from ansible.executor.module_common import modify_module
    from ansible.parsing.dataloader import DataLoader
    from ansible.template import Templar

    python = {"ansible_python_interpreter": sys.executable}
    built = modify_module(
        module_name=f"community.wpcom.{module.stem}",
        module_path=str(module),
        module_args={},
        templar=Templar(loader=DataLoader(), variables=python),
        task_vars=python,
        module_compression="ZIP_DEFLATED",
    )
    # ansible-core 2.18 returns a tuple.
    wrapper: bytes = built[0] if isinstance(built, tuple) else built.b_module_data
    return base64.b64decode(max(re.findall(rb"[A-Za-z0-9+/=]+", wrapper), key=len))


def payload(module: Path) -> dict[str, int]:
    """Return how many files of this collection a module takes along, and their size before and after compression."""
    with zipfile.ZipFile(io.BytesIO(archive(module))) as file:
        # An __init__.py of a folder without one is empty, and belongs to the archive's form.
        shipped = [
            entry for entry in file.infolist() if entry.filename.startswith("ansible_collections/") and entry.file_size
        ]
    sizes = (
        len(shipped),
        sum(entry.file_size for entry in shipped),
        sum(entry.compress_size for entry in shipped),
    )
    return dict(zip(FIGURES, sizes))


def payloads() -> dict[str, dict[str, int]]:
    """Return the payload of every module of this checkout."""
    from ansible.plugins.loader import init_plugin_loader

    with tempfile.TemporaryDirectory() as folder:
        collection = Path(folder) / "ansible_collections" / "community" / "wpcom"
        collection.parent.mkdir(parents=True)
        collection.symlink_to(ROOT)
        init_plugin_loader([folder])
        modules = sorted((collection / "plugins" / "modules").glob("[!_]*.py"))
        # What an action plugin does alone is documented by a module without code.
        return {module.stem: payload(module) for module in modules if "\ndef main(" in module.read_text("utf-8")}


def main() -> None:
    """Print a line for each module, or all figures as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="print JSON")
    measured = payloads()
    if parser.parse_args().json:
        print(json.dumps(measured))
        return
    for name, figures in measured.items():
        print(f"{name:<32} {figures['files']:>3} files {figures['bytes']:>7} bytes {figures['zipped']:>6} zipped")


if __name__ == "__main__":
    main()
