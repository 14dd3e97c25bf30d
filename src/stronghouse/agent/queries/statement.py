"""What a request to the queries host asks for: its path, its parameters and its JSON body, checked."""

import re
import uuid
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlencode

from stronghouse.agent.queries.exchange import Request
from stronghouse.kernel.canonical import Json, parse_json
from stronghouse.kernel.errors import Invalid, NotFound

DEFAULT_FORMAT = "JSONEachRow"
MAX_FIELDS = 200
_PATH = re.compile(r"/service/([0-9A-Fa-f-]{36})/run\Z")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,127}\Z")
_PARAMETER = "param_"
_ESCAPES = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r", "\0": "\\0"})


@dataclass(frozen=True)
class Statement:
    """One statement to run; `parameters` in ClickHouse's escaped text form, `query_id` empty for none."""

    sql: str
    output_format: str
    database: str | None
    query_id: str
    parameters: tuple[tuple[str, str], ...]

    @property
    def target(self) -> str:
        """Path and query for the worker: nothing of it is the client's but values."""
        fields = [("default_format", self.output_format)]
        if self.database is not None:
            fields.append(("database", self.database))
        if self.query_id:
            fields.append(("query_id", self.query_id))
        fields += [(f"{_PARAMETER}{name}", value) for name, value in self.parameters]
        return f"/?{urlencode(fields)}"


def service_of(request: Request) -> str:
    """The service that a request is about; raises NotFound for another path."""
    path, _, _ = request.target.decode("latin-1").partition("?")
    found = _PATH.match(path)
    if found is None:
        raise NotFound("There is nothing at this path; send POST /service/<service id>/run.", code="path_unknown")
    return found[1].lower()


def statement_of(request: Request) -> Statement:
    """What is to be run; raises Invalid. What we do not know is ignored: clients are newer and older than we are."""
    url = _url(request)
    body = _body(request)
    sql = body.get("sql")
    if not isinstance(sql, str) or not sql.strip():
        raise Invalid("The body needs the statement in 'sql'.", code="sql_missing")
    database = body.get("database")
    if database is not None and not isinstance(database, str):
        raise Invalid("'database' is a name.", code="database_invalid")
    output_format = url.get("format", DEFAULT_FORMAT)
    if not _NAME.match(output_format):
        raise Invalid("'format' is the name of a format of ClickHouse's.", code="format_invalid")
    parameters = _parameters(url, body)
    try:
        "".join((sql, database or "", *(value for _, value in parameters))).encode()
    except UnicodeEncodeError:  # halves of surrogate pairs, which JSON can name
        raise Invalid("The request holds what is no text.", code="body_malformed") from None
    return Statement(sql, output_format, database or None, _query_id(body.get("runId")), parameters)


def _url(request: Request) -> dict[str, str]:
    _, _, query = request.target.decode("latin-1").partition("?")
    try:
        pairs = parse_qsl(query, keep_blank_values=True, max_num_fields=MAX_FIELDS, errors="strict")
    except ValueError:
        raise Invalid("The URL's parameters cannot be read.", code="url_malformed") from None
    url = dict(pairs)
    if len(url) != len(pairs):
        raise Invalid("A parameter is in the URL twice.", code="parameter_twice")
    return url


def _body(request: Request) -> dict[str, Json]:
    try:
        body = parse_json(request.body)
    except (ValueError, RecursionError):
        body = None
    if not isinstance(body, dict):
        raise Invalid("The body is a JSON object with the statement in 'sql'.", code="body_malformed")
    return body


def _query_id(run_id: Json) -> str:
    if run_id is None:
        return ""
    try:
        return str(uuid.UUID(run_id)) if isinstance(run_id, str) else str(uuid.UUID(""))
    except ValueError:
        raise Invalid("'runId' is a UUID.", code="run_id_invalid") from None


def _parameters(url: dict[str, str], body: dict[str, Json]) -> tuple[tuple[str, str], ...]:
    given = {name.removeprefix(_PARAMETER): value for name, value in url.items() if name.startswith(_PARAMETER)}
    variables = body.get("queryVariables")
    if variables is not None and not isinstance(variables, dict):
        raise Invalid("'queryVariables' is an object of names and values.", code="parameter_invalid")
    for name, value in (variables or {}).items():
        given[name] = _text(name, value)
    for name in given:
        if not _NAME.match(name):
            raise Invalid(f"{name[:64]!r} is not a parameter's name.", code="parameter_invalid")
    return tuple(given.items())


def _text(name: str, value: Json) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case int() | float():
            return str(value)
        case str():
            return value.translate(_ESCAPES)
        case None:
            return "\\N"
    raise Invalid(f"The value of {name[:64]!r} is text, a number, true, false or null.", code="parameter_invalid")
