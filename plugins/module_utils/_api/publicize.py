# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Publicize connections, through the account (/me) and through a site (/sites/$site)."""

from __future__ import annotations

from typing import Any

from .._errors import IndeterminateWriteError, UnconfirmedWriteError, WpcomError
from .._operations import (
    CreatePublicizeConnection,
    DeletePublicizeConnection,
    GetPublicizeConnection,
    ListPublicizeConnections,
    ListSitePublicizeConnections,
    UpdatePublicizeConnection,
)
from .._records.names import listed
from .._records.record import Record, Records
from .._records.wire import PUBLICIZE_CONNECTION
from . import confirm
from .resource import Handlers, Resource, found, quoted, reading, writing

OWN_PATH = "/me/publicize-connections/"


class PublicizeConnections(Resource):
    """Publicize connections: the connections of a site to a third-party account."""

    _table = PUBLICIZE_CONNECTION

    @property
    def handlers(self) -> Handlers:
        """Return the handler of each class of query and operation."""
        return {
            GetPublicizeConnection: self.get,
            ListPublicizeConnections: self.list,
            ListSitePublicizeConnections: self.list_on_site,
            CreatePublicizeConnection: self.create,
            UpdatePublicizeConnection: self.update,
            DeletePublicizeConnection: self.delete,
        }

    def list(self, query: ListPublicizeConnections) -> Records:
        """Return those of the token's user on all sites: GET /me/publicize-connections/."""
        return self._list(
            reading(
                _path(None),
                "list your publicize connections",
                query.presentation,
                service=query.service,
                keyring_connection_ID=query.keyring_connection_id,
            ),
            "connections",
        )

    def list_on_site(self, query: ListSitePublicizeConnections) -> Records:
        """Return those on a site, ``read_only`` where another user owns them: GET /sites/$site/publicize-connections/."""
        return self._list(
            reading(
                _path(query.site),
                f"list the publicize connections of site {query.site}",
                query.presentation,
                service=query.service,
                keyring_connection_ID=query.keyring_connection_id,
            ),
            "connections",
        )

    def get(self, query: GetPublicizeConnection) -> Record | None:
        """Return one: GET /me/publicize-connections/$ID or /sites/$site/publicize-connections/$ID."""
        list_all = (
            (lambda: self.list(ListPublicizeConnections()))
            if query.site is None
            else (lambda: self.list_on_site(ListSitePublicizeConnections(str(query.site))))
        )
        request = reading(
            f"{_path(query.site)}{query.connection_id}",
            f"read publicize connection {query.connection_id}",
            query.presentation,
        )
        return found(lambda: self._one(request), list_all, query.connection_id)

    def create(self, operation: CreatePublicizeConnection) -> Record:
        """Create one and return it: POST /sites/$site/publicize-connections/new.

        Whatever becomes of the responses, at most one is created: before a repetition the list is read, and a connection
        that was not known before is adopted. Raises IgnoredWriteError, WpcomError.
        """
        body: dict[str, Any] = {"keyring_connection_ID": operation.keyring_connection_id}
        expected: dict[str, Any] = {"keyring_connection_id": operation.keyring_connection_id}
        if operation.shared is not None:
            body["shared"] = expected["shared"] = operation.shared
        if operation.external_id is not None:
            body["external_user_ID"] = expected["external_id"] = operation.external_id
        request = writing(
            f"{_path(operation.site)}new", f"create a publicize connection on site {operation.site}", body
        )
        record, lost = confirm.confirmed(
            self._transport,
            lambda: self._one(request),
            lambda: min(self._new_ones(operation), key=_id, default=None),
            creates=True,
        )
        if lost is not None:
            record = self._without_double(operation, record, lost)
        return confirm.verified(record, expected, request)

    def _new_ones(self, operation: CreatePublicizeConnection) -> Records:
        """Return the connections that the operation made: not known before, for its account and external user."""
        on_site = self.list_on_site(
            ListSitePublicizeConnections(operation.site, keyring_connection_id=operation.keyring_connection_id)
        )
        return [
            record
            for record in on_site
            if record["id"] not in operation.known_ids
            and record.get("keyring_connection_id") == operation.keyring_connection_id
            and record.get("external_id") not in operation.other_external_ids
            and operation.external_id in (None, record.get("external_id"))
        ]

    def _without_double(
        self, operation: CreatePublicizeConnection, record: Record, lost: IndeterminateWriteError
    ) -> Record:
        """Return the one connection that stays, where an attempt that seemed lost was done late. Raises UnconfirmedWriteError."""
        earlier: Records = []
        try:
            for read in range(3 if lost.timed_out else 1):
                if read:
                    self._transport.sleep(self._transport.timeout)
                earlier = [made for made in self._new_ones(operation) if made["id"] != record["id"]]
                if earlier:
                    # Both are new and for the same external user of the same account, so one is one too many.
                    self.delete(DeletePublicizeConnection(record["id"], operation.site))
                    return min(earlier, key=_id)
        except WpcomError as error:
            raise UnconfirmedWriteError(
                f"Publicize connection {record['id']} was created on site {operation.site}. {_second(record, earlier)} "
                f"{error.message}",
                error,
                result={"connection": record, "changed": True},
            ) from None
        return record

    def update(self, operation: UpdatePublicizeConnection) -> Record:
        """Change one and return it: POST /me/publicize-connections/$ID or /sites/$site/publicize-connections/$ID.

        Raises IgnoredWriteError where the record then is not as asked, WpcomError.
        """
        body: dict[str, Any] = {}
        expected: dict[str, Any] = {}
        if operation.shared is not None:
            body["shared"] = expected["shared"] = operation.shared
        if operation.changes_external_user:
            # Any value that is not a JSON string goes back to the default user.
            body["external_user_ID"] = False if operation.is_default_user else operation.external_id
            expected["external_id"] = operation.external_id

        def read_back() -> Record | None:
            record = self.get(GetPublicizeConnection(operation.connection_id, operation.site))
            return record if record is not None and not confirm.differences(record, expected) else None

        request = writing(
            f"{_path(operation.site)}{operation.connection_id}",
            f"update publicize connection {operation.connection_id}",
            body,
        )
        record, _lost = confirm.confirmed(self._transport, lambda: self._one(request), read_back)
        return confirm.verified(record, expected, request, previous=dict(operation.previous))

    def delete(self, operation: DeletePublicizeConnection) -> bool:
        """Delete one: POST /me/publicize-connections/$ID/delete or /sites/$site/publicize-connections/$ID/delete.

        Returns whether it existed.
        """
        where = f" on site {operation.site}" if operation.site else ""
        return self._delete(
            writing(
                f"{_path(operation.site)}{operation.connection_id}/delete",
                f"delete publicize connection {operation.connection_id}{where}",
            ),
            "deleted",
            lambda: self.get(GetPublicizeConnection(operation.connection_id, operation.site)) is None,
        )


def _path(site: str | None) -> str:
    return OWN_PATH if site is None else f"/sites/{quoted(site)}/publicize-connections/"


def _second(record: Record, earlier: Records) -> str:
    """Return what is not known, or one too many, besides a connection that was created."""
    if not earlier:
        return "Run the task again to see whether an earlier attempt created a second one: that could not be read."
    return (
        f"An earlier attempt created {listed(earlier)} for the same account, and one of the two could not be deleted: "
        f"delete {record['id']}, or each post appears twice."
    )


def _id(record: Record) -> int:
    return int(record["id"])
