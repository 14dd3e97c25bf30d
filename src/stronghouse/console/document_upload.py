"""A form with a file on its way in, of which nothing is kept before it is known to come from a page of this origin."""

from collections.abc import Mapping

from stronghouse.access.permissions import Permission
from stronghouse.console.binding import binding_in
from stronghouse.console.state import Visit, check_bound
from stronghouse.plane.filing import Filing
from stronghouse.plane.uploads import Attached, Sink


class Upload:
    """What a person files for one request.

    `fields` are those that have arrived, to be shown again. Until `is_bound`, whoever sent the form is shown nothing:
    it may come from somebody who has the cookie and no more.
    """

    def __init__(self, visitor: Visit, request_id: str, *, is_bound: bool) -> None:
        self.fields: dict[str, str] = {}
        self.is_bound = is_bound
        self._visitor = visitor
        self._request_id = request_id
        self._filing = Filing(visitor.plane, visitor.context, visitor.organization_id)

    def begin(self, told: Mapping[str, str], attached: Attached) -> Sink:
        """The fields before the file are known, and the file arrives."""
        return self._filing.begin(self._checked(told), attached)

    def finish(self, told: Mapping[str, str]) -> None:
        """Everything has arrived, perhaps without a file."""
        self._filing.finish(self._checked(told))

    def discard(self) -> None:
        """Leave nothing."""
        self._filing.discard()

    def _checked(self, told: Mapping[str, str]) -> dict[str, str]:
        self.fields = {**told, "request": self._request_id}
        check_bound(self._visitor, binding_in(told), Permission.DOCUMENTS_MANAGE)
        self.is_bound = True
        return self.fields
