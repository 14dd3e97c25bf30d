"""Looks at what is on file: the rows of every organization, and whether each sealed file still opens and has its hash.

A file that was not verified since the process started is always opened; of the others so many as fit in a budget, those
first that were not opened for longest.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from datetime import datetime

from sqlalchemy import Connection

from stronghouse.kernel.canonical import Json
from stronghouse.kernel.clock import Clock
from stronghouse.organizations import store as organizations
from stronghouse.regions.actions import find_agents, find_regions
from stronghouse.responsibility.documents import store
from stronghouse.responsibility.documents.files import FileDamaged, SealedFiles
from stronghouse.responsibility.documents.model import Document, DocumentRequest, Provider, Review, Scope
from stronghouse.responsibility.documents.standing import FileLook, asked_for, request_fields
from stronghouse.responsibility.facts import Facts, Resource

VERSION = 1
METHOD = (
    "For each request and organization the newest document and its last review are read from the database; the sealed "
    "file of each is opened and its content hashed. Hosting is what the operator declared for each region."
)
BUDGET_BYTES = 1024**3


class DocumentCollector:
    """Collects facts about documents; remembers when it verified which file.

    Args:
        read: gives a snapshot of the database to read from.
        requests: what must be on file.
        files: the sealed files.
        clock: the time.
    """

    def __init__(
        self,
        read: Callable[[], AbstractContextManager[Connection]],
        *,
        requests: Mapping[str, DocumentRequest],
        files: SealedFiles,
        clock: Clock,
    ) -> None:
        self._read = read
        self._requests = requests
        self._files = files
        self._clock = clock
        self._verified: dict[str, datetime] = {}

    def collect(self) -> Facts:
        """Facts about all organizations, and about the hosting of each region."""
        with self._read() as connection:
            current, reviews = store.current(connection), store.last_reviews(connection)
            hosting = store.hosting(connection)
            machines = Counter(agent.region_id for agent in find_agents(connection))
            regions = {region.id: machines[region.id] for region in find_regions(connection)}
            known = [organization.id for organization in organizations.every_organization(connection)]
        looks = self._look_at(current.values())
        resources = [*_hosting(regions, hosting), *self._standing(known, current, reviews, looks, hosting)]
        return Facts(
            collector="documents",
            version=VERSION,
            method=METHOD,
            target="documents on file",
            collected_at=self._clock.now(),
            resources=tuple(resources),
        )

    def _standing(
        self,
        known: list[str],
        current: Mapping[tuple[str, str], Document],
        reviews: Mapping[str, Review],
        looks: Mapping[str, FileLook],
        hosting: Mapping[str, Provider],
    ) -> Iterator[Resource]:
        for request in self._requests.values():
            shared = request.scope is Scope.INSTALLATION
            for owner in known[:1] if shared else known:
                document = current.get((owner, request.id))
                yield Resource(
                    request_fields(
                        request,
                        organization_id=None if shared else owner,
                        current=document,
                        review=None if document is None else reviews.get(document.id),
                        look=None if document is None else looks.get(document.id),
                        applies=asked_for(request, hosting.values()),
                    )
                )

    def _look_at(self, documents: Iterable[Document]) -> dict[str, FileLook]:
        with_file = {document.id: document for document in documents if document.file}
        self._verified = {name: at for name, at in self._verified.items() if name in with_file}
        fresh = [document for name, document in with_file.items() if name not in self._verified]
        oldest = sorted(self._verified, key=lambda name: self._verified[name])
        looks = {document.id: self._verify(document) for document in fresh}
        budget = BUDGET_BYTES
        for name in oldest:
            document = with_file[name]
            budget -= document.file.size if document.file else 0
            looks[name] = self._verify(document) if budget >= 0 else FileLook(self._verified[name], None)
        return looks

    def _verify(self, document: Document) -> FileLook:
        try:
            self._files.verify(document)
        except FileDamaged as error:
            self._verified.pop(document.id, None)
            return FileLook(None, error.problem)
        self._verified[document.id] = self._clock.now()
        return FileLook(self._verified[document.id], None)


def _hosting(regions: Mapping[str, int], hosting: Mapping[str, Provider]) -> Iterator[Resource]:
    for region, machines in regions.items():
        provider = hosting.get(region)
        declared: Json = None if provider is None else provider.value
        fields: dict[str, Json] = {"region": region, "provider": declared, "machines": machines}
        yield Resource({"id": f"hosting/{region}", "kind": "hosting", **fields})
