# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""No token and no proxy password is in any error, whatever a server echoes."""

from __future__ import annotations

import base64
import dataclasses
import html
import json
import re
from collections.abc import Iterator
from typing import Any, Callable, Optional
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.community.wpcom.plugins.module_utils._errors import WpcomError
from ansible_collections.community.wpcom.plugins.module_utils._http.redaction import MASK, Redactor
from ansible_collections.community.wpcom.plugins.module_utils._http.transport import Transport
from ansible_collections.community.wpcom.tests.simulator import Simulator
from ansible_collections.community.wpcom.tests.unit.plugins.module_utils._http.support import read, write
from ansible_collections.community.wpcom.tests.unit.support import (
    TOKEN,
    Script,
    ScriptedResponse,
    examples,
    json_response,
    options,
    page,
    transport,
)

# What WordPress.com's tokens consist of.
SPECIAL = "aB3!@#&%/\"<>'+=$^*()?;:,.~\\zZ9"


SPELLINGS: dict[str, Callable[[str], str]] = {
    "raw": lambda token: token,
    "in the header": lambda token: f"Authorization: Bearer {token}",
    "URL-quoted": quote,
    "URL-quoted with slashes": lambda token: quote(token, safe=""),
    "form-quoted": quote_plus,
    "JSON-escaped": json.dumps,
    "JSON-escaped by PHP": lambda token: json.dumps(token).replace("/", "\\/"),
    "HTML-escaped": html.escape,
    "base64": lambda token: base64.b64encode(token.encode()).decode(),
}


# Spellings that servers use as well.
FURTHER: dict[str, Callable[[str], str]] = {
    "HTML-escaped but for quotes": lambda token: html.escape(token, quote=False),
    "HTML-escaped by PHP": lambda token: html.escape(token).replace("&#x27;", "&#039;"),
    "URL-quoted in lower case": lambda token: re.sub(
        r"%..", lambda match: match.group().lower(), quote(token, safe="")
    ),
    "JSON-escaped by PHP for HTML": lambda token: "".join(
        {"/": "\\/", "\\": "\\\\"}.get(character, f"\\u{ord(character):04X}" if character in "<>&'\"" else character)
        for character in token
    ),
    "base64 of the header": lambda token: base64.b64encode(f"Bearer {token}".encode()).decode(),
    "base64 without padding": lambda token: base64.b64encode(token.encode()).decode().rstrip("="),
    "base64 for URLs": lambda token: base64.urlsafe_b64encode(token.encode()).decode(),
}


def everything(error: BaseException) -> Iterator[str]:
    """Yield all that a traceback or a log may show of an exception and of those behind it."""
    seen: set[int] = set()
    waiting: list[Optional[BaseException]] = [error]
    while waiting:
        current = waiting.pop()
        if current is None or id(current) in seen:
            continue
        seen.add(id(current))
        yield from (str(current), repr(current), repr(current.args))
        if isinstance(current, WpcomError):
            yield json.dumps(current.as_result())
            yield repr(vars(current))
        waiting += [current.__cause__, current.__context__]
        waiting += [inner for inner in current.args if isinstance(inner, BaseException)]


def errors_of(made: Transport) -> list[BaseException]:
    """Return what a read and a write end with."""
    found: list[BaseException] = []
    for send in (read, write):
        with pytest.raises(WpcomError) as caught:
            send(made, "/me", _refuse)
        found.append(caught.value)
    return found


def _refuse(document: Any) -> None:
    raise ValueError("not this")


def responses_with(echo: str) -> list[ScriptedResponse]:
    """Return responses of every kind that contain a text."""
    as_json = json.dumps(echo)[1:-1] if '"' in echo or "\\" in echo else echo
    return [
        page(f"<p>You sent {echo}</p>"),
        page(f"<p>You sent {echo}</p>", 403),
        page(echo, 500),
        # The cut of an excerpt must not leave a piece of it.
        page("x" * 290 + echo, 404),
        page("x " * 140 + echo, 200),
        ScriptedResponse(400, f'{{"error": "bad", "message": "{as_json}"}}'),
        ScriptedResponse(400, f'{{"error": "{as_json}", "message": ""}}'),
        ScriptedResponse(200, f'["{as_json}"]'),
        ScriptedResponse(200, f'{{"{as_json}": '),
        ScriptedResponse(302, "", {"Location": f"https://x.invalid/?{quote(echo)}"}),
        ScriptedResponse(200, f'{{"code": 400, "headers": [], "body": {{"error": "bad", "message": "{as_json}"}}}}'),
    ]


@pytest.mark.parametrize("token", [SPECIAL, "plain0token", "&amp;x", "%2Fx"])
@pytest.mark.parametrize("spelling", SPELLINGS.values(), ids=SPELLINGS)
def test_echoed_token_is_masked(token: str, spelling: Callable[[str], str]) -> None:
    echo = spelling(token)
    for scripted in responses_with(echo):
        for http_envelope in (False, True):
            made = transport(script=Script(scripted), api_token=token, retries=0, http_envelope=http_envelope)
            for error in errors_of(made):
                for text in everything(error):
                    assert token not in text
                    assert echo not in text or token not in echo


@pytest.mark.parametrize("spelling", SPELLINGS.values(), ids=SPELLINGS)
def test_spelling_is_masked(spelling: Callable[[str], str]) -> None:
    shown = Redactor([SPECIAL])(f"[{spelling(SPECIAL)}]")
    assert MASK in shown
    assert shown.replace("Authorization: Bearer ", "").strip('[]"') == MASK


@pytest.mark.parametrize("spelling", FURTHER.values(), ids=FURTHER)
def test_further_spelling_is_masked(spelling: Callable[[str], str]) -> None:
    token = SPECIAL + "x"
    assert spelling(token) not in Redactor([token])(f"[{spelling(token)}]")


@pytest.mark.parametrize("spelling", [*SPELLINGS.values(), *FURTHER.values()], ids=[*SPELLINGS, *FURTHER])
def test_redaction_is_needed_for_every_spelling(spelling: Callable[[str], str]) -> None:
    redactor = Redactor([SPECIAL])
    assert redactor.is_needed(json.dumps({"a": [f"x{spelling(SPECIAL)}x"]}))
    assert not redactor.is_needed('{"service": "facebook", "external_name": "Analytical Engines"}')


def test_echo_of_the_simulator(simulator: Simulator) -> None:
    simulator.fault(kind="echo", status=400, times=-1)
    for error in errors_of(transport(simulator.url)):
        assert isinstance(error, WpcomError)
        assert "Request was" in error.message
        assert MASK in error.message
        assert not any(TOKEN in text for text in everything(error))


def test_echoed_token_is_masked_in_documents() -> None:
    document = {"a": [TOKEN, {"b": f"x{TOKEN}x"}], TOKEN: 1, "n": 5, "none": None}
    assert read(transport(script=Script(json_response(document)))) == {
        "a": [MASK, {"b": f"x{MASK}x"}],
        MASK: 1,
        "n": 5,
        "none": None,
    }


def test_no_secret_no_mask() -> None:
    """Without a token nothing is masked: the empty text is in every text."""
    assert Redactor(["", ""])("text") == "text"


@given(token=st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=4, max_size=40), prefix=st.text())
@settings(max_examples=examples(60))
def test_any_token_is_masked(token: str, prefix: str) -> None:
    redact = Redactor([token])
    for spelling in SPELLINGS.values():
        shown = redact(prefix + spelling(token))
        assert token not in shown.replace(MASK, "") or token in prefix


def test_options_hide_the_token() -> None:
    made = options(api_token=SPECIAL)
    assert dataclasses.asdict(made)["api_token"] == SPECIAL, "it is there"
    for text in (repr(made), str(made), f"{made}", repr(Redactor([SPECIAL])), repr(transport(api_token=SPECIAL))):
        assert SPECIAL not in text
        assert "zZ9" not in text
    assert repr(options("https://x.invalid")) == "ConnectionOptions(api_url='https://x.invalid')"


@pytest.mark.parametrize("shift", [0, 3, 9, 12])
def test_beginning_of_a_long_text(shift: int) -> None:
    """Not all of it is looked through, and yet no piece of a token shows where that ends."""
    redact = Redactor([TOKEN])
    long = TOKEN * (65536 // len(TOKEN)) + " " * shift
    for text in (" " * shift + TOKEN * 10_000, "<p>" + "\n" * (65530 - shift) + TOKEN * 10_000, long + TOKEN * 10):
        for shown in (redact.cut(text), redact.excerpt(text)):
            assert len(shown) <= 300
            assert TOKEN[:6] not in shown
    assert redact.excerpt("<p>" + "x" * 10**7) == "<p>" + "x" * 297
