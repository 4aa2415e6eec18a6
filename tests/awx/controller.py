# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A controller in memory: as much of AWX's REST API as the modules that create objects need.

It normalizes what AWX normalizes and refuses what AWX refuses, so that a second run of a playbook that changes something is
noticed: unknown fields are ignored, missing ones get their default, secrets are returned as $encrypted$.
"""

from __future__ import annotations

import json
import re
import threading
from copy import deepcopy
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, urlsplit

ENCRYPTED = "$encrypted$"
VERSION = "24.6.1"
# What a file has to contain to be a playbook for AWX.
PLAYBOOK = re.compile(r"^\s*?-?\s*?(?:hosts|(ansible\.builtin\.)?import_playbook):\s*?.*?$", re.MULTILINE)
EMAIL = {"timeout": 30}

Record = dict[str, Any]


class Kind(NamedTuple):
    """A type of object: how the API names it, the fields that it has with their defaults, and its lists of other objects."""

    type: str
    fields: Record
    associations: tuple[str, ...] = ()


_NOTIFICATIONS = ("notification_templates_started", "notification_templates_success", "notification_templates_error")
_PROMPTS: Record = {"limit": "", "job_type": None, "diff_mode": None, "inventory": None}
_DESCRIBED: Record = {"name": None, "description": ""}
KINDS = {
    "organizations": Kind("organization", _DESCRIBED),
    "credential_types": Kind(
        "credential_type", {**_DESCRIBED, "kind": None, "managed": False, "inputs": {}, "injectors": {}}
    ),
    "credentials": Kind("credential", {**_DESCRIBED, "organization": None, "credential_type": None, "inputs": {}}),
    "execution_environments": Kind(
        "execution_environment", {**_DESCRIBED, "organization": None, "image": None, "credential": None, "pull": ""}
    ),
    "notification_templates": Kind(
        "notification_template",
        {
            **_DESCRIBED,
            "organization": None,
            "notification_type": None,
            "notification_configuration": {},
            "messages": dict.fromkeys(("started", "success", "error", "workflow_approval")),
        },
    ),
    "projects": Kind(
        "project",
        {
            **_DESCRIBED,
            "organization": None,
            "scm_type": "",
            "scm_url": "",
            "scm_branch": "",
            "scm_refspec": "",
            "scm_clean": False,
            "scm_delete_on_update": False,
            "scm_track_submodules": False,
            "scm_update_on_launch": False,
            "scm_update_cache_timeout": 0,
            "scm_revision": "4f1e2d",
            "allow_override": False,
            "default_environment": None,
            "credential": None,
            "local_path": "",
            "timeout": 0,
        },
        _NOTIFICATIONS,
    ),
    "inventories": Kind(
        "inventory", {**_DESCRIBED, "organization": None, "kind": "", "host_filter": None, "variables": ""}
    ),
    "inventory_sources": Kind(
        "inventory_source",
        {
            **_DESCRIBED,
            "organization": None,
            "inventory": None,
            "source": "",
            "source_path": "",
            "source_vars": "",
            "source_project": None,
            "credential": None,
            "execution_environment": None,
            "overwrite": False,
            "overwrite_vars": False,
            "update_on_launch": False,
            "update_cache_timeout": 0,
            "timeout": 0,
            "verbosity": 1,
            "limit": "",
            "scm_branch": "",
        },
        _NOTIFICATIONS,
    ),
    "job_templates": Kind(
        "job_template",
        {
            **_DESCRIBED,
            "organization": None,
            "job_type": "run",
            "inventory": None,
            "project": None,
            "playbook": "",
            "execution_environment": None,
            "extra_vars": "",
            "limit": "",
            "diff_mode": False,
            "job_slice_count": 1,
            "survey_enabled": False,
            "allow_simultaneous": False,
            "ask_limit_on_launch": False,
            "ask_job_type_on_launch": False,
            "ask_variables_on_launch": False,
        },
        ("credentials", "labels", "instance_groups", *_NOTIFICATIONS),
    ),
    "workflow_job_templates": Kind(
        "workflow_job_template",
        {
            **_DESCRIBED,
            "organization": None,
            "extra_vars": "",
            "inventory": None,
            "limit": None,
            "scm_branch": None,
            "survey_enabled": False,
            "allow_simultaneous": False,
        },
        ("labels", "notification_templates_approvals", *_NOTIFICATIONS),
    ),
    "workflow_job_template_nodes": Kind(
        "workflow_job_template_node",
        {
            **_PROMPTS,
            "workflow_job_template": None,
            "unified_job_template": None,
            "identifier": "",
            "extra_data": {},
            "all_parents_must_converge": False,
        },
        ("success_nodes", "failure_nodes", "always_nodes", "credentials", "labels", "instance_groups"),
    ),
    "workflow_approval_templates": Kind("workflow_approval_template", {**_DESCRIBED, "timeout": 0}),
    "schedules": Kind(
        "schedule",
        {
            **_DESCRIBED,
            **_PROMPTS,
            "unified_job_template": None,
            "rrule": None,
            "enabled": True,
            "extra_data": {},
        },
        ("credentials", "labels", "instance_groups"),
    ),
}
UNIFIED = (
    "projects",
    "inventory_sources",
    "job_templates",
    "workflow_job_templates",
    "workflow_approval_templates",
)


class RefusedError(Exception):
    """A request is answered with this status and body."""

    def __init__(self, status: int, body: Record) -> None:
        super().__init__(f"{status} {body}")
        self.status, self.body = status, body


class Controller:
    """The objects, and a server for them; a context manager. Projects contain the files of one folder."""

    def __init__(self, files: Path) -> None:
        self.files = files
        self.writes: list[tuple[str, str, Record]] = []
        self._lock = threading.Lock()
        self._objects: dict[str, dict[int, Record]] = {kind: {} for kind in KINDS}
        self._associated: dict[tuple[str, int, str], list[int]] = {}
        self._surveys: dict[tuple[str, int], Record] = {}
        self._next = 1
        self.create("organizations", {"name": "Default"})
        controller = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_request(self) -> None:
                length = int(self.headers.get("Content-Length") or 0)
                body = json.loads(self.rfile.read(length) or b"null")
                url = urlsplit(self.path)
                with controller._lock:
                    try:
                        if self.headers.get("Authorization") != "Bearer controller-token":
                            raise RefusedError(401, {"detail": "Authentication credentials were not provided."})
                        status, answer = controller.respond(self.command, url.path, dict(parse_qsl(url.query)), body)
                    except RefusedError as refused:
                        status, answer = refused.status, refused.body
                content = b"" if status == 204 else json.dumps(answer).encode()
                self.send_response(status)
                for name, value in {
                    "Content-Type": "application/json",
                    "Content-Length": str(len(content)),
                    "X-API-Product-Name": "AWX",
                    "X-API-Product-Version": VERSION,
                }.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(content)

            do_GET = do_POST = do_PATCH = do_DELETE = handle_request

            def log_message(self, *_: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Controller:
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05})
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def respond(self, method: str, path: str, query: dict[str, str], body: Record | None) -> tuple[int, Any]:
        """Return the status and the body for a request."""
        parts = path.removeprefix("/api/v2/").strip("/").split("/")
        if method != "GET":
            self.writes.append((method, "/".join(parts), body or {}))
        if parts[0] == "project_updates":
            return 200, {"id": int(parts[1]), "status": "successful"}
        if parts == ["unified_job_templates"]:
            return 200, self._page([record for kind in UNIFIED for record in self._objects[kind].values()], query)
        kind = parts[0]
        if kind not in KINDS:
            raise RefusedError(404, {"detail": "Not found."})
        if len(parts) == 1:
            if method == "GET":
                return 200, self._page(list(self._objects[kind].values()), query)
            return 201, self._shown(self.create(kind, body or {}))
        record = self._objects[kind].get(int(parts[1]))
        if record is None:
            raise RefusedError(404, {"detail": "Not found."})
        if len(parts) == 2:
            if method == "PATCH":
                self._change(kind, record, body or {})
            return 200, self._shown(record)
        return self._subordinate(method, kind, record, parts[2], body or {})

    def create(self, kind: str, given: Record) -> Record:
        """Create an object, and return it."""
        number, self._next = self._next, self._next + 1
        url = f"/api/v2/{kind}/{number}/"
        names = ("survey_spec", *KINDS[kind].associations)
        record = {"id": number, "type": KINDS[kind].type, "url": url, **deepcopy(KINDS[kind].fields)}
        record["related"] = {name: f"{url}{name}/" for name in names}
        record["summary_fields"] = {"current_update": {"id": 9000 + number}} if kind == "projects" else {}
        self._change(kind, record, given)
        same = [other for other in self._objects[kind].values() if self._identity(other) == self._identity(record)]
        if same:
            raise RefusedError(
                400, {"__all__": [f"{record['type']} with this identity already exists: {same[0]['id']}"]}
            )
        self._objects[kind][number] = record
        return record

    @staticmethod
    def _identity(record: Record) -> tuple[Any, ...]:
        if record["type"] == "workflow_job_template_node":
            return (record["workflow_job_template"], record["identifier"])
        if record["type"] == "workflow_approval_template":
            return (record["id"],)
        names = ("name", "organization", "inventory", "unified_job_template", "credential_type")
        return tuple(record.get(name) for name in names)

    def _shown(self, record: Record) -> Record:
        shown = deepcopy(record)
        if record["type"] == "credential":
            kind = self._objects["credential_types"][record["credential_type"]]
            secret = {field["id"] for field in kind["inputs"]["fields"] if field.get("secret")}
            shown["inputs"] = {name: ENCRYPTED if name in secret else value for name, value in record["inputs"].items()}
        if record["type"] == "notification_template" and shown["notification_configuration"].get("password"):
            shown["notification_configuration"]["password"] = ENCRYPTED
        if record["type"] == "workflow_job_template_node" and record["unified_job_template"]:
            shown["related"]["unified_job_template"] = self._unified(record["unified_job_template"])["url"]
        return shown

    def _unified(self, number: int) -> Record:
        return next(self._objects[kind][number] for kind in UNIFIED if number in self._objects[kind])

    def _page(self, records: list[Record], query: dict[str, str]) -> Record:
        either = {name.removeprefix("or__"): value for name, value in query.items() if name.startswith("or__")}
        every = {name: value for name, value in query.items() if not name.startswith("or__") and value != "None"}
        found = [
            self._shown(record)
            for record in records
            if all(str(record.get(name)) == value for name, value in every.items())
            and (not either or any(str(record.get(name)) == value for name, value in either.items()))
        ]
        return {"count": len(found), "next": None, "previous": None, "results": found}

    def _change(self, kind: str, record: Record, given: Record) -> None:
        known = {name: deepcopy(value) for name, value in given.items() if name in KINDS[kind].fields}
        new = {**record, **known}
        check = getattr(self, f"_check_{KINDS[kind].type}", None)
        if check:
            check(new)
        record.update(new)

    def _check_credential_type(self, new: Record) -> None:
        for field in new["inputs"]["fields"]:
            field.setdefault("type", "string")

    def _check_credential(self, new: Record) -> None:
        kind = self._objects["credential_types"].get(new["credential_type"])
        known = {field["id"] for field in kind["inputs"]["fields"]} if kind else set()
        if not set(new["inputs"]) <= known:
            raise RefusedError(400, {"inputs": ["Additional properties are not allowed"]})
        if not kind or not new["organization"]:
            raise RefusedError(400, {"detail": "Missing 'user', 'team', or 'organization'."})

    def _check_notification_template(self, new: Record) -> None:
        required = {"host", "port", "username", "password", "use_tls", "use_ssl", "sender", "recipients"}
        missing = required - set(new["notification_configuration"])
        if new["notification_type"] == "email" and missing:
            raise RefusedError(400, {"notification_configuration": [f"Missing required fields: {sorted(missing)}."]})
        new["notification_configuration"] = {**EMAIL, **new["notification_configuration"]}

    def _check_inventory(self, new: Record) -> None:
        new["kind"] = new["kind"] or ""

    def _check_inventory_source(self, new: Record) -> None:
        inventory = self._objects["inventories"].get(new["inventory"])
        if not inventory or not (self.files / new["source_path"]).is_file():
            raise RefusedError(400, {"source_path": ["not found"]})
        new["organization"] = inventory["organization"]

    def _check_job_template(self, new: Record) -> None:
        path = self.files / new["playbook"]
        if not new["project"] or not path.is_file() or not PLAYBOOK.search(path.read_text(encoding="utf-8")):
            raise RefusedError(400, {"playbook": ["Playbook not found for project."]})
        new["organization"] = self._objects["projects"][new["project"]]["organization"]

    def _check_schedule(self, new: Record) -> None:
        if not re.fullmatch(r"DTSTART(;TZID=[\w/]+)?:\d{8}T\d{6}Z? RRULE:FREQ=\w+;INTERVAL=\d+.*", new["rrule"] or ""):
            raise RefusedError(400, {"rrule": ["rrule is not valid"]})
        self._check_prompts(self._unified(new["unified_job_template"]), new)

    def _check_workflow_job_template_node(self, new: Record) -> None:
        if new["unified_job_template"]:
            self._check_prompts(self._unified(new["unified_job_template"]), new)

    def _check_prompts(self, unified: Record, new: Record) -> None:
        """Refuse variables that no survey asks for, and a required one that is missing, also where it has a default."""
        kind = next(name for name in UNIFIED if KINDS[name].type == unified["type"])
        spec = self._surveys.get((kind, unified["id"]), {}).get("spec", []) if unified.get("survey_enabled") else []
        questions = {question["variable"]: question for question in spec}
        problems = [f"Variable {name} is not allowed on launch" for name in set(new["extra_data"]) - set(questions)]
        for name, question in questions.items():
            value = new["extra_data"].get(name)
            if question["required"] and name not in new["extra_data"]:
                problems.append(f"'{name}' value missing")
            if question["type"] == "integer" and not isinstance(value, (int, type(None))):
                problems.append(f"Value {value} for '{name}' expected to be an integer.")
            chosen = value if isinstance(value, list) else [value] if value is not None else []
            if question["type"] in ("multiplechoice", "multiselect") and not set(chosen) <= set(question["choices"]):
                problems.append(f"Value {value} for '{name}' expected to be one of {question['choices']}")
            if question["type"] == "multiselect" and not isinstance(value, (list, type(None))):
                problems.append(f"'{name}' value is expected to be a list.")
        if problems:
            raise RefusedError(400, {"variables_needed_to_start": problems})

    def _subordinate(self, method: str, kind: str, record: Record, name: str, body: Record) -> tuple[int, Any]:
        if name == "survey_spec":
            if method == "POST":
                self._check_survey(body)
                self._surveys[(kind, record["id"])] = deepcopy(body)
            return 200, self._surveys.get((kind, record["id"]), {})
        if name == "create_approval_template" and method == "POST":
            approval = self.create("workflow_approval_templates", body)
            record["unified_job_template"] = approval["id"]
            return 201, self._shown(approval)
        if name not in KINDS[kind].associations:
            raise RefusedError(404, {"detail": "Not found."})
        associated = self._associated.setdefault((kind, record["id"], name), [])
        target = {"notification_templates": "notification_templates"}.get(name[:22], name)
        target = "workflow_job_template_nodes" if name.endswith("_nodes") else target
        if method == "GET":
            return 200, self._page([self._objects[target][number] for number in associated], {})
        if body["id"] not in self._objects[target]:
            raise RefusedError(400, {"detail": "not found"})
        if body.get("disassociate"):
            associated.remove(body["id"])
        else:
            associated.append(body["id"])
            if name == "credentials":
                types = [self._objects["credentials"][number]["credential_type"] for number in associated]
                if len(types) != len(set(types)):
                    raise RefusedError(400, {"error": "Cannot assign multiple credentials of one type."})
        return 204, None

    @staticmethod
    def _check_survey(spec: Record) -> None:
        for name in ("name", "description", "spec"):
            if name not in spec:
                raise RefusedError(400, {"error": f"Field '{name}' is missing from survey spec."})
        for question in spec["spec"]:
            for name in ("type", "question_name", "variable", "required"):
                if name not in question:
                    raise RefusedError(400, {"error": f"'{name}' missing from survey question"})
            choices = question.get("choices", [])
            default = question.get("default", "")
            if question["type"] in ("multiplechoice", "multiselect"):
                if not choices or not set(str(default).splitlines()) <= set(choices):
                    raise RefusedError(400, {"error": "Default choice must be answered from the choices listed."})
            elif question["type"] == "integer":
                if not isinstance(default, int):
                    raise RefusedError(400, {"error": "Default value expected to be integer"})
            elif question["type"] not in ("text", "textarea", "password") or not isinstance(default, str):
                raise RefusedError(400, {"error": "wrong type"})

    def secrets(self) -> dict[str, Record]:
        """Return the inputs of each credential as they were written."""
        return {record["name"]: record["inputs"] for record in self._objects["credentials"].values()}

    def everything(self) -> dict[str, list[Record]]:
        """Return all objects, with names instead of IDs where they refer to each other, and the names of those in their lists."""
        names = {
            number: record.get("identifier") or record["name"]
            for records in self._objects.values()
            for number, record in records.items()
        }
        result: dict[str, list[Record]] = {}
        references = re.compile(
            r"organization|credential|credential_type|inventory|(source_)?project|execution_environment"
            r"|workflow_job_template|unified_job_template"
        )
        for kind, records in self._objects.items():
            for number, record in records.items():
                shown = {
                    name: names[value] if references.fullmatch(name) and value else value
                    for name, value in self._shown(record).items()
                    if name in KINDS[kind].fields
                }
                for (owner, identifier, name), associated in self._associated.items():
                    if (owner, identifier) == (kind, number) and associated:
                        shown[name] = [names[one] for one in associated]
                if (kind, number) in self._surveys:
                    shown["survey_spec"] = self._surveys[(kind, number)]
                result.setdefault(kind, []).append(shown)
        return result
