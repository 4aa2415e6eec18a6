# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The inventory: hosts, variables and groups, the requests that it takes, its cache, and its errors."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Callable, Optional

import pytest
import yaml
from ansible import constants as C
from ansible.errors import AnsibleError, AnsibleParserError
from ansible.inventory.data import InventoryData
from ansible.parsing.dataloader import DataLoader
from ansible.plugins.doc_fragments import constructed, inventory_cache
from ansible.template import Templar

from ansible_collections.community.wpcom.plugins.doc_fragments.api import ModuleDocFragment
from ansible_collections.community.wpcom.plugins.inventory import sites as inventory_sites
from ansible_collections.community.wpcom.plugins.inventory.sites import DOCUMENTATION, InventoryModule
from ansible_collections.community.wpcom.plugins.module_utils._options import CONNECTION_OPTIONS
from ansible_collections.community.wpcom.plugins.plugin_utils._sites import is_listed
from ansible_collections.community.wpcom.tests.simulator import Simulator
from ansible_collections.community.wpcom.tests.unit.support import brief

NAME = InventoryModule.NAME
FRAGMENTS = (
    ModuleDocFragment.PLUGIN,
    constructed.ModuleDocFragment.DOCUMENTATION,
    inventory_cache.ModuleDocFragment.DOCUMENTATION,
)
PLUGIN_OPTIONS: dict[str, Any] = yaml.safe_load(ModuleDocFragment.PLUGIN)["options"]
ADA, GRACE = "sim-token", "sim-token-grace"
SITES, CONNECTIONS, ME = "GET /me/sites", "GET /me/publicize-connections", "GET /me"

C.config.initialize_plugin_configuration_definitions(
    "inventory",
    NAME,
    {key: option for text in (DOCUMENTATION, *FRAGMENTS) for key, option in yaml.safe_load(text)["options"].items()},
)


class Inventory:
    """Configurations that are read as Ansible reads them, against the simulator."""

    def __init__(self, folder: Path, simulator: Simulator) -> None:
        self.folder = folder
        self.simulator = simulator
        self.warnings: list[str] = []
        self.data = InventoryData()

    def read(
        self, use_cache: bool = True, fresh: bool = True, extra: Optional[Mapping[str, Any]] = None, **options: Any
    ) -> InventoryData:
        """Return the inventory of a configuration; with ``fresh`` false it is added to that of the last one."""
        if fresh:
            self.data = InventoryData()
        self.simulator.clear_requests()
        path = self.folder / "sim.wpcom.yml"
        path.write_text(yaml.safe_dump({"plugin": NAME, "api_url": self.simulator.url, **options}), encoding="utf-8")
        self.plugin = plugin = InventoryModule()
        plugin._load_name = NAME
        plugin._redirected_names = None
        plugin.ansible_name = NAME
        plugin.display = self
        assert plugin.verify_file(str(path))
        loader = DataLoader()
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("ansible.plugins.inventory.load_extra_vars", lambda _loader: dict(extra or {}))
            plugin.parse(self.data, loader, str(path), use_cache)
        if plugin.get_option("cache"):
            plugin.update_cache_if_changed()
        return self.data

    def warning(self, text: str, **_: Any) -> None:
        """Take a warning as Ansible's display does."""
        self.warnings.append(text)

    def vvv(self, *_: Any, **__: Any) -> None:
        """Take a remark as Ansible's display does."""

    def refuse(self, **options: Any) -> str:
        """Return the error of a configuration, which adds no host and shows no token."""
        with pytest.raises(AnsibleError) as caught:
            self.read(**options)
        message = str(caught.value)
        assert not self.data.hosts
        assert ADA not in message
        return message

    @property
    def requests(self) -> list[str]:
        """The requests of the last reading, in alphabetical order: they are made in parallel."""
        return sorted(brief(self.simulator.requests()))


@pytest.fixture
def inventory(tmp_path: Path, simulator: Simulator, monkeypatch: pytest.MonkeyPatch) -> Inventory:
    """Return configurations whose account is Ada's."""
    monkeypatch.setenv("WPCOM_API_TOKEN", ADA)
    return Inventory(tmp_path, simulator)


def variables(data: InventoryData, host: str) -> dict[str, Any]:
    """Return the variables that the plugin gives a host."""
    return {key: value for key, value in data.hosts[host].vars.items() if not key.startswith("inventory_")}


def members(data: InventoryData, group: str) -> list[str]:
    """Return the hosts of a group."""
    return sorted(host.name for host in data.groups[group].get_hosts())


# Hosts


def test_a_site_is_a_host_with_variables(inventory: Inventory) -> None:
    inventory.simulator.patch(sites=[{"ID": 3001, "plan": "value_bundle", "name": "Ada & Co\u2019s <Blog>"}])
    data = inventory.read()
    assert sorted(data.hosts) == [
        "blog.example.com",
        "brokenjetpack.example.com",
        "jetpack.example.com",
        "news.example.org",
        "nopublicize.example.com",
        "shop.example.com",
    ]
    assert variables(data, "blog.example.com") == {
        "ansible_connection": "local",
        "ansible_python_interpreter": "{{ ansible_playbook_python }}",
        "wpcom_site_id": 3001,
        "wpcom_slug": "blog.example.com",
        "wpcom_url": "https://blog.example.com",
        "wpcom_name": "Ada & Co\u2019s <Blog>",
        "wpcom_jetpack": False,
        "wpcom_private": False,
        "wpcom_plan": "value_bundle",
        "wpcom_capabilities": {
            "edit_posts": True,
            "publish_posts": True,
            "edit_others_posts": True,
            "manage_options": True,
        },
        "wpcom_account": "ada",
    }
    assert variables(data, "jetpack.example.com")["wpcom_jetpack"] is True
    assert set(data.groups) == {"all", "ungrouped"}
    assert inventory.requests == [ME, SITES]
    assert inventory.warnings == []


def test_connections_of_a_site_and_the_worst_of_their_health(inventory: Inventory) -> None:
    data = inventory.read(connections=True)
    assert inventory.requests == [ME, CONNECTIONS, SITES]
    blog = variables(data, "blog.example.com")["wpcom_connections"]
    assert blog[0] == {
        "account": "Analytical Engines",
        "id": 5001,
        "service": "facebook",
        "keyring_connection_id": 2001,
        "external_id": "111",
        "external_name": "Analytical Engines",
        "external_display": None,
        "shared": False,
        "status": "ok",
        "expires": None,
        "health": "ok",
        "repair": None,
    }
    health = {name: [one["health"] for one in variables(data, name)["wpcom_connections"]] for name in data.hosts}
    worst = {name: variables(data, name)["wpcom_health"] for name in data.hosts}
    assert {"broken", "ok", None} <= set(worst.values())
    order = ["broken", "expiring", "unknown", "untested", "ok"]
    assert worst == {name: min(states, key=order.index, default=None) for name, states in health.items()}
    assert worst["nopublicize.example.com"] is None
    assert variables(data, "nopublicize.example.com")["wpcom_connections"] == []
    text = json.dumps([variables(data, name) for name in data.hosts])
    assert "nonce" not in text
    assert "refresh_url" not in text


def test_unusual_sites(inventory: Inventory) -> None:
    """Deleted, without plan or slug, in a subdirectory, and with a slug that would be read as something else."""
    inventory.simulator.patch(
        sites=[
            {"ID": 3001, "deleted": True},
            {"ID": 3002, "plan": None, "private": True},
            {"ID": 3003, "slug": ""},
            {"ID": 3005, "slug": "example.com::blog"},
            {"ID": 3006, "slug": "../../x,all:!y"},
            {"ID": 3007, "slug": "all"},
        ]
    )
    data = inventory.read()
    assert list(data.hosts) == ["shop.example.com", "3003", "example.com::blog", "3006", "3007"]
    shop = variables(data, "shop.example.com")
    assert (shop["wpcom_plan"], shop["wpcom_private"]) == (None, True)
    assert variables(data, "3003")["wpcom_slug"] is None
    assert ["its ID 300" in warning for warning in inventory.warnings] == [True, True]


def test_visibility_and_activity_are_left_to_the_server(inventory: Inventory) -> None:
    inventory.simulator.patch(sites=[{"ID": 3001, "visible": False}, {"ID": 3002, "active": False}])
    assert list(inventory.read(site_visibility="hidden").hosts) == ["blog.example.com"]
    assert list(inventory.read(site_activity="inactive").hosts) == ["shop.example.com"]
    assert "shop.example.com" not in inventory.read(site_activity="active").hosts
    assert inventory.simulator.requests(path="/me/sites")[0]["query"]["site_visibility"] == "all"
    assert "site_visibility" in inventory.refuse(site_visibility="some")


def test_names_of_others_are_never_templates(inventory: Inventory, tmp_path: Path) -> None:
    """Neither as variables nor by what is composed of them."""
    proof = tmp_path / "proof"
    attack = f"{{{{ lookup('pipe', 'touch {proof}') }}}}"
    inventory.simulator.patch(
        sites=[{"ID": 3001, "name": attack}],
        keyring_connections=[{"ID": 2003, "external_name": attack, "external_display": attack}],
        users=[{"ID": 1001, "username": attack}],
    )
    data = inventory.read(
        connections=True,
        compose={"composed": "wpcom_name", "upper": "wpcom_name ~ wpcom_account"},
        keyed_groups=[{"key": "wpcom_name"}],
        filters=["wpcom_name != wpcom_url"],
        strict=True,
    )
    host = variables(data, "blog.example.com")
    assert host["wpcom_name"] == host["composed"] == attack
    templar = Templar(loader=DataLoader(), variables={**host, "ansible_playbook_python": "/python"})
    for key, value in host.items():
        shown = templar.template(value)
        assert shown == (value if key != "ansible_python_interpreter" else "/python")
    for expression in ("wpcom_name", "wpcom_account", "composed", "wpcom_connections[1].account"):
        assert templar.template(_template(f"{{{{ {expression} }}}}")) == attack
    assert not proof.exists()


def test_a_token_that_the_server_echoes_is_masked(inventory: Inventory) -> None:
    inventory.simulator.patch(
        sites=[{"ID": 3001, "name": f"Called {ADA}"}], users=[{"ID": 1001, "username": f"ada-{ADA}"}]
    )
    host = variables(inventory.read(), "blog.example.com")
    assert (host["wpcom_name"], host["wpcom_account"]) == ("Called ********", "ada-********")


def _template(text: str) -> Any:
    """Return a text as a template that a user wrote."""
    return inventory_sites._trusted(text) if inventory_sites._trusted is not None else text


def test_thousands_of_sites_take_as_many_requests_as_one(inventory: Inventory) -> None:
    first = 100_000
    inventory.simulator.reset(
        {
            "users": [{"ID": 1, "username": "ada"}],
            "tokens": [{"token": ADA, "user_ID": 1, "scope": "global", "client_ID": 1}],
            "services": [{"ID": "mastodon"}],
            "sites": [
                {
                    "ID": first + number,
                    "slug": f"site{number}.example.com",
                    "plan": "free_plan" if number % 2 else "value_bundle",
                    "members": [{"user_ID": 1, "role": "administrator"}],
                }
                for number in range(2000)
            ],
            "keyring_connections": [{"ID": 1, "user_ID": 1, "service": "mastodon", "external_ID": "1"}],
            "publicize_connections": [
                {"ID": 10 + number, "site_ID": first + number, "keyring_connection_ID": 1} for number in range(2000)
            ],
        }
    )
    data = inventory.read(connections=True, keyed_groups=[{"key": "wpcom_plan", "prefix": "plan"}])
    assert len(data.hosts) == 2000
    assert inventory.requests == [ME, CONNECTIONS, SITES]
    assert len(members(data, "plan_value_bundle")) == 1000
    assert {len(variables(data, name)["wpcom_connections"]) for name in data.hosts} == {1}


# Accounts


def test_several_accounts_each_with_its_own_token(inventory: Inventory, tmp_path: Path) -> None:
    """One of them by a file, and one without a name, whose user name is read."""
    path = tmp_path / "grace"
    path.write_text(json.dumps({"access_token": GRACE}), encoding="utf-8")
    path.chmod(0o600)
    data = inventory.read(
        accounts=[{"name": "Ada's sites", "api_token": ADA}, {"api_token_file": str(path)}],
        hostname='wpcom_account[0] ~ "." ~ wpcom_slug',
    )
    assert inventory.requests == [ME, SITES, SITES]
    assert members(data, "wpcom_account_Ada_s_sites") == [
        "A.blog.example.com",
        "A.brokenjetpack.example.com",
        "A.jetpack.example.com",
        "A.news.example.org",
        "A.nopublicize.example.com",
        "A.shop.example.com",
    ]
    assert members(data, "wpcom_account_grace") == [
        "g.blog.example.com",
        "g.grace.example.com",
        "g.news.example.org",
        "g.private.example.com",
    ]
    assert variables(data, "A.blog.example.com")["wpcom_account"] == "Ada's sites"
    assert variables(data, "g.grace.example.com")["wpcom_account"] == "grace"


def test_an_account_without_sites_has_a_group(inventory: Inventory) -> None:
    accounts = [{"name": "ada", "api_token": ADA}, {"api_token": GRACE}]
    data = inventory.read(accounts=accounts, filters=["wpcom_account != 'grace'"])
    assert members(data, "wpcom_account_grace") == []
    assert len(members(data, "wpcom_account_ada")) == 6


def test_name_of_the_only_account_needs_no_scope(inventory: Inventory) -> None:
    inventory.simulator.patch(tokens=[{"token": "sites-only", "user_ID": 1001, "scope": "sites", "client_ID": 1}])
    data = inventory.read(api_token="sites-only")
    assert variables(data, "blog.example.com")["wpcom_account"] is None
    message = inventory.refuse(accounts=[{"api_token": "sites-only"}])
    assert message.startswith("accounts[0]: the user name cannot be read: set name")
    message = inventory.refuse(api_token="sites-only", connections=True)
    assert "requires the scope sharing or global" in message


@pytest.mark.parametrize(
    ("accounts", "said"),
    [
        ([{"name": "a", "api_token": "x"}, {"name": "b", "token": "y"}], "accounts[1] has the unknown key 'token'"),
        ([{"name": "a"}], "accounts[0] (a): one of the following is required: api_token, api_token_file"),
        ([{"name": "a", "api_token": "", "api_token_file": None}], "accounts[0] (a): one of the following"),
        ([{"name": "a", "api_token": "x", "api_token_file": "y"}], "accounts[0] (a): api_token and api_token_file are"),
        ([{"name": "a", "api_token_file": "/missing"}], "accounts[0] (a): api_token_file '/missing' does not exist"),
        ([{"api_token": "two words"}], "accounts[0]: api_token contains a space"),
        (
            [{"name": "a", "api_token": "x"}, {"name": "a", "api_token": "y"}],
            "accounts[1] (a): accounts[0] (a) has the",
        ),
        ([{"name": "a-b", "api_token": "x"}, {"name": "a_b", "api_token": "y"}], "the same group wpcom_account_a_b"),
        (["a"], "accounts[0] must be a mapping"),
        ({"name": "a", "api_token": ADA}, "accounts must be a list, got a mapping"),
        ([{"name": "a", "api_token": {"token": ADA}}], "accounts[0]: api_token must be a string"),
        ([{"name": ["a"], "api_token": ADA}], "accounts[0]: name must be a string"),
        ([], "accounts must be a list with at least one entry"),
    ],
)
def test_wrong_accounts_are_refused_before_any_request(inventory: Inventory, accounts: Any, said: str) -> None:
    assert said in inventory.refuse(accounts=accounts)
    assert inventory.requests == []


def test_every_account_that_fails_is_named(inventory: Inventory) -> None:
    """None of the hosts of the others are there: an inventory is complete, or fails."""
    message = inventory.refuse(
        accounts=[
            {"name": "first", "api_token": "wrong-1"},
            {"name": "ada", "api_token": ADA},
            {"name": "last", "api_token": "wrong-2"},
        ]
    )
    assert "accounts[0] (first): Could not list your sites" in message
    assert "accounts[2] (last): Could not list your sites" in message
    assert "The token is wrong or was revoked" in message
    assert "(ada)" not in message
    assert "wrong-" not in message


def test_two_accounts_that_turn_out_to_be_the_same(inventory: Inventory) -> None:
    message = inventory.refuse(accounts=[{"api_token": ADA}, {"name": "ada", "api_token": GRACE}])
    assert "accounts[0] has the same name" in message


def test_accounts_and_a_token_are_mutually_exclusive(inventory: Inventory) -> None:
    accounts = [{"name": "a", "api_token": "x"}]
    assert "accounts and api_token are mutually exclusive" in inventory.refuse(accounts=accounts, api_token="y")
    assert "accounts and api_token_file are" in inventory.refuse(accounts=accounts, api_token_file="/y")


# Names and filters


def test_one_name_for_two_sites_says_how_to_tell_them_apart(inventory: Inventory) -> None:
    both = [{"name": "ada", "api_token": ADA}, {"name": "grace", "api_token": GRACE}]
    message = inventory.refuse(accounts=both)
    assert message.startswith(
        "Two hosts have the name 'blog.example.com': site 3001 of account ada, and site 3001 of account grace."
    )
    assert (
        'Set hostname to an expression that distinguishes them, for example wpcom_account ~ "." ~ wpcom_slug' in message
    )
    data = inventory.read(accounts=both, hostname='wpcom_account ~ "." ~ wpcom_slug')
    assert len(data.hosts) == 10
    shared = ["blog.example.com", "news.example.org"]
    data = inventory.read(accounts=both, filters=[f'wpcom_account == "ada" or wpcom_slug not in {shared}'])
    assert len(data.hosts) == 8


def test_one_name_for_sites_of_two_sources(inventory: Inventory) -> None:
    """A host of the same site gets the variables again, as does one that has none of this plugin."""
    data = inventory.read()
    inventory.data.add_host("grace.example.com")
    inventory.data.set_variable("grace.example.com", "own", 1)
    inventory.read(fresh=False)
    with pytest.raises(AnsibleParserError, match="site 3001 of account ada, and site 3001 of account grace"):
        inventory.read(fresh=False, api_token=GRACE)
    inventory.read(fresh=False, api_token=GRACE, filters=["wpcom_slug is match('grace')"])
    assert variables(data, "grace.example.com")["own"] == 1
    assert variables(data, "grace.example.com")["wpcom_site_id"] == 3008


@pytest.mark.parametrize(
    ("hostname", "name"),
    [
        ("wpcom_site_id", "3001"),
        ("wpcom_slug | replace('.', '-')", "blog-example-com"),
        ("'x-' ~ wpcom_site_id if wpcom_site_id == 3001 else wpcom_slug", "x-3001"),
    ],
)
def test_hostname(inventory: Inventory, hostname: str, name: str) -> None:
    data = inventory.read(hostname=hostname)
    assert variables(data, name)["wpcom_site_id"] == 3001
    # A subclass would be marked as no template wherever the name is shown.
    assert {type(host) for host in data.hosts} == {type(host.name) for host in data.hosts.values()} == {str}


@pytest.mark.parametrize(
    ("hostname", "said"),
    [
        ("wpcom_sulg", "could not be evaluated for site 3001 of account ada"),
        ("{{ wpcom_slug }}", "could not be evaluated for site 3001"),
        ("wpcom_slug |", "could not be evaluated for site 3001"),
        ("wpcom_name", "results in 'The Analytical Blog' for site 3001"),
        ("none", "results in "),
        ("'localhost'", "results in 'localhost'"),
        ("'all'", "results in 'all'"),
        ("'x'", "Two hosts have the name 'x'"),
    ],
)
def test_wrong_hostname(inventory: Inventory, hostname: str, said: str) -> None:
    assert said in inventory.refuse(hostname=hostname)


def test_filters_must_all_hold(inventory: Inventory) -> None:
    assert list(inventory.read(filters=["wpcom_jetpack", "wpcom_site_id == 3006"]).hosts) == ["jetpack.example.com"]
    assert list(inventory.read(filters="wpcom_site_id in [3001, 3002] and not wpcom_jetpack").hosts) == [
        "blog.example.com",
        "shop.example.com",
    ]
    assert list(inventory.read(filters=["false"]).hosts) == []
    read = inventory.read(filters=["wpcom_site_id == wanted"], extra={"wanted": 3002}, use_extra_vars=True)
    assert list(read.hosts) == ["shop.example.com"]


@pytest.mark.parametrize(
    "condition",
    [
        "wpcom_sulg == 'x'",
        "wpcom_slug ==",
        "wpcom_slug.nothing.more",
        "wpcom_site_id < wpcom_slug",
        "wpcom_site_id / 0",
    ],
)
def test_filter_that_cannot_be_evaluated(inventory: Inventory, condition: str) -> None:
    message = inventory.refuse(filters=["wpcom_site_id > 0", condition])
    assert message.startswith(f"filters[1] {condition!r} could not be evaluated for site 3001 of account ada: ")


def test_constructed_groups_and_variables(inventory: Inventory) -> None:
    data = inventory.read(
        connections=True,
        strict=True,
        compose={"short": "wpcom_slug.split('.')[0]"},
        groups={"sick": "wpcom_health in ['broken', 'expiring']", "blogs": "short == 'blog'"},
        keyed_groups=[{"key": "wpcom_jetpack | ternary('jetpack', 'simple')", "prefix": "kind"}],
    )
    assert variables(data, "blog.example.com")["short"] == "blog"
    assert members(data, "blogs") == ["blog.example.com"]
    assert members(data, "kind_jetpack") == ["brokenjetpack.example.com", "jetpack.example.com"]
    assert members(data, "sick") == sorted(
        name for name in data.hosts if variables(data, name)["wpcom_health"] in ("broken", "expiring")
    )
    with pytest.raises(Exception, match="nothing"):
        inventory.read(strict=True, groups={"x": "nothing"})


# Options


@pytest.mark.parametrize(
    ("options", "variables_set"),
    [
        ({}, {"WPCOM_API_TOKEN": ADA}),
        (
            {"api_token": "", "timeout": "", "ca_path": ""},
            {"WPCOM_TIMEOUT": "", "WPCOM_RETRIES": "", "WPCOM_VALIDATE_CERTS": ""},
        ),
        ({"api_token": ADA}, {"WPCOM_API_TOKEN": "wrong"}),
        ({"api_token_file": "{{ folder }}/token"}, {"WPCOM_API_TOKEN": "wrong"}),
        ({}, {"WPCOM_API_TOKEN": "", "WPCOM_API_TOKEN_FILE": "FOLDER/token"}),
        ({"api_token": "{{ lookup('env', 'MINE') }}", "timeout": "{{ 2 * 3 }}"}, {"MINE": ADA}),
        ({"api_token": "{{ token }}", "site_visibility": "{{ 'a' ~ 'll' }}", "connections": "{{ 1 == 2 }}"}, {}),
        ({"accounts": [{"name": "{{ 'a' ~ 'da' }}", "api_token": "{{ token }}"}]}, {"WPCOM_API_TOKEN": "wrong"}),
        ({"accounts": "{{ [{'name': 'ada', 'api_token': token}] }}"}, {}),
    ],
)
def test_options_are_templates_and_come_before_variables(
    inventory: Inventory,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    options: dict[str, Any],
    variables_set: dict[str, str],
) -> None:
    (tmp_path / "token").write_text(f"{ADA}\n", encoding="utf-8")
    (tmp_path / "token").chmod(0o600)
    for name, value in variables_set.items():
        monkeypatch.setenv(name, value.replace("FOLDER", str(tmp_path)))
    data = inventory.read(extra={"token": ADA, "folder": str(tmp_path)}, **options)
    assert variables(data, "blog.example.com")["wpcom_account"] == "ada"
    # Ansible itself takes an empty text for false.
    assert inventory.plugin.get_option("validate_certs") is True
    assert {name: os.environ.get(name) for name, value in variables_set.items() if value == ""} == {
        name: "" for name, value in variables_set.items() if value == ""
    }


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"api_token": "{{ nothing }}"}, "The option api_token could not be evaluated: "),
        # The error of Ansible shows what is in a value of the wrong type.
        ({"api_token": {"token": ADA}}, "api_token must be a single value, got a mapping"),
        ({"api_token": [ADA]}, "api_token must be a single value, got a list"),
        ({"hostname": {"wpcom_site_id": None}}, "hostname must be a single value, got a mapping"),
        # Ansible takes it for false.
        ({"validate_certs": "maybe"}, "validate_certs must be true or false, got 'maybe': correct validate_certs"),
        ({"connections": "{{ 'perhaps' }}"}, "connections must be true or false, got 'perhaps'"),
        ({"hostname": 5}, "hostname must be a string, got 5"),
        ({"filter": ["true"]}, "Unknown option: filter"),
        ({"timeout": 0}, "timeout must be 1 or more"),
        ({"api_url": "ftp://x"}, "api_url must begin with https://"),
        ({"api_token": "wrong"}, "The token is wrong or was revoked"),
        ({"api_url": "http://127.0.0.1:1", "retries": 0}, "Could not list your sites"),
    ],
)
def test_wrong_options(inventory: Inventory, options: dict[str, Any], said: str) -> None:
    assert said in inventory.refuse(**options)


@pytest.mark.parametrize("value", ["maybe", "2"])
def test_a_variable_that_is_no_boolean_does_not_disable_validation(
    inventory: Inventory, monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    monkeypatch.setenv("WPCOM_VALIDATE_CERTS", value)
    assert f"validate_certs must be true or false, got '{value}'" in inventory.refuse(api_token=ADA)
    assert inventory.requests == []
    assert inventory.read(api_token=ADA, validate_certs="yes").hosts
    for valid in ("no", "TRUE", "0", ""):
        monkeypatch.setenv("WPCOM_VALIDATE_CERTS", valid)
        assert inventory.read(api_token=ADA).hosts


def test_missing_token(inventory: Inventory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WPCOM_API_TOKEN")
    assert "api_token is required" in inventory.refuse()


def test_missing_library(inventory: Inventory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ansible_collections.community.wpcom.plugins.plugin_utils._plugin_session.HAS_REQUESTS", False)
    assert "requests is required" in inventory.refuse()


def test_warnings_of_the_connection(inventory: Inventory, tmp_path: Path) -> None:
    (tmp_path / "token").write_text(ADA, encoding="utf-8")
    (tmp_path / "token").chmod(0o644)
    inventory.read(accounts=[{"name": "ada", "api_token_file": str(tmp_path / "token")}])
    assert ["accounts[0] (ada): api_token_file" in text and "0600" in text for text in inventory.warnings] == [True]


@pytest.mark.parametrize(
    ("name", "is_named"),
    [
        ("wpcom.yml", True),
        ("wpcom.yaml", True),
        ("my.wpcom.yml", True),
        ("my.wpcom.yaml", True),
        ("mywpcom.yml", False),
        ("wpcom.json", False),
        ("hosts.yml", False),
    ],
)
def test_names_of_files(tmp_path: Path, name: str, is_named: bool) -> None:
    (tmp_path / name).touch()
    assert InventoryModule().verify_file(str(tmp_path / name)) is is_named
    assert not InventoryModule().verify_file(str(tmp_path / "missing" / name))


def test_the_documented_options_are_those_of_the_table() -> None:
    assert list(PLUGIN_OPTIONS) == [option.name for option in CONNECTION_OPTIONS]
    for option in CONNECTION_OPTIONS:
        documented = PLUGIN_OPTIONS[option.name]
        assert (documented["type"], documented.get("default")) == (option.type, option.default)
        assert documented["env"] == [{"name": option.environment}]


# The cache

CACHE = {"cache": True, "cache_plugin": "jsonfile"}


@pytest.fixture
def cached(inventory: Inventory) -> Callable[..., list[str]]:
    """Return a function that reads with a cache, and returns the requests that were made."""

    def read(use_cache: bool = True, **options: Any) -> list[str]:
        inventory.read(use_cache=use_cache, cache_connection=str(inventory.folder / "cache"), **{**CACHE, **options})
        return inventory.requests

    return read


def test_what_is_cached_takes_no_request(inventory: Inventory, cached: Callable[..., list[str]]) -> None:
    accounts = [{"api_token": ADA}]
    assert cached(connections=True, accounts=accounts) == [ME, CONNECTIONS, SITES]
    before = {name: variables(inventory.data, name) for name in inventory.data.hosts}
    groups = set(inventory.data.groups)
    assert cached(connections=True, accounts=accounts) == []
    assert {name: variables(inventory.data, name) for name in inventory.data.hosts} == before
    assert set(inventory.data.groups) == groups == {"all", "ungrouped", "wpcom_account_ada"}
    # What Ansible does for --flush-cache and meta: refresh_inventory.
    assert cached(use_cache=False, connections=True, accounts=accounts) == [ME, CONNECTIONS, SITES]
    texts = [path.read_text(encoding="utf-8") for path in (inventory.folder / "cache").iterdir()]
    assert len(texts) == 1
    assert ADA not in texts[0]
    assert "nonce" not in texts[0]


def test_names_from_the_cache_are_no_templates_either(inventory: Inventory, cached: Callable[..., list[str]]) -> None:
    attack = "{{ 7 * 7 }}"
    inventory.simulator.patch(sites=[{"ID": 3001, "name": attack}])
    for _turn in range(2):
        cached()
        host = variables(inventory.data, "blog.example.com")
        assert Templar(loader=DataLoader(), variables=host).template(host["wpcom_name"]) == attack
    assert inventory.requests == []


@pytest.mark.parametrize(
    "change",
    [
        {"api_token": GRACE},
        {"connections": True},
        {"site_visibility": "visible"},
        {"site_activity": "active"},
        {"validate_certs": False},
        {"timeout": 30},
        {"accounts": [{"name": "ada", "api_token": ADA}]},
    ],
    ids=str,
)
def test_a_changed_option_or_token_is_not_answered_from_the_cache(
    cached: Callable[..., list[str]], change: dict[str, Any]
) -> None:
    cached()
    assert cached() == []
    assert SITES in cached(**change)
    assert cached(**change) == []


def test_a_changed_token_file_is_not_answered_from_the_cache(
    inventory: Inventory, cached: Callable[..., list[str]]
) -> None:
    path = inventory.folder / "token"
    for token, hosts in ((ADA, 6), (GRACE, 4)):
        path.write_text(token, encoding="utf-8")
        path.chmod(0o600)
        assert cached(api_token_file=str(path)) == [ME, SITES]
        assert cached(api_token_file=str(path)) == []
        assert len(inventory.data.hosts) == hosts


@pytest.mark.parametrize(
    "cached_value",
    [None, [], {}, {"accounts": ["ada"]}, {"accounts": ["ada"], "sites": [{"wpcom_site_id": 1}]}],
    ids=str,
)
def test_what_is_not_a_list_of_sites_is_not_used(cached_value: Any) -> None:
    assert not is_listed(cached_value)


def test_expressions_are_evaluated_for_cached_sites(inventory: Inventory, cached: Callable[..., list[str]]) -> None:
    cached()
    assert cached(filters=["wpcom_jetpack"], hostname="wpcom_site_id", compose={"x": "1"}) == []
    assert list(inventory.data.hosts) == ["3006", "3007"]


def test_an_error_is_not_cached(inventory: Inventory, cached: Callable[..., list[str]]) -> None:
    inventory.simulator.fault(path="/me/sites", kind="status", status=403)
    with pytest.raises(AnsibleParserError):
        cached()
    assert cached() == [ME, SITES]
    assert cached() == []


@pytest.mark.parametrize(
    "content", ["", "{", "[]", "null", '{"sites": 5}', '{"sites": ["x"]}', '{"accounts": ["ada"], "sites": [{}]}']
)
def test_a_damaged_cache_is_read_again(inventory: Inventory, cached: Callable[..., list[str]], content: str) -> None:
    cached()
    (path,) = (inventory.folder / "cache").iterdir()
    path.write_text(content, encoding="utf-8")
    assert cached() == [ME, SITES]
    assert len(inventory.data.hosts) == 6
    assert cached() == []
