r"""Signed tree heads: C2SP checkpoints in C2SP signed-note form, one Ed25519 signature each.

A checkpoint's text is three lines: the log's origin, its size, the root in base64. The signature line names the
signer by its origin and the first four bytes of SHA-256(name || "\n" || 0x01 || public key).
"""

import base64
import binascii
import hashlib
from dataclasses import dataclass
from typing import Protocol

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from stronghouse.kernel.errors import Invalid

ED25519 = b"\x01"
PUBLIC_KEY_BYTES = 32
LINES = 3  # origin, size, root
SIGNATURE_LINE = "\u2014 "


class Signer(Protocol):
    """Holds the log's signing key."""

    origin: str
    public_key: bytes  # 32 bytes, Ed25519

    def sign(self, message: bytes) -> bytes:
        """A 64-byte Ed25519 signature."""
        ...


class Ed25519Signer:
    """A signer with its key in memory."""

    def __init__(self, origin: str, private_key: bytes) -> None:
        self.origin = origin
        self._key = Ed25519PrivateKey.from_private_bytes(private_key)
        self.public_key = self._key.public_key().public_bytes_raw()

    @staticmethod
    def new_private_key() -> bytes:
        """32 fresh bytes."""
        return Ed25519PrivateKey.generate().private_bytes_raw()

    def sign(self, message: bytes) -> bytes:
        """A 64-byte Ed25519 signature."""
        return self._key.sign(message)


@dataclass(frozen=True)
class Checkpoint:
    """The head of a log: `size` leaves under `root`."""

    origin: str
    size: int
    root: bytes

    def text(self) -> str:
        """The signed part."""
        return f"{self.origin}\n{self.size}\n{base64.b64encode(self.root).decode()}\n"


def sign(checkpoint: Checkpoint, signer: Signer) -> str:
    """The signed note of `checkpoint`."""
    text = checkpoint.text()
    signature = base64.b64encode(key_id(signer.origin, signer.public_key) + signer.sign(text.encode())).decode()
    return f"{text}\n{SIGNATURE_LINE}{signer.origin} {signature}\n"


def verify(note: str, *, origin: str, public_key: bytes) -> Checkpoint:
    """The checkpoint that `note` carries, if `public_key` signed it for `origin`.

    Raises:
        Invalid: not a checkpoint, another log's, or no good signature by this key.
    """
    text, separator, signatures = note.partition("\n\n")
    text += "\n"
    lines = text.splitlines()
    if not separator or len(lines) != LINES or lines[0] != origin:
        raise Invalid("This is not a checkpoint of this log.", code="checkpoint_malformed")
    try:
        checkpoint = Checkpoint(lines[0], int(lines[1]), base64.b64decode(lines[2], validate=True))
    except (ValueError, binascii.Error):
        raise Invalid("The checkpoint is malformed.", code="checkpoint_malformed") from None
    # int() would also take " 12" or "1_2": only the one form that we sign may pass.
    if checkpoint.text() != text or not any(
        _signed_by(line, text, origin, public_key) for line in signatures.splitlines()
    ):
        raise Invalid("The checkpoint carries no valid signature of the log's key.", code="checkpoint_signature")
    return checkpoint


def verify_note(note: str, *, name: str, public_key: bytes) -> str:
    """The text of a C2SP signed note of any kind, if `public_key` signed it under `name`; raises Invalid otherwise."""
    text, separator, signatures = note.rpartition("\n\n")
    text += "\n"
    if not separator or not any(_signed_by(line, text, name, public_key) for line in signatures.splitlines()):
        raise Invalid("The note carries no valid signature of this key.", code="note_signature")
    return text


def _signed_by(line: str, text: str, origin: str, public_key: bytes) -> bool:
    prefix = f"{SIGNATURE_LINE}{origin} "
    if not line.startswith(prefix):
        return False
    try:
        blob = base64.b64decode(line.removeprefix(prefix), validate=True)
    except ValueError:  # binascii.Error is one; so is what it says of text that is not ASCII
        return False
    if blob[:4] != key_id(origin, public_key):
        return False
    try:
        Ed25519PublicKey.from_public_bytes(public_key).verify(blob[4:], text.encode())
    except InvalidSignature:
        return False
    return True


def key_id(name: str, public_key: bytes) -> bytes:
    """The four bytes by which a signature line names its key (C2SP signed-note)."""
    return hashlib.sha256(name.encode() + b"\n" + ED25519 + public_key).digest()[:4]


def verifier_key(name: str, public_key: bytes) -> str:
    """The public key as C2SP writes it: `name+hash+base64(type || key)`."""
    return f"{name}+{key_id(name, public_key).hex()}+{base64.b64encode(ED25519 + public_key).decode()}"


def parse_verifier_key(text: str) -> tuple[str, bytes]:
    """Origin and public key of a C2SP verifier key; raises Invalid when it is malformed."""
    name, _, rest = text.strip().partition("+")
    digest, _, encoded = rest.partition("+")
    try:
        raw = base64.b64decode(encoded, validate=True)
    except ValueError:
        raw = b""
    if len(raw) != 1 + PUBLIC_KEY_BYTES or raw[:1] != ED25519 or key_id(name, raw[1:]).hex() != digest:
        raise Invalid("This is not an Ed25519 verifier key.", code="verifier_key_malformed")
    return name, raw[1:]
