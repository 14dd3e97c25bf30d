"""The acts of the pages about API keys, as commands of ours, calls of the API and lines for a shell."""

import shlex

from stronghouse.access.model import ApiKey, Source
from stronghouse.access.roles.system import Roles
from stronghouse.console.equivalents import Equivalent, Equivalents
from stronghouse.console.key_forms import WantedKey, change_of
from stronghouse.console.key_view import role_names
from stronghouse.kernel.canonical import Json
from stronghouse.kernel.clock import rfc3339
from stronghouse.kernel.secret import Secret
from stronghouse.plane.parts import ControlPlane


def creation(equivalents: Equivalents, wanted: WantedKey, roles: Roles) -> Equivalent:
    """Making a key."""
    body: dict[str, Json] = {
        "name": wanted.name,
        "assignedRoleIds": list(wanted.role_ids),
        "ipAccessList": _entries(wanted.ip_access),
    }
    words = [*_roles(wanted.role_ids, roles), *_sources(wanted.ip_access)]
    if wanted.expires_at is not None:
        body["expireAt"] = rfc3339(wanted.expires_at)
        words += ["--expires", rfc3339(wanted.expires_at)]
    return equivalents.of("key", "create", *words, "--", wanted.name, method="POST", path="/keys", body=body)


def change(equivalents: Equivalents, key: ApiKey, wanted: WantedKey, roles: Roles) -> Equivalent:
    """Changing a key. The command cannot empty a list, so such a change has no command."""
    made = change_of(key, wanted)
    body: dict[str, Json] = {}
    words: list[str] = []
    if made.name is not None:
        body["name"] = made.name
        words.append(f"--name={made.name}")
    if made.role_ids is not None:
        body["assignedRoleIds"] = list(made.role_ids)
        words += _roles(made.role_ids, roles)
    if made.ip_access is not None:
        body["ipAccessList"] = _entries(made.ip_access)
        words += _sources(made.ip_access)
    if made.clear_expiry:
        body["expireAt"] = None
        words.append("--never-expires")
    elif made.expires_at is not None:
        body["expireAt"] = rfc3339(made.expires_at)
        words += ["--expires", rfc3339(made.expires_at)]
    command = [] if () in {made.role_ids, made.ip_access} else ["key", "update", key.id, *words]
    return equivalents.of(*command, method="PATCH", path=f"/keys/{key.id}", body=body)


def switch(equivalents: Equivalents, key: ApiKey, state: str) -> Equivalent:
    """Enabling or disabling a key."""
    return equivalents.of(
        "key", "update", key.id, "--state", state, method="PATCH", path=f"/keys/{key.id}", body={"state": state}
    )


def deletion(equivalents: Equivalents, key: ApiKey) -> Equivalent:
    """Deleting a key."""
    return equivalents.of("key", "delete", key.id, method="DELETE", path=f"/keys/{key.id}")


def exports(plane: ControlPlane, *, key_id: Secret, key_secret: Secret) -> str:
    """What a shell needs, so that our commands, curl and `clickhousectl` use a key. It holds the secret.

    Without the host for queries `clickhousectl` would send the key to its vendor.
    """
    ca_file, shown_id, secret = str(plane.ca_file), key_id.reveal(), key_secret.reveal()
    variables = {
        "STRONGHOUSE_API_URL": plane.api_url,
        "STRONGHOUSE_CA_FILE": ca_file,
        "STRONGHOUSE_KEY_ID": shown_id,
        "STRONGHOUSE_KEY_SECRET": secret,
        "SSL_CERT_FILE": ca_file,
        "CLICKHOUSE_CLOUD_API_KEY": shown_id,
        "CLICKHOUSE_CLOUD_API_SECRET": secret,
        "CLICKHOUSE_CLOUD_QUERY_HOST": plane.queries_url,
    }
    return "\n".join(f"export {name}={shlex.quote(value)}" for name, value in variables.items())


def clickhousectl(plane: ControlPlane) -> str:
    """A first command for the vendor's own program."""
    return f"DO_NOT_TRACK=1 clickhousectl cloud --url {shlex.quote(plane.api_url)} service list"


def _roles(role_ids: tuple[str, ...], roles: Roles) -> list[str]:
    return [word for name in role_names(role_ids, roles) for word in ("--role", name)]


def _sources(sources: tuple[Source, ...]) -> list[str]:
    texts = [f"{entry.source}={entry.description}" if entry.description else entry.source for entry in sources]
    return [word for text in texts for word in ("--ip", text)]


def _entries(sources: tuple[Source, ...]) -> list[Json]:
    return [{"source": entry.source, "description": entry.description} for entry in sources]
