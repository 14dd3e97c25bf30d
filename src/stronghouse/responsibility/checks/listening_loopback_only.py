"""No process of Stronghouse listens beyond loopback, the only place it was given."""

from collections.abc import Iterator
from datetime import timedelta
from ipaddress import ip_address

from stronghouse.kernel.errors import Invalid
from stronghouse.responsibility.facts import Facts, Observation
from stronghouse.responsibility.model import CheckMeta, Result, ResultState, Severity

META = CheckMeta(
    id="listening_loopback_only",
    title="Nothing listens beyond loopback",
    severity=Severity.CRITICAL,
    risk="A port that nobody meant to open is reachable from the network, past the edge and its access lists.",
    remediation="Stop the named process; if it is part of Stronghouse, remove the local change that gave it "
    "another address "
    "and run `stronghouse up` again.",
    max_age=timedelta(hours=1),
    collector="listening_sockets",
    controls=("platform.network.listening", "console.network.listening"),
    frameworks=("SOC2:CC6.6", "ISO27001:A.8.20", "CIS:4.4"),
)


def evaluate(facts: Facts) -> Iterator[Result]:
    """One result for each program."""
    for process in facts.of_kind("process"):
        sockets = process.parts("sockets")
        beyond = [_shown(socket) for socket in sockets if not _is_loopback(socket)]
        if beyond:
            yield Result(process.id, ResultState.FAIL, f"It listens on {', '.join(beyond)}.")
        elif process.number("hidden"):
            yield Result(process.id, ResultState.FAIL, "It hides its descriptors, so what it listens on is unknown.")
        elif process.number("hidden_in_sandbox") == process.number("processes"):
            reason = "It hides its descriptors, but its sandbox lets it open no socket."
            yield Result(process.id, ResultState.NOT_APPLICABLE, reason)
        elif sockets:
            shown = ", ".join(_shown(socket) for socket in sockets)
            yield Result(process.id, ResultState.PASS, f"It listens on {shown}.")
        else:
            yield Result(process.id, ResultState.PASS, "It listens on no TCP port.")


def _is_loopback(socket: Observation) -> bool:
    try:
        return ip_address(socket.text("address")).is_loopback
    except ValueError:
        raise Invalid("The facts hold an address that is none.", code="facts_malformed") from None


def _shown(socket: Observation) -> str:
    address = socket.text("address")
    return f"[{address}]:{socket.number('port')}" if ":" in address else f"{address}:{socket.number('port')}"
