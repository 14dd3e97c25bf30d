"""Proving a second factor, at sign-in and where a fresh proof is asked for."""

from datetime import datetime

from stronghouse.access.factors.apps import AuthenticatorApps, plain_code
from stronghouse.access.factors.model import SecondFactor
from stronghouse.access.factors.passkeys import Passkeys, RelyingParty
from stronghouse.access.factors.ports import Sealing
from stronghouse.access.factors.recovery_codes import spend_code
from stronghouse.audit.unit_of_work import UnitOfWork
from stronghouse.kernel.errors import Unauthenticated
from stronghouse.kernel.secret import Secret

FORM = b"F1"


class SecondFactors:
    """The second factors of all people.

    Args:
        sealer: seals what authenticator apps' codes are made of, and challenges; made with the form `FORM`.
        party: who passkeys are for.
    """

    def __init__(self, sealer: Sealing, party: RelyingParty) -> None:
        self.apps = AuthenticatorApps(sealer)
        self.passkeys = Passkeys(sealer, party)

    def spend_code(self, uow: UnitOfWork, *, user_id: str, code: Secret, now: datetime) -> SecondFactor:
        """Use up a code: of the person's app, or one of their recovery codes; which of the two it was.

        Raises:
            Unauthenticated: it is neither, or was used already; which of these is not said.
        """
        text = plain_code(code.reveal())
        if text is not None:
            if self.apps.spend_code(uow, user_id=user_id, code=text, now=now):
                return SecondFactor.APP
        elif spend_code(uow, user_id=user_id, code=code):
            return SecondFactor.RECOVERY_CODE
        raise Unauthenticated("This code is wrong, or it was used already.", code="second_factor_wrong")
