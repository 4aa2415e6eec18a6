# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Connected applications: the access tokens that the account has granted."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .._operations import DeleteConnectedApplication, GetConnectedApplication, ListConnectedApplications
from .._records import normalize
from .._records.record import Record, Records
from .resource import Handlers, Resource, found


class ConnectedApplications(Resource):
    """Connected applications, one for each access token."""

    @property
    def handlers(self) -> Handlers:
        """Return the handler of each class of query and operation."""
        return {
            GetConnectedApplication: self.get,
            ListConnectedApplications: self.list,
            DeleteConnectedApplication: self.delete,
        }

    def _record(self, wire: Mapping[str, Any]) -> Record:
        return normalize.connected_application(wire)

    def list(self, query: ListConnectedApplications) -> Records:
        """Return all: GET /me/connected-applications/."""
        return self._list(
            "/me/connected-applications/",
            "connected_applications",
            action="list the connected applications",
            presentation=query.presentation,
        )

    def get(self, query: GetConnectedApplication) -> Record | None:
        """Return one: GET /me/connected-applications/$ID."""
        return found(
            lambda: self._get(
                f"/me/connected-applications/{query.application_id}",
                action=f"read connected application {query.application_id}",
                presentation=query.presentation,
            ),
            lambda: self.list(ListConnectedApplications()),
            query.application_id,
        )

    def delete(self, operation: DeleteConnectedApplication) -> None:
        """Revoke one access token: POST /me/connected-applications/$ID/delete."""
        self._delete(
            f"/me/connected-applications/{operation.application_id}/delete",
            "success",
            lambda: self.get(GetConnectedApplication(operation.application_id)) is None,
            action=f"revoke connected application {operation.application_id}",
        )
