# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options of a task, checked before anything is read."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.community.wpcom.plugins.module_utils._errors import OptionError
from ansible_collections.community.wpcom.plugins.module_utils._plan.validation import (
    check_set,
    valid_service,
    valid_site,
)


@pytest.mark.parametrize(
    ("value", "told"),
    [(0, "number must be a positive number, got 0."), (-5, "number must be a positive number, got -5.")],
)
def test_ids_begin_at_1(value: int, told: str) -> None:
    with pytest.raises(OptionError) as caught:
        check_set({"number": value}, numbers=("number",))
    assert caught.value.message == told


def test_empty_texts_are_refused() -> None:
    with pytest.raises(OptionError, match=r"text must not be empty: set a value, or omit the option\."):
        check_set({"text": ""}, texts=("text",))


def test_unset_options_and_values_pass() -> None:
    check_set(
        {"number": None, "one": 1, "text": None, "blank": " "}, numbers=("number", "one"), texts=("text", "blank")
    )


@pytest.mark.parametrize(
    ("given", "valid"), [(None, None), ("facebook", "facebook"), ("Instagram-Business", "instagram-business")]
)
def test_services_are_in_lower_case(given: Any, valid: Any) -> None:
    assert valid_service(given) == valid


@pytest.mark.parametrize("service", ["foo/bar", "face book", "../me", "\u00fc", "?", ""])
def test_service_that_would_lead_to_another_route_is_refused(service: str) -> None:
    with pytest.raises(OptionError, match=r"service must be the ID of a service.*gather=services"):
        valid_service(service)


@pytest.mark.parametrize(
    ("given", "valid"),
    [
        (None, None),
        ("3001", "3001"),
        (" BLOG.example.com ", "blog.example.com"),
        ("example.com::blog", "example.com::blog"),
        ("https://Example.com:443/blog/", "example.com::blog"),
        ("m\u00fcller.example.", "xn--mller-kva.example"),
    ],
)
def test_sites_are_named_as_the_api_names_them(given: Any, valid: Any) -> None:
    assert valid_site(given) == valid


@pytest.mark.parametrize(
    "site",
    [
        "",
        " ",
        "blog example",
        "a\x00b",
        "a\u2028b",
        "\u0661",
        "a.example?x",
        "a.example#x",
        "ftp://a.example",
        "a@b.example",
    ],
)
def test_site_that_is_neither_number_nor_domain_is_refused(site: str) -> None:
    with pytest.raises(
        OptionError,
        match=r"site must be the numeric ID, the domain, or the URL of a site, such as blog\.example\.com, got",
    ):
        valid_site(site)


@pytest.mark.parametrize("site", ["0", "00"])
def test_site_0_is_refused(site: str) -> None:
    with pytest.raises(OptionError, match="site must be a positive number or a domain"):
        valid_site(site)
