# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Counter-examples that the searches have found, each as a test of what it was an example of."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from ansible_collections.community.wpcom.plugins.module_utils._oauth.server import token_document, utc_now
from ansible_collections.community.wpcom.plugins.module_utils._records import normalize
from ansible_collections.community.wpcom.plugins.module_utils._records.record import is_number
from ansible_collections.community.wpcom.tests.search.in_process import URL, InProcess, Run
from ansible_collections.community.wpcom.tests.unit.support import run, unset


@pytest.fixture
def server() -> Iterator[InProcess]:
    """Return the simulator with its default world."""
    with InProcess().connected() as connected:
        yield connected


GONE: dict[str, tuple[str, dict[str, Any], str, list[int]]] = {
    "publicize": ("publicize", {"id": 5002, "state": "absent"}, "publicize_connections", [5002]),
    "keyring": ("keyring", {"id": 2008, "state": "absent"}, "keyring_connections", [2008]),
    "application": ("application", {"id": 7002, "state": "absent"}, "applications", [7002]),
    "bulk": (
        "bulk",
        {"connections": [{**unset("publicize"), "id": 5002, "state": "absent"}], "report": "all"},
        "publicize_connections",
        [5002],
    ),
}


@pytest.mark.parametrize(("kind", "task", "section", "ids"), GONE.values(), ids=GONE)
def test_deleted_by_another_controller(
    server: InProcess, kind: str, task: dict[str, Any], section: str, ids: list[int]
) -> None:
    """What another controller deletes between our reading and our deletion is no change of ours."""
    delete = Run(interludes={("POST", 0): lambda: server.core.patch({"delete": {section: ids}})})
    with server.recorded(delete):
        outcome = run(kind, URL, **task)
    assert not outcome.failed, outcome.result
    assert delete.entries[-1]
    assert (delete.entries[-1]["method"], delete.entries[-1]["status"]) == ("POST", 404)
    assert outcome.result["changed"] is False
    if kind == "bulk":
        assert outcome.result["diff"] == []
        assert outcome.result["summary"]["unchanged"] == 1
        assert outcome.result["actions"][0]["action"] == "unchanged"
    else:
        assert outcome.result["diff"]["before"] == outcome.result["diff"]["after"] == {}


@pytest.mark.parametrize("key", ["issued", "expires", "authorized"])
@pytest.mark.parametrize("value", [2**64, -(2**64), 1e300])
def test_number_that_is_no_date(key: str, value: Any) -> None:
    """It is a text, as every date is: the audit looks at the first ten characters of it."""
    assert normalize.connected_application({"ID": 1, key: value})[key] == str(value)


@pytest.mark.parametrize("value", [[], {"a": 1}, [5]])
def test_list_that_is_no_date(value: Any) -> None:
    """A date of another type is a response of another form."""
    record = normalize.connected_application({"ID": 1, "authorized": value})
    with pytest.raises(ValueError, match="authorized is"):
        normalize.require_types(record)


@pytest.mark.parametrize("digits", [40, 5000])
def test_number_of_thousands_of_digits(digits: int) -> None:
    """Python does not convert it, so it is a text wherever a number may be one."""
    response = {"access_token": "x", "blog_id": "9" * digits}
    assert token_document(response, {}, utc_now())["blog_id"] is None
    assert not is_number("9" * digits)
    assert is_number("9" * 39)
