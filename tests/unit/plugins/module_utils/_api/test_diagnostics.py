# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What one GET of the diagnosis tells besides its document."""

from __future__ import annotations

from typing import Any, Optional
from unittest import mock

import pytest
import requests

from ansible_collections.community.wpcom.plugins.module_utils._api import diagnostics
from ansible_collections.community.wpcom.plugins.module_utils._api.diagnostics import Diagnostics, GetRaw, RawResponse
from ansible_collections.community.wpcom.tests.unit.support import (
    Script,
    ScriptedResponse,
    json_response,
    page,
    transport,
)

DATE = "Sat, 28 Nov 2026 12:00:00 GMT"
NOON = 1795867200.0


def ask(*responses: Any, began: float = NOON, seconds: float = 4.0) -> RawResponse:
    """Return what is told of one response that took some seconds."""
    script = Script(*responses)
    with mock.patch.object(diagnostics, "time") as time:
        time.time.return_value = began
        time.monotonic.side_effect = [100.0, 100.0 + seconds]
        return Diagnostics(transport("http://api.invalid", script=script)).get(GetRaw("/me"))


@pytest.mark.parametrize(
    ("headers", "skew"),
    [
        # It was made in the middle of the four seconds.
        ({"Date": DATE}, -2.0),
        ({"Date": DATE, "Age": "0"}, -2.0),
        ({"Date": DATE, "Age": " "}, -2.0),
        ({"Date": DATE, "Age": "5"}, None),
        ({"Date": "yesterday"}, None),
        ({}, None),
    ],
)
def test_skew(headers: dict[str, str], skew: Optional[float]) -> None:
    found = ask(json_response({"ID": 1}, **headers))
    assert (found.skew, found.seconds) == (skew, 4.0)


@pytest.mark.parametrize(
    ("response", "expected"),
    [
        (json_response({"error": "unauthorized", "message": "No."}, 403), (403, "unauthorized", False)),
        (json_response({"error": "unauthorized", "message": "No."}), (200, "", False)),
        (page("<html>Log in</html>"), (200, "", False)),
        (page("", 404), (404, "", True)),
    ],
)
def test_code_and_emptiness(response: ScriptedResponse, expected: tuple[int, str, bool]) -> None:
    found = ask(response)
    assert (found.status, found.code, found.is_empty) == expected


def test_seconds_until_there_was_no_response() -> None:
    found = ask(requests.exceptions.ConnectionError("refused"), seconds=7.0)
    assert (found.status, found.seconds, found.skew) == (None, 7.0, None)
    assert found.failure
