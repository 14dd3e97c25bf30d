"""The engine of each service knows our own users only, with rights that stay within its sandbox."""

from collections.abc import Iterator
from datetime import timedelta

from stronghouse.responsibility.facts import Facts, Resource
from stronghouse.responsibility.model import CheckMeta, Result, ResultState, Severity

META = CheckMeta(
    id="service_users_known",
    version=2,
    title="Nobody has rights in an engine that lead out of its sandbox",
    severity=Severity.CRITICAL,
    risk="A user that was put into the engine past its catalogue, or a right to files, addresses or other users, "
    "reaches data past every review.",
    remediation="Restart the service with `stronghouse service stop <SERVICE>` and `stronghouse service start "
    "<SERVICE>`, which writes its users anew; for an empty password run `stronghouse service "
    "reset-password <SERVICE>`.",
    max_age=timedelta(hours=1),
    collector="rendered_configuration",
    controls=("service.iam.least", "team.misconfiguration.posture"),
    frameworks=("SOC2:CC6.3", "ISO27001:A.8.2", "CIS:5.1"),
)


def evaluate(facts: Facts) -> Iterator[Result]:
    """One result for each service, by the users file that its engine reads."""
    for service in facts.of_kind("service"):
        if not service.flag("running") or not service.flag("written"):
            reason = "It does not run; its configuration is written anew when it starts."
            yield Result(service.id, ResultState.NOT_APPLICABLE, reason)
            continue
        if service.fields.get("users") is None:
            yield Result(service.id, ResultState.FAIL, "Its users file cannot be read, so its users are unknown.")
            continue
        problem = _problem(service)
        if problem is not None:
            yield Result(service.id, ResultState.FAIL, problem)
        else:
            reason = "Its engine knows our own users only, and gives nobody rights over users, files or the network."
            yield Result(service.id, ResultState.PASS, reason)


def _problem(service: Resource) -> str | None:
    users = service.part("users")
    unknown, extra, unrestricted = users.texts("unknown"), users.texts("extra_rights"), users.texts("unrestricted")
    if unknown:
        return f"Its engine has users that are not ours: {', '.join(unknown[:5])}."
    if extra:
        return f"Its users file gives rights that we do not give: {', '.join(extra[:5])}."
    if unrestricted:
        return f"The rights of {', '.join(unrestricted[:5])} are not restricted at all."
    owner = service.text("expected_user")
    return f"The password of {owner} is empty." if service.flag("password_empty") else None
