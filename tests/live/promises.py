# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the modules promise about what they read, checked on a real account. Nothing is written."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.community.wpcom.plugins.module_utils._execute import TaskResult
from ansible_collections.community.wpcom.plugins.module_utils._module import ModuleSpec, run_task
from ansible_collections.community.wpcom.plugins.modules import (
    wpcom_connection_info,
    wpcom_diagnostics_info,
    wpcom_keyring_connection,
)

HEALTH = {"ok", "expiring", "broken", "untested", "unknown"}
REPAIR = {None, "refresh", "reconnect", "choose_external_user", "remove"}
DATE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")


def task(spec: ModuleSpec, connection: Mapping[str, Any], *, check_mode: bool = True, **given: Any) -> TaskResult:
    """Run a task of a module as its argument spec completes it; in check mode no write can be sent."""
    unset = {name: option.get("default") for name, option in spec.options.items()}
    return run_task(spec, {**connection, **unset, **given}, check_mode=check_mode)


def diagnosis(connection: Mapping[str, Any]) -> dict[str, Any]:
    """Return the report of the doctor."""
    ended = task(wpcom_diagnostics_info.MODULE, connection)
    if ended.failed:
        raise AssertionError(ended.result["msg"])
    report: dict[str, Any] = ended.result["report"]
    return report


def promises(connection: Mapping[str, Any], site: int, keyring: int) -> Iterator[tuple[str, str]]:
    """Yield each promise, and "kept" or in what it is broken."""
    whole = task(
        wpcom_connection_info.MODULE,
        connection,
        gather=["publicize", "keyring", "applications", "services", "sites", "account"],
    )
    if whole.failed:
        yield "everything can be gathered", whole.result["msg"]
        return
    result = whole.result
    yield "everything can be gathered", "kept"
    connections = [*result["publicize_connections"], *result["keyring_connections"]]
    records = [*connections, *result["connected_applications"], *result["sites"], result["account"]]
    yield "an ID is a number", _kept(isinstance(record["id"], int) for record in records)
    yield "health is a known word", _kept(record["health"] in HEALTH for record in connections)
    yield "repair is a known word", _kept(record["repair"] in REPAIR for record in connections)
    dates = [record.get(key) for record in connections for key in ("issued", "expires")]
    yield "a date is ISO 8601 or null", _kept(date is None or bool(DATE.fullmatch(date)) for date in dates)
    sites = [number for record in result["keyring_connections"] for number in record.get("sites") or []]
    yield "a site of a keyring connection is a number", _kept(isinstance(number, int) for number in sites)
    yield "nothing changed", _kept([result["changed"] is False])
    on_site = task(wpcom_connection_info.MODULE, connection, gather=["publicize"], site=[str(site)])
    mine = {record["id"] for record in result["publicize_connections"] if record["site_id"] == site}
    found = {record["id"] for record in on_site.result.get("publicize_connections", [])}
    yield "a site has the connections that the account has on it", _kept([mine <= found])
    account = task(wpcom_keyring_connection.MODULE, connection, id=keyring)
    yield "an account that is connected is present", _kept([not account.failed and account.result["changed"] is False])


def _kept(held: Any) -> str:
    results = list(held)
    broken = results.count(False)
    return f"broken by {broken} of {len(results)}" if broken else "kept"
