"""Each service has exactly the database user that is declared, with the rights that we give and a password."""

from collections.abc import Iterator
from datetime import timedelta

from stronghouse.responsibility.facts import Facts, Resource
from stronghouse.responsibility.model import CheckMeta, Result, ResultState, Severity

META = CheckMeta(
    id="service_users_known",
    title="Only the declared user can log in to each service",
    severity=Severity.CRITICAL,
    risk="A user that nobody declared, or rights beyond the declared ones, reach data past every review.",
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
        wanted = service.text("expected_user")
        if not service.flag("running") or not service.flag("written"):
            reason = "It does not run; its configuration is written anew when it starts."
            yield Result(service.id, ResultState.NOT_APPLICABLE, reason)
            continue
        if service.fields.get("users") is None:
            yield Result(service.id, ResultState.FAIL, "Its users file cannot be read, so its users are unknown.")
            continue
        problem = _problem(service, wanted)
        if problem is not None:
            yield Result(service.id, ResultState.FAIL, problem)
        else:
            reason = f"Its one user is {wanted}, with a password and without rights over users, files or the network."
            yield Result(service.id, ResultState.PASS, reason)


def _problem(service: Resource, wanted: str) -> str | None:
    users = service.parts("users")
    names = [user.text("name") for user in users]
    if names != [wanted]:
        return f"Its users are {', '.join(names[:5]) or 'nobody'}; declared is {wanted} alone."
    extra = [right for user in users for right in user.texts("extra_rights")]
    if extra:
        return f"The user {wanted} has rights that we do not give: {', '.join(extra[:5])}."
    if not all(user.flag("restricted") for user in users):
        return f"The rights of the user {wanted} are not restricted at all."
    return f"The password of {wanted} is empty." if service.flag("password_empty") else None
