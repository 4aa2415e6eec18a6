# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The only place that meets AnsibleModule: what makes a module, and running it."""

from __future__ import annotations

import select
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Callable

from ansible.module_utils.basic import AnsibleModule, missing_required_lib

from ._api.resource import HasHandlers
from ._cache.read_cache import Cache, ReadCache
from ._errors import WpcomError
from ._execute import Planner, TaskResult, execute
from ._http.retry import never
from ._http.transport import HAS_REQUESTS, REQUESTS_IMPORT_ERROR, Transport
from ._options import ConnectionOptions, connection_argument_spec
from ._records.health import EXPIRING_WITHIN_DAYS
from ._session import Session, SessionSettings

# What a task about one thing reads before it decides, at most: the accounts, the connections of the site, and the service.
# One after another each costs a round trip, and a connection of its own two that the others wait for as well.
READS = 3


@dataclass(frozen=True)
class ModuleSpec:
    """What makes a module: its planner, its options in addition to those of the connection, and the rules between them.

    ``cache`` is what the planner reads from; ``parallel`` and ``expiring_within`` name the options that the session takes
    them from. ``resources`` are those of the API that only this module needs. ``report_token_error``: a token that cannot be
    used does not fail the task, the planner reports it.
    """

    planner: Planner
    options: Mapping[str, Mapping[str, Any]]
    rules: Mapping[str, Any] = field(default_factory=dict)
    cache: Callable[..., Cache] = ReadCache
    parallel: str | None = None
    expiring_within: str | None = None
    resources: tuple[Callable[[Transport], HasHandlers], ...] = ()
    report_token_error: bool = False

    @property
    def argument_spec(self) -> dict[str, Any]:
        """Return the argument spec of all options."""
        return {**self.options, **connection_argument_spec()}

    def settings(self, params: Mapping[str, Any], parallel: int = READS) -> SessionSettings:
        """Return the settings of a session; ``parallel`` is the default of a module without an option for it."""
        return SessionSettings(
            parallel=params[self.parallel] if self.parallel else parallel,
            expiring_within=params[self.expiring_within] if self.expiring_within else EXPIRING_WITHIN_DAYS,
            resources=self.resources,
            report_token_error=self.report_token_error,
        )

    def loop_settings(self, params: Mapping[str, Any]) -> SessionSettings:
        """Return the settings of a session that the items of a loop share: they keep to one connection."""
        return self.settings(params, parallel=1)


def run_task(
    spec: ModuleSpec,
    params: Mapping[str, Any],
    *,
    check_mode: bool,
    diff: bool = True,
    stop: Callable[[], bool] = never,
) -> TaskResult:
    """Run a task in a session of its own, and return how it ends; where ``stop`` returns true, no further request begins."""
    try:
        options = ConnectionOptions.from_params(params, report_token_error=spec.report_token_error)
        cache = spec.cache(check_mode=check_mode)
        session = Session(options, cache, spec.settings(params), check_mode=check_mode, stop=stop)
    except WpcomError as error:
        return TaskResult.of_error(error)
    try:
        return execute(session, spec.planner, params, diff=diff)
    finally:
        session.close()


def run_module(spec: ModuleSpec) -> None:
    """Run a module to its exit or failure."""
    module = AnsibleModule(argument_spec=spec.argument_spec, supports_check_mode=True, **spec.rules)
    if not HAS_REQUESTS:
        module.fail_json(msg=missing_required_lib("requests"), exception=REQUESTS_IMPORT_ERROR)
    task = run_task(spec, module.params, check_mode=module.check_mode, diff=module._diff, stop=_is_unread)
    # A token of the environment or of a file is not known to Ansible.
    module.no_log_values.update(task.secrets)
    for warning in task.warnings:
        module.warn(warning)
    if task.failed:
        module.fail_json(**task.result)
    module.exit_json(**task.result)


def refuse_module(argument_spec: Mapping[str, Mapping[str, Any]], rules: Mapping[str, Any], reason: str) -> None:
    """Fail as a module: its action does all of its work."""
    AnsibleModule(argument_spec=dict(argument_spec), supports_check_mode=True, **rules).fail_json(msg=reason)


def _is_unread() -> bool:
    """Whether the result is not read any more: Ansible was interrupted, which does not end the modules that it started."""
    poll = select.poll()
    # Errors and hang-ups are reported without being asked for.
    poll.register(1, 0)
    return bool(poll.poll(0))
