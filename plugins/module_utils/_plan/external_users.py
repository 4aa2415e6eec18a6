# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The external user (page, profile, channel) that a publicize connection posts as."""

from __future__ import annotations

from typing import Any

from .._cache.read_cache import Cache
from .._errors import AmbiguousMatchError, MissingError, OptionError
from .._operations import GetKeyringConnection, GetService, ListKeyringConnections
from .._records.names import account_name, describe, is_named
from .._records.record import Record, Records
from .desired import DesiredPublicizeConnection


def keyring_connection_behind(record: Record, cache: Cache) -> Record | None:
    """Return the keyring connection of a publicize connection, None where it is not among the user's."""
    keyring_id = record.get("keyring_connection_id")
    return next((keyring for keyring in cache.read(ListKeyringConnections()) if keyring["id"] == keyring_id), None)


def required_keyring_connection(record: Record, cache: Cache) -> Record:
    """Return the keyring connection of a publicize connection. Raises MissingError."""
    keyring = keyring_connection_behind(record, cache)
    if keyring is None:
        raise MissingError(
            f"The keyring connection {record.get('keyring_connection_id')} of publicize connection {describe(record)} "
            "is not among yours: delete this connection and connect the account again."
        )
    return keyring


def has_external_user(desired: DesiredPublicizeConnection, record: Record, cache: Cache) -> bool:
    """Whether a connection already has the external user that the options name."""
    if desired.external_user_id is not None:
        return bool(record.get("external_id") == desired.external_user_id)
    name = desired.external_user_name
    # A connection that is selected by ID is known without its account, so its own copy of the name is enough.
    if name is not None and desired.id is not None and is_named(record, name):
        return True
    keyring = required_keyring_connection(record, cache)
    if name is None:
        return bool(record.get("external_id") == keyring.get("external_id"))
    named = [user.get("external_id") for user in (keyring, *pages(keyring)) if is_named(user, name)]
    # The copy may be out of date: a name means the page that has it now.
    return record.get("external_id") in named if named else is_named(record, name)


def desired_external_user(desired: DesiredPublicizeConnection, keyring: Record, cache: Cache) -> Record | None:
    """Return the external user that the options ask for, None for the default one.

    Raises OptionError where the service does not support it, MissingError, AmbiguousMatchError.
    """
    service = publishing_service(keyring, cache)
    if service["external_users_only"] and not (desired.external_user_id or desired.external_user_name):
        raise OptionError(
            f"{service.get('label') or service['id']} does not support posting to the profile itself, only to one of its "
            f"pages or accounts: set external_user_id or external_user_name to one of {_listed(keyring)}."
        )
    if not desired.names_external_user or desired.reset_external_user:
        return None
    if not service["multiple_external_user_id_support"]:
        raise OptionError(
            f"{service.get('label') or service['id']} does not support external users other than the account itself: "
            "omit external_user_id and external_user_name."
        )
    found = _matching(desired, keyring, service)
    if not found:
        refetched = cache.read(GetKeyringConnection(keyring["id"], refetch_external_users=True))
        keyring = refetched or keyring
        found = _matching(desired, keyring, service)
    if not found:
        raise MissingError(
            f"Keyring connection {describe(keyring)} has no external user "
            f"{desired.external_user_id or desired.external_user_name!r}; it has {_listed(keyring)}. "
            "If it is new, the owner must give WordPress.com access to it by refreshing the connection.",
            code="unknown_external_user",
        )
    if len(found) > 1:
        ids = ", ".join(str(user.get("external_id")) for user in found)
        raise AmbiguousMatchError(
            f"{len(found)} external users have the name {desired.external_user_name!r}: "
            f"select one by external_user_id ({ids})."
        )
    return None if found[0].get("external_id") == keyring.get("external_id") else found[0]


def publishing_service(keyring: Record, cache: Cache) -> Record:
    """Return the service of a keyring connection. Raises OptionError where it does not support publishing."""
    name = keyring.get("service")
    service = cache.read(GetService(str(name)))
    if service is None or service.get("type", "publicize") != "publicize":
        raise OptionError(f"The service {name} of keyring connection {describe(keyring)} does not support publishing.")
    return service


def pages(keyring: Record) -> Records:
    """Return the external users of an account besides the account itself."""
    return keyring.get("additional_external_users") or []


def external_ids(keyring: Record) -> list[Any]:
    """Return the IDs of all external users of an account, its own first."""
    return [user.get("external_id") for user in (keyring, *pages(keyring))]


def _matching(desired: DesiredPublicizeConnection, keyring: Record, service: Record) -> Records:
    """Return the pages, and the account itself where the service supports it, that the options name."""
    users = pages(keyring) if service["external_users_only"] else [keyring, *pages(keyring)]
    if desired.external_user_id is not None:
        found = [user for user in users if user.get("external_id") == desired.external_user_id]
    else:
        found = [user for user in users if is_named(user, str(desired.external_user_name))]
    # The account may be listed among its own pages.
    return list({user.get("external_id"): user for user in reversed(found)}.values())[::-1]


def _listed(keyring: Record) -> str:
    return ", ".join(f"{user.get('external_id')} ({account_name(user)})" for user in pages(keyring)) or "none"
