# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The connection options: defaults, environment, bad values, and that table and documentation agree."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.module_utils.errors import AnsibleFallbackNotFound

from ansible_collections.community.wpcom.plugins.doc_fragments.api import ModuleDocFragment
from ansible_collections.community.wpcom.plugins.module_utils._errors import OptionError
from ansible_collections.community.wpcom.plugins.module_utils._http import transport as _transport
from ansible_collections.community.wpcom.plugins.module_utils._options import (
    CONNECTION_OPTIONS,
    ConnectionOptions,
    connection_argument_spec,
    environment_fallback,
)
from ansible_collections.community.wpcom.tests.unit.support import params

ROOT = Path(__file__).resolve().parents[4]
DOCUMENTED = yaml.safe_load(ModuleDocFragment.DOCUMENTATION)["options"]


def refusal(**changes: Any) -> str:
    """Return the error for bad values."""
    with pytest.raises(OptionError) as caught:
        ConnectionOptions.from_params(params(**changes))
    assert caught.value.code == "invalid_option"
    return caught.value.message


# The table


def test_table_is_the_contract() -> None:
    """Users and other tools rely on these names, variables and defaults."""
    assert [(option.name, option.environment, option.default) for option in CONNECTION_OPTIONS] == [
        ("api_token", "WPCOM_API_TOKEN", None),
        ("api_token_file", "WPCOM_API_TOKEN_FILE", None),
        ("api_url", "WPCOM_API_URL", "https://public-api.wordpress.com"),
        ("validate_certs", "WPCOM_VALIDATE_CERTS", True),
        ("ca_path", "WPCOM_CA_PATH", None),
        ("timeout", "WPCOM_TIMEOUT", 60),
        ("retries", "WPCOM_RETRIES", 3),
        ("retry_max_delay", "WPCOM_RETRY_MAX_DELAY", 60),
        ("http_envelope", "WPCOM_HTTP_ENVELOPE", False),
    ]


def test_documentation_is_the_table() -> None:
    """The doc fragment names the same options, types and defaults."""
    assert list(DOCUMENTED) == [option.name for option in CONNECTION_OPTIONS]
    for option in CONNECTION_OPTIONS:
        documented = DOCUMENTED[option.name]
        assert documented["type"] == option.type
        assert documented.get("default") == option.default
        assert not documented.get("required", False)
        named = re.findall(r"E\((WPCOM_\w+)\)", " ".join(documented["description"]))
        assert named[-1:] == [option.environment]
        # What is said of the file names the variable that takes precedence, too.
        assert named[:-1] == (["WPCOM_API_TOKEN"] if option.name == "api_token_file" else [])


def test_argument_spec_is_the_table() -> None:
    """Type, default, fallback, and nothing shown of the token."""
    spec = connection_argument_spec()
    assert list(spec) == list(DOCUMENTED)
    for option in CONNECTION_OPTIONS:
        entry = spec[option.name]
        assert entry["type"] == option.type
        assert entry.get("default") == option.default
        # Which variable counts for the token depends on both options: ``from_params`` decides it.
        is_token = option.name.startswith("api_token")
        assert entry.get("fallback") == (None if is_token else (environment_fallback, [option.environment]))
    # Ansible warns of names with "token" in them that do not say what they are.
    assert {name: entry["no_log"] for name, entry in spec.items() if "no_log" in entry} == {
        "api_token": True,
        "api_token_file": False,
    }


def test_specs_do_not_share_anything() -> None:
    """AnsibleModule changes the spec that it is given."""
    connection_argument_spec()["timeout"]["default"] = 5
    assert connection_argument_spec()["timeout"]["default"] == 60


def test_version_is_that_of_the_collection() -> None:
    """The agent that the server sees is the one that is released."""
    path = ROOT / "galaxy.yml"
    if not path.is_file():
        pytest.skip("an installed collection has no galaxy.yml")
    assert yaml.safe_load(path.read_text(encoding="utf-8"))["version"] == _transport.VERSION


def test_every_module_is_in_the_action_group() -> None:
    """So that module_defaults reach all of them."""
    runtime = yaml.safe_load((ROOT / "meta" / "runtime.yml").read_text(encoding="utf-8"))
    modules = sorted(
        path.stem
        for path in (ROOT / "plugins" / "modules").glob("wpcom_*.py")
        if "community.wpcom.attributes.actiongroup_wpcom" in path.read_text(encoding="utf-8")
    )
    assert sorted(runtime["action_groups"]["wpcom"]) == modules
    assert len(modules) >= 4


# The environment


def test_fallback(monkeypatch: pytest.MonkeyPatch) -> None:
    """A variable is heard; an empty one counts as unset, as AWX injects it for a blank field."""
    monkeypatch.setenv("WPCOM_TIMEOUT", "5")
    assert environment_fallback("WPCOM_TIMEOUT") == "5"
    monkeypatch.setenv("WPCOM_TIMEOUT", "")
    with pytest.raises(AnsibleFallbackNotFound):
        environment_fallback("WPCOM_TIMEOUT")
    monkeypatch.delenv("WPCOM_TIMEOUT")
    with pytest.raises(AnsibleFallbackNotFound):
        environment_fallback("WPCOM_TIMEOUT")


@pytest.fixture
def token_file(tmp_path: Path) -> Path:
    """Return a file with the token "from-file"."""
    path = tmp_path / "token"
    path.write_text("from-file\n", encoding="utf-8")
    path.chmod(0o600)
    return path


@pytest.mark.parametrize(
    ("option", "variables", "token"),
    [
        ({}, {}, None),
        ({}, {"WPCOM_API_TOKEN": "from-variable"}, "from-variable"),
        ({}, {"WPCOM_API_TOKEN_FILE": "FILE"}, "from-file"),
        ({}, {"WPCOM_API_TOKEN": "from-variable", "WPCOM_API_TOKEN_FILE": "/missing"}, "from-variable"),
        ({}, {"WPCOM_API_TOKEN": "", "WPCOM_API_TOKEN_FILE": "FILE"}, "from-file"),
        ({}, {"WPCOM_API_TOKEN": "", "WPCOM_API_TOKEN_FILE": ""}, None),
        ({"api_token_file": "FILE"}, {"WPCOM_API_TOKEN": "from-variable"}, "from-file"),
        ({"api_token_file": ""}, {"WPCOM_API_TOKEN": "from-variable"}, "from-variable"),
        ({"api_token_file": "", "api_token": ""}, {"WPCOM_API_TOKEN_FILE": "FILE"}, "from-file"),
        ({"api_token": "from-option"}, {"WPCOM_API_TOKEN_FILE": "/missing"}, "from-option"),
        ({"api_token": "from-option", "api_token_file": ""}, {"WPCOM_API_TOKEN": "from-variable"}, "from-option"),
    ],
)
def test_the_token_is_that_of_an_option_else_of_a_variable(
    option: dict[str, str],
    variables: dict[str, str],
    token: Any,
    token_file: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value.replace("FILE", str(token_file)))
    given = {name: value.replace("FILE", str(token_file)) for name, value in option.items()}
    made = ConnectionOptions.from_params(params(**{"api_token": None, **given}))
    assert made.api_token == token
    assert made.api_token_file == (str(token_file) if token == "from-file" else None)
    assert set(made.secrets) == ({token} if token else set())
    assert made.warnings() == ["api_url http://api.invalid does not use https: the token is sent unencrypted."]


def test_token_and_token_file_are_mutually_exclusive() -> None:
    """Before the file is read."""
    assert refusal(api_token_file="/missing").startswith("api_token and api_token_file are mutually exclusive")


def test_the_token_file_is_read_each_time(token_file: Path) -> None:
    """A loop keeps its session for as long as the options are equal."""
    given = params(api_token=None, api_token_file=str(token_file))
    before = ConnectionOptions.from_params(given)
    assert ConnectionOptions.from_params(given) == before
    token_file.write_text("renewed", encoding="utf-8")
    after = ConnectionOptions.from_params(given)
    assert (after.api_token, after == before) == ("renewed", False)


def test_what_a_token_file_warns_of_is_a_warning_of_the_options(token_file: Path) -> None:
    token_file.chmod(0o644)
    made = ConnectionOptions.from_params(params("https://x.example", api_token=None, api_token_file=str(token_file)))
    assert ["set its mode to 0600" in warning for warning in made.warnings()] == [True]
    assert "from-file" not in repr(made)


# Bad values


@pytest.mark.parametrize(("name", "minimum"), [("timeout", 1), ("retries", 0), ("retry_max_delay", 0)], ids=str)
def test_numbers_have_a_minimum(name: str, minimum: int) -> None:
    """The error names option, variable and border."""
    message = refusal(**{name: minimum - 1})
    assert message.startswith(f"{name} must be {minimum} or more, got {minimum - 1}")
    assert f"WPCOM_{name.upper()}" in message
    assert getattr(ConnectionOptions.from_params(params(**{name: minimum})), name) == minimum


@pytest.mark.parametrize(("name", "maximum"), [("timeout", 86400), ("retries", 100), ("retry_max_delay", 86400)])
def test_numbers_have_a_maximum(name: str, maximum: int) -> None:
    """Beyond it no clock or socket of the system would take them."""
    assert refusal(**{name: maximum + 1}).startswith(f"{name} must be {maximum} or less, got {maximum + 1}")
    assert getattr(ConnectionOptions.from_params(params(**{name: maximum})), name) == maximum


@pytest.mark.parametrize(
    "token", ["sec ret", "secret\n", " secret", "sec\tret", "secr\u00e9t", "secret\x00", "secret\x7f"]
)
def test_token_that_is_none(token: str) -> None:
    """A line break at the end of a file is the usual cause; the token is not shown."""
    message = refusal(api_token=token)
    assert message.startswith("api_token contains a space")
    assert "sec" not in message


@pytest.mark.parametrize("token", [None, ""])
def test_token_that_is_not_given(token: Any) -> None:
    """Nothing is none; whether one is needed is decided later."""
    assert ConnectionOptions.from_params(params(api_token=token)).api_token is None


@pytest.mark.parametrize("token", ["abc", "aB3!@#&%/\"<>'+=$^*()?;:,.~\\zZ9"])
def test_token(token: str) -> None:
    """Tokens have special characters."""
    assert ConnectionOptions.from_params(params(api_token=token)).api_token == token


@pytest.mark.parametrize(
    ("url", "kept"),
    [
        ("https://public-api.wordpress.com", "https://public-api.wordpress.com"),
        ("https://public-api.wordpress.com/", "https://public-api.wordpress.com"),
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
        ("https://proxy.example.com/wpcom/", "https://proxy.example.com/wpcom"),
        ("HTTPS://Example.com//", "https://Example.com"),
        ("http://[::1]:8080/x", "http://[::1]:8080/x"),
    ],
)
def test_url(url: str, kept: str) -> None:
    """Scheme and host, with an optional path prefix."""
    assert ConnectionOptions.from_params(params(api_url=url)).api_url == kept


@pytest.mark.parametrize(
    ("url", "remedy"),
    [
        (" ", "must begin with https://"),
        ("public-api.wordpress.com", "must begin with https://"),
        ("ftp://example.com", "must begin with https://"),
        ("https://", "must begin with https://"),
        ("https://:443", "must begin with https://"),
        ("https://example.com:0", "must begin with https://"),
        ("https://example.com:99999", "is not a URL"),
        ("https://example.com:port", "is not a URL"),
        ("http://[::1", "is not a URL"),
        ("https://example.com?x=1", "optional path prefix"),
        ("https://example.com#x", "optional path prefix"),
        ("https://example.com/rest/v1.1", "remove it"),
        ("https://example.com/prefix/rest/v1.1/", "remove it"),
        ("https://ada:secret@example.com", "must not contain a user name or password"),
        ("https://ada@example.com", "must not contain a user name or password"),
        ("https://:secret@example.com", "must not contain a user name or password"),
    ],
)
def test_url_that_is_none(url: str, remedy: str) -> None:
    """The error names the option and what it should be, and shows no password."""
    message = refusal(api_url=url)
    assert message.startswith("api_url ")
    assert remedy in message
    assert "secret" not in message


@pytest.mark.parametrize(
    ("url", "warned"),
    [
        ("https://public-api.wordpress.com", False),
        ("http://127.0.0.1:8080", False),
        ("http://localhost", False),
        ("http://[::1]:8080", False),
        ("http://public-api.wordpress.com", True),
        ("http://localhost.example.com", True),
    ],
)
def test_warning_of_plain_http(url: str, warned: bool) -> None:
    """The token would travel unprotected."""
    warnings = ConnectionOptions.from_params(params(api_url=url)).warnings()
    assert bool(warnings) is warned
    assert all("api_url" in warning and "token" in warning for warning in warnings)


def test_missing_ca_path(tmp_path: Path) -> None:
    """It is told before anything is sent."""
    message = refusal(ca_path=str(tmp_path / "missing.pem"))
    assert message.startswith("ca_path ")
    assert "does not exist" in message


def test_unreadable_ca_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """So is one that this user may not read."""
    path = tmp_path / "ca.pem"
    path.write_text("x")
    monkeypatch.setattr(os, "access", lambda name, mode: False)
    message = refusal(ca_path=str(path))
    assert message.startswith("ca_path ")
    assert "permissions" in message


@pytest.mark.parametrize("ca_path", [None, ""])
def test_no_ca_path(ca_path: Any) -> None:
    """Nothing is the system's own."""
    assert ConnectionOptions.from_params(params(ca_path=ca_path)).ca_path is None
