"""The whole product as a user starts it: `stronghouse up` in a directory of its own, and ways to use and inspect it."""

import contextlib
import json
import os
import re
import signal
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from stronghouse.keys.data_keys import WrappedDataKey, open_data_key
from stronghouse.keys.local import LocalKms

PORTS = 25
START_SECONDS = 60
STOP_SECONDS = 10
LOOPBACK = [{"source": "127.0.0.0/8", "description": "tests"}, {"source": "::1/128", "description": "tests"}]


@dataclass(frozen=True)
class Service:
    """A service that a test made."""

    id: str
    port: int
    username: str
    password: str


@dataclass
class Stack:
    """A running installation."""

    state_dir: Path
    machine_key: Path
    port_base: int
    process: "subprocess.Popen[bytes]"
    ready: dict[str, Any]
    started_in: float
    http: httpx.Client = field(repr=False)

    @property
    def organization_id(self) -> str:
        return str(self.ready["organization_id"])

    @property
    def api_url(self) -> str:
        return str(self.ready["api_url"])

    @property
    def ca_file(self) -> str:
        return str(self.ready["ca_file"])

    @property
    def login_url(self) -> str:
        return str(self.ready["login_url"])

    @property
    def api_key_id(self) -> str:
        return str(self.ready["api_key_id"])

    @property
    def api_key_secret(self) -> str:
        return str(self.ready["api_key_secret"])

    def api(self, method: str, path: str, body: object = None) -> Any:
        """The result of one call on the organization; raises for anything but 200."""
        url = f"{self.api_url}/v1/organizations/{self.organization_id}{path}"
        answer = self.http.request(method, url, auth=(self.api_key_id, self.api_key_secret), json=body)
        if answer.status_code != 200:
            raise RuntimeError(f"{method} {path}: {answer.text}")
        return answer.json().get("result")

    def create_service(self, name: str, ip_access: list[dict[str, str]] | None = None) -> Service:
        """A running service."""
        new = self.api(
            "POST", "/services", {"name": name, "ipAccessList": LOOPBACK if ip_access is None else ip_access}
        )
        service_id = new["service"]["id"]
        self.wait_for_state(service_id, "running")
        endpoint = new["service"]["endpoints"][0]
        service = Service(service_id, endpoint["port"], endpoint["username"], new["password"])
        if ip_access is None:
            self.wait_until(lambda: self.answers(service))
        return service

    def wait_for_state(self, service_id: str, state: str, timeout: float = 30) -> None:
        """Wait until the API says that the service is in `state`."""
        seen: list[str] = []

        def reached() -> bool:
            seen.append(self.api("GET", f"/services/{service_id}")["state"])
            return seen[-1] == state

        try:
            self.wait_until(reached, timeout=timeout)
        except TimeoutError:
            raise TimeoutError(f"{service_id} did not become {state}; last {seen[-1:]}") from None

    def query(
        self,
        service_id: str,
        password: str,
        sql: str,
        *,
        data: bytes | None = None,
        session: str | None = None,
        timeout: float = 60,
    ) -> str:
        """One query over the edge; raises PermissionError for a refused password and RuntimeError for other errors."""
        port = self.port_of(service_id)
        headers = {"X-ClickHouse-User": "default", "X-ClickHouse-Key": password}
        parameters = {"query": sql} if data is not None else {}
        if session is not None:
            parameters["session_id"] = session
        content = sql.encode() if data is None else data
        answer = self.http.post(
            f"https://localhost:{port}/", params=parameters, headers=headers, content=content, timeout=timeout
        )
        if answer.headers.get("x-clickhouse-exception-code") == "516":
            raise PermissionError(answer.text)
        if answer.status_code != 200:
            raise RuntimeError(f"{answer.status_code}: {answer.text[:500]}")
        return answer.text.strip()

    def port_of(self, service_id: str) -> int:
        """A service's HTTPS port; it never changes, so it is asked once."""
        if service_id not in self._ports:
            self._ports[service_id] = self.api("GET", f"/services/{service_id}")["endpoints"][0]["port"]
        return self._ports[service_id]

    _ports: dict[str, int] = field(default_factory=dict, repr=False)

    def answers(self, service: Service) -> bool:
        """Whether the service answers and the API says that it runs."""
        with contextlib.suppress(OSError, RuntimeError, httpx.HTTPError):
            state = self.api("GET", f"/services/{service.id}")["state"]
            return state == "running" and self.query(service.id, service.password, "SELECT 1", timeout=3) == "1"
        return False

    def wait_until(self, condition: Callable[[], object], *, timeout: float = 20) -> None:
        """Poll `condition`; what it raises for want of an answer counts as not yet."""
        until = time.monotonic() + timeout
        while True:
            with contextlib.suppress(OSError, httpx.HTTPError, RuntimeError):
                if condition():
                    return
            if time.monotonic() > until:
                raise TimeoutError(f"not within {timeout} s")
            time.sleep(0.02)

    def audit_events(self) -> list[dict[str, Any]]:
        """The organization's newest events."""
        return list(self.api("GET", "/auditLog?limit=1000"))

    def verify_audit(self) -> None:
        """Run the offline verification."""
        done = subprocess.run(
            [sys.executable, "-m", "stronghouse", "verify-audit", "--state-dir", str(self.state_dir)],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr

    def process_ids(self) -> list[int]:
        """The supervisor and everything below it."""
        children: dict[int, list[int]] = {}
        for stat in Path("/proc").glob("[0-9]*/stat"):
            with contextlib.suppress(OSError):
                parent = int(stat.read_text().rsplit(")", 1)[1].split()[1])
                children.setdefault(parent, []).append(int(stat.parent.name))
        found = [self.process.pid]
        for pid in found:
            found += children.get(pid, [])
        return found

    def pid_of(self, part: str, service_id: str | None = None) -> int:
        """The process of a part: control, agent, control_edge, agent_edge, or the worker of a service."""
        if part == "worker":
            pid = self.worker_pid(service_id or "")
            assert pid is not None
            return pid
        role, _, kind = part.partition("_")
        (parent,) = [pid for pid in self.process_ids() if re.search(rf"stronghouse\0{role}\0", command(pid))]
        if not kind:
            return parent
        (envoy,) = [pid for pid in self.process_ids() if parent_of(pid) == parent and name_of(pid) == "envoy"]
        return envoy

    def worker_pid(self, service_id: str) -> int | None:
        """A service's worker, found by the files that it holds open; a collector of the agent may open some too."""
        directory = str(self.state_dir / "agent" / "services" / service_id)
        for pid in self.process_ids():
            if "stronghouse.worker" not in command(pid):
                continue
            with contextlib.suppress(OSError):
                if any(str(entry.readlink()).startswith(directory) for entry in Path(f"/proc/{pid}/fd").iterdir()):
                    return pid
        return None

    def listening_sockets(self) -> set[tuple[str, int]]:
        """Addresses and ports on which the installation's processes listen by TCP, or have bound a UDP socket."""
        inodes: set[str] = set()
        for pid in self.process_ids():
            with contextlib.suppress(OSError):
                inodes |= {str(entry.readlink()) for entry in Path(f"/proc/{pid}/fd").iterdir()}
        found: set[tuple[str, int]] = set()
        for table, family in (
            ("tcp", socket.AF_INET),
            ("tcp6", socket.AF_INET6),
            ("udp", socket.AF_INET),
            ("udp6", socket.AF_INET6),
        ):
            for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
                columns = line.split()
                listens = columns[3] == ("0A" if table.startswith("tcp") else "07")
                if listens and f"socket:[{columns[9]}]" in inodes:
                    address, _, port = columns[1].partition(":")
                    words = [bytes.fromhex(address[at : at + 8])[::-1] for at in range(0, len(address), 8)]
                    found.add((socket.inet_ntop(family, b"".join(words)), int(port, 16)))
        return found

    def data_keys(self, service_id: str) -> list[bytes]:
        """A service's data keys in clear, as only the machine key's holder can have them."""
        kms = LocalKms(self.machine_key)
        directory = self.state_dir / "agent" / "services" / service_id
        keys = []
        for path in directory.glob("*.json"):
            with contextlib.suppress(Exception):  # not every file there is a wrapped key
                wrapped = WrappedDataKey.from_json(json.loads(path.read_text()))
                keys.append(open_data_key(kms, wrapped, service_id=service_id))
        assert keys, "no wrapped key was found"
        return keys


def command(pid: int) -> str:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_text()
    return ""


def name_of(pid: int) -> str:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/comm").read_text().strip()
    return ""


def parent_of(pid: int) -> int:
    with contextlib.suppress(OSError):
        return int(Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[1])
    return 0


def free_ports(count: int = PORTS) -> int:
    """The first of `count` ports in a row that are free, below those that the kernel gives to outgoing connections.

    Each process begins somewhere else, so that tests that run side by side do not choose the same.
    """
    offset = os.getpid() % 40 * 550
    bases: list[int] = [*range(10_000 + offset, 32_000, PORTS), *range(10_000, 10_000 + offset, PORTS)]
    for base in bases:
        with contextlib.ExitStack() as held:
            try:
                for port in range(base, base + count):
                    held.enter_context(socket.create_server(("127.0.0.1", port)))
            except OSError:
                continue
            return base
    raise RuntimeError(f"no {count} free ports in a row")


@contextlib.contextmanager
def running_stack(
    directory: Path,
    *arguments: str,
    credentials_of: Stack | None = None,
    demo: bool = False,
    program: str = "stronghouse",
    program_directory: Path | None = None,
    environment: Mapping[str, str] | None = None,
    ports: int = PORTS,
) -> Iterator[Stack]:
    """`stronghouse up` below `directory`; stopped at the end, with a check that it left no process behind.

    A second start in the same directory gets no secrets; `credentials_of` lends those of the first. `program` is the
    module to run, found in `program_directory` before anywhere else; `environment` is what it knows beyond ours.
    """
    port_base = credentials_of.port_base if credentials_of else free_ports(ports)
    ready_file, log = directory / "ready.json", directory / "up.log"
    ready_file.unlink(missing_ok=True)
    keys = directory / "keys"
    keys.mkdir(mode=0o700, exist_ok=True)
    state_dir, machine_key = directory / "state", keys / "machine.key"
    options = ["--state-dir", str(state_dir), "--ready-file", str(ready_file), "--port-base", str(port_base)]
    options += ["--machine-key", str(machine_key), *(() if demo else ("--no-demo",)), *arguments]
    started = time.monotonic()
    with log.open("ab") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", program, "up", *options],
            env={**os.environ, **(environment or {})},
            cwd=program_directory,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
        )
    try:
        ready = await_ready(process, ready_file, log)
        took = time.monotonic() - started
        if credentials_of:
            ready |= {name: credentials_of.ready[name] for name in ("api_key_id", "api_key_secret", "login_url")}
        with httpx.Client(verify=ssl.create_default_context(cafile=str(ready["ca_file"])), timeout=30) as http:
            stack = Stack(state_dir, machine_key, port_base, process, ready, took, http)
            yield stack
            everything = stack.process_ids()
            stop(process, everything)
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()


def await_ready(process: "subprocess.Popen[bytes]", ready_file: Path, log: Path) -> dict[str, Any]:
    until = time.monotonic() + START_SECONDS
    while not ready_file.exists():
        if process.poll() is not None or time.monotonic() > until:
            raise RuntimeError(f"up did not become ready ({process.poll()}): {log.read_text()[-3000:]}")
        time.sleep(0.05)
    return dict(json.loads(ready_file.read_text()))


def stop(process: "subprocess.Popen[bytes]", everything: list[int]) -> None:
    """SIGTERM, then nothing may be left within ten seconds."""
    was_killed = process.poll() is not None
    if not was_killed:
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=STOP_SECONDS) == 0
    time.sleep(0.1 if not was_killed else 1)
    left = [
        (pid, command(pid)[:80])
        for pid in everything
        if Path(f"/proc/{pid}").exists() and name_of(pid) and not is_zombie(pid)
    ]
    assert not left, f"left behind: {left}"


def is_zombie(pid: int) -> bool:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z"
    return True
