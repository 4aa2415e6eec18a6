# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Selection: which keyring connection the options of a task mean, and which connections are the user's own."""

from __future__ import annotations

from collections.abc import Container, Sequence
from typing import Callable

from .._api.hints import CONNECTIONS_PAGE
from .._cache.read_cache import Cache
from .._errors import AmbiguousMatchError, MissingError, OptionError
from .._operations import GetService, ListKeyringConnections
from .._records.names import describe, is_named
from .._records.record import Record


def is_own(record: Record, keyring_connection_ids: Container[int], me: Callable[[], int | None]) -> bool:
    """Whether a publicize connection is of the user of the token, whom ``me`` returns."""
    if record.get("read_only"):
        return False
    if record.get("keyring_connection_id") in keyring_connection_ids:
        return True
    # A connection may outlive its keyring connection; then its owner decides.
    owner = me()
    return owner is not None and bool(record.get("keyring_connection_user_id") == owner)


def select_keyring_connection(
    cache: Cache,
    *,
    keyring_connection_id: int | None,
    service: str | None,
    account: str | None,
    must_exist: bool,
    test: bool = False,
) -> Record | None:
    """Return the one keyring connection of the user that the options mean, None where none exists and none has to.

    Raises MissingError with the URL to open, AmbiguousMatchError with the accounts, OptionError.
    """
    keyrings = cache.read(ListKeyringConnections(test=test))
    if keyring_connection_id is not None:
        found = [keyring for keyring in keyrings if keyring["id"] == keyring_connection_id]
        _check_service(found, service)
    else:
        found = [keyring for keyring in keyrings if keyring.get("service") == service]
    if account is not None:
        found = [keyring for keyring in found if _has_account(keyring, account)]
    if len(found) > 1:
        raise AmbiguousMatchError(
            f"{len(found)} keyring connections match: {_listed(found)}. "
            "Select one by account, or by its ID (keyring_connection_id, in wpcom_keyring_connection id).",
            result={"candidates": found},
        )
    if found or not must_exist:
        return found[0] if found else None
    raise _missing(cache, keyrings, keyring_connection_id, service, account)


def _check_service(found: Sequence[Record], service: str | None) -> None:
    for keyring in found:
        if service is not None and keyring.get("service") != service:
            raise OptionError(
                f"Keyring connection {describe(keyring)} is not of service {service!r}: "
                "omit service, or select another keyring connection."
            )


def _has_account(keyring: Record, account: str) -> bool:
    return keyring.get("external_id") == account or is_named(keyring, account)


def _listed(keyrings: Sequence[Record]) -> str:
    return "; ".join(describe(keyring) for keyring in keyrings) or "none"


def unsupported(service: Record) -> OptionError:
    """Return the error for a service that WordPress.com no longer supports."""
    return OptionError(
        f"WordPress.com no longer supports {service.get('label') or service['id']}: no connection to it can be created.",
        code="unsupported_service",
    )


def _missing(
    cache: Cache,
    keyrings: Sequence[Record],
    keyring_connection_id: int | None,
    service: str | None,
    account: str | None,
) -> MissingError | OptionError:
    """Return the error that says how the keyring connection can be created."""
    if service is None:
        return MissingError(
            f"Keyring connection {keyring_connection_id} not found. Your keyring connections: {_listed(keyrings)}. "
            f"A new one can only be created in a browser, at {CONNECTIONS_PAGE}.",
            code="missing_keyring_connection",
        )
    external = cache.read(GetService(service))
    if external is None:
        return OptionError(
            f"WordPress.com has no service {service!r}: wpcom_connection_info with gather=services lists the services.",
            code="unknown_service",
        )
    name = external.get("label") or service
    if external.get("status") == "unsupported":
        return unsupported(external)
    of_service = [keyring for keyring in keyrings if keyring.get("service") == service]
    which = f"{account!r} " if account is not None else f"{keyring_connection_id} " if keyring_connection_id else ""
    url = external.get("connect_url")
    return MissingError(
        f"Keyring connection {which}for {name} not found. Your keyring connections of this service: {_listed(of_service)}. "
        f"It cannot be created through the API: log in to WordPress.com, open "
        f"{url or CONNECTIONS_PAGE} in a browser, then run the task again.",
        code="missing_keyring_connection",
        result={"connect_url": url},
    )
