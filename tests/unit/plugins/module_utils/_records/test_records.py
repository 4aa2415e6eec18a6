# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Any wire record becomes a record, and a record again becomes itself."""

from __future__ import annotations

import copy
import json
from datetime import datetime, timedelta, timezone
from typing import Any, Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.community.wpcom.plugins.module_utils._records import names
from ansible_collections.community.wpcom.plugins.module_utils._records import normalize as _records
from ansible_collections.community.wpcom.plugins.module_utils._records import record as record_module

NOW = datetime(2026, 7, 1, 12, 0, 0, tzinfo=timezone.utc)

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
    "publicize": (lambda wire: _records.publicize_connection(wire, NOW), PUBLICIZE_KEYS),
    "keyring": (lambda wire: _records.keyring_connection(wire, NOW), KEYRING_KEYS),
    "application": (_records.connected_application, APPLICATION_KEYS),
    "service": (_records.service, SERVICE_KEYS),
    "account": (_records.account, ACCOUNT_KEYS),
    "site": (_records.site, ["ID", "name", "URL", "slug", "capabilities"]),
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
@settings(max_examples=50)
def test_anything_normalises(normalise: Callable[[Any], dict[str, Any]], keys: list[str], data: st.DataObject) -> None:
    """No value in no key is a traceback; the wire is not touched; once more changes nothing."""
    wire = data.draw(hostile(keys))
    before = copy.deepcopy(wire)
    record = normalise(wire)
    assert wire == before
    assert normalise(record) == record
    assert all(key == key.lower() for key in record)
    assert "lasagna_jwt" not in record
    json.dumps(record)
    assert isinstance(names.describe(record), str)
    record_module.diff_view(record)
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
def test_publicize_connection(wire: dict[str, Any]) -> None:
    """Keys are lowered, values kept, IDs are numbers, dates ISO or null, health and repair added."""
    record = _records.publicize_connection(wire, NOW)
    assert all(key == key.lower() for key in keys_of(record))
    assert set(record) == {key.lower() for key in wire} | {"health", "repair"}
    assert record["health"] in ("ok", "expiring", "broken", "untested", "unknown")
    assert record["repair"] in (None, "refresh", "reconnect")
    assert (record["repair"] is None) == (record["health"] in ("ok", "untested", "unknown"))
    for key in ("ID", "site_ID", "user_ID", "shared", "service", "external_ID", "status", "meta"):
        assert record[key.lower()] == wire[key]
    assert record["issued"] == wire["issued"].replace(" ", "T") + "Z"
    assert (record["expires"] is None) == wire["expires"].startswith("0000")


@given(publicize_wires(), publicize_wires())
def test_diff_shows_no_nonce_and_no_clock(one: dict[str, Any], two: dict[str, Any]) -> None:
    """What the server alone decides makes no difference."""
    wire = {
        **one,
        **{key: two[key] for key in ("issued", "expires", "meta", "status", "external_follower_count")},
        "refresh_URL": "https://other.invalid/?nonce=1",
    }
    wire.pop("refresh_url", None)
    first, second = (record_module.diff_view(_records.publicize_connection(row, NOW)) for row in (one, wire))
    assert first == second
    assert "nonce" not in json.dumps(second)


# Dates


@pytest.mark.parametrize(
    ("wire", "record"),
    [
        ("2014-08-23 02:49:47", "2014-08-23T02:49:47Z"),
        ("2014-08-2302:49:47", "2014-08-23T02:49:47Z"),
        ("2014-08-23T02:49:47", "2014-08-23T02:49:47Z"),
        ("2014-08-23T02:49:47Z", "2014-08-23T02:49:47Z"),
        ("2014-08-23T02:49:47+00:00", "2014-08-23T02:49:47Z"),
        ("2014-08-23T02:49:47+0200", "2014-08-23T00:49:47Z"),
        ("2014-08-23T02:49:47-05:30", "2014-08-23T08:19:47Z"),
        ("2014-08-23T02:49:47.123Z", "2014-08-23T02:49:47Z"),
        (" 2014-08-23 02:49:47\n", "2014-08-23T02:49:47Z"),
        (1408762187, "2014-08-23T02:49:47Z"),
        ("1408762187", "2014-08-23T02:49:47Z"),
        (1408762187.9, "2014-08-23T02:49:47Z"),
        (-1, "1969-12-31T23:59:59Z"),
        # Never.
        (None, None),
        (False, None),
        (True, None),
        (0, None),
        ("0", None),
        ("", None),
        ("  ", None),
        ("0000-00-00 00:00:00", None),
        ("0000-00-0000:00:00", None),
        ("0000-00-00T00:00:00+00:00", None),
        ("0000-00-00", None),
        ("-0001-11-30T00:00:00+00:00", None),
        # No date: it stays, for a person to see.
        ("soon", "soon"),
        ("2014-13-45 99:99:99", "2014-13-45 99:99:99"),
        ("9" * 30, "9" * 30),
        ("0001-01-01T00:00:00+23:59", "0001-01-01T00:00:00+23:59"),
        (1e300, 1e300),
    ],
)
@pytest.mark.parametrize("key", ["issued", "expires", "authorized"])
def test_date(wire: Any, record: Any, key: str) -> None:
    """All forms of the wire and of the docs are read."""
    assert _records.publicize_connection({key: wire}, NOW)[key] == record


@given(DATES)
def test_date_forms_agree(moment: datetime) -> None:
    """One moment in all its forms is one date."""
    spaced = moment.strftime("%Y-%m-%d %H:%M:%S")
    seconds = int(moment.replace(tzinfo=timezone.utc).timestamp())
    forms = [spaced, spaced.replace(" ", ""), spaced.replace(" ", "T") + "+00:00", seconds, str(seconds)]
    records = {_records.keyring_connection({"expires": form}, NOW)["expires"] for form in forms}
    assert records == {spaced.replace(" ", "T") + "Z"}


# Health


def day(days: float) -> str:
    """Return a date as the wire has it, so many days from now."""
    return (NOW + timedelta(days=days)).strftime("%Y-%m-%d %H:%M:%S")


ZERO = "0000-00-00 00:00:00"


@pytest.mark.parametrize(
    ("status", "expires", "health", "repair"),
    [
        ("ok", ZERO, "ok", None),
        ("ok", day(15), "ok", None),
        ("ok", day(13), "expiring", "refresh"),
        ("ok", day(14), "expiring", "refresh"),
        ("ok", day(0.01), "expiring", "refresh"),
        ("ok", day(0), "broken", "refresh"),
        ("ok", day(-1), "broken", "refresh"),
        (None, ZERO, "untested", None),
        ("", ZERO, "untested", None),
        (None, day(100), "untested", None),
        (None, day(5), "expiring", "refresh"),
        (None, day(-5), "broken", "refresh"),
        ("broken", ZERO, "broken", "refresh"),
        ("broken", day(100), "broken", "refresh"),
        ("refresh-failed", ZERO, "expiring", "refresh"),
        ("refresh-failed", day(5), "expiring", "refresh"),
        ("refresh-failed", day(100), "expiring", "refresh"),
        ("refresh-failed", day(-5), "broken", "refresh"),
        ("must_reauth", ZERO, "expiring", "refresh"),
        ("must_reauth", day(100), "expiring", "refresh"),
        ("must_reauth", day(-5), "broken", "refresh"),
        ("invalid", ZERO, "broken", "reconnect"),
        ("invalid", day(5), "broken", "reconnect"),
        ("something-new", ZERO, "unknown", None),
        ("something-new", day(5), "unknown", None),
        ("something-new", day(-5), "unknown", None),
        ("OK", ZERO, "unknown", None),
        ("ok", None, "ok", None),
        ("must_reauth", None, "expiring", "refresh"),
        ("ok", "soon", "ok", None),
        ("ok", "9999-99-99 00:00:00", "ok", None),
    ],
)
@pytest.mark.parametrize("normalise", [_records.publicize_connection, _records.keyring_connection])
def test_health(normalise: Any, status: Any, expires: str, health: str, repair: Any) -> None:
    """What works, what will not for long, and what a person has to do."""
    record = normalise({"status": status, "expires": expires}, NOW)
    assert (record["health"], record["repair"]) == (health, repair)


def test_new_status_with_a_place_to_refresh() -> None:
    """An unknown status that comes with an address may mean anything all the same."""
    record = _records.publicize_connection({"status": "something-new", "refresh_URL": "https://x.invalid"}, NOW)
    assert (record["health"], record["repair"]) == ("unknown", None)


@pytest.mark.parametrize("normalise", [_records.publicize_connection, _records.keyring_connection])
def test_dates_and_counts_may_be_null_or_absent(normalise: Any) -> None:
    """What never expires has null, the zero date, or no key at all."""
    for wire in ({}, {"expires": None, "issued": None, "external_follower_count": None}, {"expires": ZERO}):
        record = normalise({"ID": 1, "status": "ok", **wire}, NOW)
        assert (record["health"], record.get("expires")) == ("ok", None)
        assert _records.require_types(record) is record


@pytest.mark.parametrize(("days", "health"), [(0, "ok"), (4, "ok"), (5, "expiring"), (365, "expiring")])
def test_expiring_within(days: int, health: str) -> None:
    """The option moves the border."""
    assert _records.keyring_connection({"status": "ok", "expires": day(5)}, NOW, days)["health"] == health


def test_normalising_again_with_another_border() -> None:
    """Health follows the time of day, not what was there."""
    record = _records.keyring_connection({"status": "ok", "expires": day(5)}, NOW)
    assert _records.keyring_connection(record, NOW - timedelta(days=100))["health"] == "ok"


# Particular keys


@pytest.mark.parametrize("key", ["ID", "issued", "external_ID"])
def test_object_in_place_of_a_number_or_text(key: str) -> None:
    """Keys are lowered and secrets left out wherever they are."""
    record = _records.publicize_connection({key: {"Inner": 1, "lasagna_jwt": "secret"}}, NOW)
    assert record[key.lower()] == {"inner": 1}


def test_ids_are_numbers() -> None:
    """Also where the wire has strings; what is no ID stays."""
    wire = {"ID": "7", "site_ID": "3001", "user_ID": "0", "keyring_connection_ID": 5, "sites": ["3001", 3002, "x"]}
    record = _records.keyring_connection(wire, NOW)
    assert (record["id"], record["site_id"], record["user_id"]) == (7, 3001, 0)
    assert record["sites"] == [3001, 3002, "x"]
    assert _records.site({"ID": "\u0661"})["id"] == "\u0661"
    assert _records.site({"ID": "1" * 30})["id"] == "1" * 30


def test_external_id_is_text() -> None:
    """Also where the wire has a number; null stays, and PHP's false is null."""
    for wire, value in ((112, "112"), ("112", "112"), (None, None), (False, None), ("did:plc:x", "did:plc:x")):
        assert _records.publicize_connection({"external_ID": wire}, NOW)["external_id"] == value


@pytest.mark.parametrize(
    ("wire", "told"),
    [
        ({"ID": None}, "id is NoneType"),
        ({"ID": "x"}, "id is str"),
        ({"ID": 1, "keyring_connection_ID": ["2"]}, "keyring_connection_id is list"),
        ({"ID": 1, "external_name": {"a": 1}}, "external_name is dict"),
        ({"ID": 1, "additional_external_users": {"a": {}}}, "additional_external_users is no list"),
        ({"ID": 1, "additional_external_users": [{"external_ID": []}]}, "external_id is list"),
        ({"ID": 1, "sites": [[]]}, "sites is no list"),
        ({"ID": 1, "capabilities": ["x"]}, "capabilities is list"),
    ],
)
def test_records_of_other_types_are_refused(wire: dict[str, Any], told: str) -> None:
    """What a plan would stumble over is named."""
    with pytest.raises(ValueError, match=told):
        _records.require_types(_records.keyring_connection(wire, NOW))


def test_records_may_lack_or_empty_what_they_have() -> None:
    """Absent, null and empty values are in order, and an empty object is a list in PHP."""
    wire = {"ID": 1, "user_ID": None, "label": None, "sites": [], "additional_external_users": None, "capabilities": []}
    record = _records.keyring_connection(wire, NOW)
    assert _records.require_types(record) is record


def test_external_users_are_lowered() -> None:
    """The same rules hold inside lists."""
    wire = {"additional_external_users": [{"external_ID": 111, "external_profile_URL": "x", "lasagna_jwt": "secret"}]}
    assert _records.keyring_connection(wire, NOW)["additional_external_users"] == [
        {"external_id": "111", "external_profile_url": "x"}
    ]


def test_both_spellings_of_a_key() -> None:
    """A value wins over null, in whichever order they come."""
    for wire in ({"refresh_URL": "x", "refresh_url": None}, {"refresh_url": None, "refresh_URL": "x"}):
        assert _records.publicize_connection(wire, NOW)["refresh_url"] == "x"


@pytest.mark.parametrize(
    "wire",
    [
        {"ID": "7003", "site": {"site_ID": "3001", "site_URL": "u"}},
        {"connection_ID": 7003, "blog": {"site_ID": 3001, "site_URL": "u"}},
        {"ID": "7003", "blog": {"site_ID": "3001", "site_URL": "u"}},
        {"ID": 7003, "connection_ID": 1, "site": {"site_ID": "3001", "site_URL": "u"}, "blog": False},
    ],
)
def test_application_forms(wire: dict[str, Any]) -> None:
    """Wire and docs are one record."""
    assert _records.connected_application(wire) == {"id": 7003, "site": {"site_id": 3001, "site_url": "u"}}


@pytest.mark.parametrize("site", [False, None, {}, []])
def test_application_for_all_sites(site: Any) -> None:
    """PHP's false is null."""
    assert _records.connected_application({"ID": "1", "site": site})["site"] is None


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
def test_scopes(wire: Any, scopes: list[str]) -> None:
    """A token without a scope has none, in all forms."""
    assert _records.scopes(wire) == scopes
    assert _records.account({"ID": 1, "token_scope": wire})["token_scope"] == scopes


@pytest.mark.parametrize(("wire", "site_id"), [(False, None), (0, None), (None, None), (3001, 3001), ("3001", 3001)])
def test_token_site(wire: Any, site_id: Any) -> None:
    """A token for all sites has none."""
    assert _records.account({"ID": 1, "token_site_id": wire})["token_site_id"] == site_id


def test_service_flags() -> None:
    """An absent flag is false; the ID of a service stays a name."""
    record = _records.service({"ID": "123", "multiple_external_user_ID_support": 1})
    assert record == {"id": "123", "multiple_external_user_id_support": True, "external_users_only": False}


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        ({"id": 3001}, ["3001"]),
        ({"id": 1, "url": "https://Blog.Example.com/"}, ["1", "blog.example.com"]),
        ({"id": 1, "url": "http://example.com/blog", "slug": "example.com::blog"}, ["1", "example.com::blog"]),
        (
            {"id": 1, "url": "https://a.example", "options": {"unmapped_url": "https://a.wordpress.com"}},
            ["1", "a.example", "a.wordpress.com"],
        ),
        ({"id": 1, "url": None, "slug": 5, "options": []}, ["1"]),
        ({"id": 1, "url": False, "slug": ""}, ["1"]),
        ({"id": 1, "url": "http://["}, ["1"]),
        ({"id": 1, "url": "https://\u2100.example.com", "slug": "http://[::1"}, ["1"]),
    ],
)
def test_site_names(record: dict[str, Any], expected: list[str]) -> None:
    """A site is named by its ID and its domains; what the API says is no reason for a traceback."""
    assert names.site_names(record) == expected


def test_a_name_that_several_sites_have_is_of_none() -> None:
    """Only the server knows which of them it means."""
    sites = [
        {"id": 1, "url": "https://shared.example", "slug": "one.example"},
        {"id": 2, "url": "https://shared.example"},
        {"id": 3, "url": "https://www.shared.example"},
    ]
    by_name = names.sites_by_name(sites)
    assert "shared.example" not in by_name
    assert {name: site["id"] for name, site in by_name.items()} == {
        "1": 1,
        "2": 2,
        "3": 3,
        "one.example": 1,
        "www.shared.example": 3,
    }


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("3001", "3001"),
        (" 3001 ", "3001"),
        ("Example.COM", "example.com"),
        ("example.com.", "example.com"),
        ("example.com:443", "example.com"),
        ("https://example.com", "example.com"),
        ("http://example.com/", "example.com"),
        ("//example.com", "example.com"),
        ("example.com/blog", "example.com::blog"),
        ("https://Example.com:8443/blog/", "example.com::blog"),
        ("example.com::blog", "example.com::blog"),
        ("example.com/a/b/", "example.com::a::b"),
        ("www.example.com", "www.example.com"),
        ("müller.example", "xn--mller-kva.example"),
        ("https://MÜLLER.example/blog", "xn--mller-kva.example::blog"),
        ("xn--mller-kva.example", "xn--mller-kva.example"),
        ("straße.example", "xn--strae-oqa.example"),
    ],
)
def test_sites_are_accepted_as_people_copy_them(text: str, expected: str) -> None:
    """And a name as the API has it stays as it is."""
    assert names.normalized_site(text) == expected
    assert names.normalized_site(expected) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "https://",
        "example.com?p=1",
        "example.com/?p=1",
        "example.com#top",
        "example.com/#top",
        "ftp://example.com",
        "ada@example.com",
        "https://ada:secret@example.com",
        "my blog",
        "example.com/my blog",
        "a&b.example",
        "..",
        "/",
        "::blog",
        "https://https://example.com",
    ],
)
def test_what_is_no_site_is_refused(text: str) -> None:
    """Nothing is guessed, least of all about a query."""
    with pytest.raises(ValueError, match=r"domain|query"):
        names.normalized_site(text)


@pytest.mark.parametrize(
    ("wire", "typed"),
    [
        ("Tom &amp; Jerry&#8217;s", "Tom & Jerry’s"),
        ("Salt &amp; Pepper", "Salt & Pepper"),
        ("Salt &amp; Pepper", "Salt &amp; Pepper"),
        ("Tom&#039;s", "Tom's"),
        ("Salt & Pepper", "Salt &amp; Pepper"),
        ("&lt;b&gt;", "<b>"),
    ],
)
def test_names_match_with_entities_decoded_on_both_sides(wire: str, typed: str) -> None:
    """A person types what the browser shows."""
    assert names.is_named({"external_name": wire}, typed)
    assert names.is_named({"external_name": None, "external_display": wire}, typed)
    assert names.account_name({"external_display": wire}) == names.shown(typed)


def test_an_exact_name_wins_over_a_decoded_one() -> None:
    """Two names that differ in nothing but their entities can both be named."""
    records = [{"id": 1, "external_name": "A &amp; B"}, {"id": 2, "external_name": "A & B"}]
    assert [record["id"] for record in names.named(records, "A & B")] == [2]
    assert [record["id"] for record in names.named(records, "A &amp; B")] == [1]
    assert names.named(records, "a & b") == []


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("Acme \ud83d", "Acme \ufffd"),
        ("\udc00\ud800", "\ufffd\ufffd"),
        ("Acme 😀", "Acme 😀"),
        ({"a\ud83d": ["\ud83d", {"b": "\udfff"}], "c": 1}, {"a\ufffd": ["\ufffd", {"b": "\ufffd"}], "c": 1}),
    ],
)
def test_half_an_emoji_can_be_encoded(value: Any, expected: Any) -> None:
    """In keys and values at any depth."""
    assert record_module.clean(value) == expected
    json.dumps(record_module.clean(value), ensure_ascii=False).encode()


@pytest.mark.parametrize(
    ("record", "name"),
    [
        ({"external_display": "Ada", "external_name": "ada", "external_id": "1"}, "Ada"),
        ({"external_display": None, "external_name": "ada", "external_id": "1"}, "ada"),
        ({"external_display": "", "external_name": "", "external_id": "1"}, "1"),
        ({}, "unnamed account"),
    ],
)
def test_account_name(record: dict[str, Any], name: str) -> None:
    """The words that a person knows it by, as far as there are any."""
    assert names.account_name(record) == name


def test_diff_view() -> None:
    """An absent record is empty; what was not created has no ID."""
    assert record_module.diff_view(None) == {}
    assert record_module.diff_view({"id": None, "shared": True, "health": "ok", "repair": None}) == {"shared": True}
    assert record_module.diff_view({"id": 5, "refresh_url": "x", "connect_url": "y", "meta": {}}) == {"id": 5}
