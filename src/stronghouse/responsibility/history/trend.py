"""How many rows were in which state at the end of each day (UTC), replayed from the changes."""

from collections import Counter
from datetime import UTC, datetime, time, timedelta

from sqlalchemy import Connection

from stronghouse.kernel.canonical import Json
from stronghouse.responsibility.history import store
from stronghouse.responsibility.model import RowState

_BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)


def trend(connection: Connection, *, organization_id: str, days: int, now: datetime) -> list[Json]:
    """One entry a day, oldest first, today last and as of `now`; days before the first snapshot are left out."""
    changes = store.between(connection, organization_id=organization_id, after=_BEGINNING, until=now)
    states: dict[tuple[str, str], str] = {}
    entries: list[Json] = []
    position = 0
    for back in range(days - 1, -1, -1):
        day = (now - timedelta(days=back)).date()
        end = datetime.combine(day + timedelta(days=1), time(), tzinfo=UTC)
        while position < len(changes) and changes[position].since < end:
            states[changes[position].kind, changes[position].subject] = changes[position].state
            position += 1
        if states:
            entries.append(_entry(day.isoformat(), states))
    return entries


def _entry(day: str, states: dict[tuple[str, str], str]) -> dict[str, Json]:
    rows = Counter(state for (kind, _), state in states.items() if kind == store.ROW)
    controls = [state for (kind, _), state in states.items() if kind == store.CONTROL]
    return {
        "day": day,
        "rows": {state.value: rows[state.value] for state in RowState},
        "controlsProven": sum(state == RowState.PASS.value for state in controls),
        "controlsTotal": len(controls),
    }
