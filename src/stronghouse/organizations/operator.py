"""The organization that operates the installation: the oldest one.

What concerns all organizations alike (the machines, the advisory feed, findings about the installation itself) may be
seen by each of them, and changed by this one only.
"""

from sqlalchemy import Connection

from stronghouse.kernel.errors import Denied
from stronghouse.organizations import store


def is_operator(connection: Connection, organization_id: str) -> bool:
    """Whether this organization operates the installation."""
    return store.first_id(connection) == organization_id


def require_operator(connection: Connection, organization_id: str) -> None:
    """Raise Denied unless this organization operates the installation."""
    if not is_operator(connection, organization_id):
        raise Denied(
            "This concerns the whole installation; only the organization that operates it may change it.",
            code="operator_only",
        )
