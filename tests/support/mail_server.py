"""A real SMTP server (aiosmtpd) on this machine, with a certificate of an authority of its own."""

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import Any, cast

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

USER, PASSWORD = "stronghouse", "marker-password"


@dataclass
class Server:
    """What the server took; `refuse` is what it answers a recipient with instead."""

    port: int
    ca_file: Path
    password_file: Path
    refuse: str | None = None
    envelopes: list[Envelope] = field(default_factory=list)
    encrypted: list[bool] = field(default_factory=list)
    users: list[bytes] = field(default_factory=list)

    @property
    def messages(self) -> list[EmailMessage]:
        """What was sent, read as mail programs do."""
        contents = [one.original_content for one in self.envelopes]
        assert all(isinstance(one, bytes) for one in contents)
        return [message_from_bytes(cast("bytes", one), policy=default) for one in contents]


class _Handler:
    def __init__(self, server: Server) -> None:
        self._server = server

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, _smtp: SMTP, _session: Any, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        if self._server.refuse is not None:
            return self._server.refuse
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, smtp: SMTP, _session: Any, envelope: Envelope) -> str:  # noqa: N802
        self._server.envelopes.append(envelope)
        assert smtp.transport is not None
        self._server.encrypted.append(smtp.transport.get_extra_info("ssl_object") is not None)
        return "250 OK"


@contextmanager
def mail_server(
    directory: Path, *, implicit: bool = False, tls: bool = True, name: str = "localhost"
) -> Iterator[Server]:
    """A server that wants STARTTLS and a password; with `implicit` TLS at once; without `tls` neither.

    Args:
        directory: where its certificate and a file with the password go.
        implicit: whether TLS begins with the connection.
        tls: whether there is any.
        name: whose certificate it shows.
    """
    ca_file, certificate, key = _certificate(directory, name)
    password_file = directory / "smtp-password"
    password_file.write_text(f"{PASSWORD}\n")
    password_file.chmod(0o600)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    server = Server(0, ca_file, password_file)

    def authenticate(_smtp: SMTP, _session: Any, _envelope: Envelope, _mechanism: str, data: Any) -> AuthResult:
        assert isinstance(data, LoginPassword)
        server.users.append(data.login)
        return AuthResult(success=data == LoginPassword(USER.encode(), PASSWORD.encode()), handled=False)

    options: dict[str, Any] = {"authenticator": authenticate, "auth_required": tls and not implicit}
    if implicit:
        options |= {"ssl_context": context, "auth_require_tls": False}
    elif tls:
        options |= {"tls_context": context, "require_starttls": True}
    else:
        options |= {"auth_require_tls": False}
    controller = Controller(_Handler(server), hostname="127.0.0.1", port=_free_port(), **options)
    controller.start()
    server.port = controller.port
    try:
        yield server
    finally:
        controller.stop()


def _free_port() -> int:
    from tests.support.stack import free_ports

    return free_ports(1)


def _certificate(directory: Path, name: str) -> tuple[Path, Path, Path]:
    """An authority, and a server's certificate with its key."""
    now = datetime.now(UTC)
    paths = directory / "smtp-ca.pem", directory / "smtp.pem", directory / "smtp.key"
    root_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())

    def build(subject: str, public: ec.EllipticCurvePublicKey, *, is_authority: bool) -> x509.Certificate:
        builder = (
            x509.CertificateBuilder()
            .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, subject)]))
            .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "mail authority")]))
            .public_key(public)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(minutes=5))
            .not_valid_after(now + timedelta(days=1))
            .add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
        )
        if not is_authority:
            builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(subject)]), critical=False)
        return builder.sign(root_key, hashes.SHA256())

    root = build("mail authority", root_key.public_key(), is_authority=True)
    signed = build(name, key.public_key(), is_authority=False)
    paths[0].write_bytes(root.public_bytes(Encoding.PEM))
    paths[1].write_bytes(signed.public_bytes(Encoding.PEM))
    paths[2].write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return paths
