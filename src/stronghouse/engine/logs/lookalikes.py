"""What looks like a secret wherever it stands: in an address, a header, JSON, or by the form that its maker gave it.

The expressions take time in proportion to the text: none has a repetition that can be entered in two ways, or that is
tried again from each place within what it took.
"""

import re
from collections.abc import Iterator
from typing import Final

_NAME: Final = (
    r"(?:password|passwd|passphrase|pwd|secret|secret_?key|token|api_?key|access_?key|private_?key|signature|credential"
    r"|sig|auth|authorization|key)"
)
_KNOWN: Final = r"(?:sh|ghp|gho|ghs|ghu|github_pat|glpat|xox[abprs]|sk_live|rk_live)[_-][a-z0-9_-]{16,}"
_EXPRESSIONS: Final = (
    r"://(?P<login>[^\s/?#'\"]+)@",
    # As in ?token=…&X-Amz-Signature=… and in connection strings; SQL's own equal signs have spaces around them.
    rf"(?<![\w-])(?:[a-z0-9]+[_-])*{_NAME}=(?P<parameter>[^&\s'\",;#)]+)",
    # A quote after a backslash never ends it: in a string of SQL the backslashes of JSON are doubled.
    rf"\"(?:[a-z0-9]+[_-])*{_NAME}\"\s*:\s*\"(?P<member>(?:[^\"]|(?<=\\)\")*)",
    r"\b(?:bearer|basic)\s+(?P<header>[a-z0-9._~+/=-]{8,})",
    r"-----BEGIN\ [A-Z\ ]*PRIVATE\ KEY-----(?P<key>.*?)(?:-----END|\Z)",
    # Taken in one piece and looked at afterwards: each `eyJ` of a long run could begin one that goes to its end.
    r"\b(?P<jwt>eyJ[\w-]{8,}+(?:\.[\w-]{8,}+\.[\w-]*+)?)",
    rf"\b(?P<known>{_KNOWN})",
)
_ANY: Final = re.compile("|".join(_EXPRESSIONS), re.IGNORECASE | re.DOTALL)
_KNOWN_ONE: Final = re.compile(rf"\b{_KNOWN}", re.IGNORECASE)
_ASSIGNED: Final = re.compile(r"=\S")
_HINTS: Final = (
    "://",
    '"',
    "bearer",
    "basic",
    "-----",
    "eyj",
    "sh_",
    "sh-",
    "ghp",
    "gho",
    "ghs",
    "ghu",
    "github_pat",
    "glpat",
    "xox",
    "k_live",
)


def find(text: str) -> Iterator[tuple[int, int]]:
    """Where they are, in order."""
    lowered = text.lower()
    if not any(hint in lowered for hint in _HINTS) and not _ASSIGNED.search(text):
        return
    for match in _ANY.finditer(text):
        if match.lastgroup == "jwt" and "." not in match["jwt"]:
            yield from (known.span() for known in _KNOWN_ONE.finditer(text, *match.span()))
        elif match.lastgroup is not None:
            yield match.span(match.lastgroup)
