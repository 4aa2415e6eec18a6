# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""External services, the account, and its sites: what is only ever read."""

from __future__ import annotations

from .._errors import ApiError
from .._operations import FindAccount, FindSite, FindSites, GetAccount, GetService, ListServices, ListSites
from .._records.record import Record, Records
from .._records.wire import ACCOUNT, SERVICE, SITE
from .resource import Handlers, Resource, quoted, reading, unless_forbidden


class ExternalServices(Resource):
    """The services that WordPress.com can connect to; the ID of a service is its name."""

    _table = SERVICE

    @property
    def handlers(self) -> Handlers:
        """Return the handler of each class of query."""
        return {GetService: self.get, ListServices: self.list}

    def list(self, query: ListServices) -> Records:
        """Return all in display order: GET /meta/external-services/."""
        return self._list(
            reading("/meta/external-services/", "list the external services", query.presentation, public=True),
            "services",
        )

    def get(self, query: GetService) -> Record | None:
        """Return one, None where it does not exist: GET /meta/external-services/$service."""
        path = f"/meta/external-services/{quoted(query.service)}"
        action = f"read the external service {query.service}"
        try:
            return self._one(reading(path, action, query.presentation, public=True))
        except ApiError as error:
            if error.is_not_found:
                return None
            raise


class Account(Resource):
    """The user behind the token."""

    _table = ACCOUNT

    @property
    def handlers(self) -> Handlers:
        """Return the handler of each class of query."""
        return {GetAccount: self.get, FindAccount: lambda query: unless_forbidden(lambda: self.get(GetAccount()))}

    def get(self, query: GetAccount) -> Record:
        """Return the user: GET /me."""
        return self._one(reading("/me", "read the account", query.presentation))


class Sites(Resource):
    """The sites of the account."""

    _table = SITE

    @property
    def handlers(self) -> Handlers:
        """Return the handler of each class of query."""
        return {
            ListSites: self.list,
            FindSites: self.find_all,
            FindSite: lambda query: unless_forbidden(lambda: self.get(query)),
        }

    def list(self, query: ListSites) -> Records:
        """Return the user's sites: GET /me/sites."""
        request = reading(
            "/me/sites",
            "list your sites",
            query.presentation,
            site_visibility=query.visibility,
            site_activity=query.activity,
        )
        return self._list(request, "sites")

    def find_all(self, query: FindSites) -> Records | None:
        """Return the names and capabilities of the user's sites: GET /me/sites."""
        # Whole sites are large, and there may be hundreds.
        return unless_forbidden(lambda: self.list(ListSites((("fields", "ID,URL,slug,capabilities"),))))

    def get(self, query: FindSite) -> Record:
        """Return one site: GET /sites/$site."""
        return self._one(reading(f"/sites/{quoted(query.site)}", f"read site {query.site}"))
