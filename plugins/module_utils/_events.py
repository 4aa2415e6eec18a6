# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What changed between two lists of publicize connections, as events; no I/O.

known       connection 1 ok, connection 2 broken, connection 3 ok
list        connection 1 expiring, connection 2 ok, connection 4 broken
events      expiring 1, recovered 2, deleted 3, created 4, broken 4

An event is {type, connection, previous, account}: ``type`` one of broken, expiring, recovered, created, deleted and
unreachable, ``connection`` and ``previous`` what is kept of the record now and at the previous list (None where there is
none, of ``deleted`` both the last one), ``account`` the name that users know the account by. What concerns the API as a
whole, unreachable and the recovery from it, has None for all three.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ._records.names import account_name
from ._records.record import Record

STATE_VERSION = 1
# What is kept of a record: neither URLs, which may be personal, nor what varies from response to response.
KEPT = (
    "id",
    "site_id",
    "user_id",
    "keyring_connection_id",
    "keyring_connection_user_id",
    "shared",
    "service",
    "label",
    "issued",
    "expires",
    "external_id",
    "external_name",
    "external_display",
    "status",
    "health",
    "repair",
)
# The healths that say something. Where a connection has another one, its last one of these counts.
_CONDITIONS = ("ok", "expiring", "broken")
_TEMPLATE = re.compile(r"\{(?=[{%#])")

Event = dict[str, Any]


@dataclass(frozen=True)
class Watched:
    """A known publicize connection: what is kept of its record, and its last health that said something."""

    connection: Record
    condition: str = "ok"


@dataclass(frozen=True)
class State:
    """What is known of the lists so far.

    ``connections`` are by ID, None before the first list; ``site_ids`` the sites that they are of, None for all.
    ``complete`` is false where the list had entries without an ID.
    """

    connections: Mapping[int, Watched] | None = None
    site_ids: frozenset[int] | None = None
    complete: bool = True
    unreachable: bool = False

    def would_know(self, site_id: Any) -> bool:
        """Whether a connection of a site that existed at the last list is certainly known."""
        return self.connections is not None and self.complete and _is_of(self.site_ids, site_id)


def changes(
    previous: State,
    records: Iterable[Record],
    *,
    site_ids: frozenset[int] | None = None,
    report_existing: bool = True,
    complete: bool = True,
) -> tuple[list[Event], State]:
    """Return the events that a list of the user's publicize connections makes, by ID, and the state after it.

    ``site_ids`` are the sites to watch, None for all. ``report_existing``: what is broken or expiring when it is seen for
    the first time makes an event. ``complete`` is false where the list has entries without an ID: each of them may be a
    connection that seems to be missing.
    """
    known = previous.connections or {}
    watched: dict[int, Watched] = {}
    events = [_event("recovered", None, None)] if previous.unreachable else []
    found = {record["id"]: record for record in records if _is_of(site_ids, record.get("site_id"))}
    for number in sorted({*known, *found}):
        before = known.get(number)
        if number in found:
            after = _watched(found[number], before)
            watched[number] = after
            events.extend(_changes_of_one(previous, before, after, report_existing))
        elif before is not None and _is_of(site_ids, before.connection["site_id"]):
            if complete:
                events.append(_event("deleted", before.connection, before.connection))
            else:
                watched[number] = before
    return events, State(watched, site_ids, complete)


def outage(previous: State) -> tuple[list[Event], State]:
    """Return the events and the state where the list could not be read: one event, however long it lasts."""
    events = [] if previous.unreachable else [_event("unreachable", None, None)]
    return events, replace(previous, unreachable=True)


def without(undelivered: Sequence[Event], previous: State, state: State) -> State:
    """Return a state after which the same list makes the events that were not delivered, and no others.

    ``previous`` and ``state`` are those before and after the list.
    """
    known = previous.connections or {}
    watched = dict(state.connections or {})
    complete, unreachable = state.complete, state.unreachable
    # The events of one connection undo each other in reverse order.
    for event in reversed(undelivered):
        if event["connection"] is None:
            unreachable = previous.unreachable
            continue
        number = event["connection"]["id"]
        if event["type"] == "created":
            del watched[number]
            complete = previous.complete
        else:
            watched[number] = known[number] if number in known else Watched(watched[number].connection)
    connections = None if state.connections is None else watched
    return replace(state, connections=connections, complete=complete, unreachable=unreachable)


def is_of_another_user(state: State, records: Iterable[Record]) -> bool:
    """Whether a state was made from the connections of another user than those of a list."""
    known = _owners(watched.connection for watched in (state.connections or {}).values())
    listed = _owners(records)
    return bool(known and listed) and known.isdisjoint(listed)


def _owners(records: Iterable[Mapping[str, Any]]) -> set[Any]:
    return {record.get("keyring_connection_user_id") for record in records} - {None, 0}


def to_document(state: State) -> dict[str, Any]:
    """Return a state as JSON has it."""
    connections = state.connections
    return {
        "version": STATE_VERSION,
        "sites": None if state.site_ids is None else sorted(state.site_ids),
        "complete": state.complete,
        "unreachable": state.unreachable,
        "connections": None
        if connections is None
        else [
            {"condition": watched.condition, "connection": watched.connection}
            for _number, watched in sorted(connections.items())
        ],
    }


def from_document(document: Any) -> State:
    """Return the state that a JSON document holds. Raises ValueError, which says what is wrong with it."""
    if not isinstance(document, dict) or "version" not in document:
        raise ValueError("it has no version")
    if document["version"] != STATE_VERSION or isinstance(document["version"], bool):
        raise ValueError(f"this version of the collection reads version {STATE_VERSION} only")
    try:
        sites, connections = document["sites"], document["connections"]
        state = State(
            None if connections is None else {item["connection"]["id"]: _restored(item) for item in connections},
            None if sites is None else frozenset(sites),
            document["complete"],
            document["unreachable"],
        )
        intact = to_document(state) == document and all(isinstance(number, int) for number in state.connections or ())
    except (KeyError, TypeError, AttributeError):
        intact = False
    if not intact:
        raise ValueError("its content is damaged")
    return state


def _restored(item: Mapping[str, Any]) -> Watched:
    """Return one known connection of a document. Raises KeyError, TypeError, ValueError."""
    if item["condition"] not in _CONDITIONS:
        raise ValueError("its content is damaged")
    return Watched({key: item["connection"][key] for key in KEPT}, item["condition"])


def _changes_of_one(previous: State, before: Watched | None, after: Watched, report_existing: bool) -> Iterable[Event]:
    """Yield the events of a connection that is in the list."""
    connection, condition = after.connection, after.condition
    if before is None:
        is_new = previous.would_know(connection["site_id"])
        if is_new:
            yield _event("created", connection, None)
        if condition != "ok" and (is_new or report_existing):
            yield _event(condition, connection, None)
    elif condition != before.condition:
        yield _event("recovered" if condition == "ok" else condition, connection, before.connection)


def _watched(record: Record, before: Watched | None) -> Watched:
    """Return what to keep of a record."""
    health = record["health"]
    condition = health if health in _CONDITIONS else before.condition if before else "ok"
    return Watched({key: _plain(record.get(key)) for key in KEPT}, condition)


def _plain(value: Any) -> Any:
    """Return a value of the record, None for an object or a list, which none of the kept keys has."""
    return value if isinstance(value, (str, int, float, bool)) else None


def _is_of(site_ids: frozenset[int] | None, site_id: Any) -> bool:
    return site_ids is None or site_id in site_ids


def _event(kind: str, connection: Record | None, previous: Record | None) -> Event:
    """Return an event with records of its own: filters of a rulebook may change them."""
    return {
        "type": kind,
        "connection": None if connection is None else _harmless(connection),
        "previous": None if previous is None else _harmless(previous),
        "account": None if connection is None else _not_a_template(account_name(connection)),
    }


def _harmless(connection: Record) -> Record:
    """Return a record whose texts may be the variables of a playbook.

    ansible-rulebook passes an event as extra variables, in which Ansible evaluates templates, and the name of an account is
    the choice of whoever owns it.
    """
    return {key: _not_a_template(value) if isinstance(value, str) else value for key, value in connection.items()}


def _not_a_template(text: str) -> str:
    """Return a text in which no template begins: ``{{`` becomes ``{ {``."""
    return _TEMPLATE.sub("{ ", text)
