# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The API as a whole: each query and operation finds the resource that handles it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timezone
from typing import Any, Callable, TypeVar, cast

from .._http.transport import Transport
from .._operations import Operation, Query
from .._records import normalize
from .._records.health import EXPIRING_WITHIN_DAYS
from .._records.record import Record
from .applications import ConnectedApplications
from .keyring import KeyringConnections
from .publicize import OWN_PATH, PublicizeConnections
from .read_only import Account, ExternalServices, Sites
from .resource import HasHandlers

T = TypeVar("T")


class Api:
    """All resources over one transport; ``now`` and ``expiring_within`` (days) decide the health of records."""

    def __init__(
        self,
        transport: Transport,
        *,
        now: datetime | None = None,
        expiring_within: int = EXPIRING_WITHIN_DAYS,
        further: Sequence[Callable[[Transport], HasHandlers]] = (),
    ) -> None:
        """Make the resources, and ``further`` ones that only some modules need; nothing is sent yet."""
        moment = now or datetime.now(timezone.utc)
        self._notices: dict[str, str] = {}
        report = self._notices.__setitem__
        resources: tuple[HasHandlers, ...] = (
            PublicizeConnections(
                transport, report, lambda wire: normalize.publicize_connection(wire, moment, expiring_within)
            ),
            KeyringConnections(
                transport, report, lambda wire: normalize.keyring_connection(wire, moment, expiring_within)
            ),
            ConnectedApplications(transport, report, normalize.connected_application),
            ExternalServices(transport, report, normalize.service),
            Account(transport, report, normalize.account),
            Sites(transport, report, normalize.site),
            *(make(transport) for make in further),
        )
        self._handlers = {kind: handle for resource in resources for kind, handle in resource.handlers.items()}

    @property
    def notices(self) -> list[str]:
        """Return what is wrong with the lists that were read last, one text for each list."""
        return [notice for notice in self._notices.values() if notice]

    @property
    def has_unidentified_connections(self) -> bool:
        """Whether the list of the user's publicize connections that was read last has entries without an ID."""
        return bool(self._notices.get(OWN_PATH))

    def fetch(self, query: Query[T]) -> T:
        """Return the response to a query. Raises WpcomError."""
        return cast(T, self._handle(query))

    def apply(self, operation: Operation) -> Record | bool:
        """Do an operation, and return the record that it leaves, or whether what it deleted existed. Raises WpcomError."""
        return cast("Record | bool", self._handle(operation))

    def _handle(self, asked: Query[Any] | Operation) -> Any:
        return self._handlers[type(asked)](asked)
