# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is uncertain about the API and can be read: for each uncertainty, the side that the server is on."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Callable

from .._api.diagnostics import RawResponse
from .._api.resource import quoted
from .._http.request import ANONYMOUS, TOKEN, TOKEN_PARAMETER, WRONG_TOKEN
from .._records.conformance import is_gapped, rows
from .._records.record import is_number
from .diagnosis import OK, SKIPPED, WARNING, Check, Observations, Undecided

OTHER = "other"
# IDs far above those that the API gives out.
_NO_SUCH_ID = 999999999999
_SITES_READ = 3
_LISTS = ("publicize_connections", "keyring_connections", "connected_applications", "external_services", "sites")
_NAMES = ("external_name", "external_display", "title", "name", "site_name")
_ENTITY = re.compile(r"&(?:#\d+|#x[0-9a-fA-F]+|[a-zA-Z]+);")
_ZERO_DATE = re.compile("0000-00-00")
_DATE_FORMS = (
    ("space", re.compile(r"\d{4}-\d\d-\d\d \d\d:")),
    ("squeezed", re.compile(r"\d{4}-\d\d-\d\d\d\d:")),
    ("iso", re.compile(r"\d{4}-\d\d-\d\dT\d\d:")),
)


@dataclass(frozen=True)
class Uncertainty:
    """Something about the API that no documentation states, the sides that it can have, and what shows the side."""

    name: str
    sides: tuple[str, ...]
    meaning: str
    side: Callable[[Observations], str]

    def check(self, seen: Observations) -> Check:
        """Return the check for it; a response of an unexpected form is on none of the sides. Raises ReadsNeeded."""
        name = f"uncertainty_{self.name}"
        before = sum(seen.seconds)
        try:
            side = self.side(seen)
        except Undecided as reason:
            return Check(name, SKIPPED, f"Not known: {reason}. It is about {self.meaning}.", facts={"side": None})
        except (TypeError, ValueError, KeyError, AttributeError, IndexError):
            side = OTHER
        seconds = max(0.0, sum(seen.seconds) - before)
        if side in self.sides:
            return Check(name, OK, f"{side}: {self.meaning}", seconds=seconds, facts={"side": side})
        return Check(
            name,
            WARNING,
            f"{OTHER}: {self.meaning} (expected: {', '.join(self.sides)})",
            hint="This form is not known to community.wpcom: attach the report to an issue.",
            seconds=seconds,
            facts={"side": OTHER},
        )


# Tokens and scopes


def _status_of_invalid_token(seen: Observations) -> str:
    response = seen.first() if seen.token_rejected else seen.ask("/me", (), WRONG_TOKEN)
    if response.code != "invalid_token":
        raise Undecided(_unexpected(response))
    return str(response.status)


def _stale_session(seen: Observations) -> str:
    stale = [seen.code(name) == "reauthorization_required" for name in ("account", "publicize_connections")]
    if any(stale):
        return "everywhere"
    if seen.code("connected_applications") == "reauthorization_required":
        return "applications"
    raise Undecided("the login behind the token is recent enough")


def _scopes(seen: Observations) -> list[str]:
    account = seen.account
    if account is None:
        raise Undecided("the account cannot be read")
    scopes: list[str] = account["token_scope"]
    return scopes


def _me_scope(seen: Observations) -> str:
    response = seen.source("account")
    if response.status == 403 and response.code == "authorization_required":
        return "strict"
    scopes = _scopes(seen)
    if not scopes or {"global", "users"} & set(scopes):
        raise Undecided("the token covers the account in any case")
    return "any"


def _site_token_account(seen: Observations) -> str:
    account = seen.account
    if account is None or account["token_scope"] or account["token_site_id"] is None:
        raise Undecided("only a token without a scope, for one site, shows it")
    statuses = {seen.source(name).status for name in ("keyring_connections", "connected_applications")}
    if statuses == {200}:
        return "allowed"
    return "refused" if 403 in statuses else OTHER


def _wire_account(seen: Observations) -> dict[str, Any]:
    (entry,) = seen.records("account") or [{}]
    if not entry:
        raise Undecided("the account has no ID")
    return entry


def _empty_token_scope_form(seen: Observations) -> str:
    scope = _wire_account(seen).get("token_scope")
    if isinstance(scope, str) or _scopes(seen):
        raise Undecided("only a token without a scope shows it")
    items = rows(scope)
    return "empty" if not items else "blank" if items == [""] else OTHER


def _token_scope_form(seen: Observations) -> str:
    scope = _wire_account(seen).get("token_scope")
    return "text" if isinstance(scope, str) else "list" if isinstance(scope, list) or is_gapped(scope) else OTHER


def _token_site_unbound(seen: Observations) -> str:
    bound = _wire_account(seen).get("token_site_id")
    if bound:
        raise Undecided("the token is for one site")
    return "false" if bound is False else "zero" if bound == 0 else OTHER


def _token_info_unbound_blog(seen: Observations) -> str:
    account = _wire_account(seen)
    if account.get("token_site_id"):
        raise Undecided("the token is for one site")
    environment = seen.environment
    if environment.scheme != "https" and not environment.is_loopback:
        raise Undecided("the token would be sent in the URL of a request without encryption")
    client = (("client_id", str(account.get("token_client_id"))),)
    response = seen.ask("/token-info", client, TOKEN_PARAMETER, "/oauth2")
    if not response.is_success:
        raise Undecided(_unexpected(response))
    blog = response.document.get("blog_id", OTHER)
    return {"0": "0", "": '""', None: "null"}.get(blog, OTHER)


def _token_info_bad_token(seen: Observations) -> str:
    parameters = (("client_id", "1"), ("token", "wrong-token-of-the-doctor"))
    response = seen.ask("/token-info", parameters, ANONYMOUS, "/oauth2")
    if response.status is None or not response.code:
        raise Undecided(_unexpected(response))
    return response.code


def _services_public(seen: Observations) -> str:
    services = seen.records("external_services") if seen.environment.has_token and not seen.token_rejected else []
    if not services:
        return _public(seen.source("external_services"))
    return _public(seen.ask(f"/meta/external-services/{quoted(services[0]['ID'])}", (), ANONYMOUS))


def _sites_public(seen: Observations) -> str:
    public = [site for site in seen.records("sites") if site.get("is_private") is False and not site.get("jetpack")]
    if not public:
        raise Undecided("none of your sites is public")
    return _public(seen.ask(f"/sites/{_number(public[0])}", (), ANONYMOUS))


def _public(response: RawResponse) -> str:
    if response.is_success:
        return "true"
    if response.status in (401, 403):
        return "false"
    raise Undecided(_unexpected(response))


# Errors


def _throttle_form(seen: Observations) -> str:
    limited = seen.limited
    if limited is None:
        raise Undecided("the request limit was not reached")
    if limited.code:
        return f"json{limited.status}"
    return f"html{limited.status}"


def _keyring_not_found_form(seen: Observations) -> str:
    return _not_found_form(seen.ask(f"/me/keyring-connections/{_NO_SUCH_ID}"), "not_found")


def _non_digit_id(seen: Observations) -> str:
    return _not_found_form(seen.ask("/me/publicize-connections/no-digits"), "invalid_input")


def _not_found_form(response: RawResponse, slug: str) -> str:
    if response.code == slug:
        return slug
    if response.status == 404 and response.is_empty:
        return "empty"
    raise Undecided(_unexpected(response))


def _foreign(seen: Observations) -> list[dict[str, Any]]:
    """Return the connections of other users on the first of the user's sites that has some."""
    account = seen.account
    if account is None:
        raise Undecided("the account cannot be read, so it is not known which connections are owned by other users")
    mine = [_number(site, "site_ID") for site in seen.records("publicize_connections")]
    sites = [site for site in seen.records("sites") if _may(site, "manage_options")]
    # The primary site first, then those with connections.
    sites.sort(key=lambda site: (_number(site) != account.get("primary_blog"), -mine.count(_number(site))))
    for site in sites[:_SITES_READ]:
        response = seen.ask(f"/sites/{_number(site)}/publicize-connections/")
        if not response.is_success:
            continue
        entries = [entry for entry in rows(response.document.get("connections")) if isinstance(entry, dict)]
        foreign = [
            entry
            for entry in entries
            if entry.get("ID") and _number(entry, "keyring_connection_user_ID") not in (None, account["id"])
        ]
        if foreign:
            return foreign
    raise Undecided("no connection of another user was found on your sites")


def _foreign_keyring(seen: Observations) -> str:
    listed = {_number(entry) for entry in seen.records("keyring_connections")}
    candidates = [entry for entry in _foreign(seen) if _number(entry, "keyring_connection_ID") not in (None, *listed)]
    # One that works still has its account.
    candidates.sort(key=lambda entry: entry.get("status") != "ok")
    if not candidates:
        raise Undecided("no keyring connection of another user was found on your sites")
    return _foreign_side(seen.ask(f"/me/keyring-connections/{_number(candidates[0], 'keyring_connection_ID')}"))


def _foreign_publicize(seen: Observations) -> str:
    hidden = sorted(_foreign(seen), key=lambda entry: bool(entry.get("shared")))[0]
    return _foreign_side(seen.ask(f"/me/publicize-connections/{_number(hidden)}"))


def _foreign_side(response: RawResponse) -> str:
    if response.status == 404 and response.is_empty:
        return "not_found"
    if response.code in ("authorization_required", "not_found"):
        return response.code
    raise Undecided(_unexpected(response))


def _site_name_form(seen: Observations) -> str:
    slugs = [str(site.get("slug")) for site in seen.records("sites")]
    usable = [
        site
        for site in seen.records("sites")
        if re.fullmatch(r"(?!xn--)[a-z][a-z0-9.-]*\.[a-z]+", str(site.get("slug")))
        and slugs.count(str(site.get("slug"))) == 1
        and not site.get("jetpack")
    ]
    bound = (seen.account or {}).get("token_site_id")
    if bound is not None:
        usable = [site for site in usable if _number(site) == bound]
    if not usable:
        raise Undecided("none of your sites has a domain that shows it")
    name = str(usable[0]["slug"]).upper()
    for spelling, side in ((f"{name}.", "lenient"), (name, "usual")):
        response = seen.ask(f"/sites/{spelling}")
        if response.is_success and _number(response.document) == _number(usable[0]):
            return side
        if response.status != 404:
            raise Undecided(_unexpected(response))
    return "strict"


def _shared_domain(seen: Observations) -> str:
    by_slug: dict[str, list[dict[str, Any]]] = {}
    for site in seen.records("sites"):
        by_slug.setdefault(str(site.get("slug")), []).append(site)
    doubled = next(
        (sites for sites in by_slug.values() if len({bool(site.get("jetpack")) for site in sites}) == 2), None
    )
    if doubled is None:
        raise Undecided("no two of your sites have the same domain")
    response = seen.ask(f"/sites/{quoted(str(doubled[0]['slug']))}")
    if not response.is_success:
        raise Undecided(_unexpected(response))
    meant = [site for site in doubled if _number(site) == _number(response.document)]
    return OTHER if not meant else "jetpack" if meant[0].get("jetpack") else "wordpress"


# Forms of responses


def _services_of_no_type(seen: Observations) -> Any:
    """Return the response to a request that two uncertainties share: an empty list, and a parameter in capital letters."""
    response = seen.ask("/meta/external-services/", (("type", "none"), ("http_envelope", "TRUE")), _anybody(seen))
    if not response.is_success or not isinstance(response.document, dict):
        raise Undecided(_unexpected(response))
    return response.document


def _anybody(seen: Observations) -> str:
    return TOKEN if seen.environment.has_token and not seen.token_rejected else ANONYMOUS


def _is_envelope(document: Any) -> bool:
    return isinstance(document, dict) and {"code", "headers", "body"} <= set(document)


def _boolean_case(seen: Observations) -> str:
    return "insensitive" if _is_envelope(_services_of_no_type(seen)) else "exact"


def _empty_map_form(seen: Observations) -> str:
    document = _services_of_no_type(seen)
    services = (document["body"] if _is_envelope(document) else document).get("services")
    if services:
        raise Undecided("the server ignores an unknown type of service")
    return "object" if services == {} else "array" if services == [] else OTHER


def _bad_entries(seen: Observations) -> str:
    read, kinds = 0, set()
    for name in _LISTS:
        try:
            entries = seen.entries(name)
        except Undecided:
            continue
        read += 1
        kinds |= {kind for kind in map(_bad_kind, entries) if kind}
    if not read:
        raise Undecided("no list could be read")
    if len(kinds) > 1:
        return "all" if kinds == {"null", "no_id", "zero_id", "null_id"} else OTHER
    return kinds.pop() if kinds else "none"


def _bad_kind(entry: Any) -> str | None:
    if entry is None:
        return "null"
    if not isinstance(entry, dict):
        return OTHER
    ids = [entry[key] for key in ("ID", "connection_ID") if key in entry]
    if not ids:
        return "no_id"
    if None in ids:
        return "null_id"
    return "zero_id" if any(value in (0, "0") for value in ids) else None


def _php_gaps(seen: Observations) -> str:
    inner: set[bool] = set()
    for name in _LISTS[:3]:
        try:
            records = seen.records(name)
        except Undecided:
            continue
        if isinstance(seen.source(name).document.get(_key(name)), dict):
            return "everywhere"
        inner |= {is_gapped(value) for record in records for value in _inner_lists(record)}
    if not inner:
        raise Undecided("no record has a list that is not empty")
    return "inner" if True in inner else "none"


def _key(name: str) -> str:
    return "connected_applications" if name == "connected_applications" else "connections"


def _inner_lists(record: dict[str, Any]) -> Iterator[Any]:
    for key in ("sites", "additional_external_users", "permissions"):
        value = record.get(key)
        if value and (isinstance(value, list) or is_gapped(value)):
            yield value


def _names(seen: Observations) -> list[str]:
    names: list[str] = []
    for name in _LISTS:
        try:
            records = seen.records(name)
        except Undecided:
            continue
        for record in records:
            users = rows(record.get("additional_external_users"))
            for named in (record, record.get("site"), record.get("blog"), *users):
                if isinstance(named, dict):
                    names += [value for value in map(named.get, _NAMES) if isinstance(value, str)]
    return names


def _html_names(seen: Observations) -> str:
    names = _names(seen)
    if any(map(_ENTITY.search, names)):
        return "true"
    if any(character in name for name in names for character in "&<>\"'"):
        return "false"
    raise Undecided("no name has a character that HTML escapes")


def _lone_surrogates(seen: Observations) -> str:
    responses = []
    for name in _LISTS:
        with suppress(Undecided):
            responses.append(seen.source(name))
    if not any(response.is_success for response in responses):
        raise Undecided("no list could be read")
    return "true" if any(response.has_lone_surrogate for response in responses) else "false"


def _connections(seen: Observations) -> list[dict[str, Any]]:
    """Return the publicize and the keyring connections, as far as they can be read."""
    found: list[dict[str, Any]] = []
    problem: Undecided | None = None
    for name in ("publicize_connections", "keyring_connections"):
        try:
            found += seen.records(name)
        except Undecided as reason:
            problem = reason
    if not found and problem is not None:
        raise problem
    return found


def _never_form(seen: Observations) -> str:
    records = _connections(seen)
    forms = {
        "absent": any("expires" not in record for record in records),
        "null": any(record.get("expires", "") is None for record in records),
        "date": any(_ZERO_DATE.match(str(record.get("expires"))) for record in records),
    }
    found = next((form for form, is_seen in forms.items() if is_seen), None)
    if found is None:
        raise Undecided("every connection has a date on which it expires")
    return found


def _keyring_user_id(seen: Observations) -> str:
    records = seen.records("keyring_connections")
    if not records:
        raise Undecided("you have not connected an account")
    me = (seen.account or {}).get("id")
    if any("user_ID" not in record for record in records):
        return "absent"
    if any(_number(record, "user_ID") == 0 for record in records):
        return "zero"
    if me is not None and me not in [_number(record, "user_ID") for record in records]:
        raise Undecided("it is not known which keyring connection is yours")
    return "present"


def _form_of_date(values: Iterable[Any]) -> str:
    texts = [value for value in values if isinstance(value, str) and not is_number(value)]
    if not texts:
        raise Undecided("no connection has such a date")
    forms = {next((form for form, pattern in _DATE_FORMS if pattern.match(text)), OTHER) for text in texts}
    return forms.pop() if len(forms) == 1 else OTHER


def _pc_date_form(seen: Observations) -> str:
    records = seen.records("publicize_connections")
    return _form_of_date(record.get(key) for record in records for key in ("issued", "expires"))


def _kc_expires_form(seen: Observations) -> str:
    values = [record.get("expires") for record in seen.records("keyring_connections")]
    forms = {_kind_of_expiry(value) for value in values} - {None}
    if not forms:
        raise Undecided("no keyring connection has a date on which it expires")
    return str(forms.pop()) if len(forms) == 1 else OTHER


def _kind_of_expiry(value: Any) -> str | None:
    if not value or isinstance(value, bool) or value == "0" or _ZERO_DATE.match(str(value)):
        return None
    if isinstance(value, int):
        return "unix_int"
    if not isinstance(value, str):
        return OTHER
    return "unix_str" if is_number(value) else "iso" if "T" in value else "zone-less"


def _kc_unix_never(seen: Observations) -> str:
    values = [record.get("expires") for record in seen.records("keyring_connections")]
    if any(value in (0, "0") and not isinstance(value, bool) for value in values):
        return "zero"
    if not any(_kind_of_expiry(value) in ("unix_int", "unix_str") for value in values):
        raise Undecided("keyring connections have no unix times")
    if any(_ZERO_DATE.match(str(value)) for value in values):
        return "zero_date"
    raise Undecided("every keyring connection has a date on which it expires")


def _spelling(records: list[dict[str, Any]], *names: str) -> str:
    found = {name for record in records for name in names if name in record}
    if not found:
        raise Undecided("no record has this key")
    return found.pop() if len(found) == 1 else OTHER


def _application_form(seen: Observations) -> str:
    records = seen.records("connected_applications")
    if not records:
        raise Undecided("no application is connected")
    forms = {("connection_ID" in record, "blog" in record) for record in records}
    known = {(False, False): "wire", (True, True): "docs", (False, True): "example"}
    return known.get(forms.pop(), OTHER) if len(forms) == 1 else OTHER


def _sites_string_ids(seen: Observations) -> str:
    items = [item for record in seen.records("keyring_connections") for item in rows(record.get("sites"))]
    if not items:
        raise Undecided("no keyring connection has sites")
    kinds = {isinstance(item, str) for item in items}
    return OTHER if len(kinds) > 1 else "true" if kinds.pop() else "false"


def _pc_url(seen: Observations) -> str:
    records = seen.records("publicize_connections")
    if not records:
        raise Undecided("you have not connected a site")
    values = [record["URL"] for record in records if "URL" in record]
    return "absent" if not values else "url" if any(isinstance(value, str) for value in values) else "null"


def _own_read_only(seen: Observations) -> str:
    for record in seen.records("publicize_connections"):
        response = seen.ask(f"/sites/{_number(record, 'site_ID')}/publicize-connections/{_number(record)}")
        if not response.is_success:
            raise Undecided(_unexpected(response))
        return "present" if "read_only" in response.document else "absent"
    raise Undecided("you have not connected a site")


def _read_only_form(seen: Observations) -> str:
    shared = [entry for entry in _foreign(seen) if entry.get("shared")]
    if not shared:
        raise Undecided("no shared connection of another user was found on your sites")
    path = f"/sites/{_number(shared[0], 'site_ID')}/publicize-connections/{_number(shared[0])}"
    response = seen.ask(path)
    if not response.is_success:
        raise Undecided(_unexpected(response))
    return "full" if "keyring_connection_ID" in response.document else "reduced"


def _user_id_filter(seen: Observations) -> str:
    account = seen.account
    shared = [record for record in seen.records("publicize_connections") if record.get("shared")]
    if account is None or not shared:
        raise Undecided("you have no shared connection" if account else "the account cannot be read")
    path = f"/sites/{_number(shared[0], 'site_ID')}/publicize-connections/"
    response = seen.ask(path, (("user_id", str(account["id"])),))
    if not response.is_success:
        raise Undecided(_unexpected(response))
    found = [_number(entry) for entry in rows(response.document.get("connections")) if isinstance(entry, dict)]
    return "owner" if _number(shared[0]) in found else "user_ID"


def _fields_on_applications(seen: Observations) -> str:
    if not seen.records("connected_applications"):
        raise Undecided("no application is connected")
    response = seen.ask("/me/connected-applications/", (("fields", "ID"),))
    if not response.is_success:
        raise Undecided(_unexpected(response))
    forms = {"{}": "object", "[]": "array", "{'connected_applications': []}": "list"}
    return forms.get(repr(response.document), OTHER)


def _envelope_everything(seen: Observations) -> str:
    response = seen.ask("/no-such-route", (("http_envelope", "1"),), _anybody(seen))
    if response.is_success and _is_envelope(response.document):
        return "true"
    if response.status == 404:
        return "false"
    raise Undecided(_unexpected(response))


# Common to several


def _number(record: Any, key: str = "ID") -> int | None:
    value = record.get(key) if isinstance(record, dict) else None
    if value is None or isinstance(value, bool):
        return None
    return int(value) if is_number(str(value)) else None


def _may(site: dict[str, Any], capability: str) -> bool:
    capabilities = site.get("capabilities")
    return isinstance(capabilities, dict) and capabilities.get(capability) is True


def _unexpected(response: RawResponse) -> str:
    if response.status is None:
        return "there was no response"
    return f"the response was HTTP {response.status}" + (f" {response.code}" if response.code else "")


_URL_KEY = "the spelling of the key for the URL"
UNCERTAINTIES = (
    # What a list shows that was read anyway comes first, then what takes further requests.
    Uncertainty(
        "token_scope_form",
        ("list", "text"),
        "whether token_scope of the account is a list or a text",
        _token_scope_form,
    ),
    Uncertainty(
        "empty_token_scope_form",
        ("empty", "blank"),
        "whether token_scope of a token without a scope is an empty list, or has an empty text",
        _empty_token_scope_form,
    ),
    Uncertainty(
        "token_site_unbound",
        ("false", "zero"),
        "token_site_id of a token for all sites: false or 0",
        _token_site_unbound,
    ),
    Uncertainty("me_scope", ("strict", "any"), "whether the account requires the scope users", _me_scope),
    Uncertainty(
        "site_token_account",
        ("allowed", "refused"),
        "whether a token without a scope, for one site, may read keyring connections and connected applications",
        _site_token_account,
    ),
    Uncertainty(
        "stale_session",
        ("applications", "everywhere"),
        "where a login that is too old is refused",
        _stale_session,
    ),
    Uncertainty(
        "bad_entries",
        ("none", "no_id", "zero_id", "null_id", "null", "all"),
        "entries of lists without an ID",
        _bad_entries,
    ),
    Uncertainty("php_gaps", ("none", "inner", "everywhere"), "lists that are objects with numbers as keys", _php_gaps),
    Uncertainty("html_names", ("true", "false"), "whether names are escaped for HTML", _html_names),
    Uncertainty("lone_surrogates", ("true", "false"), "whether texts have half of a character", _lone_surrogates),
    Uncertainty("never_form", ("date", "null", "absent"), "expires of a connection that never expires", _never_form),
    Uncertainty(
        "keyring_user_id",
        ("present", "zero", "absent"),
        "user_ID of your own keyring connections",
        _keyring_user_id,
    ),
    Uncertainty(
        "pc_date_form", ("space", "squeezed", "iso"), "the form of dates of publicize connections", _pc_date_form
    ),
    Uncertainty(
        "kc_expires_form",
        ("zone-less", "unix_int", "unix_str", "iso"),
        "the form of expires of keyring connections",
        _kc_expires_form,
    ),
    Uncertainty(
        "kc_unix_never",
        ("zero_date", "zero"),
        "how a keyring connection says never where dates are unix times",
        _kc_unix_never,
    ),
    Uncertainty(
        "refresh_url_spelling",
        ("refresh_URL", "refresh_url"),
        f"{_URL_KEY} that refreshes a connection",
        lambda seen: _spelling(_connections(seen), "refresh_URL", "refresh_url"),
    ),
    Uncertainty(
        "connect_url_spelling",
        ("connect_URL", "connect_url"),
        f"{_URL_KEY} that connects an account",
        lambda seen: _spelling(seen.records("external_services"), "connect_URL", "connect_url"),
    ),
    Uncertainty(
        "application_form",
        ("wire", "docs", "example"),
        "the keys of a connected application: ID and site, connection_ID and blog, or ID and blog",
        _application_form,
    ),
    Uncertainty(
        "sites_string_ids", ("true", "false"), "whether sites of a keyring connection are texts", _sites_string_ids
    ),
    Uncertainty("pc_url", ("absent", "null", "url"), "the key URL of a publicize connection", _pc_url),
    Uncertainty("throttle_form", ("html500", "html503", "json429"), "how a reached limit is reported", _throttle_form),
    Uncertainty("invalid_token_status", ("400", "401"), "the HTTP status of invalid_token", _status_of_invalid_token),
    Uncertainty(
        "keyring_not_found_form",
        ("not_found", "empty"),
        "the 404 for a keyring connection that does not exist: with a code, or empty",
        _keyring_not_found_form,
    ),
    Uncertainty(
        "non_digit_id",
        ("empty", "invalid_input"),
        "the response to an ID that is not a number: an empty 404, or 400 invalid_input",
        _non_digit_id,
    ),
    Uncertainty(
        "envelope_everything", ("true", "false"), "whether http_envelope wraps an empty 404", _envelope_everything
    ),
    Uncertainty(
        "boolean_case",
        ("exact", "insensitive"),
        "whether TRUE is true, as a parameter of a query",
        _boolean_case,
    ),
    Uncertainty("empty_map_form", ("object", "array"), "an empty map of services", _empty_map_form),
    Uncertainty(
        "site_name_form",
        ("usual", "strict", "lenient"),
        "names of sites: case does not matter, case matters, or neither case nor a trailing dot does",
        _site_name_form,
    ),
    Uncertainty(
        "shared_domain", ("wordpress", "jetpack"), "which of two sites with one domain the name means", _shared_domain
    ),
    Uncertainty(
        "services_public",
        ("true", "false"),
        "whether external services can be read without a token",
        _services_public,
    ),
    Uncertainty("sites_public", ("true", "false"), "whether a public site can be read without a token", _sites_public),
    Uncertainty(
        "own_read_only",
        ("present", "absent"),
        "whether your own connections have the key read_only where one is read through its site",
        _own_read_only,
    ),
    Uncertainty(
        "user_id_filter",
        ("owner", "user_ID"),
        "what the parameter user_id compares: the owner, or user_ID, which is 0 for a shared connection",
        _user_id_filter,
    ),
    Uncertainty(
        "fields_on_applications",
        ("list", "object", "array"),
        "what the parameter fields leaves of connected applications: an empty list below its key, {}, or []",
        _fields_on_applications,
    ),
    Uncertainty(
        "token_info_bad_token",
        ("invalid_token", "invalid_request"),
        "the code of /oauth2/token-info for a token that does not exist",
        _token_info_bad_token,
    ),
    Uncertainty(
        "token_info_unbound_blog",
        ("0", '""', "null"),
        "blog_id of /oauth2/token-info for a token for all sites",
        _token_info_unbound_blog,
    ),
    Uncertainty(
        "foreign_publicize",
        ("authorization_required", "not_found"),
        "reading a publicize connection that is owned by another user: 403 or 404",
        _foreign_publicize,
    ),
    Uncertainty(
        "read_only_form",
        ("reduced", "full"),
        "how much of a shared connection of another user is shown",
        _read_only_form,
    ),
    Uncertainty(
        "foreign_keyring",
        ("authorization_required", "not_found"),
        "reading a keyring connection that is owned by another user: 403 or 404",
        _foreign_keyring,
    ),
)
