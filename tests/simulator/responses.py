# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The two kinds of responses: those of the API itself, and those of whatever stands in front of it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Optional

from flask import Response


class ApiResponse(Response):
    """A response of the API itself: `fields`, `http_envelope`, `pretty` and `callback` apply to its content."""

    def __init__(
        self,
        content: Any,
        status: int = 200,
        content_type: str = "application/json",
        headers: Optional[Mapping[str, str]] = None,
    ) -> None:
        """Keep the content; its bytes are made once its form is known."""
        super().__init__(status=status, headers=headers, content_type=content_type)
        self.content = content


def foreign_response(
    body: Any,
    status: int = 200,
    content_type: str = "application/json",
    headers: Optional[Mapping[str, str]] = None,
) -> Response:
    """Make a response that is sent as it is: text or bytes, or anything else as JSON."""
    data = body if isinstance(body, (str, bytes)) else json.dumps(body)
    return Response(data, status=status, headers=headers, content_type=content_type)
