"""The shared responsibility model as running code: who must do what, the checks that prove it, the evidence.

Invariants: no state of a control or a row is stored, it is derived when read; a result comes only from an evaluator
and its evidence; an error, a stale result or a missing one is never a pass.
"""
