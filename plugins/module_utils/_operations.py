# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What can be asked of the API (queries) and what can be changed through it (operations); no I/O.

Both are values: a query is the key of its response in a cache, an operation is compared in tests. Which endpoint stands
behind each is known in ``_api`` only.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Generic, Optional, TypeVar

from ._errors import WpcomError
from ._records.record import Record, Records

T = TypeVar("T")
OptionalRecord = Optional[Record]
OptionalRecords = Optional[Records]
# Query parameters that only shape a response: fields, meta, context.
Presentation = tuple[tuple[str, str], ...]


class Query(Generic[T]):
    """A question whose response is a ``T``."""


class Operation:
    """A change of one thing."""


@dataclass(frozen=True)
class GetPublicizeConnection(Query[OptionalRecord]):
    """One publicize connection, None where it does not exist; those of other users only with ``site``."""

    connection_id: int
    site: str | None = None
    presentation: Presentation = ()


@dataclass(frozen=True)
class ListPublicizeConnections(Query[Records]):
    """The publicize connections of the token's user, on all sites."""

    service: str | None = None
    keyring_connection_id: int | None = None
    presentation: Presentation = ()


@dataclass(frozen=True)
class ListSitePublicizeConnections(Query[Records]):
    """The publicize connections on a site, for an administrator including those of other users."""

    site: str
    service: str | None = None
    keyring_connection_id: int | None = None
    presentation: Presentation = ()


@dataclass(frozen=True)
class ListOwnPublicizeConnectionsOnSite(Query[Records]):
    """The publicize connections on a site: those of the token's user at least. A cache derives it from other queries."""

    site: str


@dataclass(frozen=True)
class GetKeyringConnection(Query[OptionalRecord]):
    """One keyring connection of the token's user, None where it does not exist.

    ``refetch_external_users`` has the server read its external users again, ``test`` has it test the connection.
    """

    keyring_connection_id: int
    refetch_external_users: bool = False
    test: bool = False
    presentation: Presentation = ()


@dataclass(frozen=True)
class ListKeyringConnections(Query[Records]):
    """The keyring connections of the token's user; with ``site`` those that can be used on it."""

    site: str | None = None
    refetch_external_users: bool = False
    test: bool = False
    presentation: Presentation = ()


@dataclass(frozen=True)
class GetConnectedApplication(Query[OptionalRecord]):
    """One connected application, None where it does not exist."""

    application_id: int
    presentation: Presentation = ()


@dataclass(frozen=True)
class ListConnectedApplications(Query[Records]):
    """The connected applications of the account, one for each access token."""

    presentation: Presentation = ()


@dataclass(frozen=True)
class GetService(Query[OptionalRecord]):
    """One external service, None where it does not exist."""

    service: str
    presentation: Presentation = ()


@dataclass(frozen=True)
class ListServices(Query[Records]):
    """The external services in display order."""

    presentation: Presentation = ()


@dataclass(frozen=True)
class GetAccount(Query[Record]):
    """The user behind the token."""

    presentation: Presentation = ()


@dataclass(frozen=True)
class FindAccount(Query[OptionalRecord]):
    """The user behind the token, None where the token's scope does not allow it."""


@dataclass(frozen=True)
class ListSites(Query[Records]):
    """The sites of the token's user, all of them unless ``visibility`` or ``activity`` restricts them."""

    presentation: Presentation = ()
    visibility: str | None = None
    activity: str | None = None


@dataclass(frozen=True)
class FindSites(Query[OptionalRecords]):
    """The names and capabilities of the sites of the token's user, None where the token's scope does not allow it."""


@dataclass(frozen=True)
class FindSite(Query[OptionalRecord]):
    """One site, None where the token's scope does not allow it."""

    site: str


@dataclass(frozen=True)
class CreatePublicizeConnection(Operation):
    """A new publicize connection on a site.

    ``known_ids`` are the IDs of the connections that the site already has. ``other_external_ids`` are external users of the
    same account for which this operation does not create it.
    """

    site: str
    keyring_connection_id: int
    shared: bool | None = None
    external_id: str | None = None
    known_ids: frozenset[int] = frozenset()
    other_external_ids: frozenset[str | None] = frozenset()


@dataclass(frozen=True)
class UpdatePublicizeConnection(Operation):
    """A change of a publicize connection, through its site where one is given; None is left unchanged.

    ``external_id`` is the external user that it then has, ``is_default_user`` whether that is the account itself.
    ``previous`` are the keys of the record before, as far as they change.
    """

    connection_id: int
    site: str | None = None
    shared: bool | None = None
    external_id: str | None = None
    is_default_user: bool = False
    previous: tuple[tuple[str, Any], ...] = field(default=(), compare=False)

    @property
    def changes_external_user(self) -> bool:
        """Whether the connection gets another external user."""
        return self.is_default_user or self.external_id is not None


@dataclass(frozen=True)
class DeletePublicizeConnection(Operation):
    """The end of a publicize connection, through its site where one is given."""

    connection_id: int
    site: str | None = None


@dataclass(frozen=True)
class DeleteKeyringConnection(Operation):
    """The end of a keyring connection, its token, and its publicize connections on all sites."""

    keyring_connection_id: int


@dataclass(frozen=True)
class DeleteConnectedApplication(Operation):
    """The revocation of one access token of an application."""

    application_id: int


@dataclass(frozen=True)
class OperationResult:
    """How an operation ended: with the record that it leaves, if any, with an error, or skipped after an earlier error.

    ``unchanged`` says that it succeeded without a change, as what it was to delete no longer existed.
    """

    record: Record | None = None
    error: WpcomError | None = None
    skipped: bool = False
    unchanged: bool = False

    @property
    def succeeded(self) -> bool:
        """Whether the operation was done."""
        return self.error is None and not self.skipped

    @property
    def changed(self) -> bool:
        """Whether something changed: it was done, or the server did a part of it."""
        return (self.succeeded and not self.unchanged) or (
            self.error is not None and bool(self.error.result.get("changed"))
        )
