# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Planning of connected applications: the access tokens of an application exist, or they are revoked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .._api.hints import APPLICATIONS_PAGE
from .._cache.read_cache import Cache, prefetch
from .._errors import MissingError, NotAllowedError
from .._operations import (
    DeleteConnectedApplication,
    FindAccount,
    FindSites,
    GetConnectedApplication,
    ListConnectedApplications,
)
from .._records.names import named, shown
from .._records.normalize import scopes
from .._records.record import Record, Records, diff_view, is_number
from .plan import Diff, Plan
from .selection import required_site_id
from .validation import check_set, valid_site


def plan_connected_application(params: Mapping[str, Any], cache: Cache) -> Plan:
    """Return the plan for the options of ``wpcom_connected_application``. Raises WpcomError."""
    site = _checked(params)
    found = _matching(params, site, cache)
    header = f"connected application {params['title'] or params['id']}"
    if params["state"] == "absent":
        return _plan_absent(found, header, cache)
    if not found:
        raise MissingError(
            f"{header[0].upper()}{header[1:]}"
            + (f" for site {site}" if site else "")
            + " not found: it has no token for "
            "this account. It cannot be added through the API: authorize it in the application itself.",
            code="missing_application",
        )
    view = _view(found)
    return Plan(result={"applications": found}, diff=Diff(view, view, header))


def _checked(params: Mapping[str, Any]) -> str | None:
    check_set(params, numbers=("id",), texts=("title",))
    return valid_site(params["site"])


def _matching(params: Mapping[str, Any], site: str | None, cache: Cache) -> Records:
    """Return the applications that the options mean; sites are compared by ID, because one site has several names."""
    if params["id"] is not None:
        one = cache.read(GetConnectedApplication(params["id"]))
        return [one] if one else []
    if site is None:
        everywhere: Records = cache.read(ListConnectedApplications())
        return named(everywhere, params["title"], ("title",))
    prefetch(cache, ListConnectedApplications(), *([] if is_number(site) else [FindSites()]))
    site_number = required_site_id(site, cache)
    titled: Records = cache.read(ListConnectedApplications())
    on_site = [application for application in titled if (application["site"] or {}).get("site_id") == site_number]
    return named(on_site, params["title"], ("title",))


def _view(applications: Sequence[Record]) -> Record:
    return {"applications": [diff_view(application) for application in applications]} if applications else {}


def _plan_absent(found: list[Record], header: str, cache: Cache) -> Plan:
    if not found:
        return Plan(result={"applications": []}, diff=Diff({}, {}, header))
    possible = _possibly_in_use(cache)
    mine = [application for application in found if possible is None or application["id"] in possible]
    if possible is not None and len(possible) == len(mine):
        which = " or ".join(f"{application['id']} ({shown(application.get('title'))})" for application in mine)
        raise NotAllowedError(
            f"Connected application {which} holds the token that this task uses: revoking it would lock the task "
            "out. Nothing was revoked. Select another one by id, use another token, or revoke it in a browser at "
            f"{APPLICATIONS_PAGE}.",
            code="token_in_use",
            result={"applications": found},
        )
    warnings = tuple(
        f"WordPress.com does not show whether connected application {application['id']} ({shown(application.get('title'))}) holds "
        "the token that this task uses. If it does, later tasks require another token."
        for application in mine
    )
    # Those that may be the token in use go last, so that the others are revoked in any case.
    ordered = sorted(found, key=lambda application: application in mine)
    return Plan(
        result={"applications": []},
        diff=Diff(_view(found), {}, header),
        operations=tuple(DeleteConnectedApplication(application["id"]) for application in ordered),
        warnings=warnings,
    )


def _possibly_in_use(cache: Cache) -> set[int] | None:
    """Return the IDs of the applications that may hold the token in use, None where it is not known.

    The list names no client, but the site and the scope that each token was granted, and so does GET /me for the token
    in use; each token has one entry, so that an only match is the one.
    """
    account = cache.read(FindAccount())
    if account is None:
        return None
    matching = {
        application["id"]
        for application in cache.read(ListConnectedApplications())
        if application.get("client_id") in (None, account.get("token_client_id"))
        and (application["site"] or {}).get("site_id") == account["token_site_id"]
        and set(scopes(application.get("scope"))) == set(account["token_scope"])
    }
    # No match at all means that the two spell the scope differently.
    return matching or None
