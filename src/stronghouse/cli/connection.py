"""A service's connection as the API shows the service."""

from pathlib import Path
from typing import Any

from stronghouse.services.connecting import Connection, snippets


def connection_of(service: dict[str, Any], ca_file: Path | None) -> Connection:
    """The HTTPS connection of a service as the API shows it."""
    endpoint = service["endpoints"][0]
    trusted = None if ca_file is None else ca_file.absolute()  # a snippet may be run anywhere
    return Connection(endpoint["host"], int(endpoint["port"]), endpoint["username"], trusted)


def connection_fields(to: Connection) -> dict[str, object]:
    """The connection and its snippets for scripts."""
    return {
        "host": to.host,
        "port": to.port,
        "username": to.username,
        "ca_file": None if to.ca_file is None else str(to.ca_file),
        "secure": True,
        "snippets": {title: {"language": one.language, "text": one.text} for title, one in snippets(to).items()},
    }
