"""Findings: what is wrong, since when, who mends it until when, and where someone has accepted it for a while."""
