"""Identity and access: who may do what. API keys, people, sessions, roles, permissions, certificates.

Invariant: credentials are stored only as hashes, and a decision that is not an explicit yes is a no.
"""
