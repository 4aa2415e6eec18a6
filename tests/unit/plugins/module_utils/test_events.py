# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The events between two lists of connections: each change once, whatever happens in between."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import FrozenInstanceError, dataclass, field
from typing import Any, NamedTuple, Optional

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ansible_collections.community.wpcom.plugins.module_utils._events import (
    KEPT,
    Event,
    State,
    Watched,
    changes,
    from_document,
    is_of_another_user,
    outage,
    to_document,
    without,
)
from ansible_collections.community.wpcom.plugins.module_utils._records.record import Record
from ansible_collections.community.wpcom.tests.unit.builders import ENGINES, FACEBOOK, MASTODON, publicize_connection
from ansible_collections.community.wpcom.tests.unit.support import examples

HEALTHS = ("ok", "untested", "expiring", "broken", "unknown")


def connection(number: int, health: str, site_id: int = 1, **changes: Any) -> Record:
    """Return a publicize connection of a health."""
    record = publicize_connection(number, MASTODON, site_id)
    return {**record, "health": health, "repair": "refresh" if health in ("broken", "expiring") else None, **changes}


def listed(**healths: str) -> list[Record]:
    """Return a list of connections: ``c1="ok"`` is connection 1."""
    return [connection(int(name[1:]), health) for name, health in healths.items()]


def brief(events: Iterable[Event]) -> list[str]:
    """Return events as lines such as ``broken 1``."""
    return [
        " ".join([event["type"], *([str(event["connection"]["id"])] if event["connection"] else [])])
        for event in events
    ]


def after(*lists: Sequence[Record]) -> State:
    """Return the state after these lists."""
    state = State()
    for records in lists:
        _events, state = changes(state, records)
    return state


# The first list


def test_first_list_reports_what_is_broken_or_expiring_and_nothing_else() -> None:
    events, _state = changes(State(), listed(c5="unknown", c4="untested", c3="expiring", c2="broken", c1="ok"))
    assert brief(events) == ["broken 2", "expiring 3"]
    assert [event["previous"] for event in events] == [None, None]


def test_first_list_reports_nothing_where_that_is_not_asked_for_but_a_recovery_later() -> None:
    events, state = changes(State(), listed(c1="broken", c2="ok"), report_existing=False)
    assert events == []
    events, state = changes(state, listed(c1="broken", c2="broken"), report_existing=False)
    assert brief(events) == ["broken 2"]
    assert brief(changes(state, listed(c1="ok", c2="broken"))[0]) == ["recovered 1"]


# One connection


@pytest.mark.parametrize(
    ("healths", "expected"),
    [
        (["ok", "ok", "untested", "unknown", "ok"], []),
        (["ok", "expiring", "expiring", "broken", "broken"], ["expiring", "broken"]),
        (["ok", "broken", "ok"], ["broken", "recovered"]),
        (["expiring", "ok"], ["expiring", "recovered"]),
        # It works again, but not for long.
        (["broken", "expiring", "ok"], ["broken", "expiring", "recovered"]),
        # What is not tested or not understood says neither that it works nor that it does not.
        (["broken", "untested", "broken"], ["broken"]),
        (["broken", "unknown", "untested", "ok"], ["broken", "recovered"]),
        (["untested", "ok"], []),
        (["unknown", "broken"], ["broken"]),
        (["expiring", "unknown", "broken"], ["expiring", "broken"]),
    ],
)
def test_transitions(healths: Sequence[str], expected: Sequence[str]) -> None:
    state, events = State(), []
    for health in healths:
        made, state = changes(state, listed(c1=health))
        events.extend(made)
    assert [event["type"] for event in events] == expected


def test_event_has_the_connection_before_and_after() -> None:
    (event,), _state = changes(
        after(listed(c1="ok")), [{**connection(1, "broken", 1, shared=True, issued="2026-01-01T00:00:00Z"), "url": "x"}]
    )
    before = {
        "id": 1,
        "site_id": 1,
        "user_id": 1,
        "keyring_connection_id": 22,
        "keyring_connection_user_id": 1,
        "shared": False,
        "service": "mastodon",
        "label": "Mastodon",
        "issued": None,
        "expires": None,
        "external_id": "x22",
        "external_name": "@ada",
        "external_display": "@Ada",
        "status": "ok",
        "health": "ok",
        "repair": None,
    }
    now = {**before, "shared": True, "issued": "2026-01-01T00:00:00Z", "health": "broken", "repair": "refresh"}
    assert event == {"type": "broken", "connection": now, "previous": before, "account": "@Ada"}
    assert tuple(now) == KEPT


def test_another_repair_or_name_is_no_event() -> None:
    state = after(listed(c1="broken"))
    events, state = changes(state, [connection(1, "broken", repair="reconnect", external_display="Other")])
    assert events == []
    (event,), _state = changes(state, listed(c1="ok"))
    assert event["previous"]["external_display"] == "Other"


# New and removed ones


def test_new_connection_is_created_and_also_broken() -> None:
    events, _state = changes(after(listed(c1="ok")), listed(c1="ok", c2="ok", c3="broken"), report_existing=False)
    assert brief(events) == ["created 2", "created 3", "broken 3"]
    assert [event["previous"] for event in events] == [None] * 3


def test_removed_connection_is_deleted_once_with_its_last_record() -> None:
    events, state = changes(after(listed(c1="ok", c2="broken")), listed(c1="ok"))
    assert brief(events) == ["deleted 2"]
    assert events[0]["connection"] == events[0]["previous"]
    assert events[0]["connection"]["health"] == "broken"
    assert changes(state, listed(c1="ok"))[0] == []
    # An ID is not used again, but a server may forget and remember.
    assert brief(changes(state, listed(c1="ok", c2="ok"))[0]) == ["created 2"]


def test_nothing_is_deleted_while_the_list_has_entries_without_an_id() -> None:
    state = after(listed(c1="ok", c2="broken"))
    events, state = changes(state, listed(c1="broken"), complete=False)
    assert brief(events) == ["broken 1"]
    # The connection may be back, with all that was known of it.
    assert brief(changes(state, listed(c1="broken", c2="ok"))[0]) == ["recovered 2"]
    assert brief(changes(state, listed(c1="broken"))[0]) == ["deleted 2"]


def test_nothing_is_created_after_a_list_with_entries_without_an_id() -> None:
    _events, state = changes(State(), listed(c1="ok"), complete=False)
    events, state = changes(state, listed(c1="ok", c2="ok", c3="broken"))
    assert brief(events) == ["broken 3"]
    assert brief(changes(state, listed(c1="ok", c2="ok", c3="broken", c4="ok"))[0]) == ["created 4"]


# Sites


def test_only_the_sites_that_are_watched_make_events() -> None:
    records = [connection(1, "broken", 1), connection(2, "broken", 2)]
    events, state = changes(State(), records, site_ids=frozenset([2]))
    assert brief(events) == ["broken 2"]
    assert brief(changes(state, [], site_ids=frozenset([2]))[0]) == ["deleted 2"]


def test_another_choice_of_sites_neither_creates_nor_deletes() -> None:
    first = [connection(1, "ok", 1), connection(2, "broken", 2), connection(3, "broken", 3)]
    _events, state = changes(State(), first, site_ids=frozenset([1, 2]))
    # Site 1 is given up; site 3 is seen for the first time; on site 2 something is new.
    second = [*first, connection(4, "ok", 2), connection(5, "ok", 3)]
    events, state = changes(state, second, site_ids=frozenset([2, 3]))
    assert brief(events) == ["broken 3", "created 4"]
    events, _state = changes(state, second)
    assert events == []


# The API as a whole


def test_outage_is_one_event_and_its_end_another() -> None:
    state = after(listed(c1="ok"))
    events, state = outage(state)
    assert events == [{"type": "unreachable", "connection": None, "previous": None, "account": None}]
    events, state = outage(state)
    assert events == []
    events, state = changes(state, listed(c1="broken"))
    assert brief(events) == ["recovered", "broken 1"]
    assert changes(state, listed(c1="broken"))[0] == []


def test_outage_before_the_first_list_leaves_it_the_first() -> None:
    _events, state = outage(State())
    events, _state = changes(state, listed(c1="ok", c2="expiring"))
    assert brief(events) == ["recovered", "expiring 2"]


# What is in an event and in a state


def test_neither_events_nor_states_have_urls_or_more_than_is_kept() -> None:
    record = publicize_connection(1, FACEBOOK, 1, ENGINES)
    personal = {**record, "health": "broken", "meta": {"links": {"self": "https://x"}}, "connect_url": "https://y"}
    events, state = changes(State(), [personal])
    text = json.dumps([events, to_document(state)])
    assert "http" not in text
    assert personal["refresh_url"] == "https://refresh.example/20"


def test_values_of_another_type_are_left_out() -> None:
    (event,), state = changes(State(), [connection(1, "broken", label={"a": 1}, shared=["b"])])
    assert (event["connection"]["label"], event["connection"]["shared"]) == (None, None)
    assert from_document(json.loads(json.dumps(to_document(state)))) == state


@pytest.mark.parametrize("name", ["{{ lookup('pipe', 'id') }}", "{%- if x %}", "{# x #}", "{{{ x }}}"])
def test_names_are_not_templates(name: str) -> None:
    """ansible-rulebook passes events as extra variables, where a template is evaluated."""
    (event,), state = changes(State(), [connection(1, "broken", external_display=name, external_name=name)])
    text = json.dumps(event)
    assert not any(begin in text for begin in ("{{", "{%", "{#"))
    assert re.sub("{ (?=[{%#])", "{", event["account"]) == name
    # The state has the name as it is: it is compared with what is read.
    assert name in json.dumps(to_document(state))


def test_account_is_as_users_know_it() -> None:
    (event,), _state = changes(State(), [connection(1, "broken", external_display="Fish &amp; Chips")])
    assert event["account"] == "Fish & Chips"


def test_event_can_be_changed_by_a_filter() -> None:
    (event,), state = changes(State(), listed(c1="broken"))
    event["connection"].clear()
    assert changes(state, listed(c1="broken"))[0] == []
    (event,), _state = changes(state, listed(c1="ok"))
    assert event["previous"]["health"] == "broken"


def test_state_of_another_user_is_recognised() -> None:
    state = after(listed(c1="ok"))
    mine, others = connection(2, "ok"), connection(3, "ok", keyring_connection_user_id=2)
    assert is_of_another_user(state, [others])
    for records in ([], [mine], [others, mine], [connection(3, "ok", keyring_connection_user_id=None)]):
        assert not is_of_another_user(state, records)
    assert not is_of_another_user(State(), [others])


# Documents


DOCUMENT = to_document(after(listed(c1="ok", c2="broken")))


@pytest.mark.parametrize("state", [State(), Watched({})])
def test_state_cannot_be_changed(state: Any) -> None:
    """What was not delivered is found out from the state before it."""
    with pytest.raises(FrozenInstanceError):
        state.connections = {}


def test_document_of_a_state() -> None:
    state = State({2: Watched({"id": 2}, "broken"), 1: Watched({"id": 1})}, frozenset([3002, 3001]), False, True)
    assert to_document(state) == {
        "version": 1,
        "sites": [3001, 3002],
        "complete": False,
        "unreachable": True,
        "connections": [
            {"condition": "ok", "connection": {"id": 1}},
            {"condition": "broken", "connection": {"id": 2}},
        ],
    }
    assert to_document(State()) == {
        "version": 1,
        "sites": None,
        "complete": True,
        "unreachable": False,
        "connections": None,
    }


def test_document_of_a_changed_list_is_restored() -> None:
    """Also of a list of some sites, with an entry without an ID, and after an outage."""
    _events, state = changes(State(), listed(c2="broken", c1="ok"), site_ids=frozenset([1, 2]), complete=False)
    _events, state = outage(state)
    assert from_document(json.loads(json.dumps(to_document(state)))) == state
    assert from_document(to_document(State())) == State()


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        ([], "no version"),
        ({}, "no version"),
        ({**DOCUMENT, "version": 2}, "version 1 only"),
        ({**DOCUMENT, "version": True}, "version 1 only"),
        ({"version": 1}, "damaged"),
        ({**DOCUMENT, "connections": {}}, "damaged"),
        ({**DOCUMENT, "connections": [1]}, "damaged"),
        ({**DOCUMENT, "connections": [{"condition": "ok", "connection": {"id": 1}}]}, "damaged"),
        ({**DOCUMENT, "connections": DOCUMENT["connections"][::-1]}, "damaged"),
        ({**DOCUMENT, "connections": [{**DOCUMENT["connections"][0], "condition": "untested"}]}, "damaged"),
        ({**DOCUMENT, "sites": [1, "a"]}, "damaged"),
        ({**DOCUMENT, "sites": [[1]]}, "damaged"),
        ({**DOCUMENT, "api_token": "secret"}, "damaged"),
    ],
)
def test_document_of_something_else_is_refused(document: Any, reason: str) -> None:
    with pytest.raises(ValueError, match=reason) as caught:
        from_document(document)
    assert "secret" not in str(caught.value)


# Properties


class Read(NamedTuple):
    """One read: the healths of the connections by ID, None where the API is unreachable, and how many had no ID."""

    healths: Optional[Mapping[int, str]]
    hidden: frozenset[int]
    delivered: int
    restart: bool


READS = st.lists(
    st.builds(
        Read,
        st.none() | st.dictionaries(st.integers(1, 4), st.sampled_from(HEALTHS), max_size=4),
        st.frozensets(st.integers(1, 4), max_size=1),
        # How many events are delivered before the source is cancelled.
        st.sampled_from([0, 1, 2, 99]),
        st.booleans(),
    ),
    max_size=6,
)


@dataclass
class Consumer:
    """What someone knows who has only seen the events."""

    alarms: dict[int, str] = field(default_factory=dict)
    known: set[int] = field(default_factory=set)
    is_reachable: bool = True
    seen: list[str] = field(default_factory=list)

    def take(self, event: Event) -> None:
        """Learn from an event; none says what is known already."""
        self.seen.append(event["type"])
        if event["connection"] is None:
            assert (event["type"] == "recovered") is not self.is_reachable
            self.is_reachable = not self.is_reachable
            return
        number = event["connection"]["id"]
        if event["type"] == "created":
            assert number not in self.known
            self.known.add(number)
        elif event["type"] == "deleted":
            self.known.remove(number)
            self.alarms.pop(number, None)
        elif event["type"] == "recovered":
            del self.alarms[number]
        else:
            assert self.alarms.get(number) != event["type"]
            self.alarms[number] = event["type"]


@given(READS)
@settings(max_examples=examples(300))
def test_consumer_of_the_events_knows_what_there_is(reads: Sequence[Read]) -> None:
    """Across restarts, outages, cancelled deliveries and lists with entries without an ID."""
    state, consumer = State(), Consumer()
    truth: dict[int, str] = {}
    baseline = False
    for read in reads:
        if read.healths is None:
            events, made = outage(state)
        else:
            complete = not read.hidden.intersection(read.healths)
            records = [connection(n, health) for n, health in read.healths.items() if n not in read.hidden]
            events, made = changes(state, records, complete=complete)
            if not baseline:
                # What existed before is known without an event.
                consumer.known.update(read.healths)
            elif not state.complete:
                consumer.known.update(record["id"] for record in records)
        delivered = events[: read.delivered]
        for event in delivered:
            consumer.take(event)
        if read.healths is not None and len(delivered) == len(events):
            baseline = True
            visible = {n: health for n, health in read.healths.items() if n not in read.hidden}
            kept = {} if complete else {n: health for n, health in truth.items() if n not in visible}
            truth = {
                **kept,
                **{n: h if h in ("ok", "broken", "expiring") else truth.get(n, "ok") for n, h in visible.items()},
            }
            assert consumer.alarms == {n: health for n, health in truth.items() if health != "ok"}
            assert consumer.known >= set(truth)
            assert consumer.is_reachable
        elif read.healths is not None:
            # The source was cancelled: with the same list, the rest is delivered and nothing else.
            rest = without(events[len(delivered) :], state, made)
            again, final = changes(rest, records, complete=complete)
            assert brief(again) == brief(events[len(delivered) :])
            assert to_document(final) == to_document(made)
            return
        state = without(events[len(delivered) :], state, made)
        if read.restart:
            restored = from_document(json.loads(json.dumps(to_document(state))))
            assert restored == state
            state = restored
        if read.healths is not None:
            assert changes(state, records, complete=complete)[0] == []


@given(st.lists(st.sampled_from(HEALTHS), min_size=1, max_size=4), st.randoms(use_true_random=False))
@settings(max_examples=examples(50))
def test_order_of_the_list_does_not_matter(healths: Sequence[str], random: Any) -> None:
    before = [connection(n, health) for n, health in enumerate(healths, 1)]
    now = [connection(n, health) for n, health in enumerate(reversed(healths), 2)]
    shuffled = random.sample(now, len(now))
    assert changes(after(before), shuffled) == changes(after(before), now)
