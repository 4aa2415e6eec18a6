# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the searches among responses share: a server that responds to anything, the tasks that ask it, and how many."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from typing import Any, Optional
from urllib.parse import urlsplit
from xml.etree import ElementTree

import requests
import yaml
from ansible.errors import AnsibleFilterError

from ansible_collections.community.wpcom.plugins.filter.audit_file import audit_file
from ansible_collections.community.wpcom.plugins.filter.audit_report import audit_report
from ansible_collections.community.wpcom.plugins.filter.audit_sites import audit_sites
from ansible_collections.community.wpcom.plugins.filter.from_social_connections import from_social_connections
from ansible_collections.community.wpcom.plugins.filter.to_social_connections import to_social_connections
from ansible_collections.community.wpcom.plugins.filter.to_social_connections_yaml import to_social_connections_yaml
from ansible_collections.community.wpcom.tests.unit.support import TOKEN, Script, ScriptedResponse, unset

RESPONSES = int(os.environ.get("SEARCH_RESPONSES", "1500"))
# A task makes some five requests.
TASKS = max(1, RESPONSES // 5)
MOST_REQUESTS = 300

TEXTS: list[Any] = [
    "",
    "x",
    "ada",
    "page",
    "Ansible",
    "ok",
    "broken",
    "must_reauth",
    "publicize",
    "other",
    "unsupported",
    "global",
    "blog.example.com",
    "https://blog.example.com/",
    "http://[",
    "//",
    "https://example.com:99999/",
    "xn--",
    "\u0131\u00df.example",
    "a" * 300 + ".example",
    "..",
    "0000-00-00 00:00:00",
    "2026-02-30 25:61:61",
    "9999-12-31T23:59:59+00:01",
    "0001-01-01T00:00:00+14:00",
    "2026-01-31T12:00:00+99:99",
    "-0001-11-30T00:00:00+00:00",
    "1700000000",
    "-1",
    "\u0662\u0660\u0660\u0661",
    "\u00b2",
    "9" * 30,
    "9" * 5000,
    "1e5",
    "NaN",
    "{{ 1 + 1 }}",
    "{% raw %}",
    "!unsafe x",
    "- a: b",
    "# x",
    "\x00",
    "\x1b[31m",
    "\u0085\u2028\ufeff",
    "\u202e",
    "\ud83d",
    "\udc00 \ud83d",
    "&amp;&#039;&#xD83D;&#99999999999;",
    "&#0;",
    "\n\r\t",
    "'\"\\",
    "ID",
    TOKEN,
    f"Bearer {TOKEN}",
]
KEYS = [
    *("ID", "id", "Id", "connection_ID", "site_ID", "SITE_id", "user_ID", "keyring_connection_ID", "external_ID"),
    *("keyring_connection_user_ID", "shared", "service", "label", "type", "status", "issued", "expires", "authorized"),
    *("external_name", "external_display", "external_profile_picture", "additional_external_users", "sites", "site"),
    *("refresh_URL", "connect_URL", "read_only", "title", "scope", "blog", "client_id", "token_scope", "token_site_id"),
    *("token_client_id", "URL", "slug", "name", "options", "unmapped_url", "capabilities", "publish_posts"),
    *("edit_others_posts", "multiple_external_user_ID_support", "external_users_only", "meta", "links", "data"),
    *("lasagna_jwt", "error", "message", "deleted", "success", "connections", "services", "username", "primary_blog"),
    *("additional_external_users_empty_reason", "0", "1", "", "\ud83d", "items", "changed", "failed", "msg"),
]
LISTS = {
    "publicize-connections": ("publicize", "connections"),
    "keyring-connections": ("keyring", "connections"),
    "connected-applications": ("applications", "connected_applications"),
    "external-services": ("services", "services"),
    "sites": ("site", "sites"),
}


class Server(Script):
    """Responds to whatever it is asked."""

    def __init__(self) -> None:
        super().__init__(ScriptedResponse())

    def respond(self, request: requests.PreparedRequest, path: list[str]) -> ScriptedResponse:
        """Return the response to a request; the path is below the REST root."""
        raise NotImplementedError

    def send(self, request: requests.PreparedRequest, *arguments: Any, **more: Any) -> requests.Response:
        """Respond."""
        assert len(self.sent) < MOST_REQUESTS, "it never ends"
        path = urlsplit(str(request.url)).path.replace("/rest/v1.1", "", 1).strip("/").split("/")
        self.answers = [self.respond(request, path)]
        return super().send(request, *arguments, **more)


LINKEDIN: dict[str, Any] = {"site": "3001", "service": "linkedin"}
BLOG: dict[str, Any] = {"site": "blog.example.com", "service": "linkedin"}
ENTRIES: list[dict[str, Any]] = [
    {"id": 5001, "shared": True},
    {"id": 5001, "state": "absent"},
    {"id": 5001, "site": "3001", "external_user_id": "111"},
    {"id": 5001, "service": "linkedin", "account": "ada"},
    {**BLOG, "external_user_name": "page"},
    {**LINKEDIN, "account": "ada", "shared": True},
    {"site": "3001", "keyring_connection_id": 2001, "reset_external_user": True},
    {**LINKEDIN, "unique_per": "external_user", "external_user_id": "111"},
    {**LINKEDIN, "state": "absent", "external_user_id": "900001"},
    {**BLOG, "state": "absent", "account": "ada"},
    {"site": "3001", "service": "mastodon"},
]
ALL = ["publicize", "keyring", "applications", "services", "account"]
TASKS_OF_MODULES: list[tuple[str, dict[str, Any]]] = [
    *(("publicize", entry) for entry in ENTRIES),
    ("bulk", {"connections": ENTRIES[4:7], "purge": "listed", "report": "all"}),
    ("bulk", {"connections": [ENTRIES[0], ENTRIES[9]], "on_error": "continue"}),
    ("bulk", {"connections": [ENTRIES[2], ENTRIES[8]], "report": "all"}),
    ("bulk", {"connections": ENTRIES[4:5], "purge": "listed", "max_deletions": -1}),
    ("keyring", {"id": 2001}),
    ("keyring", {"id": 2001, "test": True}),
    ("keyring", {"id": 2001, "state": "absent", "cascade": True}),
    ("keyring", {"service": "linkedin", "account": "ada", "state": "absent"}),
    ("keyring", {"service": "mastodon"}),
    ("application", {"title": "Ansible"}),
    ("application", {"title": "Ansible", "site": "blog.example.com", "state": "absent"}),
    ("application", {"title": "Ansible", "state": "absent"}),
    ("application", {"id": 7001, "state": "absent"}),
    ("info", {"gather": ALL}),
    ("info", {"gather": ["publicize", "keyring"], "refetch_external_users": True, "test": True}),
    ("info", {"unhealthy_only": True, "fields": ["id"], "user_id": 1001, "site": ["3001"]}),
    ("info", {"site": ["blog.example.com"], "service": "linkedin", "meta": ["site"]}),
    ("info", {"gather": ["services"], "service": "linkedin"}),
    ("info", {"id": 5001, "keyring_connection_id": 2001}),
    ("info", {"site": ["3001", "blog.example.com", "3002"], "on_site_error": "report", "unhealthy_only": True}),
    ("info", {"gather": [*ALL, "sites"], "site": ["3001", "3002"]}),
]


def passes_on(value: Any) -> None:
    """Fail where Ansible, or what reads its results, could not take a value, or where it holds the token."""
    text = json.dumps(value, allow_nan=False)
    assert TOKEN not in text
    json.dumps(value, ensure_ascii=False, allow_nan=False).encode()


def options_of(task: tuple[str, dict[str, Any]]) -> dict[str, Any]:
    """Return the options of a task, those of the entries of a list that are not given among them."""
    kind, given = task
    if kind != "bulk":
        return given
    return {**given, "connections": [{**unset("publicize"), **entry} for entry in given["connections"]]}


def refused(make: Callable[[], Any]) -> Any:
    """Return what a filter makes, None where it refuses its input."""
    try:
        return make()
    except AnsibleFilterError:
        return None


class _Loader(yaml.SafeLoader):
    """Reads YAML as Ansible does, in which a text can be marked as no template."""


_Loader.add_constructor("!unsafe", _Loader.construct_yaml_str)


def check_filters(result: dict[str, Any], user: Optional[int], attempt: Callable[[Callable[[], Any]], Any]) -> None:
    """Fail where what was gathered cannot be exported, written down and read again, or audited.

    ``attempt`` returns what a filter makes, or None where it may refuse its input.
    """
    export = attempt(
        lambda: to_social_connections(
            result["publicize_connections"], result["keyring_connections"], result["sites"], user
        )
    )
    if export is not None:
        passes_on(export)
        text = to_social_connections_yaml(export, account="ada", date="2026-01-31")
        text.encode()
        assert yaml.load(text, _Loader)["social_connections_sites"] == export["sites"]
        passes_on(from_social_connections(export["sites"]))
    attempt(lambda: audit_sites(result))
    report = attempt(
        lambda: audit_report(
            [result],
            expected=[{"site": "3001", "service": "linkedin", "shared": True}, {"site": "3002", "service": "mastodon"}],
            not_shared=True,
        )
    )
    if report is not None:
        passes_on(report)
        for form in ("html", "json", "csv", "junit"):
            content = audit_file(report["report"], form)
            content.encode()
            if form == "junit":
                ElementTree.fromstring(content)
            if form == "json":
                passes_on(json.loads(content))
