"""The npm package @clickhouse/client for tests that run JavaScript."""

import subprocess
from pathlib import Path

PACKAGE = "@clickhouse/client"
REPOSITORY = Path(__file__).resolve().parents[2]
PLACES = (REPOSITORY / "tests" / "support" / "javascript", REPOSITORY / ".state" / "npm")


def client_packages() -> Path:
    """A directory with the package, installed the ordinary way if it is in neither place."""
    for place in PLACES:
        if (place / "node_modules" / PACKAGE).is_dir():
            return place
    PLACES[1].mkdir(parents=True, exist_ok=True)
    command = ["npm", "install", "--silent", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix", str(PLACES[1])]
    subprocess.run([*command, f"{PACKAGE}@1.20.0"], check=True, timeout=100)
    return PLACES[1]
