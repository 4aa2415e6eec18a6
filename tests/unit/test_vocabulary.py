# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Texts use the terms of Ansible's own documentation, each term with one name."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

# The words that are not used, and what is used instead. Lower case; a space stands for any white space.
BANNED = {
    r"anew": "again",
    r"answer(?:s|ed|ing)?": "response, respond",
    r"at once": "in parallel, together",
    r"authoris\w*": "authorize",
    r"beside": "in addition to",
    r"carr(?:y|ies|ied) out": "apply",
    r"exclude each other": "are mutually exclusive",
    r"fits?": "match",
    r"foresee(?:n|s)?": "predict",
    r"hand(?:s|ed|ing)? (?:on|over|out)": "return, pass, provide",
    r"in place of": "instead of",
    r"(?:is|are) no(?! longer)": "is not",
    r"is none that": "does not support",
    r"left (?:alone|as (?:it is|they are))": "left unchanged",
    r"log-in": "login",
    r"lost answer": "lost response",
    r"mend(?:s|ed|ing)?": "fix, repair",
    r"of yours": "your",
    r"organisations?": "organization",
    r"persons?": "user, owner, requires manual action",
    r"remed(?:y|ies)": "hint",
    r"settle[sd]?": "evaluate",
    r"shall": "must",
    r"snapshots?": "cache",
    r"(?:somebody|nobody|anybody|everybody)": "a user, another user",
    r"tells?|told": "report, show",
    r"time-outs?": "timeout",
    r"tr(?:ies|ied) again": "retry",
    r"unless you say otherwise": "defaults to",
    r"wanted": "desired, declared",
    r"what (?:is|was) there": "existing",
}
# Codes of errors that have been renamed; the changelog and the guide to upgrading have to mention the old names.
RENAMED = {r"no_answer": "no_response", r"unexpected_answer": "unexpected_response"}

TEXTS = (
    "*.md",
    "changelogs/fragments/*.yml",
    "docs/docsite/**/*.rst",
    "extensions/**/*.yml",
    "playbooks/**/*.yml",
    "roles/**/*.md",
    "roles/**/*.yml",
    "roles/**/*.j2",
)


def files() -> list[Path]:
    """Return all files whose texts are checked."""
    found = [path for pattern in TEXTS for path in ROOT.glob(pattern)]
    return sorted([*found, *(ROOT / "plugins").rglob("*.py"), *(ROOT / "extensions").rglob("*.py")])


def texts(file: Path) -> Iterator[tuple[int, str]]:
    """Yield the texts of a file with the number of their first line: the literals of Python, and other files as a whole."""
    source = file.read_text(encoding="utf-8")
    if file.suffix != ".py":
        yield 1, source
        return
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.lineno, node.value


def findings(text: str, words: dict[str, str]) -> Iterator[tuple[int, str]]:
    """Yield each banned word in a text, with the number of lines before it and what to use instead."""
    for word, instead in words.items():
        pattern = rf"(?<![\w-])(?:{word})(?![\w-])".replace(" ", r"\s+")
        for match in re.finditer(pattern, text, re.IGNORECASE):
            yield text.count("\n", 0, match.start()), f"{' '.join(match[0].split())!r}: use {instead}"


def complaints(file: Path) -> list[str]:
    """Return a line for each banned word in a file."""
    is_changelog = file.is_relative_to(ROOT / "changelogs")
    words = BANNED if is_changelog or file.name in ("CHANGELOG.md", "guide_upgrade.rst") else {**BANNED, **RENAMED}
    return [
        f"{file.relative_to(ROOT)}:{first + line}: {finding}"
        for first, text in texts(file)
        for line, finding in findings(text, words)
    ]


@pytest.mark.parametrize("file", files(), ids=lambda file: str(file.relative_to(ROOT)))
def test_texts_use_the_vocabulary(file: Path) -> None:
    """No text has a banned word."""
    assert complaints(file) == []


def test_every_kind_of_file_is_found() -> None:
    """Every pattern for files matches, so that a folder that moves is not ignored silently."""
    for pattern in TEXTS:
        # Right after a release there are none.
        assert list(ROOT.glob(pattern)) or pattern == "changelogs/fragments/*.yml", pattern
    assert (ROOT / "changelogs" / "fragments").is_dir()
    for folder in ("doc_fragments", "filter", "module_utils", "modules", "plugin_utils"):
        assert any(ROOT / "plugins" / folder in file.parents for file in files()), folder


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The file is written anew.", ["'anew': use again"]),
        ("Two of your\n  keyring connections Fit.", ["'Fit': use match"]),
        ("it is left\nalone", ["'left alone': use left unchanged"]),
        ("There is no token.", ["'is no': use is not"]),
        ("The token is no longer valid.", []),
        ("Amend the benefit, and recommend a profit.", []),
        ("``no_answer``", ["'no_answer': use no_response"]),
        ("unhandled, snapshot_path, time-outs", ["'time-outs': use timeout"]),
    ],
)
def test_words_are_found_as_a_whole(text: str, expected: list[str]) -> None:
    """Also across lines and in any case, but not as a part of another word."""
    assert [finding for _line, finding in findings(text, {**BANNED, **RENAMED})] == expected


def test_literals_of_python_are_found(tmp_path: Path) -> None:
    """Docstrings and parts of formatted strings are texts, names and comments are not."""
    file = tmp_path / "some.py"
    file.write_text('"""A docstring."""\nremedy = 1  # A remedy.\nmessage = (\n    f"first {remedy} last"\n)\n')
    assert sorted(texts(file)) == [(1, "A docstring."), (4, " last"), (4, "first ")]
