# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A server made from the table of keys: what it sends is all that the table allows, in each form that it allows.

It keeps its things in one plain form (an ID is an int, a date a datetime, and so on), and draws a form anew each time that it
sends one. So the plain form also says what the collection must make of the response.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta, timezone
from typing import Any, Optional
from urllib.parse import parse_qs, unquote, urlsplit

import requests
from hypothesis import currently_in_test_context, note

from ansible_collections.community.wpcom.plugins.module_utils._records import wire
from ansible_collections.community.wpcom.plugins.module_utils._records.wire import Key, Wire
from ansible_collections.community.wpcom.tests.search.in_process import connected
from ansible_collections.community.wpcom.tests.search.wire import KEYS, TEXTS, Server
from ansible_collections.community.wpcom.tests.unit.support import TOKEN, ScriptedResponse, json_response

Plain = dict[str, Any]

UTC = timezone.utc
# Texts that PHP can send: whole characters only, and not the token, which is a secret.
SENT = [text for text in TEXTS if not any("\ud800" <= sign <= "\udfff" for sign in text) and TOKEN not in text]
NAMES = ["", "ada", "Ada &amp; Co", "Ada & Co", "page", "@ada@mastodon.example", "{{ 1 + 1 }}", "&#8217;", "x" * 200]
SERVICES = ["linkedin", "mastodon", "facebook", "instagram-business", "google_my_business", "twitter"]
SITES = [
    (3001, "blog.example.com"),
    (3002, "shop.example.com"),
    (3003, "example.com::blog"),
    (77, "xn--mller-kva.example"),
]
SCOPES = [[], ["global"], ["sharing", "users"]]
# The IDs that tasks name, and others, the largest that the server can have among them.
NUMBERS = [5001, 5002, 5003, 2001, 2002, 2003, 3001, 3002, 1001, 1002, 7001, 7002, 1, 111, 900001, 2**31, 2**63 - 1]
NO_DATE = ["0000-00-00 00:00:00", "0000-00-0000:00:00", "-0001-11-30T00:00:00+00:00", "", 0, "0"]
REFUSALS = {403: "authorization_required", 400: "invalid_input"}

# Where each kind of thing is, below which key, and whether PHP sends a map of it.
LISTED = {
    "connected-applications": "connected_applications",
    "external-services": "services",
    "keyring-connections": "connections",
    "publicize-connections": "connections",
    "sites": "sites",
}
WIRES = {
    "publicize": wire.PUBLICIZE_CONNECTION,
    "keyring": wire.KEYRING_CONNECTION,
    "applications": wire.CONNECTED_APPLICATION,
    "services": wire.SERVICE,
    "sites": wire.SITE,
    "account": wire.ACCOUNT,
}


class Forms:
    """Draws things from the table of keys, and the forms in which a server may send them."""

    def __init__(self, seed: int, *, extra: bool) -> None:
        self.random = random.Random(seed)
        self._extra = extra
        self._draw: Mapping[str, Callable[[Key], Any]] = {
            wire.INTEGER: lambda key: self.random.choice(NUMBERS),
            wire.COUNT: lambda key: self.random.choice(NUMBERS),
            wire.TEXT: lambda key: self.random.choice(SENT),
            wire.PROSE: lambda key: self.random.choice(SENT),
            wire.NAME: lambda key: self.random.choice(SERVICES),
            wire.FLAG: lambda key: self.chance(0.5),
            wire.DATE: lambda key: self._moment(),
            wire.OBJECT: self.nested,
            wire.ROWS: lambda key: [self.nested(key) for _row in range(self.random.randrange(3))],
            wire.IDS: lambda key: self.random.sample(NUMBERS, self.random.randrange(3)),
            wire.SCOPES: lambda key: self.random.choice(SCOPES),
            wire.MAP: lambda key: self.random.choice(
                [{}, {"Links": {"self": "x"}}, {"a": [1, None]}, [], [{"name": "x"}]]
            ),
        }
        self._form: Mapping[str, Callable[[Key, Any], Any]] = {
            wire.INTEGER: lambda key, plain: self.number(plain),
            wire.COUNT: lambda key, plain: self.number(plain),
            wire.DATE: lambda key, plain: self.date(plain),
            wire.OBJECT: lambda key, plain: self.object(key.keys, plain) if key.keys else plain,
            wire.ROWS: lambda key, plain: self.list([self.object(key.keys, row) for row in plain]),
            wire.IDS: lambda key, plain: self.list([self.number(one) for one in plain]),
            wire.SCOPES: lambda key, plain: self.random.choice([plain, " ".join(plain), ",".join(plain)]),
        }

    def chance(self, probability: float) -> bool:
        """Return true with a probability."""
        return self.random.random() < probability

    # Things in their plain form

    def plain(self, table: Wire, **known: Any) -> Plain:
        """Return a thing with every required key and some of the others; ``known`` are those that it must have."""
        thing: Plain = {}
        for key in table.keys:
            if key.name in known:
                thing[key.name] = known[key.name]
            elif key.required or self.chance(0.6):
                thing[key.name] = self._value(key)
        if table.statuses and "status" in thing and self.chance(0.8):
            thing["status"] = self.random.choice(table.statuses)
        return thing

    def nested(self, key: Key) -> Plain:
        """Return a thing within another one."""
        return self.plain(Wire(key.keys))

    def _value(self, key: Key) -> Any:
        if key.null and self.chance(0.2):
            return None
        if key.name.startswith("external_") and key.kind == wire.TEXT:
            return self.random.choice(NAMES)
        return self._draw[key.kind](key)

    def _moment(self) -> Optional[datetime]:
        if self.chance(0.2):
            return None
        # Around now, because the health of a connection depends on it.
        days = self.random.choice([-4000, -400, -1, 0, 1, 13, 15, 400, 20000])
        return datetime.now(UTC).replace(microsecond=0) + timedelta(days=days, hours=1)

    # The forms of the wire

    def object(self, keys: Iterable[Key], plain: Plain, *, is_open: bool = False) -> dict[str, Any]:
        """Return an object in one of its forms, with keys that no table has where it is open, and now and then elsewhere."""
        sent = {}
        table = list(keys)
        for key in table:
            if key.name not in plain:
                continue
            value = plain[key.name]
            if value is None and key.null:
                value = self.random.choice([None, False])
            elif key.kind in self._form:
                value = self._form[key.kind](key, value)
            sent[self.random.choice(key.names)] = value
        if self._extra and self.chance(0.5 if is_open else 0.1):
            known = {name.lower() for key in table for name in key.names}
            names = [name for name in KEYS if name.lower() not in known and name != "\ud83d"]
            for _key in range(self.random.randrange(1, 4)):
                sent[self.random.choice(names)] = self.random.choice(
                    [*SENT, 5, 1.5, True, None, [], {}, ["x"], {"a": "b"}]
                )
        items = list(sent.items())
        # The order of the keys means nothing.
        if self.chance(0.2):
            self.random.shuffle(items)
        return dict(items)

    def number(self, plain: int) -> Any:
        """Return a number in one of its forms."""
        return str(plain) if self.chance(0.3) else plain

    def date(self, moment: Optional[datetime]) -> Any:
        """Return a date in one of its forms."""
        if moment is None:
            return self.random.choice(NO_DATE)
        seconds = int(moment.timestamp())
        zone = timezone(timedelta(minutes=self.random.choice([0, 60, -150, 840])))
        elsewhere = moment.astimezone(zone)
        return self.random.choice(
            [
                moment.strftime("%Y-%m-%d %H:%M:%S"),
                moment.strftime("%Y-%m-%d%H:%M:%S"),
                moment.strftime("%Y-%m-%dT%H:%M:%SZ"),
                elsewhere.isoformat(),
                elsewhere.strftime("%Y-%m-%dT%H:%M:%S%z"),
                moment.strftime("%Y-%m-%dT%H:%M:%S.000Z"),
                seconds,
                str(seconds),
            ]
        )

    def list(self, items: list[Any]) -> Any:
        """Return a list in one of its forms: with gaps PHP sends an object, and null where something is missing."""
        if self.chance(0.15):
            items = [*items[:1], None, *items[1:]]
        if self.chance(0.25):
            numbers = sorted(self.random.sample(range(9), len(items)))
            return dict(zip(map(str, numbers), items))
        return items


class ConformingServer(Server):
    """An account whose things refer to each other, or do not; it does what it is asked to, and sends it in any form.

    ``extra``: also keys that no table has. ``sent`` has the documents of the responses, by method and path.
    """

    def __init__(self, seed: int, *, extra: bool = True, refuses: bool = False) -> None:
        super().__init__()
        self.forms = Forms(seed, extra=extra)
        self.documents: list[tuple[str, str, Any]] = []
        self._refuses = refuses
        self._refers = self.forms.chance(0.8)
        self.me = 1001
        self.sites = self._sites()
        # It is not among the account's, but connections may be on it.
        self._elsewhere = self._site_of(3009, "other.example.com")
        self.services = self._services()
        self.keyrings = self._keyrings()
        self.publicize = self._publicize()
        self.applications = self._applications()
        self.account = self.forms.plain(
            wire.ACCOUNT,
            ID=self.me,
            username=self.forms.random.choice(["ada", "Ada & Co", "\u0131\u00df"]),
            token_site_id=None,
            token_client_id=self.forms.random.choice([50001, None, 1]),
        )

    # The things of the account

    def _ids(self, *usual: int) -> list[int]:
        """Return some IDs, each once."""
        return [int(number) for number in self._some([*usual, 10**6, 2**63 - 1])]

    def _any(self, things: list[Plain], other: int) -> int:
        """Return the ID of one of the things, or now and then of none."""
        if not things or not self._refers or self.forms.chance(0.1):
            return other
        return int(self.forms.random.choice(things)["ID"])

    def _some(self, things: list[Any]) -> list[Any]:
        """Return some of several things in any order, mostly with the first one, which tasks name."""
        found = self.forms.random.sample(things[1:], self.forms.random.randrange(len(things)))
        if self.forms.chance(0.8):
            found.insert(self.forms.random.randrange(len(found) + 1), things[0])
        return found

    def _sites(self) -> list[Plain]:
        return [self._site_of(*site) for site in self._some(SITES)]

    def _site_of(self, number: int, slug: str) -> Plain:
        allowed = {name: self.forms.chance(0.9) for name in ("publish_posts", "edit_others_posts")}
        url = "https://" + slug.replace("::", "/")
        return self.forms.plain(wire.SITE, ID=number, URL=url, slug=slug, capabilities=allowed)

    def _services(self) -> list[Plain]:
        made = []
        for name in self._some(SERVICES) or ["mastodon"]:
            status = {"status": "unsupported"} if self.forms.chance(0.1) else {}
            kind = self.forms.random.choice(["publicize"] * 5 + ["other"])
            pages = {
                "multiple_external_user_ID_support": self.forms.chance(0.8),
                "external_users_only": self.forms.chance(0.2),
            }
            made.append(self.forms.plain(wire.SERVICE, ID=name, type=kind, **status, **pages))
        return made

    def _service(self) -> str:
        return str(self.forms.random.choice(self.services)["ID"]) if self.forms.chance(0.6) else SERVICES[0]

    def _keyrings(self) -> list[Plain]:
        made = []
        for place, number in enumerate(self._ids(2001, 2002, 2003)):
            external_id = self.forms.random.choice([f"90000{place}", f"90000{place}", "", None])
            users = [
                self.forms.plain(
                    Wire(wire._EXTERNAL_USER),
                    external_ID=str(111 + place * 10 + user),
                    external_name=f"page {user}".replace(" 0", ""),
                )
                for user in range(self.forms.random.randrange(4))
            ]
            made.append(
                self.forms.plain(
                    wire.KEYRING_CONNECTION,
                    ID=number,
                    user_ID=self.forms.random.choice([self.me, self.me, self.me, 0, 1002, None]),
                    service=self._service(),
                    type=self.forms.random.choice(["publicize", "other"]),
                    external_ID=external_id,
                    external_name=self.forms.random.choice(NAMES),
                    additional_external_users=users,
                    sites=[site["ID"] for site in self.sites if self.forms.chance(0.3)],
                )
            )
        return made

    def _publicize(self) -> list[Plain]:
        return [self._connection(number) for number in self._ids(5001, 5002, 5003, 5004)]

    def _connection(self, number: int) -> Plain:
        keyring_id = self._any(self.keyrings, 2999)
        keyring = next((one for one in self.keyrings if one["ID"] == keyring_id), None)
        shared = self.forms.chance(0.5)
        owner = (keyring or {}).get("user_ID") or self.forms.random.choice([self.me, self.me, 1002])
        user = self.forms.random.choice(_users_of(keyring)) if keyring else {}
        return self.forms.plain(
            wire.PUBLICIZE_CONNECTION,
            ID=number,
            site_ID=self._any(self.sites, 3009),
            user_ID=0 if shared else owner,
            keyring_connection_ID=keyring_id,
            keyring_connection_user_ID=owner,
            shared=shared,
            read_only=None,
            service=keyring["service"] if keyring else "linkedin",
            **{key.name: user[key.name] for key in wire._ACCOUNT if key.name in user},
        )

    def _applications(self) -> list[Plain]:
        made = []
        for number in self._ids(7001, 7002, 50001):
            site = {"site_ID": self._any(self.sites, 3009), "site_URL": "https://blog.example.com", "site_name": None}
            made.append(
                self.forms.plain(
                    wire.CONNECTED_APPLICATION,
                    ID=number,
                    title=self.forms.random.choice(["Ansible", "Vault &amp; Press", "x"]),
                    permissions=[{"name": "posts", "description": "View"}],
                    site=self.forms.random.choice([None, site]),
                )
            )
        return made

    @property
    def own(self) -> list[Plain]:
        """The publicize connections of the token's user."""
        return [one for one in self.publicize if one["keyring_connection_user_ID"] == self.me]

    @property
    def things(self) -> dict[str, list[Plain]]:
        """What the account shows."""
        return {
            "publicize": self.own,
            "keyring": self.keyrings,
            "applications": self.applications,
            "services": self.services,
            "sites": self.sites,
            "account": [self.account],
        }

    def form(self, kind: str, thing: Plain) -> dict[str, Any]:
        """Return a thing in one of its forms."""
        return self.forms.object(WIRES[kind].keys, thing, is_open=WIRES[kind].is_open)

    # Responses

    def respond(self, request: requests.PreparedRequest, path: list[str]) -> ScriptedResponse:
        """Return a response that conforms to the table."""
        parts = urlsplit(str(request.url))
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        body = json.loads(request.body or "{}")
        method = str(request.method)
        status, document = self._handled(method, [unquote(part) for part in path], query, body)
        document = self.changed(method, path, document)
        self.documents.append((method, parts.path, document))
        if query.get("http_envelope"):
            headers = [{"name": "Content-Type", "value": "application/json"}]
            return json_response({"code": status, "headers": headers, "body": document})
        return json_response(document, status)

    def changed(self, method: str, path: list[str], document: Any) -> Any:
        """Return the document that is sent."""
        return document

    def _handled(self, method: str, path: list[str], query: Mapping[str, str], body: Plain) -> tuple[int, Any]:
        if method == "POST":
            if self._refuses and self.forms.chance(0.3):
                status = self.forms.random.choice(list(REFUSALS))
                return _error(status, REFUSALS[status])
            return self._written(path, body)
        if path == ["me"]:
            return 200, self._sent("account", self.account, query)
        if path[0] == "sites" and len(path) == 2:
            return self._found("sites", [self._site(path[1])], "unknown_blog", query)
        scope, name, rest = _place(path)
        if scope is not None and self._site(scope) is None:
            return _error(404, "unknown_blog")
        kind, things = self._things(scope, name)
        if rest:
            wanted = [one for one in things if str(one["ID"]) == rest[0]]
            missing = "unknown_application_access_token" if kind == "applications" else "not_found"
            return self._found(kind, wanted[:1], missing, query)
        if kind == "publicize":
            for key in ("service", "keyring_connection_ID"):
                things = [one for one in things if query.get(key) in (None, str(one[key]))]
        return 200, {LISTED[name]: self._rows(kind, things, query), **({"meta": {}} if self.forms.chance(0.1) else {})}

    def _things(self, scope: Optional[str], name: str) -> tuple[str, list[Plain]]:
        """Return a kind, and the things of a list."""
        if name == "publicize-connections":
            if scope is None:
                return "publicize", self.own
            site = self._site(scope) or {}
            return "publicize", [_as_seen(one, self.me) for one in self.publicize if one["site_ID"] == site["ID"]]
        things = {
            "keyring-connections": ("keyring", self.keyrings),
            "connected-applications": ("applications", self.applications),
            "external-services": ("services", self.services),
            "sites": ("sites", self.sites),
        }
        return things[name]

    def _rows(self, kind: str, things: list[Plain], query: Mapping[str, str]) -> Any:
        rows = [self._sent(kind, thing, query) for thing in things]
        if kind == "services" and self.forms.chance(0.8):
            return {thing["ID"]: row for thing, row in zip(things, rows)}
        return {str(number): row for number, row in enumerate(rows, 1)} if self.forms.chance(0.1) else rows

    def _found(self, kind: str, things: list[Any], code: str, query: Mapping[str, str]) -> tuple[int, Any]:
        return (200, self._sent(kind, things[0], query)) if things and things[0] else _error(404, code)

    def _sent(self, kind: str, thing: Plain, query: Mapping[str, str]) -> dict[str, Any]:
        """Return a thing in one of its forms, of its keys those that are asked for."""
        document = self.form(kind, thing)
        asked = query.get("fields")
        if asked is None or kind == "applications":
            return document
        return {name: value for name, value in document.items() if name in asked.split(",")}

    def _site(self, name: str) -> Optional[Plain]:
        known = (*self.sites, self._elsewhere)
        return next((site for site in known if name in (str(site["ID"]), site["slug"])), None)

    def _may(self, site_id: int, capability: str) -> bool:
        site = self._site(str(site_id))
        return site is not None and bool(site["capabilities"][capability])

    # Writes

    def _written(self, path: list[str], body: Plain) -> tuple[int, Any]:
        scope, name, rest = _place(path)
        if name == "publicize-connections" and rest == ["new"]:
            return self._created(str(scope), body)
        _kind, things = self._things(scope, name)
        found = next((one for one in things if str(one["ID"]) == rest[0]), None)
        if found is None:
            return _error(404, "unknown_application_access_token" if name == "connected-applications" else "not_found")
        if rest[1:] == ["delete"]:
            self._deleted(name, found["ID"])
            number = self.forms.number(found["ID"])
            return 200, {"success": True} if name == "connected-applications" else {"ID": number, "deleted": True}
        thing = next(one for one in self.publicize if one["ID"] == found["ID"])
        if "shared" in body and not self._may(thing["site_ID"], "edit_others_posts"):
            return _error(403, "authorization_required")
        self._updated(thing, body)
        return 200, self._sent("publicize", thing, {})

    def _created(self, scope: str, body: Plain) -> tuple[int, Any]:
        site = self._site(scope)
        keyring = next((one for one in self.keyrings if one["ID"] == body["keyring_connection_ID"]), None)
        if site is None or keyring is None:
            return _error(404, "unknown_blog") if site is None else _error(400, "invalid_input")
        shared = bool(body.get("shared"))
        required = ["publish_posts"] + ["edit_others_posts"] * shared
        if not all(self._may(site["ID"], capability) for capability in required):
            return _error(403, "authorization_required")
        owner = keyring.get("user_ID") or self.me
        number = next(number for number in range(6001, 6099) if number not in [one["ID"] for one in self.publicize])
        thing = self.forms.plain(
            wire.PUBLICIZE_CONNECTION,
            ID=number,
            site_ID=site["ID"],
            user_ID=0 if shared else owner,
            keyring_connection_ID=keyring["ID"],
            keyring_connection_user_ID=owner,
            shared=shared,
            read_only=None,
            status="ok",
            expires=keyring.get("expires"),
            **{key: keyring[key] for key in ("service", "label")},
        )
        self._choose(thing, keyring, body.get("external_user_ID"))
        self.publicize.append(thing)
        return 200, self._sent("publicize", thing, {})

    def _updated(self, thing: Plain, body: Plain) -> None:
        if "shared" in body:
            thing["shared"] = body["shared"]
            thing["user_ID"] = 0 if body["shared"] else thing["keyring_connection_user_ID"]
        keyring = next((one for one in self.keyrings if one["ID"] == thing["keyring_connection_ID"]), None)
        if "external_user_ID" in body and keyring:
            self._choose(thing, keyring, body["external_user_ID"])

    def _choose(self, thing: Plain, keyring: Plain, external_id: Any) -> None:
        users = _users_of(keyring)
        chosen = next((user for user in users[1:] if user["external_ID"] == external_id), users[0])
        thing.update({key.name: chosen.get(key.name) for key in wire._ACCOUNT})

    def _deleted(self, name: str, number: int) -> None:
        if name == "publicize-connections":
            self.publicize = [one for one in self.publicize if one["ID"] != number]
        elif name == "connected-applications":
            self.applications = [one for one in self.applications if one["ID"] != number]
        else:
            self.keyrings = [one for one in self.keyrings if one["ID"] != number]
            self.publicize = [one for one in self.publicize if one["keyring_connection_ID"] != number]


def _users_of(keyring: Plain) -> list[Plain]:
    """Return the account itself, and its pages."""
    return [keyring, *(keyring.get("additional_external_users") or [])]


def _as_seen(thing: Plain, me: int) -> Plain:
    """Return a publicize connection as a site shows it: read-only where it is another user's."""
    return {**thing, "read_only": True} if thing["keyring_connection_user_ID"] != me else thing


def _place(path: list[str]) -> tuple[Optional[str], str, list[str]]:
    """Return the site of a path, the name of its list, and what follows."""
    return (
        (path[1] if path[0] == "sites" else None),
        path[2 if path[0] == "sites" else 1],
        path[3 if path[0] == "sites" else 2 :],
    )


def _error(status: int, code: str) -> tuple[int, Any]:
    return status, {"error": code, "message": "No."}


class WrongServer(ConformingServer):
    """Sends one document with a value of another type at one place; ``place`` is where, once it was sent."""

    def __init__(self, seed: int) -> None:
        super().__init__(seed, extra=False)
        self.place: Optional[tuple[str, str, list[Any]]] = None
        self._left = self.forms.random.randrange(6)

    def changed(self, method: str, path: list[str], document: Any) -> Any:
        """Return the document, once with another value at one place."""
        self._left -= 1
        if self._left >= 0 or self.place is not None or "error" in document:
            return document
        places = [place for place in _places(document) if place]
        if not places:
            return document
        place = self.forms.random.choice(places)
        self.place = method, "/" + "/".join(path), place
        return _with(document, place, self._another)

    def _another(self, value: Any) -> Any:
        others = ["x", 5, 1.5, True, None, [], {}, ["x"], {"a": "b"}, [[]], -1, 10**30]
        return self.forms.random.choice([other for other in others if type(other) is not type(value)])


def _places(document: Any) -> Iterator[list[Any]]:
    """Yield the way to each value."""
    yield []
    items = (
        document.items() if isinstance(document, dict) else enumerate(document) if isinstance(document, list) else ()
    )
    for key, value in items:
        for place in _places(value):
            yield [key, *place]


def _with(document: Any, place: list[Any], change: Callable[[Any], Any]) -> Any:
    if not place:
        return change(document)
    changed = dict(document) if isinstance(document, dict) else list(document)
    changed[place[0]] = _with(document[place[0]], place[1:], change)
    return changed


@contextmanager
def asking(server: ConformingServer) -> Iterator[None]:
    """Have every task send its requests to a server; where something fails, what it has sent is shown."""
    try:
        with connected(server):
            yield
    except BaseException:
        show = note if currently_in_test_context() else print
        for method, path, document in server.documents:
            show(f"{method} {path}: {json.dumps(document)}")
        raise
