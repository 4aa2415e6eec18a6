# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Refreshing the token of ``api_token_file``: by one process at a time, and the file is complete at every moment."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any, Callable

from .._errors import ApiError, ConnectError, OptionError, ResponseError, WpcomError
from .._http.retry import never
from .._http.transport import Transport
from .._options import ConnectionOptions
from .._records.dates import date, time_left
from .._token_file import Token, read_token
from .server import LOG_IN_AGAIN, AuthorizationServer, endpoint_prefix, token_document, utc_now

# A task that begins with a token should also end with it.
REFRESH_BEFORE = timedelta(minutes=5)
LOCK_POLL_SECONDS = 0.05
# More than any document; reserved before the request, so that a full disk cannot lose the new refresh token.
RESERVED_BYTES = 16384

RefreshToken = Callable[[Mapping[str, Any]], Mapping[str, Any]]


def with_valid_token(
    options: ConnectionOptions, *, stop: Callable[[], bool] = never, refresh: RefreshToken | None = None
) -> ConnectionOptions:
    """Return the connection options with a token that is refreshed where its end is near and its file has a refresh token.

    ``refresh`` returns the response to the request for a new token; by default it is sent to the ``token_url`` of the file.
    Raises WpcomError where the token cannot be refreshed and is not valid any more, or where the server refuses.
    """
    token, path = options.token_file, options.api_token_file
    if token is None or path is None:
        return options
    if _has_unknown_end(token.document):
        return _with_warning(
            options,
            f"expires_at of api_token_file {path!r} is not a date, so the token is not refreshed: use the form "
            "2026-02-14T10:20:30Z.",
        )
    if not _is_due(token.document):
        return options
    if not token.document.get("refresh_token"):
        return _with_warning(options, f"{_subject(options)} {_end(token.document)}: {LOG_IN_AGAIN}.")
    file = os.path.realpath(os.path.expanduser(path))
    transport = Transport(options, check_mode=False, stop=stop)
    try:
        with lock(file, options.timeout, transport.sleep):
            token = read_token(path)
            if _is_due(token.document) and token.document.get("refresh_token"):
                send = _once_if_refused(file, refresh or _sender(transport, options.api_url))
                document = _refreshed(token.document, file, send)
                token = Token(document["access_token"], document, token.warnings)
    except (ConnectError, ResponseError, OptionError, NotPossibleError) as error:
        return _unless_expired(options, error)
    except ApiError as error:
        if not _is_refusal(error):
            return _unless_expired(options, error)
        error.message = f"{_subject(options)} {_end(token.document)}. {error.message}"
        raise
    finally:
        transport.close()
    return replace(options, api_token=token.access_token, token_file=token)


class NotPossibleError(WpcomError):
    """The token was not refreshed, and nothing was sent."""

    code = "token_not_refreshed"


@contextmanager
def lock(file: str, timeout: float, sleep: Callable[[float], object]) -> Iterator[None]:
    """Hold the lock of a token's file, against other processes and other threads.

    The lock file stays: to remove it would take the lock away from those that wait. Raises NotPossibleError.
    """
    try:
        descriptor = os.open(f"{file}.lock", os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    except OSError as error:
        raise NotPossibleError(f"the lock file {file}.lock cannot be opened ({error.strerror})") from None
    try:
        waited = 0.0
        while not _locked(descriptor):
            if waited >= timeout:
                raise NotPossibleError(f"another process has held the lock file {file}.lock for {timeout} seconds")
            sleep(LOCK_POLL_SECONDS)
            waited += LOCK_POLL_SECONDS
        yield
    finally:
        # The end of a process, however it comes, does the same.
        os.close(descriptor)


def write_document(file: str, document: Mapping[str, Any]) -> None:
    """Write a token's document for its owner only; the file is the old or the new one, complete, whatever happens.

    To be called with the lock held. Raises OSError, without a change.
    """
    with new_content(file, mode=0o600) as write:
        write(document)


@contextmanager
def new_content(file: str, *, mode: int | None = None) -> Iterator[Callable[[Mapping[str, Any]], None]]:
    """Prepare to replace a token's file, and yield what replaces it: from here on only the file system itself can fail.

    Owner and mode of an existing file are kept, the mode only where none is given. Raises OSError.
    """
    # A name that does not vary: what a killed process left there is removed by the next one.
    temporary = os.path.join(os.path.dirname(file), f".{os.path.basename(file)}.new")
    _remove(temporary)
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        _take_over(descriptor, file, mode)
        if hasattr(os, "posix_fallocate"):
            os.posix_fallocate(descriptor, 0, RESERVED_BYTES)

        def write(document: Mapping[str, Any]) -> None:
            content = json.dumps(document, indent=2).encode() + b"\n"
            written = 0
            while written < len(content):
                written += os.write(descriptor, content[written:])
            os.ftruncate(descriptor, len(content))
            os.fsync(descriptor)
            os.replace(temporary, file)
            _sync_folder(os.path.dirname(file))

        yield write
    finally:
        os.close(descriptor)
        # After a success it does not exist any more.
        _remove(temporary)


def _refreshed(document: Mapping[str, Any], file: str, refresh: RefreshToken) -> Mapping[str, Any]:
    """Return the new document, which is stored. Raises WpcomError, NotPossibleError."""
    try:
        with new_content(file) as write:
            response = refresh(document)
            new = token_document(response, document, utc_now(), assume_lifetime=True)
            # Stored before anything uses it: the old refresh token may not be valid any more.
            write(new)
    except OSError as error:
        raise NotPossibleError(f"the file {file} cannot be replaced ({error.strerror})") from None
    return new


# By file and refresh token: what the server has refused, it would refuse again for each item of a loop.
_refused: dict[tuple[str, bytes], ApiError] = {}


def _once_if_refused(file: str, refresh: RefreshToken) -> RefreshToken:
    """Return what sends a refresh token, but not again in this process after the server has refused it."""

    def send(document: Mapping[str, Any]) -> Mapping[str, Any]:
        # Not the secret itself, which would stay in memory.
        key = (file, hashlib.sha256(str(document["refresh_token"]).encode()).digest())
        if key not in _refused:
            try:
                return refresh(document)
            except ApiError as error:
                if not _is_refusal(error):
                    raise
                _refused[key] = error
        known = _refused[key]
        raise ApiError(known.message, **known.details)

    return send


def _is_refusal(error: ApiError) -> bool:
    """Whether it is the server of the tokens that refuses: not one that is overloaded, nor something between."""
    return bool(error.code) and error.status != 429 and (error.status or 0) < 500


def _sender(transport: Transport, api_url: str) -> RefreshToken:
    """Return what sends a refresh token to the server that issued it."""

    def send(document: Mapping[str, Any]) -> Mapping[str, Any]:
        server = AuthorizationServer(transport, endpoint_prefix(document.get("token_url"), api_url))
        return server.token(
            {
                "grant_type": "refresh_token",
                "client_id": str(document.get("client_id") or ""),
                "refresh_token": str(document["refresh_token"]),
            }
        )

    return send


def _is_due(document: Mapping[str, Any]) -> bool:
    left = _left(document)
    return left is not None and left < REFRESH_BEFORE


def _has_unknown_end(document: Mapping[str, Any]) -> bool:
    return date(document.get("expires_at")) is not None and _left(document) is None


def _left(document: Mapping[str, Any]) -> timedelta | None:
    """Return how long a token is still valid, None where its document does not say."""
    return time_left(date(document.get("expires_at")), utc_now())


def _end(document: Mapping[str, Any]) -> str:
    left = _left(document)
    return f"{'expired' if left is not None and left <= timedelta() else 'expires'} at {date(document['expires_at'])}"


def _subject(options: ConnectionOptions) -> str:
    return f"The token of api_token_file {options.api_token_file!r}"


def _unless_expired(options: ConnectionOptions, error: WpcomError) -> ConnectionOptions:
    """Return the options with a warning where the token is still valid. Raises the error otherwise."""
    document = options.token_file.document if options.token_file else {}
    reason = error.message.rstrip(".")
    left = _left(document)
    if left is not None and left > timedelta():
        return _with_warning(options, f"{_subject(options)} {_end(document)} and was not refreshed: {reason}.")
    if isinstance(error, NotPossibleError):
        raise OptionError(
            f"{_subject(options)} {_end(document)} and was not refreshed: {reason}. Correct the permissions, or {LOG_IN_AGAIN}.",
            code=error.code,
        )
    error.message = f"{_subject(options)} {_end(document)} and was not refreshed: {reason}."
    raise error


def _with_warning(options: ConnectionOptions, warning: str) -> ConnectionOptions:
    token = options.token_file
    return replace(options, token_file=token and replace(token, warnings=(*token.warnings, warning)))


def _locked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _take_over(descriptor: int, file: str, mode: int | None) -> None:
    """Give a new file the owner and mode of the one that it replaces, if any."""
    try:
        old = os.stat(file)
    except FileNotFoundError:
        return
    new = os.fstat(descriptor)
    if (old.st_uid, old.st_gid) != (new.st_uid, new.st_gid):
        os.fchown(descriptor, old.st_uid, old.st_gid)
    os.fchmod(descriptor, stat.S_IMODE(old.st_mode) if mode is None else mode)


def _sync_folder(folder: str) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _remove(path: str) -> None:
    try:
        os.unlink(path)
    except FileNotFoundError:
        pass
