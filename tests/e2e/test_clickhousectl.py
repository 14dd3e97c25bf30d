"""The vendor's own command line, unchanged, against the whole stack."""

import base64
import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from stronghouse.access.roles.system import ADMIN, MEMBER
from tests.support.stack import Stack

TOOL = Path(sys.executable).parent / "clickhousectl"
AUTH_REQUIRED = 4


class Tool:
    """Runs `clickhousectl cloud …` in a directory and home of its own."""

    def __init__(self, stack: Stack, directory: Path) -> None:
        self.stack, self.directory = stack, directory
        self.environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(directory),
            "SSL_CERT_FILE": stack.ca_file,
            "DO_NOT_TRACK": "1",
        }

    def run(self, *arguments: str, keys: bool = True, expect: int = 0) -> str:
        command = [str(TOOL), "cloud", "--url", self.stack.api_url, *arguments]
        if keys:
            credentials = {
                "CLICKHOUSE_CLOUD_API_KEY": self.stack.api_key_id,
                "CLICKHOUSE_CLOUD_API_SECRET": self.stack.api_key_secret,
            }
        else:
            credentials = {}
        done = subprocess.run(
            command,
            env=self.environment | credentials,
            cwd=self.directory,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == expect, (arguments, done.returncode, done.stdout, done.stderr)
        return done.stdout + (done.stderr if expect else "")

    def json(self, *arguments: str) -> Any:
        return json.loads(self.run(*arguments, "--json"))


@pytest.fixture
def tool(stack: Stack, tmp_path: Path) -> Tool:
    return Tool(stack, tmp_path)


def test_organizations(tool: Tool) -> None:
    organizations = tool.json("org", "list")
    assert [organization["id"] for organization in organizations] == [tool.stack.organization_id]
    assert tool.json("org", "get")["id"] == tool.stack.organization_id


def test_sign_in_and_whoami(tool: Tool) -> None:
    stack = tool.stack
    tool.run("auth", "login", "--api-key", stack.api_key_id, "--api-secret", stack.api_key_secret, keys=False)
    who = json.loads(tool.run("auth", "whoami", "--json", keys=False))
    assert stack.organization_id in json.dumps(who)
    (tool.directory / ".clickhouse" / "credentials.json").unlink()
    tool.run("auth", "login", "--api-key", stack.api_key_id, "--api-secret", "wrong", keys=False, expect=AUTH_REQUIRED)


def test_the_life_of_a_service(tool: Tool) -> None:
    created = tool.json("service", "create", "--name", "ctl", "--ip-allow", "127.0.0.0/8")
    service_id = created["service"]["id"]
    password = created["password"]
    tool.stack.wait_for_state(service_id, "running")
    assert tool.json("service", "get", service_id)["state"] == "running"
    assert service_id in [service["id"] for service in tool.json("service", "list")]
    assert tool.stack.query(service_id, password, "SELECT 6 * 7") == "42"
    tool.run("service", "update", service_id, "--new-name", "renamed", "--add-ip-allow", "::1")
    tool.run("service", "update", service_id, "--remove-ip-allow", "::1")
    changed = tool.json("service", "get", service_id)
    assert (changed["name"], [entry["source"] for entry in changed["ipAccessList"]]) == ("renamed", ["127.0.0.0/8"])
    new_password = tool.json("service", "reset-password", service_id)["password"]
    tool.stack.wait_until(lambda: tool.stack.query(service_id, new_password, "SELECT 1") == "1")
    with pytest.raises(PermissionError):
        tool.stack.query(service_id, password, "SELECT 1")
    mine = base64.b64encode(hashlib.sha256(b"my own password").digest()).decode()
    tool.run("service", "reset-password", service_id, "--new-password-hash", mine)
    tool.stack.wait_until(lambda: tool.stack.query(service_id, "my own password", "SELECT 1") == "1")
    tool.run("service", "stop", service_id)
    tool.stack.wait_for_state(service_id, "stopped")
    tool.run("service", "start", service_id)
    tool.stack.wait_for_state(service_id, "running")
    assert "running" in tool.run("service", "delete", service_id, expect=1)
    tool.run("service", "delete", service_id, "--force")
    tool.stack.wait_until(lambda: service_id not in [service["id"] for service in tool.json("service", "list")])


def test_members_are_listed_and_found_by_id_and_by_address(tool: Tool) -> None:
    (first, *_) = tool.json("member", "list")
    assert first["email"].startswith("admin@")
    assert tool.json("member", "get", first["userId"]) == first
    assert tool.json("member", "get", "--email", first["email"]) == first
    assert first["email"] in tool.run("member", "list")


def test_the_life_of_a_key(tool: Tool) -> None:
    created = tool.json("key", "create", "--name", "ci", "--role-id", ADMIN.id, "--ip-allow", "127.0.0.1")
    key_id = created["key"]["id"]
    assert created["keySecret"]
    tool.run("key", "update", key_id, "--new-name", "build", "--state", "disabled", "--role-id", MEMBER.id)
    changed = next(key for key in tool.json("key", "list")["result"] if key["id"] == key_id)
    assert (changed["name"], changed["state"]) == ("build", "disabled")
    assert [role["roleName"] for role in changed["assignedRoles"]] == ["Member"]
    tool.run("key", "update", key_id, "--clear-roles", "--clear-ip-allow", "--clear-expiry")
    tool.run("key", "delete", key_id)
    assert key_id not in [key["id"] for key in tool.json("key", "list")["result"]]


def test_activities(tool: Tool) -> None:
    activities = tool.json("activity", "list")
    assert "create_organization" in [activity["type"] for activity in activities]
    one = tool.json("activity", "get", activities[0]["id"])
    assert one["id"] == activities[0]["id"]
    assert tool.json("activity", "list", "--from-date", "2020-01-01", "--to-date", "2020-01-02") == []
