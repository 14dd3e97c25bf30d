"""What confines a process is read from the kernel; a part that is not told of is missing."""

from pathlib import Path

import pytest

from stronghouse.agent.collectors import worker_sandbox
from stronghouse.agent.collectors.worker_sandbox import confinement
from stronghouse.kernel.canonical import Json

STATUS = "Name:\tworker\nUid:\t70001\t70001\t70001\t70001\nCapEff:\t0000000000000000\nNoNewPrivs:\t1\nSeccomp:\t2\n"
LIMITS = f"{'Limit':26}{'Soft Limit':21}{'Hard Limit':21}Units\n{'Max core file size':26}{0:<21}{0:<21}bytes\n"


@pytest.fixture
def proc(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(worker_sandbox, "_PROC", tmp_path)
    monkeypatch.setattr("os.geteuid", lambda: 0)
    (tmp_path / "7").mkdir()
    (tmp_path / "7" / "status").write_text(STATUS)
    (tmp_path / "7" / "limits").write_text(LIMITS)
    return tmp_path / "7"


def _missing(account: dict[str, Json]) -> list[str]:
    held = confinement(7, account)
    assert held is not None
    return [name for name, holds in held.items() if not holds]


@pytest.mark.parametrize("told", [True, 1, 7])
def test_whole_sandbox_is_in_force(proc: Path, told: Json) -> None:
    assert proc.exists()
    assert _missing({"landlock_abi": told}) == []


@pytest.mark.parametrize(
    ("before", "after", "missing"),
    [
        ("Seccomp:\t2", "Seccomp:\t0", "seccomp filter"),
        ("Seccomp:\t2\n", "", "seccomp filter"),
        ("NoNewPrivs:\t1", "NoNewPrivs:\t0", "no new privileges"),
        ("CapEff:\t0000000000000000", "CapEff:\t000001ffffffffff", "no capabilities"),
        ("CapEff:\t0000000000000000\n", "", "no capabilities"),
        ("Uid:\t70001\t70001", "Uid:\t70001\t0", "a user of its own"),
    ],
)
def test_each_part_that_is_not_in_force_is_named(proc: Path, before: str, after: str, missing: str) -> None:
    (proc / "status").write_text(STATUS.replace(before, after))
    assert _missing({"landlock_abi": 4}) == [missing]


@pytest.mark.parametrize(("landlock", "missing"), [(4, []), (0, ["no capabilities", "Landlock"])])
def test_passing_directories_is_bounded_by_landlock_alone(proc: Path, landlock: int, missing: list[str]) -> None:
    (proc / "status").write_text(STATUS.replace("CapEff:\t0000000000000000", "CapEff:\t0000000000000004"))
    assert _missing({"landlock_abi": landlock}) == missing


@pytest.mark.parametrize("limits", [LIMITS.replace("0  ", "unlimited  ", 1), ""])
def test_core_dumps_count_as_allowed_unless_both_limits_are_zero(proc: Path, limits: str) -> None:
    (proc / "limits").write_text(limits)
    assert _missing({"landlock_abi": 4}) == ["no core dumps"]


@pytest.mark.parametrize(
    "account", [{}, {"landlock_abi": None}, {"landlock_abi": False}, {"landlock_abi": 0}, {"landlock_abi": "no"}]
)
def test_landlock_that_is_not_told_of_is_missing(proc: Path, account: dict[str, Json]) -> None:
    assert proc.exists()
    assert _missing(account) == ["Landlock"]


def test_process_that_ended_is_none(proc: Path) -> None:
    assert proc.exists()
    assert confinement(8, {}) is None
