"""Known vulnerabilities: an imported feed of advisories, a list of the engine's own, compared with versions.

Invariants: nothing here asks the network; an entry that could not be read is counted and told, never skipped in
silence; what cannot be compared is unknown, never clean.
"""
