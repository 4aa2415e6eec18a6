# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a diagnosis is made of: checks, and the raw responses that it has read so far."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .._api.diagnostics import GetEnvironment, GetRaw, RawResponse
from .._api.resource import has_id, items_of
from .._cache.read_cache import Cache
from .._errors import ApiError
from .._http.request import ANONYMOUS, TOKEN, TOKEN_PARAMETER
from .._operations import Presentation
from .._records import normalize, wire
from .._records.record import Record

OK, WARNING, FAILED, SKIPPED = STATUSES = ("ok", "warning", "failed", "skipped")
MAX_REQUESTS = 25

# The request limit is reached, and each further request would prolong it.
LIMITED = ("limit_reached", "gateway_limit_reached", "too_many_requests")
# What the next request would end with as well.
_HOPELESS = (
    "untrusted_certificate",
    "tls",
    "proxy",
    "connect_timeout",
    "response_timeout",
    "not_connected",
    "missing_ca_bundle",
    "not_sendable",
)
NOT_THE_API = ("redirect", "foreign_page")


@dataclass(frozen=True)
class Check:
    """One check of a diagnosis; ``facts`` are what the report says of it in addition."""

    name: str
    status: str
    detail: str
    hint: str = ""
    seconds: float = 0.0
    facts: Mapping[str, Any] = field(default_factory=dict)

    def to_result(self) -> dict[str, Any]:
        """Return the check as a task returns it."""
        return {
            "name": self.name,
            "status": self.status,
            "detail": self.detail,
            "hint": self.hint,
            "seconds": round(self.seconds, 3),
        }


class Undecided(Exception):
    """The responses do not show it; the text says why, and completes "Not known: ..."."""


@dataclass(frozen=True)
class Source:
    """One list that diagnostics read, or the account: where it is, and what its records are."""

    path: str
    key: str | None
    table: wire.Wire

    def entries(self, document: Any) -> list[Any]:
        """Return the entries of a response, as they are. Raises ValueError."""
        if self.key is not None:
            return items_of(document, self.key)
        if not isinstance(document, dict):
            raise ValueError("no object")
        return [document]

    def has_id(self, entry: Any) -> bool:
        """Whether an entry is an object with an ID."""
        return has_id(entry, self.table)


SOURCES = {
    "publicize_connections": Source("/me/publicize-connections/", "connections", wire.PUBLICIZE_CONNECTION),
    "keyring_connections": Source("/me/keyring-connections/", "connections", wire.KEYRING_CONNECTION),
    "connected_applications": Source(
        "/me/connected-applications/", "connected_applications", wire.CONNECTED_APPLICATION
    ),
    "external_services": Source("/meta/external-services/", "services", wire.SERVICE),
    "sites": Source("/me/sites", "sites", wire.SITE),
    "account": Source("/me", None, wire.ACCOUNT),
}


class Observations:
    """The raw responses of one diagnosis. Asking raises ReadsNeeded for what has not been read yet.

    No more than ``MAX_REQUESTS`` are asked for, none after the request limit was reached, and none that the token or the
    network cannot bring a response for.
    """

    def __init__(self, cache: Cache) -> None:
        """Read what needs no request."""
        self._cache = cache
        self.environment = cache.read(GetEnvironment())
        self.asked: dict[GetRaw, RawResponse] = {}
        self.limited: RawResponse | None = None
        self.token_rejected = False
        self._stopped = ""
        self._silent = 0

    def ask(
        self, path: str, params: Presentation = (), credentials: str = TOKEN, root: str | None = None
    ) -> RawResponse:
        """Return the response to one GET. Raises Undecided where it must not be sent, ReadsNeeded."""
        query = GetRaw(path, params, credentials, root)
        if query not in self.asked:
            self._require_sendable(query)
            self._keep(query, self._cache.read(query))
        return self.asked[query]

    def first(self) -> RawResponse:
        """Return the response that shows whether the API can be reached: the account, or what needs no token."""
        source = SOURCES["account" if self.environment.has_token else "external_services"]
        return self.ask(source.path, (), TOKEN if self.environment.has_token else ANONYMOUS)

    def source(self, name: str) -> RawResponse:
        """Return the response of a list or of the account. Raises Undecided, ReadsNeeded."""
        usable = self.environment.has_token and not self.token_rejected
        anonymous = name == "external_services" and not usable
        return self.ask(SOURCES[name].path, (), ANONYMOUS if anonymous else TOKEN)

    def code(self, name: str) -> str:
        """Return the code of the error that a list or the account ended with, empty where there is none. Raises ReadsNeeded."""
        try:
            return self.source(name).code
        except Undecided:
            return ""

    def records(self, name: str) -> list[dict[str, Any]]:
        """Return the entries of a list that have an ID, as they are. Raises Undecided, ReadsNeeded."""
        source = SOURCES[name]
        return [entry for entry in self.entries(name) if source.has_id(entry)]

    def entries(self, name: str) -> list[Any]:
        """Return all entries of a list, as they are. Raises Undecided, ReadsNeeded."""
        response = self.source(name)
        try:
            if response.is_success:
                return SOURCES[name].entries(response.document)
        except ValueError:
            pass
        raise Undecided(f"{SOURCES[name].path} could not be read")

    @property
    def account(self) -> Record | None:
        """The user behind the token, None where it cannot be read."""
        try:
            (entry,) = self.records("account")
            return normalize.account(entry)
        except (Undecided, ValueError):
            return None

    def error(self, name: str) -> ApiError:
        """Return the error that a list was refused with."""
        response = self.source(name)
        return ApiError(response.message, status=response.status, code=response.code, path=SOURCES[name].path)

    @property
    def seconds(self) -> list[float]:
        """How long each response took."""
        return [response.seconds for response in self.asked.values() if response.status is not None]

    def _require_sendable(self, query: GetRaw) -> None:
        if self._stopped:
            raise Undecided(self._stopped)
        if query.credentials in (TOKEN, TOKEN_PARAMETER):
            if not self.environment.has_token:
                raise Undecided("it requires a token")
            if self.token_rejected:
                raise Undecided("the token was rejected")
        if len(self.asked) >= MAX_REQUESTS:
            raise Undecided(f"no more than {MAX_REQUESTS} requests are sent")

    def _keep(self, query: GetRaw, response: RawResponse) -> None:
        is_first = not self.asked
        self.asked[query] = response
        if response.failure in LIMITED:
            self.limited = response
            self._stopped = "the request limit is reached"
        if response.status is None or response.failure in NOT_THE_API:
            self._silent += 1
            if self._silent == 2 or (is_first and response.failure in _HOPELESS):
                self._stopped = "the API cannot be reached"
        else:
            self._silent = 0
        if query.credentials == TOKEN and response.code == "invalid_token":
            self.token_rejected = True
