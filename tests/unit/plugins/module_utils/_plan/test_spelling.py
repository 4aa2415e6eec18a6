# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Names as people type them: escaped for HTML by the API, or with characters that cannot be encoded."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ansible_collections.community.wpcom.plugins.module_utils._operations import (
    DeleteConnectedApplication,
    DeletePublicizeConnection,
    UpdatePublicizeConnection,
)
from ansible_collections.community.wpcom.plugins.module_utils._records.record import clean
from ansible_collections.community.wpcom.tests.unit.builders import (
    application,
    created,
    external_user,
    keyring_connection,
    plan,
    publicize_connection,
    reached,
    refused,
    run,
)
from ansible_collections.community.wpcom.tests.unit.reported import as_list, reported

ESCAPED_PAGE = external_user("9001", "Tom &amp; Jerry&#8217;s")
ACCOUNT = keyring_connection(502, "tumblr", "a&amp;b", ESCAPED_PAGE, external_display="A &amp; B&#039;s")
OTHER = keyring_connection(504, "tumblr", "other")
KEYRINGS = (ACCOUNT, OTHER)
SPELLINGS = ["a&b", "a&amp;b", "A & B's", "A &amp; B&#039;s", "A &#38; B's"]


@pytest.mark.parametrize("account", SPELLINGS)
@pytest.mark.parametrize("kind", ["publicize", "bulk"])
def test_account_is_found_by_the_name_that_people_see_and_by_that_of_the_api(kind: str, account: str) -> None:
    world = reported(keyrings=KEYRINGS)
    entry = {"site": "777", "service": "tumblr", "account": account}
    reached(kind, world, created(ACCOUNT, site="777"), **(as_list(entry) if kind == "bulk" else entry))
    # Records stay as the API has them.
    (record,) = run("info", world, gather=["publicize"]).result["publicize_connections"]
    assert record["external_display"] == "A &amp; B&#039;s"


@pytest.mark.parametrize("account", SPELLINGS)
def test_keyring_connection_is_found_in_either_spelling(account: str) -> None:
    planned = plan("keyring", reported(keyrings=KEYRINGS), service="tumblr", account=account)
    assert planned.to_result(None)["connection"]["id"] == 502
    assert planned.diff.header == "keyring connection 502 (tumblr: A & B's)"


@pytest.mark.parametrize("name", ["Tom & Jerry\u2019s", "Tom &amp; Jerry&#8217;s", "Tom &amp; Jerry\u2019s"])
@pytest.mark.parametrize("kind", ["publicize", "bulk"])
def test_external_user_is_found_in_either_spelling(kind: str, name: str) -> None:
    world = reported(publicize_connection(9051, ACCOUNT, 777), keyrings=KEYRINGS)
    entry = {"site": "777", "keyring_connection_id": 502, "external_user_name": name}
    operation = UpdatePublicizeConnection(9051, "777", external_id="9001")
    reached(kind, world, operation, **(as_list(entry) if kind == "bulk" else entry))
    gone = {**entry, "state": "absent"}
    operation_gone = DeletePublicizeConnection(9051, "777")
    reached(kind, world, operation_gone, **(as_list(gone) if kind == "bulk" else gone))


def test_connection_by_id_is_known_by_its_decoded_name() -> None:
    world = reported(publicize_connection(9051, ACCOUNT, 777, ESCAPED_PAGE), keyrings=KEYRINGS)
    reached("publicize", world, id=9051, external_user_name="Tom & Jerry\u2019s")


def test_exact_name_wins_over_the_decoded_one() -> None:
    plain = keyring_connection(506, "tumblr", "a&b")
    world = reported(keyrings=[ACCOUNT, plain])
    assert plan("keyring", world, service="tumblr", account="a&b").to_result(None)["connection"]["id"] == 506
    assert plan("keyring", world, service="tumblr", account="a&amp;b").to_result(None)["connection"]["id"] == 502


@pytest.mark.parametrize(
    ("title", "ids"), [("Q & A", [71]), ("Q &amp; A", [70]), ("Q &#38; A", [70, 71]), ("R & D", [72])]
)
def test_application_is_found_in_either_spelling(title: str, ids: list[int]) -> None:
    found = [application(70, "Q &amp; A"), application(71, "Q & A"), application(72, "R &amp; D")]
    world = reported(applications=[*found, application(79, "Ansible", scope="users")])
    world.account = {**(world.account or {}), "token_scope": ["users"]}
    # Not a second run: where the exact one is gone, the other one has the name.
    planned = plan("application", world, title=title, state="absent")
    assert planned.operations == tuple(DeleteConnectedApplication(number) for number in ids)


def test_messages_show_names_decoded() -> None:
    told = ("Tom & Jerry\u2019s", "502 (tumblr: A & B's")
    entry = {"site": "777", "keyring_connection_id": 502, "external_user_id": "9"}
    for kind, code in (("publicize", "unknown_external_user"), ("bulk", "invalid_connections")):
        error = refused(kind, reported(keyrings=KEYRINGS), code, *told, **(as_list(entry) if kind == "bulk" else entry))
        assert "&amp;" not in error.message
    twins = reported(applications=[application(70, "Q &amp; A")])
    refused("application", twins, "token_in_use", "70 (Q & A)", title="Q & A", state="absent")


# Half of a surrogate pair, as the API cuts long names


@pytest.mark.parametrize(
    ("value", "cleaned"),
    [
        ("Acme \ud83d", "Acme \ufffd"),
        ("\ude00 Acme", "\ufffd Acme"),
        ("Acme \U0001f600", "Acme \U0001f600"),
        ({"k\ud83d": ["\ud83d", {"x": "\udc00"}]}, {"k\ufffd": ["\ufffd", {"x": "\ufffd"}]}),
        (("\ud83d", 1, None, True), ["\ufffd", 1, None, True]),
    ],
)
def test_text_that_cannot_be_encoded_is_replaced_at_any_depth(value: Any, cleaned: Any) -> None:
    assert clean(value) == cleaned
    json.dumps(clean(value), ensure_ascii=False).encode()


@pytest.mark.parametrize("kind", ["publicize", "bulk", "keyring"])
def test_name_is_compared_after_the_same_replacement(kind: str) -> None:
    cut = keyring_connection(502, "tumblr", "Acme \ufffd", external_display=None)
    for typed in ("Acme \ud83d", "Acme \ufffd"):
        world = reported(publicize_connection(9051, cut, 777), keyrings=[cut, OTHER])
        entry = {"service": "tumblr", "account": typed, **({} if kind == "keyring" else {"site": "777"})}
        task = run(kind, world, **(as_list(entry) if kind == "bulk" else entry))
        assert (task.failed, task.result["changed"]) == (False, False), task.result
        json.dumps(task.result, ensure_ascii=False).encode()


def test_title_is_compared_after_the_same_replacement() -> None:
    world = reported(applications=[application(70, "Acme \ufffd", scope="users"), application(71, "Ansible")])
    task = run("application", world, title="Acme \ud83d", state="absent")
    assert (task.failed, task.result["changed"]) == (False, True), task.result
    assert set(world.applications) == {71}


def test_message_about_what_was_typed_can_be_encoded() -> None:
    task = run("keyring", reported(keyrings=KEYRINGS), service="tumblr", account="x\ud83d")
    assert task.failed
    task.result["msg"].encode()
