# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The files of an audit: JSON, CSV and JUnit; each holds the date in one place, so that it can be compared without."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, Callable
from xml.etree import ElementTree as ET

from ansible_collections.community.wpcom.plugins.module_utils._audit.policy import Policy
from ansible_collections.community.wpcom.plugins.module_utils._records.record import clean

from ._audit_page import page

Report = Mapping[str, Any]

COLUMNS = ("code", "severity", "site", "connection", "text", "action")
# What a spreadsheet takes for a formula, and what it leaves out before one.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
# What XML 1.0 does not allow.
_NOT_IN_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def as_json(report: Report, policy: Policy) -> str:
    """Return ``audit.json``, whose schema is ``audit.schema.json`` in the files of the role."""
    return json.dumps(clean(report), indent=1, ensure_ascii=False) + "\n"


def as_csv(report: Report, policy: Policy) -> str:
    """Return ``audit.csv``: a finding a row, of its connection the ID; the action ends with the page to open."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(COLUMNS)
    for finding in report["findings"]:
        values = {
            **finding,
            "connection": finding["connection"]["id"],
            "action": f"{finding['action']} {finding['connection']['url']}",
        }
        writer.writerow([_cell(values[column]) for column in COLUMNS])
    return str(clean(text.getvalue()))


def _cell(value: Any) -> Any:
    if isinstance(value, str) and value.lstrip(" ").startswith(_FORMULA):
        return f"'{value}"
    return value


def as_junit(report: Report, policy: Policy) -> str:
    """Return ``audit.xml``: a test suite for each site, in it a test case for each connection.

    A case fails with an error, and with what ``fail_on`` names; it shows other findings as its output. What is not a
    connection of a site, or does not exist, has a case where there is a finding.
    """
    suites: dict[str, dict[tuple[str, Any], tuple[str, list[Mapping[str, Any]]]]] = {}
    for row in report["connections"]:
        suite = suites.setdefault(row["site"], {})
        suite["publicize", row["id"]] = (f"{row['label']}: {row['name']} ({row['id']})", [])
    for position, finding in enumerate(report["findings"]):
        one = finding["connection"]
        suite = suites.setdefault(finding["site"] or f"accounts and applications of {one['account']}", {})
        number = one["id"] or f"declared {position}"
        label = {"application": "Application", "keyring": f"{one['label']} account"}.get(one["type"], one["label"])
        name = f"{label}: {one['name']}" + (f" ({one['id']})" if one["id"] else "")
        suite.setdefault((one["type"], number), (name, []))[1].append(finding)
    root = ET.Element("testsuites", name="social connections", timestamp=report["date"])
    for site, cases in sorted(suites.items()):
        element = ET.SubElement(root, "testsuite", name=_xml(site))
        failures = sum([_case(element, site, name, findings, policy) for name, findings in cases.values()])
        element.attrib.update(tests=str(len(cases)), failures=str(failures), errors="0", skipped="0")
    for key in ("tests", "failures"):
        root.set(key, str(sum(int(suite.get(key, "0")) for suite in root)))
    ET.indent(root, " ")
    return f'<?xml version="1.0" encoding="utf-8"?>\n{ET.tostring(root, encoding="unicode")}\n'


def _case(suite: ET.Element, site: str, name: str, findings: Sequence[Mapping[str, Any]], policy: Policy) -> bool:
    """Add a test case, and return whether it fails."""
    case = ET.SubElement(suite, "testcase", classname=_xml(site), name=_xml(name), time="0")
    failing = [one for one in findings if one["severity"] == "error" or policy.fails_on(one["code"], one["severity"])]
    others = [one for one in findings if one not in failing]
    if failing:
        failure = ET.SubElement(case, "failure", type=failing[0]["code"], message=_xml(failing[0]["text"]))
        failure.text = _xml("\n".join(map(_told, failing)))
    if others:
        ET.SubElement(case, "system-out").text = _xml("\n".join(map(_told, others)))
    return bool(failing)


def _told(finding: Mapping[str, Any]) -> str:
    return f"{finding['severity']}: {finding['text']} {finding['action']} {finding['connection']['url']}"


def _xml(text: str) -> str:
    return _NOT_IN_XML.sub("\ufffd", text)


class _Format:
    """A file: its name, what renders it, and the place of the date in it."""

    def __init__(self, name: str, render: Callable[[Report, Policy], str], date: str | None) -> None:
        self.name = name
        self.render = render
        self._date = re.compile(date) if date else None

    def without_date(self, text: str) -> str:
        """Return a file without what differs by the date of the audit only."""
        return self._date.sub("", text, count=1) if self._date else text


FORMATS = {
    "html": _Format("audit.html", lambda report, policy: page(report), r'<time datetime="[^"<>]*">[^<>]*</time>'),
    "json": _Format("audit.json", as_json, r'\n "date": "[^"]*"'),
    "csv": _Format("audit.csv", as_csv, None),
    "junit": _Format("audit.xml", as_junit, r' timestamp="[^"]*"'),
}


def audit_file(report: Report, form: str, policy: Policy, existing: str = "") -> str:
    """Return the content of a file, which is the ``existing`` one where they differ by the date only."""
    rendered = FORMATS[form].render(report, policy)
    same = FORMATS[form].without_date(existing) == FORMATS[form].without_date(rendered)
    return existing if same else rendered
