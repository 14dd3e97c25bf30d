"""States are derived here, each time they are read: of a check from its results, of a control, of a row.

One rule stands over all: only what is proven now is `pass`. A failure is said first, then that nobody could look, then
that the last look is too old. A failure that someone has accepted for a while is said last of what is open: it is no
alarm, and no proof either.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from stronghouse.responsibility.findings.store import Coverage
from stronghouse.responsibility.model import CheckMeta, ResultState, RowState
from stronghouse.responsibility.store import Run

_OPEN = (RowState.FAIL, RowState.ERROR, RowState.STALE, RowState.MANUAL, RowState.ACCEPTED)
_PRECEDENCE = (*_OPEN, RowState.NOT_EVIDENCED)
_DECIDING = (ResultState.FAIL, ResultState.MANUAL, ResultState.PASS)


@dataclass(frozen=True)
class Derived:
    """A state and why, in words."""

    state: RowState
    reason: str


def check_in_place(
    meta: CheckMeta,
    run: Run | None,
    counted: Mapping[ResultState, int],
    place: str,
    now: datetime,
    covered: Coverage | None = None,
) -> Derived:
    """The state of a check in one place, from its last look and how many results are in which state.

    `covered` says for how many of the failing results dispositions are in force.
    """
    if run is None:
        return Derived(RowState.NOT_EVIDENCED, f"It has not run in {place} yet.")
    if run.error is not None:
        return Derived(RowState.ERROR, f"Nobody could look in {place}: {run.error}")
    if run.collected_at is None or run.check_version != meta.version:
        return Derived(RowState.NOT_EVIDENCED, f"It has not run in {place} since it was changed.")
    age = now - run.collected_at
    if age > meta.max_age:
        return Derived(
            RowState.STALE,
            f"The newest evidence from {place} is {in_words(age)} old; it counts for {in_words(meta.max_age)}.",
        )
    return _judged(counted, place, covered)


def _judged(counted: Mapping[ResultState, int], place: str, covered: Coverage | None) -> Derived:
    deciding = [state for state in _DECIDING if counted.get(state)]
    if not deciding:
        return Derived(RowState.NOT_APPLICABLE, f"There is nothing of this kind in {place}.")
    state = RowState(deciding[0].value)
    total = sum(counted.values())
    failing = counted.get(ResultState.FAIL, 0)
    if failing and covered is not None and covered.count >= failing:
        if counted.get(ResultState.MANUAL):
            state = RowState.MANUAL
        else:
            return Derived(
                RowState.ACCEPTED,
                f"{failing} of {total} fail in {place}, all accepted, the first until {covered.until:%Y-%m-%d}.",
            )
    said = {
        RowState.FAIL: f"{failing} of {total} fail in {place}.",
        RowState.MANUAL: f"{counted.get(ResultState.MANUAL, 0)} of {total} in {place} wait for a person to judge.",
    }
    return Derived(state, said.get(state, f"All {counted.get(ResultState.PASS, 0)} hold in {place}."))


def check_overall(places: Sequence[Derived]) -> Derived:
    """The state of a check over all places where it ought to run."""
    return _worst(places) or _proven_or_nothing(places, "There is nowhere to run it.")


def control(checks: Sequence[Derived]) -> Derived:
    """The state of a control from the checks that prove it together."""
    if not checks:
        return Derived(RowState.NOT_EVIDENCED, "No check proves this yet.")
    return _worst(checks) or _proven_or_nothing(checks, "")


def row(controls: Sequence[tuple[str, Derived]]) -> Derived:
    """The state of a row from its controls (title and state): `pass` only if every one of them is."""
    states = [derived for _, derived in controls]
    proven = sum(derived.state is RowState.PASS for derived in states)
    total = f"{proven} of {len(controls)} controls proven."
    for state in _OPEN:
        for title, derived in controls:
            if derived.state is state:
                return Derived(state, f"{title}: {derived.reason} {total}")
    if controls and proven == len(controls):
        return Derived(RowState.PASS, total)
    if proven:
        open_titles = "; ".join(title for title, derived in controls if derived.state is not RowState.PASS)
        return Derived(RowState.PARTIAL, f"{total} Not proven: {open_titles}.")
    if controls and all(derived.state is RowState.NOT_APPLICABLE for derived in states):
        return Derived(RowState.NOT_APPLICABLE, "There is nothing yet that this applies to.")
    return Derived(RowState.NOT_EVIDENCED, f"{total} {_first_open(controls)}")


def _worst(parts: Sequence[Derived]) -> Derived | None:
    for state in _PRECEDENCE:
        found = [part for part in parts if part.state is state]
        if found:
            return Derived(state, " ".join(dict.fromkeys(part.reason for part in found)))
    return None


def _proven_or_nothing(parts: Sequence[Derived], otherwise: str) -> Derived:
    proven = [part for part in parts if part.state is RowState.PASS]
    shown = proven or parts
    reason = " ".join(dict.fromkeys(part.reason for part in shown)) or otherwise
    return Derived(RowState.PASS if proven else RowState.NOT_APPLICABLE, reason)


def _first_open(controls: Sequence[tuple[str, Derived]]) -> str:
    return next((derived.reason for _, derived in controls if derived.state is RowState.NOT_EVIDENCED), "")


def in_words(span: timedelta) -> str:
    """A span of time for people, as in `3 hours`."""
    seconds = int(span.total_seconds())
    sizes = ((86_400, "day"), (3_600, "hour"), (60, "minute"), (1, "second"))
    size, name = next((one for one in sizes if seconds >= one[0]), sizes[-1])
    count = seconds // size
    return f"{count} {name}" if count == 1 else f"{count} {name}s"
