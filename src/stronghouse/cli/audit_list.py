"""`stronghouse audit list`, `show` and `export`: finding events, one event, and a copy of the log."""

import json
import os
import sys
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, BinaryIO

import typer

from stronghouse.cli.client import ApiClient, connect
from stronghouse.cli.failures import Json
from stronghouse.cli.output import printable, remark, show_fields, show_json, show_table
from stronghouse.cli.resources import Organization, find_service, organization_path
from stronghouse.kernel.errors import Conflict, Invalid, NotFound

MOST = 1000
MEGABYTE = 1_000_000
Code = Annotated[str | None, typer.Option(help="This code, or how it begins: service.create, service.")]
Service = Annotated[str | None, typer.Option(help="About this service: its id, or its name while it is there.")]
Actor = Annotated[str | None, typer.Option(help="By this person or key: an id, or a member's address.")]
Address = Annotated[str | None, typer.Option(help="From this IP address.")]
Text = Annotated[str | None, typer.Option(help="With this text in the summary or the data.")]
Since = Annotated[str | None, typer.Option(help="From this time on, as 2027-01-31 or with a time.")]
Until = Annotated[str | None, typer.Option(help="Before this time; a day alone is included.")]


class Outcome(StrEnum):
    """How an act ended."""

    SUCCESS = "success"
    FAILURE = "failure"
    DENIED = "denied"


class Format(StrEnum):
    """What an export can be."""

    CSV = "csv"
    NDJSON = "ndjson"


OutcomeOption = Annotated[Outcome | None, typer.Option("--outcome", help="That ended so.")]


def list_events(
    code: Code = None,
    service: Service = None,
    actor: Actor = None,
    outcome: OutcomeOption = None,
    address: Address = None,
    text: Text = None,
    since: Since = None,
    until: Until = None,
    before: Annotated[int | None, typer.Option(min=0, help="Only those with a smaller index: the next page.")] = None,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, max=MOST, help="How many.")] = 50,
    org: Organization = None,
    as_json: Json = False,
) -> None:
    """Events that match every option, the newest first."""
    wanted = {"code": code, "address": address, "text": text, "since": since, "until": until}
    with connect() as client:
        path = organization_path(client, org)
        filters = _filters(client, path, {**wanted, "outcome": outcome}, service=service, actor=actor)
        events, older = _newest(client, f"{path}/auditLog", filters, before, limit)
    if as_json:
        show_json(events)
    else:
        columns = ("TIME", "CODE", "OUTCOME", "WHO", "FROM", "WHAT", "ID")
        show_table(columns, map(_row, events), empty="There are no such events.", whole={"TIME", "CODE", "ID"})
    if older is not None:
        remark(f"There are older ones: add --before {older}.")


def show_event(
    event: Annotated[str, typer.Argument(metavar="EVENT", help="The event's id.")],
    org: Organization = None,
    as_json: Json = False,
) -> None:
    """One event: who did what from where, and what it changed."""
    with connect() as client:
        found = client.get(f"{organization_path(client, org)}/auditLog/{_checked(event)}")
    if as_json:
        show_json(found)
        return
    actor = found["actor"]
    fields = [(name, found[name]) for name in ("index", "id", "time", "code", "outcome", "summary")]
    fields += [("actor", actor["details"] or actor["id"]), ("actor id", actor["id"]), ("actor type", actor["type"])]
    fields += [(name.replace("_", " "), found[name]) for name in ("address", "user_agent", "service_id", "request_id")]
    show_fields([*fields, *((f"data: {name}", _plain(value)) for name, value in found["data"].items())])
    if found["changes"]:
        typer.echo()
        show_table(("CHANGED", "BEFORE", "AFTER"), map(_change, found["changes"]), empty="")


def export_events(
    out: Annotated[str, typer.Option("--out", help="The new file to write; - is standard output.")],
    kind: Annotated[Format, typer.Option("--format", help="CSV for spreadsheets, NDJSON for programs.")] = Format.CSV,
    code: Code = None,
    service: Service = None,
    actor: Actor = None,
    outcome: OutcomeOption = None,
    address: Address = None,
    text: Text = None,
    since: Since = None,
    until: Until = None,
    org: Organization = None,
) -> None:
    """Every event that matches all options, the oldest first, as a file. The export itself is recorded."""
    target = None if out == "-" else _new_file(Path(out))
    wanted = {"code": code, "address": address, "text": text, "since": since, "until": until}
    with connect() as client:
        path = organization_path(client, org)
        filters = _filters(client, path, {**wanted, "outcome": outcome}, service=service, actor=actor)
        with client.stream(f"{path}/auditLog/export", {**filters, "format": kind.value}) as pieces:
            if target is None:
                _to_output(pieces)
            else:
                remark(f"Saved {_to_file(pieces, target) / MEGABYTE:.1f} MB to {target}.")


def _filters(
    client: ApiClient, path: str, wanted: dict[str, str | None], *, service: str | None, actor: str | None
) -> dict[str, str | int]:
    filters: dict[str, str | int] = {name: str(text) for name, text in wanted.items() if text is not None}
    if service is not None:
        filters["serviceId"] = _service_id(client, path, service)
    if actor is not None:
        filters["actor"] = _actor_id(client, path, actor)
    return filters


def _actor_id(client: ApiClient, path: str, actor: str) -> str:
    """The id of a member by mail address; an id is taken as it is, for the log knows those who are gone."""
    if "@" not in actor:
        return actor
    for member in client.get(f"{path}/members"):
        if member["email"].lower() == actor.lower():
            return str(member["userId"])
    raise NotFound(f"There is no member {actor[:64]!r}.")


def _service_id(client: ApiClient, path: str, service: str) -> str:
    """The id of a service by name; an id is taken as it is, for the log knows services that are gone."""
    try:
        return str(uuid.UUID(service))
    except ValueError:
        return str(find_service(client, path, service)["id"])


def _newest(
    client: ApiClient, path: str, filters: dict[str, str | int], before: int | None, limit: int
) -> tuple[list[dict[str, Any]], int | None]:
    """The newest events, and the index before which there are more; goes on where an answer ended early."""
    found: list[dict[str, Any]] = []
    while True:
        paging = {"limit": limit - len(found), **({} if before is None else {"before": before})}
        answer = client.get_page(path, {**filters, **paging})
        found += answer["result"]
        before = answer.get("older")
        if before is None or len(found) >= limit:
            return found, before


def _row(event: dict[str, Any]) -> tuple[object, ...]:
    who = event["actor"]["details"] or event["actor"]["id"]
    return (event["time"], event["code"], event["outcome"], who, event["address"], event["summary"], event["id"])


def _change(change: dict[str, Any]) -> tuple[object, ...]:
    if change["added"] or change["removed"]:
        return (change["field"], _lines("- ", change["removed"]), _lines("+ ", change["added"]))
    return (change["field"], _plain(change["before"]), _plain(change["after"]))


def _lines(sign: str, items: list[Any]) -> str:
    return ", ".join(f"{sign}{_plain(item)}" for item in items)


def _plain(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _new_file(target: Path) -> Path:
    """Where a file can be made, as far as that can be told before anybody is asked for its content."""
    if target.exists():
        raise Conflict(f"{target} exists already; choose another name.", code="file_exists")
    if not target.parent.is_dir():
        raise Invalid(f"There is no directory {target.parent}.", code="directory_missing")
    return target


def _to_output(pieces: Iterator[bytes]) -> None:
    """Pass the pieces on to standard output; if a terminal reads it, line by line and made harmless."""
    if sys.stdout.isatty():
        for line in _lines_of(pieces):
            typer.echo(printable(line))
        return
    for piece in pieces:
        sys.stdout.buffer.write(piece)
    sys.stdout.buffer.flush()


def _lines_of(pieces: Iterator[bytes]) -> Iterator[str]:
    rest = b""
    for piece in pieces:
        *whole, rest = (rest + piece).split(b"\n")
        yield from (line.rstrip(b"\r").decode(errors="replace") for line in whole)
    if rest:
        yield rest.decode(errors="replace")


def _to_file(pieces: Iterator[bytes], target: Path) -> int:
    """Write a new file that only its owner can read, which has its name once it is whole; its size."""
    try:
        with _whole_file(target) as file, _progress() as tell:
            for piece in pieces:
                file.write(piece)
                tell(file.tell())
            return file.tell()
    except FileExistsError:
        raise Conflict(f"{target} exists already; choose another name.", code="file_exists") from None
    except OSError as error:
        raise Invalid(f"{target} cannot be written: {error.strerror}.", code="file_unwritable") from None


@contextmanager
def _whole_file(target: Path) -> Iterator[BinaryIO]:
    temporary = target.with_name(f".{target.name}.{os.getpid()}.part")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.link(temporary, target)  # unlike a rename, it never replaces what somebody made meanwhile
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def _progress() -> Iterator[Callable[[int], None]]:
    """Tells on standard error how much has come, if a terminal shows it."""
    if not sys.stderr.isatty():
        yield lambda _size: None
        return
    from rich.console import Console

    with Console(stderr=True).status("exporting …") as status:
        yield lambda size: status.update(f"exporting: {size / MEGABYTE:.1f} MB …")


def _checked(event: str) -> str:
    """An id may become part of a path only if it is one."""
    try:
        return str(uuid.UUID(event.strip()))
    except ValueError:
        raise Invalid(f"{event[:64]!r} is not an event's id; `stronghouse audit list` has them.") from None
