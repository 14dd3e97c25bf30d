"""Nobody becomes root without a password, or through a pattern."""

from collections.abc import Iterator
from datetime import timedelta

from stronghouse.responsibility.facts import Facts, Resource
from stronghouse.responsibility.model import CheckMeta, Result, ResultState, Severity
from stronghouse.responsibility.verdict import verdict

META = CheckMeta(
    id="host_sudo_narrow",
    title="Sudo asks for a password and its rules hold no wildcards",
    severity=Severity.HIGH,
    risk="A stolen session or key is root at once; a wildcard lets through commands that nobody meant.",
    remediation=(
        "Edit the named file with `visudo -f FILE`: remove NOPASSWD from rules for ALL commands, write "
        "out what stands behind wildcards, then try it with `visudo -c`."
    ),
    max_age=timedelta(hours=24),
    collector="host_access",
    controls=("platform.infra_iam.accounts",),
    frameworks=("SOC2:CC6.3", "ISO27001:A.8.2", "CIS:5.4"),
)


def evaluate(facts: Facts) -> Iterator[Result]:
    """One result for each machine."""
    for host in facts.of_kind("host_access"):
        yield _judge(host)


def _judge(host: Resource) -> Result:
    if not host.flag("sudo"):
        return Result(host.id, ResultState.NOT_APPLICABLE, "It has no sudo rules (no /etc/sudoers).")
    wrong = [f"{path} switches off the password for everyone" for path in host.texts("sudo_unauthenticated")]
    rules = host.parts("sudo_rules")
    for rule in rules:
        who, where = rule.text("who"), rule.text("file")
        if rule.flag("all") and rule.flag("nopasswd") and who != "root":
            wrong.append(f"{who} runs everything without a password ({where})")
        elif rule.flag("wildcard"):
            wrong.append(f"a rule for {who} holds a wildcard ({where})")
    unknown = [f"{path} cannot be read" for path in host.texts("sudo_unread")]
    return verdict(host.id, problems=wrong, unknown=unknown, proven=f"None of {len(rules)} rules is too wide.")
