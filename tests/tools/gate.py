# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs every check of the collection, two at a time, and ends with the line "N passed, N failed".

A step passes when its commands succeed and its output shows that something was checked: a step that found nothing to do
fails. Usage: gate.py [STEP or GROUP ...]; without names everything runs. "gate.py --list" names them.
"""

from __future__ import annotations

import concurrent.futures
import configparser
import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent))

import environments
import results
import tasks
from environments import FQCN, ROOT, Unsuitable, Version, Workspace, files_known_to_git, text

LANES = 2
# What the tasks of the integration tests came to: through the fast path, and through the ordinary modules.
RESULTS: dict[bool, list[dict[str, Any]]] = {}
RESULTS_LOCK = threading.Lock()
TIME_LIMIT = 1500
COVERAGE_AT_LEAST = {"plugins/module_utils": 95, "plugins/modules": 90}


class Failure(Exception):
    """A step did not pass; the text says why."""


class Run:
    """One step under way: its commands, its log and what the commands printed."""

    def __init__(self, workspace: Workspace, name: str) -> None:
        self.workspace = workspace
        self.name = name
        self.folder = workspace.temporary / f"step-{name}"
        self.folder.mkdir()
        self.log = workspace.logs / f"{name}.log"
        self.log.write_text("")
        self.marker = f"GATE_STEP={self.folder}"
        self.deadline = time.monotonic() + TIME_LIMIT
        self.process: subprocess.Popen[bytes] | None = None
        self.stopped = False

    def environment(self, venv: Path, **more: object) -> dict[str, str]:
        """Return the variables for a command: those of the workspace, and how to find the collection by its name."""
        variables = self.workspace.environment(self.name, venv)
        marker, value = self.marker.split("=", 1)
        variables[marker] = value
        variables["GATE_ENVIRONMENT"] = str(self.workspace.venv("main"))
        variables["ANSIBLE_COLLECTIONS_PATH"] = str(self.workspace.tree)
        variables.update({name: str(setting) for name, setting in more.items()})
        return variables

    def call(self, venv: Path, program: str, *arguments: object, cwd: Path = ROOT, **more: object) -> str:
        """Run a program of an environment, and return what it printed; fail when its exit status is not 0."""
        if self.stopped:
            raise Failure("stopped")
        command = self.workspace.command(venv, program, *map(str, arguments))
        with self.log.open("ab") as out:
            start = out.tell()
            out.write(f"$ {' '.join(command)}\n".encode())
            out.flush()
            self.process = subprocess.Popen(
                command,
                cwd=cwd,
                env=self.environment(venv, **more),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
            try:
                status = self.process.wait(max(0.0, self.deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                raise Failure(f"took longer than {TIME_LIMIT} s") from None
            finally:
                self.stop()
        output = self.log.read_bytes()[start:].decode(errors="replace")
        if status:
            raise Failure(f"{program} ended with exit status {status}")
        return output

    def stop(self) -> None:
        """End what the command started and left in its process group."""
        if self.process:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()

    def end_left_over(self) -> dict[int, str]:
        """End what the step left running under whatever parent; ansible-test hides the marker, but not the home folder."""
        left = {}
        for marker in (self.marker, f"HOME={self.workspace.home(self.name)}"):
            left.update(environments.end_processes(marker, patience=3))
        return left


def count(pattern: str, output: str) -> int:
    """Return the number that a pattern finds last in an output, 0 when it is not there."""
    found = re.findall(pattern, output)
    return int(found[-1]) if found else 0


def tests_passed(output: str) -> str:
    """Return how many tests passed by the summaries of pytest, and how many did not run; fail when none passed."""
    summaries = re.findall(r"^=* ?((?:\d+ \w+, )*\d+ passed\b.*?) in [\d.]+s", output, re.MULTILINE)
    passed, skipped = (
        sum(int(n) for line in summaries for n in re.findall(rf"(\d+) {word}", line)) for word in ("passed", "skipped")
    )
    return at_least_one(passed, "tests") + (f", {skipped} skipped" if skipped else "")


def at_least_one(number: int, what: str) -> str:
    """Return a number with its noun; fail when there was nothing."""
    if number < 1:
        raise Failure(f"ran nothing: no {what}")
    return f"{number} {what}"


def module_names() -> list[str]:
    """List the modules of the collection."""
    return sorted(
        Path(name).stem for name in files_known_to_git("plugins/modules/*.py") if not name.endswith("__init__.py")
    )


# ---------------------------------------------------------------------------------------------------------------------
# Tests


def pytest(run: Run, folder: str, *arguments: object, **more: Path) -> str:
    """Run pytest over one folder of tests."""
    venv = run.workspace.venv("main")
    output = run.call(
        venv,
        "python",
        "-m",
        "pytest",
        "-q",
        "-rs",
        f"--basetemp={run.folder / 'pytest'}",
        *arguments,
        folder,
        PYTHONPATH=run.workspace.tree,
        HYPOTHESIS_STORAGE_DIRECTORY=run.folder / "hypothesis",
        **more,
    )
    return tests_passed(output)


def unit(run: Run) -> str:
    """Unit tests, and the branch coverage that each layer must reach."""
    data = run.folder / "coverage"
    results = [pytest(run, "tests/unit", "-n2", "--cov", "--cov-branch", "--cov-report=", COVERAGE_FILE=data)]
    for folder, limit in COVERAGE_AT_LEAST.items():
        output = run.call(
            run.workspace.venv("main"),
            "python",
            "-m",
            "coverage",
            "report",
            "--show-missing",
            "--skip-covered",
            f"--include={folder}/*",
            COVERAGE_FILE=data,
        )
        # The report rounds; what counts is the exact number.
        covered = float(
            run.call(
                run.workspace.venv("main"),
                "python",
                "-m",
                "coverage",
                "report",
                "--format=total",
                "--precision=2",
                f"--include={folder}/*",
                COVERAGE_FILE=data,
            ).splitlines()[-1]
        )
        at_least_one(count(r"TOTAL +(\d+)", output), f"statements in {folder}")
        results.append(f"{Path(folder).name} {covered} %")
        if covered < limit:
            raise Failure(f"branch coverage of {folder} is {covered} %, less than {limit} %")
    return ", ".join(results)


def simulator(run: Run) -> str:
    """The simulator's own tests."""
    return pytest(run, "tests/simulator")


def system(run: Run) -> str:
    """Tests that drive the real commands of Ansible."""
    return pytest(run, "tests/e2e")


def molecule(run: Run) -> str:
    """The role's scenario, from its syntax to a second run without change."""
    output = run.call(
        run.workspace.venv("main"),
        "molecule",
        "test",
        "--scenario-name",
        "social_connections",
        cwd=run.workspace.tree / "ansible_collections" / "community" / "wpcom" / "extensions",
    )
    plain = re.sub(r"\x1b\[[0-9;]*m", "", output)
    ended = re.findall(r"actions=(\d+) +successful=(\d+) .*failed=0", plain)
    if not ended or ended[-1][0] != ended[-1][1]:
        raise Failure("ran nothing: no summary of a successful scenario")
    return at_least_one(int(ended[-1][1]), "actions")


def demo(run: Run) -> str:
    """The demo, as a user starts it."""
    output = run.call(run.workspace.venv("main"), "make", "--no-print-directory", "demo")
    recap = re.search(r"^localhost +: ok=(\d+) .*unreachable=0 +failed=0 ", output, re.MULTILINE)
    if not recap:
        raise Failure("ran nothing: no successful recap of the playbook")
    return at_least_one(int(recap.group(1)), "tasks")


def ansible_test(run: Run, venv: Path, *arguments: object, copy: Path | None = None) -> str:
    """Run ansible-test in a copy; it is given the script that it would otherwise fetch to get at pip."""
    cache = run.workspace.home(run.name) / ".ansible" / "test" / "cache"
    cache.mkdir(parents=True, exist_ok=True)
    for version in ("24_2", "25_2"):
        shutil.copyfile(ROOT / "tests" / "tools" / "get_pip.py", cache / f"get_pip_{version}.py")
    copy = copy or run.workspace.copy(f"copy-{run.name}")
    output = run.call(venv, "ansible-test", *arguments, "--color", "no", cwd=copy)
    if "All targets skipped" in output:
        raise Failure("ran nothing: all targets skipped")
    return output


def sanity(run: Run, environment: str, wanted: list[Version] | None) -> str:
    """The sanity tests of one ansible-core, without a single exception."""
    for name in files_known_to_git("tests/sanity/ignore-*.txt"):
        if re.search(r"^[^#\n]", (ROOT / name).read_text(), re.MULTILINE):
            raise Failure(f"{name} excuses something: mend it instead")
    output = ansible_test(run, run.workspace.venv(environment, wanted), "sanity", "--local")
    for name in ("compile", "import", "validate-modules"):
        if f'Running sanity test "{name}"' not in output:
            raise Failure(f"ran nothing: no sanity test {name}")
    return at_least_one(len(set(re.findall(r'Running sanity test "([^"]+)"', output))), "sanity tests")


def units(run: Run, python: Version) -> str:
    """The unit tests on an old Python, as ansible-test runs them."""
    output = ansible_test(run, run.workspace.venv("main"), "units", "--venv", "--python", text(python))
    return tests_passed(output)


def integration(run: Run, hosts: Sequence[str], in_process: bool) -> str:
    """Every integration target, run by ansible-test; what is run both ways must come to the same."""
    targets = {
        Path(name).parts[3]
        for name in files_known_to_git(
            "tests/integration/targets/*/tasks/main.yml", "tests/integration/targets/*/runme.sh"
        )
    }
    for name in files_known_to_git("tests/integration/targets/*/aliases"):
        if re.search(r"^hidden$", (ROOT / name).read_text(), re.MULTILINE):
            targets.discard(Path(name).parts[3])
    at_least_one(len(targets), "integration targets")
    written = run.folder / "results.jsonl"
    copy = run.workspace.copy(f"copy-{run.name}")
    tests = copy / "tests"
    (tests / "integration" / "integration_config.yml").write_text(f"---\nwpcom_in_process: {str(in_process).lower()}\n")
    settings = configparser.ConfigParser(interpolation=None)
    settings.read(tests / "integration" / "integration.cfg")
    settings["defaults"]["callback_plugins"] = str(tests / "e2e" / "callbacks")
    settings["task_results"] = {"path": str(written)}
    with (tests / "integration" / "integration.cfg").open("w") as file:
        settings.write(file)
    output = ansible_test(run, run.workspace.venv("main"), "integration", "--continue-on-error", *hosts, copy=copy)
    ran = set(re.findall(r"^Running (\S+) integration test (?:role|script)", output, re.MULTILINE))
    if ran != targets:
        raise Failure(f"did not run every target: {', '.join(sorted(targets ^ ran))}")
    # The folder of the step goes when it ends, so that what is in the file is kept, not where it is.
    told = [at_least_one(len(ran), "targets"), at_least_one(len(results.read(written)), "tasks")]
    with RESULTS_LOCK:
        RESULTS[in_process] = results.read(written)
        both = dict(RESULTS) if len(RESULTS) == 2 else None
    if both is not None:
        found = results.differences(both[True], both[False])
        if found:
            run.log.write_text(run.log.read_text() + "\n".join(f"ERROR: {line}" for line in found))
            raise Failure(f"{len(found)} tasks come to something else through the fast path")
        told.append("the same through the fast path and the modules")
    return ", ".join(told)


# ---------------------------------------------------------------------------------------------------------------------
# Lint


def ansible_lint(run: Run) -> str:
    """ansible-lint with its strictest profile."""
    copy = run.workspace.copy("copy-ansible-lint")
    output = run.call(
        run.workspace.venv("main"),
        "ansible-lint",
        "--strict",
        "--nocolor",
        "--offline",
        "--profile=production",
        cwd=copy,
        ANSIBLE_COLLECTIONS_PATH=copy.parents[2],
    )
    if "Profile 'production' was required, and it passed" not in output:
        raise Failure("ran nothing: no word of the production profile")
    return at_least_one(count(r"in (\d+) files processed", output), "files")


def docs_lint(run: Run) -> str:
    """The documentation of every plugin, and the references in it."""
    venv = run.workspace.venv("main")
    listing = run.call(venv, "ansible-doc", "--list", "--type", "module", FQCN)
    documented = {name for name in module_names() if re.search(rf"^{re.escape(FQCN)}\.{name}\b", listing, re.MULTILINE)}
    if documented != set(module_names()):
        raise Failure(f"not documented: {', '.join(sorted(set(module_names()) - documented))}")
    lint = partial(
        run.call,
        venv,
        "antsibull-docs",
        "lint-collection-docs",
        "--plugin-docs",
        "--validate-collection-refs=all",
        "--disallow-unknown-collection-refs",
        "--check-extra-docs-refs",
        ".",
        cwd=run.workspace.tree / "ansible_collections" / "community" / "wpcom",
    )
    try:
        lint()
    except Failure:
        # One in 37 of its temporary folders ends with an underscore, which makes its name a reference in its own pages.
        if 'Unknown target name: "antsibull-docs-' not in run.log.read_text():
            raise
        lint()
    return at_least_one(len(documented), "modules")


def docs(run: Run) -> str:
    """The documentation site, with every warning an error."""
    run.call(run.workspace.venv("main"), "python", ROOT / "tests/tools/tasks.py", "docs", run.folder / "site")
    pages = {path.name for path in (run.folder / "site").glob("*_module.html")}
    missing = [name for name in module_names() if f"{name}_module.html" not in pages]
    if missing:
        raise Failure(f"no page for {', '.join(missing)}")
    return at_least_one(len(pages), "module pages")


def changelog(run: Run) -> str:
    """The changelog and its fragments."""
    venv = run.workspace.venv("main")
    copy = run.workspace.copy("copy-changelog")
    run.call(venv, "antsibull-changelog", "lint", cwd=copy)
    run.call(venv, "antsibull-changelog", "lint-changelog-yaml", "changelogs/changelog.yaml", cwd=copy)
    releases = re.findall(
        r"^  '?(\d+\.\d+\.\d+[^':]*)'?:$", (copy / "changelogs/changelog.yaml").read_text(), re.MULTILINE
    )
    pages = (copy / "CHANGELOG.md").read_text().replace("\\", "")
    unwritten = [version for version in releases if f"## v{version}" not in pages]
    if unwritten:
        raise Failure(f"CHANGELOG.md lacks {', '.join(unwritten)}")
    fragments = files_known_to_git("changelogs/fragments/*.yml", "changelogs/fragments/*.yaml")
    return at_least_one(len(releases) + len(fragments), "releases and fragments")


def yamllint(run: Run) -> str:
    """The form of every YAML file."""
    venv = run.workspace.venv("main")
    listing = run.call(venv, "yamllint", "--list-files", ".").splitlines()[1:]
    run.call(venv, "yamllint", "--strict", ".")
    return at_least_one(len([name for name in listing if name.endswith((".yml", ".yaml"))]), "files")


def ruff(run: Run) -> str:
    """The form of every Python file, and what ruff finds in it."""
    venv = run.workspace.venv("main")
    run.call(venv, "ruff", "check", "--no-cache", ".")
    output = run.call(venv, "ruff", "format", "--check", "--no-cache", ".")
    formatted = count(r"(\d+) files? already formatted", output)
    expected = len(files_known_to_git("**.py"))
    if formatted != expected:
        raise Failure(f"ran on {formatted} of {expected} files")
    return at_least_one(formatted, "files")


def mypy(run: Run) -> str:
    """The types of the collection, and of the tools of these tests."""
    venv = run.workspace.venv("main")
    package = "ansible_collections.community.wpcom.plugins"
    names = ("action", "filter", "module_utils", "modules", "plugin_utils")
    folders = [folder for folder in names if files_known_to_git(f"plugins/{folder}/*.py")]
    at_least_one(len(folders), "modules and module_utils")
    results = []
    for name, arguments, patterns, folder in (
        (
            "plugins",
            [f"--package={package}.{folder}" for folder in folders],
            [f"plugins/{f}/*.py" for f in folders],
            run.workspace.tree,
        ),
        ("tools", ["."], ["tests/tools/*.py"], ROOT / "tests" / "tools"),
    ):
        # Started where the names begin: what mypy keeps for the next run must not hold the name of a temporary folder.
        output = run.call(
            venv,
            "python",
            "-m",
            "mypy",
            f"--config-file={ROOT / 'pyproject.toml'}",
            f"--cache-dir={run.workspace.home(run.name) / name}",
            *arguments,
            cwd=folder,
        )
        checked = count(r"no issues found in (\d+) source file", output)
        expected = len(files_known_to_git(*patterns))
        if checked < expected:
            raise Failure(f"checked {checked} of {expected} files of the {name}")
        results.append(at_least_one(checked, f"files of the {name}"))
    return ", ".join(results)


def reuse(run: Run) -> str:
    """The licence of every file."""
    output = run.call(run.workspace.venv("main"), "reuse", "lint")
    return at_least_one(count(r"Files with license information: (\d+)", output), "files")


# ---------------------------------------------------------------------------------------------------------------------
# The artefact


def package(run: Run) -> str:
    """The artefact: built, imported as Galaxy does, installed, verified, and its needs read as for an execution environment."""
    venv = run.workspace.venv("main")
    copy = run.workspace.copy("copy-package")
    installed = run.folder / "installed"

    def galaxy(*arguments: object) -> str:
        return run.call(
            venv, "ansible-galaxy", "collection", *arguments, cwd=run.folder, ANSIBLE_COLLECTIONS_PATH=installed
        )

    galaxy("build", "--output-path", run.folder, copy)
    artefact = next(run.folder.glob("community-wpcom-*.tar.gz"))
    galaxy("install", "--offline", "-p", installed, artefact)
    output = galaxy("verify", "--offline", "-p", installed, FQCN)
    if "Successfully verified that checksums for" not in output:
        raise Failure("ran nothing: no checksums were verified")
    collection = installed / "ansible_collections" / "community" / "wpcom"
    inside = sorted(path.stem for path in (collection / "plugins" / "modules").glob("*.py"))
    if inside != module_names():
        raise Failure(f"the artefact has other modules than the checkout: {', '.join(inside)}")
    for name in (".cache", ".ci", ".git", ".gitignore", ".venv", "Makefile", "requirements", "tests/tools"):
        if (collection / name).exists():
            raise Failure(f"the artefact holds {name}")

    output = run.call(venv, "ansible-builder", "introspect", "--sanitize", installed, cwd=run.folder)
    if not re.search(r"^ *- '?requests\b.*# from collection community\.wpcom", output, re.MULTILINE):
        raise Failure("ansible-builder does not find that requests is needed")

    settings = run.folder / "galaxy_importer.cfg"
    settings.write_text(
        "[galaxy-importer]\nCHECK_REQUIRED_TAGS = True\nCHECK_CHANGELOG = True\nRUN_FLAKE8 = False\nRUN_ANSIBLE_LINT = True\n"
        "OFFLINE_ANSIBLE_LINT = True\nRUN_ANSIBLE_TEST = False\nRUN_ANSIBLE_DOC = True\n"
    )
    output = run.call(
        venv,
        "python",
        "-m",
        "galaxy_importer.main",
        artefact,
        cwd=run.folder,
        GALAXY_IMPORTER_CONFIG=settings,
        ANSIBLE_COLLECTIONS_PATH=installed,
    )
    if "Importer processing completed successfully" not in output:
        raise Failure("the importer did not say that it completed")
    objections = re.findall(r"^(?:WARNING|ERROR): .*", output, re.MULTILINE)
    if objections:
        raise Failure(f"the importer objects: {objections[0]}")
    return at_least_one(len(inside), "modules")


# ---------------------------------------------------------------------------------------------------------------------
# The table, and what runs it


@dataclass(frozen=True)
class Step:
    """A row of the table: the longest steps come first, so that the lanes end together."""

    name: str
    group: str
    check: Callable[[Run], str]


def table() -> tuple[list[Step], list[str]]:
    """Return the steps that this machine can run, and a note for each that it cannot."""
    main = environments.controller_python()
    steps = []
    notes = []
    cores: list[tuple[str, str, list[Version] | None]] = [("2.21" if main >= (3, 12) else "2.19", "main", None)]
    if main < (3, 12):
        notes.append("Python 3.12 or newer is not here: nothing is tested on ansible-core 2.21")
    else:
        try:
            environments.controller_python(environments.OLD_CORE_PYTHONS)
            cores.append(("2.19", "core-2.19", environments.OLD_CORE_PYTHONS))
        except Unsuitable:
            notes.append("Python 3.12 or 3.13 is not here: nothing is tested on ansible-core 2.19")
    for core, environment, wanted in cores:
        steps.append(Step(f"sanity-{core}", "sanity", partial(sanity, environment=environment, wanted=wanted)))
    steps.append(Step("integration", "integration", partial(integration, hosts=["--venv"], in_process=True)))
    oldest = environments.oldest_target_python()
    if oldest != environments.TARGET_PYTHONS[0]:
        notes.append(f"Python 3.9, the oldest for modules, is not here: {text(oldest)} is the oldest that is tested")
    hosts = ["--venv"]
    if oldest != main:
        hosts = [
            "--controller",
            f"origin:python=venv/{text(main)}",
            "--target",
            f"controller:python=venv/{text(oldest)}",
        ]
    steps.append(
        Step(f"integration-{text(oldest)}", "integration", partial(integration, hosts=hosts, in_process=False))
    )
    steps += [
        Step(f"units-{text(oldest)}", "units", partial(units, python=oldest)),
        Step("system", "tests", system),
        Step("unit", "tests", unit),
        Step("package", "package", package),
        Step("simulator", "tests", simulator),
        Step("docs", "docs", docs),
        Step("demo", "tests", demo),
        Step("molecule", "tests", molecule),
        Step("mypy", "lint", mypy),
        Step("docs-lint", "lint", docs_lint),
        Step("ansible-lint", "lint", ansible_lint),
        Step("changelog", "lint", changelog),
        Step("yamllint", "lint", yamllint),
        Step("ruff", "lint", ruff),
        Step("reuse", "lint", reuse),
    ]
    return steps, notes


def chosen(steps: Sequence[Step], names: Sequence[str]) -> list[Step]:
    """Pick steps by their names or by the names of their groups."""
    known = {step.name for step in steps} | {step.group for step in steps}
    unknown = [name for name in names if name not in known]
    if unknown:
        raise Unsuitable(f"no such step: {', '.join(unknown)}. There are: {', '.join(sorted(known))}")
    return [step for step in steps if not names or step.name in names or step.group in names]


def excerpt(log: Path) -> list[str]:
    """Return what of a log tells best why a step failed: lines that say so themselves, then the last ones."""
    fetching = re.compile(
        r"WARNING: Location|Looking in |Collecting |Processing /| +Downloading |Using cached |Requirement already |"
        r"Installing (collected|requirements)|Successfully installed| +━"
    )
    lines = [line for line in log.read_text(errors="replace").splitlines() if line and not fetching.match(line)]
    earlier, last = lines[:-40], lines[-40:]
    telling = [line for line in earlier if re.match(r"(ERROR|FATAL|FAILED|E  )", line)]
    return [*telling[-40:], *(["..."] if earlier else []), *last]


class Gate:
    """Runs steps in lanes and tells how each went."""

    def __init__(self, workspace: Workspace) -> None:
        self.workspace = workspace
        self.runs: list[Run] = []
        self.stopped = False
        self.speech = threading.Lock()

    def perform(self, step: Step) -> bool:
        """Run one step and print its line, with the end of its log when it failed."""
        if self.stopped:
            return False
        with self.workspace.lock(f"step-{step.name}"):
            start = time.monotonic()
            run = Run(self.workspace, step.name)
            self.runs.append(run)
            try:
                passed, detail = True, step.check(run)
            except (Failure, Unsuitable) as problem:
                passed, detail = False, str(problem)
            except Exception as problem:  # a step that breaks has failed; the others go on
                passed, detail = False, f"{type(problem).__name__}: {problem}"
            left = run.end_left_over()
            if left:
                passed, detail = False, f"left running: {'; '.join(sorted(left.values()))}. {detail}"
        with self.speech:
            print(
                f"{step.name:<16} {'passed' if passed else 'FAILED'} {time.monotonic() - start:6.1f} s  {detail}",
                flush=True,
            )
            if not passed:
                print("".join(f"    | {line}\n" for line in excerpt(run.log)), end="", flush=True)
        shutil.rmtree(run.folder, ignore_errors=True)
        return passed

    def perform_all(self, steps: Sequence[Step]) -> list[bool]:
        """Run steps, two at a time; when interrupted, end what runs."""
        with concurrent.futures.ThreadPoolExecutor(LANES) as lanes:
            try:
                return list(lanes.map(self.perform, steps))
            finally:
                self.stopped = True
                for run in self.runs:
                    run.stopped = True
                    run.stop()


def main(arguments: Sequence[str]) -> int:
    """Run the steps that were asked for; the last line says how many passed."""
    begin = time.monotonic()
    results = [False]
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        steps, notes = table()
        if "--list" in arguments:
            print("\n".join(f"{step.name:<18} {step.group}" for step in steps))
            return 0
        steps = chosen(steps, arguments)
        results = [False] * len(steps)
        for note in notes:
            print(f"note: {note}")
        with Workspace() as workspace:
            workspace.venv("main")
            python = environments.controller_python()
            print(f"environment      ready  {time.monotonic() - begin:6.1f} s  Python {text(python)}", flush=True)
            results = Gate(workspace).perform_all(steps)
    except Unsuitable as problem:
        print(problem)
    print(f"{time.monotonic() - begin:.0f} s in all; logs are in {tasks.shown(ROOT / '.cache' / 'logs')}")
    print(f"{results.count(True)} passed, {results.count(False)} failed", flush=True)
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
