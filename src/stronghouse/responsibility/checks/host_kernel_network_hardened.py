"""The kernel takes no routes from strangers and answers no forged connections."""

from collections.abc import Iterator
from datetime import timedelta

from stronghouse.responsibility.facts import Facts, Resource
from stronghouse.responsibility.model import CheckMeta, Result, ResultState, Severity
from stronghouse.responsibility.verdict import verdict

EXPECTED = {
    "net.ipv4.conf.all.accept_redirects": ("0",),
    "net.ipv4.conf.all.send_redirects": ("0",),
    "net.ipv4.conf.all.accept_source_route": ("0",),
    "net.ipv4.conf.all.rp_filter": ("1", "2"),
    "net.ipv4.tcp_syncookies": ("1", "2"),
    "net.ipv4.icmp_echo_ignore_broadcasts": ("1",),
    "net.ipv6.conf.all.accept_redirects": ("0",),
    "net.ipv6.conf.all.accept_source_route": ("0", "-1"),
}
META = CheckMeta(
    id="host_kernel_network_hardened",
    title="The kernel takes no redirects and no source routes, and withstands SYN floods",
    severity=Severity.LOW,
    risk=(
        "Somebody on the same network bends the path of packets through a machine of theirs, or exhausts connections."
    ),
    remediation=(
        "Write the named settings into `/etc/sysctl.d/60-stronghouse.conf` "
        "(`net.ipv4.conf.all.accept_redirects=0`, `net.ipv4.conf.all.send_redirects=0`, "
        "`net.ipv4.conf.all.rp_filter=1` and so on) and run `sysctl --system`."
    ),
    max_age=timedelta(hours=24),
    collector="host_system",
    controls=("platform.os.hardening",),
    frameworks=("SOC2:CC6.6", "ISO27001:A.8.20", "CIS:4.1"),
)


def evaluate(facts: Facts) -> Iterator[Result]:
    """One result for each machine."""
    for host in facts.of_kind("host_system"):
        yield _judge(host)


def _judge(host: Resource) -> Result:
    interfaces = host.optional_texts("interfaces")
    if interfaces is None:
        return Result(host.id, ResultState.MANUAL, "Network settings of a machine cannot be read from this container.")
    if not interfaces:
        return Result(host.id, ResultState.NOT_APPLICABLE, "It has no network interface but loopback.")
    settings = host.part("sysctls")
    found = {name: settings.optional_text(name) for name in EXPECTED}
    wrong = [f"{name} is {value}" for name, value in found.items() if value is not None and value not in EXPECTED[name]]
    # A kernel without IPv6 has none of its settings.
    absent = [
        f"{name} is not there to be read" for name, value in found.items() if value is None and "ipv6" not in name
    ]
    return verdict(host.id, problems=wrong, unknown=absent, proven="All settings of the network are as they should be.")
