# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tasks, other people, other tools, lost responses and other controllers, in any order: what the README promises holds."""

from __future__ import annotations

import functools
import json
import os
from collections import Counter
from collections.abc import Mapping
from contextlib import ExitStack
from typing import Any, Callable, Optional

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from ansible_collections.community.wpcom.plugins.module_utils._cache.account_cache import LoopCache
from ansible_collections.community.wpcom.plugins.module_utils._execute import TaskResult, execute
from ansible_collections.community.wpcom.plugins.module_utils._module import run_task
from ansible_collections.community.wpcom.plugins.module_utils._options import ConnectionOptions
from ansible_collections.community.wpcom.plugins.module_utils._session import Session
from ansible_collections.community.wpcom.tests.search.in_process import URL, InProcess, Run, Trouble
from ansible_collections.community.wpcom.tests.search.reading import (
    DELETED,
    EXTERNAL_USER,
    MADE,
    ME,
    OTHER,
    SITES,
    Permission,
    State,
    accounts_of,
    differences,
    is_ambiguous,
    is_reason,
    left_undone,
    may_touch,
    shows_only_another_user,
    site_of,
)
from ansible_collections.community.wpcom.tests.unit.support import MODULES, TOKEN, params, unset

EXAMPLES = int(os.environ.get("SEARCH_STATES", "200"))
STEPS = int(os.environ.get("SEARCH_STEPS", "7"))
TIMEOUT = 10

SERVICES = [
    {"ID": "facebook", "multiple_external_user_ID_support": True, "external_users_only": True},
    {"ID": "linkedin", "multiple_external_user_ID_support": True},
    {"ID": "mastodon"},
]
PAGES = [{"external_ID": "11", "external_name": "page"}, {"external_ID": "12", "external_name": "shop"}]
# A page that a connection has, and that the account no longer has.
LOST_PAGE = "13"
KEYRINGS = [
    {"ID": 20, "user_ID": ME, "service": "facebook", "external_ID": "900", "external_name": "ada"},
    {"ID": 21, "user_ID": ME, "service": "linkedin", "external_ID": "901", "external_name": "ada"},
    {"ID": 22, "user_ID": ME, "service": "mastodon", "external_ID": "902", "external_name": "@ada"},
    {"ID": 23, "user_ID": ME, "service": "mastodon", "external_ID": "903", "external_name": "@shop"},
    {
        "ID": 30,
        "user_ID": OTHER,
        "service": "linkedin",
        "external_ID": "904",
        "external_name": "grace",
        "listed_for": [ME],
    },
    # Another user's account of the name that one of mine has.
    {
        "ID": 31,
        "user_ID": OTHER,
        "service": "mastodon",
        "external_ID": "905",
        "external_name": "@ada",
        "listed_for": [ME],
    },
]
WORLD: dict[str, Any] = {
    "users": [{"ID": ME, "username": "me"}, {"ID": OTHER, "username": "other"}],
    "tokens": [
        {"token": TOKEN, "user_ID": ME, "client_ID": 5},
        {"token": "other", "user_ID": ME, "client_ID": 6},
        {"token": "third", "user_ID": ME, "client_ID": 7, "site_ID": 1, "scope": ""},
        {"token": "fourth", "user_ID": ME, "client_ID": 7, "site_ID": 2, "scope": ""},
        {"token": "fifth", "user_ID": ME, "client_ID": 8, "site_ID": 1, "scope": ""},
    ],
    "sites": [
        {
            "ID": number,
            "slug": slug,
            "members": [{"user_ID": user, "role": "administrator"} for user in (ME, OTHER)],
        }
        for number, slug in SITES.items()
    ],
    "services": SERVICES,
    "keyring_connections": [
        {**keyring, "additional_external_users": PAGES if keyring["service"] in ("facebook", "linkedin") else []}
        for keyring in KEYRINGS
    ],
    "publicize_connections": [
        {"ID": 50, "site_ID": 1, "keyring_connection_ID": 22},
        {"ID": 51, "site_ID": 1, "keyring_connection_ID": 20, "external_user_ID": "11", "shared": True},
        {"ID": 52, "site_ID": 2, "keyring_connection_ID": 30, "shared": True},
        {"ID": 53, "site_ID": 1, "keyring_connection_ID": 31},
        {"ID": 54, "site_ID": 2, "keyring_connection_ID": 21, "external_user_ID": LOST_PAGE},
    ],
    "applications": [
        {"ID": 70, "user_ID": ME, "title": "Ansible", "scope": "global", "token": TOKEN},
        {"ID": 71, "user_ID": ME, "title": "Editor", "scope": "global", "token": "other"},
        {"ID": 72, "user_ID": ME, "title": "Editor", "site_ID": 1, "token": "third"},
        {"ID": 73, "user_ID": ME, "title": "Editor", "site_ID": 2, "token": "fourth"},
        {"ID": 74, "user_ID": ME, "title": "Reader", "site_ID": 1, "token": "fifth"},
    ],
}
CHANGES = (
    "other_tool_creates",
    "other_tool_doubles",
    "other_tool_deletes",
    "other_tool_shares",
    "pages_are_renamed",
    "account_expires",
    "account_is_transferred",
    "account_is_gone",
    "accounts_are_gone",
    "accounts_are_connected",
    "role_changes",
)
SECTIONS = ("publicize_connections", "keyring_connections", "applications")

# Tasks

site_names = st.sampled_from(["1", "2", "site1.example.com", "https://Site2.example.com/"])
services = st.sampled_from(["facebook", "linkedin", "mastodon"])
accounts = st.sampled_from(["ada", "@ada", "@shop", "903", "grace"])
keyring_ids = st.sampled_from([20, 21, 22, 23, 30, 31])
ways = st.one_of(
    st.builds(lambda number: {"id": number}, st.integers(50, 58)),
    st.builds(lambda number, site: {"id": number, "site": site}, st.integers(50, 58), site_names),
    st.builds(lambda site, number: {"site": site, "keyring_connection_id": number}, site_names, keyring_ids),
    st.builds(lambda site, service: {"site": site, "service": service}, site_names, services),
    st.builds(
        lambda site, service, account: {"site": site, "service": service, "account": account},
        site_names,
        services,
        accounts,
    ),
)
pages = st.sampled_from(
    [
        {},
        {"external_user_id": "11"},
        {"external_user_id": "12"},
        {"external_user_name": "page"},
        {"reset_external_user": True},
    ]
)
entries = st.builds(
    lambda way, page, more: {**way, **page, **more},
    ways,
    pages,
    st.fixed_dictionaries(
        {
            "state": st.sampled_from(["present", "present", "present", "absent"]),
            "shared": st.sampled_from([True, False, None]),
        },
        optional={"unique_per": st.sampled_from(["account", "external_user"])},
    ),
)
# Most of what is drawn at random exists already, or is refused.
creations = st.builds(
    lambda site, account, more: {"site": site, "state": "present", **account, **more},
    st.sampled_from(["1", "2", "site2.example.com"]),
    st.sampled_from(
        [
            {"keyring_connection_id": 20, "external_user_id": "12"},
            {"keyring_connection_id": 21},
            {"service": "linkedin", "external_user_id": "11", "unique_per": "external_user"},
            {"service": "mastodon", "account": "@ada"},
            {"keyring_connection_id": 23},
            {"keyring_connection_id": 21, "reset_external_user": True, "unique_per": "external_user"},
            {"keyring_connection_id": 30},
        ]
    ),
    st.fixed_dictionaries({}, optional={"shared": st.booleans()}),
)
entries = creations | entries
# Two that are for different external users of one account on one site.
rivals = st.builds(
    lambda site, users: [{"site": site, "keyring_connection_id": 21, "state": "present", **user} for user in users],
    st.sampled_from(["1", "2"]),
    st.permutations(
        [
            {"unique_per": "external_user", **user}
            for user in ({"reset_external_user": True}, {"external_user_id": "11"}, {"external_user_id": "12"})
        ]
    ),
)
publicize_tasks = st.tuples(st.just("publicize"), entries)
# Of a list that is drawn at random nearly always one entry is refused, and with it all. In these each stands for itself.
lists = st.dictionaries(
    st.tuples(st.sampled_from([1, 2]), st.sampled_from([20, 21, 22, 23])),
    st.fixed_dictionaries(
        {"state": st.sampled_from(["present", "present", "absent"])}, optional={"shared": st.booleans()}
    ),
    min_size=1,
    max_size=4,
).map(
    lambda chosen: [
        {
            "site": str(site) if keyring % 2 else SITES[site],
            "keyring_connection_id": keyring,
            **({"external_user_id": "12" if site == 2 else "11"} if keyring == 20 else {}),
            **more,
        }
        for (site, keyring), more in chosen.items()
    ]
)
converging_tasks = st.tuples(
    st.just("bulk"),
    st.fixed_dictionaries(
        {
            "connections": lists,
            "purge": st.sampled_from(["none", "listed", "listed"]),
            "max_deletions": st.sampled_from([-1, 10, 2, 1, 0]),
            "on_error": st.sampled_from(["stop", "continue"]),
            "report": st.just("all"),
        }
    ),
)
bulk_tasks = st.tuples(
    st.just("bulk"),
    st.fixed_dictionaries(
        {"connections": st.lists(creations, min_size=1, max_size=4) | st.lists(entries, min_size=1, max_size=4)},
        optional={
            "purge": st.sampled_from(["none", "listed"]),
            "max_deletions": st.sampled_from([-1, 0, 1]),
            "on_error": st.sampled_from(["stop", "continue"]),
            "report": st.just("all"),
        },
    ),
)
keyring_tasks = st.tuples(
    st.just("keyring"),
    st.builds(
        lambda way, more: {**way, **more},
        st.one_of(
            st.builds(lambda number: {"id": number}, st.integers(20, 31)),
            st.builds(lambda service: {"service": service}, services),
            st.builds(lambda account: {"service": "mastodon", "account": account}, accounts),
        ),
        st.fixed_dictionaries({"state": st.sampled_from(["absent", "absent", "present"]), "cascade": st.booleans()}),
    ),
)
application_tasks = st.tuples(
    st.just("application"),
    st.builds(
        lambda way, state: {**way, "state": state},
        st.sampled_from(
            [
                {"title": "Editor"},
                {"title": "Editor"},
                {"title": "Ansible"},
                {"title": "Ansible"},
                {"title": "Editor", "site": "1"},
                {"title": "Editor", "site": "site2.example.com"},
                {"id": 72},
            ]
        ),
        st.sampled_from(["present", "absent", "absent"]),
    ),
)
info_tasks = st.tuples(st.just("info"), st.just({"gather": ["publicize", "keyring", "applications", "account"]}))
tasks = st.one_of(
    publicize_tasks,
    publicize_tasks,
    converging_tasks,
    converging_tasks,
    bulk_tasks,
    keyring_tasks,
    application_tasks,
    info_tasks,
)

# Tasks as the items of a loop, which share a session.
loops = st.one_of(
    st.lists(creations, min_size=2, max_size=3),
    st.lists(entries, min_size=2, max_size=3),
    st.tuples(entries, entries).map(lambda pair: [*pair, pair[0]]),
    # What is deleted is created again.
    creations.map(lambda made: [made, {**made, "state": "absent"}, made]),
    creations.map(lambda made: [{**made, "state": "absent"}, made]),
)

# Lists that move an account from one site to another: it must not be lost on the way.
moves = st.sampled_from(
    [
        [{"site": "1", "keyring_connection_id": 22, "state": "absent"}, {"site": "2", "keyring_connection_id": 22}],
        [
            {"site": "site2.example.com", "keyring_connection_id": 20, "external_user_id": "12"},
            {"site": "site1.example.com", "keyring_connection_id": 20, "state": "absent"},
        ],
    ]
).map(lambda both: [{"state": "present", **entry} for entry in both])

# Tasks of which most write, for troubles that befall the writes.
writes = st.one_of(
    st.tuples(st.just("publicize"), creations),
    st.tuples(
        st.just("publicize"),
        st.sampled_from(
            [
                {"id": 50, "state": "absent"},
                {
                    "site": "2",
                    "keyring_connection_id": 21,
                    "reset_external_user": True,
                    "unique_per": "external_user",
                    "state": "present",
                },
                {"id": 51, "shared": False, "state": "present"},
                {"id": 51, "external_user_id": "12", "shared": False, "state": "present"},
            ]
        ),
    ),
    st.tuples(
        st.just("bulk"),
        st.fixed_dictionaries(
            {
                "connections": lists | moves,
                "on_error": st.sampled_from(["stop", "continue"]),
                "report": st.just("all"),
            }
        ),
    ),
    st.tuples(st.just("keyring"), st.sampled_from([{"id": 22, "state": "absent", "cascade": True}])),
    st.tuples(st.just("application"), st.just({"title": "Editor", "state": "absent"})),
)

# Late enough that nobody waits for it, and early enough that the guide promises at most one connection.
delays = st.sampled_from([0.5, 1.5, 2.5]).map(lambda timeouts: timeouts * TIMEOUT)
troubles = st.one_of(
    st.builds(
        Trouble,
        st.sampled_from(["lost", "timeout", "500", "502", "503", "504", "limit", "page", "broken", "shape"]),
        st.sampled_from(["before", "after"]),
    ),
    st.builds(Trouble, st.sampled_from(["429", "refused", "redirect"]), st.just("before")),
    st.builds(Trouble, st.sampled_from(["timeout", "504"]), delays),
)
places = st.tuples(st.just("POST"), st.integers(0, 3)) | st.tuples(st.sampled_from(["POST", "GET"]), st.integers(0, 6))
plans = st.dictionaries(places, troubles, min_size=1, max_size=3)
roles = st.sampled_from([*["administrator"] * 4, "editor", "author", "contributor"])
plans_of_writes = st.one_of(
    st.dictionaries(st.tuples(st.just("POST"), st.integers(0, 2)), troubles, min_size=1, max_size=3),
    st.builds(
        lambda kind, when: {("POST", 0): Trouble(kind, when)},
        st.sampled_from(["timeout", "504"]),
        delays,
    ),
)
# The first write is done, but can neither be seen from its response nor be read back.
blind = st.integers(3, 5).map(
    lambda first: {
        ("POST", 0): Trouble("lost", "after"),
        **{("GET", number): Trouble("page", "before") for number in range(first, first + 6)},
    }
)
switches = st.fixed_dictionaries(
    {
        "create_duplicate": st.sampled_from(["existing", "second", "error"]),
        "delete_keyring_with_last": st.booleans(),
        "php_gaps": st.sampled_from(["none", "everywhere"]),
        "keyring_user_id": st.sampled_from(["present", "zero", "absent"]),
        "foreign_publicize": st.sampled_from(["authorization_required", "not_found"]),
        "foreign_keyring": st.sampled_from(["authorization_required", "not_found"]),
        "foreign_write": st.sampled_from(["refuse", "editors"]),
        "keyring_not_found_form": st.sampled_from(["not_found", "empty"]),
    }
)


CONNECTION = params(URL, timeout=TIMEOUT, retry_max_delay=5)


def start(kind: str, task: Mapping[str, Any], *, check_mode: bool, session: Optional[Session] = None) -> TaskResult:
    """Run a task, in the session of a loop where one is given."""
    given: dict[str, Any] = {**CONNECTION, **unset(kind), **task}
    if kind == "bulk":
        given["connections"] = [{**unset("publicize"), **entry} for entry in task["connections"]]
    if session is None:
        outcome = run_task(MODULES[kind], given, check_mode=check_mode)
    else:
        outcome = execute(session, MODULES[kind].planner, given, diff=True)
    # Whatever it is, Ansible can pass it on, and it holds no secret.
    text = json.dumps(outcome.result, allow_nan=False)
    text.encode()
    assert TOKEN not in text
    if outcome.failed:
        assert outcome.result["msg"]
    return outcome


def code(outcome: TaskResult) -> Optional[str]:
    """Return the error code of a failed task."""
    return outcome.result["error"]["code"] if outcome.failed else None


@functools.cache
def server() -> InProcess:
    """Return the one server, which takes as long to be made as a sequence takes."""
    return InProcess(WORLD)


class Controllers(RuleBasedStateMachine):
    """An account that several controllers, other tools and other people work on."""

    def __init__(self) -> None:
        super().__init__()
        self.server = server()
        self.stack = ExitStack()
        self.stack.enter_context(self.server.connected())

    def teardown(self) -> None:
        """Disconnect."""
        self.stack.close()

    @initialize(forms=switches, roles=st.tuples(roles, roles), alike=st.booleans())
    def begin(self, forms: dict[str, Any], roles: tuple[str, str], alike: bool) -> None:
        """Begin with a server that is in doubt about some things."""
        self.server.reset(forms)
        if not alike:
            # Then only one application can be the one that holds the token in use.
            self.change(delete={"applications": [71]})
        for site, role in zip(SITES, roles):
            self.set_role(site, role)

    # Actions of our own

    @rule(task=tasks)
    def converge(self, task: tuple[str, dict[str, Any]]) -> None:
        """Check, real, second run, second check."""
        kind, given = task[0], self.resolved(task[1])
        before = self.state()
        checked, run = self.run(kind, given, check_mode=True)
        assert run.writes == []
        assert self.state() == before

        real, run = self.run(kind, given)
        after = self.state()
        self.check_truth(real, run)
        self.check_touched(kind, given, before, after)
        self.check_report(kind, given, real, before, after)
        self.check_reasons(kind, given, real, before)
        if code(real) == "invalid_token":
            # It has revoked the token that it used, after a warning that it might.
            assert any("holds the token" in warning for warning in checked.warnings)
            self.restore_token()
            return
        if shows_only_another_user(before) and (kind == "publicize" or (checked.failed and real.failed)):
            return
        if code(checked) == "invalid_connections" and code(real) in ("authorization_required", "too_many_deletions"):
            # What the server refuses is asked for in check mode only, before all else, and then speaks for the whole list.
            assert {error["code"] for error in checked.result["errors"]} == {"authorization_required"}
            return
        assert (checked.failed, code(checked)) == (real.failed, code(real)), (checked.result, real.result)
        assert checked.result.get("changed") == real.result.get("changed"), (checked.result, real.result)
        assert real.failed or checked.result.get("diff") == real.result.get("diff")
        if real.failed:
            return
        self.check_done(kind, given, after)
        if self.token_is_revoked():
            assert any("holds the token" in warning for warning in real.warnings)
            self.restore_token()
            return
        self.check_converged(kind, given)

    @invariant()
    def some_account_is_mine(self) -> None:
        """Whose connections are shown is not in doubt when a task begins."""
        if shows_only_another_user(self.state()):
            mine = next(row for row in WORLD["keyring_connections"] if row["user_ID"] == ME)
            self.change(keyring_connections=[{**mine, "gone": False}])

    @rule(items=loops, plan=plans | blind | st.just({}))
    def converge_in_loop(self, items: list[dict[str, Any]], plan: dict[tuple[str, int], Trouble]) -> None:
        """Each item of a loop does what it would do alone, whatever the earlier ones have read and written."""
        spec = MODULES["publicize"]
        # A token that may not read something is not asked to read it again, so that a refusal must be none by chance.
        plan = {place: trouble for place, trouble in plan.items() if not trouble.is_late and trouble.kind != "refused"}
        session = Session(
            ConnectionOptions.from_params(CONNECTION), LoopCache(check_mode=False), spec.loop_settings(CONNECTION)
        )
        for number, item in enumerate(items):
            given = self.resolved(item)
            before = self.state()
            alone, _run = self.run("publicize", given, check_mode=True)
            # The trouble befalls the first item, and the others have to know what it has left.
            outcome, run = self.run("publicize", given, session=session, troubles=plan if number == 0 else {})
            after = self.state()
            self.check_truth(outcome, run)
            self.check_touched("publicize", given, before, after)
            self.check_made(before, after)
            if number == 0 and plan:
                continue
            if shows_only_another_user(before):
                continue
            assert (alone.failed, code(alone)) == (outcome.failed, code(outcome)), (alone.result, outcome.result)
            assert alone.result.get("changed") == outcome.result.get("changed"), (alone.result, outcome.result)
            if not outcome.failed:
                assert alone.result["diff"] == outcome.result["diff"], (alone.result, outcome.result)
                self.check_done("publicize", given, after)
            self.check_report("publicize", given, outcome, before, after)

    @rule(task=tasks, plan=plans)
    def converge_in_trouble(self, task: tuple[str, dict[str, Any]], plan: dict[tuple[str, int], Trouble]) -> None:
        """Whatever becomes of the responses, the failure is true, and the next run does what is left to do."""
        self.in_trouble(task, plan)

    def in_trouble(self, task: tuple[str, dict[str, Any]], plan: dict[tuple[str, int], Trouble]) -> None:
        """Run a task whose requests are in trouble, and then without."""
        kind, given = task[0], self.resolved(task[1])
        before = self.state()
        real, run = self.run(kind, given, troubles=plan)
        is_late = any(trouble.is_late for trouble in plan.values())
        self.server.finish_late_requests()
        after = self.state()
        if not is_late:
            self.check_truth(real, run)
        self.check_touched(kind, given, before, after)
        if not _says_created_blindly(real):
            self.check_made(before, after)
        self.check_existence(real, after)
        if len(plan) == 1 and all(trouble.is_late and trouble.when < 2 * TIMEOUT for trouble in plan.values()):
            # It was waited for, so that no second one had to be deleted again.
            assert kind != "publicize" or given["state"] == "absent" or not any("delete" in path for path in run.writes)
        if not is_late:
            self.check_report(kind, given, real, before, after)
            if not real.failed:
                self.check_done(kind, given, after)
        if self.token_is_revoked():
            self.restore_token()
            return
        again, run = self.run(kind, given)
        self.check_truth(again, run)
        self.check_touched(kind, given, after, self.state())
        self.check_made(before if not _says_created_blindly(real) else after, self.state())
        if not again.failed:
            self.check_done(kind, given, self.state())
        if not real.failed and not is_late:
            assert not again.failed or self.is_spent(kind, again), again.result
            assert again.failed or again.result.get("changed", False) is False, (real.result, again.result)
        if not again.failed and not self.token_is_revoked():
            self.check_converged(kind, given)
        self.restore_token()

    @rule(task=writes, plan=plans_of_writes)
    def write_in_trouble(self, task: tuple[str, dict[str, Any]], plan: dict[tuple[str, int], Trouble]) -> None:
        """The same, where it matters most."""
        self.in_trouble(task, plan)

    @rule(first=tasks, second=tasks, same=st.booleans(), at=st.just(("POST", 0)) | places)
    def converge_together(
        self, first: tuple[str, dict[str, Any]], second: tuple[str, dict[str, Any]], same: bool, at: tuple[str, int]
    ) -> None:
        """Another controller works right before one of our requests."""
        first = first[0], self.resolved(first[1])
        second = first if same else (second[0], self.resolved(second[1]))
        before = self.state()
        others: list[tuple[TaskResult, Run]] = []
        real, run = self.run(*first, interludes={at: lambda: others.append(self.run(*second))})
        after = self.state()
        self.check_truth(real, run, alone=not others)
        for other in others:
            self.check_truth(*other)
            if same and first[0] in ("publicize", "keyring") and first[1]["state"] == "absent" and at == ("POST", 0):
                # What the other one has deleted is gone, which is what was to be done.
                assert other[0].failed or not real.failed, (real.result, other[0].result)
        tasks_run = [first, second] if others else [first]
        self.check_permitted(
            [self.allowed(*task, state) for task in tasks_run for state in (before, after)], before, after
        )
        self.restore_token()
        doubles = self.doubles(after) - self.doubles(before)
        again, run = self.run(*first)
        self.check_truth(again, run)
        if first[0] == "publicize" and doubles and first[1]["state"] == "present" and "id" not in first[1]:
            # Where there is a double, the next run says so.
            assert code(again) == "ambiguous_match" or first[1].get("unique_per") == "external_user" or not same
        self.restore_token()

    @rule(
        pair=rivals | st.tuples(creations, creations),
        is_tool=st.booleans(),
        plan=plans_of_writes
        | st.sampled_from(["lost", "timeout", "502"]).map(lambda kind: {("POST", 0): Trouble(kind, "before")}),
    )
    def create_together(self, pair: Any, is_tool: bool, plan: dict[tuple[str, int], Trouble]) -> None:
        """Another controller, or another tool, creates a connection right before ours, the response to which may be lost."""
        first, second = pair[:2]
        before = self.state()
        ended: list[tuple[dict[str, Any], TaskResult]] = []

        def elsewhere() -> None:
            if is_tool and "external_user_id" in first:
                number = accounts_of(first, before)[0]["ID"]
                self.create_elsewhere(site_of(first), number, LOST_PAGE)
            else:
                ended.append((second, self.run("publicize", second)[0]))

        real, run = self.run("publicize", first, troubles=plan, interludes={("POST", 0): elsewhere})
        self.server.finish_late_requests()
        after = self.state()
        self.check_existence(real, after)
        if any(trouble.is_late for trouble in plan.values()):
            return
        is_for_users = all(given.get("unique_per") == "external_user" for given in pair)
        if not ended or (is_for_users and first.get("external_user_id") != second.get("external_user_id")):
            # What the other one has made is no change of ours: it is for another page.
            self.check_truth(real, run)
        ended.append((first, real))
        by_account = [given for given, _outcome in ended if given.get("unique_per") != "external_user"]
        same = {row["ID"] for row in accounts_of(first, before)} & {row["ID"] for row in accounts_of(second, before)}
        for given, outcome in ended:
            # Two that are for one account may undo what the other one has done.
            if not outcome.failed and not (same and by_account):
                self.check_done("publicize", given, after)

    # Actions of others

    def create_elsewhere(self, site: int, keyring: int, external_user: Optional[str], shared: bool = False) -> None:
        """Another tool creates a connection."""
        number = max([row["ID"] for row in self.rows()], default=50) + 1
        row = {"ID": number, "site_ID": site, "keyring_connection_ID": keyring, "shared": shared}
        self.change(publicize_connections=[{**row, "external_user_ID": external_user}])

    def change(self, **sections: Any) -> None:
        """Change the world as another tool, or another user, would."""
        self.server.core.patch(sections)

    def rows(self, section: str = "publicize_connections") -> list[dict[str, Any]]:
        """Return the records of a section."""
        return self.server.core.state()[section]

    def pick(self, draw: Any, section: str = "publicize_connections") -> Optional[dict[str, Any]]:
        """Return one of the records."""
        rows = self.rows(section)
        return draw(st.sampled_from(rows)) if rows else None

    @rule(data=st.data(), changes=st.lists(st.sampled_from(CHANGES), min_size=1, max_size=3))
    def meanwhile(self, data: Any, changes: list[str]) -> None:
        """Other tools and other users are at work."""
        for name in changes:
            getattr(self, name)(data.draw)

    def other_tool_creates(self, draw: Any) -> None:
        """Another tool creates a connection, now and then one that exists already."""
        keyring = self.pick(draw, "keyring_connections")
        if keyring is None:
            return
        users = [None, "11", LOST_PAGE] if keyring["additional_external_users"] else [None]
        site, user, shared = draw(st.sampled_from([1, 2])), draw(st.sampled_from(users)), draw(st.booleans())
        self.create_elsewhere(site, keyring["ID"], user, shared)

    def other_tool_doubles(self, draw: Any) -> None:
        """Another tool creates a connection that exists already, or for another page of its account."""
        row = self.pick(draw)
        if row:
            user = draw(st.sampled_from([row["external_user_ID"], "12"])) if row["external_user_ID"] else None
            self.create_elsewhere(row["site_ID"], row["keyring_connection_ID"], user)

    def other_tool_deletes(self, draw: Any) -> None:
        """Another tool deletes a connection."""
        row = self.pick(draw)
        if row:
            self.change(delete={"publicize_connections": [row["ID"]]})

    def other_tool_shares(self, draw: Any) -> None:
        """Another tool shares a connection, or unshares it."""
        row = self.pick(draw)
        if row:
            self.change(publicize_connections=[{"ID": row["ID"], "shared": not row["shared"]}])

    def pages_are_renamed(self, draw: Any) -> None:
        """The pages of LinkedIn have other names."""
        if any(row["ID"] == 21 for row in self.rows("keyring_connections")):
            names = draw(st.sampled_from([("page", "shop"), ("shop", "page"), ("page", "page"), ("new", "shop")]))
            users = [{**page, "external_name": name} for page, name in zip(PAGES, names)]
            self.change(keyring_connections=[{"ID": 21, "additional_external_users": users}])

    def account_expires(self, draw: Any) -> None:
        """The token of an account expires, or is renewed."""
        keyring = self.pick(draw, "keyring_connections")
        if keyring:
            status = draw(st.sampled_from(["ok", "broken", "must_reauth", None]))
            expires = "-1d" if status == "broken" else None
            self.change(keyring_connections=[{"ID": keyring["ID"], "status": status, "expires": expires}])

    def account_is_transferred(self, draw: Any) -> None:
        """An account goes to another user."""
        keyring = self.pick(draw, "keyring_connections")
        if keyring:
            self.change(keyring_connections=[{"ID": keyring["ID"], "user_ID": ME + OTHER - keyring["user_ID"]}])

    def account_is_gone(self, draw: Any) -> None:
        """An account is gone while its connections stay, or is back."""
        keyring = self.pick(draw, "keyring_connections")
        if keyring:
            self.change(keyring_connections=[{"ID": keyring["ID"], "gone": not keyring["gone"]}])

    def accounts_are_gone(self, draw: Any) -> None:
        """All accounts of mine are gone, or all are back."""
        gone = draw(st.booleans())
        mine = [row["ID"] for row in self.rows("keyring_connections") if row["user_ID"] == ME]
        self.change(keyring_connections=[{"ID": number, "gone": gone} for number in mine])

    def accounts_are_connected(self, draw: Any) -> None:
        """Accounts that were deleted are connected again."""
        existing = {row["ID"] for row in self.rows("keyring_connections")}
        self.change(keyring_connections=[row for row in WORLD["keyring_connections"] if row["ID"] not in existing])

    def role_changes(self, draw: Any) -> None:
        """An administrator changes my role on a site."""
        self.set_role(draw(st.sampled_from([1, 2])), draw(roles))

    def set_role(self, site: int, role: str) -> None:
        """Give me a role on a site."""
        members = [{"user_ID": ME, "role": role}, {"user_ID": OTHER, "role": "administrator"}]
        self.change(sites=[{"ID": site, "members": members}])

    # What holds

    def resolved(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """Return options with an ID that exists, or has never existed: no playbook names one that is yet to be given."""
        resolved = {**given}
        if "connections" in given:
            resolved["connections"] = [self.resolved(entry) for entry in given["connections"]]
        if given.get("id") in range(50, 60):
            ids = [*sorted(row["ID"] for row in self.rows()), 49]
            resolved["id"] = ids[(given["id"] - 50) % len(ids)]
        return resolved

    def run(
        self,
        kind: str,
        given: Mapping[str, Any],
        *,
        check_mode: bool = False,
        troubles: Optional[Mapping[tuple[str, int], Trouble]] = None,
        interludes: Optional[Mapping[tuple[str, int], Callable[[], Any]]] = None,
        session: Optional[Session] = None,
    ) -> tuple[TaskResult, Run]:
        """Run a task, and return its end and its requests."""
        with self.server.recorded(Run(troubles or {}, interludes or {})) as run:
            return start(kind, given, check_mode=check_mode, session=session), run

    def state(self) -> State:
        """Return what a task may change, by ID."""
        raw = self.server.core.state()
        return {section: {row["ID"]: row for row in raw[section]} for section in SECTIONS}

    def check_truth(self, outcome: TaskResult, run: Run, *, alone: bool = True) -> None:
        """A task reports a change where it made one, and only there."""
        changed = bool(outcome.result.get("changed"))
        if not alone and changed and any(entry["status"] == 200 for entry in run.entries if entry and entry["body"]):
            # The response to a write does not tell whether another one had done the same shortly before.
            return
        if "unconfirmed_write" in _codes(outcome) and not changed:
            # It says itself that it does not know.
            return
        assert changed == run.applied, (changed, run.applied, run.entries, outcome.result)

    def check_converged(self, kind: str, given: Mapping[str, Any]) -> None:
        """A second run has nothing to do, and says so in check mode, too."""
        before = self.state()
        for check_mode in (False, True):
            again, run = self.run(kind, given, check_mode=check_mode)
            assert run.writes == []
            assert self.state() == before
            assert not again.failed or self.is_spent(kind, again), again.result
            assert again.result.get("changed", False) is False, again.result

    def is_spent(self, kind: str, again: TaskResult) -> bool:
        """Whether a deletion cannot be repeated, because the options that were unique mean nothing any more."""
        return kind == "keyring" and code(again) in ("missing_keyring_connection", "ambiguous_match", "cascade_needed")

    def check_touched(self, kind: str, given: Mapping[str, Any], before: State, after: State) -> None:
        """Nothing changed that the task does not name."""
        self.check_permitted([self.allowed(kind, given, state) for state in (before, after)], before, after)

    def check_permitted(self, permissions: list[Permission], before: State, after: State) -> None:
        """Nothing else changed than what one of these permits."""
        for place, keys in differences(before, after).items():
            permitted = set().union(*(permission.get(place, set()) for permission in permissions))
            assert keys <= permitted, (place, keys - permitted, before, after)

    def allowed(self, kind: str, given: Mapping[str, Any], state: State) -> Permission:
        """Return what a task may touch."""
        found = may_touch(kind, given, state, with_last=self.server.core.switches["delete_keyring_with_last"])
        if kind == "publicize" and given["state"] == "present" and shows_only_another_user(state):
            # Whether an editor may change another user's connection is up to the server then, which is not known to allow it.
            found.update({(SECTIONS[0], number): {"shared", *EXTERNAL_USER} for number in state[SECTIONS[0]]})
        return found

    def check_done(self, kind: str, given: Mapping[str, Any], after: State) -> None:
        """What the task asks for is so."""
        left = left_undone(kind, given, after)
        assert not left or shows_only_another_user(after), (kind, given, left, after)

    def check_report(
        self, kind: str, given: Mapping[str, Any], outcome: TaskResult, before: State, after: State
    ) -> None:
        """The result says what has become of each connection."""
        result = outcome.result
        touched = {
            number: keys for (section, number), keys in differences(before, after).items() if section == SECTIONS[0]
        }
        if kind == "bulk" and "actions" in result:
            expected = {"created": {MADE}, "deleted": {DELETED}}
            actions = {action["id"]: action for action in result["actions"] if action["id"] is not None}
            for number, action in actions.items():
                keys = touched.pop(number, set())
                if action["action"] in ("unchanged", "skipped"):
                    assert not keys, (action, keys, result)
                elif action["action"] != "failed":
                    assert keys == expected.get(action["action"], keys - {MADE, DELETED}) != set(), (
                        action,
                        keys,
                        result,
                    )
            assert not touched or "unconfirmed_write" in _codes(outcome), (touched, result)
            counts = Counter(action["action"] for action in result["actions"])
            if given.get("report") == "all":
                assert all(
                    result["summary"][name] == counts[name] for name in ("created", "deleted", "failed", "skipped")
                )
            assert outcome.failed == bool(counts["failed"]), result
            assert given.get("on_error", "stop") == "continue" or counts["failed"] <= 1, result
            most = given.get("max_deletions", 10)
            assert most < 0 or counts["deleted"] <= most, result
        elif kind == "publicize" and not outcome.failed:
            assert set(touched) <= {(result["connection"] or {}).get("id")} | {
                number for number, keys in touched.items() if keys == {DELETED}
            }, (touched, result)
        for record in [result.get("connection")] if kind == "publicize" and not outcome.failed else []:
            row = after["publicize_connections"][record["id"]] if record else None
            assert (record is None) == (given["state"] == "absent"), result
            assert row is None or record["shared"] == row["shared"], (record, row)

    def check_existence(self, outcome: TaskResult, after: State) -> None:
        """What a task reports as there is there."""
        reported = [action["id"] for action in outcome.result.get("actions", []) if action["action"] == "created"]
        if not outcome.failed and outcome.result.get("connection"):
            reported.append(outcome.result["connection"]["id"])
        existing = {**after["publicize_connections"], **after["keyring_connections"]}
        assert set(reported) <= set(existing), (reported, outcome.result)

    def check_reasons(self, kind: str, given: Mapping[str, Any], outcome: TaskResult, before: State) -> None:
        """Nothing is refused without the reason that is given."""
        assert outcome.failed or not is_ambiguous(kind, given, before), (given, outcome.result, before)
        if outcome.failed:
            assert is_reason(kind, str(code(outcome)), given, before), (given, outcome.result, before)
        for error in _errors(outcome):
            entry = given["connections"][error["position"]] if isinstance(error.get("position"), int) else None
            assert entry is None or is_reason("publicize", error["code"], entry, before), (entry, error, before)

    def doubles(self, state: State) -> Counter[tuple[Any, ...]]:
        """Return how many connections too many there are, by site, account and external user."""
        keys = Counter(map(_place, state["publicize_connections"].values()))
        return Counter({key: number - 1 for key, number in keys.items() if number > 1})

    def check_made(self, before: State, after: State) -> None:
        """No task made a connection twice, or one that existed already."""
        rows = after["publicize_connections"]
        made = {number: row for number, row in rows.items() if number not in before["publicize_connections"]}
        assert not self.doubles({"publicize_connections": made}), made
        existing = {_place(row) for number, row in rows.items() if number not in made}
        assert not existing.intersection(map(_place, made.values())), (before, after)

    def token_is_revoked(self) -> bool:
        """Whether the token that tasks use does not work any more."""
        return bool(self.server.core.world.tokens[TOKEN]["revoked"])

    def restore_token(self) -> None:
        """Have the application authorized again."""
        self.change(
            tokens=[{"token": token["token"], "revoked": False} for token in WORLD["tokens"]],
            applications=WORLD["applications"],
        )


def _place(row: Mapping[str, Any]) -> tuple[Any, ...]:
    return row["site_ID"], row["keyring_connection_ID"], row["external_user_ID"]


def _errors(outcome: TaskResult) -> list[dict[str, Any]]:
    return [error for error in outcome.result.get("errors", []) if isinstance(error, dict)]


def _codes(outcome: TaskResult) -> set[Optional[str]]:
    """Return the codes of all errors of a task, and of a list of its entries."""
    errors = _errors(outcome) + [action["error"] for action in outcome.result.get("actions", []) if action["error"]]
    return {code(outcome), *(error["code"] for error in errors)}


def _says_created_blindly(outcome: TaskResult) -> bool:
    """Whether a task reports that it created something and could not see, or delete, a second one."""
    return "unconfirmed_write" in _codes(outcome) and bool(outcome.result.get("changed"))


def test_controllers() -> None:
    """Whatever happens in whatever order."""
    run_state_machine_as_test(Controllers, settings=settings(max_examples=EXAMPLES, stateful_step_count=STEPS))
