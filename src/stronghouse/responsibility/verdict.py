"""From what was found wrong and what could not be found out to one result."""

from collections.abc import Sequence

from stronghouse.responsibility.model import Result, ResultState

SHOWN = 6


def verdict(resource: str, *, problems: Sequence[str], unknown: Sequence[str] = (), proven: str) -> Result:
    """Fails for any problem, waits for a person where something is unknown, and passes only with neither."""
    if problems:
        return Result(resource, ResultState.FAIL, f"Found: {listed(problems)}.")
    if unknown:
        return Result(resource, ResultState.MANUAL, f"Not known: {listed(unknown)}.")
    return Result(resource, ResultState.PASS, proven)


def listed(names: Sequence[str]) -> str:
    """The first few, and how many more there are."""
    more = f"; and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return "; ".join(names[:SHOWN]) + more
