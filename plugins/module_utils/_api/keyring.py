# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Keyring connections: the stored third-party tokens of the account."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Callable

from .._http.transport import Transport
from .._operations import DeleteKeyringConnection, GetKeyringConnection, ListKeyringConnections
from .._records.record import Record, Records
from .resource import Handlers, Report, Resource, found


class KeyringConnections(Resource):
    """Keyring connections of the token's user."""

    def __init__(self, transport: Transport, report: Report, record: Callable[[Mapping[str, Any]], Record]) -> None:
        """``record`` makes the record of a connection, with its health."""
        super().__init__(transport, report)
        self._to_record = record

    @property
    def handlers(self) -> Handlers:
        """Return the handler of each class of query and operation."""
        return {
            GetKeyringConnection: self.get,
            ListKeyringConnections: self.list,
            DeleteKeyringConnection: self.delete,
        }

    def _record(self, wire: Mapping[str, Any]) -> Record:
        return self._to_record(wire)

    def list(self, query: ListKeyringConnections) -> Records:
        """Return all: GET /me/keyring-connections/."""
        return self._list(
            "/me/keyring-connections/",
            "connections",
            action="list your keyring connections",
            params={"site": query.site, **_forced(query)},
            presentation=query.presentation,
        )

    def get(self, query: GetKeyringConnection) -> Record | None:
        """Return one: GET /me/keyring-connections/$ID."""
        return found(
            lambda: self._get(
                f"/me/keyring-connections/{query.keyring_connection_id}",
                action=f"read keyring connection {query.keyring_connection_id}",
                params=_forced(query),
                presentation=query.presentation,
            ),
            lambda: self.list(ListKeyringConnections()),
            query.keyring_connection_id,
        )

    def delete(self, operation: DeleteKeyringConnection) -> None:
        """Delete one, its token, and its publicize connections everywhere: POST /me/keyring-connections/$ID/delete."""
        self._delete(
            f"/me/keyring-connections/{operation.keyring_connection_id}/delete",
            "deleted",
            lambda: self.get(GetKeyringConnection(operation.keyring_connection_id)) is None,
            action=f"delete keyring connection {operation.keyring_connection_id}",
        )


def _forced(query: GetKeyringConnection | ListKeyringConnections) -> dict[str, bool]:
    return {"force_external_users_refetch": query.refetch_external_users, "force_connection_test": query.test}
