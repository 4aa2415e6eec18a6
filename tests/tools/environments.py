# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where things run: which Pythons the machine has, virtual environments with pinned tools, link trees and copies.

Everything is kept inside the checkout (.venv and .cache) or in temporary folders. Ansible cannot run modules with an
interpreter whose path holds a space, so for a checkout with an unusual path the environments are built in a temporary
folder too, and do not outlive the run.
"""

from __future__ import annotations

import contextlib
import fcntl
import functools
import hashlib
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

NAMESPACE = "community"
NAME = "wpcom"
FQCN = f"{NAMESPACE}.{NAME}"
ROOT = Path(__file__).resolve().parents[2]

Version = tuple[int, int]

# In order of preference: those that the pins are tried with come first.
CONTROLLER_PYTHONS: list[Version] = [(3, 13), (3, 12), (3, 14), (3, 11)]
TARGET_PYTHONS: list[Version] = [(3, 9), (3, 10), (3, 11), (3, 12), (3, 13), (3, 14)]
# ansible-core 2.19 does not run on the newest Python, and on 3.11 the main environment has it already.
OLD_CORE_PYTHONS: list[Version] = [(3, 12), (3, 13)]


class Unsuitable(Exception):
    """The machine lacks something; the text says what, and how to get it."""


def text(version: Version) -> str:
    """Write a version as Python does."""
    return f"{version[0]}.{version[1]}"


def _pyenv_folders() -> list[Path]:
    """Find the interpreters of pyenv itself: its shims stand for every version, but work for the chosen one only."""
    pyenv = shutil.which("pyenv")
    if not pyenv:
        return []
    answer = subprocess.run([pyenv, "root"], capture_output=True, text=True, check=False)
    versions = Path(answer.stdout.strip()) / "versions"
    if answer.returncode or not versions.is_dir():
        return []

    def newest_first(folder: Path) -> list[int]:
        return [int(number) for number in re.findall(r"\d+", folder.name)]

    found = [folder for folder in versions.iterdir() if re.fullmatch(r"\d+\.\d+\.\d+", folder.name)]
    return [folder / "bin" for folder in sorted(found, key=newest_first, reverse=True)]


def _search_path() -> list[str]:
    """Return the folders of PATH without the shims of pyenv."""
    return [folder for folder in os.environ.get("PATH", os.defpath).split(os.pathsep) if Path(folder).name != "shims"]


@functools.cache
def pythons() -> dict[Version, Path]:
    """Return the interpreters of this machine that really run, one for each version."""
    folders = [str(folder) for folder in _pyenv_folders()] + _search_path() + ["/usr/bin", "/usr/local/bin"]
    found: dict[Version, Path] = {}
    for version in TARGET_PYTHONS:
        for folder in folders:
            candidate = Path(folder) / f"python{text(version)}"
            if not os.access(candidate, os.X_OK):
                continue
            # A Python of a virtual environment is no base for another one: it may go, or be rebuilt.
            probe = "import sys; print('%d.%d' % sys.version_info[:2], sys.prefix == sys.base_prefix)"
            answer = subprocess.run([str(candidate), "-I", "-c", probe], capture_output=True, text=True, check=False)
            if answer.returncode == 0 and answer.stdout.split() == [text(version), "True"]:
                found[version] = candidate
                break
    return found


@functools.cache
def can_make_environments(python: Path) -> bool:
    """Tell whether this Python has venv and ensurepip, which Debian packs apart."""
    probe = [str(python), "-I", "-c", "import ensurepip, venv"]
    return subprocess.run(probe, capture_output=True, check=False).returncode == 0


def controller_python(wanted: list[Version] | None = None) -> Version:
    """Choose the Python for an environment, or say what is missing."""
    wanted = wanted or CONTROLLER_PYTHONS
    present = [version for version in wanted if version in pythons()]
    for version in present:
        if can_make_environments(pythons()[version]):
            return version
    names = " or ".join(text(version) for version in sorted(wanted))
    if present:
        packages = " or ".join(f"python{text(version)}-venv" for version in present)
        raise Unsuitable(
            f"Python {text(present[0])} is here, but without venv and ensurepip: apt-get install {packages}"
        )
    raise Unsuitable(f"Python {names} is needed and was not found: apt-get install python3 python3-venv")


def oldest_target_python() -> Version:
    """Return the oldest Python of this machine that the modules are meant to run on."""
    for version in TARGET_PYTHONS:
        if version in pythons() and can_make_environments(pythons()[version]):
            return version
    raise Unsuitable("no Python that the modules could run on was found")


def _is_usual(path: Path) -> bool:
    """Tell whether interpreters below this path can stand in the first line of a script and in Ansible's commands."""
    return re.fullmatch(r"[A-Za-z0-9_./+-]+", str(path)) is not None and len(str(path)) < 70


def files_known_to_git(*patterns: str) -> list[str]:
    """List the files of the checkout that git knows or would know: all, or those whose whole path matches a pattern.

    In a pattern * stands for anything within a folder's or file's name, ** for anything at all.
    """
    listing = ["git", "-c", "safe.directory=*", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(listing, cwd=ROOT, check=True, stdout=subprocess.PIPE).stdout.decode().split("\0")
    present = sorted({name for name in names if name and os.path.lexists(ROOT / name)})
    wanted = [re.escape(pattern).replace(r"\*\*", ".*").replace(r"\*", "[^/]*") for pattern in patterns or ["**"]]
    return [name for name in present if any(re.fullmatch(pattern, name) for pattern in wanted)]


class Workspace:
    """The folders of one run: what is kept in the checkout, and a temporary folder that goes when the run ends."""

    def __init__(self) -> None:
        parent = Path(tempfile.gettempdir()).resolve()
        self.temporary = Path(tempfile.mkdtemp(prefix="wpcom-", dir=parent if _is_usual(parent) else "/tmp"))
        usual = _is_usual(ROOT)
        self.cache = (ROOT if usual else self.temporary) / ".cache"
        self.main_environment = (ROOT if usual else self.temporary) / ".venv"
        # What pip and uv have fetched is kept whatever the checkout is called.
        self.downloads = ROOT / ".cache" / "downloads"
        self.logs = ROOT / ".cache" / "logs"
        for folder in (self.cache, self.downloads, self.logs, self.temporary / "tmp"):
            folder.mkdir(parents=True, exist_ok=True)
        self._locks: dict[str, int] = {}
        self._building = threading.Lock()
        self.tree = self.temporary / "tree"
        collection = self.tree / "ansible_collections" / NAMESPACE / NAME
        collection.parent.mkdir(parents=True)
        collection.symlink_to(ROOT)

    def __enter__(self) -> Workspace:
        return self

    def __exit__(self, *_: object) -> None:
        for lock in self._locks.values():
            os.close(lock)
        shutil.rmtree(self.temporary, ignore_errors=True)

    def _open_lock(self, name: str) -> int:
        """Open the file that stands for a lock."""
        folder = self.cache / "locks"
        folder.mkdir(exist_ok=True)
        return os.open(folder / name, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)

    @contextlib.contextmanager
    def lock(self, name: str) -> Iterator[None]:
        """Keep others who use the same checkout out until the block ends."""
        handle = self._open_lock(name)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield
        finally:
            os.close(handle)

    def home(self, name: str) -> Path:
        """Make a home folder for one step, in which tools may keep what they like."""
        home = self.cache / "home" / name
        (home / ".cache").mkdir(parents=True, exist_ok=True)
        # ansible-test hides the variables that would tell pip these two things.
        cache = home / ".cache" / "pip"
        if not cache.is_symlink():
            cache.symlink_to(self.downloads / "pip")
        settings = Path.home() / ".config" / "pip"
        link = home / ".config" / "pip"
        if settings.is_dir() and not link.is_symlink():
            link.parent.mkdir(exist_ok=True)
            link.symlink_to(settings)
        return home

    def environment(self, home: str, venv: Path | None = None) -> dict[str, str]:
        """Return variables for a step: real interpreters first in PATH, nothing from the caller that could change a result."""
        unwanted = re.compile(
            r"(ANSIBLE|COVERAGE|GIT|HYPOTHESIS|MAKE|MFLAGS|MYPY|PY|PYTEST|RUFF|VIRTUAL_ENV|WPCOM|XDG)"
        )
        variables = {name: value for name, value in os.environ.items() if not unwanted.match(name)}
        folders = [str(pythons()[version].parent) for version in TARGET_PYTHONS[::-1] if version in pythons()]
        # /usr/bin comes with the other folders of PATH; before them it would hide what they hold.
        folders = [folder for folder in folders if folder not in ("/usr/bin", "/bin")]
        if venv:
            folders.insert(0, str(venv / "bin"))
        local = "127.0.0.1,localhost,::1"
        for name in ("no_proxy", "NO_PROXY"):
            variables[name] = f"{variables[name]},{local}" if variables.get(name) else local
        variables.update(
            HOME=str(self.home(home)),
            LC_ALL="C.UTF-8",
            PATH=os.pathsep.join(dict.fromkeys(folders + _search_path())),
            PIP_CACHE_DIR=str(self.downloads / "pip"),
            PIP_DISABLE_PIP_VERSION_CHECK="1",
            PYTHONDONTWRITEBYTECODE="1",
            PYTHONUTF8="1",
            TMPDIR=str(self.temporary / "tmp"),
            UV_CACHE_DIR=str(self.downloads / "uv"),
            UV_LINK_MODE="copy",
            UV_NO_CONFIG="1",
            UV_PYTHON_DOWNLOADS="never",
            UV_SYSTEM_CERTS="1",
        )
        return variables

    def copy(self, name: str) -> Path:
        """Copy the files that git knows, or would know, to where ansible-test accepts them: a true ansible_collections/."""
        target = self.temporary / name / "ansible_collections" / NAMESPACE / NAME
        for path in files_known_to_git():
            (target / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / path, target / path, follow_symlinks=False)
        return target

    def venv(self, name: str, wanted: list[Version] | None = None) -> Path:
        """Return an environment with the pinned tools of requirements/NAME.txt, built anew when anything about it changed.

        The environment stays locked until the run ends, so that another run with other pins waits with rebuilding it.
        """
        if name == "main" and "GATE_ENVIRONMENT" in os.environ:
            # Started by a step of the gate, which has the environment ready and holds its lock.
            return Path(os.environ["GATE_ENVIRONMENT"])
        path = self.main_environment if name == "main" else self.cache / "venv" / name
        with self._building:
            if name not in self._locks:
                python = pythons()[controller_python(wanted)]
                pins = ROOT / "requirements" / f"{name}.txt"
                lock = self._open_lock(f"venv-{name}")
                self._ready(lock, path, python, pins)
                self._locks[name] = lock
        return path

    def _ready(self, lock: int, path: Path, python: Path, pins: Path) -> None:
        """Build an environment unless it is as it should be, and keep others from rebuilding it."""
        version = subprocess.run([str(python), "-VV"], check=True, capture_output=True, text=True).stdout
        stamp = hashlib.sha256("\n".join([str(path), str(python), version, pins.read_text()]).encode()).hexdigest()
        while True:
            fcntl.flock(lock, fcntl.LOCK_SH)
            if _read(path / "stamp") == stamp:
                return
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                print(f"waiting: another run builds or uses {path.name}", file=sys.stderr, flush=True)
                fcntl.flock(lock, fcntl.LOCK_EX)
            if _read(path / "stamp") != stamp:
                self._build(path, python, pins)
                (path / "stamp").write_text(stamp)

    def _build(self, path: Path, python: Path, pins: Path) -> None:
        """Build an environment; uv is quicker than pip where the pins name it and it reaches the packages."""
        shutil.rmtree(path, ignore_errors=True)
        variables = self.environment("environments")
        log = self.logs / f"environment-{pins.stem}.log"

        def run(*command: str) -> bool:
            with log.open("a") as out:
                print("$", *command, file=out, flush=True)
                return subprocess.call(command, env=variables, stdin=subprocess.DEVNULL, stdout=out, stderr=out) == 0

        log.write_text("")
        interpreter = str(path / "bin" / "python")
        done = run(str(python), "-m", "venv", str(path))
        if done and re.search(r"^uv==", pins.read_text(), re.MULTILINE):
            pip = [interpreter, "-m", "pip", "install", "-q"]
            done = run(*pip, "-c", str(pins), "uv") and run(
                str(path / "bin" / "uv"), "pip", "install", "-q", "--python", interpreter, "-r", str(pins)
            )
            done = done or run(*pip, "-r", str(pins))
        elif done:
            done = run(interpreter, "-m", "pip", "install", "-q", "-r", str(pins))
        if not done:
            output = log.read_text(errors="replace")[-3000:]
            raise Unsuitable(f"the environment {pins.stem} could not be built:\n{output}")

    def command(self, venv: Path, program: str, *arguments: str) -> list[str]:
        """Return a command line for a program of an environment, a script through its interpreter, or of the machine."""
        file = venv / "bin" / program
        if not file.exists():
            return [program, *arguments]
        interpreter = [str(venv / "bin" / "python")] if program != "python" and file.read_bytes()[:2] == b"#!" else []
        return [*interpreter, str(file), *arguments]


def _read(path: Path) -> str | None:
    try:
        return path.read_text()
    except OSError:
        return None


def processes_with(variable: str) -> dict[int, str]:
    """Find the processes that have this NAME=value in their environment, whoever is their parent by now."""
    wanted = os.fsencode(variable)
    found = {}
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit() or int(folder.name) == os.getpid():
            continue
        with contextlib.suppress(OSError):
            if wanted in (folder / "environ").read_bytes().split(b"\0"):
                line = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
                found[int(folder.name)] = line.strip() or "(ended)"
    return found


def end_processes(variable: str, patience: float) -> dict[int, str]:
    """Wait for the processes of a step to end by themselves, then end those that did not, and return them."""
    deadline = time.monotonic() + patience
    while True:
        left = {pid: line for pid, line in processes_with(variable).items() if line != "(ended)"}
        if not left or time.monotonic() > deadline:
            break
        time.sleep(0.2)
    for number in (signal.SIGTERM, signal.SIGKILL):
        for pid in processes_with(variable):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)
        end = time.monotonic() + 3
        while processes_with(variable) and time.monotonic() < end and number == signal.SIGTERM:
            time.sleep(0.1)
    return left
