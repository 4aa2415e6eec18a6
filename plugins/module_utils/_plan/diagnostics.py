# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Planning of what ``wpcom_diagnostics_info`` reads, and what it returns of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .._cache.read_cache import Cache
from .diagnosis import Observations
from .diagnosis_checks import connection_checks, token_checks, wire_checks
from .diagnosis_report import make_report
from .diagnosis_uncertainties import UNCERTAINTIES
from .plan import Plan


def plan_diagnostics(params: Mapping[str, Any], cache: Cache) -> Plan:
    """Return a plan that changes nothing and whose result is the diagnosis. Raises ReadsNeeded; nothing found is an error."""
    seen = Observations(cache)
    seen.first()
    # The order is that of the requests: the lists, then what takes one request for one uncertainty.
    token, wire = token_checks(seen), wire_checks(seen)
    uncertainties = [uncertainty.check(seen) for uncertainty in UNCERTAINTIES]
    checks = [*connection_checks(seen), *token, *wire, *uncertainties]
    return Plan(result={"checks": [check.to_result() for check in checks], "report": make_report(seen, checks)})
