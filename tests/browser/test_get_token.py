# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The playbook get_token with a real browser, in which a user approves or denies."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.simulator import Simulator

ROOT = Path(__file__).resolve().parents[2]
URL = re.compile(r"^http://127\.0\.0\.1:\d+/oauth2\S*/authorize\?\S+$", re.MULTILINE)
BROWSER = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
DRIVER = shutil.which("chromedriver")

pytestmark = pytest.mark.skipif(
    not (BROWSER and DRIVER), reason="NO BROWSER: install the packages chromium and chromium-driver to run these tests"
)
selenium = pytest.importorskip("selenium", reason="NO SELENIUM: install the Python package selenium to run these tests")


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """Return a browser that is controlled by Selenium."""
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service

    options = webdriver.ChromeOptions()
    options.binary_location = str(BROWSER)
    profile = tmp_path_factory.mktemp("profile")
    for argument in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", f"--user-data-dir={profile}"):
        options.add_argument(argument)
    # The page is on this machine, whatever proxy the environment has.
    options.add_argument("--no-proxy-server")
    driver = webdriver.Chrome(options=options, service=Service(str(DRIVER)))
    driver.set_page_load_timeout(30)
    yield driver
    driver.quit()


@pytest.fixture
def environment(tmp_path: Path, simulator: Simulator) -> dict[str, str]:
    """Return the environment of a command that finds this checkout and the simulator."""
    tree = tmp_path / "tree" / "ansible_collections" / "community"
    tree.mkdir(parents=True)
    (tree / "wpcom").symlink_to(ROOT)
    unwanted = re.compile(r"(ANSIBLE|WPCOM|PYTHON|.*_PROXY$)", re.IGNORECASE)
    return {
        **{name: value for name, value in os.environ.items() if not unwanted.match(name)},
        "HOME": str(tmp_path),
        "NO_PROXY": "*",
        "ANSIBLE_COLLECTIONS_PATH": str(tmp_path / "tree"),
        "ANSIBLE_LOCALHOST_WARNING": "False",
        "ANSIBLE_INVENTORY_UNPARSED_WARNING": "False",
        "ANSIBLE_NOCOLOR": "1",
        "WPCOM_API_URL": simulator.url,
    }


def run(environment: dict[str, str], browser: Any, button: str, **variables: Any) -> tuple[int, str, str]:
    """Run the playbook, open its URL and press a button; return its status and output, and the text of the last page."""
    from selenium.common.exceptions import NoSuchElementException, StaleElementReferenceException
    from selenium.webdriver.common.by import By
    from selenium.webdriver.support.ui import WebDriverWait

    patient = WebDriverWait(browser, 20, ignored_exceptions=[NoSuchElementException, StaleElementReferenceException])
    process = subprocess.Popen(
        [
            str(Path(sys.executable).parent / "ansible-playbook"),
            "community.wpcom.get_token",
            "-e",
            json.dumps({"get_token_timeout": 60, **variables}),
        ],
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    deadline = threading.Timer(120, process.kill)
    deadline.start()
    output, page = "", ""
    assert process.stdout
    for line in process.stdout:
        output += line
        if URL.match(line):
            browser.get(line.strip())
            browser.find_element(By.ID, button).click()
            page = patient.until(
                lambda one: "/callback" in one.current_url and one.find_element(By.TAG_NAME, "body").text
            )
    deadline.cancel()
    return process.wait(timeout=30), output, page


@pytest.mark.parametrize("flow", ["oauth2.1", "classic"])
def test_user_approves(flow: str, environment: dict[str, str], browser: Any, tmp_path: Path) -> None:
    path = tmp_path / "token.json"
    variables: dict[str, Any] = {"get_token_flow": flow, "get_token_path": str(path)}
    if flow == "classic":
        variables["get_token_client_id"] = "60001"
        environment["WPCOM_CLIENT_SECRET"] = "sim-client-secret"
    status, output, page = run(environment, browser, "approve", **variables)
    assert status == 0, output
    assert "Done. You can close this page" in page
    assert "The token of ada was written to" in output
    assert ("refresh_token" in json.loads(path.read_text())) is (flow == "oauth2.1")


def test_user_denies(environment: dict[str, str], browser: Any, tmp_path: Path) -> None:
    path = tmp_path / "token.json"
    status, output, page = run(environment, browser, "deny", get_token_path=str(path))
    assert status == 2, output
    assert "was not approved. You can close this page." in page
    assert "The request was denied in the browser" in output
    assert not path.exists()
