"""API keys in the console: who may make which, what is shown once, what a change would do, and what deleting takes."""

import html
import re
from datetime import timedelta
from typing import Any

import pytest

from stronghouse.access import passwords, people, store
from stronghouse.access.api_keys import KEYS_PER_ORGANIZATION
from stronghouse.access.model import ApiKey, Source
from stronghouse.access.permissions import Permission
from stronghouse.access.roles.policies import Role
from stronghouse.access.roles.system import ADMIN, DEVELOPER, MEMBER, SYSTEM_ROLES
from stronghouse.audit import store as audit_store
from stronghouse.kernel.secret import Secret
from stronghouse.responsibility.findings.persons import person_behind
from tests.console.conftest import Enter, Visitor, assert_only_our_scripts
from tests.support.control_plane import CONTEXT, Plane
from tests.support.roles import role_of
from tests.unit.responsibility.findings.looks import Scene

MARK = "<script>alert(1)</script>"
OFFICE = "203.0.113.7"
PASSWORD = "xK9#mQ2$vL7!"


def keys_of(plane: Plane, organization_id: str) -> dict[str, ApiKey]:
    with plane.control.database.read() as connection:
        return {key.name: key for key in store.keys(connection, organization_id=organization_id)}


def data_of(plane: Plane, code: str) -> list[dict[str, Any]]:
    with plane.control.database.read() as connection:
        events = [entry.event() for entry in audit_store.entries(connection)]
    return [{**event, **event["data"]} for event in events if event["code"] == code]  # type: ignore[dict-item]


def log_text(plane: Plane) -> str:
    with plane.control.database.read() as connection:
        return "\n".join(entry.body for entry in audit_store.entries(connection))


def form(**fields: Any) -> dict[str, Any]:
    """A filled-in form for a new key."""
    filled = {"name": "deploy", "role": [DEVELOPER.id], "sources": f"{OFFICE} office", "expiry": "30", "form_id": "1"}
    return {**filled, **fields}


def shown(page: str, element: str) -> str:
    """The text of what can be copied from a page."""
    found = re.search(rf'<pre id="{element}"[^>]*>([^<]*)</pre>', page)
    assert found, element
    return html.unescape(found[1])


def hidden(page: str) -> dict[str, Any]:
    """The fields of the form that applies a change."""
    part = page[page.index("What this would change") :].split("</form>", maxsplit=1)[0]
    fields: dict[str, Any] = {}
    for name, value in re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', part):
        fields.setdefault(name, []).append(html.unescape(value))
    return fields


def give_password(plane: Plane, visitor: Visitor) -> None:
    with plane.control.audit.unit_of_work(CONTEXT) as uow:
        hashed = passwords.hash_password(Secret(PASSWORD))
        store.set_password_hash(uow.connection, user_id=visitor.user_id, password_hash=hashed)
        people.record_failed_sign_in(uow, method="password")


def custom(monkeypatch: pytest.MonkeyPatch, *permissions: Permission) -> Role:
    """A role that is not built in."""
    role = role_of("Custom", permissions)
    monkeypatch.setitem(SYSTEM_ROLES, role.id, role)
    return role


def test_a_key_is_made_its_secret_is_shown_once_and_it_works(enter: Enter, scene: Scene, plane: Plane) -> None:
    ada = enter(scene.operator)
    assert "No API keys yet" in ada.get("/keys")
    page = ada.post("/keys/new", 200, data=form())
    auth = (shown(page, "key-id"), shown(page, "key-secret"))
    assert plane.call("GET", f"/organizations/{scene.operator}/services", auth, address=OFFICE).status_code == 200
    assert (
        plane.call("GET", f"/organizations/{scene.operator}/services", auth, address="203.0.113.8").status_code == 403
    )
    exports = shown(page, "exports")
    for line in (
        f"STRONGHOUSE_KEY_SECRET={auth[1]}",
        f"CLICKHOUSE_CLOUD_API_KEY={auth[0]}",
        "QUERY_HOST=https://local",
    ):
        assert line in exports
    assert "clickhousectl cloud --url https://localhost:8440 service list" in shown(page, "clickhousectl")
    key = keys_of(plane, scene.operator)["deploy"]
    for text in (ada.get("/keys"), ada.get(f"/keys/{key.id}"), ada.get(f"/keys/{key.id}/change"), log_text(plane)):
        assert auth[0] not in text
        assert auth[1] not in text
    (event,) = data_of(plane, "api_key.create")
    assert (event["key_id"], event["actor"]["id"], event["ip_access"]) == (key.id, ada.user_id, [OFFICE])
    with plane.control.database.read() as connection:
        behind = person_behind(connection, actor_type="api", actor_id=key.id, organization_id=scene.operator)
    assert behind == ada.user_id


def test_sending_the_form_again_makes_no_second_key(enter: Enter, scene: Scene, plane: Plane) -> None:
    ada = enter(scene.operator)
    ada.post("/keys/new", 200, data=form())
    assert "was sent already" in ada.post("/keys/new", 409, data=form())
    assert "was sent already" in ada.post("/keys/new", 409, data=form(form_id=""))
    assert len(keys_of(plane, scene.operator)) == 1
    assert len(set(re.findall(r'name="form_id" value="([^"]+)"', ada.get("/keys/new") + ada.get("/keys/new")))) == 2


@pytest.mark.parametrize(
    ("field", "fields", "sentence"),
    [
        ("name", {"name": " "}, "1 to 256 printable"),
        ("role", {"role": []}, "at least one role"),
        ("role", {"role": ["nobody"]}, "no role with the id"),
        ("sources", {"sources": f"{OFFICE}\n300.1.1.1 typo"}, "Line 2: "),
        ("last_day", {"expiry": "date"}, "as in 2027-01-31"),
        ("last_day", {"expiry": "date", "last_day": "9999-12-31"}, "as in 2027-01-31"),
        ("last_day", {"expiry": "date", "last_day": "2026-11-22"}, "passed already"),
        ("last_day", {"expiry": "keep"}, "as in 2027-01-31"),
    ],
)
def test_what_is_wrong_stands_at_its_field_and_the_rest_is_kept(
    enter: Enter, scene: Scene, plane: Plane, field: str, fields: dict[str, Any], sentence: str
) -> None:
    ada = enter(scene.operator)
    before = ada.events()
    page = ada.post("/keys/new", 400, data=form(**{"sources": "192.0.2.9 kept", **fields}))
    assert f'<a href="#{field}">' in page
    found = re.search(rf'id="wrong-{field}">([^<]*)<', page)
    assert found
    assert sentence in html.unescape(found[1])
    assert f'aria-describedby="wrong-{field}' in page
    assert field == "sources" or "192.0.2.9 kept" in page
    assert (ada.events(), keys_of(plane, scene.operator)) == (before, {})


def test_all_that_is_wrong_is_said_at_once(enter: Enter, scene: Scene) -> None:
    page = enter(scene.operator).post("/keys/new", 400, data=form(name="", role=[], sources="x", expiry="date"))
    assert "4 things are not right yet" in page


def test_a_key_ends_with_a_day_or_never(enter: Enter, scene: Scene, plane: Plane) -> None:
    ada = enter(scene.operator)
    wanted = {
        "30": "2026-12-24",
        "90": "2027-02-22",
        "365": "2027-11-24",
        "date": "2026-11-24",
        "never": None,
    }
    for expiry in wanted:
        fields = form(name=expiry, expiry=expiry, form_id=expiry, last_day="2026-11-23")
        ada.post("/keys/new", 200, data=fields)
    made = keys_of(plane, scene.operator)
    ends = {name: key.expires_at and key.expires_at.isoformat() for name, key in made.items()}
    assert ends == {name: day and f"{day}T00:00:00+00:00" for name, day in wanted.items()}


def test_a_key_may_be_let_in_from_where_its_maker_is(enter: Enter, scene: Scene, plane: Plane) -> None:
    ada = enter(scene.operator)
    assert "where I am now" not in ada.get("/keys/new")  # nobody told it
    ada.client.headers["x-sh-client-ip"] = "198.51.100.4"
    assert "<code>198.51.100.4</code>" in ada.get("/keys/new")
    ada.post("/keys/new", 200, data=form(here="true"))
    ada.post("/keys/new", 200, data=form(name="wide", form_id="2", sources="198.51.100.0/24", here="true"))
    page = ada.post("/keys/new", 200, data=form(name="none", form_id="3", sources=""))
    assert "Nobody can use it yet" in page
    lists = {name: [one.source for one in key.ip_access] for name, key in keys_of(plane, scene.operator).items()}
    assert lists == {"deploy": [OFFICE, "198.51.100.4"], "wide": ["198.51.100.0/24"], "none": []}


def test_a_thousand_addresses_fit(enter: Enter, scene: Scene, plane: Plane) -> None:
    ada = enter(scene.operator)
    lines = "\n".join(f"203.0.{number // 250}.{number % 250} host {number}" for number in range(1000))
    ada.post("/keys/new", 200, data=form(sources=lines))
    key = keys_of(plane, scene.operator)["deploy"]
    assert len(key.ip_access) == 1000
    changed = {**form(sources=lines.replace("host 7\n", "printer\n")), "expiry": "keep"}
    page = ada.post(f"/keys/{key.id}/change", 200, data=changed)
    ada.post(f"/keys/{key.id}/change", data=hidden(page))
    assert keys_of(plane, scene.operator)["deploy"].ip_access[7] == Source("203.0.0.7", "printer")


def test_nobody_gives_what_they_do_not_hold(
    enter: Enter, scene: Scene, plane: Plane, monkeypatch: pytest.MonkeyPatch
) -> None:
    role = custom(
        monkeypatch,
        Permission.API_KEYS_VIEW,
        Permission.API_KEYS_CREATE,
        Permission.API_KEYS_UPDATE,
        Permission.ORGANIZATION_VIEW,
    )
    ada = enter(scene.operator, role)
    page = ada.get("/keys/new")
    assert "Not on offer: Admin, Developer, Billing, Service admin, Service read only." in page
    assert (f'value="{ADMIN.id}"' in page, f'value="{MEMBER.id}"' in page) == (False, True)
    page = ada.post("/keys/new", 403, data=form(role=[ADMIN.id]))
    assert "cannot give what you do not hold" in page
    assert '<a href="#role">' in page
    assert keys_of(plane, scene.operator) == {}
    plane.key(scene.operator, ADMIN, name="boss")
    boss = keys_of(plane, scene.operator)["boss"]
    assert "cannot give" in ada.post(f"/keys/{boss.id}/state", 403, data={"state": "disabled"})
    ada.post("/keys/new", 200, data=form(role=[MEMBER.id], form_id="2"))


def test_a_hundred_keys_are_enough(enter: Enter, scene: Scene, plane: Plane) -> None:
    for number in range(KEYS_PER_ORGANIZATION):
        plane.key(scene.operator, MEMBER, name=f"key {number}")
    page = enter(scene.operator).post("/keys/new", 409, data=form())
    assert "at most 100 API keys" in page


def test_the_list_is_found_by_text_and_state_and_shows_what_ends(enter: Enter, scene: Scene, plane: Plane) -> None:
    now = plane.clock.now()
    ada = enter(scene.operator)
    plane.key(scene.operator, DEVELOPER, name=f"zeta {MARK}", expires_at=now + timedelta(days=14))
    plane.clock.advance(timedelta(seconds=1))
    plane.key(scene.operator, MEMBER, name="alpha", state="disabled", ip_access=())
    plane.key(scene.operator, MEMBER, name="old", expires_at=now + timedelta(seconds=2))
    plane.key(scene.operator, ADMIN, name="wide", ip_access=(Source("0.0.0.0/0"),), expires_at=now + timedelta(days=15))
    plane.key(scene.other, ADMIN, name="theirs")
    plane.clock.advance(timedelta(seconds=5))
    page = ada.get("/keys")
    assert_only_our_scripts(page)
    assert "<bdi>zeta &lt;script&gt;" in page
    assert "theirs" not in page
    for one in ("4 keys, at most 100", "nowhere", "everywhere, or nearly", "127.0.0.0/8"):
        assert one in page
    states = dict(re.findall(r'<bdi>(\w+)[^<]*</bdi></a>.*?class="state (\w+)"', page))
    assert states == {"zeta": "expiring", "alpha": "disabled", "old": "expired", "wide": "enabled"}
    assert listed(ada.get("/keys?order=name")) == ["alpha", "old", "wide", "zeta"]
    assert listed(page)[-1] == "zeta"
    assert listed(ada.get("/keys?state=expired")) == ["old"]
    assert listed(ada.get("/keys?q=DEVELOPER&state=&order=newest")) == ["zeta"]
    nothing = ada.get("/keys?q=absent")
    assert ("Nothing matches" in nothing, "Show all keys" in nothing) == (True, True)
    ada.get("/keys?state=tired", 400)


def listed(page: str) -> list[str]:
    return re.findall(r'<th scope="row"><a href="/keys/[^"]+"><bdi>(\w+)', page)


def test_a_change_is_shown_before_it_is_made(enter: Enter, scene: Scene, plane: Plane) -> None:
    ada = enter(scene.operator)
    plane.key(scene.operator, DEVELOPER, name="deploy", ip_access=(Source(OFFICE, "office"), Source("192.0.2.0/24")))
    key = keys_of(plane, scene.operator)["deploy"]
    path = f"/keys/{key.id}/change"
    page = ada.get(path)
    assert f"{OFFICE} office\n192.0.2.0/24\n</textarea>" in page
    assert "This would change nothing" in ada.post(path, 200, data=form(sources=page_list(page), expiry="keep"))
    wanted = form(name=MARK, role=[ADMIN.id], sources=f"{OFFICE} home\n0.0.0.0/0", expiry="365", act="preview")
    before = ada.events()
    page = ada.post(path, 200, data=wanted)
    assert_only_our_scripts(page)
    for one in (
        "<b>Name</b> <bdi>&lt;script",
        "role Developer",
        "role Admin",
        "<b>Removed</b> 192.0.2.0/24",
        "<b>Added</b> 0.0.0.0/0",
        "<bdi>office</bdi> becomes <bdi>home</bdi>",
        "permissions that it gains",
        "works from nearly everywhere: 0.0.0.0/0",
    ):
        assert one in page, one
    assert f"stronghouse key update {key.id} " in shown(page, "cli-change")
    assert "-X PATCH" in shown(page, "curl-change")
    assert (ada.events(), keys_of(plane, scene.operator)["deploy"]) == (before, key)
    ada.post(path, data=hidden(page))
    changed = keys_of(plane, scene.operator)[MARK]
    assert (changed.role_ids, changed.ip_access) == ((ADMIN.id,), (Source(OFFICE, "home"), Source("0.0.0.0/0")))
    assert changed.expires_at is not None
    assert ada.events()[len(before) :] == ["api_key.update"] * 4
    page = ada.get(f"/keys/{key.id}?done=changed")
    for one in ("The key is changed.", f"/audit?code=api_key.&amp;q={key.id}", "Role: Developer", "Ends: no end"):
        assert one in page, one
    page = ada.post(path, 200, data=form(name=MARK, role=[ADMIN.id], sources="", expiry="never"))
    assert "nobody can use the key any more" in page
    assert "cli-change" not in page  # the command cannot empty a list
    ada.post(path, data=hidden(page))
    closed = keys_of(plane, scene.operator)[MARK]
    assert (closed.expires_at, closed.ip_access) == (None, ())
    assert "It works from nowhere" in ada.get(f"/keys/{key.id}")


def page_list(page: str) -> str:
    found = re.search(r"<textarea[^>]*>\n(.*?)</textarea>", page, re.DOTALL)
    assert found
    return html.unescape(found[1])


def test_a_change_of_a_key_that_changed_meanwhile_is_refused_and_shows_how(
    enter: Enter, scene: Scene, plane: Plane
) -> None:
    ada, bob = enter(scene.operator), enter(scene.operator, email="bob@example.com")
    plane.key(scene.operator, DEVELOPER, name="deploy")
    key = keys_of(plane, scene.operator)["deploy"]
    path = f"/keys/{key.id}/change"
    mine = hidden(ada.post(path, 200, data=form(name="mine", sources="127.0.0.0/8", expiry="keep")))
    theirs = hidden(bob.post(path, 200, data=form(name="theirs", sources="127.0.0.0/8", expiry="keep")))
    bob.post(path, data=theirs)
    before = ada.events()
    page = ada.post(path, 409, data=mine)
    for one in ("Somebody changed this key", "Name: deploy", "Name: theirs", "<bdi>bob@example.com</bdi>"):
        assert one in page, one
    assert "<b>Name was</b> <bdi>theirs</bdi>" in page
    assert ada.events() == before
    ada.post(path, data=hidden(page))  # knowing that, it can be made
    assert "mine" in keys_of(plane, scene.operator)
    assert "Somebody changed" in ada.post(path, 409, data={**mine, "version": ""})


def test_a_key_is_disabled_and_enabled(enter: Enter, scene: Scene, plane: Plane) -> None:
    ada = enter(scene.operator)
    auth = plane.key(scene.operator, DEVELOPER, name="deploy")
    key = keys_of(plane, scene.operator)["deploy"]
    path = f"/organizations/{scene.operator}/services"
    assert "Disable the key" in ada.get(f"/keys/{key.id}")
    ada.post(f"/keys/{key.id}/state", data={"state": "disabled"})
    assert plane.call("GET", path, auth).status_code == 401
    page = ada.get(f"/keys/{key.id}?done=disabled")
    assert ("The key is disabled" in page, "Enable the key" in page) == (True, True)
    ada.post(f"/keys/{key.id}/state", data={"state": "enabled"})
    assert plane.call("GET", path, auth).status_code == 200
    assert "is enabled or disabled" in ada.post(f"/keys/{key.id}/state", 400, data={"state": "tired"})
    assert [event["after"] for event in data_of(plane, "api_key.update")] == ["disabled", "enabled"]
    assert MARK not in ada.get(f"/keys/{key.id}", params={"done": "<script>"})


def test_a_key_is_deleted_by_who_types_its_name(enter: Enter, scene: Scene, plane: Plane) -> None:
    ada = enter(scene.operator)
    auth = plane.key(scene.operator, DEVELOPER, name=MARK)
    plane.call("GET", f"/organizations/{scene.operator}/services", auth)
    key = keys_of(plane, scene.operator)[MARK]
    page = ada.get(f"/keys/{key.id}")
    assert_only_our_scripts(page)
    assert "It was last used: <strong><time" in page
    assert "It is the last key that works" in page
    assert f'data-typed="{html.escape(MARK)}"' in page
    before = ada.events()
    for typed in ("", MARK.upper(), MARK + " "):
        assert "not the key&#39;s name" in ada.post(f"/keys/{key.id}/delete", 409, data={"typed": typed})
    assert ada.events() == before
    ada.post(f"/keys/{key.id}/delete", data={"typed": MARK})
    assert plane.call("GET", f"/organizations/{scene.operator}/services", auth).status_code == 401
    assert ada.events()[len(before)] == "api_key.delete"
    assert "The key is deleted" in ada.get("/keys?done=deleted")
    ada.get(f"/keys/{key.id}", 404)


def test_ten_minutes_after_signing_in_each_act_takes_the_password(enter: Enter, scene: Scene, plane: Plane) -> None:
    ada = enter(scene.operator)
    give_password(plane, ada)
    plane.key(scene.operator, DEVELOPER, name="deploy")
    key = keys_of(plane, scene.operator)["deploy"]
    assert 'name="current_password"' not in ada.get("/keys/new")
    page = ada.post(f"/keys/{key.id}/change", 200, data=form(name="later", sources="127.0.0.0/8", expiry="keep"))
    acts: list[tuple[str, dict[str, Any]]] = [
        ("/keys/new", form()),
        (f"/keys/{key.id}/change", hidden(page)),
        (f"/keys/{key.id}/state", {"state": "disabled"}),
        (f"/keys/{key.id}/delete", {"typed": "deploy"}),
    ]
    plane.clock.advance(timedelta(minutes=10))
    ada.post("/session/renew", 204)
    for page in (ada.get("/keys/new"), ada.get(f"/keys/{key.id}")):
        assert 'name="current_password"' in page
    before = ada.events()
    for number, (path, fields) in enumerate(acts):
        once = {**fields, "form_id": f"none {number}"}
        assert "fresh proof" in ada.post(path, 403, data=once)
    assert ada.events() == before
    for number, (path, fields) in enumerate(acts):
        plane.clock.advance(timedelta(seconds=11))  # failures are recorded once in ten seconds
        page = ada.post(path, 403, data={**fields, "form_id": f"wrong {number}", "current_password": "not it at all"})
        assert "The password is wrong; nothing was done." in page
        assert "not it at all" not in page
    assert ada.events()[len(before) :] == ["user.step_up_fail"] * 4
    assert keys_of(plane, scene.operator) == {"deploy": key}
    ada.post("/keys/new", 200, data=form(form_id="right", current_password=PASSWORD))
    assert ada.events()[-2:] == ["user.step_up", "api_key.create"]
    ada.post(f"/keys/{key.id}/state", data={"state": "disabled"})  # proved a moment ago
    assert PASSWORD not in log_text(plane)


def test_whoever_has_no_password_is_told_how_to_prove_it(enter: Enter, scene: Scene, plane: Plane) -> None:
    ada = enter(scene.operator)
    plane.clock.advance(timedelta(minutes=10))
    ada.post("/session/renew", 204)
    page = ada.get("/keys/new")
    assert "sign in with a new one-time link" in page
    assert 'name="current_password"' not in page


def test_keys_of_another_organization_are_not_there(enter: Enter, scene: Scene, plane: Plane) -> None:
    plane.key(scene.other, DEVELOPER, name="theirs")
    key = keys_of(plane, scene.other)["theirs"]
    ada = enter(scene.operator)
    before = ada.events()
    for path in (f"/keys/{key.id}", f"/keys/{key.id}/change", "/keys/nothing"):
        ada.get(path, 404)
    ada.post(f"/keys/{key.id}/change", 404, data=form(act="apply", version="x"))
    ada.post(f"/keys/{key.id}/state", 404, data={"state": "disabled"})
    ada.post(f"/keys/{key.id}/delete", 404, data={"typed": "theirs"})
    assert (ada.events(), keys_of(plane, scene.other)["theirs"]) == (before, key)


def test_who_may_only_look_sees_no_act_and_can_do_none(
    enter: Enter, scene: Scene, plane: Plane, monkeypatch: pytest.MonkeyPatch
) -> None:
    role = custom(monkeypatch, Permission.API_KEYS_VIEW)
    plane.key(scene.operator, MEMBER, name="deploy")
    key = keys_of(plane, scene.operator)["deploy"]
    ada = enter(scene.operator, role)
    page = ada.get("/keys")
    assert ('href="/keys/new"' in page, "view-audit-log" in page) == (False, False)
    assert Permission.API_KEYS_CREATE.value in page
    page = ada.get(f"/keys/{key.id}")
    assert ('<dialog id="delete-key"' in page, "/change" in page, "What happened to it" in page) == (False,) * 3
    for permission in (Permission.API_KEYS_UPDATE, Permission.API_KEYS_DELETE):
        assert permission.value in page
    for path in ("/keys/new", f"/keys/{key.id}/change"):
        ada.get(path, 403)
    ada.post("/keys/new", 403, data=form())
    ada.post(f"/keys/{key.id}/change", 403, data=form())
    ada.post(f"/keys/{key.id}/state", 403, data={"state": "disabled"})
    ada.post(f"/keys/{key.id}/delete", 403, data={"typed": "deploy"})
    developer = enter(scene.operator, DEVELOPER, email="dev@example.com")
    assert "Not allowed" in developer.get("/keys", 403)
    assert keys_of(plane, scene.operator) == {"deploy": key}
