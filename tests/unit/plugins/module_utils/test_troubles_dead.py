# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whole tasks in the world of troubles: connections that look healthy, and through which nothing is posted."""

from __future__ import annotations

from typing import Any

import pytest

TWITTER = {"site": "777", "service": "twitter"}
# Connections to Facebook without a page: the profile itself, null, "", false.
NO_PAGE = [("778", 9010), ("779", 9011), ("784", 9012), ("785", 9013)]
PAGES = '9001 (Salt & Pepper), 9002 (Tom\u2019s "Best")'


def health_of(done: Any, bulk: bool) -> tuple[Any, Any]:
    """Return health and repair of the one connection."""
    shown = done.result["actions"][0] if bulk else done.result["connection"]
    return shown["health"], shown["repair"]


# Services that are no longer supported


@pytest.mark.parametrize("bulk", [False, True])
@pytest.mark.parametrize("how", [TWITTER, {"id": 9030}, {"site": "777", "keyring_connection_id": 530}])
@pytest.mark.parametrize("change", [{"shared": True}, {"external_user_id": "7"}])
def test_a_connection_of_an_unsupported_service_is_not_changed(
    troubles: Any, bulk: bool, how: dict[str, Any], change: dict[str, Any]
) -> None:
    message = troubles.refuse(troubles.either, {**how, **change}, bulk=bulk)
    assert "no longer supported" in message
    assert "set state to absent" in message


@pytest.mark.parametrize("bulk", [False, True])
def test_no_connection_to_an_unsupported_service_is_created(troubles: Any, bulk: bool) -> None:
    message = troubles.refuse(troubles.either, {"site": "888", "service": "twitter"}, bulk=bulk)
    assert "no longer supported" in message


@pytest.mark.parametrize("bulk", [False, True])
@pytest.mark.parametrize("how", [TWITTER, {"site": "777", "keyring_connection_id": 530}, {**TWITTER, "shared": False}])
def test_present_warns_of_an_unsupported_service(troubles: Any, bulk: bool, how: dict[str, Any]) -> None:
    done = troubles.succeed(troubles.either, how, bulk=bulk)
    assert done.result["changed"] is False
    assert health_of(done, bulk) == ("broken", "remove")
    warning = done.warnings[0]
    assert "no longer supports" in warning
    assert "set state to absent" in warning


@pytest.mark.parametrize("bulk", [False, True])
@pytest.mark.parametrize("how", [TWITTER, {"site": "777", "keyring_connection_id": 530}])
def test_absent_promises_no_new_connection(troubles: Any, bulk: bool, how: dict[str, Any]) -> None:
    done = troubles.succeed(troubles.either, {**how, "state": "absent"}, bulk=bulk)
    assert done.result["changed"]
    assert troubles.ids(ID=9030) == []
    (warning,) = [warning for warning in done.warnings if "last" in warning]
    assert "connected again" not in warning
    supported = troubles.either({"site": "777", "service": "mastodon", "account": "5051", "state": "absent"}, bulk=bulk)
    assert [warning for warning in supported.warnings if "connected again" in warning]


def test_the_keyring_connection_of_an_unsupported_service(troubles: Any) -> None:
    found = troubles.run("info", gather=["keyring"], keyring_connection_id=530).result["keyring_connections"]
    assert [(row["health"], row["repair"]) for row in found] == [("broken", "remove")]
    done = troubles.succeed(troubles.run, "keyring", service="twitter", state="absent", cascade=True)
    assert done.result["changed"]
    assert troubles.ids(ID=9030) == []


# No page


@pytest.mark.parametrize("bulk", [False, True])
@pytest.mark.parametrize(("site", "number"), NO_PAGE)
def test_a_connection_without_page_warns_and_lists_the_pages(troubles: Any, bulk: bool, site: str, number: int) -> None:
    done = troubles.succeed(troubles.either, {"site": site, "service": "facebook"}, bulk=bulk)
    assert done.result["changed"] is False
    assert health_of(done, bulk) == ("broken", "choose_external_user")
    (warning,) = done.warnings
    assert str(number) in warning
    assert PAGES in warning


@pytest.mark.parametrize("bulk", [False, True])
@pytest.mark.parametrize(("site", "number"), NO_PAGE)
@pytest.mark.parametrize("change", [{"shared": True}, {"reset_external_user": True}])
@pytest.mark.parametrize("by_id", [False, True])
def test_a_connection_without_page_is_not_shared_or_reset(
    troubles: Any, bulk: bool, site: str, number: int, change: dict[str, Any], by_id: bool
) -> None:
    how = {"id": number} if by_id else {"site": site, "service": "facebook"}
    message = troubles.refuse(troubles.either, {**how, **change}, bulk=bulk)
    assert PAGES in message


@pytest.mark.parametrize("bulk", [False, True])
@pytest.mark.parametrize(("site", "number"), NO_PAGE)
@pytest.mark.parametrize("change", [{"external_user_id": "9002"}, {"external_user_name": "Salt & Pepper"}])
@pytest.mark.parametrize("by_id", [False, True])
def test_naming_a_page_repairs(
    troubles: Any, bulk: bool, site: str, number: int, change: dict[str, Any], by_id: bool
) -> None:
    how = {"id": number} if by_id else {"site": site, "service": "facebook"}
    done = troubles.succeed(troubles.either, {**how, **change, "shared": True}, bulk=bulk)
    assert done.result["changed"]
    assert health_of(done, bulk) == ("ok", None)
    assert done.warnings == []


@pytest.mark.parametrize("bulk", [False, True])
@pytest.mark.parametrize(("site", "number"), NO_PAGE)
def test_a_connection_without_page_can_be_deleted(troubles: Any, bulk: bool, site: str, number: int) -> None:
    task = {"site": site, "service": "facebook", "state": "absent"}
    assert troubles.succeed(troubles.either, task, bulk=bulk).result["changed"]
    assert troubles.ids(ID=number) == []


@pytest.mark.parametrize("bulk", [False, True])
def test_a_page_is_not_reset_to_the_profile(troubles: Any, bulk: bool) -> None:
    task = {"site": "777", "service": "facebook", "reset_external_user": True}
    assert PAGES in troubles.refuse(troubles.either, task, bulk=bulk)


@pytest.mark.parametrize(("site", "number"), NO_PAGE)
def test_by_id_alone_nothing_more_is_read(troubles: Any, site: str, number: int) -> None:
    """What only the service tells is told where the service is read anyway."""
    done = troubles.run("publicize", id=number)
    assert not done.failed
    assert troubles.requests == [f"GET /me/publicize-connections/{number}"]


# No pages at all


@pytest.mark.parametrize("bulk", [False, True])
@pytest.mark.parametrize("pages", [[], None, "absent"])
@pytest.mark.parametrize("options", [{}, {"external_user_id": "12"}, {"external_user_name": "Acme"}])
def test_no_pages_are_refetched_once_and_the_reason_is_given(
    troubles: Any, bulk: bool, pages: Any, options: dict[str, Any]
) -> None:
    troubles.begin(keyring_connections=[{"ID": 510, "additional_external_users": pages}])
    message = troubles.refuse(troubles.either, {"site": "888", "service": "instagram-business", **options}, bulk=bulk)
    assert "no_linked_accounts" in message
    assert "refresh=1" in message
    assert "none" not in message
    refetches = [
        request for request in troubles.simulator.requests() if "force_external_users_refetch" in request["query"]
    ]
    assert len(refetches) == 1


@pytest.mark.parametrize("bulk", [False, True])
def test_no_pages_without_a_reason(troubles: Any, bulk: bool) -> None:
    troubles.begin(keyring_connections=[{"ID": 501, "additional_external_users": "absent"}])
    message = troubles.refuse(troubles.either, {"site": "888", "service": "facebook"}, bulk=bulk)
    assert "has no external users" in message
    assert "reason" not in message
    assert "None" not in message


@pytest.mark.parametrize("bulk", [False, True])
def test_a_page_that_only_a_refetch_shows(troubles: Any, bulk: bool) -> None:
    troubles.begin(
        keyring_connections=[
            {
                "ID": 510,
                "additional_external_users": None,
                "external_users_after_refetch": [{"external_ID": "77", "external_name": "New"}],
            }
        ]
    )
    task = {"site": "888", "service": "instagram-business", "external_user_name": "New"}
    assert troubles.succeed(troubles.either, task, bulk=bulk).result["changed"]


# Not for publishing


def test_a_keyring_connection_of_another_type_is_in_use_on_sites(troubles: Any) -> None:
    message = troubles.refuse(troubles.run, "keyring", id=515, state="absent")
    assert "in use on site 777" in message
    assert "888" in message
    assert "publicize connection" not in message
    named = troubles.refuse(troubles.run, "keyring", service="google_photos", state="absent")
    assert named == message
    done = troubles.succeed(troubles.run, "keyring", id=515, state="absent", cascade=True)
    assert done.result["changed"]
    assert all("in use on site" in warning for warning in done.warnings)
    assert "publicize connection" not in str(done.warnings)
    assert [row["ID"] for row in troubles.simulator.state()["keyring_connections"] if row["ID"] == 515] == []


@pytest.mark.parametrize("bulk", [False, True])
def test_a_keyring_connection_of_another_type_does_not_publish(troubles: Any, bulk: bool) -> None:
    message = troubles.refuse(troubles.either, {"site": "888", "keyring_connection_id": 515}, bulk=bulk)
    assert "does not support publishing" in message
