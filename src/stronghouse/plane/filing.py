"""Filing a document: one upload, by whichever way it comes."""

from collections.abc import Mapping
from datetime import date

from stronghouse.audit.event import Context
from stronghouse.kernel.errors import Invalid
from stronghouse.kernel.ids import new_id
from stronghouse.plane.parts import ControlPlane
from stronghouse.plane.uploads import Attached
from stronghouse.responsibility.documents import actions
from stronghouse.responsibility.documents.files import SealedWriter
from stronghouse.responsibility.documents.model import Document, NewDocument, StoredFile


class Filing:
    """One upload: what was begun is put in its place and recorded, or leaves nothing."""

    def __init__(self, plane: ControlPlane, context: Context, organization_id: str) -> None:
        self._plane = plane
        self._context = context
        self._organization_id = organization_id
        self._document_id = new_id()
        self._attached: Attached | None = None
        self._writer: SealedWriter | None = None

    def begin(self, fields: Mapping[str, str], attached: Attached) -> SealedWriter:
        """The file arrives: refuse what may not be filed before taking any of it."""
        self._attached = attached
        plane = self._plane
        with plane.database.read() as connection:
            actions.check_new(
                connection,
                self._new(fields),
                requests=plane.documents.requests,
                organization_id=self._organization_id,
                now=plane.clock.now(),
            )
        self._writer = plane.documents.files.begin(self._document_id, self._organization_id)
        return self._writer

    def finish(self, fields: Mapping[str, str]) -> Document:
        """Everything has arrived: the file first, then the row that names it."""
        stored: StoredFile | None = self._writer.finish() if self._writer else None
        with self._plane.audit.unit_of_work(self._context) as uow:
            filed = actions.file_document(
                uow,
                self._new(fields),
                stored,
                document_id=self._document_id,
                requests=self._plane.documents.requests,
                organization_id=self._organization_id,
                now=self._plane.clock.now(),
            )
        self._writer = None  # committed: from here on the file stays, whatever happens to the answer
        return filed

    def discard(self) -> None:
        """Leave nothing."""
        if self._writer is not None:
            self._writer.discard()

    def _new(self, fields: Mapping[str, str]) -> NewDocument:
        until = fields.get("validUntil")
        return NewDocument(
            request_id=fields.get("request", ""),
            document_date=_date("date", fields["date"]) if "date" in fields else self._plane.clock.now().date(),
            valid_until=_date("validUntil", until) if until else None,
            note=fields.get("note", ""),
            file_name=self._attached.name if self._attached else None,
            media_type=self._attached.media_type if self._attached else None,
        )


def _date(name: str, text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise Invalid(f"{name} is a date, as in 2026-11-23.", code="date_invalid") from None
