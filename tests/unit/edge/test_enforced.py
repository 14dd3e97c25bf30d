"""Reading back what is enforced: anything that is not our own kind of rule counts as open."""

import copy
import json
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest

from stronghouse.edge.configuration import EdgeConfiguration, VirtualHost
from stronghouse.edge.enforced import enforced_access
from stronghouse.edge.rendering import Subscription, render
from stronghouse.kernel.errors import Internal

RBAC = "envoy.filters.http.rbac"


def _dump() -> dict[str, Any]:
    """A dump as Envoy gives it for one virtual host that lets in one block."""
    host = VirtualHost(
        name="a",
        port=8447,
        server_name="localhost",
        hosts=("localhost:8447",),
        upstream=Path("/a"),
        allow=(ip_network("192.0.2.0/24"),),
        log_name="a",
    )
    documents = render(
        EdgeConfiguration(
            node_id="edge",
            directory=Path("/edge"),
            log_directory=Path("/log"),
            addresses=("::1",),
            virtual_hosts=(host,),
        )
    )
    listener, route = (
        json.loads(documents[each].content())["resources"][0] for each in (Subscription.LISTENERS, Subscription.ROUTES)
    )
    return {
        "configs": [
            {
                "@type": "x/envoy.admin.v3.ListenersConfigDump",
                "dynamic_listeners": [{"active_state": {"listener": listener}}],
            },
            {"@type": "x/envoy.admin.v3.RoutesConfigDump", "dynamic_route_configs": [{"route_config": route}]},
        ]
    }


def _manager(dump: dict[str, Any]) -> dict[str, Any]:
    listener = dump["configs"][0]["dynamic_listeners"][0]["active_state"]["listener"]
    found: dict[str, Any] = listener["filter_chains"][0]["filters"][-1]["typed_config"]
    return found


def _host(dump: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = dump["configs"][1]["dynamic_route_configs"][0]["route_config"]["virtual_hosts"][0]
    return found


def _rules(dump: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = _host(dump)["typed_per_filter_config"][RBAC]["rbac"]["rules"]
    return found


def _no_filter(dump: dict[str, Any]) -> None:
    del _manager(dump)["http_filters"][0]


def _filter_last(dump: dict[str, Any]) -> None:
    _manager(dump)["http_filters"].reverse()


def _filter_off(dump: dict[str, Any]) -> None:
    _manager(dump)["http_filters"][0]["disabled"] = True


def _filter_without_rules(dump: dict[str, Any]) -> None:
    del _manager(dump)["http_filters"][0]["typed_config"]["rules"]


def _upgrade_unguarded(dump: dict[str, Any]) -> None:
    del _manager(dump)["upgrade_configs"][0]["filters"][0]


def _override_off(dump: dict[str, Any]) -> None:
    _host(dump)["typed_per_filter_config"][RBAC] = {"@type": "x"}


def _override_shadow_only(dump: dict[str, Any]) -> None:
    rbac = _host(dump)["typed_per_filter_config"][RBAC]["rbac"]
    rbac["shadow_rules"] = rbac.pop("rules")


def _deny_list(dump: dict[str, Any]) -> None:
    _rules(dump)["action"] = "DENY"


def _log_only(dump: dict[str, Any]) -> None:
    _rules(dump)["action"] = "LOG"


def _any(dump: dict[str, Any]) -> None:
    _rules(dump)["policies"]["access-list"]["principals"].append({"any": True})


def _forgeable_address(dump: dict[str, Any]) -> None:
    _rules(dump)["policies"]["access-list"]["principals"] = [
        {"remote_ip": {"address_prefix": "192.0.2.0", "prefix_len": 24}}
    ]


def _route_override(dump: dict[str, Any]) -> None:
    _host(dump)["routes"][0]["typed_per_filter_config"] = {RBAC: {}}


def test_rule_is_read_back() -> None:
    assert enforced_access(_dump()) == {"a": ("192.0.2.0/24",)}


@pytest.mark.parametrize(
    "break_",
    [
        _no_filter,
        _filter_last,
        _filter_off,
        _filter_without_rules,
        _upgrade_unguarded,
        _override_off,
        _override_shadow_only,
        _deny_list,
        _log_only,
        _any,
        _forgeable_address,
        _route_override,
    ],
)
def test_whatever_would_let_others_in_counts_as_anyone(break_: Any) -> None:
    dump = copy.deepcopy(_dump())
    break_(dump)
    assert enforced_access(dump) == {"a": None}


def test_virtual_host_without_a_rule_is_nobody() -> None:
    dump = _dump()
    del _host(dump)["typed_per_filter_config"]
    assert enforced_access(dump) == {"a": ()}


def test_no_prefix_length_is_the_whole_internet() -> None:
    dump = _dump()
    _rules(dump)["policies"]["access-list"]["principals"] = [{"direct_remote_ip": {"address_prefix": "0.0.0.0"}}]
    assert enforced_access(dump) == {"a": ("0.0.0.0/0",)}


def test_dump_of_another_form_is_an_error_and_not_a_pass() -> None:
    dump = _dump()
    dump["configs"][1]["dynamic_route_configs"] = {"unexpected": 1}
    with pytest.raises(Internal):
        enforced_access(dump)
