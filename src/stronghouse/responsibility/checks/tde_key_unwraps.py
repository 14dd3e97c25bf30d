"""Each service's wrapped data key unwraps for that service, and is the key that it says it is."""

from collections.abc import Iterator
from datetime import timedelta

from stronghouse.responsibility.facts import Facts
from stronghouse.responsibility.model import CheckMeta, Result, ResultState, Severity

META = CheckMeta(
    id="tde_key_unwraps",
    title="Every service's data key unwraps",
    severity=Severity.CRITICAL,
    risk="The service does not start again: its data cannot be decrypted without this key.",
    remediation="Restore the machine key file and the service's wrapped key from their copies; do not make new "
    "ones, they cannot "
    "decrypt what is there. `stronghouse doctor` names the files.",
    max_age=timedelta(hours=1),
    collector="data_keys",
    controls=("console.tde.wrapped",),
    frameworks=("SOC2:CC6.1", "ISO27001:A.8.24", "CIS:3.11"),
)


def evaluate(facts: Facts) -> Iterator[Result]:
    """One result for each service."""
    for service in facts.of_kind("service"):
        problem = service.optional_text("problem")
        if problem is not None:
            yield Result(service.id, ResultState.FAIL, f"The data key does not unwrap: {problem}")
        elif service.optional_text("fingerprint") is None:
            yield Result(service.id, ResultState.NOT_APPLICABLE, "It has no data key yet.")
        else:
            key_id = service.text("key_id")
            yield Result(service.id, ResultState.PASS, f"The data key unwraps under {key_id}.")
