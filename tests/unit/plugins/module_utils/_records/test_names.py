# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What names connections and sites."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.community.wpcom.plugins.module_utils._records import names


@pytest.mark.parametrize(
    ("record", "name", "matches"),
    [
        ({"id": 3001}, "3001", True),
        ({"site_id": 3001}, "3001", True),
        ({"id": 3001}, "3002", False),
        ({"url": "https://blog.example.com"}, "blog.example.com", True),
        ({"url": "https://Blog.Example.com/"}, "BLOG.example.com", True),
        ({"site_url": "http://example.com/blog"}, "example.com/blog", True),
        ({"site_url": "http://example.com/blog"}, "example.com", False),
        ({"slug": "blog.example.com"}, "blog.example.com", True),
        ({"url": None, "slug": 5}, "blog.example.com", False),
        ({}, "3001", False),
    ],
)
def test_site_is_named_by_id_or_domain(record: dict[str, Any], name: str, matches: bool) -> None:
    assert names.site_matches(record, name) is matches


@pytest.mark.parametrize("url", ["http://[", "https://\u2100.example.com", "http://[::1"])
def test_impossible_address_names_no_site(url: str) -> None:
    assert not names.site_matches({"url": url}, "blog.example.com")


@pytest.mark.parametrize(
    ("record", "name"),
    [
        ({"external_display": "Ada", "external_name": "ada", "external_id": "1"}, "Ada"),
        ({"external_display": None, "external_name": "ada", "external_id": "1"}, "ada"),
        ({"external_display": "", "external_name": "", "external_id": "1"}, "1"),
        ({}, "unnamed account"),
    ],
)
def test_account_is_called_by_its_display_name_its_name_or_its_external_id(record: dict[str, Any], name: str) -> None:
    assert names.account_name(record) == name


@pytest.mark.parametrize(
    ("record", "description"),
    [
        ({"id": 5, "service": "mastodon", "external_name": "ada", "site_id": 1}, "5 (mastodon: ada on site 1)"),
        ({"id": 5, "service": "mastodon", "external_name": "ada"}, "5 (mastodon: ada)"),
        ({}, "None (None: unnamed account)"),
    ],
)
def test_description_has_the_id_the_service_the_account_and_the_site(record: dict[str, Any], description: str) -> None:
    assert names.describe(record) == description


@pytest.mark.parametrize(("name", "named"), [("ada", True), ("Ada", True), ("x5", False), ("ADA", False)])
def test_name_and_display_name_match_exactly(name: str, named: bool) -> None:
    assert names.is_named({"external_id": "x5", "external_name": "ada", "external_display": "Ada"}, name) is named


def test_sites_are_found_by_every_name_that_only_one_of_them_has() -> None:
    one = {"id": 1, "slug": "one.example", "url": "https://shared.example"}
    two = {"id": 2, "slug": "two.example", "url": "https://shared.example/"}
    assert names.sites_by_name([one, two]) == {"1": one, "one.example": one, "2": two, "two.example": two}


def test_site_that_has_a_name_twice_is_found_by_it() -> None:
    one = {"id": 1, "slug": "one.example", "url": "https://ONE.example/"}
    assert names.sites_by_name([one, one])["one.example"] == one
