import itertools
from dataclasses import replace

import pytest

from stronghouse.engine.access.catalogue import (
    OWNER,
    Catalogue,
    Grant,
    QuotaInterval,
    RoleGrant,
    SettingElement,
    Targets,
    User,
)
from stronghouse.engine.access.changes import Actor, ChangingStatement, apply
from stronghouse.engine.access.methods import matches
from stronghouse.engine.access.rights import rights_of
from stronghouse.engine.access.statements import (
    AlterProfile,
    AlterQuota,
    AlterRole,
    AlterRowPolicy,
    AlterUser,
    CreateProfile,
    CreateQuota,
    CreateRole,
    CreateRowPolicy,
    CreateUser,
    Drop,
    DropRowPolicies,
    GrantCurrentGrants,
    GrantPrivileges,
    GrantRoles,
    Kind,
    NewInterval,
    NewMethod,
    PolicyName,
    RevokePrivileges,
    RevokeRoles,
    SetDefaultRole,
    SettingChanges,
    TargetNames,
)
from stronghouse.engine.errors import DatabaseError

PASSWORD = (NewMethod(secret="correct horse battery"),)
OTHER = (NewMethod(secret="another long password"),)
OWNER_ID = "0" * 16
NOW = 1_800_000_000.0
SELECT = Grant("SELECT", "db")


class Service:
    """A catalogue that statements change, each given by a user."""

    def __init__(self) -> None:
        owner = User(OWNER_ID, OWNER, grants=(Grant("ALL", grant_option=True),))
        self.catalogue = Catalogue(users={OWNER_ID: owner, "1" * 16: User("1" * 16, "sh:ada@example.org")})
        self._ids = itertools.count(100)

    def run(self, *statements: ChangingStatement, by: str = OWNER) -> Catalogue:
        for statement in statements:
            user = self.user(by)
            roles = self.catalogue.default_roles_of(user)
            self.catalogue = apply(
                statement,
                self.catalogue,
                Actor(user.id, roles),
                new_id=lambda: f"{next(self._ids):016x}",
                now=NOW,
                current_database="current",
            )
        return self.catalogue

    def refuses(self, statement: ChangingStatement, number: int, by: str = OWNER) -> str:
        before = self.catalogue
        with pytest.raises(DatabaseError) as caught:
            self.run(statement, by=by)
        assert caught.value.number == number, caught.value.public
        assert self.catalogue is before
        return caught.value.public

    def user(self, name: str) -> User:
        user = self.catalogue.user_named(name)
        assert user is not None
        return user

    def grants(self, name: str) -> tuple[Grant, ...]:
        holder = self.catalogue.user_named(name) or self.catalogue.role_named(name)
        assert holder is not None
        return holder.grants

    def id(self, name: str) -> str:
        holder = self.catalogue.user_named(name) or self.catalogue.role_named(name)
        assert holder is not None
        return holder.id


@pytest.fixture
def service() -> Service:
    """A service with users ann and bob and roles reader and writer."""
    service = Service()
    service.run(CreateUser(("ann", "bob"), methods=PASSWORD), CreateRole(("reader", "writer")))
    return service


def to(*names: str) -> TargetNames:
    return TargetNames(names)


def give(name: str, *grants: Grant, replace: bool = False) -> GrantPrivileges:
    return GrantPrivileges(grants, to(name), replace=replace)


def drop(kind: Kind, *names: str, if_exists: bool = False) -> Drop:
    return Drop(kind, names, if_exists)


def test_each_change_is_a_generation_and_no_change_is_the_same_catalogue(service: Service) -> None:
    before = service.catalogue
    assert service.run(give("ann", SELECT)).generation == before.generation + 1
    assert before.users[service.id("ann")].grants == (), "the old one stays as it was"
    given = service.catalogue
    assert service.run(give("ann", SELECT)) is given
    assert service.run(drop("USER", "nobody", if_exists=True)) is given


def test_a_new_user_can_sign_in_and_do_nothing(service: Service) -> None:
    user = service.user("ann")
    assert matches(user.methods[0], b"correct horse battery")
    assert (user.grants, user.roles, user.hosts, user.locked) == ((), (), ("ANY",), False)
    assert rights_of(service.catalogue, user.id, ()).grants == ()


@pytest.mark.parametrize(
    ("statement", "number"),
    [
        (CreateUser(("ann",), methods=PASSWORD), 493),
        (CreateUser((OWNER,), methods=PASSWORD), 495),
        (CreateUser(("sh:eve",), "OR REPLACE", methods=PASSWORD), 495),
        (CreateUser(("eve",)), 36),
        (CreateUser(("eve",), methods=(NewMethod("no_password"),)), 36),
        (CreateUser(("eve",), methods=(NewMethod("plaintext_password", "long enough it is"),)), 36),
        (CreateUser(("eve",), methods=(NewMethod(secret="short"),)), 36),
        (CreateUser(("",), methods=PASSWORD), 36),
        (CreateUser(("a\nb",), methods=PASSWORD), 36),
        (CreateUser(("x" * 257,), methods=PASSWORD), 36),
        (CreateUser(("eve",), methods=PASSWORD * 9), 36),
        (CreateUser(("eve",), methods=PASSWORD, hosts=("not an address",)), 36),
        (CreateUser(("eve",), methods=PASSWORD, default_roles=to("nothing")), 511),
        (CreateUser(("eve",), methods=PASSWORD, settings=(SettingElement(profile="nothing"),)), 180),
        (CreateUser(("eve",), methods=PASSWORD, settings=(SettingElement("log_comment", "'x'"),)), 452),
        (CreateUser(("eve",), methods=PASSWORD, settings=(SettingElement("no_such", "1"),)), 115),
        (CreateUser(("eve",), methods=PASSWORD, settings=(SettingElement("param_x", "1"),)), 115),
        (
            CreateUser(("eve",), methods=PASSWORD, settings=(SettingElement("implicit_select", writability="CONST"),)),
            452,
        ),
        (CreateUser(("eve",), methods=PASSWORD, settings=(SettingElement("format_csv_delimiter", "'${x}'"),)), 452),
        (CreateRole(("reader",)), 493),
        (CreateRole(("sh:role",)), 495),
        (AlterUser(("nobody",)), 192),
        (AlterUser((OWNER,), methods=PASSWORD), 495),
        (AlterUser(("sh:ada@example.org",), methods=PASSWORD), 495),
        (AlterUser(("ann",), new_name="bob"), 493),
        (AlterUser(("ann",), new_name=OWNER), 495),
        (AlterUser(("ann", "bob"), new_name="carl"), 36),
        (AlterUser(("ann",), default_roles=to("reader")), 512),
        (AlterRole(("nothing",)), 511),
        (drop("USER", OWNER), 495),
        (drop("USER", "sh:ada@example.org"), 495),
        (drop("USER", "nobody"), 192),
        (drop("ROLE", "nothing"), 511),
        (drop("QUOTA", "nothing"), 199),
        (drop("SETTINGS PROFILE", "nothing"), 180),
        (DropRowPolicies((PolicyName("p", "db", "t"),)), 523),
        (give(OWNER, SELECT), 495),
        (give("sh:ada@example.org", SELECT), 495),
        (give("nobody", SELECT), 511),
        (give("ann", Grant("SELECT", "_stronghouse")), 497),
        (give("ann", Grant("KILL QUERY", "db")), 509),
        (give("ann", Grant("NO SUCH THING")), 508),
        (RevokePrivileges((Grant("ALL"),), to(OWNER)), 495),
        (GrantRoles(("nothing",), to("ann")), 511),
        (SetDefaultRole(to("reader"), to("ann")), 512),
        (SetDefaultRole(to(), to(OWNER)), 495),
        (CreateRowPolicy((PolicyName("p", "system", "users"),)), 497),
        (CreateRowPolicy((PolicyName("p", "_stronghouse", "query_log"),)), 497),
        (CreateRowPolicy((PolicyName("p", "db", "a.b"),)), 48),
        (CreateRowPolicy((PolicyName("p", "include", "t"),)), 48),
        (CreateRowPolicy((PolicyName("p", "db", "t"),), condition="a = {x:String}"), 48),
        (CreateQuota(("q",), intervals=(NewInterval(0),)), 36),
        (CreateQuota(("q",), intervals=(NewInterval(60, limits=(("queries", "-1"),)),)), 36),
    ],
)
def test_the_owner_too_is_refused_what_cannot_be(service: Service, statement: ChangingStatement, number: int) -> None:
    service.refuses(statement, number)


@pytest.mark.parametrize(
    ("statement", "needed"),
    [
        (CreateUser(("eve",), methods=PASSWORD), "CREATE USER ON eve"),
        (CreateRole(("r",)), "CREATE ROLE ON r"),
        (AlterUser(("bob",), methods=PASSWORD), "ALTER USER ON bob"),
        (AlterUser(("ann",), hosts=("ANY",)), "ALTER USER ON ann"),
        (AlterUser(("ann",), methods=PASSWORD, hosts=("ANY",)), "ALTER USER ON ann"),
        (AlterUser(("ann",), methods=PASSWORD, add_methods=True), "ALTER USER ON ann"),
        (AlterUser(("ann",), methods=(NewMethod("", "long enough it is", None, "infinity"),)), "ALTER USER ON ann"),
        (AlterUser(("ann",), valid_until="infinity"), "ALTER USER ON ann"),
        (AlterUser(("ann", "bob"), methods=PASSWORD), "ALTER USER ON ann"),
        (AlterRole(("reader",)), "ALTER ROLE ON reader"),
        (drop("USER", "bob"), "DROP USER ON bob"),
        (drop("ROLE", "reader"), "DROP ROLE ON reader"),
        (drop("QUOTA", "q"), "DROP QUOTA ON *.*"),
        (drop("SETTINGS PROFILE", "p"), "DROP SETTINGS PROFILE ON *.*"),
        (CreateProfile(("p",)), "CREATE SETTINGS PROFILE ON *.*"),
        (AlterProfile(("p",)), "ALTER SETTINGS PROFILE ON *.*"),
        (CreateQuota(("q",)), "CREATE QUOTA ON *.*"),
        (AlterQuota(("q",)), "ALTER QUOTA ON *.*"),
        (CreateRowPolicy((PolicyName("p", "db", "t"),)), "CREATE ROW POLICY ON db.t"),
        (CreateRowPolicy((PolicyName("p", "", "t"),)), "CREATE ROW POLICY ON current.t"),
        (AlterRowPolicy((PolicyName("p", "db", "t"),)), "ALTER ROW POLICY ON db.t"),
        (DropRowPolicies((PolicyName("p", "db", "t"),)), "DROP ROW POLICY ON db.t"),
        (give("ann", Grant("SELECT", "db", "t", "c")), "SELECT(c) ON db.t"),
        (give("ann", Grant("ALL")), "ALL ON *.*"),
        (GrantRoles(("reader",), to("ann")), "the role reader granted with ADMIN option"),
        (SetDefaultRole(to(), to("ann")), "ALTER USER ON ann"),
    ],
)
def test_nobody_does_what_they_have_no_right_to(service: Service, statement: ChangingStatement, needed: str) -> None:
    message = service.refuses(statement, 497, by="ann")
    assert message.startswith("ann: Not enough privileges. To execute this query, it's necessary to have the ")
    assert needed in message


def test_everybody_may_give_themselves_another_password(service: Service) -> None:
    service.run(AlterUser(("ann",), methods=OTHER), by="ann")
    assert matches(service.user("ann").methods[0], b"another long password")
    service.run(AlterUser(current_user=True, methods=PASSWORD), by="ann")
    assert matches(service.user("ann").methods[0], b"correct horse battery")
    service.refuses(AlterUser(current_user=True, methods=PASSWORD), 495)


def test_ones_own_new_password_ends_with_the_old_one(service: Service) -> None:
    service.run(AlterUser(("ann", "bob"), valid_until="2030-01-01"))
    end = service.user("ann").methods[0].valid_until
    assert end is not None
    service.run(AlterUser(("ann",), methods=OTHER), by="ann")
    assert service.user("ann").methods[0].valid_until == end
    service.run(AlterUser(("bob",), methods=OTHER))
    assert service.user("bob").methods[0].valid_until is None, "an administrator gives it anew"
    service.run(AlterUser(("ann",), valid_until="2020-01-01"))
    service.refuses(AlterUser(("ann",), methods=OTHER), 497, by="ann")


def test_methods_come_together_and_go(service: Service) -> None:
    service.run(AlterUser(("ann",), methods=OTHER, add_methods=True))
    first, second = service.user("ann").methods
    assert matches(first, b"correct horse battery")
    service.run(AlterUser(("ann",), reset_methods=True))
    assert service.user("ann").methods == (second,)
    service.refuses(AlterUser(("ann",), methods=OTHER * 8, add_methods=True), 36)


def test_hosts_are_networks(service: Service) -> None:
    service.run(AlterUser(("ann",), hosts=("LOCAL", "10.1.2.3", "2001:db8::1/32")))
    assert service.user("ann").hosts == ("LOCAL", "10.1.2.3/32", "2001:db8::/32")
    service.run(AlterUser(("ann",), add_hosts=("192.0.2.0/24",), drop_hosts=("10.1.2.3", "LOCAL")))
    assert service.user("ann").hosts == ("2001:db8::/32", "192.0.2.0/24")
    service.run(AlterUser(("ann",), hosts=()))
    assert service.user("ann").hosts == ()


def test_if_not_exists_keeps_and_or_replace_makes_anew(service: Service) -> None:
    service.run(give("ann", SELECT))
    before = service.user("ann")
    service.run(CreateUser(("ann",), "IF NOT EXISTS", methods=OTHER))
    assert service.user("ann") == before
    service.run(CreateUser(("ann",), "OR REPLACE", methods=OTHER))
    assert service.user("ann").id != before.id
    assert service.user("ann").grants == ()


def test_a_new_users_default_roles_are_granted_by_those_who_may(service: Service) -> None:
    statement = CreateUser(("eve",), methods=PASSWORD, default_roles=to("reader"))
    service.run(statement)
    eve = service.user("eve")
    assert eve.roles == (RoleGrant(service.id("reader")),)
    assert service.catalogue.default_roles_of(eve) == {service.id("reader")}
    service.run(give("ann", Grant("CREATE USER")))
    service.refuses(replace(statement, names=("carl",)), 497, by="ann")
    service.run(GrantRoles(("reader",), to("ann"), admin_option=True))
    service.run(replace(statement, names=("carl",)), by="ann")


def test_a_renamed_user_keeps_everything(service: Service) -> None:
    before = service.user("ann")
    service.run(AlterUser(("ann",), new_name="anna"), AlterRole(("reader",), new_name="reads"))
    assert service.user("anna") == replace(before, name="anna")
    assert service.catalogue.role_named("reader") is None


def test_what_is_dropped_leaves_no_reference(service: Service) -> None:
    reader = service.id("reader")
    service.run(
        GrantRoles(("reader",), to("ann", "writer")),
        SetDefaultRole(to("reader"), to("ann")),
        AlterUser(("ann",), grantees=to("bob", "reader")),
        CreateProfile(("p",), settings=(SettingElement("max_threads", "1"),), to=to("reader")),
        CreateProfile(("q",), settings=(SettingElement(profile="p"),)),
        AlterUser(("bob",), settings=SettingChanges(add_profiles=("p",))),
        CreateRowPolicy((PolicyName("p", "db", "t"),), to=TargetNames(("reader", "bob"), everybody=True)),
        CreateQuota(("q",), to=to("reader", "ann")),
    )
    profile = service.catalogue.profile_named("p")
    assert profile is not None
    service.run(drop("ROLE", "reader"), drop("SETTINGS PROFILE", "p"))
    for id_ in (reader, profile.id):
        assert id_ not in repr(service.catalogue)
    (policy,) = service.catalogue.policies.values()
    assert policy.targets == Targets(everybody=True, excluded=frozenset({service.id("bob")}))
    service.run(drop("QUOTA", "q"), DropRowPolicies((PolicyName("p", "db", "t"),)), drop("USER", "ann", "bob"))
    assert not service.catalogue.quotas
    assert not service.catalogue.policies
    assert set(service.catalogue.users) == {OWNER_ID, "1" * 16}


def test_only_what_may_be_given_is_given(service: Service) -> None:
    service.run(give("ann", SELECT))
    message = service.refuses(give("bob", SELECT), 497, by="ann")
    assert "The required privileges have been granted, but without grant option" in message
    service.run(give("ann", replace(SELECT, grant_option=True)))
    service.run(give("bob", Grant("SELECT", "db", "t")), by="ann")
    assert service.grants("bob") == (Grant("SELECT", "db", "t"),)
    service.refuses(give("bob", Grant("SELECT")), 497, by="ann")
    service.refuses(give("bob", SELECT, Grant("INSERT", "db")), 497, by="ann")
    service.run(RevokePrivileges((Grant("SELECT", "db", "x"),), to("ann")))
    service.refuses(give("bob", SELECT), 497, by="ann")
    service.run(give("bob", Grant("SELECT", "db", "y")), by="ann")


def test_rights_come_by_roles_in_force_only(service: Service) -> None:
    service.run(give("reader", replace(SELECT, grant_option=True)), GrantRoles(("reader",), to("ann")))
    service.run(give("bob", SELECT), by="ann")
    service.run(SetDefaultRole(to(), to("ann")))
    service.refuses(give("bob", SELECT), 497, by="ann")


def test_grantees_are_respected(service: Service) -> None:
    service.run(give("ann", replace(SELECT, grant_option=True)), AlterUser(("ann",), grantees=to("reader")))
    service.run(give("reader", SELECT), by="ann")
    assert "`bob` is not allowed as grantee" in service.refuses(give("bob", SELECT), 497, by="ann")


def test_the_current_database_is_that_of_who_gives(service: Service) -> None:
    service.run(give("ann", Grant("SELECT", "", "t")))
    assert service.grants("ann") == (Grant("SELECT", "current", "t"),)


def test_who_revokes_needs_the_option_for_what_is_taken(service: Service) -> None:
    service.run(give("bob", SELECT, Grant("INSERT", "db")), give("ann", replace(SELECT, grant_option=True)))
    service.refuses(RevokePrivileges((Grant("ALL"),), to("bob")), 497, by="ann")
    service.run(RevokePrivileges((Grant("SELECT"),), to("bob")), by="ann")
    assert service.grants("bob") == (Grant("INSERT", "db"),)
    before = service.catalogue
    service.run(RevokePrivileges((Grant("DROP", "db"),), to("bob")), by="ann")
    assert service.catalogue is before, "nothing was taken"


def test_revoking_from_everybody_leaves_out_whom_sql_cannot_change(service: Service) -> None:
    service.run(give("ann", SELECT), give("reader", SELECT), give("bob", SELECT))
    service.run(RevokePrivileges((Grant("ALL"),), TargetNames(("bob",), everybody=True)))
    assert [service.grants(name) for name in ("ann", "reader", "bob")] == [(), (), (SELECT,)]
    assert service.grants(OWNER) == (Grant("ALL", grant_option=True),)


def test_the_grant_option_can_be_taken_alone(service: Service) -> None:
    service.run(give("ann", replace(SELECT, grant_option=True)))
    service.run(RevokePrivileges((SELECT,), to("ann"), grant_option_only=True))
    assert service.grants("ann") == (SELECT,)


def test_replacing_takes_what_was_there(service: Service) -> None:
    service.run(give("bob", Grant("INSERT", "db")), give("bob", SELECT, replace=True))
    assert service.grants("bob") == (SELECT,)
    service.run(give("bob", Grant("INSERT", "db")), give("ann", replace(SELECT, grant_option=True)))
    service.refuses(give("bob", SELECT, replace=True), 497, by="ann")
    service.run(GrantRoles(("reader",), to("bob")), GrantRoles(("writer",), to("bob"), replace=True))
    assert [grant.role for grant in service.user("bob").roles] == [service.id("writer")]
    service.run(GrantRoles(("reader",), to("ann"), admin_option=True))
    service.refuses(GrantRoles(("reader",), to("bob"), replace=True), 497, by="ann")


def test_current_grants_are_those_that_may_be_given(service: Service) -> None:
    service.run(give("ann", replace(SELECT, grant_option=True), Grant("INSERT", "db", grant_option=True)))
    service.run(give("ann", Grant("DROP TABLE", "db")))
    service.run(GrantCurrentGrants((Grant("ALL"),), to("bob")), by="ann")
    assert service.grants("bob") == (SELECT, Grant("INSERT", "db"))
    service.run(GrantCurrentGrants((Grant("SELECT", "db", "t", grant_option=True),), to("reader")), by="ann")
    assert service.grants("reader") == (Grant("SELECT", "db", "t", grant_option=True),)


def test_roles_are_given_by_their_administrators(service: Service) -> None:
    service.run(GrantRoles(("reader",), to("ann")))
    service.refuses(GrantRoles(("reader",), to("bob")), 497, by="ann")
    service.run(GrantRoles(("reader",), to("ann"), admin_option=True))
    service.run(GrantRoles(("reader",), to("bob")), by="ann")
    service.run(RevokeRoles(to("reader"), to("ann"), admin_option_only=True))
    service.refuses(RevokeRoles(to("reader"), to("bob")), 497, by="ann")
    service.run(give("ann", Grant("ROLE ADMIN")))
    service.run(RevokeRoles(to("reader"), to("bob")), by="ann")
    assert service.user("bob").roles == ()


def test_a_revoked_role_is_no_default_role_any_more(service: Service) -> None:
    service.run(GrantRoles(("reader", "writer"), to("ann")), SetDefaultRole(to("reader", "writer"), to("ann")))
    service.run(RevokeRoles(TargetNames(("writer",), everybody=True), to("ann")))
    assert service.user("ann").default_roles == Targets(ids=frozenset({service.id("writer")}))


def test_settings_are_added_modified_and_dropped(service: Service) -> None:
    changes = SettingChanges(add_settings=(SettingElement("max_threads", "4", "1", "8"),))
    service.run(AlterUser(("ann",), settings=changes))
    service.run(AlterUser(("ann",), settings=SettingChanges(modify_settings=(SettingElement("max_threads", "2"),))))
    assert service.user("ann").settings == (SettingElement("max_threads", "2", "1", "8"),)
    service.run(AlterUser(("ann",), settings=SettingChanges(add_settings=(SettingElement("max_threads", "3"),))))
    assert service.user("ann").settings == (SettingElement("max_threads", "3"),)
    service.run(CreateProfile(("p",)), AlterUser(("ann",), settings=SettingChanges(add_profiles=("p",))))
    service.run(AlterUser(("ann",), settings=SettingChanges(drop_settings=("max_threads",))))
    assert [element.profile is not None for element in service.user("ann").settings] == [True]
    service.run(AlterUser(("ann",), settings=SettingChanges(drop_profiles=("p",))))
    assert service.user("ann").settings == ()
    service.run(AlterRole(("reader",), settings=changes))
    everything = SettingChanges(drop_all_settings=True, drop_all_profiles=True, add_settings=changes.add_settings)
    service.run(AlterRole(("reader",), settings=everything))
    role = service.catalogue.role_named("reader")
    assert role is not None
    assert role.settings == changes.add_settings


def test_policies_belong_to_one_table_each(service: Service) -> None:
    both = (PolicyName("p", "db", "t"), PolicyName("p", "", "u"))
    service.run(CreateRowPolicy(both, condition="a = 1", to=to("ann")))
    service.refuses(CreateRowPolicy(both[:1]), 493)
    assert {policy.database for policy in service.catalogue.policies.values()} == {"db", "current"}
    service.run(AlterRowPolicy(both[:1], new_name="q", condition="a = 2", restrictive=True, to=to("reader")))
    changed = next(policy for policy in service.catalogue.policies.values() if policy.table == "t")
    assert (changed.name, changed.condition, changed.restrictive) == ("q", "a = 2", True)
    assert changed.targets == Targets(ids=frozenset({service.id("reader")}))
    service.refuses(AlterRowPolicy(both[:1]), 523)


def test_quotas_have_one_interval_of_each_length(service: Service) -> None:
    hour = NewInterval(3600, limits=(("queries", "5"),))
    service.run(CreateQuota(("q",), key="user_name", intervals=(hour, NewInterval(60)), to=to("ann")))
    (quota,) = service.catalogue.quotas.values()
    assert quota.intervals == (QuotaInterval(60), QuotaInterval(3600, limits=(("queries", 5.0),)))
    service.run(AlterQuota(("q",), intervals=(NewInterval(60, limits=None), replace(hour, randomized=True))))
    (quota,) = service.catalogue.quotas.values()
    assert quota.intervals == (QuotaInterval(3600, randomized=True, limits=(("queries", 5.0),)),)
    service.refuses(AlterQuota(("nothing",)), 199)
    service.run(AlterQuota(("nothing",), if_exists=True))


def test_a_statement_is_carried_out_wholly_or_not_at_all(service: Service) -> None:
    service.refuses(CreateUser(("eve", "ann"), methods=PASSWORD), 493)
    assert service.catalogue.user_named("eve") is None
    service.refuses(drop("USER", "ann", "nobody"), 192)
    service.user("ann")
