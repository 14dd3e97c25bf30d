"""Policies as people type them, which is how the audit log prints them: `PERMISSIONS on RESOURCES [as ROLE [in …]]`."""

from typing import Any

from stronghouse.kernel.errors import Invalid

FORM = "PERMISSION[,…] on RESOURCE[,…], as in 'control-plane:service:view on instance/*'"
PREFIX = "control-plane:"
EVERY = "every database"


def policy_of(effect: str, typed: str, *, organization: str, services: dict[str, str]) -> dict[str, Any]:
    """What `--allow` or `--deny` says, as the API takes it.

    Args:
        effect: ALLOW or DENY.
        typed: the sentence. `control-plane:` may be left out of permissions. A resource is `organization`, `services`
            (all of them), a service's name or id, or what the API calls it.
        organization: the organization's resource.
        services: ids by name.

    Raises:
        Invalid: the sentence has another form, or names no service.
    """
    permissions, on, rest = typed.partition(" on ")
    resources, _, tags = rest.partition(" as ")
    if not on or not permissions.strip() or not resources.strip():
        raise Invalid(f"{typed[:120]!r} is no policy: write {FORM}.")
    policy: dict[str, Any] = {
        "allowDeny": effect,
        "permissions": [whole_permission(one) for one in _listed(permissions)],
        "resources": [_resource(one, organization=organization, services=services) for one in _listed(resources)],
    }
    if tags:
        role, _, databases = tags.partition(" in ")
        policy["tags"] = {"roleV2": role.strip()}
        if databases.strip() not in {"", EVERY}:
            policy["tags"]["grants"] = _listed(databases)
    return policy


def sentence_of(policy: dict[str, Any]) -> str:
    """The same the other way round."""
    said = f"{policy['allowDeny']} {', '.join(policy['permissions'])} on {', '.join(policy['resources'])}"
    tags = policy.get("tags", {})
    if "roleV2" not in tags:
        return said
    return f"{said} as {tags['roleV2']} in {', '.join(tags.get('grants', ())) or EVERY}"


def whole_permission(typed: str) -> str:
    """A permission's name, of which `control-plane:` may have been left out."""
    return typed if typed.startswith((PREFIX, "sql-console:")) else f"{PREFIX}{typed}"


def _listed(text: str) -> list[str]:
    return [one.strip() for one in text.split(",") if one.strip()]


def _resource(typed: str, *, organization: str, services: dict[str, str]) -> str:
    if typed == "organization":
        return organization
    if typed == "services":
        return "instance/*"
    if "/" in typed:
        return typed
    if typed.lower() in services.values():
        return f"instance/{typed.lower()}"
    if typed not in services:
        raise Invalid(f"There is no service {typed[:64]!r}: name one, or say organization or services (all).")
    return f"instance/{services[typed]}"
