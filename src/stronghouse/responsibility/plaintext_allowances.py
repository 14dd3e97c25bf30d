"""The plain-text files that a service's data directory may hold, each kind with its reason: the one list.

They are counted and shown wherever the encryption of files is: tolerated is not the same as encrypted.
"""

import re

from stronghouse.keys.disk_headers import Allowance

ALLOWANCES = (
    Allowance(
        name="definitions",
        # The engine has no encrypted place for these: with `database_disk` on an encrypted disk it loses its databases
        # at the next start (measured).
        path=re.compile(r"(.*/)?(metadata|metadata_dropped|store|user_defined)/.*\.sql(\.tmp)?", re.DOTALL),
        begins_with=(b"ATTACH ", b"CREATE "),
        reason="definitions of databases, tables, views and functions: names and expressions, but no rows",
    ),
    Allowance(
        name="configuration",
        path=re.compile(r"configuration/(engine|users)\.xml"),
        begins_with=(b"<?xml ",),
        reason="what we tell the engine: paths, limits and rights; the data key is named there, not written",
    ),
    Allowance(
        name="key check",
        path=re.compile(r"configuration/key-check\.json"),
        begins_with=(b'{"version": 1, "hmac_sha256": "',),
        reason="a MAC under the data key, by which a wrong key is refused before it writes anything",
    ),
    Allowance(
        name="catalogue",
        path=re.compile(r"access\.sealed"),
        begins_with=(b"stronghouse access catalogue 1\n",),
        reason="database users and their rights: AES-256-GCM under a key of its own behind this first line",
    ),
    Allowance(
        name="log journal",
        path=re.compile(r"journal/[0-9a-f-]+\.(segment|damaged)"),
        begins_with=(b"stronghouse log journal 1\n",),
        reason="records on their way into the log tables: AES-256-GCM under keys of their own behind this first line",
    ),
    Allowance(
        name="status",
        path=re.compile(r"engine/status"),
        begins_with=(b"PID: ",),
        reason="the engine's lock: process id and start time",
    ),
)
REASONS = {allowance.name: allowance.reason for allowance in ALLOWANCES}
