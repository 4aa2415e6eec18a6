# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The audit: what was gathered of some accounts -> what is wrong, and what to do about it. No I/O."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Callable

from .._plan.external_users import pages
from .._plan.publicize import is_twin
from .._records.dates import time_left
from .._records.health import HEALTHY
from .._records.normalize import scopes
from .._records.record import Record, is_number
from .drift import Drift, drift
from .policy import Finding, Policy, unique
from .subjects import Account, AccountRecords, Row, plain, plain_name, rows, subject


@dataclass(frozen=True)
class Audit:
    """What an audit found: the findings, the connections, and the applications as ``(account, record)``."""

    accounts: tuple[Account, ...]
    findings: tuple[Finding, ...]
    rows: tuple[Row, ...]
    applications: tuple[tuple[Account, Record], ...]
    drift: tuple[Drift, ...]


def audit(
    accounts: Sequence[AccountRecords],
    policy: Policy,
    now: datetime,
    expected: Sequence[Mapping[str, Any]] | None = None,
) -> Audit:
    """Return what is wrong with the connections and applications of accounts.

    ``expected`` are options of ``wpcom_publicize_connection``, None where nothing is declared. The order of the accounts and
    of their records has no effect. Raises OptionError for a wrong entry of ``expected``.
    """
    known = tuple(sorted(map(Account.of, accounts), key=lambda one: (one.name, one.me or 0)))
    connections = rows(known, policy.includes)
    applications = [
        (account, record)
        for account in known
        for record in sorted(account.records.connected_applications, key=lambda one: str(one["id"]))
        if _is_in_scope(account, record, policy)
    ]
    differences = drift(known, policy, expected) if expected is not None else ()
    findings = [
        *(finding for row in connections for finding in _of_connection(row, policy)),
        *_duplicates(connections),
        *(finding for account in known for finding in _of_keyrings(account, connections, policy)),
        *(finding for account, record in applications for finding in _of_application(account, record, policy, now)),
        *(difference.finding for difference in differences),
    ]
    return Audit(known, tuple(unique(findings)), tuple(connections), tuple(applications), tuple(differences))


# Publicize connections


def _of_connection(row: Row, policy: Policy) -> Iterator[Finding]:
    code = health_code(row.record)
    if code is not None:
        text, action = _HEALTH[code](row.record, f"{row.what} on {row.site.label}", row.label, row.account_name)
        if code == "no_external_user":
            action = _choose_page(row)
        yield _finding(row, code, text, action if row.mine else f"Ask {row.owner}, who owns the connection: {action}")
    if row.mine and row.keyring is None:
        yield _finding(
            row,
            "orphan",
            f"{row.what} on {row.site.label} still posts, although the account is no longer connected to WordPress.com.",
            "Delete the connection. Connect the account again if the site must go on posting to it.",
        )
    if policy.not_shared and row.mine and row.record.get("shared") is False:
        yield _finding(
            row,
            "not_shared",
            f"{row.what} on {row.site.label} is not shared: posts of other authors of the site are not posted there.",
            "Share the connection with all users of the site.",
        )


def _finding(row: Row, code: str, text: str, action: str) -> Finding:
    return Finding(code, row.site.label, row.subject, text, action)


def health_code(record: Mapping[str, Any]) -> str | None:
    """Return the code of the health of a publicize or keyring connection, None for a healthy one."""
    if record["health"] in HEALTHY:
        return None
    if record["health"] in ("expiring", "unknown"):
        return {"expiring": "expiring", "unknown": "unknown_status"}[record["health"]]
    special = {"remove": "unsupported_service", "choose_external_user": "no_external_user"}
    return special.get(str(record.get("repair")), "broken")


Texts = tuple[str, str]


def _broken(record: Mapping[str, Any], what: str, label: str, account: str) -> Texts:
    expires = record.get("expires")
    expired = record.get("status") != "invalid" and record.get("status") != "broken" and isinstance(expires, str)
    since = f" It expired on {str(expires)[:10]}." if expired else ""
    return f"{what} is broken: nothing is posted.{since}", _repair(record, label, account)


def _expiring(record: Mapping[str, Any], what: str, label: str, account: str) -> Texts:
    expires = record.get("expires")
    until = f" before {expires[:10]}" if isinstance(expires, str) else ""
    return f"{what} still works, but has to be refreshed{until}.", _repair(record, label, account)


def _repair(record: Mapping[str, Any], label: str, account: str) -> str:
    if record.get("repair") == "reconnect":
        return f"Disconnect {label} {account} and connect it again, on the connections page."
    return f"Refresh {label} {account} on the connections page."


def _unknown_status(record: Mapping[str, Any], what: str, label: str, account: str) -> Texts:
    status = plain(record.get("status"))
    return (
        f"{what} has the status {status}, which this version of the collection does not know.",
        f"Check on the connections page whether {label} {account} works.",
    )


def _unsupported(record: Mapping[str, Any], what: str, label: str, account: str) -> Texts:
    return (
        f"{what} posts nothing: WordPress.com no longer supports {label}.",
        f"Delete the connection to {label} {account}.",
    )


def _no_external_user(record: Mapping[str, Any], what: str, label: str, account: str) -> Texts:
    return f"{what} posts nothing: {label} supports posting to pages only, and no page was chosen.", ""


def _choose_page(row: Row) -> str:
    names = [plain_name(page) for page in pages(row.keyring or {})]
    if not names:
        return f"Create a page at {row.label}, refresh {row.label} {row.account_name}, and choose the page."
    more = f" and {len(names) - 5} more" if len(names) > 5 else ""
    return f"Choose the page to post to, on the connections page: {', '.join(names[:5])}{more}."


_HEALTH: dict[str, Callable[[Mapping[str, Any], str, str, str], Texts]] = {
    "broken": _broken,
    "expiring": _expiring,
    "unknown_status": _unknown_status,
    "unsupported_service": _unsupported,
    "no_external_user": _no_external_user,
}


def _duplicates(connections: Sequence[Row]) -> Iterator[Finding]:
    """Yield a finding for each connection but the oldest of those that post to the same place."""
    by_place: dict[Any, list[Row]] = {}
    for row in connections:
        by_place.setdefault(row.place, []).append(row)
    for first, *others in by_place.values():
        for row in others:
            if is_twin(first.record, row.record):
                number, oldest = row.record["id"], first.record["id"]
                of = "" if first.owner == row.owner else f" of {first.owner}"
                action = f"Delete connection {number}, and keep connection {oldest}{of}."
                if not row.mine:
                    # Only its owner can delete it.
                    own = f"Delete connection {oldest}, or ask" if first.mine else "Ask"
                    action = f"{own} {row.owner} to delete connection {number}."
                yield _finding(
                    row,
                    "duplicate",
                    f"{row.what} is connected to {row.site.label} more than once: each post appears twice, by connection "
                    f"{number} and by connection {oldest}{of}.",
                    action,
                )


# Accounts at services


def _of_keyrings(account: Account, connections: Sequence[Row], policy: Policy) -> Iterator[Finding]:
    """Yield findings of accounts: the health that none of their connections shows, and accounts that exist twice."""
    sites: dict[Any, set[Any]] = {}
    for record in account.own:
        sites.setdefault(record.get("keyring_connection_id"), set()).add(record.get("site_id"))
    shown = {(row.record.get("keyring_connection_id"), health_code(row.record)) for row in connections}
    restricted = policy.sites is not None or account.records.site_ids is not None
    in_scope = {
        number: keyring
        for number, keyring in sorted(account.keyrings.items())
        if any(account.includes(site) and policy.includes(site) for site in sites.get(number, ()))
        or (not restricted and number not in sites)
    }
    for number, keyring in in_scope.items():
        code = health_code(keyring)
        if code is not None and (number, code) not in shown:
            label, name = account.label(keyring), plain_name(keyring)
            text, action = _HEALTH[code](keyring, f"{label} {name}", label, name)
            yield Finding(code, None, _keyring_subject(account, keyring), text, action)
    yield from _twin_accounts(account, in_scope, sites)


def _twin_accounts(
    account: Account, keyrings: Mapping[Any, Record], sites: Mapping[Any, Sequence[Any] | set[Any]]
) -> Iterator[Finding]:
    alike: dict[Any, list[Record]] = {}
    for keyring in account.keyrings.values():
        if keyring.get("external_id"):
            alike.setdefault((keyring.get("service"), keyring["external_id"]), []).append(keyring)
    for twins in alike.values():
        # The one that most sites use is kept, of several the oldest.
        kept, *others = sorted(twins, key=lambda one: (-len(sites.get(one["id"], ())), one["id"]))
        for keyring in others:
            if keyring["id"] not in keyrings and kept["id"] not in keyrings:
                continue
            count = len(sites.get(keyring["id"], ()))
            used = f"which {count} {'site uses' if count == 1 else 'sites use'}" if count else "which no site uses"
            move = "" if not count else f" after its sites use {kept['id']}"
            label, name = account.label(keyring), plain_name(keyring)
            yield Finding(
                "twin_account",
                None,
                _keyring_subject(account, keyring),
                f"{label} {name} is connected to WordPress.com more than once: as keyring connection {kept['id']}, and as "
                f"{keyring['id']}, {used}.",
                f"Disconnect keyring connection {keyring['id']}{move}.",
            )


def _keyring_subject(account: Account, keyring: Record) -> Record:
    return subject("keyring", keyring, account.name, account.label(keyring), plain_name(keyring), None)


# Applications


def _is_in_scope(account: Account, record: Record, policy: Policy) -> bool:
    """Whether an application is looked at: one for a single site only with that site."""
    site_id = application_site_id(record)
    return site_id is None or (account.includes(site_id) and policy.includes(site_id))


def application_site_id(record: Mapping[str, Any]) -> int | None:
    """Return the ID of the only site that an application has access to, None where it is not restricted to one."""
    number = str((record.get("site") or {}).get("site_id") or "")
    return int(number) if is_number(number) else None


def application_title(record: Mapping[str, Any]) -> str:
    """Return the title of an application."""
    return plain(record.get("title") or "") or "unnamed application"


def _of_application(account: Account, record: Record, policy: Policy, now: datetime) -> Iterator[Finding]:
    title, authorized = application_title(record), record.get("authorized")
    site_id = application_site_id(record)
    site = account.site(site_id) if site_id else None
    about = subject("application", record, account.name, None, title, site)
    since = f" since {authorized[:10]}" if isinstance(authorized, str) else ""
    if "global" in scopes(record.get("scope")):
        yield Finding(
            "application_global_scope",
            site.label if site else None,
            about,
            f"The application {title} has full access to the account {account.name} and all of its sites{since}.",
            f"Revoke the access of {title} if it is not needed, or authorize it with fewer scopes.",
        )
    left = time_left(authorized, now)
    if policy.application_max_age and left is not None and -left.days > policy.application_max_age:
        yield Finding(
            "application_old",
            site.label if site else None,
            about,
            f"The application {title} has access to {site.label if site else f'the account {account.name}'}{since}, for "
            f"more than {policy.application_max_age} days.",
            f"Check whether {title} is still used, and revoke its access if it is not.",
        )
