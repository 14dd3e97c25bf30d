"""No database user signs in with a method whose stored hash gives the password away."""

from collections.abc import Iterator
from datetime import timedelta

from stronghouse.responsibility.facts import Facts, Observation
from stronghouse.responsibility.model import CheckMeta, Result, ResultState, Severity

META = CheckMeta(
    id="service_sign_in_strong",
    title="Every database user signs in with a salted SHA-256 or with bcrypt",
    severity=Severity.MEDIUM,
    risk="Whoever gets hold of an unsalted or fast hash finds the password behind it, and signs in as its user.",
    remediation="`SELECT name, auth_type, auth_params FROM system.users` names the users; give each of them a new "
    "password with `ALTER USER <NAME> IDENTIFIED WITH sha256_password BY '<PASSWORD>'`, which salts it.",
    max_age=timedelta(hours=4),
    collector="database_users",
    controls=("service.iam.authentication",),
    frameworks=("SOC2:CC6.1", "ISO27001:A.8.5", "CIS:5.2"),
)
STRONG = frozenset({"sha256_password", "bcrypt_password"})


def evaluate(facts: Facts) -> Iterator[Result]:
    """One result for each service; one that sleeps is not woken to be asked."""
    for service in facts.of_kind("service"):
        problem = service.optional_text("problem")
        if not service.flag("running"):
            yield Result(service.id, ResultState.NOT_APPLICABLE, "It does not run, and is not woken for this.")
        elif problem is not None:
            yield Result(service.id, ResultState.FAIL, f"Its worker did not tell, so nothing is proven: {problem}")
        else:
            yield _judged(service.id, service.part("counts"))


def _judged(resource: str, counts: Observation) -> Result:
    methods, unsalted = counts.counts("methods"), counts.number("unsalted")
    weak = [f"{count} by {kind}" for kind, count in sorted(methods.items()) if count and kind not in STRONG]
    weak += [f"{unsalted} by sha256_password without a salt"] if unsalted else []
    if weak:
        return Result(resource, ResultState.FAIL, f"Weak ways to sign in: {', '.join(weak)}.")
    if not sum(methods.values()):
        return Result(resource, ResultState.FAIL, "Nobody can sign in, not even its owner.")
    told = ", ".join(f"{count} by {kind}" for kind, count in sorted(methods.items()))
    return Result(resource, ResultState.PASS, f"{counts.number('users')} users sign in: {told}.")
