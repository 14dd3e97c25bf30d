"""What the machine and its user tell Stronghouse: environment variables and where files go.

Invariant: nothing else in the product reads the environment, so that one place shows all that it can change.
"""
