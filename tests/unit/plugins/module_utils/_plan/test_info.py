# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What ``wpcom_connection_info`` gathers, by which requests."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.community.wpcom.tests.simulator import Simulator
from ansible_collections.community.wpcom.tests.unit.support import brief, run

MINE = [5001, 5002, 5003, 5004, 5007, 5008, 5009, 5010, 5011, 5013, 5014, 5015]
ALL = ["publicize", "keyring", "applications", "services", "account"]


def gathered(simulator: Simulator, **task: Any) -> dict[str, Any]:
    """Return the result of a task, which is the same in check mode and changes nothing."""
    simulator.clear_requests()
    outcome = run("info", simulator.url, **task)
    assert not outcome.failed, outcome.result
    assert outcome.result["changed"] is False
    assert "diff" not in outcome.result
    assert simulator.requests("POST") == []
    return outcome.result


def ids(records: list[dict[str, Any]]) -> list[Any]:
    """Return the IDs of records."""
    return [record["id"] for record in records]


def test_all(simulator: Simulator) -> None:
    """Everything takes one request each."""
    result = gathered(simulator, gather=ALL)
    assert sorted(set(result) - {"changed"}) == [
        "account",
        "connected_applications",
        "keyring_connections",
        "publicize_connections",
        "services",
    ]
    assert len(simulator.requests()) == 5
    assert ids(result["publicize_connections"]) == MINE
    assert ids(result["keyring_connections"]) == list(range(2001, 2012))
    assert ids(result["connected_applications"]) == [7001, 7002, 7003, 7004, 7005]
    assert ids(result["services"])[:3] == ["facebook", "instagram-business", "linkedin"]
    assert result["account"]["token_scope"] == ["global"]
    assert result["account"]["token_site_id"] is None
    assert "sim-token" not in str(result)


def test_only_what_is_asked_for(simulator: Simulator) -> None:
    """The default is connections; other keys are not there."""
    assert set(gathered(simulator)) == {"changed", "publicize_connections", "keyring_connections"}
    for name, key in (("account", "account"), ("services", "services"), ("applications", "connected_applications")):
        assert set(gathered(simulator, gather=[name])) == {"changed", key}
        assert len(simulator.requests()) == 1
    assert gathered(simulator, gather=["account", "account"])["account"]["id"] == 1001
    assert len(simulator.requests()) == 1


@pytest.mark.parametrize(
    ("task", "told"),
    [
        ({"gather": []}, "gather is empty"),
        ({"id": 0}, "id must be a positive number"),
        ({"user_id": -1}, "user_id must be a positive number"),
        ({"keyring_connection_id": 0}, "keyring_connection_id must be a positive number"),
        ({"application_id": 0, "gather": ["applications"]}, "application_id must be a positive number"),
        ({"id": 5001, "gather": ["keyring"]}, "id has no effect here: add publicize to gather"),
        ({"user_id": 1001, "gather": ["account"]}, "user_id has no effect here"),
        ({"site": ["3001"], "gather": ["services"]}, "site has no effect here: add publicize or keyring"),
        ({"service": "facebook", "gather": ["applications"]}, "service has no effect here"),
        ({"application_id": 7001}, "application_id has no effect here: add applications"),
        ({"id": 5001, "site": ["3001", "3002"]}, "at most one site"),
        ({"expiring_within": -1}, "expiring_within must be from 0 to 36500 days"),
        ({"site": ["3001", "x y"]}, "site must be the numeric ID or the domain"),
        ({"service": "foo/bar", "gather": ["keyring"]}, "service must be the ID of a service"),
    ],
)
def test_bad_options(simulator: Simulator, task: dict[str, Any], told: str) -> None:
    """An option that would be ignored is an error, told by name before anything is sent."""
    outcome = run("info", simulator.url, **task)
    assert outcome.failed
    assert outcome.result["error"]["code"] == "invalid_option"
    assert told in outcome.result["msg"]
    assert simulator.requests() == []


@pytest.mark.parametrize(
    ("task", "publicize", "keyring"),
    [
        ({"site": ["3001"]}, [5001, 5002, 5005, 5006, 5012], [2001, 2003]),
        (
            {"site": ["blog.example.com", "3002"]},
            [5001, 5002, 5005, 5006, 5012, 5003, 5004, 5014],
            [2001, 2003, 2006, 2007],
        ),
        ({"service": "facebook"}, [5001, 5003], [2001]),
        ({"service": "FaceBook"}, [5001, 5003], [2001]),
        ({"site": ["3001"], "service": "mastodon"}, [5002, 5006, 5012], [2003]),
        ({"keyring_connection_id": 2003}, [5002, 5007], [2003]),
        ({"keyring_connection_id": 2999}, [], []),
        ({"keyring_connection_id": 2003, "service": "facebook"}, [], []),
        ({"service": "nonsense"}, [], []),
        ({"id": 5003}, [5003], list(range(2001, 2012))),
        ({"id": 5999}, [], list(range(2001, 2012))),
        ({"id": 5003, "site": ["3002"]}, [5003], [2001, 2006, 2007]),
        ({"id": 5003, "site": ["3001"]}, [], [2001, 2003]),
        ({"user_id": 1001}, MINE, list(range(2001, 2012))),
        ({"user_id": 1002, "site": ["3001"]}, [5005, 5006], [2001, 2003]),
        ({"user_id": 1004, "site": ["3001"]}, [5012], [2001, 2003]),
        ({"id": 5003, "service": "mastodon"}, [], [2003, 2004]),
    ],
)
def test_filters(simulator: Simulator, task: dict[str, Any], publicize: list[int], keyring: list[int]) -> None:
    """Each option narrows down what it can, and nothing comes twice."""
    result = gathered(simulator, **task)
    assert ids(result["publicize_connections"]) == publicize
    assert ids(result["keyring_connections"]) == keyring


def test_user_filter_of_the_other_kind(simulator: Simulator) -> None:
    """Whatever the server's filter looks at, the owner's shared connections are found."""
    simulator.settings(switches={"user_id_filter": "user_ID"})
    result = gathered(simulator, user_id=1002, site=["3001"])
    assert ids(result["publicize_connections"]) == [5005, 5006]


def test_other_things_by_name(simulator: Simulator) -> None:
    """One service, one application; what is not there is an empty list."""
    assert ids(gathered(simulator, gather=["services"], service="Tumblr")["services"]) == ["tumblr"]
    assert brief(simulator.requests()) == ["GET /meta/external-services/tumblr"]
    assert gathered(simulator, gather=["services"], service="myspace")["services"] == []
    assert ids(gathered(simulator, gather=["applications"], application_id=7001)["connected_applications"]) == [7001]
    assert brief(simulator.requests()) == ["GET /me/connected-applications/7001"]
    assert gathered(simulator, gather=["applications"], application_id=7999)["connected_applications"] == []


def test_services_without_a_token(simulator: Simulator) -> None:
    """They are public."""
    assert len(gathered(simulator, gather=["services"], api_token=None)["services"]) == 10
    outcome = run("info", simulator.url, api_token=None)
    assert outcome.result["error"]["code"] == "missing_token"


def test_unhealthy_only(simulator: Simulator) -> None:
    """Broken and expiring ones, those that a fresh test finds among them."""
    result = gathered(simulator, unhealthy_only=True)
    assert {record["id"]: record["health"] for record in result["keyring_connections"]} == {
        2005: "expiring",
        2006: "broken",
        2007: "broken",
        2010: "expiring",
    }
    assert ids(result["publicize_connections"]) == [5004, 5013, 5014]
    result = gathered(simulator, unhealthy_only=True, test=True)
    assert 2011 in ids(result["keyring_connections"])


@pytest.mark.parametrize(
    ("days", "found"), [(0, []), (9, []), (11, [2010]), (61, [2009, 2010]), (301, [2002, 2009, 2010])]
)
def test_expiring_within(simulator: Simulator, days: int, found: list[int]) -> None:
    """So many days ahead."""
    result = gathered(simulator, unhealthy_only=True, expiring_within=days)
    assert [record["id"] for record in result["keyring_connections"] if record["status"] == "ok"] == found


def test_fresh_test_comes_first(simulator: Simulator) -> None:
    """It changes the status that the other list shows; it is asked for though only that list is wanted."""
    result = gathered(simulator, gather=["publicize"], test=True)
    assert brief(simulator.requests()) == ["GET /me/keyring-connections", "GET /me/publicize-connections"]
    assert {record["id"]: record["status"] for record in result["publicize_connections"]}[5015] == "invalid"
    assert "keyring_connections" not in result
    simulator.reset()
    result = gathered(simulator, gather=["publicize", "keyring"], test=True)
    assert brief(simulator.requests()) == ["GET /me/keyring-connections", "GET /me/publicize-connections"]


def test_refetch(simulator: Simulator) -> None:
    """New pages are there at once."""
    result = gathered(simulator, gather=["keyring"], keyring_connection_id=2001, refetch_external_users=True)
    users = result["keyring_connections"][0]["additional_external_users"]
    assert [user["external_id"] for user in users] == ["111", "112", "113"]
    assert simulator.requests()[0]["query"] == {"force_external_users_refetch": "1"}


@pytest.mark.parametrize(
    "fields", [["id", "external_display"], ["ID", "external_display"], [" Id ", "EXTERNAL_DISPLAY"]]
)
def test_fields(simulator: Simulator, fields: list[str]) -> None:
    """In either spelling, with health and repair, which stay right; filters still work."""
    everything = gathered(simulator)
    result = gathered(simulator, fields=fields)
    for key in ("publicize_connections", "keyring_connections"):
        assert result[key] == [
            {name: record[name] for name in ("id", "external_display", "health", "repair")}
            for record in everything[key]
        ]
    assert all("fields" in entry["query"] for entry in simulator.requests())
    assert ids(gathered(simulator, fields=fields, service="facebook", user_id=1001)["publicize_connections"]) == [
        5001,
        5003,
    ]


@pytest.mark.parametrize("form", ["list", "object", "array"])
def test_fields_of_the_others(simulator: Simulator, form: str) -> None:
    """The API would empty the applications: they are picked here."""
    simulator.settings(switches={"fields_on_applications": form})
    result = gathered(
        simulator, gather=["applications", "services", "account"], fields=["id", "title", "token_scope", "connect_url"]
    )
    assert result["connected_applications"][0] == {"id": 7001, "title": "VaultPress"}
    assert set(result["services"][0]) == {"id", "connect_url"}
    assert result["account"] == {"id": 1001, "token_scope": ["global"], "token_site_id": None}
    assert "fields" not in simulator.requests(path="/me/connected-applications")[0]["query"]


def test_presentation(simulator: Simulator) -> None:
    """Meta and context go to the API with every request."""
    result = gathered(simulator, gather=ALL, meta=["site", "service"], context="edit")
    for entry in simulator.requests():
        assert entry["query"] == {"meta": "site,service", "context": "edit"}
    assert result["publicize_connections"][0]["meta"]["data"]["site"]["id"] == 3001


def test_unknown_site(simulator: Simulator) -> None:
    """The remedy names the option."""
    outcome = run("info", simulator.url, site=["nowhere.example.com"])
    assert outcome.failed
    assert outcome.result["error"] == {
        "status": 404,
        "code": "unknown_blog",
        "message": outcome.result["error"]["message"],
        "method": "GET",
        "path": outcome.result["error"]["path"],
    }
    assert "Check site" in outcome.result["msg"]


@pytest.mark.parametrize("form", ["zone-less", "unix_int", "unix_str", "iso"])
def test_all_forms_of_dates(simulator: Simulator, form: str) -> None:
    """Health is the same, whatever form the expiry comes in."""
    plain = {
        record["id"]: (record["health"], record["expires"]) for record in gathered(simulator)["keyring_connections"]
    }
    for never in ("zero_date", "zero"):
        simulator.settings(switches={"kc_expires_form": form, "kc_unix_never": never, "pc_date_form": "squeezed"})
        records = gathered(simulator)["keyring_connections"]
        assert {record["id"]: (record["health"], record["expires"]) for record in records} == plain
