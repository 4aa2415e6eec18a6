# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The keys of each kind of record as the API sends them: the one table that normalisation and diagnostics read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property

from .health import KNOWN_STATUSES

# What plans rely on; normalisation gives these one form.
INTEGER = "integer"
TEXT = "text"
DATE = "date"
OBJECT = "object"
# Lists of objects, and of IDs.
ROWS = "rows"
IDS = "ids"
# What is only shown, and passes through unchanged.
NAME = "name"
PROSE = "prose"
FLAG = "flag"
COUNT = "count"
SCOPES = "scopes"
MAP = "map"


@dataclass(frozen=True)
class Key:
    """One key of a record, spelled as the API spells it, and the kind of its value.

    ``required``: every record has it. ``null``: it may be null, or false, which PHP sends for nothing. ``spellings`` are
    further names under which it is documented or was seen. ``keys`` are those of the objects in it.
    """

    name: str
    kind: str
    required: bool = True
    null: bool = False
    spellings: tuple[str, ...] = ()
    keys: tuple[Key, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """All names under which a record may have it."""
        return (self.name, *self.spellings)

    @cached_property
    def in_records(self) -> str:
        """The name that it has in a normalised record."""
        return self.name.lower()


@dataclass(frozen=True)
class Wire:
    """A kind of record on the wire; ``is_open`` marks one with many more keys than the collection knows."""

    keys: tuple[Key, ...]
    statuses: tuple[str, ...] = ()
    is_open: bool = False


def _optional(name: str, kind: str, *spellings: str, keys: tuple[Key, ...] = ()) -> Key:
    return Key(name, kind, required=False, null=True, spellings=spellings, keys=keys)


_ACCOUNT = (
    Key("external_ID", TEXT, null=True),
    Key("external_name", TEXT, null=True),
    Key("external_display", TEXT, required=False, null=True),
    _optional("external_profile_picture", PROSE),
)
_EXTERNAL_USER = (
    *_ACCOUNT,
    _optional("external_category", PROSE),
    _optional("external_description", PROSE),
    _optional("external_meta", MAP),
)

PUBLICIZE_CONNECTION = Wire(
    (
        Key("ID", INTEGER),
        Key("site_ID", INTEGER),
        Key("user_ID", INTEGER),
        Key("keyring_connection_ID", INTEGER),
        Key("keyring_connection_user_ID", INTEGER),
        Key("shared", FLAG),
        Key("service", TEXT),
        Key("label", TEXT),
        _optional("issued", DATE),
        _optional("expires", DATE),
        *_ACCOUNT,
        _optional("external_profile_URL", PROSE),
        _optional("external_follower_count", COUNT),
        Key("status", TEXT, null=True),
        Key("refresh_URL", TEXT, null=True, spellings=("refresh_url",)),
        Key("meta", MAP),
        _optional("URL", TEXT),
        _optional("read_only", FLAG),
    ),
    statuses=KNOWN_STATUSES,
)
KEYRING_CONNECTION = Wire(
    (
        Key("ID", INTEGER),
        _optional("user_ID", INTEGER),
        Key("type", TEXT),
        Key("service", TEXT),
        Key("label", TEXT),
        _optional("issued", DATE),
        _optional("expires", DATE),
        *_ACCOUNT,
        _optional("external_profile_URL", PROSE),
        _optional("additional_external_users", ROWS, keys=_EXTERNAL_USER),
        _optional("additional_external_users_empty_reason", PROSE),
        Key("status", TEXT, null=True),
        Key("refresh_URL", TEXT, null=True, spellings=("refresh_url",)),
        Key("sites", IDS, null=True),
        Key("meta", MAP),
    ),
    statuses=KNOWN_STATUSES,
)
CONNECTED_APPLICATION = Wire(
    (
        Key("ID", INTEGER, spellings=("connection_ID",)),
        Key("title", TEXT),
        _optional("icon", PROSE),
        _optional("URL", TEXT),
        _optional("description", PROSE),
        Key("permissions", MAP),
        Key("authorized", DATE),
        _optional("scope", PROSE),
        Key(
            "site",
            OBJECT,
            null=True,
            spellings=("blog",),
            keys=(Key("site_ID", INTEGER), _optional("site_URL", TEXT), _optional("site_name", PROSE)),
        ),
    )
)
SERVICE = Wire(
    (
        Key("ID", NAME),
        Key("label", TEXT),
        Key("type", TEXT),
        Key("description", PROSE),
        _optional("genericon", MAP),
        _optional("icon", PROSE),
        Key("connect_URL", TEXT, spellings=("connect_url",)),
        Key("multiple_external_user_ID_support", FLAG),
        _optional("external_users_only", FLAG),
        _optional("jetpack_support", FLAG),
        _optional("jetpack_module_required", PROSE),
        _optional("status", TEXT),
        _optional("warnings", MAP),
    ),
    statuses=("ok", "unsupported"),
)
SITE = Wire(
    (
        Key("ID", INTEGER),
        Key("name", PROSE, null=True),
        Key("URL", TEXT),
        Key("slug", TEXT),
        Key("jetpack", FLAG),
        Key("is_private", FLAG),
        Key("capabilities", OBJECT),
        Key("visible", FLAG),
        _optional("options", MAP),
        _optional("meta", MAP),
    ),
    is_open=True,
)
ACCOUNT = Wire(
    (
        Key("ID", INTEGER),
        Key("username", PROSE),
        Key("display_name", PROSE, null=True),
        Key("primary_blog", INTEGER, null=True),
        Key("token_scope", SCOPES),
        Key("token_site_id", COUNT, null=True),
        Key("token_client_id", INTEGER, null=True),
        _optional("meta", MAP),
    ),
    is_open=True,
)
ALL = (PUBLICIZE_CONNECTION, KEYRING_CONNECTION, CONNECTED_APPLICATION, SERVICE, SITE, ACCOUNT)


def names_of(*kinds: str, of: Iterable[Wire] = ALL) -> frozenset[str]:
    """Return the names, in lower case, of all keys of these kinds, those of nested objects too."""

    def walk(keys: Iterable[Key]) -> Iterator[str]:
        for key in keys:
            if key.kind in kinds:
                yield key.in_records
            yield from walk(key.keys)

    return frozenset(name for wire in of for name in walk(wire.keys))
