# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The file of ``api_token_file``: the token as plain text, or the JSON document that describes it."""

from __future__ import annotations

import json
import os
import select
import stat
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ._errors import OptionError

# Tokens have some hundred characters; a device such as /dev/zero never ends.
MAX_SIZE = 65536
# The command behind a pipe may have to start first; a pipe without one would never end.
PIPE_SECONDS = 10
# What a process was given open already has permissions that say nothing.
_DESCRIPTORS = ("/dev/", "/proc/")
_VAULT = "$ANSIBLE_VAULT;"


@dataclass(frozen=True)
class Token:
    """An access token as its file has it.

    ``document`` is the JSON of the file, empty for plain text: access_token, and as far as they are known token_type, scope,
    blog_id, obtained_at, expires_at, refresh_token, client_id, token_url. ``warnings`` are about the file.
    """

    access_token: str = field(repr=False)
    document: Mapping[str, Any] = field(default_factory=dict, repr=False, compare=False)
    warnings: tuple[str, ...] = ()

    @property
    def secrets(self) -> tuple[str, ...]:
        """Return what of the file must not be shown."""
        tokens = (self.access_token, self.document.get("refresh_token"))
        return tuple(token for token in tokens if token and isinstance(token, str))


def read_token(path: str, name: str = "api_token_file") -> Token:
    """Return the token of a file; ``name`` is the option that has the path.

    Raises OptionError, which names the option and the path, and never what the file contains.
    """
    subject = f"{name} {path!r}"
    content, mode = _read(os.path.expanduser(path), subject)
    try:
        text = content.decode("utf-8-sig").strip()
    except UnicodeDecodeError:
        raise OptionError(f"{subject} is not a text file: write the token into it, and nothing else.") from None
    warnings: tuple[str, ...] = ()
    if mode & 0o077 and not path.startswith(_DESCRIPTORS):
        warnings = (f"{subject} has mode {mode:04o}, other users may be able to access it: set its mode to 0600.",)
    if not text:
        raise OptionError(f"{subject} is empty: write the token into it.")
    if text.startswith(_VAULT):
        raise OptionError(
            f"{subject} is encrypted with Ansible Vault: set api_token to its content with the lookup "
            "ansible.builtin.unvault instead."
        )
    document = _document(text, subject)
    return Token(checked_token(document.get("access_token", text), subject), document, warnings)


def checked_token(token: str, subject: str) -> str:
    """Return a token that can be sent. Raises OptionError without the token; ``subject`` is where it comes from."""
    if not all("!" <= character <= "~" for character in token):
        raise OptionError(
            f"{subject} contains a space, a line break, or a character that tokens do not have: "
            "remove it (a file that was read with its trailing line break is the usual cause)."
            if subject == "api_token"
            else f"{subject} contains several lines, a space, or a character that tokens do not have: "
            "write the token into it, and nothing else."
        )
    return token


def _read(path: str, subject: str) -> tuple[bytes, int]:
    """Return the content and the permissions of a file, those of a pipe or device as 0. Raises OptionError."""
    try:
        # A pipe that nothing writes to would hold up the opening.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
        try:
            mode = os.fstat(descriptor).st_mode
            content = _content(descriptor, is_regular=stat.S_ISREG(mode))
        finally:
            os.close(descriptor)
    except FileNotFoundError:
        raise OptionError(f"{subject} does not exist: set it to the path of a file with the token.") from None
    except IsADirectoryError:
        raise OptionError(f"{subject} is a folder: set it to the path of a file with the token.") from None
    except PermissionError:
        raise OptionError(f"{subject} cannot be read by this user: correct its permissions.") from None
    except TimeoutError:
        raise OptionError(
            f"{subject} is a pipe or a device from which nothing was read within {PIPE_SECONDS} seconds: set it to the path of a "
            "file with the token."
        ) from None
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise OptionError(
            f"{subject} cannot be read ({reason}): set it to the path of a file with the token."
        ) from None
    if len(content) > MAX_SIZE:
        raise OptionError(f"{subject} is larger than {MAX_SIZE} bytes: set it to the path of a file with the token.")
    return content, stat.S_IMODE(mode) if stat.S_ISREG(mode) else 0


def _content(descriptor: int, *, is_regular: bool) -> bytes:
    """Return what there is to read, a little more than the largest size at most. Raises OSError, TimeoutError."""
    content = b""
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    end = time.monotonic() + PIPE_SECONDS
    while len(content) <= MAX_SIZE:
        if not is_regular and not poll.poll(max(0.0, end - time.monotonic()) * 1000):
            raise TimeoutError
        try:
            chunk = os.read(descriptor, MAX_SIZE + 1 - len(content))
        except BlockingIOError:
            continue
        if not chunk:
            break
        content += chunk
    return content


def _document(text: str, subject: str) -> Mapping[str, Any]:
    """Return the JSON object of a file, which has an access token, {} for plain text. Raises OptionError."""
    is_object = text.startswith("{")
    try:
        document: Any = json.loads(text)
    except (ValueError, RecursionError):
        if not is_object:
            return {}
        # Without the parser's message, which may quote.
        raise OptionError(f"{subject} begins like JSON but is malformed: create the file again.") from None
    if not is_object and document is not None and not isinstance(document, (str, list)):
        # A token may consist of digits.
        return {}
    found: dict[str, Any] = document if isinstance(document, dict) else {}
    token = found.get("access_token")
    if not isinstance(token, str) or not token:
        raise OptionError(f"{subject} contains JSON without access_token: create the file again.")
    for name, (types, what) in _TYPES.items():
        value = found.get(name)
        if value is not None and (isinstance(value, bool) or not isinstance(value, types)):
            raise OptionError(f"{subject} contains JSON in which {name} is not {what}: create the file again.")
    return found


# What refreshing reads of a document; null counts as not there.
_TYPES: Mapping[str, tuple[tuple[type, ...], str]] = {
    "expires_at": ((str, int, float), "a date"),
    "refresh_token": ((str,), "a text"),
    "client_id": ((str, int), "a text"),
    "token_url": ((str,), "a text"),
}
