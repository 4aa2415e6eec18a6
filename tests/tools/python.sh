#!/usr/bin/env bash
# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Runs a script of this folder with the first Python found that is new enough to run it (3.9).
# That script then chooses the Python that the environments are built on.
set -euo pipefail

for python in python3 python3.13 python3.12 python3.14 python3.11 /usr/bin/python3; do
    if "$python" -c 'import sys; sys.exit(sys.version_info < (3, 9))' >/dev/null 2>&1; then
        exec "$python" "$@"
    fi
done
echo "No working python3 was found. On Debian or Ubuntu: apt-get install python3 python3-venv" >&2
exit 1
