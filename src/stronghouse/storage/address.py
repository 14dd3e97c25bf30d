"""Where a PostgreSQL database is, and how it is reached: over TLS with its name checked, or by a Unix socket.

A URL holds no password: it stands in the environment, which other processes of ours know too.
"""

import ipaddress
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlsplit

from stronghouse.kernel.errors import Invalid
from stronghouse.kernel.secret import Secret

SCHEMES = ("postgresql", "postgres")
PORT = 5432
AUTHORITIES = ("/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt")
"""Where distributions keep the certificates of public authorities; libpq itself looks where it was built."""
FILES = ("sslrootcert", "sslcert", "sslkey", "sslcrl")
EXAMPLE = "postgresql://stronghouse@db.example.com/stronghouse"


@dataclass(frozen=True, kw_only=True)
class PostgresAddress:
    """A database on a server.

    Attributes:
        host: a name, an address, or the directory of a Unix socket.
        tls: libpq's settings about TLS; empty for a socket.
        password: None where the server knows us otherwise: by a certificate, or by who we are on a socket.
    """

    host: str
    port: int
    user: str
    database: str
    tls: dict[str, str] = field(default_factory=dict)
    password: Secret | None = None

    def __str__(self) -> str:
        return f"{self.database} at {self.host}" if self.is_socket else f"{self.database} at {self.host}:{self.port}"

    @property
    def is_socket(self) -> bool:
        """Whether it is reached by a Unix socket."""
        return self.host.startswith("/")

    @property
    def way(self) -> str:
        """How it is reached, in words."""
        if self.is_socket:
            return "by a Unix socket"
        return "over TLS with its name checked" if self.tls["sslmode"] == "verify-full" else "on a loopback address"


def parse_address(url: str, password: Secret | None = None) -> PostgresAddress:
    """The database that a URL names.

    Raises:
        Invalid: it has not the form of one, holds a password, or asks for less than a checked server name.
    """
    try:
        parts = urlsplit(url.strip())
        port = parts.port or PORT
        given = parse_qsl(parts.query, keep_blank_values=True, strict_parsing=bool(parts.query))
    except ValueError:
        raise _malformed() from None
    if parts.password is not None:
        raise Invalid(
            "The database's URL holds a password; put it into a file of mode 0600 and name that instead.",
            code="database_url_password",
        )
    options = dict(given)
    host = options.pop("host", None) or unquote(parts.hostname or "")
    database = unquote(parts.path.removeprefix("/"))
    user = unquote(parts.username or "")
    if parts.scheme not in SCHEMES or parts.fragment or not (host and database and user) or "/" in database:
        raise _malformed()
    unknown = sorted(set(options) - {"sslmode", *FILES})
    if unknown or len(options) + ("host" in dict(given)) != len(given):
        named = ", ".join(unknown) or "the same twice"
        raise Invalid(f"The database's URL has parameters that nobody knows: {named}.", code="database_url_malformed")
    tls = {} if host.startswith("/") else _tls(host, options)
    return PostgresAddress(host=host, port=port, user=user, database=database, tls=tls, password=password)


def _tls(host: str, options: dict[str, str]) -> dict[str, str]:
    mode = options.get("sslmode", "verify-full")
    if mode == "disable" and _is_loopback(host):
        return {"sslmode": "disable"}
    if mode != "verify-full":
        raise Invalid(
            "The database's URL may ask for sslmode=verify-full only, or for disable on a loopback address: "
            "with less, somebody in between could read and change everything.",
            code="database_url_tls",
        )
    for name in FILES:
        if name in options and not (Path(options[name]).is_file() or options[name] == "system"):
            raise Invalid(f"The database's URL names a file that is not there: {name}.", code="database_url_file")
    found = next((path for path in AUTHORITIES if Path(path).is_file()), "system")
    return {"sslrootcert": found, **options, "sslmode": mode}


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _malformed() -> Invalid:
    return Invalid(
        f"The database's URL has to look like {EXAMPLE}, or for a Unix socket "
        "postgresql://stronghouse@/stronghouse?host=/run/postgresql.",
        code="database_url_malformed",
    )
