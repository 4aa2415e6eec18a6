# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The one site that is written to: what may be sent there, and how everything is put back."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NamedTuple, Optional

from ansible_collections.community.wpcom.plugins.module_utils._api.resource import has_id, items_of, quoted
from ansible_collections.community.wpcom.plugins.module_utils._errors import ApiError, WpcomError
from ansible_collections.community.wpcom.plugins.module_utils._http.request import Request
from ansible_collections.community.wpcom.plugins.module_utils._http.transport import Transport
from ansible_collections.community.wpcom.plugins.module_utils._records.wire import PUBLICIZE_CONNECTION

NO_SUCH_ID = 999999999999
_ROUNDS = 5
Document = dict[str, Any]


class Refused(Exception):
    """The run does not begin, and nothing was written; the text says why."""


class Reply(NamedTuple):
    """How the API responded to a write: its status, the code of an error, and the document of a success."""

    status: int
    code: str
    document: Document

    @property
    def done(self) -> bool:
        """Return whether it was a success."""
        return 200 <= self.status < 300

    @property
    def shown(self) -> str:
        """Return the reply in a word or two."""
        return str(self.status) if self.done else f"{self.status} {self.code or 'without a code'}"


class Sandbox:
    """One site and one keyring connection of the caller; writes elsewhere cannot be sent."""

    def __init__(self, transport: Transport, site: str, keyring: int) -> None:
        """Look at what is there. Raises Refused, WpcomError."""
        self._transport = transport
        self.keyring_id = keyring
        self.me = _number(self.get("/me", "read the account").get("ID"))
        found = self._site(site)
        self.site_id = _number(found["ID"])
        self.site_name = str(found.get("slug") or self.site_id)
        capabilities = found.get("capabilities")
        if not isinstance(capabilities, dict) or capabilities.get("publish_posts") is not True:
            raise Refused(f"you may not connect accounts with the site {self.site_name}")
        self.may_share = capabilities.get("edit_others_posts") is True
        self.account = self._account()
        self.service = self._service(str(self.account["service"]))
        self.initial = {_number(row["ID"]): row for row in self._own_connections()}
        self.made: set[int] = set()

    # Reading

    def get(self, path: str, action: str, **params: Any) -> Document:
        """Return the document of a read. Raises WpcomError."""
        document = self._transport.send(Request("GET", path, action, params=params)).document
        if not isinstance(document, dict):
            raise Refused(f"could not {action}: the response is not an object")
        return document

    def exists(self, path: str) -> bool:
        """Return whether a thing can be read. Raises WpcomError where that is not known."""
        try:
            self.get(path, f"read {path}")
        except ApiError as error:
            if error.status == 404:
                return False
            raise
        return True

    def connections(self) -> list[Document]:
        """Return the connections of the site that were made with the keyring connection."""
        return [row for row in self._all_connections() if _number(row.get("keyring_connection_ID")) == self.keyring_id]

    def elsewhere(self) -> int:
        """Return how many connections of other sites were made with the keyring connection."""
        document = self.get(
            "/me/publicize-connections/", "list your connections", keyring_connection_ID=self.keyring_id
        )
        rows = [row for row in items_of(document, "connections") if has_id(row, PUBLICIZE_CONNECTION)]
        return len([row for row in rows if _number(row.get("site_ID")) != self.site_id])

    @property
    def path(self) -> str:
        """Return the path of the connections of the site."""
        return f"/sites/{self.site_id}/publicize-connections/"

    def _site(self, name: str) -> Document:
        try:
            return self.get(f"/sites/{quoted(name)}", "read the site")
        except ApiError as error:
            raise Refused(f"the site {name} cannot be read: HTTP {error.status} {error.code}") from None

    def _account(self) -> Document:
        path = f"/me/keyring-connections/{self.keyring_id}"
        try:
            account = self.get(path, "read the keyring connection")
        except ApiError as error:
            raise Refused(
                f"the keyring connection {self.keyring_id} cannot be read: HTTP {error.status} {error.code}"
            ) from None
        if _number(account.get("user_ID") or self.me) != self.me:
            raise Refused(f"the keyring connection {self.keyring_id} is another user's")
        return account

    def _service(self, name: str) -> Document:
        return self.get(f"/meta/external-services/{quoted(name)}", "read the service")

    def _all_connections(self) -> list[Document]:
        document = self.get(self.path, "list the connections of the site")
        return [row for row in items_of(document, "connections") if has_id(row, PUBLICIZE_CONNECTION)]

    def _own_connections(self) -> list[Document]:
        rows = self._all_connections()
        foreign = [row for row in rows if _number(row.get("keyring_connection_user_ID")) not in (0, self.me)]
        if foreign:
            raise Refused(
                f"the site {self.site_name} has {len(foreign)} connection(s) of other users: it is no sandbox"
            )
        return [row for row in rows if _number(row.get("keyring_connection_ID")) == self.keyring_id]

    # Writing

    def create(self, body: Mapping[str, Any]) -> Reply:
        """Create a connection with the keyring connection; the body may lack it."""
        if body.get("keyring_connection_ID", self.keyring_id) != self.keyring_id:
            raise AssertionError("another keyring connection")
        reply = self._post("new", body)
        number = _number(reply.document.get("ID"))
        if reply.done and number and number not in self.initial:
            self.made.add(number)
        return reply

    def update(self, number: int, body: Mapping[str, Any]) -> Reply:
        """Change a connection that was made here, or one that is put back afterwards."""
        if number not in (NO_SUCH_ID, *self.made, *self.initial):
            raise AssertionError("a connection that is not of the sandbox")
        return self._post(str(number), body)

    def delete(self, number: int) -> Reply:
        """Delete a connection that was made here: no other one could be made again."""
        if number not in (NO_SUCH_ID, *self.made):
            raise AssertionError("a connection that was not made here")
        return self._post(f"{number}/delete", {})

    def _post(self, rest: str, body: Mapping[str, Any]) -> Reply:
        path = f"{self.path}{rest}"
        if not re.fullmatch(rf"/sites/{self.site_id}/publicize-connections/(new|\d+(/delete)?)", path):
            raise AssertionError(f"a write to {path}")
        try:
            response = self._transport.send(Request("POST", path, f"write to {path}", body=body))
        except ApiError as error:
            return Reply(error.status or 0, error.code, {})
        document = response.document
        return Reply(response.status, "", document if isinstance(document, dict) else {})

    # Putting back

    def restore(self) -> list[str]:
        """Put everything back, and return what could not be."""
        problems: list[str] = []
        try:
            for number in range(_ROUNDS):
                problems.clear()
                # What a first read does not show yet, or still shows, a second one may.
                if not self._restore_once(problems) and number:
                    return problems
        except WpcomError as error:
            return [*problems, error.message]
        return [*problems, "the site still differs from what it was"]

    def _restore_once(self, problems: list[str]) -> bool:
        """Put back what differs; return whether something was done, so that it has to be looked at again."""
        rows = {_number(row["ID"]): row for row in self.connections()}
        done = False
        for number in sorted({*rows, *self.made} - set(self.initial)):
            # Also one whose response was lost.
            self.made.add(number)
            reply = self.delete(number)
            done = done or reply.done
            if reply.done or reply.status == 404:
                self.made.discard(number)
            else:
                problems.append(f"connection {number} could not be deleted: {reply.shown}")
        for number, before in self.initial.items():
            now = rows.get(number)
            if now is None:
                problems.append(f"connection {number}, which was there before, is gone")
                continue
            body = _difference(before, now)
            if body:
                reply = self.update(number, body)
                done = done or reply.done
                if not reply.done:
                    problems.append(f"connection {number} could not be put back: {reply.shown}")
        return done


def _difference(before: Document, now: Document) -> Document:
    """Return what has to be sent for a connection to be as it was."""
    body: Document = {}
    if bool(before.get("shared")) != bool(now.get("shared")):
        body["shared"] = bool(before.get("shared"))
    if before.get("external_ID") != now.get("external_ID"):
        body["external_user_ID"] = str(before["external_ID"]) if before.get("external_ID") else False
    return body


def _number(value: Any) -> int:
    """Return a number, also where PHP sends it as a text; 0 for nothing."""
    return int(value) if value and str(value).isdigit() else 0


def external_id(document: Document) -> Optional[str]:
    """Return the external user of a connection."""
    return str(document["external_ID"]) if document.get("external_ID") else None
