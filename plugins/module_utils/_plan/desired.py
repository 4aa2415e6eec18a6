# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The desired state of one publicize connection, as a task or an entry of a list states it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .._errors import OptionError
from .validation import check_set, valid_service, valid_site

_SITE_REQUIRED = "site is required unless id is set: set it to the ID or domain of the site."


@dataclass(frozen=True)
class DesiredPublicizeConnection:
    """What the options ask for; None is left unchanged."""

    state: str = "present"
    site: str | None = None
    id: int | None = None
    keyring_connection_id: int | None = None
    service: str | None = None
    account: str | None = None
    shared: bool | None = None
    external_user_id: str | None = None
    external_user_name: str | None = None
    reset_external_user: bool = False
    unique_per: str = "account"

    @classmethod
    def from_params(cls, params: Mapping[str, Any]) -> DesiredPublicizeConnection:
        """Return what the options ask for. Raises OptionError, which names the option and what to do."""
        check_set(
            params,
            numbers=("id", "keyring_connection_id"),
            texts=("service", "account", "external_user_id", "external_user_name"),
        )
        desired = cls(
            state=params["state"],
            site=valid_site(params["site"]),
            id=params["id"],
            keyring_connection_id=params["keyring_connection_id"],
            service=valid_service(params["service"]),
            account=params["account"],
            shared=params["shared"],
            external_user_id=params["external_user_id"],
            external_user_name=params["external_user_name"],
            reset_external_user=bool(params["reset_external_user"]),
            unique_per=params["unique_per"],
        )
        desired._check()
        return desired

    def _check(self) -> None:
        if self.id is None and self.keyring_connection_id is None and self.service is None:
            raise OptionError(
                "One of the following is required to select the connection: id, keyring_connection_id, service."
            )
        if self.id is None and self.site is None:
            raise OptionError(_SITE_REQUIRED)
        if self.account is not None and self.service is None:
            raise OptionError("account requires service: accounts of different services may have the same name.")
        if (self.external_user_id or "").lower() == "false":
            raise OptionError(
                "external_user_id must be an ID; to go back to the default user set reset_external_user to true."
            )
        chosen = [name for name in ("external_user_id", "external_user_name") if getattr(self, name) is not None]
        chosen += ["reset_external_user"] if self.reset_external_user else []
        if len(chosen) > 1:
            raise OptionError(f"{' and '.join(chosen)} are mutually exclusive.")

    @property
    def on_site(self) -> str:
        """Return the site of a connection that is not selected by ID. Raises OptionError."""
        if self.site is None:
            raise OptionError(_SITE_REQUIRED)
        return self.site

    @property
    def names_external_user(self) -> bool:
        """Whether the options say which external user it has."""
        return self.external_user_id is not None or self.external_user_name is not None or self.reset_external_user
