# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An export that is applied at once changes nothing, whatever connections exist and whatever their names are."""

from __future__ import annotations

import inspect
import random
from pathlib import Path
from typing import Any

from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.community.wpcom.plugins.filter.from_social_connections import from_social_connections
from ansible_collections.community.wpcom.plugins.filter.to_social_connections import to_social_connections
from ansible_collections.community.wpcom.plugins.filter.to_social_connections_yaml import to_social_connections_yaml
from ansible_collections.community.wpcom.plugins.module_utils._execute import TaskResult
from ansible_collections.community.wpcom.plugins.module_utils._module import ModuleSpec, run_task
from ansible_collections.community.wpcom.plugins.modules import wpcom_connection_info, wpcom_publicize_connections
from ansible_collections.community.wpcom.tests.simulator import Simulator
from ansible_collections.community.wpcom.tests.unit.support import TOKEN, examples, params

ROLE = Path(__file__).resolve().parents[4] / "roles" / "social_connections"
LISTED = "{{ social_connections_sites | community.wpcom.from_social_connections }}"
ME, SOMEBODY = 1, 2

NAMES = st.one_of(
    st.sampled_from(
        [
            "",
            " ",
            "Ada",
            "ada-l",
            "@ada@mastodon.example",
            "yes",
            "Null",
            "007",
            "1e3",
            "2026-01-31",
            "a: b # c",
            "- x",
            "!unsafe x",
            "{{ 6 * 7 }}",
            "{% raw %}",
            "{# no comment #}",
            "#jinja2: variable_start_string:'[['",
            "[[ 6 * 7 ]]",
            "a\nsocial_connections_purge: listed",
            "a\r\n\tb",
            "'\"\\",
            "Zoë Öztürk",
            "\u6e05\u539f",
            "\U0001f600 fun",
            "\u202egnp.exe",
            "\u2028\x85\x00\ufeff",
            "e\u0301",
        ]
    ),
    st.text(max_size=4),
)
# Few of them, so that they meet.
EXTERNAL_IDS = st.sampled_from(["", "1", "2", "3", "false", "Ada", "{{ 1 }}"])
STATUSES = st.sampled_from(["ok", None, "broken", "refresh-failed", "must_reauth", "some-new-one"])
PAGES = st.lists(
    st.fixed_dictionaries(
        {"external_ID": EXTERNAL_IDS, "external_name": NAMES, "external_display": st.one_of(st.none(), NAMES)}
    ),
    max_size=3,
    unique_by=lambda page: page["external_ID"],
)
KEYRINGS = st.fixed_dictionaries(
    {
        "user_ID": st.sampled_from([ME, ME, ME, SOMEBODY]),
        "service": st.sampled_from(["facebook", "linkedin", "linkedin", "mastodon", "Twitter"]),
        "external_ID": EXTERNAL_IDS,
        "external_name": NAMES,
        "external_display": st.one_of(st.none(), NAMES),
        "additional_external_users": PAGES,
        "status": STATUSES,
        "expires": st.sampled_from([None, "+5d", "-5d", "+300d"]),
    }
)
SLUGS = ["a.example.com", "B.Example.Com", "two.example.com", "two.example.com", "x.example.com/blog", "4711", "yes"]
SITES = st.lists(
    st.fixed_dictionaries(
        {
            "name": NAMES,
            "slug": st.sampled_from(SLUGS),
            "role": st.sampled_from(["administrator", "administrator", "author", None]),
            "error": st.sampled_from([None, None, "publicize_disabled"]),
        }
    ),
    min_size=1,
    max_size=4,
)
SERVICES = [
    {
        "ID": "facebook",
        "label": "Facebook",
        "multiple_external_user_ID_support": True,
        "external_users_only": True,
    },
    {"ID": "linkedin", "label": "LinkedIn", "multiple_external_user_ID_support": True},
    {"ID": "mastodon", "label": "Mastodon"},
    {"ID": "Twitter", "label": "Twitter", "status": "unsupported"},
]


@st.composite
def worlds(draw: st.DrawFn) -> dict[str, Any]:
    """Return a world with few sites and accounts and many connections between them."""
    sites = draw(SITES)
    keyrings = draw(st.lists(KEYRINGS, min_size=1, max_size=5))
    connections = []
    for number in range(draw(st.integers(0, 10))):
        keyring = draw(st.integers(0, len(keyrings) - 1))
        pages = [page["external_ID"] for page in keyrings[keyring]["additional_external_users"]]
        connections.append(
            {
                "ID": 500 + number,
                "site_ID": 301 + draw(st.integers(0, len(sites) - 1)),
                "keyring_connection_ID": 201 + keyring,
                # The account itself, a page of its, or one that it no longer has.
                "external_user_ID": draw(st.sampled_from([None, *pages, *pages, "gone"])),
                "shared": draw(st.booleans()),
                "status": draw(STATUSES),
            }
        )
    return {
        "users": [{"ID": ME, "username": "ada"}, {"ID": SOMEBODY, "username": "grace"}],
        "tokens": [{"token": TOKEN, "user_ID": ME, "scope": draw(st.sampled_from(["global", "global", "sharing"]))}],
        "sites": [
            {
                "ID": 301 + number,
                "name": site["name"],
                "slug": site["slug"],
                "error": site["error"],
                "members": [{"user_ID": ME, "role": site["role"]}] if site["role"] else [],
            }
            for number, site in enumerate(sites)
        ],
        "services": SERVICES,
        "keyring_connections": [{"ID": 201 + number, **keyring} for number, keyring in enumerate(keyrings)],
        "publicize_connections": connections,
    }


def run(simulator: Simulator, module: ModuleSpec, check_mode: bool = False, **given_options: Any) -> TaskResult:
    """Run a module with the options that are given, and the defaults."""
    defaults = {name: option.get("default") for name, option in module.options.items()}
    options = {**params(simulator.url, retry_max_delay=0), **defaults, **given_options}
    return run_task(module, options, check_mode=check_mode)


def gathered(simulator: Simulator) -> tuple[list[Any], list[Any], list[Any]]:
    """Return publicize connections, keyring connections and sites, as the playbook gathers them."""
    gather = wpcom_connection_info.MODULE
    mine = run(simulator, gather)
    assert not mine.failed, mine.result
    found, keyrings = mine.result["publicize_connections"], mine.result["keyring_connections"]
    read = run(simulator, gather, gather=["sites"])
    sites = [] if read.failed else read.result["sites"]
    for site_id in sorted({record["site_id"] for record in found} | {site["id"] for site in sites}):
        on_site = run(simulator, gather, gather=["publicize"], site=[str(site_id)])
        found = found + on_site.result.get("publicize_connections", [])
    return found, keyrings, sites


def listed_by_role(text: str, folder: Path) -> list[dict[str, Any]]:
    """Return what the role hands to the module after it has read a variables file."""
    file = folder / "exported.yml"
    file.write_text(text, encoding="utf-8", newline="")
    loader = DataLoader()
    # Trusted as variables files are, in ansible-core 2.18 without a word: a name that looks like a template would be taken for one.
    knows_trust = "trusted_as_template" in inspect.signature(loader.load_from_file).parameters
    trusted: dict[str, Any] = {"trusted_as_template": True} if knows_trust else {}
    own = loader.load_from_file(str(ROLE / "vars" / "main.yml"), **trusted)
    variables = {**loader.load_from_file(str(file), **trusted), **own}
    assert set(variables) - set(own) == {"social_connections_sites"}
    # The filter is called here, for in unit tests Ansible finds no collections.
    assert own["__social_connections_listed"] == LISTED
    templated = Templar(loader=loader, variables=variables).template(variables["social_connections_sites"])
    return from_social_connections(templated)


def completed(entry: dict[str, Any]) -> dict[str, Any]:
    """Return an entry as the argument spec completes it."""
    spec = wpcom_publicize_connections.MODULE.options["connections"]["options"]
    return {**{name: option.get("default") for name, option in spec.items()}, **entry}


def check_that_an_export_changes_nothing(simulator: Simulator, folder: Path, me: int) -> None:
    """Export the connections of a user, apply the export with purge, and require that nothing changes."""
    found, keyrings, sites = gathered(simulator)
    exported = to_social_connections(found, keyrings, sites, me)
    text = to_social_connections_yaml(exported, account="ada", date="2026-01-31")
    entries = listed_by_role(text, folder)
    assert entries == [
        {"site": site["site"], **connection} for site in exported["sites"] for connection in site["connections"]
    ]

    shuffled = [random.Random(1).sample(records, len(records)) for records in (found, keyrings, sites)]
    again = to_social_connections(*shuffled, me)
    assert to_social_connections_yaml(again, account="ada", date="2026-01-31") == text

    before = simulator.state()
    mine = {keyring["ID"] for keyring in before["keyring_connections"] if keyring["user_ID"] == me}
    expected = sorted(
        record["ID"] for record in before["publicize_connections"] if record["keyring_connection_ID"] in mine
    )
    for check_mode in (True, False):
        done = run(
            simulator,
            wpcom_publicize_connections.MODULE,
            check_mode,
            connections=[completed(entry) for entry in entries],
            purge="listed",
            max_deletions=0,
            report="all",
        )
        assert not done.failed, (done.result, text)
        assert not done.result["changed"], (done.result["diff"], text)
        assert sorted(record["id"] for record in done.result["connections"]) == expected, text
    assert simulator.requests("POST") == []
    assert simulator.state() == before


@settings(max_examples=examples(60))
@given(world=worlds())
def test_an_export_of_any_world_changes_nothing(
    running_simulator: Simulator, tmp_path: Path, world: dict[str, Any]
) -> None:
    running_simulator.reset(world)
    check_that_an_export_changes_nothing(running_simulator, tmp_path, ME)


def test_an_export_of_the_default_world_changes_nothing(simulator: Simulator, tmp_path: Path) -> None:
    check_that_an_export_changes_nothing(simulator, tmp_path, 1001)
