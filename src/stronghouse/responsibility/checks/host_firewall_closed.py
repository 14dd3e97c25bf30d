"""The firewall turns away what no rule lets in."""

from collections.abc import Iterator
from datetime import timedelta

from stronghouse.responsibility.facts import Facts, Resource
from stronghouse.responsibility.model import CheckMeta, Result, ResultState, Severity
from stronghouse.responsibility.verdict import verdict

NAMES = {"ip": "IPv4", "ip6": "IPv6"}
META = CheckMeta(
    id="host_firewall_closed",
    title="The host's firewall turns away whatever no rule lets in",
    severity=Severity.HIGH,
    risk="Every port that any program ever opens on this machine is reachable from the network at once.",
    remediation=(
        "Let in what is needed and close the rest: `nft add table inet filter`, `nft 'add chain inet "
        "filter input { type filter hook input priority 0; policy drop; }'` after rules for loopback, "
        "established connections and SSH; keep it in `/etc/nftables.conf`."
    ),
    max_age=timedelta(hours=6),
    collector="host_firewall",
    controls=("platform.network.firewall",),
    frameworks=("SOC2:CC6.6", "ISO27001:A.8.20", "CIS:4.4"),
)


def evaluate(facts: Facts) -> Iterator[Result]:
    """One result for each machine."""
    for host in facts.of_kind("host_firewall"):
        yield _judge(host)


def _judge(host: Resource) -> Result:
    closed, problem = set(host.texts("closed")), host.optional_text("problem")
    counted = {"ip": host.number("open_ipv4"), "ip6": host.number("open_ipv6")}
    if closed == set(counted):
        return verdict(
            host.id, problems=[], proven=f"What no rule lets in is turned away ({host.optional_text('tool')})."
        )
    exposed = {family: ports for family, ports in counted.items() if ports and family not in closed}
    if not any(counted.values()):
        return Result(
            host.id, ResultState.NOT_APPLICABLE, "No port is open beyond loopback, so there is nothing to shield."
        )
    if problem is not None:
        return Result(host.id, ResultState.MANUAL, f"The firewall's rules are not known: {problem}.")
    wrong = [f"{ports} open ports are shielded by no rule for {NAMES[family]}" for family, ports in exposed.items()]
    return verdict(
        host.id, problems=wrong, proven=f"Every family with an open port is closed by default ({', '.join(closed)})."
    )
