# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filter converge_results refuses what does not belong together; what it returns is tested with its logic."""

from __future__ import annotations

from typing import Any

import pytest
from ansible.errors import AnsibleFilterError

from ansible_collections.community.wpcom.plugins.filter.converge_accounts import converge_accounts
from ansible_collections.community.wpcom.plugins.filter.converge_results import FilterModule

converge_results = FilterModule().filters()["converge_results"]

ACCOUNTS = converge_accounts({"a": {"social_connections": [{"service": "mastodon"}], "wpcom_site_id": 1}}, ["a"])


def test_results_are_those_of_the_hosts() -> None:
    assert converge_results(ACCOUNTS, [{"msg": "The token is wrong."}])["hosts"] == {
        "a": {"failed": True, "msg": "The token is wrong."}
    }
    assert converge_results([], [])["patterns"] == []


@pytest.mark.parametrize(
    ("accounts", "results", "report", "told"),
    [
        (ACCOUNTS, [], None, "a result for each account"),
        (ACCOUNTS, None, None, "a result for each account"),
        (ACCOUNTS, [{}], "some", "report must be one of all, changes, got some"),
    ],
)
def test_other_input_is_refused(accounts: Any, results: Any, report: Any, told: str) -> None:
    with pytest.raises(AnsibleFilterError, match=told):
        converge_results(accounts, results, report)
