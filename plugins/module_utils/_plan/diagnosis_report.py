# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The report of a diagnosis, redacted by construction: an allow-list says what may be in it, everything else is dropped.

Allowed are words that this collection knows, counts, versions, and the names of unknown keys where they look like names that a
programmer gave, and not like something of the user.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from typing import Any, Callable

from .._api.hints import KNOWN_CODES
from .._http.failures import KIND_NAMES
from .._records import wire
from .._records.conformance import Conformance
from .diagnosis import SOURCES, STATUSES, Check, Observations
from .diagnosis_uncertainties import OTHER, UNCERTAINTIES

FORMAT = 1

Rule = Callable[[Any], Any]
_IDENTIFIER = re.compile("[A-Za-z_]{1,40}")
_STATUS = re.compile("[a-z][a-z_-]{1,39}")
_VERSION = re.compile(r"\d{1,4}(\.\d{1,4}){1,3}([a-z0-9.+-]{0,20})")
_COUNT_LIMIT = 10**9
# Shorter ones are part of too many words.
_SHORTEST_TAINT = 3
# What the API itself chooses; all other texts may be something of the user.
_WORDS_OF_THE_API = ("status", "type", "service", "jetpack_module_required", "error", "scope")


class NotAllowedError(Exception):
    """A value that must not be in the report."""


def one_of(words: Iterable[Any]) -> Rule:
    """Return a rule for one of some words; another one becomes ``other``."""
    known = frozenset(words)

    def allow(value: Any) -> Any:
        if isinstance(value, str) or value is None:
            return value if value in known else OTHER
        raise NotAllowedError

    return allow


def number(value: Any) -> Any:
    """Allow a count, a status, or seconds."""
    if isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < _COUNT_LIMIT:
        return value
    raise NotAllowedError


def flag(value: Any) -> Any:
    """Allow true and false."""
    if isinstance(value, bool):
        return value
    raise NotAllowedError


def version(value: Any) -> Any:
    """Allow a version."""
    if isinstance(value, str) and _VERSION.fullmatch(value):
        return value
    raise NotAllowedError


def optional(rule: Rule) -> Rule:
    """Return a rule that allows null as well."""
    return lambda value: None if value is None else rule(value)


def fields(rules: Mapping[str, Rule]) -> Rule:
    """Return a rule for an object with these keys at most."""

    def allow(value: Any) -> Any:
        return dict(_allowed_items(value, rules))

    return allow


def _allowed_items(value: Any, rules: Mapping[str, Rule]) -> Iterator[tuple[str, Any]]:
    if not isinstance(value, Mapping):
        raise NotAllowedError
    for key, rule in rules.items():
        if key in value:
            with suppress(NotAllowedError):
                yield key, rule(value[key])


def each(rule: Rule) -> Rule:
    """Return a rule for a list; entries that are not allowed are left out."""

    def allow(value: Any) -> Any:
        if not isinstance(value, (list, tuple)):
            raise NotAllowedError
        allowed = []
        for item in value:
            try:
                allowed.append(rule(item))
            except NotAllowedError:
                continue
        return allowed

    return allow


def counted(names: Rule) -> Rule:
    """Return a rule for a mapping of names to counts."""

    def allow(value: Any) -> Any:
        if not isinstance(value, Mapping):
            raise NotAllowedError
        return {names(key): number(count) for key, count in value.items()}

    return allow


def _known_names(table: wire.Wire) -> frozenset[str]:
    def walk(keys: Iterable[wire.Key], prefix: str) -> Iterator[str]:
        for key in keys:
            for name in key.names:
                yield f"{prefix}{name}"
                yield from walk(key.keys, f"{prefix}{name}.")

    return frozenset(walk(table.keys, ""))


_KNOWN_KEYS = frozenset(name for table in wire.ALL for name in _known_names(table))
_KNOWN_STATUSES = frozenset(status for table in wire.ALL for status in table.statuses) | {"none"}
_JSON_TYPES = ("null", "boolean", "integer", "number", "string", "array", "object")


def _identifier(pattern: re.Pattern[str]) -> Rule:
    def allow(value: Any) -> Any:
        place, dot, name = value.rpartition(".") if isinstance(value, str) else ("", "", "")
        if pattern.fullmatch(name) and (not dot or place in _KNOWN_KEYS):
            return value
        raise NotAllowedError

    return allow


_FAILURES = one_of((*KIND_NAMES, "none"))
# Those of a token that cannot be used are the collection's own.
_TOKEN_CODES = ("invalid_option", "invalid_grant", "no_response", "unexpected_response", "token_not_refreshed")
_CODES = one_of((*KNOWN_CODES, *_TOKEN_CODES, "none"))
_SCHEMA = fields(
    {
        "format": number,
        "versions": fields(dict.fromkeys(("collection", "ansible", "python", "requests"), version)),
        "connection": fields(
            {
                "scheme": one_of(("http", "https")),
                **dict.fromkeys(("is_default_api", "proxy", "validate_certs", "own_ca", "http_envelope"), flag),
            }
        ),
        "requests": number,
        "checks": each(
            fields(
                {
                    "name": one_of(
                        (
                            *("name_resolution", "proxy", "tls", "clock", "reachability", "latency"),
                            *("token", "scope", "site_binding"),
                            *(f"wire_{name}" for name in SOURCES),
                            *(f"uncertainty_{each_one.name}" for each_one in UNCERTAINTIES),
                        )
                    ),
                    "status": one_of(STATUSES),
                    "seconds": number,
                    "http_status": optional(number),
                    "code": _CODES,
                    "failure": _FAILURES,
                    "form": one_of(_JSON_TYPES),
                    **dict.fromkeys(("skew", "responses", "median", "longest"), number),
                    "refused": each(one_of(("sharing", "sites", "users"))),
                    **dict.fromkeys(("is_global", "is_bound"), flag),
                }
            )
        ),
        "wire": fields(
            dict.fromkeys(
                SOURCES,
                fields(
                    {
                        **dict.fromkeys(("entries", "without_id", "unnamed_keys", "unnamed_statuses"), number),
                        "keys": counted(one_of(_KNOWN_KEYS)),
                        "missing": counted(one_of(_KNOWN_KEYS)),
                        "mistyped": each(
                            fields({"key": one_of(_KNOWN_KEYS), "type": one_of(_JSON_TYPES), "count": number})
                        ),
                        "unknown": counted(_identifier(_IDENTIFIER)),
                        "statuses": counted(one_of(_KNOWN_STATUSES)),
                        "unknown_statuses": counted(_identifier(_STATUS)),
                    }
                ),
            )
        ),
        "uncertainties": fields({one.name: optional(one_of((*one.sides, OTHER))) for one in UNCERTAINTIES}),
    }
)


def make_report(seen: Observations, checks: list[Check]) -> dict[str, Any]:
    """Return the report of a diagnosis as JSON, without names, IDs, tokens and URLs."""
    environment = seen.environment
    taint = Taint(response.document for response in seen.asked.values())
    found = {check.name[len("wire_") :]: check.facts["wire"] for check in checks if "wire" in check.facts}
    allowed: dict[str, Any] = _SCHEMA(
        {
            "format": FORMAT,
            "versions": dict(environment.versions),
            "connection": {
                "scheme": environment.scheme,
                "is_default_api": environment.is_default_api,
                "proxy": bool(environment.proxy),
                "validate_certs": environment.validate_certs,
                "own_ca": environment.own_ca,
                "http_envelope": environment.http_envelope,
            },
            "requests": len(seen.asked),
            "checks": [
                {**check.facts, "name": check.name, "status": check.status, "seconds": round(check.seconds, 3)}
                for check in checks
            ],
            "wire": {name: _wire(form, taint) for name, form in found.items()},
            "uncertainties": {
                one.name: next(check.facts["side"] for check in checks if check.name == f"uncertainty_{one.name}")
                for one in UNCERTAINTIES
            },
        }
    )
    return allowed


def _wire(found: Conformance, taint: Taint) -> dict[str, Any]:
    # A key of the API is in many entries, one that is something of the user in few.
    usual = max(1, (found.entries - found.without_id) / 2)
    unknown = {
        f"{place}{name}": count
        for (place, name), count in found.unknown.items()
        if count >= usual and _IDENTIFIER.fullmatch(name) and not taint.holds(name)
    }
    statuses = {
        status: count
        for status, count in found.unknown_statuses.items()
        if _STATUS.fullmatch(status) and not taint.holds(status)
    }
    return {
        "entries": found.entries,
        "without_id": found.without_id,
        "keys": dict(sorted(found.keys.items())),
        "missing": dict(sorted(found.missing.items())),
        "mistyped": [
            {"key": key, "type": type_name, "count": count}
            for (key, type_name), count in sorted(found.mistyped.items())
        ],
        "unknown": dict(sorted(unknown.items())),
        "unnamed_keys": len(found.unknown) - len(unknown),
        "statuses": dict(sorted(found.statuses.items())),
        "unknown_statuses": dict(sorted(statuses.items())),
        "unnamed_statuses": sum(found.unknown_statuses.values()) - sum(statuses.values()),
    }


class Taint:
    """The texts of responses that may be something of the user: a name that occurs in one is never reported."""

    def __init__(self, documents: Iterable[Any]) -> None:
        """Collect the texts, but for those that the API itself chooses."""
        texts: set[str] = set()
        for document in documents:
            texts.update(_texts(document))
        self._texts = {text for text in map(_letters, texts) if len(text) >= _SHORTEST_TAINT}

    def holds(self, name: str) -> bool:
        """Whether a name is a text of a response, or a part of one."""
        letters = _letters(name)
        return any(letters in text for text in self._texts)


def _letters(text: str) -> str:
    return "".join(character for character in text.casefold() if character.isalnum())


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)
    elif isinstance(value, dict):
        for key, item in value.items():
            if key not in _WORDS_OF_THE_API:
                yield from _texts(item)
