"""The text of a join token, which both sides must be able to read; the agent does so without a database."""

import re
from dataclasses import dataclass

from stronghouse.kernel.errors import Unauthenticated
from stronghouse.kernel.secret import Secret

_TOKEN = re.compile(r"sh_join_([0-9a-f]{16})_([0-9a-f]{64})_([0-9a-f]{64})\Z")


@dataclass(frozen=True)
class TokenParts:
    """A join token taken apart: its public id, its secret, and the SHA-256 of the authority to trust."""

    id: str
    secret: Secret
    authority: str


def parse_token(token: Secret) -> TokenParts:
    """The parts of `sh_join_<id>_<secret>_<sha256 of the edge authority>`; raises Unauthenticated for other text."""
    match = _TOKEN.match(token.reveal().strip())
    if match is None:
        raise token_refused("malformed")
    return TokenParts(match[1], Secret(match[2]), match[3])


def token_refused(reason: str) -> Unauthenticated:
    """One error for every case: whoever guesses learns nothing. The reason goes to the log and the audit event."""
    return Unauthenticated(
        "The join token is unknown, used or expired; make a new one.", code="join_token_refused", detail=reason
    )
