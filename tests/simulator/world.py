# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The world that the simulator shows: users, tokens, sites, services, connections, applications."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone
from operator import itemgetter
from pathlib import Path
from typing import Any, NamedTuple, Optional, Union
from urllib.parse import urlsplit

import yaml

Record = dict[str, Any]
WorldSource = Union[None, str, Path, Mapping[str, Any]]

DEFAULT_WORLD = Path(__file__).with_name("worlds") / "default.yml"
TROUBLES_WORLD = Path(__file__).with_name("worlds") / "troubles.yml"

ROLES: dict[str, tuple[str, ...]] = {
    "administrator": ("edit_posts", "publish_posts", "edit_others_posts", "manage_options"),
    "editor": ("edit_posts", "publish_posts", "edit_others_posts"),
    "author": ("edit_posts", "publish_posts"),
    "contributor": ("edit_posts",),
    "subscriber": (),
}
CAPABILITIES = ROLES["administrator"]
SITE_ERRORS = ("publicize_disabled", "missing_jetpack_module", "incompatible_jetpack", "jetpack_connection")


class WorldError(ValueError):
    """A world that cannot be: the text names the place."""


class Field(NamedTuple):
    """One key of a record: how it is checked, and what it is when it is not given."""

    check: Callable[[Any, str, datetime], Any]
    default: Any = None
    needed: bool = False
    # An optional key that is left out stays out, where being absent means something of its own.
    optional: bool = False


@dataclass(frozen=True)
class Grant:
    """What a user let a client have: a code, or a refresh token, stands for it."""

    client_ID: int
    user_ID: int
    scope: str
    site_ID: Optional[int]


@dataclass
class Code:
    """An authorization code, and what it was issued under."""

    grant: Grant
    redirect_uri: str
    challenge: str
    expires: datetime
    # The token that it was exchanged for.
    token: Optional[str] = None


def _kind(expected: Union[type, tuple[type, ...]], words: str) -> Callable[[Any, str, datetime], Any]:
    """Make a check for a plain type; a bool is not a number here."""
    kinds = expected if isinstance(expected, tuple) else (expected,)

    def check(value: Any, where: str, now: datetime) -> Any:
        if isinstance(value, bool) and bool not in kinds:
            raise WorldError(f"{where}: {value!r} is not {words}")
        if not isinstance(value, kinds):
            raise WorldError(f"{where}: {value!r} is not {words}")
        return value

    return check


def _or_null(check: Callable[[Any, str, datetime], Any]) -> Callable[[Any, str, datetime], Any]:
    def checked(value: Any, where: str, now: datetime) -> Any:
        return None if value is None else check(value, where, now)

    return checked


def _one_of(*choices: str) -> Callable[[Any, str, datetime], Any]:
    def check(value: Any, where: str, now: datetime) -> Any:
        if value not in choices:
            raise WorldError(f"{where}: {value!r} is not one of {', '.join(choices)}")
        return value

    return check


def _list_of(fields: Mapping[str, Field]) -> Callable[[Any, str, datetime], Any]:
    def check(value: Any, where: str, now: datetime) -> Any:
        if not isinstance(value, list):
            raise WorldError(f"{where}: {value!r} is not a list")
        return [checked_record(item, fields, f"{where}[{number}]", now) for number, item in enumerate(value)]

    return check


RELATIVE = re.compile(r"([+-])([0-9]{1,6})([dhms])")
UNITS = {"d": "days", "h": "hours", "m": "minutes", "s": "seconds"}


def read_date(value: Any, where: str, now: datetime) -> Optional[datetime]:
    """Read a date: null (never), absolute, or relative to now such as +10d."""
    if value is None:
        return None
    if isinstance(value, datetime):
        return _in_utc(value)
    if isinstance(value, date):
        return datetime(value.year, value.month, value.day, tzinfo=timezone.utc)
    if isinstance(value, str):
        match = RELATIVE.fullmatch(value.strip())
        try:
            if match:
                step = timedelta(**{UNITS[match.group(3)]: int(match.group(2))})
                return (now + step if match.group(1) == "+" else now - step).replace(microsecond=0)
            return _in_utc(datetime.fromisoformat(value.strip().replace("Z", "+00:00")))
        except (ValueError, OverflowError):
            pass
    raise WorldError(f"{where}: {value!r} is not a date, nor an offset such as +10d")


def needed_date(value: Any, where: str, now: datetime) -> datetime:
    """Read a date that cannot be never."""
    found = read_date(value, where, now)
    if found is None:
        raise WorldError(f"{where}: a date is needed here, null is none")
    return found


def _in_utc(value: datetime) -> datetime:
    aware = value if value.tzinfo else value.replace(tzinfo=timezone.utc)
    return aware.astimezone(timezone.utc).replace(microsecond=0)


INT = _kind(int, "a whole number")
TEXT = _kind(str, "a text")
BOOL = _kind(bool, "true or false")
TEXT_OR_NULL = _or_null(TEXT)
INT_OR_NULL = _or_null(INT)
LIST = _kind(list, "a list")
MAPPING = _kind(dict, "a mapping")
ANYTHING: Callable[[Any, str, datetime], Any] = lambda value, where, now: value  # noqa: E731

LISTS = ("P1", "P6", "K1", "A1", "S1", "M2")


def text_null_or_false(value: Any, where: str, now: datetime) -> Any:
    """Check one of the three ways in which PHP says that there is nothing, or a text."""
    if value is None or value is False or isinstance(value, str):
        return value
    raise WorldError(f"{where}: {value!r} is not a text, null or false")


def external_users(value: Any, where: str, now: datetime) -> Any:
    """Check a list of external users; null and the word absent stand for themselves."""
    return value if value in (None, "absent") else _list_of(EXTERNAL_USER)(value, where, now)


def site_ids(value: Any, where: str, now: datetime) -> list[int]:
    """Check a list of site IDs."""
    return [INT(number, f"{where}[{position}]", now) for position, number in enumerate(LIST(value, where, now))]


def texts(value: Any, where: str, now: datetime) -> list[str]:
    """Check a list of texts."""
    return [TEXT(item, f"{where}[{position}]", now) for position, item in enumerate(LIST(value, where, now))]


MEMBER = {
    "user_ID": Field(INT, needed=True),
    "role": Field(_one_of(*ROLES), needed=True),
}
EXTERNAL_USER = {
    "external_ID": Field(TEXT, needed=True),
    "external_name": Field(TEXT_OR_NULL, ""),
    "external_display": Field(TEXT_OR_NULL),
    "external_profile_picture": Field(TEXT_OR_NULL),
    "external_category": Field(TEXT_OR_NULL),
    "external_meta": Field(ANYTHING, {}),
    "external_profile_URL": Field(TEXT_OR_NULL),
    "external_description": Field(TEXT_OR_NULL, optional=True),
}
# An entry of a list that is not a record: it has no ID, or is not an object at all.
BAD_ENTRY = {
    "list": Field(_one_of(*LISTS), needed=True),
    "entry": Field(ANYTHING),
    # Only in the list of this site.
    "site_ID": Field(INT_OR_NULL),
    "first": Field(BOOL, False),
    # Where the list is a map.
    "key": Field(TEXT, ""),
}
PERMISSION = {
    "name": Field(TEXT, needed=True),
    "description": Field(TEXT, ""),
}

SECTIONS: dict[str, dict[str, Field]] = {
    "users": {
        "ID": Field(INT, needed=True),
        "username": Field(TEXT, needed=True),
        "display_name": Field(TEXT, ""),
        "email": Field(TEXT, ""),
        "language": Field(TEXT, "en"),
        "primary_blog": Field(INT_OR_NULL),
        "password": Field(TEXT, optional=True),
        "application_passwords": Field(texts, optional=True),
        # Only an application password will do.
        "two_factor": Field(BOOL, optional=True),
    },
    "clients": {
        "ID": Field(INT, needed=True),
        "secret": Field(TEXT_OR_NULL),
        "title": Field(TEXT, ""),
        # The owner.
        "user_ID": Field(INT_OR_NULL),
        "redirect_URIs": Field(texts, []),
    },
    "tokens": {
        "token": Field(TEXT, needed=True),
        "user_ID": Field(INT, needed=True),
        "scope": Field(TEXT, "global"),
        "client_ID": Field(INT, 0),
        "site_ID": Field(INT_OR_NULL),
        "stale": Field(BOOL, False),
        "revoked": Field(BOOL, False),
        "expires": Field(read_date),
        # Issued by /oauth2-1.
        "modern": Field(BOOL, False),
    },
    "sites": {
        "ID": Field(INT, needed=True),
        "name": Field(TEXT, ""),
        "description": Field(TEXT, ""),
        "slug": Field(TEXT, needed=True),
        "URL": Field(TEXT, optional=True),
        "members": Field(_list_of(MEMBER), []),
        "private": Field(BOOL, False),
        "visible": Field(BOOL, True),
        "plan": Field(_or_null(TEXT), "free_plan"),
        "deleted": Field(BOOL, False),
        "active": Field(BOOL, True),
        "domain_only": Field(BOOL, False),
        "redirect": Field(BOOL, False),
        "jetpack": Field(BOOL, False),
        "lang": Field(TEXT, "en"),
        "options": Field(MAPPING, {}),
        "error": Field(_or_null(_one_of(*SITE_ERRORS))),
        # A Jetpack site whose owner has switched off the JSON API refuses everything that is asked about it.
        "json_api": Field(BOOL, True),
    },
    "services": {
        "ID": Field(TEXT, needed=True),
        "label": Field(TEXT, ""),
        "type": Field(TEXT, "publicize"),
        "description": Field(TEXT, ""),
        "genericon": Field(MAPPING, {}),
        "icon": Field(TEXT, ""),
        "multiple_external_user_ID_support": Field(BOOL, False),
        "external_users_only": Field(BOOL, optional=True),
        "jetpack_support": Field(BOOL, True),
        "jetpack_module_required": Field(TEXT, ""),
        "status": Field(TEXT, optional=True),
        "warnings": Field(LIST, []),
    },
    "keyring_connections": {
        "ID": Field(INT, needed=True),
        "user_ID": Field(INT, needed=True),
        "service": Field(TEXT, needed=True),
        "issued": Field(read_date, "-100d"),
        "expires": Field(read_date),
        "external_ID": Field(TEXT, ""),
        "external_name": Field(TEXT, ""),
        "external_display": Field(TEXT_OR_NULL),
        "external_profile_picture": Field(TEXT_OR_NULL),
        "external_profile_URL": Field(TEXT_OR_NULL),
        "external_follower_count": Field(INT_OR_NULL),
        "additional_external_users": Field(external_users, []),
        "additional_external_users_empty_reason": Field(TEXT_OR_NULL, optional=True),
        "external_users_after_refetch": Field(_or_null(_list_of(EXTERNAL_USER))),
        "status": Field(TEXT_OR_NULL, "ok"),
        "true_status": Field(TEXT_OR_NULL, optional=True),
        # Sites that use it without a publicize connection.
        "sites": Field(site_ids, []),
        # Other users to whose list it belongs as well.
        "listed_for": Field(site_ids, []),
        # No endpoint shows it, but what was made with it still exists.
        "gone": Field(BOOL, False),
        # Its lists have gaps, which makes objects of them.
        "php_gaps": Field(BOOL, False),
    },
    "publicize_connections": {
        "ID": Field(INT, needed=True),
        "site_ID": Field(INT, needed=True),
        "keyring_connection_ID": Field(INT, needed=True),
        "external_user_ID": Field(TEXT_OR_NULL),
        "shared": Field(BOOL, False),
        "issued": Field(read_date, "-90d"),
        # Left out, these four are those of the keyring connection.
        "expires": Field(read_date, optional=True),
        "status": Field(TEXT_OR_NULL, optional=True),
        "true_status": Field(TEXT_OR_NULL, optional=True),
        "external_follower_count": Field(INT_OR_NULL, optional=True),
        # Left out, these three are those of the account, or of the external user.
        "external_ID": Field(text_null_or_false, optional=True),
        "external_name": Field(text_null_or_false, optional=True),
        "external_display": Field(text_null_or_false, optional=True),
    },
    "applications": {
        "ID": Field(INT, needed=True),
        "user_ID": Field(INT, needed=True),
        "title": Field(TEXT, ""),
        "icon": Field(TEXT, ""),
        "URL": Field(TEXT, ""),
        "description": Field(TEXT, ""),
        "permissions": Field(_list_of(PERMISSION), []),
        "authorized": Field(needed_date, "-200d"),
        "scope": Field(TEXT, ""),
        "site_ID": Field(INT_OR_NULL),
        # Left out, it is the address of the site.
        "site_URL": Field(text_null_or_false, optional=True),
        "client_ID": Field(INT_OR_NULL),
        # The token that this entry stands for: revoking the entry makes it invalid.
        "token": Field(TEXT_OR_NULL),
    },
}
KEYS = {section: "token" if section == "tokens" else "ID" for section in SECTIONS}

# What a key refers to: (key, section).
REFERENCES: dict[str, tuple[tuple[str, str], ...]] = {
    "users": (("primary_blog", "sites"),),
    "clients": (("user_ID", "users"),),
    "tokens": (("user_ID", "users"), ("site_ID", "sites")),
    "keyring_connections": (("user_ID", "users"), ("service", "services")),
    "publicize_connections": (("site_ID", "sites"), ("keyring_connection_ID", "keyring_connections")),
    "applications": (("user_ID", "users"), ("site_ID", "sites"), ("token", "tokens")),
}


def checked_record(
    given: Any, fields: Mapping[str, Field], where: str, now: datetime, base: Optional[Record] = None
) -> Record:
    """Check one record and fill in what is not given, from what was there before or from the defaults."""
    if not isinstance(given, Mapping):
        raise WorldError(f"{where}: {given!r} is not a mapping")
    for key in given:
        if key not in fields:
            raise WorldError(f"{where}: unknown key {key!r}; there are: {', '.join(fields)}")
    record: Record = {}
    for key, field in fields.items():
        if key in given:
            record[key] = field.check(given[key], f"{where}.{key}", now)
        elif base is not None:
            if key in base:
                record[key] = base[key]
        elif field.needed:
            raise WorldError(f"{where}: the key {key!r} is missing")
        elif not field.optional:
            default = field.default.copy() if isinstance(field.default, (list, dict)) else field.default
            record[key] = field.check(default, f"{where}.{key}", now)
    return record


def load_document(source: WorldSource) -> Mapping[str, Any]:
    """Read a world from a file, or take it as it is given; None is the default world."""
    if isinstance(source, Mapping):
        return source
    path = DEFAULT_WORLD if source is None else Path(source)
    try:
        document = _with_surrogates(yaml.safe_load(path.read_text(encoding="utf-8")))
    except (OSError, UnicodeDecodeError) as error:
        raise WorldError(f"cannot read the world file {path}: {error}") from error
    except yaml.YAMLError as error:
        raise WorldError(f"the world file {path} is not YAML: {error}") from error
    if document is None:
        return {}
    if not isinstance(document, Mapping):
        raise WorldError(f"the world file {path} is not a mapping")
    return document


class World:
    """The records by section and ID, with indexes, so that large worlds are cheap to list."""

    def __init__(self, document: Mapping[str, Any], now: datetime) -> None:
        """Load and check a world."""
        self.sections: dict[str, dict[Any, Record]] = {section: {} for section in SECTIONS}
        self.sites_by_name: dict[str, dict[int, None]] = {}
        self.publicize_by_site: dict[int, dict[int, None]] = {}
        self.publicize_by_keyring: dict[int, dict[int, None]] = {}
        self.keyring_by_user: dict[int, dict[int, None]] = {}
        # Publicize connections that are deleted but linger for a read, and those made that come late.
        self.ghosts: dict[int, Record] = {}
        self.hidden: dict[int, None] = {}
        # What the authorization server has issued.
        self.codes: dict[str, Code] = {}
        self.refresh_tokens: dict[str, Grant] = {}
        self.bad_entries = _bad_entries(document.get("bad_entries"), now)
        for section in document:
            if section not in (*SECTIONS, "bad_entries"):
                raise WorldError(f"unknown section {section!r}; there are: {', '.join(SECTIONS)}, bad_entries")
        for section, fields in SECTIONS.items():
            rows = document.get(section)
            if rows is None:
                continue
            if not isinstance(rows, list):
                raise WorldError(f"{section}: not a list")
            for number, row in enumerate(rows):
                record = checked_record(row, fields, f"{section}[{number}]", now)
                if record[KEYS[section]] in self.sections[section]:
                    raise WorldError(f"{section}[{number}]: {KEYS[section]} {record[KEYS[section]]!r} is there twice")
                self.put(section, record)
        for section in SECTIONS:
            for record in self.sections[section].values():
                self.check_references(section, record)
        self.tested = now
        self.next_publicize_id = max(self.publicize, default=5000) + 1

    @property
    def users(self) -> dict[int, Record]:
        """The users by ID."""
        return self.sections["users"]

    @property
    def clients(self) -> dict[int, Record]:
        """The clients of the authorization server by ID."""
        return self.sections["clients"]

    @property
    def tokens(self) -> dict[str, Record]:
        """The tokens by their text."""
        return self.sections["tokens"]

    @property
    def sites(self) -> dict[int, Record]:
        """The sites by ID."""
        return self.sections["sites"]

    @property
    def services(self) -> dict[str, Record]:
        """The services by ID, in display order."""
        return self.sections["services"]

    @property
    def keyring(self) -> dict[int, Record]:
        """The keyring connections by ID."""
        return self.sections["keyring_connections"]

    @property
    def publicize(self) -> dict[int, Record]:
        """The publicize connections by ID."""
        return self.sections["publicize_connections"]

    @property
    def applications(self) -> dict[int, Record]:
        """The entries of connected applications by ID."""
        return self.sections["applications"]

    # Changing

    def put(self, section: str, record: Record) -> None:
        """Store a record, new or in place of an old one, and keep the indexes."""
        key = record[KEYS[section]]
        old = self.sections[section].get(key)
        if old is not None:
            self._unindex(section, old)
        self.sections[section][key] = record
        self._index(section, record)

    def remove(self, section: str, key: Any) -> Optional[Record]:
        """Remove a record and everything that cannot be without it."""
        record = self.sections[section].pop(key, None)
        if record is None:
            return None
        self._unindex(section, record)
        for other, references in REFERENCES.items():
            for name, target in references:
                if target != section:
                    continue
                for gone in [k for k, row in self._referring(other, name, key)]:
                    if other == "users" or (other, name) == ("applications", "token"):
                        self.sections[other][gone][name] = None
                    else:
                        self.remove(other, gone)
        return record

    def _referring(self, section: str, name: str, key: Any) -> Iterable[tuple[Any, Record]]:
        rows = self.sections[section]
        if (section, name) == ("publicize_connections", "keyring_connection_ID"):
            return [(number, rows[number]) for number in self.publicize_by_keyring.get(key, ())]
        if (section, name) == ("publicize_connections", "site_ID"):
            return [(number, rows[number]) for number in self.publicize_by_site.get(key, ())]
        return [(number, row) for number, row in rows.items() if row.get(name) == key]

    def _index(self, section: str, record: Record) -> None:
        if section == "sites":
            for name in _site_names(record):
                self.sites_by_name.setdefault(name, {})[record["ID"]] = None
        elif section == "keyring_connections":
            self.keyring_by_user.setdefault(record["user_ID"], {})[record["ID"]] = None
        elif section == "publicize_connections":
            self.publicize_by_site.setdefault(record["site_ID"], {})[record["ID"]] = None
            self.publicize_by_keyring.setdefault(record["keyring_connection_ID"], {})[record["ID"]] = None

    def _unindex(self, section: str, record: Record) -> None:
        if section == "sites":
            for name in _site_names(record):
                self.sites_by_name.get(name, {}).pop(record["ID"], None)
        elif section == "keyring_connections":
            self.keyring_by_user.get(record["user_ID"], {}).pop(record["ID"], None)
        elif section == "publicize_connections":
            self.publicize_by_site.get(record["site_ID"], {}).pop(record["ID"], None)
            self.publicize_by_keyring.get(record["keyring_connection_ID"], {}).pop(record["ID"], None)

    def check_references(self, section: str, record: Record) -> None:
        """Refuse a record that refers to what is not there."""
        where = f"{section} {record[KEYS[section]]!r}"
        for name, target in REFERENCES.get(section, ()):
            value = record.get(name)
            if value is not None and value not in self.sections[target]:
                raise WorldError(f"{where}: {name} {value!r} is not among the {target}")
        for member in record.get("members", ()):
            if member["user_ID"] not in self.users:
                raise WorldError(f"{where}: members: user_ID {member['user_ID']!r} is not among the users")
        if section == "tokens" and not record["scope"].strip() and record["site_ID"] is None:
            raise WorldError(f"{where}: a token without scope is bound to one site: site_ID is missing")

    def patch(self, changes: Mapping[str, Any], now: datetime) -> None:
        """Change, add and delete records given in raw form: all of it, or nothing."""
        rest = dict(changes)
        bad_entries = _bad_entries(rest.pop("bad_entries"), now) if "bad_entries" in rest else self.bad_entries
        delete = rest.pop("delete", {})
        if not isinstance(delete, Mapping):
            raise WorldError("delete: not a mapping")
        for section in [*rest, *delete]:
            if section not in SECTIONS:
                raise WorldError(f"unknown section {section!r}; there are: {', '.join(SECTIONS)}, bad_entries, delete")
        for section, keys in delete.items():
            if not isinstance(keys, list):
                raise WorldError(f"delete.{section}: not a list")
            for key in keys:
                if not isinstance(key, (int, str)) or key not in self.sections[section]:
                    raise WorldError(f"delete.{section}: {key!r} is not there")
        before = [(section, key, self.sections[section].get(key)) for section, key in self._named(rest)]
        try:
            for section, rows in rest.items():
                for number, row in enumerate(rows):
                    where = f"{section}[{number}]"
                    base = self.sections[section].get(row.get(KEYS[section]))
                    self.put(section, checked_record(row, SECTIONS[section], where, now, base))
            for section, rows in rest.items():
                for row in rows:
                    self.check_references(section, self.sections[section][row[KEYS[section]]])
        except WorldError:
            for section, key, old in reversed(before):
                new = self.sections[section].get(key)
                if old is not None:
                    self.put(section, old)
                elif new is not None:
                    del self.sections[section][key]
                    self._unindex(section, new)
            raise
        self.bad_entries = bad_entries
        for section, keys in delete.items():
            for key in keys:
                self.remove(section, key)
        self.next_publicize_id = max(self.next_publicize_id, max(self.publicize, default=0) + 1)

    def _named(self, changes: Mapping[str, Any]) -> list[tuple[str, Any]]:
        names = []
        for section, rows in changes.items():
            if not isinstance(rows, list) or not all(isinstance(row, Mapping) for row in rows):
                raise WorldError(f"{section}: not a list of mappings")
            for number, row in enumerate(rows):
                key = row.get(KEYS[section])
                if not isinstance(key, (int, str)):
                    raise WorldError(f"{section}[{number}]: the key {KEYS[section]!r} is missing")
                names.append((section, key))
        return names

    def delete_publicize(self, number: int, linger: bool = False) -> None:
        """Delete a publicize connection, if asked so that the next read still sees it."""
        record = self.remove("publicize_connections", number)
        if linger and record is not None:
            self.ghosts[number] = record

    # Reading

    def find_site(self, name: str, form: str = "usual", kind: str = "wordpress") -> Optional[Record]:
        """Find a site by numeric ID, or by a name; of two sites with one name, the one of that kind."""
        if re.fullmatch(r"[0-9]+", name):
            return self.sites.get(int(name[:30]))
        if form == "lenient":
            name = re.sub(r":[0-9]+(?=$|::)", "", name)
            name = re.sub(r"\.(?=$|::)", "", name)
        found = [self.sites[number] for number in self.sites_by_name.get(name.lower(), ())]
        if form == "strict":
            found = [site for site in found if name in _site_names(site, lower=False)]
        found.sort(key=lambda site: (bool(site["jetpack"]) != (kind == "jetpack"), site["ID"]))
        return found[0] if found else None

    def role(self, site: Record, user: Record) -> Optional[str]:
        """Return the role of a user on a site, or None for a user who is not a member."""
        for member in site["members"]:
            if member["user_ID"] == user["ID"]:
                return str(member["role"])
        return None

    def capable(self, site: Record, user: Record, capability: str) -> bool:
        """Return whether a user has a capability on a site."""
        role = self.role(site, user)
        return role is not None and capability in ROLES[role]

    def owner(self, publicize: Record) -> int:
        """Return the user to whom the keyring connection of a publicize connection belongs."""
        return int(self.keyring[publicize["keyring_connection_ID"]]["user_ID"])

    def read_publicize(self, numbers: Iterable[int], ghost: Callable[[Record], bool]) -> list[Record]:
        """Return publicize connections as a read sees them: without late ones, with those that linger."""
        found = [self.publicize[number] for number in numbers if number not in self.hidden]
        if self.ghosts:
            found.extend(row for row in self.ghosts.values() if self._ghost_holds(row) and ghost(row))
        found.sort(key=lambda row: int(row["ID"]))
        return found

    def read_one_publicize(self, number: int) -> Optional[Record]:
        """Return one publicize connection as a read sees it."""
        if number in self.hidden:
            return None
        ghost = self.ghosts.get(number)
        return self.publicize.get(number) or (ghost if ghost and self._ghost_holds(ghost) else None)

    def _ghost_holds(self, row: Record) -> bool:
        return row["keyring_connection_ID"] in self.keyring and row["site_ID"] in self.sites

    def settle(self) -> None:
        """Let a read have been the last one that saw what lingers or missed what comes late."""
        if self.ghosts or self.hidden:
            self.ghosts.clear()
            self.hidden.clear()

    # What the server knows about connections

    def test_connection(self, keyring: Record) -> None:
        """Do what a forced connection test does: reveal the true status of a keyring connection and what hangs on it."""
        keyring["status"] = keyring["true_status"] if "true_status" in keyring else (keyring["status"] or "ok")
        for number in self.publicize_by_keyring.get(keyring["ID"], ()):
            row = self.publicize[number]
            if "true_status" in row:
                row["status"] = row["true_status"]

    def refetch_external_users(self, keyring: Record) -> None:
        """Read a keyring connection's external users again."""
        if keyring["external_users_after_refetch"] is not None:
            keyring["additional_external_users"] = keyring["external_users_after_refetch"]

    def expire_cache(self, now: datetime) -> None:
        """Test everything where the cached statuses are more than twelve hours old."""
        if now - self.tested > timedelta(hours=12):
            self.tested = now
            for keyring in self.keyring.values():
                self.test_connection(keyring)

    def raw(self, sections: Iterable[str]) -> dict[str, list[Record]]:
        """Return sections in raw form, sorted by ID, with dates as text; services keep their display order."""
        result = {}
        for section in sections:
            rows = [{key: _raw_value(value) for key, value in row.items()} for row in self.sections[section].values()]
            if section == "publicize_connections":
                for row in rows:
                    row.setdefault("status", self.keyring[row["keyring_connection_ID"]]["status"])
            if section != "services":
                rows.sort(key=itemgetter(KEYS[section]))
            result[section] = rows
        return result


def _bad_entries(given: Any, now: datetime) -> list[Record]:
    return [] if given is None else [dict(row) for row in _list_of(BAD_ENTRY)(given, "bad_entries", now)]


def _site_names(site: Record, lower: bool = True) -> list[str]:
    """Return the names under which a site answers: its slug, and the address that it had before it was mapped."""
    names = [site["slug"].replace("/", "::")]
    unmapped = site["options"].get("unmapped_url")
    if isinstance(unmapped, str):
        parts = urlsplit(unmapped)
        names.append((parts.netloc + parts.path.rstrip("/")).replace("/", "::"))
    return [name.lower() for name in names] if lower else names


def _raw_value(value: Any) -> Any:
    return value.strftime("%Y-%m-%dT%H:%M:%SZ") if isinstance(value, datetime) else value


def _with_surrogates(value: Any) -> Any:
    """Return a world in which a text such as backslash, ud83d has half a surrogate pair: not every YAML parser reads one."""
    if isinstance(value, str):
        return re.sub(r"\\u(d[89a-f][0-9a-f]{2})", lambda found: chr(int(found[1], 16)), value)
    if isinstance(value, list):
        return [_with_surrogates(item) for item in value]
    if isinstance(value, dict):
        return {key: _with_surrogates(item) for key, item in value.items()}
    return value
