# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Connected applications: the access tokens that the account has granted."""

from __future__ import annotations

from .._operations import DeleteConnectedApplication, GetConnectedApplication, ListConnectedApplications
from .._records.record import Record, Records
from .._records.wire import CONNECTED_APPLICATION
from .resource import Handlers, Resource, found, reading, writing


class ConnectedApplications(Resource):
    """Connected applications, one for each access token."""

    _table = CONNECTED_APPLICATION

    @property
    def handlers(self) -> Handlers:
        """Return the handler of each class of query and operation."""
        return {
            GetConnectedApplication: self.get,
            ListConnectedApplications: self.list,
            DeleteConnectedApplication: self.delete,
        }

    def list(self, query: ListConnectedApplications) -> Records:
        """Return all: GET /me/connected-applications/."""
        return self._list(
            reading("/me/connected-applications/", "list the connected applications", query.presentation),
            "connected_applications",
        )

    def get(self, query: GetConnectedApplication) -> Record | None:
        """Return one: GET /me/connected-applications/$ID."""
        number = query.application_id
        request = reading(
            f"/me/connected-applications/{number}", f"read connected application {number}", query.presentation
        )
        return found(lambda: self._one(request), lambda: self.list(ListConnectedApplications()), number)

    def delete(self, operation: DeleteConnectedApplication) -> bool:
        """Revoke one access token: POST /me/connected-applications/$ID/delete.

        Returns whether it existed.
        """
        number = operation.application_id
        return self._delete(
            writing(f"/me/connected-applications/{number}/delete", f"revoke connected application {number}"),
            "success",
            lambda: self.get(GetConnectedApplication(number)) is None,
        )
