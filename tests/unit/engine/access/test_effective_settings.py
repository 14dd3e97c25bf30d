import pytest

from stronghouse.engine.access.catalogue import Catalogue, Profile, Role, RoleGrant, SettingElement, Targets, User
from stronghouse.engine.access.effective_settings import Effective, effective_settings, settings_of

EVERYBODY = Targets(everybody=True)


def value(name: str, text: str) -> SettingElement:
    return SettingElement(name, text)


def test_a_users_own_come_after_a_roles_and_those_after_a_profiles() -> None:
    user = User("u", "ann", settings=(value("c", "'own'"),), roles=(RoleGrant("r"),))
    catalogue = Catalogue(
        users={"u": user},
        roles={
            "r": Role("r", "role", settings=(value("b", "2"), value("c", "2")), roles=(RoleGrant("i"),)),
            "i": Role("i", "inner", settings=(value("d", "3"),)),
        },
        profiles={
            "p": Profile("p", "all", (value("a", "1"), value("b", "1"), value("c", "1")), EVERYBODY),
            "q": Profile("q", "others", (value("a", "9"),), Targets(everybody=True, excluded=frozenset({"i"}))),
        },
    )
    assert settings_of(catalogue, user, ["r"]) == {"a": "1", "b": "2", "c": "own", "d": "3"}
    assert settings_of(catalogue, user, []) == {"a": "9", "b": "1", "c": "own"}


def test_what_one_does_not_say_another_does() -> None:
    elements = (
        SettingElement("a", "1", "0", "9"),
        SettingElement("a", maximum="5"),
        SettingElement("a", writability="CONST"),
    )
    user = User("u", "ann", settings=elements)
    found = effective_settings(Catalogue(users={"u": user}), user, [])
    assert found == {"a": Effective("1", "0", "5", "CONST")}
    assert found["a"].is_constrained
    assert not Effective("1", writability="WRITABLE").is_constrained


@pytest.mark.timeout(5)
def test_profiles_within_profiles_count_once_and_where_they_are_last() -> None:
    deep = {
        str(n): Profile(str(n), str(n), tuple(SettingElement(profile=str(n + 1)) for _ in range(3))) for n in range(40)
    }
    deep["40"] = Profile("40", "40", (value("a", "1"), SettingElement(profile="0")))
    user = User("u", "ann", settings=(value("a", "2"), SettingElement(profile="0"), SettingElement(profile="gone")))
    catalogue = Catalogue(users={"u": user}, profiles=deep)
    assert settings_of(catalogue, user, []) == {"a": "1"}
