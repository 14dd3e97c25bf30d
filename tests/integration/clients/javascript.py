"""Runs JavaScript with npm's @clickhouse/client."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

from tests.support.node import client_packages

SECONDS = 90


def run_javascript(directory: Path, script: str, *arguments: str, password: str) -> dict[str, Any]:
    """The JSON object that a module prints; it finds the password on its standard input."""
    (directory / "script.mjs").write_text(script)
    (directory / "node_modules").symlink_to(client_packages() / "node_modules")
    done = subprocess.run(
        [shutil.which("node") or "node", "script.mjs", *arguments],
        cwd=directory,
        input=password,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-1500:]
    return dict(json.loads(done.stdout))
