"""Statements without the secrets that they give for signing in: for logs, and for texts of errors.

Invariant: what could be a secret goes, and sometimes more than that. A text that cannot be split into tokens loses
everything from its first quote on.
"""

import re
from collections.abc import Iterator, Sequence

from stronghouse.engine.errors import DatabaseError
from stronghouse.engine.tokens import Kind, Token, split

HIDDEN = "[HIDDEN]"
_ABOUT_USERS = re.compile(r"identif|password|user|_hash", re.IGNORECASE)
_SECRET_BEGINS = re.compile(r"['\"`$\u2018\u201c]|\bby\b", re.IGNORECASE)
_BEFORE_SECRETS = ("BY", "SALT")
_HARMLESS = ("UNTIL", "HOST", "DEFAULT", "SETTINGS", "SETTING", "PROFILE", "PROFILES", "GRANTEES", "SERVER", "REALM")
"""What ends the part of a statement in which secrets stand."""
_BEFORE_NAMES = ("USER", "USERS", "EXISTS", "REPLACE", "TO", "@", ",")


def hidden(text: str) -> str:
    """`text` with `'[HIDDEN]'` in place of each password, hash and salt. Any text will do; it never fails."""
    if not _ABOUT_USERS.search(text):
        return text
    try:
        tokens = split(text, comments=True)
    except DatabaseError:
        begin = _SECRET_BEGINS.search(text)
        return f"{text[: begin.start()]}{HIDDEN}" if begin else text
    pieces, position = [], 0
    for token in _secrets(tokens):
        pieces += [text[position : token.start], f"'{HIDDEN}'"]
        position = token.end
    return "".join(pieces) + text[position:]


def _secrets(tokens: Sequence[Token]) -> Iterator[Token]:
    relevant = secret = _is_about_users(tokens)
    identified = False
    for place, token in enumerate(tokens):
        before = tokens[place - 1] if place else token
        if token.says("IDENTIFIED"):
            relevant = secret = identified = True
        elif relevant and _announces(before, token):
            yield token
        elif relevant and token.says(*_BEFORE_SECRETS):
            secret = identified = True
        elif token.says(*_HARMLESS):
            secret = False
        elif secret and (_may_be_secret(token) if identified else _is_no_name(before, token)):
            yield token


def _announces(before: Token, token: Token) -> bool:
    """Whether a secret follows `before`, whatever the token is: people forget the quotes, too."""
    if before.says(*_BEFORE_SECRETS):
        return not token.says("KEY", "{")
    return before.says("IDENTIFIED") and not token.says("WITH", "BY")


def _is_about_users(tokens: Sequence[Token]) -> bool:
    """Whether it is CREATE USER or ALTER USER, or was meant to be."""
    if not tokens or tokens[0].says("SELECT", "WITH"):
        return False
    subject = tokens[3:4] if any(token.says("REPLACE") for token in tokens[2:3]) else tokens[1:2]
    return any(token.says("USER", "USERS", "PASSWORD") for token in subject)


def _may_be_secret(token: Token) -> bool:
    return token.kind in {Kind.STRING, Kind.QUOTED}


def _is_no_name(before: Token, token: Token) -> bool:
    """Whether it is a string, but not one that stands for a user's name."""
    return token.kind is Kind.STRING and not before.says(*_BEFORE_NAMES)
