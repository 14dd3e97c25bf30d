"""A region's files, configuration and places: after a start they pass; each change from outside is found."""

import asyncio
import hashlib
import os
import re
import socket
import threading
from pathlib import Path

import pytest

from stronghouse.access.certificates import CertificateAuthority
from stronghouse.agent.collectors import host, service_places
from stronghouse.agent.collectors.own_files import collect_region_files
from stronghouse.agent.collectors.rendered_configuration import collect_rendered_configuration
from stronghouse.agent.collectors.service_places import collect_service_places, read_mounts
from stronghouse.engine.access.catalogue import Catalogue, Grant, Role, RoleGrant, User
from stronghouse.engine.access.rendering import users_tree
from stronghouse.engine.configuration import Layout, write_configuration
from stronghouse.kernel.errors import Unavailable
from stronghouse.kernel.ids import ServiceId
from stronghouse.kernel.secret import Secret
from stronghouse.responsibility.model import Result, ResultState
from stronghouse.services.actions import sha256_text
from stronghouse.worker.process import WorkerSpec
from stronghouse.worker.reports import AccessReport
from tests.integration.agent.fake_workers import FakeWorker
from tests.integration.collectors.region import CHECKS, SERVICE, Region, judge

MEMORY = 8 * 1024**3
CONFIGURED = [name for name, check in CHECKS.items() if check.meta.collector == "rendered_configuration"]
READERS = "2" * 16
CATALOGUE = Catalogue(
    generation=7,
    users={
        "0" * 16: User("0" * 16, "default", grants=(Grant("ALL", grant_option=True),)),
        "1" * 16: User("1" * 16, "ada", roles=(RoleGrant(READERS),), grants=(Grant("CREATE VIEW", "de fault"),)),
    },
    roles={
        READERS: Role(
            READERS,
            "readers",
            grants=(
                Grant("SELECT", "shop", "orders) ON `x", "co`l, FILE ON *.*"),
                Grant("INSERT", "shop", "orders", "id"),
                Grant("ALTER UPDATE", "shop"),
                Grant("SELECT"),
                Grant("SELECT", "shop", "secret", revoked=True),
                Grant("READ", parameter="FILE"),
            ),
        )
    },
)


@pytest.fixture
def service(region: Region) -> Layout:
    """The service with the configuration that its engine writes when it opens."""
    data = region.service.data_directory
    spec = WorkerSpec(ServiceId(SERVICE), data, "default", sha256_text(Secret("a password")), MEMORY, None)
    region.change(spec=spec, pid=None, state="idle")
    layout = Layout(data)
    write_configuration(layout, memory_limit_bytes=MEMORY, users=users_tree(CATALOGUE))
    for directory in (region.inventory.state_directory, *region.inventory.state_directory.rglob("*")):
        directory.chmod(0o700 if directory.is_dir() else 0o600)
    return layout


class Writer(FakeWorker):
    """A worker that tells the digest of the users file as it was when it was made."""

    def __init__(self, written: Path) -> None:
        self.pid = os.getpid()
        self.digests = [hashlib.sha256(written.read_bytes()).hexdigest()]

    async def access(self) -> AccessReport:
        """The first digest as often as it is asked, but for those behind it, which come one after the other."""
        digest = self.digests[0] if len(self.digests) == 1 else self.digests.pop(0)
        return AccessReport(users=2, users_file_sha256=digest)


class FakeWorkerWithoutWords(FakeWorker):
    """A worker that does not answer."""

    def __init__(self) -> None:
        self.pid = os.getpid()

    async def access(self) -> AccessReport:
        """Nothing."""
        raise Unavailable("The service's worker does not answer.")


async def _configuration(region: Region) -> dict[str, Result]:
    seen = await collect_rendered_configuration(region.inventory)
    found: dict[str, Result] = {}
    for check_id in CONFIGURED:
        (found[check_id],) = judge(check_id, seen)
    return found


async def _failing(region: Region) -> set[str]:
    found = await _configuration(region)
    return {check_id for check_id, result in found.items() if result.state is ResultState.FAIL}


@pytest.fixture
async def running(region: Region, service: Layout, authority: CertificateAuthority) -> Layout:
    """The service as if its worker ran: this process stands for it, so its arguments are not a worker's."""
    await region.start_edge(authority)
    region.change(state="running", pid=os.getpid(), worker=Writer(service.users_file))
    return service


async def test_what_is_written_passes(region: Region, running: Layout) -> None:
    found = await _configuration(region)
    assert running.engine_file.exists()
    assert found["service_configuration_as_rendered"].state is ResultState.PASS
    assert found["service_users_known"].state is ResultState.PASS
    assert found["edge_configuration_as_rendered"].state is ResultState.PASS


async def test_process_that_is_no_worker_of_ours_fails(region: Region, running: Layout) -> None:
    assert running.users_file.exists()
    assert await _failing(region) == {"service_process_as_started"}
    assert "no worker of ours" in (await _configuration(region))["service_process_as_started"].reason


@pytest.mark.parametrize(
    ("file", "before", "after", "found", "word"),
    [
        ("engine", "<policies>", "<polices>", {"service_configuration_as_rendered"}, "gone policies"),
        ("engine", "<type>encrypted</type>", "<type>local</type>", {"service_configuration_as_rendered"}, "differs"),
        ("users", "<ip>::/0</ip>", "<ip>::1</ip>", {"service_configuration_as_rendered"}, "users.xml is not what"),
    ],
)
async def test_edited_engine_configuration_is_found_by_the_checks_of_it(
    region: Region, running: Layout, file: str, before: str, after: str, found: set[str], word: str
) -> None:
    path: Path = getattr(running, f"{file}_file")
    text = path.read_text()
    assert before in text
    path.write_text(text.replace(before, after))
    assert await _failing(region) == found | {"service_process_as_started"}
    assert word in (await _configuration(region))["service_configuration_as_rendered"].reason
    path.write_text(text)
    assert await _failing(region) == {"service_process_as_started"}


@pytest.mark.parametrize(
    ("before", "after", "word"),
    [
        ("<default><no_password />", "<backdoor /><default><no_password />", "backdoor"),
        ("<default><no_password />", "<default><access_management>1</access_management><no_password />", "access_man"),
        ("GRANT SELECT ON *.*", "GRANT SELECT, FILE ON *.*", "FILE"),
        ("GRANT SELECT ON *.*", "GRANT ALL ON *.*", "GRANT ALL"),
        ("GRANT SELECT ON *.*", "GRANT SELECT ON a.b, READ ON *.*", "READ ON"),
        ("GRANT SELECT ON *.*", "GRANT SELECT ON *.* WITH GRANT OPTION", "WITH GRANT OPTION"),
        ("GRANT SELECT ON *.*", "grant file on *.*", "grant file"),
        ("GRANT SELECT ON *.*", "GRANT SELECT(a) ON a.b; GRANT URL ON *.*", "URL"),
        ("GRANT SELECT ON *.*", "GRANT TABLE ENGINE ON URL", "URL"),
        ("GRANT SELECT ON *.*", "GRANT CREATE USER ON *.*", "CREATE USER"),
        ("GRANT SELECT ON *.*", "GRANT NONSENSE ON *.*", "NONSENSE"),
    ],
)
async def test_right_that_leads_out_of_the_sandbox_is_named_even_if_the_worker_wrote_it(
    region: Region, running: Layout, before: str, after: str, word: str
) -> None:
    text = running.users_file.read_text()
    assert before in text
    running.users_file.write_text(text.replace(before, after, 1))
    region.change(worker=Writer(running.users_file))
    assert await _failing(region) == {"service_users_known", "service_process_as_started"}
    assert word in (await _configuration(region))["service_users_known"].reason


async def test_user_without_any_listed_grant_has_all_of_them(region: Region, running: Layout) -> None:
    text = running.users_file.read_text()
    running.users_file.write_text(re.sub(r"(<d_1{16}>.*?)<grants>.*?</grants>", r"\1", text, count=1))
    region.change(worker=Writer(running.users_file))
    result = (await _configuration(region))["service_users_known"]
    assert (result.state, "d_1111" in result.reason) == (ResultState.FAIL, True)


async def test_worker_that_does_not_tell_what_it_wrote_proves_nothing(region: Region, running: Layout) -> None:
    assert running.users_file.exists()
    region.change(worker=FakeWorkerWithoutWords())
    assert await _failing(region) == {"service_configuration_as_rendered", "service_process_as_started"}


async def test_users_that_change_during_the_look_are_looked_at_again(region: Region, running: Layout) -> None:
    writer = Writer(running.users_file)
    writer.digests.insert(0, "00" * 32)
    region.change(worker=writer)
    assert await _failing(region) == {"service_process_as_started"}


async def test_users_file_that_could_expand_is_not_parsed(region: Region, running: Layout) -> None:
    running.users_file.write_text("<?xml version='1.0' encoding='utf-8'?><!DOCTYPE x [<!ENTITY a 'b'>]><x>&a;</x>")
    assert "cannot be read" in (await _configuration(region))["service_users_known"].reason


@pytest.mark.slow  # an edge file that differs is looked at again after a second
async def test_edited_edge_file_is_found(region: Region, running: Layout) -> None:
    assert running.root.exists()
    routes = region.inventory.state_directory / "agent" / "edge" / "xds" / "routes.json"
    text = routes.read_text()
    routes.write_text(text.replace("127.0.0.0", "0.0.0.0"))
    assert await _failing(region) == {"edge_configuration_as_rendered", "service_process_as_started"}
    assert "xds/routes.json" in (await _configuration(region))["edge_configuration_as_rendered"].reason
    routes.write_text(text)
    assert await _failing(region) == {"service_process_as_started"}


async def test_facts_hold_neither_the_tls_key_nor_a_password(region: Region, running: Layout) -> None:
    assert running.root.exists()
    told = str(await collect_rendered_configuration(region.inventory))
    assert "PRIVATE KEY" not in told
    assert region.service.spec.password_sha256 not in told


async def test_dead_edge_gives_no_facts(region: Region, service: Layout) -> None:
    assert service.root.exists()
    with pytest.raises(Unavailable):
        await collect_rendered_configuration(region.inventory)


async def _files(region: Region) -> Result:
    region.inventory.log_directory.mkdir(mode=0o700, exist_ok=True)
    region.change(socket=region.inventory.state_directory / "agent" / "run" / "1" / "http.sock")
    (result,) = judge("own_files_private", await collect_region_files(region.inventory))
    return result


async def test_private_files_pass_and_each_exposed_one_is_named(region: Region, service: Layout) -> None:
    assert (await _files(region)).state is ResultState.PASS, (await _files(region)).reason
    log, key = region.inventory.log_directory, region.inventory.machine_key_file
    for path, mode in ((service.engine_file, 0o640), (log, 0o755), (key, 0o604), (service.root, 0o701)):
        before = path.stat().st_mode
        path.chmod(mode)
        result = await _files(region)
        assert (result.state, f"{path} ({mode:04o})" in result.reason) == (ResultState.FAIL, True), path
        path.chmod(before)
    assert (await _files(region)).state is ResultState.PASS


async def test_exposed_socket_and_link_are_told_apart(region: Region, service: Layout) -> None:
    agent = region.inventory.state_directory / "agent"
    (agent / "link").symlink_to(service.root)
    assert (await _files(region)).state is ResultState.PASS
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(agent / "s"))
        (agent / "s").chmod(0o666)
        assert "agent/s (0666)" in (await _files(region)).reason


async def test_link_that_puts_a_strangers_file_in_place_of_ours_fails(
    region: Region, service: Layout, tmp_path: Path
) -> None:
    assert (await _files(region)).state is ResultState.PASS
    agent = region.inventory.state_directory / "agent"
    stranger = tmp_path / "stranger"
    stranger.write_text("theirs")
    stranger.chmod(0o600)
    (agent / "identity").symlink_to(stranger)
    result = await _files(region)
    assert (result.state, "agent/identity (a link" in result.reason) == (ResultState.FAIL, True), result.reason


async def test_a_look_at_the_machine_that_never_ends_holds_one_thread_only(
    region: Region, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, goes_on = threading.Event(), threading.Event()

    def hangs(**_how: object) -> None:  # a file system of a user's that answers nobody; none can be mounted here
        begun.set()
        goes_on.wait(30)
        raise Unavailable("It went on.")

    monkeypatch.setattr(host, "collect_host", hangs)
    collect = host.host_collectors()["host_access"]
    first = asyncio.ensure_future(collect(region.inventory))
    await asyncio.to_thread(begun.wait, 10)
    with pytest.raises(Unavailable, match="has not ended"):
        await collect(region.inventory)
    goes_on.set()
    with pytest.raises(Unavailable, match="went on"):
        await first


async def _place(region: Region) -> Result:
    (result,) = judge("service_data_on_local_disk", await collect_service_places(region.inventory))
    return result


async def test_data_on_a_local_disk_passes_and_a_link_out_of_it_fails(
    region: Region, service: Layout, tmp_path: Path
) -> None:
    region.change(state="stopped")
    logs = region.inventory.state_directory / "log"
    logs.mkdir()
    object.__setattr__(region.inventory, "log_directory", logs)
    assert (await _place(region)).state is ResultState.PASS, (await _place(region)).reason
    service.root.rename(tmp_path / "elsewhere")
    assert (await _place(region)).state is ResultState.NOT_APPLICABLE
    service.root.symlink_to(tmp_path / "elsewhere")
    result = await _place(region)
    assert (result.state, "elsewhere" in result.reason) == (ResultState.FAIL, True)


async def test_network_file_system_fails(
    region: Region, service: Layout, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = tmp_path / "mounts"
    table.write_text(f"/dev/sda1 / ext4 rw 0 0\nserver:/x {service.root} nfs4 rw 0 0\n")
    monkeypatch.setattr(service_places, "MOUNTS", table)
    assert read_mounts(table)[service.root] == "nfs4"
    assert "nfs4" in (await _place(region)).reason
