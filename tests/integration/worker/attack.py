"""Attempts on a service as data: who sends what, which error code refuses it, and what harmless neighbour works."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from tests.integration.worker.service import PASSWORD, Answer, Service

Who = Literal["owner", "writer", "reader", "ddl"]
DENIED, FIXED, ABSENT, UNREADABLE, UNKNOWN_SETTING = 497, 452, 48, 62, 115
CANARY = "kingfisher-0b7e51"
"""What others' rows and forbidden files hold, and no answer may."""
NEEDS = {"reader": "database reads", "writer": "database writes", "ddl": "database definitions"}


@dataclass(frozen=True)
class Attempts:
    """A class of attacks.

    Attributes:
        refused: statements and the code that each gets.
        works: the harmless neighbours.
        who: who sends them all.
    """

    refused: Sequence[tuple[str, int]]
    works: Sequence[str]
    who: Who = "owner"

    def __iter__(self) -> Iterator[tuple[str, int]]:
        return iter(self.refused)


def send(service: Service, who: Who, sql: str, **parameters: str) -> Answer:
    """One statement from one of the cast."""
    user, password = ("default", PASSWORD) if who == "owner" else (who, f"{who} password")
    return service.ask(sql, user=user, password=password, url=parameters)


def hold(service: Service, attempts: Attempts) -> None:
    """Every attempt is refused with its code and shows nothing; every neighbour works; the worker lives on."""
    pid = service.running.pid
    wrong = []
    for sql, code in attempts:
        answer = send(service, attempts.who, sql)
        if answer.code != code or CANARY in answer.text:
            wrong.append((sql, f"expected {code}", answer.code, answer.text[:200]))
    for sql in attempts.works:
        answer = send(service, attempts.who, sql)
        if answer.status != 200:
            wrong.append((sql, "expected an answer", answer.code, answer.text[:200]))
    assert not wrong, "\n".join(map(str, wrong))
    assert service.running.pid == pid
