# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The table of keys: what normalisation takes from it, and what it is for the documented and the real forms."""

from __future__ import annotations

from typing import Any, Optional

import pytest
import requests

from ansible_collections.community.wpcom.plugins.module_utils._records import normalize, wire
from ansible_collections.community.wpcom.plugins.module_utils._records.conformance import (
    conformance,
    is_gapped,
    rows,
    type_name,
)
from ansible_collections.community.wpcom.tests.simulator import Simulator
from ansible_collections.community.wpcom.tests.unit.support import TOKEN


@pytest.mark.parametrize(
    ("taken", "names"),
    [
        (
            normalize._INTEGER_KEYS,
            "id site_id user_id keyring_connection_id keyring_connection_user_id primary_blog token_client_id",
        ),
        (normalize._DATE_KEYS, "issued expires authorized"),
        (
            normalize._TEXT_KEYS,
            "external_id external_name external_display service label type status refresh_url connect_url title slug url site_url",
        ),
        (normalize._LIST_KEYS, "sites additional_external_users"),
        (wire.names_of(wire.OBJECT), "capabilities site"),
        (wire.names_of(wire.MAP), "external_meta genericon meta options permissions warnings"),
    ],
)
def test_normalisation_takes_its_keys_from_the_table(taken: frozenset[str], names: str) -> None:
    assert taken == set(names.split())


def test_sites_and_accounts_have_further_keys() -> None:
    assert [table for table in wire.ALL if table.is_open] == [wire.SITE, wire.ACCOUNT]


def test_no_key_is_in_a_table_twice() -> None:
    for table in wire.ALL:
        names = [name for key in table.keys for name in key.names]
        assert len(names) == len(set(names))


@pytest.mark.parametrize(
    ("key", "value", "matches"),
    [
        ("ID", 5, True),
        ("ID", "5", True),
        ("ID", True, False),
        ("ID", 5.5, False),
        ("user_ID", None, True),
        ("service", "x", True),
        ("service", 5, False),
        ("service", None, False),
        ("external_name", False, True),
        ("external_name", 5, False),
        ("expires", "0000-00-0000:00:00", True),
        ("expires", 1893456000, True),
        ("expires", "1893456000", True),
        ("expires", "2026-01-31T10:20:30+00:00", True),
        ("expires", None, True),
        ("expires", "soon", False),
        ("expires", [], False),
        ("sites", ["1"], True),
        ("sites", {"1": "1"}, True),
        ("sites", {}, True),
        ("sites", {"a": "1"}, False),
        ("sites", ["x"], False),
        ("additional_external_users", [{"external_ID": "1", "external_name": "a"}, None], True),
        ("additional_external_users", ["x"], False),
        ("additional_external_users", False, True),
        ("meta", [], True),
        ("meta", "x", False),
    ],
)
def test_type_of_a_value(key: str, value: Any, matches: bool) -> None:
    table = wire.Wire(tuple(one for one in wire.KEYRING_CONNECTION.keys if one.name == key))
    found = conformance(table, [{key: value}], lambda entry: True)
    assert found.mistyped == ({} if matches else {(key, type_name(value)): 1})
    assert found.missing == found.unknown == {}


def test_other_spelling_is_the_same_key() -> None:
    table = wire.CONNECTED_APPLICATION
    documented = {"connection_ID": 1, "title": "A", "permissions": [], "authorized": "2026-01-31T10:20:30+00:00"}
    found = conformance(table, [{**documented, "blog": {"site_ID": "x", "new": 1}}], lambda entry: True)
    assert (found.missing, found.mistyped, found.unknown) == (
        {},
        {("blog.site_ID", "string"): 1},
        {("blog.", "new"): 1},
    )


def test_entries_and_statuses_are_counted() -> None:
    statuses = ["ok", "ok", None, "", "on_hold", 5]
    entries = [{"ID": 1, "status": status} for status in statuses]
    found = conformance(
        wire.PUBLICIZE_CONNECTION, [*entries, None, {"ID": 0}], lambda entry: bool(entry and entry["ID"])
    )
    assert (found.entries, found.without_id) == (8, 2)
    assert (found.statuses, found.unknown_statuses) == ({"ok": 2, "none": 2}, {"on_hold": 1})
    assert found.mistyped == {("status", "integer"): 1}


@pytest.mark.parametrize(
    ("value", "items", "gapped", "name"),
    [
        ([1], [1], False, "array"),
        ({"1": 1, "3": 2}, [1, 2], True, "object"),
        ({"a": 1}, [1], False, "object"),
        ({}, [], False, "object"),
        (None, [], False, "null"),
        ("x", [], False, "string"),
        (True, [], False, "boolean"),
        (1.5, [], False, "number"),
    ],
)
def test_form_of_a_list(value: Any, items: list[Any], gapped: bool, name: str) -> None:
    assert (rows(value), is_gapped(value), type_name(value)) == (items, gapped, name)


@pytest.mark.parametrize(
    ("table", "path", "key"),
    [
        (wire.PUBLICIZE_CONNECTION, "/me/publicize-connections/", "connections"),
        (wire.KEYRING_CONNECTION, "/me/keyring-connections/", "connections"),
        (wire.CONNECTED_APPLICATION, "/me/connected-applications/", "connected_applications"),
        (wire.SERVICE, "/meta/external-services/", "services"),
        (wire.SITE, "/me/sites", "sites"),
        (wire.ACCOUNT, "/me", None),
    ],
)
def test_table_has_the_keys_that_the_simulator_sends(table: wire.Wire, path: str, key: Optional[str]) -> None:
    """Two readings of the same documents: nobody who changes one of them changes the other by accident."""
    with Simulator() as simulator:
        headers = {"Authorization": f"Bearer {TOKEN}"}
        document = requests.get(f"{simulator.url}/rest/v1.1{path}", headers=headers, timeout=10).json()
    entries = rows(document[key]) if key else [document]
    found = conformance(table, entries, lambda entry: True)
    assert found.entries > 0
    assert (found.missing, found.mistyped) == ({}, {})
    assert table.is_open or not found.unknown
