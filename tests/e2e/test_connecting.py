"""What `stronghouse service connect` prints runs as it stands; and who is connected is seen from outside."""

import contextlib
import json
import os
import shutil
import socket
import ssl
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.node import client_packages
from tests.support.stack import Service, Stack

NAME = "connected"


@pytest.fixture(scope="module")
def service(stack: Stack) -> Service:
    return stack.create_service(NAME)


def stronghouse(stack: Stack, *arguments: str) -> Any:
    """The JSON that a command prints."""
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(stack.state_dir.parent),
        "STRONGHOUSE_API_URL": stack.api_url,
        "STRONGHOUSE_CA_FILE": stack.ca_file,
        "STRONGHOUSE_KEY_ID": stack.api_key_id,
        "STRONGHOUSE_KEY_SECRET": stack.api_key_secret,
    }
    command = [sys.executable, "-m", "stronghouse", *arguments, "--json"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def snippets(stack: Stack, service: Service) -> dict[str, str]:
    """The text of each snippet by its language."""
    shown = stronghouse(stack, "service", "connect", NAME)
    assert service.password not in json.dumps(shown)
    return {snippet["language"]: snippet["text"] for snippet in shown["snippets"].values()}


def run(command: list[str], password: str, directory: Path, path: str = os.environ["PATH"]) -> str:
    """What a program prints that knows nothing but the password, in an empty directory."""
    done = subprocess.run(
        command,
        env={"PATH": path, "CLICKHOUSE_PASSWORD": password},
        cwd=directory,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.fixture(scope="module")
def version(stack: Stack, service: Service) -> str:
    return stack.query(service.id, service.password, "SELECT version()")


def test_the_python_snippet_runs_as_printed(
    snippets: dict[str, str], service: Service, version: str, tmp_path: Path
) -> None:
    command = [sys.executable, "-I", "-W", "error", "-c", snippets["python"]]
    assert run(command, service.password, tmp_path) == version


def test_the_javascript_snippet_runs_as_printed(
    snippets: dict[str, str], service: Service, version: str, tmp_path: Path
) -> None:
    (tmp_path / "node_modules").symlink_to(client_packages() / "node_modules")
    (tmp_path / "snippet.mjs").write_text(snippets["javascript"])
    assert run(["node", "snippet.mjs"], service.password, tmp_path) == version


@pytest.mark.parametrize("shell", ["sh", "bash"])
def test_the_curl_snippet_runs_as_printed_and_keeps_the_password_out_of_the_arguments(
    snippets: dict[str, str], service: Service, version: str, tmp_path: Path, shell: str
) -> None:
    watcher, arguments = tmp_path / "curl", tmp_path / "arguments"
    watcher.write_text(f'#!/bin/sh\nprintf "%s\\n" "$@" > {arguments}\nexec {shutil.which("curl")} "$@"\n')
    watcher.chmod(0o755)
    path = f"{tmp_path}:{os.environ['PATH']}"
    assert run([shell, "-c", snippets["shell"]], service.password, tmp_path, path) == version
    assert "SELECT version()" in arguments.read_text()
    assert service.password not in arguments.read_text()


def test_a_wrong_password_is_refused_by_what_the_snippets_reach(
    snippets: dict[str, str], version: str, tmp_path: Path
) -> None:
    for _ in range(10):  # over HTTP/2 every sixth of these refusals got lost
        answer = run(["sh", "-c", snippets["shell"]], "wrong", tmp_path)
        assert answer != version
        assert answer.startswith("Code: 516. ")


@pytest.fixture
def opened(stack: Stack, service: Service) -> Iterator[Callable[[str, str], ssl.SSLSocket]]:
    """Opens connections from one address to another that stay open."""
    context = ssl.create_default_context(cafile=stack.ca_file)
    with contextlib.ExitStack() as closing:

        def open_one(source: str, target: str) -> ssl.SSLSocket:
            raw = socket.create_connection((target, service.port), timeout=20, source_address=(source, 0))
            connection = closing.enter_context(context.wrap_socket(raw, server_hostname="localhost"))
            connection.sendall(f"GET /ping HTTP/1.1\r\nHost: localhost:{service.port}\r\n\r\n".encode())
            assert connection.recv(1024).startswith(b"HTTP/1.1 200 ")
            return connection

        yield open_one


def connected(stack: Stack) -> dict[str, int]:
    shown = stronghouse(stack, "service", "connections", NAME)
    assert shown["complete"] is True
    return {entry["address"]: entry["connections"] for entry in shown["connections"]}


def test_who_is_connected_is_seen_and_who_would_be_cut_off(
    stack: Stack, opened: Callable[[str, str], ssl.SSLSocket]
) -> None:
    four, _ = [opened("127.0.0.45", "127.0.0.1") for _ in range(2)], opened("::1", "::1")
    before = connected(stack)
    assert before["127.0.0.45"] == 2
    assert before["::1"] >= 1
    effect = stronghouse(stack, "service", "update", NAME, "--remove-ip", "127.0.0.0/8", "--dry-run")
    assert {"address": "127.0.0.45", "connections": 2} in effect["cuts_off"]
    assert "::1" not in [entry["address"] for entry in effect["cuts_off"]]
    for connection in four:
        connection.close()
    stack.wait_until(lambda: "127.0.0.45" not in connected(stack))
