"""Reading what nft, iptables, apt-get and sshd say: samples in their own form, and what they mean."""

import json
from pathlib import Path
from typing import Any

import pytest

from stronghouse.kernel.errors import Invalid
from stronghouse.kernel.processes import Completed
from stronghouse.responsibility.collectors.host.access import password_kind
from stronghouse.responsibility.collectors.host.firewall import closed_families, iptables_closed
from stronghouse.responsibility.collectors.host.subject import declared_ports
from stronghouse.responsibility.collectors.host.updates import pending_security
from stronghouse.responsibility.collectors.host.view import MAX_OUTPUT, HostView

DROP: list[Any] = [{"drop": None}]
ACCEPT_SSH: list[Any] = [
    {"match": {"op": "==", "left": {"payload": {"protocol": "tcp", "field": "dport"}}, "right": 22}},
    {"accept": None},
]


def _chain(family: str, name: str, **base: str) -> dict[str, Any]:
    return {"chain": {"family": family, "table": "filter", "name": name, "handle": 1, **base}}


def _input(family: str, policy: str) -> dict[str, Any]:
    return _chain(family, "input", type="filter", hook="input", policy=policy)


def _rule(family: str, chain: str, expr: list[Any]) -> dict[str, Any]:
    return {"rule": {"family": family, "table": "filter", "chain": chain, "handle": 2, "expr": expr}}


def _ruleset(*items: dict[str, Any]) -> str:
    return json.dumps({"nftables": [{"metainfo": {"json_schema_version": 1}}, *items]})


@pytest.mark.parametrize(
    ("items", "closed"),
    [
        ([], set()),
        ([_input("inet", "drop")], {"ip", "ip6"}),
        ([_input("ip", "drop")], {"ip"}),
        ([_input("inet", "accept"), _rule("inet", "input", ACCEPT_SSH)], set()),
        ([_input("inet", "accept"), _rule("inet", "input", ACCEPT_SSH), _rule("inet", "input", DROP)], {"ip", "ip6"}),
        ([_input("inet", "drop"), _rule("inet", "input", [{"counter": None}, {"accept": None}])], set()),
        (
            [_input("inet", "accept"), _rule("inet", "input", [{"counter": {"packets": 1}}, {"reject": None}])],
            {"ip", "ip6"},
        ),
        ([_chain("inet", "input", type="filter", hook="forward", policy="drop")], set()),
        ([_chain("inet", "input", type="nat", hook="input", policy="drop")], set()),
        (
            [
                _input("inet", "accept"),
                _chain("inet", "rest"),
                _rule("inet", "input", [{"jump": {"target": "rest"}}]),
                _rule("inet", "rest", DROP),
            ],
            {"ip", "ip6"},
        ),
        (
            [
                _input("inet", "drop"),
                _chain("inet", "a"),
                _rule("inet", "input", [{"jump": {"target": "a"}}]),
                _rule("inet", "a", [{"jump": {"target": "a"}}]),
            ],
            set(),
        ),
    ],
)
def test_first_verdict_that_meets_every_packet_or_else_the_policy_decides(
    items: list[dict[str, Any]], closed: set[str]
) -> None:
    assert closed_families(_ruleset(*items)) == closed


@pytest.mark.parametrize(
    ("listing", "closed"),
    [
        ("-P INPUT ACCEPT\n", False),
        ("-P INPUT DROP\n-A INPUT -i lo -j ACCEPT\n", True),
        ("-P INPUT ACCEPT\n-A INPUT -p tcp --dport 22 -j ACCEPT\n-A INPUT -j REJECT --reject-with x\n", True),
        ("-P INPUT DROP\n-A INPUT -j ACCEPT\n", False),
        ('-P INPUT DROP\n-A INPUT -m comment --comment "let \\"all\\" in" -j ACCEPT\n', False),
        ("-P INPUT DROP\n-N own\n-A INPUT -j own\n-A own -j ACCEPT\n", False),
        ("-P INPUT ACCEPT\n-N own\n-A INPUT -j own\n-A own -j RETURN\n-A own -j DROP\n", False),
        ("-P INPUT ACCEPT\n-N own\n-A INPUT -g own\n-A own -j DROP\n", True),
        ("-P INPUT DROP\n-N own\n-A INPUT -j own\n-A own -j INPUT\n", False),
        ("", False),
    ],
)
def test_iptables_is_closed_by_policy_or_by_a_rule_without_condition(listing: str, *, closed: bool) -> None:
    assert iptables_closed(listing) is closed


def test_only_packages_of_a_security_suite_count() -> None:
    said = (
        "Inst bash [5.2.15-2+b8] (5.2.15-2+b13 Debian:12.15/oldstable [amd64])\n"
        "Inst libc6 [2.36-9] (2.36-9+deb12u10 Debian-Security:12/oldstable-security, Debian:12 [amd64]) [x:amd64 ]\n"
        "Inst openssl (3.0.2-0ubuntu1.18 Ubuntu:22.04/jammy-updates, Ubuntu:22.04/jammy-security [amd64])\n"
        "Inst debian-security-support [1] (2 Debian:12.15/oldstable [all])\n"
        "Conf libc6 (2.36-9+deb12u10 Debian-Security:12/oldstable-security [amd64])\n"
    )
    assert pending_security(said) == ["libc6 2.36-9+deb12u10", "openssl 3.0.2-0ubuntu1.18"]


@pytest.mark.parametrize(
    ("text", "kind"),
    [("", "empty"), ("*", "locked"), ("!$6$a$b", "locked"), ("$6$a$b", "sha512"), ("$y$j9T$a$b", "yescrypt"),
     ("$1$a$b", "md5"), ("$2b$12$ab", "bcrypt"), ("abcdefghijklm", "des"), ("odd", "unknown")],
)  # fmt: skip
def test_password_is_known_by_its_kind_alone(text: str, kind: str) -> None:
    assert password_kind(text) == kind


def test_declared_ports_are_read_or_refused() -> None:
    assert declared_ports("tcp/443, udp/123,") == ("tcp/443", "udp/123")
    assert declared_ports(None) == ()
    for wrong in ("443", "tcp/0", "tcp/70000", "sctp/1", "tcp/x"):
        with pytest.raises(Invalid):
            declared_ports(wrong)


def test_command_that_fails_hangs_or_says_too_much_is_a_problem_and_no_answer() -> None:
    def hangs(*_: object, **__: object) -> Completed:
        raise TimeoutError

    view = HostView(Path("/"), run=lambda *_, **__: Completed(255, "port 22", "sshd: no hostkeys available\n"))
    assert (view.output(["/usr/sbin/sshd"]).text, view.output(["/usr/sbin/sshd"]).problem) == (
        "",
        "sshd failed: sshd: no hostkeys available",
    )
    assert "TimeoutError" in (HostView(run=hangs).output(["/x"]).problem or "")
    loud = HostView(run=lambda *_, **__: Completed(0, "x" * (MAX_OUTPUT + 1), ""))
    assert loud.output(["/x"]).text == ""
    assert "more than may be read" in (loud.output(["/x"]).problem or "")
