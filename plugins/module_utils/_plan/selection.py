# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Selection: which keyring connection and site the options of a task mean, and which connections are the user's own."""

from __future__ import annotations

from collections.abc import Container, Sequence
from typing import Callable

from .._api.hints import CONNECTIONS_PAGE
from .._cache.read_cache import Cache
from .._errors import AmbiguousMatchError, MissingError, NotAllowedError, OptionError
from .._operations import FindAccount, FindSite, FindSites, GetService, ListKeyringConnections
from .._records.health import UNSUPPORTED
from .._records.names import describe, listed, named
from .._records.record import Record, Records, is_number


def my_id(cache: Cache) -> int | None:
    """Return the ID of the token's user, None where neither the account nor the keyring connections show it."""
    account = cache.read(FindAccount())
    if account:
        return int(account["id"])
    keyrings: Records = cache.read(ListKeyringConnections())
    return only_user(keyrings)


def only_user(keyrings: Sequence[Record]) -> int | None:
    """Return the user of keyring connections, None where they are of several, or where one does not show its user."""
    users = _users(keyrings)
    return next(iter(users)) if len(users) == 1 else None


def _users(keyrings: Sequence[Record]) -> set[int | None]:
    # Where mine do not show their user, the only user that is shown is another one.
    return {keyring.get("user_id") or None for keyring in keyrings}


def own_keyring_connections(cache: Cache, *, test: bool = False) -> Records:
    """Return the keyring connections of the token's user.

    The list may show those of other users, too. Who the user is has to be read only where it shows several.
    """
    keyrings = cache.read(ListKeyringConnections(test=test))
    if len(_users(keyrings)) < 2:
        return keyrings
    me = my_id(cache)
    if me is None:
        raise NotAllowedError(
            "WordPress.com shows keyring connections of several users, and this token is not allowed to read which user it "
            "belongs to: use a token with the scope global.",
            code="unknown_user",
        )
    return [keyring for keyring in keyrings if keyring.get("user_id") in (None, 0, me)]


def is_own_publicize_connection(record: Record, cache: Cache) -> bool:
    """Whether a publicize connection is of the token's user."""
    own = {keyring["id"] for keyring in own_keyring_connections(cache)}
    others = {keyring["id"] for keyring in cache.read(ListKeyringConnections())} - own
    return record.get("keyring_connection_id") not in others and is_own(record, own, lambda: my_id(cache))


def is_own(record: Record, keyring_connection_ids: Container[int], me: Callable[[], int | None]) -> bool:
    """Whether a publicize connection is of the user whose keyring connections are given, and whom ``me`` returns."""
    if record.get("read_only"):
        return False
    if record.get("keyring_connection_id") in keyring_connection_ids:
        return True
    # A connection may outlive its keyring connection; then its owner decides.
    owner = me()
    return owner is not None and bool(record.get("keyring_connection_user_id") == owner)


def site_id(site: str, cache: Cache) -> int | None:
    """Return the ID of a site, None where the token's scope does not allow it. Raises ApiError for an unknown site.

    A name that several sites have is decided by the server.
    """
    if is_number(site):
        return int(site)
    # Where the list has the only site of this name, that is not asked for again.
    cache.read(FindSites())
    found = cache.read(FindSite(site))
    return found["id"] if found else None


def required_site_id(site: str, cache: Cache) -> int:
    """Return the ID of a site. Raises ApiError for an unknown site, NotAllowedError where it cannot be read."""
    found = site_id(site, cache)
    if found is None:
        raise NotAllowedError(
            f"Site {site} cannot be compared: this token is not allowed to read the sites. "
            "Set site to the numeric ID, or use a token with the scope sites or global.",
            code="unknown_site",
        )
    return found


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
    keyrings = own_keyring_connections(cache, test=test)
    if keyring_connection_id is not None:
        found = [keyring for keyring in keyrings if keyring["id"] == keyring_connection_id]
        _check_service(found, service)
    else:
        found = [keyring for keyring in keyrings if keyring.get("service") == service]
    if account is not None:
        found = with_account(found, account)
    if len(found) > 1:
        raise AmbiguousMatchError(
            f"{len(found)} keyring connections match: {listed(found)}. "
            "Select one by account, or by its ID (keyring_connection_id, or id of wpcom_keyring_connection).",
            result={"candidates": found},
        )
    _check_not_of_another_user(found, keyring_connection_id, cache)
    if found or not must_exist:
        return found[0] if found else None
    raise _missing(cache, keyrings, keyring_connection_id, service, account)


def _check_not_of_another_user(found: Sequence[Record], keyring_connection_id: int | None, cache: Cache) -> None:
    for keyring in cache.read(ListKeyringConnections()) if keyring_connection_id and not found else ():
        if keyring["id"] == keyring_connection_id and keyring not in own_keyring_connections(cache):
            raise another_users("Keyring connection", keyring, keyring.get("user_id"))


def another_users(kind: str, record: Record, owner: int | None, **result: Record) -> NotAllowedError:
    """Return the error for a connection of another user, with further keys of the result."""
    return NotAllowedError(
        f"{kind} {describe(record)} is owned by another user ({owner or 'unknown'}) and cannot be changed with this token: "
        "its owner has to do it.",
        result=result,
    )


def _check_service(found: Sequence[Record], service: str | None) -> None:
    for keyring in found:
        if service is not None and keyring.get("service") != service:
            raise OptionError(
                f"Keyring connection {describe(keyring)} is not of service {service!r}: "
                "omit service, or select another keyring connection."
            )


def with_account(connections: Sequence[Record], account: str) -> Records:
    """Return the connections of an account: those with this external ID, name or display name."""
    by_id = [record for record in connections if record.get("external_id") == account]
    return list({record["id"]: record for record in (*by_id, *named(connections, account))}.values())


def unsupported(service: Record) -> OptionError:
    """Return the error for a service that WordPress.com no longer supports."""
    return OptionError(
        f"{service.get('label') or service['id']} is no longer supported by WordPress.com: a connection to it cannot be "
        "created or changed. To delete the connection set state to absent.",
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
            f"Keyring connection {keyring_connection_id} not found. Your keyring connections: {listed(keyrings)}. "
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
    if external.get("status") == UNSUPPORTED:
        return unsupported(external)
    of_service = [keyring for keyring in keyrings if keyring.get("service") == service]
    which = f"{account!r} " if account is not None else f"{keyring_connection_id} " if keyring_connection_id else ""
    url = external.get("connect_url")
    return MissingError(
        f"Keyring connection {which}for {name} not found. Your keyring connections of this service: {listed(of_service)}. "
        f"It cannot be created through the API: log in to WordPress.com, open "
        f"{url or CONNECTIONS_PAGE} in a browser, then run the task again.",
        code="missing_keyring_connection",
        result={"connect_url": url},
    )
