# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filter converge_accounts reads what hosts declare, and which of them have one token."""

from __future__ import annotations

from typing import Any

import pytest
from ansible.errors import AnsibleError, AnsibleFilterError

from ansible_collections.community.wpcom.plugins.filter.converge_accounts import FilterModule

converge_accounts = FilterModule().filters()["converge_accounts"]

ADA = {"service": "mastodon", "account": "@ada"}


class Templates(dict[str, Any]):
    """The variables of a host; a value that is an exception stands for a template that cannot be evaluated."""

    def __getitem__(self, name: str) -> Any:
        value = super().__getitem__(name)
        if isinstance(value, Exception):
            raise value
        return value


def host(*connections: Any, **variables: Any) -> Templates:
    """Return the variables of a host that declares connections."""
    return Templates(social_connections=list(connections), **variables)


def accounts(play_vars: Any = None, **hosts: Any) -> Any:
    """Return the accounts of all hosts."""
    return converge_accounts(hosts, list(hosts), play_vars)


def members(found: Any) -> list[list[str]]:
    """Return the hosts of each account."""
    return [[one["host"] for one in account["hosts"]] for account in found]


def test_the_site_of_a_host_is_its_id_its_slug_or_its_name() -> None:
    (found,) = accounts(
        a=host(ADA, wpcom_site_id=3001, wpcom_slug="blog.example.com"),
        b=host(ADA, wpcom_site_id="", wpcom_slug="shop.example.com"),
        news=host(ADA, wpcom_slug=None),
    )
    assert [entry["site"] for entry in found["connections"]] == ["3001", "shop.example.com", "news"]


def test_hosts_that_declare_nothing_or_are_not_in_the_play_are_left_out() -> None:
    hosts = {"a": host(ADA), "db": {}, "c": host(ADA)}
    assert members(converge_accounts(hosts, ["db", "a", "gone"])) == [["a"]]
    assert converge_accounts(hosts, ["db"]) == converge_accounts(hosts, []) == []


def test_hosts_are_grouped_by_their_token_its_file_or_the_environment() -> None:
    found = accounts(
        a=host(ADA, wpcom_api_token="one"),
        b=host(ADA, wpcom_api_token_file="one"),
        c=host(ADA),
        d=host(ADA, wpcom_api_token="one", wpcom_api_token_file=""),
        e=host(ADA, wpcom_api_token="", wpcom_api_token_file=None),
        f=host(ADA, wpcom_api_token="two"),
    )
    assert members(found) == [["a", "d"], ["b"], ["c", "e"], ["f"]]
    assert "two" not in str(found)


def test_both_kinds_of_token_are_an_error() -> None:
    found = accounts(a=host(ADA, wpcom_api_token="one", wpcom_account="ada", wpcom_api_token_file="one"), b=host(ADA))
    assert found[0]["errors"] == {"a": "wpcom_api_token and wpcom_api_token_file are mutually exclusive."}
    assert found[1]["errors"] == {}


def test_a_value_that_cannot_be_determined_is_an_error_of_its_host_without_the_text_of_a_token() -> None:
    problem = AnsibleError("'secret' is undefined")
    found = accounts(
        a=host(ADA, wpcom_api_token=problem, wpcom_account="ada"),
        b=host(ADA, wpcom_api_token="one", wpcom_account="ada"),
        c=Templates(social_connections=problem),
        d=host(ADA, social_connections_purge=problem),
    )
    assert members(found) == [["a"], ["b"], ["c", "d"]]
    told = "The value of wpcom_api_token cannot be determined: check its template with ansible.builtin.debug."
    assert found[0]["errors"] == found[1]["errors"] == {"a": told}
    assert found[2]["errors"] == {
        "c": "The value of social_connections cannot be determined: 'secret' is undefined.",
        "d": "The value of social_connections_purge cannot be determined: 'secret' is undefined.",
    }


def test_settings_are_variables_of_the_hosts_and_zero_is_one() -> None:
    own = {"social_connections_max_deletions": 0, "social_connections_purge": "listed"}
    first, second = accounts(a=host(ADA, wpcom_api_token="one", **own), b=host(ADA))
    assert (first["max_deletions"], first["purge"]) == (0, "listed")
    assert (second["max_deletions"], second["purge"]) == (10, "none")


def test_settings_of_the_play_hold_for_all_hosts() -> None:
    hosts = {
        "a": host(ADA, wpcom_api_token="one", social_connections_purge="listed"),
        "b": host(ADA, social_connections_parallel=2),
    }
    # As the first host of the play has them: its own, and those of the play.
    play_vars = {"social_connections_purge": "listed", "social_connections_parallel": 8, "wpcom_api_token": "one"}
    found = converge_accounts(hosts, ["a", "b"], {**play_vars, "social_connections_on_error": None})
    assert [(one["purge"], one["parallel"], one["on_error"]) for one in found] == [
        ("listed", 8, "stop"),
        ("none", 8, "stop"),
    ]


@pytest.mark.parametrize("name", ["wpcom_api_token", "wpcom_api_token_file"])
def test_a_token_of_the_play_is_refused(name: str) -> None:
    with pytest.raises(AnsibleFilterError, match=f"{name} must not be a variable of the play") as caught:
        accounts({name: "secret"}, a=host(ADA))
    assert "secret" not in str(caught.value)


def test_a_wrong_report_is_refused_before_anything_is_applied() -> None:
    with pytest.raises(AnsibleFilterError, match="converge_report must be one of all, changes, got none"):
        accounts({"converge_report": "none"}, a=host(ADA))
    assert accounts({"converge_report": "changes"}, a=host(ADA))


@pytest.mark.parametrize("given", [(["a"], []), ({}, "a"), (None, [])])
def test_other_input_is_refused(given: Any) -> None:
    with pytest.raises(AnsibleFilterError, match="the input must be hostvars"):
        converge_accounts(*given)
