"""The query log and the session log of a service: what was asked of it, by whom, from where, and how it ended.

The front knows all of that and the engine does not: to the engine everybody is its one user. So the record is ours.

Invariants:
- A record is with the operating system, encrypted, before the last byte of the answer it is about, and on disk within
  100 ms. A query whose record cannot be written is not acknowledged.
- A record reaches its table once, also when the worker is killed anywhere on the way there.
- What may be a secret is masked before a record is made.
"""
