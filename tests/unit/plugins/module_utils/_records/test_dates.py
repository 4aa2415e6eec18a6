# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Dates of the wire as ISO 8601 in UTC."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.community.wpcom.plugins.module_utils._records import normalize
from ansible_collections.community.wpcom.plugins.module_utils._records.dates import time_left
from ansible_collections.community.wpcom.tests.unit.builders import NOW

DATES = st.datetimes(datetime(1971, 1, 1), datetime(2200, 1, 1)).map(lambda moment: moment.replace(microsecond=0))


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
        # No date: it stays as it is.
        ("soon", "soon"),
        ("2014-13-45 99:99:99", "2014-13-45 99:99:99"),
        ("9" * 30, "9" * 30),
        ("0001-01-01T00:00:00+23:59", "0001-01-01T00:00:00+23:59"),
        (1e300, "1e+300"),
        (2**64, str(2**64)),
    ],
)
@pytest.mark.parametrize("key", ["issued", "expires", "authorized"])
def test_all_forms_of_a_date_are_read(wire: Any, record: Any, key: str) -> None:
    assert normalize.publicize_connection({key: wire}, NOW)[key] == record


@given(DATES)
def test_one_moment_in_all_its_forms_is_one_date(moment: datetime) -> None:
    spaced = moment.strftime("%Y-%m-%d %H:%M:%S")
    seconds = int(moment.replace(tzinfo=timezone.utc).timestamp())
    forms = [spaced, spaced.replace(" ", ""), spaced.replace(" ", "T") + "+00:00", seconds, str(seconds)]
    records = {normalize.keyring_connection({"expires": form}, NOW)["expires"] for form in forms}
    assert records == {spaced.replace(" ", "T") + "Z"}


@pytest.mark.parametrize(
    ("expires", "left"),
    [
        ("2026-07-02T12:00:00Z", timedelta(days=1)),
        ("2026-06-30T12:00:00Z", timedelta(days=-1)),
        (None, None),
        ("soon", None),
        ("9999-99-99T00:00:00Z", None),
        (5, None),
    ],
)
def test_time_left_is_known_for_dates_only(expires: Any, left: Any) -> None:
    assert time_left(expires, NOW) == left
