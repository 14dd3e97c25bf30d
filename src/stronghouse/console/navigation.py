"""The sections of the console, in groups, each with the permission that shows it and the key that leads to it."""

from collections.abc import Callable
from dataclasses import dataclass

from stronghouse.access.permissions import Permission


@dataclass(frozen=True)
class Section:
    """One section. `paths` are the first parts of the addresses that belong to it; `key` follows `g` on a keyboard."""

    address: str
    name: str
    icon: str
    permission: Permission
    key: str
    paths: tuple[str, ...] = ()

    def holds(self, path: str) -> bool:
        """Whether a page belongs to this section."""
        first = "/" + path.split("/")[1]
        return first == self.address or first in self.paths


@dataclass(frozen=True)
class Link:
    """A section as it is shown."""

    section: Section
    here: bool


@dataclass(frozen=True)
class Group:
    """Sections under one heading."""

    name: str
    links: list[Link]


SECTIONS: dict[str, tuple[Section, ...]] = {
    "Security": (
        Section(
            "/",
            "Responsibilities",
            "matrix",
            Permission.RESPONSIBILITIES_VIEW,
            "r",
            ("/responsibilities", "/evidence", "/checks", "/runs"),
        ),
        Section("/findings", "Findings", "finding", Permission.RESPONSIBILITIES_VIEW, "f"),
        Section("/vulnerabilities", "Vulnerabilities", "bug", Permission.RESPONSIBILITIES_VIEW, "v"),
        Section("/guidance", "Guidance", "compass", Permission.RESPONSIBILITIES_VIEW, "u"),
    ),
    "Data": (Section("/services", "Services", "database", Permission.SERVICE_VIEW, "s"),),
    "Access": (
        Section("/keys", "API keys", "key", Permission.API_KEYS_VIEW, "k"),
        Section("/people", "People", "people", Permission.ORGANIZATION_VIEW, "p"),
        Section("/roles", "Roles", "shield", Permission.ROLES_MANAGE, "o", ("/access",)),
        Section("/audit", "Audit log", "log", Permission.AUDIT_LOG_VIEW, "a"),
    ),
    "Evidence": (
        Section("/documents", "Documents", "document", Permission.DOCUMENTS_VIEW, "d"),
        Section("/packages", "Packages", "package", Permission.EVIDENCE_EXPORT, "e"),
        Section("/notifications", "Notifications", "bell", Permission.NOTIFICATIONS_MANAGE, "n"),
    ),
}


def navigation(path: str, may: Callable[[Permission], bool]) -> list[Group]:
    """The groups with the sections that a person may see, and which of them the page at `path` is in."""
    groups = [
        Group(name, [Link(section, section.holds(path)) for section in sections if may(section.permission)])
        for name, sections in SECTIONS.items()
    ]
    return [group for group in groups if group.links]


def section_of(path: str) -> Section | None:
    """The section that a page or an act at `path` belongs to; None for what is one's own."""
    return next((one for sections in SECTIONS.values() for one in sections if one.holds(path)), None)


def first_page(groups: list[Group]) -> str:
    """Where a person begins: the first section that they may see, else their own account."""
    return groups[0].links[0].section.address if groups else "/account"
