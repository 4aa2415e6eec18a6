# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Any wire record becomes a record, and a record again becomes itself."""

from __future__ import annotations

import copy
import json
from datetime import datetime
from typing import Any, Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.community.wpcom.plugins.module_utils._records import names, normalize
from ansible_collections.community.wpcom.plugins.module_utils._records import wire as wire_table
from ansible_collections.community.wpcom.plugins.module_utils._records.record import diff_view
from ansible_collections.community.wpcom.plugins.module_utils._records.wire import KEYRING_CONNECTION, SERVICE, SITE
from ansible_collections.community.wpcom.tests.unit.builders import NOW
from ansible_collections.community.wpcom.tests.unit.support import examples

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text(max_size=20)
    | st.sampled_from(
        [
            "0000-00-00 00:00:00",
            "0000-00-0000:00:00",
            "2026-07-05 10:00:00",
            "2026-07-0510:00:00",
            "-0001-11-30T00:00:00+00:00",
            "9999-99-99 99:99:99",
            "2026-07-05T10:00:00+99:99",
            "1e999",
            "9" * 30,
            "\u0661",
            "false",
        ]
    )
)

ANYTHING = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)

PUBLICIZE_KEYS = [
    "ID",
    "site_ID",
    "user_ID",
    "keyring_connection_ID",
    "keyring_connection_user_ID",
    "shared",
    "service",
    "label",
    "issued",
    "expires",
    "external_ID",
    "external_name",
    "external_display",
    "external_profile_picture",
    "external_profile_URL",
    "external_follower_count",
    "status",
    "refresh_URL",
    "refresh_url",
    "meta",
    "URL",
    "read_only",
]

KEYRING_KEYS = [*PUBLICIZE_KEYS, "type", "additional_external_users", "sites", "lasagna_jwt", "LASAGNA_JWT"]

APPLICATION_KEYS = [
    "ID",
    "connection_ID",
    "title",
    "icon",
    "URL",
    "description",
    "permissions",
    "authorized",
    "scope",
    "site",
    "blog",
]

SERVICE_KEYS = [
    "ID",
    "label",
    "connect_URL",
    "connect_url",
    "multiple_external_user_ID_support",
    "external_users_only",
    "status",
    "warnings",
    "genericon",
]

ACCOUNT_KEYS = ["ID", "username", "token_scope", "token_site_id", "token_client_id", "primary_blog"]


def hostile(keys: list[str]) -> st.SearchStrategy[dict[str, Any]]:
    """Return wire records that have any value in any key, and further keys."""
    known = st.dictionaries(st.sampled_from(keys), ANYTHING, max_size=len(keys))
    return st.builds(lambda one, two: {**one, **two}, known, st.dictionaries(st.text(max_size=8), ANYTHING, max_size=3))


KINDS: dict[str, tuple[Callable[[Any], dict[str, Any]], list[str]]] = {
    "publicize": (lambda wire: normalize.publicize_connection(wire, NOW), PUBLICIZE_KEYS),
    "keyring": (lambda wire: normalize.keyring_connection(wire, NOW), KEYRING_KEYS),
    "application": (normalize.connected_application, APPLICATION_KEYS),
    "service": (normalize.service, SERVICE_KEYS),
    "account": (normalize.account, ACCOUNT_KEYS),
    "site": (normalize.site, ["ID", "name", "URL", "slug", "capabilities"]),
}


TABLES = {
    "publicize": wire_table.PUBLICIZE_CONNECTION,
    "keyring": KEYRING_CONNECTION,
    "application": wire_table.CONNECTED_APPLICATION,
    "service": SERVICE,
    "account": wire_table.ACCOUNT,
    "site": SITE,
}


def keys_of(value: Any) -> list[str]:
    """Return all keys at all depths."""
    if isinstance(value, dict):
        return [*value, *(key for item in value.values() for key in keys_of(item))]
    if isinstance(value, list):
        return [key for item in value for key in keys_of(item)]
    return []


@pytest.mark.parametrize(("normalise", "keys"), KINDS.values(), ids=KINDS)
@given(data=st.data())
@settings(max_examples=examples(50))
def test_any_record_normalises_and_normalising_again_changes_nothing(
    normalise: Callable[[Any], dict[str, Any]], keys: list[str], data: st.DataObject
) -> None:
    wire = data.draw(hostile(keys))
    before = copy.deepcopy(wire)
    record = normalise(wire)
    assert wire == before
    assert normalise(record) == record
    assert all(key == key.lower() for key in record)
    assert "lasagna_jwt" not in record
    json.dumps(record)
    assert isinstance(names.describe(record), str)
    diff_view(record)
    assert all(isinstance(name, str) for name in names.site_names(record))


TEXTS = st.text(max_size=12)

DATES = st.datetimes(datetime(1971, 1, 1), datetime(2200, 1, 1)).map(lambda moment: moment.replace(microsecond=0))

STATUSES = st.sampled_from(["ok", "broken", "refresh-failed", "must_reauth", "invalid", None, "something-new"])


@st.composite
def publicize_wires(draw: st.DrawFn) -> dict[str, Any]:
    """Return publicize connections of the shape that the API has."""
    expires = draw(st.none() | DATES)
    return {
        "ID": draw(st.integers(1, 10**12)),
        "site_ID": draw(st.integers(1, 10**12)),
        "user_ID": draw(st.integers(0, 10**12)),
        "keyring_connection_ID": draw(st.integers(1, 10**12)),
        "keyring_connection_user_ID": draw(st.integers(1, 10**12)),
        "shared": draw(st.booleans()),
        "service": draw(st.sampled_from(["facebook", "instagram-business"])),
        "label": draw(TEXTS),
        "issued": draw(DATES).strftime("%Y-%m-%d %H:%M:%S"),
        "expires": expires.strftime("%Y-%m-%d %H:%M:%S") if expires else "0000-00-00 00:00:00",
        "external_ID": draw(st.none() | TEXTS),
        "external_name": draw(st.none() | TEXTS),
        "external_display": draw(st.none() | TEXTS),
        "external_follower_count": draw(st.none() | st.integers(0)),
        "status": draw(STATUSES),
        draw(st.sampled_from(["refresh_URL", "refresh_url"])): draw(TEXTS),
        "meta": {"links": {"self": draw(TEXTS), "keyring-connection": draw(TEXTS)}},
    }


@given(publicize_wires())
def test_publicize_connection_has_lower_keys_and_normalised_values(wire: dict[str, Any]) -> None:
    record = normalize.publicize_connection(wire, NOW)
    assert all(key == key.lower() for key in keys_of(record))
    assert set(record) == {key.lower() for key in wire} | {"health", "repair"}
    assert record["health"] in ("ok", "expiring", "broken", "untested", "unknown")
    assert (record["health"] == "unknown") == (wire["status"] == "something-new")
    assert record["repair"] in (None, "refresh", "reconnect")
    assert (record["repair"] is None) == (record["health"] in ("ok", "untested", "unknown"))
    for key in ("ID", "site_ID", "user_ID", "shared", "service", "external_ID", "status", "meta"):
        assert record[key.lower()] == wire[key]
    assert record["issued"] == wire["issued"].replace(" ", "T") + "Z"
    assert (record["expires"] is None) == wire["expires"].startswith("0000")


@given(publicize_wires(), publicize_wires())
def test_diff_hides_what_the_server_alone_decides(one: dict[str, Any], two: dict[str, Any]) -> None:
    wire = {
        **one,
        **{key: two[key] for key in ("issued", "expires", "meta", "status", "external_follower_count")},
        "refresh_URL": "https://other.invalid/?nonce=1",
    }
    wire.pop("refresh_url", None)
    first, second = (diff_view(normalize.publicize_connection(row, NOW)) for row in (one, wire))
    assert first == second
    assert "nonce" not in json.dumps(second)


@pytest.mark.parametrize("key", ["ID", "issued", "external_ID"])
def test_object_in_place_of_a_number_or_text_has_lower_keys_and_no_secrets(key: str) -> None:
    record = normalize.publicize_connection({key: {"Inner": 1, "lasagna_jwt": "secret"}}, NOW)
    assert record[key.lower()] == {"inner": 1}


def test_ids_are_numbers_where_the_wire_has_strings() -> None:
    wire = {"ID": "7", "site_ID": "3001", "user_ID": "0", "keyring_connection_ID": 5, "sites": ["3001", 3002, "x"]}
    record = normalize.keyring_connection(wire, NOW)
    assert (record["id"], record["site_id"], record["user_id"]) == (7, 3001, 0)
    assert record["sites"] == [3001, 3002, "x"]
    assert normalize.site({"ID": "\u0661"})["id"] == "\u0661"
    assert normalize.site({"ID": "1" * 30})["id"] == "1" * 30


def test_external_id_is_text_where_the_wire_has_a_number() -> None:
    for wire, value in ((112, "112"), ("112", "112"), (None, None), (False, None), ("did:plc:x", "did:plc:x")):
        assert normalize.publicize_connection({"external_ID": wire}, NOW)["external_id"] == value


@pytest.mark.parametrize(
    ("wire", "told"),
    [
        ({"ID": None}, "id is missing"),
        ({"ID": "x"}, "id is str"),
        ({"ID": 1, "user_ID": ["2"]}, "user_id is list"),
        ({"ID": 1, "external_name": {"a": 1}}, "external_name is dict"),
        ({"ID": 1, "additional_external_users": {"a": {}}}, "additional_external_users is not a list of dict"),
        ({"ID": 1, "additional_external_users": ["x"]}, "additional_external_users is not a list of dict"),
        ({"ID": 1, "additional_external_users": [{"external_ID": []}]}, "external_id is list"),
        ({"ID": 1, "sites": [[]]}, "sites is not a list of int"),
        ({"ID": True}, "id is bool"),
        ({"ID": 1, "user_ID": True}, "user_id is bool"),
    ],
)
def test_type_that_a_plan_would_stumble_over_is_refused(wire: dict[str, Any], told: str) -> None:
    with pytest.raises(ValueError, match=told):
        normalize.require_types(normalize.keyring_connection(wire, NOW), KEYRING_CONNECTION)


def test_type_of_an_object_is_required() -> None:
    with pytest.raises(ValueError, match="capabilities is list"):
        normalize.require_types(normalize.site({"ID": 1, "capabilities": ["x"]}), SITE)


def test_name_that_is_no_text_is_refused() -> None:
    with pytest.raises(ValueError, match="id is int"):
        normalize.require_types(normalize.service({"ID": 5}), SERVICE)


def test_absent_null_and_empty_values_are_allowed() -> None:
    wire: dict[str, Any] = {
        "ID": 1,
        "user_ID": None,
        "label": None,
        "sites": [],
        "additional_external_users": None,
        "capabilities": [],
    }
    record = normalize.keyring_connection(wire, NOW)
    assert normalize.require_types(record, KEYRING_CONNECTION) is record


NULLABLE = [
    (name, key) for name, table in TABLES.items() for key in table.keys if key.null and key.kind != wire_table.FLAG
]


@pytest.mark.parametrize(("name", "key"), NULLABLE, ids=[f"{name} {key.name}" for name, key in NULLABLE])
def test_false_is_null_where_php_sends_it_for_nothing(name: str, key: wire_table.Key) -> None:
    normalise = KINDS[name][0]
    null, false = (normalise({"ID": 1, key.name: value}) for value in (None, False))
    assert false == null
    assert false[key.name.lower()] == ([] if key.kind in (wire_table.ROWS, wire_table.IDS) else None)


def test_false_is_null_in_external_users() -> None:
    wire = {"additional_external_users": [{"external_profile_picture": False, "external_meta": False}]}
    assert normalize.keyring_connection(wire, NOW)["additional_external_users"] == [
        {"external_profile_picture": None, "external_meta": None}
    ]


@pytest.mark.parametrize("value", [True, 5, "x", ["x"], {"a": "b"}])
@pytest.mark.parametrize("name", TABLES)
def test_key_of_another_table_may_have_any_value(name: str, value: Any) -> None:
    """What the collection knows of one kind of record says nothing about further keys of another kind."""
    known = {spelling.lower() for key in TABLES[name].keys for spelling in (*key.names, "id")}
    names = {key.name for table in wire_table.ALL for key in table.keys if key.name.lower() not in known}
    identifier = "linkedin" if name == "service" else 1
    record = KINDS[name][0]({"ID": identifier, **dict.fromkeys(names, value)})
    assert normalize.require_types(record, TABLES[name]) is record
    user = {"external_ID": "111", "sites": value, "user_ID": value, "expires": value}
    keyring = normalize.keyring_connection({"ID": 1, "additional_external_users": [user]}, NOW)
    assert normalize.require_types(keyring, KEYRING_CONNECTION)["additional_external_users"][0]["external_id"] == "111"


def test_external_users_are_normalised_as_records_are() -> None:
    wire = {"additional_external_users": [{"external_ID": 111, "external_profile_URL": "x", "lasagna_jwt": "secret"}]}
    assert normalize.keyring_connection(wire, NOW)["additional_external_users"] == [
        {"external_id": "111", "external_profile_url": "x"}
    ]


def test_value_wins_over_null_in_another_spelling() -> None:
    for wire in ({"refresh_URL": "x", "refresh_url": None}, {"refresh_url": None, "refresh_URL": "x"}):
        assert normalize.publicize_connection(wire, NOW)["refresh_url"] == "x"


@pytest.mark.parametrize(
    "wire",
    [
        {"ID": "7003", "site": {"site_ID": "3001", "site_URL": "u"}},
        {"connection_ID": 7003, "blog": {"site_ID": 3001, "site_URL": "u"}},
        {"ID": "7003", "blog": {"site_ID": "3001", "site_URL": "u"}},
        {"ID": 7003, "connection_ID": 1, "site": {"site_ID": "3001", "site_URL": "u"}, "blog": False},
    ],
)
def test_application_is_one_record_in_the_wire_form_and_in_the_documented_one(wire: dict[str, Any]) -> None:
    assert normalize.connected_application(wire) == {"id": 7003, "site": {"site_id": 3001, "site_url": "u"}}


@pytest.mark.parametrize("site", [False, None, {}, []])
def test_application_for_all_sites_has_no_site(site: Any) -> None:
    assert normalize.connected_application({"ID": "1", "site": site})["site"] is None


@pytest.mark.parametrize(
    ("wire", "scopes"),
    [
        (["global"], ["global"]),
        ([], []),
        ([""], []),
        ("users sharing", ["users", "sharing"]),
        ("users,sharing", ["users", "sharing"]),
        ("", []),
        (None, []),
        (5, []),
        ({"a": 1}, []),
    ],
)
def test_scopes_are_a_list_in_all_forms(wire: Any, scopes: list[str]) -> None:
    assert normalize.scopes(wire) == scopes
    assert normalize.account({"ID": 1, "token_scope": wire})["token_scope"] == scopes


@pytest.mark.parametrize(("wire", "site_id"), [(False, None), (0, None), (None, None), (3001, 3001), ("3001", 3001)])
def test_token_for_all_sites_has_no_site(wire: Any, site_id: Any) -> None:
    assert normalize.account({"ID": 1, "token_site_id": wire})["token_site_id"] == site_id


def test_absent_flag_of_a_service_is_false_and_its_id_stays_a_name() -> None:
    record = normalize.service({"ID": "123", "multiple_external_user_ID_support": 1})
    assert record == {"id": "123", "multiple_external_user_id_support": True, "external_users_only": False}


@pytest.mark.parametrize(
    ("given_value", "expected"), [(True, True), (False, None), (None, None), ("", None), (0, None)]
)
def test_only_what_is_read_only_says_so(given_value: Any, expected: Any) -> None:
    record = normalize.publicize_connection({"ID": 1, "read_only": given_value}, NOW)
    assert record.get("read_only") == expected
    assert ("read_only" in record) is bool(expected)
