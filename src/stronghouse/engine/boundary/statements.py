"""Kinds of statements: the longest phrase of the reviewed table that a statement begins with decides."""

from collections.abc import Iterator, Sequence
from functools import cache

from stronghouse.engine.boundary.classification import Entry, Table, Verdict, classified
from stronghouse.engine.errors import DatabaseError, access_denied, not_implemented
from stronghouse.engine.tokens import Kind, Token

LONGEST_PHRASE = 6
_SKIPPED = ("OR", "REPLACE", "TEMPORARY")


def kind_of(tokens: Sequence[Token]) -> Entry:
    """What kind of statement it is. An ALTER is of the strictest kind among its commands.

    Raises:
        DatabaseError: 497 for a kind that is refused or not known.
    """
    if tokens[0].says("("):
        return classified(Table.STATEMENTS)["SELECT"]
    entries = [_entry(phrase) for phrase in _phrases(tokens)]
    return max(entries, key=lambda entry: entry.verdict is Verdict.ADMIN)


def alter_commands(tokens: Sequence[Token]) -> Iterator[Sequence[Token]]:
    """The commands of `ALTER TABLE name (command), (command)`, each without its parentheses."""
    depth = begin = 0
    for place, token in enumerate(tokens):
        if token.says("("):
            depth += 1
            begin = place + 1 if depth == 1 else begin
        elif token.says(")"):
            depth -= 1
            if depth == 0:
                yield tokens[begin:place]


def _phrases(tokens: Sequence[Token]) -> Iterator[list[str]]:
    first = tokens[0]
    if first.says("ALTER") and tokens[1].says("TABLE", "DATABASE"):
        found = False
        for command in alter_commands(tokens):
            found = True
            yield [first.text.upper(), tokens[1].text.upper(), *_words(command)]
        if not found:
            yield ["ALTER", "IN AN UNKNOWN FORM"]
    elif first.says("CREATE", "DROP", "TRUNCATE") and tokens[1].says("OR", "TEMPORARY"):
        place = 1
        while tokens[place].says(*_SKIPPED):
            place += 1
        yield [first.text.upper(), *_words(tokens[place:])]
    else:
        yield _words(tokens)


def _words(tokens: Sequence[Token]) -> list[str]:
    words: list[str] = []
    for token in tokens[:LONGEST_PHRASE]:
        if token.kind is not Kind.WORD:
            break
        words.append(token.text.upper())
    return words


def _entry(words: list[str]) -> Entry:
    table = classified(Table.STATEMENTS)
    for length in range(min(len(words), LONGEST_PHRASE), 0, -1):
        entry = table.get(" ".join(words[:length]))
        if entry is not None:
            if entry.verdict is Verdict.REFUSE:
                raise _refused(entry)
            return entry
    shown = " ".join(words[:2]) or "Such"
    raise access_denied(f"{shown} statements are not allowed in this service.")


def _refused(entry: Entry) -> DatabaseError:
    sentence = f"{entry.name} is not allowed in this service: {entry.because}."
    return not_implemented(sentence) if entry.reason in _not_there() else access_denied(sentence)


@cache
def _not_there() -> frozenset[str]:
    """Reasons that mean that the service has no such thing, rather than that somebody may not use it."""
    return frozenset({"dictionaries", "engines", "experimental", "keeper", "transactions"})
