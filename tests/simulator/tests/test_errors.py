# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which errors there are, and when."""

from __future__ import annotations

import pytest

from .. import Simulator
from ..endpoints import ENDPOINTS
from .conftest import Client, error
from .test_reading import READS

ALL = [
    (
        endpoint.method,
        endpoint.path.replace("/sites/*", "/sites/3001").replace("*", "mastodon").replace(
            "#", {"P": "5001", "K": "2001", "A": "7001"}.get(endpoint.name[0], "1")
        ),
        endpoint.name,
    )
    for endpoint in ENDPOINTS
]  # fmt: skip
SCOPES = {"P": "sharing", "K": "sharing", "A": "users", "M1": "users", "M2": "sites", "M3": "sites"}


@pytest.mark.parametrize(("method", "path", "name"), ALL)
def test_no_token(nobody: Client, method: str, path: str, name: str) -> None:
    """Without a token it is 403; the services are for everybody."""
    answer = nobody.send(method, path)
    if name in ("S1", "S2"):
        assert answer.status_code == 200
    else:
        assert error(answer) == (403, "authorization_required")


@pytest.mark.parametrize(("method", "path", "name"), ALL)
def test_wrong_token(simulator: Simulator, method: str, path: str, name: str) -> None:
    """A wrong token is 400, not 401, on every endpoint."""
    assert error(Client(simulator, "no-such-token").send(method, path)) == (400, "invalid_token")


def test_other_kinds_of_authorization_count_as_none(nobody: Client, simulator: Simulator) -> None:
    """Only a bearer token is one."""
    answer = nobody.send("GET", "/me", headers={"Authorization": "Basic c2ltOnNpbQ=="})
    assert error(answer) == (403, "authorization_required")
    assert simulator.requests()[0]["authorization"] == "other"


@pytest.mark.parametrize(("method", "path", "name"), ALL)
def test_scopes(simulator: Simulator, method: str, path: str, name: str) -> None:
    """`global` opens everything, `sharing`, `users` and `sites` their part, another scope nothing."""
    needed = SCOPES.get(name) or SCOPES.get(name[0])
    for scope in ("global", "sharing", "users", "sites", "posts", "posts sharing users sites"):
        simulator.reset()
        simulator.patch(tokens=[{"token": "scoped", "user_ID": 1001, "scope": scope}])
        status = Client(simulator, "scoped").send(method, path).status_code
        if needed is None or scope == "global" or needed in scope.split():
            assert status != 403, scope
        else:
            assert status == 403, scope


def test_scope_of_the_default_tokens(simulator: Simulator) -> None:
    """The tokens of the default world do what their names say."""
    sharing, posts = Client(simulator, "sim-token-sharing"), Client(simulator, "sim-token-posts")
    assert sharing.get("/me/publicize-connections").status_code == 200
    assert error(sharing.get("/me/connected-applications")) == (403, "authorization_required")
    assert error(posts.get("/me/publicize-connections")) == (403, "authorization_required")


def test_token_for_one_site(simulator: Simulator) -> None:
    """A token without scope has full access to its one site, and sees no other."""
    bound = Client(simulator, "sim-token-site")
    assert bound.ids("/me/publicize-connections") == [5001, 5002]
    assert bound.ids("/sites/3001/publicize-connections") == [5001, 5002, 5005, 5006, 5012]
    assert error(bound.get("/sites/3002/publicize-connections")) == (403, "authorization_required")
    assert error(bound.get("/me/publicize-connections/5003")) == (403, "authorization_required")
    assert [site["ID"] for site in bound.get("/me/sites").json()["sites"]] == [3001]
    assert bound.post("/sites/3001/publicize-connections/5002", {"shared": True}).status_code == 200


def test_token_with_scope_for_one_site(simulator: Simulator) -> None:
    """A scope and a site together limit both."""
    bound = Client(simulator, "sim-token-empty")
    assert bound.ids("/me/publicize-connections") == [5003, 5004, 5014]
    assert error(bound.get("/sites/3001/publicize-connections")) == (403, "authorization_required")
    assert error(bound.get("/me")) == (403, "authorization_required")


@pytest.mark.parametrize(("method", "path", "name"), ALL)
def test_stale_session(simulator: Simulator, method: str, path: str, name: str) -> None:
    """The connected applications want a fresh session, the others do not."""
    answer = Client(simulator, "sim-token-stale").send(method, path)
    if name.startswith("A"):
        assert error(answer) == (401, "reauthorization_required")
    else:
        assert answer.status_code != 401


def test_private_site(ada: Client, grace: Client) -> None:
    """A private site is closed to those who do not belong to it."""
    for path in ("/sites/3004", "/sites/3004/publicize-connections", "/sites/private.example.com"):
        assert error(ada.get(path)) == (403, "unauthorized")
        assert grace.get(path).status_code == 200


@pytest.mark.parametrize("site", ["9", "nowhere.example.com", "99999999999999999999999", "%20"])
def test_unknown_site(ada: Client, site: str) -> None:
    """A site that is not there, on each endpoint."""
    assert error(ada.get(f"/sites/{site}")) == (404, "unknown_blog")
    assert error(ada.get(f"/sites/{site}/publicize-connections")) == (404, "unknown_blog")
    assert error(ada.post(f"/sites/{site}/publicize-connections/new")) == (404, "unknown_blog")


def test_site_of_others(ada: Client) -> None:
    """The connections of a site that one does not belong to are closed."""
    assert error(ada.get("/sites/3008/publicize-connections")) == (403, "authorization_required")
    answer = ada.post("/sites/3008/publicize-connections/new", {"keyring_connection_ID": 2003})
    assert error(answer) == (403, "authorization_required")


@pytest.mark.parametrize(
    ("path", "slug"),
    [
        ("/me/publicize-connections/1", "not_found"),
        ("/me/publicize-connections/99999999999999999999999999", "not_found"),
        ("/sites/3001/publicize-connections/1", "not_found"),
        ("/me/keyring-connections/1", "not_found"),
        ("/me/connected-applications/1", "unknown_application_access_token"),
    ],
)
def test_not_found(ada: Client, path: str, slug: str) -> None:
    """What is not there is 404 with its slug, for reading and deleting."""
    assert error(ada.get(path)) == (404, slug)
    assert error(ada.post(path + "/delete")) == (404, slug)


def test_others_application_is_not_found(grace: Client) -> None:
    """The entries of others are not there."""
    assert error(grace.get("/me/connected-applications/7001")) == (404, "unknown_application_access_token")
    assert grace.get("/me/connected-applications").json() == {"connected_applications": []}


@pytest.mark.parametrize(
    "slug", ["publicize_disabled", "missing_jetpack_module", "incompatible_jetpack", "jetpack_connection"]
)
def test_site_that_cannot(ada: Client, simulator: Simulator, slug: str) -> None:
    """A site may be unable to have connections, for four reasons."""
    simulator.patch(sites=[{"ID": 3001, "error": slug}])
    assert error(ada.get("/sites/3001/publicize-connections")) == (400, slug)
    assert error(ada.get("/sites/3001/publicize-connections/5001")) == (400, slug)
    answer = ada.post("/sites/3001/publicize-connections/new", {"keyring_connection_ID": 2003})
    assert error(answer) == (400, slug)
    assert error(ada.post("/sites/3001/publicize-connections/5001", {"shared": True})) == (400, slug)
    assert error(ada.post("/sites/3001/publicize-connections/5001/delete")) == (400, slug)
    assert ada.get("/sites/3001").status_code == 200


def test_sites_of_the_default_world_that_cannot(ada: Client) -> None:
    """Two sites of the default world have such errors."""
    assert error(ada.get("/sites/3005/publicize-connections")) == (400, "publicize_disabled")
    assert error(ada.get("/sites/3007/publicize-connections")) == (400, "jetpack_connection")


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "TRACE"])
def test_only_get_and_post_exist(ada: Client, method: str) -> None:
    """Another verb is 405, with Allow, and its text in `error_message`."""
    for path, allow in (("/me", "GET"), ("/me/publicize-connections/5001", "GET, POST")):
        answer = ada.send(method, path)
        assert answer.status_code == 405
        assert answer.headers["Allow"] == allow
        if method != "HEAD":
            assert set(answer.json()) == {"error", "error_message"}
            assert answer.json()["error"] == "not_allowed"


@pytest.mark.parametrize("path", READS)
def test_post_where_there_is_only_get(nobody: Client, path: str) -> None:
    """POST is a wrong verb too where there is nothing to write, before any look at the token."""
    answer = nobody.post(path)
    if path.endswith("publicize-connections/5001"):
        assert answer.status_code == 403
    else:
        assert (answer.status_code, answer.headers["Allow"]) == (405, "GET")


def test_get_where_there_is_only_post(ada: Client) -> None:
    """GET is a wrong verb for what writes."""
    for path in ("/me/publicize-connections/5001/delete", "/sites/3001/publicize-connections/new"):
        answer = ada.get(path)
        assert (answer.status_code, answer.headers["Allow"]) == (405, "POST")


@pytest.mark.parametrize(
    "path",
    [
        "/", "", "/nothing", "/me/nothing", "/sites", "/me//publicize-connections", "/me/publicize-connections//",
        "/me/publicize-connections/abc", "/me/publicize-connections/-1", "/me/publicize-connections/1.0",
        "/me/publicize-connections/%D9%A3", "/me/keyring-connections/x", "/me/connected-applications/7001x",
        "/sites/3001/publicize-connections/x", "/me/publicize-connections/5001/undelete", "/ME",
    ],
)  # fmt: skip
def test_unknown_route(ada: Client, path: str) -> None:
    """An unknown route, or an ID that is not digits, is an empty 404 of plain text."""
    for method in ("GET", "POST", "PUT"):
        answer = ada.send(method, path)
        assert (answer.status_code, answer.content) == (404, b"")
        assert answer.headers["Content-Type"].startswith("text/plain")


def test_outside_of_the_api(simulator: Simulator, nobody: Client) -> None:
    """Nothing else is served."""
    for path in ("/", "/rest/v1/me", "/rest/v1.10/me", "/wpcom/v2/me", "/oauth2/revoke"):
        assert nobody.session.get(simulator.url + path, timeout=5).status_code == 404
