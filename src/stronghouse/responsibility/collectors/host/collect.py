"""The collectors of a machine by name, each apart from the others, so that one bad source spoils no other."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from stronghouse.kernel.canonical import Json
from stronghouse.kernel.clock import Clock
from stronghouse.kernel.errors import Unavailable
from stronghouse.responsibility.collectors.host import access, firewall, sockets, sshd, system, updates
from stronghouse.responsibility.collectors.host.subject import Subject
from stronghouse.responsibility.collectors.host.view import HostView
from stronghouse.responsibility.facts import Facts, Resource

VERSION = 1
ELSEWHERE = "Not looked at from here: the agent that runs on the same machine looks at it."


@dataclass(frozen=True)
class _Collector:
    method: str
    look: Callable[[HostView, Subject], dict[str, Json]]


HOST_COLLECTORS: Mapping[str, _Collector] = {
    "host_system": _Collector(system.METHOD, system.system),
    "host_updates": _Collector(updates.METHOD, updates.updates),
    "host_sshd": _Collector(sshd.METHOD, sshd.sshd),
    "host_firewall": _Collector(firewall.METHOD, firewall.firewall),
    "host_access": _Collector(access.METHOD, access.access),
    "host_listening": _Collector(sockets.METHOD, sockets.listening),
}


def collect_host(
    name: str, *, view: HostView, subject: Subject, target: str, clock: Clock, examined_by_agent: bool = False
) -> Facts:
    """Facts about the machine, one resource whose kind is the collector's name.

    Args:
        name: one of `HOST_COLLECTORS`.
        view: the machine.
        subject: what to know of Stronghouse on it.
        target: named in the facts.
        clock: the time.
        examined_by_agent: whether the agent on the same machine looks: then nothing is said twice.

    Raises:
        Unavailable: something is larger than may be read, or cannot be read at all.
    """
    collected_at = clock.now()
    collector = HOST_COLLECTORS[name]
    resources: list[Resource] = []
    if not examined_by_agent:
        if view.status("/etc") is None:
            raise Unavailable(
                f"There is no machine's file system at {view.root} (STRONGHOUSE__HOST__ROOT).", code="host_unseen"
            )
        fields: dict[str, Json] = {"id": view.resource_id(), "kind": name, **collector.look(view, subject)}
        resources.append(Resource(fields))
    return Facts(
        collector=name,
        version=VERSION,
        method=ELSEWHERE if examined_by_agent else collector.method,
        target=target,
        collected_at=collected_at,
        resources=tuple(resources),
    )
