"""The process that sends: reads one task from its input, answers with a reason, or null when all went well.

What apprise logs may hold the URL. It is only searched for known words; none of it is passed on.
"""

import json
import logging
import re
import sys
from collections.abc import Sequence

from stronghouse.kernel.networks import IPNetwork, parse_source
from stronghouse.kernel.secret import Secret
from stronghouse.notifications.addresses import may_reach, uses_tls

FORBIDDEN = frozenset({"subprocess.Popen", "os.exec", "os.fork", "os.forkpty", "os.posix_spawn", "os.system"})
CAUSES = (
    (r"certificate[ _]verify[ _]failed|sslcertverification", "The service's certificate is not trusted."),
    (r"name or service not known|nameresolution|failed to resolve|temporary failure in name|no address associated",
     "The service's name does not resolve."),
    (r"connection refused", "The service refuses the connection."),
    (r"timed out|timeout", "The service did not answer in time."),
    (r"network is unreachable|no route to host", "The service's network cannot be reached."),
    (r"\bssl\b.*error|sslerror|wrong version number|starttls", "No TLS connection to the service could be made."),
    (r"connection unexpectedly closed|connection reset|remote end closed|connection aborted",
     "The service closed the connection."),
)  # fmt: skip


class Guard:
    """Lets connections through only to addresses that are allowed. Installed once, it cannot be taken out again."""

    def __init__(self, allowed: Sequence[IPNetwork], *, tls: bool) -> None:
        self._allowed = allowed
        self._tls = tls
        self.refused: str | None = None

    def __call__(self, event: str, arguments: tuple[object, ...]) -> None:
        """Python's audit hook: raises to forbid."""
        if event in FORBIDDEN:
            raise PermissionError("a sending process starts no other")
        if event in {"socket.connect", "socket.sendto", "socket.sendmsg"}:
            self._check(arguments[1])

    def _check(self, address: object) -> None:
        host = address[0] if isinstance(address, tuple) and address else None
        if not isinstance(host, str) or not may_reach(host, allowed=self._allowed, tls=self._tls):
            self.refused = host if isinstance(host, str) else "a local socket"
            raise PermissionError("this address is not allowed")


class Words(logging.Handler):
    """Collects what apprise says."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.text = ""

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a line, up to a bound."""
        self.text = f"{self.text}{record.getMessage()}\n"[-100_000:]


def cause(text: str, refused: str | None, *, tls: bool) -> str:
    """Why a message was not delivered, in one of our own sentences."""
    if refused is not None:
        how = "" if tls else "without TLS "
        return (
            f"The service is at {refused}, where messages may not go {how}unless the operator allows the network "
            "(STRONGHOUSE__NOTIFICATIONS__ALLOWED_NETWORKS)."
        )
    status = re.search(r"error[=: ]+(\d{3})\b", text) or re.search(r"\((\d{3}), ?b?['\"]", text)
    if status is not None:
        return f"The service refused the message with status {status[1]}."
    for pattern, sentence in CAUSES:
        if re.search(pattern, text, re.IGNORECASE):
            return sentence
    return "The service did not accept the message."


def main() -> int:
    """Do the task on standard input."""
    task = json.load(sys.stdin)
    url = Secret(task["url"])
    words = Words()
    logger = logging.getLogger("apprise")
    logger.addHandler(words)
    logger.setLevel(logging.DEBUG)
    logger.propagate = False
    from apprise import Apprise, AppriseAsset, NotifyFormat  # noqa: PLC0415 - only after its logger is ours

    asset = AppriseAsset(app_id="Stronghouse", app_desc="Stronghouse", storage_mode="memory", async_mode=False)
    plugin = Apprise.instantiate(url.reveal(), asset=asset)
    reason: str | None = None
    if plugin is None or isinstance(plugin, dict):
        reason = "apprise does not understand this URL: see its documentation of the schema for the parts it needs."
    elif task["message"] is not None:
        tls = uses_tls(url)
        guard = Guard([parse_source(one) for one in task["allowed"]], tls=tls)
        plugin.verify_certificate = True
        plugin.redirects = False
        plugin.socket_connect_timeout = plugin.socket_read_timeout = 10.0
        sys.addaudithook(guard)
        title, body = task["message"]
        if not plugin.notify(body=body, title=title, body_format=NotifyFormat.TEXT):
            reason = cause(words.text, guard.refused, tls=tls)
    sys.stdout.write(json.dumps({"reason": reason}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
