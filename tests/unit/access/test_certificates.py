"""Each root vouches for one use, leaves say what we decide, and real TLS stacks agree."""

import ssl
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from stronghouse.access.certificates import (
    CertificateAuthority,
    Purpose,
    common_name,
    expires_at,
    fingerprint,
    new_key_and_request,
    requested_names,
)
from stronghouse.kernel.clock import FixedClock, SystemClock
from stronghouse.kernel.errors import Conflict, Invalid
from stronghouse.kernel.secret import Secret

DAY = timedelta(days=1)
NAMES = ["localhost", "127.0.0.1", "::1"]


@pytest.fixture(scope="module")
def server() -> CertificateAuthority:
    return CertificateAuthority.create("edge", purpose=Purpose.SERVER, clock=SystemClock())


@pytest.fixture(scope="module")
def client() -> CertificateAuthority:
    return CertificateAuthority.create("agents", purpose=Purpose.CLIENT, clock=SystemClock())


def _leaf(pem: bytes) -> x509.Certificate:
    return x509.load_pem_x509_certificate(pem)


def _chain_file(directory: Path, certificate: bytes, key: Secret) -> Path:
    file = directory / f"{fingerprint(certificate)}.pem"
    file.write_bytes(certificate + key.reveal().encode())
    return file


def _handshake(
    server_side: ssl.SSLContext, client_side: ssl.SSLContext, name: str
) -> tuple[ssl.SSLObject, ssl.SSLObject]:
    """A whole TLS handshake in memory."""
    up, down = ssl.MemoryBIO(), ssl.MemoryBIO()
    answering = server_side.wrap_bio(up, down, server_side=True)
    asking = client_side.wrap_bio(down, up, server_hostname=name)
    done: set[ssl.SSLObject] = set()
    for _ in range(10):
        for side in (asking, answering):
            try:
                side.do_handshake()
                done.add(side)
            except ssl.SSLWantReadError:
                continue
        if len(done) == 2 and not up.pending and not down.pending:
            break
    return asking, answering


def _trusting(root: bytes, purpose: ssl.Purpose) -> ssl.SSLContext:
    context = ssl.create_default_context(purpose, cadata=root.decode())
    context.verify_mode = ssl.CERT_REQUIRED
    context.verify_flags |= ssl.VERIFY_X509_STRICT
    return context


@pytest.mark.parametrize("name", NAMES)
def test_both_sides_of_mutual_tls_verify_strictly(
    server: CertificateAuthority, client: CertificateAuthority, tmp_path: Path, name: str
) -> None:
    key, request = new_key_and_request("edge")
    server_pem = server.sign_server(request, names=NAMES, lifetime=DAY)
    client_key, client_request = new_key_and_request("whatever")
    client_pem = client.sign_client(client_request, common_name="agent-1", lifetime=DAY)
    answering_context = _trusting(client.certificate_pem, ssl.Purpose.CLIENT_AUTH)
    answering_context.load_cert_chain(_chain_file(tmp_path, server_pem, key))
    asking_context = _trusting(server.certificate_pem, ssl.Purpose.SERVER_AUTH)
    asking_context.load_cert_chain(_chain_file(tmp_path, client_pem, client_key))
    _, answering = _handshake(answering_context, asking_context, name)
    seen = answering.getpeercert(binary_form=True)
    assert seen is not None
    assert common_name(seen) == "agent-1"


def _forge(root: CertificateAuthority, request_pem: bytes, usage: x509.ObjectIdentifier) -> bytes:
    """What somebody who stole the root's key could sign: a leaf for another use."""
    key = serialization.load_pem_private_key(root.key_pem().reveal().encode(), password=None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    issuer = _leaf(root.certificate_pem)
    request = x509.load_pem_x509_csr(request_pem)
    now = datetime.now(UTC)
    identifier = issuer.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    builder = x509.CertificateBuilder(issuer.subject, request.subject, request.public_key(), 1, now - DAY, now + DAY)
    return (
        builder.add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(identifier), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(request.public_key()), critical=False)
        .sign(key, hashes.SHA256())
        .public_bytes(serialization.Encoding.PEM)
    )


def test_agents_root_cannot_vouch_for_a_server_even_with_a_forged_leaf(
    client: CertificateAuthority, tmp_path: Path
) -> None:
    key, request = new_key_and_request("api.example.com")
    forged = _forge(client, request, ExtendedKeyUsageOID.SERVER_AUTH)
    answering_context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    answering_context.load_cert_chain(_chain_file(tmp_path, forged, key))
    asking_context = _trusting(client.certificate_pem, ssl.Purpose.SERVER_AUTH)
    with pytest.raises(ssl.SSLCertVerificationError, match="purpose"):
        _handshake(answering_context, asking_context, "localhost")


def test_each_root_signs_for_its_own_purpose_only(server: CertificateAuthority, client: CertificateAuthority) -> None:
    _, request = new_key_and_request("x")
    with pytest.raises(Conflict):
        server.sign_client(request, common_name="agent-1", lifetime=DAY)
    with pytest.raises(Conflict):
        client.sign_server(request, names=["localhost"], lifetime=DAY)


def test_server_leaf_has_exactly_the_names_given_and_not_those_wished(server: CertificateAuthority) -> None:
    _, request = new_key_and_request("api.example.com", ["api.example.com", "10.0.0.1"])
    assert requested_names(request) == ["api.example.com", "10.0.0.1"]
    leaf = _leaf(server.sign_server(request, names=["localhost", "::1"], lifetime=DAY))
    names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert [str(name.value) for name in names] == ["localhost", "::1"]
    assert leaf.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value == "localhost"
    assert not leaf.extensions.get_extension_for_class(x509.BasicConstraints).value.ca


def test_lifetime_is_backdated_five_minutes_and_never_beyond_the_root() -> None:
    clock = FixedClock(datetime(2026, 1, 1, tzinfo=UTC))
    root = CertificateAuthority.create("edge", purpose=Purpose.SERVER, clock=clock, lifetime=10 * DAY)
    clock.advance(DAY)
    _, request = new_key_and_request("x")
    leaf = root.sign_server(request, names=["localhost"], lifetime=DAY)
    assert _leaf(leaf).not_valid_before_utc == datetime(2026, 1, 1, 23, 55, tzinfo=UTC)
    assert expires_at(leaf) == datetime(2026, 1, 3, tzinfo=UTC)
    assert expires_at(root.sign_server(request, names=["localhost"], lifetime=99 * DAY)) == expires_at(
        root.certificate_pem
    )
    clock.advance(10 * DAY)
    with pytest.raises(Conflict, match="expired"):
        root.sign_server(request, names=["localhost"], lifetime=DAY)


def test_saved_root_signs_on_and_a_foreign_key_is_refused(
    server: CertificateAuthority, client: CertificateAuthority
) -> None:
    loaded = CertificateAuthority.load(server.certificate_pem, server.key_pem(), clock=SystemClock())
    assert loaded.purpose is Purpose.SERVER
    assert loaded.certificate_pem == server.certificate_pem
    with pytest.raises(Invalid, match="key"):
        CertificateAuthority.load(server.certificate_pem, client.key_pem(), clock=SystemClock())
    key, request = new_key_and_request("leaf")
    leaf = server.sign_server(request, names=["localhost"], lifetime=DAY)
    with pytest.raises(Invalid, match="authority"):
        CertificateAuthority.load(leaf, key, clock=SystemClock())


def _tampered() -> bytes:
    """A request whose names were changed after it was signed."""
    _, pem = new_key_and_request("aaaaaaaa.example")
    der = x509.load_pem_x509_csr(pem).public_bytes(serialization.Encoding.DER)
    return (
        ssl.DER_cert_to_PEM_cert(der.replace(b"aaaaaaaa", b"bbbbbbbb"))
        .replace("CERTIFICATE", "CERTIFICATE REQUEST")
        .encode()
    )


def _weak_key() -> bytes:
    key = rsa.generate_private_key(65537, 1024)  # noqa: S505 - that it is weak is the point
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "x")])
    return (
        x509.CertificateSigningRequestBuilder(name).sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
    )


@pytest.mark.parametrize("make", [_tampered, _weak_key, lambda: b"-----BEGIN NONSENSE-----"])
def test_bad_request_is_refused(server: CertificateAuthority, make: Callable[[], bytes]) -> None:
    with pytest.raises(Invalid):
        server.sign_server(make(), names=["localhost"], lifetime=DAY)


@pytest.mark.parametrize(
    "name", ["", "UPPER.example", "*.com", "*", "a b", "exa_mple.com", "evil.com\n", "-a.example", "a" * 64]
)
def test_malformed_names_are_refused(server: CertificateAuthority, name: str) -> None:
    _, request = new_key_and_request("x")
    with pytest.raises(Invalid):
        server.sign_server(request, names=[name], lifetime=DAY)


def test_nothing_to_name_is_refused(server: CertificateAuthority, client: CertificateAuthority) -> None:
    _, request = new_key_and_request("x")
    with pytest.raises(Invalid):
        server.sign_server(request, names=[], lifetime=DAY)
    with pytest.raises(Invalid):
        client.sign_client(request, common_name="", lifetime=DAY)


def test_private_keys_do_not_show_themselves(server: CertificateAuthority) -> None:
    key, _ = new_key_and_request("x")
    assert "PRIVATE" not in f"{key} {key!r} {server.key_pem()!r} {server.__dict__!r}"
