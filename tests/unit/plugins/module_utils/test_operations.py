# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Queries and operations are values; what became of an operation."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.community.wpcom.plugins.module_utils import _operations
from ansible_collections.community.wpcom.plugins.module_utils._errors import WpcomError
from ansible_collections.community.wpcom.plugins.module_utils._operations import (
    CreatePublicizeConnection,
    FindSite,
    GetService,
    Operation,
    OperationResult,
    Query,
    UpdatePublicizeConnection,
)

VALUES = [
    value
    for value in vars(_operations).values()
    if isinstance(value, type) and issubclass(value, (Query, Operation)) and value not in (Query, Operation)
]


@pytest.mark.parametrize("kind", VALUES, ids=lambda kind: kind.__name__)
def test_queries_and_operations_are_values(kind: Any) -> None:
    required = {
        name: "x"
        for name, field in kind.__dataclass_fields__.items()
        if field.default is field.default_factory  # both are MISSING
    }
    assert kind(**required) == kind(**required)
    assert len({kind(**required), kind(**required)}) == 1
    with pytest.raises(AttributeError):
        setattr(kind(**required), "new", 1)  # noqa: B010


def test_queries_of_different_classes_or_arguments_are_different() -> None:
    assert len({FindSite("1"), FindSite("2"), GetService("1"), GetService("1", (("fields", "ID"),))}) == 4


@pytest.mark.parametrize(
    ("operation", "changes"),
    [
        (UpdatePublicizeConnection(5), False),
        (UpdatePublicizeConnection(5, shared=True), False),
        (UpdatePublicizeConnection(5, external_id="1"), True),
        (UpdatePublicizeConnection(5, external_id=None, is_default_user=True), True),
    ],
)
def test_update_changes_the_external_user_where_it_has_one(operation: Any, changes: bool) -> None:
    assert operation.changes_external_user is changes


def test_creations_that_differ_in_what_the_site_has_are_different() -> None:
    assert CreatePublicizeConnection("1", 2) != CreatePublicizeConnection("1", 2, known_ids=frozenset({5}))


@pytest.mark.parametrize(
    ("result", "succeeded", "changed"),
    [
        (OperationResult(), True, True),
        (OperationResult(record={"id": 1}), True, True),
        (OperationResult(skipped=True), False, False),
        (OperationResult(error=WpcomError("No.")), False, False),
        (OperationResult(error=WpcomError("No.", result={"changed": False})), False, False),
        # The server did a part of it.
        (OperationResult(error=WpcomError("No.", result={"changed": True})), False, True),
    ],
)
def test_operation_changed_something_where_it_succeeded_or_was_done_in_part(
    result: OperationResult, succeeded: bool, changed: bool
) -> None:
    assert (result.succeeded, result.changed) == (succeeded, changed)
