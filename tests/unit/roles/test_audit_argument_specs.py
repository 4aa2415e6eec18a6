# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The variables of the role social_connections_audit are those of its code, its README and the role whose list it takes."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml

from ansible_collections.community.wpcom.plugins.module_utils._audit.policy import (
    APPLICATION_MAX_AGE_DAYS,
    CODES,
    SEVERITIES,
)
from ansible_collections.community.wpcom.plugins.module_utils._records.health import EXPIRING_WITHIN_DAYS
from ansible_collections.community.wpcom.plugins.plugin_utils._audit_files import FORMATS
from ansible_collections.community.wpcom.plugins.plugin_utils._audit_page import TITLES

ROLES = Path(__file__).resolve().parents[3] / "roles"
ROLE = ROLES / "social_connections_audit"
PREFIX = "social_connections_audit_"


def load(path: Path) -> Any:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


SPEC: dict[str, Any] = load(ROLE / "meta" / "argument_specs.yml")["argument_specs"]["main"]["options"]
README = (ROLE / "README.md").read_text(encoding="utf-8")


def test_defaults_are_those_of_the_argument_specs() -> None:
    assert load(ROLE / "defaults" / "main.yml") == {
        name: spec["default"] for name, spec in SPEC.items() if "default" in spec
    }
    assert SPEC[f"{PREFIX}expiring_within"]["default"] == EXPIRING_WITHIN_DAYS
    assert SPEC[f"{PREFIX}application_max_age"]["default"] == APPLICATION_MAX_AGE_DAYS


def test_choices_are_those_of_the_code() -> None:
    assert SPEC[f"{PREFIX}fail_on"]["choices"] == [*SEVERITIES, *CODES]
    assert SPEC[f"{PREFIX}formats"]["choices"] == list(FORMATS)
    names = load(ROLE / "vars" / "main.yml")[f"__{PREFIX}names"]
    assert names == {form: FORMATS[form].name for form in FORMATS}
    assert set(TITLES) == set(CODES)


def test_expected_is_the_list_of_the_other_role() -> None:
    sites = load(ROLES / "social_connections" / "meta" / "argument_specs.yml")["argument_specs"]["main"]["options"]
    text = yaml.safe_dump(sites["social_connections_sites"]["options"])
    mine = yaml.safe_dump(SPEC[f"{PREFIX}expected"]["options"])
    assert re.sub(r"\s+", " ", mine) == re.sub(
        r"\s+", " ", text.replace("social_connections_sites", f"{PREFIX}expected")
    )


def test_the_readme_has_every_variable_and_every_code() -> None:
    assert re.findall(rf"^\| `({PREFIX}\w+)` \|", README, re.MULTILINE)[: len(SPEC)] == list(SPEC)
    rows = re.findall(r"^\| `(\w+)` \| (error|warning|info) \|", README, re.MULTILINE)
    assert rows == list(CODES.items())
