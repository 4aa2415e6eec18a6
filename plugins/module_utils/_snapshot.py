# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What has been read so far, and the questions that are still open.

Plans are pure functions of a snapshot. Where one asks for what has not been read, ``NotReadError`` carries the call that
would answer it; ``settle`` makes the call and plans anew. So a plan states by what it looks at which requests a job needs.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Callable, TypeVar

from ansible_collections.community.wpcom.plugins.module_utils._records import Record

P = TypeVar("P")


@dataclass(frozen=True)
class Call:
    """One method of the resource layer and its arguments; as a key of a snapshot the arguments must be hashable."""

    resource: str
    method: str
    arguments: tuple[tuple[str, Any], ...] = ()

    @classmethod
    def of(cls, resource: str, method: str, **arguments: Any) -> Call:
        """Return the call with its arguments in a fixed order."""
        return cls(resource, method, tuple(sorted(arguments.items())))


class NotReadError(Exception):
    """A plan looked at something that has not been read yet."""

    def __init__(self, call: Call) -> None:
        """Keep the call that would answer."""
        super().__init__(f"{call.resource}.{call.method} has not been read")
        self.call = call


class Snapshot:
    """What is there, as far as it has been read."""

    def __init__(self, *, check_mode: bool = False) -> None:
        """Begin with nothing read; in check mode plans look at more, to foresee what the server would refuse."""
        self.check_mode = check_mode
        self._read: dict[Call, Any] = {}

    def add(self, call: Call, answer: Any) -> None:
        """Remember what a call answered."""
        self._read[call] = answer

    def look(self, resource: str, method: str, **arguments: Any) -> Any:
        """Return what a call of the resource layer answered; raises NotReadError."""
        call = Call.of(resource, method, **arguments)
        if call not in self._read:
            raise NotReadError(call)
        return self._read[call]

    def publicize_connection(self, connection_id: int, site: str | None) -> Record | None:
        """Return one publicize connection, through the site where one is named."""
        if site is None:
            found: Record | None = self.look("publicize", "get", connection_id=connection_id)
        else:
            found = self.look("publicize", "get_on_site", connection_id=connection_id, site=site)
        return found

    def publicize_connections_on(self, site: str) -> list[Record]:
        """Return all publicize connections on a site, other people's included."""
        found: list[Record] = self.look("publicize", "list_on_site", site=site)
        return found

    def publicize_connections_with(self, keyring_connection_id: int) -> list[Record]:
        """Return my publicize connections on all sites that one keyring connection serves."""
        found: list[Record] = self.look("publicize", "list", keyring_connection_id=keyring_connection_id)
        return found

    def keyring_connections(self, *, test: bool = False) -> list[Record]:
        """Return my keyring connections, with ``test`` after the server has tried each anew."""
        found: list[Record] = self.look("keyring", "list", test=test)
        return found

    def keyring_connection(self, keyring_connection_id: int, *, test: bool = False) -> Record | None:
        """Return one keyring connection of mine."""
        found: Record | None = self.look("keyring", "get", keyring_connection_id=keyring_connection_id, test=test)
        return found

    def refetched_keyring_connection(self, keyring_connection_id: int) -> Record | None:
        """Return a keyring connection after the server has re-read its external users."""
        found: Record | None = self.look(
            "keyring", "get", keyring_connection_id=keyring_connection_id, refetch_external_users=True
        )
        return found

    def service(self, name: str) -> Record | None:
        """Return an external service."""
        found: Record | None = self.look("services", "get", service=name)
        return found

    def site(self, site: str) -> Record | None:
        """Return a site, None where the token's scope does not let it be read."""
        found: Record | None = self.look("sites", "find", site=site)
        return found

    def connected_application(self, application_id: int) -> Record | None:
        """Return one connected application."""
        found: Record | None = self.look("applications", "get", application_id=application_id)
        return found

    def connected_applications(self) -> list[Record]:
        """Return all connected applications, an entry for each access token."""
        found: list[Record] = self.look("applications", "list")
        return found

    def account(self) -> Record | None:
        """Return the user behind the token, None where the token's scope does not let it be read."""
        found: Record | None = self.look("account", "find")
        return found


def settle(plan: Callable[[Snapshot], P], snapshot: Snapshot, read: Callable[[Call], Any]) -> P:
    """Return the plan, after reading whatever it looks at."""
    while True:
        try:
            return plan(snapshot)
        except NotReadError as missing:
            call = missing.call
        # Outside of the handler, or the question would pass for the cause of an error in the answer.
        snapshot.add(call, read(call))
