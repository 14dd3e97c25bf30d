"""Stronghouse: the security control plane for ClickHouse on your own machines."""

__version__ = "0.1.0"
