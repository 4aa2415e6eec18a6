# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What only a write shows: each fact, and on which side the server is."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple, Optional

from .sandbox import NO_SUCH_ID, Document, Reply, Sandbox, external_id

NO_SUCH_USER = "no-such-user-of-make-live"
UNKNOWN = object()


class Fact(NamedTuple):
    """One thing that was found out: what it is about, what was seen, and for a switch of the simulator its value."""

    name: str
    seen: str
    value: Any = UNKNOWN

    @property
    def is_switch(self) -> bool:
        """Return whether a switch of the simulator can be set by it."""
        return self.value is not UNKNOWN


class Experiments:
    """The experiments, in an order in which each leaves what the next one requires."""

    def __init__(self, sandbox: Sandbox, *, external_user: Optional[str], last_connection: bool) -> None:
        """Take the sandbox; nothing is sent yet.

        ``external_user`` is a page or the like that the account has, but not in the list that the server keeps.
        """
        self.sandbox = sandbox
        self.external_user = external_user
        self.last_connection = last_connection
        service, account = sandbox.service, sandbox.account
        self.has_users = service.get("multiple_external_user_ID_support") is True
        self.users_only = service.get("external_users_only") is True
        rows = account.get("additional_external_users") or []
        rows = list(rows.values()) if isinstance(rows, dict) else rows
        self.users = [str(row["external_ID"]) for row in rows if isinstance(row, dict) and row.get("external_ID")]
        self.profile = external_id(account)
        # The connection that is experimented with, and its external user.
        self.subject = 0
        self.user: Optional[str] = None
        self.obeys_users = False

    def run(self) -> Iterator[Fact]:
        """Yield each fact as soon as it is known; one that cannot be known says why."""
        yield from self._missing_things()
        yield from self._creation()
        if not self.subject:
            return
        for experiment in (self._sharing, self._unknown_keys, self._users, self._duplicates, self._deletion):
            yield from experiment()

    # Errors that need no connection

    def _missing_things(self) -> Iterator[Fact]:
        yield Fact("foreign_write", "not known: connections of other users are left alone")
        yield Fact("update_of_nothing", self.sandbox.update(NO_SUCH_ID, {"shared": False}).shown)
        yield Fact("deletion_of_nothing", self.sandbox.delete(NO_SUCH_ID).shown)
        yield Fact("creation_without_keyring", self.sandbox.create({"shared": False}).shown)

    # Creating

    def _creation(self) -> Iterator[Fact]:
        if self.sandbox.initial:
            (number, row), *_others = self.sandbox.initial.items()
            self.subject, self.user = number, external_id(row)
            yield Fact("create_read_back", "not known: the site has a connection already")
            return
        if self.users_only:
            reply = self._create(None)
            yield self._users_only(reply)
            self._forget(reply)
        first = self.users[0] if self.has_users and self.users else None
        reply = self._create(first)
        if not reply.done:
            if self.sandbox.service.get("status") == "unsupported" or self.sandbox.service.get("type") != "publicize":
                yield Fact("unsupported_service_slug", reply.shown, reply.code)
            else:
                yield Fact("creation", f"refused: {reply.shown}")
            return
        self.subject, self.user = int(reply.document["ID"]), external_id(reply.document)
        self.obeys_users = first is not None and self.user == first
        is_listed = self.subject in [int(row["ID"]) for row in self.sandbox.connections()]
        yield Fact("create_read_back", *(("there", "there") if is_listed else ("late", "late")))

    def _create(self, user: Optional[str]) -> Reply:
        body: Document = {"keyring_connection_ID": self.sandbox.keyring_id}
        if user is not None:
            body["external_user_ID"] = user
        return self.sandbox.create(body)

    def _forget(self, reply: Reply) -> None:
        """Delete what an experiment has made."""
        number = int(reply.document.get("ID") or 0)
        if reply.done and number in self.sandbox.made and number != self.subject:
            self.sandbox.delete(number)
            self.sandbox.made.discard(number)

    def _users_only(self, reply: Reply) -> Fact:
        """Return what the server makes of the profile itself where pages only are allowed."""
        name = "external_users_only"
        if not reply.done:
            return Fact(name, f"refuse ({reply.shown})", "refuse")
        chosen = external_id(reply.document)
        if chosen in self.users:
            return Fact(name, "first", "first")
        return Fact(name, "accept", "accept")

    # Changing

    def _update(self, **body: Any) -> Reply:
        return self.sandbox.update(self.subject, body)

    def _sharing(self) -> Iterator[Fact]:
        if not self.sandbox.may_share:
            yield Fact("drop_shared", "not known: you may not share connections on the site")
            return
        reply = self._update(shared=True)
        if not reply.done:
            yield Fact("drop_shared", f"not known: {reply.shown}")
            return
        if reply.document.get("shared") is not True:
            yield Fact("drop_shared", "true", True)
            yield Fact("boolean_case", "not known: shared is ignored")
            return
        yield Fact("drop_shared", "false", False)
        yield Fact("yes_is_true", str(self._update(shared="yes").document.get("shared")).lower())
        self._update(shared=False)
        is_true = self._update(shared="TRUE").document.get("shared") is True
        yield Fact("boolean_case", *(("insensitive", "insensitive") if is_true else ("exact", "exact")))
        self._update(shared=False)

    def _unknown_keys(self) -> Iterator[Fact]:
        yield Fact("unknown_key_alone", self._update(no_such_key=1).shown)
        yield Fact("unknown_key_in_addition", self._update(shared=False, no_such_key=1).shown)
        yield Fact("external_user_id_in_lower_case", self._update(external_user_id=NO_SUCH_USER).shown)
        yield Fact("null_alone", self._update(shared=None).shown)

    def _users(self) -> Iterator[Fact]:
        reply = self._update(external_user_ID=NO_SUCH_USER)
        if not reply.done:
            yield Fact("external_user_error_slug", reply.shown, reply.code)
        if not self.has_users:
            reset = self._update(external_user_ID=False)
            side = "accept" if reset.done else "refuse"
            yield Fact("reset_without_support", f"{side} ({reset.shown})", side)
            return
        others = [user for user in (*self.users, *([] if self.users_only else [self.profile])) if user != self.user]
        obeys_updates = None
        if others and others[0] is not None:
            changed = self._update(external_user_ID=others[0])
            obeys_updates = external_id(changed.document) == others[0] if changed.done else None
        yield self._dropped(obeys_updates)
        if obeys_updates is not True:
            yield Fact("external_user_check", "not known: the external user cannot be changed here")
            return
        yield self._checked(reply)
        yield from self._resets()

    def _dropped(self, obeys_updates: Optional[bool]) -> Fact:
        name = "drop_external_user"
        if obeys_updates is None:
            return Fact(name, "not known: the account has no other external user that can be set")
        if obeys_updates:
            return Fact(name, "false", False)
        if self.sandbox.initial:
            return Fact(name, "update, or true: no connection could be created here", "update")
        return Fact(name, "update", "update") if self.obeys_users else Fact(name, "true", True)

    def _checked(self, reply: Reply) -> Fact:
        """Return which external users are accepted, after what was said about one that does not exist."""
        name = "external_user_check"
        if reply.done and external_id(reply.document) == NO_SUCH_USER:
            return Fact(name, "none", "none")
        if self.external_user is None:
            return Fact(name, "cached or fresh: set EXTERNAL_USER to a new page to learn which")
        fresh = self._update(external_user_ID=self.external_user)
        side = "fresh" if fresh.done and external_id(fresh.document) == self.external_user else "cached"
        return Fact(name, f"{side} ({fresh.shown})", side)

    def _resets(self) -> Iterator[Fact]:
        reset = self._update(external_user_ID=False)
        if self.users_only:
            # Where a connection could be created, that has shown it already.
            if self.sandbox.initial:
                yield self._users_only(reset)
            return
        yield Fact("reset_by_false", self._reset_shown(reset))
        self._update(external_user_ID=self.users[0])
        yield Fact("reset_by_a_number", self._reset_shown(self._update(external_user_ID=1234)))

    def _reset_shown(self, reply: Reply) -> str:
        if not reply.done:
            return reply.shown
        return "the account itself" if external_id(reply.document) in (None, self.profile) else "unchanged"

    # Duplicates

    def _duplicates(self) -> Iterator[Fact]:
        current = self.sandbox.get(f"{self.sandbox.path}{self.subject}", "read the connection")
        user = external_id(current)
        # The account itself is what no external user means.
        same = None if not self.has_users or user in (None, self.profile) else user
        reply = self._create(same)
        name = "create_duplicate"
        if reply.done:
            number = int(reply.document["ID"])
            yield Fact(name, *(("existing", "existing") if number == self.subject else ("second", "second")))
            if number in self.sandbox.made and self.subject in self.sandbox.initial:
                # One that may be deleted.
                self.subject = number
            self._forget(reply)
            return
        others = [other for other in self.users if self.has_users and other != user]
        other = self._create(others[0]) if others else None
        if other is None:
            yield Fact(name, "error (whether for another external user too is not known)", "error")
        else:
            side = "error" if other.done else "error_any_user"
            yield Fact(name, side, side)
            self._forget(other)
        yield Fact("duplicate_status", str(reply.status), reply.status)
        yield Fact("duplicate_slug", reply.code or "none", *([reply.code] if reply.code else []))

    # Deleting

    def _deletion(self) -> Iterator[Fact]:
        if self.subject not in self.sandbox.made:
            yield Fact("delete_read_back", "not known: only connections that were made here are deleted")
            return
        is_last = not self.sandbox.initial and not self.sandbox.elsewhere()
        reply = self.sandbox.delete(self.subject)
        if not reply.done:
            yield Fact("delete_read_back", f"not known: {reply.shown}")
            return
        gone = not self.sandbox.exists(f"{self.sandbox.path}{self.subject}")
        yield Fact("delete_read_back", *(("gone", "gone") if gone else ("lingers", "lingers")))
        yield Fact("second_deletion", self.sandbox.delete(self.subject).shown)
        self.sandbox.made.discard(self.subject)
        if not is_last or not self.last_connection:
            yield Fact("delete_keyring_with_last", "not known: it was not the last connection of the account")
            return
        kept = self.sandbox.exists(f"/me/keyring-connections/{self.sandbox.keyring_id}")
        yield Fact("delete_keyring_with_last", *(("false", False) if kept else ("true", True)))
