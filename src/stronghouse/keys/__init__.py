"""Key-encryption keys, the data keys they wrap, and how a file on disk shows which data key encrypted it.

Invariants: a data key leaves this package only through `open_data_key`; what is stored or sent elsewhere is wrapped.
Nothing here returns part of a plaintext: it opens whole and authenticated, or it raises.
"""
