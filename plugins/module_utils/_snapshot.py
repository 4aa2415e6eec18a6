# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What has been read so far, and the questions that are still open.

Plans are pure functions of a snapshot. Where one asks for what has not been read, ``NotReadError`` carries the calls that
would answer it; ``settle`` makes the calls and plans anew. So a plan states by what it looks at which requests a job needs.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Callable, TypeVar

from ansible_collections.community.wpcom.plugins.module_utils._errors import WpcomError
from ansible_collections.community.wpcom.plugins.module_utils._records import Record, is_number, sites_by_name

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


@dataclass(frozen=True)
class Done:
    """How an operation ended: with an answer, with an error, or not begun because an earlier one failed."""

    answer: Any = None
    error: WpcomError | None = None
    skipped: bool = False

    @property
    def answered(self) -> bool:
        """Whether the operation was done."""
        return self.error is None and not self.skipped


class NotReadError(Exception):
    """A plan looked at something that has not been read yet, or told that it is about to."""

    def __init__(self, *calls: Call) -> None:
        """Keep the calls that would answer."""
        named = ", ".join(f"{call.resource}.{call.method}" for call in calls)
        super().__init__(f"not read yet: {named}")
        self.calls = calls


class Snapshot:
    """What is there, as far as it has been read."""

    def __init__(self, *, check_mode: bool = False) -> None:
        """Begin with nothing read; in check mode plans look at more, to foresee what the server would refuse."""
        self.check_mode = check_mode
        self._read: dict[Call, Any] = {}

    def add(self, call: Call, answer: Any) -> None:
        """Remember what a call answered."""
        self._read[call] = answer

    def learn(self, operations: Sequence[Call], done: Sequence[Done]) -> None:
        """Take note of what operations did, so that what is looked at next is as if it had been read again."""
        if operations:
            self._read.clear()

    def look(self, resource: str, method: str, **arguments: Any) -> Any:
        """Return what a call of the resource layer answered, or raise the WpcomError it ended with.

        Raises NotReadError where the call has not been made.
        """
        call = Call.of(resource, method, **arguments)
        if call not in self._read:
            raise NotReadError(call)
        answer = self._read[call]
        if isinstance(answer, WpcomError):
            raise answer
        return answer

    def foresee(self, *calls: Call) -> None:
        """Have what will be looked at soon be read at once. Raises NotReadError for what has not been read."""
        missing = [call for call in calls if call not in self._read]
        if missing:
            raise NotReadError(*missing)

    def foresee_publicize_connections_on(self, *sites: str) -> None:
        """Have my keyring connections, and the publicize connections on sites, be read at once."""
        self.foresee(_MY_KEYRINGS, *(Call.of("publicize", "list_on_site", site=site) for site in sites))

    def forget_errors(self) -> None:
        """Let what could not be read be tried again the next time it is looked at."""
        self._read = {call: answer for call, answer in self._read.items() if not isinstance(answer, WpcomError)}

    def publicize_connection(self, connection_id: int, site: str | None) -> Record | None:
        """Return one publicize connection, through the site where one is named."""
        if site is None:
            found: Record | None = self.look("publicize", "get", connection_id=connection_id)
        else:
            found = self.look("publicize", "get_on_site", connection_id=connection_id, site=site)
        return found

    def publicize_connections_on(self, site: str) -> list[Record]:
        """Return the publicize connections on a site, mine at least."""
        return self.all_publicize_connections_on(site)

    def all_publicize_connections_on(self, site: str) -> list[Record]:
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


class AccountSnapshot(Snapshot):
    """What is there, told from the lists of the whole account, so that many connections cost no more requests than one.

    Where those lists do not tell (a site that is not among the user's, a token whose scope hides them), it is read as
    for a single connection.
    """

    def __init__(self, *, check_mode: bool = False) -> None:
        """Begin with nothing read."""
        super().__init__(check_mode=check_mode)
        self._by_site: dict[Any, list[Record]] = {}
        self._by_id: dict[int, Record] = {}
        self._by_keyring: dict[Any, list[Record]] = {}
        self._sites: dict[str, Record] = {}

    def add(self, call: Call, answer: Any) -> None:
        """Remember what a call answered, and index the lists."""
        super().add(call, answer)
        if isinstance(answer, WpcomError):
            return
        if call == _MY_CONNECTIONS:
            self._by_site, self._by_keyring = {}, {}
            self._by_id = {record["id"]: record for record in answer}
            for record in answer:
                self._by_site.setdefault(record.get("site_id"), []).append(record)
                self._by_keyring.setdefault(record.get("keyring_connection_id"), []).append(record)
        elif call == _MY_SITES:
            self._sites = sites_by_name(answer or [])

    def learn(self, operations: Sequence[Call], done: Sequence[Done]) -> None:
        """Change the list of my publicize connections as the operations did; what is not foreseen is read again."""
        before = self._read.get(_MY_CONNECTIONS, [])
        records = {record["id"]: record for record in before}
        for call, one in zip(operations, done):
            if one.skipped:
                continue
            if one.error is not None or call.resource != "publicize":
                super().learn(operations, done)
                return
            if isinstance(one.answer, dict):
                records[one.answer["id"]] = one.answer
            else:
                records.pop(dict(call.arguments)["connection_id"], None)
        if operations:
            kept = {call: answer for call, answer in self._read.items() if call in _UNTOUCHED_BY_PUBLICIZE}
            left = {record.get("keyring_connection_id") for record in records.values()}
            if not set(self._by_keyring) <= left:
                # The server may have deleted a keyring connection with its last publicize connection.
                kept.pop(_MY_KEYRINGS, None)
            if _MY_KEYRINGS in kept:
                kept[_MY_KEYRINGS] = _with_sites(kept[_MY_KEYRINGS], _places(before), _places(records.values()))
            super().learn(operations, done)
            self._read.update(kept)
            self.add(_MY_CONNECTIONS, list(records.values()))

    def my_publicize_connections(self) -> list[Record]:
        """Return my publicize connections on all sites."""
        found: list[Record] = self.look(_MY_CONNECTIONS.resource, _MY_CONNECTIONS.method)
        return found

    def my_publicize_connection(self, connection_id: int, site: str | None) -> Record | None:
        """Return one publicize connection of mine, on the site where one is named."""
        self.my_publicize_connections()
        mine = self._by_id.get(connection_id)
        if mine is None or (site is not None and mine.get("site_id") != self.site_id(site)):
            return None
        return mine

    def publicize_connection(self, connection_id: int, site: str | None) -> Record | None:
        """Return one publicize connection; somebody else's only through a site."""
        mine = self.my_publicize_connection(connection_id, site)
        if mine is not None:
            return mine
        if site is None:
            # Where it is somebody else's the server says so, and gone is something else.
            return super().publicize_connection(connection_id, site)
        others = self.all_publicize_connections_on(site)
        return next((record for record in others if record["id"] == connection_id), None)

    def publicize_connections_on(self, site: str) -> list[Record]:
        """Return mine on a site; where the account's lists do not know the site, all that it has."""
        self.my_publicize_connections()
        if is_number(site) and int(site) in self._by_site:
            return self._by_site[int(site)]
        self._read_sites()
        if site in self._sites:
            return self._by_site.get(self._sites[site]["id"], [])
        return self.all_publicize_connections_on(site)

    def foresee_publicize_connections_on(self, *sites: str) -> None:
        """Have the lists that tell what is on the sites be read at once."""
        by_name = not all(is_number(site) for site in sites)
        self.foresee(_MY_KEYRINGS, _MY_CONNECTIONS, *([_MY_SITES] if by_name else []))

    def publicize_connections_with(self, keyring_connection_id: int) -> list[Record]:
        """Return my publicize connections on all sites that one keyring connection serves."""
        self.my_publicize_connections()
        return self._by_keyring.get(keyring_connection_id, [])

    def service(self, name: str) -> Record | None:
        """Return an external service."""
        services: list[Record] = self.look("services", "list")
        return next((service for service in services if service.get("id") == name), None)

    def site(self, site: str) -> Record | None:
        """Return a site, None where the token's scope does not let it be read."""
        self._read_sites()
        return self._sites[site] if site in self._sites else super().site(site)

    def site_id(self, site: str) -> int | None:
        """Return the ID of a site, None where the token's scope does not let it be told."""
        if is_number(site):
            return int(site)
        there = self.site(site)
        return there["id"] if there else None

    def _read_sites(self) -> None:
        self.look(_MY_SITES.resource, _MY_SITES.method)


class LoopSnapshot(AccountSnapshot):
    """What is there for the items of a loop: told from the account's lists only where a single reading would tell the same.

    What those lists lack may be somebody else's, or on a site that refuses, so it is read as for a single connection.
    """

    def publicize_connection(self, connection_id: int, site: str | None) -> Record | None:
        """Return one publicize connection."""
        mine = super().my_publicize_connection(connection_id, site)
        return mine if mine is not None else Snapshot.publicize_connection(self, connection_id, site)

    def publicize_connections_on(self, site: str) -> list[Record]:
        """Return mine on a site; where I have none there, all that it has."""
        return super().publicize_connections_on(site) or self.all_publicize_connections_on(site)


Places = set[tuple[Any, Any]]


def _places(records: Iterable[Record]) -> Places:
    """Return which keyring connection serves which site."""
    return {(record.get("keyring_connection_id"), record.get("site_id")) for record in records}


def _with_sites(keyrings: Sequence[Record], before: Places, after: Places) -> list[Record]:
    """Return keyring connections with the sites that they serve after a change of publicize connections."""
    gained, lost = after - before, before - after
    changed = {keyring_connection_id for keyring_connection_id, _site in gained | lost}
    return [
        {
            **keyring,
            "sites": [
                *(site for site in keyring["sites"] if (keyring["id"], site) not in lost),
                *(site for number, site in gained if number == keyring["id"] and site not in keyring["sites"]),
            ],
        }
        if keyring["id"] in changed and isinstance(keyring.get("sites"), list)
        else keyring
        for keyring in keyrings
    ]


_MY_CONNECTIONS = Call.of("publicize", "list")
_MY_SITES = Call.of("sites", "find_all")
_MY_KEYRINGS = Call.of("keyring", "list", test=False)
_UNTOUCHED_BY_PUBLICIZE = (_MY_SITES, _MY_KEYRINGS, Call.of("services", "list"))


def settle(plan: Callable[[Snapshot], P], snapshot: Snapshot, read: Callable[[Sequence[Call]], Sequence[Any]]) -> P:
    """Return the plan, after reading whatever it looks at; ``read`` returns for each call its answer or its WpcomError."""
    while True:
        try:
            return plan(snapshot)
        except NotReadError as missing:
            calls = missing.calls
        # Outside of the handler, or the question would pass for the cause of an error in the answer; which is raised anew
        # where the plan looks, so that a plan of many entries knows which ones it concerns.
        for call, answer in zip(calls, read(calls)):
            snapshot.add(call, answer)
