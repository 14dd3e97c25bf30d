"""Ending the sessions of somebody else, as who manages an organization's members may."""

from stronghouse.access import store
from stronghouse.access.events import MemberSessionsEnded
from stronghouse.access.factors import store as factor_store
from stronghouse.access.model import Principal
from stronghouse.access.roles.changes import actor_of
from stronghouse.access.roles.holding import standing
from stronghouse.audit.unit_of_work import UnitOfWork
from stronghouse.kernel.errors import Denied, NotFound


def end_member_session(
    uow: UnitOfWork, *, organization_id: str, user_id: str, session_id: str, editor: Principal
) -> None:
    """End one session of a member; it is refused on its next request.

    Raises:
        NotFound: there is no such member, or they have no such session.
        Denied: they may do more than the editor.
    """
    _check_reach(uow, organization_id=organization_id, user_id=user_id, editor=editor)
    if store.session_of(uow.connection, user_id=user_id, session_id=session_id) is None:
        raise NotFound("They have no such session.")
    store.delete_session(uow.connection, session_id)
    _record(uow, user_id=user_id, session_id=session_id, sessions=1)


def end_member_sessions(uow: UnitOfWork, *, organization_id: str, user_id: str, editor: Principal) -> int:
    """End all sessions of a member, and their unused links; how many sessions.

    Raises:
        NotFound: there is no such member.
        Denied: they may do more than the editor.
    """
    _check_reach(uow, organization_id=organization_id, user_id=user_id, editor=editor)
    ended = store.end_sessions(uow.connection, user_id=user_id)
    store.delete_sign_in_links(uow.connection, user_id=user_id)
    factor_store.delete_pendings(uow.connection, user_id=user_id)
    _record(uow, user_id=user_id, session_id=None, sessions=ended)
    return ended


def _check_reach(uow: UnitOfWork, *, organization_id: str, user_id: str, editor: Principal) -> None:
    present, actor = standing(uow.connection, organization_id), f"user/{user_id}"
    if actor not in present.holders:
        raise NotFound("There is no such member.")
    more = editor.rights_in(organization_id).lacking(present.rights(actor))
    if more is not None and actor != actor_of(editor):
        raise Denied(f"You cannot sign out somebody who may do more than you: {more}.", code="holder_exceeds_own")


def _record(uow: UnitOfWork, *, user_id: str, session_id: str | None, sessions: int) -> None:
    for organization_id in store.places(uow.connection, user_id):
        uow.record(
            MemberSessionsEnded(
                organization_id=organization_id, user_id=user_id, session_id=session_id, sessions=sessions
            )
        )
