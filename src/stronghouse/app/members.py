"""Who belongs to an organization, told and changed by whoever may read the control plane's own key on its machine."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy import Connection

from stronghouse.access import people
from stronghouse.access import store as access
from stronghouse.access.events import SignedIn
from stronghouse.access.factors import enrolment
from stronghouse.access.factors.model import SecondFactor
from stronghouse.access.model import User
from stronghouse.access.roles.policies import Role
from stronghouse.access.roles.store import roles_of
from stronghouse.access.roles.system import Roles, held
from stronghouse.app.own_machine import console_link, open_installation
from stronghouse.audit import store as audit
from stronghouse.audit.event import SYSTEM, Context
from stronghouse.kernel.clock import SystemClock, parse_rfc3339
from stronghouse.kernel.errors import Invalid, NotFound
from stronghouse.kernel.secret import Secret
from stronghouse.organizations import store as organizations


@dataclass(frozen=True)
class NewMember:
    """Somebody who was just added, with the link that lets them in once within a day."""

    user: User
    role: Role
    organization_id: str
    link: Secret


@dataclass(frozen=True)
class Listed:
    """A member as the list shows them; `last_sign_in` is None until they signed in."""

    user: User
    roles: tuple[str, ...]
    organization_id: str
    last_sign_in: datetime | None


def add_member(
    state_directory: Path,
    *,
    machine_key_file: Path,
    port_base: int,
    email: str,
    name: str,
    role: str,
    organization_id: str | None = None,
) -> NewMember:
    """Add a person to an organization and make their first sign-in link, in one transaction.

    Raises:
        Invalid: there is no installation there, its key cannot be opened, the address is none, there is no such role,
            or there are several organizations and none was named.
        NotFound: there is no such organization.
        Conflict: the person is a member already.
    """
    now = SystemClock().now()
    with open_installation(state_directory, machine_key_file) as log, log.unit_of_work(Context(SYSTEM)) as uow:
        organization = _organization(uow.connection, organization_id)
        given = _role(roles_of(uow.connection, organization), role)
        user = people.create_member(
            uow, organization_id=organization, email=email, name=name, role_ids=(given.id,), now=now
        )
        token = people.issue_sign_in_link(uow, email=user.email, now=now)
    return NewMember(user, given, organization, console_link(port_base, token))


def list_members(state_directory: Path, *, machine_key_file: Path) -> list[Listed]:
    """Every member of every organization; raises Invalid when there is no installation or its key cannot be opened."""
    with open_installation(state_directory, machine_key_file) as log, log.database.read() as connection:
        last: dict[object, datetime] = {}
        for entry in audit.entries_of(connection, [SignedIn.code]):  # the oldest first, so the newest stays
            event = entry.event()
            assert isinstance(event["data"], dict)  # noqa: S101 - written by the unit of work
            last[event["data"]["user_id"]] = parse_rfc3339(str(event["time"]))
        everyone = access.every_membership(connection, now=SystemClock().now())
        roles = {one: roles_of(connection, one) for one in {each.organization_id for each in everyone}}
        return [
            Listed(
                user=one.user,
                roles=tuple(role.name for role in held(roles[one.organization_id], one.role_ids)),
                organization_id=one.organization_id,
                last_sign_in=last.get(one.user.id),
            )
            for one in everyone
        ]


def sign_out_member(state_directory: Path, *, machine_key_file: Path, email: str) -> int:
    """End all sessions and unused links of a person; how many sessions.

    Raises:
        Invalid: there is no installation there, or its key cannot be opened.
        NotFound: nobody has this address.
    """
    with open_installation(state_directory, machine_key_file) as log, log.unit_of_work(Context(SYSTEM)) as uow:
        return people.sign_out_member(uow, email=email)


def reset_factors(state_directory: Path, *, machine_key_file: Path, email: str) -> tuple[SecondFactor, ...]:
    """Take all second factors from a person who is locked out; which kinds they had.

    Raises:
        Invalid: there is no installation there, or its key cannot be opened.
        NotFound: nobody has this address.
        Conflict: they have no second factor.
    """
    with open_installation(state_directory, machine_key_file) as log, log.unit_of_work(Context(SYSTEM)) as uow:
        return enrolment.reset_factors(uow, email=email)


def _role(roles: Roles, name: str) -> Role:
    for role in roles.values():
        if role.name.lower() == name.strip().lower():
            return role
    raise Invalid(f"A role is one of {', '.join(role.name for role in roles.values())}.", code="role_unknown")


def _organization(connection: Connection, wanted: str | None) -> str:
    known = [one.id for one in organizations.every_organization(connection)]
    if wanted is not None:
        if wanted.lower() not in known:
            raise NotFound("There is no such organization.")
        return wanted.lower()
    if not known:
        raise NotFound("There is no organization yet: start the installation with `stronghouse up` first.")
    if len(known) > 1:
        raise Invalid(f"There are several organizations; choose one with --org: {', '.join(known)}.")
    return known[0]
