import pytest

from stronghouse.engine.access.catalogue import Catalogue, Grant, Role, RoleGrant, User
from stronghouse.engine.access.rights import Rights, check_level, rights_of
from stronghouse.engine.errors import DatabaseError

ALL = Grant("ALL", grant_option=True)
SELECT_ALL = Grant("SELECT")
NOT_DB = Grant("SELECT", "db", revoked=True)


def test_a_privilege_on_everything_is_held_everywhere() -> None:
    rights = Rights.of([SELECT_ALL])
    assert rights.granted("SELECT")
    assert rights.granted("SELECT", "db", "t", "c")
    assert not rights.granted("INSERT", "db", "t")
    assert not rights.grantable("SELECT", "db")


def test_a_partial_revoke_takes_from_one_place_and_from_the_whole() -> None:
    rights = Rights.of([SELECT_ALL, NOT_DB])
    assert not rights.granted("SELECT", "db", "t")
    assert rights.granted("SELECT", "other")
    assert not rights.granted("SELECT"), "not on everything any more"
    assert rights.grants == (SELECT_ALL, NOT_DB)


def test_granting_again_mends_a_partial_revoke() -> None:
    assert Rights.of([SELECT_ALL, NOT_DB]).grant(SELECT_ALL).grants == (SELECT_ALL,)
    inner = Grant("SELECT", "db", "t", "c")
    assert Rights.of([SELECT_ALL, NOT_DB, inner]).grants == (SELECT_ALL, NOT_DB, inner)


def test_revoking_from_wider_takes_what_is_narrower() -> None:
    rights = Rights.of([Grant("SELECT", "db", "t"), Grant("SELECT", "db", "t", "c"), Grant("INSERT", "db", "t")])
    assert rights.revoke(Grant("SELECT", "db")).grants == (Grant("INSERT", "db", "t"),)
    assert rights.revoke(Grant("ALL")).grants == ()


def test_a_group_is_its_members() -> None:
    rights = Rights.of([Grant("ALTER TABLE", "db")])
    assert rights.granted("ALTER UPDATE", "db", "t", "c")
    assert rights.granted("update", "db", "t"), "by an alias, in any case"
    left = rights.revoke(Grant("ALTER UPDATE", "db"))
    assert Grant("ALTER DELETE", "db") in left.grants
    assert not left.granted("ALTER TABLE", "db")
    assert left.grant(Grant("ALTER UPDATE", "db")).grants == (Grant("ALTER TABLE", "db"),)


def test_the_option_is_revoked_by_itself_or_with_the_privilege() -> None:
    rights = Rights.of([ALL])
    assert rights.grantable("ALL")
    without = rights.revoke(Grant("SELECT", "db"), option_only=True)
    assert without.granted("SELECT", "db")
    assert not without.grantable("SELECT", "db", "t")
    assert without.grants == (ALL, Grant("SELECT", "db", grant_option=True, revoked=True))
    gone = rights.revoke(Grant("SELECT", "db"))
    assert not gone.granted("SELECT", "db")
    assert not gone.grantable("SELECT", "db")


def test_names_have_privileges_of_their_own() -> None:
    rights = Rights.of([Grant("ALTER USER"), Grant("ALTER USER", parameter="ann", revoked=True)])
    assert rights.granted("ALTER USER", parameter="bob")
    assert not rights.granted("ALTER USER", parameter="ann")
    assert not Rights.of([Grant("ALL", "ann")]).granted("ALTER USER", parameter="ann"), "a database, not a user"
    assert Rights.of([ALL]).granted("SET DEFINER", parameter="x")


def test_what_one_does_not_have_another_adds() -> None:
    rights = Rights.of([SELECT_ALL, NOT_DB]).union(Rights.of([Grant("SELECT", "db", "t")]))
    assert rights.granted("SELECT", "db", "t")
    assert not rights.granted("SELECT", "db", "u")
    assert Rights.of([SELECT_ALL, NOT_DB]).union(Rights.of([SELECT_ALL])).grants == (SELECT_ALL,)


def test_intersection_and_difference_follow_places() -> None:
    mine, other = Rights.of([SELECT_ALL, NOT_DB]), Rights.of([Grant("SELECT", "db"), Grant("SELECT", "x", "t")])
    assert mine.intersection(other).grants == (Grant("SELECT", "x", "t"),)
    assert other.without(mine).grants == (Grant("SELECT", "db"),)
    assert Rights.of([ALL, NOT_DB]).only_grantable().granted("SELECT", "x")
    assert not Rights.of([SELECT_ALL]).only_grantable().granted("SELECT", "x")


def test_touching_is_having_something_of_it() -> None:
    rights = Rights.of([Grant("CREATE VIEW", "db")])
    assert rights.touches(Grant("CREATE"))
    assert not rights.touches(Grant("CREATE VIEW", "other"))
    assert not rights.touches(Grant("DROP"))


def test_operations_leave_their_operands_alone() -> None:
    rights = Rights.of([SELECT_ALL])
    rights.revoke(Grant("SELECT", "db"))
    rights.grant(Grant("INSERT"))
    assert rights.grants == (SELECT_ALL,)
    assert Rights.of([SELECT_ALL]).grants == (SELECT_ALL,)


@pytest.mark.parametrize(
    ("grant", "number"),
    [
        (Grant("KILL QUERY", "db"), 509),
        (Grant("CREATE TABLE", "db", "t", "c"), 509),
        (Grant("SELECT", parameter="x"), 509),
        (Grant("NO SUCH THING"), 508),
    ],
)
def test_what_cannot_be_granted_there_is_refused(grant: Grant, number: int) -> None:
    with pytest.raises(DatabaseError) as caught:
        check_level(grant)
    assert caught.value.number == number


@pytest.mark.parametrize("grant", [Grant("ALL", "db"), Grant("SELECT", "db", "t", "c"), Grant("USAGE", "db")])
def test_what_can_be_granted_in_part_is_granted_in_part(grant: Grant) -> None:
    check_level(grant)
    Rights.of([grant])


def test_rights_in_force_are_those_of_the_user_and_of_roles_within_roles() -> None:
    catalogue = Catalogue(
        users={"u": User("u", "ann", grants=(Grant("INSERT", "db"),))},
        roles={
            "a": Role("a", "outer", roles=(RoleGrant("b"),)),
            "b": Role("b", "inner", grants=(Grant("SELECT", "db"),)),
            "c": Role("c", "other", grants=(Grant("ALL"),)),
        },
    )
    assert rights_of(catalogue, "u", ["a"]).grants == (Grant("SELECT", "db"), Grant("INSERT", "db"))
