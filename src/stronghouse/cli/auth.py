"""`stronghouse auth`: the API key that commands use."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from stronghouse.cli import credentials
from stronghouse.cli.client import ApiClient, connect
from stronghouse.cli.credentials import Credentials
from stronghouse.cli.failures import Json
from stronghouse.cli.output import remark, show_fields, show_json
from stronghouse.kernel.errors import Invalid
from stronghouse.kernel.secret import Secret
from stronghouse.settings import environment

app = typer.Typer(name="auth", help="The API key that commands use.", no_args_is_help=True)


@app.command("login")
def login(
    url: Annotated[
        str | None, typer.Option(help="The API's URL, as in https://localhost:8440.", envvar=environment.API_URL)
    ] = None,
    key_id: Annotated[str | None, typer.Option(help="The key's id.", envvar=environment.KEY_ID)] = None,
    ca_file: Annotated[Path | None, typer.Option(help="The installation's ca.pem.", envvar=environment.CA_FILE)] = None,
    as_json: Json = False,
) -> None:
    """Store an API key for later commands, after trying it. The secret is asked for, or read from standard input."""
    chosen = Credentials(
        api_url=url or typer.prompt("API URL", default="https://localhost:8440", err=True),
        key_id=key_id or typer.prompt("Key id", err=True),
        key_secret=_secret(),
        ca_file=None if ca_file is None else ca_file.absolute(),
    )
    with ApiClient(chosen) as client:
        identity = client.get("/whoami")
    path = credentials.store_credentials(chosen)
    if as_json:
        show_json(identity)
        return
    show_fields([("signed in as", identity["name"]), ("organization", identity["organizationId"]), ("stored in", path)])


@app.command("whoami")
def whoami(as_json: Json = False) -> None:
    """Who the API takes you for."""
    with connect() as client:
        identity = client.get("/whoami")
        url = client.credentials.api_url
    if as_json:
        show_json(identity)
        return
    names = (("key", "name"), ("key id", "keyId"), ("organization", "organizationId"))
    show_fields([("API", url), *((label, identity[name]) for label, name in names)])


@app.command("logout")
def logout() -> None:
    """Forget the stored API key. It stays valid until it is deleted."""
    remark("Forgotten." if credentials.forget_credentials() else "There was nothing to forget.")


def _secret() -> Secret:
    from_environment = environment.secret_variable(environment.KEY_SECRET)
    if from_environment is not None:
        return from_environment
    text = typer.prompt("Key secret", hide_input=True, err=True) if sys.stdin.isatty() else sys.stdin.readline().strip()
    if not text:
        raise Invalid("No secret was given; type it, or pipe it to standard input.")
    return Secret(text)
