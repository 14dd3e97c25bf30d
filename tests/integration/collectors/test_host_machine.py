"""Looking at a machine for real: at this one, and at made-up file systems with what a user may plant in them."""

import base64
import json
import os
import shutil
import socket
import struct
from pathlib import Path
from time import monotonic

import pytest

from stronghouse.kernel.canonical import canonical_json
from stronghouse.kernel.clock import SystemClock
from stronghouse.kernel.errors import Unavailable
from stronghouse.responsibility.catalogue import load_catalogue
from stronghouse.responsibility.collectors.host.collect import HOST_COLLECTORS, collect_host
from stronghouse.responsibility.collectors.host.subject import Subject
from stronghouse.responsibility.collectors.host.view import MAX_BYTES, HostView
from stronghouse.responsibility.evaluation import evaluate
from stronghouse.responsibility.facts import Facts
from stronghouse.responsibility.model import Result, ResultState

CHECKS = load_catalogue().checks
HASH = "$y$j9T$secretsalt$secrethash"
RSA_1024 = base64.b64encode(
    b"".join(struct.pack(">I", len(part)) + part for part in (b"ssh-rsa", b"\x01\x00\x01", b"\x00\xc0" + bytes(127)))
).decode()


def _look(
    name: str, view: HostView | None = None, *, state: Path = Path("/tmp"), declared: tuple[str, ...] = ()
) -> Facts:
    subject = Subject(state_directory=state, declared=declared)
    facts = collect_host(name, view=view or HostView(), subject=subject, target="a test", clock=SystemClock())
    canonical_json(facts.to_json())
    return Facts.from_json(json.loads(json.dumps(facts.to_json())))


def _judge(check: str, facts: Facts) -> Result:
    (result,) = evaluate(CHECKS[check], facts)
    return result


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A machine with one person on it."""
    root = tmp_path / "machine"
    for name in ("etc/ssh", "etc/sudoers.d", "home/eve/.ssh", "var/lib/apt/lists", "usr/bin", "proc"):
        (root / name).mkdir(parents=True)
    (root / "etc/hostname").write_text("box\n")
    (root / "etc/passwd").write_text("root:x:0:0::/root:/bin/bash\neve:x:1000:1000::/home/eve:/bin/bash\n")
    (root / "etc/shadow").write_text(f"root:*:1:0:99999:7:::\neve:{HASH}:1:0:99999:7:::\n")
    return root


@pytest.mark.parametrize("name", [name for name in HOST_COLLECTORS if name != "host_updates"])
def test_this_machine_can_be_looked_at_quickly_and_judged(name: str) -> None:
    started = monotonic()
    facts = _look(name)
    assert monotonic() - started < 1.5
    (host,) = facts.resources
    assert (host.id, host.kind) == (f"host/{os.uname().nodename}", name)
    judged = [evaluate(check, facts) for check in CHECKS.values() if check.meta.collector == name]
    assert judged
    assert all(len(results) == 1 for results in judged)


@pytest.mark.slow(reason="apt-get computes a whole upgrade")
def test_apt_is_asked_about_this_machine() -> None:
    facts = _look("host_updates")
    (host,) = facts.resources
    assert host.flag("apt") is (shutil.which("apt-get") is not None)
    assert host.number("pending") >= 0
    assert evaluate(CHECKS["host_security_updates_installed"], facts)


def test_control_place_says_nothing_that_the_agent_of_the_same_machine_says() -> None:
    for name in HOST_COLLECTORS:
        facts = collect_host(
            name,
            view=HostView(),
            subject=Subject(state_directory=Path("/tmp")),
            target="a test",
            clock=SystemClock(),
            examined_by_agent=True,
        )
        assert facts.resources == ()
        assert "agent" in facts.method


def test_port_on_every_address_is_found_with_its_program_until_it_is_declared() -> None:
    with socket.create_server(("0.0.0.0", 0)) as listener:
        port = listener.getsockname()[1]
        found = [one for one in _look("host_listening").resources[0].parts("beyond") if one.number("port") == port]
        assert [one.text("address") for one in found] == ["0.0.0.0"]
        own = Path("/proc/self/comm").read_text().strip()
        assert found[0].text("program") == own
        assert f"port {port}" in _all_reasons(_look("host_listening").resources[0].parts("beyond"))
        declared = _judge("host_listening_expected", _look("host_listening", declared=(f"tcp/{port}",)))
        assert f"port {port}" not in declared.reason


def _all_reasons(sockets: list) -> str:  # type: ignore[type-arg]
    return " ".join(f"port {one.number('port')}" for one in sockets)


def test_port_on_loopback_is_only_counted() -> None:
    before = _look("host_listening").resources[0].number("loopback")
    with socket.create_server(("127.0.0.1", 0)) as listener:
        facts = _look("host_listening").resources[0]
        assert listener.getsockname()[1] not in {one.number("port") for one in facts.parts("beyond")}
        assert before >= 0
        assert facts.number("loopback") >= 1


def test_accounts_are_told_without_their_hashes(root: Path) -> None:
    facts = _look("host_access", HostView(root))
    assert facts.resources[0].id == "host/box"
    assert "secret" not in json.dumps(facts.to_json())
    assert _judge("host_passwords_sound", facts).state is ResultState.PASS
    (root / "etc/shadow").write_text("root:*:1:::::\neve::1:::::\n")
    result = _judge("host_passwords_sound", _look("host_access", HostView(root)))
    assert (result.state, "eve has an empty password" in result.reason) == (ResultState.FAIL, True)
    (root / "etc/shadow").unlink()
    assert _judge("host_passwords_sound", _look("host_access", HostView(root))).state is ResultState.MANUAL


def test_weak_key_is_named_by_fingerprint_and_no_key_or_option_value_is_kept(root: Path) -> None:
    keys = root / "home/eve/.ssh/authorized_keys"
    keys.write_text(f'# mine\ncommand="echo hidden",no-pty ssh-rsa {RSA_1024} eve@home\n')
    keys.chmod(0o600)
    facts = _look("host_access", HostView(root))
    (key,) = facts.resources[0].parts("key_files")[0].parts("keys")
    assert (key.number("bits"), key.text("comment"), key.texts("options")) == (1024, "eve@home", ["command", "no-pty"])
    assert not any(secret in json.dumps(facts.to_json()) for secret in (RSA_1024, "hidden"))
    assert "1024 bits (SHA256:" in _judge("host_authorized_keys_sound", facts).reason


@pytest.mark.parametrize("plant", ["fifo", "zero", "link", "loop", "directory", "huge", "folder"])
def test_what_a_user_plants_hangs_nothing_and_is_never_a_pass(root: Path, tmp_path: Path, plant: str) -> None:
    keys, target = root / "home/eve/.ssh/authorized_keys", tmp_path / "elsewhere"
    target.mkdir()
    (target / "authorized_keys").write_text(f"ssh-rsa {RSA_1024} stolen\n")
    match plant:
        case "fifo":
            os.mkfifo(keys)
        case "zero":
            keys.symlink_to("/dev/zero")
        case "link":
            keys.symlink_to(target / "authorized_keys")
        case "loop":
            keys.symlink_to(keys)
        case "directory":
            keys.mkdir()
        case "huge":
            keys.write_bytes(b"#" * 300_000)
        case "folder":
            keys.parent.rmdir()
            keys.parent.symlink_to(target)
    started = monotonic()
    facts = _look("host_access", HostView(root))
    assert monotonic() - started < 1
    assert "stolen" not in json.dumps(facts.to_json())
    result = _judge("host_authorized_keys_sound", facts)
    assert (result.state, "was not read" in result.reason) == (ResultState.MANUAL, True)


def test_links_of_the_machine_stay_below_its_root(root: Path) -> None:
    (root / "usr/lib").mkdir()
    (root / "usr/lib/os-release").write_text('PRETTY_NAME="Made-up 1"\nVERSION_ID=1\n')
    (root / "etc/os-release").symlink_to("/usr/lib/os-release")
    (root / "etc/odd").symlink_to("../../../../../../usr/lib/os-release")
    (root / "etc/loop").symlink_to("loop")
    view = HostView(root)
    assert _look("host_system", view).resources[0].text("distribution") == "Made-up 1"
    assert (view.text("/etc/odd") or "").startswith("PRETTY_NAME")
    assert view.text("/etc/loop") is None
    (root / "etc/large").write_bytes(bytes(MAX_BYTES + 1))
    with pytest.raises(Unavailable):
        view.text("/etc/large")


def test_file_modes_and_what_everyone_may_write_are_told(root: Path) -> None:
    (root / "etc/shadow").chmod(0o644)
    (root / "etc/open").write_text("")
    (root / "etc/open").chmod(0o666)
    facts = _look("host_system", HostView(root))
    assert "/etc/shadow has mode 0644" in _judge("host_credential_files_private", facts).reason
    assert "/etc/open" in _judge("host_configuration_owned", facts).reason


def test_sudo_rules_are_read_with_what_they_include(root: Path) -> None:
    (root / "etc/sudoers").write_text(
        "Defaults env_reset\nCmnd_Alias SHELLS = ALL\n%sudo ALL=(ALL:ALL) ALL\nroot ALL=(ALL:ALL) NOPASSWD: ALL\n"
        "@includedir /etc/sudoers.d\n#include /etc/missing\n"
    )
    (root / "etc/sudoers.d/README").write_text("# nothing\n")
    facts = _look("host_access", HostView(root))
    assert "/etc/missing cannot be read" in _judge("host_sudo_narrow", facts).reason
    (root / "etc/sudoers.d/90-cloud").write_text("eve ALL=(ALL) \\\n NOPASSWD:SHELLS\n")
    result = _judge("host_sudo_narrow", _look("host_access", HostView(root)))
    assert "eve runs everything without a password (/etc/sudoers.d/90-cloud)" in result.reason


def test_machine_without_apt_is_for_a_person_to_judge(root: Path) -> None:
    assert _judge("host_security_updates_installed", _look("host_updates", HostView(root))).state is ResultState.MANUAL


def test_what_only_the_machine_itself_could_say_is_never_a_pass_from_a_container(root: Path) -> None:
    (root / "usr/sbin").mkdir()
    (root / "usr/sbin/sshd").write_text("")
    (root / "proc/1/net").mkdir(parents=True)
    head = "  sl  local_address rem_address st tx_queue tr tm->when retrnsmt uid timeout inode\n"
    row = "   0: 00000000:1538 00000000:0000 0A 00000000:00000000 00:00000000 00000000 0 0 77 1\n"
    (root / "proc/1/net/tcp").write_text(head + row)
    (root / "proc/1/net/udp").write_text(head)
    view = HostView(root)
    assert _judge("host_sshd_keys_only", _look("host_sshd", view)).state is ResultState.MANUAL
    assert _judge("host_firewall_closed", _look("host_firewall", view)).state is ResultState.MANUAL
    assert _judge("host_kernel_network_hardened", _look("host_system", view)).state is ResultState.MANUAL
    assert "port 5432" in _judge("host_listening_expected", _look("host_listening", view)).reason


def test_root_where_no_machine_is_raises_instead_of_finding_nothing_wrong(tmp_path: Path) -> None:
    for name in HOST_COLLECTORS:
        with pytest.raises(Unavailable, match="no machine"):
            _look(name, HostView(tmp_path / "mistyped"))
