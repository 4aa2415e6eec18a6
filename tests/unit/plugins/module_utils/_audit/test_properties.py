# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What holds of an audit in every world: nothing is lost, nothing is said twice, and the order of what was read is no matter."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

from hypothesis import event, given, settings
from hypothesis import strategies as st

from ansible_collections.community.wpcom.plugins.module_utils._audit.findings import audit, health_code
from ansible_collections.community.wpcom.plugins.module_utils._audit.policy import CODES, SEVERITIES, Policy
from ansible_collections.community.wpcom.plugins.module_utils._audit.subjects import AccountRecords
from ansible_collections.community.wpcom.plugins.module_utils._cache.account_cache import AccountCache
from ansible_collections.community.wpcom.plugins.module_utils._cache.evaluate import evaluate
from ansible_collections.community.wpcom.plugins.module_utils._errors import WpcomError
from ansible_collections.community.wpcom.plugins.module_utils._options import publicize_connection_argument_spec
from ansible_collections.community.wpcom.plugins.module_utils._plan.bulk import plan_publicize_connections
from ansible_collections.community.wpcom.plugins.module_utils._records.record import Record
from ansible_collections.community.wpcom.tests.unit.builders import (
    NOW,
    SERVICES,
    SITES,
    World,
    account,
    application,
    day,
    external_user,
    keyring_connection,
    publicize_connection,
)
from ansible_collections.community.wpcom.tests.unit.support import examples

HEALTH = ("broken", "no_external_user", "unsupported_service", "expiring", "unknown_status")
UNSET = {name: option.get("default") for name, option in publicize_connection_argument_spec().items()}
PAGES = [external_user(number, name) for number, name in (("11", "one"), ("12", "two"), ("12", "Two &amp; more"))]
STATUSES = st.sampled_from(["ok", "ok", None, "broken", "refresh-failed", "must_reauth", "invalid", "brand_new"])
EXPIRES = st.sampled_from([None, None, day(200), day(5), day(-5)])
POLICIES = st.builds(
    Policy,
    not_shared=st.booleans(),
    application_max_age=st.sampled_from([0, 365]),
    sites=st.sampled_from([None, None, [1], [2, 3]]),
)


@st.composite
def people(draw: st.DrawFn) -> list[AccountRecords]:
    """Return what was gathered of two users of the same sites, with or without the connections of the other one."""
    keyrings: list[Record] = []
    connections: list[Record] = []
    for number in range(draw(st.integers(1, 5))):
        changes = {"status": draw(STATUSES), "expires": draw(EXPIRES), "user_id": draw(st.sampled_from([1, 1, 2]))}
        service = draw(st.sampled_from(["facebook", "linkedin", "mastodon", "twitter"]))
        external_id = draw(st.sampled_from(["x1", "x2", "11"]))
        pages = draw(st.lists(st.sampled_from(PAGES), max_size=2)) if service in ("facebook", "linkedin") else []
        keyrings.append(keyring_connection(20 + number, service, "ada", *pages, external_id=external_id, **changes))
    for number in range(draw(st.integers(1, 6))):
        keyring = draw(st.sampled_from([*keyrings, keyring_connection(90, "mastodon", "old", user_id=1)]))
        user = draw(st.sampled_from([None, *keyring["additional_external_users"]]))
        changes = {"status": draw(STATUSES), "expires": draw(EXPIRES)}
        site_id = draw(st.sampled_from([1, 2, 3]))
        connections.append(
            publicize_connection(50 + number, keyring, site_id, user, shared=draw(st.booleans()), **changes)
        )
    applications = [
        application(
            70 + number,
            "app",
            scope=draw(st.sampled_from(["global", "posts", ""])),
            site=draw(st.sampled_from([False, {"site_id": "2"}])),
            authorized=draw(st.sampled_from([None, day(-10), day(-500)])),
        )
        for number in range(draw(st.integers(0, 3)))
    ]
    seen = draw(st.booleans())
    return [
        AccountRecords(
            publicize_connections=[one for one in connections if one["keyring_connection_user_id"] == user],
            keyring_connections=[one for one in keyrings if one["user_id"] == user],
            services=SERVICES,
            sites=SITES,
            connected_applications=[{**one, "id": one["id"] * user} for one in applications],
            account=account(id=user, username=name),
            other_connections=connections if seen else (),
        )
        for user, name in ((1, "ada"), (2, "grace"))
    ]


def keys(accounts: list[AccountRecords], policy: Policy) -> set[Any]:
    """Return what findings are about; which page an account is, and so what is wrong exactly, only its owner knows."""
    return {
        ("health" if one.code in HEALTH else one.code, *one.key[1:]) for one in audit(accounts, policy, NOW).findings
    }


@settings(max_examples=examples(40))
@given(people(), POLICIES, st.randoms(use_true_random=False))
def test_order_does_not_matter_and_nothing_is_said_twice(
    accounts: list[AccountRecords], policy: Policy, random: Any
) -> None:
    first = audit(accounts, policy, NOW)
    assert max(Counter(one.key for one in first.findings).values(), default=1) == 1
    severities = [SEVERITIES.index(one.severity) for one in first.findings]
    assert severities == sorted(severities)

    def shuffled(records: Any) -> list[Record]:
        return random.sample(list(records), len(records))

    others = [
        replace(
            one,
            publicize_connections=shuffled(one.publicize_connections),
            keyring_connections=shuffled(one.keyring_connections),
            connected_applications=shuffled(one.connected_applications),
            other_connections=shuffled(one.other_connections),
        )
        for one in shuffled(accounts)
    ]
    again = audit(others, policy, NOW)
    assert [one.as_record() for one in again.findings] == [one.as_record() for one in first.findings]
    assert [one.as_record() for one in again.rows] == [one.as_record() for one in first.rows]


@settings(max_examples=examples(40))
@given(people(), POLICIES)
def test_accounts_together_lose_nothing(accounts: list[AccountRecords], policy: Policy) -> None:
    together = keys(accounts, policy)
    alone = {key for one in accounts for key in keys([one], policy)}
    assert together >= alone
    # What the two have with each other, and nothing else, is new.
    assert {key[0] for key in together - alone} <= {"duplicate"}


@settings(max_examples=examples(40))
@given(people(), POLICIES)
def test_every_connection_that_is_looked_at_is_judged(accounts: list[AccountRecords], policy: Policy) -> None:
    found = audit(accounts, policy, NOW)
    seen = {
        one["id"]: one for account in accounts for one in (*account.other_connections, *account.publicize_connections)
    }
    assert [row.record["id"] for row in found.rows] == sorted(
        number for number, one in seen.items() if policy.includes(one["site_id"])
    )
    by_key = {one.key: one for one in found.findings}
    for row in found.rows:
        code = health_code(row.record)
        assert [name for name in HEALTH if (name, "publicize", row.record["id"], -1) in by_key] == (
            [code] if code else []
        )
    for finding in found.findings:
        assert finding.code in CODES
        assert finding.text.endswith(".")
        assert finding.action.endswith(".")
        assert "None" not in finding.text + finding.action
        if finding.connection["site_id"]:
            assert policy.includes(finding.connection["site_id"])
            assert str(finding.site) in finding.text or finding.connection["type"] == "application"


def entries(mine: AccountRecords) -> st.SearchStrategy[list[Record]]:
    """Return declared states, most of which can be applied: of the connections that exist, and of any account."""
    of_existing = [
        {"site": str(one["site_id"]), "id": one["id"], "external_user_id": one["external_id"]}
        for one in mine.publicize_connections
    ]
    of_accounts = [{"site": "1", "keyring_connection_id": one["id"]} for one in mine.keyring_connections]
    rough = [{"site": site, "service": "linkedin"} for site in ("shop.example.com", "nowhere.example.com")]
    return st.lists(
        st.builds(
            lambda which, **options: {**UNSET, **which, **options},
            st.sampled_from([*of_existing, *of_existing, *of_accounts, rough[0], rough[1]]),
            shared=st.sampled_from([None, True, False]),
            state=st.sampled_from(["present", "present", "present", "absent"]),
            unique_per=st.sampled_from(["account", "external_user"]),
        ),
        max_size=3,
    )


@settings(max_examples=examples(60))
@given(people(), st.data())
def test_there_is_drift_exactly_where_the_role_would_change_something(
    accounts: list[AccountRecords], data: st.DataObject
) -> None:
    mine = accounts[0]
    expected = data.draw(entries(mine))
    world = World(
        *mine.publicize_connections,
        keyrings=mine.keyring_connections,
        services=SERVICES,
        sites=SITES,
        account=mine.account,
    )
    params = {
        "connections": expected,
        "purge": "listed",
        "max_deletions": -1,
        "parallel": 1,
        "on_error": "stop",
        "report": "all",
    }
    try:
        plan = evaluate(lambda cache: plan_publicize_connections(params, cache), AccountCache(), world.fetch_all)
        changes: Any = len(plan.operations)
    except WpcomError:
        changes = "impossible"
    found = audit([mine], Policy(), NOW, expected).drift
    event(f"changes: {changes}")
    if changes == "impossible":
        assert found
    else:
        assert len(found) == changes
