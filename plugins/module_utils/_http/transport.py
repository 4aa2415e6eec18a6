# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The transport: HTTP over requests, with authorization, TLS, retries, and the check mode guard."""

from __future__ import annotations

import random
import time
import traceback
import zlib
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Callable, TypeVar
from urllib.request import getproxies_environment

from .._errors import CheckModeError, IndeterminateWriteError, OptionError
from .._options import ConnectionOptions
from .._version import VERSION
from .certificates import bundle_of_environment
from .failures import FailedRequest, exception_failure, response_failure
from .limits import LimitedAdapter, read_body
from .redaction import Redactor, proxy_passwords
from .request import ANONYMOUS, REST_ROOT, TOKEN_PARAMETER, WRONG_TOKEN, Request, Response, Server
from .retry import Pacer, never

try:
    import requests
    import urllib3
    from requests.utils import get_environ_proxies
except ImportError:
    HAS_REQUESTS = False
    REQUESTS_IMPORT_ERROR: str | None = traceback.format_exc()
else:
    HAS_REQUESTS = True
    REQUESTS_IMPORT_ERROR = None

# Looks like a token, and is none.
_WRONG_TOKEN = "wrong-token-of-the-doctor"

T = TypeVar("T")


class Transport:
    """Sends requests to the API over kept-alive connections, as many as ``parallel`` says.

    In check mode no write is sent: this is the one place that guards it. Where ``stop`` returns true, no further request
    or wait begins.
    """

    def __init__(
        self,
        options: ConnectionOptions,
        *,
        check_mode: bool,
        parallel: int = 1,
        sleep: Callable[[float], object] = time.sleep,
        jitter: Callable[[], float] = random.random,
        clock: Callable[[], float] = time.monotonic,
        stop: Callable[[], bool] = never,
    ) -> None:
        """Open nothing yet; the first request connects."""
        self._options = options
        self._check_mode = check_mode
        self._pacer = Pacer(
            max_delay=options.retry_max_delay, parallel=parallel, sleep=sleep, jitter=jitter, clock=clock, stop=stop
        )
        # All that requests would take from the environment is decided here, once: its trust_env would let ~/.netrc
        # replace the token and REQUESTS_CA_BUNDLE overrule validate_certs.
        self._session = requests.Session()
        self._session.trust_env = False
        # Redirects are not followed, so they are not parsed either: requests raises on a Location that is not a URL.
        self._session.get_redirect_target = lambda resp: None  # type: ignore[method-assign]
        self._session.mount(options.api_url, LimitedAdapter(max_retries=0, pool_connections=1, pool_maxsize=parallel))
        self._session.headers.update(
            {
                "Accept": "application/json",
                # What read_body decodes.
                "Accept-Encoding": "gzip",
                "User-Agent": f"community.wpcom/{VERSION} {requests.utils.default_user_agent()}",
            }
        )
        # Without variables requests would ask the system, which on macOS crashes a forked process.
        self._proxies = get_environ_proxies(options.api_url) if getproxies_environment() else {}
        self._server = Server(
            options.api_url,
            options.timeout,
            _verify(options),
            Redactor([*options.secrets, *proxy_passwords(self._proxies.values())]),
        )
        if not options.validate_certs:
            urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)

    @property
    def retries(self) -> int:
        """How often a failed request may be sent again."""
        return self._options.retries

    @property
    def timeout(self) -> int:
        """Seconds that connecting, and the response, may take."""
        return self._options.timeout

    def close(self) -> None:
        """Close the connections."""
        self._session.close()

    def send(self, request: Request) -> Response:
        """Return the response, a success that is JSON, after as many retries as allowed.

        A write is only sent again where it certainly was not performed.
        Raises ApiError, ResponseError, ConnectError, OptionError (no token), InterruptedTaskError; for a write also
        CheckModeError, and IndeterminateWriteError where it may have been performed.
        """
        attempt = 0
        while True:
            succeeded = self._pacer.succeeded
            try:
                return self._send_once(request)
            except FailedRequest as failure:
                kind = failure.kind
                if kind.throttled:
                    self._pacer.hold_back(attempt, failure.wait)
                if kind.ambiguous and request.is_write:
                    raise IndeterminateWriteError(failure.error, wait=failure.wait, timed_out=kind.timed_out) from None
                if not kind.retried or attempt >= self.retries:
                    raise failure.error from None
                self._pacer.pause(attempt, failure.wait)
                # An attempt does not count where the server accepted requests of other threads in its place.
                attempt += not (kind.throttled and self._pacer.succeeded > succeeded)

    def pause(self, attempt: int, wait: float | None) -> None:
        """Wait for ``wait`` seconds, or if None, as exponential backoff requires. Raises InterruptedTaskError."""
        self._pacer.pause(attempt, wait)

    def sleep(self, seconds: float) -> None:
        """Wait for a server that is slow. Raises InterruptedTaskError."""
        self._pacer.sleep(seconds)

    def observe(self, request: Request) -> tuple[Response | None, FailedRequest | None]:
        """Send a read once, and return its response and the failure that it is, whatever they are.

        Raises CheckModeError, OptionError (no token), InterruptedTaskError.
        """
        try:
            response = self._receive(request)
        except FailedRequest as failure:
            return None, failure
        return response, response_failure(response)

    def describe(self, read: Callable[[ConnectionOptions, Mapping[str, str], bool | str], T]) -> T:
        """Return what ``read`` makes of the options, the proxies, and what certificates are verified with; nothing is sent."""
        return read(self._options, self._proxies, self._server.verify)

    def _send_once(self, request: Request) -> Response:
        """Return the response, a success that is JSON. Raises FailedRequest, and what ``send`` raises."""
        response = self._receive(request)
        if failure := response_failure(response):
            raise failure
        self._pacer.succeed()
        return response

    def _receive(self, request: Request) -> Response:
        """Return the response, whatever it is.

        Raises FailedRequest where there is none, CheckModeError, OptionError, InterruptedTaskError.
        """
        if request.is_write and self._check_mode:
            raise CheckModeError(
                f"Refused to send {request.method} {request.path} in check mode. "
                "This is a bug in community.wpcom, please report it.",
                method=request.method,
                path=request.path,
            )
        query = request.query
        # A request that sets the parameter itself is about the envelope.
        is_enveloped = self._options.http_envelope and "http_envelope" not in query and request.root == REST_ROOT
        if is_enveloped:
            query["http_envelope"] = "1"
        headers = self._credentials(request, query)
        # The form of an OAuth request has what authenticates the client.
        server = (
            replace(self._server, redact=self._server.redact.with_secrets(request.secrets))
            if request.oauth
            else self._server
        )
        self._pacer.wait_for_turn()
        try:
            received = self._session.request(
                request.method,
                f"{server.url}{request.root}{request.path}",
                params=query,
                data=request.form,
                json=request.body,
                headers=headers,
                timeout=server.timeout,
                verify=server.verify,
                proxies=self._proxies,
                allow_redirects=False,
                stream=True,
            )
            text = read_body(received)
        except (OSError, urllib3.exceptions.HTTPError, ValueError, zlib.error) as error:
            raise exception_failure(error, request, server) from None
        names = {name.lower(): value for name, value in received.headers.items()}
        response = Response(request, server, received.status_code, names, text)
        return response.unwrapped() if is_enveloped else response

    def _credentials(self, request: Request, query: dict[str, Any]) -> dict[str, str]:
        """Return the headers that a request identifies itself with. Raises OptionError."""
        token = self._options.api_token
        if request.credentials == WRONG_TOKEN:
            return {"Authorization": f"Bearer {_WRONG_TOKEN}"}
        if request.credentials == ANONYMOUS or (request.public and not token):
            return {}
        if not token:
            raise OptionError(
                f"Could not {request.action}: api_token is required. "
                "Set the option or the environment variable WPCOM_API_TOKEN, or those of api_token_file.",
                code="missing_token",
            )
        if request.credentials == TOKEN_PARAMETER:
            query["token"] = token
            return {}
        return {"Authorization": f"Bearer {token}"}


def _verify(options: ConnectionOptions) -> bool | str:
    """Return what requests verifies certificates with."""
    if not options.validate_certs:
        return False
    return options.ca_path or bundle_of_environment() or True
