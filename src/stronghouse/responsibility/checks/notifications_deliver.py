"""Somebody is told when a check comes to fail: there is a channel, and its last message was accepted."""

from collections.abc import Iterator
from datetime import timedelta

from stronghouse.responsibility.facts import Facts
from stronghouse.responsibility.model import CheckMeta, Result, ResultState, Severity

META = CheckMeta(
    id="notifications_deliver",
    title="What changes is told to somebody, and the last message was accepted",
    severity=Severity.MEDIUM,
    risk="A control stops holding and nobody learns of it until somebody happens to look at the matrix.",
    remediation="Run `stronghouse notification add NAME` and give it an apprise URL, then `stronghouse notification "
    "test NAME`; `stronghouse notification list` shows why a delivery failed.",
    max_age=timedelta(hours=1),
    collector="notification_channels",
    controls=("team.incidents.told",),
    frameworks=("SOC2:CC7.3", "ISO27001:A.8.16", "CIS:8.11"),
)


def evaluate(facts: Facts) -> Iterator[Result]:
    """One result for each organization."""
    for one in facts.of_kind("notifications"):
        watched = one.flag("watched")
        working, untried, failing = one.number("working"), one.number("untried"), one.number("failing")
        if failing:
            state, reason = ResultState.FAIL, f"The last delivery failed on {failing} of the channels."
        elif working:
            state, reason = ResultState.PASS, f"The last delivery worked on {working} of the channels."
        elif untried:
            state, reason = ResultState.MANUAL, "No message was sent to any channel yet; send a test message."
        elif watched:
            state, reason = ResultState.FAIL, "There is no notification channel, so nobody is told."
        else:
            state, reason = ResultState.NOT_APPLICABLE, "This organization has no service to be told of."
        yield Result(one.id, state, reason)
