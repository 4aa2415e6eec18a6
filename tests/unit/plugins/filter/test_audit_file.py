# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The files of an audit: valid, harmless in a spreadsheet and in XML, and unchanged where only the date differs."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import jsonschema
import pytest
from ansible.errors import AnsibleFilterError
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.community.wpcom.plugins.filter.audit_file import audit_file
from ansible_collections.community.wpcom.plugins.filter.audit_report import audit_report
from ansible_collections.community.wpcom.plugins.module_utils._audit.policy import CODES
from ansible_collections.community.wpcom.plugins.plugin_utils._audit_files import FORMATS
from ansible_collections.community.wpcom.tests.unit.builders import (
    FACEBOOK,
    KEYRINGS,
    LINKEDIN,
    MASTODON,
    SERVICES,
    SITES,
    account,
    application,
    day,
    external_user,
    keyring_connection,
    publicize_connection,
)
from ansible_collections.community.wpcom.tests.unit.support import examples

ROLE = Path(__file__).resolve().parents[4] / "roles" / "social_connections_audit"
SCHEMA = json.loads((ROLE / "files" / "audit.schema.json").read_text(encoding="utf-8"))
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)
DATE, LATER = "2026-07-01T12:00:00Z", "2026-07-02T13:14:15Z"
NAMES = st.one_of(
    st.sampled_from(
        ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "<b>", "]]>", "a\x00b", "\ud83d", "{{ 1 }}", '"', "&#0;"]
    ),
    st.text(max_size=8),
)


def report(name: str = "Engines", date: str = DATE, **options: Any) -> dict[str, Any]:
    """Return a report with a finding of most kinds, in which a name comes up everywhere."""
    user = external_user("111", name)
    twin = keyring_connection(40, "mastodon", name, external_id="x22")
    one = {
        "publicize_connections": [
            publicize_connection(50, MASTODON, status="broken"),
            publicize_connection(51, LINKEDIN, 2, user, expires=day(3)),
            publicize_connection(52, LINKEDIN, 2, user),
            publicize_connection(53, FACEBOOK),
            publicize_connection(54, keyring_connection(99, "mastodon", name), 3, status=name or None),
        ],
        "keyring_connections": [*KEYRINGS, twin],
        "services": list(SERVICES),
        "sites": [{**site, "name": name} for site in SITES],
        "connected_applications": [application(70, name, authorized=day(-400))],
        "account": account(username=name),
    }
    expected = [{"site": "1", "service": "linkedin", "account": name or "x"}, {"site": "2", "id": 51, "shared": True}]
    found: dict[str, Any] = audit_report([one], expected=expected, date=date, **options)["report"]
    return found


def test_json_is_what_its_schema_says() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    found = json.loads(audit_file(report(), "json"))
    VALIDATOR.validate(found)
    assert found == report()
    assert found["drift"]
    assert set(SCHEMA["properties"]["codes"]["properties"]) == set(CODES)
    with pytest.raises(jsonschema.ValidationError):
        VALIDATOR.validate({**found, "more": 1})


def test_csv_has_a_row_for_each_finding() -> None:
    text = audit_file(report(), "csv")
    rows = list(csv.DictReader(io.StringIO(text)))
    found = report()["findings"]
    assert list(rows[0]) == ["code", "severity", "site", "connection", "text", "action"]
    assert [row["code"] for row in rows] == [one["code"] for one in found]
    broken = next(row for row in rows if row["code"] == "broken")
    assert (broken["connection"], broken["site"]) == ("50", "blog.example.com")
    assert broken["action"].endswith(" https://wordpress.com/marketing/connections/blog.example.com")


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t=", "\r=", " =", "\n=", "\uff1d"])
def test_csv_has_no_formula(start: str) -> None:
    found = report()
    for one in found["findings"]:
        one["site"] = one["text"] = f"{start}1"
    for row in csv.DictReader(io.StringIO(audit_file(found, "csv"), newline="")):
        assert row["site"] == row["text"] == f"'{start}1"


def cases(text: str) -> dict[str, ET.Element]:
    """Return the test cases of a JUnit file by name."""
    return {str(case.get("name")): case for case in ET.fromstring(text).iter("testcase")}


def test_junit_has_a_case_for_each_connection() -> None:
    found = cases(audit_file(report(), "junit"))
    assert {name.rsplit("(", 1)[-1] for name in found} >= {f"{number})" for number in (50, 51, 52, 53, 54)}
    broken = found["Mastodon: @Ada (50)"]
    assert broken.get("classname") == "blog.example.com"
    (failure,) = broken.findall("failure")
    assert failure.get("type") == "broken"
    assert failure.get("message") == "Mastodon @Ada on blog.example.com is broken: nothing is posted."
    assert "Refresh Mastodon @Ada on the connections page. https://wordpress.com/marketing/" in str(failure.text)
    duplicate = found["Linkedin: Engines (52)"]
    assert duplicate.find("failure") is None
    assert "each post appears twice" in str(duplicate.findtext("system-out"))
    assert "Application: Engines (70)" in found
    assert "Mastodon account: Engines (40)" in found
    root = ET.fromstring(audit_file(report(), "junit"))
    assert int(str(root.get("tests"))) == len(list(root.iter("testcase")))
    assert int(str(root.get("failures"))) == len(list(root.iter("failure"))) > 0


def test_junit_fails_a_case_by_fail_on() -> None:
    found = cases(audit_file(report(), "junit", fail_on=["duplicate"]))
    assert found["Linkedin: Engines (52)"].find("failure") is not None


@pytest.mark.parametrize("form", FORMATS)
def test_the_text_of_a_report_gives_the_same_file(form: str) -> None:
    one = {
        key: []
        for key in ("publicize_connections", "keyring_connections", "services", "sites", "connected_applications")
    }
    text = audit_report([one], date=DATE, serialize=True)["report"]
    assert isinstance(text, str)
    assert audit_file(text, form) == audit_file(audit_report([one], date=DATE)["report"], form)


@pytest.mark.parametrize("form", FORMATS)
def test_a_file_is_the_existing_one_where_only_the_date_differs(form: str) -> None:
    first = audit_file(report(), form)
    assert audit_file(report(date=LATER), form, existing=first) == first
    fresh = audit_file(report(date=LATER), form)
    assert (fresh == first) is (form == "csv")
    changed = audit_file(report("Other"), form)
    assert audit_file(report(), form, existing=changed) == first
    assert audit_file(report(), form, existing="") == first


@settings(max_examples=examples(25))
@given(NAMES)
def test_whatever_a_name_is_the_files_are_whole(name: str) -> None:
    found = report(name)
    VALIDATOR.validate(json.loads(audit_file(found, "json")))
    text = audit_file(found, "csv")
    text.encode()
    rows = list(csv.reader(io.StringIO(text, newline="")))
    assert {len(row) for row in rows} == {6}
    assert not [cell for row in rows for cell in row if cell.startswith(("=", "+", "-", "@", "\t", "\r"))]
    assert len(cases(audit_file(found, "junit"))) >= 5
    page = audit_file(found, "html")
    page.encode()
    assert page.count("<script") == page.count("</script") == 1


@pytest.mark.parametrize(
    ("value", "form", "options", "text"),
    [
        ({}, "json", {}, "the input must be the report"),
        ("{", "json", {}, "the input must be the report"),
        (report(), "pdf", {}, "format must be one of html, json, csv, junit, got 'pdf'"),
        (report(), "json", {"fail_on": ["x"]}, "got 'x'"),
    ],
)
def test_what_is_wrong_with_the_input(value: Any, form: str, options: dict[str, Any], text: str) -> None:
    with pytest.raises(AnsibleFilterError, match=text):
        audit_file(value, form, **options)
