# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The doctor names the side of each uncertainty that the switch of the simulator is on, whichever it is."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.community.wpcom.plugins.module_utils._plan.diagnosis_uncertainties import UNCERTAINTIES
from ansible_collections.community.wpcom.tests.simulator import Simulator
from ansible_collections.community.wpcom.tests.simulator.switches import BY_NAME, SWITCHES
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
