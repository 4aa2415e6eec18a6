# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Each switch turns what it says."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import requests

from .. import Simulator, SwitchError
from ..switches import SWITCHES, checked, defaults
from .conftest import Client, error
from .oauth_client import CLASSIC, REDIRECT, OAuthClient, classic_token, modern_token, refreshed

NEW = "/sites/3002/publicize-connections/new"


def get(path: str, token: str = "sim-token", **query: Any) -> Callable[[Simulator], Any]:
    """Make a probe that reads: status and body."""

    def probe(simulator: Simulator) -> Any:
        answer = Client(simulator, token or None).get(path, **query)
        return answer.status_code, answer.json() if answer.content else None

    return probe


def post(path: str, body: Any = None, token: str = "sim-token") -> Callable[[Simulator], Any]:
    """Make a probe that writes: status and body."""

    def probe(simulator: Simulator) -> Any:
        answer = Client(simulator, token).post(path, body)
        return answer.status_code, answer.json() if answer.content else None

    return probe


def created_without_external_user(simulator: Simulator) -> tuple[int, Any]:
    """Create a Facebook connection without naming a page; return the status and the external user that it got."""
    status, body, *_more = post(NEW, {"keyring_connection_ID": 2001})(simulator)
    return status, body.get("external_ID")


def key(probe: Callable[[Simulator], Any], *names: Any) -> Callable[[Simulator], Any]:
    """Make a probe that looks at one place of a body."""

    def look(simulator: Simulator) -> Any:
        value = probe(simulator)[1]
        for name in names:
            value = value.get(name, "absent") if isinstance(value, dict) else value[name]
        return value

    return look


def slug(probe: Callable[[Simulator], Any]) -> Callable[[Simulator], Any]:
    """Make a probe that looks at status and slug."""

    def look(simulator: Simulator) -> Any:
        status, body = probe(simulator)
        return status, body.get("error") if isinstance(body, dict) else None

    return look


def token_info(simulator: Simulator) -> Any:
    """Look at the blog in token-info."""
    url = simulator.url + "/oauth2/token-info?client_id=50001&token=sim-token"
    return Client(simulator).session.get(url, timeout=5).json()["blog_id"]


def limit(simulator: Simulator) -> Any:
    """Look at being throttled."""
    simulator.fault(kind="limit_reached")
    answer = Client(simulator).get("/me")
    return answer.status_code, "Limit reached" in answer.text


def refresh_keys(simulator: Simulator) -> Any:
    """Look at the spelling in both kinds of connections."""
    client = Client(simulator)
    return [
        name
        for path in ("/me/publicize-connections/5001", "/me/keyring-connections/2001")
        for name in client.get(path).json()
        if name.lower() == "refresh_url"
    ]


def kinds(probe: Callable[[Simulator], Any]) -> Callable[[Simulator], Any]:
    """Make a probe that replaces digits, so that dates compare."""
    return lambda simulator: re.sub(r"\d", "9", repr(probe(simulator)))


def after_delete(simulator: Simulator) -> Any:
    """Look whether what was deleted is there in the next reads."""
    client = Client(simulator)
    client.post("/me/publicize-connections/5002/delete")
    path = "/me/publicize-connections/5002"
    first = client.get(path).status_code, client.get(path).status_code
    client.post("/me/publicize-connections/5001/delete")
    return first, [5001 in client.ids("/sites/3001/publicize-connections") for _turn in range(2)]


def after_create(simulator: Simulator) -> Any:
    """Look whether what was made is there in the next reads."""
    client = Client(simulator)
    client.post(NEW, {"keyring_connection_ID": 2003})
    first = [5016 in client.ids("/me/publicize-connections") for _turn in range(2)]
    client.post(NEW, {"keyring_connection_ID": 2004})
    path = "/me/publicize-connections/5017"
    return first, (client.get(path).status_code, client.get(path).status_code)


def last_one(simulator: Simulator) -> Any:
    """Look whether a keyring connection goes with its last publicize connection, and not before."""
    client = Client(simulator)
    client.post("/me/publicize-connections/5002/delete")
    first = client.get("/me/keyring-connections/2003").status_code
    client.post("/me/publicize-connections/5007/delete")
    return first, client.get("/me/keyring-connections/2003").status_code


def duplicate(simulator: Simulator) -> Any:
    """Look at what creating the same again does."""
    client = Client(simulator)
    answer = client.post("/sites/3001/publicize-connections/new", {"keyring_connection_ID": 2003, "shared": True})
    body = answer.json()
    count = client.ids("/sites/3001/publicize-connections", keyring_connection_ID=2003)
    return answer.status_code, body.get("ID"), body.get("error"), len(count)


def fresh_page(simulator: Simulator) -> Any:
    """Look which external users are accepted."""
    client = Client(simulator)
    return [
        client.post("/me/publicize-connections/5001", {"external_user_ID": user}).status_code
        for user in ("112", "113", "999")
    ]


def refused_duplicate(simulator: Simulator) -> Any:
    """Look at the error for what already exists."""
    simulator.settings(switches={"create_duplicate": "error"})
    status, _id, code, _count = duplicate(simulator)
    return status, code


def changed_and_created_page(simulator: Simulator) -> Any:
    """Look whether a page is taken where a connection is changed, and where one is made."""
    changed = post(PUBLICIZE, {"external_user_ID": "212"})(simulator)[1]["external_ID"]
    body = {"keyring_connection_ID": 2001, "external_user_ID": "112"}
    status, made = post("/sites/3006/publicize-connections/new", body)(simulator)
    assert status == 200
    return changed, made["external_ID"]


def shared_domain(simulator: Simulator) -> Any:
    """Give two sites one domain, and look which one it means, also after the other was there first."""
    found = []
    for first, second in ((3001, 3006), (3006, 3001)):
        for number in (first, second):
            simulator.patch(sites=[{"ID": number, "slug": "shared.example.com"}])
        found.append(get("/sites/shared.example.com")(simulator)[1]["ID"])
    return found


def last_entries(simulator: Simulator) -> Any:
    """Look at the entries after the records in four lists: their ID, or their keys where they have none."""
    client = Client(simulator)
    seen = []
    for path, name in (
        ("/me/publicize-connections", "connections"),
        ("/me/keyring-connections", "connections"),
        ("/me/connected-applications", "connected_applications"),
        ("/me/sites", "sites"),
    ):
        extra = [row for row in client.get(path).json()[name] if not (row and row.get("ID") and row["ID"] != "0")]
        seen.append(
            [
                None if row is None else ("null" if row["ID"] is None else row["ID"]) if "ID" in row else list(row)
                for row in extra
            ]
        )
    return seen


HOSTILE = '<b>Tom & "Jerry\'s"</b>'
ESCAPED = ["&lt;b&gt;Tom &amp; &quot;Jerry&#039;s&quot;&lt;/b&gt;"] * 9


def names_of_everything(simulator: Simulator) -> list[Any]:
    """Give everything the same name, and look at all places where it is seen."""
    names = {"external_name": HOSTILE, "external_display": HOSTILE}
    simulator.patch(
        sites=[{"ID": 3001, "name": HOSTILE}],
        applications=[{"ID": 7003, "title": HOSTILE}],
        keyring_connections=[
            {"ID": 2003, **names},
            {"ID": 2002, "additional_external_users": [{"external_ID": "211", **names}]},
        ],
    )
    client = Client(simulator)
    keyring = client.get("/me/keyring-connections/2003").json()
    page = client.get("/me/keyring-connections/2002").json()["additional_external_users"][0]
    publicize = client.get("/me/publicize-connections/5002").json()
    application = client.get("/me/connected-applications/7003").json()
    return [
        *(record[key] for record in (keyring, page, publicize) for key in names),
        application["title"],
        application["site"]["site_name"],
        client.get("/sites/3001").json()["name"],
    ]


KEYRING = "/me/keyring-connections/2002"
PUBLICIZE = "/me/publicize-connections/5010"
APPLICATION = get("/me/connected-applications/7001")
OTHER = {"shared": False}


# Switch -> the probe, and what it finds for each value.
def oauth_error(simulator: Simulator) -> Any:
    """Look at status and slug of an error of OAuth."""
    answer = OAuthClient(simulator).post("token")
    return answer.status_code, answer.json()["error"]


def expiry(simulator: Simulator) -> Any:
    """Look at what a classic and a newer token say about how long they are valid."""
    return [token.get("expires_in", "absent") for token in (classic_token(simulator), modern_token(simulator))]


def after_refresh(simulator: Simulator) -> Any:
    """Look whether refreshing gives a refresh token, if it is the old one, and whether that is still valid."""
    token = modern_token(simulator)
    second = refreshed(simulator, token).json().get("refresh_token")
    return second and second == token["refresh_token"], refreshed(simulator, token).status_code


def after_code_reuse(simulator: Simulator) -> Any:
    """Look whether a token survives that its code is used again."""
    client = OAuthClient(simulator)
    code = client.decide()["code"]
    token = client.exchange(code).json()["access_token"]
    return client.exchange(code).json()["error"], Client(simulator, token).get("/me").status_code


def other_port(simulator: Simulator) -> Any:
    """Look at the page for a redirect to another port than the registered one."""
    client = OAuthClient(simulator, "/oauth2-1")
    query = {**CLASSIC, "client_id": client.register().json()["client_id"]}
    return client.page(**{**query, "redirect_uri": REDIRECT.replace("8765", "8766")}).status_code


def password(client_id: str, secret: str, username: str, password: str) -> Callable[[Simulator], Any]:
    """Make a probe of a password: the error, or none."""
    form = {"client_id": client_id, "client_secret": secret, "username": username, "password": password}
    return lambda simulator: OAuthClient(simulator).post("token", grant_type="password", **form).json().get("error")


CASES: dict[str, tuple[Callable[[Simulator], Any], dict[Any, Any]]] = {
    "invalid_token_status": (
        slug(get("/me", token="wrong")),
        {400: (400, "invalid_token"), 401: (401, "invalid_token")},
    ),
    "stale_session": (
        slug(get("/me", token="sim-token-stale")),
        {"applications": (200, None), "everywhere": (401, "reauthorization_required")},
    ),
    "me_scope": (
        slug(get("/me", token="sim-token-sharing")),
        {"strict": (403, "authorization_required"), "any": (200, None)},
    ),
    "site_token_account": (
        lambda simulator: [
            get(path, token="sim-token-site")(simulator)[0]
            for path in ("/me/keyring-connections", "/me/connected-applications", "/me", "/me/publicize-connections")
        ],
        {"allowed": [200, 200, 200, 200], "refused": [403, 403, 200, 200]},
    ),
    "empty_token_scope_form": (
        key(get("/me", token="sim-token-site"), "token_scope"),
        {"empty": [], "blank": [""]},
    ),
    "token_scope_form": (key(get("/me"), "token_scope"), {"list": ["global"], "text": "global"}),
    "token_site_unbound": (
        lambda simulator: repr(get("/me")(simulator)[1]["token_site_id"]),
        {"false": "False", "zero": "0"},
    ),
    "token_info_unbound_blog": (token_info, {"0": "0", "": "", None: None}),
    "token_info_bad_token": (
        lambda simulator: requests.get(
            simulator.url + "/oauth2/token-info", params={"client_id": "50001", "token": "nonsense"}, timeout=5
        ).json()["error"],
        {"invalid_token": "invalid_token", "invalid_request": "invalid_request"},
    ),
    "oauth_error_status": (oauth_error, {status: (status, "unsupported_grant_type") for status in (400, 403, 409)}),
    "oauth_scope_form": (
        lambda simulator: classic_token(simulator, "users sharing").get("scope", "absent"),
        {"text": "users sharing", "list": ["users", "sharing"], "absent": "absent"},
    ),
    "oauth_unbound_blog": (
        lambda simulator: classic_token(simulator)["blog_id"],
        {"0": "0", None: None},
    ),
    "oauth_lifetime": (
        lambda simulator: modern_token(simulator)["expires_in"],
        {seconds: seconds for seconds in (1209600, 3600, 60, 1)},
    ),
    "oauth_classic_expiry": (expiry, {False: ["absent", 1209600], True: [1209600, 1209600]}),
    "oauth_expires_in": (
        expiry,
        {"number": ["absent", 1209600], "text": ["absent", "1209600"], "absent": ["absent", "absent"]},
    ),
    "oauth_refresh_token": (
        lambda simulator: "refresh_token" in modern_token(simulator),
        {True: True, False: False},
    ),
    "oauth_rotation": (after_refresh, {"rotate": (False, 400), "keep": (True, 200), "omit": (None, 200)}),
    "oauth_code_reuse": (after_code_reuse, {"refuse": ("invalid_grant", 200), "revoke": ("invalid_grant", 400)}),
    "oauth_denial_state": (
        lambda simulator: OAuthClient(simulator).decide("deny").get("state"),
        {"present": "s1", "absent": None},
    ),
    "oauth_registration": (
        lambda simulator: OAuthClient(simulator, "/oauth2-1").register().status_code,
        {"open": 201, "closed": 403},
    ),
    "oauth_registration_status": (
        lambda simulator: OAuthClient(simulator, "/oauth2-1").register().status_code,
        {201: 201, 200: 200},
    ),
    "oauth_loopback_port": (other_port, {"any": 302, "exact": 400}),
    "oauth_password_grant": (
        password("60001", "sim-client-secret", "ada", "lovelace-1843"),
        {"open": None, "closed": "unsupported_grant_type"},
    ),
    "oauth_two_factor_slug": (
        password("60002", "sim-client-secret-grace", "grace", "hopper-1952"),
        {"needs_2fa": "needs_2fa", "invalid_request": "invalid_request"},
    ),
    "oauth_modern_sharing": (
        lambda simulator: [
            Client(simulator, token["access_token"]).get("/me/publicize-connections").status_code
            for token in (classic_token(simulator), modern_token(simulator))
        ],
        {True: [200, 200], False: [200, 403]},
    ),
    "services_public": (
        slug(get("/meta/external-services", token="")),
        {True: (200, None), False: (403, "authorization_required")},
    ),
    "sites_public": (
        slug(get("/sites/3001", token="")),
        {True: (200, None), False: (403, "authorization_required")},
    ),
    "throttle_form": (limit, {"html500": (500, True), "html503": (503, True), "json429": (429, False)}),
    "keyring_not_found_form": (
        slug(get("/me/keyring-connections/1")),
        {"not_found": (404, "not_found"), "empty": (404, None)},
    ),
    "external_user_error_slug": (
        slug(post(PUBLICIZE, {"external_user_ID": "9"})),
        {"invalid_input": (400, "invalid_input"), "bad_user": (400, "bad_user")},
    ),
    "unsupported_service_slug": (
        slug(post(NEW, {"keyring_connection_ID": 2008})),
        {"insert_error": (400, "insert_error"), "dead_service": (400, "dead_service")},
    ),
    "foreign_keyring": (
        slug(get("/me/keyring-connections/2101")),
        {"authorization_required": (403, "authorization_required"), "not_found": (404, "not_found")},
    ),
    "foreign_publicize": (
        slug(get("/me/publicize-connections/5005")),
        {"authorization_required": (403, "authorization_required"), "not_found": (404, "not_found")},
    ),
    "foreign_write": (
        slug(post("/sites/3001/publicize-connections/5012/delete")),
        {"refuse": (403, "authorization_required"), "editors": (200, None)},
    ),
    "non_digit_id": (
        slug(get("/me/publicize-connections/abc")),
        {"empty": (404, None), "invalid_input": (400, "invalid_input")},
    ),
    "site_name_form": (
        lambda simulator: [
            get("/sites/" + name)(simulator)[0]
            for name in ("blog.example.com", "Blog.Example.com", "blog.example.com.", "blog.example.com:443")
        ],
        {"usual": [200, 200, 404, 404], "strict": [200, 404, 404, 404], "lenient": [200, 200, 200, 200]},
    ),
    "shared_domain": (shared_domain, {"wordpress": [3001, 3001], "jetpack": [3006, 3006]}),
    "message_language": (
        lambda simulator: "nicht" in get("/me/publicize-connections/1")(simulator)[1]["message"],
        {"english": False, "german": True},
    ),
    "boolean_case": (
        key(post("/me/publicize-connections/5002", {"shared": "TRUE"}), "shared"),
        {"exact": False, "insensitive": True},
    ),
    "create_duplicate": (
        duplicate,
        {
            "existing": (200, 5002, None, 1),
            "second": (200, 5016, None, 2),
            "error": (400, None, "insert_error", 1),
            "error_any_user": (400, None, "insert_error", 1),
        },
    ),
    "duplicate_status": (
        refused_duplicate,
        {400: (400, "insert_error"), 403: (403, "insert_error"), 409: (409, "insert_error")},
    ),
    "duplicate_slug": (refused_duplicate, {"insert_error": (400, "insert_error"), "exists": (400, "exists")}),
    "external_users_only": (
        created_without_external_user,
        {"refuse": (400, None), "accept": (200, "900001"), "first": (200, "111")},
    ),
    "external_user_check": (
        fresh_page,
        {"cached": [200, 400, 400], "fresh": [200, 200, 400], "none": [200, 200, 200]},
    ),
    "reset_without_support": (
        slug(post("/me/publicize-connections/5002", {"external_user_ID": False})),
        {"accept": (200, None), "refuse": (400, "invalid_input")},
    ),
    "drop_external_user": (
        changed_and_created_page,
        {False: ("212", "112"), True: ("211", "900001"), "update": ("211", "112")},
    ),
    "drop_shared": (key(post(PUBLICIZE, {"shared": True}), "shared"), {False: True, True: False}),
    "delete_keyring_with_last": (last_one, {False: (200, 200), True: (200, 404)}),
    "delete_read_back": (
        after_delete,
        {"gone": ((404, 404), [False, False]), "lingers": ((200, 404), [True, False])},
    ),
    "create_read_back": (
        after_create,
        {"there": ([True, True], (200, 200)), "late": ([False, True], (404, 200))},
    ),
    "bad_entries": (
        last_entries,
        {
            "none": [[], [], [], []],
            "no_id": [[["meta"]], [["meta"]], [["meta"]], [["meta"]]],
            "zero_id": [[0], [0], ["0"], [0]],
            "null_id": [["null"], ["null"], ["null"], ["null"]],
            "null": [[None], [None], [None], [None]],
            "all": [
                [["meta"], 0, "null", None],
                [["meta"], 0, "null", None],
                [["meta"], "0", "null", None],
                [["meta"], 0, "null", None],
            ],
        },
    ),
    "php_gaps": (
        lambda simulator: [
            get("/me/keyring-connections/2002")(simulator)[1]["sites"],
            type(get("/me/keyring-connections")(simulator)[1]["connections"]).__name__,
            type(get("/meta/external-services")(simulator)[1]["services"]["linkedin"]["warnings"]).__name__,
        ],
        {
            "none": [["3003"], "list", "list"],
            "inner": [{"1": "3003"}, "list", "dict"],
            "everywhere": [{"1": "3003"}, "dict", "dict"],
        },
    ),
    "html_names": (names_of_everything, {True: ESCAPED, False: [HOSTILE] * len(ESCAPED)}),
    "lone_surrogates": (
        lambda simulator: [
            get("/me/publicize-connections/5001")(simulator)[1]["external_name"],
            get("/me/connected-applications/7001")(simulator)[1]["title"],
        ],
        {False: ["Analytical Engines", "VaultPress"], True: ["Analytical Engines \ud83d", "VaultPress \ud83d"]},
    ),
    "never_form": (
        lambda simulator: [
            get(path)(simulator)[1].get("expires", "absent")
            for path in ("/me/publicize-connections/5001", "/me/keyring-connections/2001")
        ],
        {"date": ["0000-00-00 00:00:00"] * 2, "null": [None] * 2, "absent": ["absent"] * 2},
    ),
    "keyring_user_id": (
        key(get(KEYRING), "user_ID"),
        {"present": 1001, "zero": 0, "absent": "absent"},
    ),
    "pc_date_form": (
        kinds(key(get(PUBLICIZE), "expires")),
        {
            "space": "'9999-99-99 99:99:99'",
            "squeezed": "'9999-99-9999:99:99'",
            "iso": "'9999-99-99T99:99:99+99:99'",
        },
    ),
    "kc_expires_form": (
        kinds(key(get(KEYRING), "expires")),
        {
            "zone-less": "'9999-99-99 99:99:99'",
            "unix_int": "9999999999",
            "unix_str": "'9999999999'",
            "iso": "'9999-99-99T99:99:99+99:99'",
        },
    ),
    "refresh_url_spelling": (
        refresh_keys,
        {"refresh_URL": ["refresh_URL"] * 2, "refresh_url": ["refresh_url"] * 2},
    ),
    "connect_url_spelling": (
        lambda simulator: [
            name for name in get("/meta/external-services/slack")(simulator)[1] if name.lower() == "connect_url"
        ],
        {"connect_URL": ["connect_URL"], "connect_url": ["connect_url"]},
    ),
    "application_form": (
        lambda simulator: {
            name: value
            for name, value in APPLICATION(simulator)[1].items()
            if name in ("ID", "connection_ID", "site", "blog")
        },
        {
            "wire": {"ID": "7001", "site": False},
            "docs": {"connection_ID": 7001, "blog": False},
            "example": {"ID": "7001", "blog": False},
        },
    ),
    "sites_string_ids": (key(get(KEYRING), "sites"), {True: ["3003"], False: [3003]}),
    "pc_url": (
        key(get("/me/publicize-connections/5001"), "URL"),
        {"absent": "absent", "null": None, "url": "https://facebook.example.com/111"},
    ),
    "own_read_only": (
        key(get("/sites/3001/publicize-connections/5001"), "read_only"),
        {"present": False, "absent": "absent"},
    ),
    "read_only_form": (
        lambda simulator: [
            "refresh_URL" in get("/sites/3001/publicize-connections/5005")(simulator)[1],
            get("/sites/3001/publicize-connections/5005")(simulator)[1]["read_only"],
        ],
        {"reduced": [False, True], "full": [True, True]},
    ),
    "user_id_filter": (
        lambda simulator: Client(simulator).ids("/sites/3001/publicize-connections", user_id=1002),
        {"owner": [5005, 5006], "user_ID": [5006]},
    ),
    "fields_on_applications": (
        lambda simulator: get("/me/connected-applications", fields="ID")(simulator)[1],
        {"list": {"connected_applications": []}, "object": {}, "array": []},
    ),
    "empty_map_form": (
        key(get("/meta/external-services", type="nothing"), "services"),
        {"object": {}, "array": []},
    ),
    "envelope_everything": (
        lambda simulator: Client(simulator).get("/nothing", http_envelope=1).status_code,
        {True: 200, False: 404},
    ),
    "links_to": (
        lambda simulator: get("/me")(simulator)[1]["meta"]["links"]["self"].startswith(simulator.url),
        {"wordpress": False, "simulator": True},
    ),
}


def _cases() -> list[Any]:
    return [
        pytest.param(name, value, probe, found, id=f"{name}={value}")
        for name, (probe, values) in CASES.items()
        for value, found in values.items()
    ]


@pytest.mark.parametrize(("name", "value", "probe", "found"), _cases())
def test_switch(simulator: Simulator, name: str, value: Any, probe: Callable[[Simulator], Any], found: Any) -> None:
    """The switch does what its value says."""
    simulator.settings(switches={name: value})
    assert probe(simulator) == found


@pytest.mark.parametrize(
    ("form", "never", "found"),
    [
        ("unix_int", "zero_date", "0000-00-00 00:00:00"),
        ("unix_int", "zero", 0),
        ("unix_str", "zero", "0"),
        ("zone-less", "zero", "0000-00-00 00:00:00"),
        ("iso", "zero", "0000-00-00T00:00:00+00:00"),
    ],
)
def test_never_of_keyring_connections(simulator: Simulator, form: str, never: str, found: object) -> None:
    """Never has its own form among unix times."""
    simulator.settings(switches={"kc_expires_form": form, "kc_unix_never": never})
    assert Client(simulator).get("/me/keyring-connections/2001").json()["expires"] == found


def test_every_value_of_every_switch_is_tested() -> None:
    """No switch is without a test, at each of its values."""
    for switch in SWITCHES:
        if switch.name == "kc_unix_never":
            continue
        assert switch.name in CASES
        assert set(switch.choices or (switch.default,)) <= set(CASES[switch.name][1])


def test_every_switch_is_in_the_readme() -> None:
    """The table in the README has every switch, with its default and its values."""
    text = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
    rows = dict(re.findall(r"^\| `(\w+)` \| (.*) \|$", text, re.M))
    for switch in SWITCHES:
        assert readme_row(switch) == rows[switch.name]
    assert set(rows) >= {switch.name for switch in SWITCHES}


def readme_row(switch: Any) -> str:
    """Return what the README says about a switch."""
    shown = [_shown(choice) for choice in switch.choices] if switch.choices else ["any slug"]
    return f"{_shown(switch.default)} | {', '.join(shown)} | {switch.meaning}"


def _shown(value: Any) -> str:
    if value is None:
        return "`null`"
    return (
        f"`{str(value).lower()}`" if isinstance(value, bool) else f'`"{value}"`' if value in ("", "0") else f"`{value}`"
    )


def test_switches_by_text() -> None:
    """Values may come as text, as they do on a command line."""
    assert checked({"invalid_token_status": "401", "drop_shared": "true", "token_info_unbound_blog": 0}) == {
        "invalid_token_status": 401,
        "drop_shared": True,
        "token_info_unbound_blog": "0",
    }
    assert checked(defaults()) == defaults()


@pytest.mark.parametrize(
    "given", [{"nothing": 1}, {"drop_shared": 1}, {"invalid_token_status": 402}, {"external_user_error_slug": ""}]
)
def test_bad_switches(given: dict[str, Any]) -> None:
    """A switch that is not there, or a value that it does not have, is named."""
    with pytest.raises(SwitchError, match=next(iter(given))):
        checked(given)


def test_switches_from_the_start() -> None:
    """Switches given at the start survive a reset, those given later do not."""
    with Simulator(switches={"invalid_token_status": 401}) as simulator:
        simulator.settings(switches={"drop_shared": True})
        simulator.reset()
        assert simulator.settings()["switches"] == {**defaults(), "invalid_token_status": 401}
        assert error(Client(simulator, "wrong").get("/me")) == (401, "invalid_token")
        simulator.reset(switches={"invalid_token_status": 400})
        assert error(Client(simulator, "wrong").get("/me")) == (400, "invalid_token")
