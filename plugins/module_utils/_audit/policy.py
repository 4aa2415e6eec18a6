# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What an audit can find, how severe each finding is, and what a run asks for."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Any

from .._errors import OptionError
from .._records.record import Record

# The most severe first.
SEVERITIES = ("error", "warning", "info")
# In the order in which findings of one severity are listed. An error means that posts do not arrive where they are expected.
CODES = {
    "broken": "error",
    "no_external_user": "error",
    "unsupported_service": "error",
    "missing": "error",
    "expiring": "warning",
    "unknown_status": "warning",
    "duplicate": "warning",
    "orphan": "warning",
    "twin_account": "warning",
    "different": "warning",
    "undeclared": "warning",
    "not_shared": "warning",
    "application_global_scope": "info",
    "application_old": "info",
}
APPLICATION_MAX_AGE_DAYS = 365
# A hundred years.
_LONGEST_DAYS = 36500


@dataclass(frozen=True)
class Policy:
    """What a run asks for. ``application_max_age`` is in days, 0 for any age; ``fail_on`` has codes and severities.

    ``sites`` are the numeric IDs to look at, None for all.
    """

    not_shared: bool = False
    application_max_age: int = APPLICATION_MAX_AGE_DAYS
    fail_on: Collection[str] = ()
    sites: Collection[int] | None = None

    def __post_init__(self) -> None:
        """Refuse what means nothing. Raises OptionError, which names the option and what to do."""
        check_fail_on(self.fail_on)
        if not 0 <= self.application_max_age <= _LONGEST_DAYS:
            raise OptionError(
                f"application_max_age must be from 0 to {_LONGEST_DAYS} days, got {self.application_max_age}."
            )

    def fails(self, finding: Finding) -> bool:
        """Whether a finding has the audit fail."""
        return self.fails_on(finding.code, finding.severity)

    def fails_on(self, code: str, severity: str) -> bool:
        """Whether a code of a severity has the audit fail."""
        return code in self.fail_on or severity in self.fail_on

    def includes(self, site_id: Any) -> bool:
        """Whether a site is looked at."""
        return self.sites is None or site_id in self.sites


def check_fail_on(values: Collection[str]) -> None:
    """Refuse values that are neither a code nor a severity. Raises OptionError."""
    wrong = [value for value in values if value not in CODES and value not in SEVERITIES]
    if wrong:
        raise OptionError(
            f"fail_on must have severities ({', '.join(SEVERITIES)}) or codes ({', '.join(CODES)}), "
            f"got {', '.join(map(repr, wrong))}."
        )


@dataclass(frozen=True)
class Finding:
    """One thing to know about a connection or an application, and what to do about it.

    ``site`` is the domain of the site, or its ID where the domain is not known, None for what has no site. ``connection``
    has ``id`` (None for one that does not exist), ``type`` (publicize, keyring or application), ``account`` (of
    WordPress.com), ``site_id``, ``service``, ``label`` of the service, ``name`` and ``url``, the page to manage it at.
    """

    code: str
    site: str | None
    connection: Record
    text: str
    action: str
    position: int = field(default=-1, compare=False)

    @property
    def severity(self) -> str:
        """Return how severe it is."""
        return CODES[self.code]

    @property
    def key(self) -> tuple[Any, ...]:
        """Return what it is about: no two findings have the same key."""
        return self.code, self.connection["type"], self.connection["id"], self.position

    @property
    def order(self) -> tuple[Any, ...]:
        """Return what findings are sorted by."""
        one = self.connection
        return (
            SEVERITIES.index(self.severity),
            list(CODES).index(self.code),
            one["account"],
            self.site or "",
            one["service"] or "",
            one["name"],
            one["id"] or 0,
            self.position,
        )

    def as_record(self) -> Record:
        """Return it as files and results have it."""
        return {
            "code": self.code,
            "severity": self.severity,
            "site": self.site,
            "connection": dict(self.connection),
            "text": self.text,
            "action": self.action,
        }


def unique(findings: Sequence[Finding]) -> list[Finding]:
    """Return findings in their order, each once."""
    return sorted({finding.key: finding for finding in reversed(findings)}.values(), key=lambda one: one.order)
