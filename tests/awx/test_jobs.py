# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Jobs as AWX runs them: its own code injects the credential, and ansible-runner runs a playbook of the project."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml
from awx_plugins.interfaces._temporary_private_api import ManagedCredentialType
from awx_plugins.interfaces._temporary_private_credential_api import Credential
from awx_plugins.interfaces._temporary_private_inject_api import inject_credential

from tests.e2e.conftest import ROOT, Ansible
from tests.simulator import Simulator

AWX = ROOT / "extensions" / "awx"
TOKEN = "job-token-4711"


class SurveyDumper(yaml.SafeDumper):
    """Writes texts as AWX writes the values of a survey."""


SurveyDumper.add_representer(str, lambda dumper, text: dumper.represent_scalar("!unsafe", text))


def injected(
    folder: Path, inputs: dict[str, str], **environment: str
) -> tuple[dict[str, str], dict[str, str], list[str]]:
    """Return the environment of a job, what AWX stores of it, and the arguments, as AWX's own code makes them."""
    document = yaml.safe_load((AWX / "credential_type.yml").read_text(encoding="utf-8"))
    kind = ManagedCredentialType("wpcom", document["name"], document["kind"], document["inputs"], document["injectors"])
    (folder / "env").mkdir(parents=True, exist_ok=True)
    variables, stored, arguments = dict(environment), dict(environment), []
    inject_credential(kind, Credential(inputs), variables, stored, arguments, str(folder))
    return variables, stored, arguments


def on_this_machine(path: str, folder: Path) -> Path:
    """Return the file that has this path in the container of a job."""
    return folder / Path(path).relative_to("/runner")


@pytest.mark.parametrize("token", [TOKEN, "{{ x }} %}'\"\\ #$(ü)", '{"access_token": "job-token-4711"}'])
@pytest.mark.parametrize("update", [{}, {"INVENTORY_UPDATE_ID": "7"}])
def test_awx_passes_the_token_as_a_file(tmp_path: Path, token: str, update: dict[str, str]) -> None:
    variables, stored, arguments = injected(
        tmp_path, {"api_token": token, "api_url": "https://api.example.com"}, **update
    )
    assert set(variables) - set(update) == {"WPCOM_API_TOKEN_FILE", "WPCOM_API_URL"}
    file = on_this_machine(variables["WPCOM_API_TOKEN_FILE"], tmp_path)
    assert file.read_text(encoding="utf-8") == token
    assert file.stat().st_mode & 0o077 == 0
    assert variables["WPCOM_API_URL"] == "https://api.example.com"
    assert token not in json.dumps([variables, stored], ensure_ascii=False)
    assert arguments == []


def test_a_blank_url_is_an_empty_variable(tmp_path: Path) -> None:
    variables, _stored, _arguments = injected(tmp_path, {"api_token": TOKEN, "api_url": ""})
    assert variables["WPCOM_API_URL"] == ""
    variables, _stored, _arguments = injected(tmp_path, {"api_token": TOKEN})
    assert variables["WPCOM_API_URL"] == ""


def test_the_inventory_of_the_project(ansible: Ansible, with_token: Simulator, tmp_path: Path) -> None:
    """An update of the inventory reads the sites with the token of the credential."""
    variables, _stored, _arguments = injected(
        tmp_path, {"api_token": TOKEN, "api_url": with_token.url}, INVENTORY_UPDATE_ID="7"
    )
    variables["WPCOM_API_TOKEN_FILE"] = str(on_this_machine(variables["WPCOM_API_TOKEN_FILE"], tmp_path))
    done = ansible.run("ansible-inventory", "-i", AWX / "project" / "wpcom.yml", "--list", **variables)
    assert done.status == 0, done.output
    inventory = json.loads(done.stdout)
    hosts = inventory["_meta"]["hostvars"]
    assert hosts["blog.example.com"]["ansible_connection"] == "local"
    assert sorted(inventory["wpcom_account_ada"]["hosts"]) == sorted(hosts)
    assert TOKEN not in done.output


def job(folder: Path, simulator: Simulator, survey: dict[str, Any], cmdline: str) -> None:
    """Lay out a job: the project, the hosts of its inventory, the credential, and the values of the survey."""
    shutil.copytree(AWX / "project", folder / "project")
    (folder / "inventory").mkdir()
    local = {"ansible_connection": "local", "ansible_python_interpreter": "{{ ansible_playbook_python }}"}
    declared = [{"service": "mastodon", "account": "@shop@mastodon.example"}]
    hosts = {
        "blog.example.com": {"wpcom_site_id": 3001, "social_connections": declared, **local},
        "shop.example.com": {"wpcom_site_id": 3002, **local},
    }
    (folder / "inventory" / "hosts.yml").write_text(yaml.safe_dump({"all": {"hosts": hosts}}))
    variables, _stored, _arguments = injected(folder, {"api_token": TOKEN, "api_url": simulator.url})
    variables["WPCOM_API_TOKEN_FILE"] = str(on_this_machine(variables["WPCOM_API_TOKEN_FILE"], folder))
    (folder / "env" / "envvars").write_text(yaml.safe_dump({**variables, "NO_PROXY": "*", "no_proxy": "*"}))
    (folder / "env" / "extravars").write_text(yaml.dump(survey, Dumper=SurveyDumper))
    (folder / "env" / "cmdline").write_text(cmdline)


def run(ansible: Ansible, folder: Path, playbook: str) -> tuple[int, str, list[dict[str, Any]]]:
    """Run a job, and return its status, everything that AWX stores of it, and its events."""
    done = ansible.run("ansible-runner", "run", folder, "-p", playbook, "--ident", "one")
    artifacts = folder / "artifacts" / "one"
    files = [path.read_text(encoding="utf-8") for path in sorted(artifacts.rglob("*")) if path.is_file()]
    events = [json.loads(path.read_text(encoding="utf-8")) for path in (artifacts / "job_events").glob("*.json")]
    return done.status, "\n".join([done.output, *files]), sorted(events, key=lambda event: int(event["counter"]))


@pytest.fixture
def with_token(simulator: Simulator) -> Simulator:
    """Return the simulator, which accepts the token of the job."""
    simulator.patch(tokens=[{"token": TOKEN, "user_ID": 1001, "scope": "global", "client_ID": 50001}])
    return simulator


def test_survey_for_one_connection(ansible: Ansible, with_token: Simulator, tmp_path: Path) -> None:
    """The account is selected by its external ID, which is quoted as the survey asks for; blank values are not set."""
    survey = {
        "converge_one_sites": "[blog.example.com, 3002]",
        "converge_one_service": "mastodon",
        "converge_one_account": "'900004'",
        "converge_one_page": "",
        "converge_one_shared": "not shared",
        "converge_one_state": "present",
    }
    folder = tmp_path / "job"
    job(folder, with_token, survey, "--diff -vvv")
    assert "!unsafe '''900004'''" in (folder / "env" / "extravars").read_text()
    status, stored, events = run(ansible, folder, "converge_one.yml")
    assert status == 0, stored
    written = [request for request in with_token.requests() if request["method"] != "GET"]
    assert len(written) == 2
    assert "Done: 2 created, 0 updated, 0 deleted, 0 unchanged." in stored
    # Also not in the command, which contains the environment.
    assert TOKEN not in stored
    (statistics,) = [event for event in events if event["event"] == "playbook_on_stats"]
    assert statistics["event_data"]["artifact_data"]["social_connections_created"] == 2


def test_audit_and_converge_with_the_values_of_their_surveys(
    ansible: Ansible, with_token: Simulator, tmp_path: Path
) -> None:
    """The audit reports the connection that the variables of a site declare, and converge creates it."""
    survey: dict[str, Any] = {
        "social_connections_audit_fail_on": ["error"],
        "social_connections_audit_expiring_within": 14,
        "social_connections_audit_test": "false",
    }
    folder = tmp_path / "audit"
    job(folder, with_token, survey, "")
    status, stored, events = run(ansible, folder, "audit.yml")
    # The job fails because of what it found.
    assert status == 2, stored
    assert TOKEN not in stored
    (statistics,) = [event["event_data"] for event in events if event["event"] == "playbook_on_stats"]
    assert statistics["artifact_data"]["social_connections_audit_missing"] == 1
    assert with_token.requests(method="POST") == []

    folder = tmp_path / "converge"
    job(folder, with_token, {"social_connections_purge": "none", "social_connections_max_deletions": 10}, "--diff")
    status, stored, events = run(ansible, folder, "converge.yml")
    assert status == 0, stored
    assert TOKEN not in stored
    assert [request["path"] for request in with_token.requests(method="POST")] == [
        "/sites/3001/publicize-connections/new"
    ]
    (statistics,) = [event["event_data"] for event in events if event["event"] == "playbook_on_stats"]
    assert statistics["changed"] == {"blog.example.com": 1}


def test_values_of_a_survey_that_ansible_converts_are_errors(
    ansible: Ansible, with_token: Simulator, tmp_path: Path
) -> None:
    survey = {
        "converge_one_sites": "3002",
        "converge_one_service": "yes",
        "converge_one_account": "0123",
        "converge_one_page": "2024-01-01",
    }
    variables = tmp_path / "survey.yml"
    variables.write_text(yaml.dump(survey, Dumper=SurveyDumper))
    assert "!unsafe '0123'" in variables.read_text()
    done = ansible.run("ansible-playbook", "community.wpcom.converge_one", "-e", f"@{variables}", WPCOM_API_TOKEN=TOKEN)
    assert done.status == 2
    assert "converge_one_service is True, of the type bool." in done.output
    assert "converge_one_account is 83, of the type int." in done.output
    assert "converge_one_page is 2024-01-01, of the type date." in done.output
    assert with_token.requests() == []
