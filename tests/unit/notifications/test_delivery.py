"""Delivery: at least once, digests by the clock, back-off, a cap, and quiet when nothing happened."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Connection

from stronghouse.kernel.secret import Secret
from stronghouse.notifications import store
from stronghouse.notifications.actions import ChannelRequest
from stronghouse.notifications.delivery import PER_HOUR, Deliverer
from stronghouse.notifications.digest import wanted
from stronghouse.notifications.model import Channel, Kind, Level, Mode, Notice
from tests.support.control_plane import CONTEXT, Plane, control_plane

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
URL = "jsons://user:marker-secret@hooks.example.com/marker-path"


@dataclass
class Told:
    """A source that gives what tests put in."""

    found: list[Notice] = field(default_factory=list)

    def notices(self, _connection: Connection, _organization: str, since: datetime, now: datetime) -> Sequence[Notice]:
        return [notice for notice in self.found if since < notice.at <= now]


@pytest.fixture
def plane(tmp_path: Path) -> Iterator[Plane]:
    with control_plane(tmp_path) as plane:
        yield plane


@pytest.fixture
def organization_id(plane: Plane) -> str:
    return plane.organization()


@pytest.fixture
def source() -> Told:
    return Told()


@pytest.fixture
def deliverer(plane: Plane, source: Told) -> Deliverer:
    return Deliverer(plane.control.audit, channels=plane.control.channels, sources=[source], clock=plane.clock)


def notice(plane: Plane, key: str = "a", level: Level = Level.HIGH, **changed: object) -> Notice:
    fields = {
        "key": key,
        "kind": Kind.STATE,
        "level": level,
        "at": plane.clock.now(),
        "title": f"{key} fails",
        "reason": "It is off.",
        "fix": "Turn it on.",
        "path": "stronghouse matrix x.y",
    }
    return Notice(**{**fields, **changed})  # type: ignore[arg-type]


def add(plane: Plane, organization_id: str, **changed: object) -> Channel:
    request = ChannelRequest(**{"name": "ops", "url": Secret(URL), **changed})  # type: ignore[arg-type]
    return plane.control.channels.add(CONTEXT, request, organization_id=organization_id, now=plane.clock.now())


def kept(plane: Plane, channel: Channel) -> Channel:
    with plane.control.database.read() as connection:
        found = store.find(connection, organization_id=channel.organization_id, channel_id=channel.id)
    assert found is not None
    return found


def test_notice_is_told_once_with_what_to_do(
    plane: Plane, organization_id: str, source: Told, deliverer: Deliverer
) -> None:
    add(plane, organization_id)
    plane.clock.advance(MINUTE)
    source.found.append(notice(plane))
    plane.clock.advance(MINUTE)
    assert deliverer.deliver_due() == 1
    ((url, title, body),) = plane.messages.sent
    assert url == URL
    assert title == "Stronghouse: a fails"
    assert all(part in body for part in ("[high] a fails", "It is off.", "Turn it on.", "stronghouse matrix x.y"))
    plane.clock.advance(MINUTE)
    assert deliverer.deliver_due() == 0


def test_nothing_is_sent_when_nothing_happened_or_before_the_channel_was(
    plane: Plane, organization_id: str, source: Told, deliverer: Deliverer
) -> None:
    source.found.append(notice(plane))
    plane.clock.advance(MINUTE)
    for mode in Mode:
        add(plane, organization_id, name=mode.value, mode=mode)
    for _ in range(50):
        plane.clock.advance(HOUR)
        deliverer.deliver_due()
    assert plane.messages.sent == []


def test_severity_and_kind_choose(plane: Plane, organization_id: str, source: Told, deliverer: Deliverer) -> None:
    add(plane, organization_id, minimum_severity=Level.HIGH, kinds=(Kind.STATE,))
    plane.clock.advance(MINUTE)
    source.found += [
        notice(plane, "low", Level.MEDIUM),
        notice(plane, "other", kind=Kind.FINDING),
        notice(plane, "worst", Level.CRITICAL),
    ]
    plane.clock.advance(MINUTE)
    deliverer.deliver_due()
    assert [title for _, title, _ in plane.messages.sent] == ["Stronghouse: worst fails"]


@pytest.mark.parametrize(("mode", "period"), [(Mode.HOURLY, HOUR), (Mode.DAILY, timedelta(days=1))])
def test_digest_waits_for_its_time_and_tells_the_newest_of_each_the_worst_first(
    plane: Plane, organization_id: str, source: Told, deliverer: Deliverer, mode: Mode, period: timedelta
) -> None:
    add(plane, organization_id, mode=mode)
    plane.clock.advance(MINUTE)
    source.found += [notice(plane, "a", Level.LOW), notice(plane, "b", Level.CRITICAL)]
    plane.clock.advance(MINUTE)
    source.found.append(notice(plane, "a", Level.LOW, title="a holds again"))
    plane.clock.advance(period - 3 * MINUTE)
    assert deliverer.deliver_due() == 0
    plane.clock.advance(MINUTE)
    assert deliverer.deliver_due() == 1
    ((_, title, body),) = plane.messages.sent
    assert title == "Stronghouse: 2 changes"
    assert "a fails" not in body
    assert body.index("b fails") < body.index("a holds again")


def test_long_digest_says_how_many_are_left_out(
    plane: Plane, organization_id: str, source: Told, deliverer: Deliverer
) -> None:
    add(plane, organization_id)
    plane.clock.advance(MINUTE)
    source.found += [notice(plane, f"n{number}") for number in range(33)]
    plane.clock.advance(MINUTE)
    deliverer.deliver_due()
    assert "and 13 more" in plane.messages.sent[0][2]


def test_failed_delivery_is_tried_again_later_and_later_and_loses_nothing(
    plane: Plane, organization_id: str, source: Told, deliverer: Deliverer
) -> None:
    channel = add(plane, organization_id)
    plane.clock.advance(MINUTE)
    source.found.append(notice(plane))
    plane.messages.problem = "The service refuses the connection."
    plane.clock.advance(MINUTE)
    attempts = []
    for _ in range(60):
        before = kept(plane, channel).failures
        deliverer.deliver_due()
        attempts.append(kept(plane, channel).failures - before)
        plane.clock.advance(timedelta(seconds=30))
    assert 4 <= sum(attempts) <= 7  # 30 s, 1, 2, 4, 8, 16 minutes apart
    assert (kept(plane, channel).state, kept(plane, channel).error) == ("failing", plane.messages.problem)
    plane.messages.problem = None
    plane.clock.advance(HOUR)
    assert deliverer.deliver_due() == 1
    assert (kept(plane, channel).state, kept(plane, channel).failures) == ("working", 0)


def test_crash_between_sending_and_noting_repeats_the_message(
    plane: Plane, organization_id: str, source: Told, deliverer: Deliverer, monkeypatch: pytest.MonkeyPatch
) -> None:
    add(plane, organization_id)
    plane.clock.advance(MINUTE)
    source.found.append(notice(plane))
    plane.clock.advance(MINUTE)
    with monkeypatch.context() as patched:
        patched.setattr(Deliverer, "_note", lambda *_, **__: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            deliverer.deliver_due()
    assert deliverer.deliver_due() == 1
    assert len(plane.messages.sent) == 2


def test_channel_gets_no_more_than_its_share_of_an_hour_and_the_rest_together(
    plane: Plane, organization_id: str, source: Told, deliverer: Deliverer
) -> None:
    add(plane, organization_id)
    for number in range(PER_HOUR + 10):
        plane.clock.advance(MINUTE)
        source.found.append(notice(plane, f"n{number}"))
        plane.clock.advance(timedelta(seconds=15))
        deliverer.deliver_due()
    assert len(plane.messages.sent) == PER_HOUR
    plane.clock.advance(HOUR)
    assert deliverer.deliver_due() == 1
    assert plane.messages.sent[-1][1] == "Stronghouse: 10 changes"


def test_url_is_sealed_and_bound_to_its_channel(plane: Plane, organization_id: str) -> None:
    channel = add(plane, organization_id)
    assert b"marker" not in channel.sealed_url
    assert b"marker" not in plane.control.database.path.read_bytes()
    with plane.control.database.read() as connection:
        body = connection.exec_driver_sql("SELECT group_concat(body) FROM audit_entry").scalar_one()
    assert "marker" not in body


def test_channel_in_trouble_keeps_no_other_from_being_told(plane: Plane) -> None:
    first, second = plane.organization("First"), plane.organization("Second")

    class Broken(Told):
        def notices(
            self, connection: Connection, organization: str, since: datetime, now: datetime
        ) -> Sequence[Notice]:
            if organization == broken:
                raise RuntimeError("nothing of this is ours")
            return super().notices(connection, organization, since, now)

    channels = sorted((add(plane, first), add(plane, second)), key=lambda channel: channel.id)
    broken = channels[0].organization_id
    plane.clock.advance(timedelta(seconds=1))
    deliverer = Deliverer(
        plane.control.audit, channels=plane.control.channels, sources=[Broken([notice(plane)])], clock=plane.clock
    )
    plane.clock.advance(MINUTE)
    assert deliverer.deliver_due() == 1
    assert kept(plane, channels[1]).delivered_at == plane.clock.now()


def test_channel_is_not_told_of_what_happened_before_it_was_created(plane: Plane, organization_id: str) -> None:
    before = notice(plane, "before")
    plane.clock.advance(MINUTE)
    made = add(plane, organization_id)
    assert wanted(made, [before, notice(plane, "after")]) == [notice(plane, "after")]
