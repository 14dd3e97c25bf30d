"""What services need from the process that they run in."""

from typing import Protocol


class Jobs(Protocol):
    """Reaches the agents."""

    def notify(self, region_id: str) -> None:
        """Say that a region's desired state has changed; call it after the commit."""
        ...

    def wake(self, region_id: str, service_id: str) -> None:
        """Ask a region to wake an idle service; returns at once."""
        ...
