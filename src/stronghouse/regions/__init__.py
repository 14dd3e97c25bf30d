"""Regions and their agents: who may join, what each region is to bring about, and the stream that joins the planes.

Invariants:
- An agent is known by a certificate of the agents' own authority; a join token buys exactly one, for one key.
- What is sent to a region holds no rows, no queries and no keys; of passwords only their hashes.
- A region's desired state has one version that only grows, raised in the transaction that changes it.
"""
