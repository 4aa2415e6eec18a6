# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whole tasks in the world of troubles: whose a connection is, and which one the options mean."""

from __future__ import annotations

from typing import Any

import pytest

# A world in which only one Tumblr account is connected, and the orphan was made with another one.
ONE_TUMBLR = {"delete": {"keyring_connections": [520]}}
ORPHAN = "9050 (tumblr: old on site 777)"


# Orphans


@pytest.mark.parametrize("bulk", [False, True])
@pytest.mark.parametrize(
    "options",
    [
        {"service": "tumblr"},
        {"service": "tumblr", "account": "old"},
        {"service": "tumblr", "keyring_connection_id": 599},
        {"keyring_connection_id": 599},
    ],
)
def test_absent_deletes_an_orphan(troubles: Any, bulk: bool, options: dict[str, Any]) -> None:
    """It was reported as absent while it went on posting."""
    troubles.begin(**ONE_TUMBLR)
    task = {"site": "777", **options, "state": "absent"}
    done = troubles.succeed(troubles.either, task, bulk=bulk)
    assert done.result["changed"]
    assert troubles.ids(ID=9050) == []
    assert troubles.ids(ID=9051) == [9051]
    # There is no keyring connection that would go with it.
    assert done.warnings == []
    assert "keyring_connection_deleted" not in done.result


@pytest.mark.parametrize("bulk", [False, True])
def test_absent_deletes_an_orphan_by_id(troubles: Any, bulk: bool) -> None:
    done = troubles.succeed(troubles.either, {"id": 9050, "state": "absent"}, bulk=bulk)
    assert done.result["changed"]
    assert done.warnings == []


@pytest.mark.parametrize("bulk", [False, True])
@pytest.mark.parametrize("account", ["theirs", "someone"])
def test_the_orphan_of_a_colleague_is_not_mine(troubles: Any, bulk: bool, account: str) -> None:
    task = {"site": "777", "service": "tumblr", "account": account, "state": "absent"}
    assert troubles.succeed(troubles.either, task, bulk=bulk).result["changed"] is False
    assert troubles.ids(ID=9051) == [9051]


@pytest.mark.parametrize("bulk", [False, True])
def test_an_orphan_beside_a_living_connection_is_ambiguous(troubles: Any, bulk: bool) -> None:
    troubles.begin(**ONE_TUMBLR, publicize_connections=[{"ID": 9070, "site_ID": 777, "keyring_connection_ID": 502}])
    message = troubles.refuse(troubles.either, {"site": "777", "service": "tumblr", "state": "absent"}, bulk=bulk)
    assert "9050 (tumblr: old, external ID old, on site 777)" in message
    assert "9070 (tumblr: acme, external ID acme, on site 777)" in message


@pytest.mark.parametrize("bulk", [False, True])
@pytest.mark.parametrize(
    "options", [{"keyring_connection_id": 502}, {"service": "tumblr"}, {"service": "tumblr", "account": "acme"}]
)
def test_present_warns_of_the_orphan_beside_it(troubles: Any, bulk: bool, options: dict[str, Any]) -> None:
    """A new connection beside it was created silently, and each post appeared twice."""
    troubles.begin(**ONE_TUMBLR)
    for _run in ("created", "unchanged"):
        done = troubles.either({"site": "777", **options}, bulk=bulk)
        assert not done.failed, done.result
        (warning,) = done.warnings
        assert ORPHAN in warning
        assert "keyring connection 599 no longer exists" in warning
    assert len(troubles.ids(site_ID=777, keyring_connection_ID=502)) == 1


@pytest.mark.parametrize("bulk", [False, True])
@pytest.mark.parametrize("options", [{"service": "tumblr", "account": "old"}, {"keyring_connection_id": 599}])
def test_present_names_the_orphan_where_the_keyring_connection_is_missing(
    troubles: Any, bulk: bool, options: dict[str, Any]
) -> None:
    troubles.begin(**ONE_TUMBLR)
    message = troubles.refuse(troubles.either, {"site": "777", **options}, bulk=bulk)
    assert ORPHAN in message
    assert "set state to absent and id to 9050" in message


def test_other_services_are_not_warned_of_the_orphan(troubles: Any) -> None:
    done = troubles.succeed(troubles.run, "publicize", site="777", service="mastodon", account="5051")
    assert done.warnings == []


def test_a_purge_deletes_my_orphan_only(troubles: Any) -> None:
    entry = {"site": "777", "service": "facebook", "external_user_id": "9001"}
    troubles.succeed(troubles.bulk, entry, purge="listed")
    assert troubles.ids(site_ID=777) == [9003, 9051, 9060]


# Mine


@pytest.mark.parametrize("form", ["present", "zero", "absent"])
@pytest.mark.parametrize("bulk", [False, True])
def test_the_connection_of_a_colleague_is_never_deleted(troubles: Any, form: str, bulk: bool) -> None:
    """His keyring connection is in my list, and the first one there; also where mine do not show their user."""
    troubles.begin({"keyring_user_id": form})
    message = troubles.refuse(
        troubles.either, {"site": "777", "keyring_connection_id": 450, "state": "absent"}, bulk=bulk
    )
    assert "owned by another user" in message
    assert troubles.ids(ID=9060) == [9060]


@pytest.mark.parametrize("form", ["present", "zero", "absent"])
@pytest.mark.parametrize("bulk", [False, True])
@pytest.mark.parametrize(
    "options", [{"keyring_connection_id": 450}, {"service": "mastodon", "account": "@colleague@mastodon.example"}]
)
def test_nothing_is_created_with_the_keyring_connection_of_a_colleague(
    troubles: Any, form: str, bulk: bool, options: dict[str, Any]
) -> None:
    troubles.begin({"keyring_user_id": form})
    words = "owned by another user" if "keyring_connection_id" in options else "not found"
    assert words in troubles.refuse(troubles.either, {"site": "888", **options}, bulk=bulk)


@pytest.mark.parametrize("form", ["present", "zero", "absent"])
@pytest.mark.parametrize("state", ["present", "absent"])
def test_the_keyring_connection_of_a_colleague_is_never_meant(troubles: Any, form: str, state: str) -> None:
    troubles.begin({"keyring_user_id": form})
    task = {"state": state, "cascade": True}
    assert "owned by another user" in troubles.refuse(troubles.run, "keyring", id=450, **task)
    named = {"service": "mastodon", "account": "@colleague@mastodon.example", **task}
    if state == "absent":
        assert troubles.succeed(troubles.run, "keyring", **named).result["changed"] is False
    else:
        message = troubles.refuse(troubles.run, "keyring", **named)
        assert "450" not in message.replace("5061", "").split("not found")[1]
    assert troubles.ids("keyring_connections", ID=450) == [450]


@pytest.mark.parametrize("form", ["present", "zero", "absent"])
def test_a_purge_leaves_the_connection_of_a_colleague(troubles: Any, form: str) -> None:
    troubles.begin({"keyring_user_id": form})
    entry = {"site": "777", "service": "facebook", "external_user_id": "9001"}
    done = troubles.succeed(troubles.bulk, entry, purge="listed")
    assert 9060 not in [action["id"] for action in done.result["actions"]]
    assert troubles.ids(ID=9060) == [9060]


def test_who_i_am_is_read_only_where_it_has_to_be(troubles: Any) -> None:
    """In a world without colleagues and orphans nothing decides it."""
    task = {"site": "888", "service": "threads"}
    troubles.run("publicize", **task, check_mode=True)
    assert "GET /me" in troubles.requests
    troubles.begin(delete={"keyring_connections": [450], "publicize_connections": [9060, 9051, 9050]})
    troubles.run("publicize", **task)
    assert "GET /me" not in troubles.requests


def test_where_it_cannot_be_read_who_i_am_nothing_is_guessed(troubles: Any) -> None:
    troubles.begin(tokens=[{"token": "sim-token", "user_ID": 100, "scope": "sharing", "client_ID": 50001}])
    for task in ({"state": "absent"}, {"state": "present"}):
        message = troubles.refuse(troubles.run, "publicize", site="777", keyring_connection_id=450, **task)
        assert "which user it belongs to" in message


# Twins


@pytest.mark.parametrize("bulk", [False, True])
def test_a_twin_is_named(troubles: Any, bulk: bool) -> None:
    """The same account by two keyring connections makes every post appear twice."""
    task = {"site": "779", "keyring_connection_id": 502}
    done = troubles.succeed(troubles.either, task, bulk=bulk)
    (warning,) = done.warnings
    assert "9026 (tumblr: acme on site 779)" in warning
    assert "keyring connection 520" in warning
    assert "twice" in warning
    # It is named as long as there are two.
    (warning,) = troubles.either(task, bulk=bulk).warnings
    assert "9026" in warning
    assert troubles.either({**task, "keyring_connection_id": 520}, bulk=bulk).warnings
    assert not troubles.either({**task, "state": "absent"}, bulk=bulk).failed
    assert troubles.either({**task, "keyring_connection_id": 520}, bulk=bulk).warnings == []


def test_twins_that_a_list_creates_together(troubles: Any) -> None:
    entries = [{"site": "888", "keyring_connection_id": number} for number in (502, 520)]
    done = troubles.succeed(troubles.bulk, *entries)
    assert len([warning for warning in done.warnings if "twice" in warning]) == 1


def test_another_site_or_another_page_is_no_twin(troubles: Any) -> None:
    assert troubles.succeed(troubles.run, "publicize", site="888", keyring_connection_id=502).warnings == []
    task = {"site": "777", "service": "facebook", "external_user_id": "9002", "unique_per": "external_user"}
    assert troubles.succeed(troubles.run, "publicize", **task).warnings == []


# Candidates


@pytest.mark.parametrize("options", [{}, {"account": "Acme"}])
def test_candidates_that_read_alike_are_told_apart(troubles: Any, options: dict[str, Any]) -> None:
    task = {"service": "mastodon", **options}
    messages = [
        troubles.refuse(troubles.run, "keyring", **task),
        *(troubles.refuse(troubles.either, {"site": "888", **task}, bulk=bulk) for bulk in (False, True)),
    ]
    for message in messages:
        assert "505 (mastodon: Acme, name @acme@mastodon.example, external ID 5051)" in message
        assert "506 (mastodon: Acme, name @acme@social.example, external ID 5061)" in message
        assert "450" not in message


@pytest.mark.parametrize("bulk", [False, True])
def test_twins_as_candidates_are_told_apart_by_id(troubles: Any, bulk: bool) -> None:
    message = troubles.refuse(troubles.either, {"site": "888", "service": "tumblr"}, bulk=bulk)
    assert "502 (tumblr: acme, external ID acme)" in message
    assert "520 (tumblr: acme, external ID acme)" in message


@pytest.mark.parametrize("bulk", [False, True])
def test_pages_that_read_alike_are_told_apart(troubles: Any, bulk: bool) -> None:
    pages = [{"external_ID": number, "external_name": "Acme"} for number in ("9001", "9002")]
    troubles.begin(keyring_connections=[{"ID": 501, "additional_external_users": pages}])
    task = {"site": "888", "service": "facebook", "external_user_name": "Acme"}
    message = troubles.refuse(troubles.either, task, bulk=bulk)
    assert "Acme, external ID 9001" in message
    assert "Acme, external ID 9002" in message


def test_connections_of_one_account_are_told_apart(troubles: Any) -> None:
    troubles.begin(
        publicize_connections=[
            {"ID": 9071, "site_ID": 777, "keyring_connection_ID": 501, "external_user_ID": "9002"},
        ]
    )
    message = troubles.refuse(troubles.run, "publicize", site="777", service="facebook")
    assert "9003 (facebook: Salt & Pepper, external ID 9001, on site 777)" in message
    assert '9071 (facebook: Tom\u2019s "Best", external ID 9002, on site 777)' in message
