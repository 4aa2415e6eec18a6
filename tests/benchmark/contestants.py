# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Those who do the same work: the playbooks and the script that are compared, and what each may ask of the server."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import dataclass, field

import yaml

from .measure import HERE, INVENTORY_COMMAND, PLAYBOOK_COMMAND, PLAYBOOKS, ROOT
from .worlds import FIRST_ACCOUNT, FIRST_CONNECTION, FIRST_SITE, TOKEN, desired, desired_by_id, shape

ROLE = "social_connections"
ORDINARY = {"WPCOM_IN_PROCESS": "false"}
# My keyring connections, my publicize connections, my sites, the services.
LISTS = 4
# Where variables of some size belong: unlike vars_files, which Ansible reads anew for each task, this is read once.
VARIABLES = "group_vars/all.yml"


@dataclass(frozen=True)
class Job:
    """So many connections, of which all have to be changed or none, at so many milliseconds before each answer."""

    size: int
    changed: bool
    latency: int
    parallel: int = 10
    forks: int = 5

    @property
    def label(self) -> str:
        """Return the words that tell it from others."""
        return f"N={self.size}, {'changed' if self.changed else 'unchanged'}, {self.latency} ms"

    @property
    def writes(self) -> int:
        """Return how many writes it takes."""
        return self.size if self.changed else 0


Files = Callable[[Job, str], dict[str, str]]


def _as_json(value: object) -> str:
    return json.dumps(value)


def _as_yaml(value: object) -> str:
    text: str = yaml.dump(value, Dumper=getattr(yaml, "CSafeDumper", yaml.SafeDumper), sort_keys=False)
    return text


def inventory(hosts: dict[str, object] | None = None) -> str:
    """Return an inventory of this machine and perhaps other hosts, all of them reached without leaving it."""
    local = {"ansible_connection": "local", "ansible_python_interpreter": "{{ ansible_playbook_python }}"}
    groups = {"sites": {"hosts": hosts}} if hosts else {}
    return _as_json({"all": {"hosts": {"localhost": {}}, "vars": local, "children": groups}})


def _playbook(name: str) -> str:
    return (PLAYBOOKS / f"{name}.yml").read_text(encoding="utf-8")


def _by_names(playbook: str) -> Files:
    """Return the files of a playbook that names connections by site and account."""

    def files(job: Job, url: str) -> dict[str, str]:
        connections = desired(*shape(job.size), shared=job.changed)
        variables = {"connections": connections, "parallel": job.parallel}
        return {
            "playbook.yml": _playbook(playbook),
            VARIABLES: _as_yaml(variables),
            "inventory.json": inventory(),
        }

    return files


def _by_id(playbook: str) -> Files:
    """Return the files of a playbook that names connections by their IDs."""

    def files(job: Job, url: str) -> dict[str, str]:
        connections = desired_by_id(*shape(job.size), shared=job.changed)
        variables = {"api": f"{url}/rest/v1.1", "token": TOKEN, "connections": connections}
        return {
            "playbook.yml": _playbook(playbook),
            VARIABLES: _as_yaml(variables),
            "inventory.json": inventory(),
        }

    return files


def _by_host(playbook: str) -> Files:
    """Return the files of a playbook for which each site is a host."""

    def files(job: Job, url: str) -> dict[str, str]:
        hosts: dict[str, object] = {
            f"site{number}": {
                **entry,
                "id": FIRST_CONNECTION + number,
                "api": f"{url}/rest/v1.1",
                "token": TOKEN,
            }
            for number, entry in enumerate(desired(job.size, 1, shared=job.changed))
        }
        return {"playbook.yml": _playbook(playbook), "inventory.json": inventory(hosts)}

    return files


def _nothing(job: Job, url: str) -> dict[str, str]:
    return {"playbook.yml": _playbook("debug"), "inventory.json": inventory()}


def _role(job: Job, url: str) -> dict[str, str]:
    """Return the files of a playbook that hands the same to the role, site by site."""
    sites: dict[str, list[object]] = {}
    for entry in desired(*shape(job.size), shared=job.changed):
        sites.setdefault(entry.pop("site"), []).append(entry)
    variables = {
        f"{ROLE}_sites": [{"site": site, "connections": entries} for site, entries in sites.items()],
        f"{ROLE}_parallel": job.parallel,
    }
    return {
        "playbook.yml": _playbook("role"),
        VARIABLES: _as_yaml(variables),
        "inventory.json": inventory(),
    }


def _audit(others: bool) -> Files:
    """Return the files of a playbook that audits everything, with the connections of other users or without."""

    def files(job: Job, url: str) -> dict[str, str]:
        return {
            "playbook.yml": _playbook("audit"),
            VARIABLES: _as_yaml({"social_connections_audit_others": others}),
            "inventory.json": inventory(),
        }

    return files


def _script(job: Job, url: str) -> dict[str, str]:
    return {"wanted.json": _as_json(desired_by_id(*shape(job.size), shared=job.changed))}


def _sites(job: Job, url: str) -> dict[str, str]:
    """Return the configuration of an inventory of all sites with their connections."""
    return {"sites.wpcom.yml": _as_yaml({"plugin": "community.wpcom.sites", "connections": True})}


def _static(job: Job, url: str) -> dict[str, str]:
    """Return an inventory that lists the same hosts with the same variables."""
    capabilities = ("edit_posts", "publish_posts", "edit_others_posts", "manage_options")
    hosts = {}
    for number in range(job.size):
        connection = {
            "account": "Account 0",
            "id": FIRST_CONNECTION + number,
            "service": "mastodon",
            "keyring_connection_id": FIRST_ACCOUNT,
            "external_id": "account-0",
            "external_name": "@account0@mastodon.example",
            "external_display": "Account 0",
            "shared": False,
            "status": "ok",
            "expires": None,
            "health": "ok",
            "repair": None,
        }
        slug = f"site{number}.example.com"
        hosts[slug] = {
            "wpcom_site_id": FIRST_SITE + number,
            "wpcom_slug": slug,
            "wpcom_url": f"https://{slug}",
            "wpcom_name": f"Site {number}",
            "wpcom_jetpack": False,
            "wpcom_private": False,
            "wpcom_plan": "free_plan",
            "wpcom_capabilities": dict.fromkeys(capabilities, True),
            "wpcom_account": "ada",
            "wpcom_connections": [connection],
            "wpcom_health": "ok",
            "ansible_connection": "local",
            "ansible_python_interpreter": "{{ ansible_playbook_python }}",
        }
    # Not YAML, which Ansible would take several times as long to read.
    return {"sites.json": _as_json({"all": {"hosts": hosts}})}


@dataclass(frozen=True)
class Contestant:
    """One way to do a job. ``gets`` and ``connections`` are the most that it may need of each."""

    name: str
    title: str
    files: Files
    gets: Callable[[Job], int]
    connections: Callable[[Job], int]
    variables: dict[str, str] = field(default_factory=dict)
    parallel: int | None = None
    works: bool = True
    arguments: tuple[str, ...] = ()

    @property
    def is_per_host(self) -> bool:
        """Whether each connection is on a site of its own, which is a host."""
        return self.name.startswith(("hosts", "inventory"))

    def command(self, job: Job) -> list[str]:
        """Return the command line."""
        if self.files in (_sites, _static):
            (name,) = self.files(Job(0, False, 0), "")
            return [*INVENTORY_COMMAND, "-i", name, "--list"]
        if self.files is _script:
            return [sys.executable, str(HERE / "floor.py"), "wanted.json", str(self.parallel or job.parallel)]
        return [*PLAYBOOK_COMMAND, "--forks", str(job.forks), *self.arguments, "playbook.yml"]


def _lists(job: Job) -> int:
    return LISTS


def _one(job: Job) -> int:
    return 1


def _two(job: Job) -> int:
    """Return the limit for a single task, which reads what is there over two connections at once."""
    return 2


def _two_each(job: Job) -> int:
    return 2 * job.size


def _wide(job: Job) -> int:
    return job.parallel


def _lists_each(job: Job) -> int:
    return LISTS * job.size


def _all_requests(gets: Callable[[Job], int]) -> Callable[[Job], int]:
    """Return a limit for those who open a connection for every request."""
    return lambda job: gets(job) + job.writes


CONTESTANTS: dict[str, Contestant] = {
    contestant.name: contestant
    for contestant in (
        Contestant(
            "empty", "a playbook with ansible.builtin.debug only", _nothing, lambda job: 0, lambda job: 0, works=False
        ),
        Contestant("uri", "ansible.builtin.uri, reading once", _by_id("uri"), _one, _all_requests(_one)),
        Contestant(
            "uri-each",
            "ansible.builtin.uri, GET and POST each",
            _by_id("uri_each"),
            lambda job: job.size,
            _all_requests(lambda job: job.size),
        ),
        Contestant("uri-one", "ansible.builtin.uri, GET and POST", _by_id("uri_one"), _one, _all_requests(_one)),
        Contestant("module", "single module, fast path off", _by_names("single"), _lists_each, _two_each, ORDINARY),
        Contestant("fast", "single module", _by_names("single"), _lists, _one),
        Contestant("module-one", "single module, fast path off", _by_names("single_one"), _lists, _two, ORDINARY),
        Contestant("fast-one", "single module", _by_names("single_one"), _lists, _two),
        Contestant("bulk-module", "bulk module, fast path off", _by_names("bulk"), _lists, _wide, ORDINARY),
        Contestant("bulk", "bulk module", _by_names("bulk"), _lists, _wide),
        Contestant("bulk-diff", "bulk module, --diff", _by_names("bulk"), _lists, _wide, arguments=("--diff",)),
        Contestant("role", "role", _role, _lists, _wide),
        Contestant("audit", "audit", _audit(False), lambda job: 6, lambda job: 6, works=False),
        # One request for each site, and two more.
        Contestant(
            "audit-others",
            "audit, with the connections of other users",
            _audit(True),
            lambda job: 8 + shape(job.size)[0],
            lambda job: 6 + job.parallel,
            works=False,
        ),
        Contestant("floor", "requests script", _script, _one, _one, parallel=1),
        Contestant("floor-wide", "requests script, as parallel as the bulk module", _script, _one, _wide),
        Contestant(
            "hosts-uri",
            "ansible.builtin.uri, GET and POST each",
            _by_host("hosts_uri"),
            lambda job: job.size,
            _all_requests(lambda job: job.size),
        ),
        Contestant(
            "hosts-uri-once",
            "ansible.builtin.uri, reading once",
            _by_host("hosts_uri_once"),
            _one,
            _all_requests(_one),
        ),
        Contestant(
            "hosts-module",
            "single module, fast path off",
            _by_host("hosts_single"),
            _lists_each,
            _two_each,
            ORDINARY,
        ),
        Contestant(
            "inventory", "inventory plugin, with connections", _sites, lambda job: 3, lambda job: 3, works=False
        ),
        Contestant(
            "inventory-static", "the same hosts in a JSON file", _static, lambda job: 0, lambda job: 0, works=False
        ),
        Contestant("hosts-fast", "single module", _by_host("hosts_single"), _lists_each, _two_each),
    )
}


def has_role() -> bool:
    """Tell whether this checkout has the role yet."""
    return (ROOT / "roles" / ROLE).is_dir()
