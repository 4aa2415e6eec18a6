# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The warning of a connection that does not work, or will soon stop working."""

from __future__ import annotations

from .._api.hints import RECONNECT
from .._records.health import HEALTHY, TO_REFRESH
from .._records.names import account_name
from .._records.record import Record


def health_warning(kind: str, record: Record, pages: str = "") -> tuple[str, ...]:
    """Return the warning of an unhealthy connection, with the account and what to do; none for a healthy one.

    ``pages`` are the external users to choose from, where one has to be chosen.
    """
    if record["health"] in HEALTHY:
        return ()
    name = f"{kind} {record['id'] or 'to be created'} ({record.get('service')}, account {account_name(record)!r})"
    return (f"The {name} {_problem(record)}; {_action(kind, record, pages)}.",)


def _problem(record: Record) -> str:
    if record["repair"] == "remove":
        return "is broken: WordPress.com no longer supports this service, and nothing is posted"
    if record["repair"] == "choose_external_user":
        return "is broken: this service supports posting to pages only, and no page was chosen"
    if record["health"] == "unknown":
        return f"has the status {record.get('status')!r}, which this version of the collection does not know"
    # That of a broken connection can be in the past or in the future.
    expiry = f" (expiry date: {record['expires']})" if record.get("expires") else ""
    if record["health"] == "broken":
        return f"is broken{expiry}"
    if record.get("status") in TO_REFRESH:
        return f"works, but has to be refreshed{expiry}"
    return f"expires soon, at {record['expires']}"


def _action(kind: str, record: Record, pages: str) -> str:
    if record["repair"] == "remove":
        return f"set state to absent to delete the {kind}"
    if record["repair"] == "choose_external_user":
        return f"set external_user_id or external_user_name to one of its pages{pages and f': {pages}'}"
    if record["health"] == "unknown":
        return "check it in a browser, at https://wordpress.com/marketing/connections"
    if record["repair"] == "refresh":
        return f"its owner must open {record.get('refresh_url') or 'its refresh_url'} in a browser to refresh it"
    return f"its owner must {RECONNECT}"
