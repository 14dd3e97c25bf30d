"""`stronghouse package`: evidence of a period for an auditor, and checking such a package offline."""

import time
from pathlib import Path
from typing import Annotated, Any

import typer

from stronghouse.cli.client import ApiClient, connect
from stronghouse.cli.dates import checked_moment
from stronghouse.cli.failures import Json
from stronghouse.cli.output import remark, show_fields, show_json, show_table
from stronghouse.cli.resources import Organization, organization_path
from stronghouse.kernel.errors import Conflict, Invalid, Unavailable

app = typer.Typer(name="package", help="Evidence of a period for an auditor.", no_args_is_help=True)
POLL_SECONDS = 0.5
PackageId = Annotated[str, typer.Argument(help="The package's id.")]


@app.command("create")
def create(
    start: Annotated[str, typer.Option("--from", help="First moment of the period, as 2026-01-01 or with a time.")],
    end: Annotated[
        str | None, typer.Option("--to", help="End of the period, not included.", show_default="now")
    ] = None,
    sample: Annotated[str, typer.Option(help="daily: the newest evidence of each day and around changes; or all.")] = (
        "daily"
    ),
    out: Annotated[Path | None, typer.Option("--out", help="Download it to this file when it is ready.")] = None,
    wait: Annotated[bool, typer.Option(help="Wait until it is made and verified.")] = True,
    org: Organization = None,
    as_json: Json = False,
) -> None:
    """Make a package of the evidence of a period; it is verified before it can be downloaded."""
    if out is not None:
        _refuse_existing(out)
    body = {"from": checked_moment("--from", start), "to": checked_moment("--to", end), "sample": sample}
    with connect() as client:
        path = f"{organization_path(client, org)}/packages"
        package = client.post(path, {name: value for name, value in body.items() if value is not None})
        if wait or out is not None:
            package = _wait(client, f"{path}/{package['id']}")
        if out is not None:
            client.download(f"{path}/{package['id']}/file", out)
    _show(package, saved=out, as_json=as_json)


@app.command("list")
def list_packages(org: Organization = None, as_json: Json = False) -> None:
    """The packages that there are."""
    with connect() as client:
        found = client.get(f"{organization_path(client, org)}/packages")
    if as_json:
        show_json(found)
        return
    columns = ("id", "from", "to", "sample", "state", "progress", "size", "expiresAt", "error")
    rows = [[package[column] for column in columns] for package in found]
    headings = ("ID", "FROM", "TO", "SAMPLE", "STATE", "PERCENT", "BYTES", "EXPIRES", "WHY")
    show_table(headings, rows, empty="There are no packages; `stronghouse package create` makes one.")


@app.command("download")
def download(
    package: PackageId,
    out: Annotated[Path, typer.Option("--out", help="Where to save it.")],
    org: Organization = None,
    as_json: Json = False,
) -> None:
    """Download a package."""
    _refuse_existing(out)
    with connect() as client:
        path = f"{organization_path(client, org)}/packages/{_checked(package)}"
        found = client.get(path)
        client.download(f"{path}/file", out)
    if as_json:
        show_json({"file": str(out), "sha256": found["sha256"], "size": found["size"]})
    else:
        show_fields([("file", out), ("sha256", found["sha256"]), ("size", found["size"])])


@app.command("delete")
def delete(package: PackageId, org: Organization = None, as_json: Json = False) -> None:
    """Delete a package. The audit log still knows that it was made."""
    with connect() as client:
        client.delete(f"{organization_path(client, org)}/packages/{_checked(package)}")
    if as_json:
        show_json({"deleted": package})
    else:
        remark(f"Deleted {package}.")


@app.command("verify")
def verify(
    file: Annotated[Path, typer.Argument(help="The package.")],
    key: Annotated[
        str | None, typer.Option("--key", help="The audit log's verifier key, from a source that you trust.")
    ] = None,
    trust_package_key: Annotated[
        bool, typer.Option("--trust-package-key", help="Use the key in the package: proves less.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Check a package offline: every byte of it, against the audit log's key.

    The same program lies in the package as verify.py.
    """
    from stronghouse.compliance import verifier

    if (key is None) != trust_package_key:
        raise Invalid(
            "Give the log's verifier key with --key; or --trust-package-key, which proves only that the package agrees "
            "with itself."
        )
    try:
        with file.open("rb") as opened:
            found = verifier.verify(opened, key)
    except verifier.Refused as refused:
        raise Invalid(f"Not verified: {refused}", code="package_refused") from None
    except OSError as error:
        raise Invalid(f"{file} cannot be read ({error.strerror}).", code="file_unreadable") from None
    if as_json:
        show_json({"verified": True, **found.__dict__})
    else:
        typer.echo("\n".join(verifier.summary(found)))


def _wait(client: ApiClient, path: str) -> dict[str, Any]:
    """The package when it is ready; raises Unavailable when it failed."""
    import sys

    if not sys.stderr.isatty():
        return _poll(client, path, lambda _text: None)
    from rich.console import Console

    with Console(stderr=True).status("making the package …") as status:
        return _poll(client, path, status.update)


def _poll(client: ApiClient, path: str, tell: Any) -> dict[str, Any]:  # noqa: ANN401 - a callable
    while True:
        package: dict[str, Any] = client.get(path)
        if package["state"] == "failed":
            raise Unavailable(f"The package could not be made: {package['error']}", code="package_failed")
        if package["state"] != "building":
            return package
        tell(f"making the package: {package['progress']}% …")
        time.sleep(POLL_SECONDS)


def _show(package: dict[str, Any], *, saved: Path | None, as_json: bool) -> None:
    if as_json:
        show_json(package)
        return
    show_fields(package.items())
    if saved is not None:
        remark(f"Saved to {saved}.")
    elif package["state"] == "ready":
        remark(f"Download it with `stronghouse package download {package['id']} --out FILE`.")


def _refuse_existing(out: Path) -> None:
    if out.exists():
        raise Conflict(f"{out} exists already; choose another name.", code="file_exists")


def _checked(package: str) -> str:
    import uuid

    try:
        return str(uuid.UUID(package))
    except ValueError:
        raise Invalid(f"{package[:64]!r} is not a package's id.") from None
