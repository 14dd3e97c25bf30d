"""An installation made of small stand-ins, to see how the supervisor treats processes: `python -m` this module.

supervisor DIRECTORY PORT_BASE   the real supervisor over the stand-ins
control | agent …                a stand-in: answers over TLS, and misbehaves as files in DIRECTORY/knobs say
"""

import json
import os
import signal
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from stronghouse.kernel.processes import die_with_parent

ORGANIZATION = "5f0c7a51-2f3b-4a8c-9a53-0d7a3f0e9f11"


class Answer(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *arguments: object) -> None:
        pass


class FakeCommands:
    def __init__(self, directory: Path, port_base: int) -> None:
        self._own = (sys.executable, "-m", "tests.support.fake_installation")
        self._rest = (str(directory), str(port_base))

    def control(self, report_descriptor: int, *, mint_join_token: bool) -> Sequence[str]:
        return (*self._own, "control", *self._rest, str(report_descriptor), str(mint_join_token))

    def agent(self, join_token_descriptor: int | None) -> Sequence[str]:
        return (*self._own, "agent", *self._rest, str(join_token_descriptor))

    def demo(self, task_descriptor: int, report_descriptor: int) -> Sequence[str]:
        raise NotImplementedError


def supervisor(directory: Path, port_base: int) -> int:
    from rich.console import Console

    from stronghouse.app.supervisor import run_supervisor
    from stronghouse.app.supervisor_ports import PortPlan
    from stronghouse.app.supervisor_screen import ConsoleScreen
    from stronghouse.app.supervisor_settings import UpSettings
    from stronghouse.kernel.errors import StronghouseError

    settings = UpSettings(
        state_directory=directory / "state",
        machine_key_file=directory / "machine.key",
        ready_file=directory / "ready.json",
        plan=PortPlan(port_base),
        demo=False,
    )
    try:
        return run_supervisor(settings, ConsoleScreen(Console(width=200)), commands=FakeCommands(directory, port_base))
    except StronghouseError as error:
        sys.stderr.write(f"Error: {error.public}\n")
        return 1


def control(directory: Path, port_base: int, report: int, minting: str) -> None:
    from stronghouse.access.certificates import CertificateAuthority, Purpose, new_key_and_request
    from stronghouse.kernel.clock import SystemClock

    authority = CertificateAuthority.create("fake", purpose=Purpose.SERVER, clock=SystemClock())
    first = not (directory / "pair.pem").exists()
    if first:
        key, request = new_key_and_request("localhost", names=["localhost"])
        certificate = authority.sign_server(request, names=["localhost"], lifetime=timedelta(days=1))
        (directory / "ca.pem").write_bytes(authority.certificate_pem)
        (directory / "pair.pem").write_bytes(certificate + key.reveal().encode())
    for port in (port_base, port_base + 1):
        answer_on(port, directory / "pair.pem")
    with os.fdopen(report, "w") as pipe:
        fields = {
            "organization_id": ORGANIZATION,
            "admin_email": "admin@example",
            "login_url": "https://localhost/once" if first else None,
            "api_key_id": "the-key" if first else None,
            "api_key_secret": "the-secret" if first else None,
            "join_token": "the-token" if minting == "True" else None,
            "edge_ca_pem": (directory / "ca.pem").read_text(),
            "verifier_key": "v",
        }
        pipe.write(json.dumps(fields) + "\n")


def agent(directory: Path, port_base: int, token: str) -> None:
    joined = directory / "state" / "agent" / "identity" / "client.json"
    if token != "None":
        with os.fdopen(int(token)) as pipe:
            (directory / "token-seen").write_text(pipe.read())
        joined.parent.mkdir(parents=True)
        joined.write_text("{}")
    elif not joined.exists():
        sys.exit("Error: no join token")
    if knob(directory, "orphan"):  # as a careless library would: a session of its own, no parent-death signal
        sleeper = subprocess.Popen(["/bin/sleep", "300"], start_new_session=True)
        (directory / "orphan").write_text(str(sleeper.pid))
    answer_on(port_base + 2, directory / "pair.pem")


def answer_on(port: int, pair: Path) -> None:
    server = ThreadingHTTPServer(("127.0.0.1", port), Answer)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pair)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()


def knob(directory: Path, name: str) -> bool:
    return (directory / "knobs" / name).exists()


def main(role: str, directory: Path, port_base: int, *rest: str) -> int:
    if role == "supervisor":
        return supervisor(directory, port_base)
    die_with_parent()
    sys.stderr.write(json.dumps({"event": f"{role}_began", "pid": os.getpid()}) + "\n")
    if knob(directory, f"{role}-broken"):
        sys.exit("Error: the disk is made of cheese")
    if knob(directory, f"{role}-deaf"):
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    if role == "control":
        control(directory, port_base, int(rest[0]), rest[1])
    else:
        agent(directory, port_base, rest[0])
    while True:
        time.sleep(60)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]), *sys.argv[4:]))
