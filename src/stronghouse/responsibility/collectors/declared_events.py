"""What the audit log declares: its events about organizations, services, keys, members and agents, replayed."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, cast

from stronghouse.access import events as access
from stronghouse.access.factors import events as factors
from stronghouse.access.factors.model import SecondFactor
from stronghouse.access.invitations.events import InvitationAccepted
from stronghouse.access.sign_in_policy import events as sign_in_policy
from stronghouse.access.sign_in_policy.model import DEFAULT, SignInPolicy
from stronghouse.audit.store import Entry
from stronghouse.kernel.canonical import Json
from stronghouse.kernel.errors import Invalid
from stronghouse.kernel.networks import parse_source
from stronghouse.organizations import events as organizations
from stronghouse.regions import events as regions
from stronghouse.services import events as services
from stronghouse.services.model import Wanted

CODES = tuple(
    event.code
    for event in (
        services.ServiceCreated,
        services.ServiceRenamed,
        services.ServiceIpAccessChanged,
        services.ServiceStartRequested,
        services.ServiceStopRequested,
        services.ServiceDeleteRequested,
        services.ServiceDestroyed,
        access.KeyCreated,
        access.KeyUpdated,
        access.KeyDeleted,
        access.UserCreated,
        access.MemberRolesChanged,
        access.MemberRemoved,
        access.PasswordSet,
        access.RoleCreated,
        access.RoleUpdated,
        access.RoleDeleted,
        InvitationAccepted,
        factors.FactorEnrolled,
        factors.FactorRemoved,
        factors.FactorsReset,
        regions.AgentJoined,
        regions.AgentCertificateRenewed,
        regions.AgentRevoked,
        organizations.OrganizationCreated,
        organizations.OrganizationRenamed,
        sign_in_policy.SignInPolicyChanged,
    )
)
_WANTED = {
    services.ServiceStartRequested.code: Wanted.RUNNING,
    services.ServiceStopRequested.code: Wanted.STOPPED,
    services.ServiceDeleteRequested.code: Wanted.DELETED,
}


@dataclass
class Declared:
    """One thing as the log declares it. `fields` holds only what events told; `gone` after it was removed."""

    organization_id: str | None
    fields: dict[str, Json] = field(default_factory=dict)
    certificates: set[str | None] = field(default_factory=set)
    gone: bool = False


@dataclass
class DeclaredState:
    """Everything by id; members by organization and person.

    Passwords by person as `store.credential` of their hash; second factors by person as fingerprints, the app under its
    kind, because another takes its place.
    """

    organizations: dict[str, Declared] = field(default_factory=dict)
    services: dict[str, Declared] = field(default_factory=dict)
    keys: dict[str, Declared] = field(default_factory=dict)
    roles: dict[str, Declared] = field(default_factory=dict)
    members: dict[tuple[str, str], Declared] = field(default_factory=dict)
    passwords: dict[str, str] = field(default_factory=dict)
    factors: dict[str, dict[str, str]] = field(default_factory=dict)
    agents: dict[str, Declared] = field(default_factory=dict)


def replay(entries: Iterable[Entry]) -> DeclaredState:
    """The state after these events, given in their order; raises Invalid for one that cannot be read."""
    state = DeclaredState()
    for entry in entries:
        data = entry.event().get("data")
        if not isinstance(data, dict):
            raise Invalid(f"Entry {entry.index} of the audit log cannot be read.", code="audit_entry_unreadable")
        try:
            if entry.code.startswith("service."):
                _service(state, entry, data)
            elif entry.code.startswith("api_key."):
                _key(state, entry, data)
            elif entry.code.startswith("role."):
                _role(state, entry, data)
            elif entry.code.startswith(("user.", "member.", "invitation.")):
                _member(state, entry, data)
            elif entry.code.startswith("organization."):
                _organization(state, entry, data)
            else:
                _agent(state, entry, data)
        except (KeyError, TypeError, ValueError, AttributeError):
            raise Invalid(
                f"Entry {entry.index} of the audit log lacks a field.", code="audit_entry_unreadable"
            ) from None
    return state


def _organization(state: DeclaredState, entry: Entry, data: dict[str, Json]) -> None:
    organization_id = str(entry.organization_id)
    if entry.code == organizations.OrganizationCreated.code:
        # The first one operates the installation (organizations.operator): whoever is made to look older takes over.
        told: dict[str, Json] = {"name": data["name"], "operates the installation": not state.organizations}
        state.organizations[organization_id] = Declared(entry.organization_id, {**told, **policy_fields(DEFAULT)})
    elif entry.code == sign_in_policy.SignInPolicyChanged.code:
        known = state.organizations.setdefault(organization_id, Declared(entry.organization_id))
        after = {name: data[f"{name}_after"] for name in DEFAULT.__dict__}
        known.fields.update(policy_fields(SignInPolicy(**cast("dict[str, Any]", after))))
    else:
        known = state.organizations.setdefault(organization_id, Declared(entry.organization_id))
        known.fields["name"] = data["after"]


def policy_fields(policy: SignInPolicy) -> dict[str, Json]:
    """A sign-in policy as fields that are compared."""
    return {
        "second factor required": policy.second_factor_required,
        "idle timeout": policy.idle_minutes,
        "absolute timeout": policy.absolute_minutes,
    }


def _service(state: DeclaredState, entry: Entry, data: dict[str, Json]) -> None:
    service_id = str(entry.service_id)
    if entry.code == services.ServiceCreated.code:
        state.services[service_id] = Declared(
            entry.organization_id,
            {
                "organization_id": entry.organization_id,
                "name": data["name"],
                "region": data["region"],
                "IP access list": _blocks(data["ip_access"]),
                "wanted state": Wanted.RUNNING.value,
            },
        )
        return
    known = state.services.setdefault(service_id, Declared(entry.organization_id))
    if entry.code == services.ServiceRenamed.code:
        known.fields["name"] = data["after"]
    elif entry.code == services.ServiceIpAccessChanged.code:
        known.fields["IP access list"] = _blocks(data["after"])
    elif entry.code == services.ServiceDestroyed.code:
        known.gone = True
    else:
        known.fields["wanted state"] = _WANTED[entry.code].value


def _key(state: DeclaredState, entry: Entry, data: dict[str, Json]) -> None:
    key_id = str(data["key_id"])
    if entry.code == access.KeyCreated.code:
        told: dict[str, Json] = {
            "organization_id": entry.organization_id,
            "name": data["name"],
            "roles": _sorted(data["role_ids"]),
            "IP access list": _blocks(data["ip_access"]),
            "expiry": data["expires_at"],
        }
        # Keys made before events held these two are compared without them.
        told |= {name: data[name] for name in ("state", "credential") if name in data}
        state.keys[key_id] = Declared(entry.organization_id, told)
        return
    known = state.keys.setdefault(key_id, Declared(entry.organization_id))
    if entry.code == access.KeyDeleted.code:
        known.gone = True
        return
    after = data["after"]
    match data["change"]:
        case "name-changed":
            known.fields["name"] = after
        case "role-changed":
            known.fields["roles"] = _sorted(after)
        case "state-changed":
            known.fields["state"] = after
        case "date-changed":
            known.fields["expiry"] = after
        case "ip-access-list-changed":
            known.fields["IP access list"] = _blocks(after)


def _member(state: DeclaredState, entry: Entry, data: dict[str, Json]) -> None:
    user_id = str(data["user_id"])
    place = str(entry.organization_id), user_id
    if entry.code in {access.UserCreated.code, InvitationAccepted.code}:
        told: dict[str, Json] = {"email": data["email"], "roles": _sorted(data["role_ids"])}
        state.members[place] = Declared(entry.organization_id, told)
    elif entry.code == access.MemberRolesChanged.code:
        known = state.members.setdefault(place, Declared(entry.organization_id))
        known.fields["roles"] = _sorted(data["after"])
    elif entry.code == access.MemberRemoved.code:
        state.members.setdefault(place, Declared(entry.organization_id)).gone = True
    elif entry.code == access.PasswordSet.code:
        state.passwords[user_id] = str(data.get("credential"))
    elif entry.code == factors.FactorsReset.code:
        state.factors.pop(user_id, None)
        state.passwords.pop(user_id, None)
    else:
        _factor(state.factors.setdefault(user_id, {}), entry.code, str(data["factor"]), str(data["credential"]))


def _factor(known: dict[str, str], code: str, kind: str, credential: str) -> None:
    key = kind if kind == SecondFactor.APP.value else credential
    if code == factors.FactorEnrolled.code:
        known[key] = credential
    else:
        known.pop(key, None)


def _role(state: DeclaredState, entry: Entry, data: dict[str, Json]) -> None:
    """A role's policies are told as sentences, which say all that is in them."""
    known = state.roles.setdefault(str(data["role_id"]), Declared(entry.organization_id))
    known.fields["organization_id"] = entry.organization_id
    if entry.code == access.RoleDeleted.code:
        known.gone = True
    elif entry.code == access.RoleUpdated.code:
        known.fields |= {"name": data["name_after"], "policies": data["policies_after"]}
    else:
        known.fields |= {"name": data["name"], "policies": data["policies"]}


def _agent(state: DeclaredState, entry: Entry, data: dict[str, Json]) -> None:
    known = state.agents.setdefault(str(data["agent_id"]), Declared(None))
    if entry.code == regions.AgentRevoked.code:
        known.gone = True
        return
    known.fields["region"] = data["region_id"]
    known.certificates.add(str(data["fingerprint"]))


def _sorted(value: Json) -> list[Json]:
    return [*sorted(str(one) for one in cast("list[Json]", value))]


def _blocks(lines: Json) -> list[Json]:
    """The blocks of an access list as events hold it: each line a source and perhaps a description."""
    return [*sorted(str(parse_source(str(line).split(" ", 1)[0])) for line in cast("list[Json]", lines))]
