# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The playbook awx_setup: what it creates, that a second run changes nothing, and that the modules accept its arguments."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from jinja2.nativetypes import NativeEnvironment

from tests.e2e.conftest import ROOT, Ansible, Outcome

from .controller import Controller, RefusedError

PLAYBOOKS = ROOT / "playbooks"
TASKS = PLAYBOOKS / "tasks" / "awx_setup"
CONFIGURATION = ROOT / "extensions" / "awx" / "aap_configuration.yml"
TOKEN = "wpcom-token-4711"
# What the API calls the objects of the variables.
KINDS = {
    "controller_credential_types": "credential_types",
    "controller_credentials": "credentials",
    "controller_execution_environments": "execution_environments",
    "controller_notifications": "notification_templates",
    "controller_projects": "projects",
    "controller_inventories": "inventories",
    "controller_inventory_sources": "inventory_sources",
    "controller_templates": "job_templates",
    "controller_workflows": "workflow_job_templates",
    "controller_schedules": "schedules",
}
# Arguments that are not fields of the object.
ARGUMENTS_ONLY = {"update_secrets", "simplified_workflow_nodes"}

Document = dict[str, Any]


class Loader(yaml.SafeLoader):
    """Reads the texts that Ansible does not template as they are."""


class Unsafe(str):
    """A text that is not templated."""


Loader.add_constructor("!unsafe", lambda loader, node: Unsafe(loader.construct_scalar(node)))


def templated(value: Any, variables: Document) -> Any:
    """Return a value with its templates filled in."""
    if isinstance(value, dict):
        return {name: templated(item, variables) for name, item in value.items()}
    if isinstance(value, list):
        return [templated(item, variables) for item in value]
    if isinstance(value, str) and "{{" in value and not isinstance(value, Unsafe):
        environment = NativeEnvironment()
        environment.filters["ansible.builtin.path_join"] = lambda parts: str(Path(*parts))
        return environment.from_string(value).render(**variables)
    return value


def configuration(**settings: Any) -> Document:
    """Return the objects for infra.aap_configuration."""
    variables = {**yaml.load(CONFIGURATION.read_text(encoding="utf-8"), Loader), **settings}
    return {name: templated(variables[name], variables) for name in variables if name.startswith("controller_")}


def documented(module: Path) -> Document:
    """Return the options that a module of awx.awx documents."""
    for node in ast.parse(module.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "DOCUMENTATION":
            options: Document = yaml.safe_load(ast.literal_eval(node.value))["options"]
            return options
    raise AssertionError(module)


def tasks() -> list[tuple[str, Document, Document]]:
    """Return the module, the arguments and the whole of each task."""
    found = []
    for task in yaml.safe_load((TASKS / "awx.awx.yml").read_text(encoding="utf-8")):
        (module,) = [name for name in task if name.startswith("awx.awx.")]
        found.append((module.rsplit(".", 1)[1], task[module], task))
    return found


def argument_violations(arguments: Document, options: Document) -> list[str]:
    """Return what a module would say of the arguments of a task, and of mappings in them."""
    aliases = {alias: name for name, option in options.items() for alias in option.get("aliases", [])}
    given = {aliases.get(name, name): value for name, value in arguments.items()}
    found = [f"{name} is not an option" for name in given if name not in options]
    found += [f"{name} is missing" for name, option in options.items() if option.get("required") and name not in given]
    for name, value in given.items():
        choices = options.get(name, {}).get("choices")
        if choices and isinstance(value, (str, int)) and "{{" not in str(value) and value not in choices:
            found.append(f"{name} is not one of {choices}")
        if "suboptions" in options.get(name, {}) and isinstance(value, dict):
            found += argument_violations(value, options[name]["suboptions"])
    return found


def test_modules_accept_the_arguments(awx_awx: Path) -> None:
    for module, arguments, task in tasks():
        assert argument_violations(arguments, documented(awx_awx / f"{module}.py")) == [], task["name"]
    created = [module for module, _arguments, _task in tasks()]
    assert len(created) == 12
    assert len(set(created)) == 11


def test_arguments_that_modules_do_not_accept_are_found(awx_awx: Path) -> None:
    arguments: Document = {"name": "x", "job_typ": "run", "job_type": "dry"}
    assert argument_violations(arguments, documented(awx_awx / "job_template.py")) == [
        "job_typ is not an option",
        "job_type is not one of ['run', 'check']",
    ]
    arguments = {"workflow": "x", "approval_node": {"text": ""}}
    assert argument_violations(arguments, documented(awx_awx / "workflow_job_template_node.py")) == [
        "identifier is missing",
        "text is not an option",
        "name is missing",
    ]


def test_approval_node_has_the_options_of_the_module(awx_awx: Path) -> None:
    options = documented(awx_awx / "workflow_job_template_node.py")
    nodes = configuration()["controller_workflows"][0]["simplified_workflow_nodes"]
    for node in nodes:
        assert argument_violations({"workflow_job_template": "x", **node}, options) == []


def test_the_tasks_pass_all_keys_of_the_objects() -> None:
    """A key that no task passes would be for infra.aap_configuration only."""
    passed: dict[str, set[str]] = {}
    for _module, arguments, task in tasks():
        (variable,) = re.findall(r"controller_\w+", task["loop"])
        keys = re.findall(r"\bitem(?:\.[01])?\.(\w+)", yaml.safe_dump(arguments))
        passed.setdefault(variable, set()).update(keys)
    assert set(passed) == set(configuration()) == set(KINDS)
    for variable, objects in configuration().items():
        for item in objects:
            nodes = item.get("simplified_workflow_nodes", [])
            keys = {*item, *(key for node in nodes for key in node)} - ARGUMENTS_ONLY
            assert keys <= passed[variable], variable


def test_the_file_for_ansible_controller_is_the_same() -> None:
    first, second = ((TASKS / f"{name}.yml").read_text(encoding="utf-8") for name in ("awx.awx", "ansible.controller"))
    assert first.replace("  awx.awx.", "  ansible.controller.") == second
    assert second.count("ansible.controller.") == 12


@pytest.fixture
def controller() -> Iterator[Controller]:
    """Return a controller whose projects contain the files of this checkout."""
    with Controller(ROOT) as running:
        yield running


def setup(ansible: Ansible, controller: Controller, *arguments: str, **environment: str) -> Outcome:
    """Run the playbook."""
    access = {"CONTROLLER_HOST": controller.url, "CONTROLLER_OAUTH_TOKEN": "controller-token"}
    return ansible.run("ansible-playbook", "community.wpcom.awx_setup", *arguments, **access, **environment)


def named(objects: list[Document]) -> dict[str, Document]:
    """Return objects by their names."""
    return {item["name"]: item for item in objects}


def assert_created(controller: Controller, expected: Document) -> None:
    """Assert that the controller has the objects of the variables, with their values, and no others."""
    existing = controller.everything()
    for variable, kind in KINDS.items():
        assert set(named(existing[kind])) == set(named(expected[variable])), kind
        for item in expected[variable]:
            record = named(existing[kind])[item["name"]]
            wanted = {
                name: value for name, value in item.items() if name not in ARGUMENTS_ONLY and name != "organization"
            }
            assert {name: record.get(name) for name in wanted} == wanted, kind
    nodes = {node["identifier"]: node for node in existing["workflow_job_template_nodes"]}
    (workflow,) = expected["controller_workflows"]
    for node in workflow["simplified_workflow_nodes"]:
        record = nodes.pop(node["identifier"])
        template = node.get("unified_job_template") or node["approval_node"]["name"]
        assert record["unified_job_template"] == template
        assert record.get("success_nodes", []) == node.get("success_nodes", [])
        assert record["extra_data"] == node.get("extra_data", {})
    assert nodes == {}


def test_a_second_run_changes_nothing(ansible: Ansible, controller: Controller) -> None:
    first = setup(ansible, controller, "-vvv", WPCOM_API_TOKEN=TOKEN)
    assert first.status == 0, first.output
    assert_created(controller, configuration())
    assert controller.secrets() == {"WordPress.com": {"api_token": TOKEN}}
    assert TOKEN not in first.output
    # The path of the workflow: synchronize, audit, approve, apply.
    nodes = {
        node["identifier"]: node.get("success_nodes", [])
        for node in controller.everything()["workflow_job_template_nodes"]
    }
    assert nodes == {"sync": ["audit"], "audit": ["approval"], "approval": ["converge"], "converge": []}

    controller.writes.clear()
    second = setup(ansible, controller, WPCOM_API_TOKEN="another-token")
    assert second.status == 0, second.output
    assert re.search(r"^localhost +: ok=15 +changed=0 ", second.stdout, re.MULTILINE), second.output
    assert controller.writes == []
    # The token of an existing credential is only replaced on request.
    assert controller.secrets() == {"WordPress.com": {"api_token": TOKEN}}


def test_settings_for_a_second_account_with_a_project_of_its_own(ansible: Ansible, controller: Controller) -> None:
    controller.files = ROOT / "extensions" / "awx" / "project"
    settings = {
        "awx_setup_account": "Shop",
        "awx_setup_project_folder": "",
        "awx_setup_project_url": "https://git.example.com/sites.git",
        "awx_setup_image": "registry.example.com/wpcom-ee:1",
        "awx_setup_slices": 4,
    }
    done = setup(ansible, controller, "-e", yaml.safe_dump(settings, default_flow_style=True, width=1000).strip())
    assert done.status == 0, done.output
    assert_created(controller, configuration(**settings))
    assert controller.secrets() == {"Shop": {}}
    templates = controller.everything()["job_templates"]
    assert [template["job_slice_count"] for template in templates] == [1, 4, 4, 1]


def test_the_collection_is_chosen_by_a_variable(ansible: Ansible, controller: Controller) -> None:
    other = setup(ansible, controller, "-e", "awx_setup_collection=ansible.controller")
    assert other.status != 0
    assert "ansible.controller.credential_type" in other.output
    wrong = setup(ansible, controller, "-e", "awx_setup_collection=awx")
    assert "awx_setup_collection is awx. It must be one of awx.awx and ansible.controller." in wrong.output
    assert controller.writes == []


def test_the_controller_refuses_what_awx_refuses(controller: Controller) -> None:
    """What the other tests rely on: not everything can be created."""
    with pytest.raises(RefusedError, match="source_path"):
        controller.create("inventory_sources", {"name": "x", "inventory": 1, "source_path": "none.yml"})
    organization = controller.create("organizations", {"name": "Other"})["id"]
    project = controller.create("projects", {"name": "x", "organization": organization})["id"]
    for playbook in ("none.yml", "galaxy.yml"):
        with pytest.raises(RefusedError, match="Playbook not found"):
            controller.create("job_templates", {"name": "x", "project": project, "playbook": playbook})
    template = {"name": "x", "project": project, "playbook": "playbooks/demo.yml", "survey_enabled": True}
    number = controller.create("job_templates", template)["id"]
    question = {"question_name": "Days", "variable": "days", "type": "integer", "required": True, "default": 1}
    path = f"/api/v2/job_templates/{number}/survey_spec/"
    with pytest.raises(RefusedError, match="missing"):
        controller.respond("POST", path, {}, {"name": "", "spec": [question]})
    controller.respond("POST", path, {}, {"name": "", "description": "", "spec": [question]})
    schedule = {
        "name": "x",
        "unified_job_template": number,
        "rrule": "DTSTART:20250101T050000Z RRULE:FREQ=DAILY;INTERVAL=1",
    }
    for extra_data in ({}, {"days": "1"}, {"days": 1, "other": 1}):
        with pytest.raises(RefusedError, match="variables_needed_to_start"):
            controller.create("schedules", {**schedule, "extra_data": extra_data})
    controller.create("schedules", {**schedule, "extra_data": {"days": 1}})
    with pytest.raises(RefusedError, match="already exists"):
        controller.create("schedules", {**schedule, "extra_data": {"days": 1}})


def test_project_imports_playbooks_of_the_collection() -> None:
    folder = ROOT / "extensions" / "awx" / "project"
    plays = {path.stem: yaml.safe_load(path.read_text(encoding="utf-8")) for path in folder.glob("*.yml")}
    inventory = plays.pop("wpcom")
    assert inventory["plugin"] == "community.wpcom.sites"
    assert sorted(plays) == ["audit", "converge", "converge_one", "export"]
    for name, document in plays.items():
        imported = [play["ansible.builtin.import_playbook"] for play in document]
        assert imported == [f"community.wpcom.{name}"]
        assert (PLAYBOOKS / f"{name}.yml").is_file(), name
