"""A log of very many events, written past the unit of work: as fast as the disk takes them, with a tree that is right.

What the benchmarks and the tests of a page's time need: a realistic mixture of codes, actors, services, outcomes and
addresses, in which most events are routine and few are interesting. The next unit of work signs a head over them.
"""

import random
import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, insert

from stronghouse.audit import store, tree
from stronghouse.kernel.canonical import Json, canonical_json
from stronghouse.kernel.clock import rfc3339
from stronghouse.storage.database import Database

BATCH = 5_000
STEP = timedelta(seconds=30)
CODES = {
    "evidence.record": 30,
    "check.run": 25,
    "check.state_change": 10,
    "service.awake": 8,
    "service.idle": 8,
    "user.sign_in": 6,
    "user.sign_out": 4,
    "api_key.refuse": 3,
    "access.deny": 2,
    "service.create": 1,
    "service.rename": 1,
    "service.ip_access_change": 1,
    "service.delete": 0.5,
    "api_key.create": 0.3,
    "api_key.update": 0.1,
    "organization.rename": 0.01,
}
DENIED = {"api_key.refuse", "access.deny"}
AGENT = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36"


@dataclass(frozen=True)
class Cast:
    """Who and what appears in the events; ids are the same for the same seed."""

    actors: Sequence[tuple[str, str, str]]  # type, id, details
    services: Sequence[str]
    addresses: Sequence[str]

    @classmethod
    def of(cls, chance: random.Random, *, actors: int, services: int, addresses: int) -> "Cast":
        """So many of each."""
        people = [("user", _id(chance), f"person{number}@example.com") for number in range(actors)]
        return cls(
            [("system", "stronghouse", "Stronghouse"), *people],
            [_id(chance) for _ in range(services)],
            [f"10.{number // 250}.{number % 250}.7" for number in range(addresses)],
        )


def fill(
    database: Database,
    organization_id: str,
    count: int,
    *,
    until: datetime,
    actors: int = 200,
    services: int = 1000,
    addresses: int = 500,
    seed: int = 4,
) -> Cast:
    """Append `count` events of an organization, one each half minute, the last of them before `until`."""
    cast = Cast.of(random.Random(seed), actors=actors, services=services, addresses=addresses)
    with database.write() as connection:
        start = store.size(connection)
        chance = random.Random(f"{seed} from {start}")
        times = (until - STEP * (count - number) for number in range(count))
        first = until - STEP * count
        previous = store.time_of(connection, start - 1)
        if previous is not None and first < previous:
            store.add_clock_step(connection, start)
        events = _events(chance, cast, organization_id, times)
        _insert(connection, start, events)
    return cast


def _events(
    chance: random.Random, cast: Cast, organization_id: str, times: Iterator[datetime]
) -> Iterator[tuple[datetime, dict[str, Json]]]:
    codes, weights = list(CODES), list(CODES.values())
    for number, moment in enumerate(times):
        code = chance.choices(codes, weights)[0]
        # Squares make a few of them frequent and most rare, as it is in life.
        kind, actor_id, details = cast.actors[int(chance.random() ** 2 * len(cast.actors))]
        if code in {"evidence.record", "check.run", "check.state_change"}:
            kind, actor_id, details = cast.actors[0]
        service = cast.services[int(chance.random() ** 2 * len(cast.services))] if code.startswith("service.") else None
        outside = kind != "system"
        yield (
            moment,
            {
                "version": 1,
                "id": _id(chance),
                "time": rfc3339(moment),
                "code": code,
                "activity": None,
                "outcome": "denied" if code in DENIED else "failure" if chance.random() < 0.002 else "success",
                "summary": f"Event {number} of the service called analytics-{chance.randrange(1000)} happened.",
                "organization_id": organization_id,
                "service_id": service,
                "actor": {"type": kind, "id": actor_id, "details": details},
                "address": cast.addresses[int(chance.random() ** 2 * len(cast.addresses))] if outside else None,
                "user_agent": AGENT if outside else None,
                "request_id": _id(chance),
                "data": {"before": f"analytics-{number}", "after": f"analytics-{number + 1}", "note": "x" * 60},
                "salt": secrets.token_hex(16),
            },
        )


def _insert(connection: Connection, start: int, events: Iterator[tuple[datetime, dict[str, Json]]]) -> None:
    entries: list[dict[str, object]] = []
    nodes: list[dict[str, object]] = []
    open_nodes: dict[tuple[int, int], bytes] = {}  # left siblings whose right one is still to come
    stored = store.nodes(connection)

    def left(level: int, index: int) -> bytes:
        found = open_nodes.pop((level, index), None)
        return stored(level, index) if found is None else found

    def flush() -> None:
        if entries:
            connection.execute(insert(store.audit_entry), entries)
            connection.execute(insert(store.audit_node), nodes)
        entries.clear()
        nodes.clear()

    for index, (moment, event) in enumerate(events, start):
        entry = _entry(index, moment, event)
        entries.append(entry.__dict__)
        for level, place, value in tree.append(index, entry.leaf_hash, left):
            nodes.append({"level": level, "index": place, "hash": value})
            if place % 2 == 0:
                open_nodes[level, place] = value
        if len(entries) == BATCH:
            flush()
    flush()


def _entry(index: int, moment: datetime, event: dict[str, Json]) -> store.Entry:
    body = canonical_json(event)
    actor: dict[str, str] = event["actor"]  # type: ignore[assignment]  # made above
    text: dict[str, str] = event  # type: ignore[assignment]
    return store.Entry(
        index=index,
        event_id=text["id"],
        created_at=moment,
        organization_id=text["organization_id"],
        service_id=text["service_id"],
        code=text["code"],
        activity=text["activity"],
        body=body.decode(),
        leaf_hash=tree.leaf_hash(body),
        actor_id=actor["id"],
        outcome=text["outcome"],
        address=text["address"],
    )


def _id(chance: random.Random) -> str:
    digits = f"{chance.getrandbits(128):032x}"
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-8{digits[17:20]}-{digits[20:]}"
