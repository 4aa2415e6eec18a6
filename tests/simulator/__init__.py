# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A WordPress.com of our own, for tests, the demo, and for trying a playbook offline."""

from __future__ import annotations

from .core import SettingError
from .faults import FaultError
from .simulator import Simulator
from .switches import SwitchError
from .world import TROUBLES_WORLD, WorldError

__all__ = ["TROUBLES_WORLD", "FaultError", "SettingError", "Simulator", "SwitchError", "WorldError"]
