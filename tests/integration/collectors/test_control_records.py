"""The control plane's own records: what was done through the product passes, what was done past it is found."""

import json
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

import pytest
from sqlalchemy import Connection

from stronghouse.access import people
from stronghouse.access.authentication import authenticate_session
from stronghouse.access.certificates import CertificateAuthority, Purpose, new_key_and_request
from stronghouse.access.invitations.acceptance import accept_as_new
from stronghouse.access.model import Principal, Source
from stronghouse.access.passwords import hash_password
from stronghouse.access.permissions import Permission
from stronghouse.access.roles import actions as roles
from stronghouse.access.roles.holding import remove_member, set_member_roles
from stronghouse.access.roles.policies import EVERY_SERVICE, Effect
from stronghouse.access.roles.requests import PolicyRequest
from stronghouse.access.roles.system import ADMIN, DEVELOPER, SYSTEM_ROLES, rights
from stronghouse.access.sign_in_policy.actions import change_policy
from stronghouse.app.fact_source import FactSource
from stronghouse.audit.event import Actor, ActorType
from stronghouse.kernel.clock import SystemClock
from stronghouse.kernel.errors import Unavailable
from stronghouse.kernel.secret import Secret
from stronghouse.regions import admission
from stronghouse.regions.hub import Hub
from stronghouse.responsibility.collectors.agents import await_agents, collect_agents
from stronghouse.responsibility.collectors.audit_progress import collect_audit_progress
from stronghouse.responsibility.collectors.control_access import collect_control_access
from stronghouse.responsibility.collectors.declared_state import collect_declared_state
from stronghouse.responsibility.collectors.key_ages import Authority, collect_key_ages
from stronghouse.responsibility.facts import Facts
from stronghouse.responsibility.model import Result, ResultState
from stronghouse.services import actions as services
from stronghouse.services.model import Command
from stronghouse.services.reports import Report, take_reports
from stronghouse.services.requests import ServiceChange, ServiceRequest
from stronghouse.storage.schema import foreign_objects
from tests.integration.collectors.region import CHECKS, judge
from tests.support.control_plane import CONTEXT, NOW, Plane, control_plane
from tests.support.second_factors import set_up_app

HASH = "$argon2id$v=19$m=65536,t=3,p=4$c2FsdHNhbHQ$aGFzaGhhc2g"
DATABASE_CHECKS = [name for name, check in CHECKS.items() if check.meta.collector == "declared_state"]
Gather = Callable[[Connection], Facts]


class Installation:
    """An installation in use, and a way around the product into its database."""

    def __init__(self, plane: Plane, directory: Path) -> None:
        self.plane, self.path = plane, directory / "control.db"
        self.organization = plane.organization("Acme")
        with plane.control.audit.unit_of_work(CONTEXT) as uow:
            self.member = people.create_member(
                uow, organization_id=self.organization, email="a@acme.test", name="A", role_ids=(ADMIN.id,), now=NOW
            )
            link = people.issue_sign_in_link(uow, email="a@acme.test", now=NOW)
            session = people.sign_in_with_link(uow, token=link, now=NOW)
            assert isinstance(session, people.NewSession)
            caller = authenticate_session(uow.connection, token=session.token, user_agent=None, now=NOW)
            people.change_password(uow, caller, None, password_hash=HASH, now=NOW)
            request = ServiceRequest(name="one", ip_access=(Source("10.0.0.0/8", "the office"),))
            self.service = services.create_service(uow, request, organization_id=self.organization, now=NOW).service.id
            change = ServiceChange(name="two", add_ip_access=(Source("192.0.2.7"),), remove_ip_access=("10.0.0.0/8",))
            place = {"organization_id": self.organization, "service_id": self.service}
            services.update_service(uow, change, **place)
            services.change_state(uow, Command.STOP, **place)
            services.change_state(uow, Command.START, **place)
            services.reset_password(uow, **place, password_sha256=None)
        plane.key(self.organization, DEVELOPER, expires_at=NOW + timedelta(days=30))

        self._change_roles()

    def _change_roles(self) -> None:
        """A role is made and changed and given to a second member, a third one is removed, all by the first one."""
        policy = PolicyRequest(Effect.ALLOW, (Permission.SERVICE_VIEW.value,), (EVERY_SERVICE,))
        scope: dict[str, Any] = {"organization_id": self.organization}
        with self.plane.control.audit.unit_of_work(CONTEXT) as uow:
            admin = Principal(
                Actor(ActorType.USER, self.member.id), {self.organization: rights(SYSTEM_ROLES, (ADMIN.id,))}
            )
            second, third = (
                people.create_member(uow, email=f"{name}@acme.test", name=name, role_ids=(), now=NOW, **scope).id
                for name in ("bob", "carl")
            )
            made = roles.create_role(uow, name="V", policies=[policy], actors=(), creator=admin, now=NOW, **scope).role
            change = roles.RoleChange(name="Viewers", policies=(policy, policy))
            roles.update_role(uow, change, role_id=made.id, editor=admin, now=NOW, **scope)
            set_member_roles(uow, (made.id, DEVELOPER.id), user_id=second, editor=admin, **scope)
            remove_member(uow, user_id=third, editor=admin, **scope)

    def run(self, statement: str, *values: object) -> None:
        """Change the database past the product."""
        with closing(sqlite3.connect(self.path)) as connection:
            assert connection.execute(statement, values).rowcount != 0
            connection.commit()

    def report(self, key_id: str) -> None:
        """The region says that the service runs under this key."""
        with self.plane.control.audit.unit_of_work(CONTEXT) as uow:
            report = Report(self.service, "running", version=100, key_id=key_id)
            take_reports(uow, region_id="local", reports=[report])

    def join(self, token_of: CertificateAuthority) -> None:
        """An agent joins."""
        with self.plane.control.audit.unit_of_work(CONTEXT) as uow:
            now = self.plane.clock.now()
            token = admission.mint_join_token(uow, region_id="local", edge_ca_pem=token_of.certificate_pem, now=now)
            _, request = new_key_and_request("agent")
            admission.redeem(uow, token=token, request_pem=request, agents_ca=token_of, now=now)

    def look(self, check_id: str, gather: Gather) -> list[Result]:
        """What a check says about what is gathered now."""
        with self.plane.control.database.read() as connection:
            return judge(check_id, gather(connection).to_json())

    def states(self, check_id: str, gather: Gather) -> set[str]:
        """The states of its results."""
        return {result.state.value for result in self.look(check_id, gather)}

    def declared(self, connection: Connection) -> Facts:
        """What is stored, beside what was declared."""
        return collect_declared_state(connection, clock=self.plane.clock, foreign_objects=foreign_objects(connection))

    def access(self, connection: Connection) -> Facts:
        """Members and keys."""
        return collect_control_access(connection, clock=self.plane.clock)

    def failing(self) -> set[str]:
        """Checks that fail on what is stored, but for the one that has nothing to find yet."""
        found = {name for name in DATABASE_CHECKS if "fail" in self.states(name, self.declared)}
        return found - {"service_backup_exists"}


@pytest.fixture
def installation(tmp_path: Path) -> Iterator[Installation]:
    with control_plane(tmp_path) as plane:
        yield Installation(plane, tmp_path)


@pytest.fixture(scope="module")
def agents_ca() -> CertificateAuthority:
    return CertificateAuthority.create("agents", purpose=Purpose.CLIENT, clock=SystemClock())


def test_whatever_was_done_through_the_product_passes(
    installation: Installation, agents_ca: CertificateAuthority
) -> None:
    assert installation.failing() == set()
    installation.join(agents_ca)
    installation.join(agents_ca)  # takes the first one's place, which is revoked
    installation.report("local:1")
    assert installation.failing() == set()
    assert installation.states("agents_follow_audit_log", installation.declared) == {"pass"}
    assert installation.states("service_backup_exists", installation.declared) == {"fail"}


def test_members_who_were_invited_changed_or_removed_are_as_the_log_says(installation: Installation) -> None:
    plane = installation.plane
    admin, place = plane.admin(installation.organization), f"/organizations/{installation.organization}"
    plane.control.sends_mail = False
    body = {"email": "grace@acme.test", "assignedRoleIds": [ADMIN.id]}
    link = plane.call("POST", f"{place}/invitationDeliveries", admin, json=body).json()["result"]["link"]
    with plane.control.audit.unit_of_work(CONTEXT) as uow:
        accept_as_new(
            uow,
            token=Secret(link.partition("token=")[2]),
            name="Grace",
            password_hash=hash_password(Secret("Walrus onyx fable crumpet 1")),
            binding=None,
            now=plane.clock.now(),
        )
    assert installation.states("members_follow_audit_log", installation.declared) == {"pass"}
    members = plane.call("GET", f"{place}/members", admin).json()["result"]
    (grace,) = (one["userId"] for one in members if one["email"] == "grace@acme.test")
    change = {"assignedRoleIds": [DEVELOPER.id]}
    assert plane.call("PATCH", f"{place}/members/{grace}", admin, json=change).status_code == 200
    assert installation.states("members_follow_audit_log", installation.declared) == {"pass"}
    assert plane.call("DELETE", f"{place}/members/{grace}", admin).status_code == 200
    assert installation.states("members_follow_audit_log", installation.declared) == {"pass"}
    installation.run(
        "INSERT INTO member VALUES (?, ?, ?, 1)", installation.organization, grace, json.dumps([DEVELOPER.id])
    )
    assert "fail" in installation.states("members_follow_audit_log", installation.declared)


WIDE = '[{"source": "0.0.0.0/0", "description": ""}]'
SERVICES, KEYS, MEMBERS = {"services_follow_audit_log"}, {"keys_follow_audit_log"}, {"members_follow_audit_log"}


@pytest.mark.parametrize(
    ("statement", "found"),
    [
        (f"UPDATE service SET ip_access = '{WIDE}'", SERVICES),
        ('UPDATE service SET ip_access = \'[{"source": "nonsense", "description": ""}]\'', SERVICES),
        ("UPDATE service SET wanted = 'deleted'", SERVICES),
        ("UPDATE service SET name = 'three'", SERVICES),
        ("UPDATE service SET password_sha256 = 'x'", SERVICES),
        ("UPDATE service SET region = 'eu'", SERVICES | {"service_in_declared_region"}),
        ("UPDATE desired SET document = json_set(document, '$.ip_access', json('[\"0.0.0.0/0\"]'))", SERVICES),
        ("UPDATE desired SET document = json_set(document, '$.password_sha256', 'x')", SERVICES),
        ("DELETE FROM desired", SERVICES | {"service_in_declared_region"}),
        ("DELETE FROM service", SERVICES),
        ("UPDATE api_key SET role_ids = '[\"admin\"]'", KEYS),
        (f"UPDATE api_key SET ip_access = '{WIDE}'", KEYS),
        ("UPDATE api_key SET expires_at = NULL", KEYS),
        ("UPDATE api_key SET state = 'disabled'", KEYS),
        ("UPDATE api_key SET key_secret_hash = 'x'", KEYS),
        ("DELETE FROM api_key", KEYS),
        ("UPDATE member SET role_ids = '[]'", MEMBERS),
        ("UPDATE person SET password_hash = 'x'", MEMBERS),
        ("UPDATE person SET email = 'x@acme.test' WHERE email = 'a@acme.test'", MEMBERS),
        ("DELETE FROM member", MEMBERS),
        ("UPDATE role SET name = 'Admins'", MEMBERS),
        ("UPDATE role SET policies = replace(policies, 'service:view', 'service:delete')", MEMBERS),
        ("UPDATE role SET policies = replace(policies, 'ALLOW', 'DENY')", MEMBERS),
        ("DELETE FROM role", MEMBERS),
        ("UPDATE organization SET name = 'other'", {"organizations_follow_audit_log"}),
        ("DELETE FROM organization", {"organizations_follow_audit_log"}),
        ("INSERT INTO organization SELECT 'older', name, 1 FROM organization", {"organizations_follow_audit_log"}),
        ("UPDATE agent SET fingerprint = 'x'", {"agents_follow_audit_log"}),
        ("UPDATE agent SET revoked_at = NULL WHERE revoked_at IS NOT NULL", {"agents_follow_audit_log"}),
        ("CREATE TABLE stolen (x)", {"database_schema_as_declared"}),
        (
            "CREATE TRIGGER widen AFTER INSERT ON service BEGIN UPDATE service SET name = 'x'; END",
            {"database_schema_as_declared"},
        ),
    ],
)
def test_change_past_the_product_is_found_by_its_check_alone(
    installation: Installation, agents_ca: CertificateAuthority, statement: str, found: set[str]
) -> None:
    installation.join(agents_ca)
    installation.join(agents_ca)
    installation.run(statement)
    assert installation.failing() == found


@pytest.mark.parametrize(
    ("statement", "found"),
    [
        ("UPDATE authenticator_app SET sealed_secret = X'00'", MEMBERS),
        ("DELETE FROM authenticator_app", MEMBERS),
        (
            "INSERT INTO passkey SELECT user_id, user_id, 'x', X'00', 0, 'mine', 0, 1, NULL FROM authenticator_app",
            MEMBERS,
        ),
        ("UPDATE sign_in_policy SET second_factor_required = 0", {"organizations_follow_audit_log"}),
        ("UPDATE sign_in_policy SET idle_minutes = 700", {"organizations_follow_audit_log"}),
        ("DELETE FROM sign_in_policy", {"organizations_follow_audit_log"}),
    ],
)
def test_a_second_factor_or_policy_that_is_changed_past_the_product_is_found(
    installation: Installation, statement: str, found: set[str]
) -> None:
    control = installation.plane.control
    with control.audit.unit_of_work(CONTEXT) as uow:
        session = people.sign_in_with_link(
            uow, token=people.issue_sign_in_link(uow, email="a@acme.test", now=NOW), now=NOW
        )
        change_policy(uow, organization_id=installation.organization, second_factor_required=True, idle_minutes=30)
    assert isinstance(session, people.NewSession)
    for _ in range(2):  # the second takes the place of the first
        set_up_app(control, session, now=NOW)
    assert installation.failing() == set()
    assert "pass" in (found_states := installation.states("members_second_factor", installation.access))
    assert "fail" not in found_states
    assert "pass" in (found_states := installation.states("operators_second_factor", installation.access))
    assert "fail" not in found_states
    installation.run(statement)
    assert installation.failing() == found


def test_key_and_service_that_no_event_tells_of_fail(installation: Installation) -> None:
    copied = "INSERT INTO {0} SELECT {1} FROM {0}"
    columns = "'k2', organization_id, name, state, role_ids, 'h2', key_secret_hash, 'sfx2', ip_access, created_at"
    installation.run(copied.format("api_key", f"{columns}, expires_at, used_at"))
    (result,) = [
        one for one in installation.look("keys_follow_audit_log", installation.declared) if one.resource.endswith("k2")
    ]
    assert (result.state, "no event" in result.reason) == (ResultState.FAIL, True)


def _access(installation: Installation, check_id: str) -> set[str]:
    return installation.states(check_id, installation.access)


def test_keys_are_judged_by_end_use_and_addresses(installation: Installation) -> None:
    assert _access(installation, "api_keys_expire") == {"pass"}
    installation.plane.key(installation.organization, ADMIN, ip_access=(Source("::/0"),))
    assert _access(installation, "api_keys_expire") == {"pass", "fail"}
    assert _access(installation, "api_keys_narrow") == {"pass", "fail"}
    assert _access(installation, "api_keys_unused_disabled") == {"pass"}
    assert _access(installation, "api_keys_admin_few") == {"pass"}
    installation.plane.clock.advance(timedelta(days=91))
    assert _access(installation, "api_keys_unused_disabled") == {"fail", "not_applicable"}  # one has ended
    for _ in range(2):
        installation.plane.key(installation.organization, ADMIN)
    assert _access(installation, "api_keys_admin_few") == _access(installation, "operators_rights_few") == {"fail"}


def test_members_without_second_factor_fail_for_their_own_organization(installation: Installation) -> None:
    installation.plane.clock.advance(timedelta(seconds=1))  # the operator is the oldest
    other = installation.plane.organization("Other")
    with installation.plane.control.audit.unit_of_work(CONTEXT) as uow:
        people.create_member(uow, organization_id=other, email="o@o.test", name="O", role_ids=(), now=NOW)
    results = installation.look("members_second_factor", installation.access)
    assert {result.state.value for result in results} == {"fail", "not_applicable"}
    with installation.plane.control.database.read() as connection:
        owners = {resource.organization_id for resource in installation.access(connection).resources}
    assert owners == {installation.organization, other}
    assert _access(installation, "members_admins_few") == {"pass", "fail"}  # the other has a member, no administrator
    assert _access(installation, "operators_second_factor") == {"fail", "not_applicable"}


def test_link_that_was_made_to_last_fails(installation: Installation) -> None:
    assert _access(installation, "sign_in_links_short") == {"not_applicable"}
    with installation.plane.control.audit.unit_of_work(CONTEXT) as uow:
        people.issue_sign_in_link(uow, email="a@acme.test", now=NOW)
    assert _access(installation, "sign_in_links_short") == {"pass", "not_applicable"}
    installation.run("UPDATE sign_in_link SET expires_at = expires_at + 3600000000 WHERE used_at IS NULL")
    assert _access(installation, "sign_in_links_short") == {"fail", "not_applicable"}


def test_facts_hold_no_credential(installation: Installation) -> None:
    with installation.plane.control.database.read() as connection:
        told = str(installation.access(connection).to_json()) + str(installation.declared(connection).to_json())
    assert HASH not in told
    with closing(sqlite3.connect(installation.path)) as connection:
        hashes = [
            value for row in connection.execute("SELECT key_id_hash, key_secret_hash FROM api_key") for value in row
        ]
        hashes += [row[0] for row in connection.execute("SELECT password_sha256 FROM service")]
    assert not [one for one in hashes if one in told]


def test_agents_are_judged_by_connection_certificate_and_clock(
    installation: Installation, agents_ca: CertificateAuthority
) -> None:
    def gather(connection: Connection) -> Facts:
        return collect_agents(connection, clock=installation.plane.clock)

    checks = ("agents_connected", "agents_certificate_fresh", "planes_clock_agrees")
    assert [installation.states(one, gather) for one in checks] == [{"not_applicable"}] * 3
    installation.join(agents_ca)
    moment = int(NOW.timestamp() * 1_000_000)
    installation.run("UPDATE agent SET connected = 1, last_seen_at = ?, clock_skew_ms = 12, protocol = 1", moment)
    assert [installation.states(one, gather) for one in checks] == [{"pass"}] * 3
    installation.run("UPDATE agent SET clock_skew_ms = 61000")
    assert installation.states("planes_clock_agrees", gather) == {"fail"}
    installation.run("UPDATE agent SET certificate_expires_at = ?", moment)
    assert installation.states("agents_certificate_fresh", gather) == {"fail"}
    installation.plane.clock.advance(timedelta(seconds=31))
    assert installation.states("agents_connected", gather) == {"fail"}
    assert installation.states("planes_clock_agrees", gather) == {"not_applicable"}


def test_first_look_waits_for_agents_to_come_back(installation: Installation) -> None:
    looks = []

    def look() -> Facts:
        with installation.plane.control.database.read() as connection:
            looks.append(collect_agents(connection, clock=installation.plane.clock))
        return looks[-1]

    await_agents(look, seconds=0.3, stopping=threading.Event())
    assert len(looks) > 1
    looks.clear()
    await_agents(look, seconds=-5, stopping=threading.Event())
    assert len(looks) == 1


def test_agent_that_was_heard_of_lately_is_given_time_to_connect_anew(
    installation: Installation, agents_ca: CertificateAuthority
) -> None:
    installation.join(agents_ca)
    moment = int(NOW.timestamp() * 1_000_000)
    installation.run("UPDATE agent SET connected = 0, last_seen_at = ?, clock_skew_ms = 12, protocol = 1", moment)
    stopping, clock = threading.Event(), installation.plane.clock
    looks: list[Facts] = []

    def look() -> Facts:
        if len(looks) == 2:
            installation.run("UPDATE agent SET connected = 1")
        with installation.plane.control.database.read() as connection:
            looks.append(collect_agents(connection, clock=clock))
        return looks[-1]

    (region,) = await_agents(look, seconds=0, stopping=stopping).of_kind("region")
    assert (region.flag("connected"), len(looks)) == (True, 3)
    installation.run("UPDATE agent SET connected = 0")
    clock.advance(timedelta(seconds=61))
    (region,) = await_agents(look, seconds=0, stopping=stopping).of_kind("region")
    assert (region.flag("connected"), len(looks)) == (False, 4)
    installation.run("UPDATE agent SET last_seen_at = ?", int(clock.now().timestamp() * 1_000_000))
    stopping.set()
    with pytest.raises(Unavailable):
        await_agents(look, seconds=0, stopping=stopping)


def _ages(installation: Installation, ca: CertificateAuthority) -> Gather:
    signer = installation.plane.control.audit.signer

    def gather(connection: Connection) -> Facts:
        return collect_key_ages(
            connection,
            origin=signer.origin,
            public_key=signer.public_key,
            authorities={"agents": Authority(ca.certificate_pem, used=False), "edge": Authority(ca.certificate_pem)},
            clock=installation.plane.clock,
        )

    return gather


def test_keys_age_by_the_log_and_not_by_their_files(
    installation: Installation, agents_ca: CertificateAuthority
) -> None:
    gather = _ages(installation, agents_ca)
    assert installation.states("keys_within_lifetime", gather) == {"not_applicable"}
    installation.report("local:1")
    assert len(installation.look("keys_within_lifetime", gather)) == 2
    checks = ("keys_within_lifetime", "audit_key_within_lifetime")
    assert [installation.states(one, gather) for one in checks] == [{"pass"}] * 2
    assert installation.states("authorities_fresh", gather) == {"pass", "not_applicable"}
    installation.run("UPDATE service SET created_at = created_at + 1000000")  # a row is no proof of an age
    installation.plane.clock.advance(timedelta(days=366))
    assert [installation.states(one, gather) for one in checks] == [{"fail"}] * 2
    installation.run("UPDATE service SET key_id = 'local:unheard-of'")
    assert "how old" in str(installation.look("keys_within_lifetime", gather))
    installation.plane.clock.advance(timedelta(days=9 * 365))
    assert "fail" in installation.states("authorities_fresh", gather)


def test_log_that_stands_still_or_loses_its_head_fails(installation: Installation) -> None:
    signer, clock = installation.plane.control.audit.signer, installation.plane.clock

    def gather(connection: Connection) -> Facts:
        return collect_audit_progress(
            connection, origin=signer.origin, public_key=signer.public_key, running_since=NOW, clock=clock
        )

    def state() -> set[str]:
        return installation.states("audit_log_growing", gather)

    assert state() == {"pass"}
    clock.advance(timedelta(hours=2, seconds=1))
    assert state() == {"fail"}
    installation.plane.organization("Third")
    assert state() == {"pass"}
    installation.run("DELETE FROM audit_checkpoint WHERE size = (SELECT max(size) FROM audit_checkpoint)")
    assert state() == {"fail"}
    installation.plane.organization("Fourth")
    assert state() == {"pass"}
    installation.run('UPDATE audit_entry SET created_at = created_at + 86400000000 WHERE "index" = 0')
    assert state() == {"fail"}


def test_nothing_recorded_is_not_applicable(tmp_path: Path) -> None:
    with control_plane(tmp_path) as plane:
        plane.control.database.close()
        with closing(sqlite3.connect(tmp_path / "control.db")) as connection:
            for table in ("audit_entry", "audit_node", "audit_checkpoint"):
                connection.execute(f"DELETE FROM {table}")
            connection.commit()
        signer = plane.control.audit.signer
        with plane.control.database.read() as reading:
            seen = collect_audit_progress(
                reading, origin=signer.origin, public_key=signer.public_key, running_since=NOW, clock=plane.clock
            )
    (result,) = judge("audit_log_growing", seen.to_json())
    assert result.state is ResultState.NOT_APPLICABLE


def test_an_agent_speaks_for_nobodys_service_in_another_region(installation: Installation) -> None:
    plane = installation.plane
    source = FactSource(
        database=plane.control.database, hub=cast("Hub", None), collectors={}, stopping=threading.Event()
    )
    assert source.organization_of(installation.service, "local") == installation.organization
    assert source.organization_of(installation.service, None) == installation.organization
    assert source.organization_of(installation.service, "eu") is None
