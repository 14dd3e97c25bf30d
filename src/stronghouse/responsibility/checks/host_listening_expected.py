"""Nothing on the machine listens beyond loopback but SSH and what is declared."""

from collections.abc import Iterator
from datetime import timedelta

from stronghouse.kernel.canonical import Json
from stronghouse.responsibility.facts import Facts, Resource
from stronghouse.responsibility.model import CheckMeta, Result, ResultState, Severity
from stronghouse.responsibility.verdict import verdict

SSH = "tcp/22"
SSH_PROGRAMS = frozenset({"sshd", "systemd"})
USUAL = frozenset({"udp/68", "udp/546"})
"""DHCP clients, which have to be reached by a server that they do not know yet."""
META = CheckMeta(
    id="host_listening_expected",
    title="No program of the machine listens beyond loopback undeclared",
    severity=Severity.HIGH,
    risk=(
        "A service that nobody meant to offer is reachable from the network and is not patched, watched or protected."
    ),
    remediation=(
        "Stop the named program or bind it to 127.0.0.1; if it is meant to be reached, start Stronghouse "
        "with `STRONGHOUSE__HOST__PORTS=tcp/PORT`."
    ),
    max_age=timedelta(hours=6),
    collector="host_listening",
    controls=("platform.network.listening",),
    frameworks=("SOC2:CC6.6", "ISO27001:A.8.20", "CIS:4.8"),
)


def evaluate(facts: Facts) -> Iterator[Result]:
    """One result for each machine."""
    for host in facts.of_kind("host_listening"):
        yield _judge(host)


def _judge(host: Resource) -> Result:
    sockets, inner = host.parts("beyond"), host.number("loopback")
    if not sockets and not inner:
        return Result(host.id, ResultState.NOT_APPLICABLE, "Nothing listens on this machine.")
    declared, ephemeral = set(host.texts("declared")), host.fields.get("ephemeral")
    wrong, unknown = [], []
    for one in sockets:
        protocol, port, program = one.text("protocol"), one.number("port"), one.optional_text("program")
        shown = f"{program or 'a program that is not seen'} listens on {protocol} {one.text('address')} port {port}"
        named = f"{protocol}/{port}"
        if named in declared or named in USUAL or (named == SSH and program in SSH_PROGRAMS):
            continue
        if protocol == "udp" and _is_clients(port, ephemeral):
            continue
        if named == SSH and program is None:
            unknown.append(shown)
        else:
            wrong.append(shown)
    proven = f"{len(sockets)} sockets beyond loopback, all expected; {inner} on loopback."
    return verdict(host.id, problems=wrong, unknown=unknown, proven=proven)


def _is_clients(port: int, ephemeral: Json) -> bool:
    """Whether the kernel gives such ports to clients, which wait there for answers (udp)."""
    match ephemeral:
        case [int() as low, int() as high]:
            return low <= port <= high
    return False
