# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The fast path of the module of the same name."""

from __future__ import annotations

from ansible_collections.community.wpcom.plugins.modules.wpcom_diagnostics_info import MODULE
from ansible_collections.community.wpcom.plugins.plugin_utils._in_process import InProcessAction


class ActionModule(InProcessAction):
    """Run the module in this process where that makes no difference."""

    module = MODULE
    loop_cache = None
