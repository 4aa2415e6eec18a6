# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The plan of one publicize connection."""

from __future__ import annotations

from typing import Any, Optional

import pytest

from ansible_collections.community.wpcom.plugins.module_utils._cache.account_cache import LoopCache
from ansible_collections.community.wpcom.plugins.module_utils._errors import IgnoredWriteError, WpcomError
from ansible_collections.community.wpcom.plugins.module_utils._operations import (
    DeletePublicizeConnection,
    FindAccount,
    FindSite,
    FindSites,
    GetKeyringConnection,
    GetPublicizeConnection,
    GetService,
    ListKeyringConnections,
    ListPublicizeConnections,
    ListServices,
    ListSitePublicizeConnections,
    UpdatePublicizeConnection,
)
from ansible_collections.community.wpcom.tests.unit import refusals
from ansible_collections.community.wpcom.tests.unit.builders import (
    BLUESKY,
    CLUB,
    COLLEAGUE,
    EVERYTHING,
    FACEBOOK,
    FOREIGN,
    LINKEDIN,
    MASTODON,
    SHOP,
    SOCIETY,
    World,
    created,
    day,
    keyring_connection,
    plan,
    publicize_connection,
    reached,
    refusal,
    refused,
    run,
    site,
)
from ansible_collections.community.wpcom.tests.unit.refusals import Refusal

ON_SITE_1: dict[str, Any] = {"site": "1", "service": "linkedin"}
KEYRINGS_AND_SITE_1 = [ListKeyringConnections(), ListSitePublicizeConnections("1")]
WITH_LINKEDIN = [*KEYRINGS_AND_SITE_1, GetService("linkedin")]
WITH_SERVICES = [*KEYRINGS_AND_SITE_1, ListServices()]


def world() -> World:
    """Return a world with a connection of LinkedIn on site 1, another one of it on site 2, and one of a colleague."""
    return World(
        publicize_connection(50, LINKEDIN, 1, SOCIETY),
        publicize_connection(51, LINKEDIN, 2),
        publicize_connection(60, FOREIGN, 1, shared=True),
    )


@pytest.mark.parametrize("refusal", refusals.IMPOSSIBLE.values(), ids=refusals.IMPOSSIBLE)
def test_what_cannot_be_is_refused_in_both_modes(refusal: Refusal) -> None:
    refused("publicize", refusals.world(), refusal.code, *refusal.parts, **refusal.options)


# Which connection is meant


@pytest.mark.parametrize(
    ("options", "reads"),
    [
        ({"id": 50}, [GetPublicizeConnection(50)]),
        ({"id": 50, "shared": False}, [GetPublicizeConnection(50)]),
        ({"id": 50, "site": "Blog.example.com"}, [GetPublicizeConnection(50, "blog.example.com")]),
        ({"id": 50, "service": "linkedin", "keyring_connection_id": 21}, [GetPublicizeConnection(50)]),
        (
            {"id": 50, "service": "linkedin", "account": "ada-l"},
            [GetPublicizeConnection(50), ListKeyringConnections()],
        ),
        ({"site": "1", "service": "linkedin"}, WITH_LINKEDIN),
        ({"site": "1", "service": "LinkedIn", "account": "x21"}, WITH_LINKEDIN),
        ({"site": "1", "keyring_connection_id": 21}, WITH_SERVICES),
        ({"site": "1", "keyring_connection_id": 21, "unique_per": "external_user"}, WITH_SERVICES),
        ({"site": "1", "service": "linkedin", "external_user_id": "211"}, WITH_LINKEDIN),
        ({"site": "1", "service": "linkedin", "external_user_name": "society"}, WITH_LINKEDIN),
    ],
)
def test_no_change_reads_one_connection_or_two_lists_and_the_service(options: dict[str, Any], reads: list[Any]) -> None:
    asked = world()
    planned = plan("publicize", asked, **options)
    assert planned.operations == ()
    assert planned.to_result(None)["connection"]["id"] == 50
    assert planned.to_result(None)["changed"] is False
    assert asked.reads == reads


@pytest.mark.parametrize("site_option", [None, "1", "blog.example.com"])
@pytest.mark.parametrize(
    ("options", "operation"),
    [
        ({"shared": True}, lambda site: UpdatePublicizeConnection(50, site, shared=True)),
        ({"state": "absent"}, lambda site: DeletePublicizeConnection(50, site)),
    ],
)
def test_connection_by_id_is_written_through_its_site_where_one_is_set(
    site_option: Optional[str], options: dict[str, Any], operation: Any
) -> None:
    reached("publicize", world(), operation(site_option), id=50, site=site_option, **options)


@pytest.mark.parametrize(
    ("options", "id"),
    [
        ({"external_user_id": "211"}, 50),
        ({"external_user_id": "212"}, 51),
        ({"external_user_name": "The Society"}, 50),
        ({"external_user_name": "club"}, 51),
    ],
)
def test_two_external_users_are_told_apart_by_naming_one(options: dict[str, Any], id: int) -> None:
    side_by_side = World(publicize_connection(50, LINKEDIN, 1, SOCIETY), publicize_connection(51, LINKEDIN, 1, CLUB))
    planned = reached("publicize", side_by_side, unique_per="external_user", **options, **ON_SITE_1)
    assert planned.to_result(None)["connection"]["id"] == id


def test_ambiguous_connections_are_candidates_in_the_result() -> None:
    error = refused("publicize", refusals.world(), "ambiguous_match", site="3", service="linkedin")
    assert [candidate["id"] for candidate in error.result["candidates"]] == [54, 55]


@pytest.mark.parametrize("read_only", [None, True])
def test_connection_of_another_user_with_the_same_service_does_not_count(read_only: Optional[bool]) -> None:
    theirs = publicize_connection(60, FOREIGN, 1, shared=True, read_only=read_only)
    reached("publicize", World(theirs), created(MASTODON, known_ids=[60]), site="1", service="mastodon", account="@ada")


# Updates


@pytest.mark.parametrize(
    ("options", "operation"),
    [
        ({"shared": True}, UpdatePublicizeConnection(50, "1", shared=True)),
        ({"external_user_id": "212"}, UpdatePublicizeConnection(50, "1", external_id="212")),
        ({"external_user_id": "212", "shared": True}, UpdatePublicizeConnection(50, "1", True, "212")),
        ({"external_user_id": "212", "shared": False}, UpdatePublicizeConnection(50, "1", external_id="212")),
        ({"external_user_id": "211", "shared": True}, UpdatePublicizeConnection(50, "1", shared=True)),
    ],
)
def test_update_has_only_what_differs(options: dict[str, Any], operation: Any) -> None:
    planned = reached("publicize", world(), operation, **ON_SITE_1, **options)
    result = planned.to_result(None)
    assert result["connection"]["shared"] is options.get("shared", False)
    assert result["connection"]["external_id"] == options.get("external_user_id", "211")
    # A shared connection belongs to no user.
    assert result["connection"]["user_id"] == (0 if options.get("shared") else 1)
    assert (planned.diff.before["external_id"], planned.diff.before["shared"]) == ("211", False)
    assert planned.diff.header == "publicize connection 50 on site 1 (linkedin)"


@pytest.mark.parametrize(
    ("options", "header"),
    [
        ({"id": 50}, "publicize connection 50 on site 1 (linkedin)"),
        ({"id": 50, "site": "blog.example.com"}, "publicize connection 50 on site blog.example.com (linkedin)"),
        ({"id": 99, "state": "absent"}, "publicize connection 99"),
        ({"site": "3", "service": "linkedin"}, "publicize connection on site 3 (linkedin)"),
    ],
)
def test_header_of_the_diff_names_the_connection(options: dict[str, Any], header: str) -> None:
    assert plan("publicize", world(), **options).diff.header == header


@pytest.mark.parametrize(
    ("options", "previous"),
    [
        ({"shared": True}, {"shared": False}),
        ({"external_user_id": "212"}, {"external_id": "211"}),
        ({"external_user_id": "212", "shared": True}, {"shared": False, "external_id": "211"}),
    ],
)
def test_update_knows_what_it_changes(options: dict[str, Any], previous: dict[str, Any]) -> None:
    (operation,) = plan("publicize", world(), **ON_SITE_1, **options).operations
    assert dict(operation.previous) == previous


@pytest.mark.parametrize("changed", [True, False])
def test_write_that_the_server_ignored_says_on_every_run_whether_it_changed_something(changed: bool) -> None:
    existing = world()
    ignored = {"changed": changed, "connection": existing.connections[50]}
    existing.refuses = lambda operation: IgnoredWriteError("external_id is '211' instead of '212'.", result=ignored)
    for _run in range(2):
        task = run("publicize", existing, external_user_id="212", **ON_SITE_1)
        assert (task.failed, task.result["changed"]) == (True, changed)
        assert task.result["msg"] == "external_id is '211' instead of '212'."


def test_false_unshares() -> None:
    shared = World(publicize_connection(50, LINKEDIN, 1, shared=True))
    planned = reached("publicize", shared, UpdatePublicizeConnection(50, shared=False), id=50, shared=False)
    assert planned.to_result(None)["connection"]["user_id"] == 1


def test_options_that_are_not_set_are_left_unchanged() -> None:
    shared = World(publicize_connection(50, LINKEDIN, 1, SOCIETY, shared=True))
    planned = reached("publicize", shared, **ON_SITE_1)
    result = planned.to_result(None)["connection"]
    assert (result["shared"], result["external_id"]) == (True, "211")


# Creations


@pytest.mark.parametrize(
    ("options", "operation"),
    [
        ({}, created(LINKEDIN, known_ids=[60])),
        ({"shared": True}, created(LINKEDIN, shared=True, known_ids=[60])),
        ({"shared": False}, created(LINKEDIN, shared=False, known_ids=[60])),
        ({"external_user_id": "211"}, created(LINKEDIN, SOCIETY, known_ids=[60])),
        ({"site": "Blog.example.com"}, created(LINKEDIN, site="blog.example.com", known_ids=[60])),
    ],
)
def test_creation_has_what_is_asked_for_and_what_the_site_has(options: dict[str, Any], operation: Any) -> None:
    empty = World(publicize_connection(60, FOREIGN, 1))
    planned = reached("publicize", empty, operation, **{**ON_SITE_1, **options})
    assert planned.diff.before == {}
    assert "id" not in planned.diff.after


def test_creation_knows_for_which_external_users_it_is_not() -> None:
    (operation,) = plan("publicize", World(), external_user_id="211", **ON_SITE_1).operations
    assert operation.external_id == "211"
    assert operation.other_external_ids == {"x21", "212"}
    (operation,) = plan("publicize", World(), **ON_SITE_1).operations
    assert operation.external_id is None
    assert operation.other_external_ids == {"211", "212"}


def test_record_of_a_creation_is_predicted_without_id() -> None:
    planned = plan("publicize", World(), external_user_id="212", shared=True, **ON_SITE_1)
    record = planned.to_result(None)["connection"]
    expected = {
        "id": None,
        "site_id": 1,
        "user_id": 0,
        "keyring_connection_id": 21,
        "keyring_connection_user_id": 1,
        "service": "linkedin",
        "shared": True,
        "external_id": "212",
        "external_name": "club",
        "status": "ok",
        "health": "ok",
        "repair": None,
    }
    assert {key: record[key] for key in expected} == expected
    assert planned.diff.header == "publicize connection on site 1 (linkedin)"


def test_record_of_a_creation_that_is_not_shared_has_the_user() -> None:
    assert plan("publicize", World(), **ON_SITE_1).to_result(None)["connection"]["user_id"] == 1


def test_record_of_the_server_replaces_the_predicted_one() -> None:
    task = run("publicize", World(), **ON_SITE_1)
    assert task.result["connection"]["id"] == 101
    assert "id" not in task.result["diff"]["after"]


@pytest.mark.parametrize(
    ("existing", "lists_sites", "reads", "site_id"),
    [
        ([], True, [FindSites()], 1),
        # A connection on the site tells its ID too.
        ([publicize_connection(60, FOREIGN, 1)], True, [], 1),
        ([], False, [FindSites(), FindSite("blog.example.com")], None),
    ],
)
def test_site_of_a_creation_is_looked_up_by_its_domain_where_no_connection_has_it(
    existing: list[Any], lists_sites: bool, reads: list[Any], site_id: Optional[int]
) -> None:
    asked = World(*existing, lists_sites=lists_sites)
    planned = plan("publicize", asked, site="blog.example.com", service="linkedin")
    assert planned.to_result(None)["connection"]["site_id"] == site_id
    assert [query for query in asked.reads if isinstance(query, (FindSite, FindSites))] == reads


def test_unsupported_service_of_a_keyring_connection_is_refused() -> None:
    twitter = World(keyrings=[keyring_connection(26, "twitter", "ada")])
    refused("publicize", twitter, "unsupported_service", "Twitter is no longer supported", site="1", service="twitter")


# Deletions


@pytest.mark.parametrize("options", [{"id": 50}, {"site": "1", "service": "linkedin"}])
def test_absent_deletes_one_connection_and_shows_what_it_was(options: dict[str, Any]) -> None:
    operation = DeletePublicizeConnection(50, options.get("site"))
    planned = reached("publicize", world(), operation, state="absent", **options)
    result = planned.to_result(None)
    assert result["connection"] is None
    # The keyring connection has another publicize connection.
    assert result["keyring_connection_deleted"] is False
    assert result["diff"]["before"]["id"] == 50
    assert result["diff"]["after"] == {}
    assert planned.warnings == ()


def test_absent_by_id_reads_the_connection_its_owner_and_its_siblings() -> None:
    asked = world()
    plan("publicize", asked, id=50, state="absent")
    assert asked.reads == [
        GetPublicizeConnection(50),
        ListKeyringConnections(),
        ListPublicizeConnections(keyring_connection_id=21),
    ]


@pytest.mark.parametrize("deleted", [True, False])
def test_absent_of_the_last_connection_warns_and_reports_what_becomes_of_the_keyring_connection(deleted: bool) -> None:
    last = World(publicize_connection(50, BLUESKY), responses={GetKeyringConnection(24): None if deleted else BLUESKY})
    checked = run("publicize", last, check_mode=True, id=50, state="absent")
    done = run("publicize", last, id=50, state="absent")
    for task in (checked, done):
        (warning,) = task.warnings
        assert "50 (bluesky: Ada.Bsky on site 1) is the last one of keyring connection 24" in warning
        assert "in a browser only" in warning
    assert "keyring_connection_deleted" not in checked.result
    assert done.result["keyring_connection_deleted"] is deleted


@pytest.mark.parametrize(
    "options",
    [
        {"external_user_id": "212"},
        {"external_user_name": "club"},
        {"reset_external_user": True},
    ],
)
@pytest.mark.parametrize("unique_per", ["account", "external_user"])
def test_absent_leaves_a_connection_with_another_external_user(options: dict[str, Any], unique_per: str) -> None:
    planned = reached("publicize", world(), state="absent", unique_per=unique_per, **ON_SITE_1, **options)
    assert planned.to_result(None)["connection"] is None
    assert planned.diff.header == "publicize connection on site 1"


def test_absent_of_one_of_two_external_users() -> None:
    side_by_side = World(publicize_connection(50, LINKEDIN, 1, SOCIETY), publicize_connection(51, LINKEDIN, 1, CLUB))
    operation = DeletePublicizeConnection(51, "1")
    reached("publicize", side_by_side, operation, state="absent", external_user_id="212", **ON_SITE_1)


@pytest.mark.parametrize(
    "options",
    [
        {"id": 99},
        {"site": "1", "service": "bluesky"},
        {"site": "1", "service": "twitter"},
        {"site": "1", "service": "nonsense"},
        {"site": "1", "keyring_connection_id": 99},
        {"site": "1", "service": "mastodon", "account": "@x"},
    ],
)
def test_what_does_not_exist_is_absent(options: dict[str, Any]) -> None:
    planned = reached("publicize", world(), state="absent", **options)
    result = planned.to_result(None)
    assert result["connection"] is None
    assert result["diff"]["before"] == result["diff"]["after"] == {}


def test_absent_of_a_connection_without_a_keyring_connection_reads_no_siblings() -> None:
    without = World({**publicize_connection(50, LINKEDIN), "keyring_connection_id": None})
    planned = plan("publicize", without, id=50, state="absent")
    assert planned.operations == (DeletePublicizeConnection(50),)
    assert "keyring_connection_deleted" not in planned.to_result(None)


# Connections of other users, and those whose keyring connection is gone


def test_connection_of_another_user_is_in_the_result_of_the_refusal() -> None:
    error = refused("publicize", world(), "not_yours", id=60, site="1", shared=False)
    assert error.result["connection"]["id"] == 60


def test_connection_of_another_user_that_is_as_asked_is_no_error() -> None:
    reached("publicize", world(), id=60, site="1", shared=True)


@pytest.mark.parametrize("keyrings", [(), (MASTODON,)])
def test_own_connection_whose_keyring_connection_is_gone_can_be_deleted_by_id(keyrings: Any) -> None:
    orphan = World(publicize_connection(50, LINKEDIN), keyrings=keyrings)
    planned = plan("publicize", orphan, id=50, state="absent")
    assert planned.operations == (DeletePublicizeConnection(50),)


def test_owner_is_asked_for_where_there_are_no_keyring_connections() -> None:
    theirs = {**publicize_connection(50, LINKEDIN), "keyring_connection_user_id": COLLEAGUE}
    orphan = World(keyrings=(), responses={GetPublicizeConnection(50): theirs})
    refused("publicize", orphan, "not_yours", "another user (2)", id=50, state="absent")
    assert FindAccount() in orphan.reads


def test_owner_that_cannot_be_told_is_another_user() -> None:
    orphan = World(publicize_connection(50, LINKEDIN), keyrings=(), account=None)
    refused("publicize", orphan, "not_yours", id=50, state="absent")


# Health


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"status": "broken"}, ("is broken", "open https://refresh.example/21 in a browser to refresh it")),
        ({"status": "broken", "refresh_url": None}, ("open its refresh_url in a browser",)),
        ({"expires": day(5)}, ("expires soon, at 2026-07-06T12:00:00Z", "to refresh it")),
        ({"status": "invalid"}, ("is broken", "disconnect and reconnect it in a browser")),
        (
            {"status": "must_reauth"},
            ("works, but has to be refreshed", "open https://refresh.example/21 in a browser to refresh it"),
        ),
        (
            {"status": "must_reauth", "expires": day(-1)},
            ("is broken (expiry date: 2026-06-30T12:00:00Z)", "to refresh it"),
        ),
        # What is not known is reported and not called broken.
        (
            {"status": "something-new"},
            ("has the status 'something-new', which this version of the collection does not know", "check it"),
        ),
    ],
)
def test_unhealthy_connection_warns_with_the_account_and_what_to_do(
    changes: dict[str, Any], words: tuple[str, ...]
) -> None:
    unhealthy = World(publicize_connection(50, LINKEDIN, **changes))
    planned = reached("publicize", unhealthy, id=50)
    (warning,) = planned.warnings
    for word in ("publicize connection 50 (linkedin, account 'Ada-L')", *words):
        assert word in warning


def test_creation_with_an_unhealthy_account_warns() -> None:
    planned = plan(
        "publicize",
        World(keyrings=[keyring_connection(24, "bluesky", "ada", status="broken")]),
        site="1",
        service="bluesky",
    )
    (warning,) = planned.warnings
    assert "keyring connection 24 (bluesky, account 'Ada') is broken" in warning
    assert planned.to_result(None)["connection"]["health"] == "broken"


@pytest.mark.parametrize("status", ["ok", None])
def test_healthy_or_untested_connection_does_not_warn(status: Optional[str]) -> None:
    assert plan("publicize", World(publicize_connection(50, LINKEDIN, status=status)), id=50).warnings == ()


# What the server would refuse, which check mode predicts


EXISTING = (publicize_connection(51, FACEBOOK, 1, SHOP), publicize_connection(52, MASTODON, 1, shared=True))


@pytest.mark.parametrize(
    ("capabilities", "options", "missing"),
    [
        ({"edit_others_posts": False}, {"id": 51, "shared": True}, "edit_others_posts"),
        ({"edit_others_posts": False}, {"id": 52, "shared": False}, "edit_others_posts"),
        ({"edit_others_posts": False}, {"site": "1", "service": "linkedin", "shared": True}, "edit_others_posts"),
        ({"publish_posts": False}, {"site": "1", "service": "linkedin"}, "publish_posts"),
        # Only what the task does counts.
        ({"edit_others_posts": False}, {"site": "1", "service": "linkedin"}, None),
        ({"edit_others_posts": False}, {"site": "1", "service": "linkedin", "shared": False}, None),
        ({"publish_posts": False}, {"id": 51, "shared": True}, None),
        ({"publish_posts": False, "edit_others_posts": False}, {"id": 51, "external_user_id": "111"}, None),
        # What is not known is not predicted.
        ({}, {"site": "1", "service": "linkedin", "shared": True}, None),
    ],
)
def test_check_mode_predicts_missing_capabilities(
    capabilities: dict[str, bool], options: dict[str, Any], missing: Optional[str]
) -> None:
    limited = World(
        *EXISTING, sites=[site(1, "blog.example.com", **{**EVERYTHING, **capabilities} if capabilities else {})]
    )
    if missing is None:
        assert plan("publicize", limited, check_mode=True, **options).operations
    else:
        with pytest.raises(WpcomError, match=f"lacks the capability {missing} on site 1") as caught:
            plan("publicize", limited, check_mode=True, **options)
        assert caught.value.code == "authorization_required"
    # A real run leaves it to the server, at no further request.
    limited.reads.clear()
    assert plan("publicize", limited, **options).operations
    assert FindSite("1") not in limited.reads


def test_check_mode_reads_the_site_and_its_connections_together() -> None:
    real, checked = World(*EXISTING), World(*EXISTING)
    plan("publicize", real, cache=LoopCache(), site="1", service="linkedin")
    plan("publicize", checked, cache=LoopCache(check_mode=True), site="1", service="linkedin")
    assert ListSitePublicizeConnections("1") in checked.reads
    assert checked.rounds == real.rounds + 1


def test_check_mode_does_not_predict_where_sites_cannot_be_read() -> None:
    assert plan("publicize", World(lists_sites=False), check_mode=True, shared=True, **ON_SITE_1).operations


def test_check_mode_predicts_a_site_that_refuses_to_be_read() -> None:
    disabled = refusal(400, "publicize_disabled")
    # A loop finds the site in the account's lists, so that a real run learns of it from the write.
    refusing = World(
        publicize_connection(51, FACEBOOK, 1, SHOP), responses={ListSitePublicizeConnections("1"): disabled}
    )
    with pytest.raises(WpcomError, match="publicize_disabled"):
        plan("publicize", refusing, check_mode=True, cache=LoopCache(check_mode=True), **ON_SITE_1)
    assert plan("publicize", refusing, cache=LoopCache(), **ON_SITE_1).operations
