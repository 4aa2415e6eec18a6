# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The file of the token: what it may contain, what is wrong with it, and that no message shows any of it."""

from __future__ import annotations

import json
import os
import threading
from dataclasses import FrozenInstanceError
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NoReturn, Union

import pytest

from ansible_collections.community.wpcom.plugins.module_utils import _token_file
from ansible_collections.community.wpcom.plugins.module_utils._errors import OptionError
from ansible_collections.community.wpcom.plugins.module_utils._token_file import (
    MAX_SIZE,
    Token,
    checked_token,
    read_token,
)
from ansible_collections.community.wpcom.tests.unit.support import descriptors

DOCUMENT = {
    "access_token": "secret!1",
    "token_type": "bearer",
    "scope": "global",
    "blog_id": None,
    "obtained_at": "2026-11-01T00:00:00Z",
    "refresh_token": "secret!2",
    "client_id": "50001",
    "token_url": "https://public-api.wordpress.com/oauth2/token",
}


def write(folder: Path, content: Union[str, bytes], mode: int = 0o600) -> str:
    """Return the path of a file."""
    path = folder / "token"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    path.chmod(mode)
    return str(path)


@pytest.mark.parametrize(
    "content",
    [
        "secret",
        "secret\n",
        "  secret\r\n\n",
        b"\xef\xbb\xbfsecret",
        '{"access_token": "secret"}',
        '\n{"access_token":"secret","x":1}',
        '{"access_token":"secret","client_id":5,"expires_at":1.5,"refresh_token":null,"token_url":null}',
    ],
)
def test_plain_text_and_json(content: Union[str, bytes], tmp_path: Path) -> None:
    token = read_token(write(tmp_path, content))
    assert (token.access_token, token.warnings) == ("secret", ())
    assert "secret" not in repr(token)


def test_the_document_is_kept_and_its_tokens_are_secrets(tmp_path: Path) -> None:
    token = read_token(write(tmp_path, json.dumps(DOCUMENT)))
    assert token.document == DOCUMENT
    assert token.secrets == ("secret!1", "secret!2")
    assert "secret" not in repr(token)
    assert read_token(write(tmp_path, "secret!1")).secrets == ("secret!1",)


@pytest.mark.parametrize("refresh_token", [None, ""])
def test_refresh_token_that_is_none(refresh_token: Any, tmp_path: Path) -> None:
    document = {"access_token": "secret", "refresh_token": refresh_token}
    assert read_token(write(tmp_path, json.dumps(document))).secrets == ("secret",)


def test_largest_file(tmp_path: Path) -> None:
    assert read_token(write(tmp_path, "secret".ljust(MAX_SIZE))).access_token == "secret"
    with pytest.raises(OptionError, match="is larger than"):
        read_token(write(tmp_path, "secret".ljust(MAX_SIZE + 1)))


def test_home_is_expanded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, "secret")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert read_token("~/token").access_token == "secret"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "is empty"),
        (" \n\n", "is empty"),
        ("secret\nsecret\n", "contains several lines"),
        ("secret secret", "contains several lines, a space"),
        ("secr\x00et", "character that tokens do not have"),
        ("secr\u00e9t", "character that tokens do not have"),
        (b"\xff\xfes\x00e\x00c\x00", "is not a text file"),
        ('{"access_token": "secret"', "is malformed"),
        ('{"secret": ' + "[" * 20000, "is malformed"),
        ("{secret}", "is malformed"),
        ('{"token": "secret"}', "contains JSON without access_token"),
        ('{"access_token": ""}', "contains JSON without access_token"),
        ('{"access_token": ["secret"]}', "contains JSON without access_token"),
        ('{"access_token": "secret\\n"}', "contains several lines"),
        ('"secret"', "contains JSON without access_token"),
        ('["secret"]', "contains JSON without access_token"),
        ("null", "contains JSON without access_token"),
        ('{"access_token": "secret", "refresh_token": 5}', "refresh_token is not a text"),
        ('{"access_token": "secret", "refresh_token": ["secret"]}', "refresh_token is not a text"),
        ('{"access_token": "secret", "client_id": true}', "client_id is not a text"),
        ('{"access_token": "secret", "token_url": {"a": "secret"}}', "token_url is not a text"),
        ('{"access_token": "secret", "expires_at": ["secret"]}', "expires_at is not a date"),
        ("$ANSIBLE_VAULT;1.1;AES256\n736563726574", "is encrypted with Ansible Vault"),
        ("secret" * 20000, "is larger than 65536 bytes"),
    ],
)
def test_wrong_content(content: Union[str, bytes], said: str, tmp_path: Path) -> None:
    """The error names the option and the path, and never shows the content."""
    path = write(tmp_path, content)
    with pytest.raises(OptionError) as caught:
        read_token(path, "accounts[0].api_token_file")
    assert caught.value.message.startswith(f"accounts[0].api_token_file {path!r} ")
    assert said in caught.value.message
    assert "sec" not in caught.value.message.replace(path, "")
    assert caught.value.__cause__ is None


@pytest.mark.parametrize(
    ("path", "said"),
    [("missing", "does not exist"), ("", "is a folder"), ("nul\x00", "cannot be read"), ("x" * 300, "cannot be read")],
)
def test_what_cannot_be_read(path: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(OptionError, match=r"^api_token_file ") as caught:
        read_token(str(tmp_path / path))
    assert said in caught.value.message


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (PermissionError(13, "Permission denied"), "cannot be read by this user: correct its permissions."),
        (
            OSError(5, "Input/output error"),
            "cannot be read (Input/output error): set it to the path of a file with the token.",
        ),
    ],
)
def test_what_the_system_refuses(error: OSError, said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_arguments: Any) -> NoReturn:
        raise error

    monkeypatch.setattr(_token_file.os, "open", refuse)
    with pytest.raises(OptionError) as caught:
        read_token("token")
    monkeypatch.undo()
    assert caught.value.message == f"api_token_file 'token' {said}"


def test_files_are_closed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path, "secret")
    large = tmp_path / "large"
    large.write_bytes(bytes(MAX_SIZE + 1))
    opened = descriptors(monkeypatch)
    read_token(path)
    for wrong in (large, tmp_path):
        with pytest.raises(OptionError):
            read_token(str(wrong))
    assert opened == set()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read every file")
def test_no_permission(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match="correct its permissions"):
        read_token(write(tmp_path, "secret", 0o000))


@pytest.mark.parametrize(
    ("mode", "warned"), [(0o600, False), (0o400, False), (0o700, False), (0o640, True), (0o604, True), (0o620, True)]
)
def test_permissions_of_other_users(mode: int, warned: bool, tmp_path: Path) -> None:
    path = write(tmp_path, "secret", mode)
    (*warnings,) = read_token(path).warnings
    assert bool(warnings) is warned
    assert all(path in warning and f"{mode:04o}" in warning and "0600" in warning for warning in warnings)


def test_token_of_digits_is_plain_text(tmp_path: Path) -> None:
    """Although JSON has numbers too."""
    assert read_token(write(tmp_path, "123456\n")).access_token == "123456"


@pytest.mark.parametrize(
    ("token", "subject", "expected"),
    [
        (
            "a\n",
            "api_token",
            "api_token contains a space, a line break, or a character that tokens do not have: "
            "remove it (a file that was read with its trailing line break is the usual cause).",
        ),
        (
            "a b",
            "api_token_file 'x'",
            "api_token_file 'x' contains several lines, a space, or a character that tokens do not have: "
            "write the token into it, and nothing else.",
        ),
    ],
)
def test_token_that_cannot_be_sent(token: str, subject: str, expected: str) -> None:
    with pytest.raises(OptionError) as caught:
        checked_token(token, subject)
    assert caught.value.message == expected


def test_characters_of_tokens() -> None:
    assert checked_token("!~", "api_token") == "!~"
    for character in (" ", "\x7f"):
        with pytest.raises(OptionError):
            checked_token(f"!{character}", "api_token")


def test_token_cannot_be_changed() -> None:
    token: Any = Token("secret")
    with pytest.raises(FrozenInstanceError):
        token.access_token = "another"
    # What else the file has does not make it another token.
    assert token == Token("secret", {"scope": "global"})
    assert token != Token("secret", warnings=("It may be read.",))


def test_no_more_is_read_than_one_byte_too_many(monkeypatch: pytest.MonkeyPatch) -> None:
    """However the content comes; what is not there yet is waited for, until the ten seconds are over."""
    asked: list[int] = []
    waited: list[float] = []
    blocked = [False, True, False, False]

    def read(_descriptor: int, size: int) -> bytes:
        asked.append(size)
        if blocked.pop(0):
            raise BlockingIOError
        return bytes(min(size, 32768))

    poll = SimpleNamespace(register=lambda *_arguments: None, poll=lambda wait: waited.append(wait) or True)
    monkeypatch.setattr(_token_file, "os", SimpleNamespace(read=read))
    monkeypatch.setattr(_token_file, "select", SimpleNamespace(poll=lambda: poll, POLLIN=1))
    monkeypatch.setattr(
        _token_file, "time", SimpleNamespace(monotonic=iter([100.0, 100.0, 104.0, 109.5, 111.0]).__next__)
    )
    content = _token_file._content(0, is_regular=False)
    monkeypatch.undo()
    assert len(content) == MAX_SIZE + 1
    assert asked == [65537, 32769, 32769, 1]
    assert waited == [10000, 6000, 500, 0]


def test_pipe_that_nothing_writes_to_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_token_file, "PIPE_SECONDS", 0.1)
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe, 0o600)
    with pytest.raises(OptionError, match=r"is a pipe or a device from which nothing was read within 0\.1 seconds"):
        read_token(str(pipe))
    # A writer that does not end.
    with open(pipe, "r+b", buffering=0) as writer:
        writer.write(b"secret\n")
        with pytest.raises(OptionError, match=r"within 0\.1 seconds"):
            read_token(str(pipe))


def test_pipe_and_descriptor_have_no_permissions_to_warn_of(tmp_path: Path) -> None:
    """What a shell makes of ``<(command)``, and a file that is open already."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe, 0o644)
    writer = threading.Thread(target=pipe.write_text, args=("secret\n",))
    writer.start()
    token = read_token(str(pipe))
    writer.join()
    assert (token.access_token, token.warnings) == ("secret", ())
    with open(write(tmp_path, "secret", 0o644), encoding="utf-8") as file:
        token = read_token(f"/dev/fd/{file.fileno()}")
    assert (token.access_token, token.warnings) == ("secret", ())
