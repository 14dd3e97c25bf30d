"""The edge: an Envoy process that ends TLS, enforces IP access lists and hands requests to Unix sockets.

Invariants:
- What a virtual host serves is pinned by server name (SNI), destination port and Host together.
- IP access lists live in the route file only, so that changing one disturbs no running stream.
- The route configuration denies by default: a virtual host without a rule of its own lets nobody in.
- Configuration is built from dataclasses to dictionaries to JSON; no text is ever pasted into it.
- The admin interface exists only as a Unix socket of mode 0600 inside a directory of mode 0700.
"""
