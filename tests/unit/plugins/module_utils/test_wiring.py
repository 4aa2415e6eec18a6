# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whole tasks over HTTP: that options, plans, requests and responses fit together. The rules are tested on data."""

from __future__ import annotations

import re
from typing import Any

import pytest

from ansible_collections.community.wpcom.plugins.module_utils._execute import TaskResult
from ansible_collections.community.wpcom.tests.benchmark import worlds
from ansible_collections.community.wpcom.tests.simulator import Simulator
from ansible_collections.community.wpcom.tests.unit import support
from ansible_collections.community.wpcom.tests.unit.builders import task
from ansible_collections.community.wpcom.tests.unit.support import TOKEN, brief

BLOG: dict[str, Any] = {"site": "blog.example.com", "service": "facebook"}
ADA = {"site": "blog.example.com", "service": "mastodon", "account": "@ada@mastodon.example"}
ADA_L: dict[str, Any] = {"service": "linkedin", "account": "ada-l"}
BESIDE = {"unique_per": "external_user"}


def run(simulator: Simulator, kind: str, *, check_mode: bool = False, **given: Any) -> TaskResult:
    """Run a task against the simulator."""
    return support.run(kind, simulator.url, check_mode=check_mode, **task(kind, **given))


def posts(simulator: Simulator) -> list[tuple[str, Any]]:
    """Return the paths and bodies of the writes."""
    return [(entry["path"], entry["body"]) for entry in simulator.requests("POST")]


def ids(simulator: Simulator, section: str = "publicize_connections") -> set[int]:
    """Return the IDs of the records of a section."""
    return {row["ID"] for row in simulator.state()[section]}


def actions(task: TaskResult) -> list[str]:
    """Return what became of each entry of a list."""
    return [action["action"] for action in task.result["actions"]]


def without_nonces(warnings: list[str]) -> list[str]:
    """Return warnings without what differs in every response."""
    return [re.sub(r"nonce=\w+", "nonce", warning) for warning in warnings]


# Check, real, second run

MIXED = [
    ADA,
    {"site": "shop.example.com", "service": "facebook", "shared": False},
    {"site": "news.example.org", **ADA_L, "external_user_id": "211", **BESIDE},
    {"site": "jetpack.example.com", **ADA_L},
    {"id": 5008, "state": "absent"},
]
NEW = "/sites/news.example.org/publicize-connections/new"
TASKS: dict[str, tuple[str, dict[str, Any], list[tuple[str, Any]]]] = {
    "present, unchanged": ("publicize", {**BLOG, "external_user_id": "111"}, []),
    "external user": (
        "publicize",
        {**BLOG, "external_user_name": "Difference Engines"},
        [("/sites/blog.example.com/publicize-connections/5001", {"external_user_ID": "112"})],
    ),
    "shared and external user": (
        "publicize",
        {"id": 5001, "external_user_id": "112", "shared": True},
        [("/me/publicize-connections/5001", {"shared": True, "external_user_ID": "112"})],
    ),
    "not shared": ("publicize", {"id": 5003, "shared": False}, [("/me/publicize-connections/5003", {"shared": False})]),
    "reset": (
        "publicize",
        {"id": 5011, "reset_external_user": True},
        [("/me/publicize-connections/5011", {"external_user_ID": False})],
    ),
    "new": (
        "publicize",
        {"site": "news.example.org", "service": "facebook", "external_user_id": "112", "shared": True},
        [(NEW, {"keyring_connection_ID": 2001, "external_user_ID": "112", "shared": True})],
    ),
    "new, of the account itself": (
        "publicize",
        {"site": "news.example.org", "keyring_connection_id": 2002, "reset_external_user": True, **BESIDE},
        [(NEW, {"keyring_connection_ID": 2002})],
    ),
    "absent": (
        "publicize",
        {"site": "3001", "service": "facebook", "state": "absent"},
        [("/sites/3001/publicize-connections/5001/delete", {})],
    ),
    "absent by id": (
        "publicize",
        {"id": 5002, "state": "absent"},
        [("/me/publicize-connections/5002/delete", {})],
    ),
    "keyring connection": ("keyring", {"service": "facebook"}, []),
    "keyring connection absent": (
        "keyring",
        {"id": 2001, "state": "absent", "cascade": True},
        [("/me/keyring-connections/2001/delete", {})],
    ),
    "application": ("application", {"title": "Acme Editor", "site": "blog.example.com"}, []),
    "application absent": (
        "application",
        {"title": "Acme Editor", "state": "absent"},
        [("/me/connected-applications/7002/delete", {}), ("/me/connected-applications/7003/delete", {})],
    ),
    "many": (
        "bulk",
        {"connections": MIXED, "parallel": 1},
        [
            ("/me/publicize-connections/5008/delete", {}),
            ("/sites/jetpack.example.com/publicize-connections/new", {"keyring_connection_ID": 2002}),
            ("/sites/shop.example.com/publicize-connections/5003", {"shared": False}),
        ],
    ),
    "info": ("info", {"gather": ["publicize", "keyring", "applications", "services", "sites", "account"]}, []),
}


@pytest.mark.parametrize(("kind", "options", "writes"), TASKS.values(), ids=TASKS)
def test_check_predicts_what_the_real_run_writes_and_the_second_run_writes_nothing(
    simulator: Simulator, kind: str, options: dict[str, Any], writes: list[tuple[str, Any]]
) -> None:
    checked = run(simulator, kind, check_mode=True, **options)
    assert posts(simulator) == []
    real = run(simulator, kind, **options)
    assert not checked.failed, checked.result
    assert not real.failed, real.result
    assert sorted(posts(simulator), key=str) == writes
    assert checked.result["changed"] is real.result["changed"] is bool(writes)
    assert checked.result.get("diff") == real.result.get("diff")
    assert without_nonces(checked.warnings) == without_nonces(real.warnings)
    simulator.clear_requests()
    for check_mode in (False, True):
        again = run(simulator, kind, check_mode=check_mode, **options)
        assert again.result["changed"] is False
    assert posts(simulator) == []
    assert TOKEN not in str([checked, real, again])


# Requests


@pytest.mark.parametrize("check_mode", [True, False])
def test_requests_of_a_deletion(simulator: Simulator, check_mode: bool) -> None:
    run(simulator, "publicize", check_mode=check_mode, id=5001, state="absent")
    assert brief(simulator.requests()) == [
        "GET /me/publicize-connections/5001",
        "GET /me/keyring-connections",
        "GET /me/publicize-connections",
        *([] if check_mode else ["POST /me/publicize-connections/5001/delete"]),
    ]


def test_external_user_that_is_new_is_found_by_a_refetch(simulator: Simulator) -> None:
    ended = run(simulator, "publicize", **BLOG, external_user_name="New Page")
    assert ended.result["connection"]["external_id"] == "113"
    refetches = [entry for entry in simulator.requests("GET") if "force_external_users_refetch" in entry["query"]]
    assert brief(refetches) == ["GET /me/keyring-connections/2001"]


@pytest.mark.parametrize("options", [{"id": 2011}, {"service": "bluesky", "account": "quiet.bsky.example"}])
def test_fresh_test_is_a_parameter_of_the_one_request(simulator: Simulator, options: dict[str, Any]) -> None:
    ended = run(simulator, "keyring", test=True, **options)
    assert (ended.result["connection"]["health"], len(ended.warnings)) == ("broken", 1)
    (entry,) = (entry for entry in simulator.requests() if entry["path"].startswith("/me/keyring-connections"))
    assert entry["query"] == {"force_connection_test": "1"}
    # By ID alone, who the user is has to be read too.
    assert [entry["path"] for entry in simulator.requests()].count("/me") == len(simulator.requests()) - 1


def test_presentation_goes_to_the_api_with_every_request(simulator: Simulator) -> None:
    gather = ["publicize", "keyring", "applications", "services", "account"]
    ended = run(simulator, "info", gather=gather, meta=["site", "service"], context="edit")
    queries = [entry["query"] for entry in simulator.requests()]
    assert [query for query in queries if query] == [{"meta": "site,service", "context": "edit"}] * 5
    # What decides the health of connections is read whole.
    whole = {entry["path"] for entry in simulator.requests() if not entry["query"]}
    assert whole == {"/meta/external-services"}
    assert ended.result["publicize_connections"][0]["meta"]["data"]["site"]["id"] == 3001


@pytest.mark.parametrize("form", ["list", "object", "array"])
def test_fields_that_the_api_would_empty_applications_by_are_selected_here(simulator: Simulator, form: str) -> None:
    simulator.settings(switches={"fields_on_applications": form})
    ended = run(simulator, "info", gather=["applications"], fields=["id", "title"])
    assert ended.result["connected_applications"][0] == {"id": 7001, "title": "VaultPress"}
    assert "fields" not in simulator.requests()[0]["query"]


def test_services_need_no_token_and_everything_else_does(simulator: Simulator) -> None:
    assert len(run(simulator, "info", gather=["services"], api_token=None).result["services"]) == 10
    assert run(simulator, "info", api_token=None).result["error"]["code"] == "missing_token"


@pytest.mark.parametrize("parallel", [1, 8])
def test_writes_share_no_more_connections_than_parallel(simulator: Simulator, parallel: int) -> None:
    simulator.reset(world=worlds.world(20, 5))
    entries = worlds.desired(20, 5, shared=True)
    ended = run(simulator, "bulk", connections=entries, api_token=worlds.TOKEN, parallel=parallel)
    assert ended.result["summary"]["updated"] == len(posts(simulator)) == 100
    assert len({request["connection"] for request in simulator.requests()}) <= parallel
    assert all(record["shared"] for record in simulator.state()["publicize_connections"])


def test_single_task_reads_everything_at_once(simulator: Simulator) -> None:
    """Nobody waits for a round trip more than once to read, and once to write."""
    simulator.reset(world=worlds.world(1, 1))
    simulator.fault(kind="delay", seconds=0.3, times=-1)
    (entry,) = worlds.desired(1, 1, shared=True)
    assert run(simulator, "publicize", api_token=worlds.TOKEN, **entry).result["changed"]
    reads = {request["path"]: request["connection"] for request in simulator.requests("GET")}
    assert len(reads) == 3
    assert len(set(reads.values())) == 3


def test_change_by_id_keeps_to_its_connection(simulator: Simulator) -> None:
    """Two more reads take two round trips; over another connection the second one would take three."""
    simulator.reset(world=worlds.world(1, 1))
    (entry,) = worlds.desired_by_id(1, 1, shared=True)
    assert run(simulator, "publicize", api_token=worlds.TOKEN, **entry).result["changed"]
    assert len(simulator.requests()) == 4
    assert len({request["connection"] for request in simulator.requests()}) == 1


def test_sites_that_the_lists_lack_are_read_over_several_connections(simulator: Simulator) -> None:
    world = worlds.world(30, 2)
    simulator.reset(world={**world, "tokens": [{**world["tokens"][0], "scope": "sharing"}]})
    entries = worlds.desired(30, 2, shared=False)
    ended = run(simulator, "bulk", connections=entries, api_token=worlds.TOKEN, parallel=10)
    assert ended.result["summary"]["unchanged"] == 60
    assert len(simulator.requests()) == 4 + 30
    assert len({request["connection"] for request in simulator.requests()}) > 3


# Forms of the API


@pytest.mark.parametrize("form", ["wire", "docs", "example"])
def test_applications_are_the_same_in_all_forms(simulator: Simulator, form: str) -> None:
    simulator.settings(switches={"application_form": form})
    found = run(simulator, "application", title="Acme Editor").result["applications"]
    assert [record["id"] for record in found] == [7002, 7003]
    assert (found[0]["site"], found[1]["site"]["site_id"]) == (None, 3001)
    assert all(record["authorized"].endswith("Z") for record in found)


@pytest.mark.parametrize("form", ["empty", "blank"])
def test_token_of_one_site_is_known_by_its_empty_scope_in_both_forms(simulator: Simulator, form: str) -> None:
    simulator.reset(switches={"empty_token_scope_form": form})
    ended = run(simulator, "application", title="Acme Editor", state="absent", api_token="sim-token-site")
    assert ended.result["error"]["code"] == "token_in_use"


@pytest.mark.parametrize("form", ["zone-less", "unix_int", "unix_str", "iso"])
@pytest.mark.parametrize("never", ["zero_date", "zero"])
def test_health_is_the_same_in_all_forms_of_dates(simulator: Simulator, form: str, never: str) -> None:
    def health() -> Any:
        records = run(simulator, "info", gather=["keyring"]).result["keyring_connections"]
        return {record["id"]: (record["health"], record["expires"]) for record in records}

    plain = health()
    simulator.settings(switches={"kc_expires_form": form, "kc_unix_never": never, "pc_date_form": "squeezed"})
    assert health() == plain


@pytest.mark.parametrize("user_id_filter", ["owner", "user_ID"])
def test_shared_connections_of_a_user_are_found_whatever_the_server_filters_by(
    simulator: Simulator, user_id_filter: str
) -> None:
    simulator.settings(switches={"user_id_filter": user_id_filter})
    ended = run(simulator, "info", gather=["publicize"], user_id=1002, site=["3001"])
    assert [record["id"] for record in ended.result["publicize_connections"]] == [5005, 5006]


@pytest.mark.parametrize("form", ["not_found", "empty"])
def test_keyring_connection_that_does_not_exist_is_absent_in_both_forms(simulator: Simulator, form: str) -> None:
    simulator.settings(switches={"keyring_not_found_form": form})
    ended = run(simulator, "keyring", id=2999, state="absent")
    assert (ended.failed, ended.result["changed"]) == (False, False)


@pytest.mark.parametrize("deletes", [True, False])
def test_what_became_of_the_keyring_connection_is_reported(simulator: Simulator, deletes: bool) -> None:
    simulator.settings(switches={"delete_keyring_with_last": deletes})
    ended = run(simulator, "publicize", id=5004, state="absent")
    assert ended.result["keyring_connection_deleted"] is deletes
    assert (2006 in ids(simulator, "keyring_connections")) is not deletes


# Refusals of the server


@pytest.mark.parametrize(
    ("token", "kind", "options", "told"),
    [
        ("sim-token-posts", "publicize", {"id": 5001}, ["scope sharing or global"]),
        ("sim-token-site", "publicize", {"id": 5003, "site": "3002"}, ["for site 3001 only", "use another token"]),
        ("sim-token", "publicize", {"id": 5006}, ["publish_posts", "edit_others_posts", "is owned by another user"]),
        (
            "sim-token",
            "publicize",
            {"site": "private.example.com", "service": "facebook"},
            ["private or restricted", "member"],
        ),
        ("sim-token-empty", "publicize", {"id": 5001, "site": "3001"}, ["must not be bound to another site"]),
        ("wrong", "publicize", {"id": 5001}, ["wrong or was revoked"]),
        ("sim-token", "keyring", {"id": 2101}, ["is owned by another user"]),
        ("sim-token-site", "keyring", {"id": 2001, "state": "absent"}, ["5001", "one or more on site 3002"]),
        ("sim-token-sharing", "application", {"id": 7001, "state": "absent"}, ["the scope users or global"]),
        ("sim-token-stale", "application", {"title": "VaultPress"}, ["log in again"]),
        ("sim-token", "info", {"site": ["nowhere.example.com"]}, ["Check site"]),
    ],
)
def test_refusal_says_what_to_do(
    simulator: Simulator, token: str, kind: str, options: dict[str, Any], told: list[str]
) -> None:
    for check_mode in (True, False):
        ended = run(simulator, kind, check_mode=check_mode, api_token=token, **options)
        assert ended.failed
        assert ended.result["changed"] is False
        for words in told:
            assert words in ended.result["msg"]
    assert posts(simulator) == []


@pytest.mark.parametrize(
    ("role", "shared", "capability"),
    [("author", True, "edit_others_posts"), ("contributor", None, "publish_posts")],
)
def test_missing_capability_is_predicted_by_check_mode_and_refused_by_the_server(
    simulator: Simulator, role: str, shared: Any, capability: str
) -> None:
    simulator.patch(sites=[{"ID": 3001, "members": [{"user_ID": 1001, "role": role}]}])
    for check_mode in (True, False):
        ended = run(simulator, "publicize", check_mode=check_mode, site="3001", shared=shared, **ADA_L)
        assert ended.failed
        assert ended.result["error"]["code"] == "authorization_required"
        assert capability in ended.result["msg"]
        assert len(posts(simulator)) == (not check_mode)


def test_site_without_publicize_is_predicted_by_check_mode_and_refused_by_the_server(simulator: Simulator) -> None:
    entry = {**ADA, "site": "nopublicize.example.com"}
    for check_mode in (True, False):
        ended = run(simulator, "bulk", check_mode=check_mode, connections=[entry])
        assert ended.failed
        assert "publicize_disabled" in ended.result["msg"]


def test_token_that_may_not_list_sites_creates_by_domain(simulator: Simulator) -> None:
    simulator.patch(delete={"publicize_connections": [5013, 5015]})
    options: dict[str, Any] = {
        "site": "jetpack.example.com",
        "keyring_connection_id": 2003,
        "api_token": "sim-token-sharing",
    }
    assert run(simulator, "publicize", check_mode=True, **options).result["connection"]["site_id"] is None
    assert run(simulator, "publicize", **options).result["connection"]["site_id"] == 3006


# Responses that are lost, and writes that are ignored


@pytest.mark.parametrize("kind", ["publicize", "bulk"])
def test_ignored_write_fails_and_is_a_change(simulator: Simulator, kind: str) -> None:
    simulator.settings(switches={"drop_shared": True})
    entry = {"site": "3001", **ADA_L, "shared": True}
    ended = run(simulator, kind, **({"connections": [entry], "report": "all"} if kind == "bulk" else entry))
    assert ended.failed
    assert ended.result["error"]["code"] == "ignored_write"
    assert ended.result["changed"] is True
    record = ended.result["connections"][0] if kind == "bulk" else ended.result["connection"]
    assert (record["id"], record["shared"]) == (5016, False)


def test_write_that_cannot_be_confirmed_is_no_change(simulator: Simulator) -> None:
    simulator.fault(method="POST", kind="cut", when="after")
    simulator.fault(method="GET", kind="status", status=500, skip=3, times=-1)
    ended = run(simulator, "publicize", id=5002, state="absent", retries=1)
    assert ended.failed
    assert (ended.result["error"]["code"], ended.result["changed"]) == ("unconfirmed_write", False)


def test_error_after_the_write_does_not_fail_the_task(simulator: Simulator) -> None:
    simulator.fault(path="/me/keyring-connections/2006", kind="status", status=500, times=-1)
    ended = run(simulator, "publicize", id=5004, state="absent", retries=0)
    assert (ended.failed, ended.result["changed"]) == (False, True)
    assert "keyring_connection_deleted" not in ended.result


@pytest.mark.parametrize("parallel", [1, 2])
def test_lost_response_is_not_taken_for_that_of_a_sibling(simulator: Simulator, parallel: int) -> None:
    place = {"site": "jetpack.example.com", **ADA_L, **BESIDE}
    entries = [{**place, "external_user_id": "211"}, {**place, "reset_external_user": True}]
    before = ids(simulator)
    # The first one is done before the response to the second is lost.
    simulator.fault(method="POST", path=".*/new", kind="cut", when="before", skip=1)
    ended = run(simulator, "bulk", connections=entries, parallel=parallel, report="all")
    assert not ended.failed, ended.result["msg"]
    assert len(ids(simulator) - before) == 2
    assert [record["external_id"] for record in ended.result["connections"]] == ["211", "900002"]
    assert len({record["id"] for record in ended.result["connections"]}) == 2
    assert not [path for path, _body in posts(simulator) if path.endswith("/delete")]


def test_lost_responses_of_many_writes_double_nothing(simulator: Simulator) -> None:
    simulator.reset(world=worlds.world(5, 4))
    simulator.patch(delete={"publicize_connections": list(ids(simulator))})
    # Of those that are lost before they are done there is only one, or a repetition could be lost in the same way.
    for when, times in (("before", 1), ("after", 3)):
        simulator.fault(method="POST", path=".*/new", kind="cut", when=when, times=times, skip=2)
    entries = worlds.desired(5, 4, shared=False)
    ended = run(simulator, "bulk", connections=entries, api_token=worlds.TOKEN, parallel=4)
    assert ended.result["summary"]["created"] == 20
    made = simulator.state()["publicize_connections"]
    assert len(made) == len({(row["site_ID"], row["keyring_connection_ID"]) for row in made}) == 20


def test_throttling_holds_all_writes_back_and_everything_is_done_once(simulator: Simulator) -> None:
    simulator.reset(world=worlds.world(10, 5))
    simulator.fault(method="POST", path=".*", kind="throttle", retry_after=1, times=4, skip=5)
    entries = worlds.desired(10, 5, shared=True)
    ended = run(simulator, "bulk", connections=entries, api_token=worlds.TOKEN, parallel=4, retry_max_delay=1)
    assert ended.result["summary"]["updated"] == 50
    assert len([request for request in simulator.requests("POST") if request["applied"]]) == 50


def test_list_that_fails_midway_is_finished_by_a_second_run(simulator: Simulator) -> None:
    failing = "/me/publicize-connections/5003"
    body = {"error": "insert_error", "message": "No."}
    simulator.fault(method="POST", path=failing, kind="status", status=400, body=body)
    entries = [{"id": 5002, "shared": True}, {"id": 5003, "shared": False}, {"id": 5007, "shared": True}]
    ended = run(simulator, "bulk", connections=entries, parallel=1)
    assert ended.failed
    assert actions(ended) == ["updated", "failed", "skipped"]
    assert ended.result["error"]["path"] == failing
    simulator.clear_requests()
    again = run(simulator, "bulk", connections=entries, report="all")
    assert actions(again) == ["unchanged", "updated", "updated"]
    assert len(posts(simulator)) == 2


def test_account_that_moves_keeps_its_keyring_connection(simulator: Simulator) -> None:
    simulator.settings(switches={"delete_keyring_with_last": True})
    entries = [
        {"site": "blog.example.com", "service": "bluesky", "account": "ada.bsky.example"},
        {"id": 5004, "state": "absent"},
    ]
    ended = run(simulator, "bulk", connections=entries)
    assert actions(ended) == ["created", "deleted"]
    assert 2006 in ids(simulator, "keyring_connections")
