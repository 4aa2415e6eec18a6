# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Pure planning of one publicize connection: (what is wanted, what is there) -> Plan."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ansible_collections.community.wpcom.plugins.module_utils._choose import (
    check_given,
    checked_service,
    checked_site,
    choose_keyring_connection,
    is_mine,
    unsupported,
)
from ansible_collections.community.wpcom.plugins.module_utils._errors import (
    AmbiguousMatchError,
    MissingError,
    NotAllowedError,
    OptionError,
)
from ansible_collections.community.wpcom.plugins.module_utils._plan import Diff, Plan, health_warning
from ansible_collections.community.wpcom.plugins.module_utils._records import (
    Record,
    account_name,
    describe,
    diff_view,
    is_named,
    is_number,
)
from ansible_collections.community.wpcom.plugins.module_utils._snapshot import Call, Snapshot


@dataclass(frozen=True)
class DesiredPublicizeConnection:
    """What the options of a task, or one entry of a list, ask for; None is left as it is."""

    state: str = "present"
    site: str | None = None
    id: int | None = None
    keyring_connection_id: int | None = None
    service: str | None = None
    account: str | None = None
    shared: bool | None = None
    external_user_id: str | None = None
    external_user_name: str | None = None
    reset_external_user: bool = False
    unique_per: str = "account"

    @classmethod
    def from_params(cls, params: Mapping[str, Any]) -> DesiredPublicizeConnection:
        """Return what is wanted. Raises OptionError, naming the option and the remedy."""
        check_given(
            params,
            numbers=("id", "keyring_connection_id"),
            texts=("service", "account", "external_user_id", "external_user_name"),
        )
        wanted = cls(
            state=params["state"],
            site=checked_site(params["site"]),
            id=params["id"],
            keyring_connection_id=params["keyring_connection_id"],
            service=checked_service(params["service"]),
            account=params["account"],
            shared=params["shared"],
            external_user_id=params["external_user_id"],
            external_user_name=params["external_user_name"],
            reset_external_user=bool(params["reset_external_user"]),
            unique_per=params["unique_per"],
        )
        wanted._check()
        return wanted

    def _check(self) -> None:
        if self.id is None and self.keyring_connection_id is None and self.service is None:
            raise OptionError(
                "One of id, keyring_connection_id and service is needed to tell which connection is meant."
            )
        if self.id is None:
            _site(self)
        if self.account is not None and self.service is None:
            raise OptionError("account needs service beside it: accounts of different services may have the same name.")
        if (self.external_user_id or "").lower() == "false":
            raise OptionError(
                "external_user_id must be an ID; to go back to the default user set reset_external_user to true."
            )
        chosen = [name for name in ("external_user_id", "external_user_name") if getattr(self, name) is not None]
        chosen += ["reset_external_user"] if self.reset_external_user else []
        if len(chosen) > 1:
            raise OptionError(f"{' and '.join(chosen)} exclude each other: give one of them.")

    @property
    def names_external_user(self) -> bool:
        """Whether the options say which external user it shall be."""
        return self.external_user_id is not None or self.external_user_name is not None or self.reset_external_user


def plan_publicize_connection(params: Mapping[str, Any], snapshot: Snapshot) -> Plan:
    """Return the plan for the options of ``wpcom_publicize_connection``. Raises WpcomError."""
    return plan_desired(DesiredPublicizeConnection.from_params(params), snapshot)


def plan_desired(wanted: DesiredPublicizeConnection, snapshot: Snapshot) -> Plan:
    """Return the plan for one connection. Raises WpcomError."""
    current = _current(wanted, snapshot)
    if wanted.state == "absent":
        return _plan_absent(wanted, current, snapshot)
    if current is None:
        return _plan_create(wanted, snapshot)
    return _plan_update(wanted, current, snapshot)


def _current(wanted: DesiredPublicizeConnection, snapshot: Snapshot) -> Record | None:
    """Return the connection that is meant, None where there is none."""
    if wanted.id is not None:
        current = snapshot.publicize_connection(wanted.id, wanted.site)
        if current is not None:
            _check_agrees(wanted, current, snapshot)
        return current
    snapshot.foresee_publicize_connections_on(_site(wanted))
    keyring = _keyring_connection(wanted, snapshot)
    if keyring is None:
        _check_nobody_elses(wanted, snapshot)
        return None
    candidates = [
        record
        for record in snapshot.publicize_connections_on(_site(wanted))
        if record.get("keyring_connection_id") == keyring["id"] and _is_mine(record, snapshot)
    ]
    # Absent removes no more than it names: a connection with another external user than the named one stays.
    if wanted.names_external_user and (wanted.unique_per == "external_user" or wanted.state == "absent"):
        candidates = [record for record in candidates if _has_external_user(wanted, record, snapshot)]
    if len(candidates) > 1:
        raise AmbiguousMatchError(
            f"{len(candidates)} publicize connections fit: {_listed(candidates)}. Name one by id{_or_by_user(wanted, candidates)}.",
            result={"candidates": candidates},
        )
    return candidates[0] if candidates else None


def _check_nobody_elses(wanted: DesiredPublicizeConnection, snapshot: Snapshot) -> None:
    """Refuse to call a connection absent that is there, made with somebody else's keyring connection."""
    if wanted.keyring_connection_id is not None:
        for record in snapshot.all_publicize_connections_on(_site(wanted)):
            if record.get("keyring_connection_id") == wanted.keyring_connection_id:
                _check_mine(record, snapshot)


def _or_by_user(wanted: DesiredPublicizeConnection, candidates: Sequence[Record]) -> str:
    """Return how to tell connections apart besides by ID, where their external users differ."""
    if len({record.get("external_id") for record in candidates}) < len(candidates):
        return ""
    if wanted.unique_per == "account":
        return ", or set unique_per to external_user and name the external user"
    return ", or name its external user by external_user_id"


def _check_agrees(wanted: DesiredPublicizeConnection, current: Record, snapshot: Snapshot) -> None:
    """Refuse options beside ``id`` that another connection is meant by."""
    checks: list[tuple[str, Any, Any]] = [
        ("service", wanted.service, current.get("service")),
        ("keyring_connection_id", wanted.keyring_connection_id, current.get("keyring_connection_id")),
    ]
    if wanted.account is not None:
        keyring = _keyring_connection(wanted, snapshot)
        checks.append(("account", keyring and keyring["id"], current.get("keyring_connection_id")))
    for name, asked, there in checks:
        if asked is not None and asked != there:
            raise OptionError(
                f"Publicize connection {describe(current)} does not fit {name}: its {name} cannot be changed. "
                f"Leave {name} out, or leave id out to make another connection."
            )


def _keyring_connection(wanted: DesiredPublicizeConnection, snapshot: Snapshot) -> Record | None:
    """Return the keyring connection that the options pick; where there is none, None for absent."""
    return choose_keyring_connection(
        snapshot,
        keyring_connection_id=wanted.keyring_connection_id,
        service=wanted.service,
        account=wanted.account,
        must_exist=wanted.state == "present",
    )


def keyring_connection_of(
    wanted: DesiredPublicizeConnection, record: Record | None, snapshot: Snapshot
) -> Record | None:
    """Return the keyring connection behind a connection, or the one that the options pick for one that is not there."""
    if record is None:
        return _keyring_connection(wanted, snapshot) if wanted.id is None else None
    return _keyring_behind(record, snapshot)


def _keyring_behind(record: Record, snapshot: Snapshot) -> Record | None:
    keyring_id = record.get("keyring_connection_id")
    return next((keyring for keyring in snapshot.keyring_connections() if keyring["id"] == keyring_id), None)


def _site(wanted: DesiredPublicizeConnection) -> str:
    if wanted.site is None:
        raise OptionError("site is needed unless id is given: name the site by its ID or domain.")
    return wanted.site


def _is_mine(record: Record, snapshot: Snapshot) -> bool:
    keyrings = snapshot.keyring_connections()

    def me() -> int | None:
        return keyrings[0].get("user_id") if keyrings else (snapshot.account() or {}).get("id")

    return is_mine(record, {keyring["id"] for keyring in keyrings}, me)


def _check_mine(record: Record, snapshot: Snapshot) -> None:
    if not _is_mine(record, snapshot):
        raise NotAllowedError(
            f"Publicize connection {describe(record)} belongs to somebody else "
            f"(user {record.get('keyring_connection_user_id', 'unknown')}) and is never changed from here: "
            "its owner has to do it.",
            result={"connection": record},
        )


def _listed(records: Sequence[Record]) -> str:
    return "; ".join(f"{describe(record)} for external user {record.get('external_id')}" for record in records)


# The external user


def _has_external_user(wanted: DesiredPublicizeConnection, record: Record, snapshot: Snapshot) -> bool:
    """Whether a connection already has the external user that the options name."""
    if wanted.external_user_id is not None:
        return bool(record.get("external_id") == wanted.external_user_id)
    name = wanted.external_user_name
    # A connection that was named by ID is known without its account, so its own copy of the name will do.
    if name is not None and wanted.id is not None and is_named(record, name):
        return True
    keyring = _needed_keyring(record, snapshot)
    if name is None:
        return bool(record.get("external_id") == keyring.get("external_id"))
    users = [keyring, *(keyring.get("additional_external_users") or [])]
    named = [user.get("external_id") for user in users if is_named(user, name)]
    # The copy may be out of date: a name means the page that bears it now.
    return record.get("external_id") in named if named else is_named(record, name)


def _needed_keyring(record: Record, snapshot: Snapshot) -> Record:
    keyring = _keyring_behind(record, snapshot)
    if keyring is None:
        raise MissingError(
            f"The keyring connection {record.get('keyring_connection_id')} of publicize connection {describe(record)} "
            "is not among yours: delete this connection and connect the account again."
        )
    return keyring


def _external_user(wanted: DesiredPublicizeConnection, keyring: Record, snapshot: Snapshot) -> Record | None:
    """Return the external user that shall be, None for the default one; checks that the service supports it."""
    service = _service(keyring, snapshot)
    if service["external_users_only"] and not (wanted.external_user_id or wanted.external_user_name):
        raise OptionError(
            f"{service.get('label') or service['id']} does not allow the profile itself, only one of its pages or "
            f"accounts: set external_user_id or external_user_name to one of {_external_users_listed(keyring)}."
        )
    if not wanted.names_external_user or wanted.reset_external_user:
        return None
    if not service["multiple_external_user_id_support"]:
        raise OptionError(
            f"{service.get('label') or service['id']} knows no external users beside the account itself: "
            "leave external_user_id and external_user_name out."
        )
    found = _matching_users(wanted, keyring, service)
    if not found:
        keyring = snapshot.refetched_keyring_connection(keyring["id"]) or keyring
        found = _matching_users(wanted, keyring, service)
    if not found:
        raise MissingError(
            f"Keyring connection {describe(keyring)} has no external user "
            f"{wanted.external_user_id or wanted.external_user_name!r}; there are {_external_users_listed(keyring)}. "
            "If it is new, its owner must give WordPress.com access to it by refreshing the connection.",
            code="unknown_external_user",
        )
    if len(found) > 1:
        ids = ", ".join(str(user.get("external_id")) for user in found)
        raise AmbiguousMatchError(
            f"{len(found)} external users are called {wanted.external_user_name!r}: name one by external_user_id ({ids})."
        )
    return None if found[0].get("external_id") == keyring.get("external_id") else found[0]


def _matching_users(wanted: DesiredPublicizeConnection, keyring: Record, service: Record) -> list[Record]:
    """Return those of the account's pages, and the account itself where the service allows it, that the options name."""
    pages = keyring.get("additional_external_users") or []
    users = pages if service["external_users_only"] else [keyring, *pages]
    if wanted.external_user_id is not None:
        found = [user for user in users if user.get("external_id") == wanted.external_user_id]
    else:
        found = [user for user in users if is_named(user, str(wanted.external_user_name))]
    # The account may be listed among its own pages.
    return list({user.get("external_id"): user for user in reversed(found)}.values())[::-1]


def _external_ids(keyring: Record) -> list[Any]:
    return [user.get("external_id") for user in (keyring, *(keyring.get("additional_external_users") or []))]


def _external_users_listed(keyring: Record) -> str:
    users = keyring.get("additional_external_users") or []
    return ", ".join(f"{user.get('external_id')} ({account_name(user)})" for user in users) or "none"


def _service(keyring: Record, snapshot: Snapshot) -> Record:
    """Return the service of a keyring connection; refuses one that cannot be posted to."""
    name = keyring.get("service")
    service = snapshot.service(str(name))
    if service is None or service.get("type", "publicize") != "publicize":
        raise OptionError(
            f"The service {name} of keyring connection {describe(keyring)} is none that a site can post to."
        )
    return service


# The plans


def _plan_absent(wanted: DesiredPublicizeConnection, current: Record | None, snapshot: Snapshot) -> Plan:
    if current is None:
        return Plan(result={"connection": None}, diff=Diff({}, {}, _header(wanted, None)))
    _check_mine(current, snapshot)
    plan = Plan(
        result={"connection": None},
        diff=Diff(diff_view(current), {}, _header(wanted, current)),
        operations=(_call(wanted, current, "delete"),),
        current=current,
    )
    keyring_connection_id = current.get("keyring_connection_id")
    if keyring_connection_id is None:
        return plan
    others = [
        record for record in snapshot.publicize_connections_with(keyring_connection_id) if record["id"] != current["id"]
    ]
    if others:
        return replace(plan, result={**plan.result, "keyring_connection_deleted": False})
    warning = (
        f"The publicize connection {describe(current)} is the last one of keyring connection {keyring_connection_id}: "
        "WordPress.com may delete that with it, and then only a person can connect the account again, in a browser."
    )
    gone = Call.of("keyring", "get", keyring_connection_id=keyring_connection_id)
    return replace(plan, warnings=(warning,), gone={"keyring_connection_deleted": gone})


def _plan_create(wanted: DesiredPublicizeConnection, snapshot: Snapshot) -> Plan:
    if wanted.id is not None:
        raise MissingError(
            f"There is no publicize connection {wanted.id}"
            + (f" on site {wanted.site}" if wanted.site else " of yours")
            + ". To make a new one leave id out, and give site and keyring_connection_id or service."
        )
    site = _site(wanted)
    keyring = _keyring_connection(wanted, snapshot)
    if keyring is None:
        raise MissingError("The keyring connection is gone.")
    service = _service(keyring, snapshot)
    if service.get("status") == "unsupported":
        raise unsupported(service)
    user = _external_user(wanted, keyring, snapshot)
    on_site = snapshot.publicize_connections_on(site)
    after = _created(keyring, user, _site_id(site, on_site, snapshot), wanted.shared)
    _check_capabilities(wanted, site, snapshot, creating=True)
    values: dict[str, Any] = {"keyring_connection_ID": keyring["id"]}
    expected: dict[str, Any] = {"keyring_connection_id": keyring["id"]}
    if wanted.shared is not None:
        values["shared"] = expected["shared"] = wanted.shared
    if user is not None:
        values["external_user_ID"] = expected["external_id"] = user["external_id"]
    return Plan(
        result={"connection": after},
        diff=Diff({}, diff_view(after), _header(wanted, after)),
        operations=(
            Call.of(
                "publicize",
                "create",
                site=site,
                values=values,
                expected=expected,
                known_ids=frozenset(record["id"] for record in on_site),
                other_users=frozenset(_external_ids(keyring)) - {after["external_id"]},
            ),
        ),
        warnings=health_warning("keyring connection", keyring),
        answer_key="connection",
    )


def _site_id(site: str, on_site: Sequence[Record], snapshot: Snapshot) -> int | None:
    if is_number(site):
        return int(site)
    if on_site:
        return on_site[0].get("site_id")
    there = snapshot.site(site)
    return there["id"] if there else None


def _created(keyring: Record, user: Record | None, site_id: int | None, shared: bool | None) -> Record:
    """Return the record that the server is going to make."""
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


def _plan_update(wanted: DesiredPublicizeConnection, current: Record, snapshot: Snapshot) -> Plan:
    after = dict(current)
    changes: dict[str, Any] = {}
    expected: dict[str, Any] = {}
    if wanted.shared is not None and current.get("shared") != wanted.shared:
        changes["shared"] = expected["shared"] = after["shared"] = wanted.shared
        after["user_id"] = 0 if wanted.shared else current.get("keyring_connection_user_id")
    if wanted.names_external_user and not _has_external_user(wanted, current, snapshot):
        _check_mine(current, snapshot)
        keyring = _needed_keyring(current, snapshot)
        user = _external_user(wanted, keyring, snapshot)
        # Any value that is not a JSON string goes back to the default user.
        changes["external_user_ID"] = user["external_id"] if user else False
        after = _with_user(after, user or keyring)
        expected["external_id"] = after["external_id"]
    diff = Diff(diff_view(current), diff_view(after), _header(wanted, current))
    warnings = health_warning("publicize connection", current)
    if not changes:
        return Plan(result={"connection": current}, diff=diff, warnings=warnings, current=current)
    _check_mine(current, snapshot)
    if "shared" in changes:
        _check_capabilities(wanted, str(wanted.site or current.get("site_id")), snapshot, creating=False)
    return Plan(
        result={"connection": after},
        diff=diff,
        operations=(_call(wanted, current, "update", changes=changes, expected=expected),),
        warnings=warnings,
        answer_key="connection",
        current=current,
    )


def _check_capabilities(wanted: DesiredPublicizeConnection, site: str, snapshot: Snapshot, *, creating: bool) -> None:
    """Foresee in check mode what the server would refuse; a real run hears it from the server, at no further request."""
    if not snapshot.check_mode:
        return
    if creating:
        # A site that does not let anybody post refuses this, too.
        snapshot.all_publicize_connections_on(site)
    there = snapshot.site(site) or {}
    needed = {"publish_posts": creating, "edit_others_posts": bool(wanted.shared) or not creating}
    for capability, is_needed in needed.items():
        if is_needed and (there.get("capabilities") or {}).get(capability) is False:
            raise NotAllowedError(
                f"The user of this token lacks the capability {capability} on site {site}, which is needed to "
                f"{'create' if capability == 'publish_posts' else 'share or unshare'} a publicize connection: "
                "have an administrator of the site raise the role, or use a token of such a user.",
                code="authorization_required",
            )


def _call(wanted: DesiredPublicizeConnection, current: Record, action: str, **arguments: Any) -> Call:
    if wanted.site is None:
        return Call.of("publicize", action, connection_id=current["id"], **arguments)
    return Call.of("publicize", f"{action}_on_site", site=wanted.site, connection_id=current["id"], **arguments)


def _header(wanted: DesiredPublicizeConnection, record: Record | None) -> str:
    if record is None:
        return f"publicize connection on site {wanted.site}" if wanted.site else f"publicize connection {wanted.id}"
    number = f"{record['id']} " if record.get("id") else ""
    return f"publicize connection {number}on site {wanted.site or record.get('site_id')} ({record.get('service')})"
