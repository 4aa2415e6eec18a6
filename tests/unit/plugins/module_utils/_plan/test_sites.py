# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The sites that options name: in every form that people write, and compared by their IDs."""

from __future__ import annotations

from typing import Any, Optional

import pytest

from ansible_collections.community.wpcom.plugins.module_utils._operations import (
    DeleteConnectedApplication,
    DeletePublicizeConnection,
    FindSite,
    FindSites,
    ListConnectedApplications,
    ListSitePublicizeConnections,
)
from ansible_collections.community.wpcom.plugins.module_utils._records.record import Record
from ansible_collections.community.wpcom.tests.unit.builders import (
    World,
    application,
    plan,
    publicize_connection,
    reached,
    refusal,
    refused,
    run,
    site,
)
from ansible_collections.community.wpcom.tests.unit.reported import MASTODON, TUMBLR, as_list, reported

BLOG = {
    **site(778, "example.com::blog"),
    "url": "https://example.com/blog",
    "options": {"unmapped_url": "https://exampleblog.wordpress.com"},
}
SITES = (site(777, "second.example.org"), BLOG, site(779, "xn--mller-kva.example"), site(780, "www.example.com"))

# All that people write, and what the API calls it.
FORMS = {
    "778": "778",
    "example.com::blog": "example.com::blog",
    "example.com/blog": "example.com::blog",
    "https://example.com/blog/": "example.com::blog",
    "https://Example.COM:443/blog": "example.com::blog",
    "example.com./blog": "example.com::blog",
    "exampleblog.wordpress.com": "exampleblog.wordpress.com",
}


def world(*connections: Record, **changes: Any) -> World:
    """Return the world with a site in a folder, an international one, and one with www."""
    return reported(*connections, **{"sites": SITES, **changes})


def app(site_url: Any, site_id: Any = "778") -> Record:
    """Return an application whose token is for a site."""
    on_site = {"site_ID": site_id, "site_URL": site_url, "site_name": "Blog"}
    return application(70, "Zap", scope="", site=on_site)


# Connected applications: that a token is revoked has to be true


@pytest.mark.parametrize(
    "url",
    ["https://example.com/blog", "http://example.com/blog/", "https://exampleblog.wordpress.com", False, None, ""],
)
@pytest.mark.parametrize("name", FORMS)
def test_token_for_a_site_is_revoked_by_any_name_of_it(name: str, url: Any) -> None:
    changing = world(applications=[app(url)])
    operation = DeleteConnectedApplication(70)
    reached("application", changing, operation, title="Zap", site=name, state="absent")
    assert changing.applications == {}


@pytest.mark.parametrize(
    ("name", "ids"),
    [
        ("m\u00fcller.example", [71]),
        ("https://M\u00dcLLER.example./", [71]),
        ("www.example.com", [72]),
        ("second.example.org:8443", [73]),
    ],
)
def test_application_is_found_by_the_id_of_the_site(name: str, ids: list[int]) -> None:
    found = [
        application(71, "Zap", site={"site_ID": "779", "site_URL": "https://xn--mller-kva.example"}),
        application(72, "Zap", site={"site_ID": "780", "site_URL": "https://www.example.com"}),
        application(73, "Zap", site={"site_ID": 777, "site_URL": "https://second.example.org"}),
        application(74, "Zap"),
    ]
    result = plan("application", world(applications=found), title="Zap", site=name).to_result(None)
    assert [record["id"] for record in result["applications"]] == ids


def test_site_of_an_application_costs_one_round_of_reads() -> None:
    asked = world(applications=[app("https://example.com/blog")])
    plan("application", asked, title="Zap", site="example.com/blog")
    assert (asked.reads, asked.rounds) == ([ListConnectedApplications(), FindSites()], 1)
    # A site that is not among the user's own is for the server to tell.
    hidden = world(
        applications=[app("https://example.com/blog")], sites=[], responses={FindSite("example.com::blog"): BLOG}
    )
    plan("application", hidden, title="Zap", site="example.com/blog")
    assert (hidden.reads, hidden.rounds) == (
        [ListConnectedApplications(), FindSites(), FindSite("example.com::blog")],
        2,
    )


@pytest.mark.parametrize("name", ["example.com", "www.second.example.org", "nowhere.example.com", "wordpress.com/blog"])
@pytest.mark.parametrize("state", ["present", "absent"])
def test_unknown_site_of_an_application_is_an_error_and_never_absent(name: str, state: str) -> None:
    refused(
        "application",
        world(applications=[app("https://example.com/blog")]),
        "unknown_blog",
        title="Zap",
        site=name,
        state=state,
    )


def test_site_that_the_token_does_not_show_is_an_error_and_never_absent() -> None:
    blind = world(applications=[app("https://example.com/blog")], lists_sites=False)
    told = ("Site example.com::blog cannot be compared", "numeric ID", "scope sites or global")
    refused("application", blind, "unknown_site", *told, title="Zap", site="example.com/blog", state="absent")
    # The ID has to be compared with nothing.
    reached("application", blind, DeleteConnectedApplication(70), title="Zap", site="778", state="absent")


# Publicize connections


@pytest.mark.parametrize(("name", "asked_for"), FORMS.items())
@pytest.mark.parametrize("kind", ["publicize", "bulk"])
def test_site_of_a_connection_is_named_in_any_form(kind: str, name: str, asked_for: str) -> None:
    changing = world(publicize_connection(9051, TUMBLR, 778))
    changing.responses[ListSitePublicizeConnections("exampleblog.wordpress.com")] = [
        publicize_connection(9051, TUMBLR, 778)
    ]
    entry = {"site": name, "service": "tumblr"}
    planned = plan(kind, changing, **(as_list(entry) if kind == "bulk" else entry))
    assert list(planned.operations) == []
    entry = {**entry, "state": "absent"}
    planned = plan(kind, changing, **(as_list(entry) if kind == "bulk" else entry))
    assert list(planned.operations) == [DeletePublicizeConnection(9051, asked_for)]


@pytest.mark.parametrize("name", ["example.com/blog", "https://Example.com/blog/", "778"])
def test_entries_of_one_site_by_different_names_contradict_each_other(name: str) -> None:
    entries = [{"site": "example.com::blog", "service": "tumblr"}, {"site": name, "service": "tumblr"}]
    error = refused("bulk", world(publicize_connection(9051, TUMBLR, 778)), "invalid_connections", connections=entries)
    assert [each["code"] for each in error.result["errors"]] == ["contradiction"]


@pytest.mark.parametrize("name", FORMS)
def test_purge_compares_sites_by_id(name: str) -> None:
    connections = [
        publicize_connection(9051, TUMBLR, 778),
        publicize_connection(9052, MASTODON, 778),
        publicize_connection(9053, MASTODON, 777),
    ]
    planned = plan("bulk", world(*connections), connections=[{"site": name, "service": "tumblr"}], purge="listed")
    assert [operation.connection_id for operation in planned.operations] == [9052]


# What is gathered


@pytest.mark.parametrize(("name", "asked_for"), FORMS.items())
def test_info_takes_any_form_and_reads_a_site_once(name: str, asked_for: str) -> None:
    asked = world(publicize_connection(9051, TUMBLR, 778))
    asked.responses[ListSitePublicizeConnections("exampleblog.wordpress.com")] = [
        publicize_connection(9051, TUMBLR, 778)
    ]
    result = run("info", asked, gather=["publicize"], site=[name, f" {name} "]).result
    assert [record["id"] for record in result["publicize_connections"]] == [9051]
    assert asked.reads.count(ListSitePublicizeConnections(asked_for)) == 1
    result = run("info", world(), gather=["sites"], site=[name]).result
    assert [record["id"] for record in result["sites"]] == [778]


# A name that two sites have

BOTH = (site(777, "shop.example.org"), {**site(778, "other.example.org"), "url": "https://shop.example.org"})


def ambiguous(*connections: Record, means: Optional[Record], **changes: Any) -> World:
    """Return the world in which two sites have one name, and the server says which one it means."""
    answer: Any = means if means is not None else refusal(404, "unknown_blog")
    on_site = [record for record in connections if means is not None and record["site_id"] == means["id"]]
    responses = {
        FindSite("shop.example.org"): answer,
        ListSitePublicizeConnections("shop.example.org"): on_site if means is not None else answer,
    }
    return reported(*connections, sites=BOTH, responses=responses, **changes)


@pytest.mark.parametrize("means", BOTH)
@pytest.mark.parametrize("kind", ["publicize", "bulk"])
def test_name_of_two_sites_reaches_the_one_that_the_server_means(kind: str, means: Record) -> None:
    connections = [publicize_connection(9050 + record["id"], TUMBLR, record["id"]) for record in BOTH]
    entry = {"site": "shop.example.org", "service": "tumblr", "state": "absent"}
    planned = plan(kind, ambiguous(*connections, means=means), **(as_list(entry) if kind == "bulk" else entry))
    assert list(planned.operations) == [DeletePublicizeConnection(9050 + means["id"], "shop.example.org")]


@pytest.mark.parametrize("means", BOTH)
def test_purge_of_a_name_of_two_sites_stays_on_one_of_them(means: Record) -> None:
    connections = [publicize_connection(9050 + record["id"], MASTODON, record["id"]) for record in BOTH]
    options = {"connections": [{"site": "shop.example.org", "service": "tumblr"}], "purge": "listed"}
    planned = plan("bulk", ambiguous(*connections, means=means), **options)
    deleted = [
        operation.connection_id for operation in planned.operations if isinstance(operation, DeletePublicizeConnection)
    ]
    assert deleted == [9050 + means["id"]]


@pytest.mark.parametrize("means", BOTH)
def test_application_of_a_name_of_two_sites_is_that_of_one_of_them(means: Record) -> None:
    found = [application(70 + record["id"], "Zap", site={"site_ID": record["id"]}) for record in BOTH]
    options = {"title": "Zap", "site": "shop.example.org", "state": "absent"}
    reached(
        "application",
        ambiguous(means=means, applications=found),
        DeleteConnectedApplication(70 + means["id"]),
        **options,
    )


def test_info_of_a_name_of_two_sites_has_one_of_them() -> None:
    result = run("info", ambiguous(means=BOTH[1]), gather=["sites"], site=["shop.example.org"]).result
    assert [record["id"] for record in result["sites"]] == [778]


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("publicize", {"service": "tumblr"}),
        ("application", {"title": "Zap", "state": "absent"}),
        ("info", {"gather": ["sites"]}),
    ],
)
def test_name_of_two_sites_that_the_server_does_not_know_is_an_error(kind: str, options: dict[str, Any]) -> None:
    named: Any = ["shop.example.org"] if kind == "info" else "shop.example.org"
    refused(kind, ambiguous(means=None), "unknown_blog", site=named, **options)
