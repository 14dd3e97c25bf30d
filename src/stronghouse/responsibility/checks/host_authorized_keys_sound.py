"""SSH keys are strong, and nobody else can add one."""

from collections.abc import Iterator
from datetime import timedelta

from stronghouse.responsibility.facts import Facts, Observation, Resource
from stronghouse.responsibility.model import CheckMeta, Result, ResultState, Severity
from stronghouse.responsibility.verdict import verdict

LEAST_RSA = 2048
META = CheckMeta(
    id="host_authorized_keys_sound",
    title="Every authorized SSH key is strong and nobody but its owner can add one",
    severity=Severity.HIGH,
    risk="Somebody computes a weak key or adds their own, and signs in as that account.",
    remediation=(
        "Remove the named key from the named file, or run `chmod go-w FILE` and the same on its "
        "directories; make a new key with `ssh-keygen -t ed25519`."
    ),
    max_age=timedelta(hours=24),
    collector="host_access",
    controls=("platform.infra_iam.accounts",),
    frameworks=("SOC2:CC6.1", "ISO27001:A.8.5", "CIS:6.4"),
)


def evaluate(facts: Facts) -> Iterator[Result]:
    """One result for each machine."""
    for host in facts.of_kind("host_access"):
        yield _judge(host)


def _judge(host: Resource) -> Result:
    files = host.parts("key_files")
    command = host.flag("keys_command")
    if not files and not command:
        return Result(host.id, ResultState.NOT_APPLICABLE, "No account has authorized SSH keys.")
    wrong, unknown, count = [], [], 0
    for file in files:
        where, problem = file.text("path"), file.optional_text("problem")
        if problem is not None:
            unknown.append(f"{where} was not read: {problem}")
        if file.flag("writable"):
            wrong.append(f"others may write {where} or a directory that leads to it")
        for key in file.parts("keys"):
            count += 1
            if (told := _weakness(key)) is not None:
                wrong.append(f"{where} holds {told}")
        if any(key.text("type") == "unreadable" for key in file.parts("keys")):
            unknown.append(f"{where} holds lines that cannot be read as keys")
    if command:
        unknown.append("a command gives the SSH server further keys, which are not seen")
    return verdict(host.id, problems=wrong, unknown=unknown, proven=f"All {count} keys are strong.")


def _weakness(key: Observation) -> str | None:
    kind, bits = key.text("type"), key.optional_number("bits")
    if kind == "ssh-dss":
        return f"a DSA key ({key.optional_text('fingerprint')})"
    if kind == "ssh-rsa" and (bits is None or bits < LEAST_RSA):
        return f"an RSA key of {bits} bits ({key.optional_text('fingerprint')})"
    return None
