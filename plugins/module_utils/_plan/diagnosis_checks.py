# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The checks of the network, of the token, and of the form of each list."""

from __future__ import annotations

from collections import Counter
from typing import Any

from .._api.diagnostics import RawResponse
from .._api.hints import hint
from .._records.conformance import conformance, type_name
from .diagnosis import FAILED, LIMITED, NOT_THE_API, OK, SKIPPED, SOURCES, WARNING, Check, Observations, Undecided

# Seconds.
_SKEW = 60
_SKEW_OF_NOTE = 3600
_SLOW = 5.0
# Failures of the connection itself.
_TLS = ("untrusted_certificate", "tls", "missing_ca_bundle")
_ATTACH = "Attach the report to an issue of community.wpcom: the API sends something that it does not know."
_NEW_TOKEN = "To create a token, run the playbook community.wpcom.get_token."
_REQUIRED_SCOPES = {
    "publicize_connections": "sharing",
    "keyring_connections": "sharing",
    "connected_applications": "users",
    "account": "users",
    "sites": "sites",
}


def connection_checks(seen: Observations) -> list[Check]:
    """Return the checks of the way to the server, in the order in which they build on each other."""
    response = seen.first()
    return [
        _name_resolution(seen),
        _proxy(seen, response),
        _tls(seen, response),
        _clock(seen),
        _reachability(response),
        _latency(seen),
    ]


def token_checks(seen: Observations) -> list[Check]:
    """Return the checks of the token: valid, with which scope, for which site."""
    return [_token(seen), _scope(seen), _site_binding(seen)]


def wire_checks(seen: Observations) -> list[Check]:
    """Return the check of each list, and of the account: that it can be read, and has the form that the collection knows."""
    return [_wire(seen, name) for name in SOURCES]


def _name_resolution(seen: Observations) -> Check:
    environment, name = seen.environment, "name_resolution"
    if environment.proxy:
        return Check(name, SKIPPED, "The proxy resolves the name of the server.")
    if environment.addresses is None:
        return Check(
            name,
            FAILED,
            f"{environment.host} cannot be resolved: {environment.resolution_error}",
            hint="Check the host in api_url, and the DNS servers of this machine. Where names are resolved by a proxy only, set "
            "the environment variable HTTPS_PROXY.",
            seconds=environment.seconds,
        )
    return Check(
        name,
        OK,
        f"{environment.host} has {_counted(environment.addresses, 'address', 'addresses')}.",
        seconds=environment.seconds,
    )


def _proxy(seen: Observations, response: RawResponse) -> Check:
    proxy = seen.environment.proxy
    if not proxy:
        return Check("proxy", OK, "No proxy is used.")
    if response.failure == "proxy":
        return Check(
            "proxy",
            FAILED,
            f"The connection through the proxy {proxy} failed: {response.message}",
            hint="Check the environment variables HTTPS_PROXY, HTTP_PROXY and NO_PROXY.",
            seconds=response.seconds,
        )
    if response.failure in NOT_THE_API:
        return Check(
            "proxy",
            WARNING,
            f"The proxy {proxy} is used, and the response is not the API's.",
            hint="Check whether the proxy requires a login, or blocks the host of api_url.",
        )
    return Check("proxy", OK, f"The proxy {proxy} is used.")


def _tls(seen: Observations, response: RawResponse) -> Check:
    environment = seen.environment
    if environment.scheme != "https":
        unsafe = not environment.is_loopback
        return Check(
            "tls",
            SKIPPED,
            "api_url begins with http, so that nothing is encrypted.",
            hint="Set api_url to an address that begins with https: the token is sent unencrypted." if unsafe else "",
        )
    if response.failure in _TLS:
        hints = {
            "untrusted_certificate": "If the certificate is your own or that of a proxy, set ca_path to the CA that signed it. "
            "If it is expired or not yet valid, check the clock of this machine, then the server.",
            "tls": "Check that the port in api_url is one for https, and that ca_path is a CA bundle in PEM format.",
            "missing_ca_bundle": "Correct REQUESTS_CA_BUNDLE or CURL_CA_BUNDLE, or set ca_path.",
        }
        return Check(
            "tls",
            FAILED,
            response.message,
            hint=hints[response.failure],
            seconds=response.seconds,
            facts={"failure": response.failure},
        )
    if response.status is None:
        return Check("tls", SKIPPED, "There was no response.")
    if not environment.validate_certs:
        return Check(
            "tls",
            WARNING,
            "The connection is encrypted, but the certificate of the server is not validated.",
            hint="Remove validate_certs=false. To trust a private CA, set ca_path.",
        )
    source = "your CA bundle" if environment.own_ca else "the CA bundle of requests"
    return Check("tls", OK, f"The certificate of the server is trusted, by {source}.")


def _clock(seen: Observations) -> Check:
    skews = [response.skew for response in seen.asked.values() if response.skew is not None]
    if not skews:
        return Check("clock", SKIPPED, "No response has the time of the server.")
    skew = skews[0]
    size = abs(skew)
    facts = {"skew": round(skew)}
    if size < _SKEW:
        return Check(
            "clock", OK, f"The clock differs from the server's by {_counted(round(size), 'second')}.", facts=facts
        )
    direction = "behind" if skew > 0 else "ahead of"
    return Check(
        "clock",
        FAILED if size >= _SKEW_OF_NOTE else WARNING,
        f"The clock of this machine is {round(size)} seconds {direction} the server's.",
        hint="Synchronize the clock of this machine: certificates, and the health of connections that expire, depend on it.",
        facts=facts,
    )


def _reachability(response: RawResponse) -> Check:
    name, facts = "reachability", {"http_status": response.status, "failure": response.failure or "none"}
    if response.status is None:
        return Check(
            name,
            FAILED,
            response.message,
            hint="Check api_url, the network, firewalls, and the checks above.",
            seconds=response.seconds,
            facts=facts,
        )
    if response.failure in NOT_THE_API or (response.failure and response.document is None):
        return Check(
            name,
            FAILED,
            f"The response (HTTP {response.status}) is not the API's. {response.message}".rstrip(),
            hint=_not_the_api(response),
            seconds=response.seconds,
            facts=facts,
        )
    if response.failure in LIMITED:
        detail = f"The API responds, but the request limit is reached (HTTP {response.status})."
        return Check(name, WARNING, detail, _not_the_api(response), response.seconds, facts)
    return Check(name, OK, f"The API responds (HTTP {response.status}).", seconds=response.seconds, facts=facts)


def _not_the_api(response: RawResponse) -> str:
    if response.failure in LIMITED:
        return "Too many requests were sent. Wait a minute without sending any, then run this again."
    if response.status is not None and response.status >= 500:
        return "The server has a problem. Run this again later."
    return "Check api_url, and whether a proxy or a login page responds instead of the API."


def _latency(seen: Observations) -> Check:
    times = sorted(seen.seconds)
    if not times:
        return Check("latency", SKIPPED, "There was no response.")
    median, longest = times[len(times) // 2], times[-1]
    detail = (
        f"The median of {_counted(len(times), 'response')} is {median:.2f} seconds, the longest {longest:.2f} seconds."
    )
    facts = {"responses": len(times), "median": round(median, 2), "longest": round(longest, 2)}
    if median >= _SLOW:
        return Check(
            "latency",
            WARNING,
            detail,
            hint="Raise timeout, and check the network between this machine and the API.",
            seconds=median,
            facts=facts,
        )
    return Check("latency", OK, detail, seconds=median, facts=facts)


# The token


def _token(seen: Observations) -> Check:
    environment = seen.environment
    if environment.token_error:
        code = environment.token_error_code
        return Check("token", FAILED, environment.token_error, hint=_NEW_TOKEN, facts={"code": code})
    if not environment.has_token:
        hint = f"{_NEW_TOKEN} Then set api_token_file or the environment variable WPCOM_API_TOKEN_FILE, or set api_token or WPCOM_API_TOKEN."
        return Check("token", FAILED, "The token is missing.", hint=hint)
    response = seen.first()
    facts = {"http_status": response.status, "code": response.code or "none"}
    seconds = response.seconds
    if response.code == "invalid_token":
        return Check("token", FAILED, _refusal(response), _hint(seen, "account"), seconds, facts)
    if response.code == "reauthorization_required" or seen.code("connected_applications") == "reauthorization_required":
        return Check(
            "token",
            WARNING,
            "The token is valid, but the login behind it is too old for some requests.",
            hint="Log in to WordPress.com again and create a new token.",
            seconds=seconds,
            facts=facts,
        )
    # What the account does not show, another list may.
    is_known = response.code == "authorization_required"
    if is_known or any(_is_read(seen, name) for name in SOURCES if name != "external_services"):
        return Check("token", OK, "The token is valid.", seconds=seconds, facts=facts)
    return Check("token", SKIPPED, f"Not known: {_refusal(response)}", seconds=seconds, facts=facts)


def _scope(seen: Observations) -> Check:
    account = seen.account
    refused = sorted(
        {
            scope
            for name, scope in _REQUIRED_SCOPES.items()
            if _status(seen, name) == 403 and seen.code(name) == "authorization_required"
        }
    )
    readable = [name for name in _REQUIRED_SCOPES if _is_read(seen, name)]
    if not refused and not readable:
        return Check("scope", SKIPPED, "Not known: no list could be read.")
    granted = account["token_scope"] if account is not None else None
    shown = "The scope of the token cannot be read."
    if granted is not None:
        shown = (
            f"The token has the scope {', '.join(granted)}."
            if granted
            else "The token has no scope: it is for one site."
        )
    facts = {"refused": refused, "is_global": granted is not None and "global" in granted}
    if not refused:
        return Check("scope", OK, f"{shown} It covers everything that the modules read.", facts=facts)
    return Check(
        "scope",
        FAILED if "sharing" in refused else WARNING,
        f"{shown} It does not cover what requires: {', '.join(refused)}.",
        hint="Create a new token with the scope global, or with "
        f"{' and '.join(refused)} in addition. Publicize and keyring connections require sharing, connected applications and "
        "the account users.",
        facts=facts,
    )


def _site_binding(seen: Observations) -> Check:
    account = seen.account
    if account is None:
        return Check("site_binding", SKIPPED, "Not known: the account cannot be read.")
    if account["token_site_id"] is None:
        return Check("site_binding", OK, "The token is for all sites of the account.", facts={"is_bound": False})
    return Check(
        "site_binding",
        WARNING,
        f"The token is for site {account['token_site_id']} only.",
        hint="Other sites, and their connections, cannot be managed with it. Create a token for all sites if that is required.",
        facts={"is_bound": True},
    )


def _status(seen: Observations, name: str) -> int | None:
    try:
        return seen.source(name).status
    except Undecided:
        return None


def _is_read(seen: Observations, name: str) -> bool:
    # The page of a captive portal has status 200 too.
    try:
        return seen.source(name).is_success
    except Undecided:
        return False


def _refusal(response: RawResponse) -> str:
    if response.status is None:
        return response.message
    return f"HTTP {response.status} {response.code}".rstrip()


def _hint(seen: Observations, name: str) -> str:
    return hint(seen.error(name), seen.account)


# The form of lists


def _wire(seen: Observations, name: str) -> Check:
    check, source = f"wire_{name}", SOURCES[name]
    try:
        response = seen.source(name)
    except Undecided as reason:
        return Check(check, SKIPPED, f"Not read: {reason}.")
    facts: dict[str, Any] = {
        "http_status": response.status,
        "code": response.code or "none",
        "failure": response.failure or "none",
    }
    if not response.is_success:
        is_scope = response.status in (401, 403) and response.code in (
            "authorization_required",
            "reauthorization_required",
        )
        status = SKIPPED if is_scope or seen.token_rejected else FAILED
        what = "Not read" if status == SKIPPED else "It could not be read"
        detail = f"{what}: {_refusal(response)}" if response.code else f"{what}: {response.message}"
        advice = ""
        if response.failure in LIMITED:
            advice = _not_the_api(response)
        elif response.status is not None:
            advice = _hint(seen, name) or _not_the_api(response)
        return Check(check, status, detail, advice, response.seconds, facts)
    try:
        entries = source.entries(response.document)
    except ValueError as problem:
        facts["form"] = type_name(response.document)
        detail = f"The response does not have the expected form ({problem})."
        return Check(check, FAILED, detail, _ATTACH, response.seconds, facts)
    found = conformance(source.table, entries, source.has_id)
    facts["wire"] = found
    differences = [
        _listed("missing", found.missing),
        _listed("of another type", Counter({key: number for (key, _type), number in found.mistyped.items()})),
        _listed(
            "unknown",
            Counter()
            if source.table.is_open
            else Counter({"".join(key): number for key, number in found.unknown.items()}),
        ),
        _listed("unknown status", found.unknown_statuses),
        f"{found.without_id} without an ID" if found.without_id else "",
    ]
    differences = [text for text in differences if text]
    count = _counted(found.entries, "entry", "entries")
    if not differences:
        return Check(check, OK, f"{count}, all of the known form.", seconds=response.seconds, facts=facts)
    detail = f"{count}: {'; '.join(differences)}."
    return Check(check, WARNING, detail, _ATTACH, response.seconds, facts)


def _counted(number: int, one: str, several: str = "") -> str:
    return f"{number} {one if number == 1 else several or f'{one}s'}"


def _listed(title: str, counts: Counter[str]) -> str:
    return f"{title}: {', '.join(f'{key} ({number})' for key, number in sorted(counts.items()))}" if counts else ""
