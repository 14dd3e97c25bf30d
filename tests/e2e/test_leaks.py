"""After a full run, no file or log below the state directory holds a row, a password, an API secret or a data key."""

import base64
import hashlib
import re
import secrets
import ssl
from pathlib import Path

import httpx
import pytest

from stronghouse.access.roles.system import DEVELOPER
from tests.support.stack import Stack, running_stack

pytestmark = pytest.mark.slow


def spread(stack: Stack, service_id: str, password: str, canary: str) -> None:
    """Put the canary wherever a row may go: inserts, sorts, groups, joins, mutations, errors, temporary tables."""

    def run(sql: str, **options: object) -> str:
        return stack.query(service_id, password, sql, **options)  # type: ignore[arg-type]

    run("CREATE TABLE plain (id UInt64, text String) ORDER BY id")
    run(f"INSERT INTO plain VALUES (1, '{canary}')")
    run("INSERT INTO plain FORMAT JSONEachRow", data=f'{{"id": 2, "text": "{canary}"}}\n'.encode())
    run(
        "INSERT INTO plain FORMAT TSV",
        data=b"".join(f"{number}\t{canary}{number}\n".encode() for number in range(200_000)),
    )
    run("ALTER TABLE plain UPDATE text = concat(text, 'x') WHERE id < 10 SETTINGS mutations_sync = 2")
    run("OPTIMIZE TABLE plain FINAL")
    run("CREATE TABLE memory (text String) ENGINE = Memory")
    run(f"INSERT INTO memory VALUES ('{canary}')")
    run("CREATE TEMPORARY TABLE passing (text String)", session="leaks")
    run(f"INSERT INTO passing VALUES ('{canary}')", session="leaks")
    run(f"SELECT count() FROM plain WHERE text LIKE '%{canary}%'")
    spilling = ", ".join(f"max_bytes_before_external_{kind} = 1" for kind in ("group_by", "sort", "join"))
    for sql in (
        "SELECT text, count() FROM plain GROUP BY text FORMAT Null",
        "SELECT text FROM plain ORDER BY text FORMAT Null",
        "SELECT count() FROM plain AS a JOIN plain AS b ON a.text = b.text SETTINGS join_algorithm = 'grace_hash'",
        f"SELECT text, count() FROM plain GROUP BY text FORMAT Null SETTINGS {spilling}",
        f"SELECT text FROM plain ORDER BY text FORMAT Null SETTINGS {spilling}",
        f"SELECT throwIf(1, '{canary}')",
        f"SELECT '{canary}' FROM nowhere",
        f"SELECT '{canary}' SYNTAX",
    ):
        try:
            run(sql)
        except RuntimeError:
            continue


def test_no_row_and_no_secret_is_in_any_file_or_log(tmp_path: Path) -> None:
    canary = f"canary{secrets.token_hex(12)}"
    wrong = f"wrong{secrets.token_hex(12)}"
    with running_stack(tmp_path) as stack:
        service = stack.create_service("leaky")
        spread(stack, service.id, service.password, canary)
        generated = stack.api("PATCH", f"/services/{service.id}/password", {})["password"]
        stack.wait_until(lambda: stack.query(service.id, generated, "SELECT 1") == "1")
        key = stack.api("POST", "/keys", {"name": "leaky", "ipAccessList": [{"source": "127.0.0.1"}]})
        told_to_the_console = use_the_console(stack)
        refuse_everywhere(stack, service.port, wrong)
        found_while_running = find(stack.state_dir, [canary])
        stack.api("PATCH", f"/services/{service.id}/state", {"command": "stop"})
        stack.wait_for_state(service.id, "stopped")
        stack.verify_audit()
        known = [
            service.password,
            generated,
            stack.api_key_secret,
            stack.api_key_id,
            key["keySecret"],
            key["keyId"],
            wrong,
            canary,
            *told_to_the_console,
        ]
        token = re.search(r"token=(\S+)", stack.login_url)
        assert token is not None
        known.append(token[1])
        data_keys = stack.data_keys(service.id)
        machine_key = stack.machine_key.read_bytes().strip()
    assert found_while_running == []
    needles: list[str | bytes] = [*known, *data_keys, machine_key]
    for data_key in data_keys:
        needles += [data_key.hex(), base64.b64encode(data_key)]
    assert all(len(needle) >= 16 for needle in needles)
    assert find(stack.state_dir, needles) == []


def use_the_console(stack: Stack) -> list[str]:
    """Sign in, set a password, make a key and a service, renew, step up wrongly: every secret of these flows."""
    url = str(stack.ready["console_url"])
    password, wrong, binding = (f"Tall Ferns 7 {secrets.token_hex(12)}" for _ in range(3))
    ours = {"sec-fetch-site": "same-origin", "origin": url}
    found = [password, wrong, binding]
    with httpx.Client(base_url=url, headers=ours, verify=ssl.create_default_context(cafile=stack.ca_file)) as browser:

        def post(path: str, **form: str) -> str:
            answer = browser.post(path, data={"binding": binding, **form})
            assert answer.status_code < 500, answer.text
            found.extend(browser.cookies.values())
            return answer.text

        post("/sign-in/link", token=stack.login_url.partition("token=")[2])
        post("/account/password", password=password, again=password)
        post("/sign-in", email="admin@stronghouse.localhost", password=wrong)
        post("/sign-in", email="admin@stronghouse.localhost", password=password)
        form_id = r'name="form_id" value="([^"]+)"'
        key_form = re.findall(form_id, browser.get("/keys/new").text)[0]
        key = post("/keys/new", form_id=key_form, name="console", role=DEVELOPER.id, expiry="30", sources="127.0.0.1")
        service_form = re.findall(form_id, browser.get("/services/new").text)[0]
        numbers = {"idle_minutes": "15", "memory_gb": "8"}
        service = post("/services/new", form_id=service_form, name="console", region="local", **numbers)
        invitation = post("/people/invitations", email="grace@example.com", role=DEVELOPER.id)
        for page in (key, service, invitation):
            shown = re.findall(r'<pre id="[^"]+" class="secret"[^>]*>([^<]+)</pre>', page)
            assert shown, page
            found += shown
        post("/session/renew")
        post("/account/password", current_password=wrong, password=f"{password}2", again=f"{password}2")
        post("/sign-out")
        token = re.findall(r"token=(sh_invite_[\w-]+)", invitation)[0]
        assert "Choose a password" in browser.get("/sign-in/invitation", params={"token": token}).text
        post("/sign-in/invitation", token=token, name="Grace", password=wrong, again=f"{wrong}2")
        post("/sign-in/invitation", token=token, name="Grace", password=f"{wrong}3", again=f"{wrong}3")
        assert "grace@example.com" in browser.get("/account").text
        found += [token, f"{wrong}2", f"{wrong}3"]
    return sorted({*found, f"{password}2"})


def refuse_everywhere(stack: Stack, service_port: int, wrong: str) -> None:
    """Send a secret where it is refused: in headers, in the URL, in bodies, to every listener."""
    with httpx.Client(verify=ssl.create_default_context(cafile=stack.ca_file)) as http:
        for port in (stack.port_base, stack.port_base + 1, stack.port_base + 2, service_port):
            url = f"https://localhost:{port}"
            for answer in (
                http.get(f"{url}/?user=default&password={wrong}&query=SELECT+1"),
                http.get(url, auth=("default", wrong)),
                http.post(f"{url}/sign-in", data={"email": wrong, "password": wrong}),
                http.post(url, headers={"X-ClickHouse-User": "default", "X-ClickHouse-Key": wrong}, content=wrong),
                http.get(f"{url}/sign-in/link?token={wrong}"),
                http.get(f"{url}/sign-in/invitation?token={wrong}"),
            ):
                assert answer.status_code < 500


def find(directory: Path, needles: list[str | bytes]) -> list[tuple[str, str]]:
    """Which of `needles` stand in which file below `directory`, in names too."""
    wanted = [needle.encode() if isinstance(needle, str) else needle for needle in needles]
    found: list[tuple[str, str]] = []
    for path in directory.rglob("*"):
        if path.is_symlink() or not path.is_file():
            continue
        content = path.read_bytes() + str(path).encode()
        digest = [hashlib.sha256(needle).hexdigest()[:8] for needle in wanted if needle in content]
        found += [(str(path.relative_to(directory)), which) for which in digest]
    return found


def test_the_search_finds_what_is_there(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "file").write_bytes(b"\x00before-canary-after\xff")
    assert [name for name, _ in find(tmp_path, ["canary"])] == ["deep/file"]
