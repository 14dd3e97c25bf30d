"""The files that Envoy reads, made from a configuration: four subscriptions and no more.

Each file subscription takes one inotify instance of the machine's few (128 by default), and Envoy aborts when there
are none left. So there is one listener file, one cluster file, one route file and one secret file, however many
services there are.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

from stronghouse.edge.clusters import cluster
from stronghouse.edge.configuration import EdgeConfiguration
from stronghouse.edge.listeners import SECRET_NAME, STAT_PREFIX, listeners
from stronghouse.edge.routes import ROUTE_NAME, route_configuration
from stronghouse.kernel.canonical import Json, canonical_json


class Subscription(Enum):
    """One file that Envoy follows; the value is its path below the configuration directory."""

    CLUSTERS = "xds/clusters.json"
    ROUTES = "xds/routes.json"
    LISTENERS = "xds/listeners.json"
    SECRETS = "sds/certificate.json"

    @property
    def statistics(self) -> str:
        """The prefix of the statistics in which Envoy tells what became of this file."""
        return _STATISTICS[self]


_STATISTICS = {
    Subscription.CLUSTERS: "cluster_manager.cds.",
    Subscription.ROUTES: f"http.{STAT_PREFIX}.rds.{ROUTE_NAME}.",
    Subscription.LISTENERS: "listener_manager.lds.",
    Subscription.SECRETS: f"sds.{SECRET_NAME}.",
}


@dataclass(frozen=True)
class Document:
    """The content of one subscription. `version` is derived from the resources, so equal content has equal versions."""

    version: str
    resources: list[Json] = field(repr=False)  # the secret file's hold the TLS key

    @classmethod
    def of(cls, resources: list[Json]) -> "Document":
        """The document that holds `resources`."""
        return cls(hashlib.sha256(canonical_json(resources)).hexdigest()[:16], resources)

    def content(self) -> bytes:
        """What the file holds."""
        return canonical_json({"version_info": self.version, "resources": self.resources})

    def with_leftovers(self, older: "Document") -> "Document":
        """This one and, after it, what only `older` has: nothing that is still in use goes missing."""
        names = {_name(resource) for resource in self.resources}
        return Document.of(self.resources + [kept for kept in older.resources if _name(kept) not in names])


Documents = Mapping[Subscription, Document]


def render(configuration: EdgeConfiguration) -> dict[Subscription, Document]:
    """Every document for `configuration`; raises Invalid when an upstream's socket path is too long."""
    hosts = tuple(sorted(configuration.virtual_hosts, key=lambda host: host.name))
    clusters = [
        cluster(host, host.upstream, directory=configuration.directory) for host in hosts if host.upstream is not None
    ]
    return {
        Subscription.CLUSTERS: Document.of(clusters),
        Subscription.ROUTES: Document.of([route_configuration(hosts)]),
        Subscription.LISTENERS: Document.of(listeners(configuration)),
        Subscription.SECRETS: Document.of(_secrets(configuration)),
    }


def _secrets(configuration: EdgeConfiguration) -> list[Json]:
    if configuration.certificate_pem is None or configuration.key_pem is None:
        return []
    return [
        {
            "@type": "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret",
            "name": SECRET_NAME,
            "tls_certificate": {
                "certificate_chain": {"inline_string": configuration.certificate_pem.decode("ascii")},
                "private_key": {"inline_string": configuration.key_pem.reveal()},
            },
        }
    ]


def _name(resource: Json) -> Json:
    return resource["name"] if isinstance(resource, dict) else None
