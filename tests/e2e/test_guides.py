# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What README.md and the guides show does what they say: every playbook and task in them is run against the simulator.

A block that is the configuration of an inventory is listed, or is that of the play which follows it. A block of YAML that is
neither is marked by a comment that begins with "only parsed", and tells why.
"""

from __future__ import annotations

import ast
import re
import textwrap
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml

from tests.simulator import Simulator

from .conftest import Outcome

ROOT = Path(__file__).resolve().parents[2]
GUIDES = sorted((ROOT / "docs" / "docsite" / "rst").glob("*.rst"))
README = ROOT / "README.md"
ERRORS = ROOT / "docs" / "docsite" / "rst" / "guide_errors.rst"
DEMO = ROOT / "playbooks" / "demo.yml"
RECAP = re.compile(r"^localhost +: ok=(\d+) +changed=(\d+) .*failed=0 .*ignored=0", re.MULTILINE)

RST_BLOCK = re.compile(
    r"(?P<mark>^\.\. only parsed: [^\n]+\n\n)?^(?P<indent> *)\.\. code-block:: yaml(\+jinja)?\n\n"
    r"(?P<text>(?:(?P=indent) {3}[^\n]*\n|\n)+)",
    re.MULTILINE,
)
MARKDOWN_BLOCK = re.compile(
    r"(?P<mark>^<!-- only parsed: [^\n]+ -->\n\n?)?^```ya?ml\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL
)


class Block(NamedTuple):
    """One block of YAML out of a page, and where it begins."""

    page: str
    line: int
    text: str
    only_parsed: bool


def blocks_of(page: Path) -> Iterator[Block]:
    """Yield the blocks of YAML of a page."""
    text = page.read_text(encoding="utf-8")
    for found in (MARKDOWN_BLOCK if page.suffix == ".md" else RST_BLOCK).finditer(text):
        line = text.count("\n", 0, found.start("text")) + 1
        yield Block(page.name, line, textwrap.dedent(found["text"]), bool(found["mark"]))


def is_inventory(block: Block) -> bool:
    """Whether a block is the configuration of an inventory."""
    return not block.only_parsed and block.text.startswith("plugin: ")


BLOCKS = [block for page in (README, *GUIDES) for block in blocks_of(page)]
INVENTORIES = [block for block in BLOCKS if is_inventory(block)]
# Plays over the hosts of the inventory before them.
FOLLOWING = {
    block: following
    for block, following in zip(BLOCKS, BLOCKS[1:])
    if is_inventory(block) and block.page == following.page and "hosts: " in following.text
}
RUN = [block for block in BLOCKS if not block.only_parsed and block not in (*INVENTORIES, *FOLLOWING.values())]


def named(block: Block) -> str:
    """Name a block in the output of pytest."""
    return f"{block.page}:{block.line}"


def recap(finished: Outcome) -> tuple[int, int]:
    """Return how many tasks are ok and how many changed something; none may have failed."""
    assert finished.status == 0, finished.output
    found = RECAP.search(finished.stdout)
    assert found, finished.output
    return int(found[1]), int(found[2])


def as_plays(document: Any) -> list[dict[str, Any]]:
    """Return plays as they are, and tasks in a play of their own."""
    assert isinstance(document, list), "neither plays nor tasks: mark it as only parsed, and tell why"
    if all("hosts" in item for item in document):
        return document
    assert not any("hosts" in item for item in document)
    return [{"hosts": "localhost", "gather_facts": False, "tasks": document}]


def number_of_tasks(plays: list[dict[str, Any]]) -> int:
    return sum(len(item["tasks"]) for item in plays)


def test_every_block_of_yaml_is_found() -> None:
    for page in (README, *GUIDES):
        text = page.read_text(encoding="utf-8")
        written = len(re.findall(r"^ *(?:```ya?ml|\.\. code-block:: yaml)", text, re.MULTILINE))
        assert written == len([block for block in BLOCKS if block.page == page.name]), page
        assert "../" not in text, page
    assert len([block for block in BLOCKS if not block.only_parsed]) >= 20


@pytest.mark.parametrize("block", [block for block in BLOCKS if block.only_parsed], ids=named)
def test_block_is_yaml(block: Block) -> None:
    assert yaml.safe_load(block.text)


@pytest.mark.parametrize("block", INVENTORIES, ids=named)
def test_inventory_has_hosts_for_the_play_that_follows(
    block: Block, ansible: Any, connected: Mapping[str, str]
) -> None:
    (ansible.cwd / "my.wpcom.yml").write_text(block.text, encoding="utf-8")
    environment = {**connected, "ADA_TOKEN": "sim-token", "GRACE_TOKEN": "sim-token-grace"}
    if block not in FOLLOWING:
        listed = ansible.run("ansible-inventory", "-i", "my.wpcom.yml", "--list", **environment)
        assert (listed.status, listed.stderr) == (0, ""), listed.output
        assert "blog.example.com" in listed.stdout
        return
    played = ansible.play(FOLLOWING[block].text, "-i", "my.wpcom.yml", **environment)
    assert (played.status, played.stderr) == (0, ""), played.output
    assert re.search(r"^[\w.]+ +: ok=[1-9]", played.stdout, re.MULTILINE), played.output


@pytest.mark.parametrize("block", RUN, ids=named)
def test_block_runs_and_a_second_run_in_check_mode_changes_nothing(
    block: Block, ansible: Any, simulator: Simulator, connected: Mapping[str, str]
) -> None:
    text = yaml.safe_dump(as_plays(yaml.safe_load(block.text)), sort_keys=False)
    done, _changed = recap(ansible.play(text, **connected))
    assert done >= 1
    if simulator.requests("POST"):
        simulator.clear_requests()
        _done, changed = recap(ansible.play(text, "--check", **connected))
        assert not changed
        assert not simulator.requests("POST")


def codes_of_the_collection() -> set[str]:
    """Return the codes of errors that appear in the code, as an argument or as the attribute of a class."""
    codes = set()
    for file in (ROOT / "plugins" / "module_utils").rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            is_argument = isinstance(node, ast.keyword) and node.arg == "code"
            is_attribute = isinstance(node, ast.Assign) and [getattr(one, "id", "") for one in node.targets] == ["code"]
            value = node.value if is_argument or is_attribute else None  # type: ignore[attr-defined]
            if isinstance(value, ast.Constant) and isinstance(value.value, str) and value.value:
                codes.add(value.value)
    # What nothing raises but its subclasses.
    return codes - {"error"}


def remedies() -> set[str]:
    """Return the slugs of the API that the collection knows a remedy for."""
    tree = ast.parse((ROOT / "plugins" / "module_utils" / "_api" / "hints.py").read_text(encoding="utf-8"))
    table = next(
        node.value
        for node in tree.body
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "_HINTS"
    )
    assert isinstance(table, ast.Dict)
    return {key.value for key in table.keys if isinstance(key, ast.Constant)}


def test_guide_to_errors_has_every_code_of_the_collection_and_every_slug_with_a_hint() -> None:
    text = ERRORS.read_text(encoding="utf-8")
    ours, theirs = text.split("\nCodes of WordPress.com\n")
    rows = re.findall(r"^   \* - ``(\w+)``$", ours, re.MULTILINE)
    assert rows == sorted(codes_of_the_collection())
    assert remedies() <= set(re.findall(r"^   \* - ``(\w+)``$", theirs, re.MULTILINE))


def test_readme_names_every_module() -> None:
    modules = {file.stem for file in (ROOT / "plugins" / "modules").glob("wpcom_*.py")}
    rows = [row for row in README.read_text(encoding="utf-8").splitlines() if row.startswith("| ")]
    assert sorted(re.findall(r"`(wpcom_\w+)`", "\n".join(rows))) == sorted(modules)


def test_readme_has_full_links_only() -> None:
    """Relative links lead nowhere where Galaxy shows README.md."""
    text = README.read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)]+)\)|^\[[\w-]+\]: (\S+)$", text, re.MULTILINE):
        assert "".join(target).startswith("https://"), target
    names = set(re.findall(r"\]\[([\w-]+)\]", text))
    assert names == set(re.findall(r"^\[([\w-]+)\]: ", text, re.MULTILINE))


@pytest.mark.parametrize("url", ["https://public-api.wordpress.com", "http://localhost@127.0.0.1.example.com"])
def test_demo_refuses_any_other_machine(url: str, ansible: Any) -> None:
    """The demo deletes things, so it ends before the first request unless the API is on this machine."""
    finished = ansible.run("ansible-playbook", DEMO, WPCOM_API_URL=url, WPCOM_API_TOKEN="sim-token")
    assert finished.status == 2, finished.output
    assert "runs only against a simulator on this machine" in finished.stdout.replace("\n", " ")
    assert "failed=1" in finished.stdout
    assert "ok=0" in finished.stdout
