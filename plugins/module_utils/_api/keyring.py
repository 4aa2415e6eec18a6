# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Keyring connections: the stored third-party tokens of the account."""

from __future__ import annotations

from .._operations import DeleteKeyringConnection, GetKeyringConnection, ListKeyringConnections
from .._records.record import Record, Records
from .._records.wire import KEYRING_CONNECTION
from .resource import Handlers, Resource, found, reading, writing


class KeyringConnections(Resource):
    """Keyring connections of the token's user."""

    _table = KEYRING_CONNECTION

    @property
    def handlers(self) -> Handlers:
        """Return the handler of each class of query and operation."""
        return {
            GetKeyringConnection: self.get,
            ListKeyringConnections: self.list,
            DeleteKeyringConnection: self.delete,
        }

    def list(self, query: ListKeyringConnections) -> Records:
        """Return all: GET /me/keyring-connections/."""
        return self._list(
            reading(
                "/me/keyring-connections/",
                "list your keyring connections",
                query.presentation,
                site=query.site,
                **_forced(query),
            ),
            "connections",
        )

    def get(self, query: GetKeyringConnection) -> Record | None:
        """Return one: GET /me/keyring-connections/$ID."""
        number = query.keyring_connection_id
        request = reading(
            f"/me/keyring-connections/{number}",
            f"read keyring connection {number}",
            query.presentation,
            **_forced(query),
        )
        return found(lambda: self._one(request), lambda: self.list(ListKeyringConnections()), number)

    def delete(self, operation: DeleteKeyringConnection) -> bool:
        """Delete one, its token, and its publicize connections everywhere: POST /me/keyring-connections/$ID/delete.

        Returns whether it existed.
        """
        number = operation.keyring_connection_id
        return self._delete(
            writing(f"/me/keyring-connections/{number}/delete", f"delete keyring connection {number}"),
            "deleted",
            lambda: self.get(GetKeyringConnection(number)) is None,
        )


def _forced(query: GetKeyringConnection | ListKeyringConnections) -> dict[str, bool]:
    return {"force_external_users_refetch": query.refetch_external_users, "force_connection_test": query.test}
