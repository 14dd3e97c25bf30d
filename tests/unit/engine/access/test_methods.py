import hashlib

import pytest

from stronghouse.engine.access import methods
from stronghouse.engine.access.catalogue import Method
from stronghouse.engine.access.methods import is_valid, matches, moment, new_method
from stronghouse.engine.access.statements import NewMethod
from stronghouse.engine.errors import DatabaseError

PASSWORD = "correct horse battery"
CHEAP = "$2a$08$PGPsFD0.BozLWou8BX/flefGyhnxcrWAnm/b2JQKlU4nOTF62yhVe"


def made(kind: str, secret: str | None = PASSWORD, salt: str | None = None) -> Method:
    return new_method(NewMethod(kind, secret, salt), lambda size: bytes(range(size)))


@pytest.mark.parametrize("kind", ["", "sha256_password", "double_sha1_password"])
def test_a_password_matches_its_own_method_only(kind: str) -> None:
    method = made(kind)
    assert matches(method, PASSWORD.encode())
    assert not matches(method, b"correct horse battery!")
    assert not matches(method, b"")
    assert PASSWORD not in method.hash


def test_hashes_are_those_of_clickhouse() -> None:
    salt = bytes(range(32)).hex()
    assert made("").salt == salt
    assert made("").hash == hashlib.sha256((PASSWORD + salt).encode()).hexdigest()
    inner = hashlib.sha1(PASSWORD.encode(), usedforsecurity=False).digest()
    assert made("double_sha1_password").hash == hashlib.sha1(inner, usedforsecurity=False).hexdigest()
    assert made("sha256_hash", "AB" * 32, "salt") == Method("sha256_password", "ab" * 32, "salt")
    assert made("double_sha1_hash", "ab" * 20) == Method("double_sha1_password", "ab" * 20)


def test_a_salt_makes_equal_passwords_unequal() -> None:
    other = new_method(NewMethod("", PASSWORD), bytes)
    assert other.hash != made("").hash


def test_bcrypt_passwords_match(monkeypatch: pytest.MonkeyPatch) -> None:
    assert methods.BCRYPT_COST == 12
    monkeypatch.setattr(methods, "BCRYPT_COST", 4)  # the test's time
    method = made("bcrypt_password")
    assert method.hash.startswith("$2a$04$")
    assert matches(method, PASSWORD.encode())
    assert not matches(method, PASSWORD.encode() + b"!")


def test_bcrypt_looks_at_no_more_than_it_can(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(methods, "BCRYPT_COST", 4)
    method = made("bcrypt_password", "x" * 72)
    assert matches(method, b"x" * 72)
    assert not matches(method, b"x" * 73), "bcrypt itself looks at the first 72 bytes only"
    assert made("bcrypt_hash", CHEAP).hash == CHEAP
    with pytest.raises(DatabaseError, match="36"):
        made("bcrypt_password", "x" * 73)


@pytest.mark.parametrize(
    ("kind", "secret"),
    [
        ("plaintext_password", PASSWORD),
        ("no_password", None),
        ("scram_sha256_password", PASSWORD),
        ("sha256_password", "short"),
        ("bcrypt_password", "short"),
        ("", "x" * 1025),
        ("sha256_hash", "ab"),
        ("sha256_hash", "zz" * 32),
        ("double_sha1_hash", "ab" * 32),
        ("bcrypt_hash", CHEAP.replace("$08$", "$31$")),
        ("bcrypt_hash", CHEAP.replace("$08$", "$04$")),
        ("bcrypt_hash", "$2a$12$short"),
    ],
)
def test_what_is_no_good_protection_is_refused(kind: str, secret: str | None) -> None:
    with pytest.raises(DatabaseError) as caught:
        made(kind, secret)
    assert caught.value.number == 36
    assert secret is None or secret not in caught.value.public


def test_a_method_is_valid_until_its_time() -> None:
    method = new_method(NewMethod("", PASSWORD, valid_until="2030-01-02 03:04:05"), bytes)
    assert method.valid_until == 1_893_553_445
    assert is_valid(method, 1_893_553_444)
    assert not is_valid(method, 1_893_553_445)
    assert is_valid(made(""), 1e12)


def test_times_are_read_as_utc() -> None:
    assert moment("2030-01-02") == 1_893_542_400
    assert moment("2030-01-02 00:00:00") == 1_893_542_400
    assert moment("infinity") is None
    with pytest.raises(DatabaseError, match="41"):
        moment("tomorrow")
