"""Codes for whoever lost their other factors: ten, shown once, kept as hashes, each good for one use."""

import secrets
from datetime import datetime

from stronghouse.access.api_keys import hash_text
from stronghouse.access.factors import store
from stronghouse.access.factors.events import RecoveryCodesMade, RecoveryCodeUsed
from stronghouse.access.store import places
from stronghouse.audit.unit_of_work import UnitOfWork
from stronghouse.kernel.secret import Secret

CODES = 10
ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford's base32: nothing that looks like something else
LENGTH, GROUP = 16, 4  # 80 random bits: enough for a plain hash
_ALIKE = str.maketrans({"o": "0", "i": "1", "l": "1", " ": None, "-": None})


def make_codes(uow: UnitOfWork, *, user_id: str, now: datetime) -> list[Secret]:
    """New codes for a person; those that they had stop working."""
    codes = ["".join(secrets.choice(ALPHABET) for _ in range(LENGTH)) for _ in range(CODES)]
    store.replace_codes(uow.connection, [_hashed(user_id, code) for code in codes], user_id=user_id, now=now)
    for organization_id in places(uow.connection, user_id):
        uow.record(RecoveryCodesMade(organization_id=organization_id, user_id=user_id, codes=len(codes)))
    return [Secret("-".join(code[at : at + GROUP] for at in range(0, LENGTH, GROUP))) for code in codes]


def spend_code(uow: UnitOfWork, *, user_id: str, code: Secret) -> bool:
    """Whether this is an unused code of the person; it is used up with that."""
    text = code.reveal().strip().lower().translate(_ALIKE)
    if not store.delete_code(uow.connection, user_id=user_id, code_hash=_hashed(user_id, text)):
        return False
    left = store.factors_of(uow.connection, user_id).recovery_codes
    for organization_id in places(uow.connection, user_id):
        uow.record(RecoveryCodeUsed(organization_id=organization_id, user_id=user_id, left=left))
    return True


def _hashed(user_id: str, code: str) -> str:
    return hash_text(f"recovery code\n{user_id}\n{code}")
