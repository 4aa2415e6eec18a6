# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What names connections and sites."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.community.wpcom.plugins.module_utils._records import names


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("3001", "3001"),
        (" 3001 ", "3001"),
        ("blog.example.com", "blog.example.com"),
        ("BLOG.Example.com", "blog.example.com"),
        ("www.example.com", "www.example.com"),
        ("blog.example.com.", "blog.example.com"),
        ("blog.example.com/", "blog.example.com"),
        ("blog.example.com:8443", "blog.example.com"),
        ("https://blog.example.com", "blog.example.com"),
        ("http://Blog.Example.com:80/", "blog.example.com"),
        ("//blog.example.com", "blog.example.com"),
        ("example.com/blog", "example.com::blog"),
        ("https://example.com/blog/", "example.com::blog"),
        ("example.com::blog", "example.com::blog"),
        ("example.com:443/blog", "example.com::blog"),
        ("https://example.com/blog//deeper/", "example.com::blog::deeper"),
        ("m\u00fcller.example", "xn--mller-kva.example"),
        ("https://M\u00dcLLER.example./blog", "xn--mller-kva.example::blog"),
        ("xn--mller-kva.example", "xn--mller-kva.example"),
        # Of a newer standard than Python's own, where it is strasse.
        ("stra\u00dfe.example", "xn--strae-oqa.example"),
    ],
)
def test_site_is_named_as_the_api_names_it_once_and_for_all(text: str, name: str) -> None:
    assert names.normalized_site(text) == name
    assert names.normalized_site(name) == name


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "https://",
        "blog example",
        "blog.example.com?x=1",
        "blog.example.com/blog?x=1",
        "blog.example.com#x",
        "ada@blog.example.com",
        "a&b.example.com",
        "ftp://blog.example.com",
        "https://https://blog.example.com",
        "http://[",
        "http://[::1]",
        "https://\u2100.example.com",
        "..",
        "\u0661",
    ],
)
def test_text_that_names_no_site_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"must not have|is empty|is not a domain|odepoint"):
        names.normalized_site(text)
    assert names.site_names({"id": 1, "url": text}) == ["1"]


@pytest.mark.parametrize(
    ("record", "known"),
    [
        ({"id": 1, "slug": "a.example", "url": "https://A.example/"}, ["1", "a.example"]),
        ({"id": 1, "url": "https://a.example", "slug": "b.example"}, ["1", "a.example", "b.example"]),
        ({"id": 1, "url": "https://a.example/blog", "slug": "a.example::blog"}, ["1", "a.example::blog"]),
        (
            {"id": 1, "url": "https://a.example", "options": {"unmapped_url": "http://a.wordpress.com"}},
            ["1", "a.example", "a.wordpress.com"],
        ),
        ({"id": 1, "url": False, "slug": 5, "options": []}, ["1"]),
        ({"id": 1, "options": {"unmapped_url": None}}, ["1"]),
    ],
)
def test_site_has_the_names_of_its_addresses(record: dict[str, Any], known: list[str]) -> None:
    assert names.site_names(record) == known


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


# Names that are escaped for HTML

ESCAPED, PLAIN = {"id": 1, "title": "Tom &amp; Jerry"}, {"id": 2, "title": "Tom & Jerry"}


@pytest.mark.parametrize(
    ("records", "name", "ids"),
    [
        ([ESCAPED], "Tom & Jerry", [1]),
        ([ESCAPED], "Tom &amp; Jerry", [1]),
        ([ESCAPED], "Tom &#38; Jerry", [1]),
        # The exact one wins.
        ([ESCAPED, PLAIN], "Tom & Jerry", [2]),
        ([ESCAPED, PLAIN], "Tom &amp; Jerry", [1]),
        ([ESCAPED, PLAIN], "Tom &#38; Jerry", [1, 2]),
        ([{"id": 3, "title": "It&#8217;s"}], "It\u2019s", [3]),
        ([{"id": 3, "title": "It&#039;s"}], "It's", [3]),
        ([{"id": 3, "title": None}, {"id": 4}], "None", []),
        ([ESCAPED], "tom & jerry", []),
    ],
)
def test_name_is_matched_exactly_then_with_entities_decoded(records: Any, name: str, ids: list[int]) -> None:
    assert [record["id"] for record in names.named(records, name, ["title"])] == ids


def test_names_are_shown_decoded() -> None:
    record = {"id": 5, "service": "tumblr", "external_name": "a&amp;b", "external_display": "A &amp; B"}
    assert names.account_name(record) == "A & B"
    assert names.describe(record) == "5 (tumblr: A & B)"
    assert names.describe_candidate(record) == "5 (tumblr: A & B, name a&b)"


@pytest.mark.parametrize(
    ("record", "description"),
    [
        (
            {
                "id": 5,
                "service": "mastodon",
                "external_display": "Acme",
                "external_name": "acme",
                "external_id": "x5",
                "site_id": 1,
            },
            "5 (mastodon: Acme, name acme, external ID x5, on site 1)",
        ),
        (
            {"id": 5, "service": "mastodon", "external_name": "acme", "external_id": "x5"},
            "5 (mastodon: acme, external ID x5)",
        ),
        # An external user has no ID of its own.
        ({"external_id": "111", "external_name": "Engines"}, "Engines, external ID 111"),
    ],
)
def test_candidate_is_described_by_all_that_distinguishes_it(record: dict[str, Any], description: str) -> None:
    assert names.describe_candidate(record) == description
