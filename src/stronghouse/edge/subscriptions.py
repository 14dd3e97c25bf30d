"""Changing what a running Envoy follows: write a file, then wait until Envoy says what it made of it."""

import asyncio
from pathlib import Path

from stronghouse.edge.admin import AdminSocket
from stronghouse.edge.process import EnvoyProcess
from stronghouse.edge.rendering import Document, Documents, Subscription
from stronghouse.kernel.errors import Internal, StronghouseError, Unavailable
from stronghouse.kernel.files import write_private

ACCEPT_SECONDS = 10.0
POLL_SECONDS = 0.005
_BIND_FAILURES = ("cannot bind", "Address already in use", "Permission denied")


class Subscriptions:
    """The files in `directory` and what is known of them. Not safe for two changes at a time; the caller has a lock."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._written: dict[Subscription, Document] = {}

    def write_all(self, documents: Documents) -> None:
        """Put every file in place, for an Envoy that is about to start."""
        for subscription, document in documents.items():
            self._write(subscription, document)

    async def publish(self, documents: Documents, *, process: EnvoyProcess, admin: AdminSocket) -> None:
        """Replace the files that differ, in an order that leaves no gap, each accepted before the next.

        First what is referred to, then what refers to it; upstreams that are no longer wanted go last.

        Raises:
            Unavailable: Envoy ended or does not answer, or an address could not be bound.
            Internal: Envoy rejected a file. Files written before it stay written.
        """
        process.forget_complaints()
        widened = documents[Subscription.CLUSTERS].with_leftovers(self._written[Subscription.CLUSTERS])
        steps = [
            (Subscription.SECRETS, documents[Subscription.SECRETS]),
            (Subscription.CLUSTERS, widened),
            (Subscription.ROUTES, documents[Subscription.ROUTES]),
            (Subscription.LISTENERS, documents[Subscription.LISTENERS]),
            (Subscription.CLUSTERS, documents[Subscription.CLUSTERS]),
        ]
        for subscription, document in steps:
            if self._written[subscription].version != document.version:
                before = _rejections(await admin.statistics(), subscription)
                await asyncio.to_thread(self._write, subscription, document)
                await self._accepted(subscription, before, process=process, admin=admin)

    async def all_accepted(self, *, process: EnvoyProcess, admin: AdminSocket) -> None:
        """Wait until a fresh Envoy runs with every file; raises as `publish` does."""
        for subscription in (Subscription.CLUSTERS, Subscription.LISTENERS):
            await self._accepted(subscription, 0, process=process, admin=admin)

    def _write(self, subscription: Subscription, document: Document) -> None:
        # Noted first: if we are cancelled while the thread writes, the file must count as changed.
        self._written[subscription] = document
        write_private(self._directory / subscription.value, document.content())

    async def _accepted(
        self, subscription: Subscription, before: int, *, process: EnvoyProcess, admin: AdminSocket
    ) -> None:
        try:
            async with asyncio.timeout(ACCEPT_SECONDS):
                while not self._holds(subscription, statistics := await admin.statistics()):
                    if _rejections(statistics, subscription) > before:
                        raise _rejected(subscription, process.complaints())
                    await asyncio.sleep(POLL_SECONDS)
        except TimeoutError:
            reason = f"{subscription.value}: {process.complaints()}"
            raise Unavailable("The edge did not take up its configuration in time.", detail=reason) from None
        # Envoy tells its worker threads after it has noted the version; this lets them get to it.
        await asyncio.sleep(POLL_SECONDS)

    def _holds(self, subscription: Subscription, statistics: dict[str, str]) -> bool:
        """Whether Envoy uses the file as written; also true of a file that no listener refers to yet."""
        wanted = [subscription]
        if subscription is Subscription.LISTENERS:
            if statistics.get("listener_manager.total_listeners_warming") != "0":
                return False
            wanted += [Subscription.ROUTES, Subscription.SECRETS] if self._written[subscription].resources else []
        elif f"{subscription.statistics}update_attempt" not in statistics:
            return True
        return all(statistics.get(f"{each.statistics}version_text") == self._written[each].version for each in wanted)


def _rejections(statistics: dict[str, str], subscription: Subscription) -> int:
    counters = ("update_rejected", "update_failure")
    return sum(int(statistics.get(f"{subscription.statistics}{counter}", "0")) for counter in counters)


def _rejected(subscription: Subscription, reason: str) -> StronghouseError:
    detail = f"{subscription.value}: {reason}"
    if any(failure in reason for failure in _BIND_FAILURES):
        return Unavailable(
            f"The edge cannot listen where it should; is another program using the port? Envoy says: {reason[:500]}",
            code="port_in_use",
            detail=detail,
        )
    return Internal("The edge rejected its new configuration and goes on with the old one.", detail=detail)
