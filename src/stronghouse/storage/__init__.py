"""The database: one engine for reads, one for writes, one metadata for every area's tables.

Invariant: only an area's `store` module, the audited unit of work and `app` import this package.
"""
