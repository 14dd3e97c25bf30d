"""The wire: what is refused, what errors may say, which version is spoken."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from stronghouse.kernel.errors import Invalid
from stronghouse.regions import protocol
from stronghouse.regions.protocol import FROM_AGENT, FROM_CONTROL, decode, encode, negotiate, skew_ms

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    "message",
    [
        protocol.Hello(protocols=[1], software="x", time=NOW, applied_version=3),
        protocol.Heartbeat(
            time=NOW, applied_version=3, services=[protocol.ServiceStatus(id="a", state="idle", version=2)]
        ),
        protocol.JobResult(id="1", ok=True, result={"deep": [1, None, {"x": "y"}]}),
    ],
)
def test_what_an_agent_says_survives_the_wire(message: protocol.Message) -> None:
    assert decode(FROM_AGENT, encode(message)) == message


@pytest.mark.parametrize(
    "frame",
    [
        b"{}",
        "",
        "null",
        "{",
        '{"type":"welcome","protocol":1,"region":"a","agent_id":"b"}',  # the other side's word
        '{"type":"statuses","applied_version":1,"services":[],"extra":1}',
        '{"type":"statuses","applied_version":-1,"services":[]}',
        '{"type":"statuses","applied_version":"1","services":[]}',
        '{"type":"statuses","type":"statuses","applied_version":1,"services":[]}',
        '{"type":"statuses","applied_version":1,"services":[{"id":"a","state":"flying","version":1}]}',
        '{"type":"heartbeat","time":"2026-11-23T12:00:00","applied_version":1,"services":[]}',
        '{"type":"job_result","id":"1","ok":true,"result":NaN}',
        "[" * 1_000_000,
    ],
)
def test_anything_else_is_refused(frame: str | bytes) -> None:
    with pytest.raises(Invalid) as refusal:
        decode(FROM_AGENT, frame)
    assert refusal.value.code == "protocol_violation"


def test_a_refusal_names_fields_and_never_their_values() -> None:
    frame = json.dumps({"type": "job", "id": "x", "kind": 7, "arguments": {"password": "hunter2"}, "deadline": "z"})
    with pytest.raises(Invalid) as refusal:
        decode(FROM_CONTROL, frame)
    assert "deadline" in str(refusal.value.detail)
    assert "hunter2" not in f"{refusal.value!r} {refusal.value.detail} {refusal.value.__cause__!r}"


def test_the_highest_common_version_is_spoken() -> None:
    assert negotiate([1, 2, 3], supported=(2, 1)) == 2
    assert negotiate([1], supported=(2, 1)) == 1
    with pytest.raises(Invalid, match="Upgrade the older"):
        negotiate([3], supported=(2, 1))


def test_this_version_speaks_itself_and_the_one_before() -> None:
    current = protocol.CURRENT_PROTOCOL
    assert set(protocol.SUPPORTED_PROTOCOLS) == {version for version in (current, current - 1) if version}


def test_skew_is_positive_when_the_other_clock_is_behind() -> None:
    assert skew_ms(NOW - timedelta(seconds=61), NOW) == 61_000
