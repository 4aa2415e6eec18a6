# Copyright (c) The community.wpcom authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every write is done exactly once, or the error says what is known; whatever becomes of the answers."""

from __future__ import annotations

import time
from typing import Any, Callable, NamedTuple

import pytest
import requests

from ansible_collections.community.wpcom.plugins.module_utils._api.client import Api
from ansible_collections.community.wpcom.plugins.module_utils._errors import (
    ApiError,
    IgnoredWriteError,
    IndeterminateWriteError,
    ResponseError,
    UnconfirmedWriteError,
    WpcomError,
)
from ansible_collections.community.wpcom.plugins.module_utils._http.request import Request, Response
from ansible_collections.community.wpcom.plugins.module_utils._operations import (
    CreatePublicizeConnection,
    DeleteConnectedApplication,
    DeleteKeyringConnection,
    DeletePublicizeConnection,
    FindAccount,
    FindSite,
    GetAccount,
    GetConnectedApplication,
    GetKeyringConnection,
    GetPublicizeConnection,
    GetService,
    ListConnectedApplications,
    ListKeyringConnections,
    ListPublicizeConnections,
    ListServices,
    ListSitePublicizeConnections,
    ListSites,
    Query,
    UpdatePublicizeConnection,
)
from ansible_collections.community.wpcom.tests.simulator import Simulator
from ansible_collections.community.wpcom.tests.unit.support import (
    TOKEN,
    Naps,
    Script,
    api,
    brief,
    json_response,
    page,
    transport,
)

BLOG = [5001, 5002, 5005, 5006, 5012]
NEW = "/sites/3001/publicize-connections/new"


def create(made: Api, known_ids: frozenset[int] = frozenset(BLOG), **more: Any) -> Any:
    """Connect the blog with the LinkedIn account of 2002, which it does not have yet."""
    return made.apply(
        CreatePublicizeConnection("3001", 2002, shared=True, external_id="211", known_ids=known_ids, **more)
    )


class Write(NamedTuple):
    """One write: how it is made, where it goes, and what the world is afterwards."""

    send: Callable[[Api], Any]
    path: str
    # The section of the state, the ID, and the values that it must have; None where it must be gone.
    section: str
    number: int
    values: Any


WRITES = {
    "create": Write(
        create,
        NEW,
        "publicize_connections",
        5016,
        {"site_ID": 3001, "keyring_connection_ID": 2002, "shared": True, "external_user_ID": "211"},
    ),
    "update": Write(
        lambda made: made.apply(UpdatePublicizeConnection(5002, shared=True)),
        "/me/publicize-connections/5002",
        "publicize_connections",
        5002,
        {"shared": True},
    ),
    "update_on_site": Write(
        lambda made: made.apply(UpdatePublicizeConnection(5001, "blog.example.com", external_id="112")),
        "/sites/blog.example.com/publicize-connections/5001",
        "publicize_connections",
        5001,
        {"external_user_ID": "112"},
    ),
    "delete": Write(
        lambda made: made.apply(DeletePublicizeConnection(5002)),
        "/me/publicize-connections/5002/delete",
        "publicize_connections",
        5002,
        None,
    ),
    "delete_on_site": Write(
        lambda made: made.apply(DeletePublicizeConnection(5002, "3001")),
        "/sites/3001/publicize-connections/5002/delete",
        "publicize_connections",
        5002,
        None,
    ),
    "keyring": Write(
        lambda made: made.apply(DeleteKeyringConnection(2008)),
        "/me/keyring-connections/2008/delete",
        "keyring_connections",
        2008,
        None,
    ),
    "application": Write(
        lambda made: made.apply(DeleteConnectedApplication(7002)),
        "/me/connected-applications/7002/delete",
        "applications",
        7002,
        None,
    ),
}
AMBIGUOUS = {
    "cut": {"kind": "cut"},
    "truncate": {"kind": "truncate"},
    "500": {"kind": "status", "status": 500},
    "501": {"kind": "status", "status": 501},
    "502": {"kind": "status", "status": 502, "body": "<html>Bad gateway</html>"},
    "503": {"kind": "status", "status": 503},
    "504": {"kind": "status", "status": 504},
    "garbage": {"kind": "garbage"},
    "bad_encoding": {"kind": "bad_encoding"},
    "wrong_shape": {"kind": "wrong_shape"},
    "wrong_object": {"kind": "wrong_shape", "body": {"hello": "world"}},
    "null": {"kind": "wrong_shape", "body": None},
    "html": {"kind": "html"},
    "empty": {"kind": "empty"},
    "limit_reached": {"kind": "limit_reached"},
}
every_write = pytest.mark.parametrize("write", WRITES.values(), ids=WRITES)
every_fault = pytest.mark.parametrize("fault", AMBIGUOUS.values(), ids=AMBIGUOUS)
before_and_after = pytest.mark.parametrize("when", ["before", "after"])


def without_dates(state: dict[str, Any]) -> dict[str, dict[int, Any]]:
    """Return a state by section and ID, without what the clock decides."""
    return {
        section: {row["ID"]: {key: value for key, value in row.items() if key != "issued"} for row in rows}
        for section, rows in state.items()
    }


def expected_state(before: dict[str, Any], write: Write) -> dict[str, dict[int, Any]]:
    """Return the state that a write leads to."""
    expected = without_dates(before)
    rows = expected[write.section]
    if write.values is None:
        del rows[write.number]
    elif write.number in rows:
        rows[write.number].update(write.values)
    else:
        rows[write.number] = {"ID": write.number, **write.values, "status": "ok"}
    return expected


def posts(simulator: Simulator) -> list[dict[str, Any]]:
    """Return the writes in the log."""
    return simulator.requests("POST")


def check_result(write: Write, result: Any) -> None:
    """The answer of a create or update is the record, that of a deletion whether it was there."""
    if write.values is None:
        assert result is True
    else:
        assert result["id"] == write.number


@every_write
def test_write_without_trouble(simulator: Simulator, write: Write) -> None:
    """One request, no reading back, and the world is as asked."""
    before = simulator.state()
    check_result(write, write.send(api(simulator.url)))
    assert brief(simulator.requests()) == [f"POST {write.path}"]
    assert without_dates(simulator.state()) == expected_state(before, write)


@every_write
@every_fault
@before_and_after
def test_lost_answer(simulator: Simulator, write: Write, fault: dict[str, Any], when: str) -> None:
    """Done: success with one write. Not done: once more. Either way exactly once."""
    before = simulator.state()
    simulator.fault(method="POST", when=when, **fault)
    naps = Naps()
    check_result(write, write.send(api(simulator.url, naps=naps)))
    assert without_dates(simulator.state()) == expected_state(before, write)
    assert [entry["path"] for entry in posts(simulator)] == [write.path] * (2 if when == "before" else 1)
    assert [entry["applied"] for entry in posts(simulator)].count(True) == 1
    # The truth was read between the two.
    assert simulator.requests()[1]["method"] == "GET"
    first = 60 if fault["kind"] == "limit_reached" else 1
    if fault.get("status") == 504 and when == "before":
        # Behind a gateway that gave up the server may still be at work, which counts most where it would make two.
        assert naps == [
            1,
            2,
            4,
            *([60] * 3 if write.section == "publicize_connections" and "new" in write.path else []),
        ]
    else:
        assert naps == [first]


@every_write
@pytest.mark.parametrize("fault", ["cut", "502", "html"])
@before_and_after
def test_lost_answer_without_retries(simulator: Simulator, write: Write, fault: str, when: str) -> None:
    """With retries=0 nothing is sent again, but the truth is still read: done is success."""
    before = simulator.state()
    simulator.fault(method="POST", when=when, **AMBIGUOUS[fault])
    made = api(simulator.url, retries=0)
    if when == "after":
        check_result(write, write.send(made))
        assert without_dates(simulator.state()) == expected_state(before, write)
    else:
        with pytest.raises(IndeterminateWriteError) as caught:
            write.send(made)
        assert "nothing was written" in caught.value.message
        assert simulator.state() == before
    assert len(posts(simulator)) == 1
    assert simulator.requests("GET")


@every_write
@pytest.mark.parametrize("fault", ["cut", "503", "empty"])
def test_response_lost_each_time(simulator: Simulator, write: Write, fault: str) -> None:
    before = simulator.state()
    simulator.fault(method="POST", times=-1, **AMBIGUOUS[fault])
    with pytest.raises(IndeterminateWriteError) as caught:
        write.send(api(simulator.url, retries=3))
    assert "nothing was written" in caught.value.message
    assert simulator.state() == before
    # Four writes, and after each of them the truth is read back.
    assert [entry["method"] for entry in simulator.requests()][0::2] == ["POST"] * 4
    assert len(posts(simulator)) == 4


@every_write
@pytest.mark.parametrize("fault", ["cut", "502", "html"])
@pytest.mark.parametrize("failures", [2, 3])
@before_and_after
def test_response_lost_several_times(simulator: Simulator, write: Write, fault: str, failures: int, when: str) -> None:
    before = simulator.state()
    simulator.fault(method="POST", times=failures - 1, **AMBIGUOUS[fault])
    simulator.fault(method="POST", when=when, **AMBIGUOUS[fault])
    check_result(write, write.send(api(simulator.url, retries=3)))
    assert without_dates(simulator.state()) == expected_state(before, write)
    assert [entry["applied"] for entry in posts(simulator)].count(True) == 1
    assert len(posts(simulator)) == failures + (when == "before")


@every_write
def test_refused_the_second_time_and_not_to_be_read_back(simulator: Simulator, write: Write) -> None:
    """What the server said is told, and that nobody knows what became of the first request."""
    simulator.fault(method="POST", kind="cut", when="before")
    simulator.fault(method="POST", kind="status", status=400, body={"error": "insert_error", "message": "No."})
    simulator.fault(method="GET", kind="status", status=500, skip=1, times=-1)
    with pytest.raises(UnconfirmedWriteError) as caught:
        write.send(api(simulator.url, retries=1))
    assert "insert_error" in caught.value.message
    assert "could not be read back" in caught.value.message
    assert len(posts(simulator)) == 2


@every_write
def test_second_answer_lost_too(simulator: Simulator, write: Write) -> None:
    """Not done the first time, done the second, both answers lost."""
    before = simulator.state()
    simulator.fault(method="POST", kind="cut", when="before")
    simulator.fault(method="POST", kind="cut", when="after")
    check_result(write, write.send(api(simulator.url)))
    assert without_dates(simulator.state()) == expected_state(before, write)
    assert len(posts(simulator)) == 2


@every_write
@before_and_after
def test_truth_cannot_be_read_back(simulator: Simulator, write: Write, when: str) -> None:
    """Then nothing is sent again, and the error says what to do."""
    simulator.fault(method="POST", kind="cut", when=when)
    simulator.fault(method="GET", kind="status", status=500, times=-1)
    with pytest.raises(UnconfirmedWriteError) as caught:
        write.send(api(simulator.url, retries=1))
    error = caught.value
    assert error.code == "unconfirmed_write"
    assert "Run the task again" in error.message
    assert (error.method, error.path) == ("POST", write.path)
    assert len(posts(simulator)) == 1


@every_write
@before_and_after
def test_read_back_has_retries_of_its_own(simulator: Simulator, write: Write, when: str) -> None:
    """A read that fails once does not make a write unconfirmed."""
    before = simulator.state()
    simulator.fault(method="POST", kind="status", status=502, when=when)
    simulator.fault(method="GET", kind="cut")
    check_result(write, write.send(api(simulator.url)))
    assert without_dates(simulator.state()) == expected_state(before, write)


@every_write
def test_throttled_write(simulator: Simulator, write: Write) -> None:
    """A 429 did nothing: no reading back, the same again."""
    before = simulator.state()
    simulator.fault(method="POST", kind="throttle", retry_after=2, times=2)
    naps = Naps()
    check_result(write, write.send(api(simulator.url, naps=naps)))
    assert brief(simulator.requests()) == [f"POST {write.path}"] * 3
    assert naps == [2, 2]
    assert without_dates(simulator.state()) == expected_state(before, write)


@every_write
def test_throttled_after_a_lost_answer(simulator: Simulator, write: Write) -> None:
    """Both in a row."""
    before = simulator.state()
    simulator.fault(method="POST", kind="cut")
    simulator.fault(method="POST", kind="throttle")
    check_result(write, write.send(api(simulator.url)))
    assert len(posts(simulator)) == 3
    assert without_dates(simulator.state()) == expected_state(before, write)


@every_write
@pytest.mark.parametrize("status", [400, 401, 403, 409])
def test_refused_write(simulator: Simulator, write: Write, status: int) -> None:
    """A refusal is final, and no truth is read back."""
    before = simulator.state()
    simulator.fault(method="POST", kind="status", status=status, body={"error": "invalid_input", "message": "No."})
    with pytest.raises(ApiError) as caught:
        write.send(api(simulator.url))
    assert (caught.value.status, caught.value.code) == (status, "invalid_input")
    assert brief(simulator.requests()) == [f"POST {write.path}"]
    assert simulator.state() == before


@every_write
def test_redirected_write(simulator: Simulator, write: Write) -> None:
    """A redirect is an error and sends nothing elsewhere."""
    before = simulator.state()
    simulator.fault(method="POST", kind="redirect", location=simulator.url + "/rest/v1.1" + write.path)
    with pytest.raises(ResponseError) as caught:
        write.send(api(simulator.url))
    assert "redirected" in caught.value.message
    assert len(posts(simulator)) == 1
    assert simulator.state() == before


# Time-outs


def settled(simulator: Simulator, count: int) -> None:
    """Wait until the simulator has answered so many writes, those among them that nobody waits for."""
    for _moment in range(200):
        done = [entry for entry in posts(simulator) if entry["status"] is not None]
        if len(done) >= count:
            return
        time.sleep(0.02)
    raise AssertionError(f"no {count} writes: {brief(simulator.requests())}")


@every_write
def test_time_out_after_it_was_done(simulator: Simulator, write: Write) -> None:
    """The server did it and was slow to say so: one write."""
    before = simulator.state()
    simulator.fault(method="POST", kind="delay", seconds=0.6, when="after")
    check_result(write, write.send(api(simulator.url, timeout=0.3)))
    settled(simulator, 1)
    assert len(posts(simulator)) == 1
    assert without_dates(simulator.state()) == expected_state(before, write)


@every_write
def test_time_out_while_it_is_being_done(simulator: Simulator, write: Write) -> None:
    """The server does it while we look: more than one look sees it."""
    before = simulator.state()
    simulator.fault(method="POST", kind="delay", seconds=0.5)
    naps = Naps()

    def sleep(seconds: float) -> None:
        naps(seconds)
        time.sleep(seconds / 10)

    check_result(write, write.send(api(simulator.url, timeout=0.3, naps=sleep)))
    settled(simulator, 1)
    assert len(posts(simulator)) == 1
    assert naps[:2] == [1, 2]
    assert without_dates(simulator.state()) == expected_state(before, write)


@every_write
def test_time_out_and_done_after_the_second_try(simulator: Simulator, write: Write) -> None:
    """The server does both, the first one last: still once, as a server that knows duplicates answers with the one there."""
    before = simulator.state()
    simulator.fault(method="POST", kind="delay", seconds=0.6)
    check_result(write, write.send(api(simulator.url, timeout=0.3)))
    settled(simulator, 2)
    assert without_dates(simulator.state()) == expected_state(before, write)


def test_time_out_of_a_second() -> None:
    """The same with the real clock and real pauses, on a server that makes a second one of everything."""
    with Simulator(switches={"create_duplicate": "second"}) as simulator:
        before = simulator.state()
        simulator.fault(method="POST", kind="delay", seconds=1.4)
        record = create(api(simulator.url, timeout=1, naps=time.sleep))
        settled(simulator, 1)
        assert record["id"] == 5016
        assert len(posts(simulator)) == 1
        assert without_dates(simulator.state()) == expected_state(before, WRITES["create"])


# Never two


def late_create(simulator: Simulator) -> None:
    """Do what a first try asked for, as a server that had been slow."""
    answer = requests.post(
        f"{simulator.url}/rest/v1.1{NEW}",
        json={"keyring_connection_ID": 2002, "shared": True, "external_user_ID": "211"},
        headers={"Authorization": f"Bearer {TOKEN}"},
        timeout=10,
    )
    assert answer.status_code in (200, 400)


def ours_on_blog(simulator: Simulator) -> list[int]:
    """Return the connections that the blog has more than before."""
    rows = simulator.state()["publicize_connections"]
    return [row["ID"] for row in rows if row["site_ID"] == 3001 and row["ID"] not in BLOG]


@pytest.mark.parametrize("duplicate", ["existing", "second", "error"])
@pytest.mark.parametrize("second_answer", ["whole", "lost"])
def test_first_try_done_late(simulator: Simulator, duplicate: str, second_answer: str) -> None:
    """It is done after the truth was read and before the second try: whatever the server makes of that, one stays."""
    simulator.settings(switches={"create_duplicate": duplicate})
    speaking = transport(simulator.url)
    made = Api(speaking)
    send = speaking.send
    tries: list[str] = []

    def send_after_the_late_one(request: Request) -> Response:
        tries.extend([request.path] if request.is_write else [])
        if request.is_write and tries == [NEW, NEW]:
            late_create(simulator)
            if second_answer == "lost":
                simulator.fault(method="POST", kind="cut", when="after")
        return send(request)

    speaking.send = send_after_the_late_one  # type: ignore[method-assign]
    simulator.fault(method="POST", kind="cut")
    record = create(made)
    assert ours_on_blog(simulator) == [record["id"]]
    assert record["external_id"] == "211"
    assert record["shared"] is True


@pytest.mark.parametrize("duplicate", ["existing", "second", "error"])
@pytest.mark.parametrize("fault", ["cut", "truncate", "502", "html"])
def test_list_that_lags_behind(simulator: Simulator, duplicate: str, fault: str) -> None:
    """The list does not show the new one yet when the truth is read: still one in the end."""
    simulator.settings(switches={"create_duplicate": duplicate, "create_read_back": "late"})
    simulator.fault(method="POST", when="after", **AMBIGUOUS[fault])
    record = create(api(simulator.url))
    assert ours_on_blog(simulator) == [record["id"]]


@pytest.mark.parametrize("duplicate", ["existing", "second", "error"])
def test_first_try_done_during_the_last_pause(simulator: Simulator, duplicate: str) -> None:
    """A server that timed out is waited for once more for the whole timeout, and what it did meanwhile is found."""
    simulator.settings(switches={"create_duplicate": duplicate})
    simulator.fault(method="POST", kind="delay", seconds=0.6, when="before")

    def sleep(seconds: float) -> None:
        if seconds == 0.3:
            settled(simulator, 1)

    record = create(api(simulator.url, timeout=0.3, naps=sleep))
    assert ours_on_blog(simulator) == [record["id"]]
    assert len(posts(simulator)) == 1


def test_connections_of_others_are_not_adopted(simulator: Simulator) -> None:
    """Somebody else's new connection, or mine for another external user, is not the one that was asked for."""
    simulator.patch(
        publicize_connections=[
            {"ID": 6001, "site_ID": 3001, "keyring_connection_ID": 2102},
            {"ID": 6002, "site_ID": 3001, "keyring_connection_ID": 2002, "external_user_ID": "212"},
            {"ID": 6003, "site_ID": 3002, "keyring_connection_ID": 2002, "external_user_ID": "211"},
        ]
    )
    simulator.fault(method="POST", kind="cut")
    record = create(api(simulator.url))
    assert record["id"] == 6004
    assert len(posts(simulator)) == 2
    assert ours_on_blog(simulator) == [6001, 6002, 6004]


def test_connection_that_was_there_before_is_not_adopted(simulator: Simulator) -> None:
    """What was known before the create is not its result."""
    simulator.patch(
        publicize_connections=[
            {"ID": 6001, "site_ID": 3001, "keyring_connection_ID": 2002, "external_user_ID": "211", "shared": True}
        ]
    )
    simulator.settings(switches={"create_duplicate": "second"})
    simulator.fault(method="POST", kind="cut")
    record = create(api(simulator.url), known_ids=frozenset([*BLOG, 6001]))
    assert record["id"] == 6002
    assert ours_on_blog(simulator) == [6001, 6002]


@pytest.mark.parametrize("write", ["delete", "delete_on_site"])
def test_deletion_that_lingers(simulator: Simulator, write: str) -> None:
    """The next read still shows it: the second try hears that it is gone, which is success."""
    simulator.settings(switches={"delete_read_back": "lingers"})
    before = simulator.state()
    simulator.fault(method="POST", kind="cut", when="after")
    WRITES[write].send(api(simulator.url))
    assert without_dates(simulator.state()) == expected_state(before, WRITES[write])
    assert [entry["status"] for entry in posts(simulator)] == [None, 404]


# A server that does something else


@pytest.mark.parametrize(
    ("switch", "told"),
    [
        ("drop_shared", "shared is False instead of True"),
        ("drop_external_user", "external_id is '900002' instead of '211'"),
    ],
)
def test_create_that_drops_a_key(simulator: Simulator, switch: str, told: str) -> None:
    """What was dropped is named, and the record that came of it is there."""
    simulator.settings(switches={switch: True})
    with pytest.raises(IgnoredWriteError) as caught:
        create(api(simulator.url))
    error = caught.value
    assert error.code == "ignored_write"
    assert told in error.message
    assert error.result["connection"]["id"] == 5016
    assert error.result["changed"] is True
    assert len(posts(simulator)) == 1


@pytest.mark.parametrize(("write", "switch"), [("update", "drop_shared"), ("update_on_site", "drop_external_user")])
@pytest.mark.parametrize("lost", [False, True])
def test_update_that_drops_a_key(simulator: Simulator, write: str, switch: str, lost: bool) -> None:
    """The same for an update, also where the first answer was lost."""
    simulator.settings(switches={switch: True})
    before = simulator.state()
    if lost:
        simulator.fault(method="POST", kind="cut", when="after")
    with pytest.raises(IgnoredWriteError) as caught:
        WRITES[write].send(api(simulator.url))
    assert caught.value.result["connection"]["id"] == WRITES[write].number
    assert simulator.state() == before


@pytest.mark.parametrize("write", ["delete", "delete_on_site", "keyring"])
def test_deletion_that_does_not_delete(simulator: Simulator, write: str) -> None:
    """An answer of deleted: false is no success."""
    before = simulator.state()
    simulator.fault(method="POST", kind="wrong_shape", body={"ID": 1, "deleted": False})
    with pytest.raises(IgnoredWriteError) as caught:
        WRITES[write].send(api(simulator.url))
    assert "did not delete" in caught.value.message
    assert simulator.state() == before


def test_revocation_that_does_not_revoke(simulator: Simulator) -> None:
    """Nor is one of success: false."""
    simulator.fault(method="POST", kind="wrong_shape", body={"success": False})
    with pytest.raises(IgnoredWriteError):
        api(simulator.url).apply(DeleteConnectedApplication(7002))


# What is gone already


@pytest.mark.parametrize("write", ["delete", "delete_on_site", "keyring", "application"])
@pytest.mark.parametrize("form", ["not_found", "empty"])
def test_deleting_what_is_gone(simulator: Simulator, write: str, form: str) -> None:
    """It is success, in whichever form the server says so."""
    simulator.settings(switches={"keyring_not_found_form": form})
    number, section = WRITES[write].number, WRITES[write].section
    simulator.patch(delete={section: [number]})
    before = simulator.state()
    assert WRITES[write].send(api(simulator.url)) is False
    assert len(posts(simulator)) == 1
    assert simulator.state() == before


@pytest.mark.parametrize("write", ["delete", "delete_on_site", "keyring", "application"])
def test_empty_404_is_believed_only_where_the_list_agrees(simulator: Simulator, write: str) -> None:
    """An empty 404 may be a wrong route: the thing is still there, so that it is an error."""
    before = simulator.state()
    simulator.fault(path=WRITES[write].path, kind="status", status=404, body="", content_type="text/plain", times=-1)
    with pytest.raises(ApiError) as caught:
        WRITES[write].send(api(simulator.url))
    assert caught.value.is_empty_not_found
    assert simulator.state() == before


def test_empty_404_of_a_keyring_connection(simulator: Simulator) -> None:
    """Reading one that is not there: the list decides."""
    simulator.settings(switches={"keyring_not_found_form": "empty"})
    assert api(simulator.url).fetch(GetKeyringConnection(2999)) is None
    assert brief(simulator.requests()) == ["GET /me/keyring-connections/2999", "GET /me/keyring-connections"]


READS: dict[str, tuple[Callable[[Api], Any], str]] = {
    "publicize": (lambda made: made.fetch(GetPublicizeConnection(5001)), "/me/publicize-connections/5001"),
    "publicize on site": (
        lambda made: made.fetch(GetPublicizeConnection(5001, "3001")),
        "/sites/3001/publicize-connections/5001",
    ),
    "keyring": (lambda made: made.fetch(GetKeyringConnection(2001)), "/me/keyring-connections/2001"),
    "application": (lambda made: made.fetch(GetConnectedApplication(7001)), "/me/connected-applications/7001"),
}


@pytest.mark.parametrize(("get", "path"), READS.values(), ids=READS)
def test_empty_404_of_what_the_list_shows(simulator: Simulator, get: Callable[[Api], Any], path: str) -> None:
    """A route that answers an empty 404 while the list has the thing is an error, not absence."""
    assert get(api(simulator.url))["id"] == int(path.rsplit("/", 1)[1])
    simulator.fault(path=path, kind="status", status=404, body="", content_type="text/plain", times=-1)
    with pytest.raises(ApiError) as caught:
        get(api(simulator.url))
    assert caught.value.is_empty_not_found


@pytest.mark.parametrize(("get", "path"), READS.values(), ids=READS)
def test_other_404_is_an_error(simulator: Simulator, get: Callable[[Api], Any], path: str) -> None:
    """A 404 with another slug says something else."""
    simulator.fault(path=path, kind="status", status=404, body={"error": "unknown_blog", "message": ""}, times=-1)
    with pytest.raises(ApiError) as caught:
        get(api(simulator.url))
    assert caught.value.code == "unknown_blog"
    assert len(simulator.requests()) == 1


@pytest.mark.parametrize(("get", "path"), READS.values(), ids=READS)
@pytest.mark.parametrize("document", [[], None, 5, "x", {}, {"ID": 0}, {"ID": None}, {"hello": 1}])
def test_record_without_id_is_a_response_error(get: Callable[[Api], Any], path: str, document: Any) -> None:
    """Whatever has no ID is not the thing that was asked for."""
    script = Script(json_response(document))
    with pytest.raises(ResponseError) as caught:
        get(api("http://api.invalid", script=script))
    assert "expected form" in caught.value.message
    assert len(script.sent) == 1


LISTS: dict[str, tuple[Callable[[Api], Any], str]] = {
    "publicize": (lambda made: made.fetch(ListPublicizeConnections()), "connections"),
    "on site": (lambda made: made.fetch(ListSitePublicizeConnections("3001")), "connections"),
    "keyring": (lambda made: made.fetch(ListKeyringConnections()), "connections"),
    "applications": (lambda made: made.fetch(ListConnectedApplications()), "connected_applications"),
    "services": (lambda made: made.fetch(ListServices()), "services"),
    "sites": (lambda made: made.fetch(ListSites()), "sites"),
}


@pytest.mark.parametrize(("get", "key"), LISTS.values(), ids=LISTS)
@pytest.mark.parametrize("inner", [None, 5, "x", False])
def test_list_of_the_wrong_shape_is_a_response_error(get: Callable[[Api], Any], key: str, inner: Any) -> None:
    """What is not a list is a clear error."""
    for document in ({key: inner}, {"other": []}, [], None):
        with pytest.raises(ResponseError) as caught:
            get(api("http://api.invalid", script=Script(json_response(document))))
        assert f"no list '{key}'" in caught.value.message


@pytest.mark.parametrize(("get", "key"), LISTS.values(), ids=LISTS)
def test_list_as_php_sends_it(get: Callable[[Api], Any], key: str) -> None:
    """A list with gaps comes as an object, an empty map as a list."""
    row = {"ID": "7", "site": False}
    records = get(api("http://api.invalid", script=Script(json_response({key: {"0": row, "5": row}}))))
    assert [str(record["id"]) for record in records] == ["7", "7"]
    assert get(api("http://api.invalid", script=Script(json_response({key: []})))) == []
    assert get(api("http://api.invalid", script=Script(json_response({key: {}})))) == []


BAD_ENTRIES = [None, 5, "x", [], {}, {"meta": {"links": {}}}, {"ID": 0}, {"ID": None}, {"ID": False}, {"ID": {"a": 1}}]


@pytest.mark.parametrize(("get", "key"), LISTS.values(), ids=LISTS)
@pytest.mark.parametrize("form", [list, lambda entries: {str(number): entry for number, entry in enumerate(entries)}])
def test_entries_without_id_are_left_out_and_counted(
    get: Callable[[Api], Any], key: str, form: Callable[[list[Any]], Any]
) -> None:
    """One bad entry does not spoil the rest, and is not left out silently."""
    good = {"ID": "7", "site": False}
    made = api("http://api.invalid", script=Script(json_response({key: form([*BAD_ENTRIES, good])})))
    assert [str(record["id"]) for record in get(made)] == ["7"]
    (notice,) = made.notices
    assert f"has {len(BAD_ENTRIES)} entries without an ID" in notice
    assert "GET /" in notice


@pytest.mark.parametrize(("get", "key"), LISTS.values(), ids=LISTS)
def test_one_entry_without_id_and_a_list_that_is_read_again(get: Callable[[Api], Any], key: str) -> None:
    """The notice is about the response that was read last."""
    script = Script(json_response({key: [{"meta": {}}]}), json_response({key: []}))
    made = api("http://api.invalid", script=script)
    assert get(made) == []
    assert "has 1 entry without an ID" in made.notices[0]
    assert get(made) == []
    assert made.notices == []


# The endpoints


@pytest.mark.parametrize(
    ("call", "line", "query"),
    [
        (
            ListPublicizeConnections(service="facebook", keyring_connection_id=2001),
            "GET /me/publicize-connections",
            {"service": "facebook", "keyring_connection_ID": "2001"},
        ),
        (
            ListSitePublicizeConnections("3001", service="facebook", keyring_connection_id=2001),
            "GET /sites/3001/publicize-connections",
            {"service": "facebook", "keyring_connection_ID": "2001"},
        ),
        (
            ListKeyringConnections(site="3001", refetch_external_users=True, test=True),
            "GET /me/keyring-connections",
            {"site": "3001", "force_external_users_refetch": "1", "force_connection_test": "1"},
        ),
        (
            GetKeyringConnection(2001, test=True),
            "GET /me/keyring-connections/2001",
            {"force_connection_test": "1"},
        ),
        (
            GetService("instagram-business"),
            "GET /meta/external-services/instagram-business",
            {},
        ),
        (GetAccount(), "GET /me", {}),
        (ListSites((("fields", "ID"),)), "GET /me/sites", {"fields": "ID"}),
        (FindSite("blog.example.com"), "GET /sites/blog.example.com", {}),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_endpoint(simulator: Simulator, call: Query[Any], line: str, query: dict[str, str]) -> None:
    """Each method asks its endpoint, with the parameters of the API and no others."""
    assert api(simulator.url).fetch(call)
    (entry,) = simulator.requests()
    assert brief([entry]) == [line]
    assert entry["query"] == query


def test_names_are_quoted_in_paths() -> None:
    """No site or service leads to another endpoint."""
    script = Script(json_response({"ID": "x", "connections": []}))
    made = api("http://api.invalid", script=script)
    made.fetch(ListSitePublicizeConnections("a/../b?x=1#y"))
    made.fetch(GetService("../me"))
    assert [sent.request.path_url for sent in script.sent] == [
        "/rest/v1.1/sites/a%2F..%2Fb%3Fx%3D1%23y/publicize-connections/",
        "/rest/v1.1/meta/external-services/..%2Fme",
    ]


def test_unknown_service_is_none(simulator: Simulator) -> None:
    """A service that is not there is no error."""
    assert api(simulator.url).fetch(GetService("myspace")) is None


def test_other_errors_of_a_service_are_errors(simulator: Simulator) -> None:
    """But an error is one."""
    simulator.fault(kind="status", status=400)
    with pytest.raises(ApiError):
        api(simulator.url).fetch(GetService("facebook"))


@pytest.mark.parametrize(("token", "found"), [("sim-token", True), ("sim-token-sharing", False)])
def test_account_and_site_as_far_as_the_scope_goes(simulator: Simulator, token: str, found: bool) -> None:
    """What the scope does not cover is None for those who only want to know more."""
    made = api(simulator.url, api_token=token)
    assert bool(made.fetch(FindAccount())) is found
    assert bool(made.fetch(FindSite("3001"))) is found


def test_other_refusals_are_errors(simulator: Simulator) -> None:
    """A site that is not there is told."""
    with pytest.raises(WpcomError) as caught:
        api(simulator.url).fetch(FindSite("nowhere.example.com"))
    assert caught.value.code == "unknown_blog"


def test_page_in_place_of_everything() -> None:
    """A portal that answers every request: no write is done and the error says so."""
    script = Script(page("<html>Log in</html>"))
    with pytest.raises(UnconfirmedWriteError):
        api("http://api.invalid", script=script).apply(DeletePublicizeConnection(5002))
    assert script.methods == ["POST", "GET"]
