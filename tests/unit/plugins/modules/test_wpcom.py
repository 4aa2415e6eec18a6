# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The modules as Ansible runs them; their documentation equals their argument spec."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Callable
from unittest import mock

import pytest
import yaml
from ansible.module_utils import basic
from ansible.module_utils.common.text.converters import to_bytes

from ansible_collections.community.wpcom.plugins.doc_fragments import attributes
from ansible_collections.community.wpcom.plugins.module_utils import _module, _session
from ansible_collections.community.wpcom.plugins.module_utils._options import connection_argument_spec
from ansible_collections.community.wpcom.plugins.modules import (
    wpcom_access_token,
    wpcom_connected_application,
    wpcom_connection_info,
    wpcom_diagnostics_info,
    wpcom_keyring_connection,
    wpcom_publicize_connection,
    wpcom_publicize_connections,
)
from ansible_collections.community.wpcom.tests.simulator import Simulator
from ansible_collections.community.wpcom.tests.unit.support import TOKEN

MODULES: dict[str, Any] = {
    "publicize": wpcom_publicize_connection,
    "bulk": wpcom_publicize_connections,
    "keyring": wpcom_keyring_connection,
    "application": wpcom_connected_application,
    "info": wpcom_connection_info,
    "diagnostics": wpcom_diagnostics_info,
}


@contextlib.contextmanager
def arguments(given: dict[str, Any]) -> Iterator[None]:
    """Give AnsibleModule its arguments, on any ansible-core from 2.18 on."""
    try:
        from ansible.module_utils.testing import patch_module_args
    except ImportError:
        with mock.patch.object(basic, "_ANSIBLE_ARGS", to_bytes(json.dumps({"ANSIBLE_MODULE_ARGS": given}))):
            yield
    else:
        with patch_module_args(given):
            yield


Runner = Callable[..., dict[str, Any]]


@pytest.fixture
def run_module(capfd: pytest.CaptureFixture[str]) -> Runner:
    """Return a function that runs a module to its end, and returns the result that Ansible would read."""

    def run(kind: str, check_mode: bool = False, **given: Any) -> dict[str, Any]:
        capfd.readouterr()
        given.update(_ansible_check_mode=check_mode, _ansible_diff=True)
        with arguments(given), pytest.raises(SystemExit) as caught:
            MODULES[kind].main()
        result: dict[str, Any] = json.loads(capfd.readouterr().out)
        assert caught.value.code == (1 if result.get("failed") else 0)
        assert TOKEN not in json.dumps({key: value for key, value in result.items() if key != "invocation"})
        return result

    return run


def test_publicize_connection_is_updated_once_and_deleted(run_module: Runner, simulator: Simulator) -> None:
    task = {
        "api_url": simulator.url,
        "api_token": TOKEN,
        "site": "blog.example.com",
        "service": "facebook",
        "external_user_id": "112",
    }
    checked = run_module("publicize", check_mode=True, **task)
    assert simulator.requests("POST") == []
    real = run_module("publicize", **task)
    again = run_module("publicize", **task)
    assert [checked["changed"], real["changed"], again["changed"]] == [True, True, False]
    assert checked["diff"] == real["diff"]
    assert checked["connection"]["external_id"] == real["connection"]["external_id"] == "112"
    assert len(simulator.requests("POST")) == 1
    failure = run_module("publicize", **{**task, "external_user_id": "999"})
    assert failure["failed"] is True
    assert failure["error"]["code"] == "unknown_external_user"
    gone = run_module("publicize", api_url=simulator.url, api_token=TOKEN, id=5001, state="absent")
    assert gone["connection"] is None
    assert 5001 not in [row["ID"] for row in simulator.state()["publicize_connections"]]


def test_keyring_connection_warns_and_is_deleted_with_its_publicize_connections(
    run_module: Runner, simulator: Simulator
) -> None:
    there = {"api_url": simulator.url, "api_token": TOKEN}
    # Where a test imported parts of the controller, AnsibleModule would show its warnings in place of returning them.
    with mock.patch.object(basic.AnsibleModule, "warn") as warn:
        result = run_module("keyring", service="threads", **there)
    assert result["changed"] is False
    assert any("ada.threads" in call.args[0] for call in warn.call_args_list)
    refused = run_module("keyring", service="threads", state="absent", **there)
    assert refused["error"]["code"] == "cascade_needed"
    assert [row["id"] for row in refused["publicize_connections"]] == [5014]
    gone = {"service": "threads", "state": "absent", "cascade": True, **there}
    assert run_module("keyring", check_mode=True, **gone)["changed"] is True
    assert simulator.requests("POST") == []
    assert run_module("keyring", **gone)["changed"] is True
    assert run_module("keyring", **gone)["changed"] is False
    assert len(simulator.requests("POST")) == 1


def test_connected_applications_are_revoked_except_for_the_token_in_use(
    run_module: Runner, simulator: Simulator
) -> None:
    there = {"api_url": simulator.url, "api_token": TOKEN}
    assert len(run_module("application", title="Acme Editor", **there)["applications"]) == 2
    assert run_module("application", check_mode=True, title="Acme Editor", state="absent", **there)["changed"] is True
    assert simulator.requests("POST") == []
    assert run_module("application", title="Acme Editor", state="absent", **there)["changed"] is True
    assert run_module("application", title="Acme Editor", state="absent", **there)["changed"] is False
    assert run_module("application", id=7004, state="absent", **there)["error"]["code"] == "token_in_use"


def test_connection_info_reads_the_same_in_check_mode(run_module: Runner, simulator: Simulator) -> None:
    there = {"api_url": simulator.url, "api_token": TOKEN}
    for check_mode in (True, False):
        result = run_module("info", check_mode=check_mode, gather=["publicize"], site=["3001", "3002"], **there)
        assert result["changed"] is False
        assert len(result["publicize_connections"]) == 8
    assert run_module("info", gather=["nonsense"], **there)["failed"] is True


def test_options_from_the_environment(
    run_module: Runner, simulator: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An option takes precedence over its environment variable, and an empty variable counts as unset."""
    monkeypatch.setenv("WPCOM_API_URL", simulator.url)
    monkeypatch.setenv("WPCOM_API_TOKEN", TOKEN)
    monkeypatch.setenv("WPCOM_HTTP_ENVELOPE", "yes")
    monkeypatch.setenv("WPCOM_TIMEOUT", "5")
    for name in ("RETRIES", "RETRY_MAX_DELAY", "CA_PATH", "VALIDATE_CERTS"):
        monkeypatch.setenv(f"WPCOM_{name}", "")
    with mock.patch.object(_session, "Transport", wraps=_session.Transport) as made:
        assert run_module("publicize", id=5001)["connection"]["id"] == 5001
    options = made.call_args.args[0]
    assert (options.timeout, options.http_envelope, options.retries) == (5, True, 3)
    assert (options.retry_max_delay, options.ca_path, options.validate_certs) == (60, None, True)
    assert simulator.requests()[0]["query"] == {"http_envelope": "1"}
    assert run_module("publicize", id=5001, api_token="wrong")["error"]["code"] == "invalid_token"
    monkeypatch.setenv("WPCOM_TIMEOUT", "soon")
    assert "timeout" in run_module("publicize", id=5001)["msg"]


def test_token_from_a_file_is_masked_as_an_option_is(
    run_module: Runner, simulator: Simulator, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Ansible itself knows neither the token of a file nor that of a variable that the module reads."""
    path = tmp_path / "token"
    path.write_text(json.dumps({"access_token": TOKEN, "refresh_token": "renew!me"}), encoding="utf-8")
    path.chmod(0o600)
    for name, value in {"WPCOM_API_TOKEN_FILE": str(path), "WPCOM_API_TOKEN": TOKEN}.items():
        monkeypatch.setenv(name, value)
        result = run_module("keyring", api_url=simulator.url, service=f"a-{TOKEN}-z")
        assert result["error"]["code"] == "unknown_service"
        assert "a-********-z" in result["msg"]
        assert {request["authorization"] for request in simulator.requests()} == {"bearer"}
    monkeypatch.delenv("WPCOM_API_TOKEN")
    result = run_module("keyring", api_url=simulator.url, service="a-renew!me-z")
    assert "a-********-z" in result["msg"]
    path.unlink()
    assert "does not exist" in run_module("keyring", api_url=simulator.url, id=2001)["msg"]


@pytest.mark.parametrize(
    ("kind", "task", "message"),
    [
        ("publicize", {}, "one of"),
        ("publicize", {"service": "x"}, "site"),
        ("publicize", {"id": 1, "account": "x"}, "account"),
        ("publicize", {"id": 1, "external_user_id": "1", "external_user_name": "x"}, "external_user_name"),
        ("publicize", {"id": "x"}, "id"),
        ("publicize", {"id": 1, "state": "gone"}, "state"),
        ("publicize", {"id": 1, "timeout": 0}, "timeout must be 1 or more"),
        ("publicize", {"id": 1, "unknown": 1}, "unknown"),
        ("bulk", {}, "connections"),
        ("bulk", {"connections": [{"id": 1, "shred": True}]}, "shred"),
        ("bulk", {"connections": [{"id": 1, "state": "gone"}]}, "state"),
        ("bulk", {"connections": [], "parallel": 0}, "parallel must be from 1 to 32"),
        ("keyring", {}, "one of"),
        ("keyring", {"id": 1, "service": "x"}, "mutually exclusive"),
        ("keyring", {"id": 1, "account": "x"}, "account"),
        ("application", {}, "one of"),
        ("application", {"id": 1, "title": "x"}, "mutually exclusive"),
        ("application", {"id": 1, "site": "x"}, "site"),
        ("info", {"context": "x"}, "context"),
    ],
)
def test_wrong_options_are_refused_before_any_request(
    run_module: Runner, simulator: Simulator, kind: str, task: dict[str, Any], message: str
) -> None:
    result = run_module(kind, api_url=simulator.url, api_token=TOKEN, **task)
    assert result["failed"] is True
    assert message in result["msg"].replace("One of", "one of")
    assert simulator.requests() == []


@pytest.mark.parametrize("kind", MODULES)
def test_message_names_the_missing_library(run_module: Runner, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    monkeypatch.setattr(_module, "HAS_REQUESTS", False)
    monkeypatch.setattr(_module, "REQUESTS_IMPORT_ERROR", "Traceback: no requests")
    task = {"info": {}, "diagnostics": {}, "application": {"title": "x"}, "bulk": {"connections": []}}.get(
        kind, {"id": 1}
    )
    result = run_module(kind, **task)
    assert result["failed"] is True
    assert "(requests)" in result["msg"]


# Documentation


def spec_of(kind: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the argument spec that a module makes its AnsibleModule with, and the rules beside it."""

    class Made(Exception):
        pass

    with mock.patch.object(_module, "AnsibleModule", side_effect=Made) as made, pytest.raises(Made):
        MODULES[kind].main()
    rules = dict(made.call_args.kwargs)
    return rules.pop("argument_spec"), rules


def check_documented(documented: dict[str, Any], spec: dict[str, Any]) -> None:
    """Require that options and their suboptions are documented as they are, and in their order."""
    assert list(documented) == list(spec)
    for name, entry in spec.items():
        for key in ("type", "default", "choices", "elements"):
            assert documented[name].get(key) == entry.get(key), f"{name}.{key}"
        assert documented[name].get("required", False) == entry.get("required", False), name
        check_documented(documented[name].get("suboptions", {}), entry.get("options", {}))


@pytest.mark.parametrize("kind", MODULES)
def test_documentation_is_the_argument_spec(kind: str) -> None:
    spec, rules = spec_of(kind)
    assert rules["supports_check_mode"] is True
    connection = connection_argument_spec()
    assert {name: spec[name] for name in connection} == connection
    own = {name: entry for name, entry in spec.items() if name not in connection}
    check_documented(yaml.safe_load(MODULES[kind].DOCUMENTATION)["options"], own)


@pytest.mark.parametrize("kind", MODULES)
def test_documentation_has_fragments_attributes_examples_by_full_name_and_the_returned_error(kind: str) -> None:
    module = MODULES[kind]
    documentation = yaml.safe_load(module.DOCUMENTATION)
    name = module.__name__.rsplit(".", 1)[1]
    assert documentation["module"] == name
    assert "community.wpcom.api" in documentation["extends_documentation_fragment"]
    assert "community.wpcom.attributes.actiongroup_wpcom" in documentation["extends_documentation_fragment"]
    support = {}
    for fragment in documentation["extends_documentation_fragment"]:
        if fragment.startswith("community.wpcom.attributes."):
            variant = getattr(attributes.ModuleDocFragment, fragment.rsplit(".", 1)[1].upper())
            described = yaml.safe_load(variant)["attributes"]
            support.update({key: attribute["support"] for key, attribute in described.items()})
    assert support == {
        "action_group": "full",
        "check_mode": "full",
        "diff_mode": "N/A" if kind in ("info", "diagnostics") else "full",
        "idempotent": "full",
    }
    examples = yaml.safe_load(module.EXAMPLES)
    assert any(f"community.wpcom.{name}" in task for task in examples)
    for task in examples:
        options = task.get(f"community.wpcom.{name}")
        assert options is None or set(options) <= set(spec_of(kind)[0])
    assert "error" in yaml.safe_load(module.RETURN)


def test_access_token_is_documented_as_its_action_validates_it_and_does_not_run_as_a_module(
    capfd: pytest.CaptureFixture[str],
) -> None:
    documented = yaml.safe_load(wpcom_access_token.DOCUMENTATION)["options"]
    connection = connection_argument_spec()
    spec = wpcom_access_token.ARGUMENT_SPEC
    assert {name: spec[name] for name in connection} == connection
    check_documented(documented, {name: entry for name, entry in spec.items() if name not in connection})
    for name, entry in spec.items():
        assert entry.get("no_log") is (
            True if name in ("api_token", "client_secret", "password") else entry.get("no_log")
        )
        for variable in entry.get("fallback", (None, []))[1] if name not in connection else ():
            assert f"E({variable})" in str(documented[name]["description"])
    for check_mode in (False, True):
        with arguments({"path": "token.json", "_ansible_check_mode": check_mode}), pytest.raises(SystemExit):
            wpcom_access_token.main()
        assert "inside the Ansible process" in json.loads(capfd.readouterr().out)["msg"]
