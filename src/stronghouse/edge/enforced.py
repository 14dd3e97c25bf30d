"""What Envoy enforces, read back from Envoy itself, for checks that must not believe our own files.

Reading is pessimistic: whatever is not recognised as one of our access rules counts as open to anyone.
"""

from collections.abc import Iterator
from ipaddress import ip_network
from typing import cast

from stronghouse.edge.routes import RBAC_FILTER
from stronghouse.kernel.canonical import Json
from stronghouse.kernel.errors import Internal

Access = tuple[str, ...] | None
"""The blocks that may send requests; `()` is nobody, `None` is anyone."""
_CONNECTION_MANAGER = "envoy.filters.network.http_connection_manager"


def enforced_access(dump: dict[str, Json]) -> dict[str, Access]:
    """For each virtual host in Envoy's configuration dump, who may reach it.

    Raises:
        Internal: the dump does not have the form that Envoy documents.
    """
    try:
        guarded = all(_denies_by_default(manager) for manager in _connection_managers(dump))
        hosts = list(_virtual_hosts(dump))
        return {cast("str", host["name"]): _access(host) if guarded else None for host in hosts}
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise Internal("The edge's configuration could not be read back.", detail=repr(error)) from error


def _section(dump: dict[str, Json], kind: str) -> dict[str, Json]:
    for section in _list(dump.get("configs")):
        if str(section["@type"]).endswith(f".{kind}"):
            return section
    return {}


def _connection_managers(dump: dict[str, Json]) -> Iterator[dict[str, Json]]:
    for listener in _list(_section(dump, "ListenersConfigDump").get("dynamic_listeners")):
        for state in ("active_state", "warming_state"):
            chains = _map(_map(listener.get(state)).get("listener")).get("filter_chains")
            for network_filter in (each for chain in _list(chains) for each in _list(chain.get("filters"))):
                if network_filter["name"] == _CONNECTION_MANAGER:
                    yield _map(network_filter["typed_config"])


def _denies_by_default(manager: dict[str, Json]) -> bool:
    """Whether every request passes first through an access filter that lets nobody in by itself."""
    upgrades = [_list(upgrade.get("filters")) for upgrade in _list(manager.get("upgrade_configs"))]
    for filters in [_list(manager.get("http_filters")), *(each for each in upgrades if each)]:
        if not filters or filters[0]["name"] != RBAC_FILTER or filters[0].get("disabled"):
            return False
        configuration = _map(filters[0]["typed_config"])
        if "rules" not in configuration or _rule_access(_map(configuration["rules"])) != ():
            return False
    return True


def _virtual_hosts(dump: dict[str, Json]) -> Iterator[dict[str, Json]]:
    for route in _list(_section(dump, "RoutesConfigDump").get("dynamic_route_configs")):
        yield from _list(_map(route["route_config"]).get("virtual_hosts"))


def _access(host: dict[str, Json]) -> Access:
    if any(RBAC_FILTER in _map(route.get("typed_per_filter_config")) for route in _list(host.get("routes"))):
        return None  # we never override an access list for a part of a virtual host
    override = _map(host.get("typed_per_filter_config")).get(RBAC_FILTER)
    if override is None:
        return ()  # the listeners' own filter applies: nobody
    rules = _map(_map(override).get("rbac")).get("rules")
    return None if rules is None else _rule_access(_map(rules))


def _rule_access(rules: dict[str, Json]) -> Access:
    if rules.get("action", "ALLOW") != "ALLOW":
        return None
    blocks: set[str] = set()
    for policy in _map(rules.get("policies")).values():
        for principal in _list(_map(policy).get("principals")):
            if set(principal) != {"direct_remote_ip"}:
                return None
            block = _map(principal["direct_remote_ip"])
            blocks.add(str(ip_network((str(block["address_prefix"]), cast("int", block.get("prefix_len", 0))))))
    return tuple(sorted(blocks))


def _map(value: Json) -> dict[str, Json]:
    """An object; an absent one is empty, as in protocol buffers' JSON."""
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise TypeError("expected an object")
    return value


def _list(value: Json) -> list[dict[str, Json]]:
    """A list of objects; an absent one is empty."""
    if value is None:
        return []
    if not isinstance(value, list):
        raise TypeError("expected a list")
    return [_map(item) for item in value]
