"""The command line over the real API in one process: only the network between them is left out."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from stronghouse.cli import main
from tests.support.control_plane import HERE, Plane, control_plane

URL = "https://localhost:8440"


@dataclass
class Result:
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        assert self.code == 0, self.err
        return json.loads(self.out)


Cli = Callable[..., Result]


@pytest.fixture
def plane(tmp_path: Path) -> Iterator[Plane]:
    with control_plane(tmp_path) as plane:
        yield plane


@pytest.fixture
def organization_id(plane: Plane) -> str:
    return plane.organization()


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Cli:
    """Run one command as a shell would."""

    def run(*arguments: str) -> Result:
        monkeypatch.setattr("sys.argv", ["stronghouse", *arguments])
        capsys.readouterr()
        try:
            code = main.main()
        except SystemExit as ended:
            code = ended.code if isinstance(ended.code, int) else 1
        written = capsys.readouterr()
        return Result(code, written.out, written.err)

    return run


@pytest.fixture
def cli(run: Cli, plane: Plane, organization_id: str, monkeypatch: pytest.MonkeyPatch) -> Cli:
    """Run commands as the organization's administrator."""
    key_id, secret = plane.admin(organization_id)
    monkeypatch.setenv("STRONGHOUSE_API_URL", URL)
    monkeypatch.setenv("STRONGHOUSE_KEY_ID", key_id)
    monkeypatch.setenv("STRONGHOUSE_KEY_SECRET", secret)
    through(plane, monkeypatch)
    return run


def through(plane: Plane, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every HTTP client of the command line talk to the API as the edge would."""
    real = httpx.Client

    def client(**options: Any) -> httpx.Client:
        assert options.pop("verify").check_hostname
        assert options["trust_env"] is False
        headers = {**options.pop("headers"), "x-sh-client-ip": HERE}
        return real(**options, headers=headers, transport=plane.http._transport)

    monkeypatch.setattr(httpx, "Client", client)
