# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Changes plugins/module_utils in one place at a time, and shows the changes that no unit test notices.

``--number N`` places are drawn with ``--seed S``, of all files or of those that ``--file`` names. First all unit tests run once,
to see which of them run which lines. Then each change is tried with the tests that mirror its file, and with all that run its
line. What runs when a module is imported is tried with all that run any line of the module, and then with all unit tests.
"""

from __future__ import annotations

import argparse
import ast
import copy
import os
import random
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue
from typing import Any, Optional

from coverage import CoverageData

ROOT = Path(__file__).resolve().parents[2]
CODE = Path("plugins/module_utils")
TESTS = Path("tests/unit")
# With what the searches have found.
ALL = (str(TESTS), "tests/search/test_found.py")
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
# A mutant that makes a test wait for ever is noticed, too, and so is one that makes it take all memory.
SECONDS = 400
BYTES = 4 << 30


@dataclass(frozen=True)
class Mutant:
    """A change of one place of a file: the text from ``start`` to ``end`` (in bytes) is replaced.

    ``at_import`` says whether the place runs when the file is imported.
    """

    file: Path
    line: int
    start: int
    end: int
    before: str
    after: str
    at_import: bool

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
    tree = ast.parse(source)
    functions = [node for node in ast.walk(tree) if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))]
    for node in places(tree):
        for other in changed(node):
            located: Any = node
            start = offsets[located.lineno - 1] + located.col_offset
            end = offsets[located.end_lineno - 1] + located.end_col_offset
            before = source[start:end].decode()
            after = ast.unparse(ast.fix_missing_locations(other))
            if isinstance(node, ast.expr):
                # Whatever it stands in, it stays one expression.
                after = f"({after})"
            # Defaults stand before the body.
            at_import = not any(body(function)[0] <= located.lineno <= body(function)[1] for function in functions)
            found.append(Mutant(file, located.lineno, start, end, before, after, at_import))
    return found


def body(function: Any) -> tuple[int, int]:
    """Return the first and the last line of the body of a function."""
    return function.body[0].lineno, function.end_lineno


class Tests:
    """Which unit tests run which lines, by a run of all of them in a copy of the checkout."""

    def __init__(self, copy_of_checkout: Path) -> None:
        """Run the tests. Raises SystemExit where one fails."""
        self._tree = copy_of_checkout
        data = copy_of_checkout / "coverage"
        options = ("-n", str(os.cpu_count() or 1), f"--cov={CODE}", "--cov-context=test", "--cov-report=")
        if not passes([*options, *ALL], copy_of_checkout, COVERAGE_FILE=str(data)):
            raise SystemExit("the unit tests fail without any mutant")
        self._data = CoverageData(str(data))
        self._data.read()

    def of(self, mutant: Mutant) -> list[list[str]]:
        """Return the tests to run for a mutant, one group after the other: those that are most likely to notice it first."""
        folder = TESTS / mutant.file.parent
        mirror = folder / f"test_{mutant.file.stem.lstrip('_')}.py"
        nearest = [[str(mirror)]] if (ROOT / mirror).exists() else []
        lines = self._data.contexts_by_lineno(str(collection(self._tree) / mutant.file))
        # Of a statement on several lines, not each has code of its own: the code of the mutant is on the next one above.
        above = [line for line in lines if line <= mutant.line]
        contexts = lines[max(above)] if above else [""]
        if mutant.at_import or "" in contexts:
            # What runs when the file is imported, or for several tests once, matters to whoever uses the file.
            contexts = {context for of_line in lines.values() for context in of_line}
        # "tests/unit/test_x.py::test_y[1]|run"
        names = {context.partition("|")[0].partition("[")[0] for context in contexts} - {""}
        return [*nearest, sorted(names), *([[*ALL]] if mutant.at_import else [])]


def collection(tree: Path) -> Path:
    """Return the folder of the collection in a copy of the checkout."""
    return tree / "ansible_collections" / "community" / "wpcom"


def copied(tree: Path) -> Path:
    """Copy the checkout, and return where to."""
    ignored = shutil.ignore_patterns(".git", ".nox", ".venv", "build", "dist", "__pycache__", ".hypothesis")
    shutil.copytree(ROOT, collection(tree), ignore=ignored)
    return tree


def noticed_by(mutant: Mutant, groups: Sequence[Sequence[str]], tree: Path) -> Optional[str]:
    """Return what notices a mutant in a copy of the checkout, None where nothing does."""
    target = collection(tree) / mutant.file
    source = target.read_bytes()
    try:
        target.write_bytes(mutant.apply(source))
        for group in groups:
            if group and not passes(group, tree):
                return group[0] if len(group) == 1 else f"{len(group)} tests that run the line"
    except subprocess.TimeoutExpired:
        return "timeout"
    finally:
        target.write_bytes(source)
    return None


def passes(arguments: Sequence[str], tree: Path, **variables: str) -> bool:
    """Whether tests pass in a copy of the checkout. Raises TimeoutExpired."""
    command = [sys.executable, "-m", "pytest", "-qx", *arguments]
    environment = {**os.environ, "PYTHONPATH": str(tree), "PYTHONDONTWRITEBYTECODE": "1", **variables}
    folder = collection(tree)
    ended = subprocess.run(command, cwd=folder, env=environment, capture_output=True, check=False, timeout=SECONDS)
    return ended.returncode == 0


def main() -> None:
    """Print what became of each mutant, the score, and the survivors."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--number", type=int, default=300)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--file", action="append", help="a part of the name of a file")
    parser.add_argument("--least", type=float, default=0, help="fail below this score, in percent")
    parser.add_argument("--parallel", type=int, default=os.cpu_count() or 1, help="mutants at a time")
    given = parser.parse_args()
    files = sorted(path.relative_to(ROOT) for path in (ROOT / CODE).rglob("*.py"))
    files = [path for path in files if not given.file or any(part in str(path) for part in given.file)]
    every = [mutant for path in files for mutant in mutants_of(path)]
    resource.setrlimit(resource.RLIMIT_AS, (BYTES, BYTES))
    drawn = random.Random(given.seed).sample(every, min(given.number, len(every)))
    with tempfile.TemporaryDirectory(prefix="wpcom-") as name:
        trees: SimpleQueue[Path] = SimpleQueue()
        for number in range(given.parallel):
            trees.put(copied(Path(name).resolve() / str(number)))
        tests = Tests(copied(Path(name).resolve() / "coverage"))

        def survives(mutant: Mutant) -> bool:
            start, tree = time.monotonic(), trees.get()
            noticed = noticed_by(mutant, tests.of(mutant), tree)
            trees.put(tree)
            print(f"{noticed or 'SURVIVED'}, {time.monotonic() - start:.0f} s: {mutant}", flush=True)
            return noticed is None

        with ThreadPoolExecutor(given.parallel) as executor:
            survivors = [mutant for mutant, survived in zip(drawn, executor.map(survives, drawn)) if survived]
    score = 100 * (1 - len(survivors) / len(drawn)) if drawn else 100.0
    print(f"{len(every)} mutants, {len(drawn)} tried with seed {given.seed}, {score:.1f} % noticed")
    for mutant in survivors:
        print(f"survived: {mutant}")
    if score < given.least:
        raise SystemExit(f"the score is below {given.least} %")


if __name__ == "__main__":
    main()
