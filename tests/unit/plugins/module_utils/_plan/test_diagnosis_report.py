# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The report holds nothing of the user, whatever the responses hold."""

from __future__ import annotations

import copy
import json
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.community.wpcom.plugins.module_utils._api.diagnostics import RawResponse
from ansible_collections.community.wpcom.plugins.module_utils._api.hints import KNOWN_CODES
from ansible_collections.community.wpcom.plugins.module_utils._http.failures import KIND_NAMES
from ansible_collections.community.wpcom.plugins.module_utils._plan import diagnosis_report
from ansible_collections.community.wpcom.plugins.module_utils._plan.diagnosis import SOURCES, Check
from ansible_collections.community.wpcom.plugins.module_utils._plan.diagnosis_report import Taint
from ansible_collections.community.wpcom.plugins.module_utils._plan.diagnosis_uncertainties import UNCERTAINTIES
from ansible_collections.community.wpcom.plugins.module_utils._records.conformance import Conformance
from ansible_collections.community.wpcom.tests.simulator import TROUBLES_WORLD, Simulator
from ansible_collections.community.wpcom.tests.unit.plugins.module_utils._plan.test_diagnosis import changed, observe
from ansible_collections.community.wpcom.tests.unit.plugins.module_utils._plan.test_diagnosis_checks import (
    ACCOUNT,
    KEYRING,
    PUBLICIZE,
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


TOKEN_CODES = ["invalid_option", "invalid_grant", "no_response", "unexpected_response", "token_not_refreshed"]
NAMES_OF_CHECKS = [
    *("name_resolution", "proxy", "tls", "clock", "reachability", "latency", "token", "scope", "site_binding"),
    *("wire_publicize_connections", "wire_keyring_connections", "wire_connected_applications"),
    *("wire_external_services", "wire_sites", "wire_account"),
    *(f"uncertainty_{one.name}" for one in UNCERTAINTIES),
]
FULL_CHECK = {
    "name": "token",
    "status": "ok",
    "seconds": 0.5,
    "http_status": 200,
    "code": "none",
    "failure": "none",
    "form": "array",
    "skew": -7,
    "responses": 3,
    "median": 0.25,
    "longest": 0.75,
    "refused": ["sharing", "sites", "users"],
    "is_global": True,
    "is_bound": False,
}
FULL_LIST = {
    "entries": 3,
    "without_id": 1,
    "unnamed_keys": 2,
    "unnamed_statuses": 4,
    "keys": {"ID": 2, "additional_external_users.external_name": 1, "blog.site_ID": 1, "connection_ID": 1},
    "missing": {"label": 1},
    "mistyped": [{"key": "shared", "type": "string", "count": 1}],
    "unknown": {"premium": 1, "additional_external_users.premium": 2},
    "statuses": {"ok": 1, "none": 2, "unsupported": 3},
    "unknown_statuses": {"on_hold": 1},
}
FULL: dict[str, Any] = {
    "format": 1,
    "versions": {"collection": "0.1.0", "ansible": "2.19.0b1", "python": "3.13.0", "requests": "2.32.3"},
    "connection": {
        "scheme": "https",
        "is_default_api": True,
        "proxy": False,
        "validate_certs": True,
        "own_ca": False,
        "http_envelope": True,
    },
    "requests": 25,
    "checks": [
        FULL_CHECK,
        {"name": "token", "status": "ok", "seconds": 0, "http_status": None},
        *({"name": name, "status": "warning", "seconds": 0} for name in NAMES_OF_CHECKS),
        *({"name": "tls", "status": status} for status in ("ok", "warning", "failed", "skipped")),
        *({"code": code} for code in (*KNOWN_CODES, *TOKEN_CODES)),
        *({"failure": name} for name in KIND_NAMES),
        *({"form": form} for form in ("null", "boolean", "integer", "number", "string", "array", "object")),
    ],
    "wire": {
        "publicize_connections": FULL_LIST,
        **{name: {"entries": 0} for name in SOURCES if name != "publicize_connections"},
    },
    "uncertainties": {one.name: one.sides[0] for one in UNCERTAINTIES},
}


def test_everything_that_may_be_in_the_report() -> None:
    assert diagnosis_report._SCHEMA({**FULL, "host": "ada.example"}) == FULL
    assert diagnosis_report._SCHEMA({**FULL, "connection": {"scheme": "http"}})["connection"] == {"scheme": "http"}


@pytest.mark.parametrize("side", range(6))
def test_each_side_may_be_in_the_report(side: int) -> None:
    sides = {one.name: [*one.sides, "other", None][min(side, len(one.sides) + 1)] for one in UNCERTAINTIES}
    assert diagnosis_report._SCHEMA({"uncertainties": sides}) == {"uncertainties": sides}


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield where the values are in a document that are neither lists nor objects."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield from places(item, (*path, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from places(item, (*path, index))
    else:
        yield path


@pytest.mark.parametrize("foreign", ["Ada Lovelace", ["Ada"], {"Ada": "Ada"}, 10**9], ids=str)
def test_value_that_is_not_allowed_is_in_no_place_of_the_report(foreign: Any) -> None:
    for path in places({**FULL, "checks": [FULL_CHECK]}):
        changed_report = copy.deepcopy(FULL)
        place = changed_report
        for step in path[:-1]:
            place = place[step]
        place[path[-1]] = foreign
        text = json.dumps(diagnosis_report._SCHEMA(changed_report))
        assert "Ada" not in text, path
        assert str(10**9) not in text, path


@pytest.mark.parametrize(
    ("rule", "value", "allowed"),
    [
        *((diagnosis_report.number, value, value) for value in (0, 10**9 - 1, 1 - 10**9, 0.5, -1.25)),
        *((diagnosis_report.flag, value, value) for value in (True, False)),
        *((diagnosis_report.version, value, value) for value in ("1.2", "2.19.0b1", "1.2.3.4", "2.20.0.dev0")),
        (diagnosis_report.one_of(("ok", None)), "ok", "ok"),
        (diagnosis_report.one_of(("ok", None)), None, None),
        (diagnosis_report.one_of(("ok",)), None, "other"),
        (diagnosis_report.one_of(("ok",)), "ada", "other"),
        (diagnosis_report.optional(diagnosis_report.flag), None, None),
        (diagnosis_report.optional(diagnosis_report.flag), False, False),
        (diagnosis_report.each(diagnosis_report.number), (1, "ada", 2), [1, 2]),
        (diagnosis_report.each(diagnosis_report.number), ["ada"], []),
        (diagnosis_report.counted(diagnosis_report.one_of(("ok",))), {"ok": 1, "ada": 2}, {"ok": 1, "other": 2}),
        (diagnosis_report.fields({"a": diagnosis_report.number}), {"a": 1, "b": 2}, {"a": 1}),
        *(
            (diagnosis_report._identifier(diagnosis_report._IDENTIFIER), value, value)
            for value in ("is_premium", "x" * 40, "sites", "additional_external_users.is_new", "blog.x")
        ),
        *(
            (diagnosis_report._identifier(diagnosis_report._STATUS), value, value)
            for value in ("on_hold", "on-hold", "x" * 40)
        ),
    ],
)
def test_value_that_is_allowed(rule: Any, value: Any, allowed: Any) -> None:
    assert rule(value) == allowed
    assert type(rule(value)) is type(allowed)


@pytest.mark.parametrize(
    ("rule", "value"),
    [
        *((diagnosis_report.number, value) for value in (10**9, -(10**9), None, False)),
        *((diagnosis_report.flag, value) for value in (None, 1, 0)),
        *((diagnosis_report.version, value) for value in ("1", "1.2 of ada", "12345.1", "1.2.3.4." + "5" * 21)),
        *(
            (diagnosis_report._identifier(diagnosis_report._IDENTIFIER), value)
            for value in ("x" * 41, "by_4711", "ada.is_new", ".is_new", "additional_external_users.", "", None, 5)
        ),
        *(
            (diagnosis_report._identifier(diagnosis_report._STATUS), value)
            for value in ("x", "_ok", "On_hold", "x" * 41, "by 4711", "ada.ok")
        ),
    ],
)
def test_value_that_is_not_allowed(rule: Any, value: Any) -> None:
    with pytest.raises(diagnosis_report.NotAllowedError):
        rule(value)


def test_report_of_a_few_responses() -> None:
    environment = changed(
        proxy="http://proxy.example",
        http_envelope=True,
        versions=(("collection", "0.1.0"), ("ansible", "2.20.0"), ("python", "3.13.0"), ("requests", "2.32.3")),
    )
    seen = observe(
        {"/me/sites": RawResponse(status=200, document={"sites": [{"name": "Ada Lovelace", "status": "awake"}]})},
        environment,
    )
    seen.first()
    seen.source("sites")
    found = Conformance(
        entries=8,
        without_id=2,
        keys=Counter({"shared": 6, "ID": 6}),
        missing=Counter({"label": 2, "ID": 1}),
        unknown=Counter(
            {
                ("", "premium"): 3,
                ("", "awake"): 6,
                ("", "lovelace"): 6,
                ("", "rare"): 2,
                ("", "by_4711"): 6,
                ("additional_external_users.", "is_new"): 6,
            }
        ),
        mistyped=Counter({("shared", "string"): 2, ("ID", "null"): 1, ("shared", "array"): 3}),
        statuses=Counter({"ok": 3, "broken": 2}),
        unknown_statuses=Counter({"on_hold": 2, "ada": 3, "by 4711": 4, "awake": 1}),
    )
    alone = Conformance(entries=1, unknown=Counter({("", "premium"): 1}))
    checks = [
        Check("tls", "ok", "Ada's certificate", "Ada", 0.12345, {"failure": "none", "ada": "Ada"}),
        Check("wire_publicize_connections", "warning", "", facts={"http_status": 200, "wire": found}),
        Check("wire_account", "ok", "", facts={"wire": alone}),
        *(Check(f"uncertainty_{one.name}", "ok", "", facts={"side": one.sides[-1]}) for one in UNCERTAINTIES[1:]),
        Check(f"uncertainty_{UNCERTAINTIES[0].name}", "skipped", "", facts={"side": None}),
    ]
    report = diagnosis_report.make_report(seen, checks)
    of_uncertainties = [*UNCERTAINTIES[1:], UNCERTAINTIES[0]]
    assert report == {
        "format": 1,
        "versions": {"collection": "0.1.0", "ansible": "2.20.0", "python": "3.13.0", "requests": "2.32.3"},
        "connection": {
            "scheme": "https",
            "is_default_api": False,
            "proxy": True,
            "validate_certs": True,
            "own_ca": False,
            "http_envelope": True,
        },
        "requests": 2,
        "checks": [
            {"name": "tls", "status": "ok", "seconds": 0.123, "failure": "none"},
            {"name": "wire_publicize_connections", "status": "warning", "seconds": 0.0, "http_status": 200},
            {"name": "wire_account", "status": "ok", "seconds": 0.0},
            *(
                {
                    "name": f"uncertainty_{one.name}",
                    "status": "skipped" if one is UNCERTAINTIES[0] else "ok",
                    "seconds": 0.0,
                }
                for one in of_uncertainties
            ),
        ],
        "wire": {
            "publicize_connections": {
                "entries": 8,
                "without_id": 2,
                "keys": {"ID": 6, "shared": 6},
                "missing": {"ID": 1, "label": 2},
                "mistyped": [
                    {"key": "ID", "type": "null", "count": 1},
                    {"key": "shared", "type": "array", "count": 3},
                    {"key": "shared", "type": "string", "count": 2},
                ],
                "unknown": {"additional_external_users.is_new": 6, "awake": 6, "premium": 3},
                "unnamed_keys": 3,
                "statuses": {"broken": 2, "ok": 3},
                "unknown_statuses": {"awake": 1, "on_hold": 2},
                "unnamed_statuses": 7,
            },
            "account": {
                "entries": 1,
                "without_id": 0,
                "keys": {},
                "missing": {},
                "mistyped": [],
                "unknown": {"premium": 1},
                "unnamed_keys": 0,
                "statuses": {},
                "unknown_statuses": {},
                "unnamed_statuses": 0,
            },
        },
        "uncertainties": {one.name: None if one is UNCERTAINTIES[0] else one.sides[-1] for one in UNCERTAINTIES},
    }
    of_list = report["wire"]["publicize_connections"]
    for key in ("keys", "missing", "unknown", "statuses", "unknown_statuses"):
        assert list(of_list[key]) == sorted(of_list[key])


@pytest.mark.parametrize(
    ("document", "name", "held"),
    [
        ("ada", "ada", True),
        ("ad", "ad", False),
        ("Ada Lovelace", "ove", True),
        ("Ada Lovelace", "dalo", True),
        ("Ada Lovelace", "a_d_a", True),
        ("Ada Lovelace", "lovelaces", False),
        ("Ádá-Łovelace", "łovelace", True),
        ([["Ada"], 5, None, True], "ada", True),
        ({"x": {"y": ["Ada"]}}, "ada", True),
        # A key is no text.
        ({"ada": 1}, "ada", False),
        *(
            ({key: "Ada"}, "ada", False)
            for key in ("status", "type", "service", "jetpack_module_required", "error", "scope")
        ),
        ({"status": "Ada", "label": "Ada"}, "ada", True),
    ],
)
def test_texts_of_a_response(document: Any, name: str, held: bool) -> None:
    assert Taint([{}, document]).holds(name) is held
