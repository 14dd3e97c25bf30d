"""How to connect to a service: the same facts as programs for several clients, each of which runs as it stands.

Invariant: no password is in any of them. They read it from the environment variable `CLICKHOUSE_PASSWORD`, and none
hands it to a program as an argument, which every user of the machine could read.
"""

import json
import shlex
from dataclasses import dataclass
from pathlib import Path

PASSWORD = "CLICKHOUSE_PASSWORD"  # noqa: S105 - the name of a variable
QUESTION = "SELECT version()"


@dataclass(frozen=True)
class Connection:
    """Where a service is and whom to trust.

    Attributes:
        ca_file: the certificate of the authority to trust; None where the system's authorities do.
        native: host and port for ClickHouse's own protocol over TLS; None for an engine that does not speak it.
    """

    host: str
    port: int
    username: str
    ca_file: Path | None
    native: tuple[str, int] | None = None

    @property
    def url(self) -> str:
        """Of the HTTPS interface."""
        return f"https://{f'[{self.host}]' if ':' in self.host else self.host}:{self.port}"


@dataclass(frozen=True)
class Snippet:
    """A program: its language (`python`, `javascript`, `shell`) and its text."""

    language: str
    text: str


def snippets(to: Connection) -> dict[str, Snippet]:
    """Title and program for each client that can reach the service."""
    found = {
        "Python (pip install clickhouse-connect)": Snippet("python", _python(to)),
        "JavaScript (npm install @clickhouse/client)": Snippet("javascript", _javascript(to)),
        "curl": Snippet("shell", _curl(to)),
    }
    if to.native is not None:
        found["clickhouse-client"] = Snippet("shell", _native(to, *to.native))
    return found


def _python(to: Connection) -> str:
    trust = "" if to.ca_file is None else f", ca_cert={_quoted(to.ca_file)}"
    return f"""\
import os

import clickhouse_connect

client = clickhouse_connect.get_client(
    host={_quoted(to.host)}, port={to.port}, username={_quoted(to.username)}, password=os.environ["{PASSWORD}"],
    secure=True{trust},
)
print(client.command("{QUESTION}"))
"""


def _javascript(to: Connection) -> str:
    reading = "" if to.ca_file is None else 'import { readFileSync } from "node:fs"\n'
    trust = "" if to.ca_file is None else f"  tls: {{ ca_cert: readFileSync({_quoted(to.ca_file)}) }},\n"
    return f"""\
{reading}import {{ createClient }} from "@clickhouse/client"

const client = createClient({{
  url: {_quoted(to.url)},
  username: {_quoted(to.username)},
  password: process.env.{PASSWORD},
{trust}}})
const answer = await client.query({{ query: "{QUESTION}", format: "TabSeparated" }})
console.log((await answer.text()).trim())
await client.close()
"""


def _curl(to: Connection) -> str:
    trust = "" if to.ca_file is None else f"--cacert {shlex.quote(str(to.ca_file))} "
    # The shell's own printf writes the headers, so that the password is in no program's arguments. HTTP/1.1, because
    # curl 7.88 (Debian 12) loses an answer that comes before it has sent its body, as a refusal does, over HTTP/2.
    return f"""\
printf 'X-ClickHouse-User: %s\\nX-ClickHouse-Key: %s\\n' {shlex.quote(to.username)} "${PASSWORD}" |
  curl --http1.1 {trust}--header @- --data-binary '{QUESTION}' {shlex.quote(to.url)}
"""


def _native(to: Connection, host: str, port: int) -> str:
    # clickhouse-client reads the password's variable by itself.
    trust = "" if to.ca_file is None else f"SSL_CERT_FILE={shlex.quote(str(to.ca_file))} "
    return f"""\
{trust}clickhouse-client --secure --host {shlex.quote(host)} --port {port} \\
  --user {shlex.quote(to.username)} --query '{QUESTION}'
"""


def _quoted(value: object) -> str:
    """A string literal that Python and JavaScript read alike."""
    return json.dumps(str(value), ensure_ascii=False)
