"""What an agent is told when it starts."""

import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from stronghouse.kernel.errors import Invalid
from stronghouse.settings.environment import variable
from stronghouse.worker.specification import DEFAULT_LOG_RETENTION_DAYS

LOG_RETENTION_DAYS = "STRONGHOUSE__ENGINE__LOG_RETENTION_DAYS"
"""After how many days a service drops rows of its query log and its session log: 1 to 3650; 30 if unset."""
MASK_PATTERNS = "STRONGHOUSE__ENGINE__MASK_PATTERNS"
"""Regular expressions of Python, one a line, of at most 200 characters each; what they find in a statement is taken out
of it before it goes to a query log; none if unset."""
MAX_RETENTION_DAYS = 3650
MAX_PATTERNS, MAX_PATTERN_LENGTH = 50, 200
MAX_PORT = 65_535
LOOPBACK = ("127.0.0.1", "::1")
QUERIES_OFFSET, SERVICES_OFFSET, SLOTS = 2, 4, 21
"""Ports of the plan in design.md section 6: N+2 the queries host, N+4 to N+24 one for each service."""


@dataclass(frozen=True, kw_only=True)
class AgentSettings:
    """An agent's settings.

    Attributes:
        state_directory: the installation's; the agent owns `agent/` in it and writes logs to `log/`.
        port_base: N of the port plan.
        control_url: the agents' listener, as in `wss://localhost:8446`.
        machine_key_file: of the `local` key management; outside the state directory.
        join_token_fd: a descriptor to read a join token from, once; needed only until the agent has joined.
        addresses: what the edge listens on.
        log_retention_days: how long services keep rows of their query log and session log.
        mask_patterns: regular expressions; what they find is taken out of logged statements.
    """

    state_directory: Path
    port_base: int
    control_url: str
    machine_key_file: Path
    join_token_fd: int | None = None
    addresses: tuple[str, ...] = LOOPBACK
    log_retention_days: int = DEFAULT_LOG_RETENTION_DAYS
    mask_patterns: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        parts = urlsplit(self.control_url)
        if parts.scheme != "wss" or not parts.hostname or parts.port is None or parts.path not in {"", "/"}:
            raise Invalid(f"{self.control_url[:100]!r} is not an agents' listener as in wss://localhost:8446.")
        if not 1 <= self.port_base <= MAX_PORT - SERVICES_OFFSET - SLOTS:
            raise Invalid("The port base leaves no room for the ports above it.")
        if not 1 <= self.log_retention_days <= MAX_RETENTION_DAYS:
            raise Invalid(f"{LOG_RETENTION_DAYS} is a number of days from 1 to {MAX_RETENTION_DAYS}.")
        _check_patterns(self.mask_patterns)

    @property
    def control_host(self) -> str:
        """The listener's host."""
        return urlsplit(self.control_url).hostname or ""

    @property
    def control_port(self) -> int:
        """The listener's port."""
        return urlsplit(self.control_url).port or 0

    @property
    def queries_port(self) -> int:
        """The port of the queries host."""
        return self.port_base + QUERIES_OFFSET

    @property
    def log_directory(self) -> Path:
        """Where the edge and the workers log."""
        return self.state_directory / "log" / "agent"

    def service_port(self, slot: int) -> int:
        """The port of the service in a slot."""
        return self.port_base + SERVICES_OFFSET + slot


def log_retention_days() -> int:
    """What the environment says of retention, or the default; raises Invalid."""
    text = variable(LOG_RETENTION_DAYS)
    if text is None:
        return DEFAULT_LOG_RETENTION_DAYS
    if not re.fullmatch(r"[0-9]{1,4}", text):
        raise Invalid(f"{LOG_RETENTION_DAYS} is a number of days from 1 to {MAX_RETENTION_DAYS}.")
    return int(text)


def mask_patterns() -> tuple[str, ...]:
    """The operator's patterns from the environment."""
    return tuple(line for line in (variable(MASK_PATTERNS) or "").splitlines() if line.strip())


def _check_patterns(patterns: tuple[str, ...]) -> None:
    if len(patterns) > MAX_PATTERNS:
        raise Invalid(f"{MASK_PATTERNS} holds at most {MAX_PATTERNS} patterns.")
    for pattern in patterns:
        if len(pattern) > MAX_PATTERN_LENGTH:
            raise Invalid(f"A pattern in {MASK_PATTERNS} has at most {MAX_PATTERN_LENGTH} characters.")
        try:
            matches_nothing = re.compile(pattern).fullmatch("") is not None
        except (re.error, RecursionError, OverflowError) as error:
            raise Invalid(f"{pattern[:60]!r} in {MASK_PATTERNS} is no regular expression: {error}.") from None
        if matches_nothing:
            raise Invalid(f"{pattern[:60]!r} in {MASK_PATTERNS} finds the empty text, so it would find it everywhere.")
