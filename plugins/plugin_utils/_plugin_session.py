# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The connection options of plugins that Ansible configures, and sessions that are made from them."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from ansible.errors import AnsibleError, AnsibleParserError
from ansible.module_utils.parsing.convert_bool import boolean
from ansible.plugins import AnsiblePlugin

from ansible_collections.community.wpcom.plugins.module_utils._cache.read_cache import ReadCache
from ansible_collections.community.wpcom.plugins.module_utils._errors import OptionError
from ansible_collections.community.wpcom.plugins.module_utils._http.transport import HAS_REQUESTS
from ansible_collections.community.wpcom.plugins.module_utils._options import (
    CONNECTION_OPTIONS,
    TOKEN_OPTIONS,
    ConnectionOptions,
)
from ansible_collections.community.wpcom.plugins.module_utils._session import Session, SessionSettings
from ansible_collections.community.wpcom.plugins.plugin_utils._plain import plain

_NAMES = frozenset(option.name for option in CONNECTION_OPTIONS)


class PluginOptions(AnsiblePlugin):  # type: ignore[misc,unused-ignore]
    """Mixin of a plugin with the connection options: those that it is given may be templates.

    An empty connection option or variable counts as not set. ``expressions`` are the options that are templates by
    themselves, which the plugin evaluates.
    """

    expressions: frozenset[str] = frozenset()
    templar: Any
    given: Mapping[str, Any] = {}

    def set_options(self, task_keys: Any = None, var_options: Any = None, direct: Any = None) -> None:
        """Take the options as Ansible does, templates evaluated. Raises AnsibleParserError."""
        direct = {} if direct is None else direct
        unknown = sorted(str(name) for name in set(direct) - set(self.option_definitions))
        if unknown:
            # A filter with a typing error would select everything.
            raise AnsibleParserError(f"Unknown option: {', '.join(unknown)}. Check the names of the options.")
        evaluated = {name: self._evaluated(name, value, var_options) for name, value in direct.items()}
        for name, value in evaluated.items():
            kind = self.option_definitions[name].get("type")
            _check_kind(name, value, kind)
            if kind == "bool":
                _check_boolean(name, value, name)
        for option in CONNECTION_OPTIONS:
            if option.type == "bool" and option.name not in evaluated:
                _check_boolean(option.name, os.environ.get(option.environment), option.environment)
        self.given = {name: value for name, value in evaluated.items() if name not in _NAMES or value not in ("", None)}
        with _without_empty_variables():
            super().set_options(task_keys=task_keys, var_options=var_options, direct=self.given)

    def connection_params(self) -> dict[str, Any]:
        """Return the connection options as a task's parameters."""
        # Which of the variables provides the token is decided in one place, as for modules.
        return {
            name: plain(self.get_option(name)) if name in self.given or name not in TOKEN_OPTIONS else None
            for name in (option.name for option in CONNECTION_OPTIONS)
        }

    def _evaluated(self, name: str, value: Any, variables: Any) -> Any:
        if name in self.expressions:
            return value
        try:
            self.templar.available_variables = variables or {}
            return self.templar.template(value)
        except AnsibleError as error:
            raise AnsibleParserError(f"The option {name} could not be evaluated: {error}") from None


def _check_kind(name: str, value: Any, kind: str | None) -> None:
    """Refuse a collection where there must be none: the error of Ansible would show what it holds, tokens included."""
    if isinstance(value, Mapping) and kind != "dict":
        raise AnsibleParserError(f"{name} must be {'a list' if kind == 'list' else 'a single value'}, got a mapping.")
    if isinstance(value, (list, tuple)) and kind != "list":
        raise AnsibleParserError(f"{name} must be {'a mapping' if kind == 'dict' else 'a single value'}, got a list.")


def _check_boolean(name: str, value: Any, source: str) -> None:
    """Refuse what is not a boolean: Ansible takes it for false, and certificates would not be validated."""
    if value in ("", None):
        return
    try:
        boolean(value)
    except TypeError:
        raise AnsibleParserError(f"{name} must be true or false, got {value!r}: correct {source}.") from None


def connection_options(params: Mapping[str, Any]) -> ConnectionOptions:
    """Return the connection options of a plugin. Raises OptionError, also where requests is not installed."""
    if not HAS_REQUESTS:
        raise OptionError(
            f"The Python library requests is required. Install it for the Python of Ansible: {sys.executable}."
        )
    return ConnectionOptions.from_params(params)


@contextmanager
def reading_session(options: ConnectionOptions, parallel: int) -> Iterator[Session]:
    """Open a session that refuses to write."""
    session = Session(options, ReadCache(check_mode=True), SessionSettings(parallel=parallel), check_mode=True)
    try:
        yield session
    except BaseException:
        session.interrupt()
        raise
    finally:
        session.close()


@contextmanager
def _without_empty_variables() -> Iterator[None]:
    """Hide the empty variables of connection options from Ansible, which would convert an empty text to a number."""
    empty = [option.environment for option in CONNECTION_OPTIONS if os.environ.get(option.environment) == ""]
    for name in empty:
        del os.environ[name]
    try:
        yield
    finally:
        os.environ.update(dict.fromkeys(empty, ""))
