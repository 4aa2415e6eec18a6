# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The hierarchy of errors; any layer raises them, only ``_execute`` turns them into a failed task."""

from __future__ import annotations

from typing import Any


class WpcomError(Exception):
    """The error that ends a task; its message says what failed and what to do.

    ``code`` is the API's slug, or one of the collection's own where there is none; ``result`` holds further keys
    for the failed task's result.
    """

    code = "error"

    def __init__(
        self,
        message: str,
        *,
        code: str | None = None,
        status: int | None = None,
        api_message: str | None = None,
        method: str | None = None,
        path: str | None = None,
        result: dict[str, Any] | None = None,
    ) -> None:
        """Keep what the ``error`` key of a failed task reports."""
        super().__init__(message)
        self.message = message
        self.code = code or self.code
        self.status = status
        self.api_message = api_message
        self.method = method
        self.path = path
        self.result = result or {}

    @property
    def details(self) -> dict[str, Any]:
        """Return everything but the message and the result, as the arguments of an error that stands for this one."""
        return {
            "code": self.code,
            "status": self.status,
            "api_message": self.api_message,
            "method": self.method,
            "path": self.path,
        }

    def as_result(self) -> dict[str, Any]:
        """Return the keys of the failed task: ``msg``, ``error``, and those of ``result``."""
        return {
            **self.result,
            "msg": self.message,
            "error": {
                "status": self.status,
                "code": self.code,
                "message": self.api_message,
                "method": self.method,
                "path": self.path,
            },
        }


class OptionError(WpcomError):
    """An option is missing, malformed, or asks for what is not possible; nothing was written."""

    code = "invalid_option"


class AmbiguousMatchError(OptionError):
    """The options match more than one thing; the message lists them."""

    code = "ambiguous_match"


class MissingError(OptionError):
    """What the options name does not exist and cannot be created through the API."""

    code = "missing"


class NotAllowedError(WpcomError):
    """The thing is owned by another user, or the change would delete more than was asked for."""

    code = "not_yours"


class ConnectError(WpcomError):
    """There was no response: connection refused or lost, timeout, TLS, proxy."""

    code = "no_response"


class ResponseError(WpcomError):
    """The response is not the API's: not JSON, JSON of another form, a redirect."""

    code = "unexpected_response"


class ApiError(WpcomError):
    """The API refused, with a status and usually a slug (``code`` is empty where the response had none)."""

    code = ""

    @property
    def is_not_found(self) -> bool:
        """Whether the API says that the thing does not exist; an empty 404 may also be a wrong route."""
        return self.status == 404 and self.code in ("not_found", "unknown_application_access_token")

    @property
    def is_empty_not_found(self) -> bool:
        """Whether it is an empty 404: the response of unknown routes and, on some servers, of missing things."""
        return self.status == 404 and not self.code


class IndeterminateWriteError(WpcomError):
    """A write was sent and may or may not have been done: its response was lost, unreadable, or a server error.

    ``wait`` is the number of seconds before the next request (None: the caller's choice), ``timed_out`` whether the
    server may still be at work on it.
    """

    def __init__(self, cause: WpcomError, *, wait: float | None, timed_out: bool) -> None:
        """Take over what the cause reports."""
        super().__init__(cause.message, **cause.details)
        self.wait = wait
        self.timed_out = timed_out


class UnconfirmedWriteError(WpcomError):
    """A write was sent, its response was lost, and whether it was done could not be read back."""

    code = "unconfirmed_write"

    def __init__(self, message: str, cause: WpcomError, *, result: dict[str, Any] | None = None) -> None:
        """Take over what the cause reports, but for its code."""
        super().__init__(message, **{**cause.details, "code": self.code}, result=result)


class IgnoredWriteError(WpcomError):
    """The server accepted a write and did something else."""

    code = "ignored_write"


class CheckModeError(WpcomError):
    """A write was about to be sent in check mode: a defect of the collection, stopped by the transport."""

    code = "write_in_check_mode"


class InterruptedTaskError(WpcomError):
    """The task was interrupted: no further request or wait begins."""

    code = "interrupted"
