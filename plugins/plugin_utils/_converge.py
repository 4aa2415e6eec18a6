# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Pure logic of the playbook converge: hosts to accounts, and the result of each account's bulk task to its hosts.

hosts a and b of account ada, c of account grace    -> two accounts, each with the connections of its hosts in one list
actions of ada: position 0 created, 2 failed        -> a changed, b failed (its first connection is at position 2)
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.module_utils.parsing.convert_bool import boolean

from ansible_collections.community.wpcom.plugins.module_utils._api.hints import CONNECTIONS_PAGE, RECONNECT
from ansible_collections.community.wpcom.plugins.module_utils._errors import WpcomError
from ansible_collections.community.wpcom.plugins.module_utils._options import publicize_connection_argument_spec
from ansible_collections.community.wpcom.plugins.module_utils._plan.desired import DesiredPublicizeConnection
from ansible_collections.community.wpcom.plugins.module_utils._records.health import HEALTHY
from ansible_collections.community.wpcom.plugins.module_utils._records.record import Record, is_number
from ansible_collections.community.wpcom.plugins.plugin_utils._plain import validation_errors

VARIABLE = "social_connections"
TOKENS = {"wpcom_api_token": "token", "wpcom_api_token_file": "file"}
# What holds for a whole account, with the option of the bulk module and the default.
ACCOUNT_SETTINGS: Mapping[str, tuple[str, Any]] = {
    "social_connections_purge": ("purge", "none"),
    "social_connections_max_deletions": ("max_deletions", 10),
    "social_connections_parallel": ("parallel", 4),
    "social_connections_on_error": ("on_error", "stop"),
}
FAIL_ON_UNHEALTHY = "social_connections_fail_on_unhealthy"
HOST_SETTINGS = (*ACCOUNT_SETTINGS, FAIL_ON_UNHEALTHY)
COUNTED = ("created", "updated", "deleted", "unchanged")
# Up to so many hosts, each has a result of its own: Ansible starts a process for each.
REPORTED_HOSTS = 100
REPORTS = ("all", "changes")
_LISTED = 5
_LINES = 20
_ENVIRONMENT = ("environment",)
_OMITTED = "__omit_place_holder__"
_HEADER = re.compile(r"site (\d+): ")
# What a pattern of hosts takes for something else than a part of a name, such as the colons of example.com::blog.
_SPECIAL = re.compile(r"[^\w.-]")

Key = tuple[Any, ...]


@dataclass
class Declaration:
    """What a host declares: its connections, its site, and what its account and settings are known by.

    ``key`` is equal for hosts that have the same token, and is never shown.
    """

    host: str
    site: str
    connections: Any
    key: Key
    account: str | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)
    error: str | None = None


def grouped(declarations: Iterable[Declaration]) -> list[Record]:
    """Return the accounts, in the order of their first hosts.

    Each has its ``name``, its first ``host``, its ``hosts`` with the number of their ``entries``, the ``connections`` of all
    hosts in one list, the options of the bulk module, and ``errors`` by host. Nothing must be written where there are some.
    """
    groups: dict[Key, list[Declaration]] = {}
    for declaration in declarations:
        groups.setdefault(declaration.key, []).append(declaration)
    accounts = [_account(key, group) for key, group in groups.items()]
    _block_namesakes(groups, accounts)
    seen: Counter[str] = Counter()
    for account in accounts:
        seen[account["name"]] += 1
        if seen[account["name"]] > 1:
            account["name"] += f" ({account['host']})"
    return accounts


def _account(key: Key, group: Sequence[Declaration]) -> Record:
    names = list(dict.fromkeys(declaration.account for declaration in group if declaration.account))
    errors: dict[str, str] = {}
    hosts = []
    connections: list[Record] = []
    whole = _error_of_group(key, group, names)
    for declaration in group:
        entries, error = _entries(declaration)
        error = declaration.error or error or whole
        unhealthy, wrong = _boolean(declaration.settings.get(FAIL_ON_UNHEALTHY, False))
        if error or wrong:
            errors[declaration.host] = error or f"{FAIL_ON_UNHEALTHY} {wrong}"
        hosts.append(
            {
                "host": declaration.host,
                "site": declaration.site,
                "entries": len(entries),
                "fail_on_unhealthy": unhealthy,
            }
        )
        connections += entries
    options = {
        option: group[0].settings.get(setting, default) for setting, (option, default) in ACCOUNT_SETTINGS.items()
    }
    # A purged connection is in no list: its host is found by the ID of the site, which these actions show.
    by_name = options["purge"] != "none" and not all(is_number(declaration.site) for declaration in group)
    return {
        "name": names[0] if names else "environment" if key == _ENVIRONMENT else group[0].host,
        "host": group[0].host,
        "hosts": hosts,
        "connections": connections,
        "errors": errors,
        **options,
        "report": "all" if by_name else "changes",
    }


def _error_of_group(key: Key, group: Sequence[Declaration], names: Sequence[str]) -> str | None:
    """Return what is wrong with hosts that are to be converged together."""
    if len(names) > 1 and key == _ENVIRONMENT:
        return (
            f"wpcom_api_token or wpcom_api_token_file is required for the accounts {_some(names)}: "
            "the token in the environment belongs to one account only."
        )
    if len(names) > 1:
        return f"The accounts {_some(names)} have the same token: set the token of each account in its own group."
    for setting in ACCOUNT_SETTINGS:
        values = {str(declaration.settings[setting]): None for declaration in group if setting in declaration.settings}
        unset = any(setting not in declaration.settings for declaration in group)
        if len(values) > 1 or (values and unset):
            shown = _some([*values, *(["not set"] if unset else [])])
            return f"{setting} must be the same for all hosts of an account, got {shown}."
    return None


def _block_namesakes(groups: Mapping[Key, Sequence[Declaration]], accounts: Sequence[Record]) -> None:
    """Keep accounts from being written where the token of one of their hosts is not known."""
    for key, account in zip(groups, accounts):
        if key[0] != "unknown" or key[1] is None:
            continue
        for other_key, other in zip(groups, accounts):
            if other_key != key and any(one.account == key[1] for one in groups[other_key]):
                other["errors"].update(account["errors"])


def _entries(declaration: Declaration) -> tuple[list[Record], str | None]:
    """Return the entries for the bulk module, and what is wrong with them."""
    listed = declaration.connections
    if not isinstance(listed, list):
        return [], f"{VARIABLE} must be a list of connections."
    entries = []
    wrong = []
    for position, entry in enumerate(listed):
        error = None
        if not isinstance(entry, dict):
            error = "must be a dictionary."
        elif "site" in entry:
            error = "must not contain site: the site is that of the host."
        else:
            given = {name: value for name, value in entry.items() if not str(value).startswith(_OMITTED)}
            error = _option_error(given, declaration.site)
            entries.append({"site": declaration.site, **given})
        if error:
            wrong.append(
                f"{VARIABLE}[{position}]: {error}" if error[:4] != "must" else f"{VARIABLE}[{position}] {error}"
            )
    return entries, " ".join(wrong) or None


def _option_error(entry: Record, site: str) -> str | None:
    """Return what is wrong with the options of an entry, as far as that is known without the API."""
    validation = _VALIDATOR.validate(entry)
    if validation.error_messages:
        return f"{validation_errors(validation)}."
    try:
        DesiredPublicizeConnection.from_params({**validation.validated_parameters, "site": site})
    except WpcomError as error:
        return error.message
    return None


def _validator() -> ArgumentSpecValidator:
    spec = publicize_connection_argument_spec()
    del spec["site"]
    return ArgumentSpecValidator(spec)


_VALIDATOR = _validator()


def _boolean(value: Any) -> tuple[bool, str | None]:
    try:
        return boolean(value), None
    except TypeError:
        return False, f"must be true or false, got {value!r}."


# Results


def host_results(accounts: Sequence[Record], outcomes: Sequence[Record], report: str | None = None) -> dict[str, Any]:
    """Return ``hosts`` with the result of each, ``patterns`` for them, ``statistics``, and a ``summary`` for people.

    ``outcomes`` are the results of the bulk tasks in the order of the accounts. Unless ``report`` is all, or is not set and
    there are few hosts, hosts on which nothing is worth knowing are left out.
    """
    hosts: dict[str, Record] = {}
    statistics: Record = {f"{VARIABLE}_{name}": 0 for name in (*COUNTED, "failed")}
    statistics.update({f"{VARIABLE}_{name}": [] for name in ("changed_ids", "unhealthy_ids")})
    summary = []
    for account, outcome in zip(accounts, outcomes):
        one = _Account(account, outcome)
        hosts.update(one.results())
        one.count(statistics)
        summary.append(one.summary())
    everything = report == "all" or (not report and len(hosts) <= REPORTED_HOSTS)
    shown = {host: result for host, result in hosts.items() if everything or result}
    return {
        "hosts": shown,
        "patterns": [_SPECIAL.sub("?", host) for host in shown],
        "statistics": {name: sorted(value) if isinstance(value, list) else value for name, value in statistics.items()},
        "summary": summary[:_LINES] + ([f"and {len(summary) - _LINES} more"] if len(summary) > _LINES else []),
    }


class _Account:
    """An account with the result of its bulk task."""

    def __init__(self, account: Record, outcome: Record) -> None:
        """Take both; an outcome without actions failed before anything was written, or was not begun."""
        self.account = account
        self.outcome = outcome
        self.owners: list[str] = [host["host"] for host in account["hosts"] for _entry in range(host["entries"])]
        self.is_applied = not account["errors"] and ("actions" in outcome or not account["connections"])
        self.actions: list[Record] = list(outcome.get("actions") or []) if self.is_applied else []
        self.by_site: dict[str, str] = {
            str(action["site_id"]): self.owners[action["position"]]
            for action in reversed(self.actions)
            if action["position"] is not None
        }
        for host in reversed(account["hosts"]):
            if is_number(host["site"]):
                self.by_site[str(int(host["site"]))] = host["host"]

    def results(self) -> Iterator[tuple[str, Record]]:
        """Yield each host with the result of its own task, {} where there is nothing to report."""
        if not self.is_applied:
            yield from self._refused()
            return
        own: dict[str, list[Record]] = {}
        for action in self.actions:
            if action["action"] != "unchanged" or _is_unhealthy(action):
                own.setdefault(self._owner(action), []).append(action)
        diffs: dict[str, list[Record]] = {}
        for owner, diff in self._owned_diffs():
            diffs.setdefault(owner, []).append(diff)
        for host in self.account["hosts"]:
            name = host["host"]
            yield name, self._applied(host, own.get(name, []), diffs.get(name, []))

    def _owned_diffs(self) -> Iterator[tuple[str, Record]]:
        """Yield each diff with its host. They are in the order of the actions, of which only some have one."""
        remaining = [action for action in self.actions if action["action"] not in ("unchanged", "skipped")]
        for diff in self.outcome.get("diff") or []:
            header = str(diff["before_header"])
            same = (
                index
                for index, action in enumerate(remaining)
                if header.startswith(f"site {action['site_id']}: {action['service']} {action['account']}")
            )
            index = next(same, None)
            if index is not None:
                yield self._owner(remaining[index]), diff
                del remaining[: index + 1]
                continue
            found = _HEADER.match(header)
            yield self.by_site.get(found[1] if found else "") or str(self.account["host"]), diff

    def _owner(self, action: Record) -> str:
        if action["position"] is not None:
            return self.owners[action["position"]]
        return self.by_site.get(str(action["site_id"])) or str(self.account["host"])

    def _applied(self, host: Record, actions: list[Record], diffs: list[Record]) -> Record:
        if not actions:
            if host["entries"] or self.account["purge"] == "none":
                return {}
            return {"msg": "Nothing was deleted, because the list of connections is empty."}
        kinds = Counter(action["action"] for action in actions)
        changed = bool(diffs) or any(kinds[kind] for kind in ("created", "updated", "deleted"))
        unhealthy = any(map(_is_unhealthy, actions))
        result: Record = {
            "changed": changed,
            "msg": "; ".join(map(_line, actions)),
        }
        if diffs:
            result["diff"] = diffs
        if kinds["failed"] or (unhealthy and host["fail_on_unhealthy"]):
            result["failed"] = True
        elif kinds["skipped"] and not changed:
            result["skipped"] = True
        return result

    def _errors(self) -> dict[str, str]:
        """Return what is wrong by host; without any host that is to blame, it is every one."""
        if self.account["errors"]:
            return dict(self.account["errors"])
        message = str(self.outcome.get("msg") or "The task has no result.")
        wrong: dict[str, list[str]] = {}
        for error in self.outcome.get("errors") or []:
            wrong.setdefault(self.owners[error["position"]], []).append(self._named(error))
        if not wrong:
            # Which of the hosts that are known by the name of their site it is, the error does not show.
            named = [host["host"] for host in self.account["hosts"] if not is_number(host["site"])]
            for record in self.outcome.get("deletions") or []:
                owner = self.by_site.get(str(record.get("site_id")))
                wrong.update({host: [message] for host in ([owner] if owner else named)})
        if not wrong:
            return {host["host"]: message for host in self.account["hosts"]}
        return {host: " ".join(messages) for host, messages in wrong.items()}

    def _named(self, error: Record) -> str:
        """Return an error under the position in the list of the host."""
        first = self.owners.index(self.owners[error["position"]])
        return f"{VARIABLE}[{error['position'] - first}]: {error['msg']}"

    def _refused(self) -> Iterator[tuple[str, Record]]:
        errors = self._errors()
        reason = f"Nothing was written for the account {self.account['name']}, because of {_some(list(errors))}."
        for host in (one["host"] for one in self.account["hosts"]):
            if host in errors:
                yield host, {"failed": True, "msg": errors[host]}
            else:
                yield host, {"skipped": True, "msg": reason}

    def count(self, statistics: Record) -> None:
        """Add the account to the statistics."""
        if not self.is_applied:
            # Nothing of it is in the declared state for sure.
            statistics[f"{VARIABLE}_failed"] += max(1, len(self.account["connections"]))
            return
        counts = self._counts()
        for name in COUNTED:
            statistics[f"{VARIABLE}_{name}"] += counts.get(name, 0)
        statistics[f"{VARIABLE}_failed"] += counts.get("failed", 0) + counts.get("skipped", 0)
        for action in self.actions:
            if action["id"] and action["action"] in ("created", "updated", "deleted"):
                statistics[f"{VARIABLE}_changed_ids"].append(action["id"])
            if action["id"] and _is_unhealthy(action):
                statistics[f"{VARIABLE}_unhealthy_ids"].append(action["id"])

    def _counts(self) -> Mapping[str, int]:
        counts: Mapping[str, int] = self.outcome.get("summary") or {}
        return counts

    def summary(self) -> str:
        """Return the line of the account."""
        number = len(self.account["hosts"])
        name = f"{self.account['name']} ({number} host{'' if number == 1 else 's'})"
        if not self.is_applied:
            errors = self._errors()
            return f"{name}: nothing was written, because of {_some(list(errors))}."
        counts = self._counts()
        shown = [f"{counts.get(kind, 0)} {kind}" for kind in COUNTED]
        shown += [f"{counts[kind]} {kind}" for kind in ("failed", "skipped", "unhealthy") if counts.get(kind)]
        return f"{name}: {', '.join(shown)}."


def _is_unhealthy(action: Record) -> bool:
    return action["health"] is not None and action["health"] not in HEALTHY


def _line(action: Record) -> str:
    """Return what became of a connection, and what its account requires."""
    texts = []
    if action["action"] != "unchanged":
        texts.append(action["action"])
    if action["error"]:
        texts.append(str(action["error"]["msg"]).rstrip("."))
    if action["action"] == "skipped":
        texts.append("not applied, because of an earlier failure")
    if _is_unhealthy(action):
        repairs = {
            "refresh": f"refresh it in a browser, at {CONNECTIONS_PAGE}",
            "choose_external_user": "no page was chosen, set external_user_id or external_user_name",
            "remove": "the service is no longer supported, set state to absent",
            None: f"check it in a browser, at {CONNECTIONS_PAGE}",
        }
        texts.append(f"{action['health']}, {repairs.get(action['repair'], RECONNECT)}")
    return " ".join(f"{action['service']} {action['account']}: {', '.join(texts)}".split())


def _some(names: Sequence[str]) -> str:
    rest = len(names) - _LISTED
    return ", ".join(names[:_LISTED]) + (f" and {rest} more" if rest > 0 else "")
