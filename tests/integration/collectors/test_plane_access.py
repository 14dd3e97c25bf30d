"""Strangers at the agents' listener: the real one refuses them, and one that does not is found."""

import dataclasses
import socket
import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from stronghouse.access.certificates import CertificateAuthority
from stronghouse.agent.collectors.plane_access import collect_plane_access
from stronghouse.responsibility.model import Result, ResultState
from tests.integration.agent.control_side import ControlSide
from tests.integration.collectors.conftest import ServeTls, server_context
from tests.integration.collectors.region import Region, judge


@pytest.fixture
async def control(tmp_path: Path) -> AsyncIterator[ControlSide]:
    side = ControlSide(tmp_path)
    await side.start()
    yield side
    await side.stop()
    side.database.close()


async def _look(region: Region, port: int) -> Result:
    inventory = dataclasses.replace(region.inventory, control_host="localhost", control_port=port)
    (result,) = judge("plane_access_authenticated", await collect_plane_access(inventory))
    return result


async def test_real_listener_refuses_both_strangers(region: Region, control: ControlSide) -> None:
    region.inventory.edge_ca_file.write_bytes(control.edge_ca.certificate_pem)
    result = await _look(region, control.hub.port)
    assert result.state is ResultState.PASS
    assert "HTTP status 401" in result.reason
    assert "foreign authority: connection closed" in result.reason or "foreign authority: TLS: " in result.reason


@pytest.mark.parametrize(
    ("status", "told"),
    [
        ("101 Switching Protocols", "the stream was opened"),
        ("200 OK", "HTTP status 200"),
        ("404 Not Found", "HTTP status 404"),
    ],
)
async def test_listener_that_lets_strangers_in_fails(
    region: Region, authority: CertificateAuthority, serve: ServeTls, status: str, told: str
) -> None:
    context = server_context(authority)

    def answer(connection: socket.socket) -> None:
        with context.wrap_socket(connection, server_side=True) as secured:
            secured.recv(4096)
            secured.sendall(f"HTTP/1.1 {status}\r\n\r\n".encode())

    result = await _look(region, serve(answer))
    assert (result.state, told in result.reason) == (ResultState.FAIL, True)


async def test_listener_with_a_foreign_certificate_proves_nothing(region: Region, control: ControlSide) -> None:
    result = await _look(region, control.hub.port)  # trusts another authority
    assert result.state is ResultState.FAIL
    assert "does not verify" in result.reason


async def test_listener_that_demands_certificates_in_the_handshake_passes(
    region: Region, authority: CertificateAuthority, serve: ServeTls
) -> None:
    context = server_context(authority)
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(cadata=authority.certificate_pem.decode())

    def answer(connection: socket.socket) -> None:
        with context.wrap_socket(connection, server_side=True) as secured:
            secured.recv(4096)

    assert (await _look(region, serve(answer))).state is ResultState.PASS


async def test_silent_port_is_not_applicable_and_never_a_pass(region: Region) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    assert (await _look(region, port)).state is ResultState.NOT_APPLICABLE
