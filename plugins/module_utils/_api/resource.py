# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What all resources share: reading lists and single things, and the form of their responses."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Callable, TypeVar
from urllib.parse import quote

from .._errors import ApiError
from .._http.transport import Transport
from .._operations import Presentation
from .._records import normalize
from .._records.record import Record, Records
from . import confirm

T = TypeVar("T")
Handlers = Mapping[type, Callable[[Any], Any]]


class Resource:
    """One resource of the API over a transport; ``handlers`` say which queries and operations it answers."""

    def __init__(self, transport: Transport) -> None:
        """Keep the transport; nothing is sent yet."""
        self._transport = transport

    @property
    def handlers(self) -> Handlers:
        """Return what answers each class of query and operation."""
        raise NotImplementedError

    def _record(self, wire: Mapping[str, Any]) -> Record:
        """Return the record of a thing as the wire has it."""
        raise NotImplementedError

    _has_integer_id = True

    def _read_one(self, document: Any) -> Record:
        return normalize.require_types(self._record(_with_id(document)), integer_id=self._has_integer_id)

    def _list(
        self,
        path: str,
        key: str,
        *,
        action: str,
        presentation: Presentation = (),
        params: Mapping[str, Any] | None = None,
        public: bool = False,
    ) -> Records:
        return self._transport.get(
            path,
            lambda document: [self._read_one(item) for item in _items(document, key)],
            action=action,
            params={**(params or {}), **dict(presentation)},
            public=public,
        )

    def _get(
        self,
        path: str,
        *,
        action: str,
        presentation: Presentation = (),
        params: Mapping[str, Any] | None = None,
        public: bool = False,
    ) -> Record:
        return self._transport.get(
            path, self._read_one, action=action, params={**(params or {}), **dict(presentation)}, public=public
        )

    def _delete(self, path: str, key: str, is_gone: Callable[[], bool], *, action: str) -> None:
        confirm.delete(
            self._transport,
            lambda: self._transport.post(path, lambda document: _flag(document, key), action=action),
            is_gone,
            action=action,
            path=path,
        )


def found(get: Callable[[], Record], list_all: Callable[[], Records], sought: int) -> Record | None:
    """Return what ``get`` finds, None where it does not exist.

    An empty 404 may also mean a wrong api_url, so it counts only where the list, which always exists, lacks it too.
    """
    try:
        return get()
    except ApiError as error:
        if error.is_not_found or (error.is_empty_not_found and sought not in [record["id"] for record in list_all()]):
            return None
        raise


def unless_forbidden(get: Callable[[], T]) -> T | None:
    """Return what ``get`` finds, None where the token's scope does not allow it."""
    try:
        return get()
    except ApiError as error:
        if error.status == 403 and error.code == "authorization_required":
            return None
        raise


def quoted(part: str) -> str:
    """Return a part of a path."""
    return quote(part, safe="")


def _items(document: Any, key: str) -> list[Any]:
    """Return the objects below a key; PHP sends a list with gaps as an object. Raises ValueError."""
    items = document.get(key) if isinstance(document, dict) else None
    if isinstance(items, dict):
        items = list(items.values())
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        raise ValueError(f"no list {key!r}")
    return items


def _with_id(document: Any) -> Mapping[str, Any]:
    """Return an object that has an ID in one of its spellings. Raises ValueError."""
    if not isinstance(document, dict) or not any(document.get(key) for key in ("ID", "id", "connection_ID")):
        raise ValueError("no object with an ID")
    return document


def _flag(document: Any, key: str) -> bool:
    """Return what the response to a deletion says. Raises ValueError."""
    if not isinstance(document, dict) or key not in document:
        raise ValueError(f"no object with {key!r}")
    return bool(document[key])
