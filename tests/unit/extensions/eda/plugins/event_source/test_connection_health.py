# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The file of the event source: loaded by its path as ansible-rulebook does, and documented as its arguments are."""

from __future__ import annotations

import asyncio
import importlib.util
import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.community.wpcom.plugins.module_utils._event_source import (
    BOUNDS,
    NAME,
    Arguments,
    argument_spec,
)
from ansible_collections.community.wpcom.plugins.module_utils._options import CONNECTION_OPTIONS
from ansible_collections.community.wpcom.tests.simulator import Simulator

ROOT = Path(__file__).resolve().parents[6]
SOURCE = ROOT / "extensions" / "eda" / "plugins" / "event_source" / "connection_health.py"
SCHEMA = SOURCE.parent / "schemas" / "connection_health.json"
RULEBOOK = ROOT / "extensions" / "eda" / "rulebooks" / "connection_health.yml"
GUIDE = ROOT / "docs" / "docsite" / "rst" / "guide_eda.rst"

# In a Python without any collection: PATH of the file, URL, token.
LOADED = """
import asyncio, json, runpy, sys
sys.modules["ansible_collections"] = None
if sys.argv[4] == "without ansible-core":
    sys.modules["ansible"] = None
main = runpy.run_path(sys.argv[1])["main"]
class Queue:
    async def put(self, event):
        print(json.dumps(event))
        raise SystemExit(3)
try:
    asyncio.run(main(Queue(), {"api_url": sys.argv[2], "api_token": sys.argv[3]}))
except Exception as error:
    print(f"{type(error).__name__}: {error}")
"""


def loaded() -> Mapping[str, Any]:
    """Return what the file of the event source defines; runpy would ask Ansible's loader of collections, which lacks it."""
    spec = importlib.util.spec_from_file_location("connection_health", SOURCE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return vars(module)


@pytest.fixture(scope="module")
def source() -> Mapping[str, Any]:
    """Return what the file of the event source defines."""
    return loaded()


@pytest.fixture(scope="module")
def documentation(source: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the documentation."""
    found: Mapping[str, Any] = yaml.safe_load(source["DOCUMENTATION"])
    return found


# Loading


def load(
    simulator: Simulator, tmp_path: Path, token: str = "sim-token", state: str = ""
) -> subprocess.CompletedProcess[str]:
    """Run the event source until its first event, in a Python that finds no collection."""
    return subprocess.run(
        [sys.executable, "-c", LOADED, str(SOURCE), simulator.url, token, state],
        cwd=tmp_path,
        env={"NO_PROXY": "*", "PYTHONPATH": os.environ.get("PYTHONPATH", "")},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_source_needs_no_collection_loader(simulator: Simulator, tmp_path: Path) -> None:
    ended = load(simulator, tmp_path)
    assert (ended.returncode, ended.stderr) == (3, "")
    event = json.loads(ended.stdout)
    assert (event["type"], event["account"]) == ("broken", "ada.bsky.example")


def test_error_says_what_to_do_and_never_the_token(simulator: Simulator, tmp_path: Path) -> None:
    ended = load(simulator, tmp_path, token="my-secret")
    assert ended.stdout.startswith("EventSourceError: Could not ")
    assert "with the playbook community.wpcom.get_token" in ended.stdout
    assert "my-secret" not in ended.stdout + ended.stderr


def test_without_ansible_core_the_text_says_what_to_install(simulator: Simulator, tmp_path: Path) -> None:
    ended = load(simulator, tmp_path, state="without ansible-core")
    assert ended.stdout.startswith(f"RuntimeError: {NAME} requires ansible-core in the Python environment")


def test_two_sources_share_the_loaded_files(source: Mapping[str, Any]) -> None:
    again = loaded()
    assert source["_load"]("_event_source") is again["_load"]("_event_source")
    assert asyncio.iscoroutinefunction(again["main"])


# Documentation


def test_every_argument_is_documented(documentation: Mapping[str, Any]) -> None:
    spec = argument_spec()
    assert set(documentation["options"]) == set(spec)
    for name, option in documentation["options"].items():
        rule = spec[name]
        assert option["type"] == rule["type"], name
        assert option.get("elements") == rule.get("elements"), name
        assert option.get("default") == rule.get("default"), name
        assert option["description"]
    for option in CONNECTION_OPTIONS:
        assert f"E({option.environment})" in str(documentation["options"][option.name]["description"])
    for name, bounds in BOUNDS.items():
        if name == "interval":
            assert "from V({}) to V({})".format(*bounds) in str(documentation["options"][name])


def test_examples_are_valid(source: Mapping[str, Any]) -> None:
    examples = yaml.safe_load(source["EXAMPLES"].replace("{{ wpcom_api_token }}", "sim-token"))
    assert len(examples) >= 2
    for example in examples:
        Arguments.of(example[NAME])


def plain(text: str) -> str:
    """Return a text of the documentation without its markup."""
    return re.sub(r"\b[CEVO]\(([^)]*)\)", r"\1", text)


def expected_schema(documentation: Mapping[str, Any]) -> dict[str, Any]:
    """Return the JSON schema of the arguments: numbers and booleans may also be texts, as a template makes them."""
    types: dict[str, Any] = {
        "str": {"type": "string"},
        "path": {"type": "string"},
        "int": {"type": ["integer", "string"], "pattern": r"^([0-9]+|.*\{\{.*\}\}.*)$"},
        "bool": {"type": ["boolean", "string"]},
        "list": {"type": ["array", "string"], "items": {"type": ["string", "integer"]}},
    }
    limits = {**BOUNDS, **{o.name: (o.minimum, o.maximum) for o in CONNECTION_OPTIONS if o.type == "int"}}
    properties = {}
    for name, option in documentation["options"].items():
        properties[name] = {"description": plain(option["description"][0]), **types[option["type"]]}
        if name in limits:
            properties[name].update(minimum=limits[name][0], maximum=limits[name][1])
        if option.get("default") is not None:
            properties[name]["default"] = option["default"]
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": NAME,
        "description": plain(documentation["short_description"]),
        "type": "object",
        "properties": properties,
        "additionalProperties": False,
    }


def test_schema_is_that_of_the_arguments(documentation: Mapping[str, Any]) -> None:
    expected = json.dumps(expected_schema(documentation), indent=4) + "\n"
    assert SCHEMA.read_text(encoding="utf-8") == expected, f"write this to {SCHEMA}:\n{expected}"


def test_guide_has_every_argument(documentation: Mapping[str, Any]) -> None:
    text = GUIDE.read_text(encoding="utf-8")
    table = text[text.index("   * - Argument") :]
    rows = re.findall(r"^   \* - ``(\w+)``\n     - (.*)\n     - ?(.*)\n     - ", table, re.MULTILINE)
    options = documentation["options"]
    assert [name for name, _type, _default in rows] == list(options)
    for name, kind, default in rows:
        assert kind == (
            f"list of {options[name]['elements']}" if "elements" in options[name] else options[name]["type"]
        )
        shown = options[name].get("default")
        assert default == ("" if shown is None else f"``{json.dumps(shown)}``".replace('"', "")), name


def test_galaxy_lists_the_source() -> None:
    listed = yaml.safe_load((ROOT / "meta" / "extensions.yml").read_text(encoding="utf-8"))["extensions"]
    assert [ROOT / "extensions" / entry["args"]["ext_dir"] for entry in listed] == [SOURCE.parent]


# The rulebook


def test_rulebook_uses_arguments_and_types_of_events_that_exist(documentation: Mapping[str, Any]) -> None:
    (ruleset,) = yaml.safe_load(RULEBOOK.read_text(encoding="utf-8"))
    (source_of_rules,) = ruleset["sources"]
    assert set(source_of_rules[NAME]) <= set(documentation["options"])
    types = {found for rule in ruleset["rules"] for found in re.findall(r'event\.type == "(\w+)"', rule["condition"])}
    assert types == {"broken", "expiring", "recovered", "unreachable"}
    for name in types:
        assert f"V({name})" in str(documentation["description"])
    playbooks = [
        rule["action"]["run_playbook"]["name"] for rule in ruleset["rules"] if "run_playbook" in rule["action"]
    ]
    assert playbooks == ["community.wpcom.connection_broken"]
    for name in playbooks:
        assert (ROOT / "playbooks" / f"{name.rpartition('.')[2]}.yml").is_file()
