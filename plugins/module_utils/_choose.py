# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which keyring connection or site the options of a task mean; shared by the plans."""

from __future__ import annotations

import re
from collections.abc import Container, Mapping, Sequence
from typing import Any, Callable

from ansible_collections.community.wpcom.plugins.module_utils._errors import (
    AmbiguousMatchError,
    MissingError,
    OptionError,
)
from ansible_collections.community.wpcom.plugins.module_utils._records import Record, describe, is_named, is_number
from ansible_collections.community.wpcom.plugins.module_utils._remedies import CONNECTIONS_PAGE
from ansible_collections.community.wpcom.plugins.module_utils._snapshot import Snapshot

_SERVICE = re.compile(r"[a-z0-9._-]+")


def check_given(values: Mapping[str, Any], *, numbers: Sequence[str] = (), texts: Sequence[str] = ()) -> None:
    """Refuse options that are given with nothing in them: IDs below 1, empty texts. Raises OptionError."""
    for name in numbers:
        if values[name] is not None and values[name] <= 0:
            raise OptionError(f"{name} must be a positive number, got {values[name]}.")
    for name in texts:
        if values[name] == "":
            raise OptionError(f"{name} is empty: give a value, or leave the option out.")


def checked_service(service: str | None) -> str | None:
    """Return a service's ID as the API spells it. Raises OptionError."""
    if service is None:
        return None
    wanted = service.lower()
    if not _SERVICE.fullmatch(wanted):
        raise OptionError(
            f"service must be the ID of a service, such as facebook, got {service!r}: "
            "wpcom_connection_info with gather=services lists those there are."
        )
    return wanted


def checked_site(site: str | None) -> str | None:
    """Return a site's ID or domain as the API takes it. Raises OptionError."""
    if site is None:
        return None
    wanted = site.strip().lower()
    if not wanted or "/" in wanted or " " in wanted or not wanted.isprintable():
        raise OptionError(
            f"site must be the numeric ID or the domain of a site, such as blog.example.com, got {site!r}."
        )
    if is_number(wanted) and int(wanted) == 0:
        raise OptionError(f"site must be a positive number or a domain, got {site!r}.")
    return wanted


def is_mine(record: Record, keyring_connection_ids: Container[int], me: Callable[[], int | None]) -> bool:
    """Whether a publicize connection is of the user of the token, whom ``me`` names."""
    if record.get("read_only"):
        return False
    if record.get("keyring_connection_id") in keyring_connection_ids:
        return True
    # A connection may outlive its keyring connection; then the owner tells.
    owner = me()
    return owner is not None and bool(record.get("keyring_connection_user_id") == owner)


def choose_keyring_connection(
    snapshot: Snapshot,
    *,
    keyring_connection_id: int | None,
    service: str | None,
    account: str | None,
    must_exist: bool,
    test: bool = False,
) -> Record | None:
    """Return the one keyring connection of mine that is meant, None where there is none and none need be.

    Raises MissingError with the URL to open, AmbiguousMatchError with the accounts, OptionError.
    """
    keyrings = snapshot.keyring_connections(test=test)
    if keyring_connection_id is not None:
        found = [keyring for keyring in keyrings if keyring["id"] == keyring_connection_id]
        _check_service(found, service)
    else:
        found = [keyring for keyring in keyrings if keyring.get("service") == service]
    if account is not None:
        found = [keyring for keyring in found if _has_account(keyring, account)]
    if len(found) > 1:
        raise AmbiguousMatchError(
            f"{len(found)} of your keyring connections fit: {_listed(found)}. "
            "Name one by account, or by its ID (keyring_connection_id, in wpcom_keyring_connection id).",
            result={"candidates": found},
        )
    if found or not must_exist:
        return found[0] if found else None
    raise _missing(snapshot, keyrings, keyring_connection_id, service, account)


def _check_service(found: Sequence[Record], service: str | None) -> None:
    for keyring in found:
        if service is not None and keyring.get("service") != service:
            raise OptionError(
                f"Keyring connection {describe(keyring)} is not of service {service!r}: "
                "leave service out, or name another keyring connection."
            )


def _has_account(keyring: Record, account: str) -> bool:
    return keyring.get("external_id") == account or is_named(keyring, account)


def _listed(keyrings: Sequence[Record]) -> str:
    return "; ".join(describe(keyring) for keyring in keyrings) or "none"


def unsupported(service: Record) -> OptionError:
    """Return the error for a service that WordPress.com has given up."""
    return OptionError(
        f"WordPress.com no longer supports {service.get('label') or service['id']}: no connection to it can be made.",
        code="unsupported_service",
    )


def _missing(
    snapshot: Snapshot,
    keyrings: Sequence[Record],
    keyring_connection_id: int | None,
    service: str | None,
    account: str | None,
) -> MissingError | OptionError:
    """Return the error that tells how a person can make the keyring connection."""
    if service is None:
        return MissingError(
            f"You have no keyring connection {keyring_connection_id}; there are {_listed(keyrings)}. "
            f"A new one can only be made in a browser, at {CONNECTIONS_PAGE}.",
            code="missing_keyring_connection",
        )
    external = snapshot.service(service)
    if external is None:
        return OptionError(
            f"WordPress.com knows no service {service!r}: wpcom_connection_info with gather=services lists those there are.",
            code="unknown_service",
        )
    name = external.get("label") or service
    if external.get("status") == "unsupported":
        return unsupported(external)
    of_service = [keyring for keyring in keyrings if keyring.get("service") == service]
    which = f"{account!r} " if account is not None else f"{keyring_connection_id} " if keyring_connection_id else ""
    url = external.get("connect_url")
    return MissingError(
        f"You have no keyring connection {which}for {name}; of this service there are {_listed(of_service)}. "
        f"It cannot be made through the API: log in to WordPress.com and open "
        f"{url or CONNECTIONS_PAGE} in a browser, then run this again.",
        code="missing_keyring_connection",
        result={"connect_url": url},
    )
