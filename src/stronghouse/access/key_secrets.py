"""Secrets of API keys in a form that scanners find and can tell from a look-alike without asking anybody.

`sh_key_`, 43 random characters of 0-9A-Za-z (256 bits), and a checksum: the CRC-32 (that of zlib) of all that stands
before it, as six digits to the base of 62 in that order of characters. docs/reference/key-secrets.md publishes this.
"""

import secrets
import string
import zlib

from stronghouse.kernel.secret import Secret

PREFIX = "sh_key_"
DIGITS = string.digits + string.ascii_uppercase + string.ascii_lowercase
RANDOM_LENGTH = 43  # the fewest of 62 characters that hold 256 bits
CHECKSUM_LENGTH = 6  # the fewest that hold 32 bits


def new_key_secret() -> Secret:
    """A fresh secret."""
    text = PREFIX + "".join(secrets.choice(DIGITS) for _ in range(RANDOM_LENGTH))
    return Secret(text + _checksum(text))


def _checksum(text: str) -> str:
    left, digits = zlib.crc32(text.encode()), ""
    for _ in range(CHECKSUM_LENGTH):
        left, digit = divmod(left, len(DIGITS))
        digits = DIGITS[digit] + digits
    return digits
