"""What the control plane may ask of this agent, by kind of job."""

from collections.abc import Mapping

from stronghouse.agent.collectors import COLLECTORS
from stronghouse.agent.connections import connections_to
from stronghouse.agent.inventory import Inventory, ServiceInventory
from stronghouse.agent.jobs import Handler, Progress
from stronghouse.agent.listening import socket_path
from stronghouse.agent.region_agent import RegionAgent
from stronghouse.agent.service import Service
from stronghouse.agent.workers import worker_spec
from stronghouse.kernel.canonical import Json
from stronghouse.kernel.clock import SystemClock
from stronghouse.kernel.errors import Invalid, Unavailable
from stronghouse.worker.specification import read_settings


def job_handlers(agent: RegionAgent) -> Mapping[str, Handler]:
    """The kinds of jobs, by what they are given.

    {"service_id"}: `wake`, `connections`, `metrics`, and `check_settings` with {"settings"} besides.
    {"collector"}: `collect`.
    """

    async def wake(arguments: dict[str, Json], _progress: Progress) -> Json:
        await agent.reconciler.service(_text(arguments, "service_id")).wake()
        return None

    async def collect(arguments: dict[str, Json], _progress: Progress) -> Json:
        name = _text(arguments, "collector")
        collector = COLLECTORS.get(name)
        if collector is None:
            raise Invalid(f"This agent has no collector {name!r}; upgrade it.", code="collector_unknown")
        return await collector(take_inventory(agent))

    async def connections(arguments: dict[str, Json], _progress: Progress) -> Json:
        service = agent.reconciler.service(_text(arguments, "service_id"))
        port = agent.settings.service_port(service.document.slot)
        return await connections_to(agent.edge_keeper.edge, port, clock=SystemClock())

    async def metrics(arguments: dict[str, Json], _progress: Progress) -> Json:
        worker = agent.reconciler.service(_text(arguments, "service_id")).worker
        if worker is None:
            raise Unavailable("The service's engine does not run.", code="service_not_running")
        return await worker.metrics()

    async def check_settings(arguments: dict[str, Json], _progress: Progress) -> Json:
        service = agent.reconciler.service(_text(arguments, "service_id"))
        await service.wake()  # who changes a setting has the right to
        if service.worker is None:
            raise Unavailable("The service's engine does not run.", code="service_not_running")
        try:
            wanted = read_settings(arguments.get("settings"))
        except ValueError:
            raise Invalid("The job needs settings.", code="job_invalid") from None
        return await service.worker.check_settings(wanted)

    return {
        "check_settings": check_settings,
        "wake": wake,
        "collect": collect,
        "connections": connections,
        "metrics": metrics,
    }


def take_inventory(agent: RegionAgent) -> Inventory:
    """This agent as it is now."""
    settings = agent.settings
    return Inventory(
        region=agent.identity.region,
        services=tuple(_service(agent, service) for service in agent.reconciler.services.values()),
        edge=agent.edge_keeper.edge,
        edge_ca_file=agent.store.edge_ca_file,
        control_host=settings.control_host,
        control_port=settings.control_port,
        kms=agent.kms,
        machine_key_file=settings.machine_key_file,
        state_directory=settings.state_directory,
        log_directory=settings.log_directory,
    )


def _service(agent: RegionAgent, service: Service) -> ServiceInventory:
    document, worker, key = service.document, service.worker, service.wrapped_key
    return ServiceInventory(
        id=document.id,
        state=service.state,
        port=agent.settings.service_port(document.slot),
        hosts=tuple(document.hosts),
        data_directory=service.home.data,
        socket=socket_path(agent.sockets, service_id=document.id),
        ip_access=document.networks,
        pid=worker.pid if worker else None,
        sandbox=worker.sandbox.to_json() if worker else None,
        spec=worker_spec(document, service.home, agent.settings),
        wrapped_key=service.home.wrapped_key,
        key={} if key is None else {"kms": key.kms, "key_id": key.key_id, "fingerprint": key.fingerprint},
        worker=worker,
    )


def _text(arguments: dict[str, Json], name: str) -> str:
    value = arguments.get(name)
    if not isinstance(value, str):
        raise Invalid(f"The job needs {name}.", code="job_invalid")
    return value
