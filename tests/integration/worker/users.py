"""Database users for tests of what they may do, and ways to say in one line what must happen."""

import contextlib
import re
from collections.abc import Iterator

from stronghouse.worker.caller import CLIENT_ADDRESS
from tests.integration.worker.service import PASSWORD, Answer, Service, temporary_service

SECRET = "a users password"
DENIED, READONLY_ACCOUNT, NOT_SIGNED_IN, QUOTA, UNKNOWN_USER, UNKNOWN_ROLE = 497, 495, 516, 201, 192, 511
INTERNALS = re.compile(r"\b[a-z]_[0-9a-f]{16}\b|\bs_(internal|everything)\b|_stronghouse|\bdefault: ")
"""What no error that a user sees may hold: names of the engine's roles and users, and of our own database."""


def create(service: Service, *names: str, then: tuple[str, ...] = ()) -> None:
    """Users with the password SECRET, and what the owner says next."""
    service.run(f"CREATE USER OR REPLACE {', '.join(names)} IDENTIFIED BY '{SECRET}'")
    for sql in then:
        service.run(sql)


def send(
    service: Service, user: str, sql: str, *, password: str | None = None, address: str = "", **url: str
) -> Answer:
    """What `user` gets from `address`; the password is SECRET, or the owner's."""
    known = PASSWORD if user == "default" else SECRET
    headers = {CLIENT_ADDRESS: address} if address else {}
    return service.ask(sql, user=user, password=known if password is None else password, headers=headers, url=url)


def told(service: Service, user: str, sql: str, **url: str) -> str:
    """The output of a statement that must succeed, without the newline at its end."""
    answer = send(service, user, sql, **url)
    assert answer.status == 200, (user, sql, answer.text)
    return answer.text.removesuffix("\n")


def refused(service: Service, user: str, sql: str, code: int, **url: str) -> str:
    """The error's text of a statement that must fail with this code, without a word of how the service is made."""
    answer = send(service, user, sql, **url)
    assert answer.code == code, (user, sql, answer.code, answer.text)
    if user != "default":
        assert not INTERNALS.search(answer.text.replace(sql, "")), (user, sql, answer.text)
    return answer.text


@contextlib.contextmanager
def tenants() -> Iterator[Service]:
    """Three tenants' orders. Alice is of the first, Bob of the second, Carol of none; Dan writes views."""
    with temporary_service() as service:
        for sql in (
            "CREATE DATABASE shop",
            "CREATE TABLE shop.orders (tenant UInt8, note String) ENGINE = MergeTree ORDER BY tenant",
            "INSERT INTO shop.orders VALUES (1, 'one'), (1, 'uno'), (2, 'two'), (3, 'three')",
            "CREATE TABLE shop.tenants (tenant UInt8, name String) ENGINE = MergeTree ORDER BY tenant",
            "INSERT INTO shop.tenants VALUES (1, 'First'), (2, 'Second'), (3, 'Third')",
        ):
            service.run(sql)
        create(service, "alice", "bob", "carol", "dan")
        for sql in (
            "GRANT SELECT ON shop.* TO alice, bob, carol, dan",
            "GRANT CREATE TEMPORARY TABLE ON *.* TO alice",
            "GRANT CREATE VIEW, CREATE TABLE, DROP VIEW, DROP TABLE, INSERT, ALTER ON shop.* TO dan",
            "CREATE ROW POLICY first ON shop.orders USING tenant = 1 TO alice",
            "CREATE ROW POLICY second ON shop.orders USING tenant = 2 TO bob, dan",
        ):
            service.run(sql)
        yield service
