# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Takes the place of the get-pip script that ansible-test would fetch: pip comes from Python itself, then from the registry."""

from __future__ import annotations

import os
import subprocess
import sys


def main(arguments: list[str]) -> None:
    """Install the packages named in the arguments, as get-pip does."""
    # ansible-test names this script in GET_PIP for a pip of its own, which would start it again.
    environment = {name: value for name, value in os.environ.items() if name != "GET_PIP"}
    wanted = [argument for argument in arguments if not argument.startswith("-")]
    for command in (
        ["ensurepip", "--default-pip"],
        ["pip", "install", "--quiet", "--disable-pip-version-check", *wanted],
    ):
        subprocess.run([sys.executable, "-m", *command], env=environment, check=True, stdout=subprocess.DEVNULL)


if __name__ == "__main__":
    main(sys.argv[1:])
