"""Collectors that look at a machine from outside its processes, and those of the control plane itself.

Agents use the first kind too (see `agent.collectors`), so that both planes are looked at in the same way.
"""
