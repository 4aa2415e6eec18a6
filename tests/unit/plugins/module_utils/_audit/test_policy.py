# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a run asks for, and the order and the identity of findings."""

from __future__ import annotations

import random
from dataclasses import FrozenInstanceError
from typing import Any, Optional

import pytest

from ansible_collections.community.wpcom.plugins.module_utils._audit.policy import (
    CODES,
    SEVERITIES,
    Finding,
    Policy,
    check_fail_on,
    unique,
)
from ansible_collections.community.wpcom.plugins.module_utils._errors import OptionError


def finding(
    code: str = "broken",
    account: str = "ada",
    site: Optional[str] = "blog.example.com",
    service: Optional[str] = "mastodon",
    name: str = "@ada",
    number: Optional[int] = 50,
    position: int = -1,
    kind: str = "publicize",
) -> Finding:
    """Return a finding."""
    connection = {"id": number, "type": kind, "account": account, "service": service, "name": name}
    return Finding(code, site, connection, "It is so.", "Change it.", position)


def test_codes_by_severity() -> None:
    """The names and their order are documented: runs fail on them, and reports list them in this order."""
    assert SEVERITIES == ("error", "warning", "info")
    assert [[code for code, severity in CODES.items() if severity == each] for each in SEVERITIES] == [
        ["broken", "no_external_user", "unsupported_service", "missing"],
        [
            "expiring",
            "unknown_status",
            "duplicate",
            "orphan",
            "twin_account",
            "different",
            "undeclared",
            "not_shared",
        ],
        ["application_global_scope", "application_old"],
    ]


def test_defaults() -> None:
    policy = Policy()
    assert (policy.not_shared, policy.application_max_age, policy.fail_on, policy.sites) == (False, 365, (), None)


@pytest.mark.parametrize("made", [Policy(), finding()])
def test_neither_a_policy_nor_a_finding_can_be_changed(made: Any) -> None:
    with pytest.raises(FrozenInstanceError):
        made.site = "another"


@pytest.mark.parametrize("days", [0, 36500])
def test_ages_up_to_a_hundred_years(days: int) -> None:
    assert Policy(application_max_age=days).application_max_age == days


@pytest.mark.parametrize("days", [-1, 36501])
def test_no_other_age(days: int) -> None:
    with pytest.raises(OptionError) as caught:
        Policy(application_max_age=days)
    assert caught.value.message == f"application_max_age must be from 0 to 36500 days, got {days}."


def test_what_is_neither_a_code_nor_a_severity_is_refused() -> None:
    with pytest.raises(OptionError) as caught:
        check_fail_on(["error", "brokn", "orphan", "warn"])
    assert caught.value.message == (
        f"fail_on must have severities (error, warning, info) or codes ({', '.join(CODES)}), got 'brokn', 'warn'."
    )


@pytest.mark.parametrize(
    ("fail_on", "fails"),
    [((), []), (["error"], ["broken"]), (["orphan"], ["orphan"]), (["info", "orphan"], ["orphan"])],
)
def test_what_fails(fail_on: list[str], fails: list[str]) -> None:
    policy = Policy(fail_on=fail_on)
    assert [code for code in ("broken", "orphan", "expiring") if policy.fails(finding(code))] == fails


@pytest.mark.parametrize(("sites", "included"), [(None, [1, 2, None]), ([2], [2]), ([], [])])
def test_sites_that_are_looked_at(sites: Optional[list[int]], included: list[Any]) -> None:
    policy = Policy(sites=sites)
    assert [number for number in (1, 2, None) if policy.includes(number)] == included


def test_record_of_a_finding() -> None:
    made = finding("orphan", position=3)
    assert made.as_record() == {
        "code": "orphan",
        "severity": "warning",
        "site": "blog.example.com",
        "connection": {"id": 50, "type": "publicize", "account": "ada", "service": "mastodon", "name": "@ada"},
        "text": "It is so.",
        "action": "Change it.",
    }
    # What is done with it does not change the finding.
    made.as_record()["connection"].clear()
    assert made.connection["id"] == 50
    # Where it stands in the declared state does not make it another one.
    assert made == finding("orphan")


# From the first to the last; each pair differs in one thing, which decides although what comes after it says otherwise.
IN_ORDER = [
    finding("broken", name="z"),
    finding("missing", "ada", None, None, "@ada", None, 5),
    finding("missing", "ada", None, None, "@ada", 1, 4),
    finding("expiring", "zoe"),
    finding("different", "ada", "zoe.example.com", number=90),
    finding("different", "zoe", None, number=91),
    finding("different", "zoe", "a.example.com", None, number=80),
    finding("different", "zoe", "a.example.com", "facebook", "z", number=79),
    finding("different", "zoe", "a.example.com", "mastodon", "a", number=78),
    finding("different", "zoe", "a.example.com", "mastodon", "b", number=60),
    finding("different", "zoe", "a.example.com", "mastodon", "b", number=61, position=2),
    finding("different", "zoe", "a.example.com", "mastodon", "b", number=61, position=3),
    finding("different", "zoe", "b.example.com", "facebook", "a", number=59),
    finding("application_old", "ada", None, None, "app", 1),
]


@pytest.mark.parametrize("seed", range(5))
def test_order(seed: int) -> None:
    shuffled = random.Random(seed).sample(IN_ORDER, len(IN_ORDER))
    assert [one.order for one in unique(shuffled)] == [one.order for one in IN_ORDER]
    assert unique(shuffled) == IN_ORDER


def test_the_first_of_two_findings_about_the_same_is_kept() -> None:
    first, again = finding(name="first"), finding(name="again")
    others = [finding("orphan"), finding(number=51), finding(kind="keyring"), finding(position=1)]
    kept = unique([first, again, *others])
    assert len(kept) == 5
    assert [one.connection["name"] for one in kept if one.key == first.key] == ["first"]
