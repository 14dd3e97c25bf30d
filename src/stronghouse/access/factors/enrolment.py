"""Setting up second factors and taking them away."""

from datetime import datetime

from stronghouse.access import store
from stronghouse.access.authentication import UserCaller, require_proven_session
from stronghouse.access.factors import store as factor_store
from stronghouse.access.factors.events import FactorEnrolled, FactorRemoved, FactorsReset
from stronghouse.access.factors.model import SecondFactor
from stronghouse.access.factors.proving import SecondFactors
from stronghouse.access.factors.recovery_codes import make_codes
from stronghouse.audit.unit_of_work import UnitOfWork
from stronghouse.kernel.errors import Conflict, NotFound
from stronghouse.kernel.secret import Secret


def enroll_app(
    uow: UnitOfWork, caller: UserCaller, factors: SecondFactors, *, token: str, code: str, now: datetime
) -> list[Secret]:
    """Set up the app that was offered, for whoever shows its code; the recovery codes, if they had none.

    The caller's other sessions end: they began without this factor.

    Raises:
        StepUpRequired: the last proof is too old.
        Invalid: the code is wrong, or another session was offered the app.
        Unauthenticated: the session has ended.
    """
    require_proven_session(uow.connection, caller, now=now)
    stored = factors.apps.keep(
        uow, user_id=caller.user.id, session_id=caller.session.id, token=token, code=code, now=now
    )
    return _enrolled(uow, caller, SecondFactor.APP, name=None, stored=stored, now=now)


def remove_app(uow: UnitOfWork, caller: UserCaller, *, now: datetime) -> None:
    """Remove the caller's app; without another factor their recovery codes go too.

    Raises:
        StepUpRequired: the last proof is too old.
        Conflict: they have none, or it is the last one and an organization of theirs requires one.
        Unauthenticated: the session has ended.
    """
    require_proven_session(uow.connection, caller, now=now)
    gone = factor_store.delete_app(uow.connection, caller.user.id)
    if gone is None:
        raise Conflict("You have no authenticator app.", code="factor_missing")
    _removed(uow, caller, SecondFactor.APP, name=None, stored=gone.sealed_secret, now=now)


def register_passkey(
    uow: UnitOfWork,
    caller: UserCaller,
    factors: SecondFactors,
    *,
    token: str,
    answer: str,
    name: str,
    now: datetime,
) -> list[Secret]:
    """Keep a passkey that the caller's browser made; the recovery codes, if they had none. Other sessions end.

    Raises:
        StepUpRequired: the last proof is too old.
        Invalid, TooMany: as `Passkeys.keep` says.
        Unauthenticated: the session has ended.
    """
    require_proven_session(uow.connection, caller, now=now)
    made = factors.passkeys.keep(
        uow, user_id=caller.user.id, session_id=caller.session.id, token=token, answer=answer, name=name, now=now
    )
    return _enrolled(uow, caller, SecondFactor.PASSKEY, name=made.name, stored=made.public_key, now=now)


def remove_passkey(uow: UnitOfWork, caller: UserCaller, *, passkey_id: str, now: datetime) -> None:
    """Remove one of the caller's passkeys; without another factor their recovery codes go too.

    Raises:
        StepUpRequired: the last proof is too old.
        NotFound: they have no such passkey.
        Conflict: it is the last factor and an organization of theirs requires one.
        Unauthenticated: the session has ended.
    """
    require_proven_session(uow.connection, caller, now=now)
    gone = factor_store.delete_passkey(uow.connection, user_id=caller.user.id, passkey_id=passkey_id)
    if gone is None:
        raise NotFound("You have no such passkey.")
    _removed(uow, caller, SecondFactor.PASSKEY, name=gone.name, stored=gone.public_key, now=now)


def renew_codes(uow: UnitOfWork, caller: UserCaller, *, now: datetime) -> list[Secret]:
    """New recovery codes in place of the caller's.

    Raises:
        StepUpRequired: the last proof is too old.
        Conflict: they have no second factor that codes could stand in for.
        Unauthenticated: the session has ended.
    """
    require_proven_session(uow.connection, caller, now=now)
    if not factor_store.factors_of(uow.connection, caller.user.id).enrolled:
        raise Conflict("Recovery codes stand in for a second factor; set one up first.", code="factor_missing")
    return make_codes(uow, user_id=caller.user.id, now=now)


def reset_factors(uow: UnitOfWork, *, email: str) -> tuple[SecondFactor, ...]:
    """Take all second factors and the password from a person who is locked out; which factors they had.

    Sessions and unused links end. The password goes too: whoever set the factors up may have chosen it.

    Raises:
        NotFound: nobody has this address.
        Conflict: they have no second factor.
    """
    user = store.user_by_email(uow.connection, email.strip())
    if user is None:
        raise NotFound("Nobody has this e-mail address.")
    kinds = factor_store.factors_of(uow.connection, user.id).kinds
    if not kinds:
        raise Conflict(f"{user.email} has no second factor.", code="factor_missing")
    factor_store.delete_all(uow.connection, user_id=user.id)
    store.set_password_hash(uow.connection, user_id=user.id, password_hash=None)
    sessions = store.end_sessions(uow.connection, user_id=user.id)
    store.delete_sign_in_links(uow.connection, user_id=user.id)
    for organization_id in store.places(uow.connection, user.id):
        uow.record(FactorsReset(organization_id=organization_id, user_id=user.id, factors=[*kinds], sessions=sessions))
    return kinds


def _enrolled(
    uow: UnitOfWork, caller: UserCaller, factor: SecondFactor, *, name: str | None, stored: bytes, now: datetime
) -> list[Secret]:
    connection, user_id = uow.connection, caller.user.id
    store.mark_second_factor(connection, session_id=caller.session.id, factor=factor)
    store.end_sessions(connection, user_id=user_id, but=caller.session.id)
    factor_store.delete_pendings(connection, user_id=user_id)
    for organization_id in store.places(connection, user_id):
        uow.record(
            FactorEnrolled(
                organization_id=organization_id,
                user_id=user_id,
                factor=factor,
                name=name,
                credential=factor_store.fingerprint(stored),
            )
        )
    if factor_store.factors_of(connection, user_id).recovery_codes:
        return []
    return make_codes(uow, user_id=user_id, now=now)


def _removed(
    uow: UnitOfWork, caller: UserCaller, factor: SecondFactor, *, name: str | None, stored: bytes, now: datetime
) -> None:
    connection, user_id = uow.connection, caller.user.id
    if not factor_store.factors_of(connection, user_id).enrolled:
        if store.strictest_policy(connection, user_id).second_factor_required:
            raise Conflict(
                "Your organization requires a second factor; set up another before you remove this one.",
                code="factor_required",
            )
        factor_store.replace_codes(connection, [], user_id=user_id, now=now)
        store.forget_second_factors(connection, user_id=user_id)
    for organization_id in store.places(connection, user_id):
        uow.record(
            FactorRemoved(
                organization_id=organization_id,
                user_id=user_id,
                factor=factor,
                name=name,
                credential=factor_store.fingerprint(stored),
            )
        )
