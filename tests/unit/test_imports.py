# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The imports of plugins/ go downwards, from floor to floor; ``python -m tests.unit.test_imports`` prints their number."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple, Optional

import pytest

PLUGINS = Path(__file__).resolve().parents[2] / "plugins"
COLLECTION = "ansible_collections.community.wpcom.plugins"

# A file or a package, and the floor that it is on: it imports what is on its own floor or below.
FLOORS = {
    "action": 7,
    "doc_fragments": 7,
    "filter": 7,
    "inventory": 7,
    "modules": 7,
    "plugin_utils": 6,
    "module_utils/_module.py": 6,
    "module_utils/_event_source.py": 6,
    "module_utils/_execute.py": 5,
    "module_utils/_session.py": 5,
    "module_utils/_audit": 4,
    "module_utils/_plan": 4,
    "module_utils/_api": 3,
    "module_utils/_cache": 3,
    "module_utils/_oauth": 3,
    "module_utils/_http": 2,
    "module_utils/_operations.py": 2,
    "module_utils/_events.py": 2,
    "module_utils/_parallel.py": 1,
    "module_utils/_errors.py": 1,
    "module_utils/_options.py": 1,
    "module_utils/_records": 1,
    "module_utils/_token_file.py": 1,
    "module_utils/_version.py": 1,
}
# An import from outside the collection, and the only file or package that may have it.
RESERVED = {
    "requests": "module_utils/_http",
    "ansible.module_utils.basic": "module_utils/_module.py",
}


class Import(NamedTuple):
    """One imported name as it is written: ``from {level dots}{module} import {name}``, or ``import {module}``."""

    line: int
    level: int
    module: str
    name: Optional[str]

    @property
    def full_name(self) -> str:
        """Return the dotted name of an absolute import."""
        return ".".join(part for part in (self.module, self.name) if part)


class Graph(NamedTuple):
    """The files, by their paths below plugins/, with the files that each imports, and what is wrong with their imports."""

    arrows: dict[str, set[str]]
    violations: list[str]

    @property
    def cycles(self) -> list[list[str]]:
        """Return the groups of files that import each other, directly or through others."""
        reached = {file: self._reached_from(file) for file in self.arrows}
        groups = {
            tuple(sorted(other for other in reached[file] if file in reached[other]))
            for file in self.arrows
            if file in reached[file]
        }
        return [list(group) for group in sorted(groups)]

    def _reached_from(self, file: str) -> set[str]:
        reached: set[str] = set()
        ahead = set(self.arrows[file])
        while ahead:
            reached |= ahead
            ahead = {target for one in ahead for target in self.arrows[one]} - reached
        return reached


def is_within(path: str, place: str) -> bool:
    """Return whether a path is a file or is inside a package."""
    return path == place or path.startswith(f"{place}/")


def is_named(name: str, module: str) -> bool:
    """Return whether a dotted name is a module or something of it."""
    return name == module or name.startswith(f"{module}.")


def floor_of(path: str, floors: Mapping[str, int]) -> Optional[int]:
    """Return the floor of a file."""
    return next((floor for place, floor in floors.items() if is_within(path, place)), None)


def imports_of(source: str) -> Iterator[Import]:
    """Yield every import of a file, also those inside functions and for type checkers only."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield Import(node.lineno, 0, alias.name, None)
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                yield Import(node.lineno, node.level, node.module or "", alias.name)


def imports_at_start_of(source: str) -> Iterator[Import]:
    """Yield the imports of a file that are done when it is imported itself."""
    tree = ast.parse(source)
    ahead: list[ast.AST] = [tree]
    while ahead:
        node = ahead.pop()
        is_for_types = isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
        if not is_for_types and not isinstance(node, (ast.FunctionDef, ast.Lambda)):
            ahead.extend(ast.iter_child_nodes(node))
            if isinstance(node, (ast.Import, ast.ImportFrom)):
                yield from imports_of(ast.unparse(node))


def loaded_with(plugins: Path, path: str) -> set[str]:
    """Return the files that are imported when a file is."""
    loaded: set[str] = set()
    ahead = {path}
    while ahead:
        current = ahead.pop()
        loaded.add(current)
        for made in imports_at_start_of((plugins / current).read_text(encoding="utf-8")):
            if made.level or is_named(made.full_name, COLLECTION):
                target = target_of(plugins, current, made)
                ahead |= {target} - loaded if target else set()
    return loaded


def target_of(plugins: Path, path: str, made: Import) -> Optional[str]:
    """Return the path of the file that an import inside the collection means, or None where there is no such file."""
    if made.level:
        folder = list(Path(path).parts[: -made.level])
        parts = folder + [part for part in made.module.split(".") if part]
    else:
        parts = made.module[len(COLLECTION) :].strip(".").split(".")
    # A name is a file of its package before it is something that a file defines.
    for names in ([*parts, made.name] if made.name else parts, parts):
        for candidate in ("/".join(names) + ".py", "/".join([*names, "__init__.py"])):
            if (plugins / candidate).is_file():
                return candidate
    return None


def read_graph(plugins: Path, floors: Optional[Mapping[str, int]] = None) -> Graph:
    """Read the imports of all files."""
    floors = FLOORS if floors is None else floors
    paths = sorted(str(file.relative_to(plugins).as_posix()) for file in plugins.rglob("*.py"))
    graph = Graph({path: set() for path in paths}, [])
    for path in paths:
        floor = floor_of(path, floors)
        if floor is None:
            graph.violations.append(f"{path}: has no floor")
        for made in imports_of((plugins / path).read_text(encoding="utf-8")):
            where = f"{path}:{made.line}"
            for name, place in RESERVED.items():
                if not made.level and is_named(made.full_name, name) and not is_within(path, place):
                    graph.violations.append(f"{where}: imports {name}, which only {place} may")
            if not made.level and not is_named(made.full_name, COLLECTION):
                continue
            if not made.level and is_within(path, "module_utils"):
                graph.violations.append(f"{where}: imports absolutely inside module_utils")
            target = target_of(plugins, path, made)
            if target is None:
                graph.violations.append(f"{where}: imports {made.full_name}, which is not found")
                continue
            graph.arrows[path].add(target)
            above = floor_of(target, floors)
            if floor is not None and above is not None and above > floor:
                graph.violations.append(f"{where}: imports upwards, {target} on floor {above} from floor {floor}")
            if is_within(path, "module_utils") and not is_within(target, "module_utils"):
                graph.violations.append(f"{where}: imports {target} from outside module_utils")
    graph.violations.extend(f"cycle: {', '.join(cycle)}" for cycle in graph.cycles)
    # A line that imports several names is one violation.
    return graph._replace(violations=list(dict.fromkeys(graph.violations)))


def test_imports_of_this_collection() -> None:
    graph = read_graph(PLUGINS)
    assert sum(map(len, graph.arrows.values())) > len(graph.arrows) / 2, "imports are not found"
    assert not graph.violations, "\n".join(graph.violations)


# What most tasks do not need, and so does not take their time. Ansible compiles the collection in every run.
UNNEEDED = (
    "module_utils/_api/diagnostics.py",
    "module_utils/_audit",
    "module_utils/_event_source.py",
    "module_utils/_events.py",
    "module_utils/_http/environment.py",
    "module_utils/_oauth",
    "module_utils/_plan/diagnosis.py",
    "module_utils/_plan/diagnostics.py",
    "module_utils/_plan/info.py",
    "module_utils/_records/conformance.py",
)


@pytest.mark.parametrize("kind", ["action", "modules"])
@pytest.mark.parametrize("name", ["wpcom_publicize_connection", "wpcom_publicize_connections"])
def test_modules_load_what_they_need(kind: str, name: str) -> None:
    loaded = loaded_with(PLUGINS, f"{kind}/{name}.py")
    assert "module_utils/_http/transport.py" in loaded
    assert [path for path in sorted(loaded) if any(is_within(path, place) for place in UNNEEDED)] == []


def test_unneeded_files_exist() -> None:
    assert [place for place in UNNEEDED if not (PLUGINS / place).exists()] == []


ABSOLUTE = f"from {COLLECTION}.module_utils"
RIGHT = {
    "action/wpcom.py": f"from {COLLECTION}.modules.wpcom import MODULE",
    "modules/wpcom.py": f"{ABSOLUTE}._plan.info import plan\n{ABSOLUTE}._module import run_module",
    "plugin_utils/_export.py": f"from {COLLECTION}.module_utils._plan import info",
    "module_utils/_module.py": "from ansible.module_utils.basic import AnsibleModule\nfrom ._session import Session",
    "module_utils/_session.py": "from ._http.transport import Transport\nfrom . import _errors",
    "module_utils/_plan/__init__.py": "",
    "module_utils/_plan/info.py": "from __future__ import annotations\nfrom .._errors import WpcomError\nimport re",
    "module_utils/_http/transport.py": "try:\n    import requests\nexcept ImportError:\n    pass\nfrom .retry import retry",
    "module_utils/_http/retry.py": "from .._errors import WpcomError",
    "module_utils/_errors.py": "from typing import Any",
}


def tree(folder: Path, files: Mapping[str, str]) -> Path:
    """Write files below a folder."""
    for name, source in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{source}\n", encoding="utf-8")
    return folder


def test_right_imports_have_no_violation(tmp_path: Path) -> None:
    graph = read_graph(tree(tmp_path, RIGHT))
    assert graph.violations == []
    assert graph.cycles == []
    assert graph.arrows == {
        "action/wpcom.py": {"modules/wpcom.py"},
        "modules/wpcom.py": {"module_utils/_plan/info.py", "module_utils/_module.py"},
        "plugin_utils/_export.py": {"module_utils/_plan/info.py"},
        "module_utils/_module.py": {"module_utils/_session.py"},
        "module_utils/_session.py": {"module_utils/_http/transport.py", "module_utils/_errors.py"},
        "module_utils/_plan/__init__.py": set(),
        "module_utils/_plan/info.py": {"module_utils/_errors.py"},
        "module_utils/_http/transport.py": {"module_utils/_http/retry.py"},
        "module_utils/_http/retry.py": {"module_utils/_errors.py"},
        "module_utils/_errors.py": set(),
    }


@pytest.mark.parametrize(
    ("path", "source", "expected"),
    [
        pytest.param(
            "module_utils/_errors.py",
            "from ._plan import info",
            [
                "module_utils/_errors.py:1: imports upwards, module_utils/_plan/info.py on floor 4 from floor 1",
                "cycle: module_utils/_errors.py, module_utils/_plan/info.py",
            ],
            id="upwards and a cycle",
        ),
        pytest.param(
            "module_utils/_http/retry.py",
            "from .transport import Transport",
            ["cycle: module_utils/_http/retry.py, module_utils/_http/transport.py"],
            id="a cycle on one floor",
        ),
        pytest.param(
            "module_utils/_http/retry.py",
            "def late():\n    from . import retry",
            ["cycle: module_utils/_http/retry.py"],
            id="a file that imports itself",
        ),
        pytest.param(
            "module_utils/_options.py",
            "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from ._session import Session",
            ["module_utils/_options.py:3: imports upwards, module_utils/_session.py on floor 5 from floor 1"],
            id="upwards for type checkers only",
        ),
        pytest.param(
            "module_utils/_api/client.py",
            "def late():\n    from .._plan.info import plan",
            ["module_utils/_api/client.py:2: imports upwards, module_utils/_plan/info.py on floor 4 from floor 3"],
            id="upwards inside a function",
        ),
        pytest.param(
            "module_utils/_execute.py",
            f"{ABSOLUTE}._errors import WpcomError",
            ["module_utils/_execute.py:1: imports absolutely inside module_utils"],
            id="absolute",
        ),
        pytest.param(
            "module_utils/_execute.py",
            f"import {COLLECTION}.module_utils._errors",
            ["module_utils/_execute.py:1: imports absolutely inside module_utils"],
            id="absolute without from",
        ),
        pytest.param(
            "module_utils/_module.py",
            "from ..plugin_utils._export import export",
            ["module_utils/_module.py:1: imports plugin_utils/_export.py from outside module_utils"],
            id="out of module_utils",
        ),
        pytest.param(
            "module_utils/_api/client.py",
            "import requests",
            ["module_utils/_api/client.py:1: imports requests, which only module_utils/_http may"],
            id="requests",
        ),
        pytest.param(
            "plugin_utils/_session.py",
            "from requests.adapters import HTTPAdapter",
            ["plugin_utils/_session.py:1: imports requests, which only module_utils/_http may"],
            id="a part of requests",
        ),
        pytest.param(
            "module_utils/_execute.py",
            "from ansible.module_utils.basic import missing_required_lib",
            [
                "module_utils/_execute.py:1: imports ansible.module_utils.basic, which only module_utils/_module.py may",
            ],
            id="AnsibleModule",
        ),
        pytest.param(
            "modules/wpcom_info.py",
            "from ansible.module_utils import basic",
            ["modules/wpcom_info.py:1: imports ansible.module_utils.basic, which only module_utils/_module.py may"],
            id="AnsibleModule by its package",
        ),
        pytest.param("module_utils/_new.py", "", ["module_utils/_new.py: has no floor"], id="a file without a floor"),
        pytest.param("lookup/wpcom.py", "", ["lookup/wpcom.py: has no floor"], id="a package without a floor"),
        pytest.param(
            "module_utils/_plan_old.py", "", ["module_utils/_plan_old.py: has no floor"], id="a name like a package's"
        ),
        pytest.param(
            "module_utils/_session.py",
            "from ._gone import Session",
            ["module_utils/_session.py:1: imports _gone.Session, which is not found"],
            id="a file that is not there",
        ),
        pytest.param("module_utils/_http/requests.py", "", [], id="a file named like a library"),
        pytest.param("module_utils/_session.py", "from ._http import transport, retry", [], id="files of a package"),
        pytest.param("module_utils/_session.py", "import requests_toolbelt", [], id="a library with a similar name"),
    ],
)
def test_violation_is_found(path: str, source: str, expected: list[str], tmp_path: Path) -> None:
    assert read_graph(tree(tmp_path, {**RIGHT, path: source})).violations == expected


if __name__ == "__main__":
    found = read_graph(PLUGINS)
    number = sum(map(len, found.arrows.values()))
    print(f"{len(found.arrows)} files, {number} arrows, {len(found.cycles)} cycles, {len(found.violations)} violations")
