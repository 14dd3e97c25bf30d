"""Reading a statement from a request: the `query` parameter, then the body as its continuation, as ClickHouse does."""

from stronghouse.engine.admission import MAX_TEXT
from stronghouse.engine.errors import query_too_large, syntax_error
from stronghouse.engine.insert_text import MAX_HEAD, find_data, first_word
from stronghouse.worker.body import Source, read_piece


def read_statement(
    query: str, source: Source, *, limit: int, read: bytes = b"", ended: bool = False
) -> tuple[str, bytes | None]:
    """The statement's text, and what was already read of the data that follow it; None if none were found to follow.

    The rest of the data stays in `source`; any other statement is read whole, up to `limit` bytes. `read` was read of
    `source` before, and is all of it if `ended`. Raises DatabaseError.
    """
    beginning = query.encode("utf-8", "surrogateescape") + (b"\n" if query else b"") + read
    while not ended and (first_word(beginning) is None and len(beginning) < MAX_HEAD):
        ended = not (piece := read_piece(source))
        beginning += piece
    while first_word(beginning + b" " * ended) == "INSERT":
        found = find_data(beginning, complete=ended)
        if found is not None:
            return found.text, beginning[found.data :]
        if ended or len(beginning) >= MAX_HEAD:
            break
        ended = not (piece := read_piece(source))
        beginning += piece
    return _text(_rest(source, beginning, min(limit, MAX_TEXT))), None


def _rest(source: Source, beginning: bytes, limit: int) -> bytes:
    pieces, size = [beginning], len(beginning)
    while size <= limit and (piece := read_piece(source)):
        pieces.append(piece)
        size += len(piece)
    if size > MAX_TEXT:
        raise query_too_large()
    if size > limit:
        raise syntax_error(f"Max query size exceeded ({limit} bytes; the `max_query_size` setting changes it)")
    return b"".join(pieces)


def _text(data: bytes) -> str:
    try:
        text = data.decode()
    except UnicodeDecodeError:
        raise syntax_error("The statement is not valid UTF-8") from None
    if not text.strip():
        raise syntax_error("Empty query")
    return text
