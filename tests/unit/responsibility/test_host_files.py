"""Reading files that say who gets in: what is written in an unusual way must not look harmless."""

import time
from pathlib import Path

import pytest

from stronghouse.kernel.processes import Completed
from stronghouse.responsibility.collectors.host import disk
from stronghouse.responsibility.collectors.host.ssh_keys import MAX_KEYS, authorized_keys
from stronghouse.responsibility.collectors.host.subject import Subject
from stronghouse.responsibility.collectors.host.sudoers import MAX_RULES, Sudoers, read_sudoers
from stronghouse.responsibility.collectors.host.system import _writable_below
from stronghouse.responsibility.collectors.host.updates import updates
from stronghouse.responsibility.collectors.host.view import HostView

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA a@b"


def _sudoers(directory: Path, text: str) -> Sudoers:
    (directory / "etc").mkdir()
    (directory / "etc" / "sudoers").write_text(text)
    return read_sudoers(HostView(directory))


@pytest.mark.parametrize(
    "text",
    [
        "#1000 ALL=(ALL) NOPASSWD: ALL",
        "Cmnd_Alias ONE = ALL\nCmnd_Alias TWO = /bin/true, ONE\nmallory ALL = NOPASSWD: TWO",
        "Cmnd_Alias ONE = /bin/true : TWO = ALL\nmallory ALL = NOPASSWD: TWO",
        "mallory ALL=(ALL) CWD=/tmp NOPASSWD: ALL",
        "mallory ALL=(ALL) NOPASSWD : ALL",
        "mallory ALL=(ALL) NOPASSWD: ALL, /opt/Own_Alias",
    ],
)
def test_a_rule_for_everything_without_password_is_seen_however_it_is_written(tmp_path: Path, text: str) -> None:
    [rule] = _sudoers(tmp_path, f"{text}\n").rules
    assert (rule["all"], rule["nopasswd"]) == (True, True)


@pytest.mark.parametrize("text", ["Defaults ! authenticate", "Defaults exempt_group=staff", "Defaults !authenticate"])
def test_a_password_that_is_switched_off_is_seen(tmp_path: Path, text: str) -> None:
    assert _sudoers(tmp_path, f"{text}\n").unauthenticated == ["/etc/sudoers"]


@pytest.mark.parametrize("text", ["what is this\n", "a ALL=(ALL) /bin/true\n" * (MAX_RULES + 1)])
def test_a_file_with_rules_that_are_not_read_is_told(tmp_path: Path, text: str) -> None:
    assert _sudoers(tmp_path, text).unread == ["/etc/sudoers"]


def test_keys_beyond_those_that_are_read_are_told_as_unreadable() -> None:
    keys = authorized_keys(f"{KEY}\n" * (MAX_KEYS + 1))
    assert [key["type"] for key in keys] == ["ssh-ed25519"] * MAX_KEYS + ["unreadable"]


def test_a_users_file_of_quotes_that_never_close_is_read_at_once() -> None:
    started = time.monotonic()
    [key] = authorized_keys('"' + '\\"' * 100_000 + "\\")
    assert key["type"] == "unreadable"
    assert time.monotonic() - started < 1  # it took minutes, and stopped the whole agent


def test_a_quoted_option_leaves_no_trace() -> None:
    [key] = authorized_keys(f'command="a \\"b\\" c",no-pty {KEY}')
    assert (key["type"], key["options"]) == ("ssh-ed25519", ["command", "no-pty"])


@pytest.mark.parametrize(
    ("uuid", "state"),
    [("CRYPT-LUKS2-1-data", "encrypted"), ("CRYPT-INTEGRITY-data", "plain"), ("CRYPT-VERITY-1-data", "plain")],
)
def test_only_what_encrypts_counts_as_encrypted(tmp_path: Path, uuid: str, state: str) -> None:
    (tmp_path / "dm-0" / "dm").mkdir(parents=True)
    (tmp_path / "dm-0" / "dm" / "uuid").write_text(uuid)
    assert disk._state(tmp_path / "dm-0", 0) == state


def test_a_package_on_hold_counts_as_pending() -> None:
    asked: list[list[str]] = []

    def run(arguments: list[str], **_how: object) -> Completed:
        asked.append(arguments)
        return Completed(0, "", "")

    updates(HostView(run=run), Subject(state_directory=Path("/")))
    assert all("--ignore-hold" in arguments for arguments in asked)


def test_what_lies_too_deep_in_etc_leaves_the_rest_unknown(tmp_path: Path) -> None:
    deep = tmp_path / "etc" / "/".join("abcdefgh")
    deep.mkdir(parents=True)
    assert _writable_below(HostView(tmp_path), "/etc")[1:] == ([], True)
    (deep / "i").mkdir()
    assert _writable_below(HostView(tmp_path), "/etc")[1:] == ([], False)
