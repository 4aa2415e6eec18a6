# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The report holds nothing of the user, whatever the responses hold."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.community.wpcom.plugins.module_utils._api.diagnostics import RawResponse
from ansible_collections.community.wpcom.plugins.module_utils._plan import diagnosis_report
from ansible_collections.community.wpcom.plugins.module_utils._plan.diagnosis import SOURCES
from ansible_collections.community.wpcom.plugins.module_utils._plan.diagnosis_report import Taint
from ansible_collections.community.wpcom.tests.simulator import TROUBLES_WORLD, Simulator
from ansible_collections.community.wpcom.tests.unit.plugins.module_utils._plan.test_diagnosis_checks import (
    ACCOUNT,
    KEYRING,
    PUBLICIZE,
    changed,
    diagnose,
)
from ansible_collections.community.wpcom.tests.unit.support import TOKEN, examples, run

# Long enough not to be in the report by chance.
NAMES = st.text("abcdefghijklmnopqrstuvwxyzABCDE_ .@'&-", min_size=6, max_size=20).map(
    lambda text: f"qz{text.strip()}zq"
)
NUMBERS = st.integers(10**7, 10**9)
TOKENS = st.text("abcdefABCDEF0123456789!@#$%^&*()", min_size=20, max_size=40)


@st.composite
def records(draw: Any, base: dict[str, Any], secrets: list[str]) -> dict[str, Any]:
    """Draw a record full of what the user has: as values, as keys, and as keys of what is in it."""

    def secret(strategy: Any) -> Any:
        value = draw(strategy)
        secrets.append(str(value))
        return value

    name = secret(NAMES)
    record = {**base, "ID": secret(NUMBERS), "external_name": name, "external_ID": str(secret(NUMBERS))}
    record["external_display"] = secret(NAMES)
    record["refresh_URL"] = f"https://refresh.example/?nonce={secret(TOKENS)}"
    for key in ("user_ID", "site_ID", "keyring_connection_ID", "primary_blog", "token_site_id", "token_client_id"):
        if key in base:
            record[key] = secret(NUMBERS)
    for place in draw(
        st.sets(st.sampled_from(["key", "number", "map", "status", "label", "users", "type"]), max_size=4)
    ):
        if place == "key":
            record[name] = 1
        elif place == "number":
            record[str(secret(NUMBERS))] = {"x": secret(NAMES)}
        elif place == "map":
            record["by_user"] = {secret(NAMES): [secret(TOKENS)]}
        elif place == "users":
            record["additional_external_users"] = [{"external_ID": secret(TOKENS), "external_name": name, name: name}]
        else:
            record[place] = name
    return record


@st.composite
def accounts(draw: Any) -> tuple[dict[str, Any], list[str]]:
    """Draw the documents of an account, and what must not be in the report."""
    secrets: list[str] = []
    lists = {
        "publicize_connections": {
            "connections": [draw(records(PUBLICIZE, secrets)) for _row in range(draw(st.integers(0, 3)))]
        },
        "keyring_connections": {
            "connections": [draw(records(KEYRING, secrets)) for _row in range(draw(st.integers(0, 3)))]
        },
        "account": draw(records(ACCOUNT, secrets)),
        "sites": {"sites": [draw(records({"URL": "https://x.example"}, secrets))]},
    }
    service = draw(NAMES)
    lists["external_services"] = {"services": {service: {"ID": service, "label": service, service: service}}}
    return lists, [*secrets, service]


@given(accounts())
@settings(max_examples=examples(40))
def test_nothing_of_the_user_is_in_the_report(account: tuple[dict[str, Any], list[str]]) -> None:
    documents, secrets = account
    environment = changed(host="host-of-ada.example", proxy="proxy-of-ada.example:3128", resolution_error="ada")
    _checks, report = diagnose(environment=environment, **documents)
    text = json.dumps(report)
    for secret in (*secrets, "ada", "example", "https://"):
        assert secret not in text
        assert json.dumps(secret)[1:-1] not in text
    assert report["wire"]["keyring_connections"]["entries"] == len(documents["keyring_connections"]["connections"])


@pytest.mark.parametrize("world", [None, TROUBLES_WORLD])
def test_nothing_of_a_world_is_in_the_report(simulator: Simulator, world: Any) -> None:
    simulator.reset(world)
    report = run("diagnostics", simulator.url).result["report"]
    text = json.dumps(report)
    state = simulator.state()
    private = {
        str(value)
        for section, keys in {
            "users": ("ID", "username", "display_name", "email"),
            "sites": ("ID", "name", "slug"),
            "keyring_connections": ("ID", "external_ID", "external_name", "external_display"),
            "publicize_connections": ("ID",),
            "applications": ("ID", "title", "description", "URL"),
        }.items()
        for row in state[section]
        for value in map(row.get, keys)
        # Short ones are part of the words of the report.
        if value and len(str(value)) > 3
    }
    assert len(private) > 40
    assert not [value for value in private if f'"{value}' in text or f" {value}" in text]
    assert TOKEN not in text
    assert simulator.url not in text
    assert "nonce" not in text


def test_key_that_the_collection_does_not_know_is_named_only_if_it_is_a_programmers(simulator: Simulator) -> None:
    given = {"is_premium": 1, "by_4711": 2, "ada": 3, "Ada Lovelace": 4, "x" * 41: 5, "lovelace": 6}
    connections = [{**PUBLICIZE, **given, "external_display": "Ada Lovelace"}, {**PUBLICIZE, **given, "only_once": 1}]
    connections.append({**PUBLICIZE, **given})
    _checks, report = diagnose(publicize_connections={"connections": connections})
    found = report["wire"]["publicize_connections"]
    assert found["unknown"] == {"is_premium": 3}
    assert found["unnamed_keys"] == 6
    # Within what is known, as well; and a dot in a key leads nowhere.
    user = {"external_ID": "1", "external_name": "Ada", "is_new": 1, "ada": 2, "a.is_premium": 3}
    _checks, report = diagnose(keyring_connections={"connections": [{**KEYRING, "additional_external_users": [user]}]})
    found = report["wire"]["keyring_connections"]
    assert found["unknown"] == {"additional_external_users.is_new": 1}
    assert found["unnamed_keys"] == 2
    _checks, report = diagnose(
        publicize_connections={
            "connections": [{**PUBLICIZE, "status": status} for status in ("on_hold", "Ada 4711", "ada")]
        }
    )
    found = report["wire"]["publicize_connections"]
    assert (found["unknown_statuses"], found["unnamed_statuses"]) == ({"on_hold": 1}, 2)


def test_code_and_texts_of_an_error_are_not_in_the_report() -> None:
    refused = RawResponse(
        status=418, failure="refusal", code="ada_is_not_here", message="Ada is not here", document={"error": "x"}
    )
    _checks, report = diagnose({"/me/sites": refused})
    assert "ada_is" not in json.dumps(report)
    assert "Ada" not in json.dumps(report)
    check = next(check for check in report["checks"] if check["name"] == "wire_sites")
    assert (check["http_status"], check["code"], check["failure"]) == (418, "other", "refusal")


@pytest.mark.parametrize(
    ("code", "shown"),
    [
        *((code, code) for code in ("invalid_option", "invalid_grant", "no_response", "unexpected_response")),
        ("token_not_refreshed", "token_not_refreshed"),
        ("ada_is_not_here", "other"),
    ],
)
def test_code_of_a_token_that_cannot_be_used_is_in_the_report(code: str, shown: str) -> None:
    rule = diagnosis_report._CODES
    assert rule(code) == shown


@pytest.mark.parametrize(
    ("rule", "value"),
    [
        (diagnosis_report.number, "4711"),
        (diagnosis_report.number, True),
        (diagnosis_report.number, 10**12),
        (diagnosis_report.flag, "true"),
        (diagnosis_report.version, "ada"),
        (diagnosis_report.version, 3),
        (diagnosis_report.one_of(("ok",)), 5),
        (diagnosis_report.each(diagnosis_report.number), {"ada": 1}),
        (diagnosis_report.counted(diagnosis_report.one_of(("ok",))), ["ada"]),
        (diagnosis_report.fields({"a": diagnosis_report.number}), ["ada"]),
    ],
)
def test_value_of_another_kind_is_not_allowed(rule: Any, value: Any) -> None:
    with pytest.raises(diagnosis_report.NotAllowedError):
        rule(value)


def test_rules_drop_what_they_do_not_allow() -> None:
    rule = diagnosis_report.fields(
        {"count": diagnosis_report.number, "list": diagnosis_report.each(diagnosis_report.flag)}
    )
    assert rule({"count": "ada", "list": [True, "ada"], "name": "ada"}) == {"list": [True]}
    assert diagnosis_report.one_of(("ok",))("ada") == "other"
    assert diagnosis_report.optional(diagnosis_report.number)(None) is None


@pytest.mark.parametrize(
    ("text", "name", "held"),
    [
        ("Ada Lovelace", "ada", True),
        ("Ada Lovelace", "adalovelace", True),
        ("Ada Lovelace", "ada_lovelace", True),
        ("Ada Lovelace", "is_premium", False),
        ("ada@example.com", "example", True),
        ("", "ada", False),
    ],
)
def test_name_that_is_in_a_text(text: str, name: str, held: bool) -> None:
    assert Taint([{"a": [{"b": text}], "status": "is_premium"}]).holds(name) is held


def test_report_has_every_check_with_its_facts() -> None:
    checks, report = diagnose(publicize_connections={"connections": 5})
    found = {check["name"]: set(check) - {"name", "status", "seconds"} for check in report["checks"]}
    assert list(found) == list(checks)
    of_list = {"http_status", "code", "failure"}
    assert {name: facts for name, facts in found.items() if facts and not name.startswith("uncertainty_")} == {
        "clock": {"skew"},
        "reachability": {"http_status", "failure"},
        "latency": {"responses", "median", "longest"},
        "token": {"http_status", "code"},
        "scope": {"refused", "is_global"},
        "site_binding": {"is_bound"},
        **{f"wire_{name}": of_list for name in SOURCES},
        "wire_publicize_connections": {*of_list, "form"},
    }


def test_key_is_named_where_half_of_the_entries_with_an_id_have_it() -> None:
    connections = [{**PUBLICIZE, "premium": 1}, {**PUBLICIZE, "ID": 5002, "premium": 1}, *[{"meta": {}}] * 9]
    _checks, report = diagnose(publicize_connections={"connections": connections})
    found = report["wire"]["publicize_connections"]
    assert (found["entries"], found["without_id"], found["unknown"]) == (11, 9, {"premium": 2})
    one = [{**PUBLICIZE, "premium": 1}, *({**PUBLICIZE, "ID": number} for number in range(1, 10))]
    _checks, report = diagnose(publicize_connections={"connections": one})
    assert report["wire"]["publicize_connections"]["unknown"] == {}
