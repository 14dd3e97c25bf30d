"""The certificate that the edge shows: on disk, so that the edge starts without the control plane; renewed in time."""

import json
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from pathlib import Path

from stronghouse.access import certificates
from stronghouse.kernel.canonical import parse_json
from stronghouse.kernel.files import write_private
from stronghouse.kernel.secret import Secret

NAMES = ("localhost", "127.0.0.1", "::1")
RENEW_BEFORE = timedelta(days=30)


class ServingCertificate:
    """One file with the chain and its key, replaced whole, mode 0600.

    `authority` is the fingerprint of the edge's authority: what another one signed is of no use after joining anew.
    """

    def __init__(self, path: Path, *, authority: str) -> None:
        self._path = path
        self._authority = authority

    def load(self) -> tuple[bytes, Secret] | None:
        """The chain and its key; None before the first, or when the file is damaged, which a new one mends."""
        try:
            kept = parse_json(self._path.read_bytes())
        except (FileNotFoundError, ValueError):
            return None
        if not isinstance(kept, dict) or kept.get("authority") != self._authority:
            return None
        chain, key = kept.get("certificate_pem"), kept.get("key_pem")
        return (chain.encode(), Secret(key)) if isinstance(chain, str) and isinstance(key, str) else None

    def is_due(self, now: datetime) -> bool:
        """Whether it is time for a new one."""
        kept = self.load()
        return kept is None or now >= certificates.expires_at(kept[0]) - RENEW_BEFORE

    async def obtain(self, sign: Callable[[bytes], Awaitable[bytes]]) -> tuple[bytes, Secret]:
        """Make a key, have `sign` make its certificate, keep and return both; raises what `sign` raises."""
        key, request = certificates.new_key_and_request("edge", NAMES)
        chain = await sign(request)
        kept = {"authority": self._authority, "certificate_pem": chain.decode("ascii"), "key_pem": key.reveal()}
        write_private(self._path, json.dumps(kept).encode())
        return chain, key
