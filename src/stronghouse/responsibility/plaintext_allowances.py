"""The plain-text files that a service's data directory may hold, each kind with its reason: the one list.

They are counted and shown wherever the encryption of files is: tolerated is not the same as encrypted.
"""

import re

from stronghouse.keys.disk_headers import Allowance

ALLOWANCES = (
    Allowance(
        name="definitions",
        # The engine has no encrypted place for these: with `database_disk` on an encrypted disk it loses its databases
        # at the next start (reference/engine.md, finding 7).
        path=re.compile(r"(.*/)?(metadata|metadata_dropped|store|user_defined)/.*\.sql(\.tmp)?", re.DOTALL),
        begins_with=(b"ATTACH ", b"CREATE "),
        reason="definitions of databases, tables, views and functions: names and expressions, but no rows",
    ),
)
REASONS = {allowance.name: allowance.reason for allowance in ALLOWANCES}
