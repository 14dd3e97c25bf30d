"""Whether somebody may still do what was decided a moment ago, asked again where it is done.

A decision is made from what one snapshot says. Until the change is written others may have changed who may do what: a
writer waits for its turn, and an upload for its bytes. So each transaction of a caller begins with this question.
"""

from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import Connection

from stronghouse.access.events import AccessDenied
from stronghouse.access.model import Principal
from stronghouse.audit.event import Context, Outcome
from stronghouse.audit.throttle import Throttle
from stronghouse.audit.unit_of_work import AuditLog
from stronghouse.kernel.errors import Conflict, Denied


@dataclass(frozen=True)
class LiveCaller:
    """The guard of one request.

    Attributes:
        principal: who the request was let in as.
        again: authenticates the same credentials anew, from what the transaction sees.
        audit, refusals: where a denial is recorded, and how often.
        context: of the request, without a guard.
        organization_id: where it acts; None where that is not about one.
        request: its method and route.
    """

    principal: Principal
    again: Callable[[Connection], Principal]
    audit: AuditLog
    refusals: Throttle
    context: Context
    organization_id: str | None
    request: str

    def check(self, connection: Connection) -> None:
        """Raise unless the credentials hold and allow what they allowed.

        Raises:
            Unauthenticated, Denied: they do not hold any more.
            Conflict: they allow something else than before.
        """
        now = self.again(connection)
        if now.rights != self.principal.rights:
            raise Conflict(
                "What you may do has changed while this waited, so nothing was done; look again.", code="rights_changed"
            )

    def refused(self, error: Denied) -> None:
        """Record what was denied within an act, at most once in ten seconds for one reason of one caller."""
        if not self.refusals.is_news((self.principal.actor.id, error.code, self.request)):
            return
        with self.audit.unit_of_work(self.context) as uow:
            uow.record(
                AccessDenied(
                    organization_id=self.organization_id,
                    outcome=Outcome.DENIED,
                    permission="",
                    request=self.request,
                    reason=error.code,
                )
            )
