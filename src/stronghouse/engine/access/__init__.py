"""Users, roles, grants, policies, profiles and quotas of one service, given by SQL as ClickHouse has it.

The engine inside the worker has one user and reads its rights from a file. So the service's own catalogue is what
counts: an access statement, in the engine's canonical form, makes a new catalogue out of the old one; the catalogue is
stored encrypted and rendered into the engine's users file, in which every user and role is a role of the engine.

    catalogue.py   what there is, as a value
    statements.py  access statements as values; parsing.py reads them, printing.py writes them back
    rights.py      grants and partial revokes
    changes.py     a statement and a catalogue make the next catalogue
    rendering.py   a catalogue as the engine's users file
    showing.py     a catalogue as SHOW and as system tables
    store.py       a catalogue on disk, encrypted

Invariants:
- Nothing changes in place: whoever holds a catalogue holds one state of it.
- A statement that cannot be printed back as it was given is refused, not guessed at.
- No password is kept, only hashes; neither goes to a log.
"""
