"""The region's agent: it brings about what the control plane wants, and goes on when there is no control plane.

Invariants:
- It serves from what is on its disk; the control plane is needed to join and to change things, never to go on.
- It is the parent of Envoy and of every worker and holds their listening sockets; they die with it.
- A data key is wrapped and durable before the first byte of data, and destroyed before the data it protects.
- An access list is applied before anything else in a new desired state.
"""
