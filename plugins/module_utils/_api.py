# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The resources of the API, one method per endpoint; every write is confirmed before it counts as done."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime, timezone
from typing import Any, Callable, TypeVar
from urllib.parse import quote

from ansible_collections.community.wpcom.plugins.module_utils import _records
from ansible_collections.community.wpcom.plugins.module_utils._errors import (
    ApiError,
    IgnoredWriteError,
    IndeterminateWriteError,
    UnconfirmedWriteError,
    WpcomError,
)
from ansible_collections.community.wpcom.plugins.module_utils._http.transport import Transport
from ansible_collections.community.wpcom.plugins.module_utils._records import Record
from ansible_collections.community.wpcom.plugins.module_utils._snapshot import Call

T = TypeVar("T")
# The resources have methods called list, which would hide the type within their classes.
Records = list[Record]


class Api:
    """All resources over one transport; ``now`` and ``expiring_within`` (days) decide the health of records."""

    def __init__(
        self,
        transport: Transport,
        *,
        now: datetime | None = None,
        expiring_within: int = _records.EXPIRING_WITHIN_DAYS,
    ) -> None:
        """Make the resources; nothing is sent yet."""
        health = _Health(now or datetime.now(timezone.utc), expiring_within)
        self.publicize = PublicizeConnections(transport, health)
        self.keyring = KeyringConnections(transport, health)
        self.applications = ConnectedApplications(transport)
        self.services = ExternalServices(transport)
        self.account = Account(transport)
        self.sites = Sites(transport)

    def perform(self, call: Call) -> Any:
        """Make a call that a plan asks for, and return its answer; raises WpcomError."""
        return getattr(getattr(self, call.resource), call.method)(**dict(call.arguments))


class _Health:
    """What the health of a connection depends on besides its record."""

    def __init__(self, now: datetime, expiring_within: int) -> None:
        self._now = now
        self._expiring_within = expiring_within

    def publicize_connection(self, wire: Mapping[str, Any]) -> Record:
        return _records.publicize_connection(wire, self._now, self._expiring_within)

    def keyring_connection(self, wire: Mapping[str, Any]) -> Record:
        return _records.keyring_connection(wire, self._now, self._expiring_within)


class _Resource:
    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def _found(self, get: Callable[[], Record], ids: Callable[[], Collection[Any]], wanted: int) -> Record | None:
        """Return what ``get`` finds, None where it is not there.

        An empty 404 may also mean a wrong api_url, so it is believed only where the list, which always exists, lacks
        the thing too.
        """
        try:
            return get()
        except ApiError as error:
            if error.is_not_found or (error.is_empty_not_found and wanted not in ids()):
                return None
            raise

    def _confirmed(
        self, send: Callable[[], T], read_back: Callable[[], T | None], *, doubles: bool = False
    ) -> tuple[T, IndeterminateWriteError | None]:
        """Return the answer of a write, and the error of the first try where it was sent twice.

        Where the answer is lost the truth is read back; what turns out not to be done is sent once more. ``doubles`` marks
        a write that would do harm if it were done twice.
        """
        try:
            return send(), None
        except IndeterminateWriteError as error:
            lost = error
        done = self._read_back(lost, read_back, patient=doubles)
        if done is not None:
            return done, None
        if not self._transport.retries:
            raise _not_done(lost)
        try:
            return send(), lost
        except IndeterminateWriteError as error:
            done = self._read_back(error, read_back, patient=doubles)
            if done is not None:
                return done, lost
            raise _not_done(error) from None
        except ApiError as refusal:
            # The first try may have been done late, so that the second was refused for it.
            done = self._read_back(IndeterminateWriteError(refusal, wait=0, timed_out=False), read_back, patient=False)
            if done is not None:
                return done, lost
            raise

    def _read_back(
        self, lost: IndeterminateWriteError, read_back: Callable[[], T | None], *, patient: bool
    ) -> T | None:
        """Return what a write whose answer was lost has made, None where it was not done."""
        # A server that timed out may still be at work: look more than once before the write is repeated.
        looks = max(1, self._transport.retries) if lost.timed_out else 1
        try:
            for attempt in range(looks):
                self._transport.pause(attempt, lost.wait)
                done = read_back()
                if done is not None:
                    return done
            if lost.timed_out and patient:
                self._transport.sleep(self._transport.timeout)
                return read_back()
        except WpcomError as error:
            raise UnconfirmedWriteError(
                f"{lost.message} Whether it was done all the same could not be read back: {error.message} "
                "Run the task again: it looks at what is there and finishes the rest.",
                status=lost.status,
                api_message=lost.api_message,
                method=lost.method,
                path=lost.path,
            ) from None
        return None

    def _delete(self, path: str, read: Callable[[Any], bool], is_gone: Callable[[], bool], action: str) -> None:
        """Delete; a target that is already gone is success."""

        def send() -> bool:
            try:
                return self._transport.post(path, read, action=action)
            except ApiError as error:
                if error.is_not_found or (error.is_empty_not_found and is_gone()):
                    return True
                raise

        deleted, _lost = self._confirmed(send, lambda: is_gone() or None)
        if not deleted:
            raise IgnoredWriteError(
                f"Could not {action}: the server accepted the request but says that it did not delete.",
                method="POST",
                path=path,
            )


class PublicizeConnections(_Resource):
    """Publicize connections, through the account (/me) and through a site."""

    def __init__(self, transport: Transport, health: _Health) -> None:
        super().__init__(transport)
        self._record = health.publicize_connection

    def list(
        self,
        *,
        service: str | None = None,
        keyring_connection_id: int | None = None,
        site: str | None = None,
        presentation: tuple[tuple[str, str], ...] = (),
    ) -> Records:
        """Return mine on all sites: GET /me/publicize-connections/.

        With ``site`` only those on it, and other users' shared ones there too.
        """
        return self._list(
            "/me/publicize-connections/",
            "list your publicize connections",
            service=service,
            keyring_connection_ID=keyring_connection_id,
            site=site,
            **dict(presentation),
        )

    def get(self, *, connection_id: int, presentation: tuple[tuple[str, str], ...] = ()) -> Record | None:
        """Return one of mine, None where there is none: GET /me/publicize-connections/$ID."""
        return self._found(
            lambda: self._get(f"/me/publicize-connections/{connection_id}", connection_id, presentation),
            lambda: [record["id"] for record in self.list()],
            connection_id,
        )

    def update(self, *, connection_id: int, changes: Mapping[str, Any], expected: Mapping[str, Any]) -> Record:
        """Change one of mine and return it: POST /me/publicize-connections/$ID.

        ``changes`` are wire keys, ``expected`` what the record must then hold. Raises IgnoredWriteError where not.
        """
        return self._update(
            f"/me/publicize-connections/{connection_id}",
            connection_id,
            changes,
            expected,
            lambda: self.get(connection_id=connection_id),
        )

    def delete(self, *, connection_id: int) -> None:
        """Delete one of mine: POST /me/publicize-connections/$ID/delete."""
        self._delete(
            f"/me/publicize-connections/{connection_id}/delete",
            _deleted,
            lambda: self.get(connection_id=connection_id) is None,
            f"delete publicize connection {connection_id}",
        )

    def list_on_site(
        self,
        *,
        site: str,
        service: str | None = None,
        user_id: int | None = None,
        keyring_connection_id: int | None = None,
        presentation: tuple[tuple[str, str], ...] = (),
    ) -> Records:
        """Return those on a site, as an administrator other users' too: GET /sites/$site/publicize-connections/."""
        return self._list(
            f"/sites/{_quoted(site)}/publicize-connections/",
            f"list the publicize connections of site {site}",
            service=service,
            user_id=user_id,
            keyring_connection_ID=keyring_connection_id,
            **dict(presentation),
        )

    def get_on_site(
        self, *, site: str, connection_id: int, presentation: tuple[tuple[str, str], ...] = ()
    ) -> Record | None:
        """Return one on a site, ``read_only`` where it is somebody else's: GET /sites/$site/publicize-connections/$ID."""
        return self._found(
            lambda: self._get(
                f"/sites/{_quoted(site)}/publicize-connections/{connection_id}", connection_id, presentation
            ),
            lambda: [record["id"] for record in self.list_on_site(site=site)],
            connection_id,
        )

    def create(
        self,
        *,
        site: str,
        values: Mapping[str, Any],
        expected: Mapping[str, Any],
        known_ids: Collection[int],
        other_users: Collection[Any] = (),
    ) -> Record:
        """Make one and return it: POST /sites/$site/publicize-connections/new.

        Whatever becomes of the answers, at most one is made: before a repetition the list is read, and a connection
        that is not in ``known_ids`` (those on the site before) is adopted, unless its external user is one of
        ``other_users``, for whom somebody else made it. Raises IgnoredWriteError.
        """
        path = f"/sites/{_quoted(site)}/publicize-connections/new"
        action = f"create a publicize connection on site {site}"
        keyring_connection_id = values["keyring_connection_ID"]

        def fresh() -> Records:
            return [
                record
                for record in self.list_on_site(site=site, keyring_connection_id=keyring_connection_id)
                if record["id"] not in known_ids
                and record.get("keyring_connection_id") == keyring_connection_id
                and record.get("external_id") not in other_users
                and ("external_id" not in expected or record.get("external_id") == expected["external_id"])
            ]

        record, lost = self._confirmed(
            lambda: self._transport.post(path, self._read_one, action=action, body=values),
            lambda: min(fresh(), key=lambda made: int(made["id"]), default=None),
            doubles=True,
        )
        if lost is not None:
            record = self._without_double(record, fresh, site, looks=3 if lost.timed_out else 1)
        return _verified(record, expected, action, path)

    def _without_double(self, record: Record, fresh: Callable[[], Records], site: str, *, looks: int) -> Record:
        """Return the one connection that stays, where a first try that seemed lost was done late."""
        for look in range(looks):
            if look:
                self._transport.sleep(self._transport.timeout)
            earlier = [made for made in fresh() if made["id"] != record["id"]]
            if earlier:
                # Both are new and for the same external user of the same account of mine, so one is one too many.
                self.delete_on_site(site=site, connection_id=record["id"])
                return min(earlier, key=lambda made: int(made["id"]))
        return record

    def update_on_site(
        self, *, site: str, connection_id: int, changes: Mapping[str, Any], expected: Mapping[str, Any]
    ) -> Record:
        """Change one on a site and return it: POST /sites/$site/publicize-connections/$ID; else as ``update``."""
        return self._update(
            f"/sites/{_quoted(site)}/publicize-connections/{connection_id}",
            connection_id,
            changes,
            expected,
            lambda: self.get_on_site(site=site, connection_id=connection_id),
        )

    def delete_on_site(self, *, site: str, connection_id: int) -> None:
        """Delete one on a site: POST /sites/$site/publicize-connections/$ID/delete."""
        self._delete(
            f"/sites/{_quoted(site)}/publicize-connections/{connection_id}/delete",
            _deleted,
            lambda: self.get_on_site(site=site, connection_id=connection_id) is None,
            f"delete publicize connection {connection_id} on site {site}",
        )

    def _list(self, path: str, action: str, **params: Any) -> Records:
        return self._transport.get(
            path,
            lambda document: [
                _records.require_types(self._record(_with_id(item))) for item in _items(document, "connections")
            ],
            action=action,
            params=params,
        )

    def _get(self, path: str, connection_id: int, presentation: tuple[tuple[str, str], ...]) -> Record:
        return self._transport.get(
            path, self._read_one, action=f"read publicize connection {connection_id}", params=dict(presentation)
        )

    def _update(
        self,
        path: str,
        connection_id: int,
        changes: Mapping[str, Any],
        expected: Mapping[str, Any],
        read_again: Callable[[], Record | None],
    ) -> Record:
        action = f"update publicize connection {connection_id}"

        def read_back() -> Record | None:
            record = read_again()
            return record if record is not None and not _differing(record, expected) else None

        record, _lost = self._confirmed(
            lambda: self._transport.post(path, self._read_one, action=action, body=changes), read_back
        )
        return _verified(record, expected, action, path)

    def _read_one(self, document: Any) -> Record:
        return _records.require_types(self._record(_with_id(document)))


class KeyringConnections(_Resource):
    """Keyring connections: the stored third-party tokens of the account."""

    def __init__(self, transport: Transport, health: _Health) -> None:
        super().__init__(transport)
        self._record = health.keyring_connection

    def list(
        self,
        *,
        site: str | None = None,
        refetch_external_users: bool = False,
        test: bool = False,
        presentation: tuple[tuple[str, str], ...] = (),
    ) -> Records:
        """Return mine: GET /me/keyring-connections/."""
        return self._transport.get(
            "/me/keyring-connections/",
            lambda document: [
                _records.require_types(self._record(_with_id(item))) for item in _items(document, "connections")
            ],
            action="list your keyring connections",
            params={"site": site, **_forced(refetch_external_users, test), **dict(presentation)},
        )

    def get(
        self,
        *,
        keyring_connection_id: int,
        refetch_external_users: bool = False,
        test: bool = False,
        presentation: tuple[tuple[str, str], ...] = (),
    ) -> Record | None:
        """Return one of mine, None where there is none: GET /me/keyring-connections/$ID."""
        return self._found(
            lambda: self._transport.get(
                f"/me/keyring-connections/{keyring_connection_id}",
                lambda document: _records.require_types(self._record(_with_id(document))),
                action=f"read keyring connection {keyring_connection_id}",
                params={**_forced(refetch_external_users, test), **dict(presentation)},
            ),
            lambda: [record["id"] for record in self.list()],
            keyring_connection_id,
        )

    def delete(self, *, keyring_connection_id: int) -> None:
        """Delete one, its token, and its publicize connections everywhere: POST /me/keyring-connections/$ID/delete."""
        self._delete(
            f"/me/keyring-connections/{keyring_connection_id}/delete",
            _deleted,
            lambda: self.get(keyring_connection_id=keyring_connection_id) is None,
            f"delete keyring connection {keyring_connection_id}",
        )


class ConnectedApplications(_Resource):
    """Connected applications: the access tokens that the account has granted."""

    def list(self, *, presentation: tuple[tuple[str, str], ...] = ()) -> Records:
        """Return all: GET /me/connected-applications/."""
        return self._transport.get(
            "/me/connected-applications/",
            lambda document: [
                _records.require_types(_records.connected_application(_with_id(item)))
                for item in _items(document, "connected_applications")
            ],
            action="list the connected applications",
            params=dict(presentation),
        )

    def get(self, *, application_id: int, presentation: tuple[tuple[str, str], ...] = ()) -> Record | None:
        """Return one, None where there is none: GET /me/connected-applications/$ID."""
        return self._found(
            lambda: self._transport.get(
                f"/me/connected-applications/{application_id}",
                lambda document: _records.require_types(_records.connected_application(_with_id(document))),
                action=f"read connected application {application_id}",
                params=dict(presentation),
            ),
            lambda: [record["id"] for record in self.list()],
            application_id,
        )

    def delete(self, *, application_id: int) -> None:
        """Revoke one access token: POST /me/connected-applications/$ID/delete."""
        self._delete(
            f"/me/connected-applications/{application_id}/delete",
            _succeeded,
            lambda: self.get(application_id=application_id) is None,
            f"revoke connected application {application_id}",
        )


class ExternalServices(_Resource):
    """The services that WordPress.com can connect to."""

    def list(self, *, service_type: str | None = None, presentation: tuple[tuple[str, str], ...] = ()) -> Records:
        """Return all in display order, ``service_type`` publicize or other: GET /meta/external-services/."""
        return self._transport.get(
            "/meta/external-services/",
            lambda document: [
                _records.require_types(_records.service(_with_id(item)), integer_id=False)
                for item in _items(document, "services")
            ],
            action="list the external services",
            params={"type": service_type, **dict(presentation)},
            public=True,
        )

    def get(self, *, service: str, presentation: tuple[tuple[str, str], ...] = ()) -> Record | None:
        """Return one, None where there is none: GET /meta/external-services/$service."""
        try:
            return self._transport.get(
                f"/meta/external-services/{_quoted(service)}",
                lambda document: _records.require_types(_records.service(_with_id(document)), integer_id=False),
                action=f"read the external service {service}",
                params=dict(presentation),
                public=True,
            )
        except ApiError as error:
            if error.is_not_found:
                return None
            raise


class Account(_Resource):
    """The user behind the token."""

    def get(self, *, presentation: tuple[tuple[str, str], ...] = ()) -> Record:
        """Return the user: GET /me."""
        return self._transport.get(
            "/me",
            lambda document: _records.require_types(_records.account(_with_id(document))),
            action="read the account",
            params=dict(presentation),
        )

    def find(self) -> Record | None:
        """Return the user, None where the token's scope does not allow it."""
        return _unless_forbidden(self.get)


class Sites(_Resource):
    """The sites of the account."""

    def list(
        self,
        *,
        visibility: str | None = None,
        activity: str | None = None,
        presentation: tuple[tuple[str, str], ...] = (),
    ) -> Records:
        """Return the user's sites: GET /me/sites."""
        return self._transport.get(
            "/me/sites",
            lambda document: [
                _records.require_types(_records.site(_with_id(item))) for item in _items(document, "sites")
            ],
            action="list your sites",
            params={"site_visibility": visibility, "site_activity": activity, **dict(presentation)},
        )

    def find_all(self) -> Records | None:
        """Return what names the user's sites and what may be done there, None where the token's scope does not allow it."""
        # Whole sites are large, and there may be hundreds.
        return _unless_forbidden(lambda: self.list(presentation=(("fields", "ID,URL,slug,capabilities"),)))

    def get(self, *, site: str) -> Record:
        """Return one site: GET /sites/$site."""
        return self._transport.get(
            f"/sites/{_quoted(site)}",
            lambda document: _records.require_types(_records.site(_with_id(document))),
            action=f"read site {site}",
        )

    def find(self, *, site: str) -> Record | None:
        """Return one site, None where the token's scope does not allow it."""
        return _unless_forbidden(lambda: self.get(site=site))


def _unless_forbidden(get: Callable[[], T]) -> T | None:
    try:
        return get()
    except ApiError as error:
        if error.status == 403 and error.code == "authorization_required":
            return None
        raise


def _not_done(lost: IndeterminateWriteError) -> IndeterminateWriteError:
    lost.message += " It was looked up afterwards: nothing had been written."
    return lost


def _forced(refetch_external_users: bool, test: bool) -> dict[str, bool]:
    return {"force_external_users_refetch": refetch_external_users, "force_connection_test": test}


def _quoted(part: str) -> str:
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


def _deleted(document: Any) -> bool:
    return _flag(document, "deleted")


def _succeeded(document: Any) -> bool:
    return _flag(document, "success")


def _flag(document: Any, key: str) -> bool:
    """Return what the answer to a deletion says. Raises ValueError."""
    if not isinstance(document, dict) or key not in document:
        raise ValueError(f"no object with {key!r}")
    return bool(document[key])


def _differing(record: Record, expected: Mapping[str, Any]) -> list[str]:
    return [key for key, value in expected.items() if record.get(key) != value]


def _verified(record: Record, expected: Mapping[str, Any], action: str, path: str) -> Record:
    """Return the record where it holds what was asked for. Raises IgnoredWriteError."""
    differing = _differing(record, expected)
    if differing:
        told = ", ".join(f"{key} is {record.get(key)!r} instead of {expected[key]!r}" for key in differing)
        raise IgnoredWriteError(
            f"The server accepted the request to {action} but did not do all of it: {told}. "
            "Run the task again; if it stays so, the service or the site does not support it.",
            method="POST",
            path=path,
            result={"connection": record, "changed": True},
        )
    return record
