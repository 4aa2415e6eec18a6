# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filter from_social_connections gives each connection its site, and refuses a list with anything else in it."""

from __future__ import annotations

from typing import Any

import pytest
from ansible.errors import AnsibleFilterError

from ansible_collections.community.wpcom.plugins.filter.from_social_connections import FilterModule

from_social_connections = FilterModule().filters()["from_social_connections"]

PAGE = {"service": "facebook", "external_user_name": "Engines"}
BLOG = {"site": "blog.example.com", "connections": [PAGE, {"id": 5}]}


def test_connections_follow_the_order_of_the_list_and_have_their_site() -> None:
    sites = [BLOG, {"site": 3, "connections": []}, {"site": 3002, "connections": [PAGE]}]
    assert from_social_connections(sites) == [
        {"site": "blog.example.com", **PAGE},
        {"site": "blog.example.com", "id": 5},
        {"site": 3002, **PAGE},
    ]
    assert BLOG["connections"] == [PAGE, {"id": 5}], "the input is changed"


def test_an_empty_list_has_no_connections() -> None:
    assert from_social_connections([]) == []


@pytest.mark.parametrize(
    ("sites", "message"),
    [
        pytest.param("blog.example.com", "the list of sites must be a list", id="text"),
        pytest.param(BLOG, "the list of sites must be a list", id="one site"),
        pytest.param(["blog.example.com"], "site 0 of the list must be a dictionary", id="a name for a site"),
        pytest.param([BLOG, {"connections": []}], "site 1 of the list must be a dictionary with site", id="no site"),
        pytest.param([{"site": "", "connections": []}], "site 0 of the list must be", id="empty site"),
        pytest.param(
            [{"site": "blog.example.com"}], "connections of site 0 of the list (blog.example.com)", id="no connections"
        ),
        pytest.param([{"site": 3, "connections": PAGE}], "connections of site 0 of the list (3)", id="one connection"),
        pytest.param([{"site": 3, "connections": "service=x"}], "must be a list", id="text for connections"),
        # Ansible's own validation of the role accepts this text as a dictionary.
        pytest.param(
            [{"site": 3, "connections": [PAGE, "service=facebook"]}], "connection 1 of site 0", id="key=value"
        ),
        pytest.param([{"site": 3, "connections": [{**PAGE, "site": 4}]}], "must not contain site", id="two sites"),
    ],
)
def test_a_wrong_entry_is_refused_with_its_position(sites: Any, message: str) -> None:
    """No entry is left out silently, because a connection that is not listed may be purged."""
    with pytest.raises(AnsibleFilterError) as caught:
        from_social_connections(sites)
    assert message in str(caught.value)
