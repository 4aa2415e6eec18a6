# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a plan is made of."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.community.wpcom.plugins.module_utils._records import Record, account_name
from ansible_collections.community.wpcom.plugins.module_utils._remedies import RECONNECT
from ansible_collections.community.wpcom.plugins.module_utils._snapshot import Call, Done


@dataclass(frozen=True)
class Diff:
    """Before and after as a diff shows them, {} for absent, and a header that names the thing."""

    before: Record
    after: Record
    header: str

    def as_result(self) -> dict[str, Any]:
        """Return the ``diff`` of a task's result."""
        return {
            "before": self.before,
            "after": self.after,
            "before_header": self.header,
            "after_header": self.header,
        }


@dataclass(frozen=True)
class Plan:
    """What is to be done, and what the result will be.

    ``result`` holds the predicted keys of the result; after the operations the last answer replaces ``answer_key``,
    and each of ``gone`` tells whether the thing that its call reads is no longer there. ``current`` is the record that
    an operation on a single thing would change, None where it is absent. ``needs`` tells of operations that would do
    harm alone, by index, the earlier ones of which one must have been done.
    """

    result: dict[str, Any]
    diff: Diff | None = None
    operations: tuple[Call, ...] = ()
    warnings: tuple[str, ...] = ()
    answer_key: str | None = None
    gone: dict[str, Call] = field(default_factory=dict)
    current: Record | None = None
    parallel: int = 1
    stop_on_error: bool = True
    needs: Mapping[int, Collection[int]] = field(default_factory=dict)

    @property
    def changed(self) -> bool:
        """Whether there is anything to do."""
        return bool(self.operations)

    @property
    def stages(self) -> tuple[tuple[int, ...], ...]:
        """Return the indices of operations that may run at once, stage after stage."""
        return (tuple(range(len(self.operations))),)

    def concluded(self, done: Sequence[Done] | None) -> dict[str, Any]:
        """Return the result, predicted where ``done`` is None. Raises the WpcomError of the operation that failed."""
        result = {**self.result, "changed": self.changed}
        if self.diff is not None:
            result["diff"] = self.diff.as_result()
        for one in done or ():
            if one.error is not None:
                one.error.result.setdefault("changed", any(other.answered for other in done or ()))
                raise one.error
            if self.answer_key is not None:
                result[self.answer_key] = one.answer
        return result


def health_warning(kind: str, record: Record) -> tuple[str, ...]:
    """Return the warning that a connection needs a person, naming the account and what to do; none for a healthy one."""
    if record["repair"] is None:
        return ()
    name = f"{kind} {record['id'] or 'to be created'} ({record.get('service')}, account {account_name(record)!r})"
    state = "is broken" if record["health"] == "broken" else "will soon stop working"
    if record.get("expires"):
        state += f" (expires {record['expires']})"
    if record["repair"] == "refresh":
        remedy = f"open {record.get('refresh_url') or 'its refresh_url'} in a browser to refresh it"
    else:
        remedy = RECONNECT
    return (f"The {name} {state}; its owner must {remedy}.",)
