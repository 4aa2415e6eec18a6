# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Planning of one publicize connection: (desired, what was read) -> plan."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from .._cache.read_cache import Cache, prefetch
from .._errors import AmbiguousMatchError, MissingError, NotAllowedError, OptionError
from .._operations import (
    CreatePublicizeConnection,
    DeletePublicizeConnection,
    FindAccount,
    FindSite,
    GetKeyringConnection,
    GetPublicizeConnection,
    ListKeyringConnections,
    ListOwnPublicizeConnectionsOnSite,
    ListPublicizeConnections,
    ListSitePublicizeConnections,
    UpdatePublicizeConnection,
)
from .._records.names import describe
from .._records.record import Record, diff_view, is_number
from .desired import DesiredPublicizeConnection
from .external_users import (
    desired_external_user,
    external_ids,
    has_external_user,
    keyring_connection_behind,
    publishing_service,
    required_keyring_connection,
)
from .plan import Diff, Plan, health_warning
from .selection import is_own, select_keyring_connection, unsupported


@dataclass(frozen=True)
class PublicizePlan(Plan):
    """The plan for one publicize connection; ``existing`` is its record before, None where it is absent."""

    existing: Record | None = None


def plan_publicize_connection(params: Mapping[str, Any], cache: Cache) -> PublicizePlan:
    """Return the plan for the options of ``wpcom_publicize_connection``. Raises WpcomError."""
    return plan_desired(DesiredPublicizeConnection.from_params(params), cache)


def plan_desired(desired: DesiredPublicizeConnection, cache: Cache) -> PublicizePlan:
    """Return the plan for one connection. Raises WpcomError."""
    existing = _existing(desired, cache)
    if desired.state == "absent":
        return _plan_absent(desired, existing, cache)
    if existing is None:
        return _plan_create(desired, cache)
    return _plan_update(desired, existing, cache)


def keyring_connection_of(desired: DesiredPublicizeConnection, record: Record | None, cache: Cache) -> Record | None:
    """Return the keyring connection behind a connection, or the one that the options select for one that is absent."""
    if record is None:
        return _keyring_connection(desired, cache) if desired.id is None else None
    return keyring_connection_behind(record, cache)


# Which connection is meant


def _existing(desired: DesiredPublicizeConnection, cache: Cache) -> Record | None:
    """Return the connection that is meant, None where it is absent."""
    if desired.id is not None:
        existing = cache.read(GetPublicizeConnection(desired.id, desired.site))
        if existing is not None:
            _check_agrees(desired, existing, cache)
        return existing
    own_on_site = ListOwnPublicizeConnectionsOnSite(desired.on_site)
    prefetch(cache, ListKeyringConnections(), own_on_site)
    keyring = _keyring_connection(desired, cache)
    if keyring is None:
        _check_not_of_another_user(desired, cache)
        return None
    candidates = [
        record
        for record in cache.read(own_on_site)
        if record.get("keyring_connection_id") == keyring["id"] and _is_own(record, cache)
    ]
    # Absent removes no more than it names: a connection with another external user than the named one stays.
    if desired.names_external_user and (desired.unique_per == "external_user" or desired.state == "absent"):
        candidates = [record for record in candidates if has_external_user(desired, record, cache)]
    if len(candidates) > 1:
        raise AmbiguousMatchError(
            f"{len(candidates)} publicize connections match: {_listed(candidates)}. "
            f"Select one by id{_or_by_user(desired, candidates)}.",
            result={"candidates": candidates},
        )
    return candidates[0] if candidates else None


def _check_not_of_another_user(desired: DesiredPublicizeConnection, cache: Cache) -> None:
    """Refuse to call a connection absent that exists, made with another user's keyring connection."""
    if desired.keyring_connection_id is not None:
        for record in cache.read(ListSitePublicizeConnections(desired.on_site)):
            if record.get("keyring_connection_id") == desired.keyring_connection_id:
                _check_own(record, cache)


def _or_by_user(desired: DesiredPublicizeConnection, candidates: Sequence[Record]) -> str:
    """Return how to tell connections apart besides by ID, where their external users differ."""
    if len({record.get("external_id") for record in candidates}) < len(candidates):
        return ""
    if desired.unique_per == "account":
        return ", or set unique_per to external_user and name the external user"
    return ", or name its external user by external_user_id"


def _check_agrees(desired: DesiredPublicizeConnection, existing: Record, cache: Cache) -> None:
    """Refuse options beside ``id`` that mean another connection."""
    checks: list[tuple[str, Any, Any]] = [
        ("service", desired.service, existing.get("service")),
        ("keyring_connection_id", desired.keyring_connection_id, existing.get("keyring_connection_id")),
    ]
    if desired.account is not None:
        keyring = _keyring_connection(desired, cache)
        checks.append(("account", keyring and keyring["id"], existing.get("keyring_connection_id")))
    for name, asked, value in checks:
        if asked is not None and asked != value:
            raise OptionError(
                f"Publicize connection {describe(existing)} does not match {name}: its {name} cannot be changed. "
                f"Omit {name}, or omit id to create another connection."
            )


def _keyring_connection(desired: DesiredPublicizeConnection, cache: Cache) -> Record | None:
    """Return the keyring connection that the options select; where there is none, None for absent."""
    return select_keyring_connection(
        cache,
        keyring_connection_id=desired.keyring_connection_id,
        service=desired.service,
        account=desired.account,
        must_exist=desired.state == "present",
    )


def _is_own(record: Record, cache: Cache) -> bool:
    keyrings = cache.read(ListKeyringConnections())

    def me() -> int | None:
        return keyrings[0].get("user_id") if keyrings else (cache.read(FindAccount()) or {}).get("id")

    return is_own(record, {keyring["id"] for keyring in keyrings}, me)


def _check_own(record: Record, cache: Cache) -> None:
    if not _is_own(record, cache):
        raise NotAllowedError(
            f"Publicize connection {describe(record)} is owned by another user "
            f"({record.get('keyring_connection_user_id', 'unknown')}) and cannot be changed with this token: "
            "its owner has to do it.",
            result={"connection": record},
        )


def _listed(records: Sequence[Record]) -> str:
    return "; ".join(f"{describe(record)} for external user {record.get('external_id')}" for record in records)


# The plans


def _plan_absent(desired: DesiredPublicizeConnection, existing: Record | None, cache: Cache) -> PublicizePlan:
    if existing is None:
        return PublicizePlan(result={"connection": None}, diff=Diff({}, {}, _header(desired, None)))
    _check_own(existing, cache)
    plan = PublicizePlan(
        result={"connection": None},
        diff=Diff(diff_view(existing), {}, _header(desired, existing)),
        operations=(DeletePublicizeConnection(existing["id"], desired.site),),
        existing=existing,
    )
    keyring_id = existing.get("keyring_connection_id")
    if keyring_id is None:
        return plan
    of_keyring = cache.read(ListPublicizeConnections(keyring_connection_id=keyring_id))
    if any(record["id"] != existing["id"] for record in of_keyring):
        return replace(plan, result={**plan.result, "keyring_connection_deleted": False})
    warning = (
        f"The publicize connection {describe(existing)} is the last one of keyring connection {keyring_id}: WordPress.com "
        "may delete the keyring connection with it. The account can then be connected again in a browser only."
    )
    return replace(
        plan, warnings=(warning,), follow_ups={"keyring_connection_deleted": GetKeyringConnection(keyring_id)}
    )


def _plan_create(desired: DesiredPublicizeConnection, cache: Cache) -> PublicizePlan:
    if desired.id is not None:
        raise MissingError(
            f"Publicize connection {desired.id} not found"
            + (f" on site {desired.site}" if desired.site else " among yours")
            + ". To create a new one omit id, and set site and keyring_connection_id or service."
        )
    site = desired.on_site
    keyring = _keyring_connection(desired, cache)
    if keyring is None:
        raise MissingError("The keyring connection no longer exists.")
    service = publishing_service(keyring, cache)
    if service.get("status") == "unsupported":
        raise unsupported(service)
    user = desired_external_user(desired, keyring, cache)
    on_site = cache.read(ListOwnPublicizeConnectionsOnSite(site))
    after = _created(keyring, user, _site_id(site, on_site, cache), desired.shared)
    _check_capabilities(desired, site, cache, creating=True)
    return PublicizePlan(
        result={"connection": after},
        diff=Diff({}, diff_view(after), _header(desired, after)),
        operations=(
            CreatePublicizeConnection(
                site,
                keyring["id"],
                shared=desired.shared,
                external_id=user["external_id"] if user else None,
                known_ids=frozenset(record["id"] for record in on_site),
                other_external_ids=frozenset(external_ids(keyring)) - {after["external_id"]},
            ),
        ),
        warnings=health_warning("keyring connection", keyring),
    )


def _site_id(site: str, on_site: Sequence[Record], cache: Cache) -> int | None:
    if is_number(site):
        return int(site)
    if on_site:
        return on_site[0].get("site_id")
    found = cache.read(FindSite(site))
    return found["id"] if found else None


def _created(keyring: Record, user: Record | None, site_id: int | None, shared: bool | None) -> Record:
    """Return the record that the server is going to create."""
    record: Record = {
        "id": None,
        "site_id": site_id,
        "user_id": 0 if shared else keyring.get("user_id"),
        "keyring_connection_id": keyring["id"],
        "keyring_connection_user_id": keyring.get("user_id"),
        "shared": bool(shared),
        "issued": None,
        **{key: keyring.get(key) for key in ("service", "label", "expires", "status", "refresh_url")},
        "health": keyring["health"],
        "repair": keyring["repair"],
    }
    return _with_user(record, user or keyring)


def _with_user(record: Record, user: Record) -> Record:
    keys = ("external_id", "external_name", "external_display", "external_profile_picture")
    return {**record, **{key: user.get(key) for key in keys}}


def _plan_update(desired: DesiredPublicizeConnection, existing: Record, cache: Cache) -> PublicizePlan:
    after = dict(existing)
    operation = UpdatePublicizeConnection(existing["id"], desired.site)
    if desired.shared is not None and existing.get("shared") != desired.shared:
        operation = replace(operation, shared=desired.shared)
        after["shared"] = desired.shared
        after["user_id"] = 0 if desired.shared else existing.get("keyring_connection_user_id")
    if desired.names_external_user and not has_external_user(desired, existing, cache):
        _check_own(existing, cache)
        keyring = required_keyring_connection(existing, cache)
        user = desired_external_user(desired, keyring, cache)
        after = _with_user(after, user or keyring)
        operation = replace(operation, external_id=after["external_id"], is_default_user=user is None)
    diff = Diff(diff_view(existing), diff_view(after), _header(desired, existing))
    warnings = health_warning("publicize connection", existing)
    if operation.shared is None and not operation.changes_external_user:
        return PublicizePlan(result={"connection": existing}, diff=diff, warnings=warnings, existing=existing)
    _check_own(existing, cache)
    if operation.shared is not None:
        _check_capabilities(desired, str(desired.site or existing.get("site_id")), cache, creating=False)
    return PublicizePlan(
        result={"connection": after}, diff=diff, operations=(operation,), warnings=warnings, existing=existing
    )


def _check_capabilities(desired: DesiredPublicizeConnection, site: str, cache: Cache, *, creating: bool) -> None:
    """Predict in check mode what the server would refuse; in a real run the server says so, at no further request."""
    if not cache.check_mode:
        return
    if creating:
        # A site on which nobody may post refuses this, too.
        prefetch(cache, ListSitePublicizeConnections(site), FindSite(site))
        cache.read(ListSitePublicizeConnections(site))
    found = cache.read(FindSite(site)) or {}
    required = {"publish_posts": creating, "edit_others_posts": bool(desired.shared) or not creating}
    for capability, is_required in required.items():
        if is_required and (found.get("capabilities") or {}).get(capability) is False:
            raise NotAllowedError(
                f"The user of this token lacks the capability {capability} on site {site}, which is required to "
                f"{'create' if capability == 'publish_posts' else 'share or unshare'} a publicize connection: "
                "have an administrator of the site change the role, or use a token of a user who has it.",
                code="authorization_required",
            )


def _header(desired: DesiredPublicizeConnection, record: Record | None) -> str:
    if record is None:
        return f"publicize connection on site {desired.site}" if desired.site else f"publicize connection {desired.id}"
    number = f"{record['id']} " if record.get("id") else ""
    return f"publicize connection {number}on site {desired.site or record.get('site_id')} ({record.get('service')})"
