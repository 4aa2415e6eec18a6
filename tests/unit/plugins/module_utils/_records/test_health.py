# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether a connection works, and what repairs it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from ansible_collections.community.wpcom.plugins.module_utils._records import normalize
from ansible_collections.community.wpcom.tests.unit.builders import NOW, day

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
        ("ok", "soon", "ok", None),
        ("ok", "9999-99-99 00:00:00", "ok", None),
    ],
)
@pytest.mark.parametrize("normalise", [normalize.publicize_connection, normalize.keyring_connection])
def test_health_follows_the_status_and_the_days_that_are_left(
    normalise: Any, status: Any, expires: str, health: str, repair: Any
) -> None:
    record = normalise({"status": status, "expires": expires}, NOW)
    assert (record["health"], record["repair"]) == (health, repair)


def test_unknown_status_is_never_repaired_by_a_guess() -> None:
    record = normalize.publicize_connection({"status": "something-new", "refresh_URL": "https://x.invalid"}, NOW)
    assert (record["health"], record["repair"]) == ("unknown", None)


@pytest.mark.parametrize(("days", "health"), [(0, "ok"), (4, "ok"), (5, "expiring"), (365, "expiring")])
def test_expiring_within_moves_the_border(days: int, health: str) -> None:
    assert normalize.keyring_connection({"status": "ok", "expires": day(5)}, NOW, days)["health"] == health


def test_health_is_worked_out_again_when_a_record_is_normalised_again() -> None:
    record = normalize.keyring_connection({"status": "ok", "expires": day(5)}, NOW)
    assert normalize.keyring_connection(record, NOW - timedelta(days=100))["health"] == "ok"
