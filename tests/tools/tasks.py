# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the Makefile does besides testing: the demo, the benchmark, the documentation site, the artefact and the pins."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from environments import FQCN, ROOT, Unsuitable, Workspace


def shown(path: Path) -> str:
    """Return a path as it is shown to people: relative to the checkout where it is inside."""
    return str(path.relative_to(ROOT)) if ROOT in path.parents else str(path)


def demo(workspace: Workspace) -> int:
    """Start the simulator on a free port, run the demo playbook against it, and stop it."""
    venv = workspace.venv("demo")
    variables = workspace.environment("demo", venv)
    variables["ANSIBLE_COLLECTIONS_PATH"] = str(workspace.tree)
    python = str(venv / "bin" / "python")
    address = workspace.temporary / "simulator.url"
    output = workspace.temporary / "simulator.log"
    start = [python, "-m", "tests.simulator", "--url-file", str(address), "--stop-with", str(os.getpid())]
    with output.open("wb") as out:
        simulator = subprocess.Popen(start, cwd=ROOT, env=variables, stdin=subprocess.DEVNULL, stdout=out, stderr=out)
    try:
        deadline = time.monotonic() + 30
        while not (address.exists() and address.read_text().strip()):
            if simulator.poll() is not None or time.monotonic() > deadline:
                print(output.read_text(errors="replace"), end="")
                raise Unsuitable("the simulator did not start")
            time.sleep(0.05)
        url = address.read_text().strip()
        variables.update(WPCOM_API_URL=url, WPCOM_API_TOKEN="sim-token")
        # Diffs and explanations as blocks of text, and no word about the inventory that localhost does not need.
        variables.update(
            ANSIBLE_CALLBACK_RESULT_FORMAT="yaml",
            ANSIBLE_INVENTORY_UNPARSED_WARNING="False",
            ANSIBLE_LOCALHOST_WARNING="False",
            ANSIBLE_NOCOWS="True",
        )
        playbook = workspace.tree / "ansible_collections" / "community" / "wpcom" / "playbooks" / "demo.yml"
        command = workspace.command(venv, "ansible-playbook", str(playbook))
        return subprocess.call(command, cwd=ROOT, env=variables)
    finally:
        simulator.terminate()
        try:
            simulator.wait(5)
        except subprocess.TimeoutExpired:
            simulator.kill()
            simulator.wait()


def benchmark(workspace: Workspace, *arguments: str) -> int:
    """Measure on this machine; QUICK=1 measures a small part."""
    venv = workspace.venv("benchmark")
    variables = workspace.environment("benchmark", venv)
    # What is measured is not to be compiled again for each run.
    del variables["PYTHONDONTWRITEBYTECODE"]
    quick = ["--quick"] if os.environ.get("QUICK", "0") not in ("", "0") else []
    return subprocess.call(
        [str(venv / "bin" / "python"), "-m", "tests.benchmark", *quick, *arguments], cwd=ROOT, env=variables
    )


def docs(workspace: Workspace, target: str = "build/docs") -> int:
    """Build the documentation site as HTML; a warning is an error."""
    venv = workspace.venv("main")
    variables = workspace.environment("docs-site", venv)
    variables["ANSIBLE_COLLECTIONS_PATH"] = str(workspace.tree)
    folder = workspace.temporary / "docs"
    folder.mkdir(mode=0o700)
    antsibull = workspace.command(
        venv, "antsibull-docs", "sphinx-init", "--use-current", "--squash-hierarchy", "--fail-on-error"
    )
    subprocess.run([*antsibull, "--dest-dir", str(folder), FQCN], env=variables, cwd=ROOT, check=True)
    # References into the documentation of Ansible itself cannot be looked up without a network.
    configuration = folder / "conf.py"
    lines = re.sub(
        r"^intersphinx_mapping = \{.*?^\}",
        "intersphinx_mapping = {}",
        configuration.read_text(),
        flags=re.MULTILINE | re.DOTALL,
    )
    # Names of modules are longer than the menu is wide.
    (folder / "style").mkdir()
    (folder / "style" / "menu.css").write_text(".wy-menu-vertical a { overflow-wrap: anywhere; }\n")
    style = "html_static_path = ['style']\nhtml_css_files = ['menu.css']\n"
    configuration.write_text(f"{lines}\nsuppress_warnings = ['ref.ref']\n{style}")
    pages = workspace.command(
        venv,
        "antsibull-docs",
        "collection",
        "--use-current",
        "--squash-hierarchy",
        "--fail-on-error",
        "--dest-dir",
        str(folder / "rst"),
        FQCN,
    )
    subprocess.run(pages, env=variables, cwd=ROOT, check=True)
    # Pages name pictures by where they are published, because only pages are taken over; here they lie beside them.
    source = ROOT / "docs" / "docsite" / "rst"
    published = f"https://raw.githubusercontent.com/ansible-collections/{FQCN}/main/docs/docsite/rst/"
    for picture in source.rglob("*.png"):
        name = picture.relative_to(source)
        (folder / "rst" / name).parent.mkdir(exist_ok=True)
        shutil.copyfile(picture, folder / "rst" / name)
        for page in (folder / "rst").glob("*.rst"):
            page.write_text(page.read_text().replace(f"{published}{name.as_posix()}", name.as_posix()))
    site = (ROOT / target).resolve()
    sphinx = [str(venv / "bin" / "python"), "-m", "sphinx", "-q", "-W", "--keep-going", "-b", "html", "-c", str(folder)]
    subprocess.run([*sphinx, str(folder / "rst"), str(site)], env=variables, cwd=ROOT, check=True)
    print(f"{shown(site)}/index.html")
    return 0


def build(workspace: Workspace) -> int:
    """Build the artefact from the files that git knows."""
    venv = workspace.venv("main")
    command = workspace.command(venv, "ansible-galaxy", "collection", "build", "--force", "--output-path")
    variables = workspace.environment("build", venv)
    return subprocess.call([*command, str(ROOT / "dist"), str(workspace.copy("build"))], env=variables, cwd=ROOT)


def requirements(workspace: Workspace) -> int:
    """Pin anew what requirements/*.in ask for, with the newest versions there are."""
    venv = workspace.venv("main")
    for source in sorted((ROOT / "requirements").glob("*.in")):
        compile_pins = [
            str(venv / "bin" / "uv"),
            "pip",
            "compile",
            "-q",
            "--universal",
            "--python-version",
            "3.11",
            "--no-header",
            "--no-annotate",
        ]
        pins = subprocess.run(
            [*compile_pins, source.name],
            cwd=source.parent,
            env=workspace.environment("pins", venv),
            check=True,
            stdout=subprocess.PIPE,
        )
        head = source.read_text().split("\n\n")[0]
        source.with_suffix(".txt").write_text(
            f'{head}\n\n# Made by "make requirements" from {source.name}.\n{pins.stdout.decode()}'
        )
    return 0


TASKS: dict[str, Callable[..., int]] = {
    "benchmark": benchmark,
    "build": build,
    "demo": demo,
    "docs": docs,
    "requirements": requirements,
}


def main(arguments: Sequence[str]) -> int:
    """Carry out the task that is named."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        with Workspace() as workspace:
            return TASKS[arguments[0]](workspace, *arguments[1:])
    except Unsuitable as problem:
        print(problem, file=sys.stderr)
    except subprocess.CalledProcessError as problem:
        print(f"{problem.cmd[1:3]} ended with exit status {problem.returncode}", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
