"""What collectors get to see: an agent's services and edge as they are now, without any plaintext key."""

from dataclasses import dataclass
from pathlib import Path

from stronghouse.agent.ports import Worker
from stronghouse.edge.edge import Edge
from stronghouse.kernel.canonical import Json
from stronghouse.kernel.networks import IPNetwork
from stronghouse.keys.ports import KeyManagement
from stronghouse.worker.process import WorkerSpec


@dataclass(frozen=True, kw_only=True)
class ServiceInventory:
    """One service on this agent.

    Attributes:
        state: as it is reported, `running` or `idle` for instance.
        port: its HTTPS port.
        hosts: the names it is served under, without port.
        data_directory: where its encrypted data lies.
        socket: the Unix socket on which its worker takes requests.
        ip_access: the access list that the edge ought to enforce.
        pid: of its worker; None while none runs.
        sandbox: what its worker says of its own confinement; None while none runs.
        spec: what its worker was, or will be, started with.
        wrapped_key: the file with its wrapped data key.
        key: `kms`, `key_id` and `fingerprint` of that key; empty before it exists.
        worker: to ask; None while none runs.
    """

    id: str
    state: str
    port: int
    hosts: tuple[str, ...]
    data_directory: Path
    socket: Path
    ip_access: tuple[IPNetwork, ...]
    pid: int | None
    sandbox: dict[str, Json] | None
    spec: WorkerSpec
    wrapped_key: Path
    key: dict[str, Json]
    worker: Worker | None = None


@dataclass(frozen=True, kw_only=True)
class Inventory:
    """Everything on this agent.

    Attributes:
        edge_ca_file: the certificate of the authority that the edge's and the listener's certificates end in.
        control_host, control_port: the agents' listener.
        kms: the region's key management.
        machine_key_file: where the `local` key management keeps its key.
        state_directory: the installation's.
        log_directory: where the edge and the workers log.
    """

    region: str
    services: tuple[ServiceInventory, ...]
    edge: Edge
    edge_ca_file: Path
    control_host: str
    control_port: int
    kms: KeyManagement
    machine_key_file: Path
    state_directory: Path
    log_directory: Path
