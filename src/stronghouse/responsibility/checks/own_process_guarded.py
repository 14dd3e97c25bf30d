"""The processes that hold keys write private files, are not debugged, and leave nothing behind when they crash."""

from collections.abc import Iterator
from datetime import timedelta

from stronghouse.responsibility.facts import Facts, Resource
from stronghouse.responsibility.model import CheckMeta, Result, ResultState, Severity

PRIVATE_UMASK = "0077"
META = CheckMeta(
    id="own_process_guarded",
    title="Stronghouse's own processes are not debugged and leave no core files",
    severity=Severity.MEDIUM,
    risk="A core file, a debugger or a file that others can read gives away the keys that these processes hold.",
    remediation="Start Stronghouse without debugging switches from a shell in which `ulimit -c 0` was said (as a "
    "systemd unit: LimitCORE=0), with `stronghouse up`; end whatever traces it.",
    max_age=timedelta(hours=1),
    collector="own_process",
    controls=("platform.os.hardening",),
    frameworks=("SOC2:CC6.1", "ISO27001:A.8.9", "CIS:4.1"),
)


def evaluate(facts: Facts) -> Iterator[Result]:
    """One result for the control plane's process and one for each agent's."""
    for process in facts.of_kind("own_process"):
        problems = list(_problems(process))
        if not process.flag("running"):
            yield Result(process.id, ResultState.NOT_APPLICABLE, "There is no such process.")
        elif problems:
            yield Result(process.id, ResultState.FAIL, f"{'; '.join(problems)}.")
        else:
            yield Result(process.id, ResultState.PASS, "It writes private files and no core file; nobody traces it.")


def _problems(process: Resource) -> Iterator[str]:
    if process.text("umask") != PRIVATE_UMASK:
        yield f"What it writes may be open to others (umask {process.text('umask')})"
    if process.number("traced_by"):
        yield f"Process {process.number('traced_by')} traces it and can read its memory"
    if process.number("core_bytes"):
        yield "When it crashes the kernel may write its memory, with keys, to a core file"
    switches = process.texts("switches")
    if switches:
        yield f"The interpreter runs with {', '.join(switches)}"
