"""Who may do what is decided as reading the policies one by one would decide it."""

from collections.abc import Iterable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stronghouse.access.permissions import INCLUDED, Permission
from stronghouse.access.roles.policies import (
    EVERY_SERVICE,
    NOTHING,
    Effect,
    Policy,
    Rights,
    Role,
    explained,
    rights_of,
)
from stronghouse.access.roles.system import ADMIN, DEVELOPER, MEMBER, SYSTEM_ROLES
from tests.support.roles import role_of, role_without

ORGANIZATION = "organization/0197c0de-0000-7000-8000-000000000000"
SERVICES = [f"0197c0de-0000-7000-8000-00000000000{number}" for number in range(1, 5)]
RESOURCES = [ORGANIZATION, EVERY_SERVICE, *(f"instance/{one}" for one in SERVICES[:3])]
"""The last service is one that no policy names."""


def reference(policies: Iterable[Policy], permission: Permission, service_id: str) -> bool:
    """Whether the policies allow it, as the Cloud's documentation says it, with no thought of speed."""
    about_organization = permission.startswith(("control-plane:organization:", "control-plane:support:"))
    matching = {ORGANIZATION} if about_organization else {"instance/*", f"instance/{service_id}"}
    allowed = False
    for policy in policies:
        said = list(policy.permissions)
        for one in policy.permissions:
            said.extend(INCLUDED.get(one, ()))
        if permission not in said:
            continue
        if not any(resource in matching for resource in policy.resources):
            continue
        if policy.effect == "DENY":
            return False
        allowed = True
    return allowed


policy = st.builds(
    Policy,
    id=st.just("policy"),
    effect=st.sampled_from([Effect.ALLOW, Effect.ALLOW, Effect.DENY]),
    permissions=st.lists(st.sampled_from(Permission), min_size=1, max_size=12, unique=True).map(tuple),
    resources=st.lists(st.sampled_from(RESOURCES), min_size=1, max_size=3, unique=True).map(tuple),
)
many = st.lists(policy, min_size=10, max_size=14)
few = st.lists(policy, max_size=3)


def roles_with(policies: list[Policy]) -> list[Role]:
    """The policies in three roles, as somebody may hold them."""
    return [Role(f"role {part}", f"role {part}", tuple(policies[part::3])) for part in range(3)]


@pytest.mark.slow  # ten thousand policies
@settings(max_examples=1000, deadline=None)
@given(many)
def test_rights_and_explanations_agree_with_the_reference(policies: list[Policy]) -> None:
    roles = roles_with(policies)
    rights = rights_of(roles)
    for permission in Permission:
        for service_id in SERVICES:
            expected = reference(policies, permission, service_id)
            assert rights.may(permission, service_id) == expected
            assert explained(roles, permission, service_id).allowed == expected
            assert (service_id in rights.services_with(permission)) == (
                expected if permission.scope == "service" else False
            )
        somewhere = any(reference(policies, permission, service_id) for service_id in SERVICES)
        assert rights.may(permission) == somewhere


@settings(max_examples=300, deadline=None)
@given(few, few, few)
def test_what_one_lacks_of_another_is_what_the_reference_says(
    mine: list[Policy], theirs: list[Policy], known: list[Policy]
) -> None:
    own, other, beyond = (rights_of(roles_with(one)) for one in (mine, theirs, known))
    missing = {
        permission
        for permission in Permission
        for service_id in SERVICES
        if reference(theirs, permission, service_id)
        and not reference(mine, permission, service_id)
        and not reference(known, permission, service_id)
    }
    assert own.lacking(other, beyond=beyond) == min(missing, default=None)
    assert own.cover(other, beyond=beyond) == (not missing)


def test_a_denial_wins_wherever_it_stands() -> None:
    denial = Policy("1", Effect.DENY, (Permission.SERVICE_MANAGE,), (f"instance/{SERVICES[0]}",))
    denying = Role("denying", "denying", (denial,))
    for roles in ([ADMIN, denying], [denying, ADMIN]):
        rights = rights_of(roles)
        assert not rights.may(Permission.SERVICE_MANAGE, SERVICES[0])
        assert rights.may(Permission.SERVICE_MANAGE, SERVICES[1])
        decision = explained(roles, Permission.SERVICE_MANAGE, SERVICES[0])
        assert (decision.allowed, decision.role, decision.position) == (False, denying, 1)


def test_a_wide_permission_includes_what_the_cloud_has_no_name_for_and_denying_it_denies_that_too() -> None:
    wide = role_of("wide", [Permission.ORGANIZATION_MANAGE])
    assert rights_of([wide]).may(Permission.ROLES_MANAGE)
    denied = role_without(Permission.ROLES_MANAGE)
    assert not rights_of([wide, denied]).may(Permission.ROLES_MANAGE)
    narrow = Policy("1", Effect.DENY, (Permission.ORGANIZATION_MANAGE,), (ORGANIZATION,))
    assert not rights_of([ADMIN, Role("none", "none", (narrow,))]).may(Permission.ROLES_MANAGE)


def test_nothing_is_allowed_by_nobody() -> None:
    assert rights_of([]) == NOTHING == Rights()
    assert not any(NOTHING.may(permission) for permission in Permission)
    decision = explained([], Permission.ORGANIZATION_VIEW)
    assert (decision.allowed, decision.role, decision.policy, decision.position) == (False, None, None, None)


def test_the_system_roles_are_what_they_were() -> None:
    """Their ids are in clients' configurations; what they hold among others is in `golden/authz_matrix.txt`."""
    assert len(SYSTEM_ROLES) == 6
    assert ADMIN.id == "f2d5b16a-1839-5aa1-962f-c8b8bc7c2a99"
    assert rights_of([ADMIN]).all_permissions == frozenset(Permission)
    assert rights_of([MEMBER]).all_permissions == {Permission.ORGANIZATION_VIEW}
    assert not rights_of([DEVELOPER]).all_permissions & {Permission.MEMBERS_MANAGE, Permission.API_KEYS_CREATE}
