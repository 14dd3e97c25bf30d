"""A check before a certificate is handed to Envoy, which would say of a wrong pair only in its log."""

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

from stronghouse.kernel.errors import Invalid
from stronghouse.kernel.secret import Secret


def require_key_pair(certificate_pem: bytes, key_pem: Secret) -> None:
    """Raises Invalid unless the first certificate of the chain belongs to the key."""
    try:
        certificate = x509.load_pem_x509_certificates(certificate_pem)[0]
        certified = certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    except (ValueError, UnsupportedAlgorithm) as error:
        raise Invalid("This is not a certificate chain in PEM form.", detail=str(error)) from error
    try:
        key = load_pem_private_key(key_pem.reveal().encode(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise Invalid("This is not a private key in PEM form.") from None  # the cause might quote the key
    if key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo) != certified:
        raise Invalid("The private key does not belong to the certificate.", code="key_mismatch")
