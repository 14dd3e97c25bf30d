"""Events are found, shown and exported from the command line, whatever their names hold."""

import csv
import io
import json
import stat
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from stronghouse.access import people
from stronghouse.access.roles.system import ADMIN
from stronghouse.audit import query as queries
from stronghouse.audit.event import SYSTEM, Actor, ActorType, Context
from stronghouse.cli import audit_list
from stronghouse.organizations.events import OrganizationRenamed
from stronghouse.services.events import ServiceIpAccessChanged
from tests.support.control_plane import Plane
from tests.unit.cli.conftest import Cli

EVIL = "\x1b[2J\u202ejs <b>=1+1\nforged line"


def rename(plane: Plane, organization_id: str, name: str = EVIL) -> None:
    """An event with a name from outside in every place where one can be."""
    context = Context(Actor(ActorType.USER, "somebody", name), "192.0.2.9", name)
    with plane.control.audit.unit_of_work(context) as uow:
        uow.record(OrganizationRenamed(organization_id=organization_id, before=name, after="Example"))


def test_filters_find_events_the_newest_first(cli: Cli, plane: Plane, organization_id: str) -> None:
    for name in ("one", "two"):
        cli("service", "create", name, "--no-wait")
    rename(plane, organization_id)
    listed = cli("audit", "list", "--code", "service.", "--json").json
    assert [event["data"]["name"] for event in listed] == ["two", "one"]
    assert [event["data"]["name"] for event in cli("audit", "list", "--service", "one", "--json").json] == ["one"]
    by_id = cli("audit", "list", "--service", listed[0]["service_id"], "--outcome", "success", "--json").json
    assert by_id == [listed[0]]
    assert len(cli("audit", "list", "--actor", "somebody", "--address", "192.0.2.9", "--json").json) == 1
    assert cli("audit", "list", "--since", "2026-11-24", "--json").json == []
    assert cli("audit", "list", "--until", "2026-11-22", "--text", "x").err == "There are no such events.\n"


def test_members_are_named_by_their_address(cli: Cli, plane: Plane, organization_id: str) -> None:
    with plane.control.audit.unit_of_work(Context(SYSTEM)) as uow:
        now = plane.clock.now()
        roles = (ADMIN.id,)
        ann = people.create_member(
            uow, organization_id=organization_id, email="ann@example.com", name="Ann", role_ids=roles, now=now
        )
    with plane.control.audit.unit_of_work(Context(Actor(ActorType.USER, ann.id, ann.email))) as uow:
        uow.record(OrganizationRenamed(organization_id=organization_id, before="a", after="b"))
    listed = cli("audit", "list", "--actor", "Ann@example.com", "--json").json
    assert [event["code"] for event in listed] == ["organization.rename"]
    assert "no member" in cli("audit", "list", "--actor", "bob@example.com").err


def test_list_says_how_to_go_on(cli: Cli) -> None:
    for name in ("one", "two", "three"):
        cli("service", "create", name, "--no-wait")
    first = cli("audit", "list", "--code", "service.create", "-n", "2", "--json")
    assert first.err == f"There are older ones: add --before {first.json[-1]['index']}.\n"
    rest = cli("audit", "list", "--code", "service.create", "--before", str(first.json[-1]["index"]), "--json")
    assert [event["data"]["name"] for event in rest.json] == ["one"]
    assert rest.err == ""


def test_list_goes_on_where_an_answer_ended_early(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    cli("service", "create", "needle", "--no-wait")
    for number in range(12):
        cli("service", "create", f"hay-{number}", "--no-wait")
    monkeypatch.setattr(queries, "CANDIDATES", 3)
    found = cli("audit", "list", "--text", "needle", "--json")
    assert [event["data"]["name"] for event in found.json] == ["needle"]
    assert found.err == ""


def test_show_tells_what_an_event_changed(cli: Cli, plane: Plane, organization_id: str) -> None:
    rename(plane, organization_id, "Old name")
    event = cli("audit", "list", "--code", "organization.rename", "--json").json[0]
    shown = cli("audit", "show", event["id"]).out
    assert "organization.rename" in shown
    assert "192.0.2.9" in shown
    assert shown.splitlines()[-1].split() == ["name", "Old", "name", "Example"]
    whole = cli("audit", "show", event["id"], "--json").json
    assert whole["changes"] == [{"field": "name", "before": "Old name", "after": "Example", "added": [], "removed": []}]
    assert cli("audit", "show", "../keys").code == 1
    assert "no such event" in cli("audit", "show", "00000000-0000-4000-8000-000000000000").err


def test_show_names_what_came_and_went_in_a_list(cli: Cli, plane: Plane, organization_id: str) -> None:
    with plane.control.audit.unit_of_work(Context(Actor(ActorType.USER, "somebody"))) as uow:
        uow.record(
            ServiceIpAccessChanged(
                organization_id=organization_id,
                before=["192.0.2.0/24", "192.0.2.9/32"],
                after=["192.0.2.0/24", "198.51.100.0/24"],
            )
        )
    event = cli("audit", "list", "--code", "service.ip_access_change", "--json").json[0]
    changed = cli("audit", "show", event["id"]).out.splitlines()[-1]
    assert changed.split() == ["ip_access", "-", "192.0.2.9/32", "+", "198.51.100.0/24"]


def test_names_from_outside_steer_no_terminal(cli: Cli, plane: Plane, organization_id: str) -> None:
    rename(plane, organization_id)
    event = cli("audit", "list", "--code", "organization.rename", "--json").json[0]
    assert event["actor"]["details"] == EVIL
    for shown in (cli("audit", "list").out, cli("audit", "show", event["id"]).out, cli("audit", "tail").out):
        assert "\x1b" not in shown
        assert "\u202e" not in shown
        assert not any(line.startswith("forged line") for line in shown.splitlines())


@pytest.mark.parametrize("kind", ["csv", "ndjson"])
def test_export_is_one_whole_private_file(
    cli: Cli, plane: Plane, organization_id: str, tmp_path: Path, kind: str
) -> None:
    rename(plane, organization_id)
    out = tmp_path / "log"
    done = cli("audit", "export", "--format", kind, "--code", "organization.", "--out", str(out))
    assert (done.code, done.out) == (0, "")
    assert done.err == f"Saved 0.0 MB to {out}.\n"
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    text = out.read_bytes().decode()
    if kind == "csv":
        codes = [record["code"] for record in csv.DictReader(io.StringIO(text, newline=""))]
    else:
        codes = [json.loads(line)["code"] for line in text.splitlines()]
    assert codes == ["organization.create", "organization.rename"]
    again = cli("audit", "export", "--format", kind, "--out", str(out))
    assert again.code == 1
    assert "exists already" in again.err
    assert out.read_bytes().decode() == text
    assert not list(tmp_path.glob(".log*"))


def test_export_that_breaks_off_leaves_nothing(cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = httpx.Response.iter_bytes

    def broken(response: httpx.Response) -> Iterator[bytes]:
        if not response.url.path.endswith("/export"):
            yield from real(response)
            return
        yield b"index,id\r\n"
        raise httpx.RemoteProtocolError("peer closed connection without sending complete message body")

    monkeypatch.setattr(httpx.Response, "iter_bytes", broken)
    out = tmp_path / "exports" / "log.csv"
    no_directory = cli("audit", "export", "--out", str(out))
    assert "There is no directory" in no_directory.err
    assert cli("audit", "list", "--code", "audit_log.export", "--json").json == []  # nobody was asked yet
    out.parent.mkdir()
    broken_off = cli("audit", "export", "--out", str(out))
    assert broken_off.code == no_directory.code == 1
    assert "closed connection" in broken_off.err
    assert list(out.parent.iterdir()) == []


def test_export_to_standard_output_is_the_file_itself(cli: Cli, plane: Plane, organization_id: str) -> None:
    rename(plane, organization_id)
    piped = cli("audit", "export", "--format", "ndjson", "--code", "organization.rename", "--out", "-")
    assert json.loads(piped.out)["actor"]["details"] == EVIL
    assert piped.err == ""


def test_export_to_a_terminal_is_made_harmless(
    cli: Cli, plane: Plane, organization_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    rename(plane, organization_id)

    class Terminal(io.TextIOWrapper):
        def isatty(self) -> bool:
            return True

    written = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", Terminal(written, encoding="utf-8"))
    pieces = iter([b'{"name":"a\xc2\x9b31m', b'\xe2\x80\xae"}\r\nlast'])
    audit_list._to_output(pieces)
    sys.stdout.flush()
    assert written.getvalue().decode() == '{"name":"a�31m�"}\nlast\n'


def test_bad_filters_are_told_in_one_sentence(cli: Cli) -> None:
    for options in (("--since", "soon"), ("--address", "everywhere"), ("--code", "A B"), ("--service", "none")):
        result = cli("audit", "list", *options)
        assert result.code == 1
        assert result.err.startswith("Error: ")
        assert result.err.count("\n") == 1
    assert cli("audit", "list", "--outcome", "good").code == 2
