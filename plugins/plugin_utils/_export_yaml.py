# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Writing an export down as the variables file of the role social_connections.

Names come from other people's accounts. Whatever they hold, a name stays a string, is never taken for a template, and
cannot leave the comment that it is mentioned in.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

VARIABLE = "social_connections_sites"
LONGEST_COMMENT = 150

# A word, or several: they need no quotes where they are no word of YAML.
_PLAIN = re.compile(r"[^\W\d_](?:[\w. -]*\w)?")
_YAML_WORDS = frozenset(("y", "n", "yes", "no", "on", "off", "true", "false", "null"))
_ESCAPES = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"}


def social_connections_yaml(
    export: Mapping[str, Any], *, account: str | None, date: str | None, remarks: Sequence[str]
) -> str:
    """Return the text of the file: a header, then the variable with the notes as comments."""
    lines = ["---", *_header(account, date, remarks)]
    site_notes: dict[str, list[str]] = {}
    notes: dict[tuple[str, int], list[str]] = {}
    for note in export["notes"]:
        if note["position"] is None:
            site_notes.setdefault(note["site"], []).append(note["text"])
        else:
            notes.setdefault((note["site"], note["position"]), []).append(note["text"])
    lines.append(f"{VARIABLE}:" if export["sites"] else f"{VARIABLE}: []")
    for site in export["sites"]:
        name = site["site"]
        lines += _comments(site_notes.pop(name, ()), "  ")
        lines += [f"  - site: {scalar(name)}", "    connections:"]
        for position, connection in enumerate(site["connections"]):
            lines += _comments(notes.get((name, position), ()), "      ")
            for first, (key, value) in enumerate(connection.items()):
                lines.append(f"{'        ' if first else '      - '}{key}: {scalar(value)}")
    for name, texts in site_notes.items():
        lines += _comments([f"You have no connections on {name}:", *texts], "  ")
    return "\n".join(lines) + "\n"


def _header(account: str | None, date: str | None, remarks: Sequence[str]) -> Iterator[str]:
    whose = f" of {account}" if account else ""
    when = f", as found on {date}" if date else ""
    yield from _comments(
        (
            f"Social connections{whose} on WordPress.com{when}.",
            "Created by the playbook community.wpcom.export for the role community.wpcom.social_connections. To apply it:",
            "",
            "  ansible-playbook community.wpcom.social_connections -e @THIS_FILE --check --diff",
            "",
            "Applying the unmodified file changes nothing. Comments are ignored.",
            *remarks,
        ),
        "",
    )


def _comments(texts: Sequence[str], indent: str) -> Iterator[str]:
    for text in texts:
        yield f"{indent}# {in_comment(text)}".rstrip()


def in_comment(text: str) -> str:
    """Return a text that stays within its line: what cannot be seen becomes a question mark."""
    shown = "".join(sign if sign.isprintable() else "?" for sign in text)
    return shown if len(shown) <= LONGEST_COMMENT else f"{shown[: LONGEST_COMMENT - 3]}..."


def scalar(value: Any) -> str:
    """Return a value as YAML that is read back as the same, and that Ansible does not take for a template."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(int(value))
    text = str(value)
    if _PLAIN.fullmatch(text) and text.isprintable() and text.lower() not in _YAML_WORDS:
        return text
    quoted = '"' + "".join(map(_escaped, text)) + '"'
    # Any template begins with a brace, but for the line that changes what templates begin with.
    return f"!unsafe {quoted}" if "{" in text or text.startswith("#jinja2") else quoted


def _escaped(sign: str) -> str:
    if sign in _ESCAPES:
        return _ESCAPES[sign]
    if sign.isprintable():
        return sign
    code = ord(sign)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
