"""`stronghouse verify-audit`: check the whole audit log where it is kept, with no control plane running."""

import base64
from pathlib import Path
from typing import Annotated

import typer

from stronghouse.cli.failures import Json
from stronghouse.cli.output import show_fields, show_json
from stronghouse.kernel.errors import Invalid
from stronghouse.settings import locations


def verify_audit(
    state_dir: Annotated[
        Path | None, typer.Option(help="The installation's state directory.", show_default="your state directory")
    ] = None,
    database: Annotated[Path | None, typer.Option(help="A copy of the database, instead of --state-dir.")] = None,
    key: Annotated[
        Path | None,
        typer.Option(help="A file with the verifier key that you trust; by default the one beside the database."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Recompute the audit log's tree from its entries and check every signed checkpoint.

    A key that is stored beside the log proves only that nothing changed by accident: give --key with a copy that you
    kept elsewhere.
    """
    from stronghouse.app.control_database import open_database
    from stronghouse.audit.checkpoint import parse_verifier_key
    from stronghouse.audit.verification import verify_log
    from stronghouse.storage.database import Database

    place = (state_dir or locations.state_directory()) / "control"
    key_file = key or (database.parent if database else place) / "audit.pub"
    origin, public_key = parse_verifier_key(_text(key_file, "verifier key"))
    opened = Database(database) if database else open_database(place).database
    if opened.file is not None and not opened.file.is_file():  # SQLite would make an empty one
        raise Invalid(f"There is no database at {opened.file}; name the state directory with --state-dir.")
    try:
        with opened.read() as connection:
            verified = verify_log(connection, origin=origin, public_key=public_key)
    finally:
        opened.close()
    root = base64.b64encode(verified.root).decode()
    facts = {"origin": verified.origin, "size": verified.size, "root": root, "checkpoints": verified.checkpoints}
    if as_json:
        show_json(facts)
    else:
        show_fields([("intact", "yes"), *facts.items()])


def _text(path: Path, what: str) -> str:
    try:
        return path.read_text()
    except (OSError, UnicodeDecodeError):
        raise Invalid(f"There is no {what} at {path}; name it with --key.") from None
