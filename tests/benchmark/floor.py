# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The floor: the least that any Python program has to do, one GET of the list and a POST for each that differs."""

from __future__ import annotations

import json
import os
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import requests
from requests.adapters import HTTPAdapter


def main(wanted_file: str, parallel: int) -> None:
    """Bring the connections of a file in line, with so many writes at once."""
    with open(wanted_file, encoding="utf-8") as file:
        wanted: list[dict[str, Any]] = json.load(file)
    url = os.environ["WPCOM_API_URL"] + "/rest/v1.1/me/publicize-connections/"
    session = requests.Session()
    session.trust_env = False
    session.verify = os.environ["REQUESTS_CA_BUNDLE"]
    session.mount("https://", HTTPAdapter(pool_connections=1, pool_maxsize=parallel))
    session.headers["Authorization"] = "Bearer " + os.environ["WPCOM_API_TOKEN"]
    answer = session.get(url, timeout=60)
    answer.raise_for_status()
    is_shared = {connection["ID"]: connection["shared"] for connection in answer.json()["connections"]}

    def change(entry: dict[str, Any]) -> None:
        answer = session.post(f"{url}{entry['id']}", json={"shared": entry["shared"]}, timeout=60)
        answer.raise_for_status()
        if answer.json()["shared"] != entry["shared"]:
            raise SystemExit(f"{entry['id']} was not changed")

    differing = [entry for entry in wanted if is_shared[entry["id"]] != entry["shared"]]
    if parallel > 1:
        with ThreadPoolExecutor(parallel) as pool:
            list(pool.map(change, differing))
    else:
        for entry in differing:
            change(entry)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
