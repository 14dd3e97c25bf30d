"""What the control plane has stored, beside what its audit log says that somebody declared.

Whoever changes a row in the database past Stronghouse leaves no event: then the two differ.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from sqlalchemy import Connection

from stronghouse.access import store as access
from stronghouse.access.factors.store import credentials
from stronghouse.access.roles import store as roles
from stronghouse.access.sign_in_policy.store import policy_of
from stronghouse.audit import store as audit
from stronghouse.kernel.canonical import Json
from stronghouse.kernel.clock import Clock, rfc3339
from stronghouse.kernel.errors import Invalid
from stronghouse.kernel.networks import parse_source
from stronghouse.organizations import store as organizations
from stronghouse.regions import store as regions
from stronghouse.regions.model import Agent
from stronghouse.responsibility.collectors.declared_events import (
    CODES,
    Declared,
    DeclaredState,
    policy_fields,
    replay,
)
from stronghouse.responsibility.facts import Facts, Resource
from stronghouse.services import store as services
from stronghouse.services.model import Service, Wanted
from stronghouse.services.publishing import DESIRED_KIND

VERSION = 3
METHOD = (
    "The events of the audit log about organizations, their sign-in policies, services, API keys, members, their "
    "second factors, roles and agents are replayed in their order; the result is compared field by field with the rows "
    "of the control plane's database in the same snapshot, and each service's row with the document that its region "
    "was given. What events do not hold (a service's password, its memory and idle time-out) is compared between row "
    "and document only."
)
_DOCUMENT_FIELDS = ("organization_id", "name", "slot", "username")
_LIMITS = ("idle_scaling", "idle_timeout_minutes", "memory_gb")


def collect_declared_state(connection: Connection, *, clock: Clock, foreign_objects: Sequence[str]) -> Facts:
    """Facts about each service, key, member and agent that the database or the log knows, and about the database.

    Args:
        connection: one snapshot.
        clock: the time.
        foreign_objects: tables, views and triggers of the database that this version does not have.
    """
    now = clock.now()
    declared = replay(audit.entries_of(connection, CODES))
    resources = [
        *_organizations(connection, declared),
        *_services(connection, declared),
        *_keys(connection, declared, now),
        *_members(connection, declared, now),
        *_roles(connection, declared),
        *_agents(connection, declared),
        Resource(
            {
                "id": "database/control",
                "kind": "database",
                "in_use": bool(declared.members or declared.agents),
                "foreign_objects": [*foreign_objects],
            }
        ),
    ]
    return Facts(
        collector="declared_state",
        version=VERSION,
        method=METHOD,
        target="database of the control plane",
        collected_at=now,
        resources=tuple(resources),
    )


def differences(declared: Declared | None, stored: Mapping[str, Json]) -> list[Json]:
    """In what a row differs from what the log declares, as sentences; a field that no event held is left out."""
    if declared is None:
        return ["no event of the audit log tells of it"]
    if declared.gone:
        return ["the audit log says that it was removed"]
    return [
        f"{name} is {_shown(stored[name])}, but the audit log says {_shown(value)}"
        for name, value in sorted(declared.fields.items())
        if name in stored and stored[name] != value
    ]


def _shown(value: Json) -> str:
    text = ", ".join(str(one) for one in value) or "empty" if isinstance(value, list) else str(value)
    return text if len(text) <= 200 else f"{text[:200]}…"  # noqa: PLR2004 - enough to see what it is about


def _organizations(connection: Connection, declared: DeclaredState) -> list[Resource]:
    stored = {one.id: one for one in organizations.every_organization(connection)}
    operator = organizations.first_id(connection)
    found = []
    for organization_id in sorted({*stored, *declared.organizations}):
        row, told = stored.get(organization_id), declared.organizations.get(organization_id)
        fields: dict[str, Json] = {
            "id": f"organization/{organization_id}",
            "kind": "organization",
            "in_use": any(owner == organization_id for owner, _ in declared.members),
        }
        if row is None:
            wrong: list[Json] = ["the database has no row of it"]
        else:
            policy = policy_fields(policy_of(connection, organization_id))
            operates: dict[str, Json] = {"operates the installation": organization_id == operator}
            wrong = differences(told, {"name": row.name, **operates, **policy})
        found.append(Resource({**fields, "organization_id": organization_id, "differences": wrong}))
    return found


def _services(connection: Connection, declared: DeclaredState) -> list[Resource]:
    documents: dict[str, dict[str, dict[str, Json]]] = {}
    for region in regions.find_regions(connection):
        for document in regions.find_desired(connection, region.id):
            if document.kind == DESIRED_KIND:
                documents.setdefault(document.id, {})[region.id] = document.document
    stored = {service.id: service for service in services.every_service(connection)}
    known = {service_id for service_id, one in declared.services.items() if not one.gone}
    return [
        _service(service_id, stored.get(service_id), documents.get(service_id, {}), declared.services.get(service_id))
        for service_id in sorted({*stored, *documents, *known})
    ]


def _service(
    service_id: str, row: Service | None, documents: dict[str, dict[str, Json]], declared: Declared | None
) -> Resource:
    fields: dict[str, Json] = {
        "id": f"service/{service_id}",
        "kind": "service",
        "region": None if row is None else row.region,
        "declared_region": None if declared is None else declared.fields.get("region"),
        "document_regions": [*sorted(documents)],
        "backups": 0,
        "state": None if row is None else row.state.value,
        "ending": declared is not None and declared.fields.get("wanted state") == Wanted.DELETED.value,
    }
    if row is None:
        owner = None if declared is None else declared.organization_id
        return Resource({**fields, "organization_id": owner, "differences": ["the database has no row of it"]})
    stored: dict[str, Json] = {
        "organization_id": row.organization_id,
        "name": row.name,
        "region": row.region,
        "IP access list": _blocks(entry.source for entry in row.ip_access),
        "wanted state": row.wanted.value,
    }
    found = differences(declared, stored)
    for region, document in documents.items():
        found += [f"its {name} differs from what region {region} was told" for name in _told_differently(row, document)]
    if not documents:
        found.append("no region was told of it")
    return Resource({**fields, "service_id": service_id, "differences": found})


def _blocks(sources: Iterable[str]) -> list[Json]:
    return [*sorted(_block(source) for source in sources)]


def _block(source: str) -> str:
    try:
        return str(parse_source(source))
    except Invalid:  # nobody could have declared it, and it must not hide the rest
        return source


def _told_differently(row: Service, document: dict[str, Json]) -> list[str]:
    wanted: dict[str, Json] = {name: getattr(row, name) for name in _DOCUMENT_FIELDS}
    wanted |= {name: getattr(row.limits, name) for name in _LIMITS}
    differing = [name for name, value in wanted.items() if document.get(name) != value]
    listed = document.get("ip_access")
    if not isinstance(listed, list) or sorted(map(str, listed)) != _blocks(entry.source for entry in row.ip_access):
        differing.append("IP access list")
    if document.get("state") != row.wanted.value:
        differing.append("wanted state")
    if document.get("settings", {}) != row.settings:
        differing.append("settings")
    if document.get("password_sha256") != row.password_sha256:
        differing.append("password")
    return differing


def _keys(connection: Connection, declared: DeclaredState, now: datetime) -> list[Resource]:
    rows = {key.id: (key, credential) for key, credential in access.every_key(connection)}
    resources = []
    for key_id in sorted({*rows, *(key_id for key_id, one in declared.keys.items() if not one.gone)}):
        expected = declared.keys.get(key_id)
        if key_id in rows:
            key, credential = rows[key_id]
            organization_id, name = key.organization_id, key.name
            stored: dict[str, Json] = {
                "organization_id": key.organization_id,
                "name": key.name,
                "state": key.state,
                "roles": [*sorted(key.role_ids)],
                "IP access list": _blocks(entry.source for entry in key.ip_access),
                "expiry": None if key.expires_at is None else rfc3339(key.expires_at),
                "credential": credential,
            }
            found = differences(expected, stored)
        else:
            organization_id = (expected.organization_id if expected else None) or ""
            name, found = str(expected.fields.get("name") if expected else ""), ["the database has no row of it"]
        ended = key_id in rows and (rows[key_id][0].expires_at or now) < now
        resources.append(_owned(f"api_key/{key_id}", "api_key", organization_id, name, found, in_use=not ended))
    return resources


def _members(connection: Connection, declared: DeclaredState, now: datetime) -> list[Resource]:
    rows = {(one.organization_id, one.user.id): one for one in access.every_membership(connection, now=now)}
    factors = credentials(connection)
    resources = []
    known = {place for place, one in declared.members.items() if not one.gone}
    for place in sorted({*rows, *known}):
        expected, row = declared.members.get(place), rows.get(place)
        found: list[Json] = ["the database has no row of it"]
        name = str(expected.fields.get("email") if expected else "")
        if row is not None:
            name = row.user.email
            password = declared.passwords.get(row.user.id)
            stored: dict[str, Json] = {"email": row.user.email, "roles": [*sorted(row.role_ids)]}
            found = differences(expected, stored)
            hashed = row.user.password_hash
            if hashed is not None and (password is None or password != access.credential(hashed)):
                found.append("nobody set this password through Stronghouse")
            elif hashed is None and password is not None:
                found.append("the password that was set is gone")
            found += _factor_differences(declared.factors.get(row.user.id, {}), factors.get(row.user.id, frozenset()))
        organization_id, user_id = place
        counts = row is None or bool(row.role_ids)
        resources.append(
            _owned(f"member/{organization_id}/{user_id}", "member", organization_id, name, found, in_use=counts)
        )
    return resources


def _factor_differences(declared: Mapping[str, str], stored: frozenset[str]) -> list[Json]:
    told = frozenset(declared.values())
    added: list[Json] = ["nobody set up this second factor through Stronghouse"] if stored - told else []
    return added + (["a second factor that was set up is gone"] if told - stored else [])


def _roles(connection: Connection, declared: DeclaredState) -> list[Resource]:
    rows = {one.role.id: one.role for one in roles.every_role(connection)}
    held = {role_id for _, role_ids in access.every_holding(connection) for role_id in role_ids}
    resources = []
    for role_id in sorted({*rows, *(role_id for role_id, one in declared.roles.items() if not one.gone)}):
        expected, row = declared.roles.get(role_id), rows.get(role_id)
        found: list[Json] = ["the database has no row of it"]
        if row is not None:
            stored: dict[str, Json] = {
                "organization_id": row.organization_id,
                "name": row.name,
                "policies": [policy.sentence for policy in row.policies],
            }
            found = differences(expected, stored)
        organization_id = row.organization_id if row else expected.organization_id if expected else None
        name = row.name if row else str(expected.fields.get("name") if expected else "")
        resources.append(_owned(f"role/{role_id}", "role", organization_id or "", name, found, in_use=role_id in held))
    return resources


def _agents(connection: Connection, declared: DeclaredState) -> list[Resource]:
    agents = regions.find_agents(connection)
    empty = {region.id for region in regions.find_regions(connection)} - {agent.region_id for agent in agents}
    return [
        *(_agent(agent, declared.agents.get(agent.id)) for agent in agents),
        *(
            Resource({"id": f"region/{one}", "kind": "agent", "name": one, "in_use": False, "differences": []})
            for one in sorted(empty)
        ),
    ]


def _agent(agent: Agent, expected: Declared | None) -> Resource:
    found = differences(expected, {"region": agent.region_id})
    if expected is not None and not expected.gone:
        certificates = {agent.fingerprint, agent.pending_fingerprint} - {None}
        if not certificates <= expected.certificates:
            found.append("it may use a certificate that the audit log does not know")
    fields: dict[str, Json] = {"name": agent.region_id, "in_use": True, "differences": found}
    return Resource({"id": f"agent/{agent.id}", "kind": "agent", **fields})


def _owned(
    resource_id: str, kind: str, organization_id: str, name: str, found: list[Json], *, in_use: bool
) -> Resource:
    return Resource(
        {
            "id": resource_id,
            "kind": kind,
            "organization_id": organization_id or None,
            "name": name,
            "in_use": in_use,
            "differences": found,
        }
    )
