"""Dated documents and review records: what must be on file for controls that no code can check, and whether it is."""
