# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The one table of connection options, which argument specs, doc fragments, and plugins are made from or checked against."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from ansible.module_utils.errors import AnsibleFallbackNotFound

from ._errors import OptionError, WpcomError
from ._token_file import Token, checked_token, read_token


@dataclass(frozen=True)
class ConnectionOption:
    """One option of the connection to the API; ``minimum`` and ``maximum`` bound numbers.

    ``no_log`` is None where the name does not look like a secret.
    """

    name: str
    type: str
    environment: str
    default: Any = None
    no_log: bool | None = None
    minimum: int = 0
    maximum: int = 86400


CONNECTION_OPTIONS = (
    ConnectionOption("api_token", "str", "WPCOM_API_TOKEN", no_log=True),
    ConnectionOption("api_token_file", "path", "WPCOM_API_TOKEN_FILE", no_log=False),
    ConnectionOption("api_url", "str", "WPCOM_API_URL", "https://public-api.wordpress.com"),
    ConnectionOption("validate_certs", "bool", "WPCOM_VALIDATE_CERTS", True),
    ConnectionOption("ca_path", "path", "WPCOM_CA_PATH"),
    ConnectionOption("timeout", "int", "WPCOM_TIMEOUT", 60, minimum=1),
    ConnectionOption("retries", "int", "WPCOM_RETRIES", 3, maximum=100),
    ConnectionOption("retry_max_delay", "int", "WPCOM_RETRY_MAX_DELAY", 60),
    ConnectionOption("http_envelope", "bool", "WPCOM_HTTP_ENVELOPE", False),
)
# Either option takes precedence over both variables, so a variable must not fill in its option before both are known.
TOKEN_OPTIONS = ("api_token", "api_token_file")


def publicize_connection_argument_spec() -> dict[str, dict[str, Any]]:
    """Return the argument spec of one publicize connection, as a task of its own or as an entry of a list."""
    return {
        "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
        "site": {"type": "str"},
        "id": {"type": "int"},
        "keyring_connection_id": {"type": "int"},
        "service": {"type": "str"},
        "account": {"type": "str"},
        "shared": {"type": "bool"},
        "external_user_id": {"type": "str"},
        "external_user_name": {"type": "str"},
        "reset_external_user": {"type": "bool", "default": False},
        "unique_per": {"type": "str", "choices": ["account", "external_user"], "default": "account"},
    }


def environment_fallback(name: str) -> str:
    """Return the value of an environment variable, an empty one counting as unset.

    AWX sets empty variables for the empty fields of a credential. Raises AnsibleFallbackNotFound.
    """
    value = os.environ.get(name)
    if not value:
        raise AnsibleFallbackNotFound
    return value


def connection_argument_spec() -> dict[str, dict[str, Any]]:
    """Return the argument spec of the connection options.

    The variables of the token are read by ``ConnectionOptions.from_params``.
    """
    spec: dict[str, dict[str, Any]] = {}
    for option in CONNECTION_OPTIONS:
        spec[option.name] = {"type": option.type}
        if option.name not in TOKEN_OPTIONS:
            spec[option.name]["fallback"] = (environment_fallback, [option.environment])
        if option.default is not None:
            spec[option.name]["default"] = option.default
        if option.no_log is not None:
            spec[option.name]["no_log"] = option.no_log
    return spec


@dataclass(frozen=True)
class ConnectionOptions:
    """The validated values of the connection options; ``retry_max_delay`` and ``timeout`` in seconds.

    ``api_token`` is also that of ``api_token_file``; ``token_file`` is what else the file says. ``token_error`` is why the
    token cannot be used, for a module that reports this instead of failing.
    """

    api_token: str | None
    api_token_file: str | None
    api_url: str
    validate_certs: bool
    ca_path: str | None
    timeout: int
    retries: int
    retry_max_delay: int
    http_envelope: bool
    token_file: Token | None = None
    token_error: WpcomError | None = field(default=None, compare=False)

    def __repr__(self) -> str:
        """Show the URL, never the token."""
        return f"ConnectionOptions(api_url={self.api_url!r})"

    @property
    def secrets(self) -> list[str]:
        """Return what must not be shown anywhere."""
        return [*([self.api_token] if self.api_token else []), *(self.token_file.secrets if self.token_file else ())]

    def warnings(self) -> list[str]:
        """Return warnings about what is allowed but unsafe."""
        warnings = list(self.token_file.warnings) if self.token_file else []
        parts = urlsplit(self.api_url)
        if parts.scheme == "http" and not is_loopback(parts.hostname or ""):
            warnings.append(f"api_url {self.api_url} does not use https: the token is sent unencrypted.")
        return warnings

    @classmethod
    def from_params(cls, params: Mapping[str, Any], *, report_token_error: bool = False) -> ConnectionOptions:
        """Return the options from a task's parameters; reads the file of ``api_token_file``.

        With ``report_token_error``, a token that cannot be read leaves the options without one, and its error is part of
        them. Raises OptionError, which names the option and what to do.
        """
        params = {
            **params,
            **{option.name: _set_or_default(option, params[option.name]) for option in CONNECTION_OPTIONS},
            **_token_options(params["api_token"], params["api_token_file"]),
        }
        for option in CONNECTION_OPTIONS:
            value = params[option.name]
            if option.type == "int" and not option.minimum <= value <= option.maximum:
                bound = f"{option.minimum} or more" if value < option.minimum else f"{option.maximum} or less"
                raise OptionError(
                    f"{option.name} must be {bound}, got {value}: "
                    f"correct the option or the environment variable {option.environment}."
                )
        path = params["api_token_file"]
        token, token_file, token_error = None, None, None
        try:
            token_file = read_token(path) if path else None
            token = token_file.access_token if token_file else _checked_token(params["api_token"])
        except OptionError as error:
            if not report_token_error:
                raise
            token_error = error
        return cls(
            api_token=token,
            api_token_file=path,
            token_file=token_file,
            token_error=token_error,
            api_url=_checked_url(params["api_url"]),
            validate_certs=params["validate_certs"],
            ca_path=_checked_ca_path(params["ca_path"]),
            timeout=params["timeout"],
            retries=params["retries"],
            retry_max_delay=params["retry_max_delay"],
            http_envelope=params["http_envelope"],
        )


def _set_or_default(option: ConnectionOption, value: Any) -> Any:
    """Return the value of an option; an empty one counts as not set, as where a template has nothing to insert.

    Only texts can be empty here: of other types an argument spec accepts no empty text.
    """
    if value != "":
        return value
    return os.environ.get(option.environment) or option.default


def _token_options(token: str | None, path: str | None) -> dict[str, str | None]:
    """Return the token or the path of its file: options before variables, and the token before the file."""
    if token and path:
        raise OptionError("api_token and api_token_file are mutually exclusive: set one of them.")
    if not token and not path:
        token = os.environ.get("WPCOM_API_TOKEN")
        path = None if token else os.environ.get("WPCOM_API_TOKEN_FILE")
    return {"api_token": token or None, "api_token_file": path or None}


def _checked_token(token: str | None) -> str | None:
    return checked_token(token, "api_token") if token else None


def _checked_url(url: str) -> str:
    try:
        parts = urlsplit(url)
        port_is_fine = parts.port is None or parts.port > 0
    except ValueError:
        # Without the value: it may hold a password.
        raise OptionError("api_url is not a URL: use the form https://HOST or https://HOST:PORT/PREFIX.") from None
    if parts.username is not None or parts.password is not None:
        raise OptionError("api_url must not contain a user name or password: set the token in api_token.")
    if parts.scheme not in ("http", "https") or not parts.hostname or not port_is_fine:
        raise OptionError(f"api_url must begin with https:// (or http://) and a host, got {url!r}.")
    if parts.query or parts.fragment:
        raise OptionError(f"api_url must be a scheme and host with an optional path prefix, got {url!r}.")
    path = parts.path.rstrip("/")
    if path.endswith("/rest/v1.1"):
        raise OptionError(f"api_url must not contain the /rest/v1.1 part, got {url!r}: remove it.")
    return f"{parts.scheme}://{parts.netloc}{path}"


def is_loopback(host: str) -> bool:
    """Whether a host is this machine."""
    return host in ("localhost", "::1") or host.startswith("127.")


def _checked_ca_path(ca_path: str | None) -> str | None:
    if not ca_path:
        return None
    if not os.path.exists(ca_path):
        raise OptionError(
            f"ca_path {ca_path!r} does not exist: set it to a CA bundle in PEM format, or omit the option."
        )
    if not os.access(ca_path, os.R_OK):
        raise OptionError(f"ca_path {ca_path!r} cannot be read by this user: correct its permissions.")
    return ca_path
