"""What may be done with authenticator apps: set one up, prove its code."""

import base64
import binascii
import re
from dataclasses import dataclass
from datetime import datetime

from stronghouse.access.factors import store, totp
from stronghouse.access.factors.model import AuthenticatorApp
from stronghouse.access.factors.ports import Sealing
from stronghouse.access.model import User
from stronghouse.audit.unit_of_work import UnitOfWork
from stronghouse.kernel.errors import Invalid, StronghouseError
from stronghouse.kernel.secret import Secret

_CODE = re.compile(r"[0-9]{6}", re.ASCII)


@dataclass(frozen=True)
class AppOffer:
    """A secret for an app, until the person proves that their app has it.

    Attributes:
        address: what the QR code holds.
        text: the secret for who types it.
        token: the same secret, sealed for this session of this person, to come back with the first code.
    """

    address: Secret
    text: Secret
    token: str


class AuthenticatorApps:
    """The apps of all people, whose secrets `sealer` seals."""

    def __init__(self, sealer: Sealing) -> None:
        self._sealer = sealer

    def offer(self, user: User, *, session_id: str) -> AppOffer:
        """A new secret; nothing is kept of it until its first code comes back."""
        return self._offer(user, totp.new_secret(), session_id=session_id)

    def offer_again(self, user: User, *, token: str, session_id: str) -> AppOffer:
        """The secret that was offered before; raises Invalid for what was not offered in this session."""
        return self._offer(user, self._offered(user.id, token, session_id), session_id=session_id)

    def keep(self, uow: UnitOfWork, *, user_id: str, session_id: str, token: str, code: str, now: datetime) -> bytes:
        """Keep the secret that was offered, in place of an app that they had. The code is used up.

        Returns the sealed secret, as it is stored.

        Raises:
            Invalid: `code_wrong`, it is not the code of the app now; or nothing of the kind was offered.
        """
        secret = self._offered(user_id, token, session_id)
        text = plain_code(code)
        step = None if text is None else totp.matching_step(secret, text, now=now)
        known = store.factors_of(uow.connection, user_id).app
        used = known is not None and self._secret(known) == secret and step is not None and step <= known.last_step
        if step is None or used:
            raise Invalid(
                "This is not the code that the app shows now. If it is, set the clock of the device right.",
                code="code_wrong",
            )
        sealed = self._sealer.seal(secret, _bound(user_id))
        store.replace_app(
            uow.connection,
            AuthenticatorApp(user_id, sealed, created_at=now, last_step=step, last_used_at=now),
        )
        return sealed

    def spend_code(self, uow: UnitOfWork, *, user_id: str, code: str, now: datetime) -> bool:
        """Whether this is an unused code of the person's app, at most one step early or late; it is used up then."""
        app = store.factors_of(uow.connection, user_id).app
        if app is None:
            return False
        step = totp.matching_step(self._secret(app), code, now=now)
        return step is not None and store.use_app_step(uow.connection, user_id=user_id, step=step, now=now)

    def _secret(self, app: AuthenticatorApp) -> bytes:
        return self._sealer.open(app.sealed_secret, _bound(app.user_id))

    def _offer(self, user: User, secret: bytes, *, session_id: str) -> AppOffer:
        sealed = self._sealer.seal(secret, _offered_to(user.id, session_id))
        return AppOffer(
            address=Secret(totp.address(secret, account=user.email)),
            text=Secret(totp.shown(secret)),
            token=base64.urlsafe_b64encode(sealed).decode(),
        )

    def _offered(self, user_id: str, token: str, session_id: str) -> bytes:
        try:
            return self._sealer.open(base64.urlsafe_b64decode(token.encode()), _offered_to(user_id, session_id))
        except (binascii.Error, ValueError, StronghouseError):
            raise Invalid("This form is of another session; open the page anew.", code="offer_unknown") from None


def plain_code(code: str) -> str | None:
    """The digits of a code without the spaces that apps show; None for what is none."""
    digits = "".join(code.split())
    return digits if _CODE.fullmatch(digits) else None


def _bound(user_id: str) -> dict[str, str]:
    return {"use": "authenticator app", "person": user_id}


def _offered_to(user_id: str, session_id: str) -> dict[str, str]:
    return {"use": "offer of an authenticator app", "person": user_id, "session": session_id}
