"""Passkeys (WebAuthn level 3): what they sign is checked by the library `webauthn`, never by code of our own.

A passkey here always verifies its person, by a finger, a face or a PIN: two factors in one, so it signs in alone.
"""

import json
import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

import webauthn
from sqlalchemy import Connection
from webauthn.authentication.verify_authentication_response import VerifiedAuthentication
from webauthn.helpers import bytes_to_base64url, options_to_json_dict, parse_authentication_credential_json
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)
from webauthn.registration.verify_registration_response import VerifiedRegistration

from stronghouse.access.factors import store
from stronghouse.access.factors.challenges import Challenges, Purpose
from stronghouse.access.factors.model import Passkey
from stronghouse.access.factors.ports import Sealing
from stronghouse.access.model import User
from stronghouse.audit.unit_of_work import UnitOfWork
from stronghouse.kernel.errors import Invalid, TooMany, Unauthenticated
from stronghouse.kernel.ids import new_id

MAX_PASSKEYS = 20
MAX_NAME = 64
NAME = "Stronghouse"
MAX_CREDENTIAL_ID = 1023  # bytes; WebAuthn level 3 section 4


@dataclass(frozen=True)
class RelyingParty:
    """Who passkeys are for: the console's host name, and its origin, port and all."""

    id: str
    origin: str

    @classmethod
    def of(cls, url: str) -> "RelyingParty":
        """That of a console at this address."""
        parts = urlsplit(url)
        return cls(id=parts.hostname or "", origin=f"{parts.scheme}://{parts.netloc}")


@dataclass(frozen=True)
class Ceremony:
    """What the browser is asked to do, as JSON, and the token to send back with its answer."""

    options: dict[str, Any]
    token: str


class PasskeyCloned(Unauthenticated):
    """A passkey signed well, but its counter did not go on: somebody has a copy of it. Code: `passkey_cloned`."""

    def __init__(self, passkey: Passkey) -> None:
        super().__init__(
            "This passkey was refused: its counter went back, as a copy's does. Sign in another way and remove it.",
            code="passkey_cloned",
        )
        self.passkey = passkey


class Passkeys:
    """The passkeys of all people, for one console.

    Args:
        sealer: seals challenges.
        party: who the passkeys are for.
    """

    def __init__(self, sealer: Sealing, party: RelyingParty) -> None:
        self._challenges = Challenges(sealer)
        self._party = party

    def offer(self, connection: Connection, user: User, *, session_id: str, now: datetime) -> Ceremony:
        """What makes a new passkey for a person, which none of their authenticators has one for yet."""
        challenge = self._challenges.issue(Purpose.REGISTER, session_id=session_id, now=now)
        known = store.factors_of(connection, user.id).passkeys
        options = webauthn.generate_registration_options(
            rp_id=self._party.id,
            rp_name=NAME,
            user_name=user.email,
            user_id=uuid.UUID(user.id).bytes,
            user_display_name=user.name or user.email,
            challenge=challenge.value,
            authenticator_selection=AuthenticatorSelectionCriteria(
                resident_key=ResidentKeyRequirement.REQUIRED,
                user_verification=UserVerificationRequirement.REQUIRED,
            ),
            exclude_credentials=[
                PublicKeyCredentialDescriptor(id=webauthn.base64url_to_bytes(one.credential_id)) for one in known
            ],
        )
        return Ceremony(options_to_json_dict(options), challenge.token)

    def keep(
        self,
        uow: UnitOfWork,
        *,
        user_id: str,
        session_id: str,
        token: str,
        answer: str,
        name: str,
        now: datetime,
    ) -> Passkey:
        """Keep the passkey that the browser made.

        Raises:
            Invalid: `passkey_refused`, the answer does not hold or the passkey is known; or the name will not do.
            TooMany: the person has 20.
        """
        name = name.strip()
        if not 1 <= len(name) <= MAX_NAME or not name.isprintable():
            raise Invalid(f"A passkey's name has 1 to {MAX_NAME} printable characters.", code="passkey_name_invalid")
        if len(store.factors_of(uow.connection, user_id).passkeys) >= MAX_PASSKEYS:
            raise TooMany(f"You have {MAX_PASSKEYS} passkeys already; remove one first.", code="passkeys_exhausted")
        try:
            challenge = self._challenges.open(token, Purpose.REGISTER, session_id=session_id, now=now)
            self._challenges.spend(uow.connection, token, Purpose.REGISTER, session_id=session_id, now=now)
        except Unauthenticated as error:
            raise Invalid(error.public, code="passkey_refused") from None
        made = self._registered(answer, challenge)
        passkey = Passkey(
            id=new_id(),
            user_id=user_id,
            credential_id=bytes_to_base64url(made.credential_id),
            public_key=made.credential_public_key,
            sign_count=made.sign_count,
            name=name,
            synced=made.credential_backed_up,
            created_at=now,
            last_used_at=None,
        )
        if store.passkey_of(uow.connection, passkey.credential_id) is not None:
            raise _refused("This passkey is known already.")
        store.insert_passkey(uow.connection, passkey)
        return passkey

    def ask(self, purpose: Purpose, *, session_id: str = "", now: datetime) -> Ceremony:
        """What has a passkey sign: any that the person chooses, so nothing has to be said about who they are."""
        challenge = self._challenges.issue(purpose, session_id=session_id, now=now)
        options = webauthn.generate_authentication_options(
            rp_id=self._party.id,
            challenge=challenge.value,
            user_verification=UserVerificationRequirement.REQUIRED,
        )
        return Ceremony(options_to_json_dict(options), challenge.token)

    def check(
        self,
        uow: UnitOfWork,
        purpose: Purpose,
        *,
        token: str,
        answer: str,
        session_id: str = "",
        owner: str | None = None,
        now: datetime,
    ) -> Passkey:
        """The passkey that signed, of `owner` if one is given; the challenge is used up.

        Raises:
            Unauthenticated: no passkey that is known here signed this challenge for this origin; which of these it was
                is not said.
            PasskeyCloned: one did, with a counter that did not go on.
        """
        challenge = self._challenges.open(token, purpose, session_id=session_id, now=now)
        passkey = _signer(uow.connection, answer)
        if owner not in {None, passkey.user_id}:
            raise _wrong()
        signed = self._signed(answer, challenge, passkey)
        self._challenges.spend(uow.connection, token, purpose, session_id=session_id, now=now)
        if max(signed.new_sign_count, passkey.sign_count) > 0 and signed.new_sign_count <= passkey.sign_count:
            raise PasskeyCloned(passkey)
        store.mark_passkey_used(uow.connection, passkey_id=passkey.id, sign_count=signed.new_sign_count, now=now)
        return passkey

    def _registered(self, answer: str, challenge: bytes) -> VerifiedRegistration:
        try:
            return webauthn.verify_registration_response(
                credential=answer,
                expected_challenge=challenge,
                expected_rp_id=self._party.id,
                expected_origin=self._party.origin,
                require_user_verification=True,
            )
        except Exception as error:  # noqa: BLE001 - whatever a parser of strangers' input raises means no
            raise _refused("The answer of the browser or the key was not accepted.", error) from None

    def _signed(self, answer: str, challenge: bytes, passkey: Passkey) -> VerifiedAuthentication:
        try:
            return webauthn.verify_authentication_response(
                credential=answer,
                expected_challenge=challenge,
                expected_rp_id=self._party.id,
                expected_origin=self._party.origin,
                credential_public_key=passkey.public_key,
                credential_current_sign_count=0,  # compared by the caller, who tells a copy from a forgery
                require_user_verification=True,
            )
        except Exception as error:  # noqa: BLE001 - as above
            raise _wrong(error) from None


def _signer(connection: Connection, answer: str) -> Passkey:
    """The passkey that an answer says it is of, if it is its owner's too."""
    try:
        parsed = parse_authentication_credential_json(json.loads(answer))
    except Exception as error:  # noqa: BLE001 - as above
        raise _wrong(error) from None
    if len(parsed.raw_id) > MAX_CREDENTIAL_ID:
        raise _wrong()
    passkey = store.passkey_of(connection, bytes_to_base64url(parsed.raw_id))
    if passkey is None or parsed.response.user_handle != uuid.UUID(passkey.user_id).bytes:
        raise _wrong()
    return passkey


def _refused(sentence: str, cause: Exception | None = None) -> Invalid:
    return Invalid(sentence, code="passkey_refused", detail=None if cause is None else repr(cause))


def _wrong(cause: Exception | None = None) -> Unauthenticated:
    return Unauthenticated(
        "This passkey was not accepted.", code="passkey_wrong", detail=None if cause is None else repr(cause)
    )
