# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A session with the API: errors come with a hint, several requests at once with their own errors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import pytest

from ansible_collections.community.wpcom.plugins.module_utils._cache.read_cache import ReadCache
from ansible_collections.community.wpcom.plugins.module_utils._errors import ApiError, WpcomError
from ansible_collections.community.wpcom.plugins.module_utils._operations import (
    DeletePublicizeConnection,
    GetAccount,
    GetPublicizeConnection,
    UpdatePublicizeConnection,
)
from ansible_collections.community.wpcom.plugins.module_utils._session import Session, SessionSettings
from ansible_collections.community.wpcom.tests.unit.support import Script, ScriptedResponse, json_response, options

ACCOUNT = json_response({"ID": 1, "token_scope": ["posts"], "token_site_id": False})


def refused(status: int, slug: str, message: str = "Nein.") -> ScriptedResponse:
    """Return an error of the API."""
    return json_response({"error": slug, "message": message}, status)


@pytest.fixture
def session(served_by: Any) -> Callable[..., tuple[Session, Script]]:
    """Return a function that opens a session whose requests a script responds to."""

    def opened(*answers: ScriptedResponse, **settings: Any) -> tuple[Session, Script]:
        script = served_by(Script(*answers))
        made = Session(options(retries=0), ReadCache(), SessionSettings(**settings))
        return made, script

    return opened


def paths(script: Script) -> list[str]:
    """Return the paths of the requests."""
    return [urlsplit(sent.request.url or "").path.replace("/rest/v1.1", "") for sent in script.sent]


def failure(made: Session, connection_id: int = 5) -> ApiError:
    """Return the error of a read."""
    with pytest.raises(ApiError) as caught:
        made.fetch(GetPublicizeConnection(connection_id))
    return caught.value


def test_response_is_returned(session: Any) -> None:
    made, script = session(ACCOUNT)
    assert made.fetch(GetAccount())["token_scope"] == ["posts"]
    assert paths(script) == ["/me"]


def test_days_before_an_expiry_are_those_of_the_settings(session: Any) -> None:
    record = {"ID": 5, "status": "ok", "expires": "2099-01-01 00:00:00"}
    for days, health in ((14, "ok"), (36500, "expiring")):
        made, _script = session(json_response(record), expiring_within=days)
        assert made.fetch(GetPublicizeConnection(5))["health"] == health


def test_hint_follows_the_text_of_the_api(session: Any) -> None:
    made, script = session(refused(400, "publicize_disabled", "Das hat nicht geklappt."))
    message = failure(made).message
    assert message.startswith("Could not read publicize connection 5: HTTP 400")
    assert "geklappt. Jetpack Social is disabled on this site" in message
    assert ".." not in message
    assert len(script.sent) == 1


def test_operation_has_a_hint_too(session: Any) -> None:
    made, _script = session(refused(400, "insert_error"))
    with pytest.raises(ApiError) as caught:
        made.apply(UpdatePublicizeConnection(5, shared=True))
    assert "connected to this site already" in caught.value.message


def test_account_is_asked_once_for_all_refusals(session: Any) -> None:
    made, script = session(
        refused(403, "authorization_required"), ACCOUNT, refused(403, "authorization_required"), ACCOUNT
    )
    for _refusal in range(2):
        assert "This token has the scope posts, but sharing or global is required" in failure(made).message
    assert paths(script) == ["/me/publicize-connections/5", "/me", "/me/publicize-connections/5"]


def test_refusal_is_reported_where_the_account_cannot_be_read(session: Any) -> None:
    made, _script = session(refused(403, "authorization_required"), refused(500, "server_error"))
    error = failure(made)
    assert error.code == "authorization_required"
    assert "The token requires the scope sharing or global" in error.message


def test_account_that_cannot_be_read_is_not_asked_for_again(session: Any) -> None:
    refusal = refused(403, "authorization_required")
    made, script = session(refusal)
    made.fetch_all([GetPublicizeConnection(5), GetPublicizeConnection(6)])
    assert sorted(paths(script)) == ["/me", "/me/publicize-connections/5", "/me/publicize-connections/6"]


def test_each_of_several_queries_ends_with_its_response_or_its_error(session: Any) -> None:
    made, _script = session(json_response({"ID": 5}), refused(400, "publicize_disabled"), json_response({"ID": 7}))
    first, error, last = made.fetch_all([GetPublicizeConnection(number) for number in (5, 6, 7)])
    assert (first["id"], last["id"]) == (5, 7)
    assert isinstance(error, WpcomError)
    assert "enable it" in error.message


def test_write_in_check_mode_is_stopped(served_by: Any) -> None:
    script = served_by(Script(json_response({})))
    made = Session(options(), ReadCache(check_mode=True), SessionSettings(), check_mode=True)
    with pytest.raises(WpcomError) as caught:
        made.apply(DeletePublicizeConnection(5))
    assert caught.value.code == "write_in_check_mode"
    assert script.sent == []


def test_connections_are_closed(session: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    made, script = session(ACCOUNT)
    closed: list[bool] = []
    monkeypatch.setattr(script, "close", lambda: closed.append(True))
    made.close()
    assert closed
