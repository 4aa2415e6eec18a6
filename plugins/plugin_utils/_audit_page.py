# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The page of an audit: one file of HTML without any request to elsewhere, rendered outside of Ansible's templating.

Names come from other people's accounts: the template escapes everything, and the page runs no script and applies no style
but its own.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template
from markupsafe import Markup, escape

from ansible_collections.community.wpcom.plugins.module_utils._audit.policy import SEVERITIES

_ROLE = Path(__file__).resolve().parents[2] / "roles" / "social_connections_audit"
_LONGEST_NAME = 120
# How many places an item lists before the rest is folded.
_MOST_PLACES = 8
# How many findings of one code have items of their own.
_MOST_SINGLE = 3

TITLES = {
    "broken": "Broken",
    "no_external_user": "No page chosen",
    "unsupported_service": "No longer supported",
    "missing": "Missing",
    "expiring": "Expires soon",
    "unknown_status": "Unknown status",
    "duplicate": "Posts twice",
    "orphan": "Account disconnected",
    "twin_account": "Connected twice",
    "different": "Differs",
    "undeclared": "Not declared",
    "not_shared": "Not shared",
    "application_global_scope": "Full access",
    "application_old": "Old access",
}
# The worst first: a cell of the matrix shows the worst of its connections.
_HEALTH = ("broken", "expiring", "unknown", "untested", "ok")
_SEVERITY_OF_HEALTH = {"broken": "error", "expiring": "warning", "unknown": "warning"}
_APPLICATIONS = "Applications"


def page(report: Mapping[str, Any]) -> str:
    """Return ``audit.html``."""
    template, style, script = _parts()
    return template.render(
        report=report,
        date=f"{report['date'][:10]} {report['date'][11:16]} UTC",
        style=style,
        script=script,
        policy=_policy(style, script),
        titles=TITLES,
        work=list(_work(report)),
        matrix=list(_matrix(report)),
        connections=sorted(report["connections"], key=_urgency),
        owners=len({row["owner"] for row in report["connections"]}) > 1,
        applications=[{**one, "age": _age(one["authorized"], report["date"])} for one in report["applications"]],
        severities=[(severity, report["counts"][severity]) for severity in SEVERITIES],
        healthy=sum(not row["findings"] for row in report["connections"]),
    )


@lru_cache(maxsize=1)
def _parts() -> tuple[Template, str, str]:
    environment = Environment(
        autoescape=True,
        loader=FileSystemLoader(_ROLE / "templates"),
        lstrip_blocks=True,
        trim_blocks=True,
        undefined=StrictUndefined,
    )
    environment.filters["shorten"] = _shortened
    environment.filters["breakable"] = _breakable
    environment.filters["shorten_text"] = _shortened_text
    template = environment.get_template("audit.html.j2")
    return template, _file("audit.css"), _file("audit.js")


def _file(name: str) -> str:
    """Return a file of the role without the comment at its beginning."""
    text = (_ROLE / "files" / name).read_text(encoding="utf-8")
    return "\n" + re.sub(r"\A/\*.*?\*/\s*", "", text, flags=re.DOTALL)


def _policy(style: str, script: str) -> str:
    """Return a content security policy that allows nothing but this style and this script."""
    hashes = [base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in (style, script)]
    return (
        f"default-src 'none'; style-src 'sha256-{hashes[0]}'; script-src 'sha256-{hashes[1]}'; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )


def _shortened(text: Any, longest: int = _LONGEST_NAME) -> str:
    """Return a name that does not take the whole page."""
    name = str(text)
    return name if len(name) <= longest else f"{name[: longest - 1]}\u2026"


def _breakable(text: Any) -> Markup:
    """Return a domain that is broken after a dot where there is not enough room."""
    return Markup("<wbr>").join(escape(part) for part in re.split(r"(?<=\.)", _shortened(text)))


def _shortened_text(text: Any) -> str:
    """Return a sentence with names in it, of a length that can be read."""
    words = re.sub(rf"\S{{{_LONGEST_NAME},}}", lambda found: _shortened(found[0], _LONGEST_NAME // 2), str(text))
    return _shortened(words, 4 * _LONGEST_NAME)


def _work(report: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield what to do, grouped by account and service; what is done in the same way for several is one item."""
    accounts = {row["id"]: row["account_name"] for row in report["connections"]}
    groups: dict[tuple[str, str], dict[tuple[str, str], list[Mapping[str, Any]]]] = {}
    for finding in report["findings"]:
        one = finding["connection"]
        label = _APPLICATIONS if one["type"] == "application" else one["label"] or "Connections"
        account = accounts.get(one["id"], one["name"]) if one["type"] == "publicize" else one["name"]
        name = account if label == _APPLICATIONS else f"{one['label']} {account}"
        alike = finding["action"].replace(name, "each application" if label == _APPLICATIONS else "each account")
        groups.setdefault((one["account"], label), {}).setdefault((finding["code"], alike), []).append(finding)
    ordered = sorted(
        groups.items(),
        key=lambda group: (
            group[0][1] == _APPLICATIONS,
            [
                -sum(one["severity"] == severity for found in group[1].values() for one in found)
                for severity in SEVERITIES
            ],
            group[0],
        ),
    )
    for (account, label), items in ordered:
        yield {"account": account, "label": label, "items": [_item(*item) for item in _merged(items)]}


def _merged(
    items: Mapping[tuple[str, str], list[Mapping[str, Any]]],
) -> Iterator[tuple[str | None, list[Mapping[str, Any]]]]:
    """Yield the action and the findings of each item; many findings of one code, each with an action of its own, are one."""
    single = Counter(code for (code, _alike), found in items.items() if len(found) == 1)
    merged: dict[str, list[Mapping[str, Any]]] = {}
    for (code, _alike), found in items.items():
        if len(found) == 1 and single[code] > _MOST_SINGLE:
            merged.setdefault(code, []).extend(found)
    for (code, alike), found in items.items():
        if len(found) > 1 or code not in merged:
            yield alike, found
        elif found[0] is merged[code][0]:
            yield None, merged[code]


def _item(alike: str | None, found: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    first = found[0]
    places = [
        {
            "site": "connected applications" if one["connection"]["type"] == "application" else one["site"],
            "name": one["connection"]["name"],
            "url": one["connection"]["url"],
            "note": one["action"] if alike is None else "",
        }
        for one in found
    ]
    return {
        "code": first["code"],
        "severity": first["severity"],
        "text": first["text"] if len(found) == 1 else None,
        "action": first["action"] if len(found) == 1 else alike,
        "count": len(found),
        "places": places[:_MOST_PLACES],
        "more": places[_MOST_PLACES:],
    }


def _matrix(report: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield a row for each site with the worst health of each service, the sites with the most severe findings first."""
    cells: dict[int, dict[str, list[str]]] = {}
    for row in report["connections"]:
        cells.setdefault(row["site_id"], {}).setdefault(str(row["service"]), []).append(row["health"])
    rows = []
    for site in report["sites"]:
        found = cells.get(site["id"], {})
        states = [_state(found.get(service["id"], [])) for service in report["services"]]
        worst = min((_HEALTH.index(state["health"]) for state in states if state), default=len(_HEALTH))
        rows.append((worst if worst < 3 else 3, site["site"], site["id"], {"site": site, "states": states}))
    for *_order, row in sorted(rows, key=lambda one: one[:3]):
        yield row


def _state(healths: Sequence[str]) -> dict[str, Any] | None:
    if not healths:
        return None
    counts = Counter(healths)
    worst = min(counts, key=_HEALTH.index)
    number = f"{counts[worst]} of {len(healths)}" if 0 < counts[worst] < len(healths) else f"{len(healths)}"
    return {"health": worst, "count": number if len(healths) > 1 else ""}


def _urgency(row: Mapping[str, Any]) -> tuple[Any, ...]:
    severity = SEVERITIES.index(_SEVERITY_OF_HEALTH.get(row["health"], "info"))
    return severity, not row["findings"], row["site"], row["label"], row["name"], row["id"]


def _age(authorized: Any, date: str) -> str:
    """Return an age in words that does not change from day to day."""
    try:
        days = (_moment(date) - _moment(str(authorized))).days
    except ValueError:
        return ""
    for length, word in ((365, "year"), (30, "month")):
        if days >= length:
            number = days // length
            return f"{number} {word}{'' if number == 1 else 's'}"
    return "less than a month"


def _moment(date: str) -> datetime:
    return datetime.strptime(date, "%Y-%m-%dT%H:%M:%SZ")
