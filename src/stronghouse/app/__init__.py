"""Putting the parts together: the supervisor, the control plane's composition, the doctor and the demo.

Invariant: this is where Protocols of the areas are bound to what fulfils them; no area imports this package.
"""
