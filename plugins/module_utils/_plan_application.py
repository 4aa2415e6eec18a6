# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Pure planning of connected applications: the access tokens of an application are there, or they are revoked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.community.wpcom.plugins.module_utils._choose import check_given, checked_site
from ansible_collections.community.wpcom.plugins.module_utils._errors import MissingError, NotAllowedError
from ansible_collections.community.wpcom.plugins.module_utils._plan import Diff, Plan
from ansible_collections.community.wpcom.plugins.module_utils._records import Record, diff_view, scopes, site_matches
from ansible_collections.community.wpcom.plugins.module_utils._snapshot import Call, Snapshot


def plan_connected_application(params: Mapping[str, Any], snapshot: Snapshot) -> Plan:
    """Return the plan for the options of ``wpcom_connected_application``. Raises WpcomError."""
    site = _checked(params)
    found = _matching(params, site, snapshot)
    header = f"connected application {params['title'] or params['id']}"
    if params["state"] == "absent":
        return _plan_absent(found, header, snapshot)
    if not found:
        raise MissingError(
            f"There is no {header}" + (f" for site {site}" if site else "") + " among those that hold a token to this "
            "account. It cannot be added through the API: a person authorises it in the application itself.",
            code="missing_application",
        )
    view = _view(found)
    return Plan(result={"applications": found}, diff=Diff(view, view, header))


def _checked(params: Mapping[str, Any]) -> str | None:
    check_given(params, numbers=("id",), texts=("title",))
    return checked_site(params["site"])


def _matching(params: Mapping[str, Any], site: str | None, snapshot: Snapshot) -> list[Record]:
    if params["id"] is not None:
        one = snapshot.connected_application(params["id"])
        return [one] if one else []
    return [
        application
        for application in snapshot.connected_applications()
        if application.get("title") == params["title"]
        and (site is None or site_matches(application["site"] or {}, site))
    ]


def _view(applications: Sequence[Record]) -> Record:
    return {"applications": [diff_view(application) for application in applications]} if applications else {}


def _plan_absent(found: list[Record], header: str, snapshot: Snapshot) -> Plan:
    if not found:
        return Plan(result={"applications": []}, diff=Diff({}, {}, header))
    possible = _possibly_in_use(snapshot)
    mine = [application for application in found if possible is None or application["id"] in possible]
    if possible is not None and len(possible) == len(mine):
        which = " or ".join(f"{application['id']} ({application.get('title')})" for application in mine)
        raise NotAllowedError(
            f"Connected application {which} holds the very token that this task uses: revoking it would lock the task "
            "out. Nothing was revoked. Name another one by id, use another token, or revoke it in a browser at "
            "https://wordpress.com/me/security/connected-applications.",
            code="token_in_use",
            result={"applications": found},
        )
    warnings = tuple(
        f"Whether connected application {application['id']} ({application.get('title')}) holds the token that this task "
        "uses cannot be told from what WordPress.com shows: if it does, later tasks need another token."
        for application in mine
    )
    # Those that may be the token in use go last, so that the others are revoked in any case.
    ordered = sorted(found, key=lambda application: application in mine)
    return Plan(
        result={"applications": []},
        diff=Diff(_view(found), {}, header),
        operations=tuple(
            Call.of("applications", "delete", application_id=application["id"]) for application in ordered
        ),
        warnings=warnings,
    )


def _possibly_in_use(snapshot: Snapshot) -> set[int] | None:
    """Return the IDs of the applications that may hold the token in use, None where nothing can be told.

    The list names no client, but the site and the scope that each token was granted, and so does GET /me for the token
    in use; each token has one entry, so that an only fit is the one.
    """
    account = snapshot.account()
    if account is None:
        return None
    fits = {
        application["id"]
        for application in snapshot.connected_applications()
        if application.get("client_id") in (None, account.get("token_client_id"))
        and (application["site"] or {}).get("site_id") == account["token_site_id"]
        and set(scopes(application.get("scope"))) == set(account["token_scope"])
    }
    # No fit at all means that the two spell the scope differently.
    return fits or None
