"""How to connect to a service: the same facts for curl, Python, Node.js and JDBC."""

import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PASSWORD = "<password>"  # noqa: S105 - stands for the password, which nobody but its owner has


@dataclass(frozen=True)
class Connection:
    """Where a service is and whom to trust."""

    host: str
    port: int
    username: str
    ca_file: Path | None

    def fields(self) -> dict[str, object]:
        """For scripts."""
        return {
            "host": self.host,
            "port": self.port,
            "username": self.username,
            "ca_file": None if self.ca_file is None else str(self.ca_file),
            "secure": True,
        }


def connection_of(service: dict[str, Any], ca_file: Path | None) -> Connection:
    """The HTTPS connection of a service as the API shows it."""
    endpoint = service["endpoints"][0]
    return Connection(endpoint["host"], int(endpoint["port"]), endpoint["username"], ca_file)


def snippets(to: Connection) -> dict[str, str]:
    """Title and text for each client. The password is left for the reader to fill in."""
    url = f"https://{to.host}:{to.port}"
    trust = "" if to.ca_file is None else f"--cacert {shlex.quote(str(to.ca_file))} "
    return {
        "curl (asks for the password)": (
            f"curl {trust}--user {shlex.quote(to.username)} {url} --data-binary 'SELECT version()'"
        ),
        "Python (pip install clickhouse-connect)": _python(to),
        "Node.js (npm install @clickhouse/client)": _node(to, url),
        "JDBC": f"jdbc:clickhouse:{url}?user={to.username}&ssl=true"
        + (f"&sslrootcert={to.ca_file}" if to.ca_file else ""),
    }


def _python(to: Connection) -> str:
    trust = "" if to.ca_file is None else f", ca_cert={str(to.ca_file)!r}"
    return (
        "import clickhouse_connect\n\n"
        "client = clickhouse_connect.get_client(\n"
        f"    host={to.host!r}, port={to.port}, username={to.username!r}, password={PASSWORD!r}, secure=True{trust}\n"
        ")\n"
        "client.query('SELECT version()').result_rows"
    )


def _node(to: Connection, url: str) -> str:
    trust = "" if to.ca_file is None else f", tls: {{ ca_cert: readFileSync('{to.ca_file}') }}"
    imported = "" if to.ca_file is None else "import { readFileSync } from 'node:fs'\n"
    return (
        "import { createClient } from '@clickhouse/client'\n"
        f"{imported}\n"
        f"const client = createClient({{ url: '{url}', username: '{to.username}', password: '{PASSWORD}'{trust} }})\n"
        "console.log(await (await client.query({ query: 'SELECT version()', format: 'JSON' })).json())"
    )
