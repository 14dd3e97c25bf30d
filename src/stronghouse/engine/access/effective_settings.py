"""Which settings a user begins with: those of profiles, of roles and of the user, in ClickHouse's order.

First come those of the service, then the profiles that apply to the user, then the settings of the roles, then the
user's own; what comes later replaces what came before. A profile that is named among settings stands for its own
settings, in that place.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from stronghouse.engine.access.catalogue import (
    Catalogue,
    Profile,
    Role,
    SettingElement,
    User,
    Writability,
)
from stronghouse.engine.access.notation import unescaped


@dataclass(frozen=True, slots=True)
class Effective:
    """What one setting is and may be; values are literals in SQL's notation. Fields as in SettingElement."""

    value: str | None = None
    minimum: str | None = None
    maximum: str | None = None
    writability: Writability = ""

    @property
    def is_constrained(self) -> bool:
        """Whether there is any value that it may not have."""
        return (
            self.minimum is not None
            or self.maximum is not None
            or self.writability
            in {
                "CONST",
                "CHANGEABLE_IN_READONLY",
            }
        )


def settings_of(catalogue: Catalogue, user: User, roles: Iterable[str]) -> dict[str, str]:
    """What to SET at a connection's set-up: names, and values as plain text.

    Args:
        catalogue: the catalogue.
        user: the user.
        roles: ids of the user's default roles; those within them count too.
    """
    found = effective_settings(catalogue, user, roles)
    own = {name: plain(setting.value) for name, setting in found.items() if setting.value is not None}
    return {**catalogue.service_settings, **own}


def setting_values(catalogue: Catalogue) -> frozenset[tuple[str, str]]:
    """Every name with every value, least and greatest, as plain text, that a setting is given anywhere."""
    holders: tuple[User | Role | Profile, ...]
    holders = (*catalogue.users.values(), *catalogue.roles.values(), *catalogue.profiles.values())
    elements = (element for holder in holders for element in holder.settings)
    given = frozenset(
        (element.name, plain(literal))
        for element in elements
        for literal in (element.value, element.minimum, element.maximum)
        if literal is not None
    )
    return given.union(catalogue.service_settings.items())


def plain(literal: str) -> str:
    """A literal's text without its quotes, as a configuration has values."""
    return unescaped(literal[1:-1]) if literal.startswith("'") else literal


def effective_settings(catalogue: Catalogue, user: User, roles: Iterable[str]) -> Mapping[str, Effective]:
    """All settings of a user with these roles, by name; arguments as of `settings_of`."""
    found: dict[str, Effective] = {}
    for element in _expanded(catalogue, _elements(catalogue, user, roles)):
        setting = found.get(element.name, Effective())
        if element.value is not None:
            setting = replace(setting, value=element.value)
        if element.minimum is not None:
            setting = replace(setting, minimum=element.minimum)
        if element.maximum is not None:
            setting = replace(setting, maximum=element.maximum)
        if element.writability:
            setting = replace(setting, writability=element.writability)
        found[element.name] = setting
    return found


def _elements(catalogue: Catalogue, user: User, roles: Iterable[str]) -> Iterator[SettingElement]:
    held = sorted(catalogue.roles_within(roles))
    for profile in catalogue.profiles.values():
        if profile.targets.include((user.id, *held)):
            yield SettingElement(profile=profile.id)
    for role in held:
        yield from catalogue.roles[role].settings
    yield from user.settings


def _expanded(catalogue: Catalogue, elements: Iterable[SettingElement]) -> list[SettingElement]:
    """The elements with those of profiles in their places. A profile that comes up again counts where it is last."""
    backwards: list[SettingElement] = []
    waiting, seen = list(elements), set[str]()
    while waiting:
        element = waiting.pop()
        if element.profile is None:
            backwards.append(element)
        elif element.profile in catalogue.profiles and element.profile not in seen:
            seen.add(element.profile)
            waiting += catalogue.profiles[element.profile].settings
    return backwards[::-1]
