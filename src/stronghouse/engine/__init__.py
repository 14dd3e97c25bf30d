"""The embedded ClickHouse engine (chDB): the one package that loads it.

Invariants:
- Table data is on the encrypted disk or nowhere: every storage policy is encrypted, only table engines that keep to
  the policy are admitted, and the engine's directory for temporary files is a file, so that nothing can be made in it.
- The data key is in the environment only while the engine opens; a key other than the directory's is refused before.
- A statement is admitted in the engine's own canonical form, and it is that form which runs. What cannot be
  classified is refused.
"""
