# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The report of an audit: what its files hold, and the lines and statistics of a run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from ansible_collections.community.wpcom.plugins.module_utils._audit.drift import Drift
from ansible_collections.community.wpcom.plugins.module_utils._audit.findings import (
    Audit,
    application_site_id,
    application_title,
    audit,
)
from ansible_collections.community.wpcom.plugins.module_utils._audit.policy import (
    CODES,
    SEVERITIES,
    Finding,
    Policy,
)
from ansible_collections.community.wpcom.plugins.module_utils._audit.subjects import (
    AccountRecords,
    Site,
    one_line,
    site_ids,
)
from ansible_collections.community.wpcom.plugins.module_utils._errors import OptionError
from ansible_collections.community.wpcom.plugins.module_utils._records.normalize import scopes
from ansible_collections.community.wpcom.plugins.module_utils._records.record import Record

VERSION = 1
# The keys of what the module gathers.
GATHERED = (
    "publicize_connections",
    "keyring_connections",
    "services",
    "sites",
    "connected_applications",
    "account",
)
_MOST_LINES = 20
_WORDS = {"error": ("error", "errors"), "warning": ("warning", "warnings"), "info": ("note", "notes")}


def audit_report(
    accounts: Sequence[AccountRecords],
    policy: Policy,
    now: datetime,
    *,
    expected: Sequence[Mapping[str, Any]] | None = None,
    sites: Sequence[str] | None = None,
    unread_sites: Iterable[str] = (),
) -> dict[str, Any]:
    """Return ``report``, what the files hold, and ``statistics``, ``summary`` and ``failures`` of the run.

    ``sites`` are names of the only sites to look at, ``unread_sites`` those whose connections of other users could not be
    read. Raises OptionError.
    """
    if sites is not None:
        found_sites, unknown = site_ids(accounts, sites)
        if unknown:
            raise OptionError(
                f"sites: {', '.join(map(one_line, unknown))} not found among the sites of "
                f"{'the accounts' if len(accounts) > 1 else 'the account'}: correct the list, or use a token of a user of the site."
            )
        policy = replace(policy, sites=found_sites)
    for account in accounts:
        _check_sites(account)
    found = audit(accounts, policy, now, expected)
    report = _report(found, policy, now, expected is not None, unread_sites)
    failing = [finding for finding in found.findings if policy.fails(finding)]
    return {
        "report": report,
        "statistics": _statistics(found.findings),
        "summary": [_headline(report), *_lines(found.findings)],
        "failures": _lines(failing),
    }


def _check_sites(account: AccountRecords) -> None:
    """Refuse an account whose token does not see all of its sites: nothing would be reported of the others."""
    if account.site_ids is None:
        return
    missing = sorted(account.site_ids - site_ids([account], None)[0])
    if missing:
        more = f" and {len(missing) - 5} more" if len(missing) > 5 else ""
        name = account.name or (account.account or {}).get("username") or "of the token"
        raise OptionError(
            f"sites {', '.join(map(str, missing[:5]))}{more} of the inventory not found among the sites of the account "
            f"{one_line(name)}: set wpcom_api_token or wpcom_api_token_file to a token of this account, or update the inventory."
        )


def account_records(gathered: Mapping[str, Any], others: Sequence[Record] = ()) -> AccountRecords:
    """Return what was gathered of an account, as plain data; ``item`` of a loop has its name and the IDs of its sites."""
    item = gathered.get("item")
    item = item if isinstance(item, Mapping) else {}
    return AccountRecords(
        name=item.get("name") or None,
        other_connections=others,
        site_ids=frozenset(map(int, item["site_ids"])) if item.get("site_ids") else None,
        **{key: gathered[key] for key in GATHERED if gathered.get(key) is not None},
    )


def _report(found: Audit, policy: Policy, now: datetime, declared: bool, unread_sites: Iterable[str]) -> dict[str, Any]:
    severities = Counter(finding.severity for finding in found.findings)
    codes = Counter(finding.code for finding in found.findings)
    of: dict[tuple[str, Any], list[str]] = {}
    for finding in found.findings:
        of.setdefault((finding.connection["type"], finding.connection["id"]), []).append(finding.code)
    sites = _sites(found, policy)
    return {
        "version": VERSION,
        "date": now.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "accounts": [account.name for account in found.accounts],
        "counts": {
            "sites": len(sites),
            "connections": len(found.rows),
            **{severity: severities[severity] for severity in SEVERITIES},
        },
        "codes": {code: codes[code] for code in CODES},
        "findings": [finding.as_record() for finding in found.findings],
        "sites": [{"id": site.id, "site": site.label, "name": site.name, "url": site.url} for site in sites],
        "services": _services(found),
        "connections": [
            {**row.as_record(), "findings": of.get(("publicize", row.record["id"]), [])} for row in found.rows
        ],
        "applications": [
            {
                "id": record["id"],
                "account": account.name,
                "title": application_title(record),
                "scope": scopes(record.get("scope")),
                "site": account.site(application_site_id(record)).label if application_site_id(record) else None,
                "authorized": record.get("authorized"),
                "findings": of.get(("application", record["id"]), []),
            }
            for account, record in found.applications
        ],
        "drift": [_difference(one) for one in found.drift] if declared else None,
        "unread_sites": sorted(_label(sites, site) for site in unread_sites),
    }


def _label(sites: Sequence[Site], name: str) -> str:
    return next((site.label for site in sites if str(site.id) == name), one_line(name))


def _sites(found: Audit, policy: Policy) -> list[Site]:
    sites = {row.site.id: row.site for row in found.rows}
    for account in found.accounts:
        for number, site in account.sites.items():
            if account.includes(number) and policy.includes(number):
                sites[number] = site
    return sorted(sites.values(), key=lambda site: (site.label, site.id))


def _services(found: Audit) -> list[dict[str, str]]:
    """Return the services of the connections, in the order of WordPress.com."""
    used = {str(row.record.get("service")): row.label for row in found.rows}
    listed = [str(key) for account in found.accounts for key in account.labels]
    ordered = dict.fromkeys([*(key for key in listed if key in used), *sorted(used)])
    return [{"id": key, "label": used[key]} for key in ordered]


def _difference(one: Drift) -> dict[str, Any]:
    return {
        **one.finding.as_record(),
        "changes": [
            {"key": key, "existing": existing, "declared": declared} for key, existing, declared in one.changes
        ],
    }


def _statistics(findings: Sequence[Finding]) -> dict[str, Any]:
    """Return counts by severity and by code, and the IDs of what findings are about, by type."""
    severities = Counter(finding.severity for finding in findings)
    codes = Counter(finding.code for finding in findings)
    ids = {
        kind: sorted({one.connection["id"] for one in findings if one.connection["type"] == kind} - {None})
        for kind in ("publicize", "keyring", "application")
    }
    return {
        **{f"social_connections_audit_{severity}": severities[severity] for severity in SEVERITIES},
        **{f"social_connections_audit_{code}": codes[code] for code in CODES},
        "social_connections_audit_ids": ids["publicize"],
        "social_connections_audit_keyring_ids": ids["keyring"],
        "social_connections_audit_application_ids": ids["application"],
    }


def _headline(report: Mapping[str, Any]) -> str:
    counts = report["counts"]
    found = [f"{counts[key]} {_WORDS[key][counts[key] != 1]}" for key in SEVERITIES if counts[key]]
    connections = f"{counts['connections']} connection{'' if counts['connections'] == 1 else 's'}"
    sites = f"{counts['sites']} site{'' if counts['sites'] == 1 else 's'}"
    return f"{', '.join(report['accounts'])}: {', '.join(found) or 'no findings'} ({connections} on {sites})."


def _lines(findings: Sequence[Finding]) -> list[str]:
    """Return a line for each finding; a long list ends with the number of what it leaves out."""
    lines = [f"{one.severity}: {one.text} {one.action}" for one in findings[:_MOST_LINES]]
    rest = len(findings) - len(lines)
    return [*lines, *([f"and {rest} more"] if rest else [])]
