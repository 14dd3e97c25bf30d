"""An admitted statement inside the engine: what is asked of it for each kind, and how data and results pass."""

import json
from typing import TYPE_CHECKING

from stronghouse.engine.admission import Statement
from stronghouse.engine.boundary.storage import check_format
from stronghouse.engine.connection import Connection, Counters
from stronghouse.engine.insert_text import data_place
from stronghouse.engine.sql import text as literal
from stronghouse.worker.body import read_piece
from stronghouse.worker.connections import kind_of
from stronghouse.worker.feeding import Feeder
from stronghouse.worker.preparation import evaluating
from stronghouse.worker.values_text import holds_expressions

if TYPE_CHECKING:
    from stronghouse.worker.query import Query

MOVED_BYTES = 1 << 20
EXPRESSIONS_BYTES = 64 << 10
"""Longest text after VALUES that is looked through for expressions; longer ones may hold literals only."""


def execute(query: "Query", connection: Connection, statement: Statement, data: bytes) -> None:
    """Run a query's statement on a connection; its result, if there is one, is the query's then.

    `statement` may be the caller's own form of the one that was admitted; `data` are what was already read of an
    INSERT's. Raises DatabaseError, and ConnectionAbortedError when the client is gone.
    """
    if statement.takes_data and statement.output_format == "Values":
        _insert_values(query, connection, statement, data)
    elif statement.takes_data:
        _insert(query, connection, statement, data)
    elif statement.kills:
        _kill(query, connection, statement)
    elif statement.selects:
        _select(query, connection, statement)
    else:
        _command(query, connection, statement)


def _insert_values(query: "Query", connection: Connection, statement: Statement, data: bytes) -> None:
    """VALUES that are short and harmless may be expressions; all others are read as literals."""
    while len(data) <= EXPRESSIONS_BYTES and (piece := read_piece(query.source)):
        data += piece
    tools = query.tools
    short = len(data) <= EXPRESSIONS_BYTES
    if short and holds_expressions(data) and tools.admission.expressions_allowed(data.decode("latin-1")):
        with evaluating(tools.connections, query.caller, connection, statement.target) as other:
            _insert(query, other, statement, data)
    else:
        _insert(query, connection, statement, data)


def _insert(query: "Query", connection: Connection, statement: Statement, data: bytes) -> None:
    place = data_place(statement.text)
    head, settings = statement.text[:place], statement.text[place:]
    form = statement.output_format or "Values"
    body = query.exchange.body
    as_sent = query.source is body

    def insert(descriptor: int) -> Counters:
        sql = f"{query.prefix()}{head} FROM INFILE '/dev/fd/{descriptor}' COMPRESSION 'none' {settings} FORMAT {form}"
        return connection.query(sql, parameters=query.options.parameters).counters

    def next_piece() -> bytes:
        query.check_cancelled()
        return read_piece(query.source)

    def move(pipe: int) -> int:
        query.check_cancelled()
        return body.move_to(pipe, MOVED_BYTES)

    feeder = Feeder(
        next_piece,
        end_query=lambda: query.tools.running.end_in_engine(query),
        stop_body=body.abandon,
        move=move if as_sent else None,
    )
    query.counters = feeder.run(data, insert, coming=body.coming if as_sent else 0)


def _select(query: "Query", connection: Connection, statement: Statement) -> None:
    query.output_format = _format(query, statement)
    if query.quick:
        _fetch(query, connection, statement)
        query.ran_quickly = kind_of(read_only=query.options.read_only, quick=True)
        return
    stream = query.stream = query.new_stream(query)
    if query.tools.sizes.is_long(statement.text):
        stream.carry()
    # Blocks of ClickHouse's own are compressed already.
    query.encoding = None if query.options.compress else query.options.encoding
    compression = f" COMPRESSION '{query.encoding}'" if query.encoding else ""
    text, tail = statement.text, statement.tail
    clause = text[tail:] or f" FORMAT {query.output_format}"
    outfile = f" INTO OUTFILE '/dev/fd/{stream.writing}' TRUNCATE{compression} "
    sql = f"{query.prefix()}{text[:tail]}{outfile}{clause}"
    query.counters = connection.query(sql, parameters=query.options.parameters).counters


def _command(query: "Query", connection: Connection, statement: Statement) -> None:
    query.output_format = _format(query, statement)
    if statement.text.startswith("SYSTEM FLUSH LOGS"):
        query.tools.system.flush_logs()
        return
    _fetch(query, connection, statement)
    if not query.data and statement.query_class != "READ_ONLY":
        query.output_format = ""  # there is no result to have one
    if statement.verb == "SET" and query.session is not None:
        query.session.baseline.clear()


def _kill(query: "Query", connection: Connection, statement: Statement) -> None:
    """KILL of those queries that the caller sees, which the front knows by their real ids."""
    user = query.caller.user
    selected = connection.query(
        f"{query.prefix()}{statement.kill_selection(user.name)}",
        output_format="JSONCompactEachRow",
        parameters=query.options.parameters,
    )
    wanted = [str(json.loads(row)[0]) for row in selected.data.splitlines()]
    killed = query.tools.running.kill(wanted, of_user=None if query.caller.is_owner else user.id)
    query.output_format = _format(query, statement)
    ids = ", ".join(map(literal, sorted(killed)))
    answer = (
        f"SELECT 'waiting' AS kill_status, arrayJoin(CAST([{ids}], 'Array(String)')) AS query_id, "
        f"{literal(user.name)} AS user"
    )
    query.data = connection.query(answer, output_format=query.output_format).data


def _fetch(query: "Query", connection: Connection, statement: Statement) -> None:
    """Run it and take its result, which is short, from memory."""
    result = connection.query(
        f"{query.prefix()}{statement.text}", output_format=query.output_format, parameters=query.options.parameters
    )
    query.data, query.counters = result.data, result.counters


def _format(query: "Query", statement: Statement) -> str:
    """The format of the result: the statement's, which was looked at, or the request's."""
    if statement.output_format is not None:
        return statement.output_format
    check_format(query.options.default_format)
    return query.options.default_format
