"""Reading authorized_keys: what a key is, without the key."""

import base64
import binascii
import hashlib
import re
import struct

from stronghouse.kernel.canonical import Json

MAX_KEYS = 500
_BITS = {"ssh-ed25519": 256, "ecdsa-sha2-nistp256": 256, "ecdsa-sha2-nistp384": 384, "ecdsa-sha2-nistp521": 521}
_KEY = re.compile(r"(?:^|[ \t])((?:sk-)?(?:ssh|ecdsa)-[a-z0-9@.-]+)[ \t]+([A-Za-z0-9+/=]+)(?:[ \t]+(.*))?$")
# Always matches from a quote on, to the end of the line if it has to: a user's file must not cost quadratic time.
_QUOTED = re.compile(r'"(?:[^"\\]|\\.?)*(?:"|$)')
_OPTION = re.compile(r"[a-zA-Z0-9-]+")
_UNREADABLE: dict[str, Json] = {"type": "unreadable", "bits": None, "fingerprint": None, "comment": "", "options": []}


def authorized_keys(text: str) -> list[dict[str, Json]]:
    """Each line that is no comment: type, bits, fingerprint, comment, names of options. Options' values are dropped.

    What follows the first `MAX_KEYS` is told by one key of the type `unreadable`.
    """
    lines = [line.strip() for line in text.splitlines()]
    held = [line for line in lines if line and not line.startswith("#")]
    return [*map(_key, held[:MAX_KEYS]), *([_UNREADABLE] if len(held) > MAX_KEYS else [])]


def _key(line: str) -> dict[str, Json]:
    bare = _QUOTED.sub("", line)
    match = _KEY.search(bare)
    blob = _decoded(match[2]) if match else b""
    if match is None or not blob:
        return _UNREADABLE
    digest = base64.b64encode(hashlib.sha256(blob).digest()).decode().rstrip("=")
    options: list[Json] = [
        name[0] for part in bare[: match.start()].split(",") if (name := _OPTION.match(part.strip()))
    ]
    return {
        "type": match[1],
        "bits": _bits(match[1], blob),
        "fingerprint": f"SHA256:{digest}",
        "comment": (match[3] or "")[:100],
        "options": options,
    }


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return b""


def _bits(kind: str, blob: bytes) -> int | None:
    """RFC 4253 section 6.6: for RSA the name, the exponent and the modulus, each after its length."""
    if kind != "ssh-rsa":
        return _BITS.get(kind.removeprefix("sk-").split("@")[0])
    try:
        at = 0
        for _ in range(2):
            at += 4 + int(struct.unpack_from(">I", blob, at)[0])
        length = int(struct.unpack_from(">I", blob, at)[0])
        return int.from_bytes(blob[at + 4 : at + 4 + length], "big").bit_length()
    except struct.error:
        return None
