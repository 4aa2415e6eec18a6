# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A headless Chromium that keeps a log of the requests of a page and of what it writes to its console."""

from __future__ import annotations

import base64
import json
import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Callable

import axe_selenium_python
import pytest
from selenium import webdriver
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service

# Where it is differs from version to version.
AXE = next(Path(axe_selenium_python.__file__).parent.rglob("axe.min.js"))
ARGUMENTS = ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars")
# Where the pictures are kept to look at; a temporary folder otherwise.
PICTURES = os.environ.get("BROWSER_PICTURES")


class Browser:
    """A browser of a width, in a colour scheme, that shows one page after another."""

    def __init__(self, driver: Any, folder: Path) -> None:
        self.driver = driver
        self._folder = folder
        self._pages = 0

    def show(self, text: str, *, width: int = 1300, height: int = 1000, scheme: str = "light") -> float:
        """Open a page, and return the milliseconds until it was loaded and drawn."""
        self._pages += 1
        path = self._folder / f"page{self._pages}.html"
        path.write_text(text, encoding="utf-8")
        self.resize(width, height)
        self.media(scheme=scheme)
        self.driver.get_log("performance")
        self.driver.get_log("browser")
        self.driver.get(path.as_uri())
        drawn: float = self.driver.execute_async_script(
            "const done = arguments[0]; requestAnimationFrame(() => setTimeout(() => done(performance.now())))"
        )
        return drawn

    def resize(self, width: int, height: int) -> None:
        """Set the size of the page."""
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)

    def media(self, *, scheme: str = "light", kind: str = "screen") -> None:
        """Set the preferred colour scheme, and screen or print."""
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": kind, "features": features})

    def run(self, script: str, *arguments: Any) -> Any:
        """Return what a function body returns."""
        return self.driver.execute_script(script, *arguments)

    def wait(self, script: str) -> None:
        """Wait until an expression is true."""
        deadline = time.monotonic() + 5
        while not self.run(f"return {script}"):
            assert time.monotonic() < deadline, script
            time.sleep(0.02)

    def picture(self, width: int, height: int) -> bytes:
        """Return a picture of the upper left part of the page."""
        clip = {"x": 0, "y": 0, "width": width, "height": height, "scale": 1}
        data: str = self.driver.execute_cdp_cmd("Page.captureScreenshot", {"clip": clip})["data"]
        return base64.b64decode(data)

    def keep(self, name: str, longest: int = 3000) -> None:
        """Keep a picture of the page to look at, where the environment names a folder for it."""
        if PICTURES:
            self.resize(
                self.run("return innerWidth"), min(longest, self.run("return document.documentElement.scrollHeight"))
            )
            Path(PICTURES).mkdir(parents=True, exist_ok=True)
            (Path(PICTURES) / f"{name}.png").write_bytes(self.driver.get_screenshot_as_png())

    def requests(self) -> list[str]:
        """Return the URLs that the page has asked for, besides itself; without what its own policy has stopped."""
        messages = [json.loads(entry["message"])["message"] for entry in self.driver.get_log("performance")]
        failed = {
            one["params"]["requestId"]
            for one in messages
            if one["method"] == "Network.loadingFailed" and one["params"].get("blockedReason") == "csp"
        }
        urls = [
            one["params"]["request"]["url"]
            for one in messages
            if one["method"] == "Network.requestWillBeSent" and one["params"]["requestId"] not in failed
        ]
        return [url for url in urls if not url.startswith((f"file://{self._folder}", "data:,"))]

    def console(self) -> list[str]:
        """Return the errors and warnings of the console."""
        return [entry["message"] for entry in self.driver.get_log("browser")]

    def axe(self) -> list[str]:
        """Return a line for each place that is not accessible."""
        self.run(AXE.read_text(encoding="utf-8"))
        result = self.driver.execute_async_script(
            "const done = arguments[0]; axe.run(document, {resultTypes: ['violations']}).then(done, (e) => done({error: `${e}`}))"
        )
        assert "error" not in result, result
        assert result["passes"], "nothing was checked"
        return [
            f"{one['id']}: {node['html'][:200]}: {node['failureSummary']}"
            for one in result["violations"]
            for node in one["nodes"]
        ]


@pytest.fixture(scope="session")
def start_browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Browser]]:
    """Return a function that starts a browser, which ends with the tests."""
    programs = map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))
    program = next(filter(None, programs), None)
    # Where the runners of GitHub have it.
    driver = shutil.which("chromedriver") or shutil.which("chromedriver", path=os.environ.get("CHROMEWEBDRIVER", ""))
    if not program or not driver:
        pytest.fail("Chromium is required. On Debian or Ubuntu: apt-get install chromium chromium-driver")
    started = []

    def start(**preferences: Any) -> Browser:
        options = Options()
        options.binary_location = str(program)
        for argument in ARGUMENTS:
            options.add_argument(argument)
        options.add_experimental_option("prefs", preferences)
        options.set_capability("goog:loggingPrefs", {"performance": "ALL", "browser": "ALL"})
        started.append(webdriver.Chrome(options=options, service=Service(str(driver))))
        started[-1].set_script_timeout(60)
        return Browser(started[-1], tmp_path_factory.mktemp("pages"))

    yield start
    for one in started:
        one.quit()


@pytest.fixture(scope="session")
def browser(start_browser: Callable[..., Browser]) -> Browser:
    """Return a browser for all tests."""
    return start_browser()
