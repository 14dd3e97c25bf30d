"""A configuration that could not be served safely cannot be made."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from stronghouse.edge.configuration import DirectAnswer, EdgeConfiguration, VirtualHost
from stronghouse.kernel.errors import Invalid
from stronghouse.kernel.secret import Secret

HOST = VirtualHost(
    name="a", port=8447, server_name="localhost", hosts=("localhost:8447",), upstream=Path("/a"), allow=(), log_name="a"
)
EDGE = EdgeConfiguration(node_id="edge", directory=Path("/edge"), log_directory=Path("/log"), addresses=("127.0.0.1",))


@pytest.mark.parametrize(
    "make",
    [
        lambda: replace(HOST, port=0),
        lambda: replace(HOST, port=65536),
        lambda: replace(HOST, name="a/b"),
        lambda: replace(HOST, log_name="%REQ(AUTHORIZATION)%"),
        lambda: replace(HOST, server_name="*.example.com"),
        lambda: replace(HOST, server_name="LOCALHOST"),
        lambda: replace(HOST, hosts=()),
        lambda: replace(HOST, hosts=("*",)),
        lambda: replace(HOST, hosts=("localhost:8447\n",)),
        lambda: replace(HOST, upstream=None),
        lambda: replace(HOST, answer=DirectAnswer(503, "stopped")),
        lambda: replace(HOST, max_request_bytes=0),
        lambda: DirectAnswer(403, "no"),
        lambda: DirectAnswer(100, "no"),
        lambda: DirectAnswer(503, "é" * 2049),
        lambda: DirectAnswer(503, "x", "text/plain\r\nSet-Cookie: a=b"),
        lambda: replace(EDGE, addresses=()),
        lambda: replace(EDGE, addresses=("localhost",)),
        lambda: replace(EDGE, virtual_hosts=(HOST, replace(HOST, hosts=("other:1",)))),
        lambda: replace(EDGE, virtual_hosts=(HOST, replace(HOST, name="b", port=8448))),
    ],
)
def test_unsafe_value_is_refused(make: Callable[[], object]) -> None:
    with pytest.raises(Invalid):
        make()


def test_private_key_does_not_show_in_the_configuration() -> None:
    assert "CANARY" not in repr(replace(EDGE, certificate_pem=b"", key_pem=Secret("CANARY")))


@pytest.mark.parametrize(
    ("name", "real"), [("localhost", False), ("a.localhost", False), ("api.example.com", True), ("intranet", False)]
)
def test_real_domain_is_told_from_local_names(name: str, real: bool) -> None:
    assert replace(HOST, server_name=name).has_domain is real
