"""A catalogue with an owner, a user and two roles, for tests of what stands on one."""

import hashlib
from collections.abc import Mapping

from stronghouse.engine.access.catalogue import OWNER, Catalogue, Method, Role, RoleGrant, Targets, User
from stronghouse.engine.access.store import OWNER_ID
from stronghouse.worker.caller import Caller

PASSWORD = "correct horse battery"
ALICE_ID, READER_ID, WRITER_ID, INNER_ID = "a" * 16, "b" * 16, "c" * 16, "d" * 16


def method(password: str = PASSWORD, *, valid_until: int | None = None) -> Method:
    return Method("sha256_password", hashlib.sha256(password.encode()).hexdigest(), "", valid_until)


def alice(**changes: object) -> User:
    fields: Mapping[str, object] = {
        "methods": (method(),),
        "roles": (RoleGrant(READER_ID), RoleGrant(WRITER_ID)),
        "default_roles": Targets(frozenset({READER_ID})),
        **changes,
    }
    return User(ALICE_ID, "alice", **fields)  # type: ignore[arg-type]  # the fields of a test


def catalogue(user: User | None = None, *, generation: int = 1) -> Catalogue:
    user = user or alice()
    roles = {
        READER_ID: Role(READER_ID, "reader", roles=(RoleGrant(INNER_ID),)),
        WRITER_ID: Role(WRITER_ID, "writer"),
        INNER_ID: Role(INNER_ID, "inner"),
    }
    owner = User(OWNER_ID, OWNER, methods=(method("the owner's password"),))
    return Catalogue(generation, users={OWNER_ID: owner, user.id: user}, roles=roles)


def caller(user: User | None = None) -> Caller:
    known = catalogue(user)
    return Caller(known, known.users[ALICE_ID], known.default_roles_of(known.users[ALICE_ID]), "sha256_password")
