# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Planning of one publicize connection: (desired, what was read) -> plan."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from .._cache.read_cache import Cache, prefetch
from .._errors import AmbiguousMatchError, MissingError, NotAllowedError, OptionError, WpcomError
from .._operations import (
    CreatePublicizeConnection,
    DeletePublicizeConnection,
    FindAccount,
    FindSite,
    GetKeyringConnection,
    GetPublicizeConnection,
    GetService,
    ListKeyringConnections,
    ListOwnPublicizeConnectionsOnSite,
    ListPublicizeConnections,
    ListServices,
    ListSitePublicizeConnections,
    Query,
    UpdatePublicizeConnection,
)
from .._records.health import judged
from .._records.names import account_name, describe, listed
from .._records.record import Record, Records, diff_view, is_number
from .desired import DesiredPublicizeConnection
from .external_users import (
    desired_external_user,
    external_ids,
    has_external_user,
    keyring_connection_behind,
    pages_listed,
    profile_ids,
    publishing_service,
    required_keyring_connection,
)
from .health_warning import health_warning
from .plan import Diff, Plan
from .selection import (
    another_users,
    is_own_publicize_connection,
    select_keyring_connection,
    site_id,
    with_account,
)


@dataclass(frozen=True)
class PublicizePlan(Plan):
    """The plan for one publicize connection; ``existing`` is its record before, None where it is absent.

    ``service`` and ``profiles`` decide the health of the record that an operation leaves.
    """

    existing: Record | None = None
    service: Record | None = None
    profiles: frozenset[str] = frozenset()

    def complete(self, record: Record) -> Record:
        """Return the record that an operation leaves, with the health that its service gives it."""
        return judged(record, self.service, self.profiles)


def plan_publicize_connection(params: Mapping[str, Any], cache: Cache) -> PublicizePlan:
    """Return the plan for the options of ``wpcom_publicize_connection``. Raises WpcomError."""
    desired = DesiredPublicizeConnection.from_params(params)
    plan = plan_desired(desired, cache)
    absent = desired.state == "absent"
    warnings = _undecided_warnings(desired, cache) if absent else _warnings(desired, plan, cache)
    return replace(plan, warnings=(*plan.warnings, *warnings))


def plan_desired(desired: DesiredPublicizeConnection, cache: Cache, *, alone: bool = True) -> PublicizePlan:
    """Return the plan for one connection. Raises WpcomError.

    Where it is not ``alone``, the services have been read for all.
    """
    found = existing = _existing(desired, cache)
    if found is not None and (not alone or desired.id is None):
        existing = _judged(found, cache)
    if desired.state == "absent":
        return _plan_absent(desired, existing, cache)
    if existing is None or found is None:
        return _plan_create(desired, cache, alone=alone)
    return _plan_update(desired, existing, found, cache)


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
    prefetch(cache, ListKeyringConnections(), own_on_site, _service_query(desired))
    keyring = _keyring_connection(desired, cache)
    candidates = [
        record
        for record in cache.read(own_on_site)
        if keyring is not None
        and record.get("keyring_connection_id") == keyring["id"]
        and is_own_publicize_connection(record, cache)
    ]
    if desired.state == "absent":
        candidates += _orphans(desired, cache)
    # Absent removes no more than it names: a connection with another external user than the named one stays.
    if desired.names_external_user and (desired.unique_per == "external_user" or desired.state == "absent"):
        candidates = [record for record in candidates if has_external_user(desired, record, cache)]
    if len(candidates) > 1:
        raise AmbiguousMatchError(
            f"{len(candidates)} publicize connections match: {listed(candidates)}. "
            f"Select one by id{_or_by_user(desired, candidates)}.",
            result={"candidates": candidates},
        )
    if keyring is None and not candidates:
        _check_not_of_another_user(desired, cache)
    return candidates[0] if candidates else None


def _orphans(desired: DesiredPublicizeConnection, cache: Cache) -> Records:
    """Return the user's connections that the options mean and whose keyring connection no longer exists.

    They go on posting. The account behind one is not known any more, so its own names stand for it.
    """
    known = {keyring["id"] for keyring in cache.read(ListKeyringConnections())}
    found = [
        record
        for record in cache.read(ListOwnPublicizeConnectionsOnSite(desired.on_site))
        if desired.service in (None, record.get("service"))
        and record.get("keyring_connection_id") not in known
        and desired.keyring_connection_id in (None, record.get("keyring_connection_id"))
        and not record.get("read_only")
    ]
    if desired.account is not None:
        # Both at once, as for an account: else the next run would delete what the first one has not meant.
        found = with_account(found, desired.account)
    return [record for record in found if is_own_publicize_connection(record, cache)]


def _service_query(desired: DesiredPublicizeConnection) -> Query[Any]:
    """Return the query for the service, which is read with everything else: all of them where no option names it."""
    return GetService(desired.service) if desired.service else ListServices()


def _judged(record: Record, cache: Cache) -> Record:
    """Return a connection with the health that its service gives it, as far as that can be read."""
    return judged(record, _known_service(record, cache), profile_ids(keyring_connection_behind(record, cache)))


def _known_service(record: Record, cache: Cache) -> Record | None:
    try:
        return cache.read(GetService(str(record.get("service"))))
    except WpcomError:
        # It decides nothing but a warning here.
        return None


def _check_not_of_another_user(desired: DesiredPublicizeConnection, cache: Cache) -> None:
    """Refuse to call a connection absent that exists, made with another user's keyring connection."""
    if desired.keyring_connection_id is not None:
        for record in cache.read(ListSitePublicizeConnections(desired.on_site)):
            if record.get("keyring_connection_id") == desired.keyring_connection_id:
                _check_own(record, cache)


def _or_by_user(desired: DesiredPublicizeConnection, candidates: Sequence[Record]) -> str:
    """Return how to distinguish connections other than by ID, where their external users differ."""
    if len({record.get("external_id") for record in candidates}) < len(candidates):
        return ""
    if desired.unique_per == "account":
        return ", or set unique_per to external_user and name the external user"
    return ", or name its external user by external_user_id"


def _check_agrees(desired: DesiredPublicizeConnection, existing: Record, cache: Cache) -> None:
    """Refuse options in addition to ``id`` that mean another connection."""
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
    try:
        return select_keyring_connection(
            cache,
            keyring_connection_id=desired.keyring_connection_id,
            service=desired.service,
            account=desired.account,
            must_exist=desired.state == "present",
        )
    except MissingError as error:
        if desired.id is None:
            error.message += "".join(f" {warning}" for warning in _orphan_warnings(desired, desired.service, cache))
        raise


def _orphan_warnings(desired: DesiredPublicizeConnection, service: Any, cache: Cache) -> tuple[str, ...]:
    """Return a warning for each orphan of the service on the site, whatever account it was created for."""
    meant = desired if service is None else replace(desired, service=service, account=None, keyring_connection_id=None)
    return tuple(map(orphan_warning, _orphans(meant, cache)))


def _undecided_warnings(desired: DesiredPublicizeConnection, cache: Cache) -> tuple[str, ...]:
    """Return a warning for each orphan of which nothing shows any more whether it posts as the account itself."""
    if desired.id is not None or not desired.reset_external_user:
        return ()
    return tuple(map(orphan_warning, _orphans(desired, cache)))


def orphan_warning(record: Record) -> str:
    """Return the warning of a connection that goes on posting without its keyring connection."""
    return (
        f"The publicize connection {describe(record)} still posts, although its keyring connection "
        f"{record.get('keyring_connection_id')} no longer exists: set state to absent and id to {record['id']} to delete it."
    )


def _twin_warnings(existing: Record | None, after: Record, on_site: Sequence[Record]) -> tuple[str, ...]:
    """Return a warning for each other connection on the site that posts to the same place."""
    return tuple(
        twin_warning(after, other)
        for other in on_site
        if is_twin(after, other) and other["id"] != (existing or {}).get("id")
    )


def is_twin(record: Record, other: Record) -> bool:
    """Whether two connections on a site post to the same place."""
    place = (record.get("service"), record.get("external_id"))
    return bool(record.get("external_id")) and place == (other.get("service"), other.get("external_id"))


def twin_warning(record: Record, other: Record) -> str:
    """Return the warning that each post appears twice."""
    return (
        f"The publicize connection {record['id'] or 'to be created'} ({record.get('service')}: {account_name(record)}) posts "
        f"to the same place as publicize connection {describe(other)}, which uses keyring connection "
        f"{other.get('keyring_connection_id')}: each post appears twice. Delete one of the two."
    )


def _check_own(record: Record, cache: Cache) -> None:
    if not is_own_publicize_connection(record, cache):
        raise another_users("Publicize connection", record, record.get("keyring_connection_user_id"), connection=record)


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
    keyring = keyring_connection_behind(existing, cache)
    if keyring is None:
        # It is gone already.
        return plan
    of_keyring = cache.read(ListPublicizeConnections(keyring_connection_id=keyring["id"]))
    _check_listed_as_own(existing, of_keyring, cache)
    if any(record["id"] != existing["id"] for record in of_keyring):
        return replace(plan, result={**plan.result, "keyring_connection_deleted": False})
    warning = (
        f"The publicize connection {describe(existing)} is the last one of keyring connection {keyring['id']}: "
        "WordPress.com may delete the keyring connection with it."
    )
    if existing["repair"] != "remove":
        warning += " The account can then be connected again in a browser only."
    return replace(
        plan, warnings=(warning,), follow_ups={"keyring_connection_deleted": GetKeyringConnection(keyring["id"])}
    )


def _plan_create(desired: DesiredPublicizeConnection, cache: Cache, *, alone: bool) -> PublicizePlan:
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
    user = desired_external_user(desired, keyring, cache)
    on_site = cache.read(ListOwnPublicizeConnectionsOnSite(site))
    _check_not_of_the_only_other_user(keyring, on_site, cache, alone=alone)
    after = _created(keyring, user, site_id_of(site, cache), desired.shared)
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
        service=service,
        profiles=profile_ids(keyring),
    )


def _check_not_of_the_only_other_user(keyring: Record, on_site: Records, cache: Cache, *, alone: bool) -> None:
    """Refuse a keyring connection of another user, whom the list may show even where it shows none of the user's own.

    A connection created with it would not be found by the next run, which would create another one. Who the user is is read
    only where the connections that were read show another user than the keyring connection.
    """
    owner = keyring.get("user_id")
    if any(record.get("read_only") and record.get("keyring_connection_id") == keyring["id"] for record in on_site):
        raise another_users("Keyring connection", keyring, owner)
    if alone or not owner:
        return
    own = [record for record in cache.read(ListPublicizeConnections()) if not record.get("read_only")]
    owners = {record.get("keyring_connection_user_id") for record in own} - {None, 0}
    if owners and owner not in owners:
        _check_is_me(owner, cache, another_users("Keyring connection", keyring, owner))


def _check_listed_as_own(existing: Record, own: Records, cache: Cache) -> None:
    """Refuse to delete what another user owns and the list of the user's own connections lacks.

    The list of keyring connections may show only that user's, so that they look like the user's own. Who the user is is read
    only where the connection is not listed.
    """
    owner = existing.get("keyring_connection_user_id")
    if owner and all(record["id"] != existing["id"] for record in own):
        _check_is_me(owner, cache, another_users("Publicize connection", existing, owner, connection=existing))


def _check_is_me(owner: int, cache: Cache, error: NotAllowedError) -> None:
    """Raise the error where the account can be read and is not the owner's."""
    account = cache.read(FindAccount())
    if account is not None and account["id"] != owner:
        raise error


def site_id_of(site: str, cache: Cache) -> int | None:
    """Return the ID of a site, also where the token may not read the site but one of its connections shows the ID."""
    if is_number(site):
        return int(site)
    on_site = cache.read(ListOwnPublicizeConnectionsOnSite(site))
    return on_site[0].get("site_id") if on_site else site_id(site, cache)


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


def _plan_update(desired: DesiredPublicizeConnection, existing: Record, found: Record, cache: Cache) -> PublicizePlan:
    """Return the plan for a connection that exists; ``found`` is its record before its service gave it another health."""
    after = dict(found)
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
    elif desired.reset_external_user:
        service = _known_service(existing, cache)
        if service is not None and service["external_users_only"]:
            # It has the profile itself already, but may not have it: the error says so.
            desired_external_user(desired, required_keyring_connection(existing, cache), cache)
    if operation.shared is None and not operation.changes_external_user:
        return PublicizePlan(
            result={"connection": existing},
            diff=Diff(diff_view(existing), diff_view(existing), _header(desired, existing)),
            existing=existing,
        )
    _check_own(existing, cache)
    published = publishing_service(existing, cache)
    profiles = _profiles(existing, published, cache)
    after = judged(after, published, profiles)
    if after["repair"] == "choose_external_user":
        keyring = required_keyring_connection(existing, cache)
        raise OptionError(
            f"Publicize connection {describe(existing)} posts nothing: {published.get('label') or published['id']} supports "
            "posting to pages only, and no page was chosen. Set external_user_id or external_user_name to one of "
            f"{pages_listed(keyring)}.",
            code="no_external_user",
        )
    if operation.shared is not None:
        _check_capabilities(desired, str(desired.site or existing.get("site_id")), cache, creating=False)
    changed = {"shared": operation.shared is not None, "external_id": operation.changes_external_user}
    previous = tuple((key, existing.get(key)) for key, is_changed in changed.items() if is_changed)
    return PublicizePlan(
        result={"connection": after},
        diff=Diff(diff_view(existing), diff_view(after), _header(desired, existing)),
        operations=(replace(operation, previous=previous),),
        existing=existing,
        service=published,
        profiles=profiles,
    )


def _profiles(existing: Record, service: Record, cache: Cache) -> frozenset[str]:
    # Where profiles may be posted to, nobody has to know which external user is one.
    return profile_ids(keyring_connection_behind(existing, cache)) if service["external_users_only"] else frozenset()


def _warnings(desired: DesiredPublicizeConnection, plan: PublicizePlan, cache: Cache) -> tuple[str, ...]:
    """Return the warnings of a connection that is present: its health, and what else posts to the same service."""
    after: Record = plan.result["connection"]
    needs_keyring = plan.existing is None or after["repair"] == "choose_external_user"
    keyring = keyring_connection_behind(after, cache) if needs_keyring else None
    if plan.existing is None:
        health = health_warning("keyring connection", keyring or after)
    else:
        health = health_warning("publicize connection", after, pages_listed(keyring) if keyring else "")
    if desired.id is not None:
        return health
    on_site = cache.read(ListOwnPublicizeConnectionsOnSite(desired.on_site))
    return (
        *health,
        *_twin_warnings(plan.existing, after, on_site),
        *_orphan_warnings(desired, after.get("service"), cache),
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
