# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The credential type follows the rules of AWX and those that AWX does not notice, and its copy for infra.aap_configuration is equal."""

from __future__ import annotations

import copy
import re
from pathlib import Path
from typing import Any, Callable

import pytest
import yaml
from jinja2 import StrictUndefined, TemplateError
from jinja2.sandbox import ImmutableSandboxedEnvironment

AWX = Path(__file__).resolve().parents[3] / "extensions" / "awx"
FIELD_KEYS = {
    "id": str,
    "label": str,
    "type": str,
    "format": str,
    "choices": list,
    "help_text": str,
    "multiline": bool,
    "secret": bool,
    "ask_at_runtime": bool,
    "default": (str, bool),
}
# Variables that AWX sets itself.
RESERVED = {"VIRTUAL_ENV", "PATH", "PYTHONPATH", "JOB_ID", "INVENTORY_ID", "PROJECT_REVISION", "AWX_HOST", "CACHE"}
SECRET = re.compile(r"TOKEN|SECRET|PASSWORD")

Document = dict[str, Any]


class Loader(yaml.SafeLoader):
    """Reads the texts that Ansible does not template as they are."""


Loader.add_constructor("!unsafe", lambda loader, node: loader.construct_scalar(node))


def load(name: str) -> Any:
    return yaml.load((AWX / name).read_text(encoding="utf-8"), Loader)


def field_violations(field: Document) -> list[str]:
    """Return what is wrong with one field."""
    name = field.get("id", "")
    found = [f"unknown key {key}" for key in field if key not in FIELD_KEYS]
    found += [
        f"{key} has the wrong type"
        for key, value in field.items()
        if not isinstance(value, FIELD_KEYS.get(key, object))
    ]
    if not re.fullmatch(r"[a-zA-Z_][a-zA-Z0-9_]*", name) or name == "tower":
        found.append(f"{name!r} is not an id")
    if not field.get("label"):
        found.append(f"{name} has no label")
    # AWX sets a type that is missing, which is a change in every run of the playbook that creates it.
    if field.get("type") not in ("string", "boolean"):
        found.append(f"{name} has no type")
    # A boolean whose default is true arrives as false where the credential was created through the API.
    if field.get("type") == "boolean":
        found.append(f"{name} is a boolean")
    if field.get("format", "url") not in ("ssh_private_key", "url"):
        found.append(f"{name} has an unknown format")
    return found


def injector_violations(injectors: Document, names: set[str], secrets: set[str]) -> list[str]:
    """Return what is wrong with the injectors for the fields with these names."""
    found = [f"unknown injector {key}" for key in injectors if key not in ("env", "file")]
    files = injectors.get("file", {})
    found += [f"file {name}" for name in files if not re.fullmatch(r"template(\.[a-zA-Z_][a-zA-Z0-9_]*)?", name)]
    if "template" in files and len(files) > 1:
        found.append("template and template.NAME exclude each other")
    filename = "/path" if "template" in files else {name.partition(".")[2]: "/path" for name in files}
    namespace = {**dict.fromkeys(names, "value"), "tower": {"filename": filename} if files else {}}
    environment = ImmutableSandboxedEnvironment(undefined=StrictUndefined)
    for kind, entries in injectors.items():
        for name, template in entries.items():
            try:
                text = environment.from_string(template).render(**namespace)
                if "value" not in text and "/path" not in text:
                    found.append(f"{kind} {name} does not depend on a field")
            except TemplateError as error:
                found.append(f"{kind} {name}: {error}")
    for name, template in injectors.get("env", {}).items():
        if not re.fullmatch(r"[a-zA-Z_][a-zA-Z0-9_]*", name) or name in RESERVED or name.startswith("ANSIBLE_"):
            found.append(f"{name} is not allowed")
        # AWX can store the environment of a worker that ends early in clear.
        if any(re.search(rf"\b{secret}\b", template) for secret in secrets):
            found.append(f"{name} contains a secret")
    return found


def violations(document: Document) -> list[str]:
    """Return what is wrong with a credential type."""
    found = [] if set(document) == {"name", "description", "kind", "inputs", "injectors"} else ["wrong keys"]
    if document.get("kind") != "cloud":
        found.append("kind is not cloud")
    inputs = document["inputs"]
    found += [f"unknown key {key} in inputs" for key in inputs if key not in ("fields", "required")]
    names = [field.get("id", "") for field in inputs["fields"]]
    if len(names) != len(set(names)):
        found.append("two fields of one id")
    for field in inputs["fields"]:
        found += field_violations(field)
    # AWX accepts an id that does not exist, and then refuses every credential.
    found += [f"{name} is required, and not a field" for name in inputs.get("required", []) if name not in names]
    secrets = {field["id"] for field in inputs["fields"] if field.get("secret") is True}
    return found + injector_violations(document["injectors"], set(names), secrets)


@pytest.fixture
def document() -> Document:
    """Return the credential type."""
    return dict(load("credential_type.yml"))


def test_credential_type_follows_the_rules(document: Document) -> None:
    assert violations(document) == []


def test_guide_shows_the_credential_type(document: Document) -> None:
    guide = AWX.parents[1] / "docs" / "docsite" / "rst" / "guide_awx.rst"
    (block,) = re.findall(r"^   inputs:\n(?:   .*\n)+", guide.read_text(encoding="utf-8"), re.MULTILINE)
    shown = yaml.safe_load(block)
    assert shown == {name: document[name] for name in ("inputs", "injectors")}


def test_only_the_token_is_required_and_secret(document: Document) -> None:
    fields = document["inputs"]["fields"]
    assert [field["id"] for field in fields] == ["api_token", "api_url"]
    assert [field["id"] for field in fields if field.get("secret")] == ["api_token"] == document["inputs"]["required"]
    assert all("default" not in field for field in fields)


def test_token_is_passed_as_a_file(document: Document) -> None:
    """The names are those that modules, inventory, lookup plugins and event sources read."""
    assert document["injectors"] == {
        "file": {"template.token": "{{ api_token }}"},
        "env": {"WPCOM_API_TOKEN_FILE": "{{ tower.filename.token }}", "WPCOM_API_URL": "{{ api_url }}"},
    }


def _without_type(document: Document) -> None:
    del document["inputs"]["fields"][1]["type"]


def _set(*path: Any) -> Callable[[Document], None]:
    """Return a function that sets a value; the path ends with it."""

    def change(document: Document) -> None:
        target: Any = document
        for name in path[:-2]:
            target = target[name]
        target[path[-2]] = path[-1]

    return change


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (_without_type, "api_url has no type"),
        (_set("inputs", "required", ["api_token", "token"]), "token is required, and not a field"),
        (_set("inputs", "dependencies", {}), "unknown key dependencies in inputs"),
        (_set("inputs", "fields", 1, "id", "api_token"), "two fields of one id"),
        (_set("inputs", "fields", 1, "id", "tower"), "'tower' is not an id"),
        (_set("inputs", "fields", 1, "id", "api-url"), "'api-url' is not an id"),
        (_set("inputs", "fields", 1, "caption", "x"), "unknown key caption"),
        (_set("inputs", "fields", 1, "label", ""), "api_url has no label"),
        (_set("inputs", "fields", 1, "secret", "yes"), "secret has the wrong type"),
        (_set("inputs", "fields", 1, "type", "boolean"), "api_url is a boolean"),
        (_set("inputs", "fields", 1, "type", "text"), "api_url has no type"),
        (_set("inputs", "fields", 1, "format", "uri"), "api_url has an unknown format"),
        (_set("kind", "net"), "kind is not cloud"),
        (_set("organization", "Default"), "wrong keys"),
        (_set("injectors", "extra_vars", {"wpcom_api_url": "{{ api_url }}"}), "unknown injector extra_vars"),
        (_set("injectors", "env", "WPCOM_API_URL", "{{ url }}"), "env WPCOM_API_URL: 'url' is undefined"),
        (_set("injectors", "env", "WPCOM_API_URL", "{{ api_url"), "unexpected end of template"),
        (_set("injectors", "env", "WPCOM_API_URL", "{{ api_url.__class__.__mro__ }}"), "unsafe"),
        (_set("injectors", "env", "WPCOM_API_URL", "https://x"), "env WPCOM_API_URL does not depend on a field"),
        (_set("injectors", "env", "WPCOM_API_TOKEN", "{{ api_token }}"), "WPCOM_API_TOKEN contains a secret"),
        (_set("injectors", "env", "ANSIBLE_TOKEN", "{{ api_url }}"), "ANSIBLE_TOKEN is not allowed"),
        (_set("injectors", "env", "PATH", "{{ api_url }}"), "PATH is not allowed"),
        (_set("injectors", "file", "token", "{{ api_token }}"), "file token"),
        (_set("injectors", "file", "template", "{{ api_token }}"), "template and template.NAME exclude each other"),
        (_set("injectors", "file", {}), "has no attribute 'filename'"),
    ],
)
def test_each_rule_can_fail(document: Document, change: Callable[[Document], None], expected: str) -> None:
    changed = copy.deepcopy(document)
    change(changed)
    assert any(expected in violation for violation in violations(changed)), violations(changed)


def survey_violations(configuration: Document) -> list[str]:
    """Return what is wrong with the surveys, and with the variables of what starts a job without asking."""
    found = []
    surveys = {}
    for template in configuration["controller_templates"]:
        questions = surveys[template["name"]] = {item["variable"]: item for item in template["survey_spec"]["spec"]}
        if len(questions) != len(template["survey_spec"]["spec"]):
            found.append(f"{template['name']} asks twice for one variable")
        found += [
            f"{name} has a secret"
            for name, item in questions.items()
            if SECRET.search(name.upper()) or item["type"] == "password"
        ]
    nodes = [
        node for workflow in configuration["controller_workflows"] for node in workflow["simplified_workflow_nodes"]
    ]
    for starter in [*nodes, *configuration["controller_schedules"]]:
        given = starter.get("extra_data", {})
        questions = surveys.get(starter.get("unified_job_template", ""), {})
        found += [f"{name} is not asked for" for name in given if name not in questions]
        # AWX requires it also where the question has a default.
        found += [f"{name} is missing" for name, item in questions.items() if item["required"] and name not in given]
    return found


@pytest.fixture
def configuration() -> Document:
    """Return the variables for infra.aap_configuration, not templated."""
    return dict(load("aap_configuration.yml"))


def test_credential_type_for_infra_aap_configuration_is_the_same(document: Document, configuration: Document) -> None:
    assert configuration["controller_credential_types"] == [document]


def test_what_starts_a_job_without_asking_provides_what_the_survey_requires(configuration: Document) -> None:
    assert survey_violations(configuration) == []
    extra = configuration["controller_schedules"][0]["extra_data"]
    del extra["social_connections_audit_test"]
    extra["other"] = 1
    configuration["controller_templates"][0]["survey_spec"]["spec"][0]["variable"] = "api_token"
    assert survey_violations(configuration) == [
        "api_token has a secret",
        "social_connections_audit_fail_on is not asked for",
        "social_connections_audit_fail_on is not asked for",
        "other is not asked for",
        "social_connections_audit_test is missing",
    ]


def test_no_template_uses_get_token(configuration: Document) -> None:
    """It requires a browser and a terminal, and its result is a token."""
    playbooks = [template["playbook"] for template in configuration["controller_templates"]]
    assert [re.findall(r"\w+(?=\.yml)", playbook) for playbook in playbooks] == [
        ["audit"],
        ["converge"],
        ["converge"],
        ["converge_one"],
    ]
    assert [template["job_type"] for template in configuration["controller_templates"]] == [
        "run",
        "check",
        "run",
        "run",
    ]


def test_each_template_uses_one_credential(configuration: Document) -> None:
    """AWX accepts one credential of each type."""
    for template in configuration["controller_templates"]:
        assert template["credentials"] == ["{{ awx_setup_account }}"], template["name"]
