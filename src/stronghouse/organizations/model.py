"""The organization."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class Organization:
    """What owns services, keys and members."""

    id: str
    name: str
    created_at: datetime
