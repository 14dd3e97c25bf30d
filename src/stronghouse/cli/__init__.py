"""The command line: processes of an installation, and a client of the API that speaks nothing but REST.

Invariants: a command imports what it needs when it runs, so that every command starts fast and the supervisor stays
small; a secret is read from the environment, standard input or a prompt, never from an argument.
"""
