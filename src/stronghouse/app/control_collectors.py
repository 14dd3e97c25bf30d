"""The collectors that run on the control plane, by name."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from stronghouse.audit.checkpoint import Signer
from stronghouse.kernel.clock import Clock
from stronghouse.responsibility.catalogue import Catalogue
from stronghouse.responsibility.collectors.audit_tree import collect_audit_tree
from stronghouse.responsibility.collectors.listening_sockets import collect_listening_sockets
from stronghouse.responsibility.collectors.tls_endpoints import TlsEndpoint, collect_tls_endpoints
from stronghouse.responsibility.facts import Facts
from stronghouse.storage.database import Database

TARGET = "control plane"


@dataclass(frozen=True, kw_only=True)
class ControlParts:
    """What the collectors look at.

    Attributes:
        signer: of the audit log; only its name and public key are used.
        endpoints: what the control plane serves.
        edge_ca_pem: the authority that their certificates end in.
    """

    database: Database
    signer: Signer
    catalogue: Catalogue
    clock: Clock
    endpoints: Sequence[TlsEndpoint]
    edge_ca_pem: str


def control_collectors(parts: ControlParts) -> Mapping[str, Callable[[], Facts]]:
    """Every collector whose place is the control plane (`responsibility.facts.COLLECTORS`)."""

    def audit_tree() -> Facts:
        with parts.database.read() as connection:
            return collect_audit_tree(
                connection,
                origin=parts.signer.origin,
                public_key=parts.signer.public_key,
                catalogue=parts.catalogue,
                clock=parts.clock,
            )

    return {
        "audit_tree": audit_tree,
        "tls_endpoints": lambda: collect_tls_endpoints(
            parts.endpoints, authority_pem=parts.edge_ca_pem, target=TARGET, clock=parts.clock
        ),
        "listening_sockets": lambda: collect_listening_sockets(target=TARGET, clock=parts.clock),
    }
