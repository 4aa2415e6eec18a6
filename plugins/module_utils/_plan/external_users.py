# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The external user (page, profile, channel) that a publicize connection posts as."""

from __future__ import annotations

from typing import Any

from .._api.hints import CONNECTIONS_PAGE
from .._cache.read_cache import Cache
from .._errors import AmbiguousMatchError, MissingError, OptionError
from .._operations import GetKeyringConnection, GetService, ListKeyringConnections
from .._records.health import UNSUPPORTED
from .._records.names import account_name, describe, is_named, listed, named
from .._records.record import Record, Records
from .desired import DesiredPublicizeConnection
from .selection import unsupported


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
    keyring = keyring_connection_behind(record, cache)
    if keyring is None and (desired.state == "absent" or name is not None):
        return name is not None and is_named(record, name)
    keyring = required_keyring_connection(record, cache)
    if name is None:
        return bool(record.get("external_id") == keyring.get("external_id"))
    ids = [user.get("external_id") for user in named((keyring, *pages(keyring)), name)]
    # The copy may be out of date: a name means the page that has it now.
    return record.get("external_id") in ids if ids else is_named(record, name)


def desired_external_user(desired: DesiredPublicizeConnection, keyring: Record, cache: Cache) -> Record | None:
    """Return the external user that the options ask for, None for the default one.

    Raises OptionError where the service does not support it, MissingError, AmbiguousMatchError.
    """
    service = publishing_service(keyring, cache)
    label = service.get("label") or service["id"]
    if service["external_users_only"] and not (desired.external_user_id or desired.external_user_name):
        keyring = keyring if pages(keyring) else _refetched(keyring, cache)
        if not pages(keyring):
            raise _no_pages(keyring, label)
        raise OptionError(
            f"{label} does not support posting to the profile itself, only to one of its pages or accounts: set "
            f"external_user_id or external_user_name to one of {pages_listed(keyring)}."
        )
    if not desired.names_external_user or desired.reset_external_user:
        return None
    if not service["multiple_external_user_id_support"]:
        raise OptionError(
            f"{label} does not support external users other than the account itself: "
            "omit external_user_id and external_user_name."
        )
    found = _matching(desired, keyring, service)
    if not found:
        keyring = _refetched(keyring, cache)
        found = _matching(desired, keyring, service)
    if not found and not pages(keyring):
        raise _no_pages(keyring, label)
    if not found:
        raise MissingError(
            f"Keyring connection {describe(keyring)} has no external user "
            f"{desired.external_user_id or desired.external_user_name!r}; it has {pages_listed(keyring)}. "
            "If it is new, the owner must give WordPress.com access to it by refreshing the connection.",
            code="unknown_external_user",
        )
    if len(found) > 1:
        raise AmbiguousMatchError(
            f"{len(found)} external users have the name {desired.external_user_name!r}: "
            f"select one by external_user_id: {listed(found)}."
        )
    return None if found[0].get("external_id") == keyring.get("external_id") else found[0]


def _refetched(keyring: Record, cache: Cache) -> Record:
    return cache.read(GetKeyringConnection(keyring["id"], refetch_external_users=True)) or keyring


def _no_pages(keyring: Record, label: str) -> MissingError:
    reason = keyring.get("additional_external_users_empty_reason")
    return MissingError(
        f"Keyring connection {describe(keyring)} has no external users (pages or accounts) to post to"
        + (f"; WordPress.com gives the reason {reason}" if reason else "")
        + f". Create one at {label}, or give WordPress.com access to it: the owner must open "
        f"{keyring.get('refresh_url') or CONNECTIONS_PAGE} in a browser to refresh the connection, then run the task again.",
        code="no_external_users",
    )


def publishing_service(keyring: Record, cache: Cache) -> Record:
    """Return the service of a connection. Raises OptionError where it does not support publishing."""
    name = keyring.get("service")
    service = cache.read(GetService(str(name)))
    if service is None or service.get("type", "publicize") != "publicize":
        raise OptionError(f"The service {name} of connection {describe(keyring)} does not support publishing.")
    if service.get("status") == UNSUPPORTED:
        raise unsupported(service)
    return service


def profile_ids(keyring: Record | None) -> frozenset[str]:
    """Return the external ID of an account itself, unless it is listed among its own pages."""
    if keyring is None:
        return frozenset()
    own = keyring.get("external_id")
    return frozenset([own] if own and own not in [page.get("external_id") for page in pages(keyring)] else [])


def pages(keyring: Record) -> Records:
    """Return the external users of an account besides the account itself; what has no ID cannot be posted to."""
    return [page for page in keyring.get("additional_external_users") or [] if page.get("external_id")]


def external_ids(keyring: Record) -> list[Any]:
    """Return the IDs of all external users of an account, its own first."""
    return [user.get("external_id") for user in (keyring, *pages(keyring))]


def _matching(desired: DesiredPublicizeConnection, keyring: Record, service: Record) -> Records:
    """Return the pages, and the account itself where the service supports it, that the options name."""
    users = pages(keyring) if service["external_users_only"] else [keyring, *pages(keyring)]
    if desired.external_user_id is not None:
        found = [user for user in users if user.get("external_id") == desired.external_user_id]
    else:
        found = named(users, str(desired.external_user_name))
    # The account may be listed among its own pages.
    return list({user.get("external_id"): user for user in reversed(found)}.values())[::-1]


def pages_listed(keyring: Record) -> str:
    """Return the external users of an account for a message."""
    return ", ".join(f"{user.get('external_id')} ({account_name(user)})" for user in pages(keyring)) or "none"
