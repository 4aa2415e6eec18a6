# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Documentation of the attributes, which all modules share."""

from __future__ import annotations


class ModuleDocFragment:
    """What each attribute means; the modules say how far they support it."""

    DOCUMENTATION = r"""
options: {}
attributes:
  check_mode:
    description: Can run in C(check_mode) and return the changed status prediction without modifying anything.
  diff_mode:
    description: Will return details on what has changed (or possibly needs changing in C(check_mode)), when in diff mode.
  idempotent:
    description: A second run with the same options changes nothing and sends no write.
"""

    ACTIONGROUP_WPCOM = r"""
options: {}
attributes:
  action_group:
    description: Use C(group/community.wpcom.wpcom) in C(module_defaults) to set defaults for this module.
    support: full
    membership:
      - community.wpcom.wpcom
"""
