"""Checks that need attention, as a person wants to read them: what is wrong with which thing, and what to do."""

from collections.abc import Iterable, Iterator
from typing import Any

import typer

from stronghouse.cli.output import printable

SIGNS = {"pass": "✓", "fail": "✗", "error": "!", "stale": "!", "manual": "·", "accepted": "~", "not_applicable": "·"}
"""The sign before each state; only what is proven has a tick."""
WELL = frozenset({"pass", "not_applicable"})
SHOWN = 3
"""Resources named for each check; the document and `stronghouse finding list` have all of them."""
BAD = frozenset({"fail", "error", "stale", "manual"})


def show_checks(checks: Iterable[dict[str, Any]]) -> None:
    """A line for each check; what needs attention gets the first things that are not well, and the remediation."""
    for check in checks:
        sign = SIGNS.get(check["state"], "·")
        typer.echo(f"{sign} {printable(check['id'])}  {printable(check['state'])}, {printable(check['severity'])}")
        if check["state"] not in WELL:
            for line in (*_problems(check), f"→ {check['remediation']}"):
                typer.echo(f"    {printable(line)}")


def _problems(check: dict[str, Any]) -> Iterator[str]:
    """Sentences on what is wrong; of a check that nobody could make, why not."""
    bad = [result for place in check["places"] for result in place["results"] if result["state"] in BAD]
    if not bad or check["state"] in {"error", "stale"}:
        yield str(check["reason"])
        return
    for result in bad[:SHOWN]:
        yield f"{result['resource']}: {result['reason']}"
    counted = sum(place["resultCounts"].get(state, 0) for place in check["places"] for state in BAD)
    if counted > SHOWN:
        yield f"and {counted - SHOWN} more"
