from pathlib import Path

import pytest

from stronghouse.app.supervisor_ports import PortPlan
from stronghouse.app.supervisor_settings import UpSettings, prepare_state_directory
from stronghouse.kernel.errors import Invalid


def test_key_and_ready_file_may_not_lie_with_the_data_they_protect(tmp_path: Path) -> None:
    state = tmp_path / "state"
    (state / "log").mkdir(parents=True)
    link = tmp_path / "innocent"
    link.symlink_to(state)
    outside = tmp_path / "machine.key"
    with pytest.raises(Invalid, match="machine key must lie outside"):
        UpSettings(state_directory=state, machine_key_file=state / "keys" / "machine.key")
    with pytest.raises(Invalid, match="machine key must lie outside"):
        UpSettings(state_directory=state, machine_key_file=link / "machine.key")
    with pytest.raises(Invalid, match="ready-file must lie outside"):
        UpSettings(state_directory=state, machine_key_file=outside, ready_file=state / "log" / ".." / "ready.json")


def test_ready_file_needs_a_directory_to_be_written_to(tmp_path: Path) -> None:
    with pytest.raises(Invalid, match="cannot be written"):
        UpSettings(
            state_directory=tmp_path / "s", machine_key_file=tmp_path / "k", ready_file=tmp_path / "no" / "r.json"
        )


def test_domain_is_refused_rather_than_ignored(tmp_path: Path) -> None:
    with pytest.raises(Invalid, match="not supported"):
        UpSettings(state_directory=tmp_path / "s", machine_key_file=tmp_path / "k", domain="example.com")


def test_state_directory_too_long_for_sockets_is_refused_at_once(tmp_path: Path) -> None:
    with pytest.raises(Invalid, match="too long for Unix sockets"):
        UpSettings(state_directory=tmp_path / ("d" * 100), machine_key_file=tmp_path / "k")


def test_state_directory_that_others_may_change_is_refused(tmp_path: Path) -> None:
    state = tmp_path / "state"
    state.mkdir()
    state.chmod(0o770)
    with pytest.raises(Invalid, match="chmod go-w"):
        prepare_state_directory(state, mode=0o700)


@pytest.mark.parametrize("base", [80, 0, -1, 65512, 70_000])
def test_port_base_leaves_room_for_every_port(base: int) -> None:
    with pytest.raises(Invalid):
        PortPlan(base)


def test_highest_port_base_uses_the_highest_port() -> None:
    assert list(PortPlan(65511).all())[-1] == 65535
