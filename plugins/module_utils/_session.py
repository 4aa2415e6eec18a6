# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A session with the API: options, transport, resources, and hints; knows nothing of Ansible's modules."""

from __future__ import annotations

import os
import threading
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Callable, TypeVar

from ._api.client import Api
from ._api.hints import hint, needs_account
from ._api.resource import HasHandlers
from ._cache.read_cache import Cache
from ._errors import ApiError, InterruptedTaskError, WpcomError
from ._http.retry import never
from ._http.transport import Transport
from ._operations import GetAccount, Operation, Query
from ._options import ConnectionOptions
from ._parallel import for_each
from ._records.health import EXPIRING_WITHIN_DAYS
from ._records.record import Record

T = TypeVar("T")


@dataclass(frozen=True)
class SessionSettings:
    """What a session has in addition to the connection options: parallel requests, and the days before an expiry.

    ``resources`` are those that only some modules need. ``report_token_error``: a token that cannot be refreshed leaves the
    session without one, and its error is part of the options.
    """

    parallel: int = 2
    expiring_within: int = EXPIRING_WITHIN_DAYS
    resources: tuple[Callable[[Transport], HasHandlers], ...] = ()
    report_token_error: bool = False


class Session:
    """A connection to the API and what has been read over it."""

    def __init__(
        self,
        options: ConnectionOptions,
        cache: Cache,
        settings: SessionSettings,
        *,
        check_mode: bool = False,
        stop: Callable[[], bool] = never,
    ) -> None:
        """Open nothing yet, but refresh a token whose end is near; where ``stop`` returns true, no further request or wait begins.

        Raises WpcomError where the token cannot be refreshed.
        """
        self.cache = cache
        self.check_mode = check_mode
        self._parallel = settings.parallel
        self._stopped = threading.Event()
        self._stop = stop
        self._parent = os.getppid()
        # In check mode too: the token is not what a task declares, and reading requires it.
        try:
            self.options = _with_valid_token(options, self._is_stopped)
        except WpcomError as error:
            if not settings.report_token_error or isinstance(error, InterruptedTaskError):
                raise
            self.options = replace(options, api_token=None, token_error=error)
        self._transport = Transport(
            self.options,
            check_mode=check_mode,
            parallel=settings.parallel,
            sleep=self._stopped.wait,
            stop=self._is_stopped,
        )
        self._api = Api(self._transport, expiring_within=settings.expiring_within, further=settings.resources)
        self._account: Record | None = None
        self._is_account_asked = False
        self._asking = threading.Lock()

    @property
    def warnings(self) -> list[str]:
        """Return the warnings about the connection options, and about the lists that were read."""
        return [*self.options.warnings(), *self._api.notices]

    @property
    def has_unidentified_connections(self) -> bool:
        """Whether the list of the user's publicize connections that was read last has entries without an ID."""
        return self._api.has_unidentified_connections

    def fetch(self, query: Query[T]) -> T:
        """Return the response to a query. Raises WpcomError, whose message has a hint."""
        return self._with_hint(lambda: self._api.fetch(query))

    def fetch_all(self, queries: Sequence[Query[Any]]) -> list[Any]:
        """Return for each query its response, or the WpcomError that it ended with; several in parallel."""

        def one(query: Query[Any]) -> Any:
            try:
                return self.fetch(query)
            except WpcomError as error:
                return error

        return for_each(one, queries, self._parallel)

    def apply(self, operation: Operation) -> Record | bool:
        """Do an operation, and return the record that it leaves, or whether what it deleted existed.

        Raises WpcomError, whose message has a hint.
        """
        return self._with_hint(lambda: self._api.apply(operation))

    def close(self) -> None:
        """Close the connections."""
        self._transport.close()

    def interrupt(self) -> None:
        """Have no further request or wait begin, in whatever thread."""
        self._stopped.set()

    def _is_stopped(self) -> bool:
        # Where Ansible was killed nobody is left to interrupt what it had started.
        return self._stopped.is_set() or os.getppid() != self._parent or self._stop()

    def _with_hint(self, request: Callable[[], T]) -> T:
        try:
            return request()
        except ApiError as error:
            account = self._account_of_token() if needs_account(error) else None
            error.message = f"{error.message.rstrip('.')}. {hint(error, account)}".rstrip()
            raise

    def _account_of_token(self) -> Record | None:
        # Requests that are made in parallel may end with the same error.
        with self._asking:
            if not self._is_account_asked:
                self._is_account_asked = True
                try:
                    self._account = self._api.fetch(GetAccount())
                except WpcomError:
                    # The error that led here is the one to report.
                    pass
            return self._account


def _with_valid_token(options: ConnectionOptions, stop: Callable[[], bool]) -> ConnectionOptions:
    """Return the options with a token whose end is not near, as far as its file says when that is. Raises WpcomError."""
    if options.token_file is None or not options.token_file.document.get("expires_at"):
        return options
    # Most tokens do not expire, and to import this takes a tenth of what the collection takes in a task.
    from ._oauth.refresh import with_valid_token

    return with_valid_token(options, stop=stop)
