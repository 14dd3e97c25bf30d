"""`stronghouse document`: what must be on file, filing it, and looking at it."""

import io
import os
from pathlib import Path
from typing import Annotated, Any, BinaryIO, cast

import typer

from stronghouse.cli.client import ApiClient, connect
from stronghouse.cli.confirmation import confirm
from stronghouse.cli.dates import checked_day
from stronghouse.cli.failures import Json
from stronghouse.cli.output import remark, show_fields, show_json, show_table
from stronghouse.cli.resources import Organization, organization_path
from stronghouse.kernel.errors import Conflict, Invalid

app = typer.Typer(name="document", help="Documents and reviews that must be on file.", no_args_is_help=True)
RequestName = Annotated[str, typer.Argument(metavar="REQUEST", help="The request's id; see `requests`.")]
DocumentId = Annotated[str, typer.Argument(metavar="DOCUMENT", help="The document's id.")]
Note = Annotated[str, typer.Option(help="What was looked at and found.")]
DocumentDate = Annotated[str | None, typer.Option("--date", help="The document's own date, as 2026-01-31.")]
Until = Annotated[
    str | None, typer.Option(help="The day it ends by itself, if that is sooner than the request allows.")
]
MAX_FILE_BYTES = 25 * 1024 * 1024
PROGRESS_FROM = 1024 * 1024  # smaller files are gone before anyone could read a bar
PAGE = 500
TYPES = {
    ".csv": "text/csv",
    ".doc": "application/msword",
    ".docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    ".eml": "message/rfc822",
    ".jpeg": "image/jpeg",
    ".jpg": "image/jpeg",
    ".json": "application/json",
    ".log": "text/plain",
    ".md": "text/markdown",
    ".ods": "application/vnd.oasis.opendocument.spreadsheet",
    ".odt": "application/vnd.oasis.opendocument.text",
    ".pdf": "application/pdf",
    ".png": "image/png",
    ".txt": "text/plain",
    ".xls": "application/vnd.ms-excel",
    ".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    ".zip": "application/zip",
}


@app.command("requests")
def list_requests(
    request: Annotated[str | None, typer.Argument(metavar="[REQUEST]", help="Show this one whole.")] = None,
    due: Annotated[bool, typer.Option("--due", help="Only what is not in order.")] = False,
    org: Organization = None,
    as_json: Json = False,
) -> None:
    """What must be on file, and how it stands."""
    with connect() as client:
        found = client.get(f"{organization_path(client, org)}/documentRequests")
    if request is not None:
        found = [entry for entry in found if entry["id"] == request]
        if not found:
            raise Invalid(f"There is no document request {request[:80]!r}; `stronghouse document requests` lists them.")
    if due:
        found = [entry for entry in found if entry["state"] not in {"in_order", "not_applicable"}]
    if as_json:
        show_json(found)
    elif request is not None and found:
        names = ("id", "title", "state", "reason", "dueAt", "contents", "source", "reviewer", "control", "command")
        show_fields([(name, found[0][name]) for name in names])
    else:
        rows = [(entry["id"], entry["scope"], entry["state"], entry["dueAt"], entry["title"]) for entry in found]
        show_table(("REQUEST", "FOR", "STATE", "DUE", "WHAT"), rows, empty="There is nothing of this kind.")


@app.command("list")
def list_documents(org: Organization = None, as_json: Json = False) -> None:
    """Everything on file, the newest filed first."""
    with connect() as client:
        path = f"{organization_path(client, org)}/documents"
        found = page = client.get(path, limit=PAGE)
        while len(page) == PAGE:
            page = client.get(path, limit=PAGE, before=page[-1]["id"])
            found = [*found, *page]
    if as_json:
        show_json(found)
        return
    rows = [
        (entry["id"], entry["request"], entry["date"], entry["validUntil"], entry["fileName"], entry["size"])
        for entry in found
    ]
    show_table(("ID", "REQUEST", "DATE", "VALID UNTIL", "FILE", "BYTES"), rows, empty="Nothing is on file.")


@app.command("get")
def get_document(document: DocumentId, org: Organization = None, as_json: Json = False) -> None:
    """One document with its reviews."""
    with connect() as client:
        found = client.get(f"{organization_path(client, org)}/documents/{_checked(document)}")
    if as_json:
        show_json(found)
        return
    _show(found)
    rows = [(entry["reviewedAt"], entry["reviewedBy"]["details"], entry["note"]) for entry in found["reviews"]]
    show_table(("REVIEWED", "BY", "NOTE"), rows, empty="Nobody has reviewed it.")


@app.command("file")
def file_document(
    request: RequestName,
    path: Annotated[Path, typer.Argument(help="The file.")],
    date: DocumentDate = None,
    valid_until: Until = None,
    note: Note = "",
    org: Organization = None,
    as_json: Json = False,
) -> None:
    """Put a document on file."""
    if date is None:
        raise Invalid("Say the document's own date with --date.")
    days = {"date": checked_day("--date", date), "validUntil": checked_day("--valid-until", valid_until)}
    _file(request, path, {**days, "note": note}, org=org, as_json=as_json)


@app.command("record")
def record(
    request: RequestName,
    note: Note,
    date: Annotated[str | None, typer.Option(help="When it was done, as 2026-01-31; today if not said.")] = None,
    file: Annotated[Path | None, typer.Option(help="A file to keep with it.")] = None,
    org: Organization = None,
    as_json: Json = False,
) -> None:
    """Record that you did a review."""
    _file(request, file, {"date": checked_day("--date", date), "note": note}, org=org, as_json=as_json)


@app.command("review")
def review(document: DocumentId, note: Note, org: Organization = None, as_json: Json = False) -> None:
    """Record that you looked at a filed document."""
    with connect() as client:
        path = f"{organization_path(client, org)}/documents/{_checked(document)}/reviews"
        result = client.post(path, {"note": note})
    if as_json:
        show_json(result)
    else:
        remark("The review is recorded.")


@app.command("download")
def download(
    document: DocumentId,
    to: Annotated[Path, typer.Argument(metavar="PATH", help="Where to save it; nothing is overwritten.")],
    org: Organization = None,
    as_json: Json = False,
) -> None:
    """Save a document's file. That you did is recorded."""
    with connect() as client:
        path = f"{organization_path(client, org)}/documents/{_checked(document)}/file"
        try:
            client.download(path, to)
        except FileExistsError:
            raise Conflict(f"{to} exists already; name another file.") from None
        except OSError as error:
            raise Invalid(f"{to} cannot be written: {error.strerror}.") from None
    if as_json:
        show_json({"saved": str(to)})
    else:
        remark(f"Saved as {to}.")


@app.command("remove")
def remove(
    document: DocumentId,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    org: Organization = None,
    as_json: Json = False,
) -> None:
    """Delete a document with its file and its reviews."""
    if not yes:
        confirm("This deletes the document with its file and its reviews. Go on?")
    with connect() as client:
        client.delete(f"{organization_path(client, org)}/documents/{_checked(document)}")
    if as_json:
        show_json({"deleted": document})
    else:
        remark("The document is deleted.")


@app.command("hosting")
def hosting(
    region: Annotated[str | None, typer.Argument(help="A region.")] = None,
    provider: Annotated[str | None, typer.Argument(help="aws, gcp, azure or own.")] = None,
    org: Organization = None,
    as_json: Json = False,
) -> None:
    """Who carries the machines of each region; with REGION and PROVIDER, declare it."""
    if (region is None) != (provider is None):
        raise Invalid("Name both a region and a provider, or neither.")
    with connect() as client:
        path = f"{organization_path(client, org)}/hosting"
        found = client.get(path) if region is None else client.put(path, {"region": region, "provider": provider})
    if as_json:
        show_json(found)
    else:
        rows = [(entry["region"], entry["provider"]) for entry in found]
        show_table(("REGION", "PROVIDER"), rows, empty="There are no regions.")


def _file(request: str, path: Path | None, fields: dict[str, str | None], *, org: str | None, as_json: bool) -> None:
    given = {"request": request, **{name: value for name, value in fields.items() if value}}
    with connect() as client:
        within = organization_path(client, org)
        to = f"{within}/documents"
        result = client.post_form(to, given, None) if path is None else _upload(client, to, given, path)
        if as_json:
            show_json(result)
            return
        asked = client.get(f"{within}/documentRequests")
    _show(result)
    if any(entry["id"] == request and entry["state"] == "not_reviewed" for entry in asked):
        remark(f"It counts when it is reviewed: `stronghouse document review {result['id']} --note NOTE`.")
    remark(f"Its check runs every six hours; `stronghouse check --id document_{request}` runs it now.")


def _upload(client: ApiClient, to: str, fields: dict[str, str], path: Path) -> Any:  # noqa: ANN401 - JSON
    media_type = TYPES.get(path.suffix.lower())
    if media_type is None:
        raise Invalid(f"Files ending in {path.suffix or 'nothing'!r} are not taken; {', '.join(TYPES)} are.")
    try:
        size = path.stat().st_size
        if size > MAX_FILE_BYTES:
            raise Invalid("A document's file has at most 25 MiB.")
        with path.open("rb") as file:
            if size < PROGRESS_FROM:
                return client.post_form(to, fields, (path.name, file, media_type))
            return _with_progress(client, to, fields, (path.name, file, media_type))
    except OSError as error:
        raise Invalid(f"{path} cannot be read: {error.strerror}.") from None


def _with_progress(client: ApiClient, to: str, fields: dict[str, str], file: tuple[str, BinaryIO, str]) -> Any:  # noqa: ANN401
    from rich.console import Console
    from rich.progress import Progress

    name, content, media_type = file
    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("Sending", total=os.fstat(content.fileno()).st_size)
        told = _Told(content, lambda count: progress.update(task, advance=count))
        return client.post_form(to, fields, (name, cast("BinaryIO", told), media_type))


class _Told(io.RawIOBase):
    """A file that tells how much of it was read."""

    def __init__(self, file: BinaryIO, tell: Any) -> None:  # noqa: ANN401
        super().__init__()
        self._file = file
        self._tell = tell

    def read(self, size: int = -1) -> bytes:
        """Read on."""
        content = self._file.read(size)
        self._tell(len(content))
        return content

    def seek(self, offset: int, whence: int = 0) -> int:
        """Go to a place, as the client does to learn the size."""
        return self._file.seek(offset, whence)

    def fileno(self) -> int:
        """Of the file itself."""
        return self._file.fileno()


def _checked(document: str) -> str:
    import uuid

    try:
        return str(uuid.UUID(document))
    except ValueError:
        raise Invalid(f"{document[:64]!r} is not a document's id.") from None


def _show(document: dict[str, Any]) -> None:
    names = ("id", "request", "date", "validUntil", "filedAt", "fileName", "size", "sha256", "note")
    show_fields([(name, document[name]) for name in names])
