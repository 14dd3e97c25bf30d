"""A database's URL: complete, without a password, over TLS with the server's name checked, or by a Unix socket."""

from pathlib import Path

import pytest

from stronghouse.kernel.errors import Invalid
from stronghouse.kernel.secret import Secret
from stronghouse.storage.address import AUTHORITIES, parse_address

PASSWORD = "hunter2hunter2"


def test_over_the_network_the_servers_name_is_checked_unless_somebody_asks_for_more() -> None:
    found = parse_address("postgresql://me%40here@db.example.com/st%2Dh", Secret(PASSWORD))
    assert (found.host, found.port, found.user, found.database) == ("db.example.com", 5432, "me@here", "st-h")
    assert found.tls["sslmode"] == "verify-full"
    assert found.tls["sslrootcert"] in {*AUTHORITIES, "system"}
    assert str(found) == "st-h at db.example.com:5432"
    assert PASSWORD not in repr(found)


def test_a_socket_needs_no_tls() -> None:
    found = parse_address("postgresql://me@/db?host=/run/postgresql")
    assert (found.host, found.is_socket, found.tls) == ("/run/postgresql", True, {})


def test_own_authorities_and_certificates_are_files(tmp_path: Path) -> None:
    for name in ("root.pem", "me.pem", "me.key"):
        (tmp_path / name).touch()
    given = f"sslrootcert={tmp_path}/root.pem&sslcert={tmp_path}/me.pem&sslkey={tmp_path}/me.key"
    found = parse_address(f"postgres://me@[::1]:5433/db?{given}")
    assert (found.host, found.port, found.tls["sslrootcert"]) == ("::1", 5433, f"{tmp_path}/root.pem")
    with pytest.raises(Invalid, match="sslrootcert"):
        parse_address("postgresql://me@db/db?sslrootcert=/nowhere/root.pem")


def test_only_a_loopback_address_may_go_without_tls() -> None:
    assert parse_address("postgresql://me@127.0.0.1/db?sslmode=disable").tls == {"sslmode": "disable"}
    for host in ("db.example.com", "10.0.0.1", "localhost"):  # what localhost means is for a resolver to say
        with pytest.raises(Invalid, match="verify-full"):
            parse_address(f"postgresql://me@{host}/db?sslmode=disable")


@pytest.mark.parametrize("mode", ["allow", "prefer", "require", "verify-ca", "", "VERIFY-FULL"])
def test_less_than_a_checked_name_is_refused(mode: str) -> None:
    with pytest.raises(Invalid, match="verify-full"):
        parse_address(f"postgresql://me@127.0.0.1/db?sslmode={mode}")


def test_a_password_in_the_url_is_refused_and_not_repeated() -> None:
    with pytest.raises(Invalid, match="password") as refusal:
        parse_address(f"postgresql://me:{PASSWORD}@db.example.com/db")
    assert PASSWORD not in str(refusal.value)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "db",
        "mysql://me@db/db",
        "postgresql://db/db",
        "postgresql://me@/db",
        "postgresql://me@db",
        "postgresql://me@db/",
        "postgresql://me@db/a/b",
        "postgresql://me@db:x/db",
        "postgresql://me@db:70000/db",
        "postgresql://me@db/db#x",
        "postgresql://me@[::1/db",
        "postgresql://me@db/db?options=-c%20fsync=off",
        "postgresql://me@db/db?sslmode=verify-full&sslmode=disable",
        f"postgresql://me@db/db?password={PASSWORD}",
    ],
)
def test_what_is_not_such_a_url_is_refused(url: str) -> None:
    with pytest.raises(Invalid) as refusal:
        parse_address(url)
    assert PASSWORD not in str(refusal.value)
