# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A second reading of the options of a task, which shares no code with the plans: what it may touch, and what it has to leave."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.community.wpcom.tests.unit.support import TOKEN

ME, OTHER = 1, 2
SITES = {1: "site1.example.com", 2: "site2.example.com"}
# What the simulator holds, by section and ID.
State = dict[str, dict[int, dict[str, Any]]]
# What may differ of which thing: its keys, MADE, or DELETED.
Permission = dict[tuple[str, int], set[str]]
MADE, DELETED = "(made)", "(deleted)"
EXTERNAL_USER = {"external_user_ID", "external_ID", "external_name", "external_display"}
NO_KEYRING: dict[str, Any] = {
    "ID": None,
    "user_ID": None,
    "service": None,
    "external_ID": None,
    "external_name": None,
    "additional_external_users": [],
    "gone": True,
}


def site_of(given: Mapping[str, Any]) -> Any:
    """Return the ID of the site that options name, None where they name none."""
    return next((number for number in SITES if str(number) in given["site"]), None) if given.get("site") else None


def keyring_of(row: Mapping[str, Any], state: State) -> dict[str, Any]:
    """Return the keyring connection of a publicize connection."""
    return state["keyring_connections"].get(row["keyring_connection_ID"], NO_KEYRING)


def is_mine(row: Mapping[str, Any], state: State) -> bool:
    """Whether a connection was made with a keyring connection of mine."""
    return bool(keyring_of(row, state)["user_ID"] == ME)


def shows_only_another_user(state: State) -> bool:
    """Whether the list of keyring connections shows another user's only.

    Who the token's user is is read only where the lists show several users, so that they may be taken for this user's. What
    becomes of a write is up to the server then.
    """
    return {row["user_ID"] for row in state["keyring_connections"].values() if not row["gone"]} == {OTHER}


def names_external_user(given: Mapping[str, Any]) -> bool:
    """Whether options say which external user a connection has."""
    return any(given.get(key) for key in ("external_user_id", "external_user_name", "reset_external_user"))


def external_users(keyring: Mapping[str, Any], given: Mapping[str, Any]) -> set[str]:
    """Return the IDs of the external users that options name, of an account."""
    users = [keyring, *keyring["additional_external_users"]]
    if given.get("external_user_id"):
        return {given["external_user_id"]}
    if given.get("external_user_name"):
        return {user["external_ID"] for user in users if user["external_name"] == given["external_user_name"]}
    return {keyring["external_ID"]}


def has_external_user(row: Mapping[str, Any], given: Mapping[str, Any], state: State) -> bool:
    """Whether a connection has the external user that options name."""
    keyring = keyring_of(row, state)
    return (row["external_user_ID"] or keyring["external_ID"]) in external_users(keyring, given)


def is_account(keyring: Mapping[str, Any], given: Mapping[str, Any]) -> bool:
    """Whether options mean a keyring connection, whoever owns it."""
    return (
        given.get("keyring_connection_id") in (None, keyring["ID"])
        and given.get("service") in (None, keyring["service"])
        and given.get("account") in (None, keyring["external_ID"], keyring["external_name"])
    )


def selected(given: Mapping[str, Any], state: State) -> list[dict[str, Any]]:
    """Return my publicize connections that the options of a task, or of an entry, mean."""
    narrows = given["state"] == "absent" or given.get("unique_per") == "external_user"
    return [
        row
        for row in state["publicize_connections"].values()
        if is_mine(row, state)
        and given.get("id") in (None, row["ID"])
        and site_of(given) in (None, row["site_ID"])
        and is_account(keyring_of(row, state), given)
        and ("id" in given or not narrows or not names_external_user(given) or has_external_user(row, given, state))
    ]


def is_as_asked(row: Mapping[str, Any], given: Mapping[str, Any], state: State) -> bool:
    """Whether a connection is as a task, or an entry, with the state present asks."""
    is_shared = given.get("shared") in (None, row["shared"])
    return is_shared and (not names_external_user(given) or has_external_user(row, given, state))


def accounts_of(given: Mapping[str, Any], state: State) -> list[dict[str, Any]]:
    """Return my keyring connections that the options of a task about a publicize connection mean."""
    return [
        row
        for row in state["keyring_connections"].values()
        if row["user_ID"] == ME and not row["gone"] and is_account(row, given)
    ]


def keyrings(given: Mapping[str, Any], state: State) -> list[dict[str, Any]]:
    """Return my keyring connections that the options of a task about a keyring connection mean."""
    return accounts_of({**given, "keyring_connection_id": given.get("id")}, state)


def applications(given: Mapping[str, Any], state: State) -> list[dict[str, Any]]:
    """Return my connected applications that the options of a task mean."""
    return [
        row
        for row in state["applications"].values()
        if row["user_ID"] == ME
        and given.get("id") in (None, row["ID"])
        and given.get("title") in (None, row["title"])
        and site_of(given) in (None, row["site_ID"])
    ]


# What a task may touch


def may_touch(kind: str, given: Mapping[str, Any], state: State, *, with_last: bool) -> Permission:
    """Return what a task may touch.

    ``with_last`` says whether the server deletes a keyring connection with its last publicize connection.
    """
    found: Permission = {}
    for section, number, key in _touched(kind, given, state, with_last):
        found.setdefault((section, number), set()).add(key)
    return found


def _touched(kind: str, given: Mapping[str, Any], state: State, with_last: bool) -> Iterator[tuple[str, int, str]]:
    absent = given.get("state") == "absent"
    if kind == "application" and absent:
        for row in applications(given, state):
            alike = [other for other in state["applications"].values() if _grant(other) == _grant(row)]
            # Where it is certain that it holds the token in use, it is not revoked.
            if row["token"] != TOKEN or len(alike) > 1:
                yield "applications", row["ID"], DELETED
    if kind == "keyring" and absent:
        for keyring in keyrings(given, state):
            yield "keyring_connections", keyring["ID"], DELETED
            if given["cascade"]:
                rows = state["publicize_connections"].values()
                yield from _deleted([row for row in rows if row["keyring_connection_ID"] == keyring["ID"]], False)
    if kind == "publicize" and absent:
        yield from _deleted(selected(given, state), with_last)
    if kind == "publicize" and not absent:
        for row in selected(given, state):
            yield from (("publicize_connections", row["ID"], key) for key in _changed(row, given, state))
    if kind == "bulk":
        # An account that is to have a connection must not go with the ones that it had.
        kept = {
            keyring["ID"]
            for entry in given["connections"]
            if entry["state"] == "present" and "id" not in entry
            for keyring in accounts_of(entry, state)
        }
        touched = [place for entry in given["connections"] for place in _touched("publicize", entry, state, with_last)]
        if given.get("purge") == "listed":
            touched += _deleted(unlisted(given, state), with_last)
        yield from (
            (section, number, key)
            for section, number, key in touched
            if section != "keyring_connections" or number not in kept
        )


def _grant(application: Mapping[str, Any]) -> tuple[Any, ...]:
    return application["user_ID"], application["scope"], application["site_ID"]


def _deleted(rows: list[dict[str, Any]], with_last: bool) -> Iterator[tuple[str, int, str]]:
    for row in rows:
        yield "publicize_connections", row["ID"], DELETED
        if with_last:
            yield "keyring_connections", row["keyring_connection_ID"], DELETED


def _changed(row: Mapping[str, Any], given: Mapping[str, Any], state: State) -> Iterator[str]:
    if given.get("shared") is not None:
        yield "shared"
    if names_external_user(given):
        yield from EXTERNAL_USER
    if "id" not in given and row["shared"] == bool(given.get("shared")) and is_as_asked(row, given, state):
        yield MADE


def unlisted(given: Mapping[str, Any], state: State) -> list[dict[str, Any]]:
    """Return my connections on the sites that the entries of a list name, as far as no entry is for them."""
    sites = {site_of(entry) for entry in given["connections"] if entry.get("site")}
    listed = {row["ID"] for entry in given["connections"] for row in selected(entry, state)}
    return [
        row
        for row in state["publicize_connections"].values()
        if row["site_ID"] in sites and row["ID"] not in listed and is_mine(row, state)
    ]


def differences(before: State, after: State) -> Permission:
    """Return what is different of which thing."""
    found: Permission = {}
    for section, rows in before.items():
        for number in {*rows, *after[section]}:
            old, new = rows.get(number), after[section].get(number)
            if old is None or new is None:
                found[section, number] = {MADE if old is None else DELETED}
            elif old != new:
                found[section, number] = {key for key in {*old, *new} if old.get(key) != new.get(key)}
    return found


# What a task has to leave


def left_undone(kind: str, given: Mapping[str, Any], state: State) -> list[Any]:
    """Return what is not as it must be after a task that has succeeded."""
    absent = given.get("state") == "absent"
    if kind == "application":
        found = applications(given, state)
        return found if absent else [] if found else [given]
    if kind == "keyring":
        # An account that was one of several is not named by these options only.
        found = [row for row in keyrings(given, state) if given.get("id") == row["ID"]]
        return found if absent else [] if keyrings(given, state) else [given]
    if kind == "publicize":
        rows = selected(given, state)
        if not absent and "id" in given:
            # One of another user that is as asked needs no change.
            rows = [row for row in state["publicize_connections"].values() if row["ID"] == given["id"]]
        if absent:
            # Of what was made with an account that is gone, neither the account nor its own external user is known any more.
            named = given.get("account") or given.get("reset_external_user")
            return [row for row in rows if not named or not keyring_of(row, state)["gone"]]
        return [] if any(is_as_asked(row, given, state) for row in rows) else [given]
    if kind == "bulk":
        undone = [left for entry in given["connections"] for left in left_undone("publicize", entry, state)]
        return undone + (unlisted(given, state) if given.get("purge") == "listed" else [])
    return []


# Why a task may refuse, and must


def is_ambiguous(kind: str, given: Mapping[str, Any], state: State) -> bool:
    """Whether a task would have to choose one of several connections."""
    if kind == "bulk":
        return any(is_ambiguous("publicize", entry, state) for entry in given["connections"])
    rows = selected(given, state) if kind == "publicize" else []
    return len([row for row in rows if not keyring_of(row, state)["gone"]]) > 1


def is_reason(kind: str, code: str, given: Mapping[str, Any], state: State) -> bool:
    """Whether the world holds what an error says."""
    if kind == "bulk":
        deleted = {
            row["ID"] for entry in given["connections"] if entry["state"] == "absent" for row in selected(entry, state)
        }
        if given.get("purge") == "listed":
            deleted |= {row["ID"] for row in unlisted(given, state)}
        return code != "too_many_deletions" or len(deleted) > given.get("max_deletions", 10) >= 0
    if kind == "keyring":
        found, rows = keyrings(given, state), []
        others = [row for row in state["keyring_connections"].values() if row["ID"] == given.get("id")]
    elif kind == "publicize":
        found, rows = accounts_of(given, state), selected(given, state)
        others = [
            row
            for row in state["publicize_connections"].values()
            if given.get("id") == row["ID"] or given.get("keyring_connection_id") == row["keyring_connection_ID"]
        ]
        others += [
            row for row in state["keyring_connections"].values() if row["ID"] == given.get("keyring_connection_id")
        ]
    else:
        return True
    if code == "ambiguous_match":
        users = [user for keyring in found for user in (keyring, *keyring["additional_external_users"])]
        named = [user for user in users if user["external_name"] == given.get("external_user_name")]
        return len(found) > 1 or len(rows) > 1 or len(named) > 1
    if code == "missing_keyring_connection":
        return not found
    if code == "not_yours":
        return any(row["user_ID"] != ME if "user_ID" in row else not is_mine(row, state) for row in others)
    return True
