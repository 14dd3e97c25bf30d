"""Envoy as a process: what it opens, what it leaves behind, how it fails and comes back."""

import asyncio
import contextlib
import http.client
import os
import signal
import socket
import sys
from collections.abc import Awaitable, Callable
from dataclasses import replace
from ipaddress import ip_network
from pathlib import Path

import pytest

from stronghouse.edge import subscriptions
from stronghouse.edge.admin import AdminSocket
from stronghouse.edge.edge import Edge
from stronghouse.edge.rendering import Document, Subscription
from stronghouse.kernel.errors import Internal, Unavailable
from tests.integration.edge.conftest import Site, certificate

MakeSite = Callable[[Path | None], Awaitable[Site]]


async def test_it_listens_on_its_ports_on_loopback_and_nowhere_else(site: Site) -> None:
    found = {(each.address, each.port) for each in await site.edge.listeners()}
    ports = {host.port for host in site.hosts.values()}
    assert found == {(address, port) for address in ("127.0.0.1", "::1") for port in ports}
    admin = site.directory / "edge" / "admin.sock"
    assert admin.stat().st_mode & 0o777 == 0o600
    assert (site.directory / "edge").stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o077 for path in (site.directory / "edge").rglob("*")} == {0}


async def test_admin_socket_tells_no_private_key_and_takes_no_command_that_changes_behaviour(site: Site) -> None:
    admin = AdminSocket(site.directory / "edge")
    assert "PRIVATE KEY" not in str(await admin.configuration())
    for path in ("/quitquitquit", "/logging?level=trace", "/runtime_modify?x=1", "/healthcheck/fail", "/cpuprofiler"):
        with contextlib.closing(http.client.HTTPConnection("edge")) as connection:
            connection.sock = socket.socket(socket.AF_UNIX)
            connection.sock.connect(str(site.directory / "edge" / "admin.sock"))
            connection.request("POST", path)
            assert connection.getresponse().status == http.HTTPStatus.FORBIDDEN


async def test_inotify_instances_do_not_grow_with_services(site: Site) -> None:
    await site.change(*(site.host(f"extra-{number}", site.a) for number in range(5)))
    opened = [str(link.readlink()) for link in Path(f"/proc/{site.edge.pid}/fd").iterdir()]
    assert opened.count("anon_inode:inotify") <= 4


async def test_killed_envoy_is_noticed_leaves_nothing_and_comes_back_as_it_was(site: Site) -> None:
    shared = set(Path("/dev/shm").glob("envoy*"))
    pid = site.edge.pid
    assert pid is not None
    waiting = asyncio.create_task(site.edge.wait())
    await asyncio.sleep(0)
    os.kill(pid, signal.SIGKILL)
    assert await asyncio.wait_for(waiting, 2) == -signal.SIGKILL
    assert site.edge.pid is None
    # A list that is narrowed meanwhile must be the one that it comes back with.
    await site.change(replace(site.hosts["a"], allow=(ip_network("127.0.0.3/32"),)))
    await site.edge.start()
    assert (await (await site.client("a")).request()).status == 403
    assert (await (await site.client("b")).request()).status == 200
    await site.edge.stop(grace=0)
    assert set(Path("/dev/shm").glob("envoy*")) <= shared


async def test_envoy_dies_with_its_parent(tmp_path: Path) -> None:
    script = (
        "import asyncio, os, sys\nfrom pathlib import Path\nfrom stronghouse.edge.edge import Edge\n"
        "async def main():\n    edge = Edge(directory=Path(sys.argv[1]), log_directory=Path(sys.argv[1]))\n"
        "    await edge.start()\n    print(edge.pid, flush=True)\n    await asyncio.sleep(60)\nasyncio.run(main())\n"
    )
    parent = await asyncio.create_subprocess_exec(
        sys.executable, "-c", script, str(tmp_path / "edge"), stdout=asyncio.subprocess.PIPE
    )
    assert parent.stdout is not None
    pid = int(await asyncio.wait_for(parent.stdout.readline(), 15))
    parent.kill()
    await parent.wait()
    for _ in range(100):
        if not Path(f"/proc/{pid}/stat").exists() or ") Z " in Path(f"/proc/{pid}/stat").read_text():
            return
        await asyncio.sleep(0.02)
    os.kill(pid, signal.SIGKILL)
    pytest.fail("Envoy outlived its parent")


async def test_taken_port_is_named_at_start_and_nothing_stays_behind(site: Site, tmp_path: Path) -> None:
    second = Edge(directory=tmp_path / "second", log_directory=tmp_path / "second-log")
    await second.set_certificate(*certificate(site.authority))
    await second.apply([site.hosts["a"]])
    with pytest.raises(Unavailable, match=rf"{site.port('a')}.*in use"):
        await second.start()
    assert second.pid is None


async def test_taken_port_in_a_change_keeps_what_was_there(site: Site) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = int(taken.getsockname()[1])
        late = replace(site.hosts["a"], name="late", port=port, hosts=(f"localhost:{port}",))
        open_b = replace(site.hosts["b"], allow=None)
        with pytest.raises(Unavailable, match=str(port)):
            await site.edge.apply([site.hosts["a"], open_b, late])
    assert await site.edge.effective_access() == dict.fromkeys(("a", "b"), ("127.0.0.1/32", "::1/128"))
    assert (await (await site.client("a")).request()).status == 200
    assert {each.port for each in await site.edge.listeners()} == {site.port("a"), site.port("b")}


@pytest.mark.parametrize("broken", [Subscription.ROUTES, Subscription.CLUSTERS, Subscription.LISTENERS])
async def test_rejected_configuration_keeps_the_old_one_in_force(
    site: Site, monkeypatch: pytest.MonkeyPatch, broken: Subscription
) -> None:
    stream = await site.client("a")
    await stream.send("/stream")
    original = subscriptions.Subscriptions.publish
    calls = []

    async def publish(
        self: subscriptions.Subscriptions, documents: dict[Subscription, Document], **parts: object
    ) -> None:
        calls.append(documents)
        if len(calls) == 1:
            wrong = Document.of([{**documents[broken].resources[0], "name": "", "no_such_field": 1}])  # type: ignore[dict-item]
            documents = {**documents, broken: wrong}
        await original(self, documents, **parts)  # type: ignore[arg-type]

    monkeypatch.setattr(subscriptions.Subscriptions, "publish", publish)
    with pytest.raises(Internal) as raised:
        await site.edge.apply([replace(host, allow=None) for host in site.hosts.values()])
    assert raised.value.detail is not None
    assert "no_such_field" in raised.value.detail or "name" in raised.value.detail.lower()
    assert await site.edge.effective_access() == dict.fromkeys(("a", "b"), ("127.0.0.1/32", "::1/128"))
    assert (await stream.answer()).body.endswith(b"0059")


async def test_deep_state_directory_works(make_site: MakeSite, tmp_path: Path) -> None:
    site = await make_site(tmp_path / ("d" * 60) / ("e" * 60))
    assert (await (await site.client("a")).request()).status == 200


async def test_stop_lets_running_requests_finish(site: Site) -> None:
    client = await site.client("a")
    await client.send("/stream")
    await client.head()
    stopping = asyncio.create_task(site.edge.stop(grace=8))
    assert [await client.chunk() for _ in range(60)][-1] == b"0059"
    await asyncio.wait_for(stopping, 3)
    assert site.edge.pid is None


async def test_removed_service_is_gone_and_the_others_stay(site: Site) -> None:
    other = await site.client("b")
    assert (await other.request()).status == 200
    await site.edge.apply([site.hosts["b"]])
    with pytest.raises(ConnectionRefusedError):
        await site.client("a")
    assert (await other.request()).status == 200


async def test_idle_private_memory_is_small(site: Site) -> None:
    lines = Path(f"/proc/{site.edge.pid}/smaps_rollup").read_text().splitlines()
    dirty = sum(int(line.split()[1]) for line in lines if line.startswith("Private_Dirty"))
    assert dirty < 60 * 1024
