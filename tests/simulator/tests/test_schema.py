# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The simulator against its own description: whatever is sent, what comes back is as openapi.yaml says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from .. import Simulator

schemathesis = pytest.importorskip("schemathesis")

DOCUMENT = Path(__file__).parents[1] / "openapi.yaml"

schema = schemathesis.openapi.from_path(str(DOCUMENT))
schema.config.generation.update(
    modes=[schemathesis.GenerationMode.POSITIVE, schemathesis.GenerationMode.NEGATIVE],
    max_examples=30,
    deterministic=True,
)
schema.config.phases.update(phases=["examples", "coverage", "fuzzing"])

# The real server drops what it does not know and casts what it is given, without a word; and without a token
# it says 403, where the check wants 401 and takes no other.
LENIENT = schemathesis.checks.CHECKS.get_by_names(["negative_data_rejection", "missing_required_header"])
# What may be written depends on the account as well: a body can be fine and still be refused.
DEPENDENT = schemathesis.checks.CHECKS.get_by_names(["positive_data_acceptance"])


@pytest.fixture(scope="module")
def described(running_simulator: Simulator) -> Simulator:
    """The simulator; each case makes it new, since many cases make up one test."""
    return running_simulator


@schema.parametrize()  # type: ignore[untyped-decorator]
def test_operation(case: Any, described: Simulator) -> None:
    """Every answer has a status, type, headers and shape that are described."""
    # One source has 401 for a wrong token; the check for ignored tokens knows only that.
    described.reset(switches={"invalid_token_status": 401})
    writes = case.operation.method.upper() == "POST"
    case.call_and_validate(
        base_url=described.url,
        headers={"Authorization": "Bearer sim-token"},
        excluded_checks=LENIENT + (DEPENDENT if writes or "/oauth2" in case.operation.label else []),
        timeout=10,
    )
    assert [entry["status"] for entry in described.requests() if (entry["status"] or 500) >= 500] == []
