"""The one place that reads environment variables."""

import os
from collections.abc import Mapping

from stronghouse.kernel.secret import Secret

API_URL = "STRONGHOUSE_API_URL"
"""Where commands find the API, as in `https://localhost:8440`."""
KEY_ID = "STRONGHOUSE_KEY_ID"
"""The id of the API key that commands use."""
KEY_SECRET = "STRONGHOUSE_KEY_SECRET"  # noqa: S105 - the name of a variable
"""The secret of the API key that commands use."""
CA_FILE = "STRONGHOUSE_CA_FILE"
"""The certificate of the authority that commands trust: `ca.pem` in the installation's state directory."""

QUERIES_URL = "STRONGHOUSE_QUERIES_URL"
"""Where `stronghouse service query` sends statements, as in `https://localhost:8442`; if unset, where the service's
query endpoint says, which takes the permission to view it."""

INHERITED = (
    "HOME",
    "LANG",
    "LC_ALL",
    "PATH",
    "TMPDIR",
    "TZ",
    "XDG_CONFIG_HOME",
    "XDG_RUNTIME_DIR",
    "XDG_STATE_HOME",
    "COVERAGE_PROCESS_CONFIG",
    "COVERAGE_PROCESS_START",
)
"""What our child processes may know of the environment. A secret that somebody exported is not among it."""
HOST_ROOT = "STRONGHOUSE__HOST__ROOT"
"""Where the file system of the machine to look at is mounted, as in `/host` in a container; `/` if unset."""
HOST_PORTS = "STRONGHOUSE__HOST__PORTS"
"""Ports of the machine that others are meant to reach, as in `tcp/443, udp/123`, for the check
`host_listening_expected`; none if unset."""
SETTING_PREFIX = "STRONGHOUSE__"
"""Variables that begin so are settings, which hold no secret, and which our child processes know too."""


def variable(name: str) -> str | None:
    """The value of a variable, or None where it is unset or empty."""
    return os.environ.get(name) or None


def secret_variable(name: str) -> Secret | None:
    """The value of a variable that holds a secret."""
    value = variable(name)
    return None if value is None else Secret(value)


def child_environment(environment: Mapping[str, str] | None = None) -> dict[str, str]:
    """The environment of a child process: what stands in `INHERITED`, and settings that keep its memory small."""
    source = os.environ if environment is None else environment
    inherited = {name: source[name] for name in source if name in INHERITED or name.startswith(SETTING_PREFIX)}
    # glibc gives every thread an arena of its own otherwise; a stack of idle processes pays for that in memory.
    return {**inherited, "MALLOC_ARENA_MAX": "2", "PYTHONUNBUFFERED": "1"}
