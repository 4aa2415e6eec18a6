# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Writes of which the confirmation is in trouble, too."""

from __future__ import annotations

from typing import Any, Optional
from unittest.mock import Mock

import pytest

from ansible_collections.community.wpcom.plugins.module_utils._api.confirm import confirmed
from ansible_collections.community.wpcom.plugins.module_utils._errors import (
    ApiError,
    ConnectError,
    IndeterminateWriteError,
    ResponseError,
    UnconfirmedWriteError,
    WpcomError,
)

LOST = IndeterminateWriteError(ConnectError("lost"), wait=0, timed_out=False)
FAILURES = [ApiError("refused", status=403), ConnectError("unreachable"), ResponseError("a page")]


def attempts(*responses: Any) -> Any:
    """Return a function that returns, or raises, one response for each call."""
    return Mock(side_effect=responses)


@pytest.fixture(name="transport")
def transport_without_time() -> Mock:
    """Return a transport with two retries that never waits."""
    return Mock(retries=2, timeout=1)


@pytest.mark.parametrize("failure", FAILURES)
@pytest.mark.parametrize("response", [None, "done"])
def test_second_attempt_fails(transport: Mock, failure: WpcomError, response: Optional[str]) -> None:
    """What the first attempt did is read back, whatever it is that ends the second one."""
    send, read_back = attempts(LOST, failure), attempts(None, response)
    if response is None:
        with pytest.raises(type(failure), match=failure.message):
            confirmed(transport, send, read_back)
    else:
        assert confirmed(transport, send, read_back) == ("done", LOST)


@pytest.mark.parametrize("failure", FAILURES)
def test_second_attempt_fails_and_nothing_can_be_read(transport: Mock, failure: WpcomError) -> None:
    """Then nobody knows whether the first attempt did something."""
    with pytest.raises(UnconfirmedWriteError, match="could not be read back: down"):
        confirmed(transport, attempts(LOST, failure), attempts(None, ConnectError("down")))


@pytest.mark.parametrize("failure", FAILURES)
def test_first_attempt_fails(transport: Mock, failure: WpcomError) -> None:
    """Nothing was done, so that nothing is read."""
    read_back = attempts()
    with pytest.raises(type(failure), match=failure.message):
        confirmed(transport, attempts(failure), read_back)
    assert not read_back.called
