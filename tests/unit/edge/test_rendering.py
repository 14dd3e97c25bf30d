"""What is written for Envoy: denied by default, pinned, and only what changed."""

import json
import os
from dataclasses import replace
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest

from stronghouse.edge.clusters import MAX_SOCKET_PATH, socket_path
from stronghouse.edge.configuration import DirectAnswer, EdgeConfiguration, VirtualHost
from stronghouse.edge.rendering import Document, Subscription, render
from stronghouse.kernel.errors import Invalid
from stronghouse.kernel.secret import Secret


def _host(name: str, port: int, **changes: Any) -> VirtualHost:
    host = VirtualHost(
        name=name,
        port=port,
        server_name="localhost",
        hosts=(f"localhost:{port}",),
        upstream=Path("/run") / name / "http.sock",
        allow=(ip_network("192.0.2.0/24"), ip_network("2001:db8::/32")),
        log_name=name,
    )
    return replace(host, **changes)


def _configuration(*hosts: VirtualHost) -> EdgeConfiguration:
    return EdgeConfiguration(
        node_id="edge",
        directory=Path("/edge"),
        log_directory=Path("/log"),
        addresses=("127.0.0.1", "::1"),
        virtual_hosts=hosts,
        certificate_pem=b"CERTIFICATE",
        key_pem=Secret("CANARY"),
    )


A, B = _host("a", 8447), _host("b", 8448)


def _changed(before: EdgeConfiguration, after: EdgeConfiguration) -> set[Subscription]:
    old, new = render(before), render(after)
    return {each for each in Subscription if old[each].version != new[each].version}


def _virtual_hosts(*hosts: VirtualHost) -> dict[str, Any]:
    document = json.loads(render(_configuration(*hosts))[Subscription.ROUTES].content())
    return {host["name"]: host for host in document["resources"][0]["virtual_hosts"]}


def test_access_list_change_touches_the_route_file_only() -> None:
    for allow in ((), None, (ip_network("198.51.100.7/32"),)):
        assert _changed(_configuration(A, B), _configuration(replace(A, allow=allow), B)) == {Subscription.ROUTES}


def test_stopping_a_service_leaves_the_listeners_alone() -> None:
    stopped = replace(A, upstream=None, answer=DirectAnswer(503, "stopped"))
    assert _changed(_configuration(A, B), _configuration(stopped, B)) == {Subscription.ROUTES, Subscription.CLUSTERS}


def test_order_of_virtual_hosts_does_not_matter() -> None:
    assert _changed(_configuration(A, B), _configuration(B, A)) == set()


def test_every_rule_pins_port_and_server_name_whoever_is_allowed() -> None:
    for host in (A, replace(A, allow=None)):
        rules = _virtual_hosts(host)["a"]["typed_per_filter_config"]["envoy.filters.http.rbac"]["rbac"]["rules"]
        (policy,) = rules["policies"].values()
        (permission,) = policy["permissions"]
        assert permission["and_rules"]["rules"] == [
            {"destination_port": 8447},
            {"requested_server_name": {"exact": "localhost", "ignore_case": True}},
        ]


def test_nobody_is_a_rule_without_policies_and_not_no_rule() -> None:
    rbac = _virtual_hosts(replace(A, allow=()))["a"]["typed_per_filter_config"]["envoy.filters.http.rbac"]["rbac"]
    assert rbac == {"rules": {"action": "ALLOW", "policies": {}}}


def test_listeners_deny_by_default() -> None:
    document = json.loads(render(_configuration(A))[Subscription.LISTENERS].content())
    (chain,) = document["resources"][0]["filter_chains"]
    filters = chain["filters"][-1]["typed_config"]["http_filters"]
    assert filters[0]["name"] == "envoy.filters.http.rbac"
    assert filters[0]["typed_config"]["rules"] == {"action": "ALLOW"}


def test_strict_transport_security_is_for_real_domains() -> None:
    real = replace(A, server_name="a.example.com", hosts=("a.example.com:8447",))
    for host, expected in ((A, False), (real, True), (replace(real, security_headers=False), False)):
        assert ("strict-transport-security" in json.dumps(_virtual_hosts(host))) is expected


def test_private_key_is_in_the_secret_file_only_and_never_shown() -> None:
    documents = render(_configuration(A))
    assert {each for each, document in documents.items() if b"CANARY" in document.content()} == {Subscription.SECRETS}
    assert "CANARY" not in repr(documents)


def test_leftovers_keep_what_is_in_use_and_take_what_is_new() -> None:
    older = Document.of([{"name": "a", "at": 1}, {"name": "b", "at": 1}])
    newer = Document.of([{"name": "b", "at": 2}, {"name": "c", "at": 2}])
    kept = {str(each["name"]): each["at"] for each in newer.with_leftovers(older).resources if isinstance(each, dict)}
    assert kept == {"a": 1, "b": 2, "c": 2}


def test_socket_path_is_absolute_while_it_fits_then_relative_then_refused() -> None:
    short = Path("/state/agent")
    assert socket_path(short / "run/x/http.sock", directory=short / "edge") == "/state/agent/run/x/http.sock"
    deep = Path("/" + "d" * 100) / "agent"
    assert socket_path(deep / "run/x/http.sock", directory=deep / "edge") == "../run/x/http.sock"
    exact = Path("/" + "x" * (MAX_SOCKET_PATH - 1))
    assert socket_path(exact, directory=Path("/edge")) == os.fspath(exact)
    with pytest.raises(Invalid, match="107 bytes"):
        socket_path(deep / "http.sock", directory=Path("/elsewhere"))
