"""Who is connected, by the word of a region that may say anything."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stronghouse.kernel.canonical import Json
from stronghouse.kernel.errors import TooMany, Unavailable
from stronghouse.regions.jobs import JobFailed
from stronghouse.services.connections import ConnectedClient, Connections, find_connections
from stronghouse.services.model import Service, ServiceState, Wanted
from tests.support.control_plane import NotedJobs

SERVICE = Service(
    id="11111111-1111-4111-8111-111111111111",
    organization_id="22222222-2222-4222-8222-222222222222",
    region="local",
    slot=0,
    name="demo",
    state=ServiceState.RUNNING,
    wanted=Wanted.RUNNING,
    version=1,
    reason=None,
    engine_version=None,
    key_id=None,
    ip_access=(),
    username="default",
    password_sha256="",
    idle_scaling=True,
    idle_timeout_minutes=15,
    memory_gb=8,
    created_at=datetime(2026, 11, 23, tzinfo=UTC),
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=12), inner, max_size=3),
    max_leaves=8,
)


def answer(*pairs: tuple[Any, Any], **fields: Any) -> dict[str, Json]:
    listed = [{"address": address, "connections": count} for address, count in pairs]
    return {"taken_at": "2026-11-23T12:00:00.000Z", "connections": listed, "complete": True, **fields}


def ask(told: Json) -> Connections:
    return find_connections(NotedJobs(answers={"connections": told}), SERVICE)


def test_the_services_own_region_is_asked_about_it() -> None:
    jobs = NotedJobs(answers={"connections": answer(("127.0.0.1", 1), ("::1", 7))})
    found = find_connections(jobs, SERVICE)
    assert jobs.called == [("local", "connections", {"service_id": SERVICE.id})]
    assert found.taken_at == datetime(2026, 11, 23, 12, tzinfo=UTC)
    assert found.entries == (ConnectedClient("::1", 7), ConnectedClient("127.0.0.1", 1))
    assert found.complete


def test_addresses_come_in_one_spelling() -> None:
    found = ask(answer(("2001:DB8:0::1", 2), ("::ffff:192.0.2.1", 1), complete=False))
    assert [entry.address for entry in found.entries] == ["2001:db8::1", "192.0.2.1"]
    assert not found.complete


@pytest.mark.parametrize(
    "told",
    [
        None,
        [],
        "nobody",
        {},
        answer(connections={}),
        answer(connections=["127.0.0.1"]),
        answer(complete="yes"),
        answer(taken_at=0),
        answer(taken_at="yesterday"),
        answer(taken_at="2026-11-23T12:00:00"),
        answer(taken_at="0001-01-01T00:00:00+23:00"),
        answer(("localhost", 1)),
        answer(("fe80::1%<script>", 1)),
        answer((2130706433, 1)),
        answer(("127.0.0.1", 0)),
        answer(("127.0.0.1", -1)),
        answer(("127.0.0.1", True)),
        answer(("127.0.0.1", "1")),
        answer(("127.0.0.1", 10**30)),
        answer(("127.0.0.1", 1), ("127.0.0.1", 1)),
        answer(("127.0.0.1", 1), ("::ffff:127.0.0.1", 1)),
        answer(*((f"10.0.{number // 250}.{number % 250}", 1) for number in range(1001))),
    ],
)
def test_an_answer_that_makes_no_sense_is_no_answer(told: Json) -> None:
    with pytest.raises(Unavailable, match="cannot be understood") as refused:
        ask(told)
    assert refused.value.code == "region_answer_malformed"


@given(JSON)
def test_whatever_a_region_says_ends_in_an_answer_or_in_that_error(told: Json) -> None:
    with pytest.raises(Unavailable):
        ask(told)


def test_a_silent_region_is_told_by_name() -> None:
    with pytest.raises(Unavailable, match=r"not known\. Region local did not answer within 3 s\.") as refused:
        find_connections(NotedJobs(), SERVICE)
    assert refused.value.code == "region_silent"


def test_a_region_with_too_much_to_do_cannot_tell_either() -> None:
    with pytest.raises(Unavailable, match="too many jobs"):
        find_connections(NotedJobs(answers={"connections": TooMany("The region has too many jobs.")}), SERVICE)


def test_the_words_of_a_region_cannot_steer_a_terminal_or_fill_it() -> None:
    failure = JobFailed("no\x1b[2Jw\n" + "x" * 2000)
    with pytest.raises(Unavailable) as refused:
        find_connections(NotedJobs(answers={"connections": failure}), SERVICE)
    assert refused.value.public.isprintable()
    assert len(refused.value.public) < 300
