"""Starts real worker processes."""

from stronghouse.agent.desired import ServiceDocument
from stronghouse.agent.home import ServiceHome
from stronghouse.agent.listening import ListeningSocket
from stronghouse.agent.settings import AgentSettings
from stronghouse.kernel.ids import ServiceId
from stronghouse.worker.process import DataKeyProvider, WorkerProcess, WorkerSpec

GIBIBYTE = 1024**3


class WorkerProcesses:
    """Starts a worker process for each service; each logs to a file of its own in the agent's log directory."""

    def __init__(self, settings: AgentSettings) -> None:
        self._settings = settings

    async def start(
        self, document: ServiceDocument, home: ServiceHome, *, listener: ListeningSocket, data_key: DataKeyProvider
    ) -> WorkerProcess:
        """A worker that answers on `listener`.

        Must be called on the main thread.

        Raises:
            StronghouseError: there is no data key.
            Unavailable: it did not come up.
        """
        return await WorkerProcess.start(
            worker_spec(document, home, self._settings),
            listener=listener.socket,
            data_key=await data_key(),
            data_key_provider=data_key,
            log=self._settings.log_directory / f"worker-{document.id}.log",
        )


def worker_spec(document: ServiceDocument, home: ServiceHome, settings: AgentSettings) -> WorkerSpec:
    """What a service's worker is started with."""
    return WorkerSpec(
        service_id=ServiceId(document.id),
        data_directory=home.data,
        username=document.username,
        password_sha256=document.password_sha256,
        memory_limit_bytes=document.memory_gb * GIBIBYTE,
        uid=home.record.user_id,
        log_retention_days=settings.log_retention_days,
        mask_patterns=settings.mask_patterns,
        settings=document.settings,
    )
