"""The audit log: an RFC 6962 Merkle tree written in the same transaction as the change it records.

Invariants: no change commits without an event; every commit ends with a signed checkpoint; entries are never changed.
"""
