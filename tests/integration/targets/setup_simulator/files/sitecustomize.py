# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Keeps what Python compiles out of zip files, for the runs of modules in these tests.

A module travels as source in a zip file, which each run compiles anew; that takes longer than all the rest of a run. Python
loads this file because its folder is in PYTHONPATH.
"""

from __future__ import annotations

import hashlib
import marshal
import os
import sys
import zipimport
from typing import Any

FOLDER = os.environ.get("COMPILED_MODULES", "")
compile_source = getattr(zipimport, "_compile_source", None)


def kept_or_compiled(path: str, source: bytes) -> Any:
    """Return the code of a source, which an earlier run may have compiled."""
    name = hashlib.sha256(f"{os.path.basename(path)} {sys.version}".encode() + source).hexdigest()
    file = os.path.join(FOLDER, name)
    try:
        with open(file, "rb") as kept:
            return marshal.load(kept)
    except (OSError, EOFError, ValueError, TypeError):
        pass
    code = compile_source(path, source)
    with open(f"{file}.{os.getpid()}", "wb") as new:
        marshal.dump(code, new)
    os.replace(new.name, file)
    return code


if compile_source and os.path.isdir(FOLDER):
    zipimport._compile_source = kept_or_compiled
