"""Invitations: a person is offered membership with some roles, by a link that works once and ends by itself.

Invariant: a link stands here only as a hash. No list, event or log holds one; who needs it again gets another, and the
one before is worth nothing from then on.
"""
