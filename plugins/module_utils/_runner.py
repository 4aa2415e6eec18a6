# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The one place that meets AnsibleModule: builds the client, asks for the plan, applies it, exits or fails."""

from __future__ import annotations

import threading
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Callable

from ansible.module_utils.basic import AnsibleModule, missing_required_lib

from ansible_collections.community.wpcom.plugins.module_utils._api import Api
from ansible_collections.community.wpcom.plugins.module_utils._apply import carry_out, read_all
from ansible_collections.community.wpcom.plugins.module_utils._errors import ApiError, WpcomError
from ansible_collections.community.wpcom.plugins.module_utils._http.transport import (
    HAS_REQUESTS,
    REQUESTS_IMPORT_ERROR,
    Transport,
)
from ansible_collections.community.wpcom.plugins.module_utils._options import (
    ConnectionOptions,
    connection_argument_spec,
)
from ansible_collections.community.wpcom.plugins.module_utils._plan import Plan
from ansible_collections.community.wpcom.plugins.module_utils._records import EXPIRING_WITHIN_DAYS, Record
from ansible_collections.community.wpcom.plugins.module_utils._remedies import needs_account, remedy
from ansible_collections.community.wpcom.plugins.module_utils._snapshot import Call, Snapshot, settle

Planner = Callable[[Mapping[str, Any], Any], Plan]


@dataclass(frozen=True)
class ModuleSpec:
    """What makes a module: its plan, its options beside those of the connection, and the rules between them.

    ``snapshot`` is what the plan looks at, ``looped_snapshot`` the same where many items of a loop share it.
    """

    planner: Planner
    options: Mapping[str, Mapping[str, Any]]
    rules: Mapping[str, Any] = field(default_factory=dict)
    snapshot: type[Snapshot] = Snapshot
    looped_snapshot: type[Snapshot] = Snapshot

    @property
    def argument_spec(self) -> dict[str, Any]:
        """Return the argument spec of all options."""
        return {**self.options, **connection_argument_spec()}


@dataclass
class Outcome:
    """What a task ends with: its result, and the warnings that go beside it."""

    result: dict[str, Any] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    failed: bool = False


class Client:
    """A connection to the API and what has been read over it; ``read_ahead`` where several runs will share it."""

    def __init__(
        self, spec: ModuleSpec, params: Mapping[str, Any], *, check_mode: bool, read_ahead: bool = False
    ) -> None:
        """Open nothing yet. Raises OptionError."""
        self.options = ConnectionOptions.from_params(params)
        # A loop keeps to one connection, over which all of its items go.
        self._parallel = params.get("parallel", 1 if read_ahead else 2)
        self._transport = Transport(self.options, check_mode=check_mode, parallel=self._parallel)
        self._api = Api(self._transport, expiring_within=params.get("expiring_within", EXPIRING_WITHIN_DAYS))
        self._account: Record | None = None
        self._asking = threading.Lock()
        self.snapshot = (spec.looped_snapshot if read_ahead else spec.snapshot)(check_mode=check_mode)

    @staticmethod
    def shared_by(params: Mapping[str, Any], *, check_mode: bool) -> Hashable:
        """Return what is the same for all tasks that may share a client. Raises OptionError."""
        options = ConnectionOptions.from_params(params)
        return (options, check_mode, params.get("parallel"), params.get("expiring_within"))

    def perform(self, call: Call) -> Any:
        """Make a call of the resource layer. Raises WpcomError, which says what to do about it."""
        try:
            return self._api.perform(call)
        except ApiError as error:
            account = self._account_of_token() if needs_account(error) else None
            error.message = f"{error.message.rstrip('.')}. {remedy(error, account)}".rstrip()
            raise

    def read(self, calls: Sequence[Call]) -> list[Any]:
        """Return what calls answer, or the errors they end with."""
        return read_all(calls, self.perform, self._parallel)

    def close(self) -> None:
        """Close the connections."""
        self._transport.close()

    def _account_of_token(self) -> Record | None:
        # Calls that are made at once may end with the same error.
        with self._asking:
            if self._account is None:
                try:
                    self._account = self._api.account.get()
                except WpcomError:
                    # The error that led here is the one to tell.
                    return None
            return self._account


def execute(spec: ModuleSpec, params: Mapping[str, Any], *, check_mode: bool) -> Outcome:
    """Run a task over a connection of its own, and return how it ends."""
    try:
        client = Client(spec, params, check_mode=check_mode)
    except WpcomError as error:
        return Outcome(error.as_result(), failed=True)
    try:
        return execute_with(client, spec, params, check_mode=check_mode)
    finally:
        client.close()


def execute_with(client: Client, spec: ModuleSpec, params: Mapping[str, Any], *, check_mode: bool) -> Outcome:
    """Plan, carry out unless in check mode, and return how the task ends; raises nothing that the network can cause."""
    outcome = Outcome(warnings=client.options.warnings())
    try:
        plan = settle(lambda snapshot: spec.planner(params, snapshot), client.snapshot, client.read)
        outcome.warnings.extend(plan.warnings)
        if check_mode:
            outcome.result = plan.concluded(None)
            return outcome
        done = carry_out(plan, client.perform)
        client.snapshot.learn(plan.operations, done)
        outcome.result = plan.concluded(done)
        for key, answer in zip(plan.gone, client.read(list(plan.gone.values()))):
            # What was asked for is done; this is only told where it can be known.
            if not isinstance(answer, WpcomError):
                outcome.result[key] = answer is None
    except WpcomError as error:
        outcome.failed = True
        # What was done before the error stays done.
        outcome.result = {"changed": outcome.result.get("changed", False), **error.as_result()}
    finally:
        client.snapshot.forget_errors()
    return outcome


def run_module(spec: ModuleSpec) -> None:
    """Run a module to its exit or failure."""
    module = AnsibleModule(argument_spec=spec.argument_spec, supports_check_mode=True, **spec.rules)
    if not HAS_REQUESTS:
        module.fail_json(msg=missing_required_lib("requests"), exception=REQUESTS_IMPORT_ERROR)
    outcome = execute(spec, module.params, check_mode=module.check_mode)
    for warning in outcome.warnings:
        module.warn(warning)
    if outcome.failed:
        module.fail_json(**outcome.result)
    module.exit_json(**outcome.result)
