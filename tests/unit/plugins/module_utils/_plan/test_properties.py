# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What holds in every world: check mode foretells, a second run changes nothing, and nobody else is touched."""

from __future__ import annotations

import re
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from ansible_collections.community.wpcom.plugins.module_utils._execute import TaskResult
from ansible_collections.community.wpcom.tests.simulator import Simulator
from ansible_collections.community.wpcom.tests.unit.support import TOKEN, examples, run

ME, OTHER = 1, 2
# What the server alone decides, in a record that check mode foretells.
DECIDED = {"id", "issued", "external_profile_picture", "refresh_url"}

SERVICES = [
    {"ID": "facebook", "multiple_external_user_ID_support": True, "external_users_only": True},
    {"ID": "linkedin", "multiple_external_user_ID_support": True},
    {"ID": "mastodon"},
    {"ID": "twitter", "status": "unsupported"},
    {"ID": "photos", "type": "other"},
]
NAMES = ["ada", "Ada", "page", "", "shop"]
EXTERNAL_IDS = ["10", "11", "12", "13"]


@st.composite
def pages(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Return external users of an account; names are not unique."""
    ids = draw(st.lists(st.sampled_from(EXTERNAL_IDS), unique=True, max_size=3))
    return [{"external_ID": number, "external_name": draw(st.sampled_from(NAMES))} for number in ids]


@st.composite
def worlds(draw: st.DrawFn) -> dict[str, Any]:
    """Return worlds of two users, three sites, some accounts, and some connections, odd ones among them."""
    role = st.sampled_from(["administrator", "administrator", "editor", "author", "contributor"])
    keyrings: list[dict[str, Any]] = []
    for number in range(draw(st.integers(1, 4))):
        keyrings.append(
            {
                "ID": 20 + number,
                "user_ID": draw(st.sampled_from([ME, ME, ME, OTHER])),
                "service": draw(st.sampled_from(["facebook", "linkedin", "mastodon", "twitter", "photos", "linkedin"])),
                "external_ID": draw(st.sampled_from(["10", "20", "21"])),
                "external_name": draw(st.sampled_from(NAMES)),
                "external_display": draw(st.sampled_from([None, *NAMES])),
                "additional_external_users": draw(pages()),
                "external_users_after_refetch": draw(st.none() | pages()),
                "status": draw(st.sampled_from(["ok", "broken", "must_reauth", None])),
                "expires": draw(st.sampled_from([None, "+100d", "+5d", "-5d"])),
            }
        )
    connections: list[dict[str, Any]] = []
    for number in range(draw(st.integers(0, 5))):
        keyring = draw(st.sampled_from(keyrings))
        users = [None, *(user["external_ID"] for user in keyring["additional_external_users"])]
        connections.append(
            {
                "ID": 50 + number,
                "site_ID": draw(st.sampled_from([1, 1, 2, 3])),
                "keyring_connection_ID": keyring["ID"],
                "external_user_ID": draw(st.sampled_from(users)),
                "shared": draw(st.booleans()),
            }
        )
    return {
        "users": [{"ID": ME, "username": "me"}, {"ID": OTHER, "username": "other"}],
        "tokens": [{"token": TOKEN, "user_ID": ME}],
        "sites": [
            {
                "ID": number,
                "slug": f"site{number}.example.com",
                "members": [{"user_ID": ME, "role": draw(role)}, {"user_ID": OTHER, "role": "administrator"}],
            }
            for number in (1, 2, 3)
        ],
        "services": SERVICES,
        "keyring_connections": keyrings,
        "publicize_connections": connections,
    }


switches = st.fixed_dictionaries(
    {
        "create_duplicate": st.sampled_from(["existing", "second", "error"]),
        "pc_date_form": st.sampled_from(["space", "squeezed", "iso"]),
        "kc_expires_form": st.sampled_from(["zone-less", "unix_int", "unix_str", "iso"]),
        "own_read_only": st.sampled_from(["present", "absent"]),
        "refresh_url_spelling": st.sampled_from(["refresh_URL", "refresh_url"]),
        "foreign_publicize": st.sampled_from(["authorization_required", "not_found"]),
        "delete_keyring_with_last": st.booleans(),
        "message_language": st.sampled_from(["english", "german"]),
    }
)

external_user = st.one_of(
    st.just({}),
    st.builds(lambda number: {"external_user_id": number}, st.sampled_from([*EXTERNAL_IDS, "20"])),
    st.builds(lambda name: {"external_user_name": name}, st.sampled_from([name for name in NAMES if name])),
    st.just({"reset_external_user": True}),
)


@st.composite
def tasks(draw: st.DrawFn) -> dict[str, Any]:
    """Return options of ``wpcom_publicize_connection``, most of which make sense."""
    way = draw(st.sampled_from(["id", "id on site", "keyring", "service", "service", "account"]))
    task: dict[str, Any] = {"state": draw(st.sampled_from(["present", "present", "absent"]))}
    if way.startswith("id"):
        task["id"] = draw(st.integers(50, 55))
    if way != "id":
        task["site"] = draw(st.sampled_from(["1", "1", "2", "site1.example.com", "SITE3.example.com"]))
    if way == "keyring":
        task["keyring_connection_id"] = draw(st.integers(20, 23))
    if way in ("service", "account"):
        task["service"] = draw(st.sampled_from(["facebook", "linkedin", "mastodon", "twitter", "photos"]))
    if way == "account":
        task["account"] = draw(st.sampled_from(["10", "20", "ada", "Ada", "shop"]))
    shared = draw(st.sampled_from([None, True, False]))
    if shared is not None:
        task["shared"] = shared
    task.update(draw(external_user))
    if draw(st.booleans()):
        task["unique_per"] = "external_user"
    return task


def rows_of(simulator: Simulator) -> dict[int, dict[str, Any]]:
    """Return the publicize connections by ID."""
    return {row["ID"]: row for row in simulator.state()["publicize_connections"]}


def writes(simulator: Simulator) -> list[str]:
    """Return the paths of the writes since the log was emptied, and empty it."""
    found = [entry["path"] for entry in simulator.requests("POST")]
    simulator.clear_requests()
    return found


def told(outcome: TaskResult) -> Any:
    """Return what a failed task's program would look at."""
    return outcome.result["error"]["code"] if outcome.failed else None


def without_nonces(warnings: list[str]) -> list[str]:
    """Return warnings without what differs in every answer."""
    return [re.sub(r"nonce=\w+", "nonce", warning) for warning in warnings]


@given(world=worlds(), task=tasks(), forms=switches)
@settings(max_examples=examples(100))
def test_publicize_connection(
    running_simulator: Simulator, world: dict[str, Any], task: dict[str, Any], forms: dict[str, Any]
) -> None:
    """Check, real, second run, second check: for any world and any task."""
    simulator = running_simulator
    simulator.reset(world, forms)
    before = simulator.state()

    checked = run("publicize", simulator.url, check_mode=True, **task)
    # A refetch of the external users, which a name that is not known yet asks for, is the server's own affair.
    assert writes(simulator) == []
    assert rows_of(simulator) == {row["ID"]: row for row in before["publicize_connections"]}

    real = run("publicize", simulator.url, **task)
    made = writes(simulator)
    after = rows_of(simulator)
    old = {row["ID"]: row for row in before["publicize_connections"]}
    differing = {number for number in {*old, *after} if old.get(number) != after.get(number)}

    # Check mode foretells success and failure, and what would be.
    assert checked.failed == real.failed, (checked.result, real.result)
    assert told(checked) == told(real)
    if not real.failed:
        assert checked.result["changed"] == real.result["changed"]
        assert checked.result["diff"] == real.result["diff"]
        check_prediction(checked, real)
        assert without_nonces(checked.warnings) == without_nonces(real.warnings)

    # At most one write, to at most one connection, which is mine.
    assert len(made) <= 1
    assert len(differing) <= 1
    owners = {row["ID"]: row["user_ID"] for row in before["keyring_connections"]}
    for number in differing:
        assert owners[(after.get(number) or old[number])["keyring_connection_ID"]] == ME
    if real.failed:
        assert not differing
        return
    assert bool(differing) == real.result["changed"] == bool(made)
    check_world(task, real, old, after)

    # A second run finds nothing to do, and sends nothing.
    for check_mode in (False, True):
        again = run("publicize", simulator.url, check_mode=check_mode, **task)
        assert not again.failed, again.result
        assert again.result["changed"] is False
        assert writes(simulator) == []
        assert again.result["diff"]["before"] == again.result["diff"]["after"]
    assert rows_of(simulator) == after


def check_prediction(checked: TaskResult, real: TaskResult) -> None:
    """What check mode showed is what came, but for what the server alone decides."""
    foretold, came = checked.result["connection"], real.result["connection"]
    if foretold is None:
        assert came is None
        return
    for key in set(foretold) - DECIDED:
        if key in ("read_only", "meta", "external_follower_count", "external_profile_url"):
            continue
        assert foretold[key] == came[key], key


def check_world(task: dict[str, Any], real: TaskResult, old: dict[int, Any], after: dict[int, Any]) -> None:
    """The world is as the task asks, and what it does not ask for is as it was."""
    record = real.result["connection"]
    if task["state"] == "absent":
        assert record is None
        assert set(after) <= set(old)
        return
    row = after[record["id"]]
    assert record["shared"] == row["shared"]
    if "shared" in task:
        assert row["shared"] == task["shared"]
    if "external_user_id" in task:
        assert record["external_id"] == task["external_user_id"]
    if "external_user_name" in task:
        assert task["external_user_name"] in (record["external_name"], record["external_display"])
    if "reset_external_user" in task and real.result["changed"]:
        assert row["external_user_ID"] is None or record["id"] in old
    if record["id"] in old:
        was = old[record["id"]]
        if "shared" not in task:
            assert row["shared"] == was["shared"]
        if not {"external_user_id", "external_user_name", "reset_external_user"} & set(task):
            assert row["external_user_ID"] == was["external_user_ID"]


new_on_an_empty_site = st.builds(
    lambda which, shared, unique_per: {"site": "1", **which, "shared": shared, "unique_per": unique_per},
    st.sampled_from(
        [
            {"keyring_connection_id": 20},
            {"keyring_connection_id": 20, "external_user_id": "11"},
            {"keyring_connection_id": 20, "external_user_id": "12"},
            {"service": "linkedin", "external_user_name": "page"},
            {"service": "linkedin", "account": "ada", "reset_external_user": True},
            {"service": "mastodon", "account": "ada"},
        ]
    ),
    st.booleans(),
    st.sampled_from(["account", "external_user"]),
)


@given(world=worlds(), task=new_on_an_empty_site)
@settings(max_examples=examples(40))
def test_present_then_absent(running_simulator: Simulator, world: dict[str, Any], task: dict[str, Any]) -> None:
    """What was made can be taken away by the same options, and the world is as before it was made."""
    simulator = running_simulator
    simulator.reset(
        {**world, "publicize_connections": [row for row in world["publicize_connections"] if row["site_ID"] != 1]}
    )
    before = set(rows_of(simulator))
    made = run("publicize", simulator.url, **{**task, "state": "present"})
    if made.failed:
        assert set(rows_of(simulator)) == before
        return
    assert set(rows_of(simulator)) == {*before, made.result["connection"]["id"]}
    gone = run("publicize", simulator.url, **{**task, "state": "absent"})
    assert gone.result["changed"] is True
    assert set(rows_of(simulator)) == before


keyring_tasks = st.one_of(
    st.fixed_dictionaries({"id": st.integers(20, 24)}),
    st.fixed_dictionaries({"service": st.sampled_from(["facebook", "LinkedIn", "mastodon", "twitter", "photos"])}),
    st.fixed_dictionaries({"service": st.just("linkedin"), "account": st.sampled_from(["10", "ada", "shop"])}),
)


@given(world=worlds(), task=keyring_tasks, cascade=st.booleans(), state=st.sampled_from(["present", "absent"]))
@settings(max_examples=examples(50))
def test_keyring_connection(
    running_simulator: Simulator, world: dict[str, Any], task: dict[str, Any], cascade: bool, state: str
) -> None:
    """Nothing is deleted that was not listed before, and without cascade nothing that is used."""
    simulator = running_simulator
    simulator.reset(world, {})
    before = simulator.state()
    task = {**task, "cascade": cascade, "state": state}

    checked = run("keyring", simulator.url, check_mode=True, **task)
    assert writes(simulator) == []
    assert simulator.state() == before

    real = run("keyring", simulator.url, **task)
    made = writes(simulator)
    after = simulator.state()
    gone_keyrings = lost(before, after, "keyring_connections")
    gone = lost(before, after, "publicize_connections")
    assert (checked.failed, told(checked)) == (real.failed, told(real))
    assert len(made) == len(gone_keyrings) <= 1
    if real.failed or state == "present":
        assert not gone_keyrings
        assert not gone
        assert real.failed or real.result["changed"] is False
        return
    assert checked.result["changed"] == real.result["changed"] == bool(gone_keyrings)
    assert checked.result["diff"] == real.result["diff"]
    # The blast radius was shown, on all sites.
    assert {row["id"] for row in checked.result["publicize_connections"]} == gone
    assert {row["id"] for row in real.result["publicize_connections"]} == gone
    assert cascade or not gone
    owners = {row["ID"]: row["user_ID"] for row in before["keyring_connections"]}
    assert all(owners[number] == ME for number in gone_keyrings)

    again = run("keyring", simulator.url, **task)
    if "id" in task:
        assert again.result["changed"] is False
        assert writes(simulator) == []


def lost(before: dict[str, Any], after: dict[str, Any], section: str) -> set[int]:
    """Return the IDs that are there no more."""
    return {row["ID"] for row in before[section]} - {row["ID"] for row in after[section]}


@st.composite
def granted(draw: st.DrawFn) -> dict[str, Any]:
    """Return worlds of tokens and their entries, similar ones among them; the first token is the one in use."""
    tokens: list[dict[str, Any]] = []
    applications: list[dict[str, Any]] = []
    for number in range(draw(st.integers(1, 4))):
        site = draw(st.sampled_from([None, None, 1]))
        scope = draw(st.sampled_from(["global", "users", "users sharing", "sharing users"])) if site is None else ""
        title = draw(st.sampled_from(["Ansible", "Editor"]))
        token = TOKEN if number == 0 else f"other-{number}"
        tokens.append({"token": token, "user_ID": ME, "scope": scope, "site_ID": site, "client_ID": 5})
        applications.append(
            {"ID": 70 + number, "user_ID": ME, "title": title, "scope": scope, "site_ID": site, "token": token}
        )
    return {
        "users": [{"ID": ME, "username": "me"}],
        "sites": [{"ID": 1, "slug": "site1.example.com", "members": [{"user_ID": ME, "role": "administrator"}]}],
        "tokens": tokens,
        "applications": applications,
    }


@given(
    world=granted(),
    task=st.sampled_from(
        [
            {"title": "Ansible"},
            {"title": "Editor"},
            {"title": "Editor", "site": "1"},
            {"title": "Ansible", "site": "site1.example.com"},
            {"id": 70},
            {"id": 71},
            {"id": 79},
        ]
    ),
    form=st.sampled_from(["wire", "docs", "example"]),
    blank=st.sampled_from(["empty", "blank"]),
)
@example(
    world={
        "users": [{"ID": ME, "username": "me"}],
        "tokens": [{"token": TOKEN, "user_ID": ME}],
        "applications": [{"ID": 70, "user_ID": ME, "title": "Ansible", "scope": "global", "token": TOKEN}],
    },
    task={"id": 70},
    form="wire",
    blank="empty",
)
@settings(max_examples=examples(50))
def test_connected_application(
    running_simulator: Simulator, world: dict[str, Any], task: dict[str, Any], form: str, blank: str
) -> None:
    """The token in use is not revoked without a warning, and everything that matches is revoked."""
    simulator = running_simulator
    simulator.reset(world, {"application_form": form, "empty_token_scope_form": blank})
    before = simulator.state()["applications"]
    absent = {**task, "state": "absent"}

    checked = run("application", simulator.url, check_mode=True, **absent)
    assert writes(simulator) == []
    assert simulator.state()["applications"] == before

    real = run("application", simulator.url, **absent)
    revoked = {row["ID"] for row in before} - {row["ID"] for row in simulator.state()["applications"]}
    if told(real) == "invalid_token":
        # It could not be told which of several is in use, and it was the first of them.
        assert 70 in revoked
        assert any("application 70 " in warning for warning in checked.warnings)
        assert any("application 70 " in warning for warning in real.warnings)
        assert real.result["changed"] is True
        return
    assert (checked.failed, told(checked)) == (real.failed, told(real))
    if real.failed:
        # A site by its name cannot be compared by a token that does not show the sites; that is never called absent.
        shows_sites = world["tokens"][0].get("scope", "global") == "global" or "." not in task.get("site", "")
        assert told(real) == "token_in_use" or (told(real) == "unknown_site" and not shows_sites)
        assert not revoked
        return
    matching = {
        row["ID"]
        for row in before
        if task.get("id") in (None, row["ID"])
        and task.get("title") in (None, row["title"])
        and ("site" not in task or row["site_ID"] == 1)
    }
    assert revoked == matching
    assert real.result["changed"] == bool(matching) == checked.result["changed"]
    assert checked.result["diff"] == real.result["diff"]
    assert checked.warnings == real.warnings
    assert len(writes(simulator)) == len(matching)
    if 70 in revoked:
        assert any("application 70 " in warning for warning in real.warnings)
        return
    again = run("application", simulator.url, **absent)
    assert again.result["changed"] is False
    assert writes(simulator) == []
