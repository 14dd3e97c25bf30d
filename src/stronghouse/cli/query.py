"""`stronghouse service query`: one statement through the queries host, with the API key that commands use."""

import json
import sys
import uuid
from collections.abc import Iterator
from typing import Annotated

import typer

from stronghouse.cli.client import OK, ApiClient, connect, envelope_of
from stronghouse.cli.failures import Json
from stronghouse.cli.output import printable, remark
from stronghouse.cli.resources import Organization, find_service, organization_path
from stronghouse.kernel.errors import Conflict, Invalid, Unavailable
from stronghouse.settings import environment

CONFIRM = 206
MAX_STATEMENT = 1_000_000


def query_service(
    service: Annotated[str, typer.Argument(help="The service's id or name.")],
    statement: Annotated[str, typer.Argument(help="The SQL statement; - reads it from standard input.")] = "-",
    database: Annotated[str | None, typer.Option(help="The database that names without one are in.")] = None,
    output_format: Annotated[str, typer.Option("--format", help="A format of ClickHouse's.")] = "PrettyCompact",
    param: Annotated[
        list[str] | None, typer.Option(help="A query parameter, as name=value for {name:Type}; repeatable.")
    ] = None,
    wake: Annotated[bool, typer.Option("--wake/--no-wake", help="Wake the service if it sleeps.")] = True,
    org: Organization = None,
    as_json: Json = False,
) -> None:
    """Run one statement as the API key, if the service's query endpoint names it; prints what ClickHouse answers."""
    sql = sys.stdin.read(MAX_STATEMENT) if statement == "-" else statement
    body: dict[str, object] = {"sql": sql, "runId": str(uuid.uuid4())}
    if database is not None:
        body["database"] = database
    parameters = {"format": "JSON" if as_json else output_format, **_parameters(param or [])}
    with connect() as client:
        url = _url(client, service, org)
        if not _ran(client, url, body, parameters, wake=False):
            if not wake:
                raise Unavailable("The service sleeps; leave --no-wake out to wake it.", code="service_idle")
            remark("The service sleeps and is woken.")
            _ran(client, url, body, parameters, wake=True)


def _url(client: ApiClient, service: str, org: str | None) -> str:
    path = organization_path(client, org)
    found = find_service(client, path, service)["id"]
    host = environment.variable(environment.QUERIES_URL)
    if host is not None:
        return f"{host.rstrip('/')}/service/{found}/run"
    return str(client.get(f"{path}/services/{found}/serviceQueryEndpoint")["url"])


def _ran(client: ApiClient, url: str, body: dict[str, object], parameters: dict[str, str], *, wake: bool) -> bool:
    """Run it and print the result; False if the service sleeps and was not to be woken.

    Raises:
        Conflict: the service is stopped.
        Invalid: ClickHouse refused the statement.
    """
    with client.run_statement(url, body, parameters=parameters, wake=wake) as (status, pieces):
        if status == OK:
            _print(pieces)
            return True
        text = b"".join(pieces)
    if status == CONFIRM:
        said = str(json.loads(text).get("data"))
        if said.startswith("Confirm"):
            return False
        raise Conflict(f"{said}: start it with `stronghouse service start`.", code="service_stopped")
    try:
        json.loads(text)
    except ValueError:
        raise Invalid(printable(text.decode(errors="replace").strip()), code="statement_refused") from None
    envelope_of(status, text)
    raise Invalid(f"The queries host answered {status}.", code="queries_host_confused")


def _print(pieces: Iterator[bytes]) -> None:
    """As it is into a file or pipe; on a terminal nothing that could steer it."""
    if not sys.stdout.isatty():
        for piece in pieces:
            sys.stdout.buffer.write(piece)
        sys.stdout.buffer.flush()
        return
    rest = b""
    for piece in pieces:
        *lines, rest = (rest + piece).split(b"\n")
        for line in lines:
            typer.echo(_cleaned(line))
    if rest:
        typer.echo(_cleaned(rest))


def _cleaned(line: bytes) -> str:
    return "\t".join(printable(part) for part in line.decode(errors="replace").split("\t"))


def _parameters(given: list[str]) -> dict[str, str]:
    parameters = {}
    for one in given:
        name, equals, value = one.partition("=")
        if not equals or not name:
            raise Invalid(f"{one[:64]!r} is not a parameter as in name=value.", code="parameter_invalid")
        parameters[f"param_{name}"] = value
    return parameters
