"""The program dbt for tests, in a virtual environment of its own: it asks for older packages than we do."""

import fcntl
import hashlib
import subprocess
import sys
from pathlib import Path

LOCK = Path(__file__).with_name("dbt") / "requirements.lock"
PLACE = Path(__file__).resolve().parents[2] / ".state"
SECONDS = 280


def dbt_program() -> Path:
    """The program; the first call installs what the lock file names, which takes a while."""
    content = LOCK.read_bytes()
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    directory = PLACE / f"dbt-{hashlib.sha256(content + version.encode()).hexdigest()[:12]}"
    program, done = directory / "bin" / "dbt", directory / ".installed"
    PLACE.mkdir(exist_ok=True)
    with (PLACE / "dbt.lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        if not done.exists():
            _run([sys.executable, "-m", "venv", "--clear", str(directory)])
            install = [
                "-m",
                "pip",
                "--quiet",
                "install",
                "--disable-pip-version-check",
                "--no-deps",
                "--require-hashes",
            ]
            _run([str(directory / "bin" / "python"), *install, "--only-binary", ":all:", "--requirement", str(LOCK)])
            done.touch()
    return program


def _run(command: list[str]) -> None:
    finished = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=False)
    if finished.returncode != 0:
        raise RuntimeError(f"{command[:4]} failed: {finished.stderr[-2000:]}")
