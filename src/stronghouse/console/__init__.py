"""The web console, in its first form: sign in by link or password, read the responsibility matrix, sign out.

Invariant: every page is server-rendered and works as plain links and forms; unsafe requests from another site or
another port of this host are refused.
"""
