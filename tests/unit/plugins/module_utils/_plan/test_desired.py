# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the options of a publicize connection ask for."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.community.wpcom.plugins.module_utils._errors import OptionError
from ansible_collections.community.wpcom.plugins.module_utils._plan.desired import DesiredPublicizeConnection
from ansible_collections.community.wpcom.tests.unit import refusals
from ansible_collections.community.wpcom.tests.unit.builders import World, refused, task
from ansible_collections.community.wpcom.tests.unit.refusals import Refusal


def desired(**options: Any) -> DesiredPublicizeConnection:
    """Return what options ask for."""
    return DesiredPublicizeConnection.from_params(task("publicize", **options))


@pytest.mark.parametrize("refusal", refusals.BAD_OPTIONS.values(), ids=refusals.BAD_OPTIONS)
def test_bad_options_are_named(refusal: Refusal) -> None:
    with pytest.raises(OptionError) as caught:
        desired(**refusal.options)
    assert caught.value.code == refusal.code
    for part in refusal.parts:
        assert part in caught.value.message


@pytest.mark.parametrize("refusal", refusals.BAD_OPTIONS.values(), ids=refusals.BAD_OPTIONS)
def test_bad_options_are_refused_before_anything_is_read(refusal: Refusal) -> None:
    world = World()
    refused("publicize", world, refusal.code, **refusal.options)
    assert world.reads == []


def test_options_that_are_not_set_ask_for_nothing() -> None:
    assert desired(id=5) == DesiredPublicizeConnection(id=5)


def test_site_and_service_are_normalised() -> None:
    asked_for = desired(site=" Blog.example.com", service="Facebook", state="absent", account="Ada", shared=False)
    assert asked_for == DesiredPublicizeConnection(
        state="absent", site="blog.example.com", service="facebook", account="Ada", shared=False
    )


@pytest.mark.parametrize(
    ("options", "names"),
    [
        ({}, False),
        ({"external_user_id": "1"}, True),
        ({"external_user_name": "x"}, True),
        ({"reset_external_user": True}, True),
        ({"reset_external_user": False, "shared": True}, False),
    ],
)
def test_external_user_is_named_by_id_by_name_or_by_reset(options: dict[str, Any], names: bool) -> None:
    assert desired(id=5, **options).names_external_user is names
