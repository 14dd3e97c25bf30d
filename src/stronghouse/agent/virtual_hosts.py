"""What the edge serves for each service: its worker where there is something to reach, else a sentence."""

from collections.abc import Iterable, Mapping
from pathlib import Path

from stronghouse.agent.service import Service
from stronghouse.agent.settings import AgentSettings
from stronghouse.edge.configuration import DirectAnswer, VirtualHost
from stronghouse.kernel.networks import parse_source

STOPPED = "The service is stopped. Start it in the console, with the API, or with: stronghouse service start\n"
CREATING = "The service is being created. Try again in a few seconds.\n"
FAILED = "The service failed and is tried again from time to time. Its status tells the reason.\n"
MAX_QUERY_BYTES = 1024 * 1024
"""The longest request to the queries host: it is held until it is complete. Long data goes to the service itself."""
_EVERYONE_HERE = (parse_source("127.0.0.0/8"), parse_source("::1/128"))


def virtual_hosts(settings: AgentSettings, services: Mapping[str, Service], *, queries: Path) -> list[VirtualHost]:
    """All virtual hosts of this agent: the queries host, on its socket, and each service that is not being deleted."""
    return [_queries(settings, queries), *_services(settings, services.values())]


def _queries(settings: AgentSettings, socket: Path) -> VirtualHost:
    return VirtualHost(
        name="queries",
        port=settings.queries_port,
        server_name="localhost",
        hosts=(f"localhost:{settings.queries_port}",),
        upstream=socket,
        max_request_bytes=MAX_QUERY_BYTES,
        allow=_EVERYONE_HERE,
        log_name="queries",
    )


def _services(settings: AgentSettings, services: Iterable[Service]) -> Iterable[VirtualHost]:
    for service in services:
        document = service.document
        if document.state == "deleted":
            continue
        port = settings.service_port(document.slot)
        sentence = _sentence(service)
        yield VirtualHost(
            name=document.id,
            port=port,
            server_name=document.hosts[0],
            hosts=tuple(f"{host}:{port}" for host in document.hosts),
            upstream=service.listener.path if service.listener is not None and sentence is None else None,
            answer=None if sentence is None else DirectAnswer(503, sentence),
            allow=document.networks,
            log_name=document.id,
        )


def _sentence(service: Service) -> str | None:
    """What to say in the worker's stead; None while there is a socket to queue on."""
    if service.state == "failed":
        return FAILED
    if not service.takes_requests:
        return STOPPED
    return None if service.listener is not None else CREATING
