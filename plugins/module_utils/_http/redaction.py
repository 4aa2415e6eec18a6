# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Redaction: tokens and proxy passwords never leave the transport, however a server spells them."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable
from typing import Any
from urllib.parse import unquote

EXCERPT_LENGTH = 300
_LONG = 64 * 2**10
MASK = "********"
HTML_NAMES = {"&": ("amp",), "<": ("lt",), ">": ("gt",), '"': ("quot",), "'": ("apos",)}


class Redactor:
    """Replaces secrets, in any spelling in which a server may echo them."""

    def __init__(self, secrets: list[str]) -> None:
        """Take the secrets; empty ones are ignored."""
        plain = [secret for secret in secrets if secret]
        self._secrets = plain
        encoded = [text for secret in plain for text in (_base64(secret), _base64(f"Bearer {secret}"))]
        # The longest first, or a shorter one within a longer one would leave its rest behind.
        patterns = ["".join(map(_any_spelling, secret)) for secret in sorted(plain, key=len, reverse=True)]
        patterns += [re.sub("[-_]", "[-_+/]", text) + "=*" for text in encoded]
        self._pattern = re.compile("|".join(patterns)) if patterns else None
        # However a secret is spelled, its letters and digits stay, but for numeric escapes.
        self._cores = {max(re.findall("[A-Za-z0-9]+", text), key=len, default="") for text in (*plain, *encoded)}

    def with_secrets(self, secrets: list[str]) -> Redactor:
        """Return a redactor for these secrets too."""
        return Redactor([*self._secrets, *secrets]) if secrets else self

    def __call__(self, text: str) -> str:
        """Return the text without the secrets."""
        return self._pattern.sub(MASK, text) if self._pattern else text

    def cut(self, text: str) -> str:
        """Return the beginning of a text without the secrets."""
        # Redacted before it is cut, or half a token could stay at the end.
        return self._beginning(text)[:EXCERPT_LENGTH]

    def excerpt(self, text: str) -> str:
        """Return the beginning of a text on one line, without the secrets."""
        return " ".join(self._beginning(text).split())[:EXCERPT_LENGTH]

    def _beginning(self, text: str) -> str:
        # A page of 64 MiB would take seconds. What is left of a secret at its end is dropped with what is around it.
        return self(text) if len(text) <= _LONG else self(text[:_LONG])[: -_LONG // 4]

    def is_needed(self, text: str) -> bool:
        """Whether a JSON text may hold a secret; far faster than redaction itself."""
        return "\\u00" in text or any(core in text for core in self._cores)

    def deep(self, value: Any) -> Any:
        """Return a decoded JSON value without the secrets."""
        if isinstance(value, str):
            return self(value)
        if isinstance(value, list):
            return [self.deep(item) for item in value]
        if isinstance(value, dict):
            return {self(key): self.deep(item) for key, item in value.items()}
        return value


def proxy_passwords(proxies: Iterable[str]) -> list[str]:
    """Return the passwords in the URLs of proxies, as they are and with their escapes decoded."""
    # Taken apart by hand: a proxy that is not a URL fails with the request, not here.
    users = (proxy.rpartition("@")[0].rpartition("//")[2] for proxy in proxies)
    passwords = [user.partition(":")[2] for user in users]
    return [*passwords, *map(unquote, passwords)]


def _base64(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _any_spelling(character: str) -> str:
    """Return a pattern for a character as it is, or as JSON, URLs and HTML escape it."""
    number = ord(character)
    spellings = [
        f"(?i:%{number:02x})",
        f"(?i:\\\\u{number:04x})",
        f"&#0*{number};",
        f"(?i:&#x0*{number:x};)",
        *(f"&{name};" for name in HTML_NAMES.get(character, ())),
        # Several rounds of escaping may pile up backslashes before what is neither letter nor digit.
        re.escape(character) if character.isalnum() else "\\\\{0,3}" + re.escape(character),
    ]
    return f"(?:{'|'.join(spellings)})"
