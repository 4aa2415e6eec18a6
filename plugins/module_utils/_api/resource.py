# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What all resources share: reading lists and single things, and the form of their responses."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Callable, Protocol, TypeVar
from urllib.parse import quote

from .._errors import ApiError
from .._http.request import Request
from .._http.transport import Transport
from .._operations import Presentation
from .._records import normalize
from .._records.record import Record, Records, is_number
from .._records.wire import INTEGER, Wire
from . import confirm

T = TypeVar("T")
Handlers = Mapping[type, Callable[[Any], Any]]
Report = Callable[[str, str], None]


class HasHandlers(Protocol):
    """What handles some classes of queries and operations."""

    @property
    def handlers(self) -> Handlers:
        """Return the handler of each class."""


class Resource:
    """One resource of the API over a transport; ``handlers`` say which queries and operations it handles.

    ``report`` takes the path of each list that was read, and what is wrong with it, an empty text for nothing; ``record``
    makes the record of a thing as the wire has it.
    """

    # The keys of its records.
    _table: Wire

    def __init__(self, transport: Transport, report: Report, record: Callable[[Mapping[str, Any]], Record]) -> None:
        """Keep the transport; nothing is sent yet."""
        self._transport = transport
        self._report = report
        self._record = record

    @property
    def handlers(self) -> Handlers:
        """Return the handler of each class of query and operation."""
        raise NotImplementedError

    def _read_one(self, document: Any) -> Record:
        if not isinstance(document, dict) or not any(_ids(document, self._table)):
            raise ValueError("no object with an ID")
        return normalize.require_types(self._record(document), self._table)

    def _list(self, request: Request, key: str) -> Records:
        """Return the records of a list, without entries that have no ID, which are reported."""
        records, omitted = self._transport.send(request).parse(lambda document: self._read_list(document, key))
        self._report(request.path, _omitted(omitted, request) if omitted else "")
        return records

    def _read_list(self, document: Any, key: str) -> tuple[Records, int]:
        entries = items_of(document, key)
        usable = [entry for entry in entries if has_id(entry, self._table)]
        return [self._read_one(entry) for entry in usable], len(entries) - len(usable)

    def _one(self, request: Request) -> Record:
        """Return the record that a request reads or writes."""
        return self._transport.send(request).parse(self._read_one)

    def _delete(self, request: Request, key: str, is_gone: Callable[[], bool]) -> bool:
        return confirm.delete(
            self._transport,
            request,
            lambda: self._transport.send(request).parse(lambda document: _flag(document, key)),
            is_gone,
        )


def reading(path: str, action: str, presentation: Presentation = (), *, public: bool = False, **params: Any) -> Request:
    """Return a request that reads."""
    return Request("GET", path, action, params={**params, **dict(presentation)}, public=public)


def writing(path: str, action: str, body: Mapping[str, Any] | None = None) -> Request:
    """Return a request that writes."""
    return Request("POST", path, action, body=body or {})


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


def has_id(entry: Any, table: Wire) -> bool:
    """Whether an entry of a list is an object with an ID; all else of it may be missing."""
    if not isinstance(entry, dict):
        return False
    ids = _ids(entry, table)
    if table.keys[0].kind != INTEGER:
        return any(isinstance(value, str) and value not in ("", "0") for value in ids)
    return any(is_number(str(value)) and int(value) > 0 for value in ids if not isinstance(value, bool))


def _ids(document: Mapping[str, Any], table: Wire) -> list[Any]:
    """Return the values of the ID in all its spellings; it is the first key of every table."""
    return [document.get(name) for name in (*table.keys[0].names, "id")]


def items_of(document: Any, key: str) -> list[Any]:
    """Return the entries below a key; PHP sends a list with gaps as an object. Raises ValueError."""
    items = document.get(key) if isinstance(document, dict) else None
    if isinstance(items, dict):
        items = list(items.values())
    if not isinstance(items, list):
        raise ValueError(f"no list {key!r}")
    return items


def _omitted(number: int, request: Request) -> str:
    entries = "1 entry" if number == 1 else f"{number} entries"
    return (
        f"The response to the request to {request.action} (GET {request.path}) has {entries} without an ID, which cannot be managed and "
        "were left out. The result, and anything that is deleted or reported as absent, does not take them into account."
    )


def _flag(document: Any, key: str) -> bool:
    """Return what the response to a deletion says. Raises ValueError."""
    if not isinstance(document, dict) or key not in document:
        raise ValueError(f"no object with {key!r}")
    return bool(document[key])
