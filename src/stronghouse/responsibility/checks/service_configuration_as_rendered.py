"""The configuration that each running engine reads is the one that the agent writes."""

from collections.abc import Iterator
from datetime import timedelta

from stronghouse.responsibility.facts import Facts
from stronghouse.responsibility.model import CheckMeta, Result, ResultState, Severity

META = CheckMeta(
    id="service_configuration_as_rendered",
    title="No engine configuration was changed on disk",
    severity=Severity.CRITICAL,
    risk="Somebody took the encrypted disk out of the storage policy, gave a user rights, or raised a limit.",
    remediation="Write it anew: `stronghouse service stop <SERVICE>`, wait until `stronghouse service get <SERVICE>` "
    "says stopped, then `stronghouse service start <SERVICE>`. Find out who could write to the directory.",
    max_age=timedelta(hours=1),
    collector="rendered_configuration",
    controls=("team.misconfiguration.drift",),
    frameworks=("SOC2:CC7.1", "SOC2:CC8.1", "ISO27001:A.8.9", "ISO27001:A.8.32"),
)


def evaluate(facts: Facts) -> Iterator[Result]:
    """One result for each service; the files of one that does not run mean nothing."""
    for service in facts.of_kind("service"):
        differences = service.texts("differences")
        if not service.flag("running"):
            reason = "It does not run; its configuration is written anew when it starts."
            yield Result(service.id, ResultState.NOT_APPLICABLE, reason)
        elif differences:
            yield Result(service.id, ResultState.FAIL, f"It is not as written: {'. '.join(differences)}.")
        else:
            yield Result(service.id, ResultState.PASS, "engine.xml and users.xml are byte for byte what we write.")
