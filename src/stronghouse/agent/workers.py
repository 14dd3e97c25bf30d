"""Starts real worker processes."""

from pathlib import Path

from stronghouse.agent.desired import ServiceDocument
from stronghouse.agent.home import ServiceHome
from stronghouse.agent.listening import ListeningSocket
from stronghouse.kernel.ids import ServiceId
from stronghouse.worker.process import WorkerProcess, WorkerSpec

GIBIBYTE = 1024**3


class WorkerProcesses:
    """Starts a worker process for each service; each logs to a file of its own in `log_directory`."""

    def __init__(self, *, log_directory: Path) -> None:
        self._log_directory = log_directory

    async def start(
        self, document: ServiceDocument, home: ServiceHome, *, listener: ListeningSocket, data_key: bytes
    ) -> WorkerProcess:
        """A worker that answers on `listener`; raises Unavailable. Must be called on the main thread."""
        return await WorkerProcess.start(
            worker_spec(document, home),
            listener=listener.socket,
            data_key=data_key,
            log=self._log_directory / f"worker-{document.id}.log",
        )


def worker_spec(document: ServiceDocument, home: ServiceHome) -> WorkerSpec:
    """What a service's worker is started with."""
    return WorkerSpec(
        service_id=ServiceId(document.id),
        data_directory=home.data,
        username=document.username,
        password_sha256=document.password_sha256,
        memory_limit_bytes=document.memory_gb * GIBIBYTE,
        uid=home.record.user_id,
    )
