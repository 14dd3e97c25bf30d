"""The `/v1` API: the security part of the ClickHouse Cloud API, and our own operations in the same envelope.

Invariant: a route cannot be built without the permission that it needs or a stated reason to be public.
"""
