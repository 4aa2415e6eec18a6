# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a diff shows of a record, and what counts as a number."""

from __future__ import annotations

import pytest

from ansible_collections.community.wpcom.plugins.module_utils._records.record import diff_view, is_number

HIDDEN = [
    "issued",
    "expires",
    "authorized",
    "refresh_url",
    "connect_url",
    "meta",
    "external_follower_count",
    "external_profile_picture",
    "external_profile_url",
    "url",
    "icon",
    "status",
    "health",
    "repair",
    "read_only",
    "additional_external_users",
]


def test_absent_record_is_empty() -> None:
    assert diff_view(None) == {}


@pytest.mark.parametrize("key", HIDDEN)
def test_what_the_server_decides_or_varies_is_hidden(key: str) -> None:
    assert diff_view({"id": 5, key: "x", "shared": False}) == {"id": 5, "shared": False}


def test_what_a_task_decides_is_shown_with_unknown_keys() -> None:
    record = {"id": 5, "site_id": 1, "user_id": 0, "external_id": "1", "external_name": None, "new": []}
    assert diff_view(record) == record


def test_id_of_a_connection_yet_to_be_created_is_hidden() -> None:
    assert diff_view({"id": None, "shared": True}) == {"shared": True}


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("0", True),
        ("3001", True),
        ("", False),
        ("-1", False),
        ("1.5", False),
        (" 1", False),
        ("\u0661", False),
        ("\u00b2", False),
    ],
)
def test_number_has_ascii_digits_only(text: str, number: bool) -> None:
    assert is_number(text) is number
