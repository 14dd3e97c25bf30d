"""`stronghouse evidence`: what was seen when, and that the audit log commits to it."""

import hashlib
import os
from pathlib import Path
from typing import Annotated, Any

import typer

from stronghouse.cli.client import connect
from stronghouse.cli.failures import Json
from stronghouse.cli.output import remark, show_fields, show_json
from stronghouse.cli.resources import Organization, organization_path
from stronghouse.kernel.canonical import canonical_json
from stronghouse.kernel.errors import Conflict, Internal, Invalid

HASH_DIGITS = 64


def evidence(
    evidence_id: Annotated[
        str,
        typer.Argument(metavar="ID", help="Its SHA-256; `stronghouse matrix ROW --json` has them as evidenceId."),
    ],
    out: Annotated[
        Path | None, typer.Option("--out", help="Save the canonical JSON here, whose SHA-256 is the id.")
    ] = None,
    org: Organization = None,
    as_json: Json = False,
) -> None:
    """One piece of evidence: who collected it where and when, and where it stands in the audit log."""
    with connect() as client:
        found = client.get(f"{organization_path(client, org)}/evidence/{_checked(evidence_id)}")
    body = canonical_json(found["document"])
    if hashlib.sha256(body).hexdigest() != found["id"]:
        raise Internal("What answered is not the evidence with this id: its SHA-256 is another.", code="hash_mismatch")
    if out is not None:
        _save(out, body)
    if as_json:
        show_json(found)
    else:
        _show(found)
    if out is not None:
        remark(f"Saved as {out}; its SHA-256 is the id.")


def _show(found: dict[str, Any]) -> None:
    show_fields(
        [
            ("id", found["id"]),
            ("collector", found["collector"]),
            ("place", found["place"]),
            ("collected", found["collectedAt"]),
            ("resources", len(found["document"].get("resources", []))),
            ("checks", ", ".join(found["checks"])),
            ("leaf", f"{found['audit']['index']} of {found['audit']['treeSize']} in the audit log"),
            ("leaf hash", found["audit"]["leafHash"]),
        ]
    )


def _save(out: Path, body: bytes) -> None:
    try:
        descriptor = os.open(out, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(body)
    except FileExistsError:
        raise Conflict(f"{out} exists already; choose another name.", code="file_exists") from None
    except OSError as error:
        raise Invalid(f"{out} cannot be written: {error.strerror}.", code="file_unwritable") from None


def _checked(text: str) -> str:
    """An id may become part of a path only if it is one."""
    wanted = text.strip().lower()
    if len(wanted) != HASH_DIGITS or not all(digit in "0123456789abcdef" for digit in wanted):
        raise Invalid("The id of evidence is a SHA-256: 64 hexadecimal digits.", code="evidence_id_invalid")
    return wanted
