# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A response that is too large or too slow is refused, once, and costs no more than the limit says."""

from __future__ import annotations

import contextlib
import gzip
import itertools
import json
import socket
import threading
import time
import tracemalloc
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Callable, Optional

import pytest

from ansible_collections.community.wpcom.plugins.module_utils._errors import ConnectError, ResponseError
from ansible_collections.community.wpcom.plugins.module_utils._http import limits, request
from ansible_collections.community.wpcom.tests.simulator import Simulator
from ansible_collections.community.wpcom.tests.unit.plugins.module_utils._http.support import (
    failure,
    read,
    write_failure,
)
from ansible_collections.community.wpcom.tests.unit.support import (
    Naps,
    Script,
    ScriptedResponse,
    brief,
    json_response,
    run,
    transport,
)

MEGABYTE = 2**20
OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
BLANKS = b" " * (64 * 1024)


class Wire:
    """A server that sends bytes as they come out of an iterator, for each request anew; ``pause`` seconds between them."""

    def __init__(self, pieces: Callable[[], Iterable[bytes]], pause: float) -> None:
        self.sent = 0
        self.requests = 0
        self._pieces = pieces
        self._pause = pause
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        self._thread = threading.Thread(target=self._serve)

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _address = self._socket.accept()
                # A client that gives up closes the connection, which ends the response.
                with client, contextlib.suppress(OSError):
                    self._respond(client)

    def _respond(self, client: socket.socket) -> None:
        while b"\r\n\r\n" not in client.recv(65536, socket.MSG_PEEK):
            pass
        client.recv(65536)
        self.requests += 1
        for piece in self._pieces():
            client.sendall(piece)
            self.sent += len(piece)
            time.sleep(self._pause)

    def __enter__(self) -> Wire:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._thread.join(10)
        assert not self._thread.is_alive()


@pytest.fixture
def serve() -> Iterator[Callable[..., Wire]]:
    """Return a function that serves bytes."""
    with contextlib.ExitStack() as stack:

        def start(pieces: Callable[[], Iterable[bytes]], pause: float = 0) -> Wire:
            return stack.enter_context(Wire(pieces, pause))

        yield start


def body(*pieces: bytes, head: bytes = b"") -> Callable[[], Iterable[bytes]]:
    """Return a response that ends with the connection."""
    return lambda: [OK + head + b"\r\n", *pieces]


def gzip_bomb(size: int) -> bytes:
    """Return so many blanks, and a document after them."""
    packer = zlib.compressobj(9, wbits=zlib.MAX_WBITS | 16)
    packed = [packer.compress(b" " * MEGABYTE) for _piece in range(size // MEGABYTE)]
    return b"".join([*packed, packer.compress(b'{"ID": 1}'), packer.flush()])


def endless(piece: bytes, head: bytes = b"") -> Callable[[], Iterable[bytes]]:
    """Return a response that never ends."""
    return lambda: itertools.chain([head], itertools.repeat(piece))


LARGE: dict[str, Callable[[], Iterable[bytes]]] = {
    "announced": body(head=b"Content-Length: 209715200\r\n"),
    "announced with more digits than a number has": body(head=b"Content-Length: " + b"9" * 5000 + b"\r\n"),
    "not announced": lambda: [OK + b"\r\n", *[BLANKS] * 3200],
    "in chunks": lambda: [OK + b"Transfer-Encoding: chunked\r\n\r\n", *[b"10000\r\n" + BLANKS + b"\r\n"] * 3200],
    "in tiny chunks": endless(b"1\r\n \r\n" * 10000, OK + b"Transfer-Encoding: chunked\r\n\r\n"),
    "gzip": body(gzip_bomb(200 * MEGABYTE), head=b"Content-Encoding: gzip\r\n"),
    "interim responses": endless(b"HTTP/1.1 100 Continue\r\nX: y\r\n\r\n" * 1000),
    "trailers": endless(b"X: y\r\n" * 10000, OK + b"Transfer-Encoding: chunked\r\n\r\n0\r\n"),
}


@pytest.mark.parametrize("pieces", LARGE.values(), ids=LARGE)
def test_large_response(
    serve: Callable[..., Wire], pieces: Callable[[], Iterable[bytes]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Refused with the limit, after no more bytes than that, and not asked for again."""
    monkeypatch.setattr(limits, "MAX_BYTES", MEGABYTE)
    server = serve(pieces)
    naps = Naps()
    error = failure(transport(server.url, naps=naps, timeout=5))
    assert isinstance(error, ConnectError)
    assert "the response is larger than 64 MiB" in error.message
    assert (server.requests, naps) == (1, [])
    # The sockets' buffers hold some that nobody reads.
    assert server.sent < 16 * MEGABYTE


@pytest.mark.parametrize("name", ["not announced", "gzip"])
def test_memory(serve: Callable[..., Wire], name: str) -> None:
    """What a response takes in memory is bounded."""
    server = serve(LARGE[name])
    tracemalloc.start()
    try:
        assert "larger than 64 MiB" in failure(transport(server.url)).message
        _now, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    # A bytearray that grows is copied now and then.
    assert peak < 2.5 * limits.MAX_BYTES


@pytest.mark.parametrize("encoding", [b"gzip", b"x-gzip", b"GZIP", b"identity, gzip", b"deflate"])
def test_compressed_response(serve: Callable[..., Wire], encoding: bytes) -> None:
    packed = zlib.compress(b'{"ID": 1}') if encoding == b"deflate" else gzip_bomb(2 * MEGABYTE)
    server = serve(body(packed, head=b"Content-Encoding: " + encoding + b"\r\n"))
    assert read(transport(server.url)) == {"ID": 1}


@pytest.mark.parametrize("encoding", ["br", "zstd", "gzip, gzip"])
def test_encoding_that_was_not_requested(encoding: str) -> None:
    """Decoders other than gzip's have no bound; twice gzip is a bomb a million times its size."""
    script = Script(ScriptedResponse(200, gzip.compress(gzip.compress(b"{}")), {"Content-Encoding": encoding}))
    error = failure(transport(script=script, retries=0))
    assert f"the encoding '{encoding}' was not requested" in error.message
    assert script.sent[0].request.headers["Accept-Encoding"] == "gzip"


@pytest.mark.parametrize("packed", [gzip.compress(b'{"ID": 1}')[:-12], b"nonsense"], ids=["cut", "nonsense"])
def test_compressed_response_that_is_broken(packed: bytes) -> None:
    script = Script(ScriptedResponse(200, packed, {"Content-Encoding": "gzip"}), json_response({"ID": 1}))
    assert read(transport(script=script)) == {"ID": 1}
    assert len(script.sent) == 2


def bytewise(text: bytes) -> Callable[[], Iterable[bytes]]:
    """Return a response of which a byte comes at a time."""
    return lambda: [text[index : index + 1] for index in range(len(text))]


SLOW: dict[str, Callable[[], Iterable[bytes]]] = {
    "body": lambda: itertools.chain([OK + b"\r\n"], itertools.repeat(b" ")),
    "body of a length": lambda: itertools.chain([OK + b"Content-Length: 100000\r\n\r\n"], itertools.repeat(b" ")),
    "compressed body": lambda: itertools.chain([OK + b"Content-Encoding: gzip\r\n\r\n"], bytewise(gzip_bomb(0))() * 9),
    "head": endless(b"X"),
    "headers": endless(b"X: y\r\n", OK),
    "interim responses": endless(b"HTTP/1.1 100 Continue\r\n\r\n"),
    "size of a chunk": endless(b"0", OK + b"Transfer-Encoding: chunked\r\n\r\n"),
    "trailers": endless(b"X: y\r\n", OK + b"Transfer-Encoding: chunked\r\n\r\n0\r\n"),
}


@pytest.mark.parametrize("by_proxy", [False, True])
@pytest.mark.parametrize("pieces", SLOW.values(), ids=SLOW)
def test_slow_response(
    serve: Callable[..., Wire],
    pieces: Callable[[], Iterable[bytes]],
    by_proxy: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """No read of it takes longer than the timeout, and yet it ends."""
    # Half a second in all, and two for a read, so that a slow machine is not taken for a slow response.
    monkeypatch.setattr(limits, "TIMEOUTS_PER_RESPONSE", 0.25)
    server = serve(pieces, 0.02)
    if by_proxy:
        monkeypatch.setenv("http_proxy", server.url)
    start = time.monotonic()
    error = failure(transport("http://api.invalid" if by_proxy else server.url, timeout=2))
    assert time.monotonic() - start > 0.4
    assert isinstance(error, ConnectError)
    assert "was not complete within 10 seconds, 5 times the timeout; raise timeout" in error.message
    assert server.requests == 1


def test_slow_tunnel(serve: Callable[..., Wire], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "TIMEOUTS_PER_RESPONSE", 0.25)
    server = serve(endless(b"X: y\r\n", b"HTTP/1.1 200 OK\r\n"), 0.02)
    monkeypatch.setenv("https_proxy", server.url)
    assert "was not complete within" in failure(transport("https://api.invalid", timeout=2, retries=0)).message


def test_silence_at_the_end(serve: Callable[..., Wire], monkeypatch: pytest.MonkeyPatch) -> None:
    """A response that stops within its last read is slow, too, not a timeout of its own."""
    monkeypatch.setattr(limits, "TIMEOUTS_PER_RESPONSE", 0.1)
    server = serve(lambda: [OK + b"\r\n", b" "], 0.3)
    assert "was not complete within" in failure(transport(server.url, timeout=2, retries=0)).message


def test_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    """Five times the timeout after the request, and no read takes longer than what is left of it."""
    clock = [100.0]
    monkeypatch.setattr(limits.time, "monotonic", lambda: clock[0])
    near, far = socket.socketpair()
    with near, far:
        near.settimeout(3)
        reader = limits._LimitedReader(near)
        far.sendall(b"abc")
        for clock[0], timeout in ((100.0, 3), (112.0, 3), (114.0, 1)):
            assert reader.readinto(bytearray(1)) == 1
            assert near.gettimeout() == timeout
        clock[0] = 115.0
        with pytest.raises(limits.SlowResponseError):
            reader.readinto(bytearray(1))
        reader.close()


@pytest.mark.parametrize(
    "head",
    [b"X: " + b"y" * 100_000 + b"\r\n", b"X: y\r\n" * 200, b"X" * 100_000],
    ids=["long", "many", "endless"],
)
def test_large_head(serve: Callable[..., Wire], head: bytes) -> None:
    server = serve(body(b"{}", head=head))
    error = failure(transport(server.url))
    assert "the response has too many or too long headers" in error.message
    assert server.requests == 1
    assert len(error.message) < 500


def test_write_with_a_large_response(simulator: Simulator, monkeypatch: pytest.MonkeyPatch) -> None:
    """It may have been done, so it is read back."""
    monkeypatch.setattr(limits, "MAX_BYTES", MEGABYTE)
    simulator.fault(method="POST", kind="status", status=200, when="after", body=" " * (MEGABYTE + 1))
    outcome = run("publicize", simulator.url, id=5001, state="absent")
    assert not outcome.failed, outcome.result
    assert outcome.result["changed"]
    assert brief(simulator.requests(method="POST")) == ["POST /me/publicize-connections/5001/delete"]
    simulator.fault(method="POST", kind="status", status=200, when="before", body=" " * (MEGABYTE + 1), times=-1)
    error = write_failure(transport(simulator.url))
    assert "the response is larger than" in error.message


def test_connection_is_closed_after_a_refusal(simulator: Simulator, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is left of a response would be taken for the next one."""
    made = transport(simulator.url)
    with monkeypatch.context() as patch:
        patch.setattr(limits, "MAX_BYTES", 1000)
        assert "larger than" in failure(made, "/me/keyring-connections/").message
    assert read(made)["ID"] == 1001
    assert [entry["connection"] for entry in simulator.requests()] == sorted(
        {entry["connection"] for entry in simulator.requests()}
    )


# The document


def answered(text: Any) -> Any:
    """Return what a reading makes of a body, or the error that it ends with."""
    script = Script(ScriptedResponse(200, text))
    made = transport(script=script, retries=0)
    try:
        return read(made)
    except ResponseError as error:
        return error.message


@pytest.mark.parametrize(
    "text",
    [
        "NaN",
        '{"ID": NaN}',
        '{"ID": [Infinity]}',
        '{"ID": -Infinity}',
        '{"ID": 1e999}',
        '{"ID": -1e999}',
        '{"ID": ' + "9" * 5000 + "}",
        "[" * 100_000,
        "[" * 100_000 + "]" * 100_000,
        '{"a":' * 100_000 + "1" + "}" * 100_000,
        "[" * 51 + "]" * 51,
        '{"ID": 1',
        "{'ID': 1}",
        "",
        b"\xff\xfe{\x00}\x00",
    ],
    ids=lambda text: str(text[:12]),
)
def test_document_that_is_refused(text: Any) -> None:
    assert "the response is not JSON" in answered(text)


@pytest.mark.parametrize(
    ("text", "document"),
    [
        (b'\xef\xbb\xbf{"ID": 1}', {"ID": 1}),
        (b'{"ID": "\xff\xfe"}', {"ID": "\ufffd\ufffd"}),
        (b'{"ID": "\xed\xa0\xbd"}', {"ID": "\ufffd\ufffd\ufffd"}),
        (b'{"ID": "\\ud83d"}', {"ID": "\ufffd"}),
        # As every client reads it that WordPress.com has.
        ('{"ID": 1, "ID": 2}', {"ID": 2}),
        ('{"ID": ' + "9" * 4000 + "}", {"ID": 10**4000 - 1}),
        ('{"ID": 1.5e3}', {"ID": 1500.0}),
        ("[" * 50 + "]" * 50, None),
    ],
    ids=str,
)
def test_document_that_is_read(text: Any, document: Optional[Any]) -> None:
    read_document = answered(text)
    if document is None:
        assert isinstance(read_document, list)
    else:
        assert read_document == document
    # What was read can be written.
    assert json.loads(json.dumps(read_document).encode()) == read_document


@pytest.mark.parametrize("text", ["[" + "[]," * 20 + "[]]", "[" + "{}," * 20 + "{}]", "[" + "1.5," * 20 + "1.5]"])
def test_many_small_values(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Three bytes on the wire may take ninety in memory."""
    assert isinstance(answered(text), list)
    monkeypatch.setattr(request, "MAX_VALUES", 20)
    assert "not JSON" in answered(text)


def test_limits_are_those_of_the_guide() -> None:
    root = next(folder for folder in Path(__file__).parents if (folder / "galaxy.yml").exists())
    guide = (root / "docs" / "docsite" / "rst" / "guide_errors.rst").read_text(encoding="utf-8")
    assert f"must not exceed {limits.MAX_BYTES // 2**20} MiB" in guide
    assert f"more than {request.MAX_DEPTH} levels or {request.MAX_VALUES // 10**6} million values" in guide
    assert limits.TIMEOUTS_PER_RESPONSE == 5
    assert "complete within five times" in guide
