"""Guidance: profiles of desired settings, and how an organization's settings differ from one.

Invariants: a comparison changes nothing; an act is done through the area that owns the setting, with the caller's own
permissions, on exactly the state that its plan was shown for, and never so that the caller is locked out.
"""
