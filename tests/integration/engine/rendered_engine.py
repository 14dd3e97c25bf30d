"""A process with an engine of its own, opened with a rendered catalogue: questions as JSON, one a line."""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TypedDict

from stronghouse.engine.access.catalogue import Catalogue
from stronghouse.engine.access.effective_settings import settings_of
from stronghouse.engine.access.json_form import from_json, to_json
from stronghouse.engine.access.rendering import definer, engine_roles, users_tree
from stronghouse.engine.binding import load_engine
from stronghouse.engine.configuration import Content, EnvironmentKey, Layout, Node, write_configuration
from stronghouse.engine.connection import Connection
from stronghouse.engine.errors import DatabaseError

ROOT = Path(__file__).parents[3]
KEY = "ab" * 32


class Question(TypedDict):
    user: str | None
    sql: str


class RenderedEngine:
    """The process, seen from a test."""

    def __init__(self, directory: Path, catalogue: Catalogue, grants: dict[str, list[str]] | None = None) -> None:
        """Open an engine in `directory` with `catalogue`, and with roles given by statements of a users file."""
        (directory / "catalogue.json").write_text(json.dumps([to_json(catalogue), grants or {}]))
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.integration.engine.rendered_engine", str(directory)],
            env={"PYTHONPATH": f"{ROOT / 'src'}:{ROOT}", "TZ": "UTC", "LANG": "C.UTF-8", "STRONGHOUSE_DATA_KEY": KEY},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )

    def ask(self, user: str | None, sql: str) -> str:
        """The answer to `sql` for a user, by id (None: our own connection); `!497 …` for an error."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(Question(user=user, sql=sql)) + "\n")
        self._process.stdin.flush()
        return str(json.loads(self._process.stdout.readline()))

    def close(self) -> None:
        self._process.communicate(timeout=30)


def dressed(connection: Connection, catalogue: Catalogue, user_id: str | None) -> None:
    """Give a connection a user's settings, constraints and rights, in the order that works."""
    if user_id is None:
        connection.query("SET ROLE s_internal")
        return
    user = catalogue.users[user_id]
    roles = catalogue.default_roles_of(user)
    values = {"default_view_definer": definer(user_id), **settings_of(catalogue, user, roles)}
    for name, value in values.items():
        connection.query(f"SET {name} = '{value}'")
    connection.query(f"SET profile = 'l_{user_id}'")
    held = sorted(catalogue.roles_within(roles))
    connection.query(f"SET ROLE {', '.join(engine_roles(user_id, held))}")


def answer(connection: Connection, question: Question) -> str:
    mark = f"/*sh:{question['user']} 1*/ " if question["user"] else ""
    try:
        return connection.value(mark + question["sql"])
    except DatabaseError as error:
        return f"!{error.number} {error.public}"


def tree(catalogue: Catalogue, grants: dict[str, list[str]]) -> Node:
    """The rendered catalogue, with roles of a test's own, and the right to see them for our own connections."""
    name, parts = users_tree(catalogue)
    own: list[Node] = [(role, [("grants", [("query", one) for one in given])]) for role, given in grants.items()]
    return name, [(part, with_roles(found, own) if part == "roles" else found) for part, found in nodes(parts)]


def with_roles(content: Content, own: list[Node]) -> list[Node]:
    roles = dict(nodes(content))
    (_, queries), *_ = nodes(roles["s_internal"])
    roles["s_internal"] = [("grants", [*nodes(queries), ("query", "GRANT SHOW ACCESS ON *.*")])]
    return [*roles.items(), *own]


def nodes(content: Content) -> Sequence[Node]:
    assert not isinstance(content, str | EnvironmentKey)
    return content


def main(directory: Path) -> None:
    # The engine writes to standard output when it closes; answers go by a descriptor of their own.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    form, grants = json.loads((directory / "catalogue.json").read_text())
    catalogue = from_json(Catalogue, form)
    layout = Layout(directory)
    for path in (layout.engine, layout.disk):
        path.mkdir()
    write_configuration(layout, memory_limit_bytes=1 << 30, users=tree(catalogue, grants))
    module = load_engine()
    address = f"file:{layout.engine}?config-file={layout.engine_file}"
    with Connection(module.connect(address)):
        for line in sys.stdin:
            question: Question = json.loads(line)
            with Connection(module.connect(address)) as connection:
                dressed(connection, catalogue, question["user"])
                print(json.dumps(answer(connection, question)), file=answers, flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
