# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The one place that meets AnsibleModule: builds the client, asks for the plan, applies it, exits or fails."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Callable

from ansible.module_utils.basic import AnsibleModule, missing_required_lib

from ansible_collections.community.wpcom.plugins.module_utils._api import Api
from ansible_collections.community.wpcom.plugins.module_utils._errors import ApiError, WpcomError
from ansible_collections.community.wpcom.plugins.module_utils._options import (
    ConnectionOptions,
    connection_argument_spec,
)
from ansible_collections.community.wpcom.plugins.module_utils._plan import Plan
from ansible_collections.community.wpcom.plugins.module_utils._records import EXPIRING_WITHIN_DAYS
from ansible_collections.community.wpcom.plugins.module_utils._remedies import needs_account, remedy
from ansible_collections.community.wpcom.plugins.module_utils._snapshot import Snapshot, settle
from ansible_collections.community.wpcom.plugins.module_utils._transport import (
    HAS_REQUESTS,
    REQUESTS_IMPORT_ERROR,
    Transport,
)

Planner = Callable[[Mapping[str, Any], Snapshot], Plan]


@dataclass
class Outcome:
    """What a task ends with: its result, and the warnings that go beside it."""

    result: dict[str, Any] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    failed: bool = False


def execute(planner: Planner, params: Mapping[str, Any], *, check_mode: bool) -> Outcome:
    """Plan, apply unless in check mode, and return how the task ends. Raises nothing that network or server can cause."""
    outcome = Outcome()
    transport: Transport | None = None
    api: Api | None = None
    try:
        options = ConnectionOptions.from_params(params)
        outcome.warnings.extend(options.warnings())
        transport = Transport(options, check_mode=check_mode)
        api = Api(transport, expiring_within=params.get("expiring_within", EXPIRING_WITHIN_DAYS))
        plan = settle(lambda snapshot: planner(params, snapshot), Snapshot(check_mode=check_mode), api.perform)
        outcome.warnings.extend(plan.warnings)
        outcome.result = dict(plan.result, changed=plan.changed)
        if plan.diff is not None:
            outcome.result["diff"] = plan.diff.as_result()
        if not check_mode:
            _apply(plan, api, outcome)
    except WpcomError as error:
        if isinstance(error, ApiError) and api is not None:
            _explain(error, api)
        outcome.failed = True
        outcome.result = error.as_result()
    finally:
        if transport is not None:
            transport.close()
    return outcome


def _apply(plan: Plan, api: Api, outcome: Outcome) -> None:
    """Make the calls of the plan and put what they answered into the result."""
    done = 0
    try:
        for call in plan.operations:
            answer = api.perform(call)
            done += 1
            if plan.answer_key is not None:
                outcome.result[plan.answer_key] = answer
        for key, call in plan.gone.items():
            outcome.result[key] = api.perform(call) is None
    except WpcomError as error:
        error.result.setdefault("changed", done > 0)
        raise


def _explain(error: ApiError, api: Api) -> None:
    """Complete the message with what to do; asks for the account where the token's scope or site is to blame."""
    account = None
    if needs_account(error):
        try:
            account = api.account.get()
        except WpcomError:
            # The first error is the one to tell.
            account = None
    error.message = f"{error.message.rstrip('.')}. {remedy(error, account)}".rstrip()


def run_module(planner: Planner, argument_spec: Mapping[str, Any], **rules: Any) -> None:
    """Run a module with the options of its own and those of the connection, to its exit or failure."""
    module = AnsibleModule(
        argument_spec={**argument_spec, **connection_argument_spec()}, supports_check_mode=True, **rules
    )
    if not HAS_REQUESTS:
        module.fail_json(msg=missing_required_lib("requests"), exception=REQUESTS_IMPORT_ERROR)
    outcome = execute(planner, module.params, check_mode=module.check_mode)
    for warning in outcome.warnings:
        module.warn(warning)
    if outcome.failed:
        module.fail_json(**outcome.result)
    module.exit_json(**outcome.result)
