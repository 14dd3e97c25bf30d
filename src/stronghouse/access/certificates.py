"""The private certificate authorities of the control plane and the leaves they sign.

There are two roots, never one: a `Purpose.CLIENT` root vouches for agents, a `Purpose.SERVER` root for names that the
edge serves. Each root carries its extended key usage, so that a leaf of one is worth nothing to a verifier of the
other even if a leaf were signed with the wrong usage (design.md section 1). What a leaf says comes from the caller,
never from the request: a request proves possession of a key and nothing else.

Extensions follow RFC 5280 sections 4.2.1.1 to 4.2.1.12 and pass OpenSSL's `X509_V_FLAG_X509_STRICT`.
"""

import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import Enum
from ipaddress import ip_address
from typing import Self

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID, ObjectIdentifier

from stronghouse.kernel.clock import Clock
from stronghouse.kernel.errors import Conflict, Invalid
from stronghouse.kernel.secret import Secret

BACKDATE = timedelta(minutes=5)
"""How far before now a certificate begins to hold, so that a verifier whose clock is slow accepts it."""
ROOT_LIFETIME = timedelta(days=3650)
MAX_COMMON_NAME = 64  # RFC 5280 appendix A.1, ub-common-name
_DNS_NAME = re.compile(
    r"(?=.{1,253}\Z)(\*\.)?[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*\Z"
)


class Purpose(Enum):
    """What the leaves of a root may be used for; the value is the extended key usage (RFC 5280 section 4.2.1.12)."""

    SERVER = ExtendedKeyUsageOID.SERVER_AUTH
    CLIENT = ExtendedKeyUsageOID.CLIENT_AUTH


class CertificateAuthority:
    """A self-signed ECDSA P-256 root that signs leaves directly (path length 0) for one purpose."""

    def __init__(
        self, certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey, *, purpose: Purpose, clock: Clock
    ) -> None:
        self._certificate = certificate
        self._key = key
        self._clock = clock
        self.purpose = purpose

    @classmethod
    def create(cls, common_name: str, *, purpose: Purpose, clock: Clock, lifetime: timedelta = ROOT_LIFETIME) -> Self:
        """Make a new root named `common_name`; raises Invalid for a name of no or more than 64 characters."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = _subject(common_name)
        now = clock.now()
        builder = _builder(subject, subject, key.public_key(), not_before=now - BACKDATE, not_after=now + lifetime)
        certificate = (
            builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(_key_usage(signs_certificates=True), critical=True)
            .add_extension(x509.ExtendedKeyUsage([purpose.value]), critical=False)
            .sign(key, hashes.SHA256())
        )
        return cls(certificate, key, purpose=purpose, clock=clock)

    @classmethod
    def load(cls, certificate_pem: bytes, key_pem: Secret, *, clock: Clock) -> Self:
        """Take up a root made by `create`.

        Raises:
            Invalid: not a root of exactly one purpose, or the key is not its key.
        """
        certificate = _certificate(certificate_pem)
        key = _private_key(key_pem)
        if _public_bytes(key.public_key()) != _public_bytes(certificate.public_key()):
            raise Invalid("The key does not belong to this certificate authority.", code="key_mismatch")
        return cls(certificate, key, purpose=_root_purpose(certificate), clock=clock)

    @property
    def certificate_pem(self) -> bytes:
        """The root certificate: what a verifier trusts."""
        return self._certificate.public_bytes(Encoding.PEM)

    def key_pem(self) -> Secret:
        """The root's private key, PKCS #8 PEM."""
        return _key_pem(self._key)

    def sign_server(self, request_pem: bytes, *, names: Sequence[str], lifetime: timedelta) -> bytes:
        """A server certificate for exactly `names` (DNS names and IP addresses), as PEM.

        The names in the request are ignored; its signature must hold. The leaf never outlives the root.

        Raises:
            Invalid: a bad request, no names, or a name that is neither a DNS name nor an address.
            Conflict: this root is not for servers, or has expired.
        """
        self._require(Purpose.SERVER)
        if not names:
            raise Invalid("A server certificate needs at least one name.")
        alternative = x509.SubjectAlternativeName([_general_name(name) for name in dict.fromkeys(names)])
        # The subject is not what verifiers look at (RFC 9525 section 2); it is there for people, cut to its limit.
        return self._leaf(request_pem, names[0][:MAX_COMMON_NAME], lifetime, alternative)

    def sign_client(self, request_pem: bytes, *, common_name: str, lifetime: timedelta) -> bytes:
        """A client certificate whose subject is `common_name`, as PEM.

        Raises:
            Invalid: a bad request or name.
            Conflict: this root is not for clients, or has expired.
        """
        self._require(Purpose.CLIENT)
        return self._leaf(request_pem, common_name, lifetime, None)

    def _require(self, purpose: Purpose) -> None:
        if self.purpose is not purpose:
            raise Conflict(f"This certificate authority does not sign {purpose.name.lower()} certificates.")
        if self._clock.now() >= self._certificate.not_valid_after_utc:
            raise Conflict("This certificate authority has expired.")

    def _leaf(
        self, request_pem: bytes, name: str, lifetime: timedelta, alternative: x509.SubjectAlternativeName | None
    ) -> bytes:
        request = _request(request_pem)
        now = self._clock.now()
        issuer = self._certificate
        identifier = issuer.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
        builder = _builder(
            _subject(name),
            issuer.subject,
            _p256(request.public_key()),
            not_before=max(now - BACKDATE, issuer.not_valid_before_utc),
            not_after=min(now + lifetime, issuer.not_valid_after_utc),
        )
        builder = (
            builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_key_usage(signs_certificates=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage([self.purpose.value]), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(identifier), critical=False)
        )
        if alternative is not None:
            builder = builder.add_extension(alternative, critical=False)
        return builder.sign(self._key, hashes.SHA256()).public_bytes(Encoding.PEM)


def new_key_and_request(common_name: str, names: Sequence[str] = ()) -> tuple[Secret, bytes]:
    """A fresh ECDSA P-256 key (PKCS #8 PEM) and a signing request for it that asks for `names`.

    Raises:
        Invalid: `common_name` is empty or too long, or a name is neither a DNS name nor an address.
    """
    key = ec.generate_private_key(ec.SECP256R1())
    builder = x509.CertificateSigningRequestBuilder().subject_name(_subject(common_name))
    if names:
        alternative = x509.SubjectAlternativeName([_general_name(name) for name in names])
        builder = builder.add_extension(alternative, critical=False)
    return _key_pem(key), builder.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM)


def requested_names(request_pem: bytes) -> list[str]:
    """The DNS names and addresses that a request asks for, in its order; raises Invalid for a bad request.

    They are what the other side wishes. Check them against what it may serve before passing any to `sign_server`.
    """
    try:
        wished = _request(request_pem).extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return []
    except ValueError as error:
        raise Invalid("The certificate request has malformed extensions.", detail=str(error)) from error
    return [str(name.value) for name in wished if isinstance(name, x509.DNSName | x509.IPAddress)]


def fingerprint(certificate_pem: bytes) -> str:
    """The SHA-256 of the certificate's DER form, lower-case hex; raises Invalid for anything but a certificate."""
    return _certificate(certificate_pem).fingerprint(hashes.SHA256()).hex()


def expires_at(certificate_pem: bytes) -> datetime:
    """The last moment at which the certificate holds, aware, in UTC; raises Invalid for anything but a certificate."""
    return _certificate(certificate_pem).not_valid_after_utc


def common_name(certificate_der: bytes) -> str:
    """The subject's common name in a DER certificate, as TLS hands it over; raises Invalid unless there is just one."""
    try:
        found = x509.load_der_x509_certificate(certificate_der).subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    except ValueError as error:
        raise Invalid("This is not a certificate.", detail=str(error)) from error
    if len(found) != 1 or not isinstance(found[0].value, str):
        raise Invalid("The certificate does not have exactly one common name.")
    return found[0].value


def _builder(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePublicKey,
    *,
    not_before: datetime,
    not_after: datetime,
) -> x509.CertificateBuilder:
    if not_after <= not_before:
        raise Invalid("A certificate must end after it begins.")
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(not_before)
        .not_valid_after(not_after)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
    )


def _subject(name: str) -> x509.Name:
    if not name or len(name) > MAX_COMMON_NAME:
        raise Invalid(f"A certificate's name has 1 to {MAX_COMMON_NAME} characters.")
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _key_usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )


def _general_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(name))
    except ValueError:
        pass
    if not _DNS_NAME.match(name) or (name.startswith("*.") and name.count(".") == 1):
        raise Invalid(f"{name[:64]!r} is neither a lower-case DNS name nor an IP address.")
    return x509.DNSName(name)


def _request(pem: bytes) -> x509.CertificateSigningRequest:
    try:
        request = x509.load_pem_x509_csr(pem)
        holds = request.is_signature_valid
    except (ValueError, InvalidSignature, UnsupportedAlgorithm) as error:
        raise Invalid("This is not a certificate request.", detail=str(error)) from error
    if not holds:
        raise Invalid("The certificate request's signature does not hold.")
    _p256(request.public_key())
    return request


def _p256(key: object) -> ec.EllipticCurvePublicKey:
    """The key if it is of the one kind that `new_key_and_request` makes; weaker or exotic keys are refused."""
    if not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, ec.SECP256R1):
        raise Invalid("A certificate request needs an ECDSA key on the curve P-256.")
    return key


def _certificate(pem: bytes) -> x509.Certificate:
    try:
        return x509.load_pem_x509_certificate(pem)
    except ValueError as error:
        raise Invalid("This is not a certificate.", detail=str(error)) from error


def _private_key(pem: Secret) -> ec.EllipticCurvePrivateKey:
    try:
        key = load_pem_private_key(pem.reveal().encode(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise Invalid("This is not a private key.") from None  # the cause might quote the key
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise Invalid("The private key is not an ECDSA key.")
    return key


def _root_purpose(certificate: x509.Certificate) -> Purpose:
    try:
        constraints = certificate.extensions.get_extension_for_class(x509.BasicConstraints).value
        usages: list[ObjectIdentifier] = list(
            certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
        )
    except (x509.ExtensionNotFound, ValueError) as error:
        raise Invalid("This certificate is no certificate authority of ours.", detail=str(error)) from error
    if not constraints.ca or len(usages) != 1 or usages[0] not in {purpose.value for purpose in Purpose}:
        raise Invalid("This certificate is no certificate authority for exactly one purpose.")
    return Purpose(usages[0])


def _key_pem(key: ec.EllipticCurvePrivateKey) -> Secret:
    return Secret(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode("ascii"))


def _public_bytes(key: object) -> bytes:
    if not isinstance(key, ec.EllipticCurvePublicKey):
        raise Invalid("The certificate's key is not an ECDSA key.")
    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
