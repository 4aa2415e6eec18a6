# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the doctor makes of responses, on data; and what it makes of servers that cannot be reached, over the network."""

from __future__ import annotations

import socket
import time
from collections.abc import Mapping
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any, Callable, Optional

import pytest
import requests
import trustme

from ansible_collections.community.wpcom.plugins.module_utils._api.diagnostics import (
    GetEnvironment,
    GetRaw,
    RawResponse,
)
from ansible_collections.community.wpcom.plugins.module_utils._http import environment as environments
from ansible_collections.community.wpcom.plugins.module_utils._http.environment import Environment
from ansible_collections.community.wpcom.plugins.module_utils._http.request import ANONYMOUS
from ansible_collections.community.wpcom.plugins.module_utils._http.request import TOKEN as TOKEN_CREDENTIALS
from ansible_collections.community.wpcom.plugins.module_utils._plan.diagnosis import SOURCES, Check
from ansible_collections.community.wpcom.plugins.module_utils._plan.diagnosis_checks import (
    connection_checks,
    token_checks,
    wire_checks,
)
from ansible_collections.community.wpcom.plugins.module_utils._plan.diagnostics import plan_diagnostics
from ansible_collections.community.wpcom.plugins.module_utils._records.conformance import conformance
from ansible_collections.community.wpcom.tests.simulator import Simulator
from ansible_collections.community.wpcom.tests.unit.plugins.module_utils._plan.test_diagnosis import (
    HERE,
    Responses,
    changed,
    observe,
    refusal,
)
from ansible_collections.community.wpcom.tests.unit.plugins.module_utils._plan.test_diagnosis import (
    success as answer,
)
from ansible_collections.community.wpcom.tests.unit.support import (
    NOWHERE,
    TOKEN,
    Script,
    ScriptedResponse,
    json_response,
    options,
    page,
    run,
)

ACCOUNT = {
    "ID": 1001,
    "username": "ada",
    "display_name": "Ada",
    "primary_blog": 3001,
    "token_scope": ["global"],
    "token_site_id": False,
    "token_client_id": 5,
}
PUBLICIZE = {
    "ID": 5001,
    "site_ID": 3001,
    "user_ID": 1001,
    "keyring_connection_ID": 2001,
    "keyring_connection_user_ID": 1001,
    "shared": False,
    "service": "mastodon",
    "label": "Mastodon",
    "issued": "2026-01-31 10:20:30",
    "expires": "0000-00-00 00:00:00",
    "external_ID": "9",
    "external_name": "ada",
    "external_display": "Ada",
    "status": "ok",
    "refresh_URL": "https://refresh.example",
    "meta": {"links": {}},
}
KEYRING = {
    **{key: value for key, value in PUBLICIZE.items() if key not in ("site_ID", "shared", "keyring_connection_ID")},
    "ID": 2001,
    "type": "publicize",
    "sites": ["3001"],
    "additional_external_users": [],
}
del KEYRING["keyring_connection_user_ID"]
DOCUMENTS: dict[str, Any] = {
    "/me": ACCOUNT,
    "/me/publicize-connections/": {"connections": [PUBLICIZE]},
    "/me/keyring-connections/": {"connections": [KEYRING]},
    "/me/connected-applications/": {"connected_applications": []},
    "/meta/external-services/": {"services": {}},
    "/me/sites": {"sites": []},
}
SCOPE = RawResponse(status=403, failure="refusal", code="authorization_required", seconds=0.1)
NOT_FOUND = RawResponse(status=404, failure="refusal", is_empty=True, skew=0.3, seconds=0.1)


class Recorded:
    """A cache in which everything was read: what is recorded, and an empty 404 for the rest; ``asked`` is what was read."""

    check_mode = False

    def __init__(self, responses: Mapping[str, RawResponse], environment: Environment = HERE, **documents: Any) -> None:
        self.environment = environment
        self.asked: list[GetRaw] = []
        given = {SOURCES[name].path: document for name, document in documents.items()}
        self.responses = {
            **{path: success(document) for path, document in {**DOCUMENTS, **given}.items()},
            **responses,
        }

    def read(self, query: Any) -> Any:
        """Return what is recorded."""
        if isinstance(query, GetEnvironment):
            return self.environment
        if query not in self.asked:
            self.asked.append(query)
        return self.responses.get(query.path if not query.params else str(query.params), NOT_FOUND)


def success(document: Any, **more: Any) -> RawResponse:
    """Return a success."""
    return RawResponse(status=200, document=document, skew=0.3, seconds=0.1, **more)


def diagnose(
    responses: Optional[Mapping[str, RawResponse]] = None, environment: Environment = HERE, **documents: Any
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the checks by name, and the report."""
    cache: Any = Recorded(responses or {}, environment, **documents)
    result = plan_diagnostics({}, cache).result
    return {check["name"]: check for check in result["checks"]}, result["report"]


def states(checks: Mapping[str, Any]) -> dict[str, str]:
    """Return the statuses of the checks that are about no uncertainty."""
    return {name: check["status"] for name, check in checks.items() if not name.startswith("uncertainty_")}


NAMES = [
    *("name_resolution", "proxy", "tls", "clock", "reachability", "latency", "token", "scope", "site_binding"),
    *(f"wire_{name}" for name in SOURCES),
]


def test_everything_is_fine() -> None:
    checks, report = diagnose()
    assert states(checks) == dict.fromkeys(NAMES, "ok")
    assert list(states(checks)) == NAMES
    assert all(check["hint"] == "" for check in checks.values())
    assert set(checks["token"]) == {"name", "status", "detail", "hint", "seconds"}
    assert report["wire"]["publicize_connections"]["statuses"] == {"ok": 1}


@pytest.mark.parametrize(
    ("environment", "first", "name", "status", "words"),
    [
        (
            changed(addresses=None, resolution_error="unknown"),
            None,
            "name_resolution",
            "failed",
            ["api.example", "DNS"],
        ),
        (changed(proxy="proxy.example:3128"), None, "name_resolution", "skipped", ["proxy"]),
        (changed(proxy="proxy.example:3128"), None, "proxy", "ok", ["proxy.example:3128"]),
        (
            changed(proxy="proxy.example:3128"),
            RawResponse(failure="proxy", message="refused"),
            "proxy",
            "failed",
            ["refused", "HTTPS_PROXY"],
        ),
        (
            changed(proxy="proxy.example:3128"),
            RawResponse(status=200, failure="foreign_page"),
            "proxy",
            "warning",
            ["login"],
        ),
        (changed(scheme="http"), None, "tls", "skipped", ["unencrypted"]),
        (changed(validate_certs=False), None, "tls", "warning", ["validate_certs"]),
        (changed(own_ca=True), None, "tls", "ok", ["your CA bundle"]),
        (
            HERE,
            RawResponse(failure="untrusted_certificate", message="expired"),
            "tls",
            "failed",
            ["expired", "ca_path"],
        ),
        (HERE, RawResponse(failure="tls", message="wrong version"), "tls", "failed", ["wrong version", "port"]),
        (HERE, RawResponse(failure="not_connected", message="refused"), "tls", "skipped", []),
        (
            HERE,
            RawResponse(failure="not_connected", message="refused"),
            "reachability",
            "failed",
            ["refused", "api_url"],
        ),
        (
            HERE,
            RawResponse(status=200, failure="foreign_page"),
            "reachability",
            "failed",
            ["not the API", "login page"],
        ),
        (HERE, RawResponse(status=302, failure="redirect"), "reachability", "failed", ["not the API"]),
        (HERE, RawResponse(status=502, failure="temporary_error"), "reachability", "failed", ["later"]),
        (HERE, RawResponse(status=500, failure="limit_reached"), "reachability", "failed", ["Wait a minute"]),
        (
            HERE,
            RawResponse(status=429, failure="too_many_requests", code="too_many_requests", document={}),
            "reachability",
            "warning",
            ["limit", "HTTP 429", "Wait a minute"],
        ),
        (
            HERE,
            RawResponse(status=429, failure="too_many_requests", code="too_many_requests", document={}),
            "wire_account",
            "failed",
            ["Wait a minute"],
        ),
        (HERE, success(ACCOUNT), "reachability", "ok", ["HTTP 200"]),
        (changed(has_token=False), None, "token", "failed", ["missing", "WPCOM_API_TOKEN"]),
        (
            HERE,
            RawResponse(status=400, failure="refusal", code="invalid_token", document={}),
            "token",
            "failed",
            ["invalid_token", "create a new token"],
        ),
        (
            HERE,
            RawResponse(status=401, failure="refusal", code="reauthorization_required", document={}),
            "token",
            "warning",
            ["Log in"],
        ),
        (HERE, SCOPE, "token", "ok", ["valid"]),
        (HERE, RawResponse(status=500, failure="server_error"), "token", "ok", ["valid"]),
        (HERE, SCOPE, "site_binding", "skipped", []),
        (HERE, success({**ACCOUNT, "token_site_id": 3001}), "site_binding", "warning", ["site 3001"]),
        (HERE, success({**ACCOUNT, "token_scope": ["sharing"]}), "scope", "ok", ["sharing"]),
        (HERE, success({**ACCOUNT, "token_scope": []}), "scope", "ok", ["no scope"]),
    ],
)
def test_first_response_and_environment(
    environment: Environment, first: Optional[RawResponse], name: str, status: str, words: list[str]
) -> None:
    checks, _report = diagnose({"/me": first} if first else {}, environment)
    check = checks[name]
    assert check["status"] == status, check
    for word in words:
        assert word in f"{check['detail']} {check['hint']}"
    if status in ("warning", "failed"):
        assert check["hint"]


@pytest.mark.parametrize(
    ("skew", "status"),
    [(0.0, "ok"), (-59.0, "ok"), (61.0, "warning"), (-61.0, "warning"), (3601.0, "failed"), (-90000.0, "failed")],
)
def test_clock(skew: float, status: str) -> None:
    checks, report = diagnose({"/me": RawResponse(status=200, document=ACCOUNT, skew=skew)})
    assert checks["clock"]["status"] == status
    assert f"{abs(skew):.0f} seconds" in checks["clock"]["detail"]
    assert next(check["skew"] for check in report["checks"] if check["name"] == "clock") == skew


def test_clock_is_not_checked_without_the_time_of_the_server() -> None:
    cache: Any = Recorded({})
    cache.read = lambda query: HERE if isinstance(query, GetEnvironment) else RawResponse(status=404, failure="refusal")
    checks = {check["name"]: check for check in plan_diagnostics({}, cache).result["checks"]}
    assert checks["clock"]["status"] == "skipped"


@pytest.mark.parametrize(("seconds", "status"), [(4.9, "ok"), (5.1, "warning")])
def test_latency_is_the_median_of_all_responses(seconds: float, status: str) -> None:
    slow = {path: RawResponse(status=200, document=document, seconds=seconds) for path, document in DOCUMENTS.items()}
    first = {"/me": RawResponse(status=200, document=ACCOUNT, seconds=50.0)}
    checks, _report = diagnose({**slow, **first})
    assert checks["latency"]["status"] == status
    assert "longest 50.00" in checks["latency"]["detail"]


def asked(responses: Mapping[str, RawResponse], environment: Environment = HERE) -> list[GetRaw]:
    """Return what is asked for."""
    cache: Any = Recorded(responses, environment)
    plan_diagnostics({}, cache)
    found: list[GetRaw] = cache.asked
    return found


@pytest.mark.parametrize(
    ("name", "document", "status", "words"),
    [
        ("publicize_connections", {"connections": []}, "ok", ["0 entries"]),
        ("publicize_connections", {"connections": [PUBLICIZE, None, {"meta": {}}]}, "warning", ["2 without an ID"]),
        ("publicize_connections", {"connections": [{**PUBLICIZE, "premium": 1}]}, "warning", ["unknown: premium (1)"]),
        ("publicize_connections", {"connections": [{**PUBLICIZE, "shared": "yes"}]}, "warning", ["type: shared (1)"]),
        ("publicize_connections", {"connections": [{**PUBLICIZE, "issued": "soon"}]}, "warning", ["type: issued (1)"]),
        ("publicize_connections", {"connections": [{**PUBLICIZE, "status": "on_hold"}]}, "warning", ["on_hold (1)"]),
        (
            "publicize_connections",
            {"connections": [{key: value for key, value in PUBLICIZE.items() if key != "site_ID"}]},
            "warning",
            ["missing: site_ID (1)"],
        ),
        ("publicize_connections", {"connections": 5}, "failed", ["form"]),
        ("publicize_connections", [], "failed", ["form"]),
        ("keyring_connections", {"connections": {"1": {**KEYRING, "sites": {"3": "3001"}}}}, "ok", ["1 entry"]),
        ("keyring_connections", {"connections": [{**KEYRING, "sites": [{}]}]}, "warning", ["type: sites (1)"]),
        (
            "keyring_connections",
            {"connections": [{**KEYRING, "additional_external_users": [{"external_ID": "1", "external_name": 5}]}]},
            "warning",
            ["type: additional_external_users.external_name (1)"],
        ),
        ("keyring_connections", {"connections": [{**KEYRING, "refresh_url": "x"}]}, "ok", []),
        (
            "connected_applications",
            {
                "connected_applications": [
                    {
                        "connection_ID": 1,
                        "title": "A",
                        "permissions": [],
                        "authorized": "2026-01-31T10:20:30+00:00",
                        "blog": False,
                    }
                ]
            },
            "ok",
            ["1 entry"],
        ),
        ("external_services", {"services": {"x": {"ID": 5}}}, "warning", ["1 without an ID"]),
        # Sites and the account have many more keys than the modules use.
        ("account", {**ACCOUNT, "premium": True}, "ok", []),
        ("account", {**ACCOUNT, "token_scope": "global"}, "ok", []),
        ("account", {**ACCOUNT, "token_scope": 5}, "warning", ["type: token_scope (1)"]),
        ("sites", {"sites": [{"ID": 3001}]}, "warning", ["missing: URL (1)"]),
    ],
)
def test_form_of_a_list(name: str, document: Any, status: str, words: list[str]) -> None:
    checks, _report = diagnose(**{name: document})
    check = checks[f"wire_{name}"]
    assert check["status"] == status, check
    for word in words:
        assert word in check["detail"]
    # The others are judged on their own.
    others = {key: state for key, state in states(checks).items() if key.startswith("wire_") and key != f"wire_{name}"}
    assert set(others.values()) == {"ok"}


@pytest.mark.parametrize(
    ("response", "status", "words"),
    [
        (SCOPE, "skipped", ["HTTP 403 authorization_required"]),
        (RawResponse(status=500, failure="server_error", message="HTTP 500"), "failed", ["HTTP 500", "later"]),
        (RawResponse(status=200, failure="broken_json", message="not JSON"), "failed", ["not JSON"]),
        (RawResponse(failure="response_timeout", message="no response"), "failed", ["no response"]),
    ],
)
def test_one_list_that_cannot_be_read(response: RawResponse, status: str, words: list[str]) -> None:
    checks, _report = diagnose({"/me/keyring-connections/": response})
    check = checks["wire_keyring_connections"]
    assert check["status"] == status, check
    for word in words:
        assert word in f"{check['detail']} {check['hint']}"
    assert checks["wire_sites"]["status"] == checks["wire_publicize_connections"]["status"] == "ok"


def test_scope_that_is_too_narrow_is_seen_by_what_is_refused() -> None:
    checks, report = diagnose(dict.fromkeys(("/me", "/me/sites", "/me/connected-applications/"), SCOPE))
    assert checks["scope"]["status"] == "warning"
    assert "sites, users" in checks["scope"]["detail"]
    refused = next(check["refused"] for check in report["checks"] if check["name"] == "scope")
    assert refused == ["sites", "users"]
    checks, _report = diagnose(dict.fromkeys(("/me/keyring-connections/", "/me/publicize-connections/"), SCOPE))
    assert checks["scope"]["status"] == "failed"
    assert "sharing" in checks["scope"]["hint"]


@pytest.mark.parametrize("failure", ["foreign_page", "broken_json"])
def test_pages_with_status_200_say_nothing_about_the_token(failure: str) -> None:
    """A captive portal responds to everything."""
    checks, _report = diagnose(dict.fromkeys(DOCUMENTS, RawResponse(status=200, failure=failure, message="a page")))
    assert {name: checks[name]["status"] for name in ("reachability", "token", "scope", "site_binding")} == {
        "reachability": "failed",
        "token": "skipped",
        "scope": "skipped",
        "site_binding": "skipped",
    }


def test_without_a_token_only_what_is_public_is_asked() -> None:
    queries = asked({}, changed(has_token=False))
    assert {query.credentials for query in queries} <= {ANONYMOUS, "wrong_token"}
    checks, _report = diagnose({}, changed(has_token=False))
    assert checks["wire_external_services"]["status"] == "ok"
    assert checks["wire_sites"]["status"] == "skipped"


@pytest.mark.parametrize(
    ("failure", "number"),
    [
        ("untrusted_certificate", 1),
        ("not_connected", 1),
        ("response_timeout", 1),
        ("connection_lost", 2),
        ("foreign_page", 2),
        ("limit_reached", 1),
        ("gateway_limit_reached", 1),
        ("too_many_requests", 1),
    ],
)
def test_asking_ends_where_it_is_in_vain(failure: str, number: int) -> None:
    status = {"foreign_page": 200, "limit_reached": 500}.get(failure)
    everywhere: Any = Recorded({})
    everywhere.responses = {}
    everywhere.read = lambda query: (
        HERE
        if isinstance(query, GetEnvironment)
        else everywhere.asked.append(query) or RawResponse(status=status, failure=failure, message="x")
    )
    result = plan_diagnostics({}, everywhere).result
    assert len(everywhere.asked) == number
    assert {check["status"] for check in result["checks"] if check["name"].startswith("wire_")} <= {"failed", "skipped"}


@pytest.mark.parametrize(
    ("readable", "status"), [("external_services", "skipped"), ("sites", "ok"), ("connected_applications", "ok")]
)
def test_token_is_valid_where_a_list_of_the_account_can_be_read(readable: str, status: str) -> None:
    broken = RawResponse(status=500, failure="server_error", message="HTTP 500", seconds=0.1)
    checks, _report = diagnose({path: broken for path in DOCUMENTS if path != SOURCES[readable].path})
    assert checks["token"]["status"] == status


def test_why_a_form_is_not_known() -> None:
    expires = {"expires": "2127-01-01 00:00:00"}
    checks, report = diagnose(
        publicize_connections={"connections": [{**PUBLICIZE, **expires}]},
        keyring_connections={"connections": [{**KEYRING, **expires}]},
    )
    check = checks["uncertainty_never_form"]
    assert check["status"] == "skipped"
    assert "every connection has a date on which it expires" in check["detail"]
    assert report["uncertainties"]["never_form"] is None


def test_message_of_the_failure_is_shown_where_there_is_no_response() -> None:
    checks, _report = diagnose(dict.fromkeys(DOCUMENTS, RawResponse(failure="response_timeout", message="no response")))
    assert checks["token"]["detail"] == "Not known: no response"


def test_token_that_is_rejected_is_not_sent_again() -> None:
    rejected = RawResponse(status=400, failure="refusal", code="invalid_token", document={}, seconds=0.1)
    queries = asked(dict.fromkeys(DOCUMENTS, rejected), HERE)
    assert [query.path for query in queries if query.credentials == TOKEN_CREDENTIALS] == ["/me"]


def test_key_in_its_other_spelling_is_known() -> None:
    service = {"ID": "x", "label": "X", "type": "publicize", "description": "", "connect_url": "https://x.example"}
    service["multiple_external_user_ID_support"] = False  # type: ignore[assignment]
    checks, _report = diagnose(external_services={"services": [service]})
    assert checks["wire_external_services"]["status"] == "ok", checks["wire_external_services"]


# Each check by itself, with everything that it says.

SILENCE = RawResponse(failure="connection_lost", message="no response", seconds=0.5)
LIMITED = RawResponse(status=500, failure="limit_reached", message="a page", seconds=0.5)
PROXIED = changed(proxy="proxy.example:3128")
WAIT = "Too many requests were sent. Wait a minute without sending any, then run this again."
LATER = "The server has a problem. Run this again later."
ELSEWHERE = "Check api_url, and whether a proxy or a login page responds instead of the API."
ATTACH = "Attach the report to an issue of community.wpcom: the API sends something that it does not know."


def said(check: Check, hint: str) -> tuple[str, str, str, float, dict[str, Any]]:
    """Return what a check says; of its hint the words that are in it."""
    assert bool(check.hint) == bool(hint), check.hint
    return check.status, check.detail, hint if hint in check.hint else check.hint, check.seconds, dict(check.facts)


@pytest.mark.parametrize(
    ("environment", "first", "name", "expected"),
    [
        (HERE, None, "name_resolution", ("ok", "api.example has 2 addresses.", "", 0.01, {})),
        (changed(addresses=1), None, "name_resolution", ("ok", "api.example has 1 address.", "", 0.01, {})),
        (PROXIED, None, "name_resolution", ("skipped", "The proxy resolves the name of the server.", "", 0.0, {})),
        (
            changed(addresses=None, resolution_error="unknown"),
            None,
            "name_resolution",
            ("failed", "api.example cannot be resolved: unknown", "DNS servers", 0.01, {}),
        ),
        (HERE, None, "proxy", ("ok", "No proxy is used.", "", 0.0, {})),
        (HERE, RawResponse(failure="proxy"), "proxy", ("ok", "No proxy is used.", "", 0.0, {})),
        (PROXIED, None, "proxy", ("ok", "The proxy proxy.example:3128 is used.", "", 0.0, {})),
        (PROXIED, SILENCE, "proxy", ("ok", "The proxy proxy.example:3128 is used.", "", 0.0, {})),
        (
            PROXIED,
            RawResponse(failure="proxy", message="refused", seconds=0.5),
            "proxy",
            (
                "failed",
                "The connection through the proxy proxy.example:3128 failed: refused",
                "HTTPS_PROXY, HTTP_PROXY and NO_PROXY",
                0.5,
                {},
            ),
        ),
        *(
            (
                PROXIED,
                RawResponse(status=status, failure=failure),
                "proxy",
                (
                    "warning",
                    "The proxy proxy.example:3128 is used, and the response is not the API's.",
                    "requires a login",
                    0.0,
                    {},
                ),
            )
            for status, failure in ((200, "foreign_page"), (302, "redirect"))
        ),
        (
            changed(scheme="http"),
            None,
            "tls",
            ("skipped", "api_url begins with http, so that nothing is encrypted.", "sent unencrypted", 0.0, {}),
        ),
        (
            changed(scheme="http", is_loopback=True),
            None,
            "tls",
            ("skipped", "api_url begins with http, so that nothing is encrypted.", "", 0.0, {}),
        ),
        *(
            (
                HERE,
                RawResponse(failure=failure, message="no TLS", seconds=0.5),
                "tls",
                ("failed", "no TLS", hint, 0.5, {"failure": failure}),
            )
            for failure, hint in (
                ("untrusted_certificate", "set ca_path to the CA that signed it"),
                ("tls", "the port in api_url is one for https"),
                ("missing_ca_bundle", "REQUESTS_CA_BUNDLE or CURL_CA_BUNDLE"),
            )
        ),
        (HERE, SILENCE, "tls", ("skipped", "There was no response.", "", 0.0, {})),
        (
            changed(validate_certs=False),
            None,
            "tls",
            (
                "warning",
                "The connection is encrypted, but the certificate of the server is not validated.",
                "Remove validate_certs=false",
                0.0,
                {},
            ),
        ),
        (
            changed(own_ca=True),
            None,
            "tls",
            ("ok", "The certificate of the server is trusted, by your CA bundle.", "", 0.0, {}),
        ),
        (
            HERE,
            refusal(500),
            "tls",
            ("ok", "The certificate of the server is trusted, by the CA bundle of requests.", "", 0.0, {}),
        ),
        (HERE, SILENCE, "clock", ("skipped", "No response has the time of the server.", "", 0.0, {})),
        *(
            (HERE, answer(ACCOUNT, skew=skew), "clock", (status, detail, hint, 0.0, {"skew": round(skew)}))
            for skew, status, detail, hint in (
                (0.0, "ok", "The clock differs from the server's by 0 seconds.", ""),
                (1.2, "ok", "The clock differs from the server's by 1 second.", ""),
                (-59.9, "ok", "The clock differs from the server's by 60 seconds.", ""),
                (60.0, "warning", "The clock of this machine is 60 seconds behind the server's.", "Synchronize"),
                (-3599.0, "warning", "The clock of this machine is 3599 seconds ahead of the server's.", "Synchronize"),
                (-3600.0, "failed", "The clock of this machine is 3600 seconds ahead of the server's.", "Synchronize"),
            )
        ),
        (
            HERE,
            None,
            "reachability",
            ("ok", "The API responds (HTTP 200).", "", 0.0, {"http_status": 200, "failure": "none"}),
        ),
        (
            HERE,
            refusal(403, "unauthorized", document={}, seconds=0.5),
            "reachability",
            ("ok", "The API responds (HTTP 403).", "", 0.5, {"http_status": 403, "failure": "refusal"}),
        ),
        (
            HERE,
            SILENCE,
            "reachability",
            (
                "failed",
                "no response",
                "the checks above",
                0.5,
                {"http_status": None, "failure": "connection_lost"},
            ),
        ),
        (
            HERE,
            RawResponse(status=200, failure="foreign_page", message="A page.", document={}, seconds=0.5),
            "reachability",
            (
                "failed",
                "The response (HTTP 200) is not the API's. A page.",
                ELSEWHERE,
                0.5,
                {"http_status": 200, "failure": "foreign_page"},
            ),
        ),
        (
            HERE,
            RawResponse(status=499, failure="refusal"),
            "reachability",
            (
                "failed",
                "The response (HTTP 499) is not the API's.",
                ELSEWHERE,
                0.0,
                {"http_status": 499, "failure": "refusal"},
            ),
        ),
        (
            HERE,
            RawResponse(status=500, failure="temporary_error"),
            "reachability",
            (
                "failed",
                "The response (HTTP 500) is not the API's.",
                LATER,
                0.0,
                {"http_status": 500, "failure": "temporary_error"},
            ),
        ),
        (
            HERE,
            LIMITED,
            "reachability",
            (
                "failed",
                "The response (HTTP 500) is not the API's. a page",
                WAIT,
                0.5,
                {"http_status": 500, "failure": "limit_reached"},
            ),
        ),
        (
            HERE,
            RawResponse(status=429, failure="too_many_requests", document={}, seconds=0.5),
            "reachability",
            (
                "warning",
                "The API responds, but the request limit is reached (HTTP 429).",
                WAIT,
                0.5,
                {"http_status": 429, "failure": "too_many_requests"},
            ),
        ),
        (HERE, SILENCE, "latency", ("skipped", "There was no response.", "", 0.0, {})),
    ],
)
def test_check_of_the_connection(
    environment: Environment, first: Optional[RawResponse], name: str, expected: tuple[str, str, str, float, Any]
) -> None:
    checks = connection_checks(observe({"/me": first} if first else {}, environment))
    assert [check.name for check in checks] == NAMES[:6]
    assert said(next(check for check in checks if check.name == name), expected[2]) == expected


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (
            [0.114],
            ("ok", "The median of 1 response is 0.11 seconds, the longest 0.11 seconds.", "", 0.114, [1, 0.11, 0.11]),
        ),
        (
            [1.0, 9.0, 2.0],
            ("ok", "The median of 3 responses is 2.00 seconds, the longest 9.00 seconds.", "", 2.0, [3, 2.0, 9.0]),
        ),
        (
            [1.0, 4.999, 2.0, 9.126],
            ("ok", "The median of 4 responses is 5.00 seconds, the longest 9.13 seconds.", "", 4.999, [4, 5.0, 9.13]),
        ),
        (
            [6.0, 5.0, 1.0],
            (
                "warning",
                "The median of 3 responses is 5.00 seconds, the longest 6.00 seconds.",
                "Raise timeout",
                5.0,
                [3, 5.0, 6.0],
            ),
        ),
    ],
)
def test_check_of_latency(seconds: list[float], expected: tuple[str, str, str, float, list[float]]) -> None:
    names = list(SOURCES)[::-1]
    seen = observe(
        {SOURCES[name].path: answer(DOCUMENTS[SOURCES[name].path], seconds=took) for name, took in zip(names, seconds)}
    )
    for name in names[: len(seconds)]:
        seen.source(name)
    check = connection_checks(seen)[-1]
    assert check.name == "latency"
    facts = dict(zip(("responses", "median", "longest"), expected[4]))
    assert said(check, expected[2]) == (*expected[:4], facts)


def test_clock_is_that_of_the_first_response_with_a_time() -> None:
    seen = observe(
        {
            "/me": answer(ACCOUNT),
            "/me/sites": answer({"sites": []}, skew=7.0),
            "/me/keyring-connections/": answer({"connections": []}, skew=8.0),
        }
    )
    for name in ("account", "sites", "keyring_connections"):
        seen.source(name)
    assert connection_checks(seen)[3].facts == {"skew": 7}


REJECTED = refusal(400, "invalid_token", message="no such token", document={}, seconds=0.5)
STALE = refusal(401, "reauthorization_required", document={}, seconds=0.5)
NARROW = refusal(403, "authorization_required", message="not in scope", document={}, seconds=0.5)
BROKEN = RawResponse(status=500, failure="server_error", message="broken", seconds=0.5)
EVERYWHERE = [source.path for source in SOURCES.values()]
VALID = "The token is valid."
TOO_OLD = "The token is valid, but the login behind it is too old for some requests."
CREATE = "To create a token, run the playbook community.wpcom.get_token."
LOG_IN = "Log in to WordPress.com again and create a new token."


@pytest.mark.parametrize(
    ("responses", "environment", "expected"),
    [
        (
            {},
            changed(has_token=False, token_error="no such file", token_error_code="invalid_option"),
            ("failed", "no such file", CREATE, 0.0, {"code": "invalid_option"}),
        ),
        ({}, changed(has_token=False), ("failed", "The token is missing.", "set api_token_file or the", 0.0, {})),
        ({}, HERE, ("ok", VALID, "", 0.0, {"http_status": 200, "code": "none"})),
        (
            {"/me": NARROW},
            HERE,
            ("ok", VALID, "", 0.5, {"http_status": 403, "code": "authorization_required"}),
        ),
        (
            {"/me": REJECTED},
            HERE,
            (
                "failed",
                "HTTP 400 invalid_token",
                "The token is wrong or was revoked",
                0.5,
                {"http_status": 400, "code": "invalid_token"},
            ),
        ),
        (
            {"/me": STALE},
            HERE,
            ("warning", TOO_OLD, LOG_IN, 0.5, {"http_status": 401, "code": "reauthorization_required"}),
        ),
        (
            {"/me/connected-applications/": STALE},
            HERE,
            ("warning", TOO_OLD, LOG_IN, 0.0, {"http_status": 200, "code": "none"}),
        ),
        (
            {**dict.fromkeys(EVERYWHERE, BROKEN), "/me": NARROW},
            HERE,
            ("ok", VALID, "", 0.5, {"http_status": 403, "code": "authorization_required"}),
        ),
        (
            {**dict.fromkeys(EVERYWHERE, BROKEN), "/me": answer(ACCOUNT)},
            HERE,
            ("ok", VALID, "", 0.0, {"http_status": 200, "code": "none"}),
        ),
        ({"/me": BROKEN}, HERE, ("ok", VALID, "", 0.5, {"http_status": 500, "code": "none"})),
        (
            dict.fromkeys(set(EVERYWHERE) - {"/meta/external-services/"}, BROKEN),
            HERE,
            ("skipped", "Not known: HTTP 500", "", 0.5, {"http_status": 500, "code": "none"}),
        ),
        (
            dict.fromkeys(EVERYWHERE, SILENCE),
            HERE,
            ("skipped", "Not known: no response", "", 0.5, {"http_status": None, "code": "none"}),
        ),
    ],
)
def test_check_of_the_token(
    responses: Responses, environment: Environment, expected: tuple[str, str, str, float, Any]
) -> None:
    checks = token_checks(observe(responses, environment))
    assert [check.name for check in checks] == ["token", "scope", "site_binding"]
    assert said(checks[0], expected[2]) == expected


GLOBAL = "The token has the scope global."
COVERS = "It covers everything that the modules read."
LACKS = "It does not cover what requires:"


@pytest.mark.parametrize(
    ("responses", "expected"),
    [
        ({}, ("ok", f"{GLOBAL} {COVERS}", "", 0.0, {"refused": [], "is_global": True})),
        (
            {"/me": answer({**ACCOUNT, "token_scope": ["sites", "users"]})},
            ("ok", f"The token has the scope sites, users. {COVERS}", "", 0.0, {"refused": [], "is_global": False}),
        ),
        (
            {"/me": answer({**ACCOUNT, "token_scope": []})},
            (
                "ok",
                f"The token has no scope: it is for one site. {COVERS}",
                "",
                0.0,
                {"refused": [], "is_global": False},
            ),
        ),
        (
            {"/me": BROKEN},
            ("ok", f"The scope of the token cannot be read. {COVERS}", "", 0.0, {"refused": [], "is_global": False}),
        ),
        *(
            (
                {"/me/connected-applications/": response},
                ("ok", f"{GLOBAL} {COVERS}", "", 0.0, {"refused": [], "is_global": True}),
            )
            for response in (refusal(401, "authorization_required"), refusal(403, "unauthorized"))
        ),
        *(
            (
                {path: NARROW},
                (
                    "failed" if scope == "sharing" else "warning",
                    f"{GLOBAL} {LACKS} {scope}.",
                    f"Create a new token with the scope global, or with {scope} in addition.",
                    0.0,
                    {"refused": [scope], "is_global": True},
                ),
            )
            for path, scope in (
                ("/me/publicize-connections/", "sharing"),
                ("/me/keyring-connections/", "sharing"),
                ("/me/connected-applications/", "users"),
                ("/me/sites", "sites"),
            )
        ),
        (
            {"/me": NARROW},
            (
                "warning",
                f"The scope of the token cannot be read. {LACKS} users.",
                "with users in",
                0.0,
                {"refused": ["users"], "is_global": False},
            ),
        ),
        (
            dict.fromkeys(EVERYWHERE, NARROW),
            (
                "failed",
                f"The scope of the token cannot be read. {LACKS} sharing, sites, users.",
                "sharing and sites and users",
                0.0,
                {"refused": ["sharing", "sites", "users"], "is_global": False},
            ),
        ),
        (dict.fromkeys(EVERYWHERE, BROKEN), ("skipped", "Not known: no list could be read.", "", 0.0, {})),
    ],
)
def test_check_of_the_scope(responses: Responses, expected: tuple[str, str, str, float, Any]) -> None:
    assert said(token_checks(observe(responses))[1], expected[2]) == expected


def test_scope_without_a_token() -> None:
    check = token_checks(observe({}, changed(has_token=False)))[1]
    assert check == Check("scope", "skipped", "Not known: no list could be read.")


@pytest.mark.parametrize(
    ("response", "expected"),
    [
        (NARROW, ("skipped", "Not known: the account cannot be read.", "", 0.0, {})),
        (answer(ACCOUNT), ("ok", "The token is for all sites of the account.", "", 0.0, {"is_bound": False})),
        (
            answer({**ACCOUNT, "token_site_id": 3001}),
            ("warning", "The token is for site 3001 only.", "Other sites", 0.0, {"is_bound": True}),
        ),
    ],
)
def test_check_of_the_site(response: RawResponse, expected: tuple[str, str, str, float, Any]) -> None:
    assert said(token_checks(observe({"/me": response}))[2], expected[2]) == expected


def facts_of(status: Optional[int], code: str, failure: str, **more: Any) -> dict[str, Any]:
    """Return the facts of a list."""
    return {"http_status": status, "code": code, "failure": failure, **more}


@pytest.mark.parametrize(
    ("response", "expected"),
    [
        (
            NARROW,
            (
                "skipped",
                "Not read: HTTP 403 authorization_required",
                "The user of this token is not allowed",
                0.5,
                facts_of(403, "authorization_required", "refusal"),
            ),
        ),
        (
            STALE,
            (
                "skipped",
                "Not read: HTTP 401 reauthorization_required",
                "too old for this: log in again",
                0.5,
                facts_of(401, "reauthorization_required", "refusal"),
            ),
        ),
        (
            refusal(400, "authorization_required"),
            (
                "failed",
                "It could not be read: HTTP 400 authorization_required",
                "The user of this token is not allowed",
                0.0,
                facts_of(400, "authorization_required", "refusal"),
            ),
        ),
        (
            refusal(403, "ada"),
            ("failed", "It could not be read: HTTP 403 ada", ELSEWHERE, 0.0, facts_of(403, "ada", "refusal")),
        ),
        (
            refusal(404, message="no such page"),
            (
                "failed",
                "It could not be read: no such page",
                "this route does not exist there",
                0.0,
                facts_of(404, "none", "refusal"),
            ),
        ),
        (BROKEN, ("failed", "It could not be read: broken", LATER, 0.5, facts_of(500, "none", "server_error"))),
        (
            SILENCE,
            ("failed", "It could not be read: no response", "", 0.5, facts_of(None, "none", "connection_lost")),
        ),
        (LIMITED, ("failed", "It could not be read: a page", WAIT, 0.5, facts_of(500, "none", "limit_reached"))),
        (
            RawResponse(status=429, failure="too_many_requests", code="unauthorized"),
            (
                "failed",
                "It could not be read: HTTP 429 unauthorized",
                WAIT,
                0.0,
                facts_of(429, "unauthorized", "too_many_requests"),
            ),
        ),
        *(
            (
                answer(document, seconds=0.5),
                (
                    "failed",
                    "The response does not have the expected form (no list 'connections').",
                    ATTACH,
                    0.5,
                    facts_of(200, "none", "none", form=form),
                ),
            )
            for document, form in (([], "array"), ({}, "object"), (5, "integer"))
        ),
    ],
)
def test_check_of_a_list_that_cannot_be_read(response: RawResponse, expected: tuple[str, str, str, float, Any]) -> None:
    checks = {check.name: check for check in wire_checks(observe({"/me/keyring-connections/": response}))}
    assert list(checks) == NAMES[9:]
    assert said(checks["wire_keyring_connections"], expected[2]) == expected


def test_checks_of_lists_with_a_token_that_is_rejected() -> None:
    checks = {check.name: check for check in wire_checks(observe({"/me/sites": REJECTED}))}
    assert checks["wire_external_services"].status == "ok"
    assert said(checks["wire_sites"], "The token is wrong or was revoked") == (
        "skipped",
        "Not read: HTTP 400 invalid_token",
        "The token is wrong or was revoked",
        0.5,
        facts_of(400, "invalid_token", "refusal"),
    )
    assert checks["wire_account"] == Check("wire_account", "skipped", "Not read: the token was rejected.")


@pytest.mark.parametrize(
    ("name", "document", "status", "detail"),
    [
        ("publicize_connections", {"connections": []}, "ok", "0 entries, all of the known form."),
        ("publicize_connections", {"connections": [PUBLICIZE]}, "ok", "1 entry, all of the known form."),
        ("account", {**ACCOUNT, "premium": 1}, "ok", "1 entry, all of the known form."),
        (
            "publicize_connections",
            {
                "connections": [
                    {
                        **{key: value for key, value in PUBLICIZE.items() if key not in ("site_ID", "label")},
                        "b": 1,
                        "a": 2,
                    },
                    {**{key: value for key, value in PUBLICIZE.items() if key != "site_ID"}, "status": "on_hold"},
                    {**PUBLICIZE, "shared": "yes", "issued": "soon", "status": "after_that"},
                    {**PUBLICIZE, "shared": 5, "a": 3},
                    None,
                    {},
                ]
            },
            "warning",
            "6 entries: missing: label (1), site_ID (2); of another type: issued (1), shared (1); unknown: a (2), b (1); "
            "unknown status: after_that (1), on_hold (1); 2 without an ID.",
        ),
        (
            "keyring_connections",
            {
                "connections": [
                    {**KEYRING, "additional_external_users": [{"external_ID": "1", "external_name": None, "x": 1}]}
                ]
            },
            "warning",
            "1 entry: unknown: additional_external_users.x (1).",
        ),
    ],
)
def test_check_of_the_form_of_a_list(name: str, document: Any, status: str, detail: str) -> None:
    response = answer(document, seconds=0.5)
    seen = observe({SOURCES[name].path: response})
    check = next(check for check in wire_checks(seen) if check.name == f"wire_{name}")
    found = conformance(SOURCES[name].table, SOURCES[name].entries(document), SOURCES[name].has_id)
    assert said(check, ATTACH if status == "warning" else "") == (
        status,
        detail,
        ATTACH if status == "warning" else "",
        0.5,
        facts_of(200, "none", "none", wire=found),
    )


# Over the network


def test_port_that_refuses(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    ended = run("diagnostics", f"http://127.0.0.1:{port}")
    assert not ended.failed
    checks = {check["name"]: check for check in ended.result["checks"]}
    assert (checks["reachability"]["status"], checks["token"]["status"]) == ("failed", "skipped")
    assert f":{port}" in checks["reachability"]["detail"]


def test_name_that_cannot_be_resolved(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_arguments: Any, **_more: Any) -> Any:
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", fail)
    ended = run("diagnostics", "https://api.invalid")
    checks = {check["name"]: check for check in ended.result["checks"]}
    assert not ended.failed
    assert (checks["name_resolution"]["status"], checks["reachability"]["status"]) == ("failed", "failed")
    assert "Name or service not known" in checks["name_resolution"]["detail"]
    assert ended.result["report"]["requests"] == 1


def test_resolver_that_does_not_respond(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(environments.socket, "getaddrinfo", lambda *_arguments, **_more: time.sleep(0.3) or [])
    assert environments._resolve("api.invalid", 443, 0.05) == (None, "no response within 0.05 seconds")


@pytest.mark.parametrize("proxy", ["http://ada:proxy-secret@127.0.0.1:1", "127.0.0.1:1"])
def test_proxy_that_refuses_is_named_without_its_password(proxy: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", proxy)
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    ended = run("diagnostics", "https://api.invalid")
    checks = {check["name"]: check for check in ended.result["checks"]}
    assert checks["proxy"]["status"] == "failed"
    assert "127.0.0.1:1" in checks["proxy"]["detail"]
    assert checks["name_resolution"]["status"] == "skipped"
    assert "proxy-secret" not in str(ended.result)


@pytest.mark.parametrize("expired", [False, True])
def test_certificate(
    expired: bool, start_simulator: Callable[..., Simulator], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    authority = trustme.CA()
    now = datetime.now(timezone.utc)
    end = now + timedelta(days=-1 if expired else 1)
    made = authority.issue_cert("127.0.0.1", not_before=now - timedelta(days=9), not_after=end)
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    made.cert_chain_pems[0].write_to_path(str(tmp_path / "certificate.pem"))
    made.private_key_pem.write_to_path(str(tmp_path / "key.pem"))
    server = start_simulator(tls=(str(tmp_path / "certificate.pem"), str(tmp_path / "key.pem")))
    tls = {}
    for ca_path in (None, str(tmp_path / "ca.pem")):
        ended = run("diagnostics", server.url, ca_path=ca_path)
        assert not ended.failed
        tls[ca_path is not None] = next(check for check in ended.result["checks"] if check["name"] == "tls")
    assert tls[False]["status"] == "failed"
    assert tls[True]["status"] == ("failed" if expired else "ok")
    assert ("expired" in tls[True]["detail"]) is expired


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        (page("<html>Log in</html>"), "failed"),
        (ScriptedResponse(302, "", {"Location": "https://login.invalid/"}), "failed"),
        (ScriptedResponse(404, "", {"Content-Type": "text/plain"}), "failed"),
        (requests.exceptions.ReadTimeout("slow"), "failed"),
        (json_response([]), "ok"),
        (json_response({"error": "x", "message": "y"}, 400), "ok"),
        (page("<html>Limit reached</html>", 500), "failed"),
    ],
    ids=str,
)
def test_server_that_is_something_else(served_by: Any, answer: Any, status: str) -> None:
    server = served_by(Script(answer))
    ended = run("diagnostics", NOWHERE)
    assert not ended.failed
    checks = {check["name"]: check for check in ended.result["checks"]}
    assert checks["reachability"]["status"] == status
    assert checks["wire_sites"]["status"] in ("failed", "skipped")
    assert set(server.methods) == {"GET"}
    assert len(server.sent) <= 25
    assert TOKEN not in str(ended.result)


def test_option_of_the_connection_that_is_wrong_fails() -> None:
    ended = run("diagnostics", NOWHERE, timeout=0)
    assert ended.failed
    assert ended.result["error"]["code"] == "invalid_option"


@pytest.mark.parametrize(
    ("content", "words", "code"),
    [
        (None, ["does not exist"], "invalid_option"),
        ("", ["is empty"], "invalid_option"),
        ('{"access_token": ', ["malformed"], "invalid_option"),
        (
            '{"access_token": "old-token", "expires_at": 1, "refresh_token": "old-refresh", "client_id": "7"}',
            ["expired at", "Could not refresh", "log in again"],
            "invalid_client",
        ),
    ],
)
def test_token_that_cannot_be_used_is_a_finding(
    content: Optional[str], words: list[str], code: str, simulator: Simulator, tmp_path: Path
) -> None:
    """The network is checked all the same."""
    file = tmp_path / "token"
    if content is not None:
        file.write_text(content, encoding="utf-8")
        file.chmod(0o600)
    ended = run("diagnostics", simulator.url, api_token=None, api_token_file=str(file))
    assert not ended.failed, ended.result
    checks = {check["name"]: check for check in ended.result["checks"]}
    assert checks["token"]["status"] == "failed"
    assert all(word in checks["token"]["detail"] for word in words), checks["token"]
    assert "community.wpcom.get_token" in checks["token"]["hint"]
    assert states(checks)["reachability"] == states(checks)["wire_external_services"] == "ok"
    reported = next(check for check in ended.result["report"]["checks"] if check["name"] == "token")
    assert reported["code"] == code
    assert str(tmp_path) not in str(ended.result["report"])
    assert "old-token" not in str(ended.result)
    assert "old-refresh" not in str(ended.result)


def test_clock_of_a_server_is_its_date_header(served_by: Any) -> None:
    served_by(Script(json_response(ACCOUNT, Date="Wed, 01 Jan 2020 00:00:00 GMT")))
    ended = run("diagnostics", NOWHERE)
    clock = next(check for check in ended.result["checks"] if check["name"] == "clock")
    assert clock["status"] == "failed"
    assert "ahead of" in clock["detail"]


def test_report_of_the_connection() -> None:
    """Which options are in use, without their values, and the version of the form."""
    _checks, report = diagnose(environment=changed(own_ca=True, proxy="http://proxy.example"))
    assert report["format"] == 1
    assert report["connection"] == {
        "scheme": "https",
        "is_default_api": False,
        "proxy": True,
        "validate_certs": True,
        "own_ca": True,
        "http_envelope": False,
    }


@pytest.mark.parametrize(
    ("url", "port"), [("https://a.example", 443), ("http://a.example", 80), ("https://a.example:8443", 8443)]
)
def test_port_of_the_api(monkeypatch: pytest.MonkeyPatch, url: str, port: int) -> None:
    monkeypatch.setattr(environments, "_resolve", lambda host, port, timeout: (port, ""))
    found = environments.read_environment(options(url), {}, True)
    assert (found.host, found.port, found.addresses) == ("a.example", port, port)
