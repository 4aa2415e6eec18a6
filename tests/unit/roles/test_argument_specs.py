# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The variables of the role social_connections are the options of the module that it runs."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.community.wpcom.plugins.modules.wpcom_publicize_connections import DOCUMENTATION, MODULE

ROLE = Path(__file__).resolve().parents[3] / "roles" / "social_connections"
PREFIX = "social_connections_"
# What an option has where it does not state it.
UNSTATED = {"type": "str", "required": False, "default": None, "choices": None, "elements": None, "aliases": []}

# The role makes the list of connections out of its sites, always stops at the first error, and reports what is worth a line.
ONLY_MODULE = {"connections", "on_error", "report"}
ONLY_ROLE = {"sites", "fail_on_unhealthy"}
# The role describes these in other words, because it has a list of sites where the module has one of connections.
OTHER_DESCRIPTION = {"connections[].id", "max_deletions", "parallel", "purge"}


def load(path: str) -> Any:
    return yaml.safe_load((ROLE / path).read_text(encoding="utf-8"))


def flat(top: Mapping[str, Any], connection: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options of the module and those of a connection, by the names that documentation refers to them by."""
    return {**top, **{f"connections[].{name}": option for name, option in connection.items()}}


SPEC: dict[str, Any] = load("meta/argument_specs.yml")["argument_specs"]["main"]["options"]
SITE: dict[str, Any] = SPEC[f"{PREFIX}sites"]["options"]
VARIABLES = flat(
    {name[len(PREFIX) :]: variable for name, variable in SPEC.items()},
    SITE["connections"]["options"],
)
OPTIONS = flat(MODULE.options, MODULE.options["connections"]["options"])
DOCUMENTED: dict[str, Any] = yaml.safe_load(DOCUMENTATION)["options"]
DESCRIPTIONS = flat(DOCUMENTED, DOCUMENTED["connections"]["suboptions"])
SHARED = sorted(set(VARIABLES) & set(OPTIONS))


def stated(option: Mapping[str, Any]) -> dict[str, Any]:
    """Return what an option accepts."""
    return {key: option.get(key, value) for key, value in UNSTATED.items()}


def description(option: Mapping[str, Any]) -> list[str]:
    """Return the description of an option, with references to options of a connection as the module has them."""
    texts = option["description"]
    return [
        text.replace(f"O({PREFIX}sites[].connections[].", "O(connections[].")
        for text in ([texts] if isinstance(texts, str) else texts)
    ]


def test_names_of_variables_are_those_of_the_options() -> None:
    assert all(name.startswith(PREFIX) for name in SPEC)
    assert set(VARIABLES) - ONLY_ROLE == set(OPTIONS) - ONLY_MODULE - {"connections[].site"}
    assert set(SITE) == {"site", "connections"}


@pytest.mark.parametrize("name", SHARED)
def test_variable_accepts_what_the_option_accepts(name: str) -> None:
    assert stated(VARIABLES[name]) == stated(OPTIONS[name])


def test_site_accepts_what_the_option_accepts_and_is_required() -> None:
    assert stated(SITE["site"]) == {**stated(OPTIONS["connections[].site"]), "required": True}


def test_connections_of_a_site_are_a_list_as_those_of_the_module() -> None:
    assert stated(SITE["connections"]) == stated(OPTIONS["connections"])


@pytest.mark.parametrize("name", sorted(set(SHARED) - OTHER_DESCRIPTION))
def test_variable_has_the_description_of_the_option(name: str) -> None:
    assert description(VARIABLES[name]) == description(DESCRIPTIONS[name])


@pytest.mark.parametrize("name", sorted(OTHER_DESCRIPTION))
def test_description_that_may_differ_does(name: str) -> None:
    """A description that has become the same as the module's leaves the exceptions."""
    assert description(VARIABLES[name]) != description(DESCRIPTIONS[name])


def test_defaults_of_the_role_are_those_of_its_argument_specs() -> None:
    assert load("defaults/main.yml") == {name: spec["default"] for name, spec in SPEC.items() if "default" in spec}


def test_the_role_gives_the_module_every_variable_that_they_share() -> None:
    module = "community.wpcom.wpcom_publicize_connections"
    (task,) = (task for task in load("tasks/main.yml")[0]["block"] if module in task)
    names = [name for name in SHARED if "." not in name]
    assert {name: task[module].get(name) for name in names} == {name: f"{{{{ {PREFIX}{name} }}}}" for name in names}
