# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Getting a token in each flow, from the options to the file, and everything that can prevent it."""

from __future__ import annotations

import json
import os
import re
import stat
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Optional
from urllib.parse import parse_qsl, urlsplit

import pytest
import requests
from ansible.module_utils.common.arg_spec import ModuleArgumentSpecValidator

from ansible_collections.community.wpcom.plugins.module_utils._errors import WpcomError
from ansible_collections.community.wpcom.plugins.module_utils._execute import TaskResult
from ansible_collections.community.wpcom.plugins.module_utils._oauth.refresh import lock
from ansible_collections.community.wpcom.plugins.modules.wpcom_access_token import ARGUMENT_SPEC, RULES
from ansible_collections.community.wpcom.plugins.plugin_utils import _access_token
from ansible_collections.community.wpcom.plugins.plugin_utils._access_token import get_token
from ansible_collections.community.wpcom.tests.simulator import Simulator
from ansible_collections.community.wpcom.tests.simulator.tests.oauth_client import OAuthClient
from ansible_collections.community.wpcom.tests.unit import support

SECRET = "sim-client-secret"
CLASSIC = {"flow": "classic", "client_id": "60001", "client_secret": SECRET}
PASSWORD = {**CLASSIC, "flow": "password", "username": "ada", "password": "lovelace-1843"}
GRACE = {
    "flow": "password",
    "client_id": "60002",
    "client_secret": "sim-client-secret-grace",
    "username": "grace",
    "password": "hopper-1952",
}
Callback = Callable[[str, dict[str, str]], object]


def browse(redirect_uri: str, brought: dict[str, str]) -> int:
    """Open the redirect in the browser; return the status of the page."""
    return requests.get(redirect_uri, params=brought, timeout=10, proxies={"http": ""}).status_code


class User:
    """The terminal and the browser of a user who approves or denies what is asked for."""

    def __init__(self, simulator: Simulator, decision: str = "approve", redirect: Callback = browse, **chosen: str):
        self.simulator = simulator
        self.decision = decision
        self.redirect = redirect
        self.chosen = chosen
        self.answers: list[Optional[str]] = []
        self.shown: list[str] = []
        self.asked: list[str] = []
        self.threads: list[threading.Thread] = []

    def show(self, text: str) -> None:
        """Open the URL in a browser, as it is shown."""
        self.shown.append(text)
        (url,) = re.findall(r"^http\S+$", text, re.MULTILINE)
        # The port listens before the URL is shown: the browser may be fast.
        thread = threading.Thread(target=self.open, args=(url,))
        thread.start()
        self.threads.append(thread)
        if self.answers:
            thread.join()

    def open(self, url: str) -> None:
        """Decide on the page, and go where the browser is sent."""
        parts = urlsplit(url)
        query = dict(parse_qsl(parts.query, keep_blank_values=True))
        client = OAuthClient(self.simulator, parts.path.rsplit("/", 1)[0])
        brought = client.decide(self.decision, query, **self.chosen)
        self.redirect(query["redirect_uri"], brought)

    def ask(self, prompt: str, seconds: Optional[int] = None) -> Optional[str]:
        """Type what was prepared."""
        self.asked.append(prompt)
        answer = self.answers.pop(0) if self.answers else None
        return self.pasted if answer == "PASTE" else answer

    pasted = ""

    def keep(self, redirect_uri: str, brought: dict[str, str]) -> None:
        """Copy the URL of the redirect, instead of opening it."""
        self.pasted = requests.Request("GET", redirect_uri, params=brought).prepare().url or ""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return the path of the file to write."""
    return tmp_path / "token.json"


@pytest.fixture
def port(simulator: Simulator, free_port: int) -> int:
    """Return a free port that is registered with the classic application."""
    simulator.patch(clients=[{"ID": 60001, "redirect_URIs": [f"http://127.0.0.1:{free_port}/callback"]}])
    return free_port


@pytest.fixture
def free_port() -> int:
    """Return a port on which nothing listens."""
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def run(user: User, path: Optional[Path], *, check_mode: bool = False, **given: Any) -> TaskResult:
    """Run a task."""
    given = {"api_url": user.simulator.url, "retry_max_delay": 0, "login_timeout": 30, **given}
    if path is not None:
        given["path"] = str(path)
    validation = ModuleArgumentSpecValidator(ARGUMENT_SPEC, **RULES).validate(given)
    assert not validation.error_messages, validation.error_messages
    try:
        return get_token(validation.validated_parameters, user, check_mode=check_mode)
    finally:
        for thread in user.threads:
            thread.join()


def failure(user: User, path: Optional[Path], **given: Any) -> WpcomError:
    """Return the error that a task ends with; it shows no secret, and no file is written."""
    with pytest.raises(WpcomError) as caught:
        run(user, path, **given)
    assert path is None or not path.exists()
    text = str(caught.value.as_result())
    for secret in (SECRET, "lovelace-1843", "hopper-1952", "code-", "access-", "refresh-"):
        assert secret not in text
    return caught.value


def posts(simulator: Simulator) -> list[str]:
    """Return the paths of the requests of the task that are no page of the browser."""
    return [entry["path"] for entry in simulator.requests("POST") if not entry["path"].endswith("authorize")]


# Flows


def test_modern_flow(simulator: Simulator, path: Path) -> None:
    user = User(simulator)
    task = run(user, path)
    stored = json.loads(path.read_text())
    assert set(stored) == {
        "access_token", "token_type", "scope", "blog_id", "obtained_at", "expires_at", "refresh_token", "client_id", "token_url",
    }  # fmt: skip
    assert stored["token_url"] == f"{simulator.url}/oauth2-1/token"
    assert (stored["scope"], stored["blog_id"], stored["token_type"]) == ("global", None, "bearer")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert task.result == {
        "changed": True,
        "flow": "oauth2.1",
        "path": str(path),
        "account": {"id": 1001, "username": "ada", "display_name": "Ada Lovelace"},
        "scope": ["global"],
        "site_id": None,
        "expires_at": stored["expires_at"],
        "client_id": stored["client_id"],
    }
    assert task.warnings == []
    assert {stored["access_token"], stored["refresh_token"]} <= set(task.secrets)
    assert posts(simulator) == ["/oauth2-1/register", "/oauth2-1/token"]
    assert user.asked == []
    # The verifier and the tokens are for the server only.
    assert "code_verifier" not in user.shown[0]
    # The file is one that tasks can use.
    ended = support.run("info", simulator.url, gather=["account"], api_token=None, api_token_file=str(path))
    assert ended.result["account"]["username"] == "ada"
    assert ended.warnings == []


def test_classic_flow(simulator: Simulator, path: Path, port: int) -> None:
    task = run(User(simulator), path, **CLASSIC, port=port, scope="sharing users")
    stored = json.loads(path.read_text())
    assert set(stored) == {"access_token", "token_type", "scope", "blog_id", "obtained_at", "client_id", "token_url"}
    assert stored["token_url"] == f"{simulator.url}/oauth2/token"
    assert SECRET not in path.read_text()
    assert task.result["scope"] == ["sharing", "users"]
    assert task.result["account"]["username"] == "ada"
    assert task.result["expires_at"] is None
    assert posts(simulator) == ["/oauth2/token"]


def test_password_flow(simulator: Simulator, path: Path) -> None:
    user = User(simulator)
    task = run(user, path, **PASSWORD)
    assert task.result["account"]["username"] == "ada"
    assert user.shown == []
    assert set(task.secrets) >= {SECRET, "lovelace-1843"}
    assert "lovelace" not in path.read_text()


def test_application_password(simulator: Simulator, path: Path) -> None:
    task = run(User(simulator), path, **{**GRACE, "password": "flow matic cobol nano"})
    assert task.result["account"]["username"] == "grace"


def test_without_a_scope_the_token_is_for_the_site_that_the_user_selects(
    simulator: Simulator, path: Path, port: int
) -> None:
    task = run(User(simulator, blog="3001"), path, **CLASSIC, port=port, scope="", site="blog.example.com")
    assert (task.result["scope"], task.result["site_id"]) == ([], 3001)
    assert json.loads(path.read_text())["blog_id"] == 3001
    assert task.warnings == []
    pages = simulator.requests("GET", "/oauth2/authorize")
    assert [page["query"].get("blog") for page in pages] == ["blog.example.com"]
    assert "scope" not in pages[0]["query"]


@pytest.mark.parametrize("client", [None, "60003"])
def test_client_that_is_registered_already(
    simulator: Simulator, path: Path, free_port: int, client: Optional[str]
) -> None:
    simulator.patch(clients=[{"ID": 60003, "redirect_URIs": ["http://127.0.0.1/callback"]}])
    run(User(simulator), path, client_id=client, port=free_port)
    assert posts(simulator) == [*([] if client else ["/oauth2-1/register"]), "/oauth2-1/token"]
    assert f"127.0.0.1:{free_port}/callback" in simulator.requests("GET", ".*/authorize")[0]["query"]["redirect_uri"]


@pytest.mark.parametrize(
    "switches",
    [
        {"oauth_scope_form": "list"},
        {"oauth_scope_form": "absent"},
        {"oauth_unbound_blog": None},
        {"oauth_expires_in": "text"},
        {"oauth_expires_in": "absent"},
        {"oauth_registration_status": 200},
        {"token_scope_form": "text", "token_site_unbound": "zero"},
    ],
)
def test_all_forms_of_the_server_give_the_same_result(
    simulator: Simulator, path: Path, switches: dict[str, Any]
) -> None:
    simulator.settings(switches=switches)
    task = run(User(simulator), path)
    stored = json.loads(path.read_text())
    assert (stored["scope"], stored["blog_id"]) == ("global", None)
    assert (task.result["scope"], task.result["site_id"]) == (["global"], None)
    assert task.result["expires_at"] == stored["expires_at"]
    assert task.warnings == []


def test_token_is_returned_only_where_that_is_asked_for(simulator: Simulator, path: Path) -> None:
    assert "access_token" not in run(User(simulator), path, **PASSWORD).result
    returned = run(User(simulator), None, **PASSWORD, return_token=True).result
    assert returned["access_token"].startswith("access-")
    assert returned["path"] is None
    with pytest.raises(WpcomError, match="path is required"):
        run(User(simulator), None, **PASSWORD)


def test_token_in_the_environment_is_neither_used_nor_required(
    simulator: Simulator, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WPCOM_API_TOKEN_FILE", str(path))
    monkeypatch.setenv("WPCOM_CLIENT_SECRET", SECRET)
    monkeypatch.setenv("WPCOM_PASSWORD", "lovelace-1843")
    given = {name: value for name, value in PASSWORD.items() if name not in ("client_secret", "password")}
    assert run(User(simulator), path, **given, http_envelope=True).result["account"]["id"] == 1001


def test_existing_file_is_replaced_by_one_for_its_owner_only(simulator: Simulator, path: Path) -> None:
    path.write_text("old-token")
    path.chmod(0o644)
    run(User(simulator), path, **PASSWORD)
    assert json.loads(path.read_text())["access_token"] != "old-token"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert sorted(os.listdir(path.parent)) == ["token.json", "token.json.lock"]


# By hand


@pytest.mark.parametrize("bare", [True, False])
def test_paste(simulator: Simulator, path: Path, bare: bool) -> None:
    user = User(simulator)
    user.redirect = user.keep
    user.answers = ["PASTE"]
    if bare:
        user.redirect = lambda _uri, brought: setattr(user, "pasted", brought["code"])
    task = run(user, path, paste=True)
    assert task.result["account"]["username"] == "ada"
    assert len(user.asked) == 1
    assert "http://127.0.0.1:8765/callback" in user.shown[0]


def test_paste_of_a_redirect_to_a_website(simulator: Simulator, path: Path) -> None:
    user = User(simulator)
    user.redirect = user.keep
    user.answers = ["PASTE"]
    run(user, path, **CLASSIC, paste=True, redirect_uri="https://automation.example.com/callback")
    assert user.pasted.startswith("https://automation.example.com/callback?code=")


def test_nothing_is_pasted(simulator: Simulator, path: Path) -> None:
    error = failure(User(simulator, redirect=lambda *_: None), path, paste=True)
    assert error.code == "login_timeout"
    assert "does not run in a terminal" in error.message


def test_secrets_are_asked_for(simulator: Simulator, path: Path) -> None:
    user = User(simulator)
    user.answers = [SECRET, "lovelace-1843"]
    run(user, path, **{**PASSWORD, "client_secret": "", "password": ""})
    assert user.asked == ["Client secret (not shown): ", "Password (not shown): "]


@pytest.mark.parametrize("missing", ["client_secret", "password"])
def test_secret_that_nobody_can_be_asked_for(simulator: Simulator, path: Path, missing: str) -> None:
    error = failure(User(simulator), path, **{**PASSWORD, missing: ""})
    assert error.message.startswith(f"{missing} is required for the flow password: set the environment variable WPCOM_")
    assert simulator.requests() == []


# Failures


@pytest.mark.parametrize("state", ["present", "absent"])
def test_denial(simulator: Simulator, path: Path, state: str) -> None:
    simulator.settings(switches={"oauth_denial_state": state})
    error = failure(User(simulator, "deny"), path)
    assert error.code == "access_denied"
    assert "was denied in the browser" in error.message
    assert posts(simulator) == ["/oauth2-1/register"]


def test_wrong_state(simulator: Simulator, path: Path) -> None:
    user = User(simulator, redirect=lambda uri, brought: browse(uri, {**brought, "state": "other"}))
    assert failure(user, path).code == "wrong_state"
    assert posts(simulator) == ["/oauth2-1/register"]


def test_timeout(simulator: Simulator, path: Path) -> None:
    error = failure(User(simulator, redirect=lambda *_: None), path, login_timeout=1)
    assert error.code == "login_timeout"
    assert "within 1 seconds" in error.message


def test_port_in_use(simulator: Simulator, path: Path) -> None:
    error = failure(User(simulator), path, port=simulator.server.server_port)
    assert error.code == "port_in_use"
    assert simulator.requests() == []


@pytest.mark.parametrize("status", [400, 403, 409])
@pytest.mark.parametrize(
    ("change", "code", "hint"),
    [
        ({"client_secret": "wrong"}, "invalid_client", "Check the client ID, the client secret"),
        ({"password": "wrong"}, "invalid_request", "Check the user name, the password"),
        ({"flow": "oauth2.1"}, "invalid_client", ""),
    ],
)
def test_refused_exchange(
    simulator: Simulator, path: Path, status: int, change: dict[str, str], code: str, hint: str
) -> None:
    simulator.settings(switches={"oauth_error_status": status})
    user = User(simulator, redirect=lambda uri, brought: browse(uri, {**brought, "code": "another"}))
    if "flow" in change:
        error = failure(user, path)
        code, hint = "invalid_grant", "The code was used before, has expired"
    else:
        error = failure(user, path, **{**PASSWORD, **change})
    assert (error.code, error.status) == (code, status)
    assert hint in error.message


def test_two_step_authentication(simulator: Simulator, path: Path) -> None:
    error = failure(User(simulator), path, **GRACE)
    assert error.code == "needs_2fa"
    assert "use an application password" in error.message


def test_code_that_was_used_before(simulator: Simulator, path: Path, port: int) -> None:
    def steal(uri: str, brought: dict[str, str]) -> None:
        OAuthClient(simulator).exchange(brought["code"], redirect_uri=uri).raise_for_status()
        browse(uri, brought)

    error = failure(User(simulator, redirect=steal), path, **CLASSIC, port=port)
    assert (error.code, error.status) == ("invalid_grant", 400)
    assert "start again" in error.message


def test_lost_response_to_an_exchange(simulator: Simulator, path: Path) -> None:
    """The code is used up, and the second try says so."""
    simulator.fault(kind="cut", when="after", method="POST", path="/oauth2-1/token")
    assert failure(User(simulator), path).code == "invalid_grant"


def test_registration_is_not_open(simulator: Simulator, path: Path) -> None:
    simulator.settings(switches={"oauth_registration": "closed"})
    user = User(simulator)
    error = failure(user, path)
    assert error.status == 403
    assert "set flow to classic" in error.message
    assert user.shown == []


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ({"redirect_uri": "https://automation.example.com/callback"}, "set paste to true"),
        ({"redirect_uri": "http://127.0.0.1:8765/callback", "port": 8766}, "redirect_uri has the port 8765"),
        ({"redirect_uri": "callback"}, "redirect_uri must be a URL"),
        ({"port": 70000}, "port must be"),
        ({"login_timeout": 0}, "login_timeout must be"),
        ({"api_url": "nowhere"}, "api_url must begin with https://"),
    ],
)
def test_wrong_options_send_nothing(simulator: Simulator, path: Path, given: dict[str, Any], text: str) -> None:
    assert text in failure(User(simulator), path, **{**CLASSIC, **given}).message
    assert simulator.requests() == []


def test_path_is_checked_before_anything_is_sent(simulator: Simulator, tmp_path: Path) -> None:
    assert "is not a regular file" in _message(simulator, tmp_path)
    assert "folder that does not exist" in _message(simulator, tmp_path / "missing" / "token.json")
    # Permissions alone do not show these.
    assert "cannot be written" in _message(simulator, Path("/proc/token.json"))
    assert "cannot be written" in _message(simulator, tmp_path / ("x" * 255))
    (tmp_path / "token.json.lock").symlink_to(tmp_path / "elsewhere")
    assert "token.json.lock' is not a regular file" in _message(simulator, tmp_path / "token.json")
    assert simulator.requests() == []
    assert [entry.name for entry in tmp_path.iterdir()] == ["token.json.lock"]


@pytest.mark.parametrize("name", ["token.json", "token.json.lock"])
def test_file_of_another_user_is_refused_before_anything_is_sent(
    name: str, simulator: Simulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """This user could replace it, but not keep its owner."""
    (tmp_path / name).touch()
    monkeypatch.setattr(os, "geteuid", lambda: (tmp_path / name).stat().st_uid + 1)
    assert f"{name}' is owned by another user" in _message(simulator, tmp_path / "token.json")
    assert simulator.requests() == []


def test_lock_that_is_held_after_the_login_says_that_the_token_was_created(
    simulator: Simulator, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_access_token.time, "sleep", lambda seconds: None)
    with lock(str(path), 1, time.sleep):
        error = failure(User(simulator), path, **PASSWORD)
    assert "The token was created, but path" in error.message
    assert "lock file" in error.message


def _message(simulator: Simulator, path: Path) -> str:
    with pytest.raises(WpcomError) as caught:
        run(User(simulator), path, **PASSWORD)
    return caught.value.message


# What the token is good for


def test_token_that_may_not_read_its_user(simulator: Simulator, path: Path) -> None:
    task = run(User(simulator), path, scope="sharing")
    assert task.result["account"] == {"id": 1001, "username": None, "display_name": None}
    assert task.result["scope"] == ["sharing"]
    assert task.warnings == []


@pytest.mark.parametrize("scope", ["users", "posts media"])
def test_token_that_does_not_cover_connections_is_reported_at_once(
    simulator: Simulator, path: Path, scope: str
) -> None:
    task = run(User(simulator), path, scope=scope)
    assert task.result["scope"] == scope.split()
    (warning,) = task.warnings
    assert f"has the scope {', '.join(scope.split())}, which does not allow" in warning
    assert "sharing or global" in warning
    assert path.exists()


def test_modern_token_that_does_not_open_connections(simulator: Simulator, path: Path) -> None:
    simulator.settings(switches={"oauth_modern_sharing": False})
    (warning,) = run(User(simulator), path).warnings
    assert warning.startswith("The token does not allow to read publicize and keyring connections.")
    assert "set flow to classic" in warning


def test_token_that_cannot_be_checked_is_kept(simulator: Simulator, path: Path) -> None:
    simulator.fault(kind="status", status=503, path="/me.*", times=-1)
    task = run(User(simulator), path, retries=0)
    assert "could not be checked" in task.warnings[0]
    assert task.result["account"] is None
    assert task.result["scope"] == ["global"]
    assert json.loads(path.read_text())["access_token"]


# Check mode


@pytest.mark.parametrize("given", [{}, CLASSIC, PASSWORD, {**PASSWORD, "password": ""}, {"paste": True}])
def test_check_mode_checks_and_sends_nothing(
    simulator: Simulator, path: Path, free_port: int, given: dict[str, Any]
) -> None:
    user = User(simulator)
    task = run(user, path, check_mode=True, **{"port": free_port, **given})
    assert task.result["changed"] is True
    assert (user.shown, user.asked) == ([], [])
    assert simulator.requests() == []
    assert not path.exists()


def test_check_mode_finds_the_port_in_use(simulator: Simulator, path: Path) -> None:
    assert failure(User(simulator), path, check_mode=True, port=simulator.server.server_port).code == "port_in_use"
