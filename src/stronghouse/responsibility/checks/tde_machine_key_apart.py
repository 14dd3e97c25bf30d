"""The machine key lies apart from the data it protects, and only its owner can read it."""

from collections.abc import Iterator
from datetime import timedelta

from stronghouse.responsibility.facts import Facts
from stronghouse.responsibility.model import CheckMeta, Result, ResultState, Severity

META = CheckMeta(
    id="tde_machine_key_apart",
    title="The machine key lies outside the state directory and is private",
    severity=Severity.CRITICAL,
    risk="A key beside the data it protects protects nothing: one copied directory holds both.",
    remediation="Run `chmod 600 <FILE>`; if it lies within the state directory, move it out and start with "
    "`stronghouse up --machine-key <FILE>`.",
    max_age=timedelta(hours=1),
    collector="data_keys",
    controls=("console.tde.apart",),
    frameworks=("SOC2:CC6.1", "ISO27001:A.8.24", "CIS:3.11"),
)


def evaluate(facts: Facts) -> Iterator[Result]:
    """One result for each region's machine key; a key-management service elsewhere needs none."""
    for key in facts.of_kind("machine_key"):
        if not key.flag("used"):
            yield Result(key.id, ResultState.NOT_APPLICABLE, f"Keys are kept by {key.text('kms')}, not in a file here.")
        elif not key.flag("outside_state_directory"):
            yield Result(key.id, ResultState.FAIL, "The machine key lies inside the state directory that it protects.")
        elif not key.flag("private"):
            yield Result(
                key.id, ResultState.FAIL, f"The machine key can be reached by others (mode {key.text('mode')})."
            )
        else:
            yield Result(
                key.id, ResultState.PASS, "The machine key lies outside the state directory; only its owner reads it."
            )
