"""Names: any printable text is one, and is never anything else, wherever the engine meets it."""

import json

import pytest

from tests.integration.worker.service import Service, temporary_service
from tests.integration.worker.users import SECRET, create, send, told

NAMES = [
    "o'brien",
    'say "so"',
    "back`tick",
    "back\\slash",
    "two words",
    "*/ DROP TABLE x /*",
    "-- dashes",
    "Żółć 火 🔥",
    "percent%d_like",
    "${profiles.default.max_threads}",
    "<xml> & ]]>",
    "select",
    "n" * 200,
    "default ",
    "sh",
]


def quoted(name: str) -> str:
    escaped = name.replace("\\", "\\\\").replace("`", "\\`")
    return f"`{escaped}`"


def test_any_printable_name_is_a_name_and_nothing_more() -> None:
    with temporary_service() as service:
        people = ", ".join(map(quoted, NAMES))
        create(service, *map(quoted, NAMES))
        service.run(f"CREATE ROLE {', '.join(quoted(f'role {name}') for name in NAMES)}")
        service.run(f"GRANT {', '.join(quoted(f'role {name}') for name in NAMES)} TO {people}")
        service.run(f"CREATE ROW POLICY p ON default.t USING 0 TO {people}")
        shown = told(service, "default", "SELECT name FROM system.users FORMAT JSONCompactColumns")
        assert set(NAMES) <= set(json.loads(shown)[0])
        for name in NAMES:
            url = {"user": name, "password": SECRET, "query": "SELECT currentUser(), currentRoles() FORMAT JSONEachRow"}
            answer = service.ask(password=None, url=url)
            assert answer.status == 200, (name, answer.text)
            assert json.loads(answer.text)["currentUser()"] == name
            by_header = {"X-ClickHouse-User": name.encode().decode("latin-1"), "X-ClickHouse-Key": SECRET}
            if name == name.strip():  # a header's value has no spaces at its end
                assert service.ask("SELECT 1", password=None, headers=by_header).status == 200, name
            assert f"role {name}" in json.loads(answer.text)["currentRoles()"]
            revoked = send(service, "default", f"REVOKE {quoted(f'role {name}')} FROM {quoted(name)}")
            assert revoked.status == 200, (name, revoked.text)


@pytest.mark.parametrize("name", ["", "line\nbreak", "nul\0", "n" * 257])
def test_other_names_are_refused(service: Service, name: str) -> None:
    for kind in (f"USER {quoted(name)} IDENTIFIED BY '{SECRET}'", f"ROLE {quoted(name)}", f"QUOTA {quoted(name)}"):
        assert send(service, "default", f"CREATE {kind}").code in {36, 62}, (kind, name)


@pytest.mark.parametrize("place", ["query_id", "user", "address"])
def test_what_a_client_calls_itself_or_its_query_never_becomes_part_of_a_statement(
    service: Service, place: str
) -> None:
    """The engine's comments nest: a name that begins one would end it within a string of the statement's own."""
    text = "*/ SELECT 40 + 2 -- "
    user = "/* nested" if place == "user" else "plain"
    create(service, quoted(user))
    more = {"query_id": "/*"} if place == "query_id" else {}
    answer = send(service, user, f"SELECT '{text}'", address="/*" if place == "address" else "", **more)
    assert answer.text == f"{text}\n"
