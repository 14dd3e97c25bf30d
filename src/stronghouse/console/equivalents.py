"""The same act without the console: as a command of ours, and as a call of the API with curl.

Nothing here holds a secret: the key comes from the environment, and reaches curl on a file descriptor, not in argv.
"""

import json
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from stronghouse.kernel.canonical import Json

CREDENTIALS = """<(printf 'user = "%s:%s"' "$STRONGHOUSE_KEY_ID" "$STRONGHOUSE_KEY_SECRET")"""


@dataclass(frozen=True)
class Equivalent:
    """One act in other words; a way that does not exist is None."""

    cli: str | None
    curl: str | None


@dataclass(frozen=True)
class Equivalents:
    """Writes equivalents for one organization of this installation."""

    api_url: str
    ca_file: str
    organization_id: str

    def of(
        self,
        *command: str,
        method: str = "GET",
        path: str | None = None,
        body: Mapping[str, Json] | str | None = None,
        form: Sequence[str] = (),
    ) -> Equivalent:
        """The equivalent of an act.

        Args:
            command: words of a command of ours, without the program's name; none if there is no such command.
            method: of the API.
            path: below the organization, as in `/services`; None if the API has no such call.
            body: what is sent as JSON; or the name of a file with it, where it holds a secret, which argv must not.
            form: fields of a form with a file, as in `date=2026-11-23` and `file=@report.pdf`.
        """
        cli = shlex.join(["stronghouse", *command]) if command else None
        sent = f"@{body}" if isinstance(body, str) else None if body is None else json.dumps(body, ensure_ascii=False)
        return Equivalent(cli, None if path is None else self._curl(method, path, sent, form))

    def _curl(self, method: str, path: str, sent: str | None, form: Sequence[str]) -> str:
        lines = [f"curl --cacert {shlex.quote(self.ca_file)} -K {CREDENTIALS}"]
        if method != "GET":
            lines.append(f"-X {method}")
        if sent is not None:
            lines.append("-H 'content-type: application/json'")
            lines.append(f"-d {shlex.quote(sent)}")
        lines += [f"-F {shlex.quote(field)}" for field in form]
        lines.append(shlex.quote(f"{self.api_url}/v1/organizations/{self.organization_id}{path}"))
        return " \\\n  ".join(lines)
