# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Records, and worlds of them that respond to queries and operations as the API would: the data that plans are tested on."""

from __future__ import annotations

import copy
import itertools
import threading
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta, timezone
from typing import Any, Callable, Optional, cast

import pytest

from ansible_collections.community.wpcom.plugins.module_utils._cache.evaluate import evaluate
from ansible_collections.community.wpcom.plugins.module_utils._cache.read_cache import Cache
from ansible_collections.community.wpcom.plugins.module_utils._errors import ApiError, WpcomError
from ansible_collections.community.wpcom.plugins.module_utils._execute import TaskResult, execute
from ansible_collections.community.wpcom.plugins.module_utils._operations import (
    CreatePublicizeConnection,
    DeleteConnectedApplication,
    DeleteKeyringConnection,
    DeletePublicizeConnection,
    FindAccount,
    FindSite,
    FindSites,
    GetAccount,
    GetConnectedApplication,
    GetKeyringConnection,
    GetPublicizeConnection,
    GetService,
    ListConnectedApplications,
    ListKeyringConnections,
    ListPublicizeConnections,
    ListServices,
    ListSitePublicizeConnections,
    ListSites,
    Operation,
    Query,
    UpdatePublicizeConnection,
)
from ansible_collections.community.wpcom.plugins.module_utils._records import normalize
from ansible_collections.community.wpcom.plugins.module_utils._records.record import Record, Records
from ansible_collections.community.wpcom.plugins.module_utils._session import Session
from ansible_collections.community.wpcom.tests.unit.support import MODULES, options, unset

NOW = datetime(2026, 7, 1, 12, 0, 0, tzinfo=timezone.utc)
ME, COLLEAGUE = 1, 2


def day(days: float) -> str:
    """Return a date as the wire has it, so many days from now."""
    return (NOW + timedelta(days=days)).strftime("%Y-%m-%d %H:%M:%S")


# Records


def external_user(external_id: str, name: str, **changes: Any) -> Record:
    """Return an external user (page, profile, channel) of an account."""
    return {"external_id": external_id, "external_name": name, "external_display": None, **changes}


def keyring_connection(id: int, service: str, name: str, *users: Record, **changes: Any) -> Record:
    """Return a keyring connection, whose external ID is ``x`` and its ID, with its additional external users."""
    record = {
        "id": id,
        "user_id": ME,
        "type": "publicize",
        "service": service,
        "label": service.capitalize(),
        "external_id": f"x{id}",
        "external_name": name,
        "external_display": name.title(),
        "additional_external_users": list(users),
        "status": "ok",
        "expires": None,
        "refresh_url": f"https://refresh.example/{id}",
    }
    return normalize.keyring_connection({**record, **changes}, NOW)


def publicize_connection(
    id: int, keyring: Record, site_id: int = 1, user: Optional[Record] = None, *, shared: bool = False, **changes: Any
) -> Record:
    """Return a publicize connection as the server creates it, with an external user or the account itself."""
    names = {key: (user or keyring)[key] for key in ("external_id", "external_name", "external_display")}
    record = {
        "id": id,
        "site_id": site_id,
        "user_id": 0 if shared else keyring["user_id"],
        "keyring_connection_id": keyring["id"],
        "keyring_connection_user_id": keyring["user_id"],
        "shared": shared,
        "issued": None,
        "external_profile_picture": None,
        **{key: keyring[key] for key in ("service", "label", "status", "expires", "refresh_url")},
        **names,
    }
    return normalize.publicize_connection({**record, **changes}, NOW)


def service(id: str, **changes: Any) -> Record:
    """Return an external service: of profiles only, unless something else is set."""
    record = {"id": id, "label": id.capitalize(), "type": "publicize", "connect_url": f"https://connect.example/{id}"}
    return normalize.service({**record, **changes})


def site(id: int, slug: str, **capabilities: bool) -> Record:
    """Return a site, and what the user of the token may do on it."""
    return {"id": id, "slug": slug, "url": f"https://{slug}", "name": slug, "capabilities": capabilities}


def application(id: int, title: str, **changes: Any) -> Record:
    """Return a connected application, whose token is for all sites, unless something else is set."""
    return normalize.connected_application({"id": id, "title": title, "scope": "global", "site": False, **changes})


def account(**changes: Any) -> Record:
    """Return the user of a token for everything."""
    record = {"id": ME, "username": "ada", "token_scope": ["global"], "token_site_id": None, "token_client_id": 5}
    return {**record, **changes}


def refusal(status: int, code: str) -> ApiError:
    """Return an error of the API."""
    return ApiError(f"Could not do it: {code}", status=status, code=code, api_message="No.", method="GET", path="/x")


# A cast for most tests: one account of each kind, and two of Mastodon. Facebook posts to pages only.

SERVICES = (
    service("facebook", multiple_external_user_id_support=True, external_users_only=True),
    service("linkedin", multiple_external_user_id_support=True),
    service("mastodon"),
    service("bluesky"),
    service("twitter", status="unsupported"),
    service("photos", type="other"),
)
ENGINES, SHOP = external_user("111", "Engines"), external_user("112", "Shop")
SOCIETY, CLUB = external_user("211", "society", external_display="The Society"), external_user("212", "club")
FACEBOOK = keyring_connection(20, "facebook", "ada", ENGINES, SHOP)
LINKEDIN = keyring_connection(21, "linkedin", "ada-l", SOCIETY, CLUB)
MASTODON = keyring_connection(22, "mastodon", "@ada")
MASTODON_SHOP = keyring_connection(23, "mastodon", "@shop")
BLUESKY = keyring_connection(24, "bluesky", "ada.bsky")
PHOTOS = keyring_connection(25, "photos", "ada-p", type="other")
KEYRINGS = (FACEBOOK, LINKEDIN, MASTODON, MASTODON_SHOP, BLUESKY, PHOTOS)
# A keyring connection of another user is in no list; only what was made with it may be seen on a site.
FOREIGN = keyring_connection(30, "mastodon", "@grace", user_id=COLLEAGUE)
EVERYTHING = {"publish_posts": True, "edit_others_posts": True}
SITES = (
    site(1, "blog.example.com", **EVERYTHING),
    site(2, "shop.example.com", **EVERYTHING),
    site(3, "news.example.org", **EVERYTHING),
)


class World:
    """What the API knows of one account; ``reads`` and ``writes`` are what it was asked for and what was done to it.

    ``fresh`` are keyring connections as they are after a fresh test or a refetch of their external users. ``lists_sites``
    and ``account`` are about the scope of the token. ``responses`` are other responses to queries than these records give,
    an error among them. Operations for which ``refuses`` returns an error, or something true, fail.
    ``keyring_goes_with_last`` has a keyring connection deleted with its last publicize connection.
    """

    def __init__(
        self,
        *connections: Record,
        keyrings: Iterable[Record] = KEYRINGS,
        fresh: Iterable[Record] = (),
        services: Iterable[Record] = SERVICES,
        sites: Iterable[Record] = SITES,
        applications: Iterable[Record] = (),
        account: Optional[Record] = account(),  # noqa: B008
        lists_sites: bool = True,
        responses: Optional[Mapping[Query[Any], Any]] = None,
        refuses: Callable[[Operation], Any] = lambda operation: None,
        keyring_goes_with_last: bool = False,
    ) -> None:
        """Take the records."""
        self.connections = {record["id"]: record for record in connections}
        self.keyrings = {record["id"]: record for record in keyrings}
        self.fresh = {record["id"]: record for record in fresh}
        self.services = {record["id"]: record for record in services}
        self.sites = list(sites)
        self.applications = {record["id"]: record for record in applications}
        self.account = account
        self.lists_sites = lists_sites
        self.responses = dict(responses or {})
        self.refuses = refuses
        self.keyring_goes_with_last = keyring_goes_with_last
        self.reads: list[Query[Any]] = []
        self.rounds = 0
        self.writes: list[Operation] = []
        # An ID is never used again.
        self._ids = itertools.count(max(self.connections, default=100) + 1)
        self._writing = threading.Lock()

    # Queries

    def fetch_all(self, queries: Sequence[Query[Any]]) -> list[Any]:
        """Return for each query its response, or the WpcomError that it ended with."""
        self.rounds += 1
        return [self._response(query) for query in queries]

    def _response(self, query: Query[Any]) -> Any:
        self.reads.append(query)
        try:
            found = self.responses[query] if query in self.responses else self._found(query)
        except WpcomError as error:
            return error
        # Records are shared between tests, so that a planner that changes one would be found only by chance.
        return copy.deepcopy(found) if not isinstance(found, WpcomError) else found

    def _found(self, query: Query[Any]) -> Any:
        finders: dict[type, Callable[[Any], Any]] = {
            GetPublicizeConnection: self._publicize_connection,
            ListPublicizeConnections: self._own_connections,
            ListSitePublicizeConnections: self._connections_on_site,
            GetKeyringConnection: lambda q: self._keyring(self.keyrings.get(q.keyring_connection_id), q),
            ListKeyringConnections: self._keyrings,
            GetConnectedApplication: lambda q: self.applications.get(q.application_id),
            ListConnectedApplications: lambda q: list(self.applications.values()),
            GetService: lambda q: self.services.get(q.service),
            ListServices: lambda q: list(self.services.values()),
            GetAccount: lambda q: self.account or refusal(403, "authorization_required"),
            FindAccount: lambda q: self.account,
            ListSites: lambda q: self.sites,
            FindSites: lambda q: self.sites if self.lists_sites else None,
            FindSite: lambda q: self._site(q.site) if self.lists_sites else None,
        }
        return finders[type(query)](query)

    def _site(self, name: str) -> Record:
        for record in self.sites:
            if name in (str(record["id"]), record["slug"]):
                return record
        raise refusal(404, "unknown_blog")

    def _publicize_connection(self, query: GetPublicizeConnection) -> Optional[Record]:
        if query.site is not None:
            on_site = self._connections_on_site(ListSitePublicizeConnections(query.site))
            return next((record for record in on_site if record["id"] == query.connection_id), None)
        record = self.connections.get(query.connection_id)
        if record is not None and record["keyring_connection_user_id"] != ME:
            raise refusal(403, "authorization_required")
        return record

    def _own_connections(self, query: ListPublicizeConnections) -> Records:
        own = [record for record in self.connections.values() if record["keyring_connection_user_id"] == ME]
        return _narrowed(own, query)

    def _connections_on_site(self, query: ListSitePublicizeConnections) -> Records:
        number = self._site(query.site)["id"]
        return _narrowed([record for record in self.connections.values() if record["site_id"] == number], query)

    def _keyring(self, record: Optional[Record], query: Any) -> Optional[Record]:
        again = query.test or query.refetch_external_users
        return self.fresh.get(record["id"], record) if record is not None and again else record

    def _keyrings(self, query: ListKeyringConnections) -> list[Optional[Record]]:
        number = None if query.site is None else self._site(query.site)["id"]
        return [
            self._keyring(record, query)
            for record in self.keyrings.values()
            if number is None or number in (record.get("sites") or [])
        ]

    # Operations

    def apply(self, operation: Operation) -> Optional[Record]:
        """Do an operation, and return the record that it leaves. Raises WpcomError."""
        # A task may write by several threads.
        with self._writing:
            self.writes.append(operation)
            error = self.refuses(operation)
            if error:
                raise error if isinstance(error, WpcomError) else refusal(400, "insert_error")
            return self._applied(operation)

    def _applied(self, operation: Operation) -> Optional[Record]:
        if isinstance(operation, CreatePublicizeConnection):
            return self._create(operation)
        if isinstance(operation, UpdatePublicizeConnection):
            return self._update(operation)
        if isinstance(operation, DeletePublicizeConnection):
            number = self.connections.pop(operation.connection_id)["keyring_connection_id"]
            used = {record["keyring_connection_id"] for record in self.connections.values()}
            if self.keyring_goes_with_last and number not in used:
                del self.keyrings[number]
        elif isinstance(operation, DeleteKeyringConnection):
            number = operation.keyring_connection_id
            del self.keyrings[number]
            kept = self.connections.items()
            self.connections = {key: value for key, value in kept if value["keyring_connection_id"] != number}
        elif isinstance(operation, DeleteConnectedApplication):
            del self.applications[operation.application_id]
        return None

    def _user(self, keyring: Record, external_id: Optional[str]) -> Optional[Record]:
        known = self.fresh.get(keyring["id"], keyring)["additional_external_users"]
        return next((user for user in known if user["external_id"] == external_id), None)

    def _create(self, operation: CreatePublicizeConnection) -> Record:
        keyring = self.keyrings[operation.keyring_connection_id]
        number = next(self._ids)
        record = publicize_connection(
            number,
            keyring,
            self._site(operation.site)["id"],
            self._user(keyring, operation.external_id),
            shared=bool(operation.shared),
        )
        self.connections[number] = record
        return record

    def _update(self, operation: UpdatePublicizeConnection) -> Record:
        before = self.connections[operation.connection_id]
        keyring = self.keyrings[before["keyring_connection_id"]]
        user: Optional[Record] = before
        if operation.changes_external_user:
            user = None if operation.is_default_user else self._user(keyring, operation.external_id)
        shared = before["shared"] if operation.shared is None else operation.shared
        record = publicize_connection(before["id"], keyring, before["site_id"], user, shared=shared)
        self.connections[before["id"]] = record
        return record


def _narrowed(records: Iterable[Record], query: Any) -> Records:
    return [
        record
        for record in records
        if query.service in (None, record["service"])
        and query.keyring_connection_id in (None, record["keyring_connection_id"])
    ]


# Tasks


def task(kind: str, **given: Any) -> dict[str, Any]:
    """Return the options of a task as the argument spec completes them, those of each entry of a list too."""
    if kind == "bulk":
        given["connections"] = [{**unset("publicize"), **entry} for entry in given.get("connections", [])]
    return {**unset(kind), **given}


def plan(kind: str, world: World, *, check_mode: bool = False, cache: Optional[Cache] = None, **given: Any) -> Any:
    """Return the plan of a task. Raises WpcomError."""
    spec = MODULES[kind]
    used = cache if cache is not None else spec.cache(check_mode=check_mode)
    return evaluate(lambda read_from: spec.planner(task(kind, **given), read_from), used, world.fetch_all)


class WorldSession:
    """A session whose requests a world responds to."""

    def __init__(self, world: World, cache: Cache) -> None:
        """Take what a session has."""
        self.cache = cache
        self.check_mode = cache.check_mode
        self.options = options("https://api.example")
        self.fetch_all = world.fetch_all
        self.apply = world.apply
        self.interrupted = False

    @property
    def warnings(self) -> list[str]:
        """Return the warnings about the connection options."""
        return self.options.warnings()

    def interrupt(self) -> None:
        """Note that the task was interrupted."""
        self.interrupted = True


def run(
    kind: str,
    world: World,
    *,
    check_mode: bool = False,
    cache: Optional[Cache] = None,
    diff: bool = True,
    **given: Any,
) -> TaskResult:
    """Run a task on a world to its end, in diff mode unless ``diff`` says otherwise."""
    spec = MODULES[kind]
    session = WorldSession(world, cache if cache is not None else spec.cache(check_mode=check_mode))
    return execute(cast(Session, session), spec.planner, task(kind, **given), diff=diff)


def reached(kind: str, world: World, *operations: Operation, **given: Any) -> Any:
    """Return the plan of a task that takes exactly these operations in both modes, and none once they are done.

    The world is afterwards as the task leaves it.
    """
    checked = plan(kind, world, check_mode=True, **given)
    planned = plan(kind, world, **given)
    assert list(planned.operations) == list(checked.operations) == list(operations)
    assert planned.to_result(None, diff=True) == checked.to_result(None, diff=True)
    assert planned.to_result(None, diff=True)["changed"] is bool(operations)
    assert planned.warnings == checked.warnings
    ended = run(kind, world, **given)
    assert not ended.failed, ended.result
    assert ended.result["changed"] is bool(operations)
    assert ended.result.get("diff") == planned.to_result(None, diff=True).get("diff")
    for check_mode in (True, False):
        again = plan(kind, world, check_mode=check_mode, **given)
        assert list(again.operations) == []
        assert again.to_result(None, diff=True)["changed"] is False
    return planned


def refused(kind: str, world: World, code: str, *parts: str, **given: Any) -> WpcomError:
    """Return the error of a task that is refused in both modes, with a code and these parts of its message."""
    for check_mode in (True, False):
        with pytest.raises(WpcomError) as caught:
            plan(kind, world, check_mode=check_mode, **given)
        assert caught.value.code == code, caught.value.message
        for part in parts:
            assert part in caught.value.message
    return caught.value


def created(
    keyring: Record,
    user: Optional[Record] = None,
    site: str = "1",
    *,
    shared: Optional[bool] = None,
    known_ids: Collection[int] = (),
) -> CreatePublicizeConnection:
    """Return the operation that creates a connection with an external user, or with the account itself."""
    everyone = {each["external_id"] for each in (keyring, *keyring["additional_external_users"])}
    return CreatePublicizeConnection(
        site,
        keyring["id"],
        shared=shared,
        external_id=user["external_id"] if user else None,
        known_ids=frozenset(known_ids),
        other_external_ids=frozenset(everyone - {(user or keyring)["external_id"]}),
    )
