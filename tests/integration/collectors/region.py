"""An agent's inventory for tests: a real edge, a real key, and a service of which tests decide what it is."""

import dataclasses
import json
from dataclasses import dataclass
from datetime import timedelta
from ipaddress import ip_network
from pathlib import Path
from typing import Any, cast

from stronghouse.access.certificates import CertificateAuthority, new_key_and_request
from stronghouse.agent.inventory import Inventory, ServiceInventory
from stronghouse.edge.configuration import DirectAnswer, VirtualHost
from stronghouse.edge.edge import Edge
from stronghouse.keys.data_keys import create_data_key
from stronghouse.keys.local import LocalKms
from stronghouse.responsibility.catalogue import load_catalogue
from stronghouse.responsibility.evaluation import evaluate
from stronghouse.responsibility.facts import Facts
from stronghouse.responsibility.model import Result

SERVICE = "11111111-1111-4111-8111-111111111111"
LOOPBACK = (ip_network("127.0.0.0/8"), ip_network("::1/128"))
CHECKS = load_catalogue().checks


def judge(check_id: str, document: object) -> list[Result]:
    """What a check says about what a collector gave, after its way over the wire."""
    return evaluate(CHECKS[check_id], Facts.from_json(json.loads(json.dumps(document))))


@dataclass
class Region:
    """A region under test."""

    inventory: Inventory

    @property
    def service(self) -> ServiceInventory:
        """Its one service."""
        return self.inventory.services[0]

    def change(self, **fields: Any) -> None:
        """Change the service."""
        changed = dataclasses.replace(self.service, **fields)
        self.inventory = dataclasses.replace(self.inventory, services=(changed,))

    def give_key(self) -> str:
        """Make the service's data key; its fingerprint."""
        wrapped = create_data_key(self.inventory.kms, service_id=SERVICE)
        self.service.wrapped_key.write_text(json.dumps(wrapped.to_json()))
        self.change(key={"kms": wrapped.kms, "key_id": wrapped.key_id, "fingerprint": wrapped.fingerprint})
        return wrapped.fingerprint

    def virtual_host(self, **fields: Any) -> VirtualHost:
        """The service as the edge serves it."""
        host = VirtualHost(
            name=SERVICE,
            port=self.service.port,
            server_name="localhost",
            hosts=(f"localhost:{self.service.port}",),
            answer=DirectAnswer(503, "No worker here."),
            allow=LOOPBACK,
            log_name=SERVICE,
        )
        return dataclasses.replace(host, **fields)

    async def start_edge(self, authority: CertificateAuthority) -> None:
        """Start the edge with the service on it."""
        key, request = new_key_and_request("localhost")
        leaf = authority.sign_server(request, names=["localhost"], lifetime=timedelta(days=30))
        await self.inventory.edge.set_certificate(leaf, key)
        await self.inventory.edge.apply([self.virtual_host()])
        await self.inventory.edge.start()


def make_region(directory: Path, authority: CertificateAuthority, *, port: int) -> Region:
    """A region in `directory`, nothing of it started."""
    state = directory / "state"
    home = state / "agent" / "services" / SERVICE
    (home / "data").mkdir(parents=True)
    machine_key = directory / "config" / "machine.key"
    ca_file = directory / "ca.pem"
    ca_file.write_bytes(authority.certificate_pem)
    kms = LocalKms(machine_key)
    service = ServiceInventory(
        id=SERVICE,
        state="running",
        port=port,
        hosts=("localhost",),
        data_directory=home / "data",
        socket=directory / "http.sock",
        ip_access=LOOPBACK,
        pid=1,
        sandbox=None,
        spec=cast("Any", None),
        wrapped_key=home / "data-key.json",
        key={},
    )
    return Region(
        Inventory(
            region="local",
            services=(service,),
            edge=Edge(directory=state / "agent" / "edge", log_directory=directory / "log", concurrency=1),
            edge_ca_file=ca_file,
            control_host="localhost",
            control_port=1,
            kms=kms,
            machine_key_file=machine_key,
            state_directory=state,
            log_directory=directory / "log",
        )
    )
