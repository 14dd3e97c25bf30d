"""What of the engine a service's users may use: an allow-list.

Each table here (`*.tsv`) has a line for every name of its kind that the engine lists, with a verdict:

    allow   anybody with the right to it may use it
    admin   the service's owner may
    access  the service's catalogue of users answers it, not the engine
    fixed   the service sets, answers or replaces it itself
    refuse  nobody may, for the reason named beside it

    classification.py  the tables
    vocabulary.py      the tables against what the engine that runs lists
    statements.py      kinds of statements
    calls.py           functions and table functions
    texts.py           text among their arguments that becomes SQL
    storage.py         engines, formats and codecs

Invariants:
- A name that the engine lists and a table has not is refused. Another version of the engine closes what it brings.
- A test asks the engine for its names and compares: a table cannot fall behind unseen.
"""
