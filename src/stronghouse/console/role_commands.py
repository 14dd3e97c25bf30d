"""The acts of the pages about roles and members, as commands of ours and calls of the API."""

from collections.abc import Sequence

from stronghouse.access.roles.policies import ANY_ORGANIZATION, ORGANIZATION, Policy, Role
from stronghouse.access.roles.store import tags_form
from stronghouse.console.equivalents import Equivalent, Equivalents
from stronghouse.kernel.canonical import Json


def creation(equivalents: Equivalents, name: str) -> Equivalent:
    """Making a role without policies."""
    body: dict[str, Json] = {"name": name, "policies": [], "actors": []}
    return equivalents.of("role", "create", "--", name, method="POST", path="/roles", body=body)


def policies(equivalents: Equivalents, role: Role) -> Equivalent:
    """Giving a role the policies that it has: to change them, change the words."""
    words = [word for policy in role.policies for word in _words(policy)]
    command = ["role", "update", role.id, *words] if words else []
    body: dict[str, Json] = {"policies": [_form(policy) for policy in role.policies]}
    return equivalents.of(*command, method="PATCH", path=f"/roles/{role.id}", body=body)


def renaming(equivalents: Equivalents, role: Role, name: str) -> Equivalent:
    """Calling it otherwise."""
    return equivalents.of(
        "role", "update", role.id, f"--name={name}", method="PATCH", path=f"/roles/{role.id}", body={"name": name}
    )


def holders(equivalents: Equivalents, role: Role, actors: Sequence[str]) -> Equivalent:
    """Giving it to those that hold it now, which to change is for whoever copies this."""
    given = [word for actor in actors for word in ("--give", actor)]
    command = ["role", "update", role.id, *given] if given else []
    return equivalents.of(*command, method="PATCH", path=f"/roles/{role.id}", body={"actors": list(actors)})


def deletion(equivalents: Equivalents, role: Role) -> Equivalent:
    """Deleting it."""
    return equivalents.of("role", "delete", role.id, method="DELETE", path=f"/roles/{role.id}")


def explanation(equivalents: Equivalents, who: str, permission: str, resource: str) -> Equivalent:
    """Asking why."""
    named = ["--resource", resource] if resource else []
    query = f"who={who}&permission={permission}" + (f"&resource={resource}" if resource else "")
    command = ["access", "explain", "--who", who, "--permission", permission, *named]
    return equivalents.of(*command, path=f"/accessExplanation?{query}")


def member_roles(equivalents: Equivalents, user_id: str, roles: Sequence[Role]) -> Equivalent:
    """Giving a member just these roles."""
    words = [word for role in roles for word in ("--role", role.name)] or ["--clear-roles"]
    body: dict[str, Json] = {"assignedRoleIds": [role.id for role in roles]}
    return equivalents.of("member", "update", user_id, *words, method="PATCH", path=f"/members/{user_id}", body=body)


def removal(equivalents: Equivalents, user_id: str) -> Equivalent:
    """Taking a member out of the organization."""
    return equivalents.of("member", "remove", user_id, method="DELETE", path=f"/members/{user_id}")


def _words(policy: Policy) -> list[str]:
    said = policy.sentence.removeprefix(f"{policy.effect} ").replace(ANY_ORGANIZATION, "organization")
    return [f"--{policy.effect.lower()}", said]


def _form(policy: Policy) -> Json:
    form: dict[str, Json] = {
        "allowDeny": policy.effect.value,
        "permissions": [one.value for one in policy.permissions],
        "resources": [f"{ORGANIZATION}…" if one == ANY_ORGANIZATION else one for one in policy.resources],
    }
    if policy.tags is not None:
        form["tags"] = tags_form(policy.tags)
    return form
