"""Whether packets that nobody asked for are turned away before they reach a program."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from stronghouse.kernel.canonical import Json, parse_json
from stronghouse.responsibility.collectors.host.sockets import host_sockets
from stronghouse.responsibility.collectors.host.subject import Subject
from stronghouse.responsibility.collectors.host.view import HostView, Output

METHOD = (
    "`nft -j list ruleset`, or `iptables -S` and `ip6tables -S` where there is no nft: for each base chain on the "
    "input hook, the first verdict that meets every packet, else its policy; and which ports are open beyond loopback."
)
MAX_JUMPS = 16
CLOSING = frozenset({"drop", "reject"})
_COMMENT = re.compile(r'-m comment --comment (?:"(?:[^"\\]|\\.)*"|\S+) ')
_RULE_WORDS = 4
_SILENT = frozenset({"counter", "log", "comment"})
_FAMILIES: Mapping[str, tuple[str, ...]] = {"inet": ("ip", "ip6"), "ip": ("ip",), "ip6": ("ip6",)}
Rule = Sequence[Mapping[str, Any]]


def firewall(view: HostView, _subject: Subject) -> dict[str, Json]:
    """Fields of the resource; `problem` says why the rules are not known."""
    open_ports = [one for one in host_sockets(view) if not one.loopback]
    closed, tool, problem = _rules(view)
    shown: list[Json] = [*sorted(closed)]
    return {
        "tool": tool,
        "problem": problem,
        "closed": shown,
        "open_ipv4": sum(":" not in one.address or one.address == "::" for one in open_ports),
        "open_ipv6": sum(":" in one.address for one in open_ports),
    }


def _rules(view: HostView) -> tuple[set[str], str | None, str | None]:
    if not view.is_own:
        return set(), None, "the rules of another machine's network namespace cannot be listed from this container"
    if (nft := view.command("nft")) is not None:
        said = view.output([nft, "-j", "list", "ruleset"])
        try:
            return (set() if said.problem else closed_families(said.text)), "nft", said.problem
        except (ValueError, KeyError, TypeError, AttributeError):
            return set(), "nft", "nft answered with something that cannot be read"
    closed: set[str] = set()
    problems = []
    if view.command("iptables") is None:
        return closed, None, "there is neither nft nor iptables to ask"
    for family, name in (("ip", "iptables"), ("ip6", "ip6tables")):
        program = view.command(name)
        said = Output(problem=f"there is no {name}") if program is None else view.output([program, "-S"])
        if said.problem is not None:
            problems.append(said.problem)
        elif iptables_closed(said.text):
            closed.add(family)
    return closed, "iptables", "; ".join(problems) or None


def closed_families(ruleset: str) -> set[str]:
    """`ip` and `ip6`, as far as a base chain on the input hook turns away what no rule lets in.

    Raises:
        ValueError, KeyError, TypeError, AttributeError: it is not nft's JSON.
    """
    document: Any = parse_json(ruleset)
    chains: dict[tuple[str, str, str], dict[str, Any]] = {}
    rules: dict[tuple[str, str, str], list[Rule]] = {}
    for item in document["nftables"]:
        if "chain" in item:
            chain = item["chain"]
            chains[chain["family"], chain["table"], chain["name"]] = chain
        elif "rule" in item:
            rule = item["rule"]
            rules.setdefault((rule["family"], rule["table"], rule["chain"]), []).append(rule.get("expr", []))
    closed: set[str] = set()
    for key, chain in chains.items():
        if chain.get("hook") == "input" and chain.get("type") == "filter":
            verdict = _verdict(key, rules, 0) or chain.get("policy", "accept")
            if verdict in CLOSING:
                closed.update(_FAMILIES.get(key[0], ()))
    return closed


def _verdict(key: tuple[str, str, str], rules: Mapping[tuple[str, str, str], list[Rule]], depth: int) -> str | None:
    """The first verdict that every packet meets; `accept` where chains call each other without end."""
    if depth > MAX_JUMPS:
        return "accept"
    for rule in rules.get(key, []):
        acting = [next(iter(one)) for one in rule if not _SILENT.intersection(one)]
        if len(acting) != 1:
            continue  # it has a condition, or does nothing
        if acting[0] in CLOSING | {"accept", "return"}:
            return None if acting[0] == "return" else acting[0]
        if acting[0] in {"jump", "goto"}:
            target = next(one[acting[0]]["target"] for one in rule if acting[0] in one)
            verdict = _verdict((*key[:2], target), rules, depth + 1)
            if verdict is not None or acting[0] == "goto":
                return verdict
    return None


def iptables_closed(listing: str) -> bool:
    """Whether the chain INPUT of `iptables -S` turns away what no rule lets in."""
    policy = "ACCEPT"
    chains: dict[str, list[tuple[str, str]]] = {}
    for line in _COMMENT.sub("", listing).splitlines():
        words = line.split()
        if words[:2] == ["-P", "INPUT"]:
            policy = words[2]
        if len(words) >= _RULE_WORDS and words[0] == "-A" and words[2] in {"-j", "-g"}:
            chains.setdefault(words[1], []).append((words[2], words[3]))
    return (_target("INPUT", chains, 0) or policy) in {"DROP", "REJECT"}


def _target(chain: str, chains: Mapping[str, list[tuple[str, str]]], depth: int) -> str | None:
    """The first target that every packet meets; ACCEPT where chains call each other without end."""
    if depth > MAX_JUMPS:
        return "ACCEPT"
    for how, target in chains.get(chain, []):
        if target in {"ACCEPT", "DROP", "REJECT"}:
            return target
        if target == "RETURN":
            return None
        found = _target(target, chains, depth + 1)
        if found is not None or how == "-g":
            return found
    return None
