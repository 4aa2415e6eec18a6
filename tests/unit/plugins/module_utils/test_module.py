# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What makes a module, and a task in a session of its own."""

from __future__ import annotations

from typing import Any
from unittest import mock

import pytest

from ansible_collections.community.wpcom.plugins.module_utils import _module
from ansible_collections.community.wpcom.plugins.module_utils._cache.account_cache import AccountCache
from ansible_collections.community.wpcom.plugins.module_utils._errors import OptionError
from ansible_collections.community.wpcom.plugins.module_utils._module import ModuleSpec, run_task
from ansible_collections.community.wpcom.plugins.module_utils._options import CONNECTION_OPTIONS
from ansible_collections.community.wpcom.plugins.module_utils._plan.plan import Plan
from ansible_collections.community.wpcom.plugins.module_utils._session import SessionSettings
from ansible_collections.community.wpcom.tests.unit.support import params

NOTHING = ModuleSpec(lambda given, cache: Plan(result={"cache": cache}), {})


def test_argument_spec_has_the_options_of_the_module_and_those_of_the_connection() -> None:
    spec = ModuleSpec(NOTHING.planner, {"id": {"type": "int"}}).argument_spec
    assert list(spec) == ["id", *(option.name for option in CONNECTION_OPTIONS)]


def test_settings_have_defaults_where_the_module_has_no_option_for_them() -> None:
    assert NOTHING.settings({}) == SessionSettings(parallel=3, expiring_within=14)
    # The items of a loop share one connection.
    assert NOTHING.loop_settings({}) == SessionSettings(parallel=1, expiring_within=14)


def test_settings_come_from_the_options_that_the_module_names() -> None:
    spec = ModuleSpec(NOTHING.planner, {}, parallel="p", expiring_within="e")
    given = {"p": 8, "e": 30}
    assert spec.settings(given) == spec.loop_settings(given) == SessionSettings(parallel=8, expiring_within=30)


@pytest.mark.parametrize("check_mode", [True, False])
def test_planner_reads_from_the_cache_of_the_module(check_mode: bool) -> None:
    spec = ModuleSpec(NOTHING.planner, {}, cache=AccountCache)
    cache = run_task(spec, params(), check_mode=check_mode).result["cache"]
    assert isinstance(cache, AccountCache)
    assert cache.check_mode is check_mode


def test_planner_has_the_options_of_the_task() -> None:
    spec = ModuleSpec(lambda given, cache: Plan(result={"url": given["api_url"]}), {})
    assert run_task(spec, params("https://api.example"), check_mode=False).result["url"] == "https://api.example"


def test_connection_options_are_checked_before_anything_else() -> None:
    def planner(given: Any, cache: Any) -> Any:
        raise AssertionError("planned")

    task = run_task(ModuleSpec(planner, {}), params(timeout=0), check_mode=False)
    assert task.failed
    assert task.result["changed"] is False
    assert task.result["error"]["code"] == "invalid_option"
    assert task.result["msg"].startswith("timeout must be 1 or more")


@pytest.mark.parametrize("error", [None, OptionError("No."), RuntimeError("A defect.")])
def test_session_is_closed_however_the_task_ends(error: Any) -> None:
    def planner(given: Any, cache: Any) -> Plan:
        if error:
            raise error
        return Plan(result={})

    with mock.patch.object(_module.Session, "close") as close:
        try:
            run_task(ModuleSpec(planner, {}), params(), check_mode=False)
        except RuntimeError:
            # A defect is not hidden.
            assert isinstance(error, RuntimeError)
    close.assert_called_once()
