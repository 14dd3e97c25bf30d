"""Roles: what they say, who holds them, what may be done with them, and why somebody may or may not do something."""
