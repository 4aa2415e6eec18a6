# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Getting a token: from the options of the task to a file with the token, and what the token is good for."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from ansible_collections.community.wpcom.plugins.module_utils._cache.read_cache import ReadCache
from ansible_collections.community.wpcom.plugins.module_utils._errors import ApiError, OptionError, WpcomError
from ansible_collections.community.wpcom.plugins.module_utils._execute import TaskResult
from ansible_collections.community.wpcom.plugins.module_utils._http.transport import Transport
from ansible_collections.community.wpcom.plugins.module_utils._oauth.refresh import (
    NotPossibleError,
    lock,
    write_document,
)
from ansible_collections.community.wpcom.plugins.module_utils._oauth.server import (
    CLASSIC,
    MODERN,
    AuthorizationServer,
    token_document,
    utc_now,
)
from ansible_collections.community.wpcom.plugins.module_utils._operations import (
    GetAccount,
    ListKeyringConnections,
    ListSitePublicizeConnections,
    Query,
)
from ansible_collections.community.wpcom.plugins.module_utils._options import ConnectionOptions
from ansible_collections.community.wpcom.plugins.module_utils._records import normalize
from ansible_collections.community.wpcom.plugins.module_utils._session import Session, SessionSettings
from ansible_collections.community.wpcom.plugins.plugin_utils._authorization import (
    CALLBACK_PATH,
    Authorization,
    AuthorizationError,
    checked_redirect_uri,
    loopback_port,
    new_secret,
)
from ansible_collections.community.wpcom.plugins.plugin_utils._callback_server import CallbackServer

CLIENT_NAME = "Ansible community.wpcom"
# The redirect URI of an application is fixed, so the port has to be fixed as well.
CLASSIC_PORT = 8765
SUFFICIENT_SCOPES = {"global", "sharing"}


class Terminal(Protocol):
    """The terminal of the user."""

    def show(self, text: str) -> None:
        """Show a text immediately."""

    def ask(self, prompt: str, seconds: int | None = None) -> str | None:
        """Return what the user types or pastes, which is not shown; None without a terminal or after the time."""


@dataclass
class Login:
    """What the user has granted: the document of the token, and the authorization server that issued it."""

    document: dict[str, Any] = field(repr=False)
    server: AuthorizationServer


def get_token(params: Mapping[str, Any], terminal: Terminal, *, check_mode: bool) -> TaskResult:
    """Get a token, write it, and return who it belongs to; ``params`` are the validated options of wpcom_access_token.

    In check mode the options are checked, and nothing is sent. Raises WpcomError.
    """
    options = _options(params)
    _check_numbers(params)
    path = _checked_path(params["path"])
    if path is None and not params["return_token"]:
        raise OptionError("path is required: set it to the path of the file to write, or set return_token to true.")
    task = TaskResult({"changed": True, "flow": params["flow"], "path": path})
    with _callback(params) as callback:
        given = _with_secrets(params, terminal, check_mode)
        task.secrets = [given[name] for name in ("client_secret", "password") if given[name]]
        if check_mode:
            return task
        transport = Transport(options, check_mode=False)
        try:
            login = _login(given, options, transport, callback, terminal)
            document = login.document
            task.secrets += [document[name] for name in ("access_token", "refresh_token") if document.get(name)]
            if path is not None:
                _write(path, document)
            _report(task, login, options)
        finally:
            transport.close()
    if params["return_token"]:
        task.result["access_token"] = login.document["access_token"]
    return task


def _options(params: Mapping[str, Any]) -> ConnectionOptions:
    """Return the connection options without a token: one that is set is about to be replaced."""
    # A token in the options keeps those of the environment away.
    options = ConnectionOptions.from_params({**params, "api_token": "none", "api_token_file": None})
    return replace(options, api_token=None)


def _check_numbers(params: Mapping[str, Any]) -> None:
    """Raise OptionError for a number that cannot be."""
    for name, longest in (("port", 65535), ("login_timeout", 86400)):
        if params[name] is not None and not 1 <= params[name] <= longest:
            raise OptionError(f"{name} must be from 1 to {longest}, got {params[name]}.")


def _checked_path(path: str | None) -> str | None:
    """Return the path of the file that is written. Raises OptionError before anything is sent."""
    if not path:
        return None
    file = os.path.realpath(os.path.expanduser(path))
    folder = os.path.dirname(file)
    if os.path.exists(file) and not os.path.isfile(file):
        raise OptionError(f"path {path!r} exists and is not a regular file: set it to the path of a file.")
    if not os.path.isdir(folder):
        raise OptionError(f"path {path!r} is in a folder that does not exist: create {folder!r}.")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise OptionError(f"path {path!r} is in a folder that this user cannot write to: correct its permissions.")
    lock_file = f"{file}.lock"
    for name in (file, lock_file):
        if os.path.lexists(name) and os.geteuid() not in (0, os.lstat(name).st_uid):
            raise OptionError(f"{name!r} is owned by another user: set path to another file, or delete this one.")
    if os.path.lexists(lock_file) and (os.path.islink(lock_file) or not os.path.isfile(lock_file)):
        raise OptionError(f"{lock_file!r} is not a regular file: delete it, or set path to another file.")
    try:
        # Some file systems only show it when a file is created.
        with tempfile.NamedTemporaryFile(prefix=f".{os.path.basename(file)}.", dir=folder):
            pass
    except OSError as error:
        raise OptionError(f"path {path!r} cannot be written ({error.strerror}): set it to another path.") from None
    return file


def _with_secrets(params: Mapping[str, Any], terminal: Terminal, check_mode: bool) -> dict[str, Any]:
    """Return the options with those secrets that only the user has. Raises OptionError."""
    given = dict(params)
    required = {"classic": ("client_secret",), "password": ("client_secret", "password")}.get(params["flow"], ())
    for name in required:
        if given[name] or check_mode:
            continue
        given[name] = terminal.ask(f"{name.replace('_', ' ').capitalize()} (not shown): ")
        if not given[name]:
            raise OptionError(
                f"{name} is required for the flow {params['flow']}: set the environment variable WPCOM_{name.upper()}, "
                "set the option, or run the playbook in a terminal, which then asks for it."
            )
    return given


# The redirect


@contextmanager
def _callback(params: Mapping[str, Any]) -> Iterator[CallbackServer | None]:
    """Listen for the redirect from here on, None for a flow without one. Raises OptionError."""
    redirect_uri = params["redirect_uri"] and checked_redirect_uri(params["redirect_uri"])
    if params["flow"] == "password" or params["paste"]:
        yield None
        return
    if redirect_uri:
        port = loopback_port(redirect_uri)
        if port is None:
            raise OptionError(
                f"redirect_uri must be http://127.0.0.1:PORT{CALLBACK_PATH} where this host is to receive the redirect: for "
                "another one, set paste to true."
            )
        if params["port"] and params["port"] != port:
            raise OptionError(f"port is {params['port']}, but redirect_uri has the port {port}: set one of them.")
    else:
        port = _port(params)
    with CallbackServer(port) as server:
        yield server


def _port(params: Mapping[str, Any]) -> int:
    return int(params["port"] or (CLASSIC_PORT if params["flow"] == "classic" else 0))


def _redirect_uri(params: Mapping[str, Any], callback: CallbackServer | None) -> str:
    # What is pasted needs no listener, but a port that could belong to one.
    port = callback.server_port if callback else _port(params) or CLASSIC_PORT
    return params["redirect_uri"] or f"http://127.0.0.1:{port}{CALLBACK_PATH}"


# The flows


def _login(
    given: Mapping[str, Any],
    options: ConnectionOptions,
    transport: Transport,
    callback: CallbackServer | None,
    terminal: Terminal,
) -> Login:
    """Return what the user grants. Raises WpcomError."""
    modern = given["flow"] == "oauth2.1"
    prefix = MODERN if modern else CLASSIC
    server = AuthorizationServer(transport, prefix)
    client_id = given["client_id"]
    if given["flow"] == "password":
        form = {"grant_type": "password", "username": given["username"], "password": given["password"]}
    else:
        redirect_uri = _redirect_uri(given, callback)
        client_id = client_id or server.register(redirect_uri, CLIENT_NAME)
        authorization = Authorization(
            client_id, redirect_uri, given["scope"] or "", given["site"], verifier=new_secret() if modern else ""
        )
        url = authorization.url(f"{options.api_url}{prefix}/authorize")
        code = _code(url, authorization, callback, terminal, given["login_timeout"])
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": redirect_uri,
            "code_verifier": authorization.verifier,
        }
    response = server.token({**form, "client_id": client_id, "client_secret": given["client_secret"]})
    known = {"scope": given["scope"] or "", "blog_id": None, "client_id": client_id}
    document = token_document(
        response,
        {**known, "token_url": f"{options.api_url}{prefix}/token"},
        utc_now(),
        assume_lifetime=modern,
    )
    return Login(document, server)


def _code(
    url: str, authorization: Authorization, callback: CallbackServer | None, terminal: Terminal, timeout: int
) -> str:
    """Return the code that the user brings by browser or by hand. Raises AuthorizationError."""
    instruction = "Open this URL in a browser, log in to WordPress.com, and approve the request:"
    if callback is not None:
        callback.authorization = authorization
        terminal.show(f"\n{instruction}\n\n{url}\n\nWaiting for the browser for up to {timeout} seconds.\n")
        return callback.wait(timeout)
    terminal.show(
        f"\n{instruction}\n\n{url}\n\nThen copy the URL that the browser is redirected to from its address bar. It begins with\n"
        f"{authorization.redirect_uri} and the browser may report that it cannot open it.\n"
    )
    pasted = terminal.ask("Paste this URL, or its code (not shown): ", timeout)
    if pasted is None:
        raise AuthorizationError(
            f"Nothing was pasted within {timeout} seconds, or Ansible does not run in a terminal: run the playbook again in a "
            "terminal.",
            code="login_timeout",
        )
    return authorization.pasted_code(pasted)


# The result


def _write(path: str, document: Mapping[str, Any]) -> None:
    try:
        with lock(path, 10, time.sleep):
            write_document(path, document)
    except (OSError, NotPossibleError) as error:
        reason = error.strerror if isinstance(error, OSError) else error.message
        raise OptionError(
            f"The token was created, but path {path!r} cannot be written ({reason}): correct this, and run the playbook again."
        ) from None


def _report(task: TaskResult, login: Login, options: ConnectionOptions) -> None:
    """Add who the token belongs to and what it allows; a token that could not be checked is kept with a warning."""
    document = login.document
    task.result.update(
        account=None,
        scope=normalize.scopes(document["scope"]),
        site_id=document.get("blog_id"),
        expires_at=document.get("expires_at"),
        client_id=document["client_id"],
    )
    session = Session(
        replace(options, api_token=document["access_token"]), ReadCache(), SessionSettings(), check_mode=False
    )
    try:
        account = _account(session, login)
        scope, site_id = account.pop("token_scope"), account.pop("token_site_id") or document.get("blog_id")
        task.result.update(account=account, scope=scope, site_id=site_id)
        task.warnings += session.warnings
        query: Query[Any] = ListSitePublicizeConnections(str(site_id)) if site_id else ListKeyringConnections()
        if scope and not SUFFICIENT_SCOPES & set(scope):
            task.warnings.append(
                f"The token has the scope {', '.join(scope)}, which does not allow to manage publicize and keyring connections: "
                "get a token with the scope sharing or global for that."
            )
        else:
            session.fetch(query)
    except ApiError as error:
        if error.status != 403:
            task.warnings.append(f"The token was created, but could not be checked. {error.message}")
        else:
            other = " Or set flow to classic." if task.result["flow"] == "oauth2.1" else ""
            task.warnings.append(
                f"The token does not allow to read publicize and keyring connections. {error.message}{other}"
            )
    except WpcomError as error:
        task.warnings.append(f"The token was created, but could not be checked. {error.message}")
    finally:
        session.close()


def _account(session: Session, login: Login) -> dict[str, Any]:
    """Return the user, scope and site of the token, as far as it may read them. Raises WpcomError."""
    document = login.document
    keys = ("id", "username", "display_name", "token_scope", "token_site_id")
    try:
        account = session.fetch(GetAccount())
        return {key: account.get(key) for key in keys}
    except ApiError as error:
        if error.status != 403:
            raise
    # A token with the scope sharing only may not read its user.
    info = login.server.token_info(document["client_id"], document["access_token"])
    found = normalize.account(
        {"ID": info.get("user_id"), "token_scope": info.get("scope"), "token_site_id": info.get("blog_id")}
    )
    return {**dict.fromkeys(keys), **{key: found[key] for key in ("id", "token_scope", "token_site_id")}}
