# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The entries of a bulk plan, and the order in which they are written."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from .._cache.read_cache import Cache
from .._operations import ListPublicizeConnections
from .._records.record import Record
from .desired import DesiredPublicizeConnection
from .plan import Schedule
from .publicize import PublicizePlan


@dataclass(frozen=True)
class Entry:
    """One entry of the list, or one connection that is purged, and its plan; ``label`` names it in messages."""

    label: str
    desired: DesiredPublicizeConnection
    plan: PublicizePlan
    site_id: int | None
    keyring: Record | None

    @property
    def record(self) -> Record | None:
        """Return the record that the entry leads to, None where it is absent."""
        record: Record | None = self.plan.result["connection"]
        return record

    @property
    def action(self) -> str:
        """Return what is to be done."""
        if not self.plan.operations:
            return "unchanged"
        if self.desired.state == "absent":
            return "deleted"
        return "created" if self.plan.existing is None else "updated"

    @property
    def keyring_connection_id(self) -> Any:
        """Return the ID of the keyring connection behind it."""
        return (self.plan.existing or self.record or {}).get("keyring_connection_id")

    @property
    def moves_external_user(self) -> bool:
        """Whether the entry makes a connection, or gives one another external user."""
        before, after = self.plan.existing or {}, self.record or {}
        return self.action == "created" or before.get("external_id") != after.get("external_id")


def schedule(entries: Sequence[Entry], cache: Cache, *, parallel: int, stop_on_error: bool) -> Schedule:
    """Return when which entry is written; indices count the entries that write."""
    acting = [entry for entry in entries if entry.plan.operations]
    emptied = _emptied(acting, cache)
    return Schedule(_stages(acting, emptied), _required(acting, emptied), parallel, stop_on_error)


def _emptied(acting: Sequence[Entry], cache: Cache) -> set[Any]:
    """Return the keyring connections whose present publicize connections all go."""
    deleted = Counter(entry.keyring_connection_id for entry in acting if entry.action == "deleted")
    return {
        key
        for key, number in deleted.items()
        if len(cache.read(ListPublicizeConnections(keyring_connection_id=key))) <= number
    }


def _required(acting: Sequence[Entry], emptied: Collection[Any]) -> dict[int, list[int]]:
    """Return what must have been made before an account's last connections go: one of its new ones."""
    created: dict[Any, list[int]] = {}
    for index, entry in enumerate(acting):
        if entry.action == "created" and entry.keyring_connection_id in emptied:
            created.setdefault(entry.keyring_connection_id, []).append(index)
    return {
        index: created[entry.keyring_connection_id]
        for index, entry in enumerate(acting)
        if entry.action == "deleted" and entry.keyring_connection_id in created
    }


def _stages(acting: Sequence[Entry], emptied: Collection[Any]) -> tuple[tuple[int, ...], ...]:
    """Return the order of the writes: on a site deletions go first, but an account's last connection goes after its new one.

    WordPress.com may delete a keyring connection with its last publicize connection, and then nothing new can be made with
    it. Where both cannot be had, the account is worth more than the order on the site.

        entries   0 delete facebook on site 1    1 create facebook on site 2    2 delete tumblr on site 2 (its last one)
        stage 1   2: deletions first; 0 waits, because it is the last one of facebook, which 1 creates again
        stage 2   1: nothing is left to delete on site 2
        stage 3   0, if 1 succeeded (requires_any_of)
    """
    waiting = dict(enumerate(acting))
    stages: list[tuple[int, ...]] = []
    while waiting:
        sites = {entry.site_id for entry in waiting.values() if entry.action == "deleted"}
        new = {entry.keyring_connection_id for entry in waiting.values() if entry.action == "created"}
        accounts = new.intersection(emptied)
        ready = [
            index
            for index, entry in waiting.items()
            if (
                entry.keyring_connection_id not in accounts if entry.action == "deleted" else entry.site_id not in sites
            )
        ]
        stages.append(tuple(ready or (index for index, entry in waiting.items() if entry.action == "created")))
        for index in stages[-1]:
            del waiting[index]
    return tuple(stages)
