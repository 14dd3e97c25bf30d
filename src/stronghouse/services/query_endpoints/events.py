"""What is recorded about query endpoints."""

from dataclasses import dataclass
from typing import ClassVar

from stronghouse.audit.event import AuditEvent


@dataclass(frozen=True, kw_only=True)
class QueryEndpointSet(AuditEvent):
    """A service's query endpoint was made or replaced: the keys in it may run SQL with these database roles.

    `before_…` are empty where there was none.
    """

    code: ClassVar[str] = "query_endpoint.set"
    endpoint_id: str
    before_roles: list[str]
    before_keys: list[str]
    before_origins: str
    roles: list[str]
    keys: list[str]
    origins: str

    def summary(self) -> str:
        """One sentence for people."""
        count = len(self.keys)
        keys = "one API key" if count == 1 else f"{count} API keys"
        return f"The query endpoint lets {keys} run SQL as {' and '.join(self.roles)}."


@dataclass(frozen=True, kw_only=True)
class QueryEndpointKeyRemoved(AuditEvent):
    """An API key that a query endpoint named was deleted, and is named there no longer."""

    code: ClassVar[str] = "query_endpoint.key_remove"
    endpoint_id: str
    key_id: str

    def summary(self) -> str:
        """One sentence for people."""
        return "A deleted API key was taken out of the query endpoint."


@dataclass(frozen=True, kw_only=True)
class QueryEndpointDeleted(AuditEvent):
    """A service's query endpoint was deleted: no key reaches the service through the queries host any more."""

    code: ClassVar[str] = "query_endpoint.delete"
    endpoint_id: str

    def summary(self) -> str:
        """One sentence for people."""
        return "The query endpoint was deleted."
