"""What an agent can be asked to look at: collectors by name. Each takes the inventory and gives `Facts` as JSON.

A collector looks and does not judge; the evaluators are in `responsibility.checks`. It starts nothing, wakes nothing,
and never puts a key, a password or a row into its facts.
"""

from collections.abc import Awaitable, Callable, Mapping

from stronghouse.agent.collectors.components import collect_region_components
from stronghouse.agent.collectors.data_keys import collect_data_keys
from stronghouse.agent.collectors.database_users import collect_database_users
from stronghouse.agent.collectors.disk_encryption import collect_disk_encryption
from stronghouse.agent.collectors.host import host_collectors
from stronghouse.agent.collectors.listening_sockets import collect_region_sockets
from stronghouse.agent.collectors.network_access import collect_network_access
from stronghouse.agent.collectors.own_files import collect_region_files
from stronghouse.agent.collectors.own_process import collect_agent_process
from stronghouse.agent.collectors.plane_access import collect_plane_access
from stronghouse.agent.collectors.rendered_configuration import collect_rendered_configuration
from stronghouse.agent.collectors.service_authentication import collect_service_authentication
from stronghouse.agent.collectors.service_logs import collect_service_logs
from stronghouse.agent.collectors.service_places import collect_service_places
from stronghouse.agent.collectors.tls_endpoints import collect_region_endpoints
from stronghouse.agent.collectors.worker_sandbox import collect_worker_sandbox
from stronghouse.agent.inventory import Inventory
from stronghouse.kernel.canonical import Json

COLLECTORS: Mapping[str, Callable[[Inventory], Awaitable[Json]]] = {
    "tls_endpoints": collect_region_endpoints,
    "listening_sockets": collect_region_sockets,
    "disk_encryption": collect_disk_encryption,
    "network_access": collect_network_access,
    "data_keys": collect_data_keys,
    "worker_sandbox": collect_worker_sandbox,
    "service_authentication": collect_service_authentication,
    "plane_access": collect_plane_access,
    "components": collect_region_components,
    "own_files": collect_region_files,
    "own_process": collect_agent_process,
    "rendered_configuration": collect_rendered_configuration,
    "service_places": collect_service_places,
    "service_logs": collect_service_logs,
    "database_users": collect_database_users,
    **host_collectors(),
}
