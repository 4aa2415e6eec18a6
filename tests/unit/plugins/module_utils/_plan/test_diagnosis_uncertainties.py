# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The doctor names the side of each uncertainty that the switch of the simulator is on, and that responses show."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.community.wpcom.plugins.module_utils._api.diagnostics import GetRaw, RawResponse
from ansible_collections.community.wpcom.plugins.module_utils._http.environment import Environment
from ansible_collections.community.wpcom.plugins.module_utils._http.request import (
    ANONYMOUS,
    TOKEN_PARAMETER,
    WRONG_TOKEN,
)
from ansible_collections.community.wpcom.plugins.module_utils._plan.diagnosis import Check
from ansible_collections.community.wpcom.plugins.module_utils._plan.diagnosis_uncertainties import (
    UNCERTAINTIES,
    Uncertainty,
)
from ansible_collections.community.wpcom.tests.simulator import Simulator
from ansible_collections.community.wpcom.tests.simulator.switches import BY_NAME, SWITCHES
from ansible_collections.community.wpcom.tests.unit.plugins.module_utils._plan.test_diagnosis import (
    ACCOUNT,
    HERE,
    Responses,
    changed,
    observe,
    refusal,
    success,
)
from ansible_collections.community.wpcom.tests.unit.support import run

# What only a write shows is left to the tests with a real site; two switches are not about the API.
WRITES = {
    "external_user_error_slug",
    "unsupported_service_slug",
    "foreign_write",
    "create_duplicate",
    "duplicate_status",
    "duplicate_slug",
    "external_users_only",
    "external_user_check",
    "reset_without_support",
    "drop_external_user",
    "drop_shared",
    "delete_keyring_with_last",
    "delete_read_back",
    "create_read_back",
}
NOT_ABOUT_THE_API = {"message_language", "links_to"}
# These depend on the token, or on an event, and have tests of their own.
OWN_TESTS = {"stale_session", "me_scope", "site_token_account", "empty_token_scope_form", "throttle_form"}
READ = [switch for switch in SWITCHES if switch.name in {one.name for one in UNCERTAINTIES} - OWN_TESTS]


def text(value: Any) -> str:
    """Return the value of a switch as the doctor shows it."""
    if value is None or value == "":
        return "null" if value is None else '""'
    return str(value).lower() if isinstance(value, bool) else str(value)


def sides(simulator: Simulator, **given: Any) -> dict[str, Any]:
    """Return the sides that the doctor reports, checked against what it shows for each."""
    simulator.clear_requests()
    ended = run("diagnostics", simulator.url, **given)
    assert not ended.failed, ended.result
    assert {entry["method"] for entry in simulator.requests()} == {"GET"}
    assert len(simulator.requests()) == ended.result["report"]["requests"] <= 25
    reported: dict[str, Any] = ended.result["report"]["uncertainties"]
    checks = {check["name"]: check for check in ended.result["checks"]}
    for name, side in reported.items():
        check = checks[f"uncertainty_{name}"]
        assert check["status"] == ("skipped" if side is None else "ok"), check
        assert side is None or check["detail"].startswith(f"{side}: ")
    return reported


def begin(simulator: Simulator, **switches: Any) -> None:
    """Begin with the usual world, but for a name with a character that is escaped, and two sites of one domain."""
    simulator.reset(switches=switches)
    simulator.patch(
        applications=[{"ID": 7001, "title": "Vault & Press"}],
        sites=[
            {"ID": 3011, "name": "W", "slug": "two.example.com", "members": [{"user_ID": 1001, "role": "author"}]},
            {
                "ID": 3012,
                "name": "J",
                "slug": "two.example.com",
                "jetpack": True,
                "members": [{"user_ID": 1001, "role": "author"}],
            },
        ],
    )


def test_every_switch_is_an_uncertainty_or_requires_a_write() -> None:
    known = {one.name for one in UNCERTAINTIES}
    # The switches of the authorization server are about getting a token.
    others = {switch.name for switch in SWITCHES if switch.name.startswith("oauth")}
    assert known | WRITES | NOT_ABOUT_THE_API | others == {switch.name for switch in SWITCHES}
    assert not known & (WRITES | NOT_ABOUT_THE_API)
    for one in UNCERTAINTIES:
        assert one.sides == tuple(text(choice) for choice in BY_NAME[one.name].choices or ()) or set(one.sides) == {
            text(choice) for choice in BY_NAME[one.name].choices or ()
        }


@pytest.mark.parametrize("turn", range(6))
def test_side_is_the_one_that_the_switch_is_on(simulator: Simulator, turn: int) -> None:
    """In each turn every switch has another one of its values."""
    switches = {switch.name: (switch.choices or ())[turn % len(switch.choices or ())] for switch in READ}
    expected: dict[str, Any] = {name: text(value) for name, value in switches.items()}
    if switches["kc_expires_form"] not in ("unix_int", "unix_str") or switches["never_form"] != "date":
        expected["kc_unix_never"] = None
    if switches["kc_expires_form"] == "zone-less" and switches["pc_date_form"] == "iso":
        # The same on the wire.
        expected["kc_expires_form"] = "iso"
    if switches["bad_entries"] != "none":
        # The map has these entries.
        expected["empty_map_form"] = None
    begin(simulator, **switches)
    reported = sides(simulator)
    assert {name: reported[name] for name in expected} == expected


@pytest.mark.parametrize("form", ["object", "array"])
@pytest.mark.parametrize("case", ["exact", "insensitive"])
def test_two_sides_that_one_request_shows(simulator: Simulator, form: str, case: str) -> None:
    begin(simulator, empty_map_form=form, boolean_case=case)
    reported = sides(simulator)
    assert (reported["empty_map_form"], reported["boolean_case"]) == (form, case)


@pytest.mark.parametrize("never", ["zero_date", "zero"])
@pytest.mark.parametrize("form", ["unix_int", "unix_str"])
def test_unix_time_that_says_never(simulator: Simulator, form: str, never: str) -> None:
    begin(simulator, kc_expires_form=form, kc_unix_never=never)
    reported = sides(simulator, http_envelope=True)
    assert (reported["kc_expires_form"], reported["kc_unix_never"]) == (form, never)


@pytest.mark.parametrize(
    ("token", "switch", "value"),
    [
        ("sim-token-stale", "stale_session", "applications"),
        ("sim-token-stale", "stale_session", "everywhere"),
        ("sim-token-sharing", "me_scope", "strict"),
        ("sim-token-sharing", "me_scope", "any"),
        ("sim-token-site", "site_token_account", "allowed"),
        ("sim-token-site", "site_token_account", "refused"),
        ("sim-token-site", "empty_token_scope_form", "empty"),
        ("sim-token-site", "empty_token_scope_form", "blank"),
    ],
)
def test_side_that_only_some_tokens_show(simulator: Simulator, token: str, switch: str, value: str) -> None:
    simulator.reset(switches={switch: value})
    assert sides(simulator, api_token=token)[switch] == value
    if switch != "stale_session":
        assert sides(simulator)[switch] is None


@pytest.mark.parametrize(
    ("jetpack", "private", "known"), [(False, False, True), (True, False, False), (False, True, False)]
)
def test_only_a_public_site_of_wordpress_com_shows_what_strangers_may_read(
    simulator: Simulator, jetpack: bool, private: bool, known: bool
) -> None:
    sites = simulator.state()["sites"]
    simulator.patch(sites=[{"ID": site["ID"], "jetpack": jetpack, "private": private} for site in sites])
    assert (sides(simulator)["sites_public"] is not None) is known


@pytest.mark.parametrize("form", ["html500", "html503", "json429"])
def test_side_that_only_a_reached_limit_shows_and_nothing_is_asked_after_it(simulator: Simulator, form: str) -> None:
    simulator.reset(switches={"throttle_form": form})
    simulator.fault(kind="limit_reached", path="/me/keyring-connections", times=-1)
    ended = run("diagnostics", simulator.url)
    assert ended.result["report"]["uncertainties"]["throttle_form"] == form
    assert simulator.requests()[-1]["path"] == "/me/keyring-connections"
    status = {check["name"]: check["status"] for check in ended.result["checks"]}
    assert (status["wire_keyring_connections"], status["wire_external_services"]) == ("failed", "skipped")


def test_form_that_is_on_no_known_side_is_a_warning(simulator: Simulator) -> None:
    simulator.fault(kind="wrong_shape", path="/me", body={"ID": 1001, "token_scope": 5, "token_site_id": "x"}, times=-1)
    ended = run("diagnostics", simulator.url)
    assert ended.result["report"]["uncertainties"]["token_scope_form"] == "other"
    (check,) = (check for check in ended.result["checks"] if check["name"] == "uncertainty_token_scope_form")
    assert check["status"] == "warning"
    assert "issue" in check["hint"]


# Each uncertainty by itself, on data.

OF_NAME = {one.name: one for one in UNCERTAINTIES}
BROKEN = RawResponse(status=500, failure="server_error", message="broken")
SILENCE = RawResponse(failure="connection_lost", message="no response")
PLACES = {
    "pc": ("/me/publicize-connections/", "connections"),
    "kc": ("/me/keyring-connections/", "connections"),
    "applications": ("/me/connected-applications/", "connected_applications"),
    "services": ("/meta/external-services/", "services"),
    "sites": ("/me/sites", "sites"),
}
ALL_LISTS = [path for path, _key in PLACES.values()]
DATE = "2027-01-01 00:00:00"
NEVER = "0000-00-00 00:00:00"
UNIX = 1800000000


def lists(**given: Any) -> dict[Any, RawResponse]:
    """Return the responses of lists: their entries, or a response; ``account`` are other keys of the account."""
    found: dict[Any, RawResponse] = {}
    for name, value in given.items():
        path, key = ("/me", "") if name == "account" else PLACES[name]
        document = {**ACCOUNT, **value} if name == "account" and isinstance(value, dict) else {key: value}
        found[path] = value if isinstance(value, RawResponse) else success(document)
    return found


def verdict(name: str, responses: Responses, environment: Environment = HERE) -> str:
    """Return the side, or "?" and why it is not known, checked against everything that the check says."""
    seen, one = observe(responses, environment), OF_NAME[name]
    seen.first()
    check = one.check(seen)
    assert check.name == f"uncertainty_{name}"
    side = check.facts["side"]
    assert list(check.facts) == ["side"]
    if side is None:
        start, end = "Not known: ", f". It is about {one.meaning}."
        assert check.detail.startswith(start)
        assert check.detail.endswith(end)
        assert (check.status, check.hint) == ("skipped", "")
        return f"? {check.detail[len(start) : -len(end)]}"
    if side == "other":
        assert check.detail == f"other: {one.meaning} (expected: {', '.join(one.sides)})"
        hint = "This form is not known to community.wpcom: attach the report to an issue."
        assert (check.status, check.hint) == ("warning", hint)
    else:
        assert (check.detail, check.status, check.hint) == (f"{side}: {one.meaning}", "ok", "")
    return str(side)


LOGGED_IN = "? the login behind the token is recent enough"
IN_ANY_CASE = "? the token covers the account in any case"
NO_ACCOUNT = "? the account cannot be read"
NOT_EMPTY = "? only a token without a scope shows it"
NOT_BOUND = "? only a token without a scope, for one site, shows it"
ONE_SITE = "? the token is for one site"
BOUND = {"token_scope": [], "token_site_id": 3001}


@pytest.mark.parametrize(
    ("name", "responses", "expected"),
    [
        ("token_scope_form", lists(account={"token_scope": ["global"]}), "list"),
        ("token_scope_form", lists(account={"token_scope": []}), "list"),
        ("token_scope_form", lists(account={"token_scope": {"1": "global"}}), "list"),
        ("token_scope_form", lists(account={"token_scope": "global"}), "text"),
        ("token_scope_form", lists(account={"token_scope": {"a": "global"}}), "other"),
        ("token_scope_form", lists(account={"token_scope": 5}), "other"),
        ("token_scope_form", lists(account=BROKEN), "? /me could not be read"),
        ("token_scope_form", lists(account={"ID": 0}), "? the account has no ID"),
        ("empty_token_scope_form", lists(account={"token_scope": []}), "empty"),
        ("empty_token_scope_form", lists(account={"token_scope": [""]}), "blank"),
        ("empty_token_scope_form", lists(account={"token_scope": [None]}), "other"),
        ("empty_token_scope_form", lists(account={"token_scope": ["", ""]}), "other"),
        ("empty_token_scope_form", lists(account={"token_scope": ""}), NOT_EMPTY),
        ("empty_token_scope_form", lists(account={"token_scope": ["users"]}), NOT_EMPTY),
        ("token_site_unbound", lists(account={"token_site_id": False}), "false"),
        ("token_site_unbound", lists(account={"token_site_id": 0}), "zero"),
        ("token_site_unbound", lists(account={"token_site_id": None}), "other"),
        ("token_site_unbound", lists(account={"token_site_id": 3001}), ONE_SITE),
        ("me_scope", lists(account=refusal(403, "authorization_required")), "strict"),
        ("me_scope", lists(account=refusal(403, "unauthorized")), NO_ACCOUNT),
        ("me_scope", lists(account=refusal(401, "authorization_required")), NO_ACCOUNT),
        ("me_scope", lists(account={"token_scope": ["sharing", "sites"]}), "any"),
        ("me_scope", lists(account={"token_scope": ["sharing", "users"]}), IN_ANY_CASE),
        ("me_scope", lists(account={"token_scope": ["global"]}), IN_ANY_CASE),
        ("me_scope", lists(account={"token_scope": []}), IN_ANY_CASE),
        ("site_token_account", lists(account=BOUND), "allowed"),
        ("site_token_account", lists(account=BOUND, kc=refusal(403, "x"), applications=refusal(403, "x")), "refused"),
        ("site_token_account", lists(account=BOUND, kc=refusal(403, "x")), "refused"),
        ("site_token_account", lists(account=BOUND, applications=refusal(403, "x")), "refused"),
        ("site_token_account", lists(account=BOUND, kc=BROKEN), "other"),
        ("site_token_account", lists(account={**BOUND, "token_scope": ["sharing"]}), NOT_BOUND),
        ("site_token_account", lists(account={**BOUND, "token_site_id": False}), NOT_BOUND),
        ("site_token_account", lists(account=BROKEN), NOT_BOUND),
        ("stale_session", lists(account=refusal(401, "reauthorization_required")), "everywhere"),
        ("stale_session", lists(pc=refusal(401, "reauthorization_required")), "everywhere"),
        ("stale_session", lists(applications=refusal(401, "reauthorization_required")), "applications"),
        ("stale_session", lists(applications=refusal(403, "unauthorized")), LOGGED_IN),
        ("stale_session", {}, LOGGED_IN),
    ],
)
def test_what_the_account_shows(name: str, responses: Responses, expected: str) -> None:
    assert verdict(name, responses) == expected


NOT_READ = dict.fromkeys(ALL_LISTS, BROKEN)
NO_LIST = "? no list could be read"
BAD = [None, {}, {"ID": 0}, {"ID": None}]
NO_INNER = "? no record has a list that is not empty"
NO_NAME = "? no name has a character that HTML escapes"
ALL_EXPIRE = "? every connection has a date on which it expires"
NO_KEYRING = "? /me/keyring-connections/ could not be read"
NO_DATE = "? no connection has such a date"
NO_EXPIRY = "? no keyring connection has a date on which it expires"
NO_UNIX = "? keyring connections have no unix times"
NO_KEY = "? no record has this key"


def expiring(*values: Any) -> dict[Any, RawResponse]:
    """Return keyring connections that expire at some times."""
    return lists(kc=[{"ID": number, "expires": value} for number, value in enumerate(values, 1)])


def dated(*values: Any, key: str = "issued") -> dict[Any, RawResponse]:
    """Return publicize connections with some dates."""
    return lists(pc=[{"ID": number, key: value} for number, value in enumerate(values, 1)])


@pytest.mark.parametrize(
    ("name", "responses", "expected"),
    [
        ("bad_entries", {}, "none"),
        ("bad_entries", lists(sites=[{"ID": 1}, {"ID": "2"}]), "none"),
        ("bad_entries", lists(**{name: [None] for name in ("pc", "kc", "sites")}, services=BROKEN), "null"),
        *(("bad_entries", lists(**{name: [{"ID": 0}]}), "zero_id") for name in PLACES),
        ("bad_entries", lists(pc=[{"ID": "0"}]), "zero_id"),
        ("bad_entries", lists(applications=[{"connection_ID": 0}]), "zero_id"),
        ("bad_entries", lists(applications=[{"ID": 1, "connection_ID": 0}]), "zero_id"),
        ("bad_entries", lists(pc=[{"meta": {}}, {"ID": 1}]), "no_id"),
        ("bad_entries", lists(pc=[{"ID": None}]), "null_id"),
        ("bad_entries", lists(pc=[5]), "other"),
        ("bad_entries", lists(pc=BAD), "all"),
        ("bad_entries", lists(pc=BAD[:1], sites=BAD[1:]), "all"),
        ("bad_entries", lists(pc=BAD[:3]), "other"),
        ("bad_entries", lists(pc=[*BAD, 5]), "other"),
        ("bad_entries", lists(pc=BROKEN, sites=[None]), "null"),
        ("bad_entries", NOT_READ, NO_LIST),
        ("php_gaps", {}, NO_INNER),
        *(("php_gaps", lists(**{name: {"3": {"ID": 1}}}), "everywhere") for name in ("pc", "kc", "applications")),
        *(
            ("php_gaps", lists(kc=[{"ID": 1, key: {"3": {"ID": 1}}}]), "inner")
            for key in ("sites", "additional_external_users", "permissions")
        ),
        ("php_gaps", lists(applications=[{"ID": 1, "permissions": {"1": "a"}}]), "inner"),
        ("php_gaps", lists(pc=BROKEN, kc=[{"ID": 1, "sites": {"3": 1}}, {"ID": 2, "sites": [1]}]), "inner"),
        ("php_gaps", lists(kc=[{"ID": 1, "sites": ["3"]}]), "none"),
        *(("php_gaps", lists(kc=[{"ID": 1, "sites": value}]), NO_INNER) for value in ([], {}, 5, "x", {"a": 1}, None)),
        ("php_gaps", lists(services={"x": {"ID": "x", "permissions": ["a"]}}), NO_INNER),
        ("html_names", {}, NO_NAME),
        *(
            ("html_names", lists(**{name: [{"ID": number, "title": "A &amp; B"}]}), "true")
            for name, number in (("pc", 1), ("kc", 1), ("applications", 1), ("services", "x"), ("sites", 1))
        ),
        *(
            ("html_names", lists(sites=BROKEN, kc=[{"ID": 1, key: "A&#39;s"}]), "true")
            for key in ("external_name", "external_display", "title", "name", "site_name")
        ),
        *(
            ("html_names", lists(applications=[{"ID": 1, key: {"site_name": "A&#x27;s"}}]), "true")
            for key in ("site", "blog")
        ),
        ("html_names", lists(kc=[{"ID": 1, "additional_external_users": [5, {"name": "A &lt;"}]}]), "true"),
        ("html_names", lists(kc=[{"ID": 1, "name": "A & B"}, {"ID": 2, "name": "A &amp; B"}]), "true"),
        ("html_names", lists(pc=BROKEN, kc=[{"ID": 1, "name": "A&B;"}]), "true"),
        *(("html_names", lists(kc=[{"ID": 1, "name": f"A {sign}"}]), "false") for sign in "&<>\"'"),
        ("html_names", lists(kc=[{"ID": 1, "name": ["&amp;"], "label": "&amp;"}]), NO_NAME),
        ("html_names", lists(kc=[{"ID": 1, "site": "&amp;"}]), NO_NAME),
        ("html_names", lists(kc=[{"ID": 1, "name": "Ada"}]), NO_NAME),
        ("html_names", NOT_READ, NO_NAME),
        ("lone_surrogates", {}, "false"),
        *(
            ("lone_surrogates", {path: success({}, has_lone_surrogate=True)}, "true")
            for path in (*ALL_LISTS, GetRaw(ALL_LISTS[0]))
        ),
        ("lone_surrogates", {**NOT_READ, "/me/sites": success({})}, "false"),
        ("lone_surrogates", NOT_READ, NO_LIST),
        ("never_form", {}, ALL_EXPIRE),
        ("never_form", lists(pc=[{"ID": 1, "expires": DATE}], kc=[{"ID": 1, "expires": DATE}]), ALL_EXPIRE),
        ("never_form", lists(pc=[{"ID": 1, "expires": DATE}], kc=[{"ID": 1}]), "absent"),
        ("never_form", lists(pc=[{"ID": 1, "expires": None}], kc=[{"ID": 1, "expires": DATE}]), "null"),
        ("never_form", lists(pc=[{"ID": 1, "expires": NEVER}], kc=[{"ID": 1, "expires": DATE}]), "date"),
        ("never_form", lists(pc=[{"ID": 1, "expires": NEVER}, {"ID": 2, "expires": None}]), "null"),
        ("never_form", lists(pc=[{"ID": 1, "expires": NEVER}, {"ID": 2}]), "absent"),
        ("never_form", lists(pc=[{"ID": 1}], kc=BROKEN), "absent"),
        ("never_form", lists(pc=BROKEN, kc=[{"ID": 1}]), "absent"),
        ("never_form", lists(kc=BROKEN), NO_KEYRING),
        ("never_form", lists(pc=BROKEN), "? /me/publicize-connections/ could not be read"),
        ("keyring_user_id", {}, "? you have not connected an account"),
        ("keyring_user_id", lists(kc=BROKEN), NO_KEYRING),
        ("keyring_user_id", lists(kc=[{"ID": 1, "user_ID": 1001}, {"ID": 2}]), "absent"),
        ("keyring_user_id", lists(kc=[{"ID": 1, "user_ID": 1001}, {"ID": 2, "user_ID": 0}]), "zero"),
        ("keyring_user_id", lists(kc=[{"ID": 1, "user_ID": "1001"}, {"ID": 2, "user_ID": 7}]), "present"),
        (
            "keyring_user_id",
            lists(kc=[{"ID": 1, "user_ID": 7}]),
            "? it is not known which keyring connection is yours",
        ),
        ("keyring_user_id", lists(kc=[{"ID": 1, "user_ID": 7}], account=BROKEN), "present"),
        ("pc_date_form", dated("2026-01-31 10:20:30"), "space"),
        ("pc_date_form", dated(NEVER, key="expires"), "space"),
        ("pc_date_form", dated("2026-01-3110:20:30", None, 5, str(UNIX)), "squeezed"),
        ("pc_date_form", dated("2026-01-31T10:20:30+00:00"), "iso"),
        ("pc_date_form", dated("soon"), "other"),
        ("pc_date_form", dated("2026-01-31 10:20:30", "2026-01-31T10:20:30"), "other"),
        ("pc_date_form", dated(DATE, key="authorized"), NO_DATE),
        ("pc_date_form", dated(str(UNIX), None), NO_DATE),
        ("pc_date_form", lists(pc=BROKEN), "? /me/publicize-connections/ could not be read"),
        ("kc_expires_form", expiring(DATE, None, NEVER), "zone-less"),
        ("kc_expires_form", expiring("2027-01-01T00:00:00+00:00"), "iso"),
        ("kc_expires_form", expiring(UNIX, 0, "0", True, False), "unix_int"),
        ("kc_expires_form", expiring(str(UNIX), ""), "unix_str"),
        ("kc_expires_form", expiring([DATE]), "other"),
        ("kc_expires_form", expiring(UNIX, DATE), "other"),
        ("kc_expires_form", expiring(NEVER, True, 0, "0", None), NO_EXPIRY),
        ("kc_unix_never", expiring(0, DATE), "zero"),
        ("kc_unix_never", expiring("0"), "zero"),
        ("kc_unix_never", expiring(UNIX, NEVER), "zero_date"),
        ("kc_unix_never", expiring(str(UNIX), NEVER), "zero_date"),
        ("kc_unix_never", expiring(DATE, NEVER, False), NO_UNIX),
        ("kc_unix_never", expiring(UNIX, False), "? every keyring connection has a date on which it expires"),
        ("refresh_url_spelling", lists(pc=[{"ID": 1, "refresh_URL": "x"}]), "refresh_URL"),
        ("refresh_url_spelling", lists(kc=[{"ID": 1, "refresh_url": "x"}]), "refresh_url"),
        ("refresh_url_spelling", lists(pc=[{"ID": 1, "refresh_URL": 1}], kc=[{"ID": 1, "refresh_url": 1}]), "other"),
        ("refresh_url_spelling", lists(pc=[{"ID": 1, "connect_URL": 1}]), NO_KEY),
        ("connect_url_spelling", lists(services=[{"ID": "x", "connect_URL": "x"}]), "connect_URL"),
        ("connect_url_spelling", lists(services=[{"ID": "x", "connect_url": "x"}]), "connect_url"),
        ("connect_url_spelling", lists(services=[{"ID": "x", "refresh_url": "x"}]), NO_KEY),
        ("application_form", lists(applications=[{"ID": 1, "site": {}}]), "wire"),
        ("application_form", lists(applications=[{"connection_ID": 1, "blog": {}}]), "docs"),
        ("application_form", lists(applications=[{"ID": 1, "blog": {}}]), "example"),
        ("application_form", lists(applications=[{"connection_ID": 1, "site": {}}]), "other"),
        ("application_form", lists(applications=[{"ID": 1}, {"ID": 2, "blog": {}}]), "other"),
        ("application_form", {}, "? no application is connected"),
        ("sites_string_ids", lists(kc=[{"ID": 1, "sites": ["3001"]}, {"ID": 2}]), "true"),
        ("sites_string_ids", lists(kc=[{"ID": 1, "sites": {"4": "3001"}}]), "true"),
        ("sites_string_ids", lists(kc=[{"ID": 1, "sites": [3001]}]), "false"),
        ("sites_string_ids", lists(kc=[{"ID": 1, "sites": [3001]}, {"ID": 2, "sites": ["3001"]}]), "other"),
        ("sites_string_ids", lists(kc=[{"ID": 1, "sites": []}]), "? no keyring connection has sites"),
        ("pc_url", lists(pc=[{"ID": 1}]), "absent"),
        ("pc_url", lists(pc=[{"ID": 1}, {"ID": 2, "URL": None}]), "null"),
        ("pc_url", lists(pc=[{"ID": 1, "URL": None}, {"ID": 2, "URL": "x"}]), "url"),
        ("pc_url", {}, "? you have not connected a site"),
    ],
)
def test_what_lists_show(name: str, responses: Responses, expected: str) -> None:
    assert verdict(name, responses) == expected


WRONG = GetRaw("/me", (), WRONG_TOKEN)
NO_SUCH_KEYRING = "/me/keyring-connections/999999999999"
NO_DIGITS = "/me/publicize-connections/no-digits"
NO_TYPE = (("type", "none"), ("http_envelope", "TRUE"))
OF_NO_TYPE = GetRaw("/meta/external-services/", NO_TYPE)
ENVELOPE = {"code": 200, "headers": [], "body": {"services": []}}
ROUTE = GetRaw("/no-such-route", (("http_envelope", "1"),))
BAD_TOKEN = GetRaw("/token-info", (("client_id", "1"), ("token", "wrong-token-of-the-doctor")), ANONYMOUS, "/oauth2")
TOKEN_INFO = GetRaw("/token-info", (("client_id", "5"),), TOKEN_PARAMETER, "/oauth2")
SITE = {"ID": 3001, "slug": "ada.example.com", "is_private": False}
# Two sites of one domain.
TWINS = [{"ID": 3001, "slug": "x", "jetpack": False}, {"ID": 3002, "slug": "x", "jetpack": True}]
SHARED = [{"ID": 5001, "site_ID": 3001}, {"ID": 5002, "site_ID": 3002, "shared": True}]
FILTERED = GetRaw("/sites/3002/publicize-connections/", (("user_id", "1001"),))
ONLY_ID = GetRaw("/me/connected-applications/", (("fields", "ID"),))
OWN = "/sites/3001/publicize-connections/5001"
UNEXPECTED = "? the response was HTTP 500"
UNENCRYPTED = "? the token would be sent in the URL of a request without encryption"
NO_DOMAIN = "? none of your sites has a domain that shows it"


@pytest.mark.parametrize(
    ("name", "responses", "expected"),
    [
        ("throttle_form", {}, "? the request limit was not reached"),
        ("throttle_form", {"/me": RawResponse(status=500, failure="limit_reached")}, "html500"),
        ("throttle_form", {"/me": RawResponse(status=429, failure="too_many_requests", code="x")}, "json429"),
        ("throttle_form", {"/me": RawResponse(status=429, failure="too_many_requests")}, "other"),
        ("invalid_token_status", {WRONG: refusal(400, "invalid_token")}, "400"),
        ("invalid_token_status", {"/me": refusal(401, "invalid_token")}, "401"),
        ("invalid_token_status", {WRONG: refusal(403, "invalid_token")}, "other"),
        ("invalid_token_status", {WRONG: refusal(400, "ada")}, "? the response was HTTP 400 ada"),
        ("invalid_token_status", {WRONG: SILENCE}, "? there was no response"),
        ("keyring_not_found_form", {NO_SUCH_KEYRING: refusal(404, "not_found")}, "not_found"),
        ("keyring_not_found_form", {NO_SUCH_KEYRING: refusal(404)}, "empty"),
        ("keyring_not_found_form", {NO_SUCH_KEYRING: refusal(500)}, UNEXPECTED),
        (
            "keyring_not_found_form",
            {NO_SUCH_KEYRING: RawResponse(status=404, failure="refusal")},
            "? the response was HTTP 404",
        ),
        ("non_digit_id", {NO_DIGITS: refusal(400, "invalid_input")}, "invalid_input"),
        ("non_digit_id", {NO_DIGITS: refusal(404)}, "empty"),
        ("non_digit_id", {NO_DIGITS: refusal(404, "not_found")}, "? the response was HTTP 404 not_found"),
        ("envelope_everything", {ROUTE: success(ENVELOPE)}, "true"),
        ("envelope_everything", {ROUTE: refusal(404)}, "false"),
        ("envelope_everything", {ROUTE: refusal(404, document=ENVELOPE)}, "false"),
        ("envelope_everything", {ROUTE: BROKEN}, UNEXPECTED),
        *(
            ("envelope_everything", {ROUTE: success(document)}, "? the response was HTTP 200")
            for document in (
                {},
                [],
                {"code": 200, "body": {}},
                {"code": 200, "headers": []},
                {"headers": [], "body": 1},
            )
        ),
        ("boolean_case", {OF_NO_TYPE: success(ENVELOPE)}, "insensitive"),
        ("boolean_case", {OF_NO_TYPE: success({"services": []})}, "exact"),
        ("boolean_case", {OF_NO_TYPE: success([])}, "? the response was HTTP 200"),
        ("boolean_case", {OF_NO_TYPE: refusal(500, document=ENVELOPE)}, UNEXPECTED),
        ("empty_map_form", {OF_NO_TYPE: success(ENVELOPE)}, "array"),
        ("empty_map_form", {OF_NO_TYPE: success({"services": []})}, "array"),
        ("empty_map_form", {OF_NO_TYPE: success({"services": {}})}, "object"),
        ("empty_map_form", {OF_NO_TYPE: success({"services": None})}, "other"),
        (
            "empty_map_form",
            {OF_NO_TYPE: success({"services": {"x": {}}})},
            "? the server ignores an unknown type of service",
        ),
        ("empty_map_form", {OF_NO_TYPE: success({**ENVELOPE, "body": None})}, "other"),
        ("services_public", lists(services=success({"services": {}})), "true"),
        (
            "services_public",
            {GetRaw("/meta/external-services/"): refusal(403, "x")},
            "? /meta/external-services/ could not be read",
        ),
        *(
            (
                "services_public",
                {**lists(services=[{"ID": "a/b"}]), GetRaw("/meta/external-services/a%2Fb", (), ANONYMOUS): response},
                expected,
            )
            for response, expected in (
                (success({}), "true"),
                (refusal(401, "x"), "false"),
                (refusal(403), "false"),
                (BROKEN, UNEXPECTED),
            )
        ),
        ("sites_public", {}, "? none of your sites is public"),
        *(
            ("sites_public", lists(sites=[{**SITE, **other}]), "? none of your sites is public")
            for other in ({"is_private": True}, {"is_private": None}, {"jetpack": True})
        ),
        (
            "sites_public",
            {
                **lists(sites=[{"ID": 3002, "is_private": True}, SITE, {**SITE, "ID": 3003}]),
                GetRaw("/sites/3001", (), ANONYMOUS): success({}),
            },
            "true",
        ),
        ("sites_public", {**lists(sites=[SITE]), GetRaw("/sites/3001", (), ANONYMOUS): refusal(403, "x")}, "false"),
        ("token_info_bad_token", {BAD_TOKEN: refusal(400, "invalid_request")}, "invalid_request"),
        ("token_info_bad_token", {BAD_TOKEN: refusal(400, "ada")}, "other"),
        ("token_info_bad_token", {BAD_TOKEN: BROKEN}, UNEXPECTED),
        ("token_info_bad_token", {BAD_TOKEN: SILENCE}, "? there was no response"),
        *(
            ("token_info_unbound_blog", {TOKEN_INFO: success(document)}, expected)
            for document, expected in (
                ({"blog_id": "0"}, "0"),
                ({"blog_id": ""}, '""'),
                ({"blog_id": None}, "null"),
                ({"blog_id": 0}, "other"),
                ({}, "other"),
                ([], "other"),
            )
        ),
        ("token_info_unbound_blog", {TOKEN_INFO: BROKEN}, UNEXPECTED),
        ("token_info_unbound_blog", lists(account={"token_site_id": 3001}), ONE_SITE),
        ("own_read_only", {}, "? you have not connected a site"),
        ("own_read_only", {**lists(pc=SHARED), OWN: success({"read_only": False})}, "present"),
        ("own_read_only", {**lists(pc=SHARED), OWN: success({"ID": 5001})}, "absent"),
        ("own_read_only", {**lists(pc=SHARED), OWN: refusal(403, "x")}, "? the response was HTTP 403 x"),
        ("user_id_filter", {}, "? you have no shared connection"),
        ("user_id_filter", lists(pc=SHARED, account=BROKEN), NO_ACCOUNT),
        ("user_id_filter", lists(pc=SHARED[:1]), "? you have no shared connection"),
        *(
            ("user_id_filter", {**lists(pc=SHARED), FILTERED: success({"connections": entries})}, expected)
            for entries, expected in (
                ([None, {"ID": "5002"}], "owner"),
                ({"4": {"ID": 5002}}, "owner"),
                ([{"ID": 5001}], "user_ID"),
                ([], "user_ID"),
            )
        ),
        ("user_id_filter", {**lists(pc=SHARED), FILTERED: BROKEN}, UNEXPECTED),
        ("fields_on_applications", {}, "? no application is connected"),
        *(
            ("fields_on_applications", {**lists(applications=[{"ID": 1}]), ONLY_ID: response}, expected)
            for response, expected in (
                (success({}), "object"),
                (success([]), "array"),
                (success({"connected_applications": []}), "list"),
                (success({"connected_applications": [{"ID": 1}]}), "other"),
                (BROKEN, UNEXPECTED),
            )
        ),
        ("shared_domain", lists(sites=[SITE]), "? no two of your sites have the same domain"),
        ("shared_domain", lists(sites=[TWINS[0], TWINS[0]]), "? no two of your sites have the same domain"),
        (
            "shared_domain",
            lists(sites=[TWINS[0], {**TWINS[1], "slug": "y"}]),
            "? no two of your sites have the same domain",
        ),
        *(
            ("shared_domain", {**lists(sites=[SITE, *TWINS]), "/sites/x": response}, expected)
            for response, expected in (
                (success({"ID": 3001}), "wordpress"),
                (success({"ID": "3002"}), "jetpack"),
                (success({"ID": 3003}), "other"),
                (BROKEN, UNEXPECTED),
            )
        ),
        (
            "shared_domain",
            {
                **lists(sites=[{**site, "slug": "x::y"} for site in TWINS]),
                "/sites/x%3A%3Ay": success({"ID": 3001}),
            },
            "wordpress",
        ),
    ],
)
def test_what_one_more_request_shows(name: str, responses: Responses, expected: str) -> None:
    assert verdict(name, responses) == expected


@pytest.mark.parametrize(
    ("scheme", "is_loopback", "expected"), [("http", False, UNENCRYPTED), ("http", True, "0"), ("https", False, "0")]
)
def test_token_is_in_no_url_without_encryption(scheme: str, is_loopback: bool, expected: str) -> None:
    environment = changed(scheme=scheme, is_loopback=is_loopback)
    assert verdict("token_info_unbound_blog", {TOKEN_INFO: success({"blog_id": "0"})}, environment) == expected


@pytest.mark.parametrize(
    ("environment", "account"),
    [(changed(has_token=False), success(ACCOUNT)), (HERE, refusal(400, "invalid_token"))],
)
def test_what_is_public_is_asked_without_a_token_that_cannot_be_used(
    environment: Environment, account: RawResponse
) -> None:
    responses = {
        "/me": account,
        "/meta/external-services/": success({"services": [{"ID": "x"}]}),
        GetRaw("/meta/external-services/", NO_TYPE, ANONYMOUS): success({"services": []}),
        GetRaw("/no-such-route", (("http_envelope", "1"),), ANONYMOUS): refusal(404),
    }
    assert {
        name: verdict(name, responses, environment)
        for name in ("services_public", "boolean_case", "empty_map_form", "envelope_everything")
    } == {"services_public": "true", "boolean_case": "exact", "empty_map_form": "array", "envelope_everything": "false"}


NAME = "/sites/ADA.EXAMPLE.COM"
DOTTED = f"{NAME}."


@pytest.mark.parametrize(
    ("sites", "account", "responses", "expected"),
    [
        ([SITE], {}, {DOTTED: success({"ID": 3001})}, "lenient"),
        ([SITE], {}, {DOTTED: refusal(404), NAME: success({"ID": "3001"})}, "usual"),
        ([SITE], {}, {DOTTED: refusal(404, "unknown_blog"), NAME: refusal(404)}, "strict"),
        ([SITE], {}, {DOTTED: success({"ID": 3002})}, "? the response was HTTP 200"),
        ([SITE], {}, {DOTTED: refusal(404), NAME: BROKEN}, UNEXPECTED),
        (
            [SITE],
            {},
            {DOTTED: RawResponse(status=404, failure="refusal", document={"ID": 3001}), NAME: refusal(404)},
            "strict",
        ),
        ([SITE], {"token_site_id": 3001}, {DOTTED: success({"ID": 3001})}, "lenient"),
        ([SITE], {"token_site_id": 3002}, {}, NO_DOMAIN),
        (
            [{**SITE, "ID": 3002, "slug": "b.example.com"}, SITE],
            {"token_site_id": 3001},
            {DOTTED: refusal(500)},
            UNEXPECTED,
        ),
        ([SITE, {**SITE, "ID": 3002}], {}, {}, NO_DOMAIN),
        ([{**SITE, "jetpack": True}], {}, {}, NO_DOMAIN),
        *(
            ([{**SITE, "slug": slug}], {}, {}, NO_DOMAIN)
            for slug in ("xn--ada.example.com", "1.example.com", "localhost", "ada.example.com::x", None)
        ),
    ],
)
def test_spelling_of_the_name_of_a_site(sites: Any, account: Any, responses: Responses, expected: str) -> None:
    given = {**lists(sites=sites, account=account), **responses}
    assert verdict("site_name_form", given) == expected


def test_spelling_of_the_name_of_a_site_without_the_account() -> None:
    responses = {**lists(sites=[SITE], account=BROKEN), DOTTED: success({"ID": 3001})}
    assert verdict("site_name_form", responses) == "lenient"


MANAGED = [{"ID": number, "capabilities": {"manage_options": True}} for number in range(3001, 3006)]
FOREIGN = {"ID": 5009, "site_ID": 3001, "keyring_connection_ID": 2009, "keyring_connection_user_ID": 1009}
NOT_FOREIGN = [
    None,
    {**FOREIGN, "ID": 5010, "keyring_connection_user_ID": 1001},
    {**FOREIGN, "ID": 5011, "keyring_connection_user_ID": None},
    {**FOREIGN, "ID": 0},
]
NOBODYS = "? no connection of another user was found on your sites"
NO_FOREIGN_KEYRING = "? no keyring connection of another user was found on your sites"
NOT_SHARED = "? no shared connection of another user was found on your sites"
READ_FOREIGN = "/me/publicize-connections/5009"
READ_FOREIGN_KEYRING = "/me/keyring-connections/2009"


def site_list(site: int, *entries: Any) -> dict[Any, RawResponse]:
    """Return the publicize connections of a site."""
    return {f"/sites/{site}/publicize-connections/": success({"connections": list(entries)})}


@pytest.mark.parametrize(
    ("response", "expected"),
    [
        (refusal(404), "not_found"),
        (refusal(404, "not_found"), "not_found"),
        (refusal(403, "authorization_required"), "authorization_required"),
        (refusal(403, "ada"), "? the response was HTTP 403 ada"),
        (refusal(500), UNEXPECTED),
        (RawResponse(status=404, failure="refusal"), "? the response was HTTP 404"),
        (success(FOREIGN), "? the response was HTTP 200"),
    ],
)
def test_reading_what_is_owned_by_another_user(response: RawResponse, expected: str) -> None:
    responses = {**lists(sites=MANAGED[:1]), **site_list(3001, *NOT_FOREIGN, FOREIGN)}
    assert verdict("foreign_publicize", {**responses, READ_FOREIGN: response}) == expected
    assert verdict("foreign_keyring", {**responses, READ_FOREIGN_KEYRING: response}) == expected


NOBODY = [site_list(number) for number in range(3001, 3006)]


@pytest.mark.parametrize(
    ("responses", "expected"),
    [
        (lists(account=BROKEN), f"{NO_ACCOUNT}, so it is not known which connections are owned by other users"),
        (lists(sites=BROKEN), "? /me/sites could not be read"),
        (lists(pc=BROKEN), "? /me/publicize-connections/ could not be read"),
        (lists(sites=[{"ID": 3001}]), NOBODYS),
        *(
            (lists(sites=[{"ID": 3001, "capabilities": capabilities}]), NOBODYS)
            for capabilities in ({}, {"manage_options": 1}, {"edit_posts": True}, [True])
        ),
        ({**lists(sites=MANAGED[:1]), **site_list(3001, *NOT_FOREIGN)}, NOBODYS),
        # No more than three sites are read.
        ({**lists(sites=MANAGED), **NOBODY[0], **NOBODY[1], **NOBODY[2]}, NOBODYS),
        ({**lists(sites=MANAGED), **NOBODY[0], **NOBODY[1], **site_list(3003, FOREIGN)}, "not_found"),
        # One that cannot be read is passed over.
        (
            {
                **lists(sites=MANAGED),
                "/sites/3001/publicize-connections/": refusal(403, "x"),
                **site_list(3002, FOREIGN),
            },
            "not_found",
        ),
        # The primary site comes first, then those with most connections.
        ({**lists(sites=MANAGED, account={"primary_blog": 3005}), **site_list(3005, FOREIGN)}, "not_found"),
        (
            {
                **lists(
                    sites=MANAGED,
                    account={"primary_blog": 3001},
                    pc=[{"ID": 1, "site_ID": "3004"}, {"ID": 2, "site_ID": 3003}, {"ID": 3, "site_ID": 3004}],
                ),
                **NOBODY[0],
                **site_list(3004, FOREIGN),
            },
            "not_found",
        ),
        (
            {
                **lists(sites=MANAGED[:1]),
                "/sites/3001/publicize-connections/": success({"connections": {"4": FOREIGN}}),
            },
            "not_found",
        ),
        # One that is shared can be seen anyway.
        (
            {**lists(sites=MANAGED[:1]), **site_list(3001, {**FOREIGN, "ID": 5008, "shared": True}, FOREIGN)},
            "not_found",
        ),
    ],
)
def test_where_a_connection_of_another_user_is_found(responses: Responses, expected: str) -> None:
    assert verdict("foreign_publicize", {**responses, READ_FOREIGN: refusal(404)}) == expected


@pytest.mark.parametrize(
    ("listed", "entries", "expected"),
    [
        ([], [FOREIGN], "not_found"),
        ([{"ID": "2009"}], [FOREIGN], NO_FOREIGN_KEYRING),
        ([], [{**FOREIGN, "keyring_connection_ID": None}], NO_FOREIGN_KEYRING),
        ([{"ID": 2008}], [{**FOREIGN, "keyring_connection_ID": 2008}, FOREIGN], "not_found"),
        (
            [],
            [{**FOREIGN, "keyring_connection_ID": 2008, "status": "broken"}, {**FOREIGN, "status": "ok"}],
            "not_found",
        ),
    ],
)
def test_which_keyring_connection_of_another_user_is_read(listed: Any, entries: Any, expected: str) -> None:
    responses = {**lists(sites=MANAGED[:1], kc=listed), **site_list(3001, *entries)}
    assert verdict("foreign_keyring", {**responses, READ_FOREIGN_KEYRING: refusal(404)}) == expected


@pytest.mark.parametrize(
    ("entries", "response", "expected"),
    [
        ([FOREIGN], BROKEN, NOT_SHARED),
        ([{**FOREIGN, "ID": 5008}, {**FOREIGN, "shared": True}], success({"keyring_connection_ID": 2009}), "full"),
        ([{**FOREIGN, "shared": True}], success({"ID": 5009}), "reduced"),
        ([{**FOREIGN, "shared": True}], BROKEN, UNEXPECTED),
    ],
)
def test_how_much_of_a_shared_connection_is_shown(entries: Any, response: RawResponse, expected: str) -> None:
    responses = {**lists(sites=MANAGED[:1]), **site_list(3001, *entries)}
    assert verdict("read_only_form", {**responses, "/sites/3001/publicize-connections/5009": response}) == expected


def test_time_of_an_uncertainty_is_that_of_its_own_requests() -> None:
    answers = {
        "/me": success(ACCOUNT, seconds=0.5),
        NO_SUCH_KEYRING: refusal(404, seconds=0.25),
        NO_DIGITS: refusal(400, "invalid_input", seconds=1.0),
        ROUTE: success(ENVELOPE, seconds=2.0),
    }
    seen = observe(answers)
    seen.first()
    names = ("keyring_not_found_form", "non_digit_id", "envelope_everything", "token_scope_form", "stale_session")
    assert [OF_NAME[name].check(seen).seconds for name in names] == [0.25, 1.0, 2.0, 0.0, 0.0]


@pytest.mark.parametrize("problem", [TypeError, ValueError, KeyError, AttributeError, IndexError])
def test_response_of_an_unexpected_form_is_on_no_side(problem: type[Exception]) -> None:
    def side(_seen: Any) -> str:
        raise problem

    check = Uncertainty("x", ("a", "b"), "what x is", side).check(observe())
    assert check == Check(
        "uncertainty_x",
        "warning",
        "other: what x is (expected: a, b)",
        hint="This form is not known to community.wpcom: attach the report to an issue.",
        facts={"side": "other"},
    )
