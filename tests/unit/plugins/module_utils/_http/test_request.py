# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a request sends, and what is made of a response: envelopes, JSON, slugs, excerpts."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import pytest

from ansible_collections.community.wpcom.plugins.module_utils._errors import (
    ApiError,
    IndeterminateWriteError,
    ResponseError,
    WpcomError,
)
from ansible_collections.community.wpcom.plugins.module_utils._http.redaction import Redactor
from ansible_collections.community.wpcom.plugins.module_utils._http.request import Request, Response, Server
from ansible_collections.community.wpcom.tests.unit.plugins.module_utils._http.support import ME, failure, read, write
from ansible_collections.community.wpcom.tests.unit.support import (
    Script,
    ScriptedResponse,
    json_response,
    page,
    transport,
)


def test_query_is_spelled_as_the_api_reads_it() -> None:
    params = {"yes": True, "no": False, "none": None, "text": "a b", "number": 5, "empty": ""}
    assert Request("GET", "/me", "read", params=params).query == {"yes": "1", "text": "a b", "number": 5, "empty": ""}


def test_only_get_is_not_a_write() -> None:
    assert not Request("GET", "/me", "read").is_write
    assert Request("POST", "/me", "write").is_write


def test_request_is_a_value() -> None:
    request = Request("GET", "/me", "read")
    assert request == Request("GET", "/me", "read")
    with pytest.raises(dataclasses.FrozenInstanceError):
        request.path = "/other"  # type: ignore[misc]


def test_read_with_a_response_of_another_form_is_a_response_error() -> None:
    script = Script(json_response([]))
    response = transport(script=script).send(Request("GET", "/me", "read the account"))
    assert response.document == []
    assert response.parse(len) == 0
    with pytest.raises(ResponseError) as caught:
        response.parse(_refuse)
    assert "Could not read the account: the response does not have the expected form (not this)" in caught.value.message
    assert (caught.value.status, caught.value.method, caught.value.path) == (200, "GET", "/me")
    assert len(script.sent) == 1


def test_write_with_a_response_of_another_form_is_indeterminate() -> None:
    def no_object(document: Any) -> None:
        raise ValueError("no object")

    script = Script(json_response([]))
    with pytest.raises(IndeterminateWriteError) as caught:
        write(transport(script=script), "/x", no_object)
    assert "(no object)" in caught.value.message
    assert len(script.sent) == 1


ENVELOPES: list[Any] = [
    {"code": None, "headers": [], "body": ME},
    {"code": "many", "headers": [], "body": ME},
    {"code": [], "body": ME},
    {"code": 200},
    {"code": 200, "headers": 5, "body": ME},
    {"code": 200, "headers": [5], "body": ME},
    {"code": 200, "headers": [{"name": "X"}], "body": ME},
    ME,
    [],
    None,
    "text",
]


@pytest.mark.parametrize("document", ENVELOPES, ids=lambda document: json.dumps(document)[:40])
def test_what_is_not_an_envelope_is_the_response(document: Any) -> None:
    assert read(transport(script=Script(json_response(document)), http_envelope=True)) == document


def test_envelope_without_headers() -> None:
    script = Script(json_response({"code": 200, "headers": None, "body": ME}))
    assert read(transport(script=script, http_envelope=True)) == ME


def test_envelope_with_an_infinite_code() -> None:
    script = Script(ScriptedResponse(200, '{"code": Infinity, "headers": [], "body": {}}'))
    with pytest.raises(WpcomError):
        read(transport(script=script, http_envelope=True, retries=0), "/me", _refuse)


def _refuse(document: Any) -> None:
    raise ValueError("not this")


@pytest.mark.parametrize("depth", [51, 1000, 100_000])
def test_deep_nesting_is_a_response_error(depth: int) -> None:
    """The API nests less deeply, and recursion must not end the task with a traceback."""
    for body in ("[" * depth + "]" * depth, '{"a":' * depth + "1" + "}" * depth):
        error = failure(transport(script=Script(ScriptedResponse(200, body)), retries=0))
        assert error.__class__ is ResponseError
        error = failure(transport(script=Script(ScriptedResponse(400, body)), retries=0))
        assert isinstance(error, ApiError)
        assert error.code == ""
        failure(transport(script=Script(ScriptedResponse(200, body)), retries=0, http_envelope=True))


def test_nesting_as_deep_as_meta_goes() -> None:
    body = "[" * 40 + "]" * 40
    assert read(transport(script=Script(ScriptedResponse(200, body)))) == json.loads(body)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "had an empty body"),
        (b"\xff\xfe\x00garbage", "began with"),
        (b"   \n ", "had an empty body"),
        (b'{"a": 1', 'began with: {"a": 1'),
        (b"9" * 5000 + b"x", "began with"),
    ],
)
def test_not_json(body: bytes, message: str) -> None:
    script = Script(ScriptedResponse(200, body))
    error = failure(transport(script=script, retries=1))
    assert error.__class__ is ResponseError
    assert message in error.message
    assert "Check api_url" in error.message
    assert len(error.api_message or "") <= 300
    assert len(script.sent) == 2


@pytest.mark.parametrize(
    ("document", "code", "text"),
    [
        ({"error": "not_allowed", "error_message": "GET only."}, "not_allowed", "GET only."),
        ({"error": "invalid_request", "error_description": "Bad."}, "invalid_request", "Bad."),
        ({"error": "x", "message": 5, "error_message": "there"}, "x", "there"),
        ({"error": "x", "message": None}, "x", ""),
        ({"error": ["x"], "message": "no slug"}, "", '{"error": ["x"], "message": "no slug"}'),
        ({"message": "no slug"}, "", '{"message": "no slug"}'),
        (["x"], "", '["x"]'),
        (None, "", "null"),
    ],
)
def test_slug_and_text(document: Any, code: str, text: str) -> None:
    error = failure(transport(script=Script(json_response(document, 405))))
    assert (error.code, error.api_message) == (code, text)


def test_empty_404() -> None:
    error = failure(transport(script=Script(ScriptedResponse(404, "", {"Content-Type": "text/plain;charset=UTF-8"}))))
    assert isinstance(error, ApiError)
    assert error.is_empty_not_found
    assert not error.is_not_found


@pytest.mark.parametrize("status", [200, 400, 404, 500])
@pytest.mark.parametrize("text", ["x" * 100_000, "<p>" * 50_000, "\u00e4" * 5000])
def test_excerpts_are_short(status: int, text: str) -> None:
    """At most 300 characters of a body are shown."""
    error = failure(transport(script=Script(page(text, status)), retries=0))
    assert 0 < len(error.api_message or "") <= 300
    assert len(error.message) < 700


@pytest.mark.parametrize(
    "key",
    [
        "error",
        "message",
        "error_message",
    ],
)
def test_texts_of_the_api_are_cut(key: str) -> None:
    script = Script(json_response({"error": "slug", key: "x" * 50_000}, 400))
    error = failure(transport(script=script))
    assert len(error.message) < 1000
    assert len(error.code) <= 300


def test_no_representation_shows_a_secret_or_a_body() -> None:
    request = Request("POST", "/token", "log in", form={"password": "secret!1"}, oauth=True)
    server = Server("https://api.example", 60, True, Redactor(["secret!1"]))
    shown = repr(Response(request, server, 200, {}, '{"access_token": "secret!1"}'))
    assert "/token" in shown
    assert "secret" not in shown
    assert "Redactor" not in shown
    assert "form" not in shown
