"""A running service refuses requests without a password, with a wrong one, and from users that do not exist."""

from collections.abc import Iterator
from datetime import timedelta

from stronghouse.responsibility.facts import Facts
from stronghouse.responsibility.model import CheckMeta, Result, ResultState, Severity

META = CheckMeta(
    id="service_password_required",
    title="No service answers without a password or with a wrong one",
    severity=Severity.CRITICAL,
    risk="Anyone whose address is let in reads and changes all data.",
    remediation="Set a new password with `PATCH /v1/organizations/ORG/services/ID/password`, then restart the service.",
    max_age=timedelta(hours=1),
    collector="service_authentication",
    controls=("service.iam.authentication", "team.misconfiguration.posture"),
    frameworks=("SOC2:CC6.1", "ISO27001:A.8.5", "CIS:6.5"),
)


def evaluate(facts: Facts) -> Iterator[Result]:
    """One result for each service; one that sleeps is not woken to be asked."""
    for service in facts.of_kind("service"):
        if not service.flag("running"):
            yield Result(service.id, ResultState.NOT_APPLICABLE, "It does not run, and is not woken for this.")
            continue
        attempts = service.parts("attempts")
        wrong = [one for one in attempts if one.text("outcome") != "refused"]
        if wrong:
            told = "; ".join(f"{one.text('name')}: {one.text('detail')}" for one in wrong)
            yield Result(service.id, ResultState.FAIL, f"Not refused as it must be: {told}.")
        elif not attempts:
            yield Result(service.id, ResultState.FAIL, "Nothing was tried, so nothing is proven.")
        else:
            names = ", ".join(one.text("name") for one in attempts)
            yield Result(service.id, ResultState.PASS, f"Refused: {names}.")
