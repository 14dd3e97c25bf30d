"""Second factors for tests: the app on somebody's phone, and a key that makes passkeys."""

import base64
import hashlib
import json
import secrets
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import cbor2
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA1, SHA256
from cryptography.hazmat.primitives.twofactor.totp import TOTP

from stronghouse.access import authentication, people
from stronghouse.access.factors import enrolment
from stronghouse.audit.event import SYSTEM, Context
from stronghouse.plane.parts import ControlPlane


@dataclass
class Phone:
    """An app that was given a secret as text."""

    text: str

    def code(self, now: datetime) -> str:
        """What it shows."""
        key = base64.b32decode(self.text)
        return TOTP(key, 6, SHA1(), 30).generate(int(now.timestamp())).decode()  # noqa: S303 - as apps do


def set_up_app(control: ControlPlane, new: people.NewSession, *, now: datetime) -> tuple[Phone, list[str]]:
    """Set up an app in a session that has just begun; the phone, and the recovery codes."""
    with control.audit.unit_of_work(Context(SYSTEM)) as uow:
        caller = authentication.authenticate_session(
            uow.connection, token=new.token, user_agent=new.session.user_agent, now=now
        )
        offer = control.factors.apps.offer(caller.user, session_id=caller.session.id)
        phone = Phone(offer.text.reveal())
        codes = enrolment.enroll_app(uow, caller, control.factors, token=offer.token, code=phone.code(now), now=now)
    return phone, [code.reveal() for code in codes]


def encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


@dataclass
class Authenticator:
    """What a browser and an authenticator answer (WebAuthn level 3, sections 6.1 and 6.5), with one ES256 key."""

    origin: str
    rp_id: str = "localhost"
    verified: bool = True
    counter: int = 1
    owner: bytes = b""
    id: bytes = field(default_factory=lambda: secrets.token_bytes(32))
    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))

    def make(self, options: Any, **changes: Any) -> str:
        """The answer to what makes a passkey, as JSON."""
        self.owner = base64.urlsafe_b64decode(options["user"]["id"] + "==")
        numbers = self.key.public_key().public_numbers()
        x, y = (one.to_bytes(32, "big") for one in (numbers.x, numbers.y))
        public = cbor2.dumps({1: 2, 3: -7, -1: 1, -2: x, -3: y})
        data = self._data(0x41, bytes(16) + len(self.id).to_bytes(2, "big") + self.id + public)
        made = {
            "clientDataJSON": encoded(self._client("webauthn.create", options, changes)),
            "attestationObject": encoded(cbor2.dumps({"fmt": "none", "attStmt": {}, "authData": data})),
        }
        return self._answer(made)

    def sign(self, options: Any, **changes: Any) -> str:
        """The answer to a challenge, as JSON."""
        data, client = self._data(0x01), self._client("webauthn.get", options, changes)
        signature = self.key.sign(data + hashlib.sha256(client).digest(), ec.ECDSA(SHA256()))
        signed = {
            "clientDataJSON": encoded(client),
            "authenticatorData": encoded(data),
            "signature": encoded(signature),
            "userHandle": encoded(self.owner),
        }
        return self._answer(signed)

    def _data(self, flags: int, attested: bytes = b"") -> bytes:
        flags |= 0x04 if self.verified else 0
        hashed = hashlib.sha256(self.rp_id.encode()).digest()
        return hashed + bytes([flags]) + self.counter.to_bytes(4, "big") + attested

    def _client(self, kind: str, options: Any, changes: dict[str, Any]) -> bytes:
        told = {"type": kind, "challenge": options["challenge"], "origin": self.origin, "crossOrigin": False}
        return json.dumps({**told, **changes}).encode()

    def _answer(self, response: dict[str, str]) -> str:
        named = {"id": encoded(self.id), "rawId": encoded(self.id), "type": "public-key"}
        return json.dumps({**named, "response": response, "clientExtensionResults": {}})
