"""The listener for agents refuses a peer without a certificate and one with a certificate of a foreign authority."""

from collections.abc import Iterator
from datetime import timedelta

from stronghouse.responsibility.facts import Facts
from stronghouse.responsibility.model import CheckMeta, Result, ResultState, Severity

META = CheckMeta(
    id="plane_access_authenticated",
    title="Only agents with a certificate of ours reach the control plane's internal channel",
    severity=Severity.CRITICAL,
    risk="A stranger who poses as an agent receives the desired state of services and reports what never happened.",
    remediation="Restart the control plane with `stronghouse up`; if a stranger is still let in, stop it and "
    "report a weakness.",
    # Each look leaves two refusals in the audit log, as any stranger would.
    max_age=timedelta(hours=6),
    collector="plane_access",
    controls=("platform.network.planes", "platform.infra_iam.machines"),
    frameworks=("SOC2:CC6.6", "ISO27001:A.8.20", "CIS:12.6"),
)


def evaluate(facts: Facts) -> Iterator[Result]:
    """One result for the listener, as seen from each region."""
    for listener in facts.of_kind("agent_listener"):
        if not listener.flag("reachable"):
            because = listener.text("unreachable_because")
            yield Result(listener.id, ResultState.NOT_APPLICABLE, f"It does not answer: {because}.")
            continue
        attempts = listener.parts("attempts")
        wrong = [one for one in attempts if one.text("outcome") != "refused"]
        if wrong or not attempts:
            told = "; ".join(f"{one.text('name')}: {one.text('detail')}" for one in wrong) or "nothing was tried"
            yield Result(listener.id, ResultState.FAIL, f"Not refused as it must be: {told}.")
        else:
            told = "; ".join(f"{one.text('name')}: {one.text('detail')}" for one in attempts)
            yield Result(listener.id, ResultState.PASS, f"Strangers are refused ({told}).")
