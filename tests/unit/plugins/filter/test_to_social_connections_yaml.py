# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The filter to_social_connections_yaml writes text that YAML reads back as the same values, and names as comments."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from ansible.errors import AnsibleFilterError
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.community.wpcom.plugins.filter.to_social_connections_yaml import FilterModule
from ansible_collections.community.wpcom.plugins.plugin_utils._export_yaml import in_comment, scalar

to_social_connections_yaml = FilterModule().filters()["to_social_connections_yaml"]

NOTHING: dict[str, Any] = {"sites": [], "notes": []}


class Loader(yaml.SafeLoader):
    """Reads what is marked as unsafe as a text."""


Loader.add_constructor("!unsafe", lambda loader, node: ("unsafe", node.value))


def note(text: str, position: int | None = None, site: str = "shop.example.com") -> dict[str, Any]:
    return {"site": site, "position": position, "kind": "name", "text": text}


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("linkedin", "linkedin"),
        ("instagram-business", "instagram-business"),
        ("Difference Engines", "Difference Engines"),
        ("blog.example.com", "blog.example.com"),
        ("Zoë", "Zoë"),
        (True, "true"),
        (False, "false"),
        (5008, "5008"),
        ("5008", '"5008"'),
        ("1e3", '"1e3"'),
        ("yes", '"yes"'),
        ("NULL", '"NULL"'),
        ("y", '"y"'),
        ("", '""'),
        (" a", '" a"'),
        ("@ada@mastodon.example", '"@ada@mastodon.example"'),
        ("a: b", '"a: b"'),
        ("a #b", '"a #b"'),
        ("- a", '"- a"'),
        ('"\\', '"\\"\\\\"'),
        ("a\nb\r\tc", '"a\\nb\\r\\tc"'),
        ("\x00\x85\u2028\ufeff\U000e0001", '"\\x00\\x85\\u2028\\ufeff\\U000e0001"'),
        ("\u202egnp", '"\\u202egnp"'),
        ("{{ x }}", '!unsafe "{{ x }}"'),
        ("{% x %}", '!unsafe "{% x %}"'),
        ("a {# x", '!unsafe "a {# x"'),
        ("#jinja2: x", '!unsafe "#jinja2: x"'),
        ("\U0001f600", '"\U0001f600"'),
    ],
)
def test_scalar(value: Any, expected: str) -> None:
    assert scalar(value) == expected


@given(st.text())
def test_any_text_is_read_back_unchanged(text: str) -> None:
    written = scalar(text)
    assert written.isprintable()
    read = yaml.load(f"- {written}\n", Loader)
    assert read in ([text], [("unsafe", text)])
    assert (read != [text]) == written.startswith("!unsafe ")


@given(st.text(alphabet=st.characters()))
def test_no_text_leaves_its_comment(text: str) -> None:
    comment = in_comment(text)
    assert comment.isprintable()
    assert len(comment) <= 150
    comment.encode()
    assert yaml.safe_load(f"# {comment}\na: 1\n") == {"a": 1}


def test_text_of_a_whole_export() -> None:
    export = {
        "sites": [
            {
                "site": "shop.example.com",
                "connections": [
                    {"service": "facebook", "account": "Ada Lovelace", "shared": True},
                    {"id": 5008, "shared": False},
                ],
            }
        ],
        "notes": [
            note("The Shop (site 3002)"),
            note("Mastodon: @shop@mastodon.example", 1),
            note("Linkedin: Eve\nid: 7", None, "4"),
        ],
    }
    text = to_social_connections_yaml(export, account="ada", date="2026-01-31", remarks=["One thing more."])
    assert text == (
        "---\n"
        "# Social connections of ada on WordPress.com, as found on 2026-01-31.\n"
        "# Created by the playbook community.wpcom.export for the role community.wpcom.social_connections. To apply it:\n"
        "#\n"
        "#   ansible-playbook community.wpcom.social_connections -e @THIS_FILE --check --diff\n"
        "#\n"
        "# Applying the unmodified file changes nothing. Comments are ignored.\n"
        "# One thing more.\n"
        "social_connections_sites:\n"
        "  # The Shop (site 3002)\n"
        "  - site: shop.example.com\n"
        "    connections:\n"
        "      - service: facebook\n"
        "        account: Ada Lovelace\n"
        "        shared: true\n"
        "      # Mastodon: @shop@mastodon.example\n"
        "      - id: 5008\n"
        "        shared: false\n"
        "  # You have no connections on 4:\n"
        "  # Linkedin: Eve?id: 7\n"
    )


def test_text_of_an_empty_export() -> None:
    text = to_social_connections_yaml(NOTHING)
    assert text.splitlines()[1] == "# Social connections on WordPress.com."
    assert yaml.safe_load(text) == {"social_connections_sites": []}


@pytest.mark.parametrize("export", [None, [], {"sites": []}, "text"])
def test_input_that_is_not_an_export_is_refused(export: Any) -> None:
    with pytest.raises(AnsibleFilterError, match="must be the result of the filter to_social_connections"):
        to_social_connections_yaml(export)
