# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""HTTP over requests: authorisation, TLS, time-outs, retries, throttling, redaction, JSON, and the check mode guard."""

from __future__ import annotations

import base64
import json
import os
import random
import re
import ssl
import time
import traceback
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any, Callable, TypeVar
from urllib.parse import unquote
from urllib.request import getproxies_environment

from ansible_collections.community.wpcom.plugins.module_utils._errors import (
    AnswerError,
    ApiError,
    CheckModeError,
    ConnectError,
    LostAnswerError,
    OptionError,
    WpcomError,
)
from ansible_collections.community.wpcom.plugins.module_utils._options import ConnectionOptions
from ansible_collections.community.wpcom.plugins.module_utils._records import is_number
from ansible_collections.community.wpcom.plugins.module_utils._version import VERSION

try:
    import requests
    import urllib3
    from requests.adapters import HTTPAdapter
    from requests.utils import get_environ_proxies
except ImportError:
    HAS_REQUESTS = False
    REQUESTS_IMPORT_ERROR: str | None = traceback.format_exc()
else:
    HAS_REQUESTS = True
    REQUESTS_IMPORT_ERROR = None

REST_ROOT = "/rest/v1.1"
RETRIED_STATUS = (429, 500, 502, 503, 504)
EXCERPT_LENGTH = 300
DEEPEST = 50
MASK = "********"
HTML_NAMES = {"&": ("amp",), "<": ("lt",), ">": ("gt",), '"': ("quot",), "'": ("apos",)}
# WordPress.com bans for a minute and begins anew with each early try.
LIMIT_REACHED = "Limit reached"
LIMIT_REACHED_SECONDS = 60.0

T = TypeVar("T")


class _Trouble(Exception):
    """An exchange that gave no usable answer, and what may be done about it.

    ``retry`` says whether trying again may help, ``refused`` that the server certainly did nothing, ``throttled`` that it
    wants fewer requests from everybody.
    """

    def __init__(
        self,
        error: WpcomError,
        *,
        retry: bool = False,
        refused: bool = False,
        throttled: bool = False,
        wait: float | None = None,
        timed_out: bool = False,
    ) -> None:
        super().__init__(error.message)
        self.error = error
        self.retry = retry
        self.refused = refused
        self.throttled = throttled
        self.wait = wait
        self.timed_out = timed_out


@dataclass(frozen=True)
class _Answer:
    """What came back: status, headers with names in lower case, body as text."""

    status: int
    headers: Mapping[str, str]
    text: str

    def json(self) -> Any:
        """Return the decoded body; raises ValueError, also where it is nested deeper than any answer of the API."""
        try:
            document = json.loads(self.text)
        except RecursionError:
            raise ValueError("nested too deeply") from None
        if _depth(document) > DEEPEST:
            raise ValueError("nested too deeply")
        return document


class Redactor:
    """Replaces secrets, in whatever spelling a server may echo them."""

    def __init__(self, secrets: list[str]) -> None:
        """Take the secrets; empty ones are ignored."""
        plain = [secret for secret in secrets if secret]
        encoded = [text for secret in plain for text in (_base64(secret), _base64(f"Bearer {secret}"))]
        # The longest first, or a shorter one within a longer one would leave its rest behind.
        patterns = ["".join(map(_any_spelling, secret)) for secret in sorted(plain, key=len, reverse=True)]
        patterns += [re.sub("[-_]", "[-_+/]", text) + "=*" for text in encoded]
        self._pattern = re.compile("|".join(patterns)) if patterns else None
        # However a secret is spelled, its letters and digits stay, but for numeric escapes.
        self._cores = {max(re.findall("[A-Za-z0-9]+", text), key=len, default="") for text in (*plain, *encoded)}

    def __call__(self, text: str) -> str:
        """Return the text without the secrets."""
        return self._pattern.sub(MASK, text) if self._pattern else text

    def is_needed(self, text: str) -> bool:
        """Whether a JSON text may hold a secret; far quicker than to look for it."""
        return "\\u00" in text or any(core in text for core in self._cores)

    def deep(self, value: Any) -> Any:
        """Return a decoded JSON value without the secrets."""
        if isinstance(value, str):
            return self(value)
        if isinstance(value, list):
            return [self.deep(item) for item in value]
        if isinstance(value, dict):
            return {self(key): self.deep(item) for key, item in value.items()}
        return value


def _base64(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _any_spelling(character: str) -> str:
    """Return a pattern for a character as it is, or as JSON, URLs and HTML escape it."""
    number = ord(character)
    spellings = [
        f"(?i:%{number:02x})",
        f"(?i:\\\\u{number:04x})",
        f"&#0*{number};",
        f"(?i:&#x0*{number:x};)",
        *(f"&{name};" for name in HTML_NAMES.get(character, ())),
        # Several rounds of escaping may pile up backslashes before what is no letter or digit.
        re.escape(character) if character.isalnum() else "\\\\{0,3}" + re.escape(character),
    ]
    return f"(?:{'|'.join(spellings)})"


class Transport:
    """Speaks JSON with the API on one kept-alive connection.

    In check mode no write leaves: this is the one place that guards it.
    """

    def __init__(
        self,
        options: ConnectionOptions,
        *,
        check_mode: bool,
        parallel: int = 1,
        sleep: Callable[[float], None] = time.sleep,
        jitter: Callable[[], float] = random.random,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Open nothing yet; the first call connects."""
        self._options = options
        self._check_mode = check_mode
        self._sleep = sleep
        self._jitter = jitter
        self._clock = clock
        self._parallel = parallel
        self._resume_at = 0.0
        self._answered = 0
        # All that requests would take from the environment is decided here, once: its trust_env would let ~/.netrc
        # replace the token and REQUESTS_CA_BUNDLE overrule validate_certs.
        self._session = requests.Session()
        self._session.trust_env = False
        # No redirect is followed, so none need be understood: requests raises on a Location that is no URL.
        self._session.get_redirect_target = lambda resp: None  # type: ignore[method-assign]
        self._session.mount(options.api_url, HTTPAdapter(max_retries=0, pool_connections=1, pool_maxsize=parallel))
        self._session.headers.update(
            {
                "Accept": "application/json",
                "User-Agent": f"community.wpcom/{VERSION} {requests.utils.default_user_agent()}",
            }
        )
        # Without variables requests would ask the system, which on macOS crashes a forked process.
        self._proxies = get_environ_proxies(options.api_url) if getproxies_environment() else {}
        self._verify = self._ca_bundle()
        self._redact = Redactor([options.api_token or "", *self._proxy_secrets()])
        if not options.validate_certs:
            urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)

    @property
    def retries(self) -> int:
        """How often a failed call may be repeated."""
        return self._options.retries

    @property
    def timeout(self) -> int:
        """Seconds that a call may take to connect, and to answer."""
        return self._options.timeout

    def close(self) -> None:
        """Close the connections."""
        self._session.close()

    def get(
        self,
        path: str,
        read: Callable[[Any], T],
        *,
        action: str,
        params: Mapping[str, Any] | None = None,
        public: bool = False,
    ) -> T:
        """Return what ``read`` makes of the JSON at ``path`` (below the REST root), tried again as often as allowed.

        ``action`` completes the sentence "Could not ..." of an error; ``public`` calls go without a token.
        ``read`` raises ValueError on JSON of the wrong shape.
        Raises ApiError, AnswerError, ConnectError, OptionError (no token).
        """
        attempt = 0
        while True:
            answered = self._answered
            try:
                return self._exchange("GET", path, read, action=action, params=params, public=public)
            except _Trouble as trouble:
                self._hold_back(trouble, attempt)
                if not trouble.retry or attempt >= self.retries:
                    raise trouble.error from None
                self.pause(attempt, trouble.wait)
                attempt += self._counts(trouble, answered)

    def post(self, path: str, read: Callable[[Any], T], *, action: str, body: Mapping[str, Any] | None = None) -> T:
        """Send a write and return what ``read`` makes of the answer; sent again only where it was refused by a 429.

        Raises CheckModeError, LostAnswerError where it may have been done, else as ``get``.
        """
        if self._check_mode:
            raise CheckModeError(
                f"Check mode: refused to send POST {path}. This is a defect of community.wpcom, please report it.",
                method="POST",
                path=path,
            )
        attempt = 0
        while True:
            answered = self._answered
            try:
                return self._exchange("POST", path, read, action=action, body=body or {})
            except _Trouble as trouble:
                self._hold_back(trouble, attempt)
                if trouble.refused and attempt < self.retries:
                    self.pause(attempt, trouble.wait)
                elif trouble.retry and not trouble.refused:
                    raise LostAnswerError(trouble.error, wait=trouble.wait, timed_out=trouble.timed_out) from None
                else:
                    raise trouble.error from None
                attempt += self._counts(trouble, answered)

    def pause(self, attempt: int, wait: float | None) -> None:
        """Sleep ``wait`` seconds, or where None as long as exponential backoff with full jitter says."""
        seconds = self._longest_pause(attempt, wait) * (self._jitter() if wait is None else 1)
        if seconds > 0:
            self._sleep(seconds)

    def _longest_pause(self, attempt: int, wait: float | None) -> float:
        return min(float(self._options.retry_max_delay), float(2**attempt) if wait is None else wait)

    def sleep(self, seconds: float) -> None:
        """Let a server that is slow get done."""
        self._sleep(seconds)

    def _hold_back(self, trouble: _Trouble, attempt: int) -> None:
        """Have all threads wait where the server wants fewer requests, whether or not this one tries again."""
        if trouble.throttled:
            self._resume_at = max(self._resume_at, self._clock() + self._longest_pause(attempt, trouble.wait))

    def _counts(self, trouble: _Trouble, answered: int) -> bool:
        """Whether a try counts: not where the server took other threads' requests in its place."""
        return not (trouble.throttled and self._answered > answered)

    def _wait_for_others(self) -> None:
        """Hold a thread back as long as the server asked another one to wait, then let them go one by one."""
        while self._parallel > 1 and (remaining := self._resume_at - self._clock()) > 0:
            self._sleep(remaining + self._jitter() * min(1.0, remaining))

    def _exchange(
        self,
        method: str,
        path: str,
        read: Callable[[Any], T],
        *,
        action: str,
        params: Mapping[str, Any] | None = None,
        body: Mapping[str, Any] | None = None,
        public: bool = False,
    ) -> T:
        answer = self._unwrapped(self._send(method, path, action=action, params=params, body=body, public=public))
        self._raise_for_status(answer, method, path, action)
        try:
            document = answer.json()
        except ValueError:
            # A proxy's or portal's page will be the same next time; broken JSON may well be whole then.
            is_page = "json" not in answer.headers.get("content-type", "json")
            raise _Trouble(
                self._answer_error("the answer is not JSON", answer, method, path, action),
                retry=method == "POST" or not is_page,
            ) from None
        try:
            # Large lists are the rule and echoed secrets the exception, so look before walking through them.
            result = read(self._redact.deep(document) if self._redact.is_needed(answer.text) else document)
        except ValueError as error:
            raise _Trouble(
                self._answer_error(f"the answer has not the expected form ({error})", answer, method, path, action),
                retry=method == "POST",
            ) from None
        self._answered += 1
        return result

    def _send(
        self,
        method: str,
        path: str,
        *,
        action: str,
        params: Mapping[str, Any] | None,
        body: Mapping[str, Any] | None,
        public: bool,
    ) -> _Answer:
        # The API takes "1" for true, but not "True".
        query = {
            name: "1" if value is True else value
            for name, value in (params or {}).items()
            if value not in (None, False)
        }
        if self._options.http_envelope:
            query["http_envelope"] = "1"
        headers = {}
        if self._options.api_token:
            headers["Authorization"] = f"Bearer {self._options.api_token}"
        elif not public:
            raise OptionError(
                f"Could not {action}: api_token is needed. Set the option or the environment variable WPCOM_API_TOKEN.",
                code="missing_token",
            )
        self._wait_for_others()
        try:
            response = self._session.request(
                method,
                f"{self._options.api_url}{REST_ROOT}{path}",
                params=query,
                json=body,
                headers=headers,
                timeout=self._options.timeout,
                verify=self._verify,
                proxies=self._proxies,
                allow_redirects=False,
            )
        except (OSError, urllib3.exceptions.HTTPError, ValueError) as error:
            raise self._no_answer(error, method, path, action) from None
        names = {name.lower(): value for name, value in response.headers.items()}
        return _Answer(response.status_code, names, response.content.decode("utf-8", errors="replace"))

    def _unwrapped(self, answer: _Answer) -> _Answer:
        """Take an answer out of the envelope that was asked for; a proxy's own answer comes without one."""
        if not self._options.http_envelope:
            return answer
        try:
            envelope = answer.json()
            status = int(envelope["code"])
            headers = {str(item["name"]).lower(): str(item["value"]) for item in envelope.get("headers") or []}
            body = json.dumps(envelope["body"])
        except (ValueError, TypeError, KeyError, AttributeError, OverflowError):
            return answer
        return _Answer(status, {**headers, "content-type": "application/json"}, body)

    def _raise_for_status(self, answer: _Answer, method: str, path: str, action: str) -> None:
        if 200 <= answer.status < 300:
            return
        if 300 <= answer.status < 400:
            location = self._redact(answer.headers.get("location", "an unnamed place"))[:EXCERPT_LENGTH]
            raise _Trouble(
                self._answer_error(
                    f"redirected to {location}, which is never followed because the token would go along; "
                    "set api_url to where the API really is",
                    answer,
                    method,
                    path,
                    action,
                )
            )
        slug, text = self._slug_and_text(answer)
        limited = LIMIT_REACHED in answer.text and not slug
        if limited:
            text = "throttled, the request limit is reached; run fewer requests or raise retry_max_delay to 60 or more"
        what = " ".join(filter(None, (f"HTTP {answer.status}", slug)))
        raise _Trouble(
            ApiError(
                f"Could not {action}: {what}" + (f": {text}" if text else ""),
                code=slug,
                status=answer.status,
                api_message=text,
                method=method,
                path=path,
            ),
            retry=answer.status in RETRIED_STATUS or limited or (method == "POST" and answer.status >= 500),
            refused=answer.status == 429,
            throttled=limited or answer.status == 429,
            wait=LIMIT_REACHED_SECONDS if limited else self._retry_after(answer),
            # The gateway's patience has ended, which says nothing of the server behind it.
            timed_out=answer.status == 504,
        )

    def _slug_and_text(self, answer: _Answer) -> tuple[str, str]:
        """Return the API's slug and text, or for a foreign answer no slug and the beginning of the body."""
        try:
            document = answer.json()
        except ValueError:
            document = None
        if isinstance(document, dict) and isinstance(document.get("error"), str):
            texts = (document.get(key) for key in ("message", "error_message", "error_description"))
            text = next((text for text in texts if isinstance(text, str)), "")
            return self._redact(document["error"])[:EXCERPT_LENGTH], self._redact(text)[:EXCERPT_LENGTH]
        return "", self._excerpt(answer)

    def _answer_error(self, what: str, answer: _Answer, method: str, path: str, action: str) -> AnswerError:
        excerpt = self._excerpt(answer)
        return AnswerError(
            f"Could not {action}: {what}. HTTP {answer.status} from {self._options.api_url}"
            + (f" began with: {excerpt}" if excerpt else " had an empty body")
            + ". Check api_url, and that no proxy or log-in page answers in place of the API.",
            status=answer.status,
            api_message=excerpt,
            method=method,
            path=path,
        )

    def _excerpt(self, answer: _Answer) -> str:
        # Redacted before it is cut, or half a token could stay at the end.
        return " ".join(self._redact(answer.text).split())[:EXCERPT_LENGTH]

    def _no_answer(self, error: Exception, method: str, path: str, action: str) -> _Trouble:
        """Say what hindered a request, and whether it may pass."""
        chain = list(_causes(error))
        # Without a connection nothing was sent.
        unsent = isinstance(error, requests.exceptions.ConnectTimeout) or any(
            isinstance(cause, urllib3.exceptions.NewConnectionError) for cause in chain
        )
        timed_out = isinstance(error, requests.exceptions.Timeout) or any(
            isinstance(cause, (urllib3.exceptions.ReadTimeoutError, TimeoutError)) for cause in chain
        )
        retry = False
        broke_off = any(isinstance(cause, (ssl.SSLEOFError, ssl.SSLZeroReturnError)) for cause in chain)
        if isinstance(error, (requests.exceptions.SSLError, ssl.SSLError)) and not broke_off:
            what = self._tls_problem(chain)
        elif isinstance(error, requests.exceptions.ProxyError):
            what = (
                f"the proxy did not let it through ({self._innermost(chain)}); "
                "check the environment variables HTTPS_PROXY, HTTP_PROXY and NO_PROXY"
            )
        elif timed_out:
            missing = "connection" if unsent else "answer"
            what = f"no {missing} within {self._options.timeout} seconds; raise timeout if the network is slow"
            retry = True
        elif isinstance(error, (requests.exceptions.ContentDecodingError, requests.exceptions.ChunkedEncodingError)):
            what = f"the answer broke off or cannot be decoded ({self._innermost(chain)})"
            retry = True
        elif isinstance(error, (requests.exceptions.ConnectionError, ssl.SSLError)):
            what = f"no connection ({self._innermost(chain)}); check api_url and the network"
            retry = True
        elif isinstance(self._verify, str) and not os.path.exists(self._verify):
            what = f"the CA bundle {self._verify!r} does not exist; mend REQUESTS_CA_BUNDLE or CURL_CA_BUNDLE, or set ca_path"
        else:
            what = f"the request could not be sent ({self._innermost(chain)}); check api_url"
        return _Trouble(
            ConnectError(
                f"Could not {action}: {what}. The API is at {self._options.api_url}.", method=method, path=path
            ),
            retry=retry,
            refused=retry and unsent,
            timed_out=timed_out and not unsent,
        )

    def _tls_problem(self, chain: list[BaseException]) -> str:
        for cause in chain:
            if isinstance(cause, ssl.SSLCertVerificationError):
                return (
                    f"the server's certificate is not trusted ({cause.verify_message}); "
                    "if it is yours, name the CA that signed it in ca_path"
                )
        return (
            f"TLS failed ({self._innermost(chain)}); check that api_url is https where the server speaks TLS, "
            "and that ca_path names a CA bundle in PEM form"
        )

    def _innermost(self, chain: list[BaseException]) -> str:
        return self._redact(str(chain[-1]))[:EXCERPT_LENGTH] or type(chain[-1]).__name__

    def _retry_after(self, answer: _Answer) -> float | None:
        """Return the seconds that Retry-After asks for, as number or date; None where it says nothing usable."""
        value = answer.headers.get("retry-after", "").strip()
        if not value:
            return None
        if is_number(value):
            return float(value)
        try:
            return max(0.0, parsedate_to_datetime(value).timestamp() - time.time())
        except (TypeError, ValueError, IndexError, OverflowError):
            return None

    def _ca_bundle(self) -> bool | str:
        if not self._options.validate_certs:
            return False
        environment = os.environ.get("REQUESTS_CA_BUNDLE") or os.environ.get("CURL_CA_BUNDLE")
        return self._options.ca_path or environment or True

    def _proxy_secrets(self) -> list[str]:
        # Taken apart by hand: a proxy that is no URL is for the request to complain of.
        users = (proxy.rpartition("@")[0].rpartition("//")[2] for proxy in self._proxies.values())
        passwords = [user.partition(":")[2] for user in users]
        return [*passwords, *map(unquote, passwords)]


def _depth(document: Any) -> int:
    """Return how deep lists and dicts are nested, counted level by level so that no depth exhausts the stack."""
    depth = 0
    level = [document]
    while level and depth <= DEEPEST:
        children = [item for value in level if isinstance(value, dict) for item in value.values()]
        children += [item for value in level if isinstance(value, list) for item in value]
        level = [item for item in children if isinstance(item, (dict, list))]
        depth += 1
    return depth


def _causes(error: BaseException) -> Any:
    """Yield an exception and what lies behind it, as requests and urllib3 nest it."""
    seen: set[int] = set()
    current: Any = error
    while isinstance(current, BaseException) and id(current) not in seen:
        seen.add(id(current))
        yield current
        inner = [getattr(current, "reason", None), *current.args[::-1], current.__cause__, current.__context__]
        current = next((cause for cause in inner if isinstance(cause, BaseException) and id(cause) not in seen), None)
