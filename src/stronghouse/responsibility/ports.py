"""What this area needs from the process that it runs in."""

from collections.abc import Collection, Sequence
from typing import Protocol

from stronghouse.kernel.canonical import Json


class FactSource(Protocol):
    """Runs collectors, here or on an agent. Called from worker threads; may block."""

    def regions(self) -> Sequence[str]:
        """The ids of all regions that ought to answer, connected or not."""
        ...

    def collect(self, collector: str, region: str | None) -> Json:
        """Fresh facts (`Facts.to_json`) from a region, or from the control plane itself where `region` is None.

        Whatever it raises becomes the state `error` of the checks that needed these facts. It must end by itself: an
        agent that does not answer raises Unavailable after a deadline.
        """
        ...


class Ownership(Protocol):
    """Says whose a service is, so that evidence is shown to nobody else."""

    def organization_of(self, service_id: str, region: str | None) -> str | None:
        """The id of the organization; None for a service that does not exist (any more), or not in `region`.

        `region` is whose agent speaks of it; None for the control plane, which may speak of all.
        """
        ...

    def expected_in(self, region: str) -> Collection[str]:
        """The ids of services of which the region's agent must have something to say: it has made their keys."""
        ...
