# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The classification of failures, as two tables: which error they are, and whether the request is sent again."""

from __future__ import annotations

import os
import ssl
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from http.client import HTTPException, LineTooLong
from typing import Any, Callable

from .._errors import ApiError, ConnectError, WpcomError
from .limits import MAX_BYTES, TIMEOUTS_PER_RESPONSE, LargeResponseError, SlowResponseError
from .request import Request, Response, Server
from .retry import LIMIT_REACHED_SECONDS, retry_after

try:
    import requests
    import urllib3
except ImportError:
    # Nothing is sent then, so nothing can fail.
    pass

LIMIT_REACHED = "Limit reached"


class FailedRequest(Exception):
    """A request that failed, and how it is handled; ``wait`` are the seconds that the server asks for, if any."""

    def __init__(self, kind: Kind, error: WpcomError, *, wait: float | None = None) -> None:
        """Carry the error that ends the task unless the request is sent again."""
        super().__init__(error.message)
        self.kind = kind
        self.error = error
        self.wait = wait


@dataclass(frozen=True)
class Kind:
    """How a kind of failure is handled.

    ``retried``: the same request may succeed later. ``ambiguous``: a write may have been performed, so it is not sent
    again before that is known. ``throttled``: the server asks all threads to wait. ``timed_out``: the server may still
    be processing the request.
    """

    name: str
    retried: bool = False
    ambiguous: bool = False
    throttled: bool = False
    timed_out: bool = False


@dataclass(frozen=True)
class Causes:
    """An exception with those that led to it, the outermost first."""

    chain: tuple[BaseException, ...]
    verify: bool | str

    def is_a(self, *kinds: type[BaseException]) -> bool:
        """Whether the exception itself is of one of these kinds."""
        return isinstance(self.chain[0], kinds)

    def include(self, *kinds: type[BaseException]) -> bool:
        """Whether the exception or one behind it is of one of these kinds."""
        return any(isinstance(cause, kinds) for cause in self.chain)

    @property
    def is_tls(self) -> bool:
        """Whether TLS failed; a connection that is lost during TLS is a lost connection."""
        return self.is_a(requests.exceptions.SSLError, urllib3.exceptions.SSLError, ssl.SSLError) and not self.include(
            ssl.SSLEOFError, ssl.SSLZeroReturnError
        )

    @property
    def is_timeout(self) -> bool:
        """Whether the connection or the response took too long."""
        return self.is_a(requests.exceptions.Timeout) or self.include(urllib3.exceptions.ReadTimeoutError, TimeoutError)

    @property
    def is_connection(self) -> bool:
        """Whether the connection was refused or lost."""
        return self.is_a(requests.exceptions.ConnectionError, ssl.SSLError)

    @property
    def is_large_head(self) -> bool:
        """Whether the status line or the headers exceed the limits of http.client, which has no class of its own for it."""
        return any(type(cause) in (HTTPException, LineTooLong) for cause in self.chain)

    @property
    def is_unsent(self) -> bool:
        """Whether there was no connection that anything could have been sent over."""
        return self.is_a(requests.exceptions.ConnectTimeout) or self.include(urllib3.exceptions.NewConnectionError)


# The first row that matches counts; the text completes "Could not ...: ".
EXCEPTIONS: tuple[tuple[Callable[[Causes], bool], Kind, str], ...] = (
    (
        # The next response would be as large, and as slow.
        lambda causes: causes.include(LargeResponseError),
        Kind("large_response", ambiguous=True),
        "the response is larger than {megabytes} MiB ({cause}); check api_url, and that no proxy responds instead of the API",
    ),
    (
        lambda causes: causes.include(SlowResponseError),
        Kind("slow_response", ambiguous=True, timed_out=True),
        "the response was not complete within {longest} seconds, {timeouts} times the timeout; "
        "raise timeout if the network is slow",
    ),
    (
        lambda causes: causes.is_large_head,
        Kind("large_head", ambiguous=True),
        "the response has too many or too long headers ({cause}); "
        "check api_url, and that no proxy responds instead of the API",
    ),
    (
        lambda causes: causes.is_tls and causes.include(ssl.SSLCertVerificationError),
        Kind("untrusted_certificate"),
        "the server's certificate is not trusted ({verification}); if it is your own, set ca_path to the CA that signed it",
    ),
    (
        lambda causes: causes.is_tls,
        Kind("tls"),
        "TLS failed ({cause}); check that api_url begins with https only where the server supports TLS, "
        "and that ca_path is a CA bundle in PEM format",
    ),
    (
        lambda causes: causes.is_a(requests.exceptions.ProxyError),
        Kind("proxy"),
        "the connection through the proxy failed ({cause}); "
        "check the environment variables HTTPS_PROXY, HTTP_PROXY and NO_PROXY",
    ),
    (
        lambda causes: causes.is_timeout and causes.is_unsent,
        Kind("connect_timeout", retried=True),
        "no connection within {timeout} seconds; raise timeout if the network is slow",
    ),
    (
        lambda causes: causes.is_timeout,
        Kind("response_timeout", retried=True, ambiguous=True, timed_out=True),
        "no response within {timeout} seconds; raise timeout if the network is slow",
    ),
    (
        lambda causes: causes.is_a(urllib3.exceptions.ProtocolError, zlib.error),
        Kind("incomplete_response", retried=True, ambiguous=True),
        "the response is incomplete or cannot be decoded ({cause})",
    ),
    (
        lambda causes: causes.is_connection and causes.is_unsent,
        Kind("not_connected", retried=True),
        "no connection ({cause}); check api_url and the network",
    ),
    (
        lambda causes: causes.is_connection,
        Kind("connection_lost", retried=True, ambiguous=True),
        "no connection ({cause}); check api_url and the network",
    ),
    (
        lambda causes: isinstance(causes.verify, str) and not os.path.exists(causes.verify),
        Kind("missing_ca_bundle"),
        "the CA bundle {verify!r} does not exist; correct REQUESTS_CA_BUNDLE or CURL_CA_BUNDLE, or set ca_path",
    ),
    (
        lambda causes: True,
        Kind("not_sendable"),
        "the request could not be sent ({cause}); check api_url",
    ),
)


def _is_limited(response: Response) -> bool:
    # Records may contain any text, and so may errors of the API itself.
    return not response.is_success and LIMIT_REACHED in response.text and not response.slug_and_text[0]


# The first row that matches counts; a success that is JSON matches none of them.
RESPONSES: tuple[tuple[Callable[[Response], bool], Kind], ...] = (
    (
        lambda response: 300 <= response.status < 400,
        Kind("redirect"),
    ),
    (
        # Nothing was done.
        lambda response: response.status == 429,
        Kind("too_many_requests", retried=True, throttled=True),
    ),
    (
        # The gateway stopped waiting; the server behind it may still be at work.
        lambda response: response.status == 504 and _is_limited(response),
        Kind("gateway_limit_reached", retried=True, ambiguous=True, throttled=True, timed_out=True),
    ),
    (
        _is_limited,
        Kind("limit_reached", retried=True, ambiguous=True, throttled=True),
    ),
    (
        lambda response: response.status == 504,
        Kind("gateway_timeout", retried=True, ambiguous=True, timed_out=True),
    ),
    (
        lambda response: response.status in (500, 502, 503),
        Kind("temporary_error", retried=True, ambiguous=True),
    ),
    (
        lambda response: response.status >= 500,
        Kind("server_error", ambiguous=True),
    ),
    (
        lambda response: not response.is_success,
        Kind("refusal"),
    ),
    (
        # A proxy's or portal's page will be the same the next time.
        lambda response: not response.is_json and "json" not in response.headers.get("content-type", "json"),
        Kind("foreign_page", ambiguous=True),
    ),
    (
        lambda response: not response.is_json,
        Kind("broken_json", retried=True, ambiguous=True),
    ),
)


KIND_NAMES = (*(kind.name for _matches, kind, _text in EXCEPTIONS), *(kind.name for _matches, kind in RESPONSES))


def exception_failure(exception: Exception, request: Request, server: Server) -> FailedRequest:
    """Return the failure of a request that had no response."""
    causes = Causes(tuple(_chain(exception)), server.verify)
    kind, text = next((kind, text) for matches, kind, text in EXCEPTIONS if matches(causes))
    innermost = causes.chain[-1]
    verifications = (cause for cause in causes.chain if isinstance(cause, ssl.SSLCertVerificationError))
    problem = text.format(
        cause=server.redact.cut(str(innermost)) or type(innermost).__name__,
        verification=next((cause.verify_message for cause in verifications), ""),
        timeout=server.timeout,
        longest=TIMEOUTS_PER_RESPONSE * server.timeout,
        timeouts=TIMEOUTS_PER_RESPONSE,
        megabytes=MAX_BYTES // 2**20,
        verify=server.verify,
    )
    return FailedRequest(
        kind,
        ConnectError(
            f"Could not {request.action}: {problem}. The API is at {server.url}.",
            method=request.method,
            path=request.path,
        ),
    )


def response_failure(response: Response) -> FailedRequest | None:
    """Return the failure that a response is, None where it is a success that is JSON."""
    kind = next((kind for matches, kind in RESPONSES if matches(response)), None)
    if kind is None:
        return None
    if kind.name == "redirect":
        location = response.server.redact.cut(response.headers.get("location", "an unnamed address"))
        return FailedRequest(
            kind,
            response.error(
                f"redirected to {location}, which is never followed because the token would be sent there; "
                "set api_url to the address of the API"
            ),
        )
    if response.is_success:
        return FailedRequest(kind, response.error("the response is not JSON"))
    is_limited = _is_limited(response)
    return FailedRequest(
        kind, _api_error(response), wait=LIMIT_REACHED_SECONDS if is_limited else retry_after(response.headers)
    )


def _api_error(response: Response) -> ApiError:
    slug, text = response.slug_and_text
    if _is_limited(response):
        text = (
            "throttled, the request limit is reached; send fewer requests or set retry_max_delay to 60 seconds or more"
        )
    status = " ".join(filter(None, (f"HTTP {response.status}", slug)))
    return ApiError(
        f"Could not {response.request.action}: {status}" + (f": {text}" if text else ""),
        code=slug,
        status=response.status,
        api_message=text,
        method=response.request.method,
        path=response.request.path,
    )


def _chain(error: BaseException) -> Iterator[BaseException]:
    """Yield an exception and what lies behind it, as requests and urllib3 nest it."""
    seen: set[int] = set()
    current: Any = error
    while isinstance(current, BaseException) and id(current) not in seen:
        seen.add(id(current))
        yield current
        inner = [getattr(current, "reason", None), *current.args[::-1], current.__cause__, current.__context__]
        current = next((cause for cause in inner if isinstance(cause, BaseException) and id(cause) not in seen), None)
