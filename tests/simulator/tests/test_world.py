# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""World files: what they may say, and what is wrong with them."""

from __future__ import annotations

import json
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from .. import Simulator
from ..casting import parse_body, php_bool, php_int
from ..world import DEFAULT_WORLD, World, WorldError, load_document, read_date

NOW = datetime(2026, 7, 1, 12, 0, 0, tzinfo=timezone.utc)
USERS: dict[str, Any] = {"users": [{"ID": 1, "username": "a"}]}


def load(**sections: Any) -> World:
    """Load a world with one user."""
    return World({**USERS, **sections}, NOW)


@pytest.mark.parametrize(
    ("text", "date"),
    [
        (None, None),
        ("+10d", datetime(2026, 7, 11, 12, tzinfo=timezone.utc)),
        ("-400d", datetime(2025, 5, 27, 12, tzinfo=timezone.utc)),
        ("+2h", datetime(2026, 7, 1, 14, tzinfo=timezone.utc)),
        ("-30m", datetime(2026, 7, 1, 11, 30, tzinfo=timezone.utc)),
        ("2014-08-23T02:49:47Z", datetime(2014, 8, 23, 2, 49, 47, tzinfo=timezone.utc)),
        ("2014-08-23 02:49:47", datetime(2014, 8, 23, 2, 49, 47, tzinfo=timezone.utc)),
        ("2014-08-23T02:49:47+02:00", datetime(2014, 8, 23, 0, 49, 47, tzinfo=timezone.utc)),
        (datetime(2014, 8, 23, 2, 49, 47), datetime(2014, 8, 23, 2, 49, 47, tzinfo=timezone.utc)),
        (datetime(2014, 8, 23).date(), datetime(2014, 8, 23, tzinfo=timezone.utc)),
    ],
)
def test_dates(text: Any, date: Any) -> None:
    """Dates are absolute, relative to now, or never."""
    assert read_date(text, "x", NOW) == date


@pytest.mark.parametrize("text", ["soon", "10d", "+10w", "+d", "", 5, True])
def test_bad_dates(text: Any) -> None:
    """Anything else is no date."""
    with pytest.raises(WorldError, match=r"place: .* is not a date"):
        read_date(text, "place", NOW)


def test_default_world_is_json_too() -> None:
    """The default world loads, also when it went through JSON as an inline world does."""
    world = World(load_document(None), NOW)
    assert [len(world.sections[name]) for name in world.sections] == [4, 2, 8, 8, 10, 15, 15, 5]
    again = World(json.loads(json.dumps(load_document(None), default=str)), NOW)
    assert again.raw(again.sections) == world.raw(world.sections)


def test_world_from_a_path(tmp_path: Path) -> None:
    """A world may be a file, named by text or path."""
    path = tmp_path / "world.yml"
    path.write_text(DEFAULT_WORLD.read_text(encoding="utf-8").replace("Ada Lovelace", "Augusta King"))
    for name in (path, str(path)):
        with Simulator(world=name) as simulator:
            assert simulator.state()["users"][0]["display_name"] == "Augusta King"
    path.write_text("")
    with Simulator(world=path) as simulator:
        assert simulator.state()["users"] == []


@pytest.mark.parametrize(
    ("sections", "named"),
    [
        ({"sites": [{"ID": 1, "slug": "x", "tilte": "x"}]}, r"sites\[0\]: unknown key 'tilte'"),
        ({"sites": [{"slug": "x"}]}, r"sites\[0\]: the key 'ID' is missing"),
        ({"sites": [{"ID": 1, "slug": "x", "private": "yes"}]}, r"sites\[0\].private"),
        ({"sites": [{"ID": True, "slug": "x"}]}, r"sites\[0\].ID"),
        ({"sites": [{"ID": 1, "slug": "x", "error": "broken"}]}, r"sites\[0\].error"),
        ({"sites": [{"ID": 1, "slug": "x", "members": [{"user_ID": 1, "role": "boss"}]}]}, r"members\[0\].role"),
        ({"sites": [{"ID": 1, "slug": "x", "members": [{"user_ID": 9, "role": "author"}]}]}, "members: user_ID 9"),
        ({"sites": [{"ID": 1, "slug": "x"}, {"ID": 1, "slug": "y"}]}, "twice"),
        ({"sites": ["x"]}, r"sites\[0\]: 'x' is not a mapping"),
        ({"tokens": [{"token": "t", "user_ID": 9}]}, "user_ID 9 is not among the users"),
        ({"tokens": [{"token": "t", "user_ID": 1, "scope": ""}]}, "site_ID is missing"),
        ({"keyring_connections": [{"ID": 1, "user_ID": 1, "service": "x"}]}, "service 'x'"),
        ({"applications": [{"ID": 1, "user_ID": 1, "authorized": None}]}, "authorized"),
        ({"applications": [{"ID": 1, "user_ID": 1, "permissions": [{"nmae": "x"}]}]}, r"permissions\[0\]"),
    ],
)
def test_bad_worlds(sections: dict[str, Any], named: str) -> None:
    """What is wrong is named by place and key."""
    with pytest.raises(WorldError, match=named):
        load(**sections)


@given(st.dictionaries(st.text(), st.none() | st.booleans() | st.integers() | st.text() | st.lists(st.integers())))
@settings(derandomize=True, max_examples=100, deadline=None)
def test_any_mapping_is_a_world_or_an_error(document: dict[str, Any]) -> None:
    """No document makes the loader fail in another way than its own."""
    for whole in (document, {"users": [document]}, {"sites": [document]}):
        try:
            World(whole, NOW)
        except WorldError:
            pass


@given(st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.lists(st.none()))
@settings(derandomize=True, max_examples=200, deadline=None)
def test_casting_never_fails(value: Any) -> None:
    """Any value can be cast, and only the known ones are true."""
    assert php_bool(value) is (value is True or (isinstance(value, int) and value == 1) or value in ("1", "t", "true"))
    assert isinstance(php_int(value), int)


@given(st.binary(), st.sampled_from(["application/json", "application/x-www-form-urlencoded", "", "text/plain"]))
@settings(derandomize=True, max_examples=200, deadline=None)
def test_any_body_can_be_read(data: bytes, kind: str) -> None:
    """No body makes the reader fail."""
    parse_body(data, kind)
