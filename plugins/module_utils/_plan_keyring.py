# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Pure planning of one keyring connection: it exists, or it is deleted with everything that hangs on it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.community.wpcom.plugins.module_utils._choose import (
    check_given,
    checked_service,
    choose_keyring_connection,
)
from ansible_collections.community.wpcom.plugins.module_utils._errors import MissingError, NotAllowedError
from ansible_collections.community.wpcom.plugins.module_utils._plan import Diff, Plan, health_warning
from ansible_collections.community.wpcom.plugins.module_utils._records import Record, describe, diff_view
from ansible_collections.community.wpcom.plugins.module_utils._remedies import CONNECTIONS_PAGE
from ansible_collections.community.wpcom.plugins.module_utils._snapshot import Call, Snapshot


def plan_keyring_connection(params: Mapping[str, Any], snapshot: Snapshot) -> Plan:
    """Return the plan for the options of ``wpcom_keyring_connection``. Raises WpcomError."""
    check_given(params, numbers=("id",), texts=("service", "account"))
    current = _current(params, snapshot)
    if params["state"] == "absent":
        return _plan_absent(current, snapshot, cascade=params["cascade"])
    if current is None:
        raise MissingError(
            f"You have no keyring connection {params['id']}. It cannot be made through the API: log in to WordPress.com "
            f"and open {CONNECTIONS_PAGE} in a browser; with service in place of id, "
            "the URL to open is told exactly.",
            code="missing_keyring_connection",
        )
    view = diff_view(current)
    return Plan(
        result={"connection": current},
        diff=Diff(view, view, f"keyring connection {describe(current)}"),
        warnings=health_warning("keyring connection", current),
    )


def _current(params: Mapping[str, Any], snapshot: Snapshot) -> Record | None:
    # A fresh test is asked for in the very request that reads, so that it costs no further one.
    test = bool(params["test"])
    if params["id"] is not None:
        return snapshot.keyring_connection(params["id"], test=test)
    return choose_keyring_connection(
        snapshot,
        keyring_connection_id=None,
        service=checked_service(params["service"]),
        account=params["account"],
        must_exist=params["state"] == "present",
        test=test,
    )


def _plan_absent(current: Record | None, snapshot: Snapshot, *, cascade: bool) -> Plan:
    if current is None:
        return Plan(result={"connection": None, "publicize_connections": []}, diff=Diff({}, {}, "keyring connection"))
    dependents = snapshot.publicize_connections_with(current["id"])
    # A token that is bound to one site sees the connections there only, but the deletion reaches all sites.
    unseen = sorted(set(current.get("sites") or []) - {record.get("site_id") for record in dependents})
    if (dependents or unseen) and not cascade:
        listed = [describe(record) for record in dependents] + [f"one or more on site {site}" for site in unseen]
        raise NotAllowedError(
            f"Deleting keyring connection {describe(current)} would delete {len(listed)} publicize connection(s) "
            f"with it: {'; '.join(listed)}. Nothing was deleted. Set cascade to true if that is meant.",
            code="cascade_needed",
            result={"connection": current, "publicize_connections": dependents},
        )
    warnings = tuple(
        f"Deleting keyring connection {describe(current)} deletes its publicize connections on site {site} too, which this "
        "token does not show."
        for site in unseen
    )
    before = {**diff_view(current), "publicize_connections": [diff_view(record) for record in dependents]}
    return Plan(
        result={"connection": None, "publicize_connections": dependents},
        diff=Diff(before, {}, f"keyring connection {describe(current)}"),
        operations=(Call.of("keyring", "delete", keyring_connection_id=current["id"]),),
        warnings=warnings,
    )
