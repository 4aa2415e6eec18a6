# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The page of an audit in a real browser: what it shows, search and sort, colours, print, and names that attack it."""

from __future__ import annotations

import base64
import re
import struct
import time
import zlib
from collections import Counter
from typing import Any, Callable

import pytest

from ansible_collections.community.wpcom.plugins.plugin_utils._audit_page import TITLES, page
from tests.browser.accounts import HOSTILE, account, declared, report

from .conftest import Browser

FEW, DOZEN, SOME, MANY = account(3, health=0.3), account(12, health=0.3), account(50), account(1000)
PAGES = {
    3: page(report(FEW, expected=declared(FEW))),
    12: page(report(DOZEN, account(3, name="grace"), expected=declared(DOZEN), not_shared=True)),
    50: page(report(SOME, expected=declared(SOME))),
    1000: page(report(MANY)),
}
HEADS = ["Site", "Service", "Posts to", "Shared", "State", "Expires", "ID"]
# Has what has not been laid out yet be laid out.
EVERYTHING = "for (const one of document.querySelectorAll('section')) one.style.contentVisibility = 'visible'"
ROWS = "return Array.from(document.querySelectorAll('#rows tbody tr'), (row) => row.hidden ? null : row.cells[%d].textContent)"


def rows(browser: Browser, column: int) -> list[str]:
    """Return the texts of a column, without the rows that are hidden."""
    return [text for text in browser.run(ROWS % column) if text is not None]


def states(browser: Browser) -> list[str]:
    """Return the states of the rows."""
    found: list[str] = browser.run(
        "return Array.from(document.querySelectorAll('#rows td[class]'), (one) => one.className)"
    )
    return found


def search(browser: Browser, text: str) -> None:
    """Type into the search field."""
    field = browser.driver.find_element("css selector", "input[type=search]")
    field.clear()
    field.send_keys(text)
    # The page waits until nothing has been typed for a moment.
    time.sleep(0.2)
    browser.wait("document.getElementById('hits').textContent !== ''")


def pixels(png: bytes) -> Counter[bytes]:
    """Return how often each colour is in a picture."""
    width, height = struct.unpack(">II", png[16:24])
    data, place = b"", 8
    while place < len(png):
        (length,) = struct.unpack(">I", png[place : place + 4])
        if png[place + 4 : place + 8] == b"IDAT":
            data += png[place + 8 : place + 8 + length]
        place += length + 12
    raw, size = zlib.decompress(data), 3 if png[25] == 2 else 4
    found: Counter[bytes] = Counter()
    previous = bytearray(width * size)
    for line in range(height):
        start = line * (width * size + 1)
        kind, current = raw[start], bytearray(raw[start + 1 : start + 1 + width * size])
        for index in range(len(current)):
            left = current[index - size] if index >= size else 0
            up = previous[index]
            corner = previous[index - size] if index >= size else 0
            guess = left + up - corner
            nearest = min((abs(guess - left), 0, left), (abs(guess - up), 1, up), (abs(guess - corner), 2, corner))[2]
            current[index] = (current[index] + (0, left, up, (left + up) // 2, nearest)[kind]) & 255
        found.update(bytes(current[index : index + 3]) for index in range(0, len(current), size))
        previous = current
    return found


def test_the_page_shows_everything_that_was_found(browser: Browser) -> None:
    found = report(FEW, expected=declared(FEW))
    browser.show(PAGES[3])
    text = browser.run("return document.body.innerText")
    for finding in found["findings"]:
        assert TITLES[finding["code"]] in text
        assert finding["text"] in text or finding["connection"]["name"] in text
    assert "account ada" in text
    assert "2026-11-03 06:30 UTC" in text
    counts = browser.run("return Array.from(document.querySelectorAll('.counts li'), (one) => one.innerText)")
    assert [re.sub(r"\s+", " ", one) for one in counts] == [
        "2 errors",
        "2 warnings",
        "3 notes",
        "5 connections without findings",
    ]
    assert len(rows(browser, 0)) == found["counts"]["connections"]
    links = browser.run(
        "return Array.from(document.querySelectorAll('.matrix a'), (one) => [one.textContent, one.href])"
    )
    assert sorted(links) == sorted(
        [site["site"], f"https://wordpress.com/marketing/connections/{site['site']}"] for site in found["sites"]
    )
    cells = browser.run("return Array.from(document.querySelectorAll('.matrix tbody td'), (one) => one.innerText)")
    assert Counter(cells)["broken"] == Counter(row["health"] for row in found["connections"])["broken"]
    assert len(browser.run("return document.querySelectorAll('#drift del, #drift ins')")) > 0


@pytest.mark.parametrize("count", PAGES)
def test_the_page_sends_no_request_and_logs_nothing(browser: Browser, count: int) -> None:
    browser.show(PAGES[count])
    browser.run("scrollTo(0, 100000)")
    assert browser.requests() == []
    assert browser.console() == []
    assert not re.search(r"(?i)<(?:img|iframe|object|embed|base|form)\b|@import|url\(|srcset", PAGES[count])
    assert set(re.findall(r'(?:href|src|action)="([^"#]{0,21})', PAGES[count])) <= {
        "data:,",
        "https://wordpress.com",
        "",
    }


def test_search_shows_what_has_all_words(browser: Browser) -> None:
    browser.show(PAGES[50])
    everything = rows(browser, 0)
    search(browser, "riverside linkedin")
    found = rows(browser, 0)
    assert 0 < len(found) < len(everything)
    assert all(one.startswith("riverside") for one in found)
    assert set(rows(browser, 1)) == {"LinkedIn"}
    hits = browser.run("return document.getElementById('hits').textContent")
    assert hits.startswith(f"{len(found)} of {len(everything)} connections, ")
    search(browser, "no such site")
    assert rows(browser, 0) == []
    browser.run("const one = document.getElementById('search'); one.value = ''; one.dispatchEvent(new Event('input'))")
    browser.wait("document.getElementById('hits').textContent === ''")
    assert rows(browser, 0) == everything


def test_the_search_field_has_a_label_and_is_the_only_one(browser: Browser) -> None:
    browser.show(PAGES[3])
    assert browser.run("return document.querySelectorAll('input').length") == 1
    assert (
        browser.run("return document.querySelector('input[type=search]').labels[0].textContent")
        == "Search sites and connections"
    )


def test_headers_sort_the_table(browser: Browser) -> None:
    browser.show(PAGES[50])
    heads = browser.run(
        "return Array.from(document.querySelectorAll('#rows thead th > button'), (one) => one.textContent)"
    )
    assert heads == HEADS
    assert browser.run("return document.querySelectorAll('#rows thead th').length") == len(heads)
    assert states(browser)[:3] == ["broken"] * 3
    everything = sorted(rows(browser, len(heads) - 1))
    for name, key in {"ID": int, "Service": str.lower, "Expires": lambda text: text or "9999"}.items():
        column = heads.index(name)
        button = browser.driver.find_elements("css selector", "#rows thead button")[column]
        # By the keyboard, which a button needs nothing more for.
        button.send_keys("\ue007")
        up = rows(browser, column)
        assert up == sorted(up, key=key)
        sort = "return Array.from(document.querySelectorAll('#rows thead th'), (one) => one.getAttribute('aria-sort'))"
        assert [index for index, value in enumerate(browser.run(sort)) if value == "ascending"] == [column]
        button.send_keys(" ")
        down = rows(browser, column)
        assert down == sorted(up, key=key, reverse=True)
        assert browser.run(sort)[column] == "descending"
        assert sorted(rows(browser, len(heads) - 1)) == everything
    browser.driver.find_elements("css selector", "#rows thead button")[heads.index("State")].click()
    order = ["broken", "expiring", "unknown", "untested", "ok"]
    assert states(browser) == sorted(states(browser), key=order.index)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1300, 400])
def test_the_page_is_accessible(browser: Browser, width: int, scheme: str) -> None:
    browser.show(PAGES[12], width=width, scheme=scheme)
    browser.run(EVERYTHING)
    assert browser.axe() == []


@pytest.mark.parametrize(("count", "width"), [(12, 1300), (12, 400), (12, 320), (1000, 400)])
def test_nothing_has_to_be_scrolled_sideways(browser: Browser, count: int, width: int) -> None:
    browser.show(PAGES[count], width=width)
    browser.run(EVERYTHING)
    assert browser.run("return document.documentElement.scrollWidth") <= width
    # Nor is anything scrolled in itself.
    assert not re.search(r"overflow(?:-x)?:\s*(?:auto|scroll)", PAGES[count])
    browser.keep(f"{count}-{width}")


def test_both_schemes_differ_and_colour_is_not_all(browser: Browser) -> None:
    seen = {}
    for scheme in ("light", "dark"):
        browser.show(PAGES[3], scheme=scheme)
        seen[scheme] = pixels(browser.picture(200, 60)).most_common(1)[0][0]
        browser.keep(f"3-{scheme}")
    assert sum(seen["light"]) > 3 * 220
    assert sum(seen["dark"]) < 3 * 60
    sign = "return getComputedStyle(document.querySelector('.matrix td.%s'), '::before').content"
    signs = {browser.run(sign % health) for health in ("ok", "broken", "expiring")}
    assert len(signs) == 3
    assert all(len(one.split("/")[0].strip(' "')) == 1 for one in signs)


def test_print_is_light_complete_and_without_the_search(browser: Browser) -> None:
    browser.show(PAGES[50], scheme="dark")
    browser.media(scheme="dark", kind="print")
    assert browser.run("return getComputedStyle(document.querySelector('.search')).display") == "none"
    assert (
        browser.run("return getComputedStyle(document.querySelector('section:last-of-type')).contentVisibility")
        == "visible"
    )
    color = browser.run("return getComputedStyle(document.body).color")
    assert max(map(int, re.findall(r"\d+", color)[:3])) < 80
    # A4 in inches; the pages hold all of it.
    size = {"paperWidth": 8.27, "paperHeight": 11.69, "preferCSSPageSize": True}
    pdf = base64.b64decode(browser.driver.execute_cdp_cmd("Page.printToPDF", size)["data"])
    pages = len(re.findall(rb"/Type\s*/Page\b", pdf))
    assert 4 <= pages <= 40
    assert re.search(rb"/MediaBox\s*\[0 0 59[45][.\d]* 84[12][.\d]*\]", pdf)


def hostile() -> Any:
    """Return an account all of whose names attack the page."""
    names = tuple(HOSTILE)
    gathered = account(len(names), name=HOSTILE[0], names=names, health=0.5)
    applications = [
        {**gathered.connected_applications[0], "id": 7100 + number, "title": name} for number, name in enumerate(names)
    ]
    sites = [{**site, "slug": f"s{number}.example.com"} for number, site in enumerate(gathered.sites)]
    keyrings = [
        {**one, "external_name": names[number % len(names)], "label": names[number % len(names)]}
        for number, one in enumerate(gathered.keyring_connections)
    ]
    connections = [
        {**one, "external_display": names[number % len(names)]}
        for number, one in enumerate(gathered.publicize_connections)
    ]
    return type(gathered)(
        name=gathered.name,
        publicize_connections=connections,
        keyring_connections=keyrings,
        services=gathered.services,
        sites=sites,
        connected_applications=applications,
        account=gathered.account,
    )


@pytest.mark.parametrize("width", [1300, 400])
def test_hostile_names_are_harmless(browser: Browser, width: int) -> None:
    attacked = hostile()
    text = page(report(attacked, expected=declared(attacked)))
    browser.show(text, width=width)
    browser.run(EVERYTHING)
    assert browser.run("return document.title") == "Social connections"
    assert browser.run("return document.querySelectorAll('script, style, img').length") == 2
    assert browser.run("return document.querySelectorAll('main').length") == 1
    assert browser.run(
        "return Array.from(document.querySelectorAll('a')).every((one) => /^(https|file):/.test(one.href))"
    )
    assert browser.requests() == []
    assert browser.console() == []
    assert browser.run("return document.documentElement.scrollWidth") <= width
    assert "<script>document.title = 'run'</script>" in browser.run(
        "return document.querySelector('.about').textContent"
    )
    assert "{{ 6 * 7 }}" in browser.run("return document.body.textContent")
    # No name is longer than what can be read, and none changes the direction of the rest.
    assert "x" * 200 not in text
    assert not re.search("[\u202a-\u202e\u2066-\u2069\x00]", text)
    browser.keep(f"hostile-{width}")


def test_what_is_injected_nevertheless_does_not_run(browser: Browser) -> None:
    """The policy of the page stops what a missing escape would let in."""
    attack = (
        '<script>document.title = "run"</script><img src="http://127.0.0.1:9/x" onerror="document.title = \'run\'">'
    )
    browser.show(PAGES[3].replace("<main>", f"<main>{attack}", 1))
    assert browser.run("return document.title") == "Social connections"
    assert len(browser.console()) >= 2
    assert browser.requests() == []


def test_a_thousand_sites_are_small_and_soon_usable(browser: Browser) -> None:
    assert len(PAGES[1000].encode()) <= 3_000_000
    best = min(browser.show(PAGES[1000]) for _try in range(3))
    assert best < 1000
    start = "const start = performance.now();"
    sort = f"{start} document.querySelector('#rows thead button').click(); document.body.offsetHeight; return performance.now() - start"
    # Laid out anew as well, on a machine that has other things to do.
    assert browser.run(sort) < 5000
    search(browser, "site that does not exist")
    assert rows(browser, 0) == []


def test_without_javascript_everything_is_there(start_browser: Callable[..., Browser]) -> None:
    plain = start_browser(**{"profile.managed_default_content_settings.javascript": 2})
    # Without scripts the browser cannot wait for a frame, and the driver still can look.
    path = plain._folder / "plain.html"
    path.write_text(PAGES[3], encoding="utf-8")
    plain.resize(1300, 1000)
    plain.driver.get(path.as_uri())
    assert plain.run("return document.documentElement.classList.length") == 0
    assert plain.run("return getComputedStyle(document.querySelector('.search')).display") == "none"
    assert len(rows(plain, 0)) == report(FEW)["counts"]["connections"]
    assert "What to do first" in plain.run("return document.body.innerText")
