# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Changes plugins/module_utils in one place at a time, and shows the changes that no unit test notices.

``--number N`` places are drawn with ``--seed S``, of all files or of those that ``--file`` names. Tests that mirror the file
run first, then those of its folder, then all unit tests.
"""

from __future__ import annotations

import argparse
import ast
import copy
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Optional

ROOT = Path(__file__).resolve().parents[2]
CODE = Path("plugins/module_utils")
TESTS = Path("tests/unit")
COMPARISONS: dict[type, type] = {
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
}
ARITHMETIC: dict[type, type] = {ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Add, ast.BitOr: ast.BitAnd}
# A mutant that makes a test wait for ever is noticed, too.
SECONDS = 900


@dataclass(frozen=True)
class Mutant:
    """A change of one place of a file: the text from ``start`` to ``end`` (in bytes) is replaced."""

    file: Path
    line: int
    start: int
    end: int
    before: str
    after: str

    def apply(self, source: bytes) -> bytes:
        """Return the changed file."""
        return source[: self.start] + self.after.encode() + source[self.end :]

    def __str__(self) -> str:
        """Show the place and the change."""
        before, after = (" ".join(text.split())[:100] for text in (self.before, self.after))
        return f"{self.file}:{self.line}: {before}  ->  {after}"


def changed(node: ast.AST) -> Iterator[ast.AST]:
    """Yield a node as it is in each of its mutants."""
    other: Any = copy.deepcopy(node)
    if isinstance(node, ast.Compare) and type(node.ops[0]) in COMPARISONS:
        other.ops[0] = COMPARISONS[type(node.ops[0])]()
        yield other
    elif isinstance(node, ast.BoolOp):
        other.op = ast.And() if isinstance(node.op, ast.Or) else ast.Or()
        yield other
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        yield other.operand
    elif isinstance(node, ast.BinOp) and type(node.op) in ARITHMETIC:
        other.op = ARITHMETIC[type(node.op)]()
        yield other
    elif isinstance(node, ast.IfExp):
        other.body, other.orelse = other.orelse, other.body
        yield other
    elif isinstance(node, ast.Constant) and isinstance(node.value, (bool, int, float)):
        other.value = not node.value if isinstance(node.value, bool) else node.value + 1
        yield other
    elif isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.isidentifier():
        other.value = f"{node.value}_"
        yield other
    elif isinstance(node, ast.Return) and node.value is not None and ast.unparse(node.value) != "None":
        other.value = ast.Constant(None)
        yield other
    elif isinstance(node, (ast.Raise, ast.Continue, ast.Break)) or (
        isinstance(node, ast.Expr) and isinstance(node.value, ast.Call)
    ):
        yield ast.Pass()


def places(tree: ast.AST) -> Iterator[ast.AST]:
    """Yield the nodes that may be changed: neither annotations nor documentation nor what follows an import that fails."""
    pending = [tree]
    while pending:
        node = pending.pop()
        yield node
        for name, value in ast.iter_fields(node):
            if name in ("annotation", "returns") or isinstance(node, (ast.JoinedStr, ast.Import, ast.ImportFrom)):
                continue
            if isinstance(node, ast.ExceptHandler) and node.type and ast.unparse(node.type) == "ImportError":
                continue
            if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
                continue
            children = value if isinstance(value, list) else [value]
            pending += [
                child
                for child in children
                if isinstance(child, ast.AST)
                and not (isinstance(child, ast.Expr) and isinstance(child.value, ast.Constant))
            ]


def mutants_of(file: Path) -> list[Mutant]:
    """Return all mutants of a file."""
    source = (ROOT / file).read_bytes()
    offsets = [0]
    for line in source.splitlines(keepends=True):
        offsets.append(offsets[-1] + len(line))
    found = []
    for node in places(ast.parse(source)):
        for other in changed(node):
            located: Any = node
            start = offsets[located.lineno - 1] + located.col_offset
            end = offsets[located.end_lineno - 1] + located.end_col_offset
            before = source[start:end].decode()
            after = ast.unparse(ast.fix_missing_locations(other))
            if isinstance(node, ast.expr):
                # Whatever it stands in, it stays one expression.
                after = f"({after})"
            found.append(Mutant(file, located.lineno, start, end, before, after))
    return found


def suites(file: Path) -> list[Path]:
    """Return the tests to run for a file, one after the other."""
    folder = TESTS / file.parent
    mirror = folder / f"test_{file.stem.lstrip('_')}.py"
    candidates = [mirror, folder] if file.parent != CODE else [mirror]
    return [path for path in candidates if (ROOT / path).exists()] + [TESTS]


def is_noticed(mutant: Mutant, tree: Path, *, near: bool) -> Optional[str]:
    """Return the tests that notice a mutant in a copy of the checkout, None where none does; ``near`` are those that mirror it."""
    collection = tree / "ansible_collections" / "community" / "wpcom"
    target = collection / mutant.file
    source = target.read_bytes()
    try:
        target.write_bytes(mutant.apply(source))
        for path in suites(mutant.file)[: -1 if near else None]:
            try:
                if not passes(path, tree):
                    return str(path)
            except subprocess.TimeoutExpired:
                return "timeout"
    finally:
        target.write_bytes(source)
    return None


def passes(path: Path, tree: Path) -> bool:
    """Whether tests pass in a copy of the checkout. Raises TimeoutExpired."""
    command = [sys.executable, "-m", "pytest", "-qx", str(path)]
    environment = {**os.environ, "PYTHONPATH": str(tree), "PYTHONDONTWRITEBYTECODE": "1"}
    folder = tree / "ansible_collections" / "community" / "wpcom"
    ended = subprocess.run(command, cwd=folder, env=environment, capture_output=True, check=False, timeout=SECONDS)
    return ended.returncode == 0


def main() -> None:
    """Print what became of each mutant, the score, and the survivors."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--number", type=int, default=300)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--file", action="append", help="a part of the name of a file")
    parser.add_argument("--least", type=float, default=0, help="fail below this score, in percent")
    parser.add_argument("--near", action="store_true", help="not all unit tests, which takes minutes for each survivor")
    given = parser.parse_args()
    files = sorted(path.relative_to(ROOT) for path in (ROOT / CODE).rglob("*.py"))
    files = [path for path in files if not given.file or any(part in str(path) for part in given.file)]
    every = [mutant for path in files for mutant in mutants_of(path)]
    drawn = random.Random(given.seed).sample(every, min(given.number, len(every)))
    survivors = []
    with tempfile.TemporaryDirectory(prefix="wpcom-") as name:
        tree = Path(name).resolve()
        copied = tree / "ansible_collections" / "community" / "wpcom"
        ignored = shutil.ignore_patterns(".git", ".nox", ".venv", "build", "dist", "__pycache__", ".hypothesis")
        shutil.copytree(ROOT, copied, ignore=ignored)
        if not given.near and not passes(TESTS, tree):
            raise SystemExit("the unit tests fail without any mutant")
        for number, mutant in enumerate(drawn, 1):
            start = time.monotonic()
            noticed = is_noticed(mutant, tree, near=given.near)
            if noticed is None:
                survivors.append(mutant)
            print(
                f"{number}/{len(drawn)} {noticed or 'SURVIVED'} {time.monotonic() - start:.0f} s  {mutant}", flush=True
            )
    score = 100 * (1 - len(survivors) / len(drawn)) if drawn else 100.0
    print(f"{len(every)} mutants, {len(drawn)} tried with seed {given.seed}, {score:.1f} % noticed")
    for mutant in survivors:
        print(f"survived: {mutant}")
    if score < given.least:
        raise SystemExit(f"the score is below {given.least} %")


if __name__ == "__main__":
    main()
