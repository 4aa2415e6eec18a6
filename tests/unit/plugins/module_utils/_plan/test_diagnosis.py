# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a diagnosis asks for, what it no longer asks for, and what it makes of the lists that it read."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, Union

import pytest

from ansible_collections.community.wpcom.plugins.module_utils._api.diagnostics import (
    GetEnvironment,
    GetRaw,
    RawResponse,
)
from ansible_collections.community.wpcom.plugins.module_utils._http.environment import Environment
from ansible_collections.community.wpcom.plugins.module_utils._http.request import (
    ANONYMOUS,
    TOKEN,
    TOKEN_PARAMETER,
    WRONG_TOKEN,
)
from ansible_collections.community.wpcom.plugins.module_utils._plan.diagnosis import (
    SOURCES,
    Check,
    Observations,
    Source,
    Undecided,
)
from ansible_collections.community.wpcom.plugins.module_utils._plan.diagnosis_uncertainties import UNCERTAINTIES
from ansible_collections.community.wpcom.plugins.module_utils._records import wire

HERE = Environment(
    scheme="https",
    host="api.example",
    port=443,
    addresses=2,
    resolution_error="",
    seconds=0.01,
    proxy="",
    is_default_api=False,
    is_loopback=False,
    has_token=True,
    validate_certs=True,
    own_ca=False,
    http_envelope=False,
    versions=(("collection", "0.1.0"), ("python", "3.13.0")),
)
ACCOUNT = {"ID": 1001, "primary_blog": 3001, "token_scope": ["global"], "token_site_id": False, "token_client_id": 5}
DOCUMENTS: dict[str, Any] = {
    "/me": ACCOUNT,
    "/me/publicize-connections/": {"connections": []},
    "/me/keyring-connections/": {"connections": []},
    "/me/connected-applications/": {"connected_applications": []},
    "/meta/external-services/": {"services": {}},
    "/me/sites": {"sites": []},
}
Responses = Mapping[Union[str, GetRaw], RawResponse]


def changed(**fields: Any) -> Environment:
    """Return another environment."""
    return Environment(**{**vars(HERE), **fields})


def success(document: Any, **more: Any) -> RawResponse:
    """Return a success."""
    return RawResponse(status=200, document=document, **more)


def refusal(status: int, code: str = "", **more: Any) -> RawResponse:
    """Return an error, empty where it has no code."""
    return RawResponse(status=status, failure="refusal", code=code, is_empty=not code, **more)


class Read:
    """A cache in which every list was read with either token, and of all else what is given; ``asked`` is what was read."""

    check_mode = False

    def __init__(self, responses: Responses, environment: Environment) -> None:
        self.environment = environment
        self.asked: list[GetRaw] = []
        self.responses: dict[GetRaw, RawResponse] = {
            GetRaw(path, (), credentials): success(document)
            for path, document in DOCUMENTS.items()
            for credentials in (TOKEN, ANONYMOUS)
        }
        for query, response in responses.items():
            keys = [query] if isinstance(query, GetRaw) else [GetRaw(query), GetRaw(query, (), ANONYMOUS)]
            self.responses.update(dict.fromkeys(keys, response))

    def read(self, query: Any) -> Any:
        """Return what is recorded; nothing else may be asked for."""
        if isinstance(query, GetEnvironment):
            return self.environment
        assert query in self.responses, query
        self.asked.append(query)
        return self.responses[query]


def observe(responses: Responses | None = None, environment: Environment = HERE) -> Observations:
    """Return observations of these responses."""
    cache: Any = Read(responses or {}, environment)
    return Observations(cache)


def test_check_as_a_task_returns_it() -> None:
    assert Check("token", "ok", "valid", "none", 0.12345, {"code": "x"}).to_result() == {
        "name": "token",
        "status": "ok",
        "detail": "valid",
        "hint": "none",
        "seconds": 0.123,
    }
    assert Check("token", "ok", "valid") == Check("token", "ok", "valid", hint="", seconds=0.0, facts={})


@pytest.mark.parametrize("value", [Check("token", "ok", "valid"), SOURCES["sites"], UNCERTAINTIES[0]])
def test_value_cannot_be_changed(value: Any) -> None:
    (field, *_others) = dataclasses.fields(value)
    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(value, field.name, "other")


def test_where_each_list_is() -> None:
    assert {
        "publicize_connections": Source("/me/publicize-connections/", "connections", wire.PUBLICIZE_CONNECTION),
        "keyring_connections": Source("/me/keyring-connections/", "connections", wire.KEYRING_CONNECTION),
        "connected_applications": Source(
            "/me/connected-applications/", "connected_applications", wire.CONNECTED_APPLICATION
        ),
        "external_services": Source("/meta/external-services/", "services", wire.SERVICE),
        "sites": Source("/me/sites", "sites", wire.SITE),
        "account": Source("/me", None, wire.ACCOUNT),
    } == SOURCES


@pytest.mark.parametrize(
    ("name", "document", "entries"),
    [
        ("sites", {"sites": [{"ID": 1}, None]}, [{"ID": 1}, None]),
        ("sites", {"sites": {"3": {"ID": 1}}}, [{"ID": 1}]),
        ("account", {"ID": 1}, [{"ID": 1}]),
    ],
)
def test_entries_of_a_response(name: str, document: Any, entries: list[Any]) -> None:
    assert SOURCES[name].entries(document) == entries
    assert observe({SOURCES[name].path: success(document)}).entries(name) == entries


@pytest.mark.parametrize(
    ("name", "document", "problem"), [("account", [], "no object"), ("sites", {"sites": 5}, "no list 'sites'")]
)
def test_response_of_another_form_has_no_entries(name: str, document: Any, problem: str) -> None:
    with pytest.raises(ValueError, match=f"^{problem}$"):
        SOURCES[name].entries(document)
    with pytest.raises(Undecided, match=f"^{SOURCES[name].path} could not be read$"):
        observe({SOURCES[name].path: success(document)}).entries(name)


def test_only_a_success_has_entries() -> None:
    response = RawResponse(status=200, failure="foreign_page", document={"sites": [{"ID": 1}]})
    with pytest.raises(Undecided, match=r"^/me/sites could not be read$"):
        observe({"/me/sites": response}).entries("sites")


def test_records_are_the_entries_with_an_id() -> None:
    seen = observe({"/me/sites": success({"sites": [{"ID": 1}, None, {"ID": 0}, {"name": "x"}, {"ID": "2"}]})})
    assert seen.records("sites") == [{"ID": 1}, {"ID": "2"}]


@pytest.mark.parametrize(
    ("environment", "rejected", "first", "services"),
    [
        (HERE, False, GetRaw("/me"), GetRaw("/meta/external-services/")),
        (HERE, True, GetRaw("/me"), GetRaw("/meta/external-services/", (), ANONYMOUS)),
        (
            changed(has_token=False),
            False,
            GetRaw("/meta/external-services/", (), ANONYMOUS),
            GetRaw("/meta/external-services/", (), ANONYMOUS),
        ),
    ],
)
def test_what_is_asked_with_the_token(
    environment: Environment, rejected: bool, first: GetRaw, services: GetRaw
) -> None:
    seen = observe({"/me": refusal(400, "invalid_token")} if rejected else {}, environment)
    assert seen.first() is seen.asked[first]
    assert seen.source("external_services") is seen.asked[services]
    assert set(seen.asked) == {first, services}


def test_only_services_are_asked_without_a_token() -> None:
    seen = observe({}, changed(has_token=False))
    for name in set(SOURCES) - {"external_services"}:
        with pytest.raises(Undecided, match=r"^it requires a token$"):
            seen.source(name)
    with pytest.raises(Undecided, match=r"^it requires a token$"):
        seen.ask("/token-info", (), TOKEN_PARAMETER)


def test_response_is_asked_for_once() -> None:
    cache: Any = Read({GetRaw("/x", (("a", "b"),), WRONG_TOKEN, "/oauth2"): success(1)}, HERE)
    seen = Observations(cache)
    assert seen.ask("/x", (("a", "b"),), WRONG_TOKEN, "/oauth2") is seen.ask(
        "/x", (("a", "b"),), WRONG_TOKEN, "/oauth2"
    )
    assert seen.source("account") is seen.first()
    assert cache.asked == list(seen.asked) == [GetRaw("/x", (("a", "b"),), WRONG_TOKEN, "/oauth2"), GetRaw("/me")]


@pytest.mark.parametrize(
    ("credentials", "code", "is_rejected"),
    [
        (TOKEN, "invalid_token", True),
        (TOKEN, "authorization_required", False),
        (TOKEN_PARAMETER, "invalid_token", False),
        (WRONG_TOKEN, "invalid_token", False),
        (ANONYMOUS, "invalid_token", False),
    ],
)
def test_token_is_not_sent_again_once_it_was_rejected(credentials: str, code: str, is_rejected: bool) -> None:
    seen = observe({GetRaw("/x", (), credentials): refusal(400, code)})
    seen.ask("/x", (), credentials)
    assert seen.token_rejected is is_rejected
    # What was asked stays known, and nobody's token may be asked with.
    assert seen.ask("/x", (), credentials).code == code
    assert seen.ask("/meta/external-services/", (), ANONYMOUS).is_success
    if not is_rejected:
        assert seen.source("sites").is_success
        return
    for rejected in (TOKEN, TOKEN_PARAMETER):
        with pytest.raises(Undecided, match=r"^the token was rejected$"):
            seen.ask("/y", (), rejected)


def test_number_of_requests_is_limited() -> None:
    seen = observe({f"/{number}": success(number) for number in range(26)})
    for number in range(25):
        assert seen.ask(f"/{number}").document == number
    for credentials in (TOKEN, ANONYMOUS):
        with pytest.raises(Undecided, match=r"^no more than 25 requests are sent$"):
            seen.ask("/25", (), credentials)
    assert seen.ask("/0").document == 0
    assert len(seen.asked) == 25


@pytest.mark.parametrize(
    ("failure", "is_limit"),
    [
        ("limit_reached", True),
        ("gateway_limit_reached", True),
        ("too_many_requests", True),
        ("temporary_error", False),
    ],
)
def test_nothing_is_asked_after_a_limit(failure: str, is_limit: bool) -> None:
    seen = observe({"/me": RawResponse(status=503, failure=failure)})
    response = seen.first()
    assert seen.limited is (response if is_limit else None)
    if not is_limit:
        assert seen.source("sites").is_success
        return
    with pytest.raises(Undecided, match=r"^the request limit is reached$"):
        seen.ask("/meta/external-services/", (), ANONYMOUS)
    assert seen.first() is response


@pytest.mark.parametrize(
    "failure",
    [
        "untrusted_certificate",
        "tls",
        "proxy",
        "connect_timeout",
        "response_timeout",
        "not_connected",
        "missing_ca_bundle",
        "not_sendable",
    ],
)
def test_first_failure_that_every_request_would_end_with(failure: str) -> None:
    seen = observe({"/me": RawResponse(failure=failure)})
    seen.first()
    with pytest.raises(Undecided, match=r"^the API cannot be reached$"):
        seen.source("sites")
    # Later, it may be of this request only.
    seen = observe({"/me/sites": RawResponse(failure=failure)})
    seen.first()
    assert seen.source("sites").failure == failure
    assert seen.source("keyring_connections").is_success


SILENT = RawResponse(failure="connection_lost")
PAGE = RawResponse(status=200, failure="foreign_page")
REDIRECT = RawResponse(status=302, failure="redirect")
ERROR = RawResponse(status=500, failure="server_error")


@pytest.mark.parametrize(
    ("responses", "is_stopped"),
    [
        ([SILENT], False),
        ([SILENT, SILENT], True),
        ([SILENT, PAGE], True),
        ([PAGE, REDIRECT], True),
        ([SILENT, ERROR, SILENT], False),
        ([SILENT, ERROR, SILENT, SILENT], True),
        ([ERROR, ERROR, ERROR], False),
    ],
)
def test_two_requests_in_vain_are_the_last(responses: list[RawResponse], is_stopped: bool) -> None:
    seen = observe({f"/{number}": response for number, response in enumerate(responses)})
    for number in range(len(responses)):
        seen.ask(f"/{number}")
    if is_stopped:
        with pytest.raises(Undecided, match=r"^the API cannot be reached$"):
            seen.first()
    else:
        assert seen.first().is_success


def test_code_of_a_list() -> None:
    seen = observe({"/me/sites": refusal(403, "authorization_required")})
    assert (seen.code("sites"), seen.code("account")) == ("authorization_required", "")
    assert observe({}, changed(has_token=False)).code("sites") == ""


def test_error_of_a_list() -> None:
    seen = observe({"/me/sites": refusal(403, "authorization_required", message="You may not.")})
    assert vars(seen.error("sites")) == {
        "message": "You may not.",
        "code": "authorization_required",
        "status": 403,
        "api_message": None,
        "method": None,
        "path": "/me/sites",
        "result": {},
    }


@pytest.mark.parametrize(
    "response", [refusal(403, "authorization_required"), success([]), success({"ID": 0}), success({})]
)
def test_account_that_cannot_be_read(response: RawResponse) -> None:
    assert observe({"/me": response}).account is None


def test_account() -> None:
    account = observe().account
    assert account is not None
    assert (account["id"], account["token_scope"], account["token_site_id"]) == (1001, ["global"], None)


def test_time_of_each_response() -> None:
    seen = observe(
        {
            "/me": success(ACCOUNT, seconds=0.5),
            "/me/sites": RawResponse(failure="connection_lost", seconds=9.0),
            "/x": refusal(404, seconds=0.25),
        }
    )
    assert seen.seconds == []
    for path in ("/me", "/me/sites", "/x"):
        seen.ask(path)
    assert seen.seconds == [0.5, 0.25]
