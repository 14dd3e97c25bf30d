"""A value that must not reach a log, an exception, a template or a pickle by accident."""

import hmac
import secrets
from typing import Never


class Secret:
    """Wraps text whose only way out is `reveal()`, so that every use can be found by searching for it.

    Comparing two secrets with `==` raises; use `matches`, which takes constant time.
    """

    __slots__ = ("_value",)
    __hash__ = None  # type: ignore[assignment]  # a secret as a dictionary key would be compared in variable time

    def __init__(self, value: str) -> None:
        self._value = value

    @classmethod
    def generate(cls, *, prefix: str = "", bits: int = 256) -> "Secret":
        """A fresh random secret: `prefix` (so that scanners can find it) and `bits` bits, base64url without padding."""
        return cls(prefix + secrets.token_urlsafe(bits // 8))

    def reveal(self) -> str:
        """The wrapped text."""
        return self._value

    def matches(self, other: str) -> bool:
        """Whether `other` is the same text, in constant time. Works on bytes: `str` raises on non-ASCII."""
        return hmac.compare_digest(self._value.encode(), other.encode())

    def __repr__(self) -> str:
        return "Secret(***)"

    __str__ = __repr__

    def __format__(self, _spec: str) -> str:
        return repr(self)

    def __eq__(self, _other: object) -> bool:
        raise TypeError("secrets are compared with matches(), in constant time")

    def __reduce__(self) -> Never:
        raise TypeError("a secret cannot be pickled")
