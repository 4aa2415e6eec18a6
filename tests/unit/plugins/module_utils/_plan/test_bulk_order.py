# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The order of bulk writes: deletions first on a site, and never an account without a connection."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.community.wpcom.plugins.module_utils._operations import (
    CreatePublicizeConnection,
    DeletePublicizeConnection,
)
from ansible_collections.community.wpcom.tests.unit.builders import (
    BLUESKY,
    FACEBOOK,
    LINKEDIN,
    MASTODON,
    SHOP,
    World,
    plan,
    publicize_connection,
    run,
)


def world(**changes: Any) -> World:
    """Return a world in which Bluesky and LinkedIn have one connection each, Facebook and Mastodon two."""
    return World(
        publicize_connection(50, BLUESKY, 1),
        publicize_connection(51, LINKEDIN, 2),
        publicize_connection(52, MASTODON, 1),
        publicize_connection(53, MASTODON, 2),
        publicize_connection(54, FACEBOOK, 1, SHOP),
        publicize_connection(55, FACEBOOK, 2, SHOP),
        keyring_goes_with_last=True,
        **changes,
    )


def gone(id: int) -> dict[str, Any]:
    """Return an entry that deletes a connection."""
    return {"id": id, "state": "absent"}


def new(keyring: dict[str, Any], site: int) -> dict[str, Any]:
    """Return an entry that creates a connection."""
    return {"site": str(site), "keyring_connection_id": keyring["id"]}


ORDERS: dict[str, tuple[list[dict[str, Any]], tuple[tuple[int, ...], ...], dict[int, list[int]]]] = {
    "nothing to write": ([{"id": 50}], (), {}),
    "what does not meet": ([gone(52), new(LINKEDIN, 3), {"id": 55, "shared": True}], ((0, 1, 2),), {}),
    "entries that write nothing do not count": ([{"id": 50}, gone(52)], ((0,),), {}),
    "deletions first on a site": ([new(LINKEDIN, 1), gone(52)], ((1,), (0,)), {}),
    "updates after the deletions of a site": ([{"id": 54, "shared": True}, gone(52)], ((1,), (0,)), {}),
    "a deletion on one site does not hold up another site": ([new(LINKEDIN, 3), gone(52)], ((0, 1),), {}),
    "the last connection after the new one": ([gone(50), new(BLUESKY, 2)], ((1,), (0,)), {0: [1]}),
    "one of two connections at once with the new one": ([gone(52), new(MASTODON, 3)], ((0, 1),), {}),
    "both connections after the new one": (
        [gone(52), gone(53), new(MASTODON, 3)],
        ((2,), (0, 1)),
        {0: [2], 1: [2]},
    ),
    "the last connection after all of the new ones": (
        [gone(50), new(BLUESKY, 2), new(BLUESKY, 3)],
        ((1, 2), (0,)),
        {0: [1, 2]},
    ),
    "the last connection without a new one": ([gone(50), new(LINKEDIN, 3)], ((0, 1),), {}),
    # The example in the docstring of the order.
    "three stages": ([gone(50), new(BLUESKY, 2), gone(51)], ((2,), (1,), (0,)), {0: [1]}),
    "between two sites that both lose something": (
        [new(BLUESKY, 2), gone(50), gone(52), gone(53)],
        ((2, 3), (0,), (1,)),
        {1: [0]},
    ),
    # Each waits for the other: the accounts are worth more than the order on the sites.
    "two accounts that change places": (
        [new(BLUESKY, 2), gone(50), new(LINKEDIN, 1), gone(51)],
        ((0, 2), (1, 3)),
        {1: [0], 3: [2]},
    ),
}


@pytest.mark.parametrize(("connections", "stages", "required"), ORDERS.values(), ids=ORDERS)
def test_order_of_writes(connections: Any, stages: Any, required: Any) -> None:
    schedule = plan("bulk", world(), connections=connections).schedule
    assert schedule.stages == stages
    assert schedule.requires_any_of == required


@pytest.mark.parametrize("parallel", [1, 4])
@pytest.mark.parametrize(("connections", "stages", "required"), ORDERS.values(), ids=ORDERS)
def test_account_that_moves_keeps_its_keyring_connection(
    connections: Any, stages: Any, required: Any, parallel: int
) -> None:
    moving = world()
    task = run("bulk", moving, connections=connections, parallel=parallel)
    assert not task.failed, task.result["msg"]
    created = {entry.get("keyring_connection_id") for entry in connections}
    assert created - {None} <= set(moving.keyrings)
    again = run("bulk", moving, connections=connections)
    assert again.result["changed"] is False


def test_last_connection_is_kept_where_the_new_one_is_refused() -> None:
    moving = world(refuses=lambda operation: isinstance(operation, CreatePublicizeConnection))
    connections = [new(BLUESKY, 2), gone(50), {"id": 54, "shared": True}]
    task = run("bulk", moving, connections=connections, on_error="continue", parallel=1, report="all")
    assert [each["action"] for each in task.result["actions"]] == ["failed", "skipped", "updated"]
    assert 50 in moving.connections
    moving.refuses = lambda operation: None
    again = run("bulk", moving, connections=connections, report="all")
    assert [each["action"] for each in again.result["actions"]] == ["created", "deleted", "unchanged"]
    assert BLUESKY["id"] in moving.keyrings


def test_last_connection_goes_where_one_of_several_new_ones_is_made() -> None:
    moving = world(refuses=lambda operation: getattr(operation, "site", None) == "2")
    connections = [gone(50), new(BLUESKY, 2), new(BLUESKY, 3)]
    task = run("bulk", moving, connections=connections, on_error="continue", parallel=1, report="all")
    assert [each["action"] for each in task.result["actions"]] == ["deleted", "failed", "created"]


@pytest.mark.parametrize(("on_error", "stops"), [("stop", True), ("continue", False)])
def test_schedule_has_the_options(on_error: str, stops: bool) -> None:
    schedule = plan("bulk", world(), connections=[gone(52)], parallel=7, on_error=on_error).schedule
    assert (schedule.parallel, schedule.stop_on_error) == (7, stops)


def test_operations_are_those_of_the_entries_in_their_order() -> None:
    planned = plan("bulk", world(), connections=[gone(50), {"id": 51}, new(BLUESKY, 2)])
    assert [type(operation) for operation in planned.operations] == [
        DeletePublicizeConnection,
        CreatePublicizeConnection,
    ]
